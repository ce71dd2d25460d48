"""Parameters as one flat vector, and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.params import Grads, Params
from ..core.storage import ndarray_of
from ..core.tensor import Tensor, refuse_if_recorded
from ..doors import door


@door
def copy_(target: Any, source: Any) -> Any:
    """Overwrite ``target`` with ``source``: a Params or Grads with a flat vector, or the other way round.

    Parameters
    ----------
    target, source : one a Params or Grads with n numbers in all, the other a vector of length n
        in the order of the Params, each array row by row; None in Grads counts as zeros

    Returns
    -------
    target

    Raises ValueError for another length or a read-only array, TypeError for numbers that would not fit
    (complex into real, real into integer) or if neither is a Params or Grads; nothing is overwritten then.

    Differs from Zygote's ``copy!``: row-major order, not column-major.

    Source: Zygote 0.6 ``copy!``.

    >>> W, b = Tensor([[1.0, 2.0]]), Tensor(3.0)
    >>> from minigrad import params
    >>> copy_(np.zeros(3), params(W, b))
    array([1., 2., 3.])
    >>> _ = copy_(params(W, b), [4.0, 5.0, 6.0]); b
    Tensor(6.)
    """
    if isinstance(source, (Params, Grads)):
        tensors = source.filled() if isinstance(source, Grads) else list(source)
        refuse_if_recorded(tensors, "copy_(flat, ...)", "np.concatenate([np.ravel(t) for t in ...])")
        if isinstance(target, (Params, Grads)):
            raise TypeError(
                "copy_: one of the two is a flat vector. From parameters to others write for p, q in zip(ps, qs): "
                "p[...] = q"
            )
        flat = np.concatenate([np.zeros(0), *(t.data.ravel() for t in tensors)])
        check_copy([target], flat)
        ndarray_of(target)[...] = flat
    elif isinstance(target, Grads):
        for (p, _), piece in zip(target.pairs(), pieces_of(source, target.params)):
            target[p] = Tensor(piece, dtype=p.dtype)
    elif isinstance(target, Params):
        for p, piece in zip(target, pieces_of(source, target)):
            p[...] = piece
    else:
        raise TypeError("copy_: one of the two must be a Params or a Grads, the other a flat vector")
    return target


def pieces_of(vector, ps):
    """Return the vector cut into arrays of the parameters' shapes, after all checks."""
    array = ndarray_of(vector)
    if array is None:
        try:
            array = np.asarray(vector)
        except ValueError:  # a list of arrays of different shapes
            raise ValueError(
                f"copy_: the source must be one flat vector, and is a {type(vector).__name__} of arrays of different "
                "shapes. Write copy_(ps, np.concatenate([np.ravel(a) for a in arrays])), or for each parameter by "
                "itself for p, a in zip(ps, arrays): p[...] = a"
            ) from None
    flat = np.ravel(array)
    check_copy(ps, flat)
    return cut(flat, [p.shape for p in ps])


def cut(vector, shapes):
    """Return a flat vector, an array or a Tensor, cut into pieces of the shapes in their order.

    >>> cut(np.arange(5.0), [(2, 2), ()])
    [array([[0., 1.],
           [2., 3.]]), array(4.)]
    """
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    return [np.reshape(piece, shape) for piece, shape in zip(np.split(vector, ends[:-1]), shapes)]


def check_copy(targets, flat):
    """Raise unless the flat vector can overwrite the arrays of the targets, one after the other."""
    arrays = [ndarray_of(t) for t in targets]
    if any(a is None for a in arrays):
        raise TypeError("copy_: it overwrites an ndarray or a Tensor; np.zeros(n) makes one to copy into")
    needed = sum(a.size for a in arrays)
    if flat.size != needed:
        raise ValueError(f"copy_: {flat.size} numbers cannot overwrite {needed}")
    for a in arrays:
        if not a.flags.writeable:
            raise ValueError(
                f"copy_: an array of shape {a.shape} to be overwritten is read-only; copy it first"
            )
        if not np.can_cast(flat.dtype, a.dtype, "same_kind"):
            raise TypeError(f"copy_: {flat.dtype} numbers do not fit into an array of {a.dtype}")
