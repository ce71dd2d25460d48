"""The generator of random numbers under a trace: it draws, and writes down that it drew."""

import numpy as np

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


for _name in dir(np.random.Generator):
    if not _name.startswith("_") and _name not in ("bit_generator", "spawn", "shuffle"):
        setattr(Drawn, _name, drawing(_name))
