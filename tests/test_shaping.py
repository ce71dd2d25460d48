"""Reading, writing and joining: what the tables of test rows cannot say."""

import numpy as np
import pytest
from minigrad import LostGradientError, NoDerivativeError, Tensor, gradient
from minigrad.derivatives.indexing import put_along_axis, scatter_add
from minigrad.core.table import Shapes

x = np.array([1.0, 2.0, 3.0])


def loss(f):
    """Return the gradient of a sum of f(x) with the weights 1, 2, 3, ..."""

    def weighed(x):
        y = f(x)
        return np.sum(y * np.arange(1.0, 1 + y.size).reshape(y.shape))

    return gradient(weighed, x)[0]


# ---------------------------------------------------------------------------------------------- reading
def test_an_element_read_twice_gets_both_contributions():
    np.testing.assert_array_equal(loss(lambda x: x[[0, 0, 2]]), [3.0, 0.0, 3.0])


def test_negative_and_positive_indices_of_one_element_add_up():
    np.testing.assert_array_equal(loss(lambda x: x[np.array([2, -1])]), [0.0, 0.0, 3.0])


def test_a_mask_that_is_computed_from_the_argument_is_a_constant():
    np.testing.assert_array_equal(loss(lambda x: x[x > 1.5]), [0.0, 1.0, 2.0])


def test_python_unpacks_and_iterates():
    def unpacked(x):
        a, *rest = x
        return a * rest[0] + sum(rest)

    np.testing.assert_array_equal(gradient(unpacked, x)[0], [2.0, 2.0, 1.0])


def test_an_index_out_of_range_is_numpys_error():
    with pytest.raises(IndexError, match="out of bounds"):
        gradient(lambda x: x[3], x)


def test_reading_every_element_in_a_loop_sums_them():
    def summed(x):
        return sum(x[i] for i in range(len(x)))

    np.testing.assert_array_equal(gradient(summed, np.arange(500.0))[0], np.ones(500))


@pytest.mark.parametrize("nested", [False, True])
def test_reading_element_by_element_makes_no_array_for_every_element(monkeypatch, nested):
    n, made, zeros = 500, [], np.zeros
    loss = lambda x: np.sum(np.stack([x[i] * x[i] for i in range(n)]) * np.arange(n))
    slope = lambda x: np.sum(gradient(loss, x)[0] ** 2)
    monkeypatch.setattr(np, "zeros", lambda shape, dtype=float: (made.append(shape), zeros(shape, dtype))[1])

    (found,) = gradient(slope if nested else loss, np.ones(n))

    np.testing.assert_allclose(found, 8.0 * np.arange(n) ** 2 if nested else 2.0 * np.arange(n))
    assert len(made) < 10


def test_where_each_of_many_joined_arrays_begins_is_counted_once():
    shapes, asked = Shapes([(2,)] * 100), []
    width = lambda shape: asked.append(shape) or shape[0]

    assert [shapes.place(k, width).start for k in range(100)] == list(range(0, 200, 2))
    assert len(asked) == 100


def test_scatter_add_is_the_transpose_of_reading():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(4, 3))
    for index in (
        1,
        slice(None, None, -2),
        [0, 0, 3],
        ([1, 1], [2, 2]),
        (Ellipsis, None, 0),
        np.array([[1], [-1]]),
    ):
        g = rng.normal(size=a[index].shape)
        assert np.sum(a[index] * g) == pytest.approx(np.sum(a * scatter_add(g, index, a.shape)))


# ------------------------------------------------------------------------------------ writing, functionally
def test_put_along_axis_puts():
    a = np.array([[10.0, 30.0, 20.0], [60.0, 40.0, 50.0]])
    indices, expected = np.array([[1], [0]]), a.copy()
    np.put_along_axis(expected, indices, 99.0, axis=1)

    np.testing.assert_array_equal(put_along_axis(a, indices, 99.0, axis=1), expected)


def test_put_along_axis_passes_the_gradient_to_what_was_kept_and_to_what_was_put():
    found = gradient(lambda x, v: put_along_axis(x, np.array([2, 0]), v, 0) @ x, x, np.array([10.0, 20.0]))

    np.testing.assert_array_equal(found[0], [20.0, 4.0, 10.0])
    np.testing.assert_array_equal(found[1], [3.0, 1.0])


def test_put_along_axis_flattens_without_an_axis():
    found = put_along_axis(np.zeros((2, 2)), np.array([3, 1]), np.array([5.0, 6.0]), None)

    np.testing.assert_array_equal(found, [[0.0, 6.0], [0.0, 5.0]])


@pytest.mark.parametrize(
    "write, instead",
    [
        (lambda x: np.put_along_axis(x, np.array([0]), 1.0, 0), "minigrad.put_along_axis"),
        (lambda x: np.put_along_axis(np.ones(3), np.array([0]), x[:1], 0), "minigrad.put_along_axis"),
        (lambda x: np.put(x, [0], 1.0), "np.where"),
        (lambda x: np.place(x, [True, False, False], 1.0), "np.where"),
        (lambda x: np.copyto(np.ones(3), x), "np.where"),
        (lambda x: np.fill_diagonal(np.outer(x, x), 0.0), "np.where"),
        (lambda x: np.full_like(np.ones(3), x[0]), "np.broadcast_to"),
        (lambda x: np.histogram_bin_edges(x)[0], "np.linspace"),
    ],
)
def test_functions_that_write_into_an_argument_say_what_to_call_instead(write, instead):
    with pytest.raises(NoDerivativeError, match=instead):
        gradient(write, x)


@pytest.mark.parametrize(
    "call, argument",
    [
        (lambda x: np.concatenate([x, x], out=np.ones(6)), "out="),
        (lambda x: np.dot(x, x, out=np.array(0.0)), "out="),
    ],
)
def test_arguments_without_a_derivative_are_refused_by_name(call, argument):
    with pytest.raises(NoDerivativeError, match=argument):
        gradient(lambda x: np.sum(call(x)), x)


# ----------------------------------------------------------------------------------------------- padding
def test_the_constant_that_pads_is_differentiated():
    found = gradient(lambda x, c: np.sum(np.pad(x, (1, 2), constant_values=c)), x, 5.0)

    np.testing.assert_array_equal(found[0], [1.0, 1.0, 1.0])
    assert found[1] == 3.0


def test_different_constants_for_each_side_are_refused():
    with pytest.raises(NoDerivativeError, match="np.concatenate"):
        gradient(lambda x, c: np.sum(np.pad(x, 1, constant_values=c)), x, np.array([1.0, 2.0]))


def test_padding_by_ones_own_function_is_refused():
    with pytest.raises(NoDerivativeError, match="has no derivative here"):
        gradient(lambda x: np.sum(np.pad(x, 1, lambda vector, width, axis, kwargs: None)), x)


# ------------------------------------------------------------------------------------------------ layout
LAYOUTS = {
    "C": lambda a: a,
    "F": lambda a: np.transpose(a),
    "permuted": lambda a: np.transpose(a, (1, 2, 0)),
    "permuted, every second": lambda a: np.transpose(a, (2, 0, 1))[::2],
    "permuted, backwards": lambda a: np.transpose(a, (1, 0, 2))[:, ::-1],
}


READINGS = {
    "ravel": np.ravel,
    "reshape": lambda t, order: np.ravel(np.reshape(t, (2, -1), order=order.replace("K", "A"))),
    "flatten": lambda t, order: t.flatten(order),
}


@pytest.mark.parametrize("order", ["C", "F", "A", "K"])
@pytest.mark.parametrize("read", READINGS.values(), ids=READINGS)
@pytest.mark.parametrize("laid_out", LAYOUTS.values(), ids=LAYOUTS)
def test_an_order_that_follows_the_memory_is_that_of_the_argument(laid_out, read, order):
    a = np.random.default_rng(0).normal(size=(2, 3, 4))
    f = lambda t: read(laid_out(t), order)
    weights = np.arange(1.0, 1 + f(a).size)

    found = gradient(lambda t: f(t) @ weights, a)[0]
    second = gradient(lambda t: np.sum(gradient(lambda u: f(u) ** 2 @ weights, t)[0]), a)[0]

    one_by_one = [f(unit.reshape(a.shape)) @ weights for unit in np.eye(a.size)]
    np.testing.assert_allclose(found.ravel(), one_by_one)
    np.testing.assert_allclose(second.ravel(), np.multiply(2, one_by_one))


def test_the_memory_of_a_broadcast_array_has_no_order():
    with pytest.raises(NoDerivativeError, match="order='K' of a broadcast array"):
        gradient(lambda x: np.sum(np.ravel(np.broadcast_to(x, (2, 3)), "K")), x)


@pytest.mark.parametrize(
    "call, instead",
    [
        (lambda t: t.resize(3), r"np\.resize\(t, shape\) and np\.reshape"),
        (lambda t: t.partition(1), r"np\.partition\(t, kth\) returns a copy"),
        (lambda t: t.put([0], 1.0), r"np\.where\(mask, x, t\)"),
    ],
)
def test_a_method_that_changes_an_array_in_place_says_what_returns_a_new_one(call, instead):
    with pytest.raises(AttributeError, match=instead):
        call(Tensor(x))


# ----------------------------------------------------------------------------------------------- several
def test_unused_pieces_of_a_split_have_gradient_zero():
    np.testing.assert_array_equal(loss(lambda x: np.split(x, 3)[1]), [0.0, 1.0, 0.0])


def test_a_list_of_tensors_where_one_array_is_meant_is_refused():
    with pytest.raises(LostGradientError, match=r"np.linalg.solve: a list of Tensors.*minigrad.array"):
        gradient(lambda x, a: np.sum(np.linalg.solve(np.diag(x), [a, a, a])), x, 3.0)


# ------------------------------------------------------------------------------------- lists of Tensors
LISTS = {  # a function of recorded numbers a, b and a recorded vector t; the same with an array made first
    "append to": (lambda a, b, t: np.append(t, [a, b]), lambda a, b, t: np.hstack([t, a, b])),
    "append": (lambda a, b, t: np.append([a, b], t), lambda a, b, t: np.hstack([a, b, t])),
    "append along an axis": (
        lambda a, b, t: np.append([[a, b]], t.reshape(2, 2), axis=0),
        lambda a, b, t: np.vstack([np.hstack([a, b]), t.reshape(2, 2)]),
    ),
    "append rows": (lambda a, b, t: np.append([t, t * a], t[None] * b, 0), lambda a, b, t: np.stack([t, t * a, t * b])),
    "insert": (lambda a, b, t: np.insert(t, 1, [a, b]), lambda a, b, t: np.hstack([t[:1], a, b, t[1:]])),
    "insert at two": (lambda a, b, t: np.insert(t, [0, 4], [a, b]), lambda a, b, t: np.hstack([a, t, b])),
    "insert a number": (lambda a, b, t: np.insert(t, 2, [a, 7.0]), lambda a, b, t: np.hstack([t[:2], a, 7.0, t[2:]])),
    "convolve": (lambda a, b, t: np.convolve(t, [a, b]), lambda a, b, t: np.convolve(t, np.hstack([a, b]))),
    "correlate": (lambda a, b, t: np.correlate(t, [a, b]), lambda a, b, t: np.correlate(t, np.hstack([a, b]))),
    "polyval": (lambda a, b, t: np.polyval([a, 2.0, b], t), lambda a, b, t: (a * t + 2.0) * t + b),
    "polyadd": (lambda a, b, t: np.polyadd(t, [a, b]), lambda a, b, t: np.hstack([t[:2], t[2] + a, t[3] + b])),
    "average": (
        lambda a, b, t: np.average(t[:2], weights=[a, b]), lambda a, b, t: (t[0] * a + t[1] * b) / (a + b),
    ),
    "interp": (lambda a, b, t: np.interp(t, [0, 9], [a, b]), lambda a, b, t: a + (b - a) * t / 9),
    "kron": (lambda a, b, t: np.kron([a, b], t), lambda a, b, t: np.hstack([a * t, b * t])),
    "cross": (lambda a, b, t: np.cross(t[:3], [a, b, 1.0]), lambda a, b, t: np.cross(t[:3], np.hstack([a, b, 1.0]))),
}  # fmt: skip


@pytest.mark.parametrize("of_lists, of_arrays", LISTS.values(), ids=LISTS)
def test_a_list_of_recorded_numbers_stands_for_an_array(of_lists, of_arrays):
    args = 1.5, -0.5, np.array([1.0, 2.0, 4.0, 8.0])
    weighed = lambda f: lambda *args: np.sum(np.sin(f(*args)))

    found, expected = (gradient(weighed(f), *args) for f in (of_lists, of_arrays))

    assert [g is None for g in found] == [g is None for g in expected]
    for g, h in zip(found, expected):
        np.testing.assert_allclose(0.0 if g is None else g, 0.0 if h is None else h, rtol=1e-13)
    np.testing.assert_allclose(of_lists(*args), of_arrays(*args), rtol=1e-14)
