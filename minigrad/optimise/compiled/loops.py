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

import numpy as np

from .. import functions
from ..reading import CALLS, body_of, read, refuse

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
    write([(function, [np.dtype(float)] * len(read(function).arrays))], float)



UPDATE, STEP, MEASURE = "update", "step", "measure"


def write(stages, dtype, purpose=UPDATE):
    """Return the text of a kernel that runs ``stages`` one after the other in a single loop.

    Parameters
    ----------
    stages : list of (function, dtypes of its state arrays)
    dtype : of the parameter and its gradient
    purpose : UPDATE overwrites the parameter; STEP overwrites the gradient with the step; MEASURE
        overwrites nothing, but sums the squares of what comes out of the last stage into the
        number that follows the stages' state
    """
    text = Text(dtype)
    dx = "dx"
    for k, (function, dtypes) in enumerate(stages):
        dx = text.add(k, read(function), dtypes, dx)
    if purpose is MEASURE:
        return text.measuring(dx)
    return text.storing(f"x_[i] = x - {dx}" if purpose is UPDATE else f"dx_[i] = {dx}")


def data_of(place):
    """Code for the address of the numbers of an array of state, by its place among them."""
    return f"peek(peek(state_ + {8 * place}) + DATA)"


def indented(lines):
    return ["    " + line for line in lines]


class Text:
    """A kernel's lines, as they are gathered."""

    def __init__(self, dtype):
        self.dtype, self.casts = np.dtype(dtype), {}
        self.once = ["x_ = elements(x_)", "dx_ = elements(dx_)"]
        self.each = ["x = x_[i]", "dx = dx_[i]"]
        self.stores, self.commits = [], []  # new state: of elements, of numbers
        self.decides = False  # whether the smallest difference between elements may make a large one
        self.guarded, self.guards = {}, []  # element -> the number that was added to it; those of all divisors
        self.place, self.slot, self.fresh = itertools.count(), itertools.count(), itertools.count(1)

    def add(self, k, formula, dtypes, dx):
        """Add the k-th stage, whose gradient is the variable ``dx``; return the variable of its step."""
        names, targets = self.declare(k, formula, dtypes)
        names |= {"x": ("x", ELEMENT), "dx": (dx, ELEMENT)}
        step, *state = self.results(formula.function, formula.lines, formula.results, names)
        self.each.append(f"step{k} = {self.element(*step)}")
        for (target, wanted), (code, kind) in zip(targets, state):
            if wanted is ELEMENT:
                self.stores.append((target, self.element(code, kind)))
            elif kind is NUMBER:
                self.commits.append(f"{target} = {code}")
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

    def declare(self, k, formula, dtypes):
        """Load the state and the hyperparameters of a stage; return their variables and where they lie."""
        names, targets = {}, []
        for name, dtype in zip(formula.arrays, dtypes):
            pointer = "elements" if dtype == self.dtype else "reals"
            self.once.append(f"{name}_{k}_ = {pointer}({data_of(next(self.place))})")
            self.each.append(f"{name}_{k} = {name}_{k}_[i]")
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
        return names, targets

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
        loop = ["for i in range(size * part // parts, size * (part + 1) // parts):"]
        loop += indented([*self.each, result, *stores])
        commit = ["if mode & COMMIT:", *indented(self.commits)] if self.commits else []
        return self.whole(["if mode & LOOP:", *indented(loop), *commit])

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

    def measuring(self, dx):
        """The whole text of a kernel that measures."""
        loop = self.summing(f"square({dx})")
        return self.whole([*loop, f"numbers({data_of(next(self.place))})[0] = total"])

    def summing(self, value):
        """Lines that sum a value over all elements, in the order of lanes.py; two rows at a time, which is quicker."""
        each = indented(indented(indented(self.each)))
        return [
            "lanes, total = new_lanes(), 0.0",
            "for block in range(0, size, BLOCK):",
            "    end = min(block + BLOCK, size)",
            "    rest = end - (end - block) % (2 * LANES)",
            "    for lane in range(LANES):",
            "        lanes[lane] = 0.0",
            "    for row in range(block, rest, 2 * LANES):",
            "        for lane in range(LANES):",
            "            i = row + lane",
            *each,
            f"            first = {value}",
            "            i += LANES",
            *each,
            f"            lanes[lane] = lanes[lane] + first + {value}",
            "    for row in range(rest, end, LANES):",
            "        for lane in range(min(LANES, end - row)):",
            "            i = row + lane",
            *each,
            f"            lanes[lane] += {value}",
            "    width = LANES",
            "    while width > 1:",
            "        width //= 2",
            "        for lane in range(width):",
            "            lanes[lane] += lanes[lane + width]",
            "    total += lanes[0]",
        ]

    def whole(self, lines):
        head = [
            "hyper = numbers(peek(plan + 8 * HYPER))",
            "part, parts, mode = peek(plan + 8 * PART), peek(plan + 8 * PARTS), peek(plan + 8 * MODE)",
        ]
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
