"""Whole numbers on a tape: their values are NumPy's, which may wrap around; beside them is what they are exactly."""

from .tensor import Tensor, Whole, new_tensor, recorded


def at_slot(data, tape, slot, exact=None):
    """Return an array or a number of NumPy as a Tensor recorded in a slot, whole numbers with what they are exactly."""
    t = new_tensor(data, tape, slot)
    if data.dtype.kind in "iu":
        exact = data if exact is None else exact
        t.tape = Whole(tape, exact if exact.dtype.kind in "fc" else in_floating_point(exact))
    return t


def in_floating_point(x):
    """Return whole numbers, an array or a Tensor of them, as they are exactly."""
    alias = recorded(x) if type(x) is Tensor else None
    if alias is None or alias.tape.__class__ is not Whole:
        return x.astype(float)
    tape = alias.tape.tape
    return new_tensor(alias.tape.exact, tape, tape.add((alias.slot, passed_on)))


def passed_on(g):
    return g
