"""The text of functions of ours that a program calls, so that it can stand by itself."""

import ast
import inspect
import textwrap
import types

import numpy as np

from ..core.table import possibly
from .wording import Wording


def text_of(functions):
    """Return the code of functions with all that they call, without decorators and docstrings, and what it imports.

    Parameters
    ----------
    functions : dict, name -> function of ours

    Returns
    -------
    texts : list of str
    imports : list of str
    """
    texts, imports, waiting, seen = [], [], list(functions.items()), set()
    for name, x in waiting:  # grows
        if name in seen:
            continue
        seen.add(name)
        if isinstance(x, types.ModuleType):
            imports.append(f"import {x.__name__}" + (f" as {name}" if name != x.__name__ else ""))
        elif x is possibly:
            texts.append("def possibly(condition):\n    return condition")
        elif isinstance(x, types.FunctionType):
            x = inspect.unwrap(x)
            texts.append(bare(x, name))
            waiting += globals_of(x)
        else:
            texts.append(f"{name} = {Wording(None, None).code(x)}")
    return texts[::-1], [line for line in imports if line != "import numpy as np"]


def bare(function, name):
    """Return the code of a function without decorators, docstring and annotations."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    tree.decorator_list, tree.name = [], name
    if ast.get_docstring(tree) is not None:
        del tree.body[0]
    return ast.unparse(tree)


def globals_of(function):
    """Return the (name, value) of the globals that a function names, but for NumPy."""
    codes, names = [function.__code__], []
    for code in codes:  # grows: functions in the function
        codes += [c for c in code.co_consts if isinstance(c, types.CodeType)]
        names += code.co_names
    found = {name: function.__globals__[name] for name in names if name in function.__globals__}
    return [(name, x) for name, x in found.items() if x is not np]
