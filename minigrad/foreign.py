"""Arrays of other kinds among the arguments of a gradient: tables of pandas, masked arrays, matrices, objects.

A table is an array with labels, which count for nothing here.  Masked arrays and matrices compute in their own way,
which the derivatives do not know: they are refused while a gradient is taken, and outside of one they decide.  So do
xarray's and all others that answer NumPy's protocols.
"""

import numpy as np

from .core.errors import explained, user_line
from .core.params import Params
from .core.tensor import Foreign, Tensor, tape_of, tensors_in
from .core.trees import named_tensors


def is_labelled(x):
    """Say whether ``x`` is a table or column of pandas or polars: an array with labels."""
    return type(x).__module__.partition(".")[0] in ("pandas", "polars") and hasattr(x, "__array__")


def is_own_kind(x):
    """Say whether ``x`` is an ndarray that computes in its own way: a masked array or a matrix.

    >>> is_own_kind(np.ma.array([1.0])), is_own_kind(np.ones(2))
    (True, False)
    """
    if type(x) is np.ndarray or not isinstance(x, np.ndarray):
        return False
    return isinstance(x, np.matrix) or type(x).__module__.startswith("numpy.ma")


def is_foreign(x):
    """Say whether ``x`` answers NumPy's protocols in its own way (xarray, masked arrays, ...).

    >>> is_foreign(np.ma.array([1.0])), is_foreign(np.ones(2)), is_foreign(Tensor(1.0))
    (True, False, False)
    """
    if isinstance(x, (Tensor, np.generic)):
        return False
    if isinstance(x, np.ndarray):
        return is_own_kind(x)
    return hasattr(x, "__array_ufunc__") and not is_labelled(x)


def plain(x, tape):
    """Return a table as an array; while a gradient is taken, refuse what no derivative goes through."""
    if is_labelled(x):
        x = np.asarray(x)
    if tape is not None and isinstance(x, np.ndarray):
        if x.dtype.hasobject:
            raise TypeError(
                f"{at_work()}: an array of objects ({x.dtype}) has no derivative, since its elements may be anything. "
                "If all of them are numbers, write a.astype(float), or df.to_numpy(float) for a table of pandas"
            )
        refuse(x, at_work())
    return x


def decides(args):
    """Say whether a call is left to an argument of another kind; refuse those through which no derivative goes."""
    foreign = [x for x in args if is_foreign(x)]
    tables = [x for x in args if is_labelled(x)]
    if foreign and is_own_kind(foreign[0]) or any(np.asarray(x).dtype.hasobject for x in tables):
        tape = tape_of(tensors_in(args))
        for x in (*foreign, *tables):
            plain(x, tape)
    return bool(foreign)


def refuse(x, who):
    """Raise if ``x`` is an array that computes in its own way."""
    if is_own_kind(x):
        raise TypeError(f"{who}: {no_such_array(x)}")


def refuse_argument(x, who):
    """Raise if ``x``, an argument of a gradient that is no number and no array of numbers, is no constant either."""
    if isinstance(x, np.ndarray) and x.dtype.kind in "OV":
        raise TypeError(f"{who}: an argument is an array of {x.dtype}; make it one of numbers: x.astype(float)")
    if is_labelled(x):
        raise TypeError(
            f"{who}: an argument is a {type(x).__name__} of pandas, whose gradient would have no labels; give the "
            "plain array, df.to_numpy(float)"
        )
    if isinstance(x, Params):
        raise TypeError(
            f"{who}: Params stand alone, as in {who}(lambda: loss(x), ps). For other arguments too, write "
            f"{who}(f, x, list(ps)) with a function of both"
        )
    if hasattr(x, "__dict__") and named_tensors(x):
        raise TypeError(
            f"{who}: an argument is an object that holds Tensors ({type(x).__name__}). Differentiate with "
            f"respect to its parameters, {who}(lambda: loss(model), params(model)), or make it a dataclass"
        )


def at_work():
    """Return what the program is doing, for an error's message."""
    return f"{explained('while a gradient is taken', '')[0]} ({user_line()})"


def no_such_array(x):
    return (
        f"a {type(x).__name__} computes in its own way, which the derivatives do not know. Take the plain "
        "array: m.filled(0) and weights ~m.mask for a masked array, np.asarray(m) for a matrix"
    )


Foreign.plain, Foreign.decides = staticmethod(plain), staticmethod(decides)
Foreign.refuse, Foreign.refuse_argument = staticmethod(refuse), staticmethod(refuse_argument)
