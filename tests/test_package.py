"""What is shipped: the data as described, and a wheel that holds all of the package."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minigrad

ROOT = Path(__file__).parents[1]
DATA = ROOT / "examples" / "data"


def test_the_digits_are_1797_images_of_8_by_8_pixels():
    with np.load(DATA / "digits.npz") as file:
        images, labels = file["images"], file["labels"]

    assert images.shape == (1797, 8, 8) and images.dtype == np.uint8
    assert images.min() == 0 and images.max() == 16
    # How often each digit occurs, as the authors' description of the data counts them.
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_the_breast_cancer_table_has_569_samples_of_which_212_are_malignant():
    with np.load(DATA / "breast_cancer.npz") as file:
        features, names, malignant = file["features"], file["names"], file["malignant"]

    assert features.shape == (569, 30) and len(set(names)) == 30
    assert malignant.sum() == 212
    # The range of the mean radius, as the authors' description gives it.
    assert features[:, list(names).index("mean radius")].min() == 6.981
    assert features[:, list(names).index("mean radius")].max() == 28.11


def test_the_changelog_has_an_entry_for_this_version():
    assert f"## {minigrad.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_make_target_is_declared_phony_and_explained_by_help():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    declared = set(re.search(r"^\.PHONY: (.*)$", makefile, flags=re.M)[1].split()) - {"rebuild"}
    explained = set(re.findall(r"^([a-z-]+):.*## ", makefile, flags=re.M))

    assert explained == declared


@pytest.mark.slow
def test_the_wheel_holds_every_module_the_type_marker_and_the_data(tmp_path):
    for name in ("minigrad", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)

    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", "dist", "."],
                   cwd=tmp_path, check=True)

    wheel, = (tmp_path / "dist").iterdir()
    held = set(zipfile.ZipFile(wheel).namelist())
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "minigrad").rglob("*.py")}
    assert modules | {"minigrad/py.typed"} <= held
    assert {f"minigrad/datasets/{path.name}" for path in DATA.iterdir()} <= held
