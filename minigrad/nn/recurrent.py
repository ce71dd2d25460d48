"""Recurrent layers: one step per moment of a sequence, with a state that is carried along.

Sequences are batch first: (batch, time, features).  Calling a layer gives the outputs of all
moments; ``layer.unroll(x, state)`` starts from a given state and returns the last one too, so that
a long sequence can be read in pieces.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import generator, zeros
from ..core.tensor import Tensor
from ..derivatives.compound import sigmoid
from ..doors import door, shorten
from ..fields import readable
from ..hints import result_is_unpacked
from .activations import as_activation
from .initialisers import glorot_uniform
from .layers import check_features, layer
from .precision import taken
from .printing import Printed, call_of


class Recurrent(Printed):
    """The loop over time that RNN, LSTM and GRU share; each of them defines ``start`` and ``step``."""

    gates = 1  # how many times n_out the step needs

    @readable
    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        init: Callable[..., Tensor] = glorot_uniform,
        dtype: Any = float,
        rng: Any = None,
    ) -> None:
        rng = generator(rng)
        self.Wi = init(n_in, self.gates * n_out, dtype=dtype, rng=rng)
        self.Wh = init(n_out, self.gates * n_out, dtype=dtype, rng=rng)
        self.b = zeros(self.gates * n_out, dtype=dtype)

    def __call__(self, x: Any, *state: Any) -> Any:
        if state:
            raise TypeError(f"{type(self).__name__}: a state is given to outputs, state = layer.unroll(x, state)")
        if result_is_unpacked():
            raise TypeError(
                f"{type(self).__name__}: a layer called gives one array, the outputs of all moments. Write "
                "outputs, state = layer.unroll(x), which gives the last state, too"
            )
        try:
            return self.unroll(x)[0]
        except Exception as error:
            shorten(error)
            raise

    @door
    def unroll(self, x, state=None):
        """Return the outputs (batch, time, n_out) and the state after the last moment.

        Parameters
        ----------
        x : array of shape (batch, time, n_in), time at least 1
        state : what an earlier call returned, by default zeros; inside a gradient call, gradients
            flow into it, unless it is given as ``dropgrad(state)``

        Raises ValueError for another shape.
        """
        x = taken(self, x, self.Wi)
        check_features(type(self).__name__, x, self.Wi.shape[0])
        if len(x.shape) != 3 or x.shape[1] == 0:
            raise ValueError(
                f"{type(self).__name__} takes arrays of shape (batch, time, {self.Wi.shape[0]}), time at "
                f"least 1; got shape {x.shape}"
            )
        if state is None:
            state = self.start(x.shape[0])
        outputs = []
        for moment in np.split(x @ self.Wi + self.b, x.shape[1], 1):
            state, y = self.step(state, np.squeeze(moment, 1))
            outputs.append(y)
        return np.stack(outputs, 1), state

    def start(self, batch):
        """Return the state before the first moment: zeros of shape (batch, n_out)."""
        return np.zeros((batch, self.Wh.shape[0]), self.Wh.dtype)

    def spelled(self):
        return call_of(type(self).__name__, self.Wi.shape[0], self.Wh.shape[0])


@layer
class RNN(Recurrent):
    """The plain recurrent layer: ``h = activation(x @ Wi + h @ Wh + b)``.

        x : (batch, time, n_in)   ->   every h: (batch, time, n_out)

    Parameters
    ----------
    n_in, n_out : ints >= 1, features that come in and go out
    activation : function of an array
    init : initialiser of Wi and Wh
    dtype : float64 or float32; give x in the same
    rng : numpy.random.Generator or a seed, by default the generator that ``minigrad.seed`` restarts

    Attributes
    ----------
    Wi, Wh, b : Tensors of shapes (n_in, n_out), (n_out, n_out), (n_out,)

    Raises (when called) ValueError if x has another shape.

    Differs from Flux: a whole sequence goes in, batch first; the state is an argument, not kept.

    Source: Elman 1990; Flux 0.13 ``RNN``.

    >>> layer = RNN(2, 3)
    >>> layer, layer(np.ones((5, 7, 2))).shape
    (RNN(2, 3)  # 18 parameters, (5, 7, 3))
    """

    Wi: Tensor
    Wh: Tensor
    b: Tensor
    activation: Callable

    @readable
    def __init__(
        self, n_in: int, n_out: int, activation: Callable[[Any], Any] = np.tanh, **options: Any
    ) -> None:
        super().__init__(n_in, n_out, **options)
        self.activation = as_activation(type(self).__name__, activation)

    def step(self, h, x):
        h = self.activation(x + h @ self.Wh)
        return h, h

    def spelled(self):
        unusual = [] if self.activation is np.tanh else [self.activation]
        return call_of("RNN", *self.Wi.shape, *unusual)


@layer
class LSTM(Recurrent):
    """Long short-term memory: a state of two, output h and memory c, with three gates.

        i, f, g, o = split(x @ Wi + h @ Wh + b)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)

        x : (batch, time, n_in)   ->   every h: (batch, time, n_out)

    Parameters
    ----------
    n_in, n_out : ints >= 1, features that come in and go out
    init : initialiser of Wi and Wh
    dtype : float64 or float32; give x in the same
    rng : numpy.random.Generator or a seed, by default the generator that ``minigrad.seed`` restarts

    Attributes
    ----------
    Wi, Wh, b : Tensors of shapes (n_in, 4 n_out), (n_out, 4 n_out), (4 n_out,); the b of the forget
        gate f starts at 1, the others at 0

    Raises (when called) ValueError if x has another shape.

    Differs from Flux: a whole sequence goes in, batch first; the state is an argument, not kept.

    Source: Hochreiter and Schmidhuber 1997; Flux 0.13 ``LSTM``.

    >>> layer = LSTM(2, 3)
    >>> layer, layer(np.ones((5, 7, 2))).shape
    (LSTM(2, 3)  # 72 parameters, (5, 7, 3))
    """

    Wi: Tensor
    Wh: Tensor
    b: Tensor
    gates = 4

    def __init__(self, n_in: int, n_out: int, **options: Any) -> None:
        super().__init__(n_in, n_out, **options)
        self.b[n_out : 2 * n_out] = 1

    def start(self, batch):
        """Return the state before the first moment: two arrays of zeros of shape (batch, n_out)."""
        return super().start(batch), super().start(batch)

    def step(self, state, x):
        h, c = state
        i, f, g, o = np.split(x + h @ self.Wh, 4, -1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        return (h, c), h


@layer
class GRU(Recurrent):
    """Gated recurrent unit: an LSTM with one state and two gates.

        xr, xz, xn = split(x @ Wi + b);   hr, hz, hn = split(h @ Wh)
        z = sigmoid(xz + hz);   n = tanh(xn + sigmoid(xr + hr) * hn)
        h = (1 - z) * n + z * h

        x : (batch, time, n_in)   ->   every h: (batch, time, n_out)

    Parameters
    ----------
    n_in, n_out : ints >= 1, features that come in and go out
    init : initialiser of Wi and Wh
    dtype : float64 or float32; give x in the same
    rng : numpy.random.Generator or a seed, by default the generator that ``minigrad.seed`` restarts

    Attributes
    ----------
    Wi, Wh, b : Tensors of shapes (n_in, 3 n_out), (n_out, 3 n_out), (3 n_out,)

    Raises (when called) ValueError if x has another shape.

    Differs from Flux: a whole sequence goes in, batch first; the state is an argument, not kept.

    Source: Cho et al. 2014, arXiv:1406.1078; Flux 0.13 ``GRU``.

    >>> layer = GRU(2, 3)
    >>> layer, layer(np.ones((5, 7, 2))).shape
    (GRU(2, 3)  # 54 parameters, (5, 7, 3))
    """

    Wi: Tensor
    Wh: Tensor
    b: Tensor
    gates = 3

    def step(self, h, x):
        xr, xz, xn = np.split(x, 3, -1)
        hr, hz, hn = np.split(h @ self.Wh, 3, -1)
        z = sigmoid(xz + hz)
        n = np.tanh(xn + sigmoid(xr + hr) * hn)
        h = n + z * (h - n)
        return h, h
