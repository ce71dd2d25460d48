"""Buffer: an array that may be written into while a gradient is taken."""

from typing import Any

import numpy as np

from ..core.recording import fit, record
from ..core.table import atomic
from ..core.tape import Parts, take
from ..core.tensor import Tensor, lower, new_tensor, on, recorded, tape_of, tensors_in
from ..core.trees import frozen
from ..derivatives.indexing import never_repeats


class Buffer:
    """A writable array for use inside a gradient; ``copy()`` freezes it into an ordinary array.

    Parameters
    ----------
    x : array or Tensor of any shape; its shape, dtype and numbers are what the buffer starts with

    ``buffer[index] = value`` overwrites (the gradient of what stood there before becomes zero for
    those places), ``buffer[index]`` reads what stands there now.  Index and value as in NumPy.

    Raises TypeError for a value that the buffer's dtype cannot hold (complex in real, real in whole
    numbers); IndexError, ValueError as NumPy does.

    Differs from Zygote: the buffer starts with the numbers of ``x``, not with garbage.  Reading
    freezes a copy, so that writing and reading in turn costs a copy of the buffer each time.

    Source: Zygote 0.6 ``Buffer``.

    >>> from minigrad import gradient
    >>> def powers(x):
    ...     buffer = Buffer(np.zeros(3))
    ...     for i in range(3):
    ...         buffer[i] = x ** (i + 1)
    ...     return np.sum(buffer.copy())
    >>> gradient(powers, 2.0)
    (17.0,)
    """

    def __init__(self, x):
        # what the buffer held at the last freeze
        self._frozen = x if type(x) is Tensor and recorded(x) is not None else np.copy(x)
        self._writes = []  # (index, value) since then

    shape = property(lambda self: self._frozen.shape)
    dtype = property(lambda self: self._frozen.dtype)

    def __len__(self):
        return self.shape[0]

    def __setitem__(self, index, value):
        if type(value) is not Tensor:
            value = np.array(value)
        elif recorded(value) is None:
            value = np.copy(value)
        index = frozen(lower(index, None))
        written_to = np.broadcast_to(False, self.shape)[index]
        np.empty_like(written_to)[...] = np.broadcast_to(False, value.shape)  # fails here, not at copy()
        if not np.can_cast(value.dtype, self.dtype, "same_kind"):
            raise TypeError(
                f"Buffer: {value.dtype} numbers do not fit into a buffer of {self.dtype}; start it from an "
                "array of that kind, np.zeros(n) or np.zeros(n, complex)"
            )
        self._writes.append((index, value))

    def __getitem__(self, index):
        y = self._now()[index]
        return y if type(y) is Tensor and recorded(y) is not None else y.copy()

    def copy(self) -> Any:
        """Return what the buffer holds now, as a Tensor (as an ndarray if no Tensor went in)."""
        y = self._now()
        return y if type(y) is Tensor and recorded(y) is not None else y.copy()

    def _now(self):
        if self._writes:
            self._frozen = written(self._frozen, self._writes)
            self._writes = []
        return self._frozen

    def __repr__(self):
        return f"Buffer(shape={self.shape}, dtype={self.dtype})"


def written(x, writes):
    """Return ``x`` after the writes: one operation, whose inputs are ``x`` and the values."""
    tensors = tensors_in((x, [value for _, value in writes]))
    tape = tape_of(tensors)
    low_x = lower(x, tape)
    low = [(index, lower(value, tape)) for index, value in writes]
    if tensors_in((low_x, [value for _, value in low])):
        y = written(low_x, low)
    else:
        y = overwritten(low_x, low)
    if tape is None:
        return new_tensor(y) if tensors and type(y) is not Tensor else y
    edges = []
    for k, value in enumerate([x] + [value for _, value in writes]):
        alias = on(tape, value) if type(value) is Tensor else None
        if alias is not None:
            edges.append((alias.slot, fit, take, (k,), alias.shape, alias.dtype))
    parts = tape.add(*edges)
    return record(tape, y, ((parts, unwritten, [index for index, _ in writes]),))


@atomic
def overwritten(x, writes):
    """Return a copy of an array after the writes, pairs (index, value)."""
    y = np.array(x)
    for index, value in writes:
        y[index] = value
    return y


def unwritten(g, indices):
    """The vjp: each write takes the gradient of its places and leaves zeros there for what came before."""
    rest = Buffer(g) if type(g) is Tensor else g.copy()
    gradients = []
    for index in reversed(indices):
        h = rest[index].copy()
        gradients.append(h if never_repeats(index) else np.where(stands(index, g.shape), h, 0))
        rest[index] = 0.0
    return Parts([rest.copy(), *reversed(gradients)])


@atomic
def stands(index, shape):
    """Say which elements of one write still stand after it: of those that go to the same place, the last one.

    >>> stands([0, 0, 1], (2,))
    array([False,  True,  True])
    """
    places = np.empty(shape, int)
    numbers = np.arange(places[index].size).reshape(places[index].shape)
    places[index] = numbers
    return places[index] == numbers
