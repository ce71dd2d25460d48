"""The work of a plan, compiled: each task is a function of three tuples that walks over the plan's parameters.

``find`` gives a plan its tasks as soon as kernels are worth their cost.  A task is called with the tuples of
parameters, of their arrays and of their gradients; it finds the arrays, checks them and takes the addresses from
the array objects themselves.  It returns the first of its arguments; or, having written nothing, another one if
it may not touch the arrays.
"""

import functools

import numpy as np

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
    """Return the kernel that updates, and those that measure; None where not all of them are to be had."""
    if plan.dtype.char not in "fdFD" or work < kernels.LOADING or not kernels.available():
        return None
    measuring = [kernel(plan, loops.MEASURE, work, plan.kinds[:k]) for k in plan.measured]
    updating = kernel(plan, loops.UPDATE, work, plan.kinds)
    return (updating, measuring) if updating and all(measuring) else None


def kernel(plan, purpose, work, kinds):
    """The address of a kernel for a plan, None where there is none."""
    try:
        return kernels.find(text_of(kinds, plan.dtype.char, purpose), plan.dtype, purpose, work)
    except OSError:  # a formula whose text cannot be read
        return None


@functools.lru_cache(maxsize=None)
def text_of(kinds, char, purpose):
    """The text of a kernel; ``kinds`` are pairs (formula, characters of the dtypes of its arrays)."""
    return loops.write([(formula, [np.dtype(c) for c in chars]) for formula, chars in kinds], char, purpose)


class Tasks:
    """What kernels do for a plan.  Refers to the plan's arrays, not to the plan, which holds the tasks."""

    def __init__(self, plan, updating, measuring):
        self.rows, self.size, self.unlocked = plan.rows, plan.size, plan.unlocked
        self.updating, self.stepping, self.kernels = updating, None, measuring
        self.lay_out(plan)
        self.apart = APART if self.rows > 1 else 0

    @functools.cached_property
    def measuring(self):
        return [self.task(each, CHECK | LOOP) for each in self.kernels]

    @functools.cached_property
    def update(self):
        return self.task(self.updating, CHECK | self.apart | LOOP | COMMIT)

    def lay_out(self, plan):
        """Lay out for ``walk`` what it needs to know (see walk.py)."""
        self.items = tuple(a for states in plan.states for state in states for a in state)
        wanted = []  # per array of one parameter: its dtype, and its length (-1: shaped like x)
        for k, made in enumerate(plan.fresh):
            wanted += [(dtype_word(a.dtype), a.size or -1) for a in made]
            wanted += [(dtype_word(plan.norms.dtype), 1)] if k in plan.measured else []
        self.wanted = np.array(wanted + [(0, 0)], np.int64)
        self.ids, self.hyper = plan.ids, plan.hyper
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

    def task(self, kernel, mode, first=0, last=None, part=0, parts=1):
        """Return a task of some of the parameters: with which kernel, and how."""
        return kernels.walker(np.array(self.table(kernel, mode, first, last, part, parts), np.int64))

    def table(self, kernel, mode, first=0, last=None, part=0, parts=1, where=None, then=0):
        """Return what ``walk`` and the kernels are told.

        ``where`` are arrays that say where parameters are, its own unless given; ``then`` is where the next table is.
        """
        last, (places, order, standing) = self.rows if last is None else last, where or self.where
        mode |= UNLOCK if self.unlocked else 0
        where = [len(order), places.ctypes.data, order.ctypes.data, standing.ctypes.data]
        return [first, last, *self.before, kernel, *self.after, part, parts, mode, *where, then]

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

    def task(self, members, mode, measuring=None):
        """Return a task of some of the works; ``measuring`` has for each the number of what it measures."""
        table, then = None, 0
        for k in reversed(members):
            work = self.works[k]
            kernel = work.updating if measuring is None else work.kernels[measuring[k]]
            table = np.array(work.table(kernel, mode, where=self.where[k], then=then), np.int64)
            then = table.ctypes.data
            self.kept.append(table)
        return kernels.walker(table)


def places_of(xs):
    """For ``walk``, of each array: address, bytes; a place for where its last gradient was."""
    extents = map(extent, xs)
    return np.array([(low, high - low, 0) for low, high in extents], np.int64).reshape(-1, 3)


def lets_others_run(size):
    """Whether other threads of Python run during a step on so many elements."""
    return size >= KEEP_LOCK_BELOW


def held(params, dxs):
    """The arrays of parameters and of gradients, kept alive whatever other threads do meanwhile."""
    return tuple(map(bare, params)), tuple(map(bare, dxs))


def obeyed(task, params, xs, dxs):
    """Do what a task says; False, and nothing is written, if it may not touch the arrays."""
    return task(params, xs, dxs) is params
