"""What does one operation on the tape cost?

The gradient of a chain of 1,000 elementwise operations, x = sin(x); x = 1.01 * x; x = x + 0.1; ... with
respect to the first x, on 1 to 10,000 float32 elements: microseconds per operation, forward and backward
together.  "NumPy by hand" does the same without any tape, its backward pass written out: nothing that
calls NumPy once per operation can be faster.
"""

import numpy as np

from harness import against, main, race

SIZES = {"1 element": 1, "10 elements": 10, "100 elements": 100, "10k elements": 10_000}
OPERATIONS = 1000
TABLE = "One operation of a chain of 1,000, forward and backward"


def start(case):
    return np.linspace(0.1, 0.9, SIZES[case], dtype=np.float32)


def chain(x, sin):
    for _ in range(OPERATIONS // 3):
        x = sin(x)
        x = x * 1.01
        x = x + 0.1
    return sin(x)


def minigrad(case):
    from minigrad import Tensor, gradient, params

    x = Tensor(start(case))
    ps = params(x)
    return lambda: gradient(lambda: np.sum(chain(x, np.sin)), ps)


def numpy_by_hand(case):
    x = start(case)

    def step():
        y, seen = x, []
        for _ in range(OPERATIONS // 3):
            seen.append(y)
            y = np.sin(y)
            y = y * 1.01
            y = y + 0.1
        loss, g = np.sum(np.sin(y)), np.cos(y)
        for y in reversed(seen):
            g = g * 1.01
            g = g * np.cos(y)
        return loss, g

    return step


def hips_autograd(case):
    import autograd.numpy as anp
    from autograd import grad

    x, slope = start(case), grad(lambda x: anp.sum(chain(x, anp.sin)))
    return lambda: slope(x)


def pytorch(case):
    import torch

    x = torch.from_numpy(start(case)).requires_grad_()
    return lambda: torch.autograd.grad(chain(x, torch.sin).sum(), x)


def jax_jit(case):
    import jax
    import jax.numpy as jnp

    x, slope = jnp.asarray(start(case)), jax.jit(jax.grad(lambda x: jnp.sum(chain(x, jnp.sin))))
    return lambda: slope(x).block_until_ready()


CONTENDERS = {
    "minigrad": minigrad,
    "NumPy by hand": numpy_by_hand,
    "PyTorch": pytorch,
    "HIPS autograd": hips_autograd,
    "jax, compiled as a whole": jax_jit,
}
MARKS = [
    against(case, *goal) for case in list(SIZES)[:3] for goal in [("PyTorch", 0.35), ("HIPS autograd", 0.25)]
]
MARKS += [against("10k elements", "PyTorch", 0.95), against("10k elements", "NumPy by hand", 1.15)]


def measure(options):
    return race(TABLE, "µs", 1e6 / OPERATIONS, SIZES, CONTENDERS, options)


if __name__ == "__main__":
    main(__doc__, measure, MARKS)
