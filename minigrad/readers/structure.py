"""What a drawing of a program shows: its way forward as boxes in boxes, those of layers, functions and loops closed."""

from .listing import PERIODS, closed_groups, numbers, remark, repeated
from .source import Lines, is_computed


class Box:
    """A part of a program that is drawn as one node while it is closed: a layer, a function, a loop, one round of it.

    Attributes
    ----------
    title : str, "model.layers[0]", "softmax", "x 40"
    kind : "layer", "function", "loop" or "round"
    children : list of Boxes and Operations
    closed : bool, whether it is drawn closed at first
    """

    def __init__(self, title, kind, children=(), closed=True):
        self.title, self.kind, self.children, self.closed = title, kind, list(children), closed

    def operations(self):
        """Return the operations in it, at whatever depth."""
        found, waiting = [], list(reversed(self.children))
        while waiting:
            x = waiting.pop()
            if isinstance(x, Box):
                waiting.extend(reversed(x.children))
            else:
                found.append(x)
        return found


def structure(program):
    """Return the whole program as one open Box: its inputs, and what is computed on the way forward.

    >>> import numpy as np; from minigrad import trace
    >>> def loss(x):
    ...     for _ in range(5):
    ...         x = np.sin(x) * 2
    ...     return x
    >>> [getattr(x, "title", "") or x.name for x in structure(trace(loss, 1.0)).children]
    ['x', 'x 5: 2 operations each']
    """
    shown = [op for op in program if op.phase == "forward" and (is_computed(op) or is_drawn(op))]
    return Box(program.name, "program", with_loops(boxed(shown, 0, closed_groups(shown))), closed=False)


def is_drawn(op):
    """Say whether an operation that is not computed is a node: not so the small arrays of our own functions."""
    return op.kind != "constant" or op.name.rstrip("_0123456789") != "constant"


def boxed(operations, depth, closed):
    """Return operations with a Box in the place of those that belong to one group at this depth."""
    found, last = [], None
    for op in operations:
        group = op.within[depth] if len(op.within) > depth else None
        if group is None or not is_computed(op):
            found.append(op)
            last = None if is_computed(op) else last
            continue
        if last is None or last[0] != group:
            box = Box(group.path or group.name, "layer" if group.path else "function", closed=group.number in closed)
            last = group, box
            found.append(box)
        last[1].children.append(op)
    for x in found:
        if isinstance(x, Box):
            x.children = with_loops(boxed(x.children, depth + 1, closed))
    return [x.children[0] if isinstance(x, Box) and len(x.children) == 1 else x for x in found]


def with_loops(items):
    """Return items with a Box in the place of the rounds of a loop."""
    marks, found, i = list(map(likeness_of, items)), [], 0
    while i < len(items):
        periods = [p for p in range(1, PERIODS + 1) if marks[i : i + p] == marks[i + p : i + 2 * p]]
        period, times = max([(p, repeated(marks, i, p)) for p in periods], key=lambda x: x[0] * x[1], default=(1, 1))
        if times > 2:
            rounds = [items[k : k + period] for k in range(i, i + period * times, period)]
            many = f": {period} operations each" * (period > 1)
            inside = [Box(f"round {n}", "round", x) for n, x in enumerate(rounds, 1)] if period > 1 else sum(rounds, [])
            found.append(Box(f"x {times}{many}", "loop", inside))
        else:
            period, times = 1, 1
            found.append(items[i])
        i += period * times
    return found


def likeness_of(x):
    """Return what the nodes of two rounds of a loop have in common."""
    if isinstance(x, Box):
        return x.kind, len(x.children), x.children[-1].line if not isinstance(x.children[-1], Box) else x.title
    return x.function if isinstance(x.function, tuple) else id(x.function), x.kind, x.shape, x.line, len(x.args)


# ------------------------------------------------------------------------------------- as plain values
def as_data(program):
    """Return all that a page shows, as a dict of plain values for JSON.

    operations : list, a dict per operation of the way forward: name, code, shape, numbers, gradient, line, inputs
    tree : the Boxes, as nested dicts
    steps : list, a dict per line of the listing, in the order in which they run: what it computes, whose gradient
    """
    lines, tree = Lines(program), structure(program)
    drawn = tree.operations()
    ids, count = {op.index: f"o{op.index}" for op in drawn}, [0]

    def as_dict(x):
        if not isinstance(x, Box):
            return {"id": ids[x.index]}
        count[0] += 1
        box = {"id": f"b{count[0]}", "title": x.title, "kind": x.kind, "closed": x.closed}
        return {**box, "children": [as_dict(child) for child in x.children]}

    steps = [step(op, lines, ids) for phase in ("forward", "backward") for op in lines.having(phase)]
    given = [step(op, lines, ids) for op in drawn if not is_computed(op)]
    return {
        "name": program.name,
        "operations": [described_operation(op, lines, ids) for op in drawn],
        "tree": as_dict(tree),
        "steps": given + steps,
    }


def described_operation(op, lines, ids):
    computed = is_computed(op)
    return {
        "id": ids[op.index],
        "name": op.name,
        "code": lines.statement(op).partition(" = ")[2] if computed else op.kind,
        "label": label(op, lines) if computed else op.name,
        "kind": op.kind,
        "shape": "" if op.shape is None else str(op.shape),
        "numbers": numbers(op.value),
        "gradient": "" if op.gradient is None else numbers(op.gradient.value),
        "line": f"{op.line.number}: {op.line.code}" if op.line else "",
        "inputs": [ids[x.index] for x in dict.fromkeys(op.inputs) if x.index in ids],
    }


def label(op, lines):
    """Return the short name of what an operation does: the code with its operands left out."""
    code = lines.statement(op).partition(" = ")[2]
    if code.endswith(")") and code[0].isalpha():
        return code.partition("(")[0]
    for sign in (" @ ", " ** ", " + ", " - ", " * ", " / ", " >= ", " <= ", " > ", " < ", " == "):
        if sign in code:
            return sign.strip()
    return code if len(code) < 18 else f"{code[:16]}..."


def step(op, lines, ids):
    """Return one line of the listing: what it says, the node it is about, and what exists from then on."""
    forward = op.phase == "forward"
    about = op if forward else lines.program.loss if op.kind == "seed" else op.of
    gradient_of = about if not forward and about is not None and about.gradient is op else None
    code = lines.statement(op) if is_computed(op) else op.name
    return {
        "phase": op.phase if is_computed(op) else "given",
        "text": code if len(code) < 160 else f"{code[:156]} ...",
        "remark": remark(op, lines),
        "about": ids.get(about.index, "") if about is not None else "",
        "makes": ids.get(op.index, "") if forward else "",
        "gradient": "" if gradient_of is None else ids.get(gradient_of.index, ""),
    }
