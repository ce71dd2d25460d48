"""Gauss-Newton products, and derivatives of derivatives nested in every way."""

from collections import namedtuple

import numpy as np
import pytest
from minigrad import Grads, Tensor, gradient, gradcheck, hessian, hvp, jacobian, jvp, params, pullback
from minigrad.calculus.higher import ggnvp

A = np.array([[1.0, -0.5, 0.3], [0.2, 0.8, -1.0]])
X, V = np.array([0.4, -0.7, 1.1]), np.array([1.0, 0.5, -2.0])
TARGET = np.array([0.3, -0.2])


def model(x):
    return np.tanh(A @ x) * x[0]


def loss(y):
    return np.sum(np.log(np.cosh(y - TARGET))) + y[0] * y[1]


def gauss_newton_matrix(f, loss, x):
    (J,) = jacobian(f, x)
    return J.T @ hessian(loss, f(x)) @ J


# --------------------------------------------------------------------------------------- Gauss-Newton
def test_ggnvp_is_the_gauss_newton_matrix_times_the_vector():
    np.testing.assert_allclose(ggnvp(model, loss, X, V), gauss_newton_matrix(model, loss, X) @ V, rtol=1e-12)


def test_ggnvp_is_the_hessian_product_of_a_linear_model():
    linear = lambda x: A @ x

    np.testing.assert_allclose(ggnvp(linear, loss, X, V), hvp(lambda x: loss(linear(x)), X, V), rtol=1e-12)


def test_ggnvp_of_a_convex_loss_is_positive_where_the_hessian_is_not():
    """cos(x)^2 / 2: J^T H J is sin(x)^2, the second derivative -cos(2x)."""
    half_square = lambda y: y**2 / 2

    assert ggnvp(np.cos, half_square, 0.3, 1.0) == pytest.approx(np.sin(0.3) ** 2)
    assert hvp(lambda x: half_square(np.cos(x)), 0.3, 1.0) == pytest.approx(-np.cos(0.6))


def test_ggnvp_runs_the_model_once():
    runs = []

    def counted(x):
        runs.append(1)
        return model(x)

    ggnvp(counted, loss, X, V)

    assert len(runs) == 1


def test_ggnvp_of_containers_comes_back_in_shape():
    Line = namedtuple("Line", "slope offset")
    f = lambda line: {"y": line.slope * TARGET, "z": [line.offset**2]}
    quadratic = lambda out: np.sum(out["y"] ** 2) / 2 + out["z"][0] ** 2 / 2

    G = ggnvp(f, quadratic, Line(2.0, 3.0), Line(1.0, 1.0))

    assert G == Line(pytest.approx(np.sum(TARGET**2)), 36.0)


def test_ggnvp_of_parameters_is_grads():
    W, b, unused = Tensor(A), Tensor(TARGET), Tensor(1.0)
    f = lambda: np.tanh(W @ X) + b
    flat = lambda t: np.tanh(np.reshape(t[:6], (2, 3)) @ X) + t[6:]
    v = np.linspace(-1, 1, 8)

    G = ggnvp(f, loss, params(W, b, unused), [v[:6].reshape(2, 3), v[6:], 0.0])

    expected = gauss_newton_matrix(flat, loss, np.concatenate([A.ravel(), TARGET])) @ v
    assert isinstance(G, Grads) and float(G[unused]) == 0.0
    np.testing.assert_allclose(np.concatenate([G[W].data.ravel(), G[b].data]), expected, rtol=1e-12)


def test_ggnvp_of_complex_numbers_is_that_of_their_real_and_imaginary_parts():
    f = lambda z: z * z * np.conj(z[::-1])
    magnitude = lambda y: np.sum(np.abs(y) ** 4)
    parts = lambda z: np.concatenate([np.real(z), np.imag(z)])
    whole = lambda t: t[:2] + 1j * t[2:]
    z, v = np.array([0.5 + 1j, -0.3j]), np.array([1.0 - 1j, 2.0])

    G = ggnvp(f, magnitude, z, v)

    G_real = gauss_newton_matrix(lambda t: parts(f(whole(t))), lambda y: magnitude(whole(y)), parts(z))
    np.testing.assert_allclose(parts(G), G_real @ parts(v), rtol=1e-12)


def test_ggnvp_can_be_differentiated():
    gradcheck(lambda x: np.sum(ggnvp(model, loss, x, V) ** 2), X)


def test_a_direction_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"ggnvp: a direction of shape \(2,\)"):
        ggnvp(model, loss, X, np.ones(2))


# ------------------------------------------------------------------------------------------- nesting
def smooth(x):
    return np.sum(np.sin(x) * x[::-1] ** 2) + np.prod(x)


def by_hand(x):
    """Third derivatives of ``smooth`` along V three times, from central differences of the Hessian."""
    h = 1e-5
    return V @ (hessian(smooth, x + h * V) - hessian(smooth, x - h * V)) @ V / (2 * h)


@pytest.mark.parametrize(
    "third",
    [
        lambda x: gradient(lambda x: V @ hessian(smooth, x) @ V, x)[0] @ V,
        lambda x: gradient(lambda x: np.sum(V * hvp(smooth, x, V)), x)[0] @ V,
        lambda x: V @ hessian(lambda x: np.sum(V * gradient(smooth, x)[0]), x) @ V,
        lambda x: hvp(lambda x: jvp(smooth, (x,), (V,))[1], x, V) @ V,
        lambda x: jvp(lambda x: hvp(smooth, x, V) @ V, (x,), (V,))[1],
        lambda x: jvp(lambda x: jvp(lambda x: jvp(smooth, (x,), (V,))[1], (x,), (V,))[1], (x,), (V,))[1],
        lambda x: jacobian(lambda x: jacobian(lambda x: gradient(smooth, x)[0], x)[0], x)[0] @ V @ V @ V,
        lambda x: pullback(lambda x: V @ hessian(smooth, x) @ V, x)[1](1.0)[0] @ V,
    ],
    ids=["g(H)", "g(hvp)", "H(g)", "hvp(jvp)", "jvp(hvp)", "jvp(jvp(jvp))", "J(J(g))", "pullback(H)"],
)
def test_third_derivatives_agree_in_whatever_way_they_are_nested(third):
    assert third(X) == pytest.approx(by_hand(X), rel=1e-7)


def test_a_fourth_derivative():
    fourth = lambda f: lambda x: hessian(lambda x: hessian(f, x), x)

    assert fourth(lambda x: x**5 / 120)(3.0) == pytest.approx(3.0)


def test_the_gradient_of_the_hessian_of_a_loss_of_parameters():
    W = Tensor([1.0, 2.0])

    grads = gradient(lambda: np.sum(hessian(lambda x: np.sum(W * x**3), np.array([1.0, 2.0]))), params(W))

    assert grads[W].tolist() == [6.0, 12.0]


def test_an_inner_gradient_of_parameters_inside_an_outer_one_of_arguments():
    W = Tensor([1.0, 2.0])
    inner = lambda x: gradient(lambda: np.sum(W**2 * x), params(W))[W]

    (g,) = gradient(lambda x: np.sum(inner(x) ** 2), np.array([3.0, 4.0]))

    assert g.tolist() == [24.0, 128.0]  # inner = 2 W x, so 8 W^2 x


def test_a_step_of_gradient_descent_can_be_differentiated():
    """The rate that is best for one step on a quadratic: where the derivative with respect to it vanishes."""
    f = lambda x: np.sum(np.array([1.0, 4.0]) * x**2)
    after = lambda rate: f(X[:2] - rate * gradient(f, X[:2])[0])
    g = gradient(f, X[:2])[0]
    best = np.sum(g * g) / np.sum(g * (hessian(f, X[:2]) @ g))

    assert gradient(after, best)[0] == pytest.approx(0.0, abs=1e-12)


def test_jvp_of_parameters():
    W, b = Tensor(A), Tensor(TARGET)

    y, dy = jvp(lambda: W @ X + b, params(W, b), [np.ones((2, 3)), None])

    np.testing.assert_allclose(y.data, A @ X + TARGET)
    np.testing.assert_allclose(dy.data, [X.sum(), X.sum()])


def test_jvp_of_a_real_argument_and_a_complex_result():
    y, dy = jvp(lambda t: np.exp(1j * t), (0.3,), (2.0,))

    assert dy == pytest.approx(2j * np.exp(0.3j))


def test_jvp_of_a_complex_argument_and_a_real_result():
    y, dy = jvp(lambda z: np.abs(z), (3 + 4j,), (1j,))

    assert dy == pytest.approx(0.8)
