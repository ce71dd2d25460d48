"""Several processes: what a sum takes, what a step takes, and what the model of docs/distributed.md says of both.

    for n in 2 3 4; do mpiexec -n $n python examples/performance/ranks.py; done

Each rank is bound to a core.  Where there are more ranks than cores, several take turns on one: the model is given as
many times longer.  Latency and seconds per byte are those of two ranks here; by other sizes and numbers of ranks the
model is judged.  Steps alone and together take turns, so that whatever else the machine does hits both alike.
"""

import argparse
import os
import time

import numpy as np

from minigrad import ADAM, distributed, nn, params, train_
from minigrad.data import DataLoader
from minigrad.distributed import flat
from minigrad.losses import logitcrossentropy

LAYERS = (784, 1024, nn.relu), (1024, 1024, nn.relu), (1024, 10, nn.identity)
SIZES = 8, 2**16, 2**18, 2**20, 7_450_664  # bytes; the last are the gradients of the network below


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=1.15e-6, help="seconds: half of 8 bytes on two ranks")
    parser.add_argument("--seconds-per-byte", type=float, default=0.55e-9, help="2 / bandwidth + 1 / adding")
    parser.add_argument("--rounds", type=int, default=10, help="of three steps alone and three together")
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
    alone, step, copying, waiting = steps(group, options.rounds)
    said = turns * alone / group.size + 1e3 * model(SIZES[-1])
    lines.append(f"a step: {alone:.1f} ms alone, {step:.1f} together ({said:.1f} said): {alone / step:.2f} times")
    lines.append(f"of it copying {copying:.1%}, waiting {waiting:.1%}")
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


def steps(group, rounds):
    """Return milliseconds of a step alone and together (p10), and the parts spent in copying and in waiting."""
    spent, ends = {"copying": 0.0, "waiting": 0.0}, {None: [], group: []}

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
    layers = [nn.Dense(n, m, act, dtype=np.float32) for n, m, act in LAYERS]
    model, opt = nn.Chain(*layers), ADAM()
    group.broadcast_(model)

    def train(together):
        """Make four steps, of which the first warms up."""
        begun = [time.perf_counter()]
        loader = DataLoader((x, y), 1024, shard=together)
        train_(
            lambda x, y: logitcrossentropy(model(x), y), params(model), loader, opt, epochs=4, group=together,
            progress="silent", cb=lambda: begun.append(time.perf_counter()),
        )  # fmt: skip
        ends[together] += np.diff(begun)[1:].tolist()

    flat.Flat.packed, flat.Flat.gradients = timed(flat.Flat.packed, "copying"), timed(flat.Flat.gradients, "copying")
    group.line.sum = timed(group.line.sum, "waiting")
    for _ in range(rounds):
        if group.rank == 0:
            train(None)
        asleep(group)
        before = dict(spent)
        group.broadcast_(model)
        spent.update(before)
        train(group)
    alone, together = (1e3 * np.percentile(ends[which] or [np.nan], 10) for which in (None, group))
    return alone, together, *(spent[what] / (4 / 3 * sum(ends[group])) for what in spent)


def asleep(group):
    """Wait for all ranks, and leave the cores to those that work."""
    if group.size > 1:
        all_here = group.line.comm.Ibarrier()
        while not all_here.Test():
            time.sleep(0.01)


if __name__ == "__main__":
    main()
