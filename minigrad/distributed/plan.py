"""What a number of ranks would be worth: time per step, efficiency and memory, by a model of few numbers.

    python -m minigrad.distributed plan --parameters 1e8 --rows 64 --ranks 4096

A step of p ranks takes

    6 n r / flops  +  2 ceil(log2 p) latency  +  (p - 1) / p b (2 / bandwidth + 1 / adding)

seconds: n parameters and r rows a rank make 6 n r operations in the network's products, forward and backward; the sum
of b bytes takes the time of Rabenseifner's algorithm, which halves and doubles what is sent.
"""

from __future__ import annotations

import argparse
import math

ADDING = 10e9  # bytes that a rank adds up in a second


def time_of_sum(size: float, ranks: int, latency: float, bandwidth: float) -> float:
    """Return the seconds that a sum of arrays of so many bytes takes among the ranks.

    Source: Thakur, Rabenseifner, Gropp 2005, https://doi.org/10.1177/1094342005051521.

    >>> round(1000 * time_of_sum(7.45e6, 4096, 2e-6, 12.5e9), 2)
    1.98
    """
    messages = 2 * math.ceil(math.log2(ranks)) * latency
    return messages + (ranks - 1) / ranks * size * (2 / bandwidth + 1 / ADDING)


def plan(
    parameters: float, rows: float, ranks: int, latency: float, bandwidth: float, flops: float, itemsize: int
) -> dict[str, float]:
    """Return the prediction for one number of ranks: seconds per step, efficiency, bytes per rank.

    >>> round(plan(1.86e6, 64, 4096, 2e-6, 12.5e9, 5e10, 4)["efficiency"], 2)
    0.88
    """
    size = parameters * itemsize
    computing = 6 * parameters * rows / flops
    adding = time_of_sum(size, ranks, latency, bandwidth)
    return {
        "ranks": ranks,
        "computing": computing,
        "adding": adding,
        "efficiency": computing / (computing + adding),
        "memory": 6 * size,  # parameters, gradients, what is sent and what comes back, two numbers of ADAM's state
        "sharded": 4 * size + 2 * size / ranks,
    }


def main(arguments: list[str] | None = None) -> None:
    """Print the plan for 1, 2, 4, ... ranks."""
    parser = argparse.ArgumentParser(
        prog="python -m minigrad.distributed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["plan"])
    for name, kind, default, text in (
        ("parameters", float, 1e6, "of the model"),
        ("rows", float, 64, "of a batch that each rank computes"),
        ("ranks", int, 64, "at most"),
        ("latency", float, 2e-6, "of the network, seconds; 30e-6 for Ethernet"),
        ("bandwidth", float, 12.5e9, "of the network, bytes a second; 1.25e9 for 10-gigabit Ethernet"),
        ("flops", float, 5e10, "that a rank does in a second in products of matrices"),
        ("itemsize", int, 4, "bytes of a number: 4 or 8"),
    ):
        parser.add_argument(f"--{name}", type=kind, default=default, help=f"{text} (default {default:g})")
    given = vars(parser.parse_args(arguments))
    if min(given[name] for name in given if name != "command") <= 0:
        parser.error("all numbers must be above 0")
    del given["command"]
    print(f"{'ranks':>6} {'step':>10} {'of it adding':>12} {'efficiency':>10} {'memory':>10} {'sharded':>10}   a rank")
    most = given.pop("ranks")
    for ranks in sorted({2**k for k in range(int(math.log2(most)) + 1)} | {most}):
        p = plan(ranks=ranks, **given)
        step = p["computing"] + p["adding"]
        print(
            f"{ranks:>6} {1000 * step:>7.2f} ms {1000 * p['adding']:>9.2f} ms {p['efficiency']:>10.2f} "
            f"{p['memory'] / 1e6:>7.0f} MB {p['sharded'] / 1e6:>7.0f} MB"
        )
