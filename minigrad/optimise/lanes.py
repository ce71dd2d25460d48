"""Sums over arrays in one fixed order, so that every engine and processor, and any threads, give the same bits.

A sum is taken in float64.  The elements, in the order of memory, are cut into blocks of ``BLOCK``.  In a block there
are ``LANES`` running sums, which begin at 0: element i of the block is added to lane i % LANES, one after the other.
Then the second half of the lanes is added to the first, lane by lane, until one is left: the sum of the block.  The
sums of the blocks are added one after the other.

Lanes are many enough that adding a row of them is one operation on vectors, for NumPy as for a compiler: neither has
any choice of order left.  This is that sum in NumPy; loops.py writes the same one for kernels.

    lane 0     x[0] + x[128] + x[256] + ...
    lane 1     x[1] + x[129] + x[257] + ...
"""

import functools
import math
import operator

import numpy as np

LANES = 128
BLOCK = 8192  # a multiple; also the elements at a time where formulas run on arrays: temporaries stay in the cache


def sum_of_blocks(blocks):
    """Return the sum of an array as a float, given its blocks one after the other.

    >>> sum_of_blocks([np.ones(8192), np.ones(3)])
    8195.0
    """
    return added(map(block_total, blocks))


total = sum_of_blocks  # a shorter name


def added(numbers):
    """Return the sum of floats, added one after the other; Python's ``sum`` is more exact, and so another one."""
    return functools.reduce(operator.add, numbers, 0.0)


def block_total(values):
    """Return the sum of one block, of real numbers in one dimension, as a float."""
    values = values.astype(np.float64, copy=False)
    whole = values.size - values.size % LANES
    lanes = np.add.reduce(values[:whole].reshape(-1, LANES), axis=0)  # row after row: there is no other order
    lanes[: values.size - whole] += values[whole:]
    while lanes.size > 1:
        half = lanes.size // 2
        lanes = lanes[:half] + lanes[half:]
    return float(lanes[0])


def norm_in_lanes(x):
    """Return the 2-norm of an array, its elements taken row by row, as a float.

    >>> norm_in_lanes(np.array([[3.0], [4.0]]))
    5.0
    """
    return math.sqrt(added(block_total(squares(block)) for block in blocks_of(x)))


def sum_in_lanes(x):
    """Return the sum of an array of real numbers, its elements taken row by row, as a float.

    >>> sum_in_lanes(np.array([[3.0], [4.0]]))
    7.0
    """
    return added(map(block_total, blocks_of(x)))


def blocks_of(x):
    """Yield the blocks of an array, one at least."""
    flat = np.ravel(x)
    return (flat[i : i + BLOCK] for i in range(0, max(1, flat.size), BLOCK))


def squares(values):
    """Return the squared absolute values of elements, in float64, where those of float32 cannot overflow.

    >>> squares(np.array([3 + 4j, 1e30], np.complex64))
    array([2.5e+01, 1.0e+60])
    """
    if np.iscomplexobj(values):
        return np.square(values.real, dtype=np.float64) + np.square(values.imag, dtype=np.float64)
    return np.square(values, dtype=np.float64)
