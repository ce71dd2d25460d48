"""Train a small network to read hand-written digits.

    python examples/train_digits.py
    python examples/train_digits.py --epochs 10 --eta 0.1 --seed 1

The data are 1,797 real images of 8 x 8 pixels (examples/data/README.md says whose).  A fifth of them
is held out: the network never sees these while it learns, and is judged by them alone.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np

from minigrad import Descent, params, randn, seed, update_, withgradient, zeros

try:
    from tqdm import tqdm
except ImportError:
    class tqdm:  # a stand-in: no bar, but one line per epoch
        def __init__(self, steps, **_):
            self.steps = steps

        def __iter__(self):
            return iter(self.steps)

        def set_postfix_str(self, text):
            print(text)

DATA = Path(__file__).parent / "data" / "digits.npz"
SIZES = (64, 128, 64, 10)  # pixels, two hidden layers, digits
BATCH = 64


def read_digits(rng, held_out=0.2):
    """Return (x, digits) to learn from and (x, digits) held out; x is (n, 64), between 0 and 1."""
    with np.load(DATA) as file:
        x, digits = file["images"].reshape(-1, 64) / 16, file["labels"]
    order = rng.permutation(len(x))
    test, train = np.split(order, [round(held_out * len(x))])
    return (x[train], digits[train]), (x[test], digits[test])


def network():
    """Return one (W, b) per layer, random; W maps n numbers to m and keeps their size about the same."""
    return [(randn(n, m) * np.sqrt(2 / n), zeros(m)) for n, m in pairwise(SIZES)]


def scores(layers, x):
    """Return ten scores per image, shape (n, 10): the higher, the more it looks like that digit."""
    *hidden, (W_out, b_out) = layers
    for W, b in hidden:
        x = np.maximum(x @ W + b, 0)
    return x @ W_out + b_out


def cross_entropy(layers, x, digits):
    """Return minus the mean log-probability that the network gives to the true digits."""
    z = scores(layers, x)
    z = z - np.max(z, axis=1, keepdims=True)  # changes nothing but keeps exp from overflowing
    log_p = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(digits)), digits])


def train_step_(opt, ps, layers, x, digits):
    """Overwrite the layers' parameters ps by one step downhill on one batch; return the loss before it."""
    loss, grads = withgradient(lambda: cross_entropy(layers, x, digits), ps)
    if not loss < 100:  # guessing costs 2.3; NaN is not below 100 either
        raise SystemExit(f"\nThe loss grew to {loss:.3g}: the steps are too long. Try a smaller --eta.")
    update_(opt, ps, grads)
    return loss


def train_(opt, layers, x, digits, epochs, rng):
    """Overwrite the layers: learn from all images, in batches and in random order, ``epochs`` times."""
    ps = params(layers)
    bar = tqdm(range(epochs), desc="training", unit="epoch")
    for _ in bar:
        batches = np.array_split(rng.permutation(len(x)), len(x) // BATCH)
        losses = [train_step_(opt, ps, layers, x[batch], digits[batch]) for batch in batches]
        bar.set_postfix_str(f"loss {np.mean(losses):.4g}")


def show_confusion(digits, read):
    """Print how often each digit (row) was read as each digit (column)."""
    table = np.zeros((10, 10), int)
    np.add.at(table, (digits, read), 1)
    print("  digit | read as " + "".join(f"{d:>4}" for d in range(10)))
    for digit, row in enumerate(table):
        print(f"    {digit}   |         " + "".join(f"{n or '.':>4}" for n in row))


def arguments():
    parser = argparse.ArgumentParser(description="Train a small network to read hand-written digits.",
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--epochs", type=int, default=50, metavar="N", help="times through all images")
    parser.add_argument("--eta", type=float, default=0.3, metavar="X", help="learning rate")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="the same seed gives the same run")
    args = parser.parse_args()
    if args.epochs < 1:
        parser.error(f"--epochs must be at least 1, not {args.epochs}")
    if not 0 < args.eta < np.inf:
        parser.error(f"--eta must be a positive number, not {args.eta}")
    if args.seed < 0:
        parser.error(f"--seed must be at least 0, not {args.seed}")
    return args


def main():
    args = arguments()
    seed(args.seed)
    rng = np.random.default_rng(args.seed)
    (x, digits), (x_test, digits_test) = read_digits(rng)
    layers = network()
    print(f"A network of {'-'.join(map(str, SIZES))} learns from {len(x)} images, {args.epochs} times each.")

    train_(Descent(args.eta), layers, x, digits, args.epochs, rng)

    read = np.argmax(scores(layers, x_test), axis=1)
    right = int(np.sum(read == digits_test))
    print(f"\nOf {len(x_test)} images held out it reads {right} correctly: {right / len(x_test):.1%}\n")
    show_confusion(digits_test, read)


if __name__ == "__main__":
    main()
