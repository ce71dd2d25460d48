"""What every optimiser is made of: hyperparameters with ranges, state by identity, a formula."""

import dataclasses
import functools
import inspect
import math
import operator

import numpy as np

from .. import habits
from ..fields import also_spelled
from ..hints import meets
from ..iddict import IdDict
from .arrays import apart, order_of
from .compiled import loops


class Range:
    """The annotation of a hyperparameter: what it may be.  ``check`` returns it as a plain number.

    >>> nonnegative.check("Descent", "eta", np.float32(0.5))
    0.5
    """

    def __init__(self, what, holds, convert=float, count=None):
        self.what, self.holds, self.convert, self.count = what, holds, convert, count

    def check(self, owner, name, value):
        try:
            if self.count is None:
                plain = self.number(value)
            else:
                plain = tuple(self.number(v) for v in value)
                if len(plain) != self.count:
                    raise ValueError
        except (TypeError, ValueError, OverflowError) as error:
            kind = ValueError if type(error) is ValueError else TypeError
            raise kind(f"{owner}: {name} must be {self.what}, got {value!r}{_instead(owner, name, value)}") from None
        return plain

    def number(self, value):
        if isinstance(value, (str, bytes, bool, np.bool_)) or np.ndim(value) != 0:
            raise TypeError
        plain = self.convert(value)
        if not self.holds(plain):
            raise ValueError
        return plain


def _instead(owner, name, value):
    """Return what to write where a hyperparameter was given something else that has its own place."""
    if callable(value):
        return f". A schedule is given by Scheduler({owner}(...), {name}=schedule)"
    if np.iterable(value) and not isinstance(value, (str, tuple)):
        return f". Parameters are given with each step: update_({owner}(...), ps, gradients)"
    return ""


def whole(value):
    """An integer, also one written as 1000.0 or 1e3."""
    return int(value) if isinstance(value, float) and value.is_integer() else operator.index(value)


number = Range("a finite number", math.isfinite)
nonnegative = Range("a finite number >= 0", lambda v: 0 <= v < math.inf)
positive = Range("a number > 0", lambda v: v > 0)
fraction = Range("a number in [0, 1)", lambda v: 0 <= v < 1)
proportion = Range("a number in [0, 1]", lambda v: 0 <= v <= 1)
fractions = Range("two numbers in [0, 1)", lambda v: 0 <= v < 1, count=2)
pair = Range("two numbers >= 0", lambda v: v >= 0, count=2)
count = Range("a whole number >= 0", lambda v: v >= 0, whole)
period = Range("a whole number >= 1", lambda v: v >= 1, whole)


@meets(habits.OPTIMISER)
class AbstractOptimiser:
    """The parent of all optimisers here; a parent for yours if you like, but none is needed.

    A class of your own takes part by a method registered on ``apply_``; from here it inherits
    ``reset_`` and the checking of whatever it annotates with a ``Range``.

    >>> class Mine(AbstractOptimiser):
    ...     eta = 0.5
    >>> isinstance(Mine(), AbstractOptimiser)
    True
    """

    _ranges = {}
    _structure = ()  # names of attributes that are how it was built, or worked out anew: not saved
    _plans = None  # work prepared by step.py, never older than what it was made from

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        own = {name: kind for name, kind in inspect.get_annotations(cls).items() if isinstance(kind, Range)}
        cls._ranges = {**cls._ranges, **own}

    def __setattr__(self, name, value):
        allowed = self._ranges.get(name)
        if allowed is not None:
            value = allowed.check(type(self).__name__, name, value)
        object.__setattr__(self, name, value)

    def reset_(self):
        """Forget the state of every parameter, as if no step had been made; hyperparameters stay.

        >>> from minigrad.optimise import Momentum, update_
        >>> opt, x = Momentum(), np.ones(2)
        >>> update_(opt, x, np.ones(2)); len(opt.velocity)
        1
        >>> opt.reset_(); len(opt.velocity)
        0
        """
        for value in vars(self).values():
            if isinstance(value, IdDict):
                value.clear()
        for o in self._inside().values():
            getattr(o, "reset_", lambda: None)()
        self._plans = None

    def _inside(self):
        """Return a dict from names to whatever else in here has a state of its own."""
        return {}

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "_plans"}

    def __setstate__(self, state):
        vars(self).update(state)


class Rule(AbstractOptimiser):
    """An optimiser given by a formula of formulas.py, hence one that can be fused and compiled.

    A subclass says ``formula``; ``hyper()``, the hyperparameters in the formula's order; ``kept``,
    the name of the IdDict with the state of each parameter; and ``fresh(x)``, that state before the
    first step, arrays in the formula's order, the numbers together in one array at the end.
    """

    formula = None
    kept = None
    replaces = False  # whether the formula returns new values of its first hyperparameters
    measures = None  # "each" or "all": the last number is the norm of what arrives here

    def __setattr__(self, name, value):
        if name not in self.__dataclass_fields__ and name[0] != "_" and not hasattr(type(self), name):
            raise AttributeError(_no_such(type(self), name))
        if name == self.kept and not isinstance(value, IdDict):
            raise TypeError(f"{type(self).__name__}: {name} must be an IdDict, got {value!r}")
        super().__setattr__(name, value)

    def hyper(self):
        raise NotImplementedError

    def fresh(self, x):
        return ()

    def __repr__(self):
        shown = [f"{f.name}={getattr(self, f.name)!r}" for f in dataclasses.fields(self) if f.repr]
        return f"{type(self).__name__}({', '.join(shown)})"

    def replace(self, values):
        """Take back the hyperparameters that the formula has replaced."""

    def state_of(self, p, x):
        """Return the state of parameter ``p``, whose numbers are ``x``, as a tuple of arrays."""
        if self.kept is None:
            return ()
        state = getattr(self, self.kept).get_or_make(p, lambda: _packed(self.fresh(x)))
        return state if isinstance(state, tuple) else (state,)

    def refuse_dtype(self, dtype):
        """Raise TypeError where the rule has no meaning for a dtype."""


def _packed(state):
    return state if len(state) > 1 else state[0]


def _no_such(cls, name):
    """Return the message for a hyperparameter that a rule has not: what to write, and what it has."""
    how = f": {habits.OPTIMISER[name]}" if name in habits.OPTIMISER else ""
    return f"{cls.__name__} has no hyperparameter {name!r}{how}; it has {', '.join(cls._ranges) or 'none'}"


def zeros(x):
    """Zeros shaped, ordered and typed like ``x``: for state."""
    return apart(x.shape, x.dtype, order_of(x))


def full(x, value):
    """An array shaped and ordered like ``x``, full of one number, of its real dtype: for state."""
    array = apart(x.shape, real(x), order_of(x))
    if value:
        array[...] = value
    return array


def real(x):
    """The dtype of the real part of ``x``."""
    return x.dtype.type(0).real.dtype


def hyperparameters(**greek):
    """Class decorator of all rules: a dataclass whose constructor takes Greek keywords too.

    An IdDict given last is the state, also where epsilon before it was left out, as in Flux.
    """

    def decorate(cls):
        cls = dataclasses.dataclass(cls, eq=False, repr=False, match_args=False)
        init, given = cls.__init__, [f.name for f in dataclasses.fields(cls) if f.init]

        @functools.wraps(init)
        def __init__(self, *args, **kwargs):
            if cls.kept and args and isinstance(args[-1], IdDict):
                args, kwargs = args[:-1], {**kwargs, cls.kept: args[-1]}
            for name in kwargs:
                if name not in given:
                    raise TypeError(_no_such(cls, name))
            init(self, *args, **kwargs)

        cls.__init__ = __init__
        return also_spelled(**greek)(cls)

    return decorate


def state():
    """A dataclass field for the state of each parameter."""
    return dataclasses.field(default_factory=IdDict, repr=False)


def rule(function=None, **defaults):
    """Decorator: make an optimiser class of one scalar formula.

        step, *state = formula(x, dx, *state, *hyperparameters)

    Parameters
    ----------
    function : ``x`` and ``dx`` come first; then the state, which starts at zero: an array shaped like
        the parameter for a bare name, one number per parameter for ``t: float``; then the
        hyperparameters, which are those with a default.  Its body is a list of assignments, as
        in formulas.py.
    **defaults : of hyperparameters whose default is not written in the function: ``@rule(eta=0.1)``

    Returns
    -------
    A class of the function's name: fields, defaults, repr, state in ``opt.state[W]``, a fused
    kernel, a place in compositions.

    Raises TypeError where the function is not such a formula, saying which line.

    >>> @rule
    ... def Lion(x, dx, m, eta=1e-4, beta1=0.9, beta2=0.99):
    ...     step = eta * np.sign(beta1 * m + (1 - beta1) * dx)
    ...     m = beta2 * m + (1 - beta2) * dx
    ...     return step, m
    >>> Lion(eta=0.01)
    Lion(eta=0.01, beta1=0.9, beta2=0.99)
    """
    if function is None:
        return functools.partial(rule, **defaults)
    function.hyperparameters = defaults
    arrays, numbers, hyper, defaults = loops.roles(function)
    try:
        loops.check(function)
    except OSError:  # no text to read: it runs on whole arrays, uncompiled
        pass
    body = {
        "formula": staticmethod(function),
        "__doc__": function.__doc__,
        "__module__": function.__module__,
        "__qualname__": function.__qualname__,
        "__annotations__": dict.fromkeys(hyper, number),
        **defaults,
        "hyper": lambda self: tuple([getattr(self, name) for name in hyper]),
    }
    if arrays or numbers:
        body["__annotations__"]["state"] = IdDict
        body |= {
            "state": state(),
            "kept": "state",
            "fresh": lambda self, x: (
                *[zeros(x) for _ in arrays],
                *([np.zeros(len(numbers))] if numbers else []),
            ),
        }
    return hyperparameters()(type(function.__name__, (Rule,), body))
