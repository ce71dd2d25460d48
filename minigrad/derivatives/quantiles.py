"""Derivatives of medians and quantiles, by the numbers and by q.

A quantile lies between two order statistics s[0] <= s[1] <= ... of a sequence: at the place 2.25 it is
0.75 s[2] + 0.25 s[3].  Where the place is, each of NumPy's methods answers in its own way.
"""

import numpy as np

from ..core.storage import Storage
from ..core.table import atomic, row
from .calls import as_array, astype
from .reductions import reduced_last, restored

# Method of np.quantile -> alpha, beta: q lies at n q + alpha + q (1 - alpha - beta) - 1 among 0, 1, ..., n - 1.
# All other methods move in steps.
CONTINUOUS = {
    "linear": (1, 1),
    "interpolated_inverted_cdf": (0, 1),
    "hazen": (1 / 2, 1 / 2),
    "weibull": (0, 0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}


@atomic
def neighbours_of(q, n, method):
    """Return the order statistics low, high between which the quantiles lie, and how far they are towards high.

    ``n`` holds the lengths of the sequences; the results have the shape of q followed by that of n.
    """
    q_at_n = (..., *[None] * np.ndim(n))
    position = np.zeros(np.shape(q) + np.shape(n))
    for length in np.unique(n[n > 0]):  # every method places q somewhere: ask for the quantile of just these
        places = np.quantile(np.arange(length, dtype=float), q, method=method)[q_at_n]
        position = np.where(n == length, places, position)
    low = np.clip(np.floor(position), 0, np.maximum(n - 2, 0))
    return low, np.minimum(low + 1, np.maximum(n - 1, 0)), position - low


def lengths_of(values):
    return np.full(np.shape(values)[:-1], np.shape(values)[-1])


def lengths_without_nan(values):
    found = np.sum(~np.isnan(values), axis=-1)
    return found.data if isinstance(found, Storage) else found


def quantile_vjp_a(g, a, q, axis, method, keepdims, lengths=lengths_of):
    if not np.size(a):  # of no numbers NumPy's result has another shape
        return np.zeros(np.shape(a), g.dtype)
    values = reduced_last(a, axis)
    low, high, share = (x[..., None] for x in neighbours_of(q, lengths(values), method))
    j = np.arange(np.shape(values)[-1])
    weight = (j == low) * (1 - share) + (j == high) * share
    g = np.reshape(g, (*np.shape(q), *np.shape(values)[:-1], 1))
    sorted_g = np.sum(g * weight.astype(g.dtype), axis=tuple(range(np.ndim(q))))
    rank = np.argsort(np.argsort(values, -1, kind="stable"), -1)
    return restored(np.take_along_axis(sorted_g, rank, -1), np.shape(a), axis)


def quantile_vjp_q(g, a, q, axis, method, keepdims, lengths=lengths_of):
    """The slope of the polygon through the order statistics; at one of them, that to the right."""
    if not np.size(a):
        return np.zeros(np.shape(q), g.dtype)
    values = np.sort(reduced_last(a, axis), -1)
    n = lengths(values)
    low, high, _ = (x[..., None] for x in neighbours_of(q, n, method))
    j = np.arange(np.shape(values)[-1])
    rise = np.sum(np.where(j == high, values, 0.0) - np.where(j == low, values, 0.0), axis=-1)
    g = np.reshape(g, np.shape(rise))
    g = g * rise * astype(as_array(speed(q, n, method)), g.dtype)
    return np.sum(g, axis=tuple(range(np.ndim(q), np.ndim(rise))))


def speed(q, n, method):
    """Return the derivative by q of the place of q among 0, 1, ..., n - 1."""
    if method not in CONTINUOUS:
        return 0.0
    alpha, beta = CONTINUOUS[method]
    slope = n + 1 - alpha - beta
    place = np.multiply.outer(q.data if isinstance(q, Storage) else q, slope) + alpha - 1
    return np.where((place >= -1e-12) & (place <= n - 1 + 1e-12), slope, 0)


def of_percents(vjp, scale=1):
    """Return a vjp of ``np.quantile`` as one of ``np.percentile``."""
    return lambda g, a, q, axis, method, keepdims: vjp(
        g / scale, a, np.true_divide(q, 100), axis, method, keepdims
    )


def leaving_out(vjp):
    """Return a vjp of ``np.quantile`` as one of ``np.nanquantile``, where each slice has its own length."""
    return lambda g, a, q, axis, method, keepdims: vjp(g, a, q, axis, method, keepdims, lengths_without_nan)


def of_median(vjp):
    return lambda g, a, axis, keepdims: vjp(g, a, 0.5, axis, "linear", keepdims)


QUANTILE = "a, q, axis=None, *, method='linear', keepdims=False"
MEDIAN = "a, axis=None, *, keepdims=False"
STEP = "by q: at an order statistic the slope to the right"
A_VJP, Q_VJP = leaving_out(quantile_vjp_a), leaving_out(quantile_vjp_q)
row(np.quantile, quantile_vjp_a, quantile_vjp_q, signature=QUANTILE, note=STEP)
row(np.nanquantile, A_VJP, Q_VJP, signature=QUANTILE, note=STEP)
row(
    np.percentile,
    of_percents(quantile_vjp_a),
    of_percents(quantile_vjp_q, 100),
    signature=QUANTILE,
    note=STEP,
)
row(np.nanpercentile, of_percents(A_VJP), of_percents(Q_VJP, 100), signature=QUANTILE, note=STEP)
row(np.median, of_median(quantile_vjp_a), signature=MEDIAN)
row(np.nanmedian, of_median(A_VJP), signature=MEDIAN)
