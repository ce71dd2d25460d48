"""Project: a derivative of your own.

    python examples/classroom/own_derivative.py

``softplus(x) = log(1 + exp(x))`` overflows for large x if it is written like that.  Written as in ``softplus`` below it
does not, but NumPy's ``maximum`` and ``abs`` have kinks at 0, where the function itself has none.  Write its derivative
by hand, tell minigrad of it by ``@adjoint``, and see that it holds at 0, far to the left and far to the right.

Questions: what is its derivative?  Where does a direct formula of it overflow, and how is that avoided?
"""

import numpy as np
from checking import close, expect, report

from minigrad import adjoint, gradient


def slope(x):
    """Return the derivative of softplus at an array of numbers, without overflow."""
    raise NotImplementedError


@adjoint
def softplus(x):
    y = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    return y, lambda g: (g * slope(np.asarray(x)),)


def check():
    with np.errstate(over="raise"):
        try:
            values = {x: gradient(softplus, x)[0] for x in (0.0, 1.0, -1.0, 30.0, -30.0, 800.0, -800.0)}
        except FloatingPointError:
            expect(False, "it overflows at 800 or -800: which of exp(x), exp(-x) is small?")
    expect(close(values[0.0], 0.5), f"at 0 the slope is {values[0.0]}; by symmetry it must be one half")
    expect(close(values[1.0] + values[-1.0], 1), "slopes at x and -x must add up to 1: log(1+e^x) - log(1+e^-x) = x")
    h = 1e-5
    slow = (softplus(1.0 + h) - softplus(1.0 - h)) / (2 * h)
    expect(close(values[1.0], slow, 1e-8), f"at 1 the slope is {values[1.0]}, and a difference of values says {slow}")
    expect(values[800.0] == 1 and values[-800.0] == 0, "far to the right the slope is 1, far to the left it is 0")
    expect(0 < values[-30.0] < 1e-12, f"at -30 the slope is e^-30, about 9.4e-14, and not {values[-30.0]}")


if __name__ == "__main__":
    report(check)
