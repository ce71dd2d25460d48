"""Which lines share a loop, and where everything lies: the second half of lowering a program.

``Grouping`` puts every line into a ``Group``; groups run one after the other.  Lines over one domain that meet each
other's elements one by one share a loop, so that what is between them never reaches memory.  ``placed`` gives the rest
its place in one block of memory, the arena, where a place is used again after its last reader.
"""

import numpy as np

from .lines import Line, View

ALIGNED = 64  # bytes: a line of the processor's cache
MANY = 24  # lines of a loop; more would keep more numbers than there are registers
COSTLY = {np.divide, np.sqrt, np.reciprocal}


class Group:
    """What runs together: lines of a loop, or one line of another kind."""

    def __init__(self, kind, domain):
        self.kind, self.domain, self.lines = kind, domain, []


class Grouping:
    """The lines of a program in groups.

    groups : list of Group
    of : dict, id of a line -> its place among the groups
    stored : set of the ids of the buffers that reach memory
    """

    def __init__(self, lines):
        self.lines, self.groups, self.of = lines, [], {}
        self.kept = {id(x.buffer) for x in [lines.loss, *lines.gradients] if x is not None}
        self.users = {}  # id of a line -> pairs (line that uses it, view)
        for line in lines.lines:
            for x in line.operands:
                made = x.buffer.line if isinstance(x, View) else x if isinstance(x, Line) else None
                if made is not None:
                    self.users.setdefault(id(made), []).append((line, x))
        for line in lines.lines:
            self.put(line)
        for line in reversed(lines.lines):
            self.sink(line)
        self.leave_out_empty()
        self.stored = {id(line.buffer) for line in lines.lines if line.buffer and self.reaches_memory(line)}

    def put(self, line):
        """Let a line join the first loop over its domain after all that it needs, or begin a group."""
        kind = "loop" if line.kind in ("loop", "reduce") else line.kind
        first = max([self.earliest(line, x) for x in line.operands], default=0)
        place = None
        if kind == "loop":
            fits = (
                g
                for g in range(first, len(self.groups))
                if self.groups[g].kind == "loop"
                and self.groups[g].domain == line.domain
                and len(self.groups[g].lines) < MANY
            )
            place = next(fits, None)
        if place is None:
            place = len(self.groups)
            self.groups.append(Group(kind, line.domain))
        self.groups[place].lines.append(line)
        self.of[id(line)] = place

    def earliest(self, line, x):
        """Return the first group in which a line may stand because of one operand."""
        made = x.buffer.line if isinstance(x, View) else x if isinstance(x, Line) else None
        if made is None:
            return 0
        place = self.of[id(made)]
        together = line.kind in ("loop", "reduce") and isinstance(x, View) and line.reads_in_place(x)
        return place if together else place + 1

    def sink(self, line):
        """Compute what is cheap in the loop that uses it: a mask is not worth its memory."""
        users = self.users.get(id(line), ())
        if line.kind != "loop" or id(line.buffer) in self.kept or not users or not line.domain:
            return
        if line.function in COSTLY or line.buffer.dtype.kind != "b" and len(line.views()) > 1:
            return
        here, places = self.of[id(line)], {self.of[id(user)] for user, _ in users}
        (there,) = places if len(places) == 1 else (here,)
        group = self.groups[there]
        if there == here or group.kind != "loop" or group.domain != line.domain or len(group.lines) >= MANY:
            return
        if all(user.reads_in_place(x) for user, x in users) and all(self.outlives(x, there) for x in line.views()):
            self.groups[here].lines.remove(line)
            group.lines.insert(0, line)
            self.of[id(line)] = there

    def outlives(self, x, there):
        """Whether an operand lies in memory anyway when a later group runs."""
        made = x.buffer.line
        return made is None or self.of[id(made)] < there and self.reaches_memory(made)

    def reaches_memory(self, line):
        """Whether anybody reads the result of a line from memory."""
        if line.kind != "loop" or id(line.buffer) in self.kept:
            return True
        here = self.of[id(line)]
        return not all(
            self.of[id(user)] == here and user.kind in ("loop", "reduce") and user.reads_in_place(x)
            for user, x in self.users.get(id(line), ())
        )

    def leave_out_empty(self):
        self.groups = [group for group in self.groups if group.lines]
        self.of = {id(line): g for g, group in enumerate(self.groups) for line in group.lines}
        for group in self.groups:
            group.lines = in_order(group.lines)


def in_order(lines):
    """Return the lines of a loop so that each stands after those that it needs."""
    found, waiting = [], {id(line): line for line in lines}

    def take(line):
        if waiting.pop(id(line), None) is not None:
            for x in line.views():
                if id(x.buffer.line) in waiting:
                    take(x.buffer.line)
            found.append(line)

    for line in lines:
        take(line)
    return found


def last_read(grouping, line):
    """Return the last group in which what a line reads is needed.

    A Python object may look at the arrays that it was made of (np.split, a pullback): they are needed as long as it is.
    """
    users = grouping.users.get(id(line), ()) if line.buffer is None else ()
    return max([grouping.of[id(line)], *(last_read(grouping, user) for user, _ in users)])


def placed(grouping):
    """Return the places of the buffers in the arena, a dict of id -> bytes from its beginning, and its length.

    What is kept, the gradients and the loss, has memory of its own.
    """
    begin, end, buffers = {}, {}, {}
    for g, group in enumerate(grouping.groups):
        for line in group.lines:
            if line.buffer is not None and id(line.buffer) in grouping.stored - grouping.kept:
                buffers[id(line.buffer)] = line.buffer
                begin[id(line.buffer)] = end[id(line.buffer)] = g
            for x in line.views():
                if id(x.buffer) in end:
                    end[id(x.buffer)] = max(end[id(x.buffer)], last_read(grouping, line))
    places, length, used = {}, 0, []  # used: (first byte, last byte, id), of those that are still read
    for key in sorted(buffers, key=lambda key: begin[key]):
        size = (-(-buffers[key].size * buffers[key].dtype.itemsize // ALIGNED) + 3) * ALIGNED
        used = sorted(span for span in used if end[span[2]] >= begin[key])
        at = 0
        for low, high, _ in used:
            if at + size <= low:
                break
            at = max(at, high)
        places[key] = at
        used.append((at, at + size, key))
        length = max(length, at + size)
    return places, length
