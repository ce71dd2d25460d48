"""Whole numbers: values are NumPy's, derivatives are taken in floating point.

Over the whole table the gradient with respect to whole numbers is compared with that at the same places in float64,
which test_derivatives.py compares with finite differences.  The loss is linear in what the function returns, so
that small dtypes that wrap around do not change what is asked for.
"""

import warnings

import minigrad.scipy
import numpy as np
import pytest
import scipy
from cases import Case
from minigrad import (
    LostGradientError,
    adjoint,
    array,
    checkpointed,
    dropgrad,
    gradient,
    hessian,
    hook,
    hvp,
    jacobian,
    jvp,
    losses,
    pullback,
    trace,
    withgradient,
)
from minigrad.core.errors import MinigradError
from test_derivatives import CASES, check, draws_in, drawn, filled, over_functions

SMALL_FLOATS = np.float16, np.float32, np.complex64
DTYPES = [np.int8, np.uint8, np.int32, np.int64]
STEPS = {
    np.piecewise: "what the pieces give is cast to the argument's whole numbers, and moves in steps",
    np.partition: "equal numbers stand in no order that another dtype would share",
    getattr(np, "unique_values", None): "the values come in no order that another dtype would share",
}
IN_SINGLE = {np.emath.power}  # which computes with 8 bits as complex64
IN_HALF = set()
AT_EDGES = {minigrad.scipy.stats.beta.pdf, minigrad.scipy.stats.dirichlet.pdf}  # differences reach beyond them
if tuple(map(int, scipy.__version__.split(".")[:2])) < (1, 15):  # half precision on the way
    IN_HALF |= {minigrad.scipy.softmax, minigrad.scipy.log_softmax, minigrad.scipy.logsumexp}


# ------------------------------------------------------------------------------------- the whole table
def weighed(y):
    """Return a linear function of all entries, with weights that every dtype holds exactly."""
    if y.dtype.kind not in "fciu":
        return 0.0
    weights = np.asarray(1 + np.arange(y.size).reshape(y.shape) % 3 / 2)
    weights = weights.astype(y.real.dtype) if y.dtype.kind in "fc" else weights
    return np.sum(np.real((1 - 0.5j) * weights * y if y.dtype.kind == "c" else weights * y))


def several(y):
    return y if isinstance(y, (list, tuple)) else [y]


def loss_of(case):
    return lambda *xs: sum(map(weighed, several(case.call(*filled(case.args, iter(xs))))))


def outcome(f, *xs):
    """Return the gradients, or None where the function has none there."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return gradient(f, *xs)
        except (ValueError, np.linalg.LinAlgError, OverflowError, TypeError, MinigradError):
            return None


def value_of(case, xs):
    """Return what NumPy gives, as a list, or None if it does not take such numbers."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return several(case.call(*filled(case.args, iter(xs))))
        except (ValueError, np.linalg.LinAlgError, OverflowError, TypeError):
            return None


def check_in(case, dtype, scale):
    if case.function in IN_HALF and np.dtype(dtype).itemsize == 1:
        return
    xs = [np.rint(scale * (abs(x) if np.dtype(dtype).kind == "u" else x)) for x in drawn(case)]
    xs = [np.where(np.isnan(x), 0, x).astype(dtype) for x in xs]
    f = loss_of(case)
    expected = outcome(f, *[x.astype(float) for x in xs])
    values = value_of(case, xs)
    if expected is None or values is None or not all(np.isfinite(part).all() for part in values):
        return
    found = outcome(f, *xs)
    assert found is not None, (str(case), dtype)
    # what NumPy computes of 8 and 16 bits in half and single precision has its gradient there
    coarse = case.function in IN_SINGLE or any(part.dtype in SMALL_FLOATS for part in values)
    for g, h, x in zip(found, expected, xs):
        if g is None:
            assert h is None or not np.any(h), (str(case), dtype)
            continue
        assert np.shape(g) == x.shape and np.asarray(g).dtype == float, (str(case), dtype)
        finite = np.isfinite(h)
        size = np.max(np.abs(np.asarray(h)[finite]), initial=1e-3)
        off = np.max(np.abs(np.asarray(g)[finite] - np.asarray(h)[finite]), initial=0)
        assert off <= (2e-3 if coarse else 1e-9) * size, (str(case), dtype, xs, g, h)


OF_NUMBERS = [
    case for case in CASES if case.function not in STEPS and all(x.dtype.kind == "f" for x in drawn(case))
]


@over_functions(OF_NUMBERS)
def test_the_derivatives_of_whole_numbers_are_those_of_the_same_numbers_in_floating_point(cases):
    for k, case in enumerate(cases[:8]):
        check_in(case, DTYPES[k % 4], scale=3)
        check_in(case, DTYPES[(k + 1) % 4], scale=1)


@pytest.mark.slow
@over_functions(OF_NUMBERS)
def test_they_are_in_every_dtype(cases):
    for case in cases:
        for dtype in DTYPES:
            check_in(case, dtype, scale=1)
            check_in(case, dtype, scale=3)
            if type(case) is Case and case.function not in IN_SINGLE:  # others add up first, which wraps around
                check_in(case, dtype, scale=40)


# --------------------------------------------------------------------------------------------- by hand
SMALL = {
    "norm": (np.linalg.norm, np.array([60000, 80000], np.int32), [0.6, 0.8]),
    "x**5": (lambda x: x**5, np.uint8(3), 405.0),
    "sum of x**2": (lambda x: np.sum(x**2), np.array([200], np.uint8), [400.0]),
    "x * x * x wraps on the way": (lambda x: np.sum(x * x * x), np.array([200], np.uint8), [120000.0]),
    "x - 2 x": (lambda x: np.sum(x - 2 * x), np.array([200, 1], np.uint8), [-1.0, -1.0]),
    "-x": (lambda x: np.sum(-x), np.array([1, -128], np.int8), [-1.0, -1.0]),
    "|x|": (lambda x: np.sum(np.abs(x)), np.array([5, -128], np.int8), [1.0, -1.0]),
    "the product": (np.prod, np.array([2**40, 3, 2**30]), [3.0 * 2**30, 2.0**70, 3.0 * 2**40]),
    "x**x": (lambda x: x**x, np.int8(7), 7.0**7 * (np.log(7) + 1)),
    "exp of 8 bits": (lambda x: np.sum(np.exp(x)), np.array([3], np.int8), [np.exp(3)]),
    "1 // x of whole numbers": (lambda x: np.sum(np.reciprocal(x)), np.array([4]), [-1 / 16]),
    "a wider dtype": (lambda x: np.sum(x.astype(np.int64) ** 2), np.array([200], np.uint8), [400.0]),
    "a square of a sum": (lambda x: np.sum(x) ** 2, np.array([200, 100], np.uint8), [600.0, 600.0]),
    "an index and a number": (lambda n: np.arange(5.0)[n] * n, np.int64(3), 3.0),
    "a Python int": (lambda x: x**2 * 1.5, 3, 9.0),
}  # fmt: skip


@pytest.mark.parametrize("f, x, expected", SMALL.values(), ids=SMALL)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of what wraps around
def test_a_derivative_does_not_wrap_around(f, x, expected):
    (g,) = gradient(f, x)

    np.testing.assert_allclose(g, expected, rtol=1e-14)
    assert np.asarray(g).dtype == float


def test_the_value_is_that_of_numpy_and_wraps_around_as_it_does():
    x = np.array([200, 100], np.uint8)

    assert withgradient(lambda x: np.sum(x * x), x).val == np.sum(x * x) == 64 + 16


def test_the_mean_squared_error_of_bytes():
    a, b = np.array([200, 3], np.uint8), np.array([3, 200], np.uint8)

    loss, (ga, gb) = withgradient(losses.mse, a, b)

    assert loss == 197.0**2 and ga.tolist() == [197.0, -197.0] and gb.tolist() == [-197.0, 197.0]


def test_derivatives_of_higher_order_and_jacobians():
    x = np.array([30, 4], np.uint8)
    cubes = lambda x: np.sum(x**3)

    assert jacobian(lambda x: x - x * x, x)[0].tolist() == [[-59.0, 0.0], [0.0, -7.0]]
    assert hessian(cubes, x).tolist() == [[180.0, 0.0], [0.0, 24.0]]
    assert hvp(cubes, x, np.array([2, 3], np.uint8)).tolist() == [360.0, 72.0]
    assert jvp(lambda x: x**3, (x,), (np.array([2, 3], np.uint8),))[1].tolist() == [5400.0, 144.0]
    assert gradient(lambda x: gradient(lambda y: y**3, x * x)[0], np.uint8(20)) == (6 * 20**2 * 2 * 20,)


# ------------------------------------------------------------------------- constants beside real numbers
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:Polyfit may be poorly conditioned")
@over_functions([case for case in OF_NUMBERS if len(draws_in(case.args)) > 1 and case.order > 1])
def test_whole_numbers_as_constants_leave_the_other_derivatives_right(cases):
    """Against finite differences of NumPy's function, which gets the same whole numbers."""
    for case in cases[:4]:
        for k, x in enumerate(drawn(case)):
            for dtype in (np.int8, np.uint8) if case.function not in {*IN_HALF, *AT_EDGES} else ():
                others = [np.rint(2 * abs(x) if dtype is np.uint8 else 2 * x) for x in drawn(case)]
                others = [np.where(np.isnan(x), 0, x).astype(dtype) for x in others]
                f = lambda x: loss_of(case)(*others[:k], x, *others[k + 1 :])  # noqa: B023
                if outcome(f, x) is None or outcome(f, x)[0] is None:
                    continue
                values = value_of(case, [*others[:k], x, *others[k + 1 :]])
                if all(np.isfinite(part).all() and part.dtype in (float, complex) for part in values):
                    check(f, [x], 1e-5)


# ------------------------------------------------------------------------------- other ways into the tape
BYTES = np.array([200, 100], np.uint8)


@adjoint
def squares(x):
    return x * x, lambda g: (g * 2.0 * x,)


OTHERWISE = {
    "checkpointed": (lambda x: np.sum(checkpointed(lambda y: y * y * y, x)), [120000.0, 30000.0]),
    "a hook": (lambda x: np.sum(hook(lambda g: 2 * g, x) ** 2), [800.0, 400.0]),
    "a hook on what wrapped around": (lambda x: np.sum(hook(lambda g: 2 * g, x * x) * x), [200000.0, 50000.0]),
    "a derivative of one's own": (lambda x: np.sum(squares(x) * 1.0), [400.0, 200.0]),
    "minigrad.array": (lambda x: np.sum(array([x[0] * 2, x[1]]) ** 2), [1600.0, 200.0]),
    "a dictionary": (lambda x: np.sum({"a": x}["a"] ** 2), [400.0, 200.0]),
    "a constant": (lambda x: np.sum(dropgrad(x) * x), [200.0, 100.0]),
}


@pytest.mark.parametrize("f, expected", OTHERWISE.values(), ids=OTHERWISE)
def test_whole_numbers_stay_exact_wherever_they_are_recorded(f, expected):
    assert gradient(f, BYTES)[0].tolist() == expected


def test_a_pullback_of_whole_numbers_and_what_turns_them_into_plain_ones():
    y, back = pullback(lambda x: x * x, BYTES)

    assert y.tolist() == [64, 16] and y.dtype == np.uint8
    assert back(np.array([1.0, 2.0]))[0].tolist() == [400.0, 400.0]
    with pytest.raises(LostGradientError, match="float"):
        gradient(lambda x: float(x[0]) * 1.0, BYTES)
    assert gradient(lambda n: np.sum(np.ones(5)[:n]) * n, 3) == (3.0,)  # as an index it is a constant


@pytest.mark.parametrize("f", [lambda x: np.sum(x * x * 0.5), lambda x: np.sum(x * x), np.linalg.norm])
def test_a_program_of_whole_numbers_is_that_of_the_gradient(f):
    names = {}
    program = trace(f, BYTES)
    exec(program.source(), names)

    loss, (g,) = names["loss_and_gradients"](BYTES, *program.constants.values())

    value, (expected,) = withgradient(f, BYTES)
    assert loss == value and g.tolist() == expected.tolist()
