"""The parts of an optimiser: a run of formulas, or a rule of the user's own.

Each lets the gradients of all parameters through, ``through(step)``, and as the last one subtracts what they have
become: ``subtract(step)``.  Until the last, everything that moves can be put back.
"""

import functools
import operator
import weakref
from typing import NamedTuple

import numpy as np

from .apply import apply_
from .arrays import bare, check, native, regular
from .compiled import tasks
from .plan import Plan
from .whole import undisturbed


class Part:
    """What all parts have in common.  A stage that is the optimiser itself is held as None."""

    def __init__(self):
        self.stages, self.turns = (), []
        self.leaving = []  # the turns that end with this part

    def add(self, stage, turns):
        self.stages += (stage,)
        self.turns += [turn for turn in turns if turn not in self.turns]

    def stages_of(self, opt):
        """The stages of this part of an optimiser."""
        return tuple([opt if stage is None else stage for stage in self.stages])


class OwnRule(Part):
    """A rule on ``apply_``, asked for one parameter after the other."""

    def takes(self, stage):
        return False

    def through(self, step):
        (stage,) = self.stages_of(step.opt)
        for row in step.rows():
            step.set(self.turns, row)
            step.dxs[row] = self.asked(stage, step, row)
        undisturbed(lambda: step.end_turns(self.leaving))

    def asked(self, stage, step, row):
        """Return what the rule makes of one gradient, in memory that nobody else writes to."""
        x = step.xs[row]
        dx = np.array(step.dxs[row], x.dtype)
        made = step.undo.by_own_rule(row, apply_, stage, step.params[row], dx)
        if made is None or made is dx:
            return made
        return np.array(check(x, bare(made), row, len(step.xs), f"the step of {type(stage).__name__} for"))

    def subtract(self, step):
        self.through(step)
        undisturbed(step.subtract)


class Formulas(Part):
    """Formulas one after the other, run together on all parameters of one dtype and at the same turns."""

    LIMIT = 10_000

    def __init__(self):
        super().__init__()
        self.plans = {}
        self.recent = {}  # first parameter, how many -> the compiled plan last used for such

    def takes(self, stage):
        """Whether a stage may join; the second time it has to see what the first has kept."""
        return all(stage is not other for other in self.stages)

    def through(self, step):
        bundles, stages = self.prepare(step, to_overwrite=True)
        for bundle in bundles:
            bundle.keep(step, stages)

        @np.errstate(all="ignore")  # a warning that is made an error would cut the step in two
        def write():
            for bundle in self.one_by_one(step, stages, bundles):
                bundle.plan.write(stages, bundle.left(step), *bundle.arrays())
                for k in bundle.left(step):
                    row = bundle.rows[k]
                    step.dxs[row] = bundle.dxs[k].astype(step.xs[row].dtype, copy=False)
            step.end_turns(self.leaving)

        undisturbed(write)

    def subtract(self, step):
        if step.tangled():  # no parameter may move before all steps are made
            self.through(step)
            return undisturbed(step.subtract)
        bundles, stages = self.prepare(step)

        @np.errstate(all="ignore")
        def subtract():
            for bundle in self.one_by_one(step, stages, bundles):
                bundle.plan.subtract(stages, bundle.left(step), *bundle.arrays())
                for row, x in zip(bundle.rows, bundle.xs):
                    if x is not step.xs[row]:
                        step.xs[row][...] = x
            step.end_turns(self.leaving)
            step.undo.done()

        undisturbed(subtract)
        self.remember(step, bundles)

    def prepare(self, step, to_overwrite=False):
        """Return the bundles that the parameters go in, and the stages; all that has to be known is measured.

        ``to_overwrite`` says that the gradients in the bundles will be: so they are copies.
        """
        stages, groups = self.stages_of(step.opt), {}
        for row in step.rows():
            kind = native(step.xs[row].dtype), *step.times_of(self.turns, row)
            groups.setdefault(kind, []).append(row)
        bundles = [self.bundle(step, stages, rows, to_overwrite) for rows in groups.values()]
        for k, stage in enumerate(stages):
            if stage.measures and bundles:
                measure(step, stage, k, bundles)
        if len(bundles) > 1:
            for bundle in bundles:
                bundle.plan.rehearse(bundle.xs, bundle.dxs)
        return bundles, stages

    def bundle(self, step, stages, rows, to_overwrite):
        """The parameters at some places, with regular arrays and what is prepared for them."""
        params, xs, dxs = (tuple([values[row] for row in rows]) for values in (step.params, step.xs, step.dxs))
        step.set(self.turns, rows[0])
        plan = self.find(stages, params, xs, lambda k, *entry: step.undo.forget(rows[k], *entry))
        plan.read_hyper(stages)
        plan.tasks = plan.tasks or tasks.tasks_of(plan)
        xs, dxs = zip(*[regular(*both, plan.dtype) for both in zip(xs, dxs, plan.orders)])
        if to_overwrite:
            dxs = tuple([np.array(dx, order=order) for dx, order in zip(dxs, plan.orders)])
        return Bundle(plan, params, xs, dxs, rows)

    def one_by_one(self, step, stages, bundles):
        """Yield each bundle when it is its turn."""
        for bundle in bundles:
            if len(bundles) > 1:  # another one may have set, or replaced, hyperparameters
                step.set(self.turns, bundle.rows[0])
                bundle.plan.read_hyper(stages)
            yield bundle

    def find(self, stages, params, xs, made=lambda *entry: None):
        """Return the plan for some parameters, the old one if it still holds; ``made`` is told of new state."""
        key = tuple(map(id, params))
        plan = self.plans.get(key)
        if plan is not None and plan.valid(stages) and plan.suits(xs):
            return plan
        if len(self.plans) >= self.LIMIT:
            self.forget()
        plan = self.plans[key] = Plan(stages, params, xs, made)
        plan.watching = self.watch(params)
        return plan

    def watch(self, params):
        """Forget all plans when one of their parameters dies."""
        this = weakref.ref(self)

        def forget(_):
            part = this()
            if part is not None:
                part.forget()

        return [weakref.ref(p, forget) for p in params]

    def forget(self):
        self.plans.clear()
        self.recent.clear()

    def remember(self, step, bundles):
        """Let the next step be made as compiled code alone, if this one could have been."""
        plan, params, xs, *_ = bundles[0] if len(bundles) == 1 else (None, (), ())
        if plan and plan.tasks and len(xs) == len(step.xs) and all(map(operator.is_, xs, step.xs)):
            plan.tasks.look(xs)
            self.recent[id(params[0]), len(params)] = plan


class Bundle(NamedTuple):
    """Parameters that go through a part together, of one dtype and at the same turns."""

    plan: Plan
    params: tuple
    xs: tuple  # regular arrays, as are the gradients
    dxs: tuple
    rows: list  # their places among all parameters

    def arrays(self):
        return self.params, self.xs, self.dxs

    def left(self, step):
        """The places in here of the parameters that have not been left alone."""
        return [k for k, row in enumerate(self.rows) if step.dxs[row] is not None]

    def keep(self, step, stages):
        """Let the step put back the state, and the hyperparameters that formulas replace."""
        for k in self.left(step):
            step.undo.keep(self.rows[k], [a for state in self.plan.states[k] for a in state])
        for k, names, _ in self.plan.replacing:
            own = vars(stages[k])
            step.undo.add(None, functools.partial(own.update, {name: own[name] for name in names}))


def measure(step, stage, k, bundles):
    """Measure what arrives at a stage, the k-th of its part, for all parameters together."""
    norms = {}
    for bundle in bundles:
        norms.update(zip(bundle.rows, bundle.plan.measure(k, *bundle.arrays())))
    rows = step.rows()
    settled, left = stage.settle([norms[row] for row in rows], lambda place: step.name(rows[place]))
    norms.update(zip(rows, settled))
    for bundle in bundles:
        bundle.plan.norms[bundle.plan.measured[k]] = [norms[row] for row in bundle.rows]
    for place in left:
        step.leave_alone(rows[place])
