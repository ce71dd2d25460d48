"""Steering the backward pass: derivatives of one's own, hooks, constants, recomputation."""

import numpy as np
import pytest

from minigrad import (
    LostGradientError,
    NoDerivativeError,
    Tensor,
    adjoint,
    checkpointed,
    dropgrad,
    gradient,
    hook,
    ignore,
    isderiving,
    nograd,
    params,
    pullback,
)

X = np.array([1.0, 2.0, 3.0])


@adjoint
def cube(x):
    """The third power."""
    return x**3, lambda g: (3 * g * x**2,)


# ---------------------------------------------------------------------------------------- @adjoint
def test_the_given_derivative_is_used():
    @adjoint
    def strange(x):
        return x * 1.0, lambda g: (g * 1000.0,)

    assert gradient(lambda x: np.sum(strange(x)), X)[0].tolist() == [1000.0] * 3


def test_the_decorated_function_gives_its_value_only_and_keeps_its_name():
    assert cube(2.0) == 8.0 and type(cube(2.0)) is float and type(cube(X)) is np.ndarray
    assert isinstance(cube(Tensor(X)), Tensor) and cube.__name__ == "cube" and "third" in cube.__doc__


def test_own_derivatives_work_through_both_doors():
    W = Tensor(X)

    assert gradient(lambda: np.sum(cube(W)), params(W))[W].tolist() == [3.0, 12.0, 27.0]
    assert gradient(lambda x: np.sum(cube(x) * x), X)[0].tolist() == (4 * X**3).tolist()


def test_own_derivatives_written_in_numpy_can_be_differentiated_again():
    d = lambda f: lambda x: gradient(f, x)[0]

    assert d(d(cube))(2.0) == 12.0 and d(d(d(cube)))(2.0) == 6.0


def test_what_happens_inside_is_not_recorded_and_may_be_anything():
    @adjoint
    def loop(x):
        total = 0.0
        result = np.empty_like(x)
        for i in range(len(x)):
            total += float(x[i]) ** 2
            result[i] = total
        return result, lambda g: (2 * x * np.cumsum(g[::-1])[::-1],)

    assert gradient(lambda x: np.sum(loop(x)), X)[0] == pytest.approx(
        gradient(lambda x: np.sum(np.cumsum(x**2)), X)[0]
    )


def test_a_numba_jitted_function_takes_ten_lines():
    numba = pytest.importorskip("numba")

    @numba.njit
    def sum_of_squares(x):
        total = 0.0
        for element in x:
            total += element * element
        return total

    @adjoint
    def fast(x):
        return sum_of_squares(x), lambda g: (2 * g * x,)

    W = Tensor(X)
    assert gradient(fast, X)[0].tolist() == (2 * X).tolist()
    assert gradient(lambda: np.sqrt(fast(W)), params(W))[W] == pytest.approx(X / np.linalg.norm(X))


def test_several_arguments_some_of_them_constants():
    @adjoint
    def scaled(x, factor, name="unused", *, shift=0.0):
        return x * factor + shift, lambda g: (g * factor, np.sum(g * x), None)

    assert gradient(lambda x, f: np.sum(scaled(x, f, "text", shift=1.0)), X, 2.0)[1] == 6.0
    assert gradient(lambda f: np.sum(scaled(X, f, "text")), 2.0) == (6.0,)


def test_a_tuple_of_values_gets_a_tuple_of_gradients_with_none_for_unused_parts():
    seen = []

    @adjoint
    def both(x):
        def back(g):
            seen.append(g)
            return (sum(part for part in g if part is not None),)

        return (x * 1.0, x * 1.0), back

    assert gradient(lambda x: both(x)[1] * 5, 2.0) == (5.0,) and seen == [(None, 5.0)]
    assert gradient(lambda x: both(x)[0] + 2 * both(x)[1], 2.0) == (3.0,)


def test_a_single_gradient_needs_no_tuple_and_lists_are_arrays():
    @adjoint
    def total(x):
        return np.sum(x), lambda g: [1.0, 1.0, 1.0]

    assert gradient(total, X)[0].tolist() == [1.0, 1.0, 1.0]


def test_a_gradient_that_the_pullback_keeps_is_not_handed_out():
    weights = X.copy()

    @adjoint
    def weighed(x):
        return np.sum(x * weights), lambda g: (weights,)

    (g,) = gradient(weighed, np.ones(3))
    g[...] = 0

    assert weights.tolist() == X.tolist()


@pytest.mark.parametrize(
    "back, message",
    [
        (lambda g: (g, g), "returned 2 gradients for 1 arguments"),
        (lambda g: (), "returned 0 gradients"),
        (lambda g: (1.0,), r"shape \(\) for argument 0, of shape \(3,\)"),
        (lambda g: None, None),
    ],
)
def test_a_pullback_of_another_length_or_shape_is_refused(back, message):
    own = adjoint(lambda x: (x * 1.0, back))

    if message is None:  # None stands for no gradient
        assert gradient(lambda x: np.sum(own(x)), X) == (None,)
    else:
        with pytest.raises(ValueError, match=message):
            gradient(lambda x: np.sum(own(x)), X)


@pytest.mark.parametrize("result", [1.0, (1.0,), (1.0, 2.0), None])
def test_a_function_that_forgets_its_pullback_is_told_so(result):
    with pytest.raises(TypeError, match="returns its value and its pullback"):
        gradient(adjoint(lambda x: result), 1.0)


@pytest.mark.parametrize("call", [lambda f, x: f(x=x), lambda f, x: f([x, x]), lambda f, x: f({"a": x})])
def test_a_recorded_value_that_the_pullback_would_not_cover_is_refused(call):
    own = adjoint(lambda x: (1.0, lambda g: (None,)))

    with pytest.raises(NoDerivativeError, match="by position"):
        gradient(lambda x: call(own, x), 2.0)


def test_a_value_that_is_no_array_is_refused():
    with pytest.raises(TypeError, match="a dict"):
        gradient(adjoint(lambda x: ({"a": x}, lambda g: (g,))), 1.0)


# ------------------------------------------------------------------------------------------- hook
def test_a_hook_sees_and_changes_the_gradient():
    seen = []

    def spy(g):
        seen.append(g)
        return g * 10

    assert gradient(lambda x: np.sum(hook(spy, x * 1.0) ** 2), X)[0].tolist() == (20 * X).tolist()
    assert seen[0].tolist() == (2 * X).tolist()


def test_a_hook_that_returns_none_drops_the_gradient():
    assert gradient(lambda x: hook(lambda g: None, x) ** 2, 3.0) == (None,)


def test_a_hook_on_a_parameter_and_on_a_constant():
    W = Tensor(X)

    assert gradient(lambda: np.sum(hook(lambda g: -g, W)), params(W))[W].tolist() == [-1.0] * 3
    assert hook(lambda g: -g, X) is X and hook(lambda g: -g, 3.0) == 3.0


def test_a_hook_may_overwrite_its_gradient_without_disturbing_others():
    def doubled(g):
        g *= 2
        return g

    x, y = gradient(lambda x, y: np.sum(hook(doubled, x) + y), X, X)

    assert x.tolist() == [2.0] * 3 and y.tolist() == [1.0] * 3


def test_a_hook_nests():
    assert gradient(lambda x: gradient(lambda y: hook(lambda g: 2 * g, y) ** 2, x)[0], 3.0) == (4.0,)


def test_a_hook_that_returns_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"hook.*shape \(\) for one of shape \(3,\)"):
        gradient(lambda x: np.sum(hook(lambda g: 1.0, x)), X)


# ------------------------------------------------------------------------- constants on purpose
def test_dropgrad_makes_constants_of_arrays_and_containers():
    assert gradient(lambda x: x * dropgrad(x), 3.0) == (3.0,)
    assert gradient(lambda d: d["a"] * dropgrad(d)["a"], {"a": 3.0}) == ({"a": 3.0},)
    assert dropgrad(3.0) == 3.0 and dropgrad("text") == "text"


def test_dropgrad_stops_every_gradient_also_the_outer_ones():
    assert gradient(lambda x: gradient(lambda y: dropgrad(x) * y * x, 2.0)[0], 3.0) == (3.0,)


def test_ignore_runs_a_function_outside_of_the_gradient():
    assert gradient(lambda x: x * ignore(lambda: float(x) ** 2), 3.0) == (9.0,)
    assert gradient(lambda x: x * float(ignore(isderiving)), 3.0) == (0.0,)


def test_inside_ignore_tensors_may_be_overwritten():
    count = Tensor(0.0)

    def loss(x):
        ignore(lambda: count.__setitem__((), count + 1))
        return x * x

    assert gradient(loss, 3.0) == (6.0,) and float(count) == 1.0


def test_a_gradient_inside_ignore_is_an_ordinary_gradient():
    assert gradient(lambda x: x * ignore(lambda: gradient(lambda y: y * y * x, 3.0)[0]), 5.0) == (30.0,)


def test_an_exception_inside_ignore_leaves_the_gradient_recording():
    def loss(x):
        try:
            ignore(lambda: 1 / 0)
        except ZeroDivisionError:
            return x * x

    assert gradient(loss, 3.0) == (6.0,)


def test_nograd_decorates_a_function_whose_results_are_constants():
    @nograd
    def schedule(x, factor=1.0):
        """How much."""
        return x * factor

    assert gradient(lambda x: schedule(x, factor=2.0) * x, 3.0) == (6.0,) and schedule.__doc__ == "How much."


# ---------------------------------------------------------------------------------------- checkpointed
def test_checkpointed_gives_the_same_gradients():
    f = lambda x: np.sin(x) ** 2 * np.exp(x)

    assert gradient(lambda x: np.sum(checkpointed(f, x)), X)[0] == pytest.approx(
        gradient(lambda x: np.sum(f(x)), X)[0]
    )
    assert checkpointed(f, 2.0) == f(2.0)


def test_checkpointed_runs_the_function_once_more_on_the_way_back():
    calls = []

    def f(x):
        calls.append(1)
        return x * x

    gradient(lambda x: checkpointed(f, x), 3.0)

    assert len(calls) == 2


def test_checkpointed_keeps_nothing_of_what_happens_inside():
    import gc
    import weakref

    kept = []

    def f(x):
        y = np.exp(x)
        kept.append(weakref.ref(y.data))
        return y * y

    def loss(x):
        y = checkpointed(f, x)
        gc.collect()
        assert kept[0]() is None
        return np.sum(y)

    gradient(loss, X)


def test_parameters_inside_a_checkpointed_function_get_their_gradients():
    W, b = Tensor(X), Tensor(2.0)

    grads = gradient(lambda: np.sum(checkpointed(lambda x: W * x, X) * b), params(W, b))

    assert grads[W].tolist() == (2 * X).tolist() and float(grads[b]) == np.sum(X * X)


def test_checkpointed_takes_containers_and_constants_and_returns_tuples():
    f = lambda d, n: (d["a"] * n, d["b"][0] * 2, 5.0)

    def loss(d):
        x, y, constant = checkpointed(f, d, 3)
        return x * y + constant

    assert gradient(loss, {"a": 2.0, "b": [5.0]}) == ({"a": 30.0, "b": [12.0]},)


def test_checkpointed_nests_both_ways():
    assert gradient(lambda x: gradient(lambda y: checkpointed(lambda z: z**3, y), x)[0], 2.0) == (12.0,)
    assert gradient(lambda x: gradient(lambda y: checkpointed(lambda z: x * z**3, y), 2.0)[0], 5.0) == (12.0,)
    assert gradient(lambda x: checkpointed(lambda z: gradient(lambda y: y**3 * z, 2.0)[0], x), 5.0) == (12.0,)


def test_a_recorded_value_that_comes_in_through_a_closure_is_refused():
    with pytest.raises(LostGradientError, match=r"checkpointed\(f, x, value\)"):
        gradient(lambda x: checkpointed(lambda z: x * z, 2.0), 2.0)


def random_numbers():
    rng = np.random.default_rng(0)
    return lambda x: x * rng.random(3)


def a_changed_closure():
    factors = iter([2.0, 2.001])
    return lambda x: x * next(factors)


def an_overwritten_array():
    factor = np.ones(3)

    def f(x):
        y = x * factor
        factor[2] = 5.0
        return y

    return f


def another_shape():
    n = iter([2, 3])
    return lambda x: x[: next(n)]


def another_structure():
    n = iter([1, 2])
    return lambda x: (x,) * next(n)


@pytest.mark.parametrize("make", [random_numbers, a_changed_closure, an_overwritten_array, another_shape])
def test_a_checkpointed_function_that_gives_other_numbers_is_noticed(make):
    with pytest.raises(LostGradientError, match=r"other numbers .*checkpointed\(f, x, mask\)"):
        gradient(lambda x: np.sum(checkpointed(make(), x)), X)
    W = Tensor(X)
    with pytest.raises(LostGradientError, match="other numbers"):
        gradient(lambda: np.sum(checkpointed(make(), W)), params(W))


def test_a_checkpointed_function_that_returns_other_things_is_noticed():
    with pytest.raises(LostGradientError, match="other numbers"):
        gradient(lambda x: np.sum(checkpointed(another_structure(), x)[0]), X)


def test_a_checkpointed_function_may_give_nan_and_round_differently():
    values = iter([1.0, 1.0 + 1e-15])

    (g,) = gradient(lambda x: np.sum(checkpointed(lambda x: x * next(values) + [np.nan, 0, 0], x)), X)

    assert g == pytest.approx(np.ones(3))


def test_random_numbers_drawn_before_are_the_same_in_both_runs():
    rng, drawn = np.random.default_rng(0), []

    def loss(x):
        drawn.append(rng.random(3))
        return np.sum(checkpointed(lambda x, mask: x * mask, x, drawn[-1]))

    assert np.array_equal(gradient(loss, X)[0], drawn[0])


def test_the_pullback_of_a_checkpointed_function_may_be_called_again():
    _, back = pullback(lambda x: checkpointed(np.square, x), 3.0)

    assert back(1.0) == (6.0,) and back(2.0) == (12.0,)
