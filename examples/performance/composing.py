"""What does a small training step cost?  The manual's example of composing optimisers.

One iteration: new random data, a new Params, the gradient of the mean squared error of two 10 x 10 matrices,
and a step of Optimiser(ExpDecay(...), Descent()).  Microseconds per iteration.  The work of the numbers
themselves is next to nothing here, so this measures what surrounds it.  "NumPy by hand" has its backward pass
written out; the others do the same step in the way their manuals recommend, in float32.
"""

import numpy as np

from harness import against, main, race

ETA, DECAY, EVERY, CLIP = 0.1, 0.1, 1000, 1e-4
TABLE = "One iteration of the manual's example of composing"


def start():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, 10, 10), dtype=np.float32)
    return rng, a, b


def eta_at(step):
    return max(ETA * DECAY ** (step // EVERY), CLIP)


def minigrad(case):
    from minigrad import Descent, ExpDecay, Optimiser, Params, Tensor, gradient, update_
    from minigrad.losses import mse
    from minigrad.optimise.compiled.warmup import warm_up

    rng, a, b = start()
    w, w1 = Tensor(a), Tensor(b)
    opt = Optimiser(ExpDecay(ETA, DECAY, EVERY, CLIP), Descent(1))
    warm_up(opt, np.float32)

    def loss(x):
        if case == "with mse":
            return mse(w @ x, w1 @ x)
        return np.mean((w @ x - w1 @ x) ** 2)

    def step():
        x = rng.random(10, dtype=np.float32)
        ps = Params([w, w1])
        grads = gradient(lambda: loss(x), ps)
        update_(opt, ps, grads)

    return step


def numpy_by_hand(case):
    rng, w, w1 = start()
    steps = 0

    def step():
        nonlocal steps
        x = rng.random(10, dtype=np.float32)
        eta = eta_at(steps)
        steps += 1
        error = w @ x - w1 @ x
        loss = np.mean(error**2)
        g = np.outer(error * (2 / 10), x)
        g *= eta
        np.subtract(w, g, out=w)
        np.add(w1, g, out=w1)
        return loss

    return step


def pytorch(case):
    import torch

    _, a, b = start()
    w, w1 = torch.from_numpy(a).requires_grad_(), torch.from_numpy(b).requires_grad_()
    opt = torch.optim.SGD([w, w1], lr=ETA)
    schedule = torch.optim.lr_scheduler.StepLR(opt, EVERY, DECAY)

    def step():
        x = torch.rand(10)
        opt.zero_grad()
        if case == "with mse":
            loss = torch.nn.functional.mse_loss(w @ x, w1 @ x)
        else:
            loss = torch.mean((w @ x - w1 @ x) ** 2)
        loss.backward()
        opt.step()
        schedule.step()

    return step


def jax_jit(case):
    import jax
    import jax.numpy as jnp

    rng, a, b = start()
    weights, steps = (jnp.array(a), jnp.array(b)), 0

    @jax.jit
    def moved(weights, x, eta):
        slopes = jax.grad(lambda ws: jnp.mean((ws[0] @ x - ws[1] @ x) ** 2))(weights)
        return tuple(w - eta * g for w, g in zip(weights, slopes))

    def step():
        nonlocal weights, steps
        weights = moved(weights, rng.random(10, dtype=np.float32), eta_at(steps))
        steps += 1
        jax.block_until_ready(weights)

    return step


def hips_autograd(case):
    import autograd.numpy as anp
    from autograd import grad

    rng, w, w1 = start()
    slope = grad(lambda ws, x: anp.mean((anp.dot(ws[0], x) - anp.dot(ws[1], x)) ** 2))
    steps = 0

    def step():
        nonlocal steps
        g, g1 = slope((w, w1), rng.random(10, dtype=np.float32))
        eta = eta_at(steps)
        steps += 1
        w[...] -= eta * g
        w1[...] -= eta * g1

    return step


CONTENDERS = {
    "minigrad": minigrad,
    "NumPy by hand": numpy_by_hand,
    "PyTorch": pytorch,
    "HIPS autograd": hips_autograd,
    "jax, compiled": jax_jit,
}
CASES = ["with mse", "with np.mean"]
MARKS = [against("with mse", "PyTorch", 0.13), against("with mse", "jax, compiled", 0.6)]


def measure(options):
    return race(TABLE, "µs", 1e6, CASES, CONTENDERS, options)


if __name__ == "__main__":
    main(__doc__, measure, MARKS)
