"""One step: prepared once for an optimiser and a set of parameters, then done in one call.

A ``Plan`` holds what stays the same from step to step: the state of every parameter and the table
that the compiled walk reads.  Nothing in it can go stale: the hyperparameters are read anew at every
step, the IdDicts are asked whether the state still is the same, and the arrays of parameters and
gradients are handed over at every step and checked by compiled code, which takes their addresses
from the array objects themselves.  A plan dies with any of its parameters.

Where there is no kernel yet, formulas run on whole arrays; arrays that no kernel may touch (strided,
16-bit, big-endian, ...) are copied, updated and copied back, one parameter after the other.
"""

import functools
import itertools
import math
import struct
import weakref

import numpy as np

from minigrad.errors import NonFiniteError
from minigrad.optimise import kernels, loops, threads
from minigrad.optimise.arrays import check, check_parameter, describe, flat, native, order_of, regular, which
from minigrad.optimise.walk import CHECK, COMMIT, ITEMS, LOOP, dtype_word

BLOCK = 8192  # elements at a time where formulas run on arrays: temporaries stay in the cache
CALL = 10_000  # what a step costs there besides, in elements
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
    kind = id(params[0]), len(params)
    plan = plans.recent.get(kind)
    if plan is not None and plan.valid() and plan.run(plans, params, xs, dxs):
        return
    plan = plans.find(params, xs)
    if plan is not None and plan.compiled() and plan.run(plans, params, xs, dxs):
        plans.recent[kind] = plan
    else:
        one_by_one(plans, params, xs, dxs)


def one_by_one(plans, params, xs, dxs):
    """The same for arrays of all kinds; raises before any parameter is overwritten."""
    dxs = [check(x, dx, row, len(xs)) for row, (x, dx) in enumerate(zip(xs, dxs))]
    each = [plans.find((p,), (x,), x.shape, x.dtype.char) for p, x in zip(params, xs)]
    for j, k in enumerate(each[0].measured):
        norms = [plan.norm(j, p, *plan.regular(x, dx)) for plan, p, x, dx in zip(each, params, xs, dxs)]
        norms, bad = settle(plans.stages[k], norms, xs)
        if bad:
            return without(bad, plans, params, xs, dxs)
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
    for j, k in enumerate(plan.measured):
        norms, bad = settle(plans.stages[k], [plan.norm(j, p, x_, dx_)], (x,))
        if bad:
            return None
        plan.norms[j] = norms
    plan.read_hyper()
    out = np.array(dx_, order=plan.order)
    kernel = plan.compiled() and plan.kernel(loops.STEP, _worked.get(plan.key, 0), plan.kinds)
    if not (kernel and plan.obey(plan.task(kernel, CHECK | LOOP | COMMIT), (p,), (x_,), (out,))):
        plan.overwrite(x_, dx_, out)
    plan.take_back()
    return out.astype(x.dtype, copy=False)


def without(bad, plans, params, xs, dxs):
    """Make the step without the parameters at the places ``bad``."""
    params, xs, dxs = (
        tuple(v for row, v in enumerate(values) if row not in bad) for values in (params, xs, dxs)
    )
    if params:
        step(plans, params, xs, dxs)


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

    walk = quick = None  # the compiled walk, once there are kernels; for small parameters, a quicker one

    def __init__(self, stages, params, xs):
        self.stages, self.rows, self.dtype = stages, len(params), native(xs[0].dtype)
        self.size = sum(x.size for x in xs)
        self.measured = [k for k, stage in enumerate(stages) if stage.measures]
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
        return state + (self.norms[self.measured.index(k), row : row + 1],) if stage.measures else state

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
        if self.walk is None and self.dtype.char in "fdFD":
            work = _worked.get(self.key, 0)
            if work >= kernels.LOADING and kernels.available():
                self.get_kernels(work)
        return self.walk is not None

    def get_kernels(self, work):
        measuring = [self.kernel(loops.MEASURE, work, self.kinds[:k]) for k in self.measured]
        kernel, walk = self.kernel(loops.UPDATE, work, self.kinds), kernels.walker(work)
        if kernel and walk and all(measuring):
            # further plans of the same formulas need not wait
            _worked[self.key] = max(_worked.get(self.key, 0), kernels.LOADING)
            everything = self.task(kernel, CHECK | LOOP | COMMIT)
            self.quick = kernels.bound(everything, work) if self.size < KEEP_LOCK_BELOW else None
            self.updating, self.everything = kernel, everything
            self.measuring = [self.task(each, CHECK | LOOP) for each in measuring]
            self.address = everything.ctypes.data
            self.walk = walk

    def kernel(self, purpose, work, kinds):
        try:
            return kernels.find(text_of(kinds, self.dtype.char, purpose), self.dtype, purpose, work)
        except OSError:  # a formula whose text cannot be read
            return None

    def task(self, kernel, mode, first=0, last=None, part=0, parts=1):
        """Lay out a table for ``walk``: which kernel to run on which parameters, how and how much."""
        return np.array(
            [
                first,
                self.rows if last is None else last,
                *self.table,
                kernel,
                dtype_word(self.dtype),
                self.dtype.itemsize,
                id(np.ndarray),
                part,
                parts,
                mode,
            ],
            np.int64,
        )

    def run(self, plans, params, xs, dxs):
        """Make the step by compiled code; False, and nothing is written, if the arrays are not regular."""
        self.read_hyper()
        for j, k in enumerate(self.measured):
            if not self.obey(self.measuring[j], params, xs, dxs):
                return False
            norms = [math.sqrt(square) for square in self.norms[j].tolist()]
            low, high = self.trusted()
            if not low <= min(norms) <= max(norms) <= high:
                for row, norm in enumerate(norms):
                    if norm < low or high < norm:
                        norms[row] = self.norm_by_formulas(j, xs[row], dxs[row], row)
            norms, bad = settle(self.stages[k], norms, xs)
            if bad:
                without(bad, plans, params, xs, dxs)
                return True
            self.norms[j] = norms
        if not self.loop(params, xs, dxs):
            return False
        if self.replacing:
            self.take_back()
        return True

    def loop(self, params, xs, dxs):
        """Update by compiled code; False, and nothing is written, if the arrays are not regular."""
        if self.quick is not None:
            return self.quick(params, xs, dxs) is params
        if threads._number == 1 or self.size < threads.WORTH:
            tuples = params, xs, dxs
            return self.walk(self.address, id(tuples) + ITEMS) < 0
        kernel, parts = self.updating, threads._number
        if not self.obey(self.task(kernel, CHECK), params, xs, dxs):
            return False
        for row, x in enumerate(xs):
            if x.size < threads.WORTH:
                self.obey(self.task(kernel, LOOP | COMMIT, row, row + 1), params, xs, dxs)
            else:
                shares = [self.task(kernel, LOOP, row, row + 1, part, parts) for part in range(parts)]
                threads.share(lambda part: self.obey(shares[part], params, xs, dxs), parts)  # noqa: B023
                self.obey(self.task(kernel, COMMIT, row, row + 1), params, xs, dxs)
        return True

    def obey(self, task, *tuples):
        """Do what a table says, other threads running meanwhile; False if the arrays are not regular."""
        return self.walk(task.ctypes.data, id(tuples) + ITEMS) < 0

    # By formulas on arrays; one parameter.

    def norm(self, j, p, x, dx):
        """The norm that the j-th measuring stage of a plan for one parameter meets."""
        self.read_hyper()
        if self.compiled() and self.obey(self.measuring[j], (p,), (x,), (dx,)):
            norm = math.sqrt(self.norms[j, 0])
            low, high = self.trusted()
            if not (norm < low or high < norm):
                return norm
        return self.norm_by_formulas(j, x, dx)

    def trusted(self):
        """The norms between which no sum of squares can have vanished or overflowed."""
        return (1e-140, 1e140) if self.dtype.char in "dD" else (1e-15, 1e15)

    @np.errstate(all="ignore")
    def norm_by_formulas(self, j, x, dx, row=0):
        sizes = [np.abs(step).astype(float) for _, step, _ in self.blocks(x, dx, row, self.measured[j])]
        unit = max((float(size.max()) for size in sizes if size.size), default=0.0)
        if 1e-100 < unit < 1e100 or unit == 0 or not math.isfinite(unit):
            unit = 1.0
        return unit * math.sqrt(sum(float(np.sum(np.square(size / unit))) for size in sizes))

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
            named = dict(zip(loops.roles(stage.formula)[2], hyper))
            stages.append((stage.formula, [flat(a) for a in state[: len(chars)]], numbers, named))
        for begin in range(0, max(1, x.size), BLOCK):
            part = slice(begin, begin + BLOCK)
            step, news = dx[part], []
            for formula, arrays, numbers, named in stages:
                results = formula(x[part], step, *[a[part] for a in arrays], *numbers, **named)
                step, *new = results if isinstance(results, tuple) else (results,)
                news.append(new)
            yield part, step, news
