"""Layers: small objects that hold parameters and are called like functions.

A layer is nothing that NumPy could not do: ``Dense(2, 3, relu)`` holds a weight W and a bias b, and
calling it gives ``relu(x @ W + b)``.  Arrays are batch first, as NumPy's users expect: (batch, ...,
features).  Anything that takes one array and returns one can stand in a Chain.

Layers are dataclasses whose fields are all they know.  So ``params(model)`` finds their Tensors,
``gradient(f, model)`` gives a gradient of the model's own shape, and ``destructure`` takes a model
apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from ..arrays import generator, ones, rand, randn, zeros
from ..calculus.adjoint import dropgrad
from ..core.table import refuse_if
from ..core.tensor import Tensor
from ..core.trees import named_tensors
from ..derivatives.calls import as_array
from ..derivatives.compound import normalise
from ..doors import door, shorten
from ..fields import readable
from ..moving import RunningStatistics
from .activations import as_activation, identity
from .initialisers import glorot_uniform
from .precision import in_precision, taken
from .printing import Printed, call_of, listing_of_chain

T = TypeVar("T")


def layer(cls: type[T]) -> type[T]:
    """Class decorator of layers: a dataclass with a constructor of its own."""
    return door(dataclass(cls, init=False, repr=False, eq=False))


@layer
class Chain(Printed):
    """Layers and functions, one after the other: ``Chain(f, g)(x)`` is ``g(f(x))``.

    Parameters
    ----------
    *layers : layers, or any functions of one array
    dtype : None for the layers themselves; or float32, float64, ...: for copies of them in that precision, as
        ``f32`` and ``f64`` make them

    ``chain[0]`` is a layer, ``chain[1:]`` a Chain of the same layers; iteration and ``len`` go over
    the layers.

    Raises TypeError for what cannot be called.

    Source: Flux 0.13 ``Chain``.

    >>> from minigrad.nn import relu
    >>> model = Chain(Dense(64, 32, relu), Dense(32, 10))
    >>> model
    Chain(
        Dense(64, 32, relu),  # 2,080 parameters
        Dense(32, 10),        # 330 parameters
    )                         # 2,410 parameters
    >>> model(np.ones((5, 64))).shape
    (5, 10)
    >>> Chain(Dense(64, 32, relu), Dense(32, 10), dtype=np.float32)[0].W.dtype
    dtype('float32')
    """

    layers: list

    def __init__(self, *layers: Callable[[Any], Any], dtype: Any = None) -> None:
        for position, one in enumerate(layers):
            if not callable(one):
                raise TypeError(
                    f"Chain: argument {position + 1} is a {type(one).__name__}, which cannot be called; a Chain is "
                    "made of layers and functions, Chain(a, b), and of those in a list by Chain(*layers)"
                )
        self.layers = list(layers) if dtype is None else in_precision(list(layers), dtype)

    def __call__(self, x: Any) -> Any:
        try:
            for layer in self.layers:
                x = layer(x)
            return x
        except Exception as error:
            shorten(error)
            raise

    def __getitem__(self, index: Any) -> Any:
        return Chain(*self.layers[index]) if isinstance(index, slice) else self.layers[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)

    def __len__(self):
        return len(self.layers)

    def listing(self):
        return listing_of_chain(self.layers)


@layer
class Dense(Printed):
    """A fully connected layer: ``activation(x @ W + b)``.

        x : (..., n_in)   ->   (..., n_out)

    Parameters
    ----------
    n_in, n_out : ints >= 1, features that come in and go out
    activation : function of an array
    bias : bool, whether there is a b; it starts at 0
    init : initialiser of W
    dtype : float64 or float32; give x in the same
    rng : numpy.random.Generator or a seed, by default the generator that ``minigrad.seed`` restarts

    Attributes
    ----------
    W : Tensor of shape (n_in, n_out)
    b : Tensor of shape (n_out,), or None

    Raises (when called) ValueError if the last axis of x is not n_in long.

    Differs from Flux: batch first, so W is (n_in, n_out) where Flux has (n_out, n_in); float64 by
    default.

    Source: Flux 0.13 ``Dense``.

    >>> Dense(2, 3)(np.ones((5, 2))).shape
    (5, 3)
    """

    W: Tensor
    b: Tensor
    activation: Callable

    @readable
    def __init__(
        self,
        n_in: int,
        n_out: int,
        activation: Callable[[Any], Any] = identity,
        *,
        bias: bool = True,
        init: Callable[..., Tensor] = glorot_uniform,
        dtype: Any = float,
        rng: Any = None,
    ) -> None:
        self.W = init(n_in, n_out, dtype=dtype, rng=rng)
        self.b = zeros(n_out, dtype=dtype) if bias else None
        self.activation = as_activation("Dense", activation)

    def __call__(self, x: Any) -> Any:
        try:
            x = taken(self, x, self.W)
            check_features("Dense", x, self.W.shape[0])
            y = x @ self.W
            return self.activation(y if self.b is None else y + self.b)
        except Exception as error:
            shorten(error)
            raise

    def spelled(self):
        without = {"bias": False} if self.b is None else {}
        return call_of("Dense", *self.W.shape, self.activation, **without)


@layer
class Dropout(Printed):
    """While training, sets a random part of the numbers to 0 and scales the others up.

        x : any shape   ->   the same shape;   each element is 0 with probability p, else x / (1 - p)

    Whether one trains is said, never guessed: ``trainmode_(model)`` before training,
    ``testmode_(model)`` before the model is used.  In test mode the layer returns x.

    Parameters
    ----------
    p : float in [0, 1), the part that is dropped
    training : bool, or None until one of the two functions says it
    rng : numpy.random.Generator or a seed, by default the generator that ``minigrad.seed`` restarts

    Raises
    ------
    ValueError : if p is out of range; when called, if nobody said whether this is training

    Differs from Flux: there a gradient call counts as training.

    Source: Srivastava et al. 2014; Flux 0.13 ``Dropout``.

    >>> layer = Dropout(0.5, training=False)
    >>> layer, layer(np.ones(3))
    (Dropout(0.5), array([1., 1., 1.]))
    """

    p: float
    training: bool
    rng: object

    def __init__(self, p: float, training: bool | None = None, *, rng: Any = None) -> None:
        if not 0 <= p < 1:
            raise ValueError(f"Dropout: p is the part that is dropped, at least 0 and less than 1; got {p!r}")
        self.p, self.training = p, training
        self.rng = None if rng is None else generator(rng)

    @door
    def __call__(self, x: Any) -> Any:
        if not is_training(self):
            return x
        p = constant(self.p)
        kept = rand(*x.shape, dtype=np.float32, rng=self.rng).data >= p
        return x * (kept.astype(x.dtype) / (1 - p))

    def spelled(self):
        return call_of("Dropout", self.p)


@layer
class LayerNorm(Printed):
    """Brings the features of each sample to mean 0 and standard deviation 1, then scales and shifts them.

        x : (..., n)   ->   (..., n):   scale * (x - mean) / (std + epsilon) + shift

    Parameters
    ----------
    n : int >= 1, features; mean and standard deviation are taken over this last axis
    epsilon : float > 0
    dtype : float64 or float32

    Attributes
    ----------
    scale, shift : Tensors of shape (n,), at first ones and zeros

    Raises (when called) ValueError if the last axis of x is not n long.

    Differs from Ba et al.: epsilon is added to the standard deviation, as in Flux, not to the variance.

    Source: Ba et al. 2016, arXiv:1607.06450; Flux 0.13 ``LayerNorm``.

    >>> LayerNorm(2, epsilon=0.0)(np.array([[1.0, 3.0]]))
    Tensor([[-1.,  1.]])
    """

    scale: Tensor
    shift: Tensor
    epsilon: float

    def __init__(self, n: int, *, epsilon: float = 1e-5, dtype: Any = float) -> None:
        self.scale, self.shift = ones(n, dtype=dtype), zeros(n, dtype=dtype)
        self.epsilon = epsilon

    @door
    def __call__(self, x: Any) -> Any:
        x = taken(self, x, self.scale)
        check_features("LayerNorm", x, self.scale.shape[0])
        return self.scale * normalise(x, -1, constant(self.epsilon)) + self.shift

    def spelled(self):
        return call_of("LayerNorm", *self.scale.shape)


@layer
class BatchNorm(Printed):
    """Brings each feature to mean 0 and variance 1 over the batch, then scales and shifts it.

        x : (batch, ..., n)   ->   (batch, ..., n):   activation(scale * (x - mean) / sqrt(var + epsilon) + shift)

    While training, mean and variance are those of the batch, over all axes but the last, and the running ones move
    towards them; in test mode they are the running ones.  Whether one trains is said, never guessed:
    ``trainmode_(model)`` before training, ``testmode_(model)`` before the model is used.

    Parameters
    ----------
    n : int >= 1, features, or the channels of images
    activation : function of an array
    epsilon : float > 0, added to the variance
    momentum : float in [0, 1], **the part of the new batch**: running <- (1 - momentum) * running + momentum * batch
    training : bool, or None until one of the two functions says it
    dtype : float64 or float32

    Attributes
    ----------
    scale, shift : Tensors of shape (n,), at first ones and zeros
    running : its ``mean`` and ``var`` are ndarrays of shape (n,), at first zeros and ones.  They are no parameters;
        checkpoints and ``broadcast_`` take them with the model

    Raises
    ------
    ValueError : if momentum is out of range; when called, if nobody said whether this is training, the last axis of x
        is not n long, or there is only one number for each feature in training; TypeError for complex numbers

    Notes
    -----
    The batch is divided by the variance of these very numbers, the sum of squares over m; the running variance is the
    estimate for all of them, over m - 1: as in Flux and PyTorch.

    The running statistics move once for each time that a training layer is called: in a loop of your own with every
    ``gradient`` of the loss, also if no step follows; in ``train_`` and compiled steps together with the step, and
    not at all if it is not made.  What looks at the loss again moves nothing: ``gradcheck``, SAM, ``checkpointed``,
    ``trace``, ``lr_find``, ``landscape``, the validation of ``train_``.  A batch with NaN or infinity moves nothing.
    Of several processes (``distributed``) each takes the mean and variance of its own share; the running ones move
    by the means over all shares, alike everywhere.

    Differs from Flux: batch first and features last; a gradient call alone does not count as training.

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167; Flux 0.13 ``BatchNorm``.

    >>> layer = BatchNorm(2, training=True, epsilon=0.0)
    >>> layer, layer(np.array([[1.0, 10.0], [3.0, 30.0]])).data.tolist()
    (BatchNorm(2)  # 4 parameters, [[-1.0, -1.0], [1.0, 1.0]])
    >>> layer.running.mean, layer.running.var
    (array([0.2, 2. ]), array([ 1.1, 20.9]))
    """

    scale: Tensor
    shift: Tensor
    activation: Callable
    running: RunningStatistics
    epsilon: float
    momentum: float
    training: bool

    @readable
    def __init__(
        self,
        n: int,
        activation: Callable[[Any], Any] = identity,
        *,
        epsilon: float = 1e-5,
        momentum: float = 0.1,
        training: bool | None = None,
        dtype: Any = float,
    ) -> None:
        if momentum is None or not 0 <= momentum <= 1:
            raise ValueError(f"BatchNorm: momentum is the part of the new batch, from 0 to 1; got {momentum!r}")
        self.scale, self.shift = ones(n, dtype=dtype), zeros(n, dtype=dtype)
        self.activation, self.running = as_activation("BatchNorm", activation), RunningStatistics(n, dtype)
        self.epsilon, self.momentum, self.training = epsilon, momentum, training

    @door
    def __call__(self, x: Any) -> Any:
        x, n = taken(self, x, self.scale), self.scale.shape[0]
        check_features("BatchNorm", x, n)
        if x.dtype.kind == "c":
            raise TypeError("BatchNorm takes real numbers; real and imaginary parts may be features of their own")
        if is_training(self):
            centred, var = self.centred(x, x.size // n)
        else:
            mean, var = [part.astype(self.scale.dtype) for part in (self.running.mean, self.running.var)]
            centred = x - mean
        return self.activation(centred * (self.scale / np.sqrt(var + constant(self.epsilon))) + self.shift)

    def centred(self, x, m):
        """Return x without the mean of each feature's m numbers, and their variance; let the running ones move."""
        if m < 2:
            raise ValueError(
                f"BatchNorm: in training each feature needs two numbers or more, and x of shape {x.shape} has {m}. "
                "Give larger batches (the last one of an epoch may be smaller: DataLoader(..., partial=False) leaves "
                "it out), or call testmode_(model) if this is no training"
            )
        axes = tuple(range(x.ndim - 1))
        mean = np.mean(x, axes)
        centred = x - mean
        var = np.mean(np.square(centred), axes)
        self.running.move_(constant(self.momentum), mean, var * (m / (m - 1)))
        return centred, var

    def spelled(self):
        return call_of("BatchNorm", *self.scale.shape, self.activation)


@layer
class Embedding(Printed):
    """A table with one row of numbers per item (character, word, ...): ``W[items]``.

        items : integers of any shape (...)   ->   (..., n_out)

    Parameters
    ----------
    n_in : int >= 1, how many items there are; they are numbered from 0
    n_out : int >= 1, features
    init : initialiser of W
    dtype : float64 or float32
    rng : numpy.random.Generator or a seed, by default the generator that ``minigrad.seed`` restarts

    Attributes
    ----------
    W : Tensor of shape (n_in, n_out)

    Raises (when called) TypeError for what are no integers, IndexError for an item out of range.

    Differs from Flux: one item per row of W, and items count from 0.

    Source: Flux 0.13 ``Embedding``.

    >>> Embedding(26, 4)([[7, 0], [7, 8]]).shape
    (2, 2, 4)
    """

    W: Tensor

    @readable
    def __init__(
        self, n_in: int, n_out: int, *, init: Callable[..., Tensor] = randn, dtype: Any = float, rng: Any = None
    ) -> None:
        self.W = init(n_in, n_out, dtype=dtype, rng=rng)

    @door
    def __call__(self, items: Any) -> Any:
        items, n = as_array(items), self.W.shape[0]
        if items.dtype.kind not in "iu":
            raise TypeError(f"Embedding: the items are integers from 0 to {n - 1}; got {items.dtype}")
        if items.size:
            why = f"Embedding: the items go from 0 to {n - 1}; got {items.min()} to {items.max()}"
            refuse_if(np.any((items < 0) | (items >= n)), IndexError, why)
        return self.W[items]

    def spelled(self):
        return call_of("Embedding", *self.W.shape)


def flatten(x: Any) -> Any:
    """Return ``x`` with all axes but the first made one: (batch, a, b, ...) gives (batch, a * b * ...).

    Differs from Flux: the batch is the first axis, not the last.

    Source: Flux 0.13 ``flatten``.

    >>> flatten(np.ones((5, 8, 8, 1))).shape
    (5, 64)
    """
    return np.reshape(x, (x.shape[0], math.prod(x.shape[1:])))


# ------------------------------------------------------------------------------------ training or not
def trainmode_(model: Any, training: bool = True) -> Any:
    """Tell every Dropout and BatchNorm in a model that it is training; overwrites and returns the model.

    Parameters
    ----------
    model : layer, nested containers of layers, or any object whose attributes hold them
    training : bool

    Source: Flux 0.13 ``trainmode!``.

    >>> trainmode_(Chain(Dropout(0.5)))[0].training
    True
    """
    for _, found in named_tensors(model, kinds=(Dropout, BatchNorm)):
        found.training = training
    return model


def testmode_(model: Any) -> Any:
    """Tell every Dropout and BatchNorm in a model that it is not training; overwrites and returns the model.

    Parameters
    ----------
    model : layer, nested containers of layers, or any object whose attributes hold them

    Source: Flux 0.13 ``testmode!``.

    >>> testmode_(Chain(Dropout(0.5)))[0].training
    False
    """
    return trainmode_(model, False)


def is_training(layer):
    """Say whether a layer is training; raise if nobody has told it."""
    if layer.training is None:
        name = type(layer).__name__
        raise ValueError(
            f"{name}: training or not? Call trainmode_(model) before training and testmode_(model) before the model "
            f"is used, or make the layer with {name}(..., training=...)"
        )
    return layer.training


testmode_.__test__ = False  # its name makes pytest take it for a test


# ------------------------------------------------------------------------------- what layers check
def check_features(name, x, n):
    """Raise unless the last axis of ``x`` has length n."""
    shape = getattr(x, "shape", ())
    if shape[-1:] != (n,):
        raise ValueError(
            f"{name} takes arrays of shape (..., {n}), batch first and features last; got shape {shape}"
        )


def constant(x):
    """Return a hyperparameter as a plain number, also where the model itself is being differentiated."""
    return float(dropgrad(x))
