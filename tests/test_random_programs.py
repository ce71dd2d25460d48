"""Random programs against finite differences: every way through the recorder, to the second derivative."""

import numpy as np
import pytest

from minigrad import Tensor, gradient, params

UNARY = [np.sin, np.tanh, np.exp, lambda x: x, np.negative, lambda x: x[::-1], lambda x: x[..., None][..., 0]]
BINARY = [
    np.add,
    np.subtract,
    np.multiply,
    lambda a, b: a / (b * b + 2),
    np.hypot,
    lambda a, b: np.where(b > 0.3, a, b),
]
SHRINK = [
    np.sum,
    np.mean,
    lambda x: x.sum(axis=0),
    lambda x: x[0],
    lambda x: (x @ np.ones(x.shape[-1]))[..., None],
]
SHAPES = [(3,), (2, 3), (1, 3), (2, 1), (1,)]


def program(seed):
    """Return a random function of three arrays, which uses its values over again, and its three arguments."""
    plan = np.random.default_rng(seed)
    choices = plan.integers(0, 2**31, 60).tolist()
    arguments = [plan.uniform(0.5, 1.5, SHAPES[plan.integers(len(SHAPES))]) for _ in range(3)]
    constants = [plan.uniform(0.5, 1.5, (3,)), 0.7, 2, np.float64(1.3), plan.uniform(0.5, 1.5, (2, 1))]

    def f(*xs):
        pick = iter(choices)
        values = list(xs)
        for _ in range(8):
            kind = next(pick) % 8
            a, b = values[next(pick) % len(values)], values[next(pick) % len(values)]
            if kind < 2:
                new = UNARY[next(pick) % len(UNARY)](a) if np.ndim(a) else np.sin(a)
            elif kind < 5:
                new = BINARY[next(pick) % len(BINARY)](a, b)
            elif kind < 7:
                c = constants[next(pick) % len(constants)]
                new = a * c + 0.1 if next(pick) % 2 else c - a
            else:
                new = SHRINK[next(pick) % len(SHRINK)](a) if np.ndim(a) else a * a
            values.append(np.tanh(new))
        return sum(np.sum(v * v) / np.size(v) for v in values)

    return f, arguments


def central_difference(f, arguments, k, direction, h=1e-5):
    moved = lambda step: [x + step * direction if i == k else x for i, x in enumerate(arguments)]
    return (f(*moved(h)) - f(*moved(-h))) / (2 * h)


@pytest.mark.parametrize("seed", range(60))
def test_a_random_program_has_the_gradient_of_its_differences_through_both_doors(seed):
    f, arguments = program(seed)
    rng = np.random.default_rng(seed)
    tensors = [Tensor(x) for x in arguments]

    explicit = gradient(f, *arguments)
    implicit = gradient(lambda: f(*tensors), params(tensors))
    mixed = gradient(lambda x: f(x, *tensors[1:]), arguments[0])

    for k, x in enumerate(arguments):
        direction = rng.uniform(-1, 1, x.shape)
        expected = central_difference(f, arguments, k, direction)
        assert np.sum(explicit[k] * direction) == pytest.approx(expected, rel=1e-6, abs=1e-8)
        assert np.array_equal(implicit[tensors[k]], explicit[k]) and explicit[k].shape == x.shape
    assert np.array_equal(mixed[0], explicit[0])


@pytest.mark.parametrize("seed", range(40))
def test_a_random_program_has_the_second_derivatives_of_its_gradients_differences(seed):
    f, arguments = program(seed)
    rng = np.random.default_rng(seed)
    weights = [rng.uniform(-1, 1, x.shape) for x in arguments]
    slope = lambda *xs: sum(np.sum(w * g) for w, g in zip(weights, gradient(f, *xs)))
    tensors = [Tensor(x) for x in arguments]
    ps = params(tensors)

    explicit = gradient(slope, *arguments)
    inner = lambda: sum(np.sum(w * g) for w, g in zip(weights, gradient(lambda: f(*tensors), ps)))
    implicit = gradient(inner, ps)

    for k, x in enumerate(arguments):
        direction = rng.uniform(-1, 1, x.shape)
        expected = central_difference(slope, arguments, k, direction)
        assert np.sum(explicit[k] * direction) == pytest.approx(expected, rel=1e-5, abs=1e-7)
        assert np.allclose(implicit[tensors[k]], explicit[k], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("seed", range(20))
def test_a_random_program_in_float32_agrees_with_float64_and_keeps_its_dtype(seed):
    f, arguments = program(seed)

    single = gradient(f, *[x.astype(np.float32) for x in arguments])
    double = gradient(f, *arguments)

    for g, exact in zip(single, double):
        # a few dozen roundings of 6e-8, of sums whose terms may cancel
        assert g.dtype == np.float32 and np.allclose(g, exact, rtol=1e-4, atol=1e-5)
