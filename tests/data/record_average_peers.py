"""Writes averages_peers.json: the averages of PyTorch and optax, recorded from these libraries.

Run once, by hand, where both are installed (pip install torch optax); the tests only read the file:

    python tests/data/record_average_peers.py

Two parameters take ``STEPS`` steps along gradients that NumPy draws from a seed, in float64.  Each entry has the
parameters and their averages after the last step, flat.
"""

import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

STEPS, SHAPES = 12, [(3, 2), (4,)]


def numbers(seed):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in SHAPES]


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = torch.nn.ParameterList([torch.nn.Parameter(torch.tensor(x)) for x in numbers(0)])


def pytorch(make, due):
    model = Model()
    average, opt = make(model), torch.optim.Adam(model.parameters(), lr=0.1)
    for t in range(STEPS):
        for p, g in zip(model.parameters(), numbers(1 + t)):
            p.grad = torch.tensor(g)
        opt.step()
        if due(1 + t):
            average.update_parameters(model)
    return flat(p.detach() for p in model.parameters()), flat(p.detach() for p in average.module.parameters())


def schedule_free(base, rate, **settings):
    opt = optax.contrib.schedule_free(base, rate, **settings)
    ps = list(map(jnp.asarray, numbers(0)))
    state = opt.init(ps)
    for t in range(STEPS):
        steps, state = opt.update(list(map(jnp.asarray, numbers(1 + t))), state, ps)
        ps = optax.apply_updates(ps, steps)
    return flat(ps), flat(optax.contrib.schedule_free_eval_params(state, ps))


def flat(arrays):
    return np.concatenate([np.ravel(a) for a in arrays]).tolist()


def warming(t):
    return 0.1 * jnp.minimum(1.0, jnp.asarray(t, float) / 5)


def main():
    jax.config.update("jax_enable_x64", True)
    recorded = {
        "source": {"PyTorch": torch.__version__, "optax": optax.__version__},
        "steps": STEPS,
        "shapes": SHAPES,
        "ends": {
            "EMA": pytorch(lambda m: AveragedModel(m, multi_avg_fn=get_ema_multi_avg_fn(0.9)), lambda t: True),
            "SWA": pytorch(AveragedModel, lambda t: True),
            "SWA from the 5th step, every other": pytorch(AveragedModel, lambda t: t > 4 and (t - 4) % 2 == 0),
            "schedule-free SGD": schedule_free(optax.sgd(0.5), 0.5),
            "schedule-free ADAM": schedule_free(optax.adam(0.1, b1=0.0), 0.1, b1=0.95),
            "schedule-free with a warm-up": schedule_free(optax.sgd(warming), lambda t: warming(t - 1)),
        },
    }
    path = pathlib.Path(__file__).with_name("averages_peers.json")
    path.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
    print(f"{path}: {len(recorded['ends'])} entries")


if __name__ == "__main__":
    main()
