"""The bridge to SciPy: a loss of parameters as functions of one flat vector."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .calculus.higher import hvp
from .calculus.vectors import copy_, cut
from .core.gradient import check_loss, gradient, not_callable
from .core.params import Params, params
from .doors import door
from .hints import chapter

if TYPE_CHECKING:
    from collections.abc import Callable

    from .aliases import LossFunction, Model

__all__ = ["as_scipy"]


class FlatLoss(NamedTuple):
    """What ``as_scipy`` returns: the loss, its gradient and its Hessian times a vector, of a flat vector.

    Attributes
    ----------
    fun : function x -> float
    jac : function x -> ndarray of x's shape, the gradient
    hessp : function (x, p) -> ndarray of x's shape, the Hessian at x times p
    """

    fun: Callable[[np.ndarray], float]
    jac: Callable[[np.ndarray], np.ndarray]
    hessp: Callable[[np.ndarray, np.ndarray], np.ndarray]

    @property
    def x0(self) -> np.ndarray:
        """The parameters' present numbers as a flat vector of float64."""
        return self.fun.__self__.now()


def as_scipy(f: LossFunction, ps: Params | Model) -> FlatLoss:
    """Return a loss as functions of one flat vector, as ``scipy.optimize`` wants it.

        fun(x) = f() with ps = x       jac(x) = d fun / dx       hessp(x, p) = (d^2 fun / dx^2) p

    Parameters
    ----------
    f : function without arguments that returns one real number, computed from the parameters; or
        ``compiled(f, ps)`` of one
    ps : Params, or a model that holds the parameters; n real numbers in all

    Returns
    -------
    named tuple (fun, jac, hessp), which also has ``x0``, the parameters as they are now.  A flat vector holds
    n float64 numbers, the parameters in the order of ``ps``, each row by row.  The parameters themselves are
    left as they were; ``copy_(ps, result.x)`` overwrites them with what was found.

    Raises
    ------
    TypeError : if a parameter is complex, or ``f`` is not a function that returns one real number
    ValueError : if there are no parameters, or a vector has another length

    ``f`` should give the same value each time: no dropout, no random batches.  It is evaluated in the
    parameters' own dtype: with float32, ask SciPy for no more than some 1e-4.  SciPy is not imported.  A loss
    that takes a vector needs no bridge: ``minimize(f, x0, jac=lambda x: gradient(f, x)[0])``.

    Source: the methods L-BFGS-B, Newton-CG and trust-ncg of ``scipy.optimize.minimize`` take these functions.

    >>> from minigrad import Tensor, params
    >>> a, b = Tensor([3.0, 4.0]), Tensor(2.0)
    >>> fun, jac, hessp = as_scipy(lambda: np.sum(a**2) * b, params(a, b))
    >>> x = np.array([1.0, 2.0, 10.0])
    >>> fun(x), jac(x), hessp(x, np.array([1.0, 0.0, 0.0]))
    (50.0, array([20., 40.,  5.]), array([20.,  0.,  2.]))
    """
    if not callable(f):
        raise TypeError(not_callable(f, "as_scipy"))
    take = getattr(f, "take", None)  # of a compiled step
    if take is not None and f.opt is not None:
        raise TypeError("as_scipy: this step updates the parameters itself; give compiled(loss, ps), without optimiser")
    ps = ps if isinstance(ps, Params) else params(ps)
    if len(ps) == 0:
        raise ValueError("as_scipy: there are no parameters; give params(W, b) or a model that holds Tensors")
    for k, p in enumerate(ps):
        if p.dtype.kind == "c":
            raise TypeError(
                f"as_scipy: parameter {k} is complex, and SciPy's methods move real numbers. Make two "
                "real parameters, and z = re + 1j * im in the loss"
            )
    flat = Flat(f, ps) if take is None else CompiledFlat(f, ps)
    return FlatLoss(flat.fun, flat.jac, flat.hessp)


class Flat:
    """A loss of parameters, evaluated with the numbers of a flat vector in their place."""

    def __init__(self, f, ps):
        self.f, self.ps = f, ps

    def now(self):
        return copy_(np.empty(sum(p.size for p in self.ps)), self.ps)

    def at(self, x, evaluate):
        """Return what ``evaluate`` returns while the parameters are ``x``."""
        before = [p.data.copy() for p in self.ps]
        try:
            copy_(self.ps, x)
            return evaluate()
        finally:
            for p, numbers in zip(self.ps, before):
                p.data[...] = numbers

    @door
    def fun(self, x):
        value = self.at(x, self.f)
        check_loss(value, "as_scipy")
        return float(value)

    @door
    def jac(self, x):
        return self.at(x, lambda: copy_(np.empty(np.size(x)), gradient(self.f, self.ps)))

    @door
    def hessp(self, x, p):
        return self.at(x, lambda: copy_(np.empty(np.size(x)), hvp(self.f, self.ps, self.pieces(p))))

    def pieces(self, v):
        """Return a flat vector cut into one piece per parameter, in its shape and dtype."""
        pieces = cut(np.asarray(v), [p.shape for p in self.ps])
        return [piece.astype(p.dtype) for piece, p in zip(pieces, self.ps)]


class CompiledFlat(Flat):
    """The same of a compiled step."""

    def __init__(self, step, ps):
        super().__init__(step.loss, ps)
        self.take = step.take

    @door
    def fun(self, x):
        return self.at(x, lambda: self.take(()).val)

    @door
    def jac(self, x):
        return self.at(x, lambda: copy_(np.empty(np.size(x)), self.take(()).grad))


chapter(__name__)
