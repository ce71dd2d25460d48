"""What formulas may call: on Python numbers, or on arrays element by element; kernels have the same (kernels.py)."""

import math

import numpy as np

from .lanes import added, norm_in_lanes, sum_in_lanes

real = np.floating  # marks state


def sqrt(x):
    """Square root; a Python number stays one, so that it does not widen a float32 array."""
    if isinstance(x, Number):
        return Number(np.sqrt(float(x)))
    return math.sqrt(x) if isinstance(x, (int, float)) else np.sqrt(x)


def abs2(x):
    """``x * conj(x)`` as a real number: the square of the absolute value."""
    return x.real * x.real + x.imag * x.imag if np.iscomplexobj(x) else x * x


def absolute(x):
    """The absolute value; of a complex number by ``hypot``, as in compiled code (NumPy's own rounds otherwise)."""
    return np.hypot(x.real, x.imag) if np.iscomplexobj(x) else abs(x)


def maximum(a, b):
    """The larger of the two; NaN if either is NaN."""
    return (a if a >= b or a != a else b) if are_numbers(a, b) else np.maximum(a, b)


def minimum(a, b):
    """The smaller of the two; NaN if either is NaN."""
    return (a if a <= b or a != a else b) if are_numbers(a, b) else np.minimum(a, b)


def where(condition, a, b, like=None):
    """``a`` where the condition holds, else ``b``; of two numbers, elements of the real type of ``like``."""
    if are_numbers(condition):
        return a if condition else b
    if like is not None and are_numbers(a, b):
        a, b = np.array([a, b]).astype(like.real.dtype)
    return np.where(condition, plain(a), plain(b))


def sign(z):
    """-1, 0 or 1; of a complex number, that of its real and its imaginary part."""
    if are_numbers(z):
        return float((z > 0) - (z < 0)) if z == z else z
    return by_parts(np.sign, z)


def clip(z, low, high):
    """The nearest number of an interval; of a complex number, that of its real and its imaginary part."""
    limited = lambda x: minimum(maximum(x, low), high)
    return limited(z) if are_numbers(z) else by_parts(limited, z)


THIRD = 0x2A9F7893782DA1CE  # what a third of the bits of a float64 lacks to be about those of its cube root


def cbrt(x):
    """The cube root of a number >= 0, in steps that all engines round alike, which those of libraries are not."""
    if are_numbers(x):
        return float(cbrt(np.array([x], np.float64))[0])
    wide = x.astype(np.float64)
    subnormal = wide < 2.0**-1022
    wide = np.where(subnormal, wide * 2.0**54, wide)
    y = (wide.view(np.int64) // 3 + THIRD).view(np.float64)
    for _ in range(3):  # Halley's method: the number of right digits triples
        ratio = wide / (y * y) / y
        y = y * ((1 + 2 * ratio) / (2 + ratio))
    y = np.where(subnormal, y * 2.0**-18, y).astype(x.dtype)
    return np.where((x > 0) & (x < np.inf), y, x)


def power(x, n):
    """``x`` to a whole number that is written in the formula: a product, of squares of squares."""
    if n <= 0:
        return 1 / power(x, -n) if n else 1.0
    result = None
    while n:
        if n % 2:
            result = x if result is None else result * x
        n //= 2
        x = x * x if n else x
    return result


def mod(a, b):
    """The remainder of one number by another, with the sign of the second."""
    floor = np.floor if isinstance(a / b, Number) else math.floor
    return a - floor(a / b) * b


def are_numbers(*values):
    """Whether all are Python's own numbers."""
    return all([isinstance(value, (int, float)) for value in values])


def by_parts(function, z):
    """Let a function of real numbers treat a complex one as two: real part and imaginary part."""
    if not np.iscomplexobj(z):
        return function(z)
    both = np.empty_like(z)
    both.real, both.imag = function(z.real), function(z.imag)
    return both


# The numbers that formulas ask for: one for the whole parameter, or ``over="all"`` parameters of a step.


class Number(float):
    """A number made of all elements: divided by zero it is infinite or NaN, as in compiled code.

    Like Python's own it does not widen a float32 array.

    >>> 1 / Number(0), Number(0) / 0.0, (np.ones(1, np.float32) * Number(0.5)).dtype
    (inf, nan, dtype('float32'))
    """

    __slots__ = ()

    def __add__(self, other):
        return in_ieee(np.add, self, other)

    def __sub__(self, other):
        return in_ieee(np.subtract, self, other)

    def __rsub__(self, other):
        return in_ieee(np.subtract, other, self)

    def __mul__(self, other):
        return in_ieee(np.multiply, self, other)

    def __truediv__(self, other):
        return in_ieee(np.divide, self, other)

    def __rtruediv__(self, other):
        return in_ieee(np.divide, other, self)

    def __pow__(self, other):
        return in_ieee(np.power, self, other)

    def __rpow__(self, other):
        return in_ieee(np.power, other, self)

    def __neg__(self):
        return Number(-float(self))

    def __abs__(self):
        return Number(abs(float(self)))

    __radd__, __rmul__ = __add__, __mul__

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        made = getattr(ufunc, method)(*map(plain, inputs), **kwargs)
        return made if isinstance(made, np.ndarray) else Number(made)


def plain(value):
    """Python's own float in the place of a Number."""
    return float(value) if isinstance(value, Number) else value


def in_ieee(ufunc, a, b):
    """A Number made of two numbers; arrays make what they make of a number."""
    if not are_numbers(a, b):
        return NotImplemented
    with np.errstate(all="ignore"):
        return Number(ufunc(float(a), float(b)))


def norm(e, over=None):
    """The 2-norm of all elements."""
    return Number(norm_in_lanes(e))


def total(e, over=None):
    """The sum of all elements, in float64 and in the order of lanes.py."""
    return Number(sum_in_lanes(real_only(e)))


def mean(e, over=None):
    """The mean of all elements."""
    return total(e) / max(1, np.size(e))


def real_only(values):
    if np.iscomplexobj(values):
        raise TypeError("total and mean are of real numbers; of complex ones take e.real and e.imag each by itself")
    return values


REDUCTIONS = norm, mean, total


# The same over all of several arrays.


def norm_of_all(arrays):
    return Number(math.hypot(*map(norm, arrays)))


def total_of_all(arrays):
    return Number(added(map(total, arrays)))


def mean_of_all(arrays):
    return total_of_all(arrays) / max(1, sum(map(np.size, arrays)))
