"""The operations of a program in the few forms that a compiler takes.

Users' code and the rows of the table call NumPy in many ways: ``np.add``, ``+``, ``np.sum``, ``np.add.reduce``, the
method ``sum``.  Here each operation becomes a ``Form`` of one of few kinds, plain data that knows nothing of programs:

    parameter, data, constant   what is given
    random                      drawn from a generator
    elementwise                 a ufunc of NumPy, ``np.where``, or the copy (np.positive) that casts
    view                        a function of one array that as a rule only looks at it in another way
    reduce                      np.add, np.maximum or np.minimum over some axes
    product                     the matrix product of one or two axes each
    python                      whatever else: a call
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..core.trees import at_leaves, leaves
from ..derivatives.elementwise import where_true_of_others
from ..derivatives.reductions import filled
from .operations import Attribute, Method, Operation, laid_like, same

UFUNCS = {
    **{operator.add: np.add, operator.sub: np.subtract, operator.mul: np.multiply},
    **{operator.truediv: np.divide, operator.neg: np.negative},
}
POWERS = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal, 1: np.positive}  # what NumPy's ``**`` is for these numbers
REDUCING = {
    **{np.sum: np.add, np.add.reduce: np.add, Method("sum"): np.add},
    **{np.max: np.maximum, np.maximum.reduce: np.maximum, Method("max"): np.maximum},
    **{np.min: np.minimum, np.minimum.reduce: np.minimum, Method("min"): np.minimum},
}
MEANS = np.mean, Method("mean")
LOOKING = {
    *(np.reshape, np.ravel, np.transpose, np.swapaxes, np.moveaxis, np.rollaxis, np.expand_dims, np.squeeze, np.flip),
    *(np.broadcast_to, np.diagonal, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.real, np.rot90),
    *map(Method, ("reshape", "ravel", "flatten", "transpose", "swapaxes", "squeeze", "diagonal", "conj", "conjugate")),
    *map(Attribute, ("T", "mT", "real")),
}
COPYING = np.copy, Method("copy"), same, np.positive, np.conjugate


class Form:
    """One value of a program, and how it is made.

    Attributes
    ----------
    kind : str, see above
    name : str, that of the operation
    function : of an elementwise one, a view or a reduction, a product (np.matmul)
    operands : tuple of PlainProgram and numbers that the function is called with
    call, args, kwargs : how Python makes it, whatever its kind; PlainProgram in the place of arrays, nested as they are
    axes : tuple, of a reduction
    value : of something given, the array that it was; of others, None
    shape, dtype, strides : of what it gives; None where that is no array
    code : str, what the reader of a list of calls is shown
    """

    __slots__ = tuple("kind name function operands call args kwargs axes value shape dtype strides code".split())

    def __init__(self, kind, op, function=None, operands=(), shape=None, dtype=None):
        self.kind, self.name, self.function, self.operands = kind, op.name, function, tuple(operands)
        self.call, self.args, self.kwargs, self.axes, self.value = function, self.operands, {}, (), None
        called = getattr(op.function, "__name__", None) or getattr(op.function, "name", "f")
        self.code = f"{op.name or '_'} = {called}(...)"
        of_array = isinstance(op.value, (np.ndarray, np.generic, float, int))
        self.shape = op.shape if shape is None and of_array else shape
        self.dtype = op.dtype if dtype is None and of_array else dtype
        self.strides = op.value.strides if isinstance(op.value, np.ndarray) else None


class PlainProgram:
    """A program as PlainProgram.

    Attributes
    ----------
    lines : list of Form, in order
    parameters, data : lists of Form, what it is given
    loss : Form, or a number
    gradients : list with a Form or None per parameter
    """

    def __init__(self, program: Any) -> None:
        self.lines: list[Form] = []
        self.of: dict[int, Any] = {}
        for op in program.operations:
            self.of[id(op)] = form = self.formed(op)
            if isinstance(form, Form) and (not self.lines or form is not self.lines[-1]):
                self.lines.append(form)
        self.parameters, self.data = map(self.all_of, (program.inputs, program.data))
        self.loss, self.gradients = self.operand(program.loss), self.all_of(program.gradients)

    def all_of(self, operations):
        return [None if op is None else self.operand(op) for op in operations]

    def operand(self, x):
        return self.of[id(x)] if isinstance(x, Operation) else x

    def add(self, *args, **kwargs):
        self.lines.append(Form(*args, **kwargs))
        return self.lines[-1]

    def formed(self, op: Operation) -> Any:
        """Return the form of an operation: a new one, an earlier one that is the same, or a number."""
        if op.kind in ("parameter", "argument", "data", "constant"):
            form = Form(op.kind if op.kind != "argument" else "parameter", op)
            form.value = op.value
            return form
        if op.kind == "seed":
            return op.value
        if op.kind == "random" or op.value is None or not isinstance(op.value, (np.ndarray, np.generic)):
            return self.python(op)
        args = tuple(map(self.operand, op.args))
        form = self.computed(op, UFUNCS.get(op.function, op.function), args, op.kwargs)
        return self.python(op) if form is None else self.called(form, op)

    def called(self, form, op):
        """Let a form know the call that it was."""
        form.call = op.function
        form.args, form.kwargs = at_leaves(self.operand, op.args), at_leaves(self.operand, op.kwargs)
        return form

    def computed(self, op, function, args, kwargs) -> Any:
        """Return the form of a call that a compiler may take; None for another one."""
        if function in REDUCING or function in MEANS:
            return self.reduced(op, function, args, **kwargs)
        if function in LOOKING or function is operator.getitem and not any(map(has_array, op.args[1:])):
            return self.view(op, args[0], lambda a, f=op.function, more=op.args[1:], kw=kwargs: f(a, *more, **kw))
        if kwargs:
            return None
        if function in COPYING or function == Method("astype"):
            return self.elementwise(op, np.positive, args[:1])
        if function is operator.pow:
            known = POWERS.get(args[1]) if isinstance(args[1], (int, float)) else None
            return self.elementwise(op, known, args[:1]) if known else self.elementwise(op, np.power, args)
        if function is where_true_of_others:
            return self.elementwise(op, np.where, (*args, 0))
        if function is np.where and len(args) == 3 or takes_elements(function) and len(args) == function.nin:
            return self.elementwise(op, function, args)
        if function is laid_like:
            return self.elementwise(op, np.positive, args[:1])
        if function is filled:
            x = args[0] if isinstance(args[0], Form) else args[0].item()
            return self.elementwise(op, np.positive, (x,))
        return self.product(op, function, args)

    def elementwise(self, op, function, operands):
        if not all(isinstance(x, (Form, int, float, np.number, np.bool_)) for x in operands):
            return None
        return Form("elementwise", op, function, operands)

    def view(self, op, x, function):
        if not isinstance(x, Form) or x.dtype != op.dtype:
            return None
        return Form("view", op, function, (x,))

    def reduced(self, op, function, args, axis=None, keepdims=False, dtype=None, out=None, **more):
        if function in (np.add.reduce, np.maximum.reduce, np.minimum.reduce) and "axis" not in op.kwargs:
            axis = 0
        x, axis = args[0], (args[1] if len(args) > 1 else axis)
        if more or out is not None or dtype is not None or len(args) > 2 or not isinstance(x, Form) or x.shape is None:
            return None
        axes = range(len(x.shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        axes = tuple(sorted(k % max(1, len(x.shape)) for k in axes if x.shape))
        form = Form("reduce", op, REDUCING.get(function, np.add), (x,))
        form.axes = axes
        if function not in MEANS:
            return form
        if op.dtype.kind != "f":
            return None
        form.call = lambda x: np.add.reduce(x, axis=axes, keepdims=keepdims)
        self.lines.append(form)
        return Form("elementwise", op, np.divide, (form, int(np.prod([x.shape[k] for k in axes]))))

    def product(self, op, function, args):
        if len(args) != 2 or not all(isinstance(x, Form) and x.dtype == op.dtype for x in args):
            return None
        a, b = args
        if function is np.vdot and a.shape == b.shape and op.dtype.kind == "f":
            both = self.add("elementwise", op, np.multiply, args, a.shape, op.dtype)
            both.strides = None
            form = Form("reduce", op, np.add, (both,))
            form.axes = tuple(range(len(a.shape)))
            return form
        few = len(a.shape) in (1, 2) and len(b.shape) in (1, 2)
        return Form("product", op, np.matmul, args) if few and function in (np.matmul, np.dot, Method("dot")) else None

    def python(self, op):
        form = self.called(Form("random" if op.kind == "random" else "python", op, op.function), op)
        form.value = op.generator
        form.operands = tuple([x for x in leaves((form.args, form.kwargs)) if isinstance(x, Form)])
        return form


def has_array(x):
    """Say whether there is an array, or an operation, somewhere in an index."""
    listed = isinstance(x, list) or isinstance(x, tuple) and any(isinstance(y, list) for y in x)
    return listed or any(isinstance(y, (Operation, np.ndarray)) for y in leaves(x))


def takes_elements(function):
    return isinstance(function, np.ufunc) and function.signature is None and function.nout == 1
