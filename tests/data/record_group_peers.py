"""Writes groups_peers.json: what PyTorch's param_groups and optax's multi_transform do, recorded from these libraries.

Run once, by hand, where both are installed (pip install torch optax); the tests only read the file:

    python tests/data/record_group_peers.py

Four parameters of a model, ``START``, take ``STEPS`` steps along gradients that NumPy draws from a seed, in float64.
Each entry holds the parameters after the last step, flat.
"""

import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

STEPS, SHAPES = 12, {"first.W": (3, 2), "first.b": (2,), "second.W": (2, 2), "second.b": (2,)}
WEIGHTS, BIASES = ["first.W", "second.W"], ["first.b", "second.b"]


def numbers(seed):
    """Seeded numbers for every parameter, as the tests draw them too."""
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal(shape) for name, shape in SHAPES.items()}


PYTORCH = {
    "AdamW of two rates and decays": (
        lambda ws, bs: torch.optim.AdamW(
            [{"params": ws, "lr": 1e-2, "weight_decay": 0.1}, {"params": bs, "weight_decay": 0.0}], lr=1e-3
        ),
        None,
    ),
    "SGD, clipped together": (
        lambda ws, bs: torch.optim.SGD([{"params": ws, "momentum": 0.9}, {"params": bs, "lr": 0.2}], lr=0.05),
        0.5,
    ),
    "SGD, the first layer's rate is 0": (
        lambda ws, bs: torch.optim.SGD([{"params": ws[:1] + bs[:1], "lr": 0.0}, {"params": ws[1:] + bs[1:]}], lr=0.1),
        None,
    ),
}

LABELS = {name: "weight" if name in WEIGHTS else "bias" for name in SHAPES}
OPTAX = {
    "adam and sgd": optax.multi_transform({"weight": optax.adam(1e-2), "bias": optax.sgd(0.1, momentum=0.9)}, LABELS),
    "frozen biases": optax.multi_transform({"weight": optax.adam(1e-2), "bias": optax.set_to_zero()}, LABELS),
    "clipped together": optax.chain(
        optax.clip_by_global_norm(0.5),
        optax.multi_transform({"weight": optax.adamw(1e-2, weight_decay=0.1), "bias": optax.sgd(0.1)}, LABELS),
    ),
    "only weights decay": optax.chain(
        optax.multi_transform({"weight": optax.add_decayed_weights(0.1), "bias": optax.identity()}, LABELS),
        optax.sgd(0.1),
    ),
    "each clipped by itself": optax.multi_transform(
        {"weight": optax.chain(optax.clip_by_global_norm(0.5), optax.sgd(0.1)), "bias": optax.adamax(1e-2)}, LABELS
    ),
}


def pytorch_end(make, clipped):
    ps = {name: torch.nn.Parameter(torch.tensor(x)) for name, x in numbers(0).items()}
    opt = make([ps[name] for name in WEIGHTS], [ps[name] for name in BIASES])
    for t in range(STEPS):
        for name, g in numbers(1 + t).items():
            ps[name].grad = torch.tensor(g)
        if clipped is not None:
            torch.nn.utils.clip_grad_norm_(ps.values(), clipped)
        opt.step()
    return flat({name: p.detach().numpy() for name, p in ps.items()})


def optax_end(opt):
    ps = {name: jnp.asarray(x) for name, x in numbers(0).items()}
    state = opt.init(ps)
    for t in range(STEPS):
        gs = {name: jnp.asarray(g) for name, g in numbers(1 + t).items()}
        steps, state = opt.update(gs, state, ps)
        ps = optax.apply_updates(ps, steps)
    return flat(ps)


def flat(ps):
    return np.concatenate([np.ravel(ps[name]) for name in SHAPES]).tolist()


def main():
    jax.config.update("jax_enable_x64", True)
    recorded = {
        "source": {"PyTorch": torch.__version__, "optax": optax.__version__, "jax": jax.__version__},
        "steps": STEPS,
        "shapes": SHAPES,
        "PyTorch": {name: pytorch_end(*case) for name, case in PYTORCH.items()},
        "optax": {name: optax_end(opt) for name, opt in OPTAX.items()},
    }
    path = pathlib.Path(__file__).with_name("groups_peers.json")
    path.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
    print(f"{path}: {len(PYTORCH)} of PyTorch, {len(OPTAX)} of optax")


if __name__ == "__main__":
    main()
