"""What NumPy and Python ask of a Tensor, and how its operators call NumPy."""


class Asked:
    """What NumPy and Python ask of a Tensor: functions that ``recording`` puts here, for they need the Tensor."""

    ufunc = function = item = None


def forwards(ufunc):
    return lambda self, other: ufunc(self, other)


def both(ufunc):
    """Return the operator that calls a ufunc, and the one for the arguments in reflected order."""
    return forwards(ufunc), lambda self, other: ufunc(other, self)
