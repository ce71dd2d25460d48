"""Likelihoods as numpyro's users write them: their values and gradients by numpyro and JAX, and by minigrad.

    python likelihoods.py regression

Each is written once, of a namespace ``np`` and of log densities, and called with either's.
"""

import json
import os
import sys

os.environ["JAX_ENABLE_X64"] = "1"
os.environ["JAX_PLATFORMS"] = "cpu"

import numpy

rng = numpy.random.default_rng(0)
X, POINTS = rng.normal(size=(20, 3)), numpy.linspace(0, 3, 12)
Y, COUNTS = X @ [1.0, -2.0, 0.5] + rng.standard_t(3, size=20), rng.poisson(3.0, size=20).astype(float)
GROUP, TIMES = rng.integers(4, size=20), rng.gamma(2.0, 1.5, size=20)
DIED = rng.random(20) < 0.7


def regression(np, log, weights, log_scale, log_freedom):
    """Student's t, with its freedom learnt, too."""
    scale = np.exp(log_scale)
    prior = np.sum(log.normal(weights, 0.0, 2.0)) + log.gamma(np.exp(log_freedom), 2.0, 10.0)
    return np.sum(log.t(Y, np.exp(log_freedom), X @ weights, scale)) + prior


def counts(np, log, weights, logit):
    """Poisson counts, more zeros among them than there should be."""
    p, rate = 1 / (1 + np.exp(-logit)), np.exp(X @ weights + 1.0)
    seen = np.log(1 - p) + log.poisson(COUNTS, rate)
    return np.sum(np.where(COUNTS == 0, np.logaddexp(np.log(p), np.where(COUNTS == 0, seen, 0.0)), seen))


def mixture(np, log, shares, means, log_scales):
    shares = np.exp(shares - np.max(shares)) / np.sum(np.exp(shares - np.max(shares)))
    each = np.log(shares) + log.normal(Y[:, None], means, np.exp(log_scales))
    most = np.max(each, axis=1, keepdims=True)
    return np.sum(most[:, 0] + np.log(np.sum(np.exp(each - most), axis=1))) + log.dirichlet(shares, 2.0 * numpy.ones(3))


def gaussian_process(np, log, log_length, log_scale, log_noise):
    away = (POINTS[:, None] - POINTS) / np.exp(log_length)
    cov = np.exp(2 * log_scale) * np.exp(-0.5 * away**2) + np.exp(2 * log_noise) * numpy.eye(12)
    return log.multivariate_normal(numpy.sin(2 * POINTS), numpy.zeros(12), cov)


def hierarchy(np, log, mean, log_spread, offsets, log_scale):
    """Groups around a mean of their own, in the way that is not centred."""
    groups = mean + np.exp(log_spread) * offsets
    prior = np.sum(log.normal(offsets, 0.0, 1.0)) + log.gamma(np.exp(log_spread), 2.0, 1.0)
    return np.sum(log.normal(Y, groups[GROUP], np.exp(log_scale))) + prior


def survival(np, log, log_shape, log_scale):
    """Gamma lifetimes, some of which were not seen to end: the density's integral, by its shape, too."""
    shape, scale = np.exp(log_shape), np.exp(log_scale)
    ends = log.gamma(TIMES, shape, scale)
    return np.sum(np.where(DIED, ends, log.gamma_survival(TIMES, shape, scale)))


ARGUMENTS = {
    "regression": (numpy.array([0.5, -1.0, 0.2]), 0.1, 1.2), "counts": (numpy.array([0.1, -0.2, 0.3]), -1.0),
    "mixture": (numpy.array([0.1, -0.4, 0.2]), numpy.array([-2.0, 0.1, 1.5]), numpy.array([0.3, 0.0, 0.4])),
    "gaussian_process": (0.2, 0.1, -1.0), "hierarchy": (0.3, -0.2, numpy.array([0.5, -1.0, 0.2, 0.7]), 0.4),
    "survival": (0.4, 0.3),
}  # fmt: skip


class Ours:
    """Log densities by minigrad.scipy.stats."""

    def __init__(self):
        from minigrad.scipy import stats

        self.normal, self.t = stats.norm.logpdf, stats.t.logpdf
        self.gamma = lambda x, a, scale: stats.gamma.logpdf(x, a, scale=scale)
        self.gamma_survival = lambda x, a, scale: stats.gamma.logsf(x, a, scale=scale)
        self.poisson, self.dirichlet = stats.poisson.logpmf, stats.dirichlet.logpdf
        self.multivariate_normal = stats.multivariate_normal.logpdf


class Numpyros:
    """The same by numpyro.distributions."""

    def __init__(self):
        import jax.numpy as jnp
        import numpyro.distributions as dist
        from jax.scipy.special import gammaincc

        self.normal = lambda x, loc, scale: dist.Normal(loc, scale).log_prob(x)
        self.t = lambda x, df, loc, scale: dist.StudentT(df, loc, scale).log_prob(x)
        self.gamma = lambda x, a, scale: dist.Gamma(a, 1 / scale).log_prob(x)
        self.gamma_survival = lambda x, a, scale: jnp.log(gammaincc(a, x / scale))
        self.poisson = lambda k, rate: dist.Poisson(rate).log_prob(k)
        self.dirichlet = lambda x, alpha: dist.Dirichlet(alpha).log_prob(x)
        self.multivariate_normal = lambda x, mean, cov: dist.MultivariateNormal(mean, cov).log_prob(x)


if __name__ == "__main__":
    import jax
    import jax.numpy as jnp
    import minigrad

    likelihood, at = globals()[sys.argv[1]], ARGUMENTS[sys.argv[1]]
    ours, numpyros = Ours(), Numpyros()
    value, gradients = minigrad.withgradient(lambda *at: likelihood(numpy, ours, *at), *at)
    found = {"minigrad": [value, *gradients]}
    found["numpyro"] = jax.value_and_grad(lambda at: likelihood(jnp, numpyros, *at))(at)
    found["numpyro"] = [found["numpyro"][0], *found["numpyro"][1]]
    print(json.dumps({who: numpy.concatenate([numpy.ravel(x) for x in xs]).tolist() for who, xs in found.items()}))
