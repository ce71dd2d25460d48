"""Writes rules_peers.json: what the optimisers of other libraries do, recorded from these libraries.

Run once, by hand, where all are installed (pip install torch optax autograd pytorch_optimizer); the tests only read
the file:

    python tests/data/record_rule_peers.py

Each entry is a call as the library's documentation shows it, with the parameters after some of the steps.  There are
three parameters, in float64, and the gradients of all steps are given, the same for every rule: so a trajectory says
what a rule does and nothing else.  optax computes in float64, one operation after the other; PyTorch's default dtype is
float64, too, for it keeps some counters in that.
"""

import functools
import json
import pathlib
import warnings

import jax
import numpy as np

STEPS, RECORDED = 30, (1, 2, 3, 5, 6, 10, 30)

PYTORCH = [
    "SGD(ps, lr=0.1)",
    "SGD(ps, lr=0.1, momentum=0.9)",
    "SGD(ps, lr=0.1, momentum=0.9, dampening=0.5)",
    "SGD(ps, lr=0.1, momentum=0.9, dampening=0.5, weight_decay=0.1)",
    "SGD(ps, lr=0.1, momentum=0.9, nesterov=True)",
    "SGD(ps, lr=0.1, weight_decay=0.1)",
    "Adam(ps, lr=0.1)",
    "Adam(ps, lr=0.1, amsgrad=True)",
    "Adam(ps, lr=0.1, weight_decay=0.1)",
    "Adam(ps, lr=0.1, weight_decay=0.1, amsgrad=True)",
    "AdamW(ps, lr=0.1)",
    "AdamW(ps, lr=0.1, betas=(0.8, 0.99), weight_decay=0.1)",
    "NAdam(ps, lr=0.1)",
    "NAdam(ps, lr=0.1, weight_decay=0.1, momentum_decay=0.1)",
    "RAdam(ps, lr=0.1)",
    "RAdam(ps, lr=0.1, weight_decay=0.1)",
    "RMSprop(ps, lr=0.1, alpha=0.9)",
    "RMSprop(ps, lr=0.1, momentum=0.9)",
    "RMSprop(ps, lr=0.1, centered=True)",
    "RMSprop(ps, lr=0.1, weight_decay=0.1, momentum=0.9, centered=True)",
    "Rprop(ps, lr=0.1)",
    "Adadelta(ps, lr=1)",
]

OPTAX = [
    "sgd(0.1)",
    "sgd(0.1, momentum=0.9)",
    "sgd(0.1, momentum=0.9, nesterov=True)",
    "adam(0.1)",
    "adamw(0.1)",
    "nadam(0.1)",
    "radam(0.1, threshold=4)",
    "amsgrad(0.1)",
    "rmsprop(0.1, eps_in_sqrt=False)",
    "rmsprop(0.1, eps_in_sqrt=False, momentum=0.9)",
    "lion(0.1, weight_decay=0)",
    "lion(0.1, weight_decay=0.1)",
    "yogi(0.1)",
    "adan(0.1)",
    "adan(0.1, weight_decay=0.1)",
    "sign_sgd(0.1)",
    "chain(clip_by_global_norm(1.0), sgd(0.1))",
    "chain(adaptive_grad_clip(0.1), sgd(0.1))",
    "chain(centralize(), sgd(0.1))",
    "chain(scale_by_adam(), add_decayed_weights(0.1), scale_by_trust_ratio(), scale(-0.1))",
    "lamb(0.1)",
    "lamb(0.1, weight_decay=0.1)",
    "lars(0.1, weight_decay=0.1)",
    "lars(0.1, trust_coefficient=0.1, eps=0.01, nesterov=True)",
    "novograd(0.1)",
    "novograd(0.1, b2=0.9, weight_decay=0.1)",
    "contrib.prodigy(1.0)",
    "contrib.prodigy(0.5, beta3=0.9, weight_decay=0.1, safeguard_warmup=True)",
    "contrib.ademamix(0.1)",
    "contrib.ademamix(0.1, b3=0.99, alpha=8.0, weight_decay=0.1)",
    "contrib.adopt(0.1)",
    "contrib.madgrad(0.1)",
    "contrib.madgrad(0.1, momentum=0.5, weight_decay=0.1)",
]

PYTORCH_OPTIMIZER = [
    "SignSGD(ps, lr=0.1)",
    "SignSGD(ps, lr=0.1, weight_decay=0.1)",
    "Tiger(ps, lr=0.1)",
    "LaProp(ps, lr=0.1)",
    "LaProp(ps, lr=0.1, foreach=False), with nothing added inside of the root",
    "Lion(ps, lr=0.1, weight_decay=0.0, cautious=True)",
    "LaProp(ps, lr=0.1, cautious=True), with nothing added inside of the root",
    "MADGRAD(ps, lr=0.1)",
    "MADGRAD(ps, lr=0.1, momentum=0.5, weight_decay=0.1)",
]

AUTOGRAD = ["sgd(grad, x0, step_size=0.1, mass=0.9)", "adam(grad, x0, step_size=0.1)"]


def problem():
    """Return the parameters and the gradients of all steps, of sizes apart."""
    rng = np.random.default_rng(15)
    shapes = [(3, 4), (5,), ()]
    draw = lambda: [rng.standard_normal(shape) * size for shape, size in zip(shapes, (1.0, 0.1, 3.0))]
    return draw(), [draw() for _ in range(STEPS)]


def recorded(trajectory):
    return {t: [p.tolist() for p in ps] for t, ps in enumerate(trajectory, 1) if t in RECORDED}


def of_torch(call, module, x0, grads):
    import torch

    torch.set_default_dtype(torch.float64)
    ps = [torch.nn.Parameter(torch.tensor(x)) for x in x0]
    call, _, changed = call.partition(", with nothing added")
    opt = eval(call, {**vars(module), "ps": ps})
    if changed:
        opt.apply_ams_bound = functools.partial(opt.apply_ams_bound, exp_avg_sq_eps=0.0)
    for dxs in grads:
        for p, dx in zip(ps, dxs):
            p.grad = torch.tensor(dx)
        opt.step()
        yield [p.detach().numpy().copy() for p in ps]


def of_optax(call, x0, grads):
    import optax
    import optax.contrib

    opt = eval(call, vars(optax))
    ps = [jax.numpy.asarray(x) for x in x0]
    state = opt.init(ps)
    for dxs in grads:
        with jax.disable_jit():
            updates, state = opt.update([jax.numpy.asarray(dx) for dx in dxs], state, ps)
        ps = optax.apply_updates(ps, updates)
        yield [np.asarray(p) for p in ps]


def of_autograd(call, x0, grads):
    from autograd.misc import optimizers

    seen = []
    grad = lambda x, t: seen.append(x) or grads[t]
    last = eval(call.replace(")", f", num_iters={STEPS})"), {**vars(optimizers), "grad": grad, "x0": x0})
    return [[np.asarray(p) for p in x] for x in [*seen[1:], last]]


def main():
    import pytorch_optimizer
    import torch

    warnings.simplefilter("ignore")
    jax.config.update("jax_enable_x64", True)
    x0, grads = problem()
    made = {
        "parameters": [x.tolist() for x in map(np.asarray, x0)],
        "gradients": [[np.asarray(dx).tolist() for dx in dxs] for dxs in grads],
        "PyTorch": {call: recorded(of_torch(call, torch.optim, x0, grads)) for call in PYTORCH},
        "optax": {call: recorded(of_optax(call, x0, grads)) for call in OPTAX},
        "pytorch-optimizer": {
            call: recorded(of_torch(call, pytorch_optimizer, x0, grads)) for call in PYTORCH_OPTIMIZER
        },
        "autograd": {call: recorded(of_autograd(call, x0, grads)) for call in AUTOGRAD},
    }
    file = pathlib.Path(__file__).with_name("rules_peers.json")
    file.write_text(json.dumps(made, separators=(",", ":")).replace('},"', '},\n"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
