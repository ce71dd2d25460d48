"""Activations: values from their definitions, behaviour far away and at 0; one entry of the tape each."""

import math

import numpy as np
import pytest
from minigrad import gradient, nn
from minigrad.nn import (elu, gelu, leakyrelu, logsoftmax, logsumexp, relu, sigmoid, softmax, softplus, swish,
                         tanh)
from minigrad.core.tape import Tape
from minigrad.core.tensor import new_tensor

E = math.e
ELEMENTWISE = [relu, leakyrelu, elu, gelu, sigmoid, softplus, swish, tanh]
OF_REALS = [relu, leakyrelu, elu, gelu, sigmoid, softplus, swish, softmax, logsoftmax, logsumexp]
named = pytest.mark.parametrize("f", ELEMENTWISE, ids=lambda f: f.__name__)


@pytest.mark.parametrize("f, x, expected", [
    (relu, [-2, 0, 3], [0, 0, 3]),
    (leakyrelu, [-2, 0, 3], [-0.02, 0, 3]),
    (elu, [-1, 0, 3], [1 / E - 1, 0, 3]),
    (sigmoid, [-1, 0, 1], [1 / (1 + E), 0.5, E / (1 + E)]),
    (softplus, [-1, 0, 1], [math.log(1 + 1 / E), math.log(2), math.log(1 + E)]),
    (swish, [-1, 0, 1], [-1 / (1 + E), 0, E / (1 + E)]),
    (tanh, [0, 1], [0, (E - 1 / E) / (E + 1 / E)]),
])  # fmt: skip
def test_values_follow_the_definition(f, x, expected):
    np.testing.assert_allclose(f(np.array(x, float)), expected, rtol=1e-14, atol=1e-16)


def test_gelu_is_near_x_times_the_normal_distribution():
    x = np.linspace(-4, 4, 33)
    exact = [t * 0.5 * (1 + math.erf(t / math.sqrt(2))) for t in x]

    np.testing.assert_allclose(gelu(x), exact, atol=5e-4)  # the error of the approximation in the paper


@pytest.mark.parametrize("f, far_left, far_right", [
    (relu, 0, 1000), (leakyrelu, -10, 1000), (elu, -1, 1000), (gelu, 0, 1000), (sigmoid, 0, 1),
    (softplus, 0, 1000), (swish, 0, 1000), (tanh, -1, 1),
])  # fmt: skip
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_overflows_far_away(f, far_left, far_right, dtype):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        y = f(np.array([-1000, 1000], dtype))

    assert y.dtype == dtype
    np.testing.assert_array_equal(y, np.array([far_left, far_right], dtype))


def test_sigmoid_keeps_its_digits_where_it_is_small():
    assert sigmoid(np.array([-100.0])) == pytest.approx(math.exp(-100), rel=1e-13)


def test_the_slope_of_relu_at_0_is_0():
    assert gradient(relu, 0.0) == (0,)


@named
def test_not_a_number_stays_one(f):
    assert np.isnan(f(np.array([np.nan]))).all()


@named
def test_numbers_arrays_and_empty_arrays_are_taken(f):
    assert np.shape(f(0.5)) == ()
    assert f(np.ones((2, 0, 3))).shape == (2, 0, 3)


@pytest.mark.parametrize("f", [*ELEMENTWISE, softmax, logsoftmax, logsumexp], ids=lambda f: f.__name__)
def test_each_is_one_entry_of_the_tape(f):
    tape = Tape()
    entries = tape.entries
    tape.record(f, new_tensor(np.ones(3), tape, tape.add()))

    assert len(entries) == 2  # the leaf and the function


# ------------------------------------------------------------------------------------------ softmax
def test_softmax_by_hand():
    z = np.log([[1.0, 3.0], [2.0, 2.0]])

    np.testing.assert_allclose(softmax(z), [[0.25, 0.75], [0.5, 0.5]], rtol=1e-14)
    np.testing.assert_allclose(softmax(z.T, axis=0), [[0.25, 0.5], [0.75, 0.5]], rtol=1e-14)


def test_the_logarithm_of_softmax_is_exact_where_softmax_is_0():
    np.testing.assert_array_equal(logsoftmax(np.array([0.0, -1000.0])), [0, -1000])


def test_adding_a_number_to_all_scores_changes_nothing():
    z = np.array([0.5, -1.0, 2.0])

    np.testing.assert_allclose(softmax(z + 1e6), softmax(z), rtol=1e-9)  # 1e6 leaves ten digits of z


@pytest.mark.parametrize("x, axis, expected", [
    (np.log([[1.0, 2.0], [3.0, 4.0]]), None, math.log(10)),
    (np.log([[1.0, 2.0], [3.0, 4.0]]), 0, np.log([4, 6])),
    (np.log([[1.0, 2.0], [3.0, 4.0]]), (0, 1), math.log(10)),
    (np.array([1000.0, 1000.0]), None, 1000 + math.log(2)),
    (np.array([-np.inf, 0.0]), None, 0),
    (np.array([-np.inf, -np.inf]), None, -np.inf),
    (np.array([np.inf, 0.0]), None, np.inf),
])  # fmt: skip
def test_logsumexp_by_hand(x, axis, expected):
    np.testing.assert_allclose(logsumexp(x, axis), expected, rtol=1e-14)


def test_logsumexp_can_keep_its_axis():
    assert logsumexp(np.ones((2, 3)), 1, keepdims=True).shape == (2, 1)


def test_identity_returns_what_it_is_given():
    x = np.ones(3)

    assert nn.identity(x) is x


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64])
@pytest.mark.parametrize(
    "f",
    [relu, leakyrelu, elu, gelu, sigmoid, softplus, swish, softmax, logsoftmax, logsumexp],
    ids=lambda f: f.__name__,
)
def test_whole_numbers_give_what_the_same_floating_point_numbers_give(f, dtype):
    """Without a sign 1 - 3 is 254, and exp of an int8 has half precision."""
    x = np.array([0, 1, 30, 12]).astype(dtype)

    np.testing.assert_allclose(f(x), f(x.astype(float)), rtol=1e-14)
    np.testing.assert_allclose(
        gradient(lambda a: np.sum(f(x * a) * f(x)), 1.0), gradient(lambda a: np.sum(f(x * a) * f(x.astype(float))), 1.0)
    )


@pytest.mark.parametrize("function", OF_REALS, ids=lambda f: f.__name__)
def test_complex_numbers_are_refused_by_name(function):
    z = np.array([1 + 2j, 3 - 1j])

    with pytest.raises(TypeError, match=f"{function.__name__} is a function of real numbers"):
        function(z)
    with pytest.raises(TypeError, match=f"{function.__name__} is a function of real numbers"):
        gradient(lambda z: np.sum(np.abs(function(z))), z)
