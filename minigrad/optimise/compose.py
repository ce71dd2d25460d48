"""Optimisers made of optimisers: each one's step is the next one's gradient."""

from collections.abc import MutableSequence
from typing import Any, overload

import numpy as np

from ..doors import door
from ..fields import also, also_spelled, flag
from ..iddict import IdDict
from . import formulas
from .optimisers import ADAM
from .rules import AbstractOptimiser, Period, Proportion, Rule, by_formula, fractions, nonnegative, per_parameter
from .transforms import WeightDecay


@door
class Optimiser(AbstractOptimiser, MutableSequence[Any]):
    """Several optimisers one after the other: the step of each is the gradient of the next.

        step = o_n(x, ... o_2(x, o_1(x, dx)))

    Parameters
    ----------
    *os : optimisers, decays, clippings, other Optimisers, or your own; none at all is plain ``x - dx``

    It is a sequence: ``opt[0].eta = 0.1``, ``opt[1:]`` (an Optimiser), ``opt.append(...)``, ``len(opt)``;
    ``opt.os`` is the list.  Built-in rules run as one fused loop however they are nested.  With a rule of
    your own among them they run one after the other.

    Reference: Flux 0.13 ``Optimiser``; PyTorch has no such thing, optax calls it ``chain``.

    >>> from minigrad.optimise import Optimiser, ExpDecay, Descent
    >>> Optimiser(ExpDecay(1, 0.1, 1000), Descent())[1]
    Descent(eta=0.1)
    """

    def __init__(self, *os: Any) -> None:
        self.os = [member_of(type(self).__name__, o) for o in os]

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "os" and not hasattr(type(self), name):
            raise AttributeError(
                f"{type(self).__name__} itself has no {name!r}; set it on a member, as in "
                f"opt[0].{name} = ...: {self!r}"
            )
        super().__setattr__(name, value)

    def __len__(self) -> int:
        return len(self.os)

    @overload
    def __getitem__(self, i: int) -> Any: ...
    @overload
    def __getitem__(self, i: slice) -> "Optimiser": ...
    def __getitem__(self, i):
        return Optimiser(*self.os[i]) if isinstance(i, slice) else self.os[i]

    def __setitem__(self, i: Any, o: Any) -> None:
        name = type(self).__name__
        self.os[i] = [member_of(name, each) for each in o] if isinstance(i, slice) else member_of(name, o)

    def __delitem__(self, i: Any) -> None:
        del self.os[i]

    def insert(self, i: int, o: Any) -> None:
        self.os.insert(i, member_of(type(self).__name__, o))

    def stages(self) -> list:
        self.refuse_frozen()
        return [stage for o in self.os for stage in o.stages()]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.os))})"

    _structure = ("os",)

    def _inside(self):
        return {str(i): o for i, o in enumerate(self.os)}


def member_of(owner, o):
    """Return what is given as a member of a composition; raise TypeError where it can be none."""
    if isinstance(o, type):
        raise TypeError(f"{owner}: {o.__name__} is a class; give an optimiser, {o.__name__}(...)")
    if isinstance(o, (list, tuple)):
        raise TypeError(f"{owner}: a {type(o).__name__} is not an optimiser; those in it are {owner}(*optimisers)")
    if o is None or isinstance(o, (int, float, str, dict, np.ndarray)):
        raise TypeError(
            f"{owner}: {o!r} is not an optimiser; write {owner}(WeightDecay(1e-4), ADAM()) for example"
        )
    return o


def holders(opt, name):
    """The optimiser, or those among its members, that have a hyperparameter."""
    value = getattr(opt, name, IdDict)  # what is called, or kept, is no hyperparameter
    if not (callable(value) or isinstance(value, IdDict)):
        return [opt]
    return [found for member in getattr(opt, "os", ()) for found in holders(member, name)]


class Setter(AbstractOptimiser):
    """What sets hyperparameters of the optimiser inside, the only one in ``os``, before each of its steps.

    A subclass says ``set_hyperparameters_(t)``, and ``count``, an IdDict with the steps made of each parameter.
    """

    def set_hyperparameters_(self, t: int) -> None:
        raise NotImplementedError


def reaching(name: str, place: int) -> Any:
    """A property that stands for a hyperparameter of a member."""
    return property(
        lambda self: getattr(self.os[place], name),
        lambda self, value: setattr(self.os[place], name, value),
        doc=f"``{name}`` of the rule inside; assigning reaches it.",
    )


class CoupledWeightDecay(WeightDecay):
    """The decay of ``ADAMW(..., couple=True)``: multiplied by the rate of its ADAM."""

    _rate_of = None
    _structure = ("_rate_of",)

    def hyper(self) -> tuple[float, ...]:
        return (self._rate_of.eta * self.wd,)


@also_spelled
class ADAMW(Optimiser):
    """ADAM with weight decay added to its step: ``Optimiser(ADAM(eta, beta), WeightDecay(decay))``.

        x <- x - step - decay * x            the step of ADAM
        x <- x - step - eta * decay * x      with couple=True

    Parameters
    ----------
    eta : number >= 0             learning rate
    beta : two numbers in [0, 1)  the parts of both moments that are kept at each step
    decay : number >= 0           weight decay
    couple : bool                 whether the decay is multiplied by eta

    As in Flux the decay is not multiplied by eta unless ``couple`` says so.  PyTorch's and optax's
    ``AdamW`` do multiply: port ``AdamW(lr, weight_decay=wd)`` as ``ADAMW(lr, decay=wd, couple=True)``, or
    the weights are decayed 1 / eta times too fast.

    State: ``opt[0].state[W]``.  ``opt.eta``, ``opt.beta``, ``opt.epsilon`` and ``opt.decay`` reach the rules
    inside.

    Reference: Loshchilov and Hutter 2019 (arXiv:1711.05101); Flux 0.13 ``ADAMW``.

    >>> ADAMW(decay=0.01, couple=True)
    ADAMW(eta=0.001, beta=(0.9, 0.999), decay=0.01, couple=True)
    """

    def __init__(
        self, eta: float = 0.001, beta: tuple[float, float] = (0.9, 0.999), decay: float = 0, couple: bool = False
    ) -> None:
        couple = flag(couple, "ADAMW: couple")
        adam = ADAM(nonnegative(eta, "ADAMW: eta"), fractions(beta, "ADAMW: beta"))
        decay = nonnegative(decay, "ADAMW: decay")
        second = CoupledWeightDecay(decay) if couple else WeightDecay(decay)
        if couple:
            second._rate_of = adam
        super().__init__(adam, second)

    eta, beta, epsilon, decay = (
        reaching("eta", 0),
        reaching("beta", 0),
        reaching("epsilon", 0),
        reaching("wd", 1),
    )
    η, β, ϵ = also("eta"), also("beta"), also("epsilon")

    @property
    def couple(self) -> bool:
        """Whether the decay is multiplied by eta; fixed at construction."""
        return isinstance(self.os[1], CoupledWeightDecay)

    def __repr__(self) -> str:
        couple = ", couple=True" if self.couple else ""
        return f"ADAMW(eta={self.eta!r}, beta={self.beta!r}, decay={self.decay!r}{couple})"


@by_formula(formulas.lookahead)
class SlowWeights(Rule):
    """The second half of ``Lookahead``: pulls the fast weights back to the slow ones."""

    period: Period = 5
    alpha: Proportion = 0.5
    state: IdDict = per_parameter()

    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {"slow": x}


@also_spelled
class Lookahead(Optimiser):
    """Let any optimiser run ahead, and every few steps go only part of the way after it.

        every period-th step:   slow <- slow + alpha * (x - slow),   x <- slow

    Parameters
    ----------
    opt : the optimiser that runs ahead
    period : whole number >= 1   steps between two meetings (k in the paper)
    alpha : number in [0, 1]     the part of the way that the slow weights follow

    State: ``opt[1].state[W]``, the tuple (slow, [steps made]), besides the inner optimiser's own.

    Reference: Zhang et al. 2019 (arXiv:1907.08610).  Not in Flux; optax calls it ``lookahead``.

    >>> from minigrad.optimise import Descent
    >>> Lookahead(Descent(), alpha=0.8)
    Lookahead(Descent(eta=0.1), period=5, alpha=0.8)
    """

    def __init__(self, opt: Any, period: int = 5, alpha: float = 0.5) -> None:
        super().__init__(opt, SlowWeights(period, alpha))

    period, alpha = reaching("period", 1), reaching("alpha", 1)
    α = also("alpha")

    def __repr__(self) -> str:
        return f"Lookahead({self.os[0]!r}, period={self.period!r}, alpha={self.alpha!r})"
