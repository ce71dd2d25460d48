"""One step by formulas on arrays: what the kernels mean, and what runs where there are none.

A composition hands the gradient of a parameter from stage to stage.  On whole arrays that is

    step = dx
    for stage in stages:
        step, *stage.state = stage.formula(x, step, *stage.state, **stage.hyperparameters)
    x -= step

Here it goes block by block, so that what is made on the way stays in the processor's cache; and what the
formulas return is written only when it is known that they return something for every parameter.
"""

import math
from typing import NamedTuple

import numpy as np

from . import lanes
from .arrays import flat


class Stage(NamedTuple):
    """A stage of a composition at work on one parameter."""

    formula: object
    names: tuple  # of its hyperparameters
    arrays: list  # its state for every element, flat
    numbers: object  # its state once for the parameter: an array, or None


def through(stages, hyper, x, dx, part):
    """Return the step of the elements in ``part``, and what every stage returns besides."""
    step, news, hyper = dx[part], [], iter(hyper)
    for formula, names, arrays, numbers in stages:
        state = [a[part] for a in arrays] + ([] if numbers is None else numbers.tolist())
        returned = formula(x[part], step, *state, **dict(zip(names, hyper)))
        step, *new = returned if isinstance(returned, tuple) else (returned,)
        step = step if isinstance(step, np.ndarray) else np.full_like(dx[part], step)
        news.append(list(map(own, new)))
    return step, news


def own(value):
    """Return a new value of the state so that it stays as it is while the step is written.

    Formulas may return their arguments, and those are parts of what is about to be overwritten.
    """
    return value.copy() if isinstance(value, np.ndarray) and not value.flags.owndata else value


def parts(size):
    """Yield the blocks of so many elements; one at least, for the numbers of the state."""
    for begin in range(0, max(1, size), lanes.BLOCK):
        yield slice(begin, begin + lanes.BLOCK)


class Made:
    """The step of one parameter, made as far as it has to be to know that it can be."""

    def __init__(self, stages, hyper, x, dx):
        self.stages, self.hyper, self.x, self.dx = stages, hyper, flat(x), flat(dx)
        self.parts = parts(x.size)
        self.part = next(self.parts)
        self.step, self.news = through(stages, hyper, self.x, self.dx, self.part)

    def blocks(self):
        """Yield block by block where it lies and its step, and let the state move on behind it."""
        yield self.part, self.step
        self.keep(self.part, self.news)
        for part in self.parts:
            step, news = through(self.stages, self.hyper, self.x, self.dx, part)
            yield part, step
            self.keep(part, news)
        for (_, _, arrays, numbers), new in zip(self.stages, self.news):
            if numbers is not None:
                numbers[:] = new[len(arrays) : len(arrays) + numbers.size]

    def keep(self, part, news):
        for stage, new in zip(self.stages, news):
            for array, value in zip(stage.arrays, new):
                array[part] = value

    def subtract(self):
        """Overwrite the parameter, and its state."""
        for part, step in self.blocks():
            target = self.x[part]
            np.subtract(target, step, out=target, casting="same_kind")

    def write(self):
        """Overwrite the gradient with the step; and the state."""
        for part, step in self.blocks():
            self.dx[part] = step

    def next_hyper(self):
        """The hyperparameters for the next parameter: a formula may have replaced the first ones of its own."""
        hyper, place = self.hyper, 0
        for (_, names, arrays, numbers), new in zip(self.stages, self.news):
            replaced = new[len(arrays) + (0 if numbers is None else numbers.size) :]
            if replaced:
                hyper = [*hyper[:place], *map(float, replaced), *hyper[place + len(replaced) :]]
            place += len(names)
        return hyper


# The norms that formulas ask for.


@np.errstate(all="ignore")
def norm(stages, hyper, x, dx):
    """Return the 2-norm of the step that the stages make."""
    return root(lanes.total(map(lanes.squares, steps(stages, hyper, x, dx))), stages, hyper, x, dx)


def root(total, stages, hyper, x, dx):
    """The norm that a sum of squares tells; measured anew, in units of the largest number, where it tells none."""
    low, high = trusted(x.dtype)
    return math.sqrt(total) if low <= total <= high else norm_in_units(stages, hyper, x, dx)


def trusted(dtype):
    """The sums of squares in which no square can have vanished or overflowed: float64 holds those of float32."""
    return (1e-280, 1e280) if dtype.char in "dD" else (0.0, math.inf)


@np.errstate(all="ignore")
def norm_in_units(stages, hyper, x, dx):
    def real():
        return (part for step in steps(stages, hyper, x, dx) for part in (step.real, step.imag))

    unit = float(np.max([np.max(np.abs(part), initial=0.0) for part in real()]))
    if unit == 0 or not math.isfinite(unit):
        return unit
    return unit * math.sqrt(lanes.total(lanes.squares(part / unit) for part in real()))


def steps(stages, hyper, x, dx):
    """Yield the step of the stages block by block."""
    x, dx = flat(x), flat(dx)
    return (through(stages, hyper, x, dx, part)[0] for part in parts(x.size))
