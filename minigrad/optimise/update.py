"""``apply_``, the dispatch table of update rules, and ``update_``, which subtracts their steps."""

import functools
import itertools

import numpy as np

from ..core.storage import Storage
from .arrays import bare, check, gradient_array
from .compiled.plan import Plans, step, step_of
from .compose import Optimiser, flat
from .rules import Rule

SINGLE = np.ndarray, Storage  # what one parameter can be


@functools.singledispatch
def apply_(opt, x, dx):
    """Return the step that ``update_`` subtracts from ``x``, and let the optimiser's state of ``x`` move on.

    Parameters
    ----------
    opt : an optimiser
    x : Tensor or ndarray, the parameter, which is left as it is
    dx : ndarray of the same shape, its gradient.  A rule of your own may overwrite and return it:
        ``update_`` hands it a copy.  The built-in rules never write into it.

    Returns
    -------
    The step: an array of the parameter's shape and dtype, or None for no step this time.

    Raises TypeError for an optimiser without a rule; otherwise like ``update_``.

    This is a ``functools.singledispatch`` table.  An optimiser of your own is any class with a method
    registered here; it may be composed with all others:

    >>> class Sign:
    ...     eta = 0.5
    >>> @apply_.register
    ... def apply_sign(opt: Sign, x, dx):
    ...     dx[...] = opt.eta * np.sign(dx)
    ...     return dx
    >>> x = np.zeros(2)
    >>> update_(Sign(), x, np.array([0.3, -7.0])); x
    array([-0.5,  0.5])

    Reference: Flux 0.13 ``apply!``.
    """
    if isinstance(opt, type):
        raise TypeError(f"apply_: {opt.__name__} is a class; give an optimiser, opt = {opt.__name__}(...)")
    raise TypeError(
        f"apply_: {type(opt).__name__} is no optimiser: no rule is registered for it. Write\n"
        f"    @apply_.register\n    def apply_rule(opt: {type(opt).__name__}, x, dx):\n"
        "        ...\n        return step"
    )


@apply_.register
def apply_rule(opt: Rule, x, dx):
    return step_of(plans_of(opt), x, target(x), gradient_array(dx))


@apply_.register
def apply_optimiser(opt: Optimiser, x, dx):
    plans = plans_of(opt)
    if plans is not None:
        return step_of(plans, x, target(x), gradient_array(dx))
    dx = np.array(check(target(x), dx))
    for o in opt.os:
        dx = apply_(o, x, dx)
        if dx is None:
            break
    return dx


def plans_of(opt):
    """Return the plans of an optimiser made of built-in rules alone, None for any other."""
    plans = getattr(opt, "_plans", None)
    if plans is not None and plans.registered == len(apply_.registry):
        for composed, members in plans.composed:
            if composed.os != members:
                break
        else:
            return plans
    stages, composed = flat(opt)
    for stage in stages:
        if not isinstance(stage, Rule) or apply_.dispatch(type(stage)) is not apply_rule:
            return None
    if len(set(map(id, stages))) < len(stages):
        return None  # the second sees what the first has kept
    opt._plans = Plans(stages, composed, len(apply_.registry))
    return opt._plans


def update_(opt, x, dx=...):
    """Overwrite parameters: subtract the steps that an optimiser makes of their gradients.

        update_(x, step)           x <- x - step
        update_(opt, x, dx)        x <- x - apply_(opt, x, dx)
        update_(opt, ps, gs)       the same for every parameter, in order

    Parameters
    ----------
    opt : an optimiser
    x : Tensor or ndarray of floating-point or complex numbers
    dx : its gradient, of the same shape: array, Tensor or, for one number, a number.  It is cast to
        the parameter's dtype and never written to.  It must not share memory with *another* parameter of
        the call, which may have moved before it is read; gradients from ``gradient`` never do.
    ps : Params; or a list, tuple or dict of parameters, nested freely
    gs : Grads, or another mapping from parameters to gradients; or the same containers filled with
        gradients, as ``gradient(f, model)`` returns them.  What has the gradient None is left alone.

    Returns None: like ``list.sort``, it overwrites.

    Raises
    ------
    TypeError, ValueError : a parameter or gradient no step can be made of; the message says why.
        Nothing has been overwritten then.
    StrangerError (a KeyError) : a parameter that ``gs`` does not know

    float16 parameters are computed in float32.  All built-in rules, alone or composed, run as one pass over
    memory, many parameters in one call.

    >>> from minigrad.optimise import Descent
    >>> x = np.ones(2)
    >>> update_(Descent(0.5), x, np.array([1.0, 2.0])); x
    array([0.5, 0. ])

    Reference: Flux 0.13 ``update!``.
    """
    if dx is ...:
        return subtract(opt, x)
    params, dxs = pairs(x, dx)
    plans = plans_of(opt)
    if plans is not None and params and plans.again(params, dxs):
        return
    if params and params[0] is not x:  # one of several without a gradient is left alone
        params, dxs = with_gradient(params, dxs)
    dxs = tuple(map(bare, dxs))
    if plans is None:
        by_own_rules(opt, params, dxs)
    elif params:
        step(plans, params, tuple(map(target, params)), dxs)


@functools.singledispatch
def by_own_rules(opt, params, dxs):
    """A step of an optimiser with a rule of the user's own; a table, for what can be done in one go."""
    for p, dx in zip(params, dxs):
        check(target(p), dx)
    for p, dx in zip(params, dxs):
        made = apply_(opt, p, np.array(check(target(p), dx)))
        if made is not None:
            subtract(p, made)


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
            f"the parameters; this is a {type(gs).__name__}"
        )
    params = tuple({id(p): p for p in x}.values())  # once each: gs has the whole gradient
    for p in params:
        target(p)
    return params, tuple([gs[p] for p in params])


def paired(ps, gs):
    """Yield (parameter, gradient) from containers of the same structure."""
    if isinstance(ps, dict):
        if not isinstance(gs, dict) or ps.keys() != gs.keys():
            raise ValueError(
                f"update_: the parameters are a dict of {list(ps)}; the gradients must be one too, "
                f"but are a {type(gs).__name__}" + f" of {list(gs)}" * isinstance(gs, dict)
            )
        ps, gs = ps.values(), gs.values()
    elif getattr(gs, "_fields", ()) == ("val", "grad"):
        raise TypeError(
            "update_: this is the value and the gradients, as withgradient returns them. Take them apart: "
            "loss, grads = withgradient(f, ps), then update_(opt, ps, grads)"
        )
    elif len(ps) != len(gs):
        raise ValueError(f"update_: {len(ps)} parameters but {len(gs)} gradients")
    for p, dx in zip(ps, gs):
        if isinstance(p, (list, tuple, dict)) and dx is not None:
            yield from paired(p, dx)
        else:
            yield p, dx


def with_gradient(params, dxs):
    """Return the parameters that have a gradient, and these, as two tuples."""
    has = [dx is not None for dx in dxs]
    return tuple(itertools.compress(params, has)), tuple(itertools.compress(dxs, has))


def target(x):
    """Return the array of a parameter, which is to be overwritten."""
    if isinstance(x, Storage):
        return x.to_overwrite("update_")  # a Tensor refuses while a gradient is taken
    if isinstance(x, np.ndarray):
        return x
    raise TypeError(no_parameter(x))


def subtract(x, made):
    array = target(x)
    np.subtract(array, check(array, bare(made)), out=array, casting="same_kind")


def no_parameter(x):
    """Return the message for what stands in the place of a parameter."""
    if apply_.dispatch(type(x)) is not apply_.dispatch(object):
        return (
            f"update_: {x!r} is an optimiser in the place of a parameter. The optimiser comes first and the "
            "gradients come last: update_(opt, ps, gradient(lambda: loss(x, y), ps))"
        )
    return f"update_: a parameter is a Tensor or an ndarray, but this is a {type(x).__name__}: {x!r}"
