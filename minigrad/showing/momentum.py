"""A page with sliders: what momentum does on a parabola, and for which rates it does it."""

from __future__ import annotations

import math

import numpy as np

from ..doors import door
from .page import Page


@door
def explore_momentum(eta: float = 0.1, rho: float = 0.9, curvature: float = 1.0) -> Page:
    """Return a page with sliders for the rate, the momentum and the curvature of a parabola.

        v <- rho v - eta lambda x,   x <- x + v:   [x, v] <- [[1 - eta lambda, rho], [-eta lambda, rho]] [x, v]

    Parameters
    ----------
    eta, rho, curvature : where the sliders stand at first: eta in (0, 4], rho in [0, 1), curvature in (0, 10]

    It shows the path of x from 1, the largest absolute eigenvalue of the matrix, by which distances shrink or grow from
    step to step, and where in the plane of ``eta lambda`` and ``rho`` the path falls steadily, ripples, zigzags, or
    diverges.

    Raises ValueError for values outside of the sliders.

    Source: the matrix is that of ``Momentum``; Polyak 1964, https://doi.org/10.1016/0041-5553(64)90137-5.

    >>> explore_momentum().title
    'Momentum on a parabola'
    """
    for name, value, low, high in (("eta", eta, 0, 4), ("rho", rho, -1e-300, 0.9999), ("curvature", curvature, 0, 10)):
        if not low < value <= high:
            raise ValueError(f"explore_momentum: {name} = {value!r} is outside of its slider")
    return Page("Momentum on a parabola", "momentum", {"eta": eta, "rho": rho, "lambda": curvature})


def radius(eta: float, rho: float, curvature: float) -> float:
    """Return the spectral radius of momentum's matrix.

    >>> round(radius(0.1, 0.81, 1.0), 3)
    0.9
    """
    a = eta * curvature
    return float(np.abs(np.linalg.eigvals([[1 - a, rho], [-a, rho]])).max())


def region(eta: float, rho: float, curvature: float) -> str:
    """Return what the path does: "steady", "ripples", "zigzags" or "diverges".

    >>> region(0.1, 0.9, 1.0), region(0.1, 0.1, 1.0), region(1.5, 0.0, 1.0), region(3.0, 0.1, 1.0)
    ('ripples', 'steady', 'zigzags', 'diverges')
    """
    trace, determinant = 1 - eta * curvature + rho, rho
    if eta * curvature >= 2 * (1 + rho):
        return "diverges"
    if trace**2 < 4 * determinant:
        return "ripples"
    return "steady" if trace - math.sqrt(trace**2 - 4 * determinant) >= 0 else "zigzags"
