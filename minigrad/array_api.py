"""The array API standard: a namespace in which code written for any array library runs on Tensors.

    xp = x.__array_namespace__()          # how such code begins; xp is this module
    y = xp.sum(xp.exp(-x**2), axis=0)     # recorded and differentiated like NumPy's own functions

The namespace is NumPy's own: a name that is not defined here is looked up there, so it holds what the
installed NumPy holds and conforms where that conforms.  One thing is added: whatever a function
returns as a plain array comes back as a Tensor, so that arrays made in the middle of such code
(``xp.zeros``, ``xp.arange``, ``xp.argmax``) belong to the same namespace as the rest.

Writing into arrays: ``x += y`` makes a new Tensor, as the standard allows.  ``x[index] = y`` overwrites,
except where a gradient would be lost: while one is taken, a constant that nothing else holds yet
(``xp.zeros(3)``, ``x > 0``) can be filled with constants, and all else is refused.

Functions of SciPy that are written for the standard, which SciPy calls so where the environment says
``SCIPY_ARRAY_API=1``, run on Tensors: ``scipy.stats``, ``scipy.fft``, ``scipy.signal``, ...  They are
differentiated as far as they neither write into arrays nor leave the standard for compiled code.

Source: the Python array API standard, 2024.12 (data-apis.org/array-api).

>>> x = Tensor([3.0, 4.0])
>>> xp = x.__array_namespace__()
>>> xp.sum(x * xp.asarray([1.0, 2.0])), xp.argmax(x)
(Tensor(11.), Tensor(1, dtype=int64))
"""

import functools
import sys
from types import ModuleType

import numpy as np

from .arrays import array
from .core.recording import as_tensors
from .core.table import ROWS, late_rows
from .core.tensor import Asked, Tensor, refuse_if_recorded, tensors_in
from .hints import chapter

VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")


def look_up_in(module, space):
    """Return the ``__getattr__`` of a namespace: what ``module`` has, kept in ``space`` once found."""

    def look_up(name):
        dunder = name.startswith("__") and not name.startswith("__array_")
        if dunder or not hasattr(module, name) or isinstance(getattr(module, name), ModuleType):
            raise AttributeError(
                f"{space['__name__']} has no {name!r}; it has the functions, dtypes and constants "
                f"of the installed {module.__name__} ({np.__version__})"
            )
        thing = getattr(module, name)
        if callable(thing) and not isinstance(thing, type):  # dtypes, finfo and iinfo are types
            thing = giving_tensors(thing)
        space[name] = thing
        return thing

    return look_up


def giving_tensors(function):
    """Return the function with its plain arrays made Tensors, and with ``device="cpu"`` taken everywhere."""

    @functools.wraps(function)
    def in_namespace(*args, **kwargs):
        if "device" in kwargs:
            check_device(kwargs.pop("device"))
        return as_tensors(function(*args, **kwargs))

    return in_namespace


def check_device(device):
    if device not in (None, "cpu"):
        raise ValueError(f"device {device!r}: Tensors live in the processor's memory; write device='cpu'")


def subspace(name, module):
    """Return the extension ``name`` of the namespace."""
    space = ModuleType(f"{__name__}.{name}", f"NumPy's ``{name}``, giving Tensors.")
    space.__getattr__ = look_up_in(module, vars(space))
    return space


linalg = subspace("linalg", np.linalg)
fft = subspace("fft", np.fft)
special = ModuleType(f"{__name__}.special", "Where SciPy looks for functions of ``scipy.special`` on Tensors.")


def special_function(name):
    """Return what ``scipy.special``, if a program has imported it, has under a name, if it can be differentiated."""
    late_rows()
    ufunc = getattr(sys.modules.get("scipy.special._ufuncs"), name, None)
    if ufunc not in ROWS:
        raise AttributeError(f"{special.__name__} has no {name!r}; it has scipy.special's functions with a derivative")
    return giving_tensors(ufunc)


special.__getattr__ = special_function


def asarray(obj, /, *, dtype=None, device=None, copy=None):
    """Return ``obj`` as a Tensor, the same one if it is one already.

    Parameters
    ----------
    obj : number, array, Tensor, or nested lists of them (which may hold recorded Tensors)
    dtype : NumPy dtype, by default that of ``obj``
    device : "cpu" or None
    copy : True for memory of its own, False to share memory or fail, None to share it where possible

    Raises ValueError if ``copy=False`` cannot be kept to.

    Differs from ``minigrad.array``: whole numbers stay whole, and memory may be shared.

    >>> asarray([1, 2]).dtype.kind
    'i'
    """
    check_device(device)
    if copy is False and not (isinstance(obj, (Tensor, np.ndarray)) and dtype in (None, obj.dtype)):
        raise ValueError(f"asarray: a Tensor of {type(obj).__name__} needs a copy here; leave out copy=False")
    if type(obj) is Tensor:
        t = obj if dtype in (None, obj.dtype) else obj.astype(dtype)
        return np.copy(t) if copy and t is obj else t
    if isinstance(obj, (list, tuple)) and tensors_in(obj):
        return array(obj, dtype)
    return Tensor(obj, dtype, copy=bool(copy))


def finfo(type, /):
    """Return the limits of a floating-point dtype, or of that of a Tensor, as ``np.finfo``.

    >>> finfo(Tensor(1.0)).bits
    64
    """
    return np.finfo(type.dtype if isinstance(type, Tensor) else type)


def iinfo(type, /):
    """Return the limits of an integer dtype, or of that of a Tensor, as ``np.iinfo``.

    >>> iinfo(Tensor([1, 2], dtype="int8")).max
    127
    """
    return np.iinfo(type.dtype if isinstance(type, Tensor) else type)


# ------------------------------------------------------------------ what the standard asks of an array
def array_namespace(api_version):
    """Return the module ``minigrad.array_api``; ValueError for a version of the standard unknown to it.

    >>> Tensor(1.0).__array_namespace__(api_version="2024.12").__name__
    'minigrad.array_api'
    """
    if api_version not in (None, *VERSIONS):
        raise ValueError(f"the array API standard {api_version!r} is unknown; known: {', '.join(VERSIONS)}")
    return sys.modules[__name__]


def to_device(self, device, /, *, stream=None):
    """Return the Tensor itself: "cpu" is the only device."""
    check_device(device)
    return self


def dlpack(self, *, stream=None, max_version=None, dl_device=None, copy=None):
    """Hand the memory to another library, as an ndarray does; refused while recorded."""
    refuse_if_recorded(self, "from_dlpack(t)", "xp.asarray(t), which is t itself")
    options = {"stream": stream, "max_version": max_version, "dl_device": dl_device, "copy": copy}
    return self.data.__dlpack__(**{name: value for name, value in options.items() if value is not None})


Asked.namespace, Asked.memory = array_namespace, dlpack
Tensor.device = property(lambda self: "cpu", doc="Where the numbers are.")
Tensor.to_device = to_device


def names_of_numpy():
    functions = [name for name in np.__all__ if name[0] != "_" and name != "test"]
    return [name for name in functions if not isinstance(getattr(np, name, np), ModuleType)]


__all__ = ["asarray", "fft", "finfo", "iinfo", "linalg", "special"]

chapter(__name__, look_up_in(np, globals()), names_of_numpy)
