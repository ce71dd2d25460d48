"""Recorders are a shorter way and nothing else: with and without them everything is the same."""

import keyword
import operator
import re

import numpy as np
import pytest
from test_derivatives import NUMPY_2, along, check, drawn, loss_of, over_functions

import minigrad.fast.recorders as fast
from minigrad import Tensor, gradient, hessian, params
from minigrad.core.recording import call
from minigrad.core.table import ROWS, name_of, row

X = np.array([0.5, -1.5, 2.0])


@pytest.fixture
def without_recorders():
    fast.remove()
    yield
    fast.install()


def generally(f, *args):
    """Return ``f(*args)``, computed without recorders."""
    fast.remove()
    try:
        return f(*args)
    finally:
        fast.install()


def same(found, expected, what=None):
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        assert (a is None) is (b is None), what
        if a is not None:
            assert np.asarray(a).dtype == np.asarray(b).dtype
            np.testing.assert_array_equal(a, b, err_msg=str(what))


# --------------------------------------------------------------------------------- every row of the table
@over_functions()
def test_the_short_and_the_general_way_give_the_same_gradients(cases):
    for case in cases:
        if not NUMPY_2 and case.function is operator.pow:
            continue  # in NumPy 1 x**-1 rounds otherwise than np.power(x, -1), which Tensor's own operator calls
        xs = drawn(case)
        same(gradient(loss_of(case), *xs), generally(gradient, loss_of(case), *xs), case)


def test_each_recorder_does_what_the_general_way_does():
    rng, seen = np.random.default_rng(0), 0
    for function, line in list(ROWS.items()):
        n = len(line.parameters)
        recorder, n = fast.RECORDERS[function], n if len(line.edges) == line.required == n else 1
        if type(recorder).__name__ == "partial":
            continue  # it is the general way
        for shape in [(), (3,), (2, 2)]:
            for low in (0.2, 1.2):
                xs = [rng.uniform(low, low + 0.6, shape) for _ in range(n)]
                try:
                    expected = gradient(lambda *xs: total(call(function, xs, {})), *xs)  # noqa: B023
                except Exception as error:
                    with pytest.raises(type(error)):
                        gradient(lambda *xs: total(recorder(*xs)), *xs)  # noqa: B023
                    continue
                same(gradient(lambda *xs: total(recorder(*xs)), *xs), expected, name_of(function))  # noqa: B023
                seen += 1
                if n > 1:
                    for k in range(n):
                        one = lambda way, k=k: lambda x: total(way(*[x if i == k else xs[i] for i in range(n)]))  # noqa: B023
                        general = lambda *xs: call(function, xs, {})  # noqa: B023
                        same(gradient(one(recorder), xs[k]), gradient(one(general), xs[k]), name_of(function))
    assert seen > 300


def test_each_operation_goes_to_the_innermost_tape_that_knows_an_argument():
    """By hand: f = sin(x y) z^2 + (x, y) . (z, 1) x, of three tapes and a parameter."""
    w = Tensor(2.0)

    def f(x, y, z):
        u, v, k = np.stack([x, y]), np.stack([z, 1.0 + 0 * z]), 1 + 0 * w
        return np.sin(x * y) * z**2 * k + np.dot(u, v) * x + u[0] * np.sum(v[:2], axis=0) * 0 + y**w * x * z

    def by_z(x, y):
        return gradient(lambda z: f(x, y, z), 0.5)[0]

    def by_y(x):
        return gradient(lambda y: by_z(x, y), 0.7)[0]

    # f_zyx = d/dx (2 z x cos(x y) + w y^(w - 1) x)
    x, y, z = 0.3, 0.7, 0.5
    expected = 2 * z * (np.cos(x * y) - x * y * np.sin(x * y)) + 2 * y
    assert gradient(by_y, x)[0] == pytest.approx(expected, rel=1e-13)
    by_w = gradient(lambda: gradient(lambda y: f(0.3, y, 0.5), 0.7)[0], params(w))[w]
    assert by_w.item() == pytest.approx((1 + 2 * np.log(0.7)) * 0.7 * 0.3 * 0.5, rel=1e-12)


def total(y):
    parts = y if isinstance(y, (list, tuple)) else [y]
    return sum(np.sum(np.real(part * part)) for part in parts)


@pytest.mark.slow
@over_functions()
def test_the_table_is_right_without_recorders(cases, without_recorders):
    for case in cases:
        xs = drawn(case)
        check(loss_of(case), xs, case.tolerance)
        if case.order > 1:
            check(along(loss_of(case), xs), xs, 10 * case.tolerance)


# -------------------------------------------------------------------------------------- names of arguments
WORDS = sorted(
    word
    for word in set(re.findall(r"[a-z_]\w*", fast.ONE + fast.TWO + fast.APPEND + fast.SAME_SHAPE + fast.NO_STACK))
    if not keyword.iskeyword(word)
) + ["y", "k", "g", "fit", "shape_of", "layout_of", "vjp_b", "kept_a", "edges_of", "names", "x_shape", "a_0", "np"]


@pytest.mark.parametrize("word", WORDS)
def test_no_name_of_an_argument_matters(word):
    def cube(x):
        return x**3

    def product(a, b, more=2.0):
        return a * b * more

    def intercepted(function):
        def primitive(*args, **kwargs):
            for x in args:
                if type(x) is Tensor:
                    return x.__array_function__(primitive, (Tensor,), args, kwargs)
            return function(*args, **kwargs)

        return primitive

    one, two, defaulted = intercepted(cube), intercepted(product), intercepted(cube)
    one_vjp, shaped = eval(f"lambda _g, {word}: 3 * _g * {word}**2"), eval(f"lambda _g, z, {word}_shape: _g * z")
    row(one, one_vjp, signature=word)
    row(two, eval(f"lambda _g, z, {word}: 2.0 * _g * z"), None, signature=f"q, z, {word}=2.0")
    row(defaulted, eval("lambda _g, q: 3 * _g * q**2"), signature=f"q, {word}=None")
    try:
        assert gradient(lambda x: np.sum(one(x)), np.array([1.0, 2.0]))[0].tolist() == [3.0, 12.0]
        assert gradient(lambda x: np.sum(defaulted(x)), np.array([1.0, 2.0]))[0].tolist() == [3.0, 12.0]
        assert gradient(lambda x: np.sum(two(x, X)), X)[0].tolist() == (2 * X).tolist()
        del ROWS[two], fast.RECORDERS[defaulted]
        row(two, shaped, None, signature=f"{word}, z, last=2.0")
        assert gradient(lambda x: np.sum(two(x, X)), X)[0].tolist() == X.tolist()
    finally:
        for function in (one, two, defaulted):
            ROWS.pop(function, None)
            fast.RECORDERS.pop(function, None)


def test_the_arguments_of_a_ufunc_may_have_any_name():
    before, recorder = ROWS[np.hypot], fast.RECORDERS.pop(np.hypot, None)
    try:
        for a, b in [("tape", "function"), ("y", "k"), ("of_a", "edges"), ("self", "other"), ("new", "make")]:
            vjp_a, vjp_b = eval(f"lambda _g, {a}: _g * {a}"), eval(f"lambda _g, {b}: _g * {b}")
            row(np.hypot, vjp_a, vjp_b, signature=f"{a}, {b}")
            fast.RECORDERS.pop(np.hypot, None)
            found = gradient(lambda x, z: np.sum(np.hypot(x, z)), X, 2 * X)
            assert [g.tolist() for g in found] == [X.tolist(), (2 * X).tolist()]
    finally:
        ROWS[np.hypot] = before
        fast.RECORDERS.pop(np.hypot, None)
        if recorder is not None:
            fast.RECORDERS[np.hypot] = recorder


def test_a_row_that_asks_for_what_is_no_argument_says_so():
    row(name_of, lambda g, nobody: g, signature="x")
    try:
        with pytest.raises(TypeError, match="asks for nobody, which is no argument"):
            gradient(lambda x: x.__array_function__(name_of, (Tensor,), (x,), {}), 1.0)
    finally:
        del ROWS[name_of]


# ------------------------------------------------------------------------------------ installing and removing
def test_they_can_be_taken_away_and_put_back():
    own, short = fast.REPLACED, fast.WAYS
    assert {"__mul__", "__rmul__", "__array_ufunc__", "__getitem__"} <= set(own) == set(short)
    for name in own:
        assert vars(Tensor)[name] is short[name]

    fast.remove()
    try:
        for name in own:
            assert vars(Tensor)[name] is own[name]
    finally:
        fast.install()
    assert vars(Tensor)["__mul__"] is short["__mul__"]


def test_programs_run_the_same_without_them(without_recorders):
    W = Tensor([[1.0, 2.0], [3.0, 4.0]])

    def loss():
        h = np.tanh(W @ X[:2] + 1) * W[0] - 2 / W.T[1] + (1 - abs(-W)) ** 2 % 7
        return np.sum(h[0:1]) + np.max(W) + (3.0 ** W[0])[1]

    plain = gradient(loss, params(W))[W]
    fast.install()
    np.testing.assert_array_equal(gradient(loss, params(W))[W], plain)
    fast.remove()
    assert hessian(lambda x: np.sum(x**3), X).tolist() == np.diag(6 * X).tolist()
