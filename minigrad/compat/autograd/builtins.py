"""``autograd.builtins``: Python's own; ``isinstance`` and ``type`` tell of the array that a Tensor stands for."""

import builtins

from ...core.tensor import Tensor

dict, list, tuple = dict, list, tuple  # noqa: A001


def type(x, *how):  # noqa: A001
    """Return the type of a value, of a Tensor that of its numbers."""
    return builtins.type(x.data if builtins.type(x) is Tensor else x, *how)


def isinstance(x, kinds):  # noqa: A001
    """Say whether a value, of a Tensor its numbers, is of a kind."""
    return builtins.isinstance(x, kinds) or issubclass(type(x), kinds)
