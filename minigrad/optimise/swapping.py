"""Averages in the place of parameters for a while, and back again whatever happens."""

from ..core.storage import ndarray_of
from ..iddict import IdDict
from .whole import undisturbed

swapped = IdDict()  # parameter -> its own numbers, while its average stands in their place


def averages(opt, ps):
    """Return pairs (parameter, average) of those parameters of which an optimiser has one; raise TypeError for none.

    What averages has a method ``average_of``, which returns None for a parameter that it does not know yet.
    """
    stages = averaging(opt)
    if not stages:
        raise TypeError(
            f"averaged: nothing in {opt!r} averages. Put it last: Optimiser({type(opt).__name__}(...), EMA(0.999))"
        )
    found = {}
    for p in ps:
        for stage in stages:
            average = stage.average_of(p, ndarray_of(p))
            if average is not None:
                found[id(p)] = p, average
    return list(found.values())


def averaging(opt):
    """Return all that averages in an optimiser."""
    own = [opt] if hasattr(opt, "average_of") else []
    return own + [found for member in getattr(opt, "os", ()) for found in averaging(member)]


class InPlace:
    """Averages in the place of parameters, which have their own numbers again afterwards: a context."""

    def __init__(self, pairs):
        for p, _ in pairs:
            if p in swapped:
                raise RuntimeError("averaged: the average is there already, by another averaged(...) around this one")
        self.pairs = pairs

    def __enter__(self):
        undisturbed(self.swap)

    def swap(self):
        for p, average in self.pairs:
            x = ndarray_of(p)
            swapped[p] = x.copy()
            x[...] = average

    def __exit__(self, *_):
        undisturbed(self.back)

    def back(self):
        for p, _ in self.pairs:
            ndarray_of(p)[...] = swapped.pop(p)


def judged(opt, ps):
    """A context in which parameters are as they are to be judged: averages where the optimiser has some."""
    return opt.averaged(ps) if averaging(opt) else InPlace([])
