"""The README keeps its word: its Python runs, and the commands it names exist."""

import linecache
import pkgutil
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON_BLOCKS = re.findall(r"^```python\n(.*?)^```", README, flags=re.M | re.S)


def run(source):
    """Run one block by itself, as a reader would who copies it, and return its variables."""
    name = f"<block of the README {hash(source)}>"
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name  # `rule` reads its formula
    variables = {"__name__": "readme"}
    exec(compile(source, name, "exec"), variables)
    return variables


@pytest.mark.parametrize("source", PYTHON_BLOCKS)
def test_every_python_block_runs_by_itself(source):
    run(source)


def test_the_twelve_lines_move_both_parameters_downhill():
    twelve_lines = next(block for block in PYTHON_BLOCKS if "def predict" in block)

    after = run(twelve_lines)

    assert float(after["loss"](after["x"], after["y"])) < float(after["l"])


def test_what_is_shown_below_a_block_is_what_it_prints(capsys):
    pairs = re.findall(r"^```python\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", README, flags=re.M | re.S)
    shown = {source: text for source, text in pairs if text}

    assert len(shown) == 3  # a gradient, its program, a formula
    for source, text in shown.items():
        run(source)
        assert capsys.readouterr().out == text


def test_the_derivatives_shown_are_right():
    block = next(block for block in PYTHON_BLOCKS if "curvature" in block)

    shown = run(block)

    assert shown["slope"] == pytest.approx(1.0, rel=1e-12)
    assert shown["curvature"] == pytest.approx(-1.0, rel=1e-12)
    assert shown["rows"].tolist() == [[1, 0], [0, 1], [1, 1]]
    assert shown["turn"] == pytest.approx(-3, rel=1e-12)
    assert shown["drift"] == pytest.approx(1.0, rel=1e-12)


def test_every_name_the_readme_shows_instead_of_numpys_and_scipys_own_is_there():
    named = {name for name in re.findall(r"`[^`]*?(minigrad(?:\.\w+)+)", README) if not name.startswith("minigrad/")}

    assert {"minigrad.r_", "minigrad.c_", "minigrad.put_along_axis", "minigrad.scipy.logsumexp"} <= named
    for name in named:
        pkgutil.resolve_name(name)


def test_the_line_that_is_fitted_comes_close_to_the_data():
    block = next(block for block in PYTHON_BLOCKS if "offset" in block)

    fitted = run(block)

    assert float(fitted["slope"][0]) == pytest.approx(3, abs=0.05)
    assert float(fitted["offset"][0]) == pytest.approx(1, abs=0.05)


def test_every_make_target_named_in_the_readme_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, flags=re.M))

    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, flags=re.M))

    assert {"run", "test"} <= named <= targets


def test_every_file_the_readme_links_to_exists():
    links = re.findall(r"\]\(([^)#:]+)\)", README)

    missing = [link for link in links if not (ROOT / link).exists()]

    assert links and not missing
