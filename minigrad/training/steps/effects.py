"""What a loss does besides computing: it prints, writes, asks the clock, the surroundings or files.

A program would do none of it. So it is seen, while the loss is traced, which functions the user's code calls, itself
or by way of a library: Python tells its profiling function. (A program of another profiler goes on undisturbed; then
nobody sees it.)
"""

import functools
import gc
import os
import sys
import types

from ...core.trees import leaves, parts
from .kinds import LIBRARIES, OURS, besides

OUTSIDE = {"time", "posix", "nt", "_io", "io", "_socket", "select", "_warnings", "gc", "sys"}
PURE = {"fspath", "intern", "exc_info", "text_encoding", "audit", "_getframe"}  # functions in there that only compute
BUILTINS = {"print", "input", "open", "breakpoint"}
CLOCK = {"now", "today", "utcnow", "localtime", "astimezone"}  # of dates
WORLD = {vars(os._Environ)["__getitem__"].__code__, os.getenv.__code__}


def with_effects(f, watched=True):
    """Return ``f()``, and the names of the functions that the user's code has called and that do more than compute.

    >>> with_effects(lambda: 2)
    (2, [])
    """
    found, harmless = [], set()  # classes whose methods only compute

    def see(frame, event, function):  # of everything that is called: quick
        if event == "c_call":
            owner = function.__self__
            if owner.__class__ not in harmless:
                name = name_of(function)
                if name and is_users(frame):
                    found.append(name)
                elif not isinstance(owner, (types.ModuleType, type)) and home_of(function) not in OUTSIDE:
                    harmless.add(owner.__class__)
        elif event == "call" and frame.f_code in WORLD and is_users(frame):
            found.append("os.environ")

    if not watched or sys.getprofile() is not None:
        return f(), found
    try:
        try:
            sys.setprofile(see)
            return f(), found
        finally:
            sys.setprofile(None)
    finally:
        sys.setprofile(None)  # Ctrl-C may have come just before the line above


def unaltered(f, altered):
    """Return ``f``, which appends to ``altered`` when a call has changed what the containers among its arguments hold.

    It is given containers like the user's, who would miss the change.
    """

    @functools.wraps(f)
    def _call(*args):
        alive, before = leaves(args), frame_of(args)
        try:
            return f(*args)
        finally:
            if frame_of(args) != before:
                altered.append(alive)

    return _call


def frame_of(x):
    """Return what an argument holds, by identity."""
    children = parts(x)
    if children is None:
        return id(x)
    held = [*(x if isinstance(x, dict) else ()), *[(name, id(y)) for name, y in besides(x)]]
    return type(x), held, [*map(frame_of, children)]


def name_of(function):
    """Return the name of a function in C that does more than compute, "" of any other.

    >>> import time
    >>> name_of(time.time), name_of(print), name_of([].append)
    ('time.time', 'print', '')
    """
    name, home = function.__name__, home_of(function)
    if home in OUTSIDE and name not in PURE:
        return f"{home.lstrip('_')}.{name}"
    if home == "builtins" and name in BUILTINS:
        return name
    return f"datetime.{name}" if name in CLOCK and getattr(function.__self__, "__module__", "") == "datetime" else ""


def home_of(function):
    return function.__module__ or type(function.__self__).__module__


def is_users(frame):
    """Say whether the user's code has led to a frame, and neither minigrad's own nor a collection of garbage."""
    collecting = {getattr(callback, "__code__", None) for callback in gc.callbacks}
    while frame is not None and frame.f_code not in collecting:
        root = str(frame.f_globals.get("__name__")).partition(".")[0]
        if root not in LIBRARIES:
            return True
        frame = None if root == OURS else frame.f_back
    return False
