"""Rows of the matrix decompositions of np.linalg, over stacks of matrices.

H stands for the conjugate transpose.  The derivative of eigenvectors divides by the differences of
eigenvalues: where two coincide they have no derivative, and the row raises
``numpy.linalg.LinAlgError``, unless the loss uses neither of the two vectors.  Eigenvalues alone have none
of these troubles.  The sign (the phase, of complex vectors) of eigenvectors and singular vectors is
arbitrary: a loss must not depend on it.

Functions that read one triangle of a Hermitian matrix (``cholesky``, ``eigh``, ``eigvalsh``, ``svd`` with
``hermitian=True``) have a Hermitian gradient: mirrored entries share it.

Reference: Giles, "An extended collection of matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008); Walter and Lehmann, arXiv:1009.6112 (qr); Boeddeker et al.,
arXiv:1701.00392 (complex eig); Wan and Zhang, arXiv:1909.02659 (complex svd).
"""

import numpy as np

from ..core.errors import NoDerivativeError
from ..core.table import refuse_if, row
from .elementwise import safe
from .products import hermitian

LinAlgError = np.linalg.LinAlgError


def symmetrised(x):
    return (x + hermitian(x)) / 2


def identity(x):
    """Return the identity matrix of the size and the precision of ``x``."""
    return np.eye(x.shape[-1], dtype=x.real.dtype)


def times_diagonal(x, d):
    """Return x diag(d) for a stack of diagonals."""
    return x * d[..., None, :]


def over_differences(x, w, gv, who, instead):
    """Return x[i, j] / (w[j] - w[i]) off the diagonal, 0 on it.

    Refuse to divide by (nearly) nothing, unless ``gv`` shows that the loss uses neither vector.
    """
    n = w.shape[-1]
    gap = w[..., None, :] - w[..., :, None]
    largest = np.max(np.abs(w), axis=-1, initial=0)[..., None, None]
    close = np.abs(gap) <= n * np.finfo(w.dtype).eps * largest
    used = np.any(gv != 0, axis=-2)[..., None, :]
    refuse_if(
        np.any(close & used & ~np.eye(n, dtype=bool)),
        LinAlgError,
        f"{who}: two {instead} coincide, and the vectors that belong to them have no derivative there. "
        f"Use the {instead} alone if they are enough, or move them apart: add a little of a diagonal "
        "with distinct entries to the matrix",
    )
    return np.where(close, 0, x) / np.where(close, 1, gap)


def of_first_columns(g, v, n, who, instead):
    """Return the gradient of the first n columns v1 of a unitary matrix; the others, v2, follow them.

    Where v1 moves by dv1, v2 = -v1 dv1^H v2 up to rotations of v2 in itself, which are arbitrary.  A loss
    that these do not change has, through v2, the gradient  -v2 g2^H v1  with respect to v1.
    """
    if g is None or v.shape[-1] == n:
        return g
    v1, v2, g2 = v[..., :n], v[..., n:], g[..., n:]
    rotated = np.matmul(hermitian(v2), g2)
    rotated = np.max(np.abs(rotated - hermitian(rotated)), initial=0)
    refuse_if(
        rotated > np.sqrt(np.finfo(v.dtype).eps) * np.max(np.abs(g2), initial=0),
        LinAlgError,
        f"{who} are an arbitrary basis, and the loss depends on which one; use {instead}, or of these "
        "columns v only v @ v.T (v.conj().T, of complex numbers)",
    )
    return g[..., :n] - np.matmul(v2, np.matmul(hermitian(g2), v1))


# ------------------------------------------------------------------------------------------ triangular
def cholesky_vjp(g, y, upper):
    lower, g = (hermitian(y), hermitian(g)) if upper else (y, g)
    n = lower.shape[-1]
    lower_h = hermitian(lower)
    middle = np.matmul(lower_h, g) * (np.tri(n, dtype=g.dtype) - np.eye(n, dtype=g.dtype) / 2)
    left = np.linalg.solve(lower_h, middle)
    return symmetrised(hermitian(np.linalg.solve(lower_h, hermitian(left))))


def qr_vjp(g, y, a, mode):
    n, m = a.shape[-1], a.shape[-2]
    if mode == "r":
        q, r = np.linalg.qr(a)
        gq, gr = None, g
    elif mode == "reduced" or mode == "complete":
        (q, r), (gq, gr) = y, g
    else:
        raise NoDerivativeError(
            f"np.linalg.qr: mode={mode!r} has no derivative here; mode='reduced', 'complete' and 'r' have. "
            "('raw' gives the reflections that LAPACK makes q of, for other routines of LAPACK.)"
        )
    if n <= m:
        gq = of_first_columns(gq, q, n, "np.linalg.qr: the columns that mode='complete' adds to q", "mode='reduced'")
        return qr_square(gq, None if gr is None else gr[..., :n, :], q[..., :n], r[..., :n, :])
    # a = [a1 a2] with a1 square: q r1 = a1, and r2 = q^H a2
    a2 = a[..., m:]
    gr1 = None if gr is None else gr[..., :m]
    h = 0 if gq is None else gq
    if gr is not None:
        gr2 = gr[..., m:]
        h = h + np.matmul(a2, hermitian(gr2))
    h1 = qr_square(h, gr1, q, r[..., :m])
    h2 = np.zeros(a2.shape, a2.dtype) if gr is None else np.matmul(q, gr2)
    return np.concatenate([h1, h2], axis=-1)


def qr_square(gq, gr, q, r):
    """The vjp of q r = a where r is square, with None for a gradient that is zero."""
    size = np.abs(np.diagonal(r, axis1=-2, axis2=-1))
    rounding = max(q.shape[-2:]) * np.finfo(size.dtype).eps * np.max(np.abs(r), axis=(-2, -1), initial=0)
    refuse_if(
        np.any(size <= rounding[..., None]),
        LinAlgError,
        "np.linalg.qr: the columns are linearly dependent; there is no derivative there",
    )
    m = 0
    if gr is not None:
        m = np.matmul(r, hermitian(gr))
    if gq is not None:
        m = m - np.matmul(hermitian(gq), q)
    below = np.tril(m, -1)
    diagonal = np.real(m) * identity(m)
    h = np.matmul(q, below + hermitian(below) + diagonal)
    if gq is not None:
        h = h + gq
    return hermitian(np.linalg.solve(r, hermitian(h)))


# -------------------------------------------------------------------------------------------- eigenvalues
def eigh_vjp(g, y):
    (gw, gv), (w, v) = g, y
    vh = hermitian(v)
    h = 0
    if gv is not None:
        h = over_differences(np.matmul(vh, gv), w, gv, "np.linalg.eigh", "eigenvalues")
    if gw is not None:
        h = h + gw[..., None] * identity(w)
    return symmetrised(np.matmul(np.matmul(v, h), vh))


def eigvalsh_vjp(g, a, UPLO):
    v = np.linalg.eigh(a, UPLO)[1]
    return np.matmul(times_diagonal(v, g), hermitian(v))


def eig_vjp(g, y):
    (gw, gv), (w, v) = g, y
    vh = hermitian(v)
    h = 0
    if gv is not None:
        gv = without_phase(gv, v)
        m = np.matmul(vh, gv)
        length = np.sum(np.real(v.conjugate() * gv), axis=-2)  # the vectors keep their length 1
        m = m - times_diagonal(np.matmul(vh, v), length)
        h = over_differences(m, w.conjugate(), gv, "np.linalg.eig", "eigenvalues")
    if gw is not None:
        h = h + gw[..., None] * identity(w)
    return eigenvector_basis(h, v, vh, "np.linalg.eig")


def without_phase(gv, v):
    """LAPACK turns a complex eigenvector until its largest entry is real: add the gradient of that."""
    if v.dtype.kind != "c":
        return gv
    size = np.abs(v)
    largest = (size == np.max(size, axis=-2, keepdims=True, initial=0)) & (np.imag(v) == 0)
    largest = largest & (np.cumsum(largest, axis=-2) == 1)
    turn = np.imag(np.sum(gv.conjugate() * v, axis=-2, keepdims=True))
    return gv + largest * (1j * turn) / np.where(largest, v, 1).conjugate()


def eigvals_vjp(g, a):
    v = np.linalg.eig(a)[1]
    return eigenvector_basis(g[..., None] * identity(g), v, hermitian(v), "np.linalg.eigvals")


def eigenvector_basis(h, v, vh, who):
    if v.size:
        why = f"{who}: the matrix has no basis of eigenvectors; there is no derivative there"
        refuse_if(np.any(np.linalg.matrix_rank(v) < v.shape[-1]), LinAlgError, why)
    return np.linalg.solve(vh, np.matmul(h, vh))


# ---------------------------------------------------------------------------------------- singular values
def svd_vjp(g, y, a, full_matrices, compute_uv, hermitian_only):
    if not compute_uv:
        h = svdvals_vjp(g, a)
    else:
        k = min(a.shape[-2:])
        (u, s, vh), (gu, gs, gvh) = y, g
        added, instead = "np.linalg.svd: the vectors beyond the singular values", "full_matrices=False"
        gu = of_first_columns(gu, u, k, added, instead)
        gv = None if gvh is None else of_first_columns(hermitian(gvh), hermitian(vh), k, added, instead)
        h = svd_parts(gu, gs, gv, u[..., :k], s, vh[..., :k, :])
    return symmetrised(h) if hermitian_only else h


def svd_parts(gu, gs, gv, u, s, vh):
    """The vjp of the reduced decomposition a = u diag(s) vh, with None for a gradient that is zero."""
    v, share = hermitian(vh), shares(s)
    middle, outside = 0, 0
    if gs is not None:
        middle = gs[..., None] * identity(s)
    if gu is not None:
        f, beyond = turned(gu, u, s)
        middle = middle + (f + hermitian(f)) * share
        if u.dtype.kind == "c":  # u and v turn together
            turn = 1j * np.imag(np.sum(u.conjugate() * gu, axis=-2, keepdims=True))
            middle = middle + over_values(turn, s, gu) * identity(s)
        outside = outside + np.matmul(beyond, vh)
    if gv is not None:
        f, beyond = turned(gv, v, s)
        middle = middle + (f + hermitian(f)) * np.swapaxes(share, -1, -2)
        outside = outside + np.matmul(u, hermitian(beyond))
    return np.matmul(np.matmul(u, middle), vh) + outside


def shares(s):
    """Return s[j] / (s[i] + s[j]): by differences and shares nothing is squared, and any scale is right."""
    return s[..., None, :] / safe(s[..., None, :] + s[..., :, None])


def turned(gv, v, s):
    """Return the gradients of the turns of the vectors v among themselves, and out of the space they span."""
    x = np.matmul(hermitian(v), gv)
    f = over_differences(x, s, gv, "np.linalg.svd", "singular values")
    if v.shape[-1] == v.shape[-2]:  # they span it all
        return f, np.zeros_like(v)
    return f, over_values(gv - np.matmul(v, x), s, gv)


def vanishing(s):
    """Say which singular values are 0, but for rounding."""
    return s <= s.shape[-1] * np.finfo(s.dtype).eps * np.max(s, axis=-1, keepdims=True, initial=0)


def over_values(x, s, g):
    """Return the columns of ``x`` over the singular values, 0 over a value 0.

    Refuse to divide by 0 what is something beside ``g``.
    """
    zero = vanishing(s)[..., None, :]
    refuse_if(
        np.any(zero & (np.abs(x) > np.sqrt(np.finfo(s.dtype).eps) * np.max(np.abs(g), initial=0))),
        LinAlgError,
        "np.linalg.svd: singular vectors that belong to a singular value 0 have no derivative",
    )
    return np.where(zero, 0, x) / np.where(zero, 1, s[..., None, :])


def svdvals_vjp(g, a):
    u, _, vh = np.linalg.svd(a, full_matrices=False)
    return np.matmul(times_diagonal(u, g), vh)


# --------------------------------------------------------------------------------------------- the rows
row(np.linalg.cholesky, cholesky_vjp, signature="a, *, upper=False")
row(np.linalg.qr, qr_vjp, signature="a, mode='reduced'", note="linearly dependent columns: LinAlgError")
row(np.linalg.eigh, eigh_vjp, signature="a, UPLO='L'", note="vectors of equal eigenvalues: LinAlgError")
row(np.linalg.eigvalsh, eigvalsh_vjp, signature="a, UPLO='L'")
row(np.linalg.eig, eig_vjp, signature="a", note="vectors of equal eigenvalues: LinAlgError")
row(np.linalg.eigvals, eigvals_vjp, signature="a")
row(
    np.linalg.svd,
    lambda g, y, a, full_matrices, compute_uv, hermitian: svd_vjp(
        g, y, a, full_matrices, compute_uv, hermitian
    ),
    signature="a, full_matrices=True, compute_uv=True, hermitian=False",
    note="vectors of equal singular values: LinAlgError",
)
if hasattr(np.linalg, "svdvals"):  # NumPy 2.0
    row(np.linalg.svdvals, lambda g, x: svdvals_vjp(g, x), signature="x")
