"""How a function of this wing is entered in the table."""

from ..core.table import composition


def made_of_others(function):
    """Enter a function that needs no row, so that ``supported()`` knows it."""
    return composition(function)(function)
