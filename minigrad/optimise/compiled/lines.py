"""What is to be computed, as lines over memory: the first half of lowering a program.

The forms of a program (``PlainProgram`` of the readers) become ``Line``s, each of which fills a ``Buffer``.
Views are no lines: transposes, slices, broadcasts and most reshapes are another ``View`` of a buffer, found by trying
the function on an array that is laid out in the same way.  A line is of one of five kinds:

    loop      elementwise, written out inside of a loop          reduce    a sum, maximum or minimum, likewise
    product   a small matrix product, in loops of its own        numpy     an inner loop of NumPy's own (ufuncs.py)
    python    whatever else: a call from compiled code (calls.py)
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from . import ufuncs

CODES = {np.dtype(np.float32): "f4", np.dtype(float): "f8", np.dtype(bool): "b1", np.dtype(np.int64): "i8"}
SMALL_PRODUCT = 3000  # multiplications; above, NumPy's inner loop
LONG_SUM = 1000  # terms; from there on those in float32 are added up in float64

# The ufuncs that loops hold; all others are called.
TEXTS = {
    np.add: "({} + {})", np.subtract: "({} - {})", np.multiply: "({} * {})", np.divide: "({} / {})",
    np.negative: "(-{})", np.square: "({0} * {0})", np.absolute: "abs({})", np.sqrt: "sqrt({})",
    np.maximum: "maximum({}, {})", np.minimum: "minimum({}, {})", np.reciprocal: "({kind}(1) / {0})",
    np.where: "where({}, {}, {})", np.sign: "{kind}(sign({0}))", np.positive: "{}",
}  # fmt: skip
COMPARISONS = {
    np.greater: "({} > {})", np.less: "({} < {})", np.greater_equal: "({} >= {})", np.less_equal: "({} <= {})",
    np.equal: "({} == {})", np.not_equal: "({} != {})", np.isnan: "({0} != {0})", np.isinf: "(abs({}) == np.inf)",
    np.isfinite: "(abs({}) < np.inf)",
}  # fmt: skip
CONDITIONS = {
    np.logical_and: "({} & {})", np.bitwise_and: "({} & {})", np.logical_or: "({} | {})", np.bitwise_or: "({} | {})",
    np.logical_not: "(not {})", np.invert: "(not {})", np.positive: "{}", np.where: "where({}, {}, {})",
}  # fmt: skip


class NotLowered(Exception):
    """A program, or a part of it, of which no compiled code is made; the message says why."""


class Buffer:
    """Memory for one array.

    kind : "given" (parameters and data; ``index`` among them), "constant" (``array``), "made"
    strides : in elements; those of what is made are dense
    line : the Line that makes it
    """

    def __init__(self, kind, dtype, shape, strides, line=None, index=None, array=None):
        self.kind, self.dtype, self.shape, self.strides = kind, dtype, shape, strides
        self.line, self.index, self.array = line, index, array
        self.size = math.prod(shape)
        self.all = View(self, 0, shape, strides)


class View(NamedTuple):
    """A look at a buffer: where it begins, its shape and its strides, in elements."""

    buffer: Buffer
    offset: int
    shape: tuple
    strides: tuple

    @property
    def dtype(self):
        return self.buffer.dtype

    def is_all(self):
        return self == self.buffer.all


class Line:
    """One computation.

    kind, name : str; function : ufunc, np.where or np.matmul
    operands : list of Views and numbers; ``form`` of what is called in Python
    domain, order : what is looped over, axes of one element left out, in the order in which the elements lie in memory;
        and which axes of the operands these are
    axes : of a reduction, those of the domain that are summed over
    buffer : Buffer of the result, None for a Python object
    """

    def __init__(self, kind, form, operands=(), function=None):
        self.kind, self.name, self.form = kind, form.name, form
        self.operands, self.function = list(operands), function or form.function
        self.domain, self.order, self.axes, self.buffer = (), (), (), None

    def over(self, shape, strides):
        """Loop over this shape, in the order of these strides."""
        axes = [k for k, n in enumerate(shape) if n != 1]
        self.order = tuple(sorted(axes, key=lambda k: (-abs(strides[k]), k)))
        self.domain = tuple([shape[k] for k in self.order])
        self.rank = len(shape)
        return self

    def strides_of(self, view):
        """Return the strides of an operand along the domain."""
        missing = self.rank - len(view.shape)
        along = [0] * missing + [0 if n == 1 else s for n, s in zip(view.shape, view.strides)]
        return tuple([along[k] for k in self.order])

    def views(self):
        return [x for x in self.operands if isinstance(x, View)]

    def reads_in_place(self, view):
        """Whether this line meets an operand's elements one by one as the line that made them did."""
        made = view.buffer.line
        return (
            made is not None
            and made.kind == "loop"
            and view.offset == 0
            and self.domain == made.domain
            and self.strides_of(view) == made.strides_of(made.buffer.all)
        )


def dense(shape, strides, itemsize):
    """Return strides in elements in the order of the given ones, without gaps; C's order if there are none."""
    order = range(len(shape)) if strides is None else sorted(range(len(shape)), key=lambda k: (-abs(strides[k]), k))
    made, step = [0] * len(shape), 1
    for k in reversed(list(order)):
        made[k] = step
        step *= shape[k]
    return tuple(made)


def seen(function, x):
    """Return the view that a function gives of a view, or None if it gives no view."""
    ends = [(n - 1) * s for n, s in zip(x.shape, x.strides)]
    before = -sum(end for end in ends if end < 0)
    memory = np.empty(before + sum(end for end in ends if end > 0) + 1, x.dtype)
    size = x.dtype.itemsize
    array = np.lib.stride_tricks.as_strided(memory[before:], x.shape, [s * size for s in x.strides])
    try:
        y = function(array)
    except Exception:
        return None
    if not isinstance(y, np.ndarray) or y.dtype != x.dtype or not np.may_share_memory(y, memory):
        return None
    offset = (y.ctypes.data - array.ctypes.data) // size
    return View(x.buffer, x.offset + offset, y.shape, tuple([s // size for s in y.strides]))


class Lines:
    """The lines of a program, in order.

    of : dict, id of a form -> View; number; Line of Python whose result is no array; array that Python alone takes
    """

    def __init__(self, forms):
        self.lines, self.of, self.given = [], {}, []
        self.forms = forms.lines  # alive, so that their ids are theirs
        for form in forms.parameters + forms.data:
            self.give(form)
        for form in forms.lines:
            if id(form) not in self.of:
                self.of[id(form)] = getattr(self, form.kind)(form)
        loss = self.value(forms.loss)
        if not isinstance(loss, View) or loss.shape != () or loss.dtype.kind != "f":
            raise NotLowered("the loss is no floating-point number that depends on the parameters")
        self.loss = self.copied(forms.loss, loss, ()) if loss.buffer.kind != "made" else loss
        self.gradients = self.ends(forms)

    def ends(self, forms):
        """Return the views of the gradients, each laid out as its parameter in memory that is no other gradient's."""
        found = []
        for form, p in zip(forms.gradients, forms.parameters):
            if form is None:
                found.append(None)
                continue
            x, strides = self.value(form), self.of[id(p)].strides
            if isinstance(x, View) and x.shape != p.shape:
                raise NotLowered(f"the gradient of {p.name} is of another shape")
            if not (isinstance(x, View) or is_literal(x)) or np.dtype(p.dtype) not in CODES:
                raise NotLowered(f"the gradient of {p.name} is of a dtype that is not compiled")
            wanted = dense(p.shape, strides, 1)
            usable = isinstance(x, View) and x.buffer.kind == "made" and x.buffer.size == math.prod(p.shape)
            usable = usable and x.strides == wanted and x.dtype == p.dtype and x.buffer is not self.loss.buffer
            usable = usable and all(y is None or y.buffer is not x.buffer for y in found)
            found.append(x if usable else self.copied(p, x, p.shape, wanted, p.dtype))
        return found

    def value(self, x):
        return self.of[id(x)] if hasattr(x, "kind") else x

    def add(self, line, shape, strides, dtype):
        """Append a line that makes an array of elements of a compiled kind; return the View of it."""
        line.buffer = Buffer("made", np.dtype(dtype), tuple(shape), strides, line)
        self.lines.append(line)
        return line.buffer.all

    def copied(self, form, x, shape, strides=None, dtype=None):
        """Append a line that copies a view, or a number, into memory of its own; return the View of that."""
        dtype = np.dtype(dtype or x.dtype)
        strides = dense(shape, None, 1) if strides is None else strides
        return self.add(Line("loop", form, [x], np.positive).over(shape, strides), shape, strides, dtype)

    # --------------------------------------------------------------------------------------- the kinds of forms
    def give(self, form):
        dtype = np.dtype(form.dtype)
        if not isinstance(form.value, np.ndarray) or dtype not in CODES and form.kind == "parameter":
            raise NotLowered(f"{form.name} has the dtype {dtype}, which is not compiled")
        strides = tuple([s // dtype.itemsize for s in form.strides])
        if any(s % dtype.itemsize for s in form.strides):
            raise NotLowered(f"{form.name} is not aligned")
        form.value = None
        self.given.append(Buffer("given", dtype, form.shape, strides, index=len(self.given)))
        self.of[id(form)] = self.given[-1].all

    def constant(self, form):
        array, size = form.value, form.value.itemsize
        good = array.dtype in CODES and array.flags.aligned and array.size
        if not good or any(s % size for s in array.strides):
            return array  # for calls of Python alone
        strides = tuple([s // size for s in array.strides])
        return Buffer("constant", array.dtype, array.shape, strides, array=array).all

    def view(self, form):
        x = self.value(form.operands[0])
        if not isinstance(x, View):
            return self.python(form)
        found = seen(form.function, x)
        if found is None and x.dtype in CODES:  # a reshape of something that does not lie in order
            found = seen(form.function, self.copied(form, x, x.shape))
        return found if found is not None and found.shape == form.shape else self.python(form)

    def elementwise(self, form):
        operands = list(map(self.value, form.operands))
        if not all(isinstance(x, View) or is_literal(x) for x in operands) or not is_compiled(form):
            return self.python(form)
        strides = dense(form.shape, form.strides, 1)
        kind = "loop" if has_text(form.function, operands, form.dtype) else "numpy"
        line = Line(kind, form, operands).over(form.shape, strides)
        if kind == "numpy":
            line.loop = ufuncs.number_of_loop(form.function, [type_in(x) for x in operands], form.dtype)
            if line.loop is None or any(isinstance(x, View) and x.dtype not in CODES for x in operands):
                return self.python(form)
            line.loop_dtype = next(x.dtype for x in operands if isinstance(x, View))
            line.operands = [self.in_line(line, form, x, strides) for x in operands]
        return self.add(line, form.shape, strides, form.dtype)

    def in_line(self, line, form, x, strides):
        """Return an operand through which an inner loop of NumPy can go in equal steps: a copy if need be."""
        if not isinstance(x, View) or stride_through(line.domain, line.strides_of(x)) is not None:
            return x
        return self.copied(form, x, form.shape, strides)

    def reduce(self, form):
        x = self.value(form.operands[0])
        if not isinstance(x, View) or not is_compiled(form) or x.dtype not in CODES or not x.buffer.size:
            return self.python(form)
        if form.dtype.kind == "b" or form.function is not np.add and (form.dtype != x.dtype or x.dtype.kind != "f"):
            return self.python(form)
        line = Line("reduce", form, [x]).over(x.shape, x.strides)
        line.axes = tuple([d for d, k in enumerate(line.order) if k in form.axes])
        terms = math.prod([x.shape[k] for k in form.axes])
        long = form.function is np.add and form.dtype == np.float32 and terms > LONG_SUM
        y = self.add(line, form.shape, dense(form.shape, None, 1), np.float64 if long else form.dtype)
        return self.copied(form, y, form.shape, dtype=form.dtype) if long else y

    def product(self, form):
        operands = list(map(self.value, form.operands))
        if form.dtype.kind != "f" or not is_compiled(form) or not all(isinstance(x, View) for x in operands):
            return self.python(form)
        line = Line("product", form, operands).over(form.shape, dense(form.shape, None, 1))
        if math.prod(form.shape) * operands[0].shape[-1] > SMALL_PRODUCT:
            line.kind, line.loop = "numpy", ufuncs.number_of_loop(np.matmul, [form.dtype] * 2, form.dtype)
            line.operands = [x if fits_product(x) else self.copied(form, x, x.shape) for x in operands]
            if line.loop is None:
                return self.python(form)
        return self.add(line, form.shape, dense(form.shape, None, 1), form.dtype)

    def random(self, form):
        """Draw into memory; rows.py says by whom."""
        return self.python(form)

    def python(self, form):
        """Append a call; return the View of its result, or the line itself where that is no array of our kinds."""
        operands = [x for x in map(self.value, form.operands) if isinstance(x, (View, Line))]
        line = Line("python", form, operands, form.call)
        if is_compiled(form):
            return self.add(line, form.shape, dense(form.shape, None, 1), form.dtype)
        self.lines.append(line)
        return line


def is_literal(x):
    return isinstance(x, (int, float, np.number, np.bool_))


def is_compiled(form):
    """Whether a form gives an array of a dtype that compiled code takes, native, with something in it."""
    return form.shape is not None and form.dtype in CODES and math.prod(form.shape) > 0


def type_in(x):
    """Return the dtype of a View or a scalar; of a number its type, which promotes weakly."""
    return x.dtype if isinstance(x, (View, np.generic)) else type(x)


@functools.lru_cache(maxsize=None)
def example(kind):
    return np.zeros(1, kind) if isinstance(kind, np.dtype) else kind(1)


def computed_in(function, operands, dtype):
    """Return the dtype in which a ufunc computes."""
    if dtype.kind == "b" and function in COMPARISONS:
        return np.result_type(*[example(type_in(x)) for x in operands])
    return dtype


def template_of(function, operands, dtype):
    """Return the template of a ufunc's text, and the dtypes that its operands are cast to; None without one."""
    inside = computed_in(function, operands, dtype)
    if inside not in CODES:
        return None
    casts = [inside] * len(operands)
    if function is np.where:
        if type_in(operands[0]) != np.dtype(bool):
            return None
        casts[0] = np.dtype(bool)
    table = TEXTS if dtype.kind != "b" else CONDITIONS if inside.kind == "b" else COMPARISONS
    if dtype.kind == "b" and function is np.positive and type_in(operands[0]) != dtype:
        return ("({} != 0)", [operands[0].dtype]) if isinstance(operands[0], View) else None
    if inside.kind == "b" and any(type_in(x) not in (np.dtype(bool), bool) for x in operands):
        return None
    if dtype.kind == "i" and function in (np.divide, np.reciprocal, np.sqrt, np.sign):
        return None
    return (table[function], casts) if function in table else None


def has_text(function, operands, dtype):
    found = template_of(function, operands, dtype)
    return found is not None and all(not isinstance(x, View) or x.dtype in CODES for x in operands)


def stride_through(domain, strides):
    """Return the one stride, in elements, with which to go through all of a domain; None if there is no such."""
    if not any(strides):
        return 0
    if len(domain) == 1:
        return strides[0]
    return 1 if strides == dense(domain, None, 1) else None


def fits_product(x):
    """Whether BLAS takes a view as it is: rows or columns without gaps."""
    if len(x.shape) == 1:
        return x.strides[0] >= 1 or x.shape[0] == 1
    (m, n), (s, t) = x.shape, x.strides
    return (t == 1 or n == 1) and s >= n or (s == 1 or m == 1) and t >= m
