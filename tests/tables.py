"""Test rows of the elementwise functions and the reductions."""

import operator

import numpy as np
from cases import Case, Draw, Kink, between, distinct, fraction, nonzero, positive, real, with_nans
from minigrad.derivatives import WHOLE
from minigrad.derivatives.elementwise import bessel_i, radius, sinc_derivative, tip, turned
from minigrad.derivatives.reductions import filled

# ---------------------------------------------------------------------------------------- elementwise
SHAPES = [(), (3,), (2, 3), (0,), (1, 1)]
PAIRS = [((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 2)), ((0,), (1,)), ((2, 3), ())]

above_one = between(1.5, 3)
inside = between(0.25, 0.75)


def unary(function, domain, complex=True, **kwargs):
    """A function of one argument, on every shape; the third derivative on vectors."""
    return [
        Case(function, (domain(*shape),), kwargs, complex, order=3 if shape == (3,) else 2)
        for shape in SHAPES
    ]


def binary(function, a, b, complex=False, numbers=True):
    """A function of two arguments, on every broadcast pair, and with a plain number on either side."""
    cases = [
        Case(function, (a(*s), b(*t)), complex=complex, order=3 if s == t == (3,) else 2) for s, t in PAIRS
    ]
    if numbers:
        cases += [Case(function, (a(3), 0.7)), Case(function, (0.7, b(3)))]
    return cases


def far(a, low, high):
    """Return a domain next to that of ``a``, so that the two never tie."""
    return lambda *shape: Draw(shape, lambda rng, shape: rng.uniform(low, high, shape))


def interleaved(*shape):
    """Return a domain of which no entry ties with one of ``distinct``."""
    return Draw(shape, lambda rng, shape: distinct(*shape)(rng) + 0.05)


ELEMENTWISE = [
    *binary(np.add, real, real, complex=True),
    *binary(np.subtract, real, real, complex=True),
    *binary(np.multiply, real, real, complex=True),
    *binary(np.divide, real, nonzero, complex=True),
    *binary(np.power, positive, real, complex=True),
    *binary(operator.pow, positive, real, complex=True),
    *[Case(operator.pow, (nonzero(3), n), complex=True, order=3) for n in (-1, 0, 1, 2, 3)],
    Case(operator.pow, (positive(3), 0.5), complex=True),
    *[Case(np.power, (nonzero(3), n), complex=True, order=3) for n in (-2, -1, 0, 1, 2, 3)],
    Case(np.power, (nonzero(4), np.array([0, 1, 2, -1])), complex=True),
    *binary(np.float_power, positive, real, complex=True, numbers=False),
    *unary(np.negative, real),
    *unary(np.positive, real),
    *unary(np.reciprocal, nonzero),
    *unary(np.square, real),
    *unary(np.sqrt, positive),
    *unary(np.cbrt, nonzero, complex=False),
    *binary(np.remainder, between(5.1, 5.9), between(-1.6, -1.51), numbers=False),
    *binary(np.fmod, between(-5.9, -5.1), between(1.51, 1.6), numbers=False),
    *binary(np.divmod, between(5.1, 5.9), between(-1.6, -1.51), numbers=False),
    *unary(np.modf, between(1.1, 1.9), complex=False),
    *unary(np.exp, real),
    *unary(np.exp2, real),
    *unary(np.expm1, real),
    *unary(np.log, positive),
    *unary(np.log2, positive),
    *unary(np.log10, positive),
    *unary(np.log1p, fraction),
    *binary(np.logaddexp, real, real),
    *binary(np.logaddexp2, real, real),
    *unary(np.sin, real),
    *unary(np.cos, real),
    *unary(np.tan, fraction),
    *unary(np.arcsin, fraction),
    *unary(np.arccos, fraction),
    *unary(np.arctan, fraction),
    *unary(np.sinh, real),
    *unary(np.cosh, real),
    *unary(np.tanh, fraction),
    *unary(np.arcsinh, fraction),
    *unary(np.arccosh, above_one),
    Case(
        np.arccosh, (Draw((3,), lambda rng, shape: rng.uniform(-3, -2, shape) + 1j),)
    ),  # the other half plane
    *unary(np.arctanh, fraction),
    *unary(np.deg2rad, real, complex=False),
    *unary(np.radians, real, complex=False),
    *unary(np.rad2deg, real, complex=False),
    *unary(np.degrees, real, complex=False),
    *binary(np.arctan2, nonzero, nonzero),
    *binary(np.hypot, nonzero, nonzero),
    *unary(np.absolute, nonzero),
    *unary(np.fabs, nonzero, complex=False),
    *unary(np.sign, nonzero, complex=np.__version__ >= "2"),
    *binary(np.copysign, nonzero, nonzero),
    *[Case(np.heaviside, ([-1.0, 0.0, 2.0], real(*shape))) for shape in [(), (3,), (2, 3)]],
    *unary(np.conjugate, real),
    *unary(np.real, real),
    *unary(np.imag, real),
    *unary(np.angle, nonzero),
    Case(np.angle, (nonzero(3),), dict(deg=True), complex=True),
    *unary(np.real_if_close, real),
    *unary(np.frexp, between(1.1, 1.9), complex=False),
    *[Case(np.ldexp, (real(*shape), np.array([-1, 0, 3])[: shape[-1]])) for shape in [(3,), (2, 3)]],
    *[Case(np.nextafter, (real(*shape), 10.0)) for shape in SHAPES],
    *binary(np.maximum, distinct, interleaved, numbers=False),
    *binary(np.minimum, distinct, interleaved, numbers=False),
    *binary(np.fmax, distinct, interleaved, numbers=False),
    *binary(np.fmin, distinct, interleaved, numbers=False),
    Case(np.maximum, (nonzero(3), 0.0)),
    Case(np.minimum, (0.0, nonzero(3))),
    Case(np.fmax, (with_nans(5), interleaved(5))),
    Case(np.fmin, (with_nans(5), interleaved(5))),
    *[
        Case(
            np.where, (np.resize([True, False], np.broadcast_shapes(s, t)), real(*s), real(*t)), complex=True
        )
        for s, t in PAIRS
        if t != (2, 2)
    ],
    *[
        Case(np.select, ([[True, False, True], [True, True, False]], [real(*s), real(*t)], 0.5), complex=True)
        for s, t in [((), ()), ((3,), (3,)), ((3,), (2, 3))]
    ],
    Case(np.select, ([[True, False, False], [True, True, False]], [[1.0, 2.0, 3.0], real(3)], real(1))),
    *[Case(np.clip, (nonzero(*shape), -0.3, 0.4)) for shape in SHAPES],
    Case(np.clip, (between(-3, 3)(4, 5), real(5), between(2.1, 2.5)(4, 1))),
    Case(np.clip, (nonzero(5), None, 0.1)),
    Case(np.clip, (nonzero(5), -0.1, None)),
    *unary(np.nan_to_num, real),
    Case(np.nan_to_num, (with_nans(5),), dict(nan=0.3)),
    *unary(np.unwrap, between(0, 0.5), complex=False)[1:],
    Case(
        np.unwrap, (Draw((4,), lambda rng, shape: np.array([0.1, 3.0, -3.0, 0.2]) + rng.uniform(0, 0.1, 4)),)
    ),
    *unary(np.sinc, real),
    Case(np.sinc, (between(-1e-3, 1e-3)(4),), order=3),
    *unary(np.i0, real, complex=False),
    *[Case(sinc_derivative, (real(4), n), complex=True) for n in (1, 2)],
    *[Case(bessel_i, (real(4), n)) for n in (0, 1)],
    *[Case(f, (nonzero(3),)) for f in (radius, tip)],
    Case(turned, (real(3), nonzero(3))),
]

# ---------------------------------------------------------------------------------------- reductions
AXES = [  # shapes, and which axes to reduce
    ((), {}),
    ((3,), {}),
    ((3,), dict(axis=0)),
    ((1,), dict(axis=-1)),
    ((2, 3), {}),
    ((2, 3), dict(axis=0)),
    ((2, 3), dict(axis=-1, keepdims=True)),
    ((2, 3), dict(keepdims=True)),
    ((2, 3, 2), dict(axis=(0, -1))),
    ((2, 3, 2), dict(axis=(2, 0), keepdims=True)),
    ((2, 3, 2), dict(axis=1)),
]
EMPTY = [((0,), {}), ((0, 3), dict(axis=1)), ((2, 0), dict(axis=-1, keepdims=True))]
MASK = np.array([[True, True, False], [False, True, True]])
MASKED = [
    ((2, 3), dict(where=MASK)),
    ((2, 3), dict(where=MASK, axis=1)),
    ((2, 3), dict(where=MASK, axis=(0, 1))),
]
SCANS = [((3,), {}), ((2, 3), {}), ((2, 3), dict(axis=0)), ((2, 3, 2), dict(axis=1)), ((2, 3), dict(axis=-1))]


def reductions(function, domain, forms=AXES, complex=False, **kwargs):
    """A reduction over every kind of axes; the third derivative over the first of a matrix."""
    return [
        Case(function, (domain(*shape),), {**kwargs, **form}, complex, order=3 if form == dict(axis=0) else 2)
        for shape, form in forms
    ]


def with_zeros(*shape):
    """Return a draw in which every third entry is zero."""

    def make(rng, shape):
        x = rng.uniform(0.5, 2, shape)
        x.reshape(-1)[::3] = 0
        return x

    return Draw(shape, make)


def quantiles(function, domain, scale, methods):
    q = between(0.26 * scale, 0.3 * scale)  # between two order statistics, by every method
    return [
        *[Case(function, (domain(7), q()), dict(method=method), order=3) for method in methods],
        Case(function, (domain(2, 5), q(2)), dict(axis=1)),
        Case(function, (domain(4, 2), between(0.4 * scale, 0.6 * scale)(2, 1)), dict(keepdims=True, axis=0)),
        *reductions(function, domain, AXES[1:], q=0.3 * scale),
        Case(function, (domain(2, 5), np.array([0.1, 0.5, 1.0]) * scale), dict(axis=1)),
        Case(function, (domain(2, 5), np.array([[0.1, 0.5], [0.0, 1.0]]) * scale), dict(keepdims=True)),
        *[Case(function, (domain(7), 0.37 * scale), dict(method=method)) for method in methods],
    ]


def ascending(rng, shape):
    return np.arange(shape[0]) + rng.uniform(0.1, 0.2, shape)


METHODS = [
    *("linear", "lower", "higher", "nearest", "midpoint", "inverted_cdf", "averaged_inverted_cdf", "weibull"),
    *("closest_observation", "interpolated_inverted_cdf", "hazen", "median_unbiased", "normal_unbiased"),
]

REDUCTIONS = [
    *reductions(np.sum, real, AXES + EMPTY + MASKED, complex=True),
    Case(np.sum, (real(3),), dict(initial=2.0)),
    *reductions(np.mean, real, AXES + MASKED, complex=True),
    *reductions(np.var, real, AXES + MASKED, complex=True),
    *reductions(np.var, real, AXES[4:], ddof=1, complex=True),
    *reductions(np.std, real, AXES[1:3] + AXES[4:] + MASKED[:1], complex=True),
    *reductions(np.std, real, AXES[4:], ddof=1, complex=True),
    *[
        Case(whole, (real(*shape),), complex=True)
        for whole in WHOLE.values()
        for shape in [(), (3,), (2, 3), (1,)]
    ],
    Case(filled, (real(), (2, 3)), complex=True),
    *reductions(np.average, real, AXES, complex=True),
    Case(np.average, (real(3),), dict(weights=[0.2, 0.3, 0.5])),
    Case(np.average, (real(2, 3),), dict(weights=[0.2, 0.3, 0.5], axis=1, returned=True)),
    Case(np.average, (real(2, 3),), dict(weights=[0.2, 0.3], axis=0, keepdims=True)),
    Case(np.average, (real(2, 3), None, positive(2, 3))),
    Case(np.average, (real(2, 3), 1, positive(3))),
    *reductions(np.prod, real, AXES + EMPTY + MASKED, complex=True),
    *reductions(np.prod, with_zeros, AXES + MASKED, initial=0.5),
    Case(np.prod, (Draw((4,), lambda rng, shape: np.array([0.0, 2.0, 0.0, 3.0])),), order=3),
    *reductions(np.cumsum, real, [((), {}), *SCANS, ((0,), {}), ((0, 3), dict(axis=1))], complex=True),
    *reductions(np.cumprod, real, [((), {}), *SCANS, ((0,), {}), ((0, 3), dict(axis=1))], complex=True),
    *reductions(np.cumprod, with_zeros, SCANS, complex=True),
    *[
        case
        for f in dict.fromkeys((np.max, np.min, np.amax, np.amin))
        for case in reductions(f, distinct, AXES)
    ],
    *[Case(f, (distinct(2, 3),), dict(where=MASK, axis=1, initial=0.07)) for f in (np.max, np.min)],
    *[case for f in (np.nanmax, np.nanmin) for case in reductions(f, with_nans, AXES)],
    *reductions(np.ptp, distinct),
    *reductions(np.median, distinct, AXES),
    *reductions(np.median, distinct, [((4,), {}), ((2, 6), dict(axis=1)), ((1,), {})]),
    *reductions(np.nanmedian, with_nans, AXES[1:]),
    *quantiles(np.quantile, distinct, 1, METHODS),
    *quantiles(np.percentile, distinct, 100, ["linear", "lower", "hazen"]),
    *quantiles(np.nanquantile, with_nans, 1, METHODS),
    *quantiles(np.nanpercentile, with_nans, 100, ["linear", "weibull"]),
    *[case for f in (np.nansum, np.nanprod) for case in reductions(f, with_nans, AXES + EMPTY)],
    *[
        case
        for f in (np.nanmean, np.nanvar, np.nanstd)
        for case in reductions(f, with_nans, AXES[4:6] + AXES[9:])
    ],
    Case(np.nanvar, (with_nans(7),), dict(ddof=1)),
    *[case for f in (np.nancumsum, np.nancumprod) for case in reductions(f, with_nans, SCANS)],
    *[
        Case(np.diff, (real(*shape),), kwargs, complex=True)
        for shape, kwargs in [
            ((4,), {}),
            ((4,), dict(n=2)),
            ((3, 4), dict(axis=0)),
            ((2, 4), dict(n=3, axis=1)),
            ((1,), {}),
            ((3,), dict(n=0)),
        ]
    ],
    Case(np.diff, (real(2, 3), 1, -1, real(2, 1), 0.5)),
    Case(np.ediff1d, (real(2, 3),), complex=True),
    Case(np.ediff1d, (real(3), real(2), 1.0)),
    *[
        Case(np.gradient, (real(*shape), *spacing), kwargs)
        for shape, spacing, kwargs in [
            ((5,), (), {}),
            ((5,), (0.5,), dict(edge_order=2)),
            ((4, 5), (), {}),
            ((4, 5), (), dict(axis=0)),
            ((3, 4), (2.0, 0.5), dict(edge_order=2)),
            ((2,), (), {}),
            ((3, 4), (), dict(axis=(1, 0))),
            ((3, 4), ([0.0, 1.0, 3.0], [0.0, 0.5, 0.7, 2.0]), dict(edge_order=2)),
        ]
    ],
    Case(np.gradient, (real(4), Draw((4,), lambda rng, shape: np.array([0.0, 1.0, 1.5, 3.0])))),
    *[Case(np.interp, (between(-1, 4)(*shape), [0.0, 1.0, 1.5, 3.0], real(4))) for shape in SHAPES],
    Case(
        np.interp,
        ([-1.0, 0.0, 0.4, 2.0, 3.0], Draw((3,), lambda rng, shape: np.array([0.1, 1.0, 2.5])), real(3)),
        order=3,
    ),
    Case(np.interp, (between(-1, 4)(9), [0.0, 1.0, 3.0], real(3), -5.0, 7.0)),
    Case(np.interp, (between(-1, 4)(9), [0.0, 1.0, 3.0], real(3), real(), real())),
    Case(np.interp, (between(3.6, 4.4)(3), between(0.7, 0.9)(1), real(1))),
    *[
        Case(np.interp, ([-0.7, 0.47, 1.2, 4.9], nodes, real(4), None, None, period))
        for nodes in ([0.1, 1.0, 1.5, 3.0], [3.0, 0.1, 1.5, 1.0], Draw((4,), ascending))
        for period in (2.7, -4.0, between(3.5, 3.6)())
    ],
]

for _name in ("trapezoid", "trapz"):
    if hasattr(np, _name):
        REDUCTIONS += [
            Case(getattr(np, _name), args, kwargs)
            for args, kwargs in [
                ((real(5),), {}),
                ((real(2, 5),), dict(dx=0.5)),
                ((real(3, 5),), dict(axis=0)),
                ((real(2, 3), real(3)), {}),
                ((real(3, 2), real(3)), dict(axis=0)),
                ((real(3, 2), real(3, 2)), dict(axis=0)),
            ]
        ]

if hasattr(np, "cumulative_sum"):  # NumPy 2.1
    for _function in (np.cumulative_sum, np.cumulative_prod):
        REDUCTIONS += [
            Case(_function, (real(*shape),), kwargs)
            for shape, kwargs in [
                ((3,), {}),
                ((2, 3), dict(axis=0)),
                ((2, 3), dict(axis=1, include_initial=True)),
                ((3,), dict(include_initial=True)),
            ]
        ]

CASES = ELEMENTWISE + REDUCTIONS

# ------------------------------------------------------------------------------------------- conventions
INF, NAN = np.inf, np.nan
KINKS = [
    Kink(np.absolute, (0.0,), (0.0,), "the middle of -1 and 1"),
    Kink(np.absolute, (0j,), (0.0,), "the middle of all directions"),
    Kink(np.fabs, (0.0,), (0.0,), "the middle of -1 and 1"),
    Kink(np.sign, (0.0,), (0.0,), "flat on both sides"),
    Kink(np.sign, (0j,), (0.0,), "the middle of all directions"),
    Kink(np.copysign, (0.0, 1.0), (0.0, None), "as abs"),
    Kink(np.hypot, (0.0, 0.0), (0.0, 0.0), "as abs"),
    Kink(np.angle, (0j,), (0.0,), "the middle of all directions"),
    Kink(np.arctan2, (0.0, 0.0), (0.0, 0.0), "the middle of all directions"),
    Kink(
        np.maximum,
        ([1.0, 2.0, 3.0], 2.0),
        ([0.0, 0.5, 1.0], 1.5),
        "half to each at a tie, also against a constant",
    ),
    Kink(np.minimum, ([1.0, 2.0, 3.0], 2.0), ([1.0, 0.5, 0.0], 1.5), "half to each at a tie"),
    Kink(np.maximum, (-INF, -INF), (0.5, 0.5), "half to each at a tie"),
    Kink(np.fmax, (2.0, 2.0), (0.5, 0.5), "half to each at a tie"),
    Kink(np.fmin, (2.0, 2.0), (0.5, 0.5), "half to each at a tie"),
    Kink(np.fmax, ([NAN, 1.0], [2.0, NAN]), ([0.0, 1.0], [1.0, 0.0]), "all to the one that is a number"),
    Kink(np.max, ([3.0, 1.0, 3.0],), ([0.5, 0.0, 0.5],), "ties share equally"),
    Kink(np.min, ([3.0, 1.0, 1.0],), ([0.0, 0.5, 0.5],), "ties share equally"),
    Kink(np.max, ([3.0, 1.0],), ([0.5, 0.0],), "initial takes part in a tie", dict(initial=3.0)),
    Kink(np.nanmax, ([NAN, 2.0, 2.0],), ([0.0, 0.5, 0.5],), "ties share equally"),
    Kink(np.ptp, ([3.0, 1.0, 3.0],), ([0.5, -1.0, 0.5],), "as max and min"),
    Kink(
        np.clip,
        ([0.0, 1.0, 2.0, 3.0, 4.0], 1.0, 3.0),
        ([0.0, 1.0, 1.0, 1.0, 0.0], 1.0, 1.0),
        "1 at the edges",
    ),
    Kink(
        np.clip,
        ([5.0, 0.5, -3.0], 1.0, 0.0),
        ([0.0, 0.0, 0.0], 0.0, 3.0),
        "the upper bound where the lower one is above it",
    ),
    Kink(np.clip, ([0.0, 1.0, 2.0], None, 1.0), ([1.0, 1.0, 0.0], None, 1.0), "1 at the edges"),
    Kink(np.clip, ([NAN, 0.5], 0.0, 1.0), ([0.0, 1.0], 0.0, 0.0), "NaN is no number that moves"),
    Kink(np.maximum, ([NAN, 1.0], [1.0, NAN]), ([0.0, 0.0], [0.0, 0.0]), "NaN is no number that moves"),
    Kink(np.minimum, (NAN, 1.0), (0.0, 0.0), "NaN is no number that moves"),
    Kink(np.max, ([NAN, 1.0],), ([0.0, 0.0],), "NaN is no number that moves"),
    Kink(np.fmin, (NAN, NAN), (0.0, 0.0), "NaN is no number that moves"),
    Kink(np.copysign, ([-0.0, 2.0], -1.0), ([0.0, -1.0], 0.0), "as abs"),
    Kink(np.var, ([2.0, 2.0],), ([0.0, 0.0],), "the bottom of the curve"),
    Kink(np.nanstd, ([2.0, NAN, 2.0],), ([0.0, 0.0, 0.0],), "as std"),
    Kink(np.cumprod, ([2.0, 0.0, 3.0, 0.0],), ([1.0, 8.0, 0.0, 0.0],), "the product of the others"),
    Kink(np.nanprod, ([0.0, NAN, 3.0],), ([3.0, 0.0, 0.0],), "the product of the others"),
    Kink(np.sum, ([1.0, NAN],), ([1.0, 0.0],), "what is left out does not count", dict(where=[True, False])),
    Kink(np.median, ([2.0, 2.0, 1.0, 3.0],), ([0.5, 0.5, 0.0, 0.0],), "equal numbers keep their order"),
    Kink(np.quantile, ([1.0, 2.0, 4.0], 0.5), ([0.0, 1.0, 0.0], 4.0), "by q: the slope to the right"),
    Kink(np.quantile, ([1.0, 2.0, 4.0], 1.0), ([0.0, 0.0, 1.0], 4.0), "by q at 1: the slope to the left"),
    Kink(np.interp, ([0.0, 1.0, 3.0], [0.0, 1.0, 3.0], [0.0, 1.0, 7.0]), ([1.0, 3.0, 3.0], None, None), "to the right"),
    Kink(np.std, ([2.0, 2.0, 2.0],), ([0.0, 0.0, 0.0],), "as abs: 0 where all entries are equal"),
    Kink(np.power, (0.0, 0), (0.0, None), "x**0 is 1 everywhere"),
    Kink(np.power, (0.0, 1), (1.0, None), "x**1 is x"),
    Kink(np.power, (0.0, 2), (0.0, None), "0**2 has a flat tangent"),
    Kink(np.power, (0.0, 0.5), (INF, None), "a vertical tangent, as sqrt"),
    Kink(np.power, (0.0, [0.0, 1.0, 2.0]), (1.0, [0.0, 0.0, 0.0]), "0**x is 0 for x > 0"),
    Kink(np.sqrt, (0.0,), (INF,), "a vertical tangent"),
    Kink(np.cbrt, (0.0,), (INF,), "a vertical tangent"),
    Kink(np.log, (0.0,), (INF,), "as the mathematics"),
    Kink(np.prod, ([0.0, 2.0, 3.0],), ([6.0, 0.0, 0.0],), "the product of the others"),
    Kink(np.prod, ([0.0, 2.0, 0.0],), ([0.0, 0.0, 0.0],), "the product of the others"),
    Kink(np.cumprod, ([2.0, 0.0, 3.0],), ([1.0, 8.0, 0.0],), "the product of the others"),
    Kink(np.logaddexp, (-INF, 1.0), (0.0, 1.0), "an empty sum takes no part"),
    Kink(np.logaddexp, (-INF, -INF), (0.0, 0.0), "an empty sum takes no part"),
    Kink(np.logaddexp, (800.0, 0.0), (1.0, 0.0), "no overflow"),
    Kink(np.logaddexp, (0.0, INF), (0.0, 1.0), "infinity takes all"),
    Kink(np.logaddexp2, (INF, 1.0), (1.0, 0.0), "infinity takes all"),
    Kink(np.arctan2, ([INF, 1.0], [1.0, -INF]), ([0.0, 0.0], [0.0, 0.0]), "a far point turns no more"),
    Kink(np.log1p, (1e-20,), (1.0,), "no cancellation"),
    Kink(np.sinc, (0.0,), (0.0,), "the top of the curve"),
    Kink(np.nan_to_num, ([NAN, INF, 1.0],), ([0.0, 0.0, 1.0],), "a replaced number is a constant"),
    Kink(np.where, ([True, False], [1.0, 2.0], 0.0), (None, [1.0, 0.0], 1.0), "the branch that was taken"),
    Kink(np.median, ([1.0, 2.0, 4.0, 8.0],), ([0.0, 0.5, 0.5, 0.0],), "both middle ones"),
    Kink(np.heaviside, (0.0, 0.5), (None, 1.0), "the value at the step is the second argument"),
]
