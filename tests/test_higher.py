"""jacobian, hessian, diaghessian, hvp and jvp against results written by hand."""

import numpy as np
import pytest

from minigrad import Grads, Tensor, array, diaghessian, gradient, hessian, hvp, jacobian, jvp, params

X = np.array([1.0, 2.0, 3.0])


# --------------------------------------------------------------------------------------- jacobian
def test_the_jacobian_of_a_matrix_product_is_the_matrix():
    A = np.arange(6.0).reshape(2, 3)

    (J,) = jacobian(lambda x: A @ x, X)

    assert np.array_equal(J, A)


def test_a_jacobian_has_the_shape_of_the_result_followed_by_that_of_the_argument():
    (J,) = jacobian(lambda a: np.outer(a[0], a[1])[:, :2], np.ones((2, 3)))

    assert J.shape == (3, 2, 2, 3)


@pytest.mark.parametrize(
    "f, x, expected",
    [
        (lambda x: x * x, 3.0, 6.0),
        (lambda x: x * X, 2.0, X),
        (lambda x: np.sum(x**2), X, 2 * X),
        (lambda x: x[:0], X, np.zeros((0, 3))),
        (lambda x: np.sum(x) * np.ones(2), np.zeros(0), np.zeros((2, 0))),
        (lambda x: array([x[0] * 2, 5.0]), X, [[2, 0, 0], [0, 0, 0]]),
    ],
)
def test_jacobians_of_numbers_vectors_and_empty_arrays(f, x, expected):
    (J,) = jacobian(f, x)

    assert np.array_equal(J, expected) and np.shape(J) == np.shape(expected)


def test_a_jacobian_with_respect_to_several_arguments_and_containers():
    Jx, Jd, nothing = jacobian(lambda x, d, s: x * d["a"], X, {"a": 2.0, "b": X}, "text")

    assert (
        np.array_equal(Jx, 2 * np.eye(3))
        and np.array_equal(Jd["a"], X)
        and Jd["b"] is None
        and nothing is None
    )


def test_the_jacobian_of_a_constant_is_none():
    assert jacobian(lambda x: X, X) == (None,) and jacobian(lambda x: 3.0, 1.0) == (None,)


def test_a_jacobian_with_respect_to_parameters_is_grads():
    W, b = Tensor(X), Tensor(1.0)

    J = jacobian(lambda: W * W, params(W, b))

    assert isinstance(J, Grads) and isinstance(J[W], Tensor)
    assert np.array_equal(J[W], 2 * np.diag(X)) and J[b] is None


def test_a_jacobian_is_of_the_kind_of_its_argument():
    assert isinstance(jacobian(np.sin, Tensor(X))[0], Tensor)
    assert type(jacobian(np.sin, X)[0]) is np.ndarray and type(jacobian(np.sin, 1.0)[0]) is float
    assert jacobian(np.sin, X.astype(np.float32))[0].dtype == np.float32


def test_jacobians_nest():
    (J,) = jacobian(lambda x: jacobian(lambda y: y**3, x)[0], X)

    expected = np.zeros((3, 3, 3))
    expected[range(3), range(3), range(3)] = 6 * X
    assert np.array_equal(J, expected)


def test_a_complex_jacobian_holds_the_gradients_of_the_real_parts():
    (J,) = jacobian(lambda z: z * z, np.array([1 + 2j]))

    assert np.array_equal(J, [[np.conj(2 * (1 + 2j))]])


@pytest.mark.parametrize("result", [(1.0, 2.0), "text", None, {"a": 1.0}])
def test_the_jacobian_of_what_is_no_array_is_refused(result):
    with pytest.raises(TypeError, match="must return a number or an array"):
        jacobian(lambda x: result, X)


# ----------------------------------------------------------------------------------------- hessian
def test_the_hessian_of_a_quadratic_form():
    A = np.array([[2.0, 1.0], [3.0, 4.0]])

    assert np.array_equal(hessian(lambda x: x @ A @ x, np.ones(2)), A + A.T)


def test_the_hessian_of_rosenbrocks_function():
    rosenbrock = lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    x, y = -1.2, 1.0

    H = hessian(rosenbrock, np.array([x, y]))

    assert H == pytest.approx(np.array([[2 - 400 * (y - 3 * x * x), -400 * x], [-400 * x, 200]]))


@pytest.mark.parametrize(
    "f, x, expected",
    [
        (lambda x: x**3, 2.0, 12.0),
        (lambda x: x**3, 2, 12.0),
        (lambda x: np.sum(x), X, np.zeros((3, 3))),
        (lambda x: 1.0, X, np.zeros((3, 3))),
        (lambda x: np.sum(x**2), np.array([1, 2]), 2 * np.eye(2)),
        (lambda x: np.sum(x), np.zeros(0), np.zeros((0, 0))),
    ],
)
def test_hessians_of_numbers_linear_functions_and_whole_numbers(f, x, expected):
    H = hessian(f, x)

    assert np.array_equal(H, expected) and np.asarray(H).dtype == float


def test_a_hessian_has_the_shape_of_the_argument_twice_and_its_kind():
    assert hessian(lambda x: np.sum(x**3), np.ones((2, 3))).shape == (2, 3, 2, 3)
    assert isinstance(hessian(lambda x: np.sum(x**3), Tensor(X)), Tensor)
    assert hessian(lambda x: np.sum(x**3), X.astype(np.float32)).dtype == np.float32


def test_a_hessian_can_be_differentiated():
    (g,) = gradient(lambda x: np.sum(hessian(lambda y: np.sum(y**4), x)), X)

    assert g == pytest.approx(24 * X)


@pytest.mark.parametrize(
    "x", [{"a": 1.0}, [1.0], params(Tensor(1.0)), "text", None, 1j, np.array([1j])], ids=str
)
@pytest.mark.parametrize("take", [hessian, diaghessian])
def test_hessians_of_containers_and_complex_numbers_are_refused(take, x):
    with pytest.raises(TypeError, match="one real number or array"):
        take(lambda x: 1.0, x)


def test_the_hessian_of_an_array_is_refused_as_its_gradient_is():
    with pytest.raises(TypeError, match="jacobian"):
        hessian(lambda x: x**2, X)


# ------------------------------------------------------------------------------------- diaghessian
def test_the_diagonal_is_that_of_the_hessian():
    f = lambda x: np.sum(np.exp(x) * np.roll(x, 1) ** 2)

    (d,) = diaghessian(f, X)

    assert d == pytest.approx(np.diag(hessian(f, X)))


def test_the_diagonal_has_the_shapes_of_the_arguments():
    A, t, unused = diaghessian(lambda A, t, unused: np.sum(A**3) * t**2, np.ones((2, 2)), 3.0, X)

    assert np.array_equal(A, 54 * np.ones((2, 2))) and t == 8.0 and np.array_equal(unused, np.zeros(3))


def test_the_diagonal_is_of_the_kind_of_the_argument():
    d, scalar = diaghessian(lambda x, s: np.sum(x**3) * s, Tensor(X), 1.0)

    assert isinstance(d, Tensor) and np.array_equal(d, 6 * X) and type(scalar) is float
    assert diaghessian(lambda x: x**3, 2) == (12.0,)


def test_the_diagonal_can_be_differentiated():
    (g,) = gradient(lambda x: np.sum(diaghessian(lambda y: np.sum(y**4), x)[0]), X)

    assert g == pytest.approx(24 * X)


# --------------------------------------------------------------------------------------- hvp and jvp
def test_hvp_is_the_hessian_times_the_vector():
    f = lambda x: np.sum(np.exp(x) * np.roll(x, 1) ** 2)
    v = np.array([1.0, -2.0, 0.5])

    assert hvp(f, X, v) == pytest.approx(hessian(f, X) @ v)


def test_hvp_of_containers_comes_back_in_shape():
    result = hvp(
        lambda d: d["a"] ** 2 * d["b"][0], {"a": 2.0, "b": [3.0, "text"]}, {"b": [0.0, None], "a": 1.0}
    )

    assert result == {"a": 6.0, "b": [4.0, None]}


def test_hvp_of_parameters_is_grads():
    W, b, unused = Tensor(X), Tensor(2.0), Tensor(1.0)
    ps = params(W, b, unused)
    loss = lambda: np.sum(W**2) * b
    directions = [X, 1.0, 0.0]

    for v in (directions, dict(zip(ps, directions)), Grads(ps, [Tensor(d) for d in directions])):
        result = hvp(loss, ps, v)
        assert np.array_equal(result[W], 4 * X + 2 * X) and float(result[b]) == 2 * np.sum(X * X)
        assert float(result[unused]) == 0.0


def test_hvp_of_a_linear_function_is_zero():
    assert (
        hvp(lambda x: np.sum(x), X, X).tolist() == [0.0, 0.0, 0.0] and hvp(lambda x: 3 * x, 1.0, 1.0) == 0.0
    )


def test_hvp_can_be_differentiated():
    (g,) = gradient(lambda x: np.sum(hvp(lambda y: np.sum(y**4), x, np.ones(3))), X)

    assert g == pytest.approx(24 * X)


def test_jvp_is_the_jacobian_times_the_vector():
    f = lambda x, y: np.outer(np.sin(x), np.exp(y))
    v, w = np.array([1.0, -2.0, 0.5]), np.array([0.3, 1.0])

    y, dy = jvp(f, (X, np.ones(2)), (v, w))

    Jx, Jy = jacobian(f, X, np.ones(2))
    assert y == pytest.approx(f(X, np.ones(2))) and dy == pytest.approx(Jx @ v + Jy @ w)


def test_jvp_runs_the_function_once_and_returns_its_kind():
    calls = []

    def square(x):
        calls.append(1)
        return x * x

    assert jvp(square, (3.0,), (2.0,)) == (9.0, 12.0) and len(calls) == 1
    y, dy = jvp(square, (Tensor(X),), (np.ones(3),))
    assert isinstance(y, Tensor) and isinstance(dy, Tensor) and np.array_equal(dy, 2 * X)
    assert jvp(square, (X.astype(np.float32),), (X,))[1].dtype == np.float32


def test_jvp_of_containers_and_of_constants():
    y, dy = jvp(
        lambda d: {"twice": 2 * d["a"], "constant": 5.0}, ({"a": 1.0, "b": 2.0},), ({"b": 1.0, "a": 10.0},)
    )

    assert y == {"twice": 2.0, "constant": 5.0} and dy == {"twice": 20.0, "constant": 0.0}
    assert jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, None)) == (6.0, 3.0)


def test_jvp_of_complex_numbers():
    y, dy = jvp(lambda z: z * z, (1 + 2j,), (1j,))

    assert y == (1 + 2j) ** 2 and dy == 2 * (1 + 2j) * 1j


def test_jvp_can_be_differentiated_with_respect_to_one_of_several_directions():
    A, x = np.array([[1.0, 2.0], [0.0, 3.0]]), np.array([0.5, 0.1])

    (g,) = gradient(lambda v: np.sum(jvp(lambda a, b: np.sin(a @ b), (A, x), (A, v))[1] ** 2), x)

    slope = A * np.cos(A @ x)[:, None]  # the change is slope @ (x + v)
    np.testing.assert_allclose(g, 2 * slope.T @ slope @ (2 * x))


def test_a_number_without_axes_may_be_read_beside_other_uses():
    assert gradient(lambda x: x[()] * x[...] + 3 * x, np.array(2.0)) == (7.0,)


def test_an_inner_gradient_may_add_a_constant_to_what_is_recorded():
    """The inner gradient is (y + 1, y, y): one element of it is read, the array is multiplied by y."""

    def outer(y):
        (g,) = gradient(lambda x: x[0] + np.sum(x * y), np.zeros(3))
        return np.sum(g**2)

    assert gradient(outer, 2.0) == (2 * 3.0 + 4 * 2.0,)


def test_jvp_can_be_differentiated():
    (g,) = gradient(lambda x: np.sum(jvp(lambda y: y**4, (x,), (np.ones(3),))[1]), X)

    assert g == pytest.approx(12 * X**2)


@pytest.mark.parametrize(
    "attempt, error, message",
    [
        (lambda: hvp(np.sum, X, np.ones(2)), ValueError, r"direction of shape \(2,\).*\(3,\)"),
        (lambda: hvp(np.sum, X, 1.0), ValueError, r"direction of shape \(\)"),
        (lambda: hvp(lambda d: d["a"], {"a": 1.0}, {}), ValueError, "keys"),
        (lambda: hvp(lambda: 1.0, params(Tensor(1.0)), []), ValueError, "0 directions for 1 parameters"),
        (lambda: jvp(np.sin, (X,), (1.0,)), ValueError, r"direction of shape \(\)"),
        (lambda: jvp(np.sin, (X,), ()), ValueError, "a tuple of 1 is needed"),
        (lambda: jvp(np.sin, X, X), TypeError, r"jvp\(f, \(x,\), \(v,\)\)"),
        (lambda: jvp(np.sin, (X,), (1j * X,)), TypeError, "complex direction for a real argument"),
        (lambda: hvp(np.sum, X, 1j * X), TypeError, "complex direction for a real argument"),
    ],
)
def test_directions_that_do_not_fit_are_refused(attempt, error, message):
    with pytest.raises(error, match=message):
        attempt()
