"""Whole numbers of 32 bits, the usual ones on some machines and in browsers: they count, point and shape."""

import numpy as np
import pytest

from minigrad import (
    ADAM, Buffer, Cos, Step, Tensor, compiled, gradient, hvp, losses, lr_find, metrics, params, race, rand, randn,
    trace, train_, zeros,
)  # fmt: skip
from minigrad.data import DataLoader, onehot, train_test_split
from minigrad.nn import GRU, BatchNorm, Chain, Conv, Dense, Embedding, MaxPool, flatten

I = np.int32  # noqa: E741
SILENT = {"progress": "silent"}


@pytest.mark.parametrize("f", [
    lambda x, k: np.sum(x[k] ** 2),
    lambda x, k: np.sum(x[k[0] : k[1]] ** 2),
    lambda x, k: np.sum(np.take(x, k) ** 2),
    lambda x, k: np.sum(np.roll(x, k[0]) * np.arange(6)),
    lambda x, k: np.sum(np.reshape(x, (k[1], k[0])) @ np.ones(k[0])),
    lambda x, k: np.sum(np.take_along_axis(x, k.astype(np.intp), axis=k[2]) ** 2),
    lambda x, k: np.sum(np.sort(x)[: k[1]] ** 2),
    lambda x, k: np.sum(np.repeat(x, np.array([1, 2, 0, 1, 3, 1], I)) ** 2),
    lambda x, k: np.sum(np.diff(x, n=k[0]) ** 2),
    lambda x, k: np.sum(np.pad(x, (k[0], k[1])) ** 2 * np.arange(11)),
    lambda x, k: np.sum(np.split(x, k[1])[k[2]] ** 2),
    lambda x, k: x[np.argmax(x).astype(I)] * 2,
    lambda x, k: np.sum(np.bincount(k, minlength=6) * x),
    lambda x, k: np.sum(np.fft.rfft(x, k[1]).real ** 2),
    lambda x, k: np.sum(x ** k[0]),
])  # fmt: skip
def test_indices_counts_and_axes_give_the_same_gradients_whatever_their_width(f):
    x, k = np.array([0.5, 2.0, -1.0, 3.0, 0.25, -0.75]), np.array([2, 3, 0])

    expected = gradient(lambda x: f(x, k), x)[0]
    for narrow in map(k.astype, (np.int8, np.int16, I, np.int64)):
        np.testing.assert_array_equal(gradient(lambda x, k=narrow: f(x, k), x)[0], expected)


def test_layers_and_arrays_are_made_by_them():
    n = [I(k) for k in range(9)]
    image = rand(n[2], n[8], n[8], n[1])
    network = Chain(Conv((n[3], n[3]), n[1], n[4], stride=n[1], pad=n[1]), BatchNorm(n[4], training=True),
                    MaxPool((n[2], n[2])), flatten, Dense(I(64), n[3]))  # fmt: skip

    assert network(image).shape == (2, 3) and zeros(n[2], n[3]).shape == randn(n[2], n[3]).shape == (2, 3)
    assert Embedding(n[5], n[2])(np.array([[0, 4]], I)).shape == (1, 2, 2)
    assert GRU(n[2], n[3])(rand(n[2], n[4], n[2])).shape == (2, 4, 3)


def test_labels_batches_epochs_and_steps_are_counted_by_them():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(20, 4)), rng.integers(0, 3, 20).astype(I)
    model = Chain(Dense(4, 3, rng=0))
    loader = DataLoader((x, onehot(labels, I(3))), batchsize=I(8), shuffle=True, rng=0)
    loss = lambda x, y: losses.logitcrossentropy(model(x), y)

    history = train_(loss, params(model), loader, ADAM(), epochs=I(2), **SILENT)

    assert len(history) == 6 and len(train_test_split((x, labels), 0.25, rng=0)[0][0]) == 15
    assert metrics.accuracy(model(x), labels) == np.mean(np.argmax(model(x).data, axis=1) == labels)
    assert Step(1.0, 0.5, I(3))(I(4)) == 0.5 and Cos(1.0, 0.0, I(4))(np.arange(1, 3, dtype=I)).shape == (2,)
    assert len(lr_find(loss, params(model), loader, ADAM(), steps=I(5)).rates) == 5
    assert len(race("saddle", opts=[ADAM()], steps=I(4)).values["ADAM"]) == 5


@pytest.mark.slow
def test_programs_and_compiled_steps_take_them():
    W, x = Tensor(np.ones((5, 2))), np.array([0, 3, 3], I)
    loss = lambda k: np.sum(W[k] ** 2) * 0.5
    step = compiled(loss, params(W))

    grads = [step(np.roll(x, k)).grad[W].data for k in range(4)]

    expected = np.array([[1, 1], [0, 0], [0, 0], [2, 2], [0, 0]])
    assert all(np.array_equal(g, expected) for g in grads)
    assert np.array_equal(trace(lambda: loss(x), params(W)).gradients[0].value, expected)
    assert np.array_equal(hvp(lambda: loss(x), params(W), [np.ones((5, 2))])[W].data, expected)
    buffer = gradient(lambda w: np.sum(filled_at(Buffer(np.zeros(4)), np.arange(2, dtype=I), w)), np.ones(2))[0]
    assert buffer.tolist() == [1, 1]


def filled_at(buffer, places, x):
    for k in places:
        buffer[k] = x[k]
    return buffer.copy()
