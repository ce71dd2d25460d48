"""What users meet at a public function: short tracebacks, their own lines in warnings, keywords explained.

A function is entered through a ``door``, the gradients of the core through ``enter``.  Here, too, stands what a
notebook calls a cell.
"""

import functools
import inspect
import os
import re
import sys
import warnings
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, TypeVar

import numpy as np

from .core.errors import libraries, outwards, told

Entered = TypeVar("Entered", bound=Callable[..., Any])
PACKAGE = __name__.partition(".")[0] + "."
KEYWORDS = {}  # what other libraries call a keyword -> what to write here; ``hints`` fills it
PASSING_ON = "gradient", "withgradient", "pullback"
SAID = {  # what NumPy and Python say of a function that is differentiated -> what to write in it
    "truth value of an array": "np.where(condition, a, b) chooses for each element",
    r"unsupported operand.*'list'": "an argument of gradient that is a list comes as a list of Tensors; as one array "
    "it is np.array(x), or minigrad.array(x) in the function",
}


def door(entered: Entered) -> Entered:
    """Decorator of public functions and classes, for what leaves them; those called often do the same by hand.

    Tracebacks are short, NumPy's warnings name the user's line, and a keyword of another library is answered with
    what it is called here.

    >>> @door
    ... def outer(x): return inner(x)
    >>> def inner(x): return 1 / x
    >>> outer(2)
    0.5
    """
    if isinstance(entered, type):
        entered.__init__ = door(entered.__init__)
        return entered

    @functools.wraps(entered)
    def enter(*args, **kwargs):
        before = float_errors()
        try:
            set_float_errors(TOLD_TO_US[before])
            return entered(*args, **kwargs)
        except Exception as error:
            error.__traceback__ = error.__traceback__.tb_next  # but for this frame
            shorten(error)
            if type(error) is TypeError:
                explain(error, entered)
            raise
        finally:
            set_float_errors(before)

    return enter


def enter(f, *args):
    """Call the work behind a public function that is called so often that a ``door`` of its own would show."""
    before = float_errors()
    try:
        set_float_errors(TOLD_TO_US[before])
        return f(*args)
    except Exception as error:
        shorten(error)
        error.__traceback__ = error.__traceback__.tb_next  # but for this frame
        for said, instead in SAID.items():
            if type(error) in (TypeError, ValueError) and re.search(said, str(error)) and instead not in str(error):
                error.args = (f"{error}: {instead}",)
        raise
    finally:
        set_float_errors(before)


def shorten(error):
    """Take our frames out of an error's traceback, from the first, which is kept, to the last, where it was raised.

    ``except Exception as error: shorten(error); raise`` costs nothing as long as all goes well.  The frames of users
    and of NumPy all stay.  With MINIGRAD_TRACEBACK=full in the environment ours do too.
    """
    if os.environ.get("MINIGRAD_TRACEBACK") == "full":
        return
    entry = error.__traceback__
    while entry is not None:
        following = entry.tb_next
        while following is not None and following.tb_next is not None and is_ours(following.tb_frame):
            following = following.tb_next
        entry.tb_next = following
        entry = following


def is_ours(frame):
    """Say whether a frame runs code of minigrad; dataclasses write some of it."""
    file, module = frame.f_code.co_filename, frame.f_globals.get("__name__", "")
    return file.startswith(libraries[0]) or file == "<string>" and module.startswith(PACKAGE)


def explain(error, called=None):
    """Add to the error of a call with wrong arguments what a keyword is here, or how the function is called."""
    text = str(error).partition(". Did you mean")[0]  # Python's own guess
    keyword = re.search(r"(?:unexpected keyword|values for) argument '(\w+)'", text)
    if keyword and keyword[1] in KEYWORDS and raised_by_a_library(error):
        error.args = (f"{text}: {KEYWORDS[keyword[1]]}",)
    elif called is not None and text.startswith(f"{called.__qualname__}() "):
        of_a_class = called.__name__ == "__init__"
        parameters = list(inspect.signature(called).parameters.values())[of_a_class:]
        parameters = [p.replace(annotation=p.empty) if isinstance(p.annotation, str) else p for p in parameters]
        name = called.__qualname__.removesuffix(".__init__")
        error.args = (f"{text}. It is called as {name}{inspect.Signature(parameters)}",)


# ----------------------------------------------------------------------------------------- shapes that do not fit
def unfit(error, function, arrays):
    """Add to NumPy's error for two arrays that do not fit together what their shapes mean, and what would fit."""
    if type(error) is not ValueError or len(arrays) != 2:
        return
    a, b = map(np.shape, arrays)
    if function is np.matmul and not (a and b):
        hint = "@ multiplies arrays with axes; a number goes by *, as in 2 * t"
    elif function is np.matmul:
        hint = "" if multiplies(a, b) else not_multiplied(a, b)
    else:
        hint = "" if broadcasts(a, b) else not_broadcast(a, b)
    if hint and hint not in str(error):  # of nested gradients every level tells
        error.args = (f"{str(error).rstrip()}: {hint}",)


def not_multiplied(a, b):
    which = "only" if len(b) == 1 else "last but one"
    hint = (
        f"a @ b of shapes {a} and {b}: the last axis of a has the length {a[-1]}, the {which} axis of b {b[-2:][0]}; "
        "they must be equal"
    )
    turned = [(a[::-1], b, "a.T @ b", a), (a, b[::-1], "a @ b.T", b), (b[::-1], a, "b.T @ a", b)]
    ways = [(b, a, "b @ a"), *[way for *way, shape in turned if len(shape) == 2]]
    fitting = [text for left, right, text in ways if max(len(a), len(b)) <= 2 and multiplies(left, right)]
    return f"{hint}. What fits: {', '.join(fitting)}" if fitting else hint


def not_broadcast(a, b):
    hint = (
        f"shapes {a} and {b} are compared from their last axes on: two axes are equally long, or one of them is 1 or "
        "missing"
    )
    if len(b) == 1 and a[:1] == b:
        return f"{hint}. b[:, None] is a column, which goes with the rows of a"
    if len(a) == 1 and b[:1] == a:
        return f"{hint}. a[:, None] is a column, which goes with the rows of b"
    return hint


def multiplies(a, b):
    """Say whether arrays of two shapes can be multiplied as matrices."""
    return a[-1] == b[-2:][0]


def broadcasts(a, b):
    """Say whether two shapes go together.

    >>> broadcasts((3, 4), (4,)), broadcasts((3, 4), (3,))
    (True, False)
    """
    return all(m == n or 1 in (m, n) for m, n in zip(a[::-1], b[::-1]))


def unknown_keyword(name, keyword, *_):
    """Return the error for a keyword that a function does not have, where Python itself does not see it."""
    error = TypeError(f"{name}() got an unexpected keyword argument {keyword!r}")
    explain(error)
    if name in PASSING_ON and keyword not in KEYWORDS:
        error.args = (f"{error}: f gets what stands after it; with a constant it is {name}(lambda x: f(x, 2.0), x)",)
    return error


def raised_by_a_library(error):
    """Say whether no frame of the user's stands in the traceback of an error that is on its way to the user."""
    entry = error.__traceback__
    while entry is not None and (is_ours(entry.tb_frame) or entry.tb_frame.f_code.co_filename.startswith(libraries)):
        entry = entry.tb_next
    return entry is None


def warn(text, kind):
    """Warn at the line of the user's code."""
    warnings.warn(text, kind, stacklevel=len(outwards(sys._getframe())))


# ------------------------------------------------------------------------------------------------- NumPy's warnings
class Messenger:
    """Whom NumPy tells of a division by zero, an overflow, ...: it warns of the line of the user's.

    NumPy itself would warn of the line that calls its function, which is one of ours.
    """

    def write(self, text):
        frames = outwards(sys._getframe(1), libraries[:2])
        user, what = frames[-1], text.removeprefix("Warning: ").rstrip()
        if any(frame.f_code.co_name == "backward" for frame in frames):
            what += ", on the way back, in a derivative"
        registry = user.f_globals.setdefault("__warningregistry__", {})
        module = user.f_globals.get("__name__", "__main__")
        warnings.warn_explicit(what, RuntimeWarning, user.f_code.co_filename, user.f_lineno, module, registry)


class ToldToUs(dict):
    """What ``float_errors()`` gives -> the same with a Messenger in the place of NumPy's own warnings.

    >>> with np.errstate(divide="warn", over="ignore", under="raise"):
    ...     before = float_errors()
    ...     _ = set_float_errors(TOLD_TO_US[before])
    ...     np.geterr()["divide"], np.geterr()["over"], np.geterr()["under"]
    ...     _ = set_float_errors(before)
    ('log', 'ignore', 'raise')
    """

    def __missing__(self, before):
        if len(self) > 8:  # a program may make a new one for every call
            self.clear()
        modes = np.geterr()
        warned = {kind: "log" for kind, mode in modes.items() if mode == "warn"}
        told = before
        if {"call", "log"}.isdisjoint(modes.values()):  # else somebody is to be told already
            told = copy_context().run(errors_told_to, Messenger(), warned)
        self[before] = self[told] = told
        return told


def errors_told_to(messenger, modes):
    """Return what ``float_errors()`` gives where a messenger is told.  (In a context of its own nothing can remain.)"""
    with np.errstate(call=messenger, **modes):
        return key_of(float_errors())


try:  # what np.errstate sets, as one value
    from numpy._core.umath import _extobj_contextvar

    float_errors, set_float_errors = _extobj_contextvar.get, _extobj_contextvar.set
    key_of = lambda errors: errors
except ImportError:  # NumPy 1

    float_errors = lambda: [*np.geterrobj()]  # a copy of its list, which it changes in place, and no key of a dict
    set_float_errors, key_of = np.seterrobj, tuple

    class ToldToUs(ToldToUs):
        def __getitem__(self, before):
            return list(super().__getitem__(tuple(before)))


TOLD_TO_US = ToldToUs()
with np.errstate(all="ignore"):
    QUIET = float_errors()


def quietly(f, *args):
    """Return ``f(*args)`` without NumPy's warnings; ``np.errstate(all="ignore")`` does the same in five times the time.

    >>> float(quietly(np.exp, 1000.0))
    inf
    """
    before = float_errors()
    try:
        set_float_errors(QUIET)
        return f(*args)
    finally:
        set_float_errors(before)


# ----------------------------------------------------------------------------------------- notebooks
def cell(file):
    """Return what a notebook calls the cell whose code stands in a file of that name; "" for any other file.

    IPython knows the number of a cell; others write something into the name.

    >>> cell("/tmp/marimo_7/__marimo__cell_Hbol_.py"), cell("train.py")
    ('cell Hbol', '')
    """
    try:
        known = sys.modules["IPython"].get_ipython().compile.format_code_name(file)  # "Cell", "In[5]"; or None
    except (KeyError, AttributeError):  # there is no IPython, or it is not the one that runs this
        known = None
    if known:
        return f"cell {known[-1]}"
    written = re.search(r"ipython-input-(\d+)|__marimo__cell_(\w+?)_?\.py$|ipykernel_\d+", file)
    if written is None:
        return ""
    return f"cell {written[1] or written[2]}" if written.lastindex else "a cell of the notebook"


told.enter = staticmethod(enter)
told.name_of_file = staticmethod(lambda file: cell(file) or os.path.basename(file))
told.unknown_keyword = staticmethod(unknown_keyword)
told.unfit = staticmethod(unfit)
