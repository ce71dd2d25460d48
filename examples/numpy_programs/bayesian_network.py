"""A Bayesian neural network: a normal distribution of its weights, found by black-box variational inference.

    f(x) = W2 tanh(W1 x + b1) + b2,    y ~ N(f(x), noise^2),    every weight ~ N(0, 1)

The distribution of the weights is N(mean, exp(log_deviation)^2), independent for each.  The loss is the negative
evidence lower bound: the expected log likelihood, over samples whose noise is drawn once, less the divergence from the
distribution before the data.

References: Ranganath, Gerrish and Blei, "Black box variational inference" (2014); Kingma and Welling,
"Auto-encoding variational Bayes" (2014).
"""

import numpy as np

HIDDEN, SAMPLES = 6, 8
SIZE = 3 * HIDDEN + 1


def data(n=30):
    rng = np.random.default_rng(8)
    x = rng.uniform(-2.0, 2.0, size=n)
    return x, np.sin(2 * x) + 0.1 * rng.normal(size=n)


def network(weights, x):
    """Return f(x) for every sample of the weights (samples, SIZE): shape (samples, points)."""
    W1, b1, W2, b2 = np.split(weights, [HIDDEN, 2 * HIDDEN, 3 * HIDDEN], axis=1)
    hidden = np.tanh(W1[:, None, :] * x[:, None] + b1[:, None, :])
    return np.einsum("sph,sh->sp", hidden, W2) + b2


def loss(mean, log_deviation, log_noise):
    x, y = data()
    noise = np.random.default_rng(9).normal(size=(SAMPLES, SIZE))
    f = network(mean + np.exp(log_deviation) * noise, x)
    log_likelihood = -0.5 * ((y - f) / np.exp(log_noise)) ** 2 - log_noise - 0.5 * np.log(2 * np.pi)
    divergence = 0.5 * np.sum(mean**2 + np.exp(2 * log_deviation) - 2 * log_deviation - 1)
    return divergence - np.mean(np.sum(log_likelihood, axis=1))


def arguments():
    rng = np.random.default_rng(10)
    return {"mean": 0.5 * rng.normal(size=SIZE), "log_deviation": np.full(SIZE, -2.0), "log_noise": -1.0}


if __name__ == "__main__":
    from compare import show

    show(loss, arguments, __doc__)
