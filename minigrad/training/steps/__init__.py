"""A training step as one function, never silently different from the eager one; in the order of reading:

    reach       what the loss can see of Python's variables
    guards      whether all of it still is the same: one expression, written out
    agreement   whether a program and the eager step agree
    versions    for one kind of arguments: two traces, compared, and the program that they have in common
    step        compiled, and the step that it returns
"""

from .step import CompiledStep, StaleStepWarning, compiled

__all__ = ["CompiledStep", "StaleStepWarning", "compiled"]
