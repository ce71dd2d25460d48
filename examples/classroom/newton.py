"""Project: Newton's method for a small network.

    python examples/classroom/newton.py

A step of gradient descent follows the slope.  A step of Newton's method goes to where the slope would be 0 if the loss
were a parabola:  p <- p - H^-1 g.  Far from a minimum H may have negative eigenvalues, and the step leads up: so add a
multiple of the identity to H, as much as is needed.

Write ``step``.  ``gradient`` and ``hessian`` give g and H; ``np.linalg.eigvalsh`` and ``np.linalg.solve`` do the rest.

Questions: how many steps does it take near the minimum, and how many digits does each of them add?
"""

import numpy as np
from checking import expect, report

from minigrad import gradient, hessian

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 2))
Y = np.tanh(X @ np.array([1.0, -0.5])) + 0.3 * np.tanh(X @ np.array([-0.7, 1.2]))


def loss(p):
    """The mean squared error of a network with four hidden units; p holds its twelve weights."""
    return np.mean((np.tanh(X @ p[:8].reshape(2, 4)) @ p[8:] - Y) ** 2)


def step(p):
    """Return the parameters after one step of Newton's method."""
    raise NotImplementedError


def check():
    p = np.random.default_rng(1).normal(size=12) * 0.5
    expect(np.shape(step(p)) == (12,), "step returns the twelve parameters after the step")
    losses = [float(loss(p))]
    for _ in range(60):
        p = step(p)
        losses.append(float(loss(p)))
    expect(np.isfinite(losses).all(), "the loss became infinite or NaN: is H damped where it is not positive definite?")
    expect(losses[-1] < losses[0] / 100, f"after 60 steps the loss went from {losses[0]:.3g} to {losses[-1]:.3g} only")
    (g,) = gradient(loss, p)
    expect(np.linalg.norm(g) < 1e-5, f"the slope at the end is {np.linalg.norm(g):.2g}; Newton's method reaches 1e-5")
    lowest = np.linalg.eigvalsh(hessian(loss, p))[0]
    expect(lowest > -1e-6, f"H has the eigenvalue {lowest:.2g} at the end: this is a saddle, not a minimum")


if __name__ == "__main__":
    report(check)
