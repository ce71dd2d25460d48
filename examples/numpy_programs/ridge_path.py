"""The path of ridge regression: the leave-one-out error for a whole row of penalties at once.

    beta(lambda) = (X^T X + lambda)^-1 X^T y,    error = mean(((y - H y) / (1 - diag H))^2)

The loss is a soft minimum over the path; it is differentiated by the penalties, by how the features
are scaled, and by the exponents that transform them.

Reference: Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning" (2009), section 7.10.
"""

import numpy as np


def data(n=40, d=5):
    """Return positive features (n, d) and outputs (n,)."""
    rng = np.random.default_rng(4)
    X = rng.gamma(2.0, size=(n, d))
    return X, np.sqrt(X[:, 0]) - 0.5 * X[:, 1] + 0.3 * rng.normal(size=n)


def design(X, log_scales, exponents):
    """Return standardised, scaled features with a column of ones before them."""
    Z = X**exponents
    Z = (Z - np.mean(Z, axis=0)) / np.std(Z, axis=0) * np.exp(log_scales)
    return np.column_stack([np.ones(len(Z)), Z])


def leave_one_out(Z, y, log_penalties):
    """Return the leave-one-out error for each penalty; the column of ones is not penalised."""
    d = Z.shape[1]
    free = np.diag(np.r_[0.0, np.ones(d - 1)])
    matrices = Z.T @ Z + np.exp(log_penalties)[:, None, None] * free
    hats = Z @ np.linalg.solve(matrices, np.broadcast_to(Z.T, (len(log_penalties), *Z.T.shape)))
    residuals = (y - hats @ y) / (1 - np.diagonal(hats, axis1=1, axis2=2))
    return np.mean(residuals**2, axis=1)


def loss(log_penalties, log_scales, exponents):
    X, y = data()
    errors = leave_one_out(design(X, log_scales, exponents), y, log_penalties)
    sharpness = 50.0
    weights = np.exp(-sharpness * (errors - np.min(errors)))
    return np.average(errors, weights=weights) + 0.01 * np.ptp(errors)


def arguments():
    return {
        "log_penalties": np.linspace(-3.0, 3.0, 7),
        "log_scales": np.array([0.1, 0.0, -0.5, -0.3, 0.2]),
        "exponents": np.array([0.6, 1.0, 0.9, 1.2, 1.0]),
    }


if __name__ == "__main__":
    from compare import show

    show(loss, arguments, __doc__)
