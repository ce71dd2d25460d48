"""The vocabulary of the tests' tables: a ``Case`` is one call to differentiate, a ``Kink`` one convention.

    Case(np.log, (positive(2, 3),), complex=True)
    Case(np.sum, (real(2, 3),), dict(axis=1, keepdims=True))
    Case(np.concatenate, ([real(2), real(3)],))
    Case(np.take, (real(4), [0, 0, 2]))

Every ``Draw`` among the arguments (also inside lists) is drawn at random and differentiated;
everything else is handed over as it stands.  A module ``tests/tables*.py`` holds a list ``CASES`` and
may hold a list ``KINKS``; test_derivatives.py collects them all.
"""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Draw:
    """A random argument: its shape and ``make(rng, shape) -> float64 array``."""

    shape: tuple
    make: object

    def __call__(self, rng, complex=False):
        x = self.make(rng, self.shape)
        return x + 1j * self.make(rng, self.shape) if complex else x


def between(low, high):
    """Return a maker of draws, uniform in [low, high)."""
    return lambda *shape: Draw(shape, lambda rng, shape: rng.uniform(low, high, shape))


real = between(-2, 2)
positive = between(0.5, 2)
fraction = between(-0.8, 0.8)


def nonzero(*shape):
    """Return a draw whose entries are at least 0.5 away from 0."""
    return Draw(shape, lambda rng, shape: rng.uniform(0.5, 2, shape) * rng.choice([-1, 1], shape))


def distinct(*shape):
    """Return a draw whose entries are at least 0.1 apart, and never tie (for max, sort, median)."""

    def make(rng, shape):
        return 0.1 * (rng.permutation(np.prod(shape, dtype=int)).reshape(shape) - 5.5)

    return Draw(shape, make)


def with_nans(*shape):
    """Return a draw of distinct entries of which about a quarter are NaN."""

    def make(rng, shape):
        x = 0.1 * (rng.permutation(np.prod(shape, dtype=int)) - 5.5)
        x[1::4] = np.nan
        return x.reshape(shape)

    return Draw(shape, make)


def positive_definite(*shape):
    """Return a draw of symmetric positive definite matrices, shape (..., n, n)."""

    def make(rng, shape):
        a = rng.uniform(-1, 1, shape)
        return a @ np.swapaxes(a, -1, -2) + np.eye(shape[-1])

    return Draw(shape, make)


def invertible(*shape):
    """Return a draw of well-conditioned square matrices, shape (..., n, n)."""
    return Draw(shape, lambda rng, shape: rng.uniform(-1, 1, shape) + 3 * np.eye(shape[-1]))


@dataclass(frozen=True)
class Case:
    """One way of calling a function, whose derivatives are compared with finite differences.

    function : the key of the derivative table
    args, kwargs : what it is called with; each Draw in args is differentiated
    complex : whether to check it on complex draws too
    order : how many derivatives are checked (3 for a sample)
    tolerance : relative; a looser one carries a comment
    output : function of the result that is differentiated, where not all of it is determined
        (the sign of eigenvectors), e.g. ``abs`` or ``lambda y: y[0]``
    """

    function: object
    args: tuple
    kwargs: dict = field(default_factory=dict)
    complex: bool = False
    order: int = 2
    tolerance: float = 1e-6
    output: object = None

    def call(self, *args):
        y = self.function(*args, **self.kwargs)
        return y if self.output is None else self.output(y)

    def __str__(self):
        def show(a):
            if isinstance(a, (list, tuple)):
                return f"[{' '.join(map(show, a))}]"
            if isinstance(a, Draw):
                return "x".join(map(str, a.shape)) or "scalar"
            return getattr(a, "__name__", None) or str(a).replace("\n", "")

        parts = [show(a) for a in self.args] + [f"{k}={show(v)}" for k, v in self.kwargs.items()]
        return f"{self.function.__name__}({', '.join(parts)})"


@dataclass(frozen=True)
class Kink:
    """A convention: the gradients of ``sum(function(*args))`` where it has no derivative, and why."""

    function: object
    args: tuple  # numbers or lists: each float or list of floats is differentiated
    gradients: tuple  # one per argument; None for one that is not differentiated
    why: str
    kwargs: dict = field(default_factory=dict)
