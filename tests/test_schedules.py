"""What every schedule does, over one list of them; and what is particular to some."""

import copy
import dataclasses
import itertools
import math
import pickle

import numpy as np
import pytest

from minigrad import Tensor, schedules
from minigrad.schedules import (
    WSD, ComposedSchedule, Constant, Cos, CosAnneal, CosRestarts, Exp, Interpolator, Inv, Loop, OneCycle,
    Plateau, Poly, Schedule, Sequence, Shifted, Shortened, Sin, SinDecay2, SinExp, Stateful, Step, StepError,
    Triangle, TriangleDecay2, TriangleExp, Warmup, next_, plot, reset_, reverse, symmetric)

ENDLESS = [
    Step(0.5, 0.3, 7),
    Step(0.5, 0.3, [2, 3]),
    Exp(0.1, 0.8),
    Inv(0.1, 0.2, 2),
    Triangle(l0=0.1, l1=0.8, period=10),
    Triangle(0.7, 0.1, 10),
    TriangleDecay2(l0=0.1, l1=0.8, period=10),
    TriangleExp(l0=0.1, l1=0.8, period=10, decay=0.9),
    Sin(l0=0.1, l1=0.8, period=10),
    SinDecay2(l0=0.1, l1=0.8, period=10),
    SinExp(l0=0.1, l1=0.8, period=10, decay=0.9),
    CosAnneal(l0=0.1, l1=0.8, period=10),
    CosAnneal(0.7, 0.1, 10, False),
    Cos(1e-4, 1e-2, 10),
    CosRestarts(0.1, 0.8, period=3, growth=1.5),
    CosRestarts(0.1, 0.8, period=3, growth=1),
    Constant(0.25),
    Sequence([Exp(1, 0.5), 0.05], [4, 3]),
    Loop(Poly(1, 2, 10), 6),
    Interpolator(Exp(0.1, 0.5), 5),
    Interpolator(Exp(0.1, 0.5), 2.5, math.floor),
    Shifted(Exp(0.1, 0.8), 5),
    Warmup(Cos(0.0, 0.1, 10), 4),
    ComposedSchedule(Sin(0.5, 0.1, 5), [Step(0.5, 0.1, 5), 0.1, 5]),
    Sequence((math.log, 4), (math.sqrt, 3)),
    Loop(math.log, 5),
]
FINITE = [
    (Poly(0.3, 2, 40), 40),
    (OneCycle(40, 1.0), 40),
    (OneCycle(1, 1.0), 1),
    (OneCycle(7, 1.0, percent_start=1), 7),
    (OneCycle(7, 1.0, percent_start=0), 7),
    (WSD(1.0, warmup=4, stable=5, decay=6), 15),
    (Shortened(Exp(0.1, 0.8), 9), 9),
    (Shortened(math.log, 9), 9),
    (reverse(Exp(0.1, 0.8), 8), 8),
    (symmetric(Exp(0.1, 0.8), 9), 9),
    (Sequence((Exp(1, 0.5), 4), (Poly(1, 2, 5), 5)), 9),
    (Interpolator(Poly(1, 2, 5), 4), 20),
    (Interpolator(Poly(1, 2, 5), 0.5), 2),
    (Interpolator(Poly(1, 2, 5), 2.5), 12),
    (Interpolator(Poly(1, 2, 5), 4, math.floor), 23),
    (Interpolator(Poly(1, 2, 5), 1000), 5000),
    (Shifted(Poly(1, 2, 5), 3), 3),
    (Warmup(Poly(1, 2, 5), 3), 8),
    (ComposedSchedule(Poly(1, 2, 5), [Exp(1, 0.9), 2, 5]), 5),
    (ComposedSchedule(Exp(1, 0.5), [Poly(1, 1, 4), 0.5]), 4),
]
ALL = ENDLESS + [schedule for schedule, _ in FINITE]


def label(value):
    return repr(value) if isinstance(value, Schedule) else ""


def test_the_list_above_holds_every_public_schedule():
    classes = {value for value in vars(schedules).values() if isinstance(value, type)}

    assert {type(s) for s in ALL} == {c for c in classes if issubclass(c, Schedule)} - {Schedule}


# ---- called, iterated, indexed, measured

@pytest.mark.parametrize("schedule", ALL, ids=label)
def test_iteration_call_index_slice_and_array_give_the_same_values(schedule):
    called = [schedule(t) for t in range(1, min(30, schedule.end) + 1)]
    steps = np.arange(1, len(called) + 1)

    assert list(itertools.islice(schedule, len(called))) == called
    assert [schedule[t] for t in steps.tolist()] == called
    assert schedule[1:len(called) + 1].tolist() == called
    np.testing.assert_allclose(schedule(steps), called, rtol=1e-15)


@pytest.mark.parametrize("schedule", ALL, ids=label)
def test_a_step_gives_a_float_and_an_array_of_steps_an_array_of_its_shape(schedule):
    steps = np.array([[1, 1, 1]])

    assert type(schedule(1)) is float
    assert type(schedule(np.int64(1))) is float
    assert schedule(steps).shape == (1, 3)
    assert schedule(steps).dtype == float
    assert schedule([1]).shape == (1,)
    assert schedule(np.array([], int)).shape == (0,)


@pytest.mark.parametrize("schedule, length", FINITE, ids=label)
def test_finite_schedule_has_a_length_and_stops_there(schedule, length):
    assert len(schedule) == length
    assert len(list(schedule)) == length
    assert len(schedule[:]) == length
    assert len(schedule[1:10 ** 6]) == length
    for beyond in (length + 1, np.array([1, length + 1])):
        with pytest.raises(IndexError, match=f"has {length} steps"):
            schedule(beyond)
    with pytest.raises(IndexError, match=f"t = {length + 1}"):
        schedule[length + 1]


def test_finite_schedule_can_be_run_through_from_the_end():
    assert list(reversed(Poly(1, 1, 4))) == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize("schedule", ENDLESS, ids=label)
def test_endless_schedule_has_no_length_and_no_end(schedule):
    with pytest.raises(TypeError, match="never ends"):
        len(schedule)
    with pytest.raises(ValueError, match="give the slice a stop"):
        schedule[3:]
    assert len(schedule[3:8]) == 5
    assert math.isfinite(schedule(10 ** 5))


@pytest.mark.parametrize("schedule", ALL, ids=label)
def test_every_schedule_is_true(schedule):
    assert schedule


def test_slices_are_those_of_range():
    squares = Interpolator(lambda t: t * t, 1)

    assert squares[2:9:3].tolist() == [4, 25, 64]
    assert squares[:3].tolist() == [1, 4]
    assert squares[9:2].tolist() == []


@pytest.mark.parametrize("t", [0, -1, 0.5, math.nan, math.inf, np.array([3, 0])])
def test_a_step_below_1_or_no_step_at_all_is_an_index_error_and_a_value_error(t):
    for error in (IndexError, ValueError, StepError):
        with pytest.raises(error, match="Exp: t = .*counted 1, 2, 3"):
            Exp(0.1, 0.8)(t)


@pytest.mark.parametrize("t", ["3", None, True, 2j, np.array(["3"]), np.array([True]), [None]])
def test_a_step_that_is_no_number_is_a_type_error(t):
    with pytest.raises(TypeError, match="Exp: t must be a number"):
        Exp(0.1, 0.8)(t)


@pytest.mark.parametrize("index", [0, -1, slice(0, 4), slice(-3, 4)])
def test_an_index_below_1_is_refused(index):
    with pytest.raises(IndexError, match="counted 1, 2, 3"):
        Exp(0.1, 0.8)[index]


@pytest.mark.parametrize("index", [1.0, "1", None, np.array([1, 2])])
def test_an_index_is_a_whole_number(index):
    with pytest.raises(TypeError):
        Exp(0.1, 0.8)[index]


# ---- a value: printed, compared, hashed, frozen, copied

@pytest.mark.parametrize("schedule", ALL, ids=label)
def test_schedule_is_printed_as_the_call_that_makes_it(schedule):
    names = vars(schedules) | vars(math)

    assert eval(repr(schedule), names) == schedule
    assert str(schedule).startswith(repr(schedule) + "\n")
    assert len(str(schedule).splitlines()) == 2


def test_schedule_is_printed_as_it_was_called():
    assert repr(Exp(0.1, decay=0.5)) == "Exp(start=0.1, decay=0.5)"
    assert repr(Step(0.1, 0.5, [1, 2])) == "Step(start=0.1, decay=0.5, step_sizes=(1, 2))"
    assert repr(Triangle(l0=0.8, l1=0.1, period=7)) == "Triangle(l0=0.8, l1=0.1, period=7)"
    assert repr(Triangle(0.7, 0.1, 7)) == "Triangle(range=0.7, offset=0.1, period=7)"
    assert repr(CosAnneal(l0=0.1, l1=0.8, period=7)) == "CosAnneal(l0=0.1, l1=0.8, period=7)"
    assert repr(CosAnneal(l0=0.1, l1=0.8, period=7, restart=False)) == (
        "CosAnneal(l0=0.1, l1=0.8, period=7, restart=False)")
    assert repr(Sequence([math.log, 0.5], [1, 2])) == "Sequence((log, 1), (0.5, 2))"


def test_sparkline_is_lowest_at_the_lowest_value_and_full_at_the_highest():
    assert str(Triangle(l0=0, l1=1, period=4)).splitlines()[1] == "▁▅█▅▁▅█▅▁▅█▅  t = 1 ... 12, from 0 to 1"


def test_sparkline_of_many_steps_has_60_blocks():
    assert len(str(Poly(1, 1, 10 ** 6)).splitlines()[1].split()[0]) == 60


def test_sparkline_leaves_a_blank_for_what_is_not_finite():
    assert "▁▅█ ▁▅█ " in str(Loop(lambda t: t if t < 4 else math.inf, 4))


def test_schedule_over_a_function_that_knows_few_steps_is_printed_without_a_picture():
    rates = [0.1, 0.2]

    assert "\n" not in str(Loop(lambda t: rates[t], 2))


@pytest.mark.parametrize("schedule", ALL, ids=label)
def test_schedules_made_alike_are_equal_and_hash_alike(schedule):
    twin = copy.deepcopy(schedule)

    assert twin == schedule
    assert hash(twin) == hash(schedule)
    assert {schedule: 1}[twin] == 1
    assert schedule not in [other for other in ALL if other is not schedule]


@pytest.mark.parametrize("schedule", ALL, ids=label)
def test_schedule_survives_pickling(schedule):
    twin = pickle.loads(pickle.dumps(schedule))

    assert twin == schedule
    assert repr(twin) == repr(schedule)
    assert twin(1) == schedule(1)


@pytest.mark.parametrize("schedule", ALL, ids=label)
def test_schedule_cannot_be_changed(schedule):
    field = dataclasses.fields(schedule)[0].name
    with pytest.raises(AttributeError):
        setattr(schedule, field, 1)


@pytest.mark.parametrize("schedule", ALL, ids=label)
def test_evaluating_leaves_no_trace(schedule):
    before = copy.deepcopy(vars(schedule))

    schedule(1), list(itertools.islice(schedule, 4)), str(schedule)

    assert vars(schedule) == before


def test_a_changed_copy_is_made_by_replace():
    assert dataclasses.replace(Exp(0.1, 0.5), decay=0.9) == Exp(0.1, 0.9)
    assert dataclasses.replace(Triangle(l0=0.0, l1=0.5, period=3), period=5) == Triangle(0.5, 0.0, 5)


# ---- spellings

@pytest.mark.parametrize("greek, ascii", [
    (lambda: Step(λ=0.1, γ=0.5, step_sizes=3), lambda: Step(start=0.1, decay=0.5, step_sizes=3)),
    (lambda: Exp(λ=0.1, γ=0.5), lambda: Exp(start=0.1, decay=0.5)),
    (lambda: Poly(λ=0.1, p=2, max_iter=3), lambda: Poly(start=0.1, degree=2, max_iter=3)),
    (lambda: Inv(λ=0.1, γ=0.5, p=2), lambda: Inv(start=0.1, decay=0.5, degree=2)),
    *((lambda wave=wave: wave(λ0=0.1, λ1=0.5, period=3), lambda wave=wave: wave(l0=0.1, l1=0.5, period=3))
      for wave in (Triangle, TriangleDecay2, Sin, SinDecay2, CosAnneal, Cos, CosRestarts)),
    *((lambda wave=wave: wave(λ0=0.1, λ1=0.5, period=3, γ=0.9),
       lambda wave=wave: wave(l0=0.1, l1=0.5, period=3, decay=0.9)) for wave in (TriangleExp, SinExp)),
])
def test_greek_and_ascii_keywords_mean_the_same(greek, ascii):
    assert greek() == ascii()


def test_one_argument_under_two_spellings_is_refused():
    with pytest.raises(TypeError, match="'l0' was given twice"):
        Triangle(λ0=0.1, l0=0.1, l1=0.5, period=3)


@pytest.mark.parametrize("wave", [Triangle, TriangleDecay2, Sin, SinDecay2, CosAnneal])
def test_waves_take_range_and_offset_by_position(wave):
    assert wave(0.5, 0.25, 10) == wave(l0=0.25, l1=0.75, period=10) == wave(l0=0.75, l1=0.25, period=10)


# ---- what is particular to some

def test_cos_is_cosanneal_with_end_points_by_position():
    np.testing.assert_array_equal(Cos(0.75, 0.25, 7)[1:30], CosAnneal(l0=0.25, l1=0.75, period=7)[1:30])


def test_sequence_takes_lists_pairs_or_a_generator_of_pairs():
    lists = Sequence([Exp(1, 0.5), 0.2], [3, 4])

    assert Sequence((Exp(1, 0.5), 3), (0.2, 4)) == lists
    assert Sequence(schedules=(Exp(1, 0.5), 0.2), step_sizes=(3, 4)) == lists
    assert Sequence(pair for pair in [(Exp(1, 0.5), 3), (0.2, 4)]) == lists
    assert Sequence((s for s in [Exp(1, 0.5), 0.2]), np.array([3, 4])) == lists
    assert Sequence(itertools.repeat(0.1), itertools.count(1))(10 ** 4) == 0.1


def test_sequence_of_one_is_that_one_and_shift_by_one_too():
    np.testing.assert_array_equal(Sequence((Exp(1, 0.5), 3))[1:20], Exp(1, 0.5)[1:20])
    np.testing.assert_array_equal(Shifted(Exp(1, 0.5), 1)[1:20], Exp(1, 0.5)[1:20])


def test_endless_generator_is_read_only_as_far_as_needed():
    read = []

    def pairs():
        for k in itertools.count(1):
            read.append(k)
            yield float(k), 10

    endless = Sequence(pairs())

    assert endless(1001) == 101
    assert len(read) < 110
    assert endless(5000) == 500
    assert endless(1001) == 101


def test_generator_of_more_than_100_pairs_that_ends_goes_on_with_its_last_schedule():
    assert Sequence((k, 2) for k in range(150))(1000) == 149


def test_sequence_from_an_endless_generator_cannot_be_pickled_and_says_so():
    with pytest.raises(TypeError, match="generator cannot be copied or pickled"):
        pickle.dumps(Sequence((float(k), 1) for k in itertools.count()))


def test_function_in_a_schedule_gets_whole_steps_as_int():
    rates = [0.3, 0.2, 0.1]

    assert Loop(lambda t: rates[t - 1], 3)[1:5].tolist() == [0.3, 0.2, 0.1, 0.3]


def test_interpolator_asks_for_fractions_when_it_is_not_to_round():
    assert Interpolator(lambda t: t, 4, lambda step: step)(6) == 1.5


def test_composed_schedule_may_be_made_by_a_function():
    def make(s, parameters):
        return Triangle(parameters[0], s.offset, s.period)

    taller = ComposedSchedule(make, Triangle(1, 0, 2), [lambda t: t])

    assert taller[1:5].tolist() == [0, 2, 0, 4]


def test_composed_schedule_takes_a_schedule_for_a_whole_number():
    assert ComposedSchedule(Triangle(1, 0, 2), [1, 0, Step(2, 2, 4)])[1:6].tolist() == [0, 1, 0, 1, 0]


def test_cos_restarts_begins_anew_where_the_periods_end():
    tops = [t for t in range(1, 200) if CosRestarts(0, 1, 3, growth=2)(t) == 1]

    assert tops == [1, 1 + 3, 1 + 3 + 6, 1 + 3 + 6 + 12, 1 + 3 + 6 + 12 + 24, 94, 190]


def test_cos_restarts_without_growth_is_cos():
    np.testing.assert_array_equal(CosRestarts(0.1, 0.5, 7, growth=1)[1:50], Cos(0.1, 0.5, 7)[1:50])


def test_cos_restarts_finds_its_period_far_out():
    # Periods 1, 2, 4, ...: the 50th begins after 2^49 - 1 steps.
    assert CosRestarts(0, 1, 1, growth=2)(2 ** 49) == 1


def test_warmup_rises_in_a_straight_line_to_the_first_value_and_goes_on_with_the_schedule():
    assert Warmup(Exp(0.8, 0.5), 4)[1:8].tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.4, 0.2])


def test_wsd_is_a_trapezoid():
    assert WSD(1.0, warmup=2, stable=3, decay=2, endval=0.5)[:].tolist() == pytest.approx(
        [0.5, 1, 1, 1, 1, 1, 0.75])


def test_a_schedule_of_ones_own_needs_a_formula_only():
    @dataclasses.dataclass(frozen=True, repr=False)
    class Rsqrt(Schedule):
        start: schedules.base.Number

        def formula(self, t):
            return self.start / np.sqrt(t)

    assert Rsqrt(3)(9) == 1
    assert Loop(Rsqrt(3), 9)(18) == 1
    assert repr(Rsqrt(3)) == "Rsqrt(start=3.0)"
    with pytest.raises(TypeError, match="Rsqrt: start must be a number"):
        Rsqrt("3")


# ---- the ones with state

def test_stateful_is_a_python_iterator_that_ends_with_its_schedule():
    stateful = Stateful(Poly(1.0, 1, 4))

    assert next(stateful) == 1.0
    assert list(stateful) == [0.75, 0.5, 0.25]
    with pytest.raises(StopIteration):
        next(stateful)
    with pytest.raises(IndexError, match="has 4 steps, and t = 5"):
        next_(stateful)


def test_stateful_can_be_resumed():
    stateful = Stateful(Exp(1.0, 0.5))
    next_(stateful)

    resumed = pickle.loads(pickle.dumps(stateful))

    assert (resumed.state, next_(resumed)) == (2, 0.5)
    assert next_(Stateful(Exp(1.0, 0.5), state=3)) == 0.25


def test_plateau_cuts_after_more_than_patience_losses_that_are_no_better():
    s = Plateau(1.0, decay=0.5, patience=2, rtol=0.1)

    assert [next_(s, loss) for loss in (10, 9.5, 9.5, 9.5, 8, 8, 8, 8)] == [1, 1, 1, .5, .5, .5, .5, .25]


def test_plateau_forgives_during_cooldown_and_stops_at_the_lowest():
    s = Plateau(1.0, decay=0.25, patience=0, cooldown=2, lowest=0.1)

    assert [next_(s, 1) for _ in range(8)] == [1, .25, .25, .25, .1, .1, .1, .1]


def test_plateau_counts_nan_as_no_better_and_a_negative_loss_must_improve():
    s = Plateau(1.0, decay=0.5, patience=1, rtol=0.1)

    assert [next_(s, loss) for loss in (-1, math.nan, -1.05)] == [1, 1, 0.5]
    assert next_(s, -1.2) == 0.5
    assert s.best == -1.2


def test_plateau_starts_again_after_reset():
    s = Plateau(1.0, decay=0.5, patience=0)
    next_(s, 1), next_(s, 1)

    assert reset_(s) is s
    assert (s.value, s.best, s.worse_in_a_row) == (1.0, math.inf, 0)


def test_plateau_listens_to_a_loss_that_is_a_tensor_or_an_array_without_axes():
    s = Plateau(1.0, decay=0.5, patience=0)

    assert [next_(s, loss) for loss in (Tensor(3.0), np.array(3.0), np.float32(3.0))] == [1.0, 0.5, 0.25]
    assert s.best == 3.0


def test_plateau_stands_wherever_a_schedule_can():
    s = Plateau(1.0, decay=0.5, patience=0)
    warm = Warmup(s, 2)
    next_(s, 1), next_(s, 1)

    assert warm(10) == 0.5


# ---- bad input

@pytest.mark.parametrize("make, message", [
    (lambda: Exp("0.1", 0.5), "Exp: start must be a number, but is '0.1'"),
    (lambda: Exp(None, 0.5), "Exp: start must be a number, but is None"),
    (lambda: Exp(0.1, True), "Exp: decay must be a number, but is True"),
    (lambda: Exp(0.1, 1j), "Exp: decay must be a number, but is 1j"),
    (lambda: Exp(0.1, [0.5]), r"Exp: decay must be a number, but is \[0.5\]"),
    (lambda: Exp(0.1), "missing 1 required positional argument: 'decay'"),
    (lambda: Exp(0.1, rate=0.5), "Exp.*unexpected keyword argument 'rate'"),
    (lambda: Sequence([1], [2], steps=3), "unexpected keyword argument 'steps'"),
    (lambda: Triangle(0.1, 0.8, perod=10), "unexpected keyword argument 'perod'"),
    (lambda: Triangle(l0=0.1, period=10), r"Triangle needs both of its end points, as in Triangle\(l0="),
    (lambda: Triangle(period=10), "Triangle needs both of its end points"),
    (lambda: Triangle(0.1, 3, l0=0.1, l1=0.2), r"by position they are \(range, offset, period"),
    (lambda: Triangle(l0="a", l1=1, period=3), "Triangle: l0 must be a number, but is 'a'"),
    (lambda: CosAnneal(0.7, 0.1, 10, 1), "CosAnneal: restart must be True or False, but is 1"),
    (lambda: Poly(1, 1, "5"), "Poly: max_iter must be a number, but is '5'"),
    (lambda: Loop("log", 5), "Loop: f must be a schedule, a function of t or a number, but is 'log'"),
    (lambda: Loop(Exp, 5), r"Loop: f must be a schedule, but is a class: write Exp\(\.\.\.\)"),
    (lambda: Sequence([None], [2]), r"Sequence: schedules\[0\] must be a schedule, .* but is None"),
    (lambda: Sequence(), "Sequence takes two lists"),
    (lambda: Sequence([1, 2]), "Sequence takes two lists"),
    (lambda: Sequence(Exp(1, 0.5), 5), "Sequence takes two lists"),
    (lambda: Interpolator(Exp(1, 0.5), 2, "ceil"), "Interpolator: ceil_fn must be a function, but is 'ceil'"),
    (lambda: ComposedSchedule(Exp(1, 0.5)), r"ComposedSchedule takes \(schedule, parameters\)"),
    (lambda: ComposedSchedule(Exp(1, 0.5), [1]), "missing 1 required positional argument: 'decay'"),
    (lambda: ComposedSchedule(Exp(1, 0.5), 3), "ComposedSchedule: parameters must be a list, but is 3"),
    (lambda: Stateful("s"), "Stateful: schedule must be a schedule"),
    (lambda: Stateful(Exp(1, 0.5), advance=3), "Stateful: advance must be a function, but is 3"),
    (lambda: next_(Exp(1, 0.5)), r"next_: Exp.* has no state to overwrite; wrap it, s = Stateful"),
    (lambda: reset_(Exp(1, 0.5)), "reset_: Exp.* has no state to reset"),
    (lambda: next_(Plateau(0.1)), r"Plateau listens to the loss, one number: call next_\(s, loss\)"),
    (lambda: next_(Plateau(0.1), "3"), "Plateau listens to the loss"),
    (lambda: Loop(lambda t: "high", 5)(3), r"<lambda>\(3\) returned 'high'; a schedule must return a number"),
    (lambda: Schedule()(1), r"Schedule has no formula\(t\)"),
    (lambda: plot("s", 3), "plot: schedule must be a schedule"),
])
def test_what_is_of_the_wrong_kind_is_refused_with_an_explanation(make, message):
    with pytest.raises((TypeError, NotImplementedError), match=message):
        make()


@pytest.mark.parametrize("make, message", [
    (lambda: Exp(math.nan, 0.5), "Exp: start must be finite, but is nan"),
    (lambda: Exp(1, math.inf), "Exp: decay must be finite, but is inf"),
    (lambda: Triangle(l0=0, l1=1, period=0), "Triangle: period must be 1 or more, but is 0"),
    (lambda: Sin(l0=0, l1=1, period=-3), "Sin: period must be 1 or more, but is -3"),
    (lambda: Cos(0, 1, 2.5), "Cos: period must be a whole number, but is 2.5"),
    (lambda: Step(1, 0.5, 0), "Step: step_sizes must be 1 or more, but is 0"),
    (lambda: Step(1, 0.5, [3, 0]), r"Step: step_sizes\[1\] must be 1 or more, but is 0"),
    (lambda: Step(1, 0.5, []), "Step: step_sizes is empty"),
    (lambda: Poly(1, 1, 0), "Poly: max_iter must be 1 or more, but is 0"),
    (lambda: OneCycle(0, 1), "OneCycle: nsteps must be 1 or more, but is 0"),
    (lambda: OneCycle(10, 1, percent_start=25), "OneCycle: percent_start must lie between 0 and 1"),
    (lambda: WSD(1, 0, 1, 1), "WSD: warmup must be 1 or more, but is 0"),
    (lambda: Warmup(Exp(1, 0.5), 0), "Warmup: steps must be 1 or more, but is 0"),
    (lambda: CosRestarts(0, 1, 5, growth=0.5), "CosRestarts: growth must be 1 or more, but is 0.5"),
    (lambda: Loop(Exp(1, 0.5), 0), "Loop: period must be 1 or more, but is 0"),
    (lambda: Loop(Exp(1, 0.5), 2.5), "Loop: period must be a whole number, but is 2.5"),
    (lambda: Loop(Poly(1, 1, 4), 5), r"Loop: Poly\(.*\) has only 4 steps, but is to run for 5"),
    (lambda: Shortened(Poly(1, 1, 4), 5), "has only 4 steps, but is to run for 5"),
    (lambda: Shifted(Poly(1, 1, 4), 5), "has only 4 steps, but is to run for 5"),
    (lambda: Shifted(Exp(1, 0.5), 1.5), "Shifted: offset must be a whole number, but is 1.5"),
    (lambda: Interpolator(Exp(1, 0.5), 0), "Interpolator: rate must be above 0, but is 0"),
    (lambda: Interpolator(Poly(1, 1, 4), 0.1), "Interpolator: Poly.* has only 4 steps, but is to run for 10"),
    (lambda: reverse(Exp(1, 0.5), 0), "reverse: period must be 1 or more, but is 0"),
    (lambda: symmetric(Exp(1, 0.5), 0), "symmetric: period must be 1 or more, but is 0"),
    (lambda: Sequence([], []), "Sequence: schedules is empty"),
    (lambda: Sequence([1, 2], [3]), "Sequence: 2 schedules but 1 step sizes"),
    (lambda: Sequence((k for k in [1, 2]), [3]), "Sequence: 2 schedules but 1 step sizes"),
    (lambda: Sequence([1, 2], [3, 0]), r"Sequence: step_sizes\[1\] must be 1 or more, but is 0"),
    (lambda: Sequence((Poly(1, 1, 4), 5), (1, 1)), "Sequence: Poly.* has only 4 steps, but is to run for 5"),
    (lambda: ComposedSchedule(Exp(1, 0.5), []), "ComposedSchedule: parameters is empty"),
    (lambda: ComposedSchedule(Triangle(1, 0, 2), [1, 0, 0.5]), "Triangle: period must be a whole number"),
    (lambda: Stateful(Exp(1, 0.5), state=0), "Stateful: state must be 1 or more, but is 0"),
    (lambda: Plateau(0.1, decay=1.5), "Plateau: decay must lie between 0 and 1, both excluded, but is 1.5"),
    (lambda: Plateau(0.1, patience=-1), "Plateau: patience must not be negative, but is -1"),
    (lambda: Plateau(0.1, mode="lowest"), "Plateau: mode must be 'min' or 'max', but is 'lowest'"),
    (lambda: plot(Exp(1, 0.5), 0), "plot: steps must be 1 or more, but is 0"),
])
def test_what_is_out_of_range_is_refused_with_an_explanation(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# ---- pictures

def test_plot_draws_the_values_against_the_steps():
    figure = pytest.importorskip("matplotlib.figure").Figure()

    axes = plot(Exp(1.0, 0.5), 4, figure.subplots(), color="red")

    line, = axes.lines
    assert line.get_xydata().tolist() == [[1, 1], [2, 0.5], [3, 0.25], [4, 0.125]]
    assert axes.get_title() == "Exp(start=1.0, decay=0.5)"
    assert line.get_color() == "red"


def test_plot_without_matplotlib_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)

    with pytest.raises(ImportError, match="pip install matplotlib"):
        plot(Exp(1.0, 0.5))
