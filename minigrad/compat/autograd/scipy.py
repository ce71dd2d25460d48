"""``autograd.scipy``: minigrad's functions of SciPy, under autograd's names of modules."""

import sys
from types import SimpleNamespace

from ...scipy import integrate, linalg, special, stats
from ...scipy.signal import convolve_over

signal = SimpleNamespace(convolve=convolve_over)  # autograd's is not SciPy's
_modules = {"integrate": integrate, "linalg": linalg, "signal": signal, "special": special, "stats": stats}
_modules |= {f"stats.{name}": getattr(stats, name) for name in stats.__all__}  # import ...scipy.stats.norm as norm
sys.modules.update({f"{__name__}.{name}": module for name, module in _modules.items()})
