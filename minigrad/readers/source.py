"""A program as NumPy code that can be run by itself."""

import numpy as np

from .own_functions import text_of
from .names import Names
from .operations import TraceError
from .wording import ATOM, Wording, array_code, scalar_code

WRITTEN_OUT = 100  # numbers; a larger array from outside is an argument
COLUMN = 58  # where comments begin
INSIDE = 70  # columns of an expression that may stand inside another one


def source(program, simplify=False, step=None):
    """Return the text of ``loss_and_gradients``, and of ``training_step`` for an optimiser ``step``."""
    refuse_if_asked(program)
    lines = Lines(program)
    forward, backward = lines.of("forward"), lines.of("backward")
    given = ", ".join(lines.arguments())
    gradients = ", ".join("None" if g is None else lines.wording.code(g) for g in program.gradients)
    loss = lines.wording.code(program.loss)
    body = [
        *lines.beginning(),
        "# forward",
        *forward,
        *(["# backward", *backward] if backward else []),
        f"return {loss}, ({gradients}{',' * (len(program.gradients) == 1)})",
    ]
    texts, imports = text_of(lines.wording.helpers)
    imports += [f"import {module}" for module in sorted(lines.wording.modules)]
    head = "\n".join(["import numpy as np", *dict.fromkeys(imports)])
    main = "\n    ".join([f"def loss_and_gradients({given}):", *body])
    return "\n\n\n".join([head, *texts, main]) + "\n"


def refuse_if_asked(program):
    """Raise where the program is right on one path only."""
    if program.asked:
        op = program.asked[0]
        at = f" at line {op.line.number} of {op.line.file}: {op.line.code}" if op.line else ""
        raise TraceError(
            f"source: {op.asked}{at}\n  Python used the number {op.name} itself, so the program is right for this "
            f"number only, and cannot be run again with others. {WHAT_TO_WRITE}"
        )
    if program.error is not None:
        raise TraceError(
            f"source: the program ended before its end, with {type(program.error).__name__}: {program.error}"
        )


WHAT_TO_WRITE = (
    "Choose among numbers with np.where(condition, a, b), np.maximum, np.clip or by multiplying with a mask; an index "
    "that depends on numbers can stay a Tensor: a[np.argmax(t)]"
)


class Lines:
    """The lines that compute the operations of a program.

    What is used once on the way back, and has no name of its own, stands inside the line that uses it.
    """

    def __init__(self, program):
        self.program = program
        self.names = Names(op.name for op in program)
        self.objects = {}  # name -> function or generator that no code can make
        self.wording = Wording(self.operand, self.named)
        self.codes = {}  # id of an operation -> its code inside of another
        self.inside = inlined(program)

    def named(self, x):
        """Return the name of an object that the code is handed."""
        for name, known in self.objects.items():
            if known is x:
                return name
        wish = "rng" if isinstance(x, np.random.Generator) else getattr(x, "__name__", type(x).__name__)
        name = self.names.take(wish)
        self.objects[name] = x
        return name

    def operand(self, op):
        return self.codes.get(id(op), (op.name, ATOM))

    def of(self, phase):
        """Return the lines of one phase, with what they come from as comments."""
        return [commented(f"{op.name} = {code}", comment(op)) for op, code in self.codes_of(phase)]

    def codes_of(self, phase):
        """Return the operations of one phase that have a line of their own: (Operation, code)."""
        found = []
        for op in self.program:
            if op.phase == phase and op.kind in ("call", "random", "seed"):
                code = (scalar_code(op.value), ATOM) if op.kind == "seed" else self.wording.expression(op)
                if id(op) in self.inside and len(code[0]) < INSIDE:
                    self.codes[id(op)] = code
                else:
                    found.append((op, code[0]))
        return found

    def arguments(self):
        """Return the names of what the code is handed."""
        given = [op.name for op in [*self.program.inputs, *self.program.data]]
        return [*given, *self.constants()]

    def constants(self):
        """Return a dict of the further arguments: the larger arrays, and what else no code can make."""
        large = {
            op.name: op.value for op in self.program if op.kind == "constant" and not written_out(op.value)
        }
        return {**large, **self.objects}

    def beginning(self):
        """Return the lines that make the small arrays, and scalars of the numbers given."""
        scalars = [op for op in self.program.inputs if isinstance(op.value, np.generic)]
        small = [op for op in self.program if op.kind == "constant" and written_out(op.value)]
        return [
            *(f"{op.name} = np.{op.dtype.name}({op.name})" for op in scalars),
            *(f"{op.name} = {array_code(op.value)}" for op in small),
        ]


def written_out(x):
    return x.size <= WRITTEN_OUT or len(array_code(x)) < COLUMN if x.size < 10**6 else False


def inlined(program):
    """Return the ids of the operations that may stand inside the line of another one."""
    uses, kept = {}, {id(program.loss), *map(id, program.gradients)}
    for op in program:
        for x in op.inputs:
            uses[id(x)] = uses.get(id(x), 0) + 1
    return {
        id(op)
        for op in program
        if op.phase == "backward"
        and op.kind == "call"
        and op.name.startswith("v")
        and uses.get(id(op)) == 1
        and id(op) not in kept
    }


def comment(op):
    """Return what a line comes from: the user's line, or the rule of the table."""
    if op.phase == "backward":
        return str(op.rule or "")
    return f"{op.line.number}: {op.line.code}" if op.line else ""


def commented(code, comment):
    return f"{code:<{COLUMN}}  # {comment}".rstrip() if comment else code
