"""``apply_``, the table of update rules: for an optimiser's class, how a step is made of a gradient."""

from __future__ import annotations

import functools
import importlib
from typing import Any

import numpy as np

from .. import habits
from ..hints import spelled


@functools.singledispatch
def apply_(opt: Any, x: Any, dx: Any) -> Any:
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

    >>> import numpy as np
    >>> from minigrad.optimise import update_
    >>> class Sign:
    ...     eta = 0.5
    >>> @apply_.register
    ... def apply_sign(opt: Sign, x, dx):
    ...     dx[...] = opt.eta * np.sign(dx)
    ...     return dx
    >>> x = np.zeros(2)
    >>> update_(Sign(), x, np.array([0.3, -7.0])); x
    array([-0.5,  0.5])

    ``update_`` asks for the steps of all its parameters before it subtracts the first.  If one of them raises,
    none is subtracted and the state of built-in rules is put back; the state of your own is your own affair.

    Reference: Flux 0.13 ``apply!``.
    """
    raise TypeError(f"apply_: {no_optimiser(opt)}")


def no_optimiser(opt):
    """Return what to write in the place of something for which no rule is registered, for an error's message."""
    if isinstance(opt, type):
        return f"{opt.__name__} is a class; give an optimiser, opt = {opt.__name__}(...)"
    if opt is None or isinstance(opt, (str, int, float, list, tuple, dict, np.ndarray)):
        known = spelled(opt, importlib.import_module(__package__).__all__) if isinstance(opt, str) else ""
        instead = f"{known or 'ADAM'}(), after from minigrad import {known or 'ADAM'}"
        if isinstance(opt, str) and not known:
            instead = habits.MINIGRAD.get(opt.lower(), instead)
        return (
            f"{opt!r} is no optimiser; give {instead}. A rule of your own is a class with a function that is "
            "registered by @apply_.register"
        )
    if callable(opt) and not hasattr(opt, "os"):
        return (
            f"{type(opt).__name__} is no optimiser. A schedule is followed by Scheduler(ADAM(), eta=schedule); a loss "
            "comes first, train_(loss, ps, data, opt)"
        )
    return (
        f"{type(opt).__name__} is no optimiser: no rule is registered for it. Write\n"
        f"    @apply_.register\n    def apply_rule(opt: {type(opt).__name__}, x, dx):\n"
        "        ...\n        return step"
    )


def refuse_no_optimiser(opt, who):
    """Raise if no rule is registered for what is given as an optimiser."""
    if apply_.dispatch(type(opt)) is apply_.dispatch(object):
        raise TypeError(f"{who}: {no_optimiser(opt)}")
