"""The few exceptions of our own; each is also the builtin that a Python programmer expects."""

import os
import sys

import numpy as np

# Ours, the installed packages, the standard library: none of them is the line the reader wrote.
HOMES = os.path.dirname(__file__), os.path.dirname(np.__file__), os.__file__
libraries = tuple(os.path.dirname(path) + os.sep for path in HOMES)


class Told:
    """How users are told of what goes wrong; ``minigrad.doors`` puts better ways in the place of these.

    Attributes
    ----------
    enter : function (f, *args) -> f(*args), around what users call
    name_of_file : function from the name of a file to what its user calls it
    unknown_keyword : function (name of a function, keyword, ...) -> the error for a keyword that it does not have
    unfit : function (error, function, arrays), which adds to NumPy's error for arrays that do not fit together
    """

    enter = staticmethod(lambda f, *args: f(*args))
    name_of_file = staticmethod(os.path.basename)
    unknown_keyword = staticmethod(lambda name, *given: TypeError(f"{name}() got an unexpected keyword {given[0]!r}"))
    unfit = staticmethod(lambda error, function, arrays: None)


told = Told


def user_line():
    """Return the file and line of the caller's code that is running, for an error's message.

    >>> user_line().startswith("line ")
    True
    """
    frame = outwards(sys._getframe(1))[-1]
    return f"line {frame.f_lineno} of {told.name_of_file(frame.f_code.co_filename)}"


def outwards(frame, folders=libraries):
    """Return a frame and its callers as long as their code is in the folders or files, and the first whose is not."""
    frames = [frame]
    while frame.f_back is not None and frame.f_code.co_filename.startswith(folders):
        frame = frame.f_back
        frames.append(frame)
    return frames


# ------------------------------------------------------------------------------------------ gradients that are lost
explanations = []  # functions like ``explained`` that know better, put here from outside


def explained(what, instead):
    """Return what the program did, and what to write instead, where a Tensor meets what no derivative goes through."""
    for explanation in explanations:
        what, instead = explanation(what, instead)
    return what, instead


def of_a_finished_gradient(t):
    """Return the text of the error for a Tensor that an earlier gradient computed."""
    return (
        f"a Tensor of shape {t.shape} that was computed inside of an earlier gradient is used in another one "
        f"({user_line()}). It would count as a constant here, and the gradient through it would be lost without a "
        "sign. Compute it anew inside of this gradient (was it kept in an attribute, a cache, a list?); or write "
        "minigrad.dropgrad(t) if a constant is meant, such as the state of a recurrent network that is carried over."
    )


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
