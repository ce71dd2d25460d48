"""State: seen, copied, pickled, saved, loaded, forgotten."""

import copy
import pickle

import numpy as np
import pytest
from all_rules import ALL, every_rule, numbers, train

from minigrad import Tensor
from minigrad import optimise as o


def plain(value):
    """Whether a value holds nothing but what any file format can hold."""
    if isinstance(value, dict):
        return all(isinstance(k, str) and plain(v) for k, v in value.items())
    if isinstance(value, list):
        return all(map(plain, value))
    return isinstance(value, (str, int, float, np.ndarray))


def test_state_is_there_to_be_looked_at():
    opt, W = o.Momentum(0.5), np.zeros(2)

    o.update_(opt, W, np.ones(2))

    assert opt.velocity[W].tolist() == [-0.5, -0.5]


def test_adams_state_is_both_moments_and_the_powers_of_the_next_step():
    opt, W = o.ADAM(), np.zeros(2)

    o.update_(opt, W, np.ones(2))

    m, v, powers = opt.state[W]
    np.testing.assert_allclose((m[0], v[0], *powers), (0.1, 0.001, 0.9**2, 0.999**2))


@every_rule
def test_a_deep_copy_of_optimiser_and_parameters_goes_on_by_itself(name):
    opt, x = ALL[name](), numbers(5)
    train(opt, x, steps=5)
    expected = train(*copy.deepcopy((opt, x)), seed=40)

    opt2, x2 = copy.deepcopy((opt, x))

    assert np.array_equal(train(opt2, x2, seed=40), expected) and np.array_equal(
        train(opt, x, seed=40), expected
    )


def test_a_deep_copy_of_an_optimiser_alone_has_its_hyperparameters_and_no_state():
    opt, x = o.Momentum(0.5), np.zeros(2)
    o.update_(opt, x, np.ones(2))

    alone = copy.deepcopy(opt)

    assert alone.eta == 0.5 and len(alone.velocity) == 0


@every_rule
def test_pickled_together_they_go_on_bit_for_bit(name):
    opt, x = ALL[name](), Tensor(numbers(5))
    for t in range(5):
        o.update_(opt, x, numbers(5, seed=t))

    opt2, x2 = pickle.loads(pickle.dumps((opt, x)))

    for t in range(5):
        for each, p in [(opt, x), (opt2, x2)]:
            o.update_(each, p, numbers(5, seed=50 + t))
    assert np.array_equal(x.data, x2.data)


@every_rule
def test_saved_and_loaded_it_goes_on_bit_for_bit(name):
    opt, xs = ALL[name](), [numbers(5), numbers((2, 3))]
    for t in range(5):
        o.update_(opt, xs, [numbers(x.shape, seed=t) for x in xs])
    saved, copies = o.state_dict(opt, xs), [x.copy() for x in xs]

    new = ALL[name]()
    o.load_state_(new, copies, saved)

    assert plain(saved) and repr(new) == repr(opt)
    for t in range(5):
        for each, ps in [(opt, xs), (new, copies)]:
            o.update_(each, ps, [numbers(x.shape, seed=50 + t) for x in ps])
    assert all(map(np.array_equal, xs, copies))


def test_what_is_saved_shares_nothing_with_the_optimiser():
    opt, W = o.Momentum(), np.zeros(2)
    o.update_(opt, W, np.ones(2))
    saved = o.state_dict(opt, [W])

    o.update_(opt, W, np.ones(2))
    o.load_state_(opt, [W], saved)
    o.update_(opt, W, np.ones(2))

    assert saved["optimiser"]["state"]["velocity"]["0"].tolist() == [-0.01, -0.01]


def test_names_find_parameters_in_any_order():
    a, b, opt = np.zeros(2), np.zeros(2), o.Momentum()
    o.update_(opt, [a, b], [np.ones(2), np.full(2, 2.0)])

    new = o.Momentum()
    o.load_state_(new, {"b": b, "a": a}, o.state_dict(opt, {"a": a, "b": b}))

    assert np.array_equal(new.velocity[b], opt.velocity[b]) and np.array_equal(
        new.velocity[a], opt.velocity[a]
    )


def saved_and_new():
    xs = [np.zeros(2), np.zeros((2, 3))]
    opt = o.Optimiser(o.WeightDecay(0.1), o.ADAM())
    o.update_(opt, xs, [np.ones(2), np.ones((2, 3))])
    return o.state_dict(opt, xs), xs


def broken(change):
    saved, xs = saved_and_new()
    change(saved)
    return saved


def adam(saved):
    return saved["optimiser"]["inside"]["1"]


@pytest.mark.parametrize(
    "saved, why",
    [
        (lambda: {}, "nothing that state_dict"),
        (lambda: None, "nothing that state_dict"),
        (lambda: broken(lambda s: s["parameters"].pop("1")), r"\(1\) than are given \(2\).*given only: 1"),
        (lambda: broken(lambda s: s["parameters"]["0"].update(shape=[3])), "parameter 0 was float64, shape"),
        (lambda: broken(lambda s: s["parameters"]["0"].update(dtype="float32")), "parameter 0 was float32"),
        (
            lambda: broken(lambda s: adam(s).update(rule="RADAM")),
            r"Optimiser\[1\] is a ADAM, but a RADAM was saved",
        ),
        (lambda: broken(lambda s: adam(s)["hyper"].update(eta=-1)), "eta must be"),
        (lambda: broken(lambda s: adam(s)["hyper"].pop("eta")), "hyperparameters"),
        (lambda: broken(lambda s: s["optimiser"]["inside"].pop("0")), "rules inside"),
        (
            lambda: broken(lambda s: adam(s)["state"]["state"].update({"0": [np.zeros(2)]})),
            "parameter 0: saved were",
        ),
        (
            lambda: broken(
                lambda s: adam(s)["state"]["state"].update(
                    {"1": [np.zeros(6), np.zeros((2, 3)), np.zeros(2)]}
                )
            ),
            r"parameter 1: saved were float64 \(6,\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_overwritten(saved, why):
    _, xs = saved_and_new()
    new = o.Optimiser(o.WeightDecay(0.5), o.ADAM(0.5))

    with pytest.raises(ValueError, match=why):
        o.load_state_(new, xs, saved())

    assert (new[0].wd, new[1].eta, len(new[1].state)) == (0.5, 0.5, 0)


def test_float16_parameters_keep_float32_state_through_a_file():
    x, opt = np.zeros(3, np.float16), o.ADAM()
    train(opt, x)

    new = o.ADAM()
    o.load_state_(new, [x], o.state_dict(opt, [x]))

    assert new.state[x][0].dtype == np.float32


def test_reset_reaches_all_members():
    opt, x = o.Optimiser(o.Momentum(), o.Optimiser(o.InvDecay())), np.zeros(2)
    o.update_(opt, x, np.ones(2))

    opt.reset_()

    assert len(opt[0].velocity) == len(opt[1][0].state) == 0


def test_the_state_of_other_parameters_stays_out():
    a, b, opt = np.zeros(2), np.zeros(2), o.Momentum()
    o.update_(opt, [a, b], [np.ones(2), np.ones(2)])

    assert list(o.state_dict(opt, [a])["optimiser"]["state"]["velocity"]) == ["0"]
