"""The generator of random numbers under a trace: it draws, and writes down that it drew."""

import numpy as np

from ..core.storage import drawn_by
from .operations import Method


class Drawn(np.random.Generator):
    """Stands for a generator: the same stream of numbers, each drawing an operation of the trace."""

    def __init__(self, real, trace):
        super().__init__(real.bit_generator)
        self.real, self.trace = real, trace


def drawing(name):
    def draw(self, *args, **kwargs):
        return self.trace.draw(self.real, Method(name), args, kwargs)

    draw.__name__ = name
    return draw


class Again(np.random.Generator):
    """Stands for a generator: hands out numbers that were drawn from it before, then draws."""

    def __init__(self, real, numbers):
        super().__init__(real.bit_generator)
        self.real, self.numbers = real, numbers


def drawing_again(name):
    def draw(self, *args, **kwargs):
        return self.numbers.pop(0) if self.numbers else getattr(self.real, name)(*args, **kwargs)

    draw.__name__ = name
    return draw


def handed_out_again(numbers, f):
    """Return ``f()``, in which what is drawn are these numbers, in order, and after them new ones.

    A function and no ``with``: Ctrl-C may come between any two steps, and nobody else is to be handed them.
    """
    before = drawn_by.get()
    try:
        try:
            drawn_by.set(lambda generator: Again(generator, numbers))
            return f()
        finally:
            drawn_by.set(before)
    finally:
        drawn_by.set(before)


for _name in dir(np.random.Generator):
    if not _name.startswith("_") and _name not in ("bit_generator", "spawn", "shuffle"):
        setattr(Drawn, _name, drawing(_name))
        setattr(Again, _name, drawing_again(_name))
