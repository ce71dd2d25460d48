"""Single or double precision: a model in another one, and a word about data that are wider than the model."""

from __future__ import annotations

import copy
import sys
import warnings
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import as_numbers
from ..core.errors import outwards
from ..core.params import params
from ..core.tape import active_tape
from ..core.tensor import Tensor, recorded
from ..core.trees import named_tensors

if TYPE_CHECKING:
    from ..aliases import DTypeLike, Model

WIDE = "dDgG"  # the letters of double precision and above, real and complex
told = weakref.WeakSet()  # layers that have said that their data are wider


def f32(model: Model) -> Any:
    """Return a copy of a model in single precision: all Tensors and arrays of real numbers in it are float32.

    Parameters
    ----------
    model : layer, Chain, nested containers, or any object that can be copied; complex numbers become complex64

    Returns
    -------
    a model like it, with Tensors of its own: collect ``params(...)`` anew.  Inside a gradient it depends on the
    Tensors of the model, so that single precision can be tried with parameters that are kept in double.

    Raises TypeError if there is no Tensor or array in it.

    Source: Flux 0.13 ``f32``.

    >>> from minigrad.nn import Dense
    >>> f32(Dense(2, 3)).W.dtype
    dtype('float32')
    """
    return in_precision(model, np.float32)


def f64(model: Model) -> Any:
    """Return a copy of a model in double precision: all Tensors and arrays of real numbers in it are float64.

    Parameters
    ----------
    model : layer, Chain, nested containers, or any object that can be copied; complex numbers become complex128

    Returns
    -------
    a model like it, as ``f32`` does

    Raises TypeError if there is no Tensor or array in it.

    Source: Flux 0.13 ``f64``.

    >>> from minigrad.nn import Dense
    >>> f64(Dense(2, 3, dtype=np.float32)).W.dtype
    dtype('float64')
    """
    return in_precision(model, np.float64)


def in_precision(model, dtype: DTypeLike):
    """Return a copy of a model whose floating-point arrays have a dtype."""
    dtype = np.dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"the dtype of a model is one of real floating-point numbers, such as np.float32; got {dtype}")
    found = [x for _, x in named_tensors(model, kinds=(Tensor, np.ndarray))]
    if not found:
        params(model)  # raises, and says how a parameter is made
    wanted = {"f": dtype, "c": np.result_type(dtype, np.complex64)}
    converted = {id(x): cast(x, wanted[x.dtype.kind]) for x in found if x.dtype.kind in wanted}
    return copy.deepcopy(model, converted)  # which takes them for copies that have been made already


def cast(x, dtype):
    if type(x) is Tensor and recorded(x) is None:
        return Tensor(x.data, dtype)
    return x.astype(dtype)


# ----------------------------------------------------------------------------- data wider than the parameters
def taken(layer, x, W):
    """Return the input of a layer as an array; say so once if it is wider than the parameter that it meets."""
    if type(x) is not Tensor and type(x) is not np.ndarray:
        x = as_numbers(x, f"{type(layer).__name__}: x")
    if (wider(x, W) or x.dtype.kind in "iu" and widened(x, W)) and is_data(x) and layer not in told:
        told.add(layer)
        name, precision, meeting = type(layer).__name__, W.dtype.name, np.result_type(x.dtype, W.dtype)
        tell(
            f"{name}: x is {x.dtype} and the layer {precision}, so that all that follows is computed in {meeting}, "
            f"several times slower. Give x.astype(np.{precision}), or make the model wider by nn.f64(model)"
        )
    return x


def is_data(x):
    """Say whether an array is no result: one of NumPy, or a Tensor that is a constant of the gradient being taken."""
    return type(x) is not Tensor or x.tape is None and active_tape() is not None


def wider(x, parameter):
    """Say whether an array in double precision meets a parameter in single precision, or less."""
    return hasattr(x, "dtype") and x.dtype.char in WIDE and parameter.dtype.char not in WIDE


def widened(x, parameter):
    """Say whether whole numbers make doubles of a parameter in single precision, or less: those of 32 bits do.

    >>> widened(np.arange(3), np.ones(3, np.float32)), widened(np.zeros(3, np.uint8), np.ones(3, np.float32))
    (True, False)
    """
    return parameter.dtype.char not in WIDE and np.result_type(x.dtype, parameter.dtype).char in WIDE


def tell(text):
    """Warn at the line of the user's code; Python shows such a warning once for each line."""
    frames = outwards(sys._getframe(0))
    warnings.warn(text, stacklevel=len(frames))
