"""A program as a Python function that can be called: its text, with everything that it names already at hand."""

import numpy as np

from .operations import GIVEN, Operation, Overwritten
from .wording import ATOM, Wording

LARGE = 10_000  # bytes of a value that is let go as soon as nobody needs it any more
NAME = "loss_and_gradients"


def runnable(program, generator=None):
    """Return a function of the program's inputs and data, in order, and of a generator of random numbers.

        loss, gradients, drawn = f(*inputs, *data, generator)

    It runs the text of the program line by line: the same calls of NumPy in the same order.  ``gradients`` is a tuple
    with None where there is none, ``drawn`` a list of the random numbers.  Constants are read where they lie.

    generator : the numpy.random.Generator in whose place the one handed over draws

    >>> import numpy as np; from minigrad import trace
    >>> f = runnable(trace(lambda x: np.sum(x * x), np.ones(2)))
    >>> loss, gradients, drawn = f(np.array([1.0, 2.0]), None)
    >>> loss.item(), gradients, drawn
    (5.0, (array([2., 4.]),), [])
    """
    lines = Bound(program, generator)
    return made(lines.text(), lines.bound)


class Bound(Wording):
    """Writes operations as they run: functions and values are names that are bound to them.

    bound : dict, name -> what it is bound to
    """

    def __init__(self, program, generator):
        super().__init__(lambda op: (self.name(op), ATOM), self.bind)
        self.program, self.generator = program, generator
        self.bound, self.known = {}, {}

    def name(self, op):
        return self.bind(op.value) if op.kind in ("constant", "seed") else f"v{op.index}"

    def bind(self, x):
        """Return the name of an object."""
        if id(x) not in self.known:
            self.known[id(x)] = name = f"c{len(self.bound)}"
            self.bound[name] = x
        return self.known[id(x)]

    # -------------------------------------------------------------------------------- what is written in another way
    def function(self, x):
        return self.bind(x)

    def value(self, x):
        """Return the code of a value: numbers, texts and containers as they are written, a name for anything else."""
        if x is self.generator and x is not None:
            return "generator", ATOM
        if x is None or type(x) in (bool, int, float, complex, str, slice, tuple, list, dict, range):
            return super().value(x)
        return self.bind(x), ATOM

    def expression(self, op):
        if getattr(op.function, "__name__", "") == "reduce" or isinstance(op.function, Overwritten):
            return f"{self.bind(op.function)}({self.arguments(op.args, op.kwargs)})", ATOM
        return super().expression(op)

    # -------------------------------------------------------------------------------- the function
    def statements(self):
        """Yield the lines: each value is let go after the last line that needs it, if it is large."""
        lines = [op for op in self.program if op.kind not in GIVEN]
        last = {x.index: op for op in lines for x in op.inputs}
        ends = (self.program.loss, *self.program.gradients)
        kept = {x.index for x in ends if isinstance(x, Operation)}
        for op in lines:
            code = self.expression(op)[0]
            yield code if op.value is None else f"v{op.index} = {code}"
            over = [x for x in {x.index: x for x in op.inputs}.values() if last[x.index] is op]
            over = [f"v{x.index}" for x in over if x.kind == "call" and x.index not in kept and is_large(x.value)]
            if over:
                yield f"{' = '.join(over)} = None"

    def text(self):
        """Return the code of a function that makes the function of what is bound."""
        program = self.program
        body = list(self.statements())
        gradients = ["None" if g is None else self.apart(g) for g in program.gradients]
        drawn = [f"v{op.index}" for op in program if op.kind == "random"]
        body.append(f"return {self.code(program.loss)}, ({''.join(f'{g}, ' for g in gradients)}), [{', '.join(drawn)}]")
        given = [f"v{op.index}" for op in (*program.inputs, *program.data)]
        head = f"    def {NAME}({', '.join([*given, 'generator'])}):"
        lines = [head, *(f"        {line}" for line in body), f"    return {NAME}"]
        return "\n".join([f"def make({', '.join(self.bound)}):", *lines, ""])

    def apart(self, g):
        """Return the code of a gradient in memory of its own."""
        return self.code(g) if g.kind == "call" else f"{self.code(g, ATOM)}.copy()"


def made(text, bound):
    """Return what a text's function ``make`` makes of the objects that are bound; nothing refers back to it."""
    space = {"np": np}
    exec(compile(text, "<compiled>", "exec"), space)
    return space.pop("make")(**bound)


def is_large(value):
    return getattr(value, "nbytes", 0) > LARGE
