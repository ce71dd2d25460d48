"""Whether two programs are the same text: operation by operation, whatever the numbers are."""

import functools
import types
from typing import Any, NamedTuple

import numpy as np

from ..core.table import raise_if
from .operations import Operation


class Written(NamedTuple):
    """A program without its numbers.

    operations : list of tuples, one per operation, equal for equal ones
    lines : list of the Line of each, or None
    objects : what ids in there stand for, so that these stay theirs
    """

    operations: list
    lines: list
    objects: list

    def difference(self, other):
        """Return "" for the same text, else what is another one, for people.

        >>> import numpy as np; from minigrad import trace
        >>> f = lambda x: np.sum(x * x)
        >>> one, same = without_numbers(trace(f, np.ones(2))), without_numbers(trace(f, np.zeros(2)))
        >>> one.difference(same), one.difference(without_numbers(trace(f, np.ones(3))))
        ('', 'operation 0 (parameter or argument)')
        """
        pairs = zip(self.operations, other.operations, other.lines)
        for k, (one, another, line) in enumerate(pairs):
            if one != another:
                return f"operation {k} ({f'line {line.number}: {line.code}' if line else 'parameter or argument'})"
        if len(self.operations) != len(other.operations):
            return f"{len(other.operations) - 1} operations, not {len(self.operations) - 1}"
        return ""


def without_numbers(program: Any, generator: Any = None) -> Written:
    """Return a program without its numbers, to be compared with another one.

    generator : a generator of random numbers that is the same as the one given for the other program
    """
    objects, known = [], {}

    def token(x):
        if isinstance(x, Operation):
            return "of", x.index
        if x is generator and x is not None:
            return "generator"
        if isinstance(x, (tuple, list)):
            return type(x), *map(token, x)
        if isinstance(x, dict):
            return dict, *[(key, token(y)) for key, y in x.items()]
        if isinstance(x, slice):
            return slice, token(x.start), token(x.stop), token(x.step)
        if x is None or isinstance(x, (str, bool, int)):
            return type(x), x
        if isinstance(x, (float, complex, np.generic, np.dtype)):
            return type(x), repr(x)
        if isinstance(x, functools.partial):
            return functools.partial, token(x.func), token(x.args), token(x.keywords)
        if isinstance(x, types.FunctionType) and x.__closure__:  # it may be made anew each time
            if id(x) not in known:
                objects.append(x)
                known[id(x)] = x.__code__, len(known)  # it may close over itself
                inside = token([cell.cell_contents for cell in x.__closure__]), token(x.__defaults__)
                known[id(x)] = x.__code__, *inside
            return known[id(x)]
        if isinstance(x, types.BuiltinMethodType):  # np.add.reduce
            return token(x.__self__), x.__name__
        objects.append(x)
        return id(x)

    def of(op):
        args = op.args[:2] if op.function is raise_if else op.args  # what it says may have other numbers in it
        return op.kind, token(op.function), token(args), token(op.kwargs), token(op.shape), str(op.dtype), op.phase

    operations = list(map(of, program))
    ends = tuple([token(x) for x in (program.loss, *program.gradients)])
    return Written([*operations, ends], [*(op.line for op in program), None], objects)
