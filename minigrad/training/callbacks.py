"""Functions that remember how they were called before: what callbacks are made of.

    stalled = early_stopping(lambda: validation_loss(), 3)
    train_(loss, ps, data, opt, cb=[throttle(report, 10), lambda: stalled() and stop()])

They are objects of small classes: what they remember can be seen, pickled (if the function that they call can),
and saved by ``checkpoint.save(..., stalled=stalled)``.
"""

from __future__ import annotations

import csv
import json
import math
import operator
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


class throttle:
    """A function that calls ``f`` at most once in so many seconds, and else does nothing.

    Parameters
    ----------
    f : function; the arguments are passed on
    seconds : number >= 0
    clock : function that tells the time in seconds

    It returns what ``f`` returns, or None where it did not call it; the first call does.  A copy that was pickled
    begins anew: where it wakes up the clock tells another time.

    Raises ValueError for negative seconds.

    Differs from Flux: always calls at the beginning of the interval, never afterwards from another task.

    Source: Flux 0.13 ``throttle``.

    >>> now = iter([0, 4, 9, 10, 11])
    >>> report = throttle(lambda: "called", 10, clock=lambda: next(now))
    >>> [report() for _ in range(5)]
    ['called', None, None, 'called', None]
    """

    def __init__(self, f: Callable[..., Any], seconds: float, clock: Callable[[], float] = time.monotonic):
        if not seconds >= 0:
            raise ValueError(f"throttle: seconds must be 0 or more, but is {seconds!r}")
        self.__wrapped__, self.seconds, self.clock = f, seconds, clock  # inspect asks for the signature of __wrapped__
        self.free_at = -math.inf

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        now = self.clock()
        if now < self.free_at:
            return None
        self.free_at = now + self.seconds
        return self.__wrapped__(*args, **kwargs)

    def __getstate__(self):
        return {**vars(self), "free_at": -math.inf}


class patience:
    """A function that says whether ``predicate`` held the last ``wait`` times in a row.

    Parameters
    ----------
    predicate : function that returns true or false; the arguments are passed on
    wait : int >= 1

    It remembers ``in_a_row``, how often the predicate has held.

    Raises ValueError for a wait below 1.

    Source: Flux 0.13 ``patience``.

    >>> bad = iter([True, True, False, True, True, True])
    >>> enough = patience(lambda: next(bad), 3)
    >>> [enough() for _ in range(6)]
    [False, False, False, False, False, True]
    >>> enough
    patience(<lambda>, 3)  # in_a_row=3
    """

    remembered = ("in_a_row",)

    def __init__(self, predicate: Callable[..., Any], wait: int):
        if not (isinstance(wait, (int, np.integer)) and wait >= 1):
            who = type(self).__name__
            raise ValueError(f"{who}: how often in a row must be a whole number, 1 or more, but is {wait!r}")
        self.__wrapped__, self.wait = predicate, wait
        self.in_a_row = 0

    def __call__(self, *args: Any, **kwargs: Any) -> bool:
        self.in_a_row = self.in_a_row + 1 if self.holds(self.__wrapped__(*args, **kwargs)) else 0
        return self.in_a_row >= self.wait

    def holds(self, answer):
        """Say whether this answer is one that is waited for."""
        return answer

    def __repr__(self):
        f = getattr(self.__wrapped__, "__name__", repr(self.__wrapped__))
        seen = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.remembered)
        return f"{type(self).__name__}({f}, {self.wait})  # {seen}"


class early_stopping(patience):
    """A function that says whether ``f`` has not become better the last ``delay`` times.

    ``f`` is better when  distance(best so far, f()) > min_dist;  by default, when it is smaller than ever.

    Parameters
    ----------
    f : function that returns a number, such as a loss; the arguments are passed on
    delay : int >= 1, how many times in a row it may be no better
    distance : function (best, score) -> by how much score is better
    init_score : number, the best at first
    min_dist : number, what counts as no better

    It remembers ``best``, and ``in_a_row``, how often ``f`` was no better.

    Raises ValueError for a delay below 1.

    Differs from Flux: ``init_score`` is infinite there only since 0.16 (with 0, a falling loss was taken for
    a stalled one); a score equal to the best is no better, as Flux's documentation says; nor is NaN.

    Source: Flux 0.13 ``early_stopping``.

    >>> losses = iter([9.0, 8.0, 7.0, 7.5, 7.0, 6.0])
    >>> stalled = early_stopping(lambda: next(losses), 2)
    >>> [stalled() for _ in range(6)]
    [False, False, False, False, True, False]
    """

    remembered = "in_a_row", "best"

    def __init__(
        self, f: Callable[..., Any], delay: int, distance: Callable[[Any, Any], Any] = operator.sub,
        init_score: Any = math.inf, min_dist: float = 0,
    ):  # fmt: skip
        super().__init__(f, delay)
        self.distance, self.min_dist = distance, min_dist
        self.best = init_score

    def holds(self, score):
        better = self.distance(self.best, score) > self.min_dist
        self.best = plain(score) if better else self.best
        return not better


class plateau(patience):
    """A function that says whether ``f`` hardly changed the last ``width`` times.

    It hardly changed when  |distance(last, f())| < min_dist.

    Parameters
    ----------
    f : function that returns a number, such as a loss; the arguments are passed on
    width : int >= 1, how many times in a row
    distance : function (last, score) -> number
    init_score : number, the last at first
    min_dist : number > 0

    It remembers ``last``, and ``in_a_row``, how often ``f`` hardly changed.

    Raises ValueError for a width below 1.

    Differs from Flux: ``init_score`` is 0 there, so that a first score near 0 counts as no change.

    Source: Flux 0.13 ``plateau``.

    >>> losses = iter([3.0, 2.0, 2.0, 2.0])
    >>> flat = plateau(lambda: next(losses), 2)
    >>> [flat() for _ in range(4)]
    [False, False, False, True]
    """

    remembered = "in_a_row", "last"

    def __init__(
        self, f: Callable[..., Any], width: int, distance: Callable[[Any, Any], Any] = operator.sub,
        init_score: Any = math.inf, min_dist: float = 1e-6,
    ):  # fmt: skip
        super().__init__(f, width)
        self.distance, self.min_dist = distance, min_dist
        self.last = init_score

    def holds(self, score):
        change, self.last = abs(self.distance(self.last, score)), plain(score)
        return change < self.min_dist


def plain(score):
    """Return a number of NumPy or a Tensor without axes as Python's, which every file can hold."""
    return score.item() if hasattr(score, "item") and np.shape(score) == () else score


class log_to:
    """A callback that writes a line to a file for every step: CSV, or JSON where the file's name ends in .jsonl.

    Parameters
    ----------
    path : str or Path; a file that is there is written over
    every : int >= 1, of how many steps one is written; the first is
    **more : functions of the context whose results are written besides, by name

    A line holds step, epoch, loss and ``eta`` (where the optimiser has one), and is written at once, so that the file
    can be read while the training runs.  TensorBoard and others take the same numbers: ``docs/coming-from.md``.

    Raises ValueError for an ``every`` below 1; OSError, before the training, if the file cannot be written.

    >>> import tempfile
    >>> from minigrad import Descent, Tensor, params, train_
    >>> W, folder = Tensor(0.0), tempfile.TemporaryDirectory()
    >>> log = log_to(f"{folder.name}/log.csv", size=lambda context: context.gradients.norm())
    >>> losses = train_(lambda x: (W - x) ** 2, params(W), [1.0, 1.0], Descent(0.25), cb=log, progress="silent")
    >>> print(log.path.read_text().strip()); folder.cleanup()
    step,epoch,loss,eta,size
    1,1,1.0,0.25,2.0
    2,1,0.25,0.25,1.0
    """

    def __init__(self, path: Any, every: int = 1, **more: Callable[[Any], Any]):
        if not (isinstance(every, (int, np.integer)) and every >= 1):
            raise ValueError(f"log_to: every must be a whole number, 1 or more, but is {every!r}")
        self.path, self.every, self.more, self.begun = Path(path), every, more, False
        open(self.path, "a").close()  # what cannot be written is known before the training

    def __call__(self, context: Any) -> None:
        if (context.step - 1) % self.every:
            return
        row = {"step": context.step, "epoch": context.epoch, "loss": context.loss, "eta": rate_of(context.optimiser)}
        row |= {name: plain(f(context)) for name, f in self.more.items()}
        as_json = self.path.suffix == ".jsonl"
        with open(self.path, "a" if self.begun else "w", newline="", encoding="utf-8") as file:
            if as_json:
                file.write(json.dumps(row) + "\n")
            else:
                csv.writer(file, lineterminator="\n").writerows([row.values()] if self.begun else [row, row.values()])
        self.begun = True


def rate_of(opt):
    """Return an optimiser's ``eta``, or that of the first in it that has one; None without any."""
    try:
        return float(opt.eta)
    except (AttributeError, TypeError):
        members = getattr(opt, "os", None) or ()
        return next((rate for member in members if (rate := rate_of(member)) is not None), None)
