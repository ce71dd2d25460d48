"""Gradients of many parameters in one flat array per dtype, which is what ranks add up."""

from __future__ import annotations

import numpy as np

from ..core.params import Grads
from ..core.tensor import Tensor

# The tail: rows, loss times rows, and how many ranks skip, stop, have finished, failed. Then a number for each
# parameter: on how many ranks the loss depends on it.
ROWS, LOSS, SKIP, STOP, FINISHED, FAILED = range(6)


class Flat:
    """Where each parameter's gradient stands in one flat array per dtype; behind the widest of them is the tail."""

    def __init__(self, ps):
        self.ps, self.sizes, self.places = ps, {}, []
        for p in ps:
            dtype = np.dtype(np.float32) if p.dtype.char == "e" else p.dtype.newbyteorder("=")
            start = self.sizes.get(dtype, 0)
            self.sizes[dtype] = start + p.size
            self.places.append((dtype, slice(start, start + p.size)))
        self.widest = max(self.sizes, key=lambda dtype: dtype.itemsize)

    def packed(self, doing, rows, loss, gradients):
        """Return the arrays to add up: gradients times rows, rows, loss times rows, and what this rank does."""
        tail = [*doing, *(g is not None for g in gradients)]
        tail[ROWS], tail[LOSS] = rows, rows * loss
        arrays = {dtype: np.empty(n + len(tail) * (dtype == self.widest), dtype) for dtype, n in self.sizes.items()}
        for p, g, (dtype, place) in zip(self.ps, gradients, self.places):
            there = arrays[dtype][place].reshape(p.shape)
            np.multiply(0 if g is None else getattr(g, "data", g), dtype.type(rows), out=there, casting="same_kind")
        arrays[self.widest][self.sizes[self.widest] :] = tail
        return arrays

    def tail(self, arrays):
        return arrays[self.widest][self.sizes[self.widest] :].real

    def gradients(self, arrays, tail):
        """Return the Grads whose numbers stand in the arrays; None for what no rank has reached."""
        found = []
        for p, (dtype, place), reached in zip(self.ps, self.places, tail[FAILED + 1 :]):
            g = arrays[dtype][place].reshape(p.shape)
            found.append(Tensor(g.astype(p.dtype, copy=False), copy=False) if reached else None)
        return Grads(self.ps, found)


def shares(n: int, size: int) -> list[slice]:
    """Return which part of a flat array belongs to each rank.

    >>> shares(5, 2)
    [slice(0, 2, None), slice(2, 5, None)]
    """
    return [slice(n * r // size, n * (r + 1) // size) for r in range(size)]
