"""How a name that is not here is answered: with what to write instead, from the tables of ``habits``.

Names are looked for in objects (``t.backward()``), in modules (``minigrad.grad``, ``from minigrad import grad``) and
as keywords.  A program that merely asks (``hasattr``, ``dir``, ``import *``) is told that they are not there.
"""

import dis
import importlib
import inspect
import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from . import habits
from .core.table import COMPOSITIONS, CONSTANTS, ROWS
from .doors import KEYWORDS

KEYWORDS.update(habits.KEYWORDS)
T = TypeVar("T")
PUBLIC = "", "nn", "losses", "data", "metrics", "checkpoint", "optimise", "schedules", "training", "sampling", "showing"


# -------------------------------------------------------------------------------------------- names of objects
class Elsewhere:
    """A name that other libraries have: asking for it is an AttributeError that says how it is done here.

    It stands in a class as a method does.  (A ``__getattr__`` would make every look-up slower.)

    >>> class Model:
    ...     parameters = Elsewhere("params(model) collects them")
    >>> Model().parameters()
    Traceback (most recent call last):
    AttributeError: Model has no 'parameters': params(model) collects them
    """

    def __init__(self, how):
        self.how = how

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, x, owner=None):
        if x is None and asked_by_pydoc(sys._getframe(1)):
            return object.__init__  # anything will do: ``Listing`` leaves it out
        raise no_such_name(f"{(owner or type(x)).__name__} has no {self.name!r}: {self.how}")

    def __repr__(self):
        return f"(not here) {self.how}"


class Nowhere(Elsewhere):
    """A name that cannot be set either."""

    def __set__(self, x, value):
        self.__get__(x)


def meets(table: dict[str, str], kind: type[Elsewhere] = Elsewhere) -> Callable[[type[T]], type[T]]:
    """Class decorator: answer the names in a table of habits, and list only the others (``dir``).

    >>> @meets({"forward": "a layer is called"})
    ... class Layer:
    ...     W = 1
    >>> "W" in dir(Layer()), "forward" in dir(Layer())
    (True, False)
    """

    def decorate(cls):
        for name, how in table.items():
            if not hasattr(cls, name):
                setattr(cls, name, answer := kind(how))
                answer.__set_name__(cls, name)
        cls.__dir__ = Listing()
        return cls

    return decorate


def numpys_functions() -> dict[str, str]:
    """Return a table like those of ``habits``: NumPy's functions that have a derivative, looked for as methods.

    >>> numpys_functions()["svd"], numpys_functions()["exp"]
    ("NumPy's functions take Tensors: np.linalg.svd(t)", "NumPy's functions take Tensors: np.exp(t)")
    """
    known, found = {*ROWS, *COMPOSITIONS, *CONSTANTS}, {}
    for module, path in (np.linalg, "np.linalg"), (np, "np"):
        for name, x in vars(module).items():
            if callable(x) and x in known and not hasattr(np.ndarray, name):
                found[name] = f"NumPy's functions take Tensors: {path}.{name}(t)"
    return found


class Listing:
    """The ``__dir__`` of a class with names that only raise: they are left out, by ``help`` as well.

    ``help`` goes through the names of the class itself, by ``inspect.classify_class_attrs``: what this one has still
    before it when it comes to ``__dir__`` is made shorter, and what it has found, too.
    """

    def __get__(self, x, owner):
        frame = sys._getframe(1)
        if x is None and frame.f_code is inspect.classify_class_attrs.__code__:
            cls, names, found = map(frame.f_locals.get, ("cls", "names", "result"))
            ahead = names.index("__dir__") + 1
            names[ahead:] = that_work(cls, names[ahead:])
            found[:] = [each for each in found if that_work(cls, [each.name])]
        return names_that_work.__get__(x, owner)


def names_that_work(self):
    return that_work(self, object.__dir__(self))


def that_work(x, names):
    """Return those of the names that an object, or a class, has."""
    return [name for name in names if not isinstance(inspect.getattr_static(x, name, None), Elsewhere)]


def no_such_name(text):
    """Return an AttributeError to which Python adds no guess of its own (``Did you mean ...?``)."""
    return AttributeError(text, name=None, obj=None)


# ------------------------------------------------------------------------------------------ names of modules
class Chapter(ModuleType):
    """A module that says what to call when it is called itself."""

    def __call__(self, *args, **kwargs):
        place = self.__name__.removeprefix(__package__).lstrip(".")
        what = habits.CALLED.get(place) or f"it holds {', '.join(name for name in dir(self) if name[0] != '_')}"
        raise TypeError(f"{self.__name__} is a module, which cannot be called: {what}")


def chapter(name: str, find: Callable[[str], Any] | None = None, also: Callable[[], list[str]] = list) -> None:
    """Make a module of minigrad a Chapter that lists what it offers, and answers for what it does not have.

    It is called at the end of the module's file.

    Parameters
    ----------
    name : str, ``__name__``
    find : function from a name to what the module has under it, though not in its dictionary yet; it raises
        AttributeError for any other
    also : function that returns the names to be listed besides those in ``__all__``
    """
    module = sys.modules[name]
    module.__getattr__ = partial(missing, module, find)
    module.__dir__ = partial(names_of, module, also)
    for each, found in list(sys.modules.items()):
        ours = each == name or each.startswith(f"{name}.") and each == getattr(found, "__name__", None)
        if ours and type(found) is ModuleType:  # and no other library's under a name of ours
            found.__class__ = Chapter


def names_of(module, also):
    """The ``__dir__`` of a Chapter; for ``help(minigrad)``, which is to show the map and not each name, it is short."""
    if module.__name__ == __package__ and asked_by_pydoc(sys._getframe(1)):
        return ["__version__"]
    return sorted({*module.__all__, *also()})


def missing(module, find, name):
    """The ``__getattr__`` of a Chapter."""
    text = plain = f"module {module.__name__!r} has no attribute {name!r}"
    try:
        if find is not None:
            return find(name)
    except AttributeError as error:
        text = str(error) or plain
    if text == plain and name[0] != "_":
        text += how_in_module(module, name)
    if is_importing(sys._getframe(1)):
        raise ImportError(text, name=module.__name__, path=getattr(module, "__file__", None))
    raise no_such_name(text) if text != plain else AttributeError(text, name=name, obj=module)


class LastFinder:
    """What is asked for a module of minigrad that nobody has found: it says what there is instead.

    So ``import minigrad.nn.functional`` is answered, too.
    """

    @staticmethod
    def find_spec(name, path=None, target=None):
        place, _, last = name.rpartition(".")
        if name.startswith(f"{__package__}.") and last[0] != "_" and (how := how_in_module(sys.modules[place], last)):
            raise ModuleNotFoundError(f"No module named {name!r}{how}", name=name)


sys.meta_path.append(LastFinder)


def how_in_module(module, name):
    """Return what to write instead of a name that a module has not, for the error's message."""
    own = vars(module).get("__all__", ())
    place = module.__name__.removeprefix(__package__).lstrip(".")
    tables = [habits.MODULES.get(place, {}), *habits.MODULES.values()]
    if name in tables[0]:
        return f": {tables[0][name]}"
    if f"{name}_" in own:
        return f": it is {name}_ here; the underscore says that it overwrites an argument"
    chapters = [(other, public(other)) for other in dict.fromkeys((place, *PUBLIC))]
    for other, names in chapters:
        if name in names:
            return f": it is {path_of(other)}.{name}"
    for table in tables:
        if name in table:
            return f": {table[name]}"
    if callable(getattr(np, name, None)):
        return f": it is NumPy's own, np.{name}, which takes Tensors"
    for other, names in chapters:
        if found := spelled(name, names):
            return f": it is written {path_of(other)}.{found} here"
    return ""


def spelled(name, names):
    """Return that of the names which differs from one only in the case of letters and in an underscore, or "".

    >>> spelled("adam", ["ADAM", "Adam"])
    'ADAM'
    """
    alike = (found for found in names if found.casefold().rstrip("_") == name.casefold().rstrip("_"))
    return next(alike, "")


def public(place):
    """Return the public names of a module."""
    return getattr(importlib.import_module(path_of(place)), "__all__", ())


def path_of(place):
    return f"{__package__}.{place}" if place else __package__


# ------------------------------------------------------------------------ what the line that asks is doing
def is_importing(frame):
    """Say whether a frame is at a ``from ... import``: the name is then missed by an ImportError."""
    return opcode_at(frame, frame.f_lasti) == "IMPORT_FROM"


def result_is_unpacked():
    """Say whether the result of the function that asks is taken apart where it is called: ``a, b = f(x)``.

    >>> a, b = (lambda: [result_is_unpacked()] * 2)(); a
    True
    >>> a = (lambda: [result_is_unpacked()] * 2)(); a
    [False, False]
    """
    frame = sys._getframe(2)
    place = frame.f_lasti + 2
    while not frame.f_code.co_code[place]:  # where Python keeps what it has learnt of the call
        place += 2
    return opcode_at(frame, place) == "UNPACK_SEQUENCE"


def opcode_at(frame, place):
    code = frame.f_code.co_code
    while code[place] == dis.EXTENDED_ARG:
        place += 2
    return dis.opname[code[place]]


def asked_by_pydoc(frame):
    """Say whether pydoc looks for the members of something, by way of ``inspect``: it prints all that it finds."""
    while frame is not None and frame.f_globals.get("__name__") == "inspect":
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__") == "pydoc"
