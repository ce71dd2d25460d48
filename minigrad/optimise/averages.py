"""Averages of weights: last stages that follow the parameters, for ``with opt.averaged(ps)``."""

from typing import Any

import numpy as np

from ..fields import also, also_spelled
from ..iddict import IdDict
from . import formulas
from .compose import Optimiser, holders, reaching
from .rules import Finite, Fraction, Natural, Period, Portion, Rule, by_formula, per_parameter


class Averaging(Rule):
    """What keeps an average of each parameter, the first array of its state.  It is the last stage, or before such."""

    last = True

    def average_of(self, p: Any, x: np.ndarray) -> np.ndarray | None:
        """Return the average of a parameter, None before its first step."""
        kept = getattr(self, self.kept)
        return kept[p][0] if p in kept else None


@by_formula(formulas.ema)
class EMA(Averaging):
    """A running mean of the weights beside the training, for use when they are judged.

        average <- decay * average + (1 - decay) * x         after each step; at first x itself

    Parameters
    ----------
    decay : number in [0, 1)     the part of the average that is kept at each step

    It changes no step.  Put it last: ``Optimiser(ADAM(), EMA(0.999))``; ``with opt.averaged(ps):`` has the averages in
    the place of the parameters.  State: ``opt[1].state[W]``, the tuple (average, [steps made]).

    The same as PyTorch's ``AveragedModel`` with ``get_ema_multi_avg_fn(decay)``, updated after every step; optax's
    ``incremental_update`` with ``step_size = 1 - decay``.

    Reference: Polyak and Juditsky 1992.  Not in Flux.

    >>> from minigrad.optimise import Descent, update_
    >>> opt, x = Optimiser(Descent(1.0), EMA(0.5)), np.zeros(1)
    >>> for _ in range(3): update_(opt, x, np.ones(1))
    >>> with opt.averaged(x): print(x)
    [-2.25]
    >>> x
    array([-3.])
    """

    decay: Fraction = 0.999
    state: IdDict = per_parameter()


@by_formula(formulas.swa)
class SWA(Averaging):
    """The mean of the weights after every ``period``-th step, once ``start`` steps are made.

        average <- average + (x - average) / (n + 1),   n <- n + 1

    Parameters
    ----------
    start : whole number >= 0      steps before the first one that may count
    period : whole number >= 1     steps from one that counts to the next, such as those of an epoch

    It changes no step, and is used as ``EMA``: put it last.  Until the first weights have been counted the average is
    the weights themselves.  State: ``opt[1].state[W]``, the tuple (average, [steps made, weights it is the mean
    of]).  The same as PyTorch's ``AveragedModel``; its ``SWALR`` is a schedule.

    Reference: Izmailov et al. 2018 (arXiv:1803.05407).  Not in Flux.

    >>> from minigrad.optimise import Descent, update_
    >>> opt, x = Optimiser(Descent(1.0), SWA(start=1)), np.zeros(1)
    >>> for _ in range(4): update_(opt, x, np.ones(1))
    >>> with opt.averaged(x): print(x)
    [-3.]
    """

    start: Natural = 0
    period: Period = 1
    state: IdDict = per_parameter()


@by_formula(formulas.free_weights)
class FreeWeights(Averaging):
    """The second half of ``ScheduleFree``: where the gradient is taken, between the steps and their average."""

    beta: Portion = 0.9
    power: Finite = 2.0
    state: IdDict = per_parameter()

    _rate_of = None
    _structure = ("_rate_of",)

    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {"z": x}

    def hyper(self) -> tuple[float, ...]:
        return (getattr(self._rate_of, "eta", 1.0), self.beta, self.power)

    def average_of(self, p: Any, x: np.ndarray) -> np.ndarray | None:
        z = super().average_of(p, x)
        return None if z is None else (x - (1 - self.beta) * z) / self.beta


@also_spelled
class ScheduleFree(Optimiser):
    """Take any optimiser's steps without a schedule: gradients are taken between its weights and their average.

        z       <- z - step of opt, whose gradient is that at x
        average <- (1 - c) * average + c * z        c = w / (the sum of all w),  w = (largest eta so far)^power
        x       =  beta * average + (1 - beta) * z

    Parameters
    ----------
    opt : the optimiser, without momentum: ``Descent(1.0)``, ``ADAM(0.003, beta=(0, 0.999))``
    beta : number in (0, 1]      how near to the average the gradient is taken, in the place of a momentum
    power : number               of eta in the weights; it matters while eta warms up

    The parameters are x.  Judge, and save for use, ``with opt.averaged(ps):``.  State: ``opt[1].state[W]``, the tuple
    (z, [largest eta, the sum of weights]), besides the inner optimiser's own.  The rate may warm up by a Scheduler
    inside or around, and needs no decay.

    The same as optax's ``contrib.schedule_free``, and ``average`` as its ``schedule_free_eval_params``.

    Reference: Defazio et al. 2024 (arXiv:2405.15682).  Not in Flux.

    >>> from minigrad.optimise import Descent
    >>> ScheduleFree(Descent(1.0))
    ScheduleFree(Descent(eta=1.0), beta=0.9, power=2.0)
    """

    def __init__(self, opt: Any, beta: float = 0.9, power: float = 2.0) -> None:
        super().__init__(opt, FreeWeights(beta, power))
        rates = holders(opt, "eta")
        self.os[1]._rate_of = rates[0] if len(rates) == 1 else None

    beta, power = reaching("beta", 1), reaching("power", 1)
    β = also("beta")

    def __repr__(self) -> str:
        return f"ScheduleFree({self.os[0]!r}, beta={self.beta!r}, power={self.power!r})"
