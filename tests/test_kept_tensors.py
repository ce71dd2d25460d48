"""A Tensor that an earlier gradient computed has no place in a later one, unless it is said to be a constant."""

import functools

import numpy as np
import pytest

from minigrad import (
    Buffer,
    LostGradientError,
    Tensor,
    adjoint,
    array,
    checkpointed,
    dropgrad,
    gradient,
    hessian,
    ignore,
    jacobian,
    params,
    pullback,
    update_,
    withgradient,
)
from minigrad.nn import LSTM
from minigrad.optimise import Descent

W = Tensor([1.0, 2.0, 3.0])
REFUSED = pytest.raises(LostGradientError, match=r"earlier gradient.*Compute it anew.*dropgrad")


def kept(f, x=2.0):
    """Return what ``f`` computed inside of a gradient that is over."""
    found = []
    gradient(lambda x: (found.append(f(x)), x)[1], x)
    return found[0]


def double(x):
    return x * 2


# ------------------------------------------------------------------------------- how programs keep them
class Model:
    def __init__(self):
        self.W = Tensor([1.0, 2.0])

    @functools.cached_property
    def norm(self):
        return np.sum(self.W**2)


def test_a_cached_property_loses_no_term():
    model = Model()
    loss = lambda: np.sum(model.W) + model.norm

    assert gradient(loss, params(model.W))[model.W].tolist() == [3.0, 5.0]
    with REFUSED:
        gradient(loss, params(model.W))


def test_a_cache_of_results_loses_no_term():
    @functools.lru_cache
    def square_of(x):
        return W**2 * x

    loss = lambda: np.sum(square_of(3.0) + W)

    assert gradient(loss, params(W))[W].tolist() == [7.0, 13.0, 19.0]
    with REFUSED as caught:
        gradient(loss, params(W))
    assert "test_kept_tensors.py" in str(caught.value) and "(3,)" in str(caught.value)


def test_a_dictionary_of_results_loses_no_term():
    cache = {}

    def loss():
        if "h" not in cache:
            cache["h"] = np.exp(W)
        return np.sum(cache["h"])  # nothing else of this gradient is in it

    gradient(loss, params(W))
    with REFUSED:
        gradient(loss, params(W))


def test_the_state_of_a_recurrent_network_is_a_constant_when_it_is_said_to_be_one():
    class Cell:
        def __init__(self):
            self.w, self.state = Tensor(0.5), np.zeros(())

        def __call__(self, x):
            self.state = np.tanh(self.w * self.state + x)
            return self.state

        def reset_(self):
            self.state = np.zeros(())

    cell = Cell()
    loss = lambda: cell(1.0)
    gradient(loss, params(cell.w))
    with REFUSED:
        gradient(loss, params(cell.w))

    cell.reset_()
    assert gradient(loss, params(cell.w))[cell.w].tolist() == 0.0
    cell.state = dropgrad(cell.state)
    h = np.tanh(1.0)
    assert gradient(loss, params(cell.w))[cell.w].tolist() == pytest.approx(h * (1 - np.tanh(0.5 * h + 1) ** 2))


def test_the_state_that_a_layer_returned_out_of_a_gradient_starts_the_next_one():
    layer, x = LSTM(2, 3, rng=0), np.ones((4, 5, 2))

    def loss(state):
        y, state = layer.unroll(x, state)
        return np.sum(y), state

    (_, state), _ = withgradient(lambda: loss(None), params(layer))
    (value, _), grads = withgradient(lambda: loss(state), params(layer))

    assert isinstance(value, float) and all(g is not None for g in grads)


# ------------------------------------------------------------------------------------ whatever is done with it
USES = {
    "an operator": lambda t, x: t * x,
    "reflected": lambda t, x: x - t,
    "with a constant": lambda t, x: 2.0 * t,
    "with an array": lambda t, x: np.sum(t + np.ones(2)),
    "a ufunc": lambda t, x: np.exp(t),
    "a function": lambda t, x: np.sum(t),
    "a function with more": lambda t, x: np.sum(t, axis=None),
    "made of others": lambda t, x: np.sum(np.sort(np.ravel(t))),
    "a method of a ufunc": lambda t, x: np.add.reduce(np.ravel(t)),
    "in a list": lambda t, x: np.sum(np.stack([t, x])),
    "in an array": lambda t, x: np.sum(array([t, x])),
    "reading": lambda t, x: t[()],
    "matmul": lambda t, x: np.ones(2) @ np.stack([t, t]),
    "returned": lambda t, x: t,
    "float": lambda t, x: float(t) * x,
    "asarray": lambda t, x: np.asarray(t) * x,
    "item": lambda t, x: t.item() * x,
    "Tensor": lambda t, x: Tensor(t) * x,
    "a Buffer": lambda t, x: (lambda b: (b.__setitem__(0, t), np.sum(b.copy()))[1])(Buffer(np.zeros(2))),
    "a derivative of one's own": lambda t, x: adjoint(lambda a: (a * 2, lambda g: (g * 2,)))(t),
    "checkpointed": lambda t, x: checkpointed(lambda y: y * t, x),
    "an inner gradient": lambda t, x: gradient(lambda y: y * t, x)[0],
    "the argument of an inner gradient": lambda t, x: gradient(lambda y: y * y, t)[0],
    "a function without a derivative": lambda t, x: np.unwrap(np.ravel(t))[0] if False else np.bincount([0], t[None]),
}


@pytest.mark.parametrize("name", USES)
@pytest.mark.parametrize("value", [double, lambda x: np.stack([x, x])[0], lambda x: gradient(lambda y: y * x, x)[0]])
def test_no_use_of_a_kept_tensor_goes_unnoticed(name, value):
    t = kept(value)

    with REFUSED:
        gradient(lambda x: USES[name](t, x), 3.0)


@pytest.mark.parametrize("take", [gradient, withgradient, pullback, jacobian, hessian], ids=lambda f: f.__name__)
def test_every_kind_of_gradient_refuses_it(take):
    t = kept(double)

    with REFUSED:
        take(lambda x: x * x * t, 3.0)
    with REFUSED:
        take(lambda x: t, 3.0)


def test_a_tensor_of_an_inner_gradient_loses_nothing_in_the_outer_one():
    def f(x):
        found = []
        gradient(lambda y: (found.append(y * x), y)[1], 2.0)
        return found[0] * x

    with REFUSED:
        gradient(f, 3.0)


def test_a_pullback_of_an_earlier_gradient_is_refused_in_a_later_one():
    found = []
    gradient(lambda x: (found.append(pullback(lambda y: y**2 * x, 3.0)[1]), x)[1], 5.0)

    assert found[0](1.0) == (30.0,)
    with REFUSED:
        gradient(lambda x: found[0](x)[0], 1.0)


# ------------------------------------------------------------------------------------------ what stays allowed
def test_outside_of_a_gradient_it_is_an_ordinary_tensor():
    t = kept(double)

    assert float(t) == 4.0 and float(t * 2) == 8.0 and np.asarray(t) == 4.0 and float(np.exp(t * 0)) == 1.0
    assert Tensor(t).tolist() == 4.0 and float(dropgrad(t)) == 4.0
    assert gradient(lambda x: ignore(lambda: float(t)) * x, 3.0) == (4.0,)


def test_as_a_constant_it_goes_in():
    t = kept(double)

    assert gradient(lambda x: x * dropgrad(t), 3.0) == (4.0,)
    assert gradient(lambda x: x * t.data, 3.0) == (4.0,)
    assert gradient(lambda x: x * ignore(lambda: t * 2), 3.0) == (8.0,)
    assert gradient(lambda x: np.sum(dropgrad({"t": [t, t]})["t"]) * x, 3.0) == (8.0,)
    assert gradient(lambda x: x * (t > 3), 3.0) == (1.0,)  # whose derivative is zero anyhow


def test_it_can_be_what_is_differentiated():
    t = kept(double)

    assert gradient(lambda x: x * x, t)[0].tolist() == 8.0
    assert gradient(lambda: t * t, params(t))[t].tolist() == 8.0
    update_(Descent(0.25), t, gradient(lambda: t * t, params(t))[t])
    assert float(t) == 2.0


def test_what_the_doors_return_is_plain_and_goes_in():
    value, (g,) = withgradient(lambda x: np.sum(x * x), W)
    y, back = pullback(lambda x: x * x, W)
    (_, aux), _ = withgradient(lambda x: (np.sum(x), {"h": x * 2}), W)
    grads = gradient(lambda: np.sum(W * W), params(W))

    loss = lambda x: np.sum(x * (value + g + y + back(np.ones(3))[0] + aux["h"] + grads[W]))

    expected = 14.0 + 2 * W.data + W.data**2 + 2 * W.data + 2 * W.data + 2 * W.data
    assert gradient(loss, np.ones(3))[0].tolist() == expected.tolist()


def test_what_the_doors_return_inside_of_an_outer_gradient_is_recorded_by_that():
    def f(x):
        value, (g,) = withgradient(lambda y: y**3 * x, x)
        y, back = pullback(lambda y: y * y * x, x)
        return value + g + y + back(1.0)[0]  # x**4 + 3 x**3 + x**3 + 2 x**2

    assert gradient(f, 2.0)[0] == 4 * 8 + 9 * 4 + 3 * 4 + 4 * 2


def test_further_results_of_withgradient_may_be_kept_ones():
    t = kept(double)

    assert withgradient(lambda x: (x * 3, t), 1.0).val == (3.0, 4.0)
