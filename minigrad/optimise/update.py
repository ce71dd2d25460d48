"""``apply_``, the dispatch table of update rules, and ``update_``, which subtracts their steps."""

import functools

import numpy as np

from minigrad.optimise.arrays import check, gradient_array
from minigrad.optimise.compose import Optimiser, flat
from minigrad.optimise.rules import Rule
from minigrad.optimise.step import step, step_of
from minigrad.storage import Storage, ndarray_of


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
    raise TypeError(
        f"apply_: {type(opt).__name__} is no optimiser: no rule is registered for it. Write\n"
        f"    @apply_.register\n    def apply_rule(opt: {type(opt).__name__}, x, dx):\n        ...\n        return step")


@apply_.register
def apply_rule(opt: Rule, x, dx):
    return step_of(opt, [opt], x, _target(x), gradient_array(dx))


@apply_.register
def apply_optimiser(opt: Optimiser, x, dx):
    stages = fused(opt)
    if stages is not None:
        return step_of(opt, stages, x, _target(x), gradient_array(dx))
    dx = np.array(check(_target(x), dx))
    for o in opt.os:
        dx = apply_(o, x, dx)
        if dx is None:
            break
    return dx


def fused(opt):
    """Return the stages of an optimiser if all are built-in rules, each once; else None."""
    stages = flat(opt)
    for stage in stages:
        if not isinstance(stage, Rule) or apply_.dispatch(type(stage)) is not apply_rule:
            return None
    return stages if len(set(map(id, stages))) == len(stages) else None


def update_(opt, x, *gradient):
    """Overwrite parameters: subtract the steps that an optimiser makes of their gradients.

        update_(x, step)           x <- x - step
        update_(opt, x, dx)        x <- x - apply_(opt, x, dx)
        update_(opt, ps, gs)       the same for every parameter, in order

    Parameters
    ----------
    opt : an optimiser
    x : Tensor or ndarray of floating-point or complex numbers
    dx : its gradient, of the same shape: array, Tensor or, for one number, a number.  It is cast to
        the parameter's dtype and never written to.
    ps : Params, or a list or tuple of parameters
    gs : Grads, or a mapping from parameters to gradients, or a list or tuple as long as ``ps``.
        Parameters whose gradient is None are left alone.

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
    if not gradient:
        return _subtract(opt, x)
    (dx,) = gradient
    if isinstance(x, (np.ndarray, Storage)):
        return _update(opt, (x,), (_target(x),), (dx,))
    params, dxs = _pairs(x, dx)
    if params:
        _update(opt, params, tuple(map(_target, params)), dxs)


def _update(opt, params, xs, dxs):
    dxs = tuple([dx.data if isinstance(dx, Storage) else dx for dx in dxs])
    stages = fused(opt)
    if stages is not None:
        return step(opt, stages, params, xs, dxs)
    for x, dx in zip(xs, dxs):
        check(x, dx)
    for p, x, dx in zip(params, xs, dxs):
        made = apply_(opt, p, np.array(check(x, dx)))
        if made is not None:
            _subtract(p, made)


def _pairs(ps, gs):
    """Return the parameters that have a gradient, and the gradients, as two tuples."""
    params = tuple(ps)
    if isinstance(gs, (list, tuple)):
        if len(gs) != len(params):
            raise ValueError(f"update_: {len(params)} parameters but {len(gs)} gradients")
        dxs = gs
    else:
        dxs = [gs[p] for p in params]
    return params, tuple(dxs)


def _target(x):
    """The array to be overwritten."""
    array = ndarray_of(x)
    if array is None:
        raise TypeError(f"update_: a parameter is a Tensor or an ndarray, but this is a {type(x).__name__}: {x!r}")
    return array


def _subtract(x, made):
    target = _target(x)
    made = check(target, made)
    np.subtract(target, made, out=target, casting="same_kind")
