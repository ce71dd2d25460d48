"""Rules beyond the manual that users of its successors have come to expect."""

from typing import Any

import numpy as np

from ..fields import KW_ONLY, also, checked
from ..iddict import IdDict
from . import formulas
from .apply import apply_
from .arrays import order_of
from .route import target
from .rules import AbstractOptimiser, Fractions, Nonnegative, Nonnegatives, Period, Rule, by_formula, per_parameter
from .whole import about_to_move


@by_formula(formulas.lion)
class Lion(Rule):
    """Steps of equal length in every element: the sign of a running mean.

        x <- x - eta * sign(beta1 * m + (1 - beta1) * dx)
        m <- beta2 * m + (1 - beta2) * dx

    Parameters
    ----------
    eta : number >= 0             learning rate: the length of the step in every element
    beta : two numbers in [0, 1)  the part of m in the step, and the part of m that is kept

    State: ``opt.state[W]``, the array m.  The signs of real and imaginary part are taken each by itself.
    The same as optax's ``lion(eta, weight_decay=0)``; with decay it is ``Optimiser(Lion(eta), WeightDecay(eta * wd))``.

    Reference: Chen et al. 2023 (arXiv:2302.06675).  Not in Flux 0.13; Optimisers.jl has other defaults.

    >>> Lion()
    Lion(eta=0.0001, beta=(0.9, 0.99))
    """

    eta: Nonnegative = 0.0001
    beta: Fractions = (0.9, 0.99)
    state: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")
    β: tuple[float, float] = also("beta")



@by_formula(formulas.rprop)
class Rprop(Rule):
    """Steps whose width grows while the gradient keeps its sign and shrinks when it turns.

        width <- min(width * ell2, gamma2)  if dx * previous > 0
                 max(width * ell1, gamma1)  if dx * previous < 0, and then dx counts as 0
        x     <- x - width * sign(dx),      previous <- dx

    Parameters
    ----------
    eta : number >= 0         width of the first step
    ell : two numbers >= 0    factors at a turn and otherwise
    gamma : two numbers >= 0  the narrowest and the widest step

    State: ``opt.state[W]``, the tuple (previous, width).  Only the sign of the gradient counts, so it is for
    full batches.  Complex parameters are refused with a TypeError: there is no sign to turn.  The same as
    PyTorch's ``Rprop`` with ``etas=ell, step_sizes=gamma``.

    Reference: Riedmiller and Braun 1993.  Not in Flux 0.13; Optimisers.jl ``Rprop``.

    >>> Rprop()
    Rprop(eta=0.001, ell=(0.5, 1.2), gamma=(1e-06, 50.0))
    """

    eta: Nonnegative = 0.001
    ell: Nonnegatives = (0.5, 1.2)
    gamma: Nonnegatives = (1e-6, 50.0)
    state: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")
    ℓ: tuple[float, float] = also("ell")
    Γ: tuple[float, float] = also("gamma")


    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {"width": self.eta}

    def hyper(self) -> tuple[float, ...]:
        return (*self.ell, *self.gamma)

    def refuse_dtype(self, dtype: np.dtype) -> None:
        if dtype.kind == "c":
            raise TypeError(
                "Rprop follows the sign of the gradient, and complex numbers have none; use a Tensor of "
                "the real and imaginary parts, or another rule"
            )


def gathered(x, dx, total, many, n):
    """AccumGrad in one formula: the step, None while gradients are gathered, and what is kept."""
    total, many = total + dx / n, many + 1
    return (None, total, many) if many < n else (total, np.zeros_like(total), 0.0)


@checked()
class AccumGrad(AbstractOptimiser):
    """Gather gradients, and let their mean pass every n-th time: a large batch in small pieces.

        n - 1 times: no step;      then: step = (dx_1 + ... + dx_n) / n

    Parameters
    ----------
    n : whole number >= 1     how many gradients make one step

    Put it first: ``Optimiser(AccumGrad(4), ADAM())``.  The rules behind it see only the means.

    State: ``opt.state[W]``, the tuple (sum so far / n, [how many]).

    Reference: Optimisers.jl ``AccumGrad``; optax calls it ``MultiSteps``.  Not in Flux 0.13.

    >>> AccumGrad(4)
    AccumGrad(n=4)
    """

    n: Period
    state: IdDict = per_parameter()

    # how its step is written out
    formula, kept, replaces, nonfinite, gathers = staticmethod(gathered), "state", (), "pass", True

    def stages(self) -> list:
        self.refuse_frozen()
        return [self]

    def roles(self) -> tuple:
        return ("total",), ("many",), ("n",)

    def hyper(self) -> tuple:
        return (self.n,)

    def written(self) -> tuple:
        return gathered, [], ()

    def fresh(self, x: np.ndarray) -> tuple:
        return np.zeros(x.shape, x.dtype, order_of(x)), np.zeros(1)


@apply_.register
def apply_accumulation(opt: AccumGrad, x, dx):
    array = target(x)
    about_to_move(opt.state, x)
    total, many = opt.state.get_or_make(
        x, lambda: (np.zeros(array.shape, array.dtype, order_of(array)), np.zeros(1, int))
    )
    total += dx / opt.n
    many += 1
    if many[0] < opt.n:
        return None
    mean = total.copy()
    total[...], many[0] = 0, 0
    return mean
