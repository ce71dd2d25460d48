"""What users see when something goes wrong: their own frames, their own lines, their own cells."""

import gc
import os
import re
import subprocess
import sys
import traceback
import types
import warnings
import weakref

import numpy as np
import pytest

import minigrad
from minigrad import (
    ADAM,
    ADAMW,
    Cos,
    Descent,
    LostGradientError,
    NonFiniteError,
    OneCycle,
    Optimiser,
    Scheduler,
    Stateful,
    StepError,
    Tensor,
    checkpoint,
    gradcheck,
    gradient,
    hessian,
    hvp,
    jacobian,
    next_,
    params,
    pullback,
    reset_,
    state_dict,
    train_,
    train_step_,
    update_,
    withgradient,
)
from minigrad.data import DataLoader
from minigrad.nn import LSTM, Chain, Conv, Dense
from minigrad.optimise import rule

HERE = os.path.dirname(minigrad.__file__) + os.sep
FEW = 3 if sys.version_info >= (3, 11) else 4  # Python 3.10 shows the frame of a door, too
W = Tensor(np.ones((2, 3)))
PS = params(W)


def frames(error):
    """Return the names of the functions that a traceback shows, ours and all."""
    shown = traceback.extract_tb(error.__traceback__)
    names = [frame.name for frame in shown]
    return [name for name, f in zip(names, shown) if f.filename.startswith(HERE) or f.filename == "<string>"], names


def broken(*args):
    return deeper(*args)


def deeper(*args):
    raise ZeroDivisionError("the user's own")


def branching(x, dx, eta=0.1):
    if eta:
        return dx
    return x


USERS = {
    "gradient": lambda: gradient(lambda: broken(), PS),
    "gradient as a decorator": lambda: gradient(PS)(lambda: broken()),
    "gradient of arguments": lambda: gradient(broken, 1.0),
    "withgradient": lambda: withgradient(lambda: broken(), PS),
    "pullback": lambda: pullback(broken, np.ones(2)),
    "jacobian": lambda: jacobian(broken, np.ones(2)),
    "hessian": lambda: hessian(broken, np.ones(2)),
    "hvp": lambda: hvp(broken, np.ones(2), np.ones(2)),
    "gradcheck": lambda: gradcheck(broken, 1.0),
    "train_": lambda: train_(broken, PS, [1], Descent(), progress="silent"),
    "train_step_": lambda: train_step_(broken, PS, 1, Descent()),
    "a callback": lambda: train_(lambda x: np.sum(W), PS, [1], Descent(), cb=lambda: broken(), progress="silent"),
    "a layer of one's own": lambda: Chain(Dense(2, 3), broken)(np.ones((1, 2))),
    "nested": lambda: gradient(lambda x: gradient(lambda y: broken(), x)[0], 1.0),
    "a schedule": lambda: update_(Scheduler(Descent(), eta=broken), np.ones(2), np.ones(2)),
    "loss of a network": lambda: gradient(lambda: Chain(Chain(broken))(W), PS),
}


@pytest.mark.parametrize("call", USERS.values(), ids=USERS)
def test_the_users_frames_are_all_there_and_ours_are_few(call):
    with pytest.raises(ZeroDivisionError) as caught:
        call()
    ours, names = frames(caught.value)

    assert names[-2:] == ["broken", "deeper"] and "<lambda>" in names
    assert len(ours) <= FEW, names


OURS = {
    "shapes": lambda: Chain(Dense(3, 4), Dense(5, 6))(np.ones((2, 3))),
    "shapes in a gradient": lambda: gradient(lambda: np.sum(Chain(Dense(3, 4), Dense(5, 6))(W)), PS),
    "shapes in a decorated loss": lambda: gradient(PS)(lambda: np.sum(Chain(Dense(3, 4), Dense(5, 6))(W))),
    "no number": lambda: gradient(lambda: W, PS),
    "lost": lambda: gradient(lambda: float(np.sum(W)), PS),
    "overwritten": lambda: gradient(lambda: W.fill(0.0), PS),
    "no derivative": lambda: gradient(lambda: np.sum(np.unpackbits(W)), PS),
    "in a list": lambda: gradient(lambda: np.sum(np.array([np.sum(W)])), PS),
    "hyperparameter": lambda: ADAM(-1.0),
    "hyperparameter of a composed rule": lambda: setattr(ADAMW(), "eta", -1.0),
    "member": lambda: Optimiser([ADAM()]),
    "schedule": lambda: Cos(0.1, 0.2, "three"),
    "step of a schedule": lambda: Cos(0.1, 0.2, 3)(0),
    "rule": lambda: rule(branching),
    "data": lambda: DataLoader((np.ones(3), np.ones(2))),
    "convolution": lambda: Conv((3, 3), 1, 2)(np.ones((1, 2, 2, 1))),
    "recurrent": lambda: LSTM(2, 3)(np.ones((1, 2))),
    "seed": lambda: pullback(np.sin, 1.0)[1](np.ones(2)),
    "gradients of others": lambda: gradient(lambda: np.sum(W), PS) + gradient(lambda: 1.0, params(Tensor([1.0]))),
    "file": lambda: checkpoint.save("/nowhere/x.npz", model=W, extra=object()),
    "state": lambda: state_dict(ADAM(), [1.0]),
    "NumPy's": lambda: gradient(lambda: np.sum(np.linalg.inv(W)), PS),
    "method": lambda: W.sum(axis=7),
    "step": lambda: update_(ADAM(), PS, [np.ones(7)]),
    "NumPy's ufunc": lambda: np.add(W, np.ones((5, 5))),
    "operator": lambda: W @ np.ones((5, 5)),
    "element": lambda: W[7],
    "NumPy's function": lambda: np.linalg.solve(W, np.ones(7)),
    "a loss": lambda: minigrad.mse(W, np.ones(7)),
    "a network": lambda: Chain(Dense(3, 4), np.sin, Dense(7, 4))(W),
}


@pytest.mark.parametrize("call", OURS.values(), ids=OURS)
def test_an_error_of_ours_shows_few_of_our_frames(call):
    with pytest.raises(Exception) as caught:
        call()
    ours, names = frames(caught.value)

    assert len(ours) <= FEW, names
    assert "<lambda>" in names


def test_the_line_that_called_is_shown_in_each_frame():
    try:
        gradient(lambda: broken(), PS)
    except ZeroDivisionError as error:
        lines = [frame.line for frame in traceback.extract_tb(error.__traceback__)]

    assert lines[0] == "gradient(lambda: broken(), PS)" and lines[-1] == 'raise ZeroDivisionError("the user\'s own")'
    assert "shorten" not in "".join(lines)


def test_everything_is_shown_where_the_environment_asks_for_it(monkeypatch):
    monkeypatch.setenv("MINIGRAD_TRACEBACK", "full")

    with pytest.raises(ValueError) as caught:
        gradient(lambda: np.sum(Chain(Dense(3, 4), Dense(5, 6))(W)), PS)

    assert len(frames(caught.value)[0]) > 3


def test_an_exception_makes_no_cycle_of_references():
    class Kept:
        pass

    def loss(kept):
        raise ValueError(kept)

    gc.collect()
    gc.disable()
    try:
        for call in (lambda f: gradient(f, PS), lambda f: jacobian(f, np.ones(2)), lambda f: Chain(f)(1.0)):
            kept = Kept()
            gone = weakref.ref(kept)
            with pytest.raises(ValueError):
                call(lambda *_, kept=kept: loss(kept))
            del kept
            assert gone() is None
    finally:
        gc.enable()


def test_a_schedule_that_has_run_out_says_how_to_go_on():
    opt, x = Scheduler(Descent(), eta=OneCycle(3, 0.1)), np.ones(2)
    for _ in range(3):
        update_(opt, x, np.ones(2))
    before = x.copy()

    with pytest.raises(StepError, match=r"OneCycle has 3 steps, and t = 4: it has run out\. reset_\(opt\).*Sequence"):
        update_(opt, x, np.ones(2))
    assert np.array_equal(x, before)
    update_(reset_(opt), x, np.ones(2))
    s = Stateful(OneCycle(1, 0.1))
    next_(s)
    with pytest.raises(StepError, match=r"^next_: OneCycle has 1 steps, and t = 2: it has run out\. reset_\(s\)"):
        next_(s)
    assert next_(reset_(s)) > 0


PROGRAM = """
import numpy as np
from minigrad import *
W = randn(2, 3)
train_(lambda x: np.sum(W @ x), W, [np.ones(5)], ADAM(), progress="silent")
"""


def test_a_program_that_fails_prints_little():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)

    assert done.returncode == 1 and "ValueError" in done.stderr.splitlines()[-1]
    assert len(re.findall(r"minigrad.core|minigrad.training|minigrad.fast", done.stderr)) <= 3


# --------------------------------------------------------------------------------------------- warnings
ZEROS = Tensor(np.zeros(3))
WARNED = {
    "forward": (lambda: gradient(lambda: np.sum(np.log(ZEROS)), params(ZEROS)), "divide by zero encountered in log"),
    "back": (
        lambda: gradient(lambda: np.sum(np.sqrt(ZEROS)), params(ZEROS)),
        "divide by zero encountered in divide, on the way back, in a derivative",
    ),
    "value too": (lambda: withgradient(lambda x: 1 / x, 0.0), "divide by zero encountered in"),
    "jacobian": (lambda: jacobian(lambda x: 1 / x, np.zeros(2)), "divide by zero encountered in divide"),
    "pullback": (lambda: pullback(np.log, np.zeros(2)), "divide by zero encountered in log"),
    "nested": (
        lambda: gradient(lambda x: gradient(lambda y: y * np.log(x), 1.0)[0], 0.0),
        "divide by zero encountered in log",
    ),
    "in a layer": (lambda: gradient(lambda: np.sum(Chain(np.log)(ZEROS)), params(ZEROS)), "encountered in log"),
    "a constant": (lambda: gradient(lambda: np.sum(ZEROS) + np.log(0.0), params(ZEROS)), "encountered in log"),
}


@pytest.mark.parametrize("call, text", WARNED.values(), ids=WARNED)
def test_a_warning_of_numpys_names_the_users_line(call, text):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()

    assert any(text in str(w.message) for w in caught)
    for w in caught:
        assert w.filename == __file__ and w.category is RuntimeWarning
        assert call.__code__.co_firstlineno <= w.lineno <= call.__code__.co_firstlineno + 2


def test_what_numpy_is_told_about_errors_holds_within_a_gradient_and_is_the_same_after_it():
    called = []

    def loss(x):
        return np.log(x)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in ("ignore", "call", "raise"):
            with np.errstate(divide=kind, call=lambda *args: called.append(args)):
                before = np.geterr(), np.geterrcall()
                if kind == "raise":
                    with pytest.raises(FloatingPointError):
                        gradient(loss, 0.0)
                else:
                    gradient(loss, 0.0)
                assert (np.geterr(), np.geterrcall()) == before
        with pytest.raises(RuntimeWarning):
            gradient(loss, 0.0)
    assert called and np.geterr()["divide"] == "warn" and np.geterrcall() is None


def test_a_warning_is_given_once_for_each_line_as_elsewhere():
    program = """
import numpy as np, sys
from minigrad import *
W = Tensor(np.zeros(2))
for _ in range(5):
    gradient(lambda: np.sum(np.log(W)), params(W))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert done.stderr.count("divide by zero encountered in log") == 1
    assert "<string>:6: RuntimeWarning" in done.stderr and "minigrad" not in done.stderr


# --------------------------------------------------------------------------------------------- notebooks
def run_cell(source, file):
    exec(compile(source, file, "exec"), {"W": W, "np": np, "minigrad": minigrad})


LOSING = "\nminigrad.gradient(lambda: float(np.sum(W)), minigrad.params(W))"


@pytest.mark.parametrize("file, place", {
    "/tmp/ipykernel_71/3022.py": "line 2 of cell In[7] ",
    "/tmp/ipykernel_72/1.py": "line 2 of a cell of the notebook",
    "<ipython-input-5-0123456789ab>": "line 2 of cell 5 ",
    "/tmp/marimo_9/__marimo__cell_Hbol_.py": "line 2 of cell Hbol ",
    "/home/me/train.py": "line 2 of train.py ",
    "<stdin>": "line 2 of <stdin> ",
}.items())
def test_an_error_in_a_notebook_names_the_cell(file, place, monkeypatch):
    names = {"/tmp/ipykernel_71/3022.py": ("Cell", "In[7]")}
    shell = types.SimpleNamespace(compile=types.SimpleNamespace(format_code_name=names.get))
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))

    with pytest.raises(LostGradientError, match=re.escape(place[:-1])):
        run_cell(LOSING, file)


def test_a_loss_that_is_not_finite_names_the_cell():
    source = "\nminigrad.train_(lambda x: np.sum(np.log(0 * W)), W, [1], minigrad.Descent(), progress='silent')"

    with pytest.raises(NonFiniteError, match="np.log.* line 2 of cell 5"), np.errstate(all="ignore"):
        run_cell(source, "<ipython-input-5-0123456789ab>")
