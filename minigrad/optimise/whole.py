"""A step is whole or not made: what has moved before the end is put back, and Ctrl-C waits for the rest."""

import _signal
import functools
import itertools
import signal
import threading

import numpy as np

_now = threading.local()  # .undo: that of the step which this thread is making, inside of a rule of the user's own


class Undo:
    """What to do to put back what a step has moved so far, by the places of its parameters.

        with Undo() as undo:
            undo.keep(row, arrays)      # and now they may be overwritten
            ...                         # where this raises, they are put back
            undo.done()                 # the step is made

    What belongs to no parameter alone has the place None.
    """

    def __init__(self):
        self.tasks, self.row = {}, None
        self.outer = getattr(_now, "undo", None)  # that of the step whose rule of the user's own makes this one

    def add(self, row, task):
        self.tasks.setdefault(row, []).append(task)

    def keep(self, row, arrays):
        """Keep a copy of arrays that are about to be overwritten."""
        for array in arrays:
            self.add(row, functools.partial(np.copyto, array, array.copy()))

    def forget(self, row, kept, p):
        """Forget the state of a parameter, which is made for this step."""
        self.add(row, functools.partial(kept.pop, p, None))

    def back(self, row):
        """Put back what belongs to one parameter."""
        for task in reversed(self.tasks.pop(row, [])):
            task()

    def all_back(self):
        for row in list(self.tasks):
            self.back(row)

    def done(self, subtracted=True):
        """Nothing is put back any more; or only if the step around it is not made."""
        if self.outer is not None and not subtracted:
            for task in itertools.chain(*self.tasks.values()):
                self.outer.add(self.outer.row, task)
        self.tasks.clear()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if self.tasks:
            undisturbed(self.all_back)

    def by_own_rule(self, row, function, *args):
        """Call a rule of the user's own for one parameter; steps that it makes of others can be put back too."""
        before, _now.undo, self.row = self.outer, self, row
        try:
            return function(*args)
        finally:
            _now.undo = before


def about_to_move(kept, x):
    """For rules on ``apply_``: the state of ``x`` in the IdDict ``kept`` is made or overwritten next.

    It is put back if the step is not made.
    """
    undo = getattr(_now, "undo", None)
    if undo is not None and x in kept:
        undo.keep(undo.row, kept[x] if isinstance(kept[x], tuple) else (kept[x],))
    elif undo is not None:
        undo.forget(undo.row, kept, x)


# The C functions themselves: what the signal module puts around them costs some microseconds a call.
INTERRUPTS = [getattr(signal, name) for name in ("SIGTERM", "SIGALRM", "SIGINT") if hasattr(signal, name)]


def put_back(handlers):
    for number, handler in handlers.items():
        _signal.signal(number, handler)


def undisturbed(work):
    """Return ``work()``; what Ctrl-C or a timeout by signal has to say meanwhile is heard after it.

    Python hands signals to the main thread only; in any other one there is nothing to do.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    heard, before = [], {}
    try:
        for number in INTERRUPTS:
            handler = _signal.getsignal(number)
            if callable(handler):
                before[number] = handler
                _signal.signal(number, lambda number, frame: heard.append(number))
        return work()
    finally:
        try:
            put_back(before)
        except BaseException:  # one that is back already has raised, and others are not yet
            put_back(before)
            raise
        for number in heard:
            before[number](number, None)
