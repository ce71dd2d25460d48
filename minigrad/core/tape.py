"""The tape: the only record of a computation, and the walk back over it.

Every value that is being differentiated has a *slot*, a number on its tape.  ``entries[slot]``
says where that value came from: a tuple of *edges*, one for each input that is recorded too,

    (slot of the input, vjp, what the vjp needs ...)

in the order in which the program ran.  The first slots are the *leaves*, the parameters: they came
from nowhere and have no edges.  The backward pass walks the entries from the last to the first; for
each edge it adds ``vjp(g, *values)`` to the gradient of the input.

Why there are levels: a gradient inside of a gradient has a tape of its own,

    >>> from minigrad import gradient
    >>> def slope(x):
    ...     return gradient(lambda y: x * y * y, 5.0)[0]  # 2 x y, which is 10 x
    >>> gradient(slope, 3.0)
    (10.0,)

and on one tape for both, dx would be taken for dy.  Here ``y`` is recorded on the inner tape, ``x`` on the outer
one.  The inner tape records ``x * y``, in which ``x`` is a constant, and computes it *one level down*: there ``y`` is
the number 5 and ``x`` a Tensor of the outer tape, so the outer tape records ``x * 5``.  On the way back the inner vjps
run one level down, too, and the outer tape records them: that is how a derivative is differentiated again.
"""

from contextvars import ContextVar
from threading import get_ident
from weakref import ref

from .errors import LostGradientError

# Each thread starts with a context of its own, so tapes never meet across threads.
_innermost = ContextVar("the innermost tape", default=None)
innermost_tape = _innermost.get  # quicker than active_tape; perhaps a tape that is over, which knows no parameter


def active_tape():
    """Return the innermost tape that is recording in this thread, or None.

    A context that was copied inside of a gradient (a task of asyncio) may outlive it: a tape that is over is
    no tape.
    """
    tape = innermost_tape()
    while tape is not None and tape.thread is None:
        tape = tape.outer
    return tape


def under(tape, f, *args):
    """Return ``f(*args)``, run with ``tape`` as the innermost tape of this thread (None: nothing is recorded).

    A function and no ``with``, because an exception can come between any two steps of the interpreter (Ctrl-C, a
    timeout), also within ``__enter__`` and ``__exit__``, and no tape may remain active.

    >>> under(Tape(), lambda: under(None, active_tape)) is None
    True
    """
    before = innermost_tape()
    try:
        try:
            _innermost.set(tape)
            return f(*args)
        finally:
            _innermost.set(before)
    finally:
        _innermost.set(before)  # in Python 3.10 an exception can come just before the line above


class Tape:
    """A record of operations.

    Attributes
    ----------
    entries : list, one tuple of edges per slot
    leaves : dict, id of a parameter -> the alias of it that is recorded on this tape
    outer : the tape that was active when this one was opened (gradients of gradients), or None
    thread : the number of the thread that is recording, None when it is over
    lent : dict, id -> weak reference to an array that was handed out, and is read-only until the tape is over
    """

    __slots__ = ("entries", "leaves", "outer", "thread", "lent")

    def __init__(self):
        self.entries, self.leaves, self.lent = [], {}, {}
        self.outer = innermost_tape() and active_tape()
        self.thread = get_ident()

    def record(self, f, *args):
        """Return ``f(*args)``, recorded; after that the tape is over, and its entries are those of who took them."""
        before = innermost_tape()  # see ``under``
        try:
            try:
                _innermost.set(self)
                return f(*args)
            finally:
                self.thread = None
                self.entries, self.leaves = [], {}  # so that what escaped keeps neither; the aliases know their tape
                _innermost.set(before)
                if self.lent:
                    self.lock(False)
        except ValueError as error:
            raise hidden_by(error, self.lent) from None
        finally:
            _innermost.set(before)

    def lend(self, array, slot):
        """Return the numbers recorded in a slot as an array that is read-only as long as they may be needed."""
        if array.flags.writeable or id(array.base) in self.lent:  # else it was read-only before
            array = array if self.entries[slot] else array.view()  # a leaf's own array is the caller's
            array.flags.writeable = False
            self.lent[id(array)] = ref(array)
        return array

    def lock(self, locked):
        """Make the arrays that were handed out read-only, or ordinary again."""
        for array in [reference() for reference in self.lent.values()]:
            if array is not None and (locked or array.base is None or array.base.flags.writeable):
                array.flags.writeable = not locked

    @property
    def tape(self):
        """Itself, as for what stands in the place of a tape in a Tensor, and knows more of it (``calculus.whole``)."""
        return self

    def add(self, *edges):
        """Append an entry and return its slot."""
        self.entries.append(edges)
        return len(self.entries) - 1


def hidden_by(error, lent):
    """Return our own error where NumPy hides it in one of its own (``a[i] = t``), else ``error``."""
    ours = error.__cause__
    if isinstance(ours, LostGradientError):
        error.__cause__ = None
        return ours.with_traceback(error.__traceback__)
    if lent and error.args == ("assignment destination is read-only",):
        error.args = (f"{error}{WRITE_A_COPY}",)
    return error


WRITE_A_COPY = ", as the numbers of recorded Tensors are; write into a copy, t.data.copy()"


class PendingSum:
    """A gradient that is added up later, all at once: ``array()`` makes an ordinary gradient of it.

    A vjp may return one where adding up arrays one by one would be slow (reading ``a[i]`` in a loop).
    """

    __slots__ = ()
    kinds = set()  # the classes derived from it

    def __init_subclass__(cls):
        PendingSum.kinds.add(cls)


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
    gradients, unusual = [None] * len(entries), {type(None), *PendingSum.kinds}
    for slot, seed in seeds.items():
        gradients[slot] = seed
    entries = entries if consume else entries.copy()
    for _ in range(leaves, len(entries)):
        g = gradients.pop()
        edges = entries.pop()
        if g.__class__ in unusual:
            if g is None:  # the loss does not depend on it
                continue
            g = g.array()
        for into, vjp, *values in edges:
            h = vjp(g, *values)
            if gradients[into] is None:
                gradients[into] = h
            elif h is not None:
                gradients[into] = gradients[into] + h
    for slot, g in enumerate(gradients):
        if g.__class__ in PendingSum.kinds:
            gradients[slot] = g.array()
    return gradients


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
