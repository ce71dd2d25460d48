"""Arrays without an element, without an axis, and of one element: what NumPy takes is differentiated.

Every case of the tables is called with such arrays in the place of its own, all of them or one of them.  What NumPy
takes has NumPy's value inside of a gradient, gradients of the arguments' shapes, and, where there is an element, the
derivative by finite differences.
"""

import itertools
import warnings

import numpy as np
import pytest
from minigrad import Tensor, gradient
from test_derivatives import CASES, NUMPY_2, difference, directions, draws_in, drawn, filled, inner, name_of
from test_derivatives import over_functions
from test_forward_values import differences, outcome

SHAPES = [(), (1,), (0,), (1, 1), (0, 3), (3, 0)]
MORE = [(0, 0), (2, 3, 0), (0, 1), (1, 0), (1, 3)]
REASONS = {  # function: why some arrays that NumPy takes are not taken here
    np.polydiv: "polynomials have one axis; of more, NumPy gives numbers without a meaning",
    np.fft.irfft: "of no numbers, filled up, NumPy reads memory that nobody wrote",
    np.fft.hfft: "as irfft",
    np.fft.irfft2: "as irfft",
    np.fft.irfftn: "as irfft",
}
if np.__version__ < "2.2":
    REASONS[np.trim_zeros] = "of several axes NumPy trimmed only the first, if that"
if not NUMPY_2:
    REASONS[np.diagflat] = "of a number without axes NumPy gave a number"



def ours(case):
    """Say whether the function is ours, and takes only what its callers hand over (or what SciPy's takes)."""
    return name_of(case.function).startswith("minigrad.")


def small_arguments(case, shapes):
    """Yield lists of arguments: all of one of the shapes, and only one of them."""
    rng, draws, usual = np.random.default_rng(0), draws_in(case.args), drawn(case)

    def small(draw, shape):
        return outcome(lambda: np.asarray(draw.make(rng, shape)))[0] if draw.shape != shape else draw(rng)

    for shape in shapes:
        yield [small(draw, shape) for draw in draws]
        if len(draws) > 1:
            for k, draw in enumerate(draws):
                yield [*usual[:k], small(draw, shape), *usual[k + 1 :]]


def total(case):
    """Return the case as a function of its arguments to one number."""

    def f(*xs):
        y = case.call(*filled(case.args, iter(xs)))
        parts = y if isinstance(y, (list, tuple)) else [y]
        return sum(np.sum(np.real(part) * 1.0) for part in parts if part.dtype.kind in "fc")

    return f


def check_small(case, xs):
    f, kept = total(case), []

    def loss(*xs):
        kept[:] = [case.function(*filled(case.args, iter(xs)), **case.kwargs)]
        return np.sum(np.real(xs[0])) * 0.0

    expected, refused = outcome(lambda *xs: case.function(*filled(case.args, iter(xs)), **case.kwargs), *xs)
    if refused:
        return
    what = str(case), [x.shape for x in xs]
    _, error = outcome(lambda: gradient(loss, *xs))
    assert not error, (what, error)
    assert not differences(kept[0], expected), (what, differences(kept[0], expected))
    value, refused = outcome(f, *xs)  # with what the case makes of the result
    if refused:
        return
    gradients, error = outcome(lambda: gradient(f, *xs))
    if isinstance(error, np.linalg.LinAlgError):
        return  # there is no derivative there, and it says so
    assert not error, (what, error)
    for k, (g, x) in enumerate(zip(gradients, xs)):
        assert g is None or np.shape(g) == x.shape, (what, np.shape(g))
        if g is not None and x.size and np.isfinite(value):
            slopes = [by_differences(f, xs, k, h) for h in (1e-4, 3e-5)]
            if np.isfinite(slopes).all() and abs(slopes[0] - slopes[1]) < 1e-5 * max(1, abs(slopes[0])):  # no kink
                found = inner(g, directions(xs, seed=1)[k])
                assert abs(found - slopes[0]) < 2e-5 * max(1, abs(slopes[0])), (what, k, found, slopes)


def by_differences(f, xs, k, h):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return difference(f, xs, k, directions(xs, seed=1)[k], h)
        except Exception:
            return np.nan


DIAGONALS = "einsum(ii"  # of a matrix of shape (0, 3) NumPy reads memory that is not its own
TAKEN = [case for case in CASES if draws_in(case.args) and case.function not in REASONS and not ours(case)]
TAKEN = [case for case in TAKEN if DIAGONALS not in str(case)]


@over_functions(TAKEN)
def test_small_arrays_are_taken_as_numpy_takes_them(cases):
    for case in cases[:4]:
        for xs in small_arguments(case, SHAPES):
            if all(x is not None for x in xs):
                check_small(case, xs)


@pytest.mark.slow
@over_functions(TAKEN)
def test_small_arrays_of_every_kind_are_taken_as_numpy_takes_them(cases):
    for case in cases:
        several = list(small_arguments(case, SHAPES + MORE))
        if len(draws_in(case.args)) == 2:
            first, second = zip(*[xs for xs in several if all(x is not None for x in xs)])
            several += [list(xs) for xs in itertools.product(first[:11], second[:11])]
        for xs in several:
            if all(x is not None for x in xs):
                check_small(case, xs)


# --------------------------------------------------------------------------------------------- by hand
X = np.arange(6.0).reshape(2, 3)
NONE = np.zeros((0,), int)
EMPTY_BATCHES = {
    "np.take": lambda x: np.take(x, []),
    "np.take of rows": lambda x: np.take(x, [], axis=0),
    "np.take of integers": lambda x: np.take(x, NONE, axis=1),
    "np.take, wrapping": lambda x: np.take(x, [], mode="wrap"),
    "np.take, clipping": lambda x: np.take(x, [], axis=-1, mode="clip"),
    "np.take of two axes": lambda x: np.take(x, np.zeros((0, 2), int), axis=0),
    "t.take": lambda x: x.take([]),
    "t[[]]": lambda x: x[[]],
    "t[none]": lambda x: x[NONE],
    "t[:, none]": lambda x: x[:, NONE],
    "t[mask]": lambda x: x[x > 9],
    "np.compress": lambda x: np.compress([], x, axis=0),
    "np.delete": lambda x: np.delete(x, [0, 1], axis=0),
    "np.take_along_axis": lambda x: np.take_along_axis(x, np.zeros((2, 0), int), axis=1),
    "t[0:0]": lambda x: x[0:0],
}


@pytest.mark.parametrize("read", EMPTY_BATCHES.values(), ids=EMPTY_BATCHES)
def test_an_empty_batch_has_the_gradient_zero(read):
    (g,) = gradient(lambda x: np.sum(read(x) ** 2) + np.sum(x), X)

    assert g.tolist() == np.ones_like(X).tolist()
    assert gradient(lambda x: np.sum(read(x) ** 2), X)[0].tolist() == np.zeros_like(X).tolist()
    assert gradient(lambda x: gradient(lambda x: np.sum(read(x) ** 2), x)[0].sum() + x[0, 0], X)[0][0, 0] == 1


a, b = np.ones((2, 3, 0)), np.ones((0, 4))
CONTRACTED = {
    "stack @ matrix": (np.matmul, a, b),
    "stack @ vector": (np.matmul, a, b[:, 0]),
    "matrix @ matrix": (np.matmul, a[0], b),
    "matrix @ vector": (np.matmul, a[0], b[:, 0]),
    "vector @ matrix": (np.matmul, a[0, 0], b),
    "vector @ vector": (np.matmul, a[0, 0], b[:, 0]),
    "vector @ stack": (np.matmul, a[0, 0], np.ones((2, 0, 4))),
    "matrix @ stack": (np.matmul, a[0], np.ones((2, 0, 4))),
    "stack @ stack": (np.matmul, a, np.ones((2, 0, 4))),
    "dot of a stack": (np.dot, a, b),
    "dot": (np.dot, a[0], b),
    "dot of vectors": (np.dot, a[0, 0], b[:, 0]),
    "inner": (np.inner, a, np.ones((4, 0))),
    "vdot": (np.vdot, a, a),
    "tensordot": (lambda a, b: np.tensordot(a, b, 1), a, b),
    "tensordot of two": (lambda a, b: np.tensordot(a, b, ([1, 2], [0, 1])), a, np.ones((3, 0))),
    "einsum": (lambda a, b: np.einsum("ijk,kl->ijl", a, b), a, b),
    "einsum, optimised": (lambda a, b: np.einsum("ijk,kl->ijl", a, b, optimize=True), a, b),
    "kron": (np.kron, a[0], b),
    "outer": (np.outer, a, b),
    "multi_dot": (lambda a, b: np.linalg.multi_dot([np.ones((2, 3)), a, b]), a[0], b),
}
if hasattr(np, "vecdot"):
    CONTRACTED |= {"vecdot": (np.vecdot, a, a), "vecdot, axis": (lambda a, b: np.vecdot(a, b, axis=0), b, b[:, 0])}
if hasattr(np, "matvec"):
    CONTRACTED |= {"matvec": (np.matvec, a, b[:, 0]), "vecmat": (np.vecmat, b[:, 0], np.ones((2, 0, 4)))}


@pytest.mark.parametrize("product, a, b", CONTRACTED.values(), ids=CONTRACTED)
def test_a_product_with_an_empty_axis_has_empty_gradients(product, a, b):
    ga, gb = gradient(lambda a, b: np.sum(product(a, b) + 1.0), a, b)

    assert ga.shape == a.shape and gb.shape == b.shape


def test_scans_repeats_and_medians():
    assert gradient(lambda x: np.sum(np.repeat(x, 3, axis=0)), 2.0) == (3.0,)
    assert gradient(lambda x: np.sum(np.repeat(x, 3, axis=-1) * [1, 2, 3]), np.array(2.0)) == (6.0,)
    for axis in (0, -1):
        assert gradient(lambda x: np.sum(np.take(x, [0, 0], axis=axis)), np.array(3.0)) == (2.0,)  # noqa: B023
        assert gradient(lambda x: np.sum(np.cumprod(x, axis=axis)), 3.0) == (1.0,)  # noqa: B023
        assert gradient(lambda x: np.sum(np.cumsum(x, axis=axis)), 3.0) == (1.0,)  # noqa: B023
    for f in (np.median, lambda x, axis: np.quantile(x, 0.3, axis=axis), np.nanmedian):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert gradient(lambda x: np.sum(f(x, axis=1)), np.ones((0, 3)))[0].shape == (0, 3)  # noqa: B023
            assert gradient(lambda x: np.sum(f(x, axis=0)), np.ones((3, 0)))[0].shape == (3, 0)  # noqa: B023


def test_axes_in_other_words():
    assert gradient(lambda x: np.sum(np.transpose(x, 0) ** 2), np.ones(3))[0].tolist() == [2, 2, 2]
    if hasattr(np, "cumulative_sum"):
        assert gradient(lambda x: np.sum(np.cumulative_sum(x, axis=(0,))), np.ones(3))[0].tolist() == [3, 2, 1]
        assert gradient(lambda x: np.unstack(x, axis=(0,))[1] ** 2, np.ones(3))[0].tolist() == [0, 2, 0]


def test_vectors_of_another_number_of_axes():
    """vecdot(x, y, axis=0) of shapes (3,) and (3, 4): the sum over the first axis of both."""
    if not hasattr(np, "vecdot"):
        pytest.skip("since NumPy 2.0")
    x, y = np.arange(3.0), np.arange(12.0).reshape(3, 4)

    gx, gy = gradient(lambda x, y: np.sum(np.vecdot(x, y, axis=0)), x, y)

    assert gx.tolist() == y.sum(1).tolist() and gy.tolist() == (x[:, None] * np.ones(4)).tolist()


def test_a_parameter_without_elements_or_axes_learns_as_others_do():
    scalar, empty = Tensor(2.0), Tensor(np.ones((0, 3)))

    grads = gradient(lambda s, e: np.sum(e @ np.ones(3)) + s**2, scalar, empty)

    assert float(grads[0]) == 4.0 and grads[1].shape == (0, 3)
