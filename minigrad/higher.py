"""Jacobians, Hessians and products with them: gradients of many numbers, and gradients of gradients."""

import numpy as np

from .containers import leaves, rebuild
from .gradient import Run, gradient, pullback
from .params import Grads, Params
from .tensor import Tensor, new_tensor


def jacobian(f, *args):
    """Return the derivative of every element of ``f``'s result with respect to every element of each argument.

        J[i..., j...] = d y[i...] / d x[j...]

    Parameters
    ----------
    f : function that returns a number or an array of any shape
    *args : numbers, arrays, Tensors or containers of them; or one Params (then ``f`` takes nothing)

    Returns
    -------
    tuple with one array of shape ``y.shape + x.shape`` per argument (None where y does not depend on it),
    or Grads-like dict access ``J[W]`` for Params.  For vectors these are the usual matrices.

    Raises TypeError if ``f`` returns no numbers.

    Costs one backward pass per element of the result.  Complex y = u + iv and z = a + ib: each
    element is the gradient of u, as Zygote gives it.

    Differs from Zygote: arrays keep their shapes; Zygote flattens both to a matrix.

    Source: Zygote 0.6 ``jacobian``.

    >>> jacobian(lambda x: x**2, np.array([1.0, 2.0]))[0]
    array([[2., 0.],
           [0., 4.]])
    """
    run = Run(f, args, "jacobian")
    y = run.value
    if not isinstance(y, (Tensor, np.ndarray, np.generic, float, int, complex)):
        raise TypeError(f"jacobian: the function must return a number or an array; it returned {type(y).__name__}")
    shape = np.shape(y)
    rows = [leaves_of(run.gradients([seed])) for seed in one_hots(run.outputs[0], shape)]
    columns = zip(*rows) if rows else [(None,)] * len(run.inputs)
    return run.finish([stacked(column, x, shape) for x, column in zip(run.inputs, columns)])


def one_hots(y, shape):
    """Yield the seeds that pick one element of ``y`` each."""
    if y is None:
        yield None
        return
    for index in np.ndindex(shape):
        seed = np.zeros(shape, y.dtype)
        seed[index] = 1
        yield seed if shape else seed[()]


def leaves_of(gradients):
    return gradients.values() if isinstance(gradients, Grads) else leaves(gradients)


def stacked(column, x, shape):
    """Return the gradients of all elements of y with respect to ``x`` as one array."""
    known = next((g for g in column if g is not None), None)
    if known is None:
        return None
    column = [np.zeros_like(known) if g is None else g for g in column]
    J = np.reshape(np.stack(column), shape + np.shape(known)) if shape else column[0]
    return new_tensor(np.asarray(J)) if isinstance(x, Tensor) and type(J) is not Tensor else J


def hessian(f, x):
    """Return the second derivatives of a function of one argument.

        H[i..., j...] = d^2 f / d x[i...] d x[j...]

    Parameters
    ----------
    f : function that returns one real number
    x : number, array or Tensor of real numbers

    Returns
    -------
    array of shape ``x.shape + x.shape`` (a float for a number)

    Raises what ``gradient`` raises.

    Differs from Zygote: a matrix argument gives four axes, not a flattened matrix.

    Source: Zygote 0.6 ``hessian``.

    >>> hessian(lambda x: x[0] ** 2 * x[1], np.array([3.0, 5.0]))
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    shape = np.shape(x)
    (H,) = jacobian(lambda x: filled(gradient(f, x)[0], x), x)
    return zeros_as(x, shape + shape) if H is None else H


def filled(g, x):
    """Return a gradient, or zeros in the place of None."""
    return np.zeros_like(x.data) if g is None else g


def zeros_as(x, shape):
    H = np.zeros(shape, np.result_type(np.asarray(getattr(x, "data", x) if isinstance(x, Tensor) else x), 0.0))
    return new_tensor(H) if isinstance(x, Tensor) else H if shape else 0.0


def diaghessian(f, *args):
    """Return the diagonal of the Hessian with respect to each argument.

        d[i...] = d^2 f / d x[i...]^2

    Parameters
    ----------
    f : function that returns one real number
    *args : numbers, arrays or Tensors of real numbers

    Returns
    -------
    tuple of arrays of the arguments' shapes

    Source: Zygote 0.6 ``diaghessian``.

    >>> diaghessian(lambda x, y: np.sum(x**3) * y, np.array([1.0, 2.0]), 2.0)
    (array([12., 24.]), 0.0)
    """
    return tuple(diagonal_of_hessian(f, args, k) for k in range(len(args)))


def diagonal_of_hessian(f, args, k):
    def slope(x):
        return filled(gradient(f, *args[:k], x, *args[k + 1 :])[k], x)

    x = args[k]
    run = Run(slope, (x,), "diaghessian")
    (y,) = run.outputs
    diagonal = zeros_as(x, np.shape(x))
    if y is None:
        return diagonal
    if not np.shape(x):
        return leaves(run.gradients([np.ones((), y.dtype)[()]]))[0]
    for index, seed in zip(np.ndindex(np.shape(x)), one_hots(y, y.shape)):
        (row,) = run.gradients([seed])
        diagonal[index] = 0 if row is None else row[index]
    return diagonal


def hvp(f, x, v):
    """Return the product of the Hessian with a vector, without making the Hessian.

        hvp = H(x) v = d/dx <grad f(x), v>

    Parameters
    ----------
    f : function of ``x`` that returns one real number (or of nothing, if x is a Params)
    x : number, array, Tensor, container of them, or Params
    v : like ``x`` (for Params: a list, or Grads)

    Returns
    -------
    like ``x`` (Grads for Params): gradients of the inner product; None becomes zeros

    >>> hvp(lambda x: np.sum(x**3), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    directions = leaves_of(v) if isinstance(v, Grads) else leaves(v)

    def along(*args):
        slopes = gradient(f, x) if isinstance(x, Params) else gradient(f, *args)[0]
        return sum_of(np.sum(g * np.conjugate(d)).real for g, d in zip(leaves_of(slopes), directions) if g is not None)

    if isinstance(x, Params):
        grads = gradient(along, x)
        return Grads(x, grads.filled())
    result = gradient(along, x)[0]
    return rebuild(x, iter([zeros_as(a, np.shape(a)) if g is None else g for a, g in zip(leaves(x), leaves(result))]))


def sum_of(terms):
    total = 0.0
    for term in terms:
        total = total + term
    return total


def jvp(f, args, directions):
    """Return the value of ``f`` and its derivative along a direction (forward derivative).

        dy = sum_k  df/dx_k  v_k

    Parameters
    ----------
    f : function of the arguments that returns a number or an array
    args : tuple of numbers, arrays or Tensors
    directions : tuple of the same shapes

    Returns
    -------
    (y, dy) : the value and its derivative along the directions, of the same shape

    Computed as the pullback of the pullback, which is linear in its seed; exact.

    >>> jvp(lambda x: x**2, (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    (array([1., 4.]), array([ 2., 40.]))
    """
    value = {}

    def pulled(seed):
        y, back = pullback(f, *args)
        value["y"] = y
        return sum_of(
            np.sum(g * np.conjugate(v)).real for g, v in zip(leaves(back(seed)), leaves(directions)) if g is not None
        )

    y = pullback(f, *args)[0]
    seed = np.zeros(np.shape(y), np.result_type(np.asarray(y)))
    (dy,) = gradient(pulled, seed if np.shape(y) else seed[()])
    return y, np.zeros_like(np.asarray(y)) if dy is None else dy
