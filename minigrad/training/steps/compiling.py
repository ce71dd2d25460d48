"""``compiled``: what a user calls."""

from __future__ import annotations

from typing import Any

from ...core.gradient import not_callable
from ...core.params import Params, params
from ...optimise.apply import refuse_no_optimiser
from .function import CompiledFunction
from .step import CompiledStep


def compiled(loss: Any, ps: Any = None, opt: Any = None, *, check: bool = False) -> Any:
    """Return a training step as one function: loss, gradient and update without the tape.

        step = compiled(loss, ps, opt);   value = step(x, y)      withgradient and update_ of loss(x, y)
        step = compiled(loss, ps);        val, grad = step(x, y)  withgradient(lambda: loss(x, y), ps)
        @compiled(ps, opt)                                        the same as a decorator of the loss
        f = compiled(f)                                           f, whose gradient by its arguments is compiled

    The loss is run under a trace at the first two calls.  If both have written down the same program, it is run in
    the loss's place from the third call on, as soon as it has given what the eager step gives.

    Parameters
    ----------
    loss : function of the step's arguments that returns one real number.  Arrays, also those in containers, may be
        others at each call; for each shape, dtype and layout there is a program of its own.  Anything else is part
        of the program: another number of Python is another program.
    ps : Params, or a model that holds the parameters; without them the function itself is returned, and what runs
        as one function is ``gradient(f, x)``, ``withgradient(f, x)``, ``jacobian(f, x)`` of it, if it gives a number
    opt : optimiser; without one nothing is updated
    check : bool, make every step eagerly, too, and compare

    Returns
    -------
    CompiledStep, which is called as the loss is; of a function alone CompiledFunction

    Raises
    ------
    TypeError, ValueError : if the loss is no function, or there are no parameters
    TraceError (from the step) : if Python uses the numbers themselves, as in ``if t > 0``, or arrays come from where
        no trace sees it: the message says what to write instead

    **The step is never silently different from the eager one.**  Arrays that the loss captures are read where they
    lie; variables, attributes, items of lists and dicts that it can reach are compared by identity at every call, and
    a change means a new trace; random numbers come from the same streams.  Calls 4, 8, 16, ... are traced again: if
    the program is another one by then, or gives other numbers, there is a StaleStepWarning.  What has no program is
    made eagerly, and ``step.why`` says why.  A loss that is not finite is computed once more by the eager step, before
    anything is updated.

    Differs from Flux, which has no such function; from ``jax.jit``: nothing that changes is ignored.

    >>> import numpy as np
    >>> from minigrad import Descent, Tensor, params
    >>> W = Tensor([1.0, 2.0])
    >>> step = compiled(lambda x: np.sum(W * x), params(W), Descent(0.5))
    >>> [step(np.ones(2)) for _ in range(4)], W
    ([3.0, 2.0, 1.0, 0.0], Tensor([-1.,  0.]))
    """
    if isinstance(loss, Params):  # as a decorator
        return lambda function: compiled(function, loss, ps, check=check)
    if ps is None and opt is not None:
        raise TypeError("compiled: the parameters are missing; write compiled(loss, params(model), opt)")
    if ps is None:
        return CompiledFunction(loss)
    if not callable(loss):
        raise TypeError(not_callable(loss, "compiled"))
    ps = ps if isinstance(ps, Params) else params(ps)
    if len(ps) == 0:
        raise ValueError("compiled: there are no parameters; give params(model) of a model that holds Tensors")
    if opt is not None:
        refuse_no_optimiser(opt, "compiled")
    return CompiledStep(loss, ps, opt, check)
