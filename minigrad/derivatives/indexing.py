"""Rows for reading, choosing and ordering elements.

Reading ``a[index]`` is the function ``getitem`` here, whatever the index: slices, integers, arrays,
masks, newaxis, ellipsis.  Its derivative ``scatter_add`` is the same thing backwards: it adds g into
zeros at the index, so that an element that was read twice gets both contributions.  The two are each
other's derivative, and most of the functions below are written with them.

Positions (``argsort``, ``nonzero``, ``searchsorted``, ...) are whole numbers: they are constants.
"""

import functools
import inspect

import numpy as np

from ..core.storage import Storage, numbers_of
from ..core.table import Shapes, atomic, composition, constant, primitive, refuse, row, transparent
from ..core.tape import PendingSum
from ..core.tensor import Asked
from .calls import as_array, astype, holds_tensors


# -------------------------------------------------------------------------------- reading and adding
@transparent
@primitive
def getitem(a, index):
    """Return ``a[index]``.

    >>> getitem(np.array([1.0, 2.0, 3.0]), [2, 0, 2])
    array([3., 1., 3.])
    """
    return a[index]


@primitive
def scatter_add(g, index, shape):
    """Return zeros of ``shape`` with ``g`` added at ``index``; what is named twice is added twice.

    >>> scatter_add(np.array([1.0, 10.0, 100.0]), [2, 0, 2], (3,))
    array([ 10.,   0., 101.])
    """
    if len(shape) == 1 and g.dtype == float and isinstance(index, np.ndarray) and index.dtype.kind in "iu":
        positions = np.where(index < 0, index + shape[0], index).ravel()
        return np.bincount(positions, np.broadcast_to(g, index.shape).ravel(), shape[0])
    if not never_repeats(index):
        return added_up(g, index, shape)
    y = np.zeros(shape, g.dtype)
    y[index] = g
    return y


@atomic
def added_up(g, index, shape):
    y = np.zeros(shape, g.dtype)
    np.add.at(y, index, g)
    return y


@primitive
def scatter_each(shape, indices, *gs):
    """Return the sum of ``scatter_add(g, index, shape)`` over many pieces g, each with its index.

    >>> scatter_each((3,), [0, slice(1, 3), 0], np.array(1.0), np.array([5.0, 6.0]), np.array(2.0))
    array([3., 5., 6.])
    """
    y = np.zeros(shape, np.result_type(*{g.dtype for g in gs}))
    for index, g in zip(indices, gs):
        if never_repeats(index):
            y[index] += g
        else:
            np.add.at(y, index, g)
    return y


def never_repeats(index):
    """Say whether an index names no element twice: no arrays of integers in it."""
    if isinstance(index, (int, slice)):
        return True
    if isinstance(index, tuple):
        return all(map(never_repeats, index))
    if index is None or index is Ellipsis or isinstance(index, np.integer):
        return True
    return isinstance(index, np.ndarray) and index.dtype.kind == "b"


class Scattered(PendingSum):
    """What many reads of one array give back, before it is made an array: a sum of ``scatter_add``.

    Each read of ``a[i]`` in a loop gives zeros of a's shape but for one place.  Adding such arrays up
    would cost the size of ``a`` for every read; this only remembers the pieces, and the backward pass
    asks for the array once.

    >>> (Scattered(np.float64(1), 0, (3,)) + Scattered(np.float64(5), 2, (3,))).array()
    array([1., 0., 5.])
    """

    __slots__ = ("shape", "dtype", "pieces", "whole")
    __array_ufunc__ = None  # array + scattered comes to __radd__

    def __init__(self, g, index, shape):
        self.shape, self.dtype = shape, g.dtype
        self.pieces = [(index, g)]
        self.whole = None  # an ordinary gradient to add to

    def __add__(self, other):
        if type(other) is Scattered:
            self.pieces += other.pieces
            other = other.whole
        if other is not None:
            self.whole = other if self.whole is None else self.whole + other
        return self

    __radd__ = __add__

    def array(self):
        """Return the sum as an ordinary gradient: an array or, for the next derivative, a recorded Tensor."""
        indices, gs = zip(*self.pieces)
        y = scatter_add(*gs, *indices, self.shape) if len(gs) == 1 else scatter_each(self.shape, indices, *gs)
        return y if self.whole is None else self.whole + y

    def astype(self, dtype):
        self.dtype = dtype
        self.pieces = [(index, g.astype(dtype)) for index, g in self.pieces]
        return self

    @property
    def real(self):
        self.pieces = [(index, g.real) for index, g in self.pieces]
        return self

    def __array__(self, dtype=None, copy=None):
        return self.array().astype(dtype or self.dtype, copy=False)


Asked.item = getitem
row(getitem, lambda g, index, a_shape: Scattered(g, index, a_shape), signature="a, index")
row(scatter_add, lambda g, index: getitem(g, index), signature="g, index, shape")
row(scatter_each, None, None, lambda g, k, indices: getitem(g, indices[k]), signature="shape, indices, *gs")


# ------------------------------------------------------------------------------------ along one axis
def at(axis, index):
    """Return the index that applies ``index`` to one axis (counted from the front)."""
    return (slice(None),) * axis + (index,)


def in_range(indices, n, mode):
    """Return the positions that ``np.take`` means by ``indices`` out of ``n``, as its mode says."""
    indices = as_array(indices)
    indices = indices.astype(int) if indices.dtype.kind == "b" else indices
    return indices % n if mode == "wrap" else np.clip(indices, 0, n - 1) if mode == "clip" else indices


def grid_along(indices, axis, shape):
    """Return the index with which ``np.take_along_axis`` reads an array of ``shape``."""
    index = list(np.ogrid[tuple(slice(n) for n in shape)])
    index[axis] = indices
    return tuple(index)


def take_vjp(g, indices, axis, mode, a_shape):
    if not np.size(g):  # whatever the indices: NumPy does not look at them
        return np.zeros(a_shape, g.dtype)
    if axis is None or not a_shape:
        n = np.prod(a_shape, dtype=int)
        return np.reshape(scatter_add(g, in_range(indices, n, mode), (n,)), a_shape)
    axis %= len(a_shape)
    return scatter_add(g, at(axis, in_range(indices, a_shape[axis], mode)), a_shape)


def take_along_axis_vjp(g, indices, axis, arr_shape):
    if axis is None:
        n = np.prod(arr_shape, dtype=int)
        return np.reshape(scatter_add(g, indices, (n,)), arr_shape)
    return scatter_add(g, grid_along(indices, axis, arr_shape), arr_shape)


row(np.take, take_vjp, signature="a, indices, axis=None, *, mode='raise'")
row(np.take_along_axis, take_along_axis_vjp, signature="arr, indices, axis=-1")


def put_along_axis(arr, indices, values, axis):
    """Return a copy of ``arr`` with ``values`` put at ``indices`` along ``axis``.

    NumPy's function of this name writes into its argument, which a tape cannot follow.

        y[..., indices[..., k, ...], ...] = values[..., k, ...],   y = arr elsewhere

    Parameters
    ----------
    arr : array or Tensor
    indices : array of int, with as many axes as ``arr``; along ``axis`` none may be named twice
    values : array or Tensor, broadcast against ``indices``
    axis : int, or None to flatten ``arr`` first

    Returns
    -------
    array or Tensor of the shape of ``arr``, differentiated with respect to ``arr`` and ``values``

    Source: NumPy's ``put_along_axis``.

    >>> put_along_axis(np.array([[10.0, 30.0, 20.0]]), np.array([[1]]), 99.0, axis=1)
    array([[10., 99., 20.]])
    """
    shape = np.shape(arr)
    if axis is None:
        return np.reshape(put_along_axis(np.ravel(arr), np.ravel(indices), values, 0), shape)
    index = grid_along(indices, axis, shape)
    untouched = np.ones(shape, bool)
    untouched[index] = False
    values = np.broadcast_to(values, np.broadcast_shapes(*map(np.shape, index)))
    return arr * untouched + scatter_add(values, index, shape)


# -------------------------------------------------------------------------------- choosing and ordering
def one_or_all(vjp):
    """Let the vjp of a sequence of arrays also serve one array that holds them along its first axis."""

    @functools.wraps(vjp)
    def whole(g, k, shapes, *kept):
        if isinstance(shapes, tuple):
            rows = Shapes([shapes[1:]] * shapes[0])
            parts = [vjp(g, k, rows, *kept) for k in range(shapes[0])]
            return np.stack([sum_to(part, shapes[1:]) for part in parts])
        return vjp(g, k, shapes, *kept)

    return whole


def sum_to(g, shape):
    """Sum ``g`` over the axes along which an array of ``shape`` was broadcast."""
    extra = np.ndim(g) - len(shape)
    stretched = [i for i, n in enumerate(shape, extra) if n == 1]
    return np.reshape(np.sum(g, axis=(*range(extra), *stretched)), shape)


@one_or_all
def choose_vjp(g, k, choices_shape, a, mode):
    return g * (np.choose(a, range(len(choices_shape)), mode=mode) == k)


@one_or_all
def select_vjp(g, k, choicelist_shape, condlist):
    return g * (chosen(condlist) == k)


def chosen(condlist):
    """Return for each element the position of the condition that ``np.select`` follows, -1 for none."""
    return np.select(condlist, range(len(condlist)), -1)


def select_default_vjp(g, condlist):
    return g * (chosen(condlist) == -1)


row(np.choose, None, choose_vjp, signature="a, choices, *, mode='raise'")
row(np.select, None, select_vjp, select_default_vjp, signature="condlist, choicelist, default=0")


@composition(np.compress)
def compress(condition, a, axis=None):
    return np.take(a, np.flatnonzero(condition), axis)


@composition(np.extract)
def extract(condition, arr):
    return np.ravel(arr)[np.flatnonzero(condition)]


def sort_vjp(g, a, axis):
    """The gradient of the smallest number goes to where that stood, and so on; equal numbers keep their order."""
    if axis is None:
        return np.reshape(sort_vjp(g, np.ravel(a), -1), np.shape(a))
    rank = np.argsort(np.argsort(a, axis, kind="stable"), axis)
    return np.take_along_axis(g, rank, axis)


def partition_vjp(g, y, a, axis):
    return sort_vjp(np.take_along_axis(g, np.argsort(y, axis or 0, kind="stable"), axis or 0), a, axis)


row(np.sort, sort_vjp, signature="a, axis=-1, kind=None, order=None, *, stable=None")
row(np.partition, partition_vjp, signature="a, kth, axis=-1, kind='introselect', order=None")


@composition(np.sort_complex)
def sort_complex(a):
    y = np.sort(as_array(a))
    wide = {"F": "bhBH", "G": "g"}  # what NumPy makes of these, else complex128
    return y if y.dtype.kind == "c" else astype(y, next((to for to in wide if y.dtype.char in wide[to]), "D"))


row(np.bincount, None, lambda g, x: g[x], signature="x, weights=None, minlength=0")


# -------------------------------------------------------------------------------------------------- sets
def places_of(values, x):
    """Return where in a vector each of some of its elements stands first.

    >>> places_of(np.array([5.0, 7.0]), np.array([7.0, 5.0, 7.0]))
    array([1, 0])
    """
    elements, first = np.unique(x, return_index=True)
    return first[np.searchsorted(elements, values)]


def plain(x):
    """Return the numbers of a Tensor, and anything else as it is."""
    return numbers_of(x) if isinstance(x, Storage) else x


def choosing(function, n):
    """Return the definition of a function that gives some of the elements of its first n arguments, each once.

    They move with the first that equals them.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def definition(*args, **kwargs):
        call = signature.bind(*args, **kwargs)
        given = {name: as_array(x) if holds_tensors(x) else x for name, x in call.arguments.items()}
        call.arguments.update({name: plain(x) for name, x in given.items()})
        y, axis = function(*call.args, **call.kwargs), given.get("axis")
        values, *others = y if isinstance(y, tuple) else (y,)
        arrays = [as_array(x) for x in list(given.values())[:n]]
        if axis is None:
            elements = np.concatenate([np.ravel(x) for x in arrays])
            values = getitem(elements, places_of(values, plain(elements)))
        else:
            values = np.take(arrays[0], function(plain(arrays[0]), return_index=True, axis=axis)[1], axis)
        if not isinstance(y, tuple):
            return values
        return type(y)(values, *others) if hasattr(y, "_fields") else (values, *others)

    return definition


def of_numpy(*names):
    """Return those of NumPy's functions that this version of it has."""
    return [getattr(np, name) for name in names if hasattr(np, name)]


for _function in of_numpy("unique", "unique_all", "unique_counts", "unique_inverse", "unique_values", "setdiff1d"):
    composition(_function)(choosing(_function, 1))
for _function in (np.union1d, np.intersect1d, np.setxor1d):
    composition(_function)(choosing(_function, 2))


# --------------------------------------------------------------------------------------------- positions
# fmt: off
constant(*of_numpy(
    "argsort", "argpartition", "argwhere", "nonzero", "flatnonzero", "searchsorted", "digitize", "lexsort",
    "argmax", "argmin", "nanargmax", "nanargmin", "count_nonzero", "isin", "in1d",
    "ix_", "ravel_multi_index", "unravel_index", "diag_indices_from", "tril_indices_from",
    "triu_indices_from",
))
for _name, _instead in {
    "put_along_axis": "minigrad.put_along_axis, which returns a new array",
    "put": "np.where, or minigrad.put_along_axis with axis=None, which returns a new array",
    "place": "np.where(mask, values, a)",
    "putmask": "np.where(mask, values, a)",
    "copyto": "np.where(mask, source, a); for np.full and np.full_like np.broadcast_to(x, shape)",
    "fill_diagonal": "np.where(np.eye(n, dtype=bool), value, a)",
}.items():
    refuse(getattr(np, _name), f"it writes into its argument, which a tape cannot follow; write {_instead}")
refuse(np.histogram_bin_edges, "the number of bins jumps; write np.linspace(np.min(x), np.max(x), n)")
# fmt: on
