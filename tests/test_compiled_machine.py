"""Compiled steps as machine code: the same numbers, what it does not take, and how little Python is left."""

import copy
import threading

import numpy as np
import pytest
from compiled_steps import eager_steps, side_by_side
from test_compiled_hazards import build
from test_performance_guards import instructions

from minigrad import (
    ADAM,
    ClipGlobalNorm,
    Descent,
    ExpDecay,
    IdDict,
    NonFiniteError,
    Optimiser,
    StaleStepWarning,
    Tensor,
    WeightDecay,
    apply_,
    compiled,
    params,
    rand,
    seed,
    train_,
    withgradient,
)
from minigrad.arrays import generator
from minigrad.losses import logitcrossentropy
from minigrad.nn import Chain, Dense, relu
from minigrad.optimise.compiled import kernels

pytestmark = pytest.mark.skipif(not kernels.available(), reason="there is no numba here")
mean = np.mean
X = np.array([1.0, 2.0, 3.0])


def manual():
    W1, W2 = rand(5, 10), rand(5, 10)

    def loss():
        x = rand(10)
        return mean((W1 @ x - W2 @ x) ** 2)

    return loss, params(W1, W2)


def test_the_manuals_example_is_compiled_whole():
    results = []
    for make in (eager_steps, compiled):
        seed(0)
        loss, ps = manual()
        step = make(loss, ps, ADAM(0.01))
        results.append(([step() for _ in range(20)], ps[0].data.tolist(), generator().bit_generator.state))

    np.testing.assert_allclose(results[1][0], results[0][0], 1e-12)
    np.testing.assert_allclose(results[1][1], results[0][1], 1e-12)
    assert results[0][2] == results[1][2]
    assert step.why.endswith("compiled") and "def kernel" in step.loops


def test_a_network_in_single_precision_with_clipping():
    def make():
        model = Chain(Dense(8, 6, relu, dtype=np.float32), Dense(6, 3, dtype=np.float32))
        rng = np.random.default_rng(0)
        data = [
            (rng.random((4, 8), dtype=np.float32), np.eye(3, dtype=np.float32)[rng.integers(0, 3, 4)]) for _ in range(3)
        ]
        opt = Optimiser(ClipGlobalNorm(0.1), ADAM(0.01))
        return model, lambda x, y: logitcrossentropy(model(x), y), params(model), opt, lambda w, k: data[k % 3]

    step = side_by_side(make, steps=12, tolerance=1e-5)

    assert "compiled" in step.why


@pytest.mark.parametrize(
    "change",
    [
        lambda world, ps, opt: world.X.fill(7.0),
        lambda world, ps, opt: setattr(world, "X", np.array([9.0, 8.0, 7.0])),
        lambda world, ps, opt: setattr(world.X, "shape", (3, 1)),
        lambda world, ps, opt: setattr(world.W, "data", np.eye(3)),
        lambda world, ps, opt: setattr(opt, "eta", 0.5),
        lambda world, ps, opt: opt.reset_(),
        lambda world, ps, opt: seed(9),
        lambda world, ps, opt: setattr(world, "lam", 0.7),
        lambda world, ps, opt: delattr(world, "f"),
        lambda world, ps, opt: world.list.append(3.0),
        lambda world, ps, opt: world.list.__setitem__(0, 5.0),
        lambda world, ps, opt: setattr(world.k, "data", np.array([5.0, 6.0, 7.0])),
        lambda world, ps, opt: world.slotted.change(4.0),
        lambda world, ps, opt: setattr(by_default, "__defaults__", (3.0,)),
        lambda world, ps, opt: setattr(by_default, "__code__", (lambda x, scale=0: x * scale + 1).__code__),
        lambda world, ps, opt: ps.push_(world.k),
    ],
)
def test_what_changes_behind_machine_code_is_followed(change, monkeypatch):
    for name in ("__defaults__", "__code__"):
        monkeypatch.setattr(by_default, name, getattr(by_default, name))

    def f(w, x):
        scale = w.lam * w.list[0] * len(w.list) * w.slotted.scale
        return mean((by_default(w.W @ x) * scale - w.X - w.k + 0.1 * rand(3)) ** 2) + hasattr(w, "f")

    def make():
        by_default.__defaults__, by_default.__code__ = (1.0,), CODE
        return build(f, slotted=Slotted)()

    step = side_by_side(make, change)

    assert step.why.endswith("compiled")


def by_default(x, scale=1.0):
    return x * scale


CODE = by_default.__code__


class Slotted:
    __slots__ = ("scale", "other")

    def __init__(self):
        self.scale, self.other = 1.0, None

    def change(self, scale):
        self.scale = scale


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_is_not_finite_hands_out_the_same_random_numbers():
    results = []
    for make in (eager_steps, compiled):
        seed(3)
        W = Tensor(np.ones(3))
        step = make(lambda x, W=W: np.sum(np.log(W * x) * rand(3)), params(W), ADAM(0.01))
        losses = [step(np.ones(3)) for _ in range(4)] + [step(np.array([1.0, -1.0, 1.0]))]
        results.append((losses, W.data.tolist(), generator().bit_generator.state))

    np.testing.assert_equal(*results)


def test_gradients_are_no_buffers():
    W = Tensor(np.ones(3))
    step = compiled(lambda x: np.sum(W * W * x), params(W))
    for _ in range(3):
        step(np.ones(3))

    one, two = step(np.ones(3)).grad[W], step(2 * np.ones(3)).grad[W]

    assert np.array_equal(one, [2.0, 2.0, 2.0]) and np.array_equal(two, [4.0, 4.0, 4.0])


def test_what_the_machine_code_does_not_take_runs_as_the_text(monkeypatch):
    from minigrad.training.steps import versions

    monkeypatch.setattr(versions, "lower", lambda *_: None)
    monkeypatch.setattr(versions, "last_reason", lambda: "of this test")

    step = side_by_side(build(lambda w, x: mean((w.W @ x) ** 2)))

    assert step.why.endswith("as its text: of this test") and step.loops == ""


def test_a_compiled_step_takes_few_instructions_of_python():
    seed(0)
    loss, ps = manual()
    step = compiled(loss, ps, ADAM())
    for _ in range(5):
        step()

    assert instructions(step)[0] < 40 < 0.02 * instructions(lambda: withgradient(loss, ps))[0]


def test_a_training_by_compiled_steps_takes_few_instructions_besides():
    W = Tensor(np.ones(3))
    loss, opt, data = lambda x: np.sum(W * x), Descent(0.01), [(np.ones(3),)] * 40
    train = lambda n: train_(loss, params(W), data[:n], opt, compiled=True, progress="silent")
    train(40)
    step = opt._compiled
    step(np.ones(3))  # call 41

    few, many = instructions(lambda: train(2))[0], instructions(lambda: train(12))[0]

    assert (many - few) / 10 < 200


@pytest.mark.parametrize("make_opt", [lambda: ADAM(0.1), lambda: Optimiser(ExpDecay(0.1, 0.5, 3), Descent(1.0))])
def test_what_changes_of_the_optimiser_is_followed_without_python(make_opt):
    """Between steps, one change after the other; both ways of making steps see all of them."""

    def same_but_another(opt):
        if isinstance(opt, Optimiser):
            opt.os[-1] = copy.copy(opt.os[-1])  # equal to the old one
            opt.os[-1].eta = 0.5

    changes = [
        lambda opt, W: opt.freeze_(W),
        lambda opt, W: opt.thaw_(W),
        lambda opt, W: setattr((opt.os[-1] if isinstance(opt, Optimiser) else opt), "eta", 0.01),
        lambda opt, W: opt.reset_(),
        lambda opt, W: isinstance(opt, ADAM) and setattr(opt, "state", IdDict()),
        lambda opt, W: isinstance(opt, ADAM) and setattr(opt, "beta", (0.5, 0.7)),
        lambda opt, W: isinstance(opt, ADAM) and opt.state[W][0].fill(0.25),
        lambda opt, W: isinstance(opt, ADAM) and opt.state.__setitem__(W, tuple(map(np.copy, opt.state[W]))),
        lambda opt, W: isinstance(opt, Optimiser) and opt.os.append(WeightDecay(0.1)),
        lambda opt, W: isinstance(opt, Optimiser) and opt.os.pop(),
        lambda opt, W: same_but_another(opt),
        lambda opt, W: vars(opt.os[0] if isinstance(opt, Optimiser) else opt).update(eta=1),  # a whole number
        lambda opt, W: apply_.register(type("Other", (), {}), lambda opt, x, dx: dx),
    ]
    results = []
    for make in (eager_steps, compiled):
        W, V, opt = Tensor(np.arange(3.0)), Tensor(np.ones(2)), make_opt()
        step = make(lambda x, W=W, V=V: np.sum((W * x) ** 2) + np.sum(V * V), params(W, V), opt)
        found = [step(X) for _ in range(5)]
        for change in changes:
            change(opt, W)
            found += [step(X), step(X), *W.data, *V.data]
        found.append(step(X))  # the call 32
        results.append(found)

    np.testing.assert_allclose(results[1], results[0], 1e-12)
    assert step.why.endswith("compiled") and "traced again" not in step.why and step._recent.machine.direct


def test_audits_come_at_their_calls_whether_single_or_in_a_loop():
    W = Tensor(np.ones(3))
    step = compiled(lambda x: np.sum(W * x), params(W), Descent(0.01))
    traces = []
    for _ in range(20):
        step(np.ones(3))
        traces.append(next(iter(step._versions.values())).traces)

    assert [k for k in range(1, 21) if traces[k - 1] > ([0, *traces])[k - 1]] == [1, 2, 4, 8, 16]
    step.loop(20, np.ones((20, 3)))
    assert step.why.startswith("for ndarray (3,) float64: by its program; 40 calls, 6 traces")


def test_single_steps_and_loops_are_counted_together_by_all_threads():
    W, opt = Tensor(np.zeros(3)), Optimiser(ExpDecay(1.0, 0.5, 10_000, 1e-9), Descent(1.0))
    step = compiled(lambda x: np.sum(W * x), params(W), opt)
    for _ in range(3):
        step(np.ones(3))

    def work():
        for _ in range(300):
            step(np.ones(3))
        step.loop(100, np.ones((100, 3)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert W.data.tolist() == [-1603.0] * 3 and opt.os[0].current[W] == 1603 and "1603 calls" in step.why


@pytest.mark.parametrize("given", ["parameter", "Tensor", "list", "nothing", "too much"])
def test_what_is_no_array_is_no_argument_of_compiled_code(given):
    def step_of(make):
        W = Tensor(np.ones(3))
        others = {
            "parameter": (W,), "Tensor": (Tensor([3.0, 4.0, 5.0]),), "list": ([3.0, 4.0, 5.0],),
            "nothing": (), "too much": (X, X),
        }  # fmt: skip
        step = make(lambda x=X, y=1.0: np.sum(W * W * x) * np.mean(y), params(W), Descent(0.1))
        return [step(X) for _ in range(5)] + [step(*others[given]) for _ in range(2)] + [step(X), *W.data]

    np.testing.assert_allclose(step_of(compiled), step_of(eager_steps), 1e-12)


def test_an_optimiser_that_raises_gives_back_the_random_numbers_and_the_lock():
    results = []
    for make in (eager_steps, compiled):
        seed(3)
        W, opt = Tensor(np.ones(3)), Optimiser(ClipGlobalNorm(1.0, nonfinite="raise"), ADAM())
        step = make(lambda W=W: np.sum(np.sqrt(W) * rand(3)), params(W), opt)
        losses = [step() for _ in range(5)]
        W.data[0] = 0.0
        with np.errstate(all="ignore"), pytest.raises(NonFiniteError, match="norm inf"):
            step()
        results.append((losses, W.data.tolist(), rand(2).data.tolist()))

    np.testing.assert_allclose(results[1][0], results[0][0], 1e-12)
    np.testing.assert_allclose(results[1][1], results[0][1], 1e-12)
    assert results[1][2] == results[0][2] and "raised NonFiniteError" in step.why


def test_machine_code_that_is_wrong_is_never_used(monkeypatch):
    from minigrad.optimise.compiled.lowering import Lowered

    right = Lowered.try_
    monkeypatch.setattr(Lowered, "try_", lambda self, *args: (1.001 * right(self, *args)[0], self.gradients))

    with pytest.warns(StaleStepWarning, match="machine code and the eager step do not agree: the loss differs"):
        step = side_by_side(build(lambda w, x: mean((w.W @ x) ** 2)))

    assert "as its text: machine code" in step.why
