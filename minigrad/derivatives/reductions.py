"""Derivatives of NumPy's reductions, scans, differences and integrals.

A reduction's vjp first gives its gradient the shape of what was reduced (``spread``).  Functions that
are short sentences in terms of others are entered as compositions.
"""

import math

import numpy as np

from ..core.table import atomic, composition, constant, possibly, primitive, refuse, refuse_if, row, transparent
from .calls import as_array, astype, floating, in_dtype
from .elementwise import radius, safe, tip
from .indexing import getitem

# ---------------------------------------------------------------------------------------------- axes


def axes_of(axis, ndim):
    """Return the axes that ``axis`` means, as a tuple: None means all of them; a number has none."""
    if axis is None or ndim == 0:
        return tuple(range(ndim))
    return (axis,) if type(axis) is int or not np.ndim(axis) else tuple(axis)


def spread(g, shape, axis, keepdims):
    """Return ``g``, the gradient of a reduction over ``axis``, in the ``shape`` of what was reduced."""
    if axis is not None and not keepdims:
        g = g.reshape(kept_shape(shape, axis))
    return g + np.zeros(shape, g.dtype)  # quicker than broadcast_to, and owns its memory


def kept_shape(shape, axis):
    """Return ``shape`` with the reduced axes of length one, as ``keepdims=True`` leaves it."""
    shape = list(shape)
    for i in axes_of(axis, len(shape)):
        shape[i] = 1
    return shape


def count(shape, axis, keepdims, where, dtype):
    """Return how many numbers are reduced to one: a number or, with a mask, an array of them."""
    if where is not True:
        counted_in = np.promote_types(dtype, np.float32)  # half precision ends at 65504
        return np.sum(np.broadcast_to(where, shape), axis=axis, keepdims=keepdims, dtype=counted_in)
    return math.prod(shape[i] for i in axes_of(axis, len(shape)))


def wider(x):
    """Return half precision as single, and other numbers as they are."""
    return x.astype(np.float32) if x.dtype.char == "e" else x


def shared(g, n):
    """Return ``g / n`` where n counts, which half precision cannot beyond 65504."""
    return wider(g) / n


def reduced_last(a, axis):
    """Return ``a`` with the reduced axes flattened into the last one."""
    axes = axes_of(axis, a.ndim)
    a = np.moveaxis(a, axes, range(-len(axes), 0))
    outer = a.shape[: a.ndim - len(axes)]
    return np.reshape(a, (*outer, math.prod(a.shape[len(outer) :])))


def restored(a, shape, axis):
    """Undo ``reduced_last``: return ``a`` in the original ``shape``."""
    axes = axes_of(axis, len(shape))
    a = np.reshape(a, (*a.shape[:-1], *(shape[i] for i in axes)))
    return np.moveaxis(a, range(-len(axes), 0), axes)


def masked(g, where):
    """Return ``g`` where a reduction looked (its keyword ``where=``), else 0."""
    return g if where is True else np.where(where, g, 0)


# --------------------------------------------------------------------------------------- sums and means
def sum_vjp(g, a_shape, axis, keepdims, where):
    g = spread(g, a_shape, axis, keepdims)
    return g if where is True else np.where(where, g, 0)


def mean_vjp(g, a_shape, axis, keepdims, where):
    return sum_vjp(shared(g, count(a_shape, axis, keepdims, where, g.dtype)), a_shape, axis, keepdims, where)


row(np.sum, sum_vjp, signature="a, axis=None, *, keepdims=False, initial=0, where=True")
row(np.mean, mean_vjp, signature="a, axis=None, *, keepdims=False, where=True")


np_sum = np.add.reduce
WIDE = {np.float32, np.float64}


@transparent
@primitive
def total(x):
    """Return the sum of all elements: ``np.sum(x)`` without its argument handling."""
    return np_sum(x, None)


@transparent
@primitive
def average(x):
    """Return the mean of all elements: ``np.mean(x)`` without its argument handling."""
    number, n = x.dtype.type, x.size
    if number in WIDE and n:
        return np_sum(x, None) / number(n)
    return np.mean(x)  # which widens half precision and integers before it adds


@primitive
def filled(x, shape):
    """Return an array of ``shape`` that is the number ``x`` everywhere."""
    y = np.empty(shape, x.dtype)
    y.fill(x)
    return y


def average_vjp(g, x_shape):
    share = g / math.prod(x_shape) if g.dtype.char != "e" else shared(g, math.prod(x_shape)).astype(g.dtype)
    return filled(share, x_shape)


row(total, lambda g, x_shape: filled(g, x_shape), signature="x")
row(average, average_vjp, signature="x")
row(filled, lambda g: total(g), signature="x, shape")

# Functions that are mostly called on a whole array -> what then does the same, more quickly.
WHOLE = {np.sum: total, np.mean: average}


def var_vjp(g, a, axis, ddof, keepdims, where, mean, correction):
    """The variance is the mean of |a - mean|^2, with n - ddof in place of n."""
    ddof = ddof if correction is None else correction
    n = count(a.shape, axis, keepdims, where, g.dtype) - ddof
    mean = np.mean(a, axis=axis, keepdims=True, where=where) if mean is None else mean
    return spread(shared(g * 2, n), a.shape, axis, keepdims) * masked(a - mean, where)


def var_vjp_mean(g, a, axis, ddof, keepdims, where, mean, correction):
    """The mean that was given moves as all entries together, the other way."""
    return -np.sum(var_vjp(g, a, axis, ddof, keepdims, where, mean, correction), axis=axis, keepdims=True)


def of_root(vjp):
    """Return a vjp of the variance as one of its root: where that is 0, so is the gradient of the variance."""

    def root_vjp(g, y, a, axis, ddof, keepdims, where, mean, correction):
        if a.dtype.char == "e":  # of many numbers NumPy's value is infinite
            a = wider(a)
            y = np.std(a, axis=axis, ddof=ddof if correction is None else correction, keepdims=keepdims, where=where)
        # one number is no tip: its deviation is 0 wherever it is
        several = a.size > y.size if where is True else count(a.shape, axis, keepdims, where, int) > 1
        y = radius(y if several is True else np.where(several, y, np.inf))
        slope = vjp(0.5 / y, a, axis, ddof, keepdims, where, mean, correction)
        return slope * (g if axis is None or keepdims else g.reshape(kept_shape(a.shape, axis)))

    return root_vjp


SPREADING = "a, axis=None, *, ddof=0, keepdims=False, where=True, mean=None, correction=None"
row(np.var, var_vjp, None, None, None, None, var_vjp_mean, signature=SPREADING)
row(
    np.std,
    *(of_root(var_vjp), None, None, None, None, of_root(var_vjp_mean)),
    signature=SPREADING,
    note="0 where all entries are equal",
)


@composition(np.average)
def weighted_average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    if weights is None:
        mean = np.mean(a, axis=axis, keepdims=keepdims)
        total = np.full(np.shape(mean), np.size(a) / max(np.size(mean), 1), mean.dtype)
    else:
        a, weights = as_array(a), as_array(weights)
        dtype = np.result_type(a.dtype, weights.dtype, *[float] * (a.dtype.kind in "iub"))
        a, weights = (x if x.dtype == dtype else astype(x, dtype) for x in (a, weights))
        if np.shape(weights) != np.shape(a):  # one weight per position along the given axes
            axes = axes_of(axis, np.ndim(a))
            others = (1,) * (np.ndim(a) - len(axes))
            weights = np.moveaxis(np.reshape(weights, others + np.shape(weights)), range(-len(axes), 0), axes)
        total = np.sum(np.broadcast_to(weights, np.shape(a)), axis=axis, keepdims=keepdims)
        why = "np.average: the weights sum to zero, so that there is no average"
        refuse_if(np.any(total == 0), ZeroDivisionError, why)
        mean = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (mean, total.astype(mean.dtype)) if returned else mean


# -------------------------------------------------------------------------------------------- products
@atomic
def cumprod_last_vjp(g, y, a):
    """The vjp of a cumulative product along the last axis, exact also where factors are zero."""
    if not possibly(np.any(a == 0)):
        return backwards_sum(g * y.conjugate()) / a.conjugate()
    conj = a.conjugate()
    r = g[..., -1]  # r[j] = g[j] + a[j+1] r[j+1] is the gradient of a prefix that ends at j
    rest = [r]
    for j in range(np.shape(a)[-1] - 2, -1, -1):
        r = g[..., j] + conj[..., j + 1] * r
        rest.append(r)
    return np.stack(rest[::-1], -1) * products_before(conj)


def products_before(a):
    """Return the products of all entries before each one, along the last axis."""
    ones = np.ones((*np.shape(a)[:-1], 1), a.dtype)
    return np.cumprod(np.concatenate([ones, a[..., :-1]], -1), -1)[..., : np.shape(a)[-1]]


def backwards_sum(g, axis=-1):
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)


@atomic
def prod_vjp(g, y, a, axis, keepdims, initial, where):
    """The product of all the others, without dividing where one of them is zero."""
    shape = np.shape(a)
    if where is not True:
        a = np.where(where, a, 1)
    if not possibly(np.any(a == 0)):
        return masked(spread(g * y.conjugate(), shape, axis, keepdims) / a.conjugate(), where)
    flat = reduced_last(a, axis)
    others = products_before(flat) * np.flip(products_before(np.flip(flat, -1)), -1)
    others = (1 if initial is None else initial) * restored(others, shape, axis)
    return masked(spread(g, shape, axis, keepdims) * others.conjugate(), where)


def cumprod_vjp(g, y, a, axis):
    shape = np.shape(a)
    if axis is None or not shape:
        g, y, a, axis = np.reshape(g, -1), np.reshape(y, -1), np.reshape(a, -1), 0
    if not np.size(a):
        return np.zeros(shape, g.dtype)
    last = [np.moveaxis(x, axis, -1) for x in (g, y, a)]
    return np.reshape(np.moveaxis(cumprod_last_vjp(*last), -1, axis), shape)


def cumsum_vjp(g, a_shape, axis):
    return backwards_sum(g, axis) if axis is not None else np.reshape(backwards_sum(g), a_shape)


row(
    np.prod,
    prod_vjp,
    signature="a, axis=None, *, keepdims=False, initial=1, where=True",
    note="exact with zeros",
)
row(np.cumsum, cumsum_vjp, signature="a, axis=None")
row(np.cumprod, cumprod_vjp, signature="a, axis=None", note="exact with zeros")


# -------------------------------------------------------------------------------------------- extremes
def extremum_vjp(g, y, a, axis, keepdims, initial, where):
    """All entries that equal the extremum (and ``initial`` if it does) share the gradient equally."""
    shape = np.shape(a)
    if axis is not None and not keepdims:
        y, g = y.reshape(kept_shape(shape, axis)), g.reshape(kept_shape(shape, axis))
    winners = a == y if where is True else (a == y) & where
    g = wider(g)
    n = np.sum(winners, axis=axis, keepdims=True, dtype=g.dtype)
    if initial is not None:
        n = n + (y == initial)
    return np.where(winners, g / np.where(n == 0, 1, n), 0)


EXTREMES = "a, axis=None, *, keepdims=False, initial=None, where=True"
for _function in dict.fromkeys((np.max, np.min, np.amax, np.amin, np.nanmax, np.nanmin)):
    row(_function, extremum_vjp, signature=EXTREMES, note="ties share equally")


@composition(np.ptp)
def ptp(a, axis=None, *, keepdims=False):
    y = np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)
    return tip(y) if np.size(a) > np.size(y) else y  # the range of one number is 0 wherever it is


# --------------------------------------------------------------------------------------- passing over NaN
def passing_over_nan(function, instead):
    """Return the definition of a reduction that takes NaN for the number ``instead``."""

    def definition(a, axis=None, *, keepdims=False, initial=instead, where=True):
        a = as_array(a)
        a = np.where(np.isnan(a), a.dtype.type(instead), a)
        return function(a, axis, keepdims=keepdims, initial=initial, where=where)

    return definition


def spread_without_nan(function):
    """Return the definition of a variance that leaves NaN out of the count, and is NaN if too few are left."""

    def definition(a, axis=None, *, ddof=0, keepdims=False, where=True, mean=None, correction=None):
        numbers = ~np.isnan(a) & where
        axes = dict(axis=axis, keepdims=keepdims, where=numbers)
        given = {key: x for key, x in {"mean": mean, "correction": correction}.items() if x is not None}
        y = function(a, ddof=ddof, **given, **axes)
        return np.where(np.sum(np.ones(np.shape(a)), **axes) > ddof + (correction or 0), y, np.nan)

    return definition


@composition(np.nanmean, rounded=True)
def nanmean(a, axis=None, *, keepdims=False, where=True):
    return np.mean(a, axis, keepdims=keepdims, where=~np.isnan(a) & where)


composition(np.nansum)(passing_over_nan(np.sum, 0))
composition(np.nanprod)(passing_over_nan(np.prod, 1))
composition(np.nancumsum)(lambda a, axis=None: np.cumsum(np.where(np.isnan(a), 0, a), axis))
composition(np.nancumprod)(lambda a, axis=None: np.cumprod(np.where(np.isnan(a), 1, a), axis))
composition(np.nanvar, rounded=True)(spread_without_nan(np.var))
composition(np.nanstd, rounded=True)(spread_without_nan(np.std))


# --------------------------------------------------------------------------------- scans with a first entry
def with_first(function, first):
    """Return the definition of ``cumulative_sum`` and the like: axis optional for vectors only."""

    def cumulative(x, /, *, axis=None, include_initial=False):
        if axis is None and np.ndim(x) > 1:
            raise ValueError("axis= must be given for an array of more than one axis")
        axis = axis[0] if np.ndim(axis) else axis
        y = function(np.atleast_1d(x), 0 if axis is None else axis)
        if not include_initial:
            return y
        start = np.full(kept_shape(np.shape(y), axis or 0), first, y.dtype)
        return np.concatenate([start, y], axis or 0)

    return cumulative


if hasattr(np, "cumulative_sum"):  # NumPy 2.1
    composition(np.cumulative_sum)(with_first(np.cumsum, 0))
    composition(np.cumulative_prod)(with_first(np.cumprod, 1))


# ------------------------------------------------------------------------------ differences and integrals
def along(axis, part, ndim):
    """Return the index that takes ``part`` of one axis: ``x[..., part, ...]``."""
    index = [slice(None)] * ndim
    index[axis] = part
    return tuple(index)


def laid_along(vector, axis, ndim):
    """Return a vector as an array of ``ndim`` axes that extends along one of them."""
    shape = [1] * ndim
    shape[axis] = -1
    return np.reshape(vector, shape)


def neighbours(x, axis):
    """Return all but the last and all but the first along an axis."""
    x = as_array(x)
    return x[along(axis, slice(None, -1), x.ndim)], x[along(axis, slice(1, None), x.ndim)]


@composition(np.diff)
def diff(a, n=1, axis=-1, prepend=None, append=None):
    if n == 0:
        return a
    if n < 0 or not np.ndim(a):
        raise ValueError(f"np.diff takes an array of at least one axis, n >= 0 times; got {np.ndim(a)} axes, {n=}")
    shape = kept_shape(np.shape(a), axis)
    ends = [x if x is None or np.ndim(x) else np.broadcast_to(x, shape) for x in (prepend, append)]
    if prepend is not None or append is not None:
        a = np.concatenate([x for x in (ends[0], a, ends[1]) if x is not None], axis)
    for _ in range(n):
        before, after = neighbours(a, axis)
        a = after - before
    return a


@composition(np.ediff1d)
def ediff1d(ary, to_end=None, to_begin=None):
    ary = as_array(ary)
    parts = (to_begin, np.diff(np.ravel(ary)), to_end)
    parts = [np.ravel(as_array(part)) for part in parts if part is not None]
    if not all(np.can_cast(part.dtype, ary.dtype, "same_kind") for part in parts):
        raise TypeError(f"np.ediff1d: to_begin and to_end cannot be cast to {ary.dtype}")
    return np.concatenate([astype(part, ary.dtype) for part in parts])


def trapezoid(y, x=None, dx=1.0, axis=-1):
    y, x = as_array(y), x if x is None else as_array(x)
    before, after = neighbours(y, axis)
    if x is None:
        return np.sum(dx * (before + after) / 2, axis)
    width = laid_along(np.diff(x), axis, np.ndim(y)) if np.ndim(x) == 1 else np.diff(x, axis=axis)
    return np.sum(width * (before + after) / 2, axis)


composition(*(getattr(np, name) for name in ("trapezoid", "trapz") if hasattr(np, name)))(trapezoid)


@composition(np.gradient, rounded=True)
def gradient(f, *varargs, axis=None, edge_order=1):
    """Central differences inside, one-sided ones of first or second order at the edges."""
    f = as_array(f)
    f = floating(f)
    np.gradient(np.zeros(f.shape), *map(counted, varargs), axis=axis, edge_order=edge_order)  # NumPy's own errors
    axes = axes_of(axis, f.ndim)
    spacings = varargs or (1.0,)
    if len(spacings) == 1 and np.ndim(spacings[0]) == 0:
        spacings = spacings * len(axes)
    slopes = [astype(slope(f, h, i, edge_order), f.dtype) for i, h in zip(axes, spacings)]
    if len(slopes) == 1:
        return slopes[0]
    return tuple(slopes) if np.__version__ >= "2" else slopes


def counted(x):
    """Return 1, 2, 3, ... in the shape of ``x``."""
    return np.arange(1.0, 1 + np.size(x)).reshape(np.shape(x))


def slope(f, h, axis, edge_order):
    """Return the differences of ``f`` along one axis; h is the step or the places along the axis.

    Between unequal steps a and b the slopes da, db of the two sides are weighted: (b da + a db) / (a + b).
    """
    steps = laid_along(np.diff(h) if np.ndim(h) else h * np.ones(f.shape[axis] - 1, f.dtype), axis, f.ndim)
    slopes = np.diff(f, axis=axis) / steps
    a, b = neighbours(steps, axis)
    left, right = neighbours(slopes, axis)
    inside = (b * left + a * right) / (a + b)
    first, last = along(axis, slice(0, 1), f.ndim), along(axis, slice(-1, None), f.ndim)
    if edge_order == 1:
        return np.concatenate([slopes[first], inside, slopes[last]], axis)
    # A parabola through three points: its slope moves evenly from one side to the other.
    start = slopes[first] - a[first] / (a[first] + b[first]) * (right[first] - left[first])
    end = slopes[last] + b[last] / (a[last] + b[last]) * (right[last] - left[last])
    return np.concatenate([start, inside, end], axis)


@composition(np.interp, rounded=True)
def interp(x, xp, fp, left=None, right=None, period=None):
    x, xp, fp = as_array(x), as_array(xp), as_array(fp)
    types = float, float, np.result_type(fp.dtype, float)
    casting = "safe" if period is None else "same_kind"
    x, xp, fp = (in_dtype(a, dtype, casting, "np.interp") for a, dtype in zip((x, xp, fp), types))
    np.interp(0.0, counted(xp), counted(fp), period=None if period is None else 1.0)  # NumPy's own errors
    if period is not None:
        refuse_if(period == 0, ValueError, "np.interp: period must be a non-zero value")
        left = right = None
        x, xp, fp = around(x, xp, fp, abs(period))
    i = np.clip(np.searchsorted(xp, x, "right") - 1, 0, max(len(xp) - 2, 0))
    j = np.minimum(i + 1, len(xp) - 1)
    t = (x - getitem(xp, i)) / safe(getitem(xp, j) - getitem(xp, i))
    y = (1 - t) * getitem(fp, i) + t * getitem(fp, j)
    y = np.where(x < xp[0], fp[0] if left is None else left, y)
    return np.where(x > xp[-1], fp[-1] if right is None else right, y)


def around(x, xp, fp, period):
    """Return the places x, xp within one period, the nodes in order and one more on either side."""
    x, xp = x % period, xp % period
    order = np.argsort(xp)
    xp, fp = xp[order], fp[order]
    return x, np.concatenate([xp[-1:] - period, xp, xp[:1] + period]), np.concatenate([fp[-1:], fp, fp[:1]])


# -------------------------------------------------------------------------------- constants and refusals
constant(np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.count_nonzero, np.all, np.any)

COUNTS = (
    "it counts, and a count does not move with the data a little; write a smooth count, e.g. "
    "np.sum(np.exp(-((x[:, None] - centres) / width)**2), axis=0)"
)
for _function in (np.histogram, np.histogram2d, np.histogramdd):
    refuse(_function, COUNTS)
