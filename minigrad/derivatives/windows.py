"""Rows of the two functions that convolution and pooling are made of.

``windows`` lays out every window of an image, ``overlay`` adds windows up into an image: each is the
other's derivative.  What is done with a window (a product with a kernel, a maximum) is NumPy.
"""

import math

import numpy as np

from ..core.table import composition, primitive, row


@primitive
def windows(x, size, stride):
    """Return every window of ``x``, shape (batch, *positions, *size, channels).

    Parameters
    ----------
    x : array of shape (batch, *space, channels), space of one or more axes
    size : tuple of ints >= 1, the window's length along each axis of the space
    stride : tuple of ints >= 1, how far one window is from the next

    >>> windows(np.arange(4.0).reshape(1, 4, 1), (2,), (1,))[0, :, :, 0]
    array([[0., 1.],
           [1., 2.],
           [2., 3.]])
    """
    space = tuple(range(1, 1 + len(size)))
    view = np.lib.stride_tricks.sliding_window_view(x, size, space)
    view = view[(slice(None), *(slice(None, None, s) for s in stride))]
    return np.moveaxis(view, 1 + len(size), -1)


@primitive
def overlay(g, size, stride, shape):
    """Return an array of ``shape`` in which every window of ``g`` is added at its place.

    >>> overlay(np.ones((1, 3, 2, 1)), (2,), (1,), (1, 4, 1))[0, :, 0]
    array([1., 2., 2., 1.])
    """
    y = np.zeros(shape, g.dtype)
    positions = g.shape[1 : 1 + len(size)]
    for offset in np.ndindex(*size):
        reached = (slice(o, o + s * (n - 1) + 1, s) for o, s, n in zip(offset, stride, positions))
        y[(slice(None), *reached)] += g[(slice(None),) * (1 + len(size)) + offset]
    return y


row(
    windows,
    lambda g, size, stride, x_shape: overlay(g, size, stride, x_shape),
    signature="x, size, stride",
)
row(overlay, lambda g, size, stride: windows(g, size, stride), signature="g, size, stride, shape")


@composition(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(x, window_shape, axis=None):
    size = (window_shape,) if np.ndim(window_shape) == 0 else tuple(window_shape)
    axes = range(x.ndim) if axis is None else (axis,) if np.ndim(axis) == 0 else axis
    axes = [i % x.ndim for i in axes]
    rest = [i for i in range(x.ndim) if i not in axes]
    space, channels = [x.shape[i] for i in axes], [x.shape[i] for i in rest]
    y = np.reshape(np.transpose(x, axes + rest), (1, *space, math.prod(channels)))
    y = windows(y, size, (1,) * len(size))[0]
    n = len(size)
    y = np.reshape(y, (*y.shape[: 2 * n], *channels))
    places = [axes.index(i) if i in axes else 2 * n + rest.index(i) for i in range(x.ndim)]
    return np.transpose(y, places + list(range(n, 2 * n)))
