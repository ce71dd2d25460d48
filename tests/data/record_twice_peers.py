"""Writes twice_peers.json: what optax's optimisers do that look at the loss again, recorded from it.

Run once, by hand, where it is installed (pip install optax); the tests only read the file:

    python tests/data/record_twice_peers.py

The loss is that of ``loss`` below, in float64, which the tests have too.  Sophia's random signs are NumPy's, in the
place of optax's own: what they are is no part of the rule.
"""

import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import optax

STEPS, SHAPES = 14, [(3, 2), (2,)]


def start():
    rng = np.random.default_rng(0)
    return [jnp.asarray(rng.standard_normal(shape)) for shape in SHAPES]


def loss(ps):
    W, b = ps
    x = jnp.asarray(np.random.default_rng(1).standard_normal((5, 3)))
    return jnp.sum((jnp.tanh(x @ W) + b**2) ** 2) + jnp.sum(b**4)


def sam(inner, rho):
    opt = optax.contrib.sam(inner, optax.chain(optax.contrib.normalize(), optax.sgd(rho)), opaque_mode=True)
    ps = start()
    state = opt.init(ps)
    for _ in range(STEPS):
        steps, state = opt.update(jax.grad(loss)(ps), state, ps, grad_fn=lambda qs, _: jax.grad(loss)(qs))
        ps = optax.apply_updates(ps, steps)
    return np.concatenate([np.ravel(p) for p in ps]).tolist()


def numpys_signs():
    def update(grads, count, params=None, **_):
        rng = np.random.default_rng([7, count])
        signs = [jnp.asarray(rng.choice([-1.0, 1.0], p.shape)) for p in params]
        products = jax.jvp(jax.grad(loss), (params,), (signs,))[1]
        return [u * hu for u, hu in zip(signs, products)], count

    return optax.GradientTransformationExtraArgs(lambda ps: 0, update)


def sophia(**settings):
    ps, every = start(), settings.pop("every")
    signs = numpys_signs()
    opt = optax.contrib.sophia(**settings, update_interval=every, hessian_diagonal_fn=signs)
    state = opt.init(ps)
    with jax.disable_jit():
        for t in range(STEPS):
            counted = (state[0]._replace(hessian_fn_state=t), *state[1:])
            steps, state = opt.update(jax.grad(loss)(ps), counted, ps)
            ps = optax.apply_updates(ps, steps)
    return np.concatenate([np.ravel(p) for p in ps]).tolist()


def main():
    jax.config.update("jax_enable_x64", True)
    recorded = {
        "source": {"optax": optax.__version__, "jax": jax.__version__},
        "steps": STEPS,
        "shapes": SHAPES,
        "ends": {
            "SAM of SGD": sam(optax.sgd(0.02), 0.05),
            "SAM of ADAM": sam(optax.adam(0.05), 0.2),
            "Sophia": sophia(learning_rate=0.05, every=10),
            "Sophia, often": sophia(learning_rate=0.05, every=2, b1=0.9, b2=0.5, gamma=0.5, weight_decay=0.1),
        },
    }
    path = pathlib.Path(__file__).with_name("twice_peers.json")
    path.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
    print(f"{path}: {len(recorded['ends'])} entries")


if __name__ == "__main__":
    main()
