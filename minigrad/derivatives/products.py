"""Rows of products: @, dot, inner, outer, tensordot, einsum and their kind, over any stack of matrices.

With H for the conjugate transpose, every product y = a b has the two rows  g b^H  and  a^H g; the
functions below say what that is for vectors, stacks and contractions over other axes.
"""

import math
import string

import numpy as np
from numpy import ndarray

from ..core.table import composition, row
from .calls import as_array
from .indexing import of_numpy, sum_to

np_dot, np_matmul, np_swapaxes = np.dot, np.matmul, np.swapaxes


def hermitian(x):
    """Return the conjugate transpose of each matrix in the stack ``x``."""
    return np_swapaxes(x.conjugate(), -1, -2)


def ndim(x):
    """Return the number of axes of an array, a Tensor or a plain number."""
    return getattr(x, "ndim", 0)


# --------------------------------------------------------------------------------------------- @ and dot
def flat_product(a, b):
    """Return a @ b for vectors and matrices; on ndarrays the method takes half the time of the operator."""
    return a.dot(b) if type(b) is ndarray else np.dot(a, b)


def matmul_a(g, a, b):
    b = b.conjugate()
    if b.ndim == 2:
        return flat_product(g, b.T)
    if b.ndim == 1:
        return g[..., None] * b if a.ndim > 1 else g * b
    if a.ndim == 1:
        return np_matmul(b, g[..., None])[..., 0]
    return np_matmul(g, np_swapaxes(b, -1, -2))


def matmul_b(g, a, b):
    a = a.conjugate()
    if b.ndim <= 2:
        if a.ndim == 2:
            return flat_product(a.T, g)
        if a.ndim == 1:
            return g * a if b.ndim == 1 else a[:, None] * g
        n = math.prod(a.shape[:-1])  # a stack times one matrix: one tall matrix
        return flat_product(np.reshape(a, (n, a.shape[-1])).T, np.reshape(g, (n, *b.shape[1:])))
    if a.ndim == 1:
        return a[:, None] * g[..., None, :]
    return np_matmul(np_swapaxes(a, -1, -2), g)


def dot_a(g, a, b):
    if a.ndim and 0 < ndim(b) <= 2:
        return matmul_a(g, a, b)
    if not a.ndim or not ndim(b):
        return g * b.conjugate()
    return tensordot_a(g, a.shape, b, (-1, -2))


def dot_b(g, a, b):
    if 0 < ndim(a) <= 2 and 0 < b.ndim <= 2:
        return matmul_b(g, a, b)
    if not ndim(a) or not b.ndim:
        return g * a.conjugate()
    return tensordot_b(g, a, b.shape, (-1, -2 if b.ndim > 1 else -1))


row(np.matmul, matmul_a, matmul_b)
row(np.dot, dot_a, dot_b, signature="a, b")


# --------------------------------------------------------------------------------- vectors of any shape
def inner_a(g, a, b):
    return tensordot_a(g, a.shape, b, (-1, -1)) if a.ndim and ndim(b) else g * b.conjugate()


def inner_b(g, a, b):
    return tensordot_b(g, a, b.shape, (-1, -1)) if ndim(a) and b.ndim else g * a.conjugate()


def outer_a(g, a_shape, b):
    return np.reshape(np_dot(g, np.ravel(b.conjugate())), a_shape)


def outer_b(g, a, b_shape):
    return np.reshape(np_dot(np.ravel(a.conjugate()), g), b_shape)


row(
    np.vdot,
    lambda g, b, a_shape: np.reshape(g.conjugate() * b, a_shape),
    lambda g, a, b_shape: np.reshape(g * a, b_shape),
    signature="a, b",
)
row(np.inner, inner_a, inner_b, signature="a, b")
row(np.outer, outer_a, outer_b, signature="a, b")


# ------------------------------------------------------------------------------------------- contractions
def contracted(axes, a_ndim, b_ndim):
    """Return the axes of a and of b that ``np.tensordot`` sums over, counted from the front."""
    if np.ndim(axes) == 0:
        return list(range(a_ndim - axes, a_ndim)), list(range(axes))
    of_a, of_b = ([axis] if np.ndim(axis) == 0 else axis for axis in axes)
    return [axis % a_ndim for axis in of_a], [axis % b_ndim for axis in of_b]


def others(axes, ndim):
    return [axis for axis in range(ndim) if axis not in axes]


def tensordot_a(g, a_shape, b, axes):
    of_a, of_b = contracted(axes, len(a_shape), ndim(b))
    free_a, free_b = others(of_a, len(a_shape)), others(of_b, ndim(b))
    h = np.tensordot(g, b.conjugate(), (range(len(free_a), g.ndim), free_b))
    came_from = free_a + [axis for _, axis in sorted(zip(of_b, of_a))]
    return np.transpose(h, np.argsort(came_from))


def tensordot_b(g, a, b_shape, axes):
    of_a, of_b = contracted(axes, ndim(a), len(b_shape))
    free_a, free_b = others(of_a, ndim(a)), others(of_b, len(b_shape))
    h = np.tensordot(a.conjugate(), g, (free_a, range(len(free_a))))
    came_from = [axis for _, axis in sorted(zip(of_a, of_b))] + free_b
    return np.transpose(h, np.argsort(came_from))


def trace_vjp(g, offset, axis1, axis2, a_shape):
    n, m = a_shape[axis1], a_shape[axis2]
    return np.moveaxis(g[..., None, None] * np.eye(n, m, offset, g.dtype), (-2, -1), (axis1, axis2))


row(np.tensordot, tensordot_a, tensordot_b, signature="a, b, axes=2")
row(np.trace, trace_vjp, signature="a, offset=0, axis1=0, axis2=1")


@composition(np.kron)
def kron(a, b):
    a, b = as_array(a), as_array(b)
    a = np.reshape(a, (1,) * (np.ndim(b) - np.ndim(a)) + np.shape(a))
    b = np.reshape(b, (1,) * (np.ndim(a) - np.ndim(b)) + np.shape(b))
    pairs = list(zip(a.shape, b.shape))
    product = np.reshape(a, [n for i, _ in pairs for n in (i, 1)]) * np.reshape(
        b, [n for _, j in pairs for n in (1, j)]
    )
    return np.reshape(product, [i * j for i, j in pairs])


@composition(np.cross, rounded=True)  # complex products round by the layout in memory
def cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(as_array(a), axisa, -1), np.moveaxis(as_array(b), axisb, -1)
    if not {2, 3}.issuperset((a.shape[-1], b.shape[-1])):
        raise ValueError(f"np.cross: vectors have 2 or 3 components; got {a.shape[-1]} and {b.shape[-1]}")
    if a.shape[-1] == b.shape[-1] == 3:
        y = a[..., [1, 2, 0]] * b[..., [2, 0, 1]] - a[..., [2, 0, 1]] * b[..., [1, 2, 0]]
        return np.moveaxis(y, -1, axisc)
    z = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    if a.shape[-1] == b.shape[-1]:
        return z
    if a.shape[-1] == 3:
        return np.moveaxis(np.stack([-(a[..., 2] * b[..., 1]), a[..., 2] * b[..., 0], z], -1), -1, axisc)
    return np.moveaxis(np.stack([a[..., 1] * b[..., 2], -(a[..., 0] * b[..., 2]), z], -1), -1, axisc)


def cross_in_space(x1, x2, *, axis=-1):
    if np.shape(x1)[axis] != 3 or np.shape(x2)[axis] != 3:
        raise ValueError("np.linalg.cross: vectors must have 3 components; np.cross takes 2, too")
    return cross(x1, x2, axis=axis)


# ------------------------------------------------------------------------------------------------- einsum
def spelled(operands, subscripts, output):
    """Return explicit subscripts (one string per operand, and the output's) every ellipsis spelled out."""
    unused = [c for c in string.ascii_letters if c not in "".join(subscripts) + (output or "")]
    ellipsis = [
        np.ndim(a) - len(s.replace("...", "")) if "..." in s else 0 for a, s in zip(operands, subscripts)
    ]
    dots = "".join(unused[: max(ellipsis)])
    subscripts = [s.replace("...", dots[len(dots) - n :]) for s, n in zip(subscripts, ellipsis)]
    if output is None:
        letters = "".join(subscripts)
        output = "..." + "".join(c for c in sorted(set(letters)) if letters.count(c) == 1 and c not in dots)
    return subscripts, output.replace("...", dots)


def einsum_call(operands):
    """Return (positions of the arrays, their subscripts, the output's) of any call of ``np.einsum``."""
    if isinstance(operands[0], str):
        inputs, arrow, output = operands[0].replace(" ", "").partition("->")
        arrays = range(1, len(operands))
        subscripts, output = inputs.split(","), output if arrow else None
    else:
        arrays = range(0, len(operands) // 2 * 2, 2)
        subscripts = [lettered(operands[i + 1]) for i in arrays]
        output = lettered(operands[-1]) if len(operands) % 2 else None
    return arrays, *spelled([operands[i] for i in arrays], subscripts, output)


def conjugate(x):
    return x.conjugate() if hasattr(x, "conjugate") else np.conjugate(x)


def lettered(sublist):
    """Return the subscripts as letters whose order, capitals first, is that of the numbers."""
    letters = string.ascii_uppercase + string.ascii_lowercase
    return "".join("..." if i is Ellipsis else letters[i] for i in sublist)


def einsum_vjp(g, k, operands, optimize):
    """The gradient takes the place of operand k, and operand k that of the output.

    A letter that only operand k has was summed: its gradient is the same along it (a vector of ones).
    A letter that operand k has twice reads a diagonal: the gradient goes onto it (an identity matrix).
    """
    arrays, subscripts, output = einsum_call(operands)
    own = subscripts[arrays.index(k)]
    size = dict(zip(own, np.shape(operands[k])))
    terms = [(output, g)]
    terms += [(s, conjugate(operands[i])) for i, s in zip(arrays, subscripts) if i != k]
    known = "".join(s for s, _ in terms)
    terms += [(c, np.ones(size[c], g.dtype)) for c in size if c not in known]
    used = set(known + own)
    letters, target = [c for c in string.ascii_letters if c not in used], ""
    for c in own:
        if c in target:
            terms.append((c + letters[0], np.eye(size[c], dtype=g.dtype)))
            c = letters.pop(0)
        target += c
    equation, factors = ",".join(s for s, _ in terms) + "->" + target, [a for _, a in terms]
    sizes = {(c, n) for (s, a) in terms for c, n in zip(s, np.shape(a))}
    broadcast = len(sizes) > len({c for c, _ in sizes})  # which optimised contractions do not understand
    return np.einsum(equation, *factors, optimize=optimize is not False and not broadcast)


row(np.einsum, einsum_vjp, signature="*operands, optimize=False")


# ------------------------------------------------------------------------------------- stacks of vectors
def vecdot_1(g, x1_shape, x2, axis):
    return spread_along(g.conjugate(), x2, x1_shape, axis)


def vecdot_2(g, x1, x2_shape, axis):
    return spread_along(g, x1, x2_shape, axis)


def spread_along(g, x, shape, axis):
    """Return the product of g, one number for each vector, with the vectors x along an axis, in ``shape``."""
    last = list(shape)
    last.append(last.pop(axis))  # the shape with that axis last, where broadcasting is that of the other axes
    return np.moveaxis(sum_to(g[..., None] * np.moveaxis(x, axis, -1), tuple(last)), -1, axis)


def matvec_1(g, x2):
    return g[..., None] * x2.conjugate()[..., None, :]


def matvec_2(g, x1):
    return np_matmul(hermitian(x1), g[..., None])[..., 0]


def vecmat_1(g, x2):
    return np_matmul(x2, g.conjugate()[..., None])[..., 0]


def vecmat_2(g, x1):
    return x1[..., None] * g[..., None, :]


VECDOT = dict(signature="x1, x2, axis=-1")
for _function in of_numpy("vecdot"):  # NumPy 2.0
    row(_function, vecdot_1, vecdot_2, **VECDOT)
    row(np.linalg.vecdot, vecdot_1, vecdot_2, **VECDOT)
    row(np.linalg.matmul, matmul_a, matmul_b, signature="a, b")
    row(np.linalg.tensordot, tensordot_a, tensordot_b, signature="a, b, axes=2")
    row(np.linalg.outer, outer_a, outer_b, signature="a, b")
    composition(np.linalg.trace)(lambda x, *, offset=0: np.trace(x, offset, -2, -1))
    composition(np.linalg.diagonal)(lambda x, *, offset=0: np.diagonal(x, offset, -2, -1))
    composition(np.linalg.cross)(cross_in_space)
for _function in of_numpy("matvec"):  # NumPy 2.2
    row(_function, matvec_1, matvec_2, signature="x1, x2")
    row(np.vecmat, vecmat_1, vecmat_2, signature="x1, x2")
