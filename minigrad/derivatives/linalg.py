"""Rows of np.linalg: solving, inverting, and products of several; everything over stacks of matrices.

H stands for the conjugate transpose.  Where a function has no derivative at its argument, because the
matrix is singular or eigenvalues coincide, the row raises ``numpy.linalg.LinAlgError`` and says so.
"""

import functools
import math
import operator

import numpy as np

from ..core.table import composition, possibly, row
from .decompositions import svdvals_vjp, symmetrised
from .products import dot_a, dot_b, hermitian

LinAlgError = np.linalg.LinAlgError
NUMPY_2 = hasattr(np, "vecdot")


# --------------------------------------------------------------------------------- solving and inverses
def inverse(a, who):
    try:
        return np.linalg.inv(a)
    except LinAlgError:
        raise LinAlgError(f"{who}: the matrix is singular; the derivative does not exist there") from None


def is_vector(a_shape, b_shape):
    """Say whether ``np.linalg.solve`` takes b for one vector (or a stack), as its version has it."""
    return len(b_shape) == (1 if NUMPY_2 else len(a_shape) - 1)


def solve_b(g, a, b_shape):
    if is_vector(a.shape, b_shape):
        return np.linalg.solve(hermitian(a), g[..., None])[..., 0]
    return np.linalg.solve(hermitian(a), g)


def solve_a(g, y, a, b_shape):
    h = solve_b(g, a, b_shape)
    if is_vector(a.shape, b_shape):
        return -h[..., :, None] * y.conjugate()[..., None, :]
    return -np.matmul(h, hermitian(y))


def inv_vjp(g, y):
    yh = hermitian(y)
    return -np.matmul(np.matmul(yh, g), yh)


def det_vjp(g, y, a):
    """The matrix of cofactors: det(a) inv(a)^H, and by the minors, all n^2 of them, if a is singular."""
    try:
        inverse = hermitian(np.linalg.inv(a))
    except LinAlgError:
        return g[..., None, None] * cofactors(a).conjugate()
    limits = np.finfo(y.dtype)
    beyond = (np.abs(y) < limits.tiny) | (np.abs(y) > limits.max)
    if possibly(np.any(beyond)):  # the cofactors have one factor less, and may be within
        size = np.linalg.slogdet(a)[1] / (a.shape[-1] * math.log(2))
        scale = np.where(beyond, np.exp2(np.round(size)), 1)[..., None, None]  # divided by it, y would be near 1
        y, inverse = np.linalg.det(a / scale), inverse * scale * scale ** (a.shape[-1] - 1)
    return (g * y.conjugate())[..., None, None] * inverse


def cofactors(a):
    n = a.shape[-1]
    kept = np.array([[j for j in range(n) if j != i] for i in range(n)], dtype=int).reshape(n, n - 1)
    minors = a[..., kept[:, None, :, None], kept[None, :, None, :]]
    signs = (-1.0) ** np.add.outer(np.arange(n), np.arange(n))
    return signs * np.linalg.det(minors)


def slogdet_vjp(g, y, a):
    along, size = y[0], g[1]
    if g[0] is not None and along.dtype.kind == "c":  # the sign is exp(i angle), and turns
        turn = 1j * np.imag(g[0] * along.conjugate())
        size = turn if size is None else size + turn
    if size is None:
        return None
    return size[..., None, None] * hermitian(inverse(a, "np.linalg.slogdet"))


def pinv_vjp(g, y, a, hermitian_only):
    yh = hermitian(y)
    gh = hermitian(g)
    ay, ya = np.matmul(a, y), np.matmul(y, a)
    h = chain(gh - np.matmul(ay, gh), y, yh) - chain(yh, g, yh)
    h = h + np.matmul(yh, np.matmul(y, gh - np.matmul(gh, ya)))  # from the right: y is large where a is small
    return symmetrised(h) if hermitian_only else h


def chain(*matrices):
    return functools.reduce(np.matmul, matrices)


row(np.linalg.solve, solve_a, solve_b, signature="a, b")
row(np.linalg.inv, inv_vjp, signature="a")
row(np.linalg.det, det_vjp, signature="a", note="exact for singular matrices, but slow for large ones")
row(np.linalg.slogdet, slogdet_vjp, signature="a", note="of a singular matrix: LinAlgError")
row(
    np.linalg.pinv,
    lambda g, y, a, hermitian: pinv_vjp(g, y, a, hermitian),
    signature="a, rcond=None, hermitian=False, *, rtol=None",
    note="for changes of the matrix that keep its rank",
)


def lstsq_parts(a, b, rcond):
    """Return (a^+, the solution, the residual b - a x) with the cut-off that ``np.linalg.lstsq`` uses."""
    computed_in = np.result_type(*[float if x.dtype.kind in "iub" else x.dtype for x in (a, b)])
    cut = np.finfo(computed_in).eps * max(a.shape) if rcond is None else rcond
    p = np.linalg.pinv(a, max(cut, 0.0))
    x = np.matmul(p, b)
    return p, x, b - np.matmul(a, x)


def columns(x):
    return x[:, None] if x.ndim == 1 else x


def lstsq_b(g, a, b, rcond):
    p, x, residual = lstsq_parts(a, b, rcond)
    h = None if g[0] is None else np.matmul(hermitian(p), g[0])
    if g[1] is not None and np.size(g[1]):
        r = 2 * g[1] * residual
        h = r if h is None else h + r
    return h


def lstsq_a(g, a, b, rcond):
    p, x, residual = lstsq_parts(a, b, rcond)
    h = np.zeros(a.shape)
    if g[0] is not None:
        h = h + pinv_vjp(np.matmul(columns(g[0]), hermitian(columns(b))), p, a, False)
    if g[1] is not None and np.size(g[1]):
        h = h - 2 * np.matmul(columns(g[1] * residual), hermitian(columns(x)))
    if g[3] is not None:
        h = h + svdvals_vjp(g[3], a)
    return h


row(
    np.linalg.lstsq,
    lstsq_a,
    lstsq_b,
    signature=f"a, b, rcond={None if NUMPY_2 else -1}",
    note="for changes of the matrix that keep its rank",
)


# ------------------------------------------------------------------------------------ products of several
def multi_dot_vjp(g, k, arrays):
    """A product of matrices with g in the place of number k, in the cheapest order."""
    arrays = [a if hasattr(a, "ndim") else np.asarray(a) for a in arrays]
    if len(arrays) == 2:
        return dot_b(g, *arrays) if k else dot_a(g, *arrays)
    first, *middle, last = arrays
    matrices = [np.reshape(first, (1, -1)) if first.ndim == 1 else first, *middle]
    matrices.append(columns(last))
    g = np.reshape(g, (matrices[0].shape[0], matrices[-1].shape[1]))
    factors = [*map(hermitian, matrices[:k][::-1]), g, *map(hermitian, matrices[k + 1 :][::-1])]
    left, right = factors[:k], factors[k + 1 :]
    return np.reshape(np.linalg.multi_dot([*left, g, *right]), arrays[k].shape)


row(np.linalg.multi_dot, multi_dot_vjp, signature="arrays")


@composition(np.linalg.matrix_power)
def matrix_power(a, n):
    n = operator.index(n)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise LinAlgError(f"np.linalg.matrix_power: square matrices have powers; got shape {a.shape}")
    if n < 0:
        a, n = np.linalg.inv(a), -n
    if n == 3:  # as NumPy does, for the sake of the last digit
        return np.matmul(np.matmul(a, a), a)
    y = np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape) if n == 0 else None
    while n:
        if n % 2:
            y = a if y is None else np.matmul(y, a)
        n //= 2
        a = np.matmul(a, a) if n else a
    return y


@composition(np.linalg.tensorinv)
def tensorinv(a, ind=2):
    if ind <= 0:
        raise ValueError(f"np.linalg.tensorinv: ind={ind} must be positive")
    shape = a.shape[ind:] + a.shape[:ind]
    return np.reshape(np.linalg.inv(np.reshape(a, (np.prod(a.shape[:ind], dtype=int), -1))), shape)


@composition(np.linalg.tensorsolve)
def tensorsolve(a, b, axes=None):
    if axes is not None:
        a = np.transpose(a, [axis for axis in range(np.ndim(a)) if axis not in axes] + list(axes))
    shape = np.shape(a)[np.ndim(b) - np.ndim(a) :]
    n = np.prod(shape, dtype=int)
    return np.reshape(np.linalg.solve(np.reshape(a, (n, n)), np.ravel(b)), shape)
