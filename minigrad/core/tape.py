"""The tape: the only record of a computation, and the walk back over it.

Every value that is being differentiated has a *slot*, a number on its tape.  ``entries[slot]``
says where that value came from: a tuple of *edges*, one for each input that is recorded too,

    (slot of the input, vjp, what the vjp needs ...)

in the order in which the program ran.  The first slots are the *leaves*, the parameters: they came
from nowhere and have no edges.  The backward pass walks the entries from the last to the first; for
each edge it adds ``vjp(g, *values)`` to the gradient of the input.
"""

from contextvars import ContextVar
from itertools import repeat
from threading import get_ident

from .errors import LostGradientError

# Each thread starts with a context of its own, so tapes never meet across threads.
_innermost = ContextVar("the innermost active tape", default=None)
active_tape = _innermost.get


class Tape:
    """A record of operations; ``with tape:`` makes it the active tape of this thread.

    Attributes
    ----------
    entries : list, one tuple of edges per slot
    leaves : dict, id of a parameter -> the alias of it that is recorded on this tape
    outer : the tape that was active when this one was opened (gradients of gradients), or None
    thread : the number of the thread that is recording, None when it is over
    """

    __slots__ = ("entries", "leaves", "outer", "thread", "_token")

    def __init__(self):
        self.entries = []
        self.leaves = {}
        self.outer = active_tape()

    def __enter__(self):
        self._token = _innermost.set(self)
        self.thread = get_ident()
        return self

    def __exit__(self, kind, error, traceback):
        _innermost.reset(self._token)
        self._token = self.outer = self.thread = None
        self.leaves.clear()  # the aliases know their tape: without this a cycle would remain
        if kind is ValueError and isinstance(error.__cause__, LostGradientError):
            ours, error.__cause__ = error.__cause__, None  # a[i] = t: NumPy hides our error in one of its own
            try:
                raise ours.with_traceback(traceback) from None
            finally:
                del ours, error, traceback  # an exception that a frame of its traceback holds is a cycle

    def add(self, *edges):
        """Append an entry and return its slot."""
        self.entries.append(edges)
        return len(self.entries) - 1


class paused:
    """``with paused():`` nothing is recorded, on any tape of this thread.

    >>> with Tape():
    ...     with paused():
    ...         print(active_tape())
    None
    """

    __slots__ = ("_token",)

    def __enter__(self):
        self._token = _innermost.set(None)

    def __exit__(self, *exception):
        _innermost.reset(self._token)


class PendingSum:
    """A gradient that is added up later, all at once: ``array()`` makes an ordinary gradient of it.

    A vjp may return one where adding up arrays one by one would be slow (reading ``a[i]`` in a loop).
    """

    __slots__ = ()


def backward(entries, seeds, leaves, consume=False):
    """Return the gradients of the first ``leaves`` slots.

    Parameters
    ----------
    entries : list of tuples of edges, as a Tape holds them
    seeds : dict, slot -> gradient of the loss with respect to the value in that slot
    leaves : int, how many slots at the beginning are asked for
    consume : bool, empty the entries on the way, so that memory is freed as the walk goes

    Returns
    -------
    list of ``leaves`` gradients, None where the loss does not depend on the leaf
    """
    n = max(leaves, 1 + max(seeds, default=-1))
    gradients = [None] * n
    for slot, seed in seeds.items():
        gradients[slot] = seed
    entries = entries if consume else entries.copy()
    del entries[n:]
    last = repeat(-1, n - leaves)  # takes the last gradient and the last entry, until the leaves are left
    for g, edges in zip(map(gradients.pop, last), map(entries.pop, repeat(-1))):
        if g is None:
            continue
        if isinstance(g, PendingSum):
            g = g.array()
        for into, vjp, *values in edges:
            h = vjp(g, *values)
            so_far = gradients[into]
            gradients[into] = h if so_far is None else so_far if h is None else so_far + h
    return [g.array() if isinstance(g, PendingSum) else g for g in gradients]


class Parts(tuple):
    """The gradients of a value that has several parts (a tuple of arrays); None for an unused part.

    >>> Parts((1.0, None)) + Parts((2.0, 5.0))
    (3.0, 5.0)
    """

    __slots__ = ()

    def __add__(self, other):
        return Parts(b if a is None else a if b is None else a + b for a, b in zip(self, other))


def place(g, k, n):
    """The vjp of taking part k of n: everything but that part is unused."""
    return Parts((None,) * k + (g,) + (None,) * (n - k - 1))


def take(parts, k):
    """The vjp of building a value of which the input is part k."""
    return parts[k]
