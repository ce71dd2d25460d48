"""A program as NumPy code that can be run by itself."""

import os

import numpy as np

from ..doors import cell
from .names import Names
from .operations import TraceError
from .own_functions import text_of
from .step_source import Step
from .wording import ATOM, Wording, array_code, scalar_code

WRITTEN_OUT = 100  # numbers; a larger array from outside is an argument
COLUMN = 58  # where comments begin
ADDED_UP = "added up"
INSIDE = 6  # operations on the way back that may stand in one line


def source(program, step=None, products=False, constants=None):
    """Return the text of ``loss_and_gradients``.

    step : an optimiser, whose ``training_step`` is written below; or None
    products : as for Wording
    constants : dict of what the function is handed besides, where it is that of another program
    """
    refuse_if_asked(program)
    lines = Lines(program, products, constants)
    phases = [lines.of("forward"), lines.of("backward")]
    gradients = ", ".join("None" if g is None else lines.wording.code(g) for g in program.gradients)
    body = [*lines.beginning(), "# forward", *phases[0]]
    if phases[1]:
        body += ["# backward", *phases[1]]
    body.append(f"return {lines.wording.code(program.loss)}, ({gradients}{',' * (len(program.gradients) == 1)})")
    texts = ["\n    ".join([f"def loss_and_gradients({', '.join(lines.arguments())}):", *body])]
    if step is not None and (isinstance(step, type) or not hasattr(step, "stages")):
        raise TypeError(f"source: step is an optimiser, as in source(step=ADAM()); got {step!r}")
    if step is not None:
        texts.append(Step(step.stages(), lines).text(step, lines.arguments()))
    return "\n\n\n".join([*lines.head(), *texts]) + "\n"


def refuse_if_asked(program, who="source", cause=None):
    """Raise where the program is right on one path only."""
    if program.asked:
        op = program.asked[0]
        at = f" at line {op.line.number} of {cell(op.line.file) or op.line.file}: {op.line.code}" if op.line else ""
        raise TraceError(
            f"{who}: {op.asked}{at}\n  So the program, at {op.name}, is right for this "
            f"number only, and cannot be run again with others. Write {op.instead}"
        ) from cause
    if program.error is not None and cause is None:
        kind = type(program.error).__name__
        raise TraceError(f"source: the program ended before its end, with {kind}: {program.error}")


class Lines:
    """The lines that compute the operations of a program.

    What is used once on the way back, and has no name of its own there, stands inside the line that uses it.
    """

    def __init__(self, program, products=False, constants=None):
        self.program = program
        self.names = Names(op.name for op in program)
        self.given = constants
        self.objects = dict(constants or {})  # name -> function or generator that no code can make
        self.renamed = {}  # name of a function of ours -> what it is called, if the user has this name
        self.wording = Wording(self.operand, self.named, self.helper_name, products)
        self.inside = inlined(program)
        self.file = next((op.line.file for op in program if op.line), "")  # whose lines need no name of a file

    # ------------------------------------------------------------------------------------ one operation
    def operand(self, op):
        return self.wording.expression(op) if op.index in self.inside else (op.name, ATOM)

    def statement(self, op):
        """Return the line of an operation: ``v5 = np.tanh(v4)``; of a check, which gives nothing, the call alone."""
        code = scalar_code(op.value) if op.kind == "seed" else self.wording.expression(op)[0]
        return code if op.value is None else f"{op.name} = {code}"

    def having(self, phase):
        """Return the operations of one phase that have a line of their own."""
        return [op for op in self.program if op.phase == phase and is_computed(op) and op.index not in self.inside]

    def of(self, phase):
        """Return the lines of one phase, with what they come from as comments."""
        return [commented(self.statement(op), self.comment(op)) for op in self.having(phase)]

    def comment(self, op):
        """Return what a line comes from: the user's line, or the rule of the table."""
        if op.phase == "backward":
            return str(op.rule or "")
        if op.line is None:
            return ""
        elsewhere = "" if op.line.file == self.file else f"{os.path.basename(op.line.file)}:"
        return f"{elsewhere}{op.line.number}: {op.line.code or '(text unknown)'}"

    # ------------------------------------------------------------------------------------ what is around
    def named(self, x):
        """Return the name of an object that the code is handed."""
        for name, known in self.objects.items():
            if known is x:
                return name
        wish = "rng" if isinstance(x, np.random.Generator) else getattr(x, "__name__", type(x).__name__)
        name = self.names.take(wish)
        self.objects[name] = x
        return name

    def helper_name(self, name):
        """Return what a function of ours is called where the user's names are known."""
        if name not in self.renamed:
            self.renamed[name] = self.names.take(name)
        return self.renamed[name]

    def head(self):
        """Return the pieces of text before the function: the imports, and functions of ours that it calls."""
        texts, imports = text_of(self.wording.helpers)
        imports += [f"import {module}" for module in sorted(self.wording.modules)]
        texts += [f"{new} = {old}" for old, new in self.renamed.items() if new != old]
        return ["\n".join(["import numpy as np", *dict.fromkeys(imports)]), *texts]

    def arguments(self):
        """Return the names of what the code is handed."""
        return [op.name for op in [*self.program.inputs, *self.program.data]] + list(self.constants())

    def constants(self):
        """Return a dict of the further arguments: the larger arrays, and what else no code can make."""
        if self.given is not None:
            return self.given
        large = {op.name: op.value for op in self.program if op.kind == "constant" and not written_out(op.value)}
        return {**large, **self.objects}

    def beginning(self):
        """Return the lines that make the small arrays, and scalars of the numbers given."""
        scalars = [op for op in self.program.inputs if isinstance(op.value, np.generic)]
        used = {id(x) for op in self.program for x in op.inputs}
        used |= {id(x) for x in (self.program.loss, *self.program.gradients)}
        small = [op for op in self.program if op.kind == "constant" and written_out(op.value) and id(op) in used]
        return [
            *(f"{op.name} = np.{op.dtype.name}({op.name})" for op in scalars),
            *(f"{op.name} = {array_code(op.value)}" for op in small),
        ]


def is_computed(op):
    return op.kind in ("call", "random", "seed")


def written_out(x):
    """Say whether an array stands in the code: a small one, or one number everywhere."""
    return x.size <= WRITTEN_OUT or bool(x.size < 10**7 and np.all(x == x.flat[0]))


def inlined(program):
    """Return the places of the operations that stand inside the line of another one."""
    uses, size, found = {}, {}, set()
    for op in program:
        for x in op.inputs:
            uses[x.index] = uses.get(x.index, 0) + 1
    kept = {g.index for g in program.gradients if g is not None}
    for op in program:
        if op.phase == "backward" and op.kind == "call" and op.value is not None:
            size[op.index] = 1 + sum(size[x.index] for x in op.inputs if x.index in found)
            if str(op.rule or "") == ADDED_UP:
                size[op.index] = INSIDE  # one line per sum: the rounds of a loop look alike
            alone = uses.get(op.index) == 1 and op.index not in kept and op.name.startswith("v")
            if alone and size[op.index] < INSIDE:
                found.add(op.index)
    return found


def commented(code, comment):
    return f"{code:<{COLUMN}}  # {comment}".rstrip() if comment else code
