"""The table "Identical numbers" of docs/optimisers.md, row by row, against what the libraries gave."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from minigrad import optimise

HERE = Path(__file__).parent
RECORDED = json.loads((HERE / "data" / "rules_peers.json").read_text(encoding="utf-8"))
LIBRARIES = RECORDED.keys() - {"parameters", "gradients"}
TABLE = (HERE.parent / "docs" / "optimisers.md").read_text(encoding="utf-8").split("### Identical numbers\n")[1]
ROWS = re.findall(r"^\| ([\w-]+) \| `(.+?)` \| `(.+?)` \|(.*)\|$", TABLE.split("\n#")[0], re.MULTILINE)


def tolerance(why):
    """1e-12 of the way from the start, unless the row says otherwise, and why."""
    return float(why.split(":")[0]) if why.strip() else 1e-12


@pytest.mark.parametrize("library, call, ours, why", ROWS, ids=[row[1] for row in ROWS])
def test_row_of_the_table_makes_the_recorded_steps(library, call, ours, why, interpreted):
    opt = eval(ours, {**vars(optimise), "math": math})
    start = list(map(np.array, RECORDED["parameters"]))
    ps = [np.array(x) for x in start]
    recorded = RECORDED[library][call]

    for t, dxs in enumerate(RECORDED["gradients"], 1):
        optimise.update_(opt, ps, list(map(np.array, dxs)))
        for x, theirs, x0 in zip(ps, map(np.array, recorded.get(str(t), ())), start):
            assert np.max(abs(x - theirs)) <= tolerance(why) * np.max(abs(theirs - x0))


def test_the_table_has_exactly_the_recorded_calls():
    recorded = {(library, call) for library in LIBRARIES for call in RECORDED[library]}

    assert {row[:2] for row in ROWS} == recorded and len(ROWS) == len(recorded)


def test_what_no_row_says_would_be_noticed():
    assert len(ROWS) > 50 and tolerance("") == 1e-12 and tolerance(" 1e-7: because ") == 1e-7


def test_other_advice_than_the_recipes_is_far_off(interpreted):
    # A decay behind Lion that is not multiplied by the rate: what this page once said.
    recorded = RECORDED["optax"]["lion(0.1, weight_decay=0.1)"]["30"]
    ps = list(map(np.array, RECORDED["parameters"]))
    opt = optimise.Optimiser(optimise.Lion(0.1), optimise.WeightDecay(0.1))
    for dxs in RECORDED["gradients"]:
        optimise.update_(opt, ps, list(map(np.array, dxs)))

    assert np.max(abs(ps[0] - np.array(recorded[0]))) > 0.5
