"""Normal numbers for formulas that ask for ``normal``: drawn before a step, the same for formulas and kernels."""

from typing import Annotated, Any

import numpy as np

from ..fields import Check
from .arrays import flat
from .reading import given


@Check
def random_generator(value, where):
    """What normal numbers are drawn from: a generator, or the seed of one."""
    if isinstance(value, np.random.Generator):
        return value
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < 0:
        raise TypeError(f"{where} must be a seed, a whole number >= 0, or a numpy.random.Generator, got {value!r}")
    return np.random.default_rng(value)


Random = Annotated[Any, random_generator]


class Noise:
    """The numbers of the stages that ask for them: ``of[k][row]`` has the shape and order of the parameter."""

    def __init__(self, stages, shapes, orders, dtype):
        asking = [k for k, stage in enumerate(stages) if "normal" in given(stage.formula)]
        self.of = {k: [np.zeros(*each[:1], dtype, each[1]) for each in zip(shapes, orders)] for k in asking}

    def __bool__(self):
        return bool(self.of)

    def flat(self, k, row):
        return flat(self.of[k][row]) if k in self.of else None

    def at(self, k, row):
        """The array of a stage and parameter, as a tuple of one; of none, where none is asked for."""
        return (self.of[k][row],) if k in self.of else ()

    def draw(self, stages):
        """Draw the numbers of a step."""
        for k, arrays in self.of.items():
            for array in arrays:
                fill(flat(array), stages[k].rng)

    def generators(self, stages):
        """The random generators, each once."""
        return {id(stages[k].rng): stages[k].rng for k in self.of}.values()

    def drawn(self, stages, step):
        """Return ``step()`` on new numbers; if it is not made, the generators are as they were."""
        before = [(generator, generator.bit_generator.state) for generator in self.generators(stages)]
        made = False
        try:
            self.draw(stages)
            made = step()
        finally:
            if not made:
                for generator, state in before:
                    generator.bit_generator.state = state
        return made


def fill(values, rng):
    """Overwrite an array with normal numbers; real and imaginary part each by itself."""
    real = values.view(values.real.dtype)
    if real.dtype.char in "fd":
        rng.standard_normal(dtype=real.dtype, out=real)
    else:
        real[:] = rng.standard_normal(real.size)
