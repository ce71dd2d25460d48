"""What all schedules have in common: checked fields, and being called, iterated, indexed and printed.

A schedule is a plain value that is called with the number of the step, ``t = 1, 2, ...``.  To write one
of your own, subclass ``Schedule`` as a frozen dataclass and write its ``formula``, or simply write a
function of t: wherever a schedule may stand, a function or a number may too.
"""

import dataclasses
import itertools
import math
import numbers
import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, overload

import numpy as np

from ..core.errors import MinigradError
from ..doors import door, shorten
from ..fields import Check, Checked, Count, Flag, Function, Number, Positive, Whole, number
from ..habits import SCHEDULE
from ..hints import meets

__all__ = [  # what a schedule of one's own is made of
    "AnySchedule", "Count", "Flag", "Function", "Number", "Positive", "Schedule", "StepError", "Whole",
]

SPAN = 60  # steps in the picture of a schedule that has no natural length


class StepError(MinigradError, IndexError, ValueError):
    """A schedule was asked for a step it does not have: before the first, or past the end of a finite one.

    >>> issubclass(StepError, IndexError) and issubclass(StepError, ValueError)
    True
    """


@Check
def any_schedule(value, where):
    """Whatever may stand for a schedule: a Schedule, a function of t, a number (that number for ever)."""
    if isinstance(value, type):
        raise TypeError(f"{where} must be a schedule, but is a class: write {value.__name__}(...)")
    if not callable(value) and (not isinstance(value, numbers.Real) or isinstance(value, bool)):
        raise TypeError(f"{where} must be a schedule, a function of t or a number, but is {value!r}")
    return value if callable(value) else number(value, where)


AnySchedule = Annotated[Callable[..., float] | float, any_schedule]


@meets(SCHEDULE)
@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Schedule(Checked):
    """The common parent of all schedules.

    A subclass is a frozen dataclass whose annotations (``Number``, ``Count``, ...) say what its fields
    may hold, and has a ``formula(t)`` for a 1-d float array of steps.  A finite one says in ``end``
    which step is its last.

    Called with a step it returns a float, called with an array of steps an array of the same shape.  A step
    is a number from 1 on; between whole steps the formula is taken at its word.

    Raises StepError (an IndexError and a ValueError) for t < 1 or past the end, TypeError for what is
    no number.

    >>> from minigrad.schedules import Exp, Poly
    >>> Exp(start=8, decay=0.5)(3), Exp(start=8, decay=0.5)[1:4]
    (2.0, array([8., 4., 2.]))
    >>> list(Poly(start=1, degree=1, max_iter=4)), len(Poly(start=1, degree=1, max_iter=4))
    ([1.0, 0.75, 0.5, 0.25], 4)
    >>> print(Poly(start=1, degree=1, max_iter=8))
    Poly(start=1.0, degree=1.0, max_iter=8)
    █▇▆▅▄▃▂▁  t = 1 ... 8, from 0.125 to 1
    """

    @door
    def __post_init__(self) -> None:
        for name in self._ranges:
            self._set(name, getattr(self, name))

    def _set(self, name: str, value: Any) -> None:
        """Set a field while the value is being made; afterwards it is frozen."""
        Checked.__setattr__(self, name, value)

    def formula(self, t: np.ndarray) -> np.ndarray:
        """The values at the steps t, a 1-d float array, which may reach below 1 inside another schedule."""
        raise NotImplementedError(f"{type(self).__name__} has no formula(t), which every schedule must have")

    @property
    def end(self) -> float:
        """The last step, an int; ``math.inf`` when there is none."""
        return math.inf

    if TYPE_CHECKING:  # plotting.py has it

        def plot(self, steps: int | None = None, ax: Any = None, **line: Any) -> Any: ...

    @property
    def span(self) -> int:
        """How many steps, from the first, make a good picture."""
        return SPAN if self.end == math.inf else self.end

    @overload
    def __call__(self, t: float) -> float: ...
    @overload
    def __call__(self, t: np.ndarray | list[int] | list[float]) -> np.ndarray: ...
    def __call__(self, t):
        steps = np.asarray(t)
        if steps.dtype.kind not in "iuf":
            raise TypeError(f"{type(self).__name__}: t must be a number or an array of numbers, but is {t!r}")
        steps = steps.astype(float)
        wrong = steps[~(steps >= 1) | np.isinf(steps)]
        if wrong.size:
            raise StepError(f"{type(self).__name__}: t = {wrong[0]:g}, but steps are counted 1, 2, 3, ...")
        try:
            y = values(self, steps.ravel())
        except Exception as error:
            shorten(error)
            raise
        return y.reshape(steps.shape) if steps.ndim else float(y[0])

    def __iter__(self) -> Iterator[float]:
        steps = itertools.count(1) if self.end == math.inf else range(1, self.end + 1)
        return map(self, steps)

    def __reversed__(self) -> Iterator[float]:
        return iter(self[:][::-1].tolist())

    def __len__(self) -> int:
        if self.end == math.inf:
            raise TypeError(f"{type(self).__name__} never ends: it has no len(); Shortened(schedule, n) has")
        return self.end

    def __bool__(self) -> bool:
        return True

    @overload
    def __getitem__(self, t: int) -> float: ...
    @overload
    def __getitem__(self, t: slice) -> np.ndarray: ...
    def __getitem__(self, t):
        """``schedule[t]`` is ``schedule(t)``; ``schedule[a:b]`` holds the values at a, a + 1, ..., b - 1."""
        if not isinstance(t, slice):
            operator.index(t)
            return self(t)
        if t.stop is None and self.end == math.inf:
            raise ValueError(f"{type(self).__name__} never ends: give the slice a stop, as in s[1:101]")
        past_end = self.end + 1
        stop = past_end if t.stop is None else min(t.stop, past_end)
        return self(np.arange(1 if t.start is None else t.start, stop, 1 if t.step is None else t.step))

    def arguments(self) -> list[str]:
        """The arguments of the call that makes this schedule, as they are to be printed; no defaults."""
        return [f"{field.name}={shown(getattr(self, field.name))}" for field in dataclasses.fields(self)
                if getattr(self, field.name) != field.default]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.arguments())})"

    def __str__(self) -> str:
        try:
            return f"{self!r}\n{sparkline(self, span(self))}"
        except Exception:  # a user's function may know only some steps; printing must work all the same
            return repr(self)


def values(schedule, t):
    """The values of whatever may stand for a schedule, at the 1-d float array of steps t."""
    if isinstance(schedule, Schedule):
        if t.size and t.max() > schedule.end:
            raise StepError(f"{type(schedule).__name__} has {schedule.end} steps, and t = {t.max():g}")
        return np.asarray(schedule.formula(t), float)
    if callable(schedule):
        return np.array([result(schedule, step) for step in t.tolist()], float)
    return np.full(t.shape, schedule, float)


def run_out(who, error, again):
    """The StepError for whoever has asked a finite schedule for one step more."""
    return StepError(
        f"{who}: {error}: it has run out. {again}; to go on, make a schedule that lasts longer, such as "
        "Sequence([schedule, last_value], [steps, more_steps])"
    )


def result(function, t):
    """What a user's function gives at one step, which it gets as an int where it is one."""
    y = function(int(t) if t.is_integer() else t)
    if not isinstance(y, numbers.Real):
        raise TypeError(f"{shown(function)}({t:g}) returned {y!r}; a schedule must return a number")
    return y


def end(schedule):
    """The last step of whatever may stand for a schedule."""
    return schedule.end if isinstance(schedule, Schedule) else math.inf


def must_last(inner, steps, owner):
    """Refuse an inner schedule that ends before the ``steps`` it is to run."""
    if end(inner) < steps:
        raise ValueError(f"{owner}: {inner!r} has only {end(inner)} steps, but is to run for {steps}")


def span(schedule):
    """How many steps of whatever may stand for a schedule make a good picture."""
    return min(schedule.span, schedule.end) if isinstance(schedule, Schedule) else SPAN


def shown(value):
    """How a field is printed: functions by their name, anything else as itself."""
    if isinstance(value, tuple):
        return f"({', '.join(map(shown, value))}{',' * (len(value) == 1)})"
    return getattr(value, "__name__", None) or repr(value)


def sparkline(schedule, steps):
    """One line of blocks: the values at the steps 1, 2, ..., ``steps`` (at most 60 of them, evenly spread).

    >>> from math import log
    >>> sparkline(log, 8)
    '▁▃▅▆▇▇██  t = 1 ... 8, from 0 to 2.07944'
    """
    t = np.unique(np.linspace(1, steps, min(steps, SPAN)).round())
    y = values(schedule, t)
    low, high = y.min(where=np.isfinite(y), initial=math.inf), y.max(where=np.isfinite(y), initial=-math.inf)
    blocks = "".join(block(value, low, high) for value in y.tolist())
    return f"{blocks}  t = 1 ... {steps}, from {low:g} to {high:g}"


def block(value, low, high):
    """The block that is as high as the value between low and high; a blank for what is not finite."""
    if not math.isfinite(value):
        return " "
    height = (value - low) / (high - low) if high > low else 0.5
    return "▁▂▃▄▅▆▇█"[min(int(8 * height), 7)]
