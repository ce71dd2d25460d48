"""Habits brought from other libraries: each meets an error that says what to write here."""

import numpy as np
import pytest

import minigrad
from minigrad import (
    ADAM,
    ClipNorm,
    Cos,
    Descent,
    ExpDecay,
    Momentum,
    Optimiser,
    Tensor,
    gradient,
    hvp,
    params,
    train_,
    update_,
    withgradient,
)
from minigrad.nn import Chain, Conv, Dense, MaxPool
from minigrad.optimise import AbstractOptimiser

W = Tensor(np.ones((2, 5)))


def loss(x, y):
    return np.sum((W @ x - y) ** 2)


DATUM = np.ones(5), np.ones(2)

NO_SUCH_NAME = {
    "t.backward()": (lambda: loss(*DATUM).backward(), r"Tensor has no 'backward': .*grads = gradient\(lambda: loss"),
    "t.grad": (lambda: W.grad, r"they are returned|then grads\[W\]"),
    "t.requires_grad": (lambda: W.requires_grad, "with respect to W and b"),
    "t.requires_grad = True": (lambda: setattr(W, "requires_grad", True), "with respect to W and b"),
    "t.detach()": (lambda: W.detach(), r"minigrad\.dropgrad\(t\)"),
    "t.numpy()": (lambda: W.numpy(), r"t\.data is the live ndarray, np\.array\(t\) a copy"),
    "t.at[0].set(1)": (lambda: W.at[0].set(1), "minigrad.Buffer"),
    "opt.step()": (lambda: ADAM().step(), r"ADAM has no 'step': update_\(opt, ps, grads\)"),
    "opt.zero_grad()": (lambda: Descent().zero_grad(), "Descent has no 'zero_grad': .*returns new gradients"),
    "opt.param_groups": (lambda: Momentum().param_groups, r"opt\.eta = 0\.1 sets a rate"),
    "model.parameters()": (lambda: Dense(5, 2).parameters(), r"Dense has no 'parameters': params\(model\)"),
    "model.forward(x)": (lambda: Chain(Dense(5, 2)).forward(DATUM[0]), r"Chain has no 'forward': .* model\(x\)"),
    "model.train()": (lambda: Chain(Dense(5, 2)).train(), r"trainmode_\(model\)"),
    "model.eval()": (lambda: Chain(Dense(5, 2)).eval(), r"testmode_\(model\)"),
    "minigrad.grad": (lambda: minigrad.grad, r"'grad': gradient\(f, x\) returns the gradients at x"),
    "minigrad.SGD": (lambda: minigrad.SGD, r"'SGD': Descent\(eta\), or Momentum\(eta, rho\)"),
    "minigrad.optim": (lambda: minigrad.optim.Adam, r"as in minigrad\.ADAM\(\)"),
    "minigrad.no_grad": (lambda: minigrad.no_grad(), r"dropgrad\(t\) and ignore\(f\)"),
    "minigrad.update": (lambda: minigrad.update, "'update': it is update_ here; the underscore says"),
    "minigrad.Dense": (lambda: minigrad.Dense, r"it is minigrad\.nn\.Dense"),
}


@pytest.mark.parametrize("habit, message", NO_SUCH_NAME.values(), ids=NO_SUCH_NAME)
def test_a_name_of_another_library_says_what_to_write_here(habit, message):
    with pytest.raises(AttributeError, match=message):
        habit()


@pytest.mark.parametrize("x, name", [(W, "backward"), (W, "numpy"), (Tensor, "grad"), (ADAM(), "step"),
                                     (Dense(5, 2), "forward"), (minigrad, "grad"), (minigrad, "nonsense")])
def test_a_program_that_looks_for_such_a_name_finds_none(x, name):
    assert not hasattr(x, name)


def test_an_optimiser_may_have_such_a_name_for_something_of_its_own():
    class Counting(AbstractOptimiser):
        def __init__(self):
            self.step = 7

    assert ExpDecay(step=100).step == 100 and Counting().step == 7


IN_THE_WRONG_PLACE = {
    "ADAM(params(W))": (lambda: ADAM(params(W)), r"update_\(ADAM\(\.\.\.\), ps, gradients\)"),
    "ADAM(W)": (lambda: ADAM(W), r"Parameters are given with each step"),
    "ADAM(eta=schedule)": (lambda: ADAM(eta=Cos(0.1, 1, 9)), r"Scheduler\(ADAM\(\.\.\.\), eta=schedule\)"),
    "Optimiser([a, b])": (lambda: Optimiser([ClipNorm(1), ADAM()]), r"a list is not .*Optimiser\(\*optimisers\)"),
    "Chain([a, b])": (lambda: Chain([Dense(5, 2)]), r"those in a list by Chain\(\*layers\)"),
    "update_(ps, opt, grads)": (lambda: update_(params(W), ADAM(), W), r"ADAM\(.*\) is an optimiser in the place of"),
    "update_(opt, W)": (lambda: update_(ADAM(), W), r"the gradients come last: update_\(opt, ps, gradient"),
    "update_(opt, x, gradient(f, x))": (
        lambda: update_(ADAM(), W, gradient(np.sum, W)),
        r"is a tuple\. .*take them apart, \(dx,\) = gradient\(f, x\)",
    ),
    "update_(opt, ps, withgradient(f, ps))": (
        lambda: update_(ADAM(), params(W), withgradient(lambda: loss(*DATUM), params(W))),
        "value and the gradients.*loss, grads = withgradient",
    ),
    "update_(ADAM, W, dx)": (lambda: update_(ADAM, W, W), r"ADAM is a class; give an optimiser, opt = ADAM\(\.\.\.\)"),
    "Conv(3, 1, 4)": (lambda: Conv(3, 1, 4), r"Conv: the size .*\(3, 3\) for images, \(3,\) for sequences"),
    "MaxPool(2)": (lambda: MaxPool(2), r"MaxPool: the size .*\(2, 2\) for images"),
    "hvp(x, f, v)": (lambda: hvp(np.ones(2), np.sum, np.ones(2)), "hvp: the first argument must be a function"),
    "train_(loss, data, ps, opt)": (lambda: train_(loss, [DATUM], params(W), ADAM()), "no Tensor"),
    "train_(loss, data of Tensors, ps, opt)": (
        lambda: train_(loss, [tuple(map(Tensor, DATUM))], params(W), ADAM()),
        r"got Params\. The order is train_\(loss, ps, data, opt\)",
    ),
}


@pytest.mark.parametrize("call, message", IN_THE_WRONG_PLACE.values(), ids=IN_THE_WRONG_PLACE)
def test_what_is_given_in_the_wrong_place_is_told_the_right_one(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_a_generator_that_is_used_up_is_told_from_data_that_is_empty():
    batches = iter([DATUM])
    train_(loss, params(W), batches, Descent(0.0), progress="silent")

    with pytest.raises(ValueError, match="empty.*A list_iterator is used up after one pass: give a list"):
        train_(loss, params(W), batches, Descent(0.0), progress="silent")
    with pytest.raises(ValueError, match="nothing to learn from$"):
        train_(loss, params(W), [], Descent(0.0), progress="silent")
