"""How much memory does it take?

Two tables, each number from a fresh process on Linux.  ADAM on a parameter of 10 million float32 elements:
the peak of the process above what parameter and gradient take, in MB; the two moments alone take 80.  And the
bytes that one operation leaves on the tape, for chains of the three operations of tape.py; arrays that are
kept for the backward pass are counted too.
"""

import gc
import sys

import numpy as np

from harness import OURS, Mark, against, alone, chosen, main, row

ELEMENTS = 10_000_000
CHAINS, LENGTH = 40, 1000
SIZES = {"1 element": 1, "100 elements": 100}
ADAM_TABLE, TAPE_TABLE = "ADAM on 10 million float32, above x and g", "One operation on the tape"
CASE = "peak of three steps"
MARKS = [Mark((CASE, OURS), None, 82), *(against(case, "PyTorch", 0.3) for case in SIZES)]


def measure(options):
    for name, make in ADAMS.items():
        if chosen(name, options):
            yield from one(ADAM_TABLE, "MB", CASE, name, alone(peak_of_adam, make))
    for case, size in SIZES.items():
        for name, count in TAPES.items():
            if chosen(name, options):
                yield from one(TAPE_TABLE, "bytes", case, name, alone(count, size))


def one(table, unit, case, name, value):
    if value is not None:
        yield row(table, unit, case, name, [[value]])


# ------------------------------------------------------------------------------- what the system says
def resident(key="VmRSS"):
    """Return the bytes of memory that this process has, or has had at most (VmHWM)."""
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key))
    except FileNotFoundError:
        raise NotImplementedError("memory is measured on Linux only") from None


def forget_the_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


# -------------------------------------------------------------------------------------------- ADAM
def peak_of_adam(make):
    step = make(np.full(1000, 0.5, np.float32), np.full(1000, 0.1, np.float32))
    step()  # whatever is imported and compiled on the way is not counted
    gc.collect()
    before = resident()
    forget_the_peak()
    step = make(np.full(ELEMENTS, 0.5, np.float32), np.full(ELEMENTS, 0.1, np.float32))
    for _ in range(3):
        step()
    return (resident("VmHWM") - before - 2 * 4 * ELEMENTS) / 1e6


def minigrad_adam(x, g):
    from minigrad import ADAM, update_
    from minigrad.optimise.compiled.warmup import warm_up

    opt = ADAM()
    warm_up(opt, np.float32)
    return lambda: update_(opt, x, g)


def numpy_adam(x, g):
    m, v, t = np.zeros_like(x), np.zeros_like(x), 0

    def step():
        nonlocal m, v, t
        t += 1
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        x[:] -= 1e-3 * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)

    return step


def torch_adam(x, g, **how):
    import torch

    p = torch.nn.Parameter(torch.from_numpy(x))
    p.grad = torch.from_numpy(g)
    return torch.optim.Adam([p], **how).step


def fused_torch_adam(x, g):
    return torch_adam(x, g, fused=True)


def optax_adam(x, g):
    import jax
    import optax

    opt = optax.adam(1e-3)
    x, g = jax.numpy.asarray(x), jax.numpy.asarray(g)
    state = opt.init(x)

    def train(x, g, state):
        steps, state = opt.update(g, state, x)
        return optax.apply_updates(x, steps), state

    train = jax.jit(train, donate_argnums=(0, 2))

    def step():
        nonlocal x, state
        x, state = train(x, g, state)
        jax.block_until_ready(x)

    return step


ADAMS = {
    OURS: minigrad_adam,
    "NumPy by hand": numpy_adam,
    "PyTorch": torch_adam,
    "PyTorch, fused": fused_torch_adam,
    "optax, compiled": optax_adam,
}


# ------------------------------------------------------------------------------------------- the tape
def chain(x, sin):
    for _ in range(LENGTH // 3):
        x = sin(x)
        x = x * 1.01
        x = x + 0.1
    return sin(x)


def bytes_per_operation(more):
    """Call ``more``, which makes a chain and keeps it alive, many times; return how memory grew."""
    for _ in range(3):
        more()
    gc.collect()
    before = resident()
    for _ in range(CHAINS):
        more()
    gc.collect()
    return (resident() - before) / (CHAINS * LENGTH)


def minigrad_tape(size):
    from minigrad import Tensor, gradient, params

    x, found = Tensor(np.linspace(0.1, 0.9, size, dtype=np.float32)), []

    def loss():
        y = x

        def more():
            nonlocal y
            y = chain(y, np.sin)

        found.append(bytes_per_operation(more))
        return np.sum(y)

    gradient(loss, params(x))
    return found[0]


def torch_tape(size):
    import torch

    y = torch.linspace(0.1, 0.9, size).requires_grad_()

    def more():
        nonlocal y
        y = chain(y, torch.sin)

    return bytes_per_operation(more)


def autograd_tape(size):
    import autograd.numpy as anp
    from autograd.core import VJPNode
    from autograd.tracer import new_box

    sys.setrecursionlimit(1_000_000)
    y = new_box(np.linspace(0.1, 0.9, size, dtype=np.float32), 0, VJPNode.new_root())

    def more():
        nonlocal y
        y = chain(y, anp.sin)

    return bytes_per_operation(more)


TAPES = {OURS: minigrad_tape, "PyTorch": torch_tape, "HIPS autograd": autograd_tape}

if __name__ == "__main__":
    main(__doc__, measure, MARKS)
