"""A program made simpler: the same numbers, to rounding, in fewer lines.

    left out      copies, casts and reshapes that change nothing, products with 1, sums over axes of length 1
    put together  a reshape of a reshape, a transpose of a transpose, equal operations
    numbers       arrays that are one number everywhere, and what is worked out of numbers alone
    dead          what neither the loss nor a gradient needs; random numbers and checks stay

Nothing is associated or distributed in another way.
"""

import math
import operator

import numpy as np

from ..derivatives.reductions import filled
from ..core.trees import at_leaves
from .operations import Attribute, Method, Operation, Overwritten, laid_like, part, same

RESHAPES = (np.reshape, Method("reshape"), np.ravel, Method("ravel"), Method("flatten"), np.expand_dims, np.squeeze)
COPIES = (same, laid_like, np.copy, Method("copy"), np.positive, np.broadcast_to, Method("astype"))
REDUCTIONS = (np.sum, np.prod, np.max, np.min, np.mean, *(f.reduce for f in (np.add, np.maximum, np.minimum)))
OPERATORS = (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow)
NEUTRAL = {
    **dict.fromkeys((np.multiply, operator.mul), (1, 1)),
    **dict.fromkeys((np.add, operator.add), (0, 0)),
    **dict.fromkeys((np.divide, operator.truediv, operator.pow), (None, 1)),
    **dict.fromkeys((np.subtract, operator.sub), (None, 0)),
}  # function -> the numbers that change nothing, on the left and on the right
SMALL = 100  # numbers of a constant that is compared with others
PURE = ("numpy", "scipy", "_operator", "operator", __name__.partition(".")[0])  # packages whose functions only compute


def simplified(operations, kept, fixed=lambda constant: True):
    """Return fewer operations that compute the same.

    Parameters
    ----------
    operations : list of Operation, in order
    kept : list of Operation, what is wanted in the end: the loss and the gradients
    fixed : function that says whether a "constant" will never hold other numbers

    Returns
    -------
    new : list of Operation, all of them new
    of : function from an old Operation to the new one
    """
    rewriting = Rewriting(fixed)
    for op in operations:
        rewriting.take(op)
    return alive(rewriting.new, [rewriting.of(op) for op in kept]), rewriting.of


def alive(operations, kept):
    """Return the operations that are needed, and those that are given, drawn or checks."""
    needed, waiting = set(), [*kept, *(op for op in operations if op.kind != "call" or op.value is None)]
    while waiting:
        op = waiting.pop()
        if id(op) not in needed:
            needed.add(id(op))
            waiting += op.inputs
    operations = [op for op in operations if id(op) in needed]
    used = {id(x) for op in operations for x in op.inputs} | set(map(id, kept))
    return [op for op in operations if op.kind != "seed" or id(op) in used]


class Rewriting:
    """One walk over the operations; each is rewritten in terms of those before it."""

    def __init__(self, fixed):
        self.fixed = fixed
        self.new, self.instead, self.known = [], {}, {}
        self.numbers = {}  # id of a new operation that is one number everywhere -> that number

    def of(self, x):
        return self.instead[id(x)] if isinstance(x, Operation) else x

    def take(self, op):
        args, kwargs = at_leaves(self.of, op.args), at_leaves(self.of, op.kwargs)
        found = self.shorter(op, args, kwargs) if op.kind == "call" else None
        self.instead[id(op)] = found or self.make(op, op.function, args, kwargs)

    def make(self, op, function, args, kwargs=None, kind=None):
        """Return the operation of a call in the place of ``op``: one that is there already, or a new one."""
        key = key_of(op, kind or op.kind, function, args, kwargs or {}, self.fixed)
        if key in self.known:
            return self.known[key]
        new = Operation(kind or op.kind, function, args, kwargs, op.value, op.phase)
        for slot in ("name", "generator", "line", "rule", "of", "within", "asked", "instead", "result"):
            setattr(new, slot, getattr(op, slot))
        self.new.append(new)
        if key is not None:
            self.known[key] = new
        number = self.number_of(new)
        if number is not None:
            self.numbers[id(new)] = number
        return new

    # ------------------------------------------------------------------------------------ what is shorter
    def shorter(self, op, args, kwargs):
        """Return what an operation is, without computing it or by a simpler call; None where there is nothing."""
        first = args[0] if args and isinstance(args[0], Operation) else None
        if is_elementwise(op.function) and not kwargs:
            return self.with_numbers(op, args)
        if first is None or op.dtype is None or first.dtype != op.dtype:
            return None
        if first.shape == op.shape and (op.function in COPIES or is_whole(op.function, args)):
            return first
        if is_reshape(op.function, args, kwargs):
            return self.reshaped(op, first)
        if (
            op.function in REDUCTIONS
            and set(kwargs) <= {"axis", "keepdims"}
            and math.prod(first.shape) == math.prod(op.shape)
        ):
            return self.reshaped(op, first)
        if op.function == first.function == Attribute("T"):
            return first.args[0]
        return None

    def reshaped(self, op, x):
        """Return ``x`` in the shape of ``op``, of one reshape at most."""
        while is_reshape(x.function, x.args, x.kwargs):
            x = x.args[0]
        return x if x.shape == op.shape else self.make(op, Method("reshape"), (x, op.shape))

    # ------------------------------------------------------------------------------------ numbers
    def number_of(self, op):
        """Return the number that an operation is everywhere, or None."""
        if op.kind == "seed":
            return op.value.item()
        if op.kind == "constant" and self.fixed(op) and op.value.size and op.value.dtype.kind in "fc":
            first = op.value.flat[0].item()
            return first if math.isfinite(abs(first)) and bool(np.all(op.value == first)) else None
        if op.function is filled and not isinstance(op.args[0], Operation):
            return op.args[0].item()
        through = op.function in (filled, np.broadcast_to) or op.function == Method("reshape")
        return self.numbers.get(id(op.args[0])) if through else None

    def with_numbers(self, op, args):
        """Return an elementwise operation with numbers in the place of arrays that are one, or what it is then."""
        plain = tuple([self.numbers.get(id(x), x) if isinstance(x, Operation) else x for x in args])
        if not any(isinstance(x, Operation) for x in plain):
            return self.constant(op, plain)
        args = plain if plain != args and keeps_kind(op, plain) else args
        if op.function in NEUTRAL:
            for x, other, neutral in zip(args, args[::-1], NEUTRAL[op.function][::-1]):
                of_kind = isinstance(x, Operation) and x.shape == op.shape and x.dtype == op.dtype
                if of_kind and neutral is not None and is_number(other) and other == neutral:
                    return x
        return self.make(op, op.function, args)

    def constant(self, op, numbers):
        """Return an operation of numbers alone as a number, or as an array that is one everywhere."""
        if not all(map(is_number, numbers)) or op.dtype is None or op.dtype.kind not in "fc":
            return None
        with np.errstate(all="ignore"):
            number = op.dtype.type(op.function(*map(op.dtype.type, numbers)))
        if op.shape == ():
            return self.make(numbered(op, number), None, (), kind="seed")
        return self.make(op, filled, (number, op.shape))


def numbered(op, number):
    """Return a copy of an operation that has this value."""
    new = Operation("seed", value=number, phase=op.phase)
    for slot in ("name", "line", "rule", "of", "within"):
        setattr(new, slot, getattr(op, slot))
    return new


def is_number(x):
    return isinstance(x, (int, float, complex)) and not isinstance(x, bool)


def is_elementwise(function):
    ufunc = isinstance(function, np.ufunc) and function.signature is None and function.nout == 1
    return ufunc and function not in COPIES or function in OPERATORS


def is_reshape(function, args, kwargs):
    """Say whether a call gives the same numbers in the same order, C's, in another shape."""
    return function in RESHAPES and not {"F", "A", "K"} & {x for x in (*args, *kwargs.values()) if isinstance(x, str)}


def keeps_kind(op, args):
    """Say whether shape and dtype stay what they are when an operation gets these arguments."""
    arrays = [x for x in args if isinstance(x, Operation)]
    if np.broadcast_shapes(*(x.shape for x in arrays)) != op.shape:
        return False
    with np.errstate(all="ignore"):
        tried = op.function(*[np.ones(1, x.dtype) if isinstance(x, Operation) else x for x in args])
    return tried.dtype == op.dtype


def is_whole(function, args):
    """Say whether an index names all there is, in order."""
    index = args[1] if function is operator.getitem else None
    return index is not None and all(
        x is Ellipsis or isinstance(x, slice) and token(x) == token(slice(None))
        for x in (index if isinstance(index, tuple) else (index,))
    )


def key_of(op, kind, function, args, kwargs, fixed):
    """Return what two equal operations have in common; None for one that is never equal to another."""
    if kind == "seed":
        return kind, op.dtype, op.value.item()
    if kind == "constant" and fixed(op) and op.value.size <= SMALL:
        return kind, op.dtype.str, op.shape, op.value.strides, op.value.tobytes()
    if kind != "call" or op.value is None or not is_pure(function):
        return None
    return (
        (id(function) if not isinstance(function, tuple) else (type(function), function)),
        token(args),
        token(kwargs),
    )


def is_pure(function):
    """Say whether a function gives the same for the same arguments: NumPy's, SciPy's, ours; not the user's."""
    if isinstance(function, (np.ufunc, Method, Attribute, Overwritten)) or function is part:
        return True
    owner = getattr(function, "__self__", None)
    return isinstance(owner, np.ufunc) or (getattr(function, "__module__", None) or "").partition(".")[0] in PURE


def token(x):
    """Return something hashable that is equal for equal arguments."""
    if isinstance(x, Operation):
        return id(x)
    if isinstance(x, (tuple, list)):
        return type(x), *map(token, x)
    if isinstance(x, dict):
        return tuple([(key, token(y)) for key, y in x.items()])
    if isinstance(x, slice):
        return slice, token(x.start), token(x.stop), token(x.step)
    return type(x), x if isinstance(x, (int, float, complex, str)) else repr(x)
