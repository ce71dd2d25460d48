"""Test rows of covariance, convolution, polynomials, ranges and functions applied piece by piece."""

import numpy as np
from cases import Case, Draw, between, distinct, nonzero, positive, real
from minigrad.derivatives.series import convolve_full

MODES = ("full", "same", "valid")
CASES = [
    Case(np.cov, (real(2, 5),), complex=True, order=3),
    Case(np.cov, (real(5),)),
    Case(np.cov, (real(5), real(2, 5)), dict(bias=True)),
    Case(np.cov, (real(5, 2),), dict(rowvar=False, ddof=0)),
    Case(np.cov, (real(2, 4),), dict(fweights=[1, 2, 1, 3], aweights=[0.1, 0.5, 1.0, 0.7])),
    Case(np.cov, (real(2, 5), None, True, False, None, None, positive(5))),
    Case(np.corrcoef, (real(2, 5),), complex=True),
    Case(np.corrcoef, (real(5), real(5))),
    *[
        Case(np.convolve, (real(n), real(m), mode), complex=True)
        for n, m in [(5, 3), (2, 4), (4, 4)]
        for mode in MODES
    ],
    Case(np.convolve, (real(3), real(2)), order=3),
    Case(convolve_full, (real(2), real(3)), complex=True),
    *[
        Case(np.correlate, (real(n), real(m), mode), complex=True)
        for n, m in [(5, 3), (2, 4), (2, 5), (4, 4)]
        for mode in MODES
    ],
    Case(np.correlate, (real(3), real(2))),
    *[Case(np.polyval, (real(4), real(*shape)), complex=True) for shape in [(), (3,), (2, 2)]],
    Case(np.polyval, ([1.0, 2.0, 3.0], real(3)), order=3),
    Case(np.polyadd, (real(3), real(5)), complex=True),
    Case(np.polysub, (real(3), real(2)), complex=True),
    Case(np.polymul, (real(3), real(2)), complex=True),
    Case(np.polymul, (real(3), [0.0, 0.0, 2.0])),
    # of float32 the rest may begin with what rounding left
    Case(np.polydiv, (real(5), nonzero(3)), complex=True, output=lambda y: (y[0], y[1][-2:])),
    Case(np.polydiv, (real(2), nonzero(3))),
    Case(np.polyder, (real(4),), complex=True),
    Case(np.polyder, (real(5),), dict(m=2)),
    Case(np.polyint, (real(3),), complex=True),
    Case(np.polyint, (real(3),), dict(m=2, k=[1.0, 2.0])),
    Case(np.polyfit, (distinct(6), real(6), 2)),
    Case(np.polyfit, (np.arange(5.0), real(5, 2), 1), dict(w=[1.0, 2.0, 1.0, 0.5, 1.0])),
    Case(np.poly, (real(3),), complex=True),
    Case(np.poly, (Draw((2, 2), lambda rng, shape: np.diag([1.0, 3.0]) + rng.uniform(-0.1, 0.1, shape)),)),
    Case(np.roots, (Draw((4,), lambda rng, shape: np.poly([-1.0, 0.5, 2.0]) + rng.uniform(-0.05, 0.05, 4)),)),
    Case(np.roots, (Draw((3,), lambda rng, shape: np.array([1.0, 0.3, 1.0]) + rng.uniform(-0.1, 0.1, 3)),)),
    Case(np.vander, (real(3),), complex=True),
    Case(np.vander, (real(3), 4), dict(increasing=True), order=3),
    Case(np.linspace, (real(), real(), 4), complex=True),
    Case(np.linspace, (real(2), 0, 1)),
    Case(np.linspace, (real(2), real(3, 2), 4), dict(endpoint=False, axis=-1, retstep=True)),
    Case(np.logspace, (real(), real(), 4)),
    Case(np.logspace, (real(2), real(2), 3), dict(axis=1, base=2.0)),
    Case(np.logspace, (real(2), real(2), 3), dict(axis=-1, base=np.array([2.0, 3.0]))),
    Case(np.geomspace, (positive(), positive(), 4)),
    Case(np.geomspace, (positive(2), positive(2), 3), dict(axis=1, endpoint=False)),
    Case(
        np.piecewise, (real(2, 3), [np.array([[True, False, False], [False, True, False]])], [np.sin, np.exp])
    ),
    Case(np.piecewise, (real(3, 3), [np.array([True, False, True])], [np.sin, np.exp])),
    Case(np.piecewise, (real(3), [[True, True, False], [False, True, False]], [np.square, 5.0])),
    Case(np.apply_along_axis, (np.cumsum, 1, real(2, 3, 2))),
    Case(np.apply_along_axis, (np.prod, 0, real(3, 2))),
    Case(np.apply_along_axis, (lambda v: np.outer(v, v), -1, real(2, 3))),
    Case(np.apply_over_axes, (np.sum, real(2, 3, 2), [0, 2])),
    # beyond the real axis
    *[
        Case(f, (draw(3),), complex=True)
        for f in (np.emath.sqrt, np.emath.log, np.emath.log2, np.emath.log10)
        for draw in (nonzero, positive)
    ],
    *[
        Case(f, (draw(3),), complex=True)
        for f in (np.emath.arccos, np.emath.arcsin, np.emath.arctanh)
        for draw in (between(-3, -1.5), between(-0.8, 0.8))
    ],
    *[Case(np.emath.logn, (n(), x(3)), complex=True) for n in (positive, nonzero) for x in (positive, nonzero)],
    Case(np.emath.power, (nonzero(3), real(3)), complex=True),
    Case(np.emath.power, (positive(3), -2)),
    # windows
    Case(np.lib.stride_tricks.sliding_window_view, (real(5), 3), complex=True),
    Case(np.lib.stride_tricks.sliding_window_view, (real(4, 3), (2, 2)), order=3),
    Case(np.lib.stride_tricks.sliding_window_view, (real(2, 4, 3), (2, 3), (2, 1))),
    Case(np.lib.stride_tricks.sliding_window_view, (real(2, 4), 2), dict(axis=-1)),
]
