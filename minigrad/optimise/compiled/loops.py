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
import builtins
import functools
import inspect
import itertools
import math
import textwrap
from typing import NamedTuple

import numpy as np

from .. import formulas

# What a formula may call: the function itself -> its name inside a kernel.
CALLS = {
    formulas.sqrt: "sqrt",
    np.sqrt: "sqrt",
    math.sqrt: "sqrt",
    formulas.abs2: "abs2",
    formulas.absolute: "abs",
    abs: "abs",
    np.abs: "abs",
    formulas.maximum: "maximum",
    np.maximum: "maximum",
    formulas.minimum: "minimum",
    np.minimum: "minimum",
    formulas.where: "where",
    np.where: "where",
    formulas.sign: "sign",
    np.sign: "sign",
    formulas.clip: "clip",
    np.clip: "clip",
}

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

ELEMENT, NUMBER = "element", "number"  # one per element of the array, or one for all of them


class Formula(NamedTuple):
    """A formula taken apart: its arguments by role, its assignments, what it returns."""

    function: object
    arrays: tuple  # names of the state kept per element
    numbers: tuple  # names of the state kept once per parameter
    hyper: tuple  # names of the hyperparameters
    defaults: dict  # of the hyperparameters that have one
    lines: tuple  # pairs (name, expression)
    results: tuple  # expressions: the step, the arrays, the numbers, hyperparameters


@functools.lru_cache(maxsize=None)
def read(function):
    """Take a formula apart (see formulas.py for its form).

    Raises TypeError where the text is not of that form, saying which line; OSError where there is
    no text to read (a function typed into an old interactive prompt): such a formula still runs
    on whole arrays, through ``roles`` alone.
    """
    arrays, numbers, hyper, defaults = roles(function)
    definition = definition_of(function)
    lines, results = [], ()
    for statement in definition.body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue  # the docstring
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and named(statement.targets[0]):
            lines.append((statement.targets[0].id, statement.value))
        elif isinstance(statement, ast.AugAssign) and named(statement.target):
            before = ast.Name(statement.target.id, ast.Load())
            lines.append((statement.target.id, ast.BinOp(before, statement.op, statement.value)))
        elif isinstance(statement, ast.Return) and statement.value is not None:
            value = statement.value
            results = tuple(value.elts) if isinstance(value, ast.Tuple) else (value,)
        else:
            refuse(function, statement, "is neither an assignment to a name nor the return")
    if len(results) < 1 + len(arrays) + len(numbers):
        names = ", ".join(("the step",) + arrays + numbers)
        refuse(
            function,
            definition,
            f"must return {names}: the step first, then the state in the order of the arguments",
        )
    return Formula(function, arrays, numbers, hyper, defaults, tuple(lines), results)


def definition_of(function):
    """Return the parsed text of a function; OSError if there is none, or if it is another function's.

    A text is looked up by file and line, and where a file has changed since, or never was one, these
    lead astray; so what is found must have the function's name and arguments, and its values.
    """
    try:
        definition, *others = ast.parse(textwrap.dedent(inspect.getsource(function))).body
        definition.decorator_list = []
        names = tuple([a.arg for a in (*definition.args.args, *definition.args.kwonlyargs)])
    except (SyntaxError, ValueError, AttributeError):
        raise OSError(f"the text of {function.__name__} cannot be read") from None
    code = function.__code__
    ours = function.__name__, code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if others or ours != (definition.name, names) or not same_values(function, definition):
        raise OSError(f"the text found for {function.__name__} is not its own")
    return definition


def same_values(function, definition):
    """Say whether a function and the one that a text defines agree on a sample of numbers."""
    twin = dict(function.__globals__)
    sample = {name: 0.3 + 0.1 * k for k, name in enumerate(inspect.signature(function).parameters)}
    try:
        exec(compile(ast.Module([definition], []), "<formula>", "exec"), twin)
        with np.errstate(all="ignore"):
            return np.array_equal(function(**sample), twin[definition.name](**sample), equal_nan=True)
    except Exception:  # it needs other arguments or a variable around it: nothing can be said
        return True


@functools.lru_cache(maxsize=None)
def roles(function):
    """Sort a formula's arguments: names of arrays, of numbers, of hyperparameters, and defaults."""
    parameters = list(inspect.signature(function).parameters.values())
    if [p.name for p in parameters[:2]] != ["x", "dx"]:
        raise TypeError(
            f"{function.__name__}: a rule's first two arguments are x and dx, the parameter and its gradient"
        )
    arrays, numbers, hyper = [], [], []
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    defaults.update(getattr(function, "hyperparameters", {}))
    for p in parameters[2:]:
        if p.kind is p.KEYWORD_ONLY or p.name in defaults:
            hyper.append(p.name)
        else:
            (numbers if p.annotation in (float, "float") else arrays).append(p.name)
    return tuple(arrays), tuple(numbers), tuple(hyper), defaults


def named(node):
    return isinstance(node, ast.Name)


def check(function):
    """Raise TypeError unless a kernel can be written from the formula."""
    write([(function, [np.dtype(float)] * len(read(function).arrays))], float)


def refuse(function, node, why):
    line = ast.unparse(node).splitlines()[0]
    raise TypeError(
        f"rule {function.__name__}: `{line}` {why}. A rule is a list of assignments with one return; choose "
        f"with where(condition, a, b) instead of if, and call {', '.join(sorted(set(CALLS.values())))} or "
        "ufuncs of NumPy"
    )


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
        self.place, self.slot, self.fresh = itertools.count(), itertools.count(), itertools.count(1)

    def add(self, k, formula, dtypes, dx):
        """Add the k-th stage, whose gradient is the variable ``dx``; return the variable of its step."""
        names, targets = self.declare(k, formula, dtypes)
        names |= {"x": ("x", ELEMENT), "dx": (dx, ELEMENT)}
        translate = Translator(self, formula.function, names)
        for name, expression in formula.lines:
            code, kind = translate.visit(expression)
            variable = f"{name}_{next(self.fresh)}v"
            (self.each if kind is ELEMENT else self.once).append(f"{variable} = {code}")
            names[name] = variable, kind
        step, *state = map(translate.visit, formula.results)
        self.each.append(f"step{k} = {self.element(*step)}")
        for (target, wanted), (code, kind) in zip(targets, state):
            if wanted is ELEMENT:
                self.stores.append(f"{target} = {self.element(code, kind)}")
            elif kind is NUMBER:
                self.commits.append(f"{target} = {code}")
            else:
                refuse(formula.function, formula.results[0], "comes with a number that depends on an element")
        return f"step{k}"

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
        loop = ["for i in range(size * part // parts, size * (part + 1) // parts):"]
        loop += indented([*self.each, result, *self.stores])
        commit = ["if mode & COMMIT:", *indented(self.commits)] if self.commits else []
        return self.whole(["if mode & LOOP:", *indented(loop), *commit])

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
        if type(node.value) not in (int, float, bool):
            self.generic_visit(node)
        return repr(node.value), NUMBER

    def visit_Name(self, node):
        """A variable, or a constant from around the formula."""
        if isinstance(node, ast.Name) and node.id in self.names:
            return self.names[node.id]
        value = lookup(self.function, node)
        if type(value) not in (int, float, bool):
            refuse(self.function, node, f"is a {type(value).__name__}; from outside only numbers may be used")
        return repr(value), NUMBER

    def visit_Attribute(self, node):
        """``z.real`` and ``z.imag`` of an element; or a constant of a module."""
        if node.attr in ("real", "imag"):
            code, kind = self.visit(node.value)
            return f"{code}.{node.attr}", kind
        return self.visit_Name(node)

    def visit_UnaryOp(self, node):
        return self.joined([node.operand], f"({OPERATORS[type(node.op)]}{{}})")

    def visit_BinOp(self, node):
        both = [node.left, node.right]
        if isinstance(node.op, ast.Mod):
            return "mod({}, {})".format(*self.numbers(both, "% is for numbers")), NUMBER
        if isinstance(node.op, ast.Pow) and isinstance(node.right, ast.Constant):
            return self.joined([node.left], f"({{}} ** {node.right.value!r})")  # an integer stays one
        if type(node.op) not in OPERATORS:
            self.generic_visit(node)
        if isinstance(node.op, ast.Div) and self.text.dtype.kind == "c":
            return self.joined(both, "over({}, {})")
        return self.joined(both, f"({{}} {OPERATORS[type(node.op)]} {{}})")

    def visit_Compare(self, node):
        if len(node.ops) > 1 or type(node.ops[0]) not in OPERATORS:
            self.generic_visit(node)
        return self.joined([node.left, *node.comparators], f"({{}} {OPERATORS[type(node.ops[0])]} {{}})")

    def visit_BoolOp(self, node):
        parts = self.numbers(node.values, "join conditions on elements by & and |, with brackets")
        return "(" + OPERATORS[type(node.op)].join(parts) + ")", NUMBER

    def visit_IfExp(self, node):
        (condition,) = self.numbers([node.test], "choose by where(condition, a, b)")
        return self.joined([node.body, node.orelse], f"({{}} if {condition} else {{}})")

    def visit_Call(self, node):
        called = lookup(self.function, node.func)
        name = CALLS.get(called) or (f"np.{called.__name__}" if isinstance(called, np.ufunc) else None)
        if name is None or node.keywords:
            refuse(self.function, node, "calls something that no kernel knows")
        if name != "where":
            return self.joined(node.args, f"{name}({', '.join(['{}'] * len(node.args))})")
        (condition, kind), *parts = map(self.visit, node.args)  # conditions are not cast
        form = f"where({condition}, {{}}, {{}})"
        if kind is NUMBER:
            return self.filled(parts, form)
        return form.format(*(self.text.element(*part) for part in parts)), ELEMENT


def lookup(function, node):
    """The object that a name means around a formula: in its closure, its module, the builtins."""
    if isinstance(node, ast.Attribute):
        return getattr(lookup(function, node.value), node.attr)
    inside = inspect.getclosurevars(function)
    for names in (inside.nonlocals, inside.globals, function.__globals__, vars(builtins)):
        if isinstance(node, ast.Name) and node.id in names:
            return names[node.id]
    refuse(function, node, "is not defined")
