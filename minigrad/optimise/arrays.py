"""Which arrays can be parameters and gradients, and how odd ones are made regular for a step.

A regular array is contiguous (in C's or Fortran's order), aligned, writeable, in this machine's byte
order, of a dtype that is computed with.
"""

import bisect
import functools
import itertools
import math

import numpy as np

from ..core.storage import Storage, ndarray_of
from ..core.trees import named_tensors


@functools.lru_cache(maxsize=100)
def native(dtype):
    """The dtype in which the steps of a parameter are computed: 16-bit floats in float32."""
    return np.dtype(np.float32) if dtype.char == "e" else dtype.newbyteorder("=")


def describe(x):
    return f"{x.dtype}, shape {x.shape}"


def which(row, rows, x):
    """Name a parameter in an error message."""
    return f"the parameter ({describe(x)})" if rows == 1 else f"ps[{row}], parameter {row} of {rows} ({describe(x)})"


def parameters_in(given, who):
    """Return the parameters in Params, a model, or a container, as pairs (name, parameter); raise TypeError for none.

    >>> [name for name, _ in parameters_in({"W": np.ones(2)}, "freeze_")]
    ["['W']"]
    """
    found = named_tensors(given) or named_tensors(given, kinds=np.ndarray)
    if not found:
        raise TypeError(f"{who}: {given!r} holds no parameter; give Params, a model, or Tensors: params(model)")
    name_of = getattr(given, "name_of", lambda p: "")
    return [(name_of(p) or name, p) for name, p in found]


def check_parameter(x, row=0, rows=1):
    """Raise TypeError or ValueError unless steps can be subtracted from ``x``."""
    if type(x) is np.ndarray and x.dtype.kind in "fc" and x.flags.behaved and x.flags.forc:
        return  # nearly all of them
    name = which(row, rows, x)
    if x.dtype.kind not in "fc":
        raise TypeError(
            f"update_: {name} holds no floating-point numbers, so a step would be cut off to nothing. "
            "Make it x.astype(float)"
        )
    if type(x) is not np.ndarray and isinstance(x, np.ma.MaskedArray):
        raise TypeError(
            f"update_: {name} is a masked array; update x.data, or multiply the gradient by the mask"
        )
    if not x.flags.writeable:
        raise ValueError(
            f"update_: {name} is read-only. Update a copy, x.copy(), or allow it: x.flags.writeable = True"
        )
    if x.size and any(stride == 0 and length > 1 for stride, length in zip(x.strides, x.shape)):
        raise ValueError(
            f"update_: several elements of {name} share one place in memory, as np.broadcast_to makes "
            "them; they cannot be updated each by its own step. Update a copy, x.copy()"
        )


def check(x, dx, row=0, rows=1, what="the gradient of"):
    """Return the gradient as an array that fits ``x``; raise TypeError or ValueError where there is none."""
    check_parameter(x, row, rows)
    if type(dx) is np.ndarray and dx.dtype == x.dtype and dx.shape == x.shape:
        return dx  # nearly all of them
    name = which(row, rows, x)
    if dx is None:
        raise TypeError(
            f"update_: {what} {name} is None: the loss does not depend on it. Leave the "
            "parameter out, or pass zeros to let the state move on"
        )
    if isinstance(dx, tuple) and (not all(map(np.isscalar, dx)) or len(dx) != x.size):
        raise TypeError(
            f"update_: {what} {name} is a tuple. gradient and withgradient return tuples; take them "
            "apart, (dx,) = gradient(f, x) or loss, grads = withgradient(f, ps)"
        )
    dx = gradient_array(dx)
    if dx.shape != x.shape:
        raise ValueError(
            f"update_: {what} {name} has shape {dx.shape}; it must have the parameter's"
        )
    if not np.can_cast(dx.dtype, x.dtype, "same_kind"):
        raise TypeError(
            f"update_: {what} {name} is {dx.dtype}, which cannot be told as {x.dtype}"
            + (": take dx.real if the loss is real" if dx.dtype.kind == "c" else "")
        )
    return dx


def bare(dx):
    """Return the array of a gradient, or what else was given as one."""
    return dx.data if isinstance(dx, Storage) else dx


def gradient_array(dx):
    """Return what is given as a gradient as an ndarray: of an array, a Tensor, a number, a list."""
    array = ndarray_of(dx)
    return np.asarray(dx if array is None else array)


def regular(x, dx, order, dtype):
    """Return ``x`` and ``dx`` as regular arrays in one order; themselves where they are, else copies."""
    x_ = as_regular(x, order, dtype)
    dx_ = as_regular(dx, order, dtype)
    if dx_ is not x_ and np.may_share_memory(x_, dx_) and dx_.ctypes.data != x_.ctypes.data:
        dx_ = dx_.copy(order)  # shifted against x: an update would overwrite it before its time
    return x_, dx_


def as_regular(a, order, dtype):
    a = a if type(a) is np.ndarray else a.view(np.ndarray)
    good = (
        a.dtype == dtype
        and a.flags.aligned
        and (a.flags.c_contiguous if order == "C" else a.flags.f_contiguous)
    )
    return a if good else np.array(a, dtype=dtype, order=order)


def order_of(x):
    """The order in which a regular array made of ``x`` lies in memory."""
    return "F" if x.flags.f_contiguous and not x.flags.c_contiguous else "C"


def extent(a):
    """Where an array begins in memory and where it ends; nowhere if it is empty."""
    if a.size == 0:
        return 0, 0
    begin = end = a.__array_interface__["data"][0]
    for stride, length in zip(a.strides, a.shape):
        begin += min(0, stride * (length - 1))
        end += max(0, stride * (length - 1))
    return begin, end + a.itemsize


def tangled(xs, dxs):
    """Whether a parameter may overlap another one in memory, or a gradient the parameter of another one."""
    ids = {*map(id, xs), *map(id, dxs)}
    if len(ids) == 2 * len(xs) and all(a.flags.owndata for a in (*xs, *dxs)):
        return False  # nearly always: each has memory of its own
    places = sorted((*extent(x), row) for row, x in enumerate(xs) if x.size)
    if any(high > low for (_, high, _), (low, _, _) in itertools.pairwise(places)):
        return True
    for row, dx in enumerate(dxs):
        begin, end = extent(dx)
        near = places[: bisect.bisect_left(places, (end,))][-2:]  # the last ones to begin before it ends
        if any(high > begin and other != row for _, high, other in near):
            return True
    return False


LARGE = 1 << 16  # bytes; large arrays get pages of their own, all beginning at the same place in a page
_places = itertools.cycle(range(1088, 4096, 1088))


def zeros_apart(shape, dtype, order):
    """Zeros that begin where other large arrays do not: a loop over several is a fifth faster then.

    A processor tells addresses 4096 bytes apart from each other only late, so that arrays which
    are read and written together should not begin at the same place in their pages.
    """
    nbytes = math.prod(shape) * np.dtype(dtype).itemsize
    if nbytes < LARGE:
        return np.zeros(shape, dtype, order)
    memory = np.zeros(nbytes + 2 * 4096, np.uint8)
    begin = -memory.ctypes.data % 4096 + next(_places)
    array = memory[begin : begin + nbytes].view(dtype)
    return array.reshape(shape, order=order)


def flat(a):
    """All elements of a contiguous array in the order of memory, as a view."""
    return a.reshape(-1) if a.flags.c_contiguous else a.T.reshape(-1)
