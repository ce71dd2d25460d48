"""Functions of SciPy, under SciPy's names, for Tensors.

SciPy's elementwise functions (``scipy.special.gamma``, ``erf``, ...) take Tensors as they are, and are found
here, too.  Its other functions convert their arguments to plain arrays first, which a tape cannot follow.  These
here call them, or do the same, on arrays and Tensors alike:

    from minigrad.scipy import erf, logsumexp, solve_triangular, expm

SciPy must be installed for this module, and for no other of minigrad.
"""

import numpy as np

try:
    import scipy.linalg
    import scipy.special
except ImportError as error:
    raise ImportError("minigrad.scipy calls SciPy; install it with python -m pip install scipy") from error

from .conversions import INSTEAD_OF_SCIPY
from .core.table import composition, primitive, row
from .derivatives import scipy_rows
from .derivatives.products import hermitian
from .hints import chapter


def made_of_others(function):
    """Enter a function that needs no row, so that ``supported()`` knows it."""
    return composition(function)(function)


# --------------------------------------------------------------------------------------- scipy.special
@primitive
def logsumexp(a, axis=None, b=None, keepdims=False):
    """Return the logarithm of a sum of exponentials, without overflow.

        y = log(sum(b * exp(a)))

    Parameters
    ----------
    a : array or Tensor
    axis : int, tuple of int, or None for all
    b : array or Tensor of weights that ``a`` is broadcast with, or None
    keepdims : bool, leave the axes summed over in place with length 1

    Returns
    -------
    array or Tensor

    Source: ``scipy.special.logsumexp``.

    >>> round(float(logsumexp(np.array([1000.0, 1000.0]))), 4)
    1000.6931
    """
    return scipy.special.logsumexp(a, axis=axis, b=b, keepdims=keepdims)


def logsumexp_a(g, y, a, axis, b, keepdims):
    h = logsumexp_b(g, y, a, axis, np.shape(b), keepdims)
    return h if b is None else h * np.conjugate(b)


def logsumexp_b(g, y, a, axis, b_shape, keepdims):
    if axis is not None and not keepdims:
        g, y = np.expand_dims(g, axis), np.expand_dims(y, axis)
    h = g * np.exp(a - np.where(np.isfinite(y), y, 0)).conjugate()
    return np.broadcast_to(h, np.broadcast_shapes(np.shape(h), b_shape))


row(logsumexp, logsumexp_a, None, logsumexp_b)


@made_of_others
def log_softmax(x, axis=None):
    """Return the logarithm of the softmax.

        y = x - logsumexp(x)

    Parameters
    ----------
    x : array or Tensor
    axis : int, tuple of int, or None for all

    Returns
    -------
    array or Tensor of the same shape

    Source: ``scipy.special.log_softmax``.

    >>> log_softmax(np.array([0.0, 1000.0]))
    array([-1000.,     0.])
    """
    return x - logsumexp(x, axis=axis, keepdims=np.ndim(x) > 0)


@made_of_others
def softmax(x, axis=None):
    """Return positive numbers that sum to 1.

        y = exp(x) / sum(exp(x))

    Parameters
    ----------
    x : array or Tensor
    axis : int, tuple of int, or None for all

    Returns
    -------
    array or Tensor of the same shape

    Source: ``scipy.special.softmax``; Flux's ``softmax`` takes the first axis by default.

    >>> softmax(np.array([1.0, 1.0, 1.0, 1.0]))
    array([0.25, 0.25, 0.25, 0.25])
    """
    return np.exp(log_softmax(x, axis))


@made_of_others
def polygamma(n, x):
    """Return the derivative of order ``n`` of the digamma function.

        y = (-1)^(n+1) n! zeta(n + 1, x)

    Parameters
    ----------
    n : int >= 0, or array of them; a constant
    x : array or Tensor of positive numbers

    Returns
    -------
    array or Tensor of the shape to which ``n`` and ``x`` broadcast

    Source: ``scipy.special.polygamma``.

    >>> round(float(polygamma(1, 1.0)), 6)  # pi^2 / 6
    1.644934
    """
    order = np.asarray(n, dtype=float) + 1
    y = (-1.0) ** order * scipy.special.gamma(order) * scipy_rows._zeta(order, x)
    return np.where(order == 1, scipy.special.psi(x), y)[()]


# ---------------------------------------------------------------------------------------- scipy.linalg
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


def expm_vjp(g, A):
    """The block in the corner of  exp [[A^H, g], [0, A^H]]  is the derivative in the direction g."""
    n, a = A.shape[-1], hermitian(A)
    above = np.concatenate([a, g], axis=-1)
    below = np.concatenate([np.zeros(A.shape, A.dtype), a], axis=-1)
    return expm(np.concatenate([above, below], axis=-2))[..., :n, n:]


row(expm, expm_vjp)


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


# --------------------------------------------------------------------------- what takes Tensors as it is
def elementwise(name):
    """Return an elementwise function of ``scipy.special``."""
    function = getattr(scipy.special, name, None)
    if isinstance(function, np.ufunc):
        return function
    raise AttributeError(
        f"minigrad.scipy has no {name!r}: of SciPy it has the elementwise functions of scipy.special and "
        f"{', '.join(sorted(INSTEAD_OF_SCIPY))}"
    )


def all_elementwise():
    return [name for name, function in vars(scipy.special).items() if isinstance(function, np.ufunc)]


__all__ = sorted(INSTEAD_OF_SCIPY)

chapter(__name__, elementwise, all_elementwise)
