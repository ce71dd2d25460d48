"""Which plain array is which operation: what shares memory with a value of a program is recognised."""

import zlib

import numpy as np


class Memory:
    """Arrays by the place in memory where their numbers lie.

    A constant is told apart by its place; a parameter's own array may be known to the function, and so may what it has
    asked for.  The arrays of arguments and data are only lent: a function that knows such an array from elsewhere
    means the array, not the argument.  Values are kept alive, so that a place cannot be used twice.
    """

    def __init__(self):
        self.places = {}  # (address, shape, strides, dtype) -> operation
        self.sharing = {}  # id of the array that owns the memory -> operations whose values lie in it
        self.overwritten = set()  # ids of operations whose memory was written into later
        self.lent = set()  # ids of what owns memory that is read-only, because the tape may need it
        self.prints = {}  # id of a constant -> fingerprint of its numbers when it was captured
        self.kept = []

    def register(self, op):
        value = op.value
        if isinstance(value, np.ndarray) and op.kind not in ("argument", "data"):
            self.know(value, op)
            if op.kind == "constant":
                self.prints[id(op)] = fingerprint(value)
            else:
                self.sharing.setdefault(id(owner_of(value)), []).append(op)

    def know(self, array, op):
        if array.size:
            self.places[place_of(array)] = op
            self.kept.append(array)

    def find(self, array):
        """Return the operation whose value the plain array is, or None for a new one."""
        op = self.places.get(place_of(array)) if array.size else None
        if op is not None and op.kind == "constant" and self.prints[id(op)] != fingerprint(array):
            return None  # overwritten since: another constant
        return op

    def changed(self, operations):
        """Return the constants whose numbers are no longer what they were when they were first used."""
        return [op for op in operations if op.kind == "constant" and self.prints[id(op)] != fingerprint(op.value)]

    def hidden(self, array):
        """Return the operation in whose memory a plain array lies that is a view of it, or None."""
        return next(iter(self.sharing.get(id(owner_of(array)), ())), None)

    def lend(self, op):
        """Note that the memory of an operation's value is read-only from now on."""
        self.lent.add(id(owner_of(op.value)))

    def is_lent(self, op):
        return id(owner_of(op.value)) in self.lent

    def overwrite(self, op):
        """Note that the memory of an operation's value is written into: what lies there is no longer what it was."""
        if isinstance(op.value, np.ndarray):
            self.overwritten |= set(map(id, self.sharing.get(id(owner_of(op.value)), ())))


def place_of(array):
    return array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str


def owner_of(array):
    """Return the array to which the memory of an array belongs; a scalar itself."""
    while isinstance(array, np.ndarray) and isinstance(array.base, np.ndarray):
        array = array.base
    return array


def fingerprint(array):
    """Return a number that changes when the array's numbers do."""
    return zlib.crc32(array if array.flags.c_contiguous else np.ascontiguousarray(array))
