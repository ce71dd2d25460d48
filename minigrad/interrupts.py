"""Ctrl-C, so that it never cuts a step in two; exceptions by signals, which are no failures; one thread at a time."""

import functools
import signal
import threading


class CtrlC:
    """A stretch of work that ends by itself when Ctrl-C was pressed once, and at once when pressed twice.

        with CtrlC() as ctrl_c:
            while work and not ctrl_c.asked:
                ...                             # a second Ctrl-C raises KeyboardInterrupt here
                with ctrl_c.whole:
                    ...                         # and after this, never inside

    Stretches nest: what is pressed inside an inner one is asked of the outer ones too, and waits until none of
    them is inside its ``whole``.  They may be closed in any order, as generators are.  Python hands signals
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
        self.open = False
        self.whole = Whole(self)
        self.before = None  # the handler that was in force outside
        self.late = False  # whether Ctrl-C asked to end at once while a stretch was just being opened or closed

    def __enter__(self):
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and callable(signal.getsignal(signal.SIGINT)):
            self.before, self.open = signal.getsignal(signal.SIGINT), True
            signal.signal(signal.SIGINT, self)
        return self

    def __exit__(self, kind, *exception):
        was_open = self.open
        self.close()
        if was_open and self.late and kind is None:
            self.pass_on()

    def close(self):
        """Take this stretch out of the chain of handlers, wherever in it it stands.

        The ``with`` does it.  An exception by another signal can come within ``__enter__`` and ``__exit__`` themselves:
        where one may, ``try: with ctrl_c: ... finally: ctrl_c.close()`` does it in any case.
        """
        if not self.open:
            return
        handler = signal.getsignal(signal.SIGINT)
        if handler is self and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self.before)
        while isinstance(handler, CtrlC) and handler is not self:
            if handler.before is self:
                handler.before = self.before
            handler = handler.before
        self.open = False  # should it stay in force, because this is another thread, it passes on what it hears

    def __call__(self, signum, frame):
        if not self.open:
            self.before(signum, frame)
            return
        for stretch in self.stretches():
            stretch.asked += 1
        if self.asked > 1 and not self.within_whole():
            self.late = in_here(frame)
            if not self.late:
                self.close()  # as __exit__ would: Python 3.13 may raise at its first step, and tell where it was called
                self.interrupt()

    def stretches(self):
        """Return this stretch and the open ones around it."""
        found, handler = [], self
        while isinstance(handler, CtrlC):
            found += [handler] if handler.open else []
            handler = handler.before
        return found

    def within_whole(self):
        return any(stretch.whole.inside for stretch in self.stretches())

    def interrupt(self):
        """Do what Ctrl-C does outside of every stretch: as a rule, raise KeyboardInterrupt."""
        handler = self
        while isinstance(handler, CtrlC):
            handler = handler.before
        handler(signal.SIGINT, None)

    def pass_on(self):
        """For work that ends here anyhow: do now what was asked, unless an outer stretch will see to it."""
        outer = [stretch for stretch in self.stretches() if stretch is not self]
        if self.asked and (not outer or self.asked > 1 and not self.within_whole()):
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
        if self.ctrl_c.asked > 1 and not self.ctrl_c.within_whole():
            self.ctrl_c.interrupt()


def from_a_signal(error):
    """Say whether an exception came out of the handler of a signal, as a timeout does: it is no failure.

    >>> def on_alarm(signum, frame):
    ...     raise TimeoutError("too slow")
    >>> before = signal.signal(signal.SIGTERM, on_alarm)
    >>> try:
    ...     signal.raise_signal(signal.SIGTERM)
    ... except Exception as error:
    ...     from_a_signal(error), from_a_signal(ValueError())
    ... finally:
    ...     _ = signal.signal(signal.SIGTERM, before)
    (True, False)
    """
    handlers = {code_of(signal.getsignal(number)) for number in signal.valid_signals()} - {None}
    while error is not None:
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code in handlers:
                return True
            trace = trace.tb_next
        error = error.__cause__ or error.__context__
    return False


def code_of(handler):
    """Return the code of a handler that is Python's, None for any other."""
    if not callable(handler):
        return None
    while isinstance(handler, functools.partial):
        handler = handler.func
    return getattr(handler, "__code__", None) or getattr(type(handler).__call__, "__code__", None)


def in_here(frame):
    """Say whether a signal came while code of this file was running, or called others."""
    while frame is not None and frame.f_code.co_filename != __file__:
        frame = frame.f_back
    return frame is not None


_turn = threading.RLock()


def alone(f):
    """Let one thread at a time run ``f``: in Python 3.11 two that make syntax trees at once raise a SystemError."""

    @functools.wraps(f)
    def one(*args):
        with _turn:
            return f(*args)

    return one
