"""What a training returns and is judged by: history, validation, metrics, best parameters, logs, a first rate."""

import csv
import json
import math
import sys

import numpy as np
import pytest

from minigrad import (
    ADAM,
    EMA,
    Descent,
    Optimiser,
    Tensor,
    WeightDecay,
    distributed,
    log_to,
    lr_find,
    metrics,
    params,
    skip,
    stop,
    train_,
)
from minigrad.data import DataLoader
from minigrad.training.history import History
from minigrad.metrics import accuracy, confusion, r2, topk

SILENT = {"progress": "silent"}


def loss_of(W):
    return lambda x: np.mean((W - x) ** 2)


# ------------------------------------------------------------------------------------------------ the history
def test_the_history_is_the_list_of_losses_and_knows_every_epoch():
    W = Tensor(0.0)

    history = train_(loss_of(W), params(W), [1.0, 1.0], Descent(0.25), epochs=2, **SILENT)

    assert history == [1.0, 0.25, 0.0625, 0.015625] and isinstance(history, list)
    first, second = history.epochs
    assert (first.epoch, first.steps, first.loss, first.rate) == (1, 2, 0.625, 0.25)
    assert (second.epoch, second.loss, second.validation, second.metrics) == (2, 0.0390625, None, {})
    assert 0 <= first.seconds < 10


def test_validation_is_the_mean_over_rows_after_every_epoch():
    W = Tensor(0.0)
    data = [np.array([1.0, 2.0, 3.0]), np.array([5.0])]  # batches of different sizes

    history = train_(loss_of(W), params(W), [1.0], Descent(0.5), epochs=2, validation=(loss_of(W), data), **SILENT)

    # after the only step of the first epoch W is 1, and stays there
    assert [e.validation for e in history.epochs] == [(0 + 1 + 4 + 16) / 4] * 2


def test_metrics_take_a_datum_or_nothing():
    W = Tensor(0.0)

    history = train_(
        loss_of(W),
        params(W),
        [1.0],
        Descent(0.5),
        validation=(loss_of(W), DataLoader(np.arange(4.0), 3)),
        metrics={"mean": lambda x: np.mean(x), "W": lambda: W, "twice": lambda: 2 * W.data},
        **SILENT,
    )

    assert history.epochs[0].metrics == {"mean": 1.5, "W": 1.0, "twice": 2.0}


@pytest.mark.parametrize(
    "metric, said",
    [
        (lambda x: 1 / 0, "ZeroDivisionError"),
        (lambda x: np.ones(2), r"array of shape \(2,\)"),
        (lambda x, y: 0, "argument"),
    ],
)
def test_a_metric_that_fails_is_nan_with_a_warning_and_the_training_goes_on(metric, said):
    W = Tensor(0.0)

    with pytest.warns(RuntimeWarning, match=rf"metrics\['bad'\] failed.*{said}"):
        judged = {"validation": (loss_of(W), [2.0]), "metrics": {"bad": metric}}
        history = train_(loss_of(W), params(W), [1.0] * 3, Descent(0.5), **judged, **SILENT)

    assert len(history) == 3 and math.isnan(history.epochs[0].metrics["bad"]) and history.epochs[0].validation == 1.0


def test_a_metric_without_data_says_so():
    W = Tensor(0.0)
    with pytest.warns(RuntimeWarning, match=r"no validation=\(loss, data\)"):
        train_(loss_of(W), params(W), [1.0], Descent(), metrics={"m": lambda x: 1.0}, **SILENT)


def test_the_best_parameters_are_kept_on_request():
    def run(best):
        W = Tensor(0.0)
        steps = [1.0, 1.0, 8.0]  # the third epoch leads away
        data = iter(steps)

        class Data:
            def __iter__(self):
                return iter([next(data)])

        judged = {"validation": (loss_of(W), [1.25]), "best": best}
        train_(loss_of(W), params(W), Data(), Descent(0.5), epochs=3, **judged, **SILENT)
        return float(W)

    assert run(best=True) == 1.0 and run(best=False) == 8.0


def test_an_optimiser_that_averages_lends_its_averages_for_the_validation():
    W = Tensor(0.0)
    opt = Optimiser(Descent(0.5), EMA(0.5))

    history = train_(loss_of(W), params(W), [1.0, 4.0], opt, validation=(lambda x: W * x, [1.0]), **SILENT)

    with opt.averaged(params(W)):
        average = float(W)
    assert history.epochs[0].validation == average != float(W) == 4.0


def test_an_epoch_of_skipped_steps_and_one_that_is_stopped():
    W = Tensor(0.0)

    def loss(x):
        if x > 5:
            stop()
        if x > 2:
            skip()
        return (W - x) ** 2

    history = train_(loss, params(W), [3.0, 4.0], Descent(), epochs=2, **SILENT)
    assert [(e.steps, math.isnan(e.loss)) for e in history.epochs] == [(0, True), (0, True)]

    history = train_(loss, params(W), [1.0, 6.0], Descent(), epochs=2, **SILENT)
    assert len(history) == 1 and history.epochs == []


def test_a_group_of_one_and_a_compiled_training_have_the_same_history():
    def run(**options):
        W = Tensor(np.zeros(3))
        data = list(np.random.default_rng(0).normal(size=(6, 3)))
        made = train_(lambda x: np.sum((W - x) ** 2), params(W), data, ADAM(0.1), epochs=3, **options, **SILENT)
        return [(e.epoch, e.steps, round(e.loss, 10), e.rate) for e in made.epochs]

    assert run() == run(group=distributed.group()) == run(compiled=True)


def test_the_rate_of_a_composition_is_that_of_the_member_that_has_one():
    W = Tensor(0.0)
    history = train_(loss_of(W), params(W), [1.0], Optimiser(WeightDecay(0.1), Descent(0.3)), **SILENT)

    assert history.epochs[0].rate == 0.3


def test_a_history_is_written_and_drawn(tmp_path):
    from matplotlib.figure import Figure

    W = Tensor(0.0)
    history = train_(
        loss_of(W),
        params(W),
        [1.0, 3.0],
        Descent(0.1),
        epochs=3,
        validation=(loss_of(W), [2.0]),
        metrics={"W": lambda: W},
        **SILENT,
    )
    history.to_csv(tmp_path / "epochs.csv")

    with open(tmp_path / "epochs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert [float(row["W"]) for row in rows] == [e.metrics["W"] for e in history.epochs]
    assert [float(row["validation"]) for row in rows] == [e.validation for e in history.epochs]
    lines = history.plot(Figure().subplots()).lines
    assert lines[0].get_ydata().tolist() == history and lines[1].get_xdata().tolist() == [2, 4, 6]


def test_a_history_without_steps_cannot_be_drawn():
    with pytest.raises(ValueError, match="nothing to draw"):
        train_(lambda x: stop(), params(Tensor(0.0)), [1.0], Descent(), **SILENT).plot()


@pytest.mark.parametrize(
    "given, error, said",
    [
        ({"validation": (abs, [])}, ValueError, "empty"),
        ({"validation": (abs, iter([1.0]))}, ValueError, "used up"),
        ({"validation": (abs, None)}, TypeError, "something to loop over; got a NoneType"),
        ({"validation": [1.0]}, TypeError, "a tuple of a loss and the data"),
        ({"validation": (3.0, [1.0])}, TypeError, "a tuple of a loss and the data"),
        ({"metrics": {"a": 0.5}}, TypeError, "names to functions"),
        ({"metrics": [abs]}, TypeError, "names to functions"),
        ({"metrics": {"loss": abs}}, ValueError, "another name than 'loss'"),
        ({"best": True}, ValueError, "best=True needs validation"),
    ],
)
def test_bad_validations_are_refused_before_the_first_step(given, error, said):
    W = Tensor(0.0)
    with pytest.raises(error, match=said):
        train_(loss_of(W), params(W), [1.0], Descent(), **given, **SILENT)
    assert float(W) == 0.0


class Nothing:
    def __iter__(self):
        return iter(())


@pytest.mark.parametrize("data", [Nothing(), [np.zeros((0, 2))]], ids=["no datum", "no row"])
def test_validation_data_that_turn_out_to_be_empty_are_nan_and_said_to_be_so(data):
    W = Tensor(0.0)

    with pytest.warns(RuntimeWarning, match="validation failed.*the validation's data are empty") as said:
        history = train_(loss_of(W), W, [1.0], Descent(0.5), validation=(lambda x: 1.0, data), best=True, **SILENT)

    assert math.isnan(history.epochs[0].validation) and float(W) == 1.0 and said[0].filename == __file__


def test_a_metric_may_end_the_training():
    W = Tensor(0.0)

    history = train_(loss_of(W), W, [1.0], Descent(0.25), epochs=9, metrics={"enough": lambda: stop()}, **SILENT)

    assert len(history) == 1 and float(W) == 0.5


# --------------------------------------------------------------------------------------------------- the logs
def test_a_log_that_cannot_be_written_is_known_before_the_training(tmp_path):
    for path, error in ((tmp_path / "none" / "log.csv", FileNotFoundError), (tmp_path, IsADirectoryError)):
        with pytest.raises(error):
            log_to(path)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_log_has_a_line_for_every_step(tmp_path, suffix):
    path, W = tmp_path / f"log.{suffix}", Tensor(0.0)
    path.write_text("what was there before\n")

    log = log_to(path, every=2, W=lambda context: W)
    history = train_(loss_of(W), params(W), [1.0] * 5, Descent(0.25), cb=log, **SILENT)

    if suffix == "csv":
        rows = list(csv.DictReader(path.read_text().splitlines()))
    else:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [int(row["step"]) for row in rows] == [1, 3, 5]
    assert [float(row["loss"]) for row in rows] == history[::2]
    assert [float(row["W"]) for row in rows] == [0.5, 0.875, 0.96875]
    with pytest.raises(ValueError, match="every must be"):
        log_to(path, every=0)


# -------------------------------------------------------------------------------------------------- the rates
def test_the_rate_suggested_is_one_with_which_training_goes_well():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 5))
    y = x @ np.arange(5.0)
    W, opt = Tensor(np.zeros(5)), ADAM()
    before = W.data.copy()

    def loss(x, y):
        return np.mean((x @ W - y) ** 2)

    found = lr_find(loss, params(W), DataLoader((x, y), 20), opt, high=10.0)

    assert np.array_equal(W.data, before) and opt.eta == 0.001 and not opt.state
    assert 1e-3 < found.suggestion < 3 and len(found.rates) == len(found.losses)
    np.testing.assert_allclose(found.rates[:3], 1e-7 * 10.0 ** (8 / 99 * np.arange(3)))
    history = train_(loss, params(W), DataLoader((x, y), 20), ADAM(found.suggestion), epochs=20, **SILENT)
    assert history[-1] < 0.01 * history[0]


def test_parameters_are_put_back_after_an_error_in_the_loss():
    W, calls = Tensor(1.0), iter(range(9))

    def loss():
        if next(calls) == 3:
            raise ZeroDivisionError
        return W**2

    with pytest.raises(ZeroDivisionError):
        lr_find(loss, params(W), [()], Descent(), high=5.0)
    assert float(W) == 1.0


@pytest.mark.parametrize(
    "given, error",
    [({"low": 1.0, "high": 0.1}, ValueError), ({"steps": 1}, ValueError), ({"opt": WeightDecay(0.1)}, TypeError)],
)
def test_rates_out_of_range_are_refused(given, error):
    W = Tensor(1.0)
    with pytest.raises(error, match="lr_find"):
        lr_find(lambda: W**2, params(W), [()], given.pop("opt", Descent()), **given)


@pytest.mark.parametrize("data", [[], Nothing(), (x for x in [1.0, 2.0])], ids=["list", "nothing", "used up"])
def test_data_without_end_are_not_waited_for_where_there_are_none(data):
    W = Tensor(1.0)

    with pytest.raises(ValueError, match="lr_find: the data are empty or, as iterators are"):
        lr_find(lambda x: W**2 * x, params(W), data, Descent())

    assert float(W) == 1.0


def test_the_rate_of_a_member_is_tried():
    W, opt = Tensor(3.0), Optimiser(WeightDecay(0.0), Descent(0.7))

    found = lr_find(lambda: W**2, params(W), [()], opt, high=10.0)

    alone = lr_find(lambda: W**2, params(W), [()], Descent(), high=10.0)
    assert found.losses.tolist() == alone.losses.tolist() and opt[1].eta == 0.7


def test_without_matplotlib_plots_say_what_there_is_instead(monkeypatch):
    from minigrad import Cos, landscape, race

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    W = Tensor([1.0, 2.0])
    plots = {
        r"race\.page\(\) an animation": race("beale", steps=2, opts=[Descent()]),
        r"history\.to_csv\(path\)": History([1.0]),
        r"rates\.losses": lr_find(lambda: np.sum(W**2), W, [()], Descent(), steps=3),
        r"landscape\.heights": landscape(lambda: np.sum(W**2), W, points=2),
        r"print\(schedule\)": Cos(0.1, 0.01, 10),
    }
    for said, x in plots.items():
        with pytest.raises(ImportError, match=rf"python -m pip install matplotlib; .*{said}"):
            x.plot()


# ------------------------------------------------------------------------------------------------ the metrics
def test_metrics_agree_with_counts_by_hand():
    scores = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.2, 0.5, 0.3], [0.4, 0.3, 0.3]])
    actual = np.array([0, 1, 1, 2])

    assert accuracy(scores, actual) == accuracy(Tensor(scores), np.eye(3)[actual]) == 0.5
    assert [topk(scores, actual, k) for k in (1, 2, 3)] == [0.5, 0.75, 1.0]
    assert confusion(scores, actual).tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 0]]
    assert str(confusion(scores, actual)).splitlines()[2].split() == ["1", "|", ".", "1", "1"]
    assert confusion(scores, actual, 4).shape == (4, 4)


def test_r2_is_that_of_the_formula():
    y, y_hat = np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 3.0])

    assert r2(y_hat, y) == pytest.approx(1 - 1.25 / (14 / 3))
    assert r2(y, y) == 1.0


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: accuracy([], []), "one row at least"),
        (lambda: accuracy([1, 2], [1, 2, 3]), "one class for each row"),
        (lambda: accuracy([0.5, 1], [0, 1]), "whole numbers from 0"),
        (lambda: accuracy([-1, 1], [0, 1]), "whole numbers from 0"),
        (lambda: confusion([0, 3], [0, 1], 2), "3 is|there is a class 3"),
        (lambda: topk(np.ones((2, 3)), [0, 1], 4), "at most that many"),
        (lambda: topk(np.ones(3), [0, 1, 2]), "shape"),
        (lambda: r2([1.0], [1.0]), "nothing to explain"),
        (lambda: r2([1.0, 2.0], [[1.0], [2.0]]), "shapes differ"),
    ],
)
def test_bad_metrics_are_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_metrics_are_a_chapter():
    assert set(metrics.__all__) == {"accuracy", "confusion", "r2", "topk"}
