"""A step goes stage by stage over all parameters, and is whole or not made."""

import copy
import gc
import itertools
import pickle
import signal
import sys
import threading
import weakref

import numpy as np
import pytest
from all_rules import ALL, LAST, every_rule, numbers

from minigrad import Params, Scheduler, Tensor
from minigrad import optimise as o
from minigrad.core.errors import NonFiniteError
from minigrad.iddict import IdDict
from minigrad.optimise import apply_, rule, update_
from minigrad.optimise.compiled import tasks, threads

# ---------------------------------------------------------------------------------- rules by hand
# A stage by hand is a function of all arrays and all gradients, which keeps what it needs in itself.


class Halving:
    """A rule of one's own: each step is half of the one before plus the gradient."""

    def __init__(self):
        self.last = IdDict()


@apply_.register
def apply_halving(opt: Halving, x, dx):
    opt.last[x] = 0.5 * opt.last.get(x, np.zeros(dx.shape)) + dx
    return opt.last[x]  # what it keeps, not a copy


class Tripling(o.Descent):
    """A built-in rule with a rule of its own."""


@apply_.register
def apply_tripling(opt: Tripling, x, dx):
    dx *= 3 * opt.eta
    return dx


@rule
def towards_x(x, dx, m, t: float, eta=0.5):
    t = t + 1
    m = m + dx
    return eta * m + x * (0.1 * t), m, t


def descent(eta):
    return lambda xs, dxs: [eta * dx for dx in dxs]


def weight_decay(wd):
    return lambda xs, dxs: [dx + wd * x for x, dx in zip(xs, dxs)]


def clip_norm(thresh):
    return lambda xs, dxs: [dx * min(1, thresh / np.sqrt(np.sum(dx**2))) for dx in dxs]


def clip_global_norm(thresh):
    def stage(xs, dxs):
        return [dx * min(1, thresh / np.sqrt(sum(np.sum(dx**2) for dx in dxs))) for dx in dxs]

    return stage


def with_memory(formula):
    """A stage of formula(step number, memory of a parameter, x, dx) -> (memory, step)."""
    memory, time = {}, itertools.count(1)

    def stage(xs, dxs):
        t, steps = next(time), []
        for row, (x, dx) in enumerate(zip(xs, dxs)):
            memory[row], step = formula(t, memory.get(row), x, dx)
            steps.append(step)
        return None if any(step is None for step in steps) else steps

    return stage


def momentum(eta, rho):
    def formula(t, v, x, dx):
        v = rho * (0 if v is None else v) - eta * dx
        return v, -v

    return with_memory(formula)


def inv_decay(gamma):
    return with_memory(lambda t, n, x, dx: (None, dx / (1 + gamma * t)))


def exp_decay(eta, decay, step):
    return with_memory(lambda t, n, x, dx: (None, eta * decay ** (t // step) * dx))


def halving():
    return with_memory(lambda t, last, x, dx: 2 * ((0 if last is None else 0.5 * last) + dx,))


def accumulating(n):
    def formula(t, total, x, dx):
        total = (0 if total is None else total) + dx / n
        return (None, total) if t % n == 0 else (total, None)

    return with_memory(formula)


def towards(eta):
    def formula(t, m, x, dx):
        m = (0 if m is None else m) + dx
        return m, eta * m + x * (0.1 * t)

    return with_memory(formula)


def lookahead(eta, period, alpha):
    def formula(t, slow, x, dx):
        slow = x if slow is None else slow
        if t % period:
            return slow, eta * dx
        slow = slow + alpha * (x - eta * dx - slow)
        return slow, x - slow

    return with_memory(formula)


STAGES = {
    "Descent": (lambda: o.Descent(0.3), lambda: descent(0.3)),
    "Momentum": (lambda: o.Momentum(0.2, 0.5), lambda: momentum(0.2, 0.5)),
    "WeightDecay": (lambda: o.WeightDecay(0.1), lambda: weight_decay(0.1)),
    "ClipNorm": (lambda: o.ClipNorm(0.7), lambda: clip_norm(0.7)),
    "ClipGlobalNorm": (lambda: o.ClipGlobalNorm(0.9), lambda: clip_global_norm(0.9)),
    "InvDecay": (lambda: o.InvDecay(0.5), lambda: inv_decay(0.5)),
    "ExpDecay": (lambda: o.ExpDecay(0.8, 0.5, 2, 0), lambda: exp_decay(0.8, 0.5, 2)),
    "rule": (lambda: towards_x(), lambda: towards(0.5)),
    "AccumGrad": (lambda: o.AccumGrad(2), lambda: accumulating(2)),
    "Lookahead": (lambda: o.Lookahead(o.Descent(0.3), 2, 0.5), lambda: lookahead(0.3, 2, 0.5)),
    "own rule": (Halving, halving),
    "subclass": (lambda: Tripling(0.1), lambda: descent(3 * 0.1)),
    "Lookahead of own": (
        lambda: o.Lookahead(Tripling(0.1), 2, 0.5),
        lambda: lookahead(3 * 0.1, 2, 0.5),
    ),
    "Scheduler": (
        lambda: Scheduler(o.Descent(), eta=lambda t: 1 / t),
        lambda: with_memory(lambda t, _, x, dx: (None, dx / t)),
    ),
    "Scheduler of a global norm": (
        lambda: Scheduler(o.Optimiser(o.ClipGlobalNorm(0.9), o.Descent()), eta=lambda t: 1 / t),
        lambda: chained(clip_global_norm(0.9), with_memory(lambda t, _, x, dx: (None, dx / t))),
    ),
    "nested": (
        lambda: o.Optimiser(o.Optimiser(), o.Optimiser(o.ClipGlobalNorm(0.9), Halving())),
        lambda: chained(clip_global_norm(0.9), halving()),
    ),
}
OWN = ["AccumGrad", "own rule", "subclass", "Lookahead of own", "Scheduler", "Scheduler of a global norm", "nested"]


def chained(*stages):
    def stage(xs, dxs):
        for each in stages:
            if dxs is not None:
                dxs = each(xs, dxs)
        return dxs

    return stage


def parameters():
    return [np.array([0.5, -1.0]), np.array([[2.0], [-0.5], [0.25]]), np.array(1.5)]


def gradients(t):
    return [numbers(x.shape, seed=10 * t + k) for k, x in enumerate(parameters())]


def by_hand(stage, steps=4):
    xs = parameters()
    for t in range(steps):
        dxs = stage(xs, gradients(t))
        xs = xs if dxs is None else [x - dx for x, dx in zip(xs, dxs)]
    return xs


def moved_by(opt, steps=4):
    xs = parameters()
    for t in range(steps):
        update_(opt, xs, gradients(t))
    return xs


def assert_alike(found, expected):
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("second", STAGES)
@pytest.mark.parametrize("first", STAGES)
def test_a_pair_of_stages_does_what_they_do_by_hand_over_all_parameters(first, second, interpreted):
    (a, by_a), (b, by_b) = STAGES[first], STAGES[second]

    assert_alike(moved_by(o.Optimiser(a(), b())), by_hand(chained(by_a(), by_b())))


@pytest.mark.parametrize("second", ["Momentum", "ClipGlobalNorm", *OWN])
@pytest.mark.parametrize("first", ["Momentum", "ClipGlobalNorm", "ExpDecay"])
def test_the_same_compiled(first, second, compiled):
    (a, by_a), (b, by_b) = STAGES[first], STAGES[second]

    assert_alike(moved_by(o.Optimiser(a(), b())), by_hand(chained(by_a(), by_b())))
    assert_alike(moved_by(o.Optimiser(b(), a())), by_hand(chained(by_b(), by_a())))


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_listed_twice_sees_what_it_has_kept(name, either_way):
    make, hand = STAGES[name]
    opt, stage = make(), hand()
    if name == "ExpDecay":  # it counts two steps at a time
        stage = with_memory(lambda t, n, x, dx: (None, (0.8 * 0.5 ** (t - 1)) * (0.8 * 0.5**t) * dx))
        assert_alike(moved_by(o.Optimiser(opt, opt)), by_hand(stage))
        return

    assert_alike(moved_by(o.Optimiser(opt, opt)), by_hand(chained(stage, stage)))


def test_the_examples(either_way):
    gs = [np.array([3.0, 0]), np.array([0, 4.0])]
    for second in [
        Scheduler(o.Descent(1.0), eta=lambda t: 1.0),
        o.AccumGrad(1),
        o.Lookahead(o.Descent(1.0)),
        Halving(),
        Tripling(1 / 3),
    ]:
        a, b = np.zeros(2), np.zeros(2)
        update_(o.Optimiser(o.ClipGlobalNorm(1.0), second), [a, b], gs)
        np.testing.assert_allclose([a, b], [[-0.6, 0], [0, -0.8]], atol=1e-15)


def test_a_norm_is_that_of_all_parameters_where_they_are_at_different_steps_of_a_scheduler(either_way):
    a, b = np.zeros(1), np.zeros(1)
    opt = Scheduler(o.Optimiser(o.ClipGlobalNorm(1.0), o.Descent()), eta=lambda t: 1 / t)
    update_(opt, a, np.array([1.0]))

    update_(opt, [a, b], [np.array([3.0]), np.array([4.0])])

    np.testing.assert_allclose([a, b], [[-1 - 0.6 / 2], [-0.8]], rtol=1e-14)
    assert (opt.count[a], opt.count[b]) == (2, 1)


def test_a_norm_is_that_of_the_parameters_that_are_left(either_way):
    class Without:
        pass

    a, b, c = np.zeros(1), np.zeros(1), np.zeros(1)
    apply_.register(Without, lambda opt, x, dx: None if x is b else dx)

    update_(o.Optimiser(Without(), o.ClipGlobalNorm(1.0)), [a, b, c], [np.array([v]) for v in (3.0, 9.0, 4.0)])

    np.testing.assert_allclose([a, b, c], [[-0.6], [0], [-0.8]], rtol=1e-14)


@pytest.mark.parametrize("second", [lambda: Tripling(1 / 3), lambda: Scheduler(o.Descent(), eta=lambda t: 1.0)])
@pytest.mark.parametrize("norm", [o.ClipNorm, o.ClipGlobalNorm])
def test_what_is_skipped_keeps_its_state_in_every_composition(norm, second, either_way):
    opt = o.Optimiser(o.Momentum(), Halving(), norm(100, "skip"), second())
    a, b = np.ones(2), np.ones(2)
    update_(opt, [a, b], [np.ones(2), np.ones(2)])
    then, velocity = [a.copy(), b.copy()], [opt[0].velocity[p].copy() for p in (a, b)]

    update_(opt, [a, b], [np.ones(2), np.array([1.0, np.nan])])

    assert np.array_equal(b, then[1]) and np.array_equal(opt[0].velocity[b], velocity[1])
    still = norm is o.ClipGlobalNorm
    assert np.array_equal(a, then[0]) == still == np.array_equal(opt[0].velocity[a], velocity[0])
    if isinstance(opt[3], Scheduler):
        assert (opt[3].count[a], opt[3].count[b]) == (1 if still else 2, 1)


def test_parameters_that_pass_a_skipped_one_by_have_the_norm_of_their_own(either_way):
    opt = o.Optimiser(o.ClipNorm(10, "skip"), o.ClipGlobalNorm(1.0), o.Descent(1.0))
    a, b, c = np.zeros(1), np.zeros(1), np.zeros(1)

    update_(opt, [a, b, c], [np.array([v]) for v in (3.0, np.inf, 4.0)])

    np.testing.assert_allclose([a, b, c], [[-0.6], [0], [-0.8]], rtol=1e-14)


def test_a_member_replaced_by_an_equal_one_is_the_new_one():
    class Equal:
        def __init__(self, factor):
            self.factor = factor

        def __eq__(self, other):
            return True

    apply_.register(Equal, lambda opt, x, dx: opt.factor * dx)
    opt, x = o.Optimiser(Equal(1), o.Descent(1.0)), np.zeros(1)
    update_(opt, x, np.ones(1))

    opt[0] = Equal(10)
    update_(opt, x, np.ones(1))

    assert x[0] == -11


def test_an_optimiser_class_with_a_rule_of_its_own_is_not_taken_apart():
    class Whole(o.Optimiser):
        pass

    apply_.register(Whole, lambda opt, x, dx: 7 * dx)
    x = np.zeros(1)

    update_(o.Optimiser(Whole(o.Descent(0.0))), x, np.ones(1))

    assert x[0] == -7


# ---------------------------------------------------------------------------- whole or not made
class Failing:
    """A rule that raises when it meets a certain parameter."""

    def __init__(self, at):
        self.at = at

    def __getstate__(self):
        return {}


@apply_.register
def apply_failing(opt: Failing, x, dx):
    if x is opt.at:
        raise ZeroDivisionError("on purpose")
    return dx


class Around:
    """A rule that asks a built-in one, and then raises for a certain parameter."""

    def __init__(self, inside, at):
        self.inside, self.at = inside, at


@apply_.register
def apply_around(opt: Around, x, dx):
    step = apply_(opt.inside, x, dx)
    if x is opt.at:
        raise ZeroDivisionError("on purpose")
    return step


def known(opt, ps):
    """Everything that an optimiser knows, but for what a schedule sets anew at each step."""

    def without_schedules(part, scheduled=False):
        if "random" in part:
            return part["random"]
        within = scheduled or part["rule"] == "Scheduler"
        inside = {name: without_schedules(each, within) for name, each in part["inside"].items()}
        return part["state"], {} if scheduled else part["hyper"], inside

    return repr(without_schedules(o.state_dict(opt, ps)["optimiser"]))


BEFORE = {
    **{name: make for name, make in ALL.items()},
    "Scheduler": lambda: Scheduler(o.ADAM(), eta=lambda t: 1 / t),
    "Scheduler of AccumGrad": lambda: Scheduler(o.Optimiser(o.AccumGrad(2), o.Momentum(rho=0.5)), eta=lambda t: 1.0),
}


@pytest.mark.parametrize("name", BEFORE)
def test_a_rule_that_raises_at_the_third_of_four_parameters_leaves_all_as_it_was(name, interpreted):
    if name in LAST:
        pytest.skip("nothing stands behind it")
    ps = [Tensor(numbers(3, seed=k)) for k in range(4)]
    gs = [numbers(3, seed=10 + k) for k in range(4)]
    opt = o.Optimiser(BEFORE[name](), Failing(None))
    for _ in range(3):
        update_(opt, ps, gs)
    then, knew = [p.data.copy() for p in ps], known(opt, ps)

    opt[1].at = ps[2]
    with pytest.raises(ZeroDivisionError):
        update_(opt, ps, gs)
    assert all(map(np.array_equal, (p.data for p in ps), then)) and known(opt, ps) == knew

    opt[1].at = None
    twin, twins = o.Optimiser(BEFORE[name](), Failing(None)), [Tensor(numbers(3, seed=k)) for k in range(4)]
    for p in (ps, ps):
        update_(opt, p, gs)
    for _ in range(5):
        update_(twin, twins, gs)
    assert all(np.array_equal(p.data, q.data) for p, q in zip(ps, twins))


def test_the_same_compiled_and_for_apply(compiled):
    ps, gs = [numbers(3, seed=k) for k in range(4)], [numbers(3, seed=10 + k) for k in range(4)]
    opt = o.Optimiser(o.ADAM(), o.ExpDecay(1, 0.5, 2), Failing(None))
    update_(opt, ps, gs)
    then, knew = [p.copy() for p in ps], known(opt, ps)
    opt[2].at = ps[2]

    for step in [lambda: update_(opt, ps, gs), lambda: apply_(opt, ps[2], gs[2])]:
        with pytest.raises(ZeroDivisionError):
            step()
        assert all(map(np.array_equal, ps, then)) and known(opt, ps) == knew


@pytest.mark.parametrize("make", [o.ADAM, lambda: o.Optimiser(o.AccumGrad(2), o.Momentum())])
def test_built_in_rules_that_a_rule_of_ones_own_asks_are_put_back_too(make, either_way):
    ps, gs = [numbers(3, seed=k) for k in range(4)], [numbers(3, seed=10 + k) for k in range(4)]
    opt = Around(make(), None)
    update_(opt, ps, gs)
    then, knew = [p.copy() for p in ps], known(opt.inside, ps)
    opt.at = ps[2]

    with pytest.raises(ZeroDivisionError):
        update_(opt, ps, gs)

    assert all(map(np.array_equal, ps, then)) and known(opt.inside, ps) == knew


def test_a_rule_of_ones_own_may_go_on_after_an_error_of_a_built_in_one(either_way):
    class Careful:
        def __init__(self):
            self.inside = o.Optimiser(o.Momentum(1.0, 0.5), o.ClipNorm(10))

    @apply_.register
    def apply_careful(opt: Careful, x, dx):
        try:
            return apply_(opt.inside, x, dx)
        except NonFiniteError:
            return np.zeros_like(dx)

    opt, x = Careful(), np.zeros(1)
    for dx in (1.0, np.nan, 1.0):
        update_(opt, x, np.array([dx]))

    assert x[0] == -1 - 1.5


@pytest.mark.parametrize("own", [Halving, lambda: Tripling(0.1)])
def test_nan_in_the_second_gradient_leaves_the_first_parameter_alone(own, either_way):
    for opt in [o.Optimiser(o.ClipNorm(1), own()), o.Optimiser(own(), o.ClipNorm(1)), o.Optimiser(o.ClipNorm(1))]:
        a, b = np.zeros(2), np.zeros(2)

        with pytest.raises(NonFiniteError, match="parameter 1 of 2.*nothing was updated"):
            update_(opt, [a, b], [np.ones(2), np.array([1.0, np.nan])])

        assert not a.any() and not b.any()


def test_a_step_of_the_wrong_shape_or_kind_moves_nothing():
    class Wrong:
        pass

    for wrong, kind in [(lambda dx: dx[:1], ValueError), (lambda dx: dx + 1j, TypeError)]:
        a, b = np.zeros(2), np.zeros(2)
        apply_.register(Wrong, lambda opt, x, dx: wrong(dx) if x is b else dx)  # noqa: B023
        with pytest.raises(kind, match="the step of Wrong for ps.1."):
            update_(o.Optimiser(Wrong()), [a, b], [np.ones(2), np.ones(2)])
        assert not a.any() and not b.any()


def test_a_formula_that_fails_for_one_dtype_or_one_state_moves_nothing(interpreted):
    @rule
    def cubic(x, dx, eta=1.0):
        return eta * np.cbrt(dx)  # of real numbers only

    @rule
    def counting_down(x, dx, t: float, eta=1.0):
        t = t + 1
        return dx * (eta / (2.0 - t)), t

    real, complex_ = np.ones(2), np.ones(2, complex)
    with pytest.raises(TypeError):
        update_(cubic(), [real, complex_], [np.ones(2), np.ones(2)])
    assert real.tolist() == [1, 1]

    opt, fresh, old, single = counting_down(), np.ones(2), np.ones(2), np.ones(2, np.float32)
    update_(opt, old, np.ones(2))
    then = old.copy()
    try:
        update_(opt, [single, fresh, old], [np.ones(2), np.ones(2), np.ones(2)])
    except ZeroDivisionError:
        assert fresh.tolist() == single.tolist() == [1, 1] and np.array_equal(old, then) and opt.state[old][0] == 1


@pytest.mark.parametrize("own", [o.Optimiser, Halving])
@pytest.mark.filterwarnings("error")
def test_warnings_that_are_errors_cut_no_step_in_two(own, either_way):
    a, b, c = np.zeros(1, np.float16), np.full(1, 6e4, np.float16), np.full(1, 3e38, np.float32)

    update_(o.Optimiser(o.Descent(1.0), own()), [a, b, c], [np.ones(1), np.full(1, -6e4), np.full(1, -3e38)])

    assert (a[0], b[0], c[0]) == (-1, np.inf, np.inf)


def test_a_step_returned_in_memory_that_is_used_again_is_the_parameters_own(either_way):
    scratch = np.zeros(2)

    class Thrifty:
        pass

    apply_.register(Thrifty, lambda opt, x, dx: np.multiply(dx, 2, out=scratch))
    a, b = np.zeros(2), np.zeros(2)

    update_(Thrifty(), [a, b], [np.ones(2), np.full(2, 5.0)])

    assert (a.tolist(), b.tolist()) == ([-2, -2], [-10, -10])


class Pressed(BaseException):
    pass


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer for signals here")
@pytest.mark.parametrize("most", [30, pytest.param(500, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "make",
    [
        lambda: o.Momentum(1.0, 0.5),
        lambda: o.Optimiser(o.ExpDecay(1, 0.5, 3, 0), o.Momentum(1.0, 0.5), o.ExpDecay(1, 0.5, 2, 0)),
        lambda: o.Optimiser(o.Momentum(1.0, 0.5), o.ExpDecay(1, 0.5, 3, 0)),
        lambda: o.Optimiser(o.Momentum(1.0, 0.5), Failing(None), o.Momentum(1.0, 0.5)),
        lambda: o.Optimiser(o.AccumGrad(2), o.Momentum(1.0, 0.5), Failing(None)),
        lambda: Scheduler(o.Optimiser(o.Momentum(1.0, 0.5), o.ClipGlobalNorm(1.0)), eta=lambda t: 1 / t),
        lambda: o.Optimiser(Scheduler(o.Momentum(), eta=lambda t: 1 / t), Around(o.AMSGrad(), None)),
    ],
    ids=["formulas", "two replaced", "replaced", "own rule between", "own rule last", "Scheduler", "Scheduler first"],
)
def test_ctrl_c_comes_before_a_step_or_after_it(make, most, either_way):
    # Every number of steps has its own parameters and its own state: what is found after a press must be one of these.
    last = 4 * most
    ps, gs = [Tensor(np.zeros(3, d)) for d in (float, float, np.float32)], [np.arange(3.0) / 8] * 3
    twin, twins = make(), [Tensor(np.zeros(3, d)) for d in (float, float, np.float32)]
    whole = [(repr(twins), known(twin, twins))]
    for _ in range(last):
        update_(twin, twins, gs)
        whole.append((repr(twins), known(twin, twins)))
    opt, steps, presses, armed = make(), 0, 0, []
    rng = np.random.default_rng(0)

    def press(*_):
        if armed:
            armed.clear()
            raise Pressed

    gc.disable()  # Hypothesis has Python functions called by the collector, which swallow what is raised in them
    handler = signal.signal(signal.SIGALRM, press)
    try:
        while steps < last and presses < most:
            try:
                armed.append(True)
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-6, 3e-4))
                while steps < last:
                    update_(opt, ps, gs)
                    steps += 1
                armed.clear()
            except Pressed:
                presses += 1
            found = repr(ps), known(opt, ps)
            steps += found in whole[steps + 1 : steps + 2]  # it came between the step and its being counted here
            assert found == whole[steps]
    finally:
        armed.clear()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        gc.enable()
    assert presses


# -------------------------------------------------------------------------------- shared memory
def shared():
    """Cases: parameters, gradients, what the parameters are after a step of Descent(0.5) and WeightDecay(0.5)."""
    memory = np.arange(12.0)

    def stepped(x, dx):
        return x - 0.5 * (dx + 0.5 * x)

    a, b = memory[:4].copy(), memory[4:8].copy()
    yield "each the other's gradient", [a, b], [b, a], [stepped(a, b), stepped(b, a)]
    a, b = memory[:4].copy(), memory[4:8].copy()
    yield "a view of another parameter", [a, b], [np.ones(4), a[::-1]], [stepped(a, np.ones(4)), stepped(b, a[::-1])]
    flat, other = memory[:8].copy(), memory[:8].copy()[::-1].copy()
    yield (
        "views of one vector",
        [flat[:4], flat[4:]],
        [flat[4:], other[:4]],
        [stepped(flat[:4], flat[4:]), stepped(flat[4:], other[:4])],
    )
    flat = memory.copy()
    yield "across a border", [flat[:4], flat[4:8]], [flat[2:6], flat[6:10]], [
        stepped(flat[:4], flat[2:6]),
        stepped(flat[4:8], flat[6:10]),
    ]
    a, dx = np.arange(4.0), np.ones(4)
    yield "one gradient for two", [a, a + 1], [dx, dx], [stepped(a, dx), stepped(a + 1, dx)]
    a, b = np.arange(4.0), np.arange(4.0) + 1
    yield "its own gradient", [a, b], [a, b], [stepped(a, a), stepped(b, b)]


@pytest.mark.parametrize("prepared", [False, True], ids=["first step", "later step"])
def test_a_gradient_may_lie_in_another_parameters_memory(prepared, either_way):
    for name, xs, dxs, expected in shared():
        expected, opt, then = [x.copy() for x in expected], o.Optimiser(o.WeightDecay(0.5), o.Descent(0.5)), None
        if prepared:  # steps of zero before, so that the compiled way is open
            opt[1].eta, then = 0.0, [x.copy() for x in xs]
            for _ in range(3):
                update_(opt, xs, [np.zeros(4), np.zeros(4)])
            assert all(map(np.array_equal, xs, then))
            opt[1].eta = 0.5

        update_(opt, xs, dxs)

        assert all(map(np.array_equal, xs, expected)), name


@pytest.mark.parametrize("order", [1, -1])
def test_parameters_that_overlap_get_both_steps_made_of_what_they_were(order, either_way):
    memory = np.arange(1.0, 7)
    xs = [memory[:4], memory[2:]][::order]
    opt = o.Optimiser(o.WeightDecay(0.5), o.Descent(1.0))
    update_(o.Optimiser(o.WeightDecay(0.5), o.Descent(0.0)), xs, [np.zeros(4), np.zeros(4)])

    for _ in range(2):
        then = memory.copy()
        update_(opt, xs, [np.ones(4), np.ones(4)])
        step = 1 + 0.5 * then
        assert memory.tolist() == (then - step * np.array([1, 1, 2, 2, 1, 1])).tolist()


def test_a_parameter_that_gets_other_memory_is_found_there(compiled):
    W, b, opt = Tensor(np.zeros(3)), Tensor(np.zeros(3)), o.Descent(1.0)
    for _ in range(2):
        update_(opt, Params([W, b]), [np.ones(3), np.ones(3)])

    W._value = b.data  # from now on they are one
    update_(opt, [W, b], [np.ones(3), np.ones(3)])
    assert W.data.tolist() == [-4, -4, -4]

    W._value = np.zeros(3)
    for _ in range(3):
        update_(opt, [W, b], [b.data, np.ones(3)])
    assert (W.data.tolist(), b.data.tolist()) == ([4 + 5 + 6] * 3, [-7] * 3)


def test_steps_on_memory_of_ones_own_stay_compiled(compiled):
    ps, opt = [Tensor(np.zeros(3)) for _ in range(40)], o.ADAM()
    flat = np.ones(120)
    update_(opt, ps, [np.ones(3) for _ in ps])

    for _ in range(5):
        gs = [np.ones(3) for _ in range(20)] + [flat[3 * k : 3 * k + 3] for k in range(20)]
        assert opt._plans.again(opt, tuple(ps), tuple(gs))


# ------------------------------------------------------------------------------- life and death
OPTIMISERS = {**BEFORE, "AccumGrad alone": lambda: o.AccumGrad(2), "a rule": towards_x, "subclass": lambda: Tripling(1)}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_an_optimiser_dies_with_its_last_reference(name, either_way):
    x, opt = Tensor(numbers(4)), OPTIMISERS[name]()
    y = Tensor(numbers(4, np.float32))
    for _ in range(3):
        update_(opt, [x, y], [np.ones(4), np.ones(4)])
        apply_(opt, x, np.ones(4))
    gone = weakref.ref(opt)

    gc.disable()
    try:
        del opt
        assert gone() is None
    finally:
        gc.enable()


@every_rule
def test_an_optimiser_that_outlives_a_composition_is_its_own(name, either_way):
    inside = ALL[name]()
    x = numbers(4)
    outside = o.Optimiser(o.WeightDecay(0.1), inside)
    update_(outside, x, np.ones(4))
    gone = weakref.ref(outside)
    gc.disable()
    try:
        del outside
        assert gone() is None
    finally:
        gc.enable()
    update_(inside, x, np.ones(4))


def test_an_optimiser_of_ones_own_is_copied_and_pickled_whatever_it_hands_over():
    opt, x = Plainly(), np.zeros(1)
    update_(opt, x, np.ones(1))

    for twin in [copy.copy(opt), copy.deepcopy(opt), pickle.loads(pickle.dumps(opt))]:
        update_(twin, x, np.ones(1))
    assert x[0] == -4


class Plainly(o.AbstractOptimiser):
    def __getstate__(self):
        return self.__dict__


apply_.register(Plainly, lambda opt, x, dx: dx)


# -------------------------------------------------------------------------------------- threads
@pytest.mark.parametrize("size", ["small", "large", "shared by threads"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: o.Descent(1.0),
        lambda: o.Optimiser(o.ClipNorm(1e9), o.Descent(1.0)),
        lambda: o.Optimiser(o.ExpDecay(1, 1, 1), o.Descent(1.0)),
        lambda: Scheduler(o.Descent(), eta=lambda t: 1.0),
    ],
    ids=["Descent", "ClipNorm", "ExpDecay", "Scheduler"],
)
def test_threads_that_step_with_one_optimiser_on_one_parameter_lose_no_step(make, size, either_way, monkeypatch):
    if size != "small":
        monkeypatch.setattr(tasks, "KEEP_LOCK_BELOW", 0)
    if size == "shared by threads":
        monkeypatch.setattr(threads, "number", 2)
        monkeypatch.setattr(threads, "WORTH", 1)
    x, dx, opt, many = np.zeros(1000), np.ones(1000), make(), 30
    update_(opt, x, dx)

    def work():
        for _ in range(many):
            update_(opt, x, dx)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        workers = [threading.Thread(target=work) for _ in range(4)]
        [worker.start() for worker in workers]
        [worker.join() for worker in workers]
    finally:
        sys.setswitchinterval(before)

    assert (x == -(4 * many + 1)).all()


# ---------------------------------------------------------------------------------------- names
@pytest.mark.parametrize(
    "name",
    "formula fresh kept nonfinite hyper state_of state _plans reset_ replaces refuse_dtype _ranges".split(),
)
def test_a_hyperparameter_with_a_name_of_the_mechanism_is_refused(name):
    space = {"rule": rule}
    with pytest.raises(TypeError, match=f"rule mine: .*{name}"):
        exec(f"@rule\ndef mine(x, dx, eta=0.1, *, {name}=0.5):\n    return eta * dx * {name}", space)


def test_a_hyperparameter_may_be_called_step(either_way):
    @rule
    def mine(x, dx, step=0.5):
        return step * dx

    x = np.zeros(1)
    update_(mine(step=0.25), x, np.ones(1))
    assert x[0] == -0.25
