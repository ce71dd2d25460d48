"""HIPS autograd's public interface over minigrad's engine: change the imports of a program, and nothing else.

    import minigrad.compat.autograd.numpy as np
    from minigrad.compat.autograd import grad

Operators take a function and the position of an argument, and return a function.  Gradients follow autograd's
convention for complex numbers (the conjugate of minigrad's own) and are zeros, not None, where the result does not
depend on the argument.  docs/coming-from-autograd.md lists what differs.

    operators    grad, jacobian, make_vjp, ...: functions of functions
    primitives   primitive, defvjp: derivatives of one's own
    numpy, scipy, misc, test_util, extend, builtins, differential_operators    autograd's modules of these names
"""

import sys as _sys

from .. import absent as _absent
from . import builtins, descent, numpy, operators, primitives, test_util
from .builtins import dict, isinstance, list, tuple, type  # noqa: A004, F401
from .operators import *  # noqa: F403
from .primitives import *  # noqa: F403

misc, extend, tracer, differential_operators = descent, primitives, primitives, operators
misc.optimizers = misc.fixed_points = misc  # from autograd.misc import optimizers
_MODULES = {"extend": extend, "tracer": extend, "differential_operators": operators, "wrap_util": operators}
_MODULES |= {f"misc{name}": misc for name in ("", ".flatten", ".optimizers", ".fixed_points")}
_MODULES |= {f"numpy.{name}": getattr(numpy, name, numpy) for name in ("fft", "linalg", "random", "numpy_boxes")}
_sys.modules.update({f"{__name__}.{name}": module for name, module in _MODULES.items()})
_absent.answer(__name__, _absent.AUTOGRAD, (builtins, descent, numpy, operators, primitives, test_util))
