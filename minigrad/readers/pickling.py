"""Programs as plain lists, so that a long one can be pickled: operations name each other by their places."""

import pickle

from ..core.trees import at_leaves
from .operations import Operation

SLOTS = Operation.__slots__


class Place:
    """Stands for the operation at a place."""

    __slots__ = ("index",)

    def __init__(self, index):
        self.index = index

    def __reduce__(self):
        return Place, (self.index,)


class Missing:
    """Stands for a function that could not be pickled: a lambda, a function inside of a function."""

    def __init__(self, name):
        self.__name__ = name

    def __reduce__(self):
        return Missing, (self.__name__,)

    def __call__(self, *args, **kwargs):
        raise TypeError(f"{self.__name__} could not be pickled with the program; trace it again")


def flattened(program):
    """Return the state of a program without references from one operation to another."""
    tried = {}

    def flat(x):
        if isinstance(x, Operation):
            return Place(x.index)
        if not callable(x) and not isinstance(x, BaseException):
            return x
        if id(x) not in tried:
            tried[id(x)] = x if can_be_pickled(x) else Missing(getattr(x, "__name__", repr(x)))
        return tried[id(x)]

    rows = [[at_leaves(flat, getattr(op, slot)) for slot in SLOTS] for op in program.operations]
    rest = {key: at_leaves(flat, x) for key, x in vars(program).items() if key != "operations"}
    return {**rest, "operations": rows}


def restored(state):
    """Return the attributes of a program from its flat state."""
    operations = [object.__new__(Operation) for _ in state["operations"]]

    def whole(x):
        return operations[x.index] if isinstance(x, Place) else x

    for op, row in zip(operations, state["operations"]):
        for slot, x in zip(SLOTS, row):
            setattr(op, slot, at_leaves(whole, x))
    return {**{key: at_leaves(whole, x) for key, x in state.items()}, "operations": operations}


def can_be_pickled(x):
    try:
        pickle.loads(pickle.dumps(x))
    except Exception:  # whatever a class of the user's may raise
        return False
    return True
