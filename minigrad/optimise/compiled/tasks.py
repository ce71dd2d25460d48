"""The work of a plan, compiled: each task is a function of three tuples that walks over the plan's parameters.

``find`` gives a plan its tasks as soon as kernels are worth their cost.  A task is called with the tuples of
parameters, of their arrays and of their gradients; it finds the arrays, checks them and takes the addresses from
the array objects themselves.  It returns the first of its arguments; or, having written nothing, another one if
it may not touch the arrays.
"""

import functools

import numpy as np

from .. import lanes
from ..arrays import bare, extent
from . import kernels, loops, threads
from .walk import APART, CHECK, COMMIT, ITEMS, LOOP, UNLOCK, dtype_word

CALL = 10_000  # what a step by formulas costs besides, in elements
KEEP_LOCK_BELOW = 100_000  # elements; handing Python's lock over costs more than so short a step

_worked = {}  # elements updated without a kernel, by what the kernel would be made of


def worked(plan, size):
    """Count elements that were updated without a kernel."""
    _worked[plan.key] = _worked.get(plan.key, 0) + size + CALL


def tasks_of(plan, work=None):
    """Return the tasks of a plan; None where they are not worth their cost yet, or not to be had."""
    work = _worked.get(plan.key, 0) if work is None else work
    found = kernels_of(plan, work)
    if found is None or not kernels.find(kernels.WALK, "d", work=work):
        return None
    _worked[plan.key] = max(_worked.get(plan.key, 0), kernels.LOADING)  # further plans need not wait
    return Tasks(plan, *found)


def kernels_of(plan, work):
    """Return the kernel that updates, and those that sum; None where not all of them are to be had."""
    if plan.dtype.char not in "fdFD" or work < kernels.LOADING or not kernels.available():
        return None
    reducing = [kernel(plan, loops.REDUCE, work, plan.kinds[: each.stage + 1], each.level) for each in plan.passes]
    updating = kernel(plan, loops.UPDATE, work, plan.kinds)
    return (updating, reducing) if updating and all(reducing) else None


def kernel(plan, purpose, work, kinds, level=None):
    """The address of a kernel for a plan, None where there is none."""
    try:
        return kernels.find(text_of(kinds, plan.dtype.char, purpose, level), plan.dtype, purpose, work)
    except OSError:  # a formula whose text cannot be read
        return None


@functools.lru_cache(maxsize=None)
def text_of(kinds, char, purpose, level=None):
    """The text of a kernel; ``kinds`` are pairs (formula, characters of the dtypes of its arrays)."""
    return loops.write([(formula, [np.dtype(c) for c in chars]) for formula, chars in kinds], char, purpose, level)


class Tasks:
    """What kernels do for a plan.  Refers to the plan's arrays, not to the plan, which holds the tasks."""

    def __init__(self, plan, updating, reducing):
        self.rows, self.size, self.unlocked = plan.rows, plan.size, plan.unlocked
        self.updating, self.stepping, self.kernels, self.passes = updating, None, reducing, plan.passes
        self.lay_out(plan)
        self.apart = APART if self.rows > 1 else 0

    @functools.cached_property
    def reducing(self):
        return [Reducer(self, *each) for each in zip(self.kernels, self.passes)]

    @functools.cached_property
    def update(self):
        return self.task(self.updating, CHECK | self.apart | LOOP | COMMIT)

    def lay_out(self, plan):
        """Lay out for ``walk`` what it needs to know (see walk.py)."""
        self.items = tuple(a for row in range(self.rows) for a in plan.arrays_of(row))
        wanted = []  # per array of one parameter: its dtype, and its length (-1: shaped like x)
        for k, made in enumerate(plan.fresh):
            wanted += [(dtype_word(a.dtype), a.size or -1) for a in made]
            wanted += [(dtype_word(plan.dtype), -1)] if k in plan.noise.of else []
        wanted += [(dtype_word(plan.reduced.dtype), plan.reduced.shape[1])] if plan.passes else []
        self.wanted = np.array(wanted + [(0, 0)], np.int64)
        self.ids, self.hyper, self.reduced = plan.ids, plan.hyper, plan.reduced
        self.places = np.zeros((self.rows, 3), np.int64)  # of each parameter: address, bytes; its last gradient's
        self.sorted = np.zeros((self.rows, 2), np.int64)  # where each begins and ends, in the order of memory
        self.where = self.places, self.sorted, np.arange(self.rows, dtype=np.int64)  # its place in the tuples
        self.before = [self.ids.ctypes.data, id(self.items) + ITEMS, len(wanted), self.wanted.ctypes.data]
        self.before.append(self.hyper.ctypes.data)
        self.after = [dtype_word(plan.dtype), plan.dtype.itemsize, id(np.ndarray), id(plan.holder)]

    def look(self, xs):
        """See where the parameters lie, which must not overlap each other, so that ``update`` may touch them."""
        self.places[:] = places_of(xs)
        self.sorted[:] = sorted(map(extent, xs))

    def task(self, kernel, mode, first=0, last=None, *shared):
        """Return a task of some of the parameters: with which kernel, and how."""
        return kernels.walker(np.array(self.table(kernel, mode, first, last, *shared), np.int64))

    def table(self, kernel, mode, first=0, last=None, part=0, parts=1, partial=0, where=None, then=0):
        """Return what ``walk`` and the kernels are told.

        ``partial`` is where threads leave their sums; ``where`` are arrays that say where parameters are, its own
        unless given; ``then`` is where the next table is.
        """
        last, (places, order, standing) = self.rows if last is None else last, where or self.where
        mode |= UNLOCK if self.unlocked else 0
        where = [len(order), places.ctypes.data, order.ctypes.data, standing.ctypes.data]
        return [first, last, *self.before, kernel, *self.after, part, parts, mode, *where, then, partial]

    def states(self, row):
        """Return the address of the arrays that are the state of a parameter."""
        return id(self.items) + ITEMS + 8 * (len(self.wanted) - 1) * row

    def over(self, rows, kernel, params, xs, dxs):
        """Run a kernel for the parameters at some places; False, and nothing is written, if it may not."""
        if len(rows) == self.rows:
            return obeyed(self.task(kernel, CHECK | LOOP | COMMIT), params, xs, dxs)
        if not obeyed(self.task(kernel, CHECK), params, xs, dxs):
            return False
        for row in rows:
            self.task(kernel, LOOP | COMMIT, row, row + 1)(params, xs, dxs)
        return True

    def subtract(self, rows, params, xs, dxs):
        """Overwrite parameters and their state; False, and nothing is written, if no kernel may."""
        if self.shared():
            return self.by_threads(rows, params, xs, dxs)
        return self.over(rows, self.updating, params, xs, dxs)

    def write(self, plan, rows, params, xs, dxs):
        """Overwrite gradients with the steps, and the state; False, and nothing is written, if no kernel may."""
        self.stepping = self.stepping or kernel(plan, loops.STEP, _worked.get(plan.key, 0), plan.kinds)
        return bool(self.stepping) and self.over(rows, self.stepping, params, xs, dxs)

    def update_by_threads(self, params, xs, dxs):
        """``update`` by several threads; False, and nothing is written, if no kernel may."""
        return self.by_threads(range(self.rows), params, xs, dxs, self.apart)

    def shared(self):
        """Whether several threads share the work."""
        return threads.number > 1 and self.size >= threads.WORTH

    def by_threads(self, rows, params, xs, dxs, check=0):
        """``subtract`` by several threads."""
        kernel, parts = self.updating, threads.number
        if not obeyed(self.task(kernel, CHECK | check), params, xs, dxs):
            return False
        for row in rows:
            if xs[row].size < threads.WORTH:
                self.task(kernel, LOOP | COMMIT, row, row + 1)(params, xs, dxs)
            else:
                shares = [self.task(kernel, LOOP, row, row + 1, part, parts) for part in range(parts)]
                threads.share(lambda part: shares[part](params, xs, dxs), parts)  # noqa: B023
                self.task(kernel, COMMIT, row, row + 1)(params, xs, dxs)
        return True


class Chain:
    """The work of several plans on one step: all their arrays are checked before the first is overwritten.

    Parameters
    ----------
    works : list of Tasks
    rows : for each, the places of its parameters in the tuples that tasks are called with
    xs : for each, the arrays of its parameters, none of which may overlap another one
    """

    def __init__(self, works, rows, xs):
        order = np.array(sorted(extent(x) for each in xs for x in each), np.int64).reshape(-1, 2)
        self.works, self.kept = works, []
        self.where = [(places_of(each), order, np.array(own, np.int64)) for each, own in zip(xs, rows)]
        self.check = self.task(range(len(works)), CHECK | APART)
        self.update = self.task(range(len(works)), CHECK | APART | LOOP | COMMIT)
        self.run = [self.task([k], LOOP | COMMIT) for k in range(len(works))]

    def task(self, members, mode, reducing=None):
        """Return a task of some of the works; ``reducing`` has for each the number of the pass that it makes."""
        table, then = None, 0
        for k in reversed(members):
            work = self.works[k]
            kernel = work.updating if reducing is None else work.kernels[reducing[k]]
            table = np.array(work.table(kernel, mode, where=self.where[k], then=then), np.int64)
            then = table.ctypes.data
            self.kept.append(table)
        return kernels.walker(table)


def places_of(xs):
    """For ``walk``, of each array: address, bytes; a place for where its last gradient was."""
    extents = map(extent, xs)
    return np.array([(low, high - low, 0) for low, high in extents], np.int64).reshape(-1, 3)


class Reducer:
    """The task of a pass: sums what formulas ask for into the plan's ``reduced``."""

    def __init__(self, work, kernel, passing):
        self.kernel, self.columns, self.many = kernel, passing.columns, len(passing.reductions)
        self.task = work.task(kernel, CHECK | LOOP)

    def __call__(self, work, params, xs, dxs):
        """Sum; or return False, and nothing is summed, if no kernel may touch the arrays."""
        if threads.number == 1 or not work.shared():
            return self.task(params, xs, dxs) is params
        if not obeyed(work.task(self.kernel, CHECK), params, xs, dxs):
            return False
        for row, x in enumerate(xs):
            if x.size < threads.WORTH:
                work.task(self.kernel, LOOP, row, row + 1)(params, xs, dxs)
            else:
                work.reduced[row, self.columns] = self.by_threads(work, row, params, xs, dxs)
        return True

    def by_threads(self, work, row, params, xs, dxs):
        """Return the sums of one parameter: those of its blocks, added one after the other as ever."""
        parts, blocks = threads.number, -(-xs[row].size // lanes.BLOCK)
        partial = np.zeros((blocks, self.many))
        shared = [(part, parts, partial.ctypes.data) for part in range(parts)]
        shares = [work.task(self.kernel, LOOP, row, row + 1, *each) for each in shared]
        threads.share(lambda part: shares[part](params, xs, dxs), parts)
        return np.add.accumulate(partial)[-1]


def lets_others_run(size, arrays=0):
    """Whether other threads of Python run during a step on so many elements of so many arrays, to be held meanwhile."""
    return size >= KEEP_LOCK_BELOW * (1 + arrays / 100)


def held(params, dxs):
    """The arrays of parameters and of gradients, kept alive whatever other threads do meanwhile."""
    return tuple(map(bare, params)), tuple(map(bare, dxs))


def obeyed(task, params, xs, dxs):
    """Do what a task says; False, and nothing is written, if it may not touch the arrays."""
    return task(params, xs, dxs) is params
