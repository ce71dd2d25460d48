"""``autograd.misc``, under which name it is imported: containers as vectors, optimisers, fixed points."""

import sys
from types import ModuleType

import numpy as np

from ...calculus.vectors import cut
from ...core.trees import leaves, rebuild
from ...optimise import formulas
from .numpy import concatenate
from .operators import make_vjp
from .primitives import defvjp, primitive

MISC = __name__.replace("descent", "misc")


def flatten(value):
    """Return nested containers of numbers and arrays as one vector, and the function that makes them of a vector.

    Dicts go in the order of their sorted keys.

    >>> vector, unflatten = flatten({"b": 1.0, "a": np.array([2.0, 3.0])})
    >>> vector, unflatten(vector)["a"]
    (array([2., 3., 1.]), array([2., 3.]))
    """
    value = in_order(value)
    parts = leaves(value)
    shapes = [np.shape(part) for part in parts]

    def unflatten(vector):
        pieces = zip(cut(vector, shapes), shapes)
        return rebuild(value, iter([piece if shape else piece[()] for piece, shape in pieces]))

    return concatenate(map(np.ravel, parts)) if parts else np.array([]), unflatten


def in_order(x):
    if isinstance(x, dict):
        return {key: in_order(x[key]) for key in sorted(x)}
    return type(x)(map(in_order, x)) if type(x) in (list, tuple) else x


def flatten_func(f, example):
    """Return (f as a function of a vector to a vector, the example's unflatten, the example as a vector)."""
    vector, unflatten = flatten(example)
    return lambda x, *args: flatten(f(unflatten(x), *args))[0], unflatten, vector


def descend(formula, states, hyper, grad, x0, callback, num_iters):
    """Follow an update rule from the second table: the loop of all of autograd's optimisers."""
    x, unflatten = flatten(x0)
    state = [state * np.ones_like(x) if per_element else state for state, per_element in states]
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
    hyper = {"eta": step_size * (1 - mass), "rho": mass}
    return descend(formulas.momentum, [(0, True)], hyper, grad, x0, callback, num_iters)


def rmsprop(grad, x0, callback=None, num_iters=100, step_size=0.1, gamma=0.9, eps=1e-8):
    """Descend by RMSProp whose mean square starts at 1, as autograd's does."""
    hyper = {"eta": step_size, "rho": gamma, "epsilon": eps}
    return descend(formulas.rmsprop, [(1, True)], hyper, grad, x0, callback, num_iters)


def adam(grad, x0, callback=None, num_iters=100, step_size=0.001, b1=0.9, b2=0.999, eps=1e-8):
    """Descend by ADAM; the numbers are those of minigrad's ``ADAM(step_size, (b1, b2), eps)``."""
    hyper = {"eta": step_size, "beta1": b1, "beta2": b2, "epsilon": eps}
    states = [(0, True), (0, True), (b1, False), (b2, False)]
    return descend(formulas.adam, states, hyper, grad, x0, callback, num_iters)


@primitive
def fixed_point(f, a, x0, distance, tol):
    """Return the x with ``f(a)(x) = x`` that iterating from ``x0`` leads to; differentiable by ``a``.

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
    """w = g + w df/dx at the fixed point, iterated too; then w df/da."""
    by_x, _ = make_vjp(f(a))(x)
    by_a, _ = make_vjp(lambda a: f(a)(x))(a)

    def vjp(g):
        return by_a(fixed_point(lambda g: lambda w: g + by_x(w), g, np.zeros_like(x), distance, tol))

    return vjp


defvjp(fixed_point, None, slope_by_a, None, None, None)


def submodule(name, **names):
    """Let a program import from ``misc.name``, as autograd has it."""
    module = ModuleType(f"{MISC}.{name}", f"``autograd.misc.{name}``, see ``autograd.misc``.")
    vars(module).update(names)
    sys.modules[module.__name__] = module
    return module


optimizers = submodule("optimizers", sgd=sgd, rmsprop=rmsprop, adam=adam)
fixed_points = submodule("fixed_points", fixed_point=fixed_point)
submodule("flatten", flatten=flatten, flatten_func=flatten_func)
sys.modules[MISC] = sys.modules[__name__]
