"""``autograd.misc``, under which name it is imported: containers as vectors, optimisers, fixed points."""

import numpy as np

from ...calculus.vectors import cut
from ...core.trees import leaves, rebuild
from ...optimise import formulas
from .operators import make_vjp
from .primitives import defvjp, primitive


def flatten(value):
    """Return nested containers of numbers and arrays as one vector, and the function that makes them of a vector.

    Dicts go in the order of their sorted keys.

    >>> vector, unflatten = flatten({"b": 1.0, "a": np.array([2.0, 3.0])})
    >>> vector, unflatten(vector)["a"]
    (array([2., 3., 1.]), array([2., 3.]))
    """
    value = in_order(value)
    parts = leaves(value)

    def unflatten(vector):
        pieces = cut(vector, [np.shape(part) for part in parts])
        return rebuild(value, iter([piece if piece.ndim else piece[()] for piece in pieces]))

    return np.concatenate([np.ravel(part) for part in parts]) if parts else np.array([]), unflatten


def in_order(x):
    if isinstance(x, dict):
        return {key: in_order(x[key]) for key in sorted(x)}
    return type(x)(map(in_order, x)) if type(x) in (list, tuple) else x


def flatten_func(f, example):
    """Return (f as a function of a vector to a vector, the example's unflatten, the example as a vector)."""
    vector, unflatten = flatten(example)
    return lambda x, *args: flatten(f(unflatten(x), *args))[0], unflatten, vector


def descend(formula, state, hyper, grad, x0, callback, num_iters):
    """Follow an update rule from the second table: the loop of all of autograd's optimisers."""
    x, unflatten = flatten(x0)
    for i in range(num_iters):
        g = flatten(grad(unflatten(x), i))[0]
        if callback:
            callback(unflatten(x), i, unflatten(g))
        step, *state = formula(x, g, *state, **hyper)
        x = x - step
    return unflatten(x)


def sgd(grad, x0, callback=None, num_iters=200, step_size=0.1, mass=0.9):
    """Descend with momentum; ``grad(x, i)`` gets the number of the iteration.

    The numbers are those of minigrad's ``Momentum(step_size * (1 - mass), mass)``.

    >>> abs(float(sgd(lambda x, i: 2 * x, 1.0))) < 1e-3
    True
    """
    return descend(formulas.momentum, [0.0], dict(eta=step_size * (1 - mass), rho=mass), grad, x0, callback, num_iters)


def rmsprop(grad, x0, callback=None, num_iters=100, step_size=0.1, gamma=0.9, eps=1e-8):
    """Descend by RMSProp whose mean square starts at 1, as autograd's does."""
    return descend(formulas.rmsprop, [1.0], dict(eta=step_size, rho=gamma, epsilon=eps), grad, x0, callback, num_iters)


def adam(grad, x0, callback=None, num_iters=100, step_size=0.001, b1=0.9, b2=0.999, eps=1e-8):
    """Descend by ADAM; the numbers are those of minigrad's ``ADAM(step_size, (b1, b2), eps)``."""
    hyper = dict(eta=step_size, beta1=b1, beta2=b2, epsilon=eps)
    return descend(formulas.adam, [0.0, 0.0, b1, b2], hyper, grad, x0, callback, num_iters)


@primitive
def fixed_point(f, a, x0, distance, tol):
    """Return the x with ``f(a)(x) = x`` that iterating from ``x0`` leads to; differentiable by ``a``.

    ``a`` is a number, an array or a container of them; x a number, an array, or a tuple or list of them.

    >>> from minigrad.compat.autograd import grad
    >>> root = lambda a: fixed_point(lambda a: lambda x: (x + a / x) / 2, a, 1.0, lambda x, y: abs(x - y), 1e-12)
    >>> round(grad(root)(4.0), 9)
    0.25
    """
    step = f(a)
    x, before = step(x0), x0
    while distance(x, before) > tol:
        x, before = step(x), x
    return x


def slope_by_a(x, f, a, x0, distance, tol):
    """u = g + u dx/dx at the fixed point, iterated too; then u dx/da."""
    by_x, _ = make_vjp(f(a))(x)
    by_a, _ = make_vjp(lambda a: f(a)(x))(a)
    step = lambda g: lambda u: rebuild(g, map(np.add, leaves(g), leaves(by_x(u))))
    return lambda g: by_a(fixed_point(step, g, rebuild(x, map(np.zeros_like, leaves(x))), distance, tol))


defvjp(fixed_point, None, slope_by_a, None, None, None)
