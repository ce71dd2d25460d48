"""Rows of scipy.special's elementwise functions.

This chapter is opened when a Tensor meets a function of SciPy, that is, after the user has imported SciPy.
Of a function of several arguments, those without a closed form for their derivative (the order of a
Bessel function) must be plain numbers; the shape parameters of distributions are in ``shape_parameters``.

Reference: NIST Digital Library of Mathematical Functions, chapters 5 to 8 and 10.
"""

import math

import numpy as np
from scipy.special import _ufuncs as sp  # with SCIPY_ARRAY_API=1 scipy.special holds wrappers of them
from scipy.special._ufuncs import _zeta  # what scipy.special.zeta(x, q) calls

from ..core.errors import NoDerivativeError
from ..core.table import constant, row
from .shape_parameters import (
    along,
    beta_density,
    betainc_by_shapes,
    gamma_density,
    gammainc_by_shape,
    student_by_freedom,
    student_density,
)

ROOT_PI, ROOT_2PI = math.sqrt(math.pi), math.sqrt(2 * math.pi)


# --------------------------------------------------------------------------------------- gamma and beta
def trigamma(x):
    """Return the derivative of digamma; on the left side by reflection."""
    if x.dtype.kind == "c":
        raise NoDerivativeError(
            "scipy.special.psi: its derivative at complex numbers is not in SciPy, so that psi has none, and gamma, "
            "rgamma and loggamma of complex numbers have no second derivative"
        )
    left = x < 0
    y = _zeta(2, np.where(left, 1 - x, x))
    return np.where(left, (np.pi / np.sin(np.pi * np.where(left, x, 0.5))) ** 2 - y, y)


def psi_difference(a, c):
    """Return psi(a) - psi(c); where both are poles (0, -1, -2, ...) they cancel, and by reflection the rest remains."""
    poles = (a <= 0) & (c <= 0) & (a == np.floor(a)) & (c == np.floor(c))
    return sp.psi(np.where(poles, 1 - a, a)) - sp.psi(np.where(poles, 1 - c, c))


def student_a(g, a, b):
    z = b / a**0.5
    return g * (student_by_freedom(1, a, z) - student_density(a, z) * z / (2 * a))


def beyond_50(x, first, sign, near):
    """Return ``near``; of real numbers from 50 on, where it is a difference of equals, its series in z = +-1 / x^2.

        first / x^2 (1 + 3/2 z + 15/4 z^2 + 105/8 z^3)
    """
    if x.dtype.kind == "c":
        return near
    far = (x > 50) | (x < -50) & (sign > 0)  # erfcx, of sign -1, grows to the left
    inverse = (1 / np.where(far, x, 1.0)) ** 2
    z = sign * inverse
    return np.where(far, first * inverse * (1 + z * (1.5 + z * (3.75 + z * 13.125))), near)


# fmt: off
row(sp.gamma,       lambda g, y, x: g * (y * sp.psi(x)).conjugate())
row(sp.rgamma,      lambda g, y, x: -g * (y * sp.psi(x)).conjugate(), note="not at 0, -1, -2, ...")
row(sp.gammaln,     lambda g, x: g * sp.psi(x))
row(sp.loggamma,    lambda g, x: g * sp.psi(x).conjugate())
row(sp.psi,         lambda g, x: g * trigamma(x), note="of real numbers")
row(_zeta,          None, lambda g, a, b: -g * a * _zeta(a + 1, b))
row(sp.beta,        lambda g, y, a, b: g * y * psi_difference(a, a + b),
                    lambda g, y, a, b: g * y * psi_difference(b, a + b))
row(sp.betaln,      lambda g, a, b: g * psi_difference(a, a + b),
                    lambda g, a, b: g * psi_difference(b, a + b))
row(sp.poch,        lambda g, y, a, b: g * y * psi_difference(a + b, a),
                    lambda g, y, a, b: g * y * sp.psi(a + b))
row(sp.gammainc,    lambda g, a, b: g * gammainc_by_shape(1, a, b),
                    lambda g, a, b: g * gamma_density(a, b))
row(sp.gammaincc,   lambda g, a, b: -g * gammainc_by_shape(1, a, b),
                    lambda g, a, b: -g * gamma_density(a, b))
row(sp.gammaincinv, lambda g, y, a: -g * along(gammainc_by_shape(1, a, y), gamma_density(a, y)),
                    lambda g, y, a: g / gamma_density(a, y))
row(sp.gammainccinv, lambda g, y, a: -g * along(gammainc_by_shape(1, a, y), gamma_density(a, y)),
                    lambda g, y, a: -g / gamma_density(a, y))
row(sp.betainc,     lambda g, a, b, x: g * betainc_by_shapes(1, 0, a, b, x),
                    lambda g, a, b, x: g * betainc_by_shapes(0, 1, a, b, x),
                    lambda g, a, b, x: g * beta_density(a, b, x), signature="a, b, x")
row(sp.betaincc,    lambda g, a, b, x: -g * betainc_by_shapes(1, 0, a, b, x),
                    lambda g, a, b, x: -g * betainc_by_shapes(0, 1, a, b, x),
                    lambda g, a, b, x: -g * beta_density(a, b, x), signature="a, b, x")
row(sp.betaincinv,  lambda g, y, a, b: -g * along(betainc_by_shapes(1, 0, a, b, y), beta_density(a, b, y)),
                    lambda g, y, a, b: -g * along(betainc_by_shapes(0, 1, a, b, y), beta_density(a, b, y)),
                    lambda g, y, a, b: g / beta_density(a, b, y), signature="a, b, x")
row(sp.stdtr, student_a, lambda g, a, b: g * student_density(a, b / a**0.5) / a**0.5)
constant(sp.gammasgn)

# ------------------------------------------------------------------------------ the error function's family
row(sp.erf,         lambda g, x: g * (2 / ROOT_PI * np.exp(-x * x)).conjugate())
row(sp.erfc,        lambda g, x: -g * (2 / ROOT_PI * np.exp(-x * x)).conjugate())
row(sp.erfi,        lambda g, x: g * (2 / ROOT_PI * np.exp(x * x)).conjugate())
row(sp.erfcx,       lambda g, y, x: g * beyond_50(x, -1 / ROOT_PI, -1, 2 * x * y - 2 / ROOT_PI).conjugate())
row(sp.dawsn,       lambda g, y, x: g * beyond_50(x, -0.5, 1, 1 - 2 * x * y).conjugate())
row(sp.erfinv,      lambda g, y: g * (ROOT_PI / 2) * np.exp(y * y))
row(sp.erfcinv,     lambda g, y: -g * (ROOT_PI / 2) * np.exp(y * y))
row(sp.ndtr,        lambda g, x: g * (np.exp(-x * x / 2) / ROOT_2PI).conjugate())
row(sp.log_ndtr,    lambda g, y, x: g * (np.exp(-x * x / 2 - y) / ROOT_2PI).conjugate())
row(sp.ndtri,       lambda g, y: g * ROOT_2PI * np.exp(y * y / 2))

# ---------------------------------------------------------------------------- exponentials and logarithms
row(sp.expit,       lambda g, y, x: g * y * sp.expit(-x))
row(sp.log_expit,   lambda g, x: g * sp.expit(-x))
row(sp.logit,       lambda g, x: g / (x * (1 - x)))
row(sp.expm1,       lambda g, x: g * np.exp(x).conjugate())
row(sp.log1p,       lambda g, x: g / (1 + x).conjugate())
row(sp.exp2,        lambda g, y: g * y * math.log(2))
row(sp.exp10,       lambda g, y: g * y * math.log(10))
row(sp.cosm1,       lambda g, x: -g * np.sin(x))
row(sp.cbrt,        lambda g, y: g / (3 * y * y))
row(sp.xlogy,       lambda g, b: g * np.log(b * 1.0).conjugate(),  # * 1.0: of whole numbers not in half precision
                    lambda g, a, b: g * (a / np.where((a == 0) & (b == 0), 1, b)).conjugate())
row(sp.xlog1py,     lambda g, b: g * np.log1p(b * 1.0).conjugate(),
                    lambda g, a, b: g * (a / np.where((a == 0) & (b == -1), 1, 1 + b)).conjugate())
row(sp.entr,        lambda g, x: -g * (np.log(x) + 1))
row(sp.rel_entr,    lambda g, a, b: g * (np.log(a / b) + 1),
                    lambda g, a, b: -g * a / b)
row(sp.kl_div,      lambda g, a, b: g * np.log(a / b),
                    lambda g, a, b: g * (1 - a / b))
row(sp.expi,        lambda g, x: g * (np.exp(x) / x).conjugate())
row(sp.exp1,        lambda g, x: -g * (np.exp(-x) / x).conjugate())
row(sp.wrightomega, lambda g, y: g * (y / (1 + y)).conjugate())
row(sp.boxcox,      lambda g, a, b: g * a ** (b - 1.0), None)
row(sp.boxcox1p,    lambda g, a, b: g * (1 + a) ** (b - 1.0), None)
row(sp.huber,       lambda g, a, b: g * np.maximum(np.abs(b) - a, 0),
                    lambda g, a, b: g * np.clip(b, -1.0 * a, a))
row(sp.pseudo_huber,
                    lambda g, y, a, b: g * (2 * y / a - (b / a) * b / np.hypot(1, b / a)),
                    lambda g, a, b: g * b / np.hypot(1, b / a))

# --------------------------------------------------------------------------------------- Bessel functions
row(sp.j0,          lambda g, x: -g * sp.j1(x))
row(sp.j1,          lambda g, x: g * (sp.j0(x) - sp.jv(2, x)) / 2)
row(sp.y0,          lambda g, x: -g * sp.y1(x))
row(sp.y1,          lambda g, x: g * (sp.y0(x) - sp.yv(2, x)) / 2)
row(sp.i0,          lambda g, x: g * sp.i1(x))
row(sp.i1,          lambda g, x: g * (sp.i0(x) + sp.iv(2, x)) / 2)
row(sp.k0,          lambda g, x: -g * sp.k1(x))
row(sp.k1,          lambda g, x: -g * (sp.k0(x) + sp.kv(2, x)) / 2)
row(sp.i0e,         lambda g, y, x: g * (sp.i1e(x) - np.sign(x) * y))
row(sp.i1e,         lambda g, y, x: g * ((sp.i0e(x) + sp.ive(2, x)) / 2 - np.sign(x) * y))
row(sp.k0e,         lambda g, y, x: g * (y - sp.k1e(x)))
row(sp.k1e,         lambda g, y, x: g * (y - (sp.k0e(x) + sp.kve(2, x)) / 2))
row(sp.jv,          None, lambda g, a, b: g * ((sp.jv(a - 1.0, b) - sp.jv(a + 1.0, b)) / 2).conjugate())
row(sp.yv,          None, lambda g, a, b: g * ((sp.yv(a - 1.0, b) - sp.yv(a + 1.0, b)) / 2).conjugate())
row(sp.yn,          None, lambda g, a, b: g * (sp.yv(a - 1.0, b) - sp.yv(a + 1.0, b)) / 2)
row(sp.iv,          None, lambda g, a, b: g * ((sp.iv(a - 1.0, b) + sp.iv(a + 1.0, b)) / 2).conjugate())
row(sp.kv,          None, lambda g, a, b: -g * ((sp.kv(a - 1.0, b) + sp.kv(a + 1.0, b)) / 2).conjugate())
row(sp.kn,          None, lambda g, a, b: -g * (sp.kv(a - 1.0, b) + sp.kv(a + 1.0, b)) / 2)
row(sp.ive,         None, lambda g, y, a, b: g * ((sp.ive(a - 1.0, b) + sp.ive(a + 1.0, b)) / 2).conjugate()
                                       - np.sign(b.real) * (g * y.conjugate()).real)
row(sp.kve,         None, lambda g, y, a, b: g * (y - (sp.kve(a - 1.0, b) + sp.kve(a + 1.0, b)) / 2).conjugate())
# fmt: on
