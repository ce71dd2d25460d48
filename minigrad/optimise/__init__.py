"""Flux's optimisers.

One step, in the order of reading; the first four are enough to understand it:

    formulas      THE SECOND TABLE: one scalar function per update rule
    rules         hyperparameters with ranges, state by identity; ``rule`` for rules of one's own
    optimisers    the rules of the manual
    plain         the step of one parameter by formulas: what the kernels mean

    transforms    decays and clipping
    compose       Optimiser(a, b, c, ...), ADAMW, Lookahead
    apply         apply_, the table of update rules
    plan, joint   state and hyperparameters of formulas for some parameters, and their steps; several plans at once
    parts         a run of formulas, or a rule of the user's own, for all parameters
    route         an optimiser taken apart, and the way of gradients through it
    whole         a step is whole or not made
    update        update_

More rules, each read by itself:

    groups        Groups((ps, a), ..., otherwise=b): a rule for each group of parameters
    extras, more, pytorch    beyond the manual; what has come since; PyTorch's, where its numbers are others
    layerwise, units         rules that look at all elements, or at those of one unit
    averages, swapping       averages of weights, which stand in the place of the parameters for a while
    twice, shaped            optimisers that look at the loss again; rules on whole arrays

What serves them:

    arrays, abstract    what can be a parameter or a gradient; what all optimisers have in common
    functions, reading, rewriting, behaviour    what formulas may call; their text; a user's function made a formula
    reductions, noise    norms, means and totals in formulas; normal numbers for those that ask for them
    lanes         sums in one fixed order
    standing      what a compiled step compares, and reads of hyperparameters, without Python
    contents, state    what optimisers hold; saving and loading it
    compiled/     the same formulas as machine code
"""

import importlib

from ..hints import chapter
from ..iddict import IdDict
from .apply import apply_
from .averages import EMA, SWA, ScheduleFree
from .compiled.threads import get_num_threads, set_num_threads
from .compose import ADAMW, Lookahead, Optimiser
from .extras import AccumGrad, Lion, Rprop
from .groups import Groups
from .layerwise import LAMB, LARS, Cautious, NovoGrad, Prodigy, TrustRatio
from .more import ADOPT, LaProp, MADGRAD, OptaxAMSGrad, Adan, AdEMAMix, SignSGD, Signum, Tiger, Yogi
from .optimisers import (
    ADAM,
    NADAM,
    OADAM,
    RADAM,
    AdaBelief,
    ADADelta,
    ADAGrad,
    AdaMax,
    AMSGrad,
    Descent,
    Momentum,
    Nesterov,
    RMSProp,
)
from .pytorch import TorchAdamW, TorchAMSGrad, TorchNAdam, TorchRAdam, TorchRMSProp, TorchSGD
from .rules import AbstractOptimiser, rule
from .shaped import Adafactor, Muon
from .state import load_state_, state_dict
from .transforms import ClipGlobalNorm, ClipNorm, ClipValue, ExpDecay, InvDecay, WeightDecay
from .twice import LBFGS, SAM, Sophia
from .units import Centralise, ClipUnitNorm
from .update import update_

# Later spellings of Flux.
Adam, AdamW, NAdam, OAdam, RAdam, AdaGrad, AdaDelta = ADAM, ADAMW, NADAM, OADAM, RADAM, ADAGrad, ADADelta

__all__ = [
    "ADADelta", "ADAGrad", "ADAM", "ADAMW", "ADOPT", "AMSGrad", "AbstractOptimiser", "AccumGrad",
    "AdEMAMix", "AdaBelief", "AdaDelta", "AdaGrad", "AdaMax", "Adafactor", "Adam", "AdamW", "Adan",
    "Cautious", "Centralise", "ClipGlobalNorm", "ClipNorm", "ClipUnitNorm", "ClipValue", "Context",
    "Descent", "EMA", "ExpDecay", "Groups", "IdDict", "InvDecay", "LAMB", "LARS", "LBFGS", "LaProp",
    "Lion", "Lookahead", "MADGRAD", "Momentum", "Muon", "NADAM", "NAdam", "Nesterov", "NovoGrad",
    "OADAM", "OAdam", "OptaxAMSGrad", "Optimiser", "Prodigy", "RADAM", "RAdam", "RMSProp", "Rprop",
    "SAM", "SWA", "ScheduleFree", "SignSGD", "Signum", "Sophia", "Tiger", "TorchAMSGrad",
    "TorchAdamW", "TorchNAdam", "TorchRAdam", "TorchRMSProp", "TorchSGD", "TrustRatio",
    "WeightDecay", "Yogi", "apply_", "early_stopping", "epochs", "get_num_threads", "gradient_for",
    "load_state_", "patience", "plateau", "rule", "set_num_threads", "skip", "state_dict", "stop",
    "throttle", "train_", "train_step_", "update_",
]


def _later(name):
    """The training loop stands in a chapter below this one; its names are found here as well."""
    if name not in __all__:
        raise AttributeError
    return getattr(importlib.import_module("minigrad.training"), name)


chapter(__name__, _later)
