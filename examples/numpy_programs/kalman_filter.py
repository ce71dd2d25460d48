"""A Kalman filter that tracks a moving point: the negative log likelihood of what was observed.

    predict   m = F m,            P = F P F^T + Q
    update    S = H P H^T + R,    K = P H^T S^-1,    m = m + K (z - H m),    P = (1 - K H) P

Reference: Särkkä, "Bayesian Filtering and Smoothing" (2013), theorem 4.2.
"""

import numpy as np

DT = 0.1


def data(n=40):
    """Return noisy positions (n, 2) of a point that flies in an arc."""
    t = DT * np.arange(1, n + 1)
    path = np.stack([2 * t, 3 * t - 0.5 * t**2], axis=1)
    return path + 0.2 * np.random.default_rng(1).normal(size=path.shape)


def motion(log_acceleration):
    """Return the matrices of a constant velocity with random acceleration: transition and its noise."""
    one_axis = np.array([[1.0, DT], [0.0, 1.0]])
    noise = np.array([[DT**3 / 3, DT**2 / 2], [DT**2 / 2, DT]])
    return np.kron(one_axis, np.eye(2)), np.exp(2 * log_acceleration) * np.kron(noise, np.eye(2))


def loss(start, log_acceleration, log_noise):
    F, Q = motion(log_acceleration)
    H = np.concatenate([np.eye(2), np.zeros((2, 2))], axis=1)
    R = np.diag(np.exp(2 * log_noise))
    m, P, cost = start, np.eye(4), 0.0
    for z in data():
        m, P = F @ m, F @ P @ F.T + Q
        surprise = z - H @ m
        S = H @ P @ H.T + R
        gain = np.linalg.solve(S, H @ P).T
        cost += 0.5 * (surprise @ np.linalg.solve(S, surprise) + np.linalg.slogdet(2 * np.pi * S)[1])
        m = m + gain @ surprise
        # the form that keeps P symmetric and positive
        keep = np.eye(4) - gain @ H
        P = keep @ P @ keep.T + gain @ R @ gain.T
    return cost


def arguments():
    return {
        "start": np.array([0.1, -0.1, 1.5, 2.5]),
        "log_acceleration": -0.3,
        "log_noise": np.array([-1.2, -1.8]),
    }


if __name__ == "__main__":
    from compare import show

    show(loss, arguments, __doc__)
