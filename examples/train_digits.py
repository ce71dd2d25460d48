"""Train a small network to read hand-written digits.

    python examples/train_digits.py
    python examples/train_digits.py --conv
    python examples/train_digits.py --compiled
    python examples/train_digits.py --epochs 10 --eta 0.01 --seed 1

The data are 1,797 real images of 8 x 8 pixels (examples/data/README.md says whose).  A fifth of them
is held out: the network never sees these while it learns, and is judged by them alone.
"""

from typing import Any

import numpy as np

from minigrad import ADAM, CosAnneal, params, seed, train_
from minigrad.data import DataLoader, digits, onecold, onehot, train_test_split
from minigrad.losses import logitcrossentropy
from minigrad.nn import (Chain, Conv, Dense, Dropout, MaxPool, flatten, kaiming_normal, relu, testmode_,
                         trainmode_)
from options import Options

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

BATCH = 64
START: Any = dict(init=kaiming_normal, dtype=np.float32)


def dense_network():
    """Return a network of 64-128-64-10: pixels, two hidden layers, one score per digit."""
    return Chain(
        flatten,
        Dense(64, 128, relu, **START),
        Dense(128, 64, relu, **START),
        Dense(64, 10, **START),
    )


def convolutional_network():
    """Return a network that looks at 3 x 3 pixels at a time, then at what it saw there, then again."""
    return Chain(
        Conv((3, 3), 1, 16, relu, pad=1, **START),
        Conv((3, 3), 16, 32, relu, pad=1, **START),
        MaxPool((2, 2)),
        Conv((3, 3), 32, 64, relu, pad=1, **START),
        MaxPool((2, 2)),
        flatten,
        Dropout(0.5),
        Dense(256, 10, **START),
    )


def stop_if_lost(step):
    """End the program if the loss has left all reason: guessing costs 2.3; NaN is not below 100 either."""
    if not step.loss < 100:
        raise SystemExit(f"\nThe loss grew to {step.loss:.3g}: the steps are too long. Try a smaller --eta.")


def learn_(network, images, labels, epochs, eta, compiled):
    """Overwrite the network: learn from all images, in batches and in random order, ``epochs`` times.

    compiled : bool, make the steps by one function, traced from the first two
    """
    def loss(x, y):
        return logitcrossentropy(network(x), y)

    batches = DataLoader((images, onehot(labels, 10, dtype=np.float32)), BATCH, shuffle=True)
    opt, ps = ADAM(eta), params(network)
    trainmode_(network)
    bar = tqdm(range(epochs), desc="training", unit="epoch")
    for _, opt.eta in zip(bar, CosAnneal(l0=eta, l1=0.0, period=epochs)):
        losses = train_(loss, ps, batches, opt, before=stop_if_lost, progress="silent", compiled=compiled)
        bar.set_postfix_str(f"loss {np.mean(losses):.4g}")
    testmode_(network)


def show_confusion(digits, read):
    """Print how often each digit (row) was read as each digit (column)."""
    table = np.zeros((10, 10), int)
    np.add.at(table, (digits, read), 1)
    print("  digit | read as " + "".join(f"{d:>4}" for d in range(10)))
    for digit, row in enumerate(table):
        print(f"    {digit}   |         " + "".join(f"{n or '.':>4}" for n in row))


def arguments():
    options = Options("Train a small network to read hand-written digits.")
    options.add_argument("--conv", action="store_true", help="a convolutional network: slower, reads better")
    options.add_argument("--compiled", action="store_true", help="the same result, sooner")
    options.whole("epochs", None, "times through all images (default: 50, with --conv 25)")
    options.positive("eta", 0.003, "learning rate at the start; it falls to 0")
    options.whole("seed", 0, "the same seed gives the same run", least=0)
    args = options.read()
    if args.epochs is None:
        args.epochs = 25 if args.conv else 50
    return args


def main():
    args = arguments()
    seed(args.seed)
    images, labels = digits(dtype=np.float32)
    (x, y), (x_test, y_test) = train_test_split((images[..., np.newaxis], labels), held_out=0.2)
    network = convolutional_network() if args.conv else dense_network()
    print(f"{network}\nlearns from {len(x)} images, {args.epochs} times each.")

    learn_(network, x, y, args.epochs, args.eta, args.compiled)

    read = onecold(network(x_test))
    right = int(np.sum(read == y_test))
    print(f"\nOf {len(x_test)} images held out it reads {right} correctly: {right / len(x_test):.1%}\n")
    show_confusion(y_test, read)


if __name__ == "__main__":
    main()
