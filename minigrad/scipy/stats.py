"""``scipy.stats``: densities and distribution functions, differentiated by all that they are given.

    from minigrad.scipy.stats import norm

    norm.logpdf(x, loc, scale)        norm(loc, scale).logpdf(x)

The parameters have SciPy's names, order and defaults, and broadcast.  Outside of the support a density is 0 and
its derivative, too; at the ends of the support slopes are those from inside, infinite where the density rises from 0
or falls from infinity without bound.  Where a parameter is not allowed the value is NaN.  What has no derivative
here is SciPy's own for plain numbers, and refused for what is differentiated, with what to write (``REFUSED``).

Values and derivatives have ten digits or more; those of distribution functions by a shape have them where the shapes
of beta are from 1e-3 and the freedom of t is up to 1e4, and fewer beyond.
"""

import functools
import importlib
import inspect
import math

import numpy as np
import scipy.special as sp
from scipy.linalg import lapack

from ..arrays import as_numbers
from ..core.errors import NoDerivativeError
from ..core.storage import numbers_of
from ..core.table import possibly, primitive, refuse_if, row, transparent
from ..core.tensor import lower, recorded, Tensor, tensors_in
from ..hints import chapter
from .entering import made_of_others

LOG_ROOT_2PI = math.log(2 * math.pi) / 2
DRAWN = "draw standard numbers and transform them: loc + scale * rng.normal(size=n); see minigrad.sampling"
REFUSED = {  # what SciPy's distributions have besides, and what to write of what is differentiated
    "rvs": DRAWN,
    "ppf": "scipy.special has the inverses that are differentiated: ndtri, gammaincinv, betaincinv",
    "isf": "scipy.special has the inverses that are differentiated: ndtri, gammainccinv, betaincinv",
    "count": "it is a whole number; hand over a plain one",
    "fit": "minimise -np.sum(logpdf(x, ...)), whose gradient is differentiated here",
    "cdf": "SciPy integrates it at random points",
    "logcdf": "SciPy integrates it at random points",
}


def refuse_recorded(who, name, x):
    """Raise if there is anything in ``x`` that is being differentiated."""
    if any(recorded(t) is not None for t in tensors_in(x)):
        instead = REFUSED.get(name, "write its formula with NumPy's functions, or minigrad.adjoint")
        raise NoDerivativeError(f"{who} has no derivative here: {instead}. For its value alone use minigrad.dropgrad")


def double(x):
    """Return numbers, lists and Tensors in double precision, in which SciPy works."""
    if type(x) is int or type(x) is float:
        return np.float64(x)
    x = x if type(x) is np.ndarray or type(x) is Tensor else as_numbers(x, "a distribution's argument")
    x = x if hasattr(x, "dtype") else np.float64(x)
    return x if x.dtype == float else x.astype(float)


class Law:
    """A distribution, with the names that SciPy's has.

    Parameters
    ----------
    name : str, SciPy's
    **methods : "parameters" -> function of them, as in ``entropy=("mean, cov", f)``
    """

    def __init__(self, name, **methods):
        self.name, self.methods = name, methods
        for each, (parameters, f) in methods.items():
            setattr(self, each, made_of_others(named(f, f"{name}.{each}", parameters)))

    def __call__(self, *args, **kwargs):
        """Return the distribution with these parameters, whose methods take the rest."""
        return Frozen(self, args, kwargs)

    def __getattr__(self, name):
        """Return SciPy's own method, for what is not being differentiated."""
        if name[0] == "_":
            raise AttributeError(name)
        theirs = getattr(getattr(importlib.import_module("scipy.stats"), self.name), name)

        def method(*args, **kwargs):
            refuse_recorded(f"minigrad.scipy.stats.{self.name}.{name}", name, (args, kwargs))
            return theirs(*lower(args, None), **lower(kwargs, None))

        return method if callable(theirs) else theirs

    def __repr__(self):
        return f"minigrad.scipy.stats.{self.name}"


def named(f, name, parameters):
    """Return a function under a name, with the parameters that its calls may spell out."""
    signature = inspect.signature(eval(f"lambda {parameters}: None"))

    def method(*args, **kwargs):
        try:
            given = bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(str(error).replace("<lambda>()", f"{name}({parameters})")) from None
        return f(*given)

    bind = eval(f"lambda {parameters}: ({', '.join(signature.parameters)},)")
    method.__name__, method.__signature__ = name, signature
    method.__doc__ = f"``scipy.stats.{name}({parameters})``"
    return method


class Frozen:
    """What a distribution that is called returns.

    >>> round(float(norm(1.0, scale=2.0).pdf(1.0)), 6)
    0.199471
    """

    def __init__(self, law, args, kwargs):
        self.law, self.args, self.kwds = law, args, kwargs

    def __getattr__(self, name):
        if name[0] == "_":
            raise AttributeError(name)
        method, parameters = getattr(self.law, name), self.law.methods.get(name, ("",))[0]
        if parameters[:2] in ("x,", "k,"):
            return lambda x: method(x, *self.args, **self.kwds)
        if name in self.law.methods:
            return lambda: method(*self.args, **self.kwds)
        refuse_recorded(f"minigrad.scipy.stats.{self.law.name}.{name}", name, (self.args, self.kwds))
        theirs = getattr(importlib.import_module("scipy.stats"), self.law.name)
        return getattr(theirs(*lower(self.args, None), **lower(self.kwds, None)), name)


# ----------------------------------------------------------------------------------- of one real number
def of_one_number(name, shapes, support, rest, cdf, sf, logcdf=None, logsf=None, powers=(), whole=None):
    """Return the distribution of x = loc + scale z, by functions of z and of the shape parameters.

        log density(z) = p log(z) + q log(1 - z) + rest(z)

    Parameters
    ----------
    name : str
    shapes : str, their names, as in "a, b"; all are positive
    support : (low, high) of z
    powers : p and q, or p alone, as functions of the shape parameters
    whole : function (x, loc, scale) -> the log density of x, where that is simpler
    """

    log_density = log_of_powers(rest, powers)

    def method(f, below, above, told=None):
        def value(x, z, shapes, loc, scale):
            if not told:
                return f(z, *shapes)
            return told.density(whole(x, loc, scale) if whole else f(z, *shapes) - np.log(scale))

        def evaluate(x, *parameters):
            x, *shapes, loc, scale = map(double, (x, *parameters))
            with np.errstate(divide="ignore", invalid="ignore"):
                if whole and told:
                    y = value(x, None, shapes, loc, scale)
                    return with_care(x, shapes, loc, scale) if possibly(~all_finite(y)) else y
                z = (x - loc) / scale
                strange = possibly(~ordinary(z, *support, *shapes, scale))
            return with_care(x, shapes, loc, scale) if strange else value(x, z, shapes, loc, scale)

        def with_care(x, shapes, loc, scale):
            allowed, (*shapes, scale) = with_ones(shapes + [scale])
            far, x = without_infinities(x)
            z = (x - loc) / scale
            place = z if far is None else z + far
            ends = [np.equal(place, k) for k in range(len(powers))] if told else []
            under, over, inside = parts_of(z, place, *support, ends)
            y = value(x, inside, shapes, loc, scale)
            for k, (at, power, away) in enumerate(zip(ends, powers, (x - loc, loc + scale - x))):
                if possibly(np.any(at)):
                    others = log_density(np.where(at, z, 0.5), *shapes, without=k)
                    p, away = power(*shapes), np.where(at, away, 1.0)
                    y = np.where(at, told.at_end(others - (1 + p) * np.log(scale), away, p), y)
            return chosen(y, (under, below), (over, above), (~allowed, np.nan))

        return ", ".join(filter(None, ["x", shapes, "loc=0, scale=1"])), evaluate

    return Law(
        name,
        logpdf=method(log_density, -np.inf, -np.inf, Logarithm),
        pdf=method(log_density, 0, 0, Itself),
        cdf=method(cdf, 0, 1),
        sf=method(sf, 1, 0),
        logcdf=method(logcdf or log_of(cdf, sf), -np.inf, 0),
        logsf=method(logsf or log_of(sf, cdf), 0, -np.inf),
    )


def log_of_powers(rest, powers):
    """Return the logarithm of z**p (1 - z)**q exp(rest(z)), ``without`` one of the two factors if that is asked for."""

    def log_density(z, *shapes, without=None):
        y = rest(z, *shapes)
        for k, (power, times_log, at) in enumerate(zip(powers, (sp.xlogy, sp.xlog1py), (z, -z))):
            y = y if k == without else times_log(power(*shapes), at) + y
        return y

    return log_density


class Logarithm:
    """How the logarithm of a density is told, of a logarithm; ``at_end`` of what u**p is multiplied with, at u = 0."""

    density = staticmethod(lambda log: log)
    at_end = staticmethod(lambda log, u, p: log + sp.xlogy(p, u))


class Itself:
    """How a density is told."""

    density = staticmethod(np.exp)
    at_end = staticmethod(lambda log, u, p: np.exp(log) * power_log(0, u, p))


@primitive
def power_log(n, u, p):
    """Return u**p log(u)**n, for u >= 0; its derivatives at 0 are those from the right."""
    with np.errstate(divide="ignore", invalid="ignore"):
        u = np.maximum(u, np.float64(0))
        return np.where((u == 0) & (p > 0), 0.0, np.power(u, p) * np.log(u) ** n)


def power_log_u(g, n, u, p):
    slope = p * power_log(n, u, np.where(p == 0, 1.0, p - 1))
    return g * (slope + n * power_log(n - 1, u, p - 1) if n else slope)


row(power_log, None, power_log_u, lambda g, n, u, p: g * power_log(n + 1, u, p))


def ordinary(z, low, high, *positive):
    """Say whether all numbers lie within an interval, and all parameters are positive."""
    z, *positive = [numbers_of(x) if type(x) is Tensor else x for x in (z, *positive)]
    everywhere = low == -np.inf and high == np.inf
    found = all_finite(z) if everywhere else ((z > low) & (z < high)).all()
    for a in positive:
        found = found & (a > 0).all()
    return found


def all_finite(x):
    """Say whether all numbers are finite; in doubt (where their sum is not) that they are not."""
    return np.isfinite(np.add.reduce(numbers_of(x) if type(x) is Tensor else x, axis=None))


def with_ones(parameters):
    """Return where all parameters are positive, and the parameters with ones where they are not."""
    positive = [np.greater(a, 0) for a in parameters]
    allowed = functools.reduce(np.logical_and, positive)
    if possibly(~np.all(allowed)):
        parameters = [np.where(each, a, 1.0) for each, a in zip(positive, parameters)]
    return allowed, parameters


def without_infinities(x):
    """Return the infinities among numbers, with zeros for what is finite, and the numbers with zeros for those."""
    infinite = np.isinf(x)
    if possibly(np.any(infinite)):
        return np.where(infinite, x, 0.0), np.where(infinite, 0.0, x)
    return None, x


def parts_of(z, place, low, high, ends=()):
    """Return where numbers lie below and above an interval, and the numbers with 1/2 for those and for its ends."""
    under, over = np.less(place, low) | np.equal(place, -np.inf), np.greater(place, high) | np.equal(place, np.inf)
    outside = functools.reduce(np.logical_or, ends, under | over)
    return under, over, np.where(outside, 0.5, z) if possibly(np.any(outside)) else z


def chosen(y, *exceptions):
    """Return ``y`` with other values where they are due."""
    for where, value in exceptions:
        if possibly(np.any(where)):
            y = np.where(where, value, y)
    return y[()] if isinstance(y, np.ndarray) else y


def log_of(p, q):
    """Return the logarithm of a function p = 1 - q, also where p is near to 1."""

    def log(*given):
        first, rest = p(*given), q(*given)
        small = np.less(first, 0.5)
        with np.errstate(divide="ignore"):  # the logarithm of what is too small for a number is -inf, as SciPy's
            return np.where(small, np.log(np.where(small, first, 1.0)), np.log1p(-np.where(small, 0.0, rest)))

    return log


def log_t(z, df):
    many = df > 50
    if type(df) is Tensor or possibly(many.any()):  # Stirling's series, without the difference of equals
        few, v = np.where(many, 1.0, df), np.where(many, 1 / df, 0.0)
        w = v * v
        series = -v * (1 / 4 - w * (1 / 24 - w * (1 / 20 - w * (17 / 112 - w * 31 / 36)))) - LOG_ROOT_2PI
        scale = np.where(many, series, np.log(sp.poch(few / 2, 0.5)) - np.log(np.pi * few) / 2)
    else:
        scale = np.log(sp.poch(df / 2, 0.5)) - np.log(np.pi * df) / 2
    return scale - (df + 1) / 2 * np.log1p(z * z / df)


@transparent
@primitive
def log_normal(x, loc, scale):
    """Return the logarithm of the normal density."""
    z = (x - loc) / scale
    return z * z * -0.5 - (np.log(scale) + LOG_ROOT_2PI)


row(
    log_normal,
    lambda g, x, loc, scale: g * ((loc - x) / scale / scale),
    lambda g, x, loc, scale: g * ((x - loc) / scale / scale),
    lambda g, x, loc, scale: g * ((((x - loc) / scale) ** 2 - 1) / scale),
)
norm = of_one_number(
    "norm", "", (-np.inf, np.inf), lambda z: z * z * -0.5 - LOG_ROOT_2PI,
    sp.ndtr, lambda z: sp.ndtr(-z), sp.log_ndtr, lambda z: sp.log_ndtr(-z), whole=log_normal,
)  # fmt: skip
t = of_one_number(
    "t", "df", (-np.inf, np.inf), log_t, lambda z, df: sp.stdtr(df, z), lambda z, df: sp.stdtr(df, -z)
)
gamma = of_one_number(
    "gamma", "a", (0, np.inf), lambda z, a: -z - sp.gammaln(a),
    lambda z, a: sp.gammainc(a, z), lambda z, a: sp.gammaincc(a, z), powers=(lambda a: a - 1,),
)  # fmt: skip
chi2 = of_one_number(
    "chi2", "df", (0, np.inf), lambda z, df: -(z + math.log(2) * df) / 2 - sp.gammaln(df / 2),
    lambda z, df: sp.gammainc(df / 2, z / 2), lambda z, df: sp.gammaincc(df / 2, z / 2),
    powers=(lambda df: df / 2 - 1,),
)  # fmt: skip
expon = of_one_number(
    "expon", "", (0, np.inf), lambda z: -z, lambda z: -np.expm1(-z), lambda z: np.exp(-z), None, lambda z: -z,
)  # fmt: skip
beta = of_one_number(
    "beta", "a, b", (0, 1), lambda z, a, b: -sp.betaln(a, b),
    lambda z, a, b: sp.betainc(a, b, z), lambda z, a, b: sp.betaincc(a, b, z),
    powers=(lambda a, b: a - 1, lambda a, b: b - 1),
)  # fmt: skip


# --------------------------------------------------------------------------------------------- of counts
def counting(f, below, above, density=0):
    """Return a method of the Poisson distribution."""

    def evaluate(k, mu, loc):
        refuse_recorded("minigrad.scipy.stats.poisson: a count k (and so loc)", "count", (k, loc))
        k, mu = double(k) - double(loc), double(mu)
        negative, lost = np.less(mu, 0), np.isnan(k)
        mu = np.where(negative, 1.0, mu) if possibly(np.any(negative)) else mu
        whole = np.floor(np.where(lost, 0.0, k))
        under, over, inside = parts_of(whole, whole, 0, np.inf)
        broken = (k != whole) & bool(density)
        y = f(np.floor(inside), mu)
        return chosen(y, (under, below), (over, above), (broken, below), (lost | negative, np.nan))

    return "k, mu, loc=0", evaluate


def log_poisson(k, mu):
    return sp.xlogy(k, mu) - mu - sp.gammaln(k + 1)


def poisson_cdf(k, mu):
    return sp.gammaincc(k + 1, mu)


def poisson_sf(k, mu):
    return sp.gammainc(k + 1, mu)


poisson = Law(
    "poisson",
    logpmf=counting(log_poisson, -np.inf, -np.inf, density=1),
    pmf=counting(lambda k, mu: np.exp(log_poisson(k, mu)), 0, 0, density=1),
    cdf=counting(poisson_cdf, 0, 1),
    sf=counting(poisson_sf, 1, 0),
    logcdf=counting(log_of(poisson_cdf, poisson_sf), -np.inf, 0),
    logsf=counting(log_of(poisson_sf, poisson_cdf), 0, -np.inf),
)


# -------------------------------------------------------------------------------------- of several numbers
def of_dirichlet(x, alpha, told):
    """x of shape (K,) or (K, n), or without the last row, which makes the sums 1."""
    x, alpha = double(x), double(alpha)
    refuse_if(np.ndim(alpha) != 1 or np.any(alpha <= 0), ValueError, "dirichlet: alpha is a vector of positive numbers")
    if np.shape(x)[:1] == (len(alpha) - 1,):
        x = np.concatenate([x, 1 - np.sum(x, axis=0, keepdims=True)])
    if np.shape(x)[:1] != np.shape(alpha):
        raise ValueError(f"dirichlet: x has {len(alpha)} rows, or one less, for as many alpha; got {np.shape(x)}")
    off = np.any(abs(np.sum(x, axis=0) - 1) > 1e-9) | np.any(x < 0)
    refuse_if(off, ValueError, "dirichlet: x lies on the simplex: numbers >= 0 along the first axis, whose sum is 1")
    p, rest = alpha - 1 if x.ndim == 1 else (alpha - 1)[:, None], sp.gammaln(np.sum(alpha)) - np.sum(sp.gammaln(alpha))
    if told is Itself and possibly(np.any(x == 0)):
        ends = np.prod(power_log(0, np.where(x == 0, x, 1.0), p), axis=0)
        return np.exp(np.sum(sp.xlogy(p, np.where(x == 0, 1.0, x)), axis=0) + rest) * ends
    return told.density(np.sum(sp.xlogy(p, x), axis=0) + rest)


dirichlet = Law(
    "dirichlet",
    logpdf=("x, alpha", lambda x, alpha: of_dirichlet(x, alpha, Logarithm)),
    pdf=("x, alpha", lambda x, alpha: of_dirichlet(x, alpha, Itself)),
)


@primitive
def log_of_vectors(x, mean, cov):
    """Return the logarithm of the normal density at points (n, d) or (d,), for a mean (d,) and a covariance (d, d)."""
    factor, failed = lapack.dpotrf(cov, lower=True)
    if failed:
        raise np.linalg.LinAlgError("multivariate_normal: the covariance matrix is not positive definite")
    z, _ = lapack.dtrtrs(factor, columns(x - mean), lower=True)
    y = np.sum(z * z, axis=0) / -2 - len(cov) * LOG_ROOT_2PI - np.sum(np.log(np.diagonal(factor)))
    return np.reshape(y, x.shape[:-1])[()]


@primitive
def solve_positive(a, b):
    """Solve  a x = b  for a positive definite matrix (d, d) and columns (d, n)."""
    return lapack.dposv(a, b, lower=True)[1]


def columns(x):
    """Return points (n, d) or one point (d,) as columns (d, n)."""
    return np.reshape(x.T, (x.shape[-1], -1))


def by_mean(g, x, mean, cov):
    return np.reshape((g * solve_positive(cov, columns(x - mean))).T, x.shape)


def by_cov(g, x, mean, cov):
    away, d = columns(x - mean), len(cov)
    both = solve_positive(cov, np.concatenate([np.eye(d), away], axis=1))
    inverse, v = both[:, :d], both[:, d:]
    return (np.matmul(g * v, v.T) - np.sum(g) * inverse) / 2


row(log_of_vectors, lambda g, x, mean, cov: -by_mean(g, x, mean, cov), by_mean, by_cov)
row(solve_positive, lambda g, y, a: -np.matmul(solve_positive(a, g), y.T), lambda g, a: solve_positive(a, g))


def vector_and_matrix(mean, cov, allow_singular=False):
    """Return the mean as a vector, and the covariance matrix."""
    if allow_singular:
        raise NoDerivativeError(
            "multivariate_normal: minigrad.scipy.stats takes regular covariance matrices alone. For the value alone "
            "call scipy.stats.multivariate_normal with allow_singular=True"
        )
    mean, cov = double(0.0 if mean is None else mean), double(cov)
    d = max(mean.size, *cov.shape, 1)
    return mean if mean.shape == (d,) else np.zeros(d) + np.ravel(mean), cov * np.eye(d) if cov.ndim < 2 else cov


def log_multivariate_normal(x, mean, cov, allow_singular):
    """x of shape (..., d); of one dimension also a vector of points."""
    mean, cov = vector_and_matrix(mean, cov, allow_singular)
    d, x = len(mean), double(x)
    if x.ndim > 1 and x.shape[-1] != d or x.ndim == 1 and d > 1 and len(x) != d:
        raise ValueError(f"multivariate_normal: points of {d} numbers stand along the last axis; got {x.shape}")
    y = log_of_vectors(x if x.ndim == 2 or x.shape == (d,) else np.reshape(x, (-1, d)), mean, cov)
    shape = tuple(n for n in (x.shape if d == 1 and x.ndim < 2 else x.shape[:-1]) if n != 1)  # as SciPy squeezes it
    return y if y.shape == shape else np.reshape(y, shape)[()]


def entropy_of_normal(mean, cov):
    mean, cov = vector_and_matrix(mean, cov)
    return len(mean) * (0.5 + LOG_ROOT_2PI) + np.sum(np.log(np.diagonal(np.linalg.cholesky(cov))))


normal = "x, mean=None, cov=1, allow_singular=False"
multivariate_normal = Law(
    "multivariate_normal",
    logpdf=(normal, log_multivariate_normal),
    pdf=(normal, lambda *given: np.exp(log_multivariate_normal(*given))),
    entropy=("mean=None, cov=1", entropy_of_normal),
)

__all__ = ["beta", "chi2", "dirichlet", "expon", "gamma", "multivariate_normal", "norm", "poisson", "t"]


def other(name):
    """Answer for the distributions that are not here."""
    raise AttributeError(
        f"minigrad.scipy.stats has no {name!r}: it has {', '.join(__all__)}. Write the logarithm of another density "
        "with NumPy's functions; scipy.special has gammaln, betaln, ndtr, gammainc, betainc"
    )


chapter(__name__, other)
