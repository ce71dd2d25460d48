"""Functions that write into an argument (``out=``, ``overwrite_input=True``, np.put): one rule for all of them.

Outside of a gradient they do what NumPy does.  Inside, they overwrite constants that nobody else holds, by constants.
"""

import inspect

import numpy as np
import pytest

from minigrad import LostGradientError, MinigradError, Tensor, dropgrad, gradient, params

pytestmark = pytest.mark.filterwarnings("ignore:numpy.fix is deprecated")  # from NumPy 2.5 on

X = np.array([3.0, 1.0, 2.0, -4.0])
CUBE = np.arange(24.0).reshape(2, 3, 4)
UFUNCS = [np.floor, np.isfinite, np.greater, np.add, np.exp, np.divmod, np.modf, np.logical_and]

# What a function is called with, where one array is not enough.
CALLS = {
    "choose": ([0, 1, 0, 1], [X, X + 1]),
    "clip": (X, 0.0, 2.0),
    "compress": ([True, False, True, True], X),
    "concat": ([X, X],),
    "concatenate": ([X, X],),
    "dot": (X, X),
    "einsum": ("i,i->i", X, X),
    "fft2": (np.ones((2, 3)),),
    "ifft2": (np.ones((2, 3)),),
    "irfft2": (np.ones((2, 3)),),
    "rfft2": (np.ones((2, 3)),),
    "multi_dot": ([np.eye(2), np.eye(2)],),
    "outer": (X, X),
    "stack": ([X, X],),
    "take": (X, [0, 2]),
    "trace": (np.ones((3, 3)),),
    **dict.fromkeys(["percentile", "quantile", "nanpercentile", "nanquantile"], (X, 0.5)),
}


def with_parameter(name):
    """Return (function, place of the parameter or None if it has no place) of all of NumPy's functions that have it."""
    found = {}
    for module in (np, np.linalg, np.fft):
        for f in map(vars(module).get, dir(module)):
            if callable(f) and not isinstance(f, (type, np.ufunc)) and not getattr(f, "__name__", "_").startswith("_"):
                try:
                    parameters = inspect.signature(f).parameters
                except ValueError:
                    continue
                if name in parameters and "busday" not in f.__name__ and f.__name__ != "round_":
                    p = parameters[name]
                    found[f] = None if p.kind is p.KEYWORD_ONLY else list(parameters).index(name)
    return found


OUT, OVERWRITING = with_parameter("out"), with_parameter("overwrite_input")


def call_with_out(f, target, by_position):
    args = CALLS.get(f.__name__, (X,))
    if not by_position:
        return f(*args, out=target)
    defaults = [p.default for p in inspect.signature(f).parameters.values()][len(args) : OUT[f]]
    return f(*args, *defaults, target)


FORMS = [(f, by_position) for f, place in OUT.items() for by_position in ([False] if place is None else [False, True])]
named = pytest.mark.parametrize("f, by_position", FORMS, ids=lambda x: getattr(x, "__name__", str(x)))

TARGETS = {
    "a result": lambda t: t * 1.0,
    "the argument": lambda t: t,
    "a reshaped argument": lambda t: np.reshape(t, np.shape(t)),
    "a constant that is used": lambda t: (lambda c: (t * c, c)[1])(np.zeros_like(t)),
    "what a tape keeps": lambda t: dropgrad(np.exp(t)),
}


def like_result(f):
    args = CALLS.get(f.__name__, (X,))
    y = np.asarray(f(*args))
    return np.zeros(y.shape, y.dtype)


def test_the_functions_are_found():
    assert {np.round, np.around, np.fix, np.any, np.all, np.isposinf, np.isneginf, np.sum, np.take} <= set(OUT)
    assert np.dot in OUT or np.__version__ < "2.4"  # from when on its signature can be read
    assert {np.median, np.nanmedian, np.percentile, np.nanquantile} <= set(OVERWRITING)


@named
@pytest.mark.parametrize("kind", TARGETS)
def test_no_function_writes_into_what_a_tape_may_need(f, by_position, kind):
    result = like_result(f)
    numbers = np.zeros(result.shape or (1,), result.dtype if result.dtype.kind in "fc" else float)

    def loss(t):
        target = TARGETS[kind](t)
        before = target.data.copy()
        try:
            call_with_out(f, target, by_position)
        finally:
            assert np.array_equal(target.data, before)
        return np.sum(t).real

    with pytest.raises(MinigradError):
        gradient(loss, numbers)
    with pytest.raises(MinigradError):
        gradient(lambda: loss(W), params(W := Tensor(numbers)))


@named
def test_outside_of_a_gradient_they_write_as_numpy_does(f, by_position):
    expected, target = like_result(f), Tensor(like_result(f))
    numpys = call_with_out(f, expected, by_position)

    y = call_with_out(f, target, by_position)

    assert (y is target) is (numpys is expected)
    np.testing.assert_array_equal(target.data, expected)


@named
def test_inside_of_a_gradient_they_write_into_constants_until_they_are_used(f, by_position):
    expected = like_result(f)
    call_with_out(f, expected, by_position)

    def loss(x):
        c = np.zeros_like(Tensor(like_result(f)))
        call_with_out(f, c, by_position)
        return np.sum(x * c.data.real)

    np.testing.assert_allclose(gradient(loss, np.ones(expected.shape))[0], expected.real)


@pytest.mark.parametrize("f", UFUNCS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("by_position", [False, True])
def test_ufuncs_go_by_the_same_rule(f, by_position):
    args = (X,) * f.nin

    def call(target):
        targets = (target,) * f.nout if f.nout == 1 else (target, np.zeros(4))
        return f(*args, *targets) if by_position else f(*args, out=targets)

    for target in TARGETS.values():
        with pytest.raises(MinigradError):
            gradient(lambda t: (call(target(t)), np.sum(t))[1], np.zeros(4))  # noqa: B023
    W, plain = Tensor(np.zeros(4)), np.zeros(4)
    y, _ = call(W), call(plain)
    assert (y if f.nout == 1 else y[0]) is W and np.array_equal(W.data, plain)


@pytest.mark.parametrize("f", OVERWRITING, ids=lambda f: f.__name__)
@pytest.mark.parametrize("kind", TARGETS)
def test_the_argument_is_not_overwritten_inside_of_a_gradient_and_that_is_said(f, kind):
    more = CALLS.get(f.__name__, (X,))[1:]

    def loss(t):
        target = TARGETS[kind](t)
        f(target, *more, overwrite_input=True)
        return np.sum(t)

    with pytest.raises(MinigradError, match="overwrit"):
        gradient(loss, X)
    defaults = [p.default for p in inspect.signature(f).parameters.values()][1 + len(more) : OVERWRITING[f]]
    with pytest.raises(MinigradError, match="overwrit"):
        gradient(lambda t: np.sum(f(t, *more, *defaults, True)), X)


@pytest.mark.parametrize("f", OVERWRITING, ids=lambda f: f.__name__)
def test_outside_the_argument_is_overwritten_as_numpy_does_it(f):
    more = CALLS.get(f.__name__, (X,))[1:]
    W, plain = Tensor(X), X.copy()

    assert float(f(W, *more, overwrite_input=True)) == f(plain, *more, overwrite_input=True)
    assert np.array_equal(W.data, plain)


WRITERS = {
    "nan_to_num": lambda t: np.nan_to_num(t, copy=False),
    "nan_to_num by position": lambda t: np.nan_to_num(t, False),
    "copyto": lambda t: np.copyto(t, 5.0),
    "put": lambda t: np.put(t, [0], 5.0),
    "place": lambda t: np.place(t, t < 2, 5.0),
    "putmask": lambda t: np.putmask(t, X < 2, 5.0),
    "put_along_axis": lambda t: np.put_along_axis(t, np.array([0]), 5.0, 0),
    "fill_diagonal": lambda t: np.fill_diagonal(t.reshape(2, 2), 5.0),
    "at": lambda t: np.add.at(t, [0], 5.0),
    "at of a constant": lambda t: np.floor_divide.at(t, [0], 5.0),
    "in place": lambda t: t.__setitem__(slice(None), 5.0),
    "sort": lambda t: t.sort(),
    "fill": lambda t: t.fill(5.0),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("kind", TARGETS)
def test_whatever_always_writes_into_its_argument_goes_by_the_same_rule(write, kind):
    seen = X.copy()

    with pytest.raises(MinigradError):
        gradient(lambda t: (write(TARGETS[kind](t)), np.sum(t))[1], seen)
    assert np.array_equal(seen, X)


def test_recorded_numbers_are_not_written_into_a_plain_array_by_functions_without_a_derivative():
    for f in (np.floor, np.round, np.around, np.fix, np.isposinf, np.isneginf, np.any, np.all, np.argmax):
        out = np.zeros((), np.result_type(f(X))) if f in (np.any, np.all, np.argmax) else np.zeros(4, f(X).dtype)
        with pytest.raises(LostGradientError, match="out="):
            gradient(lambda t: (f(t, out=out), np.sum(t))[1], X)  # noqa: B023


def test_two_results_may_go_to_two_places():
    whole, fraction = Tensor(np.zeros(4)), np.zeros(4)

    found = np.modf(X + 0.25, out=(fraction, whole))

    assert found[0] is fraction and found[1] is whole and np.array_equal(whole.data, np.trunc(X + 0.25))
    assert np.modf(X, out=(None, whole))[1] is whole
