"""A mixture of Gaussians fitted by expectation maximisation: how the fit depends on where it starts.

    expectation    r[i, k] = w_k N(x_i | mu_k, S_k) / sum_j w_j N(x_i | mu_j, S_j),   n_k = sum_i r[i, k]
    maximisation   mu_k = sum_i r[i, k] x_i / n_k,   w_k = n_k / n,
                   S_k = sum_i r[i, k] (x_i - mu_k)(x_i - mu_k)^T / n_k

The loss is the negative log likelihood of held-out points after a few rounds; it is differentiated
through all the rounds.

Reference: Bishop, "Pattern Recognition and Machine Learning" (2006), section 9.2.2.
"""

import numpy as np


def data(n=90):
    """Return points (n, 2) from three clouds."""
    rng = np.random.default_rng(2)
    centres = np.array([[-2.0, 0.0], [1.0, 2.0], [1.5, -1.5]])
    return centres[rng.integers(3, size=n)] + rng.normal(size=(n, 2)) * [0.8, 0.5]


def log_densities(X, means, covariances):
    """Return log N(x_i | mu_k, S_k), shape (points, clouds)."""
    away = X[:, None, :] - means[None, :, :]
    scaled = np.linalg.solve(covariances, np.moveaxis(away, 0, 2))
    squares = np.einsum("nkd,kdn->nk", away, scaled)
    return -0.5 * (squares + np.linalg.slogdet(2 * np.pi * covariances)[1])


def expectation_maximisation(X, means, covariances, log_weights, rounds=4):
    for _ in range(rounds):
        joint = log_densities(X, means, covariances) + log_weights
        r = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))
        n = np.sum(r, axis=0)
        means = r.T @ X / n[:, None]
        away = X[:, None, :] - means
        covariances = np.einsum("nk,nkd,nke->kde", r, away, away) / n[:, None, None] + 1e-3 * np.eye(2)
        log_weights = np.log(n / len(X))
    return means, covariances, log_weights


def loss(means, log_widths, logits):
    X = data()
    fitted_to, held_out = np.split(X, [60])
    covariances = np.exp(2 * log_widths)[:, :, None] * np.eye(2)
    log_weights = logits - np.logaddexp.reduce(logits)
    means, covariances, log_weights = expectation_maximisation(fitted_to, means, covariances, log_weights)
    return -np.mean(np.logaddexp.reduce(log_densities(held_out, means, covariances) + log_weights, axis=1))


def arguments():
    return {
        "means": np.array([[-1.0, 0.5], [0.5, 1.0], [0.5, -1.0]]),
        "log_widths": np.zeros((3, 2)),
        "logits": np.array([0.1, -0.2, 0.0]),
    }


if __name__ == "__main__":
    from compare import show

    show(loss, arguments, __doc__)
