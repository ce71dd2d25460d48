"""The table of derivatives, by NumPy's own topics: importing a chapter enters its rows."""
# ruff: noqa: F401

import inspect
import re
import sys
from typing import NamedTuple

from . import (
    decompositions,
    elementwise,
    fft,
    indexing,
    linalg,
    norms,
    padding,
    products,
    quantiles,
    reductions,
    series,
    shaping,
)
from .casting import astype
from .indexing import getitem
from .methods import METHODS
from .reductions import WHOLE
from .table import COMPOSITIONS, CONSTANTS, REFUSED, ROWS, name_of


class Supported(NamedTuple):
    """One line of ``supported()``: a function, the arguments it is differentiated by, and a remark.

    >>> print(Supported("np.exp", ("x",), ""))
    np.exp(x)
    """

    function: str
    arguments: tuple
    note: str

    def __str__(self):
        return f"{self.function}({', '.join(self.arguments)})" + (f": {self.note}" if self.note else "")


def supported(name=""):
    """Return what minigrad knows about the functions of NumPy (and of SciPy, once that is in use).

    Parameters
    ----------
    name : str, lists only the functions in whose name it occurs

    Returns
    -------
    list of named tuples ``(function, arguments, note)`` in the order of the alphabet: the name, the
    arguments that can be differentiated, and a remark: where the derivative is a convention, that the
    result is a constant (it carries no gradient), or why the function is refused.

    No counterpart in Zygote, whose rules are found by looking for methods of ``rrule``.

    >>> for line in supported("arctan"):
    ...     print(line)
    np.arctan(x)
    np.arctan2(a, b): 0 at the origin
    np.arctanh(x)
    >>> print(*supported("floor_divide"))
    np.floor_divide(): constant
    """
    lines = [
        Supported(row.name, tuple(row.parameters[i] for i in row.edges), row.note) for row in ROWS.values()
    ]
    lines += [
        Supported(name_of(function), array_arguments(definition), "by whatever arrays it is given")
        for function, definition in COMPOSITIONS.items()
    ]
    lines += [Supported(name_of(function), (), "constant") for function in CONSTANTS]
    lines += [Supported(name_of(function), (), f"refused: {reason}") for function, reason in REFUSED.items()]
    public = re.compile(r"(np|scipy)(\.[a-z]\w*)+$")
    return sorted(line for line in lines if public.match(line.function) and name in line.function)


# What the definitions of COMPOSITIONS call arguments that are no arrays of numbers.
# fmt: off
OPTIONS = {"axis", "axes", "condition", "condlist", "deg", "dtype", "func", "func1d", "funclist", "kth", "n",
           "new_shape", "obj"}
# fmt: on


def array_arguments(definition):
    """Return the arrays that a composition cannot do without; its options have defaults."""
    parameters = inspect.signature(definition).parameters.values()
    needed = [
        p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    return tuple(name for name in needed if name not in OPTIONS)


def late_rows():
    """Open the chapter on SciPy if SciPy has been imported; say whether that brought new rows."""
    chapter = f"{__name__}.scipy_rows"
    if "scipy.special" not in sys.modules or chapter in sys.modules:
        return False
    from . import scipy_rows  # noqa: F401, PLC0415  SciPy is not imported by minigrad itself

    return True
