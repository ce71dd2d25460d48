"""Programs written for NumPy run on Tensors as they are, and their derivatives are right."""

import importlib
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from minigrad import gradient, hvp

FOLDER = pathlib.Path(__file__).parent.parent / "examples" / "numpy_programs"
PROGRAMS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "compare")


@pytest.fixture(params=PROGRAMS)
def program(request, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module(request.param)


def central_difference(f, x, direction, h=1e-5):
    return (f(x + h * direction) - f(x - h * direction)) / (2 * h)


def test_there_are_fourteen_programs():
    assert len(PROGRAMS) >= 14


def test_no_program_knows_minigrad():
    for name in PROGRAMS:
        assert "minigrad" not in (FOLDER / f"{name}.py").read_text()


def test_the_gradient_agrees_with_differences(program):
    values = list(program.arguments().values())
    rng = np.random.default_rng(0)

    for i, (x, g) in enumerate(zip(values, gradient(program.loss, *values))):
        direction = rng.normal(size=np.shape(x))
        expected = central_difference(
            lambda x, i=i: program.loss(*values[:i], x, *values[i + 1 :]), x, direction
        )
        # differences of a loss with rounding errors of 1e-15 and steps of 1e-5 are good to about 1e-8
        assert np.sum(g * direction) == pytest.approx(expected, rel=1e-6, abs=1e-7)


def test_the_second_derivative_agrees_with_differences(program):
    first, *others = program.arguments().values()
    direction = np.random.default_rng(1).normal(size=np.shape(first))

    def loss(x):
        return program.loss(x, *others)

    expected = central_difference(lambda x: gradient(loss, x)[0], first, direction)

    np.testing.assert_allclose(hvp(loss, first, direction), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["gaussian_process", "spline"])
def test_a_program_prints_a_table_with_one_line_per_argument(name):
    shown = run(name, "--seed", "3")

    assert shown.returncode == 0
    assert len(shown.stdout.splitlines()) == 4 + len(importlib.import_module(name).arguments())


def test_help_says_what_a_program_does():
    shown = run("kalman_filter", "--help")

    assert shown.returncode == 0
    assert "tracks a moving point" in shown.stdout


def test_a_wrong_step_is_a_one_line_error():
    shown = run("spline", "--step", "-1")

    assert shown.returncode == 2
    assert shown.stderr.splitlines()[-1].endswith("--step must lie between 0 and 1, not -1.0")


def run(name, *options):
    command = [sys.executable, str(FOLDER / f"{name}.py"), *options]
    environment = {**os.environ, "PYTHONPATH": str(FOLDER.parent.parent)}
    return subprocess.run(command, capture_output=True, text=True, env=environment)
