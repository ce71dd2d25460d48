"""Texts of programs run by an interpreter that knows NumPy and the texts alone."""

import os
import pickle
import subprocess
import sys

import numpy as np

# Prints the names of those that give other numbers: another bit, or, where a tolerance is given, more than that.
REPLAY = """
import pickle, sys, warnings
import numpy as np

def differ(a, b, tolerance):
    if a is None or b is None:
        return a is not b
    a, b = np.asarray(a), np.asarray(b)
    if (a.shape, a.dtype) != (b.shape, b.dtype):
        return True
    if not tolerance:
        return a.tobytes() != b.tobytes()
    return not np.allclose(a, b, tolerance, tolerance * np.max(np.abs(b[np.isfinite(b)]), initial=1), equal_nan=True)

warnings.simplefilter("ignore")
np.seterr(all="ignore")
wrong = []
for name, text, constants, runs, tolerance in pickle.load(open(sys.argv[1], "rb")):
    space = {}
    exec(compile(text, name, "exec"), space)
    for given, loss, gradients in runs:
        value, found = space["loss_and_gradients"](*given, *constants)
        pairs = [(float(value), float(loss)), *zip(found, gradients)]
        if len(found) != len(gradients) or any(differ(*pair, tolerance) for pair in pairs):
            wrong.append(name)
assert "minigrad" not in sys.modules
print(wrong)
"""


def wrong_in_another_process(made, folder):
    """Return the names of those texts that give other losses and gradients than expected.

    made : list of (name, text, constants, runs, tolerance), runs being (arguments, loss, gradients); tolerance 0 means
        bit for bit
    folder : Path to write to
    """
    (folder / "made").write_bytes(pickle.dumps(made))
    bare = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-c", REPLAY, str(folder / "made")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=bare)
    assert done.returncode == 0, done.stderr
    return eval(done.stdout)


def plain(x):
    """Return a gradient or an argument as an array of NumPy."""
    return x if x is None else np.array(x.data if type(x).__name__ == "Tensor" else x)
