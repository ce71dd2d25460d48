"""Half precision has no number beyond 65504: counts, and sums on the way, are kept in single."""

import numpy as np
import pytest
from minigrad import gradient, losses, nn, withgradient
from minigrad.derivatives.compound import normalise

N = 70_000
HALF = np.float16
SIGNS = np.resize([1.0, -1.0], N)
ALTERNATING = SIGNS.astype(HALF)
FEW = np.arange(N) < 66_000
SMALLEST = float(np.finfo(HALF).smallest_subnormal)

# loss, the gradient by hand at ALTERNATING
OVER_MANY = {
    "mean": (lambda x: np.mean(x), 1 / N),
    "mean of a matrix": (lambda x: np.mean(x.reshape(2, -1)), 1 / N),
    "mean along an axis": (lambda x: np.sum(np.mean(x[None], axis=1)), 1 / N),
    "mean where": (lambda x: np.mean(x, where=FEW), FEW / 66_000),
    "nanmean": (lambda x: np.nanmean(x), 1 / N),
    "average": (lambda x: np.average(x), 1 / N),
    "var": (lambda x: np.var(x), 2 * SIGNS / N),
    "std": (lambda x: np.std(x), SIGNS / N),
    "max of equals": (lambda x: np.max(x * x), 2 * SIGNS / N),
    "min of equals": (lambda x: np.min(x * x), 2 * SIGNS / N),
    "mse": (lambda x: losses.mse(x, np.zeros(N, HALF)), 2 * SIGNS / N),
    "mse of a number": (lambda x: losses.mse(x, 0.0), 2 * SIGNS / N),
    "mse by mean": (lambda x: np.mean((x - 0.0) ** 2), 2 * SIGNS / N),
    "mae": (lambda x: losses.mae(x, np.zeros(N, HALF)), SIGNS / N),
    "pad with the mean": (lambda x: np.pad(x, (0, 1), "mean")[-1], 1 / N),
    "logsumexp of equals": (lambda x: nn.logsumexp(x * x), 2 * SIGNS / N),
    "one of a softmax": (lambda x: nn.softmax(x * x)[0] * 1e4, 1e4 * 2 * SIGNS * (np.eye(1, N)[0] / N - 1 / N**2)),
}


@pytest.mark.parametrize("loss, expected", OVER_MANY.values(), ids=OVER_MANY)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_gradient_over_many_numbers_is_not_zero(loss, expected):
    (g,) = gradient(loss, ALTERNATING)

    assert g.dtype == HALF
    np.testing.assert_allclose(g.astype(float), expected * np.ones(N), rtol=2e-3, atol=SMALLEST)


def test_the_cross_entropy_over_many_rows():
    scores, truth = np.zeros((N, 2), HALF), np.resize(np.eye(2, dtype=HALF), (N, 2))

    loss, (g,) = withgradient(lambda z: losses.logitcrossentropy(z, truth), scores)

    assert loss == pytest.approx(np.log(2), rel=1e-3)
    np.testing.assert_allclose(g.astype(float), (0.5 - truth.astype(float)) / N, rtol=1e-2, atol=SMALLEST)


def test_the_loss_over_many_numbers_is_not_infinite():
    assert withgradient(lambda x: losses.mse(x, np.zeros(N, HALF)), ALTERNATING).val == 1.0


def test_activations_far_out_are_finite():
    x = np.array([-300.0, -12.0, 300.0], HALF)
    for f in (nn.gelu, nn.sigmoid, nn.softplus, nn.swish, nn.elu, nn.softmax, nn.logsoftmax):
        y, (g,) = withgradient(lambda x: np.sum(f(x)), x)  # noqa: B023
        assert np.isfinite(y) and np.isfinite(g).all() and g.dtype == HALF, f


def test_normalising_many_numbers():
    y = normalise(ALTERNATING, epsilon=0.0)  # of mean 0 and deviation 1 already
    (g,) = gradient(lambda x: normalise(x, epsilon=0.0)[0] * 100.0, ALTERNATING)
    assert y.dtype == HALF and y.tolist() == ALTERNATING.tolist()
    assert g[0] == pytest.approx(100, rel=2e-3) and np.isfinite(g).all()
