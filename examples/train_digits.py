"""Train a small network to read hand-written digits.

    python examples/train_digits.py
    python examples/train_digits.py --conv
    python examples/train_digits.py --compiled
    python examples/train_digits.py --epochs 10 --eta 0.01 --seed 1

The data are 1,797 real images of 8 x 8 pixels (examples/data/README.md says whose).  A fifth of them
is held out: the network never sees these while it learns, and is judged by them alone.
"""

from functools import partial
from typing import Any

import numpy as np

from minigrad import ADAM, CosAnneal, Scheduler, params, seed, train_
from minigrad.data import DataLoader, digits, onecold, onehot, train_test_split
from minigrad.losses import logitcrossentropy
from minigrad.metrics import confusion
from minigrad.nn import (Chain, Conv, Dense, Dropout, MaxPool, flatten, kaiming_normal, relu, testmode_,
                         trainmode_)
from options import Options

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


def learn_(network, train, held_out, epochs, eta, compiled):
    """Overwrite the network: learn from all images, in batches and in random order, ``epochs`` times."""
    def loss(x, y):
        return logitcrossentropy(network(x), y)

    batches = DataLoader(train, BATCH, shuffle=True)
    opt = Scheduler(ADAM(eta), eta=CosAnneal(l0=eta, l1=0.0, period=epochs * len(batches)))
    trainmode_(network)
    history = train_(loss, params(network), batches, opt, before=stop_if_lost, epochs=epochs, compiled=compiled,
                     validation=(loss, DataLoader(held_out, BATCH)))
    testmode_(network)
    return history


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

    labels = partial(onehot, classes=10, dtype=np.float32)
    history = learn_(network, (x, labels(y)), (x_test, labels(y_test)), args.epochs, args.eta, args.compiled)

    scores = network(x_test)
    right = int(np.sum(onecold(scores) == y_test))
    last = history.epochs[-1]
    print(f"\nThe loss went from {history[0]:.3g} to {last.loss:.3g}; held out it is {last.validation:.3g}.")
    print(f"Of {len(x_test)} images held out it reads {right} correctly: {right / len(x_test):.1%}\n")
    print(confusion(scores, y_test, 10))


if __name__ == "__main__":
    main()
