"""Rules on whole arrays: what they may be, Muon and Adafactor against PyTorch, in groups, saved, scheduled."""

import json
import pathlib
from typing import Annotated

import numpy as np
import pytest
from all_rules import numbers, train

from minigrad import Exp, Scheduler, Tensor, params, trace
from minigrad import optimise as o
from minigrad.optimise import ADAM, Adafactor, Groups, Muon, Optimiser, rule, update_

RECORDED = json.loads((pathlib.Path(__file__).parent / "data" / "whole_peers.json").read_text(encoding="utf-8"))
OURS = {
    "Muon": lambda: Muon(0.02),
    "Muon, the author's": lambda: Muon(0.02, decay=0),
    "Muon, plain momentum": lambda: Muon(0.02, nesterov=False, steps=3),
    "Muon, with the rates of AdamW": lambda: Muon(0.02, rms=True),
    "Adafactor": lambda: Adafactor(),
    "Adafactor, other settings": lambda: Adafactor(0.5, 0.5, 0.1, 1.5, 0.1),
}


def end(opt, shape):
    x = np.random.default_rng(0).standard_normal(shape)
    x = np.array(x)
    for t in range(RECORDED["steps"]):
        update_(opt, x, np.random.default_rng(1 + t).standard_normal(shape))
    return x


CASES = [(name, kind) for name, ends in RECORDED["exact"].items() for kind in ends]


@pytest.mark.parametrize("name, kind", CASES)
def test_they_make_the_steps_of_pytorch(name, kind):
    x = end(OURS[name](), RECORDED["shapes"][kind])

    np.testing.assert_allclose(x, RECORDED["exact"][name][kind], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name, kind", [case for case in CASES if "Muon" in case[0]])
def test_pytorchs_sixteen_bits_are_all_that_is_between_its_muon_and_this(name, kind):
    shape = RECORDED["shapes"][kind]
    moved = np.abs(np.array(RECORDED["ends"][name][kind]) - np.random.default_rng(0).standard_normal(shape)).max()

    x = end(OURS[name](), shape)

    assert np.abs(x - RECORDED["ends"][name][kind]).max() < 0.02 * moved  # bfloat16 has 8 bits: 0.4 % a rounding


def test_the_step_of_muon_has_the_gradients_singular_vectors_and_values_near_one():
    dx = numbers((6, 4))
    u, s, v = np.linalg.svd(o.apply_(Muon(1.0, rho=0.0, decay=0), np.zeros((6, 4)), dx), full_matrices=False)
    u_, _, v_ = np.linalg.svd(dx, full_matrices=False)

    # sqrt(6 / 4) long; the polynomial's fixed points lie between 0.68 and 1.13
    assert np.all((0.6 < s / np.sqrt(1.5)) & (s / np.sqrt(1.5) < 1.25))
    np.testing.assert_allclose((u @ v), (u_ @ v_), atol=0.3)


# ------------------------------------------------------------------------------------------- rules of one's own
def square(x):
    return np.zeros((x.shape[0], x.shape[0]))


@rule(whole=True, eta=0.1)
def Left(x, dx, gram: square, m, t: float, eta, rho=0.9):
    """A step that is whitened along the first axis."""
    t = t + 1
    gram = gram + dx @ dx.T
    m = rho * m + dx
    return eta * np.linalg.solve(gram + np.eye(len(gram)), m), gram, m, t


def by_hand(x, steps, eta=0.1, rho=0.9):
    gram, m = np.zeros((3, 3)), np.zeros_like(x)
    for t in range(steps):
        dx = numbers(x.shape, seed=1 + t)
        gram, m = gram + dx @ dx.T, rho * m + dx
        x = x - eta * np.linalg.solve(gram + np.eye(3), m)
    return x


def test_a_function_of_whole_arrays_is_a_rule():
    x = numbers((3, 4))
    expected, opt = by_hand(x, 5), Left()

    train(opt, x, steps=5)

    np.testing.assert_allclose(x, expected, rtol=1e-13)
    gram, m, t = opt.state[x]
    assert (gram.shape, m.shape, t.tolist()) == ((3, 3), (3, 4), [5.0])
    assert repr(opt) == "Left(eta=0.1, rho=0.9)" and Left.__doc__.startswith("A step that is whitened")


def test_it_keeps_one_array_as_such_or_nothing_at_all():
    @rule(whole=True)
    def Mean(x, dx, m, eta=0.5):
        m = (m + dx) / 2
        return eta * m, m

    @rule(whole=True)
    def Centred(x, dx):
        return dx - np.mean(dx)

    x, opt = np.zeros(2), Mean()
    update_(opt, x, np.ones(2))
    assert opt.state[x].tolist() == [0.5, 0.5]
    update_(Optimiser(Centred(), opt), x, np.array([1.0, 3.0]))
    assert opt.state[x].tolist() == [-0.25, 0.75] and not hasattr(Centred(), "state")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
@pytest.mark.parametrize("make", [Left, Muon, Adafactor])
def test_dtypes_are_kept_and_strided_arrays_are_updated_where_they_are(make, dtype):
    if make is Left and dtype is np.longdouble:
        pytest.skip("NumPy solves no system in it")
    memory = numbers((3, 8), dtype)
    x, before = memory[:, ::2], memory.copy()
    plain = x.copy()

    opt, other = make(), make()
    for t in range(3):
        update_(opt, x, numbers(x.shape, dtype, t))
        update_(other, plain, numbers(x.shape, dtype, t))

    assert x.dtype == dtype and np.array_equal(x, plain) and not np.array_equal(x, before[:, ::2])
    assert np.array_equal(memory[:, 1::2], before[:, 1::2])


def test_the_parameter_is_not_to_be_written_to_by_the_rule():
    @rule(whole=True)
    def Careless(x, dx, eta=0.1):
        x -= eta * dx
        return 0 * dx

    with pytest.raises(ValueError, match="read-only"):
        update_(Careless(), np.ones(2), np.ones(2))


def test_an_error_in_it_moves_nothing():
    @rule(whole=True)
    def Fails(x, dx, m, eta=0.1):
        if dx[0] > 1:
            raise RuntimeError("too much")
        return dx, m + 1

    a, b = np.zeros(2), np.zeros(2)
    opt = Optimiser(Fails(), o.Momentum(0.5))
    update_(opt, [a, b], [np.ones(2), np.ones(2)])

    with pytest.raises(RuntimeError, match="too much"):
        update_(opt, [a, b], [np.ones(2), np.full(2, 2.0)])

    assert a.tolist() == b.tolist() == [-0.5, -0.5] and opt[0].state[a].tolist() == [1, 1]


WRONG = {
    "too little returned": (lambda x, dx, m, eta=0.1: dx, "must return the step and m"),
    "another shape returned": (lambda x, dx, m, eta=0.1: (dx, m[:1]), r"m had the shape \(2,\) and is \(1,\) now"),
    "a step of another shape": (lambda x, dx, eta=0.1: np.ones(3), "broadcast"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_it_must_return_is_said(name):
    function, message = WRONG[name]
    function.__name__ = "Wrong"

    with pytest.raises(ValueError, match=message):
        update_(rule(whole=True)(function)(), np.ones(2), np.ones(2))


def test_what_they_are_not_for_is_refused():
    with pytest.raises(ValueError, match=r"Muon is for matrices, and this parameter has the shape \(2,\)"):
        update_(Muon(), np.ones(2), np.ones(2))
    for make in (Muon, Adafactor):
        with pytest.raises(TypeError, match="defined for real numbers"):
            update_(make(), np.ones((2, 2), complex), np.ones((2, 2)))
    with pytest.raises(TypeError, match="its step is no formula"):
        Muon().stages()
    with pytest.raises(TypeError, match="Muon has no hyperparameter 'momentum'"):
        Muon(momentum=0.9)


# ------------------------------------------------------------------------------- with all the others
def test_in_groups_with_adam_for_the_rest_they_are_what_they_are_alone(either_way):
    ps = [Tensor(numbers(s, seed=k)) for k, s in enumerate([(3, 2), (2,), (2, 4)])]
    alone = [p.data.copy() for p in ps]
    opt = Scheduler(Groups((lambda name, p: p.ndim == 2, Muon()), otherwise=ADAM()), eta=Exp(0.1, 0.5))
    muon, adam = Muon(), ADAM()

    for t in range(4):
        dxs = [numbers(p.shape, seed=10 * t + k) for k, p in enumerate(ps)]
        update_(opt, ps, dxs)
        muon.eta = adam.eta = 0.1 * 0.5**t
        update_(muon, alone[::2], dxs[::2])
        update_(adam, alone[1], dxs[1])

    assert all(np.array_equal(p.data, x) for p, x in zip(ps, alone)) and len(muon.state) == 2


@pytest.mark.parametrize("make", [Left, Muon, Adafactor])
def test_saved_and_loaded_they_go_on_bit_for_bit(make):
    opt, other, x = make(), make(), numbers((3, 4))
    train(opt, x, steps=3)
    y = x.copy()

    o.load_state_(other, {"x": y}, o.state_dict(opt, {"x": x}))

    assert np.array_equal(train(opt, x, seed=50), train(other, y, seed=50))


def test_state_of_another_shape_is_not_loaded():
    opt, x = Left(), numbers((3, 4))
    train(opt, x, steps=1)
    saved = o.state_dict(opt, [x])
    saved["optimiser"]["state"]["state"]["0"][0] = np.zeros((2, 2))

    with pytest.raises(ValueError, match=r"saved were float64 \(2, 2\).* needed are float64 \(3, 3\)"):
        o.load_state_(opt, [x], saved)


def test_a_program_with_such_an_optimiser_says_that_its_step_cannot_be_written_out():
    W = Tensor(numbers((2, 2)))
    program = trace(lambda: np.sum(W**2), params(W))

    with pytest.raises(TypeError, match="Muon: its step is no formula"):
        program.source(step=Muon())


def test_where_an_array_of_the_state_begins_may_be_said_in_a_way_that_type_checkers_read():
    @rule(whole=True)
    def Annotating(x, dx, gram: Annotated[np.ndarray, square], eta=0.1):
        gram = gram + dx @ dx.T
        return eta * gram @ dx, gram

    opt, x, dx = Annotating(), numbers((3, 2)), numbers((3, 2), seed=1)
    before = x.copy()

    update_(opt, x, dx)

    assert opt.state[x].shape == (3, 3)
    np.testing.assert_allclose(x, before - 0.1 * dx @ dx.T @ dx, rtol=1e-12)
