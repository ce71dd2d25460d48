"""The few exceptions of our own; each is also the builtin that a Python programmer expects."""

import os
import sys

import numpy as np

# Ours, the installed packages, the standard library: none of them is the line the reader wrote.
_homes = __file__, os.path.dirname(np.__file__), os.__file__
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


class Elsewhere:
    """A name that other libraries have: asking for it is an AttributeError that says how it is done here.

    It stands in a class as a method does.  (A ``__getattr__`` would make every look-up slower.)

    >>> class Model:
    ...     parameters = Elsewhere("params(model) collects them")
    >>> Model().parameters()
    Traceback (most recent call last):
    AttributeError: Model has no 'parameters': params(model) collects them
    """

    def __init__(self, how):
        self.how = how

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, x, owner=None):
        raise AttributeError(f"{(owner or type(x)).__name__} has no {self.name!r}: {self.how}")


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
    """A recorded Tensor was about to become a plain array or number, or to be overwritten.

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


class NonFiniteError(MinigradError, ArithmeticError):
    """A loss or a gradient holds NaN or infinity where it must not.

    >>> issubclass(NonFiniteError, ArithmeticError)
    True
    """
