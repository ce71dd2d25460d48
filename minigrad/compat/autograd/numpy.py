"""``autograd.numpy``: NumPy itself, with versions of its own of what NumPy cannot hand on to a Tensor.

    import minigrad.compat.autograd.numpy as np
"""

import sys

import numpy

from ... import arrays
from ...core.tensor import tensors_in
from ...joining import c_, r_  # noqa: F401

__all__ = [name for name in numpy.__all__ if not name.startswith("_")]
for _name in ("fft", "linalg", "random"):  # for import minigrad.compat.autograd.numpy.random as npr
    sys.modules[f"{__name__}.{_name}"] = getattr(numpy, _name)


def __getattr__(name):
    return getattr(numpy, name)


def __dir__():
    return sorted({*globals(), *dir(numpy)})


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


def of_lists(function):
    """Return a function of NumPy that takes a list of Tensors in the place of its array."""

    def taking_lists(a, *args, **kwargs):
        return function(array(a) if isinstance(a, (list, tuple)) and tensors_in(a) else a, *args, **kwargs)

    taking_lists.__name__, taking_lists.__doc__ = function.__name__, f"``np.{function.__name__}``, of a list too."
    return taking_lists


atleast_1d, atleast_2d = map(of_lists, (numpy.atleast_1d, numpy.atleast_2d))
sum, prod, mean, std, var, max, min, ravel = map(  # noqa: A001
    of_lists, (numpy.sum, numpy.prod, numpy.mean, numpy.std, numpy.var, numpy.max, numpy.min, numpy.ravel)
)


def asarray(x, dtype=None):
    """``np.asarray``; what is differentiated stays so."""
    return array(x, dtype) if tensors_in(x) else numpy.asarray(x, dtype)


def concatenate(pieces, axis=0):
    """``np.concatenate``, of any iterable, of numbers too."""
    return numpy.concatenate([numpy.atleast_1d(array(x)) if not numpy.ndim(x) else x for x in pieces], axis)


def stack(pieces, axis=0):
    """``np.stack``, of any iterable: ``stack(d.values())``."""
    return numpy.stack([array(x) if isinstance(x, (list, tuple)) else x for x in pieces], axis)


def append(a, values, axis=None):
    """``np.append``, of lists of Tensors too."""
    return numpy.append(array(a), array(values), axis)
