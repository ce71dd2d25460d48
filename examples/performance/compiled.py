"""What does a compiled training step cost?

Loss, gradient and optimiser of eight programs in one function, beside the compilers of others: the manual's example of
composing (whose loss draws its own numbers; in a loop it is given them), the two networks of digits.py, Rosenbrock's
function of two numbers, logistic regression on 569 x 30 numbers in float64, a recurrent network of 20 steps and 32
units written as a loop, a small convolutional network, and the likelihood of a Gaussian process of 100 points, whose
decompositions stay with NumPy.  ADAM but for the first.  A loop of 1,000 steps is one call.  Microseconds per step.
"""

import functools

import composing
import digits
import numpy as np

from harness import Mark, main, race

COMPILED, LOOPED = "minigrad, compiled", "minigrad, in a loop"
STEPS = "A compiled training step"
LOOPS = "One step of a loop of 1,000 compiled ones"
EXAMPLE, ROSENBROCK, LOGISTIC = "manual's example", "Rosenbrock", "logistic regression"
RECURRENT, CONVOLUTION, GAUSSIAN = "recurrent", "convolutional", "Gaussian process"
CASES = [EXAMPLE, "digits", "large", ROSENBROCK, LOGISTIC, RECURRENT, CONVOLUTION, GAUSSIAN]
BETA, EPSILON, ETA = (0.9, 0.999), 1e-8, 1e-3


# ------------------------------------------------------------------------------------------ the programs
def example():
    from minigrad import Descent, ExpDecay, Optimiser, Tensor, rand

    _, a, b = composing.start()
    w, w1 = Tensor(a.astype(float)), Tensor(b.astype(float))

    def loss(*given):
        x = given[0] if given else rand(10)
        return np.mean((w @ x - w1 @ x) ** 2)

    decay = ExpDecay(composing.ETA, composing.DECAY, composing.EVERY, composing.CLIP)
    return loss, [w, w1], Optimiser(decay, Descent(1)), tuple


def network(case):
    from minigrad import ADAM, Tensor
    from minigrad.losses import logitcrossentropy
    from minigrad.nn import relu

    batches, weights = digits.data(case)
    W1, b1, W2, b2, W3, b3 = weights = list(map(Tensor, weights))

    def loss(x, y):
        return logitcrossentropy(relu(relu(x @ W1 + b1) @ W2 + b2) @ W3 + b3, y)

    return loss, weights, ADAM(digits.ETA[case], BETA, EPSILON), lambda: next(batches)[:2]


def rosenbrock():
    from minigrad import ADAM, Tensor

    x, y = Tensor(-1.0), Tensor(1.5)
    return (lambda: (1 - x) ** 2 + 100 * (y - x**2) ** 2), [x, y], ADAM(ETA), tuple


def classes():
    rng = np.random.default_rng(0)
    return rng.standard_normal((569, 30)), (rng.random(569) < 0.5).astype(float)


def logistic():
    from minigrad import ADAM, zeros
    from minigrad.losses import logitbinarycrossentropy

    X, y = classes()
    w, b = zeros(30), zeros()
    return (lambda: logitbinarycrossentropy(X @ w + b, y)), [w, b], ADAM(ETA), tuple


def recurrent_numbers():
    rng = np.random.default_rng(0)
    shapes = (32, 16), (32, 32), (32,), (1, 32), (20, 16), (1,)
    return [(rng.standard_normal(shape) / 5).astype(np.float32) for shape in shapes]


def recurrent():
    from minigrad import ADAM, Tensor

    *weights, xs, y = recurrent_numbers()
    Wx, Wh, b, Wo = weights = list(map(Tensor, weights))

    def loss(xs, y):
        h = np.zeros(32, np.float32)
        for t in range(20):
            h = np.tanh(Wx @ xs[t] + Wh @ h + b)
        return np.sum((Wo @ h - y) ** 2)

    return loss, weights, ADAM(ETA), lambda: (xs, y)


def convolution():
    from minigrad import ADAM, params
    from minigrad.losses import logitcrossentropy
    from minigrad.nn import Chain, Conv, Dense, MaxPool, flatten, relu

    rng = np.random.default_rng(0)
    model = Chain(
        Conv((3, 3), 1, 8, relu, rng=rng, dtype=np.float32),
        MaxPool((2, 2)),
        flatten,
        Dense(72, 10, rng=rng, dtype=np.float32),
    )
    x, y = rng.random((32, 8, 8, 1), dtype=np.float32), np.eye(10, dtype=np.float32)[rng.integers(0, 10, 32)]
    return (lambda x, y: logitcrossentropy(model(x), y)), list(params(model)), ADAM(ETA), lambda: (x, y)


def gaussian():
    from minigrad import ADAM, Tensor

    points = np.random.default_rng(0).random(100)
    apart, y, one = (points[:, None] - points) ** 2, np.sin(6 * points), np.eye(100)
    scale, length, noise = Tensor(0.0), Tensor(-1.0), Tensor(-2.0)

    def loss():
        K = np.exp(2 * scale) * np.exp(-apart / (2 * np.exp(2 * length))) + np.exp(2 * noise) * one
        L = np.linalg.cholesky(K)
        return 0.5 * np.sum(np.linalg.solve(L, y) ** 2) + np.sum(np.log(np.diagonal(L)))

    return loss, [scale, length, noise], ADAM(ETA), tuple


PROGRAMS = {
    EXAMPLE: example,
    "digits": functools.partial(network, "digits"),
    "large": functools.partial(network, "large"),
    ROSENBROCK: rosenbrock,
    LOGISTIC: logistic,
    RECURRENT: recurrent,
    CONVOLUTION: convolution,
    GAUSSIAN: gaussian,
}


# ------------------------------------------------------------------------------------------ the contenders
def minigrad(case):
    from minigrad import params, update_, withgradient

    loss, weights, opt, data = PROGRAMS[case]()
    ps = params(weights)

    def step():
        xs = data()
        value, grads = withgradient(lambda: loss(*xs), ps)
        update_(opt, ps, grads)
        return value

    return step


def compiled_step(case):
    from minigrad import compiled, params

    loss, weights, opt, data = PROGRAMS[case]()
    made = compiled(loss, params(weights), opt)
    for _ in range(20):  # the first ones are traced, compiled and compared
        made(*data())
    return lambda: made(*data())


def compiled_loop(case):
    from minigrad import compiled, params

    loss, weights, opt, data = PROGRAMS[case]()
    made = compiled(loss, params(weights), opt)
    stacked = [drawn_before()] if case == EXAMPLE else []
    for _ in range(20):
        made(*[xs[0] for xs in stacked])
    return lambda: made.loop(1000, *stacked)


def drawn_before():
    """The numbers of 1,000 steps: jax draws them in a way that would take longer than the step."""
    return np.random.default_rng(1).random((1000, 10))


def eager_loop(case):
    step = minigrad(case)

    def many():
        for _ in range(1000):
            step()

    return many


def numpy_by_hand(case):
    if case == EXAMPLE:
        return composing.numpy_by_hand(case)
    return digits.numpy_by_hand(case) if case in digits.LAYERS else unanswered()


def bare_products(case):
    return digits.bare_products(case) if case in digits.LAYERS else unanswered()


def pytorch(case):
    return digits.pytorch(case) if case in digits.LAYERS else unanswered()


def unanswered():
    raise NotImplementedError


def jax_jit(case):
    if case == EXAMPLE:
        return composing.jax_jit(case)
    if case in digits.LAYERS:
        return digits.jax_optax(case)
    jax, body, state = jax_program(case)
    one = jax.jit(body, donate_argnums=0)

    def step():
        nonlocal state
        state, value = one(state)
        return value.block_until_ready()

    return step


def jax_loop(case):
    jax, body, state = jax_program(case)
    xs = jax.numpy.array(drawn_before()) if case == EXAMPLE else None
    each = (lambda s, x: body(s, x)) if case == EXAMPLE else (lambda s, _: body(s))
    many = jax.jit(lambda state: jax.lax.scan(each, state, xs, length=1000), donate_argnums=0)

    def step():
        nonlocal state
        state, values = many(state)
        return values.block_until_ready()

    return step


def jax_program(case):
    """Return jax, the function from a state to (the next one, the loss), and the first state."""
    import jax
    import jax.numpy as jnp
    import optax

    if case in (EXAMPLE, ROSENBROCK, LOGISTIC):
        jax.config.update("jax_enable_x64", True)
    if case == EXAMPLE:
        return jax_example(jax, jnp)
    loss, weights = jax_loss(case, jnp, optax)
    adam = optax.adam(ETA)

    def body(state):
        weights, kept = state
        value, slopes = jax.value_and_grad(loss)(weights)
        steps, kept = adam.update(slopes, kept, weights)
        return (optax.apply_updates(weights, steps), kept), value

    return jax, body, (weights, adam.init(weights))


def jax_example(jax, jnp):
    _, a, b = composing.start()
    clip = lambda k: jnp.maximum(composing.ETA * composing.DECAY ** (k // composing.EVERY), composing.CLIP)

    def body(state, x):
        weights, k = state
        value, slopes = jax.value_and_grad(lambda ws: jnp.mean((ws[0] @ x - ws[1] @ x) ** 2))(weights)
        return (tuple(w - clip(k) * g for w, g in zip(weights, slopes)), k + 1), value

    return jax, body, ((jnp.array(a, float), jnp.array(b, float)), 0)


def jax_loss(case, jnp, optax):
    if case == ROSENBROCK:
        return (lambda p: (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2), (jnp.array(-1.0), jnp.array(1.5))
    if case == LOGISTIC:
        X, y = map(jnp.array, classes())
        losses = optax.sigmoid_binary_cross_entropy
        return (lambda p: losses(X @ p[0] + p[1], y).mean()), (jnp.zeros(30), jnp.array(0.0))
    if case == RECURRENT:
        *weights, xs, y = map(jnp.array, recurrent_numbers())
        return functools.partial(jax_recurrent, jnp, xs, y), tuple(weights)
    return unanswered()


def jax_recurrent(jnp, xs, y, weights):
    Wx, Wh, b, Wo = weights
    h = jnp.zeros(32)
    for t in range(20):
        h = jnp.tanh(Wx @ xs[t] + Wh @ h + b)
    return jnp.sum((Wo @ h - y) ** 2)


def pytensor(case):
    if case == EXAMPLE:
        return pytensor_example()
    return pytensor_network(case) if case in digits.LAYERS else unanswered()


def pytensor_example():
    import pytensor
    import pytensor.tensor as T

    pytensor.config.floatX = "float32"
    rng, a, b = composing.start()
    w, w1, x = pytensor.shared(a), pytensor.shared(b), T.fvector("x")
    k, eta = pytensor.shared(np.float32(0)), pytensor.shared(np.float32(composing.ETA))
    loss = T.mean((w @ x - w1 @ x) ** 2)
    decayed = T.maximum(eta * np.float32(composing.DECAY), composing.CLIP)
    later = T.switch(T.eq((k + 1) % composing.EVERY, 0), decayed, eta)
    moved = [(v, v - eta * g) for v, g in zip((w, w1), T.grad(loss, [w, w1]))]
    others = [(k, k + np.float32(1)), (eta, later.astype("float32"))]
    step = pytensor.function([x], loss, mode="NUMBA", updates=moved + others)
    step.trust_input = True
    return lambda: step(rng.random(10, dtype=np.float32))


def pytensor_network(case):
    import pytensor
    import pytensor.tensor as T

    pytensor.config.floatX = "float32"
    batches, weights = digits.data(case)
    W1, b1, W2, b2, W3, b3 = weights = list(map(pytensor.shared, weights))
    x, y, one = T.fmatrix("x"), T.fmatrix("y"), np.float32(1)
    h = T.maximum(T.maximum(x @ W1 + b1, 0) @ W2 + b2, 0)
    loss = -T.mean(T.sum(y * T.special.log_softmax(h @ W3 + b3, axis=1), axis=1))
    moments = [[pytensor.shared(np.zeros_like(w.get_value())) for _ in range(2)] for w in weights]
    rates = [pytensor.shared(np.float32(1)) for _ in range(2)]
    updates = [(rate, rate * np.float32(beta)) for rate, beta in zip(rates, BETA)]
    c1, c2 = (one - rate * np.float32(beta) for rate, beta in zip(rates, BETA))
    for w, (m, v), g in zip(weights, moments, T.grad(loss, weights)):
        new_m = np.float32(BETA[0]) * m + np.float32(1 - BETA[0]) * g
        new_v = np.float32(BETA[1]) * v + np.float32(1 - BETA[1]) * g * g
        step = np.float32(digits.ETA[case]) * (new_m / c1) / (T.sqrt(new_v / c2) + np.float32(EPSILON))
        updates += [(m, new_m), (v, new_v), (w, w - step)]
    train = pytensor.function([x, y], loss, mode="NUMBA", updates=updates)
    train.trust_input = True
    return lambda: train(*next(batches)[:2])


CONTENDERS = {
    "minigrad": minigrad,
    COMPILED: compiled_step,
    "NumPy by hand": numpy_by_hand,
    "bare matrix products": bare_products,
    "jax, compiled": jax_jit,
    "PyTensor, numba": pytensor,
    "PyTorch, fused Adam": pytorch,
}
IN_LOOPS = {"minigrad": eager_loop, LOOPED: compiled_loop, "jax, scan": jax_loop}


def ours(case, name, limit, by=COMPILED):
    return Mark((case, by), (case, name), limit)


MARKS = [
    ours(EXAMPLE, "jax, compiled", 0.10),
    ours(EXAMPLE, "PyTensor, numba", 0.40),
    ours(EXAMPLE, "NumPy by hand", 0.20),
    ours(EXAMPLE, "jax, scan", 0.35, LOOPED),
    ours("digits", "bare matrix products", 1.4),
    ours("digits", "jax, compiled", 0.6),
    ours("digits", "PyTensor, numba", 0.5),
    ours("digits", "PyTorch, fused Adam", 0.2),
    ours("large", "bare matrix products", 1.25),
    ours("large", "jax, compiled", 1.0),
    ours("large", "PyTorch, fused Adam", 1.0),
    ours(ROSENBROCK, "jax, compiled", 0.1),
    ours(ROSENBROCK, "jax, scan", 1.0, LOOPED),
    ours(LOGISTIC, "jax, compiled", 0.25),
    ours(LOGISTIC, "jax, scan", 0.9, LOOPED),
    ours(RECURRENT, "minigrad", 0.1),
    ours(RECURRENT, "jax, compiled", 1.0),
    ours(CONVOLUTION, "minigrad", 0.8),
    ours(GAUSSIAN, "minigrad", 0.8),
]


def measure(options):
    yield from race(STEPS, "µs", 1e6, CASES, CONTENDERS, options)
    yield from race(LOOPS, "µs", 1e6 / 1000, [EXAMPLE, ROSENBROCK, LOGISTIC], IN_LOOPS, options)


if __name__ == "__main__":
    main(__doc__, measure, MARKS)
