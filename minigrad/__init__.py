"""minigrad: Flux's optimisers and Zygote's gradients for ordinary NumPy."""

__version__ = "0.1.0"

from .arrays import array, ones, rand, randn, seed, zeros
from .gradient import gradient, isderiving, pullback, withgradient
from .params import Grads, Params, copy_, params
from .tensor import Tensor
