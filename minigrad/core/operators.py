"""What NumPy and Python ask of a Tensor, and how its operators call NumPy."""


class Asked:
    """What NumPy and Python ask of a Tensor: functions that ``recording`` puts here, for they need the Tensor.

    ``namespace`` and ``memory``, for the array API standard, are put here by ``minigrad.array_api``.
    """

    ufunc = function = item = namespace = memory = None


def leaves_it(other):
    """Say whether ``other`` has operators of its own and no ufuncs, as NumPy's arrays ask, too."""
    return getattr(other, "__array_ufunc__", other) is None


def both(ufunc):
    """Return the operator that calls a ufunc, and the one for the arguments in reflected order."""
    forward = lambda self, other: NotImplemented if leaves_it(other) else ufunc(self, other)
    return forward, lambda self, other: NotImplemented if leaves_it(other) else ufunc(other, self)
