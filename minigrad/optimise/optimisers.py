"""The update rules: hyperparameters and state of each."""

from dataclasses import dataclass

from minigrad.optimise.update import apply_
from minigrad.spelling import also_spelled


@also_spelled(η="eta")
@dataclass(eq=False)
class Descent:
    eta: float = 0.1


@apply_.register
def apply_descent(opt: Descent, x, dx):
    dx *= opt.eta
    return dx
