"""The entries of a tape under a trace: on the way back each says what it is.

The engine's own walk goes over them.  An edge ``(slot, vjp, values...)`` is kept as ``(slot, pull, vjp, values...)``;
``pull`` calls the vjp after it has told the trace whose gradient is being worked out, and by which rule of the table.
"""

import functools

from ..calculus.adjoint import hooked, part_of_shape, recompute
from ..calculus.buffer import unwritten
from ..core.table import ROWS
from ..core.tape import place, take
from .names import public_name
from .operations import GIVEN, Rule, part, same
from .traced import Traced

STEERED = {recompute: "checkpointed", hooked: "hook", unwritten: "Buffer"}
ADDED = Rule("added up", "")
READ = Rule("a[...]", "a")  # many reads of one array are added up at once, before the array's own edges are walked


class Entries(list):
    """The entries of one traced tape.

    values : list, slot -> the Operation that made the value there, or None where that is not known
    gradients : dict, slot -> the Operation that is the gradient of that value
    """

    def __init__(self, trace, leaves):
        super().__init__([()] * len(leaves))
        self.trace, self.values, self.gradients = trace, list(leaves), {}
        self.seen = len(trace.operations)
        self.contributions = []  # (what a vjp gave, the Operation of whose gradient it is a part)
        self.own = {}  # slot of the arguments of a function with a derivative of its own -> its Rule
        self.parts = {}  # slot of a tuple -> the operations that are its parts

    def append(self, edges):
        trace, slot, value = self.trace, len(self), self.value_of(edges)
        self.values.append(value)
        if value is not None:
            value.result = True
        told = []
        for into, *edge in edges:
            rule = rule_of(edge, value)
            if rule.function and self.values[into] is None:
                self.own[into] = rule
            pull = functools.partial(self.pull, slot, into, rule)
            # the constants that a vjp needs are seen, too: what the way back makes of them are operations
            told.append((into, pull, *trace.standing_in(edge)))
        super().append(tuple(told))

    def pop(self, place=-1):
        self.trace.pulled = self.values[len(self) - 1], READ, self.values[len(self) - 1]
        return super().pop(place)

    def value_of(self, edges):
        """Return the operation that made the value of a new entry: the last one, as a rule."""
        into, vjp, *values = edges[0] if edges else (None, None)
        if vjp is place:
            parts = self.parts.get(into, ())
            return parts[values[0]] if values[0] < len(parts) else None
        if vjp is hooked:
            return self.values[into]
        if any(
            x is part_of_shape or x is take for x in (vjp, *values[:1])
        ):  # the arguments of a function all together: no value
            return None
        made = [op for op in self.trace.operations[self.seen :] if op.kind not in GIVEN]
        self.seen = len(self.trace.operations)
        if not made:
            return None
        last = made[-1]
        if last.function is part:
            last = last.args[0]
            self.parts[len(self)] = [op for op in made if op.args and op.args[0] is last]
        return last

    def pull(self, slot, into, rule, g, vjp, *values):
        """Call a vjp, and note what its operations are for."""
        trace, of, rule = self.trace, self.values[into], self.own.get(slot, rule)
        if slot not in self.gradients:
            self.note(slot, g)
        before = len(trace.operations)
        at = self.values[slot] or of
        trace.pulled = of, rule, at
        h = vjp(g, *values)
        if isinstance(h, Traced) and h.operation.index < before:  # g itself: that, too, is a line
            h = trace.call(same, (h,), {})
        if isinstance(h, Traced):
            self.contributions.append((h.operation, of))
            h.operation.result = True
        trace.pulled = of, ADDED, at
        return h

    def note(self, slot, g):
        """Note that ``g`` is the gradient of the value in a slot."""
        of = self.values[slot]
        if isinstance(g, Traced):
            self.gradients[slot] = g.operation
            if of is not None and of.shape == g.shape:
                of.gradient = g.operation


def rule_of(edge, value):
    """Return the Rule of an edge: the function whose row has its vjp, and the argument that it belongs to."""
    for vjp in edge:
        if callable(vjp):
            rows = rows_of().get(id(vjp), ())
            fitting = [(row, k) for row, k in rows if value is not None and row.function is value.function]
            for row, position in fitting or rows:
                return Rule(public_name(row.function), row.parameters[position])
    for vjp in edge:
        if callable(vjp) and vjp in STEERED:
            return Rule(STEERED[vjp], "")
    own = [x for x in edge if isinstance(x, str)]  # a derivative of one's own knows the function's name
    return Rule(own[-1] if own else "", "")


def rows_of():
    """Return a dict: id of a vjp -> the rows that have it, with the position of the argument."""
    return rows_of_length(len(ROWS))


@functools.lru_cache(maxsize=1)
def rows_of_length(length):
    """The same, worked out again when the table has grown."""
    found = {}
    for row in ROWS.values():
        for position, vjp in enumerate(row._vjps):
            if vjp is not None:
                found.setdefault(id(vjp), []).append((row, position))
    return found
