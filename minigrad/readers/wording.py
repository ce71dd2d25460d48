"""How an operation is written as NumPy code."""

import builtins
import functools
import math
import operator
import sys

import numpy as np

from ..calculus.buffer import overwritten
from ..core.table import ROWS, name_of
from ..derivatives.reductions import filled
from .names import public_name
from .operations import Attribute, Method, Operation, Overwritten, called, part, same

# How strongly a piece of code holds together; what is weaker than its place asks for stands in brackets.
ATOM, POWER, SIGN, PRODUCT, SUM, AND, XOR, OR, COMPARISON, ANYTHING = range(10, 0, -1)
INFIX = {
    **{np.add: ("+", SUM), operator.add: ("+", SUM)},
    **{np.subtract: ("-", SUM), operator.sub: ("-", SUM)},
    **{np.multiply: ("*", PRODUCT), operator.mul: ("*", PRODUCT)},
    **{np.divide: ("/", PRODUCT), operator.truediv: ("/", PRODUCT)},
    np.matmul: ("@", PRODUCT),
    np.bitwise_and: ("&", AND),
    np.bitwise_xor: ("^", XOR),
    np.bitwise_or: ("|", OR),
    np.greater: (">", COMPARISON),
    np.greater_equal: (">=", COMPARISON),
    np.less: ("<", COMPARISON),
    np.less_equal: ("<=", COMPARISON),
    np.equal: ("==", COMPARISON),
    np.not_equal: ("!=", COMPARISON),
}
REDUCED = {np.add: "np.sum", np.multiply: "np.prod", np.maximum: "np.max", np.minimum: "np.min"}
PREFIX = {np.negative: "-", np.invert: "~"}


class Wording:
    """Writes operations.

    operand : function from an Operation to its (code, strength): a name, or its whole expression
    named : function from an object that no code can make (a function of the user's, a generator) to a name for it
    products : bool, whether ``a @ b`` stands for np.dot, too, which may round in another way
    helper_name : function from the name of a function of ours to what it is called where the user's names are known
    """

    def __init__(self, operand, named, helper_name=str, products=False):
        self.operand, self.named, self.helper_name, self.products = operand, named, helper_name, products
        self.modules = set()  # that the code calls besides NumPy
        self.helpers = {}  # name -> function of ours that the code calls

    def expression(self, op):
        """Return the code that computes an operation, and its strength."""
        function, args, kwargs = op.function, op.args, op.kwargs
        if function in INFIX and len(args) == 2 and not kwargs and means_operator(function, args):
            sign, strength = INFIX[function]
            right = strength + 1
            left = right if strength == COMPARISON else strength
            return f"{self.code(args[0], left)} {sign} {self.code(args[1], right)}", strength
        if getattr(function, "__name__", "") == "reduce" and function.__self__ in REDUCED:
            return self.reduced(REDUCED[function.__self__], *args, **kwargs), ATOM
        if self.products and function is np.dot and all(is_array(x) and np.ndim(x.value) in (1, 2) for x in args):
            return f"{self.code(args[0], PRODUCT)} @ {self.code(args[1], PRODUCT + 1)}", PRODUCT
        if function is filled:  # NumPy's, with the arguments in its own order
            return f"np.full({self.code(args[1])}, {self.code(args[0])})", ATOM
        if function in PREFIX and len(args) == 1 and not kwargs and is_array(args[0]):
            return f"{PREFIX[function]}{self.code(args[0], SIGN)}", SIGN
        if function is operator.pow:
            return f"{self.code(args[0], ATOM)} ** {self.code(args[1], ATOM)}", POWER
        if function is called:
            return f"{self.code(args[0], ATOM)}({self.arguments(args[1:], kwargs)})", ATOM
        if function in (operator.getitem, part):
            return f"{self.code(args[0], ATOM)}[{self.index(args[1])}]", ATOM
        if function is same:
            return self.operand(args[0])
        if isinstance(function, Attribute):
            return f"{self.code(args[0], ATOM)}.{function.name}", ATOM
        if isinstance(function, Method):
            return f"{self.code(args[0], ATOM)}.{function.name}({self.arguments(args[1:], kwargs)})", ATOM
        if isinstance(function, Overwritten):
            return f"{self.function(after_writing)}({self.arguments((function.write, *args), kwargs)})", ATOM
        return f"{self.code(function, ATOM)}({self.arguments(args, kwargs)})", ATOM

    def reduced(self, name, a, axis=0, dtype=None, out=None, keepdims=False, **kwargs):
        """Return ``np.add.reduce`` and its like as the function that one writes."""
        kwargs = {"axis": axis, "dtype": dtype, "keepdims": keepdims or None, **kwargs}
        return f"{name}({self.arguments((a,), {key: x for key, x in kwargs.items() if x is not None})})"

    def arguments(self, args, kwargs):
        return ", ".join([*map(self.code, args), *(f"{key}={self.code(x)}" for key, x in kwargs.items())])

    def code(self, x, strength=ANYTHING):
        """Return the code of an argument, in brackets if it is weaker than ``strength``."""
        text, its = self.operand(x) if isinstance(x, Operation) else self.value(x)
        return text if its >= strength else f"({text})"

    def index(self, x):
        """Return what stands between the brackets of ``a[...]``."""
        if isinstance(x, tuple) and x:
            parts = [self.code(part) if isinstance(part, tuple) else self.index(part) for part in x]
            return ", ".join(parts) + "," * (len(x) == 1)
        if isinstance(x, slice):
            ends = ["" if end is None else self.code(end) for end in (x.start, x.stop)]
            return ":".join(ends if x.step is None else [*ends, self.code(x.step)])
        return "..." if x is Ellipsis else self.code(x)

    # ----------------------------------------------------------------------------------- plain values
    def value(self, x):
        """Return the code of a value that is no operation, and its strength."""
        if isinstance(x, np.ndarray):
            return array_code(x), ATOM
        if isinstance(x, np.generic):
            return scalar_code(x), ATOM
        if isinstance(x, (int, float, complex)):  # a bool, too
            return number_code(x)
        if x is None or isinstance(x, str):
            return repr(x), ATOM
        if x is Ellipsis:
            return "...", ATOM
        if isinstance(x, Method):  # what overwrites its first argument
            return f"np.ndarray.{x.name}", ATOM
        if isinstance(x, range):
            return repr(x), ATOM
        if isinstance(x, slice):
            return f"slice({self.arguments((x.start, x.stop, x.step), {})})", ATOM
        if isinstance(x, (tuple, list)):
            inside = ", ".join(map(self.code, x))
            return (f"[{inside}]" if isinstance(x, list) else f"({inside}{',' * (len(x) == 1)})"), ATOM
        if isinstance(x, dict):
            return "{" + ", ".join(f"{self.code(k)}: {self.code(v)}" for k, v in x.items()) + "}", ATOM
        if isinstance(x, np.dtype):
            return dtype_code(x), ATOM
        return self.function(x), ATOM

    def function(self, x):
        """Return the code of a function: of NumPy's, of SciPy's, of ours; what else there is gets a name."""
        owner = getattr(x, "__self__", None)
        if isinstance(owner, np.ufunc):
            return f"{self.function(owner)}.{x.__name__}"
        if getattr(builtins, getattr(x, "__name__", ""), None) is x:
            return x.__name__
        path = public_path(x)
        if path is not None:
            if not path.startswith("np."):
                self.modules.add(path.rpartition(".")[0])
            return path
        if isinstance(x, type) and issubclass(x, Exception):  # one of ours is also one of Python's
            return next(kind.__name__ for kind in x.__mro__ if kind.__module__ == "builtins")
        if getattr(x, "__module__", "").partition(".")[0] == __name__.partition(".")[0]:
            self.helpers[x.__name__] = x
            return self.helper_name(x.__name__)
        return self.named(x)


def means_operator(function, args):
    """Say whether an operator does what a function does; ufuncs multiply complex scalars in a way of their own."""
    values = [x.value if isinstance(x, Operation) else x for x in args]
    if isinstance(function, np.ufunc) and not any(isinstance(x, np.ndarray) for x in values):
        return any(map(is_array, args)) and not any(np.iscomplexobj(x) for x in values)
    return True


def is_array(x):
    """Say whether an argument is an array or a scalar of NumPy, for which operators mean NumPy's functions."""
    return isinstance(x.value if isinstance(x, Operation) else x, (np.ndarray, np.generic))


def number_code(x):
    """Return the code of a number of Python, and its strength.

    >>> number_code(-0.5), number_code(math.inf)
    (('-0.5', 8), ('np.inf', 10))
    """
    if isinstance(x, complex):
        return f"complex({number_code(x.real)[0]}, {number_code(x.imag)[0]})", ATOM
    if isinstance(x, float) and not math.isfinite(x):
        return ("np.nan", ATOM) if x != x else ("np.inf", ATOM) if x > 0 else ("-np.inf", SIGN)
    return repr(x), SIGN if not isinstance(x, bool) and (x < 0 or str(x)[0] == "-") else ATOM


def scalar_code(x):
    """Return the code of a scalar of NumPy, all digits.

    >>> scalar_code(np.float32(0.1)), scalar_code(np.int64(3))
    ('np.float32(0.10000000149011612)', 'np.int64(3)')
    """
    return f"{dtype_code(x.dtype)}({number_code(x.item())[0]})"


def dtype_code(dtype):
    """Return the code of a dtype; of one in the machine's own order that of its scalars.

    >>> dtype_code(np.dtype("float32")), dtype_code(np.dtype(">f8"))
    ('np.float32', "np.dtype('>f8')")
    """
    name = "bool_" if dtype.kind == "b" else dtype.name
    own = dtype.isnative and hasattr(np, name) and np.dtype(getattr(np, name)) == dtype
    return f"np.{name}" if own else f"np.dtype({dtype.str!r})"


def array_code(x):
    """Return the code that makes an array, all digits; in the order in which its numbers lie in memory.

    >>> array_code(np.zeros((2, 3))), array_code(np.array([1.0, 0.1]))
    ('np.zeros((2, 3))', 'np.array([1.0, 0.1])')
    """
    dtype = "" if x.dtype == float else f", {dtype_code(x.dtype)}"
    axes = sorted(range(x.ndim), key=lambda k: -x.strides[k])  # from the slowest to the quickest
    lying = x.transpose(axes)
    if x.size and x.dtype.kind != "c" and not np.any(x) and not np.any(np.signbit(x) if x.dtype.kind == "f" else x):
        code = f"np.zeros({lying.shape}{dtype})"
    elif x.size > 3 and np.all(x == x.flat[0]) and not np.any(x == 0):
        code = f"np.full({lying.shape}, {number_code(x.flat[0].item())[0]}{dtype})"
    elif not x.size:
        code = f"np.zeros({lying.shape}{dtype})"
    else:
        numbers = iter([number_code(y)[0] for y in lying.ravel().tolist()])
        code = f"np.array({nested(lying.shape, numbers)}{'' if dtype_of_code(x) else dtype})"
    back = tuple(np.argsort(axes).tolist())
    return code if back == tuple(range(x.ndim)) else f"{code}.T" if back == (1, 0) else f"{code}.transpose{back}"


def dtype_of_code(x):
    """Say whether numbers that are written out give an array of this dtype by themselves."""
    return x.dtype in (np.dtype(int), np.dtype(bool), np.dtype(complex))


def nested(shape, numbers):
    """Return numbers as lists in lists."""
    if not shape:
        return next(numbers)
    return "[" + ", ".join([nested(shape[1:], numbers) for _ in range(shape[0])]) + "]"


NAMESPACES = {
    "np": np,
    "np.linalg": np.linalg,
    "np.fft": np.fft,
    "np.emath": np.emath,
    "np.lib.stride_tricks": np.lib.stride_tricks,
}


def public_path(x):
    """Return what NumPy's or SciPy's function or class is called, or None.

    >>> public_path(np.exp), public_path(np.linalg.solve), public_path(np.float32), public_path(print)
    ('np.exp', 'np.linalg.solve', 'np.float32', None)
    """
    name = getattr(x, "__name__", None)
    if name is None:
        return None
    for path, space in NAMESPACES.items():
        if getattr(space, name, None) is x:
            return f"{path}.{name}"
    path = name_of(x)
    module = sys.modules.get(path.rpartition(".")[0])
    return path if path.startswith("scipy.") and getattr(module, name, None) is x else None


def spoken_name(op):
    """Return what one calls the function of an operation: ``np.divide``, also for ``/``; of a compound one its own."""
    function = op.function
    if function is operator.getitem and isinstance(op.args[0].value, tuple) or function is part:
        return spoken_name(op.args[0])  # of a result with several parts
    group = op.within[-1].name if op.within and not op.within[-1].layer else ""
    if group in own_rows(len(ROWS)):
        return group
    if isinstance(function, (Method, Attribute)):
        name = f"ndarray.{function.name}"
    elif function is operator.getitem:
        name = "a[...]"
    elif function is overwritten:
        name = "Buffer"
    else:
        name = public_name(function)
    return f"{name}, in {group}" if group and group != name else name


@functools.lru_cache(maxsize=1)
def own_rows(length):
    """Return the names of the functions of ours that have a row of their own."""
    return {public_name(function) for function in ROWS if hasattr(function, "on_arrays")}


def after_writing(write, a, *args, **kwargs):
    """Return a copy of ``a`` after ``write`` has written into it."""
    y = np.array(a)
    write(y, *args, **kwargs)
    return y
