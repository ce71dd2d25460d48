"""A natural cubic spline: interpolate, measure its roughness, and compare it with noisy samples.

The second derivatives M at the knots solve the tridiagonal system

    h[i-1] M[i-1] + 2 (h[i-1] + h[i]) M[i] + h[i] M[i+1] = 6 (slope[i] - slope[i-1])

with M = 0 at both ends.  The loss is differentiated by the heights and by the positions of the knots.

Reference: Press et al., "Numerical Recipes" (2007), section 3.3.
"""

import numpy as np


def data(n=50):
    """Return positions (n,) and noisy heights (n,)."""
    rng = np.random.default_rng(7)
    x = np.sort(rng.uniform(0, 4, size=n))
    return x, np.sin(2 * x) * np.exp(-0.3 * x) + 0.05 * rng.normal(size=n)


def second_derivatives(knots, heights):
    h = np.diff(knots)
    slopes = np.diff(heights) / h
    system = np.diag(2 * (h[:-1] + h[1:])) + np.diag(h[1:-1], 1) + np.diag(h[1:-1], -1)
    inner = np.linalg.solve(system, 6 * np.diff(slopes))
    return np.concatenate([[0.0], inner, [0.0]])


def evaluate(x, knots, heights, M):
    """Return the spline at the positions x."""
    i = np.clip(np.searchsorted(knots, x) - 1, 0, len(knots) - 2)
    h = knots[i + 1] - knots[i]
    a, b = (knots[i + 1] - x) / h, (x - knots[i]) / h
    bend = ((a**3 - a) * M[i] + (b**3 - b) * M[i + 1]) * h**2 / 6
    return a * heights[i] + b * heights[i + 1] + bend


def roughness(knots, M):
    """Return the integral of the squared second derivative, which is linear between the knots."""
    return np.sum(np.diff(knots) * (M[:-1] ** 2 + M[:-1] * M[1:] + M[1:] ** 2)) / 3


def loss(heights, gaps):
    knots = np.cumsum(np.append(0.0, gaps))
    x, y = data()
    M = second_derivatives(knots, heights)
    return np.mean((evaluate(x, knots, heights, M) - y) ** 2) + 1e-4 * roughness(knots, M)


def arguments():
    knots = np.linspace(0, 4, 9)
    return {"heights": np.sin(2 * knots), "gaps": np.diff(knots) * np.linspace(0.98, 1.03, 8)}


if __name__ == "__main__":
    from compare import show

    show(loss, arguments, __doc__)
