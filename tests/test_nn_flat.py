"""A model as one flat vector, and back."""

import numpy as np
import pytest
from minigrad import Tensor, gradient, params
from minigrad.nn import LSTM, Chain, Conv, Dense, Dropout, MaxPool, destructure, flatten, relu, testmode_


def model():
    convolutional = Conv((2, 2), 1, 3, relu, pad=1), MaxPool((2, 2))
    return testmode_(Chain(*convolutional, flatten, Dropout(0.1), Dense(12, 2)))


X = np.random.default_rng(0).normal(size=(5, 4, 4, 1))


def test_the_vector_holds_the_parameters_in_order_row_by_row():
    flat, _ = destructure([Tensor([[1.0, 2.0], [3.0, 4.0]]), {"b": Tensor(5.0)}])

    assert flat.data.tolist() == [1, 2, 3, 4, 5]


def test_the_vector_is_a_copy():
    W = Tensor([1.0, 2.0])

    flat, _ = destructure([W])
    flat[0] = 7

    assert W.data.tolist() == [1, 2]


def test_a_restructured_model_computes_the_same():
    m = model()

    flat, restructure = destructure(m)

    np.testing.assert_array_equal(restructure(flat)(X).data, m(X).data)
    assert repr(restructure(flat)) == repr(m)


def test_restructuring_leaves_the_model_alone():
    m = model()
    before = m(X).data.copy()
    flat, restructure = destructure(m)

    other = restructure(0 * flat)

    assert (other(X).data == 0).all()
    np.testing.assert_array_equal(m(X).data, before)


def test_the_gradient_of_the_vector_is_the_gradient_of_the_parameters():
    m = model()
    grads = gradient(lambda: np.sum(np.sin(m(X))), params(m))
    flat, restructure = destructure(m)

    (g,) = gradient(lambda v: np.sum(np.sin(restructure(v)(X))), flat)

    expected = np.concatenate([h.data.ravel() for h in grads])
    np.testing.assert_allclose(g.data, expected, rtol=1e-12, atol=1e-14)


def test_a_plain_vector_will_do():
    flat, restructure = destructure(Dense(2, 3))

    assert params(restructure(np.arange(9.0)))[0].data.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_tied_parameters_are_in_the_vector_once():
    W = Tensor(np.ones((2, 2)))

    flat, restructure = destructure({"encode": W, "decode": W})

    assert flat.shape == (4,)
    assert len(params(restructure(flat))) == 1


def test_recurrent_layers_come_back_too():
    m = LSTM(2, 3)
    flat, restructure = destructure(m)

    assert flat.shape == (72,)
    np.testing.assert_array_equal(restructure(flat)(np.ones((1, 4, 2))).data, m(np.ones((1, 4, 2))).data)


def test_another_length_is_refused():
    _, restructure = destructure(Dense(2, 3))

    with pytest.raises(ValueError, match=r"the model has 9 numbers; got shape \(8,\)"):
        restructure(np.zeros(8))


def test_a_model_without_parameters_is_refused():
    with pytest.raises(TypeError, match="holds no Tensor"):
        destructure(Chain(relu))


def test_a_parameter_in_a_plain_object_is_refused():
    class Model:
        def __init__(self):
            self.W = Tensor([1.0])

    with pytest.raises(TypeError, match="decorate its class with @dataclass"):
        destructure([Model()])
