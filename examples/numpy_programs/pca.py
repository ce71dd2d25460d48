"""Principal components by the singular value decomposition: which features carry the variance.

    X - mean = U diag(s) V^T,    scores = U diag(s),    variance explained = s^2 / sum(s^2)

The features are weighted before the decomposition; the loss adds what two components leave unexplained, how
unevenly they share the rest, and how far the first direction is from a wanted one.

Reference: Jolliffe, "Principal Component Analysis" (2002), section 3.5.
"""

import numpy as np


def data(n=50):
    """Return correlated features (n, 4)."""
    rng = np.random.default_rng(3)
    hidden = rng.normal(size=(n, 2)) * [2.0, 1.0]
    mixing = np.array([[1.0, 0.5, -0.5, 0.2], [0.0, 1.0, 0.8, -0.4]])
    return hidden @ mixing + 0.3 * rng.normal(size=(n, 4))


def principal_components(X):
    """Return scores (n, k), directions (k, d) with their largest entry positive, and variances (k,)."""
    centred = X - np.mean(X, axis=0)
    U, s, Vt = np.linalg.svd(centred, full_matrices=False)
    largest = np.take_along_axis(Vt, np.argmax(np.abs(Vt), axis=1)[:, None], axis=1)
    signs = np.sign(largest)
    return U * s * signs.T, Vt * signs, s**2 / (len(X) - 1)


def loss(log_weights, wanted):
    X = data() * np.exp(log_weights)
    scores, directions, variances = principal_components(X)
    explained = variances / np.sum(variances)
    two = scores[:, :2] @ directions[:2] + np.mean(X, axis=0)
    unexplained = np.mean((X - two) ** 2)
    entropy = -np.sum(explained * np.log(explained))
    apart = 1 - (directions[0] @ wanted / np.linalg.norm(wanted)) ** 2
    skewness = np.mean(scores[:, 0] ** 3) / np.mean(scores[:, 0] ** 2) ** 1.5
    return unexplained + entropy + apart + 0.1 * skewness


def arguments():
    return {"log_weights": np.array([0.1, -0.2, 0.3, 0.5]), "wanted": np.array([1.0, 0.2, -0.3, 0.0])}


if __name__ == "__main__":
    from compare import show

    show(loss, arguments, __doc__)
