"""trace: a computation as a value."""

import numpy as np
import pytest

from minigrad import Tensor, gradient, params, trace


@pytest.fixture
def small():
    W, b, x = Tensor([[1.0, -0.5], [0.25, 2.0]]), Tensor([0.1, 0.2]), np.array([1.0, -1.0])

    def loss():
        h = np.tanh(W @ x + b)
        return np.sum(h * h)

    return loss, W, b


def test_the_source_of_a_program_gives_the_loss_and_the_gradients_bit_for_bit(small):
    loss, W, b = small
    names = {}

    exec(trace(loss, params(W, b)).source(), names)

    value, gradients = names["loss_and_gradients"](W.data, b.data)
    grads = gradient(loss, params(W, b))
    assert value == float(loss())
    assert all(np.array_equal(g, grads[p].data) for p, g in zip((W, b), gradients))


def test_an_operation_has_value_gradient_inputs_and_the_users_line(small):
    loss, W, b = small

    t = trace(loss, params(W, b))

    (tanh,) = t.find("np.tanh")
    assert tanh.line.code == "h = np.tanh(W @ x + b)"
    assert np.array_equal(tanh.value, np.tanh(W.data @ [1.0, -1.0] + b.data))
    np.testing.assert_allclose(tanh.gradient.value, 2 * tanh.value, rtol=1e-15)
    assert [op.name for op in tanh.inputs] == [f"v{tanh.index - 1}"]
    assert t[tanh.index] is t[tanh.name] is tanh
