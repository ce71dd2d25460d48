"""Optimisers at work, to be looked at: races, a slider for momentum, the landscape around a trained model."""

from .planes import Landscape, landscape
from .momentum import explore_momentum
from .page import Page
from .problems import PROBLEMS, Problem, ravine
from .racing import Race, race

__all__ = ["PROBLEMS", "Landscape", "Page", "Problem", "Race", "explore_momentum", "landscape", "race", "ravine"]
