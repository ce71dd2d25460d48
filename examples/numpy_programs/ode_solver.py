"""Predators and prey: an ordinary differential equation solved with steps of adapted length.

    dx/dt = a x - b x y,    dy/dt = c x y - d y

The method is Bogacki and Shampine's pair of orders 3 and 2: the difference of the two is the error, and
a step is repeated with a shorter length when that is too large.  The loss compares the solution with
populations that were counted.  The number of steps depends on the parameters; a derivative follows the
steps that were taken.

Reference: Bogacki and Shampine, "A 3(2) pair of Runge-Kutta formulas", Applied Mathematics Letters 2 (1989).
"""

import numpy as np

COUNTED = np.array([[4.0, 2.3], [6.1, 5.2], [1.6, 6.8], [0.9, 3.1], [2.1, 1.5]])
WHEN = np.array([1.0, 2.0, 3.0, 4.5, 6.0])


def field(u, rates):
    """Return the rate of change of the two populations u."""
    a, b, c, d = rates
    x, y = u
    return np.stack([a * x - b * x * y, c * x * y - d * y])


def step(f, u, h):
    """Return the state after a step of length h, and an estimate of its error."""
    k1 = f(u)
    k2 = f(u + h / 2 * k1)
    k3 = f(u + 3 * h / 4 * k2)
    new = u + h * (2 / 9 * k1 + 1 / 3 * k2 + 4 / 9 * k3)
    k4 = f(new)
    lower = u + h * (7 / 24 * k1 + 1 / 4 * k2 + 1 / 3 * k3 + 1 / 8 * k4)
    return new, np.max(np.abs(new - lower))


def solve(f, u, t, end, tolerance=1e-4):
    """Return the state at the time ``end``, and the number of steps."""
    h, steps = 0.1, 0
    while t < end - 1e-12:
        h = min(h, end - t)
        new, error = step(f, u, h)
        steps += 1
        if error <= tolerance:
            u, t = new, t + h
        h = h * np.clip(0.9 * (tolerance / (error + 1e-12)) ** (1 / 3), 0.2, 5.0)
    return u, steps


def loss(rates, start):
    u, t, cost = start, 0.0, 0.0
    for when, counted in zip(WHEN, COUNTED):
        u, _ = solve(lambda u: field(u, rates), u, t, when)
        t = when
        cost = cost + np.sum((np.log(u) - np.log(counted)) ** 2)
    return cost


def arguments():
    return {"rates": np.array([1.1, 0.4, 0.3, 0.8]), "start": np.array([2.0, 1.5])}


if __name__ == "__main__":
    from compare import show

    show(loss, arguments, __doc__)
