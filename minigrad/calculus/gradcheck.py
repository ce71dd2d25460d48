"""gradcheck: compare a gradient with finite differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.gradient import gradient
from ..core.params import Params
from ..core.tensor import Tensor
from ..core.trees import leaves, places, rebuild
from ..doors import door
from ..moving import Held

if TYPE_CHECKING:
    from ..aliases import LossFunction


@door
def gradcheck(
    f: LossFunction,
    *args: Any,
    step: float | None = None,
    rtol: float | None = None,
    atol: float | None = None,
) -> bool:
    """Check the gradient of ``f`` against central differences, element by element.

        d_i = (f(x + h e_i) - f(x - h e_i)) / 2h       |gradient_i - d_i| <= atol + rtol |d_i|

    Parameters
    ----------
    f : function that returns one real number; must return the same for the same arguments
    *args : float numbers, arrays or Tensors of real or complex numbers, containers of them; or one
        Params, whose parameters are changed and put back
    step : float > 0, the h; by default eps**(1/3), relative to the size of each element
    rtol, atol : float > 0; by default 1e-6 and 1e-8 for float64, 1e-2 and 1e-3 for float32

    Returns
    -------
    True

    Raises
    ------
    AssertionError : naming the argument, its worst element, the gradient and the difference there
    TypeError : if no argument has floating-point or complex numbers, so that nothing would be checked

    >>> gradcheck(lambda x, y: np.sum(np.sin(x) * y), np.ones(3), 2.0)
    True
    """
    Held().during(check_all, f, args, step, rtol, atol)  # running statistics stay where they are
    return True


def check_all(f, args, step, rtol, atol):
    """Raise if one of the gradients is wrong."""
    names, found, arrays, evaluate = taken_apart(f, args)
    checkable = [k for k, a in enumerate(arrays) if a is not None and a.dtype.kind in "fc"]
    if not checkable:
        raise TypeError(
            "gradcheck: there is nothing to check: no argument is floating-point or complex; write 2.0 for 2"
        )
    for k in checkable:
        compare(evaluate, arrays[k], found[k], names[k], step, rtol, atol)


def taken_apart(f, args):
    """Return the names of arguments, their gradients, arrays of their numbers, and what evaluates ``f`` at these."""
    if len(args) == 1 and isinstance(args[0], Params):
        (ps,) = args
        names = [f"parameter {k}" for k in range(len(ps))]
        return names, gradient(f, ps).values(), [p.data for p in ps], lambda: float(f())
    names = [place for k, x in enumerate(args) for place in places(x, f"argument {k}")]
    kinds = leaves(args)
    arrays = [np.array(x) if is_number(x) else None for x in kinds]
    evaluate = lambda: float(f(*rebuild(args, map(as_kind, kinds, arrays))))
    return names, leaves(gradient(f, *args)), arrays, evaluate


def is_number(x):
    return isinstance(x, (float, complex, np.ndarray, np.generic, Tensor)) and not isinstance(x, bool)


def as_kind(x, a):
    """Return the changed numbers ``a`` as the kind of thing that ``x`` is."""
    if a is None:
        return x
    if type(x) is Tensor:
        return Tensor(a)
    return a.copy() if isinstance(x, np.ndarray) else a[()] if isinstance(x, np.generic) else a.item()


def compare(evaluate, a, g, name, step, rtol, atol):
    """Raise AssertionError if ``g`` is not the derivative of ``evaluate()`` with respect to ``a``."""
    coarse = np.finfo(a.dtype).eps > 1e-10
    rtol = rtol or (1e-2 if coarse else 1e-6)
    atol = atol or (1e-3 if coarse else 1e-8)
    g = np.zeros_like(a) if g is None else np.asarray(g.data if type(g) is Tensor else g)
    d = differences(evaluate, a, step or float(np.finfo(a.dtype).eps) ** (1 / 3))
    error = np.abs(g - d) - rtol * np.abs(d)
    error = np.where(np.isnan(error), np.inf, error)
    if a.size and error.max() > atol:
        worst = tuple(int(i) for i in np.unravel_index(np.argmax(error), a.shape))
        raise AssertionError(
            f"gradcheck: the gradient with respect to {name} (shape {a.shape}) is wrong, most of all at "
            f"index {worst}: gradient {g[worst]}, finite difference {d[worst]} (at x = {a[worst]}). "
            f"{int((error > atol).sum())} of {a.size} elements differ."
        )


def differences(evaluate, a, step):
    """Return the central differences of ``evaluate()`` for every element of ``a``, changed in place."""
    d = np.zeros_like(a)
    for index in np.ndindex(a.shape):
        for direction in (1, 1j) if a.dtype.kind == "c" else (1,):
            x = a[index]
            h = step * max(1.0, abs(x))
            try:
                a[index] = x + h * direction
                above, high = evaluate(), a[index]
                a[index] = x - h * direction
                below, low = evaluate(), a[index]
            finally:
                a[index] = x
            d[index] += direction * (above - below) / abs(high - low)
    return d
