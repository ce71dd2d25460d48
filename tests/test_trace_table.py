"""Every case of the tables as a program: traced at some numbers, its text run at others in a process of its own.

The proof that tracing sees everything: what the text gives is, bit for bit, the eager gradient at those numbers.
"""

import os
import pickle
import subprocess
import sys
import zlib

import numpy as np
import pytest
from test_derivatives import CASES, draws_in, drawn, loss_of

from minigrad import TraceError, withgradient
from minigrad.readers.tracer import run

# What they return has a shape or a dtype that depends on the numbers.
REFUSED = [np.roots, np.trim_zeros, np.polydiv, np.polymul, *vars(np.emath).values()]

# Run by a fresh interpreter, which knows NumPy and the texts alone: the names of the cases that differ.
REPLAY = """
import pickle, sys, warnings
import numpy as np

def differ(a, b):
    if a is None or b is None:
        return a is not b
    a, b = np.asarray(a), np.asarray(b)
    return (a.shape, a.dtype) != (b.shape, b.dtype) or a.tobytes() != b.tobytes()

warnings.simplefilter("ignore")
np.seterr(all="ignore")
wrong = []
for name, text, constants, runs in pickle.load(open(sys.argv[1], "rb")):
    space = {}
    exec(compile(text, name, "exec"), space)
    for xs, loss, gradients in runs:
        value, found = space["loss_and_gradients"](*xs, *constants)
        if differ(float(value), float(loss)) or len(found) != len(gradients) or any(map(differ, found, gradients)):
            wrong.append(name)
assert "minigrad" not in sys.modules
print(wrong)
"""


def other(case, complex, single):
    """Return other random arguments than ``drawn`` does."""
    rng = np.random.default_rng(zlib.crc32(str(case).encode()) + 1)
    xs = [np.asarray(draw(rng, complex)) for draw in draws_in(case.args)]
    return [x.astype(x.dtype.kind + str(x.itemsize // 2)) for x in xs] if single else xs


def programs(cases, complex=False, single=False):
    """Trace the cases; return what the other process needs, and the refusals: (case, message)."""
    made, refused = [], []
    for case in cases:
        f = loss_of(case)
        sets = drawn(case, complex, single), other(case, complex, single)
        expected = [withgradient(f, *xs) for xs in sets]
        try:
            program = run(f, sets[0], follows=False)
            text = program.source()
        except TraceError as error:
            refused.append((case, str(error)))
        else:
            runs = [(xs, e.val, e.grad) for xs, e in zip(sets, expected)]
            made.append((str(case), text, list(program.constants.values()), runs))
    return made, refused


def replayed(made, folder):
    """Return the names of the cases whose text gives other numbers than the eager gradient."""
    (folder / "made").write_bytes(pickle.dumps(made))
    bare = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-c", REPLAY, str(folder / "made")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=bare)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.filterwarnings("ignore")
def test_every_case_runs_again_at_other_numbers_or_is_refused_with_a_reason(tmp_path):
    with np.errstate(all="ignore"):
        made, refused = programs(CASES)

    assert replayed(made, tmp_path) == "[]"
    assert all(case.function in REFUSED for case, _ in refused)
    assert all("Write" in why or "Choose" in why for _, why in refused)
    assert len(made) > 1500 and len(refused) < 30


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["single", "complex"])
def test_so_does_every_case_in_other_kinds_of_numbers(kind, tmp_path):
    cases = CASES if kind == "single" else [case for case in CASES if case.complex]
    with np.errstate(all="ignore"):
        made, refused = programs(cases, **{kind: True})

    assert replayed(made, tmp_path) == "[]"
    assert all(case.function in REFUSED for case, _ in refused)
