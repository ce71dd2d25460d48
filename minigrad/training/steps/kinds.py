"""What kinds of objects hold state, and where: what code names, whose a class is, what is made of other things.

Whatever is of no kind known here is opaque: its state lies in memory of C, where nobody can compare it.
"""

import _thread
import array
import collections
import contextvars
import dataclasses
import datetime
import decimal
import dis
import functools
import importlib.util
import operator
import random
import re
import sys
import types
from typing import NamedTuple

import numpy as np

from ...core.params import Params
from ...core.storage import Storage
from ...core.trees import names_of_fields, parts

OURS = __name__.partition(".")[0]
LIBRARIES = frozenset({"numpy", "scipy", "numba", "pandas", OURS, *sys.stdlib_module_names}) - {"__main__"}
ENTERED = {OURS, "argparse", "collections", "types"}  # libraries whose objects are the user's
NAMED = (types.FunctionType, type, types.ModuleType)  # of whose attributes only those count that the code names
CLOSED = (Storage, Params, types.MethodType)  # whose attributes are no state of the user's
GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)
CONTAINERS = (dict, types.MappingProxyType, list, collections.deque, tuple, frozenset, set, bytearray, array.array)
CONSTANT = (
    *(int, float, complex, bool, str, bytes, type(None), np.generic, np.dtype, range, slice, type(Ellipsis)),
    *(types.CodeType, type(NotImplemented), types.GenericAlias, re.Pattern, re.Match, decimal.Decimal),
    *(datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo, _thread.LockType, type(_thread.RLock())),
    *(types.MethodDescriptorType, types.WrapperDescriptorType, types.GetSetDescriptorType, types.MemberDescriptorType),
    *(types.ClassMethodDescriptorType, operator.itemgetter, type(collections.namedtuple("Pair", "x").x)),
)
BOUND = types.BuiltinFunctionType, types.MethodWrapperType  # functions in C, of an object as a rule
VIEWS = type({}.keys()), type({}.values()), type({}.items())
CACHED = type(functools.lru_cache(int))
GETTERS = operator.attrgetter, operator.methodcaller
HELD = (
    *(np.ndarray, Storage, *CONTAINERS, *CONSTANT, *BOUND, *VIEWS, *GENERATORS, *NAMED, *CLOSED),
    *(CACHED, contextvars.ContextVar, memoryview, functools.partial, property, staticmethod, classmethod, super),
    *(*GETTERS, types.SimpleNamespace, BaseException),
)
DYNAMIC = {"getattr", "vars", "__dict__", "__getattr__", "__getattribute__", "setattr"}  # attributes that no code names
BLIND = {"globals", "locals", "eval", "exec", "__import__"}  # what gives variables that no code names
BLIND_ATTRIBUTES = {"__globals__", "f_globals", "f_locals", "import_module", "currentframe", "_getframe"}
GLOBALS = {"LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}
UNCALLED = {"__init__", "__new__", "__repr__", "__str__", "__reduce__", "__reduce_ex__", "__init_subclass__", "__del__"}
UNCALLED |= {"__module__", "__doc__", "__dict__", "__weakref__", "__slots__", "__qualname__", "__annotations__"}
WRITTEN_IN_C = types.WrapperDescriptorType, types.MethodDescriptorType


def is_constant(x):
    """Say whether an object cannot change: a number, a text, a function in C that belongs to nothing.

    >>> is_constant(1.0), is_constant([1.0].pop), is_constant(type("Number", (float,), {})(1.0))
    (True, False, False)
    """
    if isinstance(x, BOUND):
        return x.__self__ is None or isinstance(x.__self__, (type, types.ModuleType))
    if isinstance(x, np.ufunc):
        return not x.__name__.endswith("(vectorized)")  # np.frompyfunc: of a function of Python's
    if is_of(x, CONSTANT):
        return not hasattr(x, "__dict__")
    return root_of(type(x)) in ("numpy", "numba") and callable(x) and is_opaque(type(x))  # a function of theirs


def is_of(x, kinds):
    """Say what isinstance does, and ask no object for its ``__class__``."""
    return issubclass(type(x), kinds)


@functools.lru_cache(maxsize=1000)
def is_opaque(kind):
    """Say whether objects of a class hold state in memory of C that is not known here.

    >>> is_opaque(type(iter([]))), is_opaque(list)
    (True, False)
    """
    return any(is_in_c(cls) and cls is not object and not issubclass(cls, HELD) for cls in kind.__mro__)


@functools.lru_cache(maxsize=1000)
def is_in_c(kind):
    """Say whether a class is written in C."""
    return any(isinstance(value, WRITTEN_IN_C) for value in vars(kind).values())


def parts_of(x):
    """Return the objects that stand behind a method, a property and the like."""
    if isinstance(x, types.MethodType):
        return x.__func__, x.__self__
    if isinstance(x, BOUND):
        return (x.__self__,)
    if isinstance(x, Params):
        return (x._tensors,)
    if isinstance(x, (staticmethod, classmethod)):
        return (x.__func__,)
    if isinstance(x, property):
        return (x.fget,)
    if isinstance(x, (*VIEWS, memoryview)):
        return (x.mapping if isinstance(x, VIEWS) else x.obj,)
    return (x.__wrapped__,) if isinstance(x, CACHED) else ()


def root_of(x):
    """Return the name of the package that a function or class belongs to."""
    name = getattr(x, "__module__", None)
    return name.partition(".")[0] if isinstance(name, str) else ""


def of_library(x):
    """Say whether an object, a class, a function or a module is a library's."""
    if is_of(x, types.ModuleType):
        return x.__name__.partition(".")[0] in LIBRARIES
    return root_of(x if is_of(x, (type, types.FunctionType)) else type(x)) in LIBRARIES


def dict_of(x):
    """Return the attributes that an object, a function or a module has itself; of a class none."""
    try:
        return {} if is_of(x, type) else object.__getattribute__(x, "__dict__")
    except AttributeError:
        return {}


def holds_all(x):
    """Say whether code of a library's, which nobody looks into, may use whatever attribute an object has."""
    if is_of(x, NAMED):
        return False
    made = [cls for cls in type(x).__mro__ if root_of(cls) in LIBRARIES and not is_in_c(cls)]
    return any(cls.__module__ not in ("abc", "typing") for cls in made)


def classes_of(x):
    """Return the classes of the user's in which an attribute of ``x`` is looked for."""
    found = [*(x.__mro__ if is_of(x, type) else ()), *type(x).__mro__]
    return [cls for cls in found if root_of(cls) not in LIBRARIES]


def codes_in(code):
    """Return a code, and those of the functions in it."""
    return [code, *[each for x in code.co_consts if isinstance(x, types.CodeType) for each in codes_in(x)]]


@functools.lru_cache(maxsize=1000)
def names_in(code):
    """Return the names of variables of a module, of attributes, and [(level, name)] of modules, that a code uses."""
    variables, attributes, modules = {}, set(), {}
    for each in codes_in(code):
        attributes |= {*each.co_names}
        steps = [*dis.get_instructions(each)]
        for k, step in enumerate(steps):
            if step.opname in GLOBALS:
                variables[step.argval] = None
            elif step.opname == "IMPORT_NAME":  # behind the level and the names wanted
                modules[steps[k - 2].argval, step.argval] = None
    return [*variables], attributes, [*modules]


def full_name(level, name, space):
    """Return the whole name of a module that is imported within a module of a package."""
    return importlib.util.resolve_name("." * level + name, space.get("__package__") or "") if level else name


def slots_of(kind):
    """Return the names of a class's slots."""
    return [
        name
        for cls in kind.__mro__
        for name, value in vars(cls).items()
        if isinstance(value, types.MemberDescriptorType) and root_of(cls) not in (OURS, "builtins")
    ]


def called_unnamed(classes, every):
    """Return the names in classes of the user's that no code names: ``__call__``, ``__getitem__``; ``every``: all."""
    return {
        name
        for cls in classes
        for name, value in vars(cls).items()
        if (name not in UNCALLED and not is_constant(value) if name[:2] == "__" else every)
    }



# ---------------------------------------------------------------------------------------- arguments of a step
NUMBERS = (int, float, complex, bool, str, bytes, type(None), slice, range, np.dtype)


def is_number(x):
    """Say whether an argument is told apart by its value, as Python's numbers and texts are."""
    return isinstance(x, (*NUMBERS, np.generic)) and is_constant(x)


def is_data(x):
    """Say whether an argument may hold other numbers at each call: an array, a Tensor, a number of NumPy's.

    >>> [is_data(x) for x in (np.ones(2), np.float32(1.0), np.str_("a"), 1.0)]
    [True, True, False, False]
    """
    return isinstance(x, (np.ndarray, np.number, np.bool_, Storage))


class Kind(NamedTuple):
    """What two containers have in common that run by the same program."""

    of: type
    keys: tuple
    parts: tuple
    besides: tuple


def kind_of(x):
    """Return what two arguments have in common that run by the same program: a tuple that can be hashed."""
    if isinstance(x, (np.ndarray, Storage)):
        array = x if isinstance(x, np.ndarray) else x._value
        return type(x), array.shape, array.dtype.str, array.strides
    if is_data(x):
        return type(x), (), x.dtype.str, ()
    if is_number(x):
        return type(x), x.tobytes() + x.dtype.str.encode() if isinstance(x, np.generic) else repr(x)
    children = parts(x)
    if children is None:
        return type(x), id(x)
    keys = [(type(key), key) for key in x] if isinstance(x, dict) else ()
    held = [(name, kind_of(y) if is_number(y) else id(y)) for name, y in besides(x)]
    return Kind(type(x), tuple(keys), tuple(map(kind_of, children)), tuple(held))


def besides(x):
    """Return [(name, value)] of what a container holds besides its parts."""
    fields = names_of_fields(x) if dataclasses.is_dataclass(x) else ()
    held = [(name, value) for name, value in dict_of(x).items() if name not in fields]
    return [*held, ("default_factory", x.default_factory)] if isinstance(x, collections.defaultdict) else held


def held_besides(x):
    """Return what the containers among arguments are and hold besides their parts."""
    children = parts(x)
    if children is None:
        return []
    inside = [y for child in children for y in held_besides(child)]
    return [*inside, *[y for y in (type(x), *[y for _, y in besides(x)]) if not is_constant(y)]]


def shown(kind):
    """Return what kind_of gives for people.

    >>> shown(kind_of(np.ones((2, 3)))), shown(kind_of([1.5, None]))
    ('ndarray (2, 3) float64', 'list of float 1.5, NoneType None')
    """
    name = kind[0].__name__
    if isinstance(kind, Kind):
        return f"{name} of {', '.join(map(shown, kind.parts))}" if kind.parts else name
    if len(kind) == 4:
        return f"{name} {kind[1]} {np.dtype(kind[2]).name}"
    return f"{name} {kind[1]}" if isinstance(kind[1], str) else name
