"""Schedules made of schedules: one after the other, over and over, with parameters that move.

Wherever one of these takes a schedule it takes a function of t or a number as well.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any

import numpy as np

from ..fields import Check, Count, Function, Number, checked, count, several
from .base import AnySchedule, Schedule, any_schedule, end, must_last, shown, span, values


@checked(frozen=True)
class Constant(Schedule):
    """The same value for ever.

    s(t) = value

    Parameters
    ----------
    value : number

    Returns a schedule.  Raises TypeError or ValueError for what is no finite number.

    Reference: ParameterSchedulers.jl 0.3 ``Constant``.

    >>> Constant(0.25)(1000)
    0.25
    """

    value: Number

    def formula(self, t: np.ndarray) -> np.ndarray:
        return np.full(t.shape, self.value)


@checked(frozen=True)
class Sequence(Schedule):
    """One schedule after the other, each beginning with its own step 1; the last one goes on for ever.

    s(t) = s_k(t - n_1 - ... - n_(k-1)),   k such that n_1 + ... + n_(k-1) < t <= n_1 + ... + n_k, or the last

    Parameters
    ----------
    schedules : list of schedules, functions or numbers
    step_sizes : list of int >= 1     how many steps each runs

    Instead of the two lists, pairs may be given, ``Sequence((a, 10), (b, 20))``, or one generator of
    pairs. (In Julia the variable of a generator doubles as the step size; a Python generator does not
    show its variable, so one that gives bare schedules lets them run 1, 2, 3, ... steps, as ``for k in
    1:n`` does there.) The first 100 pairs of a generator are read at once, the others, if there are
    any, as far as the steps asked for need them: such a sequence equals only itself and cannot be
    pickled.

    Returns a schedule, finite when its last part is.

    Raises ValueError for unequal lengths, an empty list, a step size below 1, a finite schedule that is
    to run past its end; TypeError for what is no schedule.

    Reference: ParameterSchedulers.jl 0.3 ``Sequence``.

    >>> Sequence([1.0, Constant(2.0)], [2, 3])[1:5]
    array([1., 1., 2., 2.])
    >>> Sequence((1.0, 2), (lambda t: 0.1 * t, 3))[1:7]
    array([1. , 1. , 0.1, 0.2, 0.3, 0.4])
    >>> Sequence((2 / k, k) for k in range(1, 4))
    Sequence((2.0, 1), (1.0, 2), (0.6666666666666666, 3))
    """

    schedules: Annotated[tuple[Any, ...], several(any_schedule)]
    step_sizes: Annotated[tuple[int, ...], several(count)]

    def __init__(
        self, *args: Any, schedules: Iterable[Any] | None = None, step_sizes: Iterable[int] | None = None
    ) -> None:
        pairs = pairs_of(args, schedules, step_sizes)
        if isinstance(pairs, Iterator):
            pairs = first_pairs(pairs)
        self._set("schedules", [inner for inner, _ in pairs])
        self._set("step_sizes", [steps for _, steps in pairs])
        self.__post_init__()
        for inner, steps in zip(self.schedules, self.step_sizes):
            must_last(inner, steps, "Sequence")

    def formula(self, t: np.ndarray) -> np.ndarray:
        ends = np.cumsum(self.step_sizes)
        parts = np.minimum(np.searchsorted(ends, t), len(ends) - 1)
        y = np.empty(t.shape)
        for k in np.unique(parts):
            here = parts == k
            y[here] = values(self.schedules[k], t[here] - (ends[k] - self.step_sizes[k]))
        return y

    @property
    def end(self) -> float:
        return sum(self.step_sizes[:-1]) + end(self.schedules[-1])

    @property
    def span(self) -> int:
        return sum(self.step_sizes)

    def arguments(self) -> list[str]:
        return [shown(pair) for pair in zip(self.schedules, self.step_sizes)]


def pairs_of(args, schedules, step_sizes):
    """The pairs (schedule, steps), for each way to call Sequence; an iterator if they may be endless."""
    if args and all(isinstance(arg, tuple) and len(arg) == 2 for arg in args):
        return args
    lists = [*args, *(given for given in (schedules, step_sizes) if given is not None)]
    if len(lists) == 1 and isinstance(lists[0], Iterator):
        return (entry if isinstance(entry, tuple) else (entry, k) for k, entry in enumerate(lists[0], 1))
    if len(lists) != 2 or not all(map(np.iterable, lists)):
        raise TypeError("Sequence takes two lists, as in Sequence([a, b], [10, 20]), or pairs, as in "
                        "Sequence((a, 10), (b, 20)), or a generator of such pairs")
    known = [len(given) for given in lists if not isinstance(given, Iterator)]
    if not known:
        return zip(*lists)
    lists = [list(itertools.islice(given, known[0] + 1)) if isinstance(given, Iterator) else given
             for given in lists]
    if len(lists[0]) != len(lists[1]):
        raise ValueError(f"Sequence: {len(lists[0])} schedules but {len(lists[1])} step sizes")
    return tuple(zip(*lists))


def first_pairs(pairs):
    """As much of a generator as is read at once, and a schedule that stands for the rest."""
    first = tuple(itertools.islice(pairs, 100))
    rest = next(pairs, None)
    return first if rest is None else (*first, (Unread(itertools.chain([rest], pairs)), 1))


class Unread(Schedule):
    """What a generator given to Sequence has still to give, read as far as the steps asked for need it."""

    def __init__(self, pairs):
        self._set("unread", pairs)
        self._set("pairs", [])
        self._set("read_to", 0)

    def formula(self, t: np.ndarray) -> np.ndarray:
        while self.read_to < t.max(initial=1) and (pair := next(self.unread, None)):
            self.pairs.append(pair)
            self._set("read_to", self.read_to + pair[1])
        return Sequence(*self.pairs).formula(t)

    def __reduce__(self):
        raise TypeError("a Sequence made from a long or endless generator cannot be copied or pickled; "
                        "give it lists, or generate 100 pairs at most")


@checked(frozen=True)
class Loop(Schedule):
    """The first ``period`` steps of a schedule, over and over.

    s(t) = f(((t - 1) mod period) + 1)

    Parameters
    ----------
    f : schedule, function or number
    period : int >= 1     how many steps are repeated

    Returns a schedule.

    Raises TypeError or ValueError for what is no schedule, a period below 1 or longer than a finite schedule.

    Reference: ParameterSchedulers.jl 0.3 ``Loop``.

    >>> Loop(lambda t: t ** 2, 3)[1:8]
    array([1., 4., 9., 1., 4., 9., 1.])
    """

    f: AnySchedule
    period: Count

    def __post_init__(self) -> None:
        super().__post_init__()
        must_last(self.f, self.period, "Loop")

    def formula(self, t: np.ndarray) -> np.ndarray:
        return values(self.f, (t - 1) % self.period + 1)

    @property
    def span(self) -> int:
        return 3 * self.period


def remake(schedule, parameters):
    """Another schedule of the same kind, with these arguments."""
    return type(schedule)(*parameters)


@Check
def parameter(value, where):
    """A schedule or a function to be evaluated at each step, or any value to be passed as it is."""
    return tuple(value) if isinstance(value, list) else value


@checked(frozen=True)
class ComposedSchedule(Schedule):
    """A schedule whose parameters are schedules.

    s(t) = compose_fn(schedule, [p(t) for p in parameters])(t)

    Parameters
    ----------
    compose_fn : function    (schedule, values of the parameters) -> the schedule of this step; unless given,
                             ``type(schedule)(*values)``: the parameters stand in the order of its arguments
    schedule : schedule
    parameters : list of schedules, functions or constants

    Call it ``ComposedSchedule(schedule, parameters)`` or ``ComposedSchedule(compose_fn, schedule,
    parameters)``.

    Returns a schedule, as long as the shortest of ``schedule`` and the parameters.

    Raises, when made, what making the schedule of step 1 raises; TypeError or ValueError for bad arguments.

    Reference: ParameterSchedulers.jl 0.3 ``ComposedSchedule``.

    >>> from minigrad.schedules import Step, Triangle
    >>> height = Step(start=1.0, decay=0.5, step_sizes=4)
    >>> ComposedSchedule(Triangle(1.0, 0.0, 4), [height, 0.0, 4])[1:9]
    array([0.  , 0.5 , 1.  , 0.5 , 0.  , 0.25, 0.5 , 0.25])
    """

    compose_fn: Function
    schedule: AnySchedule
    parameters: Annotated[tuple[Any, ...], several(parameter)]

    def __init__(self, *args: Any, compose_fn: Callable[..., Any] | None = None, **named: Any) -> None:
        if len(args) + len(named) == 3:
            compose_fn, *args = args
        for name, value in zip(("schedule", "parameters"), args):
            named.setdefault(name, value)
        if named.keys() != {"schedule", "parameters"}:
            raise TypeError("ComposedSchedule takes (schedule, parameters) or "
                            "(compose_fn, schedule, parameters)")
        self._set("compose_fn", remake if compose_fn is None else compose_fn)
        self._set("schedule", named["schedule"])
        self._set("parameters", named["parameters"])
        self.__post_init__()
        self.formula(np.array([1.0]))

    def formula(self, t: np.ndarray) -> np.ndarray:
        moving = {i: values(p, t).tolist() for i, p in enumerate(self.parameters) if callable(p)}
        y = [values(self.made(moving, i), t[i:i + 1]) for i in range(len(t))]
        return np.concatenate(y) if y else t

    def made(self, moving, i):
        """The schedule of the i-th of the steps asked for."""
        parameters = [moving[k][i] if k in moving else p for k, p in enumerate(self.parameters)]
        return self.compose_fn(self.schedule, parameters)

    @property
    def end(self) -> float:
        return min(end(self.schedule), *map(end, self.parameters))

    @property
    def span(self) -> int:
        return span(self.schedule)

    def arguments(self) -> list[str]:
        given = [self.schedule, self.parameters]
        return [shown(part) for part in (given if self.compose_fn is remake else [self.compose_fn, *given])]
