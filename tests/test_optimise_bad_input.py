"""Odd parameters and gradients: the right answer or a clear refusal, never a lost or doubled step."""

import numpy as np
import pytest
from all_rules import numbers
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad import Grads, Tensor, gradient, params
from minigrad import optimise as o
from minigrad.core.errors import LostGradientError, NonFiniteError, StrangerError

STEP = 0.5  # of Descent(STEP) along a gradient of ones


def ones_step(x, dx=None):
    o.update_(o.Descent(STEP), x, np.ones(x.shape) if dx is None else dx)


# Refused, and the message says why.


@pytest.mark.parametrize(
    "x, why",
    [
        (np.zeros(3, int), "holds no floating-point numbers"),
        (np.zeros(3, bool), "holds no floating-point numbers"),
        (np.zeros(3, object), "holds no floating-point numbers"),
        (np.array(["a"]), "holds no floating-point numbers"),
        (np.zeros(3, [("a", float)]), "holds no floating-point numbers"),
        (np.ma.masked_array(np.zeros(3), [True, False, False]), "masked"),
    ],
)
def test_what_is_no_parameter_is_a_type_error(x, why, either_way):
    with pytest.raises(TypeError, match=why):
        o.update_(o.ADAM(), x, np.ones(x.shape))


@pytest.mark.parametrize("x", [1.5, None, "W", [1.0, 2.0], {"W": np.zeros(2)}])
def test_what_holds_no_parameter_is_a_type_error(x):
    with pytest.raises((TypeError, ValueError), match="parameter"):
        o.update_(o.ADAM(), x, np.ones(2))


def test_a_read_only_parameter_is_refused(either_way):
    x = np.zeros(3)
    x.flags.writeable = False

    with pytest.raises(ValueError, match="read-only.*copy"):
        ones_step(x)


def test_a_parameter_whose_elements_share_memory_is_refused(either_way):
    x = np.lib.stride_tricks.as_strided(np.zeros(1), (5,), (0,))

    with pytest.raises(ValueError, match="share one place in memory"):
        ones_step(x)


@pytest.mark.parametrize("shape", [(2,), (4,), (3, 1), (1, 3), (), (0,)])
def test_a_gradient_of_another_shape_is_refused(shape, either_way):
    x = np.zeros(3)

    with pytest.raises(ValueError, match=r"has shape .* must have the parameter's"):
        ones_step(x, np.ones(shape))
    assert not x.any()


def test_a_gradient_of_another_shape_is_refused_when_there_was_a_step_before(either_way):
    x, opt = np.zeros((2, 3)), o.ADAM()
    o.update_(opt, x, np.ones((2, 3)))

    for bad in [np.ones((3, 2)), np.ones(6), np.ones((2, 3, 1)), np.ones((2, 2))]:
        with pytest.raises(ValueError, match="shape"):
            o.update_(opt, x, bad)


@pytest.mark.parametrize("dx", [np.ones(3, complex), np.array(["a"] * 3), np.array([None] * 3)])
def test_a_gradient_of_another_kind_is_refused(dx, either_way):
    with pytest.raises(TypeError, match="cannot be told as float64"):
        ones_step(np.zeros(3), dx)


def test_a_complex_gradient_says_what_to_write(either_way):
    with pytest.raises(TypeError, match="dx.real"):
        ones_step(np.zeros(3), np.ones(3, complex))


def test_no_gradient_is_refused_for_one_parameter(either_way):
    with pytest.raises(TypeError, match="the gradient of .* is None: the loss does not depend on it"):
        o.update_(o.ADAM(), np.zeros(3), None)


def test_a_parameter_that_grads_does_not_know_is_a_key_error():
    W, b = Tensor(np.ones(2)), Tensor(np.ones(2))
    gs = Grads(params(W), [np.ones(2)])

    with pytest.raises(StrangerError):
        o.update_(o.ADAM(), [W, b], gs)


def test_too_few_gradients_are_refused():
    with pytest.raises(ValueError, match="2 parameters but 1 gradients"):
        o.update_(o.ADAM(), [np.zeros(2), np.zeros(2)], [np.ones(2)])


def test_when_one_parameter_is_refused_none_is_overwritten(either_way):
    first, second = np.zeros(3), np.zeros(3)

    with pytest.raises(ValueError, match="parameter 1 of 2"):
        o.update_(o.Descent(STEP), [first, second], [np.ones(3), np.ones(4)])

    assert not first.any()


def test_overwriting_while_a_gradient_is_taken_is_refused(either_way):
    W = Tensor(np.ones(2))

    def loss():
        o.update_(o.Descent(), W, np.ones(2))
        return np.sum(W)

    with pytest.raises(LostGradientError):
        gradient(loss, params(W))
    assert W.data.tolist() == [1, 1]


@pytest.mark.parametrize("opt", [0.1, None, "ADAM", object()])
def test_what_is_no_optimiser_is_a_type_error_that_shows_how_to_make_one(opt):
    with pytest.raises(TypeError, match="@apply_.register"):
        o.update_(opt, np.zeros(2), np.ones(2))


# Right answers.


def test_parameters_without_a_gradient_are_left_alone(either_way):
    W, b = Tensor(np.zeros(2)), Tensor(np.zeros(2))

    o.update_(o.Descent(STEP), params(W, b), Grads(params(W, b), [None, Tensor(np.ones(2))]))

    assert (W.data.tolist(), b.data.tolist()) == ([0, 0], [-STEP, -STEP])


def test_the_two_argument_form_subtracts(either_way):
    x = np.ones(2, np.float32)

    o.update_(x, np.array([1, 2]))

    assert x.tolist() == [0, -1]


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize(
    "make",
    [
        lambda: np.zeros((6, 8))[::2, 1::3],
        lambda: np.zeros((3, 4)).T,
        lambda: np.zeros((3, 4), order="F"),
        lambda: np.zeros((2, 3, 4)).transpose(1, 2, 0),
        lambda: np.zeros(7)[::-1],
        lambda: np.zeros((3, 4), ">f8"),
        lambda: np.zeros((3, 4), ">f4"),
        lambda: np.zeros((3, 4), np.float16),
        lambda: np.frombuffer(bytearray(8 * 5 + 1), np.float64, 5, 1),
        lambda: np.zeros(()),
        lambda: np.zeros((0, 3)),
        lambda: np.zeros((4, 1)),
        lambda: np.asmatrix(np.zeros((2, 2))),
        lambda: np.zeros((3, 4), np.longdouble),
        lambda: np.zeros((3, 4), np.complex64),
    ],
    ids=[
        "strided",
        "transposed",
        "Fortran",
        "permuted",
        "reversed",
        "big-endian",
        "big-endian-32",
        "float16",
        "unaligned",
        "0-d",
        "empty",
        "column",
        "matrix",
        "longdouble",
        "complex",
    ],
)
@pytest.mark.parametrize("rule", [lambda: o.Descent(0.5), lambda: o.Momentum(0.5, 0.5), lambda: o.ADAM(0.5)])
def test_odd_parameters_get_the_whole_step(make, rule, either_way):
    x, plain = make(), np.zeros(make().shape)
    opt, other = rule(), rule()

    for t in range(3):
        dx = numbers(x.shape, seed=t)
        o.update_(opt, x, dx)
        o.update_(other, plain, dx)

    np.testing.assert_allclose(
        x, plain, rtol=5e-3 if x.dtype == np.float16 else 1e-5, atol=1e-3 * (x.dtype == "f2")
    )


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize(
    "wrap",
    [
        lambda dx: dx[::-1].copy()[::-1],
        lambda dx: np.asfortranarray(dx),
        lambda dx: dx.astype(">f8"),
        lambda dx: dx.astype(np.longdouble),
        lambda dx: dx.tolist(),
        lambda dx: Tensor(dx),
        lambda dx: np.ma.masked_array(dx),
        lambda dx: np.asmatrix(dx),
    ],
    ids=["reversed", "Fortran", "big-endian", "longdouble", "list", "Tensor", "masked", "matrix"],
)
def test_odd_gradients_mean_the_same(wrap, either_way):
    x, dx = np.zeros((3, 4)), numbers((3, 4))

    ones_step(x, wrap(dx))

    assert np.array_equal(x, -STEP * dx)


def test_a_gradient_as_sum_gives_it_is_right(either_way):
    x = np.zeros((3, 4))
    dx = np.broadcast_to(1.0, (3, 4))  # stride 0, read-only

    ones_step(x, dx)

    assert (x == -STEP).all()


@pytest.mark.parametrize("kind", [int, bool, np.float16, np.float32])
def test_narrower_gradients_are_widened(kind, either_way):
    x = np.zeros(3)

    ones_step(x, np.ones(3, kind))

    assert (x == -STEP).all()


def test_a_number_is_a_gradient_of_a_0d_parameter(either_way):
    x = np.array(1.0)

    ones_step(x, 3.0)

    assert x == 1 - 3 * STEP


def test_a_gradient_that_is_the_parameter_itself(either_way):
    x = numbers(50)
    expected = x - STEP * x

    ones_step(x, x)

    assert np.array_equal(x, expected)


@pytest.mark.parametrize("shift", [1, 3, 64])
def test_a_gradient_that_overlaps_its_parameter_is_read_before_it_is_overwritten(shift, either_way):
    for here, there in [(slice(shift, None), slice(None, -shift)), (slice(None, -shift), slice(shift, None))]:
        memory = numbers(500)
        x, dx = memory[here], memory[there]
        expected = x - STEP * dx

        ones_step(x, dx)

        assert np.array_equal(x, expected)


def test_two_parameters_that_share_memory_get_both_steps(either_way):
    memory = np.zeros(6)
    whole, part = memory[:], memory[1::2]

    o.update_(o.Descent(STEP), [whole, part], [np.ones(6), np.ones(3)])

    assert memory.tolist() == [-STEP, -2 * STEP] * 3


def test_a_parameter_listed_twice_with_grads_gets_one_step(either_way):
    W = Tensor(np.zeros(2))

    o.update_(o.Descent(STEP), [W, W], Grads(params(W), [np.ones(2)]))

    assert W.data.tolist() == [-STEP, -STEP]


def test_a_parameter_listed_twice_with_two_gradients_is_refused(either_way):
    x = np.zeros(2)

    with pytest.raises(ValueError, match="listed twice"):
        o.update_(o.Descent(STEP), [x, x], [np.ones(2), np.ones(2)])
    assert not x.any()


def test_one_gradient_shared_by_two_parameters(either_way):
    a, b, dx = np.zeros(3), np.zeros(3), np.ones(3)

    o.update_(o.Momentum(STEP), [a, b], [dx, dx])

    assert a.tolist() == b.tolist() == [-STEP] * 3


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_visible(value, either_way):
    x, dx = np.ones(3), np.array([1.0, value, 1.0])

    ones_step(x, dx)

    assert np.isfinite(x[[0, 2]]).all() and not np.isfinite(x[1])


def test_nan_passes_through_the_clipping_of_values(either_way):
    x = np.zeros(3)

    o.update_(o.Optimiser(o.ClipValue(1), o.Descent(1)), x, np.array([np.nan, np.inf, -5]))

    np.testing.assert_array_equal(x, [np.nan, -1, 1])


def test_parameters_of_several_dtypes_in_one_call(either_way):
    dtypes = [np.float32, np.float64, np.complex64, np.float16]
    together, singly = [numbers(5, d) for d in dtypes], [numbers(5, d) for d in dtypes]
    opt, other = o.ADAM(), o.ADAM()

    for t in range(3):
        grads = [numbers(5, d, seed=t) for d in dtypes]
        o.update_(opt, together, grads)
        for x, dx in zip(singly, grads):
            o.update_(other, x, dx)

    assert all(map(np.array_equal, together, singly))


def test_the_global_norm_is_that_of_parameters_of_several_dtypes_and_layouts(either_way):
    a, b = np.zeros(1, np.float32), np.zeros((2, 2))[:, 0]

    o.update_(o.Optimiser(o.ClipGlobalNorm(1), o.Descent(1)), [a, b], [np.array([3.0]), np.array([4.0, 0.0])])

    np.testing.assert_allclose([a[0], b[0]], [-0.6, -0.8], rtol=1e-7)


def test_gradients_in_the_same_containers_as_the_parameters(either_way):
    model = {"W": np.zeros(2), "rest": [np.zeros(1), (np.zeros(1), np.zeros(3))]}
    grads = {"rest": [np.ones(1), (None, np.ones(3))], "W": np.ones(2)}

    o.update_(o.Descent(STEP), model, {"W": grads["W"], "rest": grads["rest"]})

    assert model["W"].tolist() == [-STEP] * 2 and model["rest"][0][0] == model["rest"][1][1][0] == -STEP
    assert model["rest"][1][0][0] == 0


def test_params_with_the_gradients_of_explicit_arguments(either_way):
    W, b = Tensor(np.ones(2)), Tensor(np.ones(2))

    o.update_(o.Descent(STEP), params(W, b), gradient(lambda W, b: np.sum(W * 2 + b), W, b))

    assert (W.data.tolist(), b.data.tolist()) == ([0, 0], [0.5, 0.5])


@pytest.mark.parametrize("gs, error", [(np.ones(2), TypeError), (0.5, TypeError), ({"other": 1}, KeyError)])
def test_what_holds_no_gradients_is_refused(gs, error):
    W, b = Tensor(np.ones(2)), Tensor(np.ones(2))

    with pytest.raises(error):
        o.update_(o.Descent(), params(W, b), gs)


# Norms.


@pytest.mark.parametrize("rule", [o.ClipNorm, o.ClipGlobalNorm])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_norm_that_is_not_finite_raises_before_anything_moves(rule, value, either_way):
    a, b, opt = np.zeros(2), np.zeros((2, 2)), o.Optimiser(rule(1), o.Momentum())

    with pytest.raises(NonFiniteError, match=r"parameter 1 of 2 \(float64, shape \(2, 2\)\) has norm"):
        o.update_(opt, [a, b], [np.ones(2), np.array([[1, value], [1, 1]])])

    assert not a.any() and not b.any() and (a not in opt[1].velocity or not opt[1].velocity[a].any())


def test_skip_leaves_that_parameter_alone(either_way):
    a, b = np.zeros(2), np.zeros(2)

    o.update_(o.Optimiser(o.ClipNorm(10, "skip"), o.Descent(1)), [a, b], [np.array([np.nan, 1]), np.ones(2)])

    assert (a.tolist(), b.tolist()) == ([0, 0], [-1, -1])


def test_skip_of_the_global_norm_leaves_all_alone(either_way):
    a, b = np.zeros(2), np.zeros(2)

    o.update_(
        o.Optimiser(o.ClipGlobalNorm(10, "skip"), o.Descent(1)), [a, b], [np.array([np.nan, 1]), np.ones(2)]
    )

    assert not a.any() and not b.any()


def test_pass_lets_nan_through(either_way):
    x = np.zeros(2)

    o.update_(o.Optimiser(o.ClipNorm(10, "pass"), o.Descent(1)), x, np.array([np.nan, 1]))

    np.testing.assert_array_equal(x, [np.nan, -1])


def test_the_global_norm_shortens_all_by_the_same_factor(either_way):
    a, b = np.zeros(1), np.zeros(1)

    o.update_(o.Optimiser(o.ClipGlobalNorm(1), o.Descent(1)), [a, b], [np.array([3.0]), np.array([4.0])])

    np.testing.assert_allclose([a[0], b[0]], [-0.6, -0.8])


def test_the_norm_is_that_of_the_gradient_as_it_arrives(either_way):
    x = np.array([1.0, 0.0])

    o.update_(o.Optimiser(o.WeightDecay(3), o.ClipNorm(1), o.Descent(1)), x, np.array([0.0, 4.0]))

    np.testing.assert_allclose(x, [1 - 0.6, -0.8])


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_norms_of_huge_and_tiny_numbers_do_not_overflow(size, either_way):
    x = np.zeros(2)

    o.update_(o.Optimiser(o.ClipNorm(size), o.Descent(1)), x, np.array([3 * size, 4 * size]))

    np.testing.assert_allclose(x, [-0.6 * size, -0.8 * size])


# Nothing prepared goes stale.


def test_replaced_data_of_the_same_shape_is_updated_with_the_old_state(either_way):
    W, opt = Tensor(np.zeros(2)), o.Momentum(1, 0.5)
    o.update_(opt, W, np.ones(2))

    W.data = np.full(2, 10.0)
    o.update_(opt, W, np.ones(2))

    assert W.data.tolist() == [8.5, 8.5]


@pytest.mark.parametrize("data", [np.zeros(5), np.zeros((1, 2)), np.zeros(2, np.float32)])
def test_replaced_data_that_the_state_does_not_fit_is_refused(data, either_way):
    W, opt = Tensor(np.zeros(2)), o.Momentum()
    o.update_(opt, W, np.ones(2))

    W.data = data
    with pytest.raises(ValueError, match="does not fit it.*reset_"):
        o.update_(opt, W, np.ones(data.shape, data.dtype))
    assert not data.any()


def test_state_that_was_replaced_is_used(either_way):
    x, opt = np.zeros(2), o.Momentum(1, 0.5)
    o.update_(opt, x, np.zeros(2))

    opt.velocity[x] = np.full(2, 4.0)
    o.update_(opt, x, np.zeros(2))

    assert x.tolist() == [2, 2]


def test_a_parameter_added_or_left_out_later(either_way):
    a, b, opt = np.zeros(1), np.zeros(1), o.Momentum(1, 0.5)
    one = np.ones(1)

    o.update_(opt, [a], [one])
    o.update_(opt, [a, b], [one, one])
    o.update_(opt, [b], [one])

    assert (a[0], b[0]) == (-2.5, -2.5)


def test_the_same_parameters_in_another_order(either_way):
    a, b, opt = np.zeros(1), np.zeros(1), o.Momentum(1, 0.5)

    o.update_(opt, [a, b], [np.ones(1), np.full(1, 2.0)])
    o.update_(opt, [b, a], [np.full(1, 2.0), np.ones(1)])

    assert (a[0], b[0]) == (-2.5, -5)


def test_a_member_added_to_a_composition(either_way):
    x, opt = np.zeros(1), o.Optimiser(o.Descent(1))
    o.update_(opt, x, np.ones(1))

    opt.append(o.Descent(0.5))
    o.update_(opt, x, np.ones(1))
    opt.os[1] = o.Descent(0.25)
    o.update_(opt, x, np.ones(1))

    assert x[0] == -1.75


# Any layout.

layouts = st.tuples(
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4), st.integers(0, 2**32 - 1)
)


@settings(deadline=None, max_examples=60)
@given(
    layouts,
    st.sampled_from("CF"),
    st.sampled_from("CF"),
    st.booleans(),
    st.sampled_from(["f4", "f8", ">f8", "f2"]),
)
def test_any_shape_and_layout_is_updated_like_a_plain_array(layout, order, grad_order, reverse, dtype):
    shape, seed = layout
    rng = np.random.default_rng(seed)
    x = np.asarray(rng.standard_normal(shape)).astype(dtype, order=order)
    view = x[(..., *[slice(None, None, -1)] * len(shape))] if reverse else x
    plain = np.array(view, np.float32 if dtype == "f2" else np.dtype(dtype).newbyteorder("="))
    dx = np.asarray(rng.standard_normal(shape)).astype(plain.dtype, order=grad_order)

    o.update_(o.Momentum(0.5), view, dx)
    plain -= plain.dtype.type(0.5) * dx

    assert np.array_equal(view, plain.astype(dtype))


def test_addresses_are_never_read_from_what_is_no_array(compiled):
    x, opt = np.zeros(3), o.Descent(STEP)
    o.update_(opt, x, np.ones(3))

    for odd in [[1.0, 1.0, 1.0], (1, 1, 1), range(1, 4)]:
        o.update_(opt, x, odd)

    assert x.tolist() == [-2.0, -2.5, -3.0]


def test_addresses_are_never_read_from_an_empty_tensor(compiled):
    x, opt = Tensor(np.zeros(3)), o.Descent(STEP)
    o.update_(opt, x, np.ones(3))
    hollow = Tensor.__new__(Tensor)

    with pytest.raises(AttributeError):
        o.update_(opt, x, hollow)

    assert x.data.tolist() == [-STEP] * 3
