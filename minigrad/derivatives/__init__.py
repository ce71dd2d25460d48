"""The table of derivatives, by NumPy's own topics."""

from . import decompositions, elementwise, fft, indexing, linalg, norms, padding, products, reductions, series, shaping
from .casting import astype
from .elementwise import METHODS
from .indexing import getitem
from .reductions import WHOLE
from .table import COMPOSITIONS, CONSTANTS, REFUSED, ROWS, name_of
