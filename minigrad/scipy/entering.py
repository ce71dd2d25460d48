"""How a function of this wing is entered in the table."""

import sys

from ..core.table import composition


def made_of_others(function):
    """Enter a function that needs no row, so that ``supported()`` knows it."""
    return composition(function)(function)


def scipys_own(module):
    """Return the function that finds SciPy's own under a name that this wing has not, for plain arrays."""

    def find(name):
        try:
            return getattr(module, name)
        except AttributeError:
            ours = sys.modules[f"{__package__}.{module.__name__.rpartition('.')[2]}"].__all__
            raise AttributeError(f"minigrad.{module.__name__} has no {name!r}: it has {', '.join(ours)}") from None

    return find
