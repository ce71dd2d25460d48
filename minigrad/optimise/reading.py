"""Formulas read: the text of a function, its arguments by role, its assignments, what it may call."""

import ast
import dis
import functools
import inspect
import math
import re
from typing import NamedTuple

import numpy as np

from ..interrupts import alone
from . import functions

# What a formula may call besides NumPy's ufuncs: what users write -> what it is here, and in kernels.
CALLS = {
    np.sqrt: functions.sqrt,
    math.sqrt: functions.sqrt,
    abs: functions.absolute,
    np.abs: functions.absolute,
    np.maximum: functions.maximum,
    np.minimum: functions.minimum,
    np.where: functions.where,
    np.sign: functions.sign,
    np.clip: functions.clip,
}
OWN = functions.abs2, functions.cbrt, functions.power, functions.mod, *functions.REDUCTIONS
CALLS |= {function: function for function in (*CALLS.values(), *OWN)}


# What a formula may ask for by an argument after the ``*``, an element each: the gradient as it came into the run
# of formulas that this one is in; a normal number, drawn for this step.
GIVEN = "gradient", "normal"


class Formula(NamedTuple):
    """A formula taken apart: its arguments by role, its assignments, what it returns."""

    function: object
    arrays: tuple  # names of the state kept per element
    numbers: tuple  # names of the state kept once per parameter
    hyper: tuple  # names of the hyperparameters
    lines: tuple  # pairs (name, expression)
    results: tuple  # expressions: the step, the arrays, the numbers, hyperparameters
    given: tuple  # names out of GIVEN that it asks for
    reductions: tuple = ()  # see reductions.py


@functools.lru_cache(maxsize=None)
def read(function):
    """Take a formula apart (see formulas.py for its form).

    Raises TypeError where the text is not of that form, saying which line; OSError where there is
    no text to read (a function typed into an old interactive prompt): such a formula still runs
    on whole arrays, through ``roles`` alone.
    """
    arrays, numbers, hyper = roles(function)
    definition = definition_of(function)
    lines, results = body_of(function, definition)
    if len(results) < 1 + len(arrays) + len(numbers):
        names = ", ".join(("the step",) + arrays + numbers)
        refuse(
            function,
            definition,
            f"must return {names}: the step first, then the state in the order of the arguments; what has a default, "
            "as eta=0.1, is a hyperparameter and no state",
        )
    return Formula(function, arrays, numbers, hyper, lines, results, given(function))


@functools.lru_cache(maxsize=None)
def roles(function):
    """Sort a formula's arguments: names of arrays, of numbers, of hyperparameters."""
    parameters = list(inspect.signature(function).parameters.values())
    name = function.__name__
    if [p.name for p in parameters[:2]] != ["x", "dx"]:
        raise TypeError(f"{name}: a rule's first two arguments are x and dx, the parameter and its gradient")
    arrays, numbers, hyper = [], [], []
    defaults = getattr(function, "hyperparameters", {})
    for p in parameters[2:]:
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            raise TypeError(f"{name}: a rule has no *{p.name}; name every state and hyperparameter")
        if is_given(p, defaults):
            continue
        if p.kind is p.KEYWORD_ONLY or p.default is not p.empty or p.name in defaults:
            hyper.append(p.name)
        elif p.annotation in (float, "float"):
            numbers.append(p.name)
        elif numbers:
            raise TypeError(f"{name}: {p.name}, kept for every element, must come before the numbers ({numbers[0]})")
        else:
            arrays.append(p.name)
    return tuple(arrays), tuple(numbers), tuple(hyper)


@functools.lru_cache(maxsize=None)
def given(function):
    """Return the names out of GIVEN that a formula asks for."""
    defaults = getattr(function, "hyperparameters", {})
    return tuple([name for name, p in inspect.signature(function).parameters.items() if is_given(p, defaults)])


def is_given(p, defaults):
    return p.name in GIVEN and p.kind is p.KEYWORD_ONLY and p.default is p.empty and p.name not in defaults


def body_of(function, definition):
    """Return the assignments of a formula's text, as pairs (name, expression), and what it returns."""
    lines, results = [], None
    for statement in definition.body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue  # the docstring
        if results is not None:
            refuse(function, statement, "stands after the return")
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and named(statement.targets[0]):
            lines.append((statement.targets[0].id, statement.value))
        elif isinstance(statement, ast.AugAssign) and named(statement.target):
            before = ast.copy_location(ast.Name(statement.target.id, ast.Load()), statement.target)
            changed = ast.copy_location(ast.BinOp(before, statement.op, statement.value), statement)
            lines.append((statement.target.id, changed))
        elif isinstance(statement, ast.Return) and statement.value is not None:
            value = statement.value
            results = tuple(value.elts) if isinstance(value, ast.Tuple) else (value,)
        else:
            refuse(function, statement, "is neither an assignment to a name nor the return")
    return tuple(lines), results or ()


@alone
def definition_of(function):
    """Return the parsed text of a function; OSError if there is none, or if it is another function's.

    A text is looked up by file and line, and where a file has changed since, or never was one, these
    lead astray; so what is found must compile to the function's own code.
    """
    if hasattr(function, "definition"):  # rewritten by outside.py
        return function.definition
    try:
        lines, begin = inspect.getsourcelines(function)
        inside = lines[0][:1].isspace()  # of a function or a class: left as it is, for strings may span lines
        (found,) = ast.parse(("if True:\n" if inside else "") + "".join(lines)).body
        definition = found.body[0] if inside else found
        definition.decorator_list = []
        own = code_of(definition, function.__code__.co_freevars)
    except (SyntaxError, ValueError, AttributeError, TypeError):
        raise OSError(f"the text of {function.__name__} cannot be read") from None
    if traits(own) != traits(function.__code__):
        raise OSError(f"the text found for {function.__name__} is not its own")
    return ast.increment_lineno(definition, begin - 1 - inside)


def code_of(definition, free):
    """Compile the definition of a function with these names around it; return its code."""
    around = ast.parse(f"def around({', '.join(free)}):\n    pass").body[0]
    around.body = [definition] if definition.name in free else [ast.Global([definition.name]), definition]
    code = compile(ast.fix_missing_locations(ast.Module([around], [])), "<formula>", "exec")
    for _ in range(2):
        (code,) = [constant for constant in code.co_consts if inspect.iscode(constant)]
    return code


def traits(code):
    """What two codes of one text have in common, wherever it stands."""
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return code.co_name, names, code.co_freevars, list(map(trait, filter(matters, dis.get_instructions(code))))


def matters(instruction):
    # How a method is called depends on whether the module imports what it belongs to.
    return instruction.opname not in ("PUSH_NULL", "PRECALL", "CACHE", "RESUME", "NOP", "EXTENDED_ARG")


def trait(instruction):
    name = instruction.opname.replace("LOAD_METHOD", "LOAD_ATTR").replace("CALL_METHOD", "CALL_FUNCTION")
    tells_nothing = instruction.opcode in (*dis.hasjrel, *dis.hasjabs) or inspect.iscode(instruction.argval)
    return name, None if tells_nothing else repr(instruction.argval)


def define(function, space, arguments, statements, place, name=None):
    """Return a function of new statements; tracebacks and debuggers show the lines of the one it was made of."""
    name = name or function.__name__
    new = ast.FunctionDef(name, arguments, statements, [], type_params=[])
    module = ast.Module([ast.fix_missing_locations(ast.copy_location(new, place))], [])
    names = {}
    exec(compile(module, function.__code__.co_filename, "exec"), space, names)
    made = names[name]
    made.__qualname__, made.__module__ = function.__qualname__, function.__module__
    made.__doc__, made.definition = function.__doc__, new
    return made


def named(node):
    return isinstance(node, ast.Name)


def is_elementwise(called):
    """Whether something is a ufunc of NumPy that makes one number of one or two."""
    return (
        isinstance(called, np.ufunc)
        and called.signature is None
        and called.nout == 1
        and getattr(np, called.__name__, None) is called
    )


@functools.lru_cache(maxsize=None)
def of_numbers_too(ufunc):
    """Return a ufunc that makes Python's numbers of Python's: NumPy's would widen a float32 array."""

    def call(*args):
        result = ufunc(*args)
        return result.item() if isinstance(result, np.generic) else result

    call.ufunc, call.__name__ = ufunc, f"{ufunc.__name__}_"
    return call


def refuse(function, node, why):
    line = re.sub(r"\b_\d+_(?=\w+\()", "", ast.unparse(node).splitlines()[0])  # as it was before it was rewritten
    known = sorted({called.__name__ for called in CALLS.values()} - {"power", "mod"})
    raise TypeError(
        f"rule {function.__name__}: `{line}` {why}. A rule is a list of assignments with one return, about one element "
        f"of the parameter; choose with where(condition, a, b) instead of if, and call {', '.join(known)}, ufuncs of "
        "NumPy, or functions of your own that are written in this way. What needs more is a class with a function "
        "registered on apply_"
    )
