"""Draw docs/pictures/program.svg and program.html: a small network and its gradient, as docs/seeing.md shows them.

    python docs/draw_pictures.py
"""

import pathlib

import numpy as np
from minigrad import params, seed, trace
from minigrad.losses import logitcrossentropy
from minigrad.nn import Chain, Dense

PICTURES = pathlib.Path(__file__).resolve().parent / "pictures"


def network():
    """Return the traced loss of a network of two layers on five rows."""
    seed(1)
    model = Chain(Dense(4, 3, np.tanh), Dense(3, 2))
    x, y = np.arange(20.0).reshape(5, 4) / 10 - 1, np.eye(2)[[0, 1, 1, 0, 1]]

    def loss():
        return logitcrossentropy(model(x), y)

    return trace(loss, params(model))


def pictures():
    """Return name of a file -> its text."""
    program = network()
    return {"program.svg": program.svg(), "program.html": program.html()}


if __name__ == "__main__":
    for name, text in pictures().items():
        (PICTURES / name).write_text(text, encoding="utf-8")
        print(f"wrote {PICTURES / name}")
