"""``scipy.special``: functions that convert their arguments; the elementwise ones take Tensors as they are."""

import math

import numpy as np
import scipy.special

from ..core.table import primitive, refuse_if, row
from ..derivatives.scipy_rows import _zeta
from ..hints import chapter
from .entering import made_of_others

@primitive
def logsumexp(a, axis=None, b=None, keepdims=False):
    """Return the logarithm of a sum of exponentials, without overflow.

        y = log(sum(b * exp(a)))

    Parameters
    ----------
    a : array or Tensor
    axis : int, tuple of int, or None for all
    b : array or Tensor of weights that ``a`` is broadcast with, or None
    keepdims : bool, leave the axes summed over in place with length 1

    Returns
    -------
    array or Tensor

    Source: ``scipy.special.logsumexp``.

    >>> round(float(logsumexp(np.array([1000.0, 1000.0]))), 4)
    1000.6931
    """
    return scipy.special.logsumexp(a, axis=axis, b=b, keepdims=keepdims)


def logsumexp_a(g, y, a, axis, b, keepdims):
    h = logsumexp_b(g, y, a, axis, np.shape(b), keepdims)
    return h if b is None else h * np.conjugate(b)


def logsumexp_b(g, y, a, axis, b_shape, keepdims):
    if axis is not None and not keepdims:
        g, y = np.expand_dims(g, axis), np.expand_dims(y, axis)
    h = g * np.exp(a - np.where(np.isfinite(y), y, 0)).conjugate()
    return np.broadcast_to(h, np.broadcast_shapes(np.shape(h), b_shape))


row(logsumexp, logsumexp_a, None, logsumexp_b)


@made_of_others
def log_softmax(x, axis=None):
    """Return the logarithm of the softmax.

        y = x - logsumexp(x)

    Parameters
    ----------
    x : array or Tensor
    axis : int, tuple of int, or None for all

    Returns
    -------
    array or Tensor of the same shape

    Source: ``scipy.special.log_softmax``.

    >>> log_softmax(np.array([0.0, 1000.0]))
    array([-1000.,     0.])
    """
    return x - logsumexp(x, axis=axis, keepdims=np.ndim(x) > 0)


@made_of_others
def softmax(x, axis=None):
    """Return positive numbers that sum to 1.

        y = exp(x) / sum(exp(x))

    Parameters
    ----------
    x : array or Tensor
    axis : int, tuple of int, or None for all

    Returns
    -------
    array or Tensor of the same shape

    Source: ``scipy.special.softmax``; Flux's ``softmax`` takes the first axis by default.

    >>> softmax(np.array([1.0, 1.0, 1.0, 1.0]))
    array([0.25, 0.25, 0.25, 0.25])
    """
    return np.exp(log_softmax(x, axis))


@made_of_others
def polygamma(n, x):
    """Return the derivative of order ``n`` of the digamma function.

        y = (-1)^(n+1) n! zeta(n + 1, x)

    Parameters
    ----------
    n : int >= 0, or array of them; a constant
    x : array or Tensor of positive numbers

    Returns
    -------
    array or Tensor of the shape to which ``n`` and ``x`` broadcast

    Source: ``scipy.special.polygamma``.

    >>> round(float(polygamma(1, 1.0)), 6)  # pi^2 / 6
    1.644934
    """
    order = np.asarray(n, dtype=float) + 1
    y = (-1.0) ** order * scipy.special.gamma(order) * _zeta(order, x)
    return np.where(order == 1, scipy.special.psi(x), y)[()]


@made_of_others
def multigammaln(a, d):
    """Return the logarithm of the gamma function of d dimensions.

        y = d (d - 1) / 4 log pi + sum_j gammaln(a - j / 2),   j = 0 ... d - 1

    Parameters
    ----------
    a : array or Tensor of numbers > (d - 1) / 2
    d : int >= 1

    Returns
    -------
    array or Tensor of the shape of ``a``

    Raises ValueError if ``d`` is no positive whole number, or an ``a`` is too small.

    Source: ``scipy.special.multigammaln``.

    >>> round(float(multigammaln(2.0, 2)), 6)  # log(sqrt(pi) gamma(2) gamma(3/2))
    0.451583
    """
    if np.ndim(d) or d != math.floor(d) or d < 1:
        raise ValueError(f"multigammaln: d is the number of dimensions, a whole number from 1; got {d!r}")
    refuse_if(np.any(a <= (d - 1) / 2), ValueError, f"multigammaln: a must be greater than (d - 1) / 2 = {(d - 1) / 2}")
    steps = np.arange(d) / 2
    return d * (d - 1) / 4 * math.log(math.pi) + np.sum(scipy.special.gammaln(np.expand_dims(a, -1) - steps), axis=-1)


# --------------------------------------------------------------------------- what takes Tensors as it is
def elementwise(name):
    """Return an elementwise function of ``scipy.special``."""
    function = getattr(scipy.special, name, None)
    if isinstance(function, np.ufunc):
        return function
    raise AttributeError(
        f"minigrad.scipy.special has no {name!r}: it has the elementwise functions of scipy.special and "
        f"{', '.join(__all__)}"
    )


def all_elementwise():
    return [name for name, function in vars(scipy.special).items() if isinstance(function, np.ufunc)]


__all__ = ["log_softmax", "logsumexp", "multigammaln", "polygamma", "softmax"]

chapter(__name__, elementwise, all_elementwise)
