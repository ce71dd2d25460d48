"""Hamiltonian Monte Carlo, whose step and masses are tuned by the derivative of what its chains do.

    H(q, p) = U(q) + p^2 / (2 mass),   U = -log density,   leapfrog steps of size h

    a move from q to q' with the energy error dH is accepted with the probability min(1, exp(-dH))

The loss is minus the logarithm of the expected squared distance of a move, accepted or not, per force that was worked
out: long steps go far and are refused, short ones are accepted and stay near.  It is differentiated through all the
steps of every chain.  The density is a ring, bent and stretched.

Reference: Neal, "MCMC using Hamiltonian dynamics" (2011); Pasarica and Gelman, "Adaptively scaling the Metropolis
algorithm using expected squared jumped distance" (2010).
"""

import numpy as np

CHAINS, STEPS = 40, 6


def potential(q):
    """Return U (chains,) of positions (chains, 2)."""
    x, y = q[:, 0], q[:, 1]
    return (np.sqrt(x**2 + (y / 2) ** 2 + 0.1) - 2) ** 2 / 0.1 + 0.1 * x**2


def force(q):
    """Return -dU/dq (chains, 2), worked out by hand."""
    x, y = q[:, 0], q[:, 1]
    radius = np.sqrt(x**2 + (y / 2) ** 2 + 0.1)
    along = -2 * (radius - 2) / 0.1 / radius
    return np.stack([along * x - 0.2 * x, along * y / 4], axis=1)


def leapfrog(q, p, h, mass):
    p = p + h / 2 * force(q)
    for i in range(STEPS):
        q = q + h * p / mass
        p = p + (h if i < STEPS - 1 else h / 2) * force(q)
    return q, p


def loss(log_mass, log_h):
    rng = np.random.default_rng(11)
    h, mass = np.exp(log_h), np.exp(log_mass)
    angle = rng.uniform(0, 2 * np.pi, size=CHAINS)
    start = np.stack([2 * np.cos(angle), 4 * np.sin(angle)], axis=1) + 0.1 * rng.normal(size=(CHAINS, 2))
    push = np.sqrt(mass) * rng.normal(size=(CHAINS, 2))
    end, rest = leapfrog(start, push, h, mass)
    error = potential(end) - potential(start) + np.sum((rest**2 - push**2) / (2 * mass), axis=1)
    accepted = np.exp(-np.maximum(error, 0))
    return -np.log(np.mean(accepted * np.sum((end - start) ** 2, axis=1)) / (STEPS + 1))


def arguments():
    return {"log_mass": np.array([0.0, -0.3]), "log_h": np.log(0.1)}


if __name__ == "__main__":
    from compare import show

    show(loss, arguments, __doc__)
