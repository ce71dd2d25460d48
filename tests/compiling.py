"""What tests of compiled code need: fresh processes, and forgetting what is compiled."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad
from minigrad.optimise.compiled import cache, kernels

JIT = {"MINIGRAD_NOJIT": "0", "NUMBA_DISABLE_JIT": "0"}  # whatever the surroundings say
needs_numba = pytest.mark.skipif(not cache.numba_version(), reason="there is no numba here")


def python(code, **environment):
    """Run code in a fresh process and return what it prints."""
    path = os.pathsep.join([str(Path(minigrad.__file__).parents[1]), str(Path(__file__).parent)])
    run = subprocess.run(
        [sys.executable, "-W", "always", "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **JIT, "PYTHONPATH": path, **environment},
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip() + run.stderr.strip()


def forget(monkeypatch):
    """Make this process forget the kernels it has, and what it has warned of."""
    for name, value in [("_addresses", {}), ("_missing", set()), ("_failed", set())]:
        monkeypatch.setattr(kernels, name, value)
    cache._warned.clear()
