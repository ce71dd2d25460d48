"""The Program: a computation, forward and backward, as a value that can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .drawing import svg
from .listing import listing
from .operations import Operation
from .page import html, in_notebook
from .passes import simplified
from .pickling import flattened, restored
from .source import Lines, source
from .wording import public_path


class Program:
    """A function and its gradient, written down once as they were computed.

    ``trace`` makes it.  It is a sequence of Operations in the order in which they ran: what went in, the way forward,
    the way back.

    Attributes
    ----------
    name : str, what the function is called
    operations : list of Operation
    inputs : list of Operation, what is differentiated: the parameters, or the leaves of the arguments, in order
    data : list of Operation, further arguments that are not differentiated
    loss : Operation or, where it depends on no operation, a number
    gradients : list with one Operation per input, None where the loss does not depend on it
    constants : dict, name -> the user's own array, of those that are further arguments of the source
    asked : list of Operation whose number Python itself used, in an ``if`` or an index: there the program follows this
        path only, and ``source`` refuses it
    error : the exception that ended the program before its end, or None

    ``t[5]`` is an operation, ``t["v5"]`` the one of that name, ``t.find("np.exp")`` the list of those of a function;
    ``len``, iteration and slices are those of the list.  A Program can be pickled.

    >>> import numpy as np; from minigrad import trace
    >>> t = trace(lambda x: np.sum(np.tanh(x) ** 2), np.array([0.5, -1.0]))
    >>> t["v1"].function, t["v1"].gradient.name, len(t.find("np.tanh"))
    (<ufunc 'tanh'>, 'd_v1', 1)
    """

    def __init__(self, name, operations, inputs, data=(), loss=None, gradients=(), error=None):
        self.name, self.operations, self.inputs, self.data = name, operations, inputs, list(data)
        self.loss, self.gradients, self.error = loss, list(gradients), error
        for index, operation in enumerate(operations):
            operation.index = index

    asked = property(lambda self: [op for op in self.operations if op.asked])

    @property
    def constants(self) -> dict[str, Any]:
        lines = Lines(self)
        lines.of("forward"), lines.of("backward")
        return lines.constants()

    def __len__(self) -> int:
        return len(self.operations)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def __getitem__(self, which: Any) -> Any:
        if isinstance(which, str):
            found = next((op for op in self.operations if op.name == which), None)
            if found is None:
                raise KeyError(which)
            return found
        return self.operations[which]

    def find(self, what: Any) -> list[Operation]:
        """Return the list of operations that call a function (``"np.exp"``, ``"exp"``, np.exp itself), or are part of a
        compound function or layer (``"softmax"``, ``"model.layers[0]"``).

        >>> import numpy as np; from minigrad import trace
        >>> [op.name for op in trace(lambda x: np.exp(x) * np.exp(-x), 1.0).find("np.exp")]
        ['v1', 'v3']
        """
        return [op for op in self.operations if is_of(op, what)]

    def listing(self, opened: bool | str = False) -> str:
        """Return the text that ``print(t)`` shows.

        opened : True for the lines of all compound functions and layers, loops unfolded; or the name of one, "softmax"
            or "model.layers[0]"
        """
        return listing(self, opened)

    __str__ = listing

    def __repr__(self) -> str:
        return f"<Program of {self.name}: {len(self)} operations>"

    def svg(self) -> str:
        """Return the program as a picture, text in SVG, with layers, functions and loops closed."""
        return svg(self)

    def html(self) -> str:
        """Return a page in HTML: the graph, whose boxes open, beside the listing, both to be walked through."""
        return html(self)

    def _repr_html_(self) -> str:
        return in_notebook(self)

    def source(self, simplify: bool = False, step: Any = None) -> str:
        """Return the function and its gradient as NumPy code that can be run by itself.

            loss, (d_W, d_b) = loss_and_gradients(W, b, *t.constants.values())

        Parameters
        ----------
        simplify : bool, leave out what changes nothing; the numbers are then the same to rounding, else bit for bit
        step : an optimiser, whose formulas are written out below: ``first_state(W, b)`` makes what it keeps, and
            ``loss, (W, b), state = training_step(W, b, *t.constants.values(), state)`` is one step of ``update_``

        Raises TraceError where Python has used the numbers themselves (an ``if``), and the program is right on this
        path only; for an optimiser whose step is no formula TypeError.

        >>> from minigrad import trace
        >>> print(trace(lambda x: x**2, 3.0).source(simplify=True))
        import numpy as np
        <BLANKLINE>
        <BLANKLINE>
        def loss_and_gradients(x):
            x = np.float64(x)
            # forward
            loss = x ** 2                                               # 1: print(trace(lambda x: x**2, 3.0)...
            # backward
            d_x = x + x                                                 # np.power, by a
            return loss, (d_x,)
        """
        if simplify:
            return source(self.simplified(), step, products=True, constants=self.constants)
        return source(self, step)

    def simplified(self, fixed: Callable[[Operation], bool] = lambda constant: True) -> Program:
        """Return a program of fewer operations that gives the same numbers, to rounding.

        ``fixed`` says of a constant whether it will never hold other numbers; the readers' texts write them out.

        >>> import numpy as np; from minigrad import trace
        >>> t = trace(lambda x: np.sum(x * 1.0), np.ones(3))
        >>> len(t), len(t.simplified())
        (6, 3)
        """
        ends = [op for op in [self.loss, *self.gradients] if isinstance(op, Operation)]
        operations, of = simplified(self.operations, ends, fixed)
        gradients = [None if g is None else of(g) for g in self.gradients]
        program = Program(
            self.name, operations, list(map(of, self.inputs)), map(of, self.data), of(self.loss), gradients, self.error
        )
        for old in self.operations:
            if old.gradient is not None and of(old).kind != "constant":
                of(old).gradient = of(old.gradient)
        rename_gradients(program)
        return program

    def __getstate__(self):
        return flattened(self)

    def __setstate__(self, state):
        vars(self).update(restored(state))


def rename_gradients(program):
    """Let the gradients of the inputs have their names, where simpler operations have taken their places."""
    taken = {op.name for op in program}
    if isinstance(program.loss, Operation) and program.loss.name[:2] not in ("d_", ""):
        program.loss.name = "loss" if program.loss.kind == "call" else program.loss.name
    for op, g in zip(program.inputs, program.gradients):
        name = f"d_{op.name}"
        if g is not None and op.name and name not in taken and not any(g.name == f"d_{x.name}" for x in program.inputs):
            g.name = name


def is_of(op, what):
    """Say whether an operation calls a function, or is part of a compound function or a layer, of this name."""
    if any(what in (group.name, group.path) for group in op.within):
        return op.phase == "forward"
    name = getattr(op.function, "__name__", None) or getattr(op.function, "name", None)
    return op.function is not None and what in (op.function, name, public_path(op.function))
