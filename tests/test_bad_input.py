"""Bad input: each is refused with what happened, why, and what to write instead, and nothing is half done."""

import math

import numpy as np
import pytest

from minigrad import (
    Descent,
    LostGradientError,
    MinigradError,
    NoDerivativeError,
    Params,
    StrangerError,
    Tensor,
    gradient,
    jacobian,
    params,
    pullback,
    update_,
    withgradient,
)
from minigrad.derivatives import REFUSED, ROWS
from minigrad.core.tape import active_tape

X = np.array([1.0, 2.0, 3.0])


def refusal(error, f, *args, **kwargs):
    """Return the message with which a call is refused."""
    with pytest.raises(error) as caught:
        f(*args, **kwargs)
    assert active_tape() is None
    return str(caught.value)


# ------------------------------------------------------------------------------------------ the loss
NOT_ONE_NUMBER = {
    "vector": (lambda x: x * 2, r"shape \(3,\).*np.sum or np.mean.*jacobian"),
    "array of one": (lambda x: x[:1], r"shape \(1,\).*np.sum or np.mean"),
    "plain array": (lambda x: X, r"shape \(3,\)"),
    "empty": (lambda x: x[:0], r"shape \(0,\)"),
    "complex": (lambda x: np.sum(x) * 1j, r"complex.*np.abs\(z\) \*\* 2"),
    "plain complex": (lambda x: 1j, "complex"),
    "none": (lambda x: None, "returned None; did you forget return"),
    "string": (lambda x: "a loss", r"one real number.*'a loss' \(str\)"),
    "list": (lambda x: [np.sum(x)], r"one real number.*\(list\)"),
    "dict": (lambda x: {"loss": np.sum(x)}, r"one real number.*\(dict\)"),
    "comparison": (lambda x: np.sum(x) > 2, r"one real number.*bool"),
    "boolean": (lambda x: True, r"one real number.*\(bool\)"),
    "function": (lambda x: np.sum, "one real number"),
    "generator": (lambda x: (v for v in x), r"one real number.*\(generator\)"),
}


@pytest.mark.parametrize("f, message", NOT_ONE_NUMBER.values(), ids=NOT_ONE_NUMBER)
@pytest.mark.parametrize("take", [gradient, withgradient])
def test_a_loss_that_is_not_one_real_number_is_refused(take, f, message):
    W = Tensor(X)

    for said in (refusal(TypeError, take, f, X), refusal(TypeError, take, lambda: f(W), params(W))):
        assert said.startswith(take.__name__) and __import__("re").search(message, said)


@pytest.mark.parametrize("take", [gradient, withgradient, pullback, jacobian])
@pytest.mark.parametrize("f", [2.0, X, Tensor(2.0), None, "loss", [np.sum]])
def test_what_is_no_function_is_refused(take, f):
    said = refusal(TypeError, take, f, 1.0)

    assert said.startswith(f"{take.__name__}: the first argument must be a function")


def test_a_loss_given_as_its_value_is_told_to_become_a_function():
    W = Tensor(X)

    said = refusal(TypeError, gradient, np.sum(W), params(W))

    assert "gradient(lambda: loss(x), ps)" in said and "the tape records while it runs" in said


@pytest.mark.parametrize("take", [gradient, withgradient, pullback, jacobian])
def test_a_gradient_with_respect_to_nothing_is_refused_before_the_function_runs(take):
    said = refusal(TypeError, take, lambda x: 1 / 0)

    assert "with respect to what" in said and f"{take.__name__}(f, params(W, b))" in said


def test_a_function_of_other_arguments_is_pythons_own_error():
    assert "positional argument" in refusal(TypeError, gradient, lambda x: x, params(Tensor(1.0)))
    assert "positional argument" in refusal(TypeError, gradient, lambda: 1.0, 2.0)


# -------------------------------------------------------------------------- what is differentiated
def test_plain_arrays_given_to_params_are_told_to_become_tensors():
    said = refusal(TypeError, params, X)

    assert "a plain ndarray of shape (3,)" in said and "constant" in said and "W = Tensor(W)" in said


@pytest.mark.parametrize("dtype", [int, bool, np.uint8])
def test_parameters_of_whole_numbers_and_booleans_are_refused(dtype):
    W = Tensor(np.ones(2), dtype=dtype)

    for collect in (params, lambda W: Params([W]), lambda W: params({"W": W})):
        said = refusal(TypeError, collect, W)
        assert str(np.dtype(dtype)) in said and "Tensor(x, dtype=float)" in said


@pytest.mark.parametrize(
    "x", [np.array([1.0, None]), np.array([{}]), np.array([(1.0,)], [("a", float)])], ids=str
)
@pytest.mark.parametrize("take", [gradient, withgradient, pullback, jacobian])
def test_arrays_of_objects_and_records_are_refused_as_arguments(take, x):
    assert "make it one of numbers" in refusal(TypeError, take, lambda x: 1.0, x)


def test_tensors_of_objects_are_refused():
    assert "Tensor holds numbers" in refusal(TypeError, Tensor, np.array([1.0, None]))


@pytest.mark.parametrize("x", [np.ma.array([1.0, 2.0], mask=[False, True]), np.eye(2).view(np.matrix)])
def test_masked_arrays_and_matrices_are_refused_as_arguments(x):
    said = refusal(TypeError, gradient, np.sum, x)

    assert "filled(0)" in said and "np.asarray" in said


def test_an_object_that_holds_tensors_is_refused_as_an_argument_whose_gradient_would_be_none():
    class Model:
        def __init__(self):
            self.W = Tensor(X)

        def __call__(self, x):
            return np.sum(self.W * x)

    model = Model()

    for argument in (model, [model], model.__call__):
        said = refusal(TypeError, gradient, lambda m: 1.0, argument)
        assert "params(model)" in said and "dataclass" in said


def test_params_among_other_arguments_are_refused():
    ps = params(Tensor(1.0))

    for args in ((ps, 1.0), ([ps],), (1.0, ps)):
        assert "Params stand alone" in refusal(TypeError, gradient, lambda *args: 1.0, *args)


# ------------------------------------------------------------------------ while a gradient is recorded
def test_assigning_into_a_tensor_says_what_to_write_and_leaves_it_as_it_was():
    W = Tensor(X)

    def loss():
        W[0] = 5.0
        return np.sum(W)

    said = refusal(LostGradientError, gradient, loss, params(W))

    assert (
        "np.where" in said and "minigrad.array" in said and "Buffer" in said and "test_bad_input.py" in said
    )
    assert W.tolist() == X.tolist()


def test_update_inside_a_gradient_is_refused():
    W = Tensor(X)

    for update in (lambda: update_(W, X), lambda: update_(Descent(0.1), W, X)):
        said = refusal(LostGradientError, gradient, lambda update=update: (update(), np.sum(W))[1], params(W))
        assert said.startswith("update_") and W.tolist() == X.tolist()


@pytest.mark.parametrize(
    "convert, instead",
    [
        (float, "np.exp(t) for math.exp(t)"),
        (math.exp, "np.exp(t) for math.exp(t)"),
        (int, "t.data"),
        (lambda t: np.array([t, t]), "minigrad.array([t, u])"),
        (np.asarray, "NumPy's functions on the Tensor itself"),
        (lambda t: np.mean([t, t]), "np.stack([t, u])"),
    ],
)
def test_conversions_name_the_operation_the_line_and_what_to_write(convert, instead):
    said = refusal(LostGradientError, gradient, lambda t: (convert(t), t)[1], 2.0)

    assert instead in said and "line " in said and "test_bad_input.py" in said and "lost" in said


def test_the_errors_can_be_caught_as_python_programmers_expect():
    assert issubclass(LostGradientError, (TypeError, MinigradError)) and issubclass(StrangerError, KeyError)
    assert issubclass(NoDerivativeError, NotImplementedError)


def test_a_function_that_is_refused_says_why():
    for function, reason in list(REFUSED.items())[:3]:
        assert reason and function not in ROWS
    said = refusal(NoDerivativeError, gradient, lambda x: (np.copyto(np.zeros(3), x), np.sum(x))[1], X)
    assert said.startswith("np.copyto") and REFUSED[np.copyto] in said


# --------------------------------------------------------------------------------- asking for gradients
def test_a_stranger_an_equal_copy_and_a_number_are_told_apart():
    W = Tensor(X)
    grads = gradient(lambda: np.sum(W), params(W))

    assert "apart by identity" in refusal(KeyError, grads.__getitem__, Tensor(X))
    assert "Tensor(3,)" in refusal(KeyError, grads.__getitem__, W[:])
    assert "ndarray(3,)" in refusal(KeyError, grads.__getitem__, W.data)
    assert "grads[W]" in refusal(TypeError, grads.__getitem__, 0)


# --------------------------------------------------------------------------------- updates of parameters
@pytest.mark.parametrize("opt", [(), (Descent(0.1),)], ids=["step", "Descent"])
@pytest.mark.parametrize(
    "dx, error",
    [
        (np.ones(2), ValueError),
        (np.ones((3, 1)), ValueError),
        (1j * np.ones(3), TypeError),
        (np.array(["a", "b", "c"]), TypeError),
        (np.ones(0), ValueError),
        (np.array([None] * 3), TypeError),
    ],
)
def test_an_update_whose_shape_or_dtype_does_not_fit_changes_nothing(opt, dx, error):
    W = Tensor(X)

    said = refusal(error, update_, *opt, W, dx)

    assert said.startswith("update_") and W.tolist() == X.tolist()


def test_an_update_of_whole_numbers_or_of_a_number_is_refused():
    refusal(TypeError, update_, Descent(0.1), Tensor([1, 2]), np.ones(2))
    assert "Tensor" in refusal(TypeError, update_, 1.0, 0.5)


def test_an_update_of_a_read_only_parameter_is_refused_and_no_other_is_updated():
    W, b = Tensor(X), Tensor(X)
    b.data.setflags(write=False)
    grads = gradient(lambda: np.sum(W * b), params(W, b))

    said = refusal(ValueError, update_, Descent(0.1), params(W, b), grads)

    assert "read-only" in said and W.tolist() == X.tolist()


def test_an_update_with_the_gradients_of_other_parameters_is_refused_and_changes_nothing():
    W, b = Tensor(X), Tensor(X)
    grads = gradient(lambda: np.sum(W), params(W))

    refusal(KeyError, update_, Descent(0.1), params(W, b), grads)

    assert W.tolist() == X.tolist()


def test_parameters_without_a_gradient_are_left_alone():
    W, b = Tensor(X), Tensor(X)

    update_(Descent(1.0), params(W, b), gradient(lambda: np.sum(W), params(W, b)))

    assert W.tolist() == (X - 1).tolist() and b.tolist() == X.tolist()


# ------------------------------------------------------------------------------- shapes that do not fit
A, TALL = Tensor(np.ones((3, 4))), np.ones((3, 4))

UNFIT = {
    "W @ x": (lambda a: a @ np.ones(2), r"shapes \(3, 4\) and \(2,\).* length 4, the only axis of b 2"),
    "x @ W": (lambda a: np.ones(4) @ a, r"shapes \(4,\) and \(3, 4\).*last but one axis of b 3.*fits: b @ a, a @ b\.T"),
    "W @ W": (lambda a: a @ a, r"What fits: a\.T @ b, a @ b\.T, b\.T @ a$"),
    "np.matmul": (lambda a: np.matmul(a, np.ones((3, 2))), r"What fits: a\.T @ b, b\.T @ a$"),
    "W + x": (lambda a: a + np.ones(3), r"shapes \(3, 4\) and \(3,\) are compared.*b\[:, None\] is a column"),
    "x * W": (lambda a: np.ones(3) * a, r"shapes \(3,\) and \(3, 4\).*a\[:, None\] is a column"),
    "W ** W": (lambda a: a ** a[:2], r"shapes \(3, 4\) and \(2, 4\) are compared"),
    "np.maximum": (lambda a: np.maximum(a, np.ones(5)), r"shapes \(3, 4\) and \(5,\) are compared"),
}


@pytest.mark.parametrize("inside", [False, True], ids=["outside", "inside"])
@pytest.mark.parametrize("f, hint", UNFIT.values(), ids=UNFIT)
def test_what_numpy_says_of_shapes_comes_first_and_what_they_mean_after_it(f, hint, inside):
    with pytest.raises(ValueError) as numpys:
        f(TALL)
    with pytest.raises(ValueError, match=hint) as ours:
        gradient(lambda a: np.sum(f(a)), A) if inside else f(A)

    text = str(ours.value)
    assert text.startswith(str(numpys.value).rstrip()) or "not aligned" in text  # of a.dot(b), which is quicker
    assert text.count(" fits: ") <= 1 and "\n" not in text
