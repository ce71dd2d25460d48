"""Random samples through which gradients flow: noise that depends on nothing, moved and stretched.

    normal(loc, scale)  = loc + scale * e          e from the standard normal distribution
    uniform(low, high)  = low + (high - low) * e   e uniform in [0, 1)
    gumbel(loc, scale)  = loc + scale * e          e from the standard Gumbel distribution

The noise is a constant of the gradient, so the derivative of a sample with respect to ``loc`` is 1 and
with respect to ``scale`` the noise itself.  (``np.random.normal(t, s)`` would turn a recorded Tensor into
plain numbers, and is refused.)

Source: Kingma and Welling, Auto-encoding variational Bayes, 2014 (the reparameterisation).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .arrays import array, axes, generator
from .core.storage import ndarray_or_stand_in
from .core.table import refuse_if
from .core.tensor import Tensor
from .hints import chapter

if TYPE_CHECKING:
    from .aliases import ArrayLike, Rng, Shape

__all__ = ["gumbel", "normal", "uniform"]


def normal(
    loc: ArrayLike = 0.0, scale: ArrayLike = 1.0, shape: Shape | None = None, rng: Rng = None
) -> Tensor:
    """Return normally distributed samples; differentiable with respect to ``loc`` and ``scale``.

        x = loc + scale * e,   mean loc, standard deviation scale

    Parameters
    ----------
    loc : real number, array or Tensor of any shape
    scale : real number, array or Tensor >= 0, broadcast against ``loc``
    shape : int or tuple of ints, one per axis, to which both broadcast; by default their common shape
    rng : numpy.random.Generator or a seed for one, by default the generator that ``minigrad.seed`` restarts

    Returns
    -------
    Tensor of ``shape``, in the dtype of loc and scale (float64 for whole numbers)

    Raises ValueError for a negative (or NaN) scale or a shape that does not fit, TypeError for complex
    numbers.

    Source: Kingma and Welling, Auto-encoding variational Bayes, 2014.

    >>> from minigrad import gradient
    >>> gradient(lambda m: np.mean(normal(m, 2.0, shape=5)), 1.0)
    (1.0,)
    """
    return sample(loc, scale, shape, generator(rng).standard_normal, "normal: scale must be >= 0")


def uniform(
    low: ArrayLike = 0.0, high: ArrayLike = 1.0, shape: Shape | None = None, rng: Rng = None
) -> Tensor:
    """Return samples uniform in [low, high); differentiable with respect to both ends.

        x = low + (high - low) * e,   mean (low + high) / 2, variance (high - low)^2 / 12

    Parameters
    ----------
    low, high : real numbers, arrays or Tensors that broadcast against each other, low <= high
    shape, rng : as for ``normal``

    Returns
    -------
    Tensor of ``shape``, in the dtype of low and high

    Raises ValueError if low > high somewhere, TypeError for complex numbers.

    Source: Kingma and Welling, Auto-encoding variational Bayes, 2014.

    >>> uniform(np.zeros(3), 2.0).shape
    (3,)
    """
    low, high = real(low, "uniform"), real(high, "uniform")
    return sample(low, high - low, shape, generator(rng).random, "uniform: low must be <= high")


def gumbel(
    loc: ArrayLike = 0.0, scale: ArrayLike = 1.0, shape: Shape | None = None, rng: Rng = None
) -> Tensor:
    """Return samples of the Gumbel distribution; differentiable with respect to ``loc`` and ``scale``.

        x = loc + scale * e,   mean loc + 0.5772 scale, variance (pi scale)^2 / 6

    ``argmax(logits + gumbel(0, 1, shape))`` is distributed as softmax(logits), and a softmax in the place
    of the argmax makes that differentiable.

    Parameters, returns and raises as ``normal``.

    Source: Gumbel, Statistical theory of extreme values, 1954; Jang, Gu and Poole, Categorical
    reparameterization with Gumbel-softmax, 2017.

    >>> gumbel(shape=(2, 3)).shape
    (2, 3)
    """
    return sample(loc, scale, shape, generator(rng).gumbel, "gumbel: scale must be >= 0")


def sample(loc, scale, shape, draw, rule):
    """Return ``loc + scale * draw(size=shape)``; ``rule`` is the message for a scale that is negative."""
    who = rule.partition(":")[0]
    loc, scale = real(loc, who), real(scale, who)
    got = scale if np.ndim(scale) == 0 else "an array with other entries"
    refuse_if(~np.all(scale >= 0), ValueError, f"{rule}; got {got}")
    common = np.broadcast_shapes(np.shape(loc), np.shape(scale))
    shape = common if shape is None else axes((shape,), who)
    if np.broadcast_shapes(common, shape) != shape:
        raise ValueError(f"{who}: samples of shape {shape} cannot have parameters of shape {common}")
    dtype = np.result_type(loc, scale)
    noise = ndarray_or_stand_in(draw(size=shape)).astype(dtype if dtype.kind == "f" else float)
    x = loc + scale * noise
    return x if type(x) is Tensor else Tensor(x, copy=False)


def real(x, who):
    """Return a parameter as a number or an array, after checking that it is real."""
    x = array(x) if isinstance(x, (list, tuple)) else x
    if isinstance(x, (Tensor, np.ndarray, np.generic, int, float)) and np.result_type(x).kind in "fiu":
        return x
    raise TypeError(f"{who}: the parameters are real numbers or arrays of them; got {x!r}")


chapter(__name__)
