"""The smallest adversarial game, run as its users run it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAM = str(ROOT / "examples" / "toy_gan.py")


def toy_gan(*arguments):
    return subprocess.run([sys.executable, PROGRAM, *arguments], capture_output=True, encoding="utf-8",
                          stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)})


@pytest.fixture(scope="module")
def games(tmp_path_factory):
    """The printed table, {optimiser: ten distances}, the whole output, and the picture's file."""
    picture = tmp_path_factory.mktemp("gan") / "gan.svg"
    run = toy_gan("--steps", "1000", "--eta", "0.03", "--picture", str(picture))
    assert run.returncode == 0, run.stderr
    rows = re.findall(r"^ *(\S.*?) \|((?: +[\d.]+){10})$", run.stdout, flags=re.M)
    return {name: [float(d) for d in row.split()] for name, row in rows}, run.stdout, picture


def test_the_generator_starts_five_away_from_its_goal(games):
    # (3, 4) is 5 away from (0, 0); in the first tenth both players have moved already
    assert all(distances[0] < 5 for distances in games[0].values())


def test_oadam_brings_the_generator_to_its_goal(games):
    assert games[0]["OADAM"][-1] < 0.5


def test_adam_circles_ever_wider(games):
    distances = games[0]["ADAM"]

    assert distances[-1] > distances[2] > 1


def test_it_is_not_only_the_betas(games):
    assert games[0]["ADAM, beta as OADAM's"][-1] > 1.2 * games[0]["OADAM"][-1]


def test_every_map_shows_the_start_and_the_goal(games):
    maps = re.findall(r"(?:^  \|.*\|\n)+", games[1], flags=re.M)

    assert len(maps) == 3
    assert all(shown.count("+") == 1 and shown.count("o") == 1 for shown in maps)


def test_the_picture_is_drawn(games):
    pytest.importorskip("matplotlib")

    assert games[2].read_text(encoding="utf-8").lstrip().startswith("<?xml")


def test_help_names_every_option():
    helped = toy_gan("--help")

    assert helped.returncode == 0
    assert all(option in helped.stdout for option in ("--steps", "--eta", "--seed", "--picture"))


@pytest.mark.parametrize("option, value", [("--steps", "9"), ("--eta", "-1"), ("--seed", "-1")])
def test_a_wrong_value_gets_a_line_that_names_it(option, value):
    refused = toy_gan(option, value)

    assert refused.returncode == 2
    assert option in refused.stderr.splitlines()[-1]
