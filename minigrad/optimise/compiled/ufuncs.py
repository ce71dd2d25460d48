"""NumPy's own inner loops, found in its ufuncs and called by their addresses.

``np.exp`` and ``np.matmul`` hold compiled loops, one for each kind of elements.  They are called as NumPy calls them,
with addresses, dimensions and strides: the same numbers, the same BLAS, and nothing of Python in between.  The
structure ``PyUFuncObject`` is public in NumPy's C interface; what is believed of it is checked on every ufunc before
its first use.

    offset in a ufunc:  16 nin, 20 nout, 48 number of types (int32)   32 functions   40 data   56 name   64 types
"""

import ctypes
import functools

import numpy as np

from .walk import peek, peek32

NIN, NOUT, FUNCTIONS, DATA, NTYPES, NAME, TYPES = 16, 20, 32, 40, 48, 56, 64


def number_of_loop(ufunc, kinds, dtype):
    """Return the place of the loop for operands of these dtypes (or types of numbers), or None."""
    chars = [kind.char if isinstance(kind, np.dtype) else None for kind in kinds]
    inside = next((char for char in chars if char), None)
    if inside is None or any(char not in (None, inside) for char in chars) or not is_known(ufunc):
        return None
    if None in chars and np.result_type(np.dtype(inside), *[k(1) for k in kinds if isinstance(k, type)]).char != inside:
        return None
    types = inside * len(kinds) + "->" + dtype.char
    number = ufunc.types.index(types) if types in ufunc.types else None
    return number if number is not None and loop_at(ufunc, number)[0] else None


@functools.lru_cache(maxsize=None)
def is_known(ufunc):
    """Whether a ufunc lies in memory as this file believes."""
    if not isinstance(ufunc, np.ufunc) or np.ufunc.__basicsize__ < TYPES + 8:
        return False
    at = id(ufunc)
    if (peek32(at + NIN), peek32(at + NOUT), peek32(at + NTYPES)) != (ufunc.nin, ufunc.nout, ufunc.ntypes):
        return False
    if not (peek(at + NAME) and peek(at + TYPES) and peek(at + FUNCTIONS)):
        return False
    many = ufunc.nin + ufunc.nout
    wanted = [[np.dtype(char).num for char in types.replace("->", "")] for types in ufunc.types]
    found = ctypes.string_at(peek(at + TYPES), ufunc.ntypes * many)
    return ctypes.string_at(peek(at + NAME)).decode() == ufunc.__name__ and list(found) == sum(wanted, [])


def loop_at(ufunc, number):
    """Return the address of a loop, and that of what it is handed besides."""
    data = peek(id(ufunc) + DATA)
    return peek(peek(id(ufunc) + FUNCTIONS) + 8 * number), peek(data + 8 * number) if data else 0
