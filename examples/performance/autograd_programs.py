"""How fast do programs written for HIPS autograd run, on autograd and with minigrad in its place?

The programs do what autograd's own examples do, in words of our own: the gradient, or whatever derivative the example
takes, once.  Each is written once, and gets the modules of ``autograd`` or of ``minigrad.compat.autograd``.
Milliseconds each; minigrad is to be at least twice as fast in every one.
"""

import importlib
from types import SimpleNamespace

import numpy as onp
from harness import against, main, race

TABLE = "Programs written for autograd"
rng = onp.random.default_rng(0)


def package(name):
    """Return autograd's modules, or those that stand in their place."""
    found = {"np": "numpy", "norm": "scipy.stats.norm", "stats": "scipy.stats", "special": "scipy.special"}
    found |= {"integrate": "scipy.integrate", "signal": "scipy.signal", "builtins": "builtins"}
    modules = {short: importlib.import_module(f"{name}.{module}") for short, module in found.items()}
    top = importlib.import_module(name)
    operators = ("grad", "elementwise_grad", "jacobian", "hessian_vector_product", "make_vjp", "value_and_grad")
    return SimpleNamespace(**modules, **{operator: getattr(top, operator) for operator in operators})


def layers(*sizes):
    return [(0.3 * rng.normal(size=(m, n)), 0.1 * rng.normal(size=n)) for m, n in zip(sizes, sizes[1:])]


def network(np, weights, x, f=None):
    for W, b in weights[:-1]:
        x = (f or np.tanh)(np.dot(x, W) + b)
    W, b = weights[-1]
    return np.dot(x, W) + b


def logsumexp(np, x, axis):
    most = np.max(x, axis=axis, keepdims=True)
    return np.log(np.sum(np.exp(x - most), axis=axis, keepdims=True)) + most


# ------------------------------------------------------------------------------------------ the programs
def tanh(a):
    """The sixth derivative of one's own tanh, at 200 places."""
    f = lambda x: (1.0 - a.np.exp(-2 * x)) / (1.0 + a.np.exp(-2 * x))
    for _ in range(4):
        f = a.elementwise_grad(f)
    return f, onp.linspace(-7, 7, 200)


def sinusoid(a):
    """A Taylor series with a loop that decides by its numbers."""

    def sine(x):
        term = total = x
        k = 0
        while a.np.any(a.np.abs(term) > 1e-3):
            term = -term * x * x / ((2 * k + 3) * (2 * k + 2))
            total, k = total + term, k + 1
        return total

    return a.elementwise_grad(sine), onp.linspace(-3, 3, 50)


def rosenbrock(a):
    f = lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
    return a.value_and_grad(f), onp.array([0.3, 0.7])


def logistic_regression(a):
    x, y = rng.normal(size=(200, 10)), rng.random(200) < 0.5
    probability = lambda w: 0.5 * (a.np.tanh(a.np.dot(x, w)) + 1)
    loss = lambda w: -a.np.sum(a.np.log(probability(w) * y + (1 - probability(w)) * (1 - y)))
    return a.grad(loss), onp.zeros(10)


def neural_net(a):
    """A classifier of pictures, a batch of 64."""
    x, y = rng.normal(size=(64, 196)), onp.eye(10)[rng.integers(10, size=64)]

    def loss(weights):
        scores = network(a.np, weights, x)
        return -a.np.mean(a.np.sum((scores - logsumexp(a.np, scores, 1)) * y, axis=1))

    return a.grad(loss), layers(196, 50, 30, 10)


def neural_net_regression(a):
    x = onp.linspace(-5, 5, 80)[:, None]
    y = onp.cos(x)

    def loss(weights):
        prior = sum(a.np.sum(a.norm.logpdf(part, 0, 10)) for layer in weights for part in layer)
        return -prior - a.np.sum(a.norm.logpdf(network(a.np, weights, x), y, 0.1))

    return a.grad(loss), layers(1, 4, 4, 1)


def bayesian_neural_net(a):
    x, shapes, noise = onp.linspace(-3, 3, 30)[:, None], [(1, 10), (10, 10), (10, 1)], rng.normal(size=(5, 130))
    y = onp.sin(x)

    def log_density(flat):
        h, start = x, 0
        for m, n in shapes:
            W, h, start = a.np.reshape(flat[start : start + m * n], (m, n)), a.np.tanh(h) if start else h, start + m * n
            h = a.np.dot(h, W)
        return a.np.sum(a.norm.logpdf(h, y, 0.1)) + a.np.sum(a.norm.logpdf(flat))

    def loss(params):
        mean, log_deviation = params[:120], params[120:]
        samples = mean + a.np.exp(log_deviation) * noise[:, :120]
        return -a.np.mean(a.np.stack([log_density(sample) for sample in samples])) - a.np.sum(log_deviation)

    return a.grad(loss), onp.concatenate([0.1 * rng.normal(size=120), onp.full(120, -3.0)])


def black_box_svi(a):
    noise = rng.normal(size=(100, 2))

    def loss(params):
        z = params[:2] + a.np.exp(params[2:]) * noise
        log_density = a.norm.logpdf(z[:, 1], 0, 1.35) + a.norm.logpdf(z[:, 0], 0, a.np.exp(z[:, 1]))
        return -a.np.mean(log_density) - a.np.sum(params[2:])

    return a.grad(loss), onp.array([-1.0, -1.0, -2.0, -2.0])


def natural_gradient_svi(a):
    """The gradient, and with it the Fisher matrix of a normal distribution."""
    slope, start = black_box_svi(a)
    energy = lambda p: a.np.sum(a.norm.logpdf(onp.array([0.1, 0.3]), p[:2], a.np.exp(p[2:])))
    curvature = a.hessian_vector_product(energy)
    return lambda p: (slope(p), curvature(p, onp.ones(4))), start


def mixture_variational_inference(a):
    x, noise = rng.normal(size=(200, 2)), rng.normal(size=(10, 5, 2))

    def loss(params):
        means = params[:, :2] + a.np.exp(params[:, 2:4]) * noise
        away = x[:, None, None, :] - means
        each = a.np.sum(a.norm.logpdf(away, 0, 0.5), axis=-1)
        return -a.np.sum(logsumexp(a.np, each, 2)) / 10

    return a.grad(loss), onp.concatenate([rng.normal(size=(5, 2)), onp.full((5, 2), -2.0)], axis=1)


def mixture_model(a):
    """Gaussians of full covariance, with Newton's method: the gradient and a product with the Hessian."""
    x = rng.normal(size=(100, 2))

    def loss(params):
        total = []
        for k in range(3):
            row = params[6 * k : 6 * k + 6]
            root = a.np.reshape(row[2:], (2, 2)) + onp.eye(2)
            z = a.np.dot(x - row[:2], root)
            total.append(a.np.linalg.slogdet(root)[1] - 0.5 * a.np.sum(z**2, axis=1))
        return -a.np.sum(logsumexp(a.np, a.np.stack(total), 0))

    slope, product = a.grad(loss), a.hessian_vector_product(loss)
    return lambda p: (slope(p), product(p, onp.ones(18))), 0.2 * rng.normal(size=18)


def hidden_markov_model(a):
    """Expected counts as a gradient: the forward algorithm on 60 symbols."""
    symbols = rng.integers(8, size=60)

    def likelihood(params):
        start, moves, emits = (x - logsumexp(a.np, x, -1) for x in params)
        alpha = start + emits[:, symbols[0]]
        for symbol in symbols[1:]:
            alpha = logsumexp(a.np, alpha[:, None] + moves, 0)[0] + emits[:, symbol]
        return a.np.sum(logsumexp(a.np, alpha, 0))

    return a.grad(likelihood), (rng.normal(size=4), rng.normal(size=(4, 4)), rng.normal(size=(4, 8)))


def covariance(np, params, x, y):
    away = np.expand_dims(x / np.exp(params[1:]), 1) - np.expand_dims(y / np.exp(params[1:]), 0)
    return np.exp(params[0]) * np.exp(-0.5 * np.sum(away**2, axis=2))


def gaussian_process(a):
    x = rng.normal(size=(25, 1))
    y = onp.sin(3 * x[:, 0])

    def loss(params):
        cov = covariance(a.np, params[1:], x, x) + a.np.exp(params[0]) * onp.eye(25)
        return -a.stats.multivariate_normal.logpdf(y, onp.zeros(25), cov)

    return a.grad(loss), onp.array([-1.0, 0.1, 0.2])


def latent_variables(a):
    """A Gaussian process whose inputs are learnt, too."""
    y = rng.normal(size=(30, 3))

    def loss(params):
        x, rest = a.np.reshape(params[3:], (30, 2)), params[:3]
        cov = covariance(a.np, rest, x, x) + 0.1 * onp.eye(30)
        fits = sum(a.stats.multivariate_normal.logpdf(y[:, k], onp.zeros(30), cov) for k in range(3))
        return -fits - a.np.sum(a.norm.logpdf(x))

    return a.grad(loss), 0.3 * rng.normal(size=63)


def deep_gaussian_process(a):
    x, target = onp.linspace(-3, 3, 15)[:, None], onp.sin(onp.linspace(-3, 3, 15))

    def loss(params):
        hidden = a.np.reshape(params[4:], (15, 1))
        first = covariance(a.np, params[:2], x, x) + 0.1 * onp.eye(15)
        second = covariance(a.np, params[2:4], hidden, hidden) + 0.1 * onp.eye(15)
        log = a.stats.multivariate_normal.logpdf
        return -log(hidden[:, 0], onp.zeros(15), first) - log(target, onp.zeros(15), second)

    return a.grad(loss), 0.5 * rng.normal(size=19)


def bayesian_optimisation(a):
    """The gradient of the expected improvement, by the place that is to be tried next."""
    x, y = rng.uniform(-4, 4, size=(12, 1)), rng.normal(size=12)
    params = onp.array([0.1, 0.2])
    inverse = onp.linalg.inv(covariance(onp, params, x, x) + 0.1 * onp.eye(12))

    def improvement(place):
        k = covariance(a.np, params, a.np.reshape(place, (1, 1)), x)[0]
        mean = a.np.dot(k, onp.dot(inverse, y))
        deviation = a.np.sqrt(a.np.exp(params[0]) + 0.1 - a.np.dot(k, a.np.dot(inverse, k)))
        z = (mean - onp.max(y)) / deviation
        return a.np.sum(deviation * (z * a.norm.cdf(z) + a.norm.pdf(z)))

    return a.grad(improvement), onp.array([0.3])


def reproducing_kernel(a):
    """A function of an expansion in kernels, fitted by a chain of its values."""
    x, y = rng.normal(size=(40, 1)), rng.normal(size=40)
    gram = onp.exp(-((x - x.T) ** 2))
    loss = lambda alpha: a.np.sum((a.np.dot(gram, alpha) - y) ** 2) + 0.1 * a.np.dot(alpha, a.np.dot(gram, alpha))
    return a.grad(loss), onp.zeros(40)


def independent_components(a):
    x = rng.laplace(size=(200, 4)) @ rng.normal(size=(4, 4))

    def loss(flat):
        W = a.np.reshape(flat, (4, 4))
        logs = a.stats.t.logpdf(a.np.dot(x, W), 5.0)
        return -a.np.sum(logs) / 200 - a.np.linalg.slogdet(W)[1]

    return a.grad(loss), onp.eye(4).ravel() + 0.1 * rng.normal(size=16)


def negative_binomial(a):
    counts = rng.poisson(4.0, size=300).astype(float)

    def loss(params):
        r, p = a.np.exp(params[0]), 1 / (1 + a.np.exp(-params[1]))
        logs = a.special.gammaln(counts + r) - a.special.gammaln(r) - a.special.gammaln(counts + 1)
        return -a.np.sum(logs + counts * a.np.log(p) + r * a.np.log1p(-p))

    return a.value_and_grad(loss), onp.array([0.5, 0.1])


def recurrent(a):
    """A recurrent network on texts of 20 letters, 16 of them."""
    x, y = rng.normal(size=(20, 16, 12)), onp.eye(12)[rng.integers(12, size=(20, 16))]

    def loss(params):
        h, total = onp.zeros((16, 30)) + params["start"], 0.0
        for letters, wanted in zip(x, y):
            h = a.np.tanh(a.np.dot(a.np.concatenate([letters, h], axis=1), params["change"]))
            scores = a.np.dot(h, params["predict"])
            total = total - a.np.sum((scores - logsumexp(a.np, scores, 1)) * wanted)
        return total / 320

    change, predict = 0.1 * rng.normal(size=(42, 30)), 0.1 * rng.normal(size=(30, 12))
    return a.grad(loss), {"start": onp.zeros(30), "change": change, "predict": predict}


def long_memory(a):
    """The same with gates: an LSTM."""
    x, y = rng.normal(size=(15, 16, 12)), onp.eye(12)[rng.integers(12, size=(15, 16))]

    def loss(params):
        h, cell, total = onp.zeros((16, 20)), onp.zeros((16, 20)), 0.0
        for letters, wanted in zip(x, y):
            both = a.np.concatenate([letters, h], axis=1)
            change = a.np.tanh(a.np.dot(both, params["change"]))
            forget, enter, leave = (0.5 * (a.np.tanh(a.np.dot(both, params[gate])) + 1) for gate in ("f", "i", "o"))
            cell = cell * forget + enter * change
            h = leave * a.np.tanh(cell)
            scores = a.np.dot(h, params["predict"])
            total = total - a.np.sum((scores - logsumexp(a.np, scores, 1)) * wanted)
        return total / 240

    start = {name: 0.1 * rng.normal(size=(32, 20)) for name in ("change", "f", "i", "o")}
    return a.grad(loss), {**start, "predict": 0.1 * rng.normal(size=(20, 12))}


def convolutional(a):
    """Two convolutions and two poolings, 8 pictures of 16 by 16."""
    x, y = rng.normal(size=(8, 1, 16, 16)), onp.eye(10)[rng.integers(10, size=8)]

    def pooled(h):
        n, c, rows, columns = h.shape
        return a.np.max(a.np.max(a.np.reshape(h, (n, c, rows // 2, 2, columns // 2, 2)), axis=5), axis=3)

    def loss(params):
        h = x
        for kernel in ("first", "second"):
            h = a.signal.convolve(h, params[kernel], axes=([2, 3], [2, 3]), dot_axes=([1], [0]), mode="valid")
            h = pooled(a.np.tanh(h))
        scores = a.np.dot(a.np.reshape(h, (8, -1)), params["out"])
        return -a.np.sum((scores - logsumexp(a.np, scores, 1)) * y)

    start = {"first": 0.1 * rng.normal(size=(1, 4, 5, 5)), "second": 0.1 * rng.normal(size=(4, 6, 3, 3))}
    return a.grad(loss), {**start, "out": 0.1 * rng.normal(size=(24, 10))}


def variational_autoencoder(a):
    x, noise = (rng.random((50, 100)) < 0.5).astype(float), rng.normal(size=(50, 5))

    def loss(params):
        code = network(a.np, params[0], x)
        mean, log_deviation = code[:, :5], code[:, 5:]
        z = mean + a.np.exp(log_deviation) * noise
        signs = 2 * x - 1
        log_likelihood = -a.np.sum(a.np.logaddexp(0, -signs * network(a.np, params[1], z)))
        prior = a.np.sum(a.norm.logpdf(z)) - a.np.sum(a.norm.logpdf(z, mean, a.np.exp(log_deviation)))
        return -(log_likelihood + prior) / 50

    return a.grad(loss), [layers(100, 40, 10), layers(5, 40, 100)]


def adversarial(a):
    """A generator and a discriminator, each by its gradient."""
    x, noise = rng.normal(size=(32, 20)), rng.normal(size=(32, 5))

    def loss(both):
        fake = network(a.np, both[0], noise)
        on_real, on_fake = network(a.np, both[1], x), network(a.np, both[1], fake)
        return a.np.mean(a.np.logaddexp(0, -on_real)) + a.np.mean(a.np.logaddexp(0, on_fake))

    return a.grad(loss), [layers(5, 30, 20), layers(20, 30, 1)]


def fluid(a):
    """Smoke in a wind: how it ends depends on how the wind starts."""
    smoke, target = rng.random((20, 20)), rng.random((20, 20))
    rows, columns = onp.meshgrid(onp.arange(20.0), onp.arange(20.0), indexing="ij")

    def still(u, v):
        """Take the divergence out of the wind, by some rounds of relaxation."""
        source = -0.5 / 20 * (a.np.roll(u, -1, 0) - a.np.roll(u, 1, 0) + a.np.roll(v, -1, 1) - a.np.roll(v, 1, 1))
        p = onp.zeros((20, 20))
        for _ in range(6):
            p = (source + a.np.roll(p, 1, 0) + a.np.roll(p, -1, 0) + a.np.roll(p, 1, 1) + a.np.roll(p, -1, 1)) / 4
        u = u - 10 * (a.np.roll(p, -1, 0) - a.np.roll(p, 1, 0))
        return u, v - 10 * (a.np.roll(p, -1, 1) - a.np.roll(p, 1, 1))

    def carried(f, u, v):
        x, y = a.np.ravel(rows - u), a.np.ravel(columns - v)
        left, top = a.np.floor(x), a.np.floor(y)
        right, below = x - left, y - top
        i, j = (onp.asarray(getattr(k, "_value", k), dtype=int) % 20 for k in (left, top))
        i2, j2 = (i + 1) % 20, (j + 1) % 20
        above = f[i, j] * (1 - below) + f[i, j2] * below
        under = f[i2, j] * (1 - below) + f[i2, j2] * below
        return a.np.reshape((1 - right) * above + right * under, (20, 20))

    def loss(wind):
        u, v, f = wind[0], wind[1], smoke
        for _ in range(3):
            u, v = carried(u, u, v), carried(v, u, v)
            u, v = still(u, v)
            f = carried(f, u, v)
        return a.np.mean((f - target) ** 2)

    return a.grad(loss), 0.1 * rng.normal(size=(2, 20, 20))


def differential_equation(a):
    """A network that is the right side of an equation, fitted to a spiral."""
    times, spiral = onp.linspace(0, 5, 8), rng.normal(size=(8, 2))

    def speed(y, t, W1, W2):
        return a.np.dot(a.np.tanh(a.np.dot(y**3, W1)), W2)

    def loss(weights):
        states = a.integrate.odeint(speed, onp.array([2.0, 0.0]), times, a.builtins.tuple((weights[0], weights[1])))
        return a.np.mean((states - spiral) ** 2)

    return a.grad(loss), (0.1 * rng.normal(size=(2, 20)), 0.1 * rng.normal(size=(20, 2)))


PROGRAMS = {
    f.__name__.replace("_", " "): f
    for f in (
        tanh, sinusoid, rosenbrock, logistic_regression, neural_net, neural_net_regression, bayesian_neural_net,
        black_box_svi, natural_gradient_svi, mixture_variational_inference, mixture_model, hidden_markov_model,
        gaussian_process, latent_variables, deep_gaussian_process, bayesian_optimisation, reproducing_kernel,
        independent_components, negative_binomial, recurrent, long_memory, convolutional, variational_autoencoder,
        adversarial, fluid, differential_equation,
    )
}  # fmt: skip


def on(name):
    def contender(case):
        global rng
        rng = onp.random.default_rng(0)  # both get the same numbers
        f, x = PROGRAMS[case](package(name))
        return lambda: f(x)

    return contender


def minigrad(case):
    return on("minigrad.compat.autograd")(case)


def hips_autograd(case):
    return on("autograd")(case)


CONTENDERS = {"minigrad": minigrad, "HIPS autograd": hips_autograd}
MARKS = [against(case, "HIPS autograd", 0.5) for case in PROGRAMS]


def measure(options):
    yield from race(TABLE, "ms", 1e3, PROGRAMS, CONTENDERS, options)


if __name__ == "__main__":
    main(__doc__, measure, MARKS)
