"""Rows for changing the shape of arrays: nothing is computed, elements only move.

The derivative of a move is the move back: reshape to the old shape, transpose with the inverse
permutation, split what was joined, sum what was repeated.  Moves without a short way back (``insert``,
``delete``, ``resize``, some modes of ``pad``) are done once with the positions 0, 1, 2, ... in place of the
numbers; the positions then say what to read.
"""

import math
import operator

import numpy as np

from ..core.errors import NoDerivativeError
from ..core.storage import Storage
from ..core.table import composition, constant, refuse, row
from .calls import as_array, astype
from .indexing import at, of_numpy, one_or_all, scatter_add


# ------------------------------------------------------------------------------ same elements, new shape
def reshape_vjp(g, a_shape, a_layout, order):
    if order == "C":
        return g.reshape(a_shape)
    in_fortran_order, strides = a_layout
    if order != "K":
        return np.reshape(g, a_shape, order="F" if order == "F" or in_fortran_order else "C")
    if any(stride == 0 and n > 1 for stride, n in zip(strides, a_shape)):
        raise NoDerivativeError(
            "np.ravel: order='K' of a broadcast array has no order that a gradient knows; write 'C' or 'F'"
        )
    axes = sorted(range(len(a_shape)), key=lambda axis: -abs(strides[axis]))
    return np.transpose(np.reshape(g, [a_shape[axis] for axis in axes]), np.argsort(axes))


def transpose_vjp(g, axes):
    return np.transpose(g) if axes is None else np.transpose(g, np.argsort([i % g.ndim for i in np.atleast_1d(axes)]))


def rollaxis_vjp(g, axis, start):
    moved = np.rollaxis(np.empty(range(g.ndim)), axis, start)  # its shape shows where each axis went
    return np.transpose(g, np.argsort(moved.shape))


def roll_vjp(g, shift, axis):
    if type(g) is np.ndarray and type(shift) is type(axis) is int and g.size:  # np.roll takes twice the time
        before, k = (slice(None),) * (axis % g.ndim), shift % g.shape[axis]
        return np.concatenate([g[(*before, slice(k, None))], g[(*before, slice(k))]], axis)
    return np.roll(g, np.negative(shift), axis)


def same_shape(g, a_shape):
    return np.reshape(g, a_shape)


row(np.reshape, reshape_vjp, signature="a, shape=None, order='C', *, newshape=None, copy=None")
row(np.ravel, reshape_vjp, signature="a, order='C'")
row(np.transpose, transpose_vjp, signature="a, axes=None")
row(np.swapaxes, lambda g, axis1, axis2: np.swapaxes(g, axis1, axis2), signature="a, axis1, axis2")
row(
    np.moveaxis,
    lambda g, source, destination: np.moveaxis(g, destination, source),
    signature="a, source, destination",
)
row(np.rollaxis, rollaxis_vjp, signature="a, axis, start=0")
row(np.expand_dims, same_shape, signature="a, axis")
row(np.squeeze, same_shape, signature="a, axis=None")
row(np.flip, lambda g, axis: np.flip(g, axis), signature="m, axis=None")
row(np.fliplr, lambda g: np.fliplr(g), signature="m")
row(np.flipud, lambda g: np.flipud(g), signature="m")
row(np.rot90, lambda g, k, axes: np.rot90(g, -k, axes), signature="m, k=1, axes=(0, 1)")
row(np.roll, roll_vjp, signature="a, shift, axis=None")
row(np.copy, lambda g: g, signature="a, order='K', subok=False")

if hasattr(np, "astype"):  # NumPy 2.1
    composition(np.astype)(lambda x, dtype, *, copy=True, device=None: astype(x, dtype))
if hasattr(np, "matrix_transpose"):  # NumPy 2.0
    for _function in np.matrix_transpose, np.linalg.matrix_transpose:
        row(_function, lambda g: np.swapaxes(g, -1, -2), signature="x")


def atleast_vjp(g, k, arys_shape):
    g = g if len(arys_shape) == 1 else g[k]
    return None if g is None else np.reshape(g, arys_shape[k])


for _function in np.atleast_1d, np.atleast_2d, np.atleast_3d:
    row(_function, atleast_vjp, signature="*arys")


# ------------------------------------------------------------------------------------------- broadcasting
def meshgrid_vjp(g, k, xi_shape, indexing):
    if g[k] is None:
        return None
    own = 1 - k if indexing == "xy" and k < 2 and len(xi_shape) > 1 else k
    others = tuple(axis for axis in range(len(xi_shape)) if axis != own)
    return np.reshape(np.sum(g[k], axis=others), xi_shape[k])


row(np.broadcast_to, lambda g: g, signature="array, shape, subok=False")
row(np.broadcast_arrays, lambda g, k: g[k], signature="*args, subok=False")
row(np.meshgrid, meshgrid_vjp, signature="*xi, copy=True, sparse=False, indexing='xy'")


# ---------------------------------------------------------------------------------------------- joining
def piece(g, k, shapes, axis, width):
    """Return the part of ``g`` that came from array ``k`` of those joined along ``axis``."""
    return np.reshape(g[at(axis, shapes.place(k, width))], shapes[k])


@one_or_all
def concatenate_vjp(g, k, arrays_shape, axis):
    if axis is None:
        return piece(g, k, arrays_shape, 0, math.prod)
    axis %= g.ndim
    return piece(g, k, arrays_shape, axis, operator.itemgetter(axis))


@one_or_all
def hstack_vjp(g, k, tup_shape):
    if g.ndim == 1:
        return piece(g, k, tup_shape, 0, math.prod)
    return piece(g, k, tup_shape, 1, operator.itemgetter(1))


@one_or_all
def vstack_vjp(g, k, tup_shape):
    return piece(g, k, tup_shape, 0, lambda shape: shape[0] if len(shape) > 1 else 1)


@one_or_all
def dstack_vjp(g, k, tup_shape):
    return piece(g, k, tup_shape, 2, lambda shape: shape[2] if len(shape) > 2 else 1)


@one_or_all
def column_stack_vjp(g, k, tup_shape):
    return piece(g, k, tup_shape, 1, lambda shape: shape[1] if len(shape) > 1 else 1)


@one_or_all
def stack_vjp(g, k, arrays_shape, axis):
    return g[at(axis % g.ndim, k)]


TYPED = ", *, dtype=None, casting='same_kind'"
row(np.concatenate, concatenate_vjp, signature="arrays, axis=0" + TYPED)
row(np.stack, stack_vjp, signature="arrays, axis=0" + TYPED)
row(np.hstack, hstack_vjp, signature="tup" + TYPED)
row(np.dstack, dstack_vjp, signature="tup")
row(np.column_stack, column_stack_vjp, signature="tup")
row(np.vstack, vstack_vjp, signature="tup" + TYPED)
for _function in of_numpy("row_stack"):
    if _function is not np.vstack:  # since NumPy 2.0
        refuse(_function, "it is deprecated; write np.vstack")


@composition(np.block)
def block(arrays):
    """Assemble an array from nested lists of blocks, as ``np.block``.

    The innermost lists are joined along the last axis, those around them along the second last, and so
    on; ``np.block`` of nested lists that hold Tensors comes here.

    Parameters
    ----------
    arrays : nested lists of arrays or Tensors, all lists of the same depth

    Returns
    -------
    array or Tensor

    Source: NumPy's ``block``.

    >>> block([[np.eye(2), np.zeros((2, 1))], [np.ones((1, 3))]])
    array([[1., 0., 0.],
           [0., 1., 0.],
           [1., 1., 1.]])
    """
    depth, innermost, shapes = 0, arrays, [np.shape(array) for array in blocks_in(arrays)]
    while isinstance(innermost, list):
        depth, innermost = depth + 1, innermost[0]
    return joined(arrays, depth, max([depth, *map(len, shapes)]))


def blocks_in(arrays):
    return [b for part in arrays for b in blocks_in(part)] if isinstance(arrays, list) else [arrays]


def joined(arrays, depth, ndim):
    """Join nested lists of ``depth`` levels of blocks, each block given ``ndim`` axes."""
    if not isinstance(arrays, list):
        return np.reshape(arrays, (1,) * (ndim - np.ndim(arrays)) + np.shape(arrays))
    return np.concatenate([joined(part, depth - 1, ndim) for part in arrays], axis=ndim - depth)


@composition(np.append)
def append(arr, values, axis=None):
    arr, values = as_array(arr), as_array(values)
    if axis is None:
        arr, values, axis = np.ravel(arr), np.ravel(values), 0
    return np.concatenate([arr, values], axis)


# -------------------------------------------------------------------------------------------- splitting
def joined_again(axis_of):
    """Return the vjp of a function that splits its argument along the axis ``axis_of(ndim)``."""

    def split_vjp(g, ary_shape, indices_or_sections):
        return rejoin(g, ary_shape, indices_or_sections, axis_of(len(ary_shape)))

    return split_vjp


def rejoin(g, shape, indices_or_sections, axis):
    zeros = np.array_split(np.broadcast_to(0.0, shape), indices_or_sections, axis)
    return np.concatenate([zero if part is None else part for part, zero in zip(g, zeros)], axis)


def unstack_vjp(g, x_shape, axis):
    axis = (axis[0] if np.ndim(axis) else axis) % len(x_shape)
    zero = np.zeros(x_shape[:axis] + x_shape[axis + 1 :])
    return np.stack([zero if part is None else part for part in g], axis)


for _function in np.split, np.array_split:
    row(
        _function,
        lambda g, ary_shape, indices_or_sections, axis: rejoin(g, ary_shape, indices_or_sections, axis),
        signature="ary, indices_or_sections, axis=0",
    )
row(np.hsplit, joined_again(lambda ndim: min(ndim - 1, 1)), signature="ary, indices_or_sections")
row(np.vsplit, joined_again(lambda ndim: 0), signature="ary, indices_or_sections")
row(np.dsplit, joined_again(lambda ndim: 2), signature="ary, indices_or_sections")
for _function in of_numpy("unstack"):
    row(_function, unstack_vjp, signature="x, *, axis=0")


# ------------------------------------------------------------------------------------------- repeating
def repeat_vjp(g, repeats, axis, a_shape):
    shape = (math.prod(a_shape),) if axis is None or not a_shape else a_shape
    axis = 0 if axis is None else axis % len(shape)
    if np.ndim(repeats) == 0:
        g = np.sum(np.reshape(g, (*shape[: axis + 1], repeats, *shape[axis + 1 :])), axis=axis + 1)
    else:
        g = scatter_add(g, at(axis, np.repeat(np.arange(shape[axis]), repeats)), shape)
    return np.reshape(g, a_shape)


def tile_vjp(g, reps, A_shape):
    reps = (reps,) if np.ndim(reps) == 0 else tuple(reps)
    ndim = max(len(reps), len(A_shape))
    reps = (1,) * (ndim - len(reps)) + reps
    shape = (1,) * (ndim - len(A_shape)) + A_shape
    copies = np.reshape(g, [n for pair in zip(reps, shape) for n in pair])
    return np.reshape(np.sum(copies, axis=tuple(range(0, 2 * ndim, 2))), A_shape)


row(np.repeat, repeat_vjp, signature="a, repeats, axis=None")
row(np.tile, tile_vjp, signature="A, reps")


# ------------------------------------------------------------------------------ moves told by positions
def rearranged(function, a, *args):
    """Return ``function(a, *args)`` for a function that only moves, repeats or drops elements of ``a``."""
    positions = np.arange(math.prod(np.shape(a))).reshape(np.shape(a))
    return np.ravel(a)[function(positions, *map(plain, args))]


def plain(index):
    """Return an index that is a Tensor (a whole number that is differentiated elsewhere) as an ndarray."""
    return index.data if isinstance(index, Storage) else index


@composition(np.delete)
def delete(arr, obj, axis=None):
    return rearranged(np.delete, arr, obj, axis)


@composition(np.resize)
def resize(a, new_shape):
    return rearranged(np.resize, a, new_shape) if np.size(a) else np.zeros(new_shape, a.dtype)


@composition(np.insert)
def insert(arr, obj, values, axis=None):
    arr, values = as_array(arr), as_array(values)
    both = np.concatenate([np.ravel(arr), np.ravel(astype(values, arr.dtype))])
    positions = np.arange(both.shape[0])
    moved = np.insert(
        positions[: arr.size].reshape(arr.shape), plain(obj), positions[arr.size :].reshape(values.shape), axis
    )
    return both[moved]


@composition(np.trim_zeros)
def trim_zeros(filt, trim="fb", axis=None):
    ndim, nonzero = np.ndim(filt), filt != 0
    axes = range(ndim) if axis is None else [i % ndim for i in np.atleast_1d(axis)]
    for i in axes:
        kept = np.flatnonzero(np.any(nonzero, axis=tuple(j for j in range(ndim) if j != i)))
        first = kept[0] if kept.size and "f" in trim.lower() else 0
        last = kept[-1] + 1 if kept.size and "b" in trim.lower() else None if kept.size else 0
        filt = filt[at(i, slice(first, last))]
    return filt


# -------------------------------------------------------------------------------------------- diagonals
def diagonal_vjp(g, offset, axis1, axis2, a_shape):
    """The gradient g goes back onto the diagonal, zeros beside it."""
    moved = np.moveaxis(np.broadcast_to(0.0, a_shape), (axis1, axis2), (-2, -1)).shape
    i = np.arange(g.shape[-1])
    onto = scatter_add(g, (..., i + max(-offset, 0), i + max(offset, 0)), moved)
    return np.moveaxis(onto, (-2, -1), (axis1, axis2))


def diag_vjp(g, k, v_shape):
    return np.diagonal(g, k) if len(v_shape) == 1 else diagonal_vjp(g, k, 0, 1, v_shape)


row(np.diagonal, diagonal_vjp, signature="a, offset=0, axis1=0, axis2=1")
row(np.diag, diag_vjp, signature="v, k=0")
row(np.diagflat, lambda g, k, v_shape: np.reshape(np.diagonal(g, k), v_shape), signature="v, k=0")
row(np.tril, lambda g, k: np.tril(g, k), signature="m, k=0")
row(np.triu, lambda g, k: np.triu(g, k), signature="m, k=0")


# ------------------------------------------------------------------------------------------- constants
def full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None, *, device=None):
    shape = np.shape(a) if shape is None else shape
    beyond = max(np.ndim(fill_value) - (len(shape) if np.ndim(shape) else 1), 0)  # axes of length 1 that NumPy drops
    y = np.broadcast_to(np.reshape(fill_value, np.shape(fill_value)[beyond:]) if beyond else fill_value, shape)
    return astype(y, dtype or a.dtype)


composition(np.full_like)(full_like)
constant(
    np.zeros_like, np.ones_like, np.empty_like, np.shape, np.size, np.ndim, np.iterable, np.broadcast_shapes
)
constant(np.shares_memory, np.may_share_memory, np.result_type, np.can_cast, np.min_scalar_type)
