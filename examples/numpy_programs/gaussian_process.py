"""Gaussian process regression: the negative log marginal likelihood of its hyperparameters.

    -log p(y | X) = y^T K^-1 y / 2 + log |K| / 2 + n log(2 pi) / 2

with a kernel that has one length scale per feature, a periodic part and noise.

Reference: Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006), section 5.4.1.
"""

import numpy as np


def data(n=30):
    """Return inputs (n, 2) and noisy outputs (n,)."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(n, 2))
    y = np.sin(3 * X[:, 0]) + 0.5 * X[:, 1] ** 2 + 0.1 * rng.normal(size=n)
    return X, y - y.mean()


def squared_distances(A, B):
    """Return |a_i - b_j|^2 for the rows of A and B."""
    return np.sum(A**2, axis=1)[:, None] + np.sum(B**2, axis=1)[None, :] - 2 * A @ B.T


def kernel(A, B, log_amplitude, log_lengths, log_period):
    lengths, amplitude = np.exp(log_lengths), np.exp(2 * log_amplitude)
    smooth = np.exp(-0.5 * squared_distances(A / lengths, B / lengths))
    phase = np.pi * (A[:, None, 0] - B[None, :, 0]) / np.exp(log_period)
    periodic = np.exp(-2 * np.sin(phase) ** 2)
    return amplitude * smooth * (1 + periodic) / 2


def loss(log_amplitude, log_lengths, log_period, log_noise):
    X, y = data()
    n = len(y)
    K = kernel(X, X, log_amplitude, log_lengths, log_period) + np.exp(2 * log_noise) * np.eye(n)
    L = np.linalg.cholesky(K)
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, y))
    return 0.5 * y @ alpha + np.sum(np.log(np.diag(L))) + 0.5 * n * np.log(2 * np.pi)


def predict(X_new, *hyperparameters):
    """Return the mean and the standard deviation of the process at new inputs (m, 2)."""
    X, y = data()
    K = kernel(X, X, *hyperparameters[:-1]) + np.exp(2 * hyperparameters[-1]) * np.eye(len(y))
    k = kernel(X_new, X, *hyperparameters[:-1])
    prior = np.diagonal(kernel(X_new, X_new, *hyperparameters[:-1]))
    explained = np.einsum("ij,ij->i", k, np.linalg.solve(K, k.T).T)
    return k @ np.linalg.solve(K, y), np.sqrt(np.maximum(prior - explained, 0))


def arguments():
    return {"log_amplitude": 0.1, "log_lengths": np.array([-0.2, 0.4]), "log_period": 0.7, "log_noise": -1.5}


if __name__ == "__main__":
    from compare import show

    show(loss, arguments, __doc__)
