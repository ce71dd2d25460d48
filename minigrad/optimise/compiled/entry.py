"""The compiled step as Python calls it: check every array, run the pieces, then the kernels of the optimiser.

``enter`` is ordinary Python; kernels.py compiles it once for all steps.  What a step does stands in tables of integers
(layout.py makes them): one row per array that is given, and one row per piece of work, in order.

    a piece >= 0   of the step's own code, with a block of addresses
    NUMPY          an inner loop of NumPy's: its address, data; arguments, dimensions, strides
    PYTHON         a function of Python's without arguments; what it raises goes on to the caller, and any result but
                   None ends the step: ENDED before the loss is known, UNSETTLED between the gradients and the kernels
    DRAW           random numbers in [0, 1) by the bit generator's own function
    FINITE         look at the loss: not finite, and the step ends
    KERNEL         the optimiser's kernel for one parameter

Nothing of the caller's is written before FINITE has been passed.  ``enter`` returns the loss, or None if it has not
made the step; WHY says why.
"""

from .walk import DATA, DIMENSIONS, FLAGS, NDIM, STRIDES_OF_ARRAY, TYPE, VALUE
from .walk import call, has_dtype, lock, peek, peek32, poke, unlock

NUMPY, PYTHON, DRAW, FINITE, KERNEL = -1, -2, -3, -4, -5  # kinds of rows that are no pieces
RAISED, DONE, ARGUMENT, MOVED, NOT_FINITE, ENDED, UNSETTLED = range(-1, 6)  # why a step was not made

# The plan's table.
(PIECES, ROWS, MANY_ROWS, GIVEN, MANY_GIVEN, MANY_LOOKED_AT, MANY_ARGUMENTS, NDARRAY, HOLDER, NONE) = range(10)
(LOSS, WHY, STEPS, MADE, LOSSES, ACQUIRE, RELEASE, UNLOCKED) = range(10, 18)
LENGTH = 18

# A row of GIVEN: which argument (-1: the Tensor at OBJECT), what is wanted of it, where it lay, where that is noted.
(WHICH, OBJECT, WORD, AXES, SIZES, STRIDES, WANTED, AT, WATCHED, ADVANCE, PLACES, MANY_PLACES) = range(12)

IMMORTAL = 1 << 31  # in the number of references to an object that is never freed, as None is in newer Pythons

COMPILED = "has_dtype", "is_as_wanted", "move", "look", "finite", "draw_all", "work", "make", "advance", "repeat"


# What the compiler puts in the place of these is in kernels.py.


def run_piece(code, piece, block):
    """Run one of a step's own pieces."""


def inner_loop(function, arguments, dimensions, strides, data):
    """Run an inner loop of NumPy's."""


def ask(function):
    """Call a function of Python's without arguments; return the address of its result, 0 if it raised."""
    return 0


def release(result):
    """Let go of what ``ask`` returned."""


def next_double(function, state):
    """Draw a number in [0, 1)."""
    return 0.0


def f8s(address):
    """The float64 numbers at an address."""


def f4s(address):
    """The float32 numbers at an address."""


def new_float(x):
    """A new float object."""
    return 0


def enter(self, args, many):
    """The step as a built-in function: ``self`` is the ndarray that holds the plan."""
    plan = peek(self + DATA)
    why = look(plan, args, many)
    if why == DONE:
        why = repeat(plan)
    poke(plan + 8 * WHY, why)
    if why == RAISED:
        return 0
    if why == DONE:
        return new_float(f8s(plan + 8 * LOSS)[0])
    none = peek(plan + 8 * NONE)
    references = peek(none)
    if references & IMMORTAL == 0:
        poke(none, references + 1)  # the caller owns what it is given
    return none


def is_as_wanted(array, row):
    """Whether an array is what the step was made for: dtype, shape, strides, alignment."""
    axes, wanted = peek(row + 8 * AXES), peek(row + 8 * WANTED)
    if not has_dtype(array, peek(row + 8 * WORD)) or peek32(array + NDIM) != axes:
        return False
    if peek32(array + FLAGS) & wanted != wanted:
        return False
    for d in range(axes):
        size = peek(peek(array + DIMENSIONS) + 8 * d)
        if size != peek(peek(row + 8 * SIZES) + 8 * d):
            return False
        stride = peek(peek(array + STRIDES_OF_ARRAY) + 8 * d)
        if size > 1 and stride != peek(peek(row + 8 * STRIDES) + 8 * d):
            return False
    return True


def move(row, address):
    """Note where an array lies, wherever pieces look for it."""
    poke(row + 8 * AT, address)
    places = peek(row + 8 * PLACES)
    for k in range(peek(row + 8 * MANY_PLACES)):
        poke(peek(places + 16 * k), address + peek(places + 16 * k + 8))


def look(plan, args, many):
    """Find and check every array that is given."""
    if many != peek(plan + 8 * MANY_ARGUMENTS):
        return ARGUMENT
    for k in range(peek(plan + 8 * MANY_LOOKED_AT)):
        row = peek(plan + 8 * GIVEN) + 96 * k
        which = peek(row + 8 * WHICH)
        found = peek(args + 8 * which) if which >= 0 else peek(row + 8 * OBJECT)
        if peek(found + TYPE) == peek(plan + 8 * HOLDER):
            found = peek(found + VALUE)
        if found == 0 or peek(found + TYPE) != peek(plan + 8 * NDARRAY) or not is_as_wanted(found, row):
            return ARGUMENT
        address = peek(found + DATA)
        if address != peek(row + 8 * AT):
            if peek(row + 8 * WATCHED):
                return MOVED
            move(row, address)
    return DONE


def finite(plan, block):
    """Keep the loss; whether it is finite."""
    address = peek(block)
    loss = float(f4s(address)[0]) if peek(block + 8) == 4 else f8s(address)[0]
    f8s(plan + 8 * LOSS)[0] = loss
    return loss - loss == 0


def draw_all(block):
    """Fill an array with random numbers."""
    numbers, function, state = f8s(peek(block)), peek(block + 16), peek(block + 24)
    for i in range(peek(block + 8)):
        numbers[i] = next_double(function, state)


def work(kind, block):
    """Do what a row says that is no piece and may not end the step."""
    if kind == NUMPY:
        arguments = block + 40
        dimensions, strides = arguments + peek(block + 16), arguments + peek(block + 24)
        inner_loop(peek(block), arguments, dimensions, strides, peek(block + 8))
    elif kind == KERNEL:
        x, dx, states = peek(block + 8), peek(block + 16), peek(block + 24)
        call(peek(block), x, dx, states, peek(block + 32), peek(block + 40))
    else:
        draw_all(block)


def make(plan):
    """Make one step."""
    code, rows, passed = peek(plan + 8 * PIECES), peek(plan + 8 * ROWS), False
    for k in range(peek(plan + 8 * MANY_ROWS)):
        kind, block = peek(rows + 16 * k), peek(rows + 16 * k + 8)
        if kind >= 0:
            run_piece(code, kind, block)
        elif kind == PYTHON:
            result = ask(peek(block))
            if result == 0:
                return RAISED
            release(result)
            if result != peek(plan + 8 * NONE):
                return UNSETTLED if passed else ENDED
        elif kind == FINITE:
            passed = finite(plan, block)
            if not passed:
                return NOT_FINITE
        else:
            work(kind, block)
    return DONE


def advance(plan):
    """Go on to the next part of every array that is given as one part per step."""
    for k in range(peek(plan + 8 * MANY_GIVEN)):
        row = peek(plan + 8 * GIVEN) + 96 * k
        if peek(row + 8 * ADVANCE):
            move(row, peek(row + 8 * AT) + peek(row + 8 * ADVANCE))


def repeat(plan):
    """Make the steps, one as a rule: with the generator's lock, and without Python's, where that is asked for."""
    acquire, unlocked = peek(plan + 8 * ACQUIRE), peek(plan + 8 * UNLOCKED)
    if acquire:
        result = ask(acquire)
        if result == 0:
            return RAISED
        release(result)
    thread = unlock() if unlocked else 0
    why, steps, losses, made = DONE, peek(plan + 8 * STEPS), peek(plan + 8 * LOSSES), 0
    while why == DONE and made < steps:
        why = make(plan)
        if why == DONE:
            if losses:
                f8s(losses)[made] = f8s(plan + 8 * LOSS)[0]
                advance(plan)
            made += 1
    poke(plan + 8 * MADE, made)
    if unlocked:
        lock(thread)
    if acquire:
        release(ask(peek(plan + 8 * RELEASE)))
    return why
