"""The pages about schedules: their examples run, and the gallery shows what there is."""

import doctest
import pathlib
import re
import subprocess
import sys

import pytest

import minigrad
from minigrad import schedules

DOCS = pathlib.Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "schedules.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_sessions_on_the_page_give_what_they_show():
    session = "".join(block for block in BLOCKS if block.startswith(">>>"))
    test = doctest.DocTestParser().get_doctest(session, {}, "docs/schedules.md", None, 0)

    assert test.examples
    assert doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test).failed == 0


@pytest.mark.parametrize("block", [block for block in BLOCKS if not block.startswith(">>>")])
def test_programs_on_the_page_run(block):
    exec(block, {})


def test_every_schedule_is_exported_by_minigrad_too():
    for name in schedules.__all__:
        assert getattr(minigrad, name) is getattr(schedules, name)


def test_gallery_shows_every_schedule_and_every_picture_exists():
    gallery = (DOCS / "schedule-gallery.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^`(\w+)\(", gallery, re.MULTILINE))
    pictures = set(re.findall(r"\]\((pictures/schedules/\w+\.png)\)", gallery))

    others = {"Schedule", "StepError", "Scheduler", "Stateful", "next_", "reset_", "plot"}
    assert shown == set(schedules.__all__) - others
    assert pictures == {f"pictures/schedules/{path.name}" for path in DOCS.glob("pictures/schedules/*")}
    assert all((DOCS / picture).read_bytes().startswith(b"\x89PNG") for picture in pictures)


def test_schedules_read_and_draw_without_loading_matplotlib_or_numba():
    program = ("import sys, minigrad.schedules as s; print(s.Exp(0.1, 0.5)); "
               "sys.exit(any(name in sys.modules for name in ('matplotlib', 'numba')))")

    assert subprocess.run([sys.executable, "-c", program], capture_output=True,
                          cwd=DOCS.parent, env={"PYTHONIOENCODING": "utf-8"}).returncode == 0
