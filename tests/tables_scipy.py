"""Test rows of SciPy's functions, where SciPy is installed."""

import numpy as np
from cases import Case, Draw, Kink, between, fraction, invertible, nonzero, positive, positive_definite, real


def triangular(*shape):
    return Draw(shape, lambda rng, shape: np.tril(rng.uniform(0.2, 1, shape)) + np.eye(shape[-1]))


def upper(*shape):
    return Draw(shape, lambda rng, shape: np.triu(rng.uniform(0.2, 1, shape)) + np.eye(shape[-1]))


def dominant(*shape, main=2):
    """Return a draw of diagonals, of which the main one is the largest."""

    def make(rng, shape):
        x = rng.uniform(-1, 1, shape)
        x[main] += 4
        return x

    return Draw(shape, make)


def fraction_of(size):
    return between(-size, size)(2, 1)


class SymmetricNormal(Case):
    """A case of points, a mean and a covariance matrix, which must be symmetric."""

    def call(self, x, mean, cov):
        cov = getattr(cov, "to_numpy", lambda: cov)()  # the transpose of a table has other labels
        return super().call(x, mean, (cov + cov.T) / 2)


class SymmetricCase(Case):
    """A case of a function of which the argument must be symmetric."""

    def call(self, a, *args):
        return super().call((a + np.swapaxes(a, -1, -2)) / 2, *args)


try:
    import minigrad.scipy as ms
    import scipy
    import scipy.special as sp
    from minigrad.derivatives import shape_parameters as _shapes
    from minigrad.derivatives import scipy_rows as _rows
    from minigrad.scipy import stats
except ImportError:
    CASES = []
else:
    probability = between(0.1, 0.9)
    rotated = np.array([[0.0, 2.0, 0.0], [-2.0, 0.0, 1.0], [0.0, 1.0, 3.0]])  # real, its eigenvalues are not
    STACKS = tuple(map(int, scipy.__version__.split(".")[:2])) >= (1, 16)
    CASES = [
        Case(sp.gamma, (positive(2, 3),), order=3),
        Case(sp.gamma, (between(-0.9, -0.1)(3),)),
        Case(sp.rgamma, (positive(3),)),
        Case(sp.gammaln, (positive(3),)),
        Case(sp.loggamma, (positive(3),)),
        Case(sp.psi, (positive(3),)),
        Case(sp.psi, (between(-0.9, -0.1)(3),)),
        Case(_rows._zeta, (3.0, positive(3))),
        Case(sp.beta, (positive(3), positive(2, 1))),
        Case(sp.betaln, (positive(3), positive(2, 1))),
        Case(sp.poch, (positive(3), positive(3))),
        *[Case(f, (positive(3), positive(2, 1)), order=3) for f in (sp.gammainc, sp.gammaincc)],
        Case(sp.gammainc, (between(25.0, 30.0)(3), between(20.0, 35.0)(3))),
        *[Case(f, (positive(3), probability(2, 1))) for f in (sp.gammaincinv, sp.gammainccinv)],
        *[Case(f, (positive(3), positive(2, 1), probability(3))) for f in (sp.betainc, sp.betaincc, sp.betaincinv)],
        Case(sp.betainc, (between(20.0, 30.0)(3), between(5.0, 9.0)(3), probability(3))),
        Case(sp.stdtr, (positive(3), real(2, 1))),
        Case(_shapes.gammainc_by_shape, (1, positive(3), positive(3))),
        Case(_shapes.betainc_by_shapes, (1, 1, positive(3), positive(3), probability(3))),
        Case(_shapes.student_by_freedom, (1, positive(3), real(3))),
        *[Case(f, (real(2, 3),), complex=True) for f in (sp.erf, sp.erfc, sp.erfi, sp.dawsn)],
        Case(sp.erfcx, (fraction(3),), complex=True),
        Case(sp.erfinv, (fraction(3),)),
        Case(sp.erfcinv, (probability(3),)),
        *[
            Case(f, (real(3),))
            for f in (sp.expit, sp.log_expit, sp.exp2, sp.exp10, sp.cosm1)
        ],
        *[Case(f, (real(3),), complex=True) for f in (sp.ndtr, sp.log_ndtr)],
        *[Case(f, (probability(3),)) for f in (sp.ndtri, sp.logit)],
        *[Case(f, (fraction(3),), complex=True) for f in (sp.expm1, sp.log1p)],
        Case(sp.cbrt, (nonzero(3),)),
        Case(sp.xlogy, (real(3), positive(2, 1)), complex=True),
        Case(sp.xlog1py, (real(3), fraction(2, 1)), complex=True),
        Case(sp.entr, (positive(3),)),
        Case(sp.rel_entr, (positive(3), positive(2, 1))),
        Case(sp.kl_div, (positive(3), positive(2, 1))),
        Case(sp.expi, (positive(3),), complex=True),
        Case(sp.exp1, (positive(3),), complex=True),
        Case(sp.wrightomega, (real(3),), complex=True),
        Case(sp.boxcox, (positive(3), 0.5)),
        Case(sp.boxcox1p, (positive(3), 0.5)),
        Case(sp.huber, (between(1.0, 1.5)(), between(1.6, 2.0)(3))),
        Case(sp.huber, (between(1.0, 1.5)(3), between(-0.9, 0.9)(3))),
        Case(sp.pseudo_huber, (positive(3), real(2, 1))),
        *[Case(f, (real(3),)) for f in (sp.j0, sp.j1, sp.i0, sp.i1)],
        *[Case(f, (nonzero(3),)) for f in (sp.i0e, sp.i1e)],
        *[Case(f, (positive(3),)) for f in (sp.y0, sp.y1, sp.k0, sp.k1, sp.k0e, sp.k1e)],
        *[Case(f, (1.5, positive(3)), complex=True) for f in (sp.jv, sp.yv, sp.iv, sp.kv)],
        *[Case(f, (1.5, positive(3)), complex=True) for f in (sp.ive, sp.kve)],
        *[Case(f, (2, positive(3))) for f in (sp.yn, sp.kn)],
        # functions outside of NumPy's protocols
        Case(ms.logsumexp, (real(2, 3),), order=3),
        Case(ms.logsumexp, (real(2, 3), 1), complex=True),
        Case(ms.logsumexp, (real(2, 3),), dict(axis=0, keepdims=True)),
        Case(ms.logsumexp, (real(2, 3), 1, np.array([1.0, 0.5, 2.0]))),
        Case(ms.logsumexp, (real(3), 1, positive(2, 3)), complex=True),
        Case(ms.softmax, (real(2, 3),), dict(axis=1), complex=True),
        Case(ms.softmax, (real(3),)),
        Case(ms.softmax, (real(),)),
        Case(ms.log_softmax, (real(2, 3),), dict(axis=0)),
        Case(ms.polygamma, (0, positive(3))),
        Case(ms.polygamma, (2, positive(3))),
        Case(ms.polygamma, (np.array([0, 1, 3]), positive(2, 3))),
        *[
            Case(ms.solve_triangular, (invertible(2, 2), b, trans, lower), complex=True)
            for b, trans, lower in (
                (real(2), 0, False),
                (real(2), 1, True),
                (real(2, 3), 2, False),
                (real(2, 3), "N", True),
                (real(2, 3), "T", False),
                (real(2, 3), "C", True),
            )
        ],
        Case(ms.solve_triangular, (invertible(3, 3), real(3), 0, False, True)),
        Case(ms.solve_triangular, (invertible(3, 3), real(3)), dict(lower=True, check_finite=False)),
        *[
            Case(ms.solve_triangular, (invertible(2, 3, 3), b), dict(trans=trans))
            for b in (real(3), real(3, 2), real(2, 3, 1))
            for trans in ("N", "T")
            if STACKS
        ],
        SymmetricCase(ms.cho_factor, (positive_definite(3, 3),), output=lambda y: y[0]),
        Case(ms.cho_solve, ((triangular(3, 3), True), real(3)), complex=True),
        Case(ms.cho_solve, ((upper(3, 3), False), real(3, 2)), dict(check_finite=False), complex=True),
        Case(ms.expm, (real(3, 3),), complex=True, tolerance=1e-5),
        Case(ms.expm, (real(2, 2, 2),), tolerance=1e-5),
        Case(ms.solve_sylvester, (invertible(3, 3), invertible(2, 2), real(3, 2)), complex=True),
        Case(ms.solve_sylvester, (rotated, invertible(2, 2), 1j * rotated[:, :2])),
        Case(ms.sqrtm, (positive_definite(3, 3),), complex=True),
        Case(ms.logm, (positive_definite(3, 3),), complex=True, tolerance=1e-5),
        Case(ms.multigammaln, (between(1.5, 3.0)(2), 3)),
        Case(ms.solve_banded, ((1, 2), dominant(4, 5), real(5)), complex=True),
        Case(ms.solve_banded, ((2, 0), dominant(3, 4, main=0), real(4, 2))),
        Case(ms.block_diag, (real(2, 3), real(), real(2)), complex=True),
        Case(ms.toeplitz, (real(3), real(4)), complex=True),
        Case(ms.toeplitz, (real(3),), complex=True),
        *[Case(ms.convolve, (real(n), real(m), mode), complex=True)
          for n, m in ((5, 2), (2, 5), (4, 4)) for mode in ("full", "same", "valid")],
        Case(ms.convolve, (real(3, 4), real(2, 2), "same")),
        Case(ms.convolve, (real(3, 4), real(2, 2)), dict(method="fft"), tolerance=1e-5),
        Case(ms.convolve, (real(2, 3, 4), real(1, 2, 2), "valid"), dict(axes=(1, -1)), tolerance=1e-5),
        Case(ms.signal.convolve_over, (real(2, 4, 3), real(3, 2), ([1], [1]), ([2], [0]), "same")),
        Case(ms.signal.convolve_over, (real(2, 3), real(4)), dict(axes=([1], [0]), mode="valid")),
        Case(ms.signal.convolve_over, (real(2, 3), real(2, 2)), complex=True),
        Case(ms.fftconvolve, (real(2, 3), real(2, 2)), dict(axes=1), tolerance=1e-5),
        *[Case(ms.correlate, (real(n), real(m), mode), complex=True)
          for n, m in ((5, 2), (2, 5)) for mode in ("full", "same", "valid")],
        *[case for name, shapes, x in (
              ("norm", (), real), ("t", (positive(2, 1),), real), ("gamma", (positive(2, 1),), between(0.6, 2)),
              ("chi2", (positive(2, 1),), between(0.6, 2)), ("expon", (), between(0.6, 2)),
              ("beta", (positive(2, 1), positive(2, 1)), between(0.6, 0.9)))
          for method in ("logpdf", "pdf", "cdf", "sf", "logcdf", "logsf")
          for f in [getattr(getattr(stats, name), method)]
          for case in [Case(f, (x(3), *shapes, fraction_of(0.1), between(1.0, 1.5)(2, 1)))]],
        *[Case(getattr(stats.poisson, method), (np.array([0.0, 2.0, 5.0]), positive(2, 1)))
          for method in ("logpmf", "pmf", "cdf", "sf", "logcdf", "logsf")],
        *[Case(f, (between(0.1, 0.3)(2), positive(3))) for f in (stats.dirichlet.logpdf, stats.dirichlet.pdf)],
        *[SymmetricNormal(f, (real(4, 2), real(2), positive_definite(2, 2)))
          for f in (stats.multivariate_normal.logpdf, stats.multivariate_normal.pdf)],
        Case(stats.multivariate_normal.logpdf, (real(2, 3), 0.5, positive(3))),
        SymmetricNormal(stats.log_of_vectors, (real(4, 2), real(2), positive_definite(2, 2))),
        Case(stats.multivariate_normal.entropy, (None, positive(2))),
        Case(stats.log_normal, (real(3), real(2, 1), positive(3)), order=3),
        Case(stats.power_log, (0, positive(3), real(2, 1))),
        Case(stats.power_log, (2, positive(3), real(2, 1))),
        SymmetricCase(stats.solve_positive, (positive_definite(3, 3), real(3, 2))),
    ]
    KINKS = [
        Kink(sp.xlogy, (0.0, 0.5), (-0.6931471805599453, 0.0), "x log y"),
        Kink(sp.xlogy, (0.0, 0.0), (None, 0.0), "0 log y does not change with y"),
        Kink(sp.xlog1py, (0.0, -1.0), (None, 0.0), "0 log y does not change with y"),
        Kink(sp.j1, (0.0,), (0.5,), "J1 starts with x / 2"),
        Kink(sp.betaln, (-2.0, 1.0), (0.5, None), "psi(-2) - psi(-1) = 1/2: the poles cancel"),
        Kink(sp.betaln, (2.0, -4.0), (None, 7 / 12), "psi(-4) - psi(-2) = 1/4 + 1/3: the poles cancel"),
        Kink(sp.beta, (-3.0, 2.0), (5 / 36, None), "1/6 (1/3 + 1/2): the poles cancel"),
        Kink(sp.poch, (-3.0, 2.0), (-5.0, None), "(a (a + 1))' = 2 a + 1"),
    ]
