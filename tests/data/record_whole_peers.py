"""Writes whole_peers.json: what PyTorch's rules on whole arrays do, recorded from it.

Run once, by hand, where it is installed (pip install torch); the tests only read the file:

    python tests/data/record_whole_peers.py

A parameter takes ``STEPS`` steps along gradients that NumPy draws from a seed, in float64.  PyTorch's Muon goes through
16 bits inside; "exact" has its numbers where that is forbidden, its own code otherwise untouched.
"""

import json
import pathlib

import numpy as np
import torch

STEPS = 10
SHAPES = {"tall": (6, 4), "wide": (3, 5), "vector": (5,), "number": (), "several": (2, 3, 4)}
RULES = {
    "Muon": (lambda ps: torch.optim.Muon(ps, lr=0.02), ["tall", "wide"]),
    "Muon, the author's": (lambda ps: torch.optim.Muon(ps, lr=0.02, weight_decay=0.0), ["tall", "wide"]),
    "Muon, plain momentum": (lambda ps: torch.optim.Muon(ps, lr=0.02, nesterov=False, ns_steps=3), ["tall", "wide"]),
    "Muon, with the rates of AdamW": (
        lambda ps: torch.optim.Muon(ps, lr=0.02, adjust_lr_fn="match_rms_adamw"),
        ["tall", "wide"],
    ),
    "Adafactor": (lambda ps: torch.optim.Adafactor(ps), list(SHAPES)),
    "Adafactor, other settings": (
        lambda ps: torch.optim.Adafactor(ps, lr=0.5, beta2_decay=-0.5, eps=(None, 0.1), d=1.5, weight_decay=0.1),
        list(SHAPES),
    ),
}


def numbers(shape, seed):
    """Seeded numbers, as the tests draw them too."""
    return np.random.default_rng(seed).standard_normal(shape)


def end(make, shape):
    p = torch.nn.Parameter(torch.tensor(numbers(shape, 0)))
    opt = make([p])
    for t in range(STEPS):
        p.grad = torch.tensor(numbers(shape, 1 + t))
        opt.step()
    return p.detach().numpy().tolist()


def exact(f, *args):
    before = torch.Tensor.bfloat16
    torch.Tensor.bfloat16 = lambda t: t.clone()
    try:
        return f(*args)
    finally:
        torch.Tensor.bfloat16 = before


def main():
    recorded = {"source": {"PyTorch": torch.__version__}, "steps": STEPS, "shapes": SHAPES, "ends": {}, "exact": {}}
    for name, (make, shapes) in RULES.items():
        recorded["ends"][name] = {kind: end(make, SHAPES[kind]) for kind in shapes}
        recorded["exact"][name] = {kind: exact(end, make, SHAPES[kind]) for kind in shapes}
    path = pathlib.Path(__file__).with_name("whole_peers.json")
    path.write_text(json.dumps(recorded) + "\n", encoding="utf-8")
    print(f"{path}: {len(RULES)} rules")


if __name__ == "__main__":
    main()
