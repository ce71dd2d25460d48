"""A step for arguments of one kind: traced twice, compared, and from then on run as the program's text."""

import operator
import random
from functools import partial
from typing import NamedTuple

import numpy as np

from ... import arrays
from ...core.gradient import WithGradient, as_kinds_of
from ...core.params import Grads
from ...core.storage import Storage, stands_in
from ...core.tensor import Tensor
from ...core.trees import leaves
from ...moving import settle_
from ...optimise import standing
from ...optimise.compiled.lowering import last_reason, lower
from ...readers.comparing import without_numbers
from ...readers.forms import PlainProgram
from ...readers.operations import Operation, TraceError
from ...readers.program import Program
from ...readers.runnable import runnable
from ...readers.source import source
from ...readers.tracer import Running, finished
from .agreement import moved, restored, state_of, states
from .effects import unaltered, with_effects
from .guards import Guards
from .kinds import held_besides, is_data, is_number, shown
from .reach import Reached, TooMuch

PATIENCE = 3  # traces in a row that were good for nothing, before steps are made without one
NEVER = float("inf")


class Seen(NamedTuple):
    """One traced run of a loss, without its numbers.

    found : WithGradient, what it gave
    program : Program
    written : the same as text, to be compared
    constants : list of the arrays that it did not see being made
    handed : list of bool, whether the user's code handed them over
    looked_at : list of the arrays whose numbers Python has used
    guards : Guards, all that the loss reaches
    reached : Reached
    moves : list of what running statistics move by, as ``settle_`` takes it
    """

    found: WithGradient
    program: object
    written: object
    constants: list
    handed: list
    looked_at: list
    guards: Guards
    reached: Reached
    moves: list


class Version:
    """What is known of a step for one kind of arguments.

    Attributes
    ----------
    calls, traces : int, how often it was called, and traced
    counted : int, the calls that compiled code does not count itself; those are added by ``pause``
    audit : int, the call at which it is traced again although it has a program
    attempt : function of the tuple of arguments that makes a step by the program and returns the loss, if the machine
        code of the program does it all, or (loss, gradients, random numbers); None if something has changed, or the
        machine code has not made it.  It is None itself as long as there is no program
    trial : the same, and it makes no step: always all three
    machine : the program as machine code, or None
    moves : list of (running statistics, share) that move with the step, () for none
    reason : str, why there is none
    again : str, the last reason for tracing again
    stale : bool, whether a program was given up because of an audit
    """

    def __init__(self, params, args):
        self.params, self.ids = params, {id(p) for p in params}
        self.counted, self.traces, self.audit = 0, 0, 4
        self.last = self.attempt = self.trial = self.machine = self.guarded_direct = None
        self.moves, self.batches = (), []
        self.reason, self.again, self.stale = "it has been traced once", "", False
        self.failures = self.wait = 0
        flat = leaves(args)
        self.flat = len(flat) == len(args) and all(map(operator.is_, flat, args))
        self.objects = [x for x in flat if not is_data(x) and not is_number(x)] + held_besides(args)

    @property
    def calls(self):
        return self.counted + (0 if self.machine is None else self.machine.made_directly)

    # ------------------------------------------------------------------------------------ without a program
    def failed(self, reason):
        """Note that there is no program.  After several failures the next trace is the later the more there were."""
        self.attempt = self.trial = self.machine = self.last = None
        self.reason = self.again = reason
        self.failures += 1
        self.wait = 0 if self.failures < PATIENCE else 2**self.failures

    def never(self, reason):
        """Note that there will be no program."""
        self.failed(reason)
        self.wait = NEVER

    def waits(self):
        """Say whether this step is to be made without a trace."""
        self.wait = max(self.wait - 1, 0)
        return self.wait > 0

    def generators(self):
        """Return the generators of random numbers that the loss may draw from."""
        return [arrays.generator(), np.random.mtrand._rand, random, *self.reached.generators]

    def why(self, kind):
        """Return how steps of this kind are made, for people."""
        how = "by its program" if self.attempt is not None else f"eagerly: {self.reason}"
        said = [f"{how}; {self.calls} calls, {self.traces} traces"]
        if self.attempt is not None:
            said.append(f"watches {len(self.reached.tests)} of Python's variables")
            said += [f"traced again because {self.again}"] * bool(self.again)
            said.append(f"as its text: {self.uncompiled}" if self.machine is None else "compiled")
            left = [] if self.machine is None else [code for _, code in self.machine.left]
            said += [f"with Python stay {', '.join(left)}"] * bool(left)
        return f"for {', '.join(map(shown, kind[2])) or 'no arguments'}: {'; '.join(said)}"

    # ------------------------------------------------------------------------------------ traces
    def look(self, loss):
        """See what the loss reaches now; what was seen before counts only if that is still the same."""
        if self.last is not None and self.last.guards.changed():
            self.failed(f"{self.last.guards.changed()} has changed")
        self.roots = {"": loss, **{f"argument {k}": x for k, x in enumerate(self.objects)}}
        self.reached = Reached(self.roots, self.ids)

    def trace(self, loss, args):
        """Run the loss under a trace and return what was Seen; None if the program is right for these numbers only."""
        reached, guards, before = self.reached, Guards(self.reached), states(self.generators())
        running = Running(loss, (self.params,), self.params, args, False, captured(reached, self.params))
        self.traces += 1
        try:
            altered, watched = [], self.last is None or self.attempt is not None  # not the second one of two
            running.f = unaltered(loss, altered)
            program, done = with_effects(lambda: finished(running), watched)
            program = with_statistics(program, running.held)
        finally:
            changed = guards.changed()
            if changed:
                put_back(self.roots, self.ids)
        if program.asked:
            self.never(program.asked[0].asked)
            return None
        if altered:
            self.never("the loss changes its arguments")
            return None
        seen = self.seen(running, program, reached, guards)
        if changed:
            self.failed(f"the loss itself changes {changed}, which happens while it is traced only")
        elif done:
            self.failed(f"the loss does more than compute, which a program would not: it calls {done[0]}")
        elif drawn_from(before, [op.generator for op in program if op.kind == "random"]):
            self.failed("the loss draws from another generator than minigrad's: use minigrad.rand, randn, sampling")
        else:
            return seen
        return seen._replace(guards=None)

    def seen(self, running, program, reached, guards):
        constants, trace = constant_operations(program), running.trace
        given = [None if g is None else np.array(g.value) for g in program.gradients[: len(self.params)]]
        loss = program.loss.value if isinstance(program.loss, Operation) else program.loss
        found = WithGradient(np.asarray(loss).item(), Grads(self.params, as_kinds_of([*self.params], given)))
        handed = [id(op) in trace.handed for op in constants]
        values, looked_at = [op.value for op in constants], constants_of(trace.looked_at)
        text = without_numbers(program, arrays._generator)
        moves = [(r, share, *[x.operation.value for x in batch]) for r, share, *batch in running.held]
        return Seen(found, program, text, values, handed, looked_at, guards, reached, moves)

    def compare(self, seen):
        """Say whether a run was the same as the last one; raise TraceError if it made arrays that nobody has seen."""
        if seen.guards is None:  # it was good for nothing
            return False
        last, had = self.last, self.attempt is not None
        self.last = seen._replace(program=None, found=None)
        if last is None:
            return False
        difference = last.written.difference(seen.written)
        if not difference and not same_moves(last.moves, seen.moves):
            difference = "other running statistics move, or by another momentum"
        if difference:
            self.failed(f"two runs were not the same program: {difference}")
            self.last, self.stale = seen._replace(program=None, found=None), had
            return False
        refuse_unseen(last, seen)
        self.before = last
        if had:
            self.audit *= 2
        return True

    # ------------------------------------------------------------------------------------ the program
    def build(self, seen, args, opt, tensors):
        """Make ``attempt`` of a program that two runs have in common.  ``tensors``: the parameters, in their dict."""
        once = {id(b) for a, b in zip(self.before.constants, seen.constants) if a is not b}
        program = seen.program.simplified(fixed=lambda op: id(op.value) in once)
        generator = arrays._generator
        drawn = [op for op in program if op.kind == "random"]
        known = {id(g) for g in [generator, *seen.reached.generators]}
        if any(id(op.generator) not in known for op in drawn):
            self.never("the loss makes a generator of random numbers of its own")
            return
        self.drawing = [f"v{op.index}" for op in drawn]
        self.moves = [move[:2] for move in seen.moves]
        self.inputs = (*self.params, *[Tensor(x, copy=False) for r, _ in self.moves for x in (r.mean, r.var)])
        self.has = [g is not None for g in program.gradients[: len(self.params)]]
        self.some = tuple([p for p, has in zip(self.params, self.has) if has])
        used = {id(x) for op in program for x in op.inputs}
        live = [op for op in program if op.kind == "constant" and id(op) in used and id(op.value) not in once]
        reached = [x for _, x in seen.reached.arrays]
        captured = list({id(x): x for x in (*[op.value for op in live], *reached)}.values())
        self.guard(seen, args, captured)
        self.text = text_of(without_statistics(program, len(self.params)), opt, live)
        self.reason, self.failures, self.stale = "", 0, False
        self.audit = 4
        while self.audit <= self.calls:
            self.audit *= 2
        self.run = runnable(program, generator)
        inputs = [f"p{k}" for k in range(len(self.inputs))]
        lines = [f"    {p} = {self.guards.name(q)}._value" for p, q in zip(inputs, self.inputs)]
        drawing = f"{self.guards.name(vars(arrays))}['_generator']"
        self.by_text = self.statistics_apart(self.guarded([*inputs, *self.given, drawing], self.run, lines=lines))
        if any(op.generator is generator for op in drawn):
            same = standing.item(vars(arrays), "_generator", generator)
            self.guards.test(f"{drawing} is {self.guards.name(generator)}", "the generator of random numbers", same)
        stands = [*self.guards.stands(), *standing.items(tensors)]
        machine = lower(PlainProgram(program), self.inputs, None if self.moves else opt, stands, captured)
        self.without_machine(last_reason())
        if machine is not None:
            self.with_machine(machine, self.guards.left())

    def with_machine(self, machine, left):
        """Go on by machine code, after the comparisons that are ``left`` to Python."""
        self.machine, self.uncompiled = machine, ""
        self.trial = self.statistics_apart(self.guarded(self.given, partial(tried, machine), left))
        self.attempt = self.trial if self.moves else self.guarded(self.given, machine.run, left)
        self.several = self.guarded(["many", *self.given], machine.loop, left, head="attempt(args, many)")
        self.guarded_direct = None
        if left or self.given != [f"a{k}" for k in range(self.many)]:
            call = f"machine.direct({', '.join(self.given)})"
            self.guarded_direct = self.guards.function("step(*args)", self.lines, call, left, machine=machine)

    def resume(self):
        """Return the function of arguments that makes steps by compiled code alone, up to the next audit.

        It returns the loss, or None: the step is made in another way.
        """
        if self.machine is None or self.machine.direct is None or not self.flat:
            return no_step
        self.machine.allow(self.audit - 1 - self.counted)
        return self.guarded_direct or self.machine.direct

    def pause(self):
        """Make no direct steps until ``resume``; say whether the last one is to be made again: it was not finite."""
        if self.machine is None or self.machine.direct is None:
            return False
        made, stopped = self.machine.pause()
        self.counted += made
        return stopped

    def beside(self, flat, before, h, seed):
        """Run the program's text beside the present parameters and arguments; random numbers as at ``before``."""
        given = [x for x in (*self.inputs, *flat) if is_data(x)]
        inputs = [x._value if isinstance(x, Storage) else np.asarray(x) for x in given]
        restored(before)
        with np.errstate(all="ignore"):
            return self.run(*moved(inputs, h, seed), arrays._generator)

    def without_machine(self, why):
        """Go on by the program's text."""
        self.uncompiled = why
        self.machine, self.attempt, self.trial = None, self.by_text, self.by_text

    def guard(self, seen, args, captured):
        """Write down all that is compared before the program runs."""
        guards, flat = Guards(seen.reached), leaves(args)
        self.many = len(flat)
        self.lines = [f"    if len(args) != {len(flat)}:", "        return None"]
        self.lines += [f"    {''.join(f'a{k}, ' for k in range(len(flat)))} = args"] if flat else []
        self.given = [code for k, x in enumerate(flat) if (code := guards.argument(f"a{k}", x, self.ids))]
        for k, p in enumerate(self.inputs):
            guards.layout(f"p{k}", p._value, "a parameter")
        for x in captured:
            guards.layout(guards.name(x), x, "a captured array")
        for x in (*seen.looked_at, *seen.reached.others):
            guards.numbers(x, "the numbers in a captured array, which Python uses,")
        self.guards = guards

    def guarded(self, given, run, tests=None, lines=(), head="attempt(args)"):
        """Return the function that runs a program after comparisons: all, or ``tests``."""
        return self.guards.function(head, [*self.lines, *lines], f"run({', '.join(given)})", tests, run=run)

    def changed(self, args):
        """Return what keeps a program from being run, for people."""
        arrays_of = {f"a{k}": x for k, x in enumerate(args)}
        parameters = {f"p{k}": p._value for k, p in enumerate(self.inputs)}
        return self.guards.changed({**arrays_of, **parameters})

    def statistics_apart(self, trial):
        """Return a function that keeps, in ``batches``, what running statistics move by, apart from the gradients."""
        if not self.moves:
            return trial
        n, batches = len(self.params), self.batches

        def apart(args):
            result = trial(args)
            if result is None:
                return None
            loss, found, drawn = result
            batches[:] = [np.array(x) for x in found[n:]]
            return loss, found[:n], drawn

        return apart

    def settle(self):
        """Let running statistics move by what the last trial has found."""
        settle_([(*move, *self.batches[2 * k : 2 * k + 2]) for k, move in enumerate(self.moves)])

    def moved(self, gradients):
        """Return the parameters that have a gradient, and these, as two tuples."""
        if all(self.has):
            return self.some, gradients
        return self.some, tuple([g for g in gradients if g is not None])


def with_statistics(program, held):
    """Return a program that gives, as if they were gradients of further parameters, what running statistics move by."""
    inputs, found = [], []
    for running, _, *batch in held:
        for array, x in zip((running.mean, running.var), batch):
            if not stands_in(x):
                raise TraceError(
                    "compiled: running statistics move by numbers that were not seen being made: give BatchNorm "
                    "what depends on parameters or on the step's arguments"
                )
            inputs.append(Operation("parameter", value=array))
            found.append(x.operation)
    return program if not held else Program(
        program.name, [*inputs, *program], [*program.inputs, *inputs], program.data, program.loss,
        [*program.gradients, *found], program.error,
    )  # fmt: skip


def without_statistics(program, n):
    """Return a program of n parameters without what ``with_statistics`` has added."""
    of_parameters = program.inputs[:n], program.data, program.loss, program.gradients[:n]
    return Program(program.name, program.operations, *of_parameters, program.error)


def same_moves(one, other):
    return len(one) == len(other) and all(a[0] is b[0] and a[1] == b[1] for a, b in zip(one, other))


def captured(reached, params):
    """Return the (place, array) of all arrays whose numbers a program can follow."""
    return [
        (place, array)
        for place, array in reached.arrays
        if not any(np.may_share_memory(array, p._value) for p in params)
    ]


def put_back(roots, ids):
    """Let plain arrays stand wherever the loss has left what was traced."""
    try:
        left = Reached(roots, ids).left
    except TooMuch:
        return
    for place, x in left:
        if place is not None:
            place.put(np.asarray(x.operation.value))


def drawn_from(before, seen):
    """Say whether generators are in other states than before, but for those of which it was seen."""
    return any(state_of(g) != state for g, state in before[1:] if not any(g is other for other in seen))


def constant_operations(program):
    return [op for op in program if op.kind == "constant"]


def constants_of(operations):
    """Return the arrays of the constants that some operations are made of."""
    found, waiting, seen = {}, list(operations), set()
    while waiting:
        op = waiting.pop()
        if id(op) not in seen:
            seen.add(id(op))
            waiting += op.inputs
            if op.kind == "constant":
                found[id(op.value)] = op.value
    return list(found.values())


def is_pattern(x):
    """Say whether an array is what one writes down without other arrays.

    One number everywhere; equal steps, as of np.arange and np.linspace; a diagonal or a triangle, as of np.eye and
    np.tril.

    >>> list(map(is_pattern, [np.zeros(3), np.linspace(0, 1, 7), 2 * np.eye(3), np.tril(np.ones((3, 3)))]))
    [True, True, True, True]
    >>> is_pattern(np.array([1.0, 5.0, 2.0]))
    False
    """
    if not x.size or np.all(x == x.flat[0]):
        return True
    if x.ndim == 1:
        steps = np.diff(x.astype(complex))
        return bool(np.all(np.abs(steps - steps[0]) <= 1e-6 * np.max(np.abs(x))))
    if x.ndim == 2:
        below, on, above = x[np.tril_indices_from(x, -1)], x.diagonal(), x[np.triu_indices_from(x, 1)]
        return all(part.size == 0 or np.all(part == part[0]) for part in (below, on, above))
    return False


def refuse_unseen(one, two):
    """Raise where a loss makes arrays that the trace did not see being made."""
    for a, b, handed, op in zip(one.constants, two.constants, two.handed, constant_operations(two.program)):
        same = a is b or a.dtype == b.dtype and np.array_equal(a, b, b.dtype.kind in "fc")
        if same and (a is b or not handed or is_pattern(b)):
            continue
        where = f" (line {op.line.number}: {op.line.code})" if op.line else ""
        others = "" if same else ", with other numbers at every call (of another generator? read from somewhere?)"
        raise TraceError(
            f"compiled: the loss makes an array of shape {b.shape}{where} that was not seen being made{others}. "
            "Make it outside of the loss, or hand what it is made of to the step as an argument. Random numbers are "
            "drawn by minigrad.rand, randn and minigrad.sampling; or leave this loss uncompiled"
        )


def tried(machine, *args):
    """Return what a compiled program gives, and make no step; None if it does not take the arguments."""
    loss, gradients = machine.try_(*args)
    if loss is None and machine.why_none != "finite":
        return None
    return np.float64(np.nan if loss is None else loss), gradients, machine.take_drawn()


def no_step(*args):
    """The step that nothing makes."""


def text_of(program, opt, live):
    """Return a program as a page of NumPy, with the optimiser's formulas where they can be written."""
    constants = {**{op.name: op.value for op in live}, **program.constants}
    try:
        return source(program, opt, products=True, constants=constants)
    except (TraceError, TypeError, AttributeError):
        return source(program, None, products=True, constants=constants)
