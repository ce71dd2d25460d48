"""A step of several plans as compiled code alone: each for its own ones of the parameters."""

import functools
from typing import NamedTuple

from .compiled import tasks
from .plan import name_of
from .reductions import settled
from .whole import undisturbed


class Share(NamedTuple):
    """A plan in a joint step."""

    plan: object
    own: tuple  # the stages that its parameters pass; None if that is the optimiser itself, which it does not hold
    turns: list
    rows: list  # the places of its parameters among all
    passed: tuple  # the places of its stages in the part

    def pick(self, values):
        return tuple([values[row] for row in self.rows])

    def stages(self, those):
        """The stages that its parameters pass, of those of the optimiser."""
        return those if self.own is None else self.own


class Joint:
    """What the steps of several plans together need besides.  It keeps no parameter alive.

    All arrays are checked, and all numbers that formulas ask for worked out, before the first parameter is overwritten.
    """

    def __init__(self, params, bundles, itself, turns):
        own = [None if itself else bundle.stages for bundle in bundles]
        self.shares = [Share(b.plan, *what, b.rows, b.passed) for b, *what in zip(bundles, own, turns)]
        plans, moved = [share.plan for share in self.shares], {row for share in self.shares for row in share.rows}
        self.idle = [(row, id(p)) for row, p in enumerate(params) if row not in moved]
        self.chain = tasks.Chain([plan.tasks for plan in plans], [b.rows for b in bundles], [b.xs for b in bundles])
        self.reducing = self.what_reduces()
        self.replacing, self.unlocked = any(p.replacing for p in plans), any(p.unlocked for p in plans)
        self.one_call = not self.reducing and all(plan.one_call for plan in plans)

    def what_reduces(self):
        """For each pass of a stage: a task that sums, and who passes it: pairs (share, its Pass)."""
        users = {}
        for share in self.shares:
            for passing in share.plan.passes:
                users.setdefault((share.passed[passing.stage], passing.level), []).append((share, passing))
        return [(self.reducer(users[key]), users[key]) for key in sorted(users)]

    def reducer(self, users):
        number = {self.shares.index(share): share.plan.passes.index(passing) for share, passing in users}
        return self.chain.task(list(number), tasks.CHECK | tasks.LOOP, number)

    def valid(self, stages):
        """Whether all plans still hold."""
        for share in self.shares:
            if not share.plan.valid(share.stages(stages)):
                return False
        return True

    def taking(self, turns, params):
        """Pairs of a turn and the parameters that take it."""
        return [(turn, share.pick(params)) for share in self.shares for turn in share.turns]

    def again(self, stages, params, dxs):
        """Make a compiled step like the last; False, and nothing is written, if it cannot be made so."""
        for row, one in self.idle:
            if id(params[row]) != one:
                return False
        for share in self.shares:
            share.plan.read_hyper(share.stages(stages))
        if self.one_call:
            return self.chain.update(params, params, dxs) is params
        in_pieces = self.replacing or any([share.plan.tasks.shared() for share in self.shares])
        xs = params
        if self.unlocked or in_pieces:
            xs, dxs = tasks.held(params, dxs)
        for reducer, users in self.reducing:
            if reducer(params, xs, dxs) is not params or not self.settle(stages, users, params, xs, dxs):
                return False
        if in_pieces:
            return undisturbed(functools.partial(self.one_by_one, stages, params, xs, dxs))
        return self.chain.update(params, xs, dxs) is params

    def settle(self, stages, users, params, xs, dxs):
        """Let a stage have the numbers of a pass; False if it leaves a parameter alone."""
        numbers = {}
        for share, passing in users:
            own = share.plan.numbers_of(passing, share.pick(xs), share.pick(dxs))
            numbers.update(zip(share.rows, zip(*own)))
        rows, (share, passing) = sorted(numbers), users[0]
        columns, sizes = list(zip(*[numbers[row] for row in rows])), [xs[row].size for row in rows]
        stage, name = share.stages(stages)[passing.stage], lambda k: name_of(params, rows[k])
        columns, left = settled(stage, passing, columns, sizes, name)
        numbers.update(zip(rows, zip(*columns)))
        for share, passing in users:
            share.plan.reduced[:, passing.columns] = share.pick(numbers)
        return not left

    def one_by_one(self, stages, params, xs, dxs):
        """Let each plan make its part; one may replace hyperparameters that the next reads."""
        if self.chain.check(params, xs, dxs) is not params:
            return False
        for share, run in zip(self.shares, self.chain.run):
            share.plan.read_hyper(share.stages(stages))
            if share.plan.tasks.shared():
                share.plan.tasks.by_threads(range(len(share.rows)), *map(share.pick, (params, xs, dxs)))
            else:
                run(params, xs, dxs)
            share.plan.give_back(share.stages(stages))
        return True
