"""The one list of all optimisers, and what tests of many of them need."""

import numpy as np
import pytest

from minigrad import optimise as o
from minigrad.optimise.compiled import kernels
from minigrad.optimise.formulas import mean, norm


@o.rule
def Noisy(x, dx, *, eta=0.01, temperature=0.01, normal):
    return eta * dx + np.sqrt(2 * eta * temperature) * normal


@o.rule
def TwoPasses(x, dx, m, length: float, eta=0.01):
    m = 0.9 * m + dx - mean(dx)
    length = norm(m - mean(m)) + norm(x, over="all")
    return eta * m / (1 + length), m, length



def is_matrix(name, p):
    return p.ndim == 2


# What a working step needs besides the defaults is given here.
ALL = {
    "Descent": lambda: o.Descent(),
    "Momentum": lambda: o.Momentum(),
    "Nesterov": lambda: o.Nesterov(),
    "RMSProp": lambda: o.RMSProp(),
    "ADAM": lambda: o.ADAM(),
    "RADAM": lambda: o.RADAM(),
    "AdaMax": lambda: o.AdaMax(),
    "OADAM": lambda: o.OADAM(),
    "ADAGrad": lambda: o.ADAGrad(),
    "ADADelta": lambda: o.ADADelta(),
    "AMSGrad": lambda: o.AMSGrad(),
    "NADAM": lambda: o.NADAM(),
    "ADAMW": lambda: o.ADAMW(decay=0.01),
    "ADAMW coupled": lambda: o.ADAMW(decay=0.01, couple=True),
    "AdaBelief": lambda: o.AdaBelief(),
    "InvDecay": lambda: o.InvDecay(0.1),
    "ExpDecay": lambda: o.ExpDecay(0.5, 0.5, 2),
    "WeightDecay": lambda: o.WeightDecay(0.1),
    "ClipValue": lambda: o.ClipValue(0.5),
    "ClipNorm": lambda: o.ClipNorm(0.5),
    "ClipGlobalNorm": lambda: o.ClipGlobalNorm(0.5),
    "Lion": lambda: o.Lion(),
    "Rprop": lambda: o.Rprop(),
    "Yogi": lambda: o.Yogi(),
    "Adan": lambda: o.Adan(decay=0.01),
    "AdEMAMix": lambda: o.AdEMAMix(beta=(0.9, 0.999, 0.99), decay=0.01),
    "ADOPT": lambda: o.ADOPT(),
    "LaProp": lambda: o.LaProp(),
    "SignSGD": lambda: o.SignSGD(),
    "Signum": lambda: o.Signum(),
    "Tiger": lambda: o.Tiger(),
    "MADGRAD": lambda: o.MADGRAD(),
    "OptaxAMSGrad": lambda: o.OptaxAMSGrad(),
    "TorchSGD": lambda: o.TorchSGD(0.01, 0.9, 0.5),
    "TorchSGD nesterov": lambda: o.TorchSGD(0.01, 0.9, nesterov=True),
    "TorchRMSProp": lambda: o.TorchRMSProp(0.001, momentum=0.5, centred=True),
    "TorchAdamW": lambda: o.TorchAdamW(),
    "TorchAMSGrad": lambda: o.TorchAMSGrad(),
    "TorchNAdam": lambda: o.TorchNAdam(),
    "TorchRAdam": lambda: o.TorchRAdam(),
    "TrustRatio": lambda: o.TrustRatio(),
    "LAMB": lambda: o.LAMB(),
    "LARS": lambda: o.LARS(),
    "NovoGrad": lambda: o.NovoGrad(),
    "Cautious": lambda: o.Optimiser(o.Momentum(), o.Cautious()),
    "Prodigy": lambda: o.Prodigy(),
    "ClipUnitNorm": lambda: o.ClipUnitNorm(),
    "Centralise": lambda: o.Centralise(),
    "Noisy": lambda: Noisy(rng=7),
    "TwoPasses": lambda: TwoPasses(),
    "Lookahead": lambda: o.Lookahead(o.ADAM(), period=2),
    "Muon and ADAM": lambda: o.Groups((is_matrix, o.Muon()), otherwise=o.ADAM()),
    "Adafactor": lambda: o.Adafactor(),
    "EMA": lambda: o.Optimiser(o.ADAM(), o.EMA(0.9)),
    "SWA": lambda: o.Optimiser(o.Momentum(), o.SWA(1, 2)),
    "ScheduleFree": lambda: o.ScheduleFree(o.Descent()),
    "AccumGrad": lambda: o.Optimiser(o.AccumGrad(2), o.Momentum()),
    "Optimiser": lambda: o.Optimiser(
        o.ClipValue(1), o.WeightDecay(0.1), o.Optimiser(o.ADAM(), o.ExpDecay(1, 0.5, 2))
    ),
}
NO_COMPLEX = {"Rprop", "Muon and ADAM", "Adafactor", "Cautious", "Prodigy", "TwoPasses"}
LAST = {"EMA", "SWA", "ScheduleFree"}  # nothing stands behind them
# In plain Python, for one parameter after the other; what follows is compiled.
UNCOMPILED = {"AccumGrad", "Muon and ADAM", "Adafactor", "ClipUnitNorm", "Centralise"}
JOINT = {"ClipGlobalNorm", "Prodigy", "TwoPasses"}  # look at all parameters together
RANDOM = {"Noisy"}

every_rule = pytest.mark.parametrize("name", ALL)


def numbers(shape, dtype=float, seed=0):
    """Seeded normal numbers of a shape and dtype."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return np.asarray(values).astype(dtype)


def train(opt, x, steps=7, seed=1):
    """Overwrite ``x`` with that many steps along seeded gradients; return it."""
    for t in range(steps):
        o.update_(opt, x, numbers(x.shape, x.dtype, seed + t))
    return x


@pytest.fixture
def compiled(monkeypatch):
    """Every step runs compiled, from the first on."""
    monkeypatch.setattr(kernels, "LOADING", 0)
    monkeypatch.setattr(kernels, "COMPILING", 0)
    monkeypatch.delenv("MINIGRAD_NOJIT", raising=False)
    if not kernels.available():
        pytest.skip("there is no numba here")


@pytest.fixture
def interpreted(monkeypatch):
    """Every step runs by formulas on arrays."""
    monkeypatch.setenv("MINIGRAD_NOJIT", "1")


@pytest.fixture(params=["interpreted", "compiled"])
def either_way(request):
    """Once by formulas on arrays, once compiled."""
    request.getfixturevalue(request.param)
