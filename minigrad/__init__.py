"""minigrad: Flux's optimisers and Zygote's gradients for ordinary NumPy.

The book, in the order of reading; a chapter imports only from chapters above it:

    errors, storage, spelling, tape  the ground floor: exceptions, what a parameter is, Greek keywords, the record
    iddict, interrupts              a dictionary keyed by identity, weakly; Ctrl-C at the right moment
    derivatives/                    THE TABLE: NumPy function -> one vjp per argument
    methods, tensor                 the array that records itself, its methods
    recording, recorders            NumPy's calls -> entries of the tape; the short way for most of them
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

import importlib
from typing import TYPE_CHECKING

from . import array_api, recorders  # noqa: F401
from .adjoint import adjoint, checkpointed, dropgrad, hook, ignore, nograd
from .arrays import array, generator, ones, rand, randn, seed, zeros
from .buffer import Buffer
from .derivatives import supported
from .derivatives.indexing import put_along_axis
from .errors import LostGradientError, MinigradError, NoDerivativeError, NonFiniteError, StrangerError
from .gradcheck import gradcheck
from .gradient import gradient, isderiving, pullback, withgradient
from .higher import diaghessian, ggnvp, hessian, hvp, jacobian, jvp
from .params import Grads, Params, copy_, params
from .tensor import Tensor

if TYPE_CHECKING:  # what __getattr__ below finds
    from . import checkpoint, data, nn, sampling  # noqa: F401
    from .bridge import as_scipy  # noqa: F401
    from .joining import block, c_, r_  # noqa: F401
    from .losses import *  # noqa: F403
    from .optimise import *  # noqa: F403
    from .schedules import *  # noqa: F403

# What is not needed to differentiate is imported when one of its names is first asked for.
_LATER = {
    "bridge": "as_scipy",
    "checkpoint": "",
    "data": "",
    "joining": "block c_ r_",
    "losses": """
        binarycrossentropy crossentropy hinge_loss huber_loss kldivergence label_smoothing
        logitbinarycrossentropy logitcrossentropy mae mse poisson_loss
    """,
    "nn": "",
    "optimise": """
        ADADelta ADAGrad ADAM ADAMW AMSGrad AbstractOptimiser AccumGrad AdaBelief AdaDelta AdaGrad
        AdaMax Adam AdamW ClipGlobalNorm ClipNorm ClipValue Context Descent ExpDecay IdDict InvDecay
        Lion Lookahead Momentum NADAM NAdam Nesterov OADAM OAdam Optimiser RADAM RAdam RMSProp Rprop
        WeightDecay apply_ early_stopping epochs get_num_threads load_state_ patience plateau rule
        set_num_threads skip state_dict stop throttle train_ train_step_ update_
    """,
    "sampling": "",
    "schedules": """
        ComposedSchedule Constant Cos CosAnneal CosRestarts Exp Interpolator Inv Loop OneCycle Plateau
        Poly Schedule Scheduler Sequence Shifted Shortened Sin SinDecay2 SinExp Stateful Step StepError
        Triangle TriangleDecay2 TriangleExp WSD Warmup next_ plot reset_ reverse symmetric
    """,
}
_CHAPTER_OF = {name: chapter for chapter, names in _LATER.items() for name in (chapter, *names.split())}

# fmt: off
__all__ = [
    "Buffer", "Grads", "LostGradientError", "MinigradError", "NoDerivativeError", "NonFiniteError", "Params",
    "StrangerError", "Tensor", "adjoint", "array", "array_api", "checkpointed", "copy_", "diaghessian",
    "dropgrad", "generator", "ggnvp", "gradcheck", "gradient", "hessian", "hook", "hvp", "ignore",
    "isderiving", "jacobian", "jvp", "nograd", "ones", "params", "pullback", "put_along_axis", "rand", "randn",
    "seed", "supported", "withgradient", "zeros", *_CHAPTER_OF,
]
# fmt: on


# What other libraries call it, and how it is done here.
_ELSEWHERE = {
    "grad": "gradient(f, x) returns the gradients at x; as a function of x it is lambda x: gradient(f, x)[0]",
    "value_and_grad": "value, grads = withgradient(f, x)",
    "vjp": "y, back = pullback(f, x)",
    "no_grad": "only gradient(...) records; inside it, dropgrad(t) and ignore(f) are constants",
    "stop_gradient": "dropgrad(t)",
    "optim": "optimisers stand in minigrad itself, as in minigrad.ADAM()",
    "SGD": "Descent(eta), or Momentum(eta, rho)",
    "jit": "nothing needs compiling by hand; optimisers compile their steps themselves",
    "vmap": "write the function for a batch; NumPy broadcasts",
}


def _how(name):
    """Return what to write instead of a name that is not here, for the error's message."""
    if name in _ELSEWHERE:
        return f": {_ELSEWHERE[name]}"
    if f"{name}_" in __all__:
        return f": it is {name}_ here; the underscore says that it overwrites an argument"
    return f": it is minigrad.nn.{name}" if name in importlib.import_module(".nn", __name__).__all__ else ""


def __getattr__(name):
    if name not in _CHAPTER_OF:
        how = "" if name.startswith("_") else _how(name)
        raise AttributeError(f"module 'minigrad' has no attribute {name!r}{how}")
    chapter = importlib.import_module(f".{_CHAPTER_OF[name]}", __name__)
    globals()[name] = found = chapter if name in _LATER else getattr(chapter, name)
    return found


def __dir__():
    return sorted({*globals(), *__all__})
