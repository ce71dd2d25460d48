"""From formulas to the text of one loop over memory.

``read`` takes a formula apart; ``write`` chains formulas, each one's step being the next one's
gradient, and returns the Python text of a kernel.  For ``Optimiser(WeightDecay(), Descent())``:

    def kernel(x_, dx_, state_, size, plan):
        ...
        c1 = real(wd_0)                                 once: numbers, cast to the elements' type
        c2 = real(eta_1)
        for i in range(...):                            each: what touches an element
            x = x_[i]
            dx = dx_[i]
            step0 = (dx + (c1 * x))
            step1 = (c2 * step0)
            x_[i] = x - step1

Every assignment gets a name of its own, so formulas may reuse names as they like.
"""

import ast
import itertools
import re

import numpy as np

from .. import functions
from ..reading import CALLS, body_of, read, refuse
from ..reductions import names_in, reductions_of, sliced, split

OPERATORS = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.USub: "-",
    ast.UAdd: "+",
    ast.Invert: "~",
    ast.Not: "not ",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.And: " and ",
    ast.Or: " or ",
}

# The functions whose value differs little for elements that differ little.
CONTINUOUS = {
    functions.sqrt, functions.abs2, functions.absolute, functions.cbrt, functions.maximum, functions.minimum,
    functions.clip,
}

ELEMENT, NUMBER = "element", "number"  # one per element of the array, or one for all of them


def check_formula(function):
    """Raise TypeError unless a kernel can be written from the formula."""
    stage = function, [np.dtype(float)] * len(read(function).arrays)
    for level in range(1 + max([reduction.level for reduction in split(function).reductions], default=-1)):
        write([stage], float, REDUCE, level)
    write([stage], float)


UPDATE, STEP, REDUCE = "update", "step", "reduce"


def write(stages, dtype, purpose=UPDATE, level=None):
    """Return the text of a kernel that runs ``stages`` one after the other in a single loop.

    Parameters
    ----------
    stages : list of (function, dtypes of its state arrays)
    dtype : of the parameter and its gradient
    purpose : UPDATE overwrites the parameter; STEP overwrites the gradient with the step; REDUCE overwrites
        nothing, but sums what the last stage has to know in its pass ``level`` (see reductions.py)
    """
    text = Text(dtype)
    dx, (*before, last) = "dx", [(split(function), dtypes) for function, dtypes in stages] or [None]
    for k, (formula, dtypes) in enumerate(before):
        dx = text.add(k, formula if purpose is not REDUCE else stepping(formula), dtypes, dx)
    if purpose is REDUCE:
        return text.reducing(len(before), *last, dx, level)
    if last:
        dx = text.add(len(before), *last, dx)
    return text.storing(f"x_[i] = x - {dx}" if purpose is UPDATE else f"dx_[i] = {dx}")


def stepping(formula):
    """What of a formula makes its step, without the new state."""
    lines, _ = sliced(formula.lines, names_in(formula.results[0]))
    return formula._replace(lines=tuple(lines), results=formula.results[:1])


def data_of(place):
    """Code for the address of the numbers of an array of state, by its place among them."""
    return f"peek(peek(state_ + {8 * place}) + DATA)"


def indented(lines):
    return ["    " + line for line in lines]


def by_level(formula):
    """The reductions of a formula in the order of their numbers."""
    return reductions_of(formula.function)


def summed_in(formula):
    return {reduction.summed for reduction in formula.reductions}


class Text:
    """A kernel's lines, as they are gathered."""

    def __init__(self, dtype):
        self.dtype, self.casts = np.dtype(dtype), {}
        self.once = ["x_ = elements(x_)", "dx_ = elements(dx_)"]
        self.each = ["x = x_[i]", "dx = dx_[i]"]
        self.stores, self.commits = [], []  # new state: of elements, of numbers
        self.decides = False  # whether the smallest difference between elements may make a large one
        self.guarded, self.guards = {}, []  # element -> the number that was added to it; those of all divisors
        self.place, self.slot, self.column = itertools.count(), itertools.count(), itertools.count()
        self.fresh = itertools.count(1)
        self.step_of_state = False  # whether the step so far depends on elements of the state

    def add(self, k, formula, dtypes, dx):
        """Add the k-th stage, whose gradient is the variable ``dx``; return the variable of its step."""
        names, targets = self.declare(k, formula, dtypes, dx)
        self.note_what_reductions_see(formula)
        lines = [(name, expression) for name, expression in formula.lines if name not in summed_in(formula)]
        step, *state = self.results(formula.function, lines, formula.results, names)
        self.each.append(f"step{k} = {self.element(*step)}")
        for (target, wanted), (code, kind) in zip(targets, state):
            if wanted is ELEMENT:
                self.stores.append((target, self.element(code, kind)))
            elif kind is NUMBER:
                self.commits.append((target, code))
            else:
                refuse(formula.function, formula.results[0], "comes with a number that depends on an element")
        return f"step{k}"

    def results(self, function, lines, results, names):
        """Add assignments, given what names mean; return the pairs (code, kind) of what follows from them."""
        translate = Translator(self, function, names)
        for name, expression in lines:
            code, kind = translate.visit(expression)
            variable = f"{name}_{next(self.fresh)}v"
            (self.each if kind is ELEMENT else self.once).append(f"{variable} = {code}")
            names[name] = variable, kind
            self.guarded[variable] = self.guarded.get(code)
        return list(map(translate.visit, results))

    def declare(self, k, formula, dtypes, dx):
        """Load the state and the hyperparameters of a stage; return their variables and where they lie."""
        names, targets = {"x": ("x", ELEMENT), "dx": (dx, ELEMENT), "gradient": ("dx", ELEMENT)}, []
        for name, dtype in zip(formula.arrays, dtypes):
            self.load(f"{name}_{k}", "elements" if dtype == self.dtype else "reals", next(self.place))
            names[name] = f"{name}_{k}", ELEMENT
            targets.append((f"{name}_{k}_[i]", ELEMENT))
        if formula.numbers:
            self.once.append(f"numbers{k} = numbers({data_of(next(self.place))})")
        cells = [(name, f"numbers{k}[{j}]") for j, name in enumerate(formula.numbers)]
        cells += [(name, f"hyper[{next(self.slot)}]") for name in formula.hyper]
        for name, cell in cells:
            self.once.append(f"{name}_{k} = {cell}")
            names[name] = f"{name}_{k}", NUMBER
            targets.append((cell, NUMBER))
        if "normal" in formula.given:
            self.load(f"normal_{k}", "elements", next(self.place))
            names["normal"] = f"normal_{k}", ELEMENT
        for reduction in by_level(formula):
            self.once.append(f"{reduction.name}_{k} = reduced[{next(self.column)}]")
            names[reduction.name] = f"{reduction.name}_{k}", NUMBER
        return names, targets

    def load(self, name, pointer, place):
        """Load an array's element."""
        self.once.append(f"{name}_ = {pointer}({data_of(place)})")
        self.each.append(f"{name} = {name}_[i]")

    def note_what_reductions_see(self, formula):
        """A number made of elements of the state may tell the smallest of them from 0."""
        def of_state(names):
            _, needed = sliced(formula.lines, names)
            return bool(needed & {*formula.arrays}) or "dx" in needed and self.step_of_state

        self.decides |= any([of_state({reduction.summed}) for reduction in formula.reductions])
        self.step_of_state = of_state(names_in(formula.results[0]))

    def element(self, code, kind):
        """Code for a value where an element is wanted: a number is cast, once, before the loop."""
        if kind is ELEMENT:
            return code
        if code not in self.casts:
            self.casts[code] = f"c{len(self.casts) + 1}"
            self.once.append(f"{self.casts[code]} = real({code})")
        return self.casts[code]

    def storing(self, result):
        """The whole text of a kernel that overwrites."""
        stores = [f"{target} = {self.flushed(code)}" for target, code in self.stores]
        share = "(0, size) if parts == 1 else (size * part // parts, size * (part + 1) // parts)"
        loop = [f"first, last = {share}", "for i in range(first, last):"]
        loop += indented([*self.each, result, *stores])
        commit = [f"{target} = {self.faded(target, code)}" for target, code in self.commits]
        commit = ["if mode & COMMIT:", *indented(commit)] if commit else []
        return self.whole(["if mode & LOOP:", *indented(loop), *commit])

    def faded(self, target, code):
        """Code for a number of the state that is 0 below the smallest normal one, if nobody sees more than 1 - it.

        A power of a beta fades, ends as such a number, and is multiplied at every step.
        """
        name = re.sub(r"\((\w+) \* \w+\)", r"\1", code)
        lines = " ".join([*self.once, *self.each, *(other for _, other in self.commits)])
        seen = len(re.findall(rf"\b{re.escape(name)}\b", lines)) - lines.count(f"(1 - {name})")
        fades = seen == 2 and f"{name} = {target}" in self.once
        return f"where(abs({code}) < 2.0**-1022, 0.0, {code})" if fades else code

    def flushed(self, code):
        """Code for new state in which numbers below the smallest normal one are 0, where no step can tell.

        Processors handle such numbers slowly, up to a hundred times, and a moment that fades ends as one
        and stays one.  A step can tell them from 0 if it decides by them, or divides by them with next to
        nothing added.
        """
        if self.decides or None in self.guards:
            return code
        if "least" not in self.casts:
            self.casts["least"] = "least"
            enough = " and ".join([f"{number} >= ENOUGH" for number in dict.fromkeys(self.guards)])
            self.once.append(f"least = SMALLEST if {enough} else ZERO" if enough else "least = SMALLEST")
        return f"flushed({code}, least)"

    def reducing(self, k, formula, dtypes, dx, level):
        """The whole text of a kernel that sums what the k-th stage has to know in a pass."""
        names, _ = self.declare(k, formula, dtypes, dx)
        those = [reduction for reduction in formula.reductions if reduction.level == level]
        wanted = [ast.Name(reduction.summed, ast.Load()) for reduction in those]
        values = self.results(formula.function, sliced(formula.lines, names_in(*wanted))[0], wanted, names)
        for reduction, (_, kind) in zip(those, values):
            if kind is NUMBER:
                why = f"is the same for every element; {reduction.kind.__name__} is for what differs"
                refuse(formula.function, dict(formula.lines)[reduction.summed], why)
        forms = ["square({})" if reduction.kind is functions.norm else "float64({})" for reduction in those]
        begin = next(self.column) - len(formula.reductions)
        columns = [begin + j for j, reduction in enumerate(by_level(formula)) if reduction.level == level]
        values = [form.format(code) for form, (code, _) in zip(forms, values)]
        self.leave_what_is_needed(values)
        return self.whole(self.summing(values, columns))

    def summing(self, values, columns):
        """Lines that sum values over all elements, in the order of lanes.py; two rows at a time, which is quicker.

        Where several threads share the work, each leaves the sums of its blocks, to be added afterwards.
        """
        many, each = len(values), indented(indented(indented(self.each)))
        own = [(f"lanes{j}", f"first{j}", f"total{j}", value) for j, value in enumerate(values)]
        return [
            *[f"{lanes}, {total} = new_lanes(), 0.0" for lanes, _, total, _ in own],
            "blocks = (size + BLOCK - 1) // BLOCK",
            "for block in range(BLOCK * (blocks * part // parts), BLOCK * (blocks * (part + 1) // parts), BLOCK):",
            "    end = min(block + BLOCK, size)",
            "    rest = end - (end - block) % (2 * LANES)",
            "    for lane in range(LANES):",
            *[f"        {lanes}[lane] = 0.0" for lanes, *_ in own],
            "    for row in range(block, rest, 2 * LANES):",
            "        for lane in range(LANES):",
            "            i = row + lane",
            *each,
            *[f"            {first} = {value}" for _, first, _, value in own],
            "            i += LANES",
            *each,
            *[f"            {lanes}[lane] = {lanes}[lane] + {first} + {value}" for lanes, first, _, value in own],
            "    for row in range(rest, end, LANES):",
            "        for lane in range(min(LANES, end - row)):",
            "            i = row + lane",
            *each,
            *[f"            {lanes}[lane] += {value}" for lanes, _, _, value in own],
            "    width = LANES",
            "    while width > 1:",
            "        width //= 2",
            "        for lane in range(width):",
            *[f"            {lanes}[lane] += {lanes}[lane + width]" for lanes, *_ in own],
            *[f"    {total} += {lanes}[0]" for lanes, _, total, _ in own],
            "    if parts > 1:",
            *[f"        partial[{many} * (block // BLOCK) + {j}] = lanes{j}[0]" for j in range(many)],
            "if parts == 1:",
            *[f"    reduced[{column}] = total{j}" for j, column in enumerate(columns)],
        ]

    def leave_what_is_needed(self, codes):
        """Leave out the lines on which some codes do not depend."""
        needed = {*re.findall(r"\w+", " ".join(codes))}
        for lines in (self.each, self.once):
            for line in reversed(lines.copy()):
                name, _, code = line.partition(" = ")
                if name in needed:
                    needed |= {*re.findall(r"\w+", code)}
                else:
                    lines.remove(line)

    def whole(self, lines):
        head = [
            "hyper = numbers(peek(plan + 8 * HYPER))",
            "part, parts, mode = peek(plan + 8 * PART), peek(plan + 8 * PARTS), peek(plan + 8 * MODE)",
        ]
        reduced = "reduced = numbers(peek(peek(state_ + 8 * peek(plan + 8 * PER_ROW) - 8) + DATA))"
        partial = "partial = numbers(peek(plan + 8 * PARTIAL))"
        head += [reduced] * any(["reduced[" in line for line in (*self.once, *lines)])
        head += [partial] * any(["partial[" in line for line in lines])
        body = [*head, *self.once, *lines, "return 0"]
        return "\n".join(["def kernel(x_, dx_, state_, size, plan):", *indented(body)]) + "\n"


class Translator(ast.NodeVisitor):
    """Turns the expressions of a formula into pairs (code, kind); what has an element in it is one."""

    def __init__(self, text, function, names):
        self.text, self.function, self.names = text, function, names

    def joined(self, nodes, form):
        """Code for an operation: of numbers if all operands are, else of elements."""
        return self.filled(list(map(self.visit, nodes)), form)

    def filled(self, parts, form):
        if all(kind is NUMBER for _, kind in parts):
            return form.format(*(code for code, _ in parts)), NUMBER
        return form.format(*(self.text.element(*part) for part in parts)), ELEMENT

    def deciding(self, part):
        """Note that a value may differ much for elements that differ little."""
        self.text.decides |= part[1] is ELEMENT
        return part

    def numbers(self, nodes, instead):
        """Code for each of some expressions, refused where it depends on an element."""
        parts = list(map(self.visit, nodes))
        for node, (_, kind) in zip(nodes, parts):
            if kind is ELEMENT:
                refuse(self.function, node, f"differs from element to element here; {instead}")
        return [code for code, _ in parts]

    def generic_visit(self, node):
        refuse(self.function, node, "is more than a formula can hold")

    def visit_Constant(self, node):
        return repr(node.value), NUMBER

    def visit_Name(self, node):
        return self.names[node.id]

    def visit_Attribute(self, node):
        code, kind = self.visit(node.value)
        return f"{code}.{node.attr}", kind

    def visit_UnaryOp(self, node):
        if isinstance(node.op, ast.Not):
            (code,) = self.numbers([node.operand], "instead of `not` write ~condition")
            return f"(not {code})", NUMBER
        return self.joined([node.operand], f"({OPERATORS[type(node.op)]}{{}})")

    def visit_BinOp(self, node):
        both = [node.left, node.right]
        if isinstance(node.op, ast.Mod):
            return "mod({}, {})".format(*self.numbers(both, "% is for numbers")), NUMBER
        parts = list(map(self.visit, both))
        if isinstance(node.op, ast.Div):
            return self.over(*parts)
        code, kind = self.filled(parts, f"({{}} {OPERATORS[type(node.op)]} {{}})")
        if isinstance(node.op, ast.Pow):
            return self.deciding((code, kind))
        if isinstance(node.op, ast.Add) and kind is ELEMENT:
            self.text.guarded[code] = next((number for number, kind in parts if kind is NUMBER), None)
        return code, kind

    def over(self, dividend, divisor):
        if divisor[1] is ELEMENT:
            self.text.guards.append(self.text.guarded.get(divisor[0]))
        return self.filled([dividend, divisor], "over({}, {})" if self.text.dtype.kind == "c" else "({} / {})")

    def visit_Compare(self, node):
        return self.deciding(self.joined([node.left, *node.comparators], f"({{}} {OPERATORS[type(node.ops[0])]} {{}})"))

    def visit_BoolOp(self, node):
        parts = self.numbers(node.values, "join conditions on elements by & and |, with brackets")
        return "(" + OPERATORS[type(node.op)].join(parts) + ")", NUMBER

    def visit_IfExp(self, node):
        (condition,) = self.numbers([node.test], "choose by where(condition, a, b)")
        return self.joined([node.body, node.orelse], f"({{}} if {condition} else {{}})")

    def visit_Call(self, node):
        called = self.function.__globals__[node.func.id]
        if hasattr(called, "definition"):  # a formula that formulas call: its lines are added here
            lines, results = body_of(called, called.definition)
            names = [argument.arg for argument in called.definition.args.args]
            (result,) = self.text.results(called, lines, results, dict(zip(names, map(self.visit, node.args))))
            return result
        if called is functions.power:
            return self.power(*node.args)
        if called is functions.mod:
            return "mod({}, {})".format(*self.numbers(node.args, "% is for numbers")), NUMBER
        if called is functions.where:
            return self.where(*node.args)
        name = f"np.{called.ufunc.__name__}" if hasattr(called, "ufunc") else CALLS[called].__name__
        made = self.joined(node.args, f"{name}({', '.join(['{}'] * len(node.args))})")
        return made if called in CONTINUOUS else self.deciding(made)

    def power(self, base, exponent):
        product = self.joined([base], f"({{}} ** {abs(exponent.value)})")
        return product if exponent.value >= 0 else self.over(("1.0", NUMBER), product)

    def where(self, condition, *values):
        condition, kind = self.visit(condition)  # not cast
        parts = list(map(self.visit, values[:2]))
        form = f"where({condition}, {{}}, {{}})"
        if kind is NUMBER:
            code, kind = self.filled(parts, form)
            numbers = [part[0] if part[1] is NUMBER else self.text.guarded.get(part[0]) for part in parts]
            self.text.guarded[code] = None if None in numbers else f"min({', '.join(numbers)})"
            return code, kind
        return form.format(*(self.text.element(*part) for part in parts)), ELEMENT
