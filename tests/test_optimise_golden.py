"""Trajectories recorded from Flux 0.13.0 itself (tests/data/optimisers.json)."""

import json
from pathlib import Path

import numpy as np
import pytest

from minigrad import optimise as o

GOLDEN = json.loads((Path(__file__).parent / "data" / "optimisers.json").read_text())
CASES = {case["id"]: case for case in GOLDEN["cases"]}

# Flux's shared-counter defect: the second parameter rests at a multiple of the period and stops the decay.
DEFECT = "expdecay-shared-uneven-f64"

# Flux holds hyperparameters in float64, so with float32 parameters it computes in float64 and rounds at
# every store; here everything is float32.
TOLERANCE = {"float64": 1e-11, "complex128": 1e-11, "float32": 2e-4}


def array(data, dtype, shape):
    values = np.array(data, dtype=float)
    if dtype.startswith("complex"):
        values = values[..., 0] + 1j * values[..., 1]
    return values.astype(dtype).reshape(shape)


def build(spec):
    if spec["type"] == "Optimiser":
        return o.Optimiser(*map(build, spec["os"]))
    return getattr(o, spec["type"])(**spec["hyper"])


def member(opt, path):
    for i in path:
        opt = opt[i]
    return opt


def run(case, opt, step):
    """Yield, for each recorded step, the parameters and the steps made and what Flux had."""
    sets = [GOLDEN["sets"][name] for name in case["params"]]
    xs = [array(s["x0"], s["dtype"], s["shape"]) for s in sets]
    skipped = case.get("skipped") or [[] for _ in xs]
    recorded = {record["step"]: record for record in case["recorded"]}
    for t in range(1, case["steps"] + 1):
        for change in case.get("set_before_step") or []:
            if change["step"] == t:
                setattr(member(opt, change["path"]), change["field"], change["value"])
        made = [
            None if t in skip else step(opt, x, array(s["grads"][t - 1], s["dtype"], s["shape"]))
            for s, x, skip in zip(sets, xs, skipped)
        ]
        if t in recorded:
            for k, (s, x) in enumerate(zip(sets, xs)):
                theirs = array(recorded[t]["x"][k], s["dtype"], s["shape"])
                delta = recorded[t]["delta"][k]
                yield t, x, theirs, made[k], None if delta is None else array(delta, s["dtype"], s["shape"])


def update(opt, x, dx):
    o.update_(opt, x, dx)


def apply_and_subtract(opt, x, dx):
    step = o.apply_(opt, x, dx)
    x -= step
    return step


def assert_close(ours, theirs, where):
    tolerance = TOLERANCE[ours.dtype.name]
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * 1e-2, err_msg=where)


@pytest.mark.parametrize("case", [id for id in CASES if id != DEFECT])
def test_the_formulas_follow_flux(case, interpreted):
    for t, x, theirs, _, _ in run(CASES[case], build(CASES[case]["optimiser"]), update):
        assert_close(x, theirs, f"step {t}")


@pytest.mark.slow
@pytest.mark.parametrize("case", [id for id in CASES if id != DEFECT])
def test_the_kernels_follow_flux(case, compiled):
    for t, x, theirs, _, _ in run(CASES[case], build(CASES[case]["optimiser"]), update):
        assert_close(x, theirs, f"step {t}")


@pytest.mark.parametrize("case", [id for id in CASES if id != DEFECT])
def test_apply_returns_the_step_of_flux(case, interpreted):
    for t, x, theirs, step, delta in run(CASES[case], build(CASES[case]["optimiser"]), apply_and_subtract):
        assert_close(x, theirs, f"step {t}")
        if delta is not None:
            assert_close(step, delta, f"step {t}")


@pytest.mark.parametrize(
    "case", [id for id, c in CASES.items() if "constructor" in c and c["group"] != "OADAM"]
)
def test_the_positional_constructor_makes_the_same(case):
    call = CASES[case]["constructor"]
    made = getattr(o, call["name"])(*call["args"])

    meant = build(CASES[case]["optimiser"])

    assert list(map(repr, made.os if call["name"] == "ADAMW" else [made])) == list(
        map(repr, meant.os if call["name"] == "ADAMW" else [meant])
    )


def test_a_resting_parameter_does_not_stop_the_decay():
    # In Flux the eta of this case stays at 0.25 from step 8 on while the second parameter rests at count 4.
    case = CASES[DEFECT]
    opt, etas = build(case["optimiser"]), []
    for t, *_ in run(case, opt, update):
        etas.append((t, opt.eta))

    assert [eta for t, eta in etas if t >= 24] == [max(0.5 * 0.5**6, 1e-4)] * sum(t >= 24 for t, _ in etas)


def test_the_file_holds_all_cases():
    assert len(CASES) == 167
