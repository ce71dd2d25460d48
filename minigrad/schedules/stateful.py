"""The schedules that remember: one that knows its own step, and one that listens to the loss."""

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

import numpy as np

from ..fields import (
    KW_ONLY,
    Check,
    Checked,
    Number,
    Range,
    also,
    checked,
    count,
    function,
    number,
    required,
    whole_number,
)
from .base import StepError, any_schedule, end, run_out, shown, values

T = TypeVar("T")


def next_(stateful: Any, *value: float) -> float:
    """The value of a ``Stateful`` or ``Plateau`` for this step; overwrites its state: the next call goes on.

    Parameters
    ----------
    stateful : Stateful or Plateau     or anything else with a method ``next_``
    value : number                     the loss of the step that is over, for a Plateau

    Returns a float.  Raises StepError past the end of a finite schedule; TypeError for what has no state.

    Reference: ParameterSchedulers.jl 0.3 ``next!``.

    >>> s = Stateful(lambda t: 10 * t)
    >>> next_(s), next_(s), next_(s)
    (10.0, 20.0, 30.0)
    """
    if not hasattr(stateful, "next_"):
        raise TypeError(f"next_: {shown(stateful)} has no state to overwrite; wrap it, "
                        f"s = Stateful(schedule), and call next_(s)")
    return stateful.next_(*value)


def reset_(stateful: T) -> T:
    """Put a ``Stateful``, a ``Plateau`` or an optimiser back to where it began; overwrites its state.

    Returns its argument.  Raises TypeError for what has no state.

    Reference: ParameterSchedulers.jl 0.3 ``reset!``.

    >>> s = Stateful(lambda t: 10 * t)
    >>> next_(s), next_(s), next_(reset_(s))
    (10.0, 20.0, 10.0)
    """
    if not hasattr(stateful, "reset_"):
        raise TypeError(f"reset_: {shown(stateful)} has no state to reset")
    stateful.reset_()
    return stateful


def always(state):
    """The ``advance`` of a Stateful that goes on at every call."""
    return True


class Stateful:
    """A schedule and the step it has reached, from which ``next_`` or Python's ``next`` takes the next value.

    next_(s) returns schedule(state); then, if advance(state), state <- state + 1

    Parameters
    ----------
    schedule : schedule, function or number
    state : int >= 1      the next step; settable, so that a run can be resumed
    advance : function    state -> bool, asked before going on (by keyword); unless given, it always goes on

    Raises TypeError or ValueError for what is no schedule, step or function; StepError past the end of a
    finite schedule, where Python's ``next`` raises StopIteration, as iterators do.

    Reference: ParameterSchedulers.jl 0.3 ``Stateful``.

    >>> from minigrad.schedules import Exp
    >>> s = Stateful(Exp(start=0.8, decay=0.5))
    >>> next_(s), next(s), s.state
    (0.8, 0.4, 3)
    >>> s
    Stateful(Exp(start=0.8, decay=0.5), state=3)
    """

    def __init__(self, schedule: Any, state: int = 1, *, advance: Callable[[int], bool] | None = None) -> None:
        self.schedule = any_schedule(schedule, "Stateful: schedule")
        self.state = count(state, "Stateful: state")
        self.advance = always if advance is None else function(advance, "Stateful: advance")

    def next_(self) -> float:
        try:
            value = float(values(self.schedule, np.array([float(self.state)]))[0])
        except StepError as error:
            raise run_out("next_", error, "reset_(s) lets it begin again") from None
        if self.advance(self.state):
            self.state += 1
        return value

    def reset_(self) -> None:
        self.state = 1

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> float:
        if self.state > end(self.schedule):
            raise StopIteration
        return self.next_()

    def __repr__(self) -> str:
        advance = "" if self.advance is always else f", advance={shown(self.advance)}"
        return f"Stateful({shown(self.schedule)}, state={self.state}{advance})"


shrinking = Range("lie between 0 and 1, both excluded", lambda v: 0 < v < 1, after=number)
not_negative = Range("not be negative", lambda v: v >= 0, after=number)
how_many = Range("be a whole number", convert=whole_number, after=not_negative)


@Check
def min_or_max(value, where):
    """Whether smaller is better, or larger."""
    if value not in ("min", "max"):
        raise ValueError(f"{where} must be 'min' or 'max', but is {value!r}")
    return value


@checked()
class Plateau(Checked):
    """A value that is cut when the loss has stopped getting better.

    A loss is better when  loss < best - (rtol * |best| + atol),  and then becomes the best.  After more
    than ``patience`` losses in a row that are not,  value <- max(decay * value, lowest),  and the next
    ``cooldown`` losses are not held against it.  With mode "max" better is  loss > best + (rtol *
    |best| + atol).

    Feed it with ``next_(s, loss)``, which returns the value for what comes next; ``s.value`` is the current
    one.  Called with any t it returns that too, so it can stand wherever a schedule can, as in a Scheduler.

    Parameters
    ----------
    start : number            the value at first
    decay : 0 < number < 1    factor of a cut (γ)
    patience : int >= 0       how many losses in a row may be no better before the next one leads to a cut
    rtol, atol : number >= 0  by how much a loss has to be better, as a part of the best and absolutely
    cooldown : int >= 0       how many losses after a cut do not count
    lowest : number           it is never cut below
    mode : "min" or "max"     "max" for what is to grow, such as an accuracy

    Its state is ``value, best, worse_in_a_row, cooling``; ``reset_`` puts it back.  A NaN is never better.

    Raises TypeError or ValueError for bad arguments, and for a loss that is not one real number.

    Unlike PyTorch's, a relative threshold asks for an improvement when the best is negative too, and
    small cuts are made as well (there ``eps`` prevents them).

    Reference: PyTorch's ReduceLROnPlateau; Bengio 2012, arXiv:1206.5533, section 3.1.

    >>> s = Plateau(0.1, decay=0.5, patience=1)
    >>> [next_(s, loss) for loss in (3, 2, 2, 2, 2, 2)]
    [0.1, 0.1, 0.1, 0.05, 0.05, 0.025]
    """

    start: Number = required()
    decay: Annotated[float, shrinking] = 0.1
    patience: Annotated[int, how_many] = 10
    rtol: Annotated[float, not_negative] = 1e-4
    atol: Annotated[float, not_negative] = 0.0
    cooldown: Annotated[int, how_many] = 0
    lowest: Number = 0.0
    mode: Annotated[Literal["min", "max"], min_or_max] = "min"
    _: KW_ONLY
    λ: float = also("start")
    γ: float = also("decay")

    def __post_init__(self) -> None:
        self.reset_()

    def reset_(self) -> None:
        self.value = self.start
        self.best = math.inf if self.mode == "min" else -math.inf
        self.worse_in_a_row = 0
        self.cooling = 0

    def next_(self, *loss: float) -> float:
        if len(loss) != 1 or np.shape(loss[0]) != () or np.asarray(loss[0]).dtype.kind not in "fiu":
            raise TypeError(f"Plateau listens to the loss, one number: call next_(s, loss), not with {loss}")
        loss = float(loss[0])
        if self.is_better(loss):
            self.best = loss
            self.worse_in_a_row = 0
        else:
            self.worse_in_a_row += 1
        if self.cooling > 0:
            self.cooling -= 1
            self.worse_in_a_row = 0
        if self.worse_in_a_row > self.patience:
            self.value = max(self.decay * self.value, self.lowest)
            self.cooling = self.cooldown
            self.worse_in_a_row = 0
        return self.value

    def is_better(self, loss: float) -> bool:
        if math.isinf(self.best):
            return not math.isnan(loss)
        margin = self.rtol * abs(self.best) + self.atol
        return loss < self.best - margin if self.mode == "min" else loss > self.best + margin

    def __call__(self, t: Any = None) -> float:
        return self.value
