"""Making Tensors: random ones, zeros, ones, and arrays out of pieces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from .core.errors import told
from .core.storage import drawn_by, ndarray_or_stand_in
from .core.tensor import Foreign, Tensor, new_tensor, recorded, tensors_in

if TYPE_CHECKING:
    from .aliases import DTypeLike, Rng

_generator = None  # made when it is first needed: np.random takes longer to import than minigrad


def seed(n: int) -> None:
    """Restart the random numbers of what has no ``rng`` of its own: ``rand``, initialisers, Dropout, shuffling, ...

    Parameters
    ----------
    n : int >= 0, or None for a start that differs from run to run

    Source: Julia's ``Random.seed!``.

    >>> seed(0); a = rand(2); seed(0); b = rand(2); bool(np.all(a == b))
    True
    """
    global _generator
    _generator = np.random.default_rng(n)


def rand(*shape: Any, dtype: DTypeLike = float, rng: Rng = None, **others: NoReturn) -> Tensor:
    """Return a Tensor of random numbers, uniform in [0, 1).

    Parameters
    ----------
    *shape : ints >= 0, one per axis; none for a Tensor without axes
    dtype : float64 or float32
    rng : numpy.random.Generator or a seed for one, by default the generator that ``seed`` restarts

    Source: Julia's ``rand``.

    >>> rand(2, 5).shape, rand(3, dtype=np.float32).dtype
    ((2, 5), dtype('float32'))
    """
    return new_tensor(ndarray_or_stand_in(generator(rng).random(axes(shape, "rand", others), dtype=np.dtype(dtype))))


def randn(*shape: Any, dtype: DTypeLike = float, rng: Rng = None, **others: NoReturn) -> Tensor:
    """Return a Tensor of random numbers of mean 0 and variance 1, normally distributed.

    Parameters
    ----------
    *shape : ints >= 0, one per axis; none for a Tensor without axes
    dtype : float64 or float32
    rng : numpy.random.Generator or a seed for one, by default the generator that ``seed`` restarts

    Source: Julia's ``randn``.

    >>> randn(10, 10).shape
    (10, 10)
    """
    drawn = generator(rng).standard_normal(axes(shape, "randn", others), dtype=np.dtype(dtype))
    return new_tensor(ndarray_or_stand_in(drawn))


def generator(rng: Rng = None) -> np.random.Generator:
    """Return the generator of random numbers to use: the one that ``seed`` restarts, or ``rng``.

    Parameters
    ----------
    rng : None, a numpy.random.Generator, or a seed for a new one

    A checkpoint that holds it (``save(path, rng=generator())``) continues the same random numbers.

    >>> seed(0); a = generator().random(); seed(0); a == generator().random()
    True
    """
    if rng is None and _generator is None:
        seed(None)
    found = _generator if rng is None else np.random.default_rng(rng)
    stand_in = drawn_by.get()
    return found if stand_in is None else stand_in(found)


def zeros(*shape: Any, dtype: DTypeLike = float, **others: NoReturn) -> Tensor:
    """Return a Tensor of zeros.

    Parameters
    ----------
    *shape : ints >= 0, one per axis, or one tuple of them
    dtype : any dtype of real or complex numbers

    Source: Julia's ``zeros``.

    >>> zeros(2)
    Tensor([0., 0.])
    """
    return Tensor(np.zeros(axes(shape, "zeros", others), dtype), copy=False)


def ones(*shape: Any, dtype: DTypeLike = float, **others: NoReturn) -> Tensor:
    """Return a Tensor of ones.

    Parameters
    ----------
    *shape : ints >= 0, one per axis, or one tuple of them
    dtype : any dtype of real or complex numbers

    Source: Julia's ``ones``.

    >>> ones(1, 2)
    Tensor([[1., 1.]])
    """
    return Tensor(np.ones(axes(shape, "ones", others), dtype), copy=False)


def array(x: Any, dtype: DTypeLike | None = None) -> Tensor:
    """Return an array made of ``x``, which may be nested lists that hold Tensors; differentiable.

    Parameters
    ----------
    x : number, ndarray, Tensor, or nested lists, tuples and iterators of them, all of one shape per level
    dtype : NumPy dtype, by default float64 for Python's numbers, else that of ``x``

    Returns
    -------
    Tensor; a recorded one if ``x`` holds recorded Tensors (``np.array`` cannot be intercepted)

    Raises ValueError if the shapes do not fit together.

    >>> gradient = __import__("minigrad").gradient
    >>> gradient(lambda a: array([a, 2 * a])[1], 1.0)
    (2.0,)
    >>> array([1, 2])
    Tensor([1., 2.])
    """
    if isinstance(x, Iterator):
        x = list(x)
    if isinstance(x, (list, tuple)) and tensors_in(x):
        x = np.stack([array(element) for element in x])
    elif not isinstance(x, (Tensor, np.ndarray, np.generic)):
        x = np.asarray(x)
        if dtype is None and x.dtype.kind in "iu":
            dtype = float
    if dtype is not None and x.dtype != dtype:
        x = x.astype(dtype)
    return x if type(x) is Tensor and recorded(x) is not None else Tensor(x)


def as_numbers(x, what):
    """Return what stands in the place of an array as one: Tensors, plain arrays and numbers as they are.

    Lists, which may hold Tensors, are put together, and arrays of other libraries, such as a DataFrame, are taken
    for their numbers.  ``what`` names the argument for the TypeError about whatever holds no numbers.

    >>> as_numbers([[1, 2]], "f: x"), as_numbers(0.5, "f: x")
    (array([[1, 2]]), 0.5)
    """
    if type(x) is Tensor or type(x) in (float, int, bool, complex):
        return x
    Foreign.refuse(x, what)
    if isinstance(x, (list, tuple)) and tensors_in(x):
        return array(x)
    given, x = x, x if isinstance(x, (np.ndarray, np.generic)) else np.asarray(x)
    if x.dtype.kind in "US":
        raise TypeError(f"{what} holds texts. Names of classes become numbers by data.onehot(names, classes)")
    if x.dtype.kind not in "fciub":
        pandas = f", or {what.split()[-1]}.to_numpy(float) for a table" * hasattr(given, "to_numpy")
        raise TypeError(
            f"{what} is no array of numbers but a {type(given).__name__} of {x.dtype}. If all that it holds are "
            f"numbers, write np.asarray({what.split()[-1]}, dtype=float){pandas}"
        )
    return x


def axes(shape, who, others=()):
    """Return the shape given as several integers or as one tuple of them, if no ``others`` are given by keyword."""
    if others:
        raise told.unknown_keyword(who, *others)
    shape = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    for n in shape:
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0:
            raise ValueError(f"{who}: the length of an axis must be an integer >= 0; got {n!r}")
    return shape
