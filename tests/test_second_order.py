"""The example of second derivatives, run as its users run it, and judged by a solver of another house."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from minigrad.data import breast_cancer

ROOT = Path(__file__).parents[1]


sys.path.insert(0, str(ROOT / "examples"))
import second_order as example  # noqa: E402


@pytest.fixture(scope="module")
def table():
    """The printed rows: method -> (steps, loss above the minimum, |gradient|, held-out accuracy in %)."""
    command = [sys.executable, example.__file__, "--steps", "30"]
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert run.returncode == 0, run.stderr
    rows = re.findall(r"^(\S+) +(\d+) +(\S+) +(\S+) +([\d.]+)%$", run.stdout, flags=re.M)
    return {name: tuple(map(float, numbers)) for name, *numbers in rows}


def test_every_method_has_its_row(table):
    assert list(table) == ["Descent", "ADAM", "Newton", "L-BFGS-B", "Newton-CG", "trust-ncg"]


@pytest.mark.parametrize(
    "method, steps", [("Newton", 12), ("trust-ncg", 12), ("Newton-CG", 15), ("L-BFGS-B", 60)]
)
def test_second_derivatives_reach_the_minimum_in_few_steps(table, method, steps):
    assert table[method][0] <= steps
    assert table[method][1] < 1e-9


def test_descent_is_far_from_it_after_more_steps(table):
    assert table["Descent"][0] == 30 and table["Descent"][1] > 1e-3


def test_the_regression_judges_held_out_samples_well(table):
    assert table["Newton"][3] > 95


def test_the_minimum_is_that_of_an_independent_computation():
    """The loss written out in NumPy, its gradient by SciPy's finite differences, on the same rows."""
    (x, y), _ = example.measurements(np.random.default_rng(0))
    loss = example.regression(x, y)

    def by_hand(w):
        z = x @ w[:-1] + w[-1]
        return np.mean(np.logaddexp(0, z) - y * z) + 0.005 * w[:-1] @ w[:-1]

    *_, w = example.newton(loss)
    independent = minimize(by_hand, np.zeros(31), method="L-BFGS-B", options={"maxfun": 10**6}).fun

    assert by_hand(w) == pytest.approx(independent, rel=1e-6)  # finite differences stop about there
    assert len(y) + 114 == len(breast_cancer()[0])


@pytest.mark.parametrize("arguments, message", [(["--steps", "0"], "--steps must be at least 1"),
                                                (["--eta", "-1"], "--eta must be a positive number"),
                                                (["--seed", "-1"], "--seed must be at least 0"),
                                                (["--eta", "much"], "invalid float value")])
def test_a_wrong_value_gets_one_line(monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(sys, "argv", ["second_order.py", *arguments])

    with pytest.raises(SystemExit):
        example.main()

    assert message in capsys.readouterr().err.splitlines()[-1]


def test_a_picture_is_drawn_when_asked_for(tmp_path):
    pytest.importorskip("matplotlib")

    example.draw({"Descent": np.array([1.0, 0.1, 0.0])}, tmp_path / "descent.png")

    assert (tmp_path / "descent.png").read_bytes().startswith(b"\x89PNG")
