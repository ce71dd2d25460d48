"""A neural ordinary differential equation that untangles two spirals.

    dz/dt = W2 tanh(W1 z + b1 + w t),    z(0) = (x, 0),    class probability = sigmoid(c . z(1))

The equation is solved by the classical Runge-Kutta method; the loss is the cross entropy and a penalty on
the length of the paths.

Reference: Chen, Rubanova, Bettencourt and Duvenaud, "Neural Ordinary Differential Equations",
arXiv:1806.07366.
"""

import numpy as np

STEPS = 8


def data(n=24):
    """Return points (n, 2) on two spirals and the spiral of each, 0 or 1."""
    rng = np.random.default_rng(5)
    turn = np.linspace(0.5, 3.0, n // 2)
    arm = np.stack([turn * np.cos(2 * turn), turn * np.sin(2 * turn)], axis=1) / 3
    return np.vstack([arm, -arm]) + 0.02 * rng.normal(size=(n, 2)), np.repeat([0.0, 1.0], n // 2)


def velocity(z, t, W1, b1, w, W2):
    return np.tanh(z @ W1.T + b1 + w * t) @ W2.T


def flow(z, *weights):
    """Return where the points z end at t = 1, and the mean squared length of their ways."""
    h, length = 1 / STEPS, 0.0
    for i in range(STEPS):
        t = i * h
        k1 = velocity(z, t, *weights)
        k2 = velocity(z + h / 2 * k1, t + h / 2, *weights)
        k3 = velocity(z + h / 2 * k2, t + h / 2, *weights)
        k4 = velocity(z + h * k3, t + h, *weights)
        change = (k1 + 2 * k2 + 2 * k3 + k4) / 6
        z, length = z + h * change, length + h * np.mean(np.sum(change**2, axis=-1))
    return z, length


def loss(W1, b1, w, W2, c):
    x, spiral = data()
    z, length = flow(np.pad(x, ((0, 0), (0, 1))), W1, b1, w, W2)
    score = z @ c
    # log(1 + exp(score)) - spiral * score is the cross entropy
    return np.mean(np.logaddexp(0, score) - spiral * score) + 0.01 * length


def arguments():
    rng = np.random.default_rng(6)
    return {
        "W1": 0.5 * rng.normal(size=(8, 3)),
        "b1": 0.1 * rng.normal(size=8),
        "w": 0.1 * rng.normal(size=8),
        "W2": 0.5 * rng.normal(size=(3, 8)),
        "c": rng.normal(size=3),
    }


if __name__ == "__main__":
    from compare import show

    show(loss, arguments, __doc__)
