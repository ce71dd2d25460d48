"""Functions of two numbers on which optimisers are compared, with what is known of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Problem:
    """A function to be made small, and what is known of it.

    Parameters
    ----------
    name : str
    f : function of a point, an array whose first axis is that of the coordinates, that returns a number for each
    start : where to begin, two numbers or more
    minima : the points where it is smallest; empty if there is none
    window : ((left, right), (bottom, top)), what a picture shows
    noise : float >= 0, the standard deviation of what is added to each number of the gradient

    >>> float(PROBLEMS["saddle"].f(np.array([1.0, 2.0])))
    -3.0
    """

    name: str
    f: Callable[[Any], Any]
    start: tuple[float, ...]
    minima: tuple[tuple[float, ...], ...] = ()
    window: tuple[tuple[float, float], tuple[float, float]] | None = None
    noise: float = 0.0


def rosenbrock(p):
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def beale(p):
    x, y = p[0], p[1]
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def himmelblau(p):
    return (p[0] ** 2 + p[1] - 11) ** 2 + (p[0] + p[1] ** 2 - 7) ** 2


def saddle(p):
    return p[0] ** 2 - p[1] ** 2


def rastrigin(p):
    return 20 + p[0] ** 2 - 10 * np.cos(2 * math.pi * p[0]) + p[1] ** 2 - 10 * np.cos(2 * math.pi * p[1])


def bowl(p):
    return (p[0] ** 2 + p[1] ** 2) / 2


def ravine(condition: float = 100.0) -> Problem:
    """Return a parabola that is so many times steeper along one axis than along the other.

        f(x, y) = (x^2 + condition y^2) / 2

    Raises ValueError unless ``condition`` is finite and at least 1.

    >>> float(ravine(4.0).f(np.array([1.0, 1.0])))
    2.5
    """
    if not 1 <= condition < math.inf:
        raise ValueError(f"ravine: the condition is a number >= 1, but is {condition!r}")
    name = f"ravine of condition {condition:g}"
    return Problem(name, lambda p: (p[0] ** 2 + condition * p[1] ** 2) / 2, (-4.0, 1.0), ((0, 0),), ((-5, 5), (-2, 2)))


# Himmelblau's three minima besides (3, 2) to all digits, by Newton's method.
HIMMELBLAU = (
    (3.0, 2.0),
    (-2.805118086952745, 3.131312518250573),
    (-3.779310253377747, -3.283185991286170),
    (3.584428340330492, -1.848126526964404),
)
LIST = [
    Problem("rosenbrock", rosenbrock, (-1.5, 2.0), ((1, 1),), ((-2, 2), (-1, 3))),
    Problem("beale", beale, (1.0, 1.5), ((3, 0.5),), ((-1, 4.5), (-2, 2.5))),
    Problem("himmelblau", himmelblau, (0.0, -4.5), HIMMELBLAU, ((-5, 5), (-5, 5))),
    Problem("saddle", saddle, (-1.5, 0.01), (), ((-2, 2), (-2, 2))),
    ravine(),
    Problem("rastrigin", rastrigin, (2.3, -1.7), ((0, 0),), ((-3, 3), (-3, 3))),
    Problem("noisy bowl", bowl, (-2.0, 1.5), ((0, 0),), ((-2.5, 2.5), (-2.5, 2.5)), noise=0.5),
]
PROBLEMS: dict[str, Problem] = {"ravine" if p.name.startswith("ravine") else p.name: p for p in LIST}
