"""Resuming in the middle of an epoch, bit for bit: the loader's position, early stopping, several optimisers."""

import copy
import itertools
import math
import pickle

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, generator, params, randn, train_, update_, withgradient
from minigrad.checkpoint import CheckpointError, load_, save
from minigrad.data import DataLoader
from minigrad.nn import Chain, Dense, Dropout, relu
from minigrad.optimise import ADAM, Descent, Momentum
from minigrad.schedules import Cos, Plateau, Stateful, next_
from minigrad.training import early_stopping, patience, plateau, stop, throttle

X = np.random.default_rng(0).normal(size=(23, 3))
Y = np.sum(X, axis=1, keepdims=True)


@pytest.fixture
def npz(tmp_path):
    return tmp_path / "run.npz"


class Run:
    """A training over shuffled batches, with dropout, for 3 epochs of 6 batches."""

    def __init__(self, seed=7, shuffle=True, partial=True, shared=True):
        rng = np.random.default_rng(seed)
        self.rng = np.random.default_rng(seed + 1)
        dropout = Dropout(0.5, True, rng=self.rng)
        self.model = Chain(Dense(3, 4, relu, rng=rng), dropout, Dense(4, 1, rng=rng))
        self.loader = DataLoader((X, Y), 4, shuffle=shuffle, partial=partial, rng=self.rng if shared else seed + 2)
        self.opt, self.losses = ADAM(0.01), []

    def parts(self):
        return dict(model=self.model, opt=self.opt, loader=self.loader)

    def loss(self, x, y):
        return np.mean((self.model(x) - y) ** 2)

    def go_on(self, epochs, cb=()):
        self.losses += train_(
            self.loss, params(self.model), self.loader, self.opt, epochs=epochs, cb=cb, progress="silent"
        )
        return self

    def bits(self):
        return [p.data.tobytes() for p in params(self.model)], self.loader.rng.bit_generator.state, self.losses


KINDS = {
    "shuffled": {}, "in order": {"shuffle": False}, "whole batches": {"partial": False}, "own rng": {"shared": False}
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("stopped_at", [1, 2, 5, 6, 7, 11, 12, 17, 18])
def test_training_stopped_at_any_step_of_any_epoch_goes_on_bit_for_bit(npz, kind, stopped_at):
    batches = len(Run(**kind).loader)
    stopped_at = min(stopped_at, 3 * batches)
    whole, first, second = Run(**kind).go_on(3), Run(**kind), Run(seed=99, **kind)

    def checkpoint(context):
        if context.step == stopped_at:
            save(npz, **first.parts(), epoch=context.epoch, losses=list(context.losses))
            stop()

    first.go_on(3, cb=checkpoint)
    found = load_(npz, **second.parts())
    second.losses = found["losses"]
    second.go_on(3 - found["epoch"] + 1)

    assert second.bits() == whole.bits()


@pytest.mark.parametrize("stopped_at", [1, 6, 7, 12])
def test_a_loop_of_ones_own_that_was_left_by_break_goes_on_bit_for_bit(npz, stopped_at):
    def steps(run, epochs):
        ps = params(run.model)
        for epoch in epochs:
            for x, y in run.loader:
                value, grads = withgradient(lambda x=x, y=y: run.loss(x, y), ps)
                update_(run.opt, ps, grads)
                run.losses.append(value)
                yield epoch

    whole, first, second = Run(), Run(), Run(seed=99)
    for _ in steps(whole, range(2)):
        pass
    going = steps(first, range(2))
    epoch = list(itertools.islice(going, stopped_at))[-1]
    going.close()

    save(npz, **first.parts(), epoch=epoch, losses=first.losses)
    found = load_(npz, **second.parts())
    second.losses = found["losses"]
    for _ in steps(second, range(found["epoch"], 2)):
        pass

    assert second.bits() == whole.bits()


def test_between_two_epochs_the_next_one_is_a_new_one(npz):
    first, second, whole = Run().go_on(1), Run(seed=99), Run().go_on(2)

    save(npz, **first.parts(), losses=first.losses)
    second.losses = load_(npz, **second.parts())["losses"]
    second.go_on(1)

    assert second.bits() == whole.bits()


def test_a_run_may_be_resumed_and_saved_again_and_again(npz):
    whole, run, begun = Run().go_on(2), Run(), 0  # epochs that had begun before this part of the run
    for _ in range(12):
        epochs = []

        def after_one_step(context, epochs=epochs):
            epochs.append(context.epoch)
            stop()

        run.go_on(2 - begun, cb=after_one_step)
        begun += epochs[0] - 1
        save(npz, **run.parts(), losses=run.losses)
        run = Run(seed=99)
        run.losses = load_(npz, **run.parts())["losses"]

    assert run.bits() == whole.bits()


def test_saving_and_loading_without_a_step_in_between_changes_nothing(npz):
    loader, other = DataLoader(np.arange(9), 2, shuffle=True, rng=0), DataLoader(np.arange(9), 2, shuffle=True, rng=1)
    expected = [list(loader) for _ in range(2)]
    loader = DataLoader(np.arange(9), 2, shuffle=True, rng=0)
    next(iter(loader))
    save(npz, loader=loader)
    load_(npz, loader=other)
    save(npz, loader=other)
    load_(npz, loader=loader)

    assert repr([list(loader), list(loader)]) == repr([expected[0][1:], expected[1]])


def test_the_generator_of_the_whole_program_is_saved_with_a_loader_that_uses_it(npz):
    minigrad.seed(5)
    loader = DataLoader(np.arange(9), 2, shuffle=True)
    next(iter(loader))
    save(npz, loader=loader)
    expected = [list(loader), generator().random()]

    minigrad.seed(6)
    again = DataLoader(np.arange(9), 2, shuffle=True)
    load_(npz, loader=again)
    next(iter(again))

    assert repr([list(again), generator().random()]) == repr(expected)


def test_several_loaders_are_saved_by_their_names(npz):
    def make(seed):
        return [DataLoader(np.arange(9), 2, shuffle=True, rng=seed + k) for k in range(2)]

    (a, b), (c, d) = make(1), make(5)
    next(iter(a)), list(b)
    save(npz, train=a, test=b)
    load_(npz, train=c, test=d)

    assert [len(list(loader)) for loader in (c, d, b)] == [4, 5, 5]
    assert repr(list(c)) == repr(list(a)) and repr(list(d)) == repr(list(b))


def test_a_pass_that_was_broken_off_before_counts_no_more(npz):
    loader = DataLoader(np.arange(8), 2, shuffle=True, rng=0)
    next(iter(loader))
    for _ in itertools.islice(iter(loader), 3):
        pass
    assert loader.position()["done"] == 3
    list(loader)
    assert loader.position()["done"] is None


# ---------------------------------------------------------------------------------- what is refused
def zipped(loader):
    return zip(loader, loader)


def nested(loader):
    return ((a, b) for a in loader for b in loader)


def two_iterators(loader):
    return zip(iter(loader), itertools.islice(loader, 9))


@pytest.mark.parametrize("two", [zipped, nested, two_iterators])
def test_two_passes_at_once_cannot_be_resumed(npz, two):
    loader = DataLoader(np.arange(8), 2, shuffle=True, rng=0)
    both = two(loader)
    next(both)

    with pytest.raises(ValueError, match="save: loader: 2 passes through the loader are going on, and one can be"):
        save(npz, loader=loader)
    assert not npz.exists()

    del both
    save(npz, loader=loader)


def test_a_pass_inside_of_another_that_has_ended_is_no_hindrance(npz):
    loader = DataLoader(np.arange(8), 2, shuffle=True, rng=0)
    for _ in loader:
        assert len(list(loader)) == 4
        next(iter(loader))
        break

    assert loader.position()["done"] == 1


@pytest.mark.parametrize("data", [[(1, 2)], iter([1]), (x for x in [1]), zip([1]), map(abs, [1]), np.ones(3), 5])
def test_what_is_no_loader_cannot_be_resumed(npz, data):
    with pytest.raises(TypeError, match="save: loader is a .*, which cannot be resumed; give a DataLoader"):
        save(npz, loader=data)
    with pytest.raises(TypeError, match="load_: loader is a .*, which cannot be resumed; give a DataLoader"):
        load_(npz, loader=data)


@pytest.mark.parametrize("other, message", [
    (dict(data=np.arange(9)), "rows=9 here, and 8 was saved"),
    (dict(batchsize=4), "batchsize=4 here, and 2 was saved"),
    (dict(shuffle=False), "shuffle=False here, and True was saved"),
    (dict(partial=False), "partial=False here, and True was saved"),
    (dict(rng=np.random.Generator(np.random.MT19937(0))), "no state of this Generator"),
])  # fmt: skip
def test_a_loader_of_other_data_is_refused_and_nothing_is_overwritten(npz, other, message):
    W, V = Tensor([1.0]), Tensor([2.0])
    save(npz, model=W, loader=DataLoader(np.arange(8), 2, shuffle=True, rng=0))
    arguments = {"data": np.arange(8), "batchsize": 2, "shuffle": True, "rng": 1, **other}
    loader = DataLoader(arguments.pop("data"), arguments.pop("batchsize"), **arguments)

    with pytest.raises(CheckpointError, match=rf"loader: .*{message}.*Nothing was overwritten"):
        load_(npz, model=V, loader=loader)

    assert V.data == [2.0] and loader.position()["done"] is None


@pytest.mark.parametrize("change", [
    {"done": -1}, {"done": 5}, {"done": None}, {"order": None}, {"order": np.arange(7)}, {"order": np.zeros(8)},
    {"order": np.arange(1, 9)}, {"rng": None}, {"rng": {}}, {"rng": {"bit_generator": "PCG64"}},
])  # fmt: skip
def test_a_position_that_is_none_is_refused(change):
    loader = DataLoader(np.arange(8), 2, shuffle=True, rng=0)
    next(iter(loader))

    with pytest.raises((ValueError, TypeError, KeyError)):
        loader.to_resume({**loader.position(), **change})


def test_copies_of_a_loader_begin_with_a_pass_of_their_own():
    loader = DataLoader(np.arange(8), 2)
    next(iter(loader))

    for other in (copy.copy(loader), copy.deepcopy(loader), pickle.loads(pickle.dumps(loader))):
        assert len(list(other)) == 4


# --------------------------------------------------------------------- functions that remember, and others
def score(x):
    return x


SCORES = [3.0, 2.0, 2.5, 2.5, 1.0, 1.0 + 1e-9, 1.0, 4.0, 4.0, 4.0, 4.0]
MAKERS = {
    "early_stopping": lambda: early_stopping(score, 3),
    "early_stopping of what grows": lambda: early_stopping(score, 2, np.subtract, -math.inf, 0.5),
    "patience": lambda: patience(math.isnan, 2),
    "plateau": lambda: plateau(score, 2),
}
every_maker = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@every_maker
@pytest.mark.parametrize("after", range(len(SCORES)))
@pytest.mark.parametrize("kind", [float, np.float32, np.array, Tensor])
def test_early_stopping_and_its_like_pickle_and_are_saved(npz, make, after, kind):
    scores = [kind(x) for x in SCORES[:8]] + [math.nan] * 3
    whole, first, second = make(), make(), make()
    expected = [whole(x) for x in scores]
    for x in scores[:after]:
        first(x)

    save(npz, stalled=first)
    load_(npz, stalled=second)

    for stalled in (second, pickle.loads(pickle.dumps(first)), copy.deepcopy(first), first):
        assert [stalled(x) for x in scores[after:]] == expected[after:]


def test_what_they_remember_can_be_seen():
    stalled, flat = early_stopping(score, 3), plateau(score, 2)
    for x in (3.0, 2.0, np.float64(2.5)):
        stalled(x), flat(x)

    assert (stalled.best, stalled.in_a_row, flat.last, flat.in_a_row) == (2.0, 1, 2.5, 0)
    assert repr(stalled) == "early_stopping(score, 3)  # in_a_row=1, best=2.0"


def test_the_memory_of_another_kind_is_refused(npz):
    save(npz, stalled=early_stopping(score, 3))

    with pytest.raises(CheckpointError, match="stalled is a early_stopping in the file and a plateau here"):
        load_(npz, stalled=plateau(score, 3))


def test_a_throttle_that_was_pickled_calls_at_once():
    report = throttle(score, 1e9)
    report(1)

    assert report(2) is None and pickle.loads(pickle.dumps(report))(3) == 3


def test_training_with_early_stopping_resumes(npz):
    def run(stalled, W, n):
        return train_(lambda x: np.sum((W - x) ** 2), params(W), [np.ones(2)] * n, Descent(0.4), cb=stalled,
                      progress="silent")

    def make():
        return early_stopping(lambda context: round(context.loss, 1), 3), Tensor(np.zeros(2))

    expected = run(*make(), 20)
    (stalled, W), (again, V) = make(), make()
    done = run(stalled, W, 3)
    save(npz, model=W, stalled=stalled)
    load_(npz, model=V, stalled=again)

    assert done + run(again, V, 17) == expected and 4 < len(expected) < 20


def test_two_optimisers_of_one_model_are_saved_together_or_by_their_names(npz):
    def make(eta):
        return {"generator": randn(2), "critic": randn(3)}, [ADAM(eta), Momentum(eta)]

    (model, opts), (other, others) = make(0.1), make(0.2)
    for name, opt in zip(model, opts):
        update_(opt, model[name], np.ones(model[name].shape))

    for given, to in [
        (dict(opt=opts), dict(opt=others)),
        (dict(opt=tuple(opts)), dict(opt=tuple(others))),
        (dict(opt=dict(zip("gc", opts))), dict(opt=dict(zip("gc", others)))),
        (dict(g=opts[0], c=opts[1]), dict(g=others[0], c=others[1])),
        (dict(both=opts), dict(both=others)),
    ]:
        for opt in others:
            opt.eta = 0.3
            opt.reset_()
        save(npz, model=model, **given)
        load_(npz, model=other, **to)
        assert [opt.eta for opt in others] == [0.1, 0.1]
        assert others[1].velocity[other["critic"]].tolist() == [-0.1] * 3
        assert len(others[0].state) == len(others[1].velocity) == 1


def test_an_optimiser_by_another_name_needs_its_model_too(npz):
    with pytest.raises(ValueError, match="belongs to the parameters: give the model too"):
        save(npz, critic=ADAM())


def test_a_schedule_inside_of_a_stateful_is_saved_too(npz):
    first, second = (Stateful(Plateau(1.0, decay=0.5, patience=1)) for _ in range(2))
    for loss in (1.0, 2.0, 2.0):
        next_(first.schedule, loss)
    next_(first)
    save(npz, schedule=first, by_name=Stateful(Cos(1.0, 0.1, 9), 5))

    other = Stateful(Cos(1.0, 0.1, 9))
    load_(npz, schedule=second, by_name=other)

    assert (second.state, second.schedule.value, second.schedule.best, other.state) == (2, 0.5, 1.0, 5)


def test_a_schedule_without_a_position_is_refused(npz):
    with pytest.raises(TypeError, match="save: schedule, a Cos, has no position; give a Stateful or Plateau"):
        save(npz, schedule=Cos(1.0, 0.1, 9))
