"""Other forms of a call: keywords that a row or a definition does not take.

A row names the arguments that matter to its derivative.  NumPy's functions take more: ``np.sum(a, 0,
np.float32)``, ``np.add(a, b, dtype=float)``, ``np.std(a, correction=1)``.  ``simplified`` brings such
a call to the form of the table: arguments are named, those left at None or without influence on the
numbers are dropped, ``dtype=`` becomes a cast of what is computed with.  Everything else is refused, with what
to write in its place.
"""

import functools
import inspect

import numpy as np

from ..core.errors import NoDerivativeError, user_line
from ..core.storage import Storage
from ..core.table import forms, primitive, row, transparent
from ..core.trees import at_leaves, leaves

HARMLESS = {"subok", "order", "kind", "like"}  # of memory and speed, not of numbers
INSTEAD = {
    "out": "Write y = f(...): a new array is made, and nothing that the tape still needs is overwritten",
    "overwrite_input": "Leave it out: it would overwrite the argument, which the tape may still need",
    "copy": "Leave it out: it would overwrite the argument, which the tape may still need",
    "where": "Write np.where(mask, f(...), otherwise): what f leaves out is undefined memory",
    "dtype": "Cast the argument: f(t.astype(dtype))",
    "casting": "Cast the argument: f(t.astype(dtype))",
    "signature": "Cast the arguments: f(t.astype(dtype))",
    "weights": "Whole weights can repeat the elements: f(np.repeat(a, weights))",
    "initial": "Join it to the array: np.append(a, initial)",
}
PYTHON = (int, float, complex)
LEAVE = "Leave it out, or call the function on minigrad.dropgrad(t) if its gradient does not matter"


def as_array(x):
    """Return a list or number as an array, a list of Tensors joined to one, and leave a Tensor alone."""
    if hasattr(x, "ndim"):
        return x
    return np.stack([as_array(part) for part in x]) if holds_tensors(x) else np.asarray(x)


def holds_tensors(x):
    return any(isinstance(leaf, Storage) for leaf in leaves(x))


def is_whole(dtype):
    return np.dtype(dtype).kind in "iu"


def astype(x, dtype):
    """Return ``x`` in another dtype, as ``x.astype(dtype)``; its gradient is cast back.

    >>> astype(np.ones(2), np.float32).dtype
    dtype('float32')
    """
    return (recast if is_whole(dtype) and is_whole(x.dtype) else cast)(x, dtype)


def floating(x):
    """Return whole numbers in floating point, and other arrays as they are."""
    return x if x.dtype.kind in "fc" else x.astype(float)


@transparent
@primitive
def cast(x, dtype):
    return x.astype(dtype)


@transparent
@primitive
def recast(x, dtype):
    """Return whole numbers as whole numbers of another size; what they are exactly does not change."""
    return x.astype(dtype) if is_whole(x.dtype) else x


def cast_vjp(g, dtype):
    return g if np.dtype(dtype).kind in "fc" else None  # a step function on the way to whole numbers


row(cast, cast_vjp, signature="x, dtype")
row(recast, lambda g: g, signature="x, dtype")


def parameters_of(function):
    """Return a function's parameters as NumPy documents them, {} where Python does not know them."""
    try:
        return inspect.signature(function).parameters
    except ValueError:
        return {}


OVERWRITES_IF = {"overwrite_input": True, "copy": False}  # the argument that comes first
WRITERS = {np.copyto, np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask}  # always into the first one
OUT_OF_C = {np.concatenate: 2, np.dot: 2}  # where ``out`` stands, in versions of NumPy where these do not tell


@functools.cache
def writing(function):
    """Return how a function is told to write into an argument: {name of a parameter: its position}, and the first."""
    if function in OUT_OF_C:
        places = {"out": OUT_OF_C[function]}
    else:
        names = {"out", "overwrite_input"} | ({"copy"} if function is np.nan_to_num else set())
        theirs = parameters_of(function).values()
        places = {p.name: 99 if p.kind is p.KEYWORD_ONLY else i for i, p in enumerate(theirs) if p.name in names}
    return places, -1 if function in WRITERS else min(places.values(), default=99)


def overwritten(function, args, kwargs):
    """Return the arguments that a call overwrites: ``out``, ``a`` under ``overwrite_input=True``, the first of np.put.

    >>> overwritten(np.round, (1.5, 0, "here"), {}), overwritten(np.median, ("a",), {"overwrite_input": True})
    (['here'], ['a'])
    """
    places, first = writing(function)
    if len(args) <= first and places.keys().isdisjoint(kwargs):
        return ()  # as a rule
    targets = list(args[:1]) if function in WRITERS else []
    for name, position in places.items():
        value = args[position] if position < len(args) else kwargs.get(name)
        if name == "out":
            targets += value if isinstance(value, tuple) else [value]
        elif value is not None and bool(value) is OVERWRITES_IF[name]:
            targets += args[:1] or [kwargs.get("a", kwargs.get("x"))]
    return [target for target in targets if target is not None]


def simplified(function, name, signature, args, kwargs):
    """Return the same call with no other arguments than those of ``signature``.

    Parameters
    ----------
    function, name : the function, and its name as a user writes it
    signature : inspect.Signature of the row or the definition
    args, kwargs : as called

    Returns
    -------
    args, kwargs : of the simpler call

    Raises NoDerivativeError, naming the first argument that cannot be left out.

    >>> def f(a, axis=None): ...
    >>> def simpler(a, axis=None, dtype=None, out=None): ...
    >>> simplified(simpler, "f", inspect.signature(f), (np.ones(2), 0, np.float32, None), {})
    ((array([1., 1.], dtype=float32), 0), {})
    """
    takes, theirs = signature.parameters, parameters_of(function)
    variadic = any(p.kind is p.VAR_POSITIONAL for p in takes.values())
    if not variadic:
        n = sum(p.kind is not p.KEYWORD_ONLY for p in takes.values())
        kwargs = {**dict(zip(list(theirs)[n:], args[n:])), **kwargs}
        args = args[:n]
    others = {key: value for key, value in kwargs.items() if key not in takes and value is not None}
    if "dtype" in others:
        dtype, casting = others.pop("dtype"), others.pop("casting", "same_kind")
        numbers = len(args) if variadic else 1
        args = (*in_dtype(args[:numbers], dtype, casting, name), *args[numbers:])
    for key, value in others.items():
        without = theirs[key].default if key in theirs else True  # where=True
        if key not in HARMLESS and value is not without:
            raise NoDerivativeError(
                f"{name} ({user_line()}): the argument {key}= has no derivative here. {INSTEAD.get(key, LEAVE)}. "
                f"While a gradient is taken it can be called with {', '.join(takes)}."
            )
    return args, {key: value for key, value in kwargs.items() if key in takes}


def in_dtype(x, dtype, casting, name):
    """Return ``x``, or each array in the sequence ``x``, cast to ``dtype`` before anything is computed."""
    if isinstance(x, (list, tuple)):
        return at_leaves(lambda part: in_dtype(part, dtype, casting, name), x)
    if not hasattr(x, "dtype"):
        return x
    if np.dtype(dtype).kind not in "fc":
        raise NoDerivativeError(
            f"{name} ({user_line()}): dtype={np.dtype(dtype).name} makes whole numbers, which move in steps and have "
            "no derivative. Leave dtype= out, or call it on minigrad.dropgrad(t)."
        )
    if not np.can_cast(x.dtype, dtype, casting):
        raise TypeError(
            f"{name}: {x.dtype} cannot be cast to {np.dtype(dtype)} with casting={casting!r}; write "
            "t.astype(dtype), or t.real for the real part."
        )
    return astype(x, dtype)


def in_loop_of(ufunc, inputs, dtype, casting):
    """Return the inputs of a ufunc in the dtypes with which NumPy would compute for ``dtype=``."""
    inputs = [x if hasattr(x, "dtype") or type(x) in PYTHON else np.asarray(x) for x in inputs]
    kinds = [type(x) if type(x) in PYTHON else x.dtype for x in inputs]
    asked = (*[None] * ufunc.nin, *[np.dtype(dtype)] * ufunc.nout)
    loop = ufunc.resolve_dtypes((*kinds, *[None] * ufunc.nout), signature=asked, casting=casting)
    return [astype(x, to) if hasattr(x, "dtype") and x.dtype != to else x for x, to in zip(inputs, loop)]


forms.simplified, forms.overwritten = staticmethod(simplified), staticmethod(overwritten)
