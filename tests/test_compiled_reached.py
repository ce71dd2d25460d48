"""What a loss can see of Python, by whatever way: a compiled step follows it, or is made eagerly; never is it stale."""

import builtins
import collections
import contextvars
import ctypes
import dataclasses
import enum
import functools
import gc
import itertools
import logging
import operator
import os
import pathlib
import queue
import sys
import threading
import time
import types
import weakref

import numpy as np
import pytest
from compiled_steps import World, side_by_side, way  # noqa: F401

from minigrad import ADAM, Tensor, compiled, params
from minigrad.nn import Dropout

mean = np.mean
X = np.array([1.0, 2.0, 3.0])


def run(init, factor, change, result=lambda w: None, arguments=lambda w, k: (X,)):
    """Train side by side with a loss that a factor belongs to; return the step. What is left of both is the same."""
    worlds = []

    def build():
        globals().pop("ABSENT", None)
        FACTOR["a"], Batch.scale = 1.5, 1.0
        world = World(W=Tensor([0.5, -1.0, 2.0]))
        init(world)
        worlds.append(world)
        loss = lambda x, *more: mean((world.W * x * factor(world, *more)) ** 2)
        return world, loss, params(world.W), ADAM(0.1), arguments

    step = side_by_side(build, lambda world, ps, opt: change(world))
    assert result(worlds[0]) == result(worlds[1])
    return step


def held(make):
    return lambda w: setattr(w, "h", make())


def to(name, value):
    return lambda w: setattr(w.h, name, value)


# ------------------------------------------------------------------------------------------------------ classes
class Base:
    factor = 2.0
    __slots__ = ()

    def scale(self):
        return FACTOR["a"]


class Derived(Base):
    def scale(self):
        return super().scale() * 2


FACTOR = {"a": 1.5}


class Meta(type):
    factor = 2.0


class WithMeta(metaclass=Meta):
    pass


class Slots:
    __slots__ = ("factor",)

    def __init__(self, factor=None):
        if factor is not None:
            self.factor = factor


@dataclasses.dataclass(slots=True)
class Slotted:
    a: float


class Layer:
    def __init__(self, p=1.0):
        self.p = p

    def __call__(self):
        return self.p


class Called:
    __call__ = Layer()


class Number(float):
    pass


class Own(Dropout):
    pass


class Descriptor:
    def __init__(self):
        self.values = {}

    def __get__(self, x, kind=None):
        return self.values.get(id(x), 1.0)

    def __set__(self, x, value):
        self.values[id(x)] = value


class Described:
    x = Descriptor()


class Partial:
    def f(self, scale):
        return scale * FACTOR["a"]

    g = functools.partialmethod(f, 2.0)


def number(value, **state):
    x = Number(value)
    vars(x).update(state)
    return x


def attribute(w, name="extra"):
    try:
        return w.h.extra
    except AttributeError:
        return 1.0


def new_class(**members):
    return lambda: type("New", (type("Between", (Derived,), members),), {})()


FACTORED = lambda w: FACTOR.update(a=4.0)
CLASSES = {
    "what super() finds, and its globals": (held(Derived), lambda w: w.h.scale(), FACTORED),
    "a method of the base": (
        held(new_class(scale=lambda self: 1.0)),
        lambda w: w.h.scale(),
        lambda w: setattr(type(w.h).__mro__[1], "scale", lambda self: 9.0),
    ),
    "an attribute that hides the base's": (
        held(new_class()),
        lambda w: w.h.factor,
        lambda w: setattr(type(w.h), "factor", 7.0),
    ),
    "other bases": (
        held(new_class()),
        lambda w: w.h.factor,
        lambda w: setattr(type(w.h), "__bases__", (type("C", (Base,), {"factor": 5.0}),)),
    ),
    "a class's attribute that was missing": (
        held(new_class()),
        lambda w: getattr(w.h, "extra", 1.0),
        lambda w: setattr(type(w.h), "extra", 5.0),
    ),
    "an attribute that was missing": (held(Layer), attribute, to("extra", 3.0)),
    "an attribute that was asked for": (
        held(Layer),
        lambda w: w.h.extra if hasattr(w.h, "extra") else 1.0,
        to("extra", 3.0),
    ),
    "all attributes at once": (held(Layer), lambda w: w.h.p, lambda w: setattr(w.h, "__dict__", {"p": 4.0})),
    "a metaclass": (
        held(lambda: setattr(Meta, "factor", 2.0) or WithMeta),
        lambda w: w.h.factor,
        lambda w: setattr(Meta, "factor", 5.0),
    ),
    "a slot by its name": (held(lambda: Slots(1.0)), lambda w: getattr(w.h, "fac" + "tor"), to("factor", 3.0)),
    "a slot that was empty": (
        held(Slots),
        lambda w: w.h.factor if hasattr(w.h, "factor") else 1.0,
        to("factor", 3.0),
    ),
    "an attribute of a number": (held(lambda: number(2.0, extra=1.0)), lambda w: w.h * w.h.extra, to("extra", 3.0)),
    "an object that is called": (
        held(lambda: setattr(Called.__call__, "p", 1.0) or Called()),
        lambda w: w.h(),
        lambda w: setattr(Called.__call__, "p", 3.0),
    ),
    "an attribute of a class, an array": (
        held(lambda: type("New", (), {"a": np.ones(3)})),
        lambda w: w.h.a * 2,
        lambda w: w.h.a.fill(4.0),
    ),
    "a descriptor": (held(Described), lambda w: w.h.x, to("x", 3.0)),
    "a method with arguments of its own": (held(Partial), lambda w: w.h.g(), FACTORED),
    "what a library's class uses": (
        held(lambda: Own(0.0, True)),
        lambda w: mean(w.h(np.ones(3))),
        lambda w: setattr(w.h, "p", 0.5),
    ),
    "a dataclass with slots": (
        held(lambda: Slotted(1.0)),
        lambda w: w.h.a,
        to("a", 3.0),
    ),
}


# ------------------------------------------------------------------------------------------------------ functions
def by_name():
    try:
        return ABSENT  # noqa: F821
    except NameError:
        return 1.0


def with_empty_cell():
    def f():
        try:
            return later
        except NameError:
            return 1.0

    def fill():
        nonlocal later
        later = 3.0

    if False:
        later = 0.0
    f.fill = fill
    return f


def with_attribute():
    f = lambda: f.scale
    f.scale = 1.0
    return f


def importing():
    import of_this_test

    return of_this_test.scale


def importing_from():
    from of_this_test import scale

    return scale


def module(**members):
    made = types.ModuleType("of_this_test")
    vars(made).update(members, scale=1.0)
    sys.modules["of_this_test"] = made
    return made


def keyword(*, a=1.0):
    return a


def setting(f, **state):
    for name, value in state.items():
        setattr(f, name, value)
    return f


@functools.lru_cache
def kept():
    return FACTOR["a"]


VARIABLE = contextvars.ContextVar("of this test", default=1.0)
FUNCTIONS = {
    "a global that was missing": (
        held(lambda: by_name),
        lambda w: w.h(),
        lambda w: globals().update(ABSENT=3.0),
    ),
    "a variable without a value": (held(with_empty_cell), lambda w: w.h(), lambda w: w.h.fill()),
    "an attribute of a function": (held(with_attribute), lambda w: w.h(), to("scale", 3.0)),
    "defaults by keyword, all at once": (
        held(lambda: setting(keyword, __kwdefaults__={"a": 1.0})),
        lambda w: w.h(),
        to("__kwdefaults__", {"a": 3.0}),
    ),
    "a module imported inside": (held(module), lambda w: importing(), to("scale", 3.0)),
    "a name imported inside": (held(module), lambda w: importing_from(), to("scale", 3.0)),
    "a module exchanged": (held(module), lambda w: importing(), lambda w: setattr(module(), "scale", 5.0)),
    "a module's attribute that was missing": (
        held(module),
        lambda w: w.h.extra if hasattr(w.h, "extra") else 1.0,
        to("extra", 3.0),
    ),
    "a module's __getattr__": (
        held(lambda: module(__getattr__=lambda name: FACTOR["a"])),
        lambda w: w.h.anything,
        FACTORED,
    ),
    "a cache that is emptied": (
        held(lambda: kept.cache_clear() or kept()),
        lambda w: kept(),
        lambda w: FACTOR.update(a=4.0) or kept.cache_clear(),
    ),
    "a context's variable": (held(lambda: VARIABLE.set(1.0)), lambda w: VARIABLE.get(), lambda w: VARIABLE.set(3.0)),
    "a method of a dict": (
        held(lambda: {"a": 1.0}.get),
        lambda w: w.h("a"),
        lambda w: w.h.__self__.update(a=3.0),
    ),
    "a method of a list": (
        held(lambda: [1.0].__getitem__),
        lambda w: w.h(0),
        lambda w: w.h.__self__.__setitem__(0, 3.0),
    ),
    "what a partial function is": (
        held(lambda: functools.partial(operator.mul, 1.0, 2.0)),
        lambda w: w.h(),
        lambda w: w.h.__setstate__((operator.mul, (5.0, 2.0), {}, {})),
    ),
    "an array among arguments given before": (
        held(lambda: functools.partial(lambda a: a * 2, np.ones(3))),
        lambda w: w.h(),
        lambda w: w.h.args[0].fill(5.0),
    ),
    "a function of NumPy's that calls Python's": (
        held(lambda: np.vectorize(lambda x: x * FACTOR["a"])),
        lambda w: float(w.h(1.0)),
        FACTORED,
    ),
}


# ------------------------------------------------------------------------------------------------------ containers
def set_first(layers, p):
    next(iter(layers)).p = p


FIELDS = np.dtype([("a", "f8"), ("b", "i4")])
CONTAINERS = {
    "objects in a set": (held(lambda: {Layer()}), lambda w: sum(x.p for x in w.h), lambda w: set_first(w.h, 3.0)),
    "objects as keys": (held(lambda: {Layer(): 1}), lambda w: sum(x.p for x in w.h), lambda w: set_first(w.h, 3.0)),
    "a dict behind a proxy": (
        lambda w: (setattr(w, "d", {"a": 1.0}), setattr(w, "h", types.MappingProxyType(w.d))),
        lambda w: w.h["a"],
        lambda w: w.d.update(a=3.0),
    ),
    "the values of a dict": (
        lambda w: (setattr(w, "d", {"a": 1.0}), setattr(w, "h", w.d.values())),
        lambda w: sum(w.h),
        lambda w: w.d.update(a=3.0),
    ),
    "the keys of a dict": (
        lambda w: (setattr(w, "d", {"a": 1.0}), setattr(w, "h", w.d.keys())),
        lambda w: len(w.h),
        lambda w: w.d.update(b=3.0),
    ),
    "a chain of dicts": (
        held(lambda: collections.ChainMap({}, {"a": 1.0})),
        lambda w: w.h["a"],
        lambda w: w.h.update(a=3),
    ),
    "a dict of the library": (held(lambda: collections.UserDict(a=1.0)), lambda w: w.h["a"], lambda w: w.h.update(a=3)),
    "a list of the library": (
        held(lambda: collections.UserList([1.0])),
        lambda w: w.h[0],
        lambda w: w.h.__setitem__(0, 3.0),
    ),
    "what a dict gives by default": (
        held(lambda: collections.defaultdict(lambda: 1.0)),
        lambda w: w.h.default_factory(),
        to("default_factory", lambda: 3.0),
    ),
    "a queue": (held(queue.Queue), lambda w: 1.0 + w.h.qsize(), lambda w: w.h.put(1)),
    "an event": (held(threading.Event), lambda w: 2.0 if w.h.is_set() else 1.0, lambda w: w.h.set()),
    "memory seen as numbers": (
        lambda w: (setattr(w, "b", bytearray(b"\1\2")), setattr(w, "h", memoryview(w.b))),
        lambda w: w.h[0],
        lambda w: w.b.__setitem__(0, 7),
    ),
    "a polynomial": (
        held(lambda: np.polynomial.Polynomial([1.0, 2.0])),
        lambda w: w.h(1.0),
        lambda w: w.h.coef.__setitem__(0, 5.0),
    ),
    "texts in an array": (
        held(lambda: np.array(["a", "b"])),
        lambda w: 1.0 if w.h[0] == "a" else 2.0,
        lambda w: w.h.__setitem__(0, "z"),
    ),
    "dates in an array": (
        held(lambda: np.array(["2020-01-01"], "M8[D]")),
        lambda w: float(w.h.astype(int)[0]) / 1e4,
        lambda w: w.h.__setitem__(0, np.datetime64("2024-01-01")),
    ),
    "objects in an array": (
        held(lambda: np.array([np.ones(3), None], object)),
        lambda w: w.h[0] * 2,
        lambda w: w.h[0].fill(3.0),
    ),
    "fields of an array": (
        held(lambda: np.array([(1.0, 1)] * 3, FIELDS)),
        lambda w: w.h["a"] * 2,
        lambda w: w.h["a"].fill(4.0),
    ),
    "a masked array": (
        held(lambda: np.ma.masked_array(np.ones(3), mask=[0, 0, 0])),
        lambda w: w.h.filled(0.0) * 2,
        lambda w: w.h.fill(4.0),
    ),
    "an array of another class": (
        held(lambda: np.ones(3).view(type("Other", (np.ndarray,), {}))),
        lambda w: np.asarray(w.h) * 2,
        lambda w: w.h.fill(3.0),
    ),
    "a shape": (held(lambda: np.ones((3, 2))), lambda w: w.h.shape[1], lambda w: setattr(w.h, "shape", (2, 3))),
}
FOLLOWED = CLASSES | FUNCTIONS | CONTAINERS


@pytest.mark.parametrize("hazard", FOLLOWED)
def test_what_changes_is_followed(hazard):
    step = run(*FOLLOWED[hazard])

    assert "by its program" in step.why, step.why


def test_a_builtin_exchanged_is_followed(monkeypatch):
    def init(w):
        monkeypatch.undo()

    run(init, lambda w: abs(-1.0), lambda w: monkeypatch.setattr(builtins, "abs", lambda x: 5.0))


def test_a_function_of_numpys_exchanged_is_followed(monkeypatch):
    square = np.square

    def init(w):
        monkeypatch.undo()

    run(init, lambda w: np.square(w.W), lambda w: monkeypatch.setattr(np, "square", lambda x: 3.0 * square(x)))


def test_the_environment_is_followed(monkeypatch):
    run(
        lambda w: monkeypatch.setenv("OF_THIS_TEST", "1.0"),
        lambda w: float(os.environ["OF_THIS_TEST"]),
        lambda w: monkeypatch.setenv("OF_THIS_TEST", "5.0"),
    )


# ------------------------------------------------------------------------------------------------------ never compiled
def numbers():
    yield from [1.0] * 7
    yield from itertools.repeat(3.0)


HERE = pathlib.Path(__file__)
OPAQUE = {
    "an iterator": (held(lambda: itertools.cycle([1.0] * 5 + [3.0])), lambda w: next(w.h)),
    "a generator": (held(numbers), lambda w: next(w.h)),
    "an iterator by its method": (held(lambda: iter([1.0] * 7 + [2.0] * 9).__next__), lambda w: w.h()),
    "a list that is used up": (held(lambda: collections.deque([1.0] * 7 + [2.0] * 9).popleft), lambda w: w.h()),
    "a number in C": (held(lambda: ctypes.c_double(1.0)), lambda w: w.h.value, to("value", 3.0)),
    "numbers of a thread": (
        held(lambda: setting(threading.local(), a=1.0)),
        lambda w: w.h.a,
        to("a", 3.0),
    ),
    "an iterator over an array": (
        held(lambda: np.ones(3).flat),
        lambda w: w.h[0],
        lambda w: w.h.base.fill(3.0),
    ),
    "a reference that dies": (
        lambda w: (setattr(w, "x", Layer()), setattr(w, "h", weakref.ref(w.x))),
        lambda w: 1.0 if w.h() is None else 2.0,
        lambda w: delattr(w, "x"),
    ),
    "a proxy": (
        lambda w: (setattr(w, "x", Layer()), setattr(w, "h", weakref.proxy(w.x))),
        lambda w: w.h.p,
        lambda w: setattr(w.x, "p", 3.0),
    ),
    "a ufunc of Python's": (
        held(lambda: np.frompyfunc(lambda x: x * FACTOR["a"], 1, 1)),
        lambda w: float(w.h(1.0)),
        FACTORED,
    ),
    "globals of a function": (held(lambda: None), lambda w: run.__globals__["FACTOR"]["a"], FACTORED),
    "modules by their names": (
        held(module),
        lambda w: sys.modules["of_this_test"].scale,
        to("scale", 3.0),
    ),
    "the clock": (
        held(time.monotonic),
        lambda w: 1.0 if time.monotonic() < w.h + 100 else 2.0,
    ),
    "a file": (
        held(lambda: None),
        lambda w: len(HERE.read_text()) / 1e4,
    ),
}


@pytest.mark.parametrize("hazard", OPAQUE)
def test_what_nobody_can_watch_is_read_by_the_eager_step(hazard):
    init, factor, *change = OPAQUE[hazard]

    step = run(init, factor, *(change or [lambda w: None]))

    assert "eagerly" in step.why, step.why


# ------------------------------------------------------------------------------------------------------ effects
class Records(logging.Handler):
    def __init__(self):
        super().__init__()
        self.count = 0

    def emit(self, record):
        self.count += 1


def logger():
    made = logging.Logger("of this test")
    made.addHandler(Records())
    return made


def stored():
    global STORED
    STORED = STORED + 1
    return 1.0


class Mode(enum.Enum):
    ONE = 1.0
    TWO = 2.0


EFFECTS = {
    "by a method kept": (held(lambda: [].append), lambda w: w.h(1), lambda w: len(w.h.__self__)),
    "into a queue": (held(queue.Queue), lambda w: w.h.put(1), lambda w: w.h.qsize()),
    "into a number in C": (
        held(lambda: ctypes.c_double(0)),
        lambda w: setattr(w.h, "value", w.h.value + 1),
        lambda w: w.h.value,
    ),
    "into a log": (held(logger), lambda w: w.h.warning("here"), lambda w: w.h.handlers[0].count),
    "into a global": (
        lambda w: globals().update(STORED=0),
        lambda w: stored(),
        lambda w: w.__dict__.setdefault("kept", STORED),
    ),
}


@pytest.mark.parametrize("effect", EFFECTS)
def test_what_a_loss_does_besides_is_done_at_every_step(effect):
    init, do, result = EFFECTS[effect]
    left = []

    def factor(w):
        do(w)
        return 1.0

    step = run(init, factor, lambda w: None, lambda w: left.append(result(w)))

    assert left[0] == left[1] or effect == "into a global" and STORED == 10
    assert "eagerly" in step.why


def test_what_is_called_when_garbage_is_collected_is_not_the_losss_own():
    W, seen, before = Tensor([1.0, 2.0]), [], gc.get_threshold()

    def loss(x):
        lists = [[k] for k in range(200)]
        return np.sum(W * x) * len(lists)

    step = compiled(loss, params(W))
    gc.callbacks.append(callback := lambda phase, info: seen.append(time.perf_counter()))
    try:
        gc.set_threshold(20)
        for _ in range(3):
            step(np.ones(2))
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(callback)

    assert seen and "by its program" in step.why


def test_what_a_loss_prints_is_printed_at_every_step(capsys):
    step = run(held(lambda: None), lambda w: print("here") or 1.0, lambda w: None)

    assert capsys.readouterr().out == "here\n" * 20 and "it calls print" in step.why


# ------------------------------------------------------------------------------------------------------ arguments
@dataclasses.dataclass
class Batch:
    x: object
    scale = 1.0

    def scaled(self):
        return self.scale * FACTOR["a"]


class Dict(dict):
    pass


def with_extra(x, k):
    x.extra = 1.0 + k // 6
    return x


ARGUMENTS = {
    "an attribute of a dict": (lambda w, k: with_extra(Dict(x=X), k), lambda w, d: d.extra, lambda w: None),
    "what is no field": (lambda w, k: with_extra(Batch(X), k), lambda w, d: d.extra, lambda w: None),
    "an attribute of the class": (lambda w, k: Batch(X), lambda w, d: d.scale, lambda w: setattr(Batch, "scale", 5.0)),
    "what a method reads": (lambda w, k: Batch(X), lambda w, d: d.scaled(), FACTORED),
    "keys that are equal": (lambda w, k: {[1, 1.0, True][k % 3]: X}, lambda w, d: len(repr([*d])), lambda w: None),
    "a number with attributes": (lambda w, k: number(2.0, extra=1.0 + k // 6), lambda w, d: d.extra, lambda w: None),
    "a number of NumPy's": (lambda w, k: np.float64(k + 1), lambda w, d: d * 2, lambda w: None),
    "a text of NumPy's": (lambda w, k: np.str_("ab"[k % 2]), lambda w, d: 1.0 + (d == "a"), lambda w: None),
    "one of an enumeration": (lambda w, k: [*Mode][k % 2], lambda w, d: d.value, lambda w: None),
    "a set": (lambda w, k: {1, 2 + k % 2}, lambda w, d: sum(d), lambda w: None),
    "an object": (lambda w, k: w, lambda w, d: d.h, lambda w: setattr(w, "h", 3.0)),
}


@pytest.mark.parametrize("hazard", ARGUMENTS)
def test_what_arguments_are_and_hold_is_followed(hazard):
    make, factor, change = ARGUMENTS[hazard]

    step = run(held(lambda: 1.0), factor, change, arguments=lambda w, k: (X, make(w, k)))

    assert step.why  # for whatever kind


def test_what_a_loss_puts_into_its_arguments_is_there():
    given = []

    def arguments(w, k):
        given.append({"x": X})
        return X, given[-1]

    step = run(held(lambda: 1.0), lambda w, d: d.update(seen=True) or 1.0, lambda w: None, arguments=arguments)

    assert len(given) == 20 and all(d.get("seen") for d in given)
    assert "the loss changes its arguments" in step.why


def test_numbers_of_numpy_are_data_and_arrays_of_other_classes_made_eagerly():
    step = run(held(lambda: 1.0), lambda w, y: y * 2, lambda w: None, arguments=lambda w, k: (X, np.float64(k + 1)))
    masked = lambda w, k: (X, np.ma.masked_array(X * k))
    other = run(held(lambda: 1.0), lambda w, y: float(y.mean()), lambda w: None, arguments=masked)

    assert "by its program" in step.why and "0 traces" not in step.why
    assert other.why == "not called yet"
