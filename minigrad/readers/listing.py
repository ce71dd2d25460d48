"""What ``print(t)`` shows: a line per operation, with its shape, a few of its numbers, and where it comes from.

A compound function or a layer is one line, loops are folded, and of a long program the first and the last lines are
shown.
"""

import numpy as np

from .source import Lines, is_computed

AT_MOST = 60  # lines that are shown without being asked
ENDS = 20
NUMBERS = 3  # of an array
WIDEST = 46  # columns of code before its shape
PERIODS = 8  # how many lengths of a loop are tried


class Compound:
    """One run of a compound function or of a layer, or its way back, in the place of its operations."""

    def __init__(self, group, phase):
        self.group, self.phase, self.operations = group, phase, []


def listing(program, opened=False):
    """Return the text that shows a program.

    opened : True for all that is compound with its own lines, and nothing left out; or the name of what is to be opened
    """
    lines = Lines(program, products=True)
    rows = [op for op in program if not is_computed(op)]
    for phase in ("forward", "backward"):
        own = lines.having(phase)
        rows += [phase] * bool(own) + (own if opened is True else folded(items(own, opened)))
    if len(rows) > AT_MOST and opened is not True:
        rows = [*rows[:ENDS], f"... {len(rows) - 2 * ENDS:,} lines more", *rows[-ENDS:]]
    users = users_of(program)
    cells = [row if isinstance(row, str) else cells_of(row, lines, users) for row in rows]
    texts = [heading(program), *laid_out(cells)]
    if program.error is not None:
        texts.append(f"ended by {type(program.error).__name__}: {program.error}")
    return "\n".join(texts)


def heading(program):
    inputs = ", ".join(f"{op.name} {op.shape}" for op in program.inputs)
    number = f"{len(program):,} operation{'s' * (len(program) != 1)}"
    reached = program.error is not None or any(g is not None for g in program.gradients)
    return f"{program.name}: {number}, by {inputs or 'nothing'}" + ("" if reached else "; it depends on none of them")


# ---------------------------------------------------------------------------------------- what is one line
def items(operations, opened=False):
    """Return operations with a Compound in the place of those that belong to one that is not ``opened``."""
    named = {group.number for op in operations for group in op.within if opened and opened in (group.name, group.path)}
    closed, found = closed_groups(operations) - named, []
    for op in operations:
        group = next((group for group in op.within if group.number in closed), None)
        if group is None:
            found.append(op)
            continue
        if not (found and isinstance(found[-1], Compound) and found[-1].group == group):
            found.append(Compound(group, op.phase))
        found[-1].operations.append(op)
    return [x.operations[0] if isinstance(x, Compound) and len(x.operations) == 1 else x for x in found]


def closed_groups(operations):
    """Return the numbers of the groups that are one line: all but those made of nothing but other groups (a Chain)."""
    return {op.within[-1].number for op in operations if op.within}


def folded(rows):
    """Return rows without those that a loop repeats, with a text in their place."""
    marks, found, i = list(map(mark_of, rows)), [], 0
    places = {}
    for k, mark in enumerate(marks):
        places.setdefault(mark, []).append(k)
    order = {k: n for ks in places.values() for n, k in enumerate(ks)}
    while i < len(rows):
        again = places[marks[i]][order[i] + 1 : order[i] + 1 + PERIODS]
        period, times = max(((j - i, repeated(marks, i, j - i)) for j in again), key=np.prod, default=(1, 1))
        if times > 2:
            found += [*rows[i : i + period], f"    x {times}" + f", these {period} lines" * (period > 1)]
        else:
            period, times = 1, 1
            found.append(rows[i])
        i += period * times
    return found


def repeated(marks, i, period):
    """Return how often the ``period`` marks from i on stand there, one time after the other.

    >>> repeated("abcabcabd", 0, 3)
    2
    """
    block, times = marks[i : i + period], 1
    while marks[i + times * period : i + (times + 1) * period] == block:
        times += 1
    return times


def mark_of(row):
    """Return what the lines of two rounds of a loop have in common."""
    if isinstance(row, Compound):
        return row.group[:2], len(row.operations), row.operations[-1].shape, row.operations[-1].line
    function = np.matmul if row.function is np.dot else row.function
    return (function if isinstance(function, tuple) else id(function), row.rule, row.shape, row.line, len(row.args))


# ---------------------------------------------------------------------------------------- how it is written
def users_of(program):
    """Return a dict: place of an operation -> the operations that use it."""
    users = {}
    for op in program:
        for x in op.inputs:
            users.setdefault(x.index, []).append(op)
    return users


def cells_of(row, lines, users):
    """Return code, shape, numbers and comment of one line."""
    if isinstance(row, Compound):
        return compound_cells(row, lines, users)
    if not is_computed(row):
        return row.name, str(row.shape), numbers(row.value), row.kind + path(row)
    if row.phase == "backward":
        return lines.statement(row), "", "", remark(row, lines)
    return (lines.statement(row), "" if row.shape is None else str(row.shape), numbers(row.value), remark(row, lines))


def compound_cells(row, lines, users):
    inside = {op.index for op in row.operations}
    ends = {x.index for x in (lines.program.loss, *lines.program.gradients) if hasattr(x, "index")}
    results, given = [], {}
    for op in row.operations:
        needed = [user for user in users.get(op.index, ()) if user.index not in inside and user.phase == row.phase]
        if op.index in ends or [user for user in needed if user.index not in lines.inside]:
            results.append(op)
        for x in op.inputs:
            of_layer = (
                row.group.layer and x.kind == "parameter" or x.kind == "constant" and x.name.startswith("constant")
            )
            if x.index not in inside and x.index not in lines.inside and not of_layer and x.phase == row.phase:
                given[x.name] = x
    last = (results or row.operations)[-1]
    call = f"{row.group.path or row.group.name}({', '.join(given)})"
    code = f"{', '.join(op.name for op in results) or last.name} = {'back through ' * (row.phase == 'backward')}{call}"
    if row.phase == "backward":
        return code, "", "", f"{len(row.operations)} lines"
    return (code, str(last.shape), numbers(last.value), f"{remark(last, lines)}  ({len(row.operations)} operations)")


def remark(op, lines):
    return lines.comment(op) + path(op)


def path(op):
    return f"   [{op.asked}: this path only]" * bool(op.asked)


def numbers(value):
    """Return a few numbers of a value.

    >>> numbers(np.array([0.5, -1.0, 2.0, 3.0])), numbers(np.float64(0.25))
    ('[ 0.5 -1.   2.  ...]', '0.25')
    """
    if isinstance(value, (tuple, list)) or callable(value):
        return ""
    few = np.array2string(np.ravel(value)[:NUMBERS], precision=3, suppress_small=True, max_line_width=200)
    return few[1:-1].strip() if not np.ndim(value) else few if np.size(value) <= NUMBERS else f"{few[:-1]} ...]"


def laid_out(cells):
    """Return the lines with their columns one below the other."""
    rows = [row for row in cells if not isinstance(row, str)]
    code = min(max((len(row[0]) for row in rows if row[1]), default=0), WIDEST)
    shape = max((len(row[1]) for row in rows), default=0)
    few = max((len(row[2]) for row in rows), default=0)
    found = []
    for row in cells:
        if isinstance(row, str):
            found.append(f"# {row}" if row in ("forward", "backward") else row)
            continue
        text = f"{row[0]:<{code}}  {row[1]:<{shape}}  {row[2]:<{few}}" if row[1] else row[0]
        found.append(f"{text:<{code + shape + few + 4}}    # {row[3]}" if row[3] else text.rstrip())
    return found
