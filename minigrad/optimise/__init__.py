from minigrad.iddict import IdDict
from minigrad.optimise.optimisers import Descent
from minigrad.optimise.update import apply_, update_

__all__ = ["Descent", "IdDict", "apply_", "update_"]
