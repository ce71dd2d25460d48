"""An ndarray that a function overwrites after it has computed with it is noticed, before a wrong gradient is given."""

import functools
import gc
import tracemalloc

import numpy as np
import pytest

from minigrad import (
    Descent,
    LostGradientError,
    Tensor,
    adjoint,
    checked,
    checkpointed,
    dropgrad,
    gradient,
    hessian,
    hvp,
    ignore,
    jacobian,
    jvp,
    params,
    pullback,
    train_,
    train_step_,
    withgradient,
)
from minigrad.calculus import checked as module
from minigrad.losses import mse
from minigrad.nn import Dense

X = np.array([1.0, 2.0, 3.0])
NOTICED = pytest.raises(LostGradientError, match=r"was overwritten after line \d+ of test_overwritten_arrays.py")


@pytest.fixture(autouse=True)
def never_seen_before():
    """Let each test be the first one that differentiates its functions."""
    for memory in (module.known, module.codes, module.texts):
        memory.clear()


def reused(x):
    h = np.zeros(3)
    total = 0.0
    for k in range(3):
        h[:] = k
        total = total + np.sum(x * h)
    return total


# ---------------------------------------------------------------------------- how programs overwrite
BUFFER, HELD = np.ones(3), {"buffer": np.ones(3)}


def in_a_global(x):
    y = x * BUFFER
    BUFFER[:] += 1.0
    return np.sum(y)


def in_a_dictionary(x):
    y = x * HELD["buffer"]
    HELD["buffer"][1] += 1.0
    return np.sum(y)


def through_a_view(x):
    buffer = np.ones((2, 3))
    y = x * buffer[0]
    buffer.fill(5.0)
    return np.sum(y)


def through_the_base_of_a_transposed_one(x):
    buffer = np.arange(6.0).reshape(3, 2)
    y = x[:2] @ buffer.T[:, :1]
    buffer[0] = 7.0
    return np.sum(y)


def by_an_operator(x):
    h = np.ones(3)
    y = x * h
    h += 1.0
    return np.sum(y)


def by_out(x):
    h = np.ones(3)
    y = h @ x
    np.multiply(h, 2.0, out=h)
    return y


def by_sorting(x):
    h = np.array([3.0, 1.0, 2.0])
    y = np.sum(x * h)
    h.sort()
    return y


def by_shuffling(x):
    h = np.array([3.0, 1.0, 2.0])
    y = np.sum(x / h)
    h[:] = h[[2, 0, 1]]
    return y


def by_swapping_two(x):
    h = np.array([3.0, 1.0, 2.0])
    y = np.sum(x / h)
    h[0], h[2] = h[2], h[0]
    return y


def a_broadcast_row(x):
    row = np.ones((1, 3))
    y = np.sum(np.outer(x, x) * np.broadcast_to(row, (3, 3)))
    row[...] = 2.0
    return y


def in_single_precision(x):
    h = np.ones(3, np.float32)
    y = np.sum(x * h)
    h[1] = 0.0
    return y


def complex_numbers(x):
    h = np.ones(3, complex)
    y = np.sum(np.abs(x * h))
    h[1] = 1j
    return y


def whole_numbers(x):
    n = np.array([1, 2, 3])
    y = np.sum(x**n)
    n[:] = 0
    return y


def one_number(x):
    h = np.array(2.0)
    y = np.sum(x * h)
    h[...] = 3.0
    return y


def two_loads_of_labels(x):
    labels, total = np.zeros(3), 0.0
    for k in range(2):
        labels[:] = k
        total = total + mse(x, labels)
    return total


def in_a_join(x):
    h = np.ones(3)
    y = np.prod(np.concatenate([x, h])) + np.linalg.multi_dot([x, np.diag(h), A := np.eye(3), x])
    A[0] = 5.0
    return y


def in_a_helper(x):
    def scale(x, h):
        return x * h

    h = np.ones(3)
    y = scale(x, h)
    h[0] = 9.0
    return np.sum(y)


def an_intermediate_value(x):
    y = np.exp(x)
    ignore(lambda: y.data.fill(1.0))
    return np.sum(y)


def by_a_function_without_gradient(x):
    y = np.exp(x)
    ignore(lambda: y.__setitem__(0, 1.0))
    return np.sum(y)


def in_a_derivative_of_ones_own(x):
    @adjoint
    def times(x, h):
        return x * h, lambda g: (g * h, None)

    h = np.ones(3)
    y = times(x, h)
    h[0] = 9.0
    return np.sum(y)


PROGRAMS = [
    *(reused, in_a_global, in_a_dictionary, through_a_view, through_the_base_of_a_transposed_one),
    *(by_an_operator, by_out, by_sorting, by_shuffling, by_swapping_two, a_broadcast_row, in_single_precision),
    *(complex_numbers, whole_numbers, one_number, two_loads_of_labels, in_a_join, in_a_helper),
    *(an_intermediate_value, by_a_function_without_gradient, in_a_derivative_of_ones_own),
]
programs = pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)


@programs
def test_the_first_time_it_is_noticed_and_until_it_is_mended(f):
    for _ in range(2):
        with NOTICED:
            gradient(f, X)
    W = Tensor(X)
    with NOTICED:
        gradient(lambda: f(W), params(W))


@programs
def test_within_checked_it_is_always_noticed(f):
    module.now_known([f])

    gradient(f, X)  # nobody looks
    with checked(), NOTICED:
        gradient(f, X)
    gradient(f, X)


@pytest.mark.parametrize("take", [
    *(gradient, withgradient, jacobian, hessian),
    lambda f, x: pullback(f, x)[1](1.0),
    lambda f, x: jvp(f, (x,), (np.ones(3),)),
    lambda f, x: hvp(lambda x: f(x) ** 2, x, np.ones(3)),
])  # fmt: skip
def test_every_kind_of_gradient_notices_it(take):
    with NOTICED:
        take(reused, X)


def test_a_gradient_inside_of_a_gradient_notices_it():
    with NOTICED:
        gradient(lambda x: np.sum(gradient(reused, x)[0] * x), X)


def test_what_is_changed_between_a_pullback_and_the_way_back_is_noticed():
    h = np.ones(3)
    y, back = pullback(lambda x: x * h, X)
    assert back(np.ones(3))[0].tolist() == [1.0, 1.0, 1.0]
    h[0] = 5.0

    for _ in range(2):
        with NOTICED:
            back(np.ones(3))


# ------------------------------------------------------------------------------------- what the error says
def test_the_error_names_the_array_the_line_and_what_to_write():
    with pytest.raises(LostGradientError) as caught:
        gradient(reused, X)

    line = reused.__code__.co_firstlineno + 5
    assert str(caught.value) == (
        f"the array h of shape (3,) was overwritten after line {line} of test_overwritten_arrays.py had used it\n"
        "    total = total + np.sum(x * h)\n"
        "and the gradient needs the numbers that it had then. Make a new array each time (h = ..., not h[...] = ...), "
        "or use h.copy() there."
    )


def test_arrays_of_globals_attributes_and_views_have_names():
    class Model:
        def __init__(self):
            self.state = np.zeros(3)

        def __call__(self, x):
            self.state[:] += 1.0
            return x * self.state

    model = Model()
    for f, name in [
        (in_a_global, "BUFFER"),
        (through_a_view, "buffer"),
        (lambda x: np.sum(model(x) + model(x)), "self.state"),
        (in_a_helper, "h"),
    ]:
        with pytest.raises(LostGradientError, match=f"the array {name} of shape"):
            gradient(f, X)
    with pytest.raises(LostGradientError, match=r"an array of shape \(3,\) was overwritten .*\n.*HELD.*\n"):
        gradient(in_a_dictionary, X)


# ------------------------------------------------------------------------------------------ when it is looked
def looked(f, *args):
    """Say whether a call looks at the arrays."""
    seen, before = [], module.checksum
    module.checksum = lambda x: seen.append(x) or before(x)
    try:
        f(*args)
    finally:
        module.checksum = before
    return bool(seen)


def square(x):
    return np.sum(x * x)


def test_each_function_is_looked_at_once():
    assert looked(gradient, square, X) and not looked(gradient, square, X)
    assert not looked(withgradient, square, X)


def test_lambdas_that_are_made_anew_are_looked_at_once():
    def step(y):
        return gradient(lambda x: np.sum(x * y), X)

    assert [looked(step, np.ones(3)) for _ in range(3)] == [True, False, False]


def test_a_lambda_that_calls_another_function_is_looked_at_again():
    def step(loss):
        return gradient(lambda x: loss(x), X)

    def cube(x):
        return np.sum(x**3)

    assert [looked(step, loss) for loss in (square, square, cube, square, cube)] == [True, False, True, False, False]


def test_a_lambda_that_calls_a_model_is_looked_at_for_each_kind_of_model():
    class Scale:
        def __init__(self, y):
            self.y = y

        def __call__(self, x):
            return x * self.y

    class Shift(Scale):
        def __call__(self, x):
            return np.sqrt(x + self.y)

    def step(model):
        return gradient(lambda x: np.sum(model(x)), X)

    models = Scale(X), Scale(2 * X), Shift(X), Scale(X), Shift(X)
    assert [looked(step, model) for model in models] == [True, False, True, False, False]


def test_partial_functions_methods_and_objects_are_looked_at_once():
    class Loss:
        def __init__(self, y):
            self.y = y

        def __call__(self, x):
            return np.sum(x * self.y)

        def method(self, x):
            return np.sum(x / self.y)

    def two(y, x):
        return np.sum(x * y)

    for make in (lambda: functools.partial(two, X), lambda: Loss(X), lambda: Loss(X).method):
        assert [looked(gradient, make(), X) for _ in range(2)] == [True, False]
    assert not looked(gradient, np.sum, X)


def test_the_first_step_of_each_training_is_looked_at():
    W, buffer = Tensor(X), np.zeros(3)

    def loss(x):
        buffer[:] = x
        y = np.sum(W * buffer)
        buffer[:] = 0.0
        return y

    for _ in range(2):
        with NOTICED:
            train_(loss, W, [1.0, 2.0], Descent(0.1), progress="silent")
        with NOTICED:
            train_step_(loss, W, 1.0, Descent(0.1))
    assert np.array_equal(W.data, X)

    def clean(x):
        return np.sum(W * x) + np.sum(W * W)

    for _ in range(2):  # with other data another branch may be taken
        assert looked(lambda: train_(clean, W, [1.0], Descent(0.1), progress="silent"))
    assert not looked(lambda: train_step_(clean, W, 1.0, Descent(0.1)))


def test_checked_ends_with_its_block_also_by_an_exception_and_nests():
    gradient(square, X)
    with checked():
        with checked():
            assert looked(gradient, square, X)
        assert looked(gradient, square, X)
    assert not looked(gradient, square, X)
    with pytest.raises(ZeroDivisionError):
        with checked():
            raise ZeroDivisionError
    assert not looked(gradient, square, X)


def test_a_checked_that_was_never_left_ends_with_its_last_reference():
    gradient(square, X)
    checked().__enter__()

    assert not looked(gradient, square, X)


# ---------------------------------------------------------------------------------------- what is no fault
def never_needed(x):
    h = np.ones(3)
    y = np.sum(x + h)  # a sum needs none of its inputs
    h[:] = 5.0
    return y


def not_in_the_loss(x):
    h = np.ones(3)
    np.sum(x * h)  # looked at and thrown away
    h[:] = 5.0
    return np.sum(x)


def before_its_use(x):
    h = np.ones(3)
    h[:] = 2.0
    return np.sum(x * h)


def put_back(x):
    h = np.ones(3)
    y = np.sum(x * h)
    h[:] = 5.0
    h[:] = 1.0
    return y


def a_new_one(x):
    h, y = np.ones(3), 0.0
    for k in range(3):
        y = y + np.sum(x * h)
        h = h + k
    return y


def a_copy(x):
    h = np.ones(3)
    y = np.sum(x * h.copy())
    h[:] = 5.0
    return y


def nan_stays_nan(x):
    return np.sum(np.where(x > 5, x * np.array([np.nan, 1, 1]), x))


@pytest.mark.parametrize("f", [
    *(never_needed, not_in_the_loss, before_its_use, put_back, a_new_one, a_copy, nan_stays_nan)
], ids=lambda f: f.__name__)  # fmt: skip
def test_nothing_is_said_where_nothing_is_wrong(f):
    with checked():
        first = gradient(f, X)[0]
    assert np.array_equal(first, gradient(f, X)[0], equal_nan=True)


def test_models_checkpoints_and_second_derivatives_pass():
    layer, x = Dense(3, 2, np.tanh, rng=0), np.ones((4, 3))
    with checked():
        gradient(lambda: np.sum(layer(x)), params(layer))
        gradient(lambda x: np.sum(checkpointed(np.exp, x)), X)
        hessian(lambda x: np.sum(x**3) * x[0], X)
        jacobian(lambda x: np.linalg.svd(x)[1], np.diag(X))


# ------------------------------------------------------------------------------- read-only while it is needed
def test_the_numbers_of_recorded_tensors_are_read_only_inside_of_a_gradient():
    seen, W = [], Tensor(X)

    def loss(x):
        y = np.exp(x * W)
        seen.extend([np.asarray(dropgrad(y)), y.data, x.data, y[0].data, dropgrad(y).data, y.T.data])
        for array in seen:
            assert not array.flags.writeable
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0.0
        assert np.ones(3).flags.writeable and Tensor(X).data.flags.writeable
        return np.sum(y)

    (g,) = gradient(loss, X)
    np.testing.assert_allclose(g, X * np.exp(X * X))
    for array in seen:
        array[...] = 0.0  # ordinary outside
    seen.clear()
    gradient(lambda: (loss(W), seen.append(W.data), np.sum(W))[2], params(W))
    assert W.data.flags.writeable and all(array.flags.writeable for array in seen)


def test_writing_into_them_is_an_error_that_says_why():
    def loss(x):
        y = np.exp(x)
        y.data[0] = 0.0
        return np.sum(y)

    with pytest.raises(ValueError, match=r"read-only, as the numbers of recorded .* into a copy, t\.data"):
        gradient(loss, X)


def test_they_are_ordinary_again_after_an_exception_and_after_an_inner_gradient():
    seen = []

    def failing(x):
        seen.append((x * 2).data)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        gradient(failing, X)
    assert seen[0].flags.writeable

    def outer(x):
        y = np.exp(x)
        gradient(lambda z: (seen.append(y.data), np.sum(z * y))[1], np.ones(3))
        assert not seen[-1].flags.writeable  # the outer gradient needs it
        return np.sum(y)

    gradient(outer, X)
    assert seen[-1].flags.writeable


def test_what_was_read_only_before_stays_so():
    x = X.copy()
    x.flags.writeable = False
    seen = []

    gradient(lambda x: (seen.append(x.data), np.sum(x * x))[1], x)

    assert not seen[0].flags.writeable and not x.flags.writeable


def test_what_a_pullback_still_needs_stays_read_only():
    seen = []
    _, back = pullback(lambda x: (seen.append((y := np.exp(x)).data), y)[1], X)

    assert not seen[0].flags.writeable
    assert np.array_equal(back(np.ones(3))[0], np.exp(X))


def test_a_state_that_is_carried_over_can_be_overwritten_outside():
    found = []
    gradient(lambda x: (found.append(dropgrad(np.tanh(x))), np.sum(x))[1], X)

    found[0][...] = 0.0
    found[0].data[0] = 1.0

    assert found[0].tolist() == [1.0, 0.0, 0.0]


def test_constants_and_parameters_of_no_gradient_stay_writable():
    statistics, W = Tensor(np.zeros(3)), Tensor(X)

    def loss(x):
        statistics.data[:] += 1.0
        return np.sum(x * W)

    gradient(loss, X)
    assert statistics.tolist() == [1.0, 1.0, 1.0]


# ------------------------------------------------------------------------------------------- what it costs
def test_looking_keeps_few_bytes_per_array():
    def loss(x):
        for _ in range(2_000):
            x = np.sin(x)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(2_000):
            x = np.sin(x)
        found.append((tracemalloc.get_traced_memory()[0] - before) / 2_000)
        return np.sum(x)

    found = []
    gc.collect()
    tracemalloc.start()
    gradient(loss, np.ones(1))
    gradient(loss, np.ones(1))
    tracemalloc.stop()

    assert found[0] < found[1] + 40
