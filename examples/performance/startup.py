"""How long until a fresh process has done something?

Milliseconds above those of a bare interpreter (the fastest of several runs, taken in turns): the import;
and from the start of the process to the end of a first gradient and a first step of ADAM. "cold" means that
no compiled kernel is on disk yet; minigrad then computes by its interpreted formulas, which give the same
numbers, until a kernel is worth its compilation. "second call" is that of a compiled step, which makes its program and
loads its machine code, or has it made: what a process with two calls takes above one that ends after the first.
"""

import os
import subprocess
import sys
import tempfile
import time

from harness import ONE_THREAD, OURS, Mark, against, chosen, main, row

IMPORTS = {
    "NumPy": "numpy",
    OURS: "minigrad",
    "numba": "numba",
    "HIPS autograd": "autograd.numpy",
    "PyTorch": "torch",
    "jax": "jax.numpy",
    "optax": "optax",
}
FIRST_STEP = {
    OURS: """
import numpy as np
from minigrad import ADAM, gradient, params, randn, update_
w, x = randn(10, 10), np.ones(10)
ps = params(w)
update_(ADAM(), ps, gradient(lambda: np.sum((w @ x) ** 2), ps))
""",
    "HIPS autograd": """
import autograd.numpy as np
from autograd import grad
from autograd.misc.optimizers import adam
w, x = np.ones((10, 10)), np.ones(10)
adam(grad(lambda w, step: np.sum(np.dot(w, x) ** 2)), w, num_iters=1)
""",
    "PyTorch": """
import torch
w, x = torch.randn(10, 10, requires_grad=True), torch.ones(10)
opt = torch.optim.Adam([w])
((w @ x) ** 2).sum().backward()
opt.step()
""",
    "jax": """
import jax, jax.numpy as jnp, optax
w, x, opt = jnp.ones((10, 10)), jnp.ones(10), optax.adam(1e-3)
state = opt.init(w)
slope = jax.grad(lambda w: jnp.sum((w @ x) ** 2))(w)
steps, state = opt.update(slope, state, w)
jax.block_until_ready(optax.apply_updates(w, steps))
""",
}
FIRST_CALL = """
import numpy as np
from minigrad import ADAM, compiled, params, randn
w, x = randn(10, 10), np.ones(10)
step = compiled(lambda: np.sum((w @ x) ** 2), params(w), ADAM())
step()
"""
SECOND_CALL = FIRST_CALL + "step()"
IMPORT, ABOVE, FIRST, COLD = "import", "import above NumPy", "first step", "first step, cold"
FIRST_OF_COMPILED, SECOND, SECOND_COLD = "compiled, first call", "its second call", "its second call, cold"
CASES = {
    IMPORT: {name: f"import {module}" for name, module in IMPORTS.items()},
    FIRST: FIRST_STEP,
    COLD: {OURS: FIRST_STEP[OURS]},
    FIRST_OF_COMPILED: {OURS: FIRST_CALL},
    SECOND: {OURS: SECOND_CALL},
    SECOND_COLD: {OURS: SECOND_CALL},
}
TABLE = "From the start of a fresh process"
MARKS = [
    Mark((ABOVE, OURS), None, 60),
    against(FIRST, "HIPS autograd", 1.8),
    against(FIRST, "PyTorch", 0.08),
    Mark((COLD, OURS), None, 1500),
    Mark((SECOND, OURS), None, 60),
    Mark((SECOND_COLD, OURS), None, 2000),
]


def measure(options):
    repeats = 2 if options.quick else 5
    codes = {
        (case, name): code
        for case, of in CASES.items()
        for name, code in of.items()
        if chosen(name, options) or name == "NumPy"
    }
    with tempfile.TemporaryDirectory() as folder:
        times = {key: [] for key, code in codes.items() if milliseconds(code, folder) is not None}
        bare = []
        for _ in range(repeats):
            bare.append(milliseconds("pass", folder))
            for case, name in times:
                times[case, name].append(milliseconds(codes[case, name], folder, case in (COLD, SECOND_COLD)))
    for (case, name), found in times.items():
        above = min(times[FIRST_OF_COMPILED, OURS]) if case in (SECOND, SECOND_COLD) else min(bare)
        yield fastest(case, name, found, above)
        if (case, name) == (IMPORT, OURS):
            yield fastest(ABOVE, OURS, found, min(times[IMPORT, "NumPy"]))


def milliseconds(code, folder, cold=False):
    """Return the time of a process that runs the code, or None if it fails; caches are in ``folder``."""
    environment = {**os.environ, **ONE_THREAD, "PYTHONPYCACHEPREFIX": folder}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if cold:
        environment["MINIGRAD_CACHE_DIR"] = tempfile.mkdtemp(dir=folder)
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL)
    return (time.perf_counter() - begin) * 1e3 if done.returncode == 0 else None


def fastest(case, name, found, base):
    """A row that shows the fastest run: what comes above it is the work of other processes."""
    made = row(TABLE, "ms", case, name, [[t - base for t in found]])
    return {**made, "p10": made["min"]}


if __name__ == "__main__":
    main(__doc__, measure, MARKS)
