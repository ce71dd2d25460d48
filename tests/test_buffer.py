"""Buffer: writing into an array while a gradient is taken."""

import numpy as np
import pytest

from minigrad import Buffer, LostGradientError, Tensor, gradient, params

X = np.array([1.0, 2.0, 3.0])


def filled(start, writes):
    """Return the function that fills a Buffer with ``writes(buffer, x)`` and weighs what it then holds."""

    def f(x):
        buffer = Buffer(start if not callable(start) else start(x))
        writes(buffer, x)
        y = buffer.copy()
        return np.sum(y * y * np.arange(1.0, y.size + 1).reshape(y.shape))

    return f


def each(buffer, x):
    for i in range(3):
        buffer[i] = x[i] ** 2


def overwriting(buffer, x):
    buffer[0] = x[0]
    buffer[0] = x[1] * 3
    buffer[1:] = x[:2]


def reading_and_writing(buffer, x):
    for i in range(1, 3):
        buffer[i] = buffer[i - 1] * x[i]


def in_place(buffer, x):
    for k in range(3):
        buffer[k] += x[k]
        buffer[0] *= x[1]


def fancy(buffer, x):
    buffer[[0, 2]] = x[1:]
    buffer[np.array([False, True, True])] = x[0] * 2
    buffer[...] = buffer.copy()[::-1] + x


def repeated(buffer, x):
    buffer[[0, 0, 1, 0]] = np.concatenate([x, x[:1] * 5])  # the last write to a place stands


def broadcast(buffer, x):
    buffer[:] = x[0]
    buffer[1:] *= x[2]


@pytest.mark.parametrize(
    "writes",
    [each, overwriting, reading_and_writing, in_place, fancy, repeated, broadcast],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("start", [np.ones(3), lambda x: x, lambda x: np.exp(x)], ids=["ones", "x", "exp(x)"])
def test_the_gradient_is_that_of_the_same_writes_on_plain_arrays(writes, start):
    f = filled(start, writes)

    (g,) = gradient(f, X)

    for k in range(3):
        h = 1e-6 * np.eye(3)[k]
        assert g[k] == pytest.approx((f(X + h) - f(X - h)) / 2e-6, rel=1e-7)


@pytest.mark.parametrize(
    "writes", [each, overwriting, reading_and_writing, fancy, repeated], ids=lambda f: f.__name__
)
def test_second_derivatives(writes):
    f = filled(lambda x: x, writes)
    slope = lambda x: gradient(f, x)[0] @ np.array([1.0, 10.0, 100.0])

    (g,) = gradient(slope, X)

    for k in range(3):
        h = 1e-6 * np.eye(3)[k]
        assert g[k] == pytest.approx((slope(X + h) - slope(X - h)) / 2e-6, rel=1e-6)


def test_a_buffer_of_two_axes():
    def f(x):
        A = Buffer(np.zeros((2, 2)))
        A[0, 1] = x
        A[:, 0] = x * x
        return np.sum(A.copy() @ np.array([1.0, 10.0]))

    assert gradient(f, 3.0) == (2 * 2 * 3 + 10.0,)


def test_parameters_written_into_a_buffer():
    W = Tensor(X)

    def loss():
        buffer = Buffer(np.zeros(2))
        buffer[:] = W[1:]
        buffer[0] = W[0] * 5
        return np.sum(buffer.copy())

    assert gradient(loss, params(W))[W].tolist() == [5.0, 0.0, 1.0]


def test_outside_of_a_gradient_a_buffer_is_an_ordinary_array():
    buffer = Buffer(np.zeros(3))
    buffer[1] = 5.0
    buffer[Tensor(2)] = 1

    assert type(buffer.copy()) is np.ndarray and buffer.copy().tolist() == [0.0, 5.0, 1.0]
    assert len(buffer) == 3 and buffer.shape == (3,) and buffer.dtype == float and buffer[1] == 5.0
    assert repr(buffer) == "Buffer(shape=(3,), dtype=float64)"


def test_a_buffer_that_met_a_tensor_gives_a_tensor():
    assert isinstance(Buffer(Tensor(X)).copy(), Tensor)


def test_the_buffer_and_what_it_was_made_of_share_no_memory():
    for start in (X.copy(), Tensor(X)):
        buffer = Buffer(start)
        buffer[0] = 9.0
        frozen = buffer.copy()
        frozen[1] = 100.0
        start[2] = 50.0

        assert np.asarray(buffer.copy()).tolist() == [9.0, 2.0, 3.0]
        assert np.asarray(start).tolist() == [1.0, 2.0, 50.0]


def test_what_was_frozen_stays_as_it_was():
    def f(x):
        buffer = Buffer(np.zeros(1))
        buffer[0] = x
        before = buffer.copy()
        buffer[0] = x * 100
        return np.sum(before)

    assert gradient(f, 2.0) == (1.0,)


def test_many_writes_are_one_operation():
    def f(x):
        buffer = Buffer(np.zeros(20_000))
        for i in range(20_000):
            buffer[i] = x
        return np.sum(buffer.copy())

    assert gradient(f, 1.0) == (20_000.0,)


@pytest.mark.parametrize(
    "start, index, value, error, message",
    [
        (np.zeros(3), 5, 1.0, IndexError, "out of bounds"),
        (np.zeros(3), slice(None), np.ones(2), ValueError, "broadcast"),
        (np.zeros(3), 0, 1j, TypeError, "complex128 numbers do not fit"),
        (np.zeros(3, int), 0, 2.5, TypeError, r"float64 numbers do not fit into a buffer of int\d\d"),
        (np.zeros(3), 0, "text", TypeError, "do not fit"),
        (np.zeros(3), (0, 0), 1.0, IndexError, "too many indices"),
    ],
)
def test_a_write_that_does_not_fit_fails_at_once(start, index, value, error, message):
    buffer = Buffer(start)

    with pytest.raises(error, match=message):
        buffer[index] = value

    assert np.array_equal(buffer.copy(), start)


def test_a_list_of_recorded_values_is_refused_with_what_to_write():
    def f(x):
        buffer = Buffer(np.zeros(2))
        buffer[:] = [x, x]
        return np.sum(buffer.copy())

    with pytest.raises(LostGradientError, match=r"minigrad.array\(\[t, u\]\)"):
        gradient(f, 1.0)
