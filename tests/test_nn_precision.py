"""Models in another precision, and what is said of data that are wider than the model."""

import gc
import warnings
from dataclasses import dataclass

import numpy as np
import pytest

from minigrad import Descent, Tensor, gradient, params, train_, update_, withgradient
from minigrad.data import onehot
from minigrad.losses import logitcrossentropy, mse
from minigrad.nn import GRU, LSTM, RNN, Chain, Conv, Dense, Dropout, Embedding, LayerNorm, f32, f64, flatten, relu

X = np.linspace(-1, 1, 12).reshape(4, 3)


def said(f):
    """Return the warnings that ``f()`` gives, every one of them."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        f()
    return found


def quiet(*args, **kwargs):
    return train_(*args, progress="silent", **kwargs)


# ----------------------------------------------------------------------------------- another precision
LAYERS = {
    "Dense": lambda **options: Dense(3, 2, relu, **options),
    "Conv": lambda **options: Conv((3, 3), 1, 2, **options),
    "RNN": lambda **options: RNN(3, 2, **options),
    "LSTM": lambda **options: LSTM(3, 2, **options),
    "GRU": lambda **options: GRU(3, 2, **options),
    "LayerNorm": lambda **options: LayerNorm(3, **options),
    "Embedding": lambda **options: Embedding(5, 2, **options),
}
every_layer = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)


@every_layer
def test_a_layer_in_single_precision_has_the_same_numbers_rounded(make):
    layer = make()

    narrow = f32(layer)

    assert type(narrow) is type(layer) and narrow is not layer
    for p, q in zip(params(layer), params(narrow), strict=True):
        assert q.dtype == np.float32 and q is not p and p.dtype == np.float64
        assert np.array_equal(q.data, p.data.astype(np.float32))


@every_layer
def test_a_layer_in_double_precision_has_the_same_numbers(make):
    layer = make(dtype=np.float32)

    wide = f64(layer)

    for p, q in zip(params(layer), params(wide), strict=True):
        assert q.dtype == np.float64 and np.array_equal(q.data, p.data.astype(np.float64))


def test_a_copy_in_the_same_precision_is_a_copy_too():
    layer = Dense(3, 2)

    twin = f64(layer)
    twin.W[...] = 7

    assert not np.any(layer.W.data == 7)


def test_a_whole_chain_has_a_dtype():
    first = Dense(3, 4, relu)

    chain = Chain(first, Dropout(0.5, False), Chain(LayerNorm(4), flatten), Dense(4, 2), dtype=np.float32)

    assert {p.dtype for p in params(chain)} == {np.dtype(np.float32)}
    assert chain(X.astype(np.float32)).dtype == np.float32 and first.W.dtype == np.float64
    assert {p.dtype for p in params(Chain(Dense(3, 4), Dense(4, 2), dtype="float64"))} == {np.dtype(float)}


@pytest.mark.parametrize("dtype", [int, complex, bool, "U3"])
def test_a_chain_of_another_dtype_is_refused(dtype):
    with pytest.raises(TypeError, match="the dtype of a model is one of real floating-point numbers"):
        Chain(Dense(3, 2), dtype=dtype)


def test_a_weight_that_two_layers_share_stays_shared():
    layer = Dense(3, 3)

    narrow = f32([layer, {"again": layer, "W": layer.W}])

    assert narrow[0] is narrow[1]["again"] and narrow[0].W is narrow[1]["W"]


@dataclass
class Scaled:
    """A layer of one's own that holds arrays of several kinds."""

    W: Tensor
    table: np.ndarray
    items: np.ndarray
    rate: float


class Plain:
    def __init__(self):
        self.inner, self.phase = [Tensor([0.1, 0.2])], np.array([1j])


def test_arrays_that_are_no_parameters_change_too_and_whole_numbers_stay():
    narrow = f32(Scaled(Tensor([0.1]), np.array([0.1]), np.array([3]), 0.1))

    assert narrow.table.dtype == narrow.W.dtype == np.float32
    assert narrow.items.dtype == int and narrow.rate == 0.1


def test_objects_of_any_class_and_complex_numbers_change_too():
    model = Plain()

    narrow = f32(model)

    assert narrow.inner[0].dtype == np.float32 and narrow.phase.dtype == np.complex64
    assert f64(narrow).phase.dtype == np.complex128 and model.inner[0].dtype == np.float64


@pytest.mark.parametrize("model", [Tensor([1.0]), params(Tensor([1.0])), (Tensor([1.0]),), {"W": Tensor([1.0])}])
def test_models_of_every_kind_change(model):
    (p,) = params(f32(model))

    assert p.dtype == np.float32 and type(f32(model)) is type(model)


def test_what_holds_no_array_is_refused():
    with pytest.raises(TypeError, match="holds no Tensor"):
        f32([relu])


def test_single_precision_can_be_tried_with_parameters_in_double():
    W = Tensor([0.1, 0.2])
    x = np.array([1.0, 3.0], np.float32)

    (value, grads) = withgradient(lambda: np.sum(f32({"W": W})["W"] * x), params(W))

    assert value == np.float32(0.1) + np.float32(0.2) * np.float32(3)
    assert grads[W].dtype == np.float64 and grads[W].data.tolist() == [1.0, 3.0]


def test_a_model_trains_as_well_after_it_was_changed():
    model = f32(Chain(Dense(3, 4, relu), Dense(4, 1)))
    x, y = X.astype(np.float32), np.ones((4, 1), np.float32)

    losses = quiet(lambda x, y: mse(model(x), y), params(model), [(x, y)] * 50, Descent(0.1))

    assert losses[-1] < losses[0] / 10


# ------------------------------------------------------------------------------------- wider data
CALLS = {
    "Dense": (lambda: Dense(3, 2, dtype=np.float32), X),
    "Conv": (lambda: Conv((2, 2), 1, 2, dtype=np.float32), np.ones((1, 4, 4, 1))),
    "RNN": (lambda: RNN(3, 2, dtype=np.float32), np.ones((2, 2, 3))),
    "LSTM": (lambda: LSTM(3, 2, dtype=np.float32), np.ones((2, 2, 3))),
    "GRU": (lambda: GRU(3, 2, dtype=np.float32), np.ones((2, 2, 3))),
    "LayerNorm": (lambda: LayerNorm(3, dtype=np.float32), X),
}


@pytest.mark.parametrize("name, make, x", [(name, *call) for name, call in CALLS.items()], ids=CALLS)
def test_a_layer_says_once_that_its_data_are_wider(name, make, x):
    layer = make()

    message = rf"{name}: x is float64 and the layer float32.* x\.astype\(np\.float32\)"
    with pytest.warns(UserWarning, match=message) as found:
        layer(x)

    assert found[0].filename == __file__
    assert said(lambda: layer(x)) == []
    assert len(said(lambda: make()(x))) == 1
    assert said(lambda: make()(x.astype(np.float32))) == said(lambda: f64(make())(x)) == []


@pytest.mark.parametrize("dtype", [np.int64, np.int32])
def test_so_it_does_of_whole_numbers_that_widen_it(dtype):
    layer, x = Dense(3, 2, dtype=np.float32), np.ones((4, 3), dtype)

    with pytest.warns(UserWarning, match=f"Dense: x is {x.dtype} and the layer float32.* is computed in float64"):
        assert layer(x).dtype == np.float64
    assert said(lambda: f64(layer)(x)) == []


def test_of_a_chain_only_the_layer_that_meets_the_data_says_so():
    def make():
        return Chain(Dense(3, 4, relu), LayerNorm(4), Dense(4, 2), dtype=np.float32)

    for x in (X, X.tolist(), Tensor(X)):
        model = make()
        assert len(said(lambda model=model, x=x: gradient(lambda: np.sum(model(x)), params(model)))) == 1
    assert len(said(lambda: make()(X))) == 1


@pytest.mark.parametrize("x", [X.astype(np.float16), X.astype(np.float32), np.ones((4, 3), np.uint8)])
def test_what_is_not_wider_is_not_mentioned(x):
    assert said(lambda: Dense(3, 2, dtype=np.float32)(x)) == []
    assert said(lambda: Dense(3, 2)(x)) == []


def test_training_says_once_that_the_data_are_wider():
    W = Tensor(np.zeros(3, np.float32))

    found = said(lambda: quiet(lambda x, y: mse(x @ W, y), params(W), [(X, np.ones(4))] * 3, Descent(0.1), epochs=2))

    assert len(found) == 1 and found[0].filename == __file__
    assert "train_: the data hold float64 numbers and the parameters are float32" in str(found[0].message)
    assert "dtype=np.float32" in str(found[0].message)


def test_training_with_layers_says_it_once_in_all():
    model = Chain(Dense(3, 4, relu), Dense(4, 2), dtype=np.float32)
    data = [(X, onehot([0, 1, 1, 0], 2))] * 3

    found = said(lambda: quiet(lambda x, y: logitcrossentropy(model(x), y), params(model), data, Descent(0.1)))

    assert len(found) == 1 and "Dense: x is float64" in str(found[0].message)


def test_wide_labels_alone_are_mentioned_and_narrow_ones_are_not():
    def train(y):
        model = Dense(3, 2, dtype=np.float32)
        data = [(X.astype(np.float32), y)]
        return said(lambda: quiet(lambda x, y: logitcrossentropy(model(x), y), params(model), data, Descent(0.1)))

    (warning,) = train(onehot([0, 1, 1, 0], 2))
    assert "data.onehot(labels, classes, dtype=np.float32)" in str(warning.message)
    assert train(onehot([0, 1, 1, 0], 2, dtype=np.float32)) == []


def test_a_layer_that_is_freed_meanwhile_does_not_silence_the_training():
    layers = [Dense(3, 2, dtype=np.float32)]
    said(lambda: layers[0](X))
    W = Tensor(np.zeros(3, np.float32))

    def loss(x, y):
        layers.clear()
        gc.collect()
        return mse(x @ W, y)

    assert len(said(lambda: quiet(loss, params(W), [(X, np.ones(4))], Descent(0.1)))) == 1


def test_numbers_and_models_in_double_precision_are_not_mentioned():
    W, V = Tensor(np.zeros(3, np.float32)), Tensor(np.zeros(3))

    assert said(lambda: quiet(lambda x: np.sum(W) * x, params(W), [1.0, np.float64(2.0)], Descent())) == []
    assert said(lambda: quiet(lambda x: np.sum(x @ V), params(V), [X], Descent())) == []
    assert said(lambda: quiet(lambda x: np.sum(x @ V) + np.sum(W), params(V, W), [X], Descent())) == []


def test_a_table_of_pandas_goes_into_a_layer():
    pandas = pytest.importorskip("pandas")
    layer = Dense(3, 2)
    table = pandas.DataFrame(X, columns=list("abc"))

    grads = gradient(lambda: np.sum(layer(table)), params(layer))

    np.testing.assert_allclose(grads[layer.W].data, np.repeat(X.sum(0)[:, None], 2, 1))
    with pytest.raises(TypeError, match=r"Dense: x is no array of numbers but a DataFrame.*x\.to_numpy\(float\)"):
        layer(table.assign(c=["p", "q", "r", "s"]))


def test_lists_that_hold_recorded_numbers_go_into_a_layer():
    layer, w = Dense(2, 1), Tensor([1.0, 2.0])

    grads = gradient(lambda: np.sum(layer([[w[0], 3.0], [w[1], w[0]]])), params(w))

    np.testing.assert_allclose(grads[w].data, [layer.W.data.sum(), layer.W.data[0, 0]])
    update_(Descent(), w, grads[w])
