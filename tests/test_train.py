"""The training loop: what it computes, what it tells, and how it ends."""

import io
import math
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from minigrad import NonFiniteError, Tensor, adjoint, hook, params
from minigrad.optimise import Descent, Momentum
from minigrad.training import progress as progress_module
from minigrad.training.callbacks import early_stopping, patience, plateau, throttle
from minigrad.training import epochs, skip, stop, train_, train_step_
from minigrad.readers.watch import first_not_finite


@pytest.fixture
def line():
    """A weight W = 0, the loss (W x - y)^2, and a datum: by hand, each step of Descent(0.25) halves 2 - W."""
    W = Tensor(0.0)
    return W, lambda x, y: (W * x - y) ** 2, (1.0, 2.0)


def quiet(*args, **kwargs):
    return train_(*args, progress="silent", **kwargs)


# ------------------------------------------------------------------------------------ what it computes
def test_the_losses_before_each_update_are_returned(line):
    W, loss, datum = line

    losses = quiet(loss, params(W), [datum] * 4, Descent(0.25))

    assert losses == [4.0, 1.0, 0.25, 0.0625]
    assert float(W) == 1.875


def test_a_tuple_is_spread_over_the_arguments_and_anything_else_is_passed_whole():
    W = Tensor(0.0)
    seen = []

    def loss(*args):
        seen.append(args)
        return W**2

    quiet(loss, params(W), [(1, 2), [1, 2], {"x": 1}, 3], Descent())

    assert seen == [(1, 2), ([1, 2],), ({"x": 1},), (3,)]


def test_the_parameters_may_be_given_as_a_model(line):
    W, loss, datum = line

    quiet(loss, {"slope": W}, [datum], Descent(0.25))

    assert float(W) == 1.0


def test_epochs_go_through_the_data_again(line):
    W, loss, datum = line

    losses = quiet(loss, params(W), [datum, datum], Descent(0.25), epochs=2)

    assert losses == [4.0, 1.0, 0.25, 0.0625]


def test_a_generator_serves_as_data_for_one_epoch(line):
    W, loss, datum = line

    losses = quiet(loss, params(W), (datum for _ in range(2)), Descent(0.25))

    assert losses == [4.0, 1.0]


def test_one_step_returns_the_loss_before_it(line):
    W, loss, datum = line

    before = train_step_(loss, params(W), datum, Descent(0.25))

    assert (before, float(W)) == (4.0, 1.0)


def test_what_the_loss_returns_besides_the_loss_is_passed_on():
    W = Tensor(3.0)
    seen = []

    def loss(x):
        return W * x, "besides", 7

    assert train_step_(loss, params(W), 2.0, Descent()) == (6.0, "besides", 7)
    quiet(loss, params(W), [2.0], Descent(), cb=lambda c: seen.append(c.aux))
    assert seen == [("besides", 7)]


# ------------------------------------------------------------------------------------------- callbacks
def test_a_callback_without_arguments_runs_after_each_update(line):
    W, loss, datum = line
    seen = []

    quiet(loss, params(W), [datum] * 2, Descent(0.25), cb=lambda: seen.append(float(W)))

    assert seen == [1.0, 1.5]


def test_a_callback_with_an_argument_gets_the_context(line):
    W, loss, datum = line
    opt, ps, seen = Descent(0.25), params(W), []

    quiet(loss, ps, [datum, datum], opt, cb=seen.append, epochs=2)  # list.append takes one argument

    last = seen[-1]
    assert [(c.epoch, c.step, c.index) for c in seen] == [(1, 1, 0), (1, 2, 1), (2, 3, 0), (2, 4, 1)]
    assert [c.loss for c in seen] == [4.0, 1.0, 0.25, 0.0625]
    assert (last.datum, last.optimiser, last.params) == (datum, opt, ps)
    assert float(last.gradients[W]) == -0.5  # 2 (W - 2) at W = 1.75
    assert last.losses == [4.0, 1.0, 0.25, 0.0625]


def test_several_callbacks_run_in_their_order(line):
    W, loss, datum = line
    order = []

    quiet(loss, params(W), [datum], Descent(), cb=[lambda: order.append(1), lambda c: order.append(2)])

    assert order == [1, 2]


def test_a_wrapped_callback_still_gets_the_context(line):
    W, loss, datum = line
    seen = []

    quiet(loss, params(W), [datum] * 3, Descent(), cb=throttle(lambda c: seen.append(c.step), 1e9))

    assert seen == [1]


def test_a_callback_before_the_update_may_change_the_gradients(line):
    W, loss, datum = line

    def reverse(context):
        context.gradients[W] = -context.gradients[W]

    quiet(loss, params(W), [datum], Descent(0.25), before=reverse)

    assert float(W) == -1.0


@pytest.mark.parametrize("number", [np.float32(0.5), np.array(0.5), Tensor(0.5), np.float64(0.5), 3, np.int8(3), True])
def test_a_loss_set_by_a_callback_before_the_update_is_kept_as_a_float(line, number):
    W, loss, datum = line

    def set_loss(context):
        context.loss = number

    losses = quiet(loss, params(W), [datum], Descent(0.25), before=set_loss)

    assert losses == [float(number)] and type(losses[0]) is float


@pytest.mark.parametrize("number", [None, "0.5", np.ones(2), np.ones(1), 1j])
def test_a_loss_set_by_a_callback_to_something_else_is_refused(line, number):
    W, loss, datum = line

    def set_loss(context):
        context.loss = number

    with pytest.raises(TypeError, match="a callback has set context.loss to .* it must be one real number"):
        quiet(loss, params(W), [datum], Descent(0.25), before=set_loss)

    assert float(W) == 0.0


@pytest.mark.parametrize("callback", [lambda a, b: 0, lambda *, key: 0])
def test_a_callback_with_other_arguments_is_refused_before_anything_happens(line, callback):
    W, loss, datum = line

    with pytest.raises(TypeError, match="a callback takes nothing or one argument, the context"):
        quiet(loss, params(W), [datum], Descent(), cb=callback)

    assert float(W) == 0.0


def test_a_callback_that_is_no_function_is_refused(line):
    W, loss, datum = line

    with pytest.raises(TypeError, match="a callback must be a function or a list of functions"):
        quiet(loss, params(W), [datum], Descent(), cb=[7])


def test_an_exception_of_a_callback_comes_through(line):
    W, loss, datum = line

    def fail():
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        quiet(loss, params(W), [datum], Descent(), cb=fail)


# -------------------------------------------------------------------------------------- stop and skip
def test_stop_in_a_callback_ends_the_training_in_whichever_epoch(line):
    W, loss, datum = line

    losses = quiet(loss, params(W), [datum] * 5, Descent(0.25), epochs=9, cb=lambda c: c.step == 2 and stop())

    assert losses == [4.0, 1.0]


def test_a_callback_that_returns_true_ends_the_training(line):
    W, loss, datum = line

    hardly_better = early_stopping(lambda c: c.loss, 1, min_dist=1.0)

    losses = quiet(loss, params(W), [datum] * 99, Descent(0.25), cb=hardly_better)

    assert losses == [4.0, 1.0, 0.25]


def test_stop_in_the_loss_prevents_the_update(line):
    W, loss, _ = line

    def until_7(x, y):
        return stop() if x == 7 else loss(x, y)

    losses = quiet(until_7, params(W), [(1.0, 2.0), (7, 0), (1.0, 2.0)], Descent(0.25))

    assert (losses, float(W)) == ([4.0], 1.0)


def test_skip_in_the_loss_prevents_the_update_and_goes_on(line):
    W, loss, _ = line

    def except_7(x, y):
        return skip() if x == 7 else loss(x, y)

    losses = quiet(except_7, params(W), [(1.0, 2.0), (7, 0), (1.0, 2.0)], Descent(0.25))

    assert (losses, float(W)) == ([4.0, 1.0], 1.5)


@pytest.mark.parametrize("leave", [skip, stop])
def test_skip_and_stop_before_the_update_prevent_it(line, leave):
    W, loss, datum = line

    losses = quiet(loss, params(W), [datum], Descent(), before=lambda c: leave())

    assert (losses, float(W)) == ([], 0.0)


class Conveyor:
    """Data of a class of its own, that leave out what is 7."""

    def __init__(self, *data):
        self.data = iter(data)

    def __iter__(self):
        return self

    def __next__(self):
        datum = next(self.data)
        return skip() if datum[0] == 7 else datum


def through_map(*data):
    return map(lambda datum: skip() if datum[0] == 7 else datum, data)


@pytest.mark.parametrize("data", [Conveyor, through_map])
@pytest.mark.parametrize("bad", [0, 1, 2])
def test_skip_in_the_data_leaves_the_datum_out(line, data, bad):
    W, loss, datum = line
    given, seen = [datum] * 3, []
    given[bad] = (7, 0)

    losses = quiet(loss, params(W), data(*given), Descent(0.25), cb=lambda c: seen.append((c.step, c.index)))

    assert (losses, float(W)) == ([4.0, 1.0], 1.5)
    assert seen == [(i + 1, i) for i in range(3) if i != bad]


@pytest.mark.parametrize("wrap", [lambda d: d, lambda d: map(tuple, d), lambda d: zip(*[iter(d)] * 2)])
def test_skip_in_a_generator_is_explained_because_python_ends_it(line, wrap):
    W, loss, datum = line

    def readings():
        yield datum
        yield datum
        skip()
        yield datum

    message = "in the generator 'readings' .* all data after it would be lost: .*continue"
    with pytest.raises(RuntimeError, match=message):
        quiet(lambda *d: W**2, params(W), wrap(readings()), Descent(0.25))


def test_all_checks_of_the_first_step_are_made_though_the_first_datum_is_skipped(line):
    W, loss, datum = line

    with pytest.raises(ValueError, match="depends on none of the 1 parameters"):
        quiet(lambda x, y: 1.0, params(W), Conveyor((7, 0), datum), Descent())


def test_data_that_are_skipped_from_first_to_last_are_not_empty(line):
    W, loss, datum = line

    assert quiet(loss, params(W), Conveyor((7, 0)), Descent()) == []


def test_skip_after_the_update_spares_the_callbacks_that_follow(line):
    W, loss, datum = line
    seen = []

    losses = quiet(loss, params(W), [datum] * 2, Descent(0.25), cb=[skip, lambda: seen.append(1)])

    assert (losses, seen) == ([4.0, 1.0], [])


@pytest.mark.parametrize("leave", [stop, skip])
def test_stop_and_skip_outside_of_the_loop_say_what_to_write(leave):
    with pytest.raises(Exception, match="no train_ around it; in a loop of your own, (break|continue)"):
        leave()


def test_stop_inside_an_inner_training_leaves_the_outer_one_running(line):
    W, loss, datum = line
    V = Tensor(0.0)

    def inner():
        quiet(lambda: V * 1.0, params(V), [()], Descent(), cb=stop)

    losses = quiet(loss, params(W), [datum] * 3, Descent(0.25), cb=inner)

    assert len(losses) == 3


# ---------------------------------------------------------------------------------- non-finite losses
def poisoned(bad_at):
    W = Tensor([1.0, 2.0])

    def loss(x):
        return np.sum(np.log(W * x))

    data = [np.ones(2)] * 5
    data[bad_at] = np.array([1.0, 0.0])
    return W, loss, data


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_infinite_loss_stops_before_the_update():
    W, loss, data = poisoned(bad_at=2)
    after_two, _, _ = poisoned(bad_at=2)
    quiet(lambda x: np.sum(np.log(after_two * x)), params(after_two), data[:2], Descent(0.01))

    with pytest.raises(NonFiniteError):
        quiet(loss, params(W), data, Descent(0.01))

    assert np.array_equal(W.data, after_two.data)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_infinite_loss_is_reported_with_step_datum_operation_and_line():
    W, loss, data = poisoned(bad_at=2)

    with pytest.raises(NonFiniteError) as report:
        quiet(loss, params(W), data[:3], Descent(0.01), cb=lambda: None)

    text = str(report.value)
    assert "the loss is -inf at step 3 (epoch 1, datum 2, counted from 0)" in text
    assert "np.log, which gave -inf (1 of 2 numbers)" in text
    assert "test_train.py" in text and "return np.sum(np.log(W * x))" in text


@pytest.mark.parametrize("kind", [FloatingPointError, ArithmeticError, NonFiniteError])
def test_a_loss_that_is_not_finite_is_caught_as_any_floating_point_error(kind):
    W = Tensor(1.0)

    with pytest.raises(kind, match="the loss is inf"):
        quiet(lambda x: W * x, params(W), [math.inf], Descent())


def test_a_datum_that_is_not_finite_is_named():
    W = Tensor(1.0)

    with pytest.raises(NonFiniteError, match="The datum itself is not finite"):
        quiet(lambda x, y: W * x, params(W), [(math.nan, 1.0)], Descent())


def test_a_parameter_that_was_not_finite_before_is_named():
    W, V = Tensor(1.0), Tensor([1.0, math.inf])

    with pytest.raises(NonFiniteError, match=r"Parameter 1, of shape \(2,\), was not finite before"):
        quiet(lambda: np.sum(W * V), params(W, V), [()], Descent())


def test_a_loss_that_is_finite_when_run_again_is_said_to_be_random():
    W = Tensor(1.0)
    factors = iter([math.nan, 1.0])

    with pytest.raises(NonFiniteError, match="is it random"):
        quiet(lambda: W * next(factors), params(W), [()], Descent())


def test_a_loss_that_raises_when_run_again_is_reported_with_what_it_raised():
    W = Tensor(1.0)
    factors = iter([math.nan])

    with pytest.raises(NonFiniteError, match="run again, the loss raised StopIteration"):
        quiet(lambda: W * next(factors), params(W), [()], Descent())


def test_a_callback_may_skip_a_loss_that_is_not_finite(line):
    W, loss, datum = line

    losses = quiet(
        loss, params(W), [datum, (math.nan, 1.0), datum], Descent(0.25),
        before=lambda c: None if math.isfinite(c.loss) else skip(),
    )

    assert losses == [4.0, 1.0]


@adjoint
def mine(x):
    return x * math.inf, lambda g: (g,)


@pytest.mark.parametrize(
    "expected, f",
    [
        ("np.exp", lambda x: np.exp(1e3 * x)),  # an operation of one argument
        ("np.divide", lambda x: 1.0 / (x - x)),  # of two
        ("np.sum", lambda x: np.sum(x * np.array([1e308, 1e308]))),  # any other function
        ("np.linalg.slogdet", lambda x: np.linalg.slogdet(x * np.zeros((2, 2)))[1]),  # with several results
        ("mine", lambda x: mine(x)),  # with a derivative of one's own
    ],
)
def test_the_watch_names_whatever_kind_of_operation_it_was(expected, f):
    x = Tensor(1.0)

    culprit = first_not_finite(lambda: f(hook(lambda g: g, x)), params(x))

    assert culprit.name.endswith(expected)
    assert culprit.file == __file__


def test_the_watch_finds_the_first_of_several():
    x = Tensor(0.0)

    culprit = first_not_finite(lambda: np.exp(1 / x) - np.log(x), params(x))

    assert culprit.name == "np.divide"


# ---------------------------------------------------------------------------------- errors at the door
@pytest.mark.parametrize(
    "error, message, arguments",
    [
        (ValueError, "the data is empty", lambda W, loss: (loss, params(W), [], Descent())),
        (ValueError, "there are no parameters", lambda W, loss: (loss, params(), [(1, 2)], Descent())),
        (TypeError, "holds no Tensor", lambda W, loss: (loss, [np.abs], [(1, 2)], Descent())),
        (TypeError, "the loss must be a function.*not a value",
         lambda W, loss: (3.0, params(W), [1], Descent())),
        (TypeError, "something to loop over.*got Descent",
         lambda W, loss: (loss, params(W), Descent(), [1])),
        (TypeError, r"the first datum gives 1 argument\(s\).*missing .*'y'.*write \[\(x, y\)\]",
         lambda W, loss: (loss, params(W), (1.0, 2.0), Descent())),
        (ValueError, "depends on none of the 1 parameters",
         lambda W, loss: (loss, params(Tensor(0.0)), [(1, 2)], Descent())),
        (TypeError, "Did you forget np.sum",
         lambda W, loss: (lambda x: W * x, params(W), [np.ones(2)], Descent())),
    ],
)
def test_what_cannot_be_trained_is_refused_and_nothing_happens(line, error, message, arguments):
    W, loss, _ = line

    with pytest.raises(error, match=message):
        quiet(*arguments(W, loss))

    assert float(W) == 0.0


@pytest.mark.parametrize("n", [0, -1, 1.5, "2"])
def test_a_strange_number_of_epochs_is_refused(line, n):
    W, loss, datum = line

    with pytest.raises(ValueError, match="epochs must be a whole number, 1 or more"):
        quiet(loss, params(W), [datum], Descent(), epochs=n)


def test_an_iterator_is_refused_for_several_epochs(line):
    W, loss, datum = line

    with pytest.raises(ValueError, match="a generator, which is used up after one epoch, and epochs is 2"):
        quiet(loss, params(W), (datum for _ in range(2)), Descent(), epochs=2)


def test_an_exception_of_the_loss_leaves_the_whole_steps_before_it(line):
    W, loss, datum = line

    with pytest.raises(ZeroDivisionError):
        quiet(lambda x, y: loss(x, 1 // (9 - y) + y), params(W), [datum, (1, 9)], Descent(0.25))

    assert float(W) == 1.0


# ------------------------------------------------------------------------------------------ the display
def shown(monkeypatch, terminal, mode, with_tqdm=True):
    """Return what a training of three steps writes to standard error."""
    written = io.StringIO()
    written.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setattr(progress_module.Progress, "every", 0)
    if not with_tqdm:
        for name in ("tqdm", "tqdm.auto"):
            monkeypatch.setitem(sys.modules, name, None)  # importing it now fails
    W = Tensor(0.0)
    train_(lambda x, y: (W * x - y) ** 2, params(W), [(1.0, 2.0)] * 3, Descent(0.25), progress=mode)
    return written.getvalue()


@pytest.mark.parametrize("mode, terminal", [(None, False), (False, False), (False, True)])
def test_a_summary_alone_is_shown_when_told_so_or_where_there_is_no_terminal(monkeypatch, mode, terminal):
    text = shown(monkeypatch, terminal, mode)

    assert text.startswith("train_: 3 steps in ") and text.endswith("loss 4 -> 0.25\n")
    assert text.count("\n") == 1 and "\r" not in text


@pytest.mark.parametrize("mode, notebook", [(None, False), (True, False), (True, True)])
def test_a_bar_shows_the_current_loss(monkeypatch, mode, notebook):
    pytest.importorskip("tqdm")
    if notebook:
        monkeypatch.setitem(sys.modules, "ipykernel", sys)

    text = shown(monkeypatch, not notebook, mode)

    assert "3/3" in text and "loss 0.25" in text


@pytest.mark.parametrize("with_tqdm", [True, False])
def test_files_get_whole_lines_and_no_way_back_to_their_beginning(monkeypatch, with_tqdm):
    monkeypatch.setattr("minigrad.training.progress.lines.__defaults__", (0.0,))

    text = shown(monkeypatch, False, True, with_tqdm=with_tqdm)

    steps = [f"training: step {k} of 3, loss {loss}" for k, loss in ((1, 4), (2, 1), (3, 0.25))]
    assert "\r" not in text and text.splitlines()[:-1] == steps
    assert text.splitlines()[-1].startswith("train_: 3 steps in ")


def test_a_plain_line_does_where_there_is_no_tqdm(monkeypatch):
    text = shown(monkeypatch, True, None, with_tqdm=False)

    assert "\rtraining: step 2 of 3, loss 1" in text and "\rtraining: step 3 of 3, loss 0.25" in text


def test_nothing_is_shown_when_silent(monkeypatch):
    assert shown(monkeypatch, True, "silent") == ""


def test_another_mode_is_refused(line):
    W, loss, datum = line

    with pytest.raises(ValueError, match="progress must be True, False, None or 'silent', but is 'verbose'"):
        train_(loss, params(W), [datum], Descent(), progress="verbose")


def test_the_summary_says_that_the_training_was_stopped(line, capsys):
    W, loss, datum = line

    train_(loss, params(W), [datum] * 3, Descent(), cb=stop)

    assert capsys.readouterr().err.endswith(", stopped\n")


def test_epochs_counts_from_one_and_says_so_when_asked(capsys):
    assert list(epochs(3, progress=True)) == [1, 2, 3]
    assert capsys.readouterr().err == "epoch 1 of 3\nepoch 2 of 3\nepoch 3 of 3\n"


@pytest.mark.parametrize("n", [-1, 2.0])
def test_epochs_refuses_what_is_no_count(n):
    with pytest.raises(ValueError, match="epochs: how many must be a whole number"):
        epochs(n)


# ------------------------------------------------------------------------- functions that remember
def answers(f, n):
    return [bool(f()) for _ in range(n)]


def test_throttle_calls_at_most_once_per_interval():
    times = iter([0.0, 0.5, 0.99, 1.0, 1.5, 7.0])
    called = []
    f = throttle(called.append, 1, clock=lambda: next(times))

    for k in range(6):
        f(k)

    assert called == [0, 3, 5]


def test_patience_counts_in_a_row():
    values = iter([1, 1, 0, 1, 1, 1, 1])

    assert answers(patience(lambda: next(values), 3), 7) == [False] * 5 + [True, True]


def test_early_stopping_lets_a_falling_loss_fall():
    losses = iter([9.0, 8.0, 7.0, 6.0, 5.0])

    assert answers(early_stopping(lambda: next(losses), 1), 5) == [False] * 5


@pytest.mark.parametrize("stalled", [[5.0, 5.0, 5.0], [5.0, 6.0, 5.5], [5.0, math.nan, 9.0]])
def test_early_stopping_stops_when_the_loss_stops_falling(stalled):
    losses = iter(stalled)

    assert answers(early_stopping(lambda: next(losses), 2), 3) == [False, False, True]


def test_early_stopping_can_watch_what_should_grow():
    accuracies = iter([0.5, 0.6, 0.6])
    more = dict(distance=lambda best, score: score - best, init_score=-math.inf)

    assert answers(early_stopping(lambda: next(accuracies), 1, **more), 3) == [False, False, True]


def test_early_stopping_passes_its_arguments_on():
    assert early_stopping(lambda x, y=0: x + y, 1)(1, y=2) is False


def test_plateau_asks_for_little_change_in_either_direction():
    scores = iter([1e-9, 1.0, 1.0 + 1e-7, 1.0, 2.0])

    assert answers(plateau(lambda: next(scores), 2), 5) == [False, False, False, True, False]


@pytest.mark.parametrize("make", [patience, early_stopping, plateau])
def test_waiting_for_less_than_one_time_is_refused(make):
    with pytest.raises(ValueError, match="1 or more, but is 0"):
        make(lambda: True, 0)


# ---------------------------------------------------------------------------------------------- Ctrl-C
def run_python(program):
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=120,
        env={**__import__("os").environ, "MINIGRAD_NOJIT": "1"},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


# A rule whose step takes long: Ctrl-C often comes while some parameters have moved and others have not.
SLOW_RULE = """
    import os, random, signal, threading, time
    import numpy as np
    from minigrad import *
    from minigrad.optimise import *
    from minigrad.training import *

    class Slow:
        def __init__(self):
            self.steps = 0

    @apply_.register
    def apply_slow(opt: Slow, x, dx):
        opt.steps += 1
        for _ in range(50):
            time.sleep(1e-5)        # where a signal is noticed
        return np.ones(2)

    def press(times, opt, after):
        def later():
            while opt.steps == 0:       # until the training has begun
                time.sleep(1e-3)
            time.sleep(after)
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(2e-4)
        thread = threading.Thread(target=later)
        thread.start()
        return thread

    def take_the_late_ones(thread):
        try:
            thread.join()
            time.sleep(1e-3)
        except KeyboardInterrupt:
            take_the_late_ones(thread)

    def check_whole(ws, opt):
        steps = {-float(x) for w in ws for x in w.data}
        assert len(steps) == 1, f"half a step: {ws}"          # every element of every parameter as often
        assert opt.steps == len(ws) * steps.pop(), "the optimiser is not where the parameters are"
"""


def test_ctrl_c_ends_training_after_a_whole_step_and_returns_the_losses():
    out = run_python(SLOW_RULE + """
    for trial in range(15):
        ws, opt = [zeros(2) for _ in range(4)], Slow()
        press(1, opt, after=random.Random(trial).uniform(0.01, 0.03))
        loss = lambda: sum(np.sum(w) for w in ws)
        losses = train_(loss, params(ws), [()] * 100_000, opt, progress="silent")
        check_whole(ws, opt)
        assert 0 < len(losses) < 100_000 and len(losses) == -float(ws[0].data[0])
    print("survived")
    """)

    assert out == "survived\n"


def test_ctrl_c_pressed_twice_raises_at_once_but_never_inside_a_step():
    out = run_python(SLOW_RULE + """
    interrupted = 0
    for trial in range(15):
        ws, opt = [zeros(2) for _ in range(4)], Slow()
        presses = press(4, opt, after=random.Random(trial).uniform(0.01, 0.03))
        try:
            loss = lambda: sum(np.sum(w) for w in ws)
            train_(loss, params(ws), [()] * 100_000, opt, progress="silent")
        except KeyboardInterrupt:
            interrupted += 1
        take_the_late_ones(presses)
        check_whole(ws, opt)
        assert not isderiving()
    print(interrupted > 0)
    """)

    assert out == "True\n"


def test_ctrl_c_during_a_single_step_comes_after_it():
    out = run_python(SLOW_RULE + """
    ws, opt = [zeros(2) for _ in range(4)], Slow()
    press(1, opt, after=0.01)
    try:
        while True:
            train_step_(lambda: sum(np.sum(w) for w in ws), params(ws), (), opt)
    except KeyboardInterrupt:
        check_whole(ws, opt)
        print("interrupted")
    """)

    assert out == "interrupted\n"


def test_ctrl_c_ends_the_loop_of_epochs_around_the_training_too():
    out = run_python(SLOW_RULE + """
    ws, opt, seen = [zeros(2)], Slow(), []
    press(1, opt, after=0.03)
    for epoch in epochs(1000):
        losses = train_(lambda: np.sum(ws[0]), params(ws), [()] * 10, opt, progress="silent")
        seen.append(len(losses))
    check_whole(ws, opt)
    print(len(seen) < 1000)
    """)

    assert out == "True\n"


def test_the_program_gets_its_own_handler_of_ctrl_c_back():
    out = run_python("""
    import signal
    from minigrad import *
    from minigrad.training import *
    def mine(*args):
        print("mine")
    signal.signal(signal.SIGINT, mine)
    W = Tensor(1.0)
    press = lambda: signal.raise_signal(signal.SIGINT)
    train_(lambda: W * 1, params(W), [()] * 3, Descent(), cb=press, progress="silent")
    assert signal.getsignal(signal.SIGINT) is mine
    signal.raise_signal(signal.SIGINT)
    """)

    assert out == "mine\n"


def test_training_works_in_another_thread(line):
    W, loss, datum = line
    import threading

    thread = threading.Thread(target=quiet, args=(loss, params(W), [datum], Momentum(0.25)))
    thread.start()
    thread.join()

    assert float(W) == 1.0
