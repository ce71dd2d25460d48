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
import operator
from typing import NamedTuple

import numpy as np

from . import functions, lanes
from .arrays import flat
from .reductions import summing


class Stage(NamedTuple):
    """A stage of a composition at work on one parameter."""

    formula: object
    working: object  # the function to call: the formula itself unless it has reductions
    names: tuple  # of its hyperparameters
    arrays: list  # its state for every element, flat
    numbers: object  # its state once for the parameter: an array, or None
    given: tuple = ()  # what else it asks for: names out of reading.GIVEN
    noise: object = None  # the normal numbers of this step, flat
    reductions: tuple = ()  # names, and their numbers
    reduced: object = None
    begin: int = 0  # the column of the first of them

    def call(self, function, x, step, hyper, dx, part, known=None):
        """Call the formula, or a part of it that knows some of the reductions, for the elements in ``part``."""
        state = [a[part] for a in self.arrays] + ([] if self.numbers is None else self.numbers.tolist())
        named = dict(zip(self.names, hyper))
        if self.reductions:
            named.update(zip(self.reductions[:known], map(functions.Number, self.reduced.tolist())))
        for name in self.given:
            named[name] = dx[part] if name == "gradient" else self.noise[part]
        return function(x[part], step, *state, **named)


def through(stages, hyper, x, dx, part):
    """Return the step of the elements in ``part``, and what every stage returns besides."""
    step, news, hyper = dx[part], [], iter(hyper)
    for stage in stages:
        returned = stage.call(stage.working, x, step, hyper, dx, part)
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
        for stage, new in zip(self.stages, self.news):
            if stage.numbers is not None:
                stage.numbers[:] = new[len(stage.arrays) : len(stage.arrays) + stage.numbers.size]

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
        for stage, new in zip(self.stages, self.news):
            replaced = new[len(stage.arrays) + (0 if stage.numbers is None else stage.numbers.size) :]
            if replaced:
                hyper = [*hyper[:place], *map(float, replaced), *hyper[place + len(replaced) :]]
            place += len(stage.names)
        return hyper


# The numbers that formulas ask for: ``passing`` is a Pass, whose stage is the last of ``stages``.


def summed(stages, passing, hyper, x, dx):
    """Yield what is summed in a pass, block by block: an array for each reduction."""
    x, dx = flat(x), flat(dx)
    *before, last = stages
    known = passing.columns.start - last.begin
    for part in parts(x.size):
        rest = iter(hyper)
        step, _ = through(before, rest, x, dx, part)
        yield last.call(summing(last.formula, passing.level), x, step, rest, dx, part, known)


@np.errstate(all="ignore")
def sums(stages, passing, hyper, x, dx):
    """Return the sums of a pass: for each reduction a float."""
    to_sum = [lanes.squares if r.kind is functions.norm else functions.real_only for r in passing.reductions]
    totals = [0.0] * len(to_sum)
    for block in summed(stages, passing, hyper, x, dx):
        values = [lanes.block_total(f(value)) for f, value in zip(to_sum, block)]
        totals = list(map(operator.add, totals, values))
    return totals


@np.errstate(all="ignore")
def norm_in_units(stages, passing, place, hyper, x, dx):
    """A norm whose squares have vanished or overflowed: it is measured anew, in units of the largest number."""

    def real():
        values = (block[place] for block in summed(stages, passing, hyper, x, dx))
        return (part for value in values for part in (value.real, value.imag))

    unit = float(np.max([np.max(np.abs(part), initial=0.0) for part in real()]))
    if unit == 0 or not math.isfinite(unit):
        return unit
    return unit * math.sqrt(lanes.total(lanes.squares(part / unit) for part in real()))


def trusted(dtype):
    """The sums of squares in which no square can have vanished or overflowed: float64 holds those of float32."""
    return (1e-280, 1e280) if dtype.char in "dD" else (0.0, math.inf)
