"""Layers: what they compute, what they show, both doors to their gradients, what they refuse."""

import copy
import pickle

import numpy as np
import pytest
from minigrad import Tensor, gradient, params, seed
from minigrad.nn import (
    GRU,
    LSTM,
    RNN,
    Chain,
    Conv,
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
    MaxPool,
    flatten,
    glorot_normal,
    identity,
    normalise,
    relu,
    sigmoid,
    softmax,
    testmode_,
    trainmode_,
)

MODELS = {  # one of each kind, and what goes in
    "Dense": (lambda: Dense(3, 2, np.tanh), (4, 3)),
    "Dense without bias": (lambda: Dense(3, 2, bias=False), (4, 3)),
    "LayerNorm": (lambda: LayerNorm(3), (4, 3)),
    "Dropout": (lambda: Chain(Dense(3, 2), Dropout(0.5, True, rng=np.random.default_rng(0))), (4, 3)),
    "Conv": (lambda: Conv((2, 2), 1, 3, sigmoid, stride=2, pad=1), (2, 4, 5, 1)),
    "MaxPool": (lambda: Chain(Conv((2,), 1, 3), MaxPool((2,), stride=1)), (2, 6, 1)),
    "RNN": (lambda: RNN(3, 2), (2, 4, 3)),
    "LSTM": (lambda: LSTM(3, 2), (2, 4, 3)),
    "GRU": (lambda: GRU(3, 2), (2, 4, 3)),
    "Chain": (lambda: Chain(flatten, Dense(6, 4, relu), Chain(Dense(4, 2)), softmax), (5, 2, 3)),
}
every_model = pytest.mark.parametrize("make, shape", MODELS.values(), ids=MODELS)


def made(make, shape):
    """A model that is the same each time, and an input."""
    seed(0)
    return make(), np.random.default_rng(1).normal(size=shape)


# --------------------------------------------------------------------------- what holds for every layer
@every_model
def test_the_gradient_agrees_with_differences(make, shape):
    model, x = made(make, shape)
    fresh = copy.deepcopy(model)  # Dropout draws the same numbers again

    def loss():
        return np.sum(np.sin(rewound(model, fresh)(x)))

    grads = gradient(loss, params(model))

    for W, g in grads.pairs():
        direction = np.random.default_rng(2).normal(size=W.shape)
        h = 1e-6
        W.data[...] += h * direction
        up = float(loss())
        W.data[...] -= 2 * h * direction
        down = float(loss())
        W.data[...] += h * direction
        assert np.sum(g.data * direction) == pytest.approx((up - down) / (2 * h), rel=1e-6, abs=1e-8)


def rewound(model, fresh):
    """Return the model with its random generators set back to the beginning."""
    if isinstance(model, Chain):
        for one, other in zip(model, fresh):
            if isinstance(one, Dropout):
                one.rng = copy.deepcopy(other.rng)
    return model


@every_model
def test_the_model_itself_can_be_differentiated(make, shape):
    model, x = made(make, shape)
    implicit = gradient(lambda: np.sum(np.sin(model(x))), params(model))
    model, x = made(make, shape)

    (explicit,) = gradient(lambda m: np.sum(np.sin(m(x))), model)

    assert type(explicit) is type(model)
    for g, expected in zip(params(explicit), implicit):
        np.testing.assert_array_equal(g.data, expected.data)


@every_model
def test_float32_stays_float32(make, shape):
    model, x = made(make, shape)
    for W in params(model):
        W.data = W.data.astype(np.float32)

    y = model(x.astype(np.float32))
    (explicit,) = gradient(lambda m: np.sum(m(x.astype(np.float32))), model)

    assert y.dtype == np.float32
    assert all(g.dtype == np.float32 for g in params(explicit))


@every_model
def test_copies_and_pickles_are_models_of_their_own(make, shape):
    model, x = made(make, shape)
    testmode_(model)
    y = model(x).data

    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other(x).data, y)
        assert len(params(other).intersect(params(model))) == 0


@every_model
def test_the_same_seed_makes_the_same_model(make, shape):
    one, two = (params(made(make, shape)[0]) for _ in range(2))

    assert all((a.data == b.data).all() for a, b in zip(one, two))


@pytest.mark.parametrize("make", [
    lambda rng: Dense(3, 2, rng=rng), lambda rng: Embedding(3, 2, rng=rng),
    lambda rng: Conv((2,), 3, 2, rng=rng),
    lambda rng: RNN(3, 2, rng=rng), lambda rng: LSTM(3, 2, rng=rng), lambda rng: GRU(3, 2, rng=rng),
])  # fmt: skip
def test_a_generator_of_ones_own_is_used(make):
    first, again, other = (make(np.random.default_rng(n)) for n in (1, 1, 2))

    assert (params(first)[0].data == params(again)[0].data).all()
    assert (params(first)[0].data != params(other)[0].data).any()


# ------------------------------------------------------------------------------------------- Dense
def test_dense_by_hand():
    layer = Dense(2, 2, relu)
    layer.W[...] = [[1, -1], [2, 0]]
    layer.b[...] = [0.5, 0.5]

    np.testing.assert_array_equal(layer(np.array([[1.0, 1.0], [0.0, 2.0]])), [[3.5, 0], [4.5, 0.5]])


def test_dense_takes_any_number_of_axes_before_the_features():
    layer = Dense(3, 2)

    assert layer(np.ones(3)).shape == (2,)
    assert layer(np.ones((4, 5, 3))).shape == (4, 5, 2)


def test_without_bias_there_is_no_b():
    layer = Dense(3, 2, bias=False)

    assert layer.b is None
    assert len(params(layer)) == 1


def test_the_initialiser_and_the_dtype_can_be_chosen():
    layer = Dense(3, 2, init=glorot_normal, dtype=np.float32)

    assert layer.W.dtype == layer.b.dtype == np.float32


@pytest.mark.parametrize("x", [np.ones((4, 2)), np.ones(()), np.ones((3, 4)), [1.0, 2.0]])
def test_dense_refuses_other_features(x):
    with pytest.raises(ValueError, match=r"Dense takes arrays of shape \(\.\.\., 3\), batch first"):
        Dense(3, 2)(x)


# ------------------------------------------------------------------------------------------- Chain
def test_a_chain_applies_its_layers_in_order():
    assert Chain(lambda x: x + 1, lambda x: 10 * x)(2) == 30
    assert Chain()(2) == 2


def test_a_chain_is_a_sequence_of_layers():
    first, second, third = layers = Dense(2, 3), relu, Dense(3, 1)
    chain = Chain(*layers)

    assert len(chain) == 3
    assert list(chain) == [first, second, third]
    assert chain[0] is first and chain[-1] is third


def test_a_slice_is_a_chain_of_the_same_layers():
    chain = Chain(Dense(2, 3), relu, Dense(3, 1))

    assert isinstance(chain[1:], Chain)
    assert chain[1:][1] is chain[2]
    assert params(chain[:2]).issetequal(params(chain[0]))


def test_a_layer_that_stands_in_a_chain_twice_is_one_set_of_parameters():
    layer = Dense(2, 2)

    assert len(params(Chain(layer, relu, layer))) == 2


def test_what_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match="argument 2 is a str, which cannot be called"):
        Chain(relu, "relu")


# ----------------------------------------------------------------------------------------- Dropout
def test_dropout_wants_to_be_told_whether_it_is_training():
    with pytest.raises(ValueError, match=r"trainmode_\(model\) before training"):
        Dropout(0.5)(np.ones(3))


def test_in_test_mode_nothing_is_dropped():
    x = np.ones(3)

    assert Dropout(0.9, training=False)(x) is x


def test_in_train_mode_a_part_is_0_and_the_rest_scaled_so_that_the_mean_stays():
    x = np.ones(100_000)

    y = Dropout(0.2, training=True, rng=np.random.default_rng(0))(x)

    assert set(np.unique(y)) == {0, 1 / 0.8}
    assert np.mean(y == 0) == pytest.approx(0.2, abs=0.005)  # four times the deviation, sqrt(0.16 / 1e5)


def test_every_call_drops_others():
    layer = Dropout(0.5, training=True, rng=np.random.default_rng(0))

    assert (layer(np.ones(100)) != layer(np.ones(100))).any()


def test_the_gradient_passes_where_nothing_was_dropped():
    layer = Dropout(0.5, training=True, rng=np.random.default_rng(0))
    kept = Dropout(0.5, training=True, rng=np.random.default_rng(0))(np.ones(20))

    (g,) = gradient(lambda x: np.sum(layer(x)), np.ones(20))

    np.testing.assert_array_equal(g, kept)


def test_modes_reach_every_dropout_of_a_model():
    model = {"a": Chain(Chain(Dropout(0.1)), relu), "b": [Dropout(0.2)]}

    assert trainmode_(model) is model
    assert model["a"][0][0].training and model["b"][0].training
    testmode_(model)
    assert model["a"][0][0].training is False and model["b"][0].training is False


@pytest.mark.parametrize("p", [1, -0.1, 1.5, np.nan])
def test_a_part_outside_of_0_to_1_is_refused(p):
    with pytest.raises(ValueError, match="Dropout: p is the part that is dropped"):
        Dropout(p)


# --------------------------------------------------------------------------- LayerNorm and Embedding
def test_layernorm_brings_every_sample_to_mean_0_and_deviation_1():
    y = LayerNorm(4, epsilon=0.0)(np.array([[1.0, 2, 3, 4], [10, 20, 30, 40]])).data

    np.testing.assert_allclose(y.mean(-1), 0, atol=1e-15)
    np.testing.assert_allclose(y.std(-1), 1, rtol=1e-14)


def test_layernorm_scales_and_shifts():
    layer = LayerNorm(2, epsilon=0.0)
    layer.scale[...], layer.shift[...] = [2, 3], [10, 20]

    np.testing.assert_allclose(layer(np.array([1.0, 3.0])), [8, 23])


def test_epsilon_is_added_to_the_deviation():
    np.testing.assert_allclose(normalise(np.array([1.0, 3.0]), epsilon=1.0), [-0.5, 0.5])


def test_equal_numbers_are_normalised_to_0_and_have_gradient_0():
    layer = LayerNorm(3)

    (g,) = gradient(lambda x: np.sum(layer(x) ** 2), np.full(3, 7.0))

    np.testing.assert_array_equal(layer(np.full(3, 7.0)), 0)
    np.testing.assert_array_equal(g, 0)


def test_an_embedding_looks_rows_up():
    table = Embedding(3, 2)
    table.W[...] = [[0, 1], [10, 11], [20, 21]]

    assert table([2, 0]).data.tolist() == [[20, 21], [0, 1]]
    assert table(np.zeros((4, 5), int)).shape == (4, 5, 2)


def test_an_item_that_occurs_twice_gets_both_gradients():
    table = Embedding(3, 2)

    grads = gradient(lambda: np.sum(table([1, 1, 2])), params(table))

    assert grads[table.W].data.tolist() == [[0, 0], [2, 2], [1, 1]]


@pytest.mark.parametrize("items", [[3], [-1], [0, 5]])
def test_items_out_of_range_are_refused(items):
    with pytest.raises(IndexError, match="the items go from 0 to 2; got"):
        Embedding(3, 2)(items)


def test_items_that_are_no_integers_are_refused():
    with pytest.raises(TypeError, match="the items are integers from 0 to 2; got float64"):
        Embedding(3, 2)([0.0])


def test_flatten_keeps_the_batch():
    x = np.arange(24.0).reshape(2, 3, 4)

    assert flatten(x).tolist() == [list(range(12)), list(range(12, 24))]
    assert flatten(np.ones(2)).shape == (2, 1)
    assert flatten(np.ones((0, 3, 4))).shape == (0, 12)


# ------------------------------------------------------------------------------------------- repr
@pytest.mark.parametrize("layer, shown", [
    (Dense(2, 3), "Dense(2, 3)  # 9 parameters"),
    (Dense(2, 3, relu), "Dense(2, 3, relu)  # 9 parameters"),
    (Dense(2, 3, np.tanh, bias=False), "Dense(2, 3, tanh, bias=False)  # 6 parameters"),
    (Dense(1, 1, bias=False), "Dense(1, 1, bias=False)  # 1 parameter"),
    (Dense(1000, 1000), "Dense(1000, 1000)  # 1,001,000 parameters"),
    (Dropout(0.25), "Dropout(0.25)"),
    (LayerNorm(7), "LayerNorm(7)  # 14 parameters"),
    (Embedding(26, 4), "Embedding(26, 4)  # 104 parameters"),
    (Conv((3, 3), 2, 4, relu, stride=2, pad="same", bias=False),
     "Conv((3, 3), 2, 4, relu, stride=2, pad='same', bias=False)  # 72 parameters"),
    (MaxPool((2, 2)), "MaxPool((2, 2))"),
    (MaxPool((2,), stride=1), "MaxPool((2,), stride=1)"),
    (RNN(2, 3), "RNN(2, 3)  # 18 parameters"),
    (RNN(2, 3, relu), "RNN(2, 3, relu)  # 18 parameters"),
    (LSTM(2, 3), "LSTM(2, 3)  # 72 parameters"),
    (GRU(2, 3), "GRU(2, 3)  # 54 parameters"),
], ids=str)  # fmt: skip
def test_a_layer_shows_the_call_that_makes_it_and_its_parameters(layer, shown):
    assert repr(layer) == shown


def test_what_a_chain_shows_is_python():
    chain = Chain(Dense(2, 3, relu), Chain(Dropout(0.5), np.tanh), identity)

    assert repr(chain).splitlines() == [
        "Chain(",
        "    Dense(2, 3, relu),  # 9 parameters",
        "    Chain(",
        "        Dropout(0.5),",
        "        tanh,",
        "    ),",
        "    identity,",
        ")                       # 9 parameters",
    ]
    assert repr(eval(repr(chain), {**globals(), "tanh": np.tanh})) == repr(chain)


def test_a_gradient_of_a_model_can_be_shown():
    (g,) = gradient(lambda m: np.sum(m(np.ones((1, 2)))), Chain(Dense(2, 3, relu), Dropout(0.5, False)))

    assert "9 parameters" in repr(g)


def test_a_model_is_found_by_params_in_the_order_of_its_layers():
    first, second = Dense(2, 3), Dense(3, 1)

    assert list(params(Chain(first, second))) == [first.W, first.b, second.W, second.b]
    assert all(type(W) is Tensor for W in params(Chain(first, second)))
