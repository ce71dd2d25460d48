"""The distributions of minigrad.scipy.stats: SciPy's numbers, and mpmath's at the ends."""

import functools
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("scipy.stats")
mpmath = pytest.importorskip("mpmath")

import minigrad.scipy as ms  # noqa: E402
import scipy.stats  # noqa: E402
from minigrad import LostGradientError, NoDerivativeError, gradient  # noqa: E402
from minigrad.derivatives.shape_parameters import betainc_by_shapes, gammainc_by_shape  # noqa: E402
from minigrad.scipy import stats  # noqa: E402
from mpmath import mpf  # noqa: E402

OF_ONE_NUMBER = {"norm": (), "t": (2.5,), "gamma": (1.7,), "chi2": (3.2,), "expon": (), "beta": (1.4, 2.2)}
METHODS = ["logpdf", "pdf", "cdf", "sf", "logcdf", "logsf"]
COUNTED = ["logpmf", "pmf", "cdf", "sf", "logcdf", "logsf"]
POINTS = [0.3, np.float32(0.3), [0.2, 0.4], np.array([[-1.0, 0.0, 0.25, 1.0, 7.0, -np.inf, np.nan]]).T]


# ------------------------------------------------------------------------------------------ the values
@pytest.mark.parametrize("name", OF_ONE_NUMBER)
def test_the_values_are_scipys_inside_outside_and_at_the_ends(name):
    ours, theirs, shapes = getattr(stats, name), getattr(scipy.stats, name), OF_ONE_NUMBER[name]

    for method in METHODS:
        for more in [(), (0.01,), (0.01, 1.3), (np.array([0.0, 0.1]), np.array([1.0, -1.0]))]:
            for x in POINTS:
                found = getattr(ours, method)(x, *shapes, *more)
                with np.errstate(all="ignore"):
                    expected = getattr(theirs, method)(x, *shapes, *more)
                assert np.shape(found) == np.shape(expected) and found.dtype == float
                np.testing.assert_allclose(found, expected, rtol=3e-13, err_msg=f"{method} {x} {more}")


def test_counts_are_scipys():
    k, mu = np.array([[-1, 0, 1, 1.5, 3, np.nan]]).T, np.array([0.0, 1.3, 40.0, -1.0])

    for method in COUNTED:
        expected = getattr(scipy.stats.poisson, method)(k, mu, loc=0)
        if method == "logcdf":
            expected[:, -1] = np.nan  # SciPy has 0 for a mean below 0 in places
        np.testing.assert_allclose(getattr(stats.poisson, method)(k, mu, loc=0), expected, 1e-12, 1e-15)


def test_vectors_are_scipys_in_every_shape():
    rng, alpha, cov = np.random.default_rng(0), np.array([0.5, 1.2, 2.0]), np.array([[2.0, 0.3], [0.3, 1.0]])
    x, mean = rng.dirichlet(alpha, 4).T, np.array([1.0, 2.0])

    for points in (x, x[:2], x[:, 0], x[:2, 0]):
        expected = scipy.stats.dirichlet.logpdf(points, alpha)
        np.testing.assert_allclose(stats.dirichlet.logpdf(points, alpha), expected, rtol=1e-12)
    for args in [
        (0.3,), (np.zeros(3),), (np.ones((4, 1)), np.zeros(1)), (rng.normal(size=(5, 2)), mean, cov), (mean, None, cov),
        (rng.normal(size=(4, 3, 2)), mean, cov), (mean, mean, [1.0, 2.0]), (np.ones((1, 2)), mean, 2.0),
    ]:  # fmt: skip
        expected, found = scipy.stats.multivariate_normal.logpdf(*args), stats.multivariate_normal.logpdf(*args)
        assert np.shape(found) == np.shape(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    entropy = stats.multivariate_normal.entropy(cov=cov)
    assert entropy == pytest.approx(scipy.stats.multivariate_normal.entropy(cov=cov), rel=1e-14)


def test_parameters_go_by_position_by_name_and_frozen():
    x = np.array([0.5, 1.5])

    expected = scipy.stats.gamma.logpdf(x, 2.0, 0.1, 3.0)
    for found in (
        stats.gamma.logpdf(x, 2.0, 0.1, 3.0), stats.gamma.logpdf(x=x, a=2.0, scale=3.0, loc=0.1),
        stats.gamma(2.0, scale=3.0, loc=0.1).logpdf(x), stats.gamma(2.0, 0.1, 3.0).logpdf(x),
    ):  # fmt: skip
        np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert gradient(lambda s: stats.norm(0.0, s).logpdf(1.0), 2.0)[0] == pytest.approx(-0.5 + 1 / 8)
    assert stats.multivariate_normal(np.ones(2), np.eye(2)).logpdf(np.ones(2)) == pytest.approx(-np.log(2 * np.pi))


def test_what_has_no_derivative_is_scipys_own_for_plain_numbers():
    assert stats.norm.ppf(0.3) == scipy.stats.norm.ppf(0.3) == stats.norm(0, 1).ppf(0.3)
    assert stats.norm.rvs(size=3, random_state=0).tolist() == scipy.stats.norm.rvs(size=3, random_state=0).tolist()
    assert stats.multivariate_normal.cdf(np.zeros(2), np.zeros(2)) == pytest.approx(0.25, abs=1e-4)


# ------------------------------------------------------------------------------- derivatives at the ends
def mp_derivatives(f, *at):
    """Return f and its derivatives by every argument, to 30 digits."""
    with mpmath.workdps(60):
        slopes = []
        for k in range(len(at)):
            h = mpf(at[k]) * mpf(10) ** -20
            sides = [f(*(mpf(x) + s * h * (i == k) for i, x in enumerate(at))) for s in (1, -1)]
            slopes.append((sides[0] - sides[1]) / (2 * h))
        return f(*map(mpf, at)), slopes


def gammas(a, x):
    return mpmath.gammainc(a, 0, x, regularized=True)


def upper_gammas(a, x):
    return mpmath.gammainc(a, x, mpmath.inf, regularized=True)


def betas(a, b, x):
    return x**a * (1 - x) ** b / a / mpmath.beta(a, b) * mpmath.hyp2f1(a + b, 1, a + 1, x)


def students(t, df):
    return betas(df / 2, mpf(1) / 2, df / (df + t * t)) / 2  # t < 0


ENDS = [
    (lambda x, a: stats.gamma.cdf(x, a), lambda x, a: gammas(a, x), [
        (1e-10, 1.5), (1e-8, 1e-3), (0.5, 1e-3), (10.0, 50.0), (900.0, 1e3), (1e-300, 0.25), (1e-300, 1e-7),
        (1e-12, 1e-4), (0.3, 1e-7), (1e-10, 0.05)]),
    (lambda x, a: stats.gamma.sf(x, a), lambda x, a: upper_gammas(a, x), [
        (20.0, 1.5), (30.0, 1e-3), (150.0, 50.0), (700.0, 2.0), (1100.0, 1e3)]),
    (lambda x, a: stats.gamma.logpdf(x, a), lambda x, a: (a - 1) * mpmath.log(x) - x - mpmath.loggamma(a), [
        (1e-300, 0.5), (700.0, 2.0), (1e5, 3.0)]),
    (lambda x, df: stats.chi2.sf(x, df), lambda x, df: upper_gammas(df / 2, x / 2), [(60.0, 1.0), (300.0, 100.0)]),
    (lambda x, a, b: stats.beta.cdf(x, a, b), lambda x, a, b: betas(a, b, x), [
        (1e-8, 0.5, 0.5), (0.1, 50.0, 60.0), (1e-100, 2.0, 3.0), (0.1, 1e-2, 2.0)]),
    (lambda x, a, b: stats.beta.sf(x, a, b), lambda x, a, b: betas(b, a, 1 - x), [
        (1 - 1e-9, 2.0, 3.0), (0.9, 20.0, 30.0), (0.99, 0.5, 0.25)]),
    (lambda t, df: stats.t.cdf(t, df), students, [(-1e-3, 2.5), (-40.0, 3.0), (-1e5, 0.5), (-6.0, 200.0)]),
    (lambda t, df: stats.t.sf(-t, df), students, [(-1e-3, 2.5), (-40.0, 3.0)]),
    (lambda t, df: stats.t.logpdf(t, df), lambda t, df: mpmath.log(
        mpmath.gamma((df + 1) / 2) / mpmath.gamma(df / 2) / mpmath.sqrt(df * mpmath.pi))
        - (df + 1) / 2 * mpmath.log1p(t * t / df), [(1e-8, 3.0), (1e6, 1.5), (3.0, 49.0), (3.0, 51.0), (2.0, 1e5)]),
    (lambda x, s: stats.norm.logcdf(x, scale=s), lambda x, s: mpmath.log(mpmath.erfc(-x / s / mpmath.sqrt(2)) / 2), [
        (-40.0, 1.0), (-6.0, 0.1), (9.0, 1.0)]),
    (lambda x, s: stats.norm.logsf(x, scale=s), lambda x, s: mpmath.log(mpmath.erfc(x / s / mpmath.sqrt(2)) / 2), [
        (40.0, 1.0), (-9.0, 1.0)]),
    (lambda x, s: stats.expon.logcdf(x, scale=s), lambda x, s: mpmath.log(-mpmath.expm1(-x / s)), [
        (1e-12, 2.0), (50.0, 1.0)]),
    (lambda mu: stats.poisson.sf(30, mu), lambda mu: gammas(mpf(31), mu), [(1e-3,), (20.0,)]),
    (lambda mu: stats.poisson.cdf(3, mu), lambda mu: upper_gammas(mpf(4), mu), [(200.0,)]),
]  # fmt: skip


@pytest.mark.parametrize("ours, exact, places", ENDS)
def test_values_and_slopes_at_the_ends_are_exact(ours, exact, places):
    for at in places:
        value, slopes = mp_derivatives(exact, *at)

        assert ours(*at) == pytest.approx(float(value), rel=1e-12, abs=0), at
        for g, slope in zip(gradient(ours, *at), slopes):
            # SciPy's own densities lose digits in their exponents: 1e-16 times their size
            assert g == pytest.approx(float(slope), rel=3e-11, abs=0), at


def test_derivatives_by_shapes_are_exact_to_every_order():
    with mpmath.workdps(60):
        for a, x in [(1.5, 1.0), (0.1, 1e-3), (50.0, 52.0), (1e-3, 0.5), (1e-7, 0.3), (1e-4, 1e-12)]:
            for n in (1, 2, 3) if a > 0.01 else (1, 2):
                expected = mpmath.diff(lambda a, x=x: gammas(a, mpf(x)), mpf(a), n)
                assert gammainc_by_shape(n, a, x) == pytest.approx(float(expected), rel=1e-9)
        for a, b, x in [(1.5, 2.5, 0.31), (0.5, 50.0, 1e-3), (0.5, 0.05, 0.9)]:
            expected = mpmath.diff(lambda a, b, x=x: betas(a, b, mpf(x)), (mpf(a), mpf(b)), (1, 1))
            assert betainc_by_shapes(1, 1, a, b, x) == pytest.approx(float(expected), rel=1e-9)


def test_many_numbers_are_worked_out_a_block_at_a_time():
    x = np.linspace(0.0, 5.0, 2000).reshape(40, 50)

    by_shape = gammainc_by_shape(1, np.array([[1.0], [2.0]] * 20), x)

    assert by_shape.shape == x.shape and by_shape[0, 0] == 0
    for i, j in [(0, 7), (21, 3), (39, 49)]:
        assert by_shape[i, j] == pytest.approx(gammainc_by_shape(1, 1.0 + i % 2, x[i, j]), rel=1e-14)
    assert np.isnan(gammainc_by_shape(1, np.nan, 1.0)) and gammainc_by_shape(1, 1.0, np.inf) == 0


# -------------------------------------------------------------------------------------------- boundaries
def test_outside_of_the_support_nothing_moves():
    for law, shapes in ((stats.gamma, (2.0,)), (stats.beta, (2.0, 3.0)), (stats.expon, ())):
        for method in METHODS:
            f = functools.partial(getattr(law, method), **dict(zip("ab", shapes)))
            by_x, by_scale = gradient(lambda x, s, f=f: np.sum(f(x, scale=s)), np.array([-1.0, -np.inf]), 1.0)
            assert by_x.tolist() == [0, 0] and by_scale == 0, (law, method)


def test_at_the_edge_of_the_support_derivatives_are_those_from_inside():
    assert gradient(lambda x: stats.expon.logpdf(x), 0.0) == (-1.0,)
    assert gradient(lambda x: stats.gamma.cdf(x, 2.0), 0.0) == (0.0,)
    assert gradient(lambda x, a: stats.gamma.cdf(x, a), 0.0, 2.0) == (0.0, 0.0)
    assert gradient(lambda x: stats.gamma.logpdf(x, 1.0), 0.0) == (-1.0,)
    assert gradient(lambda x: stats.beta.logpdf(x, 1.0, 3.0), 0.0) == (-2.0,)


DENSITIES = {
    "gamma": lambda z, a: z ** (a - 1) * mpmath.exp(-z) / mpmath.gamma(a),
    "chi2": lambda z, df: (z / 2) ** (df / 2 - 1) * mpmath.exp(-z / 2) / mpmath.gamma(df / 2) / 2,
    "beta": lambda z, a, b: z ** (a - 1) * (1 - z) ** (b - 1) / mpmath.beta(a, b),
    "expon": lambda z: mpmath.exp(-z),
}
AT_ENDS = [
    *[("gamma", (a,), 0) for a in (1.0, 1.5, 2.0, 2.5, 3.0, 200.0)],
    *[("chi2", (df,), 0) for df in (2.0, 3.0, 4.0, 7.0)],
    *[("beta", shapes, end) for shapes in [(1, 1), (2, 3), (1, 2.5), (1.5, 3), (600.0, 700.0)] for end in (0, 1)],
    ("expon", (), 0),
]  # fmt: skip
LOC, SCALE = 0.25, 2.0


def from_inside(f, at, directions):
    """Return the first derivatives of f by each argument, each to the side of its direction; infinite beyond 10^9."""
    with mpmath.workdps(120):
        h, at = mpf(10) ** -50, [mpf(x) for x in at]
        slopes = [(f(*[x + s * h * (i == k) for i, x in enumerate(at)]) - f(*at)) / (s * h) for k, s in directions]
        return [float(slope) if abs(slope) < 1e9 else np.inf * float(mpmath.sign(slope)) for slope in slopes]


@pytest.mark.parametrize("name, shapes, end", AT_ENDS)
def test_densities_at_the_ends_of_their_support_have_the_slopes_from_inside(name, shapes, end):
    law, shapes = getattr(stats, name), [float(a) for a in shapes]
    at = [LOC + end * SCALE, *shapes, LOC, SCALE]
    exact = lambda x, *others: DENSITIES[name]((x - others[-2]) / others[-1], *others[:-2]) / others[-1]
    inwards = [-1 if end else 1, *[1] * len(shapes), 1 if end else -1, 1]

    found = gradient(lambda *at: law.pdf(*at), *at)

    expected = from_inside(exact, at, list(enumerate(inwards)))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_second_slopes_at_the_ends_of_the_support_are_those_from_inside():
    twice = lambda f, x: gradient(lambda x: gradient(f, x)[0], x)[0]

    assert twice(lambda x: stats.gamma.pdf(x, 3.0), 0.0) == pytest.approx(1.0)  # x^2 / 2 (1 - x)
    assert twice(lambda x: stats.gamma.pdf(x, 2.0), 0.0) == pytest.approx(-2.0)  # x (1 - x)
    assert twice(lambda x: stats.gamma.pdf(x, 1.0), 0.0) == pytest.approx(1.0)
    assert twice(lambda x: stats.beta.pdf(x, 2.0, 3.0), 0.0) == pytest.approx(-48.0)  # 12 x (1 - 2 x)
    assert twice(lambda x: stats.beta.pdf(x, 2.0, 3.0), 1.0) == pytest.approx(24.0)  # 12 (1 - x)^2
    assert twice(lambda a: stats.gamma.pdf(0.0, a), 2.0) == 0
    assert gradient(lambda a: gradient(lambda x: stats.gamma.pdf(x, a), 0.0)[0], 3.0) == (0.0,)


def test_a_density_of_several_numbers_has_slopes_at_the_edges_of_the_simplex():
    x = np.array([0.0, 0.4, 0.6])

    by_x, by_alpha = gradient(stats.dirichlet.pdf, x, np.array([2.0, 1.5, 3.0]))
    (tied,) = gradient(lambda x: stats.dirichlet.pdf(x, np.array([1.0, 1.0, 2.0])), x)

    scale = mpmath.gamma(6.5) / mpmath.gamma(1.5) / mpmath.gamma(3) * mpf(0.4) ** 0.5 * mpf(0.6) ** 2
    np.testing.assert_allclose(by_x, [float(scale), 0, 0], rtol=1e-12)
    assert by_alpha.tolist() == [0, 0, 0]
    np.testing.assert_allclose(tied, [0, 0, 6], rtol=1e-12)


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_the_logarithm_of_a_density_that_vanishes_at_an_end_falls_there_without_bound():
    by_x, by_a, by_loc, by_scale = gradient(stats.gamma.logpdf, 0.5, 2.0, 0.5, 2.0)

    assert by_x == np.inf and by_a == -np.inf and by_loc == -np.inf
    assert by_scale == pytest.approx(-1.0)  # -a / scale, as everywhere near


# --------------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    "f, error, message",
    [
        (lambda x: stats.norm.ppf(x), NoDerivativeError, "norm.ppf has no derivative here: .*ndtri"),
        (lambda x: stats.norm(x).rvs(), NoDerivativeError, "norm.rvs has no derivative here: .*rng.normal"),
        (lambda x: stats.multivariate_normal.cdf(np.zeros(2), x), NoDerivativeError, "integrates it at random"),
        (lambda x: stats.multivariate_normal.logpdf(x, allow_singular=True), NoDerivativeError, "regular covariance"),
        (lambda x: stats.poisson.logpmf(x, 2.0), NoDerivativeError, "count.*whole number"),
        (lambda x: stats.gamma.logpdf(x), TypeError, r"gamma.logpdf\(x, a, loc=0, scale=1\) missing .*'a'"),
        (lambda x: stats.norm.logpdf(x, sigma=2.0), TypeError, "unexpected keyword argument 'sigma'"),
        (lambda x: stats.cauchy.pdf(x), AttributeError, "no 'cauchy': it has beta, chi2.* density"),
        (lambda x: stats.dirichlet.logpdf(x * np.ones(2), np.ones(2)), ValueError, "simplex"),
        (lambda x: scipy.stats.norm.logpdf(x), LostGradientError, r"Use minigrad\.scipy\.stats\.norm\.logpdf"),
        (lambda x: scipy.stats.multivariate_normal.pdf(x), LostGradientError, r"stats\.multivariate_normal\.pdf"),
        (lambda x: scipy.stats.norm(x).cdf(0.0), LostGradientError, r"Use minigrad\.scipy\.stats\.norm\.cdf"),
        (lambda x: scipy.stats.cauchy.logpdf(x), LostGradientError, r"scipy\.stats\.cauchy\.logpdf .*Use NumPy's"),
    ],
)
def test_what_cannot_be_differentiated_says_what_to_write(f, error, message):
    with pytest.raises(error, match=message):
        gradient(f, 0.3)


def test_scipys_statistics_are_not_imported_for_densities():
    program = "import sys; import minigrad.scipy.stats as s; s.norm.pdf(0); assert 'scipy.stats' not in sys.modules"

    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
    assert ms.stats is stats
