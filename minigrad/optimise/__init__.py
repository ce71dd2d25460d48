"""Flux's optimisers; in the order of reading:

    formulas      THE SECOND TABLE: one scalar function per update rule
    loops         formulas -> the text of one loop
    walk          the compiled walk over many parameters
    cache         compiled code on disk
    kernels       text -> machine code; the only importer of numba
    threads       several threads for a large parameter
    arrays        what can be a parameter or a gradient
    rules         hyperparameters with ranges, state by identity; ``rule`` for rules of one's own
    optimisers    the rules of the manual
    transforms    decays and clipping
    compose       Optimiser(a, b, c, ...), ADAMW, Lookahead
    step          one step on all parameters
    update        apply_, the dispatch table; update_
    extras        rules beyond the manual
    state         saving and loading what optimisers keep
    callbacks, train, ...    the training loop
"""

from minigrad.iddict import IdDict
from minigrad.optimise.compose import ADAMW, Lookahead, Optimiser
from minigrad.optimise.optimisers import (
    ADAM,
    NADAM,
    OADAM,
    RADAM,
    ADADelta,
    ADAGrad,
    AMSGrad,
    AdaBelief,
    AdaMax,
    Descent,
    Momentum,
    Nesterov,
    RMSProp,
)
from minigrad.optimise.callbacks import early_stopping, patience, plateau, throttle
from minigrad.optimise.extras import AccumGrad, Lion, Rprop
from minigrad.optimise.rules import AbstractOptimiser, rule
from minigrad.optimise.state import load_state_, state_dict
from minigrad.optimise.threads import get_num_threads, set_num_threads
from minigrad.optimise.train import Context, epochs, skip, stop, train_, train_step_
from minigrad.optimise.transforms import ClipGlobalNorm, ClipNorm, ClipValue, ExpDecay, InvDecay, WeightDecay
from minigrad.optimise.update import apply_, update_

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
