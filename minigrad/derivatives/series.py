"""Covariance, convolution, polynomials, ranges, and functions applied piece by piece.

All of these are made of other functions of NumPy; their definitions are written out so that the tape
can follow them.
"""

from functools import reduce

import numpy as np

from .reductions import as_array
from .table import composition, constant, primitive, row

# ------------------------------------------------------------------------------------------- covariance


@composition(np.cov)
def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None):
    rows = np.atleast_2d(m)
    rows = rows if rowvar or np.ndim(m) < 2 else rows.T
    if y is not None:
        more = np.atleast_2d(y)
        rows = np.concatenate([rows, more if rowvar or np.ndim(y) < 2 else more.T])
    ddof = (0 if bias else 1) if ddof is None else ddof
    weights = np.ones(rows.shape[1], rows.dtype) if fweights is None else as_array(fweights)
    n = np.sum(weights) - ddof
    if aweights is not None:
        weights = weights * as_array(aweights)
        total = np.sum(weights)
        n = total - ddof * np.sum(weights * as_array(aweights)) / total
    away = rows - np.average(rows, axis=1, weights=weights)[:, None]
    return np.squeeze((away * weights) @ away.T.conjugate() / n)


@composition(np.corrcoef)
def corrcoef(x, y=None, rowvar=True):
    c = np.cov(x, y, rowvar)
    if np.ndim(c) == 0:
        return c / c
    deviation = np.sqrt(np.real(np.diagonal(c)))
    return c / deviation[:, None] / deviation[None, :]


# ------------------------------------------------------------------------------------------ convolution
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
    y = convolve_full(np.ravel(a), np.ravel(v))
    short, long = sorted((np.size(a), np.size(v)))
    start, stop = {
        "f": (0, None),
        "s": ((short - 1) // 2, (short - 1) // 2 + long),
        "v": (short - 1, long),
    }[mode[0]]
    return y[start:stop]


@composition(np.correlate)
def correlate(a, v, mode="valid"):
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


@composition(np.polyadd)
def polyadd(a1, a2):
    a1, a2 = np.atleast_1d(a1), np.atleast_1d(a2)
    n = max(a1.size, a2.size)
    return np.pad(a1, (n - a1.size, 0)) + np.pad(a2, (n - a2.size, 0))


@composition(np.polysub)
def polysub(a1, a2):
    return np.polyadd(a1, -as_array(a2))


@composition(np.polymul)
def polymul(a1, a2):
    return np.convolve(np.atleast_1d(a1), np.atleast_1d(a2))


@composition(np.polydiv)
def polydiv(u, v):
    u, v = np.atleast_1d(u), np.atleast_1d(v)
    quotient, n = [], v.size
    for _ in range(u.size - n + 1):
        q = u[:1] / v[0]
        quotient.append(q)
        u = np.concatenate([u[1:n] - q * v[1:], u[n:]])
    if not quotient:
        return np.zeros(1), u
    leading = 0
    while leading < u.size - 1 and np.allclose(u[leading], 0, rtol=1e-14):
        leading += 1
    return np.concatenate(quotient), u[leading:] if u.size else np.zeros(1)


@composition(np.polyder)
def polyder(p, m=1):
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
def polyfit(x, y, deg, rcond=None, w=None):
    columns, y = np.vander(as_array(x) + 0.0, deg + 1), as_array(y)
    if w is not None:
        columns, y = columns * as_array(w)[:, None], (y.T * w).T
    scale = np.sqrt(np.sum(columns * columns, axis=0))
    rcond = np.size(x) * np.finfo(columns.dtype).eps if rcond is None else rcond
    return (np.linalg.lstsq(columns / scale, y, rcond)[0].T / scale).T


@composition(np.poly)
def poly(seq_of_zeros):
    roots = np.linalg.eigvals(seq_of_zeros) if np.ndim(seq_of_zeros) == 2 else np.atleast_1d(seq_of_zeros)
    p = np.ones(1, roots.dtype)
    for root in roots:
        p = np.pad(p, (0, 1)) - root * np.pad(p, (1, 0))
    return p


@composition(np.roots)
def roots(p):
    p = np.atleast_1d(p)
    first, last = np.flatnonzero(p)[[0, -1]]
    leading = p[first : last + 1]
    n = leading.size - 1
    companion = np.concatenate([-leading[None, 1:] / leading[0], np.eye(n)[:-1]])
    return np.concatenate([np.linalg.eigvals(companion), np.zeros(p.size - 1 - last)])


@composition(np.vander)
def vander(x, N=None, increasing=False):
    x = as_array(x)
    powers = np.arange(np.size(x) if N is None else N)
    return x[:, None] ** (powers if increasing else powers[::-1])


# ----------------------------------------------------------------------------------------------- ranges
@composition(np.linspace)
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    width = stop - start
    steps = max(num - 1 if endpoint else num, 1)
    t = np.reshape(np.arange(num), (-1,) + (1,) * np.ndim(width))
    y = np.moveaxis(start + width / steps * t, 0, axis)
    y = y if dtype is None else y.astype(dtype)
    return (y, width / steps) if retstep else y


@composition(np.logspace)
def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    y = base ** np.linspace(start, stop, num, endpoint, axis=axis)
    return y if dtype is None else y.astype(dtype)


@composition(np.geomspace)
def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    ratio = stop / start
    t = np.reshape(np.linspace(0.0, 1.0, num, endpoint), (-1,) + (1,) * np.ndim(ratio))
    y = np.moveaxis(start * ratio**t, 0, axis)
    return y if dtype is None else y.astype(dtype)


# --------------------------------------------------------------------------------------- piece by piece
@composition(np.piecewise)
def piecewise(x, condlist, funclist, *args, **kw):
    """Evaluate each function on its own places only, then put the places back into order."""
    x = as_array(x)
    conditions = (
        [condlist] if isinstance(condlist, (bool, np.bool_)) or np.ndim(condlist[0]) == 0 else condlist
    )
    conditions = [np.broadcast_to(c, x.shape) for c in conditions]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~reduce(np.logical_or, conditions))
    which = np.full(x.shape, -1)
    for i, condition in enumerate(conditions):
        which = np.where(condition, i, which)
    pieces, places = [np.zeros(np.sum(which == -1), x.dtype)], [np.flatnonzero(which == -1)]
    for i, function in enumerate(funclist):
        part = x[which == i]
        value = function(part, *args, **kw) if callable(function) else function
        pieces.append(np.broadcast_to(value, part.shape))
        places.append(np.flatnonzero(which == i))
    return np.reshape(np.concatenate(pieces)[np.argsort(np.concatenate(places))], x.shape)


@composition(np.apply_along_axis)
def apply_along_axis(func1d, axis, arr, *args, **kwargs):
    arr = np.moveaxis(as_array(arr), axis, -1)
    outer = arr.shape[:-1]
    results = [func1d(line, *args, **kwargs) for line in np.reshape(arr, (-1, arr.shape[-1]))]
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
