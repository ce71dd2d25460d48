"""Derivatives of NumPy's elementwise functions.

For complex arguments the gradient of a real loss is dL/dx + i dL/dy, so that the vjp of a function
with the derivative f' is ``g * conj(f'(x))``; ``x.conjugate()`` costs next to nothing where x is
real.  Constants stand as Python's own numbers, which leave float32 in float32.
"""

import math
import operator

import numpy as np

from ..core.table import atomic, constant, nothing, possibly, primitive, row, transparent

LN2, LN10 = math.log(2), math.log(10)


def safe(x):
    """Return ``x`` with its zeros replaced by ones, to take the logarithm of or divide by."""
    return np.where(x == 0, 1.0, x)


@transparent
@primitive
def radius(r):
    """Return ``r`` with its zeros replaced by infinity: what is divided by it is 0 at the tip of a cone.

    The slope of a cone jumps at its tip: its derivative there is NaN.
    """
    return np.where(r == 0, np.inf, r)


row(radius, lambda g, r: np.where(r == 0, np.nan, g))


@transparent
@primitive
def tip(y):
    """Return ``y``, whose derivative is 0 where y is 0, and the second one NaN."""
    return y


row(tip, lambda g, y: g * (y / radius(y)) if possibly(np.any(y == 0)) else g, signature="y")


def flat(g):
    """The vjp for an argument that moves the result in steps only."""
    return np.zeros_like(g)


# ---------------------------------------------------------------------------------------- arithmetic
def power_vjp_a(g, a, b):
    if not isinstance(b, (int, float)):
        return g * (b * a ** np.where(b == 0, 1, b - 1)).conjugate()  # 0 for x**0, also at x = 0
    if b == 2:
        return g * (a + a).conjugate()
    return g * (b * a ** (b - 1)).conjugate() if b else flat(g)


def power_vjp_b(g, y, a):
    if isinstance(a, (int, float)):
        return g * (y * (float(np.log(a)) if a else 0)).conjugate()
    return g * (y * np.log(safe(a))).conjugate()  # 0 for 0**x


row(np.add, lambda g: g, lambda g: g)
row(np.subtract, lambda g: g, lambda g: -g)
row(np.multiply, lambda g, b: g * b.conjugate(), lambda g, a: g * a.conjugate())
row(np.divide, lambda g, b: g / b.conjugate(), lambda g, y, b: -(g * y.conjugate()) / b.conjugate())
row(np.power, power_vjp_a, power_vjp_b, note="0 for x**0 and for 0**x")
row(operator.pow, power_vjp_a, power_vjp_b, signature="a, b")  # a ** b, which squares and takes roots without np.power
row(
    np.float_power,
    lambda g, a, b: g * (b * np.float_power(a, np.where(b == 0, 1, b - 1))).conjugate(),
    power_vjp_b,
    note="0 for x**0 and for 0**x",
)
row(np.negative, lambda g: -g)
row(np.positive, lambda g: g)
row(np.reciprocal, lambda g, y: -(g * y.conjugate()) * y.conjugate())
row(np.square, lambda g, x: g * (2 * x).conjugate())
row(np.sqrt, lambda g, y: g * 0.5 / y.conjugate(), note="inf at 0")
row(np.cbrt, lambda g, y: g / (3 * y * y), note="inf at 0")

# Division with remainder: the quotient is a step function.
row(np.remainder, lambda g: g, lambda g, a, b: -g * np.floor_divide(a, b))
row(np.fmod, lambda g: g, lambda g, a, b: -g * np.trunc(a / b))
row(np.divmod, lambda g: g[1], lambda g, y: None if g[1] is None else -g[1] * y[0], note="the remainder")
row(np.modf, lambda g: g[0], note="the fractional part")

# ------------------------------------------------------------------------- exponentials and logarithms
row(np.exp, lambda g, y: g * y.conjugate())
row(np.exp2, lambda g, y: g * (LN2 * y).conjugate())
row(np.expm1, lambda g, x: g * np.exp(x).conjugate())  # y + 1 would be 0 far to the left
row(np.log, lambda g, x: g / x.conjugate())
row(np.log2, lambda g, x: g / (LN2 * x).conjugate())
row(np.log10, lambda g, x: g / (LN10 * x).conjugate())
row(np.log1p, lambda g, x: g / (1 + x).conjugate())


# --------------------------------------------------------------------- circular and hyperbolic functions
# On a branch cut the sign of a zero says which side is meant: a difference from a real number keeps it, x + 1 does not.
def cosine_of_arcsin(x):
    """Return sqrt(1 - x^2)."""
    if x.dtype.kind != "c":
        return np.sqrt((1 - x) * (1 + x))
    return np.sqrt(-(x - 1)) * np.sqrt(x - -1)


def cosh_of_arcsinh(x):
    """Return sqrt(1 + x^2)."""
    return np.hypot(x, 1) if x.dtype.kind != "c" else np.sqrt(x * x - -1)


row(np.sin, lambda g, x: g * np.cos(x).conjugate())
row(np.cos, lambda g, x: -g * np.sin(x).conjugate())
row(np.tan, lambda g, y: g * (1 + y * y).conjugate())
row(np.arcsin, lambda g, x: g / cosine_of_arcsin(x).conjugate())
row(np.arccos, lambda g, x: -g / cosine_of_arcsin(x).conjugate())
row(np.arctan, lambda g, x: g / (1 + x * x).conjugate())
row(np.sinh, lambda g, x: g * np.cosh(x).conjugate())
row(np.cosh, lambda g, x: g * np.sinh(x).conjugate())
row(np.tanh, lambda g, y: g * (1 - y * y).conjugate())
row(np.arcsinh, lambda g, x: g / cosh_of_arcsinh(x).conjugate())
row(np.arccosh, lambda g, x: g / (np.sqrt(x - 1) * np.sqrt(x - -1)).conjugate())  # one sqrt: wrong branch
row(np.arctanh, lambda g, x: g / ((1 - x) * (1 + x)).conjugate())
for _function in (np.deg2rad, np.radians):
    row(_function, lambda g: np.deg2rad(g))
for _function in (np.rad2deg, np.degrees):
    row(_function, lambda g: np.rad2deg(g))


def arctan2_vjp(sign):
    def vjp(g, a, b):
        r = radius(np.hypot(a, b))
        with np.errstate(invalid="ignore"):  # inf / inf
            return g * np.where(r == np.inf, 0, sign * (b / r) / r)

    return vjp


# The angle of the point (b, a); the gradient at the origin is taken as 0.
row(np.arctan2, arctan2_vjp(1), lambda g, a, b: arctan2_vjp(-1)(g, b, a), note="0 at the origin")
row(
    np.hypot,
    lambda g, y, a: g * (a / radius(y)),
    lambda g, y, b: g * (b / radius(y)),
    note="0 at the origin",
)


# ----------------------------------------------------------------------------- size, sign and direction
@transparent
@primitive
def turned(g, x):
    """Return ``g * np.sign(x)``, the vjp of abs.

    By x it is flat on both sides of the kink.  The sign at the kink is the middle, 0, which is right for g alone; but a
    g that changes with x wants the square of the sign, as abs(x)**2 does: that is NaN, and no wrong number.
    """
    return g * np.sign(x)


row(turned, lambda g, x: g * np.where(x == 0, np.nan, np.sign(x)), nothing)


def abs_vjp(g, x):
    if x.dtype.kind == "c":
        return g * (x / radius(np.abs(x)))
    return g * np.sign(x) if isinstance(x, (np.ndarray, np.generic)) else turned(g, x)


def sign_vjp(g, y, x):
    """Turning z moves z / |z| at right angles to itself; the sign of a real number does not move."""
    if x.dtype.kind != "c" or np.__version__ < "2":  # NumPy 1 gave the sign of the real part
        return flat(g)
    return (g - y * np.real(y.conjugate() * g)) / radius(np.abs(x))


def angle_vjp(g, z, deg):
    if z.dtype.kind != "c":
        return flat(g)
    r = radius(np.abs(z))
    return (np.rad2deg(g) if deg else g) * (1j * (z / r) / r)


row(np.absolute, abs_vjp, note="0 at 0")
row(np.fabs, abs_vjp, note="0 at 0")
row(np.sign, sign_vjp, note="0 for real numbers")
row(np.copysign, lambda g, y, a: abs_vjp(g * np.sign(y), a), flat, note="0 at 0")
row(np.heaviside, flat, lambda g, a: np.where(a == 0, g, 0))
row(np.conjugate, lambda g: g.conjugate())
row(np.real, lambda g: g, signature="val")
row(np.imag, lambda g: g * 1j, signature="val")
row(np.angle, angle_vjp, signature="z, deg=False", note="0 at 0")
row(np.real_if_close, lambda g: g, signature="a, tol=100")

# Parts of the binary representation; the exponent is a step function.
row(np.frexp, lambda g, y: None if g[0] is None else np.ldexp(g[0], -y[1]), note="the mantissa")
row(np.ldexp, lambda g, b: np.ldexp(g, b))
row(np.nextafter, lambda g: g, flat)


# -------------------------------------------------------------------------------------------- choosing
def extremum_vjp(wins):
    """The vjp of a maximum or minimum: all to the one that ``wins``, half to each at a tie."""

    def vjp(g, a, b):
        tie = a == b
        return where_true(wins(a, b), np.where(tie, 0.5 * g, g) if possibly(tie.any()) else g)

    return vjp


def gated(g, mask):
    """Return ``g * mask``; a product of numbers of one dtype takes less time than one with booleans."""
    if type(g) is not np.ndarray or type(mask) is not np.ndarray:
        return g * mask
    h = mask.astype(g.dtype)
    h *= g
    return h


def where_true(mask, g):
    """Return ``np.where(mask, g, 0)``; where all is finite the product is several times quicker."""
    if type(g) is np.ndarray:
        product = gated(g, mask)
        if np.isfinite(np.add.reduce(product, axis=None)):  # else inf * 0 may have made NaN of a 0
            return product
        return np.where(mask, g, 0)
    return where_true_of_others(mask, g)


@atomic
def where_true_of_others(mask, g):
    return where_true(mask, g) if type(g) is np.ndarray else np.where(mask, g, 0)


def unless_nan(vjp):
    """The vjp of fmax and fmin, which pass over NaN: then all goes to the other one."""
    return lambda g, a, b: np.where(np.isnan(b) & ~np.isnan(a), g, vjp(g, a, b))


def both(vjp):
    """Return the vjps for the arguments a and b of a function that is symmetric in them."""
    return vjp, (lambda g, a, b: vjp(g, b, a))


def nan_to_num_vjp(g, x):
    if x.dtype.kind != "c":
        return np.where(np.isfinite(x), g, 0)
    return np.where(np.isfinite(x.real), g.real, 0) + 1j * np.where(np.isfinite(x.imag), g.imag, 0)


row(np.maximum, *both(extremum_vjp(np.greater_equal)), note="half to each at a tie")
row(np.minimum, *both(extremum_vjp(np.less_equal)), note="half to each at a tie")
row(np.fmax, *both(unless_nan(extremum_vjp(np.greater_equal))), note="half to each at a tie")
row(np.fmin, *both(unless_nan(extremum_vjp(np.less_equal))), note="half to each at a tie")
row(
    np.where,
    nothing,
    lambda g, condition: np.where(condition, g, 0),
    lambda g, condition: np.where(condition, 0, g),
    signature="condition, a=None, b=None",
)


def clip_vjp(is_taken):
    """The vjp for one argument of np.clip: all to what ``is_taken``, the upper bound if the lower one is above it."""

    def vjp(g, y, a, a_min, a_max, min, max):
        low, high = min if a_min is None else a_min, max if a_max is None else a_max
        crossed = low is not None and high is not None and low > high
        return np.where(is_taken(a, y, crossed), g, 0)

    return vjp


to_low = clip_vjp(lambda a, y, crossed: (a < y) & np.logical_not(crossed))
to_high = clip_vjp(lambda a, y, crossed: (a > y) | crossed)
row(
    np.clip,
    *(clip_vjp(lambda a, y, crossed: (a == y) & np.logical_not(crossed)), to_low, to_high, to_low, to_high),
    signature="a, a_min=None, a_max=None, *, min=None, max=None",
    note="1 at the edges",
)
row(np.nan_to_num, nan_to_num_vjp, signature="x, *, nan=0.0, posinf=None, neginf=None")
row(np.unwrap, lambda g: g, signature="p, discont=None, axis=-1, *, period=None")


# ------------------------------------------------------------------- special functions that NumPy has
@transparent
@primitive
def sinc_derivative(x, n):
    """Return the n-th derivative of np.sinc(x), n >= 1, to machine precision also near 0.

    sinc(x) is the mean of cos(pi x t) over 0 <= t <= 1, which is differentiated under the integral for
    |x| <= 1; elsewhere x sinc(x) = sin(pi x) / pi is differentiated n times.

    >>> float(sinc_derivative(np.array(0.0), 2)), -np.pi**2 / 3
    (-3.28986813..., -3.28986813...)
    """
    dtype = x.dtype if x.dtype.kind in "fc" else np.dtype(float)
    z = x.astype(np.result_type(dtype, float))
    t, weights = np.polynomial.legendre.leggauss(20)
    t, weights = (t + 1) / 2, weights / 2
    inner = np.where(abs(z) <= 1, z, 0)
    near_0 = ((np.pi * t) ** n * np.cos(np.pi * (inner[..., None] * t + n / 2))) @ weights
    outer = np.where(abs(z) <= 1, 1, z)
    far = np.sinc(outer)
    for m in range(1, n + 1):
        far = (np.pi ** (m - 1) * np.sin(np.pi * (outer + m / 2)) - m * far) / outer
    return np.where(abs(z) <= 1, near_0, far).astype(dtype)


@transparent
@primitive
def bessel_i(x, n):
    """Return the modified Bessel function of the first kind, of the integer order n, for real x.

    I_n(x) is the mean of exp(x cos t) cos(n t) over a period, which the rule of equal steps gives to
    machine precision.

    >>> float(bessel_i(np.array(1.0), 1)).__round__(12), float(np.i0(1.0)).__round__(12)
    (0.565159103992, 1.266065877752)
    """
    t = (np.arange(256) + 0.5) * (np.pi / 256)
    y = (np.exp(x[..., None] * np.cos(t)) * np.cos(n * t)).mean(-1)
    return y.astype(x.dtype) if x.dtype.kind == "f" else y


row(np.sinc, lambda g, x: g * sinc_derivative(x, 1).conjugate(), signature="x")
row(sinc_derivative, lambda g, x, n: g * sinc_derivative(x, n + 1).conjugate())
row(np.i0, lambda g, x: g * bessel_i(x, 1), signature="x")
row(bessel_i, lambda g, x, n: g * 0.5 * (bessel_i(x, n - 1) + bessel_i(x, n + 1)))

# ------------------------------------------------------------------------------------------- constants
constant(
    *(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal),
    *(np.logical_and, np.logical_or, np.logical_xor, np.logical_not),
    *(np.isfinite, np.isinf, np.isnan, np.isnat, np.signbit, np.isneginf, np.isposinf),
    *(np.isreal, np.iscomplex, np.isrealobj, np.iscomplexobj, np.isclose, np.allclose),
    *(np.floor, np.ceil, np.trunc, np.rint, np.round, np.around, np.fix, np.floor_divide, np.spacing),
    *(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift),
    *(np.gcd, np.lcm),
)
if hasattr(np, "bitwise_count"):  # NumPy 2
    constant(np.bitwise_count)
