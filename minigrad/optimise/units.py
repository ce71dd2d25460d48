"""Rules that look at each unit of a layer: the elements that make one of its outputs.  They are NumPy on whole arrays.

``unit`` is the axis that tells units apart, or several.  It is the last one for layers here, whose weights are
``(n_in, n_out)`` or ``(*window, n_in, n_out)``, and 0 for arrays in PyTorch's order.  A vector is one unit.
"""

from typing import Annotated, Any

import numpy as np

from ..fields import Check, checked
from .apply import apply_
from .arrays import native
from .route import target
from .rules import AbstractOptimiser, Nonnegative, Threshold


@Check
def axes(value, where):
    """One axis or several, as whole numbers."""
    several = value if isinstance(value, (tuple, list)) else (value,)
    if not several or any(isinstance(each, bool) or not isinstance(each, (int, np.integer)) for each in several):
        raise TypeError(f"{where} must be a whole number or a tuple of such, got {value!r}")
    return tuple(map(int, several)) if isinstance(value, (tuple, list)) else int(value)


Axes = Annotated[Any, axes]


def along(unit, x):
    """The axes along which the units of an array lie."""
    if x.ndim < 2:
        return None
    apart = {range(x.ndim)[axis] for axis in (unit if isinstance(unit, tuple) else (unit,))}
    return tuple([axis for axis in range(x.ndim) if axis not in apart])


@checked()
class ClipUnitNorm(AbstractOptimiser):
    """Shorten the gradient of each unit whose norm is above a part of the unit's own: adaptive gradient clipping.

        step = dx * min(1, clipping * max(norm(x), epsilon) / norm(dx))          for every unit by itself

    Parameters
    ----------
    clipping : number > 0     the largest norm of a gradient per norm of its unit
    epsilon : number >= 0     what shorter units count as
    unit : whole number or a tuple of such     the axis, or axes, that tell units apart

    It is no formula, so what stands before and behind it is not fused with it.  The same as optax's
    ``adaptive_grad_clip``, but that arrays of three axes need ``unit=(1, 2)``.

    Reference: Brock et al. 2021 (arXiv:2102.06171).  Not in Flux.

    >>> ClipUnitNorm()
    ClipUnitNorm(clipping=0.01, epsilon=0.001, unit=-1)
    """

    clipping: Threshold = 0.01
    epsilon: Nonnegative = 1e-3
    unit: Axes = -1


@apply_.register
def apply_unit_clipping(opt: ClipUnitNorm, x, dx):
    x = target(x)
    weights, dx = (np.asarray(a, native(x.dtype)) for a in (x, dx))
    size, weight = (norms(a, along(opt.unit, x)) for a in (dx, weights))
    most = opt.clipping * np.maximum(weight, opt.epsilon)
    return (dx * np.where(size < most, 1, most / np.maximum(size, 1e-6))).astype(x.dtype)


def norms(a, axis):
    """The norm of each unit, of the real type, to be broadcast."""
    return np.sqrt(np.sum(a.real**2 + a.imag**2 if np.iscomplexobj(a) else a * a, axis=axis, keepdims=True))


@checked()
class Centralise(AbstractOptimiser):
    """Take the mean off the gradient of each unit.

        step = dx - mean(dx)          for every unit by itself; vectors and numbers pass as they are

    Parameters
    ----------
    unit : whole number or a tuple of such     the axis, or axes, that tell units apart

    It is no formula, so what stands before and behind it is not fused with it.  optax's ``centralize`` is
    ``Centralise(unit=0)``.

    Reference: Yong et al. 2020 (arXiv:2004.01461).  Not in Flux.

    >>> Centralise()
    Centralise(unit=-1)
    """

    unit: Axes = -1


@apply_.register
def apply_centralisation(opt: Centralise, x, dx):
    x = target(x)
    if x.ndim < 2:
        return np.array(dx, x.dtype)
    dx = np.asarray(dx, native(x.dtype))
    return (dx - np.mean(dx, axis=along(opt.unit, x), keepdims=True)).astype(x.dtype) if dx.size else np.array(dx)
