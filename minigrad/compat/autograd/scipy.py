"""``autograd.scipy``: minigrad's functions of SciPy, under autograd's names of modules."""

import sys
from types import SimpleNamespace

from ...scipy import integrate, linalg, special, stats
from ...scipy.signal import convolve_over

signal = SimpleNamespace(convolve=convolve_over)  # autograd's is not SciPy's
__all__ = ["integrate", "linalg", "signal", "special", "stats"]
sys.modules.update({f"{__name__}.{name}": globals()[name] for name in __all__})
sys.modules.update({f"{__name__}.stats.{name}": getattr(stats, name) for name in stats.__all__})
