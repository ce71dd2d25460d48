"""What a function reaches of Python's state: variables, attributes, items; and whether all of it still is the same.

Closure cells, globals named in the code of the function and of those that it reaches, defaults, attributes of objects,
items of lists and dicts are compared by identity, in one expression that is written out:

    g["scale"] is x3 and d["p"] is x4 and len(l) == 2 and ...

NumPy, SciPy, the standard library and minigrad are not entered; objects of classes that hold their state elsewhere
(iterators, classes written in C) are compared by identity alone.
"""

import builtins
import collections
import contextvars
import copy
import functools
import operator
import sys
import types

import numpy as np

from ...core.storage import Storage, stands_in
from ...optimise import standing
from .kinds import (  # fmt: skip
    BLIND, BLIND_ATTRIBUTES, BOUND, CACHED, CLOSED, CONTAINERS, DYNAMIC, ENTERED, GENERATORS, GETTERS, NAMED,
    called_unnamed, classes_of, dict_of, full_name, holds_all, is_constant, is_in_c, is_of, is_opaque, names_in,
    of_library, parts_of, root_of, slots_of,
)

LIMIT = 3000  # comparisons; what reaches more is not watched
MUCH = 1 << 20  # bytes of arrays whose numbers are compared themselves


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


class Element(Place):
    """An element of a tuple, which stands in a place itself: there another tuple is put, or the very same again."""

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
    tests : list of (code of a comparison, what it is about for people, the same as Standings for compiled code)
    bound : dict, name in the code -> object
    arrays : list of (Place, ndarray) that are not the parameters' own, and in whose place what is traced may stand
    others : list of ndarrays in whose place nothing may stand: what is done to their numbers is not seen
    left : list of (Place or None, what stands in for an array), left there by a function that was traced
    generators : list of generators of random numbers
    """

    def __init__(self, roots, parameters):
        self.parameters = parameters
        self.tests, self.bound, self.names_of = [], {}, {}
        self.arrays, self.others, self.left, self.generators = [], [], [], []
        self.attributes = set()  # names in the code
        self.instances, self.classes, self.modules = {}, {}, {}
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

    def test(self, code, what, *stands):
        if len(self.tests) >= LIMIT:
            raise TooMuch("the loss reaches more of Python's state than is worth watching")
        self.tests.append((code, what, stands))

    def item(self, holder, key, what, place=True):
        """Watch an item of a dict or a list; ``place``: whether something else may stand there for a while."""
        value, code = holder[key], repr(key) if type(key) in (str, int) else self.name(key)
        self.test(f"{self.name(holder)}[{code}] is {self.name(value)}", what, standing.item(holder, key, value))
        self.meet(value, what, Place(holder, key, True) if place else None)

    def attribute(self, holder, key, what, place=True):
        value = getattr(holder, key)
        self.test(f"{self.name(holder)}.{key} is {self.name(value)}", what, standing.field(holder, value))
        self.meet(value, what, Place(holder, key, False) if place else None)

    # ------------------------------------------------------------------------------------ walking
    def meet(self, x, what, place):
        """Note what has been found somewhere."""
        if stands_in(x):
            self.left.append((place, x))
        elif is_of(x, np.ndarray):
            self.array(x, what, place)
        elif is_of(x, GENERATORS):
            self.generators.append(x)
        elif not is_constant(x):
            self.later(x, what, place)

    def later(self, x, what, place):
        if id(x) not in self.seen:
            self.seen[id(x)] = x
            self.waiting.append((x, what, place))

    def array(self, x, what, place):
        """Watch an array: what is done to it is seen, if what is traced may stand in its place; else its numbers."""
        if type(x) is np.ndarray and place is not None and x.dtype.kind in "fciub":
            self.arrays.append((place, x))
        elif not any(x is other for other in self.others):
            self.others.append(x)
            if sum([other.nbytes for other in self.others]) > MUCH:
                raise TooMuch(f"{what} is a large {type(x).__name__} of {x.dtype}, into which nobody can look")
        if type(x) is not np.ndarray:
            self.later(x, what, None)
        if x.dtype.kind == "O":
            for part in x.flat:
                self.meet(part, what, None)

    def walk(self):
        """Go on until nothing new is found: code that is found late may name attributes of what was found before."""
        while self.waiting:
            while self.waiting:
                self.enter(*self.waiting.pop())
            for x, what, watched in list(self.instances.values()):
                self.look_into(x, what, watched)
            for x, what, watched in list(self.modules.values()):
                for name in sorted((self.attributes & {*vars(x)}) - watched):
                    watched.add(name)
                    self.of_library(x, name, f"{what}.{name}")

    def enter(self, x, what, place):
        """Watch what an object holds."""
        if is_opaque(type(x)):
            raise TooMuch(f"{what or 'the loss'} is a {type(x).__name__}, whose state nobody can compare")
        if is_of(x, types.FunctionType):
            self.function(x, what)
        elif is_of(x, Storage):
            if id(x) not in self.parameters:
                self.attribute(x, "_value", what)
        elif is_of(x, CONTAINERS):
            self.container(x, what, place)
        else:
            self.parts(x, what)
        if is_of(x, NAMED) and of_library(x):
            if is_of(x, types.ModuleType):
                self.modules[id(x)] = x, what, set()
            return
        if not is_of(x, NAMED):
            if is_of(x, CLOSED) or is_in_c(type(x)) and not dict_of(x):
                return
            self.test(f"{self.name(x)}.__class__ is {self.name(type(x))}", what, standing.field(x, type(x)))
        self.instances[id(x)] = x, what, set()
        self.look_into(*self.instances[id(x)])

    def parts(self, x, what):
        """Watch what stands behind a method, a cache and the like."""
        if is_of(x, GETTERS):
            self.attributes.add("getattr")
        if is_of(x, functools.partial):
            for key in ("func", "args", "keywords"):
                self.attribute(x, key, what, False)
        if is_of(x, memoryview):
            self.test(f"{self.name(x)}.tobytes() == {self.name(x.tobytes())}", what)
        if is_of(x, CACHED):  # one that is emptied computes again
            self.test(f"{self.name(x)}.cache_info().misses == {x.cache_info().misses}", what)
        if is_of(x, contextvars.ContextVar):
            value = x.get(None)
            self.test(f"{self.name(x)}.get(None) is {self.name(value)}", what)
            self.meet(value, what, None)
        for part in parts_of(x):
            self.meet(part, what, None)

    def container(self, x, what, place):
        """Watch the items of a container."""
        if is_of(x, (dict, types.MappingProxyType)):
            self.test(f"[*{self.name(x)}] == {self.name([*x])}", what)
            for key in x:
                self.meet(key, what, None)
                self.item(x, key, f"{what}[{key!r}]", is_of(x, dict))
            if is_of(x, collections.defaultdict):
                self.attribute(x, "default_factory", what, False)
        elif is_of(x, (list, collections.deque)):
            self.test(f"len({self.name(x)}) == {len(x)}", what, standing.size(x, len(x)))
            for k in range(len(x)):
                self.item(x, k, f"{what}[{k}]")
        elif is_of(x, (tuple, frozenset, set)):
            if is_of(x, set):  # which may change, and be gone through in another order
                self.test(f"[*{self.name(x)}] == {self.name([*x])}", what)
            for k, part in enumerate(x):
                inside = Element(place, x, k) if place is not None and is_of(x, tuple) else None
                self.meet(part, f"{what}[{k}]", inside)
        else:  # of what can be compared
            self.test(f"{self.name(x)} == {self.name(copy.copy(x))}", what)

    def function(self, f, what):
        """Watch what a function sees: its closure, its defaults and, if it is the user's, globals."""
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or ()):
            try:
                self.attribute(cell, "cell_contents", name)
            except ValueError:  # without a value yet
                self.test(f"{self.name(cell)} == {self.name(types.CellType())}", name)
        if of_library(f) and not f.__code__.co_filename.startswith("<"):
            return
        for key in ("__code__", "__defaults__", "__kwdefaults__"):
            self.test(f"{self.name(f)}.{key} is {self.name(getattr(f, key))}", what, standing.of_function(f, key))
        if f.__defaults__:
            names = f.__code__.co_varnames[: f.__code__.co_argcount][-len(f.__defaults__) :]
            for k, (name, value) in enumerate(zip(names, f.__defaults__)):
                self.meet(value, name, Element(Place(f, "__defaults__", False), f.__defaults__, k))
        if f.__kwdefaults__:
            self.meet(f.__kwdefaults__, what, None)
        self.code(f)

    def code(self, f):
        """Watch the variables and the modules that the code of a function names."""
        names, attributes, modules = names_in(f.__code__)
        self.attributes |= attributes
        blind = [name for name in names if name in BLIND and name not in f.__globals__]
        if blind or attributes & BLIND_ATTRIBUTES:
            asked = f"{blind[0]}()" if blind else min(attributes & BLIND_ATTRIBUTES)
            raise TooMuch(f"the loss, or what it calls, asks {asked} for variables that its code does not name")
        for name in names:
            if name in f.__globals__:
                self.item(f.__globals__, name, name)
                continue
            self.test(f"{name!r} not in {self.name(f.__globals__)}", name, standing.absent(f.__globals__, name))
            if name in vars(builtins):
                self.item(vars(builtins), name, name)
        for level, name in modules:
            name = full_name(level, name, f.__globals__)
            same = standing.item(sys.modules, name, sys.modules.get(name, standing.ABSENT))
            self.test(f"{self.name(sys.modules)}.get({name!r}) is {self.name(sys.modules.get(name))}", name, same)
            for k in range(name.count(".") + 1):  # import a.b gives a
                self.meet(sys.modules.get(name.rsplit(".", k)[0]), name, None)

    def look_into(self, x, what, watched):
        """Watch the attributes of an object, of a class or of a module that the code names; of some things all."""
        held, classes, is_module = dict_of(x), classes_of(x), is_of(x, types.ModuleType)
        if None not in watched:
            watched.add(None)
            self.numbers_of_attributes(x, held, classes, what)
        every = holds_all(x) or self.attributes & DYNAMIC or hasattr(type(x), "__getattr__") or "__getattr__" in held
        names = set(self.attributes) | called_unnamed(classes, every)
        if "__getattr__" in held:  # of a module
            names.add("__getattr__")
        if every:
            names |= {*slots_of(type(x)), *[name for name in held if not is_module or not is_of(held[name], NAMED)]}
        for name in sorted(names - watched):
            watched.add(name)
            self.named(x, name, held, classes, f"{what}.{name}" if what else name)

    def of_library(self, module, name, what):
        """Watch what a module of a library holds under a name; into its functions and classes nobody looks."""
        value, held = vars(module)[name], vars(module)
        if is_of(value, (*NAMED, *BOUND)) or is_constant(value):
            self.test(f"{self.name(held)}[{name!r}] is {self.name(value)}", what, standing.item(held, name, value))
            return
        self.item(held, name, what, False)

    def named(self, x, name, held, classes, what):
        """Watch an attribute of a name: of the object itself, and of all classes that have one."""
        found = [cls for cls in classes if name in vars(cls)]
        place = not of_library(x) or root_of(type(x)) in ENTERED
        if name in held:
            self.item(held, name, what, place)
        elif found and held and name[:2] != "__":
            self.test(f"{name!r} not in {self.name(held)}", what, standing.absent(held, name))
        for cls in found:
            value = vars(cls)[name]
            code, same = f"{self.name(cls)}.__dict__.get({name!r})", standing.of_class(cls, name)
            self.test(f"{code} is {self.name(value)}", what, same)
            self.meet(value, what, Place(cls, name, False))
        if name in slots_of(type(x)):
            if hasattr(x, name):
                self.attribute(x, name, what, place)
            else:
                self.test(f"not hasattr({self.name(x)}, {name!r})", what)

    def numbers_of_attributes(self, x, held, classes, what):
        """Watch how many attributes an object and its classes have, and which classes: a new one may hide another."""
        as_many = standing.size(held, len(held))
        if is_of(x, types.ModuleType):
            self.test(f"len({self.name(held)}) == {len(held)}", what, as_many)
        elif dict_of(x) is held:
            code = f"{self.name(x)}.__dict__ is {self.name(held)} and len({self.name(held)}) == {len(held)}"
            self.test(code, what, standing.field(x, held), as_many)
        for cls in classes:
            if id(cls) not in self.classes:
                self.classes[id(cls)] = cls
                name, count, mro = self.name(cls), len(vars(cls)), self.name(cls.__mro__)
                same = standing.size(vars(cls), count), standing.field(cls, cls.__mro__)
                self.test(f"len({name}.__dict__) == {count} and {name}.__mro__ is {mro}", what, *same)
