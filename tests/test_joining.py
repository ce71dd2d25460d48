"""r_ and c_ do what NumPy's do, on Tensors too."""

import numpy as np
import pytest
from minigrad import Tensor, gradient
from minigrad.joining import block, c_, r_

a, b, m = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.arange(4.0).reshape(2, 2)


@pytest.mark.parametrize(
    "pieces",
    [
        (a, b),
        (a, 5.0, 1),
        (slice(0, 3), a),
        (slice(0, 1, 5j),),
        (slice(None, 2),),
        (slice(3, 0, -1), 7),
        (m, m),
    ]
    + [("1", m, m), ("0,2", a, b), ("0,2,0", a, b), ("1,2,0", a, b), ("0,3,1", m, m), ("0,3,-1", m, m)],
    ids=str,
)
def test_r_joins_like_numpys(pieces):
    np.testing.assert_array_equal(r_[pieces], np.r_[pieces])


@pytest.mark.parametrize("pieces", [(a, b), (a, m), (m, m), (1, 2), (slice(0, 2), a), (a,)], ids=str)
def test_c_joins_like_numpys(pieces):
    np.testing.assert_array_equal(c_[pieces], np.c_[pieces])


def test_gradients_flow_through_the_pieces():
    found = gradient(lambda x, y: np.sum(r_[x, 7.0, y] * [1.0, 2.0, 3.0, 4.0]), a, 5.0)

    np.testing.assert_array_equal(found[0], [1.0, 2.0])
    assert found[1] == 4.0


def test_columns_of_tensors_become_a_matrix():
    (found,) = gradient(lambda x: np.sum(c_[x, x**2] @ [1.0, 10.0]), a)

    np.testing.assert_array_equal(found, 1 + 20 * a)


def test_outside_of_a_gradient_the_result_is_a_tensor():
    assert type(r_[Tensor(a), b]) is Tensor


def test_block_takes_nested_lists_of_tensors():
    (found,) = gradient(
        lambda t: np.sum(block([[t * np.eye(2), np.ones((2, 1))], [np.ones(2), t]]) ** 2), 3.0
    )

    assert found == 18.0


def test_a_string_that_is_no_directive_is_an_error():
    with pytest.raises(ValueError, match="write 'axis'"):
        r_["a b", a]
