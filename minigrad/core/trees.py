"""Nested containers taken apart and put together again: one walker for all that is made of parts.

Tuples, lists, dicts, named tuples, dataclasses and classes derived from them may be nested freely: what ``gradient``
is given, what a loss returns, what NumPy's functions are called with, what holds a model's parameters.  Everything
else is a leaf.  A container is rebuilt without asking its constructor, whatever that may want or check.  Of a
dataclass the fields are its parts, those with ``init=False`` too; what is no field stays as it is, a constant,
but for ``functools.cached_property``, which is worked out anew.  A slice is a container where its ends are arrays.
"""

import dataclasses
import functools
from array import array
from collections import OrderedDict, defaultdict
from types import ModuleType

import numpy as np

from .storage import Storage, stands_in

# The commonest leaves, so that one look at the type decides.
ATOMS = {float, int, complex, bool, str, type, type(None), np.ndarray, np.float64, np.float32, np.int64, np.bool_}
WHOLE_ENDS = {int, type(None)}  # of a slice that is a leaf
CLOSED = str, bytes, int, float, complex, np.ndarray, type, ModuleType  # what holds no Tensor


def parts(x):
    """Return the parts of a container, or None if ``x`` is a leaf.

    >>> parts({"W": 1.0, "b": [2.0]}), parts(1.0)
    ([1.0, [2.0]], None)
    """
    if isinstance(x, (tuple, list)):
        return list(x)
    if isinstance(x, dict):
        return list(x.values())
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        return [getattr(x, name) for name in names_of_fields(x)]
    if type(x) is slice and not WHOLE_ENDS.issuperset(map(type, ends := [x.start, x.stop, x.step])):
        return ends
    return None


def steps(x):
    """Return how one writes the way from a container to each of its parts.

    >>> steps({"W": 1.0, "b": 2.0}), steps([1.0, 2.0])
    (["['W']", "['b']"], ['[0]', '[1]'])
    """
    if isinstance(x, dict):
        return [f"[{key!r}]" for key in x]
    if isinstance(x, (tuple, list)) and not hasattr(x, "_fields"):
        return [f"[{i}]" for i in range(len(x))]
    return [f".{name}" for name in getattr(x, "_fields", None) or names_of_fields(x)]


def like(x, new):
    """Return a container like ``x`` with other parts.

    >>> like({"a": 1.0, "b": 2.0}, [3.0, 4.0])
    {'a': 3.0, 'b': 4.0}
    """
    kind = type(x)
    if kind is tuple or kind is list:
        return kind(new)
    if isinstance(x, tuple):
        return tuple.__new__(kind, new)
    if kind is dict:
        return dict(zip(x, new))
    if kind is slice:
        return slice(*new)
    base = next((base for base in (list, OrderedDict, defaultdict, dict) if isinstance(x, base)), object)
    twin = base.__new__(kind)
    for name, value in held_by(x):
        if not isinstance(getattr(kind, name, None), functools.cached_property):
            object.__setattr__(twin, name, value)  # in frozen dataclasses, too
    if base is defaultdict:
        twin.default_factory = x.default_factory
    if base is list:
        list.extend(twin, new)
    elif base is object:
        for name, value in zip(names_of_fields(x), new):
            object.__setattr__(twin, name, value)
    else:
        base.update(twin, zip(x, new))
    return twin


def names_of_fields(x):
    """Return the names of a dataclass's fields that have a value."""
    return [field.name for field in dataclasses.fields(x) if hasattr(x, field.name)]


def held_by(x):
    """Return [(name, value)] of all that an object holds."""
    held = dict(getattr(x, "__dict__", ()))
    for kind in type(x).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if not name.startswith("__") and hasattr(x, name):
                held.setdefault(name, getattr(x, name))
    return [*held.items()]


# ------------------------------------------------------------------------------------------- the walks
def leaves(x):
    """Return the leaves of ``x`` in a stable order.

    >>> leaves({"W": 1.0, "layers": [(2.0, 3.0), None]})
    [1.0, 2.0, 3.0, None]
    """
    kind = type(x)
    children = x if kind is tuple or kind is list else None if kind in ATOMS else parts(x)
    if children is None:
        return [x]
    if ATOMS.issuperset(map(type, children)):  # as a rule
        return [*children]
    return [leaf for child in children for leaf in leaves(child)]


def at_leaves(f, x):
    """Return a container like ``x`` with ``f(leaf)`` in the place of each leaf.

    >>> at_leaves(abs, (-1.0, [2.0]))
    (1.0, [2.0])
    """
    kind = type(x)
    if kind is tuple or kind is list:
        return kind([f(child) if type(child) in ATOMS else at_leaves(f, child) for child in x])
    if kind is dict:
        return {key: at_leaves(f, child) for key, child in x.items()}
    children = None if kind in ATOMS else parts(x)
    return f(x) if children is None else like(x, [at_leaves(f, child) for child in children])


def rebuild(x, new):
    """Return a container like ``x`` with its leaves taken from the iterator ``new``.

    >>> rebuild({"a": 1.0, "b": (2.0, 3.0)}, iter([4.0, 5.0, 6.0]))
    {'a': 4.0, 'b': (5.0, 6.0)}
    """
    return at_leaves(lambda leaf: next(new), x)


def places(x, name):
    """Return where each leaf stands, as one writes it.

    >>> places({"W": 1.0, "layers": [(2.0, 3.0)]}, "model")
    ["model['W']", "model['layers'][0][0]", "model['layers'][0][1]"]
    """
    children = parts(x)
    if children is None:
        return [name]
    return [place for step, child in zip(steps(x), children) for place in places(child, name + step)]


def leaves_along(x, other, who):
    """Return, for each leaf of ``x``, what stands in its place in ``other``: the rest of it, whatever it is.

    None in ``other`` stands for a whole branch of None.  ``who`` begins the ValueError for another structure.

    >>> leaves_along({"a": 1.0, "b": (2.0, 3.0)}, {"b": None, "a": [4.0]}, "f")
    [[4.0], None, None]
    """
    kind = type(x)
    children = x if kind is tuple or kind is list else None if kind in ATOMS else parts(x)
    if children is None:
        return [other]
    if other is None:
        return [None] * len(leaves(x))
    if children is x and type(other) in (tuple, list) and len(other) == len(x) and ATOMS.issuperset(map(type, x)):
        return [*other]  # as a rule
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
        if id(x) in seen or isinstance(x, CLOSED) and not isinstance(x, kinds):
            continue
        seen[id(x)] = x
        if isinstance(x, kinds):
            found.append((name, x))
        else:
            waiting.extend(reversed(named_children(name, x)))
    return found


def named_children(name, x):
    """Return the (name, value) pairs that ``x`` holds: a container's parts, an object's attributes."""
    x = list(x) if hasattr(type(x), "name_of") else x  # Params
    if isinstance(x, (list, tuple, dict)):
        return [(name + step, child) for step, child in zip(steps(x), parts(x))]
    if isinstance(x, (set, frozenset)):
        if any(isinstance(child, Storage) for child in x):
            raise TypeError("params: a set has no order; put the Tensors into a list, tuple or dict")
        return []
    attributes = held_by(x)
    if callable(x) and not attributes and not dataclasses.is_dataclass(x) and hasattr(x, "__self__"):
        attributes = [("__self__", x.__self__)]  # a bound method: the model whose method it is
    return [(f"{name}.{key}" if name else key, child) for key, child in attributes]


def frozen(x):
    """Return what a tape shall keep of ``x``: copies of the arrays and lists in it, which the caller may change later.

    >>> index = [0, np.array([1])]
    >>> kept = frozen(index)
    >>> index[1][0] = 5
    >>> kept
    [0, array([1])]
    """

    def copied(leaf):
        return np.array(leaf) if isinstance(leaf, (np.ndarray, array)) and not stands_in(leaf) else leaf

    return at_leaves(copied, x)
