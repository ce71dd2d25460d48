"""A page in HTML with everything in it, which notebooks show and browsers open from a file."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

WEB = Path(__file__).with_name("web")


class Page:
    """A page in HTML that needs no network.

    Attributes
    ----------
    html : str, the whole of it

    >>> page = Page("A title", "race", {"names": []})
    >>> page.html.startswith("<!DOCTYPE html>")
    True
    """

    def __init__(self, title: str, script: str, data: Any) -> None:
        read = [(WEB / name).read_text(encoding="utf-8") for name in ("page.css", f"{script}.js")]
        body = json.dumps(data, allow_nan=False).replace("</", "<\\/")
        self.html = (
            f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
            f'<meta name="viewport" content="width=device-width">\n<style>\n{read[0]}</style>\n</head>\n<body>\n'
            f"<h1>{escape(title)}</h1>\n<div id=\"here\"></div>\n<script>\n{read[1]}\nshow(document.getElementById"
            f'("here"), {body});\n</script>\n</body>\n</html>\n'
        )
        self.title = title

    def save(self, path: Any) -> None:
        """Write the page to a file.  Raises OSError if that cannot be written."""
        Path(path).write_text(self.html, encoding="utf-8")

    def __repr__(self):
        return f"Page({self.title!r})  # {len(self.html) / 1000:.0f} kB; .save(path), or shown by a notebook"

    def _repr_html_(self):
        return f'<iframe srcdoc="{escape(self.html)}" style="width: 100%; height: 640px; border: 0"></iframe>'
