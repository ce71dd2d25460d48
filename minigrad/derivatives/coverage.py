"""What minigrad knows about NumPy's functions, for people: ``supported()``."""

import functools
import json
import re
from pathlib import Path
from typing import NamedTuple

from ..core.table import COMPOSITIONS, CONSTANTS, REFUSED, ROWS, name_of
from ..shown import Shown


class Supported(NamedTuple):
    """One line of ``supported()``: a function, what it is differentiated by, how far that is tested, a remark.

    >>> print(Supported("np.exp", ("x",), 3, "real, complex", ""))
    np.exp(x): to order 3, real, complex
    """

    function: str
    arguments: tuple
    order: int
    dtypes: str
    note: str

    def __str__(self):
        tested = f"to order {self.order}, {self.dtypes}" if self.order else ""
        remarks = "; ".join(filter(None, [tested, self.note]))
        return f"{self.function}({', '.join(self.arguments)})" + (f": {remarks}" if remarks else "")


class Table(Shown, list):
    """The list that ``supported()`` returns; notebooks show it as a table."""


def supported(name=""):
    """Return what minigrad knows about the functions of NumPy (and of SciPy, once that is in use).

    Parameters
    ----------
    name : str, lists only the functions in whose name it occurs; or a function, such as ``np.exp``

    Returns
    -------
    list of named tuples ``(function, arguments, order, dtypes, note)`` in the order of the alphabet: the name;
    the arguments that can be differentiated; up to which derivative and with which numbers the tests compare
    it with finite differences; and a remark: where the derivative is a convention, that the function is made
    of others, that the result is a constant (it carries no gradient), or why the function is refused.

    No counterpart in Zygote, whose rules are found by looking for methods of ``rrule``.

    >>> for line in supported("np.arctan"):
    ...     print(line)
    np.arctan(x): to order 3, real, complex
    np.arctan2(a, b): to order 3, real; 0 at the origin
    np.arctanh(x): to order 3, real, complex
    >>> print(*supported("floor_divide"))
    np.floor_divide(): constant
    """
    name = name_of(name) if callable(name) else name
    lines = [
        Supported(row.name, tuple(row.parameters[i] for i in row.edges), *how_far(row.name)[1:], row.note)
        for row in ROWS.values()
    ]
    lines += [
        Supported(name_of(function), *how_far(name_of(function)), "made of others") for function in COMPOSITIONS
    ]
    lines += [Supported(name_of(function), (), 0, "", "constant") for function in CONSTANTS]
    lines += [
        Supported(name_of(function), (), 0, "", f"refused: {reason}") for function, reason in REFUSED.items()
    ]
    public = re.compile(r"(np|scipy|minigrad\.scipy)(\.[a-z]\w*)+$")
    return Table(sorted(line for line in lines if public.match(line.function) and name in line.function))


@functools.cache
def tested():
    """Return how far the tests go, as docs/write_numpy.py wrote it down.

    name -> (the arguments of a function that is made of others, the highest derivative, the numbers)

    >>> tested()["np.exp"]
    ['', 3, 'real, complex']
    """
    return json.loads(Path(__file__).with_name("tested.json").read_text(encoding="utf-8"))


def how_far(name):
    """Return (arguments, order, dtypes) of a function as far as the tests differentiate it."""
    if name == "np.trapz":  # NumPy 1's name
        name = "np.trapezoid"
    arguments, order, dtypes = tested().get(name, ("", 0, ""))
    return tuple(arguments.split()), order, dtypes
