"""Where a loss or its gradient became NaN or infinite: the first operation, and the line that it came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..core.params import Params
from ..core.storage import ndarray_of
from ..core.trees import parts
from ..doors import cell, float_errors, set_float_errors
from .tracer import run
from .wording import spoken_name


class Culprit(NamedTuple):
    """An operation of a loss whose result is not finite."""

    name: str
    result: np.ndarray
    file: str
    line: int
    code: str = ""

    def __str__(self):
        bad = self.result[~np.isfinite(self.result)]
        what = f"{self.name}, which gave {bad[0]} ({bad.size} of {self.result.size} numbers)"
        place = f"line {self.line} of {cell(self.file)}" if cell(self.file) else f"{self.file}:{self.line}"
        return f"{what}, at {place}" + f"\n    {self.code}" * bool(self.code)


def is_finite(x: Any) -> bool:
    """Say whether all numbers in ``x`` (an array, a tuple of arrays, or anything else) are finite.

    >>> is_finite((np.ones(2), "text")), is_finite(np.array([1.0, np.nan]))
    (True, False)
    """
    if (children := parts(x)) is not None:
        return all(map(is_finite, children))
    x = x if isinstance(x, (float, complex, np.generic)) else ndarray_of(x)
    return x is None or np.asarray(x).dtype.kind not in "fc" or bool(np.all(np.isfinite(x)))


def first_not_finite(f: Callable[[], Any], ps: Params) -> Culprit | None:
    """Run a loss and its gradient once more, and return the first Culprit whose result is not finite.

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
    before = float_errors()
    try:
        try:
            np.seterr(all="ignore")
            return first_in(run(f, (ps,)))
        except Exception as error:  # perhaps because of the very numbers that are looked for
            found = first_in(getattr(error, "program", ()))
            if found is None:
                raise
            return found
        finally:
            set_float_errors(before)
    finally:
        set_float_errors(before)  # Ctrl-C may have come just before the line above


def first_in(program):
    """Return the first Culprit of a Program whose result is not finite, or None.

    That of a step inside of a function of ours or of a vjp does not count: it may be infinite on purpose.
    """
    for op in program:
        inside = op.phase == "backward" or any(not group.layer for group in op.within)
        counts = op.kind in ("call", "random") and (op.result or not inside)
        if counts and not is_finite(op.value):
            return described(op)
    return None


def described(op):
    given = op.value if isinstance(op.value, (tuple, list)) else [op.value]
    bad = next(np.asarray(part) for part in given if not is_finite(part))
    name = spoken_name(op) if op.phase == "forward" else f"the gradient of {op.rule}"
    file, line, code = op.line or ("", 0, "")
    return Culprit(name, bad, file, line, code)
