"""The array that writes down what is done to it.

A ``Traced`` takes the place of the ndarray at the bottom of a Tensor, below all tapes.  NumPy's calls on it, on the way
forth and on the way back, masks and constants included, are computed on the real numbers and appended to its trace.
Every operand is an Operation of the program, or a plain value that it will always be.
"""

import operator

import numpy as np

from ..core.storage import Storage
from ..core.trees import leaves
from .operations import Attribute, Method, TraceError

# Functions of shapes and kinds, which are the same whatever the numbers are.
OF_SHAPES = {
    *(np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj, np.common_type),
    *(np.min_scalar_type, np.may_share_memory, np.shares_memory),
}
# Functions whose results have as many elements as the numbers want, and what to write instead.
OF_ANY_LENGTH = {
    *(np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.extract, np.compress, np.trim_zeros),
    *(np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d),
}
WRITE_INTO = {np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis}
FIXED = "np.where(mask, x, 0), which keeps the shape"
CHOICE = "np.where(condition, a, b) or np.maximum, which choose among the numbers themselves"


class Traced(np.ndarray):
    """An ndarray, with its real numbers, that stands for an Operation of a trace.

    Attributes
    ----------
    operation : Operation, whose ``value`` is what would be here if nobody traced: an ndarray or a scalar
    record : the Trace to which it belongs
    """

    operation = record = None
    stands_in = True

    def __array_finalize__(self, source):
        if source is not None:
            self.record = getattr(source, "record", None)  # of an operation it is made one by the trace

    # ------------------------------------------------------------------------- what NumPy asks
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if any(isinstance(x, Storage) for x in (*inputs, *kwargs.get("out", ()))):
            return NotImplemented
        trace = self.record or trace_of((inputs, kwargs))
        if method == "at":
            return trace.overwrite(inputs[0], ufunc.at, inputs[1:], kwargs)
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        out = kwargs.pop("out", None)
        if out is None:
            return trace.call(function, inputs, kwargs)
        results = trace.call(function, inputs, kwargs)
        results = results if isinstance(results, tuple) else (results,)
        given = tuple(y if to is None else trace.put(y, to) for y, to in zip(results, out))
        return given if len(given) > 1 else given[0]

    def __array_function__(self, function, types, args, kwargs):
        if any(issubclass(t, Storage) for t in types):
            return NotImplemented
        trace = self.record or trace_of((args, kwargs))
        if function in OF_SHAPES:
            return function(*trace.real(args), **trace.real(kwargs))
        if function in WRITE_INTO:
            return trace.overwrite(args[0], function, args[1:], kwargs)
        if getattr(function, "transparent", False):
            args, kwargs = (
                trace.standing_in(args),
                trace.standing_in(kwargs),
            )  # a plain array could not see an index
            return function.on_arrays(*args, **kwargs)
        out = kwargs.get("out")
        if isinstance(out, (np.ndarray, tuple)):
            kwargs = {key: value for key, value in kwargs.items() if key != "out"}
            return trace.put(trace.call(function, args, kwargs), out[0] if isinstance(out, tuple) else out)
        y = trace.call(function, args, kwargs)
        if function in OF_ANY_LENGTH:
            trace.ask(y, f"{function.__name__}, whose result has a shape that depends on the numbers", FIXED)
        return y

    # ------------------------------------------------------------ what goes past NumPy's protocols
    def __getitem__(self, index):
        y = self.record.call(operator.getitem, (self, index), {})
        for part in index if isinstance(index, tuple) else (index,):
            if isinstance(part, np.ndarray) and part.dtype.kind == "b" and self.record.depends(part):
                self.record.ask(y, "a[mask], whose shape depends on the numbers", FIXED)
            if isinstance(part, slice) and any(
                isinstance(end, Traced) for end in (part.start, part.stop, part.step)
            ):
                self.record.ask(y, "a slice whose ends depend on the numbers", FIXED)
        return y

    def __setitem__(self, index, value):
        self.record.overwrite(self, Method("__setitem__"), (index, value), {})

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def dot(self, other):
        return np.dot(self, other)

    def __repr__(self):
        return repr(self.operation.value)

    __str__ = __repr__

    def __format__(self, spec):
        return format(self.operation.value, spec)

    def __reduce_ex__(self, protocol):
        self.record.ask(self, "copy.deepcopy or pickle", "t.copy()")
        return self.operation.value.__reduce_ex__(protocol)

    def __deepcopy__(self, memo):
        return self.copy()

    __copy__ = __deepcopy__

    # the layout is that of the value, which this need not share
    @property
    def base(self):
        if self.operation is None:
            return np.ndarray.base.__get__(self)
        return getattr(self.operation.value, "base", None)

    def __array__(self, *args, **kwargs):
        self.record.ask(self, "np.asarray(t) or the like", "NumPy's functions on the Tensor itself")
        return np.asarray(self.operation.value).__array__(*args, **kwargs)


def trace_of(x):
    """Return the trace of the first Traced in nested arguments that has one."""
    for leaf in leaves(x):
        if isinstance(leaf, Traced) and leaf.record is not None:
            return leaf.record
    raise TraceError(
        "an array was made out of the trace's sight: by a method of ndarray that it does not know"
    )


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
    in_place = getattr(np.ndarray, name)

    def change(self, other):
        if isinstance(other, Storage) or not isinstance(self.operation.value, np.ndarray):
            return compute(self, other)
        return in_place(self, other)

    return change


def asking(name, what, instead):
    """A method that gives the numbers to Python."""

    def ask(self, *args):
        self.record.ask(self, what, instead)
        return getattr(self.operation.value, name)(*args)

    return ask


for _name in """
    all any argmax argmin argpartition argsort astype choose clip copy cumprod cumsum diagonal flatten max mean
    min nonzero prod ravel repeat reshape round searchsorted squeeze std sum swapaxes take trace transpose var view
""".split():
    setattr(Traced, _name, method(_name))
for _name in ("conj", "conjugate"):
    setattr(Traced, _name, of_complex(method(_name)))
for _name in ("T", "mT", "imag", "flat"):
    setattr(Traced, _name, attribute(_name))
Traced.real = property(of_complex(attribute("real").fget))
for _name in ("fill", "sort", "partition", "put", "__ipow__"):
    setattr(Traced, _name, overwriting(_name))
for _name in "add sub mul truediv floordiv mod and or xor lshift rshift".split():
    setattr(Traced, f"__i{_name}__", augmented(f"__i{_name}__", getattr(operator, f"__{_name}__")))
for _name, _ufunc in dict(add=np.add, sub=np.subtract, mul=np.multiply, truediv=np.divide, pow=None).items():
    _forward, _reflected = as_operator(getattr(operator, _name), _ufunc)
    setattr(Traced, f"__{_name}__", _forward)
    setattr(Traced, f"__r{_name}__", _reflected)
for _name, _what, _instead in (
    ("__bool__", "an if (while, and, or, not) on a number", CHOICE),
    ("__float__", "float(t)", "the Tensor itself"),
    ("__int__", "int(t)", "the Tensor itself"),
    ("__complex__", "complex(t)", "the Tensor itself"),
    ("__index__", "an index, range(t) or the like", "np.take, np.take_along_axis or a[t] with a Tensor t"),
    ("item", "t.item()", "the Tensor itself"),
    ("tolist", "t.tolist()", "the Tensor itself"),
    ("tobytes", "t.tobytes()", "the Tensor itself"),
):
    setattr(Traced, _name, asking(_name, _what, _instead))
