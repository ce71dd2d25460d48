"""A training step as one function, never silently different from the eager one; in the order of reading:

    kinds       which objects hold state, and where; what is opaque; what arguments have in common
    reach       what the loss can see of Python's variables
    effects     what it does besides computing: printing, files, the clock
    guards      whether all of it still is the same: one expression, written out
    agreement   whether a program and the eager step agree
    versions    for one kind of arguments: two traces, compared, and the program that they have in common
    step        the step itself: what is called
    function    a function of arguments whose gradient is compiled
    compiling   compiled, which makes either
"""

from .compiling import compiled
from .function import CompiledFunction
from .step import CompiledStep, StaleStepWarning

__all__ = ["CompiledFunction", "CompiledStep", "StaleStepWarning", "compiled"]
