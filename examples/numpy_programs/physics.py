"""Simulated physics: throw a chain of springs so that it lands on a target.

    acceleration = gravity - drag v + sum of the springs' and the floor's forces / mass

The motion is followed by the velocity Verlet method.  The loss is the distance of the chain's middle from the
target when the time is over, and the energy left in the springs.

Reference: Verlet, "Computer experiments on classical fluids", Physical Review 159 (1967).
"""

import numpy as np

GRAVITY, DRAG, FLOOR, DT, STEPS = np.array([0.0, -9.81]), 0.1, 5000.0, 0.01, 60
REST = 0.5


def stretched(position):
    """Return the directions of the springs (n - 1, 2), and by how much each is longer than at rest."""
    along = np.diff(position, axis=0)
    length = np.linalg.norm(along, axis=1, keepdims=True)
    return along / length, length - REST


def forces(position, velocity, stiffness, masses):
    direction, extra = stretched(position)
    pull = stiffness[:, None] * extra * direction
    springs = np.pad(pull, ((0, 1), (0, 0))) - np.pad(pull, ((1, 0), (0, 0)))
    depth = np.where(position[:, 1] < 0, -position[:, 1], 0.0)
    floor = np.stack([np.zeros(len(depth)), FLOOR * depth**2], axis=1)
    return masses[:, None] * GRAVITY - DRAG * velocity + springs + floor


def simulate(position, velocity, stiffness, masses):
    m = masses[:, None]
    acceleration = forces(position, velocity, stiffness, masses) / m
    for _ in range(STEPS):
        position = position + DT * velocity + 0.5 * DT**2 * acceleration
        half = velocity + 0.5 * DT * acceleration
        acceleration = forces(position, half, stiffness, masses) / m
        velocity = half + 0.5 * DT * acceleration
    return position, velocity


def loss(throw, spin, log_stiffness, masses):
    position = np.column_stack([REST * np.arange(4.0), np.full(4, 1.0)])
    away = position - np.average(position, axis=0, weights=masses)
    velocity = throw + spin * np.stack([-away[:, 1], away[:, 0]], axis=1)
    stiffness = np.exp(log_stiffness)
    position, velocity = simulate(position, velocity, stiffness, masses)
    middle = np.average(position, axis=0, weights=masses)
    left_over = 0.5 * np.sum(stiffness * stretched(position)[1][:, 0] ** 2)
    return np.sum((middle - np.array([3.0, 0.5])) ** 2) + 0.01 * left_over


def arguments():
    return {
        "throw": np.array([4.0, 1.0]),
        "spin": 1.5,
        "log_stiffness": np.log([50.0, 60.0, 40.0]),
        "masses": np.array([1.0, 0.5, 0.5, 1.2]),
    }


if __name__ == "__main__":
    from compare import show

    show(loss, arguments, __doc__)
