"""One step: prepared once for an optimiser and a set of parameters, then done in one call.

A ``Plan`` holds what stays the same from step to step: the state of every parameter and the table
that the compiled walk reads.  Nothing in it can go stale: the hyperparameters are read anew at every
step, the IdDicts are asked whether the state still is the same, and the parameters and gradients are
handed over at every step to compiled code, which finds their arrays, checks them and takes the
addresses from the array objects themselves.  A plan dies with any of its parameters.

Where there is no kernel yet, formulas run on whole arrays; arrays that no kernel may touch (strided,
16-bit, big-endian, ...) are copied, updated and copied back, one parameter after the other.
"""

import functools
import itertools
import math
import struct
import weakref

import numpy as np

from ...core.errors import NonFiniteError
from ...core.storage import Storage
from .. import lanes
from ..arrays import (
    bare,
    check,
    check_parameter,
    describe,
    flat,
    native,
    order_of,
    regular,
    which,
)
from ..reading import roles
from . import kernels, loops, threads
from .walk import CHECK, COMMIT, ITEMS, LOOP, UNLOCK, dtype_word

CALL = 10_000  # what a step by formulas costs besides, in elements
KEEP_LOCK_BELOW = 100_000  # elements; handing Python's lock over costs more than so short a step

unpack = struct.Struct("2d").unpack_from

_worked = {}  # elements updated without a kernel, by what the kernel would be made of


class Plans(dict):
    """All plans of one optimiser, whose stages are built-in rules.

    They are forgotten altogether when a parameter of any of them dies.
    """

    __slots__ = ("stages", "composed", "registered", "recent", "__weakref__")
    LIMIT = 10_000

    def __init__(self, stages, composed, registered):
        self.stages = stages
        self.composed = composed  # pairs (Optimiser, list of its members then)
        self.registered = registered  # how many rules were registered on apply_ then
        self.recent = {}  # first parameter, how many -> the compiled plan last used for such

    def again(self, params, dxs):
        """Make a compiled step like the last; False, and nothing is written, if there was none like it."""
        first = params[0]
        plan = self.recent.get((id(first), len(params)))
        if plan is None or not plan.valid():
            return False
        if isinstance(first, Storage):
            first.to_overwrite("update_")  # refuses while a gradient is taken, of whichever
        return plan.run(self, params, dxs)

    def find(self, params, xs, *more):
        """Return the plan for these parameters, the old one if it still holds; None if their dtypes differ.

        What is given besides must be the same for a plan to be used again; where nothing is, the
        arrays may have changed in any way, and only compiled code, which checks, may go by the plan.
        """
        key = (*map(id, params), *more)
        plan = self.get(key)
        if plan is not None and plan.valid():
            return plan
        for row, x in enumerate(xs):
            check_parameter(x, row, len(xs))
        if len(set(map(id, params))) < len(params):
            raise ValueError(
                "update_: a parameter is listed twice, each time with a gradient of its own. Add the "
                "gradients first, or list it once"
            )
        if len({native(x.dtype) for x in xs}) > 1:
            return None
        if len(self) >= self.LIMIT:
            self.forget()
        plan = self[key] = Plan(self.stages, params, xs)
        plan.watching = self.watch(params)
        return plan

    def watch(self, params):
        this = weakref.ref(self)

        def forget(_):
            plans = this()
            if plans is not None:
                plans.forget()

        return [weakref.ref(p, forget) for p in params]

    def forget(self):
        self.clear()
        self.recent.clear()


def step(plans, params, xs, dxs):
    """Make one step on all ``params``: tuples of them, of their arrays, of their gradients."""
    plan = plans.find(params, xs)
    if plan is not None and plan.compiled() and plan.run(plans, params, dxs):
        plans.recent[id(params[0]), len(params)] = plan
    else:
        one_by_one(plans, params, xs, dxs)


def one_by_one(plans, params, xs, dxs):
    """The same for arrays of all kinds; raises before any parameter is overwritten."""
    dxs = [check(x, dx, row, len(xs)) for row, (x, dx) in enumerate(zip(xs, dxs))]
    each = [plans.find((p,), (x,), x.shape, x.dtype.char) for p, x in zip(params, xs)]
    for k, j in each[0].measured.items():
        norms = [plan.norm(k, p, *plan.regular(x, dx)) for plan, p, x, dx in zip(each, params, xs, dxs)]
        norms, bad = settle(plans.stages[k], norms, xs)
        if bad:
            return without(bad, plans, params, dxs)
        for plan, norm in zip(each, norms):
            plan.norms[j] = norm
    for plan, p, x, dx in zip(each, params, xs, dxs):
        x_, dx_ = plan.regular(x, dx)
        plan.read_hyper()
        if not (plan.compiled() and plan.loop((p,), (x_,), (dx_,))):
            plan.overwrite(x_, dx_)
        plan.take_back()
        if x_ is not x:
            x[...] = x_


def step_of(plans, p, x, dx):
    """Return the step of one parameter as a new array; the parameter stays, its state moves on.

    None if a clipping stage says to leave the parameter alone.
    """
    dx = check(x, dx)
    plan = plans.find((p,), (x,), x.shape, x.dtype.char)
    x_, dx_ = plan.regular(x, dx)
    for k, j in plan.measured.items():
        norms, bad = settle(plans.stages[k], [plan.norm(k, p, x_, dx_)], (x,))
        if bad:
            return None
        plan.norms[j] = norms
    plan.read_hyper()
    out = np.array(dx_, order=plan.order)
    kernel = plan.compiled() and plan.kernel(loops.STEP, _worked.get(plan.key, 0), plan.kinds)
    if not (kernel and obeyed(plan.task(kernel, CHECK | LOOP | COMMIT), (p,), (x_,), (out,))):
        plan.overwrite(x_, dx_, out)
    plan.take_back()
    return out.astype(x.dtype, copy=False)


def obeyed(task, params, xs, dxs):
    """Do what a task says; False, and nothing is written, if the arrays are not regular."""
    return task(params, xs, dxs) is params


def own(value):
    """Return a new value of the state so that it stays as it is while the step is written.

    Formulas may return their arguments, and those are parts of what is about to be overwritten.
    """
    return value.copy() if isinstance(value, np.ndarray) and not value.flags.owndata else value


def without(bad, plans, params, dxs):
    """Make the step without the parameters at the places ``bad``."""
    params, dxs = (tuple(v for row, v in enumerate(values) if row not in bad) for values in (params, dxs))
    if params:
        step(plans, params, tuple(map(bare, params)), tuple(map(bare, dxs)))


def settle(stage, norms, xs):
    """Return what a clipping stage measures by, one norm per parameter, and which to leave alone."""
    bad = [row for row, norm in enumerate(norms) if not math.isfinite(norm)]
    if bad and stage.nonfinite == "raise":
        row = bad[0]
        raise NonFiniteError(
            f"{type(stage).__name__}: the gradient of {which(row, len(xs), xs[row])} has norm {norms[row]}; "
            "nothing was updated. Look for the cause, or write nonfinite='skip' to leave such parameters "
            "alone or 'pass' to go on"
        )
    if stage.measures == "all":
        bad = list(range(len(xs))) if bad else bad
        norms = [math.hypot(*norms)] * len(norms)
    return norms, [] if stage.nonfinite == "pass" else bad


@functools.lru_cache(maxsize=None)
def text_of(kinds, char, purpose):
    """The text of a kernel; ``kinds`` are pairs (formula, characters of the dtypes of its arrays)."""
    return loops.write([(formula, [np.dtype(c) for c in chars]) for formula, chars in kinds], char, purpose)


class Plan:
    """What the steps of ``stages`` on ``params``, whose arrays are ``xs`` now, have in common."""

    update = None  # the task of a whole step, once there are kernels

    def __init__(self, stages, params, xs):
        self.stages, self.rows, self.dtype = stages, len(params), native(xs[0].dtype)
        self.holder = type(params[0]) if isinstance(params[0], Storage) else Storage
        self.size = sum(x.size for x in xs)
        measured = [k for k, stage in enumerate(stages) if stage.measures]
        self.measured = {k: j for j, k in enumerate(measured)}  # stage -> row of norms
        self.norms = np.zeros((len(self.measured), self.rows))
        self.ids = np.array([id(p) for p in params], np.int64)
        places = itertools.accumulate((len(stage.hyper()) for stage in stages), initial=0)
        self.replacing = [(stage, place) for stage, place in zip(stages, places) if stage.replaces]
        for stage in stages:
            stage.refuse_dtype(self.dtype)
        fresh = [stage.fresh(np.zeros(0, self.dtype)) for stage in stages]
        self.kinds = tuple(
            (stage.formula, "".join(a.dtype.char for a in made if a.size == 0))
            for stage, made in zip(stages, fresh)
        )
        self.key = self.kinds, self.dtype.char
        self.states = [
            [self.state(k, made, p, x, row) for k, made in enumerate(fresh)]
            for row, (p, x) in enumerate(zip(params, xs))
        ]
        self.kept = [
            (vars(stage), stage.kept, getattr(stage, stage.kept), getattr(stage, stage.kept).changes)
            for stage in stages
            if stage.kept
        ]
        self.order = next(
            (order_of(a) for state in self.states[0] for a in state if a.shape == xs[0].shape),
            order_of(xs[0]),
        )
        self.lay_out(fresh)

    def state(self, k, fresh, p, x, row):
        """Return the arrays of stage ``k`` for a parameter, made if need be; raise unless they fit it."""
        stage = self.stages[k]
        state = stage.state_of(p, regular(x, x, order_of(x), self.dtype)[0])
        good = len(state) == len(fresh) and all(
            type(a) is np.ndarray
            and a.dtype == b.dtype
            and a.shape == (b.shape if b.size else x.shape)
            and a.flags.behaved
            and a.flags.forc
            for a, b in zip(state, fresh)
        )
        if not good:
            kept = ", ".join(describe(a) if isinstance(a, np.ndarray) else repr(a) for a in state)
            raise ValueError(
                f"{type(stage).__name__}: the state kept for this parameter ({kept}) does not fit it "
                f"({describe(x)}). If its data was replaced by another array, forget the old state: "
                f"opt.reset_() or del opt.{stage.kept}[x]"
            )
        return state + (self.norms[self.measured[k], row : row + 1],) if stage.measures else state

    def lay_out(self, fresh):
        """Lay out for ``walk`` what it needs to know (see walk.py)."""
        self.items = tuple(a for states in self.states for state in states for a in state)
        wanted = []  # per array of one parameter: its dtype, and its length (-1: shaped like x)
        for stage, made in zip(self.stages, fresh):
            wanted += [(dtype_word(a.dtype), a.size or -1) for a in made]
            wanted += [(dtype_word(self.norms.dtype), 1)] if stage.measures else []
        self.wanted = np.array(wanted + [(0, 0)], np.int64)
        self.hyper = np.zeros(sum(len(stage.hyper()) for stage in self.stages) + 1)
        self.pack = struct.Struct(f"{self.hyper.size - 1}d").pack_into
        self.table = [
            self.ids.ctypes.data,
            id(self.items) + ITEMS,
            len(wanted),
            self.wanted.ctypes.data,
            self.hyper.ctypes.data,
        ]

    def valid(self):
        """Whether the plan still holds: no state was replaced or forgotten since."""
        for place, name, kept, changes in self.kept:
            if place[name] is not kept or kept.changes != changes:
                return False
        return True

    def regular(self, x, dx):
        return regular(x, dx, self.order, self.dtype)

    def read_hyper(self):
        """Read the hyperparameters as they are now."""
        if len(self.stages) == 1:
            return self.pack(self.hyper, 0, *self.stages[0].hyper())
        values = []
        for stage in self.stages:
            values += stage.hyper()
        self.pack(self.hyper, 0, *values)

    def take_back(self):
        """Give hyperparameters that a formula has replaced back to their optimisers."""
        for stage, place in self.replacing:
            stage.replace(unpack(self.hyper, 8 * place))

    # Compiled.

    def compiled(self):
        """Whether kernels are at hand; gets them when they are worth their cost."""
        if self.update is None and self.dtype.char in "fdFD":
            work = _worked.get(self.key, 0)
            if work >= kernels.LOADING and kernels.available():
                self.get_kernels(work)
        return self.update is not None

    def get_kernels(self, work):
        measuring = [self.kernel(loops.MEASURE, work, self.kinds[:k]) for k in self.measured]
        updating = self.kernel(loops.UPDATE, work, self.kinds)
        if updating and all(measuring) and kernels.find(kernels.WALK, "d", work=work):
            # further plans of the same formulas need not wait
            _worked[self.key] = max(_worked.get(self.key, 0), kernels.LOADING)
            self.updating = updating
            self.measuring = [self.task(each, CHECK | LOOP) for each in measuring]
            self.update = self.task(updating, CHECK | LOOP | COMMIT)

    def kernel(self, purpose, work, kinds):
        try:
            return kernels.find(text_of(kinds, self.dtype.char, purpose), self.dtype, purpose, work)
        except OSError:  # a formula whose text cannot be read
            return None

    def task(self, kernel, mode, first=0, last=None, part=0, parts=1):
        """Return a function of three tuples that walks over their parameters: with which kernel, and how."""
        table = [
            first,
            self.rows if last is None else last,
            *self.table,
            kernel,
            dtype_word(self.dtype),
            self.dtype.itemsize,
            id(np.ndarray),
            id(self.holder),
            part,
            parts,
            mode | (UNLOCK if self.size >= KEEP_LOCK_BELOW else 0),
        ]
        return kernels.walker(np.array(table, np.int64))

    def run(self, plans, params, dxs):
        """Make the step by compiled code; False, and nothing is written, if the arrays are not regular."""
        self.read_hyper()
        xs = params
        if self.size >= KEEP_LOCK_BELOW:  # keep the arrays alive, whatever other threads do meanwhile
            xs, dxs = tuple(map(bare, params)), tuple(map(bare, dxs))
        for k, j in self.measured.items():
            if not obeyed(self.measuring[j], params, xs, dxs):
                return False
            norms, bad = settle(self.stages[k], self.measured_norms(k, xs, dxs), params)
            if bad:
                without(bad, plans, params, dxs)
                return True
            self.norms[j] = norms
        if not self.loop(params, xs, dxs):
            return False
        if self.replacing:
            self.take_back()
        return True

    def loop(self, params, xs, dxs):
        """Update by compiled code; False, and nothing is written, if the arrays are not regular."""
        if threads._number == 1 or self.size < threads.WORTH:
            return self.update(params, xs, dxs) is params
        return self.shared(params, xs, dxs)

    def shared(self, params, xs, dxs):
        """Update by several threads; False, and nothing is written, if the arrays are not regular."""
        kernel, parts = self.updating, threads._number
        if not obeyed(self.task(kernel, CHECK), params, xs, dxs):
            return False
        for row, x in enumerate(xs):
            if x.size < threads.WORTH:
                self.task(kernel, LOOP | COMMIT, row, row + 1)(params, xs, dxs)
            else:
                shares = [self.task(kernel, LOOP, row, row + 1, part, parts) for part in range(parts)]
                threads.share(lambda part: shares[part](params, xs, dxs), parts)  # noqa: B023
                self.task(kernel, COMMIT, row, row + 1)(params, xs, dxs)
        return True

    def measured_norms(self, k, xs, dxs):
        """The norms whose squares the task before stage ``k`` has measured."""
        totals = self.norms[self.measured[k]].tolist()
        low, high = self.trusted()
        if low <= min(totals) <= max(totals) <= high:
            return list(map(math.sqrt, totals))
        return [self.root(total, k, bare(x), bare(dx), row) for row, (total, x, dx) in enumerate(zip(totals, xs, dxs))]

    # By formulas on arrays; one parameter.

    def norm(self, k, p, x, dx):
        """The norm that stage ``k`` of a plan for one parameter meets."""
        self.read_hyper()
        if self.compiled() and obeyed(self.measuring[self.measured[k]], (p,), (x,), (dx,)):
            return self.measured_norms(k, (x,), (dx,))[0]
        with np.errstate(all="ignore"):
            total = lanes.total(lanes.squares(step) for _, step, _ in self.blocks(x, dx, 0, k))
        return self.root(total, k, x, dx, 0)

    def trusted(self):
        """The sums of squares in which no square can have vanished or overflowed: float64 holds those of float32."""
        return (1e-280, 1e280) if self.dtype.char in "dD" else (0.0, math.inf)

    def root(self, total, k, x, dx, row):
        """The norm that a sum of squares tells; measured anew, in units of the largest number, where it tells none."""
        low, high = self.trusted()
        return math.sqrt(total) if low <= total <= high else self.norm_in_units(k, x, dx, row)

    @np.errstate(all="ignore")
    def norm_in_units(self, k, x, dx, row):
        def steps():
            return (part for _, step, _ in self.blocks(x, dx, row, k) for part in (step.real, step.imag))

        unit = float(np.max([np.max(np.abs(part), initial=0.0) for part in steps()]))
        if unit == 0 or not math.isfinite(unit):
            return unit
        return unit * math.sqrt(lanes.total(lanes.squares(part / unit) for part in steps()))

    @np.errstate(all="ignore")
    def overwrite(self, x, dx, out=None):
        """Overwrite ``x``, or write the step to ``out``; and the state in either case."""
        _worked[self.key] = _worked.get(self.key, 0) + x.size + CALL
        target = flat(x if out is None else out)
        for part, step, news in self.blocks(x, dx):
            if out is None:
                np.subtract(target[part], step, out=target[part], casting="same_kind")
            else:
                target[part] = step
            for (state, chars), new in zip(self.parts(0), news):
                for array, value in zip(state, new[: len(chars)]):
                    flat(array)[part] = value
        self.commit(news)

    def parts(self, row):
        """Pair each stage's state with the characters of its arrays' dtypes; what is left are numbers."""
        return [(state, chars) for state, (_, chars) in zip(self.states[row], self.kinds)]

    def commit(self, news):
        """Keep the numbers, and the hyperparameters, that the formulas have returned."""
        place = 0
        for stage, (state, chars), new in zip(self.stages, self.parts(0), news):
            new = new[len(chars) :]
            if len(state) > len(chars):
                numbers = state[-1]
                numbers[:] = new[: numbers.size]
                new = new[numbers.size :]
            self.hyper[place : place + len(new)] = new
            place += len(stage.hyper())

    def blocks(self, x, dx, row=0, stop=None):
        """Yield, block by block: its place, the step of the stages before ``stop``, their new state."""
        x, dx, hyper, stages = flat(x), flat(dx), iter(self.hyper.tolist()), []
        for stage, (state, chars) in zip(self.stages[:stop], self.parts(row)):
            numbers = state[-1].tolist() if len(state) > len(chars) else []
            named = dict(zip(roles(stage.formula)[2], hyper))
            stages.append((stage.formula, [flat(a) for a in state[: len(chars)]], numbers, named))
        for begin in range(0, max(1, x.size), lanes.BLOCK):
            part = slice(begin, begin + lanes.BLOCK)
            step, news = dx[part], []
            for formula, arrays, numbers, named in stages:
                results = formula(x[part], step, *[a[part] for a in arrays], *numbers, **named)
                step, *new = results if isinstance(results, tuple) else (results,)
                step = step if isinstance(step, np.ndarray) else np.full_like(dx[part], step)
                news.append(list(map(own, new)))
            yield part, step, news
