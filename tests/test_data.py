"""Batches, splits, one-hot rows, the shipped tables."""

from collections import namedtuple

import numpy as np
import pytest
from minigrad import Tensor, seed
from minigrad.core.trees import leaves
from minigrad.data import DataLoader, breast_cancer, digits, onecold, onehot, train_test_split

X = np.arange(10.0).reshape(5, 2)
Y = np.arange(5)


def rng(n=0):
    return np.random.default_rng(n)


# -------------------------------------------------------------------------------------- DataLoader
def test_tables_of_pandas_are_taken_as_arrays():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": Y}, index=[5, 3, 4, 1, 2])

    for given, expected in [
        (table[["a", "b"]], [X]), ((table[["a", "b"]], table["c"]), [X, Y]), ({"x": table["a"]}, [X[:, 0]]),
        ((table["a"].astype("Float64"),), [X[:, 0]]),
    ]:  # fmt: skip
        loader = DataLoader(given, 5)
        (batch,) = loader
        arrays = leaves(batch)
        assert all(type(a) is np.ndarray for a in arrays) and all(map(np.array_equal, arrays, expected))
    train, test = train_test_split((table[["a"]], table["c"]), 0.4)
    assert train[0].shape == (3, 1) and test[1].shape == (2,)


def test_a_table_of_texts_and_numbers_is_told_how_to_take_the_numbers():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": [1.0, 2.0], "name": ["x", "y"]})

    with pytest.raises(TypeError, match=r"DataLoader: this DataFrame makes no array of numbers.*\.to_numpy\(float\)"):
        DataLoader(table)


class Table:
    """What another library calls an array."""

    def __array__(self, dtype=None, copy=None):
        return X


def test_what_another_library_calls_an_array_is_taken_as_one():
    assert list(DataLoader(Table(), 5))[0] is not X and np.array_equal(list(DataLoader(Table(), 5))[0], X)


def test_batches_come_in_order_and_the_last_may_be_smaller():
    batches = list(DataLoader(Y, batchsize=2))

    assert [batch.tolist() for batch in batches] == [[0, 1], [2, 3], [4]]


def test_without_partial_batches_the_rest_is_left_out():
    loader = DataLoader(Y, batchsize=2, partial=False)

    assert [batch.tolist() for batch in loader] == [[0, 1], [2, 3]]
    assert len(loader) == 2


@pytest.mark.parametrize("batchsize, length", [(1, 5), (2, 3), (5, 1), (9, 1)])
def test_the_length_is_the_number_of_batches(batchsize, length):
    loader = DataLoader((X, Y), batchsize)

    assert len(loader) == length == len(list(loader))


def test_batches_have_the_structure_of_the_data():
    Pair = namedtuple("Pair", "x y")

    (x, y) = next(iter(DataLoader((X, Y), 2)))
    pair = next(iter(DataLoader(Pair(X, Y), 2)))
    named = next(iter(DataLoader({"x": X, "y": (Y, Y)}, 2)))

    assert x.shape == (2, 2) and y.tolist() == [0, 1]
    assert pair.y.tolist() == [0, 1]
    assert named["x"].shape == (2, 2) and named["y"][1].tolist() == [0, 1]


def test_shuffled_batches_hold_every_row_once_and_rows_stay_together():
    batches = list(DataLoader((X, Y), 2, shuffle=True, rng=rng()))

    assert sorted(np.concatenate([y for _, y in batches])) == [0, 1, 2, 3, 4]
    assert all((x[:, 0] == 2 * y).all() for x, y in batches)


def test_each_pass_has_another_order():
    loader = DataLoader(np.arange(100), 100, shuffle=True, rng=rng())

    assert next(iter(loader)).tolist() != next(iter(loader)).tolist()


def test_the_same_generator_gives_the_same_order():
    def first(generator):
        return next(iter(DataLoader(np.arange(100), 100, shuffle=True, rng=generator))).tolist()

    assert first(rng(1)) == first(rng(1)) != first(rng(2))


def test_a_seed_will_do_in_the_place_of_a_generator():
    one, two = (DataLoader(np.arange(100), 100, shuffle=True, rng=5) for _ in range(2))

    first, second = next(iter(one)).tolist(), next(iter(one)).tolist()

    assert next(iter(two)).tolist() == first != second


def test_without_a_generator_seed_decides():
    loader = DataLoader(np.arange(100), 100, shuffle=True)
    seed(3)
    first = next(iter(loader)).tolist()
    seed(3)

    assert next(iter(loader)).tolist() == first


def test_numpys_global_randomness_is_left_alone():
    before = np.random.get_state()[1].tolist()

    list(DataLoader(Y, 2, shuffle=True))

    assert np.random.get_state()[1].tolist() == before


def test_batches_in_order_share_the_memory_of_the_data():
    assert np.shares_memory(next(iter(DataLoader(X, 2))), X)


def test_tensors_are_data_too():
    assert next(iter(DataLoader(Tensor(X), 2))).shape == (2, 2)


@pytest.mark.parametrize("data", [np.ones((0, 3)), (np.ones((0, 3)), np.ones(0)), (), {}])
def test_empty_data_are_refused(data):
    with pytest.raises(ValueError, match="the data are empty"):
        DataLoader(data)


def test_other_lengths_are_refused_and_shown():
    with pytest.raises(ValueError, match=r"the same number of rows; they have \[5, 4\]"):
        DataLoader((X, Y[:4]))


@pytest.mark.parametrize("data, what", [
    ([1, 2], "a int"), (np.array(3.0), "without axes"), ("abc", "a str"),
])  # fmt: skip
def test_what_is_no_array_is_refused(data, what):
    with pytest.raises(TypeError, match=what):
        DataLoader(data)


@pytest.mark.parametrize("batchsize", [0, -1, 2.0, True, "2", None])
def test_a_batchsize_that_is_no_positive_integer_is_refused(batchsize):
    with pytest.raises(ValueError, match="batchsize must be an integer >= 1"):
        DataLoader(Y, batchsize)


def test_a_batch_larger_than_the_data_is_refused_unless_it_may_be_partial():
    with pytest.raises(ValueError, match="batchsize 6 is more than the 5 rows"):
        DataLoader(Y, 6, partial=False)

    assert [batch.tolist() for batch in DataLoader(Y, 6)] == [[0, 1, 2, 3, 4]]


def test_the_loader_shows_what_it_holds():
    shown = "DataLoader(5 rows, batchsize=2, shuffle=False, partial=True)  # 3 batches"

    assert repr(DataLoader(Y, 2)) == shown


# ------------------------------------------------------------------------------------------- split
def test_a_split_has_every_row_once_and_keeps_rows_together():
    (x, y), (x_test, y_test) = train_test_split((X, Y), 0.4, rng=rng())

    assert sorted([*y, *y_test]) == [0, 1, 2, 3, 4]
    assert len(y_test) == 2
    assert (x[:, 0] == 2 * y).all() and (x_test[:, 0] == 2 * y_test).all()


def test_the_same_generator_gives_the_same_split():
    def held_out(generator):
        return train_test_split(np.arange(100), rng=generator)[1].tolist()

    assert held_out(rng(1)) == held_out(rng(1)) != held_out(rng(2))


@pytest.mark.parametrize("held_out", [0, 0.05, 1, 1.5, -0.2])
def test_a_split_with_an_empty_part_is_refused(held_out):
    with pytest.raises(ValueError, match="neither part may be empty"):
        train_test_split(Y, held_out)


# ------------------------------------------------------------------------------------ one-hot rows
def test_one_row_per_label():
    assert onehot([1, 0], 3).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert onehot(2, 3).tolist() == [0, 0, 1]
    assert onehot(np.zeros((2, 4), int), 3).shape == (2, 4, 3)
    assert onehot(np.zeros(0, int), 3).shape == (0, 3)


def test_classes_may_have_names():
    assert onehot(["b", "a"], ["a", "b"]).tolist() == [[0, 1], [1, 0]]
    assert onehot([20, 10], (10, 20, 30)).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_rows_have_the_dtype_asked_for():
    assert onehot([0], 2).dtype == float
    assert onehot([0], 2, dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0]])
def test_labels_out_of_range_are_refused(labels):
    with pytest.raises(ValueError, match="labels of 3 classes are 0 to 2; got"):
        onehot(labels, 3)


def test_labels_that_count_from_1_get_advice():
    with pytest.raises(ValueError, match="labels count from 0 here"):
        onehot([1, 2, 3], 3)


def test_labels_that_are_no_integers_are_refused():
    with pytest.raises(ValueError, match="the labels are integers from 0 to 2; got float64"):
        onehot([0.5], 3)


def test_a_label_that_is_no_class_is_refused_by_name():
    with pytest.raises(ValueError, match="the label 'c' is none of the classes"):
        onehot(["a", "c"], ["a", "b"])


def test_onecold_undoes_onehot():
    labels = np.array([[2, 0], [1, 1]])

    assert onecold(onehot(labels, 3)).tolist() == labels.tolist()
    assert onecold(onehot(["b", "a"], ["a", "b"]), ["a", "b"]).tolist() == ["b", "a"]


def test_onecold_takes_tensors_and_other_axes():
    scores = Tensor([[1.0, 5.0], [2.0, 3.0]])

    assert onecold(scores).tolist() == [1, 1]
    assert onecold(scores, axis=0).tolist() == [1, 0]


def test_onecold_wants_one_name_per_class():
    with pytest.raises(ValueError, match="there are 2 classes and 3 names"):
        onecold(np.ones((1, 2)), ["a", "b", "c"])


# ------------------------------------------------------------------------------------ shipped data
def test_the_digits_are_1797_images_of_ten_kinds():
    images, labels = digits()

    assert images.shape == (1797, 8, 8) and images.dtype == float
    assert images.min() == 0 and images.max() == 1
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # as published


def test_of_569_samples_212_are_malignant():
    features, malignant, names = breast_cancer()

    assert features.shape == (569, 30) and len(names) == 30
    assert np.bincount(malignant).tolist() == [357, 212]  # as published


def test_the_shipped_data_come_in_float32_too():
    assert digits(dtype=np.float32)[0].dtype == np.float32
    assert breast_cancer(dtype=np.float32)[0].dtype == np.float32
