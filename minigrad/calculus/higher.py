"""Jacobians, Hessians and products with them: gradients of many numbers, and gradients of gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.gradient import Run, gradient, not_callable, plain, pullback
from ..core.params import Grads, Params
from ..core.tensor import Tensor, lower, new_tensor
from ..core.trees import leaves, leaves_along, rebuild
from ..doors import door

if TYPE_CHECKING:
    from ..aliases import Function, LossFunction


@door
def jacobian(f: Function, *args: Any, holomorphic: bool = False) -> Any:
    """Return the derivative of every element of ``f``'s result by every element of each argument.

        J[i..., j...] = d y[i...] / d x[j...]

    Parameters
    ----------
    f : function that returns a number or an array of any shape
    *args : numbers, arrays, Tensors or containers of them; or one Params (then ``f`` takes nothing)
    holomorphic : bool, for a holomorphic ``f`` of complex arguments: give its complex derivative dy/dz

    Returns
    -------
    tuple with one array of shape ``y.shape + x.shape`` per argument (None where y does not depend on it),
    or Grads for Params (``J[W]``).  For vectors these are the usual matrices.

    Raises TypeError if ``f`` returns anything but a number or an array; with ``holomorphic`` also for real
    arguments or results, and ValueError where ``f`` does not satisfy the Cauchy-Riemann equations.

    Costs one backward pass per element of the result.  Complex y = u + iv and z = a + ib: each
    element is the gradient of u, du/da + i du/db, as Zygote gives it; with ``holomorphic`` it is
    dy/dz = du/da - i du/db.

    Differs from Zygote: arrays keep their shapes; Zygote flattens both to a matrix.

    Source: Zygote 0.6 ``jacobian``.

    >>> jacobian(lambda x: x**2, np.array([1.0, 2.0]))[0]
    array([[2., 0.],
           [0., 4.]])
    >>> jacobian(lambda z: z**3, 1j, holomorphic=True)
    ((-3+0j),)
    """
    run = Run(f, args, "jacobian")
    y = run.value
    run.refuse_kept([y])
    if not isinstance(y, (Tensor, np.ndarray, np.generic, float, int, complex)):
        kind = type(y).__name__
        raise TypeError(f"jacobian: the function must return a number or an array; it returned {kind}")
    if holomorphic:
        check_holomorphic(run)
    shape = np.shape(y)
    rows = [leaves_of(run.gradients([seed])) for seed in one_hots(run.outputs[0], shape)]
    columns = list(zip(*rows)) or [()] * len(run.inputs)
    blocks = [stacked(column, x, shape) for x, column in zip(run.inputs, columns)]
    if holomorphic:  # the gradient of the real part is the conjugate of the derivative
        blocks = [None if block is None else block.conjugate() for block in blocks]
    return Grads(run.params, blocks) if run.params is not None else rebuild(args, iter(blocks))


def check_holomorphic(run):
    """Raise unless the run is of complex numbers and its pullback commutes with i (Cauchy-Riemann)."""
    for x in [*run.inputs, run.value]:
        if np.result_type(x).kind != "c":
            raise TypeError(
                f"jacobian: holomorphic=True is for complex arguments and results; got {np.result_type(x)}. "
                "Write 2.0 + 0j for 2.0, or leave it out"
            )
    (y,) = run.outputs
    if y is None:
        return
    seed = np.exp(1j * np.arange(1, y.size + 1)).reshape(y.shape).astype(y.dtype)[()]
    for g, h in zip(leaves_of(run.gradients([seed])), leaves_of(run.gradients([1j * seed]))):
        g, h = lower(g, None), lower(h, None)
        if g is not None and np.max(abs(1j * g - h), initial=0) > 1e-4 * np.max(abs(g) + abs(h), initial=0):
            raise ValueError(
                "jacobian: the function is not holomorphic here: its derivative depends on the direction "
                "(does it call abs, conj, real or imag?). Leave out holomorphic=True for the gradient of its "
                "real part"
            )


def one_hots(y, shape):
    """Yield the seeds that pick one element of ``y`` each."""
    if y is None:
        yield None
        return
    for index in np.ndindex(shape):
        seed = np.zeros(shape, y.dtype if y.dtype.kind in "fc" else float)
        seed[index] = 1
        yield seed if shape else seed[()]


def leaves_of(gradients):
    return gradients.values() if isinstance(gradients, Grads) else leaves(gradients)


def stacked(column, x, shape):
    """Return the gradients of all elements of y with respect to ``x`` as one array."""
    if not column:  # y has no elements
        return zeros_as(x, shape + np.shape(x))
    known = next((g for g in column if g is not None), None)
    if known is None:
        return None
    column = [np.zeros_like(known) if g is None else g for g in column]
    return np.reshape(np.stack(column), shape + np.shape(known)) if shape else column[0]


def zeros_as(x, shape):
    """Return zeros as a thing of the kind of ``x``; None if ``x`` is not made of numbers."""
    dtype = x.dtype if isinstance(x, (Tensor, np.ndarray, np.generic)) else np.asarray(x).dtype
    if dtype.kind not in "fciu":
        return None
    zeros = np.zeros(shape, dtype if dtype.kind in "fc" else float)
    return new_tensor(zeros) if type(x) is Tensor else zeros if shape else zeros[()].item()


@door
def hessian(f: LossFunction, x: Any) -> Any:
    """Return the second derivatives of a function of one argument.

        H[i..., j...] = d^2 f / d x[i...] d x[j...]

    Parameters
    ----------
    f : function that returns one real number
    x : number, array or Tensor of real numbers

    Returns
    -------
    array of shape ``x.shape + x.shape`` (a float for a number)

    Raises TypeError if ``x`` is a container or complex, and what ``gradient`` raises.

    Differs from Zygote: a matrix argument gives four axes, not a flattened matrix.

    Source: Zygote 0.6 ``hessian``.

    >>> hessian(lambda x: x[0] ** 2 * x[1], np.array([3.0, 5.0]))
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    check_real(x, "hessian")
    shape = np.shape(x)
    (H,) = jacobian(lambda x: filled(gradient(f, x)[0], x), x)
    return zeros_as(x, shape + shape) if H is None else H


def check_real(x, who):
    numbers = isinstance(x, (int, float, np.ndarray, np.generic, Tensor))
    if not numbers or isinstance(x, (Tensor, np.ndarray, np.generic)) and x.dtype.kind not in "fiu":
        raise TypeError(
            f"{who}: an argument must be one real number or array; got {x!r}. For Params and containers "
            "there is hvp, for complex numbers jacobian of the gradient"
        )


def filled(g, x):
    """Return a gradient, or zeros in the place of None."""
    return np.zeros_like(x.data) if g is None else g


@door
def diaghessian(f: LossFunction, *args: Any) -> tuple[Any, ...]:
    """Return the diagonal of the Hessian with respect to each argument.

        d[i...] = d^2 f / d x[i...]^2

    Parameters
    ----------
    f : function that returns one real number
    *args : numbers, arrays or Tensors of real numbers

    Returns
    -------
    tuple of arrays of the arguments' shapes

    Raises TypeError for containers and complex arguments, and what ``gradient`` raises.

    Source: Zygote 0.6 ``diaghessian``.

    >>> diaghessian(lambda x, y: np.sum(x**3) * y, np.array([1.0, 2.0]), 2.0)
    (array([12., 24.]), 0.0)
    """
    for x in args:
        check_real(x, "diaghessian")
    return tuple(diagonal_of_hessian(f, args, k) for k in range(len(args)))


def diagonal_of_hessian(f, args, k):
    def slope(x):
        return filled(gradient(f, *args[:k], x, *args[k + 1 :])[k], x)

    x = args[k]
    shape = np.shape(x)
    run = Run(slope, (x,), "diaghessian")
    (y,) = run.outputs
    if y is None:
        return zeros_as(x, shape)
    rows = [run.gradients([seed])[0] for seed in one_hots(y, shape)]
    rows = [np.zeros(shape) if row is None else row for row in rows]
    elements = [row[index] if shape else row for row, index in zip(rows, np.ndindex(shape))]
    return np.reshape(np.stack(elements), shape).astype(rows[0].dtype) if shape else elements[0]


@door
def hvp(f: LossFunction, x: Any, v: Any) -> Any:
    """Return the product of the Hessian with a vector, without making the Hessian.

        hvp = H(x) v = d/dx <grad f(x), v>

    Parameters
    ----------
    f : function of ``x`` that returns one real number (or of nothing, if x is a Params)
    x : number, array, Tensor, container of them, or Params
    v : like ``x`` (for Params: a list, or Grads)

    Returns
    -------
    like ``x`` (Grads for Params); zeros where the slope does not depend on it

    Raises ValueError if ``v`` is not shaped like ``x``, and what ``gradient`` raises.

    Source: Pearlmutter, Fast exact multiplication by the Hessian, 1994.

    >>> hvp(lambda x: np.sum(x**3), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    if not callable(f):
        raise TypeError(not_callable(f, "hvp"))
    directions = directions_for(x, v, "hvp")
    if isinstance(x, Params):
        return zeros_for_none(x, gradient(lambda: inner(gradient(f, x), directions), x))
    (products,) = gradient(lambda x: inner(leaves(gradient(f, x)), directions), x)
    return zeros_for_none(x, products)


def zeros_for_none(x, products):
    """Return what is shaped like ``x`` (Grads for Params) with zeros in the place of None."""
    if isinstance(x, Params):
        return Grads(x, products.filled())
    pairs = zip(leaves(x), leaves_along(x, products, ""))
    return rebuild(x, iter([zeros_as(a, np.shape(a)) if g is None else g for a, g in pairs]))


def value_and_slope(f, x, who, check):
    """Return ``f(x)``, looked at by ``check`` first, and the gradient of the sum of all its numbers, or None."""
    run = Run(f, (x,), who)
    check(run.value)
    outputs = leaves(run.value)
    run.refuse_kept(outputs)
    ones = [None if y is None else np.ones(y.shape, y.dtype if y.dtype.kind == "f" else float)[()] for y in run.outputs]
    return rebuild(run.value, map(plain, outputs)), run.gradients(ones)[0]


def directions_for(x, v, who):
    """Return one direction per leaf of ``x``, None for none."""
    if isinstance(x, Params):
        xs, vs = list(x), [v[p] for p in x] if isinstance(v, (Grads, dict)) else list(v)
        if len(xs) != len(vs):
            raise ValueError(f"{who}: {len(vs)} directions for {len(xs)} parameters")
    else:
        xs, vs = leaves(x), leaves_along(x, v, f"{who}: for the directions")
    for a, d in zip(xs, vs):
        if d is not None and np.shape(a) != np.shape(d):
            raise ValueError(
                f"{who}: a direction of shape {np.shape(d)} for an argument of shape {np.shape(a)}"
            )
        if np.iscomplexobj(d) and not np.iscomplexobj(a):
            raise TypeError(f"{who}: a complex direction for a real argument, which moves along the real axis only")
    return vs


def inner(gradients, directions):
    """Return the real inner product of gradients and directions; None counts as zeros."""
    total = 0.0
    for g, d in zip(gradients, directions):
        if g is not None and d is not None:
            total = total + np.sum(g * np.conjugate(d)).real
    return total


@door
def jvp(f: Function, args: Any, directions: Any) -> tuple[Any, Any]:
    """Return the value of ``f`` and its derivative along a direction (forward derivative).

        dy = sum_k  df/dx_k  v_k

    Parameters
    ----------
    f : function of the arguments that returns a number, an array, or a container of them
    args : tuple of numbers, arrays, Tensors, or containers of them; or Params (then ``f`` takes nothing)
    directions : tuple of the same structure and shapes, None for no change of an argument; for Params a
        list or Grads

    Returns
    -------
    (y, dy) : the value and its derivative along the directions, of the same kind and shape

    Raises ValueError if the directions are not shaped like the arguments, TypeError if ``args`` is no tuple or a
    direction is complex where the argument is real.

    Computed as the pullback of the pullback, which is linear in its seed; exact.  For complex arguments dy
    is the change of y along v, whether ``f`` is holomorphic or not.

    Source: the transpose of the transpose, as in Townsend, A new trick for calculating Jacobian vector
    products, 2017.

    >>> jvp(lambda x: x**2, (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    (array([1., 4.]), array([ 2., 40.]))
    """
    if not isinstance(args, (tuple, Params)):
        raise TypeError("jvp: the arguments come as a tuple, and so do the directions: jvp(f, (x,), (v,))")
    directions = directions_for(args, directions, "jvp")
    y, back = pullback(f, args) if isinstance(args, Params) else pullback(f, *args)
    return y, pushed(y, back, directions)


def pushed(y, back, directions):
    """Return the derivative of ``y`` along the directions, one per leaf of what ``back`` gives."""
    seeds = rebuild(y, iter([zeros_as(leaf, np.shape(leaf)) for leaf in leaves(y)]))
    (dy,) = gradient(lambda seeds: inner(leaves_of(back(seeds)), directions), seeds)
    return zeros_for_none(y, dy)


@door
def ggnvp(f: Function, loss: LossFunction, x: Any, v: Any) -> Any:
    """Return the product of the Gauss-Newton matrix of ``loss(f(x))`` with a vector, without making it.

        ggnvp = J^T H J v        J = df/dx,   H = d^2 loss / dy^2 at y = f(x)

    Parameters
    ----------
    f : the model, a function of ``x`` (of nothing, if x is a Params) that returns a number, an array or a
        container of them
    loss : function of what ``f`` returns, that returns one real number
    x : number, array, Tensor, container of them, or Params
    v : like ``x`` (for Params: a list, or Grads)

    Returns
    -------
    like ``x`` (Grads for Params)

    Raises ValueError if ``v`` is not shaped like ``x``, and what ``gradient`` raises.

    Where ``loss`` is convex the matrix is positive semi-definite, which the Hessian (``hvp``) need not be;
    where ``f`` is linear the two agree.

    Source: Schraudolph, Fast curvature matrix-vector products for second-order gradient descent, 2002.

    >>> ggnvp(lambda x: x**2, lambda y: np.sum(y**2) / 2, np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 4., 16.])
    """
    directions = directions_for(x, v, "ggnvp")
    y, back = pullback(f, x)
    products = back(hvp(loss, y, pushed(y, back, directions)))
    return zeros_for_none(x, products if isinstance(x, Params) else products[0])
