"""minigrad: Flux's optimisers and Zygote's gradients for ordinary NumPy.

The book, in the order of reading; a chapter imports only from chapters above it:

    errors, storage, spelling       the ground floor: exceptions, what a parameter is, Greek keywords
    iddict, interrupts              a dictionary keyed by identity, weakly; Ctrl-C at the right moment
    derivatives/                    THE TABLE: NumPy function -> one vjp per argument
    tape, methods, tensor           the record of a computation; the array that records itself, its methods
    recording                       NumPy's calls -> entries of the tape
    containers, params              nested arguments; Params and Grads
    gradient, higher, adjoint       gradient and pullback; jacobian, hessian; derivatives of one's own
    arrays, sampling, joining       making Tensors; random samples with a gradient; r_ and c_
    buffer                          writing inside a gradient
    gradcheck, watch                finite differences; where a loss stopped being finite
    losses, nn/, data               losses, layers, batches: plain functions and small classes
    optimise/                       THE SECOND TABLE: formulas -> kernels -> optimisers; the training loop
    schedules/                      hyperparameters that change with the step
    files, encoding, checkpoint     files written whole or not at all; what is in them; saving and resuming
    bridge, scipy, array_api        SciPy's optimisers; SciPy's functions; the array API standard's names
"""

__version__ = "0.1.0"

from . import array_api, data, losses, nn, optimise, sampling, schedules
from .adjoint import adjoint, checkpointed, dropgrad, hook, ignore, nograd
from .arrays import array, generator, ones, rand, randn, seed, zeros
from .bridge import as_scipy
from .buffer import Buffer
from .derivatives import supported
from .derivatives.indexing import put_along_axis
from .errors import LostGradientError, MinigradError, NoDerivativeError, NonFiniteError, StrangerError
from .gradcheck import gradcheck
from .gradient import gradient, isderiving, pullback, withgradient
from .higher import diaghessian, ggnvp, hessian, hvp, jacobian, jvp
from .joining import block, c_, r_
from .losses import mse
from .optimise import *  # noqa: F403 - the chapter's own __all__
from .params import Grads, Params, copy_, params
from .schedules import *  # noqa: F403
from .tensor import Tensor

# fmt: off
__all__ = [
    "Buffer", "Grads", "LostGradientError", "MinigradError", "NoDerivativeError", "NonFiniteError",
    "Params", "StrangerError", "Tensor", "adjoint", "array", "array_api", "as_scipy", "block", "c_",
    "checkpointed", "copy_", "data", "diaghessian", "dropgrad", "generator", "ggnvp", "gradcheck",
    "gradient", "hessian", "hook", "hvp", "ignore", "isderiving", "jacobian", "jvp", "losses", "mse",
    "nn", "nograd", "ones", "optimise", "params", "pullback", "put_along_axis", "r_", "rand", "randn",
    "sampling", "schedules", "seed", "supported", "withgradient", "zeros",
    *optimise.__all__, *schedules.__all__,
]
# fmt: on
