"""gradcheck: it passes what is right, and catches and names what is wrong."""

import numpy as np
import pytest

from minigrad import Tensor, adjoint, dropgrad, gradcheck, gradient, params

X = np.array([0.3, -1.2, 2.0])


def off_by(factor):
    """Return the sine with a derivative that is wrong by a factor."""
    return adjoint(lambda x: (np.sin(x), lambda g: (g * np.cos(x) * factor,)))


@pytest.mark.parametrize(
    "args",
    [
        (X, 2.0),
        (Tensor(X), np.float64(2)),
        (np.array(0.5), np.ones((2, 2))),
        (X + 1j, 2.0),
        (np.zeros(0), 1.0),
        (X[::-1], np.asfortranarray(np.ones((2, 3)))),
        (X, 2 + 1j),
    ],
)
def test_right_gradients_pass(args):
    assert gradcheck(lambda x, y: np.sum(np.abs(np.sin(x)) ** 2) * np.sum(np.abs(y) ** 2), *args) is True


def test_containers_and_parameters_pass():
    W = Tensor(X)

    assert gradcheck(lambda d, s: np.sum(d["W"] ** 2) * d["b"][0], {"W": X, "b": [2.0]}, "text")
    assert gradcheck(lambda: np.sum(np.sin(W)), params(W)) and W.tolist() == X.tolist()


def test_second_derivatives_are_checked_by_checking_a_gradient():
    assert gradcheck(lambda x: gradient(lambda y: np.sum(np.sin(y) ** 2), x)[0] @ X, X)


@pytest.mark.parametrize("factor", [1.001, 0.999, 2.0, -1.0, 0.0, np.nan])
def test_a_derivative_wrong_by_a_thousandth_is_caught(factor):
    with pytest.raises(AssertionError, match="is wrong"):
        gradcheck(lambda x: np.sum(off_by(factor)(x)), X)


def test_float32_is_checked_more_coarsely():
    x = X.astype(np.float32)

    assert gradcheck(lambda x: np.sum(np.sin(x)), x)
    with pytest.raises(AssertionError):
        gradcheck(lambda x: np.sum(off_by(1.1)(x)), x)


def test_a_missing_dependence_is_caught():
    with pytest.raises(AssertionError, match="gradient 0.0, finite difference 2.0"):
        gradcheck(lambda x: dropgrad(x) * 2, 1.0)


def test_the_message_names_the_argument_and_its_worst_element():
    def loss(x, y):
        only_one = np.array([1.0, 1.5, 1.0])
        return np.sum(x) + np.sum(off_by(only_one)(y))

    with pytest.raises(
        AssertionError, match=r"argument 1 \(shape \(3,\)\).*index \(1,\).*1 of 3 elements differ"
    ):
        gradcheck(loss, X, X)


def test_the_message_names_the_place_in_a_container_and_the_parameter():
    bad = off_by(1.1)
    W, b = Tensor(X), Tensor(1.0)

    with pytest.raises(AssertionError, match=r"argument 1\['layers'\]\[0\]"):
        gradcheck(lambda x, m: x * np.sum(bad(m["layers"][0])), 1.0, {"b": 1.0, "layers": [X]})
    with pytest.raises(AssertionError, match="parameter 1"):
        gradcheck(lambda: np.sum(W) + bad(b), params(W, b))


def test_parameters_are_put_back_even_if_the_function_raises():
    W = Tensor(X)
    calls = []

    def loss():
        calls.append(1)
        if len(calls) > 2:
            raise RuntimeError("enough")
        return np.sum(W**2)

    with pytest.raises(RuntimeError):
        gradcheck(loss, params(W))

    assert W.tolist() == X.tolist()


def test_the_tolerances_and_the_step_can_be_chosen():
    assert gradcheck(lambda x: np.sum(off_by(1.001)(x)), X, rtol=0.01)
    assert gradcheck(lambda x: x**2, 1e8) and gradcheck(lambda x: x**2, 1e-8, step=1e-3)


@pytest.mark.parametrize("args", [(2,), ("text", None), (np.array([1, 2]),), (True,)])
def test_if_there_is_nothing_to_check_that_is_an_error(args):
    with pytest.raises(TypeError, match="nothing to check"):
        gradcheck(lambda *args: 1.0, *args)


def test_a_loss_that_is_no_number_is_refused_as_gradient_refuses_it():
    with pytest.raises(TypeError, match="np.sum or np.mean"):
        gradcheck(lambda x: x * 2, X)
