"""Project: forward mode, with the same derivatives.

    python examples/classroom/forward_mode.py

Backward mode asks how the result depends on everything; forward mode pushes one direction through: each value
carries its derivative along, as a pair.  Write the arithmetic of such pairs.

Questions: how many runs does the gradient of a function of n numbers take this way?  Of which functions is forward
mode the better one?  What does a pair of pairs give you?
"""

import numpy as np
from checking import close, expect, report

from minigrad import gradient


class Dual:
    """A value and its derivative along one direction."""

    def __init__(self, value, slope=0.0):
        self.value, self.slope = value, slope

    def __add__(self, other):
        raise NotImplementedError

    def __mul__(self, other):
        raise NotImplementedError

    __radd__, __rmul__ = __add__, __mul__


def sin(x):
    """Return the sine of a Dual."""
    raise NotImplementedError


def derivative(f, x):
    """Return the derivative of a function of one number."""
    return f(Dual(x, 1.0)).slope


def check():
    expect(close(derivative(lambda x: x + x, 3.0), 2), "x + x has the derivative 2")
    expect(close(derivative(lambda x: x + 1.0, 3.0), 1), "a plain number is a constant: its derivative is 0")
    expect(close(derivative(lambda x: 5.0 * x, 3.0), 5), "5 x has the derivative 5; the number may stand on the left")
    expect(close(derivative(lambda x: x * x * x, 2.0), 12), "x x x has the derivative 3 x^2: products, twice")
    expect(close(derivative(sin, 0.7), np.cos(0.7)), "the derivative of sin(x) is cos(x)")

    def f(x, sin=sin):
        return sin(x * x) * x + 2.0 * x

    (backward,) = gradient(lambda x: f(x, np.sin), 1.3)
    forward = derivative(f, 1.3)
    expect(close(forward, backward), f"forward it is {forward}, backward {backward}: is the chain rule in sin?")


if __name__ == "__main__":
    report(check)
