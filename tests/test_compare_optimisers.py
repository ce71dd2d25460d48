"""The example that compares eight optimisers on the digits."""

import re
import runpy
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[1] / "examples" / "compare_optimisers.py"


def shown(arguments, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(PROGRAM.parent))
    monkeypatch.setattr(sys, "argv", [str(PROGRAM), *arguments])
    runpy.run_path(str(PROGRAM), run_name="__main__")
    return capsys.readouterr().out


def test_it_prints_a_row_for_each_of_eight(monkeypatch, capsys):
    text = shown(["--epochs", "1", "--seeds", "1"], monkeypatch, capsys)

    rows = re.findall(r"^(\w[\w ]*?) +[\d.]+ +([\d.]+) +([\d.]+)% ± 0\.00% +[\d.]+$", text, flags=re.M)
    assert len(rows) == 8 and all(float(loss) < 3 for _, loss, _ in rows)


@pytest.mark.slow
def test_every_one_of_them_learns_to_read(monkeypatch, capsys):
    text = shown([], monkeypatch, capsys)

    assert all(float(wrong) < 4 for wrong in re.findall(r"([\d.]+)% ±", text))
