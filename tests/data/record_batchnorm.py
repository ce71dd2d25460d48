"""Writes batchnorm_peers.json: what PyTorch's BatchNorm does in training and afterwards, recorded from it.

Run once, by hand, where it is installed (pip install torch); the tests only read the file:

    python tests/data/record_batchnorm.py

Three batches of one shape go through a layer in training, another one after ``eval()``; inputs and results are float64,
with the channels moved to the end.  The loss of a batch is the sum of output times weights.
"""

import json
import pathlib

import numpy as np
import torch

SHAPES = {"BatchNorm1d": (5, 3), "BatchNorm1d of sequences": (4, 6, 3), "BatchNorm2d": (2, 4, 5, 3)}
SETTINGS = {"eps": 1e-3, "momentum": 0.3}


def plain(t):
    """Return a tensor of PyTorch as nested lists, channels last."""
    return (t.movedim(1, -1) if t.ndim > 1 else t).detach().tolist()


def recorded(kind, shape):
    rng = np.random.default_rng(len(shape))
    layer = getattr(torch.nn, kind.split()[0])(shape[-1], dtype=torch.float64, **SETTINGS)
    scale, shift = rng.normal(size=(2, shape[-1]))
    layer.weight.data, layer.bias.data = torch.tensor(scale), torch.tensor(shift)
    batches = []
    for training in (True, True, True, False):
        layer.train(training).zero_grad()
        x, weights = rng.normal(1.0, 2.0, size=(2, *shape))
        given = torch.tensor(x).movedim(-1, 1).contiguous().requires_grad_()
        y = layer(given)
        (y * torch.tensor(weights).movedim(-1, 1)).sum().backward()
        found = (y, given.grad, layer.weight.grad, layer.bias.grad, layer.running_mean, layer.running_var)
        names = "y", "d_x", "d_scale", "d_shift", "mean", "var"
        given = {"training": training, "x": x.tolist(), "weights": weights.tolist()}
        batches.append({**given, **dict(zip(names, map(plain, found)))})
    return {"scale": scale.tolist(), "shift": shift.tolist(), "batches": batches}


if __name__ == "__main__":
    found = {"versions": {"torch": torch.__version__}, "settings": SETTINGS}
    found["layers"] = {kind: recorded(kind, shape) for kind, shape in SHAPES.items()}
    path = pathlib.Path(__file__).with_name("batchnorm_peers.json")
    path.write_text(json.dumps(found), encoding="utf-8")
