"""Functions of SciPy, under SciPy's names, for Tensors.

SciPy's elementwise functions (``scipy.special.gamma``, ``erf``, ...) take Tensors as they are, and are found
here, too.  Its other functions convert their arguments to plain arrays first, which a tape cannot follow.  These
here call them, or do the same, on arrays and Tensors alike:

    from minigrad.scipy import erf, logsumexp, solve_triangular, expm, convolve, odeint
    from minigrad.scipy.stats import norm, gamma

    special, linalg, signal, integrate    SciPy's modules of these names; their functions are found here, too
    stats                                 densities and distribution functions

SciPy must be installed for this wing, and for no other of minigrad.
"""

import importlib
from typing import TYPE_CHECKING

try:
    import scipy.linalg  # noqa: F401
    import scipy.special  # noqa: F401
except ImportError as error:
    raise ImportError("minigrad.scipy calls SciPy; install it with python -m pip install scipy") from error

from ..conversions import INSTEAD_OF_SCIPY
from ..hints import chapter
from . import linalg, special  # noqa: F401
from .linalg import (  # noqa: F401
    block_diag,
    cho_factor,
    cho_solve,
    expm,
    logm,
    solve_banded,
    solve_sylvester,
    solve_triangular,
    sqrtm,
    toeplitz,
)
from .special import log_softmax, logsumexp, multigammaln, polygamma, softmax  # noqa: F401

if TYPE_CHECKING:  # what __getattr__ below finds
    from .integrate import odeint, solve_ivp  # noqa: F401
    from .signal import convolve, correlate, fftconvolve  # noqa: F401

# What takes SciPy long to import is imported when it is first asked for.
LATER = {"signal": "convolve correlate fftconvolve", "integrate": "odeint solve_ivp", "stats": ""}


def later(name):
    """Return a function that is imported when it is first asked for, or an elementwise one of ``scipy.special``."""
    for module, names in LATER.items():
        if name == module or name in names.split():
            found = importlib.import_module(f".{module}", __name__)
            return found if name == module else getattr(found, name)
    try:
        return special.elementwise(name)
    except AttributeError:
        raise AttributeError(
            f"minigrad.scipy has no {name!r}: of SciPy it has the elementwise functions of scipy.special, "
            f"{', '.join(sorted(INSTEAD_OF_SCIPY))}, and the distributions of minigrad.scipy.stats"
        ) from None


def also():
    return [*special.all_elementwise(), "special", "linalg", *LATER]


# fmt: off
__all__ = [  # written out, for type checkers read it
    "block_diag", "cho_factor", "cho_solve", "convolve", "correlate", "expm", "fftconvolve", "log_softmax", "logm",
    "logsumexp", "multigammaln", "odeint", "polygamma", "softmax", "solve_banded", "solve_ivp", "solve_sylvester",
    "solve_triangular", "sqrtm", "toeplitz",
]
# fmt: on

chapter(__name__, later, also)
