"""Functions that remember how they were called before: what callbacks are made of.

    stalled = early_stopping(lambda: validation_loss(), 3)
    train_(loss, ps, data, opt, cb=[throttle(report, 10), lambda: stalled() and stop()])
"""

import functools
import math
import operator
import time


def throttle(f, seconds, clock=time.monotonic):
    """Return a function that calls ``f`` at most once in so many seconds, and else does nothing.

    Parameters
    ----------
    f : function; the arguments are passed on
    seconds : number >= 0
    clock : function that tells the time in seconds

    Returns
    -------
    function, which returns what ``f`` returns, or None where it did not call it; the first call does

    Raises ValueError for negative seconds.

    Differs from Flux: always calls at the beginning of the interval, never afterwards from another task.

    Source: Flux 0.13 ``throttle``.

    >>> now = iter([0, 4, 9, 10, 11])
    >>> report = throttle(lambda: "called", 10, clock=lambda: next(now))
    >>> [report() for _ in range(5)]
    ['called', None, None, 'called', None]
    """
    if not seconds >= 0:
        raise ValueError(f"throttle: seconds must be 0 or more, but is {seconds!r}")
    free_at = -math.inf

    @functools.wraps(f)
    def throttled(*args, **kwargs):
        nonlocal free_at
        now = clock()
        if now < free_at:
            return None
        free_at = now + seconds
        return f(*args, **kwargs)

    return throttled


def patience(predicate, wait):
    """Return a function that says whether ``predicate`` held the last ``wait`` times in a row.

    Parameters
    ----------
    predicate : function that returns true or false; the arguments are passed on
    wait : int >= 1

    Raises ValueError for a wait below 1.

    Source: Flux 0.13 ``patience``.

    >>> bad = iter([True, True, False, True, True, True])
    >>> enough = patience(lambda: next(bad), 3)
    >>> [enough() for _ in range(6)]
    [False, False, False, False, False, True]
    """
    if not (isinstance(wait, int) and wait >= 1):
        raise ValueError(f"patience: how often in a row must be a whole number, 1 or more, but is {wait!r}")
    in_a_row = 0

    @functools.wraps(predicate)
    def waiting(*args, **kwargs):
        nonlocal in_a_row
        in_a_row = in_a_row + 1 if predicate(*args, **kwargs) else 0
        return in_a_row >= wait

    return waiting


def early_stopping(f, delay, distance=operator.sub, init_score=math.inf, min_dist=0):
    """Return a function that says whether ``f`` has not become better the last ``delay`` times.

    ``f`` is better when  distance(best so far, f()) > min_dist;  by default, when it is smaller than ever.

    Parameters
    ----------
    f : function that returns a number, such as a loss; the arguments are passed on
    delay : int >= 1, how many times in a row it may be no better
    distance : function (best, score) -> by how much score is better
    init_score : number, the best at first
    min_dist : number, what counts as no better

    Raises ValueError for a delay below 1.

    Differs from Flux: ``init_score`` is infinite there only since 0.16 (with 0, a falling loss was taken for
    a stalled one); a score equal to the best is no better, as Flux's documentation says; nor is NaN.

    Source: Flux 0.13 ``early_stopping``.

    >>> losses = iter([9.0, 8.0, 7.0, 7.5, 7.0, 6.0])
    >>> stalled = early_stopping(lambda: next(losses), 2)
    >>> [stalled() for _ in range(6)]
    [False, False, False, False, True, False]
    """
    best = init_score

    @functools.wraps(f)
    def no_better(*args, **kwargs):
        nonlocal best
        score = f(*args, **kwargs)
        better = distance(best, score) > min_dist
        best = score if better else best
        return not better

    return patience(no_better, delay)


def plateau(f, width, distance=operator.sub, init_score=math.inf, min_dist=1e-6):
    """Return a function that says whether ``f`` hardly changed the last ``width`` times.

    It hardly changed when  |distance(last, f())| < min_dist.

    Parameters
    ----------
    f : function that returns a number, such as a loss; the arguments are passed on
    width : int >= 1, how many times in a row
    distance : function (last, score) -> number
    init_score : number, the last at first
    min_dist : number > 0

    Raises ValueError for a width below 1.

    Differs from Flux: ``init_score`` is 0 there, so that a first score near 0 counts as no change.

    Source: Flux 0.13 ``plateau``.

    >>> losses = iter([3.0, 2.0, 2.0, 2.0])
    >>> flat = plateau(lambda: next(losses), 2)
    >>> [flat() for _ in range(4)]
    [False, False, False, True]
    """
    last = init_score

    @functools.wraps(f)
    def hardly_changed(*args, **kwargs):
        nonlocal last
        score = f(*args, **kwargs)
        change, last = abs(distance(last, score)), score
        return change < min_dist

    return patience(hardly_changed, width)
