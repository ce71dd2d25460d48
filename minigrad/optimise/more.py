"""Rules that have come after Flux's: arguments in the order of optax, or else of PyTorch's kin, with their defaults.

A rule whose name is Flux's for other numbers bears the name of the library whose numbers it gives: ``OptaxAMSGrad``,
and those of pytorch.py.  optax has no default rates: here they are those of the papers or of their authors' code.
"""

from typing import Any

import numpy as np

from ..fields import KW_ONLY, also
from ..iddict import IdDict
from . import formulas
from .optimisers import ADAM
from .rules import Fraction, Fractions, Fractions3, Nonnegative, Rule, by_formula, per_parameter


@by_formula(formulas.yogi)
class Yogi(ADAM):
    """ADAM whose second moment moves by the size of the squared gradient, not by its distance from it.

        m <- beta1 * m + (1 - beta1) * dx
        v <- v - (1 - beta2) * sign(v - |dx|^2) * |dx|^2
        x <- x - eta * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon)

    Parameters
    ----------
    eta : number >= 0             learning rate
    beta : two numbers in [0, 1)  the parts of m and of v that are kept at each step
    epsilon : number >= 0         keeps the quotient finite; it also tempers the steps, so it is large

    State: ``opt.state[W]``, the tuple (m, v, [beta1^t, beta2^t]); m and v start at 1e-6, as in optax.  The same as
    optax's ``yogi``.

    Reference: Zaheer et al. 2018, Adaptive methods for nonconvex optimization.  Not in Flux.

    >>> Yogi()
    Yogi(eta=0.01, beta=(0.9, 0.999), epsilon=0.001)
    """

    eta: Nonnegative = 0.01
    epsilon: Nonnegative = 1e-3

    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {**super().first_state(x), "m": 1e-6, "v": 1e-6}


@by_formula(formulas.adan)
class Adan(Rule):
    """ADAM with Nesterov's look ahead made of the change of the gradient.

        d <- beta2 * d + (1 - beta2) * change          change = dx - the last dx, 0 at the first step
        m <- beta1 * m + (1 - beta1) * dx
        v <- beta3 * v + (1 - beta3) * |dx + (1 - beta2) * change|^2
        x <- x - eta * (m' + (1 - beta2) * d') / (sqrt(v' + epsilon_root) + epsilon) - eta * decay * x

    where m' = m / (1 - beta1^t), d' = d / (1 - beta2^t), v' = v / (1 - beta3^t).

    Parameters
    ----------
    eta : number >= 0               learning rate
    beta : three numbers in [0, 1)  the parts of m, d and v that are kept at each step
    epsilon : number >= 0         keeps the quotient finite, outside of the root
    epsilon_root : number >= 0    the same inside of it
    decay : number >= 0             weight decay, multiplied by eta

    State: ``opt.state[W]``, the tuple (m, d, v, the last dx, [beta1^t, beta2^t, beta3^t, t]).  The same as optax's
    ``adan``.  The authors' code has no epsilon_root, and divides by 1 + eta * decay at the end.

    Reference: Xie et al. 2022 (arXiv:2208.06677).  Not in Flux.

    >>> Adan()
    Adan(eta=0.001, beta=(0.98, 0.92, 0.99), epsilon=1e-08, epsilon_root=1e-08, decay=0.0)
    """

    eta: Nonnegative = 0.001
    beta: Fractions3 = (0.98, 0.92, 0.99)
    epsilon: Nonnegative = 1e-8
    epsilon_root: Nonnegative = 1e-8
    decay: Nonnegative = 0.0
    state: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")
    β: tuple[float, float, float] = also("beta")
    ϵ: float = also("epsilon")

    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {"beta1_t": self.beta[0], "beta2_t": self.beta[1], "beta3_t": self.beta[2], "t": 1}


@by_formula(formulas.ademamix)
class AdEMAMix(Rule):
    """ADAM with a second, very slow mean of the gradient besides the usual one.

        m    <- beta1 * m + (1 - beta1) * dx
        slow <- beta3 * slow + (1 - beta3) * dx
        v    <- beta2 * v + (1 - beta2) * |dx|^2
        x    <- x - eta * (m / (1 - beta1^t) + alpha * slow) / (sqrt(v / (1 - beta2^t) + epsilon_root) + epsilon)
                  - eta * decay * x

    Parameters
    ----------
    eta : number >= 0               learning rate
    beta : three numbers in [0, 1)  the parts of m, v and slow that are kept at each step
    alpha : number >= 0             weight of the slow mean
    epsilon : number >= 0         keeps the quotient finite, outside of the root
    epsilon_root : number >= 0    the same inside of it
    decay : number >= 0             weight decay, multiplied by eta

    State: ``opt.state[W]``, the tuple (m, slow, v, [beta1^t, beta2^t]).  The slow mean is not corrected for its start:
    it comes in by itself.  The authors let alpha and beta3 grow in the first steps, which a ``Scheduler`` does.  The
    same as optax's ``contrib.ademamix``.

    Reference: Pagliardini, Ablin and Grangier 2024 (arXiv:2409.03137).  Not in Flux.

    >>> AdEMAMix(alpha=8)
    AdEMAMix(eta=0.001, beta=(0.9, 0.999, 0.9999), alpha=8.0, epsilon=1e-08, epsilon_root=0.0, decay=0.0)
    """

    eta: Nonnegative = 0.001
    beta: Fractions3 = (0.9, 0.999, 0.9999)
    alpha: Nonnegative = 5.0
    epsilon: Nonnegative = 1e-8
    epsilon_root: Nonnegative = 0.0
    decay: Nonnegative = 0.0
    state: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")
    β: tuple[float, float, float] = also("beta")
    α: float = also("alpha")
    ϵ: float = also("epsilon")

    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {"beta1_t": self.beta[0], "beta2_t": self.beta[1]}


@by_formula(formulas.adopt)
class ADOPT(ADAM):
    """ADAM that divides each gradient by the mean square of those before it, and gathers the quotients.

        scaled = clip(dx / max(sqrt(v), epsilon), -t^0.25, t^0.25)       t = 0, 1, 2, ...
        m <- beta1 * m + (1 - beta1) * scaled
        x <- x - eta * m
        v <- beta2 * v + (1 - beta2) * |dx|^2

    Parameters
    ----------
    eta : number >= 0             learning rate
    beta : two numbers in [0, 1)  the parts of m and of v that are kept at each step
    epsilon : number >= 0         the least divisor

    State: ``opt.state[W]``, the tuple (m, v, [steps made]).  The first step only fills v and moves nothing.  Of complex
    numbers, real and imaginary part are clipped each by itself.  The same as optax's ``contrib.adopt``.

    Reference: Taniguchi et al. 2024 (arXiv:2411.02853).  Not in Flux.

    >>> ADOPT()
    ADOPT(eta=0.001, beta=(0.9, 0.9999), epsilon=1e-06)
    """

    beta: Fractions = (0.9, 0.9999)
    epsilon: Nonnegative = 1e-6

    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {}


@by_formula(formulas.laprop)
class LaProp(ADAM):
    """ADAM that scales each gradient first, and gathers what is scaled.

        v <- beta2 * v + (1 - beta2) * |dx|^2
        m <- beta1 * m + (1 - beta1) * dx / (sqrt(v / (1 - beta2^t)) + epsilon)
        x <- x - eta * m / (1 - beta1^t)

    Parameters
    ----------
    eta : number >= 0             learning rate
    beta : two numbers in [0, 1)  the parts of m and of v that are kept at each step
    epsilon : number >= 0         keeps the quotient finite

    State: ``opt.state[W]``, the tuple (m, v, [beta1^t, beta2^t]).  Neither in PyTorch nor in optax; order and defaults
    are those of pytorch-optimizer, which adds 1e-15 inside of the root as well and gathers eta with the gradients:
    the same for a constant rate.

    Reference: Ziyin, Wang and Ueda 2020 (arXiv:2002.04839).  Not in Flux.

    >>> LaProp()
    LaProp(eta=0.0004, beta=(0.9, 0.999), epsilon=1e-15)
    """

    eta: Nonnegative = 4e-4
    epsilon: Nonnegative = 1e-15


@by_formula(formulas.sign_sgd)
class SignSGD(Rule):
    """Steps of equal length in every element: the sign of the gradient.

        x <- x - eta * sign(dx)

    Parameters
    ----------
    eta : number >= 0     learning rate: the length of the step in every element

    The signs of real and imaginary part are taken each by itself.  The same as optax's ``sign_sgd``.

    Reference: Bernstein et al. 2018 (arXiv:1802.04434).  Not in Flux.

    >>> SignSGD()
    SignSGD(eta=0.001)
    """

    eta: Nonnegative = 0.001
    _: KW_ONLY
    η: float = also("eta")


@by_formula(formulas.signum)
class Signum(Rule):
    """Steps of equal length in every element: the sign of a running mean of the gradient.

        m <- rho * m + (1 - rho) * dx
        x <- x - eta * sign(m) - eta * decay * x

    Parameters
    ----------
    eta : number >= 0      learning rate: the length of the step in every element
    rho : number in [0, 1) the part of m that is kept at each step
    decay : number >= 0    weight decay, multiplied by eta

    State: ``opt.state[W]``, the array m.  The signs of real and imaginary part are taken each by itself.  The same as
    pytorch-optimizer's ``SignSGD``; PyTorch and optax have none.

    Reference: Bernstein et al. 2018 (arXiv:1802.04434).  Not in Flux.

    >>> Signum(0.01)
    Signum(eta=0.01, rho=0.9, decay=0.0)
    """

    eta: Nonnegative = 0.001
    rho: Fraction = 0.9
    decay: Nonnegative = 0.0
    state: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")
    ρ: float = also("rho")


@by_formula(formulas.signum)
class Tiger(Signum):
    """Signum with a longer memory and a decay: the frugal one, as its name says.

        m <- rho * m + (1 - rho) * dx
        x <- x - eta * sign(m) - eta * decay * x

    Parameters
    ----------
    eta : number >= 0      learning rate: the length of the step in every element
    rho : number in [0, 1) the part of m that is kept at each step
    decay : number >= 0    weight decay, multiplied by eta

    State: ``opt.state[W]``, the array m.  The same as pytorch-optimizer's ``Tiger``; PyTorch and optax have none.

    Reference: Su 2023, Tiger: a tight-fisted optimizer (github.com/bojone/tiger).  Not in Flux.

    >>> Tiger()
    Tiger(eta=0.001, rho=0.965, decay=0.01)
    """

    rho: Fraction = 0.965
    decay: Nonnegative = 0.01


@by_formula(formulas.madgrad)
class MADGRAD(Rule):
    """Dual averaging, scaled by the cube root of the squared gradients so far, with momentum as an average of points.

        s   <- s + rate * dx           rate = (eta + epsilon) * sqrt(t),   dx with decay * x added to it
        acc <- acc + rate * |dx|^2
        z    = first - s / (cbrt(acc) + epsilon)             first: where x was at the start
        x   <- rho * x + (1 - rho) * z

    Parameters
    ----------
    eta : number >= 0      learning rate
    rho : number in [0, 1) the part of x that stays at each step
    decay : number >= 0    weight decay, added to the gradient
    epsilon : number >= 0  keeps the quotient finite

    State: ``opt.state[W]``, the tuple (s, acc, first, [t]).  The same as optax's ``contrib.madgrad``; for complex
    parameters ``acc`` has |dx|^2.

    Reference: Defazio and Jelassi 2021 (arXiv:2101.11075).  Not in Flux.

    >>> MADGRAD()
    MADGRAD(eta=0.01, rho=0.9, decay=0.0, epsilon=1e-06)
    """

    eta: Nonnegative = 0.01
    rho: Fraction = 0.9
    decay: Nonnegative = 0.0
    epsilon: Nonnegative = 1e-6
    state: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")
    ρ: float = also("rho")
    ϵ: float = also("epsilon")

    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {"first": x, "t": 1}


@by_formula(formulas.optax_amsgrad)
class OptaxAMSGrad(ADAM):
    """AMSGrad with both moments corrected for their start, the second before its largest value is kept.

        v_max <- max(v_max, v / (1 - beta2^t))                          m and v as in ADAM
        x     <- x - eta * m / (1 - beta1^t) / (sqrt(v_max) + epsilon)

    Parameters
    ----------
    eta : number >= 0             learning rate
    beta : two numbers in [0, 1)  the parts of m and of v that are kept at each step
    epsilon : number >= 0         keeps the quotient finite

    State: ``opt.state[W]``, the tuple (m, v, v_max, [beta1^t, beta2^t]).  The same as optax's ``amsgrad``; PyTorch's,
    ``TorchAMSGrad``, corrects after.  Flux's ``AMSGrad`` corrects nothing.

    Reference: Reddi, Kale and Kumar 2018 (arXiv:1904.09237).

    >>> OptaxAMSGrad()
    OptaxAMSGrad(eta=0.001, beta=(0.9, 0.999), epsilon=1e-08)
    """
