"""Optimisers that look at the loss again: at another point, at its curvature, or as often as they like.

Each has ``look_again_(look, grads)``, which the training calls with the gradients before a step; what it returns is
what ``update_`` is given.  ``look`` is the loss of this step as these files, which know no derivatives, may use it:

    look.moving        the parameters that pass it: those that have a gradient, are not frozen, and are in its group
    look.gradient()    Grads of the loss at the parameters as they are now;  look.withgradient(): its value, too
    look.hvp(vectors)  Grads: the Hessian times a list of vectors, one for each of ``look.moving``
    look.grads(arrays) Grads with an array for each of ``look.moving``
"""

import dataclasses
import importlib
import math
from typing import Any

import numpy as np

from ..core.storage import ndarray_of
from ..fields import KW_ONLY, also, also_spelled, checked
from ..iddict import IdDict
from . import formulas
from .apply import apply_
from .arrays import native
from .compose import Optimiser, reaching
from .rules import (
    AbstractOptimiser, Fractions, Natural, Nonnegative, Period, Rule, Threshold, by_formula, per_parameter,
)  # fmt: skip


def those_that_look(opt: Any) -> list[Any]:
    """Return all in an optimiser that look at the loss again, from the outside to the inside."""
    own = [opt] if hasattr(opt, "look_again_") else []
    return own + [found for member in getattr(opt, "os", ()) for found in those_that_look(member)]


class Seen(AbstractOptimiser):
    """What looks again at every step, and lets only pass what its look has given."""

    called = ""  # what users call it, if it is part of something
    _seen: Any = None  # IdDict of the parameters whose gradients of this step it has looked for
    _structure = ("_seen",)

    def saw(self, ps):
        vars(self).setdefault("_seen", IdDict())
        for p in ps:
            self._seen[p] = True


@apply_.register
def apply_seen(opt: Seen, x, dx):
    """The rule of what has looked again: the gradients that came of it pass."""
    if opt._seen is None or opt._seen.pop(x, None) is None:
        raise TypeError(not_looked(opt.called or type(opt).__name__))
    return dx


def not_looked(name):
    return (
        f"{name} looks at the loss again before each step, and update_ with gradients alone does not show it. train_ "
        "and train_step_ do; in a loop of your own: update_(opt, ps, gradient_for(opt, lambda: loss(x, y), ps))"
    )


# ------------------------------------------------------------------------------------------------- SAM
@checked()
class Uphill(Seen):
    """The first half of ``SAM``: the gradient a step uphill from here."""

    called = "SAM"
    rho: Nonnegative = 0.05

    def look_again_(self, look, grads):
        norm = math.sqrt(sum(float(np.linalg.norm(grads[p])) ** 2 for p in look.moving))
        before = [ndarray_of(p).copy() for p in look.moving]
        try:
            for p in look.moving:
                ndarray_of(p)[...] += (self.rho / norm if norm > 0 else 0.0) * ndarray_of(grads[p])
            grads = look.gradient()
        finally:
            for p, x in zip(look.moving, before):
                ndarray_of(p)[...] = x
        self.saw(look.moving)
        return grads


@also_spelled
class SAM(Optimiser):
    """Sharpness-aware minimisation: any optimiser, given the gradient where the loss is worst nearby.

        uphill = x + rho * dx / norm(dx)           the norm over all parameters
        x     <- x - step of opt for the gradient at uphill

    Parameters
    ----------
    opt : the optimiser that makes the steps
    rho : number >= 0        how far uphill

    It evaluates the loss twice a step.  ``train_`` and ``train_step_`` do so by themselves; in a loop of your own it is
    ``update_(opt, ps, gradient_for(opt, lambda: loss(x, y), ps))``, and without it an error.  It stands around or
    beside others, not inside of ``Groups``: ``SAM(Groups(...))``.

    The same as optax's ``contrib.sam`` with ``normalize()`` and ``sgd(rho)`` as its adversary, in its opaque mode.

    Reference: Foret et al. 2021 (arXiv:2010.01412).  Not in Flux.

    >>> from minigrad.optimise import Descent
    >>> SAM(Descent(0.1), rho=0.1)
    SAM(Descent(eta=0.1), rho=0.1)
    """

    def __init__(self, opt: Any, rho: float = 0.05) -> None:
        super().__init__(Uphill(rho), opt)

    rho = reaching("rho", 0)
    ρ = also("rho")

    def __repr__(self) -> str:
        return f"SAM({self.os[1]!r}, rho={self.rho!r})"


# ---------------------------------------------------------------------------------------------- Sophia
@by_formula(formulas.sophia)
class Sophia(Rule):
    """Momentum divided by an estimate of the loss's curvature along each coordinate, and clipped.

        m <- beta1 * m + (1 - beta1) * dx
        x <- x - eta * clip(m / (1 - beta1^t) / max(gamma * h, epsilon), -limit, limit) - eta * decay * x
        h <- beta2 * h + (1 - beta2) * u * (H u)         every ``every``-th step, for a random u of signs

    H is the Hessian, met as a product ``hvp(loss, ps, u)`` alone: Hutchinson's estimate of its diagonal.

    Parameters
    ----------
    eta : number >= 0             learning rate
    beta : two numbers in [0, 1)  the parts of m and of h that are kept
    epsilon : number >= 0         the least curvature
    decay : number >= 0           weight decay, multiplied by eta
    gamma : number >= 0           how much of the curvature counts: most steps should not be clipped
    limit : number > 0            the longest step in a coordinate, in units of eta
    every : whole number >= 1     steps from one estimate to the next
    seed : whole number >= 0      of the random signs

    The loss is looked at again every ``every``-th step, beginning with the first: ``train_`` and ``train_step_`` do so
    by themselves; in a loop of your own it is ``update_(opt, ps, gradient_for(opt, lambda: loss(x, y), ps))``.  An
    estimate counts from the step after it.  Complex parameters are refused.  State: ``opt.state[W]``, the tuple (m, h,
    the new estimate, [beta1^t, whether there is one]).

    The same as optax's ``contrib.sophia``, but for the random signs; it has no default rate.

    Reference: Liu et al. 2023 (arXiv:2305.14342).  Not in Flux.

    >>> Sophia()
    Sophia(eta=0.001, beta=(0.965, 0.99), epsilon=1e-08, decay=0.0001, gamma=0.01, limit=1.0, every=10, seed=0)
    """

    eta: Nonnegative = 0.001
    beta: Fractions = (0.965, 0.99)
    epsilon: Nonnegative = 1e-8
    decay: Nonnegative = 1e-4
    gamma: Nonnegative = 0.01
    limit: Threshold = 1.0
    every: Period = 10
    seed: Natural = 0
    state: IdDict = per_parameter()
    _looks: int = dataclasses.field(default_factory=int, init=False, repr=False)
    _: KW_ONLY
    η: float = also("eta")
    β: tuple[float, float] = also("beta")
    γ: float = also("gamma")

    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        return {"beta1_t": self.beta[0]}

    def hyper(self) -> tuple[float, ...]:
        if self._looks == 0:
            raise TypeError(not_looked("Sophia"))
        return self.eta, *self.beta, self.epsilon, self.decay, self.gamma, self.limit

    def look_again_(self, look, grads):
        if self._looks % self.every == 0:
            rng = np.random.default_rng([self.seed, self._looks])
            signs = [rng.choice([-1.0, 1.0], p.shape).astype(p.dtype) for p in look.moving]
            products = look.hvp(signs)
            for p, u in zip(look.moving, signs):
                *_, estimate, numbers = self.state_of(p, ndarray_of(p).astype(native(p.dtype), copy=False))
                estimate[...], numbers[1] = u * ndarray_of(products[p]), 1
        self._looks += 1
        return grads

    def reset_(self) -> None:
        super().reset_()
        self._looks = 0

    def refuse_dtype(self, dtype: np.dtype) -> None:
        if dtype.kind == "c":
            raise TypeError("Sophia is defined for real numbers; use a Tensor of the real and imaginary parts")


# ----------------------------------------------------------------------------------------------- LBFGS
@checked()
class LBFGS(Seen):
    """Many steps of the limited-memory BFGS method on one and the same batch, by SciPy, as one step of training.

        x <- where scipy.optimize.minimize(loss, x, method="L-BFGS-B") arrives

    Parameters
    ----------
    steps : whole number >= 1       of the method at most, in one step of training
    history : whole number >= 1     how many steps it remembers
    tolerance : number >= 0         it ends when no element of the gradient is larger

    For full batches: ``train_(loss, ps, [(x, y)], LBFGS())``; random ones mislead its line search, and what it has
    learnt of the curvature ends with the step of training.  Parameters are real; float32 ones reach some 1e-4.  In a
    loop of your own it is ``update_(opt, ps, gradient_for(opt, lambda: loss(x, y), ps))``.  SciPy is
    imported with the first step.

    PyTorch's ``LBFGS`` is given a closure, and keeps its memory; ``as_scipy`` lets SciPy have the loss as it is.

    Raises ImportError without SciPy; TypeError for complex parameters.

    Reference: Liu and Nocedal 1989; ``scipy.optimize.minimize(method="L-BFGS-B")``.  Not in Flux.

    >>> LBFGS(steps=100)
    LBFGS(steps=100, history=10, tolerance=1e-07)
    """

    steps: Period = 20
    history: Period = 10
    tolerance: Nonnegative = 1e-7

    def look_again_(self, look, grads):
        try:
            optimize = importlib.import_module("scipy.optimize")
        except ImportError as missing:
            raise ImportError("LBFGS is SciPy's; install it with python -m pip install scipy") from missing
        xs = [ndarray_of(p) for p in look.moving]
        if any(x.dtype.kind == "c" for x in xs):
            raise TypeError("LBFGS moves real numbers; use a Tensor of the real and imaginary parts")
        before = [x.copy() for x in xs]

        def value_and_slope(flat):
            spread(flat, xs)
            value, found = look.withgradient()
            return float(value), flattened([ndarray_of(found[p]) for p in look.moving])

        try:
            settings = {"maxiter": self.steps, "maxcor": self.history, "gtol": self.tolerance, "ftol": 0.0}
            start = flattened(before)
            found = optimize.minimize(value_and_slope, start, jac=True, method="L-BFGS-B", options=settings).x
        finally:
            for x, old in zip(xs, before):
                x[...] = old
        self.saw(look.moving)
        steps = [x.copy() for x in xs]
        spread(found, steps)
        return look.grads([x - new for x, new in zip(xs, steps)])


def flattened(arrays):
    return np.concatenate([np.ravel(a) for a in arrays]).astype(float)


def spread(flat, arrays):
    """Overwrite arrays with the numbers of a flat one."""
    begin = 0
    for a in arrays:
        a[...] = flat[begin : begin + a.size].reshape(a.shape)
        begin += a.size
