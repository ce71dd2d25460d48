"""np.emath: functions that give complex numbers where real ones do not reach, made of their namesakes in np."""

import numpy as np

from ..core.table import composition
from .calls import as_array, astype

SINGLE = {np.single, np.csingle, np.byte, np.short, np.ubyte, np.ushort}  # what widens to complex64; else complex128


def widened(x, outside):
    """Return ``x`` as complex numbers if one of them is real and lies where ``outside`` is true, else as it is."""
    x = as_array(x)
    if not np.any(outside(x.real) & np.isreal(x)):
        return x
    return astype(x, np.csingle if x.dtype.type in SINGLE else np.cdouble)


def negative(x):
    return np.less(x, 0)


def beyond_one(x):
    return np.greater(np.abs(x), 1)


def extended(function, outside):
    """Return ``function`` of real numbers beyond its domain, too."""
    return lambda x: function(widened(x, outside))


for _function in (np.sqrt, np.log, np.log2, np.log10):
    composition(getattr(np.emath, _function.__name__))(extended(_function, negative))
for _function in (np.arccos, np.arcsin, np.arctanh):
    composition(getattr(np.emath, _function.__name__))(extended(_function, beyond_one))


@composition(np.emath.logn)
def logn(n, x):
    return np.log(widened(x, negative)) / np.log(widened(n, negative))


@composition(np.emath.power)
def power(x, p):
    p = as_array(p)
    return np.power(widened(x, negative), p * 1.0 if np.any(negative(p.real) & np.isreal(p)) else p)
