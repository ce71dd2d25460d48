"""Checkpoints: saving a run and going on with it.

    files       files written whole or not at all
    encoding    plain values as JSON and arrays
    saving      what is in a checkpoint: save, load_, ...
"""

from ..hints import chapter
from .saving import CheckpointError, load_, save

__all__ = ["CheckpointError", "load_", "save"]

chapter(__name__)
