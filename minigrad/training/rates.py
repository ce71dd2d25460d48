"""A first guess at the learning rate: the loss while the rate grows from step to step."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.gradient import withgradient
from ..doors import door
from ..moving import Held
from ..optimise.update import update_
from ..schedules import Scheduler
from ..schedules.plotting import current_axes
from .checks import check, refuse_arguments
from .evaluation import arguments_of


@dataclass(frozen=True)
class Rates:
    """What ``lr_find`` found.

    Attributes
    ----------
    rates, losses : arrays of shape (steps,), the rate of each step and the loss before it
    suggestion : float, a tenth of the rate at which the loss, averaged over five steps, was smallest

    >>> Rates(np.array([0.1, 1.0]), np.array([1.0, 0.5]), 0.1)
    Rates(2 steps from 0.1 to 1; suggestion 0.1)
    """

    rates: np.ndarray
    losses: np.ndarray
    suggestion: float

    def __repr__(self):
        first, last = self.rates[0], self.rates[-1]
        return f"Rates({len(self.rates)} steps from {first:.3g} to {last:.3g}; suggestion {self.suggestion:.3g})"

    def plot(self, ax: Any = None) -> Any:
        """Draw the loss against the rate, with matplotlib; return the Axes."""
        ax = current_axes("rates.losses has the numbers") if ax is None else ax
        ax.plot(self.rates, self.losses, color="#0072b2")
        ax.axvline(self.suggestion, color="#d55e00", linestyle="--", label=f"{self.suggestion:.2g}")
        ax.set(xscale="log", xlabel="eta", ylabel="loss")
        ax.legend()
        return ax


@door
def lr_find(
    loss: Callable[..., Any],
    ps: Any,
    data: Iterable[Any],
    opt: Any,
    *,
    low: float = 1e-7,
    high: float = 1.0,
    steps: int = 100,
) -> Rates:
    """Return how the loss behaves while the rate grows: a test before the training.

        eta_t = low (high / low)^(t / (steps - 1))

    Parameters
    ----------
    loss, ps, data : as for ``train_``; the data are gone through again where they are too few, and no iterator
    opt : optimiser with an ``eta``, its own or that of a member; a copy of it is used
    low, high : 0 < low < high, the first and the last rate
    steps : int >= 2; it ends before that where the loss is not finite or four times its smallest value

    Returns
    -------
    Rates: ``rates``, ``losses``, ``suggestion``, ``plot()``

    The parameters are afterwards what they were, bit for bit, also after an error.

    Raises ValueError for rates or steps out of their ranges, data that are empty or used up, and where the first loss
    is not finite; TypeError for an optimiser without ``eta``.

    Source: Smith 2015, arXiv:1506.01186.

    >>> from minigrad import Descent, Tensor, params
    >>> W = Tensor([3.0])
    >>> found = lr_find(lambda: np.sum(W**2), params(W), [()], Descent(), high=10.0)
    >>> 0.01 < found.suggestion < 1.1, W
    (True, Tensor([3.]))
    """
    ps = check(loss, ps, data, opt, 1)
    if isinstance(data, (list, tuple)) and data:
        refuse_arguments(loss, arguments_of(data[0]), "lr_find")
    if not 0 < low < high < math.inf or not isinstance(steps, (int, np.integer)) or steps < 2:
        raise ValueError(f"lr_find: 0 < low < high, and steps >= 2; got {low!r}, {high!r}, {steps!r}")
    opt = copy.deepcopy(opt)
    part = with_rate(opt)
    if part is None:
        raise TypeError(f"lr_find: {type(opt).__name__} has no eta to try; give an optimiser that has one, as ADAM()")
    rates, losses, kept = np.geomspace(low, high, steps), [], [p.data.copy() for p in ps]
    try:
        for rate, datum in zip(rates, again_and_again(data)):
            value, gradients = Held().during(withgradient, lambda datum=datum: loss(*arguments_of(datum)), ps)
            losses.append(float(value[0]) if isinstance(value, tuple) else float(value))
            if not math.isfinite(losses[-1]) or losses[-1] > 4 * abs(min(losses)) + 1e-12 and len(losses) > 5:
                break
            part.eta = float(rate)
            update_(opt, ps, gradients)
    finally:
        for p, data_before in zip(ps, kept):
            p.data[...] = data_before
    found = np.array([x for x in losses if math.isfinite(x)])
    if not found.size:
        raise ValueError(f"lr_find: the first loss is {losses[0]}, so no rate can be judged")
    return Rates(rates[: found.size], found, float(rates[lowest(found)]) / 10)


def again_and_again(data):
    """Yield the data, from the beginning whenever they are at their end."""
    while True:
        empty = True
        for datum in data:
            empty = False
            yield datum
        if empty:
            raise ValueError(
                "lr_find: the data are empty or, as iterators are after one pass, used up before the last rate: give "
                "a list or a DataLoader"
            )


def with_rate(opt):
    """Return the part of an optimiser that has the rate: itself, or a member of a composition; None if none has."""
    if isinstance(opt, Scheduler):  # which sets what it was told to
        return None
    if isinstance(getattr(opt, "eta", None), (int, float)):
        return opt
    members = opt if isinstance(opt, Iterable) else ()
    return next((found for member in members if (found := with_rate(member)) is not None), None)


def lowest(losses):
    """Return the place at which a loss, averaged over five steps, is smallest."""
    width = min(5, losses.size)
    near = np.pad(losses, (width // 2, (width - 1) // 2), mode="edge")
    return int(np.argmin(np.convolve(near, np.full(width, 1 / width), "valid")))
