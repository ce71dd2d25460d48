"""The compiled walk over the parameters of one step: check every array, then run the kernel on each.

``walk`` is ordinary Python; kernels.py compiles it once for all rules.  It is handed three Python tuples,
of parameters, of their arrays and of their gradients, and reads NumPy's array objects itself, because
asking an array for its address and shape from Python costs more than the whole update of a small
parameter.  In the place of an array may stand a Tensor that holds it; so as a rule the first two tuples
are one.  What it reads is NumPy's public C structure ``PyArrayObject_fields``, CPython's tuple and the
first slot of a ``Storage``, all unchanged since NumPy 1.7; kernels.py makes sure of it on real objects
before the first use, and does without compiled code where it is not so.

    offset in any object:  0 number of references   8 type
    offset in an array:    16 data   24 number of dimensions (int32)   32 dimensions
                           56 dtype   64 flags (int32)
    offset in a dtype:     24 kind, type, byte order, flags (bytes each), type number (int32)
    offset in a tuple:     24 items
    offset in a Storage:   16 what it holds (0: nothing)

The plan is a table of integers made by step.py.
"""

import ctypes

CHECK, LOOP, COMMIT = 1, 2, 4  # what a call is to do; bits of `mode`
UNLOCK = 8  # and whether other threads of Python run meanwhile

TYPE, DATA, NDIM, DIMENSIONS, DTYPE, FLAGS = 8, 16, 24, 32, 56, 64
DTYPE_WORD, WORD_MASK = 24, ~0xFF000000  # the mask drops the dtype's flags
ITEMS = 24
VALUE = 16

CONTIGUOUS, ALIGNED, WRITEABLE = 0x3, 0x100, 0x400  # contiguous: in C's order (1) or Fortran's (2)

# The plan's table.
(FIRST, LAST, IDS, STATES, PER_ROW, WANTED, HYPER, KERNEL, WORD, ITEMSIZE) = range(10)
(NDARRAY, HOLDER, PART, PARTS, MODE) = range(10, 15)


# The compiler puts single instructions in the place of these four, and calls in that of the next two.


def peek(address):
    """The 8-byte integer at an address."""
    return ctypes.c_int64.from_address(address).value


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
    unlocked = peek(plan + 8 * MODE) & UNLOCK
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
    if peek(found + TYPE) == peek(plan + 8 * HOLDER):
        found = peek(found + VALUE)
    return found if found != 0 and peek(found + TYPE) == peek(plan + 8 * NDARRAY) else 0


def walk(plan, args):
    """Check, update, commit (as the plan's mode says) parameters ``first`` to ``last`` - 1.

    Returns -1, or the number of the first parameter that is not the plan's, or whose arrays no
    kernel may touch; then nothing was written.
    """
    params, xs, dxs = peek(args) + ITEMS, peek(args + 8) + ITEMS, peek(args + 16) + ITEMS
    first, last, mode = peek(plan + 8 * FIRST), peek(plan + 8 * LAST), peek(plan + 8 * MODE)
    states, per_row = peek(plan + 8 * STATES), peek(plan + 8 * PER_ROW)
    if mode & CHECK:
        wanted = peek(plan + 8 * WANTED)
        word, ids = peek(plan + 8 * WORD), peek(plan + 8 * IDS)
        for row in range(first, last):
            if peek(params + 8 * row) != peek(ids + 8 * row):
                return row
            x, dx = array_at(xs + 8 * row, plan), array_at(dxs + 8 * row, plan)
            if x == 0 or dx == 0:
                return row
            ndim, dimensions = peek32(x + NDIM), peek(x + DIMENSIONS)
            both = peek32(x + FLAGS) & (peek32(dx + FLAGS) | WRITEABLE)
            nbytes = peek(plan + 8 * ITEMSIZE)
            good = peek(peek(x + DTYPE) + DTYPE_WORD) & WORD_MASK == word
            good &= peek(peek(dx + DTYPE) + DTYPE_WORD) & WORD_MASK == word
            good &= peek32(dx + NDIM) == ndim
            if not good:
                return row
            for d in range(ndim):
                length = peek(dimensions + 8 * d)
                good &= peek(peek(dx + DIMENSIONS) + 8 * d) == length
                nbytes *= length
            # wanted, per array of state: its dtype, and how many numbers (-1: shaped like x).
            for j in range(per_row):
                a = peek(states + 8 * (per_row * row + j))
                good &= peek(peek(a + DTYPE) + DTYPE_WORD) & WORD_MASK == peek(wanted + 16 * j)
                length = peek(wanted + 16 * j + 8)
                if length < 0:
                    both &= peek32(a + FLAGS)
                    good &= peek32(a + NDIM) == ndim
                    if not good:
                        return row
                    for d in range(ndim):
                        good &= peek(peek(a + DIMENSIONS) + 8 * d) == peek(dimensions + 8 * d)
                else:
                    good &= peek32(a + NDIM) == 1
                    if not good:
                        return row
                    good &= peek(peek(a + DIMENSIONS)) == length
            # All contiguous in the same order, aligned, and writeable save the gradient, which may
            # be the parameter itself but not shifted against it.
            good &= both & CONTIGUOUS != 0 and both & (ALIGNED | WRITEABLE) == ALIGNED | WRITEABLE
            shift = peek(dx + DATA) - peek(x + DATA)
            good &= shift == 0 or shift >= nbytes or shift <= -nbytes
            if not good:
                return row
    if not mode & (LOOP | COMMIT):
        return -1
    kernel = peek(plan + 8 * KERNEL)
    for row in range(first, last):
        x, dx = array_at(xs + 8 * row, plan), array_at(dxs + 8 * row, plan)
        size = 1
        for d in range(peek32(x + NDIM)):
            size *= peek(peek(x + DIMENSIONS) + 8 * d)
        call(kernel, peek(x + DATA), peek(dx + DATA), states + 8 * per_row * row, size, plan)
    return -1
