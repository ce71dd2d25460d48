"""What does a training step of a network cost?

Forward, softmax cross-entropy, backward and a step of ADAM, in float32 on one thread: a network of
64-128-64-10 on the hand-written digits in batches of 64, and one of 784-512-512-10 on random numbers in
batches of 128. "trained" is the first network after 1,700 steps, when some of its relus have died: what ADAM keeps
for them has faded away. Microseconds per step. "bare matrix products" are the eight products of a step and nothing
else: the limit. "NumPy by hand" has its backward pass and its ADAM written out.
"""

import functools
import itertools
from pathlib import Path

import numpy as np

from harness import against, main, race

TRAINED = "digits, trained network"
LAYERS = {"digits": (64, 128, 64, 10), TRAINED: (64, 128, 64, 10), "large": (784, 512, 512, 10)}
BATCH = {"digits": 64, TRAINED: 64, "large": 128}
STEPS_BEFORE = {"digits": 0, TRAINED: 1_700, "large": 0}
# So small a rate that a network stays as it is; or one that lets it learn.
ETA, BETA, EPSILON = {"digits": 1e-6, TRAINED: 1e-3, "large": 1e-6}, (0.9, 0.999), 1e-8


def data(case):
    """Return an endless iterator over batches (images, truth, labels), and the first weights."""
    rng = np.random.default_rng(0)
    if case != "large":
        with np.load(Path(__file__).parent.parent / "data" / "digits.npz") as file:
            images, labels = (file[name] for name in sorted(file.files, key=lambda name: -file[name].ndim))
        images = (images.reshape(len(images), 64) / 16).astype(np.float32)
    else:
        images, labels = rng.random((1280, 784), dtype=np.float32), rng.integers(0, 10, 1280)
    batches = []
    for i in range(0, len(images) - BATCH[case] + 1, BATCH[case]):
        part = slice(i, i + BATCH[case])
        truth = np.eye(10, dtype=np.float32)[labels[part]]
        batches.append((images[part].copy(), truth, labels[part].astype(np.int64)))
    weights = []
    for before, after in itertools.pairwise(LAYERS[case]):
        weights.append((rng.standard_normal((before, after)) * np.sqrt(2 / before)).astype(np.float32))
        weights.append(np.zeros(after, np.float32))
    return itertools.cycle(batches), weights


def minigrad(case):
    from minigrad import ADAM, Tensor, params, update_, withgradient
    from minigrad.losses import logitcrossentropy
    from minigrad.nn import relu
    from minigrad.optimise.compiled.warmup import warm_up

    batches, weights = data(case)
    W1, b1, W2, b2, W3, b3 = weights = [Tensor(w) for w in weights]
    ps, opt = params(weights), ADAM(ETA[case], BETA, EPSILON)
    warm_up(opt, np.float32)

    def loss(x, y):
        h = relu(x @ W1 + b1)
        h = relu(h @ W2 + b2)
        return logitcrossentropy(h @ W3 + b3, y)

    def step():
        x, y, _ = next(batches)
        value, grads = withgradient(lambda: loss(x, y), ps)
        update_(opt, ps, grads)
        return value

    return step


def bare_products(case):
    batches, (W1, _, W2, _, W3, _) = data(case)
    x, dot = next(batches)[0], np.dot
    h1, h2, z = (np.ones((len(x), n), np.float32) for n in LAYERS[case][1:])
    d1, d2, g1, g2, g3 = map(np.ones_like, (h1, h2, W1, W2, W3))

    def step():
        dot(x, W1, out=h1)
        dot(h1, W2, out=h2)
        dot(h2, W3, out=z)
        dot(h2.T, z, out=g3)
        dot(z, W3.T, out=d2)
        dot(h1.T, d2, out=g2)
        dot(d2, W2.T, out=d1)
        dot(x.T, d1, out=g1)

    return step


def slopes_by_hand(x, y, weights):
    W1, b1, W2, b2, W3, b3 = weights
    h1 = np.maximum(x @ W1 + b1, 0)
    h2 = np.maximum(h1 @ W2 + b2, 0)
    z = h2 @ W3 + b3
    z -= z.max(axis=1, keepdims=True)
    p = np.exp(z)
    total = p.sum(axis=1, keepdims=True)
    loss = (np.log(total).sum() - (z * y).sum()) / len(x)
    d3 = (p / total - y) / np.float32(len(x))
    d2 = (d3 @ W3.T) * (h2 > 0)
    d1 = (d2 @ W2.T) * (h1 > 0)
    return loss, [x.T @ d1, d1.sum(axis=0), h1.T @ d2, d2.sum(axis=0), h2.T @ d3, d3.sum(axis=0)]


class AdamByHand:
    def __init__(self, weights, eta):
        self.weights, self.eta, self.steps = weights, eta, 0
        self.m, self.v = ([np.zeros_like(w) for w in weights] for _ in range(2))

    def update(self, slopes):
        self.steps += 1
        c1, c2 = (1 - b**self.steps for b in BETA)
        for x, g, m, v in zip(self.weights, slopes, self.m, self.v):
            m *= BETA[0]
            m += (1 - BETA[0]) * g
            v *= BETA[1]
            v += (1 - BETA[1]) * g * g
            x -= self.eta / c1 * m / (np.sqrt(v / c2) + EPSILON)


def numpy_by_hand(case):
    batches, weights = data(case)
    adam = AdamByHand(weights, ETA[case])

    def step():
        x, y, _ = next(batches)
        loss, slopes = slopes_by_hand(x, y, weights)
        adam.update(slopes)
        return loss

    return step


def pytorch(case):
    import torch

    batches, weights = data(case)
    layers = []
    for W, b in zip(weights[::2], weights[1::2]):
        layers += [torch.nn.Linear(*W.shape), torch.nn.ReLU()]
        with torch.no_grad():
            layers[-2].weight.copy_(torch.from_numpy(W.T.copy()))
            layers[-2].bias.copy_(torch.from_numpy(b))
    model, criterion = torch.nn.Sequential(*layers[:-1]), torch.nn.CrossEntropyLoss()
    opt = torch.optim.Adam(model.parameters(), lr=ETA[case], fused=True)

    def step():
        x, _, labels = next(batches)
        opt.zero_grad()
        loss = criterion(model(torch.from_numpy(x)), torch.from_numpy(labels))
        loss.backward()
        opt.step()
        return loss

    return step


def jax_optax(case):
    import jax
    import jax.numpy as jnp
    import optax

    batches, weights = data(case)
    weights, opt = [jnp.asarray(w) for w in weights], optax.adam(ETA[case])
    state = opt.init(weights)

    def loss(weights, x, labels):
        W1, b1, W2, b2, W3, b3 = weights
        h = jax.nn.relu(jax.nn.relu(x @ W1 + b1) @ W2 + b2)
        return optax.softmax_cross_entropy_with_integer_labels(h @ W3 + b3, labels).mean()

    def train(weights, state, x, labels):
        value, slopes = jax.value_and_grad(loss)(weights, x, labels)
        steps, state = opt.update(slopes, state, weights)
        return optax.apply_updates(weights, steps), state, value

    train = jax.jit(train, donate_argnums=(0, 1))

    def step():
        nonlocal weights, state
        x, _, labels = next(batches)
        weights, state, value = train(weights, state, x, labels)
        return value.block_until_ready()

    return step


def hips_autograd(case):
    import autograd.numpy as anp
    from autograd import value_and_grad

    batches, weights = data(case)
    adam = AdamByHand(weights, ETA[case])

    def loss(weights, x, y):
        W1, b1, W2, b2, W3, b3 = weights
        h = anp.maximum(anp.dot(x, W1) + b1, 0)
        z = anp.dot(anp.maximum(anp.dot(h, W2) + b2, 0), W3) + b3
        z = z - anp.max(z, axis=1, keepdims=True)
        return anp.sum(y * (anp.log(anp.sum(anp.exp(z), axis=1, keepdims=True)) - z)) / len(x)

    both = value_and_grad(loss)

    def step():
        x, y, _ = next(batches)
        value, slopes = both(weights, x, y)
        adam.update(slopes)
        return value

    return step


CONTENDERS = {
    "minigrad": minigrad,
    "bare matrix products": bare_products,
    "NumPy by hand": numpy_by_hand,
    "PyTorch, fused Adam": pytorch,
    "jax and optax, compiled": jax_optax,
    "HIPS autograd": hips_autograd,
}
MARKS = [
    against("digits", "PyTorch, fused Adam", 0.45),
    against("digits", "jax and optax, compiled", 1.0),
    against("digits", "bare matrix products", 2.3),
    against(TRAINED, "jax and optax, compiled", 1.6),
    against("large", "PyTorch, fused Adam", 0.92),
    against("large", "bare matrix products", 1.20),
]


def after_some_steps(make, case):
    """Let a contender make the steps that come before a case."""
    step = make(case)
    for _ in range(STEPS_BEFORE[case]):
        step()
    return step


def measure(options):
    contenders = {name: functools.partial(after_some_steps, make) for name, make in CONTENDERS.items()}
    return race("One training step of a network", "µs", 1e6, LAYERS, contenders, options)


if __name__ == "__main__":
    main(__doc__, measure, MARKS)
