"""Train the same small network to read digits with eight optimisers, each at the rate that suits it.

    python examples/compare_optimisers.py
    python examples/compare_optimisers.py --epochs 30 --seeds 10
    python examples/compare_optimisers.py --tune

All have the same budget: as many gradients of batches of 64 as the epochs ask for.  SAM, which takes two a step,
makes half as many steps.  Rates fall to 0 along a cosine, but for the optimiser that needs no schedule.  The rates
below were found by ``--tune``, which tries some on a fifth of the training images and never looks at those held out.
"""

import time
from contextlib import nullcontext
from typing import Any

import numpy as np

from minigrad import (ADAM, ADAMW, SAM, CosAnneal, Descent, Groups, Lion, Momentum, Muon, NonFiniteError, Optimiser,
                      ScheduleFree, Scheduler, WeightDecay, params, seed, train_)
from minigrad.data import DataLoader, digits, onecold, onehot, train_test_split
from minigrad.losses import logitcrossentropy
from minigrad.nn import Chain, Dense, flatten, kaiming_normal, relu
from options import Options

BATCH = 64
GRID = [1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003]


def falling(opt, eta, steps):
    """The optimiser with a rate that falls from eta to 0."""
    return Scheduler(opt, eta=CosAnneal(l0=eta, l1=0.0, period=steps))


def muon(eta, steps):
    """Muon for the matrices, ADAM at a tenth of its rate for the rest."""
    rest = falling(ADAM(), eta / 10, steps)
    return Groups((lambda name, p: p.ndim == 2, falling(Muon(decay=0.01), eta, steps)), otherwise=rest)


# name: (the optimiser for a rate and a number of steps, its rate, gradients that it takes a step)
OPTIMISERS: dict[str, Any] = {
    "Descent": (lambda eta, steps: falling(Descent(), eta, steps), 1.0, 1),
    "Momentum": (lambda eta, steps: falling(Momentum(), eta, steps), 0.1, 1),
    "ADAM": (lambda eta, steps: falling(ADAM(), eta, steps), 0.03, 1),
    "ADAMW": (lambda eta, steps: falling(ADAMW(decay=0.1, couple=True), eta, steps), 0.03, 1),
    "Lion": (lambda eta, steps: Optimiser(falling(Lion(), eta, steps), WeightDecay(eta / 10)), 0.001, 1),
    "Muon and ADAM": (muon, 0.01, 1),
    "ScheduleFree ADAM": (lambda eta, steps: ScheduleFree(ADAM(eta, beta=(0.0, 0.999))), 0.01, 1),
    "SAM of Momentum": (lambda eta, steps: SAM(falling(Momentum(), eta, steps), rho=0.05), 0.3, 2),
}


def network():
    start: Any = dict(init=kaiming_normal, dtype=np.float32)
    return Chain(flatten, Dense(64, 128, relu, **start), Dense(128, 64, relu, **start), Dense(64, 10, **start))


def run(make, eta, gradients, learn, judge, epochs, number):
    """Return the loss and the part that is read wrongly, of images to judge by, and the seconds that it took."""
    seed(number)
    model, (x, y) = network(), learn
    batches = DataLoader((x, onehot(y, 10, dtype=np.float32)), BATCH, shuffle=True, partial=False)
    steps = epochs * len(batches) // gradients
    opt, ps = make(eta, steps), params(model)

    def loss(x, y):
        return logitcrossentropy(model(x), y)

    begin = time.perf_counter()
    try:
        with np.errstate(all="ignore"):
            train_(loss, ps, batches, opt, cb=lambda step: step.step == steps, epochs=epochs, progress="silent")
    except NonFiniteError:  # the rate was far too large
        return np.inf, 1.0, time.perf_counter() - begin
    took = time.perf_counter() - begin
    x, y = judge
    with opt.averaged(ps) if isinstance(opt, ScheduleFree) else nullcontext():
        scores = model(x)
    return float(logitcrossentropy(scores, onehot(y, 10))), float(np.mean(onecold(scores) != y)), took


def mean_of(name, eta, learn, judge, args):
    """Return the means over several seeds of what ``run`` returns, and by how much the errors differ."""
    make, _, gradients = OPTIMISERS[name]
    found = np.array([run(make, eta, gradients, learn, judge, args.epochs, k) for k in range(args.seeds)])
    return *found.mean(axis=0), found[:, 1].std()


def tune(learn, args):
    """Print which of the rates suits each optimiser best, by a fifth of the images to learn from."""
    rest, judge = train_test_split(learn, held_out=0.2)
    for name in OPTIMISERS:
        losses = [mean_of(name, eta, rest, judge, args)[0] for eta in GRID]
        shown = "  ".join(f"{eta:g}: {loss:.3f}" for eta, loss in zip(GRID, losses))
        print(f"{name:<18}{GRID[int(np.argmin(losses))]:>8g}   of {shown}", flush=True)


def arguments():
    options = Options("Train the same small network to read digits with eight optimisers.")
    options.whole("epochs", 15, "times through all images")
    options.whole("seeds", 3, "runs of each optimiser, from different beginnings")
    options.add_argument("--tune", action="store_true", help="look for the rates instead")
    return options.read()


def main():
    args = arguments()
    seed(0)
    learn, judge = train_test_split(digits(dtype=np.float32), held_out=0.2)
    if args.tune:
        return tune(learn, args)
    print(f"{args.epochs} epochs of {len(learn[0])} images, {args.seeds} runs each; judged by {len(judge[0])} others\n")
    print(f"{'':<20}{'rate':>8}{'loss':>10}{'read wrongly':>18}{'seconds':>10}")
    for name, (_, eta, _) in OPTIMISERS.items():
        loss, wrong, took, differ = mean_of(name, eta, learn, judge, args)
        print(f"{name:<20}{eta:>8g}{loss:>10.4f}{wrong:>11.2%} ± {differ:.2%}{took:>9.2f}", flush=True)


if __name__ == "__main__":
    main()
