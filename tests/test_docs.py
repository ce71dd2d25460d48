"""The manual is executed: every Python block of every page in docs/, in order, each page in one namespace."""

import codeop
import contextlib
import doctest
import io
import re
import time
from pathlib import Path

import pytest

import minigrad

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(page for page in DOCS.glob("*.md") if "```python" in page.read_text(encoding="utf-8"))
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL | doctest.ELLIPSIS


def blocks(page):
    """Return the Python blocks of a page: how many lines are before it, the source, what it prints if that is shown."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```python\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", text, flags=re.M | re.S)
    return [(text[: match.start(1)].count("\n"), match[1], match[2]) for match in found]


def execute(page, shortened=lambda source: source):
    """Run a page, its dialogues as doctests, and return its variables."""
    variables = {"__name__": "manual"}
    minigrad.seed(0)
    for line, source, shown in blocks(page):
        source = shortened(source)
        if source.lstrip().startswith(">>>"):
            dialogue = doctest.DocTestParser().get_doctest(source, variables, page.name, str(page), line)
            dialogue.globs = variables  # what a dialogue defines stays
            doctest.DebugRunner(optionflags=FLAGS).run(dialogue, clear_globs=False)
        else:
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(compile("\n" * line + source, str(page), "exec"), variables)
            assert shown is None or shown.rstrip() == printed.getvalue().rstrip()
    return variables


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_the_page_runs(page, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # some save a file

    execute(page, lambda source: source.replace("10**5", "200"))


@pytest.mark.parametrize("page", [*PAGES, DOCS.parent / "README.md"], ids=lambda page: page.name)
def test_every_block_can_be_pasted_at_pythons_own_prompt(page):
    if page.name == "teaching.md":
        pytest.skip("there is a class with blank lines in it, and the page says so")
    for _, source, _ in blocks(page):
        typed = []
        for line in [*source.splitlines(), ""] if not source.startswith(">>>") else []:
            typed.append(line)
            if codeop.compile_command("\n".join(typed), symbol="single") is not None:
                typed = []


def test_there_is_a_manual():
    assert {"optimisers.md", "coming-from.md", "teaching.md"} <= {page.name for page in PAGES}


@pytest.mark.slow
def test_the_composing_example_learns_within_its_hundred_thousand_iterations(capsys):
    start = time.perf_counter()

    shown = execute(DOCS / "optimisers.md")

    took = time.perf_counter() - start
    with capsys.disabled():
        print(f"\ndocs/optimisers.md with 10^5 iterations: {took:.1f} s, {took * 10:.1f} us each")
    assert float(shown["after"]) < 0.01 < float(shown["before"])


def rows(page, heading):
    """Return the first cells of the table rows under a heading, as code."""
    section = page.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([A-Z]\w*\([^`]*(?:=|thresh)[^`]*\))` \|", section, flags=re.M)


NEWER = "Newer rules, and those of PyTorch and optax"
TABLES = [("All the rules", 14), (NEWER, 25), ("Decays", 3), ("Gradient clipping", 3)]


@pytest.mark.parametrize("heading, count", TABLES)
def test_the_tables_of_the_rules_show_the_defaults_that_they_have(heading, count):
    shown = rows(DOCS / "optimisers.md", heading)

    assert len(shown) == count
    for text in shown:
        name = text.split("(")[0]
        made = repr(eval(f"{name}({'thresh=1.0' * ('(thresh' in text)})", vars(minigrad.optimise)))
        assert text.replace('"', "'") == made.replace("thresh=1.0", "thresh")  # which has no default


def test_links_lead_somewhere():
    for page in DOCS.glob("*.md"):
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name} links to {link}, which is not there"


def test_every_page_is_on_the_first_one_and_leads_to_the_next():
    pages = re.findall(r"^\| .*", (DOCS / "index.md").read_text(encoding="utf-8"), flags=re.M)
    in_order = list(dict.fromkeys(re.findall(r"\]\(([\w-]+\.md)\)", "\n".join(pages))))

    assert set(in_order) == {page.name for page in DOCS.glob("*.md")} - {"index.md"}
    for page, after in zip(["index.md", *in_order], in_order):
        last = (DOCS / page).read_text(encoding="utf-8").rstrip().splitlines()[-1]
        assert last.startswith("Next: [") and f"]({after})" in last, page


def test_every_chapter_of_the_package_has_its_place_in_the_map():
    page = (DOCS / "architecture.md").read_text(encoding="utf-8").split("## One gradient")[0]
    package = Path(minigrad.__file__).parent
    files = {str(f.relative_to(package)) for f in package.rglob("*.py")}
    chapters = {f for f in files if "/" not in f or not f.endswith("__init__.py")}

    mentioned = set()
    for row in re.findall(r"^\|[^|]*\|[^|]*\|(.*?)\|", page, flags=re.M):
        folder = ""
        for name in re.findall(r"`([\w/]+\.py)`", row):  # a folder is said once, at its first file
            folder = name.rpartition("/")[0] + "/" if "/" in name else folder
            mentioned |= {name, folder + name} & chapters

    assert sorted(chapters - mentioned) == []


def test_every_quirk_that_is_marked_in_the_formulas_is_on_the_page_of_differences():
    formulas = (Path(minigrad.__file__).parent / "optimise" / "formulas.py").read_text(encoding="utf-8")
    functions = re.split(r"^def ", formulas, flags=re.M)[1:]
    marked = [text.split("(")[0].replace("_", "") for text in functions if "# Flux:" in text]

    page = (DOCS / "differences.md").read_text(encoding="utf-8").lower()

    assert marked and [name for name in marked if f"`{name}`" not in page] == []
