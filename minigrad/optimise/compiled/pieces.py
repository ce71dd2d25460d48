"""The text of compiled pieces: one for a loop with all its lines, one for a small product.

    # v5 = subtract, v6 = square, v7 = add over (0,)
    p0 = f8s(peek(at + 0))
    p1 = f8s(peek(at + 8))
    p2 = f8s(peek(at + 16))
    a2 = f8(0)
    for i0 in range(10):
        x0 = load(p0, i0, 0)
        x1 = load(p1, i0, 1)
        t0 = (x0 - x1)
        t1 = (t0 * t0)
        a2 = added(a2, t1)
    store(p2, 0, a2, 2)

Sizes and strides are written out, and which memory is meant (0, 1, 2), as different ones lie apart.  Addresses are
not: they stand in a block at ``at``, so that equal pieces are compiled once however often they run, and the code
can be kept on disk.
"""

import functools

import numpy as np

from .lines import CODES, View, is_literal, template_of

STARTS = {np.add: "0", np.maximum: "-np.inf", np.minimum: "np.inf"}
STEPS = {np.add: "added({}, {})", np.maximum: "maximum({}, {})", np.minimum: "minimum({}, {})"}


class Piece:
    """The lines of text of one group, and what stands in its block.

    text : list of lines; names : what it computes, for readers
    block : list of (Buffer, offset in elements), whose addresses the text finds in order
    """

    def __init__(self, group, stored):
        self.group, self.stored = group, stored
        self.block, self.pointers, self.memories = [], {}, {}
        self.variables = {}  # id of a buffer -> variable that holds its element
        self.loaded = {}  # (buffer, offset, strides) -> variable
        body = self.loops() if group.kind == "loop" else product(self, group.lines[0])
        self.text = [*self.head(), *body]
        self.names = ", ".join([f"{line.name} = {line.function.__name__}{list(line.domain)}" for line in group.lines])

    def pointer(self, view):
        """Return the variable that points to where a view begins."""
        key = id(view.buffer), view.offset
        if key not in self.pointers:
            self.pointers[key] = f"p{len(self.block)}"
            self.block.append((view.buffer, view.offset))
        return self.pointers[key]

    def memory(self, view):
        """Return the number of the memory that a view looks at."""
        return self.memories.setdefault(id(view.buffer), len(self.memories))

    def load(self, view, place):
        return f"load({self.pointer(view)}, {place}, {self.memory(view)})"

    def store(self, view, place, code):
        return f"store({self.pointer(view)}, {place}, {code}, {self.memory(view)})"

    def head(self):
        return [f"p{k} = {CODES[b.dtype]}s(peek(at + {8 * k}))" for k, (b, _) in enumerate(self.block)]

    # ------------------------------------------------------------------------------------------- loops
    def loops(self):
        """Return the nest of loops over the domain, with all lines of the group inside."""
        self.merge()
        depth = len(self.domain)
        self.before = [[] for _ in range(depth + 1)]  # what stands at each depth before the loop further in
        self.after = [[] for _ in range(depth + 1)]
        self.first = []
        for k, line in enumerate(self.group.lines):
            (self.reduction if line.kind == "reduce" else self.elementwise)(k, line)
        text, tail = list(self.first), []
        for d in range(depth + 1):
            pad = "    " * d
            text += [pad + code for code in self.before[d]]
            if d and d == depth - 1:
                text.append(f"{pad}row()")
            tail = [pad + code for code in self.after[d]] + tail
            if d < depth:
                text.append(f"{pad}for i{d} in range({self.domain[d]}):")
        return text + tail

    def merge(self):
        """Make one axis of two where all operands go through them as through one."""
        lines, domain = self.group.lines, list(self.group.domain)
        self.strides = {}  # (id of a line, view) -> its strides along the merged domain
        for line in lines:
            for x in [*line.views(), line.buffer.all]:
                summing = line.kind == "reduce" and x.buffer is line.buffer
                self.strides[id(line), x] = result_strides(line) if summing else list(line.strides_of(x))
        summed = {id(line): [d in line.axes for d in range(len(domain))] for line in lines}
        for d in range(len(domain) - 2, -1, -1):
            together = all(s[d] == s[d + 1] * domain[d + 1] for s in self.strides.values())
            if together and all(flags[d] == flags[d + 1] for flags in summed.values()):
                domain[d] *= domain.pop(d + 1)
                for values in [*self.strides.values(), *summed.values()]:
                    values.pop(d)
        self.domain = tuple(domain)
        self.axes = {key: [d for d, flag in enumerate(flags) if flag] for key, flags in summed.items()}

    def element(self, line, x):
        """Return the code of an operand's element."""
        if is_literal(x):
            return x
        if id(x.buffer) in self.variables and line.reads_in_place(x):
            return self.variables[id(x.buffer)]
        strides = tuple(self.strides[id(line), x])
        key = id(x.buffer), x.offset, strides
        if key not in self.loaded:
            name = self.loaded[key] = f"x{len(self.loaded)}"
            depth = max([d + 1 for d, s in enumerate(strides) if s], default=0)
            code = self.load(x, index(strides))
            self.before[depth].append(f"{name} = {f'({code} != 0)' if x.dtype.kind == 'b' else code}")
        return self.loaded[key]

    def elementwise(self, k, line):
        dtype, code = line.buffer.dtype, f"t{k}"
        template, casts = template_of(line.function, line.operands, dtype)
        operands = [cast(self.element(line, x), x, to) for x, to in zip(line.operands, casts)]
        body = self.before[-1]
        body.append(f"{code} = {template.format(*operands, kind=CODES[dtype])}")
        self.variables[id(line.buffer)] = code
        if id(line.buffer) in self.stored:
            place = index(self.strides[id(line), line.buffer.all])
            body.append(self.store(line.buffer.all, place, f"u1({code})" if dtype.kind == "b" else code))

    def reduction(self, k, line):
        dtype, (x,) = line.buffer.dtype, line.operands
        value = cast(self.element(line, x), x, dtype)
        kept = [d for d in range(len(self.domain)) if d not in self.axes[id(line)]]
        strides = self.strides[id(line), line.buffer.all]
        y, place = line.buffer.all, index(strides)
        start, step = f"{CODES[dtype]}({STARTS[line.function]})", STEPS[line.function]
        if kept == list(range(len(kept))):  # one result at a time
            self.before[len(kept)].append(f"a{k} = {start}")
            self.before[-1].append(f"a{k} = {step.format(f'a{k}', value)}")
            self.after[len(kept)].append(self.store(y, place, f"a{k}"))
        else:
            self.first += [f"for i in range({line.buffer.size}):", f"    {self.store(y, 'i', start)}"]
            self.before[-1].append(self.store(y, place, step.format(self.load(y, place), value)))


def result_strides(line):
    """Return the strides of the result of a reduction along what it reduces."""
    summed, (x,) = line.form.axes, line.operands
    strides, step = {}, 1
    for k in reversed(range(len(x.shape))):
        strides[k] = 0 if k in summed else step
        step *= 1 if k in summed else x.shape[k]
    return [strides[k] for k in line.order]


def index(strides):
    """Return the code of an index: the steps along each axis, added up."""
    return " + ".join([f"i{d}" if s == 1 else f"i{d} * {s}" for d, s in enumerate(strides) if s]) or "0"


def number_code(x, dtype):
    value = dtype.type(x).item()
    text = repr(value)
    if dtype.kind == "f" and not np.isfinite(value):
        text = "np.nan" if value != value else "np.inf" if value > 0 else "-np.inf"
    return f"{CODES[dtype]}({text})"


def cast(code, x, dtype):
    if not isinstance(x, View):
        return number_code(x, dtype)
    return code if x.dtype == dtype else f"{CODES[dtype]}({code})"


# ---------------------------------------------------------------------------------------------- products
def product(piece, line):
    """Return the loops of a small matrix product, in the order in which they go along memory."""
    a, b = line.operands
    (m, k), (ai, aj) = (a.shape, a.strides) if len(a.shape) == 2 else ((1, *a.shape), (0, *a.strides))
    n, (bj, bl) = (b.shape[1], b.strides) if len(b.shape) == 2 else (1, (*b.strides, 0))
    ai, aj, bj, bl = ai * (m > 1), aj * (k > 1), bj * (k > 1), bl * (n > 1)
    x, y = piece.load(a, index_of(i=ai, j=aj)), piece.load(b, index_of(j=bj, l=bl))
    zero = number_code(0, line.buffer.dtype)
    out, place = line.buffer.all, index_of(i=n, l=1 if n > 1 else 0)
    put, z = functools.partial(piece.store, out, place), piece.load(out, place)
    if n == 1 and ai == 1 and m > 1:
        loops = [f"for i in range({m}):", f"    {put(zero)}", f"for j in range({k}):", f"    s = {y}"]
        return [*loops, "    row()", f"    for i in range({m}):", f"        {put(f'muladd({z}, {x}, s)')}"]
    if n == 1 or bj == 1 and bl != 1:
        inner = ["    s = " + zero, f"    for j in range({k}):", f"        s = muladd(s, {x}, {y})", f"    {put('s')}"]
        columns = inner if n == 1 else [f"    for l in range({n}):", *("    " + code for code in inner)]
        return [f"for i in range({m}):", "    row()", *columns]
    each = [f"for l in range({n}):", f"    {put(zero)}", f"for j in range({k}):", f"    s = {x}"]
    each += ["    row()", f"    for l in range({n}):", f"        {put(f'muladd({z}, s, {y})')}"]
    return [f"for i in range({m}):", *("    " + code for code in each)]


def index_of(**strides):
    return " + ".join([i if s == 1 else f"{i} * {s}" for i, s in strides.items() if s]) or "0"


# ------------------------------------------------------------------------------------------ all together
def written(pieces):
    """Return the text of all pieces as one kernel, the same with comments, and the number of each piece in it.

    Equal pieces are one.  What is compiled has no names of the user's in it.
    """
    numbers, text, shown, found = {}, [], [], []
    for piece in pieces:
        key = "\n".join(piece.text)
        if key not in numbers:
            numbers[key] = len(numbers)
            condition = f"    if piece == {numbers[key]}:"
            body = [f"        {code}" for code in [*piece.text, "return 0"]]
            text += [condition, *body]
            shown += [f"{condition}  # {piece.names}", *body]
        found.append(numbers[key])
    head, end = ["def kernel(piece, at):"], ["    return 0", ""]
    return "\n".join(head + text + end), "\n".join(head + shown + end), found
