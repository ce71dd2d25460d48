"""Matrices of any scale: what a derivative divides by is measured against the matrix itself.

The matrices are multiplied by powers of two, which changes no digit, so that the gradient at a matrix and at the scaled
one must agree in all digits but those that go below the smallest number.
"""

import numpy as np
import pytest
from minigrad import gradient, hessian

RNG = np.random.default_rng(0)
TALL, SQUARE, VECTOR = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 3)) + 3 * np.eye(3), RNG.normal(size=4)
SYMMETRIC = SQUARE + SQUARE.T
SCALES = {np.float32: [2.0**-66, 2.0**66], np.float64: [2.0**-400, 2.0**400]}  # 1e-20 and 1e20, 1e-120 and 1e120


def weighed(*ys):
    """Return a number that depends on every entry in another way, and not on signs."""
    weights = [np.cos(1 + np.arange(y.size, dtype=y.real.dtype)).reshape(y.shape) for y in ys]
    return sum(np.sum(w * np.real(y * np.conj(y))) for w, y in zip(weights, ys))


def of_svd(a, s):
    u, values, vh = np.linalg.svd(a, full_matrices=False)
    return weighed(u, values / s, vh) + weighed(u[:, :1] @ vh[:1])


def of_eigh(a, s):
    values, vectors = np.linalg.eigh(a)
    return weighed(values / s, vectors)


def of_eig(a, s):
    values, vectors = np.linalg.eig(a)
    order = np.argsort(np.real(values))
    return weighed(values[order] / s, vectors[:, order])


def of_qr(a, s):
    q, r = np.linalg.qr(a)
    return weighed(q, r / s)


LOSSES = {  # of a matrix and its scale
    "svd": (of_svd, TALL),
    "svd of a wide matrix": (of_svd, TALL.T),
    "svd of a complex matrix": (of_svd, TALL + 1j * TALL[::-1]),
    "singular vectors": (lambda a, s: weighed(np.linalg.svd(a)[0][:, :3]), TALL),
    "singular values": (lambda a, s: weighed(np.linalg.svd(a, compute_uv=False) / s), TALL),
    "eigh": (of_eigh, SYMMETRIC),
    "eigvalsh": (lambda a, s: weighed(np.linalg.eigvalsh(a) / s), SYMMETRIC),
    "eig": (of_eig, SQUARE),
    "qr": (of_qr, TALL),
    "qr of a wide matrix": (of_qr, TALL.T),
    "cholesky": (lambda a, s: weighed(np.linalg.cholesky(a @ (a.T / s)) / np.sqrt(s)), SQUARE),
    "inv": (lambda a, s: weighed(np.linalg.inv(a) * s), SQUARE),
    "solve": (lambda a, s: weighed(np.linalg.solve(a, a.T)), SQUARE),
    "lstsq": (lambda a, s: weighed(np.linalg.lstsq(a, VECTOR.astype(a.dtype), None)[0] * s), TALL),
    "lstsq of both": (lambda a, s: weighed(np.linalg.lstsq(a, a @ (a[0] / s), None)[0]), TALL),
    "pinv": (lambda a, s: weighed(np.linalg.pinv(a) * s), TALL),
    "slogdet": (lambda a, s: np.linalg.slogdet(a)[1], SQUARE),
    "nuclear norm": (lambda a, s: np.linalg.norm(a, "nuc") / s, TALL),
    "spectral norm": (lambda a, s: np.linalg.norm(a, 2) / s, TALL),
    "cond": (lambda a, s: np.linalg.cond(a), SQUARE),
    "inverse numbers": (lambda a, s: np.sum(s / a), SQUARE),
    "reciprocal": (lambda a, s: s * np.sum(np.reciprocal(a)), SQUARE),
}


@pytest.mark.parametrize("dtype", SCALES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("loss, a", LOSSES.values(), ids=LOSSES)
def test_a_scaled_matrix_has_the_scaled_gradient(loss, a, dtype):
    a = a.astype(np.result_type(dtype, np.complex64) if np.iscomplexobj(a) else dtype)
    (expected,) = gradient(lambda a: loss(a, dtype(1)), a)

    for s in SCALES[dtype]:
        (g,) = gradient(lambda a: loss(a, dtype(s)), a * dtype(s))  # noqa: B023

        off = np.max(np.abs(g * dtype(s) - expected)) / np.max(np.abs(expected))
        assert off < (2e-4 if dtype is np.float32 else 1e-11), (s, off)


@pytest.mark.parametrize("s", [2.0**-70, 2.0**-66, 1.0, 2.0**63, 2.0**66])
def test_the_cofactors_of_a_determinant_that_is_no_number_of_single_precision(s):
    a = np.array([[1, 2], [3, 5]], np.float32) * np.float32(s)

    with np.errstate(over="ignore", under="ignore"):
        (g,) = gradient(np.linalg.det, a)

    np.testing.assert_allclose(g, np.float32(s) * np.array([[5, -3], [-2, 1]]), rtol=1e-5)


def test_small_singular_values_that_are_apart_are_apart():
    """1e-9 and 2e-9 beside 1: their squares differ by less than the rounding of 1, they do not."""
    rotation = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
    a = rotation @ np.diag([1.0, 2e-9, 1e-9]) @ rotation[::-1]
    f = lambda a: np.linalg.svd(a)[0][0, 1] ** 2
    direction = RNG.normal(size=(3, 3)) * 1e-13

    (g,) = gradient(f, a)

    by_differences = (f(a + direction) - f(a - direction)) / 2
    assert np.sum(g * direction) == pytest.approx(by_differences, rel=1e-3)


def test_second_derivatives_of_scaled_matrices():
    f = lambda s: lambda x: of_svd((x * np.ones((3, 2)) + np.array([[0, 1], [2, 0], [1, 3]])) * s, s)

    assert hessian(f(2.0**-400), 0.5) == pytest.approx(hessian(f(1.0), 0.5), rel=1e-9)


@pytest.mark.parametrize("dtype, s", [(np.float32, 2.0**-65), (np.float64, 2.0**-520)])
@pytest.mark.parametrize("f", [np.linalg.norm, np.std, lambda a: np.linalg.norm(a, axis=0)[1]])
def test_a_norm_in_small_units_has_the_gradient_of_that_in_large_ones(f, dtype, s):
    """Gradient and norm together would overflow, though the result does not."""
    a, s = TALL.astype(dtype), dtype(s)

    (g,) = gradient(lambda a: f(a) / s, a * s)

    assert g * s == pytest.approx(gradient(f, a)[0], rel=1e-3)
