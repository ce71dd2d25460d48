"""autograd's way to give a function a derivative of one's own: ``primitive`` and ``defvjp``."""

import functools

import numpy as np

from ...calculus.adjoint import adjoint
from ...core.tensor import Tensor, recorded
from .operators import conjugated


def primitive(f):
    """Return ``f`` as a function whose inside is not recorded; ``defvjp`` gives it its derivative.

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
        wanted = [k for k, x in enumerate(args) if type(x) is Tensor and recorded(x) is not None]
        return with_pullback(wanted, args, kwargs)

    def with_pullback(wanted, args, kwargs):
        @adjoint
        @functools.wraps(f)
        def call(*xs):
            y = f(*xs, **kwargs)

            def back(g):
                made = {k: wrapped.vjp(k, y, xs, kwargs)(conjugated(g)) for k in wanted}
                return tuple(None if made.get(k) is None else conjugated(made[k]) for k in range(len(xs)))

            return y, back

        return call(*args)

    def no_vjp(k, y, args, kwargs):
        raise NotImplementedError(
            f"{f.__name__}: there is no derivative by argument {k}; write defvjp({f.__name__}, lambda y, *args: "
            f"lambda g: ..., argnums=({k},))"
        )

    wrapped.vjp, wrapped.vjps = no_vjp, {}
    return wrapped


def defvjp(fun, *makers, argnums=None):
    """Give a primitive its derivatives: ``maker(y, *args, **kwargs)`` returns the function from g to the gradient.

    Parameters
    ----------
    fun : what ``primitive`` returned
    *makers : one per argument, None for a gradient of zero
    argnums : the positions of the arguments that they belong to, by default 0, 1, ...
    """
    missing = fun.vjp
    fun.vjps.update(zip(range(len(makers)) if argnums is None else argnums, makers))

    def vjp(k, y, args, kwargs):
        if k not in fun.vjps:
            return missing(k, y, args, kwargs)
        return (lambda g: np.zeros_like(args[k])) if fun.vjps[k] is None else fun.vjps[k](y, *args, **kwargs)

    fun.vjp = vjp


def defvjp_argnum(fun, maker):
    """Give a primitive one maker for all arguments: ``maker(argnum, y, args, kwargs)``."""
    fun.vjp = maker


def defjvp(fun, *makers, argnums=None):
    """Accept forward derivatives, which are not needed: ``make_jvp`` works from those of ``defvjp``."""
