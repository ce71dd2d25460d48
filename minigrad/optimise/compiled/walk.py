"""The compiled walk over the parameters of one step: check every array, then run the kernel on each.

``walk`` is ordinary Python; kernels.py compiles it once for all rules.  It is handed three Python tuples,
of parameters, of their arrays and of their gradients, and reads NumPy's array objects itself, because
asking an array for its address and shape from Python costs more than the whole update of a small
parameter.  In the place of an array may stand a Tensor that holds it; so as a rule the first two tuples
are one.  What it reads is NumPy's public C structure ``PyArrayObject_fields``, CPython's tuple and the
first slot of a ``Storage``, all unchanged since NumPy 1.7; ``layout_is_known`` makes sure of it on real
objects before the first use, and where it is not so there is no compiled code.

    offset in any object:  0 number of references   8 type
    offset in an array:    16 data   24 number of dimensions (int32)   32 dimensions   40 strides
                           56 dtype   64 flags (int32)
    offset in a dtype:     24 kind, type, byte order, flags (bytes each), type number (int32)
    offset in a tuple:     24 items; in a list there is where they are
    offset in a Storage:   16 what it holds (0: nothing)

The plan is a table of integers made by tasks.py.
"""

import ctypes
import functools

import numpy as np

from ...core.storage import Storage

CHECK, LOOP, COMMIT = 1, 2, 4  # what a call is to do; bits of `mode`
UNLOCK = 8  # whether other threads of Python run meanwhile
APART = 16  # whether to check as well that no gradient lies in another parameter's memory

TYPE, DATA, NDIM, DIMENSIONS, STRIDES_OF_ARRAY, DTYPE, FLAGS = 8, 16, 24, 32, 40, 56, 64
DTYPE_WORD, WORD_MASK = 24, ~0xFF000000  # the mask drops the dtype's flags
ITEMS = 24
VALUE = 16

# Each may call those before it.
COMPILED = "array_at", "has_dtype", "same_shape", "size_of", "fits", "apart", "unfit", "run", "walk"

CONTIGUOUS, ALIGNED, WRITEABLE = 0x3, 0x100, 0x400  # contiguous: in C's order (1) or Fortran's (2)

# The plan's table.
(FIRST, LAST, IDS, STATES, PER_ROW, WANTED, HYPER, KERNEL, WORD, ITEMSIZE) = range(10)
(NDARRAY, HOLDER, PART, PARTS, MODE, ROWS, PLACES, SORTED, STANDING, NEXT, PARTIAL) = range(10, 21)


# The compiler puts single instructions in the place of these four, and calls in that of the next two.


def peek(address):
    """The 8-byte integer at an address."""
    return ctypes.c_int64.from_address(address).value


def cell(address, k):
    """The ``k``th of the 8-byte integers at an address."""
    return peek(address + 8 * k)


def peek32(address):
    """The 4-byte integer at an address."""
    return ctypes.c_int32.from_address(address).value


def poke(address, value):
    """Write an 8-byte integer to an address."""
    ctypes.c_int64.from_address(address).value = value


def call(kernel, *integers):
    """Run compiled code."""
    ctypes.PYFUNCTYPE(*[ctypes.c_int64] * (1 + len(integers)))(kernel)(*integers)


def unlock():
    """Let other threads of Python run; return who was running."""
    return 0


def lock(thread):
    """Wait for the turn of this thread again."""


def dtype_word(dtype):
    """Return the 8 bytes that tell a dtype from others, as ``walk`` reads them."""
    return peek(id(dtype) + DTYPE_WORD) & WORD_MASK


def method(self, args, many):
    """``walk`` as Python calls a built-in function: ``self`` is the ndarray that holds the plan.

    Returns the first argument if all went well, else the last; a function called in this way
    costs a tenth of one called through ctypes.
    """
    plan = peek(self + DATA)
    unlocked = cell(plan, MODE) & UNLOCK
    thread = unlock() if unlocked else 0
    went_well = walk(plan, args) < 0
    if unlocked:
        lock(thread)
    returned = peek(args) if went_well else peek(args + 16)
    poke(returned, peek(returned) + 1)  # the caller owns what it is given
    return returned


def array_at(place, plan):
    """The array at a place in a tuple, or held by the Tensor there; 0 if it is neither."""
    found = peek(place)
    if peek(found + TYPE) == cell(plan, HOLDER):
        found = peek(found + VALUE)
    return found if found != 0 and peek(found + TYPE) == cell(plan, NDARRAY) else 0


def has_dtype(array, word):
    """Whether an array is of the dtype that ``dtype_word`` tells."""
    return peek(peek(array + DTYPE) + DTYPE_WORD) & WORD_MASK == word


def same_shape(array, other):
    """Whether two arrays have the same shape."""
    ndim = peek32(array + NDIM)
    if peek32(other + NDIM) != ndim:
        return False
    for d in range(ndim):
        if cell(peek(array + DIMENSIONS), d) != cell(peek(other + DIMENSIONS), d):
            return False
    return True


def size_of(array):
    """How many elements an array has."""
    size = 1
    for d in range(peek32(array + NDIM)):
        size *= cell(peek(array + DIMENSIONS), d)
    return size


def fits(x, dx, nbytes, states, plan):
    """Whether the kernel may touch a parameter's array, its gradient and the arrays of its state."""
    word, wanted = cell(plan, WORD), cell(plan, WANTED)
    if not (has_dtype(x, word) and has_dtype(dx, word) and same_shape(x, dx)):
        return False
    both = peek32(x + FLAGS) & (peek32(dx + FLAGS) | WRITEABLE)
    # wanted, per array of state: its dtype, and how many numbers (-1: shaped like x).
    for j in range(cell(plan, PER_ROW)):
        a, length = cell(states, j), peek(wanted + 16 * j + 8)
        if not has_dtype(a, peek(wanted + 16 * j)):
            return False
        if length < 0:
            both &= peek32(a + FLAGS)
            if not same_shape(a, x):
                return False
        elif peek32(a + NDIM) != 1 or size_of(a) != length:
            return False
    # All contiguous in the same order, aligned, and writeable save the gradient, which may
    # be the parameter itself but not shifted against it.
    if both & CONTIGUOUS == 0 or both & (ALIGNED | WRITEABLE) != ALIGNED | WRITEABLE:
        return False
    shift = peek(dx + DATA) - peek(x + DATA)
    return shift == 0 or shift >= nbytes or shift <= -nbytes


def apart(x, dx, nbytes, row, plan):
    """Whether a parameter is where it was seen last, apart from all others, and its gradient apart from them too.

    ``places`` has, per parameter, its address, its length in bytes, and the address of the gradient that was
    found good for it last; ``sorted``, in the order of memory, where parameters begin and end.
    """
    places, begin = cell(plan, PLACES) + 24 * row, peek(dx + DATA)
    if nbytes == 0:
        return True
    if peek(x + DATA) != peek(places) or nbytes != peek(places + 8):
        return False
    if begin == peek(places) or begin == peek(places + 16):
        return True
    low, high, order = 0, cell(plan, ROWS), cell(plan, SORTED)
    while low < high:  # how many parameters begin before the gradient ends
        middle = (low + high) // 2
        if peek(order + 16 * middle) < begin + nbytes:
            low = middle + 1
        else:
            high = middle
    if low > 0 and peek(order + 16 * low - 8) > begin:
        return False
    poke(places + 16, begin)
    return True


def unfit(plan, args):
    """The number of the first parameter that is not the plan's, or whose arrays no kernel may touch; -1 if all fit."""
    params, xs, dxs = peek(args) + ITEMS, peek(args + 8) + ITEMS, peek(args + 16) + ITEMS
    states, stride = cell(plan, STATES), 8 * cell(plan, PER_ROW)
    ids, standing, mode = cell(plan, IDS), cell(plan, STANDING), cell(plan, MODE)
    for row in range(cell(plan, FIRST), cell(plan, LAST)):
        place = 8 * cell(standing, row)
        if peek(params + place) != cell(ids, row):
            return row
        x, dx = array_at(xs + place, plan), array_at(dxs + place, plan)
        if x == 0 or dx == 0:
            return row
        nbytes = size_of(x) * cell(plan, ITEMSIZE)
        if not fits(x, dx, nbytes, states + stride * row, plan):
            return row
        if mode & APART and not apart(x, dx, nbytes, row, plan):
            return row
    return -1


def run(plan, args):
    """Call the kernel for every parameter of a plan."""
    xs, dxs = peek(args + 8) + ITEMS, peek(args + 16) + ITEMS
    states, stride = cell(plan, STATES), 8 * cell(plan, PER_ROW)
    kernel, standing = cell(plan, KERNEL), cell(plan, STANDING)
    for row in range(cell(plan, FIRST), cell(plan, LAST)):
        place = 8 * cell(standing, row)
        x, dx = array_at(xs + place, plan), array_at(dxs + place, plan)
        call(kernel, peek(x + DATA), peek(dx + DATA), states + stride * row, size_of(x), plan)


def walk(plan, args):
    """Check, update, commit (as the plan's mode says) parameters ``first`` to ``last`` - 1, and those of the next plan.

    ``standing`` has the place in the tuples of each.  Returns -1, or the number of the first parameter that is
    not its plan's, or whose arrays no kernel may touch; then nothing was written, whichever plan it belongs to.
    """
    each = plan
    while each != 0:
        row = unfit(each, args) if cell(each, MODE) & CHECK else -1
        if row >= 0:
            return row
        each = cell(each, NEXT)
    each = plan
    while each != 0:
        if cell(each, MODE) & (LOOP | COMMIT):
            run(each, args)
        each = cell(each, NEXT)
    return -1


def field_of(x, held):
    """The place in an object where it refers to another one; None unless there is just one."""
    own = range(-32 if type(x).__flags__ & 1 << 4 else TYPE, type(x).__basicsize__, 8)  # the flag: a dict is before it
    places = [k for k in own if peek(id(x) + k) == id(held)]
    return places[0] if len(places) == 1 else None


@functools.lru_cache(maxsize=None)
def layout_is_known():
    """Whether arrays, tuples and Storages lie in memory as this file believes; asked once, of real ones."""
    listed = [np.zeros(0)]
    if object.__basicsize__ != DATA or tuple.__basicsize__ != ITEMS or peek(peek(id(listed) + ITEMS)) != id(listed[0]):
        return False
    for array in (np.zeros((2, 3, 5), np.float32), np.zeros((4, 2), order="F"), np.zeros((), complex)):
        at, held, holder = id(array), (array,), Storage(array)
        dimensions = peek(at + DIMENSIONS)
        seen = (
            peek(at + DATA),
            peek32(at + NDIM),
            tuple(cell(dimensions, d) for d in range(array.ndim)),
            tuple(cell(peek(at + STRIDES_OF_ARRAY), d) for d in range(array.ndim)),
            peek(at + DTYPE),
            peek32(at + FLAGS) & 0x503,
            peek(id(held) + ITEMS),
            peek(id(holder) + VALUE),
        )
        flags = array.flags.c_contiguous + 2 * array.flags.f_contiguous + ALIGNED + WRITEABLE
        places = array.ctypes.data, array.ndim, array.shape, array.strides, id(array.dtype), flags, at, at
        if seen != places:
            return False
        word = dtype_word(array.dtype)
        if word & 0xFF != ord(array.dtype.kind) or word >> 32 != array.dtype.num:
            return False
    return True
