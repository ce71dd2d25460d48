"""The manual's sections on composing, decays and rules of one's own, as programs."""

import sys
from pathlib import Path

import numpy as np
import pytest

from minigrad import (
    ADAM,
    Adam,
    ClipValue,
    Descent,
    ExpDecay,
    InvDecay,
    Optimiser,
    Params,
    WeightDecay,
    gradient,
    rand,
    randn,
    seed,
    update_,
)

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def examples(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    for name in ("composing", "custom_optimiser"):
        sys.modules.pop(name, None)


def losses(opt, steps):
    """The manual's loop, with a new Params in every iteration; return the first and the last loss."""
    seed(7)
    w, w1 = randn(10, 10), randn(10, 10)

    def loss(x):
        return np.mean((w @ x - w1 @ x) ** 2)

    first = float(loss(np.ones(10)))
    for _ in range(steps):
        θ = Params([w, w1])
        θ̄ = gradient(lambda: loss(rand(10)), θ)
        update_(opt, θ, θ̄)
    return first, float(loss(np.ones(10)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Optimiser(ExpDecay(1, 0.1, 1000, 1e-4), Descent()),
        lambda: Optimiser(ADAM(0.1), ExpDecay(1)),
        lambda: Optimiser(Adam(1e-1), InvDecay(1e-2)),
        lambda: Optimiser(WeightDecay(1e-4), ADAM(0.01)),
        lambda: Optimiser(ClipValue(1e-3), ADAM(1e-2)),
    ],
    ids=["ExpDecay, Descent", "ADAM, ExpDecay", "Adam, InvDecay", "WeightDecay, ADAM", "ClipValue, ADAM"],
)
def test_the_manuals_compositions_learn(make):
    first, last = losses(make(), 800)

    assert last < 0.1 * first


def test_the_decay_of_the_manual_follows_its_law():
    decay = ExpDecay(1, 0.1, 100, 1e-4)
    opt, x, etas = Optimiser(decay, Descent()), np.zeros(3), []

    for _ in range(600):
        update_(opt, x, np.ones(3))
        etas.append(decay.eta)

    expected = [max(0.1 ** (n // 100), 1e-4) for n in range(1, 601)]
    np.testing.assert_allclose(etas, expected, rtol=1e-12)


def test_the_inverse_decay_of_the_manual_follows_its_law():
    opt, x, at = Optimiser(Descent(1), InvDecay(0.5)), np.zeros(1), [0.0]

    for _ in range(20):
        update_(opt, x, np.ones(1))
        at.append(-x[0])

    np.testing.assert_allclose(np.diff(at), [1 / (1 + 0.5 * n) for n in range(1, 21)], rtol=1e-12)


def test_several_parameters_share_the_rate_that_decays():
    decay = ExpDecay(1, 0.5, 1, 1e-9)
    ps = [np.zeros(2) for _ in range(5)]

    for _ in range(10):
        update_(decay, ps, [np.ones(2)] * 5)

    assert decay.eta == 0.5**10


def test_a_frozen_parameter_does_not_stop_the_decay():
    decay, frozen, moving = ExpDecay(1, 0.5, 2, 1e-9), np.zeros(1), np.zeros(1)
    update_(decay, [frozen, moving], [np.ones(1)] * 2)
    update_(decay, [frozen, moving], [np.ones(1)] * 2)

    for _ in range(8):
        update_(decay, moving, np.ones(1))

    assert decay.eta == 0.5**5


def test_the_composing_example_runs(examples, capsys):
    import composing

    composing.main(steps=60)

    said = capsys.readouterr().out.splitlines()
    assert len(said) == 5 and said[0].split()[1] == "->"


def test_the_example_of_a_rule_of_ones_own_fits_its_plane(examples):
    import custom_optimiser

    for opt in (custom_optimiser.SignMomentum(0.02), custom_optimiser.NormedDescent(0.05, 0.9)):
        assert custom_optimiser.train(opt, steps=400) < 0.05
