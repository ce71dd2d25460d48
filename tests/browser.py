"""A real headless Chromium that opens a page, runs a script in it and says what it found."""

import html
import json
import re
import shutil
import subprocess

import pytest


def found_in_browser(page, script, folder):
    """Open a page from its file, run a script that ends by ``tell(value)``, and return the value."""
    tell = (
        'function tell(x) { const e = document.createElement("pre"); e.id = "found"; '
        "e.textContent = JSON.stringify(x); document.body.append(e); }"
    )
    whole = f'<script>\n{tell}\naddEventListener("load", () => {{\n{script}\n}});\n</script></body>'
    return answer_of(page.replace("</body>", whole), folder)


def answer_of(page, folder):
    """Open a page and return what it writes, as JSON, into an element called "found"."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium here: apt install chromium")
    (folder / "page.html").write_text(page, encoding="utf-8")
    quiet = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking".split()
    command = [browser, "--headless", *quiet, "--disable-component-update", "--disable-sync"]
    command += ["--virtual-time-budget=20000", f"--user-data-dir={folder / 'profile'}"]
    command += ["--dump-dom", f"file://{folder / 'page.html'}"]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout
    return json.loads(html.unescape(re.search(r'<pre id="found">(.*?)</pre>', dom, flags=re.S)[1]))
