"""Every number recorded from ParameterSchedulers.jl comes out here."""

import json
import math
import pathlib

import numpy as np
import pytest

from minigrad import schedules
from minigrad.schedules import Sequence, Stateful, StepError, next_, reset_

GOLDEN = json.loads((pathlib.Path(__file__).parent / "data" / "schedules.json").read_text(encoding="utf-8"))
# Version 0.2 gave these arguments another meaning than 0.3, which is reproduced.
CONTRADICTED = {"triangle-pos-v02", "step-int-v02", "step-vector-v02"}
CASES = {case["id"]: case for case in GOLDEN["cases"] if case["id"] not in CONTRADICTED}

FUNCTIONS = {
    "log": lambda t: math.log(t) if t > 0 else -math.inf,  # as Julia's
    "sqrt": math.sqrt, "sin": math.sin, "exp": math.exp, "identity": lambda t: t, "square": lambda t: t * t,
    "reciprocal": lambda t: 1 / t, "ceil_int": math.ceil, "floor_int": math.floor,
}
ADVANCE = {"always": lambda state: True, "never": lambda state: False, "state_lt_5": lambda state: state < 5}


def built(spec):
    """The schedule that a spec of the file describes."""
    if isinstance(spec, list):
        return [built(part) for part in spec]
    if not isinstance(spec, dict):
        return spec
    if "function" in spec:
        return FUNCTIONS[spec["function"]]
    if "schedule" in spec:
        return built(spec["schedule"]), spec["steps"]
    kwargs = {name: built(value) for name, value in spec.get("kwargs", {}).items()}
    return getattr(schedules, spec["type"])(*map(built, spec.get("args", [])), **kwargs)


def assert_recorded(actual, recorded):
    # 1e-10 relative; the waves touch their lowest value with another rounding, hence 1e-12 absolute.
    np.testing.assert_allclose(actual, [float(value) for value in recorded], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_schedule_gives_the_recorded_values_called_step_by_step(name):
    case = CASES[name]
    schedule = built(case["spec"])

    for t, value in enumerate(case["values"], 1):
        if isinstance(value, dict):
            with pytest.raises(IndexError):
                schedule(t)
        else:
            assert_recorded([schedule(t)], [value])


@pytest.mark.parametrize("name", CASES)
def test_schedule_gives_the_recorded_values_of_an_array_of_steps(name):
    case = CASES[name]
    recorded = [value for value in case["values"] if not isinstance(value, dict)]

    actual = built(case["spec"])(np.arange(1, len(recorded) + 1))

    assert_recorded(actual, recorded)


@pytest.mark.parametrize("name", CASES)
def test_schedule_iterates_through_the_recorded_values_and_stops_at_its_end(name):
    case = CASES[name]
    recorded = [value for value in case["values"] if not isinstance(value, dict)]

    actual = [value for value, _ in zip(built(case["spec"]), case["values"])]

    assert_recorded(actual, recorded)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "at" in case])
def test_formula_gives_the_recorded_values_at_0_and_at_fractions_and_far_out(name):
    case = CASES[name]
    schedule = built(case["spec"])

    for t, value in case["at"]:
        if isinstance(value, dict):
            with pytest.raises(IndexError):
                schedule(t)
        else:
            assert_recorded(schedule.formula(np.array([float(t)])), [value])


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.get("length")])
def test_finite_schedule_has_the_recorded_length(name):
    assert len(built(CASES[name]["spec"])) == CASES[name]["length"]


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case["size"] == "infinite"])
def test_endless_schedule_has_no_length(name):
    with pytest.raises(TypeError, match="never ends"):
        len(built(CASES[name]["spec"]))


def test_sequence_of_an_endless_generator_gives_the_recorded_values():
    def growing():
        k = 0
        while k := k + 1:
            yield schedules.Exp(1.0, 0.5 * k)

    assert_recorded(Sequence(growing())[1:61], CASES["sequence-generator"]["values"])


def test_sequence_of_a_finite_generator_gives_the_recorded_values():
    recorded = CASES["sequence-generator-finite"]["values"]

    assert_recorded(Sequence(2 / k for k in range(1, 11))[1:len(recorded) + 1], recorded)


@pytest.mark.parametrize("case", GOLDEN["stateful"], ids=lambda case: case["id"])
def test_stateful_gives_the_recorded_trace(case):
    stateful = Stateful(built(case["schedule"]), advance=ADVANCE[case["advance"]])

    for entry in case["trace"]:
        if entry["call"] == "next!":
            assert_recorded([next_(stateful)], [entry["value"]])
        else:
            assert reset_(stateful) is stateful
        assert stateful.state == entry["state_after"]


@pytest.mark.parametrize("case", GOLDEN["utilities"], ids=lambda case: case["id"])
def test_reverse_and_symmetric_give_the_recorded_values(case):
    turned = getattr(schedules, case["function"])(built(case["f"]), case["period"])

    assert_recorded([turned(t) for t, _ in case["at"]], [value for _, value in case["at"]])


def test_a_step_before_the_first_is_refused_where_the_user_calls():
    for case in CASES.values():
        with pytest.raises(StepError, match="counted 1, 2, 3"):
            built(case["spec"])(0)
