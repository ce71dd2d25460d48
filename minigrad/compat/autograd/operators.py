"""autograd's operators: functions that take a function and return one.

``grad(f, argnum=0)`` returns a function of f's own arguments.  ``argnum`` is the position of what is differentiated,
or a tuple or list of positions; then x below is the tuple of what stands there.
"""

import functools
import inspect

import numpy as np

from ...calculus import higher
from ...core.errors import told
from ...core.gradient import pullback
from ...core.trees import at_leaves, ATOMS, leaves

__all__ = ["deriv", "elementwise_grad", "grad", "grad_and_aux", "grad_named", "hessian", "hessian_tensor_product",
           "hessian_vector_product", "holomorphic_grad", "jacobian", "make_ggnvp", "make_hvp", "make_jvp", "make_vjp",
           "multigrad_dict", "tensor_jacobian_product", "value_and_grad", "vector_jacobian_product"]  # fmt: skip


def unary_to_nary(operator):
    """Let an operator on functions of one argument act on any argument of a function, by its position."""

    @functools.wraps(operator)
    def at_position(fun, argnum=0, *options, **named):
        who, several = operator.__name__, isinstance(argnum, (tuple, list))
        positions = argnum if several else (argnum,)
        if not callable(fun):
            raise TypeError(f"{who}: the first argument must be a function; got {fun!r}. Write {who}(f)(x)")
        if any(type(k) is not int for k in positions):
            raise TypeError(f"{who}: argnum is the position of an argument, or several; got {argnum!r}")

        def operated(*args, **kwargs):
            def of_one(x):
                given = list(args)
                for k, value in zip(positions, x if several else (x,)):
                    given[k] = value
                return fun(*given, **kwargs)

            if not all(-len(args) <= k < len(args) for k in positions):
                given = ", ".join([f"{len(args)} by position", *(f"{name!r} by keyword" for name in kwargs)])
                raise TypeError(f"{who}: there is no argument number {argnum} by position, as it must be; got {given}")
            x = tuple(args[k] for k in positions)
            return operator(of_one, x if several else x[0], *options, **named)

        return operated

    return at_position


def conjugated(x):
    """Return a container of numbers with the complex ones conjugated: from minigrad's convention to autograd's."""
    return at_leaves(lambda leaf: leaf.conjugate() if hasattr(leaf, "conjugate") else leaf, x)


def check_numbers(y, who, one):
    """Raise unless a function returned real numbers, or one."""
    kinds = [np.dtype(getattr(x, "dtype", type(x))).kind for x in ([y] if one else leaves(y))]
    if not set("fiub").issuperset(kinds) or one and getattr(y, "size", 1) != 1:
        what = f"an array of shape {y.shape}, {y.dtype}" if hasattr(y, "shape") else repr(y)
        instead = "Take np.sum or np.mean of it, or use jacobian, elementwise_grad or holomorphic_grad"
        wanted = "one real number" if one else "real numbers"
        raise TypeError(f"{who}: the function must return {wanted}; it returned {what}. {instead}")


def value_and_slope(f, x, who, one=True):
    y, g = told.enter(higher.value_and_slope, f, x, who, functools.partial(check_numbers, who=who, one=one))
    return y, as_autograds(x, g)


def as_autograds(x, g):
    """Return a gradient with zeros in the place of None, and conjugated."""
    g = g if g is not None and type(g) in ATOMS else higher.zeros_for_none(x, g)
    if g is None:
        raise TypeError(f"there is no gradient with respect to {x!r}: give numbers, arrays or containers of them")
    return conjugated(g)


@unary_to_nary
def make_vjp(f, x):
    """Return (vjp, f(x)): the function from a gradient of the value to that of x.

    >>> vjp, y = make_vjp(lambda x: x**2)(3.0)
    >>> y, vjp(1.0)
    (9.0, 6.0)
    """
    y, back = pullback(f, x)
    return lambda g: as_autograds(x, back(conjugated(g))[0]), y


@unary_to_nary
def make_jvp(f, x):
    """Return the function from a direction v to (f(x), the derivative of f along v).

    >>> make_jvp(lambda x: x**2)(3.0)(10.0)
    (9.0, 60.0)
    """
    return lambda v: higher.jvp(f, (x,), (v,))


@unary_to_nary
def value_and_grad(f, x):
    """Return (f(x), the gradient at x).

    >>> value_and_grad(lambda x: x**2)(3.0)
    (9.0, 6.0)
    """
    return value_and_slope(f, x, "value_and_grad")


@unary_to_nary
def grad(f, x):
    """Return the gradient of one real number at x, in x's own structure; zeros where f does not depend on it.

    >>> grad(lambda x, y: x * y, argnum=(0, 1))(2.0, 3.0)
    (3.0, 2.0)
    """
    return value_and_slope(f, x, "grad")[1]


@unary_to_nary
def elementwise_grad(f, x):
    """Return the sum of the rows of the Jacobian: for functions that act element by element, the derivative.

    >>> elementwise_grad(np.square)(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return value_and_slope(f, x, "elementwise_grad", one=False)[1]


@unary_to_nary
def deriv(f, x):
    """Return the derivative of f along the direction of ones: of a function of one number, its derivative.

    >>> deriv(lambda x: np.stack([x, x**2]))(3.0)
    array([1., 6.])
    """
    return make_jvp(f)(x)(at_leaves(lambda leaf: np.ones_like(leaf)[()], x))[1]


@unary_to_nary
def jacobian(f, x):
    """Return the derivatives of every element of f by every element of x: the shape is f's, then x's.

    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    (J,) = higher.jacobian(f, x)
    return conjugated(np.zeros(np.shape(f(x)) + np.shape(x)) if J is None else J)


def hessian(fun, argnum=0):
    """Return the second derivatives of f: the shape is f's, then x's twice.

    >>> hessian(lambda x: x[0] * x[1])(np.array([1.0, 2.0]))
    array([[0., 1.],
           [1., 0.]])
    """
    return jacobian(jacobian(fun, argnum), argnum)


def holomorphic_grad(fun, argnum=0):
    """Return the derivative of a holomorphic function.

    >>> print(holomorphic_grad(lambda z: z**2)(1j))
    2j
    """
    return grad(lambda *args, **kwargs: np.real(fun(*args, **kwargs)), argnum)


@unary_to_nary
def grad_and_aux(f, x):
    """Return the gradient of the first of the two values of f (of its sum, for an array), and the second value.

    >>> grad_and_aux(lambda x: (x**2, "seen"))(3.0)
    (6.0, 'seen')
    """
    vjp, (y, aux) = make_vjp.__wrapped__(f, x)
    return vjp((np.ones_like(y)[()], None)), aux


def make_hvp(fun, argnum=0):
    """Return (the function from v to the Hessian times v, the gradient at x).

    >>> hvp, g = make_hvp(lambda x: x**3)(2.0)
    >>> hvp(1.0), g
    (12.0, 12.0)
    """
    return make_vjp(grad(fun, argnum), argnum)


def make_ggnvp(f, g=lambda y: np.sum(y**2, axis=-1) / 2, f_argnum=0):
    """Return the function of f's arguments that gives the function v -> (Gauss-Newton matrix of g(f)) v.

    >>> make_ggnvp(lambda x: 3 * x)(np.array([1.0, 2.0]))(np.array([1.0, 0.0]))
    array([9., 0.])
    """

    return unary_to_nary(lambda f, x: functools.partial(higher.ggnvp, f, g, x))(f, f_argnum)


def hessian_tensor_product(fun, argnum=0):
    """Return the function of f's arguments and a tensor v: the Hessian times v.

    >>> hessian_vector_product(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    return lambda *args, **kwargs: make_hvp(fun, argnum)(*args[:-1], **kwargs)[0](args[-1])


def tensor_jacobian_product(fun, argnum=0):
    """Return the function of f's arguments and a tensor v: v times the Jacobian.

    >>> vector_jacobian_product(np.square)(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([2., 4.])
    """
    return jacobian(lambda *args, **kw: np.tensordot(args[-1], fun(*args[:-1], **kw), np.ndim(args[-1])), argnum)


hessian_vector_product, vector_jacobian_product = hessian_tensor_product, tensor_jacobian_product


def grad_named(fun, argname):
    """Return ``grad`` by the argument of that name, which is given by position.

    >>> grad_named(lambda x, y: x * y, "y")(2.0, 3.0)
    2.0
    """
    return grad(fun, list(inspect.signature(fun).parameters).index(argname))


def multigrad_dict(fun):
    """Return the function of f's arguments that gives a dict: name of an argument -> gradient.

    >>> multigrad_dict(lambda x, y=1.0: x * y)(2.0, y=3.0)
    {'x': 3.0, 'y': 2.0}
    """

    def gradients(*args, **kwargs):
        bound = inspect.signature(fun).bind(*args, **kwargs)
        bound.apply_defaults()
        again = functools.partial(inspect.BoundArguments, bound.signature)
        return grad(lambda given: fun(*again(given).args, **again(given).kwargs))(dict(bound.arguments))

    return gradients
