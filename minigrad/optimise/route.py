"""The way of gradients through an optimiser: taken apart, and gone by all parameters together.

An optimiser is taken apart into *parts* that the gradients of all parameters go through together, one part
after the other: a run of formulas, or a rule of the user's own, which is asked for each parameter.  A formula
that needs a norm is told that of all parameters, wherever in a composition it stands.  The steps of all
parameters are made before the first is subtracted.
"""

import functools
import itertools
import operator
import threading
import weakref

import numpy as np

from ..core.errors import StrangerError
from ..core.storage import Storage
from ..doors import door
from ..iddict import IdDict
from .abstract import AbstractOptimiser, routes
from .apply import apply_
from .arrays import check, gradient_array, tangled
from .compose import Optimiser, Setter
from .groups import Groups, Names, no_group_of
from .parts import Formulas, OwnRule
from .plan import name_of
from .rules import Rule
from .swapping import swapped
from .whole import Undo, undisturbed


@apply_.register
def apply_rule(opt: Rule, x, dx):
    """The rule of everything that has a formula."""
    return step_of(opt, x, dx)


@apply_.register(Optimiser)
@apply_.register(Groups)
@apply_.register(Setter)
def apply_composed(opt, x, dx):
    """The rule of what is made of other optimisers."""
    return step_of(opt, x, dx)


@door
def step_of(opt, x, dx):
    """Return the step of one parameter, None if it is left alone, and let the state move on."""
    array = target(x)
    return route_of(opt).step(opt, x, array, check(array, gradient_array(dx)))


def target(x):
    """Return the array of a parameter, which is to be overwritten."""
    if isinstance(x, Storage):
        return x.to_overwrite("update_")  # a Tensor refuses while a gradient is taken
    if isinstance(x, np.ndarray):
        return x
    raise TypeError(no_parameter(x))


def no_parameter(x):
    """Return the message for what stands in the place of a parameter."""
    if apply_.dispatch(type(x)) is not apply_.dispatch(object):
        return (
            f"update_: {x!r} is an optimiser in the place of a parameter. The optimiser comes first and the "
            "gradients come last: update_(opt, ps, gradient(lambda: loss(x, y), ps))"
        )
    order = ". The order is update_(opt, ps, grads)" * (type(x).__name__ in ("Params", "Grads"))
    return f"update_: a parameter is a Tensor or an ndarray, but this is a {type(x).__name__}: {x!r}{order}"


# Taking an optimiser apart.


def route_of(opt):
    """Return the way of gradients through an optimiser, prepared once and again whenever it is composed anew."""
    route = getattr(opt, "_plans", None)
    if route is not None and route.registered == len(apply_.registry):
        for composed, members in route.composed:
            now = (opt if composed is None else composed).os
            if now != members or not route.fused and any(map(operator.is_not, now, members)):
                break
        else:
            return route
    route = Route(opt)
    if isinstance(opt, AbstractOptimiser):
        vars(opt)["_plans"] = route
    return route


class Turn:
    """A Setter at its place in a composition, where parameters have their turn."""

    def __init__(self, setter):
        self.setter = weakref.ref(setter)


class Fork:
    """A Groups at its place in a composition, where each parameter goes to one of its members."""

    def __init__(self, groups, members):
        self.groups, self.members = weakref.ref(groups), members  # those of the forks around it, to get here at all


class Route:
    """The parts of an optimiser.  It refers to everything in there, but not to the optimiser itself."""

    def __init__(self, opt):
        self.registered = len(apply_.registry)  # how many rules there were then
        self.composed = []  # pairs (what is made of others, None for the optimiser itself; its members then)
        self.parts, self.forks, order = [], [], []
        self.take_apart(opt, opt, (), (), order)
        refuse_behind_last(order)
        self.parts = self.parts or [Formulas(0)]
        for k, part in enumerate(self.parts):
            later = [turn for other in self.parts[k + 1 :] for turn in other.turns(other.every)]
            part.leaving = [turn for turn in part.turns(part.every) if turn not in later]
        first = self.parts[0]
        self.fused = len(self.parts) == 1 and isinstance(first, Formulas)
        self.stages = None if None in first.stages else first.stages
        self.recent, self.turns = (first.recent, first.turns(first.every)) if self.fused else ({}, [])
        self.ways, self.all_alike = IdDict(), None
        self.lock = threading.RLock()  # so that two threads do not meet in one state
        routes.add(self)

    def __reduce__(self):
        return type(None), ()  # in a copy, or in a file, there is none

    def take_apart(self, opt, o, turns, members, order):
        """Add the stages of ``o``, nested ones taken apart, as parts of the optimiser ``opt``.

        ``members`` are pairs (fork, number of its member) of the Groups around it.  ``order`` gets (stage, members).
        """
        if apply_.dispatch(type(o)) is apply_composed:
            self.composed.append((None if o is opt else o, list(o.os)))
            turns += (Turn(o),) if isinstance(o, Setter) else ()
            fork = Fork(o, members) if isinstance(o, Groups) else None
            self.forks += [fork] if fork else []
            for k, member in enumerate(o.os):
                if member is not None:
                    self.take_apart(opt, member, turns, (*members, (fork, k)) if fork else members, order)
            return
        order.append((o, members))
        stage = None if o is opt else o  # which is handed over at every step
        if not isinstance(o, Rule) or apply_.dispatch(type(o)) is not apply_rule:
            self.parts.append(OwnRule(len(self.parts)))
        elif not self.parts or not self.parts[-1].takes(stage):
            self.parts.append(Formulas(len(self.parts)))
        self.parts[-1].add(stage, turns, members)

    def forget(self):
        """Prepare everything anew: what parameters pass has changed."""
        self.ways, self.all_alike = IdDict(), None
        for part in self.parts:
            part.forget()

    def alike(self, opt):
        """Whether all parameters pass all stages."""
        if self.all_alike is None:
            self.all_alike = not (self.forks or frozen(opt) or len(swapped))
        return self.all_alike

    def ways_of(self, opt, params, names):
        """For each parameter, the stages of each part that it passes, or ALONE; None if all pass all."""
        if self.alike(opt):
            return None
        find = functools.partial(self.way, opt, params, Names(names))
        return [self.ways.get_or_make(p, functools.partial(find, row)) for row, p in enumerate(params)]

    def way(self, opt, params, names, row):
        p, chosen = params[row], {}
        if p in swapped:
            raise RuntimeError(f"update_: {name_of(params, row)} is an average now; step outside of averaged(...)")
        if any(p in each for each in frozen(opt)):
            return ALONE
        for fork in self.forks:  # a Groups inside of another one stands behind it
            if passes(fork.members, chosen):
                groups = fork.groups()
                k = chosen[fork] = groups.number_of(p, names)
                if k is None:
                    raise StrangerError(no_group_of(groups, p, names, name_of(params, row)))
                if groups.os[k] is None:
                    return ALONE
        return self.way_by(chosen)

    def passing(self, opt, stage, params, names):
        """Say of each parameter whether it passes a stage."""
        ways = self.ways_of(opt, params, names)
        if ways is None:
            return [True] * len(params)
        parts = [(part.number, dict(zip(map(id, part.stages_of(opt)), part.every))) for part in self.parts]
        where = [(number, places[id(stage)]) for number, places in parts if id(stage) in places]
        return [way is not ALONE and any(place in way[number] for number, place in where) for way in ways]

    def way_by(self, chosen):
        """The stages of each part that are passed by whoever goes to the ``chosen`` member of each Groups."""
        return tuple([tuple([k for k in part.every if passes(part.members[k], chosen)]) for part in self.parts])

    def every_way(self):
        """All ways that a parameter may go."""
        choices = itertools.product(*[range(len(fork.groups().os)) for fork in self.forks])
        return {self.way_by(dict(zip(self.forks, each))) for each in choices}

    def again(self, opt, params, dxs):
        """Make a compiled step like the last; False, and nothing is written, if there was none like it."""
        first = params[0]
        plan = self.recent.get((id(first), len(params)))
        if plan is None:
            return False
        stages = (opt,) if self.stages is None else self.stages
        if not plan.valid(stages):
            return False
        if isinstance(first, Storage):
            first.to_overwrite("update_")  # refuses while a gradient is taken, of whichever
        if plan.one_call and not self.turns:
            return plan.again(stages, params, dxs)
        with self.lock:
            if self.turns:
                return self.again_in_turn(plan, stages, params, dxs)
            return plan.again(stages, params, dxs)

    def again_in_turn(self, plan, stages, params, dxs):
        """The same where Setters set hyperparameters, if all parameters are at the same step."""
        taking = [(turn.setter(), those) for turn, those in plan.taking(self.turns, params)]
        times = [setter.count.get(those[0], 0) + 1 for setter, those in taking]
        for (setter, those), time in zip(taking, times):
            if any([setter.count.get(p, 0) + 1 != time for p in those]):
                return False
        for (setter, _), time in zip(taking, times):
            setter.set_hyperparameters_(time)

        def step():
            if not plan.again(stages, params, dxs):
                return False
            for (setter, those), time in zip(taking, times):
                for p in those:
                    setter.count[p] = time
            return True

        return undisturbed(step)

    def update(self, opt, params, xs, dxs, names=None):
        """Subtract the steps of all parameters: tuples of them, of their arrays, of their gradients.

        ``names`` is what they were given as, which may know their names.
        """
        with self.lock, Undo() as undo:
            step = OneStep(opt, params, xs, dxs, undo, self.ways_of(opt, params, names))
            for part in self.parts[:-1]:
                part.through(step)
            self.parts[-1].subtract(step)

    def step(self, opt, x, array, dx):
        """Return the step of one parameter, None if it is left alone."""
        with self.lock, Undo() as undo:
            step = OneStep(opt, (x,), (array,), (dx,), undo, self.ways_of(opt, (x,), None))
            for part in self.parts:
                part.through(step)
            undo.done(subtracted=False)
            return step.dxs[0]


ALONE = (None,)  # the way of a parameter that is left alone


def refuse_behind_last(order):
    """Raise if a stage that has to be the last has another one behind it; in Groups, on the same way."""
    for k, (stage, members) in enumerate(order):
        if getattr(stage, "last", False):
            for other, its in order[k + 1 :]:
                if not getattr(other, "last", False) and all(dict(its).get(fork, n) == n for fork, n in members):
                    raise ValueError(
                        f"{type(stage).__name__} has to see where the step leads to, so it stands last; here comes "
                        f"{other!r} behind it. Write Optimiser(..., {other!r}, {stage!r})"
                    )


def passes(members, chosen):
    """Whether a parameter that has gone to the ``chosen`` member of each Groups passes what is in these members."""
    return all([chosen.get(fork) == k for fork, k in members])


def frozen(opt):
    """The IdDicts of frozen parameters in an optimiser and in what it is made of, as far as there are any."""
    own = [opt._frozen] if getattr(opt, "_frozen", None) else []
    return own + [found for member in getattr(opt, "os", ()) for found in frozen(member)]


class OneStep:
    """A step as it is made: parameters, their arrays, and their gradients on the way to become steps.

    ``dxs[row]`` is None once a parameter is left alone.  ``ways[row]`` has, for each part, the places of the stages
    that it passes; ``ways`` is None where all pass all.
    """

    def __init__(self, opt, params, xs, dxs, undo, ways):
        if len(set(map(id, params))) < len(params):
            raise ValueError(
                "update_: a parameter is listed twice, each time with a gradient of its own. Add the "
                "gradients first, or list it once"
            )
        self.opt, self.params, self.xs, self.undo, self.ways = opt, params, xs, undo, ways
        self.dxs = [
            None if ways and ways[row] is ALONE else check(x, dx, row, len(xs))
            for row, (x, dx) in enumerate(zip(xs, dxs))
        ]
        self.times = {}  # Turn -> {row: the number of this step among those of its parameter}

    def rows(self):
        """The places of the parameters that have not been left alone."""
        return [row for row, dx in enumerate(self.dxs) if dx is not None]

    def passed(self, part, row):
        """The places of the stages of a part that a parameter passes."""
        return self.ways[row][part.number] if self.ways else part.every

    def name(self, row):
        """How error messages name a parameter."""
        return name_of(self.xs, row)

    def tangled(self):
        """Whether parameters may overlap each other in memory, or gradients other parameters."""
        rows = self.rows()
        return len(rows) > 1 and tangled([self.xs[row] for row in rows], [self.dxs[row] for row in rows])

    def times_of(self, turns, row):
        """The number of this step among those of a parameter, as each of some turns counts them."""
        for turn in turns:
            times = self.times.setdefault(turn, {})
            if row not in times:
                times[row] = turn.setter().count.get(self.params[row], 0) + 1
        return [self.times[turn][row] for turn in turns]

    def set(self, turns, row):
        """Let Setters set what is theirs for this step of a parameter."""
        for turn, time in zip(turns, self.times_of(turns, row)):
            turn.setter().set_hyperparameters_(time)

    def end_turns(self, turns):
        """Count this step as made."""
        for turn in turns:
            count = turn.setter().count
            for row, time in self.times.pop(turn, {}).items():
                p = self.params[row]
                back = (count.pop, p, None) if time == 1 else (count.__setitem__, p, time - 1)
                self.undo.add(row, functools.partial(*back))
                count[p] = time

    def leave_alone(self, row):
        """Make no step for a parameter, and put back what has moved for it."""
        self.dxs[row] = None
        self.undo.back(row)
        for times in self.times.values():
            times.pop(row, None)

    @np.errstate(all="ignore")  # a warning that is made an error would cut the step in two
    def subtract(self):
        """Overwrite the parameters, which ends the step."""
        for row in self.rows():
            np.subtract(self.xs[row], self.dxs[row], out=self.xs[row], casting="same_kind")
        self.undo.done()
