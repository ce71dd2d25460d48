"""Rows of compound functions: activations, softmax and the losses that training uses most.

Each could be written with NumPy's functions and would be differentiated all the same.  As a
function with a row of its own it is one entry of the tape instead of several, its derivative is the
short formula from the textbook, and it is exact where the pieces would overflow.  Whole numbers become
floating-point ones before anything is subtracted (``x * -1.0``, ``0.0``): the unsigned ones would wrap around.

A function may return more than its caller asked for, if its derivative needs it again:
``mean_softmax_crossentropy`` returns the softmax as well.
"""

import math

import numpy as np

from ..core.table import primitive, row, transparent
from ..doors import quietly
from .elementwise import gated, safe
from .reductions import shared, wider
from .sigmoids import NEXT_TO_ONE, complement, log_share, of_reals, one_over_one_and_exp, several, sigmoid
from .sigmoids import softplus, where_far

SQRT_8_OVER_PI = math.sqrt(8 / math.pi)
CUBIC = 0.044715 * SQRT_8_OVER_PI
FAR_LEFT = -4.6  # where exp(x) is a hundredth: exp(x) - 1 has lost two of its digits


least, most = np.minimum.reduce, np.maximum.reduce


# ------------------------------------------------------------------------------------- activations
@of_reals
def relu(x):
    """Return ``max(x, 0)``, element by element; its derivative at 0 is 0.

    Parameters
    ----------
    x : array of real numbers, any shape

    Source: NNlib 0.8 ``relu``.

    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return np.maximum(x, 0)


@of_reals
def leakyrelu(x, a=0.01):
    """Return ``x`` where it is positive, else ``a * x``, element by element; its derivative at 0 is a.

    Parameters
    ----------
    x : array of real numbers, any shape
    a : float >= 0, the slope to the left of 0

    Source: NNlib 0.8 ``leakyrelu``.

    >>> leakyrelu(np.array([-1.0, 2.0]))
    array([-0.01,  2.  ])
    """
    return np.where(x > 0, x, a * x)


@of_reals
def elu(x, alpha=1.0):
    """Return ``x`` where it is positive, else ``alpha * (exp(x) - 1)``, element by element.

    Parameters
    ----------
    x : array of real numbers, any shape
    alpha : float, minus the value far to the left

    Source: Clevert et al. 2015, arXiv:1511.07289; NNlib 0.8 ``elu``.

    >>> elu(np.array([-1000.0, 0.0, 2.0]))
    array([-1.,  0.,  2.])
    """
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0)))


@of_reals
def swish(x):
    """Return ``x * sigmoid(x)``, element by element.

    Parameters
    ----------
    x : array of real numbers, any shape

    Source: Ramachandran et al. 2017, arXiv:1710.05941; NNlib 0.8 ``swish``.

    >>> swish(np.array([-1000.0, 0.0, 1000.0]))
    array([  -0.,    0., 1000.])
    """
    return x * sigmoid(x)


@of_reals
def gelu(x):
    """Return ``x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))``, element by element.

    Parameters
    ----------
    x : array of real numbers, any shape

    Notes
    -----
    This is the paper's approximation of ``x * normal_cdf(x)``, as in Flux.

    Source: Hendrycks and Gimpel 2016, arXiv:1606.08415; NNlib 0.8 ``gelu``.

    >>> gelu(np.array([-1000.0, 0.0, 1.0, 1000.0]))
    array([-0.00000000e+00,  0.00000000e+00,  8.41191991e-01,  1.00000000e+03])
    """
    # (1 + tanh(z)) / 2 is the sigmoid of 2 z
    return x * one_over_one_and_exp(x * (-SQRT_8_OVER_PI - CUBIC * x * x))


def gelu_vjp(g, x):
    x = wider(x)
    square = np.minimum(quietly(np.square, x), 2500)  # the same from there on, and nothing overflows
    s = sigmoid(x * (SQRT_8_OVER_PI + CUBIC * square))
    return g * (s * (1 + x * ((1 - s) * (SQRT_8_OVER_PI + 3 * CUBIC * square))))


def elu_vjp(g, x, y, alpha):
    """alpha * exp(x) where x is not positive: y + alpha, which far to the left has no digits."""
    left = np.minimum(y, 0.0) + alpha
    slope = where_far(x < FAR_LEFT, lambda x: alpha * np.exp(np.minimum(x, 0.0)), (x,), left)
    return g * (slope if type(alpha) is float and alpha == 1 else np.where(x > 0, 1.0, slope))


def swish_vjp(g, x, y):
    s = sigmoid(x)
    return g * (s + y * (1 - s))


row(relu, lambda g, y: gated(g, y > 0), signature="x", note="0 at 0")
row(leakyrelu, lambda g, x, a: np.where(x > 0, g, a * g), signature="x, a=0.01", note="a at 0")
row(elu, elu_vjp, signature="x, alpha=1.0")
row(swish, swish_vjp, signature="x")
row(gelu, gelu_vjp, signature="x", note="the approximation with tanh")


# --------------------------------------------------------------------------- softmax and its logarithm
@of_reals
def softmax(x, axis=-1):
    """Return positive numbers that sum to 1 along an axis: ``exp(x) / sum(exp(x))``.

    Parameters
    ----------
    x : array of real numbers, e.g. scores of shape (batch, classes)
    axis : int, the axis of the classes

    Differs from NNlib: the classes are the last axis, not the first.

    Source: NNlib 0.8 ``softmax``.

    >>> softmax(np.array([[0.0, 0.0], [1000.0, 0.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    y = np.exp(x - 1.0 * np.max(x, axis, keepdims=True))
    y /= np.sum(y, axis, keepdims=True)
    return y


@of_reals
def logsoftmax(x, axis=-1):
    """Return ``log(softmax(x))`` along an axis, exact where softmax is next to 0.

    Parameters
    ----------
    x : array of real numbers, e.g. scores of shape (batch, classes)
    axis : int, the axis of the classes

    Differs from NNlib: the classes are the last axis, not the first.

    Source: NNlib 0.8 ``logsoftmax``.

    >>> logsoftmax(np.array([1000.0, 0.0]))
    array([    0., -1000.])
    """
    y = x - 1.0 * np.max(x, axis, keepdims=True)
    y -= np.log(np.sum(np.exp(y), axis, keepdims=True))
    return y


@of_reals
def logsumexp(x, axis=None, keepdims=False):
    """Return ``log(sum(exp(x)))`` along an axis; nothing overflows.

    Parameters
    ----------
    x : array of real numbers, any shape
    axis : int, tuple of ints, or None for all axes
    keepdims : bool, whether the axis stays, of length 1

    Source: NNlib 0.8 ``logsumexp``.

    >>> float(logsumexp(np.array([1000.0, 1000.0])) - 1000)
    0.6931471805599
    """
    largest = np.max(x, axis, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):  # log(0) = -inf is the answer where every x is -inf
        y = largest + np.log(np.sum(np.exp(x - largest), axis, keepdims=True))
    return y if keepdims else np.squeeze(y, axis)


def logsumexp_vjp(g, x, y, axis, keepdims):
    if axis is not None and not keepdims:
        g, y = np.expand_dims(g, axis), np.expand_dims(y, axis)
    return g * np.exp(log_share(x, y))


def softmax_vjp(g, y, axis):
    return y * (g - np.sum(wider(g) * y, axis, keepdims=True))


def logsoftmax_vjp(g, y, axis):
    return g - np.exp(y) * np.sum(wider(g), axis, keepdims=True)


row(softmax, softmax_vjp, signature="x, axis=-1")
row(logsoftmax, logsoftmax_vjp, signature="x, axis=-1")
row(logsumexp, logsumexp_vjp, signature="x, axis=None, keepdims=False")


# ------------------------------------------------------------------------------- entropy and likelihood
@of_reals
def xlogx(x):
    """Return ``x * log(x)``, which is 0 at 0.

    >>> xlogx(np.array([0.0, 1.0]))
    array([0., 0.])
    """
    return x * np.log(safe(x))


@of_reals
def xlogy(x, y):
    """Return ``x * log(y)``, which is 0 where x is 0, whatever number y is.

    >>> xlogy(np.array([0.0, 2.0, 0.0]), np.array([0.0, 1.0, np.nan]))
    array([ 0.,  0., nan])
    """
    return x * np.log(one_beside(x, y))


def one_beside(x, y):
    """Return ``y``, and 1 where x is 0 and y is a number; of numbers whose logarithms are finite, all as they are."""
    if several(y) and y.dtype.kind == "f" and 0 < least(y, None, initial=1) and most(y, None, initial=1) < np.inf:
        return y
    return np.where((x == 0) & (y == y), 1.0, y)


row(xlogx, lambda g, x: g * (1 + np.log(x)), signature="x", note="-inf at 0")
row(
    xlogy,
    lambda g, b: xlogy(g, b),
    lambda g, a, b: g * a / one_beside(a, b),
    signature="a, b",
    note="0 for b where a is 0",
)


@of_reals
def sigmoid_crossentropy(z, y):
    """Return ``-y * log(sigmoid(z)) - (1 - y) * log(1 - sigmoid(z))``, element by element.

    >>> sigmoid_crossentropy(np.array([1000.0, -1000.0]), np.array([1.0, 1.0]))
    array([   0., 1000.])
    """
    return (1.0 - y) * z + softplus(z * -1.0)


@transparent
@primitive
def mean_squared_error(a, b):
    """Return the mean of ``abs(a - b)**2`` over all elements.

    >>> float(mean_squared_error(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    """
    d = np.ravel(a - b)
    if d.dtype.char not in "fdgFDG":
        return mean_of_narrow_squares(a, b, d.dtype)
    return np.vdot(d, d).real / d.size


def mean_of_narrow_squares(a, b, dtype):
    """The same of half precision, whose sums end at 65504, and of whole numbers, which wrap around."""
    half = dtype == np.float16
    d = np.ravel((wider(a) if half else a * 1.0) - b)
    y = np.vdot(d, d) / d.size
    return y.astype(dtype) if half else y


def mean_squared_error_vjp(g, a, b, a_shape):
    if g.dtype.char == "e":
        g = wider(g)
    return (a - b) * (2 * g / math.prod(a_shape))


@of_reals
def mean_softmax_crossentropy(z, labels):
    """Return the mean of ``-sum(labels * logsoftmax(z))`` over all rows, and ``softmax(z)``.

    >>> loss, p = mean_softmax_crossentropy(np.zeros((1, 2)), np.array([[0.0, 1.0]]))
    >>> float(loss), p
    (0.69314718, array([[0.5, 0.5]]))
    """
    z = z if z.dtype.kind == "f" else z.astype(float)
    rows = z.reshape(-1, z.shape[-1])
    log_p = rows.T.copy()  # classes first: NumPy adds up columns several times faster than short rows
    log_p -= np.maximum.reduce(log_p)
    p = np.exp(log_p)
    total = np.add.reduce(p)
    log_p -= np.log(total)
    p /= total
    return -np.vdot(log_p.T, labels) / len(rows), p.T.reshape(z.shape)


def mean_softmax_crossentropy_vjp_z(g, y, labels):
    (g_loss, g_p), p = g, y[1]
    h = 0
    if g_loss is not None:
        h = p * labels.sum(-1, keepdims=True)
        h -= labels
        h *= shared(g_loss, p.size // p.shape[-1])
    if g_p is not None:
        h = h + p * (g_p - np.sum(g_p * p, -1, keepdims=True))
    return h


def mean_softmax_crossentropy_vjp_labels(g, z):
    return None if g[0] is None else logsoftmax(z) * -shared(g[0], z.size // z.shape[-1])


def sigmoid_crossentropy_vjp_z(g, z, y):
    """sigmoid(z) - y, to the last digit where both are next to 1: then it is (1 - y) - sigmoid(-z)."""
    s = sigmoid(z)
    return g * where_far(s > NEXT_TO_ONE, lambda z, y: (1.0 - y) - complement(z), (z, y), s - y)


row(sigmoid_crossentropy, sigmoid_crossentropy_vjp_z, lambda g, z: -g * z, signature="z, y")
row(
    mean_squared_error,
    mean_squared_error_vjp,
    lambda g, a, b, a_shape: mean_squared_error_vjp(g, b, a, a_shape),
    signature="a, b",
)
row(
    mean_softmax_crossentropy,
    mean_softmax_crossentropy_vjp_z,
    mean_softmax_crossentropy_vjp_labels,
    signature="z, labels",
)


# ------------------------------------------------------------------------------------------- layers
@of_reals
def normalise(x, axis=-1, epsilon=1e-5):
    """Return ``x`` with mean 0 and standard deviation 1 along an axis: (x - mean) / (std + epsilon).

    Parameters
    ----------
    x : array of real numbers, any shape
    axis : int or tuple of ints
    epsilon : float > 0, added to the standard deviation (which is that of the whole, not of a sample)

    Notes
    -----
    The derivative of the standard deviation of equal numbers is 0.

    Source: Flux 0.13 ``normalise``.

    >>> normalise(np.array([1.0, 3.0]), epsilon=0.0)
    array([-1.,  1.])
    """
    # Flux: epsilon stands outside of the root (Ba et al. 2016 add it to the variance).
    return (x - np.mean(x, axis, keepdims=True)) / (np.std(x, axis, keepdims=True) + epsilon)


def normalise_vjp(g, x, y, axis, epsilon):
    x = wider(x)
    s = np.std(x, axis, keepdims=True)
    of_std = y * np.mean(g * y, axis, keepdims=True) * ((s + epsilon) / safe(s))
    return (g - np.mean(g, axis, keepdims=True) - of_std) / (s + epsilon)


row(normalise, normalise_vjp, signature="x, axis=-1, epsilon=1e-5")
