"""The generator of random numbers under a trace: it draws, and writes down that it drew."""

import contextlib

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


@contextlib.contextmanager
def handed_out_again(numbers):
    """``with handed_out_again(numbers):`` what is drawn are these, in order, and after them new ones."""
    token = drawn_by.set(lambda generator: Again(generator, numbers)) if numbers else None
    try:
        yield
    finally:
        if token is not None:
            drawn_by.reset(token)


for _name in dir(np.random.Generator):
    if not _name.startswith("_") and _name not in ("bit_generator", "spawn", "shuffle"):
        setattr(Drawn, _name, drawing(_name))
        setattr(Again, _name, drawing_again(_name))
