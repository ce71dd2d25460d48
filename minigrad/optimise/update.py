"""``update_``, which subtracts the steps that an optimiser makes."""

from __future__ import annotations

import itertools
from typing import Any, overload

import numpy as np

from ..core.storage import Storage
from ..core.trees import leaves, leaves_along
from ..doors import float_errors, set_float_errors, shorten
from .arrays import bare, check
from .route import route_of, target

SINGLE = np.ndarray, Storage  # what one parameter can be


@overload
def update_(opt: Any, x: Any) -> None: ...  # (x, step)
@overload
def update_(opt: Any, x: Any, dx: Any) -> None: ...
def update_(opt: Any, x: Any, dx: Any = ...) -> None:
    """Overwrite parameters: subtract the steps that an optimiser makes of their gradients.

        update_(x, step)           x <- x - step
        update_(opt, x, dx)        x <- x - apply_(opt, x, dx)
        update_(opt, ps, gs)       the same for every parameter, in order

    Parameters
    ----------
    opt : an optimiser
    x : Tensor or ndarray of floating-point or complex numbers
    dx : its gradient, of the same shape: array, Tensor or, for one number, a number.  It is cast to
        the parameter's dtype and never written to.  It may share memory with parameters, and these with each
        other: all steps are made before the first is subtracted.
    ps : Params; or a list, tuple or dict of parameters, nested freely
    gs : Grads, or another mapping from parameters to gradients; or the same containers filled with
        gradients, as ``gradient(f, model)`` returns them.  What has the gradient None is left alone.

    Returns None: like ``list.sort``, it overwrites.

    Raises
    ------
    TypeError, ValueError : a parameter or gradient no step can be made of; the message says why
    StrangerError (a KeyError) : a parameter that ``gs`` does not know

    A step is whole or not made.  After an error, also in a rule of your own, after Ctrl-C or a timeout by signal,
    either all parameters have moved or none, and the state of the built-in rules with them.

    Threads may update different parameters at once, by one optimiser or by several. On *one* parameter only the
    steps of one optimiser (an ``AbstractOptimiser``, as all built-in ones are) wait for each other; where several
    optimisers, or ``update_(x, step)``, share a large parameter, hold a lock of your own, or steps are lost.

    float16 parameters are computed in float32.  All built-in rules, alone or composed, run as one pass over
    memory, many parameters in one call.

    >>> from minigrad.optimise import Descent
    >>> x = np.ones(2)
    >>> update_(Descent(0.5), x, np.array([1.0, 2.0])); x
    array([0.5, 0. ])

    Reference: Flux 0.13 ``update!``.
    """
    before = float_errors()
    try:
        if dx is ...:  # update_(x, step)
            return subtract(opt, x)
        params, dxs = pairs(x, dx)
        route = route_of(opt)
        if params and route.again(opt, params, dxs):  # as the last step: compiled code, as a rule in one call
            return
        if params and params[0] is not x:  # one of several without a gradient is left alone
            params, dxs = with_gradient(params, dxs)
        if params:
            route.update(opt, params, tuple(map(target, params)), tuple(map(bare, dxs)), x)  # any other, with care
    except BaseException as error:
        set_float_errors(before)  # a signal may have come while NumPy was told to keep quiet
        if isinstance(error, Exception):
            shorten(error)
        raise


def pairs(x, gs):
    """Return the parameters and their gradients as two tuples."""
    if isinstance(x, SINGLE):
        return (x,), (gs,)
    if hasattr(gs, "along") and type(x) is type(gs.params):  # Params and Grads
        return gs.along(x)
    if not hasattr(x, "__iter__") or isinstance(x, str):
        target(x)  # which says what a parameter is
    if isinstance(gs, (list, tuple)) or isinstance(x, dict):
        found = list(paired(x if isinstance(x, dict) else list(x), gs))
        return tuple([p for p, _ in found]), tuple([dx for _, dx in found])
    if not hasattr(gs, "values"):
        raise TypeError(
            "update_: the gradients of several parameters are a Grads, or a list, tuple or dict like that of "
            f"the parameters; this is a {type(gs).__name__}. The order is update_(opt, ps, grads)"
        )
    params = tuple({id(p): p for p in x}.values())  # once each: gs has the whole gradient
    for p in params:
        target(p)
    return params, tuple([gs[p] for p in params])


def paired(ps, gs):
    """Return pairs (parameter, gradient) from containers of the same structure."""
    if getattr(gs, "_fields", ()) == ("val", "grad"):
        raise TypeError(
            "update_: this is the value and the gradients, as withgradient returns them. Take them apart: "
            "loss, grads = withgradient(f, ps), then update_(opt, ps, grads)"
        )
    if isinstance(gs, (list, tuple)) and len(ps) != len(gs):
        raise ValueError(f"update_: {len(ps)} parameters but {len(gs)} gradients")
    return zip(leaves(ps), leaves_along(ps, gs, "update_: gradients are given like the parameters:"))


def with_gradient(params, dxs):
    """Return the parameters that have a gradient, and these, as two tuples."""
    has = [dx is not None for dx in dxs]
    return tuple(itertools.compress(params, has)), tuple(itertools.compress(dxs, has))


def subtract(x, made):
    array = target(x)
    np.subtract(array, check(array, bare(made)), out=array, casting="same_kind")
