"""The compiled step: a whole training step as one function, and never silently different from the eager one."""

from __future__ import annotations

import inspect
import math
import threading
from functools import partial
from types import MethodType
from typing import Any

import numpy as np

from ...core.errors import LostGradientError, user_line
from ...core.gradient import WithGradient, as_kinds_of, withgradient
from ...core.params import Grads
from ...core.tape import active_tape, innermost_tape
from ...core.tensor import Tensor
from ...core.trees import leaves, rebuild
from ...doors import shorten, warn
from ...interrupts import from_a_signal
from ...moving import Held, settle_
from ...optimise.route import route_of
from ...optimise.rules import AbstractOptimiser
from ...optimise.twice import those_that_look
from ...optimise.update import update_
from ...readers.generators import handed_out_again
from ...readers.operations import TraceError
from ...readers.runnable import NAME
from ...readers.watch import is_finite
from ...readers.whereabouts import variables_at
from ..again import seen
from .agreement import agree, restored, states
from .kinds import kind_of
from .reach import TooMuch
from .versions import Version, no_step

KEPT = 64  # kinds of arguments that are kept


class StaleStepWarning(UserWarning):
    """A compiled step would have given other numbers than the eager one.  The step goes on eagerly.

    >>> issubclass(StaleStepWarning, UserWarning)
    True
    """


def anew(name):
    """Return an attribute that lets a step begin anew when another one is put in its place."""

    def put(self, x):
        with self._lock:
            vars(self)[name] = x
            self._forget()

    return property(lambda self: vars(self)[name], put)


class CompiledStep:
    """What ``compiled`` returns: a training step that is called as its loss is.

    Attributes
    ----------
    loss, ps, opt, check : as given to ``compiled``; another one in its place is a new beginning
    source : str, the last step as a page of NumPy
    loops : str, what of it is compiled
    why : str, how the step is made, what is watched, how often it was traced and why

    A step may be called from several threads, which wait for each other; not inside of a gradient.

    >>> import numpy as np
    >>> from minigrad import Tensor, compiled, params
    >>> W = Tensor([1.0, 2.0])
    >>> step = compiled(lambda x: np.sum(W * x), params(W))
    >>> [step(np.ones(2)).val for _ in range(2)]
    [3.0, 3.0]
    >>> print(step.why.rpartition(";")[0])
    for ndarray (2,) float64: by its program; 2 calls, 2 traces; watches 6 of Python's variables
    """

    loss: Any = anew("loss")
    ps: Any = anew("ps")
    opt: Any = anew("opt")
    check: Any = anew("check")

    def __init__(self, loss, ps, opt, check):
        vars(self).update(loss=loss, ps=ps, opt=opt, check=check)
        self._lock, self._inside = threading.RLock(), False
        self._said = set()
        self._forget()

    def _forget(self):
        self._params, self._ids = self.ps.copy(), [*self.ps._tensors]
        self._versions = {}
        self._use(None)

    def _use(self, version):
        """Note by which version the last step was made, None for none."""
        self._recent, self._direct = version, no_step
        self._looks = self.opt is not None and bool(those_that_look(self.opt))

    def __reduce__(self):
        return CompiledStep, (self.loss, self.ps, self.opt, self.check)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method, the step of the rest of its arguments."""
        return self if instance is None else MethodType(self, instance)

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
        >>> from minigrad import Descent, Tensor, compiled, params
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
        losses, made = np.empty(n), 0
        while made < n:
            several = self._several(losses[made:], [x[made:] for x in stacked])
            if not several:
                losses[made] = self(*rebuild(args, iter([x[made, ...] for x in stacked])))
            made += several or 1
        return losses

    def _several(self, losses, stacked):
        """Make as many steps as compiled code makes without Python; return how many."""
        with self._lock:
            self._begin()
            try:
                version = self._recent
                if version is None or version.machine is None or not version.flat or version.moves or self._looks:
                    return 0
                many = min(len(losses), version.audit - version.calls - 1)
                found = version.several(tuple([x[:many] for x in stacked]), many)
                if found is None:  # something has changed
                    return 0
                made = len(found)
                losses[:made] = found
                if made < many and version.machine.why_none == "finite":
                    losses[made], found = self._eager([x[made, ...] for x in stacked], version.machine.take_drawn())
                    self._update(found)
                    made += 1
                version.counted += made
                return made
            finally:
                self._end()

    def make(self, args, refuse=None, whole=True):
        """Make a step; if it is not to be whole, the gradients alone, as without an optimiser.

        ``refuse(value)`` is called for a loss that is not finite, before anything is updated.
        """
        if whole and innermost_tape() is None:
            loss = self._direct(*args)
            if loss is not None:  # as a rule
                return loss
        whole = whole and self.opt is not None
        with self._lock:
            stopped = self._begin()
            try:
                held, given = Held(), (args, stopped, whole and not self._looks)
                if self._recent is None or self._recent.moves:  # running statistics, perhaps
                    value, found = held.during(self._evaluate, *given)
                else:
                    value, found = self._evaluate(*given)
                if not whole:
                    settle_(held)
                    return WithGradient(value, self._grads(found))
                if found is not None:
                    if refuse is not None and not is_finite(number := value[0] if isinstance(value, tuple) else value):
                        refuse(float(number))
                    if self._looks:  # at the loss, again
                        found = seen(self.opt, lambda: self.loss(*args), self._params, self._grads(found))
                    self._update(found)
                settle_(held)
                return value
            finally:
                self._end()

    def take(self, args):
        """Return the loss and its gradients; nothing is updated."""
        return self.make(args, whole=False)

    # ------------------------------------------------------------------------------------ at the door
    def _begin(self):
        """Begin a step beside which none is made, or refuse it; say whether compiled code has begun it already."""
        if active_tape() is not None:
            raise LostGradientError(
                f"a compiled step is called inside of a gradient ({user_line()}). It takes a gradient and updates "
                "parameters itself: call it outside, or call the loss, step.loss(...), which is recorded"
            )
        if self._inside:
            raise RuntimeError("a compiled step is called by itself, while it is being made: its loss calls it")
        if self._ids != [*self.ps._tensors]:
            self._forget()
        self._inside, self._direct = True, no_step
        return self._recent is not None and self._recent.pause()

    def _end(self):
        self._inside, self._direct = False, no_step if self._recent is None else self._recent.resume()

    def _in_order(self, args, kwargs):
        """Return arguments that have names by their positions, as programs have them."""
        bound = inspect.signature(self.loss).bind(*args, **kwargs)
        if bound.kwargs:
            names = ", ".join(bound.kwargs)
            raise TypeError(f"compiled: the loss takes {names} by name only; let it take them by position, too")
        return bound.args

    # ------------------------------------------------------------------------------------ loss and gradients
    def _evaluate(self, args, stopped=False, whole=False):
        """Return the loss and its gradients: Grads, or a list of arrays along the parameters.  Nothing is updated.

        stopped : whether compiled code has drawn the random numbers and found a loss that is not finite
        whole : whether the parameters may be updated, too; None in the place of the gradients says that they are
        """
        version = self._recent
        if not stopped:
            if version is None or not version.flat or version.counted + 1 == version.audit:
                return self._evaluate_with_care(args)
            try:
                result = (version.attempt if whole else version.trial)(args)
            except Exception as error:
                return self._after(error, version, args)
            if result is None and (version.machine is None or version.machine.why_none != "finite"):
                return self._evaluate_with_care(args)
        version.counted += 1
        if stopped or result is None:
            return self._eager(args, version.machine.take_drawn())
        return (result, None) if type(result) is float else self._finite(result, version, args)

    def _finite(self, result, version, args):
        """Return the loss and the gradients of a program's run; those of an eager one if the loss is not finite."""
        loss, gradients, drawn = result
        value = np.asarray(loss).item()  # it is a number of Python's if it depends on nothing
        if not math.isfinite(value):
            return self._eager(args, drawn)
        if version.moves:
            version.settle()
        return value, gradients

    def _after(self, error, version, args):
        """Make a step the eager way after its program has raised an error: as a rule it raises the same."""
        if from_a_signal(error):
            raise error
        if version.machine is None:
            variables = variables_at(error, NAME)
            drawn = [variables[name] for name in version.drawing if name in variables]
        else:
            drawn = version.machine.take_drawn()
        found = self._eager(args, drawn)
        version.failed(f"its program raised {type(error).__name__}: {error}")
        self._use(None)
        return found

    def _eager(self, args, drawn=()):
        f = lambda: withgradient(lambda: self.loss(*args), self._params)
        return handed_out_again(drawn, f) if drawn else f()

    def _evaluate_with_care(self, args):
        """The same for arguments of another kind than the last ones, and where something has changed."""
        flat = leaves(args)
        if any(is_special(x, self._params) for x in flat):
            return self._eager(args)
        kind = kind_of(args)
        version = self._versions.pop(kind, None) or Version(self._params, args)
        self._versions[kind] = version  # the last one used comes last
        if len(self._versions) > KEPT:
            del self._versions[next(iter(self._versions))]
        self._use(None)
        version.counted += 1
        if version.attempt is not None and version.counted != version.audit and not self.check:
            try:
                result = version.trial(flat)
            except Exception as error:
                return self._after(error, version, args)
            if result:
                self._use(version)
                return self._finite(result, version, args)
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
        except TooMuch as error:
            version.never(str(error))
            return self._eager(args)
        before, failure = states(version.generators()), None
        try:
            traced = version.trace(self.loss, args)
        except Exception as error:  # the loss's own, which it raises again, or one of the trace alone
            if isinstance(error, TraceError) and error.__cause__ is None or from_a_signal(error):
                raise
            failure = error
        if failure is not None:
            restored(before)
            found = self._eager(args)
            version.failed(f"{type(failure).__name__} under the trace: {failure}")
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
                version.build(traced, args, None if self._looks else self.opt, self.ps._tensors)
                self._compare(version, flat, found, before)
                return found
            self._compare(version, flat, traced.found, before)
        elif version.stale:
            self._warn(f"an audit found that {version.reason}")
        settle_(traced.moves)
        return traced.found

    def _compare(self, version, flat, found, before):
        """Compare a step by the program with one that has been made; without agreement it is forgotten.

        Machine code is a bug then, if the program's text does agree, which takes over.
        """
        if version.attempt is None or not is_finite(found.val):
            return
        if changed := version.changed(flat):  # by the loss itself
            version.failed(f"{changed} has changed")
            return
        after = restored(before)
        difference = self._difference(version, flat, found, before, after)
        if difference and version.machine is not None:
            what, refused = f"machine code and the eager step do not agree: {difference}", version.machine.why_none
            version.without_machine(f"it does not take the arguments ({refused})" if refused else what)
            restored(before)
            difference = self._difference(version, flat, found, before, after)
            if not difference and not refused:
                self._warn(f"{what} (please report it)", "The program's text is run instead")
        restored(after)
        if difference:
            version.failed(difference)
            self._warn(f"the program and the eager step do not agree: {difference}")
        else:
            if version.machine is not None and version.machine.fused is None:
                version.machine.bind()  # perhaps the optimiser's kernels may run now
            self._use(None if self.check else version)

    def _difference(self, version, flat, found, before, after):
        """Return "" if a trial of the program agrees with a step that has been made, else in what it does not."""
        try:
            result = version.trial(flat)
        except Exception as error:
            if from_a_signal(error):
                raise
            return f"its program raised {type(error).__name__}: {error}"
        if not result:
            return "something has changed"
        return agree(found, result, after, partial(version.beside, flat, before))

    def _warn(self, what, instead="The eager step is made instead"):
        """Warn of a difference, once of each kind, at the line of the user's."""
        if what not in self._said:
            self._said.add(what)
            warn(
                f"compiled: {what}. {instead}; step.why says more. Is there something in the loss that changes, and "
                "that neither the arguments nor Python's variables show?",
                StaleStepWarning,
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
    def ready(self):
        """Whether there is a program: the loss has been differentiated before, and looked at."""
        return any(version.attempt is not None for version in self._versions.values())

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
    def loops(self) -> str:
        """The loops of the last step that are compiled, and in which order it runs them; "" if it runs as its text."""
        machines = [version.machine for version in reversed(self._versions.values()) if version.machine is not None]
        return machines[0].text if machines else ""

    @property
    def why(self) -> str:
        """How the step is made for each kind of arguments, the last one used at the end."""
        if not self._versions:
            return "not called yet"
        return "\n".join(version.why(kind) for kind, version in self._versions.items())


def is_special(x, params):
    """Say whether no program takes an argument: a parameter itself, what is recorded, an array of another class."""
    if type(x) is Tensor:
        return x in params or x.tape is not None
    return isinstance(x, np.ndarray) and type(x) is not np.ndarray


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
