"""The table of derivatives, by NumPy's own topics: importing a chapter enters its rows."""
# ruff: noqa: F401

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from ..core.table import COMPOSITIONS, CONSTANTS, LATE, REFUSED, ROWS, name_of
from ..hints import chapter
from . import (
    array_methods,
    decompositions,
    elementwise,
    emath,
    fft,
    indexing,
    linalg,
    methods,
    norms,
    padding,
    products,
    quantiles,
    reductions,
    series,
    shaping,
    sigmoids,
    windows,
)
from .calls import astype
from .indexing import getitem
from .reductions import WHOLE


def scipys_rows():
    """Open the chapter on SciPy if SciPy has been imported; say whether that brought new rows."""
    rows = f"{__name__}.scipy_rows"
    if "scipy.special" not in sys.modules or rows in sys.modules:
        return False
    from . import scipy_rows  # noqa: F401, PLC0415  SciPy is not imported by minigrad itself

    return True


LATE.append(scipys_rows)

if TYPE_CHECKING:  # what is found when it is first asked for
    from .coverage import supported

__all__ = ["supported"]


def _later(name):
    if name != "supported":
        raise AttributeError
    return import_module(".coverage", __name__).supported


chapter(__name__, _later)
