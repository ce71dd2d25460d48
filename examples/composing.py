"""Composing optimisers: the manual's example, a decay in front of plain descent.

    python examples/composing.py

Two 10 x 10 matrices learn to agree on random vectors.  ``ExpDecay`` multiplies the step by a rate that starts
at 1 and becomes a tenth every 1000 steps, down to 1e-4; it stands before ``Descent``, whose own rate is 0.1.
Both run in one pass over memory.
"""

import numpy as np

from minigrad import ADAM, ClipValue, Descent, ExpDecay, InvDecay, Optimiser, Params, WeightDecay
from minigrad import gradient, rand, randn, seed, update_


def agree(opt, steps):
    """Train with an optimiser; return the losses at the beginning and at the end."""
    seed(1)
    w, w1 = randn(10, 10), randn(10, 10)

    def loss(x):
        return np.mean((w @ x - w1 @ x) ** 2)

    before = float(loss(rand(10)))
    for _ in range(steps):
        θ = Params([w, w1])
        θ̄ = gradient(lambda: loss(rand(10)), θ)
        update_(opt, θ, θ̄)
    return before, float(loss(rand(10)))


def main(steps=4_000):
    for opt in [
        Optimiser(ExpDecay(1, 0.1, 1000, 1e-4), Descent()),
        Optimiser(ADAM(0.01), ExpDecay(1, 0.1, 1000, 1e-4)),
        Optimiser(ADAM(0.01), InvDecay(1e-2)),
        Optimiser(WeightDecay(1e-4), ADAM(0.01)),
        Optimiser(ClipValue(1e-3), ADAM(0.01)),
    ]:
        text = repr(opt)
        before, after = agree(opt, steps)
        print(f"{before:6.3f} -> {after:.1e}   {text}")


if __name__ == "__main__":
    main()
