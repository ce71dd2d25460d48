"""The functions of minigrad.scipy give what SciPy gives; their derivatives are in tables_scipy.py."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("scipy")

import minigrad.scipy as ms  # noqa: E402
import scipy.linalg  # noqa: E402
import scipy.special  # noqa: E402
from minigrad import gradient  # noqa: E402


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
def test_values_are_scipys(name):
    x = np.linspace(-800, 800, 6).reshape(2, 3)

    np.testing.assert_allclose(
        getattr(ms, name)(x, axis=1), getattr(scipy.special, name)(x, axis=1), rtol=1e-13
    )


def test_polygamma_is_scipys():
    x = np.array([0.5, 2.0])

    np.testing.assert_allclose(ms.polygamma(3, x), scipy.special.polygamma(3, x), rtol=1e-13)


def test_cho_solve_solves():
    a, b = np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0])

    for lower in (False, True):
        np.testing.assert_allclose(a @ ms.cho_solve(ms.cho_factor(a, lower), b), b, rtol=1e-14)


def test_the_gradient_of_logsumexp_is_finite_for_large_and_for_infinite_numbers():
    (found,) = gradient(ms.logsumexp, np.array([1000.0, 1000.0, -np.inf]))

    # the logarithm 1000.7 itself is rounded by 1e-13
    np.testing.assert_allclose(found, [0.5, 0.5, 0.0], rtol=1e-12)


def test_scipy_is_imported_by_nobody_but_the_user():
    program = "import sys, minigrad, numpy; assert 'scipy' not in sys.modules"

    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_functions_of_scipy_special_are_known_when_a_tensor_meets_them():
    program = (
        "import minigrad, scipy.special as sp; assert minigrad.gradient(sp.erf, 0.0)[0] > 1.128;"
        "assert type(sp.expit(minigrad.Tensor([0.0]))) is minigrad.Tensor"
    )

    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
