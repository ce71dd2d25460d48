"""Convolution and pooling, against loops and SciPy."""

import numpy as np
import pytest
from minigrad import gradient, params
from minigrad.nn import Conv, MaxPool, conv, maxpool, relu
from scipy.signal import correlate


def rng():
    return np.random.default_rng(0)


def conv_by_loops(x, W, stride, pad):
    """The sum that defines a convolution of images, element by element."""
    x = np.pad(x, [(0, 0), (pad[0],) * 2, (pad[1],) * 2, (0, 0)])
    n, m = W.shape[:2]
    rows = range(0, x.shape[1] - n + 1, stride[0])
    columns = range(0, x.shape[2] - m + 1, stride[1])
    y = np.zeros((x.shape[0], len(rows), len(columns), W.shape[3]))
    for b, i, j, o in np.ndindex(y.shape):
        window = x[b, rows[i] : rows[i] + n, columns[j] : columns[j] + m]
        y[b, i, j, o] = sum(window[at] * W[(*at, o)] for at in np.ndindex(window.shape))
    return y


@pytest.mark.parametrize("stride, pad", [((1, 1), (0, 0)), ((2, 1), (1, 0)), ((2, 3), (2, 1))])
def test_a_convolution_is_its_definition(stride, pad):
    x, W = rng().normal(size=(2, 5, 6, 2)), rng().normal(size=(3, 2, 2, 3))

    y = conv(x, W, stride=stride, pad=pad)

    np.testing.assert_allclose(y, conv_by_loops(x, W, stride, pad), rtol=1e-12)


@pytest.mark.parametrize("space, window", [((7,), (3,)), ((5, 6), (2, 3)), ((4, 5, 3), (2, 2, 3))])
def test_one_two_and_three_axes_agree_with_scipy(space, window):
    x, W = rng().normal(size=space), rng().normal(size=window)

    y = conv(x[np.newaxis, ..., np.newaxis], W[..., np.newaxis, np.newaxis])

    np.testing.assert_allclose(y[0, ..., 0], correlate(x, W, mode="valid"), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("window", [(1, 1), (2, 2), (3, 3), (4, 5)])
def test_same_padding_keeps_the_size(window):
    assert conv(np.ones((2, 7, 8, 1)), np.ones((*window, 1, 3)), pad="same").shape == (2, 7, 8, 3)


@pytest.mark.parametrize("n, window, stride, pad", [(8, 3, 1, 0), (8, 3, 2, 1), (7, 2, 3, 0), (3, 3, 5, 0)])
def test_positions_follow_the_formula(n, window, stride, pad):
    expected = (n + 2 * pad - window) // stride + 1

    assert conv(np.ones((1, n, 1)), np.ones((window, 1, 1)), stride=stride, pad=pad).shape == (1, expected, 1)


def test_an_empty_batch_is_convolved():
    assert conv(np.ones((0, 4, 4, 1)), np.ones((3, 3, 1, 2))).shape == (0, 2, 2, 2)


def test_the_layer_adds_the_bias_and_applies_the_activation():
    layer = Conv((1, 1), 1, 2, relu)
    layer.W[...] = [[[[1, -1]]]]
    layer.b[...] = [0.5, 0.25]

    assert layer(np.full((1, 1, 1, 1), 2.0)).data.tolist() == [[[[2.5, 0]]]]


def test_dense_is_a_convolution_with_a_window_as_large_as_the_image():
    layer = Conv((4, 4), 2, 3)
    x = rng().normal(size=(5, 4, 4, 2))

    y = layer(x)

    np.testing.assert_allclose(y.data[:, 0, 0], x.reshape(5, -1) @ layer.W.data.reshape(-1, 3), rtol=1e-12)


@pytest.mark.parametrize("x, shown", [
    (np.ones((8, 8, 1)), r"\(8, 8, 1\)"), (np.ones((2, 1, 8, 8)), r"\(2, 1, 8, 8\)"),
])  # fmt: skip
def test_other_shapes_are_refused(x, shown):
    with pytest.raises(ValueError, match=rf"shape \(batch, height, width, 1\); got shape {shown}"):
        Conv((3, 3), 1, 4)(x)


def test_a_window_larger_than_the_image_is_refused():
    with pytest.raises(ValueError, match="window"):
        Conv((5, 5), 1, 1)(np.ones((1, 3, 3, 1)))


def test_fractional_strides_are_refused():
    with pytest.raises(TypeError, match="integer"):
        Conv((2,), 1, 1, stride=1.5)(np.ones((1, 4, 1)))


# ------------------------------------------------------------------------------------------ pooling
def test_the_largest_of_every_window():
    x = np.array([[1, 5, 2, 0], [3, 4, 9, 1], [0, 0, 1, 1], [7, 0, 1, 1]], float).reshape(1, 4, 4, 1)

    assert maxpool(x, (2, 2))[0, :, :, 0].tolist() == [[5, 9], [7, 1]]
    assert maxpool(x, (2, 2), stride=1)[0, :, :, 0].tolist() == [[5, 9, 9], [4, 9, 9], [7, 1, 1]]


def test_what_does_not_fill_a_window_is_left_out():
    assert MaxPool((2, 2))(np.ones((1, 5, 7, 3))).shape == (1, 2, 3, 3)


def test_channels_are_pooled_apart():
    x = np.array([[1.0, 20], [2, 10]]).reshape(1, 2, 2)

    assert maxpool(x, (2,)).tolist() == [[[2, 20]]]


def test_the_gradient_goes_to_the_largest_and_is_shared_in_a_tie():
    (g,) = gradient(lambda x: np.sum(maxpool(x, (2,))), np.array([1.0, 5, 3, 3]).reshape(1, 4, 1))

    assert g[0, :, 0].tolist() == [0, 1, 0.5, 0.5]


def test_an_element_in_two_windows_gets_both_gradients():
    (g,) = gradient(lambda x: np.sum(maxpool(x, (2,), stride=1)), np.array([1.0, 5, 3]).reshape(1, 3, 1))

    assert g[0, :, 0].tolist() == [0, 2, 0]


def test_a_gradient_of_a_gradient_goes_through_convolution_and_pooling():
    layer, x = Conv((2, 2), 1, 2, np.tanh), rng().normal(size=(1, 5, 5, 1))

    def slope(x):
        (g,) = gradient(lambda x: np.sum(maxpool(layer(x), (2, 2)) ** 2), x)
        return np.sum(g * g)

    (found,) = gradient(slope, x)

    direction, h = rng().normal(size=x.shape), 1e-5
    expected = (slope(x + h * direction) - slope(x - h * direction)) / (2 * h)
    assert np.sum(found * direction) == pytest.approx(expected, rel=1e-7)


def test_weights_that_are_tied_get_the_sum_of_their_gradients():
    layer, x = Conv((3,), 1, 1), rng().normal(size=(1, 9, 1))

    twice = gradient(lambda: np.sum(layer(layer(x)) ** 2), params(layer))[layer.W].data

    direction, h = rng().normal(size=layer.W.shape), 1e-6

    def loss(step):
        W = layer.W.data + step * direction
        return np.sum((conv(conv(x, W), W)) ** 2)

    assert np.sum(twice * direction) == pytest.approx((loss(h) - loss(-h)) / (2 * h), rel=1e-6)
