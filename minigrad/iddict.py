"""A dictionary keyed by identity, weakly: where an optimiser keeps its state of each parameter.

Arrays are unhashable and compare elementwise, so an ordinary dictionary cannot hold them; and a
dictionary keyed by ``id(x)`` attaches a dead array's state to the next array at that address.
"""

import copy
import weakref

from .core.errors import StrangerError


class Key(weakref.ref):
    """A weak reference that remembers where its key stood."""

    __slots__ = ("place",)


class IdDict:
    """A dictionary whose keys are objects themselves, not their values, and are not kept alive.

    An entry disappears with its key.  Keys may be whatever can be weakly referenced: Tensors,
    ndarrays, instances of ordinary classes; numbers cannot.  A view (``W.T``, ``W[:2]``) is an
    object of its own, hence another key than ``W``.

    ``changes`` counts the entries replaced or removed so far; who prepares work from the values
    compares it to see whether they still are the same objects.

    Copying and pickling: the keys are copied too, and being weak they live on only if somebody
    holds the copies.  So copy or pickle the optimiser *together with* the parameters:
    ``copy.deepcopy((opt, ps))``.

    Source: Julia's ``IdDict``, whose keys are strong (Flux's optimisers wish for weak ones).

    >>> import numpy as np
    >>> x, twin = np.zeros(2), np.zeros(2)
    >>> d = IdDict([(x, "velocity")])
    >>> d[x], twin in d, len(d)
    ('velocity', False, 1)
    >>> del x; len(d)
    0
    """

    __slots__ = ("_entries", "_forget", "changes", "__weakref__")

    def __init__(self, items=()):
        self._entries = {}  # id(key) -> (weak reference to key, value)
        self.changes = 0
        this = weakref.ref(self)

        def forget(reference):
            self = this()
            if self is not None:
                self._drop(reference)

        self._forget = forget
        for key, value in items:
            self[key] = value

    def _drop(self, reference):
        # A key died.  Its id may already belong to another object, so go by the reference.
        entry = self._entries.get(reference.place)
        if entry is not None and entry[0] is reference:
            self.changes += 1
            del self._entries[reference.place]

    def __getitem__(self, key):
        entry = self._entries.get(id(key))
        if entry is not None and entry[0]() is key:
            return entry[1]
        raise StrangerError(
            f"nothing is kept for this {described(key)}: entries belong to the object itself, not to its "
            "value. A copy, a view (W.T, W[:2]) or a parameter that was never updated is a stranger; look "
            "with `x in d` or d.get(x)"
        )

    def __setitem__(self, key, value):
        entry = self._entries.get(id(key))
        if entry is not None and entry[0]() is key:
            self.changes += 1
            self._entries[id(key)] = entry[0], value
            return
        try:
            reference = Key(key, self._forget)
        except TypeError:
            raise TypeError(
                f"a {type(key).__name__} cannot be a key of an IdDict, which tells keys apart by identity "
                "and lets them die: use a Tensor or an ndarray, e.g. np.array(0.5) instead of 0.5"
            ) from None
        reference.place = id(key)
        self._entries[id(key)] = reference, value

    def __delitem__(self, key):
        self[key]
        self.changes += 1
        del self._entries[id(key)]

    def __contains__(self, key):
        entry = self._entries.get(id(key))
        return entry is not None and entry[0]() is key

    def items(self):
        """Return a list of (key, value), of the living keys only, in the order of their arrival."""
        pairs = [(reference(), value) for reference, value in list(self._entries.values())]
        return [(key, value) for key, value in pairs if key is not None]

    def keys(self):
        """Return a list of the living keys."""
        return [key for key, _ in self.items()]

    def values(self):
        """Return a list of the values of the living keys."""
        return [value for _, value in self.items()]

    def __iter__(self):
        return iter(self.keys())

    def __len__(self):
        return len(self.items())

    def get(self, key, default=None):
        """Return ``self[key]``, or ``default`` for a stranger."""
        return self[key] if key in self else default

    def setdefault(self, key, default=None):
        """Return ``self[key]``, after storing ``default`` there if the key is new."""
        if key not in self:
            self[key] = default
        return self[key]

    def get_or_make(self, key, make):
        """Return ``self[key]``, after storing ``make()`` there if the key is new."""
        if key not in self:
            self[key] = make()
        return self[key]

    def pop(self, key, *default):
        """Remove a key and return its value (or ``default``, if given, for a stranger)."""
        if default and key not in self:
            return default[0]
        value = self[key]
        del self[key]
        return value

    def clear(self):
        """Forget every entry."""
        self.changes += 1
        self._entries.clear()

    def __repr__(self):
        return f"IdDict({len(self)} {'entry' if len(self) == 1 else 'entries'})"

    def __copy__(self):
        return type(self)(self.items())

    def __deepcopy__(self, memo):
        memo[id(self)] = copied = type(self)()
        for key, value in self.items():
            copied[copy.deepcopy(key, memo)] = copy.deepcopy(value, memo)
        return copied

    def __reduce__(self):
        return type(self), (), None, None, iter(self.items())


def described(key):
    shape = getattr(key, "shape", None)
    return type(key).__name__ if shape is None else f"{type(key).__name__} of shape {tuple(shape)}"
