"""Where a loss became NaN or infinite: the first operation on the tape, and the line that it came from."""

import linecache
import os
import sys
from contextvars import copy_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..core.errors import outwards
from ..core.recording import append
from ..core.storage import ndarray_of
from ..core.table import name_of
from ..core.tape import Tape
from ..core.tensor import add_leaves
from ..doors import cell

_ours, _numpy = (str(Path(file).parent) + os.sep for file in (Path(__file__).parent, np.__file__))
_recorded_in = "core/recording.py", "fast", "calculus/adjoint.py", "derivatives"
_recording = *(_ours + os.path.normpath(name) for name in _recorded_in), _numpy


class Culprit(NamedTuple):
    """An operation of a loss whose result is not finite."""

    name: str
    result: np.ndarray
    file: str
    line: int

    def __str__(self):
        bad = self.result[~np.isfinite(self.result)]
        code = linecache.getline(self.file, self.line).strip()
        what = f"{self.name}, which gave {bad[0]} ({bad.size} of {self.result.size} numbers)"
        place = f"line {self.line} of {cell(self.file)}" if cell(self.file) else f"{self.file}:{self.line}"
        return f"{what}, at {place}" + f"\n    {code}" * bool(code)


class Watched(list):
    """The entries of a tape that looks at each result when its entry is appended.

    An entry keeps only what its derivative needs, often not the result; so this looks where the result is: in
    the variable ``y`` of the function that records it, next to ``function``.
    """

    def __init__(self):
        self.first_not_finite = None

    def append(self, edges):
        super().append(edges)
        if edges and self.first_not_finite is None:
            frame = sys._getframe(1)
            if frame.f_code in (Tape.add.__code__, append.__code__):
                frame = frame.f_back
            result = frame.f_locals.get("y")
            if not is_finite(result):
                self.first_not_finite = described(frame, result)


def is_finite(x):
    """Say whether all numbers in ``x`` (an array, a tuple of arrays, or anything else) are finite.

    >>> is_finite((np.ones(2), "text")), is_finite(np.array([1.0, np.nan]))
    (True, False)
    """
    if isinstance(x, (tuple, list)):
        return all(map(is_finite, x))
    if isinstance(x, dict):
        return all(map(is_finite, x.values()))
    x = x if isinstance(x, (float, complex, np.generic)) else ndarray_of(x)
    return x is None or np.asarray(x).dtype.kind not in "fc" or bool(np.all(np.isfinite(x)))


def described(frame, result):
    """Return the Culprit that a frame of the recording machinery is at."""
    parts = result if isinstance(result, (tuple, list)) else [result]
    bad = next(part for part in parts if not is_finite(part))
    bad = np.asarray(bad if isinstance(bad, (float, complex, np.generic)) else ndarray_of(bad))
    name = "an operation"
    for inner in outwards(frame, _recording)[:-1]:
        names = {**inner.f_globals, **inner.f_locals}  # a recorder has its function as a global name
        function = names.get("function", names.get("f"))
        name = name_of(function) if hasattr(function, "__name__") else name  # the last is what was called
    user = outwards(frame)[-1]
    return Culprit(name, bad, user.f_code.co_filename, user.f_lineno)


def first_not_finite(f, ps):
    """Run a loss once more, watching, and return its first Culprit with a result that is not finite.

    Parameters
    ----------
    f : function without arguments, as ``gradient(f, ps)`` takes it
    ps : Params

    Returns
    -------
    Culprit, whose text names the function, what it gave, the file and the line; None if all was finite,
    because ``f`` is random or the trouble arose outside of the tape, in plain arrays

    >>> from minigrad import Tensor, params
    >>> W = Tensor([1.0, 0.0])
    >>> first_not_finite(lambda: np.sum(W * np.log(W)), params(W)).name
    'np.log'
    """
    tape = Tape()
    tape.entries = entries = Watched()
    add_leaves(tape, list(ps))
    tape.record(lambda: copy_context().run(silently, f))  # in a copied context errstate is restored whatever happens
    return entries.first_not_finite


def silently(f):
    """Call ``f`` without NumPy's warnings."""
    with np.errstate(all="ignore"):
        f()
