"""A program as a page that can be opened box by box and walked through: ``t.html()``, and in notebooks by itself."""

import functools
import itertools
import json
import sys
from html import escape
from pathlib import Path

from .drawing import summary, svg
from .structure import as_data

LARGEST = 20_000  # operations that a page holds
WEB = Path(__file__).with_name("web")
_number = itertools.count()
_scripts_in = []  # the cell of the notebook whose output holds the script


def html(program):
    """Return a whole page in HTML with everything in it: it works without a network."""
    refuse_too_large(program)
    title = escape(summary(program))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width">\n{script()}\n</head>\n'
        f'<body style="margin: 12px">\n<h1 style="font: 16px sans-serif">{title}</h1>\n'
        f"{element(program)}\n</body>\n</html>\n"
    )


def refuse_too_large(program):
    if len(program) > LARGEST:
        raise ValueError(
            f"t.html(): a page holds up to {LARGEST:,} operations, and the program has {len(program):,}. Trace a "
            "smaller case (fewer rounds of the loop, a smaller batch), or print it: print(t), t.svg()"
        )


@functools.cache
def script():
    """Return the script and the style of a page, which any number of programs on it share."""
    dagre, program, style = [
        (WEB / name).read_text(encoding="utf-8") for name in ("dagre.min.js", "program.js", "program.css")
    ]
    licence = " ".join((WEB / "dagre-LICENSE.txt").read_text(encoding="utf-8").split())
    notice = f"/* dagre, MIT licence: {licence} */"
    return f"<style>\n{style}</style>\n<script>\n{notice}\n{dagre}\n{program}</script>"


def element(program, fallback=""):
    """Return the part of a page that shows one program, where the script has been before."""
    name = f"minigrad-program-{next(_number)}"
    data = json.dumps(as_data(program)).replace("</", "<\\/")
    return (
        f'<div id="{name}">{fallback}</div>\n<script>\nif (window.minigradProgram) '
        f'window.minigradProgram(document.getElementById("{name}"), {data});\n</script>'
    )


def in_notebook(program):
    """Return what a notebook shows: the script comes once, with the first program; without it the picture is seen."""
    if len(program) > LARGEST:
        return None
    cell, first = cell_of_notebook(), ""
    if cell is None or not _scripts_in or cell == _scripts_in[0]:
        _scripts_in[:] = [cell] if cell is not None else []
        first = script()
    return first + element(program, svg(program))


def cell_of_notebook():
    """Return what tells the running cell of a notebook apart, its number or its text; None where neither is known."""
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    parent = getattr(shell, "get_parent", dict)() if shell else {}
    parent = parent or {}
    return parent.get("metadata", {}).get("cellId") or parent.get("content", {}).get("code")
