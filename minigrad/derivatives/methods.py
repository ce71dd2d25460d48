"""The methods of ufuncs, ``np.add.reduce`` and its kin, written with functions that have rows."""

from functools import partial, reduce
from itertools import accumulate as running

import numpy as np

REDUCTIONS = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logical_and: np.all,
    np.logical_or: np.any,
}
SCANS = {np.add: np.cumsum, np.multiply: np.cumprod}


def reduce_along(ufunc, array, axis=0, *, keepdims=False, **options):
    """``ufunc.reduce(array, axis)``: by the function of that name, or one slice after the other."""
    if ufunc in REDUCTIONS:
        return REDUCTIONS[ufunc](array, axis=axis, keepdims=keepdims, **options)
    y = reduce(partial(ufunc, **options), np.moveaxis(array, axis, 0))
    return np.expand_dims(y, axis) if keepdims else y


def accumulate_along(ufunc, array, axis=0, **options):
    """``ufunc.accumulate(array, axis)``."""
    if ufunc in SCANS:
        return SCANS[ufunc](array, axis=axis, **options)
    return np.stack(list(running(np.moveaxis(array, axis, 0), partial(ufunc, **options))), axis)


def outer(ufunc, a, b, **options):
    """``ufunc.outer(a, b)``: every entry of ``a`` with every entry of ``b``."""
    return ufunc(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b, **options)


METHODS = {"reduce": reduce_along, "accumulate": accumulate_along, "outer": outer}
