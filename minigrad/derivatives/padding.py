"""The row of np.pad, in all its modes.

Three kinds of padding, three ways back.  *constant*: cut the padding off.  *edge*, *reflect*,
*symmetric*, *wrap*: the padding copies elements; padding the positions 0, 1, 2, ... tells which.
*mean*, *maximum*, *minimum*, *median*, *linear_ramp*: NumPy pads one axis after the other, each side
with weights times the elements next to it; the way back goes through the axes in reverse.
(The ``odd`` kind of *reflect* and *symmetric* is linear too, and needs a matrix per axis.)
"""

import math

import numpy as np

from ..core.errors import NoDerivativeError
from ..core.table import row
from .indexing import at, scatter_add

COPYING = ("edge", "reflect", "symmetric", "wrap")


def pairs(widths, ndim):
    """Return one (before, after) per axis for what np.pad accepts as pad_width or stat_length.

    >>> pairs(1, 2), pairs((1, 2), 1)
    ([(1, 1), (1, 1)], [(1, 2)])
    """
    if isinstance(widths, dict):
        every = [widths.get(axis, widths.get(axis - ndim, 0)) for axis in range(ndim)]
        return [pair if isinstance(pair, tuple) else (pair, pair) for pair in every]
    return [(int(before), int(after)) for before, after in np.broadcast_to(widths, (ndim, 2))]


def inside(widths, shape):
    """Return the index of the original array in the padded one."""
    return tuple(slice(before, before + n) for (before, _), n in zip(pairs(widths, len(shape)), shape))


# ------------------------------------------------------------------------- weights of the padded values
def wide(x):
    """Return the dtype for weights and counts of the numbers ``x``: single precision for half."""
    return np.promote_types(x.real.dtype, np.float32)


def equal_shares(chosen, x, axis):
    return chosen / np.sum(chosen, axis=axis, keepdims=True, dtype=wide(x))


def middle(x, axis):
    rank = np.argsort(np.argsort(x, axis), axis)
    n = x.shape[axis]
    return equal_shares((rank == (n - 1) // 2) | (rank == n // 2), x, axis)


WEIGHTS = {
    "mean": lambda x, axis: np.full(x.shape, 1 / x.shape[axis], wide(x)),
    "maximum": lambda x, axis: equal_shares(x == np.max(x, axis, keepdims=True), x, axis),
    "minimum": lambda x, axis: equal_shares(x == np.min(x, axis, keepdims=True), x, axis),
    "median": middle,
}


def side_vjp(g, x, axis, mode, away):
    """Pull ``g``, the gradient of the padding on one side, back to ``x``, the elements it was made of."""
    if mode == "linear_ramp":  # from the edge's value down to end_values, which has weight 1 - share
        n = g.shape[axis]
        share = np.arange(n, dtype=wide(g))[::away] / max(n, 1)
        g = g * share.reshape((n,) + (1,) * (g.ndim - axis - 1))
        return np.sum(g, axis=axis, keepdims=True)
    return WEIGHTS[mode](x, axis) * np.sum(g, axis=axis, keepdims=True)


def axis_vjp(g, y, axis, width, n, mode, lengths):
    """Undo the padding of one axis, where ``y`` holds the values and is padded along it."""
    before, after = width
    core = at(axis, slice(before, before + n))
    x, result = y[core], g[core]
    for padding, length, away in ((slice(before), lengths[0], 1), (slice(before + n, None), lengths[1], -1)):
        count = min(length, n)
        used = slice(0, count) if away == 1 else slice(n - count, n)
        if g[at(axis, padding)].shape[axis]:
            back = side_vjp(g[at(axis, padding)], x[at(axis, used)], axis, mode, away)
            zeros = [(0, 0)] * g.ndim
            zeros[axis] = (0, n - count) if away == 1 else (n - count, 0)
            result = result + np.pad(back, zeros)
    return result


def pad_vjp(g, array_shape, y, pad_width, mode, stat_length, reflect_type):
    if mode in ("constant", "empty"):
        return g[inside(pad_width, array_shape)]
    if mode in COPYING:
        return (copying_vjp if reflect_type == "even" else odd_vjp)(g, array_shape, pad_width, mode)
    if mode == "linear_ramp" or mode in WEIGHTS:
        return axes_vjp(g, array_shape, y, pad_width, mode, 1 if mode == "linear_ramp" else stat_length)
    raise NoDerivativeError(
        f"np.pad: mode={mode!r} has no derivative here; join the parts with np.concatenate"
    )


def copying_vjp(g, shape, pad_width, mode):
    positions = np.arange(math.prod(shape)).reshape(shape)
    return np.reshape(scatter_add(g, np.pad(positions, pad_width, mode), (positions.size,)), shape)


def odd_vjp(g, shape, pad_width, mode):
    """Padding of one axis is a matrix here: it mirrors at the edge's value, 2 * edge - element."""
    for axis, (width, n) in enumerate(zip(pairs(pad_width, len(shape)), shape)):
        matrix = np.pad(np.eye(n, dtype=g.dtype), (width, (0, 0)), mode, reflect_type="odd")
        g = np.moveaxis(np.tensordot(g, matrix, (axis, 0)), -1, axis)
    return g


def axes_vjp(g, shape, y, pad_width, mode, lengths):
    index, widths = inside(pad_width, shape), pairs(pad_width, len(shape))
    lengths = pairs(lengths or max((*shape, 1)), len(shape))
    for axis in reversed(range(len(shape))):
        padded = y[(slice(None),) * (axis + 1) + index[axis + 1 :]]  # before the later axes were padded
        g = axis_vjp(g, padded, axis, widths[axis], shape[axis], mode, lengths[axis])
    return g


def constant_values_vjp(g, array_shape, pad_width, mode, constant_values_shape):
    if constant_values_shape:
        raise NoDerivativeError(
            "np.pad: constant_values is differentiated when it is one number for all sides; for different "
            "ones join the parts with np.concatenate"
        )
    return np.sum(g) - np.sum(g[inside(pad_width, array_shape)])


row(
    np.pad,
    pad_vjp,
    None,
    None,
    constant_values_vjp,
    signature="array, pad_width, mode='constant', constant_values=0, stat_length=None, end_values=0, "
    "reflect_type='even'",
)
