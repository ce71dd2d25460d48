"""The training loop, the only chapter that knows gradients and optimisers both; in the order of reading:

    callbacks   what is called after a step: stopping early, throttling
    progress    the bar and its figures
    again       optimisers that look at the loss again
    steps/      compiled: a step as one function
    train       train_, train_step_, epochs
"""

from ..hints import chapter
from .again import gradient_for
from .callbacks import early_stopping, patience, plateau, throttle
from .steps import CompiledFunction, CompiledStep, StaleStepWarning, compiled
from .train import Context, epochs, skip, stop, train_, train_step_

__all__ = [
    "CompiledFunction", "CompiledStep", "Context", "StaleStepWarning", "compiled",
    "early_stopping", "epochs", "gradient_for", "patience", "plateau", "skip", "stop", "throttle", "train_",
    "train_step_",
]

chapter(__name__)
