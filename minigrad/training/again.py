"""The loss of one step, for optimisers that look at it again: SAM, Sophia, LBFGS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..calculus.higher import hvp
from ..core.gradient import gradient, withgradient
from ..core.params import Grads, Params, params
from ..core.trees import leaves
from ..doors import door
from ..moving import Held
from ..optimise.groups import Groups
from ..optimise.route import route_of
from ..optimise.twice import Seen, those_that_look


class Look:
    """What an optimiser may see of a loss (see optimise/twice.py)."""

    def __init__(self, f, ps, moving):
        self.f, self.ps, self.moving = f, ps, moving

    def gradient(self):
        return self.withgradient()[1]

    def withgradient(self):
        """The loss at the parameters as they are now, and its gradients."""
        value, grads = withgradient(self.f, self.ps)
        return leaves(value)[0], grads

    def hvp(self, vectors):
        """The Hessian times vectors, one for each moving parameter."""
        return hvp(lambda: leaves(self.f())[0], Params(self.moving), vectors)

    def grads(self, arrays):
        """Grads of all parameters, of which the moving ones have these arrays."""
        found = {id(p): a for p, a in zip(self.moving, arrays)}
        grads = Grads(self.ps, [None] * len(self.ps))
        for p in self.moving:
            grads[p] = found[id(p)]
        return grads


def seen(opt, f, ps, grads):
    """Return the gradients that an optimiser wants for its step, given those of the loss ``f`` as it is."""
    looking = those_that_look(opt)
    if not looking:
        return grads
    refuse_in_groups(opt)
    for each in looking:
        passing = route_of(opt).passing(opt, each, tuple(ps), ps)
        moving = [p for p, passes in zip(ps, passing) if passes and grads[p] is not None]
        if moving:  # running statistics have moved with the loss as it is
            grads = Held().during(each.look_again_, Look(f, ps, moving), grads)
    return grads


def refuse_in_groups(opt):
    """Raise for what moves all parameters together and stands inside of Groups."""
    for member in getattr(opt, "os", ()):
        if isinstance(opt, Groups) and any(isinstance(each, Seen) for each in those_that_look(member)):
            raise TypeError(f"{member!r} looks for all parameters together: it stands around Groups, not inside")
        refuse_in_groups(member)


@door
def gradient_for(opt: Any, f: Callable[[], Any], ps: Any) -> Grads:
    """Return the gradients that an optimiser wants: at another point for ``SAM``, after many looks for ``LBFGS``.

        update_(opt, ps, gradient_for(opt, lambda: loss(x, y), ps))

    Parameters
    ----------
    opt : an optimiser; for all but those that look at the loss again it is ``gradient(f, ps)``
    f : function without arguments that returns one real number, or a tuple that begins with it
    ps : Params, or a model that holds the parameters

    Returns Grads, for the next ``update_`` of this optimiser alone.  ``train_`` and ``train_step_`` call it themselves.

    Raises what ``gradient`` raises; TypeError for SAM or LBFGS inside of Groups.

    Not in Flux; PyTorch's optimisers of this kind take a closure.

    >>> import numpy as np
    >>> from minigrad import SAM, Descent, Tensor, params, update_
    >>> W, opt = Tensor([1.0]), SAM(Descent(0.5), rho=1.0)
    >>> update_(opt, params(W), gradient_for(opt, lambda: np.sum(W**2), params(W))); W
    Tensor([-1.])
    """
    ps = ps if isinstance(ps, Params) else params(ps)
    return seen(opt, f, ps, gradient(lambda: leaves(f())[0], ps))
