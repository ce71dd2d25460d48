"""What stays with Python: calls between the pieces of a compiled step, and the drawing of most random numbers.

A call becomes a function without arguments, which the compiled step asks: it reads the arrays where they lie in the
step's memory and puts its result there.  Results that are no array of a compiled kind (tuples, complex numbers, the
pullbacks of user functions) stay Python objects between one call and the next.
"""

import numpy as np

from ...core.trees import leaves, rebuild
from .layout import strided
from .lines import Line, View

OTHER = "its result is of another shape or dtype than when it was traced"


class Calls:
    """The calls of one step.

    given : list of the arrays of this step, parameters first; whoever runs the step fills it
    objects : dict, id of a line -> what it gave, in this step
    drawn : list of the arrays of random numbers that were drawn in this step, so far
    """

    def __init__(self, lines, layout):
        self.lines, self.layout = lines, layout
        self.given, self.objects, self.drawn = [None] * len(lines.given), {}, []

    def function(self, line):
        """Return the function without arguments for a line."""
        names = {"f": line.form.call, "given": self.given, "objects": self.objects}
        args = [self.code(x, names) for x in line.form.args]
        args += [f"{key}={self.code(x, names)}" for key, x in line.form.kwargs.items()]
        result = f"f({', '.join(args)})"
        if line.buffer is None:
            names["store"], names["key"] = self.objects.__setitem__, id(line)
            return eval(f"lambda: store(key, {result})", names)
        names["store"], names["out"] = write_result, self.layout.array_of(line.buffer)
        names["note"] = self.drawn.append
        return eval(f"lambda: store(out, {result})" + " or note(out)" * (line.form.kind == "random"), names)

    def code(self, x, names):
        """Return the code of an argument; ``names`` gets what the code calls it."""
        if type(x) in (tuple, list):
            inside = "".join([f"{self.code(y, names)}, " for y in x])
            return f"[{inside}]" if type(x) is list else f"({inside})"
        if id(x) in self.lines.of:
            return self.code_of_value(self.lines.of[id(x)], names)
        inside = leaves(x)
        if not any(id(y) in self.lines.of for y in inside):
            return self.named(x, names)
        return f"{self.named(rebuild, names)}({self.named(x, names)}, iter({self.code(inside, names)}))"

    def code_of_value(self, x, names):
        if isinstance(x, Line):
            return f"objects[{id(x)}]"
        if not isinstance(x, View):
            return self.named(x, names)
        if x.buffer.kind == "given":
            whole = f"given[{x.buffer.index}]"
            return whole if x.is_all() else f"{self.named(seen_in, names)}({whole}, {tuple(x[1:])})"
        array = self.layout.array_of(x.buffer)
        seen = array if x.is_all() else seen_in(array, x[1:])
        return self.named(seen, names) + ("[()]" if seen.ndim == 0 and x.buffer.kind == "made" else "")

    @staticmethod
    def named(x, names):
        name = f"x{len(names)}"
        names[name] = x
        return name


def write_result(out, y):
    """Write a result to where compiled code finds it; return what is wrong with it, or None."""
    if getattr(y, "shape", ()) != out.shape or getattr(y, "dtype", out.dtype) != out.dtype:
        return OTHER
    out[...] = y
    return None


def seen_in(array, view):
    """Return the view of an array that begins so many elements after its beginning."""
    offset, shape, strides = view
    if array.ndim == 0 or not offset:
        return strided(array, shape, strides)
    return strided(np.asarray(Element(array, offset)), shape, strides)


class Element:
    """One number of an array, whatever its layout: so many numbers of its size behind its first."""

    def __init__(self, array, offset):
        interface = array.__array_interface__
        address, read_only = interface["data"]
        place = address + offset * array.itemsize, read_only
        self.array = array  # which stays as long as this
        self.__array_interface__ = {**interface, "data": place, "shape": (1,), "strides": None}
