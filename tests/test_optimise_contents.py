"""Optimisers of one's own: all that they hold is saved as it is, or refused by name."""

import functools
import random
import re
import threading
from collections import deque, namedtuple
from fractions import Fraction

import numpy as np
import pytest

from minigrad import Tensor, params
from minigrad.checkpoint import load_, save
from minigrad.iddict import IdDict
from minigrad.optimise import ADAM, AbstractOptimiser, Momentum, Optimiser, apply_, load_state_, state_dict, update_
from minigrad.schedules import Exp, Plateau, Stateful, next_


class Own:
    """A rule of which each test says what it holds."""

    def __init__(self, **held):
        vars(self).update(held)


@apply_.register
def apply_own(opt: Own, x, dx):
    return dx


class Descendant(AbstractOptimiser, Own):
    """The same, as a child of the parent of all optimisers."""


@apply_.register
def apply_descendant(opt: Descendant, x, dx):
    return dx


class Slotted:
    __slots__ = "eta", "memory", "rng"

    def __init__(self, eta, memory, rng):
        self.eta, self.memory, self.rng = eta, memory, rng


@apply_.register
def apply_slotted(opt: Slotted, x, dx):
    return dx


W = Tensor([1.0, 2.0])


def through_memory(old, new, tmp_path):
    load_state_(new, [W], state_dict(old, [W]))


def through_a_file(old, new, tmp_path):
    save(tmp_path / "run.npz", model=W, opt=old)
    load_(tmp_path / "run.npz", model=W, opt=new)


ways = pytest.mark.parametrize("way", [through_memory, through_a_file])
owners = pytest.mark.parametrize("kind", [Own, Descendant])


def same(a, b):
    """Say whether two plain values are equal to the last bit and of the same types."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(map(same, a.values(), b.values()))
    if isinstance(a, (np.ndarray, Tensor)):
        return a.dtype == b.dtype and np.array_equal(np.asarray(a), np.asarray(b))
    return repr(a) == repr(b)


VALUES = {
    "list": [1, 2.5], "tuple": (1, 2.5), "list of tuples": [(1, 2), (3, 4)], "tuple of lists": ([1], [2, 3]),
    "dict": {"m": 1.0, 3: [4], (5, 6): ()}, "dict of arrays": {"m": np.arange(3), "v": (np.ones(2), 7)},
    "array": np.array([[1.5]]), "float32": np.array([1, 2], np.float32), "scalar": np.float32(0.1), "nothing": None,
    "empty": [], "text": "näh\n", "complex": 1 - 2j, "flag": True, "big": 2**80, "infinite": float("-inf"),
    "nested": [{"a": ([], {"b": [np.zeros(0)]})}],
}  # fmt: skip
every_value = pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)


# ------------------------------------------------------------------------------------------------ values
@ways
@owners
@every_value
def test_state_comes_back_as_it_was(way, kind, value, tmp_path):
    old, new = kind(memory=IdDict([(W, value)])), kind(memory=IdDict())

    way(old, new, tmp_path)

    assert same(new.memory[W], value)


@ways
@owners
@every_value
@pytest.mark.parametrize("name", ["setting", "_private"])
def test_attributes_come_back_as_they_were(way, kind, value, name, tmp_path):
    old, new = kind(**{name: value}), kind(**{name: 0.0})

    way(old, new, tmp_path)

    assert same(getattr(new, name), value)


@ways
def test_a_tensor_kept_for_a_parameter_comes_back_as_one(way, tmp_path):
    old, new = Own(memory=IdDict([(W, (Tensor([3.0]), 1))])), Own(memory=IdDict())

    way(old, new, tmp_path)

    assert same(new.memory[W], (Tensor([3.0]), 1))


def test_what_is_saved_shares_nothing_with_what_is_kept():
    kept, setting = [np.zeros(2)], {"a": np.zeros(2)}
    old, new = Own(memory=IdDict([(W, kept)]), setting=setting), Own(memory=IdDict(), setting={})
    saved = state_dict(old, [W])
    load_state_(new, [W], saved)

    kept[0][0] = setting["a"][0] = 1
    new.memory[W][0][1] = new.setting["a"][1] = 2

    load_state_(old, [W], saved)
    assert same(old.memory[W], [np.zeros(2)]) and same(old.setting, {"a": np.zeros(2)})


def test_an_array_that_two_rules_share_stays_shared():
    old, new = (Optimiser(Own(steps=n), Own(steps=n)) for n in (np.array([7]), np.array([0])))

    load_state_(new, [W], state_dict(old, [W]))

    assert new[0].steps is new[1].steps and new[0].steps == 7


def test_slots_are_saved_too():
    old = Slotted(0.5, IdDict([(W, [1])]), np.random.default_rng(1))
    new = Slotted(0.0, IdDict(), np.random.default_rng(2))

    load_state_(new, [W], state_dict(old, [W]))

    assert (new.eta, new.memory[W], new.rng.random()) == (0.5, [1], old.rng.random())


# ------------------------------------------------------------------------------------- random generators
GENERATORS = {
    "Generator": (np.random.default_rng, lambda rng: rng.normal()),
    "MT19937": (lambda n: np.random.Generator(np.random.MT19937(n)), lambda rng: rng.normal()),
    "BitGenerator": (np.random.PCG64, lambda bits: bits.random_raw()),
    "RandomState": (np.random.RandomState, lambda rng: rng.normal()),
    "random.Random": (random.Random, lambda rng: rng.gauss(0, 1)),
}
HOLDERS = {
    "an attribute": lambda rng: {"rng": rng},
    "a private attribute": lambda rng: {"_rng": rng},
    "a list": lambda rng: {"rngs": [rng, 0.5]},
    "a tuple": lambda rng: {"rngs": (0.5, rng)},
    "a dict": lambda rng: {"rngs": {"noise": rng, "level": 2}},
    "a nested one": lambda rng: {"rngs": [{1: (rng,)}]},
    "an object": lambda rng: {"noise": Own(rng=rng, level=2)},
    "a partial function": lambda rng: {"draw": functools.partial(max, rng)},
}


@ways
@owners
@pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS)
@pytest.mark.parametrize("make, draw", GENERATORS.values(), ids=GENERATORS)
def test_a_generator_goes_on_where_it_was(way, kind, make, draw, holder, tmp_path):
    old, new = make(1), make(2)
    draw(old)

    way(kind(**holder(old)), kind(**holder(new)), tmp_path)

    assert [draw(new) for _ in range(3)] == [draw(old) for _ in range(3)]


def test_a_generator_behind_its_own_method_goes_on_where_it_was():
    old, new = np.random.default_rng(1), np.random.default_rng(2)

    load_state_(Own(draw=new.normal), [W], state_dict(Own(draw=old.normal), [W]))

    assert new.normal() == old.normal()


def test_a_generator_of_another_kind_is_refused():
    saved = state_dict(Own(rng=np.random.default_rng(1)), [W])

    with pytest.raises(ValueError, match=r"Own\.rng is a MT19937, but a PCG64 was saved there"):
        load_state_(Own(rng=np.random.Generator(np.random.MT19937(1))), [W], saved)


# ---------------------------------------------------------------------------- optimisers inside of others
def trained():
    opt = Momentum(0.5)
    update_(opt, W.copy(), np.ones(2))
    opt.velocity[W] = np.array([3.0, 4.0])
    return opt


OPTIMISERS = {
    "an attribute": lambda opt: Own(inner=opt),
    "a private attribute": lambda opt: Own(_inner=opt),
    "a list": lambda opt: Own(inner=[ADAM(), opt]),
    "a tuple": lambda opt: Own(inner=(opt, ADAM())),
    "a dict": lambda opt: Own(inner={"fast": opt, "n": 3}),
    "another of one's own": lambda opt: Own(inner=Own(inner=[opt])),
    "a composition": lambda opt: Optimiser(Own(inner=opt)),
    "a list of optimisers": lambda opt: [ADAM(), opt],
    "a tuple of optimisers": lambda opt: (opt, ADAM()),
    "a dict of optimisers": lambda opt: {"generator": opt, "critic": ADAM()},
    "a descendant": lambda opt: Descendant(inner=opt),
}


@ways
@pytest.mark.parametrize("holder", OPTIMISERS.values(), ids=OPTIMISERS)
def test_an_optimiser_inside_is_saved_with_its_state(way, holder, tmp_path):
    old, new = trained(), Momentum(0.1, 0.2)

    way(holder(old), holder(new), tmp_path)

    assert (new.eta, new.rho) == (0.5, 0.9)
    assert np.array_equal(new.velocity[W], [3.0, 4.0])


@ways
def test_schedules_inside_are_saved_with_their_positions(way, tmp_path):
    def make():
        return Own(rate=Stateful(Exp(0.5, 0.5)), cut=Plateau(1.0, decay=0.5, patience=1))

    old, new = make(), make()
    next_(old.rate), next_(old.cut, 3.0), next_(old.cut, 4.0)

    way(old, new, tmp_path)

    assert next_(new.rate) == next_(old.rate) == 0.25
    assert next_(new.cut, 4.0) == next_(old.cut, 4.0) == 0.5


def test_an_optimiser_that_knows_its_owner_is_no_endless_story():
    def make(eta):
        owner = Own(inner=Own(eta=eta))
        owner.inner.owner = owner.inner.hook = owner
        return owner

    new = make(0.0)
    load_state_(new, [W], state_dict(make(0.5), [W]))

    assert new.inner.eta == 0.5


# ------------------------------------------------------------------------- what is passed over or refused
def test_functions_classes_and_the_parameters_themselves_are_passed_over():
    V = np.ones(2)
    opt = Own(f=np.sin, g=lambda x: x, kind=float, module=np, w=W, v=V, ps=params(W), both=[W, V], named={"w": W})

    saved = state_dict(opt, [W, V])["optimiser"]

    assert saved["hyper"] == saved["state"] == {}
    assert {name: (part["hyper"], part["inside"]) for name, part in saved["inside"].items()} == {"named": ({}, {})}


def test_a_tensor_that_is_no_parameter_is_saved_and_overwritten_in_place():
    old, new = Own(scale=Tensor([2.0])), Own(scale=Tensor([0.0]))
    scale = new.scale

    load_state_(new, [W], state_dict(old, [W]))

    assert new.scale is scale and scale.data == [2.0]


class Percent(float):
    pass


Pair = namedtuple("Pair", "m v")
REFUSED = {
    "a lock": threading.Lock(), "a deque": deque([1.0], maxlen=3), "a Pair": Pair(1, 2), "a set": {1, 2},
    "a Fraction": Fraction(1, 2), "a bytes": b"1", "an array of object": np.array([None]),
    "a MaskedArray": np.ma.array([1.0]), "a Pattern": re.compile("x"),
    "a Percent": Percent(0.5), "a callable_iterator": iter(int, 1), "a range": range(3),
}  # fmt: skip


@pytest.mark.parametrize("what, value", REFUSED.items(), ids=REFUSED)
def test_what_cannot_be_saved_is_refused_by_its_place(what, value, tmp_path):
    for held, place in [
        (Own(held=value), "Own.held"),
        (Own(held=[0, value]), r"Own.held\[1\]"),
        (Own(inner=Own(held=value)), "Own.inner.held"),
        (Optimiser(Own(held=value)), r"Optimiser\[0\].held"),
        (Own(memory=IdDict([(W, value)])), "Own.memory, 0"),
        ([ADAM(), Own(held=value)], r"list\[1\].held"),
    ]:
        with pytest.raises(TypeError, match=rf"^state_dict: {place} is {what}, which cannot be saved"):
            state_dict(held, [W])
    with pytest.raises(TypeError, match=f"^save: opt: Own.held is {what}, which cannot be saved"):
        save(tmp_path / "run.npz", model=W, opt=Own(held=value))
    assert not (tmp_path / "run.npz").exists()


def test_a_class_may_leave_out_what_is_no_state():
    class Careful(Own):
        def __getstate__(self):
            return {name: value for name, value in vars(self).items() if name != "lock"}

    apply_.register(Careful, lambda opt, x, dx: dx)
    new = Careful(eta=0.0, lock=threading.Lock())

    load_state_(new, [W], state_dict(Careful(eta=0.5, lock=threading.Lock()), [W]))

    assert new.eta == 0.5


@pytest.mark.parametrize("other", [[ADAM()], (ADAM(), ADAM()), [ADAM(), Momentum()], ADAM(), [ADAM(), ADAM(), ADAM()]])
def test_a_list_of_other_optimisers_is_refused(other):
    saved = state_dict([ADAM(), ADAM()], [W])

    with pytest.raises(ValueError, match="load_state_: "):
        load_state_(other, [W], saved)


def test_nothing_is_overwritten_if_one_part_does_not_fit():
    old = [Own(eta=0.5, rng=np.random.default_rng(1)), ADAM()]
    new = [Own(eta=0.1, rng=np.random.default_rng(2)), Momentum()]

    with pytest.raises(ValueError, match=r"list\[1\] is a Momentum, but a ADAM was saved"):
        load_state_(new, [W], state_dict(old, [W]))

    assert new[0].eta == 0.1 and new[0].rng.random() == np.random.default_rng(2).random()
