"""What rules of one's own take from around them: numbers, read at every step; functions that are formulas."""

import copy
import math
import pickle
import types

import numpy as np
import pytest
from all_rules import numbers

from minigrad import Tensor
from minigrad import optimise as o
from minigrad.optimise import rule, update_

gain, weights, switch = 1.0, np.ones(3), True
settings = types.SimpleNamespace(boost=1.0, inner=types.SimpleNamespace(rate=2.0))


def moved(opt, dx=1.0):
    """Return by how much a step along ``dx`` moves a parameter, after a first step."""
    x = np.zeros(1)
    update_(opt, x, np.array([dx]))
    before = x[0]

    def again():
        nonlocal before
        update_(opt, x, np.array([dx]))
        step, before = before - x[0], x[0]
        return step

    return again


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """Whatever a test sets outside of the rules is set back."""
    for name in ("gain", "weights", "switch", "damped"):
        monkeypatch.setitem(globals(), name, globals()[name])
    monkeypatch.setattr(settings, "boost", 1.0)


def damped(v, s=1.0):
    u = gain * v
    return u / (1 + s)


@rule
def Scaled(x, dx, eta=0.5):
    return eta * gain * dx


@rule
def Boosted(x, dx, eta=0.5):
    return eta * settings.boost * settings.inner.rate * dx


@rule
def Switched(x, dx, eta=0.5):
    return eta * dx if switch else 3 * eta * dx


@rule
def Damped(x, dx, eta=0.5):
    return eta * damped(dx, s=gain + 2)


def test_a_global_is_read_at_every_step(either_way, monkeypatch):
    step = moved(Scaled())

    before = step()
    monkeypatch.setitem(globals(), "gain", 10.0)

    assert (before, step()) == (0.5, 5.0)


def test_an_attribute_is_read_at_every_step(either_way):
    step = moved(Boosted())

    before = step()
    settings.boost = 10

    assert (before, step()) == (1.0, 10.0)


def test_a_variable_of_the_function_around_is_read_at_every_step(either_way):
    half = 0.5

    @rule
    def Halved(x, dx, eta=1.0):
        return half * eta * dx

    step = moved(Halved())
    before = step()
    half = 0.25

    assert (before, step()) == (0.5, 0.25)


def test_a_switch_is_read_at_every_step(either_way, monkeypatch):
    step = moved(Switched())

    before = step()
    monkeypatch.setitem(globals(), "switch", np.False_)

    assert (before, step()) == (0.5, 1.5)


def test_a_function_that_is_a_formula_is_a_part_of_the_rule_and_its_numbers_are_read_too(either_way, monkeypatch):
    step = moved(Damped())

    before = step()
    monkeypatch.setitem(globals(), "gain", 3.0)

    assert (before, step()) == (0.5 / (1 + 3), 0.5 * 3 / (1 + 5))


def test_functions_may_call_functions_by_name_and_by_default(either_way):
    scale = 2.0

    def inner(v):
        return scale * v

    def outer(v, w=3, *, k=1):
        sum = inner(v) + w
        return k * inner(sum)

    @rule
    def Nested(x, dx, m, eta=1.0):
        m = outer(dx, k=2)
        return eta * outer(m, 0) + 0 * inner(w_of_nothing(dx)), m

    step = moved(Nested())
    before = step()  # m = 2 * (2 * (2 + 3)) = 20, step = 1 * (2 * (40 + 0)) = 80
    scale = 1.0

    assert (before, step()) == (80.0, 8.0)


def w_of_nothing(v):
    """A function with a docstring, and a line that is not used."""
    unused = np.exp(v)  # noqa: F841
    v += 1
    return v


def test_the_same_name_means_different_things_in_different_functions(either_way):
    def first(gain):
        return lambda: gain, make(gain)

    def make(gain):
        def scaled(v):
            return gain * v

        return scaled

    twice, thrice = make(2), make(3)

    @rule
    def Both(x, dx, eta=1.0):
        return eta * (twice(dx) + 10 * thrice(dx) + 100 * gain * dx)

    assert moved(Both())() == 132.0


def test_rules_made_by_one_function_have_each_their_own_numbers(either_way):
    def make(factor):
        @rule
        def Made(x, dx, eta=1.0):
            return factor * eta * dx

        return Made

    assert [moved(make(factor)())() for factor in (1, 2.5, np.float32(4))] == [1.0, 2.5, 4.0]


@pytest.mark.parametrize("value", [2, 2.0, np.float64(2), np.float32(2), np.int8(2), True])
def test_numbers_of_all_kinds_keep_the_parameters_dtype_and_make_the_same_bits(value, request, monkeypatch):
    monkeypatch.setitem(globals(), "gain", value)
    results = []
    for way in ("interpreted", "compiled"):
        request.getfixturevalue(way)
        x, opt = numbers(300, np.float32), Scaled(0.3)
        update_(opt, x, numbers(300, np.float32, 1))
        results.append(x)
        assert x.dtype == np.float32

    assert np.array_equal(*results)
    assert np.allclose(results[0], numbers(300) - 0.3 * float(value) * numbers(300, seed=1), atol=1e-6)


def test_they_are_read_in_compositions_and_by_apply(either_way, monkeypatch):
    opt, x = o.Optimiser(o.WeightDecay(0.0), Scaled(), o.ExpDecay(1.0)), np.zeros(2)

    first = o.apply_(opt, x, np.ones(2))
    monkeypatch.setitem(globals(), "gain", 4.0)

    assert first[0] == 0.5 and o.apply_(opt, x, np.ones(2))[0] == 2.0


def test_they_are_no_fields_and_copies_read_them_too(either_way, monkeypatch):
    opt = Scaled()
    monkeypatch.setitem(globals(), "gain", 3.0)

    assert repr(opt) == "Scaled(eta=0.5)"
    for other in (copy.deepcopy(opt), pickle.loads(pickle.dumps(opt))):
        assert moved(other)() == 1.5


def test_infinity_may_stand_outside(either_way):
    limit = math.inf

    @rule
    def Limited(x, dx, eta=1.0):
        return np.minimum(eta * dx, limit)

    assert moved(Limited())() == 1.0


# What becomes none any more.


@pytest.mark.parametrize(
    "value, why",
    [
        (np.ones(3), r"gain, which the rule takes from outside, is an array of shape \(3,\) now; it must stay a num"),
        (Tensor(2.0), "is an array of shape"),
        ("2", "is '2', a str now"),
        (None, "is None, a NoneType"),
        (1j, "complex"),
        (10**400, "int"),
    ],
    ids=str,
)
def test_a_number_must_stay_one(value, why, either_way, monkeypatch):
    opt, x = Scaled(), np.zeros(2)
    update_(opt, x, np.ones(2))
    monkeypatch.setitem(globals(), "gain", value)

    with pytest.raises(TypeError, match=why):
        update_(opt, x, np.ones(2))

    assert x.tolist() == [-0.5, -0.5]


def test_a_switch_must_stay_one(either_way, monkeypatch):
    opt, x = Switched(), np.zeros(2)
    monkeypatch.setitem(globals(), "switch", 0.5)

    with pytest.raises(TypeError, match="must stay True or False"):
        update_(opt, x, np.ones(2))


def test_a_name_that_is_deleted_is_missed(either_way, monkeypatch):
    opt, x = Scaled(), np.zeros(2)
    monkeypatch.delitem(globals(), "gain")

    with pytest.raises(NameError, match="rule Scaled: gain is not defined"):
        update_(opt, x, np.ones(2))


def test_a_function_that_becomes_another_one_is_noticed(either_way, monkeypatch):
    opt, x = Damped(), np.zeros(2)
    update_(opt, x, np.ones(2))
    monkeypatch.setitem(globals(), "damped", lambda v, s: v)

    with pytest.raises(TypeError, match="rule Damped: damped is another function .* Define the rule again"):
        update_(opt, x, np.ones(2))


# What is refused by name, where the rule is defined.


def no_formula(v):
    return v.mean()


def calls_itself(v):
    return calls_itself(v)


def two_results(v):
    return v, v


def weighted(x, dx, eta=0.1):
    return eta * weights * dx


def picking(x, dx, eta=0.1):
    return eta * weights[0] * dx


def configured(x, dx, eta=0.1):
    return eta * settings * dx


def misspelt(x, dx, eta=0.1):
    return eta * settings.bost * dx


def undefined(x, dx, eta=0.1):
    return eta * nothing_of_the_kind * dx  # noqa: F821


def averaging(x, dx, eta=0.1):
    return eta * no_formula(dx)


def recursive(x, dx, eta=0.1):
    return eta * calls_itself(dx)


def doubling(x, dx, eta=0.1):
    return eta * two_results(dx)


def too_many(x, dx, eta=0.1):
    return eta * damped(dx, 1, 2)


def measuring(x, dx, eta=0.1):
    return eta * dx / np.linalg.norm(dx)


def method(x, dx, eta=0.1):
    return eta * dx / dx.max()


def sized(x, dx, eta=0.1):
    return eta * dx / dx.size


def too_early(x, dx, eta=0.1):
    step = eta * gain * dx  # noqa: F823
    gain = 2.0  # noqa: F841
    return step


def tensor(x, dx, eta=0.1):
    return eta * a_tensor * dx


a_tensor = Tensor([1.0, 2.0])


@pytest.mark.parametrize(
    "formula, why",
    [
        (weighted, r"`weights` is an array of shape \(3,\): from outside come numbers alone"),
        (tensor, r"`a_tensor` is an array of shape \(2,\)"),
        (picking, r"`weights\[0\]` is more than a formula can hold"),
        (configured, r"`settings` is namespace\(.*a SimpleNamespace"),
        (misspelt, "`settings.bost` is not defined"),
        (undefined, "`nothing_of_the_kind` is not defined"),
        (averaging, r"no_formula is no formula itself: rule no_formula: `v.mean\(\)` calls a method of an array"),
        (recursive, r"calls_itself is no formula itself: .* calls itself"),
        (doubling, "two_results is no formula itself: it must return one value"),
        (too_many, r"does not fit damped: too many positional arguments"),
        (measuring, "np.linalg.norm is no function of one element"),
        (method, r"`dx.max\(\)` calls a method of an array"),
        (sized, "`dx.size` belongs to an array"),
        (too_early, "`gain` is used before it is assigned"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_cannot_be_read_at_every_step_is_refused_by_name(formula, why):
    with pytest.raises(TypeError, match=why):
        rule(formula)
