"""Schedules: how a hyperparameter changes from step to step.

Plain values that know nothing of optimisers: called with t = 1, 2, ... they return a number.  Only
``scheduler`` brings the two together.  Read in this order: base, decay, cyclic, composite, retimed, stateful,
plot, scheduler.
"""

from ..hints import chapter
from .base import Schedule, StepError
from .composite import ComposedSchedule, Constant, Loop, Sequence
from .cyclic import (
                                       WSD,
                                       Cos,
                                       CosAnneal,
                                       CosRestarts,
                                       OneCycle,
                                       Sin,
                                       SinDecay2,
                                       SinExp,
                                       Triangle,
                                       TriangleDecay2,
                                       TriangleExp,
)
from .decay import Exp, Inv, Poly, Step
from .plotting import plot
from .retimed import Interpolator, Shifted, Shortened, Warmup, reverse, symmetric
from .scheduler import Scheduler
from .stateful import Plateau, Stateful, next_, reset_

__all__ = [
    "Schedule", "StepError",
    "Step", "Exp", "Poly", "Inv",
    "Triangle", "TriangleDecay2", "TriangleExp", "Sin", "SinDecay2", "SinExp", "CosAnneal", "Cos",
    "CosRestarts", "OneCycle", "WSD",
    "Constant", "Sequence", "Loop", "ComposedSchedule",
    "Interpolator", "Shifted", "Shortened", "Warmup", "reverse", "symmetric",
    "Stateful", "Plateau", "next_", "reset_",
    "Scheduler", "plot",
]

chapter(__name__)
