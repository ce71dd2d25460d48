"""The command lines of these examples: numbers with limits and defaults, refused in one line that says why."""

import argparse
import math
from functools import partial


class Options(argparse.ArgumentParser):
    """A parser of ``--name VALUE``: of whole numbers from a least one on, and of positive numbers."""

    def __init__(self, description):
        super().__init__(description=description, formatter_class=partial(argparse.HelpFormatter, width=110))
        self.limits = {}

    def whole(self, name, default, help, *, least=1):
        """Take a whole number, ``least`` or more."""
        self.option(name, int, default, help, f"at least {least}", lambda n: n >= least)

    def positive(self, name, default, help):
        """Take a finite number above 0."""
        self.option(name, float, default, help, "a positive number", lambda x: 0 < x < math.inf)

    def option(self, name, kind, default, help, what, holds):
        """Take a number of a kind for which ``holds(number)``; ``what`` says in words what it must be."""
        shown = help if default is None else f"{help} (default: {default})"
        self.add_argument(f"--{name}", type=kind, default=default, metavar="N" if kind is int else "X", help=shown)
        self.limits[name] = what, holds

    def read(self, arguments=None):
        """Return the values; end the program with a line on standard error if one is out of its limits."""
        values = self.parse_args(arguments)
        for name, (what, holds) in self.limits.items():
            value = getattr(values, name)
            if value is not None and not holds(value):
                self.error(f"--{name} must be {what}, not {value}")
        return values
