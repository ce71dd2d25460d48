"""Several threads for one large parameter; one by default, so that nothing surprises.

Compiled kernels run without Python's global lock, so plain threads are enough: no OpenMP, whose waiting
threads would take the processor from NumPy's matrix products.
"""

from __future__ import annotations

import os
import queue
import threading

WORTH = 200_000  # elements; below, sharing the work costs more than it saves

number = 1
_jobs = None  # what the helping threads are to do; None until there are any
_lock = threading.Lock()


def set_num_threads(n: int) -> None:
    """Let large parameters be updated by ``n`` threads at once.

    Parameters
    ----------
    n : whole number >= 1; more than the machine has cores is of no use

    Raises TypeError or ValueError for anything else.

    Parameters of fewer than 200,000 elements are updated by one thread in any case, and the numbers
    do not depend on ``n``.

    Any number of your own threads may call ``update_`` at once: with optimisers of their own on parameters of
    their own side by side, and with one optimiser (of built-in rules, or composed of any) one after the other,
    so that no step is lost.  Only if *different* optimisers step on one parameter at once may its steps
    overwrite each other: let a lock of yours keep them apart.

    >>> set_num_threads(2); get_num_threads()
    2
    >>> set_num_threads(1)
    """
    global number
    if isinstance(n, bool) or not isinstance(n, int):
        raise TypeError(f"set_num_threads: the number of threads must be a whole number, got {n!r}")
    if n < 1:
        raise ValueError(f"set_num_threads: at least 1 thread is needed, got {n}")
    number = n


def get_num_threads() -> int:
    """Return the number of threads that update a large parameter.

    >>> get_num_threads()
    1
    """
    return number


def share(work, parts):
    """Run ``work(part)`` for part = 0 ... parts - 1, each in a thread of its own; return when all are."""
    done = queue.SimpleQueue()
    jobs, helping = helpers(parts - 1)
    if not helping:
        for part in range(parts):
            work(part)
        return
    for part in range(1, parts):
        jobs.put((work, part, done))
    work(0)
    for _ in range(1, parts):
        error = done.get()
        if error is not None:
            raise error


def helpers(many):
    global _jobs
    with _lock:
        if _jobs is None:
            _jobs = queue.SimpleQueue(), []
        jobs, helping = _jobs
        while len(helping) < many:
            helper = threading.Thread(target=help_with, args=(jobs,), daemon=True, name="minigrad")
            try:
                helper.start()
            except RuntimeError:  # no more threads are to be had: those that there are take one part after the other
                break
            helping.append(helper)
    return jobs, helping


def help_with(jobs):
    while True:
        work, part, done = jobs.get()
        try:
            work(part)
            done.put(None)
        except BaseException as error:
            done.put(error)


def forget_helpers():
    # A child process has none of its parent's threads, and perhaps a lock that nobody will release.
    global _jobs, _lock
    _jobs, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_helpers)
