"""What the steps of some stages on some parameters have in common: a ``Plan``.

A plan holds what stays the same from step to step, the state of every parameter above all.  Nothing in it can
go stale: the hyperparameters are read anew at every step, the IdDicts are asked whether the state still is
the same, and parameters and gradients are handed over at every step.  It dies with any of its parameters,
and refers to no optimiser, so that these die with their last reference.

The work is done by ``plain``, formulas on arrays, or, where it is worth a kernel, by ``compiled``: the same
numbers in one pass over memory.
"""

import functools
import math
import struct

import numpy as np

from ..core.storage import Storage
from .arrays import bare, describe, flat, native, order_of, regular, which
from .compiled import tasks
from .functions import norm
from .noise import Noise
from .plain import Made, Stage, norm_in_units, sums, through, trusted
from .reading import given, roles
from .reductions import passes_of, reductions_of, settled, working
from .whole import undisturbed


def name_of(params, row):
    """How error messages name a parameter."""
    return which(row, len(params), params[row])


class Plan:
    """The state of every stage for every parameter, and the hyperparameters of this step.

    Parameters
    ----------
    stages : rules, whose formulas are to run one after the other
    params : tuple of parameters, and ``xs``, their arrays now: all of one dtype, no matter in which order of bytes
    made : is called with row, IdDict, parameter when state is made in there
    """

    tasks = None  # compiled work, once it is worth its cost

    def __init__(self, stages, params, xs, made):
        self.rows, self.dtype = len(params), native(xs[0].dtype)
        self.shapes, self.size = [x.shape for x in xs], sum(x.size for x in xs)
        self.ids = np.array([id(p) for p in params], np.int64)
        self.holder = type(params[0]) if isinstance(params[0], Storage) else Storage
        for stage in stages:
            stage.refuse_dtype(self.dtype)
        self.passes = passes_of(tuple([stage.formula for stage in stages]))
        self.reduced = np.zeros((self.rows, sum(len(each.reductions) for each in self.passes)))
        self.cells = list(self.reduced.T)  # for each reduction the numbers of all parameters
        self.sizes, self.trusted = [x.size for x in xs], trusted(self.dtype)
        self.lay_out_hyper(stages)
        self.fresh = [stage.fresh(np.zeros(0, self.dtype)) for stage in stages]
        self.kinds = tuple(
            (stage.formula, "".join(a.dtype.char for a in made if a.size == 0))
            for stage, made in zip(stages, self.fresh)
        )
        self.key = self.kinds, self.dtype.char
        self.states = [
            [self.state(stage, k, p, x, row, made) for k, stage in enumerate(stages)]
            for row, (p, x) in enumerate(zip(params, xs))
        ]
        self.at_work = {}  # row -> its stages, as ``plain`` takes them
        self.orders = [self.order(state, x) for state, x in zip(self.states, xs)]
        self.noise = Noise(stages, self.shapes, self.orders, self.dtype)
        self.kept = [
            (k, stage.kept, getattr(stage, stage.kept), getattr(stage, stage.kept).changes)
            for k, stage in enumerate(stages)
            if stage.kept
        ]
        self.unlocked = tasks.lets_others_run(self.size, len(params))
        self.updates_only = not (self.replacing or self.unlocked)
        self.one_call = self.updates_only and not (self.passes or self.noise)  # which no thread can meet half done
        self.one_replaces = self.replacing[0] if len(self.replacing) == 1 and not self.unlocked else None
        self.at_once = self.one_replaces is not None and not (self.passes or self.noise)

    def lay_out_hyper(self, stages):
        """Give the hyperparameters of all stages their places in one array."""
        lengths = [len(stage.hyper()) for stage in stages]
        self.hyper = np.zeros(sum(lengths) + 1)
        self.pack = struct.Struct(f"{sum(lengths)}d").pack_into
        self.replacing = []  # stages with the names of what they replace, and its place
        for k, stage in enumerate(stages):
            if stage.replaces:
                values = memoryview(self.hyper)[sum(lengths[:k]) :][: len(stage.replaces)]
                self.replacing.append((k, stage.replaces, values))

    def state(self, stage, k, p, x, row, made):
        """Return the arrays of a stage for a parameter, made if need be; raise unless they fit it."""
        if stage.kept and p not in getattr(stage, stage.kept):
            made(row, getattr(stage, stage.kept), p)
        state = stage.state_of(p, regular(x, x, order_of(x), self.dtype)[0])
        good = len(state) == len(self.fresh[k]) and all(
            type(a) is np.ndarray
            and a.dtype == b.dtype
            and a.shape == (b.shape if b.size else x.shape)
            and a.flags.behaved
            and a.flags.forc
            for a, b in zip(state, self.fresh[k])
        )
        if not good:
            kept = ", ".join(describe(a) if isinstance(a, np.ndarray) else repr(a) for a in state)
            raise ValueError(
                f"{type(stage).__name__}: the state kept for this parameter ({kept}) does not fit it "
                f"({describe(x)}). If its data was replaced by another array, forget the old state: "
                f"opt.reset_() or del opt.{stage.kept}[x]"
            )
        return state

    def arrays_of(self, row):
        """All arrays that a kernel is given for a parameter, in the order of the loops' text."""
        kept = [a for k, state in enumerate(self.states[row]) for a in (*state, *self.noise.at(k, row))]
        return [*kept, self.reduced[row]] if self.passes else kept

    def order(self, state, x):
        """The order in memory in which a parameter meets its state."""
        shaped = [a for (_, chars), arrays in zip(self.kinds, state) for a in arrays[: len(chars)]]
        return order_of(shaped[0] if shaped else x)

    def valid(self, stages):
        """Whether the plan still holds: no state was replaced or forgotten since."""
        for k, name, kept, changes in self.kept:
            if getattr(stages[k], name) is not kept or kept.changes != changes:
                return False
        return True

    def suits(self, xs):
        """Whether the plan was made for arrays such as these."""
        return [x.shape for x in xs] == self.shapes and {native(x.dtype) for x in xs} == {self.dtype}

    def taking(self, turns, params):
        """Pairs of a turn and the parameters that take it: all."""
        return [(turn, params) for turn in turns]

    def read_hyper(self, stages):
        """Read the hyperparameters as they are now."""
        if len(stages) == 1:
            return self.pack(self.hyper, 0, *stages[0].hyper())
        values = []
        for stage in stages:
            values += stage.hyper()
        self.pack(self.hyper, 0, *values)

    def give_back(self, stages):
        """Give the hyperparameters that formulas have replaced back to their optimisers."""
        for k, names, values in self.replacing:
            vars(stages[k]).update(zip(names, values))

    def again(self, stages, params, dxs):
        """Make a compiled step like the last; False, and nothing is written, if it cannot be made so."""
        self.read_hyper(stages)
        if self.one_call:
            return self.tasks.update(params, params, dxs) is params
        if self.at_once:
            return self.replacing_again(stages, params, params, dxs)
        xs = params
        if self.unlocked:
            xs, dxs = tasks.held(params, dxs)
        if self.noise.of:
            return undisturbed(lambda: self.noise.drawn(stages, lambda: self.passed(stages, params, xs, dxs)))
        return self.passed(stages, params, xs, dxs)

    def passed(self, stages, params, xs, dxs):
        """Work out what formulas ask for, and make the step."""
        work = self.tasks
        for passing, reducer in zip(self.passes, work.reducing):
            summed = reducer(work, params, xs, dxs) if self.unlocked else reducer.task(params, xs, dxs) is params
            if not summed or self.settle(passing, stages, params, xs, dxs):
                return False
        if self.updates_only:
            return work.update(params, xs, dxs) is params
        way = self.again_in_pieces if self.one_replaces is None else self.replacing_again
        return way(stages, params, xs, dxs)

    def replacing_again(self, stages, params, xs, dxs):
        """Make a step in which the hyperparameters of one stage are replaced."""
        k, names, values = self.one_replaces
        own, pairs = vars(stages[k]), zip(names, values)
        try:
            return self.tasks.update(params, xs, dxs) is params
        finally:
            own.update(pairs)  # one call, not of Python: Ctrl-C comes before the step or after this

    def again_in_pieces(self, stages, params, xs, dxs):
        """Make a step that may be several calls."""
        work = self.tasks
        if not self.replacing and not work.shared():
            return work.update(params, xs, dxs) is params

        def pieces():
            done = work.update_by_threads(params, xs, dxs) if work.shared() else work.update(params, xs, dxs) is params
            self.give_back(stages)
            return done

        return undisturbed(pieces)

    # The pieces of a step that is made with care.  ``xs`` and ``dxs`` are regular arrays, ``rows`` the places of
    # the parameters that take part.

    def passing(self, stage, level):
        """The pass of a stage and level."""
        return next(each for each in self.passes if (each.stage, each.level) == (stage, level))

    def settle(self, passing, stages, params, xs, dxs):
        """Let the stage of a pass have its numbers, once kernels have summed; return the places to leave alone."""
        columns, name = self.numbers_of(passing, xs, dxs), functools.partial(name_of, params)
        columns, left = settled(stages[passing.stage], passing, columns, self.sizes, name)
        for cells, column in zip(self.cells[passing.columns], columns):
            cells[:] = column
        return left

    def reduce(self, passing, params, xs, dxs):
        """Return the numbers of a pass, a list of those of all parameters for each reduction."""
        work = self.tasks
        if not (work and work.reducing[self.passes.index(passing)](work, params, xs, dxs)):
            hyper, stages = self.hyper.tolist(), passing.stage + 1
            for row, (x, dx) in enumerate(zip(xs, dxs)):
                self.reduced[row, passing.columns] = sums(self.stages_of(row)[:stages], passing, hyper, x, dx)
        return self.numbers_of(passing, xs, dxs)

    def numbers_of(self, passing, xs, dxs):
        """The numbers that the sums of a pass tell, of each parameter by itself; means are sums still."""
        columns = [cells.tolist() for cells in self.cells[passing.columns]]
        for j, reduction in enumerate(passing.reductions):
            if reduction.kind is norm:
                columns[j] = self.norms_of(passing, j, columns[j], xs, dxs)
        return columns

    def norms_of(self, passing, j, totals, xs, dxs):
        low, high = self.trusted
        if low <= min(totals) <= max(totals) <= high:
            return list(map(math.sqrt, totals))
        hyper, norms = self.hyper.tolist(), []
        for row, (total, x, dx) in enumerate(zip(totals, xs, dxs)):
            stages = self.stages_of(row)[: passing.stage + 1]
            good = low <= total <= high
            norms.append(math.sqrt(total) if good else norm_in_units(stages, passing, j, hyper, bare(x), bare(dx)))
        return norms

    @np.errstate(all="ignore")
    def subtract(self, stages, rows, params, xs, dxs):
        """Overwrite parameters and their state."""
        if not (self.tasks and self.tasks.subtract(rows, params, xs, dxs)):
            for made in self.by_formulas(rows, xs, dxs):
                made.subtract()
        self.give_back(stages)

    @np.errstate(all="ignore")
    def write(self, stages, rows, params, xs, dxs):
        """Overwrite gradients with the steps; and the state."""
        if not (self.tasks and self.tasks.write(self, rows, params, xs, dxs)):
            for made in self.by_formulas(rows, xs, dxs):
                made.write()
        self.give_back(stages)

    @np.errstate(all="ignore")
    def rehearse(self, xs, dxs):
        """Raise what the formulas would raise, whatever the elements are."""
        for row, (x, dx) in enumerate(zip(xs, dxs)):
            through(self.stages_of(row), self.hyper.tolist(), flat(x), flat(dx), slice(0))

    def by_formulas(self, rows, xs, dxs):
        """Make the steps by formulas; all of them are known to be possible when this returns."""
        made, hyper = [], self.hyper.tolist()
        for row in rows:
            tasks.worked(self, xs[row].size)
            made.append(Made(self.stages_of(row), hyper, xs[row], dxs[row]))
            hyper = made[-1].next_hyper() if self.replacing else hyper
        self.hyper[:] = hyper
        return made

    def stages_of(self, row):
        """The stages at work on one parameter, for ``plain``."""
        found = self.at_work.get(row)
        if found is None:
            found = self.at_work[row] = [self.stage_at_work(k, row) for k in range(len(self.kinds))]
        return found

    def stage_at_work(self, k, row):
        (formula, chars), state = self.kinds[k], self.states[row][k]
        names = [reduction.name for reduction in reductions_of(formula)]
        begin = next((each.columns.start for each in self.passes if each.stage == k), 0)
        return Stage(
            formula,
            working(formula),
            roles(formula)[2],
            list(map(flat, state[: len(chars)])),
            (*state, None)[len(chars)],
            given(formula),
            self.noise.flat(k, row),
            names,
            self.reduced[row, begin : begin + len(names)],
            begin,
        )
