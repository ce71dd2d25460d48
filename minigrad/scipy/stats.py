"""``scipy.stats``: densities and distribution functions, differentiated by all that they are given.

    from minigrad.scipy.stats import norm

    norm.logpdf(x, loc, scale)        norm(loc, scale).logpdf(x)

The parameters have SciPy's names, order and defaults, and broadcast.  Outside of the support a density is 0 and
its derivative, too; at its very edge the logarithm is infinite, and the slopes of a density that falls to 0 there are
NaN.  Where a parameter is not allowed the value is NaN.  What has no derivative here is SciPy's own
for plain numbers, and refused for what is differentiated, with what to write (``REFUSED``).
"""

import functools
import importlib
import inspect
import math

import numpy as np
import scipy.special as sp

from ..arrays import as_numbers
from ..core.errors import NoDerivativeError
from ..core.table import possibly, primitive, refuse_if, row
from ..core.tensor import lower, recorded, tensors_in
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
    x = x if type(x) is np.ndarray else as_numbers(x, "a distribution's argument")
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
def of_one_number(name, shapes, support, logpdf, cdf, sf, logcdf=None, logsf=None):
    """Return the distribution of x = loc + scale z, by functions of z and of the shape parameters.

    Parameters
    ----------
    name : str
    shapes : str, their names, as in "a, b"; all are positive
    support : (low, high) of z
    """

    def method(f, below, above, density=0):
        def evaluate(x, *parameters):
            x, *shapes, loc, scale = map(double, (x, *parameters))
            with np.errstate(divide="ignore", invalid="ignore"):
                z = (x - loc) / scale
            if possibly(~ordinary(z, *support, *shapes, scale)):
                return with_care(x, loc, shapes, scale)
            y = f(z, *shapes)
            return y - np.log(scale) if density else y

        def with_care(x, loc, shapes, scale):
            allowed, (*shapes, scale) = with_ones(shapes + [scale])
            far, x = without_infinities(x)
            z = (x - loc) / scale
            under, over, inside = parts_of(z, *support, far)
            y = f(inside, *shapes)
            y = y - np.log(scale) if density else y
            return chosen(y, (under, below), (over, above), (~allowed, np.nan))

        return ", ".join(filter(None, ["x", shapes, "loc=0, scale=1"])), evaluate

    log_density = method(logpdf, -np.inf, -np.inf, density=1)
    return Law(
        name,
        logpdf=log_density,
        pdf=(log_density[0], lambda *given: np.exp(log_density[1](*given))),
        cdf=method(cdf, 0, 1),
        sf=method(sf, 1, 0),
        logcdf=method(logcdf or log_of(cdf, sf), -np.inf, 0),
        logsf=method(logsf or log_of(sf, cdf), 0, -np.inf),
    )


def ordinary(z, low, high, *positive):
    """Say whether all numbers lie within an interval, and all parameters are positive."""
    z, *positive = lower((z, *positive), None)
    found = ((z > low) & (z < high)).all()
    for a in positive:
        found = found & (a > 0).all()
    return found


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


def parts_of(z, low, high, far=None):
    """Return where numbers lie below and above an interval, and the numbers with 1/2 in the place of those."""
    at = z if far is None else z + far
    under, over = np.less(at, low) | np.equal(at, -np.inf), np.greater(at, high) | np.equal(at, np.inf)
    outside = under | over
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
    return np.log(sp.poch(df / 2, 0.5)) - np.log(np.pi * df) / 2 - (df + 1) / 2 * np.log1p(z * z / df)


norm = of_one_number(
    "norm", "", (-np.inf, np.inf),
    lambda z: z * z * -0.5 - LOG_ROOT_2PI, sp.ndtr, lambda z: sp.ndtr(-z), sp.log_ndtr, lambda z: sp.log_ndtr(-z),
)  # fmt: skip
t = of_one_number(
    "t", "df", (-np.inf, np.inf), log_t, lambda z, df: sp.stdtr(df, z), lambda z, df: sp.stdtr(df, -z)
)
gamma = of_one_number(
    "gamma", "a", (0, np.inf),
    lambda z, a: sp.xlogy(a - 1, z) - z - sp.gammaln(a),
    lambda z, a: sp.gammainc(a, z), lambda z, a: sp.gammaincc(a, z),
)  # fmt: skip
chi2 = of_one_number(
    "chi2", "df", (0, np.inf),
    lambda z, df: sp.xlogy(df / 2 - 1, z / 2) - z / 2 - sp.gammaln(df / 2) - math.log(2),
    lambda z, df: sp.gammainc(df / 2, z / 2), lambda z, df: sp.gammaincc(df / 2, z / 2),
)  # fmt: skip
expon = of_one_number(
    "expon", "", (0, np.inf),
    lambda z: -z, lambda z: -np.expm1(-z), lambda z: np.exp(-z), None, lambda z: -z,
)  # fmt: skip
beta = of_one_number(
    "beta", "a, b", (0, 1),
    lambda z, a, b: sp.xlogy(a - 1, z) + sp.xlog1py(b - 1, -z) - sp.betaln(a, b),
    lambda z, a, b: sp.betainc(a, b, z), lambda z, a, b: sp.betaincc(a, b, z),
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
        under, over, inside = parts_of(whole, 0, np.inf)
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
def log_dirichlet(x, alpha):
    """x of shape (K,) or (K, n), or without the last row, which makes the sums 1."""
    x, alpha = double(x), double(alpha)
    refuse_if(np.ndim(alpha) != 1 or np.any(alpha <= 0), ValueError, "dirichlet: alpha is a vector of positive numbers")
    if np.shape(x)[:1] == (len(alpha) - 1,):
        x = np.concatenate([x, 1 - np.sum(x, axis=0, keepdims=True)])
    if np.shape(x)[:1] != np.shape(alpha):
        raise ValueError(f"dirichlet: x has {len(alpha)} rows, or one less, for as many alpha; got {np.shape(x)}")
    off = np.any(abs(np.sum(x, axis=0) - 1) > 1e-9) | np.any(x < 0)
    refuse_if(off, ValueError, "dirichlet: x lies on the simplex: numbers >= 0 along the first axis, whose sum is 1")
    powers = sp.xlogy(alpha - 1 if x.ndim == 1 else (alpha - 1)[:, None], x)
    return np.sum(powers, axis=0) + sp.gammaln(np.sum(alpha)) - np.sum(sp.gammaln(alpha))


dirichlet = Law(
    "dirichlet",
    logpdf=("x, alpha", log_dirichlet),
    pdf=("x, alpha", lambda x, alpha: np.exp(log_dirichlet(x, alpha))),
)


@primitive
def log_of_vectors(x, mean, cov):
    """Return the logarithms of the normal density at points (n, d), for a mean (d,) and a covariance matrix (d, d)."""
    factor = np.linalg.cholesky(cov)
    z = np.linalg.solve(factor, (x - mean).T)
    return -np.sum(z * z, axis=0) / 2 - len(cov) * LOG_ROOT_2PI - np.sum(np.log(np.diagonal(factor)))


def solved(x, mean, cov):
    return np.linalg.solve(cov, (x - mean).T)


def log_of_vectors_cov(g, x, mean, cov):
    v = solved(x, mean, cov)
    return (np.matmul(g * v, v.T) - np.sum(g) * np.linalg.inv(cov)) / 2


row(
    log_of_vectors,
    lambda g, x, mean, cov: -(g * solved(x, mean, cov)).T,
    lambda g, x, mean, cov: (g * solved(x, mean, cov)).T,
    log_of_vectors_cov,
)


def vector_and_matrix(mean, cov, allow_singular=False):
    """Return the mean as a vector, and the covariance matrix."""
    if allow_singular:
        raise NoDerivativeError(
            "multivariate_normal: minigrad.scipy.stats takes regular covariance matrices alone. For the value alone "
            "call scipy.stats.multivariate_normal with allow_singular=True"
        )
    mean, cov = double(0.0 if mean is None else mean), double(cov)
    d = max(np.size(mean), *np.shape(cov), 1)
    return np.zeros(d) + np.ravel(mean), cov * np.eye(d) if np.ndim(cov) < 2 else cov


def log_multivariate_normal(x, mean, cov, allow_singular):
    """x of shape (..., d); of one dimension also a vector of points."""
    mean, cov = vector_and_matrix(mean, cov, allow_singular)
    d, x = len(mean), double(x)
    points = np.reshape(x, (-1, d))
    if np.ndim(x) > 1 and np.shape(x)[-1] != d or np.ndim(x) == 1 and d > 1 and len(x) != d:
        raise ValueError(f"multivariate_normal: points of {d} numbers stand along the last axis; got {np.shape(x)}")
    y = log_of_vectors(points, mean, cov)
    shape = np.shape(x) if d == 1 and np.ndim(x) < 2 else np.shape(x)[:-1]
    return np.reshape(y, [n for n in shape if n != 1])[()]  # as SciPy squeezes it


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
