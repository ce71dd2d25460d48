"""Initialisers: the random numbers that a layer starts from.

Each keeps the size of the numbers about the same from layer to layer.  The scale follows from how
many inputs each output adds up (``fan_in``) and how many outputs each input reaches (``fan_out``).
A weight has the shape (*window, inputs, outputs), the window being that of a convolution:

    fan_in = inputs * prod(window),   fan_out = outputs * prod(window)
"""

import math

from ..arrays import rand, randn

SQRT_2 = math.sqrt(2)  # relu passes half of the numbers on


def glorot_uniform(*shape, gain=1.0, dtype=float, rng=None):
    """Return a Tensor uniform in (-s, s) with ``s = gain * sqrt(6 / (fan_in + fan_out))``.

    For layers with tanh, sigmoid or no activation.

    Parameters
    ----------
    *shape : ints >= 0: (inputs, outputs), or (*window, inputs, outputs)
    gain : float > 0
    dtype : float64 or float32
    rng : numpy.random.Generator or a seed, by default the generator that ``minigrad.seed`` restarts

    Differs from Flux: the outputs are the last axis, not the first.

    Source: Glorot and Bengio 2010; Flux 0.13 ``glorot_uniform``.

    >>> bool(abs(glorot_uniform(2, 4).data).max() < 1)
    True
    """
    fan_in, fan_out = fans(shape)
    return spread(shape, gain * math.sqrt(6 / (fan_in + fan_out)), dtype, rng)


def glorot_normal(*shape, gain=1.0, dtype=float, rng=None):
    """Return a normal Tensor of standard deviation ``gain * sqrt(2 / (fan_in + fan_out))``.

    For layers with tanh, sigmoid or no activation.  Parameters as ``glorot_uniform``.

    Source: Glorot and Bengio 2010; Flux 0.13 ``glorot_normal``.

    >>> glorot_normal(2, 4).shape
    (2, 4)
    """
    fan_in, fan_out = fans(shape)
    return randn(*shape, dtype=dtype, rng=rng) * (gain * math.sqrt(2 / (fan_in + fan_out)))


def kaiming_uniform(*shape, gain=SQRT_2, dtype=float, rng=None):
    """Return a Tensor uniform in (-s, s) with ``s = gain * sqrt(3 / fan_in)``.

    For layers with relu.  Parameters as ``glorot_uniform``.

    Source: He et al. 2015, arXiv:1502.01852; Flux 0.13 ``kaiming_uniform``.

    >>> bool(abs(kaiming_uniform(6, 4).data).max() < 1)
    True
    """
    return spread(shape, gain * math.sqrt(3 / fans(shape)[0]), dtype, rng)


def kaiming_normal(*shape, gain=SQRT_2, dtype=float, rng=None):
    """Return a normal Tensor of standard deviation ``gain / sqrt(fan_in)``.

    For layers with relu.  Parameters as ``glorot_uniform``.

    Source: He et al. 2015, arXiv:1502.01852; Flux 0.13 ``kaiming_normal``.

    >>> kaiming_normal(3, 3, 1, 16).shape
    (3, 3, 1, 16)
    """
    return randn(*shape, dtype=dtype, rng=rng) * (gain / math.sqrt(fans(shape)[0]))


def spread(shape, s, dtype, rng):
    """Return a Tensor uniform in (-s, s)."""
    return (rand(*shape, dtype=dtype, rng=rng) - 0.5) * (2 * s)


def fans(shape):
    """Return (fan_in, fan_out) of a weight of this shape.

    >>> fans((64, 10)), fans((3, 3, 1, 16)), fans((5,))
    ((64, 10), (9, 144), (1, 5))
    """
    *window, inputs, outputs = (1, *shape) if len(shape) < 2 else shape
    window = math.prod(window)
    return max(1, inputs * window), max(1, outputs * window)
