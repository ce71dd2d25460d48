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
            step_0 = (dx + (c1 * x))
            step_1 = (c2 * step_0)
            x_[i] = x - step_1

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

from minigrad.optimise import formulas

# What a formula may call: the function itself -> its name inside a kernel.
CALLS = {
    formulas.sqrt: "sqrt",
    np.sqrt: "sqrt",
    math.sqrt: "sqrt",
    formulas.abs2: "abs2",
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
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    lines, results = [], ()
    for statement in definition.body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue  # the docstring
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            lines.append((statement.targets[0].id, statement.value))
        elif isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
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
            (numbers if p.annotation is float else arrays).append(p.name)
    return tuple(arrays), tuple(numbers), tuple(hyper), defaults


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
    text.head(f"x_ = elements({data_of('x_')})", f"dx_ = elements({data_of('dx_')})")
    text.each += ["x = x_[i]", "dx = dx_[i]"]
    dx, stores, commits, place, hyper = ("dx", ELEMENT), [], [], itertools.count(), itertools.count()
    for k, (function, dtypes) in enumerate(stages):
        formula = read(function)
        names = {"x": ("x", ELEMENT), "dx": dx}
        targets = []
        for name, kind in zip(formula.arrays, dtypes):
            array = f"{name}_{k}"
            text.head(f"{array}_ = {text.pointer(kind)}({data_of('state_', next(place))})")
            text.each.append(f"{array} = {array}_[i]")
            names[name] = array, ELEMENT
            targets.append(f"{array}_[i]")
        if formula.numbers:
            text.head(f"numbers_{k} = numbers({data_of('state_', next(place))})")
        for j, name in enumerate(formula.numbers):
            text.once.append(f"{name}_{k} = numbers_{k}[{j}]")
            names[name] = f"{name}_{k}", NUMBER
            targets.append(f"numbers_{k}[{j}]")
        for name in formula.hyper:
            slot = f"hyper[{next(hyper)}]"
            text.once.append(f"{name}_{k} = {slot}")
            names[name] = f"{name}_{k}", NUMBER
            targets.append(slot)
        step, *state = text.run(formula, names)
        text.each.append(f"step_{k} = {text.element(*step)}")
        dx = f"step_{k}", ELEMENT
        for target, (code, kind) in zip(targets, state):
            if target.endswith("[i]"):
                stores.append(f"{target} = {text.element(code, kind)}")
            elif kind is NUMBER:
                commits.append(f"{target} = {code}")
            else:
                refuse(
                    function,
                    ast.Name(target),
                    "is a number, but what is returned for it depends on an element",
                )
    if purpose is MEASURE:
        return text.measuring(dx[0], next(place))
    result = f"x_[i] = x - {dx[0]}" if purpose is UPDATE else f"dx_[i] = {dx[0]}"
    return text.storing([result] + stores, commits)


def data_of(items, place=0):
    """Code for the address of the numbers of an array, one of several that lie in a tuple."""
    return f"peek(peek({items} + {8 * place}) + DATA)"


class Text:
    """A kernel's lines, as they are gathered."""

    def __init__(self, dtype):
        self.dtype, self.once, self.each, self.casts = np.dtype(dtype), [], [], {}
        self.fresh = itertools.count(1)

    def head(self, *lines):
        self.once += lines

    def pointer(self, dtype):
        return "elements" if dtype == self.dtype else "reals"

    def run(self, formula, names):
        """Add a formula's assignments; return (code, kind) of each of its results."""
        for name, expression in formula.lines:
            code, kind = self.expression(formula.function, names, expression)
            variable = f"{name}_{next(self.fresh)}v"
            (self.each if kind is ELEMENT else self.once).append(f"{variable} = {code}")
            names[name] = variable, kind
        return [self.expression(formula.function, names, result) for result in formula.results]

    def element(self, code, kind):
        """Code for a value where an element is wanted: a number is cast, once, before the loop."""
        if kind is ELEMENT:
            return code
        if code not in self.casts:
            self.casts[code] = f"c{len(self.casts) + 1}"
            self.once.append(f"{self.casts[code]} = real({code})")
        return self.casts[code]

    def expression(self, function, names, node):
        """Return (code, kind) of an expression; an operation is an element's if any operand is."""
        recur = functools.partial(self.expression, function, names)
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            return repr(node.value), NUMBER
        if isinstance(node, ast.Name) and node.id in names:
            return names[node.id]
        if isinstance(node, (ast.Name, ast.Attribute)):
            return self.attribute(function, names, node)
        if isinstance(node, ast.UnaryOp):
            code, kind = recur(node.operand)
            return f"({OPERATORS[type(node.op)]}{code})", kind
        if isinstance(node, ast.BinOp):
            if isinstance(node.op, ast.Pow) and isinstance(node.right, ast.Constant):
                code, kind = recur(node.left)
                return f"({code} ** {node.right.value!r})", kind
            parts = [recur(node.left), recur(node.right)]
            if isinstance(node.op, ast.Mod) and all(kind is NUMBER for _, kind in parts):
                return self.joined(parts, "mod({}, {})")
            if type(node.op) in OPERATORS:
                return self.joined(parts, f"({{}} {OPERATORS[type(node.op)]} {{}})")
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in OPERATORS:
            sign = OPERATORS[type(node.ops[0])]
            return self.joined([recur(node.left), recur(node.comparators[0])], f"({{}} {sign} {{}})")
        if isinstance(node, ast.BoolOp):
            parts = [recur(value) for value in node.values]
            if all(kind is NUMBER for _, kind in parts):
                return "(" + OPERATORS[type(node.op)].join(code for code, _ in parts) + ")", NUMBER
            refuse(function, node, "joins conditions on elements; write & and | with brackets")
        if isinstance(node, ast.IfExp):
            return self.choice(function, recur, node)
        if isinstance(node, ast.Call) and not node.keywords:
            return self.call(function, recur, node)
        refuse(function, node, "is more than a formula can hold")

    def joined(self, parts, form):
        if all(kind is NUMBER for _, kind in parts):
            return form.format(*(code for code, _ in parts)), NUMBER
        return form.format(*(self.element(*part) for part in parts)), ELEMENT

    def choice(self, function, recur, node):
        condition, kind = recur(node.test)
        if kind is ELEMENT:
            refuse(function, node, "chooses by an element; write where(condition, a, b)")
        return self.joined([recur(node.body), recur(node.orelse)], f"({{}} if {condition} else {{}})")

    def call(self, function, recur, node):
        called = lookup(function, node.func)
        parts = [recur(argument) for argument in node.args]
        name = CALLS.get(called) or (f"np.{called.__name__}" if isinstance(called, np.ufunc) else None)
        if name is None:
            refuse(function, node, "calls something that no kernel knows")
        if name == "where":
            (condition, kind), *parts = parts
            if kind is ELEMENT:
                return "where({}, {}, {})".format(
                    condition, *(self.element(*part) for part in parts)
                ), ELEMENT
            return self.joined(parts, f"where({condition}, {{}}, {{}})")
        return self.joined(parts, name + "(" + ", ".join(["{}"] * len(parts)) + ")")

    def attribute(self, function, names, node):
        """``z.real`` and ``z.imag`` of an element; or a constant from around the formula."""
        if isinstance(node, ast.Attribute) and node.attr in ("real", "imag"):
            code, kind = self.expression(function, names, node.value)
            return f"{code}.{node.attr}", kind
        value = lookup(function, node)
        if type(value) not in (int, float, bool):
            refuse(function, node, f"is a {type(value).__name__}; only numbers may be used from outside")
        return repr(value), NUMBER

    def storing(self, stores, commits):
        loop = ["for i in range(size * part // parts, size * (part + 1) // parts):"]
        loop += ["    " + line for line in self.each + stores]
        commit = ["if mode & COMMIT:"] + ["    " + line for line in commits] if commits else []
        return self.kernel(["if mode & LOOP:"] + ["    " + line for line in loop] + commit)

    def measuring(self, dx, place):
        loop = ["total = 0.0", "for i in range(size):"]
        loop += ["    " + line for line in self.each] + [f"    total += abs2(wide({dx}))"]
        return self.kernel(loop + [f"numbers({data_of('state_', place)})[0] = total"])

    def kernel(self, lines):
        head = [
            "def kernel(x_, dx_, state_, size, plan):",
            "    hyper = numbers(peek(plan + 8 * HYPER))",
            "    part, parts, mode = peek(plan + 8 * PART), peek(plan + 8 * PARTS), peek(plan + 8 * MODE)",
        ]
        return "\n".join(head + ["    " + line for line in self.once + lines + ["return 0"]]) + "\n"


def lookup(function, node):
    """The object that a name means around a formula: its closure, its module, the builtins."""
    if isinstance(node, ast.Attribute):
        return getattr(lookup(function, node.value), node.attr)
    inside = inspect.getclosurevars(function)
    for names in (inside.nonlocals, inside.globals, function.__globals__, vars(builtins)):
        if isinstance(node, ast.Name) and node.id in names:
            return names[node.id]
    refuse(function, node, "is not defined")
