"""Every operation of the tables, compiled: traced at some numbers, run at others beside the eager gradient there."""

import numpy as np
import pytest
from compiling import needs_numba
from test_derivatives import CASES, drawn, loss_of
from test_trace_table import REFUSED, other

from minigrad import Tensor, TraceError, params, withgradient
from minigrad.optimise.compiled.lines import NotLowered
from minigrad.optimise.compiled.lowering import Lowered
from minigrad.readers.forms import PlainProgram
from minigrad.readers.tracer import run

pytestmark = [needs_numba, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
SAMPLE = list({(str(case.function), len(case.args)): case for case in CASES if case.function not in REFUSED}.values())
ROUNDS = 24


def wrong(case, single):
    """Return what is wrong with a case compiled: "" where nothing is, or where it runs as its text."""
    xs, ys = ([np.asarray(x) for x in made(case, False, single)] for made in (drawn, other))
    if not xs or any(x.dtype.kind != "f" or not x.size for x in xs):
        return ""
    tensors, f = list(map(Tensor, xs)), loss_of(case)
    ps = params(*tensors)
    try:
        program = run(lambda: f(*tensors), (ps,), (), follows=False).simplified()
        made = Lowered(PlainProgram(program), tuple(ps), None)
    except (TraceError, NotLowered) as error:
        return "" if isinstance(error, TraceError) or "numba" not in str(error) else str(error)
    for t, y in zip(tensors, ys):
        t.data[...] = y
    value, grads = withgradient(lambda: f(*tensors), ps)
    found, gradients = made.try_()
    if found is None:
        return "" if not np.isfinite(value) else f"not made: {made.why_none}"
    tolerance = 2e-5 if single else 1e-11
    pairs = [(found, value), *((d, grads[t]) for t, d in zip(tensors, gradients))]
    return "" if all(near(a, b, tolerance) for a, b in pairs) else f"{pairs}"


def near(a, b, tolerance):
    if a is None or b is None:
        return a is b
    b = np.asarray(getattr(b, "data", b))
    scale = np.max(np.abs(b[np.isfinite(b)]), initial=1e-3)
    return np.shape(a) == b.shape and np.allclose(a, b, tolerance, tolerance * scale, equal_nan=True)


@pytest.mark.parametrize("single", [False, True], ids=["double", "single"])
@pytest.mark.parametrize("round", range(ROUNDS))
def test_a_case_of_every_operation_is_right_at_other_numbers(round, single, monkeypatch):
    monkeypatch.setenv("MINIGRAD_NOJIT", "0")
    with np.errstate(all="ignore"):
        found = {str(case): wrong(case, single) for case in SAMPLE[round::ROUNDS]}

    assert not {case: what for case, what in found.items() if what}
