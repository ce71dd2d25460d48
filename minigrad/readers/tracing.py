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
from ..core.tape import WRITE_A_COPY
from ..core.trees import at_leaves
from .memory import Memory
from .operations import GIVEN, Operation, Overwritten, TraceError, called, laid_like, operations_in, part
from .traced import CHOICE, ITSELF, Traced
from .whereabouts import is_handed

COMPUTED = np.ndarray, np.generic, bool, int, float, complex
CAUGHT = ArithmeticError, np.linalg.LinAlgError, Warning  # what a computation raises because of its numbers
MOVING = frozenset({"parameter", "argument", "data", "random"})  # kinds whose numbers are others in another run


class Trace:
    """What is being written down.

    Attributes
    ----------
    operations : list of Operation, so far
    phase : "forward" or "backward"
    thread : int, whose arrays write down; other threads may use the same parameters meanwhile, and get plain arrays;
        None when the trace is over, and what has got out of it computes as arrays do
    inside : int, how many functions run whose own calls are not written down (NumPy's, @adjoint ones of the user's)
    follows : bool, whether Python may use the numbers themselves (the program is then right on this path only)
    whereabouts : Whereabouts
    unseen : Unseen, which watches generators of random numbers
    pulled : on the way back (the Operation whose gradient is being worked out, the Rule, the Operation it is a rule of)
    """

    def __init__(self, whereabouts, follows=True):
        self.operations, self.phase, self.follows = [], "forward", follows
        self.whereabouts, self.memory, self.pulled = whereabouts, Memory(), (None, None, None)
        self.thread, self.inside = get_ident(), 0
        self.moving = set()  # ids of the operations that depend on what is given
        self.looked_at = []  # operations whose numbers Python used, and that depend on constants alone
        self.handed = set()  # ids of the constants that the user's code handed over; the others our rows have made

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
        if self.inside or get_ident() != self.thread:
            self.out_of_sight((args, kwargs))
            return function(*self.real(args), **self.real(kwargs))
        value = self.alone(function, args, kwargs)
        return self.stand_in(value, self.add("call", function, self.operands(args), self.operands(kwargs), value))

    def alone(self, function, args, kwargs):
        """Call a function on the real numbers; what it does in its turn is not written down."""
        self.inside += 1
        try:
            return function(*self.real(args), **self.real(kwargs))
        except CAUGHT as error:
            if self.phase == "forward":  # if the user's code catches it, the program goes where others would not
                self.blame((args, kwargs), f"catching a {type(error).__name__}", CHOICE)
            raise
        finally:
            self.inside -= 1

    def own(self, f, args, kwargs):
        """Run a function that has a derivative of its own; return its value and its pullback, each one operation."""
        pair = self.alone(f, args, kwargs)
        if not (isinstance(pair, tuple) and len(pair) == 2 and callable(pair[1])):
            return pair  # the caller complains
        op = self.add("call", f, self.operands(args), self.operands(kwargs), pair)
        back = self.add("call", operator.getitem, (op, 1), value=pair[1])
        value = self.stand_in(pair[0], self.add("call", operator.getitem, (op, 0), value=pair[0]))
        return value, lambda g: self.call(called, (back, g), {})

    def draw(self, generator, method, args, kwargs):
        """Draw random numbers, and append that."""
        self.unseen.before(generator)
        value = method(generator, *self.real(args), **self.real(kwargs))
        self.unseen.after(generator)
        if self.inside or not isinstance(value, (np.ndarray, np.generic, float, int)):
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
        if isinstance(value, COMPUTED):
            return Traced(op, self)
        if value is not None or not is_ours(op.function):  # else a check
            for x in op.inputs:
                self.ask_for(x, "what a function made of it that is no array", ITSELF)
        return value

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
        if isinstance(x, Traced) and x.record is not self:  # of a trace that is over, or another thread's
            x = np.asarray(real(x))
        op = x.operation if isinstance(x, Traced) else self.memory.find(x)
        if op is None:
            hidden = self.memory.hidden(x)
            if hidden is not None:
                self.ask_for(
                    hidden, "a view that was made of a plain array (of np.asarray(t), t.data)", "t[...] of a Tensor"
                )
            op = self.add("constant", value=x)
            if is_handed(x, sys._getframe(1)):
                self.handed.add(id(op))
            return op
        if id(op) in self.memory.overwritten:
            self.ask_for(op, "an array that was overwritten through another view", "np.where, or a minigrad.Buffer")
        return op

    # -------------------------------------------------------------------------------- writing into arrays
    def put(self, y, to):
        """Let ``to`` hold ``y``, the result of a function that was called with ``out=to``; return it."""
        if not isinstance(to, Traced) or self.inside or get_ident() != self.thread:
            self.ask(y, "writing into a plain array, by out=", "y = f(...), which makes a new one")
            real(to)[...] = self.real(y)
            return to
        if (y.dtype, y.shape, y.strides) != (to.dtype, to.shape, to.strides):
            y = self.call(laid_like, (y, to), {})
        return self.rebind(to, y.operation)

    def overwrite(self, a, write, args, kwargs):
        """Call a function that writes into ``a``."""
        if self.inside or get_ident() != self.thread:
            self.out_of_sight((a, args, kwargs))
            write(real(a), *self.real(args), **self.real(kwargs))
        elif isinstance(a, Traced):
            self.rebind(a, self.call(Overwritten(write), (a, *args), kwargs).operation)
        else:
            for x in (*args, *kwargs.values()):
                self.ask(x, "writing into a plain array", "np.where, or a minigrad.Buffer")
            write(a, *self.real(args), **self.real(kwargs))

    def rebind(self, a, op):
        if self.memory.is_lent(a.operation):
            raise ValueError(f"assignment destination is read-only{WRITE_A_COPY}")
        if a.operation.kind in GIVEN:
            self.ask_for(a.operation, "writing into an array from outside of the function", "into a copy of it")
        self.memory.overwrite(a.operation)
        a.operation = op
        return a

    # -------------------------------------------------------------------------------- numbers for Python
    def ask(self, x, what, instead):
        """Note that Python uses the numbers of ``x`` themselves; or refuse it."""
        if isinstance(x, Traced):
            self.ask_for(x.operation, what, instead)

    def depends(self, x):
        """Say whether an array depends on what is given: whether it is another one in another run."""
        return isinstance(x, Traced) and id(x.operation) in self.moving

    def ask_for(self, op, what, instead):
        if self.thread is None:
            return
        if id(op) not in self.moving:
            self.looked_at.append(op)
            return
        op.asked, op.instead = op.asked or what, op.instead or instead
        if not self.follows and get_ident() == self.thread:
            raise TraceError(refusal(what, user_line(), instead))

    def blame(self, x, what, instead):
        """The same for all that there is in arguments, without a refusal: that comes at the end."""
        for op in operations_in(at_leaves(lambda y: y.operation if isinstance(y, Traced) else y, x)):
            if id(op) in self.moving and self.thread is not None:
                op.asked, op.instead = op.asked or what, op.instead or instead

    def out_of_sight(self, x):
        """Note that arguments are used where nothing is written down."""
        here = get_ident() == self.thread
        what = "a function that is called by another one" if here else "another thread"
        self.blame(x, f"{what}, where nobody sees what is done with it", "that into the function itself")


def real(x):
    """Return what there would be if nobody traced."""
    if isinstance(x, Traced):
        return x.operation.value
    return x.value if isinstance(x, Operation) else x


def is_ours(function):
    return (getattr(function, "__module__", None) or "").partition(".")[0] == __name__.partition(".")[0]


def refusal(what, where, instead):
    return (
        f"{what} ({where}): the program depends on the number itself, so it would be right for this one only. Write "
        f"{instead}"
    )
