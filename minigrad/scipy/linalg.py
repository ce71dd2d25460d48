"""``scipy.linalg``: functions that NumPy has not; those that it has take Tensors there."""

import numpy as np
import scipy.linalg

from ..core.table import primitive, row
from ..derivatives.products import hermitian
from ..hints import chapter
from .entering import made_of_others, scipys_own

@primitive
def solve_triangular(
    a, b, trans=0, lower=False, unit_diagonal=False, overwrite_b=False, check_finite=True
):
    """Solve a triangular system of equations.

        a x = b   (trans=0),   a^T x = b   (1 or "T"),   a^H x = b   (2 or "C")

    Parameters
    ----------
    a : array or Tensor (..., n, n), of which one triangle is read
    b : array or Tensor (n,) or (..., n, m)
    trans : 0, 1, 2, "N", "T" or "C"
    lower : bool, which triangle
    unit_diagonal : bool, take the diagonal of ``a`` for ones
    overwrite_b : bool, taken as SciPy takes it; nothing is overwritten
    check_finite : bool, refuse NaN and infinity

    Returns
    -------
    array or Tensor of the shape of ``b`` (with the axes of a stack of ``a``, in SciPy 1.16 and later)

    Raises
    ------
    numpy.linalg.LinAlgError : if ``a`` is singular
    ValueError : if a number is not finite

    Source: ``scipy.linalg.solve_triangular``.

    >>> solve_triangular(np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([2.0, 3.0]), lower=True)
    array([1., 2.])
    """
    options = dict(trans=trans, lower=lower, unit_diagonal=unit_diagonal, check_finite=check_finite)
    return scipy.linalg.solve_triangular(a, b, **options)


ADJOINT = {0: "C", "N": "C", 2: "N", "C": "N"}


def solve_triangular_b(g, a, b_shape, trans, lower, unit_diagonal):
    vector = len(b_shape) == 1
    g = g[..., None] if vector else g
    if trans in (1, "T"):  # the adjoint of a^T is conj(a)
        h = solve_triangular(a.conjugate(), g, "N", lower, unit_diagonal)
    else:
        h = solve_triangular(a, g, ADJOINT[trans], lower, unit_diagonal)
    return h[..., 0] if vector else h


def solve_triangular_a(g, y, a, b_shape, trans, lower, unit_diagonal):
    h = solve_triangular_b(g, a, b_shape, trans, lower, unit_diagonal)
    h, y = (h[..., None], y[..., None]) if len(b_shape) == 1 else (h, y)
    h = -np.matmul(h, hermitian(y))  # of the matrix that was solved with
    h = np.swapaxes(h, -1, -2) if trans in (1, "T") else hermitian(h) if trans in (2, "C") else h
    k = 1 if unit_diagonal else 0
    return np.tril(h, -k) if lower else np.triu(h, k)


row(
    solve_triangular,
    solve_triangular_a,
    solve_triangular_b,
    signature="a, b, trans=0, lower=False, unit_diagonal=False, overwrite_b=False, check_finite=True",
)


@made_of_others
def cho_factor(a, lower=False, overwrite_a=False, check_finite=True):
    """Return the Cholesky factor of a matrix in the form that ``cho_solve`` takes.

        a = c c^H (lower),   a = c^H c (upper)

    Parameters
    ----------
    a : array or Tensor (..., n, n), positive definite and Hermitian
    lower : bool
    overwrite_a, check_finite : bool, taken as SciPy takes them; nothing is overwritten, all is checked

    Returns
    -------
    tuple (c, lower); unlike SciPy's, the other triangle of ``c`` holds zeros

    Raises
    ------
    numpy.linalg.LinAlgError : if ``a`` is not positive definite

    Source: ``scipy.linalg.cho_factor``.

    >>> cho_factor(np.array([[4.0, 0.0], [0.0, 9.0]]), lower=True)
    (array([[2., 0.],
           [0., 3.]]), True)
    """
    c = np.linalg.cholesky(a)
    return (c if lower else hermitian(c)), lower


@made_of_others
def cho_solve(c_and_lower, b, overwrite_b=False, check_finite=True):
    """Solve  a x = b  with the Cholesky factor of ``a``.

    Parameters
    ----------
    c_and_lower : tuple (c, lower) as ``cho_factor`` returns it
    b : array or Tensor (n,) or (..., n, m)
    overwrite_b : bool, taken as SciPy takes it; nothing is overwritten
    check_finite : bool, refuse NaN and infinity

    Returns
    -------
    array or Tensor of the shape of ``b``

    Raises ValueError if a number is not finite.

    Source: ``scipy.linalg.cho_solve``.

    >>> cho_solve(cho_factor(np.array([[4.0, 0.0], [0.0, 9.0]])), np.array([4.0, 9.0]))
    array([1., 1.])
    """
    c, lower = c_and_lower
    first, second = ("N", "C") if lower else ("C", "N")
    b = solve_triangular(c, b, first, lower, check_finite=check_finite)
    return solve_triangular(c, b, second, lower, check_finite=check_finite)


@primitive
def expm(A):
    """Return the exponential of a matrix.

        y = 1 + A + A^2 / 2! + A^3 / 3! + ...

    Parameters
    ----------
    A : array or Tensor (..., n, n)

    Returns
    -------
    array or Tensor of the same shape

    Source: ``scipy.linalg.expm``; its derivative: Higham, "Functions of Matrices" (2008), theorem 3.6.

    >>> expm(np.zeros((2, 2)))
    array([[1., 0.],
           [0., 1.]])
    """
    return scipy.linalg.expm(np.require(A, requirements="W"))  # which old SciPys insist on


def in_corner(function, A, g):
    """Return the adjoint derivative of a function of matrices, which stands in the corner of f [[A^H, g], [0, A^H]]."""
    n, a = A.shape[-1], hermitian(A)
    above = np.concatenate([a, g], axis=-1)
    below = np.concatenate([np.zeros(A.shape, A.dtype), a], axis=-1)
    return function(np.concatenate([above, below], axis=-2))[..., :n, n:]


row(expm, lambda g, A: in_corner(expm, A, g))


@primitive
def solve_sylvester(a, b, q):
    """Solve the Sylvester equation  a x + x b = q.

    Parameters
    ----------
    a : array or Tensor (n, n)
    b : array or Tensor (m, m)
    q : array or Tensor (n, m)

    Returns
    -------
    array or Tensor (n, m)

    Raises
    ------
    numpy.linalg.LinAlgError : if a and -b have an eigenvalue in common

    Source: ``scipy.linalg.solve_sylvester``.

    >>> solve_sylvester(np.eye(2), np.eye(2), np.array([[2.0, 4.0], [6.0, 8.0]]))
    array([[1., 2.],
           [3., 4.]])
    """
    dtype = np.result_type(a, b, q)  # SciPy errs where some are complex and some real
    return scipy.linalg.solve_sylvester(*[np.asarray(x, dtype) for x in (a, b, q)])


def sylvester_q(g, a, b):
    return solve_sylvester(hermitian(a), hermitian(b), g)


row(
    solve_sylvester,
    lambda g, y, a, b: -np.matmul(sylvester_q(g, a, b), hermitian(y)),
    lambda g, y, a, b: -np.matmul(hermitian(y), sylvester_q(g, a, b)),
    sylvester_q,
)


@primitive
def sqrtm(A):
    """Return the principal square root of a matrix.

        y y = A

    Parameters
    ----------
    A : array or Tensor (n, n) without eigenvalues that are negative or 0

    Returns
    -------
    array or Tensor of the same shape

    Raises
    ------
    numpy.linalg.LinAlgError : when the gradient is taken of the root of a singular matrix

    Source: ``scipy.linalg.sqrtm``.

    >>> sqrtm(np.array([[4.0, 0.0], [0.0, 9.0]]))
    array([[2., 0.],
           [0., 3.]])
    """
    return scipy.linalg.sqrtm(A)


def sqrtm_vjp(g, y):
    root = hermitian(y)
    return solve_sylvester(root, root, g)


row(sqrtm, sqrtm_vjp)


@primitive
def logm(A):
    """Return the principal logarithm of a matrix.

        expm(y) = A

    Parameters
    ----------
    A : array or Tensor (n, n) without eigenvalues that are negative or 0

    Returns
    -------
    array or Tensor of the same shape

    Source: ``scipy.linalg.logm``; its derivative: Higham, "Functions of Matrices" (2008), theorem 3.6.

    >>> logm(np.eye(2))
    array([[0., 0.],
           [0., 0.]])
    """
    y = scipy.linalg.logm(A.astype(np.result_type(A, float)))  # which warns of what single precision loses
    return y.astype(np.result_type(y.dtype.kind + "4" if y.dtype.kind == "f" else "c8", A), copy=False)


row(logm, lambda g, A: in_corner(logm, A, g))


def rows_in_bands(lower, upper, n):
    """Return the row of the matrix (n, n) that each place of its diagonals stands for, and which stand for one."""
    i = np.arange(-upper, lower + 1)[:, None] + np.arange(n)
    return np.clip(i, 0, n - 1), (i >= 0) & (i < n)


@primitive
def solve_banded(l_and_u, ab, b, overwrite_ab=False, overwrite_b=False, check_finite=True):
    """Solve  a x = b  for a matrix of few diagonals.

        ab[u + i - j, j] = a[i, j]

    Parameters
    ----------
    l_and_u : tuple of ints, the numbers of diagonals below and above the main one
    ab : array or Tensor (l + u + 1, n), the diagonals
    b : array or Tensor (n,) or (n, m)
    overwrite_ab, overwrite_b : bool, taken as SciPy takes them; nothing is overwritten
    check_finite : bool, refuse NaN and infinity

    Returns
    -------
    array or Tensor of the shape of ``b``

    Raises
    ------
    numpy.linalg.LinAlgError : if the matrix is singular
    ValueError : if a number is not finite, or the shapes do not fit

    Source: ``scipy.linalg.solve_banded``.

    >>> solve_banded((1, 0), np.array([[2.0, 1.0], [1.0, 0.0]]), np.array([2.0, 3.0]))
    array([1., 2.])
    """
    return scipy.linalg.solve_banded(l_and_u, ab, b, check_finite=check_finite)


def solve_banded_b(g, l_and_u, ab):
    lower, upper = l_and_u
    i, filled = rows_in_bands(upper, lower, ab.shape[1])
    transpose = np.where(filled, ab[np.arange(lower + upper, -1, -1)[:, None], i], 0)
    return solve_banded((upper, lower), transpose.conjugate(), g)


def solve_banded_ab(g, y, l_and_u, ab):
    h, y = solve_banded_b(g, l_and_u, ab), y.conjugate()
    i, filled = rows_in_bands(*l_and_u, len(h))
    products = h[i] * y if h.ndim == 1 else np.sum(h[i] * y, axis=-1)
    return np.where(filled, -products, 0)


row(
    solve_banded,
    None,
    solve_banded_ab,
    solve_banded_b,
    signature="l_and_u, ab, b, overwrite_ab=False, overwrite_b=False, check_finite=True",
)


@made_of_others
def block_diag(*arrs):
    """Return a matrix with the given ones along its diagonal, and zeros elsewhere.

    Parameters
    ----------
    *arrs : arrays or Tensors of at most two axes; a vector is a row

    Returns
    -------
    array or Tensor (sum of rows, sum of columns)

    Source: ``scipy.linalg.block_diag``.

    >>> block_diag(np.ones((1, 2)), 3.0)
    array([[1., 1., 0.],
           [0., 0., 3.]])
    """
    blocks = [np.atleast_2d(a) for a in arrs or ([],)]
    if any(a.ndim > 2 for a in blocks):
        raise ValueError(f"block_diag: a block has at most two axes; got the shapes {[np.shape(a) for a in arrs]}")
    ends = np.cumsum([a.shape[1] for a in blocks])
    return np.concatenate([np.pad(a, ((0, 0), (end - a.shape[1], ends[-1] - end))) for a, end in zip(blocks, ends)])


@made_of_others
def toeplitz(c, r=None):
    """Return a matrix that is constant along its diagonals.

        y[i, j] = c[i - j] for i >= j, else r[j - i]

    Parameters
    ----------
    c : array or Tensor (..., m), the first column
    r : array or Tensor (..., n), the first row, of which the first element is not used; by default conj(c)

    Returns
    -------
    array or Tensor (..., m, n)

    Source: ``scipy.linalg.toeplitz``, which takes stacks from SciPy 1.17 on.

    >>> toeplitz(np.array([1.0, 2.0]), np.array([0.0, 5.0, 6.0]))
    array([[1., 5., 6.],
           [2., 1., 5.]])
    """
    c = np.atleast_1d(c)
    r = np.conjugate(c) if r is None else np.atleast_1d(r)
    m, n, stack = c.shape[-1], r.shape[-1], np.broadcast_shapes(c.shape[:-1], r.shape[:-1])
    both = [np.broadcast_to(x, stack + x.shape[-1:]) for x in (c[..., ::-1], r[..., 1:])]
    return np.concatenate(both, axis=-1)[..., m - 1 - np.arange(m)[:, None] + np.arange(n)]


__all__ = [
    "block_diag", "cho_factor", "cho_solve", "expm", "logm", "solve_banded", "solve_sylvester", "solve_triangular",
    "sqrtm", "toeplitz",
]

chapter(__name__, scipys_own(scipy.linalg))
