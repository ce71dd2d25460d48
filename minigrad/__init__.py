"""minigrad: Flux's optimisers and Zygote's gradients for ordinary NumPy.

The book, in the order of reading; a floor imports only from floors above it:

    core/                   THE AFTERNOON: tape, Tensor, recording, Params, gradient
    fields, iddict, interrupts, aliases    Greek keywords; a dictionary keyed by identity, weakly; Ctrl-C at the right moment
    derivatives/            THE FIRST TABLE: NumPy function -> one vjp per argument
    calculus/               jacobian, hessian, adjoint, Buffer, gradcheck
    fast/                   the short way for the calls that programs make most
    readers/                a computation as a value (trace), and who reads it: listing, source, watch
    arrays, sampling, joining    making Tensors; random samples with a gradient; r_ and c_
    losses, data, nn/       losses, batches, layers: plain functions and small classes
    optimise/               THE SECOND TABLE: formulas -> rules -> steps; compiled/ has their kernels
    schedules/              hyperparameters that change with the step
    training/               the training loop
    checkpoint/             saving and resuming
    bridge, scipy, array_api    SciPy's optimisers; SciPy's functions; the array API standard's names
"""

__version__ = "0.1.0"

import importlib
from typing import TYPE_CHECKING

from . import array_api
from .arrays import array, generator, ones, rand, randn, seed, zeros
from .calculus.adjoint import adjoint, checkpointed, dropgrad, hook, ignore, nograd
from .calculus.buffer import Buffer
from .calculus.gradcheck import gradcheck
from .calculus.higher import diaghessian, ggnvp, hessian, hvp, jacobian, jvp
from .calculus.vectors import copy_
from .core.errors import LostGradientError, MinigradError, NoDerivativeError, NonFiniteError, StrangerError
from .core.gradient import gradient, isderiving, pullback, withgradient
from .core.params import Grads, Params, params
from .core.tensor import Tensor
from .derivatives import supported
from .derivatives.indexing import put_along_axis
from .fast import recorders  # noqa: F401

if TYPE_CHECKING:  # what __getattr__ below finds
    from . import checkpoint, data, nn, sampling  # noqa: F401
    from .bridge import as_scipy  # noqa: F401
    from .joining import block, c_, r_  # noqa: F401
    from .losses import *  # noqa: F403
    from .optimise import *  # noqa: F403
    from .readers import Program, TraceError, trace  # noqa: F401
    from .schedules import *  # noqa: F403
    from .training import *  # noqa: F403

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
        AdaMax Adam AdamW ClipGlobalNorm ClipNorm ClipValue Descent ExpDecay IdDict InvDecay
        Lion Lookahead Momentum NADAM NAdam Nesterov OADAM OAdam Optimiser RADAM RAdam RMSProp Rprop
        WeightDecay apply_ get_num_threads load_state_ rule set_num_threads state_dict update_
    """,
    "readers": "Program TraceError trace",
    "sampling": "",
    "schedules": """
        ComposedSchedule Constant Cos CosAnneal CosRestarts Exp Interpolator Inv Loop OneCycle Plateau
        Poly Schedule Scheduler Sequence Shifted Shortened Sin SinDecay2 SinExp Stateful Step StepError
        Triangle TriangleDecay2 TriangleExp WSD Warmup next_ plot reset_ reverse symmetric
    """,
    "training": "Context early_stopping epochs patience plateau skip stop throttle train_ train_step_",
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
