"""Reparameterised sampling: what is drawn, and what flows through location and scale."""

import minigrad
import numpy as np
import pytest
from minigrad import Tensor, gradient, hessian
from minigrad.sampling import gumbel, normal, uniform

SAMPLERS = [normal, gumbel, uniform]
LOC, SCALE = np.array([[1.0], [-2.0]]), np.array([0.5, 1.0, 3.0])


@pytest.mark.parametrize("sampler", [normal, gumbel])
def test_the_gradient_is_one_for_the_location_and_the_noise_for_the_scale(sampler):
    weights = np.arange(6.0).reshape(2, 3)
    noise = sampler(np.zeros((2, 3)), 1.0, rng=7).data

    by_loc, by_scale = gradient(lambda m, s: np.sum(weights * sampler(m, s, rng=7)), LOC, SCALE)

    np.testing.assert_allclose(by_loc, [[3.0], [12.0]])
    np.testing.assert_allclose(by_scale, np.sum(weights * noise, axis=0))


def test_the_gradient_of_uniform_divides_itself_between_the_ends():
    e = np.random.default_rng(7).random(4)

    low, high = gradient(lambda a, b: np.sum(uniform(a, b, shape=4, rng=7)), -1.0, 3.0)

    np.testing.assert_allclose([low, high], [np.sum(1 - e), np.sum(e)])


@pytest.mark.parametrize(
    "sampler, args, mean, variance",
    [
        (normal, (1.0, 2.0), 1.0, 4.0),
        (uniform, (-1.0, 3.0), 1.0, 16 / 12),
        (gumbel, (1.0, 2.0), 1.0 + 2 * 0.5772156649, (2 * np.pi) ** 2 / 6),
    ],
)
def test_mean_and_variance_are_those_of_the_distribution(sampler, args, mean, variance):
    x = sampler(*args, shape=100_000, rng=0).data

    # the standard error of the mean is sqrt(variance / n); that of the variance at most sqrt(4.4 / n) of it
    assert abs(x.mean() - mean) < 4 * np.sqrt(variance / x.size)
    assert abs(x.var() / variance - 1) < 4 * np.sqrt(4.4 / x.size)


def test_the_expectation_of_a_square_has_the_gradient_of_its_closed_form():
    """d E[(m + s e)^2] = (2 m, 2 s)."""
    by_loc, by_scale = gradient(lambda m, s: np.mean(normal(m, s, shape=200_000, rng=0) ** 2), 1.5, 0.5)

    assert abs(by_loc - 3.0) < 0.02 and abs(by_scale - 1.0) < 0.04  # eight standard errors


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_location_and_scale_are_broadcast(sampler):
    assert sampler(np.zeros((2, 1)), np.ones(3)).shape == (2, 3)
    assert sampler(0.0, 1.0).shape == ()
    assert sampler(0.0, np.ones(3), shape=(2, 3)).shape == (2, 3)
    assert sampler(0, 1, shape=4).shape == (4,)
    assert sampler([0.0, 1.0], [1.0, 2.0]).shape == (2,)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_dtype_is_that_of_the_parameters(sampler):
    assert sampler(np.zeros(2, np.float32), 1.0).dtype == np.float32
    assert sampler(Tensor([0.0], dtype=np.float32), Tensor([1.0], dtype=np.float32)).dtype == np.float32
    assert sampler(0, 1).dtype == np.float64


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_noise_comes_from_the_generator_that_seed_restarts(sampler):
    minigrad.seed(3)
    first = sampler(shape=5).tolist()
    second = sampler(shape=5).tolist()
    minigrad.seed(3)

    assert sampler(shape=5).tolist() == first != second
    assert sampler(shape=5, rng=np.random.default_rng(1)).tolist() == sampler(shape=5, rng=1).tolist()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_sample_is_a_tensor_which_an_outer_gradient_records(sampler):
    assert type(sampler(0.0, 1.0)) is Tensor
    assert hessian(lambda m: np.sum(sampler(m, 1.0 + m, rng=0) ** 2), 1.0) > 0


def test_gumbel_noise_makes_the_argmax_a_sample_of_softmax():
    logits = np.log([0.2, 0.5, 0.3])

    drawn = np.argmax(gumbel(logits, 1.0, shape=(20_000, 3), rng=0), axis=1)

    found = np.bincount(drawn) / 20_000
    np.testing.assert_allclose(found, [0.2, 0.5, 0.3], atol=0.015)  # four standard errors


def test_a_scale_of_zero_gives_the_location():
    assert normal([1.0, 2.0], 0.0).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: normal(0.0, -1.0), "normal: scale must be >= 0; got -1.0"),
        (lambda: normal(0.0, np.nan), "scale must be >= 0; got nan"),
        (lambda: gumbel(0.0, np.array([1.0, -1.0])), "gumbel: scale must be >= 0; got an array with"),
        (lambda: uniform(2.0, 1.0), "uniform: low must be <= high"),
        (lambda: gradient(lambda s: normal(0.0, s), -1.0), "scale must be >= 0"),
        (lambda: normal(np.zeros(2), 1.0, shape=3), "mismatch"),
        (lambda: normal(np.zeros((2, 1)), 1.0, shape=2), r"of shape \(2,\) cannot .* \(2, 1\)"),
        (lambda: normal(shape=-1), "normal: the length of an axis must be an integer >= 0; got -1"),
        (lambda: normal(shape=1.5), "must be an integer >= 0; got 1.5"),
    ],
)
def test_bad_parameters_are_refused_with_the_reason(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("parameter", [1j, np.array([1j]), "text", None, np.array([True])])
def test_what_is_no_real_number_is_refused(sampler, parameter):
    with pytest.raises(TypeError, match=f"{sampler.__name__}: the parameters are real numbers"):
        sampler(parameter, 1.0)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_lists_may_hold_recorded_tensors(sampler):
    (g,) = gradient(lambda m: sampler([m, 0.0], 1.0 + np.ones(2), rng=0)[0], 0.5)

    assert g != 0
