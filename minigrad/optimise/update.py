"""``apply_``, the dispatch table of update rules, and ``update_``, which subtracts their steps."""

import functools

import numpy as np

from minigrad.storage import Storage, ndarray_of


@functools.singledispatch
def apply_(opt, x, dx):
    raise TypeError(f"apply_: no rule is registered for {type(opt).__name__}")


def update_(opt, x, *dx):
    if not dx:
        return _subtract(opt, x)
    (dx,) = dx
    if isinstance(x, (np.ndarray, Storage)):
        return _subtract(x, apply_(opt, x, np.array(ndarray_of(dx))))
    for p in x:
        if dx[p] is not None:
            update_(opt, p, dx[p])


def _target(x):
    return ndarray_of(x)


def _subtract(x, step):
    target = _target(x)
    target -= np.asarray(ndarray_of(step)).astype(target.dtype, copy=False)
