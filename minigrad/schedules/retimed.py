"""One schedule at other times: slower, later, shorter, warmed up, backwards.

Wherever one of these takes a schedule it takes a function of t or a number as well.
"""

import bisect
import math

import numpy as np

from ..fields import Count, Function, Positive, Whole, checked
from .base import AnySchedule, Schedule, end, must_last, span, values


@checked(frozen=True)
class Interpolator(Schedule):
    """A schedule run at another rate: ``rate`` steps here are one step there.

    s(t) = schedule(ceil_fn(t / rate))

    So a schedule in epochs serves a loop over minibatches: ``Interpolator(schedule, batches_per_epoch)``.

    Parameters
    ----------
    schedule : schedule, function or number
    rate : number > 0     steps here per step of the schedule
    ceil_fn : function    how t / rate is rounded; ``math.floor`` begins with step 0 of the schedule, and
                          ``lambda x: x`` asks it for fractions of a step

    Returns a schedule, finite when the inner one is.

    Raises TypeError or ValueError for what is no schedule, a rate of 0 or below, what is no function.

    Reference: ParameterSchedulers.jl 0.3 ``Interpolator``.

    >>> Interpolator(lambda epoch: 10 * epoch, 3)[1:8]
    array([10., 10., 10., 20., 20., 20., 30.])
    """

    schedule: AnySchedule
    rate: Positive
    ceil_fn: Function = math.ceil

    def __post_init__(self) -> None:
        super().__post_init__()
        must_last(self.schedule, self.inner_step(1), "Interpolator")
        self._set("last", self.last_step(end(self.schedule)))

    def formula(self, t: np.ndarray) -> np.ndarray:
        return values(self.schedule, np.array([self.inner_step(step) for step in t.tolist()], float))

    def inner_step(self, t):
        return self.ceil_fn(t / self.rate)

    def last_step(self, inner):
        """The last step that is rounded to the inner schedule's last; only ceil_fn knows which that is."""
        if inner == math.inf:
            return math.inf
        return bisect.bisect(range(1, math.ceil((inner + 1) * self.rate) + 1), inner, key=self.inner_step)

    @property
    def end(self) -> float:
        return self.last

    @property
    def span(self) -> int:
        return max(math.ceil(span(self.schedule) * self.rate), 1)


@checked(frozen=True)
class Shifted(Schedule):
    """A schedule that begins with another of its steps: step 1 here is step ``offset`` there.

    s(t) = schedule(t - 1 + offset)

    Parameters
    ----------
    schedule : schedule, function or number
    offset : int          1 changes nothing; 0 and below ask the formula for what lies before its step 1

    Returns a schedule, finite when the inner one is.

    Raises TypeError or ValueError for what is no schedule, no whole number, an offset past the
    schedule's end.

    Reference: ParameterSchedulers.jl 0.3 ``Shifted``.

    >>> Shifted(lambda t: t, 5)[1:4]
    array([5., 6., 7.])
    """

    schedule: AnySchedule
    offset: Whole

    def __post_init__(self) -> None:
        super().__post_init__()
        must_last(self.schedule, self.offset, "Shifted")

    def formula(self, t: np.ndarray) -> np.ndarray:
        return values(self.schedule, t - 1 + self.offset)

    @property
    def end(self) -> float:
        return end(self.schedule) + 1 - self.offset

    @property
    def span(self) -> int:
        return max(span(self.schedule) + 1 - self.offset, 1)


@checked(frozen=True)
class Shortened(Schedule):
    """A schedule cut off after ``nsteps`` steps.

    s(t) = schedule(t),   t = 1, ..., nsteps

    Parameters
    ----------
    schedule : schedule, function or number
    nsteps : int >= 1     how many steps there are: ``len`` of the schedule

    Returns a finite schedule: past its end it raises StepError, an IndexError, and iteration stops.

    Reference: ParameterSchedulers.jl 0.4.3 ``Shortened`` (which iterates without end).

    >>> list(Shortened(lambda t: 0.1 / t, 2))
    [0.1, 0.05]
    """

    schedule: AnySchedule
    nsteps: Count

    def __post_init__(self) -> None:
        super().__post_init__()
        must_last(self.schedule, self.nsteps, "Shortened")

    def formula(self, t: np.ndarray) -> np.ndarray:
        return values(self.schedule, t)

    @property
    def end(self) -> float:
        return self.nsteps


@checked(frozen=True)
class Warmup(Schedule):
    """A straight rise to the first value of a schedule, then that schedule.

    s(t) = schedule(1) * t / steps   for t = 1, ..., steps,    s(t) = schedule(t - steps)   after that

    Parameters
    ----------
    schedule : schedule, function or number
    steps : int >= 1      length of the rise

    Returns a schedule, finite when the inner one is: ``len(Warmup(s, n)) == n + len(s)``.

    Raises TypeError or ValueError for what is no schedule, steps below 1.

    The rise begins at a fraction 1/steps, not at 0, so that the first step is not lost.

    Reference: Goyal et al. 2017, arXiv:1706.02677.

    >>> Warmup(lambda t: 1 / t, 4)[1:8].round(3)
    array([0.25 , 0.5  , 0.75 , 1.   , 1.   , 0.5  , 0.333])
    """

    schedule: AnySchedule
    steps: Count

    def formula(self, t: np.ndarray) -> np.ndarray:
        return values(self.schedule, np.maximum(t - self.steps, 1)) * np.minimum(t / self.steps, 1)

    @property
    def end(self) -> float:
        return self.steps + end(self.schedule)

    @property
    def span(self) -> int:
        return self.steps + span(self.schedule)


@checked(frozen=True)
class reverse(Schedule):
    """A schedule run backwards.

    s(t) = f(period - t),   t = 1, ..., period

    Parameters
    ----------
    f : schedule, function or number
    period : int >= 1     how many steps there are; the last of them asks f for its step 0

    Returns a finite schedule: past its end it raises StepError, an IndexError, and iteration stops.

    Reference: ParameterSchedulers.jl 0.3 ``reverse``.

    >>> reverse(lambda t: 10 * t, 4)[:]
    array([30., 20., 10.,  0.])
    """

    f: AnySchedule
    period: Count

    def __post_init__(self) -> None:
        super().__post_init__()
        must_last(self.f, self.period - 1, "reverse")

    def formula(self, t: np.ndarray) -> np.ndarray:
        return values(self.f, self.period - t)

    @property
    def end(self) -> float:
        return self.period


@checked(frozen=True)
class symmetric(Schedule):
    """The first half of a schedule, and then that half backwards.

    s(t) = f(t) for t < period / 2,   f(period - t) after that,   t = 1, ..., period

    Parameters
    ----------
    f : schedule, function or number
    period : int >= 1     how many steps there are; the last of them asks f for its step 0

    Returns a finite schedule: past its end it raises StepError, an IndexError, and iteration stops.

    Reference: ParameterSchedulers.jl 0.3 ``symmetric``.

    >>> symmetric(lambda t: 10 * t, 6)[:]
    array([10., 20., 30., 20., 10.,  0.])
    """

    f: AnySchedule
    period: Count

    def __post_init__(self) -> None:
        super().__post_init__()
        must_last(self.f, self.period // 2, "symmetric")

    def formula(self, t: np.ndarray) -> np.ndarray:
        return values(self.f, np.minimum(t, self.period - t))

    @property
    def end(self) -> float:
        return self.period
