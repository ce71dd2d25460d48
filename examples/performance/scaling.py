"""Does the cost grow as the work grows, and no faster?

The processor's time per unit of work, and the memory per unit above what was there before (the peak, on
Linux), while the work grows a thousandfold: operations in a chain, parameters, rows of a batch, elements of
one parameter. Along a line the numbers should stay about the same; small work pays for what every call
costs, and large work for leaving the cache, which the line of NumPy's own copying shows. Each pair comes
from a fresh process; times are the best of several.
"""

import itertools
import time

import numpy as np

from harness import alone, main, row
from memory import forget_the_peak, resident

LARGEST_QUICK = 100_000


def measure(options):
    for what, unit, sizes, build in GROWTH:
        for size in sizes:
            if options.quick and size > LARGEST_QUICK:
                continue
            found = alone(cost, build, size)
            if found is None:
                print(f"   ({what} of {size:,} is left out: there is not enough memory)")
                continue
            seconds, nbytes = found
            case = f"{size:.0e}".replace("e+0", "e")
            for name, value in [("ns", seconds * 1e9 / size), ("bytes", nbytes / size)]:
                yield row(f"Growth: {what}", f"per {unit}", case, name, [[value]])


def cost(build, size):
    """Return the seconds of one step, and the bytes that the process had more at its peak."""
    build(100)()
    before = resident()
    forget_the_peak()
    step = build(size)
    times = []
    while len(times) < 3 or sum(times) < 0.2:
        begin = time.process_time()
        step()
        times.append(time.process_time() - begin)
    return min(times), max(0, resident("VmHWM") - before)


def chain(size):
    """One step: the gradient of a chain of ``size`` operations on one element."""
    from minigrad import Tensor, gradient, params

    x = Tensor(np.full(1, 0.5))
    ps = params(x)

    def loss():
        y = x
        for _ in range(size // 2):
            y = np.sin(y)
            y = y * 1.01
        return np.sum(y)

    return lambda: gradient(loss, ps)


def many(size):
    from minigrad import Tensor, params

    tensors = [Tensor(np.full(10, 0.5, np.float32)) for _ in range(size)]

    def loss():
        total = 0.0
        for p in tensors:
            total = total + np.sum(p * p)
        return total

    return params(tensors), loss


def parameters(size):
    """One step: the gradient with respect to ``size`` parameters of ten elements."""
    from minigrad import gradient

    ps, loss = many(size)
    return lambda: gradient(loss, ps)


def steps(size):
    """One step: ADAM on ``size`` parameters of ten elements."""
    from minigrad import ADAM, gradient, update_
    from minigrad.optimise.compiled.warmup import warm_up

    (ps, loss), opt = many(size), ADAM()
    warm_up(opt, np.float32)
    grads = gradient(loss, ps)
    return lambda: update_(opt, ps, grads)


def batch(size):
    """One step: the gradient of a network of 64-128-64-10 on ``size`` rows."""
    from minigrad import Tensor, gradient, params
    from minigrad.losses import logitcrossentropy
    from minigrad.nn import relu

    rng = np.random.default_rng(0)
    x, y = rng.random((size, 64), dtype=np.float32), np.eye(10, dtype=np.float32)[rng.integers(0, 10, size)]
    W1, W2, W3 = (
        Tensor(rng.standard_normal(shape, dtype=np.float32) / 8)
        for shape in itertools.pairwise((64, 128, 64, 10))
    )
    ps = params(W1, W2, W3)
    return lambda: gradient(lambda: logitcrossentropy(relu(relu(x @ W1) @ W2) @ W3, y), ps)


def elements(size):
    """One step: ADAM on one parameter of ``size`` float32 elements."""
    from minigrad import ADAM, update_
    from minigrad.optimise.compiled.warmup import warm_up

    enough(16 * size)
    x, g, opt = np.full(size, 0.5, np.float32), np.full(size, 0.1, np.float32), ADAM()
    warm_up(opt, np.float32)
    return lambda: update_(opt, x, g)


def copying(size):
    """One step: NumPy copies ``size`` float32 elements."""
    enough(8 * size)
    x, y = np.full(size, 0.5, np.float32), np.empty(size, np.float32)
    return lambda: np.copyto(y, x)


def enough(nbytes):
    """Raise if less than that and half as much again is free."""
    with open("/proc/meminfo") as file:
        free = next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))
    if free < 1.5 * nbytes:
        raise NotImplementedError("not enough memory")


GROWTH = [
    ("the gradient of a chain of operations", "operation", [10**3, 10**4, 10**5, 10**6], chain),
    ("the gradient of many parameters", "parameter", [10**2, 10**3, 10**4, 10**5], parameters),
    ("ADAM on many parameters", "parameter", [10**2, 10**3, 10**4, 10**5], steps),
    ("the gradient of a network on a batch", "row", [10**2, 10**3, 10**4, 10**5], batch),
    ("ADAM on one large parameter", "element", [10**4, 10**5, 10**6, 10**7, 10**8], elements),
    ("NumPy copies one large array", "element", [10**4, 10**5, 10**6, 10**7, 10**8], copying),
]

if __name__ == "__main__":
    main(__doc__, measure)
