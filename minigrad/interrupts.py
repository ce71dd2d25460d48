"""Ctrl-C, so that it never cuts a step in two."""

import signal
import threading


class CtrlC:
    """A stretch of work that ends by itself when Ctrl-C was pressed once, and at once when pressed twice.

        with CtrlC() as ctrl_c:
            while work and not ctrl_c.asked:
                ...                             # a second Ctrl-C raises KeyboardInterrupt here
                with ctrl_c.whole:
                    ...                         # and after this, never inside

    Stretches nest: what is pressed inside an inner one is asked of the outer ones too.  Python hands signals
    to the main thread only; in any other one, and where the program ignores Ctrl-C, nothing happens.

    Attributes
    ----------
    asked : int, how often Ctrl-C was pressed so far

    >>> with CtrlC() as ctrl_c:
    ...     signal.raise_signal(signal.SIGINT)
    ...     print("still here, asked", ctrl_c.asked, "time")
    still here, asked 1 time
    """

    def __init__(self):
        self.asked = 0
        self.whole = Whole(self)
        self.before = None  # the handler that was in force outside

    def __enter__(self):
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and callable(signal.getsignal(signal.SIGINT)):
            self.before = signal.signal(signal.SIGINT, self)
        return self

    def __exit__(self, *exception):
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)

    def __call__(self, signum, frame):
        self.ask()
        if self.asked > 1 and not self.whole.inside:
            self.interrupt()

    def ask(self):
        self.asked += 1
        if isinstance(self.before, CtrlC):
            self.before.ask()

    def interrupt(self):
        """Do what Ctrl-C does outside of every stretch: as a rule, raise KeyboardInterrupt."""
        handler = self.before
        while isinstance(handler, CtrlC):
            handler = handler.before
        handler(signal.SIGINT, None)

    def pass_on(self):
        """For work that ends here anyhow: do now what was asked, unless an outer stretch will see to it."""
        if self.asked > 1 or (self.asked and not isinstance(self.before, CtrlC)):
            self.interrupt()


class Whole:
    """The part of a stretch that is done whole or not at all."""

    def __init__(self, ctrl_c):
        self.inside = False
        self.ctrl_c = ctrl_c

    def __enter__(self):
        self.inside = True

    def __exit__(self, *exception):
        self.inside = False
        if self.ctrl_c.asked > 1:
            self.ctrl_c.interrupt()
