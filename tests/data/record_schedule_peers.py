"""Writes schedules_peers.json: what the schedulers of PyTorch and optax do, recorded from these libraries.

Run once, by hand, where both are installed (pip install torch optax); the tests only read the file:

    python tests/data/record_schedule_peers.py

Each entry holds the call as the documentation shows it, and the values of steps 1, 2, ...: the learning
rate that step uses (or, for the calls marked "momentum", the momentum).  PyTorch's schedulers wrap
``opt``, an SGD with learning rate 0.1 and momentum 0.9.  Those that listen to the loss are fed
``LOSSES``.  optax computes in float64.
"""

import json
import pathlib
import warnings

import jax
import jax.numpy as jnp
import optax
import torch
from torch.optim import lr_scheduler
from torch.optim.swa_utils import SWALR

STEPS = 40
LOSSES = [5.0, 4.0, 3.999, 4.0, 4.1, 3.5, 3.5, 3.6, 3.5, 3.5, 3.499, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 2.0, 2.0,
          2.1, 2.0, 1.9999, 2.0, 2.0, 2.0, 2.0, 2.0, 1.0, 0.995, 0.99, 0.99, 0.99,
          0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]

PYTORCH = [
    "LambdaLR(opt, lambda epoch: 1 / (1 + epoch))",
    "MultiplicativeLR(opt, lambda epoch: 0.95)",
    "MultiplicativeLR(opt, lambda epoch: 1 / (1 + 0.1 * epoch))",
    "StepLR(opt, step_size=5, gamma=0.5)",
    "MultiStepLR(opt, milestones=[3, 9], gamma=0.5)",
    "ConstantLR(opt, factor=0.5, total_iters=4)",
    "LinearLR(opt, start_factor=0.25, end_factor=1.0, total_iters=8)",
    "LinearLR(opt, start_factor=1.0, end_factor=0.25, total_iters=8)",
    "ExponentialLR(opt, gamma=0.9)",
    "PolynomialLR(opt, total_iters=10, power=2)",
    "CosineAnnealingLR(opt, T_max=10, eta_min=0.01)",
    "CosineAnnealingWarmRestarts(opt, T_0=5, eta_min=0.01)",
    "CosineAnnealingWarmRestarts(opt, T_0=5, T_mult=2, eta_min=0.01)",
    "CyclicLR(opt, base_lr=0.01, max_lr=0.1, step_size_up=4)",
    "CyclicLR(opt, base_lr=0.01, max_lr=0.1, step_size_up=4), momentum",
    "CyclicLR(opt, base_lr=0.01, max_lr=0.1, step_size_up=4, step_size_down=6)",
    'CyclicLR(opt, base_lr=0.01, max_lr=0.1, step_size_up=4, mode="triangular2")',
    'CyclicLR(opt, base_lr=0.01, max_lr=0.1, step_size_up=4, mode="exp_range", gamma=0.95)',
    "OneCycleLR(opt, max_lr=1.0, total_steps=40)",
    "OneCycleLR(opt, max_lr=1.0, total_steps=40), momentum",
    'OneCycleLR(opt, max_lr=1.0, total_steps=40, anneal_strategy="linear")',
    "OneCycleLR(opt, max_lr=1.0, total_steps=40, three_phase=True)",
    "ReduceLROnPlateau(opt, factor=0.5, patience=2)",
    "ReduceLROnPlateau(opt, factor=0.5, patience=1, threshold=0.01, cooldown=2, min_lr=0.01)",
    'ReduceLROnPlateau(opt, factor=0.5, patience=2, threshold=0.01, threshold_mode="abs")',
    'ReduceLROnPlateau(opt, "max", factor=0.5, patience=2)',
    "SequentialLR(opt, [LinearLR(opt, 0.25, total_iters=4), ExponentialLR(opt, 0.9)], milestones=[4])",
    "ChainedScheduler([ConstantLR(opt, 0.1, total_iters=3), ExponentialLR(opt, 0.9)])",
    "SWALR(opt, swa_lr=0.05, anneal_epochs=5)",
    'SWALR(opt, swa_lr=0.05, anneal_epochs=5, anneal_strategy="linear")',
]

OPTAX = [
    "constant_schedule(0.1)",
    "linear_schedule(0.01, 0.1, transition_steps=8)",
    "linear_schedule(0.1, 0.01, transition_steps=8, transition_begin=3)",
    "polynomial_schedule(0.1, 0.01, power=2, transition_steps=10)",
    "polynomial_schedule(0.1, 0.01, power=2, transition_steps=10, transition_begin=5)",
    "exponential_decay(0.1, transition_steps=4, decay_rate=0.5)",
    "exponential_decay(0.1, transition_steps=4, decay_rate=0.5, staircase=True)",
    "exponential_decay(0.1, transition_steps=4, decay_rate=0.5, transition_begin=3, end_value=0.02)",
    "cosine_decay_schedule(0.1, decay_steps=10)",
    "cosine_decay_schedule(0.1, decay_steps=10, alpha=0.1)",
    "cosine_decay_schedule(0.1, decay_steps=10, alpha=0.1, exponent=2)",
    "cosine_onecycle_schedule(40, 1.0)",
    "linear_onecycle_schedule(40, 1.0)",
    "piecewise_constant_schedule(0.1, {5: 0.5, 8: 0.1})",
    'piecewise_interpolate_schedule("linear", 0.1, {5: 0.5, 8: 0.1})',
    'piecewise_interpolate_schedule("cosine", 0.1, {5: 0.5, 8: 0.1})',
    "sgdr_schedule([dict(init_value=0.0, peak_value=0.1, warmup_steps=2, decay_steps=10),"
    " dict(init_value=0.0, peak_value=0.05, warmup_steps=4, decay_steps=20)])",
    "warmup_constant_schedule(0.0, 0.1, warmup_steps=5)",
    "warmup_cosine_decay_schedule(0.0, 0.1, warmup_steps=5, decay_steps=25, end_value=0.01)",
    "warmup_exponential_decay_schedule(0.0, 0.1, warmup_steps=5, transition_steps=4, decay_rate=0.5)",
    "join_schedules([constant_schedule(0.1), exponential_decay(0.05, 1, 0.9)], boundaries=[6])",
    "inject_hyperparams(sgd)(learning_rate=exponential_decay(0.1, 1, 0.9))",
    "contrib.reduce_on_plateau(factor=0.5, patience=3)",
    "contrib.reduce_on_plateau(factor=0.5, patience=2, rtol=0.0, atol=0.01, cooldown=2, min_scale=0.1)",
]


def pytorch_values(call):
    """What the optimiser's learning rate, or momentum, is in each step."""
    field = "momentum" if call.endswith(", momentum") else "lr"
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    opt = torch.optim.SGD([weight], lr=0.1, momentum=0.9)
    scheduler = eval(call.removesuffix(", momentum"), vars(lr_scheduler) | {"SWALR": SWALR, "opt": opt})
    listens = "Plateau" in call
    values = []
    for step in range(STEPS):
        values.append(float(opt.param_groups[0][field]))
        opt.step()
        if step < STEPS - 1:
            scheduler.step(*([LOSSES[step]] if listens else []))
    return {"values": values, **({"losses": LOSSES} if listens else {})}


def optax_values(call):
    """What the schedule gives at counts 0, 1, ...; of a transformation, how large it makes an update."""
    made = eval(call, vars(optax) | {"contrib": optax.contrib})
    if callable(made):
        return {"values": [float(made(count)) for count in range(STEPS)]}
    state = made.init(jnp.zeros(()))
    if "plateau" not in call:
        values = []
        for _ in range(STEPS):
            update, state = made.update(jnp.asarray(-1.0), state)  # sgd takes the gradient with a minus
            values.append(float(update))
        return {"values": values}
    values = [0.1]
    for loss in LOSSES[:STEPS - 1]:
        update, state = made.update(jnp.asarray(0.1), state, value=loss)
        values.append(float(update))
    return {"values": values, "losses": LOSSES}


def main():
    jax.config.update("jax_enable_x64", True)
    warnings.simplefilter("ignore")
    recorded = {
        "source": {"PyTorch": torch.__version__, "optax": optax.__version__, "jax": jax.__version__},
        "PyTorch": {call: pytorch_values(call) for call in PYTORCH},
        "optax": {call: optax_values(call) for call in OPTAX},
    }
    path = pathlib.Path(__file__).with_name("schedules_peers.json")
    path.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
    print(f"{path}: {len(PYTORCH)} calls of PyTorch, {len(OPTAX)} of optax")


if __name__ == "__main__":
    main()
