"""The site: every public name has a page of reference, the pages build without a warning, the notebooks run."""

import importlib
import importlib.util
import inspect
from pathlib import Path

import pytest

import minigrad

SITE = Path(__file__).parents[1] / "docs" / "site"


def script(name):
    specification = importlib.util.spec_from_file_location(f"site_{name}", SITE / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "reference"
    script("build").reference(folder)
    return {page.stem: page.read_text(encoding="utf-8") for page in folder.glob("*.md")}


def test_every_public_name_has_its_place_in_the_reference(pages):
    build = script("build")
    text = "\n".join(pages.values())

    for chapter in build.CHAPTERS:
        module = importlib.import_module(f"minigrad.{chapter}" if chapter else "minigrad")
        for name in module.__all__:
            if not inspect.ismodule(getattr(module, name)):
                assert f"## {build.plain(name)}\n" in text, name


def test_a_docstring_is_laid_out_as_it_is_read(pages):
    text = pages["optimise"].split("## ADAM\n")[1].split("\n## ")[0]

    assert "```python\nADAM(" in text and "```text\n" in text and "```pycon\n>>> " in text
    assert "\n**Parameters**\n" in text and "* **eta** : " in text and "``" not in text.replace("```", "")


def test_a_docstrings_parts_become_those_of_a_page():
    text = script("build").as_markdown(
        "Return *x*, a_b.\n\n    y = x * 2\n\nParameters\n----------\nx, y : float > 0, ``x`` itself\n    and more\n\n"
        ">>> 1\n1\n\nSource: [1]."
    )

    assert text == (
        "Return \\*x\\*, a\\_b.\n\n```text\ny = x * 2\n```\n\n"
        "**Parameters**\n\n* **x, y** : float > 0, `x` itself\n  and more\n\n"
        "```pycon\n>>> 1\n1\n```\n\nSource: \\[1\\]."
    )


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    for package in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(package, reason="not installed: make site installs it")

    assert script("build").build(tmp_path / "site") == 0

    built = (tmp_path / "site" / "reference" / "optimise.html").read_text(encoding="utf-8")
    assert "AccumGrad" in built and (tmp_path / "site" / "searchindex.js").exists()
    assert minigrad.__version__ in built


@pytest.mark.slow
@pytest.mark.parametrize("name", ["teaching", "optimisers", "seeing", "schedules"])
def test_a_page_runs_as_a_notebook(name, tmp_path, monkeypatch):
    for package in ("jupytext", "nbclient", "ipykernel"):
        pytest.importorskip(package, reason="not installed: make notebooks installs it")
    import nbclient

    made = script("notebooks").notebook(name)
    monkeypatch.setenv("PYTHONPATH", str(SITE.parents[1]))
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")

    nbclient.NotebookClient(made, timeout=600).execute(cwd=str(tmp_path))

    assert sum(cell.cell_type == "code" for cell in made.cells) >= 3
