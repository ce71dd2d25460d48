"""Convolution and pooling, over one axis (sound, text), two (images) or more.

Arrays are batch first and channels last: an image is (batch, height, width, channels).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import zeros
from ..core.tensor import Tensor
from ..derivatives.windows import windows
from ..doors import door
from ..fields import readable
from .activations import as_activation, identity
from .initialisers import glorot_uniform
from .layers import layer
from .precision import taken
from .printing import Printed, call_of


def conv(x, W, *, stride=1, pad=0):
    """Return the products of every window of ``x`` with the kernels in ``W``.

        y[batch, i, j, out] = sum over di, dj, c of  x[batch, i + di, j + dj, c] * W[di, dj, c, out]

    Parameters
    ----------
    x : array of shape (batch, *space, channels in), space of one or more axes
    W : array of shape (*window, channels in, channels out), the window with as many axes as the space
    stride : int >= 1 or tuple of them, one per axis: how far one window is from the next
    pad : int >= 0 or tuple of them: zeros added on both sides; "same" keeps the size (at stride 1)

    Returns
    -------
    array of shape (batch, *positions, channels out), positions = (space + 2 * pad - window) // stride + 1

    Raises ValueError if the shapes do not fit together.

    Differs from Flux: channels last, and the kernel is not reversed (what others call a convolution).

    Source: Flux 0.13 ``CrossCor``.

    >>> conv(np.arange(4.0).reshape(1, 4, 1), np.array([[[1.0]], [[-1.0]]]))[0, :, 0]
    array([-1., -1., -1.])
    """
    *size, n_in, n_out = W.shape
    check_image("conv", x, size, n_in)
    d = len(size)
    pads = padding(pad, size)
    if any(map(any, pads)):
        x = np.pad(x, [(0, 0), *pads, (0, 0)])
    x = windows(x, tuple(size), per_axis(stride, d))
    positions = x.shape[: 1 + d]
    in_a_window = math.prod(size) * n_in
    rows = np.reshape(x, (math.prod(positions), in_a_window))
    return np.reshape(rows @ np.reshape(W, (in_a_window, n_out)), (*positions, n_out))


def maxpool(x, size, *, stride=None):
    """Return the largest number of every window, for each channel.

    Parameters
    ----------
    x : array of shape (batch, *space, channels), space of one or more axes
    size : tuple of ints >= 1, the window's length along each axis of the space
    stride : int or tuple of ints >= 1: how far one window is from the next; by default the size

    Returns
    -------
    array of shape (batch, *positions, channels), positions = (space - size) // stride + 1

    Raises ValueError if the shapes do not fit together.

    Notes
    -----
    Numbers that share a maximum share its gradient equally.

    Source: Flux 0.13 ``maxpool``.

    >>> maxpool(np.array([1.0, 5.0, 2.0, 3.0]).reshape(1, 4, 1), (2,))[0, :, 0]
    array([5., 3.])
    """
    size = window(size, "maxpool")
    check_image("maxpool", x, size)
    d = len(size)
    x = windows(x, size, per_axis(size if stride is None else stride, d))
    return np.max(x, tuple(range(1 + d, 1 + 2 * d)))


def per_axis(n, d):
    """Return ``n`` as a tuple with one number per axis of the space."""
    n = n if isinstance(n, (tuple, list)) else (n,) * d
    return tuple(operator.index(k) for k in n)


def padding(pad, size):
    """Return (zeros before, zeros after) for each axis of the space.

    >>> padding(1, (3, 3)), padding("same", (2, 3))
    ([(1, 1), (1, 1)], [(0, 1), (1, 1)])
    """
    if isinstance(pad, str) and pad == "same":
        return [((n - 1) // 2, n // 2) for n in size]
    return [(n, n) for n in per_axis(pad, len(size))]


def window(size, who):
    """Return the window's size as a tuple."""
    if not np.iterable(size):
        raise TypeError(
            f"{who}: the size of a window has one number per axis: ({size}, {size}) for images, ({size},) for sequences"
        )
    return tuple(size)


def check_image(name, x, size, channels=None):
    """Raise unless ``x`` is (batch, *space, channels) with a window's number of axes."""
    if len(x.shape) != 2 + len(size) or channels not in (None, x.shape[-1]):
        space = {1: "length", 2: "height, width"}.get(len(size), f"{len(size)} axes of space")
        raise ValueError(
            f"{name}: a window of {' x '.join(map(str, size))} takes arrays of shape (batch, {space}, "
            f"{channels or 'channels'}); got shape {x.shape}"
        )


@layer
class Conv(Printed):
    """A convolution: the same small Dense layer at every place of an image.

        x : (batch, *space, n_in)   ->   (batch, *positions, n_out)
        positions = (space + 2 * pad - size) // stride + 1

    Parameters
    ----------
    size : tuple of ints >= 1, the window: (3, 3) for images, (5,) for sequences
    n_in, n_out : ints >= 1, channels that come in and go out
    activation : function of an array
    stride : int >= 1 or tuple of them: how far one window is from the next
    pad : int >= 0 or tuple of them: zeros added on both sides; "same" keeps the size (at stride 1)
    bias : bool, whether there is a b; it starts at 0
    init : initialiser of W
    dtype : float64 or float32; give x in the same
    rng : numpy.random.Generator or a seed, by default the generator that ``minigrad.seed`` restarts

    Attributes
    ----------
    W : Tensor of shape (*size, n_in, n_out)
    b : Tensor of shape (n_out,), or None

    Raises (when called) ValueError if x has another number of axes or channels.

    Differs from Flux: batch first and channels last, where Flux has (*space, channels, batch); the
    kernel is not reversed; float64 by default.

    Source: Flux 0.13 ``Conv``, ``CrossCor``.

    >>> Conv((3, 3), 1, 16)
    Conv((3, 3), 1, 16)  # 160 parameters
    >>> Conv((3, 3), 1, 16)(np.ones((5, 8, 8, 1))).shape
    (5, 6, 6, 16)
    """

    W: Tensor
    b: Tensor
    activation: Callable
    stride: object
    pad: object

    @readable
    def __init__(
        self, size, n_in, n_out, activation=identity, *,
        stride=1, pad=0, bias=True, init=glorot_uniform, dtype=float, rng=None,
    ):  # fmt: skip
        self.W = init(*window(size, "Conv"), n_in, n_out, dtype=dtype, rng=rng)
        self.b = zeros(n_out, dtype=dtype) if bias else None
        self.activation, self.stride, self.pad = as_activation("Conv", activation), stride, pad

    @door
    def __call__(self, x):
        y = conv(taken(self, x, self.W), self.W, stride=self.stride, pad=self.pad)
        return self.activation(y if self.b is None else y + self.b)

    def spelled(self):
        *size, n_in, n_out = self.W.shape
        usual = {"stride": 1, "pad": 0, "bias": True}
        ours = {"stride": self.stride, "pad": self.pad, "bias": self.b is not None}
        unusual = {key: value for key, value in ours.items() if value != usual[key]}
        return call_of("Conv", tuple(size), n_in, n_out, self.activation, **unusual)


@layer
class MaxPool(Printed):
    """Keeps the largest number of every window.

        x : (batch, *space, channels)   ->   (batch, *positions, channels)
        positions = (space - size) // stride + 1

    Parameters
    ----------
    size : tuple of ints >= 1, the window: (2, 2) for images, (2,) for sequences
    stride : int or tuple of ints >= 1: how far one window is from the next; by default the size

    Raises (when called) ValueError if x has another number of axes.

    Differs from Flux: batch first and channels last.

    Source: Flux 0.13 ``MaxPool``.

    >>> MaxPool((2, 2))(np.ones((5, 8, 8, 16))).shape
    (5, 4, 4, 16)
    """

    size: tuple
    stride: object

    def __init__(self, size: Any, *, stride: Any = None) -> None:
        self.size, self.stride = window(size, "MaxPool"), stride

    @door
    def __call__(self, x):
        return maxpool(x, self.size, stride=self.stride)

    def spelled(self):
        return call_of("MaxPool", self.size, **({} if self.stride is None else {"stride": self.stride}))
