"""A program as one compiled function: its loss, its gradients, and the optimiser's kernels behind them.

``lower`` takes the forms of a program (plain data, made by the readers) and returns a ``Lowered``, in this order:

    lines       what is to be computed, over which memory      pieces      the text of each loop, sizes written out
    grouping    which lines share a loop; the arena            calls       what stays with Python
    layout      tables of integers for entry.py                fused       the optimiser's kernels
    kernels     text -> machine code, kept on disk

Whatever cannot be done raises in there, and ``lower`` returns None: the program runs as its text instead.
"""

import numpy as np

from ...core.storage import Storage
from ...interrupts import from_a_signal
from ..arrays import bare
from ..update import update_
from . import entry, kernels
from .fused import fused
from .grouping import Grouping
from .layout import Address, Layout
from .lines import Lines, NotLowered, dense
from .pieces import Piece, written
from .rows import Rows, is_drawn
from .tasks import lets_others_run

WHY = {entry.DONE: "", entry.NOT_FINITE: "finite", entry.ARGUMENT: "argument", entry.ENDED: "python"}
LONGEST = 2000  # lines of text; they take a quarter of a minute
AT_ONCE = 1000  # steps of a loop; between them Ctrl-C is heard
_reason = [""]


def lower(forms, params, opt=None):
    """Return the Lowered of a program's forms; None if it cannot be compiled, and ``last_reason`` says why.

    params : the Tensors that are the program's parameters, in order
    opt : an optimiser, whose step is made behind the gradients; None for the gradients alone
    """
    try:
        if not kernels.available():
            raise NotLowered("numba is not installed, or MINIGRAD_NOJIT or NUMBA_DISABLE_JIT forbids it")
        return Lowered(forms, tuple(params), opt)
    except Exception as error:  # whatever it is, the text gives the same numbers
        if from_a_signal(error):
            raise
        _reason[0] = str(error) if isinstance(error, NotLowered) else f"{type(error).__name__}: {error}"
        return None


def last_reason():
    """Return why the last program was not compiled."""
    return _reason[0]


class Lowered:
    """A compiled step.

    Attributes
    ----------
    text : str, what is compiled, and the rows of work in order
    left : list of (name, code) of the calls that stay with Python
    gradients : list with an ndarray or None per parameter, overwritten by every step
    drawn : list of ndarray, the random numbers of the last step, in order
    drawn_now : the same of a step that was not made, as far as it went
    why_none : str, why the last step was not made: "argument", "finite", "python"; "" if it was
    """

    def __init__(self, forms, params, opt):
        self.params, self.opt = params, opt
        self.holder = type(params[0]) if params else Storage
        self.lines = Lines(forms)
        self.grouping = Grouping(self.lines)
        self.pieces = [Piece(g, self.grouping.stored) for g in self.grouping.groups if g.kind in ("loop", "product")]
        if not self.pieces:
            raise NotLowered("nothing of it is compiled")
        text, self.shown, self.numbers = written(self.pieces)
        if text.count("\n") > LONGEST:
            raise NotLowered(f"its text has more than {LONGEST} lines, which would take too long to compile")
        self.code, self.enter = kernels.find(text, "d", kernels.PIECES), kernels.find(kernels.ENTRY, "d")
        if not self.code or not self.enter:
            raise NotLowered("numba could not compile it")
        self.why_none = ""
        self.bind()

    # ------------------------------------------------------------------------------------------- binding
    def bind(self):
        """Give everything its place in memory, and make the function that Python calls."""
        lines, layout = self.lines, Layout(self.lines, self.grouping)
        self.rows = Rows(lines, layout)
        numbers, pieces = iter(self.numbers), iter(self.pieces)
        for group in self.grouping.groups:
            if group.kind in ("loop", "product"):
                layout.row(next(numbers), *[Address(*cell) for cell in next(pieces).block])
            else:
                self.rows.add(group.lines[0])
        layout.row(entry.FINITE, Address(lines.loss.buffer, lines.loss.offset), lines.loss.dtype.itemsize)
        self.alone = len(layout.rows)  # rows without an optimiser
        self.gradients = [None if x is None else layout.view_of(x) for x in lines.gradients]
        self.drawn = [layout.memory[id(line.buffer)] for line in lines.lines if is_drawn(line)]
        self.moving = tuple([p for p, g in zip(self.params, self.gradients) if g is not None])
        self.found = tuple([g for g in self.gradients if g is not None])
        self.fused = fused(self.opt, self.moving, self.found) if self.opt is not None else None
        if self.fused:
            buffers = [(lines.given[k], x.buffer) for k, x in enumerate(lines.gradients) if x is not None]
            self.fused.add_rows(layout, *zip(*buffers))
        self.lay_out(layout)

    def lay_out(self, layout):
        """Write the plan."""
        self.work, self.given = layout.finished(self.params, bool(self.fused))
        size = sum([line.buffer.size for line in self.lines.lines if line.buffer is not None])
        unlocked = lets_others_run(size) and not (self.work[:, 0] == entry.PYTHON).any()
        plan = self.plan = np.zeros(entry.LENGTH, np.int64)
        plan[entry.PIECES], plan[entry.ROWS], plan[entry.MANY_ROWS] = self.code, self.work.ctypes.data, len(self.work)
        plan[entry.GIVEN], plan[entry.MANY_GIVEN] = self.given.ctypes.data, len(self.given)
        plan[entry.MANY_LOOKED_AT], plan[entry.MANY_ARGUMENTS] = len(self.given), len(self.given) - len(self.params)
        plan[entry.NDARRAY], plan[entry.HOLDER], plan[entry.NONE] = id(np.ndarray), id(self.holder), id(None)
        plan[entry.STEPS], plan[entry.UNLOCKED] = 1, unlocked
        plan[entry.ACQUIRE], plan[entry.RELEASE] = self.rows.lock(layout)
        for row, p in zip(self.given, self.params):
            entry.move(row.ctypes.data, bare(p).ctypes.data)
        self.layout, self.holds = layout, unlocked or self.rows.asks
        self.step = kernels.builtin(self.enter, plan)

    @property
    def drawn_now(self):
        """The random numbers that the last step has drawn before it was given up."""
        return self.rows.calls.drawn if self.rows.asks else self.drawn if self.why_none == "finite" else []

    @property
    def left(self):
        return [(line.name, line.form.code) for line in self.lines.lines if self.rows.asked(line)]

    @property
    def text(self):
        """What is compiled, and the rows of work in order."""
        rows, numbers = [], iter(self.numbers)
        for group in self.grouping.groups:
            names = ", ".join([line.name for line in group.lines])
            kind = f"piece {next(numbers)}" if group.kind in ("loop", "product") else self.rows.kind_of(group.lines[0])
            rows.append(f"# {kind:<9} {names}")
        rows += ["# the optimiser's kernels"] if self.fused else ["# update_"] if self.opt is not None else []
        return "\n".join([self.shown, *rows]) + "\n"

    # --------------------------------------------------------------------------------------------- running
    def run(self, *args):
        """Make one step; return the loss, or None, and nothing is written: ``why_none`` says why."""
        fused = self.fused
        if fused is None or not fused.valid() or fused.shared():
            return self.run_apart(args)
        if self.holds:
            self.hold(args)
        loss = fused.step(self.step, args)
        return loss if loss is not None else self.not_made(args)

    def run_apart(self, args):
        """Make the gradients, and let ``update_`` do the rest; or look for the optimiser's kernels again."""
        if self.fused is not None and not self.fused.valid():
            self.bind()
            return self.run(*args)
        loss = self.try_(*args)[0]
        if loss is not None and self.opt is not None and self.found:
            update_(self.opt, self.moving, self.found)
        return loss

    def try_(self, *args):
        """Return the loss and the gradients, and make no step."""
        self.hold(args)
        self.plan[entry.MANY_ROWS] = self.alone
        try:
            loss = self.step(*args)
        finally:
            self.plan[entry.MANY_ROWS] = len(self.work)
        if loss is None and self.plan[entry.WHY] == entry.MOVED:
            self.bind()
            return self.try_(*args)
        self.why_none = WHY[int(self.plan[entry.WHY])]
        return loss, self.gradients

    def hold(self, args):
        """Keep the arrays of this step alive, for calls of Python and while other threads run."""
        self.rows.given[:] = [*map(bare, self.params), *map(bare, args)]
        self.rows.calls.drawn.clear()

    def not_made(self, args):
        """Say why a step was not made; or make it, where a parameter has moved or a norm has to be looked at."""
        why = int(self.plan[entry.WHY])
        if why == entry.UNSETTLED:
            update_(self.opt, self.moving, self.found)
            return float(self.plan.view(float)[entry.LOSS])
        if why == entry.MOVED:
            self.bind()
            return self.run(*args)
        self.why_none = WHY[why]
        return None

    # --------------------------------------------------------------------------------------------- many steps
    def loop(self, n, *stacked):
        """Make ``n`` steps on the parts of what is given along first axes; return the losses of those that were made.

        They are fewer where a step was not made: ``why_none`` says why, and nothing of it is written.
        """
        losses, made = np.empty(n), 0
        arrays = [bare(x) for x in stacked]
        compiled = self.fits_loop(arrays, n)
        while made < n:
            fused = self.fused
            if not (compiled and (self.opt is None or fused and fused.valid() and not fused.shared())):
                loss = self.run(*[part(x, made) for x in arrays])
                many, missing = (0, True) if loss is None else (1, False)
                losses[made : made + many] = loss
            else:
                many, missing = self.several(losses[made : made + AT_ONCE], [x[made:] for x in arrays])
            made += many
            if missing:
                break
        return losses[:made]

    def fits_loop(self, arrays, n):
        """Whether compiled code may go along these arrays by itself."""
        wanted = self.lines.given[len(self.params) :]
        return len(arrays) == len(wanted) and all(
            type(x) is np.ndarray
            and x.dtype == b.dtype
            and x.shape == (n, *b.shape)
            and x.flags.c_contiguous
            and x.flags.aligned
            and b.strides == dense(b.shape, None, 1)
            for x, b in zip(arrays, wanted)
        ) and not (arrays and self.rows.asks)

    def several(self, losses, arrays):
        """Make as many steps as there is room for losses; return how many were made, and whether one was not."""
        plan, rows = self.plan, self.given[len(self.params) :]
        for row, x in zip(rows, arrays):
            row[entry.ADVANCE] = x.nbytes // len(x)
            entry.move(row.ctypes.data, x.ctypes.data)
        changed = entry.STEPS, entry.LOSSES, entry.MANY_LOOKED_AT, entry.MANY_ARGUMENTS
        before = plan[list(changed)]
        plan[list(changed)] = len(losses), losses.ctypes.data, len(self.params), 0
        if self.holds:
            self.hold(())
        try:
            last = self.fused.step(self.step, ()) if self.fused else self.step()
        finally:
            plan[list(changed)] = before
            rows[:, entry.ADVANCE] = 0
        made = int(plan[entry.MADE])
        if last is not None:
            return made, False
        if plan[entry.WHY] == entry.MOVED:
            self.bind()
            return 0, False
        loss = self.not_made(())
        if loss is not None:
            losses[made] = loss
        return made + (loss is not None), loss is None


def part(x, k):
    """Return part ``k`` of what is given, as an array."""
    return np.asarray(x[k])
