"""The bridge to SciPy: losses of parameters as functions of one flat vector."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.optimize import check_grad, minimize, rosen, rosen_der, rosen_hess_prod

from minigrad import Tensor, copy_, params
from minigrad.bridge import as_scipy


def rosenbrock():
    """SciPy's own test function of five variables, spread over a scalar, a vector and a matrix."""
    a, b, c = Tensor(1.3), Tensor([0.7, 0.8]), Tensor([[1.9, 1.2]])

    def f():
        x = np.concatenate([np.reshape(a, 1), b, np.reshape(c, 2)])
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    return f, params(a, b, c)


def test_value_gradient_and_hessian_product_are_those_of_the_flat_function():
    x, p = np.array([1.2, -0.7, 0.3, 2.0, 0.1]), np.array([1.0, 2.0, -1.0, 0.5, 3.0])

    fun, jac, hessp = as_scipy(*rosenbrock())

    assert fun(x) == pytest.approx(rosen(x), rel=1e-12)
    assert jac(x) == pytest.approx(rosen_der(x), rel=1e-12)
    assert hessp(x, p) == pytest.approx(rosen_hess_prod(x, p), rel=1e-12)


def test_the_start_is_where_the_parameters_are_row_by_row():
    assert as_scipy(*rosenbrock()).x0 == pytest.approx([1.3, 0.7, 0.8, 1.9, 1.2], abs=0)


@pytest.mark.parametrize("method", ["L-BFGS-B", "BFGS", "CG", "Newton-CG", "trust-ncg", "trust-krylov"])
def test_scipys_methods_find_the_minimum(method):
    f, ps = rosenbrock()
    problem = as_scipy(f, ps)
    fun, jac, hessp = problem
    second = {"hessp": hessp} if method in ("Newton-CG", "trust-ncg", "trust-krylov") else {}

    result = minimize(fun, problem.x0, jac=jac, method=method, **second)

    assert result.x == pytest.approx(np.ones(5), abs=1e-3)  # their own tolerances, in a valley that is flat


def test_the_parameters_stay_where_they_are_until_copied():
    f, ps = rosenbrock()
    fun, jac, hessp = as_scipy(f, ps)
    before = copy_(np.zeros(5), ps)

    fun(np.ones(5)), jac(np.ones(5)), hessp(np.ones(5), np.ones(5))

    assert np.array_equal(copy_(np.zeros(5), ps), before)


def test_the_parameters_are_put_back_when_the_loss_fails():
    W = Tensor([1.0, 2.0])

    def f():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        as_scipy(f, params(W)).fun(np.zeros(2))

    assert np.array_equal(W.data, [1.0, 2.0])


def test_a_parameter_that_the_loss_does_not_use_has_gradient_zero():
    W, V = Tensor([1.0]), Tensor([2.0])
    fun, jac, hessp = as_scipy(lambda: np.sum(W**2), params(W, V))

    assert jac(np.array([3.0, 4.0])) == pytest.approx([6.0, 0.0])
    assert hessp(np.array([3.0, 4.0]), np.ones(2)) == pytest.approx([2.0, 0.0])


def test_float32_parameters_meet_scipy_in_float64():
    W = Tensor(np.ones(3, np.float32))
    fun, jac, _ = as_scipy(lambda: np.sum(W**2), params(W))

    assert isinstance(fun(np.ones(3)), float) and jac(np.ones(3)).dtype == np.float64
    assert W.dtype == np.float32


def test_a_model_may_be_given_for_its_parameters():
    model = {"W": Tensor([1.0, 2.0]), "name": "model"}

    assert check_grad(*as_scipy(lambda: np.sum(np.sin(model["W"])), model)[:2], np.array([0.3, 0.4])) < 1e-6


@pytest.mark.parametrize(
    "error, message, f, ps",
    [
        (TypeError, "as_scipy: the first argument must be a function", 1.0, [Tensor([1.0])]),
        (ValueError, "there are no parameters", lambda: 1.0, []),
        (TypeError, "parameter 0 is complex", lambda: 1.0, [Tensor([1j])]),
        (TypeError, "Did you forget np.sum", lambda: np.ones(2), [Tensor([1.0])]),
    ],
)
def test_what_scipy_cannot_use_is_refused(error, message, f, ps):
    with pytest.raises(error, match=message):
        as_scipy(f, params(*ps)).fun(np.ones(1))


def test_a_vector_of_another_length_is_refused_and_the_parameters_stay():
    W = Tensor([1.0, 2.0])

    with pytest.raises(ValueError, match="3 numbers.* 2"):
        as_scipy(lambda: np.sum(W), params(W)).fun(np.ones(3))

    assert np.array_equal(W.data, [1.0, 2.0])


def test_the_bridge_does_not_import_scipy():
    program = "import sys, minigrad.bridge; print('scipy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"
