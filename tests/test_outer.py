"""Packages that are written for HIPS autograd, with minigrad in its place: they are installed and called, no more."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
OUTER = HERE / "outer"


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """Return a function from packages to a Python that has them: this one, or a new one of its own."""
    made = {}

    def python(*packages):
        if all(find_spec(package) for package in packages):
            return sys.executable
        folder = made.get("folder") or tmp_path_factory.mktemp("outer")
        made["folder"], there = folder, folder / "bin" / "python"
        commands = [[there, "-m", "pip", "install", "-q", "scipy", *packages]]
        for command in [[sys.executable, "-m", "venv", folder]] * (not there.exists()) + commands:
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"{', '.join(packages)} cannot be installed here: {done.stderr.strip()[-200:]}")
        return there

    return python


def told_by(python, program, *args):
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([python, OUTER / program, *args], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_lifelines_fits_have_the_parameters_that_they_have_with_autograd(installed):
    python = installed("lifelines", "autograd", "autograd_gamma")

    theirs, ours = (told_by(python, "lifelines_fits.py", whose) for whose in ("autograd", "minigrad"))

    assert len(ours) >= 20
    for name, parameters in theirs.items():
        np.testing.assert_allclose(ours[name], parameters, rtol=1e-6, atol=1e-6, err_msg=name)


@pytest.mark.slow
def test_pymanopts_solutions_on_manifolds_are_those_in_closed_form(installed):
    distances = told_by(installed("pymanopt", "autograd"), "pymanopt_programs.py")

    assert len(distances) == 8
    for name, distance in distances.items():
        assert distance < 1e-6, name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["regression", "counts", "mixture", "gaussian_process", "hierarchy", "survival"])
def test_likelihoods_are_numpyros(installed, name):
    """Densities and their gradients, with the distributions of numpyro and JAX's gradients."""
    found = told_by(installed("numpyro"), "likelihoods.py", name)

    np.testing.assert_allclose(found["minigrad"], found["numpyro"], rtol=1e-9, atol=1e-9)
