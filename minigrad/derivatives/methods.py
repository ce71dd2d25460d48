"""Ufuncs with keywords, and their methods, ``np.add.reduce`` and its kin, written with functions that have rows."""

import math
from functools import reduce
from itertools import accumulate as running

import numpy as np

from ..core.errors import NoDerivativeError
from ..core.table import METHODS
from .calls import as_array, in_loop_of

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


METHODS |= {"__call__": with_dtype, "reduce": reduce_along, "accumulate": accumulate_along, "outer": outer}
