"""The source distribution: unpacked and installed alone, it passes the tests that it brings."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command, cwd, **environment):
    """Run a command without what this process has of Python; return its output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_", "VIRTUAL_ENV"))}
    ran = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=3000, env={**kept, **environment})
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    return ran.stdout


@pytest.mark.slow
def test_the_source_distribution_passes_its_tests_in_a_bare_environment(tmp_path):
    pytest.importorskip("build", reason="not installed: make site installs it")

    run(sys.executable, "-m", "build", "--sdist", "--outdir", tmp_path, ROOT, cwd=tmp_path)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(tmp_path)
    (unpacked,) = (path for path in tmp_path.iterdir() if path.is_dir())
    run(sys.executable, "-m", "venv", tmp_path / "bare", cwd=tmp_path)
    python = tmp_path / "bare" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", f"{archive}[test]", cwd=tmp_path)

    test = python, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "tests"
    said = run(*test, cwd=unpacked, OPENBLAS_NUM_THREADS="1")

    assert " passed" in said.splitlines()[-1]
    where = run(python, "-c", "import minigrad; print(minigrad.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(tmp_path / "bare")
