"""The tape: the only record of a computation, and the walk back over it.

Every value that is being differentiated has a *slot*, a number on its tape.  ``entries[slot]``
says where that value came from: a tuple of *edges*, one for each input that is recorded too,

    (slot of the input, vjp, the values that the vjp needs)

in the order in which the program ran.  The backward pass walks the entries from the last to the
first; for each edge it adds ``vjp(g, *values)`` to the gradient of the input.
"""

from contextvars import ContextVar

_innermost = ContextVar("the innermost tape of this thread", default=None)
active_tape = _innermost.get


class Tape:
    """A record of operations; a context manager that makes it the active tape of its thread.

    Attributes
    ----------
    entries : list, one tuple of edges per slot; the first slots are the leaves, with no edges
    leaves : dict, id of a Tensor that is differentiated -> its alias recorded on this tape
    outer : the tape that was active when this one was opened (gradients of gradients), or None
    """

    __slots__ = ("entries", "leaves", "outer", "_token")

    def __init__(self):
        self.entries = []
        self.leaves = {}

    def __enter__(self):
        self.outer = active_tape()
        self._token = _innermost.set(self)
        return self

    def __exit__(self, *exception):
        _innermost.reset(self._token)
        self.leaves.clear()
        self._token = self.outer = None

    def add(self, *edges):
        """Append one entry and return its slot."""
        self.entries.append(edges)
        return len(self.entries) - 1


def backward(entries, leaves, slot, seed, consume):
    """Return the gradients of the first ``leaves`` slots when that of ``slot`` is ``seed``.

    ``consume`` empties the entries on the way, so that memory is freed as the walk goes.
    """
    gradients = [None] * (slot + 1)
    gradients[slot] = seed
    if consume:
        del entries[slot + 1 :]
    while slot >= leaves:
        edges = entries.pop() if consume else entries[slot]
        g = gradients.pop()
        if g is not None:
            for into, vjp, values in edges:
                h = vjp(g, *values)
                so_far = gradients[into]
                gradients[into] = h if so_far is None else so_far + h
        slot -= 1
    return gradients
