"""The optimisers of the manual: hyperparameters, their ranges and defaults; the arithmetic is in formulas.py.

The formula above a class says in which order it takes the hyperparameters and which state it keeps of a parameter;
the class adds what cannot be read there: where that state begins (``first_state``), unless at zero.
"""

from typing import Any

import numpy as np

from ..fields import KW_ONLY, also
from ..iddict import IdDict
from . import formulas
from .rules import Fraction, Fractions, Nonnegative, Rule, by_formula, per_parameter


@by_formula(formulas.descent)
class Descent(Rule):
    """Gradient descent.

        x <- x - eta * dx

    Parameters
    ----------
    eta : number >= 0     learning rate: the length of the step per unit of gradient

    The same as PyTorch's ``SGD`` and optax's ``sgd`` without momentum.

    Reference: Cauchy 1847; Flux 0.13 ``Descent``.

    >>> Descent()
    Descent(eta=0.1)
    """

    eta: Nonnegative = 0.1
    _: KW_ONLY
    η: float = also("eta")



@by_formula(formulas.momentum)
class Momentum(Rule):
    """Descent with a decaying sum of past gradients.

        velocity <- rho * velocity - eta * dx
        x        <- x + velocity

    Parameters
    ----------
    eta : number >= 0      learning rate
    rho : number in [0, 1) the part of the velocity that is kept at each step

    State: ``opt.velocity[W]``.  The velocity already contains eta, so a changed ``eta`` acts on new
    gradients only; PyTorch (``TorchSGD``) and optax multiply the whole velocity by the rate, which is the same
    as long as the rate is constant.  HIPS autograd's ``sgd(step_size, mass)`` is ``Momentum(step_size * (1 - mass),
    mass)``.  (The manual's formula ``w = w - v`` has the wrong sign.)

    Reference: Polyak 1964; Flux 0.13 ``Momentum``.

    >>> Momentum(rho=0.99)
    Momentum(eta=0.01, rho=0.99)
    """

    eta: Nonnegative = 0.01
    rho: Fraction = 0.9
    velocity: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")
    ρ: float = also("rho")



@by_formula(formulas.nesterov)
class Nesterov(Momentum):
    """Momentum whose gradient counts where the velocity is about to lead.

        x        <- x + rho^2 * velocity - (1 + rho) * eta * dx
        velocity <- rho * velocity - eta * dx

    Parameters
    ----------
    eta : number >= 0      learning rate
    rho : number in [0, 1) the part of the velocity that is kept at each step

    State: ``opt.velocity[W]``.  Written for the point looked ahead to, so the gradient is taken where
    ``x`` is.  PyTorch's ``SGD(nesterov=True)`` makes the same steps for a constant rate.

    Reference: Nesterov 1983, in the form of Bengio et al. 2012 (arXiv:1212.0901); Flux 0.13 ``Nesterov``.

    >>> Nesterov()
    Nesterov(eta=0.001, rho=0.9)
    """

    eta: Nonnegative = 0.001



@by_formula(formulas.rmsprop)
class RMSProp(Rule):
    """Descent scaled by a running mean of squared gradients.

        acc <- rho * acc + (1 - rho) * |dx|^2
        x   <- x - eta * dx / (sqrt(acc) + epsilon)

    Parameters
    ----------
    eta : number >= 0      learning rate
    rho : number in [0, 1) the part of the mean that is kept at each step (not a momentum, as the
        manual has it)
    epsilon : number >= 0  keeps the quotient finite

    State: ``opt.acc[W]``.  The same as PyTorch's ``RMSprop`` with ``alpha=rho``; optax's default adds
    epsilon inside the root.

    Reference: Tieleman and Hinton 2012 (Coursera lecture 6e); Flux 0.13 ``RMSProp``.

    >>> RMSProp()
    RMSProp(eta=0.001, rho=0.9, epsilon=1e-08)
    """

    eta: Nonnegative = 0.001
    rho: Fraction = 0.9
    epsilon: Nonnegative = 1e-8
    acc: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")
    ρ: float = also("rho")
    ϵ: float = also("epsilon")



@by_formula(formulas.adam)
class ADAM(Rule):
    """Descent by running means of the gradient and of its square, both corrected for their start.

        m <- beta1 * m + (1 - beta1) * dx
        v <- beta2 * v + (1 - beta2) * |dx|^2
        x <- x - eta * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon)

    Parameters
    ----------
    eta : number >= 0             learning rate
    beta : two numbers in [0, 1)  the parts of m and of v that are kept at each step
    epsilon : number >= 0         keeps the quotient finite

    State: ``opt.state[W]``, the tuple (m, v, [beta1^t, beta2^t]) with the powers for the next step.
    Changing ``beta`` keeps the powers gathered so far and multiplies them by the new beta from then on.
    The same as PyTorch's ``Adam`` and optax's ``adam``.

    Reference: Kingma and Ba 2015 (arXiv:1412.6980); Flux 0.13 ``ADAM``.

    >>> ADAM(beta=(0.9, 0.99))
    ADAM(eta=0.001, beta=(0.9, 0.99), epsilon=1e-08)
    """

    eta: Nonnegative = 0.001
    beta: Fractions = (0.9, 0.999)
    epsilon: Nonnegative = 1e-8
    state: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")
    β: tuple[float, float] = also("beta")
    ϵ: float = also("epsilon")


    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {"beta1_t": self.beta[0], "beta2_t": self.beta[1]}


@by_formula(formulas.radam)
class RADAM(ADAM):
    """ADAM that makes plain momentum steps until its second moment can be trusted.

        rho_inf = 2 / (1 - beta2) - 1,   rho = rho_inf - 2 t beta2^t / (1 - beta2^t)
        r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
        rho > 4:  x <- x - eta * r * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon)
        else:     x <- x - eta * m / (1 - beta1^t)              with m and v as in ADAM

    Parameters
    ----------
    eta : number >= 0             learning rate
    beta : two numbers in [0, 1)  the parts of m and of v that are kept at each step
    epsilon : number >= 0         keeps the quotient finite

    State: ``opt.state[W]``, the tuple (m, v, [beta1^t, beta2^t, t]).  The paper and Flux rectify from
    rho > 4 on, PyTorch (``TorchRAdam``) and optax's default from rho > 5 on: one step later for the default beta.
    The same as optax's ``radam(threshold=4)``.

    Reference: Liu et al. 2020 (arXiv:1908.03265); Flux 0.13 ``RADAM``.

    >>> RADAM()
    RADAM(eta=0.001, beta=(0.9, 0.999), epsilon=1e-08)
    """


    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {**super().first_state(x), "t": 1}


@by_formula(formulas.adamax)
class AdaMax(ADAM):
    """ADAM with the largest recent gradient in place of the root of the mean square.

        m <- beta1 * m + (1 - beta1) * dx
        u <- max(beta2 * u, |dx|)
        x <- x - eta / (1 - beta1^t) * m / (u + epsilon)

    Parameters
    ----------
    eta : number >= 0             learning rate
    beta : two numbers in [0, 1)  the parts of m and of u that are kept at each step
    epsilon : number >= 0         keeps the quotient finite

    State: ``opt.state[W]``, the tuple (m, u, [beta1^t, beta2^t]).  PyTorch adds epsilon to |dx| instead.
    Complex parameters, for which Flux fails, use the absolute value.

    Reference: Kingma and Ba 2015 (arXiv:1412.6980), section 7.1; Flux 0.13 ``AdaMax``.

    >>> AdaMax()
    AdaMax(eta=0.001, beta=(0.9, 0.999), epsilon=1e-08)
    """



@by_formula(formulas.oadam)
class OADAM(ADAM):
    """Optimistic ADAM: it steps ahead of the gradient by repeating the change of its last step.

        current <- eta * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon)     m and v as in ADAM
        x       <- x - 2 * current + previous
        previous <- current

    Parameters
    ----------
    eta : number >= 0             learning rate
    beta : two numbers in [0, 1)  the parts of m and of v that are kept at each step
    epsilon : number >= 0         keeps the quotient finite

    State: ``opt.state[W]``, the tuple (m, v, previous, [beta1^t, beta2^t]).  The default eta is that of
    Flux's documentation; its code has 0.001.

    Reference: Daskalakis et al. 2018 (arXiv:1711.00141); Flux 0.13 ``OADAM``.

    >>> OADAM()
    OADAM(eta=0.0001, beta=(0.5, 0.9), epsilon=1e-08)
    """

    eta: Nonnegative = 0.0001
    beta: Fractions = (0.5, 0.9)




@by_formula(formulas.adagrad)
class ADAGrad(Rule):
    """Descent scaled by the root of all squared gradients so far.

        acc <- acc + |dx|^2
        x   <- x - eta * dx / (sqrt(acc) + epsilon)

    Parameters
    ----------
    eta : number >= 0      learning rate
    epsilon : number >= 0  keeps the quotient finite; also where acc starts

    State: ``opt.acc[W]``.  Flux starts acc at epsilon; PyTorch at 0 (``initial_accumulator_value``),
    optax at 0.1.

    Reference: Duchi, Hazan and Singer 2011; Flux 0.13 ``ADAGrad``.

    >>> ADAGrad()
    ADAGrad(eta=0.1, epsilon=1e-08)
    """

    eta: Nonnegative = 0.1
    epsilon: Nonnegative = 1e-8
    acc: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")
    ϵ: float = also("epsilon")


    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {"acc": self.epsilon}


@by_formula(formulas.adadelta)
class ADADelta(Rule):
    """ADAGrad with running means, and steps in the units of the parameter: no learning rate.

        acc  <- rho * acc + (1 - rho) * |dx|^2
        step  = dx * sqrt((dacc + epsilon) / (acc + epsilon))
        dacc <- rho * dacc + (1 - rho) * |step|^2
        x    <- x - step

    Parameters
    ----------
    rho : number in [0, 1) the part of the means that is kept at each step
    epsilon : number >= 0  inside both roots; it sets the length of the first steps

    State: ``opt.state[W]``, the tuple (acc, dacc).  The same as PyTorch's ``Adadelta`` with ``lr=1``, but
    for the default epsilon (1e-6 there, which makes the first steps ten times longer).

    Reference: Zeiler 2012 (arXiv:1212.5701); Flux 0.13 ``ADADelta``.

    >>> ADADelta()
    ADADelta(rho=0.9, epsilon=1e-08)
    """

    rho: Fraction = 0.9
    epsilon: Nonnegative = 1e-8
    state: IdDict = per_parameter()
    _: KW_ONLY
    ρ: float = also("rho")
    ϵ: float = also("epsilon")




@by_formula(formulas.amsgrad)
class AMSGrad(ADAM):
    """ADAM that never forgets its largest second moment.

        m     <- beta1 * m + (1 - beta1) * dx
        v     <- beta2 * v + (1 - beta2) * |dx|^2
        v_max <- max(v_max, v)
        x     <- x - eta * m / (sqrt(v_max) + epsilon)

    Parameters
    ----------
    eta : number >= 0             learning rate
    beta : two numbers in [0, 1)  the parts of m and of v that are kept at each step
    epsilon : number >= 0         keeps the quotient finite; also where m, v and v_max start

    State: ``opt.state[W]``, the tuple (m, v, v_max).  As in Flux nothing is corrected for its start and
    all three start at epsilon, so the first step is 3.16 eta long by default; PyTorch and optax correct, each in its
    way (``TorchAMSGrad``, ``OptaxAMSGrad``).  Complex gradients are squared as |dx|^2 (Flux: dx^2, by mistake).

    Reference: Reddi, Kale and Kumar 2018; Flux 0.13 ``AMSGrad``.

    >>> AMSGrad()
    AMSGrad(eta=0.001, beta=(0.9, 0.999), epsilon=1e-08)
    """


    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return dict.fromkeys(("m", "v", "v_max"), self.epsilon)


@by_formula(formulas.nadam)
class NADAM(ADAM):
    """ADAM with Nesterov's look ahead.

        m_hat = beta1 * m / (1 - beta1^(t+1)) + (1 - beta1) * dx / (1 - beta1^t)
        x    <- x - eta * m_hat / (sqrt(beta2 * v / (1 - beta2^t)) + epsilon)        m and v as in ADAM

    Parameters
    ----------
    eta : number >= 0             learning rate
    beta : two numbers in [0, 1)  the parts of m and of v that are kept at each step
    epsilon : number >= 0         keeps the quotient finite

    State: ``opt.state[W]``, the tuple (m, v, [beta1^t, beta2^t]).  As in Flux, momentum is constant and v
    carries a factor beta2; PyTorch's ``NAdam`` lets momentum grow with the step number (``TorchNAdam``).  optax's
    ``nadam(eta)`` is ``NADAM(eta * sqrt(beta2), epsilon=1e-8 * sqrt(beta2))``.

    Reference: Dozat 2016; Flux 0.13 ``NADAM``.

    >>> NADAM()
    NADAM(eta=0.001, beta=(0.9, 0.999), epsilon=1e-08)
    """



@by_formula(formulas.adabelief)
class AdaBelief(ADAM):
    """ADAM scaled by how far gradients stray from their mean.

        m <- beta1 * m + (1 - beta1) * dx
        s <- beta2 * s + (1 - beta2) * |dx - m|^2
        x <- x - eta * m / (sqrt(s) + epsilon)

    Parameters
    ----------
    eta : number >= 0             learning rate
    beta : two numbers in [0, 1)  the parts of m and of s that are kept at each step
    epsilon : number >= 0         keeps the quotient finite

    State: ``opt.state[W]``, the tuple (m, s).  As in Flux nothing is corrected for its start and epsilon
    enters outside the root only; the paper and optax correct both and add epsilon to s as well.

    Reference: Zhuang et al. 2020 (arXiv:2010.07468); Flux 0.13 ``AdaBelief``.

    >>> AdaBelief()
    AdaBelief(eta=0.001, beta=(0.9, 0.999), epsilon=1e-08)
    """

