"""Rows of the sigmoid, of what is left of it to 1, and of the logarithms whose derivative it is.

Far away where a sigmoid is next to 1, 1 - sigmoid(x) is next to nothing and a difference of two numbers: ``complement``
is the same to the last digit.  It takes another exponential, so arrays take it for the elements that need it alone.
"""

import functools
import math

import numpy as np

from ..core.table import primitive, row, transparent
from ..doors import quietly

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
NEXT_TO_ONE = 0.99  # further than that from 1, a difference from 1 has all its digits but two


def several(x):
    """Say whether ``x`` is an array, in which single elements can be looked at and set."""
    return type(x) is np.ndarray and x.ndim > 0


def where_far(far, function, xs, y):
    """Return ``np.where(far, function(*xs), y)``; an array ``y`` is overwritten, and only far elements are computed.

    >>> where_far(np.array([False, True]), np.sin, (np.zeros(2),), np.ones(2))
    array([1., 0.])
    """
    if not several(y):
        return np.where(far, function(*xs), y)
    if np.count_nonzero(far):
        y[far] = function(*[x[far] if np.ndim(x) else x for x in xs])
    return y


def one_over_one_and_exp(z):
    """Return ``1 / (1 + exp(z))``; an array is overwritten: memory for many numbers takes longer than arithmetic.

    >>> one_over_one_and_exp(np.array([-1000.0, 0.0, 1000.0]))
    array([1. , 0.5, 0. ])
    """
    if type(z) is not np.ndarray:
        return 1 / (1 + quietly(np.exp, z))  # exp(z) = inf gives 0, as it should
    quietly(np.exp, z, z)
    z += 1
    return np.divide(1, z, z)


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
    return one_over_one_and_exp(x * -1.0)


@of_reals
def complement(x):
    """Return ``1 - sigmoid(x) = 1 / (1 + exp(x))``, element by element, for every x.

    >>> complement(np.array([-1000.0, 0.0, 40.0]))
    array([1.00000000e+00, 5.00000000e-01, 4.24835426e-18])
    """
    return one_over_one_and_exp(x * 1.0)


row(sigmoid, lambda g, x, y: g * (y * where_far(y > NEXT_TO_ONE, complement, (x,), 1 - y)), signature="x")
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
    return np.where(a == y, 0, quietly(np.subtract, a, y))  # inf - inf


def lead(a, b):
    """Return ``a - b``, whose sigmoid is the share of exp(a) in exp(a) + exp(b); of equal infinities that of one."""
    d = quietly(np.subtract, a, b)  # inf - inf
    if several(d) and not np.count_nonzero(d != d):
        return d
    return np.where(np.isinf(a) & (a == b), a, d)


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
