"""Solutions of differential equations: SciPy's numbers; derivatives against closed forms and differences."""

import tracemalloc

import numpy as np
import pytest

pytest.importorskip("scipy.integrate")

import minigrad  # noqa: E402
import scipy.integrate  # noqa: E402
from minigrad import LostGradientError, NoDerivativeError, Tensor, gradient, params  # noqa: E402
from minigrad.scipy import integrate, odeint, solve_ivp  # noqa: E402

T = np.linspace(0.0, 2.0, 6)
Y0 = np.array([1.0, 0.5])
RATES = {"growth": 1.1, "of": [0.7, np.array([0.4])]}
TIGHT = {"rtol": 1e-11, "atol": 1e-11}
W = np.random.default_rng(0).normal(size=(6, 2))


def hunt(y, t, scale, rates):
    """A predator and its prey, in a season."""
    death, meets = rates["of"]
    caught = meets[0] * y[0] * y[1]
    return [rates["growth"] * y[0] - caught * np.cos(t), scale * (caught - death * y[1])]


def hunted(y0, t, scale, rates, **options):
    return np.sum(W[: len(t)] * odeint(hunt, y0, t, args=(scale, rates), **TIGHT, **options))


def slope(f, h=1e-3):
    """The derivative of f at 0, by differences of fourth order."""
    return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)


# -------------------------------------------------------------------------------------------- odeint
def test_states_are_scipys_with_all_that_it_tells():
    found, told = odeint(hunt, Y0, T, args=(1.3, RATES), full_output=True)

    expected, theirs = scipy.integrate.odeint(hunt, Y0, T, args=(1.3, RATES), full_output=True)
    assert np.array_equal(found, expected) and told.keys() == theirs.keys() and told["message"] == theirs["message"]
    assert type(found) is np.ndarray and odeint(lambda y, t: -y, 1, [0, 1]).shape == (2, 1)


def test_gradients_go_to_the_start_the_times_and_what_the_arguments_hold():
    by_y0, by_t, by_scale, by_rates = gradient(hunted, Y0, T, 1.3, RATES)

    for g, e in zip(by_y0, np.eye(2)):
        assert g == pytest.approx(slope(lambda h, e=e: hunted(Y0 + h * e, T, 1.3, RATES)), rel=1e-7)
    for g, e in zip(by_t, np.eye(6)):
        assert g == pytest.approx(slope(lambda h, e=e: hunted(Y0, T + h * e, 1.3, RATES)), rel=1e-6, abs=1e-7)
    assert by_scale == pytest.approx(slope(lambda h: hunted(Y0, T, 1.3 + h, RATES)), rel=1e-7)
    assert by_rates["of"][1].shape == (1,) and by_rates["growth"] == pytest.approx(
        slope(lambda h: hunted(Y0, T, 1.3, {**RATES, "growth": 1.1 + h})), rel=1e-7
    )


@pytest.mark.parametrize("t", [T[::-1].copy(), np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.5])], ids=str)
def test_times_may_fall_repeat_or_be_one(t):
    (g,) = gradient(lambda s: hunted(Y0, t, s, RATES), 1.3)

    expected = slope(lambda h: hunted(Y0, t, 1.3 + h, RATES))
    assert (g or 0.0) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_the_time_may_come_first_and_functions_may_return_arrays():
    last = lambda k, **o: np.sum(odeint(lambda t, y, k: -k * t * y, Y0, T, args=(k,), tfirst=True, **TIGHT)[-1])

    assert gradient(last, 0.5)[0] == pytest.approx(-2 * 1.5 * np.exp(-1.0), rel=1e-8)  # y = y0 exp(-k t^2 / 2)


def test_second_derivatives_are_those_of_the_solution():
    last = lambda k: odeint(lambda y, t, k: -k * y, 1.0, [0.0, 2.0], args=(k,), **TIGHT)[-1, 0]

    (second,) = gradient(lambda k: gradient(last, k)[0], 0.5)

    assert second == pytest.approx(4 * np.exp(-1.0), rel=1e-7)
    mixed = gradient(lambda s: gradient(hunted, Y0, T, s, RATES)[0][1], 1.3)[0]
    assert mixed == pytest.approx(slope(lambda h: gradient(hunted, Y0, T, 1.3 + h, RATES)[0][1]), rel=1e-5)


def test_what_decays_is_followed_backwards_all_the_same():
    """Backwards its error would grow by exp(100)."""
    pulled = lambda k: odeint(lambda y, t, k: -k * (y - np.cos(t)), [1.0], [0.0, 2.0], args=(k,))[-1, 0]

    # y = (k^2 cos t + k sin t + exp(-k t)) / (k^2 + 1)
    exact = slope(lambda h: (lambda k: (k * k * np.cos(2.0) + k * np.sin(2.0)) / (k * k + 1))(50.0 + h))
    assert gradient(pulled, 50.0)[0] == pytest.approx(exact, rel=1e-3)


@pytest.mark.slow
def test_stiff_equations_are_followed_too():
    """Robertson's reactions and van der Pol's relaxation, against differences of SciPy's own at tight tolerances."""

    def relaxed(mu, **o):
        f = lambda y, t, mu: [y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]]
        return odeint(f, [2.0, 0.0], [0.0, 100.0], args=(mu,), **o)[-1, 0]

    def reacted(k, **o):
        f = lambda t, y, k: [
            -k * y[0] + 1e4 * y[1] * y[2], k * y[0] - 1e4 * y[1] * y[2] - 3e7 * y[1] ** 2, 3e7 * y[1] ** 2
        ]
        return solve_ivp(f, (0, 40.0), [1.0, 0.0, 0.0], "LSODA", args=(k,), **o).y[0, -1]

    exact = [(relaxed(1010.0, **TIGHT) - relaxed(990.0, **TIGHT)) / 20]
    exact.append((reacted(0.0401, rtol=1e-11, atol=1e-14) - reacted(0.0399, rtol=1e-11, atol=1e-14)) / 2e-4)

    assert gradient(relaxed, 1000.0)[0] == pytest.approx(exact[0], rel=1e-3)
    assert gradient(lambda k: reacted(k, rtol=1e-8, atol=1e-11), 0.04)[0] == pytest.approx(exact[1], rel=1e-5)


def test_tolerances_hold_for_the_gradient_whatever_its_size():
    last = lambda k, **o: 1e-12 * odeint(lambda y, t, k: -k * y, 1.0, [0.0, 2.0], args=(k,), **o)[-1, 0]
    exact = -2e-12 * np.exp(-1.0)

    errors = [abs(gradient(lambda k, r=r: last(k, rtol=r, atol=r), 0.5)[0] / exact - 1) for r in (1e-4, 1e-7, 1e-10)]

    assert errors[0] < 1e-2 and errors[1] < 1e-5 and errors[2] < 1e-8


def test_memory_does_not_grow_with_the_steps():
    def peak(turns):
        turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
        f = lambda k: odeint(lambda y, t, k: k * turn @ y, Y0, [0.0, turns], args=(k,), mxstep=10**5)
        gradient(lambda k: np.sum(f(k)), 1.0)
        tracemalloc.start()
        gradient(lambda k: np.sum(f(k)), 1.0)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(20.0) < 1.5 * peak(1.0)


def test_kinds_are_kept_and_parameters_go_by_args():
    k = Tensor([0.5])
    last = lambda k: odeint(lambda y, t, k: -k * y, np.ones(1), [0.0, 1.0], args=(k,))[-1, 0]

    gs = gradient(lambda: last(k), params(k))

    assert gs[k].item() == pytest.approx(-np.exp(-0.5), rel=1e-6)
    assert gradient(last, np.float32(0.5))[0].dtype == np.float32
    assert gradient(lambda y: odeint(lambda y, t: -y, y, [0, 1])[-1, 0], 2)[0] == pytest.approx(np.exp(-1.0), rel=1e-6)


# ----------------------------------------------------------------------------------------- solve_ivp
@pytest.mark.parametrize("method", ["RK45", "DOP853", "LSODA", "Radau"])
def test_the_methods_of_solve_ivp_are_differentiated(method):
    def loss(scale, end, y0):
        found = solve_ivp(lambda t, y, *args: hunt(y, t, *args), (0.0, end), y0, method, args=(scale, RATES), **loose)
        return np.sum(found.y[:, -1] ** 2)

    loose = {"rtol": 1e-8, "atol": 1e-8}
    by_scale, by_end, by_y0 = gradient(loss, 1.3, 1.0, Y0)

    assert by_scale == pytest.approx(slope(lambda h: loss(1.3 + h, 1.0, Y0), 1e-3), rel=1e-5)
    assert by_end == pytest.approx(slope(lambda h: loss(1.3, 1.0 + h, Y0), 1e-3), rel=1e-5)
    assert by_y0[0] == pytest.approx(slope(lambda h: loss(1.3, 1.0, Y0 + [h, 0]), 1e-3), rel=1e-5)


def test_the_times_of_solve_ivp_are_differentiated_and_its_result_is_scipys():
    found = solve_ivp(lambda t, y: -y, (0, 3), Y0, t_eval=T)

    halved = solve_ivp(lambda t, y, k: -k * y, (0, 1), [1.0], args=(2.0,), events=lambda t, y, k: y[0] - 0.5)
    assert halved.t_events[0] == pytest.approx(np.log(2) / 2, rel=1e-3)
    assert np.array_equal(found.y, scipy.integrate.solve_ivp(lambda t, y: -y, (0, 3), Y0, t_eval=T).y)
    g = gradient(lambda t: np.sum(solve_ivp(lambda t, y: -y, (0, 3), Y0, t_eval=t, **TIGHT).y), T)[0]
    np.testing.assert_allclose(g, -1.5 * np.exp(-T), rtol=1e-7)
    start = gradient(lambda t0: solve_ivp(lambda t, y: -y, (t0, 1.0), Y0, **TIGHT).y[0, -1], 0.0)[0]
    assert start == pytest.approx(np.exp(-1.0), rel=1e-7)


def test_complex_states_are_followed():
    far = lambda w: np.abs(solve_ivp(lambda t, y, w: 1j * w * y * y, (0, 1), [1 + 0.5j], args=(w,), **TIGHT).y[0, -1])

    # 1 / y = 1 / y0 - i w t
    exact = slope(lambda h: abs(1 / (1 / (1 + 0.5j) - 1j * (0.3 + h))))
    assert gradient(far, 0.3)[0] == pytest.approx(exact, rel=1e-7)


def test_jacobians_and_options_of_scipys_are_taken():
    stiff = lambda k, **o: solve_ivp(lambda t, y, k: -k * y, (0, 1), [1.0], "Radau", args=(k,), rtol=1e-7, **o).y[0, -1]

    (g,) = gradient(lambda k: stiff(k, jac=lambda t, y, k: np.array([[-k]]), max_step=0.2), 2.0)

    assert g == pytest.approx(-np.exp(-2.0), rel=1e-5)


# ------------------------------------------------------------------------------------------ bad input
K = Tensor([2.0])
DECAY = lambda y, t, k: -k * y


@pytest.mark.parametrize(
    "f, error, message",
    [
        (lambda k: odeint(lambda y, t: -k * y, 1.0, T)[-1, 0], LostGradientError, r"args=\(w,\)"),
        (lambda k: solve_ivp(lambda t, y: -k * y, (0, 1), k * np.ones(1)).y[0, -1], LostGradientError, r"args=\(w,\)"),
        (lambda k: solve_ivp(lambda t, y: -k * y, (0, 1), [1.0]).y[0, -1], LostGradientError, "plain numbers"),
        (lambda k: odeint(DECAY, 1.0, T, args=k)[-1, 0], TypeError, "args is a tuple"),
        (lambda k: odeint(DECAY, 1.0, [0.0, 2.0, 1.0], args=(k,))[-1, 0], ValueError, "monoton"),
        (
            lambda k: solve_ivp(lambda t, y, k: -k * y, (0, 1), [1.0], args=(k,), dense_output=True).y[0, -1],
            NoDerivativeError,
            "t_eval",
        ),
        (
            lambda k: solve_ivp(lambda t, y, k: -k * y, (0, 1), [1.0], args=(k,), events=lambda t, y, k: y[0]).y[0, -1],
            NoDerivativeError,
            "events",
        ),
    ],
)
def test_what_cannot_be_differentiated_says_what_to_write(f, error, message):
    with pytest.raises(error, match=message):
        gradient(f, 0.5)


def test_a_solution_that_cannot_be_followed_backwards_is_an_error_and_no_wrong_number(monkeypatch):
    monkeypatch.setattr(integrate, "DIVISIONS", 1)
    last = lambda k: odeint(DECAY, 1.0, [0.0, 1.0], args=(k,))[-1, 0]

    with pytest.raises(RuntimeError, match="going back in time.*second derivative"):
        gradient(lambda k: gradient(last, k)[0], 400.0)


def test_nothing_recorded_costs_nothing():
    assert minigrad.isderiving() is False
    assert type(odeint(lambda y, t: -y, Tensor([1.0]), T)) is Tensor
