"""A function of explicit arguments whose gradient is compiled."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import MethodType
from typing import Any

import numpy as np

from ...core.gradient import not_callable
from ...core.params import Params
from ...core.tape import active_tape, under
from ...core.tensor import Tensor, new_tensor, on
from ...core.trees import leaves, rebuild
from .kinds import kind_of
from .step import CompiledStep


class CompiledFunction:
    """What ``compiled(f)`` returns: ``f``, whose gradient is one function.

    ``gradient``, ``withgradient``, ``jacobian`` of it run the program of ``f`` and its gradient, if ``f`` returns one
    real number; of anything else, inside of another function and in gradients of gradients it is ``f`` itself.

    >>> from minigrad import gradient
    >>> f = CompiledFunction(lambda x: np.sum(x**2))
    >>> [gradient(f, np.array([1.0, k]))[0].tolist() for k in range(4)]
    [[2.0, 0.0], [2.0, 2.0], [2.0, 4.0], [2.0, 6.0]]
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        if not callable(f):
            raise TypeError(not_callable(f, "compiled"))
        functools.update_wrapper(self, f, updated=())
        self.f, self._steps = f, {}

    def __reduce__(self):
        return CompiledFunction, (self.f,)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method, the function of the rest of its arguments."""
        return self if instance is None else MethodType(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        tape = active_tape()
        given = None if tape is None or kwargs else arguments_alone(tape, args)
        if given is None:
            return self.f(*args, **kwargs)
        kind = kind_of(rebuild(args, iter([x._value if type(x) is Tensor else x for x in leaves(args)])))
        if kind not in self._steps:
            y = self.f(*args)
            is_number = type(y) is Tensor and y.shape == () and y.dtype.kind == "f"
            self._steps[kind] = (Inner(self.f, args), y.dtype) if is_number else None
            return y
        if self._steps[kind] is None:
            return self.f(*args)
        inner, dtype = self._steps[kind]
        try:
            value, gradients = inner.at([x._value for x in given])
        except TypeError:  # it gives no number any more
            self._steps[kind] = None
            return self.f(*args)
        edges = [(x.slot, scaled, g.data) for x, g in zip(given, gradients) if g is not None]
        return new_tensor(dtype.type(value), tape, tape.add(*edges)) if edges else dtype.type(value)


class Inner:
    """A function as a loss of parameters, which stand for its arguments."""

    def __init__(self, f, args):
        parameters = [Tensor(x._value) if type(x) is Tensor else x for x in leaves(args)]
        given = rebuild(args, iter(parameters))
        self.parameters = [p for p in parameters if type(p) is Tensor]
        self.step = CompiledStep(lambda: f(*given), Params(self.parameters), None, False)

    def at(self, values):
        """Return the value and the gradients at some arrays."""
        with self.step._lock:  # several threads may be here
            for p, x in zip(self.parameters, values):
                p._value[...] = x  # at the same place each time
            return under(None, self.step)


def arguments_alone(tape, args):
    """Return the recorded arguments if nothing else is recorded yet, and they are plain arrays; else None."""
    given = leaves(args)
    if tape.outer is not None or tape.leaves or len(tape.entries) != len(given):
        return None
    found = [x for x in given if type(x) is Tensor and on(tape, x) is x]
    plain = all(type(x._value) is np.ndarray or isinstance(x._value, np.generic) for x in found)
    return found if found and plain and all(x.dtype.kind in "fc" for x in found) else None


def scaled(g, gradient):
    """The vjp of a number whose gradient is known."""
    return g * gradient
