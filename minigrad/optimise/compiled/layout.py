"""The tables of a compiled step: where everything lies, in arrays of integers that entry.py reads.

``Layout`` gives every buffer its memory and every row of work its block, and it notes in which blocks the address of
something given has to stand, so that entry.py writes it there when the array has moved.  Texts hold no addresses.
"""

from typing import NamedTuple

import numpy as np

from ..arrays import zeros_apart
from . import entry
from .grouping import placed
from .walk import ALIGNED, WRITEABLE, dtype_word


class Address(NamedTuple):
    """A cell that holds where an element of a buffer lies."""

    buffer: object
    offset: int = 0


class Layout:
    """The memory and the tables of one step.

    memory : dict, id of a buffer -> ndarray, of what is not given
    cells : list of integers and Addresses, one block after the other; rows : list of (kind, first cell)
    kept : what must outlive the tables
    """

    def __init__(self, lines, grouping):
        self.given, self.cells, self.rows, self.kept, self.memory = lines.given, [], [], [], {}
        places, length = placed(grouping)
        raw = np.zeros(length + 64, np.uint8)
        arena = raw[-raw.ctypes.data % 64 :]
        for line in lines.lines:
            buffer = line.buffer
            if buffer is None or id(buffer) not in grouping.stored:
                continue
            if id(buffer) in places:
                memory = arena[places[id(buffer)] :][: buffer.size * buffer.dtype.itemsize].view(buffer.dtype)
            else:
                memory = zeros_apart((buffer.size,), buffer.dtype, "C")
            self.memory[id(buffer)] = strided(memory, buffer.shape, buffer.strides)

    def row(self, kind, *cells):
        """Add a row of work, and its block."""
        self.rows.append((kind, len(self.cells)))
        self.cells += cells

    def keep(self, x):
        """Return the address of a Python object, which lives as long as the tables."""
        self.kept.append(x)
        return id(x)

    def table(self, values, dtype=np.int64):
        """Return the address of a table of numbers."""
        self.kept.append(np.array(values, dtype))
        return self.kept[-1].ctypes.data

    def array_of(self, buffer):
        """Return the memory of a buffer that is not given."""
        return buffer.array if buffer.kind == "constant" else self.memory[id(buffer)]

    def view_of(self, view):
        """Return a view from the beginning of what is made, as an array."""
        return strided(self.memory[id(view.buffer)], view.shape, view.strides)

    def finished(self, objects, captured, watched):
        """Write all tables; return that of rows, and that of arrays to look at: parameters, captured ones, arguments.

        objects : the Tensors of the parameters; watched : whether a parameter that has moved ends the step
        captured : arrays of which only the layout is looked at
        """
        blocks, places = np.zeros(len(self.cells) + 1, np.int64), [[] for _ in self.given]
        for k, cell in enumerate(self.cells):
            if not isinstance(cell, Address):
                blocks[k] = cell
                continue
            shift = cell.offset * cell.buffer.dtype.itemsize
            if cell.buffer.kind == "given":
                places[cell.buffer.index] += [blocks.ctypes.data + 8 * k, shift]
            else:
                blocks[k] = self.array_of(cell.buffer).ctypes.data + shift
        self.kept.append(blocks)
        rows = np.array([(kind, blocks.ctypes.data + 8 * first) for kind, first in self.rows], np.int64)
        given = [self.given_row(b, objects, watched, places[k]) for k, b in enumerate(self.given)]
        given[len(objects) : len(objects)] = map(self.captured_row, captured)
        return rows.reshape(-1, 2), np.array(given, np.int64).reshape(-1, 12)

    def given_row(self, buffer, objects, watched, places):
        """Return what entry.py has to know of something given."""
        size, argument = buffer.dtype.itemsize, buffer.index - len(objects)
        row = self.look_row(buffer.dtype, buffer.shape, [s * size for s in buffer.strides])
        row[entry.WHICH] = argument if argument >= 0 else -1
        row[entry.OBJECT] = id(objects[buffer.index]) if argument < 0 else 0
        row[entry.WANTED] = ALIGNED + (WRITEABLE if argument < 0 else 0)
        row[entry.WATCHED] = int(watched and argument < 0)
        row[entry.PLACES], row[entry.MANY_PLACES] = self.table([*places, 0]), len(places) // 2
        return row

    def captured_row(self, x):
        row = self.look_row(x.dtype, x.shape, x.strides)
        row[entry.WHICH], row[entry.OBJECT], row[entry.WATCHED], row[entry.AT] = -1, self.keep(x), 1, x.ctypes.data
        return row

    def look_row(self, dtype, shape, strides):
        row = [0] * 12
        row[entry.WORD], row[entry.AXES] = dtype_word(dtype), len(shape)
        row[entry.SIZES], row[entry.STRIDES] = self.table([*shape, 0]), self.table([*strides, 0])
        return row


def strided(memory, shape, strides):
    """Return memory in a row as an array with these strides, in elements."""
    return np.lib.stride_tricks.as_strided(memory, shape, [s * memory.itemsize for s in strides])
