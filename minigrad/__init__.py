"""minigrad: Flux's optimisers and Zygote's gradients for ordinary NumPy.

The book, in the order of reading; a chapter imports only from chapters above it:

    errors, storage, spelling    the ground floor: exceptions, what a parameter is, Greek keywords
    iddict                       a dictionary keyed by identity, weakly
    derivatives/                 THE TABLE: NumPy function -> one vjp per argument
    tape, tensor                 the record of a computation, and the array that records itself
    containers, params           nested arguments; Params and Grads
    gradient, higher, adjoint    pullback, gradient, ...; jacobian, hessian; derivatives of one's own
    buffer, arrays, gradcheck    writing inside a gradient; making Tensors; finite differences
    optimise/                    THE SECOND TABLE: formulas -> kernels -> optimisers
    schedules/                   hyperparameters that change with the step
"""

__version__ = "0.1.0"

from .adjoint import adjoint, checkpointed, dropgrad, hook, ignore, nograd
from .arrays import array, ones, rand, randn, seed, zeros
from .buffer import Buffer
from .errors import LostGradientError, MinigradError, NoDerivativeError, NonFiniteError, StrangerError
from .gradcheck import gradcheck
from .gradient import gradient, isderiving, pullback, withgradient
from .higher import diaghessian, hessian, hvp, jacobian, jvp
from .iddict import IdDict
from .optimise import Descent, apply_, update_
from .params import Grads, Params, copy_, params
from .tensor import Tensor
