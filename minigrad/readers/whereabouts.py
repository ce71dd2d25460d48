"""Where an operation stands: the line of the user's code, and the compound functions and layers around it."""

import functools
import inspect
import linecache
import os

import numpy as np

from ..core.errors import outwards
from ..core.storage import Storage
from ..core.table import COMPOSITIONS, METHODS, ROWS
from ..core.tape import backward
from ..core.trees import leaves
from .names import public_name
from .operations import Group, Line

OUR_HOME = os.path.dirname(os.path.dirname(__file__)) + os.sep
LIBRARIES = os.path.dirname(np.__file__) + os.sep, os.path.dirname(os.__file__) + os.sep
# The engine is what every computation passes through, and no part of any.
ENGINE_HOMES = tuple(OUR_HOME + wing for wing in ("core", "calculus", "fast", "readers"))
TABLE_HOME = OUR_HOME + "derivatives"
USER, ENGINE, FUNCTION, LAYER = "user", "engine", "function", "layer"


class Whereabouts:
    """Finds the line and the groups of what is running, for one trace.

    layers : dict, id of an object that holds parameters -> what the model calls it
    top : the frame that called the function; what is outside of it does not count
    """

    def __init__(self, layers):
        self.layers, self.top = layers, None
        self._kinds, self._lines = {}, {}
        self._around, self._count = [], 0  # frames with their Groups: a frame is one run of a function

    def now(self, frame):
        """Return the Line that led to ``frame``, and a tuple of the Groups around it, the outermost first."""
        line, around = None, []
        while frame is not None and frame is not self.top:
            kind = self._kinds.get(frame.f_code)
            if kind is None:
                kind = self._kinds[frame.f_code] = kind_of(frame.f_code)
            if line is None and kind in (USER, LAYER) and not frame.f_code.co_filename.startswith(OUR_HOME):
                line = self.line_at(frame)
            if kind in (FUNCTION, LAYER):
                around.append((frame, kind))
            frame = frame.f_back
        return line, self.groups(around[::-1])

    def line_at(self, frame):
        at = frame.f_code.co_filename, frame.f_lineno
        if at not in self._lines:
            self._lines[at] = Line(*at, linecache.getline(*at, frame.f_globals).strip())
        return self._lines[at]

    def groups(self, around):
        """Return the Groups of frames; of functions that call each other only the outermost counts."""
        known, chain = self._around, []
        same = True
        for frame, kind in around:
            same = same and len(chain) < len(known) and known[len(chain)][0] is frame
            chain.append(known[len(chain)] if same else (frame, self.group(frame, kind)))
            if kind == FUNCTION:
                break
        self._around = chain
        return tuple([group for _, group in chain if group is not None])

    def group(self, frame, kind):
        self._count += 1
        if kind == FUNCTION:
            return Group(function_name(frame.f_code), "", self._count, False)
        layer = frame.f_locals.get(frame.f_code.co_varnames[0])
        return Group(type(layer).__name__, self.layers.get(id(layer), ""), self._count, True)

    def forget(self):
        """Let go of the frames."""
        self.top, self._around = None, []


def kind_of(code):
    """Say what a function is to a trace: the user's, of the engine, a compound function of ours, a layer."""
    file = code.co_filename
    if code in compound():
        return FUNCTION
    if file.startswith((*ENGINE_HOMES, TABLE_HOME, *LIBRARIES)):
        return ENGINE
    if code.co_name == "__call__" and code.co_argcount:
        return LAYER
    if file.startswith(OUR_HOME):
        return ENGINE if code.co_name.startswith(("<", "_")) else FUNCTION
    return USER


def function_name(code):
    """Return the name of a function of ours; of a definition in the table that of NumPy's function."""
    return compound().get(code, code.co_name)


def compound():
    """Return a dict: code of a function that is made of others -> its name."""
    return compound_of(len(ROWS), len(COMPOSITIONS))


@functools.lru_cache(maxsize=1)
def compound_of(*lengths):
    """The same, worked out again when the table has grown."""
    found = {backward.__code__: "gradient"}  # one inside of the function
    for function, definition in [*COMPOSITIONS.items(), *METHODS.items()]:
        code = getattr(inspect.unwrap(definition), "__code__", None)
        found[code] = public_name(function) if callable(function) else f"np.ufunc.{function}"
    for function in ROWS:
        if hasattr(function, "on_arrays"):
            found[inspect.unwrap(function).__code__] = public_name(function)
    return found


def is_handed(x, frame):
    """Say whether an array is among the arguments that the user's code calls a function of ours with."""
    frames = outwards(frame)
    if len(frames) < 2:
        return True
    code, variables = frames[-2].f_code, frames[-2].f_locals
    count = code.co_argcount + code.co_kwonlyargcount
    count += sum(bool(code.co_flags & flag) for flag in (inspect.CO_VARARGS, inspect.CO_VARKEYWORDS))
    given = [y for name in code.co_varnames[:count] if name in variables for y in leaves(variables[name])]
    return any((y._value if isinstance(y, Storage) else y) is x for y in given)


def variables_at(error, name):
    """Return the variables of the function of a name in which an error was raised: a dict, empty if in no such one."""
    entry, found = error.__traceback__, {}
    while entry is not None:
        if entry.tb_frame.f_code.co_name == name:
            found = entry.tb_frame.f_locals
        entry = entry.tb_next
    return found
