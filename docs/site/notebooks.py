"""Make notebooks of pages: the same text, every block of Python a cell.

    python docs/site/notebooks.py build/notebooks

Dialogues (``>>>``) become what was typed in them; one that shows an error is allowed to raise it.
"""

import re
import sys
from pathlib import Path

import jupytext

DOCS = Path(__file__).parents[1]
PAGES = ["teaching", "optimisers", "seeing", "schedules"]


def cell(block):
    """Return a block of a page as Markdown that jupytext takes for a cell."""
    source = block[1]
    if not source.lstrip().startswith(">>>"):
        return block[0]
    typed = "\n".join(line[4:] for line in source.splitlines() if line.startswith((">>>", "...")))
    raises = ' tags=["raises-exception"]' if "Traceback" in source else ""
    return f"```python{raises}\n{typed}\n```"


def notebook(name):
    """Return the notebook of a page."""
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    made = jupytext.reads(re.sub(r"^```python\n(.*?)^```$", cell, text, flags=re.M | re.S), "md")
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return made


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name in PAGES:
        jupytext.write(notebook(name), folder / f"{name}.ipynb")
        print(folder / f"{name}.ipynb")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
