"""The Tensor: an ndarray with a thin skin outside of a gradient, a recorded value inside."""

import copy
import operator
import pickle

import numpy as np
import pytest

from minigrad import LostGradientError, Tensor, gradient, hessian, params

A = np.array([[1.5, -2.0, 3.0], [0.5, 4.0, -1.0]])
V = np.array([2.0, 0.5, 3.0])
MATRIX = np.eye(3).view(np.matrix)


# ------------------------------------------------------------------------------------------ making one
def test_a_tensor_copies_its_data():
    data = np.zeros(2)

    t = Tensor(data)
    t[0] = 1.0

    assert data[0] == 0


def test_copy_false_shares_the_memory():
    data = np.zeros(2)

    t = Tensor(data, copy=False)
    t[0] = 1.0

    assert data[0] == 1


def test_data_is_the_live_array():
    t = Tensor([1.0, 2.0])

    t.data[1] = 5.0

    assert t[1] == 5.0 and type(t.data) is np.ndarray


def test_data_may_be_bound_to_another_array():
    t = Tensor([1.0, 2.0])

    t.data = np.array([3.0])

    assert t.shape == (1,)


@pytest.mark.parametrize(
    "data, dtype",
    [
        (1, int),
        (1.5, np.float64),
        (1j, np.complex128),
        (True, np.bool_),
        ([1.0, 2], np.float64),
        (np.float32(2), np.float32),
        (np.zeros(2, np.float16), np.float16),
    ],
)
def test_the_dtype_is_that_of_the_data(data, dtype):
    assert Tensor(data).dtype == dtype


def test_the_dtype_can_be_chosen():
    assert Tensor([1, 2], dtype=np.float32).dtype == np.float32


def test_a_tensor_is_made_of_tensors_when_nothing_is_recorded():
    assert np.array_equal(Tensor([Tensor(1.0), 2.0]), [1.0, 2.0])


@pytest.mark.parametrize("data", ["text", None, object(), [{}], np.array(["2020-01-01"], "M8[D]")])
def test_a_tensor_of_anything_but_numbers_is_refused(data):
    with pytest.raises(TypeError, match="Tensor holds numbers"):
        Tensor(data)


@pytest.mark.parametrize("data", [np.ma.array([1.0, 2.0], mask=[0, 1]), MATRIX])
def test_masked_arrays_and_matrices_are_refused_with_what_to_write(data):
    with pytest.raises(TypeError, match=r"filled\(0\).*np.asarray"):
        Tensor(data)


def test_tensor_cannot_be_subclassed_because_a_subclass_would_not_be_recorded():
    with pytest.raises(TypeError, match="params"):

        class Mine(Tensor):
            pass


# --------------------------------------------------------------------------------- asking it questions
@pytest.mark.parametrize("name", ["shape", "dtype", "ndim", "size", "nbytes", "itemsize"])
@pytest.mark.parametrize(
    "data", [A, V.astype(np.float32), np.array(3.0), np.zeros((0, 2)), np.array([1 + 2j])]
)
def test_attributes_are_those_of_the_array(name, data):
    assert getattr(Tensor(data), name) == getattr(data, name)


@pytest.mark.parametrize("name", ["T", "mT", "real", "imag"])
def test_array_attributes_are_tensors_of_the_same_numbers(name):
    for data in (A, A + 2j * A):
        expected = np.swapaxes(data, -1, -2) if name == "mT" else getattr(data, name)
        found = getattr(Tensor(data), name)
        assert isinstance(found, Tensor) and np.array_equal(found, expected)


METHODS = [
    ("sum", (), {}),
    ("sum", (0,), {}),
    ("sum", (), dict(axis=1, keepdims=True)),
    ("sum", ((0, 1),), {}),
    ("prod", (), {}),
    ("prod", (1,), {}),
    ("mean", (), {}),
    ("mean", (0,), dict(keepdims=True)),
    ("var", (), {}),
    ("var", (), dict(axis=1, ddof=1)),
    ("std", (), {}),
    ("std", (0,), {}),
    ("max", (), {}),
    ("max", (1,), {}),
    ("min", (), {}),
    ("min", (), dict(axis=0)),
    ("cumsum", (), {}),
    ("cumsum", (1,), {}),
    ("cumprod", (0,), {}),
    ("all", (), {}),
    ("any", (), dict(axis=0)),
    ("argmax", (), {}),
    ("argmax", (1,), {}),
    ("argmin", (0,), {}),
    ("argsort", (), {}),
    ("argsort", (0,), {}),
    ("argpartition", (1,), {}),
    ("clip", (-1.2, 2.2), {}),
    ("round", (), {}),
    ("round", (1,), {}),
    ("ravel", (), {}),
    ("flatten", (), {}),
    ("squeeze", (), {}),
    ("swapaxes", (0, 1), {}),
    ("repeat", (2,), {}),
    ("repeat", (2, 0), {}),
    ("take", ([0, 5],), {}),
    ("take", ([0, 2], 1), {}),
    ("compress", ([True, False], 0), {}),
    ("diagonal", (), {}),
    ("diagonal", (1,), {}),
    ("trace", (), {}),
    ("dot", (V,), {}),
    ("copy", (), {}),
    ("reshape", (3, 2), {}),
    ("reshape", ((3, 2),), {}),
    ("reshape", (-1,), {}),
    ("reshape", (3, 2), dict(order="F")),
    ("transpose", (), {}),
    ("transpose", (1, 0), {}),
    ("transpose", ((1, 0),), {}),
    ("astype", (np.float32,), {}),
    ("conj", (), {}),
    ("conjugate", (), {}),
    ("item", (1, 2), {}),
    ("item", (4,), {}),
    ("tolist", (), {}),
]


@pytest.mark.parametrize("name, args, kwargs", METHODS, ids=lambda x: str(x) if isinstance(x, str) else "")
def test_a_method_gives_what_it_gives_on_the_array(name, args, kwargs):
    expected = getattr(A, name)(*args, **kwargs)

    found = getattr(Tensor(A), name)(*args, **kwargs)

    assert np.array_equal(found, expected) and np.shape(found) == np.shape(expected)
    assert np.asarray(found).dtype == np.asarray(expected).dtype


def test_nonzero_and_searchsorted_give_positions():
    assert [p.tolist() for p in Tensor([0.0, 3.0, 0.0, 1.0]).nonzero()] == [[1, 3]]
    assert Tensor([1.0, 2.0, 3.0]).searchsorted(2.5) == 2


def test_choose_picks_with_the_positions_that_the_tensor_holds():
    assert np.array_equal(Tensor([1, 0]).choose([[1.0, 2.0], [10.0, 20.0]]), [10.0, 2.0])


@pytest.mark.parametrize(
    "name, args, kwargs",
    [
        m
        for m in METHODS
        if m[0]
        in (
            "sum",
            "prod",
            "mean",
            "var",
            "std",
            "max",
            "min",
            "cumsum",
            "clip",
            "ravel",
            "flatten",
            "swapaxes",
            "repeat",
            "take",
            "compress",
            "diagonal",
            "trace",
            "dot",
            "copy",
            "reshape",
            "transpose",
            "conj",
            "squeeze",
        )
    ],
    ids=lambda x: str(x) if isinstance(x, str) else "",
)
def test_a_method_is_recorded_as_the_function_of_its_name(name, args, kwargs):
    weights = np.arange(1.0, 13.0)

    def loss(a):
        y = getattr(a, name)(*args, **kwargs).ravel()
        return np.sum(weights[: y.size] * y * y)

    (g,) = gradient(loss, A)

    for index in np.ndindex(A.shape):
        step = np.zeros_like(A)
        step[index] = 1e-6
        assert g[index] == pytest.approx(
            (loss(Tensor(A + step)) - loss(Tensor(A - step))).item() / 2e-6, rel=1e-6
        )


def test_len_is_the_length_of_the_first_axis():
    assert len(Tensor(A)) == 2
    with pytest.raises(TypeError, match="without axes"):
        len(Tensor(1.0))


def test_iteration_gives_tensors_row_by_row():
    rows = list(Tensor(A))

    assert all(isinstance(row, Tensor) for row in rows) and np.array_equal(rows[1], A[1])
    with pytest.raises(TypeError, match="without axes"):
        iter(Tensor(1.0))


def test_iteration_can_be_unpacked_reversed_and_enumerated():
    first, *rest = Tensor(V)

    assert float(first) == 2.0 and [float(x) for x in reversed(Tensor(V))] == [3.0, 0.5, 2.0]
    assert len(rest) == 2


def test_in_asks_whether_a_number_occurs():
    assert 4.0 in Tensor(A) and 5.0 not in Tensor(A)


def test_a_tensor_is_hashed_by_identity():
    t, twin = Tensor(V), Tensor(V)

    assert len({t, t, twin}) == 2 and {t: "found"}[t] == "found"


def test_a_whole_number_is_hashed_as_that_number():
    assert {2: "found"}[np.argmax(Tensor(V))] == "found" and Tensor(2) in {2}


def test_truth_is_that_of_the_array():
    assert Tensor(2.0) and not Tensor([0.0])
    with pytest.raises(ValueError, match="ambiguous"):
        bool(Tensor(V))


def test_numbers_come_back_by_conversion():
    t = Tensor(2.0)

    assert float(t) == 2.0 and int(t) == 2 and complex(t) == 2 and t.item() == 2.0 and round(t) == 2.0


def test_a_whole_number_serves_as_an_index():
    assert [10, 20, 30][Tensor(1)] == 20 and list(range(Tensor(3))) == [0, 1, 2]


def test_a_real_number_does_not_serve_as_an_index():
    with pytest.raises(TypeError, match="integer"):
        [10, 20][Tensor(1.0)]


def test_asarray_outside_of_a_gradient_gives_the_live_array():
    t = Tensor(V)

    assert np.asarray(t) is t.data and np.array(t) is not t.data
    assert np.asarray(t, dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize(
    "data, text",
    [
        ([1.0, 2.0], "Tensor([1., 2.])"),
        (2.0, "Tensor(2.)"),
        ([1 + 2j], "Tensor([1.+2.j])"),
        (np.float32([1]), "Tensor([1.], dtype=float32)"),
        ([1, 2], f"Tensor([1, 2], dtype={np.dtype(int)})"),
    ],
)
def test_repr_reads_like_the_call_that_makes_it(data, text):
    assert repr(Tensor(data)) == text


def test_repr_of_a_large_tensor_is_short():
    assert len(repr(Tensor(np.zeros((1000, 1000))))) < 500


def test_format_takes_the_format_of_numbers():
    assert f"{Tensor(1.23456):.2f} {Tensor(2.0)} {Tensor([1.0])}" == "1.23 Tensor(2.) Tensor([1.])"


# ------------------------------------------------------------------------------------ copying it
@pytest.mark.parametrize("twin_of", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
@pytest.mark.parametrize("data", [V, np.float32(1), np.asfortranarray(A), np.zeros((0, 3)), np.array([1j])])
def test_copies_and_pickles_hold_the_same_numbers_in_memory_of_their_own(twin_of, data):
    t = Tensor(data)

    twin = twin_of(t)

    assert np.array_equal(twin, t) and twin.dtype == t.dtype
    assert not np.shares_memory(twin.data, t.data)


def test_deepcopy_keeps_a_tied_weight_tied():
    W = Tensor(V)

    a, b = copy.deepcopy([W, W])

    assert a is b and a is not W


# --------------------------------------------------------------------------------------- operators
BINARY = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.pow,
    operator.floordiv,
    operator.mod,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
    operator.eq,
    operator.ne,
]
OTHERS = [
    2.5,
    2,
    np.float64(2.5),
    np.float32(2.5),
    np.int64(2),
    V,
    V.astype(np.float32),
    [1.0, 2.0, 4.0],
    (1, 2, 4),
]


@pytest.mark.parametrize("operate", BINARY, ids=lambda f: f.__name__)
@pytest.mark.parametrize("other", OTHERS, ids=lambda x: type(x).__name__)
def test_an_operator_gives_what_it_gives_on_the_array_on_either_side(operate, other):
    array = np.array([[1.0, 2.5, 4.0], [3.0, 0.5, 2.0]])
    t = Tensor(array)

    for found, expected in [
        (operate(t, other), operate(array, np.asarray(other) if isinstance(other, (list, tuple)) else other)),
        (operate(other, t), operate(np.asarray(other) if isinstance(other, (list, tuple)) else other, array)),
    ]:
        assert np.array_equal(found, expected) and found.dtype == expected.dtype


@pytest.mark.parametrize("operate", BINARY[:5] + [operator.mod], ids=lambda f: f.__name__)
@pytest.mark.parametrize("other", OTHERS, ids=lambda x: type(x).__name__)
def test_an_operator_is_recorded_on_either_side(operate, other):
    x = np.array([1.2, 2.6, 3.7])
    plain = np.asarray(other) if isinstance(other, (list, tuple)) else other
    h = 1e-6

    (left,) = gradient(lambda x: np.sum(operate(x, other)), x)
    (right,) = gradient(lambda x: np.sum(operate(other, x)), x)

    assert left == pytest.approx(
        (operate(x + h, plain) - operate(x - h, plain)) / (2 * h), rel=1e-6, abs=1e-8
    )
    assert right == pytest.approx(
        (operate(plain, x + h) - operate(plain, x - h)) / (2 * h), rel=1e-6, abs=1e-8
    )


def test_matmul_is_recorded_on_either_side_of_arrays_and_lists():
    for other in (V, V.tolist(), tuple(V)):
        assert np.array_equal(gradient(lambda x, other=other: x @ other, V + 1)[0], V)
        assert np.array_equal(gradient(lambda x, other=other: other @ x, V + 1)[0], V)


def test_divmod_gives_quotient_and_remainder():
    quotient, remainder = divmod(Tensor([7.0, -7.0]), 2.0)

    assert np.array_equal(quotient, [3.0, -4.0]) and np.array_equal(remainder, [1.0, 1.0])
    assert gradient(lambda x: divmod(x, 2.0)[1] + divmod(9.0, x)[1], 4.0) == (-1.0,)


def test_signs_and_absolute_values():
    t = Tensor([-1.5, 2.0])

    assert np.array_equal(-t, [1.5, -2.0]) and np.array_equal(+t, t) and np.array_equal(abs(t), [1.5, 2.0])


# What has no gradient: with numpy's answer for V in place of t.
CONSTANTS = """t > 1; 1 < t; t >= V; t <= 2; t == V; t != V; (t > 1) & (t < 3); ~(t > 1); V > t; (t > 1) ^ True
    np.greater(t, 1); np.isnan(t); np.isfinite(t); np.logical_and(t, V); np.equal(V, t); np.isclose(t, V)
    np.all(t); (t > 1).sum(); np.sum(t > 1); np.mean(t > 1); np.count_nonzero(t, axis=0); np.argmax(t)
    np.argsort(t); np.nonzero(t); np.searchsorted(V, t); np.zeros_like(t); np.digitize(t, np.sort(V))
    np.floor(t); np.round(t); t.argmin(); t[0] > 1; np.where(t > 1); np.unravel_index(np.argmax(t), (1, 3))"""
CONSTANTS = [text.strip() for line in CONSTANTS.splitlines() for text in line.split(";")]


@pytest.mark.parametrize("expression", CONSTANTS)
def test_what_has_no_gradient_gives_constant_tensors(expression):
    seen = []

    def look(t):
        y = eval(expression, {"t": t, "np": np, "V": V})
        seen.extend(y if isinstance(y, tuple) else [y])
        return np.sum(t)

    look(Tensor(V))
    gradient(look, V)
    gradient(lambda s: gradient(lambda t: look(s) * t + look(s * t), 1.0)[0], V)  # s is recorded further out

    expected = eval(expression, {"t": V, "np": np, "V": V})
    expected = 4 * (list(expected) if isinstance(expected, tuple) else [expected])
    for y, wanted in zip(seen, expected, strict=True):
        assert type(y) is Tensor and y.tape is None
        assert y.dtype == wanted.dtype and y.shape == wanted.shape and np.array_equal(y, wanted)


@pytest.mark.parametrize(
    "expression", ["np.shape(t)", "np.ndim(t)", "np.size(t)", "np.allclose(t, V)", "np.array_str(t)", "len(t)"]
)
def test_numbers_shapes_and_texts_of_python_stay_what_they_are(expression):
    found, expected = (eval(expression, {"t": t, "np": np, "V": V}) for t in (Tensor(V), V))

    assert found == expected and type(found) is type(expected)


CONSTANTS_AT_WORK = [
    lambda x: x[x > 1].sum(),
    lambda x: (x * (x > 1)).sum(),
    lambda x: ((x > 1) * x).sum(),
    lambda x: np.where(x > 1, x, 0).sum(),
    lambda x: (x * np.asarray(x > 1)).sum(),
    lambda x: (x * V.astype(bool)[x > 1].sum() / 2).sum() - x[1],
    lambda x: x[0] + x[2] if (x > 0).all() else x[1],
    lambda x: sum(x[i] for i in range(3) if x[i] > 1),
    lambda x: x[np.argmax(x)] + x[np.argsort(x)[1]],
    lambda x: x[[0, 1, 2][np.argmax(x)]] + x[0],
    lambda x: sum(x[i] for i in range(np.argmax(x) + 1)) - x[np.argmin(x)],
    lambda x: sum(sorted(x)[1:]),
    lambda x: x[0] + x[2] if x[0] in [x[1], x[0]] else x[1],
    lambda x: x[0] + x[2] if x[2] == max(x) else x[1],
    lambda x: {0: x[0], 2: x[0] + x[2]}[np.argmax(x)],
    lambda x: x[2] * float(np.argmax(x)) / 2 + x[0] * np.sum(x > 1).item() / 2,
    lambda x: np.sum(x, where=x > 1),
    lambda x: np.compress(x > 1, x).sum() * (f"{(x > 1).sum():d}" == "2"),
    lambda x: np.sum(x[np.nonzero(x > 1)]),
    lambda x: np.sum(np.extract(x > 1, x)),
]


@pytest.mark.parametrize("loss", CONSTANTS_AT_WORK)
def test_constants_work_inside_a_gradient_and_inside_two(loss):
    assert gradient(loss, V)[0].tolist() == [1.0, 0.0, 1.0]
    assert hessian(lambda x: loss(x) ** 2, V)[:, 0].tolist() == [2.0, 0.0, 2.0]


def test_a_mask_is_compared_by_numpys_tests():
    np.testing.assert_array_equal(Tensor(V) > 1, [True, False, True])
    np.testing.assert_allclose(np.floor(Tensor(V)), [2.0, 0.0, 3.0])


def test_a_mask_is_no_parameter():
    with pytest.raises(TypeError, match="bool"):
        params(Tensor(V) > 1)


def test_comparison_with_what_is_no_number_is_not_an_error():
    assert not np.any(Tensor(V) == "text") and np.all(Tensor(V) != None)  # noqa: E711


@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.divide, np.maximum, np.arctan2, np.hypot])
def test_ufuncs_take_tensors_at_either_place(ufunc):
    assert np.array_equal(ufunc(Tensor(A), V), ufunc(A, V)) and np.array_equal(
        ufunc(V, Tensor(A)), ufunc(V, A)
    )


def test_ufunc_methods_work():
    assert np.array_equal(np.add.reduce(Tensor(A)), A.sum(0))  # axis 0 unless told otherwise
    assert np.array_equal(np.multiply.outer(Tensor(V), V), np.multiply.outer(V, V))
    assert np.array_equal(np.add.accumulate(Tensor(V)), np.cumsum(V))


def test_a_function_given_its_argument_by_name_is_recorded():
    assert gradient(lambda x: np.sum(a=x * x), np.array([1.0, 2.0]))[0].tolist() == [2.0, 4.0]


def test_results_outside_of_a_gradient_are_tensors_even_without_axes():
    assert isinstance(np.sum(Tensor(V)), Tensor) and isinstance(Tensor(V)[0], Tensor)


def test_float32_stays_float32_with_pythons_numbers():
    t = Tensor(V, dtype=np.float32)

    assert (2.5 * t / 3 + 1).dtype == np.float32 and np.exp(t).dtype == np.float32


# -------------------------------------------------------------------------------------- overwriting
def test_minus_equals_makes_a_new_tensor_as_in_julia():
    W = Tensor(V)
    V2 = W

    W -= 1.0

    assert W is not V2 and np.array_equal(V2, V)


def test_assignment_by_index_overwrites():
    W = Tensor(A)

    W[0, 1] = 9.0
    W[1] = Tensor([7.0, 7.0, 7.0])
    W[W.data < 2] = 0.0

    assert W.tolist() == [[0.0, 9.0, 3.0], [7.0, 7.0, 7.0]]


def test_out_may_be_a_tensor_outside_of_a_gradient():
    W = Tensor(V)

    y = np.add(V, 1.0, out=W)

    assert y is W and np.array_equal(W, V + 1)


def test_out_may_be_an_ndarray_that_receives_tensors_outside_of_a_gradient():
    array = np.zeros(3)

    np.multiply(Tensor(V), 2.0, out=array)
    array += Tensor(V)

    assert np.array_equal(array, 3 * V)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda a, x: np.add(a, x, out=a),
        lambda a, x: operator.iadd(a, x),
        lambda a, x: np.multiply(x, 2.0, out=a),
    ],
)
def test_writing_a_recorded_tensor_into_an_ndarray_is_refused(attempt):
    with pytest.raises(LostGradientError, match="a = a \\+ t"):
        gradient(lambda x: np.sum(attempt(np.zeros(3), x)), V)


def test_writing_constants_into_an_ndarray_is_fine_inside_a_gradient():
    W = Tensor(V)

    def loss(x):
        total = np.zeros(3)
        total += W
        total[0] = W[1]
        return np.sum(x * total)

    assert gradient(loss, np.ones(3))[0].tolist() == [0.5, 0.5, 3.0]


@pytest.mark.parametrize(
    "attempt",
    [
        lambda t: operator.setitem(t, 0, 1.0),
        lambda t: operator.setitem(t, ..., 1.0),
        lambda t: setattr(t, "data", V),
        lambda t: np.add(V, 1.0, out=t),
    ],
)
def test_overwriting_a_tensor_inside_a_gradient_is_refused_and_changes_nothing(attempt):
    W = Tensor(V)

    with pytest.raises(LostGradientError, match="cannot be overwritten while a gradient is taken"):
        gradient(lambda: (attempt(W), np.sum(W))[1], params(W))

    assert np.array_equal(W, V)


def test_a_constant_can_be_filled_inside_a_gradient_until_it_is_used():
    def loss(x, again=False):
        weights, mask = np.zeros_like(x), x > 0.7
        weights[1:] = 2.0
        mask[np.argmin(x)] = True
        weights[mask & (x < 1)] = Tensor(5.0)
        y = np.sum(x * weights)
        if again:
            weights[0] = 9.0
        return y

    assert gradient(loss, V)[0].tolist() == [0.0, 5.0, 2.0]
    with pytest.raises(LostGradientError, match="the tape may still need its numbers"):
        gradient(lambda x: loss(x, again=True), V)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda x, w: operator.setitem(w, 0, x[0]),
        lambda x, w: operator.setitem(w, slice(None), [1.0, 2.0, x[0]]),
        lambda x, w: operator.setitem(w[1:], 0, 1.0),
        lambda x, w: (x * w, operator.setitem(w, 1, 1.0)),
        lambda x, w: (x * w.reshape(3), operator.setitem(w, 1, 1.0)),
        lambda x, w: (x * w, w.fill(1.0)),
        lambda x, w: (x * w, w.sort()),
    ],
)
def test_a_constant_never_loses_a_gradient_and_never_changes_under_a_tape(attempt):
    with pytest.raises(LostGradientError, match=r"t\[...\] = x"):
        gradient(lambda x: (attempt(x, np.zeros_like(x)), np.sum(x))[1], V)


@pytest.mark.parametrize(
    "fill",
    [
        lambda w: w.fill(1.0),
        lambda w: np.add(w, 1.0, out=w),
        lambda w: np.add.at(w, [0, 1, 2], 1.0),
        lambda w: (w.fill(1.0), w.sort()),
    ],
)
def test_what_writes_into_arrays_writes_into_constants_until_they_are_used(fill):
    def loss(x, before=False):
        w = np.zeros_like(x)
        y = x * w if before else x
        fill(w)
        return np.sum(y * w)

    assert gradient(loss, V)[0].tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(LostGradientError, match="the tape may still need its numbers"):
        gradient(lambda x: loss(x, before=True), V)


def test_sorting_and_filling_overwrite():
    W = Tensor(V)

    W.sort()
    assert W.tolist() == [0.5, 2.0, 3.0] and [float(x) for x in Tensor(A).flat] == A.ravel().tolist()
    W.fill(7.0)
    assert W.tolist() == [7.0, 7.0, 7.0]


def test_in_place_operators_inside_a_gradient_make_new_tensors():
    def loss(x):
        y = x
        y += 1.0
        y *= x
        return np.sum(y)

    assert np.array_equal(gradient(loss, V)[0], 2 * V + 1)


# --------------------------------------------------------------------------------------- indexing
INDICES = [
    1,
    -1,
    slice(None),
    slice(None, None, -1),
    (0, 2),
    (slice(None), 1),
    ...,
    (..., 0),
    None,
    (None, 1),
    [0, 0, 1],
    np.array([[0, 1], [1, 0]]),
    (np.array([0, 1]), np.array([2, 2])),
    A > 1,
    (0, [0, 0, 2]),
    (),
    np.int64(1),
    (slice(None), [True, False, True]),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_reading_gives_what_it_gives_on_the_array(index):
    found = Tensor(A)[index]

    assert np.array_equal(found, A[index]) and found.shape == A[index].shape


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_reading_is_recorded_and_repeated_indices_add_up(index):
    expected = np.zeros_like(A)
    np.add.at(expected, index, 1.0)

    assert np.array_equal(gradient(lambda a: np.sum(a[index] * 1.0), A)[0], expected)


def test_a_tensor_of_positions_serves_as_index():
    assert np.array_equal(Tensor(V)[Tensor([2, 0])], V[[2, 0]])
    assert np.array_equal(V[Tensor([2, 0]).data], V[[2, 0]])
    assert np.array_equal(Tensor(V)[Tensor(V) > 1], V[V > 1])


def test_an_index_out_of_range_is_numpys_error():
    with pytest.raises(IndexError, match="out of bounds"):
        gradient(lambda x: x[7], V)


# ------------------------------------------------------------------------- types of other people
class Polite:
    """An array of another library, which computes with whatever it meets."""

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return "Polite", ufunc.__name__

    def __array_function__(self, function, types, args, kwargs):
        return "Polite", function.__name__

    def __mul__(self, other):
        return np.multiply(self, other)

    def __rmul__(self, other):
        return np.multiply(other, self)


class Shy:
    """A type that wants NumPy to keep away, and has operators of its own."""

    __array_ufunc__ = None

    def __add__(self, other):
        return "Shy"

    __radd__ = __mul__ = __rmul__ = __matmul__ = __rmatmul__ = __truediv__ = __rtruediv__ = __add__


@pytest.mark.parametrize("operate", [operator.add, operator.mul, operator.matmul, operator.truediv])
def test_types_that_opt_out_of_ufuncs_get_their_turn_on_either_side(operate):
    for t in (Tensor(V), Tensor(1.0)):
        assert operate(t, Shy()) == "Shy" and operate(Shy(), t) == "Shy"


def test_types_that_opt_out_get_their_turn_inside_a_gradient_too():
    seen = []

    gradient(lambda x: (seen.append((x + Shy(), Shy() * x)), np.sum(x))[1], V)

    assert seen == [("Shy", "Shy")]


def test_other_array_libraries_get_their_turn_on_either_side():
    t = Tensor(V)

    assert t * Polite() == Polite() * t == np.multiply(t, Polite()) == ("Polite", "multiply")
    assert np.dot(t, Polite()) == ("Polite", "dot")


def test_comparison_with_a_type_that_opts_out_is_identity():
    assert (Tensor(V) == Shy()) is False


def test_objects_that_only_look_like_arrays_are_converted():
    class Duck:
        def __array__(self, dtype=None, copy=None):
            return np.array([1.0, 2.0, 4.0])

    assert np.array_equal(Tensor(V) * Duck(), V * [1, 2, 4])
    assert np.array_equal(gradient(lambda x: np.sum(x * Duck()), V)[0], [1, 2, 4])


@pytest.mark.parametrize(
    "multiply",
    [
        lambda x, m: x * m,
        lambda x, m: m * x,
        lambda x, m: np.multiply(x, m),
        lambda x, m: np.dot(m, x),
        lambda x, m: np.ma.multiply(x, m),
    ],
)
@pytest.mark.parametrize("m", [np.ma.array(np.eye(3), mask=np.eye(3)), MATRIX], ids=["masked", "matrix"])
def test_masked_arrays_and_matrices_never_lose_a_gradient_silently(multiply, m):
    with pytest.raises(TypeError):
        gradient(lambda x: np.sum(multiply(x, m)), V)


def test_masked_arrays_compute_with_tensors_outside_of_a_gradient():
    product = np.ma.array([1.0, 2.0], mask=[False, True]) * Tensor([5.0, 5.0])

    assert product.tolist() == [5.0, None]


def test_a_number_that_escaped_from_a_gradient_can_be_overwritten_as_any_tensor():
    found = []
    gradient(lambda x: (found.append(x * 2), x)[1], 3.0)

    found[0][...] = 5.0

    assert float(found[0]) == 5.0
