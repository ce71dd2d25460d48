"""The text of functions of ours that a program calls, so that it can stand by itself."""

import ast
import copy
import dis
import inspect
import sys
import textwrap
import types

import numpy as np

from ..core.table import possibly
from ..interrupts import alone


@alone
def text_of(functions):
    """Return the code of functions with all that they call, without decorators and docstrings, and what it imports.

    Parameters
    ----------
    functions : dict, name -> function

    Returns
    -------
    texts : list of str, each after those that it needs
    imports : list of str
    """
    collected = Collected()
    for name, function in functions.items():
        collected.add(name, function, sys.modules[function.__module__])
    return collected.texts, collected.imports


class Collected:
    """Texts of functions and constants, gathered with what they name."""

    def __init__(self):
        self.texts, self.imports, self.seen = [], [], set()

    def add(self, name, x, module):
        """Add ``x``, which is called ``name`` in ``module``, after what it names itself."""
        if name in self.seen or x is np:
            return
        self.seen.add(name)
        if isinstance(x, types.ModuleType):
            self.imports.append(f"import {x.__name__}" + (f" as {name}" if name != x.__name__ else ""))
        elif x is possibly:
            self.texts.append("def possibly(condition):\n    return condition")
        elif hasattr(x, "definition"):  # a formula that was rewritten, as its parsed text
            called = {each: x.__globals__[each] for each in names_in(x.__code__) if each in x.__globals__}
            for each in called.values():
                self.add(each.__name__, each, module)
            text = without_annotations(copy.deepcopy(x.definition))
            for node in ast.walk(text):
                if isinstance(node, ast.Name) and node.id in called:
                    node.id = called[node.id].__name__
            self.texts.append(ast.unparse(text))
        elif hasattr(x, "ufunc"):  # that makes Python's numbers of Python's
            self.texts.append(
                f"def {name}(*args):\n    result = np.{x.ufunc.__name__}(*args)\n"
                "    return result.item() if isinstance(result, np.generic) else result"
            )
        elif isinstance(x, types.FunctionType) and not inspect.unwrap(x).__closure__:
            x = inspect.unwrap(x)
            self.names(names_in(x.__code__), sys.modules[x.__module__])
            self.texts.append(bare(x, name))
        elif isinstance(x, type):
            text = textwrap.dedent(inspect.getsource(x))
            self.names([n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)], sys.modules[x.__module__])
            self.texts.append(text.rstrip())
        elif isinstance(x, (int, float, complex, str, tuple, type(None))):
            self.texts.append(f"{name} = {x!r}")
        else:  #  a function that another one has made
            node = assignment(name, module if name in vars(module) else sys.modules[x.__module__])
            self.names([n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)], module)
            self.texts.append(ast.unparse(node))

    def names(self, names, module):
        for name in names:
            if name in vars(module):
                self.add(name, vars(module)[name], home(vars(module)[name], module))


def home(x, module):
    """Return the module that a global of another one comes from."""
    found = sys.modules.get(getattr(x, "__module__", None))
    return found if isinstance(x, types.FunctionType) and found is not None else module


def names_in(code):
    """Return the global names that a function uses, those of the functions in it too."""
    found = [step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")]
    inner = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return list(dict.fromkeys([*found, *(name for c in inner for name in names_in(c))]))


def assignment(name, module):
    """Return the statement of a module that gives a name its value."""
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return node
    raise LookupError(f"{module.__name__} does not say what {name} is")


def bare(function, name):
    """Return the text of a function as it stands there, but for decorators, docstring and annotations."""
    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    tree = ast.parse("\n".join(lines)).body[0]
    if not isinstance(tree, ast.FunctionDef):
        raise LookupError(f"{name} has no text of its own")
    first = without_annotations(tree).body[0]
    begin = first.end_lineno if ast.get_docstring(tree, clean=False) is not None else first.lineno - 1
    if first.lineno == tree.lineno or not lines[begin:]:  # on the line of the def
        return ast.unparse(tree)
    tree.body = [ast.Pass()]
    return "\n".join([ast.unparse(tree).removesuffix("\n    pass"), *lines[begin:]]).rstrip()


def without_annotations(tree):
    """Return the parsed text of a function without decorators, and without the names that annotations need."""
    tree.decorator_list, tree.returns = [], None
    for argument in ast.walk(tree.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return tree
