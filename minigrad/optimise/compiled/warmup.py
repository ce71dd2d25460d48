"""Compile ahead of time what training will need: ``python -m minigrad warmup``."""

import itertools
import time

import numpy as np

from ... import optimise as o
from ..parts import Formulas
from ..route import route_of
from . import cache, kernels, tasks

HELP = """usage: python -m minigrad warmup

Compile the kernels of the manual's optimisers for float32 and float64, alone and in the commonest
compositions, and keep them in {folder}
(chosen by MINIGRAD_CACHE_DIR; about 5 kB each).  Training then starts with compiled code at once."""


def common():
    """Return the optimisers that are compiled ahead."""
    plain = [
        o.Descent(), o.Momentum(), o.Nesterov(), o.RMSProp(), o.ADAM(), o.RADAM(), o.AdaMax(), o.OADAM(),
        o.ADAGrad(), o.ADADelta(), o.AMSGrad(), o.NADAM(), o.ADAMW(), o.AdaBelief(),
    ]
    composed = [
        (o.ExpDecay(), o.Descent()), (o.ADAM(), o.ExpDecay()), (o.ADAM(), o.InvDecay()), (o.WeightDecay(), o.ADAM()),
        (o.ClipValue(1), o.ADAM()), (o.ClipNorm(1), o.ADAM()), (o.ClipGlobalNorm(1), o.ADAM()),
        (o.WeightDecay(), o.Momentum()),
    ]  # fmt: skip
    return plain + [o.Optimiser(*members) for members in composed]


def warm_up(opt, *dtypes):
    """Get the kernels of an optimiser now, compiling what is not on disk; say whether there are any.

    Parameters
    ----------
    opt : an optimiser of built-in rules
    *dtypes : of the parameters to come

    >>> isinstance(warm_up(o.ADAM(), np.float32), bool)
    True
    """
    route = route_of(opt)
    parts = route.parts
    if len(parts) > 1 or not isinstance(parts[0], Formulas):
        raise TypeError(
            f"warm_up: {opt!r} has a rule of your own, registered on apply_, which is not compiled; "
            "the decorator @rule makes rules that are"
        )
    stages, plans = parts[0].stages_of(opt), []
    for (passed,), dtype in itertools.product(route.every_way(), dtypes):
        x = np.zeros(1, dtype)
        plans.append(parts[0].find(tuple([stages[k] for k in passed]), (x,), (x,)))
    return all([tasks.tasks_of(plan, float("inf")) is not None for plan in plans])


def main(arguments):
    """Run the command; return its exit status."""
    if arguments != ["warmup"]:
        print(HELP.format(folder=cache.folder()))
        return 0 if arguments in ([], ["-h"], ["--help"]) else 2
    if not kernels.available():
        print("numba is not installed, or MINIGRAD_NOJIT or NUMBA_DISABLE_JIT forbids it: nothing to compile")
        return 1
    begin = time.perf_counter()
    for opt in common():
        print(f"{'ready' if warm_up(opt, np.float32, np.float64) else 'without a kernel'}  {opt!r}")
    print(f"{kernels.compiled()} kernels in {cache.folder()}, {time.perf_counter() - begin:.1f} s")
    return 0
