"""What setup.cfg cannot say: where the repository is, and links of the README that lead there from an index page."""

import os
import re
import subprocess
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent


def repository():
    """Return the address of the repository: MINIGRAD_URL, that which a source distribution notes, git's, or ""."""
    noted = HERE / "PKG-INFO"
    if "MINIGRAD_URL" in os.environ or noted.exists():
        found = noted.exists() and re.search("^Project-URL: Repository, (.*)$", noted.read_text("utf-8"), re.M)
        return os.environ.get("MINIGRAD_URL") or (found[1] if found else "")
    try:
        git = ["git", "-C", str(HERE), "remote", "get-url", "origin"]
        found = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""
    host = re.fullmatch(r"(?:https://(?:[^@/]*@)?|(?:ssh://)?git@)([\w.-]+)[:/](.+?)(?:\.git)?/?", found)
    return f"https://{host[1]}/{host[2]}" if host else ""


def absolute(text, url):
    """Return Markdown whose links to files of the repository lead to its address."""
    return re.sub(r"\]\((?!\w+:|#)([^)]+)\)", rf"]({url}/blob/main/\1)", text) if url else text


url = repository()
pages = {"Documentation": "docs/index.md", "Changelog": "CHANGELOG.md", "Examples": "examples"}
addresses = {"Repository": url, **{name: f"{url}/blob/main/{page}" for name, page in pages.items()}}
setup(
    long_description=absolute((HERE / "README.md").read_text(encoding="utf-8"), url),
    project_urls=addresses if url else {},
)
