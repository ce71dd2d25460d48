"""The rows of work that are no pieces of text: NumPy's inner loops, random numbers, calls of Python."""

import ctypes

import numpy as np

from . import entry, ufuncs
from .calls import Calls
from .layout import Address
from .lines import is_literal, stride_through


def is_drawn(line):
    return line.form.kind == "random" and line.buffer is not None


def draws_itself(line):
    """Whether compiled code may draw these numbers: float64 in [0, 1), of a generator of NumPy's."""
    form = line.form
    return (
        is_drawn(line)
        and type(form.value) is np.random.Generator
        and type(form.value.bit_generator).__module__.startswith("numpy.random")
        and getattr(form.function, "name", "") == "random"
        and form.dtype == np.float64
    )


class Rows:
    """Adds rows to a layout.

    asks : bool, whether Python is called; then it draws all random numbers, too, with the generator's lock each time
    given : list of the arrays of a step, for the calls of Python
    """

    def __init__(self, lines, layout):
        self.layout, self.calls, self.given = layout, Calls(lines, layout), None
        python = [line for line in lines.lines if line.kind == "python"]
        drawing = [line.form.value.bit_generator for line in python if draws_itself(line)]
        self.asks = len(drawing) < len(python) or len(set(map(id, drawing))) > 1
        self.generator = drawing[0] if drawing and not self.asks else None
        self.given = self.calls.given

    def asked(self, line):
        """Whether a line is a call of Python."""
        return line.kind == "python" and self.asks

    def kind_of(self, line):
        return "numpy" if line.kind == "numpy" else "python" if self.asks else "random"

    def add(self, line):
        if line.kind == "numpy":
            (self.product if line.function is np.matmul else self.ufunc)(line)
        elif self.asks:
            self.layout.row(entry.PYTHON, self.layout.keep(self.calls.function(line)))
        else:
            self.layout.kept.append(self.generator)
            functions = self.generator.ctypes
            next_double = ctypes.cast(functions.next_double, ctypes.c_void_p).value
            where = Address(line.buffer), line.buffer.size
            self.layout.row(entry.DRAW, *where, next_double, functions.state_address)

    def numpy(self, line, arguments, dimensions, strides):
        """Add the call of an inner loop: its address and data, where dimensions and strides begin, and all of these."""
        function, data = ufuncs.loop_at(line.function, line.loop)
        begin = 8 * len(arguments)
        head = function, data, begin, begin + 8 * len(dimensions), 0
        self.layout.row(entry.NUMPY, *head, *arguments, *dimensions, *strides)

    def ufunc(self, line):
        inside, size = line.loop_dtype, line.buffer.dtype.itemsize
        arguments, strides = [], []
        for x in line.operands:
            if is_literal(x):
                arguments.append(self.layout.table([x], inside))
                strides.append(0)
            else:
                arguments.append(Address(x.buffer, x.offset))
                strides.append(stride_through(line.domain, line.strides_of(x)) * x.dtype.itemsize)
        self.numpy(line, [*arguments, Address(line.buffer)], [line.buffer.size], [*strides, size])

    def product(self, line):
        a, b = line.operands
        (m, k), (ai, aj) = (a.shape, a.strides) if len(a.shape) == 2 else ((1, *a.shape), (a.shape[0], *a.strides))
        n, (bj, bl) = (b.shape[1], b.strides) if len(b.shape) == 2 else (1, (*b.strides, 1))
        strides = [s * line.buffer.dtype.itemsize for s in (0, 0, 0, ai, aj, bj, bl, n, 1)]
        places = [Address(x.buffer, x.offset) for x in (a, b)]
        self.numpy(line, [*places, Address(line.buffer)], [1, m, k, n], strides)
