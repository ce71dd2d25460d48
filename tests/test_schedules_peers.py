"""The table "From PyTorch and optax" of docs/schedules.md, row by row, against what these libraries gave."""

import json
import math
import pathlib
import re

import numpy as np
import pytest

from minigrad import schedules
from minigrad.schedules import Plateau, Sequence, next_

HERE = pathlib.Path(__file__).parent
RECORDED = json.loads((HERE / "data" / "schedules_peers.json").read_text(encoding="utf-8"))
PAGE = (HERE.parent / "docs" / "schedules.md").read_text(encoding="utf-8")


def rows(library):
    """The (peer, minigrad) pairs of a library's table."""
    table = PAGE.split(f"### {library}\n")[1].split("\n#")[0]
    return re.findall(r"^\| `(.+)` \| `(.+)` \|$", table, re.MULTILINE)


ROWS = [(library, *row) for library in ("PyTorch", "optax") for row in rows(library)]


def values_of(schedule, entry):
    """Its values at as many steps as were recorded."""
    steps = len(entry["values"])
    if isinstance(schedule, Plateau):
        return [schedule.value] + [next_(schedule, loss) for loss in entry["losses"][:steps - 1]]
    return Sequence((schedule, steps))[1:steps + 1]


@pytest.mark.parametrize("library, call, ours", [row for row in ROWS if "Scheduler(" not in row[2]])
def test_row_of_the_table_gives_the_recorded_values(library, call, ours):
    entry = RECORDED[library][call]
    schedule = eval(ours, vars(schedules) | {"math": math})

    # PyTorch multiplies step by step, so its numbers drift by some last places; 0 is reached up to rounding.
    np.testing.assert_allclose(values_of(schedule, entry), entry["values"], rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("library", ["PyTorch", "optax"])
def test_table_has_exactly_the_recorded_calls(library):
    assert {call for call, _ in rows(library)} == RECORDED[library].keys()


def test_every_scheduler_of_pytorch_and_every_schedule_of_optax_has_a_row():
    calls = " ".join(call for _, call, _ in ROWS)
    pytorch = ("Lambda Multiplicative Step MultiStep Constant Linear Exponential Polynomial CosineAnnealing "
               "Cyclic OneCycle Sequential").split()
    others = ["CosineAnnealingWarmRestarts", "ReduceLROnPlateau", "ChainedScheduler", "SWALR"]
    optax = ("constant_schedule linear_schedule polynomial_schedule exponential_decay cosine_decay_schedule "
             "cosine_onecycle_schedule linear_onecycle_schedule piecewise_constant_schedule sgdr_schedule "
             "piecewise_interpolate_schedule warmup_constant_schedule warmup_cosine_decay_schedule "
             "warmup_exponential_decay_schedule join_schedules inject_hyperparams reduce_on_plateau").split()

    for name in [*(name + "LR" for name in pytorch), *others, *optax]:
        assert re.search(rf"\b{name}\(", calls), name


def test_every_public_schedule_is_in_the_table_of_all_schedules():
    table = PAGE.split("## All schedules\n")[1].split("\n## ")[0]

    for name in set(schedules.__all__) - {"Schedule", "StepError", "Scheduler", "plot"}:
        assert f"`{name}" in table, name
