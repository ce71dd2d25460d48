"""BatchNorm: its numbers, when its running statistics move, and where they go with a model."""

import copy
import json
import pickle
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from rank_threads import on_ranks

from minigrad import (
    ADAM, LBFGS, SAM, NonFiniteError, Descent, Sophia, Tensor, checkpointed, compiled, gradcheck, gradient, hvp,
    landscape, lr_find, mse, params, skip, trace, train_, train_step_, update_, withgradient,
)  # fmt: skip
from minigrad.checkpoint import CheckpointError, load_, save
from minigrad.data import DataLoader
from minigrad.distributed import group
from minigrad.moving import Held, settle_
from minigrad.nn import BatchNorm, Chain, Conv, Dense, Dropout, destructure, f32, relu, testmode_, trainmode_

RECORDED = json.loads((Path(__file__).parent / "data" / "batchnorm_peers.json").read_text(encoding="utf-8"))
SHAPES = [(5, 3), (4, 6, 3), (2, 4, 5, 3), (2, 2, 3, 2, 3)]


CAPTURED = np.random.default_rng(9).normal(size=(6, 3))


def data(*shape, seed=0):
    return np.random.default_rng(seed).normal(1.0, 2.0, size=shape)


def moved(layer):
    """Return the running statistics as one list of numbers."""
    return [*layer.running.mean.tolist(), *layer.running.var.tolist()]


def after(batches, momentum=0.1, dtype=float):
    """What the running statistics are after some batches, by hand."""
    mean, var = np.zeros(batches[0].shape[-1], dtype), np.ones(batches[0].shape[-1], dtype)
    for x in batches:
        rows = x.reshape(-1, x.shape[-1])
        mean = (1 - momentum) * mean + momentum * rows.mean(axis=0)
        var = (1 - momentum) * var + momentum * rows.var(axis=0, ddof=1)
    return pytest.approx([*mean, *var], rel=1e-12 if dtype is float else 1e-5)


def network(dtype=float):
    return trainmode_(Chain(Dense(4, 8, bias=False, rng=1, dtype=dtype), BatchNorm(8, relu, dtype=dtype),
                            Dense(8, 2, rng=2, dtype=dtype)))  # fmt: skip


def hidden(W, x):
    return x @ W


# ------------------------------------------------------------------------------------------------ numbers
@pytest.mark.parametrize("kind", RECORDED["layers"])
def test_outputs_gradients_and_running_statistics_are_pytorchs(kind):
    recorded, settings = RECORDED["layers"][kind], RECORDED["settings"]
    layer = BatchNorm(3, epsilon=settings["eps"], momentum=settings["momentum"])
    layer.scale[...], layer.shift[...] = recorded["scale"], recorded["shift"]

    for batch in recorded["batches"]:
        trainmode_(layer, batch["training"])
        x, weights = np.array(batch["x"]), np.array(batch["weights"])
        _, d_x, d_scale, d_shift = gradient_of(layer, x, weights)
        for found, name in ((d_x, "d_x"), (d_scale, "d_scale"), (d_shift, "d_shift")):
            np.testing.assert_allclose(found, batch[name], rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(layer.running.mean, batch["mean"], rtol=1e-12)
        np.testing.assert_allclose(layer.running.var, batch["var"], rtol=1e-12)
        np.testing.assert_allclose(Held().during(layer, x).data, batch["y"], rtol=1e-11, atol=1e-12)


def gradient_of(layer, x, weights):
    x = Tensor(x)
    value, grads = withgradient(lambda: np.sum(layer(x) * weights), params(x, layer))
    return value, *(grads[p].data for p in (x, layer.scale, layer.shift))


def test_fluxs_example_of_images_gets_standard_deviation_one():
    # Flux 0.13, help of BatchNorm: isapprox(std(m(xs)), 1, atol=0.1), and another than that of xs
    xs = np.random.default_rng(0).random((2, 3, 3, 3))
    m = trainmode_(BatchNorm(3))

    assert abs(np.std(m(xs).data) - 1) < 0.1 < abs(np.std(xs) - 1)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_first_and_second_derivatives_are_right_in_both_modes(shape, training):
    layer, x = BatchNorm(3, np.tanh, training=True), data(*shape)
    layer(data(7, 3, seed=1))
    trainmode_(layer, training)
    weights, other = data(*shape, seed=2), data(*shape, seed=3)
    loss = lambda x: np.sum(layer(x) ** 2 * weights)

    assert gradcheck(loss, x) and gradcheck(lambda: loss(x), params(layer))
    assert gradcheck(lambda x: np.sum(gradient(loss, x)[0] * other), x)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_stay(dtype, training):
    layer, x = BatchNorm(3, training=training, dtype=dtype), data(6, 3).astype(dtype)

    grads = gradient(lambda: np.sum(layer(x) ** 2), params(layer))

    assert layer(x).dtype == dtype and {g.dtype for g in grads} == {np.dtype(dtype)}
    assert layer.running.mean.dtype == layer.running.var.dtype == dtype


@pytest.mark.parametrize("shape", SHAPES)
def test_the_running_statistics_are_over_all_axes_but_the_last_and_move_by_momentum(shape):
    layer, batches = BatchNorm(3, momentum=0.3, training=True), [data(*shape, seed=k) for k in range(3)]

    for x in batches:
        layer(x)

    assert moved(layer) == after(batches, 0.3)


def test_in_test_mode_the_running_statistics_are_used_and_stay():
    layer = BatchNorm(2, epsilon=0.0, training=False)
    layer.running.mean[...], layer.running.var[...] = [1.0, 2.0], [4.0, 9.0]

    y = layer(np.array([[3.0, 8.0]]))

    assert y.data.tolist() == [[1.0, 2.0]] and moved(layer) == [1.0, 2.0, 4.0, 9.0]


# -------------------------------------------------------------------------------------------- bad input
def test_a_batch_with_one_number_for_each_feature_is_refused_in_training_alone():
    layer = BatchNorm(3, training=True)

    for shape in [(1, 3), (3,), (1, 1, 3), (0, 3)]:
        with pytest.raises(ValueError, match=r"two numbers or more.*partial=False.*testmode_"):
            layer(np.ones(shape))
    assert moved(layer) == [0, 0, 0, 1, 1, 1]
    assert layer(np.ones((1, 2, 3))).shape == (1, 2, 3) and testmode_(layer)(np.ones((1, 3))).shape == (1, 3)
    assert layer(np.ones((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("make, x, error, text", [
    (lambda: BatchNorm(3), np.ones((2, 3)), ValueError, r"BatchNorm: training or not\? Call trainmode_"),
    (lambda: BatchNorm(3, training=True), np.ones((2, 4)), ValueError, r"takes arrays of shape \(\.\.\., 3\)"),
    (lambda: BatchNorm(3, momentum=1.5), None, ValueError, "momentum is the part of the new batch"),
    (lambda: BatchNorm(3, momentum=None), None, ValueError, "momentum is the part of the new batch"),
    (lambda: BatchNorm(3, training=True), np.ones((2, 3)) * 1j, TypeError, "BatchNorm takes real numbers"),
    (lambda: BatchNorm(3, affine=False), None, TypeError, "leave it out"),
    (lambda: BatchNorm(3, eps=1e-3), None, TypeError, "epsilon"),
])  # fmt: skip
def test_what_is_wrong_is_said(make, x, error, text):
    with pytest.raises(error, match=text):
        make()(x)


def test_numbers_that_are_not_finite_move_nothing():
    layer, x = BatchNorm(2, training=True), data(5, 2)
    layer(x)
    x[2, 1] = np.nan

    y = layer(x)

    assert np.isnan(y.data[:, 1]).all() and moved(layer) == after([data(5, 2)])


def test_the_mode_reaches_layers_in_objects_of_any_class():
    class Model:
        def __init__(self):
            self.first, self.rest = BatchNorm(2), {"drop": [Dropout(0.5)]}

    model = trainmode_(Model())
    assert model.first.training and model.rest["drop"][0].training
    testmode_(model)
    assert model.first.training is model.rest["drop"][0].training is False


# ---------------------------------------------------------------------------------- when statistics move
def test_every_call_in_training_moves_them_once_within_a_gradient_or_not():
    layer, x = BatchNorm(3, training=True), data(6, 3)

    layer(x)
    gradient(lambda: np.sum(layer(x) ** 2), params(layer))
    gradient(lambda z: np.sum(layer(z) ** 2), x)
    gradient(lambda net: np.sum(net(x) ** 2), layer)
    hvp(lambda: np.sum(layer(x) ** 4), params(layer), [np.ones(3), np.ones(3)])

    assert moved(layer) == after([x] * 5)


def test_what_looks_at_a_loss_again_moves_nothing():
    layer, x, W = BatchNorm(3, training=True), data(6, 4), Tensor(data(4, 3, seed=1))
    ps, loss = params(W, layer), lambda: np.sum(layer(x @ W) ** 4)

    gradcheck(loss, ps)
    trace(loss, ps)
    lr_find(lambda: loss(), ps, [()], ADAM(), steps=5)
    landscape(loss, ps, points=3)

    assert moved(layer) == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("opt", [SAM(Descent(0.01)), Sophia(0.001, every=1), LBFGS(5), ADAM()], ids=repr)
def test_a_step_moves_them_once_however_often_it_looks(opt):
    layer, W, batches = BatchNorm(3, training=True), Tensor(data(4, 3)), [data(6, 4, seed=k) for k in range(3)]
    seen = []

    def loss(x):
        seen.append(hidden(W.data.copy(), x))
        return np.sum(layer(x @ W) ** 4)

    firsts = []
    for x in batches:
        seen.clear()
        train_step_(loss, params(W, layer), (x,), opt)
        firsts.append(np.array(seen[0]))

    assert moved(layer) == after(firsts)


def test_checkpointed_moves_them_once():
    layer, x = BatchNorm(3, training=True), data(6, 3)

    gradient(lambda: np.sum(checkpointed(layer, x) ** 2), params(layer))

    assert moved(layer) == after([x])


def test_they_move_with_the_step_and_not_at_all_if_it_is_not_made():
    layer, W, x = BatchNorm(3, training=True), Tensor(data(4, 3)), data(6, 4)
    loss = lambda x, factor: np.sum(layer(x @ W) ** 2) * factor
    ps, start = params(W, layer), W.data.copy()

    for how in ({}, {"compiled": True}):
        with pytest.raises(NonFiniteError), np.errstate(all="ignore"):
            train_(loss, ps, [(x, np.nan)], Descent(0.0), progress="silent", **how)
        train_(loss, ps, [(x, 1.0)], Descent(0.0), before=skip, progress="silent", **how)
    with pytest.raises(NonFiniteError), np.errstate(all="ignore"):
        train_step_(loss, ps, (x, np.inf), Descent(0.0))
    assert moved(layer) == [0, 0, 0, 1, 1, 1]
    train_(loss, ps, [(x, 1.0)], Descent(0.0), progress="silent")
    assert moved(layer) == after([hidden(start, x)])


def test_the_validation_of_a_training_moves_nothing():
    layer, W, x, other = BatchNorm(3, training=True), Tensor(data(4, 3)), data(6, 4), data(6, 4, seed=9)
    loss, start = lambda x: np.sum(layer(x @ W) ** 2), W.data.copy()

    train_(loss, params(W, layer), [(x,)], Descent(0.0), validation=(loss, [(other,)]),
           metrics={"again": loss}, progress="silent")  # fmt: skip

    assert moved(layer) == after([hidden(start, x)])


def test_the_best_parameters_come_with_their_statistics():
    layer, W = BatchNorm(3, training=True), Tensor(data(4, 3))
    batches, judged, kept = [(data(6, 4, seed=k),) for k in range(4)], iter([3.0, 1.0, 2.0, 5.0]), []
    loss = lambda x: np.sum(layer(x @ W) ** 2 + layer.shift)

    def validation(x):
        kept.append((W.data.copy(), moved(layer)))
        return next(judged)

    for how in (False, True):
        kept.clear()
        judged = iter([3.0, 1.0, 2.0, 5.0])
        train_(loss, params(W, layer), batches, ADAM(), epochs=4, validation=(validation, [(1.0,)]), best=True,
               compiled=how, progress="silent")  # fmt: skip
        assert W.data.tolist() == kept[1][0].tolist() and moved(layer) == kept[1][1] != kept[3][1]


# ------------------------------------------------------------------------------------- the compiled step
def steps_of(how, dtype, n=20):
    """Return losses, and the network after n steps made in one of several ways."""
    model, opt = network(dtype), ADAM(0.01)
    X, Y = data(n, 6, 4).astype(dtype), data(n, 6, 2, seed=1).astype(dtype)
    loss, ps = lambda x, y: mse(model(x), y), params(model)
    if how == "eager":
        losses = []
        for x, y in zip(X, Y):
            value, grads = withgradient(lambda x=x, y=y: loss(x, y), ps)
            update_(opt, ps, grads)
            losses.append(value)
    elif how == "train":
        losses = train_(loss, ps, list(zip(X, Y)), opt, compiled=True, progress="silent")
    elif how == "callback":
        losses = train_(loss, ps, list(zip(X, Y)), opt, lambda context: None, compiled=True, progress="silent")
    else:
        step = compiled(loss, ps, opt, check=how == "check")
        losses = step.loop(n, X, Y) if how == "loop" else [step(x, y) for x, y in zip(X, Y)]
        assert "by its program" in step.why
    return losses, model


@pytest.mark.parametrize("dtype", [np.float64, pytest.param(np.float32, marks=pytest.mark.slow)])
@pytest.mark.parametrize("how", ["step", "check", "loop", "train", "callback"])
def test_compiled_steps_move_them_as_the_eager_ones_do(how, dtype):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses, model = steps_of(how, dtype)
        expected, other = steps_of("eager", dtype)

    rtol = 1e-9 if dtype is np.float64 else 1e-3
    np.testing.assert_allclose(losses, expected, rtol=rtol)
    np.testing.assert_allclose(moved(model[1]), moved(other[1]), rtol=rtol, atol=rtol)


def test_without_numba_too(interpreted):
    losses, model = steps_of("step", float)
    expected, other = steps_of("eager", float)

    np.testing.assert_allclose(losses, expected, rtol=1e-9)
    np.testing.assert_allclose(moved(model[1]), moved(other[1]), rtol=1e-9)


def test_a_compiled_step_follows_the_mode_the_momentum_and_statistics_that_are_overwritten():
    layers = [BatchNorm(3, training=True) for _ in range(2)]
    x = [data(6, 3, seed=k) for k in range(30)]
    step = compiled(lambda x: np.sum(np.sin(layers[0](x))), params(layers[0]), Descent(0.01))
    eager = lambda x: train_step_(lambda x: np.sum(np.sin(layers[1](x))), params(layers[1]), (x,), Descent(0.01))

    for k in range(30):
        for layer in layers:
            trainmode_(layer, not 8 <= k < 16)
            layer.momentum = 0.1 if k < 22 else 0.5
            if k == 12:
                layer.running.mean[...] = 5.0
            if k == 14:
                layer.running.var = np.full(3, 2.0)
        assert step(x[k]) == pytest.approx(eager(x[k]), rel=1e-9)
        assert moved(layers[0]) == pytest.approx(moved(layers[1]), rel=1e-9)


def test_a_compiled_step_whose_loss_is_not_finite_moves_them_as_often_as_the_eager_one():
    layers = [BatchNorm(3, training=True) for _ in range(2)]
    loss = lambda layer: lambda x, factor: np.sum(layer(x) ** 3) * factor
    step = compiled(loss(layers[0]), params(layers[0]), Descent(0.0))

    for k in range(9):
        x, factor = data(6, 3, seed=k), np.array(np.inf if k in (3, 6) else 1.0)
        with np.errstate(all="ignore"):
            step(x, factor)
            withgradient(lambda x=x, factor=factor: loss(layers[1])(x, factor), params(layers[1]))

    assert moved(layers[0]) == pytest.approx(moved(layers[1]), rel=1e-12)


def twice(layers, x):
    return layers[0](np.tanh(layers[0](x)))


@pytest.mark.parametrize("f", [
    twice,
    lambda layers, x: layers[0](x) * layers[1](x + 1.0),
    lambda layers, x: layers[0](CAPTURED) * x,
    lambda layers, x: gradient(lambda z: np.sum(np.sin(layers[0](z))), x)[0] ** 2,
    lambda layers, x: checkpointed(layers[0], x),
], ids=["one layer twice", "two layers", "a captured batch", "within a gradient", "checkpointed"])  # fmt: skip
def test_compiled_steps_follow_them_wherever_they_are(f, interpreted):
    found = []
    for how in (lambda loss, ps: lambda x: withgradient(lambda: loss(x), ps)[0], lambda loss, ps: compiled(loss, ps)):
        layers = [BatchNorm(3, training=True), BatchNorm(3, momentum=0.5, training=True)]
        step = how(lambda x, layers=layers: np.sum(np.sin(f(layers, x))), params(layers))
        for k in range(10):
            step(data(6, 3, seed=k))
        found.append([*moved(layers[0]), *moved(layers[1])])
    assert "by its program" in step.why

    assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_a_compiled_gradient_moves_them_once_a_call():
    layer, batches = BatchNorm(3, training=True), [data(6, 3, seed=k) for k in range(10)]
    f = compiled(lambda x: np.sum(layer(x) ** 3))

    for x in batches:
        gradient(f, x)

    assert moved(layer) == after(batches)


@pytest.mark.parametrize("many", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_a_bias_before_it_whose_gradient_is_all_rounding_is_no_disagreement(many):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for k in range(many):
            rng, n = np.random.default_rng(k), 1 + k % 3
            model = trainmode_(Chain(Dense(3, n, rng=k), BatchNorm(n, relu), Dense(n, 1, rng=k)))
            step = compiled(lambda x, model=model: np.sum(model(x) ** 2), params(model), ADAM())
            for _ in range(5):
                step(rng.normal(size=(2 + k, 3)))
            assert "by its program" in step.why


def test_a_loop_of_steps_that_look_again_is_made_step_by_step():
    found = []
    for loop in (False, True):
        W, X = Tensor([1.0, 2.0]), data(12, 2)
        step = compiled(lambda x, W=W: np.sum(np.sin(W * x) ** 2), params(W), SAM(Descent(0.1)))
        found.append([*(step.loop(12, X) if loop else map(step, X)), *W.data])

    assert found[0] == pytest.approx(found[1], rel=1e-12)


# -------------------------------------------------------------------------------- where they go with a model
def trained(model):
    model(data(9, 4))
    return model


def test_they_are_no_parameters_and_a_chain_shows_none_of_them():
    model = Chain(Dense(4, 8), BatchNorm(8, relu))

    assert [p.shape for p in params(model)] == [(4, 8), (8,), (8,), (8,)]
    assert "    BatchNorm(8, relu),  # 16 parameters\n" in repr(model)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_checkpoints_have_them(tmp_path, suffix):
    if suffix == ".safetensors":
        pytest.importorskip("safetensors")
    model, other = trained(network()), network()
    layer, array = other[1], other[1].running.mean
    save(tmp_path / f"run{suffix}", model=model)

    load_(tmp_path / f"run{suffix}", model=other)

    assert moved(layer) == moved(model[1]) and layer.running.mean is array
    assert testmode_(other)(data(3, 4)).data.tolist() == testmode_(model)(data(3, 4)).data.tolist()


def test_a_checkpoint_of_other_statistics_is_refused_and_nothing_is_overwritten(tmp_path):
    model = network()
    save(tmp_path / "run.npz", model=trained(model))
    save(tmp_path / "none.npz", model=Chain(Dense(4, 8, bias=False), Dense(8, 2)))

    for name, other, text in [
        ("run.npz", network(np.float32), "dtype float64 in the file and float32 here"),
        ("none.npz", network(), r"only here there is layers\[1\]\.scale"),
    ]:
        before = moved(other[1])
        with pytest.raises(CheckpointError, match=text):
            load_(tmp_path / name, model=other)
        assert moved(other[1]) == before


def test_copies_and_pickles_have_their_own():
    model = trained(network())

    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), f32(model)):
        before = moved(model[1])
        assert moved(twin[1]) == pytest.approx(before, rel=1e-6)
        twin(data(9, 4, seed=5).astype(twin[0].W.dtype))
        assert moved(twin[1]) != pytest.approx(before, rel=1e-6) and moved(model[1]) == before
    assert twin[1].running.mean.dtype == np.float32


def test_what_is_made_of_a_model_inside_of_a_gradient_moves_the_models_own():
    x, model = data(9, 4), network()
    flat, restructure = destructure(model)
    xs = [hidden(model[0].W.data, x)] * 3

    gradient(lambda v: np.sum(restructure(v)(x) ** 2), flat)
    gradient(lambda m: np.sum(m(x) ** 2), model)
    assert moved(model[1]) == after(xs[:2])
    narrow = x.astype(np.float32)
    value, grads = withgradient(lambda: np.sum(f32(model)(narrow) ** 2), params(model))

    assert moved(model[1]) == after(xs, dtype=np.float32) and model[1].running.mean.dtype == float
    assert {g.dtype for g in grads} == {np.dtype(float)}
    testmode_(model)
    assert f32(model)(narrow).dtype == np.float32


def test_broadcast_gives_every_process_those_of_the_first():
    def work(comm):
        model = network()
        model(data(9, 4, seed=comm.Get_rank()))
        group(comm=comm).broadcast_(model)
        return moved(model[1])

    (first, second), _ = on_ranks(2, work)

    assert first == second == after([hidden(network()[0].W.data, data(9, 4))])


def test_processes_keep_the_same_best_epoch_and_its_statistics():
    judged = [[3.0, 1.0, 2.0], [1.0, 2.0, 3.0]]

    def work(comm):
        together, values = group(comm=comm), iter(judged[comm.Get_rank()])
        model = network()
        together.broadcast_(model)
        train_(lambda x: np.mean(model(x) ** 2), params(model), DataLoader(data(12, 4), batchsize=12, shard=together),
               ADAM(0.1), epochs=3, validation=(lambda x: next(values), [1.0]), best=True, group=together,
               progress="silent")  # fmt: skip
        return [p.data.tolist() for p in params(model)], moved(model[1])

    (first, second), _ = on_ranks(2, work)

    assert first == second


def test_threads_lose_no_move():
    layer, x, n = BatchNorm(3, momentum=0.01, training=True), np.ones((4, 3)) * [[1.0], [1.0], [1.0], [1.0]], 200
    layer.running.var[...] = 0.0
    threads = [threading.Thread(target=lambda: [layer(x) for _ in range(n)]) for _ in range(4)]

    for t in threads:
        t.start()
    for t in threads:
        t.join()

    assert layer.running.mean[0] == pytest.approx(1 - 0.99 ** (4 * n), rel=1e-9)


def test_what_is_held_ends_with_an_error_and_nests():
    layer, x = BatchNorm(3, training=True), data(6, 3)

    def fails():
        layer(x), 1 / 0

    def nested():
        inner = Held()
        inner.during(layer, x)
        settle_(inner)

    with pytest.raises(ZeroDivisionError):
        Held().during(fails)
    outer = Held()
    outer.during(nested)
    assert moved(layer) == [0, 0, 0, 1, 1, 1]
    settle_(outer)

    assert moved(layer) == after([x])


def test_images_are_learnt_with_it():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 64)
    X = rng.normal(size=(64, 6, 6, 1)) + 3 * labels[:, None, None, None]
    model = trainmode_(Chain(Conv((3, 3), 1, 4, bias=False, rng=0), BatchNorm(4, relu), lambda x: x.mean(axis=(1, 2)),
                             Dense(4, 1, rng=0)))  # fmt: skip
    loss = lambda x, y: mse(model(x)[:, 0], y)

    train_(loss, params(model), DataLoader((X, labels * 1.0), batchsize=16, shuffle=True, rng=0), ADAM(0.05),
           epochs=12, progress="silent")  # fmt: skip

    right = (testmode_(model)(X).data[:, 0] > 0.5) == labels
    assert right.mean() > 0.9
