"""Lifetimes of a generalised gamma distribution, of which some are only known to be longer.

    log T = x . w + log_scale + E / shape,   exp(E) ~ Gamma(k)

    density    shape r^(k shape) exp(-r^shape) / (t Gamma(k)),     r = t / exp(x . w + log_scale)
    survival   Q(k, r^shape)

The loss is the negative log likelihood of a regression: whoever has died adds the logarithm of the density,
whoever has not that of the survival function.  Q is the incomplete gamma function, differentiated by its shape k, too.

Reference: Stacy, "A generalization of the gamma distribution" (1962).
"""

import numpy as np
from scipy.special import gammaincc, gammaln


def data(n=60):
    """Return covariates (n, 2), times (n,) and whether each of them is a death."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(n, 2))
    lifetime = np.exp(x @ [0.5, -0.8] + 1.0) * rng.gamma(1.5, size=n) ** (1 / 1.2)
    seen_until = rng.uniform(1.0, 12.0, size=n)
    return x, np.minimum(lifetime, seen_until), lifetime <= seen_until


def loss(w, log_scale, log_shape, log_k):
    x, t, died = data()
    shape, k = np.exp(log_shape), np.exp(log_k)
    power = (t / np.exp(x @ w + log_scale)) ** shape
    log_density = log_shape + k * np.log(power) - power - np.log(t) - gammaln(k)
    log_survival = np.log(gammaincc(k, power))
    return -np.mean(np.where(died, log_density, log_survival))


def arguments():
    return {"w": np.array([0.3, -0.5]), "log_scale": 0.8, "log_shape": 0.1, "log_k": 0.2}


if __name__ == "__main__":
    from compare import show

    show(loss, arguments, __doc__)
