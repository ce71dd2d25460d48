"""What a function could use where nobody sees it: random numbers of its own, and the memory of a parameter.

All that is done to what stands for a parameter is written down.  But a function may draw from a generator that it can
see, and may have kept a parameter's memory from before (``w = W.data``): what it makes of these would be constants.
"""

import pickle
import random

import numpy as np

from ..core.storage import Storage, ndarray_of
from .memory import owner_of
from .tracing import real

FOLLOWED = "W.data inside of the function: that is followed"
RANDOM = "minigrad.rand, randn or sampling, with rng= for a generator of your own: they are followed"


class Unseen:
    """Is told, before a function runs, what it can see; and says afterwards what of it was used.

    visible : list of (name, object)
    own : set of ids of the objects that are the function's own variables, not parts of others
    parameters : list of Tensors

    same : list of the other Tensors that are the very array of a parameter
    """

    def __init__(self, visible, own, parameters):
        sources = [(name, x) for name, x in visible if isinstance(x, (np.random.Generator, np.random.RandomState))]
        self.sources = {stream_of(x): (name, x) for name, x in [*sources, ("np.random", np.random), ("random", random)]}
        self.states = {key: state_of(x) for key, (_, x) in self.sources.items()}
        self.drawn = ""  # the name of a generator

        arrays = [(name, x) for name, x in visible if isinstance(x, (np.ndarray, Storage))]
        arrays = [(name, x, id(owner_of(real(ndarray_of(x))))) for name, x in arrays]
        self.owners = {owner for _, _, owner in arrays}
        owners, among = {id(owner_of(p.data)) for p in parameters}, set(map(id, parameters))
        values = {id(p._value) for p in parameters}
        sharing = [(name, x) for name, x, owner in arrays if owner in owners and id(x) not in among]
        self.same = [x for _, x in sharing if id(getattr(x, "_value", None)) in values]
        others = [(name, x) for name, x in sharing if id(getattr(x, "_value", None)) not in values]
        self.sharing, self.named = [name for name, _ in others], [name for name, x in others if id(x) in own]

    # ------------------------------------------------------------------------------------ random numbers
    def before(self, generator):
        """Note what a generator has drawn until now, before a draw that is seen."""
        self.look(stream_of(generator))

    def after(self, generator):
        """Take the state of a generator, after a draw that is seen, for its first one."""
        if stream_of(generator) in self.states:
            self.states[stream_of(generator)] = state_of(generator)

    def look(self, key):
        name, generator = self.sources.get(key, ("", None))
        if name and state_of(generator) != self.states[key]:
            self.drawn = name

    # ------------------------------------------------------------------------------------ afterwards
    def mark(self, operations, loss):
        """Mark where something was used that nobody has seen: there the program is right on this path only."""
        for key in self.sources:
            self.look(key)
        made = [op for op in operations if self.is_made_unseen(op)]
        at = made[0] if made else loss
        if self.drawn and at is not None:
            at.asked, at.instead = f"random numbers that {self.drawn} drew out of sight", RANDOM
        elif at is not None and (self.named or made and self.sharing):
            name = (self.named or self.sharing)[0]
            at.asked, at.instead = f"{name}, which is the memory of a parameter, used out of sight", FOLLOWED

    def is_made_unseen(self, op):
        """Say whether an operation is, or has among its arguments, numbers that were made while the function ran."""
        if op.kind == "constant":
            one = op.value.size and bool(np.all(op.value == op.value.flat[0]))
            return id(owner_of(op.value)) not in self.owners and not one
        return op.phase == "forward" and any(isinstance(x, np.generic) for x in op.args)


def stream_of(generator):
    """Return what is one for generators of one stream."""
    return id(generator.bit_generator if isinstance(generator, np.random.Generator) else generator)


def state_of(generator):
    if generator is random:
        return random.getstate()
    if isinstance(generator, np.random.Generator):
        return pickle.dumps(generator.bit_generator.state)
    return pickle.dumps(generator.get_state(legacy=False))
