"""Incomplete gamma and beta functions by their shape parameters, to every order.

With p the density of the gamma or beta distribution, the derivatives of its integral by the parameters are

    d^n/da^n  int_0^x p(t) dt = int_0^x p(t) B_n(t) dt = -int_x^end p(t) B_n(t) dt

where B_n is the complete Bell polynomial of the derivatives of log p(t) by the parameters (the first is a logarithm
of t less its mean, the others do not depend on t).  Integrals are taken on the side where they are small, by double
exponential quadrature.  Each function here is its own derivative, of the next order.

Reference: Takahasi and Mori, "Double exponential formulas for numerical integration" (1974).
"""

import math

import numpy as np
from scipy.special import _ufuncs as sp

from ..core.table import primitive, row

hurwitz = sp._zeta  # what scipy.special.zeta(x, q) calls
STEP = 1 / 24
_s = np.arange(-3.8, 3.0, STEP)
NODES = np.exp(np.pi / 2 * np.sinh(_s))  # on (0, inf), for what falls like exp(-u)
WEIGHTS = NODES * np.pi / 2 * np.cosh(_s) * STEP
BLOCK = 512  # numbers at a time, times the nodes


def psi(k, x):
    """Return the derivative of order k of digamma, for x > 0."""
    return sp.psi(x) if k == 0 else (-1.0) ** (k + 1) * math.factorial(k) * hurwitz(k + 1, x)


def bell(m, n, kappa):
    """Return (d/da)^m (d/db)^n p / p, where ``kappa(i, j)`` is (d/da)^i (d/db)^j log p."""
    if m == n == 0:
        return 1.0
    by_a = 1 if m else 0
    m, n = m - by_a, n - (1 - by_a)
    return sum(
        math.comb(m, i) * math.comb(n, j) * kappa(i + by_a, j + 1 - by_a) * bell(m - i, n - j, kappa)
        for i in range(m + 1)
        for j in range(n + 1)
    )


def in_blocks(integral, inside, *xs):
    """Return an elementwise function, a block of numbers at a time; 0 where it is not ``inside``, NaN as it comes."""
    xs = np.broadcast_arrays(*xs)
    y = np.where(np.isnan(sum(xs)), np.nan, np.zeros(xs[0].shape))
    places = np.flatnonzero(inside & ~np.isnan(y))
    with np.errstate(over="ignore", under="ignore"):
        for k in range(0, len(places), BLOCK):
            part = places[k : k + BLOCK]
            y.flat[part] = integral(*[x.flat[part][:, None].astype(float) for x in xs])
    return y.astype(np.result_type(*xs, np.float32), copy=False)[()]


# ------------------------------------------------------------------------------------------------ gamma
def along(slope, density):
    """Return how an inverse moves with a shape: slope / density; 0 at the edge, where it stays for every shape."""
    inside = density > 0
    return np.where(inside, slope, 0) / np.where(inside, density, 1)


def gamma_density(a, x):
    """Return the derivative of gammainc with respect to x; for large a without the difference of large logarithms."""
    a = a + 0 * x  # in the precision of x
    large = (a > 20) & (x > 0)
    b, t = np.where(large, a, 20), np.where(large, x, 20)
    away = (t - b) / b
    stirling = 1 / (12 * b) - 1 / (360 * b**3) + 1 / (1260 * b**5) - 1 / (1680 * b**7)
    far = 0.5 * np.log(b / (2 * np.pi)) - stirling - b * (away - np.log1p(away)) - np.log(t)
    a = np.where(large, 1, a)
    return np.exp(np.where(large, far, sp.xlogy(a - 1, x) - x - sp.gammaln(a)))


def bell_above(n, a, log_x):
    """Return (d/da)^n p / p for p = x^a / gamma(a + 1), where all stays small if a is small."""
    return bell(n, 0, lambda i, j: log_x - psi(0, a + 1) if i == 1 else -psi(i - 1, a + 1))


def gamma_bell(n, a, log_x):
    return bell_above(n, a, log_x) + n / a * bell_above(n - 1, a, log_x)


def gamma_integral(n):
    def integral(a, x):
        low = (x < a + 1) & ((a > 0.1) | (a * np.log(x) < -0.01))  # else nearly all is below, the smaller part above
        width = 1 / (np.maximum(a - x, 0) + 1 / np.sqrt(1 / a**2 + 4 / a))
        u = np.where(low, width, 1 / (np.maximum(x - a, 0) + np.sqrt(x) / 2)) * NODES
        log = np.where(low, -u, np.log1p(u))  # of t / x
        falls = np.where(low, -a * u - x * np.expm1(-u), (a - 1) * log - x * u)
        f = np.exp(falls) * gamma_bell(n, a, np.log(x) + log) * u / NODES * WEIGHTS
        whole = np.sum(np.where(low, 1, -1) * gamma_density(a, x) * x * f, axis=1)
        of_power, before = bell_above(n, a, np.log(x)), bell_above(n - 1, a, np.log(x))
        series = of_power * (1 - a * x / (a + 1)) - n * before * x / (a + 1) ** 2  # x^a / gamma(a + 1) (1 - ...)
        return np.where(x < 1e-8, np.exp(a * np.log(x) - sp.gammaln(a + 1)) * series, whole[:, None])[:, 0]

    return integral


@primitive
def gammainc_by_shape(n, a, x):
    """Return the derivative of order n >= 1 of gammainc(a, x) by a."""
    return in_blocks(gamma_integral(n), (a > 0) & (x > 0) & (x < np.inf), a, x)


row(
    gammainc_by_shape,
    None,
    lambda g, n, a, x: g * gammainc_by_shape(n + 1, a, x),
    lambda g, n, a, x: g * gamma_bell(n, a, log_of(x)) * gamma_density(a, x),
)


def log_of(x):
    """Return the logarithm, and 0 of 0: it is to be multiplied by a density."""
    return np.log(np.where(x == 0, 1, x))


# ------------------------------------------------------------------------------------------------- beta
def beta_density(a, b, x):
    """Return the derivative of betainc with respect to x."""
    a, b = a + 0 * x, b + 0 * x  # in the precision of x
    return np.exp(sp.xlogy(a - 1, x) + sp.xlog1py(b - 1, -x) - sp.betaln(a, b))


def beta_bell(m, n, a, b, log_x, log_rest):
    def kappa(i, j):
        k = i + j - 1
        first = (log_x if i else log_rest) if k == 0 else 0.0
        return first + psi(k, a + b) - (psi(k, a) if j == 0 else psi(k, b) if i == 0 else 0.0)

    return bell(m, n, kappa)


def beta_integral(m, n):
    def integral(a, b, x, rest):  # rest = 1 - x, exactly
        low = x * (a + b) < a
        sign, a, b, x, rest = np.where(low, 1, -1), *[np.where(low, *p) for p in ((a, b), (b, a), (x, rest), (rest, x))]
        slope = np.maximum(a - (b - 1) * x / rest, 0)
        u = NODES / (slope + 1 / np.sqrt(psi(1, a) - psi(1, a + b)))
        log_t, log_rest = np.log(x) - u, np.log(rest) + np.log1p(-x * np.expm1(-u) / rest)
        falls = a * log_t + (b - 1) * log_rest - sp.betaln(a, b)
        bells = np.where(low, beta_bell(m, n, a, b, log_t, log_rest), beta_bell(n, m, a, b, log_t, log_rest))
        return np.sum(sign * np.exp(falls) * bells * u / NODES * WEIGHTS, axis=1)

    return integral


@primitive
def betainc_by_shapes(m, n, a, b, x):
    """Return (d/da)^m (d/db)^n betainc(a, b, x), for m + n >= 1."""
    return in_blocks(beta_integral(m, n), (a > 0) & (b > 0) & (x > 0) & (x < 1), a, b, x, 1 - x)


row(
    betainc_by_shapes,
    None,
    None,
    lambda g, m, n, a, b, x: g * betainc_by_shapes(m + 1, n, a, b, x),
    lambda g, m, n, a, b, x: g * betainc_by_shapes(m, n + 1, a, b, x),
    lambda g, m, n, a, b, x: g * beta_bell(m, n, a, b, log_of(x), log_of(1 - x)) * beta_density(a, b, x),
)


# ------------------------------------------------------------------------------------------- Student's t
def student_density(v, z):
    """Return the density of z = t / sqrt(v), v degrees of freedom."""
    v = v + 0 * z
    return np.exp(-(v + 1) / 2 * np.log1p(z * z) - sp.betaln(0.5 + 0 * v, v / 2))


def student_bell(n, v, z):
    def kappa(k, _):
        first = -np.log1p(z * z) / 2 if k == 1 else 0.0
        return first + (psi(k - 1, (v + 1) / 2) - psi(k - 1, v / 2)) / 2**k

    return bell(n, 0, kappa)


@primitive
def student_by_freedom(n, v, z):
    """Return the derivative of order n >= 1 by v of the distribution function of z = t / sqrt(v)."""
    square = z * z
    x, rest = np.where(square < np.inf, square / (1 + square), 1), 1 / (1 + square)
    tail = in_blocks(beta_integral(0, n), (v > 0) & (x > 0) & (rest > 0), 0.5 + 0 * z, v / 2, x, rest)
    return np.sign(z) * tail / 2 ** (n + 1)


row(
    student_by_freedom,
    None,
    lambda g, n, v, z: g * student_by_freedom(n + 1, v, z),
    lambda g, n, v, z: g * student_bell(n, v, z) * student_density(v, z),
)
