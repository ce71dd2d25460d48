"""Checked fields, their second names, and what help() shows of constructors."""

import copy
import dataclasses
import importlib
import inspect
import pickle
import pkgutil
import pydoc
from typing import Annotated

import numpy as np
import pytest

import minigrad
from minigrad import optimise as o
from minigrad import schedules as s
from minigrad.fields import KW_ONLY, Checked, Count, Number, Positive, Range, also, checked, number, required, several


@checked()
class Tank(Checked):
    volume: Positive = required()
    pipes: Count = 2
    _: KW_ONLY
    V: float = also("volume")


@checked(frozen=True)
class Level(Checked):
    height: Number
    marks: Annotated[tuple, several(number)] = (0.0,)
    _: KW_ONLY
    η: float = also("height")

    def __post_init__(self):
        Checked.__setattr__(self, "marks", self.marks)


# ---- fields

def test_what_is_assigned_is_checked_and_kept_as_a_plain_number():
    tank = Tank(np.float32(0.5), 3.0)
    tank.pipes = 1e1

    assert (tank.volume, tank.pipes) == (0.5, 10) and (type(tank.volume), type(tank.pipes)) == (float, int)
    with pytest.raises(ValueError, match="^Tank: pipes must be 1 or more, but is 0$"):
        tank.pipes = 0
    with pytest.raises(ValueError, match=r"^Tank: pipes must be a whole number, but is 2\.5$"):
        tank.pipes = 2.5
    with pytest.raises(TypeError, match="^Tank: volume must be a number, but is 'much'$"):
        tank.volume = "much"
    assert (tank.volume, tank.pipes) == (0.5, 10)


@pytest.mark.parametrize("bad, error", [
    (True, TypeError), (b"1", TypeError), (np.ones(1), TypeError), (1j, TypeError), (None, TypeError),
    (float("nan"), ValueError), (-np.inf, ValueError), (10 ** 400, ValueError),
])
def test_numbers_are_real_and_finite(bad, error):
    with pytest.raises(error, match="^Poem: line must be"):
        number(bad, "Poem: line")


def test_every_item_of_several_is_named():
    assert Level(1, [2, 3]).marks == (2.0, 3.0)
    with pytest.raises(TypeError, match=r"Level: marks\[1\] must be a number, but is 'x'"):
        Level(1, [2, "x"])


def test_a_range_of_ones_own_may_follow_another():
    even = Range("be even", lambda v: v % 2 == 0, after=number)

    assert even(4, "Sum: terms") == 4
    with pytest.raises(ValueError, match="^Sum: terms must be even, but is 3$"):
        even(3, "Sum: terms")
    with pytest.raises(ValueError, match="^Sum: terms must be finite, but is inf$"):
        even(np.inf, "Sum: terms")


def test_annotations_that_are_texts_are_checked_too(tmp_path, monkeypatch):
    (tmp_path / "late_schedules.py").write_text("""
from __future__ import annotations
from dataclasses import dataclass
from minigrad.fields import KW_ONLY, also, checked, required
from minigrad.schedules.base import Number, Schedule

@dataclass(frozen=True, repr=False)
class Late(Schedule):
    start: Number
    other: Unheard = 1

@checked(frozen=True)
class Later(Schedule):
    start: Number = required()
    _: KW_ONLY
    λ: float = also("start")
""")
    monkeypatch.syspath_prepend(tmp_path)
    late = importlib.import_module("late_schedules")

    assert late.Later(λ=2).start == late.Late(2).start == 2.0
    for make in (late.Late, late.Later):
        with pytest.raises(TypeError, match="start must be a number, but is 'soon'"):
            make("soon")


def test_a_field_without_a_default_is_asked_for():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'volume'"):
        Tank()


# ---- second names

def test_a_second_name_is_a_keyword_and_an_attribute():
    tank = Tank(V=2)
    tank.V = 3

    assert tank.V == tank.volume == 3.0
    with pytest.raises(ValueError, match="Tank: volume must be above 0"):
        tank.V = 0


def test_a_second_name_is_no_field():
    assert [f.name for f in dataclasses.fields(Tank)] == ["volume", "pipes"]
    assert repr(Tank(V=2)) == "Tank(volume=2.0, pipes=2)"
    assert list(inspect.signature(Tank).parameters) == ["volume", "pipes"]
    assert vars(pickle.loads(pickle.dumps(Tank(V=2)))) == vars(copy.copy(Tank(V=2))) == {"volume": 2.0, "pipes": 2}


def test_one_field_under_both_names_is_refused():
    with pytest.raises(TypeError, match="Tank: 'volume' was given twice, under two spellings"):
        Tank(volume=1, V=1)


def test_a_frozen_value_is_read_under_both_names_and_set_under_none():
    level = Level(η=2)

    assert level.η == level.height == 2 and level == Level(2) and hash(level) == hash(Level(2))
    for name in ("height", "η"):
        with pytest.raises(AttributeError):
            setattr(level, name, 1)


MANUAL = [  # Flux's letters, and the fields they are here
    (o.Descent, dict(η="eta")), (o.Momentum, dict(η="eta", ρ="rho")), (o.Nesterov, dict(η="eta", ρ="rho")),
    (o.RMSProp, dict(η="eta", ρ="rho", ϵ="epsilon")), (o.ADAGrad, dict(η="eta", ϵ="epsilon")),
    (o.ADADelta, dict(ρ="rho", ϵ="epsilon")), (o.InvDecay, dict(γ="gamma")), (o.ExpDecay, dict(η="eta")),
    (o.WeightDecay, dict(λ="wd")), (o.Lion, dict(η="eta", β="beta")), (o.ADAMW, dict(η="eta", β="beta")),
    *((rule, dict(η="eta", β="beta", ϵ="epsilon")) for rule in
      (o.ADAM, o.RADAM, o.AdaMax, o.OADAM, o.AMSGrad, o.NADAM, o.AdaBelief)),
]


@pytest.mark.parametrize("rule, letters", MANUAL, ids=lambda v: getattr(v, "__name__", ""))
def test_flux_letters_are_keywords_and_attributes(rule, letters):
    for letter, name in letters.items():
        value = (0.25, 0.75) if name == "beta" else 0.25
        other = (0.5, 0.5) if name == "beta" else 0.5
        opt = rule(**{letter: value})

        assert getattr(opt, letter) == getattr(opt, name) == value
        setattr(opt, letter, other)
        assert getattr(opt, name) == other
        with pytest.raises((TypeError, ValueError), match=f": {name} must be"):
            setattr(opt, letter, "fast")


def test_both_shapes_of_epsilon_are_attributes():
    for name in ("ε", "epsilon"):  # Python folds the ϵ of the manual to the first
        assert o.ADAM(ϵ=1e-3).ϵ == getattr(o.ADAM(ϵ=1e-3), name) == 1e-3


def test_rprops_letters_and_lookaheads():
    opt = o.Rprop(ℓ=(0.25, 2), Γ=(1e-3, 1))

    assert opt.ell == opt.ℓ == (0.25, 2.0) and opt.gamma == opt.Γ == (1e-3, 1.0)
    assert o.Lookahead(opt, α=0.25).alpha == o.Lookahead(opt, alpha=0.25).α == 0.25


def test_schedulers_know_second_names():
    opt, x = s.Scheduler(o.ADAM(), η=s.Exp(λ=0.5, γ=0.5)), np.zeros(1)

    o.update_(opt, x, np.ones(1))
    o.update_(opt, x, np.ones(1))

    assert opt.opt.eta == 0.25 and s.Exp(λ=0.5, γ=0.75).γ == 0.75


def test_waves_tell_their_end_points():
    given, by_range = s.Triangle(λ0=0.5, λ1=0.25, period=4), s.Triangle(0.25, 0.25, 4)

    assert (given.l0, given.λ1) == (0.5, 0.25) and (by_range.λ0, by_range.l1) == (0.25, 0.5)


# ---- help

CHAPTERS = [minigrad, *(
    importlib.import_module(f"minigrad.{found.name}")
    for found in pkgutil.iter_modules(minigrad.__path__) if not found.name.startswith("__")
)]
PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in CHAPTERS for name in getattr(module, "__all__", []) if callable(getattr(module, name))
}


def test_no_public_signature_shows_an_address():
    assert len(PUBLIC) > 300
    for name, value in PUBLIC.items():
        try:
            signature = str(inspect.signature(value))
        except ValueError:  # exceptions and functions of C have none
            continue
        assert " at 0x" not in signature, name


@pytest.mark.parametrize("value", [o.ADAM, o.Rprop, o.ClipNorm, s.Cos, s.Triangle, s.Plateau, s.Loop, minigrad.nn.Dense,
                                   minigrad.losses.mse], ids=lambda value: value.__name__)
def test_help_shows_no_address(value):
    assert " at 0x" not in pydoc.render_doc(value)


def test_help_shows_types_and_defaults():
    adam = "(eta: float = 0.001, beta: tuple[float, float] = (0.9, 0.999), epsilon: float = 1e-08, "

    assert str(inspect.signature(o.ADAM)).startswith(adam)
    assert str(inspect.signature(s.Cos)) == "(l0: float, l1: float, period: int)"
    assert str(inspect.signature(minigrad.losses.mse)).endswith("*, agg=mean)")
    assert pydoc.render_doc(o.ADAM, renderer=pydoc.plaintext).count("The same as ``eta``.") == 1


def test_a_default_shown_by_its_name_is_still_the_function():
    assert inspect.signature(minigrad.losses.mse).parameters["agg"].default([1, 3]) == 2


# ---- declarations of rules

RULES = [cls for cls in {id(cls): cls for cls in vars(o).values()}.values()
         if inspect.isclass(cls) and issubclass(cls, o.rules.Rule) and getattr(cls, "formula", None)
         and not issubclass(cls, o.rules.WholeRule)]  # which are called as they are
WRITTEN_OUT = {o.Rprop, o.Sophia}  # whose formulas do not take their hyperparameters as they are


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: cls.__name__)
def test_a_built_in_rule_says_nothing_that_its_formula_says(cls):
    own = {name for c in cls.__mro__[: cls.__mro__.index(o.rules.Rule)] for name in vars(c)}
    names = cls().roles()[2] if not cls.__name__.startswith("Clip") else cls(1).roles()[2]
    values = {f.name: getattr(cls(1) if cls.__name__.startswith("Clip") else cls(), f.name)
              for f in dataclasses.fields(cls)}
    pairs = {name: pair for name, pair in values.items() if isinstance(pair, tuple)}
    flat = {name.strip("_"): value for name, value in values.items()}
    flat |= {f"{name}{k}": value for name, pair in pairs.items() for k, value in enumerate(pair, 1)}

    assert "fresh" not in own
    assert (cls.hyper.__code__.co_filename == "<string>") == (cls not in WRITTEN_OUT)
    if cls not in WRITTEN_OUT:
        assert [flat[name] for name in names] == list((cls(1) if "thresh" in values else cls()).hyper())


def test_a_rule_is_a_formula_and_a_class_of_its_fields():
    from minigrad.optimise.formulas import abs2, real, sqrt
    from minigrad.optimise.rules import Nonnegative, Rule, by_formula, per_parameter

    def scaled(x, dx, v: real, t: float, *, eta, beta1, beta2):
        v = beta1 * v + beta2 * abs2(dx)
        return eta * dx / (sqrt(v) + t), v, t + 1

    @by_formula(scaled)
    class Scaled(Rule):
        eta: Nonnegative = 0.5
        beta: Annotated[tuple[float, float], several(number)] = (0.0, 4.0)
        seen: o.IdDict = per_parameter()
        _: KW_ONLY
        η: float = also("eta")

        def first_state(self, x):
            return {"t": 1}

    opt, z = Scaled(η=2), np.array([3j, 0.5])
    o.update_(opt, z, np.array([0.5j, 0.0]))

    np.testing.assert_allclose(z, [3j - 2 * 0.5j / (np.sqrt(4 * 0.25) + 1), 0.5], rtol=1e-15)
    v, t = opt.seen[z]
    assert (v.dtype, v.tolist(), t.tolist()) == (np.float64, [1.0, 0.0], [2.0])
    assert repr(opt) == "Scaled(eta=2.0, beta=(0.0, 4.0))"


@pytest.mark.parametrize("cls", RULES, ids=lambda cls: cls.__name__)
def test_what_a_formula_marks_as_real_is_real_for_complex_parameters_and_nothing_else_is(cls):
    if cls in (o.Rprop, o.Cautious, o.Prodigy):
        pytest.skip("refuses complex parameters")
    opt = cls(1) if cls.__name__.startswith("Clip") else cls()
    x, dx = np.array([[1 + 2j, 3 - 1j]]), np.array([[0.5 + 1j, -1j]])
    parameters = list(inspect.signature(cls.formula).parameters.values())[2:]
    hyper = {p.name: 0.25 for p in parameters if p.kind is p.KEYWORD_ONLY}
    numbers = [0.5 for p in parameters if p.annotation is float]
    arrays = [a for a in opt.fresh(x) if a.shape == x.shape]

    _, *new = [*cls.formula(x, dx, *arrays, *numbers, **hyper)] if arrays or numbers else [None]

    assert len(arrays) + len(numbers) + len(hyper) == len(parameters)
    assert [a.dtype for a in arrays] == [value.dtype for value in new[: len(arrays)]]
