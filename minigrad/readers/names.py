"""What the user calls things: names for parameters, arguments, captured arrays and layers."""

import builtins
import functools
import inspect
import itertools
import keyword
import operator
import re
import sys
import types

import numpy as np

from ..core.params import Params
from ..core.storage import Storage
from ..core.table import name_of
from ..core.trees import named_children, places
from ..derivatives import WHOLE

PACKAGE_NAME = __name__.partition(".")[0]
UFUNC_OF = {
    **{operator.add: np.add, operator.sub: np.subtract, operator.mul: np.multiply},
    **{operator.truediv: np.divide, operator.pow: np.power},
}
LEAF_TYPES = (str, bytes, int, float, complex, np.ndarray, np.generic, Storage, type, types.ModuleType, type(None))


def variables_of(f, depth=3):
    """Return what a function can see: a list of (name, value), its own variables before those of functions it calls."""
    found, waiting, seen = {}, [(f, depth)], set()
    for f, depth in waiting:  # grows while it is walked
        if isinstance(f, types.MethodType):
            found.setdefault("self", f.__self__)
            f = f.__func__
        if isinstance(f, functools.partial):
            waiting += [(x, depth) for x in functions_behind(f)]
            found |= {key: x for key, x in f.keywords.items() if key not in found}
            continue
        f = inspect.unwrap(f) if callable(f) else f
        code = getattr(f, "__code__", None)
        if code is None:
            call = vars(type(f)).get("__call__")
            if isinstance(call, types.FunctionType) and not isinstance(f, type):
                found.setdefault(getattr(f, "__name__", type(f).__name__.lower()), f)
                waiting.append((call, depth))
            continue
        home = home_of(f)
        if id(code) in seen or not depth or home == "numpy" or home in sys.stdlib_module_names:
            continue
        seen.add(id(code))
        if home == PACKAGE_NAME:  # of ours only what it was given: the user's loss inside of train_
            inside = [cell.cell_contents for cell in f.__closure__ or ()]
            waiting += [(x, depth) for x in inside if isinstance(x, types.FunctionType)]
            continue
        for name, value in named_in(f, code):
            found.setdefault(name, value)
            waiting += [(x, depth - 1) for x in functions_behind(value)]
            cls = value if isinstance(value, type) else type(value)
            if home_of(cls) == home_of(f):
                found |= {f"{cls.__name__}.{key}": x for key, x in vars(cls).items() if isinstance(x, np.ndarray)}
    return list(found.items())


def home_of(x):
    """Return the package in which a function or a class is defined."""
    return (x.__module__ or "").partition(".")[0]


def functions_behind(x):
    """Return what may be called through a variable: itself, what it holds, the methods of its class."""
    if isinstance(x, functools.partial):
        return [x.func, *filter(callable, (*x.args, *x.keywords.values()))]
    if isinstance(x, (dict, list, tuple)):
        return [y for y in (x.values() if isinstance(x, dict) else x) if inspect.isroutine(y)]
    if inspect.isroutine(x) or isinstance(x, np.ufunc):
        return [x]
    methods = vars(x if isinstance(x, type) else type(x)).values()
    return [x] * callable(x) + [y for y in methods if isinstance(y, types.FunctionType)]


def named_in(f, code):
    """Yield (name, value) of the closure, the globals and the defaults of a function."""
    for name, cell in zip(code.co_freevars, f.__closure__ or ()):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not bound yet
            pass
    codes = [code]
    for inner in codes:  # grows: functions in the function
        codes += [c for c in inner.co_consts if isinstance(c, types.CodeType)]
        for name in inner.co_names:
            if name in f.__globals__:
                yield name, f.__globals__[name]
    yield from zip(code.co_varnames[code.co_argcount - len(f.__defaults__ or ()) :], f.__defaults__ or ())


def visible_from(variables):
    """Return a list of (place, object): variables and all that they hold, ``W`` or ``model.layers[0].W``; each once."""
    found, waiting = {}, list(variables)
    for name, x in waiting:  # grows: breadth first, so that the shortest name is found
        if id(x) in found:
            continue
        found[id(x)] = name, x
        if is_object(x) and len(found) < 20_000 and not isinstance(x, (Params, set, frozenset)):
            waiting += named_children(name, x)
    return list(found.values())


def is_object(x):
    """Say whether ``x`` may hold arrays."""
    return not isinstance(x, LEAF_TYPES) and not inspect.isroutine(x)


def places_in(visible):
    """Return two dicts, id of a Tensor or array and id of an object -> its place."""
    arrays = {id(x): name for name, x in visible if isinstance(x, (Storage, np.ndarray))}
    return arrays, {id(x): name for name, x in visible if is_object(x)}


def names_of_arguments(f, args):
    """Return the name of each leaf of the arguments that ``f`` is called with.

    >>> names_of_arguments(lambda x, W: 0, (1.0, {"a": 2.0}))
    ['x', "W['a']"]
    """
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # of many ufuncs and built-in functions Python does not know it
        parameters = []
    found = []
    for k in range(len(args)):
        many = parameters and parameters[-1].kind is inspect.Parameter.VAR_POSITIONAL and k >= len(parameters) - 1
        if many:
            found.append(f"{parameters[-1].name}[{k - len(parameters) + 1}]")
        elif k < len(parameters):
            found.append(parameters[k].name)
        else:
            found.append("x" if len(args) == 1 else f"x{k + 1}")
    return [place for name, x in zip(found, args) for place in places(x, name)]


def public_name(function):
    """Return what a user calls a function of the table: ``np.exp``; one of ours by its bare name.

    >>> public_name(np.exp), public_name(WHOLE[np.sum]), public_name(public_name)
    ('np.exp', 'np.sum', 'public_name')
    """
    if function in UFUNC_OF:
        return public_name(UFUNC_OF[function])
    for numpys, ours in WHOLE.items():
        if ours is function:
            return public_name(numpys)
    name = name_of(function)
    return name.rpartition(".")[2] if name.startswith(PACKAGE_NAME) else name


def without_root(places):
    """Return the places of parameters in one model without the model's own name.

    >>> without_root(["model.layers[0].W", "model.layers[0].b"]), without_root(["W", "model.b"])
    (['layers[0].W', 'layers[0].b'], ['W', 'model.b'])
    """
    roots = {re.split(r"[.\[]", place)[0] for place in places}
    if len(roots) != 1 or not roots.isdisjoint(places):
        return places
    return [re.split(r"[.\[]", place, maxsplit=1)[1].strip("[]'\"") for place in places]


class Names:
    """Hands out names for texts: identifiers, each once.

    >>> names = Names()
    >>> [names.take(wish) for wish in ("W", "layers[0].W", "W", "W", "lambda", "np")]
    ['W', 'layers_0_W', 'W_2', 'W_3', 'lambda_', 'np_']
    """

    def __init__(self, taken=()):
        self.taken = set(taken)
        self.reserved = {"np", "loss", "loss_and_gradients", "training_step", *keyword.kwlist, *dir(builtins)}

    def take(self, wish):
        name = re.sub(r"\W+", "_", wish).strip("_") or "x"
        name = f"x{name}" if name[0].isdigit() else name
        name += "_" * (name in self.reserved)
        numbered = (f"{name}_{k}" for k in itertools.count(2))
        name = name if name not in self.taken else next(other for other in numbered if other not in self.taken)
        self.taken.add(name)
        return name
