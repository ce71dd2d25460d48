"""Every row of the derivative table against finite differences; the cases are in tests/tables*.py."""

import importlib
import pathlib
import warnings
import zlib

import numpy as np
import pytest
from cases import Draw
from minigrad import gradient
from minigrad.derivatives import COMPOSITIONS, CONSTANTS, REFUSED, ROWS, name_of

TABLES = [
    importlib.import_module(path.stem) for path in sorted(pathlib.Path(__file__).parent.glob("tables*.py"))
]
CASES = [case for table in TABLES for case in table.CASES]
KINKS = [kink for table in TABLES for kink in getattr(table, "KINKS", [])]

NUMPY_2 = np.__version__ >= "2"
BY_FUNCTION = {}
for _case in CASES:
    BY_FUNCTION.setdefault(_case.function, []).append(_case)


def over_functions(cases=CASES):
    """Run a test once per function, on the list of its cases."""
    groups = {}
    for case in cases:
        groups.setdefault(case.function, []).append(case)
    ids = [name_of(function) for function in groups]
    return pytest.mark.parametrize("cases", groups.values(), ids=ids)


# ------------------------------------------------------------------------------- drawing and calling
def draws_in(x):
    """Return the Draws in nested lists and tuples, in order."""
    if isinstance(x, Draw):
        return [x]
    return [draw for part in x for draw in draws_in(part)] if isinstance(x, (list, tuple)) else []


def filled(x, values):
    """Return ``x`` with each Draw replaced by the next of the values."""
    if isinstance(x, Draw):
        return next(values)
    return type(x)([filled(part, values) for part in x]) if isinstance(x, (list, tuple)) else x


def drawn(case, complex=False, single=False):
    """Return the case's random arguments, the same ones each time."""
    rng = np.random.default_rng(zlib.crc32(str(case).encode()))
    kinds = complex if isinstance(complex, (list, tuple)) else [complex] * len(draws_in(case.args))
    xs = [np.asarray(draw(rng, kind)) for draw, kind in zip(draws_in(case.args), kinds)]
    return [x.astype(x.dtype.kind + str(x.itemsize // 2)) for x in xs] if single else xs


def loss_of(case):
    """Return the case as a function from its drawn arguments to one number, not linear in any."""

    def loss(*xs):
        y = case.call(*filled(case.args, iter(xs)))
        return sum(weighed(part) for part in (y if isinstance(y, (list, tuple)) else [y]))

    return loss


def weighed(y):
    """Return a number that depends on every entry of ``y``, on each in another way."""
    if y.dtype.kind not in "fc":
        return 0.0
    angles = (1.0 + np.arange(y.size, dtype=y.real.dtype)).reshape(y.shape)
    weights = np.cos(angles) + 1j * np.sin(2 * angles) if y.dtype.kind == "c" else np.cos(angles)
    return np.sum(np.real(weights * (y + 0.25 * y * y)))


# ------------------------------------------------------------------------------- finite differences
def inner(a, b):
    """Return the real inner product, with None for zero."""
    return 0.0 if a is None else np.sum(np.real(a) * np.real(b) + np.imag(a) * np.imag(b))


def directions(xs, seed):
    rng = np.random.default_rng(seed)
    return [rng.uniform(-1, 1, x.shape) * (1 if x.dtype.kind == "f" else 0.6 + 0.8j) for x in xs]


def difference(f, xs, i, direction, h=5e-4):
    """Return the derivative of ``f`` along a direction of argument i; the error is of fourth order."""

    def at(step):
        return float(f(*xs[:i], xs[i] + step * h * direction, *xs[i + 1 :]))

    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)


def check(f, xs, tolerance, gradient=gradient):
    """Compare the gradient of ``f`` with finite differences, along one direction per argument."""
    for i, (x, g, direction) in enumerate(zip(xs, gradient(f, *xs), directions(xs, seed=1))):
        assert g is None or np.shape(g) == x.shape, (
            f"argument {i}: the gradient has shape {np.shape(g)}, not {x.shape}"
        )
        expected = difference(f, xs, i, direction)
        found = float(inner(g, direction))
        assert abs(found - expected) <= tolerance * max(1, abs(expected)), (
            f"argument {i}: the derivative is {expected:.9g} by differences, {found:.9g} by the table"
        )


def along(f, xs):
    """Return the derivative of ``f`` along fixed directions of all its arguments, as a function."""
    chosen = directions(xs, seed=2)

    def derivative(*xs):
        return sum(inner(g, d) for g, d in zip(gradient(f, *xs), chosen))

    return derivative


def check_orders(case, complex=False):
    xs = drawn(case, complex)
    f = loss_of(case)
    for order in range(1, case.order + 1):
        try:
            check(f, xs, case.tolerance)
        except Exception as error:
            error.args = (f"{case}, {complex=}, derivative number {order}: {error}",)
            raise
        f = along(f, xs)


# ----------------------------------------------------------------------------------------- the tests
@over_functions()
def test_the_derivatives_of_each_order_agree_with_finite_differences(cases):
    for case in cases:
        check_orders(case)


@over_functions([case for case in CASES if case.complex])
def test_the_derivatives_of_complex_arguments_agree_with_finite_differences(cases):
    for case in cases:
        check_orders(case, complex=True)
        if len(draws_in(case.args)) == 2 and isinstance(case.function, np.ufunc):
            check_orders(case, complex=(False, True))


@over_functions()
def test_the_gradient_of_float32_is_float32_and_near_that_of_float64(cases):
    for case in cases:
        expected = gradient(loss_of(case), *drawn(case))

        found = gradient(loss_of(case), *drawn(case, single=True))

        for g, g32, x in zip(expected, found, drawn(case, single=True)):
            if g is not None:
                assert g32.dtype == x.dtype, case
                # the arguments were rounded, too: a derivative may be steep there
                assert np.max(abs(g32 - g), initial=0) <= 3e-4 * max(1, np.max(abs(g), initial=0)), case


@over_functions()
def test_a_gradient_inside_of_a_gradient_has_the_dtype_of_its_argument(cases):
    for case in cases[:4]:
        for single in (False, True):
            xs, kept = drawn(case, single=single), []

            def slope(*xs):
                kept[:] = gradient(loss_of(case), *xs)  # noqa: B023
                return 0.0

            gradient(slope, *xs)
            y = case.call(*filled(case.args, iter(xs)))
            if not NUMPY_2 and not all(map(np.ndim, y if isinstance(y, (list, tuple)) else [y])):
                continue  # NumPy 1 widens numbers without axes
            kept = [g for g, x in zip(kept, xs) if NUMPY_2 or x.ndim]
            assert all(g is None or g.dtype == xs[0].dtype for g in kept), (str(case), single)


@over_functions([case for case in CASES if case.function in ROWS and case.output is None])
def test_a_vjp_leaves_float32_in_float32(cases):
    for case in cases:
        args = filled(case.args, iter(drawn(case, single=True)))
        y = case.function(*args, **case.kwargs)
        if not isinstance(y, np.ndarray) or y.dtype != np.float32 or not y.ndim:
            continue
        row = ROWS[case.function]
        values, drawn_as = row.bind(*args, **case.kwargs), row.bind(*case.args, **case.kwargs)
        for position, (vjp, keep) in row.edges.items():
            parts = drawn_as[position] if isinstance(drawn_as[position], (list, tuple)) else drawn_as[position:][:1]
            for k, part in enumerate(parts):
                if draws_in(part):
                    h = vjp(np.ones_like(y), *keep(k, y, *values))
                    assert h is None or np.asarray(h).real.dtype == np.float32, (str(case), position)


@over_functions()
def test_a_derivative_wrong_by_a_thousandth_is_caught(cases):
    def wrong(f, *xs):
        return [None if g is None else 1.001 * g for g in gradient(f, *xs)]

    differing = [
        case
        for case in cases
        if any(g is not None and np.any(g) for g in gradient(loss_of(case), *drawn(case)))
    ]
    caught = 0
    for case in differing[:5]:
        try:
            check(loss_of(case), drawn(case), case.tolerance, gradient=wrong)
        except AssertionError as error:
            caught += "argument " in str(error)
    assert caught or not differing


def test_the_checker_names_the_argument():
    def wrong(f, *xs):
        ga, gb = gradient(f, *xs)
        return ga, 1.001 * gb

    with pytest.raises(AssertionError, match="argument 1"):
        check(lambda a, b: np.sum(a * b), [np.ones(2), np.ones(2)], 1e-6, gradient=wrong)


@over_functions([case for case in CASES if case.function in COMPOSITIONS])
def test_a_composition_gives_what_numpy_gives(cases):
    for case, complex in [(case, False) for case in cases] + [(case, True) for case in cases if case.complex]:
        args = filled(case.args, iter(drawn(case, complex)))
        expected, found = (
            case.function(*args, **case.kwargs),
            COMPOSITIONS[case.function](*args, **case.kwargs),
        )
        assert type(found) is type(expected) or not isinstance(expected, (list, tuple)), case
        for a, b in zip(*([y] if not isinstance(y, (list, tuple)) else y for y in (found, expected))):
            assert np.shape(a) == np.shape(b), case
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14, err_msg=str(case))


@pytest.mark.parametrize("kink", KINKS, ids=lambda kink: f"{name_of(kink.function)}{kink.args}")
def test_conventions_where_there_is_no_derivative(kink):
    free = [expected is not None for expected in kink.gradients] + [False] * len(kink.args)

    def loss(*xs):
        xs = iter(xs)
        args = [next(xs) if moves else x for x, moves in zip(kink.args, free)]
        return np.sum(np.real(kink.function(*args, **kink.kwargs)))

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # infinities are part of the matter
        xs = [np.array(x) if isinstance(x, list) else x for x, moves in zip(kink.args, free) if moves]
        found = gradient(loss, *xs)

    for g, expected in zip(found, [expected for expected in kink.gradients if expected is not None]):
        np.testing.assert_allclose(g, expected, rtol=1e-12, atol=1e-15, err_msg=kink.why)


# --------------------------------------------------------------------------------- nothing forgotten
# Old names of NumPy 1 for functions that are in the table under their own.
OLD_NAMES = {"alltrue", "asfarray", "cumproduct", "msort", "product", "round_", "sometrue"}


def test_every_row_has_its_test_row():
    missing = [name_of(f) for f in (*ROWS, *COMPOSITIONS) if f not in BY_FUNCTION]
    assert not missing


NAMESPACES = [np, np.linalg, np.fft, np.emath, np.lib.stride_tricks]


@pytest.mark.parametrize("namespace", NAMESPACES, ids=lambda n: n.__name__)
def test_every_function_of_numpy_is_differentiable_or_constant_or_refused(namespace):
    known = {*ROWS, *COMPOSITIONS, *CONSTANTS, *REFUSED}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated names
        functions = {name: getattr(namespace, name) for name in dir(namespace) if not name.startswith("_")}
    # Only ufuncs and functions that dispatch ever see a Tensor; the others convert it, which is refused.
    seen = {n: f for n, f in functions.items() if isinstance(f, np.ufunc) or hasattr(f, "_implementation")}

    missing = [name for name, f in seen.items() if f not in known and name not in OLD_NAMES]

    assert not missing
