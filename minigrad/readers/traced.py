"""What writes down what is done to an array.

A ``Traced`` takes the place of the ndarray at the bottom of a Tensor, below all tapes.  NumPy's calls on it, on the way
forth and on the way back, masks and constants included, are computed on the real numbers and appended to its trace.
Every operand is an Operation of the program, or a plain value that it will always be.

It says that it is an ndarray and is none: it has no memory.  So nothing reaches the numbers but through it: what goes
by NumPy's protocols, operators, methods and indices is written down, and whatever else wants them (``np.asarray``,
``float``, a function in C) has to ask, which the trace notes or refuses.
"""

import functools
import operator
from threading import get_ident

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..core.storage import Storage
from ..core.trees import leaves
from .operations import Attribute, Method

# Functions of shapes and kinds, which are the same whatever the numbers are; and texts for people.
OF_SHAPES = {
    *(np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj, np.common_type),
    *(np.min_scalar_type, np.may_share_memory, np.shares_memory, np.array2string, np.array_repr, np.array_str),
}
# Functions whose results have as many elements as the numbers want, and what to write instead.
OF_ANY_LENGTH = {
    *(np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.extract, np.compress, np.trim_zeros),
    *(np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d, np.polyadd, np.polysub, np.polymul, np.polydiv),
    *(getattr(np, f"unique_{what}", np.unique) for what in ("all", "counts", "inverse", "values")),
}
# The same if what stands behind the first argument depends on numbers.
OF_ANY_LENGTH_BY_NUMBERS = {
    *(np.repeat, np.delete, np.insert, np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit, np.tile, np.resize),
}
WRITE_INTO = {np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis}
FIXED = "np.where(mask, x, 0), which keeps the shape"
CHOICE = (
    "np.where(condition, a, b) or np.maximum, which choose among the numbers themselves; for a loop whose rounds "
    "depend on them, so many rounds as will do, each with np.where(done, old, new)"
)
ITSELF = "NumPy's functions on the Tensor itself"


class Traced(NDArrayOperatorsMixin):
    """Stands for an ndarray, which is the value of an Operation of a trace.

    Attributes
    ----------
    operation : Operation, whose ``value`` is what would be here if nobody traced: an ndarray or a scalar
    record : the Trace to which it belongs
    """

    stands_in = True
    __class__ = property(lambda self: np.ndarray)  # what isinstance asks, of ours and of the user's code
    __hash__ = None

    def __init__(self, operation, record):
        self.operation, self.record = operation, record

    # ------------------------------------------------------------------------- what NumPy asks
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if any(isinstance(x, Storage) for x in (*inputs, *kwargs.get("out", ()))):
            return NotImplemented
        trace = self.trace_among((inputs, kwargs))
        if method == "at":
            return trace.overwrite(inputs[0], ufunc.at, inputs[1:], kwargs)
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        out = kwargs.pop("out", None)
        results = trace.call(function, inputs, kwargs)
        if out is None:
            return results
        results = results if isinstance(results, tuple) else (results,)
        given = tuple(y if to is None else trace.put(y, to) for y, to in zip(results, out))
        return given if len(given) > 1 else given[0]

    def __array_function__(self, function, types, args, kwargs):
        if any(issubclass(t, Storage) for t in types):
            return NotImplemented
        above = next((x for x in (*args, *kwargs.values()) if isinstance(x, Storage)), None)
        if above is not None:  # a function of ours asks the first one that it finds
            return above.__array_function__(function, (type(above),), args, kwargs)
        trace = self.trace_among((args, kwargs))
        if function in OF_SHAPES:
            return function(*trace.real(args), **trace.real(kwargs))
        if function in WRITE_INTO:
            return trace.overwrite(args[0], function, args[1:], kwargs)
        if getattr(function, "transparent", False):  # of ours; a plain array could not see an index
            return function.on_arrays(*trace.standing_in(args), **trace.standing_in(kwargs))
        out = kwargs.get("out")
        if isinstance(out, (np.ndarray, tuple)):
            kwargs = {key: value for key, value in kwargs.items() if key != "out"}
            return trace.put(trace.call(function, args, kwargs), out[0] if isinstance(out, tuple) else out)
        y = trace.call(function, args, kwargs)
        if has_any_length(function, args, kwargs, trace):
            for part in leaves(y):
                trace.ask(part, f"{function.__name__}, whose result has a shape that depends on the numbers", FIXED)
        return y

    def __array__(self, dtype=None, copy=None):
        self.record.ask(self, "np.asarray(t) or whatever else makes a plain array", ITSELF)
        y = np.array(self.operation.value, dtype) if copy else np.asarray(self.operation.value, dtype)
        return y

    def trace_among(self, x):
        """Return the trace that this thread is writing, of what stands among arguments; of this, if there is none."""
        if self.record.thread == get_ident():
            return self.record
        records = [leaf.record for leaf in leaves(x) if isinstance(leaf, Traced)]
        return next((record for record in records if record.thread == get_ident()), self.record)

    # ------------------------------------------------------------ what goes past NumPy's protocols
    def __getitem__(self, index):
        y = self.record.call(operator.getitem, (self, index), {})
        for part in index if isinstance(index, tuple) else (index,):
            if isinstance(part, np.ndarray) and part.dtype.kind == "b" and self.record.depends(part):
                self.record.ask(y, "a[mask], whose shape depends on the numbers", FIXED)
            if isinstance(part, slice) and any(isinstance(end, Traced) for end in (part.start, part.stop, part.step)):
                self.record.ask(y, "a slice whose ends depend on the numbers", FIXED)
        return y

    def __setitem__(self, index, value):
        self.record.overwrite(self, Method("__setitem__"), (index, value), {})

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __len__(self):
        return len(self.operation.value)

    def __contains__(self, x):
        return bool((self == x).any())

    def __buffer__(self, flags):  # Python asks from 3.12 on
        return memoryview(self.__array__())

    def standing(self):
        """Return this, or the array itself when the trace is over."""
        return np.asarray(self.operation.value) if self.record.thread is None else self

    def lent(self):
        """Return this for a user who asks a recorded Tensor for its numbers: they are read-only."""
        self.record.memory.lend(self.operation)
        return self

    def dot(self, other):
        return np.dot(self, other)

    def nonzero(self):
        return np.nonzero(self)

    def repeat(self, repeats, axis=None):
        return np.repeat(self, repeats, axis)

    def __repr__(self):
        return repr(self.operation.value)

    def __str__(self):
        return str(self.operation.value)

    def __format__(self, spec):
        return format(self.operation.value, spec)

    def __reduce_ex__(self, protocol):
        self.record.ask(self, "pickle or the like", "t.copy()")
        return self.operation.value.__reduce_ex__(protocol)

    def __deepcopy__(self, memo):
        return self.copy()

    def __copy__(self):
        return self.copy()

    flat = property(lambda self: self.ravel().lent())
    base = property(lambda self: None if getattr(self.operation.value, "base", None) is None else Base(self))

    def __getattr__(self, name):
        """Give what else an ndarray has: its memory, or a method that nobody writes down."""
        if name.startswith("__") or not hasattr(np.ndarray, name):
            raise AttributeError(f"'numpy.ndarray' object has no attribute {name!r}")
        self.record.ask(self, f"t.data.{name}", ITSELF)
        return getattr(as_numpy(self.operation.value), name)


def has_any_length(function, args, kwargs, trace):
    """Say whether the shape of what a call gives depends on numbers."""
    if function in (np.histogram, np.histogram_bin_edges):  # by the name of a way to choose the bins
        return any(isinstance(x, str) for x in (*args[1:2], kwargs.get("bins")))
    if function in OF_ANY_LENGTH_BY_NUMBERS:
        return any(map(trace.depends, leaves((args[1:], kwargs))))
    if function is np.bincount:
        return trace.depends(args[0])
    return function in OF_ANY_LENGTH or function is np.where and len(args) + len(kwargs) == 1


def as_numpy(x):
    """Return a number of Python as an array, what is NumPy's as it is."""
    return x if isinstance(x, (np.ndarray, np.generic)) else np.asarray(x)


class Base(Traced):
    """Stands for the array to which the memory of another one belongs: that there is one may be asked freely."""

    def __init__(self, of):
        self.of, self.record = of, of.record

    @functools.cached_property
    def operation(self):
        self.record.ask(self.of, "t.data.base", "the Tensor whose part this is")
        return self.record.operand(np.asarray(self.of.operation.value.base))


# ------------------------------------------------------------------------------ methods of ndarrays
def as_operator(compute, with_array):
    """An operator that is not always the ufunc: on NumPy's scalars, and ``**`` on arrays, it rounds in its own way."""

    def give(self, other):
        if isinstance(other, Storage) or getattr(other, "__array_ufunc__", 0) is None:
            return NotImplemented  # the other one knows what to do
        if isinstance(self.operation.value, np.ndarray) and with_array is not None:
            return with_array(self, other)
        return self.record.call(compute, (self, other), {})

    def give_reflected(self, other):
        if isinstance(self.operation.value, np.ndarray) and with_array is not None:
            return with_array(other, self)
        return self.record.call(compute, (other, self), {})

    return give, give_reflected


def method(name):
    """A method that makes an array of the array."""

    def call(self, *args, **kwargs):
        return self.record.call(Method(name), (self, *args), kwargs)

    return call


def attribute(name):
    return property(lambda self: self.record.call(Attribute(name), (self,), {}))


def of_the_layout(name):
    return property(lambda self: getattr(as_numpy(self.operation.value), name))


def of_complex(of):
    """A method or an attribute that gives a real array itself."""

    def same(self, *args):
        return self if self.dtype.kind != "c" else of(self, *args)

    return same


def overwriting(name):
    """A method that writes into the array."""

    def write(self, *args, **kwargs):
        self.record.overwrite(self, Method(name), args, kwargs)

    return write


def augmented(name, compute):
    """An operator like ``a += b``: it makes a new number of a scalar, and writes into an array."""
    in_place = getattr(NDArrayOperatorsMixin, name)

    def change(self, other):
        if isinstance(other, Storage) or not isinstance(self.operation.value, np.ndarray):
            return compute(self, other)
        return in_place(self, other)

    return change


def asking(compute, what, instead):
    """A method that gives the numbers to Python."""

    def ask(self, *args, **kwargs):
        given = compute(as_numpy(self.operation.value), *args, **kwargs)  # NumPy's own refusal comes first
        self.record.ask(self, what, instead)
        return given

    return ask


for _name in """
    all any argmax argmin argpartition argsort astype choose clip copy cumprod cumsum diagonal flatten max mean
    min prod ravel reshape round searchsorted squeeze std sum swapaxes take trace transpose var view
""".split():
    setattr(Traced, _name, method(_name))
for _name in ("conj", "conjugate"):
    setattr(Traced, _name, of_complex(method(_name)))
for _name in ("T", "mT", "imag"):
    setattr(Traced, _name, attribute(_name))
for _name in ("shape", "dtype", "ndim", "size", "itemsize", "nbytes", "strides", "flags"):
    setattr(Traced, _name, of_the_layout(_name))
Traced.real = property(of_complex(attribute("real").fget))
for _name in ("fill", "sort", "partition", "put", "__ipow__"):
    setattr(Traced, _name, overwriting(_name))
for _name in "add sub mul truediv floordiv mod and or xor lshift rshift".split():
    setattr(Traced, f"__i{_name}__", augmented(f"__i{_name}__", getattr(operator, f"__{_name}__")))
for _name, _ufunc in dict(add=np.add, sub=np.subtract, mul=np.multiply, truediv=np.divide, pow=None).items():
    _forward, _reflected = as_operator(getattr(operator, _name), _ufunc)
    setattr(Traced, f"__{_name}__", _forward)
    setattr(Traced, f"__r{_name}__", _reflected)
INDEX = "np.take, np.take_along_axis or a[t] with a Tensor t"
for _name, _compute, _what, _instead in (
    ("__bool__", bool, "an if (while, and, or, not) on a number", CHOICE),
    ("__float__", float, "float(t)", ITSELF),
    ("__int__", int, "int(t)", ITSELF),
    ("__complex__", complex, "complex(t)", ITSELF),
    ("__round__", round, "round(t)", "np.round"),
    ("__index__", operator.index, "an index, range(t) or the like", INDEX),
    ("item", Method("item"), "t.item()", ITSELF),
    ("tolist", Method("tolist"), "t.tolist()", ITSELF),
    ("tobytes", Method("tobytes"), "t.tobytes()", ITSELF),
    ("__dlpack__", Method("__dlpack__"), "np.from_dlpack(t) or the like", ITSELF),
    ("__dlpack_device__", Method("__dlpack_device__"), "np.from_dlpack(t) or the like", ITSELF),
):
    setattr(Traced, _name, asking(_compute, _what, _instead))
