"""The few exceptions of our own; each is also the builtin that a Python programmer expects."""


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
