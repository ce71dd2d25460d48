"""How Sphinx builds the site; `make site` calls build.py, which lays out the sources first."""

import minigrad

project, author, release = "minigrad", "the minigrad developers", minigrad.__version__
extensions = ["myst_parser"]
myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]
exclude_patterns = ["pictures", "site"]
html_theme = "furo"
html_title = f"minigrad {release}"
pygments_style = "friendly"
