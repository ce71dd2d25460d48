"""Nested containers taken apart and put together again: what arguments and results may be made of.

Tuples, lists, dicts, named tuples, dataclasses and classes derived from them may be nested freely; everything
else is a leaf.  A container is rebuilt without asking its constructor, whatever that may want or check.  Of a
dataclass the fields are its parts, those with ``init=False`` too; what is no field stays as it is, a constant,
but for ``functools.cached_property``, which is worked out anew.
"""

import dataclasses
import functools
from array import array
from collections import OrderedDict, defaultdict
from types import ModuleType

import numpy as np

from .storage import Storage, stands_in

_FIXED = frozenset({int, float, bool, str, type(None), np.int64})
_LEAVES = (Storage, np.ndarray, float, int, complex, str)
_CLOSED = (str, bytes, int, float, complex, np.ndarray, type, ModuleType)  # what holds no Tensor


def leaves(x):
    """Return the leaves of ``x`` in a stable order.

    >>> leaves({"W": 1.0, "layers": [(2.0, 3.0), None]})
    [1.0, 2.0, 3.0, None]
    """
    children = parts(x)
    return [x] if children is None else [leaf for child in children for leaf in leaves(child)]


def places(x, name):
    """Return where each leaf stands, as one writes it.

    >>> places({"W": 1.0, "layers": [(2.0, 3.0)]}, "model")
    ["model['W']", "model['layers'][0][0]", "model['layers'][0][1]"]
    """
    children = parts(x)
    if children is None:
        return [name]
    if isinstance(x, dict):
        steps = [f"[{key!r}]" for key in x]
    elif dataclasses.is_dataclass(x):
        steps = [f".{name}" for name in names_of_fields(x)]
    elif hasattr(x, "_fields"):
        steps = [f".{field}" for field in x._fields]
    else:
        steps = [f"[{i}]" for i in range(len(x))]
    return [place for step, child in zip(steps, children) for place in places(child, name + step)]


def leaves_along(x, other, who):
    """Return, for each leaf of ``x``, what stands in its place in ``other``: the rest of it, whatever it is.

    None in ``other`` stands for a whole branch of None.  ``who`` begins the ValueError for another structure.

    >>> leaves_along({"a": 1.0, "b": (2.0, 3.0)}, {"b": None, "a": [4.0]}, "f")
    [[4.0], None, None]
    """
    children = parts(x)
    if children is None:
        return [other]
    if other is None:
        return [None] * len(leaves(x))
    if isinstance(x, dict) and isinstance(other, dict) and x.keys() == other.keys():
        others = [other[key] for key in x]
    else:
        others = None if isinstance(x, dict) or isinstance(other, dict) else parts(other)
    if others is None or len(others) != len(children):
        raise ValueError(
            f"{who} the structure of {shown(x)} is needed, with None for what is not used; got {shown(other)}"
        )
    return [leaf for pair in zip(children, others) for leaf in leaves_along(*pair, who)]


def shown(x):
    """Say briefly what a container is made of.

    >>> shown({"a": 1.0}), shown((1.0, 2.0)), shown(2.0)
    ("a dict with the keys ['a']", 'a tuple of 2', 'a float')
    """
    if isinstance(x, dict):
        return f"a dict with the keys {list(x)}"
    children = parts(x)
    return f"a {type(x).__name__}" + ("" if children is None else f" of {len(children)}")


def rebuild(x, new):
    """Return a container like ``x`` with its leaves taken from the iterator ``new``.

    >>> rebuild({"a": 1.0, "b": (2.0, 3.0)}, iter([4.0, 5.0, 6.0]))
    {'a': 4.0, 'b': (5.0, 6.0)}
    """
    children = parts(x)
    if children is None:
        return next(new)
    children = [rebuild(child, new) for child in children]
    if type(x) is dict:
        return dict(zip(x, children))
    if type(x) is tuple or type(x) is list:
        return type(x)(children)
    if isinstance(x, tuple):
        return tuple.__new__(type(x), children)
    return like_collection(x, children) if isinstance(x, (list, dict)) else like_dataclass(x, children)


def like_collection(x, children):
    """Return a list or dict of the class of ``x`` with other elements."""
    kind = next(kind for kind in (list, OrderedDict, defaultdict, dict) if isinstance(x, kind))
    twin = kind.__new__(type(x))
    for name, value in held_by(x):
        object.__setattr__(twin, name, value)
    if kind is defaultdict:
        twin.default_factory = x.default_factory
    if kind is list:
        list.extend(twin, children)
    else:
        kind.update(twin, zip(x, children))
    return twin


def like_dataclass(x, children):
    """Return a copy of a dataclass object with other values of the fields."""
    twin = object.__new__(type(x))
    for name, value in [*held_by(x), *zip(names_of_fields(x), children)]:
        object.__setattr__(twin, name, value)  # frozen ones too
    return twin


def held_by(x):
    """Yield (name, value) of all that an object holds, but for what its cached properties keep."""
    for name, value in getattr(x, "__dict__", {}).items():
        if not isinstance(getattr(type(x), name, None), functools.cached_property):
            yield name, value
    for kind in type(x).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if not name.startswith("__") and hasattr(x, name):
                yield name, getattr(x, name)


def names_of_fields(x):
    """Return the names of the fields that have a value."""
    return [field.name for field in dataclasses.fields(x) if hasattr(x, field.name)]


def parts(x):
    """Return the children of a container, or None if ``x`` is a leaf."""
    if isinstance(x, _LEAVES):
        return None
    if isinstance(x, (tuple, list)):
        return list(x)
    if isinstance(x, dict):
        return list(x.values())
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        return [getattr(x, name) for name in names_of_fields(x)]
    return None


def named_tensors(model, name="", kinds=Storage):
    """Return the Tensors in a model with their places: a list of (name, Tensor), each Tensor once.

    Looks into lists, tuples, dicts, dataclasses and the attributes of objects, nested freely, in
    their own order; a Tensor met again (a tied weight) and containers that hold themselves are
    passed over.

    Parameters
    ----------
    model : Tensor, container of them, or any object whose attributes hold them
    name : str, what the places' names begin with
    kinds : type or tuple of types to look for

    Raises TypeError for a set of Tensors, which has no order.

    >>> [name for name, _ in named_tensors({"layers": [Storage(np.ones(2)), 7], "b": Storage(np.zeros(1))})]
    ["['layers'][0]", "['b']"]
    """
    found, seen, waiting = [], {}, [(name, model)]
    while waiting:
        name, x = waiting.pop()
        if id(x) in seen or isinstance(x, _CLOSED) and not isinstance(x, kinds):
            continue
        seen[id(x)] = x
        if isinstance(x, kinds):
            found.append((name, x))
        else:
            waiting.extend(reversed(named_children(name, x)))
    return found


def named_children(name, x):
    """Return the (name, value) pairs that ``x`` holds."""
    if (isinstance(x, (list, tuple)) or hasattr(type(x), "name_of")) and not hasattr(x, "_fields"):  # as Params has
        return [(f"{name}[{i}]", child) for i, child in enumerate(x)]
    if isinstance(x, dict):
        return [(f"{name}[{key!r}]", child) for key, child in x.items()]
    if isinstance(x, (set, frozenset)):
        if any(isinstance(child, Storage) for child in x):
            raise TypeError("params: a set has no order; put the Tensors into a list, tuple or dict")
        return []
    if hasattr(x, "_fields"):
        return [(f"{name}.{field}", getattr(x, field)) for field in x._fields]
    attributes = dict(getattr(x, "__dict__", ()))
    for cls in type(x).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if not slot.startswith("__") and hasattr(x, slot):
                attributes.setdefault(slot, getattr(x, slot))
    if callable(x) and not dataclasses.is_dataclass(x) and not attributes and hasattr(x, "__self__"):
        attributes["__self__"] = x.__self__  # a bound method: the model whose method it is
    return [(f"{name}.{key}" if name else key, child) for key, child in attributes.items()]


def frozen(x):
    """Return what a tape shall keep of ``x``: copies of the arrays and lists in it, which the caller may change later.

    >>> index = [0, np.array([1])]
    >>> kept = frozen(index)
    >>> index[1][0] = 5
    >>> kept
    [0, array([1])]
    """
    if isinstance(x, np.ndarray):
        return x if stands_in(x) else np.array(x)
    if isinstance(x, (list, tuple)):
        kind = list if isinstance(x, list) else tuple
        return kind(x) if _FIXED.issuperset(map(type, x)) else kind([frozen(part) for part in x])
    if isinstance(x, slice):
        return slice(frozen(x.start), frozen(x.stop), frozen(x.step))
    return np.array(x) if isinstance(x, array) else x
