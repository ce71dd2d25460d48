"""What an optimiser holds, whoever has written it: plain values, state by parameter, and what has a state inside.

Everything that an object holds is one of these, or is code, or is refused by name: nothing is passed over silently.
"""

import functools
import types
from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from ..core.storage import Storage
from ..iddict import IdDict
from .rules import AbstractOptimiser

# fmt: off
CODE = (
    type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.MethodWrapperType,
    np.ufunc,
)
# fmt: on
FIXED = tuple, functools.partial  # what cannot be given other parts


class Parts(NamedTuple):
    """What an object holds, each by name."""

    plain: dict  # numbers, texts, arrays, and lists, tuples and dicts of them
    kept: dict  # IdDicts: state by parameter
    inside: dict  # what has parts of its own


def parts_of(x, parameters, where, outer=()):
    """Return the Parts of an optimiser or of whatever it holds.

    Parameters
    ----------
    x : an optimiser, a container, or an object whose attributes are all it knows
    parameters : set of the ids of the model's Tensors and arrays, which are not the optimiser's to save
    where : str, the place of ``x``, for the message about what cannot be saved
    outer : the objects that ``x`` is inside of; what leads back to one of them is passed over

    Raises TypeError for what can be neither saved nor passed over, naming its place.
    """
    built_in = isinstance(x, AbstractOptimiser)
    parts = Parts({}, {}, x._inside() if built_in else {})
    for name, value in held_by(x, where).items():
        if isinstance(value, CODE):
            value = getattr(value, "__self__", None)  # a method may hold what has a state, as rng.normal does
            if value is None or isinstance(value, CODE):
                continue
        if built_in and name in x._structure or id(value) in parameters or any(value is o for o in (x, *outer)):
            continue
        if isinstance(value, IdDict):
            parts.kept[name] = value
        elif is_plain(value, parameters):
            parts.plain[name] = value
        elif not are_parameters(value, parameters):
            parts.inside[name] = value
    return parts


def is_plain(x, parameters=()):
    """Say whether ``x`` is a number, text or array, or a list, tuple or dict of them that holds no parameter."""
    if type(x) is np.ndarray or isinstance(x, np.generic):
        return x.dtype.kind in "biufc" and id(x) not in parameters
    if type(x) in (list, tuple):
        return all(is_plain(child, parameters) for child in x)
    if type(x) is dict:
        return all(is_plain(key) and is_plain(child, parameters) for key, child in x.items())
    return x is None or type(x) in (bool, int, float, complex, str)


def are_parameters(x, parameters):
    """Say whether ``x`` is a Params, or some other collection of parameters alone."""
    if isinstance(x, (Storage, np.ndarray)) or not isinstance(x, Collection):
        return False
    return len(x) > 0 and all(id(child) in parameters for child in x)


def held_by(x, where):
    """Return a dict of what ``x`` holds, or raise if some of it is out of sight: in C, or behind ``__reduce__``."""
    kind = type(x)
    if kind in (list, tuple):
        return {str(i): child for i, child in enumerate(x)}
    if kind is dict and all(type(key) in (str, int) for key in x) and len(set(map(str, x))) == len(x):
        return {str(key): child for key, child in x.items()}
    if kind is functools.partial:
        return {"func": x.func, **{str(i): child for i, child in enumerate(x.args)}, **x.keywords}
    if kind.__reduce__ is object.__reduce__ and kind.__reduce_ex__ is object.__reduce_ex__:
        try:
            _, made_of, state, *items = x.__reduce_ex__(2)
            attributes, slots = state if type(state) is tuple else (state, None)
            if made_of == (kind,) and items == [None, None]:
                return {**(attributes or {}), **(slots or {})}
        except (TypeError, ValueError):  # no object that attributes make
            pass
    raise cannot_be_saved(x, where)


def cannot_be_saved(x, where):
    what = f"an array of {x.dtype}" if type(x) is np.ndarray else f"a {type(x).__name__}"
    return TypeError(
        f"{where} is {what}, which cannot be saved. Numbers, texts, arrays, lists, tuples and dicts of them, "
        "IdDicts, random generators, optimisers and objects made of such can be, and functions are passed over; "
        "a __getstate__ in the class that holds it may leave out what is no state"
    )


def kind_of(x):
    """Return the name under which the kind of ``x`` is saved."""
    return type(getattr(x, "bit_generator", x) if isinstance(x, np.random.Generator) else x).__name__


def place(x, name):
    """Return how the part ``name`` of ``x`` is written behind ``x``."""
    return f"[{name}]" if isinstance(x, (list, tuple, dict)) or name.isdigit() else f".{name}"


def put(x, name, value):
    """Let the part ``name`` of ``x`` be ``value``."""
    if isinstance(x, list):
        x[int(name)] = value
    elif isinstance(x, dict):
        x[next(key for key in x if str(key) == name)] = value
    elif isinstance(x, AbstractOptimiser):
        setattr(x, name, value)  # which checks it
    else:
        object.__setattr__(x, name, value)  # frozen ones too


# --------------------------------------------------------- plain values in what every file format can hold
def marked(x, where):
    """Return a copy of a plain value made of numbers, texts, arrays, and lists and dicts that say what they were.

    >>> marked((1, [2.0]), "x")
    {'tuple': [1, {'list': [2.0]}]}
    """
    if type(x) in (list, tuple):
        return {type(x).__name__: [marked(child, where) for child in x]}
    if type(x) is dict:
        return {"dict": [[marked(key, where), marked(child, where)] for key, child in x.items()]}
    if isinstance(x, Storage):
        return {"Tensor": np.array(x.data)}
    if not is_plain(x):
        raise cannot_be_saved(x, where)
    return np.array(x) if type(x) is np.ndarray else x


def unmarked(x, tensor=np.array):
    """Return a copy of the value that was marked; lists without a mark were tuples.  ``tensor`` makes Tensors.

    >>> unmarked({"tuple": [1, {"list": [2.0]}]})
    (1, [2.0])
    """
    if isinstance(x, dict):
        ((kind, x),) = x.items()
        if kind == "dict":
            return {unmarked(key): unmarked(child, tensor) for key, child in x}
        if kind == "Tensor":
            return tensor(x)
        return {"list": list, "tuple": tuple}[kind]([unmarked(child, tensor) for child in x])
    if isinstance(x, (list, tuple)):
        return tuple([unmarked(child, tensor) for child in x])
    return np.array(x) if type(x) is np.ndarray else x
