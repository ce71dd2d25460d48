"""The checks before a compiled step runs, written out as one function."""

import zlib

import numpy as np

from ...core.storage import Storage
from ...core.tensor import Tensor
from ...readers.runnable import made
from .kinds import is_data, is_number

SMALL = 1000  # bytes of an array whose numbers are compared themselves; of larger ones a checksum


class Guards:
    """Comparisons, and what they are bound to.

    bound : dict, name in the code -> object
    tests : list of (code, what it is about for people, the same as Standings for compiled code)
    layouts : list of the same, of the arrays that machine code looks at itself
    """

    def __init__(self, reached):
        self.bound, self.tests, self.layouts = dict(reached.bound), list(reached.tests), []

    def name(self, x):
        name = f"y{len(self.bound)}"
        self.bound[name] = x
        return name

    def test(self, code, what, *stands):
        self.tests.append((code, what, stands))

    def stands(self):
        """Return the Standings that compiled code compares."""
        return [each for *_, stands in self.tests if None not in stands for each in stands]

    def left(self):
        """Return the tests that stay with Python then."""
        return [test for test in self.tests if not test[2] or None in test[2]]

    # ------------------------------------------------------------------------------------ what is compared
    def layout(self, code, x, what):
        """Watch shape, dtype and layout of an array that may hold other numbers, and be another one at each call."""
        same = "is" if x.dtype is np.dtype(x.dtype.char) else "=="
        test = f"{code}.__class__ is ndarray and {code}.shape == {x.shape} and {code}.dtype {same} {self.name(x.dtype)}"
        self.layouts.append((f"{test} and {code}.strides == {x.strides}", what, ()))

    def argument(self, code, x, parameters):
        """Watch a leaf of the step's arguments; return the code of its array, "" if it is none."""
        if isinstance(x, Storage):
            own = self.name(parameters)
            self.test(f"{code}.__class__ is Tensor and {code}.tape is None and id({code}) not in {own}", code)
            self.layout(f"{code}._value", x._value, code)
            return f"{code}._value"
        if isinstance(x, np.ndarray):
            self.layout(code, x, code)
            return code
        if is_data(x):
            self.test(f"{code}.__class__ is {self.name(type(x))}", code)
            return f"asarray({code})"
        if isinstance(x, np.generic):
            kind, text = self.name(type(x)), self.name(x.tobytes())
            self.test(f"{code}.__class__ is {kind} and {code}.dtype == {self.name(x.dtype)}", code)
            self.test(f"{code}.tobytes() == {text}", code)
        elif is_number(x):
            kind, text = self.name(type(x)), self.name(repr(x))
            self.test(f"({code} is {self.name(x)} or {code}.__class__ is {kind} and repr({code}) == {text})", code)
        else:
            self.test(f"{code} is {self.name(x)}", code)
        return ""

    def numbers(self, x, what):
        """Watch the numbers themselves in an array, which Python has used."""
        name = self.name(x)
        if x.nbytes <= SMALL:
            self.test(f"{name}.tobytes() == {self.name(x.tobytes())}", what)
        else:
            self.test(f"checksum({name}) == {checksum(x)}", what)

    # ------------------------------------------------------------------------------------ written out
    def text(self, head, lines, then, tests):
        tests = "\n            and ".join(code for code, *_ in tests) or "True"
        body = [f"def {head}:", *lines, "    try:", f"        if not ({tests}):", "            return None"]
        body += ["    except (AttributeError, IndexError, KeyError, TypeError, ValueError):", "        return None"]
        body.append(f"    return {then}")
        return "\n".join(f"    {line}" for line in body)

    def function(self, head, lines, then, tests=None, **further):
        """Return the function ``head`` that returns ``then`` after all comparisons, or None if one fails."""
        text = self.text(head, lines, then, [*self.layouts, *self.tests] if tests is None else tests)
        bound = {**self.bound, **HELPERS, **further}
        names = ", ".join(bound)
        return made(f"def make({names}):\n{text}\n    return {head.partition('(')[0]}\n", bound)

    def changed(self, variables=()):
        """Return what is not as it was, for people; "" if all is.  ``variables``: those of the code by their names."""
        space = {**self.bound, **HELPERS, **dict(variables)}
        for code, what, _ in [*self.layouts * bool(variables), *self.tests]:
            try:
                if not eval(code, space):
                    return what
            except (AttributeError, IndexError, KeyError, TypeError, ValueError):
                return what
        return ""


def checksum(x):
    """Return a number that changes when an array's numbers do.

    >>> checksum(np.zeros(3)) == checksum(np.ones(3))
    False
    """
    return zlib.crc32(x if x.flags.c_contiguous and x.dtype.kind in "fciub" else x.tobytes())


HELPERS = {"ndarray": np.ndarray, "Tensor": Tensor, "asarray": np.asarray, "checksum": checksum}
