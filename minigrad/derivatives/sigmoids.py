"""Rows of the sigmoid, of what is left of it to 1, and of the logarithms whose derivative it is.

Far away where a sigmoid is next to 1, 1 - sigmoid(x) is next to nothing and a difference of two numbers: ``complement``
is the same to the last digit.
"""

import functools
import math

import numpy as np

from ..core.table import primitive, row, transparent

LN2 = math.log(2)
FLOAT = np.dtype(float)


def of_reals(function):
    """Let a function be intercepted by arrays (see ``primitive``).

    Complex numbers are refused, and half precision is computed in single: a sum there ends at 65504.
    """

    @transparent
    @primitive
    @functools.wraps(function)
    def checked(x, *args, **kwargs):
        char = getattr(x, "dtype", FLOAT).char
        if char == "e":
            return in_single(function, x, args, kwargs)
        if char in "FDG":
            raise TypeError(
                f"{function.__name__} is a function of real numbers; for complex ones write it with NumPy's functions, "
                "which are differentiated too, or take np.real(x) or np.abs(x) first"
            )
        return function(x, *args, **kwargs)

    return checked


def in_single(function, x, args, kwargs):
    """Return ``function(x, ...)`` computed in single precision, as half precision if all of its arguments are."""
    y = function(x.astype(np.float32), *args, **kwargs)
    if np.result_type(x, *[a for a in args if hasattr(a, "dtype")]) != np.float16:
        return y
    return tuple(part.astype(np.float16) for part in y) if isinstance(y, tuple) else y.astype(np.float16)


# ------------------------------------------------------------------------------------------- the sigmoid
@of_reals
def sigmoid(x):
    """Return ``1 / (1 + exp(-x))``, element by element, for every x.

    Parameters
    ----------
    x : array of real numbers, any shape

    Source: NNlib 0.8 ``sigmoid``.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    with np.errstate(over="ignore"):  # exp(-x) = inf gives 0, as it should
        return 1 / (1 + np.exp(x * -1.0))


@of_reals
def complement(x):
    """Return ``1 - sigmoid(x) = 1 / (1 + exp(x))``, element by element, for every x.

    >>> complement(np.array([-1000.0, 0.0, 40.0]))
    array([1.00000000e+00, 5.00000000e-01, 4.24835426e-18])
    """
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(x))


row(sigmoid, lambda g, x, y: g * (y * complement(x)), signature="x")
row(complement, lambda g, x, y: -g * (y * sigmoid(x)), signature="x")


# ---------------------------------------------------------------------------- logarithms of sums of two
@of_reals
def softplus(x):
    """Return ``log(1 + exp(x))``, element by element; nothing overflows.

    Parameters
    ----------
    x : array of real numbers, any shape

    Source: NNlib 0.8 ``softplus``.

    >>> softplus(np.array([-1000.0, 0.0, 1000.0]))
    array([0.00000000e+00, 6.93147181e-01, 1.00000000e+03])
    """
    return np.maximum(x, 0.0) + np.log1p(np.exp(np.abs(x) * -1.0))


row(softplus, lambda g, x: g * sigmoid(x), signature="x")


def log_share(a, y):
    """Return ``a - y``, the logarithm of the share that exp(a) has in the sum exp(y).

    In a sum of nothing but zeros, log(exp(-inf) + exp(-inf)), nothing has a share; infinity has all of it.
    """
    y = np.where(y == -np.inf, 0, y)
    with np.errstate(invalid="ignore"):  # inf - inf
        return np.where(a == y, 0, a - y)


def lead(a, b):
    """Return ``a - b``, whose sigmoid is the share of exp(a) in exp(a) + exp(b); of equal infinities that of one."""
    with np.errstate(invalid="ignore"):  # inf - inf
        return np.where(np.isinf(a) & (a == b), a, a - b)


row(
    np.logaddexp,
    lambda g, a, b: g * sigmoid(lead(a, b)),
    lambda g, a, b: g * sigmoid(lead(b, a)),
)
row(
    np.logaddexp2,
    lambda g, a, b: g * sigmoid(lead(a, b) * LN2),
    lambda g, a, b: g * sigmoid(lead(b, a) * LN2),
)
