"""Other forms of a call: positional dtype and out, keywords of NumPy that no row names; right or refused by name."""

import inspect

import numpy as np
import pytest
from minigrad import LostGradientError, NoDerivativeError, gradient
from minigrad.core.table import COMPOSITIONS, ROWS

X = np.array([[0.5, -1.2, 2.0], [1.5, 0.3, -0.7]])
SINGLE = np.float32

# A call, and the same in the words of the table.
SAME = {
    "positional dtype": (lambda t: np.sum(t, 0, SINGLE), lambda t: np.sum(t.astype(SINGLE), 0)),
    "positional None": (lambda t: np.sum(t, 0, None, None, True), lambda t: np.sum(t, 0, keepdims=True)),
    "mean": (lambda t: np.mean(t, 1, SINGLE), lambda t: np.mean(t.astype(SINGLE), 1)),
    "var": (lambda t: np.var(t, 0, SINGLE, None, 1), lambda t: np.var(t.astype(SINGLE), 0, ddof=1)),
    "prod": (lambda t: np.prod(t, dtype=complex), lambda t: np.prod(t.astype(complex))),
    "cumsum": (lambda t: np.cumsum(t, 1, SINGLE), lambda t: np.cumsum(t.astype(SINGLE), 1)),
    "nansum": (lambda t: np.nansum(t, 0, SINGLE), lambda t: np.nansum(t.astype(SINGLE), 0)),
    "trace": (lambda t: np.trace(t, 1, 0, 1, SINGLE), lambda t: np.trace(t.astype(SINGLE), 1)),
    "einsum": (
        lambda t: np.einsum("ij,kj", t, t, dtype=SINGLE, casting="same_kind"),
        lambda t: np.einsum("ij,kj", t.astype(SINGLE), t.astype(SINGLE)),
    ),
    "concatenate": (
        lambda t: np.concatenate([t, 2 * t], dtype=SINGLE),
        lambda t: np.concatenate([t.astype(SINGLE), 2 * t.astype(SINGLE)]),
    ),
    "quantile": (
        lambda t: np.quantile(t, 0.3, 1, None, False, "hazen", True),
        lambda t: np.quantile(t, 0.3, axis=1, method="hazen", keepdims=True),
    ),
    "ufunc dtype": (lambda t: np.exp(t, dtype=SINGLE), lambda t: np.exp(t.astype(SINGLE))),
    "ufunc of two": (
        lambda t: np.multiply(t, np.arange(3), dtype=SINGLE),
        lambda t: t.astype(SINGLE) * np.arange(3, dtype=SINGLE),
    ),
    "ufunc to complex": (lambda t: np.sqrt(t, dtype=complex), lambda t: np.sqrt(t.astype(complex))),
    "ufunc defaults": (lambda t: np.exp(t, None, where=True, order="F", casting="same_kind"), np.exp),
    "reduce": (lambda t: np.add.reduce(t, 0, SINGLE), lambda t: np.sum(t.astype(SINGLE), 0)),
    "reduce all": (lambda t: np.logaddexp.reduce(t, None), lambda t: np.logaddexp.reduce(np.ravel(t))),
    "reduce initial": (
        lambda t: np.hypot.reduce(t, 1, initial=2.0),
        lambda t: np.hypot(np.hypot(np.hypot(2.0, t[:, 0]), t[:, 1]), t[:, 2]),
    ),
    "accumulate": (
        lambda t: np.logaddexp.accumulate(t, 0, SINGLE),
        lambda t: np.logaddexp.accumulate(t.astype(SINGLE), 0),
    ),
    "outer": (
        lambda t: np.multiply.outer(t, [1.0, 2.0], dtype=SINGLE),
        lambda t: np.multiply.outer(t.astype(SINGLE), np.array([1.0, 2.0], SINGLE)),
    ),
}


def weighed(f):
    return lambda t: np.sum(np.real(f(t) * np.cos(np.arange(f(t).size)).reshape(f(t).shape).astype(SINGLE)))


@pytest.mark.parametrize("call, plain", SAME.values(), ids=SAME)
def test_a_longer_form_gives_numpys_value_and_the_gradient_of_the_plain_form(call, plain):
    inside = []
    (found,) = gradient(lambda t: (inside.append(call(t)), weighed(call)(t))[1], X)
    (expected,) = gradient(weighed(plain), X)

    assert inside[0].dtype == call(X.copy()).dtype
    np.testing.assert_allclose(inside[0].data, call(X.copy()), rtol=1e-5 if inside[0].dtype == SINGLE else 1e-14)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert np.any(found)


REFUSED = {
    "out": (lambda t: np.sum(t, 0, out=np.zeros(3)), r"np\.sum .*argument out= .*a new array is made"),
    "positional out": (lambda t: np.max(t, 0, np.zeros(3)), r"np\.max .*argument out= "),
    "out of a composition": (lambda t: np.ptp(t, 0, np.zeros(3)), r"np\.ptp .*argument out= "),
    "where of a ufunc": (lambda t: np.add(t, 1.0, where=X > 0), r"np\.add .*where= .*np\.where\(mask, f"),
    "where of a fold": (lambda t: np.logaddexp.reduce(t, where=X > 0), r"logaddexp\.reduce: where= .*np\.where"),
    "signature": (lambda t: np.exp(t, signature="d->d"), r"np\.exp .*argument signature= .*t\.astype"),
    "whole numbers": (lambda t: np.sum(t, dtype=int), r"np\.sum .*dtype=int\d\d makes whole numbers"),
    "overwrite": (lambda t: np.median(t, overwrite_input=True), r"np\.median .*argument overwrite_input= .*Leave it"),
    "in place": (lambda t: np.nan_to_num(t, copy=False), r"np\.nan_to_num .*argument copy= .*overwrite"),
}

if np.__version__ >= "2":
    REFUSED["weights"] = (
        lambda t: np.quantile(t, 0.3, weights=np.ones((2, 3)), method="inverted_cdf"),
        r"np\.quantile .*argument weights= .*np\.repeat",
    )


@pytest.mark.parametrize("call, message", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_right_is_refused_by_name_and_tells_what_to_write(call, message):
    with pytest.raises(NoDerivativeError, match=message):
        gradient(lambda t: np.sum(call(t)), X)


def test_a_cast_that_numpy_refuses_is_a_type_error():
    with pytest.raises(TypeError, match="Cannot cast ufunc 'add'"):
        gradient(lambda z: np.sum(np.add(z, 1.0, dtype=float)).real, X + 1j)
    with pytest.raises(TypeError, match=r"np\.sum: complex128 cannot be cast to float64 .*t\.real"):
        gradient(lambda z: np.sum(z, dtype=float), X + 1j)


def test_out_of_a_ufunc_is_refused():
    with pytest.raises(LostGradientError, match="out="):
        gradient(lambda t: np.sum(np.add(t, 1.0, out=np.zeros((2, 3)))), X)


def test_a_comparison_reduced_is_plain_numbers():
    kept = []
    gradient(lambda t: (kept.append(np.logical_or.accumulate(t > 0, axis=1)), np.sum(t))[1], X)

    assert kept[0].dtype == bool


RENAMED = {("x1", "a"), ("x2", "b"), ("x", "a"), ("y", "b"), ("newshape", "shape")}  # the last before NumPy 2.1


def by_position(function):
    """Return the names of the parameters that can be given by position; None where nothing tells."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    return [p.name for p in parameters if p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD)]


def test_no_argument_given_by_position_is_taken_for_another_one():
    ours = {f: row.bind for f, row in ROWS.items() if not isinstance(f, np.ufunc)} | COMPOSITIONS
    for function, binding in ours.items():
        taken, theirs = by_position(binding), by_position(function)
        if taken and theirs:
            for name, numpys in zip(taken, theirs):
                assert name == numpys or (numpys, name) in RENAMED, function
