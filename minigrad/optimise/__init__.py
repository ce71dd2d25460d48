"""Flux's optimisers; in the order of reading:

    formulas      THE SECOND TABLE: one scalar function per update rule
    reading, rewriting, behaviour    a formula's text; a user's function made a formula; one without a text, tried
    arrays        what can be a parameter or a gradient
    rules         hyperparameters with ranges, state by identity; ``rule`` for rules of one's own
    optimisers    the rules of the manual
    transforms    decays and clipping
    compose       Optimiser(a, b, c, ...), ADAMW, Lookahead
    apply         apply_, the table of update rules
    lanes         sums in one fixed order
    plain         the step of one parameter by formulas: what the kernels mean
    whole         a step is whole or not made
    plan          state and hyperparameters of formulas for some parameters, and their steps
    parts         a run of formulas, or a rule of the user's own, for all parameters
    route         an optimiser taken apart, and the way of gradients through it
    update        update_
    extras        rules beyond the manual
    contents, state    what optimisers hold; saving and loading it
    compiled/     the same formulas as machine code
"""

import importlib

from ..hints import chapter
from ..iddict import IdDict
from .apply import apply_
from .compiled.threads import get_num_threads, set_num_threads
from .compose import ADAMW, Lookahead, Optimiser
from .extras import AccumGrad, Lion, Rprop
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
from .rules import AbstractOptimiser, rule
from .state import load_state_, state_dict
from .transforms import ClipGlobalNorm, ClipNorm, ClipValue, ExpDecay, InvDecay, WeightDecay
from .update import update_

# Later spellings of Flux.
Adam, AdamW, NAdam, OAdam, RAdam, AdaGrad, AdaDelta = ADAM, ADAMW, NADAM, OADAM, RADAM, ADAGrad, ADADelta

__all__ = [
    "ADADelta", "ADAGrad", "ADAM", "ADAMW", "AMSGrad", "AbstractOptimiser", "AccumGrad",
    "AdaBelief", "AdaDelta", "AdaGrad", "AdaMax", "Adam", "AdamW", "ClipGlobalNorm", "ClipNorm",
    "ClipValue", "Context", "Descent", "ExpDecay", "IdDict", "InvDecay", "Lion", "Lookahead",
    "Momentum", "NADAM", "NAdam", "Nesterov", "OADAM", "OAdam", "Optimiser", "RADAM", "RAdam",
    "RMSProp", "Rprop", "WeightDecay", "apply_", "early_stopping", "epochs", "get_num_threads",
    "load_state_", "patience", "plateau", "rule", "set_num_threads", "skip", "state_dict", "stop",
    "throttle", "train_", "train_step_", "update_",
]


def _later(name):
    """The training loop stands in a chapter below this one; its names are found here as well."""
    if name not in __all__:
        raise AttributeError
    return getattr(importlib.import_module("minigrad.training"), name)


chapter(__name__, _later)
