"""Arrays that a function overwrites after it has computed with them: noticed, because the tape keeps no copies.

The entries of a tape keep the very arrays that a derivative needs.  ``Checked`` entries also note a checksum of
each, its name and the line that used it, and compare before the way back.  A function is looked at so when it is
differentiated for the first time, and always within ``with checked():``; otherwise the entries are an ordinary list.
"""

import linecache
import sys
import zlib
from array import array
from functools import partial
from operator import attrgetter
from types import FunctionType, MethodType
from weakref import ref

import numpy as np

from ..core.errors import LostGradientError, outwards, told
from ..core.gradient import Run
from ..core.storage import Storage, ndarray_of, numbers_of, stands_in
from ..core.trees import leaves

# What was looked at before and found in order: code, which stays the same where a function is made anew.  The id of the
# code -> the places in the closure of what it calls.  And texts, for what is written in two places is looked at once.
known, codes, texts = {}, [], set()
in_force = {}  # every ``checked`` that was entered, by id: a weak reference
held = attrgetter("cell_contents")  # what a cell of a closure holds
FUNCTIONS = frozenset({FunctionType, MethodType})


class checked:
    """``with checked():`` every array that a gradient computes with is looked at again before the way back.

    The tape keeps the arrays that a function computes with, not copies of them; an ndarray that the function overwrites
    after its use would give a wrong gradient.  That is noticed, at the cost of a checksum of each array, whenever a
    function is differentiated for the first time and in the first step of ``train_``; within ``with checked():``
    always, in all threads.

    Raises (from ``gradient``, ``withgradient``, ``pullback`` and all that is made of them) LostGradientError, which
    names the array and the line that used it.

    No counterpart in Zygote, which refuses to write into arrays while a gradient is taken.

    >>> from minigrad import gradient
    >>> def loss(x):
    ...     h = np.zeros(2)
    ...     y = x * h
    ...     h[:] = 5.0
    ...     return np.sum(y)
    >>> with checked():
    ...     gradient(loss, np.ones(2))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    minigrad.core.errors.LostGradientError: the array h of shape (2,) was overwritten after line 3 of ...
    """

    def __enter__(self) -> None:
        # weakly, so that an exception between two steps of the interpreter leaves nothing in force
        key = id(self)
        in_force[key] = ref(self, lambda _: in_force.pop(key, None))

    def __exit__(self, *exception: object) -> None:
        in_force.pop(id(self), None)


# ------------------------------------------------------------------------------- when to look
def entries_for(f):
    """Return the entries for a run of ``f``: an ordinary list, unless it is to be looked at."""
    try:
        places = known.get(id(f.__code__))
        if not in_force and (text_of(f) in texts if places is None else not places or all_known(f.__closure__, places)):
            return []
    except (AttributeError, ValueError):  # no function of Python's, or a variable that has no value yet
        pass
    functions = functions_in(f)
    return Checked(functions) if in_force or not all(map(is_known, functions)) else []


def function_of(f):
    """Return the function of Python's that runs when ``f`` is called; None for what is no such thing."""
    while isinstance(f, partial) or type(f) is MethodType and type(f.__func__) not in FUNCTIONS:
        f = f.func if isinstance(f, partial) else f.__func__
    if type(f) not in FUNCTIONS and callable(f):
        f = type(f).__call__
    return f if type(f) in FUNCTIONS else None


def functions_in(f):
    """Return the function behind ``f`` and those that it calls by its closure."""
    f = function_of(f)
    return [] if f is None else [f, *filter(None, map(function_of, closed_over(f)))]


def closed_over(function):
    """Return what a function closes over, nothing if one of the variables has no value yet."""
    try:
        return [*map(held, function.__closure__ or ())]
    except ValueError:
        return []


def text_of(function):
    """Return what makes two functions the same program: text, kinds of things that they close over, module."""
    code, kinds = function.__code__, map(type, map(held, function.__closure__ or ()))
    return code.co_code, code.co_consts, code.co_names, *kinds, id(function.__globals__)


def is_known(f):
    function = function_of(f)
    return function is None or id(function.__code__) in known


def all_known(closure, places):
    """Say whether all that a closure calls is known; it may be another function each time: ``lambda: loss(x)``."""
    return all([is_known(closure[place].cell_contents) for place in places])


def now_known(functions):
    if len(codes) > 10_000:  # functions that a program writes
        for memory in (known, codes, texts):
            memory.clear()
    for function in functions:
        places = [k for k, g in enumerate(closed_over(function)) if function_of(g) is not None]
        known[id(function.__code__)] = places
        codes.append(function.__code__)  # so that it lives, and no other takes its id
        if not places:
            texts.add(text_of(function))


Run.entries_for = staticmethod(entries_for)


# ------------------------------------------------------------------------------------- looking
class Checked(list):
    """Entries that know what the arrays in them were when they were appended.

    functions : those to which the entries belong
    sums, uses : for each array, in the order of the entries, its checksum and the number of its use
    places : dict, a use (name of the array, code, line) -> its number
    """

    def __init__(self, functions):
        self.functions, self.sums, self.uses, self.places = functions, array("I"), array("I"), {}

    def append(self, edges):
        super().append(edges)
        found = arrays_in(edges)
        frame = outwards(sys._getframe(1))[-1] if found else None
        for x in found:
            use = name_in(frame, x), frame.f_code, frame.f_lineno
            self.sums.append(checksum(x))
            self.uses.append(self.places.setdefault(use, len(self.places)))

    def check(self, outputs):
        """Raise if an array is not what it was, and a derivative of the outputs (their slots) needs it."""
        needed, position = set(outputs), len(self.sums)
        for slot in range(len(self) - 1, -1, -1):
            found = arrays_in(self[slot])
            position -= len(found)
            if slot in needed:
                needed.update(into for into, *_ in self[slot])
                for k, x in enumerate(found, position):
                    if checksum(x) != self.sums[k]:
                        raise LostGradientError(overwritten(x, *list(self.places)[self.uses[k]]))
        now_known(self.functions)
        self.functions = []  # these may hold who holds the entries


def arrays_in(x):
    """Return the arrays in what an entry keeps, in order; also those that a function of one's own closes over.

    >>> a = np.ones(2)
    >>> len(arrays_in(((0, len, a, [a, "text"]), (1, lambda g, a=a: g * a, 2.0))))
    2
    """
    found = []
    for leaf in leaves(x):
        if type(leaf) is FunctionType:
            found += [a for a in closed_over(leaf) if isinstance(a, np.ndarray)]
        elif isinstance(leaf, (Storage, np.ndarray)) and not stands_in(a := ndarray_of(leaf)):
            found.append(a)
    return found


def checksum(x):
    """Return a number that a change of an array's numbers changes, but for one change in four billion.

    >>> x = np.arange(6.0).reshape(2, 3).T
    >>> before = checksum(x)
    >>> x[0] = x[0, ::-1]; checksum(x) == before
    False
    """
    if 0 in x.strides:  # broadcast
        x = x[tuple([slice(None) if stride else slice(1) for stride in x.strides])]
    x = x.T if x.flags.fnc else np.ascontiguousarray(x)
    return zlib.crc32(x.reshape(-1).view(np.uint8))


def name_in(frame, x):
    """Return what the code of a frame calls an array (or the array of which it is a view); "" if that is not known."""
    mine = {id(x), id(x.base)} - {id(None)}
    names, variables = frame.f_code.co_names, frame.f_locals
    for name, value in (*variables.items(), *[(name, frame.f_globals.get(name)) for name in names]):
        if id(value) in mine or isinstance(value, Storage) and id(numbers_of(value)) in mine:
            return name
    for name, value in variables.items():
        for attribute, part in getattr(value, "__dict__", {}).items() if not isinstance(value, type) else ():
            if attribute in names and id(part) in mine:
                return f"{name}.{attribute}"
    return ""


def overwritten(x, name, code, line):
    """Return the text of the error."""
    text, file = linecache.getline(code.co_filename, line).strip(), told.name_of_file(code.co_filename)
    what = f"the array {name}" if name else "an array"
    new, copy = (f"{name} = ..., not {name}[...] = ...", f"{name}.copy()") if name else ("h = ...", "a copy")
    return (
        f"{what} of shape {x.shape} was overwritten after line {line} of {file} had used it"
        + (f"\n    {text}\n" if text else ", ")
        + "and the gradient needs the numbers that it had then. "
        f"Make a new array each time ({new}), or use {copy} there."
    )
