"""The table of derivatives, by NumPy's own topics."""

from . import elementwise, indexing, reductions, shaping
from .casting import astype
from .elementwise import METHODS
from .indexing import getitem
from .table import CONSTANTS, REFUSED, ROWS, name_of
