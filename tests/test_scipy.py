"""The functions of minigrad.scipy against finite differences, and against SciPy for their values."""

import subprocess
import sys

import numpy as np
import pytest
from cases import Case, Draw, invertible, positive, positive_definite, real

pytest.importorskip("scipy")

import minigrad.scipy as ms  # noqa: E402
import scipy.linalg  # noqa: E402
import scipy.special  # noqa: E402
from minigrad import gradient  # noqa: E402
from test_derivatives import check_orders  # noqa: E402


def triangular(*shape):
    return Draw(shape, lambda rng, shape: np.tril(rng.uniform(0.2, 1, shape)) + np.eye(shape[-1]))


class SymmetricCase(Case):
    """A case of a function of which the argument must be symmetric."""

    def call(self, a, *args):
        return super().call((a + np.swapaxes(a, -1, -2)) / 2, *args)


CASES = [
    Case(ms.logsumexp, (real(2, 3),), order=3),
    Case(ms.logsumexp, (real(2, 3), 1)),
    Case(ms.logsumexp, (real(2, 3),), dict(axis=0, keepdims=True)),
    Case(ms.logsumexp, (real(2, 3), 1, np.array([1.0, 0.5, 2.0]))),
    Case(ms.softmax, (real(2, 3),), dict(axis=1)),
    Case(ms.softmax, (real(3),)),
    Case(ms.log_softmax, (real(2, 3),), dict(axis=0)),
    Case(ms.polygamma, (0, positive(3))),
    Case(ms.polygamma, (2, positive(3))),
    *[
        Case(ms.solve_triangular, (invertible(3, 3), b, trans, lower), complex=True)
        for b in (real(3), real(3, 2))
        for trans in (0, 1, 2, "C")
        for lower in (False, True)
    ],
    Case(ms.solve_triangular, (invertible(3, 3), real(3), 0, False, True)),
    SymmetricCase(ms.cho_factor, (positive_definite(3, 3),), output=lambda y: y[0]),
    Case(lambda a, b: ms.cho_solve((a, True), b), (triangular(3, 3), real(3))),
    Case(
        lambda a, b: ms.cho_solve((np.swapaxes(a, 0, 1), False), b),
        (triangular(3, 3), real(3, 2)),
        complex=True,
    ),
    Case(ms.expm, (real(3, 3),), complex=True, tolerance=1e-5),
    Case(ms.expm, (real(2, 2, 2),), tolerance=1e-5),
    Case(ms.solve_sylvester, (invertible(3, 3), invertible(2, 2), real(3, 2)), complex=True),
    Case(ms.sqrtm, (positive_definite(3, 3),), complex=True),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_derivatives_agree_with_finite_differences(case):
    check_orders(case)
    if case.complex:
        check_orders(case, complex=True)


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
