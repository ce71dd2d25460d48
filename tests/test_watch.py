"""The watch: the first operation that was not finite, on the way forth or back, by its right name and line."""

import numpy as np
import pytest

from minigrad import Buffer, Tensor, adjoint, checkpointed, params
from minigrad.losses import crossentropy
from minigrad.nn import softmax
from minigrad.readers.watch import first_not_finite


@adjoint
def mine(x):
    return x * np.inf, lambda g: (g,)


@adjoint
def mine_back(x):
    return x + 0, lambda g: (g * np.nan,)


def in_buffer(x):
    buffer = Buffer(np.ones(2))
    buffer[0], buffer[1] = np.exp(x[0]), np.nan
    return np.sum(buffer.copy())


@pytest.mark.parametrize(
    "name, f",
    [
        ("np.log", lambda x: np.sum(np.log(x - x))),
        ("np.divide", lambda x: np.sum(1 / (x - x))),
        ("np.power", lambda x: np.sum((1e200 * x) ** 2)),
        ("mine", lambda x: np.sum(mine(x))),
        ("np.exp", lambda x: checkpointed(lambda y: np.sum(np.exp(y)), 1e4 * x)),
        ("Buffer", in_buffer),
        ("softmax", lambda x: np.sum(softmax(x * np.array([np.nan, 1.0])))),
        ("np.matmul", lambda x: np.sum(np.full((2, 2), 1e308) @ (x + 2))),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_the_first_operation_is_found_by_its_name(name, f):
    x = Tensor([1.0, 2.0])
    found = first_not_finite(lambda: f(x) * 0 + 1, params(x))

    assert name in found.name or name == "softmax" and found.name == "np.multiply"
    assert found.file == __file__ and not np.all(np.isfinite(found.result))


def test_what_is_infinite_inside_of_a_function_on_purpose_does_not_count():
    x = Tensor([[0.0, 1.0], [1.0, 0.0]])

    assert first_not_finite(lambda: np.sum(np.linalg.norm(x - x, axis=1)), params(x)) is None
    assert first_not_finite(lambda: crossentropy(x, x.data), params(x)) is None


def test_the_way_back_is_watched_too():
    x = Tensor([0.0, 1.0])

    root = first_not_finite(lambda: np.sum(np.sqrt(x) * 0.0), params(x))
    own = first_not_finite(lambda: np.sum(mine_back(x)), params(x))

    assert root.name == "the gradient of np.sqrt, by x" and "np.sqrt(x) * 0.0" in root.code
    assert own.name == "the gradient of mine_back"


def test_a_loss_that_raises_because_of_it_is_understood():
    x = Tensor([0.0])

    def loss():
        y = np.log(x)
        if not np.isfinite(y.data).all():
            raise ValueError("I saw it")

    assert first_not_finite(loss, params(x)).name == "np.log"
