"""What a program is made of: operations, each a value and where it came from.

    operation.value == operation.function(*arguments, **keywords)

holds for every one that is computed, whatever it was in the user's code: a function of NumPy, an operator, a method, an
element of a tuple.  Where an operation has another one among its arguments, that one's value is meant.
"""

from typing import Any, NamedTuple

import numpy as np

from ..core.errors import MinigradError
from ..core.trees import leaves

GIVEN = frozenset({"parameter", "argument", "data", "constant", "seed"})  # kinds that are not computed


class TraceError(MinigradError, TypeError):
    """A program cannot be made, or not be run again: the message says where and what to write instead.

    >>> issubclass(TraceError, TypeError)
    True
    """


class Line(NamedTuple):
    """A line of the user's code.

    >>> Line("loss.py", 6, "h = np.tanh(W @ x + b)").number
    6
    """

    file: str
    number: int
    code: str


class Rule(NamedTuple):
    """What a line of the way back belongs to: a function of the table, and the argument whose gradient this is.

    >>> print(Rule("np.tanh", "x"))
    np.tanh, by x
    """

    function: str
    argument: str

    def __str__(self):
        return f"{self.function}, by {self.argument}" if self.argument else self.function


class Group(NamedTuple):
    """One run of a compound function or of a layer, whose operations belong together.

    name : "softmax", "Dense"
    path : what the model calls the layer, "model.layers[0]"; "" where it does not know it
    number : tells apart several runs of one function
    layer : bool, whether it is an object, or a function
    """

    name: str
    path: str
    number: int
    layer: bool


class Method(NamedTuple):
    """The function that calls a method of its first argument.

    >>> Method("reshape")(np.arange(4), 2, 2).shape
    (2, 2)
    """

    name: str

    def __call__(self, a, *args, **kwargs):
        return getattr(a, self.name)(*args, **kwargs)


class Attribute(NamedTuple):
    """The function that reads an attribute of its argument.

    >>> Attribute("real")(3 + 4j)
    3.0
    """

    name: str

    def __call__(self, a):
        return getattr(a, self.name)


class Overwritten(NamedTuple):
    """The function that returns a copy of its first argument after something has been written into it.

    write : function that overwrites its first argument

    >>> Overwritten(Method("__setitem__"))(np.zeros(2), 0, 5.0)
    array([5., 0.])
    """

    write: object

    def __call__(self, a, *args, **kwargs):
        y = np.array(a)
        self.write(y, *args, **kwargs)
        return y


def same(x):
    """Return ``x``: the operation of a gradient that goes on as it is."""
    return x


def laid_like(x, a):
    """Return ``x`` in the shape, the dtype and the order in memory of ``a``: what writing it into ``a`` gives.

    Sums depend on the order, in their last digit.
    """
    y = np.empty_like(a)
    y[...] = x
    return y


def part(x, k):
    """Return part ``k`` of a result that has several."""
    return x[k]


def called(f, *args):
    """Return ``f(*args)``: the operation of a function that is itself a result (a pullback of the user's own)."""
    return f(*args)


class Operation:
    """One value of a program and where it came from: an input, or a call.

    Attributes
    ----------
    index : int, its place in the program: ``program[op.index] is op``
    name : str, what the listing and the source call it: ``W``, ``v5``, ``d_v4``
    kind : str
        "parameter", "argument"   what the program is differentiated by
        "data"                    what it is handed besides
        "constant"                an array from outside, captured by identity: ``value`` is the user's own
        "seed"                    the number one with which the way back begins
        "random"                  drawn from ``generator``
        "call"                    computed
    function, args, kwargs : of a call; an Operation among the arguments (in tuples, lists, slices too) means its value
    generator : the numpy.random.Generator of a "random" one, else None
    value : what it was: an ndarray, a scalar of NumPy, a tuple of them
    inputs : list of the Operations among the arguments, in order; one that is used twice stands there twice
    shape, dtype : of the value; None for a tuple
    gradient : the Operation that is the gradient of the loss by this value, or None
    phase : "forward" or "backward"
    line : Line of the user's code, or None; on the way back that of the operation whose rule this is
    rule : Rule on the way back, else None
    of : Operation on the way back: the one of whose gradient this is a part; else None
    within : tuple of Groups, the outermost first: the compound functions and layers that it is part of
    result : bool, whether it is what a whole function gave, or a whole vjp: not a step inside of one
    asked : str, "" or what Python did with the number itself (``an if``): the program is right on this path only
    instead : str, what to write in the place of that
    """

    __slots__ = (
        *("index", "name", "kind", "function", "args", "kwargs", "generator", "value", "gradient", "inputs"),
        *("phase", "line", "rule", "of", "within", "asked", "instead", "result"),
    )

    def __init__(
        self, kind: str, function: Any = None, args: Any = (), kwargs: Any = None, value: Any = None, phase="forward"
    ) -> None:
        self.kind, self.function, self.args, self.kwargs = kind, function, args, kwargs or {}
        self.value, self.phase, self.inputs = value, phase, operations_in((args, self.kwargs))
        self.index, self.name, self.within, self.result = -1, "", (), False
        self.asked = self.instead = ""
        none: Any = None
        self.generator = self.gradient = self.line = self.rule = self.of = none

    shape = property(lambda self: None if isinstance(self.value, (tuple, list)) else np.shape(self.value))
    dtype = property(lambda self: None if isinstance(self.value, (tuple, list)) else np.asarray(self.value).dtype)

    def __repr__(self):
        of = getattr(self.function, "__name__", None) or getattr(self.function, "name", "")
        return f"<{self.name or self.kind}: {self.kind}{f' of {of}' if of else ''}, {self.shape}>"


def operations_in(x):
    """Return the Operations in ``x``, which may be a container."""
    return [leaf for leaf in leaves(x) if isinstance(leaf, Operation)]
