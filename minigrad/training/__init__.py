"""The training loop, the only chapter that knows gradients and optimisers both; in the order of reading:

    callbacks   what is called after a step: stopping early, throttling
    progress    the bar and its figures
    checks, evaluation    what can be wrong before the first step; one step, its Context, stop and skip
    history     what a training was; what is judged after every epoch
    rates       lr_find, a first guess at the learning rate
    again       optimisers that look at the loss again
    steps/      compiled: a step as one function
    train       train_, train_step_, epochs
"""

from ..hints import chapter
from .again import gradient_for
from .callbacks import early_stopping, log_to, patience, plateau, throttle
from .evaluation import Context, skip, stop
from .history import History
from .rates import lr_find
from .steps import CompiledFunction, CompiledStep, StaleStepWarning, compiled
from .train import epochs, train_, train_step_

__all__ = [
    "CompiledFunction", "CompiledStep", "Context", "History", "StaleStepWarning", "compiled", "early_stopping",
    "epochs", "gradient_for", "log_to", "lr_find", "patience", "plateau", "skip", "stop", "throttle", "train_",
    "train_step_",
]

chapter(__name__)
