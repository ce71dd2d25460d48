"""Those who read a computation: ``trace`` makes it a value, a Program; ``watch`` finds what was not finite first."""

from ..hints import chapter
from .operations import TraceError
from .program import Program
from .tracer import trace

__all__ = ["Program", "TraceError", "trace"]

chapter(__name__)
