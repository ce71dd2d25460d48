"""Schedules that fall: by steps, by a constant factor, along a polynomial, like 1/t."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np

from ..fields import KW_ONLY, Check, Count, Number, also, checked, count, required, several
from .base import Schedule


@Check
def one_or_several_counts(value, where):
    """A number of steps, or several, one after the other."""
    return several(count)(value, where) if np.iterable(value) else count(value, where)


@checked(frozen=True)
class Step(Schedule):
    """A staircase: the value is multiplied by ``decay`` after every so many steps.

    s(t) = start * decay^k,  k = how many of the stairs lie wholly before t

    Parameters
    ----------
    start : number                        the value of the first stair
    decay : number                        factor from one stair to the next
    step_sizes : int >= 1, or several     length of the stairs in steps.  One number serves for all of them;
                                          of several, each serves once, and after the last one the value
                                          decays once more and stays.

    Returns a schedule.  Raises TypeError or ValueError for what is no number, a size below 1, an empty list.

    The sizes are lengths, not the steps at which the value drops: PyTorch's milestones [3, 9] are [3,
    6] here.

    Reference: ParameterSchedulers.jl 0.3 ``Step`` (keywords λ, γ there; start, decay in 0.4).

    >>> Step(start=1.0, decay=0.5, step_sizes=2)[1:8]
    array([1.   , 1.   , 0.5  , 0.5  , 0.25 , 0.25 , 0.125])
    >>> Step(start=1.0, decay=0.5, step_sizes=[1, 3])[1:8]
    array([1.  , 0.5 , 0.5 , 0.5 , 0.25, 0.25, 0.25])
    """

    start: Number = required()
    decay: Number = required()
    step_sizes: Annotated[int | Sequence[int], one_or_several_counts] = required()
    _: KW_ONLY
    λ: float = also("start")
    γ: float = also("decay")

    def formula(self, t: np.ndarray) -> np.ndarray:
        if isinstance(self.step_sizes, tuple):
            stairs = np.searchsorted(np.cumsum(self.step_sizes), t)
        else:
            stairs = np.maximum((t - 1) // self.step_sizes, 0)
        return self.start * self.decay ** stairs.astype(float)

    @property
    def span(self) -> int:
        return sum(self.step_sizes) + 1 if isinstance(self.step_sizes, tuple) else 4 * self.step_sizes


@checked(frozen=True)
class Exp(Schedule):
    """Exponential decay: every step multiplies the value by ``decay``.

    s(t) = start * decay^(t - 1)

    Parameters
    ----------
    start : number    the value at the first step
    decay : number    factor from one step to the next; below 1 to decay, above 1 to grow

    Returns a schedule.  Raises TypeError or ValueError for what is no finite number.

    Reference: ParameterSchedulers.jl 0.3 ``Exp`` (keywords λ, γ there; start, decay in 0.4).

    >>> Exp(start=1.0, decay=0.5)[1:6]
    array([1.    , 0.5   , 0.25  , 0.125 , 0.0625])
    """

    start: Number = required()
    decay: Number = required()
    _: KW_ONLY
    λ: float = also("start")
    γ: float = also("decay")

    def formula(self, t: np.ndarray) -> np.ndarray:
        return self.start * self.decay ** (t - 1)


@checked(frozen=True)
class Poly(Schedule):
    """Polynomial decay towards 0, which a step after the last would reach.

    s(t) = start * (1 - (t - 1) / max_iter)^degree,   t = 1, ..., max_iter

    Parameters
    ----------
    start : number         the value at the first step
    degree : number        1 falls along a straight line, 2 along a parabola
    max_iter : int >= 1    how many steps there are: ``len`` of the schedule

    Returns a finite schedule: past its end it raises StepError, an IndexError, and iteration stops.

    The original's documentation divides by the power; its code, and this, multiplies.

    Reference: ParameterSchedulers.jl 0.3 ``Poly`` (keywords λ, p there; start, degree in 0.4).

    >>> list(Poly(start=1.0, degree=2, max_iter=4))
    [1.0, 0.5625, 0.25, 0.0625]
    """

    start: Number = required()
    degree: Number = required()
    max_iter: Count = required()
    _: KW_ONLY
    λ: float = also("start")
    p: float = also("degree")

    def formula(self, t: np.ndarray) -> np.ndarray:
        return self.start * (1 - (t - 1) / self.max_iter) ** self.degree

    @property
    def end(self) -> float:
        return self.max_iter


@checked(frozen=True)
class Inv(Schedule):
    """Decay like a power of 1/t.

    s(t) = start / (1 + decay * (t - 1))^degree

    Parameters
    ----------
    start : number     the value at the first step
    decay : number     how soon the decay sets in, per step
    degree : number    power of the denominator

    Returns a schedule.  Raises TypeError or ValueError for what is no finite number.

    Reference: ParameterSchedulers.jl 0.3 ``Inv`` (keywords λ, γ, p there; start, decay, degree in 0.4).

    >>> Inv(start=1.0, decay=1.0, degree=2)[1:5]
    array([1.        , 0.25      , 0.11111111, 0.0625    ])
    """

    start: Number = required()
    decay: Number = required()
    degree: Number = required()
    _: KW_ONLY
    λ: float = also("start")
    γ: float = also("decay")
    p: float = also("degree")

    def formula(self, t: np.ndarray) -> np.ndarray:
        return self.start / (1 + self.decay * (t - 1)) ** self.degree
