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

WHY = {entry.DONE: "", entry.ARGUMENT: "argument", entry.NOT_FINITE: "finite", entry.ENDED: "python"}
LONGEST = 2000  # lines of text; they take a quarter of a minute
AT_ONCE = 1000  # steps of a loop; between them Ctrl-C is heard
NO_LIMIT = 1 << 62  # steps
_reason = [""]


def lower(forms, params, opt=None, watched=(), captured=()):
    """Return the Lowered of a program's forms; None if it cannot be compiled, and ``last_reason`` says why.

    params : the Tensors that are the program's parameters, in order
    opt : an optimiser, whose step is made behind the gradients; None for the gradients alone
    watched : Standings, without which no step is made any more
    captured : arrays, which must keep their layouts
    """
    try:
        if not kernels.available():
            raise NotLowered("numba is not installed, or MINIGRAD_NOJIT or NUMBA_DISABLE_JIT forbids it")
        return Lowered(forms, tuple(params), opt, watched, captured)
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
    why_none : str, why the last step was not made: "argument", "finite", "python"; "" if it was
    direct : function of the arguments that is compiled code itself, and does what ``run`` does, as often as ``allow``
        has said; None if Python has to do some of it.  It returns the loss, or None
    """

    def __init__(self, forms, params, opt, watched=(), captured=()):
        self.params, self.opt, self.watched, self.captured = params, opt, watched, captured
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
        alone = len(layout.rows)  # rows without an optimiser
        self.gradients = [None if x is None else layout.view_of(x) for x in lines.gradients]
        self.drawn = [layout.memory[id(line.buffer)] for line in lines.lines if is_drawn(line)]
        self.moving = tuple([p for p, g in zip(self.params, self.gradients) if g is not None])
        self.found = tuple([g for g in self.gradients if g is not None])
        self.fused = fused(self.opt, self.moving, self.found) if self.opt is not None else None
        if self.fused:
            buffers = [(lines.given[k], x.buffer) for k, x in enumerate(lines.gradients) if x is not None]
            self.fused.add_rows(layout, *zip(*buffers))
        self.lay_out(layout, alone)

    def lay_out(self, layout, alone):
        """Write the plan, and those for gradients alone and for direct calls, which differ from it in a few cells."""
        fused, arguments = self.fused, len(self.lines.given) - len(self.params)
        self.work, self.given = layout.finished(self.params, self.captured, bool(fused))
        for row, p in zip(self.given, self.params):
            entry.move(row.ctypes.data, bare(p).ctypes.data)
        size = sum([line.buffer.size for line in self.lines.lines if line.buffer is not None])
        self.asks, self.unlocked = bool((self.work[:, 0] == entry.PYTHON).any()), lets_others_run(size)
        ours, read, replaced = (fused.watched, fused.read or [], fused.replaced) if fused else ([], [], [])
        lock = self.rows.generator.lock if self.rows.generator else None
        self.lock, by_code = (lock, None) if self.asks else (None, lock)
        taken = [layout.keep(lock.acquire), layout.keep(lock.release)] if by_code else [0, 0]
        standing = layout.table([cell for each in (*self.watched, *ours) for cell in each.cells()])
        layout.kept.append(ours)
        self.plan = entry.table(
            PIECES=self.code, ROWS=self.work.ctypes.data, MANY_ROWS=len(self.work), ALONE=alone,
            GIVEN=self.given.ctypes.data, MANY_GIVEN=len(self.given), MANY_LOOKED_AT=len(self.given),
            MANY_ARGUMENTS=arguments, NDARRAY=id(np.ndarray), HOLDER=id(self.holder), NONE=id(None), TUPLE=id(tuple),
            REAL=id(float), WHOLE=id(int), STEPS=1, ACQUIRE=taken[0], RELEASE=taken[1],
            UNLOCKED=self.unlocked and not self.rows.asks, STANDING=standing, MANY_STANDING=len(self.watched),
            MANY_OURS=len(ours), HYPER=layout.table(read), MANY_HYPER=len(read) // 4, BACK=layout.table(replaced),
            MANY_BACK=len(replaced) // 4, LIMIT=NO_LIMIT,
        )  # fmt: skip
        self.trial, self.limited = self.plan.copy(), self.plan.copy()
        self.trial[entry.STEPS] = self.limited[entry.LIMIT] = 0
        self.layout, self.first_argument = layout, len(self.given) - arguments
        self.step, self.attempt = [kernels.builtin(self.enter, plan) for plan in (self.plan, self.trial)]
        self.ask, direct = fused and fused.ask, kernels.builtin(self.enter, self.limited)
        asking = (lambda *args: (fused.ask(), direct(*args))[1]) if self.ask else direct
        apart = not fused or self.asks or self.unlocked or fused.large or self.ask and fused.replaced
        self.direct = None if apart else asking

    def pause(self):
        """Let no direct steps be made; return how many were, and whether the last one's loss was not finite."""
        self.last, made = self.limited, self.made_directly
        self.limited[[entry.COUNT, entry.LIMIT]] = 0
        return made, self.limited[entry.WHY] == entry.NOT_FINITE

    @property
    def made_directly(self):
        return int(self.limited[entry.COUNT])

    def allow(self, many):
        """Let so many direct steps be made from now on."""
        self.limited[entry.LIMIT], self.limited[entry.WHY] = many, entry.DONE

    def take_drawn(self):
        """Return the random numbers, copied, of a step that was given up, as far as it went."""
        drawn = self.drawn if self.last[entry.WHY] in (entry.NOT_FINITE, entry.RAISED) else []
        self.last[entry.WHY] = entry.DONE
        return [x.copy() if x.ndim else x[()] for x in (self.rows.calls.drawn if self.rows.asks else drawn)]

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
        if fused is None or fused.shared():
            return self.run_apart(args)
        loss = self.entered(self.step, self.plan, args)
        return loss if loss is not None else self.not_made(args, self.plan)

    def entered(self, step, plan, args):
        """Call compiled code."""
        self.last = plan
        if self.asks or self.unlocked:  # the arrays of this step live at least as long
            self.rows.given[:] = [*[p._value for p in self.params], *args]
            self.rows.calls.drawn.clear()
        if self.ask:
            self.ask()
        if self.lock is None:
            return step(*args)
        with self.lock:
            return step(*args)

    def run_apart(self, args):
        """Make the gradients, and let ``update_`` do the rest."""
        loss = self.try_(*args)[0]
        if loss is not None:
            self.update()
        return loss

    def update(self):
        """Make the optimiser's step outside of compiled code."""
        if self.opt is not None and self.found:
            update_(self.opt, self.moving, self.found)

    def try_(self, *args):
        """Return the loss and the gradients, and make no step."""
        loss, why = self.entered(self.attempt, self.trial, args), int(self.trial[entry.WHY])
        if why == entry.MOVED:
            self.bind()
            return self.try_(*args)
        self.why_none = WHY[why]
        return loss, self.gradients

    def not_made(self, args, plan):
        """Make a step in which a parameter has moved, or something of the optimiser, or a norm has to be looked at."""
        why = int(plan[entry.WHY])
        if why == entry.UNSETTLED:
            self.update()
            return float(plan.view(float)[entry.LOSS])
        if why == entry.MOVED:
            self.bind()
            return self.run(*args)
        self.why_none = WHY[why]
        return None

    # --------------------------------------------------------------------------------------------- many steps
    def loop(self, n, *stacked):
        """Make ``n`` steps on the parts of what is given along first axes; return the losses of those that were made.

        They are fewer where a step was not made: ``why_none`` says why, and nothing of it is written.  None are made
        where compiled code cannot go along the arrays by itself, or would be quicker with threads.
        """
        losses, made, missing, arrays = np.empty(n), 0, False, list(map(bare, stacked))
        while made < n and not missing and self.fits_loop(arrays, n):
            many, missing = self.several(losses[made : made + AT_ONCE], [x[made:] for x in arrays])
            made += many
        return losses[:made]

    def fits_loop(self, arrays, n):
        """Whether compiled code may go along these arrays by itself."""
        wanted, fused = self.lines.given[len(self.params) :], self.fused
        if self.opt is not None and (fused is None or fused.shared()):
            return False
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
        plan, rows = self.plan.copy(), self.given[self.first_argument :]
        for row, x in zip(rows, arrays):
            row[entry.ADVANCE] = x.nbytes // len(x)
            entry.move(row.ctypes.data, x.ctypes.data)
        looked_at = entry.MANY_LOOKED_AT, entry.MANY_ARGUMENTS
        plan[[entry.STEPS, entry.LOSSES, *looked_at]] = len(losses), losses.ctypes.data, self.first_argument, 0
        last = self.entered(kernels.builtin(self.enter, plan), plan, ())
        made = int(plan[entry.MADE])
        if last is not None:
            return made, False
        if plan[entry.WHY] == entry.MOVED:
            self.bind()
            return 0, False
        loss = self.not_made((), plan)
        if loss is not None:
            losses[made] = loss
        return made + (loss is not None), loss is None
