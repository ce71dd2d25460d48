"""Nested containers taken apart and put together again: what arguments and results may be made of.

Tuples, lists, dicts, named tuples and dataclasses may be nested freely; everything else is a leaf.
"""

import dataclasses

import numpy as np

from .storage import Storage

_LEAVES = (Storage, np.ndarray, float, int, complex, str)


def leaves(x):
    """Return the leaves of ``x`` in a stable order.

    >>> leaves({"W": 1.0, "layers": [(2.0, 3.0), None]})
    [1.0, 2.0, 3.0, None]
    """
    children = parts(x)
    return [x] if children is None else [leaf for child in children for leaf in leaves(child)]


def rebuild(x, new):
    """Return a container like ``x`` with its leaves taken from the iterator ``new``.

    >>> rebuild({"a": 1.0, "b": (2.0, 3.0)}, iter([4.0, 5.0, 6.0]))
    {'a': 4.0, 'b': (5.0, 6.0)}
    """
    children = parts(x)
    if children is None:
        return next(new)
    children = [rebuild(child, new) for child in children]
    if isinstance(x, dict):
        return type(x)(zip(x, children)) if type(x) is dict else {**dict(zip(x, children))}
    if dataclasses.is_dataclass(x):
        return like_dataclass(x, children)
    return type(x)(*children) if hasattr(x, "_fields") else type(x)(children)


def parts(x):
    """Return the children of a container, or None if ``x`` is a leaf."""
    if isinstance(x, _LEAVES):
        return None
    if isinstance(x, (tuple, list)):
        return list(x)
    if isinstance(x, dict):
        return list(x.values())
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        return [getattr(x, field.name) for field in dataclasses.fields(x)]
    return None


def like_dataclass(x, children):
    """Return a copy of the dataclass object ``x`` with other values, whatever its constructor asks."""
    copy = object.__new__(type(x))
    for field, child in zip(dataclasses.fields(x), children):
        object.__setattr__(copy, field.name, child)
    return copy
