"""``apply_``, the table of update rules: for an optimiser's class, how a step is made of a gradient."""

import functools


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
    if isinstance(opt, type):
        raise TypeError(f"apply_: {opt.__name__} is a class; give an optimiser, opt = {opt.__name__}(...)")
    raise TypeError(
        f"apply_: {type(opt).__name__} is no optimiser: no rule is registered for it. Write\n"
        f"    @apply_.register\n    def apply_rule(opt: {type(opt).__name__}, x, dx):\n"
        "        ...\n        return step"
    )
