"""Numbers that formulas ask for: what is summed over all elements, of a parameter or of all parameters of a step.

    def scaled(x, dx, *, eta):
        size = norm(dx)
        off = dx - mean(dx)
        return eta * off / size

A reduction is a number.  A step first works out those that need no other one, in one pass over memory that only reads
and sums; then those that need these; at last it runs the formula, to which they are numbers like its hyperparameters.
So a formula is split, here: into its text with a name in the place of each reduction, and into the expressions that are
summed.  ``sliced`` leaves of the text what a pass needs.
"""

import ast
import copy
import functools
import math
import operator
from typing import NamedTuple

from ..core.errors import NonFiniteError
from . import functions
from .lanes import added
from .reading import body_of, define, read, refuse

JOINT = "all"  # over="all": of all parameters of the step


class Reduction(NamedTuple):
    """One of a formula: ``name`` stands for it in the text, and ``summed`` for its expression."""

    name: str
    kind: object  # norm, total, mean
    joint: bool
    level: int  # 0 if it needs no other one
    counting: object  # a function out of COUNTING

    @property
    def summed(self):
        return f"of_{self.name}"

    @property
    def of_all(self):
        """The function of the arrays of all parameters, for a joint one."""
        return getattr(functions, f"{self.kind.__name__}_of_all")


@functools.lru_cache(maxsize=None)
def split(function):
    """Return the Formula of a function, as ``read`` does, with its reductions taken out.

    Before an assignment that a reduction stands in comes one of its own, to ``summed``.
    Raises TypeError where a reduction stands in a place that it has no meaning in.
    """
    formula = read(function)
    splitting = Splitting(function)
    lines = []
    for name, expression in formula.lines:
        expression = splitting.visit(copy.deepcopy(expression))
        lines += [*splitting.take(), (name, expression)]
        splitting.lines = lines
    results = tuple(map(splitting.visit, copy.deepcopy(formula.results)))
    lines += splitting.take()
    return formula._replace(lines=tuple(lines), results=results, reductions=tuple(splitting.found))


class Splitting(ast.NodeTransformer):
    """Puts a name in the place of every reduction."""

    def __init__(self, function):
        self.function, self.found, self.lines, self.own = function, [], [], []
        self.calls = 0  # of functions that have reductions themselves
        self.where = None  # in what a reduction must not stand, if it does

    def take(self):
        """Return the assignments of what is summed in the expression that was visited last."""
        own, self.own = self.own, []
        return own

    def visit_Call(self, node):
        kind = self.function.__globals__.get(getattr(node.func, "id", None))
        if reduces(kind):
            return self.inlined(node, kind)
        if not any(kind is reduction for reduction in functions.REDUCTIONS):
            return self.generic_visit(node)
        if self.where:
            refuse(self.function, node, f"stands in {self.where}, and it is worked out in any case: assign it before")
        if len(node.args) != 1 or any(k.arg != "over" for k in node.keywords):
            refuse(self.function, node, f'is given one expression, and perhaps over="all": {kind.__name__}(dx)')
        over = [k.value for k in node.keywords]
        if over and not (isinstance(over[0], ast.Constant) and over[0].value == JOINT):
            refuse(self.function, node, f'is over what is not known; over="{JOINT}" is all parameters of the step')
        expression = self.visit(node.args[0])
        _, needed = sliced([*self.lines, *self.own], names_in(expression))
        level = 1 + max([r.level for r in self.found if r.name in needed], default=-1)
        new = Reduction(f"{kind.__name__}__{1 + len(self.found)}", kind, bool(over), level, COUNTING[kind, bool(over)])
        self.found.append(new)
        self.own.append((new.summed, expression))
        return ast.copy_location(ast.Name(new.name, ast.Load()), node)

    def inlined(self, node, called):
        """A call of a function that has reductions itself: its text takes the place."""
        lines, (result,) = body_of(called, called.definition)
        names = [argument.arg for argument in called.definition.args.args]
        self.calls += 1
        renamed = Renamed({name: f"_{self.calls}_{name}" for name in (*names, *[name for name, _ in lines])})
        for name, argument in zip(names, node.args):
            self.own.append((renamed.names[name], self.visit(argument)))
        for name, expression in lines:
            self.own.append((renamed.names[name], self.visit(renamed.visit(copy.deepcopy(expression)))))
        return self.visit(renamed.visit(copy.deepcopy(result)))

    def visit_IfExp(self, node):
        test = self.visit(node.test)
        return ast.copy_location(ast.IfExp(test, *self.within("a choice", [node.body, node.orelse])), node)

    def visit_BoolOp(self, node):
        first, *others = node.values
        values = [self.visit(first), *self.within("what follows an `and` or `or`", others)]
        return ast.copy_location(ast.BoolOp(node.op, values), node)

    def within(self, where, nodes):
        before, self.where = self.where, self.where or where
        visited = list(map(self.visit, nodes))
        self.where = before
        return visited


class Renamed(ast.NodeTransformer):
    """Gives variables other names."""

    def __init__(self, names):
        self.names = names

    def visit_Name(self, node):
        return ast.copy_location(ast.Name(self.names.get(node.id, node.id), node.ctx), node)


def reduces(called):
    """Whether a function of the user's, rewritten, has reductions itself."""
    nodes = ast.walk(called.definition) if hasattr(called, "definition") else ()
    those = [called.__globals__.get(node.func.id) for node in nodes if isinstance(node, ast.Call)]
    return any(each is kind for each in those for kind in functions.REDUCTIONS) or any(map(reduces, those))


def names_in(*expressions):
    return {node.id for each in expressions for node in ast.walk(each) if isinstance(node, ast.Name)}


def sliced(lines, names):
    """Return the assignments that some names depend on, and the names that these depend on in turn."""
    kept, needed = [], set(names)
    for name, expression in reversed(lines):
        if name in needed:
            kept.append((name, expression))
            needed = needed - {name} | names_in(expression)
    return kept[::-1], needed


# As functions on arrays.


@functools.lru_cache(maxsize=None)
def working(function):
    """Return the function to call for the step: the formula itself, or one that is given its reductions as well."""
    try:
        formula = split(function)
    except OSError:  # a text that cannot be read has none: behaviour.py has seen to that
        return function
    if not formula.reductions:
        return function
    lines, _ = sliced(formula.lines, names_in(*formula.results))
    return function_of(formula, lines, formula.results, formula.reductions, function.__name__)


@functools.lru_cache(maxsize=None)
def summing(function, level):
    """Return the function to call for what is summed in the pass of a level, as a tuple."""
    formula = split(function)
    wanted = [r.summed for r in formula.reductions if r.level == level]
    name = f"summed_in_{function.__name__}" + f"_{1 + level}" * (level > 0)
    results = [ast.Name(each, ast.Load()) for each in wanted]
    known = [r for r in formula.reductions if r.level < level]
    return function_of(formula, sliced(formula.lines, wanted)[0], results, known, name)


def function_of(formula, lines, results, known, name):
    names = (*formula.hyper, *formula.given, *[r.name for r in known])
    arguments = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(name) for name in ("x", "dx", *formula.arrays, *formula.numbers)],
        kwonlyargs=[ast.arg(name) for name in names],
        kw_defaults=[None] * len(names),
        defaults=[],
    )
    statements = [ast.Assign([ast.Name(name, ast.Store())], expression) for name, expression in lines]
    statements.append(ast.Return(ast.Tuple(list(results), ast.Load())))
    return define(formula.function, formula.function.__globals__, arguments, statements, ast.Pass(), name)


# The passes of a run of formulas.


class Pass(NamedTuple):
    """Some reductions that are worked out together: those of one stage and level."""

    stage: int  # its place in the run
    level: int
    reductions: tuple
    columns: slice  # where their numbers are kept


@functools.lru_cache(maxsize=None)
def passes_of(run):
    """Return the passes that some formulas need before their step, a tuple of Passes, in the order that they go in."""
    passes, begin = [], 0
    for k, function in enumerate(run):
        found = reductions_of(function)
        for level in levels_of(function):
            those = tuple([r for r in found if r.level == level])
            passes.append(Pass(k, level, those, slice(begin, begin + len(those))))
            begin += len(those)
    return tuple(passes)


def levels_of(function):
    """The levels of the reductions of a formula, from 0 on; most have none."""
    return range(1 + max([r.level for r in reductions_of(function)], default=-1))


@functools.lru_cache(maxsize=None)
def reductions_of(function):
    """The reductions of a formula in the order of their numbers: by level."""
    try:
        return tuple(sorted(split(function).reductions, key=lambda r: r.level))
    except OSError:
        return ()


def settled(stage, passing, columns, sizes, name):
    """Return the numbers that count, and the places of the parameters to leave alone; or raise.

    Parameters
    ----------
    stage : the rule whose pass this is: its ``nonfinite`` says what to do where a number is not finite
    columns : for each reduction the list of what it is of each parameter by itself; sums for means
    sizes : how many elements each parameter has
    name : name(place) says in an error which parameter it is
    """
    counted = [r.counting(numbers, sizes) for r, numbers in zip(passing.reductions, columns)]
    if stage.nonfinite == "pass" or all([all(map(math.isfinite, numbers)) for numbers in columns]):
        return counted, ()
    bad = set().union(*[not_finite(stage, *each, name) for each in zip(passing.reductions, columns)])
    return counted, range(len(sizes)) if any([r.joint for r in passing.reductions]) else sorted(bad)


# The numbers that count, made of those of each parameter by itself.


def of_each(numbers, sizes):
    return numbers


def means(totals, sizes):
    return list(map(operator.truediv, totals, [max(1, n) for n in sizes]))


def joint_norm(norms, sizes):
    return [math.hypot(*norms)] * len(norms)


def joint_total(totals, sizes):
    return [added(totals)] * len(totals)


def joint_mean(totals, sizes):
    return [added(totals) / max(1, sum(sizes))] * len(totals)


COUNTING = {
    (functions.norm, False): of_each,
    (functions.total, False): of_each,
    (functions.mean, False): means,
    (functions.norm, True): joint_norm,
    (functions.total, True): joint_total,
    (functions.mean, True): joint_mean,
}


def not_finite(stage, reduction, numbers, name):
    """Return the places of the numbers that are not finite; or raise."""
    bad = [place for place, number in enumerate(numbers) if not math.isfinite(number)]
    if stage.nonfinite == "raise":
        what = "norm" if reduction.kind is functions.norm else reduction.kind.__name__
        raise NonFiniteError(
            f"{type(stage).__name__}: the gradient of {name(bad[0])} has {what} {numbers[bad[0]]}; nothing was "
            "updated. Look for the cause, or write nonfinite='skip' to leave such parameters alone or 'pass' "
            "to go on"
        )
    return bad
