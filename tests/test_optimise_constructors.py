"""Every constructor in every form of argument; what is refused, at construction and at assignment."""

import inspect

import numpy as np
import pytest

from minigrad import optimise as o
from minigrad.optimise.rules import Rule

# Constructor -> the manual's positional order, defaults, and the name of the state.
SIGNATURES = {
    "Descent": (dict(eta=0.1), None),
    "Momentum": (dict(eta=0.01, rho=0.9), "velocity"),
    "Nesterov": (dict(eta=0.001, rho=0.9), "velocity"),
    "RMSProp": (dict(eta=0.001, rho=0.9, epsilon=1e-8), "acc"),
    "ADAM": (dict(eta=0.001, beta=(0.9, 0.999), epsilon=1e-8), "state"),
    "RADAM": (dict(eta=0.001, beta=(0.9, 0.999), epsilon=1e-8), "state"),
    "AdaMax": (dict(eta=0.001, beta=(0.9, 0.999), epsilon=1e-8), "state"),
    "OADAM": (dict(eta=0.0001, beta=(0.5, 0.9), epsilon=1e-8), "state"),
    "ADAGrad": (dict(eta=0.1, epsilon=1e-8), "acc"),
    "ADADelta": (dict(rho=0.9, epsilon=1e-8), "state"),
    "AMSGrad": (dict(eta=0.001, beta=(0.9, 0.999), epsilon=1e-8), "state"),
    "NADAM": (dict(eta=0.001, beta=(0.9, 0.999), epsilon=1e-8), "state"),
    "AdaBelief": (dict(eta=0.001, beta=(0.9, 0.999), epsilon=1e-8), "state"),
    "ADAMW": (dict(eta=0.001, beta=(0.9, 0.999), decay=0), None),
    "InvDecay": (dict(gamma=0.001), "state"),
    "ExpDecay": (dict(eta=0.001, decay=0.1, step=1000, clip=1e-4, start=0), "current"),
    "WeightDecay": (dict(wd=0), None),
}
OTHER = {
    "eta": 0.5,
    "rho": 0.25,
    "epsilon": 1e-3,
    "beta": (0.25, 0.75),
    "decay": 0.5,
    "gamma": 0.5,
    "wd": 0.5,
    "clip": 0.25,
    "step": 7,
    "start": 3,
}
GREEK = {"eta": "η", "rho": "ρ", "epsilon": "ϵ", "beta": "β", "gamma": "γ"}

every_constructor = pytest.mark.parametrize("name", SIGNATURES)


def fields(opt, names):
    return {name: getattr(opt, name) for name in names}


@every_constructor
def test_the_defaults_are_the_manuals(name):
    defaults, _ = SIGNATURES[name]

    assert fields(getattr(o, name)(), defaults) == defaults


@every_constructor
def test_arguments_are_taken_by_position_in_the_manuals_order(name):
    names = list(SIGNATURES[name][0])
    for many in range(1, len(names) + 1):
        given = [OTHER[n] for n in names[:many]]

        opt = getattr(o, name)(*given)

        assert [getattr(opt, n) for n in names[:many]] == given


@every_constructor
def test_arguments_are_taken_by_name(name):
    for n in SIGNATURES[name][0]:
        opt = getattr(o, name)(**{n: OTHER[n]})

        assert fields(opt, SIGNATURES[name][0]) == {**SIGNATURES[name][0], n: OTHER[n]}


@every_constructor
def test_greek_names_are_taken(name):
    for n in set(SIGNATURES[name][0]) & set(GREEK):
        assert getattr(getattr(o, name)(**{GREEK[n]: OTHER[n]}), n) == OTHER[n]


def test_epsilon_is_taken_in_both_of_its_shapes():
    assert o.ADAM(**{"ϵ": 1e-3}).epsilon == o.ADAM(**{"ε": 1e-3}).epsilon == o.ADAM(ϵ=1e-3).epsilon == 1e-3


@every_constructor
def test_the_state_may_be_given_last(name):
    defaults, kept = SIGNATURES[name]
    if kept is None:
        pytest.skip("keeps nothing")
    state = o.IdDict()

    opt = getattr(o, name)(*defaults.values(), state)

    assert getattr(opt, kept) is state


def test_oadam_with_a_state_for_its_third_argument_is_an_oadam():
    state = o.IdDict()

    opt = o.OADAM(0.1, (0.5, 0.9), state)

    assert type(opt) is o.OADAM and opt.state is state and opt.epsilon == 1e-8


def test_decay_step_is_another_name_of_step():
    opt = o.ExpDecay(decay_step=500)
    opt.decay_step = 20

    assert opt.step == opt.decay_step == 20


@every_constructor
def test_the_repr_is_a_call_that_makes_the_same(name):
    text = repr(getattr(o, name)(**{n: OTHER[n] for n in SIGNATURES[name][0]}))

    assert repr(eval(text, vars(o))) == text and text.startswith(
        name + "(eta=0.5" * ("eta" in SIGNATURES[name][0])
    )


def test_a_repr_reads_like_the_manual():
    assert repr(o.Momentum()) == "Momentum(eta=0.01, rho=0.9)"


def test_numbers_of_all_kinds_become_plain_ones():
    from fractions import Fraction

    opt = o.Momentum(np.float32(0.5), Fraction(1, 4))
    opt.eta = np.array(1)

    assert (type(opt.eta), type(opt.rho)) == (float, float) and (opt.eta, opt.rho) == (1.0, 0.25)


@pytest.mark.parametrize(
    "name, bad",
    [
        ("eta", -0.1),
        ("eta", float("nan")),
        ("eta", float("inf")),
        ("rho", 1.0),
        ("rho", -0.1),
        ("beta", (0.9, 1.0)),
        ("beta", (0.9,)),
        ("beta", (-0.1, 0.9)),
        ("beta", (0.9, 0.99, 0.999)),
        ("epsilon", -1e-8),
        ("gamma", -1),
        ("wd", -1),
        ("clip", -1),
        ("step", 0),
        ("step", 2.5),
        ("start", -1),
    ],
)
def test_a_value_out_of_range_is_refused_by_name_when_made_and_when_assigned(name, bad):
    for rule in [rule for rule, (defaults, _) in SIGNATURES.items() if name in defaults]:
        with pytest.raises((ValueError, TypeError), match=f"{name} must be"):
            getattr(o, rule)(**{name: bad})
        opt = getattr(o, rule)()
        before = repr(opt)
        with pytest.raises((ValueError, TypeError), match=f"{name} must be"):
            setattr(opt, name, bad)
        assert repr(opt) == before


@pytest.mark.parametrize("bad", ["0.1", None, True, [0.1], np.ones(2), 1j, (0.1, 0.2)])
def test_what_is_no_number_is_a_type_error(bad):
    with pytest.raises(TypeError, match="Descent: eta must be a finite number >= 0, got"):
        o.Descent(bad)


@pytest.mark.parametrize("bad", [0.9, None, "ab", ("0.9", "0.99")])
def test_what_is_no_pair_is_a_type_error(bad):
    with pytest.raises(TypeError, match="ADAM: beta must be two numbers"):
        o.ADAM(0.1, bad)


@every_constructor
def test_an_unknown_keyword_is_named(name):
    with pytest.raises(TypeError, match="lr"):
        getattr(o, name)(lr=0.1)


@every_constructor
def test_a_misspelt_assignment_is_refused(name):
    with pytest.raises(AttributeError, match="etta"):
        getattr(o, name)().etta = 0.1


@every_constructor
def test_too_many_arguments_are_refused(name):
    with pytest.raises(TypeError, match=name):
        getattr(o, name)(*[0.5] * 9)


@pytest.mark.parametrize("name", ["ClipValue", "ClipNorm", "ClipGlobalNorm"])
def test_clipping_has_no_default(name):
    with pytest.raises(TypeError, match="thresh"):
        getattr(o, name)()


@pytest.mark.parametrize("bad", [0, -1, float("nan"), "1"])
def test_a_threshold_is_positive(bad):
    with pytest.raises((ValueError, TypeError), match="ClipValue: thresh must be a number > 0"):
        o.ClipValue(bad)


def test_what_to_do_with_nonfinite_norms_is_one_of_three():
    with pytest.raises(ValueError, match="'raise', 'skip' or 'pass', got 'ignore'"):
        o.ClipNorm(1, nonfinite="ignore")


def test_the_state_must_be_an_iddict():
    with pytest.raises(TypeError, match="velocity must be an IdDict"):
        o.Momentum().velocity = {}


def test_later_spellings_are_the_same_classes():
    assert (o.Adam, o.AdamW, o.NAdam, o.OAdam, o.RAdam, o.AdaGrad, o.AdaDelta) == (
        o.ADAM,
        o.ADAMW,
        o.NADAM,
        o.OADAM,
        o.RADAM,
        o.ADAGrad,
        o.ADADelta,
    )


def test_adamw_reaches_the_rules_inside():
    opt = o.ADAMW(0.1, (0.5, 0.6), 0.2)

    opt.eta, opt.beta, opt.decay, opt.epsilon = 0.3, (0.7, 0.8), 0.4, 1e-3

    assert repr(opt.os) == ("[ADAM(eta=0.3, beta=(0.7, 0.8), epsilon=0.001), WeightDecay(wd=0.4)]")


@pytest.mark.parametrize("bad", [{"eta": -1}, {"beta": (0, 1)}, {"decay": -1}, {"couple": "yes"}])
def test_adamw_names_itself_when_it_refuses(bad):
    with pytest.raises((ValueError, TypeError), match=f"ADAMW: {next(iter(bad))} must be"):
        o.ADAMW(**bad)


def rules():
    return [cls for cls in vars(o).values() if inspect.isclass(cls) and issubclass(cls, Rule)]


@pytest.mark.parametrize("cls", rules())
def test_every_rule_documents_formula_parameters_reference_and_example(cls):
    doc = inspect.getdoc(cls)

    assert all(f"{name} : " in doc for name in cls._ranges) and ">>>" in doc and "Reference:" in doc
    assert "<-" in doc or "step = " in doc
