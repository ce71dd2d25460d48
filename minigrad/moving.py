"""Numbers that move while a loss is computed and are no parameters: running statistics, as BatchNorm keeps them.

They move once for each batch that is learnt from.  Whoever looks at a loss again, or for the sake of something else
(gradcheck, SAM, checkpointed, a trace, a landscape, a validation), does so by ``Held().during``: what would move there
is kept, and moves only if it is settled.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any

import numpy as np

from .core.storage import ndarray_of
from .core.tape import active_tape

_around: ContextVar[Any] = ContextVar("the innermost Held", default=None)
_lock = threading.Lock()


class RunningStatistics:
    """Moving averages of the mean and the variance of several features; no parameters.

        mean <- mean + share * (mean of the batch - mean),   var in the same way

    Parameters
    ----------
    n : int >= 1, features
    dtype : float64 or float32

    Attributes
    ----------
    mean, var : ndarrays of shape (n,), at first zeros and ones, which are overwritten

    What is not finite moves nothing.  A copy that is made inside of a gradient, as by ``f32(model)``, is the same
    object: what is learnt there is learnt by the model itself.

    >>> running = RunningStatistics(2)
    >>> running.move_(0.5, np.array([1.0, 2.0]), np.array([3.0, 1.0])); running.mean, running.var
    (array([0.5, 1. ]), array([2., 1.]))
    """

    def __init__(self, n: int, dtype: Any = float) -> None:
        self.mean, self.var = np.zeros(n, dtype), np.ones(n, dtype)

    def move_(self, share: float, mean: Any, var: Any) -> None:
        """Move by a share towards the mean and the variance of a batch; later, or never, where that is ``Held``."""
        settle_([(self, share, ndarray_of(mean), ndarray_of(var))])

    def __deepcopy__(self, memo: dict[int, Any]) -> RunningStatistics:
        twin = object.__new__(RunningStatistics) if active_tape() is None else self
        if twin is not self:
            vars(twin).update(copy.deepcopy(vars(self), memo))
        return twin


class Held(list):
    """What would have moved during a call, for ``settle_``.

    >>> running, held = RunningStatistics(1), Held()
    >>> held.during(running.move_, 0.5, np.array([1.0]), np.array([1.0]))
    >>> running.mean.tolist(); settle_(held); running.mean.tolist()
    [0.0]
    [0.5]
    """

    def during(self, f: Callable[..., Any], *args: Any) -> Any:
        """Return what a function returns.  However it ends, by a signal too, Python leaves its context.

        What the function has set there for others (variables of the user's, what NumPy does about errors) stays set.
        """
        within = copy_context()
        result = within.run(self.enter, f, args)
        for variable, value in within.items():
            if variable is not _around and variable.get(self) is not value:
                variable.set(value)
        return result

    def enter(self, f, args):
        _around.set(self)
        return f(*args)


def settle_(moves: list[Any]) -> None:
    """Let move what has been held; within another stretch it is held there."""
    around = _around.get()
    if around is not None:
        around.extend(moves)
        return
    for running, share, *found in moves:
        if all(np.isfinite(x).all() for x in found):
            with _lock:
                for array, x in zip((running.mean, running.var), found):
                    array += share * (x - array)
