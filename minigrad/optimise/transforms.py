"""Rules that only transform the gradient on its way: decays and clipping, for use in ``Optimiser``."""

import dataclasses
from typing import Annotated, Any, Literal

import numpy as np

from ..fields import KW_ONLY, Check, also
from ..iddict import IdDict
from . import formulas
from .rules import Finite, Natural, Nonnegative, Period, Rule, Threshold, by_formula, per_parameter, reader

DECAYING = "eta", "_latest", "decay", "step", "clip", "start"  # what the formula of ExpDecay reads


@by_formula(formulas.inv_decay)
class InvDecay(Rule):
    """Divide by one plus a multiple of the step number.

        step = dx / (1 + gamma * n)          n = 1, 2, ... for each parameter

    Parameters
    ----------
    gamma : number >= 0     how fast it decays

    State: ``opt.state[W]``, the number n of the next step.  The first step is already divided.

    Reference: Flux 0.13 ``InvDecay``.

    >>> InvDecay()
    InvDecay(gamma=0.001)
    """

    gamma: Nonnegative = 0.001
    state: IdDict = per_parameter()
    _: KW_ONLY
    γ: float = also("gamma")


    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {"n": 1}


@by_formula(formulas.exp_decay)
class ExpDecay(Rule):
    """Multiply by a rate that is itself multiplied by ``decay`` every ``step`` steps, down to ``clip``.

        eta  <- max(eta * decay, clip)     when the most advanced parameter's number of steps n
                                           reaches a new multiple of ``step`` and n > start
        step  = eta * dx

    Parameters
    ----------
    eta : number >= 0        the rate at the start; it multiplies that of the other rules, so
        ``Optimiser(ADAM(), ExpDecay())`` is a thousandth of ADAM, and ``ExpDecay(1)`` begins at all of it
    decay : number           the factor
    step : whole number >= 1 the period, in steps (also accepted as ``decay_step``)
    clip : number >= 0       where the decay ends.  A rate below it is raised to it at the first decay
    start : whole number >= 0 steps before this one do not count

    State: ``opt.current[W]``, the number of steps made; ``opt.eta`` is the current rate.  Flux's rule
    stops for ever when a parameter rests at a multiple of ``step``; here it never does, and several
    parameters decay the common rate once in a period.

    Reference: Flux 0.13 ``ExpDecay``.

    >>> ExpDecay(1, 0.1, decay_step=500)
    ExpDecay(eta=1.0, decay=0.1, step=500, clip=0.0001, start=0)
    """

    eta: Nonnegative = 0.001
    decay: Finite = 0.1
    step: Period = 1000
    clip: Nonnegative = 1e-4
    start: Natural = 0
    current: IdDict = per_parameter()
    _latest: float = dataclasses.field(default_factory=float, init=False, repr=False)  # steps of the foremost
    _: KW_ONLY
    η: float = also("eta")
    decay_step: int = also("step")

    replaces = "eta", "_latest"

    hyper = reader(DECAYING, DECAYING)

    def reset_(self) -> None:
        super().reset_()
        self._latest = 0.0


@by_formula(formulas.weight_decay)
class WeightDecay(Rule):
    """Add a multiple of the parameter to its gradient, as a penalty ``wd/2 * sum(x^2)`` in the loss would.

        step = dx + wd * x

    Parameters
    ----------
    wd : number >= 0     weight of the penalty (λ in the manual)

    Put it *before* the rule that makes the step: ``Optimiser(WeightDecay(1e-4), ADAM())``.  After it the
    decay is not multiplied by the learning rate: see ``ADAMW``.

    Reference: Krogh and Hertz 1991; Flux 0.13 ``WeightDecay``.

    >>> WeightDecay(1e-4)
    WeightDecay(wd=0.0001)
    """

    wd: Nonnegative = 0.0
    _: KW_ONLY
    λ: float = also("wd")



@by_formula(formulas.clip_value)
class ClipValue(Rule):
    """Limit every element to an interval around 0.

        step = min(max(dx, -thresh), thresh)

    Parameters
    ----------
    thresh : number > 0     the largest absolute value let through

    NaN stays NaN.  Of complex gradients, for which Flux fails, real and imaginary part are limited
    each by itself, as in PyTorch.

    Reference: Flux 0.13 ``ClipValue``.

    >>> ClipValue(1e-3)
    ClipValue(thresh=0.001)
    """

    thresh: Threshold



@Check
def what_to_do(value, where):
    """What a clipping rule does about a norm that is not finite."""
    if value not in ("raise", "skip", "pass"):
        raise ValueError(f"{where} must be 'raise', 'skip' or 'pass', got {value!r}")
    return value


@by_formula(formulas.clip_norm)
class ClipNorm(Rule):
    """Shorten a gradient whose 2-norm is above a limit; each parameter's by itself.

        step = dx * min(1, thresh / norm(dx))

    Parameters
    ----------
    thresh : number > 0     the largest norm let through
    nonfinite : "raise", "skip" or "pass"      what to do when the norm is NaN or infinite: raise
        NonFiniteError naming the parameter, before anything is overwritten; leave this parameter
        and its state alone for this step; or go on (NaN stays, an infinite norm makes NaN and 0)

    Clipping each parameter by itself changes the direction of the whole step; ``ClipGlobalNorm`` does not.
    Flux lets NaN pass in silence.

    Reference: Pascanu, Mikolov and Bengio 2013 (arXiv:1211.5063); Flux 0.13 ``ClipNorm``.

    >>> ClipNorm(5)
    ClipNorm(thresh=5.0, nonfinite='raise')
    """

    thresh: Threshold
    nonfinite: Annotated[Literal["raise", "skip", "pass"], what_to_do] = "raise"


@by_formula(formulas.clip_global_norm)
class ClipGlobalNorm(ClipNorm):
    """Shorten all gradients of one ``update_(opt, ps, gs)`` together, so that the step keeps its direction.

        step = dx * min(1, thresh / sqrt(sum over all parameters of norm(dx)^2))

    Parameters
    ----------
    thresh : number > 0     the largest common norm let through
    nonfinite : "raise", "skip" or "pass"      as for ``ClipNorm``; "skip" leaves all parameters alone

    With ``update_(opt, x, dx)`` there is one parameter, and it is ``ClipNorm``.  The same as PyTorch's
    ``clip_grad_norm_`` (which adds 1e-6 to the norm) and optax's ``clip_by_global_norm``.

    Reference: Pascanu, Mikolov and Bengio 2013 (arXiv:1211.5063).  Not in Flux.

    >>> ClipGlobalNorm(1.0)
    ClipGlobalNorm(thresh=1.0, nonfinite='raise')
    """
