"""Schedules that rise and fall: triangle, sine and cosine waves between two values; and plans of one cycle.

All waves but ``Cos`` and ``CosRestarts`` can be made in two ways, as in ParameterSchedulers.jl:

* by keyword with their end points, in either order: ``Triangle(l0=0.1, l1=0.8, period=10)``, or λ0 and λ1;
* by position with range and offset: ``Triangle(0.7, 0.1, 10)`` runs between 0.1 and 0.1 + 0.7.
"""

import math
from typing import Annotated, Any

import numpy as np

from ..fields import KW_ONLY, Argument, Count, Flag, Number, Range, also, checked, number, required
from .base import Schedule


def one_end(name: str, read: Any) -> Any:
    """An argument that is no field: an end point, as it was given, or as range and offset have it."""
    return Argument(lambda wave: wave.ends.get(name, read(wave)), doc="One of the two values between which it runs.")


@checked(frozen=True)
class Wave(Schedule):
    """The common parent of the waves:  s(t) = offset + range * wave(t).

    ``ends`` remembers l0 and l1 as they were given, for printing; range and offset are the value.

    >>> Triangle(l0=0.1, l1=0.5, period=4), Triangle(0.4, 0.1, 4)
    (Triangle(l0=0.1, l1=0.5, period=4), Triangle(range=0.4, offset=0.1, period=4))
    >>> Triangle(l0=0.1, l1=0.5, period=4) == Triangle(0.4, 0.1, 4)
    True
    """

    range: Number = required()
    offset: Number = required()
    period: Count = required()
    _: KW_ONLY
    l0: float = one_end("l0", lambda wave: wave.offset)
    l1: float = one_end("l1", lambda wave: wave.offset + wave.range)
    λ0: float = also("l0")
    λ1: float = also("l1")
    ends = {}

    def _arranged(self, args, kwargs):
        name = type(self).__name__
        ends = {end: number(kwargs.pop(end), f"{name}: {end}") for end in ("l0", "l1") if end in kwargs}
        if len(ends) == 1 or not (args or ends or "range" in kwargs):
            raise TypeError(f"{name} needs both of its end points, as in {name}(l0=..., l1=..., period=...), "
                            f"or range and offset, as in {name}(range, offset, period)")
        if ends and args:
            raise TypeError(f"{name}: with l0 and l1 give the other arguments by keyword too; "
                            f"by position they are (range, offset, period, ...)")
        if ends:
            kwargs = {"range": abs(ends["l0"] - ends["l1"]), "offset": min(ends.values()), **kwargs}
        self._set("ends", ends)
        return args, kwargs

    def wave(self, t: np.ndarray) -> np.ndarray:
        """The values at the steps t of the wave between 0 and 1."""
        raise NotImplementedError

    def formula(self, t: np.ndarray) -> np.ndarray:
        return self.offset + self.range * self.wave(t)

    @property
    def span(self) -> int:
        return 3 * self.period

    def arguments(self) -> list[str]:
        by_range = super().arguments()
        return [f"{end}={value!r}" for end, value in self.ends.items()] + by_range[2 if self.ends else 0:]


def triangle(t, period):
    """Up from 0 to 1 and down again in a straight line, once a period."""
    return 1 - abs(1 - 2 * ((t - 1) % period) / period)


def half_sine(t, period):
    """Up from 0 to 1 and down again along half a sine, once a period."""
    return abs(np.sin(math.pi * ((t - 1) % period) / period))


def half_cosine(part):
    """From 1 down to 0 along half a cosine, while ``part`` goes from 0 to 1."""
    return (1 + np.cos(math.pi * part)) / 2


def halved_each_period(t, period):
    """1 in the first period, 1/2 in the second, 1/4 in the third."""
    return 0.5 ** ((t - 1) // period)


@checked(frozen=True)
class Triangle(Wave):
    """A triangle wave: up and down in straight lines, once a period.

    s(t) = offset + range * (1 - |1 - 2 p|),   p = ((t - 1) mod period) / period

    Parameters
    ----------
    l0, l1 : number     the lowest and the highest value, in either order (by keyword; λ0, λ1)
    range, offset : number    their difference and the lowest value (by position)
    period : int >= 1   steps from one low to the next

    Returns a schedule.  Raises TypeError or ValueError for what is no number, a period below 1.

    Reference: Smith 2017, arXiv:1506.01186; ParameterSchedulers.jl 0.3 ``Triangle``.

    >>> Triangle(l0=0.0, l1=1.0, period=4)[1:7]
    array([0. , 0.5, 1. , 0.5, 0. , 0.5])
    """

    def wave(self, t: np.ndarray) -> np.ndarray:
        return triangle(t, self.period)


@checked(frozen=True)
class TriangleDecay2(Wave):
    """A triangle wave whose height halves each period.

    s(t) = offset + range / 2^floor((t - 1) / period) * (1 - |1 - 2 p|),   p = ((t - 1) mod period) / period

    Parameters
    ----------
    l0, l1, range, offset, period : as of ``Triangle``

    Returns a schedule.  Raises TypeError or ValueError for what is no number, a period below 1.

    Reference: Smith 2017, arXiv:1506.01186 ("triangular2"); ParameterSchedulers.jl 0.3 ``TriangleDecay2``.

    >>> TriangleDecay2(l0=0.0, l1=1.0, period=2)[1:7]
    array([0.  , 1.  , 0.  , 0.5 , 0.  , 0.25])
    """

    def wave(self, t: np.ndarray) -> np.ndarray:
        return triangle(t, self.period) * halved_each_period(t, self.period)


@checked(frozen=True)
class TriangleExp(Wave):
    """A triangle wave whose height decays exponentially.

    s(t) = offset + range * decay^(t - 1) * (1 - |1 - 2 p|),   p = ((t - 1) mod period) / period

    Parameters
    ----------
    l0, l1, range, offset, period : as of ``Triangle``
    decay : number      factor on the height per step (γ)

    Returns a schedule.  Raises TypeError or ValueError for what is no number, a period below 1.

    Reference: Smith 2017, arXiv:1506.01186 ("exp range"); ParameterSchedulers.jl 0.3 ``TriangleExp``.

    >>> TriangleExp(l0=0.0, l1=1.0, period=2, decay=0.5)[1:7]
    array([0.     , 0.5    , 0.     , 0.125  , 0.     , 0.03125])
    """

    decay: Number = required()
    _: KW_ONLY
    γ: float = also("decay")

    def wave(self, t: np.ndarray) -> np.ndarray:
        return triangle(t, self.period) * self.decay ** (t - 1)


@checked(frozen=True)
class Sin(Wave):
    """A sine wave folded up: half a sine, once a period.

    s(t) = offset + range * |sin(pi (t - 1) / period)|

    Parameters
    ----------
    l0, l1, range, offset, period : as of ``Triangle``

    Returns a schedule.  Raises TypeError or ValueError for what is no number, a period below 1.

    Reference: ParameterSchedulers.jl 0.3 ``Sin``.

    >>> Sin(l0=0.0, l1=1.0, period=6)[1:6].round(3)
    array([0.   , 0.5  , 0.866, 1.   , 0.866])
    """

    def wave(self, t: np.ndarray) -> np.ndarray:
        return half_sine(t, self.period)


@checked(frozen=True)
class SinDecay2(Wave):
    """A folded sine wave whose height halves each period.

    s(t) = offset + range / 2^floor((t - 1) / period) * |sin(pi (t - 1) / period)|

    Parameters
    ----------
    l0, l1, range, offset, period : as of ``Triangle``

    Returns a schedule.  Raises TypeError or ValueError for what is no number, a period below 1.

    Reference: ParameterSchedulers.jl 0.3 ``SinDecay2``.

    >>> SinDecay2(l0=0.0, l1=1.0, period=2)[1:7].round(3)
    array([0.  , 1.  , 0.  , 0.5 , 0.  , 0.25])
    """

    def wave(self, t: np.ndarray) -> np.ndarray:
        return half_sine(t, self.period) * halved_each_period(t, self.period)


@checked(frozen=True)
class SinExp(Wave):
    """A folded sine wave whose height decays exponentially.

    s(t) = offset + range * decay^(t - 1) * |sin(pi (t - 1) / period)|

    Parameters
    ----------
    l0, l1, range, offset, period : as of ``Triangle``
    decay : number      factor on the height per step (γ)

    Returns a schedule.  Raises TypeError or ValueError for what is no number, a period below 1.

    Reference: ParameterSchedulers.jl 0.3 ``SinExp``.

    >>> SinExp(l0=0.0, l1=1.0, period=2, decay=0.5)[1:7].round(3)
    array([0.   , 0.5  , 0.   , 0.125, 0.   , 0.031])
    """

    decay: Number = required()
    _: KW_ONLY
    γ: float = also("decay")

    def wave(self, t: np.ndarray) -> np.ndarray:
        return half_sine(t, self.period) * self.decay ** (t - 1)


@checked(frozen=True)
class CosAnneal(Wave):
    """Cosine annealing: from the highest value down along half a cosine; then at once, or gently, up again.

    s(t) = offset + range * (1 + cos(pi p)) / 2
    p = ((t - 1) mod period) / period   with restart,   p = (t - 1) / period   without

    Parameters
    ----------
    l0, l1, range, offset, period : as of ``Triangle``; the period is the length of one way down
    restart : bool      True jumps back to the top after each period, False climbs back during the next

    Returns a schedule.  Raises TypeError or ValueError for what is no number, a period below 1.

    The original's documentation swaps the two meanings of ``restart``; its code, and this, is as above.

    Reference: Loshchilov and Hutter 2017, arXiv:1608.03983; ParameterSchedulers.jl 0.3 ``CosAnneal``.

    >>> CosAnneal(l0=0.0, l1=1.0, period=2)[1:6]
    array([1. , 0.5, 1. , 0.5, 1. ])
    >>> CosAnneal(l0=0.0, l1=1.0, period=2, restart=False)[1:6]
    array([1. , 0.5, 0. , 0.5, 1. ])
    """

    restart: Flag = True

    def wave(self, t: np.ndarray) -> np.ndarray:
        steps = (t - 1) % self.period if self.restart else t - 1
        return half_cosine(steps / self.period)


@checked(frozen=True)
class Cos(Schedule):
    """Cosine annealing with restarts under the name of Flux's manual; by position it takes the end points.

    s(t) = low + (high - low) * (1 + cos(pi p)) / 2,   p = ((t - 1) mod period) / period,
    where low and high are the smaller and the larger of l0 and l1

    Parameters
    ----------
    l0, l1 : number     the lowest and the highest value, in either order (λ0, λ1)
    period : int >= 1   steps from one top to the next

    Returns a schedule.  Raises TypeError or ValueError for what is no number, a period below 1.

    Reference: Loshchilov and Hutter 2017, arXiv:1608.03983; ParameterSchedulers.jl 0.2 ``Cos``.

    >>> Cos(λ0=1e-4, λ1=1e-2, period=10)(1)
    0.01
    >>> Cos(λ0=1e-4, λ1=1e-2, period=10)
    Cos(l0=0.0001, l1=0.01, period=10)
    """

    l0: Number = required()
    l1: Number = required()
    period: Count = required()
    _: KW_ONLY
    λ0: float = also("l0")
    λ1: float = also("l1")

    def formula(self, t: np.ndarray) -> np.ndarray:
        low, high = sorted((self.l0, self.l1))
        return low + (high - low) * half_cosine((t - 1) % self.period / self.period)

    @property
    def span(self) -> int:
        return 3 * self.period


@checked(frozen=True)
class CosRestarts(Schedule):
    """Cosine annealing with warm restarts, each period longer than the one before.

    s(t) = low + (high - low) * (1 + cos(pi (t - 1 - b_k) / T_k)) / 2
    T_k = period * growth^k,   b_k = T_0 + ... + T_(k-1),   k such that b_k <= t - 1 < b_(k+1),
    where low and high are the smaller and the larger of l0 and l1

    Parameters
    ----------
    l0, l1 : number       the lowest and the highest value, in either order (λ0, λ1)
    period : int >= 1     length of the first period in steps
    growth : number >= 1  length of each period in terms of the one before; 1 makes it ``Cos``

    Returns a schedule.  Raises TypeError or ValueError for what is no number, a period or growth below 1.

    Reference: Loshchilov and Hutter 2017, arXiv:1608.03983 (T_0 and T_mult there).

    >>> CosRestarts(l0=0.0, l1=1.0, period=2, growth=2)[1:8].round(3)
    array([1.   , 0.5  , 1.   , 0.854, 0.5  , 0.146, 1.   ])
    """

    l0: Number = required()
    l1: Number = required()
    period: Count = required()
    growth: Annotated[float, Range("be 1 or more", lambda v: v >= 1, after=number)] = 2.0
    _: KW_ONLY
    λ0: float = also("l0")
    λ1: float = also("l1")

    def formula(self, t: np.ndarray) -> np.ndarray:
        low, high = sorted((self.l0, self.l1))
        return low + (high - low) * half_cosine(self.part_of_period(t - 1))

    def part_of_period(self, steps):
        """Which part of the period it falls into is over after so many steps, 0 ... 1."""
        if self.growth == 1:
            return steps % self.period / self.period
        periods = math.log(1 + steps.max(initial=0) * (self.growth - 1) / self.period, self.growth)
        lengths = self.period * self.growth ** np.arange(math.ceil(periods) + 1)
        begins = np.cumsum(lengths) - lengths
        k = np.maximum(np.searchsorted(begins, steps, side="right") - 1, 0)
        return (steps - begins[k]) / lengths[k]

    @property
    def span(self) -> int:
        return round(self.period * (1 + self.growth + self.growth ** 2))


@checked(frozen=True)
class OneCycle(Schedule):
    """Up from ``startval`` to ``maxval`` and down towards ``endval``, each along half a cosine, once.

    s(t) = startval + (maxval - startval) * (1 - cos(pi (t - 1) / up)) / 2       for t = 1, ..., up
    s(t) = endval + (maxval - endval) * (1 + cos(pi (t - 1 - up) / down)) / 2    for t = up + 1, ..., nsteps
    with up = ceil(percent_start * nsteps) and down = nsteps - up

    Parameters
    ----------
    nsteps : int >= 1          how many steps there are: ``len`` of the schedule
    maxval : number            the value at step up + 1
    startval : number          the value at step 1; a 25th of maxval unless given
    endval : number            what a step after the last would reach; a 100000th of maxval unless given
    percent_start : 0 ... 1    the part of the steps that goes up

    Returns a finite schedule: past its end it raises StepError, an IndexError, and iteration stops.

    Reference: Smith and Topin 2018, arXiv:1708.07120; ParameterSchedulers.jl 0.4.3 ``OneCycle``.

    >>> OneCycle(8, 1.0, startval=0.0, endval=0.0)[:].round(3)
    array([0.   , 0.5  , 1.   , 0.933, 0.75 , 0.5  , 0.25 , 0.067])
    """

    nsteps: Count
    maxval: Number
    startval: Annotated[float | None, number] = None
    endval: Annotated[float | None, number] = None
    percent_start: Annotated[float, Range("lie between 0 and 1", lambda v: 0 <= v <= 1, after=number)] = 0.25

    def __post_init__(self):
        top = number(self.maxval, "OneCycle: maxval")
        if self.startval is None:
            self._set("startval", top / 25)
        if self.endval is None:
            self._set("endval", top / 1e5)
        super().__post_init__()

    def formula(self, t: np.ndarray) -> np.ndarray:
        up = math.ceil(self.percent_start * self.nsteps)
        down = max(self.nsteps - up, 1)
        rising = self.maxval + (self.startval - self.maxval) * half_cosine((t - 1) / max(up, 1))
        falling = self.endval + (self.maxval - self.endval) * half_cosine((t - 1 - up) / down)
        return np.where(t <= up, rising, falling)

    @property
    def end(self) -> float:
        return self.nsteps


@checked(frozen=True)
class WSD(Schedule):
    """Warm-up, stable, decay: up in a straight line, level, and down in a straight line (a trapezoid).

    s(t) = maxval * t / warmup                                          for the first ``warmup`` steps
    s(t) = maxval                                                       for the next ``stable`` steps
    s(t) = maxval + (endval - maxval) * (t - 1 - warmup - stable) / decay   for the last ``decay`` steps

    Parameters
    ----------
    maxval : number                      the level of the middle
    warmup, stable, decay : int >= 1     length of the three parts in steps
    endval : number                      what a step after the last would reach

    Returns a finite schedule of warmup + stable + decay steps: past its end it raises StepError, an
    IndexError, and iteration stops.

    Reference: Hu et al. 2024, arXiv:2404.06395; the straight decay of Haegele et al. 2024, arXiv:2405.18392.

    >>> WSD(maxval=1.0, warmup=2, stable=2, decay=4)[:]
    array([0.5 , 1.  , 1.  , 1.  , 1.  , 0.75, 0.5 , 0.25])
    """

    maxval: Number
    warmup: Count
    stable: Count
    decay: Count
    endval: Number = 0.0

    def formula(self, t: np.ndarray) -> np.ndarray:
        corners = [0, self.warmup, self.warmup + self.stable + 1, self.end + 1]
        return np.interp(t, corners, [0, self.maxval, self.maxval, self.endval])

    @property
    def end(self) -> float:
        return self.warmup + self.stable + self.decay
