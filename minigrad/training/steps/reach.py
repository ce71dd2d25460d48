"""What a function reaches of Python's state: variables, attributes, items; and whether all of it still is the same.

Closure cells, globals named in the code of the function and of those that it reaches, defaults, attributes of objects,
items of lists and dicts are compared by identity, in one expression that is written out:

    g["scale"] is x3 and d["p"] is x4 and len(l) == 2 and ...

NumPy, SciPy, the standard library and minigrad are not entered; objects of classes that hold their state elsewhere
(iterators, classes written in C) are compared by identity alone.
"""

import array
import builtins
import collections
import copy
import functools
import operator
import random
import sys
import types
import weakref

import numpy as np

from ...core.params import Params
from ...core.storage import Storage, stands_in
from ...readers.own_functions import names_in

ENTERED = {__name__.partition(".")[0], "argparse", "types"}  # libraries whose objects hold the user's state
LIMIT = 3000  # comparisons; what reaches more is not watched
LIBRARIES = frozenset({"numpy", "scipy", "pandas", __name__.partition(".")[0], *sys.stdlib_module_names}) - {"__main__"}
VALUES = (
    *(int, float, complex, bool, str, bytes, type(None), np.generic, np.dtype, np.ufunc, range, slice),
    *(types.BuiltinFunctionType, types.MethodDescriptorType, types.CodeType, type(Ellipsis)),
)
DYNAMIC = {"getattr", "vars", "__dict__", "__getattr__", "__getattribute__", "setattr"}  # attributes that no code names
GETTERS = operator.attrgetter, operator.methodcaller
GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)
CLOSED = (Storage, Params, types.FunctionType, types.MethodType)  # whose attributes are no state of the user's
CONTAINERS = (dict, list, collections.deque, tuple, frozenset, set, bytearray, array.array)
HEAP_TYPE = 1 << 9  # a flag of classes that are written in Python: an object of one may get another
UNCALLED = {"__init__", "__new__", "__repr__", "__str__", "__reduce__", "__reduce_ex__", "__init_subclass__", "__del__"}


class TooMuch(Exception):
    """More can be reached than is worth watching, or than is known."""


class Place:
    """Where something stands: an item of ``holder``, or an attribute of it."""

    def __init__(self, holder, key, item):
        self.holder, self.key, self.item = holder, key, item

    def get(self):
        return self.holder[self.key] if self.item else getattr(self.holder, self.key)

    def put(self, x):
        if self.item:
            self.holder[self.key] = x
        else:
            setattr(self.holder, self.key, x)


class Default(Place):
    """A default of a function, which stands in a tuple."""

    def __init__(self, function, key):
        super().__init__(function, key, True)

    def get(self):
        return self.holder.__defaults__[self.key]

    def put(self, x):
        before = self.holder.__defaults__
        self.holder.__defaults__ = *before[: self.key], x, *before[self.key + 1 :]


class Element(Place):
    """An element of a tuple, which stands in a place itself: there another tuple is put."""

    def __init__(self, place, whole, key):
        super().__init__(place, key, True)
        self.whole = whole

    def get(self):
        return self.holder.get()[self.key]

    def put(self, x):
        now = self.holder.get()
        new = [*now[: self.key], x, *now[self.key + 1 :]]
        same = all(map(operator.is_, new, self.whole))
        self.holder.put(self.whole if same else tuple.__new__(type(self.whole), new))


class Reached:
    """All that functions can reach now.

    Parameters
    ----------
    roots : dict, name -> function or object to start from
    parameters : set of ids of Tensors whose arrays may change

    Attributes
    ----------
    tests : list of (code of a comparison, what it is about for people)
    bound : dict, name in the code -> object
    arrays : list of (Place or None, ndarray) that are not the parameters' own
    left : list of (Place or None, what stands in for an array), left there by a function that was traced
    generators : list of generators of random numbers
    """

    def __init__(self, roots, parameters):
        self.parameters = parameters
        self.tests, self.bound, self.names_of = [], {}, {}
        self.arrays, self.left, self.generators = [], [], []
        self.attributes, self.classes = set(), {}  # names in the code; id of a class -> (class, names watched, where)
        self.instances = {}
        self.seen, self.waiting = {}, []
        for name, root in roots.items():
            self.meet(root, name, None)
        self.walk()

    # ------------------------------------------------------------------------------------ comparisons
    def name(self, x):
        """Return the name that an object has in the code of the comparisons."""
        if id(x) not in self.names_of:
            self.names_of[id(x)] = name = f"x{len(self.bound)}"
            self.bound[name] = x
        return self.names_of[id(x)]

    def test(self, code, what):
        if len(self.tests) >= LIMIT:
            raise TooMuch("the loss reaches more of Python's state than is worth watching")
        self.tests.append((code, what))

    def item(self, holder, key, what):
        """Watch an item of a dict or a list."""
        value, code = holder[key], repr(key) if type(key) in (str, int) else self.name(key)
        self.test(f"{self.name(holder)}[{code}] is {self.name(value)}", what)
        self.meet(value, what, Place(holder, key, True))

    def attribute(self, holder, key, what):
        value = getattr(holder, key)
        self.test(f"{self.name(holder)}.{key} is {self.name(value)}", what)
        self.meet(value, what, Place(holder, key, False))

    # ------------------------------------------------------------------------------------ walking
    def meet(self, x, what, place):
        """Note what has been found somewhere."""
        if stands_in(x):
            self.left.append((place, x))
        elif isinstance(x, np.ndarray):
            if type(x) is np.ndarray:
                self.arrays.append((place, x))
        elif isinstance(x, GENERATORS):
            self.generators.append(x)
        elif not isinstance(x, VALUES) and id(x) not in self.seen:
            self.seen[id(x)] = x
            self.waiting.append((x, what, place))

    def walk(self):
        """Go on until nothing new is found: code that is found late may name attributes of what was found before."""
        while self.waiting:
            while self.waiting:
                self.enter(*self.waiting.pop())
            for x, what, watched in list(self.instances.values()):
                self.look_into(x, what, watched)

    def enter(self, x, what, place):
        """Watch what an object holds."""
        if isinstance(x, types.FunctionType):
            self.function(x, what)
        elif isinstance(x, Storage):
            if id(x) not in self.parameters:
                self.attribute(x, "_value", what)
        elif isinstance(x, CONTAINERS):
            self.container(x, what, place)
        else:
            if isinstance(x, GETTERS):
                self.attributes.add("getattr")
            for part in parts_of(x):
                self.meet(part, what, None)
        if not of_library(x) or root_of(type(x)) in ENTERED and not isinstance(x, (*CLOSED, type, types.ModuleType)):
            if type(x).__flags__ & HEAP_TYPE and not isinstance(x, (type, types.ModuleType)):
                self.test(f"{self.name(x)}.__class__ is {self.name(type(x))}", what)
            self.instances[id(x)] = x, what, set()
            self.look_into(*self.instances[id(x)])

    def container(self, x, what, place):
        """Watch the items of a container."""
        if isinstance(x, dict):
            self.test(f"[*{self.name(x)}] == {self.name([*x])}", what)
            for key in x:
                self.item(x, key, f"{what}[{key!r}]")
        elif isinstance(x, (list, collections.deque)):
            self.test(f"len({self.name(x)}) == {len(x)}", what)
            for k in range(len(x)):
                self.item(x, k, f"{what}[{k}]")
        elif isinstance(x, (tuple, frozenset)):  # which cannot change
            for k, part in enumerate(x):
                inside = Element(place, x, k) if place is not None and isinstance(x, tuple) else None
                self.meet(part, f"{what}[{k}]", inside)
        else:  # of what can be compared
            self.test(f"{self.name(x)} == {self.name(copy.copy(x))}", what)

    def function(self, f, what):
        """Watch what a function sees: its closure, its defaults and, if it is the user's, globals."""
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or ()):
            try:
                self.attribute(cell, "cell_contents", name)
            except ValueError:  # without a value yet
                pass
        if root_of(f) in LIBRARIES and not f.__code__.co_filename.startswith("<"):
            return
        self.test(f"{self.name(f)}.__code__ is {self.name(f.__code__)}", what)
        if f.__defaults__:
            self.test(f"{self.name(f)}.__defaults__ is {self.name(f.__defaults__)}", what)
            names = f.__code__.co_varnames[: f.__code__.co_argcount][-len(f.__defaults__) :]
            for k, (name, value) in enumerate(zip(names, f.__defaults__)):
                self.meet(value, name, Default(f, k))
        if f.__kwdefaults__:
            self.meet(f.__kwdefaults__, what, None)
        self.attributes |= attributes_in(f.__code__)
        for name in names_in(f.__code__):
            if name in ("globals", "locals", "eval", "exec") and name not in f.__globals__:
                raise TooMuch(f"the loss, or what it calls, asks {name}() for variables that its code does not name")
            if name in f.__globals__:
                self.item(f.__globals__, name, name)
            elif hasattr(builtins, name):
                self.test(f"{name!r} not in {self.name(f.__globals__)}", name)

    def look_into(self, x, what, watched):
        """Watch the attributes of an object, of a class or of a module that the code names."""
        held, is_object = getattr(x, "__dict__", ()), not isinstance(x, (type, types.ModuleType))
        every = is_object and (of_library(x) or self.attributes & DYNAMIC or hasattr(type(x), "__getattr__"))
        if every and held != () and None not in watched:
            watched.add(None)
            self.test(f"len({self.name(held)}) == {len(held)}", what)
        names = {*held} if every else set(self.attributes)
        if is_object and not of_library(x):
            names |= called_unnamed(type(x), every)
        for name in sorted(names - watched):
            watched.add(name)
            where = f"{what}.{name}" if what else name
            if name in held and not isinstance(x, type):
                self.item(held, name, where)
                continue
            self.in_class(type(x) if is_object else x if isinstance(x, type) else types.ModuleType, name, where)
            if is_object and held != () and hasattr(type(x), name):
                self.test(f"{name!r} not in {self.name(held)}", where)
            if is_object and is_slot(type(x), name) and hasattr(x, name):
                self.attribute(x, name, where)

    def in_class(self, kind, name, what):
        """Watch an attribute of a class of the user's."""
        for cls in kind.__mro__:
            if name in vars(cls):
                if root_of(cls) not in LIBRARIES:
                    value = vars(cls)[name]
                    self.test(f"{self.name(cls)}.__dict__.get({name!r}) is {self.name(value)}", what)
                    self.meet(value, what, Place(cls, name, False))
                return




def parts_of(x):
    """Return the objects that stand behind a method, a property and the like."""
    if isinstance(x, types.MethodType):
        return x.__func__, x.__self__
    if isinstance(x, functools.partial):
        return x.func, x.args, x.keywords
    if isinstance(x, Params):
        return (x._tensors,)
    if isinstance(x, (staticmethod, classmethod)):
        return (x.__func__,)
    if isinstance(x, property):
        return (x.fget,)
    if isinstance(x, weakref.ref):
        return (x(),)
    return (x.__wrapped__,) if hasattr(x, "__wrapped__") else ()  # functools.lru_cache


def root_of(x):
    """Return the name of the package that a function or class belongs to."""
    return (getattr(x, "__module__", None) or "").partition(".")[0]


def of_library(x):
    """Say whether an object, a class or a module is a library's."""
    if isinstance(x, types.ModuleType):
        return x.__name__.partition(".")[0] in LIBRARIES
    return root_of(x if isinstance(x, type) else type(x)) in LIBRARIES


def attributes_in(code):
    """Return all names in a code, and in the functions in it, that may be those of attributes."""
    found = set(code.co_names)
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            found |= attributes_in(inner)
    return found


def is_slot(kind, name):
    return any(isinstance(vars(cls).get(name), types.MemberDescriptorType) for cls in kind.__mro__)


def called_unnamed(kind, every):
    """Return the names in classes of the user's that no code names: ``__call__``, ``__getitem__``; ``every``: all."""
    return {
        name
        for cls in kind.__mro__
        if root_of(cls) not in LIBRARIES
        for name, value in vars(cls).items()
        if (name not in UNCALLED and isinstance(value, types.FunctionType) if name[:2] == "__" else every)
    }
