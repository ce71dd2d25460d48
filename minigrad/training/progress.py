"""What the training loop shows while it runs, on standard error: a bar, a line, or only a summary."""

import math
import sys
import time

MODES = {None: "bar or summary", True: "bar", False: "summary", "silent": "silent"}


class Progress:
    """The display of one training: ``with Progress(total, mode) as progress: progress.advance(loss)``.

    Parameters
    ----------
    total : int, how many steps there will be; None if nobody knows
    mode : True for a bar (in files lines now and then), False for a closing summary alone, "silent" for nothing; None
        for a bar on a terminal, the summary elsewhere

    Attributes
    ----------
    ending : str, why the training ended before its time, for the summary

    Raises ValueError for another mode.
    """

    every = 0.1  # seconds between two drawings

    def __init__(self, total, mode):
        if mode not in MODES:
            raise ValueError(f"train_: progress must be True, False, None or 'silent', but is {mode!r}")
        self.mode = ("bar" if sys.stderr.isatty() else "summary") if mode is None else MODES[mode]
        self.total, self.steps, self.first, self.last, self.ending = total, 0, math.nan, math.nan, ""
        self.draw = drawing(total) if self.mode == "bar" else None

    def __enter__(self):
        self.start = time.perf_counter()
        self.due = self.start + self.every
        return self

    def advance(self, loss):
        """Count one step more, that began with this loss."""
        self.first = loss if self.steps == 0 else self.first
        self.steps, self.last = self.steps + 1, loss
        if self.draw is not None and time.perf_counter() >= self.due:
            self.draw(self.steps, loss)
            self.due = time.perf_counter() + self.every

    def __exit__(self, kind, *exception):
        if self.draw is not None:
            self.draw(self.steps, self.last, close=True)
        if kind is None and self.mode != "silent":
            print(self.summary(), file=sys.stderr)

    def summary(self):
        took = time.perf_counter() - self.start
        loss = f", loss {self.first:.4g} -> {self.last:.4g}" if self.steps else ""
        return f"train_: {self.steps} steps in {took:.1f} s{loss}{self.ending}"


def drawing(total):
    """Return the function (steps, loss, close=False) that draws: tqdm's bar, or a line without tqdm.

    A bar goes back to the beginning of its line, which files cannot: there, a line is written from time to time.
    """
    if not (sys.stderr.isatty() or "ipykernel" in sys.modules):
        return lines(total)
    try:
        from tqdm.auto import tqdm  # an extra, for whoever wants to see a bar; a real one in notebooks
    except ImportError:
        return line(total)
    bar = tqdm(total=total, desc="training", unit="step", leave=False)

    def draw(steps, loss, close=False):
        bar.set_postfix_str(f"loss {loss:.4g}", refresh=False)
        bar.n = steps
        bar.refresh()
        if close:
            bar.close()

    return draw


def line(total):
    def draw(steps, loss, close=False):
        print(f"\r{told(steps, total, loss):<60}", end="\n" if close else "", file=sys.stderr, flush=True)

    return draw


def lines(total, seconds=10):
    """Return the function that writes a line, and no other before so many seconds have passed."""
    due = time.perf_counter() + seconds

    def draw(steps, loss, close=False):
        nonlocal due
        if not close and time.perf_counter() >= due:
            print(told(steps, total, loss), file=sys.stderr, flush=True)
            due = time.perf_counter() + seconds

    return draw


def told(steps, total, loss):
    return f"training: step {steps}{f' of {total}' if total else ''}, loss {loss:.4g}"
