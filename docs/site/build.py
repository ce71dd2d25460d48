"""Build the site: the pages of docs/ as they are, and a page for every public name from its docstring.

    python docs/site/build.py build/site

Warnings are errors.  Docstrings stay written as they are read in the terminal; how they become pages stands in
``as_markdown``: indented blocks are formulas, ``>>>`` is a dialogue, an underlined word begins a list.
"""

import importlib
import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path

import minigrad

DOCS = Path(__file__).parents[1]
CHAPTERS = {
    "": "What `from minigrad import *` brings",
    "losses": "Losses",
    "nn": "Layers",
    "data": "Data",
    "optimise": "Optimisers and what belongs to them",
    "schedules": "Schedules",
    "checkpoint": "Checkpoints",
    "sampling": "Random samples with a gradient",
    "showing": "Optimisers at work",
    "distributed": "Several processes",
    "scipy": "SciPy's functions",
}


# ------------------------------------------------------------------------------------ docstrings as pages
def as_markdown(text):
    """Return a docstring of the house as Markdown.

    >>> print(as_markdown("Return x.\\n\\n    y = x\\n\\nParameters\\n----------\\nx : float > 0, ``x`` itself\\n"))
    Return x.
    <BLANKLINE>
    ```text
    y = x
    ```
    <BLANKLINE>
    **Parameters**
    <BLANKLINE>
    * **x** : float > 0, `x` itself
    """
    lines, found, listing = text.splitlines(), [], False
    i = 0
    while i < len(lines):
        line = lines[i]
        block = taken(lines, i, r">>>") or (taken(lines, i, r"    ") if not listing else None)
        if block:
            i += len(block)
            dialogue = block[0].startswith(">>>")
            found += ["", "```pycon" if dialogue else "```text", *map(shortened(dialogue), block), "```", ""]
        elif i + 1 < len(lines) and re.fullmatch(r"-{3,}", lines[i + 1]):
            found, listing, i = [*found, "", f"**{line}**", ""], True, i + 2
        else:
            listing = listing and bool(line.strip())
            found.append(as_item(line) if listing and not line.startswith(" ") else plain(line.strip()) if not listing
                         else "  " + plain(line.strip()))
            i += 1
    return re.sub(r"\n{3,}", "\n\n", "\n".join(found)).strip()


def taken(lines, i, begins):
    """Return the block that begins here: up to a blank line after which the text goes on at the margin."""
    if not re.match(begins, lines[i]):
        return None
    end = i
    while end < len(lines) and (lines[end].strip() if begins == ">>>" else lines[end].startswith("    ")):
        end += 1
    return lines[i:end]


def shortened(dialogue):
    return (lambda line: line) if dialogue else (lambda line: line[4:])


def as_item(line):
    """Return ``x, y : what they are`` as an item of a list."""
    names, colon, what = line.partition(" : ")
    return f"* **{plain(names)}** : {plain(what)}" if colon else f"* {plain(line)}"


def plain(line):
    """Return a line of prose with what Markdown would take for its own made harmless."""
    parts = re.split(r"(``.*?``)", line)
    return "".join(f"`{p[2:-2]}`" if p.startswith("``") else re.sub(r"([*_<\[\]|#$])", r"\\\1", p) for p in parts)


# ------------------------------------------------------------------------------------ pages for public names
def signature_of(name, x):
    """Return how a name is called, without types: what may stand there is said below it, in words."""
    try:
        signature = inspect.signature(x)
    except (TypeError, ValueError):  # it is no function, or does not tell
        return name
    parameters = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    bare = signature.replace(parameters=parameters, return_annotation=signature.empty)
    return name + re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", str(bare))


def entry(name, x, level="##"):
    """Return the part of a page about one public name; for a class also its public methods."""
    head = [f"{level} {plain(name)}", "", f"```python\n{signature_of(name, x)}\n```", ""]
    text = [*head, as_markdown(inspect.getdoc(x) or "")]
    if inspect.isclass(x):
        for method, function in vars(x).items():
            if not method.startswith("_") and inspect.isfunction(function) and function.__doc__:
                about = as_markdown(inspect.cleandoc(function.__doc__))
                text += ["", f"{level}# {plain(name)}.{plain(method)}", "", about]
    return "\n".join(text)


def reference(folder):
    """Write the pages about public names; each name once, where it is at home."""
    folder.mkdir()
    index = ["# Reference", "", "Every public name, from its docstring.", "", "```{toctree}", ":maxdepth: 1", ""]
    said = set()
    for chapter, title in [*list(CHAPTERS.items())[1:], ("", CHAPTERS[""])]:
        module = importlib.import_module(f"minigrad.{chapter}" if chapter else "minigrad")
        things = {name: getattr(module, name) for name in module.__all__}
        names = [name for name, x in things.items() if not inspect.ismodule(x) and (name, id(x)) not in said]
        said |= {(name, id(things[name])) for name in names}
        page = [f"# {title}", "", as_markdown(module.__doc__) if chapter else "", ""]
        page += [entry(name, things[name]) + "\n" for name in sorted(names, key=str.casefold)]
        (folder / f"{chapter or 'minigrad'}.md").write_text("\n".join(page), encoding="utf-8")
        index.append(chapter or "minigrad")
    (folder / "index.md").write_text("\n".join([*index, "```", ""]), encoding="utf-8")


# -------------------------------------------------------------------------------------------------- the site
def build(target):
    """Lay out the sources beside the target, and let Sphinx build them; return its exit code."""
    source = target.with_name(target.name + "-source")
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    for page in DOCS.glob("*.md"):
        text = page.read_text(encoding="utf-8").replace("](../README.md)", "](readme.md)")
        (source / page.name).write_text(text, encoding="utf-8")
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8").replace("](docs/", "](")
    # Files are no pages.
    readme = re.sub(r"\[([^\]]*)\]\((?:minigrad|examples|tests|LICENSE)[^)]*\)", r"\1", readme)
    (source / "readme.md").write_text(readme, encoding="utf-8")
    shutil.copytree(DOCS / "pictures", source / "pictures")
    reference(source / "reference")
    listed = re.findall(r"\]\(([\w-]+)\.md\)", (DOCS / "index.md").read_text(encoding="utf-8"))
    pages = [name for name in dict.fromkeys(listed) if (DOCS / f"{name}.md").exists()]  # in the order of reading
    tree = ["", "```{toctree}", ":hidden:", "", "readme", *pages, "reference/index", "```", ""]
    with open(source / "index.md", "a", encoding="utf-8") as file:
        file.write("\n".join(tree))
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c", DOCS / "site", "-b", "html"]
    return subprocess.run([*command, source, target], check=False).returncode


if __name__ == "__main__":
    if (code := build(Path(sys.argv[1]))) == 0:
        print(f"minigrad {minigrad.__version__}: {sys.argv[1]}/index.html")
    sys.exit(code)
