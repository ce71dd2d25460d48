"""What a program does by which a Tensor would become plain numbers: taken as it is meant, or refused by name."""

import math
import re
import subprocess
import sys
import textwrap
from functools import partial

import numpy as np
import pytest
from test_derivatives import CASES, drawn, loss_of

from minigrad import Descent, LostGradientError, NoDerivativeError, Tensor, copy_, gradient, params, pullback, train_
from minigrad.data import DataLoader

X = np.array([1.0, 2.0, 3.0])
A = np.arange(9.0).reshape(3, 3)
M = A.view(np.matrix)
MASKED = np.ma.array(X, mask=[0, 1, 0])
OBJECTS = np.array([1.0, 2.0, 3.0], dtype=object)


def refused(f, x=X):
    """Return the message with which the gradient of ``f`` is refused."""
    with pytest.raises((TypeError, NotImplementedError)) as error:
        gradient(f, x)
    return str(error.value)


# --------------------------------------------------------------------------- refused, by what was written
half = np.vectorize(lambda x: x / 2)
doubled = np.frompyfunc(lambda x: 2 * x, 1, 1)

CALLS = {
    # what is written (the message has to quote it): (the program, what is to be written instead)
    "np.nditer(w)": (lambda w: sum(x for x in np.nditer(w)), r"for x in np\.ravel\(t\)"),
    "np.nditer([w, A[0]])": (lambda w: sum(x * y for x, y in np.nditer([w, A[0]])), r"for x in np\.ravel\(t\)"),
    "np.ndenumerate(w)": (lambda w: sum(x for _, x in np.ndenumerate(w)), r"np\.ndindex\(t\.shape\)"),
    "A.dot(w)": (lambda w: np.sum(A.dot(w)), r"a @ t, or np\.dot\(a, t\)"),
    "A[0].dot(w * 2)": (lambda w: A[0].dot(w * 2), r"a @ t, or np\.dot\(a, t\)"),
    "X.searchsorted(w)": (lambda w: np.sum(X.searchsorted(w)), "NumPy's function in the place of the method"),
    "np.full(3, w[0])": (lambda w: np.sum(np.full(3, w[0])), r"x \* np\.ones\(shape\)"),
    "np.full((2, 2), w[0] ** 2)": (lambda w: np.sum(np.full((2, 2), w[0] ** 2)), r"x \* np\.ones\(shape\)"),
    "np.sum([w[0], w[1] ** 2])": (lambda w: np.sum([w[0], w[1] ** 2]), r"np\.sum\(minigrad\.array\(\[t, u\]\)\)"),
    "np.max((w[0], w[1]))": (lambda w: np.max((w[0], w[1])), r"minigrad\.array\(\[t, u\]\)"),
    "np.mean([w, w])": (lambda w: np.mean([w, w]), r"np\.stack\(\[t, u\]\) or minigrad\.array"),
    "np.exp([w[0], 1.0])": (lambda w: np.sum(np.exp([w[0], 1.0])), r"minigrad\.array\(\[t, u\]\)"),
    "np.dot([w[0], w[1]], A[:2])": (lambda w: np.sum(np.dot([w[0], w[1]], A[:2])), r"minigrad\.array\(\[t, u\]\)"),
    "np.linalg.norm([w[0], w[1]])": (lambda w: np.linalg.norm([w[0], w[1]]), r"minigrad\.array\(\[t, u\]\)"),
    "np.diag([w[0], w[1]])": (lambda w: np.sum(np.diag([w[0], w[1]])), r"minigrad\.array\(\[t, u\]\)"),
    "np.array([w[0], w[1]])": (lambda w: np.sum(np.array([w[0], w[1]])), r"minigrad\.array\(\[t, u\]\)"),
    "np.array([w[0], 1], dtype=object)": (lambda w: np.sum(np.array([w[0], 1], dtype=object)), r"minigrad\.array"),
    "np.fromiter(iter(w), float)": (lambda w: np.sum(np.fromiter(iter(w), float)), r"minigrad\.array\(\[f"),
    "half(w)": (lambda w: np.sum(half(w)), r"the function on the whole Tensor.*minigrad\.array\(\[f\(x\) for x"),
    "np.arange(w[0], w[1])": (lambda w: np.sum(np.arange(w[0], w[1])), r"a \+ step \* np\.arange\(n\)"),
    "np.asmatrix(w)": (lambda w: np.sum(np.asmatrix(w)), "t @ u is the product of matrices"),
    "np.matrix(w)": (lambda w: np.sum(np.matrix(w)), "t @ u is the product of matrices"),
    "np.ma.array(w)": (lambda w: np.sum(np.ma.array(w)), r"m\.filled\(0\), with weights ~m\.mask"),
    "MASKED * w": (lambda w: np.sum(MASKED * w), r"m\.filled\(0\), with weights ~m\.mask"),
    "w * MASKED": (lambda w: np.sum(w * MASKED), r"m\.filled\(0\) and weights ~m\.mask"),
    "w @ M": (lambda w: np.sum(w @ M), r"a matrix computes in its own way.*np\.asarray\(m\)"),
    "M @ w": (lambda w: np.sum(M @ w), r"a matrix computes in its own way.*np\.asarray\(m\)"),
    "M * w": (lambda w: np.sum(M * w), r"a matrix computes in its own way.*np\.asarray\(m\)"),
    "w * M": (lambda w: np.sum(w * M), r"a matrix computes in its own way.*np\.asarray\(m\)"),
    "np.dot(M, w)": (lambda w: np.sum(np.dot(M, w)), r"a matrix computes in its own way.*np\.asarray\(m\)"),
    "np.add(w, M)": (lambda w: np.sum(np.add(w, M)), r"a matrix computes in its own way.*np\.asarray\(m\)"),
    "M + w": (lambda w: np.sum(M + w), r"a matrix computes in its own way.*np\.asarray\(m\)"),
    "np.where(X > 1, w, M[0])": (lambda w: np.sum(np.where(X > 1, w, M[0])), "a matrix computes in its own way"),
    "M.dot(w)": (lambda w: np.sum(M.dot(w)), r"np\.dot\(a, t\)"),
    "w * OBJECTS": (lambda w: np.sum(w * OBJECTS), r"an array of objects \(object\).*a\.astype\(float\)"),
    "OBJECTS * w": (lambda w: np.sum(OBJECTS * w), r"an array of objects.*a\.astype\(float\)"),
    "OBJECTS - w": (lambda w: np.sum(OBJECTS - w), r"an array of objects.*a\.astype\(float\)"),
    "w ** OBJECTS": (lambda w: np.sum(w ** OBJECTS), r"an array of objects.*a\.astype\(float\)"),
    "np.multiply(OBJECTS, w)": (lambda w: np.sum(np.multiply(OBJECTS, w)), r"an array of objects.*a\.astype\(float\)"),
    "np.dot(OBJECTS, w)": (lambda w: np.dot(OBJECTS, w), r"an array of objects.*a\.astype\(float\)"),
    "np.dot(w, OBJECTS)": (lambda w: np.dot(w, OBJECTS), r"an array of objects.*a\.astype\(float\)"),
    "w @ OBJECTS": (lambda w: w @ OBJECTS, r"an array of objects.*a\.astype\(float\)"),
    "np.where(X > 1, w, OBJECTS)": (lambda w: np.sum(np.where(X > 1, w, OBJECTS)), r"an array of objects.*astype"),
    "np.concatenate([w, OBJECTS])": (lambda w: np.sum(np.concatenate([w, OBJECTS])), r"an array of objects.*astype"),
    "math.exp(w[0])": (lambda w: math.exp(w[0]), r"np\.exp\(t\) for math\.exp\(t\)"),
    "math.hypot(w[0], w[1])": (lambda w: math.hypot(w[0], w[1]), r"np\.exp\(t\) for math\.exp\(t\)"),
    "math.fsum([w[0], w[1]])": (lambda w: math.fsum([w[0], w[1]]), r"np\.sum\(minigrad\.array\(\[t, u\]\)\)"),
    "w.tolist()": (lambda w: np.sum(np.array(w.tolist())), "the Tensor itself"),
    "np.random.default_rng(0).normal(w[0])": (
        lambda w: np.random.default_rng(0).normal(w[0]), r"mean \+ deviation \* rng\.normal|minigrad\.sampling"
    ),
}  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore:the matrix subclass")


@pytest.mark.parametrize("written, f, instead", [(k, *v) for k, v in CALLS.items()], ids=CALLS)
def test_what_is_refused_is_quoted_with_its_line_and_what_to_write_instead(written, f, instead):
    for x in (X, Tensor(X)):
        message = refused(f, x)
        assert message.startswith("t.tolist()" if written == "w.tolist()" else f"{written} (line "), message
        assert "of test_conversions.py)" in message and re.search(instead, message), message


@pytest.mark.parametrize("f", [f for f, _ in CALLS.values()], ids=CALLS)
def test_in_a_gradient_of_a_gradient_it_is_refused_too(f):
    refused(lambda w: np.sum(gradient(f, w)[0] ** 2))


def test_the_methods_of_plain_arrays_that_are_ufuncs_are_recorded():
    assert gradient(lambda w: np.sum(np.array([0.0, 5.0, 9.0]).clip(w[0], w[2])), X)[0].tolist() == [1.0, 0.0, 2.0]


def test_what_np_frompyfunc_makes_is_named_and_told():
    message = refused(lambda w: np.sum(doubled(w)))

    assert message.startswith("np.frompyfunc(<lambda>) (line ")
    assert "NumPy's functions in it, or write minigrad.array([f(x) for x in t])" in message


def test_assigning_into_a_plain_array_quotes_the_whole_line():
    a = np.zeros(3)

    def loss(w):
        a[0] = w[0]
        return np.sum(a)

    assert refused(loss).startswith("a[0] = w[0] (line ")


def test_a_call_over_several_lines_is_quoted_as_one():
    def loss(w):
        return np.sum(
            [w[0],
             w[1]]
        )  # fmt: skip

    assert refused(loss).startswith("np.sum( [w[0], w[1]] ) (line ")


def test_a_program_without_a_text_is_told_what_can_be_told():
    program = """
        import numpy as np
        from minigrad import gradient
        half = np.vectorize(lambda x: x / 2)
        for f in [lambda w: np.sum(half(w)), lambda w: sum(x for x in np.nditer(w)), lambda w: np.full(2, w[0])]:
            try:
                gradient(f, np.ones(2))
            except (TypeError, NotImplementedError) as error:
                print(error)
    """
    result = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True)

    vectorized, nditer, full = result.stdout.splitlines()
    assert "the function on the whole Tensor" in vectorized and "for x in np.ravel(t)" in nditer
    assert "x * np.ones(shape)" in full


def test_scipys_functions_are_named_in_full_however_they_are_called():
    special = pytest.importorskip("scipy.special")
    call = special.softmax

    assert refused(lambda w: np.sum(call(w))).startswith("scipy.special.softmax (line ")


def test_outside_of_a_gradient_all_of_this_is_allowed():
    w = Tensor(X)

    assert [float(x) for x in np.nditer(np.asarray(w))] == [1.0, 2.0, 3.0]
    assert A.dot(w).tolist() == A.dot(X).tolist() and half(w).tolist() == [0.5, 1.0, 1.5]
    assert np.full(2, w[0]).tolist() == [1.0, 1.0] and math.exp(w[0] * 0) == 1.0
    assert np.sum([w[0], w[1]]) == 3.0 and np.asarray(M @ np.asarray(w)).shape == (1, 3)


# ------------------------------------------------------------------------------------------------- t.flat
def test_flat_is_indexed_gone_through_and_has_a_length():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])

    assert gradient(lambda t: t.flat[1] * t.flat[-1], x)[0].tolist() == [[0.0, 4.0], [0.0, 2.0]]
    assert gradient(lambda t: sum(a * a for a in t.flat), x)[0].tolist() == (2 * x).tolist()
    assert gradient(lambda t: np.sum(t.T.flat[1:3]), x)[0].tolist() == [[0.0, 1.0], [1.0, 0.0]]
    t = Tensor(x)
    flat = t.flat
    assert (float(next(flat)), float(next(flat)), len(t.flat)) == (1.0, 2.0, 4)
    with pytest.raises(TypeError, match=r"t\.flat\[i\] = x: write t\[np\.unravel_index\(i, t\.shape\)\] = x"):
        t.flat[0] = 5.0


# -------------------------------------------------------------------------------------------------- copy_
def test_copying_a_list_of_arrays_is_told_how():
    ps = params(Tensor([1.0, 2.0]), Tensor(3.0))

    message = r"copy_: the source must be one flat vector.*np\.concatenate\(\[np\.ravel"
    for source in ([np.ones(2), np.ones(1)], (Tensor([1.0, 1.0]), Tensor(1.0)), [np.ones(2), np.ones((1, 1))]):
        with pytest.raises(ValueError, match=message):
            copy_(ps, source)
    with pytest.raises(TypeError, match=r"for p, q in zip\(ps, qs\): p\[\.\.\.\] = q"):
        copy_(ps, params(Tensor([1.0, 2.0]), Tensor(3.0)))
    assert [p.data.tolist() for p in ps] == [[1.0, 2.0], 3.0]


# -------------------------------------------------------------------------------------------------- pandas
@pytest.fixture(scope="module")
def pandas():
    return pytest.importorskip("pandas")


def labelled(a, pandas):
    """Return an array as a table or column whose labels are in another order than its rows."""
    index = list(range(len(a)))[::-1]
    return pandas.Series(a, index=index) if a.ndim == 1 else pandas.DataFrame(a, index=index)


OPERATIONS = {
    "np.dot(df, w)": lambda w, s, df: np.dot(df, w),
    "w @ df": lambda w, s, df: w @ df,
    "w * s": lambda w, s, df: w * s,
    "s * w": lambda w, s, df: s * w,
    "df * w": lambda w, s, df: df * w,
    "w - df": lambda w, s, df: w - df,
    "s / w": lambda w, s, df: s / w,
    "w ** s": lambda w, s, df: w**s,
    "s ** w": lambda w, s, df: s**w,
    "np.maximum(w, s)": lambda w, s, df: np.maximum(w, s + 0.1),
    "np.maximum(s, w)": lambda w, s, df: np.maximum(s + 0.1, w),
    "np.multiply(s, w)": lambda w, s, df: np.multiply(s, w),
    "np.where(s > 1, w, s)": lambda w, s, df: np.where(s > 1, w, s),
    "(w > s) * w": lambda w, s, df: (w > s - 0.5) * w,
    "(s > w) * w": lambda w, s, df: (s + 0.5 > w) * w,
    "w[s > 1]": lambda w, s, df: w[s > 1],
    "w[s.astype(int) - 1]": lambda w, s, df: w[s.astype(int) - 1],
    "np.take(w, s)": lambda w, s, df: np.take(w, s.astype(int) - 1),
    "np.concatenate([s, w])": lambda w, s, df: np.concatenate([s, w]),
    "np.stack([w, s])": lambda w, s, df: np.stack([w, s]),
    "np.linalg.norm(w - s)": lambda w, s, df: np.linalg.norm(w - 2 * s),
    "np.linalg.solve(df, w)": lambda w, s, df: np.linalg.solve(df, w),
    "np.einsum": lambda w, s, df: np.einsum("i,ij->j", w, df),
    "np.interp": lambda w, s, df: np.interp(w + 0.25, s, s),
    "np.average": lambda w, s, df: np.average(w, weights=s),
    "np.outer": lambda w, s, df: np.outer(w, s),
    "np.cov": lambda w, s, df: np.cov(w, s),
}
TABLE = np.array([[2.0, 0.0, 1.0], [0.5, 3.0, 0.0], [0.0, 1.0, 4.0]])


@pytest.mark.parametrize("f", OPERATIONS.values(), ids=OPERATIONS)
def test_tables_and_columns_count_as_their_arrays(f, pandas):
    s, df = labelled(X, pandas), labelled(TABLE, pandas)
    value, back = pullback(lambda w: f(w, X, TABLE), X)
    seed = np.linspace(1, 2, np.size(value)).reshape(np.shape(value))

    for w in (X, Tensor(X)):
        found, way_back = pullback(lambda w: f(w, s, df), w)
        assert np.array_equal(found, value)
        assert np.array_equal(way_back(seed)[0], back(seed)[0])
        outside = f(Tensor(X), s, df)
        assert type(outside) is Tensor and np.array_equal(outside.data, value)


@pytest.mark.parametrize("f, written", [
    (lambda w, s, df: df @ w, "df @ w"), (lambda w, s, df: s @ w, "s @ w"),
    (lambda w, s, df: df.dot(w), r"df\.dot\(w\)"), (lambda w, s, df: df.assign(c=w), r"df\.assign\(c=w\)"),
])  # fmt: skip
def test_what_pandas_itself_does_is_told_to_numpy(f, written, pandas):
    s, df = labelled(X, pandas), labelled(TABLE, pandas)

    message = refused(lambda w: np.sum(f(w, s, df)))

    assert re.match(rf"{written} \(line", message) and "df.to_numpy() @ t" in message


@pytest.mark.parametrize("f", [
    lambda w, s: w * s, lambda w, s: s * w, lambda w, s: np.maximum(w, s), lambda w, s: np.dot(s, w),
    lambda w, s: np.where(X > 1, w, s), lambda w, s: np.concatenate([w, s]),
])  # fmt: skip
def test_a_column_of_objects_is_told_to_numpy_float(f, pandas):
    s = pandas.Series([1.0, "two", None], dtype=object)

    message = refused(lambda w: np.sum(f(w, s)))

    assert "an array of objects" in message and "df.to_numpy(float)" in message


@pytest.mark.parametrize("values", [[1.0, None, 3.0], [1.0, "two", 3.0], [1.0, [2.0], 3.0], [1.0, {}, None]])
@pytest.mark.parametrize("f", [
    lambda w, o: w * o, lambda w, o: o * w, lambda w, o: o - w, lambda w, o: np.add(o, w), lambda w, o: w @ o,
    lambda w, o: np.dot(w, o), lambda w, o: np.where(X > 1, w, o),
    lambda w, o: np.hypot(w, o), lambda w, o: np.clip(w, o, 9.0), lambda w, o: np.stack([w, o]), lambda w, o: w / o,
])  # fmt: skip
def test_arrays_of_objects_that_are_no_numbers_are_refused_by_the_same_words(f, values):
    objects = np.empty(3, dtype=object)
    objects[:] = values

    assert "an array of objects (object) has no derivative" in refused(lambda w: np.sum(f(w, objects)))


def test_columns_with_missing_values_and_of_whole_numbers_count_as_arrays(pandas):
    for s in (pandas.Series([1, 2, 3]), pandas.Series([1.0, 2.0, 3.0], dtype="Float64"), pandas.Index([1, 2, 3])):
        assert gradient(lambda w, s=s: np.sum(w * s), X)[0].tolist() == [1.0, 2.0, 3.0]


def test_every_row_of_the_table_takes_columns_and_tables_in_the_place_of_constant_arrays(pandas):
    """The gradient with respect to one argument, the others being tables, is that with plain arrays."""
    tried = 0
    for case in CASES:
        xs = drawn(case)
        for k, x in enumerate(xs):
            tables = [labelled(a, pandas) if i != k and a.ndim in (1, 2) and a.size else a for i, a in enumerate(xs)]
            if all(type(a) is np.ndarray for a in tables):
                continue
            tried += 1

            def loss(x, others, case=case, k=k):
                return loss_of(case)(*others[:k], x, *others[k + 1 :])

            try:
                expected = gradient(partial(loss, others=xs), x)[0]
            except (LostGradientError, NoDerivativeError):  # NumPy does not tell of the default of np.select
                continue
            if case.function is np.matmul and k == 1:  # pandas makes df @ t of it, which is its own
                assert "df.to_numpy() @ t" in refused(partial(loss, others=tables), x)
                continue
            found = gradient(partial(loss, others=tables), x)[0]
            if expected is None:
                assert found is None
                continue
            # a DataFrame has another order in memory, so that sums may round otherwise
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12, err_msg=str(case))
    assert tried > 300


@pytest.mark.parametrize("f, x", [(np.sum, 0), (lambda args: np.sum(args["x"]), 1)])
def test_a_gradient_with_respect_to_a_table_is_refused(f, x, pandas):
    table = pandas.DataFrame(TABLE)
    with pytest.raises(TypeError, match=r"gradient: an argument is a DataFrame of pandas.*df\.to_numpy\(float\)"):
        gradient(f, [table, {"x": table}][x])
    with pytest.raises(TypeError, match="gradient: an argument is a Series of pandas"):
        gradient(np.sum, table[0])


def test_training_on_a_table_is_told_about_the_loader(pandas):
    W = Tensor(np.ones(3))
    table = pandas.DataFrame(TABLE, columns=list("abc"))

    with pytest.raises(TypeError, match=r"train_: the data are a DataFrame.*DataLoader\(df, batchsize=\.\.\.\)"):
        train_(lambda x: np.sum(x @ W), params(W), table, Descent(), progress="silent")
    losses = train_(lambda x: np.sum(x @ W), params(W), DataLoader(table, 3), Descent(0.1), progress="silent")
    assert losses == [11.5]


def test_the_error_is_of_the_kind_that_is_expected():
    with pytest.raises(LostGradientError):
        gradient(lambda w: np.sum(np.full(3, w[0])), X)
    with pytest.raises(NoDerivativeError):
        gradient(lambda w: sum(x for x in np.nditer(w)), X)
