"""Several processes: what a sum takes, what a step takes, and what the model of docs/distributed.md says of both.

    mpiexec -n 2 python examples/performance/ranks.py --latency 1.15e-6 --seconds-per-byte 0.55e-9
    for n in 1 2 3 4; do mpiexec -n $n python examples/performance/ranks.py; done

Each rank is bound to a core.  Where there are more ranks than cores, several take turns on one: the model is given as
many times longer.  Latency and seconds per byte are those of two ranks here, by which the model is to be judged for
other sizes and other numbers of ranks.
"""

import argparse
import os
import time

import numpy as np

from minigrad import ADAM, distributed, nn, params, train_
from minigrad.data import DataLoader
from minigrad.distributed import flat
from minigrad.losses import logitcrossentropy

SIZES = 8, 2**16, 2**18, 2**20, 7_450_664  # bytes; the last are the gradients of the network below


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=1.15e-6, help="seconds, half of what 8 bytes take on two ranks")
    parser.add_argument("--seconds-per-byte", type=float, default=0.55e-9, help="2 / bandwidth + 1 / adding")
    parser.add_argument("--alone", type=float, help="milliseconds of a step on one rank, for the model's of a step")
    parser.add_argument("--steps", type=int, default=40)
    options = parser.parse_args()
    group = distributed.group()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[group.rank % len(cores)]})
    turns = max(1, group.size / len(cores))  # on one core

    def model(size):
        messages = 2 * np.ceil(np.log2(group.size)) * options.latency
        return turns * (messages + (group.size - 1) / group.size * size * options.seconds_per_byte)

    lines = [f"{group.size} rank(s) on {len(cores)} cores", "sum of bytes    p1 us     p10     p50   model"]
    for size in SIZES:
        x = np.ones(size // 4, np.float32)
        taken = 1e6 * np.percentile(times(lambda: group.line.sum(x), 1000 if size < 1e5 else 100, group), [1, 10, 50])  # noqa: B023
        lines.append(f"{size:>12,} " + "".join(f"{t:>8.1f}" for t in (*taken, 1e6 * model(size))))
    step, copying, waiting = steps(group, options.steps)
    lines.append(f"a step: {step:.1f} ms, of which copying {copying:.1%}, waiting {waiting:.1%}")
    if options.alone:
        said = turns * options.alone / group.size + 1e3 * model(SIZES[-1])
        lines.append(f"the model says {said:.1f} ms of {options.alone:.1f} on one rank")
    group.by_first(lambda: print(*lines, sep="\n", flush=True))


def times(f, count, group):
    """Return the seconds of each of so many calls, which the ranks begin together."""
    found = []
    for _ in range(count):
        group.line.sum(np.zeros(1))
        start = time.perf_counter()
        f()
        found.append(time.perf_counter() - start)
    return found


def steps(group, count):
    """Return milliseconds of a step (p10), and which parts of all steps were spent in copying and in waiting."""
    spent = dict.fromkeys(["copying", "waiting"], 0.0)

    def timed(f, what):
        def call(*args):
            start = time.perf_counter()
            try:
                return f(*args)
            finally:
                spent[what] += time.perf_counter() - start

        return call

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1024, 784)).astype(np.float32), np.eye(10, dtype=np.float32)[rng.integers(0, 10, 1024)]
    sizes = [784, 1024, 1024, 10]
    layers = [nn.Dense(n, m, nn.relu if m > 10 else nn.identity, dtype=np.float32) for n, m in zip(sizes, sizes[1:])]
    model = nn.Chain(*layers)
    group.broadcast_(model)
    loader = DataLoader((x, y), 1024, shard=group)
    ends = []
    loss = lambda x, y: logitcrossentropy(model(x), y)  # noqa: E731
    train = lambda n: train_(  # noqa: E731
        loss, params(model), loader, ADAM(), epochs=n, group=group, progress="silent",
        cb=lambda: ends.append(time.perf_counter()),
    )  # fmt: skip
    train(3)
    flat.Flat.packed, flat.Flat.gradients = timed(flat.Flat.packed, "copying"), timed(flat.Flat.gradients, "copying")
    if group.size > 1:
        group.line.sum = timed(group.line.sum, "waiting")
    ends.clear()
    spent.update(copying=0.0, waiting=0.0)
    start = time.perf_counter()
    train(count)
    whole = time.perf_counter() - start
    return 1e3 * np.percentile(np.diff(ends), 10), spent["copying"] / whole, spent["waiting"] / whole


if __name__ == "__main__":
    main()
