"""Rows of the norms of vectors and matrices, of every order and over any axes.

Every norm is made of sums of powers, largest and smallest entries, and singular values.  A norm
has gradient 0 where it is 0, and entries that tie for the largest share its gradient equally.
"""

import numpy as np

from ..core.table import composition, constant, primitive, row, transparent
from .calls import floating
from .decompositions import vanishing
from .elementwise import radius, safe, tip
from .reductions import kept_shape, reduced_last


def largest(x, axis, keepdims=False):
    """Return the largest of numbers that are not negative; 0 of none."""
    return np.max(x, axis=axis, keepdims=keepdims, initial=0)


def nuclear(s, axis):
    """Return the sum of singular values."""
    return np.sum(steady(s), axis=axis)


@transparent
@primitive
def steady(s):
    """Return singular values, of which those that are 0 but for rounding are constants, as abs is at 0."""
    return s


row(steady, lambda g, s: g * np.logical_not(vanishing(s)))
SINGULAR = {2: largest, -2: np.min, "nuc": nuclear}
WITHOUT_AXES = {(2, 1), ("fro", 2), ("f", 2)}  # order, axes of the array: the root of the product with itself
SUMS = {1: (largest, -2), -1: (np.min, -2), np.inf: (largest, -1), -np.inf: (np.min, -1)}


@transparent
@primitive
def power_norm(x, p, axis, keepdims):
    """Return  (sum |x|^p)^(1/p)  over an axis, with p = 2 also over two axes, or None for all.

    >>> float(power_norm(np.array([3.0, 4.0]), 2, None, False))
    5.0
    """
    order = None if axis is None else "fro" if isinstance(axis, tuple) else p
    return np.linalg.norm(x, order, axis, keepdims)


def power_norm_vjp(g, y, x, p, axis, keepdims):
    """The derivative is 0 at the tip, where the norm is 0, and by an entry 0 also elsewhere (if p > 1)."""
    if axis is not None and not keepdims:
        g, y = np.expand_dims(g, axis), np.expand_dims(y, axis)
    if p == 2:
        return x / radius(y) * g  # not g / y first, which may overflow where x is small
    size = np.abs(x)
    if p > 2:
        return x / radius(y) * (size / radius(y)) ** (p - 2) * g
    size = size if p > 1 else radius(size)
    return x / radius(np.abs(x)) * (size / safe(y)) ** (p - 1) * (g * (y / radius(y)))


row(power_norm, power_norm_vjp, signature="x, p, axis, keepdims")


def vector_norm(x, ord, axis, keepdims):
    if isinstance(ord, str):
        raise ValueError(f"np.linalg.norm: a vector has no norm of order {ord!r}; that is one of matrices")
    if ord is None or ord == 2:
        return power_norm(x, 2, axis, keepdims)
    if ord == np.inf:
        return tip(largest(np.abs(x), axis, keepdims))
    if ord == -np.inf:
        return tip(np.min(np.abs(x), axis=axis, keepdims=keepdims))
    if ord == 0:
        return np.sum(x != 0, axis=axis, keepdims=keepdims, dtype=x.real.dtype.newbyteorder("="))
    if ord == 1:
        return tip(np.sum(np.abs(x), axis=axis, keepdims=keepdims))
    return power_norm(x, ord, axis, keepdims)


def matrix_norm(x, ord, axis, keepdims):
    if ord in (None, "fro", "f"):
        return power_norm(x, 2, axis, keepdims)
    x = np.moveaxis(x, axis, (-2, -1))
    if ord in SINGULAR:
        y = tip(SINGULAR[ord](np.linalg.svd(x, compute_uv=False), axis=-1))
    elif ord in SUMS:
        of_sums, axis_summed = SUMS[ord]
        y = tip(of_sums(np.sum(np.abs(x), axis=axis_summed), axis=-1))
    else:
        raise ValueError("Invalid norm order for matrices.")
    return np.expand_dims(y, tuple(sorted(i % x.ndim for i in axis))) if keepdims else y


@composition(np.linalg.norm)
def norm(x, ord=None, axis=None, keepdims=False):
    x, ndim = floating(x), np.ndim(x)
    if axis is None and (ord is None or (ord, ndim) in WITHOUT_AXES):
        return power_norm(x, 2, None, keepdims)
    axes = tuple(range(ndim)) if axis is None else (axis,) if np.ndim(axis) == 0 else tuple(axis)
    if len(axes) == 1:
        return vector_norm(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        return matrix_norm(x, ord, axes, keepdims)
    raise ValueError("Improper number of dimensions to norm.")


def norm_of_vectors(x, *, axis=None, keepdims=False, ord=2):
    """The norm of all entries along some axes: they are joined to one first."""
    x, shape = floating(x), np.shape(x)
    axes = tuple(range(x.ndim)) if axis is None else axis
    if isinstance(axes, tuple):
        y = vector_norm(reduced_last(x, axes), ord, -1, False)
        return np.reshape(y, kept_shape(shape, axes)) if keepdims else y
    return vector_norm(x, ord, axes, keepdims)


if hasattr(np.linalg, "vector_norm"):  # NumPy 2.0
    composition(np.linalg.vector_norm, rounded=True)(norm_of_vectors)
    composition(np.linalg.matrix_norm)(
        lambda x, *, keepdims=False, ord="fro": matrix_norm(floating(x), ord, (-2, -1), keepdims)
    )


@composition(np.linalg.cond, rounded=True)
def cond(x, p=None):
    if 0 in np.shape(x)[-2:]:
        raise np.linalg.LinAlgError("np.linalg.cond: not defined for empty matrices")
    if p in (None, 2, -2):
        s = np.linalg.svd(x, compute_uv=False)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return norm(x, p, (-2, -1)) * norm(np.linalg.inv(x), p, (-2, -1))


constant(np.linalg.matrix_rank)
