"""Whole numbers on a tape: their values are NumPy's, which may wrap around; beside them is what they are exactly.

Values are NumPy's, derivatives are mathematics': of 8 bits 200 + 100 is 44, and its square moves by 600.  So a function
of whole numbers is computed twice, and derivatives use ``exact``, what they would be in floating point.
"""

import functools
import inspect
from itertools import repeat

import numpy as np

from ..core.gradient import Run
from ..core.recording import edges_of
from ..core.tape import place
from ..core.tensor import Tensor, lower, lowered, new_tensor, on, recorded
from ..core.trees import at_leaves, like

signature_of = functools.cache(inspect.signature)


class Whole:
    """Stands in the place of the tape in a recorded Tensor of whole numbers, and knows what they are exactly.

    The short ways of ``fast`` compare with the tape itself, and pass such Tensors over.
    """

    __slots__ = ("tape", "exact")

    def __init__(self, tape, exact):
        self.tape, self.exact = tape, exact

    thread = property(lambda self: self.tape.thread)
    lend = property(lambda self: self.tape.lend)

    def call(self, function, row, given, args, kwargs):
        """Record a call: the value is NumPy's, what the derivatives need is the same in floating point."""
        tape = self.tape
        y = function(*lower(args, tape), **lower(kwargs, tape))
        numbers = {row.parameters[position] for position in row.edges}
        names = repeat(row.parameters[0]) if str(signature_of(row.bind)).startswith("(*") else row.parameters
        args = [exactly(x, tape) if name in numbers else lower(x, tape) for name, x in zip(names, args)]
        kwargs = {name: exactly(x, tape) if name in numbers else lower(x, tape) for name, x in kwargs.items()}
        exact = function(*args, **kwargs)
        return record_exactly(tape, y, edges_of(row, tape, given, row.bind(*args, **kwargs), exact), exact)


def record_exactly(tape, y, edges, exact=None):
    """The same as ``record`` where values may be whole numbers, which are what ``exact`` says (or themselves)."""
    slot = tape.add(*edges)
    if not isinstance(y, (tuple, list)):
        return at_slot(y, tape, slot, exact)
    n, exact = len(y), y if exact is None else exact
    return like(y, [at_slot(part, tape, tape.add((slot, place, k, n)), exact[k]) for k, part in enumerate(y)])


def at_slot(data, tape, slot, exact=None):
    """Return an array or a number of NumPy as a Tensor recorded in a slot, whole numbers with what they are exactly."""
    t = new_tensor(data, tape, slot)
    if data.dtype.kind in "iu":
        exact = data if exact is None else exact
        t.tape = Whole(tape, exact if exact.dtype.kind in "fc" else in_floating_point(exact))
    return t


def exactly(x, tape):
    """Return what ``x`` is one level below ``tape``, whole numbers in arrays as floating-point ones."""

    def exact(leaf):
        alias = on(tape, leaf) if type(leaf) is Tensor else None
        if alias is not None and alias.tape.__class__ is Whole:
            return alias.tape.exact
        leaf = lowered(tape, leaf)
        is_whole = isinstance(leaf, (Tensor, np.ndarray, np.generic)) and leaf.dtype.kind in "iu"
        return in_floating_point(leaf) if is_whole else leaf

    return at_leaves(exact, x)


def in_floating_point(x):
    """Return whole numbers, an array or a Tensor of them, as they are exactly."""
    alias = recorded(x) if type(x) is Tensor else None
    if alias is None or alias.tape.__class__ is not Whole:
        return x.astype(float)
    tape = alias.tape.tape
    return new_tensor(alias.tape.exact, tape, tape.add((alias.slot, passed_on)))


def passed_on(g):
    return g


Run.leaf = staticmethod(at_slot)
