"""Optimisers that look at the loss again: SAM, Sophia, LBFGS; in train_, in a loop of one's own, nowhere else."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from all_rules import numbers

from minigrad import (
    LBFGS, SAM, Cos, Scheduler, Sophia, Tensor, gradient, gradient_for, params, skip, train_, train_step_,
    update_,
)  # fmt: skip
from minigrad.optimise import (
    ADAM, EMA, ClipGlobalNorm, Descent, Groups, Optimiser, WeightDecay, load_state_, state_dict,
)  # fmt: skip

RECORDED = json.loads((pathlib.Path(__file__).parent / "data" / "twice_peers.json").read_text(encoding="utf-8"))
X = np.random.default_rng(1).standard_normal((5, 3))
OURS = {
    "SAM of SGD": lambda: SAM(Descent(0.02), 0.05),
    "SAM of ADAM": lambda: SAM(ADAM(0.05), 0.2),
    "Sophia": lambda: Sophia(0.05, seed=7),
    "Sophia, often": lambda: Sophia(0.05, (0.9, 0.5), decay=0.1, gamma=0.5, every=2, seed=7),
}


def model():
    rng = np.random.default_rng(0)
    return params([Tensor(rng.standard_normal(shape)) for shape in RECORDED["shapes"]])


def loss_of(ps):
    def loss(x=X):
        W, b = ps
        return np.sum((np.tanh(x @ W) + b**2) ** 2) + np.sum(b**4)

    return loss


def flat(ps):
    return np.concatenate([np.ravel(p.data) for p in ps])


def train(ps, opt, steps=5, **how):
    return train_(loss_of(ps), ps, [X] * steps, opt, progress="silent", **how)


@pytest.mark.parametrize("name", OURS)
def test_they_go_where_optax_goes(name, either_way):
    ps = model()

    train(ps, OURS[name](), RECORDED["steps"])

    np.testing.assert_allclose(flat(ps), RECORDED["ends"][name], rtol=1e-11)


MAKE = {**OURS, "LBFGS": lambda: LBFGS(steps=3)}


@pytest.mark.parametrize("name", MAKE)
def test_single_steps_and_a_loop_of_ones_own_are_the_same(name):
    a, b, c = model(), model(), model()
    opt, other, third = MAKE[name](), MAKE[name](), MAKE[name]()

    losses = train(a, opt)
    steps = [train_step_(loss_of(b), b, X, other) for _ in range(5)]
    for _ in range(5):
        update_(third, c, gradient_for(third, loss_of(c), c))

    assert losses == steps and np.array_equal(flat(a), flat(b)) and np.array_equal(flat(a), flat(c))


@pytest.mark.parametrize("name", MAKE)
def test_without_the_look_a_step_is_refused_and_nothing_moves(name):
    ps = model()
    opt = Optimiser(WeightDecay(0.1), MAKE[name]())
    before, grads = flat(ps), gradient(loss_of(ps), ps)

    with pytest.raises(TypeError, match=r"looks at the loss again .*update_\(opt, ps, gradient_for\(opt, lambda"):
        update_(opt, ps, grads)

    assert np.array_equal(flat(ps), before)


def test_a_look_is_for_one_step():
    ps, opt = model(), SAM(Descent(0.01))
    grads = gradient_for(opt, loss_of(ps), ps)
    update_(opt, ps, grads)

    with pytest.raises(TypeError, match="looks at the loss again"):
        update_(opt, ps, grads)


@pytest.mark.parametrize("name", MAKE)
def test_saved_and_loaded_they_go_on_bit_for_bit(name):
    ps, opt, other = model(), MAKE[name](), MAKE[name]()
    train(ps, opt, 3)
    qs = model()
    for p, q in zip(ps, qs):
        q[...] = p.data

    load_state_(other, qs, state_dict(opt, ps))
    train(ps, opt, 12)
    train(qs, other, 12)

    assert np.array_equal(flat(ps), flat(qs))


COMPOSED = {
    "clipped": lambda ps: Optimiser(ClipGlobalNorm(0.1), SAM(ADAM(0.1)), EMA(0.9)),
    "scheduled": lambda ps: Scheduler(SAM(Descent(0.01)), rho=Cos(0.1, 0.0, 10)),
    "around groups": lambda ps: SAM(Groups((ps[:1], ADAM(0.1)), otherwise=Descent(0.01))),
    "Sophia in groups": lambda ps: Groups((ps[:1], Sophia(0.1)), otherwise=ADAM(0.1)),
    "both": lambda ps: SAM(Sophia(0.01, every=2)),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_they_stand_in_compositions(name):
    ps = model()

    losses = train(ps, COMPOSED[name](ps), 30)

    assert losses[-1] < 0.6 * losses[0]


def test_sophia_in_a_group_looks_for_its_own_parameters():
    ps = model()
    opt = COMPOSED["Sophia in groups"](ps)

    train(ps, opt)

    assert len(opt[0].state) == 1 and ps[0] in opt[0].state


@pytest.mark.parametrize("make", [SAM, lambda opt: LBFGS()])
def test_what_looks_for_all_together_stands_around_groups(make):
    ps = model()

    with pytest.raises(TypeError, match="stands around Groups, not inside"):
        train(ps, Groups((ps[:1], make(ADAM())), otherwise=ADAM()))


def test_uphill_only_what_moves_is_moved():
    ps, other = model(), model()
    opt, alone = SAM(Descent(0.01), 0.5), SAM(Descent(0.01), 0.5)
    opt.freeze_(ps[1])
    W = other[0]

    train(ps, opt)
    for _ in range(5):
        update_(alone, params(W), gradient_for(alone, loss_of(other), params(W)))

    assert np.array_equal(ps[0].data, W.data) and np.array_equal(ps[1].data, model()[1].data)


def test_the_parameters_are_themselves_again_when_the_second_look_fails():
    ps = model()
    calls, before = [], flat(ps)

    def loss(x):
        calls.append(1)
        return skip() if len(calls) == 2 else loss_of(ps)(x)

    losses = train_(loss, ps, [X, X], SAM(Descent(0.0)), progress="silent")

    assert len(calls) == 4 and len(losses) == 1 and np.array_equal(flat(ps), before)


def test_the_norm_of_the_way_uphill_is_that_of_all_parameters():
    a, b = Tensor([3.0]), Tensor([4.0])
    seen = []

    def loss():
        seen.append((a.data[0], b.data[0]))
        return 0.5 * np.sum(a**2) + 0.5 * np.sum(b**2)

    gradient_for(SAM(Descent(), 1.0), loss, params(a, b))

    np.testing.assert_allclose(seen, [(3, 4), (3.6, 4.8)])


def test_sophias_estimate_is_exact_where_the_hessian_is_diagonal():
    x, scale = Tensor(numbers(4)), np.array([1.0, 2.0, 3.0, 10.0])
    opt = Sophia(0.01, (0.9, 0.5), every=1)

    for _ in range(2):
        update_(opt, params(x), gradient_for(opt, lambda: 0.5 * np.sum(scale * x**2), params(x)))

    np.testing.assert_allclose(opt.state[x][1], 0.75 * scale, rtol=1e-12)


def test_lbfgs_finds_the_least_squares_solution():
    A, y = numbers((20, 5)), numbers(20, seed=3)
    w, b = Tensor(np.zeros(5)), Tensor(0.0)
    best = np.linalg.lstsq(np.column_stack([A, np.ones(20)]), y, rcond=None)[0]

    losses = train_(lambda A, y: np.sum((A @ w + b - y) ** 2), params(w, b), [(A, y)] * 3, LBFGS(), progress="silent")

    np.testing.assert_allclose([*w.data, b.item()], best, atol=1e-6)
    assert losses[0] > losses[1] >= losses[2]


def test_lbfgs_keeps_dtypes_and_refuses_complex_numbers():
    w = Tensor(np.ones(3, np.float32))
    train_(lambda: np.sum((w - 2) ** 2), params(w), [()], LBFGS(), progress="silent")
    assert w.dtype == np.float32 and np.allclose(w.data, 2, atol=1e-3)

    z = Tensor(np.ones(2, complex))
    with pytest.raises(TypeError, match="LBFGS moves real numbers"):
        train_(lambda: np.sum(np.abs(z) ** 2), params(z), [()], LBFGS(), progress="silent")
    with pytest.raises(TypeError, match="Sophia is defined for real numbers"):
        train_(lambda: np.sum(np.abs(z) ** 2), params(z), [()], Sophia(), progress="silent")


def test_scipy_is_not_imported_before():
    code = "import sys, minigrad; minigrad.LBFGS(); minigrad.SAM(minigrad.ADAM()); print('scipy' in sys.modules)"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "False"


def test_a_loss_with_more_to_say_is_one_too():
    ps, qs = model(), model()
    loss = loss_of(ps)

    train_(lambda x: (loss(x), "more"), ps, [X] * 3, SAM(Sophia(0.1)), progress="silent")
    train_(loss_of(qs), qs, [X] * 3, SAM(Sophia(0.1)), progress="silent")

    assert np.array_equal(flat(ps), flat(qs))
