"""EMA, SWA, ScheduleFree: against PyTorch and optax; averages in the place of parameters, and back."""

import json
import pathlib

import numpy as np
import pytest
from all_rules import numbers, train

from minigrad import Scheduler, Tensor, checkpoint, gradient, nn, params, train_, update_
from minigrad.optimise import (
    ADAM, EMA, SWA, AccumGrad, Descent, Groups, InvDecay, Lookahead, Momentum, Optimiser, ScheduleFree, WeightDecay,
    load_state_, state_dict,
)  # fmt: skip
from minigrad.optimise.swapping import judged

RECORDED = json.loads((pathlib.Path(__file__).parent / "data" / "averages_peers.json").read_text(encoding="utf-8"))
OURS = {
    "EMA": lambda: Optimiser(ADAM(0.1), EMA(0.9)),
    "SWA": lambda: Optimiser(ADAM(0.1), SWA()),
    "SWA from the 5th step, every other": lambda: Optimiser(ADAM(0.1), SWA(4, 2)),
    "schedule-free SGD": lambda: ScheduleFree(Descent(0.5)),
    "schedule-free ADAM": lambda: ScheduleFree(ADAM(0.1, beta=(0.0, 0.999)), 0.95),
    # optax's schedules count from 0, and its rate there is 0 at the first step
    "schedule-free with a warm-up": lambda: Scheduler(ScheduleFree(Descent()), eta=lambda t: 0.1 * min(1, (t - 1) / 5)),
}


def drawn(seed):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in RECORDED["shapes"]]


def flat(arrays):
    return np.concatenate([np.ravel(a) for a in arrays])


@pytest.mark.parametrize("name", RECORDED["ends"])
def test_parameters_and_averages_are_those_of_pytorch_and_optax(name, either_way):
    ps, opt = list(map(Tensor, drawn(0))), OURS[name]()
    ended, average = RECORDED["ends"][name]

    for t in range(RECORDED["steps"]):
        update_(opt, ps, drawn(1 + t))

    np.testing.assert_allclose(flat(p.data for p in ps), ended, rtol=1e-12)
    with opt.averaged(ps):
        np.testing.assert_allclose(flat(p.data for p in ps), average, rtol=1e-12)
    np.testing.assert_allclose(flat(p.data for p in ps), ended, rtol=1e-12)


@pytest.mark.parametrize("stage", [EMA(0.5), SWA()])
def test_they_change_no_step(stage, either_way):
    x, y = numbers(5), numbers(5)

    assert np.array_equal(train(Optimiser(ADAM(0.1), stage), x), train(ADAM(0.1), y))


def averaging(x, steps=3):
    opt = Optimiser(Descent(1.0), EMA(0.5))
    for _ in range(steps):
        update_(opt, x, np.ones(x.shape))
    return opt


def test_the_parameters_come_back_bit_for_bit_after_an_exception_too():
    x = Tensor(numbers(4))
    opt = averaging(x)
    before = x.data.copy()

    with pytest.raises(ZeroDivisionError):
        with opt.averaged(x):
            assert not np.array_equal(x.data, before)
            x[...] = 0.0
            _ = 1 / 0

    assert np.array_equal(x.data, before)


def test_training_goes_on_as_if_nobody_had_looked(either_way):
    x, y = Tensor(numbers(4)), Tensor(numbers(4))
    opt, other = averaging(x), averaging(y)

    for _ in range(3):
        with opt.averaged([x]):
            gradient(lambda: np.sum(x**2), params(x))
        update_(opt, x, np.ones(4))
        update_(other, y, np.ones(4))

    assert np.array_equal(x.data, y.data)


def test_a_step_within_is_an_error_and_so_is_the_same_again():
    x, z = Tensor(numbers(4)), Tensor(numbers(2))
    opt, other = averaging(x), Momentum()
    update_(other, x, np.ones(4))

    with opt.averaged(x):
        for each in (opt, other):
            with pytest.raises(RuntimeError, match="step outside of averaged"):
                update_(each, x, np.ones(4))
        with pytest.raises(RuntimeError, match="the average is there already"):
            with opt.averaged(x):
                pass
        update_(other, z, np.ones(2))
    update_(other, x, np.ones(4))


def test_what_was_never_updated_stays_as_it_is():
    x, y = Tensor(numbers(4)), Tensor(numbers(4))
    opt = averaging(x)

    with opt.averaged([x, y]):
        assert np.array_equal(y.data, numbers(4)) and not np.array_equal(x.data, numbers(4) - 3)


def test_an_optimiser_that_averages_nothing_says_how():
    with pytest.raises(TypeError, match=r"nothing in ADAM\(.* averages. Put it last: Optimiser\(ADAM\(\.\.\.\), EMA"):
        with ADAM().averaged(np.ones(2)):
            pass
    x = numbers(2)
    with judged(ADAM(), x):
        assert np.array_equal(x, numbers(2))


def test_they_stand_last():
    x = np.ones(2)
    before = Lookahead(Optimiser(ADAM(), EMA()))
    for opt in (before, Optimiser(EMA(), WeightDecay(0.1)), Optimiser(SWA(), AccumGrad(2))):
        with pytest.raises(ValueError, match="has to see where the step leads to, so it stands last"):
            update_(opt, x, np.ones(2))
    assert x.tolist() == [1, 1]

    update_(Groups((x, Optimiser(ADAM(), EMA())), otherwise=InvDecay()), x, np.ones(2))
    update_(Optimiser(ScheduleFree(Descent()), EMA(), SWA()), x, np.ones(2))


def test_in_groups_each_has_its_own(either_way):
    W, b, c = Tensor(numbers((2, 2))), Tensor(numbers(2)), Tensor(numbers(2))
    opt = Groups((W, Optimiser(Descent(1.0), EMA(0.5))), (b, ScheduleFree(Descent(1.0))), otherwise=Descent(0.1))
    alone, free, y = averaging(x := Tensor(numbers((2, 2)))), ScheduleFree(Descent(1.0)), numbers(2)
    for _ in range(3):
        update_(opt, [W, b, c], [np.ones((2, 2)), np.ones(2), np.ones(2)])
        update_(free, y, np.ones(2))

    with opt.averaged([W, b, c]), alone.averaged(x), free.averaged(y):
        assert np.array_equal(W.data, x.data) and np.array_equal(b.data, y)
    np.testing.assert_allclose(c.data, numbers(2) - 0.3)


@pytest.mark.parametrize("name", OURS)
def test_saved_and_loaded_they_go_on_bit_for_bit(name):
    x, opt, other = numbers(5), OURS[name](), OURS[name]()
    train(opt, x, steps=5)
    y = x.copy()

    load_state_(other, [y], state_dict(opt, [x]))
    train(opt, x, seed=50)
    train(other, y, seed=50)

    with opt.averaged(x), other.averaged(y):
        assert np.array_equal(x, y)


def test_a_checkpoint_saved_within_says_so_and_training_cannot_go_on_from_it(tmp_path):
    model = nn.Dense(2, 1)
    opt = Optimiser(ADAM(0.1), EMA(0.5))
    for _ in range(3):
        update_(opt, params(model), gradient(lambda: np.sum(model(np.ones((4, 2))) ** 2), params(model)))
    with opt.averaged(model):
        checkpoint.save(tmp_path / "best.npz", model=model, opt=opt)
        average = model.W.data.copy()
    checkpoint.save(tmp_path / "run.npz", model=model, opt=opt)

    with pytest.raises(checkpoint.CheckpointError, match=r"saved within opt\.averaged.* cannot go on"):
        checkpoint.load_(tmp_path / "best.npz", model=model, opt=opt)
    assert not np.array_equal(model.W.data, average)
    assert checkpoint.load_(tmp_path / "best.npz", model=model)["averaged"] is True
    assert np.array_equal(model.W.data, average)
    assert checkpoint.load_(tmp_path / "run.npz", model=model, opt=opt) == {}
    assert "averaged" not in checkpoint.load_(tmp_path / "run.npz")


def test_schedule_frees_fields_reach_inside():
    opt = ScheduleFree(Descent(1.0), beta=0.5)

    opt.beta, opt.power = 0.8, 0

    assert repr(opt) == "ScheduleFree(Descent(eta=1.0), beta=0.8, power=0.0)" and opt[1].hyper() == (1.0, 0.8, 0.0)
    with pytest.raises(ValueError, match=r"beta must be a number in \(0, 1\]"):
        opt.beta = 0


def test_train_judges_the_averages_and_goes_on_with_the_parameters():
    def trained(**how):
        W, seen = Tensor(np.zeros(2)), []

        def judge(x):
            seen.append(W.data.copy())
            return np.sum(W * x)

        opt = Optimiser(Descent(1.0), EMA(0.5))
        how = {"validation": (judge, [np.ones(2)])} if how else {}
        train_(lambda x: np.sum(W * x), params(W), [np.ones(2)] * 2, opt, epochs=2, progress="silent", **how)
        return W.data, seen

    moved, seen = trained(judged=True)

    assert np.array_equal(moved, trained()[0]) and moved.tolist() == [-4, -4]
    assert seen[0].tolist() == [-1.5, -1.5] and seen[1].tolist() == [-3.125, -3.125]
