"""Change the learning rate while training: by hand, with a Stateful, or with a Scheduler.

    python examples/scheduling.py
    python examples/scheduling.py --epochs 50 --noise 5

Twenty weights are fitted to 1,000 noisy measurements, twenty at a time.  With a constant rate the weights
keep jumping about in the noise of the small batches; a falling one lets them come to rest.
"""

import argparse

import numpy as np

from minigrad import (CosAnneal, Exp, Interpolator, Momentum, Scheduler, Stateful, Triangle, gradient, next_,
                      params, update_, zeros)
from minigrad.schedules.base import sparkline

HIGH, LOW = 2e-2, 1e-4
BATCHES = 50  # per epoch


class Measurements:
    """Noisy measurements y = x @ W_true + noise, in a new order each epoch."""

    def __init__(self, noise, seed):
        self.rng = np.random.default_rng(seed)
        self.W_true = self.rng.normal(size=20)
        self.x = self.rng.normal(size=(1000, 20))
        self.y = self.x @ self.W_true + noise * self.rng.normal(size=1000)
        self.best = np.linalg.lstsq(self.x, self.y, rcond=None)[0]

    def batches(self):
        for rows in np.split(self.rng.permutation(1000), BATCHES):
            yield self.x[rows], self.y[rows]

    def distance(self, W):
        """How far the weights are from the best that these measurements allow."""
        return float(np.linalg.norm(W.data - self.best))


def one_epoch(W, opt, measured):
    """Go through all batches once."""
    ps = params(W)
    for x, y in measured.batches():
        gs = gradient(lambda x=x, y=y: np.mean((x @ W - y) ** 2), ps)
        update_(opt, ps, gs)


def constant_rate(W, measured, epochs):
    opt = Momentum(HIGH)
    for _ in range(epochs):
        one_epoch(W, opt, measured)
        yield opt.eta


def rate_from_a_loop(W, measured, epochs):
    opt = Momentum()
    schedule = CosAnneal(λ0=LOW, λ1=HIGH, period=epochs)
    for eta, _ in zip(schedule, range(1, epochs + 1)):
        opt.eta = eta
        one_epoch(W, opt, measured)
        yield opt.eta


def rate_from_a_stateful(W, measured, epochs):
    opt = Momentum()
    schedule = Stateful(CosAnneal(λ0=LOW, λ1=HIGH, period=epochs))
    for _ in range(epochs):
        opt.eta = next_(schedule)
        one_epoch(W, opt, measured)
        yield opt.eta


def rate_and_momentum_from_a_scheduler(W, measured, epochs):
    # The schedule of the rate counts epochs; that of the momentum counts steps.
    eta = Interpolator(Exp(HIGH, (LOW / HIGH) ** (1 / epochs)), BATCHES)
    rho = Triangle(l0=0.85, l1=0.95, period=2 * BATCHES)
    opt = Scheduler(Momentum(), eta=eta, rho=rho)
    for _ in range(epochs):
        one_epoch(W, opt, measured)
        yield opt.current["eta"]


def main():
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--noise", type=float, default=3.0, help="standard deviation of the measurements")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    print(f"{'learning rate':36} {'distance to the best weights':>30}   its rate, epoch by epoch")
    for run in (constant_rate, rate_from_a_loop, rate_from_a_stateful, rate_and_momentum_from_a_scheduler):
        measured, W = Measurements(options.noise, options.seed), zeros(20)
        rates = list(run(W, measured, options.epochs))
        picture = sparkline(lambda epoch, rates=rates: rates[epoch - 1], options.epochs)
        print(f"{run.__name__.replace('_', ' '):36} {measured.distance(W):30.4f}   {picture}")


if __name__ == "__main__":
    main()
