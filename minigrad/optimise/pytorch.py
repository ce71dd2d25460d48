"""Rules as PyTorch has them, with its arguments and defaults, where Flux has other numbers under their names."""

from typing import Any

import numpy as np

from ..fields import KW_ONLY, Flag, also
from ..iddict import IdDict
from . import formulas
from .rules import Fraction, Fractions, Nonnegative, Rule, by_formula, per_parameter


@by_formula(formulas.torch_sgd)
class TorchSGD(Rule):
    """Descent with momentum whose new gradients may be dampened.

        velocity <- rho * velocity + (1 - dampening) * dx         the first gradient counts whole
        x        <- x - eta * velocity                            dx with decay * x added to it
        x        <- x - eta * (dx + rho * velocity)               with nesterov=True

    Parameters
    ----------
    eta : number >= 0          learning rate
    rho : number in [0, 1)     the part of the velocity that is kept at each step
    dampening : number in [0, 1) the part of new gradients that is left out of the velocity, if there is one
    decay : number >= 0        weight decay, added to the gradient
    nesterov : bool            whether the gradient counts where the velocity is about to lead

    State: ``opt.state[W]``, the tuple (velocity, [t]).  The rate multiplies the whole velocity, so a changed ``eta``
    takes effect at once; ``Momentum``'s acts on new gradients only.  The same as PyTorch's ``SGD``.

    Reference: Sutskever et al. 2013, On the importance of initialization and momentum; PyTorch ``SGD``.

    >>> TorchSGD(0.1, 0.9, dampening=0.9)
    TorchSGD(eta=0.1, rho=0.9, dampening=0.9, decay=0.0, nesterov=False)
    """

    eta: Nonnegative = 0.001
    rho: Fraction = 0.0
    dampening: Fraction = 0.0
    decay: Nonnegative = 0.0
    nesterov: Flag = False
    state: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")
    ρ: float = also("rho")

    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {"t": 1}


@by_formula(formulas.torch_rmsprop)
class TorchRMSProp(Rule):
    """RMSProp that may be centred, by the variance in place of the mean square, and may have momentum.

        acc      <- rho * acc + (1 - rho) * |dx|^2
        middle   <- rho * middle + (1 - rho) * dx                 dx with decay * x added to it
        spread    = acc - |middle|^2 if centred, else acc
        velocity <- momentum * velocity + dx / (sqrt(spread) + epsilon)
        x        <- x - eta * velocity

    Parameters
    ----------
    eta : number >= 0           learning rate
    rho : number in [0, 1)      the part of both means that is kept at each step
    epsilon : number >= 0       keeps the quotient finite
    decay : number >= 0         weight decay, added to the gradient
    momentum : number in [0, 1) the part of the velocity that is kept at each step
    centred : bool              whether the mean is taken off

    State: ``opt.state[W]``, the tuple (acc, middle, velocity).  A variance that rounding has made negative counts as 0;
    PyTorch makes it NaN.  Otherwise the same as PyTorch's ``RMSprop``.  optax's ``rmsprop`` adds epsilon inside
    of the root by default.

    Reference: Graves 2013 (arXiv:1308.0850), section 4.2; PyTorch ``RMSprop``.

    >>> TorchRMSProp(centred=True)
    TorchRMSProp(eta=0.01, rho=0.99, epsilon=1e-08, decay=0.0, momentum=0.0, centred=True)
    """

    eta: Nonnegative = 0.01
    rho: Fraction = 0.99
    epsilon: Nonnegative = 1e-8
    decay: Nonnegative = 0.0
    momentum: Fraction = 0.0
    centred: Flag = False
    state: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")
    ρ: float = also("rho")
    ϵ: float = also("epsilon")


@by_formula(formulas.torch_adamw)
class TorchAdamW(Rule):
    """ADAM with a weight decay that is multiplied by the rate.

        x <- x - eta * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon) - eta * decay * x     m and v as in ADAM

    Parameters
    ----------
    eta : number >= 0             learning rate
    beta : two numbers in [0, 1)  the parts of m and of v that are kept at each step
    epsilon : number >= 0         keeps the quotient finite
    decay : number >= 0           weight decay

    State: ``opt.state[W]``, the tuple (m, v, [beta1^t, beta2^t]).  The same steps as ``ADAMW(eta, beta, decay,
    couple=True)`` and PyTorch's ``AdamW``; optax's ``adamw`` is the same with its default decay 1e-4.

    Reference: Loshchilov and Hutter 2019 (arXiv:1711.05101); PyTorch ``AdamW``.

    >>> TorchAdamW()
    TorchAdamW(eta=0.001, beta=(0.9, 0.999), epsilon=1e-08, decay=0.01)
    """

    eta: Nonnegative = 0.001
    beta: Fractions = (0.9, 0.999)
    epsilon: Nonnegative = 1e-8
    decay: Nonnegative = 0.01
    state: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")
    β: tuple[float, float] = also("beta")
    ϵ: float = also("epsilon")

    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {"beta1_t": self.beta[0], "beta2_t": self.beta[1]}


@by_formula(formulas.torch_amsgrad)
class TorchAMSGrad(TorchAdamW):
    """AMSGrad with both moments corrected for their start, the second after its largest value was kept.

        v_max <- max(v_max, v)                              m and v as in ADAM, of dx with decay * x added to it
        x     <- x - eta * m / (1 - beta1^t) / (sqrt(v_max / (1 - beta2^t)) + epsilon)

    Parameters
    ----------
    eta : number >= 0             learning rate
    beta : two numbers in [0, 1)  the parts of m and of v that are kept at each step
    epsilon : number >= 0         keeps the quotient finite
    decay : number >= 0           weight decay, added to the gradient

    State: ``opt.state[W]``, the tuple (m, v, v_max, [beta1^t, beta2^t]).  The same as PyTorch's
    ``Adam(amsgrad=True)``; optax's, ``OptaxAMSGrad``, corrects before.  Flux's ``AMSGrad`` corrects nothing.

    Reference: Reddi, Kale and Kumar 2018 (arXiv:1904.09237); PyTorch ``Adam``.

    >>> TorchAMSGrad()
    TorchAMSGrad(eta=0.001, beta=(0.9, 0.999), epsilon=1e-08, decay=0.0)
    """

    decay: Nonnegative = 0.0


@by_formula(formulas.torch_nadam)
class TorchNAdam(Rule):
    """ADAM with Nesterov's look ahead, and a momentum that grows with the step number.

        mu(t) = beta1 * (1 - 0.96^(t * momentum_decay) / 2)
        ahead = mu(t+1) / (1 - mu(1) ... mu(t+1)) * m + (1 - mu(t)) / (1 - mu(1) ... mu(t)) * dx
        x    <- x - eta * ahead / (sqrt(v / (1 - beta2^t)) + epsilon)      m and v as in ADAM, of dx + decay * x

    Parameters
    ----------
    eta : number >= 0             learning rate
    beta : two numbers in [0, 1)  the parts of m and of v that are kept at each step
    epsilon : number >= 0         keeps the quotient finite
    decay : number >= 0           weight decay, added to the gradient
    momentum_decay : number >= 0  how fast the momentum grows from beta1 / 2 to beta1

    State: ``opt.state[W]``, the tuple (m, v, [mu(1) ... mu(t), beta2^t, t]).  The same as PyTorch's ``NAdam``, which
    keeps the product of the mu in float32 unless its default dtype is float64.

    Reference: Dozat 2016, Incorporating Nesterov momentum into Adam; PyTorch ``NAdam``.

    >>> TorchNAdam()
    TorchNAdam(eta=0.002, beta=(0.9, 0.999), epsilon=1e-08, decay=0.0, momentum_decay=0.004)
    """

    eta: Nonnegative = 0.002
    beta: Fractions = (0.9, 0.999)
    epsilon: Nonnegative = 1e-8
    decay: Nonnegative = 0.0
    momentum_decay: Nonnegative = 4e-3
    state: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")
    β: tuple[float, float] = also("beta")
    ϵ: float = also("epsilon")

    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {"product": 1, "beta2_t": self.beta[1], "t": 1}


@by_formula(formulas.torch_radam)
class TorchRAdam(TorchAdamW):
    """ADAM that makes plain momentum steps until its second moment can be trusted: from rho > 5 on.

        rho_inf = 2 / (1 - beta2) - 1,   rho = rho_inf - 2 t beta2^t / (1 - beta2^t)
        r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
        rho > 5:  x <- x - eta * r * m / (1 - beta1^t) * sqrt(1 - beta2^t) / (sqrt(v) + epsilon)
        else:     x <- x - eta * m / (1 - beta1^t)           m and v as in ADAM, of dx with decay * x added to it

    Parameters
    ----------
    eta : number >= 0             learning rate
    beta : two numbers in [0, 1)  the parts of m and of v that are kept at each step
    epsilon : number >= 0         keeps the quotient finite
    decay : number >= 0           weight decay, added to the gradient

    State: ``opt.state[W]``, the tuple (m, v, [beta1^t, beta2^t, t]).  The same as PyTorch's ``RAdam``; the paper and
    Flux's ``RADAM`` rectify from rho > 4 on.

    Reference: Liu et al. 2020 (arXiv:1908.03265); PyTorch ``RAdam``.

    >>> TorchRAdam()
    TorchRAdam(eta=0.001, beta=(0.9, 0.999), epsilon=1e-08, decay=0.0)
    """

    decay: Nonnegative = 0.0

    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {**super().first_state(x), "t": 1}
