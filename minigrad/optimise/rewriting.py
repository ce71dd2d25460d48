"""A user's function made a formula: one text for both engines, that takes from around it nothing but numbers.

    gain = 2.0
    def scaled(x, dx, eta=0.1):              def scaled(x, dx, *, eta, gain):
        dx *= gain                   ->          dx = dx * gain
        return eta * np.sign(dx)                 return eta * sign(dx)

Numbers from outside, ``gain`` or ``settings.gain``, become arguments: hidden hyperparameters, which are read at every
step.  Functions of the user's that are written like formulas are rewritten in the same way.  What NumPy and
a compiler would take differently gets one meaning: assignments never write into arrays, small powers are products,
a condition in a sum or a product is 1.0 or 0.0 of the elements' type.  All else is refused, by name.
"""

import ast
import builtins
import inspect
from types import ModuleType

import numpy as np

from ..core.storage import Storage
from . import functions
from .reading import CALLS, body_of, define, definition_of, given, is_elementwise, of_numbers_too, refuse, roles

LIKE = "_like"  # the variable that tells the elements' type
PRODUCTS = 64  # the largest power that is written as products
ARITHMETIC = ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod, ast.Pow
LOGIC = ast.BitAnd, ast.BitOr, ast.BitXor
COMPARISONS = ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq


def rewritten(function):
    """Return the formula that a function tells, and what it takes from outside.

    Raises TypeError where it is no formula, OSError where its text cannot be read.
    """
    arrays, numbers, hyper = roles(function)
    outside = Outside(function)
    body = Body(outside, function)
    statements = body.statements()
    own = list(outside.numbers)
    if LIKE in body.needs:
        statements.insert(0, ast.Assign([ast.Name(LIKE, ast.Store())], ast.Name("x", ast.Load())))
    arguments = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(name) for name in ("x", "dx", *arrays, *numbers)],
        kwonlyargs=[ast.arg(name) for name in (*hyper, *own, *given(function))],
        kw_defaults=[None] * (len(hyper) + len(own) + len(given(function))),
        defaults=[],
    )
    formula = body.define(arguments, statements)
    formula.__annotations__ = kinds_of(function, (*arrays, *numbers))
    return formula, outside


def kinds_of(function, names):
    """The annotations of some arguments, also where they are kept as text."""
    try:
        kinds = inspect.get_annotations(function, eval_str=True)
    except (NameError, SyntaxError, AttributeError):  # another argument's text means nothing here
        kinds = function.__annotations__
    return {name: kinds[name] for name in names if name in kinds}


class Outside:
    """What a rule takes from around it, and the functions that it is made of."""

    def __init__(self, function):
        self.owner = function.__name__
        self.numbers = {}  # argument of the formula -> Name
        self.functions = []  # pairs (Name, the user's function that it meant)
        self.space = {"__builtins__": builtins}  # the globals of formulas
        self.bodies = {}  # user's function -> its Body and its formula; None while that is made

    def __bool__(self):
        return bool(self.numbers or self.functions)

    def read(self):
        """Return the numbers as they are now; raise if one is none any more, or a function another one."""
        for name, function in self.functions:
            if name.value() is not function:
                raise TypeError(
                    f"rule {self.owner}: {name.text} is another function than when the rule was defined, and its "
                    "formula is a part of the rule. Define the rule again, too"
                )
        return [name.number() for name in self.numbers.values()]

    def argument(self, name):
        """Return the argument of the formula that stands for a name."""
        for argument, other in self.numbers.items():
            if other.key == name.key:
                return argument
        argument = f"_{len(self.numbers)}_{name.text.replace('.', '_')}"
        self.numbers[argument] = name
        return argument

    def put(self, function):
        """Put a function where formulas find it; return its name there."""
        for name, other in self.space.items():
            if other is function:
                return name
        name = f"_{len(self.space)}_{function.__name__}"
        self.space[name] = function
        return name


class Name:
    """A name, with its attributes, that a function takes from around it; looked up as Python would."""

    def __init__(self, owner, function, node):
        self.owner, self.text = owner, ast.unparse(node)
        self.root, *self.attributes = self.text.split(".")
        free = function.__code__.co_freevars
        self.cell = function.__closure__[free.index(self.root)] if self.root in free else None
        self.space = function.__globals__
        self.is_condition = False
        self.key = id(self.cell or self.space), self.text

    def value(self):
        """What it means now; NameError or AttributeError where it means nothing."""
        if self.cell is not None:
            try:
                value = self.cell.cell_contents
            except ValueError:
                raise NameError(f"rule {self.owner}: {self.text} has no value") from None
        else:
            value = self.space.get(self.root, self)
            if value is self:
                value = vars(builtins).get(self.root, self)
            if value is self:
                raise NameError(f"rule {self.owner}: {self.text} is not defined")
        for attribute in self.attributes:
            value = getattr(value, attribute)
        return value

    def number(self):
        """The number that it means now, as a float."""
        value = self.value()
        if isinstance(value, (bool, np.bool_)) if self.is_condition else is_number(value):
            return float(value)
        raise TypeError(
            f"rule {self.owner}: {self.text}, which the rule takes from outside, is {called(value)} now; it must stay "
            f"{'True or False' if self.is_condition else 'a number'}"
        )


def is_number(value):
    """Whether a value is a real number, and one that a float can hold."""
    try:
        return isinstance(value, (float, int, np.floating, np.integer, np.bool_)) and float(value) is not None
    except OverflowError:
        return False


def called(value):
    """Say what a value is."""
    array = value.data if isinstance(value, Storage) else value
    if isinstance(array, np.ndarray):
        return f"an array of shape {array.shape}"
    return f"{value!r}, a {type(value).__name__}"


class Body(ast.NodeTransformer):
    """The text of one function, rewritten; a node that is a condition is marked so."""

    def __init__(self, outside, function):
        self.outside, self.function = outside, function
        self.definition = definition_of(function)
        self.lines, self.results = body_of(function, self.definition)
        self.needs = {}  # names that are handed in besides the arguments, in order
        arguments = inspect.signature(function).parameters
        self.local = {*arguments, *[name for name, _ in self.lines]}
        self.known = dict.fromkeys(arguments, False)  # variable -> whether it is a condition

    def statements(self):
        """The rewritten assignments, and the return."""
        made = []
        for name, expression in self.lines:
            new = self.visit(expression)
            self.known[name] = is_condition(new)
            made.append(at(expression, ast.Assign([ast.Name(name, ast.Store())], new)))
        results = [self.number(self.visit(result)) for result in self.results]
        value = results[0] if len(results) == 1 else ast.Tuple(results, ast.Load())
        return [*made, at(self.definition.body[-1], ast.Return(value))]

    def define(self, arguments, statements):
        return define(self.function, self.outside.space, arguments, statements, self.definition)

    def refuse(self, node, why):
        refuse(self.function, node, why)

    def generic_visit(self, node):
        self.refuse(node, "is more than a formula can hold")

    def number(self, node):
        """A value that is calculated with: a condition is 1.0 or 0.0."""
        if not is_condition(node):
            return node
        return self.call(node, functions.where, node, ast.Constant(1.0), ast.Constant(0.0))

    def call(self, node, function, *arguments):
        if function is functions.where:
            arguments = *arguments, self.need(LIKE)
        name = ast.Name(self.outside.put(function), ast.Load())
        return at(node, ast.Call(name, list(arguments), []))

    def need(self, name):
        self.needs[name] = True
        return ast.Name(name, ast.Load())

    # Values.

    def visit_Constant(self, node):
        if type(node.value) not in (int, float, bool):
            self.refuse(node, "is no number")
        return condition(node) if isinstance(node.value, bool) else node

    def visit_Name(self, node):
        if node.id not in self.local:
            return self.from_outside(node)
        if node.id not in self.known:
            self.refuse(node, "is used before it is assigned")
        return condition(node, self.known[node.id])

    def visit_Attribute(self, node):
        root = root_of(node)
        if root is not None and root not in self.local:
            return self.from_outside(node)
        if node.attr not in ("real", "imag"):
            self.refuse(node, "belongs to an array, and a rule sees one element of it")
        return at(node, ast.Attribute(self.number(self.visit(node.value)), node.attr, ast.Load()))

    def from_outside(self, node):
        """A number from around the function, as one more argument."""
        name, value = self.look_up(node)
        if not is_number(value):
            self.refuse(
                node,
                f"is {called(value)}: from outside come numbers alone, which are read at every step, and functions "
                "that are formulas. What belongs to each element is kept as state",
            )
        name.is_condition = isinstance(value, (bool, np.bool_))
        new = at(node, self.need(self.outside.argument(name)))
        return condition(at(node, ast.Compare(new, [ast.NotEq()], [ast.Constant(0)]))) if name.is_condition else new

    def look_up(self, node):
        name = Name(self.outside.owner, self.function, node)
        try:
            return name, name.value()
        except (NameError, AttributeError):
            known = node.id if isinstance(node, ast.Name) else ""
            hint = f": from minigrad.optimise.formulas import {known}" if known in ("norm", "mean", "total") else ""
            self.refuse(node, f"is not defined{hint}")

    # Operations.

    def visit_UnaryOp(self, node):
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.Invert):
            if not is_condition(operand):
                self.refuse(node, "turns bits round; ~ is for conditions")
            return condition(at(node, ast.Compare(operand, [ast.Eq()], [ast.Constant(False)])))
        if isinstance(node.op, ast.Not):
            return condition(at(node, ast.UnaryOp(node.op, operand)))
        return at(node, ast.UnaryOp(node.op, self.number(operand)))

    def visit_BinOp(self, node):
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, LOGIC):
            if not (is_condition(left) and is_condition(right)):
                self.refuse(node, "works on bits; & and | join conditions, which are set in brackets")
            return condition(at(node, ast.BinOp(left, node.op, right)))
        if not isinstance(node.op, ARITHMETIC):
            self.generic_visit(node)
        left, right = self.number(left), self.number(right)
        if isinstance(node.op, ast.Mod):
            return self.call(node, functions.mod, left, right)
        exponent = literal(node.right) if isinstance(node.op, ast.Pow) else None
        if exponent == 0.5:
            return self.call(node, functions.sqrt, left)
        if exponent is not None and exponent == int(exponent) and abs(exponent) <= PRODUCTS:
            return self.call(node, functions.power, left, ast.Constant(int(exponent)))
        return at(node, ast.BinOp(left, node.op, right))

    def visit_Compare(self, node):
        if len(node.ops) > 1 or not isinstance(node.ops[0], COMPARISONS):
            self.refuse(node, "is no comparison of two numbers; join conditions by & and |, with brackets")
        left, right = (self.number(self.visit(each)) for each in (node.left, *node.comparators))
        return condition(at(node, ast.Compare(left, node.ops, [right])))

    def visit_BoolOp(self, node):
        values = list(map(self.visit, node.values))
        if not all(map(is_condition, values)):
            self.refuse(node, "joins what are no conditions")
        return condition(at(node, ast.BoolOp(node.op, values)))

    def visit_IfExp(self, node):
        test, *both = map(self.visit, (node.test, node.body, node.orelse))
        return self.either(both, lambda both: at(node, ast.IfExp(test, *both)))

    def either(self, both, make):
        """A choice between two values: a condition if both are conditions."""
        conditions = all(map(is_condition, both))
        return condition(make(both if conditions else list(map(self.number, both))), conditions)

    # Calls.

    def visit_Call(self, node):
        root = root_of(node.func)
        if root is None or root in self.local:
            self.refuse(node, "calls a method of an array, or a value, and a rule sees one element of an array")
        name, function = self.look_up(node.func)
        if name.root not in ("np", "numpy", "math"):
            self.outside.functions.append((name, function))
        known = CALLS.get(function) if function.__hash__ else None
        if known is None and not is_elementwise(function):
            return self.call_of_users(node, name, function)
        if known in functions.REDUCTIONS:
            return self.reduction(node, known)
        nin = function.nin if known is None else arguments_of(known)
        if node.keywords or len(node.args) != nin:
            self.refuse(node, f"must give {nin} argument{'s' * (nin > 1)}, without names")
        arguments = list(map(self.visit, node.args))
        if known is functions.where:
            test, *both = arguments
            return self.either(both, lambda both: self.call(node, known, test, *both))
        arguments = map(self.number, arguments)
        if known is not None:
            return self.call(node, known, *arguments)
        of_floats = [loop for loop in function.types if loop.startswith("d" * nin + "->")]
        if not of_floats:
            self.refuse(node, "works on whole numbers or bits")
        return condition(self.call(node, of_numbers_too(function), *arguments), of_floats[0].endswith("?"))

    def reduction(self, node, function):
        """A number made of all elements; reductions.py says where it may stand."""
        new = self.call(node, function, *[self.number(self.visit(argument)) for argument in node.args])
        new.keywords = node.keywords
        return new

    def call_of_users(self, node, name, function):
        """A call of a function from outside, which must be a formula of one result."""
        body, made = self.formula_of(node, function)
        try:
            given = inspect.signature(function).bind(*node.args, **{k.arg: k.value for k in node.keywords})
        except TypeError as error:
            self.refuse(node, f"does not fit {name.text}: {error}")
        defaults = {k: p.default for k, p in inspect.signature(function).parameters.items()}
        arguments = [
            self.number(self.visit(given.arguments[key])) if key in given.arguments else ast.Constant(default)
            for key, default in defaults.items()
        ]
        return self.call(node, made, *arguments, *map(self.need, body.needs))

    def formula_of(self, node, function):
        """The rewritten form of a function that this one calls; refused where it is no formula."""
        what = f"calls something that no kernel knows: {ast.unparse(node.func)} "
        if not inspect.isfunction(function):
            self.refuse(node, what + is_no_formula(function))
        if function not in self.outside.bodies:
            self.outside.bodies[function] = None
            try:
                self.outside.bodies[function] = helper(self.outside, function)
            except (TypeError, OSError) as error:
                self.refuse(node, what + f"is no formula itself: {error}")
        if self.outside.bodies[function] is None:
            self.refuse(node, what + "calls itself")
        return self.outside.bodies[function]


def helper(outside, function):
    """Rewrite a function that formulas call; return its Body and what it has become."""
    body = Body(outside, function)
    parameters = inspect.signature(function).parameters.values()
    for p in parameters:
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            raise TypeError(f"it takes any number of arguments, *{p.name}")
        if p.default is not p.empty and not is_number(p.default):
            raise TypeError(f"the default of {p.name} is {called(p.default)}")
    if len(body.results) != 1:
        raise TypeError("it must return one value")
    statements = body.statements()
    names = [*[p.name for p in parameters], *body.needs]
    arguments = ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])
    return body, body.define(arguments, statements)


def is_no_formula(function):
    """Say why something that is called has no place in a formula."""
    if changes(function):
        return (
            "gives another result each time, and a rule makes the same step of the same numbers; for noise let it take "
            "`normal`, as in def rule(x, dx, *, eta=0.1, normal)"
        )
    if isinstance(function, np.ufunc):
        return "is no elementwise ufunc of NumPy's own"
    return (
        "is no function of one element. Of all elements of the parameter there are norm(e), mean(e) and total(e), "
        "from minigrad.optimise.formulas"
    )


def changes(value):
    """Whether a module, or something out of one, is about chance, time or the machine."""
    if isinstance(value, ModuleType):
        name = value.__name__
    else:
        name = getattr(value, "__module__", None) or type(getattr(value, "__self__", None)).__module__
    first, *parts = str(name).split(".")
    return first in ("random", "time", "datetime", "secrets", "uuid", "os") or "random" in parts


# Nodes.


def at(place, node):
    """A new node, at the place of another."""
    return ast.copy_location(node, place)


def condition(node, is_one=True):
    """Mark a node as a condition."""
    node.is_condition = is_one
    return node


def is_condition(node):
    return getattr(node, "is_condition", False)


def root_of(node):
    """The first name of ``a.b.c``; None if a node is anything else."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def literal(node):
    """The number that stands there, or None."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):
        return None
    return value if type(value) in (int, float) and abs(value) < 1e400 else None


def arguments_of(function):
    """How many arguments a function of functions.py takes from users."""
    return sum(p.default is p.empty for p in inspect.signature(function).parameters.values())
