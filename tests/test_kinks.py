"""Where a function has a kink, a pole or a flat spot: gradients and second derivatives, and no needless NaN.

The conventions themselves are the lists KINKS in the tests' tables.  Here are their second derivatives,
and expressions that meet such places in the middle of a computation.
"""

import minigrad
import numpy as np
import pytest
from minigrad import gradient, hessian, hvp

O = np.zeros(2)

# A kink between two sides that are straight, and have the second derivative 0.
KINKS = {
    "absolute": (lambda x: np.sum(np.abs(x)), O),
    "fabs": (lambda x: np.sum(np.fabs(x)), O),
    "maximum": (lambda x: np.sum(np.maximum(x, 0)), O),
    "max": (lambda x: np.max(x), O),
    "clip": (lambda x: np.sum(np.clip(x, 0, 1)), O),
    "norm of order 1": (lambda x: np.linalg.norm(x, 1), np.array([0.0, 2.0])),
}

# A tip of a cone, near which second derivatives grow without bound.
TIPS = {
    "absolute of complex": (lambda x: np.sum(np.abs(x[0] + 1j * x[1])), O),
    "hypot": (lambda x: np.hypot(x[0], x[1]), O),
    "arctan2": (lambda x: np.arctan2(x[0], x[1]), O),
    "angle": (lambda x: np.angle(x[0] + 1j * x[1]), O),
    "std": (lambda x: np.std(x), O),
    "ptp": (lambda x: np.ptp(x), O),
    "norm": (lambda x: np.linalg.norm(x), O),
    "norm of order 1": (lambda x: np.linalg.norm(x, 1), O),
    "norm of order 3": (lambda x: np.linalg.norm(x, 3), O),
    "norm of order 1/2": (lambda x: np.linalg.norm(x, 0.5), O),
    "norm of order inf": (lambda x: np.linalg.norm(x, np.inf), O),
    "norm of rows": (lambda x: np.sum(np.linalg.norm(x[:, None], axis=1)), O),
    **{
        f"norm of a matrix, {order}": (lambda x, order=order: np.linalg.norm(x[:, None] * np.ones(3), order), O)
        for order in ("fro", "nuc", 1, -1, 2, np.inf)
    },
}


@pytest.mark.parametrize("f, x", KINKS.values(), ids=KINKS.keys())
def test_the_second_derivative_at_a_kink_is_that_of_both_sides(f, x):
    (g,) = gradient(f, x)

    assert np.all(np.isfinite(g))
    assert not np.any(hessian(f, x))
    assert not np.any(hvp(f, x, np.array([1.0, -2.0])))


@pytest.mark.parametrize("f, x", TIPS.values(), ids=TIPS.keys())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_first_derivative_at_a_tip_is_0_and_the_second_is_not_said_to_be_one(f, x):
    try:
        H = hessian(f, x)
    except np.linalg.LinAlgError:
        H = np.full((2, 2), np.nan)  # of singular values that coincide

    assert not np.any(gradient(f, x)[0])
    assert np.all(np.isnan(H)), H


A, B = np.array([[1.0, 2.0], [0.5, -1.0], [2.0, 0.0]]), np.array([5.0, -1.5, 2.0])  # A @ [1, 2] is B
SQUARED = {
    "norm": lambda r: np.linalg.norm(r) ** 2,
    "norm of rows": lambda r: np.sum(np.linalg.norm(r[None], axis=1) ** 2),
    "frobenius": lambda r: np.linalg.norm(r[None], "fro") ** 2,
    "spectral": lambda r: np.linalg.norm(r[None], 2) ** 2,
    "vector norm": lambda r: np.linalg.vector_norm(r) ** 2,
    "complex": lambda r: np.sum(np.abs(r * (1 + 0j)) ** 2),
    "absolute": lambda r: np.sum(np.abs(r) ** 2),
    "fabs": lambda r: np.sum(np.fabs(r) ** 2),
    "copysign": lambda r: np.sum(np.copysign(r, 1.0) ** 2),
    "norm of order 1, by entries": lambda r: np.sum(np.linalg.norm(r[:, None], 1, axis=1) ** 2),
    "huber": lambda r: 2 * minigrad.losses.huber_loss(r, 0.0, delta=9.0, agg=np.sum),
    "hypot": lambda r: np.hypot(np.hypot(r[0], r[1]), r[2]) ** 2,
    "deviation": lambda r: 6 * np.std(np.concatenate([r, -r])) ** 2 / 2,
    "mse": lambda r: minigrad.losses.mse(r, 0.0, agg=np.sum),
    "mean mse": lambda r: 3 * minigrad.losses.mse(r, 0.0),
    "r @ r": lambda r: r @ r,
    "sum": lambda r: np.sum(r * r),
}


@pytest.mark.parametrize("square", SQUARED.values(), ids=SQUARED.keys())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_hessian_of_least_squares_at_the_solution_is_right_or_not_a_number(square):
    if square is SQUARED["vector norm"] and not hasattr(np.linalg, "vector_norm"):
        pytest.skip("since NumPy 2.0")
    f = lambda w: square(A @ w - B)

    elsewhere, at_the_solution = hessian(f, np.array([1.5, 2.5])), hessian(f, np.array([1.0, 2.0]))

    np.testing.assert_allclose(elsewhere, 2 * A.T @ A, rtol=1e-12)
    right = np.allclose(at_the_solution, 2 * A.T @ A, rtol=1e-12)
    assert right or np.isnan(at_the_solution).all(), at_the_solution
    assert right or square not in [SQUARED[name] for name in ("huber", "mse", "mean mse", "r @ r", "sum")]
    assert not np.any(gradient(f, np.array([1.0, 2.0]))[0])


def test_the_deviation_of_one_number_is_flat():
    assert hessian(lambda x: np.sum(np.std(x[:, None], axis=1)), O).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("order", [2, -2, "nuc", "fro", 1, -1, np.inf, -np.inf])
def test_the_norm_of_a_matrix_of_zeros_has_gradient_zero(order):
    assert not np.any(gradient(lambda A: np.linalg.norm(A, order), np.zeros((2, 3)))[0])


def test_the_sign_of_a_complex_zero_has_gradient_zero():
    assert gradient(lambda z: np.sign(z).real, 0j) == (0j,)


def test_a_zero_among_the_entries_of_a_cubic_norm_has_the_second_derivatives_of_the_mathematics():
    """y = (|a|^3 + |b|^3)^(1/3):  d2y/da2 = 2 |a| |b|^3 / y^5, which is 0 at a = 0, and so are the others."""
    assert not np.any(hessian(lambda x: np.linalg.norm(x, 3), np.array([0.0, -2.0])))


# Smooth places that look dangerous: the derivatives of order 0, 1, 2 by hand.  None: the second derivative is
# 0, the difference of numbers of the size 1 / x, and rounding is all that is left.
SMOOTH = {
    "softplus at 0": (lambda x: np.logaddexp(0, x), 0.0, np.log(2), 0.5, 0.25),
    "softplus far left": (lambda x: np.logaddexp(0, x), -1e3, 0.0, 0.0, 0.0),
    "softplus far right": (lambda x: np.logaddexp(0, x), 1e3, 1e3, 1.0, 0.0),
    "logaddexp of equals": (lambda x: np.logaddexp(x, 1e5), 1e5, 1e5 + np.log(2), 0.5, 0.25),
    "logaddexp2": (lambda x: np.logaddexp2(x, -np.inf), 3.0, 3.0, 1.0, 0.0),
    "logaddexp.reduce": (lambda x: np.logaddexp.reduce(x * np.array([1, 1, -1])), 1e3, 1e3 + np.log(2), 1, 0),
    "log1p near 0": (np.log1p, 1e-20, 1e-20, 1.0, -1.0),
    "expm1 near 0": (np.expm1, 1e-20, 1e-20, 1.0, 1.0),
    "expm1 - log1p": (lambda x: np.expm1(np.log1p(x)), 1e-20, 1e-20, 1.0, 0.0),
    "tanh far away": (np.tanh, 1e3, 1.0, 0.0, 0.0),
    "arctan far away": (np.arctan, 1e60, np.pi / 2, 0.0, 0.0),
    "x**0 at 0": (lambda x: x**0, 0.0, 1.0, 0.0, 0.0),
    "x**1 at 0": (lambda x: x**1, 0.0, 0.0, 1.0, 0.0),
    "x**2 at 0": (lambda x: x**2, 0.0, 0.0, 0.0, 2.0),
    "x**2.0 at 0": (lambda x: x**2.0, 0.0, 0.0, 0.0, 2.0),
    "x**3 at a negative": (lambda x: x**3, -2.0, -8.0, 12.0, -12.0),
    "0**x": (lambda x: 0.0**x, 2.0, 0.0, 0.0, 0.0),
    "sinc at 0": (np.sinc, 0.0, 1.0, 0.0, -(np.pi**2) / 3),
    "norm of small numbers": (lambda x: np.linalg.norm(np.array([3.0, 4.0]) * x), 1e-100, 5e-100, 5.0, None),
    "norm of large numbers": (lambda x: np.linalg.norm(np.array([3.0, 4.0]) * x), 1e100, 5e100, 5.0, None),
    "hypot of tiny numbers": (lambda x: np.hypot(3 * x, 4 * x), 1e-200, 5e-200, 5.0, None),
    "abs of a tiny complex": (lambda x: np.abs(3 * x + 4j * x), 1e-200, 5e-200, 5.0, None),
    "log of a sum of exps": (lambda x: np.log(np.sum(np.exp(x - x))), 1e3, 0.0, 0.0, 0.0),
    "prod with a zero": (lambda x: np.prod(np.array([2.0, 0.0, 3.0]) + x), 0.0, 0.0, 6.0, 10.0),
}


@pytest.mark.parametrize("f, x, value, first, second", SMOOTH.values(), ids=SMOOTH.keys())
def test_derivatives_stay_finite_and_right_where_the_function_is(f, x, value, first, second):
    with np.errstate(all="raise", under="ignore"):
        slope = lambda x: gradient(f, x)[0]

        assert f(x) == pytest.approx(value, rel=1e-15, abs=0)
        assert slope(x) == pytest.approx(first, rel=1e-11, abs=1e-15)  # logaddexp: 1e5 has 11 digits after it
        if second is not None:
            assert (gradient(slope, x)[0] or 0.0) == pytest.approx(second, rel=1e-11, abs=1e-12)


POLES = {
    "sqrt at 0": (np.sqrt, 0.0, np.inf),
    "cbrt at 0": (np.cbrt, 0.0, np.inf),
    "x**0.5 at 0": (lambda x: x**0.5, 0.0, np.inf),
    "log at 0": (np.log, 0.0, np.inf),
    "1 / x at 0": (lambda x: 1 / x, 0.0, -np.inf),
    "log1p at -1": (np.log1p, -1.0, np.inf),
    "arcsin at 1": (np.arcsin, 1.0, np.inf),
    "arccos at -1": (np.arccos, -1.0, -np.inf),
    "arctanh at 1": (np.arctanh, 1.0, np.inf),
    "arccosh at 1": (np.arccosh, 1.0, np.inf),
}


@pytest.mark.parametrize("f, x, expected", POLES.values(), ids=POLES.keys())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_vertical_tangent_is_infinite_as_in_mathematics(f, x, expected):
    assert gradient(f, x) == (expected,)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_where_hides_a_pole_if_the_argument_is_made_safe_too():
    """The branch not taken multiplies its infinity by zero: the way out is to choose the argument, too."""
    naive = lambda x: np.where(x > 0, np.sqrt(x), 0.0)
    safe = lambda x: np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0)

    assert np.isnan(gradient(naive, 0.0)[0])
    assert gradient(safe, 0.0) == (0.0,)
    assert gradient(safe, 4.0) == (0.25,)
