"""Recurrent layers: one moment by hand, sequences, states, gradients through time."""

import math

import numpy as np
import pytest
from minigrad import dropgrad, gradient, params
from minigrad.nn import GRU, LSTM, RNN, Chain, Dense, relu

KINDS = [RNN, LSTM, GRU]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def s(x):
    return 1 / (1 + math.exp(-x))


def filled(layer, Wi, Wh, b):
    """A layer of one feature with the given weights."""
    layer.Wi[...], layer.Wh[...], layer.b[...] = [Wi], [Wh], b
    return layer


def sequence(*shape):
    return np.random.default_rng(0).normal(size=shape)


# ---------------------------------------------------------------------------------------- by hand
def test_two_moments_of_an_rnn():
    layer = filled(RNN(1, 1), [0.5], [2.0], [0.1])
    first = math.tanh(0.5 * 3 + 0.1)
    second = math.tanh(0.5 * -1 + 2 * first + 0.1)

    y = layer(np.array([[[3.0], [-1.0]]]))

    np.testing.assert_allclose(y.data[0, :, 0], [first, second], rtol=1e-14)


def test_the_activation_of_an_rnn_can_be_chosen():
    layer = filled(RNN(1, 1, relu), [1.0], [1.0], [0.0])

    assert layer(np.array([[[3.0], [-1.0], [-5.0]]])).data[0, :, 0].tolist() == [3, 2, 0]


def test_two_moments_of_an_lstm():
    layer = filled(LSTM(1, 1), [0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8], [0.01, 1.0, 0.02, 0.03])
    h = c = 0.0
    expected = []
    for x in (3.0, -1.0):
        i = s(0.1 * x + 0.5 * h + 0.01)
        f = s(0.2 * x + 0.6 * h + 1.0)
        g = math.tanh(0.3 * x + 0.7 * h + 0.02)
        o = s(0.4 * x + 0.8 * h + 0.03)
        c = f * c + i * g
        h = o * math.tanh(c)
        expected.append(h)

    y, (last_h, last_c) = layer.unroll(np.array([[[3.0], [-1.0]]]))

    np.testing.assert_allclose(y.data[0, :, 0], expected, rtol=1e-14)
    np.testing.assert_allclose([last_h.data[0, 0], last_c.data[0, 0]], [h, c], rtol=1e-14)


def test_two_moments_of_a_gru():
    layer = filled(GRU(1, 1), [0.1, 0.2, 0.3], [0.5, 0.6, 0.7], [0.01, 0.02, 0.03])
    h = 0.0
    expected = []
    for x in (3.0, -1.0):
        r = s(0.1 * x + 0.5 * h + 0.01)
        z = s(0.2 * x + 0.6 * h + 0.02)
        n = math.tanh(0.3 * x + r * 0.7 * h + 0.03)
        h = (1 - z) * n + z * h
        expected.append(h)

    y = layer(np.array([[[3.0], [-1.0]]]))

    np.testing.assert_allclose(y.data[0, :, 0], expected, rtol=1e-13)


def test_the_forget_gate_of_an_lstm_starts_open():
    assert LSTM(2, 3).b.data.tolist() == [0] * 3 + [1] * 3 + [0] * 6


# ------------------------------------------------------------------------------------ whole sequences
@every_kind
def test_a_sequence_in_a_sequence_out(kind):
    assert kind(3, 2)(np.ones((5, 7, 3))).shape == (5, 7, 2)


@every_kind
def test_sequences_of_a_batch_do_not_meet(kind):
    layer, x = kind(3, 2), sequence(4, 6, 3)

    np.testing.assert_allclose(layer(x).data[2], layer(x[2:3]).data[0], rtol=1e-12, atol=1e-15)


@every_kind
def test_the_future_does_not_reach_the_past(kind):
    layer, x = kind(3, 2), sequence(1, 6, 3)
    other = x.copy()
    other[:, 4:] += 1

    np.testing.assert_array_equal(layer(x).data[:, :4], layer(other).data[:, :4])
    assert (layer(x).data[:, 4:] != layer(other).data[:, 4:]).all()


@every_kind
def test_a_sequence_can_be_read_in_pieces(kind):
    layer, x = kind(3, 2), sequence(2, 6, 3)
    whole, last = layer.unroll(x)

    first, state = layer.unroll(x[:, :4])
    second, end = layer.unroll(x[:, 4:], state)

    in_pieces = np.concatenate([first.data, second.data], 1)
    np.testing.assert_allclose(in_pieces, whole.data, rtol=1e-12, atol=1e-15)
    for a, b in zip(*([(end,), (last,)] if kind is not LSTM else [end, last])):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-12, atol=1e-15)


@every_kind
def test_gradients_flow_through_time(kind):
    layer = kind(3, 2)

    (g,) = gradient(lambda x: np.sum(layer(x)[:, -1]), sequence(1, 5, 3))

    assert (g[:, 0] != 0).all()


@every_kind
def test_a_dropped_state_stops_the_gradient_between_pieces(kind):
    layer, x = kind(3, 2), sequence(1, 6, 3)

    def loss(x):
        _, state = layer.unroll(x[:, :3])
        return np.sum(layer.unroll(x[:, 3:], dropgrad(state))[0])

    (g,) = gradient(loss, x)

    assert (g[:, :3] == 0).all() and (g[:, 3:] != 0).any()


def test_layers_can_be_stacked():
    model = Chain(LSTM(3, 4), GRU(4, 5), Dense(5, 2))

    grads = gradient(lambda: np.sum(model(sequence(2, 4, 3))), params(model))

    assert model(sequence(2, 4, 3)).shape == (2, 4, 2)
    assert all(g is not None for g in grads)


# ----------------------------------------------------------------------------------------- refusals
@pytest.mark.parametrize("shape", [(5, 3), (5, 0, 3), (3,)])
@every_kind
def test_what_is_no_batch_of_sequences_is_refused(kind, shape):
    with pytest.raises(ValueError, match=rf"{kind.__name__} takes .*\(batch, time, 3\), time at least 1"):
        kind(3, 2)(np.ones(shape))


@every_kind
def test_other_features_are_refused(kind):
    with pytest.raises(ValueError, match=r"arrays of shape \(\.\.\., 3\)"):
        kind(3, 2)(np.ones((5, 7, 2)))
