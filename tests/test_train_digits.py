"""The main job, run as its users run it: as a program of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
PROGRAM = str(ROOT / "examples" / "train_digits.py")


def python(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, encoding="utf-8",
                          stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)})


def train_digits(*arguments):
    return python(PROGRAM, *arguments)


def trained(*arguments):
    """Run it, see that it succeeded, and return what it printed."""
    run = train_digits(*arguments)
    assert run.returncode == 0, run.stderr
    return run


def confusion(output):
    """The printed table as a 10 x 10 array; dots are zeros."""
    rows = re.findall(r"^ +\d +\|(( +[\d.]+){10})$", output, flags=re.M)
    return np.array([[int(n.replace(".", "0")) for n in row.split()] for row, _ in rows])


@pytest.fixture(scope="module")
def full_run():
    return trained()


@pytest.fixture(scope="module")
def short_run():
    return trained("--epochs", "2")


def accuracy(run):
    return float(re.search(r"correctly: ([\d.]+)%", run.stdout)[1])


def test_it_reads_at_least_96_of_100_held_out_digits(full_run):
    assert accuracy(full_run) >= 96


def test_the_convolutional_network_learns_in_one_epoch():
    assert accuracy(trained("--conv", "--epochs", "1")) >= 60


@pytest.mark.slow
def test_the_convolutional_network_reads_at_least_98_5_of_100_held_out_digits():
    assert accuracy(trained("--conv")) >= 98.5


def test_its_table_counts_every_held_out_image_once(full_run):
    table = confusion(full_run.stdout)

    images, right = map(int, re.search(r"Of (\d+) images .* reads (\d+) correctly", full_run.stdout).groups())
    assert table.shape == (10, 10)
    assert table.sum() == images == 359
    assert np.trace(table) == right


def test_it_shows_the_loss_while_it_learns(short_run):
    said = re.search(r"from ([\d.e-]+) to ([\d.e-]+); held out it is ([\d.e-]+)\.\n", short_run.stdout)
    first, last, held_out = said.groups()

    assert float(last) < float(first) and float(held_out) < np.log(10)  # the loss of guessing


def test_more_epochs_read_better(short_run, full_run):
    assert accuracy(short_run) < accuracy(full_run)


def test_the_same_seed_gives_the_same_output(short_run):
    assert trained("--epochs", "2", "--seed", "0").stdout == short_run.stdout


def test_the_compiled_program_prints_the_same(short_run):
    assert trained("--epochs", "2", "--compiled").stdout == short_run.stdout


def test_another_seed_holds_out_other_images(short_run):
    assert trained("--epochs", "2", "--seed", "1").stdout != short_run.stdout


def test_a_smaller_learning_rate_learns_less_in_the_same_time(short_run):
    assert accuracy(trained("--epochs", "2", "--eta", "0.001")) < accuracy(short_run)


def test_help_names_every_option():
    helped = train_digits("--help")

    assert helped.returncode == 0
    assert all(option in helped.stdout for option in ("--conv", "--compiled", "--epochs", "--eta", "--seed"))


@pytest.mark.parametrize("option, value, reason", [
    ("--epochs", "0", "must be at least 1"),
    ("--epochs", "-1", "must be at least 1"),
    ("--epochs", "abc", "invalid int value: 'abc'"),
    ("--epochs", "1.5", "invalid int value: '1.5'"),
    ("--eta", "0", "must be a positive number"),
    ("--eta", "-0.1", "must be a positive number"),
    ("--eta", "nan", "must be a positive number"),
    ("--eta", "inf", "must be a positive number"),
    ("--eta", "abc", "invalid float value: 'abc'"),
    ("--seed", "-1", "must be at least 0"),
    ("--seed", "x", "invalid int value: 'x'"),
])
def test_a_wrong_value_gets_one_line_that_names_it(option, value, reason):
    refused = train_digits(option, value)

    usage, *error = refused.stderr.splitlines()
    assert refused.returncode == 2
    assert usage.startswith("usage:")
    assert len(error) == 1 and option in error[0] and reason in error[0]


@pytest.mark.parametrize("eta", ["10", "1e6", "1e300"])
def test_steps_that_are_too_long_end_with_advice_and_no_traceback(eta):
    failed = train_digits("--eta", eta, "--epochs", "2")

    assert failed.returncode == 1
    assert "Try a smaller --eta" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_it_trains_without_tqdm_too():
    hide_tqdm = f"import runpy, sys; sys.modules['tqdm'] = None; sys.path[0] = {os.path.dirname(PROGRAM)!r}; "
    run_it = "del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"

    without = python("-c", hide_tqdm + run_it, PROGRAM, "--epochs", "2")

    assert without.returncode == 0, without.stderr
    assert "46 steps in" in without.stderr and "\r" not in without.stderr  # no bar in a file
