"""Data: in batches, split, as one-hot rows; and the two tables that are shipped.

Data are an array, or a tuple, named tuple or dict of arrays: one sample per row of the first axis,
the same number of rows in each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import generator
from .core.tensor import Tensor
from .core.trees import leaves, rebuild
from .doors import door
from .habits import LOADER
from .hints import chapter, meets
from .randomness import random_state, to_set_random_state
from .shown import Shown

__all__ = ["DataLoader", "breast_cancer", "digits", "onecold", "onehot", "train_test_split"]

SHIPPED = Path(__file__).parent / "datasets"
FOLDER = SHIPPED if SHIPPED.is_dir() else Path(__file__).parents[1] / "examples" / "data"


@meets(LOADER)
@door
class DataLoader(Shown):
    """Hands out data in batches: ``for x, y in DataLoader((x, y), batchsize=64): ...``

    Parameters
    ----------
    data : array of shape (n, ...), or a tuple, named tuple or dict of arrays with n rows each; tables of pandas
        are taken as arrays
    batchsize : int >= 1, rows per batch
    shuffle : bool, whether every pass goes through the rows in a new random order
    partial : bool, whether the last batch may be smaller; without it, what is left over is not used
    rng : numpy.random.Generator or a seed, by default the generator that ``minigrad.seed`` restarts
    shard : group of processes (``distributed.group()``), of which each gets its share of every batch: ``batchsize``
        counts the rows of all of them.  They go through the rows in the order that the first of them draws; where
        there are fewer rows than processes, a share may be empty

    Iteration gives batches like the data: arrays, or tuples or dicts of arrays.  They are views where
    nothing is shuffled.  ``len`` is the number of batches.

    ``checkpoint.save(..., loader=loader)`` saves how far the pass that was begun last has got, and its order.

    Raises
    ------
    TypeError : if something in the data is no array, or a table whose columns make none of numbers
    ValueError : if the data are empty, their lengths differ, or there is no whole batch in them

    Differs from Flux: samples lie along the first axis, not the last; a batch larger than the data is
    an error where partial is False.

    Source: Flux 0.13 ``DataLoader``.

    >>> for x, y in DataLoader((np.arange(5), np.arange(5) ** 2), batchsize=2):
    ...     print(x, y)
    [0 1] [0 1]
    [2 3] [4 9]
    [4] [16]
    """

    def __init__(
        self,
        data: Any,
        batchsize: int = 1,
        *,
        shuffle: bool = False,
        partial: bool = True,
        rng: Any = None,
        shard: Any = None,
    ) -> None:
        self.data = as_arrays("DataLoader", data)
        self.n = rows("DataLoader", self.data)
        if isinstance(batchsize, bool) or not isinstance(batchsize, (int, np.integer)) or batchsize < 1:
            raise ValueError(f"DataLoader: batchsize must be an integer >= 1; got {no_batchsize(batchsize)}")
        if batchsize > self.n and not partial:
            raise ValueError(
                f"DataLoader: batchsize {batchsize} is more than the {self.n} rows of the data, and "
                "partial=False forbids a smaller batch, so there is none at all"
            )
        self.batchsize, self.shuffle, self.partial = batchsize, shuffle, partial
        self.rng = None if rng is None else generator(rng)
        self.shard = shard
        if shard is not None:
            shard.same("the data of the loaders", self._kind())
            self.rng = shard.of_first(self.rng or generator().spawn(1)[0])
        self._passes = []  # those that are going on, or the one that was broken off last, or is to be resumed

    def __len__(self) -> int:
        return math.ceil(self.n / self.batchsize) if self.partial else self.n // self.batchsize

    def __iter__(self) -> Iterator[Any]:
        here = self._begun()
        try:
            while here.done < len(self):
                start = here.done * self.batchsize
                here.done += 1
                yield self._batch(here.order, start, min(start + self.batchsize, self.n))
            self._passes.remove(here)
        finally:
            here.going_on = False
            if len(self._passes) > 1 and here in self._passes:
                self._passes.remove(here)

    def _batch(self, order, start, stop):
        """Return the rows of a batch, or this process's share of them."""
        pieces = [slice(start, stop)] if self.shard is None else self.shard.pieces(start, stop)
        parts = [picked(self.data, piece if order is None else order[piece]) for piece in pieces]
        return Chunks(parts) if self.shard is not None and self.shard.exact else parts[0]

    def _begun(self):
        """Return the pass that was loaded, or a new one in the place of what was broken off."""
        for here in self._passes:
            if here.loaded:
                here.loaded, here.going_on = False, True
                return here
        self._passes = [here for here in self._passes if here.going_on]
        self._passes.append(Pass(generator(self.rng).permutation(self.n) if self.shuffle else None))
        return self._passes[-1]

    def position(self) -> dict[str, Any]:
        """Return how far the pass begun last has got, its order, and the generator's state, as plain values.

        Raises ValueError if two passes are going on: neither would be resumed.

        >>> loader = DataLoader(np.arange(6), 2)
        >>> for batch in loader: break
        >>> loader.position()["done"]
        1
        """
        if len(self._passes) > 1:
            raise ValueError(
                f"{len(self._passes)} passes through the loader are going on, and one can be resumed: give each of "
                "them a DataLoader of its own, or end the others first"
            )
        here = self._passes[0] if self._passes else Pass(None, None)
        return {
            **self._kind(),
            "done": here.done,
            "order": None if here.order is None else here.order.astype(np.min_scalar_type(self.n)),
            "rng": random_state(generator(self.rng)) if self.shuffle else None,
        }

    def to_resume(self, position: dict[str, Any]) -> Callable[[], None]:
        """Return the function that lets the next pass go on from a position; ValueError if it is none in these data."""
        for name, here in self._kind().items():
            if position[name] != here:
                raise ValueError(f"the loader has {name}={here!r} here, and {position[name]!r} was saved")
        done, order = position["done"], position["order"]
        if order is not None:
            order = order.astype(np.intp)
        whole = (order is not None) == (self.shuffle and done is not None)
        if not whole or done is not None and not 0 <= done <= len(self):
            raise ValueError("this is no position in the data of the loader")
        if order is not None and not np.array_equal(np.sort(order), np.arange(self.n)):
            raise ValueError("the order that was saved is none of the rows of the data")
        rng = generator(self.rng)
        set_rng = to_set_random_state(rng, position["rng"], "the loader's rng") if self.shuffle else None

        def resume():
            self._passes = [] if done is None else [Pass(order, done, loaded=True)]
            if set_rng is not None:
                set_rng()

        return resume

    def _kind(self):
        whether = {"shuffle": bool(self.shuffle), "partial": bool(self.partial)}
        return {"rows": self.n, "batchsize": int(self.batchsize), **whether}

    def __getstate__(self):
        return {**vars(self), "_passes": []}  # a copy begins with a pass of its own

    def __repr__(self):
        options = f", shuffle={self.shuffle}, partial={self.partial}"
        return f"DataLoader({self.n} rows, batchsize={self.batchsize}{options})  # {len(self)} batches"


class Chunks(list):
    """The parts of a batch that one process computes, cut as on any other number of processes."""


@dataclass(eq=False)
class Pass:
    """One pass through the data: its order (None for that of the rows), and how many batches were handed out."""

    order: object
    done: int = 0
    going_on: bool = True
    loaded: bool = False

    def __post_init__(self):
        self.going_on = not self.loaded


def no_batchsize(given):
    """Return what was given as the size of batches, and what to write if that is more data."""
    if np.ndim(given) == 0:
        return repr(given)
    return (
        f"a {type(given).__name__} of shape {np.shape(given)}. Arrays that belong together, row by row, stand in "
        "one tuple: DataLoader((x, y), batchsize=32)"
    )


@door
def train_test_split(data: Any, held_out: float = 0.2, *, rng: Any = None) -> tuple[Any, Any]:
    """Return the data in two parts, chosen at random: one to train with, one held out to judge by.

    Parameters
    ----------
    data : array of shape (n, ...), or a tuple, named tuple or dict of arrays with n rows each
    held_out : float in (0, 1), the part that is held out, rounded to whole rows
    rng : numpy.random.Generator or a seed, by default the generator that ``minigrad.seed`` restarts

    Returns
    -------
    (train, test), each like the data

    Raises
    ------
    TypeError : if something in the data is no array
    ValueError : if the data are empty, their lengths differ, or one of the parts would be empty

    >>> (x, y), (x_test, y_test) = train_test_split((np.ones((10, 3)), np.arange(10)), 0.3)
    >>> x.shape, y_test.shape
    ((7, 3), (3,))
    """
    data = as_arrays("train_test_split", data)
    n = rows("train_test_split", data)
    test = round(held_out * n)
    if not 0 < test < n:
        raise ValueError(
            f"train_test_split: held_out={held_out!r} of {n} rows makes {n - test} and {test}; "
            "neither part may be empty"
        )
    order = generator(rng).permutation(n)
    return picked(data, order[test:]), picked(data, order[:test])


def as_arrays(who, data):
    """Return the data with every array of another library, such as a DataFrame, as one of NumPy's."""
    given = leaves(data)
    arrays = [as_array(who, a) for a in given]
    return data if all(a is b for a, b in zip(arrays, given)) else rebuild(data, iter(arrays))


def as_array(who, a):
    if isinstance(a, (np.ndarray, np.generic, Tensor)) or not hasattr(a, "__array__"):
        return a
    array = np.asarray(a)
    if array.dtype.hasobject:
        raise TypeError(
            f"{who}: this {type(a).__name__} makes no array of numbers but one of objects. Take the columns that hold "
            "numbers, as in df[['a', 'b']].to_numpy(float); names become numbers by onehot(names, classes)"
        )
    return array


def rows(who, data):
    """Return the number of rows that all arrays in the data have."""
    arrays = leaves(data)
    for a in arrays:
        if not isinstance(a, (np.ndarray, Tensor)) or not a.shape:
            array = isinstance(a, (np.ndarray, np.generic, Tensor))
            what = "an array without axes" if array else f"a {type(a).__name__}"
            raise TypeError(
                f"{who}: the data must be an array or a tuple or dict of arrays, one sample per row; "
                f"there is {what} among them. Write np.array(...)"
            )
    lengths = [len(a) for a in arrays]
    if not arrays or 0 in lengths:
        raise ValueError(f"{who}: the data are empty")
    if len(set(lengths)) > 1:
        raise ValueError(f"{who}: every array must have the same number of rows; they have {lengths}")
    return lengths[0]


def picked(data, index):
    """Return data like the given ones, with some of their rows."""
    return rebuild(data, iter([a[index] for a in leaves(data)]))


# ----------------------------------------------------------------------------------------- labels
@door
def onehot(labels: Any, classes: Any, *, dtype: Any = float) -> np.ndarray:
    """Return one row per label: 1 at the label's class, 0 elsewhere.

    Parameters
    ----------
    labels : array_like of any shape (...): integers from 0, or elements of ``classes``
    classes : int >= 1, how many there are; or a sequence of the classes' names
    dtype : any dtype of numbers

    Returns
    -------
    ndarray of shape (..., number of classes)

    Raises ValueError for a label that is out of range or no class.

    Differs from Flux: labels count from 0; the classes are the last axis.

    Source: Flux 0.13 ``onehot``, ``onehotbatch``.

    >>> onehot([1, 0], 3)
    array([[0., 1., 0.],
           [1., 0., 0.]])
    >>> onehot(["b", "b"], ["a", "b"])
    array([[0., 1.],
           [0., 1.]])
    """
    labels = np.asarray(labels)
    if isinstance(classes, (int, np.integer)):
        if labels.dtype.kind not in "iu":
            named = "; of names write the classes, onehot(labels, ['cat', 'dog'])" if labels.dtype.kind in "UO" else ""
            raise ValueError(f"onehot: the labels are integers from 0 to {classes - 1}; got {labels.dtype}{named}")
        return np.eye(classes, dtype=dtype)[in_range(labels, classes)]
    places = {name: i for i, name in enumerate(classes)}
    found = [places.get(label) for label in labels.ravel().tolist()]
    if None in found:
        stranger = labels.ravel()[found.index(None)].item()
        raise ValueError(f"onehot: the label {stranger!r} is none of the classes {list(classes)}")
    return np.eye(len(places), dtype=dtype)[np.reshape(np.array(found, int), labels.shape)]


def in_range(labels, n):
    """Return the labels if all of them are from 0 to n - 1."""
    if labels.size and not (0 <= labels.min() and labels.max() < n):
        advice = "; labels count from 0 here" if labels.min() == 1 and labels.max() == n else ""
        raise ValueError(
            f"onehot: labels of {n} classes are 0 to {n - 1}; got {labels.min()} to {labels.max()}{advice}"
        )
    return labels


@door
def onecold(y: Any, classes: Any = None, *, axis: int = -1) -> Any:
    """Return the class of each row that has the largest number: the reverse of ``onehot``.

    Parameters
    ----------
    y : array of shape (..., number of classes): one-hot rows, probabilities or scores
    classes : sequence of the classes' names; None for integers from 0
    axis : int, the axis of the classes

    Returns
    -------
    ndarray of shape (...): the first of equally large ones

    Raises ValueError if there are not as many names as classes.

    Differs from Flux: classes count from 0 and are the last axis.

    Source: Flux 0.13 ``onecold``.

    >>> onecold(np.array([[0.1, 0.9], [0.8, 0.2]]))
    array([1, 0])
    >>> onecold(np.array([0.1, 0.9]), ["cat", "dog"]).item()
    'dog'
    """
    y = y.data if isinstance(y, Tensor) else np.asarray(y)
    found = np.argmax(y, axis)
    if classes is None:
        return found
    if len(classes) != y.shape[axis]:
        raise ValueError(f"onecold: there are {y.shape[axis]} classes and {len(classes)} names")
    return np.asarray(classes)[found]


# ------------------------------------------------------------------------------------- shipped data
def digits(*, dtype: Any = float) -> tuple[np.ndarray, ...]:
    """Return 1,797 real images of hand-written digits and what they show.

    Parameters
    ----------
    dtype : float64 or float32, of the images

    Returns
    -------
    images : ndarray of shape (1797, 8, 8), rows from top to bottom; ink from 0 (none) to 1 (all)
    labels : ndarray of integers of shape (1797,), the digit, 0 to 9

    Source: Alpaydin and Kaynak 1998, https://doi.org/10.24432/C50P49, CC BY 4.0.

    >>> images, labels = digits()
    >>> images.shape, labels[:3]
    ((1797, 8, 8), array([0, 1, 2]))
    """
    with np.load(FOLDER / "digits.npz") as file:
        return file["images"].astype(dtype) / 16, file["labels"].astype(int)


def breast_cancer(*, dtype: Any = float) -> Any:
    """Return 30 measurements of each of 569 samples of breast tissue, and which are malignant.

    Parameters
    ----------
    dtype : float64 or float32, of the features

    Returns
    -------
    features : ndarray of shape (569, 30), in the units of their sources
    malignant : ndarray of integers of shape (569,), 1 for malignant, 0 for benign
    names : list of 30 texts, what each column holds

    Source: Wolberg et al. 1993, https://doi.org/10.24432/C5DW2B, CC BY 4.0.

    >>> features, malignant, names = breast_cancer()
    >>> features.shape, int(malignant.sum()), names[0]
    ((569, 30), 212, 'mean radius')
    """
    with np.load(FOLDER / "breast_cancer.npz") as file:
        return file["features"].astype(dtype), file["malignant"].astype(int), file["names"].tolist()


chapter(__name__)
