"""The parts of an optimiser: a run of formulas, or a rule of the user's own.

Each lets the gradients of all parameters through, ``through(step)``, and as the last one subtracts what they have
become: ``subtract(step)``.  Until the last, everything that moves can be put back.
"""

import functools
import weakref
from typing import NamedTuple

import numpy as np

from .apply import apply_
from .arrays import bare, check, native, regular
from .compiled import tasks
from .joint import Joint
from .plan import Plan
from .reductions import levels_of, settled
from .whole import undisturbed


class Part:
    """What all parts have in common.  A stage that is the optimiser itself is held as None.

    A parameter *passes* some of the stages, all where there are no Groups: ``passed`` are their places in here.
    """

    def __init__(self, number):
        self.number = number  # this is the so-manieth part of its route
        self.stages, self.turns_at, self.members = (), (), ()  # of each stage its Turns, and the members it is in
        self.every, self.turns_of = (), {}  # all places; passed -> the turns of these stages
        self.leaving = []  # the turns that end with this part

    def add(self, stage, turns, members):
        self.every += (len(self.stages),)
        self.stages += (stage,)
        self.turns_at += (turns,)
        self.members += (members,)

    def stages_of(self, opt):
        """The stages of this part of an optimiser."""
        return tuple([opt if stage is None else stage for stage in self.stages])

    def turns(self, passed):
        """The turns of some stages, each once."""
        if passed not in self.turns_of:
            self.turns_of[passed] = list(dict.fromkeys(turn for place in passed for turn in self.turns_at[place]))
        return self.turns_of[passed]

    def forget(self):
        """Forget what is prepared for parameters."""


class OwnRule(Part):
    """A rule on ``apply_``, asked for one parameter after the other."""

    def takes(self, stage):
        return False

    def through(self, step):
        (stage,) = self.stages_of(step.opt)
        for row in step.rows():
            if step.passed(self, row):
                step.set(self.turns_at[0], row)
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
    """Formulas one after the other, run together on parameters that pass the same, of one dtype, at the same turns."""

    LIMIT = 10_000

    def __init__(self, number):
        super().__init__(number)
        self.plans = {}
        self.recent = {}  # first parameter, how many -> the compiled plan last used for such

    def takes(self, stage):
        """Whether a stage may join; the second time it has to see what the first has kept."""
        return all(stage is not other for other in self.stages)

    def through(self, step):
        bundles = self.prepare(step, to_overwrite=True)
        for bundle in bundles:
            bundle.keep(step)

        @np.errstate(all="ignore")  # a warning that is made an error would cut the step in two
        def write():
            for bundle in self.one_by_one(step, bundles):
                bundle.plan.write(bundle.stages, bundle.left(step), *bundle.arrays())
                for k in bundle.left(step):
                    row = bundle.rows[k]
                    step.dxs[row] = bundle.dxs[k].astype(step.xs[row].dtype, copy=False)
            step.end_turns(self.leaving)

        undisturbed(write)

    def subtract(self, step):
        if step.tangled():  # no parameter may move before all steps are made
            self.through(step)
            return undisturbed(step.subtract)
        bundles = self.prepare(step)

        @np.errstate(all="ignore")
        def subtract():
            for bundle in self.one_by_one(step, bundles):
                bundle.plan.subtract(bundle.stages, bundle.left(step), *bundle.arrays())
                for row, x in zip(bundle.rows, bundle.xs):
                    if x is not step.xs[row]:
                        step.xs[row][...] = x
            step.end_turns(self.leaving)
            step.undo.done()

        undisturbed(subtract)
        self.remember(step, bundles)

    def prepare(self, step, to_overwrite=False):
        """Return the bundles that the parameters go in; all that formulas ask for is worked out.

        ``to_overwrite`` says that the gradients in the bundles will be: so they are copies.
        """
        stages, together = self.stages_of(step.opt), {}
        for row in step.rows():
            passed = step.passed(self, row)
            if passed or not to_overwrite:  # the gradient of one that passes nothing stays as it is
                kind = passed, native(step.xs[row].dtype), *step.times_of(self.turns(passed), row)
                together.setdefault(kind, []).append(row)
        bundles = [self.bundle(step, stages, kind[0], rows, to_overwrite) for kind, rows in together.items()]
        for bundle in bundles:
            bundle.draw(step)
        for place, stage in enumerate(stages):
            for level in levels_of(stage.formula):
                reduce(step, stage, level, [bundle for bundle in bundles if place in bundle.passed], place)
        if len(bundles) > 1:
            for bundle in bundles:
                bundle.plan.rehearse(bundle.xs, bundle.dxs)
        return bundles

    def bundle(self, step, stages, passed, rows, to_overwrite):
        """The parameters at some places, with regular arrays and what is prepared for them."""
        params, xs, dxs = (tuple([values[row] for row in rows]) for values in (step.params, step.xs, step.dxs))
        step.set(self.turns(passed), rows[0])
        stages = tuple([stages[place] for place in passed])
        plan = self.find(stages, params, xs, lambda k, *entry: step.undo.forget(rows[k], *entry))
        plan.read_hyper(stages)
        plan.tasks = plan.tasks or tasks.tasks_of(plan)
        xs, dxs = zip(*[regular(*both, plan.dtype) for both in zip(xs, dxs, plan.orders)])
        if to_overwrite:
            dxs = tuple([np.array(dx, order=order) for dx, order in zip(dxs, plan.orders)])
        return Bundle(plan, stages, passed, params, xs, dxs, rows)

    def one_by_one(self, step, bundles):
        """Yield each bundle when it is its turn."""
        for bundle in bundles:
            if len(bundles) > 1:  # another one may have set, or replaced, hyperparameters
                step.set(self.turns(bundle.passed), bundle.rows[0])
                bundle.plan.read_hyper(bundle.stages)
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
        if not bundles or not all(bundle.compiled(step) for bundle in bundles):
            return
        first, many = bundles[0], len(step.params)
        if len(first.rows) == many and first.passed == self.every:
            first.plan.tasks.look(first.xs)
            self.recent[id(step.params[0]), many] = first.plan
        elif not any(bundle.plan.noise for bundle in bundles):
            turns = [self.turns(bundle.passed) for bundle in bundles]
            self.recent[id(step.params[0]), many] = Joint(step.params, bundles, None in self.stages, turns)


class Bundle(NamedTuple):
    """Parameters that go through a part together: those that pass the same stages, of one dtype, at the same turns."""

    plan: Plan
    stages: tuple
    passed: tuple  # the places of these stages in the part
    params: tuple
    xs: tuple  # regular arrays, as are the gradients
    dxs: tuple
    rows: list  # their places among all parameters

    def arrays(self):
        return self.params, self.xs, self.dxs

    def left(self, step):
        """The places in here of the parameters that have not been left alone."""
        return [k for k, row in enumerate(self.rows) if step.dxs[row] is not None]

    def keep(self, step):
        """Let the step put back the state, and the hyperparameters that formulas replace."""
        for k in self.left(step):
            step.undo.keep(self.rows[k], [a for state in self.plan.states[k] for a in state])
        for k, names, _ in self.plan.replacing:
            own = vars(self.stages[k])
            step.undo.add(None, functools.partial(own.update, {name: own[name] for name in names}))

    def draw(self, step):
        """Draw the noise that is asked for; what it is drawn from can be put back."""
        for generator in self.plan.noise.generators(self.stages):
            bits = generator.bit_generator
            step.undo.add(None, functools.partial(setattr, bits, "state", bits.state))
        self.plan.noise.draw(self.stages)

    def compiled(self, step):
        """Whether kernels may do all of it, on the parameters' own arrays."""
        own = (x is step.xs[row] for row, x in zip(self.rows, self.xs))
        return self.plan.tasks is not None and len(self.left(step)) == len(self.rows) and all(own)


def reduce(step, stage, level, bundles, place):
    """Work out numbers that a stage asks for, in its place in the part, for all parameters that pass it together."""
    those, numbers = [], {}
    for bundle in bundles:
        passing = bundle.plan.passing(bundle.passed.index(place), level)
        those.append((bundle, passing))
        numbers.update(zip(bundle.rows, zip(*bundle.plan.reduce(passing, *bundle.arrays()))))
    rows = [row for row in step.rows() if row in numbers]
    if not rows:
        return
    columns, sizes = list(zip(*[numbers[row] for row in rows])), [step.xs[row].size for row in rows]
    columns, left = settled(stage, passing, columns, sizes, lambda k: step.name(rows[k]))
    numbers.update(zip(rows, zip(*columns)))
    for bundle, passing in those:
        bundle.plan.reduced[:, passing.columns] = [numbers[row] for row in bundle.rows]
    for k in left:
        step.leave_alone(rows[k])
