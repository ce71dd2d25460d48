"""Objects that must stand where they stood, by identity: what a compiled step compares before it runs, and reads.

    item(d, "eta", x)    d["eta"] is x, of a dict or a list      field(f, x)    where x stands in f, there it still does
    size(l, 3)           len(l) == 3

Each returns a ``Standing``, or None where compiled code cannot look: the comparison is Python's then.

Hyperparameters are told by four numbers each: the addresses of a dict and of a name in it, which part of a tuple there,
as of ``beta`` (-1: it is no tuple), and the address at which the number is wanted.
"""

import functools
import gc
import types
from typing import NamedTuple

from .apply import apply_
from .compiled import entry
from .compiled.walk import field_of, layout_is_known

ABSENT = object()  # stands where nothing does


class Standing(NamedTuple):
    """An object that stands somewhere."""

    how: int
    where: object
    key: object
    what: object

    def cells(self):
        """Return the row of entry.py: how, and addresses of living objects."""
        what = self.what if self.how == entry.SIZE else 0 if self.what is ABSENT else id(self.what)
        return self.how, id(self.where), id(self.key) if self.how == entry.ITEM else self.key, what


def item(where, key, what):
    if type(where) is list and what is not ABSENT:
        return Standing(entry.ELEMENT, where, 8 * key, what)
    return Standing(entry.ITEM, where, key, what) if type(where) is dict and type(key) in (str, int) else None


def absent(where, key):
    return item(where, key, ABSENT)


def field(where, what):
    place = field_of(where, what) if layout_is_known() else None
    return None if place is None else Standing(entry.FIELD, where, place, what)


def of_function(f, name):
    """What stands in a function: ``__code__``, ``__defaults__``, ``__kwdefaults__``; None stands for nothing."""
    value, place = getattr(f, name), places_in_functions().get(name)
    return None if place is None else Standing(entry.FIELD, f, place, ABSENT if value is None else value)


@functools.lru_cache(maxsize=None)
def places_in_functions():
    f = lambda x=ABSENT, *, y=ABSENT: x
    return {name: field_of(f, getattr(f, name)) for name in ("__code__", "__defaults__", "__kwdefaults__")}


def of_class(cls, name):
    (held,) = gc.get_referents(vars(cls))  # the dict itself, of which vars gives a view
    return item(held, name, held[name])


def size(where, length):
    known = type(where) in (dict, list, types.MappingProxyType)
    return Standing(entry.SIZE, where, 0, length) if known else None


def items(where):
    """All items of a dict or a list; where one follows the other does not matter."""
    pairs = where.items() if isinstance(where, dict) else enumerate(where)
    return size(where, len(where)), *[item(where, key, x) for key, x in pairs]


# ------------------------------------------------------------------------------------------ an optimiser's
def of_optimiser(opt, route, plan, stages):
    """Standings as long as which nothing is composed anew or frozen, and the state is where it was."""
    ways = item(vars(opt), "_plans", route), item(vars(route), "all_alike", True)
    composed = [vars(opt if o is None else o) for o, _ in route.composed]
    lists = [each for held in composed for each in (item(held, "os", held["os"]), *items(held["os"]))]
    kept = [(vars(stages[k]), name, state) for k, name, state, _ in plan.kept]
    states = [each for held, name, state in kept for each in (item(held, name, state), field(state, state.changes))]
    return [*ways, size(apply_.registry, len(apply_.registry)), *lists, *states]


def hyperparameters(plan, stages):
    """Where those of all stages are, if they are plain numbers; else None."""
    found, place = [], plan.hyper.ctypes.data
    for stage in stages:
        for name, part in getattr(stage.hyper, "read", [("", -1)]):
            x = vars(stage).get(name)
            if type(x[part] if part >= 0 and type(x) is tuple else x) not in (int, float):
                return None
            found += [id(vars(stage)), id(name), part, place]
            place += plan.hyper.itemsize
    return found


def replaced(plan, stages):
    """Where those are that formulas replace."""
    begins = [sum(len(stage.hyper()) for stage in stages[:k]) for k in range(len(stages))]
    found = [(k, name, begins[k] + j) for k, names, _ in plan.replacing for j, name in enumerate(names)]
    cells = [(id(vars(stages[k])), id(name), -1, plan.hyper.ctypes.data + 8 * j) for k, name, j in found]
    return [cell for row in cells for cell in row]
