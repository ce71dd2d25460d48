"""Rules that look at all elements of a parameter, or of all parameters: by norms and totals in their formulas."""

from typing import Any

import numpy as np

from ..fields import KW_ONLY, Flag, also
from ..iddict import IdDict
from . import formulas
from .rules import Fraction, Fractions, Nonnegative, Rule, Threshold, by_formula, per_parameter


@by_formula(formulas.trust_ratio)
class TrustRatio(Rule):
    """Make a step as long as the parameter is, in relation: a stage behind a rule and before its rate.

        step = dx * coefficient * max(norm(x), least) / (max(norm(dx), least) + epsilon)
        step = dx                                       if either of the two norms is 0

    Parameters
    ----------
    least : number >= 0        what shorter parameters and steps count as
    coefficient : number >= 0  the length of the step per length of the parameter
    epsilon : number >= 0      keeps the quotient finite

    ``Optimiser(ADAM(1), WeightDecay(wd), TrustRatio(), Descent(eta))`` is ``LAMB(eta, decay=wd, epsilon=1e-8)``.  The
    same as optax's ``scale_by_trust_ratio``.

    Reference: You, Gitman and Ginsburg 2017 (arXiv:1708.03888).  Not in Flux.

    >>> TrustRatio()
    TrustRatio(least=0.0, coefficient=1.0, epsilon=0.0)
    """

    least: Nonnegative = 0.0
    coefficient: Nonnegative = 1.0
    epsilon: Nonnegative = 0.0
    _: KW_ONLY
    ϵ: float = also("epsilon")


@by_formula(formulas.lamb)
class LAMB(Rule):
    """ADAM's direction with weight decay, made as long as the parameter is: for very large batches.

        u  = m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t) + epsilon_root) + epsilon) + decay * x     m, v as in ADAM
        x <- x - eta * norm(x) / norm(u) * u              the quotient is 1 if either norm is 0

    Parameters
    ----------
    eta : number >= 0             learning rate
    beta : two numbers in [0, 1)  the parts of m and of v that are kept at each step
    epsilon : number >= 0         keeps the quotient finite, outside of the root
    epsilon_root : number >= 0    the same inside of it
    decay : number >= 0           weight decay

    State: ``opt.state[W]``, the tuple (m, v, [beta1^t, beta2^t]).  The norms are those of each parameter.  The same as
    optax's ``lamb``; PyTorch has none.

    Reference: You et al. 2020 (arXiv:1904.00962).  Not in Flux.

    >>> LAMB()
    LAMB(eta=0.001, beta=(0.9, 0.999), epsilon=1e-06, epsilon_root=0.0, decay=0.0)
    """

    eta: Nonnegative = 0.001
    beta: Fractions = (0.9, 0.999)
    epsilon: Nonnegative = 1e-6
    epsilon_root: Nonnegative = 0.0
    decay: Nonnegative = 0.0
    state: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")
    β: tuple[float, float] = also("beta")
    ϵ: float = also("epsilon")

    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {"beta1_t": self.beta[0], "beta2_t": self.beta[1]}


@by_formula(formulas.lars)
class LARS(Rule):
    """Momentum of gradients that are made as long as the parameter is, in relation: for very large batches.

        u         = dx + decay * x
        u         = eta * coefficient * norm(x) / (norm(u) + epsilon) * u      eta * u if either norm is 0
        velocity <- rho * velocity + u
        x        <- x - velocity                                  x - u - rho * velocity with nesterov=True

    Parameters
    ----------
    eta : number >= 0          learning rate
    decay : number >= 0        weight decay, added to the gradient
    coefficient : number >= 0  the length of u per length of the parameter, besides eta
    epsilon : number >= 0      keeps the quotient finite
    rho : number in [0, 1)     the part of the velocity that is kept at each step
    nesterov : bool            whether u counts where the velocity is about to lead

    State: ``opt.velocity[W]``, which contains eta.  The same as optax's ``lars``; PyTorch has none.

    Reference: You, Gitman and Ginsburg 2017 (arXiv:1708.03888).  Not in Flux.

    >>> LARS(0.1, 1e-4)
    LARS(eta=0.1, decay=0.0001, coefficient=0.001, epsilon=0.0, rho=0.9, nesterov=False)
    """

    eta: Nonnegative = 0.1
    decay: Nonnegative = 0.0
    coefficient: Nonnegative = 0.001
    epsilon: Nonnegative = 0.0
    rho: Fraction = 0.9
    nesterov: Flag = False
    velocity: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")
    ϵ: float = also("epsilon")
    ρ: float = also("rho")


@by_formula(formulas.novograd)
class NovoGrad(Rule):
    """Momentum of gradients that are scaled by a running mean of their norm: one second moment for a parameter.

        v <- beta2 * v + (1 - beta2) * norm(dx)^2                   norm(dx)^2 at the first step
        m <- beta1 * m + dx / (sqrt(v + epsilon_root) + epsilon) + decay * x
        x <- x - eta * m

    Parameters
    ----------
    eta : number >= 0             learning rate
    beta : two numbers in [0, 1)  the parts of m and of v that are kept at each step
    epsilon : number >= 0         keeps the quotient finite, outside of the root
    epsilon_root : number >= 0    the same inside of it
    decay : number >= 0           weight decay, added to the scaled gradient

    State: ``opt.state[W]``, the tuple (m, [v, t]): half the memory of ADAM.  The same as optax's ``novograd``; PyTorch
    has none.

    Reference: Ginsburg et al. 2019 (arXiv:1905.11286).  Not in Flux.

    >>> NovoGrad()
    NovoGrad(eta=0.01, beta=(0.9, 0.25), epsilon=1e-06, epsilon_root=0.0, decay=0.0)
    """

    eta: Nonnegative = 0.01
    beta: Fractions = (0.9, 0.25)
    epsilon: Nonnegative = 1e-6
    epsilon_root: Nonnegative = 0.0
    decay: Nonnegative = 0.0
    state: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")
    β: tuple[float, float] = also("beta")
    ϵ: float = also("epsilon")

    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {"t": 1}


@by_formula(formulas.cautious)
class Cautious(Rule):
    """Leave out what of a step goes up the gradient, and make the rest longer instead: a stage behind any rule.

        agree = 1 where dx * gradient > 0, else 0             dx: the step that arrives; gradient: as it came in
        step = dx * agree * elements / (total(agree) + 1)

    ``Optimiser(ADAM(), Cautious())`` is the cautious ADAM of the paper.  The gradient is the one that came into the
    composition, before its first stage.  Behind a rule of your own, registered on ``apply_``, it is that rule's step,
    so there is nothing to be cautious about.  Complex parameters are refused with a TypeError.  The same as
    pytorch-optimizer's ``cautious=True``; PyTorch and optax have none.

    Reference: Liang et al. 2024 (arXiv:2411.16085).  Not in Flux.

    >>> Cautious()
    Cautious()
    """

    def refuse_dtype(self, dtype: np.dtype) -> None:
        refuse_complex_ones(self, dtype, "compares the signs of step and gradient, and complex numbers have none")


@by_formula(formulas.prodigy)
class Prodigy(Rule):
    """ADAM that finds its rate itself, from how far all parameters together have come along the gradients.

        rate    = d * eta * sqrt(1 - beta2^t) / (1 - beta1^t)
        m      <- beta1 * m + (1 - beta1) * d * dx,         v <- beta2 * v + (1 - beta2) * (d * dx)^2
        s      <- beta3 * s + rate * d / d0 * dx            d * d / d0 * dx with safeguard=True
        gained <- beta3 * gained + d / d0 * rate * total(dx * (first - x))         over all parameters
        d      <- max(d, coefficient * gained / total(|s|))                        over all parameters
        x      <- x - rate * m / (sqrt(v) + d * epsilon) - decay * rate * x        with the old rate, the new d

    Parameters
    ----------
    eta : number >= 0             a factor of the rate that is found; 1, or a schedule that begins with it
    beta : two numbers in [0, 1)  the parts of m and of v that are kept at each step
    beta3 : number in [0, 1)      the part of s and gained that is kept; 0 stands for sqrt(beta2)
    epsilon : number >= 0         keeps the quotient finite
    d0 : number > 0               where d begins, small
    coefficient : number >= 0     a factor of what is estimated
    decay : number >= 0           weight decay, multiplied by the rate
    safeguard : bool              for an eta that begins near 0, in a warm-up

    State: ``opt.state[W]``, the tuple (m, v, s, first, [beta1^t, beta2^t, d, gained]), where first is x at the start.
    All parameters must be in one ``update_``.  Complex ones are refused with a TypeError.  The same as optax's
    ``contrib.prodigy``, which makes NaN of gradients that are all 0: here these move nothing.

    Reference: Mishchenko and Defazio 2023 (arXiv:2306.06101).  Not in Flux.

    >>> Prodigy().d0
    1e-06
    """

    eta: Nonnegative = 1.0
    beta: Fractions = (0.9, 0.999)
    beta3: Fraction = 0.0
    epsilon: Nonnegative = 1e-8
    d0: Threshold = 1e-6
    coefficient: Nonnegative = 1.0
    decay: Nonnegative = 0.0
    safeguard: Flag = False
    state: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")
    β: tuple[float, float] = also("beta")
    ϵ: float = also("epsilon")

    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {"first": x, "beta1_t": self.beta[0], "beta2_t": self.beta[1], "d": self.d0}

    def refuse_dtype(self, dtype: np.dtype) -> None:
        refuse_complex_ones(self, dtype, "adds up products of gradients and ways gone, which would be complex")


def refuse_complex_ones(rule, dtype, why):
    if dtype.kind == "c":
        raise TypeError(
            f"{type(rule).__name__} {why}; use a Tensor of the real and imaginary parts, or another rule"
        )
