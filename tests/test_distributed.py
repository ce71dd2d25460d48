"""Data-parallel training: ranks as threads for what ranks compute, and as processes under mpiexec for how they end."""

import copy
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
import types
from pathlib import Path

import numpy as np
import pytest
from rank_threads import Aborted, on_ranks

from minigrad import (
    ADAM,
    EMA,
    AccumGrad,
    ClipGlobalNorm,
    Descent,
    Groups,
    Momentum,
    Optimiser,
    Scheduler,
    Tensor,
    WeightDecay,
    distributed,
    losses,
    nn,
    params,
    rand,
    seed,
    skip,
    stop,
    train_,
    update_,
    withgradient,
)
from minigrad.checkpoint import load_, save
from minigrad.core.errors import NonFiniteError
from minigrad.data import DataLoader
from minigrad.distributed import GroupError
from minigrad.distributed.line import Line
from minigrad.distributed.plan import main, plan, time_of_sum
from minigrad.optimise import apply_

SILENT = {"progress": "silent"}
rng = np.random.default_rng(0)
X = rng.normal(size=(101, 5))
Y = X[:, :1] ** 2


def model(rank=0, dtype=float):
    rng = np.random.default_rng(rank)
    return nn.Chain(nn.Dense(5, 8, np.tanh, rng=rng, dtype=dtype), nn.Dense(8, 1, rng=rng, dtype=dtype))


def numbers(ps):
    return np.concatenate([p.data.ravel() for p in ps])


def run(comm, opt=None, *, exact=False, sharded=False, dtype=float, batchsize=32, epochs=2, partial=True, **options):
    """Train a small network on the rank of a communicator; return (losses, parameters)."""
    group = distributed.group(comm=comm, exact=exact, timeout=20)
    m = model(group.rank, dtype)
    group.broadcast_(m)
    data = X.astype(dtype), Y.astype(dtype)
    loader = DataLoader(data, batchsize, shuffle=True, rng=0, partial=partial, shard=group)
    opt = opt() if opt else ADAM(0.01)
    opt = group.sharded(opt) if sharded else opt
    options = {"epochs": epochs, "group": group, "progress": "silent", **options}
    made = train_(lambda x, y: losses.mse(m(x), y), params(m), loader, opt, **options)
    return made, numbers(params(m))


def alone(opt=None, *, batchsize=32, epochs=2, partial=True, dtype=float):
    """The same training in one process, without a group."""
    m = model(dtype=dtype)
    loader = DataLoader((X.astype(dtype), Y.astype(dtype)), batchsize, shuffle=True, rng=0, partial=partial)
    ps, opt = params(m), opt() if opt else ADAM(0.01)
    made = train_(lambda x, y: losses.mse(m(x), y), ps, loader, opt, epochs=epochs, **SILENT)
    return made, numbers(ps)


def raised_by(results, kind):
    """Return the messages of the ranks' errors, which are all of a kind."""
    assert all(isinstance(r, kind) for r in results), results
    return [str(r) for r in results]


# ---------------------------------------------------------------------------------- the numbers of one process
@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_losses_and_parameters_are_those_of_one_process(size, sharded):
    made, ps = alone()

    results, _ = on_ranks(size, lambda comm: run(comm, sharded=sharded))

    for rank_made, rank_ps in results:
        np.testing.assert_allclose(rank_made, made, rtol=1e-13)
        np.testing.assert_allclose(rank_ps, ps, rtol=1e-12)
        assert np.array_equal(rank_ps, results[0][1])


def test_a_group_of_one_computes_what_no_group_computes_bit_for_bit():
    made, ps = alone()

    rank_made, rank_ps = run(None)

    assert rank_made == made and np.array_equal(rank_ps, ps)


@pytest.mark.parametrize("sharded", [False, True])
def test_exact_gives_the_same_bits_on_any_number_of_ranks(sharded):
    sizes = 1, 2, 3, 4, 7, 8, 11

    found = [on_ranks(size, lambda comm: run(comm, exact=True, sharded=sharded))[0][-1] for size in sizes]

    assert all(made == found[0][0] and np.array_equal(ps, found[0][1]) for made, ps in found)


def test_a_repetition_on_as_many_ranks_gives_the_same_bits():
    first, second = (on_ranks(3, run)[0] for _ in range(2))

    assert all(np.array_equal(a[1], b[1]) for a, b in zip(first, second))


def test_fewer_rows_than_ranks_and_uneven_last_batches_are_right():
    made, ps = alone(batchsize=7, epochs=1)  # the last batch has 3 rows

    results, _ = on_ranks(5, lambda comm: run(comm, batchsize=7, epochs=1))

    for rank_made, rank_ps in results:
        np.testing.assert_allclose(rank_made, made, rtol=1e-13)
        np.testing.assert_allclose(rank_ps, ps, rtol=1e-12)


def test_a_loader_without_its_last_smaller_batch_is_right_too():
    made, _ = alone(partial=False)

    results, _ = on_ranks(2, lambda comm: run(comm, partial=False))

    np.testing.assert_allclose(results[0][0], made, rtol=1e-13)


def test_the_norm_of_a_gradient_is_that_of_the_whole_batch():
    def opt():
        return Optimiser(ClipGlobalNorm(0.5), Momentum(0.1))

    made, ps = alone(opt)

    results, _ = on_ranks(3, lambda comm: run(comm, opt))

    np.testing.assert_allclose(results[1][0], made, rtol=1e-12)
    np.testing.assert_allclose(results[1][1], ps, rtol=1e-11)


def test_single_precision_stays_single():
    results, _ = on_ranks(2, lambda comm: run(comm, dtype=np.float32))

    assert results[0][1].dtype == np.float32 and np.array_equal(results[0][1], results[1][1])
    np.testing.assert_allclose(results[0][0], alone(dtype=np.float32)[0], rtol=1e-4)


@pytest.mark.parametrize("exact", [False, True])
def test_complex_parameters_and_numbers_in_the_byte_order_of_another_machine(exact):
    def program(comm):
        group = distributed.group(comm=comm, exact=exact)
        ps = [Tensor([1 + 2j + comm.rank]), Tensor(np.array([3.0 + comm.rank], ">f8"), copy=False)]
        group.broadcast_(ps)
        loss = lambda x: np.sum(np.abs(ps[0]) ** 2) + ps[1][0] * np.mean(x)  # noqa: E731
        train_(loss, params(ps), DataLoader(np.arange(6.0), 3, shard=group), Descent(0.5), group=group, **SILENT)
        return [p.data.tolist() for p in ps]

    # both steps subtract z, half of twice z; and half the mean of the rows
    assert on_ranks(2, program)[0] == [[[0j], [3 - 0.5 * 1 - 0.5 * 4]]] * 2


def test_parameters_of_several_dtypes_complex_ones_and_such_that_only_some_ranks_or_none_reach():
    def program(comm):
        group = distributed.group(comm=comm)
        a, b, c = Tensor([1.0, 2.0]), Tensor([3.0], dtype=np.float32), Tensor([1 + 2j])
        nobodys, half = Tensor(0.5), Tensor([2.0], dtype=np.float16)
        ps = params(a, b, c, nobodys, half)

        def f():
            first = np.sum(a**2) + np.sum(np.abs(c) ** 2) + np.sum(half**2)
            return first + np.sum(b) if group.rank == 1 else first

        loss, grads = group.withgradient(f, ps, rows=group.rank + 1)
        return loss, [None if g is None else (g.dtype.char, g.data.tolist()) for g in grads]

    results, _ = on_ranks(2, program)

    assert results[0] == results[1]
    loss, grads = results[0]
    assert loss == 14 + 3 * 2 / 3  # one row of three is rank 0's
    assert grads == [("d", [2, 4]), ("f", [np.float32(2 / 3)]), ("D", [2 + 4j]), None, ("e", [4])]


def test_weights_are_rows():
    def program(comm):
        group = distributed.group(comm=comm)
        w = Tensor(1.0)
        return group.withgradient(lambda: w * (10 if group.rank else 1), w, rows=[1, 3, 0][group.rank])[0]

    assert on_ranks(3, program)[0] == [(1 + 30) / 4] * 3


@pytest.mark.parametrize("exact", [False, True])
def test_a_loop_of_ones_own(exact):
    m = model()
    ps, opt = params(m), ADAM(0.01)
    for x, y in DataLoader((X, Y), 20):
        update_(opt, ps, withgradient(lambda: losses.mse(m(x), y), ps)[1])  # noqa: B023

    def program(comm):
        group = distributed.group(comm=comm, exact=exact)
        m, opt = model(), ADAM(0.01)
        for batch in DataLoader((X, Y), 20, shard=group):
            _, grads = group.withgradient(lambda x, y: losses.mse(m(x), y), m, batch)
            update_(opt, params(m), grads)
        return numbers(params(m))

    for found in on_ranks(2, program)[0]:
        np.testing.assert_allclose(found, numbers(ps), rtol=1e-12)


@pytest.mark.parametrize("sharded, step", [(False, []), (True, ["reduce_scatter", "allgather"])])
def test_one_sum_a_step_and_two_more_collectives_where_state_is_sharded(sharded, step):
    def collectives(epochs):
        return on_ranks(2, lambda comm: run(comm, sharded=sharded, epochs=epochs))[1].collectives

    few, many = collectives(2), collectives(7)

    # four batches an epoch; one more sum says that it is over
    assert many[len(few) - 1 :] == ["allreduce", *step] * (5 * 4) + ["allreduce"]


@pytest.mark.slow  # numba takes its time
def test_compiled_steps_take_part():
    made, ps = run(None, batchsize=20, epochs=5, exact=True)

    compiled_made, compiled_ps = run(None, batchsize=20, epochs=5, exact=True, compiled=True)

    np.testing.assert_allclose(compiled_made, made, rtol=1e-12)
    np.testing.assert_allclose(compiled_ps, ps, rtol=1e-12)


# ------------------------------------------------------------------------------------------ random numbers
def test_ranks_draw_different_numbers_and_rank_0_those_of_one_process():
    seed(3)
    expected = rand(4).data.tolist()

    def program(comm):
        group = distributed.group(comm=comm)
        dropout = nn.Dropout(0.5, True, rng=np.random.default_rng(comm.rank))
        group.broadcast_([dropout, Tensor([1.0])])
        return dropout(np.ones(64)).data.tolist()

    drawn, _ = on_ranks(3, program)
    seed(3)
    distributed.group().broadcast_(Tensor([1.0]))

    assert rand(4).data.tolist() == expected
    assert drawn[0] == nn.Dropout(0.5, True, rng=np.random.default_rng(0))(np.ones(64)).data.tolist()
    assert len({tuple(row) for row in drawn}) == 3


def test_exact_random_numbers_belong_to_the_parts_of_a_batch():
    def program(comm):
        group = distributed.group(comm=comm, exact=True)
        m = nn.Chain(nn.Dropout(0.5, True, rng=5), model())
        group.broadcast_(m)
        loader = DataLoader((X, Y), 16, shard=group)
        return train_(lambda x, y: losses.mse(m(x), y), params(m), loader, Descent(0.1), group=group, **SILENT)

    one, two, five = (on_ranks(size, program)[0][-1] for size in (1, 2, 5))

    assert one == two == five


@pytest.mark.parametrize("size, exact", [(2, False), (3, False), (2, True), (3, True), (9, True)])
def test_running_statistics_move_alike_on_all_ranks(size, exact):
    def program(comm):
        group = distributed.group(comm=comm, exact=exact)
        norm = nn.BatchNorm(5, training=True, momentum=0.25)
        m = nn.Chain(norm, model())
        group.broadcast_(m)
        loader = DataLoader((X[:40], Y[:40]), 40 if exact else 20, shard=group)
        train_(lambda x, y: losses.mse(m(x), y), params(m), loader, Descent(0.1), group=group, **SILENT)
        return norm.running.mean.tolist(), norm.running.var.tolist(), numbers(params(m)).tolist()

    mean, var = np.zeros(5), np.ones(5)
    for batch in np.split(X[:40], 1 if exact else 2):
        bounds = [len(batch) * k // (8 if exact else size) for k in range((8 if exact else size) + 1)]
        shares = [batch[a:b] for a, b in zip(bounds, bounds[1:])]
        weights = [len(share) / len(batch) for share in shares]
        mean += 0.25 * (sum(w * s.mean(0) for w, s in zip(weights, shares)) - mean)
        var += 0.25 * (sum(w * s.var(0, ddof=1) for w, s in zip(weights, shares)) - var)

    results, _ = on_ranks(size, program)

    assert all(found == results[0] for found in results)
    np.testing.assert_allclose(results[0][:2], [mean, var], rtol=1e-12)


def test_exact_random_numbers_go_on_after_a_checkpoint_on_another_number_of_ranks(tmp_path):
    def part(comm, epochs, path=None):
        group = distributed.group(comm=comm, exact=True)
        m, opt = nn.Chain(nn.Dropout(0.5, True, rng=5), model()), ADAM(0.01)
        group.broadcast_(m)
        loader = DataLoader((X, Y), 16, shuffle=True, rng=0, shard=group)
        if path and path.exists():
            load_(path, model=m, opt=opt, loader=loader)
        train_(lambda x, y: losses.mse(m(x), y), params(m), loader, opt, epochs=epochs, group=group, **SILENT)
        if path:
            save(path, model=m, opt=opt, loader=loader, group=group)
        return numbers(params(m)).tolist()

    path = tmp_path / "run.npz"
    on_ranks(3, lambda comm: part(comm, 1, path))

    assert on_ranks(2, lambda comm: part(comm, 1, path))[0] == on_ranks(2, lambda comm: part(comm, 2))[0]


def test_a_loader_without_a_seed_shuffles_alike_on_all_ranks():
    def program(comm):
        loader = DataLoader(np.arange(20), 8, shuffle=True, shard=distributed.group(comm=comm))
        return [batch.tolist() for batch in loader]

    shares, _ = on_ranks(2, program)

    assert sorted(sum(shares[0] + shares[1], [])) == list(range(20))


# -------------------------------------------------------------------------------------- skip, stop, fail, end
@pytest.mark.parametrize("where", ["loss", "before", "cb"])
@pytest.mark.parametrize("size, exact", [(2, False), (3, True)])
def test_stop_on_one_rank_stops_all_after_the_same_step(where, size, exact):
    def program(comm):
        group = distributed.group(comm=comm, exact=exact)
        m, calls = model(), []

        def loss(x, y):
            calls.append(len(x))
            if where == "loss" and comm.rank == 1 and len(calls) > 5:
                stop()
            return losses.mse(m(x), y)

        def ends(context):
            if comm.rank == 1 and context.step == 3:
                stop()

        loader = DataLoader((X, Y), 8, shard=group)
        callback = {where: ends} if where != "loss" else {}
        made = train_(loss, params(m), loader, ADAM(), group=group, **SILENT, **callback)
        return made, numbers(params(m)).tolist()

    results, _ = on_ranks(size, program)

    assert all(r == results[0] for r in results)
    assert len(results[0][0]) == {"before": 2, "cb": 3, "loss": 5 if not exact else len(results[0][0])}[where]


def test_skip_on_one_rank_skips_the_batch_on_all():
    def program(comm):
        group, w = distributed.group(comm=comm), Tensor(0.0)
        loss = lambda x: skip() if 3 in x else (w - np.mean(x)) ** 2  # noqa: E731
        loader = DataLoader(np.arange(8.0), 4, shard=group)
        return train_(loss, params(w), loader, Descent(0.1), group=group, **SILENT)

    results, _ = on_ranks(2, program)

    assert results[0] == results[1] and len(results[0]) == 1


def failing(comm, where, error):
    group = distributed.group(comm=comm, timeout=5)
    m = model()
    before = numbers(params(m))

    def perhaps(place, step):
        if place == where and comm.rank == 1 and step == 2:
            raise error

    def data():
        for i, batch in enumerate(DataLoader((X, Y), 16, shard=group), 1):
            perhaps("data", i)
            yield batch

    steps = iter(range(1, 100))

    def loss(x, y):
        perhaps("loss", next(steps))
        return losses.mse(m(x), y)

    try:
        train_(
            loss,
            params(m),
            data(),
            ADAM(),
            before=[lambda c: perhaps("before", c.step)] * (where == "before"),
            cb=lambda c: perhaps("cb", c.step),
            group=group,
            **SILENT,
        )
    finally:
        assert np.isfinite(numbers(params(m))).all() and not np.array_equal(numbers(params(m)), before)


ERRORS = [ZeroDivisionError("oh"), SystemExit(3), KeyboardInterrupt(), MemoryError()]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("where", ["loss", "data", "before", "cb"])
def test_what_fails_on_one_rank_ends_all_and_names_it(where, error):
    results, _ = on_ranks(3, lambda comm: failing(comm, where, error))

    assert results[1] is error
    for other in results[0], results[2]:
        assert isinstance(other, GroupError) and f"rank 1: {type(error).__name__}" in str(other)


def test_a_loss_that_is_not_finite_on_one_rank_names_rank_step_and_operation():
    def program(comm):
        group, w = distributed.group(comm=comm), Tensor([1.0])
        loader = DataLoader(np.array([[1.0], [1.0], [1.0], [0.0]]), 2, shard=group)
        with np.errstate(all="ignore"):
            train_(lambda x: np.mean(np.log(x * w)), params(w), loader, Descent(), group=group, **SILENT)

    results, _ = on_ranks(2, program)

    assert isinstance(results[1], NonFiniteError) and "np.log" in str(results[1])
    assert isinstance(results[0], GroupError) and "rank 1: NonFiniteError: train_: the loss is" in str(results[0])


def test_data_that_end_early_on_one_rank_end_all_with_its_name():
    def program(comm):
        group, w = distributed.group(comm=comm), Tensor(1.0)
        data = [np.ones(2)] * (2 if comm.rank == 2 else 5)
        train_(lambda x: w * np.sum(x), params(w), data, Descent(), group=group, **SILENT)

    messages = raised_by(on_ranks(3, program)[0], GroupError)

    assert set(messages) == {"rank 2: Ended: its data have ended, and those of others go on"}


def test_a_failure_is_everybodys_also_where_another_rank_stops():
    def program(comm):
        group, w = distributed.group(comm=comm), Tensor(1.0)

        def loss(x):
            if comm.rank == 1:
                raise ValueError("oh")
            stop()

        train_(loss, params(w), [np.ones(2)], Descent(), group=group, **SILENT)

    results, _ = on_ranks(2, program)

    assert isinstance(results[0], GroupError) and str(results[0]) == "rank 1: ValueError: oh"
    assert isinstance(results[1], ValueError)


def test_where_the_data_of_one_rank_end_and_another_stops_all_stop():
    def program(comm):
        group, w = distributed.group(comm=comm), Tensor(1.0)
        ends = lambda context: comm.rank == 2 and context.step == 2 and stop()  # noqa: E731
        data = [np.ones(2)] * (2 if comm.rank == 1 else 5)
        return train_(lambda x: w * np.sum(x), params(w), data, Descent(0.5), cb=ends, group=group, **SILENT)

    assert on_ranks(3, program)[0] == [[2.0, 0.0]] * 3


def test_after_a_failure_the_ranks_can_go_on_together():
    def program(comm):
        group, w = distributed.group(comm=comm), Tensor(1.0)

        def loss(x):
            if comm.rank == 1:
                raise ValueError("once")
            return w * np.sum(x)

        with pytest.raises((ValueError, GroupError)):
            train_(loss, params(w), [np.ones(2)], Descent(), group=group, **SILENT)
        return train_(lambda x: w * np.sum(x), params(w), [np.ones(2)], Descent(0.5), group=group, **SILENT)

    assert on_ranks(2, program)[0] == [[2.0], [2.0]]


def test_a_rank_that_never_comes_is_named_and_all_are_ended(capfd):
    def program(comm):
        if comm.rank != 2:
            Line(comm, 0.3).sum(np.ones(2))
        else:
            Line(comm, 0.3)

    results, _ = on_ranks(3, program)

    assert any(isinstance(r, Aborted) for r in results)
    assert "s for rank 2. All ranks are ended" in capfd.readouterr().err


def test_a_rank_that_has_left_is_named(capfd):
    def program(comm):
        line = Line(comm, 20)
        return line.leave() if comm.rank == 1 else line.sum(np.ones(2))

    results, _ = on_ranks(2, lambda comm: program(comm) if comm.rank == 0 else leave_and_be_ended(comm, program))

    assert isinstance(results[0], GroupError) and "rank 1 left while the others were still at work" in str(results[0])


def leave_and_be_ended(comm, program):
    ended = threading.Timer(1.7, lambda: setattr(comm.world, "aborted", True))
    ended.start()
    program(comm)


def test_different_parameters_are_noticed_and_the_rank_is_named():
    def program(comm):
        group, w = distributed.group(comm=comm), Tensor([1.0, 2.0 + (comm.rank == 1) * 1e-9])
        group.withgradient(lambda: np.sum(w), w, rows=1)

    for message in raised_by(on_ranks(3, program)[0], GroupError):
        assert "the parameters differ on rank 1" in message and "broadcast_" in message


def test_models_of_different_shapes_cannot_be_broadcast():
    def program(comm):
        distributed.group(comm=comm).broadcast_(nn.Dense(2, 3 + (comm.rank == 0)))

    for message in raised_by(on_ranks(3, program)[0], GroupError):
        assert "the models differ on rank 0" in message


def test_data_of_different_lengths_are_noticed_when_the_loader_is_made():
    def program(comm):
        DataLoader(np.ones(5 + comm.rank // 2), shard=distributed.group(comm=comm))

    for message in raised_by(on_ranks(3, program)[0], GroupError):
        assert "the data of the loaders differ on rank 2" in message


# ------------------------------------------------------------------------------------------------ bad input
def test_a_gradient_needs_rows_or_data_and_exact_parts():
    w = Tensor(1.0)
    with pytest.raises(ValueError, match="rows="):
        distributed.group().withgradient(lambda: w, w)
    with pytest.raises(ValueError, match="with exact=True needs parts"):
        distributed.group(exact=True).withgradient(lambda: w, w, rows=2)
    with pytest.raises(ValueError, match="shard=group"):
        train_(lambda x: w, params(w), [1.0], Descent(), group=distributed.group(exact=True), **SILENT)


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_is_positive(timeout):
    with pytest.raises(ValueError, match="above 0"):
        distributed.group(timeout)


def test_several_processes_without_mpi4py_do_not_train_each_alone(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    assert distributed.group().size == 1

    monkeypatch.setenv("PMI_SIZE", "2")
    with pytest.raises(ImportError, match="pip install mpi4py mpich"):
        distributed.group()


def test_nor_do_they_where_mpi4py_belongs_to_another_mpi_than_mpiexec(monkeypatch):
    other = types.ModuleType("mpi4py")
    other.MPI = types.SimpleNamespace(COMM_WORLD=types.SimpleNamespace(Get_size=lambda: 1))
    monkeypatch.setitem(sys.modules, "mpi4py", other)
    assert distributed.group().size == 1

    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "4")
    with pytest.raises(ImportError, match="one of 4 processes, and mpi4py.*another MPI"):
        distributed.group()


# -------------------------------------------------------------------------------------------- sharded state
def test_each_rank_keeps_the_state_of_its_part():
    def program(comm):
        group, w = distributed.group(comm=comm), Tensor(np.ones(1000))
        opt = group.sharded(ADAM())
        train_(lambda x: np.sum(w**2) * np.mean(x), params(w), [np.ones(2)], opt, group=group, **SILENT)
        return sum(a.nbytes for state in opt.opt.state.values() for a in state)

    whole = on_ranks(1, program)[0][0]

    assert sum(on_ranks(4, program)[0]) <= 1.01 * whole
    assert max(on_ranks(4, program)[0]) <= 0.26 * whole


@pytest.mark.parametrize("opt", [lambda: Optimiser(ClipGlobalNorm(1.0), ADAM()), lambda: Whole()], ids=["norm", "own"])
def test_rules_that_look_at_other_numbers_are_refused(opt):
    with pytest.raises(ValueError, match="depends on others"):
        distributed.group().sharded(opt())


def test_what_tells_parameters_apart_is_refused():
    w, some_frozen = Tensor([1.0]), Optimiser(ADAM())
    some_frozen[0].freeze_(w)

    for opt in some_frozen, Optimiser(Groups((w, ADAM()), otherwise=Descent())):
        with pytest.raises(ValueError, match="tells parameters apart"):
            distributed.group().sharded(opt)


class Whole:
    pass


@apply_.register
def apply_whole(opt: Whole, x, dx):
    return dx - np.mean(dx)


def test_a_sharded_optimiser_outside_of_a_group_says_what_to_write():
    w = Tensor([1.0])
    with pytest.raises(TypeError, match="group.update_"):
        update_(distributed.group().sharded(ADAM()), w, np.ones(1))


def test_a_loop_of_ones_own_with_sharded_state():
    expected = alone(lambda: ADAM(0.01), epochs=1)[1]

    def program(comm):
        group, m = distributed.group(comm=comm), model()
        opt, ps = group.sharded(ADAM(0.01)), params(m)
        for batch in DataLoader((X, Y), 32, shuffle=True, rng=0, shard=group):
            _, part = group.withgradient(lambda x, y: losses.mse(m(x), y), ps, batch, opt=opt)
            group.update_(opt, ps, part)
        return numbers(ps)

    for found in on_ranks(3, program)[0]:
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_sharded_step_that_fails_on_one_rank_is_made_on_none(capfd):
    left = [None, None]

    def program(comm):
        group, w = distributed.group(comm=comm, timeout=0.5), Tensor(np.ones(10))
        opt = group.sharded(Failing())
        opt.opt.fails = comm.rank == 1
        left[comm.rank] = w
        train_(lambda x: np.sum(w) * np.mean(x), params(w), [np.ones(2)], opt, group=group, **SILENT)

    results, _ = on_ranks(2, program)

    assert isinstance(results[0], Aborted) and isinstance(results[1], ZeroDivisionError)
    assert "for rank 1" in capfd.readouterr().err
    assert all(np.array_equal(w.data, np.ones(10)) for w in left)


class Failing:
    fails = False


@apply_.register
def apply_failing(opt: Failing, x, dx):
    if opt.fails:
        raise ZeroDivisionError
    return dx


def test_averages_of_sharded_parameters_are_those_of_one_process():
    def program(comm):
        group, m = distributed.group(comm=comm), model()
        opt = group.sharded(Optimiser(ADAM(0.01), EMA(0.9)))
        loader = DataLoader((X, Y), 32, shard=group)
        loss = lambda x, y: losses.mse(m(x), y)  # noqa: E731
        made = train_(loss, params(m), loader, opt, group=group, validation=(loss, [(X, Y)]), **SILENT)
        return made.epochs[0].validation, made.epochs[0].rate

    m, opt = model(), Optimiser(ADAM(0.01), EMA(0.9))
    loss = lambda x, y: losses.mse(m(x), y)  # noqa: E731
    expected = train_(loss, params(m), DataLoader((X, Y), 32), opt, validation=(loss, [(X, Y)]), **SILENT).epochs[0]

    for size in (1, 3):
        for validation, rate in on_ranks(size, program)[0]:
            assert validation == pytest.approx(expected.validation, rel=1e-12) and rate == 0.01


OPTIMISERS = {
    "ADAM": lambda: ADAM(0.01),
    "Momentum, decay": lambda: Optimiser(Momentum(0.01), WeightDecay(0.1)),
    "gathered, averaged": lambda: Optimiser(AccumGrad(3), ADAM(0.01), EMA(0.9)),
    "scheduled": lambda: Scheduler(ADAM(0.01), eta=lambda t: 0.01 / t),
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_checkpoint_of_sharded_state_resumes_on_any_number_of_ranks(tmp_path, name):
    path = tmp_path / "run.npz"

    def part(comm, epochs, resume=False, sharded=True):
        group = distributed.group(comm=comm)
        m, opt = model(), OPTIMISERS[name]()
        opt = group.sharded(opt) if sharded else opt
        loader = DataLoader((X, Y), 32, shuffle=True, rng=0, shard=group)
        if resume:
            load_(path, model=m, opt=opt, loader=loader)
        train_(
            lambda x, y: losses.mse(m(x), y), params(m), loader, opt, epochs=epochs, group=group, **SILENT
        )
        if not resume:
            save(path, model=m, opt=opt, loader=loader, group=group)
        return numbers(params(m))

    whole = on_ranks(2, lambda comm: part(comm, 4))[0]
    on_ranks(2, lambda comm: part(comm, 2))
    again = on_ranks(2, lambda comm: part(comm, 2, resume=True))[0]

    assert all(np.array_equal(a, whole[0]) for a in again)
    for size in (1, 4):
        for found in on_ranks(size, lambda comm: part(comm, 2, resume=True))[0]:
            np.testing.assert_allclose(found, whole[0], rtol=1e-12)
    np.testing.assert_allclose(part(None, 2, resume=True, sharded=False), whole[0], rtol=1e-12)


def test_sharded_optimisers_in_a_list_are_saved_each_with_its_own_parameters(tmp_path):
    first, second = nn.Dense(5, 3, np.tanh), nn.Dense(3, 1)

    def part(comm, epochs, resume=False, save_=False):
        group = distributed.group(comm=comm)
        m = copy.deepcopy([first, second])
        opts = [group.sharded(ADAM(0.01)), group.sharded(Momentum(0.01))]
        loader = DataLoader((X, Y), 32, shard=group)
        if resume:
            load_(tmp_path / "a.npz", model=m, opt=opts)
        for _ in range(epochs):
            for opt, layer in zip(opts, m):
                ps = params(layer.b, layer.W)  # in another order than in the model
                train_(lambda x, y: losses.mse(m[1](m[0](x)), y), ps, loader, opt, group=group, **SILENT)
        if save_:
            save(tmp_path / "a.npz", model=m, opt=opts, group=group)
        return numbers(params(m))

    whole = on_ranks(2, lambda comm: part(comm, 4))[0]
    on_ranks(2, lambda comm: part(comm, 2, save_=True))

    assert all(np.array_equal(found, whole[0]) for found in on_ranks(2, lambda comm: part(comm, 2, resume=True))[0])
    for found in on_ranks(3, lambda comm: part(comm, 2, resume=True))[0]:
        np.testing.assert_allclose(found, whole[0], rtol=1e-12)


def test_state_as_large_as_a_parameter_by_chance_is_told_from_that_of_its_numbers(tmp_path):
    def part(comm, steps, resume=False):
        group, w = distributed.group(comm=comm), Tensor([1.0, 2.0])  # ADAM keeps two numbers for all
        opt = group.sharded(ADAM(0.1))
        if resume:
            load_(tmp_path / "a.npz", model=w, opt=opt)
        train_(lambda x: np.sum(w**2) * np.mean(x), params(w), [np.ones(2)] * steps, opt, group=group, **SILENT)
        save(tmp_path / "a.npz", model=w, opt=opt, group=group)
        return w.data.tolist()

    whole = on_ranks(2, lambda comm: part(comm, 4))[0]
    on_ranks(2, lambda comm: part(comm, 2))

    assert on_ranks(3, lambda comm: part(comm, 2, resume=True))[0] == [whole[0]] * 3


def test_only_the_first_rank_writes_and_its_error_is_everybodys(tmp_path):
    def program(comm, path):
        save(path, model=model(comm.rank), group=distributed.group(comm=comm))

    on_ranks(3, lambda comm: program(comm, tmp_path / "a.npz"))
    m = model(7)
    load_(tmp_path / "a.npz", model=m)
    assert np.array_equal(numbers(params(m)), numbers(params(model(0))))

    results, _ = on_ranks(2, lambda comm: program(comm, tmp_path / "no folder" / "a.npz"))
    assert isinstance(results[0], OSError)
    assert isinstance(results[1], GroupError) and "rank 0: FileNotFoundError" in str(results[1])


# ----------------------------------------------------------------------------------------------- the plan
def test_the_plan_gives_the_figures_of_the_formula():
    # by hand, 7.45 MB on 4,096 ranks: 24 messages of 2 us; each byte goes out and comes in, and is added once
    assert time_of_sum(7.45e6, 4096, 2e-6, 12.5e9) == pytest.approx(48e-6 + 4095 / 4096 * 7.45e6 * (0.16e-9 + 0.1e-9))
    assert time_of_sum(8e6, 1, 1.0, 1.0) == 0
    one = plan(1e6, 10, 1, 1e-6, 1e9, 1e10, 4)
    assert one["efficiency"] == 1 and one["memory"] == one["sharded"] == 24e6
    assert plan(1e6, 10, 8, 1e-6, 1e9, 1e10, 4)["sharded"] == 17e6


def test_the_plan_is_printed(capsys):
    main(["plan", "--parameters", "1e8", "--rows", "64", "--ranks", "6"])

    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["ranks", "1", "2", "4", "6"]
    with pytest.raises(SystemExit):
        main(["plan", "--rows", "0"])
    assert "above 0" in capsys.readouterr().err


# ------------------------------------------------------------------------------------ processes under mpiexec
PROGRAM = """
import os, sys, time
import numpy as np
from minigrad import *
from minigrad import distributed
from minigrad.data import DataLoader

how = sys.argv[1]
group = distributed.group(timeout=1)
w = Tensor(np.full(3, float(group.rank)))
group.broadcast_(w)
loader = DataLoader(np.random.default_rng(0).normal(size=(30, 3)), 10, shuffle=True, rng=0, shard=group)

def act(context):
    if context.step == 2 and group.rank == group.size - 1:
        if how == "raise": raise ZeroDivisionError("oh")
        if how == "exit": sys.exit(0)
        if how == "sleep": time.sleep(60)
        if how == "kill": os.kill(os.getpid(), 9)

loss = lambda x: np.mean((x @ w - 1) ** 2)
options = {"compiled": how == "compiled", "progress": "silent"}
made = train_(loss, params(w), loader, ADAM(0.1), cb=act, epochs=2, group=group, **options)
if how == "leave" and group.rank == 1: sys.exit(0)
loss, _ = group.withgradient(lambda: np.sum(w), w, rows=1)
group.by_first(lambda: print(len(made), repr(made[-1]), w.data.tolist()))
"""

HAS_MPI = importlib.util.find_spec("mpi4py") and (
    shutil.which("mpiexec") or Path(sys.executable).with_name("mpiexec").exists()
)
needs_mpi = pytest.mark.skipif(not HAS_MPI, reason="not here: python -m pip install mpi4py mpich")


def started(size, arguments, **environment):
    """Run a program on so many processes."""
    beside = Path(sys.executable).with_name("mpiexec")
    return subprocess.run(
        [beside if beside.exists() else "mpiexec", "-n", str(size), sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(arguments[0]).parent,  # some save a file
        env={**os.environ, "PYTHONPATH": str(Path(distributed.__file__).parents[2]), **environment},
    )


def mpiexec(size, how, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    return started(size, [program, how], **({} if how == "compiled" else {"MINIGRAD_NOJIT": "1"}))


def printed(ran):
    """Return (number of steps, the last loss, the parameters) that a program has printed."""
    assert ran.returncode == 0, ran.stderr
    count, *found = ran.stdout.replace(",", "").replace("[", "").replace("]", "").split()
    return int(count), *map(float, found)


@needs_mpi
@pytest.mark.parametrize("size", [2, 3])
def test_processes_compute_what_one_computes(size, tmp_path):
    w, data = Tensor(np.zeros(3)), np.random.default_rng(0).normal(size=(30, 3))
    loader = DataLoader(data, 10, shuffle=True, rng=0)
    made = train_(
        lambda x: np.mean((x @ w - 1) ** 2), params(w), loader, ADAM(0.1), epochs=2, **SILENT
    )

    ran = mpiexec(size, "well", tmp_path)

    count, *found = printed(ran)
    assert count == 6
    np.testing.assert_allclose(found, [made[-1], *w.data], rtol=1e-12)


@needs_mpi
@pytest.mark.slow
def test_compiled_steps_take_part_on_two_processes(tmp_path):
    eager, compiled = (printed(mpiexec(2, how, tmp_path)) for how in ("well", "compiled"))

    np.testing.assert_allclose(compiled, eager, rtol=1e-12)


@needs_mpi
@pytest.mark.parametrize(
    "how, said",
    [
        ("raise", "rank 1: ZeroDivisionError: oh"),
        ("exit", "rank 1: SystemExit: 0"),
        ("sleep", "rank 0 has waited 1 s for rank 1"),
        ("kill", ""),  # the launcher says it in its own words
        ("leave", "rank 1 left while the others were still at work"),
    ],
)
def test_what_happens_to_one_process_ends_all(how, said, tmp_path):
    ran = mpiexec(2, how, tmp_path)

    assert ran.returncode != 0 and said in ran.stderr, ran.stderr


@needs_mpi
@pytest.mark.slow
def test_the_page_runs_on_three_processes(tmp_path):
    page = Path(__file__).parents[1] / "docs" / "distributed.md"
    program = tmp_path / "page.py"
    program.write_text("\n".join(re.findall("^```python\n(.*?)^```", page.read_text(), flags=re.M | re.S)))

    ran = started(3, [program], MINIGRAD_NOJIT="1")

    assert ran.returncode == 0 and ran.stdout.count("efficiency 0.88") == 3, ran.stderr


@needs_mpi
@pytest.mark.slow
def test_the_digits_on_two_processes_have_the_losses_of_one():
    program = Path(__file__).parents[1] / "examples" / "distributed_digits.py"
    last, exact = [], []
    for size in (1, 2):
        for more in ([], ["--exact", "--sharded"]):
            ran = started(size, [program, "--epochs", "22", *more])
            assert ran.returncode == 0 and "506 steps" in ran.stdout, ran.stderr
            exact.append(ran.stdout.split()[-1]) if more else last.append(float(ran.stdout.split("is ")[1].split()[0]))

    assert last[1] == pytest.approx(last[0], rel=1e-13)
    assert exact[0] == exact[1]
