"""A network that learns to write like Python's licence, and what happens without clipped gradients.

    python examples/char_rnn.py
    python examples/char_rnn.py --steps 1000 --hidden 128

A recurrent network reads a character, updates its state and guesses the next character.  Its
recurrent weights start a little too large: each moment multiplies the state by 1.2, and a hundred
moments by 1.2 to the power of 100, about eighty million.  The first gradients are as large.  With
ClipNorm only their direction counts, and ADAM walks out of there.  Without it they stay in ADAM's
running mean of squares, every later step is divided by them, and the network diverges: it ends up
worse than if it had never learned anything.
"""

import contextlib
import io
import math
import os
from pathlib import Path

import numpy as np

from minigrad import ADAM, ClipNorm, NonFiniteError, Optimiser, params, seed, train_
from minigrad.data import onehot
from minigrad.losses import logitcrossentropy
from minigrad.nn import RNN, Dense, relu, softmax
from options import Options

BATCH = 16
TOO_LARGE = 1.2


def text_of_python():
    """Return Python's licence, or the Zen of Python where the licence is not installed."""
    licence = Path(os.__file__).parent / "LICENSE.txt"
    if licence.exists():
        return licence.read_text(encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        import this  # noqa: F401 - prints it
    return printed.getvalue()


class Writer:
    """A recurrent layer and one score per character; called with one-hot rows (batch, time, characters)."""

    def __init__(self, characters, hidden):
        self.characters = characters
        n = len(characters)
        self.recurrent = RNN(n, hidden, relu, dtype=np.float32)
        self.recurrent.Wh[...] = TOO_LARGE * np.eye(hidden)
        self.scores = Dense(hidden, n, dtype=np.float32)

    def __call__(self, x):
        return self.scores(self.recurrent(x))

    def rows(self, text):
        return onehot(list(text), self.characters, dtype=np.float32)

    def continued(self, text, length, rng, boldness=0.5):
        """Return ``length`` characters that might follow; less boldness chooses likelier ones."""
        state, written = None, ""
        for _ in range(length):
            y, state = self.recurrent.unroll(self.rows(text)[np.newaxis], state)
            chances = softmax(self.scores(y[0, -1]) / boldness).data.astype(float)
            text = rng.choice(self.characters, p=chances / chances.sum())
            written += text
        return written


def passages(rows, steps, length, rng):
    """Return where to read at each step: (steps, BATCH, length) positions in the text."""
    return rng.integers(len(rows) - length, size=(steps, BATCH, 1)) + np.arange(length)


def learn_(writer, opt, rows, places):
    """Overwrite the writer; return the loss of every step up to the first that is not finite."""
    def loss(place):
        return logitcrossentropy(writer(rows[place]), rows[place + 1])

    losses = []
    with contextlib.suppress(NonFiniteError), np.errstate(all="ignore"):
        train_(loss, params(writer), places, opt, before=lambda step: losses.append(step.loss))
    return losses


def show_losses(columns, guessing):
    """Print the typical loss in each tenth of the steps, one column per optimiser."""
    print(f"\nThe loss in each tenth of the training (guessing has {guessing:.2f}):\n")
    print("  steps up to" + "".join(f"{name:>20}" for name in columns))
    longest = max(map(len, columns.values()))
    for tenth in np.array_split(np.arange(longest), 10):
        shown = [losses[tenth[0] : tenth[-1] + 1] for losses in columns.values()]
        medians = [np.median(part) if part else math.nan for part in shown]
        print(f"{tenth[-1] + 1:>13}" + "".join(f"{loss:>20.4g}" for loss in medians))


def arguments():
    options = Options("A network that learns to write like Python's licence; with and without ClipNorm.")
    options.whole("steps", 400, "steps of each training", least=10)
    options.whole("length", 100, "characters in a passage")
    options.whole("hidden", 64, "numbers in the state")
    options.positive("clip", 0.05, "largest norm of a gradient")
    options.positive("eta", 0.01, "learning rate")
    options.whole("write", 300, "characters to write at the end", least=0)
    options.whole("seed", 0, "the same seed gives the same run", least=0)
    return options.read()


def main():
    args = arguments()
    text = text_of_python()
    if len(text) <= args.length:
        raise SystemExit(f"--length must be less than the {len(text)} characters of the text")
    characters = sorted(set(text))
    print(f"The text: {len(text)} characters, {len(characters)} different ones.")

    columns, writers = {}, {}
    for name, opt in {
        "with ClipNorm": Optimiser(ClipNorm(args.clip), ADAM(args.eta)),
        "without": ADAM(args.eta),
    }.items():
        seed(args.seed)
        rng = np.random.default_rng(args.seed)
        writers[name] = writer = Writer(characters, args.hidden)
        rows = writer.rows(text)
        columns[name] = learn_(writer, opt, rows, passages(rows, args.steps, args.length, rng))

    show_losses(columns, math.log(len(characters)))
    print("\nWith ClipNorm it now writes:\n")
    rng = np.random.default_rng(args.seed)
    print("PYTHON" + writers["with ClipNorm"].continued("PYTHON", args.write, rng))


if __name__ == "__main__":
    main()
