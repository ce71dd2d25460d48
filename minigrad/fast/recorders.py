"""Recorders: the short way from a call on a Tensor to an entry on the tape.

``recording.call`` can record every row of the table.  For the calls that programs make most, of one array
(``np.sin(t)``) or of two (``t * u``), a *recorder* does the same with nothing left to look up: a function
written out for the row, as text, and compiled when the row is first met.  The texts are ONE and TWO below.
They show what recording an operation takes: find the tape, compute, keep what the vjps need, append the
entry.  What is not so simple they leave to ``recording``.

Why texts: closures would call a function for what each edge keeps, and lose 4 to 9 % of an operation on a few numbers.
In the texts arguments are called ``_0``, ``_1``, ... whatever their names in the row, so no name can clash with others.

At the end ``install`` puts them in the place of the Tensor's own operators and protocols; ``remove`` takes them away,
and everything works as before, three times slower.
"""

import functools
import linecache
import operator
from string import Template

import numpy as np
from numpy import ndarray

from ..core.errors import told  # noqa: F401  (the texts use them)
from ..core.recording import answer_function, answer_ufunc, append, call, call_unless_foreign, fitted, record
from ..core.table import ROWS, layout_of, shape_of  # noqa: F401  (the texts use them)
from ..core.tape import innermost_tape
from ..core.tensor import SCALARS, Tensor, below, lower, on  # noqa: F401  (the texts use them)
from ..core.trees import frozen
from ..derivatives import WHOLE, getitem
from ..doors import explain, shorten

OBJECTS = np.dtype(object)
PYTHON_NUMBERS = frozenset({float, int})
SIMPLE_CONSTANTS = PYTHON_NUMBERS | {np.ndarray, np.float64, np.float32}
SIMPLE = SIMPLE_CONSTANTS | {Tensor}
PRODUCTS = frozenset({np.dot, np.inner, np.outer, np.vdot})
INTEGERS = frozenset({int, np.int64, type(None)})
INDICES = frozenset({int, slice})
VECTORS_AND_MATRICES = frozenset({(1, 1), (1, 2), (2, 1), (2, 2)})


# --------------------------------------------------------------------------------------- the two texts
# _0 and _1 are the arguments, then their values; $kept_a lists what the vjp of _0 needs, and $exact asks whether the
# gradients are sure to have the shapes and dtypes of the arguments (else they are fitted).  Each text is run twice: for
# the innermost tape, and for the one around it, where a gradient of a gradient computes what the first one records.

ONE = """
def record_one(tensor):
    tape = this_tape()
    if tape is not None:
        if tensor.tape is not tape:
            tensor = tape.leaves.get(id(tensor), tensor)
        if tensor.tape is tape:
            _0 = tensor._value
            y = $compute
            edges = ($edge_a,)
            $append
            return new
        if tape.outer is not None:
            return otherwise_one(tensor)
    return call(function, (tensor,), {})
"""

TWO = """
def record_two(self, _1):
    tape = this_tape()
    if tape is None:
        return call_unless_foreign(function, self, _1)
    of_a = self if self.tape is tape else tape.leaves.get(id(self))
    kind = type(_1)
    if kind in SIMPLE_CONSTANTS and of_a is not None:
        _0 = of_a._value
        try:
            y = compute(_0, _1)
        except Exception as error:
            lower(_1, tape)  # refuses objects
            told.unfit(error, function, (_0, _1))
            raise
        if kind in PYTHON_NUMBERS or $exact:
            edges = ((of_a.slot, vjp_a, $kept_a),)
        else:
            if getattr(_1, "dtype", None) is OBJECTS:
                lower(_1, tape)
            edges = (fitted(of_a, vjp_a, ($kept_a)),)
    elif kind is Tensor:
        of_b = _1 if _1.tape is tape else tape.leaves.get(id(_1))
        if of_a is None or of_b is None:
            return record_with_constant(self, _1, of_a, of_b, tape)
        _0 = of_a._value
        _1 = of_b._value
        try:
            y = compute(_0, _1)
        except Exception as error:
            told.unfit(error, function, (_0, _1))
            raise
        if $exact:
            edges = (of_a.slot, vjp_a, $kept_a), (of_b.slot, vjp_b, $kept_b)
        else:
            edges = fitted(of_a, vjp_a, ($kept_a)), fitted(of_b, vjp_b, ($kept_b))
    else:
        return otherwise_two(self, _1)
    $append
    return new

def record_reflected(self, _0):
    tape = this_tape()
    kind = type(_0)
    of_b = None
    if tape is not None and kind in SIMPLE_CONSTANTS:
        of_b = self if self.tape is tape else tape.leaves.get(id(self))
    if of_b is None:
        return otherwise_reflected(self, _0)
    _1 = of_b._value
    try:
        y = compute(_0, _1)
    except Exception as error:
        lower(_0, tape)
        told.unfit(error, function, (_0, _1))
        raise
    if kind in PYTHON_NUMBERS or $exact:
        edges = ((of_b.slot, vjp_b, $kept_b),)
    else:
        if getattr(_0, "dtype", None) is OBJECTS:
            lower(_0, tape)
        edges = (fitted(of_b, vjp_b, ($kept_b)),)
    $append
    return new

def record_with_constant(self, other, of_a, of_b, tape):
    if of_a is not None and is_constant(other, tape):
        return record_two(self, other._value)
    if of_b is not None and is_constant(self, tape):
        return record_reflected(other, self._value)
    return otherwise_two(self, other) if of_a is of_b is None else call_unless_foreign(function, self, other)
"""

APPEND = "new = make(Tensor); new._value = y; new.tape = tape; new.slot = len(tape.entries); tape.entries.append(edges)"
SAME_SHAPE = "_0.dtype is _1.dtype and _0.shape == _1.shape"
NO_STACK = "_0.dtype is _1.dtype and (_0.ndim, _1.ndim) in VECTORS_AND_MATRICES"


def written(text, function, blanks, **names):
    """Return the functions that a text defines for a function of the table, as a dictionary.

    ``blanks`` are texts, for ``$exact`` and the like; ``names`` is what the text can name besides.
    """
    row, blanks = ROWS[function], {"append": APPEND, **blanks}
    for name, (position, kept) in zip("ab", row.kept.items()):
        blanks[f"kept_{name}"], names[f"vjp_{name}"] = kept, row.edges[position][0]
    while "$" in text:
        text = Template(text).substitute(blanks)
    file = f"{__file__}:{row.name}"
    linecache.cache[file] = len(text), None, text.splitlines(True), file  # tracebacks show the text
    names = {**globals(), **names, "function": function, "make": object.__new__}
    code, made = compile(text, file, "exec"), {}
    for tape in tape_around, innermost_tape:
        farther = {
            "otherwise_one": made.get("record_one", lambda a: call(function, (a,), {})),
            "otherwise_two": made.get("record_two", lambda a, b: call_unless_foreign(function, a, b)),
            "otherwise_reflected": made.get("record_reflected", lambda b, a: call_unless_foreign(function, a, b)),
        }
        exec(code, made := {**names, **farther, "this_tape": tape})
    return made


def tape_around():
    """Return the tape around the innermost one, or None."""
    tape = innermost_tape()
    return None if tape is None else tape.outer


def alias_of(t):
    """Return (the tape, the Tensor as recorded there): of the innermost one or of that around it, else None."""
    for tape in innermost_tape(), tape_around():
        if tape is not None:
            alias = t if t.tape is tape else tape.leaves.get(id(t))
            if alias is not None:
                return tape, alias
    return None, None


# ----------------------------------------------------------------------------------------- the recorders
def one(function):
    """Return ``call`` for a function of one argument, an array; or of more, all others left out."""
    row = ROWS[function]
    blanks = {"compute": "function(_0)", "edge_a": "(tensor.slot, vjp_a, $kept_a)"}
    if getattr(function, "transparent", False):
        blanks["compute"] = "function(_0) if type(_0) is Tensor else function.on_arrays(_0)"
    elif not isinstance(function, np.ufunc):
        blanks |= {"edge_a": "fitted(tensor, vjp_a, ($kept_a))", "append": "new = record(tape, y, edges)"}
    elif widens(function):
        blanks["edge_a"] = "fitted(tensor, vjp_a, ($kept_a))"
    defaults = {f"_{position}": value for position, value in enumerate(row.bind(None))}
    return written(ONE, function, blanks, **defaults)["record_one"]


def two(function, compute):
    """Return ``call`` for a function of two arguments, and the same for the arguments in reflected order.

    ``compute`` is a quicker function that does the same.
    """
    names, exact = {"compute": compute}, SAME_SHAPE
    if function is np.matmul:
        names["SIMPLE_CONSTANTS"], exact = frozenset({np.ndarray}), NO_STACK
    elif widens(function):
        names["PYTHON_NUMBERS"], exact = frozenset(), "False"
    made = written(TWO, function, {"exact": exact}, **names)
    return made["record_two"], made["record_reflected"]


def widens(function):
    """Say whether a ufunc computes small floats in a wider dtype, which its gradients have then, too."""
    return isinstance(function, np.ufunc) and "e" * function.nin + "->e" not in function.types


def several(function):
    """Return ``call`` for a function of several arguments, all of them arrays: products, losses, densities."""
    edges, on_arrays = ROWS[function].edges, getattr(function, "on_arrays", function)

    def record_several(*given):
        tape, values, aliases = innermost_tape(), [], []
        if tape is not None and tape.outer is not None:
            if not any([type(x) is Tensor and (x.tape is tape or id(x) in tape.leaves) for x in given]):
                tape = tape.outer
        for x in given if tape is not None else ():
            alias = None if type(x) is not Tensor else x if x.tape is tape else tape.leaves.get(id(x))
            if alias is not None or type(x) is Tensor and is_constant(x, tape):
                x = x._value if alias is None else alias._value
            elif type(x) is Tensor or getattr(x, "dtype", None) is OBJECTS:
                return call(function, given, {})
            values.append(x)
            aliases.append(alias)
        found = [(alias, *edge) for alias, edge in zip(aliases, edges.values()) if alias is not None]
        if not found:
            return call(function, given, {})
        y = (on_arrays if SIMPLE_CONSTANTS.issuperset(map(type, values)) else function)(*values)
        return record(tape, y, tuple([fitted(alias, vjp, keep(0, y, *values)) for alias, vjp, keep in found]))

    return record_several


def with_others(function, args, kwargs):
    """Do as ``call`` for f(t, ...) whose others are numbers or texts: np.sum(t, axis=0).  Return None for the rest."""
    tape, of_a = alias_of(args[0])
    row = ROWS.get(function)
    if of_a is None or row is None or 0 not in row.edges:
        return None
    others = (*args[1:], *kwargs.values())
    if not SCALARS.issuperset(map(type, others)) and not all(map(unchanging, others)):
        return None
    try:
        _, *values = row.bind(*args, **kwargs)
    except TypeError:
        return None
    vjp, keep = row.edges[0]
    x = of_a._value
    y = function(x, *args[1:], **kwargs)
    return record(tape, y, (fitted(of_a, vjp, keep(0, y, x, *values)),))


def unchanging(x):
    """Say whether ``x`` is a number, a text, or a tuple of them: an axis, a shape."""
    return type(x) in SCALARS or type(x) is tuple and SCALARS.issuperset(map(type, x))


def takes_arrays(function, n):
    """Say whether a function is a primitive of our own, or one of NumPy's products, and takes n arrays and no more."""
    row = ROWS.get(function) if function in PRODUCTS or hasattr(function, "on_arrays") else None
    return row is not None and len(row.edges) == n


def is_constant(t, tape):
    """Say whether no tape can know the Tensor: the usual case of data, and always that of masks."""
    return t.tape is None and (tape.outer is None or t._value.dtype.kind == "b")


def is_basic(index):
    """Say whether an index is a whole number, a slice of such, or stands for axes: nothing that could change."""
    if type(index) is slice:
        return INTEGERS.issuperset((index.start.__class__, index.stop.__class__, index.step.__class__))
    return type(index) is int or index is None or index is Ellipsis


def reading():
    """Return ``call`` for reading elements and slices, which loops do often: ``t[i]``, ``t[:, 1]``."""
    function = getitem
    ((vjp, keep),) = ROWS[function].edges.values()

    def record_getitem(self, index):
        if type(index) is Tensor and index.tape is None and index.dtype.kind == "b":
            index = index._value
        parts = index if type(index) is tuple else (index,)
        if all([is_basic(i) or type(i) is ndarray and i.dtype.kind in "iub" for i in parts]):
            tape, x = alias_of(self)
            if x is not None:
                v = x._value
                y = v[index]
                index = index if index.__class__ in INDICES else frozen(index)
                return append(tape, y, ((x.slot, vjp, *keep(0, y, v, index)),))
        try:
            return call(function, (self, index), {})
        except Exception as error:
            shorten(error)
            raise

    return record_getitem


def either(forward, reflected):
    """Return the two recorders of ``two`` as one function of any two arguments."""
    return lambda a, b: forward(a, b) if a.__class__ is Tensor else reflected(b, a)


class Recorders(dict):
    """function -> its recorder, made when first met.

    The recorder of a ufunc takes all of its arguments, that of a transparent function of ours with several arrays, too,
    and that of any other function one: the array, the others being left out.
    """

    def __missing__(self, function):
        row, recorder = ROWS[function], functools.partial(call_unless_foreign, function)
        places = list(row.edges)
        if isinstance(function, np.ufunc):
            # of those that contract axes only matmul: the others have parameters beside the arrays
            simple = function.nout == 1 and (function.signature is None or function is np.matmul)
            if simple and places == [0, 1][: function.nin]:
                recorder = one(function) if function.nin == 1 else either(*two(function, function))
        elif function in PRODUCTS or getattr(function, "transparent", False) and len(places) > 1:
            if len(places) == row.required == len(row.parameters):
                recorder = several(function)
        elif places == [0] and not row.sequences and row.required == 1:
            recorder = one(function)
        self[function] = recorder
        return recorder


RECORDERS = Recorders()


# --------------------------------------------------------------------------- what NumPy and Python ask
def array_ufunc(self, ufunc, method, *inputs, **kwargs):
    """``Tensor.__array_ufunc__``: NumPy calls it in the place of a ufunc."""
    try:
        if method == "__call__" and not kwargs and ufunc in ROWS:
            return RECORDERS[ufunc](*inputs)
        return answer_ufunc(ufunc, method, inputs, kwargs)
    except Exception as error:
        shorten(error)
        raise


def array_function(self, function, types, args, kwargs):
    """``Tensor.__array_function__``: NumPy calls it in the place of any other function."""
    try:
        if not kwargs and len(args) == 1 and type(args[0]) is Tensor:
            whole = WHOLE.get(function, function)
            if whole in ROWS:
                return RECORDERS[whole](args[0])
        elif not kwargs and SIMPLE.issuperset(map(type, args)) and takes_arrays(function, len(args)):
            return RECORDERS[function](*args)
        elif args and type(args[0]) is Tensor:
            recorded = with_others(function, args, kwargs)
            if recorded is not None:
                return recorded
        return answer_function(function, types, args, kwargs)
    except Exception as error:
        shorten(error)
        if type(error) is TypeError:
            explain(error)
        raise


def matrix_product(a, b):
    """``a @ b``, by the method that takes half the time for vectors and matrices, where that gives the same bits."""
    if type(b) is ndarray and (a.ndim, b.ndim) in VECTORS_AND_MATRICES and a.shape[-1] > 1:
        if a.flags.forc and b.flags.forc:
            return a.dot(b)
    return a @ b


# On NumPy's scalars Python's operators are much quicker than the ufuncs.
SHORTER = {
    "add": (np.add, operator.add),
    "sub": (np.subtract, operator.sub),
    "mul": (np.multiply, operator.mul),
    "truediv": (np.divide, operator.truediv),
    "pow": (operator.pow, operator.pow),
    "matmul": (np.matmul, matrix_product),
}


def of_itself(function):
    return lambda self: RECORDERS[function](self)


def shorter_ways():
    """Return a dict: name of an operator or protocol of the Tensor -> the recorder for it."""
    ways = {"__array_ufunc__": array_ufunc, "__array_function__": array_function, "__getitem__": reading()}
    for name, (ufunc, quicker) in SHORTER.items():
        ways[f"__{name}__"], ways[f"__r{name}__"] = forward, reflected = two(ufunc, quicker)
        RECORDERS[ufunc] = either(forward, reflected)
    for name, function in {"neg": np.negative, "pos": np.positive, "abs": np.absolute}.items():
        ways[f"__{name}__"] = of_itself(function)
    return ways


WAYS = shorter_ways()
REPLACED = {name: vars(Tensor)[name] for name in WAYS}


def install():
    """Let operators and NumPy's calls on Tensors go the short way."""
    for name, way in WAYS.items():
        setattr(Tensor, name, way)


def remove():
    """Let them go the general way, through the Tensor's own operators."""
    for name, own in REPLACED.items():
        setattr(Tensor, name, own)


install()
