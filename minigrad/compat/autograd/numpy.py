"""``autograd.numpy``: NumPy itself, with versions of its own of what NumPy cannot hand on to a Tensor.

    import minigrad.compat.autograd.numpy as np
"""

import numpy

from ... import arrays
from ...core.tensor import Tensor as ArrayBox, tensors_in  # noqa: F401
from ...joining import c_, r_  # noqa: F401

__all__ = [name for name in numpy.__all__ if not name.startswith("_")]


def __getattr__(name):
    return getattr(numpy, name)


__dir__ = lambda: sorted({*globals(), *dir(numpy)})


def array(x, dtype=None, **options):
    """``np.array``, of nested lists that may hold Tensors.

    >>> from minigrad.compat.autograd import grad
    >>> grad(lambda x: array([x, x**2])[1])(3.0)
    6.0
    """
    if not tensors_in(x):
        return numpy.array(x, dtype, **options)
    made = arrays.array(x, dtype)
    return numpy.reshape(made, (1,) * (options.get("ndmin", 0) - made.ndim) + made.shape)


def asarray(x, dtype=None):
    """``np.asarray``; what is differentiated stays so."""
    return array(x, dtype) if tensors_in(x) else numpy.asarray(x, dtype)


def joined(x):
    return array(x) if isinstance(x, (list, tuple)) and tensors_in(x) else x


def with_lists(function, within):
    """Return a function of NumPy that takes lists of Tensors in the place of an array, or ``within`` its sequence."""

    def taking_lists(a, *args, **kwargs):
        return function([joined(x) for x in a] if within else joined(a), *map(joined, args), **kwargs)

    taking_lists.__name__, taking_lists.__doc__ = function.__name__, f"``np.{function.__name__}``, of lists too."
    return taking_lists


TAKE_LISTS = "append atleast_1d atleast_2d concatenate max mean min prod ravel std sum var"
for _name in f"{TAKE_LISTS} column_stack dstack hstack stack vstack".split():
    globals()[_name] = with_lists(getattr(numpy, _name), within=_name == "concatenate" or _name.endswith("stack"))
