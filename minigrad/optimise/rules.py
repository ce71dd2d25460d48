"""What every optimiser is made of: hyperparameters with ranges, state by identity, a formula."""

import dataclasses
import functools
import inspect
import math
import types
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, TypeVar

import numpy as np

from .. import habits
from ..doors import door
from ..fields import Range, checked, dataclass_transform, whole_number
from ..hints import Elsewhere
from ..iddict import IdDict
from . import formulas
from .abstract import AbstractOptimiser
from .arrays import order_of, zeros_apart
from .behaviour import check_behaviour
from .compiled import loops
from .noise import Random
from .reading import given, roles
from .reductions import passes_of, summing, working
from .rewriting import Outside, rewritten

T = TypeVar("T")


class Setting(Range):
    """The check of a hyperparameter: its message says all that may stand there, and where else a value belongs.

    >>> nonnegative(np.float32(0.5), "Descent: eta")
    0.5
    """

    def refusal(self, value, where):
        return f"{where} must {self.must}, got {value!r}{elsewhere(value, where)}"


class Settings(Setting):
    """The check of a hyperparameter that is several numbers."""

    def __init__(self, many, must, holds):
        super().__init__(must, holds)
        self.many = many

    def kept(self, value):
        plain = tuple(map(super().kept, value))
        if len(plain) != self.many:
            raise ValueError
        return plain


def elsewhere(value, where):
    """Return what to write where a hyperparameter was given something that has its own place."""
    owner, _, name = where.partition(": ")
    if callable(value):
        return f". A schedule is given by Scheduler({owner}(...), {name}=schedule)"
    if np.iterable(value) and not isinstance(value, (str, tuple)):
        return f". Parameters are given with each step: update_({owner}(...), ps, gradients)"
    return ""


nonnegative = Setting("be a finite number >= 0", lambda v: 0 <= v < math.inf)
fractions = Settings(2, "be two numbers in [0, 1)", lambda v: 0 <= v < 1)
Finite = Annotated[float, Setting("be a finite number", math.isfinite)]
Nonnegative = Annotated[float, nonnegative]
Threshold = Annotated[float, Setting("be a number > 0", lambda v: v > 0)]
Fraction = Annotated[float, Setting("be a number in [0, 1)", lambda v: 0 <= v < 1)]
Proportion = Annotated[float, Setting("be a number in [0, 1]", lambda v: 0 <= v <= 1)]
Portion = Annotated[float, Setting("be a number in (0, 1]", lambda v: 0 < v <= 1)]
Fractions = Annotated[tuple[float, float], fractions]
Fractions3 = Annotated[
    tuple[float, float, float], Settings(3, "be three numbers in [0, 1)", lambda v: 0 <= v < 1)
]
Nonnegatives = Annotated[tuple[float, float], Settings(2, "be two numbers >= 0", lambda v: v >= 0)]
Natural = Annotated[int, Setting("be a whole number >= 0", lambda v: v >= 0, whole_number)]
Period = Annotated[int, Setting("be a whole number >= 1", lambda v: v >= 1, whole_number)]


class Rule(AbstractOptimiser):
    """An optimiser given by a formula of formulas.py, hence one that can be fused and compiled.

    ``by_formula(formula)`` above a subclass makes one.  The subclass names its hyperparameters, and the IdDict that
    holds the state of each parameter; in which order the formula takes them, and what the state consists of, is read
    from the formula's signature.  ``first_state`` says which state does not begin at zero.
    """

    formula: ClassVar[Any] = None
    kept = None  # the name of the IdDict
    replaces = ()  # names of its first hyperparameters, if the formula returns new values of them
    last = False  # whether it has to see where the step leads to, so that nothing may change it afterwards
    _structure = ("_begin",)  # where the random numbers have begun
    nonfinite = "pass"  # what to do where a norm, mean or total in the formula is not: or "raise", or "skip"

    def __setattr__(self, name, value):
        if name not in self.__dataclass_fields__ and name[0] != "_" and not hasattr(type(self), name):
            raise AttributeError(no_such(type(self), name))
        if name == self.kept and not isinstance(value, IdDict):
            raise TypeError(f"{type(self).__name__}: {name} must be an IdDict, got {value!r}")
        super().__setattr__(name, value)
        if name == "rng":
            vars(self)["_begin"] = self.rng.bit_generator.state

    def reset_(self) -> None:
        super().reset_()
        if "_begin" in vars(self):
            self.rng.bit_generator.state = self._begin

    def hyper(self) -> tuple[float, ...]:
        """Return the hyperparameters in the formula's order, as they are now."""
        raise NotImplementedError(f"{type(self).__name__} has no formula; by_formula gives it one")

    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        """Return a dict of the state that does not begin at zero: from its name in the formula to a number or array."""
        return {}

    def fresh(self, x: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the state before the first step: arrays in the formula's order, then its numbers in one array."""
        if self.kept is None:
            return ()
        arrays, numbers, _ = roles(self.formula)
        first, kinds = self.first_state(x), self.formula.__annotations__
        state = [filled(x, first.get(name, 0), kinds.get(name) is formulas.real) for name in arrays]
        if numbers:
            state.append(np.array([first.get(name, 0) for name in numbers], float))
        return tuple(state)

    def _arranged(self, args, kwargs):
        if self.kept and args and isinstance(args[-1], IdDict):  # also where epsilon before it was left out, as in Flux
            args, kwargs = args[:-1], {**kwargs, self.kept: args[-1]}
        for name in kwargs:
            if name not in self.__dataclass_fields__ or not self.__dataclass_fields__[name].init:
                raise TypeError(no_such(type(self), name))
        return args, kwargs

    def stages(self) -> list:
        """Return the rules that make the step, one after the other: this one."""
        self.refuse_frozen()
        return [self]

    def roles(self) -> tuple:
        """Return the names of the formula's arrays, of its numbers, and of its hyperparameters, in its order."""
        return roles(self.formula)[:3]

    def written(self) -> tuple[Any, list[Any], tuple[str, ...]]:
        """Return the function of the step; of each pass before it what is summed and its reductions; what is given."""
        passes = [(summing(self.formula, each.level), each.reductions) for each in passes_of((self.formula,))]
        return working(self.formula), passes, given(self.formula)

    def state_of(self, p: Any, x: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the state of parameter ``p``, whose numbers are ``x``, as a tuple of arrays."""
        if self.kept is None:
            return ()
        state = getattr(self, self.kept).get_or_make(p, lambda: packed(self.fresh(x)))
        return state if isinstance(state, tuple) else (state,)

    def refuse_dtype(self, dtype: np.dtype) -> None:
        """Raise TypeError where the rule has no meaning for a dtype."""


class WholeRule(Rule):
    """An optimiser given by a function of whole arrays, which is called for each parameter and not compiled.

    An array of the state has the shape of the parameter, or that of the array that ``first_state`` gives.  As it
    stands, that is what a function makes which the formula has in the place of an annotation: ``left: square`` or, for
    type checkers, ``left: Annotated[np.ndarray, square]``.
    """

    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        kinds = inspect.get_annotations(self.formula, eval_str=True)
        begin = {name: getattr(kind, "__metadata__", (kind,))[0] for name, kind in kinds.items()}
        return {name: begin[name](x) for name in self.roles()[0] if inspect.isroutine(begin.get(name))}

    def fresh(self, x: np.ndarray) -> tuple[np.ndarray, ...]:
        arrays, numbers, _ = self.roles()
        first = self.first_state(x)
        state = [np.array(first[name], x.dtype) if name in first else np.zeros_like(x) for name in arrays]
        return (*state, np.array([first.get(name, 0) for name in numbers], float)) if numbers else tuple(state)

    def refuse(self, x: np.ndarray) -> None:
        """Raise TypeError or ValueError where the rule has no meaning for an array."""
        self.refuse_dtype(x.dtype)

    def stages(self) -> list:
        return AbstractOptimiser.stages(self)


def packed(state):
    return state if len(state) > 1 else state[0]


def no_such(cls, name):
    """Return the message for a hyperparameter that a rule has not: what to write, and what it has."""
    how = f": {habits.OPTIMISER[name]}" if name in habits.OPTIMISER else ""
    return f"{cls.__name__} has no hyperparameter {name!r}{how}; it has {', '.join(cls._ranges) or 'none'}"


def filled(x, value, is_real):
    """Return state for every element: an array shaped, ordered and typed like ``x``, or like its real part."""
    array = zeros_apart(x.shape, x.real.dtype if is_real else x.dtype, order_of(x))
    if np.any(value):  # zeros it is already, in memory that is not touched yet
        array[...] = value
    return array


def refuse_names(owner, names):
    """Raise TypeError for hyperparameters that would hide what a rule is made of."""
    for name in names:
        meaning = inspect.getattr_static(Rule, name, Elsewhere)
        if name == "state" or not (meaning is Elsewhere or isinstance(meaning, Elsewhere)):
            raise TypeError(
                f"rule {owner}: a hyperparameter cannot be called {name!r}, which has a meaning of its own in every "
                f"rule. Call it {name.strip('_')}_0, for example"
            )


def per_parameter() -> Any:
    """Say in a class's body, ``name: IdDict = per_parameter()``, where the state of each parameter is kept."""
    return dataclasses.field(default_factory=IdDict, repr=False)


def drawn_from() -> Any:
    """Say in a class's body, ``rng: Random = drawn_from()``, what the formula's normal numbers are drawn from."""
    return dataclasses.field(default=0, repr=False)


@dataclass_transform(field_specifiers=(dataclasses.field,))
def by_formula(formula: Callable[..., Any]) -> Callable[[type[T]], type[T]]:
    """Class decorator: make an optimiser of a formula and a class that names its hyperparameters and its state.

    Two numbers ``beta1`` and ``beta2`` of the formula may be one field, ``beta``.
    """

    def decorate(cls):
        cls.formula = staticmethod(formula)
        cls = checked()(cls)
        cls.kept = next((f.name for f in dataclasses.fields(cls) if f.type is IdDict), None)
        if "hyper" not in vars(cls):
            cls.hyper = reader(roles(formula)[2], cls.__dataclass_fields__)
        return cls

    return decorate


def reader(names, fields):
    """Return a method that reads hyperparameters in a formula's order.

    It runs at every step, so it is written out: ``lambda self: (self.eta, self.beta[0], self.beta[1])``.  Its attribute
    ``read`` says the same to compiled code: ``[("eta", -1), ("beta", 0), ("beta", 1)]``.
    """
    read = [(name, -1) if name in fields else (name[:-1], int(name[-1]) - 1) for name in names]
    codes = [name if part < 0 else f"{name}[{part}]" for name, part in read]
    method = eval(f"lambda self: ({''.join(f'self.{each}, ' for each in codes)})")
    method.read = read
    return method


@door
def rule(function: Callable[..., Any] | None = None, *, whole: bool = False, **defaults: float) -> Any:
    """Decorator: make an optimiser class of one scalar formula, or of a function of whole arrays.

        step, *state = formula(x, dx, *state, *hyperparameters)

    Parameters
    ----------
    function : ``x`` and ``dx`` come first; then the state, which starts at zero: an array shaped like
        the parameter for a bare name (``v: formulas.real``: real for complex ones too), one number per
        parameter for ``t: float``; then the hyperparameters, which are those with a default.  Its body is a
        list of assignments, as in formulas.py, about one element.  Numbers from around it, ``gain`` or
        ``settings.gain``, are read at every step; functions that it calls are functions of formulas.py,
        ufuncs of NumPy, or of yours, written in the same way.
    whole : bool    whether it is a function of whole arrays, in their shape, with any NumPy in it.  Then an array of
        the state may have another shape, and another beginning, made by a function of ``x`` in the place of an
        annotation: ``left: square``.  ``x`` is read-only.  Such a rule composes, saves and follows schedules as all
        others; it is called for each parameter, and is not compiled.
    **defaults : of hyperparameters whose default is not written in the function: ``@rule(eta=0.1)``

    Returns
    -------
    A class of the function's name: fields, defaults, repr, state in ``opt.state[W]``, a fused
    kernel, a place in compositions.

    Raises TypeError where the function is not such a formula, saying which line: an array from outside, a
    sum, a norm, random numbers.  Where its text cannot be read (``python -c``, ``exec``), it is tried on
    numbers, and refused if it does not do to an array what it does to each element, or not twice the same.
    A hyperparameter is refused, too, whose name has another meaning in every rule, as ``state`` and ``hyper`` have.

    >>> @rule
    ... def Lion(x, dx, m, eta=1e-4, beta1=0.9, beta2=0.99):
    ...     step = eta * np.sign(beta1 * m + (1 - beta1) * dx)
    ...     m = beta2 * m + (1 - beta2) * dx
    ...     return step, m
    >>> Lion(eta=0.01)
    Lion(eta=0.01, beta1=0.9, beta2=0.99)
    """
    if function is None:
        return functools.partial(rule, whole=whole, **defaults)
    function, defaults = with_defaults(function, defaults)
    formula, outside = (function, Outside(function)) if whole else formula_of(function, defaults)
    arrays, numbers, hyper = roles(formula)
    hyper = hyper[: len(hyper) - len(outside.numbers)]
    refuse_names(function.__name__, hyper)
    body = {
        "__doc__": function.__doc__,
        "__module__": function.__module__,
        "__qualname__": function.__qualname__,
        "__annotations__": dict.fromkeys(hyper, Finite),
        **defaults,
    }
    if outside:
        own = reader(hyper, hyper)
        body["hyper"] = lambda self: (*own(self), *outside.read())
    if "normal" in given(formula):
        body["__annotations__"]["rng"] = Random
        body["rng"] = drawn_from()
    if arrays or numbers:
        body["__annotations__"]["state"] = IdDict
        body["state"] = per_parameter()
    return by_formula(formula)(type(function.__name__, (WholeRule if whole else Rule,), body))


def with_defaults(function, defaults):
    """Return a copy of a user's function that knows its hyperparameters, and all their defaults."""
    if not inspect.isfunction(function):
        raise TypeError(f"rule: a rule is made of a function, def name(x, dx, ...), and this is {function!r}")
    function = copied(function)
    function.hyperparameters = defaults
    hyper = roles(function)[2]
    written = inspect.signature(function).parameters.values()
    defaults = {p.name: p.default for p in written if p.default is not p.empty} | defaults
    for name in defaults:
        if name not in hyper:
            raise TypeError(f"rule {function.__name__}: {name} has a default, but is no hyperparameter of its")
    return function, defaults


def formula_of(function, defaults):
    """Return the formula that a user's function tells, and what it takes from outside."""
    try:
        formula, outside = rewritten(function)
    except OSError:  # it runs on whole arrays, uncompiled
        check_behaviour(function, {name: float(defaults.get(name, 0.1)) for name in roles(function)[2]})
        return function, Outside(function)
    loops.check_formula(formula)
    return formula, outside


def copied(function):
    """The same function again, to be marked."""
    new = types.FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    new.__kwdefaults__, new.__annotations__ = function.__kwdefaults__, function.__annotations__
    new.__qualname__, new.__module__, new.__doc__ = function.__qualname__, function.__module__, function.__doc__
    return new
