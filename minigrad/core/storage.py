"""What a parameter is to those who only need its numbers: an object that holds a live ndarray.

The optimisers overwrite parameters and never differentiate; the Tensor records and never
overwrites.  This class is all they share, so that neither needs to import the other.
"""

from contextvars import ContextVar

import numpy as np

# What stands in for a generator of random numbers while a computation is traced (see ``readers``).
drawn_by = ContextVar("a function from a generator to what draws in its place", default=None)


def stands_in(x):
    """Say whether ``x`` stands in the place of an ndarray and writes down what is done to it (see ``readers``).

    >>> stands_in(np.ones(2))
    False
    """
    return getattr(type(x), "stands_in", False)


def ndarray_or_stand_in(x):
    """Return ``x`` as an ndarray; what stands in for one stays as long as it does.

    >>> ndarray_or_stand_in(np.float64(2.0))
    array(2.)
    """
    return x.standing() if stands_in(x) else np.asarray(x)


class Storage:
    """An object whose numbers live in ``.data``.

    ``_value`` is an ndarray or, for a value inside nested gradients, another Storage one tape
    further out; ``.data`` goes down to the ndarray.  (It is not called ``_data``: masked arrays of
    NumPy read an attribute of that name from whatever they meet, past the protocols.)

    >>> s = Storage(np.zeros(2)); s.data[0] = 1; s.data
    array([1., 0.])
    """

    __slots__ = ("_value", "__weakref__")

    def __init__(self, data):
        self._value = data

    @property
    def data(self):
        return numbers_of(self)

    def to_overwrite(self, what):
        """Return the live ndarray for the function ``what``, which overwrites it; or refuse it."""
        return self.data


def numbers_of(storage):
    """Return the ndarray at the bottom of a Storage.

    >>> numbers_of(Storage(Storage(np.ones(2))))
    array([1., 1.])
    """
    inner = storage._value
    while isinstance(inner, Storage):
        inner = inner._value
    return inner if type(inner) is np.ndarray else ndarray_or_stand_in(inner)


def ndarray_of(x):
    """Return the live ndarray behind ``x``: ``x`` itself or ``x.data``; None if there is none.

    An ndarray has an attribute ``.data`` of its own (a memoryview), so the type decides.

    >>> ndarray_of(Storage(np.ones(2))), ndarray_of(3.0)
    (array([1., 1.]), None)
    """
    if isinstance(x, np.ndarray):
        return x
    return numbers_of(x) if isinstance(x, Storage) else None
