"""Recording: from a call of a NumPy function to an entry on the tape.

Whatever is called on a Tensor, it goes one way (``call``): find the tape on which an argument is
recorded, run the function on the values one level down, and append an entry.  One level down is an
ndarray or, when gradients are nested, a Tensor of the next tape outwards, for which the same happens
again.

NumPy and Python's operators come here through the Tensor's own methods (``Asked``, at the end).  For the calls that
programs make most, ``fast`` puts a shorter way in their place; nothing is different but the time.
"""

import functools
import inspect
import operator

import numpy as np

from .errors import MinigradError, NoDerivativeError, told, user_line
from .storage import Storage
from .table import COMPOSITIONS, CONSTANTS, METHODS, REFUSED, ROUNDED, ROWS, VECTORIZED, forms, late_rows, name_of
from .tape import place
from .tensor import Asked, Foreign, Tensor, as_tensor, blank, lower, new_tensor, on
from .tensor import refuse_if_recorded, tape_of, tensors_in
from .trees import at_leaves, ATOMS, frozen, leaves, like, rebuild

signature_of = functools.cache(inspect.signature)
signature_without_first = functools.cache(lambda f: inspect.signature(functools.partial(f, None)))
UNCHANGING = ATOMS - {np.ndarray}  # types of what nobody can write into
OPERANDS = Storage, np.ndarray, np.generic, int, float, complex


# ------------------------------------------------------------------------------------- recording it
def call(function, args, kwargs):
    """Run a function that has a row in the table, on arguments some of which are Tensors."""
    tensors = tensors_in((args, kwargs) if kwargs else args)
    tape = tape_of(tensors)
    if tape is None:
        return as_tensors(function(*lower(args, None), **(kwargs and lower(kwargs, None))))
    row = ROWS[function]
    try:
        given = row.bind(*args, **kwargs)  # the arguments in the order of the row
    except TypeError as error:
        return call_simpler(function, inspect.signature(row.bind), args, kwargs, error)
    for t in tensors:
        if t.tape is not tape and t.tape is not None and t.tape.tape is tape:  # a whole number, which knows more
            return t.tape.call(function, row, given, args, kwargs)
    args, kwargs = lower(args, tape), kwargs and lower(kwargs, tape)
    y = function(*args, **kwargs)
    return record(tape, y, tuple(edges_of(row, tape, given, row.bind(*args, **kwargs), y)))


def kept_arguments(row, given, values):
    """Return the values of a call's arguments as edges keep them: what is no operand is copied if it can change."""
    if UNCHANGING.issuperset(map(type, given)):
        return values
    values = list(values)
    for position, value in enumerate(values):
        if position in row.copied:
            values[position] = frozen(value)
        elif type(value) in (list, tuple) and position in row.edges and not tensors_in(given[position]):
            values[position] = np.asarray(value)  # numbers in lists: the vjps are written for arrays
    return values


def call_simpler(function, signature, args, kwargs, error):
    """Call a function again in the form that the table takes, after ``error`` told that this is another one."""
    name = name_of(function)
    args, kwargs = without_labels(args, kwargs, None)
    simpler = forms.simplified(function, name, signature, args, kwargs)
    if len(simpler[0]) == len(args) and simpler[1].keys() == kwargs.keys():
        raise NoDerivativeError(
            f"{name} ({user_line()}): a call of this form ({error}) has no derivative here; while a gradient is "
            f"taken it can be called with {', '.join(signature.parameters)}."
        ) from None
    return dispatch(function, *simpler)


def edges_of(row, tape, given, values, y):
    """Return one edge for each recorded argument (``given`` as called, ``values`` one level down)."""
    edges, values = [], kept_arguments(row, given, values)
    for position, argument in enumerate(given):
        if type(argument) is Tensor:
            argument = (argument,)
        elif not isinstance(argument, (list, tuple)):
            continue
        elif position in row.edges and position not in row.sequences:
            what = f"{row.name}: a list of Tensors in the place of one array"
            refuse_if_recorded(argument, what, "minigrad.array([t, u])")
        kept = None
        for k, t in enumerate(argument):
            alias = on(tape, t) if type(t) is Tensor else None
            if alias is None:
                continue
            if position in row.edges:
                vjp, keep = row.edges[position]
                kept = keep(k, y, *values) if kept is None else (k, *kept[1:])
                edges.append(fitted(alias, vjp, kept))
            elif alias.dtype.kind in "fc":
                raise NoDerivativeError(
                    f"{row.name} ({user_line()}): there is no derivative with respect to "
                    f"{row.parameters[position]!r}. Pass a plain array or number there, or "
                    "minigrad.dropgrad(...) if its gradient does not matter."
                )
    return edges


def fitted(alias, vjp, values):
    """Return the edge to ``alias`` whose gradient is brought to its shape and dtype."""
    return alias.slot, fit, vjp, values, alias._value.shape, alias._value.dtype


def fit(g, vjp, values, shape, dtype):
    """The vjp followed by broadcasting undone and the dtype of the argument restored."""
    h = vjp(g, *values)
    if h is None:
        return None
    if h.shape != shape:
        h = unbroadcast(h, shape)
    if h.dtype != dtype and dtype.kind in "fc":
        if dtype.kind == "f" and h.dtype.kind == "c":
            h = h.real  # a real argument moves along the real axis only
        h = h.astype(dtype)
    return h


def unbroadcast(g, shape):
    """Sum ``g`` over the axes along which an array of ``shape`` was broadcast; or broadcast a smaller g."""
    extra, add = g.ndim - len(shape), np.sum if type(g) is Tensor else np.add.reduce  # which is quicker
    if extra > 0 and g.shape[extra:] == shape:  # added to every row, or a number to all: the commonest cases
        return add(g, axis=0 if extra == 1 else tuple(range(extra)))
    if extra < 0:
        return np.broadcast_to(g, shape)
    stretched = [i for i, n in enumerate(shape, extra) if n == 1 and g.shape[i] != 1]
    kept = [1 if n == 1 else m for m, n in zip(g.shape[extra:], shape)]
    if extra or stretched:
        g = np.reshape(add(g, axis=(*range(extra), *stretched)), kept)
    return np.broadcast_to(g, shape) if 1 in kept and tuple(kept) != shape else g


def record(tape, y, edges):
    """Append the entry of a value (or of a tuple of values) and return it as recorded Tensors."""
    if not isinstance(y, (tuple, list)):
        return append(tape, y, edges)
    slot, n = tape.add(*edges), len(y)
    return like(y, [new_tensor(part, tape, tape.add((slot, place, k, n))) for k, part in enumerate(y)])


def append(tape, y, edges):
    """Append the entry of one array and return it as a recorded Tensor."""
    entries = tape.entries
    t = blank(Tensor)
    t._value, t.tape, t.slot = y, tape, len(entries)
    entries.append(edges)
    return t


def as_tensors(y):
    """Return the result of a function that nothing records: arrays get their thin skin."""
    return at_leaves(as_tensor, y) if isinstance(y, (tuple, list)) else as_tensor(y)


# --------------------------------------------------------------------------------- what is not recorded
def dispatch(function, args, kwargs):
    """Send a function of NumPy the way that the table says."""
    targets = forms.overwritten(function, args, kwargs)
    if targets and (function in CONSTANTS or tape_of(tensors_in((args, kwargs))) is None):
        return overwrite(function, name_of(function), targets, args, kwargs)  # else the row refuses it
    if function in ROWS:
        return call(function, args, kwargs)
    if function in COMPOSITIONS:
        return compose(function, args, kwargs)
    if function not in CONSTANTS:
        if late_rows():
            return dispatch(function, args, kwargs)
        if isinstance(function, np.ufunc) and function.__name__ == "clip":  # what a.clip(t, u) calls
            return dispatch(np.clip, args, kwargs)
        if tape_of(tensors_in((args, kwargs))) is not None:
            reason = REFUSED.get(function, "the table of derivatives has no row for it")
            if getattr(function, "__name__", "").endswith(VECTORIZED):
                reason = (
                    "it calls Python with one plain number after the other. Call the function on the whole Tensor, "
                    "with NumPy's functions in it, or write minigrad.array([f(x) for x in t])"
                )
            raise NoDerivativeError(
                f"{name_of(function)} ({user_line()}): {reason}. minigrad.supported() lists what there is; "
                "give it a derivative of your own with @minigrad.adjoint, or call it on minigrad.dropgrad(t) "
                "to treat t as a constant."
            )
    return as_tensors(function(*lower(args, None), **lower(kwargs, None)))


def compose(function, args, kwargs):
    """Run a function that is made of others: by its definition where a Tensor is recorded."""
    tape = tape_of(tensors_in((args, kwargs)))
    if tape is None:
        return as_tensors(function(*lower(args, None), **lower(kwargs, None)))
    args, kwargs = without_labels(args, kwargs, tape)
    definition = COMPOSITIONS[function]
    signature = signature_of(definition)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        return call_simpler(function, signature, args, kwargs, error)
    try:
        y = definition(*args, **kwargs)
        return valued(y, function(*lower(args, tape), **lower(kwargs, tape))) if function in ROUNDED else y
    except MinigradError:
        raise
    except Exception:
        function(*lower(args, None), **lower(kwargs, None))  # what NumPy refuses too, it explains better
        raise


def without_labels(args, kwargs, tape):
    """Return the arguments of a call with tables as arrays."""
    return at_leaves(lambda x: x if type(x) in ATOMS else Foreign.plain(x, tape), (args, kwargs))


def valued(y, values):
    """Return recorded Tensors with other values, which differ in rounding only."""

    def with_value(t, value):
        return new_tensor(value, t.tape, t.slot) if type(t) is Tensor else value

    return rebuild(y, map(with_value, leaves(y), leaves(values)))


def call_method(ufunc, method, inputs, kwargs):
    """Run a method of a ufunc (``np.add.reduce``): by its definition where a Tensor is recorded."""
    if ufunc in CONSTANTS or tape_of(tensors_in((inputs, kwargs))) is None:
        if method == "at":
            return overwrite(ufunc.at, f"{name_of(ufunc)}.at", inputs[:1], inputs, kwargs)
        return as_tensors(getattr(ufunc, method)(*lower(inputs, None), **lower(kwargs, None)))
    name = name_of(ufunc) + ("" if method == "__call__" else f".{method}")
    if method not in METHODS:
        there_are = ", ".join(list(METHODS)[1:])
        raise NoDerivativeError(f"{name} has no derivative here; of the methods of ufuncs {there_are} have.")
    definition = functools.partial(METHODS[method], ufunc)
    inputs, kwargs = forms.simplified(definition, name, signature_without_first(METHODS[method]), inputs, kwargs)
    return definition(*inputs, **kwargs)


def overwrite(function, name, targets, args, kwargs):
    """Run a call that overwrites arguments: as it is outside of a gradient; inside, constants by constants only."""
    for target in targets:
        if isinstance(target, Tensor):
            target.to_fill(f"{name}(..., out=t), or whatever else makes it write into a Tensor,")
    what = f"{name}(..., out=a), or a += t with an array a,"
    refuse_if_recorded((args, kwargs), what, "a = a + t, which makes a new Tensor")
    y = function(*lower(args, None), **lower(kwargs, None))
    given = {id(lower(target, None)): target for target in targets}
    found = [given.get(id(part), as_tensors(part)) for part in (y if isinstance(y, tuple) else (y,))]
    return like(y, found) if isinstance(y, tuple) else found[0]


def call_unless_foreign(function, *args):
    """``call``, unless an argument is of a type with its own idea of arrays: that one decides."""
    if not ATOMS.issuperset(map(type, args)) and Foreign.decides(args):
        return NotImplemented
    operands = [x if isinstance(x, OPERANDS) else np.asarray(x) for x in args]
    if any([x.dtype.kind not in "fciub" for x, given in zip(operands, args) if x is not given]):
        return NotImplemented  # fractions, decimals, strings, ...: perhaps they know what to do
    try:
        return call(function, operands, {})
    except ValueError as error:
        told.unfit(error, function, operands)
        raise


# ----------------------------------------------------------------------------- what NumPy and Python ask
def answer_ufunc(ufunc, method, inputs, kwargs):
    """``Tensor.__array_ufunc__``: NumPy calls it in the place of a ufunc, or of a method of one."""
    if method == "__call__" and not kwargs and ufunc in ROWS:
        return call_unless_foreign(ufunc, *inputs)
    if Foreign.decides(inputs):
        return NotImplemented
    targets = [target for target in kwargs.get("out", ()) if target is not None]
    if targets:
        return overwrite(getattr(ufunc, method), name_of(ufunc), targets, inputs, kwargs)
    if method == "__call__" and (ufunc.signature is not None or not kwargs):
        return dispatch(ufunc, inputs, kwargs)
    return call_method(ufunc, method, inputs, kwargs)


def answer_function(function, types, args, kwargs):
    """``Tensor.__array_function__``: NumPy calls it in the place of any other function."""
    if not ATOMS.issuperset(types) and not all(
        issubclass(t, (Tensor, np.ndarray)) or getattr(t, "stands_in", False) for t in types
    ):
        return NotImplemented
    return dispatch(function, args, kwargs)


Asked.ufunc, Asked.function = answer_ufunc, answer_function
Asked.item = lambda t, index: dispatch(operator.getitem, (t, index), {})
