"""Groups: each parameter goes to the rule of its group, alone, composed, scheduled, saved, frozen."""

import copy
import gc
import json
import pathlib
import weakref

import numpy as np
import pytest
from all_rules import ALL, every_rule, numbers

from minigrad import Exp, NonFiniteError, Params, Scheduler, StrangerError, Tensor, checkpoint, nn, params, train_
from minigrad import optimise as o
from minigrad.optimise import ADAM, Descent, Groups, Momentum, Optimiser, WeightDecay, update_
from minigrad.optimise.compiled.warmup import warm_up

RECORDED = json.loads((pathlib.Path(__file__).parent / "data" / "groups_peers.json").read_text(encoding="utf-8"))


def start(dtype=float):
    """Two weights and two biases."""
    return [Tensor(numbers(s, dtype, k)) for k, s in enumerate([(3, 2), (2,), (2, 2), (2,)])]


def along(ps, t):
    return [numbers(p.shape, p.dtype, 10 * t + k) for k, p in enumerate(ps)]


def run(opt, ps, steps=6, begin=0):
    for t in range(begin, begin + steps):
        update_(opt, ps, along(ps, t))
    return [p.data.copy() for p in ps]


def same(some, others):
    return len(some) == len(others) and all(map(np.array_equal, some, others))


# ------------------------------------------------------------------------------------- what they mean
@every_rule
def test_groups_are_separate_optimisers(name, either_way):
    (a, b, c, d), (a2, b2, c2, d2) = start(), start()
    opt, other, second = Groups(([a, c], ALL[name]()), otherwise=Momentum(0.1)), ALL[name](), Momentum(0.1)

    run(opt, [a, b, c, d])
    for t in range(6):
        da, db, dc, dd = along([a2, b2, c2, d2], t)
        update_(other, [a2, c2], [da, dc])
        update_(second, [b2, d2], [db, dd])

    assert same([p.data for p in (a, b, c, d)], [p.data for p in (a2, b2, c2, d2)])


def ours(name, ps):
    ws = [ps[0], ps[2]]
    return {
        "AdamW of two rates and decays": lambda: Groups(
            (ws, o.ADAMW(1e-2, decay=0.1, couple=True)), otherwise=ADAM(1e-3)
        ),
        "SGD, clipped together": lambda: Optimiser(
            o.ClipGlobalNorm(0.5), Groups((ws, Momentum(0.05, 0.9)), otherwise=Descent(0.2))
        ),
        "SGD, the first layer's rate is 0": lambda: Groups((ps[:2], Descent(0.0)), (ps[2:], Descent(0.1))),
        "adam and sgd": lambda: Groups((ws, ADAM(1e-2)), otherwise=Momentum(0.1, 0.9)),
        "frozen biases": lambda: Groups((ws, ADAM(1e-2)), otherwise=None),
        "clipped together": lambda: Optimiser(
            o.ClipGlobalNorm(0.5), Groups((ws, o.ADAMW(1e-2, decay=0.1, couple=True)), otherwise=Descent(0.1))
        ),
        "only weights decay": lambda: Optimiser(Groups((ws, WeightDecay(0.1)), otherwise=Optimiser()), Descent(0.1)),
        "each clipped by itself": lambda: Groups(
            (ws, Optimiser(o.ClipGlobalNorm(0.5), Descent(0.1))), otherwise=o.AdaMax(1e-2)
        ),
    }[name]()


@pytest.mark.parametrize("library, name", [(it, name) for it in ("PyTorch", "optax") for name in RECORDED[it]])
def test_they_go_where_pytorch_and_optax_go(library, name, either_way):
    def drawn(seed):
        rng = np.random.default_rng(seed)
        return [rng.standard_normal(shape) for shape in RECORDED["shapes"].values()]

    ps = [Tensor(x) for x in drawn(0)]
    opt = ours(name, ps)

    for t in range(RECORDED["steps"]):
        update_(opt, ps, drawn(1 + t))

    ended = np.concatenate([p.data.ravel() for p in ps])
    # PyTorch's clipping adds 1e-6 to the norm.
    np.testing.assert_allclose(ended, RECORDED[library][name], rtol=1e-5 if name == "SGD, clipped together" else 1e-12)


def test_the_first_group_that_a_parameter_is_in_counts():
    a, b, *_ = start()
    before = a.data.copy(), b.data.copy()

    update_(Groups((a, Descent(1.0)), ([a, b], Descent(0.1))), [a, b], [np.ones((3, 2)), np.ones(2)])

    assert np.array_equal(a.data, before[0] - 1.0) and np.array_equal(b.data, before[1] - 0.1)


@pytest.mark.parametrize("otherwise", [None, Optimiser()], ids=["left alone", "passed on"])
def test_the_rest_is_left_alone_or_passed_on(otherwise, either_way):
    a, b, *_ = start()
    before = b.data.copy()

    for _ in range(3):
        update_(Groups((a, ADAM()), otherwise=otherwise), [a, b], [np.ones((3, 2)), np.full(2, 0.5)])

    assert np.array_equal(b.data, before if otherwise is None else before - 0.5 - 0.5 - 0.5)


def test_what_is_left_alone_is_so_in_all_of_the_composition(either_way):
    a, b, *_ = start()
    opt = Optimiser(o.ClipGlobalNorm(1.0), Momentum(0.1), Groups((a, Descent(1.0)), otherwise=None), WeightDecay(0.1))
    before, alone = b.data.copy(), Tensor(a.data)
    for t in range(4):
        update_(opt, [a, b], [numbers((3, 2), seed=t), np.full(2, np.nan)])

    same_rule = Optimiser(o.ClipGlobalNorm(1.0), Momentum(0.1), Descent(1.0), WeightDecay(0.1))
    for t in range(4):
        update_(same_rule, alone, numbers((3, 2), seed=t))

    assert np.array_equal(b.data, before) and b not in opt[1].velocity and np.array_equal(a.data, alone.data)


def test_a_norm_beside_the_groups_spans_all_and_one_inside_spans_one(either_way):
    a, b = Tensor(np.zeros(1)), Tensor(np.zeros(1))
    dxs = np.array([3.0]), np.array([4.0])

    for _ in range(2):
        update_(Optimiser(o.ClipGlobalNorm(1.0), Groups((a, Descent(1.0)), otherwise=Descent(0.1))), [a, b], dxs)
    np.testing.assert_allclose([a[0], b[0]], [-1.2, -0.16], rtol=1e-14)

    c, d = Tensor(np.zeros(1)), Tensor(np.zeros(1))
    opt = Groups((c, Optimiser(o.ClipGlobalNorm(1.0), Descent(1.0))), otherwise=Descent(0.1))
    for _ in range(2):
        update_(opt, [c, d], dxs)
    np.testing.assert_allclose([c[0], d[0]], [-2.0, -0.8], rtol=1e-14)


COMPOSED = {
    "in the middle": lambda ws: Optimiser(
        o.ClipGlobalNorm(0.5), Groups((ws, ADAM(0.1)), otherwise=Momentum()), o.ExpDecay(1, 0.5, 2)
    ),
    "two, one after the other": lambda ws: Optimiser(
        Groups((ws, WeightDecay(0.1)), otherwise=Optimiser()), Groups((ws[:1], ADAM()), otherwise=o.RMSProp())
    ),
    "inside of each other": lambda ws: Groups(
        (ws, Optimiser(WeightDecay(0.1), Groups((ws[:1], ADAM()), otherwise=Momentum()))), otherwise=Descent()
    ),
    "a rule of one's own in one": lambda ws: Optimiser(
        Groups((ws, Optimiser(o.AccumGrad(2), ADAM())), otherwise=Momentum()), o.ClipNorm(0.1)
    ),
    "a decay in both": lambda ws: Groups(
        (ws, Optimiser(ADAM(), o.ExpDecay(1, 0.5, 2))), otherwise=Optimiser(Descent(), o.ExpDecay(1, 0.1, 3))
    ),
    "one rule in two": lambda ws: (lambda rule: Groups((ws[:1], rule), (ws[1:], rule), otherwise=rule))(ADAM()),
    "scheduled": lambda ws: Scheduler(Groups((ws, ADAM()), otherwise=Momentum()), eta=Exp(0.1, 0.9)),
    "one scheduled": lambda ws: Groups((ws, Scheduler(ADAM(), eta=Exp(0.1, 0.9))), otherwise=Momentum()),
    "wrapped": lambda ws: o.Lookahead(Groups((ws, ADAM()), otherwise=Momentum()), period=2),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_compiled_and_by_formulas_they_make_the_same_steps(name, monkeypatch, request):
    by_formula, compiled = start(), start()
    monkeypatch.setenv("MINIGRAD_NOJIT", "1")
    expected = run(COMPOSED[name](by_formula[::2]), by_formula)
    monkeypatch.delenv("MINIGRAD_NOJIT")
    request.getfixturevalue("compiled")

    assert same(run(COMPOSED[name](compiled[::2]), compiled), expected)


@pytest.mark.parametrize("name", COMPOSED)
def test_one_step_of_all_is_what_single_steps_are(name, either_way):
    if name in ("in the middle", "a decay in both"):
        pytest.skip("a norm, or a rate, of all parameters")
    together, singly = start(), start()
    expected = run(COMPOSED[name](together[::2]), together)
    opt = COMPOSED[name](singly[::2])

    for t in range(6):
        for p, dx in zip(singly, along(singly, t)):
            update_(opt, p, dx)

    assert same([p.data for p in singly], expected)


@pytest.mark.parametrize("name", COMPOSED)
def test_saved_and_loaded_they_go_on_bit_for_bit(name, tmp_path, either_way):
    old, new = start(), start()
    opt = COMPOSED[name](old[::2])
    run(opt, old, steps=3)
    checkpoint.save(tmp_path / "run.npz", model=old, opt=opt)

    other = COMPOSED[name](new[::2])
    checkpoint.load_(tmp_path / "run.npz", model=new, opt=other)

    assert same(run(other, new, begin=3), run(opt, old, begin=3))


def test_a_deep_copy_alone_has_the_same_groups():
    ps, others = start(), start()
    opt = Groups((ps[::2], ADAM()), otherwise=Descent())
    copied, (together, their) = copy.deepcopy(opt), copy.deepcopy((opt, ps))

    expected = run(Groups((others[::2], ADAM()), otherwise=Descent()), others)
    assert same(run(copied, ps), expected) and same(run(together, their), expected)
    assert repr(together) == repr(opt)


def test_state_of_a_parameter_in_another_group_is_not_loaded():
    ps, others = start(), start()
    opt, other = Groups((ps[:2], ADAM()), otherwise=ADAM()), Groups((others[:1], ADAM()), otherwise=ADAM())
    run(opt, ps)
    run(other, others, steps=1)
    before = other[1].state[others[1]][0].copy()

    with pytest.raises(ValueError, match="Groups: parameter 1 was in group 0 when it was saved, and is in group 1 now"):
        o.load_state_(other, others, o.state_dict(opt, ps))

    assert np.array_equal(other[1].state[others[1]][0], before)


@pytest.mark.parametrize("name", COMPOSED)
def test_a_deep_copy_together_with_the_parameters_goes_on_by_itself(name):
    ps = start()
    opt = COMPOSED[name](ps[::2])
    run(opt, ps, steps=3)

    opt2, ps2 = copy.deepcopy((opt, ps))

    assert same(run(opt2, ps2, begin=3), run(opt, ps, begin=3))


def test_parameters_of_several_dtypes_may_be_in_one_group(either_way):
    ps, singly = start(), start()
    ps[1], singly[1] = Tensor(ps[1].data.astype(np.float32)), Tensor(ps[1].data.astype(np.float32))

    together = run(Groups((ps[:2], ADAM(0.1)), otherwise=Descent()), ps)
    run(opt := ADAM(0.1), singly[:1])

    assert together[1].dtype == np.float32 and np.array_equal(together[0], singly[0].data) and len(opt.state) == 1


# --------------------------------------------------------------------------------- a step is whole or not made
@pytest.mark.parametrize("order", [1, -1])
def test_an_error_in_one_group_moves_no_other(order, either_way):
    ps = start()
    opt = Groups((ps[:2], ADAM(0.1)), otherwise=Optimiser(o.ClipNorm(1.0), Momentum()))
    run(opt, ps, steps=2)
    before, moments = [p.data.copy() for p in ps], opt[0].state[ps[0]][0].copy()
    dxs = along(ps, 5)
    dxs[3][0] = np.nan

    with pytest.raises(NonFiniteError, match=r"ps\[\d\]"):
        update_(opt, ps[::order], dxs[::order])

    assert same([p.data for p in ps], before) and np.array_equal(opt[0].state[ps[0]][0], moments)


def test_gradients_may_lie_in_the_memory_of_another_groups_parameters(either_way):
    a, b = Tensor(np.array([1.0, 2.0])), Tensor(np.array([10.0, 20.0]))
    opt = Groups((a, Descent(1.0)), otherwise=Descent(0.5))
    for _ in range(2):
        update_(opt, [a, b], [np.zeros(2), np.zeros(2)])

    update_(opt, [a, b], [b.data, a.data])

    assert a.data.tolist() == [-9.0, -18.0] and b.data.tolist() == [9.5, 19.0]


def test_a_step_is_compiled_as_one_from_the_second_on(compiled):
    ps = start()
    for make in COMPOSED.values():
        opt = make(ps[::2])
        run(opt, ps, steps=1)
        fused = opt._plans.fused

        assert opt._plans.again(opt, tuple(ps), tuple(along(ps, 1))) == fused


def test_kernels_are_compiled_ahead_for_every_group(compiled):
    ps = start()

    assert warm_up(Optimiser(o.ClipNorm(1.0), Groups((ps[:1], ADAM()), (ps[1:2], None), otherwise=Descent())), float)
    with pytest.raises(TypeError, match="a rule of your own"):
        warm_up(Groups((ps[:1], o.AccumGrad(2)), otherwise=None), float)


def test_other_parameters_in_the_place_of_those_left_alone_are_not_taken_for_them(compiled):
    a, b, c, d = start()
    opt = Groups(([a, d], Descent(1.0)), otherwise=None)
    update_(opt, [a, b], along([a, b], 0))
    before = d.data.copy()

    update_(opt, [a, d], [np.zeros((3, 2)), np.ones(2)])

    assert np.array_equal(d.data, before - 1)


def test_state_and_groups_die_with_their_parameters(either_way):
    ps = start()
    opt = Groups((ps[::2], ADAM()), (lambda name, p: p.ndim == 1, Momentum()))
    run(opt, ps)
    gone = [weakref.ref(p) for p in ps]

    del ps
    gc.collect()

    assert [p() for p in gone] == [None] * 4 and len(opt[0].state) == len(opt[1].velocity) == 0


# --------------------------------------------------------------------------------------- how groups are said
def model():
    return nn.Chain(nn.Dense(2, 3, np.tanh), nn.Dense(3, 1))


def test_groups_by_name_follow_patterns_in_which_brackets_are_brackets():
    net = model()

    opt = Groups.by_name(net, {"layers[0].*": Descent(0.5), "*.b": None}, otherwise=ADAM())

    assert opt[net.layers[0].b] is opt[0] and opt[net.layers[1].b] is None and opt[net.layers[1].W] is opt[-1]


def test_a_pattern_that_fits_nothing_says_what_there_is():
    with pytest.raises(ValueError, match=r"'layer.\*' fits no parameter.*layers\[0\]\.W, layers\[0\]\.b"):
        Groups.by_name(model(), {"layer.*": ADAM()}, otherwise=None)


def test_a_predicate_is_asked_once_with_the_name_and_the_parameter():
    net, asked = model(), []

    def is_bias(name, p):
        asked.append(name)
        return name.endswith(".b")

    opt = Groups((is_bias, Descent(0.0)), otherwise=Descent(0.1))
    before = [p.data.copy() for p in params(net)]
    train_(lambda x: np.sum(net(x) ** 2), params(net), [np.ones((4, 2))] * 3, opt, progress="silent")

    moved = [not np.array_equal(p.data, old) for p, old in zip(params(net), before)]
    assert moved == [True, False, True, False]
    assert asked == ["layers[0].W", "layers[0].b", "layers[1].W", "layers[1].b"]


def test_a_model_a_layer_a_tensor_or_an_array_is_a_group():
    net, x = model(), np.ones(2)

    opt = Groups((net.layers[0], ADAM()), (x, Momentum()), (params(net), Descent()))

    assert opt[net.layers[0].W] is opt[0] and opt[x] is opt[1] and opt[net.layers[1].b] is opt[2]


def test_a_parameter_in_no_group_is_named_and_nothing_moves():
    net = model()
    opt = Groups((net.layers[0], Descent()))
    before = [p.data.copy() for p in params(net)]

    with pytest.raises(StrangerError, match=r"layers\[1\]\.W \(float64, shape \(3, 1\)\) is in no group"):
        update_(opt, params(net), [np.ones(p.shape) for p in params(net)])
    with pytest.raises(StrangerError, match=r"\[1\] \(float64, shape \(2,\)\) is in no"):
        update_(opt, Params([net.layers[0].W, Tensor(np.ones(2))]), [np.ones((2, 3)), np.ones(2)])

    assert same([p.data for p in params(net)], before)


WRONG = {
    "no pair": (lambda: Groups(ADAM()), "group 0 must be a pair"),
    "the other way round": (lambda: Groups((ADAM(), np.ones(2))), r"the order is \(parameters, rule\)"),
    "a class": (lambda: Groups((np.ones(2), ADAM)), "ADAM is a class"),
    "a number": (lambda: Groups((np.ones(2), 0.1)), "0.1 is not an optimiser"),
    "a name": (lambda: Groups(("*.b", ADAM())), r"Groups\.by_name\(model, {'\*\.b': rule}"),
    "nothing": (lambda: Groups(([], ADAM())), "holds no parameter"),
    "otherwise a list": (lambda: Groups((np.ones(2), ADAM()), otherwise=[ADAM()]), "a list is not an optimiser"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_group_is_refused(name):
    make, message = WRONG[name]

    with pytest.raises(TypeError, match=message):
        make()


def test_they_show_how_large_they_are():
    W, b, c, _ = start()

    opt = Groups(([W, c], Descent()), (lambda name, p: True, Momentum()), otherwise=None)

    assert repr(opt) == (
        "Groups((<2 parameters, 10 numbers>, Descent(eta=0.1)), "
        "(<<lambda>>, Momentum(eta=0.01, rho=0.9)), otherwise=None)"
    )
    named = Groups.by_name({"b": b}, {"*": Descent()})
    assert repr(named) == "Groups((<'*': 1 parameter, 2 numbers>, Descent(eta=0.1)))"


# ------------------------------------------------------------------------------------------- hyperparameters
def test_assigning_reaches_every_rule_that_has_the_hyperparameter():
    a, b, c, d = start()
    opt = Groups((a, ADAM()), (b, o.ADADelta()), (c, Optimiser(o.ClipNorm(1.0), Momentum())), otherwise=None)

    opt.eta = 0.5
    assert (opt[0].eta, opt[2][1].eta, opt.eta) == (0.5, 0.5, 0.5)
    opt.eta = [0.1, 0.2]
    assert (opt[0].eta, opt[2][1].eta, opt.eta) == (0.1, 0.2, [0.1, 0.2])
    opt.η = 0.3
    assert opt.eta == 0.3 and opt.rho == [0.9, 0.9] or opt.rho == 0.9


def test_a_value_that_one_of_them_refuses_is_given_to_none():
    a, b, *_ = start()
    opt = Groups((a, ADAM()), (b, Descent()))

    with pytest.raises(ValueError, match="Descent: eta"):
        opt.eta = [0.5, -1]
    with pytest.raises(AttributeError, match="no rule in .* has a hyperparameter 'momentum'"):
        opt.momentum = 0.5
    with pytest.raises(AttributeError, match="Groups has no 'lr', .*eta"):
        _ = opt.lr

    assert (opt[0].eta, opt[1].eta) == (0.001, 0.1)


def test_a_scheduler_around_sets_all_rates_and_one_inside_its_own(either_way):
    a, b, *_ = start()
    inside = Scheduler(Descent(), eta=Exp(0.5, 0.5))
    opt = Groups((a, inside), otherwise=Descent(1.0))
    before = a.data.copy(), b.data.copy()
    for _ in range(3):
        update_(opt, [a, b], [np.ones((3, 2)), np.ones(2)])
    assert np.allclose(a.data, before[0] - 0.875) and np.allclose(b.data, before[1] - 3) and b not in inside.count

    opt = Scheduler(Groups((a, Descent()), otherwise=Momentum()), eta=lambda t: 0.0)
    before = a.data.copy(), b.data.copy()
    for _ in range(3):
        update_(opt, [a, b], [np.ones((3, 2)), np.ones(2)])
    assert np.array_equal(a.data, before[0]) and np.array_equal(b.data, before[1]) and opt.count[a] == opt.count[b] == 3


def test_another_rule_may_take_the_place_of_one():
    a, b, *_ = start()
    opt = Groups((a, ADAM()), otherwise=Descent())
    run(opt, [a, b], steps=2)
    before = a.data.copy()

    opt[0] = Descent(1.0)
    update_(opt, [a, b], [np.ones((3, 2)), np.ones(2)])

    assert np.array_equal(a.data, before - 1)


def test_reset_forgets_the_state_and_not_the_groups(either_way):
    ps = start()
    opt = Groups((ps[::2], ADAM()), otherwise=Momentum())
    first = run(opt, ps)

    opt.reset_()
    for p, x in zip(ps, start()):
        p[...] = x

    assert same(run(opt, ps), first)


# --------------------------------------------------------------------------------------------------- freezing
FREEZING = {
    "alone": lambda ps: ADAM(0.1),
    "composed": lambda ps: Optimiser(WeightDecay(0.1), ADAM(0.1)),
    "groups": lambda ps: Groups((ps[:2], ADAM(0.1)), otherwise=Momentum()),
    "scheduled": lambda ps: Scheduler(ADAM(0.1), eta=Exp(0.1, 0.9)),
    "accumulating": lambda ps: Optimiser(o.AccumGrad(1), Momentum()),
}


@pytest.mark.parametrize("name", FREEZING)
def test_a_frozen_parameter_rests_and_goes_on_with_its_state(name, either_way):
    ps, others = start(), start()
    opt, other = FREEZING[name](ps), FREEZING[name](others)
    run(opt, ps, steps=2)
    run(other, others, steps=2)
    rested = ps[0].data.copy()

    opt.freeze_(ps[0])
    for t in (2, 3, 4):
        update_(opt, ps, along(ps, t))
        update_(other, others[1:], along(others, t)[1:])
    assert np.array_equal(ps[0].data, rested)

    opt.thaw_(ps[0])
    assert same(run(opt, ps, begin=5), run(other, others, begin=5))


def test_freezing_what_a_composition_is_made_of_holds_in_it(either_way):
    ps = start()
    opt = Optimiser(Scheduler(ADAM(), eta=Exp(0.1, 0.9)), WeightDecay(0.1))
    run(opt, ps)
    before = ps[1].data.copy()

    opt[0].opt.freeze_(ps[1])
    run(opt, ps)

    assert np.array_equal(ps[1].data, before) and not np.array_equal(run(opt, ps)[0], before)


def test_what_is_frozen_is_saved_outlives_reset_and_dies_with_the_parameter():
    ps, others = start(), start()
    opt, other = ADAM(), ADAM()
    run(opt, ps, steps=2)
    opt.freeze_(params(ps[:2]))

    o.load_state_(other, others, o.state_dict(opt, ps))
    other.reset_()
    before = [p.data.copy() for p in others]
    run(other, others)
    assert [np.array_equal(p.data, x) for p, x in zip(others, before)] == [True, True, False, False]

    other.thaw_()
    assert not any(np.array_equal(p, x) for p, x in zip(run(other, others), before))
    o.load_state_(opt, ps, o.state_dict(ADAM(), ps))
    assert not any(map(np.array_equal, [p.data.copy() for p in ps], run(opt, ps)))
    copied, their = copy.deepcopy((opt, ps))
    copied.freeze_(their)
    del their
    gc.collect()
    assert len(copied._frozen) == 0


def test_freezing_nothing_is_an_error():
    with pytest.raises(TypeError, match="freeze_: 3.0 holds no parameter"):
        ADAM().freeze_(3.0)
