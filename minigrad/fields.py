"""Checked fields with second names: how rules and schedules say what they are made of.

    @checked(frozen=True)
    class Exp(Schedule):
        start: Number = required()
        decay: Number = required()
        _: KW_ONLY
        λ: float = also("start")
        γ: float = also("decay")

* A field is annotated with its type and with a check, ``Number = Annotated[float, number]``.  A check takes a value
  and where it stands (``"Exp: decay"``); it returns what is kept, or raises and says what the value must be.
* ``also`` is a second name of a field: as a keyword, ``Exp(λ=0.1, γ=0.9)``, and as an attribute, ``s.λ``.  Fields are
  ASCII; their second names are, as a rule, the Greek letters of the manuals.

``checked`` makes a dataclass of it.  Type checkers know its constructor, second names included, because they read
these as further keywords (hence the ``KW_ONLY``).
"""

import builtins
import dataclasses
import functools
import inspect
import itertools
import math
import operator
import sys
import typing
import unicodedata
from collections.abc import Callable
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import numpy as np

from .doors import door, shorten
from .shown import Shown

if TYPE_CHECKING:  # in Python from 3.11 on, in every checker
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_):
        return lambda decorator: decorator


__all__ = [
    "KW_ONLY", "Check", "Checked", "Count", "Flag", "Function", "Number", "Positive", "Range", "Whole",
    "also", "checked", "count", "flag", "function", "number", "positive", "readable", "required", "several", "whole",
]
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
fold = functools.partial(unicodedata.normalize, "NFKC")  # as Python does in source (ϵ to ε), but not in **{"ϵ": ...}


# ---------------------------------------------------------------------------------- what a field may hold
class Check:
    """A check made of a function: ``check(value, where)`` returns what is kept, or raises.

    >>> @Check
    ... def loud(value, where):
    ...     return value.upper()
    >>> loud("oh", "Poem: line"), Annotated[str, loud]
    ('OH', typing.Annotated[str, loud])
    """

    def __init__(self, function, name=None):
        self.function, self.name = function, name or function.__name__

    def __call__(self, value, where):
        return self.function(value, where)

    def __repr__(self):
        return self.name


class Range(Check):
    """A check for numbers of any kind: which of them may stand here, and as what plain number they are kept.

    must : in words, for the message
    holds : what is true of the plain number
    convert : makes the plain number, a float unless given
    after : the check that a value has to pass before this one

    >>> Range("be above 0", lambda v: v > 0)(np.float32(0.5), "Exp: start")
    0.5
    """

    def __init__(self, must, holds=None, convert=float, after=None):
        self.name = f"must {must}"
        self.must, self.holds, self.convert, self.after = must, holds, convert, after

    def __call__(self, value, where):
        passed = value if self.after is None else self.after(value, where)
        try:
            return self.kept(passed)
        except (TypeError, ValueError, OverflowError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(self.refusal(value, where)) from None

    def kept(self, value):
        if isinstance(value, (str, bytes, bool, np.bool_)) or np.ndim(value) != 0:
            raise TypeError
        plain = self.convert(value)
        if self.holds is not None and not self.holds(plain):
            raise ValueError
        return plain

    def refusal(self, value, where):
        return f"{where} must {self.must}, but is {value!r}"


def whole_number(value):
    """An integer, also one written as 1000.0 or 1e3."""
    if value != int(value):
        raise ValueError
    return int(value)


number = Range("be finite", math.isfinite, after=Range("be a number"))
positive = Range("be above 0", lambda v: v > 0, after=number)
whole = Range("be a whole number", convert=whole_number, after=number)
count = Range("be 1 or more", lambda v: v >= 1, whole_number, after=whole)


@Check
def flag(value, where):
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{where} must be True or False, but is {value!r}")
    return bool(value)


@Check
def function(value, where):
    if not callable(value):
        raise TypeError(f"{where} must be a function, but is {value!r}")
    return value


def several(check):
    """A check for one or more values that each pass ``check``; they are kept as a tuple."""

    def each(value, where):
        if not np.iterable(value):
            raise TypeError(f"{where} must be a list, but is {value!r}")
        kept = tuple(check(item, f"{where}[{i}]") for i, item in enumerate(value))
        if not kept:
            raise ValueError(f"{where} is empty; give one at least")
        return kept

    return Check(each, f"several({check!r})")


Number = Annotated[float, number]
Positive = Annotated[float, positive]
Whole = Annotated[int, whole]
Count = Annotated[int, count]
Flag = Annotated[bool, flag]
Function = Annotated[Callable[..., Any], function]


# ------------------------------------------------------------------------------------------- the classes
class Checked(Shown):
    """The common parent of what has checked fields: every value that is assigned passes its field's check.

    >>> @checked()
    ... class Sphere(Checked):
    ...     radius: Positive = 1.0
    ...     _: KW_ONLY
    ...     r: float = also("radius")
    >>> ball = Sphere(r=2)
    >>> ball.r, ball, inspect.signature(Sphere)
    (2.0, Sphere(radius=2.0), <Signature (radius: float = 1.0)>)
    >>> ball.radius = 0
    Traceback (most recent call last):
    ValueError: Sphere: radius must be above 0, but is 0
    """

    _ranges: dict = {}  # name of a field -> its check

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls._ranges = {**cls._ranges, **checks_of(cls)}

    def __setattr__(self, name, value):
        try:
            check = self._ranges.get(name)
            if check is not None:
                value = check(value, f"{type(self).__name__}: {name}")
            object.__setattr__(self, name, value)
        except Exception as error:
            shorten(error)
            raise

    def _arranged(self, args, kwargs):
        """The arguments of the constructor's call in the order and under the names of the fields."""
        return args, kwargs


def checks_of(cls):
    """A dict of the checks in a class's own annotations, which may be texts (from __future__ import annotations)."""
    around = vars(sys.modules.get(cls.__module__, builtins))
    found = {}
    for name, kind in inspect.get_annotations(cls).items():
        if isinstance(kind, str):
            try:
                kind = eval(kind, dict(around))
            except NameError:  # of something inside a function: there is no finding it
                continue
        found.update((name, check) for check in getattr(kind, "__metadata__", ()) if callable(check))
    return found


class Argument(property):
    """What a constructor takes by keyword, and an attribute, but no field; perhaps a second name ``of`` a field."""

    def __init__(self, get, set=None, *, doc, of=None):
        super().__init__(get, set)
        self.__doc__, self.of = doc, of


def also(field: str) -> Any:
    """Say in a class's body, ``name: type = also(field)``, that a field has a second name."""
    get, doc = operator.attrgetter(field), f"The same as ``{field}``."
    return Argument(get, lambda holder, value: setattr(holder, field, value), doc=doc, of=field)


def required() -> Any:
    """No default, in a class with second names: type checkers would insist on the first name otherwise."""
    return dataclasses.MISSING


@dataclass_transform(field_specifiers=(dataclasses.field,))
def checked(*, frozen: bool = False) -> Callable[[type[T]], type[T]]:
    """Make a dataclass of a class with checked fields; its constructor takes second names too.

    frozen : whether it is a value: compared by its fields, and never changed

    Raises (the constructor) TypeError for one field under two names.
    """

    def decorate(cls):
        own = vars(cls)
        annotations = {
            name: kind
            for name, kind in inspect.get_annotations(cls).items()
            if not isinstance(own.get(name), Argument)
        }
        for name in annotations:
            if own.get(name) is dataclasses.MISSING:
                delattr(cls, name)
        cls.__annotations__ = annotations
        cls = dataclasses.dataclass(cls, frozen=frozen, eq=frozen, repr=False, match_args=frozen)
        if cls.__repr__ is object.__repr__:
            cls.__repr__ = call_that_makes
        return also_spelled(cls)

    return decorate


def also_spelled(cls: type[T]) -> type[T]:
    """Class decorator: let the constructor take the second names, and show its plain types."""
    init = cls.__init__
    field_of = {
        fold(name): value.of
        for name, value in itertools.chain(*(vars(c).items() for c in cls.__mro__))
        if isinstance(value, Argument) and value.of
    }

    @functools.wraps(init)
    def __init__(self, *args, **kwargs):
        if not kwargs.keys().isdisjoint(field_of) or not all(map(str.isascii, kwargs)):
            kwargs = under_field_names(cls, field_of, kwargs)
        args, kwargs = self._arranged(args, kwargs)
        init(self, *args, **kwargs)

    signature = plain_signature(init, getattr(cls, "__dataclass_fields__", ()))
    __init__.__signature__ = signature.replace(return_annotation=signature.empty)
    cls.__init__ = __init__
    return door(cls)


def call_that_makes(value):
    """The repr of a value: the call of its constructor."""
    shown = [f"{f.name}={getattr(value, f.name)!r}" for f in dataclasses.fields(value) if f.repr]
    return f"{type(value).__name__}({', '.join(shown)})"


def under_field_names(cls, field_of, kwargs):
    """The keywords of a call with every second name replaced by its field's."""
    named = {}
    for key, value in kwargs.items():
        name = field_of.get(fold(key), key)
        if name in named:
            raise TypeError(f"{cls.__name__}: {name!r} was given twice, under two spellings; give it once")
        named[name] = value
    return named


def readable(function: F) -> F:
    """Decorator: show defaults that are functions by their names, ``agg=mean``, not by their addresses."""
    function.__signature__ = plain_signature(function)
    return function


class ByName(functools.partial):
    """A function that is printed as its name."""

    def __repr__(self):
        return self.func.__name__


def plain_signature(function, fields=()):
    """The signature of a function as it is to be read: without checks and addresses; factories' defaults made."""
    signature = inspect.signature(function)
    parameters = []
    for p in signature.parameters.values():
        if p.kind is p.VAR_KEYWORD and p.name == "others":
            continue  # taken in order to be refused with a word on what they are called here
        if typing.get_origin(p.annotation) is Annotated:
            p = p.replace(annotation=p.annotation.__origin__)
        if isinstance(p.annotation, str):  # for type checkers; people read the docstring
            p = p.replace(annotation=p.empty)
        if p.name in fields and fields[p.name].default_factory is not dataclasses.MISSING:
            p = p.replace(default=fields[p.name].default_factory())
        elif inspect.isroutine(p.default) or isinstance(p.default, (np.ufunc, type)) and p.default is not p.empty:
            p = p.replace(default=ByName(p.default))
        parameters.append(p)
    returned = signature.empty if isinstance(signature.return_annotation, str) else signature.return_annotation
    return signature.replace(parameters=parameters, return_annotation=returned)
