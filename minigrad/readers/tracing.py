"""Tracing: a function and its gradient are run once, on arrays that write down what is done to them.

The engine runs as it always does.  What is exchanged is the ndarray at the bottom of every Tensor, below all tapes: a
``Traced`` stands there.  So everything is seen, on the way forth and on the way back: masks, constants, nested
gradients.  (An outer tape would not see the constants, which go through all tapes down to the bottom.)
"""

import operator
import sys
from threading import get_ident

import numpy as np

from ..core.errors import user_line
from ..core.storage import Storage
from ..core.trees import at_leaves
from .memory import Memory
from .operations import Operation, Overwritten, TraceError, called, laid_like, part
from .traced import Traced

MOVING = frozenset(
    {"parameter", "argument", "data", "random"}
)  # kinds whose numbers are others in another run


class Trace:
    """What is being written down.

    Attributes
    ----------
    operations : list of Operation, so far
    phase : "forward" or "backward"
    thread : int, whose arrays write down; other threads may use the same parameters meanwhile, and get plain arrays
    follows : bool, whether Python may use the numbers themselves (the program is then right on this path only)
    whereabouts : Whereabouts
    pulled : on the way back (the Operation whose gradient is being worked out, the Rule, the Operation it is a rule of)
    """

    def __init__(self, whereabouts, follows=True):
        self.operations, self.phase, self.follows = [], "forward", follows
        self.whereabouts, self.memory, self.pulled = whereabouts, Memory(), (None, None, None)
        self.thread = get_ident()
        self.moving = set()  # ids of the operations that depend on what is given

    # -------------------------------------------------------------------------------- writing down
    def add(self, kind, function=None, args=(), kwargs=None, value=None):
        """Append an operation and return it."""
        op = Operation(kind, function, args, kwargs, value, self.phase)
        op.index = len(self.operations)
        self.operations.append(op)
        if kind in MOVING or any(id(x) in self.moving for x in op.inputs):
            self.moving.add(id(op))
        if self.phase == "forward":
            op.line, op.within = self.whereabouts.now(sys._getframe(1))
        else:
            op.of, op.rule, at = self.pulled
            op.line, op.within = (at.line, at.within) if at is not None else (None, ())
        self.memory.register(op)
        return op

    def given(self, kind, value):
        """Append an input and return the array that stands for it."""
        return self.stand_in(value, self.add(kind, value=value))

    def call(self, function, args, kwargs):
        """Run a function on the real numbers, append the operation and return what stands for its result."""
        value = function(*self.real(args), **self.real(kwargs))
        if get_ident() != self.thread:
            return value
        return self.stand_in(
            value, self.add("call", function, self.operands(args), self.operands(kwargs), value)
        )

    def own(self, f, args, kwargs):
        """Run a function that has a derivative of its own; return its value and its pullback, each one operation."""
        pair = f(*self.real(args), **self.real(kwargs))
        if not (isinstance(pair, tuple) and len(pair) == 2 and callable(pair[1])):
            return pair  # the caller complains
        op = self.add("call", f, self.operands(args), self.operands(kwargs), pair)
        back = self.add("call", operator.getitem, (op, 1), value=pair[1])
        value = self.stand_in(pair[0], self.add("call", operator.getitem, (op, 0), value=pair[0]))
        return value, lambda g: self.call(called, (back, g), {})

    def draw(self, generator, method, args, kwargs):
        """Draw random numbers, and append that."""
        value = method(generator, *self.real(args), **self.real(kwargs))
        if not isinstance(value, (np.ndarray, np.generic, float, int)):
            return value
        op = self.add("random", method, (generator, *self.operands(args)), self.operands(kwargs), value)
        op.generator = generator
        return self.stand_in(value, op)

    def stand_in(self, value, op):
        """Return what stands for the value of an operation; for each of its parts, if it is a tuple."""
        if isinstance(value, (tuple, list)):
            parts = [
                None if y is None else self.stand_in(y, self.add("call", part, (op, k), value=y))
                for k, y in enumerate(value)
            ]
            return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
        array = np.asarray(value)
        if array.dtype.kind not in "fciub":
            return value
        if array is not value:
            self.memory.know(array, op)  # a scalar: what np.asarray(t) will find
        y = array.view(Traced)
        y.operation, y.record = op, self
        return y

    def standing_in(self, x):
        """Return arguments with what stands for it in the place of every array."""
        return at_leaves(lambda y: self.stand_in(y, self.operand(y)) if type(y) is np.ndarray else y, x)

    # -------------------------------------------------------------------------------- operands
    def real(self, x):
        """Return arguments with the real numbers in the place of what stands for them."""
        return at_leaves(real, x)

    def operands(self, x):
        """Return arguments with an Operation in the place of every array."""
        return at_leaves(self.operand, x)

    def operand(self, x):
        if isinstance(x, Storage):
            x = x.data
        if not isinstance(x, np.ndarray):
            return x
        op, stray = None, False
        if isinstance(x, Traced):
            op, stray = x.operation, x.operation is None
            x = real(x) if stray else x
        if op is None:
            op = self.memory.find(x)
        if op is None:
            hidden = self.memory.hidden(x)
            if hidden is not None:
                self.ask_for(
                    hidden,
                    "a view that was made of a plain array (of np.asarray(t), t.data)",
                    "t[...] of a Tensor",
                )
            op = self.add("constant", value=x)
            if stray:
                self.moving.add(id(op))
                self.ask_for(
                    op,
                    "a method of ndarray, or a conversion, that was not seen",
                    "NumPy's functions on the Tensor",
                )
            return op
        if id(op) in self.memory.overwritten:
            self.ask_for(
                op, "an array that was overwritten through another view", "np.where, or a minigrad.Buffer"
            )
        return op

    # -------------------------------------------------------------------------------- writing into arrays
    def put(self, y, to):
        """Let ``to`` hold ``y``, the result of a function that was called with ``out=to``; return it."""
        if not isinstance(to, Traced) or get_ident() != self.thread:
            self.ask(y, "writing into a plain array, by out=", "y = f(...), which makes a new one")
            real(to)[...] = self.real(y)
            return to
        if (y.dtype, y.shape, y.strides) != (to.dtype, to.shape, to.strides):
            y = self.call(laid_like, (y, to), {})
        return self.rebind(to, y.operation)

    def overwrite(self, a, write, args, kwargs):
        """Call a function that writes into ``a``."""
        if get_ident() != self.thread:
            write(real(a), *self.real(args), **self.real(kwargs))
        elif isinstance(a, Traced):
            self.rebind(a, self.call(Overwritten(write), (a, *args), kwargs).operation)
        else:
            for x in (*args, *kwargs.values()):
                self.ask(x, "writing into a plain array", "np.where, or a minigrad.Buffer")
            write(a, *self.real(args), **self.real(kwargs))

    def rebind(self, a, op):
        self.memory.overwrite(a.operation)
        a.operation = op
        return a

    # -------------------------------------------------------------------------------- numbers for Python
    def ask(self, x, what, instead):
        """Note that Python uses the numbers of ``x`` themselves; or refuse it."""
        if isinstance(x, Traced) and get_ident() == self.thread:
            self.ask_for(x.operation or self.operand(x), what, instead)

    def depends(self, x):
        """Say whether an array depends on what is given: whether it is another one in another run."""
        return isinstance(x, Traced) and id(x.operation) in self.moving

    def ask_for(self, op, what, instead):
        if id(op) not in self.moving or op.asked:
            return
        op.asked = what
        if not self.follows:
            raise TraceError(refusal(what, user_line(), instead))


def real(x):
    """Return what there would be if nobody traced."""
    if isinstance(x, Traced):
        return np.ndarray.view(x, np.ndarray) if x.operation is None else x.operation.value
    return x.value if isinstance(x, Operation) else x


def refusal(what, where, instead):
    return (
        f"{what} ({where}): the program depends on the number itself, so it would be right for this one only. Write "
        f"{instead}"
    )
