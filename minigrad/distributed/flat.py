"""Gradients of many parameters in one flat array per dtype, which is what ranks add up."""

from __future__ import annotations

import numpy as np

from ..core.params import Grads
from ..core.storage import ndarray_of
from ..core.tensor import Tensor
from ..iddict import IdDict

# The tail: rows, loss times rows, how many running statistics move; how many ranks skip, stop, end or fail; then for
# each parameter, in how many shares of the batch the loss depends on it.
ROWS, LOSS, MOVES, STATUS, REACHED = 0, 1, 2, slice(3, 7), slice(7, None)
NONE = IdDict()  # gradients of a share without rows


class Flat:
    """Where each parameter's gradient stands in one flat array per dtype; behind the widest of them is the tail.

    The arrays' lengths are multiples of ``parts``.
    """

    def __init__(self, ps, parts=1):
        self.ps, self.sizes, self.places = ps, {}, []
        for p in ps:
            dtype = np.dtype(np.float32) if p.dtype.char == "e" else p.dtype.newbyteorder("=")
            start = self.sizes.get(dtype, 0)
            self.sizes[dtype] = start + p.size
            self.places.append((dtype, slice(start, start + p.size)))
        self.sizes = {dtype: n + -n % parts for dtype, n in self.sizes.items()}
        self.widest = max(self.sizes, key=lambda dtype: dtype.itemsize)

    def packed(self, status, rows=0, loss=0.0, gradients=NONE, moves=()):
        """Return the arrays to add up: gradients times rows, and the tail."""
        gradients = [gradients.get(p) for p in self.ps]
        tail = [rows, rows * loss, len(moves), *status, *(g is not None for g in gradients)]
        arrays = {dtype: np.zeros(n + len(tail) * (dtype == self.widest), dtype) for dtype, n in self.sizes.items()}
        for g, (dtype, place) in zip(gradients, self.places):
            if g is not None:
                g = ndarray_of(g)
                np.multiply(g, dtype.type(rows), out=arrays[dtype][place].reshape(g.shape), casting="same_kind")
        arrays[self.widest][self.sizes[self.widest] :] = tail
        return arrays

    def tail(self, arrays):
        return arrays[self.widest][self.sizes[self.widest] :].real.copy()  # of complex numbers, MPI takes no part

    def gradients(self, arrays, tail):
        """Return the Grads whose numbers stand in the arrays; None for what is reached nowhere."""
        found = []
        for p, (dtype, place), reached in zip(self.ps, self.places, tail[REACHED]):
            g = arrays[dtype][place].reshape(p.shape)
            found.append(Tensor(g.astype(p.dtype, copy=False), copy=False) if reached else None)
        return Grads(self.ps, found)
