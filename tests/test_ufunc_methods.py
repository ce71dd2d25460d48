"""``np.add.reduce`` and its kin, and the forms of a call that are refused."""

import numpy as np
import pytest
from minigrad import LostGradientError, NoDerivativeError, Tensor, gradcheck, gradient, hessian

X = np.array([[0.5, -1.2, 2.0], [1.5, 0.3, -0.7]])


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.multiply, np.maximum, np.logaddexp, np.divide])
def test_reduce_is_differentiated(ufunc, axis):
    assert gradcheck(lambda t: np.sum(np.sin(ufunc.reduce(t, axis))), X)


@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.multiply, np.minimum, np.logaddexp])
def test_accumulate_is_differentiated(ufunc):
    assert gradcheck(lambda t: np.sum(np.sin(ufunc.accumulate(t, axis=1))), X)


STRETCHES = [[0, 2], [1], [0, 2, 1, 2], [2, 2, 0], [0, 1, 2]]  # ascending or not, an element alone, one twice


@pytest.mark.parametrize("indices", STRETCHES, ids=str)
@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.subtract, np.maximum])
def test_reduceat_is_differentiated(ufunc, indices):
    for axis, places in [(1, indices), (-1, np.array(indices)), (0, [i % 2 for i in indices])]:
        kept = []
        assert gradcheck(lambda t: np.sum(np.sin(ufunc.reduceat(t, places, axis))), X)  # noqa: B023
        gradient(lambda t: (kept.append(ufunc.reduceat(t, places, axis)), np.sum(t))[1], X)  # noqa: B023

        assert np.array_equal(kept[0].data, ufunc.reduceat(X, places, axis))


def test_the_sum_of_stretches_by_hand_and_its_second_derivative():
    x, of_bytes = np.arange(1.0, 6.0), np.array([200, 100, 3], np.uint8)

    (g,) = gradient(lambda x: np.add.reduceat(x, [0, 3, 1]) @ [1.0, 10.0, 100.0], x)
    assert g.tolist() == [1, 101, 101, 110, 100]
    H = hessian(lambda x: np.sum(np.add.reduceat(x, [0, 3]) ** 2) / 2, x)
    assert H.tolist() == np.kron(np.eye(2), np.ones((3, 3)))[:5, :5].tolist()
    (g,) = gradient(lambda x: np.sum(np.add.reduceat(x, [0, 2]) ** 2), of_bytes)
    assert g.tolist() == [600, 600, 6]
    with pytest.raises(IndexError):
        gradient(lambda x: np.sum(np.add.reduceat(x, [0, 9])), x)


@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.multiply, np.arctan2])
def test_outer_is_differentiated_by_both_arguments(ufunc):
    assert gradcheck(lambda a, b: np.sum(np.sin(ufunc.outer(a, b))), X, np.array([0.4, 0.9]))


@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.multiply, np.maximum])
@pytest.mark.parametrize("options", [{}, dict(axis=1), dict(axis=1, keepdims=True)], ids=str)
def test_reduce_of_a_tensor_is_that_of_its_numbers(ufunc, options):
    expected = ufunc.reduce(X, **options)

    outside = ufunc.reduce(Tensor(X), **options)
    inside = []
    gradient(lambda t: (inside.append(ufunc.reduce(t, **options)), np.sum(t))[1], X)

    np.testing.assert_allclose(outside.data, expected)
    np.testing.assert_allclose(inside[0].data, expected)


def test_adding_into_places_is_refused_by_name():
    with pytest.raises(NoDerivativeError, match=r"np\.add\.at has no derivative"):
        gradient(lambda t: np.add.at(t, [0], 1.0), X)


def test_an_unknown_keyword_is_refused_by_name():
    with pytest.raises(NoDerivativeError, match=r"np\.sum .*the argument out="):
        gradient(lambda t: np.sum(np.sum(t, 0, out=np.zeros(3))), X)
    with pytest.raises(NoDerivativeError, match=r"np\.add .*the argument where="):
        gradient(lambda t: np.sum(np.add(t, 1.0, where=X > 0)), X)


def test_an_unknown_keyword_of_a_function_made_of_others_is_refused_by_name():
    with pytest.raises(NoDerivativeError, match=r"np\.ptp.*the argument out="):
        gradient(lambda t: np.sum(np.ptp(t, out=np.zeros(()))), X)


def test_out_is_refused_while_recording():
    with pytest.raises(LostGradientError, match="out="):
        gradient(lambda t: np.sum(np.add(t, 1.0, out=np.zeros((2, 3)))), X)


def test_a_tensor_in_a_list_given_to_a_ufunc_is_refused():
    with pytest.raises(LostGradientError, match=r"np\.stack"):
        gradient(lambda t: np.sum(np.multiply(t, [t[0, 0], 1.0, 2.0])), X)


def test_a_histogram_is_refused_with_the_reason():
    with pytest.raises(NoDerivativeError, match="a count does not move"):
        gradient(lambda t: np.sum(np.histogram(t)[0]), X)
