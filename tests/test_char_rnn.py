"""The character model, run as its users run it."""

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAM = str(ROOT / "examples" / "char_rnn.py")


def char_rnn(*arguments):
    return subprocess.run([sys.executable, PROGRAM, *arguments], capture_output=True, encoding="utf-8",
                          stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)})


def losses(run):
    """The last row of the printed table: (with ClipNorm, without)."""
    rows = re.findall(r"^ +\d+ +(\S+) +(\S+)$", run.stdout, flags=re.M)
    return [float(loss) for loss in rows[-1]]


def guessing(run):
    return float(re.search(r"guessing has ([\d.]+)", run.stdout)[1])


@pytest.fixture(scope="module")
def short_run():
    run = char_rnn("--steps", "50", "--write", "40")
    assert run.returncode == 0, run.stderr
    return run


def test_with_the_clip_it_learns_and_without_it_diverges(short_run):
    with_clip, without = losses(short_run)

    assert with_clip < guessing(short_run)
    assert math.isnan(without) or without > 2 * guessing(short_run)


def test_it_writes_as_much_as_it_is_asked_for(short_run):
    written = short_run.stdout.split("it now writes:\n\n")[1]

    assert written.startswith("PYTHON")
    assert len(written) == len("PYTHON") + 40 + len("\n")


def test_guessing_is_the_logarithm_of_the_number_of_characters(short_run):
    different = int(re.search(r"(\d+) different", short_run.stdout)[1])

    assert guessing(short_run) == pytest.approx(math.log(different), abs=0.005)


@pytest.mark.slow
def test_in_the_end_its_loss_is_less_than_half_of_that_of_guessing():
    run = char_rnn()

    assert losses(run)[0] < guessing(run) / 2
    assert losses(run)[1] > guessing(run)


def test_it_reads_the_zen_of_python_where_there_is_no_licence(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    import char_rnn as program

    monkeypatch.setattr(program.os, "__file__", str(tmp_path / "os.py"))
    monkeypatch.delitem(sys.modules, "this", raising=False)

    assert program.text_of_python().startswith("The Zen of Python, by Tim Peters")


def test_help_names_every_option():
    helped = char_rnn("--help")

    assert helped.returncode == 0
    options = ("--steps", "--length", "--hidden", "--clip", "--eta", "--write", "--seed")
    assert all(option in helped.stdout for option in options)


@pytest.mark.parametrize("option, value, reason", [
    ("--steps", "5", "must be at least 10"),
    ("--clip", "0", "must be a positive number"),
    ("--length", "1000000", "must be less than"),
])
def test_a_wrong_value_gets_a_line_that_names_it(option, value, reason):
    refused = char_rnn(option, value)

    assert refused.returncode != 0
    assert option in refused.stderr and reason in refused.stderr
    assert "Traceback" not in refused.stderr
