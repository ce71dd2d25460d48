"""A rule of one's own: in ten lines by the decorator, or as the manual does it, from nothing.

python examples/custom_optimiser.py
"""

from dataclasses import dataclass, field

import numpy as np

from minigrad import IdDict, Optimiser, WeightDecay, apply_, gradient, params, randn, rule, seed, update_


# The short way: one formula per element.  The class, its state, its fused kernel come from it.


@rule
def SignMomentum(x, dx, m, eta=0.01, rho=0.9):
    """Steps of equal length along the sign of a running mean."""
    m = rho * m + (1 - rho) * dx
    return eta * np.sign(m), m


# The manual's way: any class, and a method of apply_.  The step may be anything that NumPy can compute.


@dataclass
class NormedDescent:
    """Steps of length eta along the mean of the last gradients, whatever their size."""

    eta: float
    rho: float
    mean: IdDict = field(default_factory=IdDict)


@apply_.register
def apply_normed(o: NormedDescent, x, Δ):
    m = o.mean.get_or_make(x, lambda: np.zeros_like(Δ))
    m[...] = o.rho * m + (1 - o.rho) * Δ
    Δ[...] = o.eta * m / np.linalg.norm(m)
    return Δ


def train(opt, steps=2_000):
    """Fit a straight plane; return the loss at the end."""
    seed(1)
    W, b, u = randn(2, 5), randn(2), randn(5, 100)
    target = np.arange(10.0).reshape(2, 5) / 10 @ u.data + 1

    def loss():
        return np.mean((W @ u + b[:, None] - target) ** 2)

    ps = params(W, b)
    for _ in range(steps):
        update_(opt, ps, gradient(loss, ps))
    return float(loss())


def main():
    for opt in [SignMomentum(), NormedDescent(0.01, 0.9), Optimiser(WeightDecay(1e-4), SignMomentum(0.005))]:
        text = repr(opt).replace(", mean=IdDict(0 entries)", "")
        print(f"{train(opt):.1e}   {text}")


if __name__ == "__main__":
    main()
