"""Initialisers: the spread that each formula asks for, randomness that is passed."""

import math

import numpy as np
import pytest
from minigrad import Tensor, seed
from minigrad.nn import glorot_normal, glorot_uniform, kaiming_normal, kaiming_uniform

ALL = [glorot_normal, glorot_uniform, kaiming_normal, kaiming_uniform]
each = pytest.mark.parametrize("init", ALL, ids=lambda f: f.__name__)


@pytest.mark.parametrize("init, variance", [
    (glorot_normal, 2 / (200 + 300)),
    (glorot_uniform, 2 / (200 + 300)),
    (kaiming_normal, 2 / 200),
    (kaiming_uniform, 2 / 200),
])  # fmt: skip
def test_the_variance_follows_from_inputs_and_outputs(init, variance):
    W = init(200, 300, rng=np.random.default_rng(0)).data

    # 60,000 draws: the error of a variance is about sqrt(2 / 60000) = 0.6 %, that of the mean 0.4 %
    assert W.var() == pytest.approx(variance, rel=0.03)
    assert abs(W.mean()) < 0.02 * math.sqrt(variance)


@pytest.mark.parametrize("init, bound", [
    (glorot_uniform, math.sqrt(6 / 500)), (kaiming_uniform, math.sqrt(6 / 200)),
])  # fmt: skip
def test_uniform_numbers_fill_their_bounds(init, bound):
    W = init(200, 300, rng=np.random.default_rng(0)).data

    assert -bound <= W.min() < -0.99 * bound
    assert 0.99 * bound < W.max() <= bound


def test_a_window_counts_as_inputs_and_outputs():
    W = glorot_uniform(3, 3, 10, 20, rng=np.random.default_rng(0)).data

    assert W.max() == pytest.approx(math.sqrt(6 / (9 * 30)), rel=0.02)


@each
def test_gain_scales_everything(init):
    one = init(4, 5, gain=1.0, rng=np.random.default_rng(0)).data
    two = init(4, 5, gain=2.0, rng=np.random.default_rng(0)).data

    np.testing.assert_allclose(two, 2 * one, rtol=1e-15)


@each
def test_the_result_is_a_tensor_of_the_dtype_asked_for(init):
    assert type(init(2, 3)) is Tensor
    assert init(2, 3).dtype == float
    assert init(2, 3, dtype=np.float32).dtype == np.float32


@each
def test_seed_decides_where_no_generator_is_given(init):
    seed(1)
    first = init(3, 3).data
    seed(1)

    np.testing.assert_array_equal(init(3, 3).data, first)


@each
def test_vectors_and_empty_shapes_are_taken(init):
    assert init(5).shape == (5,)
    assert init(0, 5).shape == (0, 5)
