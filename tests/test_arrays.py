"""Making Tensors: random ones, zeros, ones, and arrays out of pieces."""

import numpy as np
import pytest

from minigrad import Tensor, array, gradient, ones, rand, randn, seed, zeros


@pytest.mark.parametrize("make", [rand, randn, zeros, ones])
@pytest.mark.parametrize(
    "shape, expected",
    [
        ((2, 3), (2, 3)),
        ((), ()),
        (((2, 3),), (2, 3)),
        ((0, 2), (0, 2)),
        ((np.int64(4),), (4,)),
        (([2],), (2,)),
    ],
)
def test_shapes_come_as_several_integers_or_as_one_tuple(make, shape, expected):
    t = make(*shape)

    assert isinstance(t, Tensor) and t.shape == expected and t.dtype == float


@pytest.mark.parametrize("make", [rand, randn, zeros, ones])
@pytest.mark.parametrize("bad", [-1, 2.0, True, "2", None])
def test_an_axis_length_that_is_no_count_is_refused(make, bad):
    with pytest.raises(ValueError, match=f"{make.__name__}: the length of an axis"):
        make(2, bad)


@pytest.mark.parametrize("make", [rand, randn, zeros, ones])
def test_the_dtype_can_be_float32(make):
    assert make(2, dtype=np.float32).dtype == np.float32


def test_zeros_and_ones_hold_zeros_and_ones():
    assert zeros(2).tolist() == [0.0, 0.0] and ones(2, dtype=complex).tolist() == [1, 1]


def test_zeros_of_what_is_no_number_are_refused():
    with pytest.raises(TypeError, match="numbers"):
        zeros(2, dtype=str)


def test_random_numbers_are_distributed_as_promised():
    seed(1)

    uniform, normal = rand(20_000).data, randn(20_000).data

    assert 0 <= uniform.min() and uniform.max() < 1
    # the mean of n draws of standard deviation s is within 5 s / sqrt(n)
    assert abs(uniform.mean() - 0.5) < 5 * np.sqrt(1 / 12 / 20_000) and abs(normal.mean()) < 5 / np.sqrt(
        20_000
    )
    assert abs(normal.std() - 1) < 5 / np.sqrt(2 * 20_000)


def test_the_same_seed_gives_the_same_numbers():
    seed(3)
    first = rand(3), randn(3)
    seed(3)

    assert np.array_equal(first[0], rand(3)) and np.array_equal(first[1], randn(3))


def test_a_generator_of_ones_own_leaves_the_common_one_alone():
    seed(3)
    expected = rand(2).tolist()
    seed(3)

    own = rand(2, rng=np.random.default_rng(7)), rand(2, rng=7)

    assert np.array_equal(*own) and rand(2).tolist() == expected


def test_array_gives_floats_for_pythons_numbers_and_keeps_the_dtype_of_arrays():
    assert array([1, 2]).dtype == float and array([[1j]]).dtype == complex
    assert array(np.float32([1])).dtype == np.float32 and array(np.array([1])).dtype == int
    assert array([Tensor(1.0), 2], dtype=np.float32).dtype == np.float32


def test_array_copies():
    data = np.zeros(2)
    t = Tensor(data)

    for x in (data, t):
        array(x)[0] = 5.0

    assert data[0] == 0 and t[0] == 0


def test_array_differentiates_through_nested_lists_tuples_and_generators():
    weights = np.array([[1.0, 10.0], [100.0, 1000.0]])

    for build in (
        lambda x: array([[x, 1.0], (2.0, x * x)]),
        lambda x: array(row for row in [[x, 1.0], [2.0, x * x]]),
        lambda x: array([array([x, 1.0]), [2.0, x * x]]),
    ):
        assert gradient(lambda x, build=build: np.sum(build(x) * weights), 3.0) == (1 + 1000 * 2 * 3.0,)


def test_array_stacks_arrays():
    (g,) = gradient(lambda x: np.sum(array([x, 2 * x]) @ np.array([1.0, 10.0])), np.ones(2))

    assert g.tolist() == [3.0, 30.0]


def test_array_of_shapes_that_do_not_fit_is_a_value_error():
    with pytest.raises(ValueError, match="shape"):
        gradient(lambda x: array([x, [x, x]])[0], 1.0)


@pytest.mark.parametrize("x", ["text", [None], [[{}]]])
def test_array_of_what_is_no_number_is_refused(x):
    with pytest.raises(TypeError, match="numbers"):
        array(x)
