"""The source distribution: unpacked and installed alone, it passes the tests that it brings."""

import ast
import os
import re
import shutil
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


def described(tmp_path, **environment):
    """Return what a wheel of this folder says of itself: (links in the description, addresses)."""
    for name in ("setup.cfg", "setup.py", "pyproject.toml", "README.md", "LICENSE", "minigrad", "examples"):
        if not (tmp_path / name).exists():
            (tmp_path / name).symlink_to(ROOT / name)
    if environment.pop("noted", None):
        (tmp_path / "PKG-INFO").write_text("Project-URL: Repository, https://noted.example/minigrad\n", "utf-8")
    program = "import setuptools; setuptools.setup = lambda **given: print(given); exec(open('setup.py').read())"
    said = ast.literal_eval(run(sys.executable, "-c", f"__file__ = {str(tmp_path / 'setup.py')!r}; {program}",
                                cwd=tmp_path, **environment))  # fmt: skip
    return re.findall(r"\]\(([^)]*)\)", said["long_description"]), said["project_urls"]


def test_on_the_index_page_all_links_lead_to_the_repository(tmp_path):
    url = "https://host.example/minigrad"

    links, addresses = described(tmp_path, MINIGRAD_URL=url)

    ours = [link.removeprefix(f"{url}/blob/main/") for link in links if link.startswith(url)]
    assert len(ours) > 15 and all((ROOT / link.partition("#")[0]).exists() for link in ours)
    assert all(link.startswith(("https://", "#")) for link in links)
    assert addresses["Repository"] == url and all((ROOT / x.removeprefix(f"{url}/blob/main/")).exists()
                                                  for name, x in addresses.items() if name != "Repository")  # fmt: skip
    assert described(tmp_path, noted=True)[1]["Repository"] == "https://noted.example/minigrad"


@pytest.mark.parametrize("origin, expected", [
    ("https://host.example/a/b.git", "https://host.example/a/b"),
    ("https://name:secret@host.example/a/b", "https://host.example/a/b"),
    ("git@host.example:a/b.git", "https://host.example/a/b"),
    ("ssh://git@host.example/a/b.git", "https://host.example/a/b"),
    ("/somewhere/else", None),
])  # fmt: skip
def test_the_address_is_what_git_says_without_names_and_secrets(tmp_path, origin, expected):
    if shutil.which("git") is None:
        pytest.skip("needs git")
    run("git", "init", "-q", ".", cwd=tmp_path)
    run("git", "remote", "add", "origin", origin, cwd=tmp_path)

    assert described(tmp_path)[1].get("Repository") == expected
