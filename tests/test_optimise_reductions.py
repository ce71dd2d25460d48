"""Norms, means and totals in formulas: what they are, in both engines, and where they may stand; noise."""

import math

import numpy as np
import pytest
from all_rules import Noisy, numbers
from compiling import needs_numba

from minigrad import NonFiniteError, trace
from minigrad import optimise as o
from minigrad.optimise import rule, update_
from minigrad.optimise.compiled import loops, tasks, threads
from minigrad.optimise.formulas import mean, norm, total

SIZES = [1, 129, 8193, 20_003]


@rule
def Standardised(x, dx, eta=1.0):
    off = dx - mean(dx)
    return eta * off / norm(off)


@rule
def Joint(x, dx, eta=1.0):
    return eta * dx * (total(abs(x), over="all") + mean(dx, over="all") + norm(x, over="all"))


@rule
def Deep(x, dx, m, seen: float, eta=0.01):
    m = 0.9 * m + dx
    first = norm(m)
    second = norm(m / first + x, over="all")
    third = total(np.where(m > 0, second * m, 0.0))
    seen = seen + third
    return eta * (m - mean(m / (1 + abs(third)))), m, seen


def share(a, b):
    length = norm(a)
    return length / norm(b)


@rule
def WithFunction(x, dx, eta=1.0):
    return eta * share(x, dx) * dx


@rule
def OfNothing(x, dx, eta=1.0):
    return eta * dx * (norm(x) / norm(dx))


@rule
def ThroughFunctions(x, dx, eta=1.0):
    size = norm(dx)
    gate = np.exp(-size) + np.sqrt(size) % 0.5 + np.minimum(size, 2) ** 3 + abs(-size) ** 0.25
    return eta * np.where(size > 0, gate, np.log1p(size)) * dx


def trained(make, dtype, sizes, steps=3):
    xs, opt = [numbers(n, dtype, n) for n in sizes], make()
    for t in range(steps):
        update_(opt, xs, [numbers(n, dtype, n + t + 1) for n in sizes])
    return xs


# ------------------------------------------------------------------------------------------- their values
@pytest.mark.parametrize("n", SIZES)
def test_a_reduction_is_that_of_the_whole_array_whatever_the_blocks(n, either_way):
    x, dx = np.zeros(n), numbers(n, seed=3)
    off = dx - math.fsum(dx) / n
    length = math.sqrt(math.fsum(off**2))

    update_(Standardised(), x, dx)

    np.testing.assert_allclose(x, -off / length if n > 1 else math.nan, rtol=1e-12, atol=1e-14)


def test_over_all_is_over_all_parameters_of_the_step(either_way):
    xs, dxs = [numbers(3), numbers((2, 2), seed=1)], [numbers(3, seed=2), numbers((2, 2), seed=3)]
    flat, grads = np.concatenate([x.ravel() for x in xs]), np.concatenate([dx.ravel() for dx in dxs])
    factor = np.sum(np.abs(flat)) + np.mean(grads) + np.linalg.norm(flat)
    expected = [x - dx * factor for x, dx in zip(xs, dxs)]

    update_(Joint(), xs, dxs)

    for x, wanted in zip(xs, expected):
        np.testing.assert_allclose(x, wanted, rtol=1e-13)


def test_parameters_of_several_dtypes_are_counted_together(either_way):
    xs = [np.array([3.0], np.float32), np.array([4.0])]

    update_(Joint(), xs, [np.array([1.0], np.float32), np.array([0.0])])

    assert xs[0][0] == pytest.approx(3 - (7 + 0.5 + 5)) and xs[1][0] == 4.0


def test_a_reduction_in_a_function_that_the_rule_calls(either_way):
    x, dx = numbers(50), numbers(50, seed=1)
    expected = x - np.linalg.norm(x) / np.linalg.norm(dx) * dx

    update_(WithFunction(), x, dx)

    np.testing.assert_allclose(x, expected, rtol=1e-13)


@pytest.mark.parametrize("x, dx, step", [(0.0, 1.0, 0.0), (1.0, 0.0, math.nan), (0.0, 0.0, math.nan)])
def test_a_norm_of_0_divides_as_it_does_in_compiled_code(x, dx, step, either_way):
    made = o.apply_(OfNothing(), np.full(3, x), np.full(3, dx))

    assert np.array_equal(made, np.full(3, step), equal_nan=True)


@pytest.mark.parametrize("make", [Deep, ThroughFunctions])
def test_float32_stays_float32(make, interpreted):
    made = o.apply_(make(), numbers(5, "f"), numbers(5, "f", 1))

    assert made.dtype == np.float32


def test_a_reduction_goes_through_all_that_numbers_go_through(either_way):
    dx = numbers(30, seed=4)
    size = np.linalg.norm(dx)
    gate = np.exp(-size) + np.sqrt(size) % 0.5 + min(size, 2) ** 3 + size**0.25

    np.testing.assert_allclose(o.apply_(ThroughFunctions(), np.zeros(30), dx), gate * dx, rtol=1e-13)
    assert np.array_equal(o.apply_(ThroughFunctions(), np.zeros(30), np.zeros(30)), np.zeros(30))


@needs_numba
@pytest.mark.parametrize("dtype", ["f", pytest.param("d", marks=pytest.mark.slow)])
@pytest.mark.parametrize("make", [Standardised, Joint, Deep, o.LAMB], ids=lambda cls: cls.__name__)
def test_formulas_and_kernels_make_the_same_bits_of_every_size(make, dtype, request):
    results = []
    for way in ("interpreted", "compiled"):
        request.getfixturevalue(way)
        results.append([*(trained(make, dtype, [n])[0] for n in SIZES), *trained(make, dtype, [0, *SIZES])])
        request.getfixturevalue("monkeypatch").undo()

    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(*results))


@needs_numba
def test_threads_that_share_a_sum_make_the_same_bits(compiled, monkeypatch):
    expected = trained(Deep, "f", [50_003, 12])
    monkeypatch.setattr(threads, "WORTH", 10_000)
    monkeypatch.setattr(tasks, "KEEP_LOCK_BELOW", 0)
    o.set_num_threads(3)
    try:
        assert all(map(np.array_equal, trained(Deep, "f", [50_003, 12]), expected))
    finally:
        o.set_num_threads(1)


def test_a_pass_holds_what_it_needs_and_writes_no_state():
    adam = o.ADAM.formula, [np.dtype("f4")] * 2
    text = loops.write([adam, (o.ClipNorm.formula, [])], np.float32, loops.REDUCE, 0)
    ratio = loops.write([(o.LARS.formula, [np.dtype("f4")])], np.float32, loops.REDUCE, 0)

    assert "step0 =" in text and "m_0_[i] =" not in text and "dx_[i] =" not in text
    assert "velocity" not in ratio and ratio.count("new_lanes") == 2


# ------------------------------------------------------------------------------- beside others, and failing
def test_a_stage_behind_another_sees_its_step(either_way):
    x, dx = numbers(20), numbers(20, seed=1)
    expected = x - 2 * dx * np.linalg.norm(x) / np.linalg.norm(2 * dx)

    update_(o.Optimiser(o.Descent(2.0), o.TrustRatio()), x, dx)

    np.testing.assert_allclose(x, expected, rtol=1e-13)


def test_a_group_has_totals_of_its_own(either_way):
    W, b = numbers(3), numbers(2, seed=1)
    dW, db = numbers(3, seed=2), numbers(2, seed=3)
    alone = W.copy()
    update_(Joint(), alone, dW)

    update_(o.Groups(([W], Joint()), otherwise=o.Descent(0.0)), [W, b], [dW, db])

    assert np.array_equal(W, alone)


def test_only_what_says_so_refuses_numbers_that_are_not_finite(either_way):
    x = np.ones(2)
    update_(o.LAMB(), x, np.array([1.0, math.nan]))
    assert np.isnan(x).all()

    with pytest.raises(NonFiniteError, match="ClipGlobalNorm: the gradient of ps.1., .* has norm inf"):
        update_(o.ClipGlobalNorm(1.0), [np.ones(2), np.ones(2)], [np.ones(2), np.array([math.inf, 1.0])])


def test_a_step_that_is_written_out_works_them_out_as_well():
    from minigrad import Tensor, params, withgradient

    W, b, space = Tensor(numbers((3, 2))), Tensor(numbers(3, seed=1)), {}
    f, opt = (lambda: np.sum(np.tanh(W @ np.ones(2) + b))), o.Optimiser(o.ClipGlobalNorm(0.1), o.LAMB(), o.Prodigy())
    exec(trace(f, params(W, b)).source(step=opt), space)
    state, arrays = space["first_state"](W.data, b.data), (W.data.copy(), b.data.copy())

    for _ in range(3):
        update_(opt, params(W, b), withgradient(f, params(W, b)).grad)
        _, arrays, state = space["training_step"](*arrays, state)

    assert np.array_equal(arrays[0], W.data) and np.array_equal(arrays[1], b.data)


# ------------------------------------------------------------------------------------------------- refused
def in_a_choice(x, dx, eta=0.1):
    return eta * dx * (norm(dx) if eta > 1 else 1.0)


def behind_and(x, dx, eta=0.1):
    return eta * dx * (2.0 if eta > 1 and norm(dx) > 1 else 1.0)


def of_two(x, dx, eta=0.1):
    return eta * norm(x, dx)


def over_rows(x, dx, eta=0.1):
    return eta * norm(dx, over="rows")


def of_a_list(x, dx, eta=0.1):
    return eta * norm([x, dx])


def of_a_number(x, dx, eta=0.1):
    return dx / norm(2 * eta)


ARRAY = np.ones(3)


def of_an_array_from_outside(x, dx, eta=0.1):
    return eta * norm(ARRAY) * dx


def by_numpy(x, dx, eta=0.1):
    return eta * dx / np.linalg.norm(dx)


def not_imported(x, dx, eta=0.1):
    return eta * dx / globals_have_no(dx)  # noqa: F821


@pytest.mark.parametrize(
    "function, words",
    [
        (in_a_choice, r"`norm\(dx\)` stands in a choice, and it is worked out in any case: assign it before"),
        (behind_and, "stands in what follows an `and` or `or`"),
        (of_two, r'is given one expression, and perhaps over="all": norm\(dx\)'),
        (over_rows, r'over="all" is all parameters of the step'),
        (of_a_list, r"`\[x, dx\]` is more than a formula can hold"),
        (of_a_number, r"`2 \* eta` is the same for every element; norm is for what differs"),
        (of_an_array_from_outside, "ARRAY.* is an array of shape"),
        (by_numpy, r"there are norm\(e\), mean\(e\) and total\(e\), from minigrad.optimise.formulas"),
        (not_imported, "is not defined"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_where_a_reduction_has_no_meaning_the_rule_is_refused(function, words):
    with pytest.raises(TypeError, match=words):
        rule(function)


def test_a_name_that_was_not_imported_is_told_where_it_is(tmp_path):
    from compiling import python

    file = tmp_path / "forgotten.py"
    file.write_text("from minigrad import rule\n@rule\ndef R(x, dx, eta=0.1):\n    return eta * dx / norm(dx)\n")

    code = f"import runpy\ntry:\n    runpy.run_path({str(file)!r})\nexcept TypeError as e:\n    print(e)"
    assert "from minigrad.optimise.formulas import norm" in python(code)


def test_a_function_without_a_text_cannot_ask_for_them():
    space = {"rule": rule, "norm": norm}
    with pytest.raises(TypeError, match="asks for norm of all elements, which only a formula with a text is told"):
        exec("@rule\ndef R(x, dx, eta=0.1):\n    return eta * dx / norm(dx)", space)


def test_a_total_of_complex_numbers_is_refused():
    with pytest.raises(TypeError, match=r"of complex ones take e.real and e.imag"):
        update_(Joint(), numbers(3, complex), numbers(3, complex))


# ------------------------------------------------------------------------------------ noise, and the gradient
@needs_numba
@pytest.mark.parametrize("dtype", ["f", "D"])
def test_noise_is_the_same_in_both_engines_and_normal(dtype, request):
    results = []
    for way in ("interpreted", "compiled"):
        request.getfixturevalue(way)
        x = np.zeros(40_000, dtype)
        for _ in range(3):
            update_(Noisy(0.5, 1.0, rng=3), x, np.zeros_like(x))
        results.append(x)
        request.getfixturevalue("monkeypatch").undo()
    drawn = results[0].view(np.float32 if dtype == "f" else float) / 3

    assert np.array_equal(*results)
    assert abs(np.mean(drawn)) < 0.02 and abs(np.std(drawn) - 1) < 0.02


def test_noise_goes_on_and_begins_again_with_its_optimiser(either_way):
    opt, x, other = Noisy(rng=5), np.zeros(6), np.zeros(6)
    update_(opt, x, np.ones(6))
    saved, then = o.state_dict(opt, [x]), x.copy()
    update_(opt, x, np.ones(6))

    resumed = Noisy(rng=99)
    o.load_state_(resumed, [other], saved)
    other[:] = then
    update_(resumed, other, np.ones(6))
    opt.reset_()
    begun_again = np.zeros(6)
    update_(opt, begun_again, np.ones(6))

    assert np.array_equal(other, x) and np.array_equal(begun_again, then)


def test_a_step_that_is_not_made_draws_nothing(either_way):
    opt, x = o.Optimiser(Noisy(rng=5), o.ClipNorm(10.0)), np.zeros(3)
    expected = np.zeros(3)
    for _ in range(2):
        update_(opt, x, np.ones(3))
        with pytest.raises(NonFiniteError):
            update_(opt, x, np.array([1.0, math.nan, 1.0]))

    other = o.Optimiser(Noisy(rng=5), o.ClipNorm(10.0))
    for _ in range(2):
        update_(other, expected, np.ones(3))
    assert np.array_equal(x, expected)


def test_a_generator_may_be_shared_and_a_seed_must_be_one():
    rng = np.random.default_rng(0)
    assert Noisy(rng=rng).rng is rng
    with pytest.raises(TypeError, match="Noisy: rng must be a seed, a whole number >= 0, or a numpy.random.Generator"):
        Noisy(rng=0.5)


def test_a_cautious_step_never_goes_up_the_gradient(either_way):
    opt, x = o.Optimiser(o.Momentum(1.0, 0.9), o.Cautious()), np.zeros(4)
    update_(opt, x, np.array([1.0, 1.0, 1.0, 1.0]))
    before = x.copy()

    update_(opt, x, np.array([0.1, -0.1, 0.1, 0.1]))  # the second still has momentum the other way

    # Three of four agree: the rest is 4 / (3 + 1) as long as it was.
    np.testing.assert_allclose(before - x, [1.0, 0.0, 1.0, 1.0], rtol=1e-14)


# ------------------------------------------------------------------------------------------ unit by unit
def test_the_gradient_of_a_unit_is_clipped_by_its_own_weights(interpreted):
    W, dW = np.array([[3.0, 0.0], [4.0, 0.0]]), np.array([[0.6, 0.6], [0.8, 0.8]])

    step = o.apply_(o.ClipUnitNorm(0.1, epsilon=1e-2), W, dW)
    rows = o.apply_(o.ClipUnitNorm(0.1, unit=0), W, dW)

    np.testing.assert_allclose(step, [[0.3, 0.0006], [0.4, 0.0008]], rtol=1e-12)  # norms 5 and, at least, 0.01
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [0.3, 0.4], rtol=1e-12)


def test_the_mean_of_a_unit_is_taken_off(interpreted):
    dW = numbers((2, 3, 4))

    step = o.apply_(o.Centralise(), np.zeros((2, 3, 4)), dW)

    np.testing.assert_allclose(step, dW - dW.mean((0, 1)), rtol=1e-14, atol=1e-15)
    assert np.array_equal(o.apply_(o.Centralise(), np.zeros(4), dW[0, 0]), dW[0, 0])
