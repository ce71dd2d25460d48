"""minigrad: Flux's optimisers and Zygote's gradients for ordinary NumPy.

What people use, in ``minigrad`` itself but for nn, data, metrics and checkpoint; ``help(minigrad.ADAM)`` explains one:

    gradients: gradient, withgradient, pullback, jacobian, hessian, jvp, hvp, gradcheck; shown by trace, supported
    parameters: Tensor, randn, zeros, params, named_params, Params, Grads
    inside a gradient: dropgrad, ignore, hook, adjoint, checkpointed, checked, Buffer, array, r_, c_
    training: ADAM, Momentum, ..., Optimiser, update_, compiled, train_, mse, ..., Scheduler, Cos, ..., race
    models: nn.Chain, nn.Dense, nn.relu, ..., data.DataLoader, checkpoint.save, checkpoint.load_, metrics.accuracy

The book, in the order of reading; a floor imports only from floors above it:

    core/                   THE AFTERNOON: tape, Tensor, recording, Params, gradient
    doors, foreign, shown   short tracebacks and users' own lines in warnings; arrays of other kinds; notebooks
    fields, iddict, interrupts, randomness, aliases, moving    Greek names; weak dictionaries; Ctrl-C; generators; ...
    habits, hints, conversions    what other libraries call it; how what is not here is answered
    derivatives/            THE FIRST TABLE: NumPy function -> one vjp per argument
    calculus/               jacobian, hessian, adjoint, Buffer, gradcheck
    fast/                   the short way for the calls that programs make most
    readers/                a computation as a value (trace), and who reads it: listing, source, watch
    arrays, sampling, joining    making Tensors; random samples with a gradient; r_ and c_
    losses, data, metrics, nn/    losses, batches, how good a model is, layers: plain functions and small classes
    optimise/               THE SECOND TABLE: formulas -> rules -> steps; compiled/ has their kernels
    schedules/              hyperparameters that change with the step
    training/               the training loop; a step as one function
    checkpoint/             saving and resuming
    showing/                optimisers at work: races, momentum's sliders, landscapes
    bridge, scipy/, array_api, notebook    SciPy's optimisers; its functions; the array API's names; tables and curves
    compat/                 programs written for HIPS autograd
    distributed/            training on several processes, over MPI
"""

__version__ = "0.2.0"

import importlib
from importlib.util import find_spec
from typing import TYPE_CHECKING

from . import array_api, conversions, foreign, habits  # noqa: F401
from .arrays import array, generator, ones, rand, randn, seed, zeros
from .calculus.algebra import named_params
from .calculus.adjoint import adjoint, checkpointed, dropgrad, hook, ignore, nograd
from .calculus.buffer import Buffer
from .calculus.checked import checked
from .calculus.gradcheck import gradcheck
from .calculus.higher import diaghessian, ggnvp, hessian, hvp, jacobian, jvp
from .calculus.vectors import copy_
from .core.errors import LostGradientError, MinigradError, NoDerivativeError, NonFiniteError, StrangerError
from .core.gradient import gradient, isderiving, pullback, withgradient
from .core.params import Grads, Params, params
from .core.tensor import Tensor
from .derivatives.indexing import put_along_axis
from .fast import recorders  # noqa: F401
from .fields import readable
from .hints import Nowhere, chapter, meets, numpys_functions
from .shown import Shown

if TYPE_CHECKING:  # what __getattr__ below finds
    from . import bridge, checkpoint, data, distributed, joining, losses, metrics, nn, optimise  # noqa: F401
    from . import readers, sampling, schedules, showing, training  # noqa: F401
    from .bridge import as_scipy  # noqa: F401
    from .derivatives import supported  # noqa: F401
    from .joining import block, c_, r_  # noqa: F401
    from .losses import *  # noqa: F403
    from .optimise import *  # noqa: F403
    from .readers import Program, TraceError, trace  # noqa: F401
    from .schedules import *  # noqa: F403
    from .showing import explore_momentum, landscape, race  # noqa: F401
    from .training import *  # noqa: F403

# What is not needed to differentiate is imported when one of its names is first asked for.
_LATER = {
    "bridge": "as_scipy",
    "checkpoint": "",
    "data": "",
    "derivatives": "supported",
    "distributed": "",
    "joining": "block c_ r_",
    "losses": """
        binarycrossentropy crossentropy hinge_loss huber_loss kldivergence label_smoothing
        logitbinarycrossentropy logitcrossentropy mae mse poisson_loss
    """,
    "metrics": "",
    "nn": "",
    "optimise": """
        ADADelta ADAGrad ADAM ADAMW ADOPT AMSGrad AbstractOptimiser AccumGrad AdEMAMix AdaBelief
        AdaDelta AdaGrad AdaMax Adafactor Adam AdamW Adan Cautious Centralise ClipGlobalNorm ClipNorm
        ClipUnitNorm ClipValue Descent EMA ExpDecay Groups IdDict InvDecay LAMB LARS LBFGS LaProp Lion
        Lookahead MADGRAD Momentum Muon NADAM NAdam Nesterov NovoGrad OADAM OAdam OptaxAMSGrad Optimiser
        Prodigy RADAM RAdam RMSProp Rprop SAM SWA ScheduleFree SignSGD Signum Sophia Tiger TorchAMSGrad
        TorchAdamW TorchNAdam TorchRAdam TorchRMSProp TorchSGD TrustRatio WeightDecay Yogi apply_
        get_num_threads load_state_ rule set_num_threads state_dict update_
    """,
    "readers": "Program TraceError trace",
    "sampling": "",
    "scipy": "",
    "showing": "explore_momentum landscape race",
    "schedules": """
        ComposedSchedule Constant Cos CosAnneal CosRestarts Exp Interpolator Inv Loop OneCycle Plateau
        Poly Schedule Scheduler Sequence Shifted Shortened Sin SinDecay2 SinExp Stateful Step StepError
        Triangle TriangleDecay2 TriangleExp WSD Warmup next_ plot reset_ reverse symmetric
    """,
    "training": """
        CompiledFunction CompiledStep Context History StaleStepWarning compiled early_stopping epochs
        gradient_for log_to lr_find patience plateau skip stop throttle train_ train_step_
    """,
}
_CHAPTER_OF = {name: chapter for chapter, names in _LATER.items() for name in (chapter, *names.split())}

# fmt: off
# ruff: noqa: F405  (most are found when they are first asked for)
# Written out, for type checkers read it.
__all__ = [
    "ADADelta", "ADAGrad", "ADAM", "ADAMW", "ADOPT", "AMSGrad", "AbstractOptimiser", "AccumGrad", "AdEMAMix",
    "AdaBelief", "AdaDelta", "AdaGrad", "AdaMax", "Adafactor", "Adam", "AdamW", "Adan", "Buffer", "Cautious",
    "Centralise", "ClipGlobalNorm", "ClipNorm", "ClipUnitNorm", "ClipValue", "CompiledFunction", "CompiledStep",
    "ComposedSchedule", "Constant", "Context", "Cos", "CosAnneal", "CosRestarts", "Descent", "EMA", "Exp", "ExpDecay",
    "Grads", "Groups", "History", "IdDict", "Interpolator", "Inv", "InvDecay", "LAMB", "LARS", "LBFGS", "LaProp",
    "Lion", "Lookahead", "Loop", "LostGradientError", "MADGRAD", "MinigradError", "Momentum", "Muon", "NADAM",
    "NAdam", "Nesterov", "NoDerivativeError", "NonFiniteError", "NovoGrad", "OADAM", "OAdam", "OneCycle",
    "OptaxAMSGrad", "Optimiser", "Params", "Plateau", "Poly", "Prodigy", "Program", "RADAM", "RAdam", "RMSProp",
    "Rprop", "SAM", "SWA", "Schedule", "ScheduleFree", "Scheduler", "Sequence", "Shifted", "Shortened", "SignSGD",
    "Signum", "Sin", "SinDecay2", "SinExp", "Sophia", "StaleStepWarning", "Stateful", "Step", "StepError",
    "StrangerError", "Tensor", "Tiger", "TorchAMSGrad", "TorchAdamW", "TorchNAdam", "TorchRAdam", "TorchRMSProp",
    "TorchSGD", "TraceError", "Triangle", "TriangleDecay2", "TriangleExp", "TrustRatio", "WSD", "Warmup",
    "WeightDecay", "Yogi", "adjoint", "apply_", "array", "array_api", "as_scipy", "binarycrossentropy", "block",
    "bridge", "c_", "checked", "checkpoint", "checkpointed", "compiled", "copy_", "crossentropy", "data",
    "diaghessian", "distributed", "dropgrad", "early_stopping", "epochs", "explore_momentum", "generator",
    "get_num_threads", "ggnvp", "gradcheck", "gradient", "gradient_for", "hessian", "hinge_loss", "hook",
    "huber_loss", "hvp", "ignore", "isderiving", "jacobian", "joining", "jvp", "kldivergence", "label_smoothing",
    "landscape", "load_state_", "log_to", "logitbinarycrossentropy", "logitcrossentropy", "losses", "lr_find", "mae",
    "metrics", "mse", "named_params", "next_", "nn", "nograd", "ones", "optimise", "params", "patience", "plateau",
    "plot", "poisson_loss", "pullback", "put_along_axis", "r_", "race", "rand", "randn", "readers", "reset_",
    "reverse", "rule", "sampling", "schedules", "seed", "set_num_threads", "showing", "skip", "state_dict", "stop",
    "supported", "symmetric", "throttle", "trace", "train_", "train_step_", "training", "update_", "withgradient",
    "zeros",
]
# fmt: on


def _later(name):
    """Return what is imported when it is first asked for."""
    if name not in _CHAPTER_OF:
        raise AttributeError
    try:
        chapter = importlib.import_module(f".{_CHAPTER_OF[name]}", __name__)
    except ImportError as error:  # SciPy is not installed
        raise AttributeError(str(error)) from error
    globals()[name] = found = chapter if name in _LATER else getattr(chapter, name)
    return found


def _also():
    """Return what works besides ``__all__``: what ``from minigrad import *`` need not bring."""
    return ["__version__", "derivatives", *(["scipy"] if find_spec("scipy") else [])]


Shown._html_of = staticmethod(lambda x: importlib.import_module(".notebook", __name__).html_of(x))
meets({**numpys_functions(), **habits.TENSOR}, Nowhere)(Tensor)
meets(habits.PARAMS, Nowhere)(Params)
meets(habits.GRADS, Nowhere)(Grads)
for _function in (Tensor.__init__, gradient, withgradient, pullback, rand, randn, zeros, ones):
    readable(_function)  # what they take in order to refuse it is not shown
for _kind in (Tensor, Params, Grads):  # the core knows nothing of notebooks
    _kind._repr_html_ = Shown._repr_html_
chapter(__name__, _later, _also)
