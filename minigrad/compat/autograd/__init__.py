"""HIPS autograd's public interface over minigrad's engine: change the imports of a program, and nothing else.

    import minigrad.compat.autograd.numpy as np
    from minigrad.compat.autograd import grad

Operators take a function and the position of an argument, and return a function.  Gradients follow autograd's
convention for complex numbers (the conjugate of minigrad's own) and are zeros, not None, where the result does not
depend on the argument.  docs/coming-from-autograd.md lists what differs.

    operators    grad, jacobian, make_vjp, ...: functions of functions
    primitives   primitive, defvjp: derivatives of one's own
    numpy, scipy, misc, test_util, extend, builtins    autograd's modules of these names
"""

from ...calculus.adjoint import checkpointed as _checkpointed
from . import descent as misc  # noqa: F401
from .operators import *  # noqa: F403
from .primitives import defjvp, defvjp, defvjp_argnum, primitive  # noqa: F401


def checkpoint(fun):
    """Return ``fun`` that keeps nothing for its derivative and runs again on the way back.

    >>> grad(checkpoint(lambda x: x**3))(2.0)
    12.0
    """
    return lambda *args, **kwargs: _checkpointed(lambda *xs: fun(*xs, **kwargs), *args)
