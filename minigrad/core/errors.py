"""The few exceptions of our own; each is also the builtin that a Python programmer expects."""

import os
import sys

import numpy as np

# Ours, the installed packages, the standard library: none of them is the line the reader wrote.
_homes = os.path.dirname(__file__), os.path.dirname(np.__file__), os.__file__
_libraries = tuple(os.path.dirname(path) + os.sep for path in _homes)


def user_line():
    """Return the file and line of the caller's code that is running, for an error's message.

    >>> user_line().startswith("line ")
    True
    """
    frame = outwards(sys._getframe(1))[-1]
    return f"line {frame.f_lineno} of {os.path.basename(frame.f_code.co_filename)}"


def outwards(frame, folders=_libraries):
    """Return a frame and its callers as long as their code is in the folders or files, and the first whose is not."""
    frames = [frame]
    while frame.f_back is not None and frame.f_code.co_filename.startswith(folders):
        frame = frame.f_back
        frames.append(frame)
    return frames


# The functions of SciPy that turn Tensors into plain arrays and that minigrad.scipy has, too.
INSTEAD_OF_SCIPY = frozenset(
    "cho_factor cho_solve expm log_softmax logsumexp polygamma softmax solve_sylvester solve_triangular sqrtm".split()
)


def converting_call():
    """Return the name of the function that converts its arguments and what to write instead, or None.

    The functions of SciPy and of np.polynomial do so, out of reach of NumPy's protocols.

    >>> converting_call() is None
    True
    """
    frame, package, own = sys._getframe(1), "", ""
    while frame is not None and frame.f_code.co_filename.startswith(_libraries):
        module, name = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        decorated = frame.f_locals.get("f")  # SciPy's decorators convert arguments, too
        if str(getattr(decorated, "__module__", "")).startswith("scipy."):
            module, name = decorated.__module__, getattr(decorated, "__name__", name)
        if module.startswith(("scipy.", "numpy.polynomial")):
            within, package = package, ".".join(x for x in module.split(".")[:3] if not x.startswith("_"))
            public = not name.startswith("_") and hasattr(sys.modules.get(package), name)
            own = name if public else own if package in (within, "scipy") else ""
        frame = frame.f_back
    if not package:
        return None
    instead = "NumPy's functions, or a derivative of your own (@minigrad.adjoint)"
    for place, functions in {"np": np, "np.fft": np.fft, "np.linalg": np.linalg}.items():
        instead = f"{place}.{own}" if callable(getattr(functions, own or "_", None)) else instead
    return f"{package}.{own}".rstrip("."), f"minigrad.scipy.{own}" if own in INSTEAD_OF_SCIPY else instead


class MinigradError(Exception):
    """The common parent: ``except MinigradError`` catches whatever minigrad itself raises below.

    >>> issubclass(NoDerivativeError, NotImplementedError)
    True
    """


class NoDerivativeError(MinigradError, NotImplementedError):
    """A function of NumPy was called on a recorded Tensor, and the table has no row for it.

    >>> issubclass(NoDerivativeError, MinigradError)
    True
    """


class LostGradientError(MinigradError, TypeError):
    """A recorded Tensor was about to become plain numbers, to be overwritten, or to be used in a later gradient.

    >>> issubclass(LostGradientError, TypeError)
    True
    """


class StrangerError(MinigradError, KeyError):
    """A ``Grads`` or an optimiser's state was asked about a parameter it does not know.

    >>> print(StrangerError("said without the quotes of KeyError"))
    said without the quotes of KeyError
    """

    def __str__(self):
        return str(self.args[0]) if self.args else ""


class NonFiniteError(MinigradError, FloatingPointError):
    """A loss or a gradient holds NaN or infinity where it must not; an ArithmeticError, as all such are.

    >>> issubclass(NonFiniteError, FloatingPointError), issubclass(NonFiniteError, ArithmeticError)
    (True, True)
    """
