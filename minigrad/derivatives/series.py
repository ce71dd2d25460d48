"""Covariance, convolution, polynomials, ranges, and functions applied piece by piece.

All of these are made of other functions of NumPy; their definitions are written out so that the tape
can follow them.
"""

import math
from functools import reduce

import numpy as np

from ..core.table import composition, constant, primitive, refuse_if, row, transparent
from .calls import as_array, astype, floating

# ------------------------------------------------------------------------------------------- covariance


@composition(np.cov, rounded=True)
def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, *, dtype=None):
    rows = np.atleast_2d(as_array(m))
    if not len(rows):
        return np.zeros((0, 0))
    rows = rows if rowvar or np.ndim(m) < 2 else rows.T
    if y is not None:
        more = np.atleast_2d(as_array(y))
        rows = np.concatenate([rows, more if rowvar or np.ndim(y) < 2 else more.T])
    np.cov(np.ones(rows.shape), fweights=fweights)  # NumPy's own errors
    rows = astype(rows, np.result_type(rows.dtype, float) if dtype is None else dtype)
    ddof = (0 if bias else 1) if ddof is None else ddof
    weights = np.ones(rows.shape[1], rows.real.dtype) if fweights is None else as_array(fweights)
    n = np.sum(weights) - ddof  # a negative number of degrees of freedom counts as none
    if aweights is not None:
        aweights = as_array(aweights)
        why = f"np.cov: aweights are numbers >= 0, one for each of the {len(weights)} observations"
        refuse_if(aweights.shape != weights.shape or np.any(aweights < 0), ValueError, why)
        weights = weights * aweights
        total = np.sum(weights)
        n = total - ddof * np.sum(weights * aweights) / total
    away = rows - (rows @ weights / np.sum(weights))[:, None]
    return np.squeeze((away * weights) @ away.T.conjugate() / np.where(n > 0, n, 0))


@composition(np.corrcoef, rounded=True)
def corrcoef(x, y=None, rowvar=True, *, dtype=None):
    c = np.cov(x, y, rowvar, dtype=dtype)
    if np.ndim(c) == 0:
        return c / c
    deviation = np.sqrt(np.real(np.diagonal(c)))
    return c / deviation[:, None] / deviation[None, :]


# ------------------------------------------------------------------------------------------ convolution
@transparent
@primitive
def convolve_full(a, v):
    """Return np.convolve(a, v): all overlaps of the two, of length len(a) + len(v) - 1.

    >>> convolve_full(np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([ 1., 12., 20.])
    """
    return np.convolve(a, v)


def correlate_with(g, other):
    """The vjp of a convolution: the gradient meets the other factor at every shift."""
    n = g.shape[0] - other.shape[0] + 1
    start = other.shape[0] - 1
    return convolve_full(g, np.flip(other).conjugate())[start : start + n]


row(convolve_full, lambda g, v: correlate_with(g, v), lambda g, a: correlate_with(g, a))


@composition(np.convolve)
def convolve(a, v, mode="full"):
    a, v = as_array(a), as_array(v)
    y = convolve_full(np.ravel(a), np.ravel(v))
    short, long = sorted((np.size(a), np.size(v)))
    if mode in ("full", 2):
        return y
    if mode in ("same", 1):
        return y[(short - 1) // 2 :][:long]
    if mode in ("valid", 0):
        return y[short - 1 : long]
    raise ValueError(f"np.convolve: mode is 'full', 'same' or 'valid'; got {mode!r}")


@composition(np.correlate)
def correlate(a, v, mode="valid"):
    a, v = as_array(a), as_array(v)
    if np.size(v) > np.size(a):  # as NumPy: the longer one stands still
        return np.flip(np.convolve(as_array(v).conjugate(), np.flip(a), mode))
    return np.convolve(a, np.flip(v).conjugate(), mode)


# ------------------------------------------------------------------------------------------ polynomials
@composition(np.polyval)
def polyval(p, x):
    x = as_array(x)
    y = np.zeros_like(x)
    for coefficient in as_array(p):
        y = y * x + coefficient
    return y


def of_one_degree(a1, a2):
    """Return two polynomials, the shorter one with zeros before it."""
    a1, a2 = np.atleast_1d(as_array(a1)), np.atleast_1d(as_array(a2))
    more = len(a2) - len(a1)
    return np.pad(a1, (more, 0)) if more > 0 else a1, np.pad(a2, (-more, 0)) if more < 0 else a2


@composition(np.polyadd)
def polyadd(a1, a2):
    a1, a2 = of_one_degree(a1, a2)
    return a1 + a2


@composition(np.polysub)
def polysub(a1, a2):
    a1, a2 = of_one_degree(a1, a2)
    return a1 - a2


@composition(np.polymul)
def polymul(a1, a2):
    return np.convolve(*[without_leading_zeros(np.atleast_1d(as_array(a))) for a in (a1, a2)])


def without_leading_zeros(p):
    p = np.trim_zeros(p, "f")
    return p if len(p) else np.zeros(1, p.dtype)


@composition(np.polydiv)
def polydiv(u, v):
    u, v = np.atleast_1d(as_array(u)) + 0.0, np.atleast_1d(as_array(v)) + 0.0
    dtype = np.result_type(u.dtype, v.dtype)
    rest, n, inverse, quotient = astype(u, dtype), v.size, 1.0 / v[0], []
    for k in range(u.size - n + 1):
        quotient.append(inverse * rest[k])
        rest = np.concatenate([rest[:k], rest[k : k + n] - quotient[-1] * v, rest[k + n :]])
    leading = 0
    while leading < u.size - 1 and np.allclose(rest[leading], 0, rtol=1e-14):
        leading += 1
    quotient = np.stack(quotient) if quotient else np.zeros(1, dtype)
    return quotient if quotient.dtype == dtype else astype(quotient, dtype), rest[leading:]  # NumPy 1 widens numbers


@composition(np.polyder)
def polyder(p, m=1):
    if m < 0:
        raise ValueError(f"np.polyder: m must be >= 0, got {m}; np.polyint integrates")
    for _ in range(m):
        p = p[:-1] * np.arange(np.size(p) - 1, 0, -1)
    return p


@composition(np.polyint)
def polyint(p, m=1, k=None):
    constants = np.zeros(m) if k is None else np.broadcast_to(k, (m,))
    for i in range(m):
        p = np.concatenate([p / np.arange(np.size(p), 0, -1), constants[i : i + 1]])
    return p


@composition(np.polyfit)
def polyfit(x, y, deg, rcond=None, *, w=None):
    columns, y = np.vander(as_array(x) + 0.0, deg + 1), as_array(y)
    if w is not None:
        columns, y = columns * as_array(w)[:, None], (y.T * w).T
    scale = np.sqrt(np.sum(columns * columns, axis=0))
    rcond = np.size(x) * np.finfo(columns.dtype).eps if rcond is None else rcond
    return (np.linalg.lstsq(columns / scale, y, rcond)[0].T / scale).T


@composition(np.poly, rounded=True)
def poly(seq_of_zeros):
    roots = np.linalg.eigvals(seq_of_zeros) if np.ndim(seq_of_zeros) == 2 else np.atleast_1d(seq_of_zeros)
    roots = roots if roots.dtype.char in "GDFgdf" else astype(roots, float)
    p = np.ones(1, roots.dtype)
    for root in roots:
        p = np.pad(p, (0, 1)) - root * np.pad(p, (1, 0))
    return p


EIGENVALUES_ARE_COMPLEX = np.lib.NumpyVersion(np.__version__) >= "2.5.0"  # also those of real matrices that are real


@composition(np.roots)
def roots(p):
    p = np.atleast_1d(p)
    p = floating(p)
    nonzero = np.flatnonzero(p)
    if not nonzero.size:
        return np.zeros(0)
    first, last = nonzero[[0, -1]]
    zeros = np.zeros(p.size - 1 - last)
    if first == last:
        return zeros
    leading = p[first : last + 1]
    companion = np.concatenate([-leading[None, 1:] / leading[0], np.eye(last - first, dtype=p.dtype)[:-1]])
    found = np.linalg.eigvals(companion)
    if EIGENVALUES_ARE_COMPLEX and p.dtype.kind == "f" and not np.any(np.imag(found)):
        found = np.real(found)
    return np.concatenate([found, zeros.astype(p.dtype)])


@composition(np.vander, rounded=True)
def vander(x, N=None, increasing=False):
    x = as_array(x)
    powers = np.arange(np.size(x) if N is None else N)
    return x[:, None] ** (powers if increasing else powers[::-1])


# ----------------------------------------------------------------------------------------------- ranges
@composition(np.linspace, rounded=True)
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    t = np.linspace(0, num - 1, num)  # NumPy's own errors
    kind = np.result_type(start, stop, 0.0)
    start, stop = astype(as_array(start), kind), astype(as_array(stop), kind)
    width = stop - start
    steps = num - 1 if endpoint else num
    t = np.reshape(t.astype(kind), (-1,) + (1,) * np.ndim(width))
    y = start + width / max(steps, 1) * t
    y = np.moveaxis(np.where(t == steps, stop, y) if steps else y, 0, axis)  # to the last digit
    step = width / steps if steps > 0 else np.full((), np.nan)
    if dtype is not None:
        y = astype(np.floor(y) if np.dtype(dtype).kind in "iu" else y, dtype)
    return (y, step) if retstep else y


@composition(np.logspace, rounded=True)
def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    if np.ndim(base):
        ndim = max(map(np.ndim, (start, stop, base)))
        start, stop, base = (np.reshape(x, (1,) * (ndim - np.ndim(x)) + np.shape(x)) for x in (start, stop, base))
        base = np.expand_dims(base, axis)
    y = base ** np.linspace(start, stop, num, endpoint, axis=axis)
    return y if dtype is None else astype(y, dtype)


@composition(np.geomspace, rounded=True)
def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    for end in (start, stop):
        refuse_if(np.any(end == 0), ValueError, "np.geomspace: a geometric sequence cannot include zero")
    ratio = stop / start
    t = np.linspace(0.0, 1.0, num, endpoint)
    y = np.moveaxis(start * ratio ** np.reshape(t, (-1,) + (1,) * np.ndim(ratio)), 0, axis)
    return y if dtype is None else astype(y, dtype)


# --------------------------------------------------------------------------------------- piece by piece
@composition(np.piecewise)
def piecewise(x, condlist, funclist, *args, **kw):
    """Evaluate each function on its own places only, then put the places back into order."""
    x = as_array(x)
    conditions = (
        [condlist] if isinstance(condlist, (bool, np.bool_)) or np.ndim(condlist[0]) == 0 else condlist
    )
    conditions = [places_in(x.shape, np.asarray(c, bool)) for c in conditions]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~reduce(np.logical_or, conditions))
    which = np.full(x.shape, -1)
    for i, condition in enumerate(conditions):
        which = np.where(condition, i, which)
    pieces, places = [np.zeros(np.sum(which == -1), x.dtype)], [np.flatnonzero(which == -1)]
    for i, function in enumerate(funclist):
        part = x[which == i]
        value = function(part, *args, **kw) if callable(function) else function
        pieces.append(np.broadcast_to(astype(as_array(value), x.dtype), part.shape))
        places.append(np.flatnonzero(which == i))
    return np.reshape(np.concatenate(pieces)[np.argsort(np.concatenate(places))], x.shape)


def places_in(shape, condition):
    """Return a condition on the first axes of an array, as an index of booleans is, for all of its places."""
    n = condition.ndim
    if condition.shape != shape[:n]:
        raise IndexError(f"np.piecewise: a condition of shape {condition.shape} does not fit an array of {shape}")
    return np.broadcast_to(condition.reshape(condition.shape + (1,) * (len(shape) - n)), shape)


@composition(np.apply_along_axis)
def apply_along_axis(func1d, axis, arr, *args, **kwargs):
    arr = np.moveaxis(as_array(arr), axis, -1)
    outer = arr.shape[:-1]
    results = [func1d(line, *args, **kwargs) for line in np.reshape(arr, (math.prod(outer), arr.shape[-1]))]
    y = np.stack(results)
    inner = y.shape[1:]
    place = range(axis % arr.ndim, axis % arr.ndim + len(inner))
    return np.moveaxis(np.reshape(y, outer + inner), range(len(outer), len(outer) + len(inner)), place)


@composition(np.apply_over_axes)
def apply_over_axes(func, a, axes):
    for axis in np.atleast_1d(axes):
        y = func(a, int(axis))
        a = y if np.ndim(y) == np.ndim(a) else np.expand_dims(y, int(axis))
    return a


# -------------------------------------------------------- what is read off, printed, saved or for dates
constant(
    *(np.array_equal, np.array_equiv, np.common_type, np.einsum_path, np.packbits, np.unpackbits),
    *(np.array2string, np.array_repr, np.array_str, np.save, np.savetxt, np.savez, np.savez_compressed),
    *(np.busday_count, np.busday_offset, np.is_busday, np.datetime_as_string),
)
