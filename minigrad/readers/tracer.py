"""``trace``: a function and its gradient, run once and written down as a Program."""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..calculus.whole import Whole, in_floating_point
from ..core.errors import told
from ..core.gradient import Run, check_loss, not_callable, not_callable_with
from ..core.params import Params
from ..core.storage import drawn_by
from ..core.tape import active_tape, backward
from ..core.tensor import Tensor, new_tensor, on
from ..core.trees import leaves, rebuild
from ..moving import Held
from .generators import Drawn
from .names import Names, names_of_arguments, places_in, variables_of, visible_from, without_root
from .operations import Operation, TraceError
from .program import Program
from .source import refuse_if_asked
from .traced import Traced
from .traced_tape import Entries
from .tracing import Trace, real
from .unseen import Unseen
from .whereabouts import Whereabouts


def trace(f: Callable[..., Any], *args: Any) -> Program:
    """Run a function and its gradient, and return every operation of both as a value that can be read.

        t = trace(f, x, y, ...)             by the arguments, as gradient(f, x, y, ...)
        t = trace(lambda: loss(x, y), ps)   by the parameters, as gradient(f, ps)

    ``print(t)`` lists the operations, ``t.source()`` is the function and its gradient as NumPy code, ``t[5]`` is one
    operation with its value, its gradient and the line that it came from.

    Parameters
    ----------
    f : function that returns one real number
    *args : what ``gradient`` takes

    Returns
    -------
    Program

    Raises
    ------
    TypeError : as ``gradient`` does
    TraceError : inside of a gradient
    Whatever ``f`` raises : with the listing of what ran until then, which is ``error.program``

    Python's own decisions (an ``if`` on a number) are followed as they fell, and marked in the listing.

    >>> len(trace(lambda x: np.sum(np.tanh(x)), np.array([0.5, -1.0])).find("np.tanh"))
    1
    """
    return told.enter(run, f, args)


def run(f, args, data=(), follows=True):
    """Return the Program of a function.

    Parameters
    ----------
    f, args : as ``trace`` takes them
    data : with Params, what ``f`` is called with: arrays, containers of them and other things.  The program is a
        function of the arrays, too, but has no gradient by them
    follows : bool, whether Python may use the numbers themselves
    """
    if active_tape() is not None:
        raise TraceError(
            "trace: inside of a gradient. It runs the function and its gradient itself: call it outside; a gradient "
            "inside of what is traced is fine"
        )
    if not callable(f):
        raise TypeError(not_callable(f, "trace"))
    parameters = args[0] if len(args) == 1 and isinstance(args[0], Params) else ()
    return finished(Running(f, args, parameters, data, follows))


def finished(running):
    """Return the Program of a Running; whatever happens, all arrays are back in their places then."""
    try:
        try:
            return running.whole()
        finally:
            running.undo()
    finally:
        running.undo()  # Ctrl-C may have come just before the line above


PATIENCE = 60  # seconds
_taken = {}  # id of a parameter -> the Running for which it stands: one at a time


WANTS_MEMORY = (
    "trace: {}. While it is traced, t.data stands for an ndarray and has no memory of its own, and something wanted "
    "just that. Write np.asarray(t.data), which is followed where the program is only shown"
)


class Running:
    """One run of a function and its gradient under a trace.

    f, args, data, follows : as for ``run``
    parameters : list of Tensors, those of Params, else empty
    captured : list of (place, array): where plain arrays stand that the function reaches; meanwhile there stands, by
        ``place.put``, what is traced.  So it is seen what is made of their numbers; Python may use these.
    """

    def __init__(self, f, args, parameters, data, follows, captured=()):
        self.f, self.args, self.parameters, self.data = f, args, list(parameters), data
        self.captured, self.stand_ins = captured, []  # (place, array, what stands in for it, its operation)
        self.variables = variables_of(f)
        self.visible = visible_from(self.variables)
        self.arrays, layers = places_in(self.visible)
        self.trace = Trace(Whereabouts(layers), follows)
        self.leaves = []  # the operations of what is differentiated, None for what cannot be
        self.further = []  # the operations of the data
        self.exchanged, self.drawn_by = [], drawn_by.get()  # for undo(): (Tensor, array, Traced); a function
        self.wishes = {}  # id of an operation -> the name that it should have
        self.loss, self.gradients, self.entries = None, [], None
        self.held = Held()  # what would have moved besides: running statistics

    def wait(self):
        """Wait until no other thread traces one of the parameters."""
        begun = time.monotonic()
        for key in sorted(map(id, self.parameters)):
            while _taken.setdefault(key, self) is not self:
                if time.monotonic() > begun + PATIENCE:
                    raise TraceError(
                        f"trace: another thread has been tracing the same parameters for {PATIENCE} s. If it waits for "
                        "this one, trace outside of the function that is traced"
                    )
                time.sleep(0.001)

    def whole(self):
        """Run the function and its gradient and return the Program; an exception gets that of what ran until then."""
        self.wait()
        self.trace.unseen = Unseen(self.visible, {id(x) for _, x in self.variables}, self.parameters)
        drawn_by.set(lambda generator: Drawn(generator, self.trace))
        try:
            self.held.during(self.run)
        except Exception as error:
            error.program = self.program(error)
            show_in(error, error.program)
            if isinstance(error, TraceError):
                raise
            if not self.trace.follows:  # NumPy has made another error of a refusal
                refuse_if_asked(error.program, "trace", error)
            if Traced.__name__ in str(error):
                raise TraceError(WANTS_MEMORY.format(error)) from error
            raise
        program = self.program()
        if not self.trace.follows:
            refuse_if_asked(program, "trace")
        return program

    def undo(self):
        """Give the parameters their arrays back, and the generators; once more changes nothing."""
        for t, array, traced in self.exchanged:
            if t._value is traced:
                t._value = array
        while self.stand_ins:
            place, array, stand_in, op = self.stand_ins[-1]
            if stand_in.operation is not op:  # the function has overwritten it
                array[...] = stand_in.operation.value
                stand_in.operation = op
            if place.get() is stand_in:
                place.put(array)
            self.stand_ins.pop()
        drawn_by.set(self.drawn_by)
        self.trace.thread = None
        self.trace.whereabouts.forget()
        for p in [p for p in self.parameters if _taken.get(id(p)) is self]:
            del _taken[id(p)]

    def run(self):
        self.trace.whereabouts.top = sys._getframe()
        self.exchange()
        taken = Run(self.on_traced, self.args, "trace")
        loss = taken.value
        check_loss(loss, "trace")
        out, n = taken.outputs[0], len(self.leaves)
        value = loss._value if type(loss) is Tensor else loss
        self.loss, self.gradients = value.operation if isinstance(value, Traced) else value, [None] * n
        if out is None:
            return
        self.trace.phase = "backward"
        dtype = out._value.dtype if out._value.dtype.kind == "f" else np.dtype(float)
        seed = self.trace.given("seed", dtype.type(1))
        self.loss.gradient = seed.operation
        found = backward(self.entries, {out.slot: seed}, n, consume=True)
        self.gradients = [self.finished(op, g) for op, g in zip(self.leaves, found)]

    def on_traced(self, *arguments):
        """Call the function, after an array that is traced has taken the place of each one at the bottom."""
        tape, self.trace.whereabouts.top = active_tape(), sys._getframe()
        if arguments:
            self.take(leaves(arguments), names_of_arguments(self.f, arguments), tape)
        else:
            for place, array in self.captured:
                self.capture(place, array)
            named = zip(leaves(self.data), names_of_arguments(self.f, self.data))
            arguments = rebuild(self.data, iter([self.handed(*each) for each in named]))
        self.entries = tape.entries = Entries(self.trace, self.leaves)
        try:
            return self.f(*arguments)
        except TypeError as error:
            if error.__traceback__.tb_next is None:  # the call itself was wrong
                raise TypeError(not_callable_with(len(arguments), error, "trace")) from None
            raise

    def take(self, xs, names, tape):
        """Let arrays that are traced take the place of those in the arguments that are leaves of the tape."""
        for x, name in zip(xs, names):
            traced = type(x) is Tensor and on(tape, x) is x
            if traced:
                x._value = self.trace.given("argument", real(x._value))
                if x.tape is not tape:
                    x.tape = Whole(tape, in_floating_point(x._value))
                self.wishes[id(x._value.operation)] = name
            self.leaves.append(x._value.operation if traced else None)

    def exchange(self):
        """Let arrays that are traced take the place of those in the parameters themselves, before they are leaves.

        Constants are made of them, too (``W > 0``, ``np.floor(W)``, ``dropgrad(W)``, ``W.data``; other threads get
        plain arrays, see Trace).  So it is with other Tensors that are the same array.
        """
        places = [self.arrays.get(id(p), f"p{k}") for k, p in enumerate(self.parameters, 1)]
        for p, name in zip(self.parameters, without_root(places)):
            p._value = real(p._value)
            op = self.trace.add("parameter", value=p._value)
            self.leaves.append(op)
            self.wishes[id(op)] = name
        of_array = {id(op.value): op for op in self.leaves}
        same = [(t, of_array[id(t._value)]) for t in self.trace.unseen.same]
        for t, op in [*zip(self.parameters, self.leaves), *same]:
            traced = self.trace.stand_in(op.value, op)
            self.exchanged.append((t, t._value, traced))
            t._value = traced

    def capture(self, place, array):
        """Let what is traced stand in a place where a plain array stood."""
        known = (stand_in for _, other, stand_in, _ in self.stand_ins if other is array)  # it may have several places
        stand_in = next(known, None)
        if stand_in is None:
            stand_in = self.trace.stand_in(array, self.trace.operand(array))
        self.stand_ins.append((place, array, stand_in, stand_in.operation))
        place.put(stand_in)

    def handed(self, x, name):
        """Return data as the function gets it: what stands for the array, in a constant Tensor if it was in one."""
        array = x.data if type(x) is Tensor else np.asarray(x) if isinstance(x, (np.number, np.bool_)) else x
        if not isinstance(array, np.ndarray):
            return x
        traced = self.trace.given("data", array)
        self.wishes[id(traced.operation)] = name
        self.further.append(traced.operation)
        return new_tensor(traced) if type(x) is Tensor else traced

    def finished(self, op, g):
        """Return the gradient of an input as gradient() gives it: in the input's dtype."""
        if g is None or op is None:
            return None
        self.trace.pulled = op, None, None
        dtype = op.dtype if op.dtype.kind in "fc" else np.dtype(float)
        if not isinstance(g, Traced):
            g = self.trace.stand_in(np.asarray(g), self.trace.operand(np.asarray(g)))
        if g.dtype != dtype:
            g = (g.real if dtype.kind == "f" else g).astype(dtype)
        op.gradient = g.operation
        return g.operation

    # ------------------------------------------------------------------------------------ the Program
    def program(self, error=None):
        """Return what was written down, with everything named."""
        operations, names, unnamed = self.trace.operations, Names(), 0
        for op in self.trace.memory.changed(operations):
            op.asked, op.instead = "an array that was overwritten after it had been used", "a new one each time"
        self.trace.unseen.mark(operations, self.loss if isinstance(self.loss, Operation) else None)
        for op in operations:
            if id(op) in self.wishes:
                op.name = names.take(self.wishes[id(op)])
        for op in operations:
            if op.kind == "constant":
                unnamed += id(op.value) not in self.arrays
                op.name = names.take(self.arrays.get(id(op.value), f"constant{unnamed}"))
        name_operations(operations, self.loss, self.entries.contributions if self.entries else (), names)
        inputs = [op for op in self.leaves if op is not None]
        gradients = [g for op, g in zip(self.leaves, self.gradients) if op is not None]
        name = getattr(self.f, "__name__", type(self.f).__name__)
        return Program(name, operations, inputs, self.further, self.loss, gradients, error)


def name_operations(operations, loss, contributions, names):
    """Name what is computed: the loss, ``v5`` for operation 5, ``d_v5`` its gradient, ``d_v5_1`` a part of that."""
    if isinstance(loss, Operation):
        loss.name = "loss"
    for op in operations:
        if not op.name and op.phase == "forward":
            op.name = names.take(f"v{op.index}")
    for op in operations:
        if op.gradient is not None and not op.gradient.name:
            op.gradient.name = names.take(f"d_{op.name}")
    count = {}
    for op, of in contributions:
        if of is not None and not op.name:
            count[of.name] = count.get(of.name, 0) + 1
            op.name = names.take(f"d_{of.name}_{count[of.name]}")
    for op in operations:
        if not op.name:
            op.name = names.take(f"v{op.index}")


def show_in(error, program):
    """Let an exception show the lines of a program that it ended."""
    note = f"What had been traced until then (error.program):\n{program}"
    if len(program) and hasattr(error, "add_note"):
        error.add_note(note)
    elif len(program) and len(error.args) == 1 and isinstance(error.args[0], str):  # Python 3.10
        error.args = (f"{error.args[0]}\n{note}",)
