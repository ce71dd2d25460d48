"""Ufuncs with keywords, and their methods, ``np.add.reduce`` and its kin, written with functions that have rows."""

import math
from functools import reduce
from itertools import accumulate as running

import numpy as np

from ..core.errors import NoDerivativeError
from ..core.table import METHODS, primitive, row
from .calls import as_array, in_loop_of
from .indexing import at, scatter_add
from .shaping import plain

REDUCTIONS = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logical_and: np.all,
    np.logical_or: np.any,
}
SCANS = {np.add: np.cumsum, np.multiply: np.cumprod}


def with_dtype(ufunc, *inputs, dtype=None, casting="same_kind"):
    """``ufunc(*inputs, dtype=...)``: the inputs are cast, and the rest is the ufunc alone."""
    return ufunc(*(inputs if dtype is None else in_loop_of(ufunc, inputs, dtype, casting)))


def reduce_along(ufunc, array, axis=0, *, keepdims=False, initial=None, where=True):
    """``ufunc.reduce(array, axis)``: by the function of that name, or one slice after the other."""
    if ufunc in REDUCTIONS:
        start = {} if initial is None else {"initial": initial}
        return REDUCTIONS[ufunc](array, axis=axis, keepdims=keepdims, where=where, **start)
    if where is not True:
        raise NoDerivativeError(
            f"{ufunc.__name__}.reduce: where= has no derivative here. Write "
            f"{ufunc.__name__}.reduce(np.where(mask, a, neutral)), with a number that changes nothing."
        )
    start = {} if initial is None else {"initial": 1.0}
    shape = ufunc.reduce(np.ones(np.shape(array)), axis, keepdims=keepdims, **start).shape  # or NumPy's own error
    axes = tuple(range(np.ndim(array))) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    front = np.moveaxis(array, axes, range(len(axes)))
    inner = front.shape[len(axes) :]
    slices = list(np.reshape(front, (math.prod(front.shape[: len(axes)]), *inner)))
    if initial is not None or not slices:
        slices.insert(0, np.full_like(array, ufunc.identity if initial is None else initial, shape=inner))
    return np.reshape(reduce(ufunc, slices), shape)


def accumulate_along(ufunc, array, axis=0):
    """``ufunc.accumulate(array, axis)``."""
    if ufunc in SCANS or not np.shape(array)[axis]:
        return SCANS.get(ufunc, np.cumsum)(array, axis=axis)
    return np.stack(list(running(np.moveaxis(array, axis, 0), ufunc)), axis)


def outer(ufunc, a, b, *, dtype=None, casting="same_kind"):
    """``ufunc.outer(a, b)``: every entry of ``a`` with every entry of ``b``."""
    a, b = as_array(a), as_array(b)
    return with_dtype(ufunc, np.reshape(a, a.shape + (1,) * b.ndim), b, dtype=dtype, casting=casting)


@primitive
def sum_between(a, indices, axis):
    """Return ``np.add.reduceat(a, indices, axis)``.

    >>> sum_between(np.arange(5.0), [0, 3, 1], 0)
    array([ 3.,  3., 10.])
    """
    return np.add.reduceat(a, indices, axis)


def stretches(indices, n):
    """Return the first place of each stretch that ``reduceat`` takes out of n, and the place behind its last."""
    ends = np.append(indices[1:], n)
    return indices, np.where(ends > indices, ends, indices + 1)  # where they do not ascend, one element


def sum_between_vjp(g, indices, axis, a_shape):
    first, behind = stretches(np.asarray(indices), a_shape[axis])
    length = behind - first
    which = np.repeat(np.arange(len(length)), length)  # the stretch of every number that is added
    places = np.arange(len(which)) + (first - np.cumsum(length) + length)[which]
    return scatter_add(np.take(g, which, axis), at(axis % len(a_shape), places), a_shape)


row(sum_between, sum_between_vjp, signature="a, indices, axis")


def reduce_stretches(ufunc, array, indices, axis=0):
    """``ufunc.reduceat(array, indices, axis)``: of sums at once, else one stretch after the other."""
    array, indices = as_array(array), np.asarray(plain(indices))
    if ufunc is np.add:
        return sum_between(array, indices, axis)
    ufunc.reduceat(np.ones(array.shape), indices, axis)  # NumPy's own errors
    axis %= array.ndim
    pieces = [array[at(axis, slice(i, j))] for i, j in zip(*stretches(indices, array.shape[axis]))]
    return np.stack([reduce_along(ufunc, piece, axis) for piece in pieces], axis)


METHODS |= {"__call__": with_dtype, "reduce": reduce_along, "reduceat": reduce_stretches}
METHODS |= {"accumulate": accumulate_along, "outer": outer}
