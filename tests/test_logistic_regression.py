"""Logistic regression on the breast cancer table: against scikit-learn, and as a program."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from minigrad.data import breast_cancer

ROOT = Path(__file__).parents[1]
PROGRAM = str(ROOT / "examples" / "logistic_regression.py")
RECORDED = json.loads((Path(__file__).parent / "data" / "logistic_regression.json").read_text())


def logistic_regression(*arguments):
    return subprocess.run([sys.executable, PROGRAM, *arguments], capture_output=True, encoding="utf-8",
                          stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)})


@pytest.fixture()
def example(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    import logistic_regression as module
    return module


@pytest.mark.parametrize("answer", RECORDED["answers"], ids=lambda answer: f"C={answer['C']}")
def test_it_finds_the_weights_that_scikit_learn_finds(example, answer):
    features, malignant, _ = breast_cancer()

    model = example.fit(example.standardised(features, features), malignant, strength=1 / answer["C"])

    # ADAM stops where its rate has fallen to 0, 1e-6 from where scikit-learn stops
    np.testing.assert_allclose(model.W.data[:, 0], answer["weights"], atol=1e-5)
    np.testing.assert_allclose(model.b.data[0], answer["offset"], atol=1e-5)


@pytest.fixture(scope="module")
def run():
    run = logistic_regression("--steps", "300", "--top", "5")
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_it_judges_at_least_95_of_100_held_out_samples_correctly(run):
    assert float(re.search(r"correctly: ([\d.]+)%", run)[1]) >= 95


def test_its_table_shows_the_largest_weights_in_order(run):
    weights = [abs(float(w)) for w in re.findall(r"([+-]\d\.\d\d)$", run, flags=re.M)]

    assert len(weights) == 5
    assert weights == sorted(weights, reverse=True)


def test_a_stronger_pull_makes_the_largest_weight_smaller(run):
    stronger = logistic_regression("--steps", "300", "--top", "1", "--strength", "100").stdout

    def largest(output):
        return abs(float(re.search(r"([+-]\d\.\d\d)$", output, flags=re.M)[1]))

    assert largest(stronger) < largest(run)


def test_help_names_every_option():
    helped = logistic_regression("--help")

    assert helped.returncode == 0
    assert all(option in helped.stdout for option in ("--strength", "--steps", "--top", "--seed"))


@pytest.mark.parametrize("option, value", [
    ("--strength", "-1"), ("--steps", "0"), ("--top", "-1"), ("--seed", "-1"),
])
def test_a_wrong_value_gets_a_line_that_names_it(option, value):
    refused = logistic_regression(option, value)

    assert refused.returncode == 2
    assert option in refused.stderr.splitlines()[-1]
