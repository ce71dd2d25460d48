"""The compiled step: a whole training step as one function, and never silently different from the eager one."""

from __future__ import annotations

import inspect
import math
import threading
import warnings
from types import MethodType
from typing import Any

import numpy as np

from ... import arrays
from ...core.errors import LostGradientError, user_line
from ...core.gradient import WithGradient, as_kinds_of, not_callable, withgradient
from ...core.params import Grads, Params, params
from ...core.tape import active_tape, innermost_tape
from ...core.tensor import Tensor
from ...core.trees import leaves, rebuild
from ...doors import shorten
from ...optimise.apply import refuse_no_optimiser
from ...optimise.route import route_of
from ...optimise.rules import AbstractOptimiser
from ...optimise.update import update_
from ...readers.generators import handed_out_again
from ...readers.operations import TraceError
from ...readers.runnable import NAME
from ...readers.watch import is_finite
from ...readers.whereabouts import variables_at
from .agreement import agree, restored, states
from .reach import TooMuch
from .versions import Version, kind_of

KEPT = 64  # kinds of arguments that are kept


class StaleStepWarning(UserWarning):
    """A compiled step would have given other numbers than the eager one.  The step goes on eagerly.

    >>> issubclass(StaleStepWarning, UserWarning)
    True
    """


def compiled(loss: Any, ps: Any = None, opt: Any = None, *, check: bool = False) -> Any:
    """Return a training step as one function: loss, gradient and update without the tape.

        step = compiled(loss, ps, opt);   value = step(x, y)      withgradient and update_ of loss(x, y)
        step = compiled(loss, ps);        val, grad = step(x, y)  withgradient(lambda: loss(x, y), ps)
        @compiled(ps, opt)                                        the same as a decorator of the loss

    The loss is run under a trace at the first two calls.  If both have written down the same program, it is run in
    the loss's place from the third call on, as soon as it has given what the eager step gives.

    Parameters
    ----------
    loss : function of the step's arguments that returns one real number.  Arrays, also those in containers, may be
        others at each call; for each shape, dtype and layout there is a program of its own.  Anything else is part
        of the program: another number of Python is another program.
    ps : Params, or a model that holds the parameters
    opt : optimiser; without one nothing is updated
    check : bool, make every step eagerly, too, and compare

    Returns
    -------
    CompiledStep, which is called as the loss is

    Raises
    ------
    TypeError, ValueError : if the loss is no function, or there are no parameters
    TraceError (from the step) : if Python uses the numbers themselves, as in ``if t > 0``, or arrays come from where
        no trace sees it: the message says what to write instead

    **The step is never silently different from the eager one.**  Arrays that the loss captures are read where they
    lie; variables, attributes, items of lists and dicts that it can reach are compared by identity at every call, and
    a change means a new trace; random numbers come from the same streams.  Calls 4, 8, 16, ... are traced again: if
    the program is another one by then, or gives other numbers, there is a StaleStepWarning.  What has no program is
    made eagerly, and ``step.why`` says why.  A loss that is not finite is computed once more by the eager step, before
    anything is updated.

    Differs from Flux, which has no such function; from ``jax.jit``: nothing that changes is ignored.

    >>> import numpy as np
    >>> from minigrad import Descent, Tensor, params
    >>> W = Tensor([1.0, 2.0])
    >>> step = compiled(lambda x: np.sum(W * x), params(W), Descent(0.5))
    >>> [step(np.ones(2)) for _ in range(4)], W
    ([3.0, 2.0, 1.0, 0.0], Tensor([-1.,  0.]))
    """
    if isinstance(loss, Params):  # as a decorator
        return lambda function: compiled(function, loss, ps, check=check)
    if not callable(loss):
        raise TypeError(not_callable(loss, "compiled"))
    if ps is None:
        raise TypeError("compiled: of which parameters? Write compiled(loss, params(model), opt)")
    ps = ps if isinstance(ps, Params) else params(ps)
    if len(ps) == 0:
        raise ValueError("compiled: there are no parameters; give params(model) of a model that holds Tensors")
    if opt is not None:
        refuse_no_optimiser(opt, "compiled")
    return CompiledStep(loss, ps, opt, check)


class CompiledStep:
    """What ``compiled`` returns: a training step that is called as its loss is.

    Attributes
    ----------
    loss, ps, opt, check : as given to ``compiled``
    source : str, the last step as a page of NumPy
    why : str, how the step is made, what is watched, how often it was traced and why

    A step may be called from several threads, which wait for each other; not inside of a gradient.

    >>> import numpy as np
    >>> from minigrad import Tensor, params
    >>> W = Tensor([1.0, 2.0])
    >>> step = compiled(lambda x: np.sum(W * x), params(W))
    >>> [step(np.ones(2)).val for _ in range(2)]
    [3.0, 3.0]
    >>> print(step.why)
    for ndarray (2,) float64: by its program; 2 calls, 2 traces; watches 3 of Python's variables
    """

    def __init__(self, loss, ps, opt, check):
        self.loss, self.ps, self.opt, self.check = loss, ps, opt, check
        self._lock, self._inside = threading.RLock(), False
        self._said = set()
        self._forget()

    def _forget(self):
        self._params, self._ids = self.ps.copy(), [*self.ps._tensors]
        self._versions, self._recent = {}, None

    def __reduce__(self):
        return CompiledStep, (self.loss, self.ps, self.opt, self.check)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self.make(self._in_order(args, kwargs) if kwargs else args)
        except Exception as error:
            shorten(error)
            raise

    def loop(self, n: int, *args: Any) -> np.ndarray:
        """Make ``n`` steps; return their losses.

            losses[k] = step(*(x[k] for x in args))

        Parameters
        ----------
        n : int >= 0
        *args : what the step takes, each array with a first axis of length ``n``; none for a loss that takes nothing

        Returns
        -------
        ndarray of n floats

        Raises ValueError for an array without such an axis, and before any step is made.

        >>> import numpy as np
        >>> from minigrad import Descent, Tensor, params
        >>> W = Tensor([1.0, 2.0])
        >>> step = compiled(lambda x: np.sum(W * x), params(W), Descent(0.5))
        >>> step.loop(4, np.ones((4, 2)))
        array([3., 2., 1., 0.])
        """
        if self.opt is None:
            raise TypeError("step.loop: without an optimiser all steps are the same; write compiled(loss, ps, opt)")
        stacked = leaves(args)
        for x in stacked:
            if np.shape(x)[:1] != (n,):
                raise ValueError(f"step.loop: every array has a first axis of length {n}; one has shape {np.shape(x)}")
        losses = np.empty(n)
        for k in range(n):
            losses[k] = self(*rebuild(args, iter([x[k] for x in stacked])))
        return losses

    def make(self, args, refuse=None):
        """Make a step.  ``refuse(value)`` is called for a loss that is not finite, before anything is updated."""
        with self._lock:
            self._enter()
            try:
                value, found = self._evaluate(args)
                if self.opt is None:
                    return WithGradient(value, self._grads(found))
                if refuse is not None and not is_finite(number := value[0] if isinstance(value, tuple) else value):
                    refuse(float(number))
                self._update(found)
                return value
            finally:
                self._inside = False

    def take(self, args):
        """Return the loss and its gradients; nothing is updated."""
        with self._lock:
            self._enter()
            try:
                value, found = self._evaluate(args)
                return WithGradient(value, self._grads(found))
            finally:
                self._inside = False

    # ------------------------------------------------------------------------------------ at the door
    def _enter(self):
        """Refuse to be called where a step cannot be made."""
        if innermost_tape() is not None and active_tape() is not None:
            raise LostGradientError(
                f"a compiled step is called inside of a gradient ({user_line()}). It takes a gradient and updates "
                "parameters itself: call it outside, or call the loss, step.loss(...), which is recorded"
            )
        if self._inside:
            raise RuntimeError("a compiled step is called by itself, while it is being made: its loss calls it")
        self._inside = True
        if self._ids != [*self.ps._tensors]:
            self._forget()

    def _in_order(self, args, kwargs):
        """Return arguments that have names by their positions, as programs have them."""
        bound = inspect.signature(self.loss).bind(*args, **kwargs)
        if bound.kwargs:
            names = ", ".join(bound.kwargs)
            raise TypeError(f"compiled: the loss takes {names} by name only; let it take them by position, too")
        return bound.args

    # ------------------------------------------------------------------------------------ loss and gradients
    def _evaluate(self, args):
        """Return the loss and its gradients: Grads, or a tuple of arrays along the parameters."""
        version = self._recent
        if version is not None and version.flat and version.calls + 1 != version.audit:
            try:
                result = version.attempt(args, arrays._generator)
            except Exception as error:
                return self._after(error, version, args)
            if result is not None:
                version.calls += 1
                return self._finite(result, args)
        return self._evaluate_with_care(args)

    def _finite(self, result, args):
        """Return the loss and the gradients of a program's run; those of an eager one if the loss is not finite."""
        loss, gradients, drawn = result
        value = loss.item()
        return (value, gradients) if math.isfinite(value) else self._eager(args, drawn)  # which NumPy warns in

    def _after(self, error, version, args):
        """Make a step the eager way after its program has raised an error: as a rule it raises the same."""
        variables = variables_at(error, NAME)
        found = self._eager(args, [variables[name] for name in version.drawing if name in variables])
        version.failed(f"its program raised {type(error).__name__}: {error}")
        self._recent = None
        return found

    def _eager(self, args, drawn=()):
        with handed_out_again(drawn):
            return withgradient(lambda: self.loss(*args), self._params)

    def _evaluate_with_care(self, args):
        """The same for arguments of another kind than the last ones, and where something has changed."""
        flat = leaves(args)
        if any(type(x) is Tensor and (x in self._params or x.tape is not None) for x in flat):
            return self._eager(args)
        kind = kind_of(args)
        version = self._versions.pop(kind, None) or Version(self._params, args)
        self._versions[kind] = version  # the last one used comes last
        if len(self._versions) > KEPT:
            del self._versions[next(iter(self._versions))]
        self._recent = None
        version.calls += 1
        if version.attempt is not None and version.calls != version.audit and not self.check:
            try:
                result = version.attempt(flat, arrays._generator)
            except Exception as error:
                return self._after(error, version, args)
            if result is not None:
                self._recent = version
                return self._finite(result, args)
            version.failed(f"{version.changed(flat)} has changed")
        if version.waits():
            return self._eager(args)
        if self.check and version.attempt is not None:
            return self._checked(version, args, flat)
        return self._traced(version, args, flat)

    def _checked(self, version, args, flat):
        """Make a step eagerly and by the program, and compare."""
        before = states(version.generators())
        found = self._eager(args)
        self._compare(version, flat, found, before)
        return found

    def _traced(self, version, args, flat):
        """Make a step under a trace; and a program of it, if the last trace was the same."""
        try:
            version.look(self.loss)
        except TooMuch:
            version.never("the loss reaches more of Python's state than can be watched")
            return self._eager(args)
        before = states(version.generators())
        try:
            traced = version.trace(self.loss, args)
        except Exception as error:  # the loss's own, which it raises again, or one of the trace alone
            if isinstance(error, TraceError) and error.__cause__ is None:
                raise
            restored(before)
            found = self._eager(args)
            version.failed(f"{type(error).__name__} under the trace: {error}")
            if isinstance(found.val, tuple):
                version.never("the loss returns more than a number")
            return found
        if traced is None:  # the program is not right for other numbers
            restored(before)
            return self._eager(args)
        if version.compare(traced):
            if version.attempt is None:
                restored(before)
                found = self._eager(args)
                version.build(traced, args, self.opt)
                self._compare(version, flat, found, before)
                return found
            self._compare(version, flat, traced.found, before)
        elif version.stale:
            self._warn(f"an audit found that {version.reason}")
        return traced.found

    def _compare(self, version, flat, found, before):
        """Compare a step by the program with one that has been made; without agreement it is forgotten."""
        if version.attempt is None or not is_finite(found.val):
            return
        after = restored(before)
        try:
            result = version.attempt(flat, arrays._generator)
        except Exception as error:
            difference = f"its program raised {type(error).__name__}: {error}"
        else:
            difference = "something has changed" if result is None else agree(found, result, after)
        restored(after)
        if difference:
            version.failed(difference)
            self._warn(f"the program and the eager step do not agree: {difference}")
        else:
            self._recent = None if self.check else version

    def _warn(self, what):
        """Warn of a difference, once of each kind."""
        if what not in self._said:
            self._said.add(what)
            warnings.warn(
                f"compiled: {what}. The eager step is made instead; step.why says more. Is there something in the loss "
                "that changes, and that neither the arguments nor Python's variables show?",
                StaleStepWarning,
                stacklevel=2,
            )

    # ------------------------------------------------------------------------------------ what becomes of it
    def _grads(self, found):
        """Return gradients as Grads, in memory of their own."""
        if type(found) is Grads:
            return found
        return Grads(self._params, as_kinds_of([*self._params], found))

    def _update(self, found):
        """Update the parameters."""
        if type(found) is Grads:
            return update_(self.opt, self._params, found)
        moved, dxs = self._recent.moved(found)
        if moved and not route_of(self.opt).again(self.opt, moved, dxs):
            update_(self.opt, moved, dxs)
        return None

    # ------------------------------------------------------------------------------------ for people
    @property
    def source(self) -> str:
        """The last step that has a program as a page of NumPy, which runs by itself: forward, backward, optimiser.

        Raises ValueError if there is none.
        """
        for version in reversed(self._versions.values()):
            if version.attempt is not None:
                return version.text
        raise ValueError(f"step.source: there is no program. {self.why}")

    @property
    def why(self) -> str:
        """How the step is made for each kind of arguments, the last one used at the end."""
        if not self._versions:
            return "not called yet"
        return "\n".join(version.why(kind) for kind, version in self._versions.items())


def kept_step(loss, ps, opt):
    """Return a compiled step for ``train_``: the one that the optimiser keeps, if it is for this loss."""
    step = getattr(opt, "_compiled", None)
    if step is None or not is_same(step.loss, loss) or step.ps != ps:
        step = CompiledStep(loss, ps.copy(), opt, False)
        if isinstance(opt, AbstractOptimiser):
            vars(opt)["_compiled"] = step
    return step


def is_same(f, g):
    """Say whether two functions are the same; a bound method is made anew each time that it is asked for."""
    return f is g or isinstance(f, MethodType) and isinstance(g, MethodType) and f == g
