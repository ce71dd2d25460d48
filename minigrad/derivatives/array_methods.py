"""The methods that a Tensor has because an ndarray has them: each is one call of a NumPy function."""

import numpy as np

from ..core.tensor import Tensor
from ..doors import explain, shorten
from .calls import astype


def method(function):
    """Return ``function`` as a method: its first argument is the array itself."""

    def call(self, *args, **kwargs):
        try:
            return function(self, *args, **kwargs)
        except Exception as error:
            shorten(error)
            if type(error) is TypeError:
                explain(error)
            raise

    call.__name__ = function.__name__
    call.__doc__ = f"``np.{function.__name__}(t, ...)``, which see."
    return call


class Flat:
    """What ``t.flat`` is: an iterator over all numbers of a Tensor, which can be indexed, too."""

    def __init__(self, t):
        self.numbers = t.ravel()
        self.rest = iter(self.numbers)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.rest)

    def __len__(self):
        return len(self.numbers)

    def __getitem__(self, index):
        return self.numbers[index]

    def __setitem__(self, index, x):
        raise TypeError("t.flat[i] = x: write t[np.unravel_index(i, t.shape)] = x, which overwrites; or np.where")


class ArrayMethods:
    """Methods and attributes of arrays, written with NumPy's functions; ``Tensor`` has all of them."""

    sum = method(np.sum)
    prod = method(np.prod)
    mean = method(np.mean)
    var = method(np.var)
    std = method(np.std)
    max = method(np.max)
    min = method(np.min)
    cumsum = method(np.cumsum)
    cumprod = method(np.cumprod)
    all = method(np.all)
    any = method(np.any)
    argmax = method(np.argmax)
    argmin = method(np.argmin)
    argsort = method(np.argsort)
    argpartition = method(np.argpartition)
    nonzero = method(np.nonzero)
    searchsorted = method(np.searchsorted)
    clip = method(np.clip)
    round = method(np.round)
    ravel = flatten = method(np.ravel)
    squeeze = method(np.squeeze)
    swapaxes = method(np.swapaxes)
    repeat = method(np.repeat)
    take = method(np.take)
    choose = method(np.choose)
    diagonal = method(np.diagonal)
    trace = method(np.trace)
    dot = method(np.dot)
    copy = method(np.copy)

    T = property(np.transpose)
    mT = property(lambda self: np.swapaxes(self, -1, -2))
    real = property(lambda self: np.real(self) if self.dtype.kind == "c" else self)
    imag = property(np.imag)

    def conjugate(self):
        """The complex conjugate; a real array itself, without a copy."""
        return np.conjugate(self) if self.dtype.kind == "c" else self

    conj = conjugate

    def compress(self, condition, axis=None):
        """``np.compress(condition, t, axis)``, which see."""
        return np.compress(condition, self, axis)

    def astype(self, dtype, order="K", casting="unsafe", subok=True, copy=True):
        """The numbers in another dtype; ``order``, ``subok`` and ``copy`` change nothing here."""
        if not np.can_cast(self.dtype, dtype, casting):
            raise TypeError(f"t.astype: {self.dtype} cannot be cast to {np.dtype(dtype)} with {casting=}")
        return astype(self, dtype)

    def reshape(self, *shape, order="C", copy=None):
        """``np.reshape(t, shape)``; the shape may be one tuple or several integers."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)

    def transpose(self, *axes):
        """``np.transpose(t, axes)``; the axes may be one tuple or several integers."""
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    def sort(self, axis=-1, **options):
        """Sort in place, as ``t[...] = np.sort(t, axis)`` does."""
        self[...] = np.sort(self, axis, **options)

    def fill(self, x):
        """Overwrite all numbers, as ``t[...] = x`` does."""
        self[...] = x

    flat = property(lambda self: Flat(self), doc="An iterator over all numbers, which can be indexed, too.")


for _name, _value in vars(ArrayMethods).items():
    if not _name.startswith("__"):
        setattr(Tensor, _name, _value)
