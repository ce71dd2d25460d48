"""A training step that is written out as NumPy moves parameters as ``update_`` does, bit for bit."""

import numpy as np
import pytest
from all_rules import ALL, RANDOM

from minigrad import (
    ADAM,
    AccumGrad,
    ClipGlobalNorm,
    ClipNorm,
    ExpDecay,
    Lookahead,
    Momentum,
    Optimiser,
    Tensor,
    TraceError,
    params,
    trace,
    update_,
    withgradient,
)
from minigrad.readers.tracer import run

NAN, INF = float("nan"), float("inf")


def moved_alike(make, dtype, order, disturbed=(), steps=6):
    """Say whether the text and ``update_`` agree at every step; ``disturbed`` says what is added to gradients when."""
    rng = np.random.default_rng(0)
    W = Tensor(np.asarray(rng.standard_normal((40, 30)), dtype, order=order), copy=False)  # more than there are lanes
    b = Tensor(rng.standard_normal(40).astype(dtype))
    x, ps, opt, space = np.linspace(-1, 1, 30).astype(dtype), params(W, b), make(), {}

    def loss(s, t):
        return np.sum(np.tanh(W @ x + b) ** 2) + np.sum(W * s) + np.sum(b * t)

    program = run(loss, (ps,), data=(np.zeros((), dtype), np.zeros((), dtype)))
    exec(program.source(step=opt), space)
    numbers = W.data.copy("K"), b.data.copy()
    state = space["first_state"](*numbers)
    for k in range(steps):
        added = [np.asarray(each, dtype) for each in dict(disturbed).get(k, (0, 0))]
        _, grads = withgradient(lambda: loss(*added), ps)  # noqa: B023
        update_(opt, ps, grads)
        _, numbers, state = space["training_step"](*numbers, *added, *program.constants.values(), state)
        for a, p in zip(numbers, ps):
            if a.tobytes("A") != p.data.tobytes("A") or (a.dtype, a.strides) != (p.data.dtype, p.data.strides):
                return False
    return True


COMPOSED = {
    "gathered": lambda: AccumGrad(3),
    "gathered, ADAM": lambda: Optimiser(AccumGrad(3), ADAM()),
    "clipped, gathered": lambda: Optimiser(ClipNorm(0.5), AccumGrad(2), ADAM()),
    "gathered, clipped together": lambda: Optimiser(AccumGrad(2), ClipGlobalNorm(0.1), ADAM()),
    "gathered twice": lambda: Optimiser(AccumGrad(2), AccumGrad(2), Momentum()),
    "gathered, decaying": lambda: Optimiser(AccumGrad(2), ExpDecay(0.5, 0.5, 2), ADAM()),
    "clipped": lambda: Optimiser(ADAM(), ClipNorm(0.001)),
    "clipped together": lambda: Optimiser(ClipGlobalNorm(0.5), Momentum()),
    "looking ahead": lambda: Lookahead(ADAM()),
}
SKIPPING = {
    "skip": lambda: ClipNorm(0.5, nonfinite="skip"),
    "all skip": lambda: ClipGlobalNorm(0.5, nonfinite="skip"),
    "ADAM, skip": lambda: Optimiser(ADAM(), ClipNorm(0.001, nonfinite="skip")),
    "skip, ADAM": lambda: Optimiser(ClipNorm(0.5, nonfinite="skip"), ADAM()),
    "all skip, decaying": lambda: Optimiser(ClipGlobalNorm(0.5, nonfinite="skip"), ExpDecay(0.5, 0.5, 2), ADAM()),
    "momentum, all skip": lambda: Optimiser(Momentum(), ClipGlobalNorm(0.5, nonfinite="skip"), ADAM()),
    "gathered, skip": lambda: Optimiser(AccumGrad(2), ClipNorm(0.5, nonfinite="skip"), ADAM()),
    "skip, gathered": lambda: Optimiser(ClipNorm(0.5, nonfinite="skip"), AccumGrad(2), ADAM()),
    "gathered, all skip": lambda: Optimiser(AccumGrad(2), ClipGlobalNorm(0.5, nonfinite="skip"), ADAM()),
    "skip twice": lambda: Optimiser(ClipNorm(0.5, nonfinite="skip"), Momentum(), ClipNorm(0.2, nonfinite="skip")),
}
BAD = {1: (NAN, 0), 3: (0, NAN), 4: (NAN, NAN), 5: (INF, 0)}


@pytest.mark.parametrize("name", COMPOSED)
@pytest.mark.parametrize("dtype, order", [(np.float64, "F"), (np.float16, "C")])
def test_compositions_move_alike_whatever_the_layout(name, dtype, order):
    assert moved_alike(COMPOSED[name], dtype, order)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SKIPPING)
def test_what_is_not_finite_is_left_alone_alike(name):
    assert moved_alike(SKIPPING[name], np.float32, "F", BAD, steps=8)


@pytest.mark.slow
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("name", [name for name in ALL if name not in RANDOM])
def test_every_rule_that_has_a_formula_moves_alike_whatever_the_layout(name, dtype, order):
    try:
        ALL[name]().stages()
    except TypeError as error:
        pytest.skip(str(error))
    assert moved_alike(ALL[name], dtype, order, steps=5)


def test_a_rule_that_counts_together_cannot_stand_before_one_that_skips():
    W = Tensor([1.0, 2.0])

    with pytest.raises(TraceError, match="put the skipping first"):
        skipping = ClipNorm(1.0, nonfinite="skip")
        trace(lambda: np.sum(W * W), params(W)).source(step=Optimiser(ExpDecay(), skipping))
