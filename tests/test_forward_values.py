"""Values inside of a gradient are NumPy's: kind, shape, dtype and every bit, over the whole table and beyond.

What is compared with is NumPy called outside, on the same arrays.  Where bits differ or calls are not taken alike, the
reason stands in REASONS.
"""

import operator
import warnings

import numpy as np
import pytest
from minigrad import Tensor, gradient
from test_derivatives import CASES, drawn, filled, name_of, over_functions

REAL = [np.float16, np.float32, np.float64, np.longdouble]
COMPLEX = [np.complex64, np.complex128, np.clongdouble]
WHOLE = [np.int8, np.uint8, np.int64]
REASONS = {
    np.polyfit: "NumPy refuses half precision with weights, which linear algebra does not take; here it is widened",
}


def parts(y):
    """Return the arrays that a function returned, in nested tuples and lists."""
    if isinstance(y, (tuple, list)):
        return [part for several in y for part in parts(several)]
    return [np.asarray(y.data if type(y) is Tensor else y)]


def differences(found, expected):
    """Say how two results differ, '' if they do not: NaN equals NaN, and -0.0 differs from 0.0."""
    found, expected = parts(found), parts(expected)
    if len(found) != len(expected):
        return f"{len(found)} arrays, not {len(expected)}"
    for a, b in zip(found, expected):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"{a.dtype}{a.shape}, not {b.dtype}{b.shape}"
        for x, y in [(a.real, b.real), (a.imag, b.imag)] if a.dtype.kind == "c" else [(a, b)]:
            same = (x == y) | (x != x) & (y != y)
            if x.dtype.kind == "f":
                same &= (np.signbit(x) == np.signbit(y)) | (x != x)
            if not np.all(same):
                return f"{x[~same][:3]}, not {y[~same][:3]}"
    return ""


def outcome(f, *args):
    """Return (what is returned, None) or (None, the exception)."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return f(*args), None
        except Exception as error:
            return None, error


def inside(f, xs):
    """Return what ``f`` gives while it is differentiated by all of ``xs``."""
    kept = []

    def loss(*xs):
        kept.append(f(*xs))
        return 0.0

    gradient(loss, *xs)
    return kept[0]


def check(f, xs, what):
    expected, refused = outcome(f, *xs)
    found, error = outcome(inside, f, xs)
    assert bool(refused) == bool(error), (what, refused, error)
    assert error or not differences(found, expected), (what, differences(found, expected))


OF_NUMPY = [case for case in CASES if not name_of(case.function).startswith("minigrad.")]  # of SciPy, too


@over_functions(OF_NUMPY)
def test_a_value_inside_of_a_gradient_has_numpys_dtype_and_bits(cases):
    for case in cases:
        real = REAL if all(x.dtype.kind == "f" for x in drawn(case)) else []
        for dtype in real + (COMPLEX if case.complex else []):
            xs = [x.astype(dtype) for x in drawn(case, complex=np.dtype(dtype).kind == "c")]
            f = lambda *xs: case.function(*filled(case.args, iter(xs)), **case.kwargs)  # noqa: B023
            if case.function not in REASONS or dtype is not np.float16:
                check(f, xs, (str(case), dtype))


@over_functions([case for case in OF_NUMPY if all(x.dtype.kind == "f" for x in drawn(case))])
def test_a_value_of_whole_numbers_has_numpys_dtype_and_bits(cases):
    for case in cases[:6]:
        for dtype, scale in [*((dtype, 3) for dtype in WHOLE), (np.int8, 40), (np.uint8, 80)]:  # products wrap around
            xs = [np.rint(scale * (abs(x) if dtype is np.uint8 else x)) for x in drawn(case)]
            xs = [np.where(np.isnan(x), 0, x).astype(dtype) for x in xs]
            f = lambda *xs: case.function(*filled(case.args, iter(xs)), **case.kwargs)  # noqa: B023
            if outcome(f, *xs)[1] is None and (case.function not in REASONS):
                check(f, xs, (str(case), dtype))


SEVERAL = [(np.float64, np.float32), (np.float16, np.float64), (np.float32, np.uint8), (np.int8, np.float16)]


@over_functions([case for case in OF_NUMPY if len(drawn(case)) > 1 and all(x.dtype.kind == "f" for x in drawn(case))])
def test_so_has_one_of_arguments_of_several_dtypes(cases):
    for case in cases[-6:]:
        for dtypes in SEVERAL:
            pairs = zip(drawn(case), dtypes * 9)
            xs = [(np.rint(3 * abs(np.nan_to_num(x))) if dtype in WHOLE else x).astype(dtype) for x, dtype in pairs]
            f = lambda *xs: case.function(*filled(case.args, iter(xs)), **case.kwargs)  # noqa: B023
            if outcome(f, *xs)[1] is None:
                check(f, xs, (str(case), dtypes))


# -------------------------------------------------------------------------- operators, products, layouts
RNG = np.random.default_rng(0)
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod, operator.floordiv]


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
@pytest.mark.parametrize("dtype", [*REAL, np.complex64, np.complex128, np.int8, np.uint8, np.int64])
def test_an_operator_rounds_as_numpys(op, dtype):
    x, y = (RNG.uniform(0.5, 9, 50).astype(dtype) for _ in range(2))
    for a, b in [(x, y), (x[::-1], y[::2][:1]), (x[0], y), (x.reshape(10, 5).T, y[:10])]:
        if outcome(op, a, b)[1] is None:
            check(op, [a, b], op)
            check(lambda a: op(a, b), [a], op)  # noqa: B023
            check(lambda b: op(a, b), [b], op)  # noqa: B023
    for number in (2, -1, 0.5, 3, -2.5, 1j):
        for f in (lambda x: op(x, number), lambda x: op(number, x)):  # noqa: B023
            if outcome(f, x)[1] is None:
                check(f, [x], (op, number))


def in_every_layout(x):
    """Return the same numbers in order, in Fortran's order, strided, and backwards in memory."""
    wide = np.repeat(np.repeat(x, 2, -1), 2, 0) if x.ndim > 1 else np.repeat(x, 2)
    strided = wide[::2, ..., ::2] if x.ndim > 1 else wide[::2]
    return [x, np.asfortranarray(x), strided, np.flip(np.flip(x).copy())]


SHAPES = [((n, m), (m, k)) for n in (1, 3, 20) for m in (1, 20) for k in (1, 4, 20)]
SHAPES += [((m,), (m, k)) for m in (1, 3, 20) for k in (1, 20)] + [((n, m), (m,)) for n in (1, 20) for m in (1, 20)]
SHAPES += [((20,), (20,)), ((2, 3, 4), (4, 5)), ((3, 4), (2, 4, 5)), ((2, 3, 4), (4,)), ((2, 1, 3, 4), (5, 4, 2))]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64, np.complex128, np.int8])
def test_a_product_rounds_as_numpys_in_every_layout(dtype):
    for shape_a, shape_b in SHAPES:
        a, b = ((RNG.uniform(-2, 2, s) + 1j * RNG.uniform(-2, 2, s) * 0.5) for s in (shape_a, shape_b))
        a, b = (x.astype(dtype) if np.dtype(dtype).kind == "c" else (3 * x.real).astype(dtype) for x in (a, b))
        for x in in_every_layout(a):
            for y in in_every_layout(b):
                check(operator.matmul, [x, y], (shape_a, shape_b))
        check(np.matmul, [a, b], (shape_a, shape_b))
        check(np.dot, [a, b], (shape_a, shape_b)) if len(shape_b) < 3 else None


REDUCED = [np.sum, np.mean, np.var, np.std, np.prod, np.max, np.cumsum, np.linalg.norm, np.nanmean, np.nanvar]


@pytest.mark.parametrize("function", REDUCED, ids=name_of)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64])
def test_a_reduction_adds_up_as_numpys_in_every_layout(function, dtype):
    for shape in [(300,), (1,), (37, 41)]:
        x = RNG.normal(size=shape) + (1j if np.dtype(dtype).kind == "c" else 0) * RNG.normal(size=shape)
        for y in in_every_layout(x.astype(dtype)):
            for options in ({}, dict(axis=0), dict(axis=-1)):
                check(lambda t: function(t, **options), [y], (shape, options))  # noqa: B023


def test_a_python_number_that_is_differentiated_is_a_float64_of_numpys():
    """The one place where dtypes differ: it is no longer known to be a number without a dtype of its own."""
    x = np.ones(2, np.float32)

    assert parts(inside(lambda t: t * x, [2.0]))[0].dtype == (np.float64(2.0) * x).dtype
