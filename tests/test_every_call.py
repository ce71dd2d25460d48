"""Functions of NumPy called in every way: NumPy's value, to the last bit; derivatives of two orders; or a refusal.

``CALLS`` holds for each function its arguments and the values of its keywords; every combination of one value per
keyword is a call.  What NumPy refuses is refused; what minigrad refuses, it refuses in its own words; all else agrees
with finite differences of the same call.
"""

import itertools

import numpy as np
import pytest
from cases import Case, Draw, between, distinct, nonzero, positive, real, with_nans
from minigrad import gradient
from minigrad.core.errors import MinigradError
from tables import METHODS
from test_derivatives import check_orders, drawn, filled
from test_forward_values import differences, outcome, parts

SINGLE = np.float32
MASK = np.array([[True, True, False], [False, True, True]])
UNSET = object()  # the keyword is not given


def steps(*shape):
    """Return a draw of places in ascending order."""
    return Draw(shape, lambda rng, shape: np.cumsum(rng.uniform(0.5, 1.5, shape)))


AXES = dict(axis=[UNSET, None, 0, -1, (0, 1), 5], keepdims=[UNSET, True])
SUMS = AXES | dict(dtype=[UNSET, None, SINGLE, complex], where=[UNSET, MASK], out=[UNSET, None])
SPREAD = AXES | dict(ddof=[UNSET, 1], correction=[UNSET, 1], where=[UNSET, MASK])
SCANS = dict(axis=[UNSET, None, 0, -1, 5], dtype=[UNSET, SINGLE, int], out=[UNSET, None])
ORDER = AXES | dict(method=[UNSET, *METHODS], overwrite_input=[UNSET, False], out=[UNSET, None])
UFUNCS = dict(dtype=[UNSET, SINGLE, complex, int], casting=[UNSET, "no"], order=[UNSET, "F"], where=[UNSET, True, MASK])
EVENLY = dict(num=[0, 1, 5, -1], endpoint=[UNSET, False], axis=[UNSET, -1], dtype=[UNSET, SINGLE])
DIFFERENCES = dict(n=[UNSET, 0, 2, 5, -1], axis=[UNSET, 0], prepend=[UNSET, 0.5], append=[UNSET, 1])
PAIR = real(2, 3), real(2, 3)

CALLS = [
    *[(f, (real(2, 3),), SUMS) for f in (np.sum, np.prod, np.mean, np.nansum, np.nanprod, np.nanmean)],
    *[(f, (distinct(2, 3),), SPREAD) for f in (np.var, np.std, np.nanvar, np.nanstd)],
    *[(f, (distinct(2, 3),), AXES | dict(initial=[UNSET, 0.03], where=[UNSET, True])) for f in (np.max, np.nanmin)],
    *[(f, (real(2, 3),), SCANS) for f in (np.cumsum, np.cumprod, np.nancumsum, np.nancumprod)],
    (np.quantile, (distinct(2, 3), between(0.31, 0.33)()), ORDER),
    (np.nanquantile, (with_nans(2, 3), between(0.31, 0.33)(2)), ORDER),
    (np.percentile, (distinct(2, 3), between(31, 33)(2, 1)), ORDER),
    *[(f, (distinct(2, 3),), AXES | dict(overwrite_input=[UNSET, False])) for f in (np.median, np.nanmedian)],
    (np.average, (real(2, 3),), AXES | dict(weights=[UNSET, MASK + 0.5, [1, 2]], returned=[UNSET, True])),
    *[(np.diff, (real(*shape),), DIFFERENCES) for shape in [(4,), (3, 2)]],
    *[(np.gradient, (real(4, 3), *steps), dict(axis=[UNSET, 0, (1, 0)], edge_order=[UNSET, 2, 3]))
      for steps in [(), (0.5,), (positive(),), (0.5, positive())]],
    (np.gradient, (real(4, 3), steps(4)), dict(axis=[UNSET, 0], edge_order=[UNSET, 2])),
    (np.trapezoid if hasattr(np, "trapezoid") else np.trapz, (real(3, 4),), dict(axis=[UNSET, 0], dx=[UNSET, 0.5])),
    (np.interp, (between(-1, 7)(5), steps(4), real(4)), dict(left=[UNSET, -5.0], right=[UNSET, 7], period=[UNSET, 9])),
    *[(f, (nonzero(2, 3),), UFUNCS) for f in (np.exp, np.sin, np.absolute, np.cbrt)],
    *[(f, (nonzero(2, 3), nonzero(3)), UFUNCS) for f in (np.multiply, np.divide, np.hypot)],
    *[(f.reduce, (nonzero(2, 3),), AXES | dict(initial=[UNSET, 0.6]))
      for f in (np.add, np.multiply, np.hypot, np.subtract)],
    *[(f.accumulate, (nonzero(2, 3),), dict(axis=[UNSET, 1, 5])) for f in (np.add, np.logaddexp, np.subtract)],
    (np.clip, (nonzero(5),), dict(a_min=[UNSET, None, -0.3, 0.7], a_max=[UNSET, None, 0.4], out=[UNSET, None])),
    (np.unwrap, (nonzero(2, 4),), dict(axis=[UNSET, 0], discont=[UNSET, 2.0], period=[UNSET, 5.0])),
    (np.reshape, (real(2, 3), (3, 2)), dict(order=[UNSET, "C", "F", "A"])),
    (np.ravel, (real(2, 3),), dict(order=[UNSET, "C", "F", "A", "K"])),
    *[(f, (list(PAIR),), dict(axis=[UNSET, 1, -1, 5], dtype=[UNSET, SINGLE, complex], casting=[UNSET, "no"]))
      for f in (np.concatenate, np.stack)],
    (np.repeat, (real(2, 3),), dict(repeats=[0, 2, [1, 2], [2, 0, 1]], axis=[UNSET, 0, 1])),
    (np.insert, (real(3, 3), 1, real(3)), dict(axis=[UNSET, 0, 1])),
    (np.delete, (real(3, 3),), dict(obj=[1, -1, [0, 2], slice(1, 3), 9], axis=[UNSET, 0, 1])),
    (np.roll, (real(2, 3),), dict(shift=[1, -4, (1, 2)], axis=[UNSET, 0, (0, 1)])),
    (np.pad, (distinct(3, 4), ((1, 2), (0, 5))), dict(mode=["edge", "wrap", "linear_ramp", "zigzag"])),
    (np.pad, (distinct(4), 3), dict(mode=["mean", "maximum", "median"], stat_length=[UNSET, 2, None])),
    (np.pad, (distinct(4), 5), dict(mode=["reflect", "symmetric"], reflect_type=[UNSET, "odd", "even"])),
    (np.take, (real(3, 3),), dict(indices=[1, [0, -1], [[5]]], axis=[UNSET, 0, -1], mode=[UNSET, "wrap", "clip"])),
    (np.sort, (distinct(2, 3),), dict(axis=[UNSET, None, 0], kind=[UNSET, "stable"])),
    (np.diagonal, (real(2, 3, 4),), dict(offset=[UNSET, -1, 2, 9], axis1=[UNSET, -1], axis2=[UNSET, 1])),
    (np.trace, (real(2, 3, 4),), dict(offset=[UNSET, -1, 2, 9], axis2=[UNSET, 2], dtype=[UNSET, SINGLE])),
    (np.cov, (real(2, 4),), dict(rowvar=[UNSET, False], bias=[UNSET, True], ddof=[UNSET, 0], dtype=[UNSET, SINGLE])),
    (np.cov, (real(2, 4),), dict(aweights=[UNSET, [1, 2, 0.5, 1]], fweights=[UNSET, [1, 2, 1, 3], [1.5] * 4])),
    *[(f, (real(n), real(m)), dict(mode=["full", "same", "valid", "f"]))
      for f in (np.convolve, np.correlate) for n, m in [(4, 2), (2, 4)]],
    (np.linspace, (real(2), real()), EVENLY | dict(retstep=[UNSET, True])),
    (np.logspace, (real(2), 1.0), EVENLY | dict(base=[UNSET, 2.0])),
    (np.geomspace, (positive(2), positive()), EVENLY),
    (np.vander, (real(3),), dict(N=[UNSET, 0, 2], increasing=[UNSET, True])),
    (np.polyfit, (distinct(5), real(5), 2), dict(w=[UNSET, [1, 2, 1, 0.5, 1]], full=[UNSET, False, True])),
]  # fmt: skip


def combinations(function, args, options):
    for values in itertools.product(*options.values()):
        kwargs = {key: value for key, value in zip(options, values) if value is not UNSET}
        yield Case(function, args, kwargs, tolerance=1e-5)


def inside(case, xs):
    """Return what the call gives while a gradient is taken."""
    kept = []
    gradient(lambda *xs: (kept.append(case.call(*filled(case.args, iter(xs)))), np.sum(xs[0]))[1], *xs)
    return kept[0]


def check_call(case):
    xs = drawn(case)
    expected, refused = outcome(lambda: case.call(*filled(case.args, iter([x.copy() for x in xs]))))
    found, error = outcome(lambda: inside(case, xs))
    if refused or error:
        ours = isinstance(error, MinigradError) or "cannot be cast" in str(error)
        assert error and (refused or ours), f"{case}: NumPy says {refused!r}, minigrad {error!r}"
        return
    assert not differences(found, expected), f"{case}: {differences(found, expected)}"
    coarse = any(part.dtype in (SINGLE, np.complex64) for part in parts(expected))
    if not coarse and all(np.isfinite(part).all() for part in parts(expected)):
        check_orders(case)


EVERY = [case for call in CALLS for case in combinations(*call)]
FEW = [EVERY[i] for i in np.random.default_rng(0).permutation(len(EVERY))[:300]]


@pytest.mark.parametrize("cases", [FEW[k::10] for k in range(10)], ids=range(10))
def test_a_call_gives_what_numpy_gives_and_its_derivatives_or_is_refused(cases):
    for case in cases:
        check_call(case)


@pytest.mark.slow
@pytest.mark.parametrize("function, args, options", CALLS, ids=lambda x: getattr(x, "__name__", ""))
def test_every_call_gives_what_numpy_gives_and_its_derivatives_or_is_refused(function, args, options):
    for case in combinations(function, args, options):
        check_call(case)
