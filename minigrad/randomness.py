"""The states of random generators: NumPy's of every kind, and Python's."""

import copy
import random

import numpy as np

RANDOM = np.random.Generator, np.random.BitGenerator, np.random.RandomState, random.Random


def random_state(rng):
    """Return the state of a random generator as plain values.

    >>> random_state(np.random.default_rng(0))["bit_generator"]
    'PCG64'
    """
    if isinstance(rng, random.Random):
        return rng.getstate()
    if isinstance(rng, np.random.RandomState):
        return rng.get_state(legacy=False)
    return getattr(rng, "bit_generator", rng).state


def set_random_state(rng, state):
    """Overwrite the state of a random generator; raise TypeError, ValueError or KeyError if this is none of it."""
    if isinstance(rng, random.Random):
        rng.setstate(state)
    elif isinstance(rng, np.random.RandomState):
        rng.set_state(state)
    else:
        getattr(rng, "bit_generator", rng).state = state


def to_set_random_state(rng, state, where):
    """Return the function that sets the state of a generator, after having tried it on another one.

    Raises ValueError if it is no state of such a generator, beginning with ``where``.
    """
    try:
        set_random_state(copy.deepcopy(rng), state)
    except (TypeError, ValueError, KeyError) as error:
        raise ValueError(f"{where}: what was saved is no state of this {type(rng).__name__}: {error}") from None
    return lambda: set_random_state(rng, state)
