"""``autograd.extend``: derivatives of one's own, by ``primitive`` and ``defvjp``."""

import functools

import numpy as np

from ...calculus.adjoint import adjoint, checkpointed, nograd as notrace_primitive  # noqa: F401
from ...core.tensor import lower, recorded, tensors_in
from ...core.trees import leaves, leaves_along, rebuild
from .operators import conjugated

__all__ = ["checkpoint", "defjvp", "defvjp", "defvjp_argnum", "primitive"]


def primitive(f):
    """Return ``f`` as a function whose inside is not recorded; ``defvjp`` gives it its derivative.

    Its arguments may be containers; so is the gradient by them then.

    >>> @primitive
    ... def cube(x):
    ...     return x**3
    >>> defvjp(cube, lambda y, x: lambda g: g * 3 * x**2)
    >>> from minigrad.compat.autograd import grad
    >>> grad(cube)(2.0)
    12.0
    """

    @functools.wraps(f)
    def wrapped(*args, **kwargs):
        wanted = [any(recorded(t) is not None for t in tensors_in(x)) for x in args]

        @adjoint
        @functools.wraps(f)
        def call(*flat):
            xs = rebuild(args, iter(flat))
            y = f(*xs, **kwargs)

            def back(g):
                vjps = [wrapped.vjp(k, y, xs, kwargs) if free else lambda g: None for k, free in enumerate(wanted)]
                return tuple(leaves_along(args, tuple(conjugated(vjp(conjugated(g))) for vjp in vjps), f.__name__))

            return y, back

        return call(*leaves(args))

    wrapped.vjps = {}
    wrapped.vjp = functools.partial(by_position, f.__name__, wrapped.vjps)
    return wrapped


def by_position(name, vjps, k, y, args, kwargs):
    if k not in vjps:
        how = f"defvjp({name}, lambda y, *args: lambda g: ..., argnums=({k},))"
        raise NotImplementedError(f"{name}: there is no derivative by argument {k}; write {how}")
    return (lambda g: np.zeros_like(args[k])) if vjps[k] is None else vjps[k](y, *args, **kwargs)


def defvjp(fun, *makers, argnums=None):
    """Give a primitive its derivatives: ``maker(y, *args, **kwargs)`` returns the function from g to the gradient.

    Parameters
    ----------
    fun : what ``primitive`` returned
    *makers : one per argument, None for a gradient of zero
    argnums : the positions of the arguments that they belong to, by default 0, 1, ...
    """
    fun.vjps.update(zip(range(len(makers)) if argnums is None else argnums, makers))


def defvjp_argnum(fun, maker):
    """Give a primitive one maker for all arguments: ``maker(argnum, y, args, kwargs)``."""
    fun.vjp = maker


def defjvp(fun, *makers, argnums=None):
    """Accept forward derivatives, which are not needed: ``make_jvp`` works from those of ``defvjp``."""


getval = functools.partial(lower, tape=None)  # the plain numbers of what is differentiated


def checkpoint(fun):
    """Return ``fun`` that keeps nothing for its derivative and runs again on the way back.

    >>> from minigrad.compat.autograd import grad
    >>> grad(checkpoint(lambda x: x**3))(2.0)
    12.0
    """
    return lambda *args, **kwargs: checkpointed(lambda *xs: fun(*xs, **kwargs), *args)
