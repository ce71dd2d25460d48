"""Scheduler: against recorded traces, beside other optimisers, saved and resumed; the manual's snippets."""

import copy
import itertools
import json
import math
import pathlib
import pickle

import numpy as np
import pytest

from minigrad import schedules
from minigrad.iddict import IdDict
from minigrad.optimise import (ADAM, ADAMW, ClipGlobalNorm, Descent, ExpDecay, Momentum, Optimiser,
                               WeightDecay, apply_, load_state_, state_dict, update_)
from minigrad.schedules import (Cos, Exp, Plateau, Poly, Scheduler, Sequence, Shifted, Stateful, StepError,
                                Triangle, next_, reset_)

DATA = pathlib.Path(__file__).parent / "data"
TRACES = json.loads((DATA / "schedules.json").read_text(encoding="utf-8"))["schedulers"]
RECORDED = json.loads((DATA / "schedules_peers.json").read_text(encoding="utf-8"))
PAGE = (DATA.parent.parent / "docs" / "schedules.md").read_text(encoding="utf-8")
OPTIMISERS = {"Momentum": Momentum, "ADAM": ADAM}


def set_rho(opt, value):
    opt.rho = value


def scheduled(case):
    spec = case["schedule"]
    schedule = getattr(schedules, spec["type"])(*spec.get("args", []), **spec.get("kwargs", {}))
    opt = OPTIMISERS[case["optimiser"]["name"]](*case["optimiser"]["args"])
    return schedule, opt


def both_forms(case):
    """The recorded Scheduler in the form of 0.3, and in ours."""
    schedule, opt = scheduled(case)
    options = {} if case["default_update_func"] else {"update_func": set_rho}
    old = Scheduler(schedule, opt, **options)
    schedule, opt = scheduled(case)
    return [old, Scheduler(opt, **{case["field"]: schedule})]


@pytest.mark.parametrize("form", [0, 1], ids=["Scheduler(schedule, opt)", "Scheduler(opt, name=schedule)"])
@pytest.mark.parametrize("case", TRACES, ids=lambda case: case["id"])
def test_scheduler_gives_the_recorded_trace(case, form):
    opt = both_forms(case)[form]
    xs = [np.array(x) for x in case["x0"]]

    for entry in case["trace"]:
        x = xs[entry["param"]]
        update_(opt, x, np.array(case["grads"][entry["step"] - 1][entry["param"]]))
        assert getattr(opt.opt, case["field"]) == pytest.approx(entry["field_value"], rel=1e-12)
        np.testing.assert_allclose(x, entry["x"], rtol=1e-10)


def test_row_of_the_table_for_inject_hyperparams_gives_the_recorded_steps():
    call = next(call for call in RECORDED["optax"] if call.startswith("inject_hyperparams"))
    ours = PAGE.split(f"| `{call}` | `")[1].split("` |")[0]
    opt = eval(ours, vars(schedules) | {"Descent": Descent})
    x = np.zeros(1)

    steps = [float(apply_(opt, x, np.ones(1))[0]) for _ in RECORDED["optax"][call]["values"]]

    # optax computes injected hyperparameters in float32, and its error grows with the power.
    np.testing.assert_allclose(steps, RECORDED["optax"][call]["values"], rtol=5e-6)


# ---- what is scheduled

def test_several_hyperparameters_are_scheduled_at_once():
    x, twin, opt, by_hand = np.ones(2), np.ones(2), Momentum(), Momentum()
    scheduler = Scheduler(opt, eta=Exp(0.1, 0.5), rho=Triangle(l0=0.8, l1=0.9, period=4))

    for t in range(1, 6):
        by_hand.eta, by_hand.rho = Exp(0.1, 0.5)(t), Triangle(l0=0.8, l1=0.9, period=4)(t)
        update_(by_hand, twin, x)
        update_(scheduler, x, x)
        assert scheduler.current == {"eta": by_hand.eta, "rho": by_hand.rho}
        assert (opt.eta, opt.rho) == (by_hand.eta, by_hand.rho)

    np.testing.assert_array_equal(x, twin)


def test_current_holds_the_first_values_before_any_step():
    opt = Scheduler(Momentum(), eta=Exp(0.1, 0.5))

    assert opt.current == {"eta": 0.1}
    assert opt.eta == 0.1
    assert opt.opt.eta == Momentum().eta
    with pytest.raises(AttributeError, match=r"scheduler\.opt\.rho"):
        print(opt.rho)


def test_functions_numbers_and_tuples_are_schedules_too():
    opt = Scheduler(ADAM(), eta=lambda t: 1 / t, epsilon=1e-6, beta=(Exp(0.5, 0.5), 0.999))
    x = np.ones(1)

    update_(opt, x, x), update_(opt, x, x)

    assert opt.current == {"eta": 0.5, "epsilon": 1e-6, "beta": (0.25, 0.999)}
    assert opt.opt.beta == (0.25, 0.999)


def test_each_parameter_counts_its_own_steps():
    opt, often, seldom = Scheduler(Descent(), eta=Exp(1.0, 0.5)), np.zeros(1), np.zeros(1)

    for t in range(4):
        update_(opt, often, np.ones(1))
        if t % 2:
            update_(opt, seldom, np.ones(1))

    assert often[0] == -(1 + 0.5 + 0.25 + 0.125)
    assert seldom[0] == -(1 + 0.5)
    assert (opt.count[often], opt.count[seldom]) == (4, 2)


def test_parameters_at_different_steps_are_updated_together_each_at_its_own():
    opt, early, late = Scheduler(Descent(), eta=Exp(1.0, 0.5)), np.zeros(1), np.zeros(1)
    update_(opt, early, np.ones(1))

    update_(opt, [early, late], [np.ones(1), np.ones(1)])

    assert (early[0], late[0]) == (-1.5, -1.0)
    with pytest.raises(ValueError):
        update_(opt, [late, early], [np.ones(1), np.ones(2)])
    assert (early[0], late[0]) == (-1.5, -1.0)


def test_a_global_norm_inside_a_scheduler_is_that_of_all_parameters():
    xs = [np.zeros(1), np.zeros(1)]
    opt = Scheduler(Optimiser(ClipGlobalNorm(5.0), Descent()), eta=Exp(1.0, 0.5))

    update_(opt, xs, [np.array([6.0]), np.array([8.0])])

    np.testing.assert_allclose(xs, [[-3.0], [-4.0]])


def test_the_count_dies_with_its_parameter():
    opt, x = Scheduler(Descent(), eta=Exp(1.0, 0.5)), np.zeros(1)
    update_(opt, x, np.ones(1))

    del x

    assert len(opt.count) == 0


def test_plateau_in_a_scheduler_is_fed_by_hand():
    rate = Plateau(1.0, decay=0.5, patience=0)
    opt, x = Scheduler(Descent(), eta=rate), np.zeros(1)

    for loss in (3.0, 3.0, 3.0):
        update_(opt, x, np.ones(1))
        next_(rate, loss)

    assert x[0] == -(1 + 1 + 0.5)
    assert opt.current == {"eta": 0.25}


# ---- among other optimisers

def test_scheduler_stands_inside_optimiser():
    x, twin = np.ones(3), np.ones(3)
    composed = Optimiser(WeightDecay(0.1), Scheduler(Descent(), eta=Exp(0.5, 0.5)))

    for t in range(1, 4):
        update_(Optimiser(WeightDecay(0.1), Descent(Exp(0.5, 0.5)(t))), twin, np.full(3, 2.0))
        update_(composed, x, np.full(3, 2.0))

    np.testing.assert_allclose(x, twin, rtol=1e-15)


def test_scheduler_wraps_an_optimiser_and_finds_the_member_with_the_name():
    opt = Optimiser(WeightDecay(0.1), Descent())
    scheduler, x = Scheduler(opt, eta=Exp(0.5, 0.5), wd=Exp(0.1, 0.1)), np.ones(1)

    update_(scheduler, x, x), update_(scheduler, x, x)

    assert opt[1].eta == 0.25
    assert opt[0].wd == pytest.approx(0.01)


def test_scheduler_reaches_into_adamw_and_into_another_scheduler():
    adamw, x = ADAMW(decay=0.1), np.ones(1)
    opt = Scheduler(Scheduler(adamw, eta=Exp(0.5, 0.5)), decay=Exp(0.1, 0.1))

    update_(opt, x, x), update_(opt, x, x)

    assert (adamw.eta, adamw.decay) == pytest.approx((0.25, 0.01))


def test_scheduler_wraps_a_rule_of_ones_own():
    class Sign:
        eta = 1.0

    @apply_.register
    def apply_sign(opt: Sign, x, dx):
        return opt.eta * np.sign(dx)

    opt, x = Scheduler(Sign(), eta=Exp(1.0, 0.5)), np.zeros(1)
    update_(opt, x, np.ones(1)), update_(opt, x, np.ones(1))

    assert x[0] == -1.5


# ---- saved, resumed, started again

def trained(opt, x, steps):
    for t in steps:
        update_(opt, x, np.cos(t * x))
    return x


def make():
    return Scheduler(Momentum(), eta=Cos(0.01, 0.1, 7), rho=Exp(0.9, 0.99))


@pytest.mark.parametrize("save", [lambda both: pickle.loads(pickle.dumps(both)), copy.deepcopy])
def test_a_saved_scheduler_goes_on_as_if_it_had_not_been_stopped(save):
    straight = trained(make(), np.ones(4), range(10))

    opt, x = make(), np.ones(4)
    opt, x = save((opt, trained(opt, x, range(6))))
    trained(opt, x, range(6, 10))

    np.testing.assert_array_equal(x, straight)


def test_state_dict_resumes_where_it_was_saved():
    straight = trained(make(), np.ones(4), range(10))

    opt, x = make(), np.ones(4)
    saved = state_dict(opt, {"x": trained(opt, x, range(6))})
    resumed = make()
    load_state_(resumed, {"x": x}, saved)

    assert (resumed.current, resumed.count[x]) == (opt.current, 6)
    np.testing.assert_array_equal(trained(resumed, x, range(6, 10)), straight)


def test_a_saved_plateau_inside_a_scheduler_goes_on_where_it_was():
    def cutting():  # worse once: 1, worse twice: 0.5, and so on
        return Scheduler(Descent(), eta=Plateau(1.0, decay=0.5, patience=0))

    opt, x = cutting(), np.zeros(1)
    for loss in (3.0, 3.0):
        update_(opt, x, np.ones(1)), next_(opt.schedules["eta"], loss)
    resumed = cutting()
    load_state_(resumed, [x], json.loads(json.dumps(state_dict(opt, [x]))))

    update_(resumed, x, np.ones(1)), next_(resumed.schedules["eta"], 2.0)
    update_(resumed, x, np.ones(1)), next_(resumed.schedules["eta"], 2.0)

    assert x[0] == -(1 + 1 + 0.5 + 0.5)
    assert resumed.current == {"eta": 0.25}
    assert resumed.schedules["eta"].best == 2.0


@pytest.mark.parametrize("place, wrap", [
    ("beta.1", lambda rate: rate),
    ("beta.1.schedule", lambda rate: Shifted(rate, 3)),
    ("beta.1.schedules.1", lambda rate: Sequence((Exp(0.9, 0.5), 2), (rate, 9))),
])
def test_a_plateau_is_found_wherever_it_stands(place, wrap):
    rate = Plateau(0.9, decay=0.5, patience=0)
    opt = Scheduler(ADAM(), eta=0.1, beta=(0.9, wrap(rate)))

    assert opt.listening() == {place: rate}
    next_(rate, 1), next_(rate, 1), reset_(opt)
    assert rate.value == 0.9


def test_going_back_to_what_was_saved_takes_a_plateau_back_too():
    opt, x = Scheduler(Descent(), eta=Plateau(1.0, decay=0.5, patience=0)), np.zeros(1)
    update_(opt, x, np.ones(1)), next_(opt.schedules["eta"], 3.0)
    saved = state_dict(opt, [x])
    next_(opt.schedules["eta"], 3.0), update_(opt, x, np.ones(1))

    load_state_(opt, [x], saved)
    update_(opt, x, np.ones(1))

    assert x[0] == -(1 + 0.5 + 1)


def test_the_state_of_a_rule_of_ones_own_inside_a_scheduler_is_saved():
    class Mean:  # steps along the sum of all gradients so far
        def __init__(self, eta=1.0):
            self.eta, self.sum = eta, IdDict()

    @apply_.register
    def apply_mean(opt: Mean, x, dx):
        opt.sum[x] = opt.sum.get(x, 0) + dx
        return opt.eta * opt.sum[x]

    opt, x = Scheduler(Mean(), eta=Exp(1.0, 0.5)), np.zeros(1)
    update_(opt, x, np.array([4.0]))
    resumed = Scheduler(Mean(), eta=Exp(1.0, 0.5))
    load_state_(resumed, [x], state_dict(opt, [x]))
    update_(resumed, x, np.array([4.0]))

    assert x[0] == -(4 + 0.5 * 8)


def test_reset_forgets_counts_state_and_what_a_plateau_has_heard():
    rate = Plateau(0.1, decay=0.5, patience=0)
    opt, x = Scheduler(Momentum(), eta=rate), np.ones(4)
    trained(opt, x, range(5)), next_(rate, 1), next_(rate, 1)

    assert reset_(opt) is opt

    np.testing.assert_array_equal(trained(opt, np.ones(4), range(5)),
                                  trained(Momentum(0.1), np.ones(4), range(5)))


# ---- printed and refused

def test_scheduler_is_printed_as_the_call_that_makes_it():
    assert repr(Scheduler(Descent(), eta=Exp(0.1, 0.5))) == (
        "Scheduler(Descent(eta=0.1), eta=Exp(start=0.1, decay=0.5))")
    assert repr(Scheduler(Exp(0.1, 0.5), Momentum(), update_func=set_rho)) == (
        "Scheduler(Exp(start=0.1, decay=0.5), Momentum(eta=0.01, rho=0.9), update_func=set_rho)")


@pytest.mark.parametrize("make, error, message", [
    (lambda: Scheduler(), TypeError, r"Scheduler takes \(optimiser, eta=schedule"),
    (lambda: Scheduler(Descent()), TypeError, r"Scheduler takes \(optimiser, eta=schedule"),
    (lambda: Scheduler(Exp(1, 0.5), Descent(), eta=Exp(1, 0.5)), TypeError, "Scheduler takes"),
    (lambda: Scheduler(Descent(), eta=0.1, update_func=set_rho), TypeError, "Scheduler takes"),
    (lambda: Scheduler(Descent, eta=Exp(1, 0.5)), TypeError, r"Descent is a class; give an optimiser"),
    (lambda: Scheduler(3, eta=Exp(1, 0.5)), TypeError, "3 is no optimiser"),
    (lambda: Scheduler(Descent(), Exp(1, 0.5)), TypeError, r"is no optimiser.*The order is"),
    (lambda: Scheduler(Descent(), eta="fast"), TypeError, "Scheduler: eta must be a schedule, a function"),
    (lambda: Scheduler(Exp(1, 0.5), Descent(), update_func=3), TypeError, "update_func must be a function"),
    (lambda: Scheduler(Descent(), rho=0.1), AttributeError, r"no hyperparameter 'rho' in Descent\(eta=0.1\)"),
    (lambda: Scheduler(Optimiser(ExpDecay(), ADAM()), eta=0.1), AttributeError, "2 members of .* have 'eta'"),
])
def test_what_cannot_be_scheduled_is_refused_when_the_scheduler_is_made(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_setting_a_hyperparameter_on_the_scheduler_itself_is_refused():
    with pytest.raises(AttributeError, match=r"set what is not scheduled .*scheduler\.opt\.eta"):
        Scheduler(Descent(), eta=0.1).eta = 3


def test_past_the_end_of_a_finite_schedule_nothing_is_changed():
    opt, x = Scheduler(Descent(), eta=Poly(1.0, 1, 2)), np.zeros(1)
    update_(opt, x, np.ones(1)), update_(opt, x, np.ones(1))

    with pytest.raises(StepError, match="Poly has 2 steps, and t = 3"):
        update_(opt, x, np.ones(1))
    assert x[0] == -1.5
    assert opt.count[x] == 2


def test_a_refused_gradient_is_not_counted():
    opt, x = Scheduler(Descent(), eta=Exp(1.0, 0.5)), np.zeros(2)

    with pytest.raises(ValueError):
        update_(opt, x, np.ones(3))
    assert x not in opt.count


def test_a_scheduled_value_out_of_range_is_refused_by_the_optimiser():
    opt, x = Scheduler(Momentum(), rho=lambda t: t), np.zeros(1)

    with pytest.raises(ValueError, match="Momentum: rho must be"):
        update_(opt, x, np.ones(1))


# ---- the manual

def test_the_manuals_first_snippet_runs():
    seen = []

    opt = Momentum()
    schedule = Cos(λ0 = 1e-4, λ1 = 1e-2, period = 10)
    for eta, epoch in zip(schedule, range(1, 101)):
        opt.eta = eta
        # your training code here
        seen.append((epoch, opt.eta))

    assert len(seen) == 100
    assert seen[0] == (1, 1e-2)
    assert seen[10] == (11, 1e-2)
    assert seen[5] == (6, pytest.approx((1e-4 + 1e-2) / 2))


def test_the_manuals_second_snippet_runs():
    seen = []
    opt = Momentum()

    schedule = Stateful(Cos(λ0 = 1e-4, λ1 = 1e-2, period = 10))
    for epoch in range(1, 101):
        opt.eta = next_(schedule)
        # your training code here
        seen.append((epoch, opt.eta))
    seen = [eta for _, eta in seen]

    assert seen == list(itertools.islice(Cos(λ0 = 1e-4, λ1 = 1e-2, period = 10), 100))
    assert schedule.state == 101
    assert math.isclose(min(seen), 1e-4 + 9.9e-3 * (1 + math.cos(0.9 * math.pi)) / 2)
