"""``scipy.signal``: convolution and correlation in any number of dimensions."""

import math

import numpy as np
import scipy.signal

from ..arrays import as_numbers
from ..core.table import primitive, row
from ..derivatives.products import others
from ..hints import chapter
from ..nn.convolution import conv
from .entering import made_of_others, scipys_own


@primitive
def convolve(in1, in2, mode="full", method="auto", axes=None):
    """Convolve two arrays, over all axes or some.

        y[k] = sum_j in1[j] in2[k - j]

    Parameters
    ----------
    in1, in2 : arrays or Tensors with the same number of axes
    mode : "full", every k for which the sum has a term; "same", those in the middle, as many as ``in1`` has;
        "valid", those for which the smaller array lies within the other
    method : "auto", "direct" or "fft"
    axes : int or tuple of ints, over which to convolve, None for all; along the others the arrays broadcast.
        (SciPy has them in ``fftconvolve`` alone, and so the method is "fft" then.)

    Returns
    -------
    array or Tensor

    Raises ValueError for other shapes, modes and methods, and for "direct" with ``axes``.

    Source: ``scipy.signal.convolve`` and ``fftconvolve``.

    >>> convolve(np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0]), mode="valid")
    array([12., 23.])
    """
    if axes is None and method != "fft":
        return scipy.signal.convolve(in1, in2, mode, method)
    if method not in ("auto", "fft"):
        raise ValueError(f"convolve: axes go with method='fft' or 'auto'; got {method!r}")
    return scipy.signal.fftconvolve(in1, in2, mode, axes)


def of_all(axes, ndim):
    """Return axes as a tuple of numbers from 0."""
    return tuple(range(ndim)) if axes is None else tuple(k % ndim for k in np.atleast_1d(axes).tolist())


def in_full(g, in1_shape, in2_shape, mode, axes):
    """Return the gradient of the full convolution, of which the mode takes a part."""
    places = [(0, 0)] * g.ndim
    for k in of_all(axes, g.ndim):
        n, m = in1_shape[k], in2_shape[k]
        start = {"full": 0, "same": (m - 1) // 2, "valid": min(n, m) - 1}[mode]
        places[k] = start, n + m - 1 - start - g.shape[k]
    return np.pad(g, places) if g.ndim else g


row(
    convolve,
    lambda g, in2, in1_shape, in2_shape, mode, method, axes: correlate(
        in_full(g, in1_shape, in2_shape, mode, axes), in2, "valid", method, axes
    ),
    lambda g, in1, in1_shape, in2_shape, mode, method, axes: correlate(
        in_full(g, in1_shape, in2_shape, mode, axes), in1, "valid", method, axes
    ),
    signature="in1, in2, mode='full', method='auto', axes=None",
)


@made_of_others
def fftconvolve(in1, in2, mode="full", axes=None):
    """Convolve by Fourier transforms: ``convolve`` with method "fft".

    Source: ``scipy.signal.fftconvolve``.

    >>> fftconvolve(np.array([1.0, 2.0]), np.array([1.0, 10.0])).round(9)
    array([ 1., 12., 20.])
    """
    return convolve(in1, in2, mode, "fft", axes)


@made_of_others
def correlate(in1, in2, mode="full", method="auto", axes=None):
    """Correlate two arrays, over all axes or some.

        y[k] = sum_j in1[j] conj(in2[j - k + N - 1])        N, the length of ``in2``

    Parameters and what is returned are as in ``convolve``.

    Source: ``scipy.signal.correlate``.

    >>> correlate(np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0]), mode="valid")
    array([21., 32.])
    """
    in2 = np.conjugate(in2)
    return convolve(in1, np.flip(in2, of_all(axes, in2.ndim)) if in2.ndim else in2, mode, method, axes)


@made_of_others
def convolve_over(A, B, axes=None, dot_axes=((), ()), mode="full"):
    """Convolve over some axes of A and B, and multiply and sum over others: HIPS autograd's ``signal.convolve``.

        y[a, b, k] = sum_d sum_j A[a, d, j] B[b, d, k - j]

    Parameters
    ----------
    A, B : arrays
    axes : two lists, the axes of A and of B to convolve over; None for all
    dot_axes : two lists, the axes of A and of B to sum over the product of
    mode : "full", "same" (as long as A) or "valid"

    Returns
    -------
    array with A's other axes, then B's, then those of the convolution

    Raises ValueError for another mode, and for "valid" where neither array is as long as the other over all axes.

    SciPy has no such function.

    >>> convolve_over(np.ones((5, 3)), np.ones((7, 2)), axes=[[1], [1]], mode="valid").shape
    (5, 7, 2)
    """
    A, B = as_numbers(A, "convolve: A"), as_numbers(B, "convolve: B")
    A, B = (x if hasattr(x, "shape") else np.asarray(x) for x in (A, B))
    if mode not in AROUND:
        raise ValueError(f"convolve: mode is one of {', '.join(map(repr, AROUND))}; got {mode!r}")
    over, kernel = map(of_all, axes or (None, None), (A.ndim, B.ndim))
    of_a, of_b = map(of_all, dot_axes, (A.ndim, B.ndim))
    left, right, p = others(over + of_a, A.ndim), others(kernel + of_b, B.ndim), len(over)
    size, m, n = [B.shape[k] for k in kernel], len(left), len(right)
    shorter = [A.shape[k] < length for k, length in zip(over, size)]
    if mode == "valid" and any(shorter):  # the smaller slides over the larger
        if not all(A.shape[k] <= length for k, length in zip(over, size)):
            raise ValueError("convolve: with mode='valid' one array is at least as long as the other over all axes")
        y = convolve_over(B, A, (kernel, over), (of_b, of_a), mode)
        return np.transpose(y, (*range(n, n + m), *range(n), *range(n + m, y.ndim)))
    x = np.transpose(A, (*left, *over, *of_a))
    W = np.transpose(B, (*kernel, *of_b, *right))[(slice(None, None, -1),) * p]
    outer, space, channels = x.shape[:m], x.shape[m : m + p], math.prod(x.shape[m + p :])
    x = np.reshape(x, (math.prod(outer), *space, channels))
    if mode != "valid":
        x = np.pad(x, [(0, 0), *map(AROUND[mode], size), (0, 0)])
    last = W.shape[W.ndim - n :]
    y = conv(x, np.reshape(W, (*size, channels, math.prod(last))))
    y = np.reshape(y, (*outer, *y.shape[1:-1], *last))
    return np.transpose(y, (*range(m), *range(m + p, y.ndim), *range(m, m + p)))


AROUND = {"full": lambda m: (m - 1, m - 1), "same": lambda m: (m // 2, (m - 1) // 2), "valid": lambda m: (0, 0)}
__all__ = ["convolve", "convolve_over", "correlate", "fftconvolve"]

chapter(__name__, scipys_own(scipy.signal))
