"""A step of several plans as compiled code alone: each for its own ones of the parameters."""

import functools
from typing import NamedTuple

from .compiled import tasks
from .plan import name_of
from .whole import undisturbed


class Share(NamedTuple):
    """A plan in a joint step."""

    plan: object
    own: tuple  # the stages that its parameters pass; None if that is the optimiser itself, which it does not hold
    turns: list
    rows: list  # the places of its parameters among all

    def pick(self, values):
        return tuple([values[row] for row in self.rows])

    def stages(self, those):
        """The stages that its parameters pass, of those of the optimiser."""
        return those if self.own is None else self.own


class Joint:
    """What the steps of several plans together need besides.  It keeps no parameter alive.

    All arrays are checked, and all norms measured, before the first parameter is overwritten.
    """

    def __init__(self, params, bundles, itself, turns):
        own = [None if itself else bundle.stages for bundle in bundles]
        self.shares = [Share(bundle.plan, *what, bundle.rows) for bundle, *what in zip(bundles, own, turns)]
        plans, moved = [share.plan for share in self.shares], {row for share in self.shares for row in share.rows}
        self.idle = [(row, id(p)) for row, p in enumerate(params) if row not in moved]
        self.chain = tasks.Chain([plan.tasks for plan in plans], [b.rows for b in bundles], [b.xs for b in bundles])
        self.measuring = self.what_measures()
        self.replacing = any(plan.replacing for plan in plans)
        self.one_call = not self.measuring and all(plan.one_call for plan in plans)

    def what_measures(self):
        """For each stage that asks for norms: a task that measures, and who passes it: pairs (share, stage's place)."""
        users = {}
        for share in self.shares:
            for place in share.plan.measured:
                users.setdefault(id(share.own and share.own[place]), []).append((share, place))
        return [(self.measurer(found), found) for found in users.values()]

    def measurer(self, users):
        number = {self.shares.index(share): share.plan.measured[place] for share, place in users}
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
        xs, dxs = tasks.held(params, dxs)
        for measurer, users in self.measuring:
            if measurer(params, xs, dxs) is not params or not self.settle(stages, users, params, xs, dxs):
                return False
        if self.replacing or any(share.plan.tasks.shared() for share in self.shares):
            return undisturbed(functools.partial(self.one_by_one, stages, params, xs, dxs))
        return self.chain.update(params, xs, dxs) is params

    def settle(self, stages, users, params, xs, dxs):
        """Let a stage say which norms count; False if it leaves a parameter alone."""
        norms = {}
        for share, place in users:
            norms.update(zip(share.rows, share.plan.measured_norms(place, share.pick(xs), share.pick(dxs))))
        rows, (share, place) = sorted(norms), users[0]
        stage = share.stages(stages)[place]
        settled, left = stage.settle([norms[row] for row in rows], lambda k: name_of(params, rows[k]))
        norms.update(zip(rows, settled))
        for share, place in users:
            share.plan.norms[share.plan.measured[place]] = share.pick(norms)
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
