"""Activations: functions from a number to a number, and softmax, from scores to probabilities.

All of them are exact for large arguments and are one entry of the tape each; their derivatives are
in ``minigrad/derivatives/compound.py`` and ``sigmoids.py``.
"""

import numpy as np

# fmt: off
from ..derivatives.compound import elu, gelu, leakyrelu, logsoftmax, logsumexp, relu, sigmoid, softmax, softplus, swish

__all__ = [
    "elu", "gelu", "identity", "leakyrelu", "logsoftmax", "logsumexp", "relu", "sigmoid", "softmax",
    "softplus", "swish", "tanh",
]
# fmt: on

tanh = np.tanh


def identity(x):
    """Return ``x``.

    Source: Julia's ``identity``.

    >>> identity(3.0)
    3.0
    """
    return x


def as_activation(name, given):
    """Return what a layer was given as its activation, if it is a function of an array."""
    if callable(given) and not isinstance(given, type):
        return given
    known = given.lower() if isinstance(given, str) and given.lower() in __all__ else "relu"
    raise TypeError(
        f"{name}: the activation is a function: {name}(..., {known}), after from minigrad.nn import {known}; "
        f"got {given!r}"
    )
