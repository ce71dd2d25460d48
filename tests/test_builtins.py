"""Python's own functions on Tensors: right, or an error that says what to write."""

import functools
import itertools
import math
import operator
import statistics

import numpy as np
import pytest
from minigrad import LostGradientError, Tensor, gradient

X = np.array([3.0, 1.0, 2.0])

RIGHT = {
    "sum(x)": (lambda x: sum(x), [1.0, 1.0, 1.0]),
    "sum of products": (lambda x: sum(a * b for a, b in zip(x, x)), [6.0, 2.0, 4.0]),
    "sum over map": (lambda x: sum(map(lambda v: v**2, x)), [6.0, 2.0, 4.0]),
    "sum over enumerate": (lambda x: sum(i * v for i, v in enumerate(x)), [0.0, 1.0, 2.0]),
    "sum over filter": (lambda x: sum(filter(lambda v: v > 1, x)), [1.0, 0.0, 1.0]),
    "max(x)": (lambda x: max(x), [1.0, 0.0, 0.0]),
    "min(x)": (lambda x: min(x), [0.0, 1.0, 0.0]),
    "max of several": (lambda x: max(x[0], x[1] * 5, x[2]), [0.0, 5.0, 0.0]),
    "max with a key": (lambda x: max(x, key=lambda v: -v), [0.0, 1.0, 0.0]),
    "sorted": (lambda x: sorted(x)[0] + 10 * sorted(x)[1], [0.0, 1.0, 10.0]),
    "sorted backwards": (lambda x: sum(sorted(x, reverse=True)[:2]), [1.0, 0.0, 1.0]),
    "reversed": (lambda x: next(reversed(x)), [0.0, 0.0, 1.0]),
    "reduce": (lambda x: functools.reduce(operator.mul, x), [2.0, 6.0, 3.0]),
    "math.prod": (lambda x: math.prod(x), [2.0, 6.0, 3.0]),
    "accumulate": (lambda x: sum(itertools.accumulate(x)), [3.0, 2.0, 1.0]),
    "abs and pow": (lambda x: sum(abs(pow(v - 2, 3)) for v in x), [3.0, -3.0, 0.0]),
    "divmod": (lambda x: divmod(x[0] + 0.5, x[2])[1], [1.0, 0.0, -1.0]),
    "round": (lambda x: round(x[0] * 1.2) * x[0], [4.0, 0.0, 0.0]),
    "len and in": (lambda x: len(x) * x[0] if 1.0 in x else 0.0, [3.0, 0.0, 0.0]),
    "any and all": (lambda x: any(x > 2) * all(x > 0) * x[0], [1.0, 0.0, 0.0]),
    "unpacking": (lambda x: (lambda a, b, c: a * b + c)(*x), [1.0, 3.0, 1.0]),
}


@pytest.mark.parametrize("f, expected", RIGHT.values(), ids=RIGHT.keys())
def test_a_builtin_on_a_recorded_tensor_is_differentiated(f, expected):
    assert gradient(f, X)[0].tolist() == expected


@pytest.mark.parametrize("f, expected", RIGHT.values(), ids=RIGHT.keys())
def test_a_builtin_gives_the_value_that_it_gives_on_an_array(f, expected):
    assert float(f(Tensor(X))) == f(X)


def test_at_a_tie_the_first_of_the_equals_takes_all():
    tied = np.array([1.0, 2.0, 2.0])

    assert gradient(lambda x: max(x), tied)[0].tolist() == [0.0, 1.0, 0.0]
    assert gradient(lambda x: np.max(x), tied)[0].tolist() == [0.0, 0.5, 0.5]


def test_a_number_chosen_by_max_is_a_constant():
    assert gradient(lambda x: max(x, 0.0), 2.0) == (1.0,)
    assert gradient(lambda x: max(x, 0.0), -2.0) == (None,)


def test_the_sum_of_the_rows_of_a_matrix_is_a_row():
    (g,) = gradient(lambda A: sum(A)[1], np.ones((2, 3)))

    assert g.tolist() == [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]


@pytest.mark.parametrize(
    "f", [math.sqrt, math.floor, float, int, lambda x: math.fsum([x, x]), lambda x: math.hypot(x, 1.0)]
)
def test_what_would_turn_a_tensor_into_a_number_is_refused_with_the_way_out(f):
    with pytest.raises(LostGradientError, match=r"np.exp\(t\) for math.exp\(t\)"):
        gradient(f, 2.0)


@pytest.mark.parametrize(
    "f, error, message",
    [
        (lambda A: max(A), ValueError, r"ambiguous. Use a.any\(\) or a.all\(\)"),
        (lambda A: sorted(A), ValueError, "ambiguous"),
        (lambda A: sum(A[0, 0]), TypeError, "without axes"),
        (lambda A: statistics.mean(A[0]), TypeError, "Tensor"),
    ],
    ids=["max of rows", "sorted rows", "sum of a number", "statistics"],
)
def test_what_makes_no_sense_is_an_error_as_on_arrays(f, error, message):
    with pytest.raises(error, match=message):
        gradient(f, np.ones((2, 2)))
