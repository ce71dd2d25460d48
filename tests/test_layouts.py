"""Products, linear algebra, Fourier transforms and SciPy's functions, however their arguments lie in memory.

The gradient of every case of these tables is asked for again: of arrays in Fortran's order, of every other element of
larger arrays that may not be written to, of Tensors; and with one argument at a time, the others constant.
"""

import functools

import numpy as np
import pytest
from minigrad import Tensor, gradient
from tables_linalg import CASES as LINALG
from tables_scipy import CASES as SCIPY
from test_derivatives import drawn, loss_of


def every_other(x):
    """Return a read-only view of every other element, backwards, of an array twice as long along each axis."""
    wide = np.full([2 * n for n in x.shape], np.nan, x.dtype)
    view = wide[(slice(None, None, -2),) * x.ndim] if x.ndim else wide
    view[...] = x
    view.flags.writeable = False
    return view


LAYOUTS = {"Fortran": lambda x: x.copy(order="F"), "every other, read-only": every_other, "Tensor": Tensor}


@functools.cache
def cases():
    """Return (case, its arguments, its gradients) of every case."""
    arguments = [(case, drawn(case, case.complex)) for case in LINALG + SCIPY]
    return [(case, xs, gradient(loss_of(case), *xs)) for case, xs in arguments]


def same(found, expected, case):
    for g, h in zip(found, expected):
        assert (g is None) == (h is None), case
        if h is not None:
            np.testing.assert_allclose(np.asarray(g), h, rtol=1e-9, atol=1e-12, err_msg=str(case))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_the_layout_of_the_arguments_does_not_matter(layout):
    for case, xs, expected in cases():
        xs = list(map(layout, xs))

        found = gradient(loss_of(case), *xs)

        assert all(type(g) is type(x) for g, x in zip(found, xs) if g is not None), case
        same(found, expected, case)


def alone(case, xs, k):
    """Return the gradient by argument ``k``, the others being constants."""
    return gradient(lambda x: loss_of(case)(*xs[:k], x, *xs[k + 1 :]), xs[k])


def test_an_argument_alone_has_the_gradient_that_it_has_among_others():
    for case, xs, expected in cases():
        for k in range(len(xs) if len(xs) > 1 else 0):
            same(alone(case, xs, k), expected[k : k + 1], case)


def twice(case, x):
    return gradient(lambda x: loss_of(case)(x, x), x)


def test_an_argument_used_twice_has_the_sum_of_both_gradients():
    for case, xs, _ in cases():
        if len(xs) == 2 and xs[0].shape == xs[1].shape:
            parts = gradient(loss_of(case), xs[0], xs[0])

            same(twice(case, xs[0]), [sum(g for g in parts if g is not None)], case)


def test_the_number_of_entries_that_are_not_0_is_counted_in_either_order_of_bytes():
    x = np.array([1.0, 0.0, 3.0], ">f8")

    assert gradient(lambda x: np.linalg.norm(x, 0) * np.sum(x), x)[0].tolist() == [2.0, 2.0, 2.0]
