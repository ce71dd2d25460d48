"""Compiled steps as machine code: the same numbers, what it does not take, and how little Python is left."""

import numpy as np
import pytest
from compiled_steps import eager_steps, side_by_side
from test_compiled_hazards import build
from test_performance_guards import instructions

from minigrad import (
    ADAM,
    ClipGlobalNorm,
    Optimiser,
    StaleStepWarning,
    Tensor,
    compiled,
    params,
    rand,
    seed,
    withgradient,
)
from minigrad.arrays import generator
from minigrad.losses import logitcrossentropy
from minigrad.nn import Chain, Dense, relu
from minigrad.optimise.compiled import kernels

pytestmark = pytest.mark.skipif(not kernels.available(), reason="there is no numba here")
mean = np.mean


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
    ],
)
def test_what_changes_behind_machine_code_is_followed(change):
    step = side_by_side(build(lambda w, x: mean((w.W @ x - w.X + 0.1 * rand(3)) ** 2)), change)

    assert "compiled" in step.why


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

    assert instructions(step)[0] < 340 < 0.2 * instructions(lambda: withgradient(loss, ps))[0]


def test_machine_code_that_is_wrong_is_never_used(monkeypatch):
    from minigrad.optimise.compiled.lowering import Lowered

    right = Lowered.try_
    monkeypatch.setattr(Lowered, "try_", lambda self, *args: (1.001 * right(self, *args)[0], self.gradients))

    with pytest.warns(StaleStepWarning, match="machine code and the eager step do not agree: the loss differs"):
        step = side_by_side(build(lambda w, x: mean((w.W @ x) ** 2)))

    assert "as its text: machine code" in step.why
