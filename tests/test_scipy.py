"""The functions of minigrad.scipy give what SciPy gives; their derivatives are in tables_scipy.py."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("scipy")

import minigrad.scipy as ms  # noqa: E402
import scipy.integrate  # noqa: E402
import scipy.linalg  # noqa: E402
import scipy.signal  # noqa: E402
import scipy.special  # noqa: E402
from minigrad import LostGradientError, gradient  # noqa: E402
from minigrad.conversions import INSTEAD_OF_SCIPY  # noqa: E402


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
def test_values_are_scipys(name):
    x = np.linspace(-800, 800, 6).reshape(2, 3)

    np.testing.assert_allclose(
        getattr(ms, name)(x, axis=1), getattr(scipy.special, name)(x, axis=1), rtol=1e-13
    )


def test_polygamma_is_scipys():
    x = np.array([0.5, 2.0])

    for n in (0, 3, [0, 3]):
        np.testing.assert_allclose(ms.polygamma(n, x), scipy.special.polygamma(n, x), rtol=1e-13)


def test_cho_solve_solves():
    a, b = np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0])

    for lower in (False, True):
        np.testing.assert_allclose(a @ ms.cho_solve(ms.cho_factor(a, lower), b), b, rtol=1e-14)


def test_solve_sylvester_solves_where_some_are_real_and_some_complex():
    a, real = np.array([[0.0, 2.0], [-2.0, 0.0]]), np.array([[1.0, 3.0], [0.0, 4.0]])

    for b, q in ((real, 1j * a), (real + 1j, a), (1j * real, 1j * a)):
        x = ms.solve_sylvester(a, b, q)
        np.testing.assert_allclose(a @ x + x @ b, q, atol=1e-14)


def test_arguments_may_be_given_by_name():
    a, b = np.array([[2.0, 0.0], [1.0, 4.0]]), np.array([2.0, 3.0])

    by_name = gradient(lambda a, b: np.sum(ms.solve_triangular(a=a, b=b, lower=True, check_finite=False)), a, b)

    for found, expected in zip(by_name, gradient(lambda a, b: np.sum(np.linalg.solve(a, b)), a, b)):
        np.testing.assert_allclose(found, np.tril(expected) if found.ndim == 2 else expected)
    assert gradient(lambda w: ms.logsumexp(np.zeros(2), b=w), np.array([1.0, 3.0]))[0].tolist() == [0.25, 0.25]


# -------------------------------------------------------------------- the two ways to call a function
ELEMENTWISE = """
    gamma gammaln loggamma psi digamma beta betaln gammainc gammaincc erf erfc erfcx erfinv erfcinv ndtr expit
    log_expit logit xlogy xlog1py entr j0 j1 i0 i1
"""


@pytest.mark.parametrize("name", ELEMENTWISE.split())
def test_elementwise_functions_are_scipys_own(name):
    assert getattr(ms, name) is getattr(scipy.special, name)


ON_PLAIN_ARRAYS = {
    "logsumexp": lambda f, a: f(a),
    "softmax": lambda f, a: f(a),
    "log_softmax": lambda f, a: f(a),
    "polygamma": lambda f, a: f(1, a),
    "solve_triangular": lambda f, a: f(a, np.ones(2)),
    "cho_factor": lambda f, a: f(a)[0],
    "cho_solve": lambda f, a: f((a, True), np.ones(2)),
    "expm": lambda f, a: f(a),
    "sqrtm": lambda f, a: f(a),
    "solve_sylvester": lambda f, a: f(a, a, a),
    "logm": lambda f, a: f(a),
    "multigammaln": lambda f, a: f(a, 2),
    "solve_banded": lambda f, a: f((1, 0), a, np.ones(2)),
    "block_diag": lambda f, a: f(a, a),
    "toeplitz": lambda f, a: f(a[0], a[1]),
    "convolve": lambda f, a: f(a, a),
    "correlate": lambda f, a: f(a, a),
    "fftconvolve": lambda f, a: f(a, a),
    "odeint": lambda f, a: f(lambda y, t: -y, a[0], np.arange(3.0)),
    "solve_ivp": lambda f, a: f(lambda t, y: -y, (0.0, 1.0), a[0]).y,
}


@pytest.mark.parametrize("name", ON_PLAIN_ARRAYS)
def test_a_function_of_scipy_that_converts_its_arguments_says_what_to_write(name):
    call, a = ON_PLAIN_ARRAYS[name], np.array([[4.0, 1.0], [1.0, 3.0]])
    homes = (scipy.special, scipy.linalg, scipy.signal, scipy.integrate)
    scipys = next(getattr(home, name) for home in homes if hasattr(home, name))

    with pytest.raises(LostGradientError, match=rf"\.{name} .*Use minigrad\.scipy\.{name}"):
        gradient(lambda a: np.sum(call(scipys, a)), a)

    (found,) = gradient(lambda a: np.sum(call(getattr(ms, name), a)), a)
    assert found.shape == a.shape and np.any(found)


def test_a_function_that_numpy_has_too_is_named():
    with pytest.raises(LostGradientError, match=r"scipy\.linalg\.cholesky .*Use np\.linalg\.cholesky"):
        gradient(lambda a: scipy.linalg.cholesky(a)[0, 0], np.eye(2))


def test_the_polynomials_of_np_polynomial_say_so_too():
    with pytest.raises(LostGradientError, match=r"numpy\.polynomial\.polynomial\.polyval .*Use np\.polyval"):
        gradient(lambda c: np.polynomial.polynomial.polyval(2.0, c), np.ones(3))
    with pytest.raises(LostGradientError, match=r"numpy\.polynomial .*Use NumPy's functions"):
        gradient(lambda c: np.polynomial.Polynomial(c)(2.0), np.ones(3))


def test_what_is_not_there_says_what_is():
    with pytest.raises(AttributeError, match="has no 'funm'.*elementwise functions.*sqrtm.*stats"):
        ms.funm  # noqa: B018
    with pytest.raises(AttributeError, match="special has no 'comb'.*logsumexp"):
        ms.special.comb  # noqa: B018

    assert INSTEAD_OF_SCIPY == set(ON_PLAIN_ARRAYS) == set(ms.__all__)


def test_the_gradient_of_logsumexp_is_finite_for_large_and_for_infinite_numbers():
    (found,) = gradient(ms.logsumexp, np.array([1000.0, 1000.0, -np.inf]))

    # the logarithm 1000.7 itself is rounded by 1e-13
    np.testing.assert_allclose(found, [0.5, 0.5, 0.0], rtol=1e-12)


def test_the_gamma_function_of_complex_numbers_has_a_first_derivative_only():
    slope = lambda z: gradient(lambda z: np.real(scipy.special.gamma(z)), z)[0]

    assert slope(2.0 + 0j) == pytest.approx(1 - np.euler_gamma)
    with pytest.raises(NotImplementedError, match="no second derivative"):
        gradient(lambda z: np.real(slope(z)), 2.0 + 0j)


def test_scipy_is_imported_by_nobody_but_the_user():
    program = "import sys, minigrad, numpy; assert 'scipy' not in sys.modules"

    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_functions_of_scipy_special_are_known_when_a_tensor_meets_them():
    program = (
        "import minigrad, scipy.special as sp; assert minigrad.gradient(sp.erf, 0.0)[0] > 1.128;"
        "assert type(sp.expit(minigrad.Tensor([0.0]))) is minigrad.Tensor"
    )

    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_a_real_matrix_whose_root_is_complex_has_a_real_gradient_in_a_gradient_too():
    """The eigenvalues of A are 3 and -1; the expected numbers are differences of SciPy's sqrtm."""
    A, weights = np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([[1.0, 2.0], [3.0, 5.0]])
    slope = lambda a: gradient(lambda a: np.sum(weights * np.imag(ms.sqrtm(a))), a)[0]

    (g,) = gradient(lambda a: np.sum(np.abs(slope(a)) ** 2), A)

    assert g == pytest.approx(np.array([[0.203125, -0.109375], [0.046875, -0.671875]]), abs=1e-9)


# ------------------------------------------------------------------------------------ matrices and signals
def test_banded_systems_are_solved_and_the_corners_do_not_count():
    ab, b = np.arange(1.0, 13.0).reshape(3, 4) + 9 * np.eye(3, 4, 1), np.array([1.0, -2.0, 3.0, 4.0])

    x = ms.solve_banded((1, 1), ab, b)
    by_ab, _ = gradient(lambda ab, b: np.sum(ms.solve_banded((1, 1), ab, b) ** 3), ab, b)

    np.testing.assert_allclose(x, scipy.linalg.solve_banded((1, 1), ab, b), rtol=1e-15)
    assert by_ab[0, 0] == by_ab[2, 3] == 0 and np.all(by_ab[1] != 0)


@pytest.mark.parametrize("args", [(np.ones((2, 2)), 3.0, [1.0, 2.0]), ()])
def test_block_diag_is_scipys(args):
    np.testing.assert_array_equal(ms.block_diag(*args), scipy.linalg.block_diag(*args))


def test_toeplitz_and_logm_and_multigammaln_are_scipys():
    c, r, A = np.array([1.0, 2.0 + 1j]), np.array([5.0, 6.0, 7.0]), np.array([[2.0, 1.0], [0.5, 3.0]])

    np.testing.assert_array_equal(ms.toeplitz(c), scipy.linalg.toeplitz(c))
    np.testing.assert_array_equal(ms.toeplitz(c, r), scipy.linalg.toeplitz(c, r))
    np.testing.assert_array_equal(ms.logm(A), scipy.linalg.logm(A))
    np.testing.assert_allclose(ms.multigammaln(r, 3), scipy.special.multigammaln(r, 3), rtol=1e-14)
    with pytest.raises(ValueError, match="greater than"):
        ms.multigammaln(0.5, 3)


SIZES = [((5,), (2,)), ((2,), (5,)), ((4,), (4,)), ((4, 5), (2, 3)), ((4, 5), (3, 2)), ((), ()), ((1,), (3,))]


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_signals_are_scipys_in_every_mode(name, mode):
    rng = np.random.default_rng(0)

    for sizes in SIZES:
        for method in ("direct", "fft", "auto"):
            a, b = (rng.normal(size=size) + 1j * rng.normal(size=size) for size in sizes)
            expected = getattr(scipy.signal, name)(a, b, mode, method)
            found = getattr(ms, name)(a, b, mode=mode, method=method)
            np.testing.assert_allclose(found, expected, atol=1e-13, err_msg=str((sizes, method)))


def test_convolution_over_some_axes_broadcasts_the_others():
    a, b = np.random.default_rng(0).normal(size=(2, 3, 5)), np.array([[[1.0, -2.0]]])

    for found in (ms.convolve(a, b, axes=-1), ms.fftconvolve(a, b, axes=2), ms.correlate(a, b[..., ::-1], axes=2)):
        expected = [[np.convolve(row, b[0, 0]) for row in part] for part in a]
        np.testing.assert_allclose(found, expected, atol=1e-14)
    with pytest.raises(ValueError, match="method='fft'"):
        ms.convolve(a, b, method="direct", axes=2)


def test_x_log_y_has_its_mixed_derivatives_where_x_is_0():
    by_x_and_y = lambda f, y: gradient(lambda x: gradient(lambda y: f(x, y), y)[0], 0.0)[0]

    assert by_x_and_y(scipy.special.xlogy, 2.0) == 0.5
    assert by_x_and_y(scipy.special.xlog1py, 3.0) == 0.25


def test_what_this_wing_has_not_is_scipys_own_for_plain_arrays_in_every_module():
    for ours, theirs, name in (
        (ms.signal, scipy.signal, "lfilter"), (ms.integrate, scipy.integrate, "simpson"),
        (ms.linalg, scipy.linalg, "lu"),
    ):  # fmt: skip
        assert getattr(ours, name) is getattr(theirs, name)
        with pytest.raises(AttributeError, match="has no 'nothing': it has [a-z_]+, "):
            ours.nothing  # noqa: B018
    with pytest.raises(LostGradientError, match=r"scipy\.signal"):
        gradient(lambda x: np.sum(ms.signal.lfilter([1.0], [1.0, 0.5], x)), np.ones(3))


def test_stacks_of_toeplitz_matrices_are_those_of_their_vectors():
    c, r = np.arange(6.0).reshape(2, 3), np.arange(4.0)

    expected = np.stack([scipy.linalg.toeplitz(row, r) for row in c])
    assert np.array_equal(ms.toeplitz(c, r), expected)
    assert np.array_equal(ms.toeplitz(2.0), scipy.linalg.toeplitz(2.0))
