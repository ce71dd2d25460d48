"""The one place where schedules and optimisers meet."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import habits
from ..doors import door
from ..fields import function
from ..iddict import IdDict
from ..optimise.apply import apply_
from ..optimise.compose import Setter, holders
from .base import Schedule, StepError, any_schedule, run_out, shown, values


@door
class Scheduler(Setter):
    """An optimiser that sets hyperparameters of another from schedules before each step.

    for a parameter's t-th step:   opt.name <- schedule(t) for every scheduled name,   then the step of opt

    Parameters
    ----------
    opt : optimiser     the one whose hyperparameters are set; it may be an ``Optimiser(...)``, of whose
                        members exactly one has to have the name
    **schedules         name of a hyperparameter = schedule, function of t or number; or a tuple of such
                        where the hyperparameter is a tuple: ``beta=(Exp(0.9, 0.99), 0.999)``

    ``Scheduler(schedule, opt)`` is the form of ParameterSchedulers.jl 0.3: it sets ``eta``, or does what
    ``update_func(opt, value)`` does.

    The steps are counted for each parameter by itself: ``opt.count[W]``.  ``opt.current`` is a dict of the
    values in use, and ``opt.eta`` reads one of them.

    Raises TypeError for what is no schedule or optimiser; AttributeError for a name that the optimiser does
    not have; when stepping, StepError past the end of a finite schedule, before anything is overwritten.

    Reference: ParameterSchedulers.jl 0.3 ``Scheduler``; optax's ``inject_hyperparams``.

    >>> from minigrad.optimise import Momentum, update_
    >>> from minigrad.schedules import Exp
    >>> opt = Scheduler(Momentum(), eta=Exp(0.8, 0.5), rho=lambda t: 1 - 1 / (t + 1))
    >>> W = np.array([4.0])
    >>> for _ in range(3): update_(opt, W, np.array([1.0]))
    >>> opt.current, opt.eta, opt.count[W]
    ({'eta': 0.2, 'rho': 0.75}, 0.2, 3)
    >>> Scheduler(Exp(0.8, 0.5), Momentum())
    Scheduler(Momentum(eta=0.01, rho=0.9), eta=Exp(start=0.8, decay=0.5))
    """

    def __init__(self, *args: Any, update_func: Callable[[Any, float], Any] | None = None, **schedules: Any) -> None:
        if len(args) == 2 and not schedules:
            schedules = {"eta" if update_func is None else "value": args[0]}
        elif len(args) != 1 or not schedules or update_func is not None:
            raise TypeError("Scheduler takes (optimiser, eta=schedule, ...), with any hyperparameter's name, "
                            "or (schedule, optimiser) and perhaps update_func")
        self.opt = an_optimiser(args[-1])
        self.schedules = {name: one_or_several(given, f"Scheduler: {name}") for name, given in schedules.items()}
        self.update_func = None if update_func is None else function(update_func, "Scheduler: update_func")
        self.count = IdDict()
        self._latest = 0, {}  # a step and its values: many parameters are at the same step
        if update_func is None:
            for name in self.schedules:
                holder(self.opt, name)

    def __getattr__(self, name: str) -> Any:
        if name in vars(self).get("schedules", ()):
            return self.current[name]
        raise AttributeError(f"Scheduler has no {name!r}; look at the optimiser inside: scheduler.opt.{name}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("opt", "schedules", "update_func", "count") and name[0] != "_":
            raise AttributeError(f"Scheduler takes {name!r} from a schedule or not at all; set what is not "
                                 f"scheduled on the optimiser inside: scheduler.opt.{name} = ...")
        super().__setattr__(name, value)

    @property
    def os(self) -> list[Any]:
        """What is inside, as ``Optimiser`` has it."""
        return [self.opt]

    @property
    def current(self) -> dict[str, Any]:
        """A dict of the values in use: of the furthest parameter's last step, or before any, of the first."""
        return self.values_at(max(self.count.values(), default=1))

    def values_at(self, t: int) -> dict[str, Any]:
        """A dict of the scheduled values at step t."""
        return {name: value_at(given, t) for name, given in self.schedules.items()}

    def set_hyperparameters_(self, t: int) -> None:
        """Give the optimiser inside the values of step t."""
        if self._latest[0] != t or self.listening():
            try:
                self._latest = t, self.values_at(t)
            except StepError as error:
                again = "reset_(opt), or a new optimiser, lets it begin again, with nothing kept of the parameters"
                raise run_out("Scheduler", error, again) from None
        for name, value in self._latest[1].items():
            if self.update_func is None:
                setattr(holder(self.opt, name), name, value)
            else:
                self.update_func(self.opt, value)

    def reset_(self) -> None:
        """Forget the state of every parameter and count from 1 again; listening schedules start again too."""
        super().reset_()
        self._latest = 0, {}

    def listening(self) -> dict[str, Any]:
        """A dict of the schedules with a state, such as a Plateau, by the places where they stand."""
        return {place: found for name, given in self.schedules.items() for place, found in with_state(name, given)}

    _structure = "opt", "schedules", "update_func", "_latest"

    def _inside(self):
        return {"opt": self.opt, **self.listening()}

    def __repr__(self) -> str:
        if self.update_func is not None:
            given = shown(self.schedules["value"])
            return f"Scheduler({given}, {self.opt!r}, update_func={shown(self.update_func)})"
        given = ", ".join(f"{name}={shown(schedule)}" for name, schedule in self.schedules.items())
        return f"Scheduler({self.opt!r}, {given})"


def an_optimiser(given):
    """The optimiser given to a Scheduler."""
    if isinstance(given, type):
        raise TypeError(f"Scheduler: {given.__name__} is a class; give an optimiser, {given.__name__}(...)")
    if apply_.dispatch(type(given)) is apply_.dispatch(object):
        raise TypeError(f"Scheduler: {given!r} is no optimiser, for there is no apply_ for it.  The order is "
                        f"Scheduler(optimiser, eta=schedule) or Scheduler(schedule, optimiser)")
    return given


def one_or_several(given, where):
    """A schedule, or a tuple of them."""
    if isinstance(given, (tuple, list)):
        return tuple(any_schedule(each, f"{where}[{i}]") for i, each in enumerate(given))
    return any_schedule(given, where)


def with_state(place, given):
    """The places and schedules with a state in what is given: itself, or parts of a tuple or of a composed one."""
    if hasattr(given, "reset_"):
        return [(place, given)]
    if isinstance(given, tuple):
        parts = enumerate(given)
    else:
        parts = vars(given).items() if isinstance(given, Schedule) else ()
    return [found for name, part in parts for found in with_state(f"{place}.{name}", part)]


def value_at(given, t):
    """The value of a schedule, or a tuple of them, at one step."""
    if isinstance(given, tuple):
        return tuple(value_at(each, t) for each in given)
    return float(values(given, np.array([float(t)]))[0])


def holder(opt, name):
    """The optimiser, or the one among its members, that has the hyperparameter."""
    found = holders(opt, name)
    if len(found) == 1:
        return found[0]
    if not found:
        how = f": {habits.OPTIMISER[name]}" if name in habits.OPTIMISER else ""
        raise AttributeError(f"Scheduler: there is no hyperparameter {name!r} in {opt!r}{how}")
    raise AttributeError(f"Scheduler: {len(found)} members of {opt!r} have {name!r}; schedule the one that "
                         f"is meant, Optimiser(..., Scheduler(member, {name}=...), ...)")
