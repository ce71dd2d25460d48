"""The losses: values by hand, behaviour at the edges, what is refused."""

import math

import numpy as np
import pytest
from minigrad import Tensor, gradient, losses, params, withgradient
from minigrad.losses import (
    binarycrossentropy,
    crossentropy,
    hinge_loss,
    huber_loss,
    kldivergence,
    label_smoothing,
    logitbinarycrossentropy,
    logitcrossentropy,
    mae,
    mse,
    poisson_loss,
)
from minigrad.nn import sigmoid, softmax

EPS = 2.0**-52  # of float64
P = np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]])  # probabilities
Y = np.array([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])  # truths
LOG2 = math.log(2)

each = lambda losses: losses  # an agg that keeps the losses apart

LOSSES = {
    "mse": mse, "mae": mae, "huber_loss": huber_loss, "crossentropy": crossentropy,
    "logitcrossentropy": logitcrossentropy, "binarycrossentropy": binarycrossentropy,
    "logitbinarycrossentropy": logitbinarycrossentropy, "kldivergence": kldivergence,
    "poisson_loss": poisson_loss, "hinge_loss": hinge_loss,
}  # fmt: skip
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


# --------------------------------------------------------------------------------- values by hand
@pytest.mark.parametrize("loss, yhat, y, expected", [
    (mse, [1.0, 4.0], [3.0, 4.0], [4, 0]),
    (mae, [1.0, 4.0], [3.0, 4.5], [2, 0.5]),
    (huber_loss, [0.5, -3.0, 1.0], [0.0, 0.0, 0.0], [0.125, 2.5, 0.5]),
    (crossentropy, P, Y, [LOG2, 0.5 * math.log(4 / 3) + 0.5 * math.log(8)]),
    (kldivergence, P, P, [0, 0]),
    (binarycrossentropy, [0.5, 0.25, 0.25], [1.0, 0.0, 0.5],
     [LOG2, math.log(4 / 3), 0.5 * math.log(4) + 0.5 * math.log(4 / 3)]),
    (logitbinarycrossentropy, [0.0, math.log(3)], [1.0, 0.0], [LOG2, math.log(4)]),
    (logitcrossentropy, np.log(P), Y, [LOG2, 0.5 * math.log(4 / 3) + 0.5 * math.log(8)]),
    (poisson_loss, [1.0, math.e], [3.0, 2.0], [1, math.e - 2]),
    (hinge_loss, [0.25, 3.0, 0.5], [1.0, 1.0, -1.0], [0.75, 0, 1.5]),
])  # fmt: skip
def test_the_loss_of_each_element_or_row(loss, yhat, y, expected):
    np.testing.assert_allclose(loss(np.array(yhat), np.array(y), agg=each), expected, atol=1e-14)


@every_loss
def test_by_default_the_mean_is_taken(loss):
    np.testing.assert_allclose(loss(P, Y), np.mean(loss(P, Y, agg=each)), rtol=1e-14)


@every_loss
def test_agg_may_be_any_function(loss):
    def doubled_sum(x):
        return 2 * np.sum(x)

    np.testing.assert_allclose(loss(P, Y, agg=doubled_sum), 2 * np.sum(loss(P, Y, agg=each)), rtol=1e-14)


def test_huber_changes_at_delta():
    losses = huber_loss(np.array([1.0, 3.0]), np.zeros(2), delta=2.0, agg=each)

    np.testing.assert_allclose(losses, [0.5, 4])  # 1/2, and 2 * (3 - 2/2)


def test_the_classes_can_be_another_axis():
    for loss in (crossentropy, logitcrossentropy, kldivergence):
        np.testing.assert_allclose(loss(P.T, Y.T, axis=0), loss(P, Y), rtol=1e-14)


def test_the_divergence_is_the_crossentropy_without_the_entropy_of_the_truth():
    entropy_of_the_second_row = LOG2

    lost = crossentropy(P, Y, agg=np.sum) - kldivergence(P, Y, agg=np.sum)

    assert lost == pytest.approx(entropy_of_the_second_row, rel=1e-13)


def test_mse_of_complex_numbers_is_real():
    assert mse(np.array([3 + 4j]), np.array([0j])) == 25


def test_the_truth_may_be_one_number():
    assert float(mse(np.array([1.0, 3.0]), 1.0)) == 2
    assert float(logitbinarycrossentropy(np.zeros((4, 1)), 1.0)) == pytest.approx(LOG2)


# ------------------------------------------------------------------------------- scores against p
def test_the_losses_of_scores_are_those_of_their_probabilities():
    z = np.array([[0.3, -1.2, 2.0], [0.0, 0.7, -0.4]])

    assert logitcrossentropy(z, Y) == pytest.approx(crossentropy(softmax(z), Y), rel=1e-12)
    assert logitbinarycrossentropy(z, Y) == pytest.approx(binarycrossentropy(sigmoid(z), Y), rel=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_scores_may_be_large(sign):
    z = sign * np.array([[1000.0, -1000.0]])
    y = np.array([[1.0, 0.0]])

    np.testing.assert_array_equal(logitcrossentropy(z, y), 0 if sign > 0 else 2000)
    assert logitbinarycrossentropy(z, y, agg=each).tolist() == [[0, 0] if sign > 0 else [1000, 1000]]


def test_a_small_loss_keeps_its_digits():
    # exp(-40) = 4.248354255291589e-18 is far below the rounding error of 1
    assert logitbinarycrossentropy(np.array([40.0]), 1.0) == pytest.approx(4.248354255291589e-18, rel=1e-12)


# --------------------------------------------------------------------------------- at 0 and at 1
def test_probabilities_of_0_and_1_are_finite():
    sure, truth = np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]])

    assert crossentropy(sure, truth) == pytest.approx(0, abs=1e-15)
    assert crossentropy(1 - sure, truth) == pytest.approx(-math.log(EPS))
    assert binarycrossentropy(sure, truth) == pytest.approx(0, abs=1e-15)
    assert binarycrossentropy(1 - sure, truth) == pytest.approx(-math.log(EPS), rel=1e-12)
    assert kldivergence(sure, truth) == pytest.approx(0, abs=1e-15)


def test_epsilon_follows_the_dtype():
    wrong, truth = np.array([[0.0, 1.0]], np.float32), np.array([[1.0, 0.0]], np.float32)

    loss = crossentropy(wrong, truth)

    assert loss.dtype == np.float32
    assert loss == pytest.approx(-math.log(2.0**-23), rel=1e-6)


def test_epsilon_may_be_0():
    sure, truth = np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]])

    (g,) = gradient(lambda p: crossentropy(p, truth, epsilon=0), sure)

    np.testing.assert_array_equal(g, [[-1, 0]])


def test_counts_of_0_need_no_logarithm():
    assert float(poisson_loss(np.array([0.0]), np.array([0.0]))) == 0
    assert gradient(lambda x: poisson_loss(x, np.array([0.0])), np.array([0.0]))[0] == [1]


@pytest.mark.parametrize("loss", [crossentropy, binarycrossentropy, kldivergence], ids=lambda f: f.__name__)
def test_gradients_at_0_and_1_are_finite(loss):
    truth = np.array([[1.0, 0.0], [0.0, 1.0]])

    for p in (truth, 1 - truth):
        (g,) = gradient(lambda p: loss(p, truth), p)
        assert np.isfinite(g).all()


def test_the_slope_at_the_kinks_is_0():
    assert gradient(lambda x: hinge_loss(x, np.ones(1)), np.ones(1))[0] == [0]
    assert gradient(lambda x: mae(x, np.ones(1)), np.ones(1))[0] == [0]


# ----------------------------------------------------------------------------------- gradients
@every_loss
def test_the_gradient_agrees_with_differences(loss):
    h = 1e-6
    (g,) = gradient(lambda p: loss(p, Y), P)

    for i in np.ndindex(P.shape):
        step = np.zeros_like(P)
        step[i] = h
        assert g[i] == pytest.approx((loss(P + step, Y) - loss(P - step, Y)) / (2 * h), abs=1e-8)


def test_the_gradient_of_scores_is_how_far_the_probabilities_are_off():
    z = np.log(P)

    (g,) = gradient(lambda z: logitcrossentropy(z, Y), z)

    np.testing.assert_allclose(g, (P - Y) / 2, atol=1e-15)


def test_the_truth_can_be_differentiated_too():
    (g,) = gradient(lambda y: logitcrossentropy(np.log(P), y), Y)

    np.testing.assert_allclose(g, -np.log(P) / 2, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@every_loss
def test_loss_and_gradient_keep_the_dtype(loss, dtype):
    W = Tensor(P, dtype=dtype)

    value, grads = withgradient(lambda: loss(W, Y.astype(dtype)), params(W))

    assert isinstance(value, float)
    assert grads[W].dtype == dtype


# ------------------------------------------------------------------------------- label smoothing
def test_smoothed_labels_by_hand():
    one_of_four = np.array([[0.0, 1.0, 0.0, 0.0]])
    np.testing.assert_allclose(label_smoothing(one_of_four, 0.2), [[0.05, 0.85, 0.05, 0.05]])
    np.testing.assert_allclose(label_smoothing(np.array([0.0, 1.0]), 0.2, axis=None), [0.1, 0.9])


@pytest.mark.parametrize("alpha", [0, 1, -0.1, 1.5, math.nan])
def test_smoothing_outside_of_0_to_1_is_refused(alpha):
    with pytest.raises(ValueError, match="alpha must be between 0 and 1"):
        label_smoothing(Y, alpha)


# ------------------------------------------------------------------------------------- refusals
@every_loss
def test_other_shapes_are_refused_by_the_name_of_the_loss(loss):
    with pytest.raises(ValueError, match=rf"{loss.__name__}: yhat has shape \(2, 3\), y has shape \(2, 1\)"):
        loss(P, np.ones((2, 1)))


def test_labels_in_the_place_of_rows_get_advice():
    with pytest.raises(ValueError, match=r"If y holds labels, write data.onehot\(y, 3\)$"):
        logitcrossentropy(P, np.array([0, 1]))


def test_a_column_against_a_vector_does_not_become_a_matrix():
    with pytest.raises(ValueError, match=r"yhat\[\.\.\., 0\]"):
        mse(np.ones((5, 1)), np.ones(5))


KINDS = {
    "list": lambda x: x.tolist(),
    "tuple": lambda x: tuple(x.tolist()),
    "list of arrays": list,
    "list of Tensors": lambda x: [Tensor(row) for row in x],
    "nested numbers": lambda x: [[Tensor(a) for a in row] for row in x],
    "Tensor": Tensor,
    "memoryview": memoryview,
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@every_kind
@every_loss
def test_lists_and_tuples_are_taken_as_arrays(loss, kind):
    expected = float(loss(P, Y))

    assert float(loss(kind(P), Y)) == pytest.approx(expected, rel=1e-15)
    assert float(loss(P, kind(Y))) == pytest.approx(expected, rel=1e-15)


@every_kind
@every_loss
def test_lists_and_tuples_of_another_shape_are_refused(loss, kind):
    for other in (np.ones((2, 1)), np.ones((1, 3)), np.ones((3, 2)), np.ones((2, 3, 1)), np.ones((1, 2, 3))):
        with pytest.raises(ValueError, match=rf"{loss.__name__}: yhat has shape .* they must be the same"):
            loss(P, kind(other))
        with pytest.raises(ValueError, match=rf"{loss.__name__}: yhat has shape .* they must be the same"):
            loss(kind(other), Y)


def test_a_column_against_a_list_does_not_become_a_matrix():
    message = r"yhat has shape \(3, 1\), y has shape \(3,\); .* If yhat has an axis too many, yhat\[\.\.\., 0\]$"
    with pytest.raises(ValueError, match=message):
        mse(np.ones((3, 1)), [1, 2, 3])
    with pytest.raises(ValueError, match=r"If y has an axis too many, y\[\.\.\., 0\]$"):
        mse([1.0, 2.0, 3.0], np.ones((3, 1)))


def test_the_gradient_goes_through_lists_of_recorded_numbers():
    (g,) = gradient(lambda w: mse([w[0], 2 * w[1]], [1.0, 1.0]), np.array([3.0, 2.0]))

    np.testing.assert_allclose(g, [2.0, 6.0])  # the mean of (w0 - 1)^2 and (2 w1 - 1)^2


@pytest.mark.parametrize("loss", [crossentropy, logitcrossentropy, kldivergence], ids=lambda f: f.__name__)
@pytest.mark.parametrize("yhat, y, labels, classes", [
    (P, [0, 2], "y", 3), (P, np.array([[0], [2]]), r"y\[\.\.\., 0\]", 3), (P, (1, 1), "y", 3),
    (P[0], 2, "y", 3), (P[None], [[0, 1]], "y", 3), (P, Tensor([0, 1]), "y", 3), (P[0], np.int64(1), "y", 3),
])  # fmt: skip
def test_labels_in_the_place_of_rows_are_told_about_onehot(loss, yhat, y, labels, classes):
    with pytest.raises(ValueError, match=rf"If y holds labels, write data.onehot\({labels}, {classes}\)$"):
        loss(yhat, y)


def test_labels_are_told_about_onehot_along_another_axis_too():
    with pytest.raises(ValueError, match=r"If y holds labels, write np\.moveaxis\(data.onehot\(y, 2\), -1, 0\)$"):
        logitcrossentropy(P, [0, 1, 1], axis=0)


def test_labels_that_should_be_smoothed_are_told_about_onehot():
    with pytest.raises(ValueError, match=r"write data.onehot\(y, classes\)"):
        label_smoothing([0, 2, 1], 0.2)
    np.testing.assert_allclose(label_smoothing([[0, 1]], 0.2), [[0.1, 0.9]])


@pytest.mark.parametrize("y, message", [
    (np.matrix([[1.0, 2.0]]), "mse: y: a matrix computes in its own way"),
    (np.ma.array([[1.0, 2.0]], mask=[[0, 1]]), "mse: y: a MaskedArray computes in its own way"),
    (np.array([[1.0, None]]), r"mse: y is no array of numbers but a ndarray of object.*dtype=float"),
    (["a", "b"], r"mse: y holds texts\. .*data\.onehot\(names, classes\)"),
    (None, "mse: y is no array of numbers but a NoneType"),
])  # fmt: skip
def test_what_holds_no_plain_numbers_is_refused_by_name(y, message):
    with pytest.raises(TypeError, match=message):
        mse(np.ones((1, 2)), y)


def test_a_table_of_pandas_is_taken_as_an_array():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(Y, index=[7, 5], columns=list("abc"))

    assert float(logitcrossentropy(P, table)) == float(logitcrossentropy(P, Y))
    assert float(mse(table["a"], table["b"])) == float(mse(Y[:, 0], Y[:, 1]))
    with pytest.raises(TypeError, match=r"mse: y is no array .* a DataFrame of object\. .*y\.to_numpy\(float\)"):
        mse(P, table.assign(a=["x", "y"]))


def test_every_loss_is_tested_here():
    public = {name for name, f in vars(losses).items() if getattr(f, "__module__", "") == "minigrad.losses"}

    assert public - {"matched", "advice_on_shapes", "epsilon_for", "floating", "label_smoothing"} == set(LOSSES)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64])
def test_whole_numbers_give_what_the_same_floating_point_numbers_give(dtype):
    a, b = np.array([[1, 100, 3]]).astype(dtype), np.array([[120, 2, 0]]).astype(dtype)

    for loss in (mse, logitcrossentropy, logitbinarycrossentropy, poisson_loss):
        assert loss(a, b) == pytest.approx(float(loss(a.astype(float), b.astype(float))), rel=1e-14)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("loss, expected", [
    (mse, 49.0**2), (mae, 49.0), (huber_loss, 48.5), (hinge_loss, 0.0),
], ids=["mse", "mae", "huber_loss", "hinge_loss"])  # fmt: skip
def test_whole_numbers_on_both_sides_do_not_wrap_around(loss, expected, dtype):
    assert loss(np.array([1], dtype), np.array([50], dtype)) == expected
    assert loss(np.array([1], dtype), np.array([50], dtype), agg=np.sum) == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_a_product_of_small_whole_numbers_does_not_wrap_around_in_the_hinge(dtype):
    assert hinge_loss(np.array([16], dtype), np.array([16], dtype)) == 0.0  # 1 - 256 is far below 0
    assert hinge_loss(np.array([100], dtype), np.array([2], dtype)) == 0.0


@pytest.mark.parametrize("loss", [losses.crossentropy, losses.kldivergence, losses.binarycrossentropy])
def test_a_prediction_that_is_no_number_is_not_hidden_by_a_label_of_zero(loss):
    yhat, y = np.array([[np.nan, 0.5, 0.5]]), np.array([[0.0, 1.0, 0.0]])

    value, (g,) = withgradient(lambda yhat: loss(yhat, y), yhat)

    assert np.isnan(value) and np.isnan(g[0, 0])
    assert np.isfinite(loss(np.array([[0.0, 0.5, 0.5]]), y))
