"""Names for types that public signatures share; only type checkers import this.

    ArrayLike, DTypeLike   NumPy's own: what makes an array (a Tensor, too), what makes a dtype
    Loss                   one real number, as a function to be differentiated returns it
    Model                  anything that holds Tensors: a layer, a list, a dict, an object with attributes
    Rng                    numpy.random.Generator, a seed for one, or None
    Shape                  an int or several
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Union

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .core.tensor import Tensor

Loss = Union[float, "np.floating[Any]", "np.ndarray[Any, Any]", Tensor]
Model = Any
Rng = Union[np.random.Generator, int, None]
Shape = Union[int, Sequence[int]]
Function = Callable[..., Any]
LossFunction = Callable[..., Loss]

__all__ = ["ArrayLike", "DTypeLike", "Function", "Loss", "LossFunction", "Model", "Rng", "Shape"]
