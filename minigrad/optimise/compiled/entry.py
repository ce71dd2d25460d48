"""The compiled step as Python calls it: see that all is as it was, run the pieces, then the optimiser's kernels.

``enter`` is ordinary Python; kernels.py compiles it once for all steps.  What a step does stands in tables of integers
(layout.py makes them).  One has a row per object that must stand where it stood (standing.py), one a row per array that
is given, one a row per hyperparameter, and one a row per piece of work, in order:

    a piece >= 0   of the step's own code, with a block of addresses
    NUMPY          an inner loop of NumPy's: its address, data; arguments, dimensions, strides
    PYTHON         a function of Python's without arguments; what it raises goes on to the caller, and any result but
                   None ends the step: ENDED before the loss is known, UNSETTLED between the gradients and the kernels
    DRAW           random numbers in [0, 1) by the bit generator's own function
    FINITE         look at the loss: not finite, and the step ends
    KERNEL         the optimiser's kernel for one parameter

Nothing of the caller's is written before FINITE has been passed.  ``enter`` returns the loss, or None if it has not
made the step; WHY says why.  Without rows of PYTHON, and with Python's lock, all of it is one instruction of Python's:
no other thread and no signal comes between.
"""

import numpy as np

from .walk import DATA, DIMENSIONS, FLAGS, ITEMS, NDIM, STRIDES_OF_ARRAY, TYPE, VALUE
from .walk import call, cell, has_dtype, lock, peek, peek32, poke, unlock

NUMPY, PYTHON, DRAW, FINITE, KERNEL = -1, -2, -3, -4, -5  # kinds of rows that are no pieces
RAISED, DONE, ARGUMENT, MOVED, NOT_FINITE, ENDED, UNSETTLED, AUDIT = range(-1, 7)  # why a step was not made
ITEM, FIELD, ELEMENT, SIZE = range(4)  # where an object stands

# The plan's table.
(PIECES, ROWS, MANY_ROWS, ALONE, GIVEN, MANY_GIVEN, MANY_LOOKED_AT, MANY_ARGUMENTS, NDARRAY, HOLDER) = range(10)
(NONE, TUPLE, REAL, WHOLE, LOSS, WHY, STEPS, MADE, LOSSES, ACQUIRE, RELEASE, UNLOCKED) = range(10, 22)
(STANDING, MANY_STANDING, MANY_OURS, HYPER, MANY_HYPER, BACK, MANY_BACK, COUNT, LIMIT) = range(22, 31)
LENGTH = 31

# A row of GIVEN: which argument (-1: the Tensor or array at OBJECT), what is wanted of it, where it lay, where that is
# noted.  Of STANDING: where what has to stand.  Of HYPER and BACK: a dict, a key, which item of a tuple (-1: none).
(WHICH, OBJECT, WORD, AXES, SIZES, STRIDES, WANTED, AT, WATCHED, ADVANCE, PLACES, MANY_PLACES) = range(12)
(HOW, WHERE, KEY, WHAT) = range(4)
(DICT, NAME, PART, PLACE) = range(4)


def table(**cells):
    """Return a plan's table, given its cells by their names."""
    plan = np.zeros(LENGTH, np.int64)
    for name, value in cells.items():
        plan[globals()[name]] = value
    return plan


IMMORTAL = 1 << 31  # in the number of references to an object that is never freed, as None is in newer Pythons

COMPILED = (
    *("has_dtype", "is_as_wanted", "move", "look", "stands", "read_hyper", "give_back", "finite", "draw_all", "work"),
    *("make", "advance", "repeat", "begin"),
)


# What the compiler puts in the place of these is in instructions.py:
#     run_piece(code, piece, block)     one of a step's own pieces          next_double(function, state)
#     inner_loop(function, arguments, dimensions, strides, data)            f8s(address), f4s: the numbers there
#     ask(function, 0)                  the result of a call without arguments; 0 if it raised
#     release(x), item_of(dict, key), set_item(dict, key, x), length_of(x), real_of(x), new_float(x)
run_piece = inner_loop = next_double = f8s = f4s = None
ask = release = item_of = set_item = length_of = real_of = new_float = None


def enter(self, args, many):
    """The step as a built-in function: ``self`` is the ndarray that holds the plan."""
    plan = peek(self + DATA)
    acquire = cell(plan, ACQUIRE)
    if acquire:  # the lock of the generator, for which others may have to be waited
        result = ask(acquire, 0)
        if result == 0:
            return 0
        release(result)
    poke(plan + 8 * MADE, 0)
    why = begin(plan, args, many)
    if why == DONE:
        why = repeat(plan)
    if acquire:
        release(ask(cell(plan, RELEASE), 0))
    poke(plan + 8 * WHY, why)
    if why == RAISED:
        return 0
    if why == DONE:
        return new_float(f8s(plan + 8 * LOSS)[0])
    none = cell(plan, NONE)
    if peek(none) & IMMORTAL == 0:
        poke(none, peek(none) + 1)  # the caller owns what it is given
    return none


def begin(plan, args, many):
    """See that all is as it was, and read what is new; DONE, or why the step is not made."""
    stepping = cell(plan, STEPS)
    if stepping and cell(plan, COUNT) >= cell(plan, LIMIT):
        return AUDIT
    if many != cell(plan, MANY_ARGUMENTS) or not stands(plan, 0, cell(plan, MANY_STANDING)):
        return ARGUMENT
    why = look(plan, args)
    if why == DONE and stepping:
        ours = cell(plan, MANY_STANDING)
        if not stands(plan, ours, ours + cell(plan, MANY_OURS)) or not read_hyper(plan):
            return MOVED
    return why


def stands(plan, first, last):
    """Whether everything in some rows stands where it stood."""
    for k in range(first, last):
        row = cell(plan, STANDING) + 32 * k
        how, where, key = cell(row, HOW), cell(row, WHERE), cell(row, KEY)
        if how == ITEM:
            found = item_of(where, key)
        elif how == FIELD:
            found = peek(where + key)
        else:
            found = peek(peek(where + ITEMS) + key) if how == ELEMENT else length_of(where)
        if found != cell(row, WHAT):
            return False
    return True


def read_hyper(plan):
    """Read the hyperparameters as they are now; whether they are where they were."""
    for k in range(cell(plan, MANY_HYPER)):
        row = cell(plan, HYPER) + 32 * k
        found, part = item_of(cell(row, DICT), cell(row, NAME)), cell(row, PART)
        if part >= 0 and found != 0:
            found = peek(found + ITEMS + 8 * part) if peek(found + TYPE) == cell(plan, TUPLE) else 0
        kind = peek(found + TYPE) if found != 0 else 0
        if kind != cell(plan, REAL) and kind != cell(plan, WHOLE):
            return False
        f8s(cell(row, PLACE))[0] = real_of(found)
    return True


def give_back(plan):
    """Give the hyperparameters that formulas have replaced back to their optimisers."""
    for k in range(cell(plan, MANY_BACK)):
        row = cell(plan, BACK) + 32 * k
        x = new_float(f8s(cell(row, PLACE))[0])
        set_item(cell(row, DICT), cell(row, NAME), x)
        release(x)


def is_as_wanted(array, row):
    """Whether an array is what the step was made for: dtype, shape, strides, alignment."""
    axes, wanted = cell(row, AXES), cell(row, WANTED)
    if not has_dtype(array, cell(row, WORD)) or peek32(array + NDIM) != axes:
        return False
    if peek32(array + FLAGS) & wanted != wanted:
        return False
    for d in range(axes):
        size, stride = cell(peek(array + DIMENSIONS), d), cell(peek(array + STRIDES_OF_ARRAY), d)
        if size != cell(cell(row, SIZES), d) or size > 1 and stride != cell(cell(row, STRIDES), d):
            return False
    return True


def move(row, address):
    """Note where an array lies, wherever pieces look for it."""
    poke(row + 8 * AT, address)
    places = cell(row, PLACES)
    for k in range(cell(row, MANY_PLACES)):
        poke(peek(places + 16 * k), address + peek(places + 16 * k + 8))


def look(plan, args):
    """Find and check every array that is given."""
    for k in range(cell(plan, MANY_LOOKED_AT)):
        row = cell(plan, GIVEN) + 96 * k
        which = cell(row, WHICH)
        found = cell(args, which) if which >= 0 else cell(row, OBJECT)
        if which < 0 and peek(found + TYPE) == cell(plan, HOLDER):
            found = peek(found + VALUE)
        if found == 0 or peek(found + TYPE) != cell(plan, NDARRAY) or not is_as_wanted(found, row):
            return ARGUMENT
        address = peek(found + DATA)
        if address != cell(row, AT):
            if cell(row, WATCHED):
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
        call(peek(block), peek(block + 8), peek(block + 16), peek(block + 24), peek(block + 32), peek(block + 40))
    else:
        draw_all(block)


def make(plan):
    """Make one step."""
    code, rows, passed = cell(plan, PIECES), cell(plan, ROWS), False
    for k in range(cell(plan, MANY_ROWS if cell(plan, STEPS) else ALONE)):
        kind, block = peek(rows + 16 * k), peek(rows + 16 * k + 8)
        if kind >= 0:
            run_piece(code, kind, block)
        elif kind == PYTHON:
            result = ask(peek(block), 0)
            if result == 0:
                return RAISED
            release(result)
            if result != cell(plan, NONE):
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
    for k in range(cell(plan, MANY_LOOKED_AT), cell(plan, MANY_GIVEN)):
        row = cell(plan, GIVEN) + 96 * k
        move(row, cell(row, AT) + cell(row, ADVANCE))


def repeat(plan):
    """Make the steps, one as a rule, or the gradients alone; without Python's lock, where that is asked for."""
    unlocked = cell(plan, UNLOCKED)
    thread = unlock() if unlocked else 0
    why, steps, losses, made = make(plan), cell(plan, STEPS), cell(plan, LOSSES), 0
    while why == DONE and made < steps:
        made += 1
        if losses:
            f8s(losses)[made - 1] = f8s(plan + 8 * LOSS)[0]
            advance(plan)
        if made < steps:
            why = make(plan)
    if unlocked:
        lock(thread)
    poke(plan + 8 * MADE, made)
    if made:
        poke(plan + 8 * COUNT, cell(plan, COUNT) + made)
        give_back(plan)
    return why
