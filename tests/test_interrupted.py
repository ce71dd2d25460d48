"""Exceptions that come between any two steps of the interpreter: Ctrl-C, a timeout by signal."""

import gc
import random
import signal
import sys

import numpy as np
import pytest

from minigrad import (
    ADAM,
    AbstractOptimiser,
    Tensor,
    apply_,
    checkpointed,
    compiled,
    gradient,
    hook,
    ignore,
    isderiving,
    params,
    pullback,
    trace,
    train_,
    train_step_,
    update_,
)
from minigrad.core.storage import drawn_by
from minigrad.core.tape import innermost_tape
from minigrad.doors import TOLD_TO_US
from minigrad.moving import Held, _around
from minigrad.readers.watch import first_not_finite

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer signals on this system")
W = Tensor([1.0, 2.0])


class Pressed(Exception):
    """What the timer raises."""


def press(signum, frame):
    raise Pressed


def presses(f, n, longest=4e-4):
    """Call ``f`` over and over, until an exception comes at a random moment; and that for ``n`` times."""
    rng, tape = random.Random(0), innermost_tape()
    f()  # what is imported late is imported
    before = signal.signal(signal.SIGALRM, press)
    gc.disable()  # Hypothesis has Python functions called by the collector, where Python cannot raise
    try:
        for _ in range(n):
            try:
                # again after two seconds, should the first be lost as well
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-5, longest), 2.0)
                while True:
                    f()
            except Pressed:
                signal.setitimer(signal.ITIMER_REAL, 0)
            assert innermost_tape() is tape
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.enable()


def nested(x):
    return gradient(lambda y: y * y * x, x)[0]


# Mostly the ways into and out of a gradient.
PROGRAMS = {
    "gradient": lambda: gradient(lambda: W[0], params(W)),
    "nested gradients": lambda: gradient(nested, 2.0),
    "ignore": lambda: gradient(lambda x: ignore(lambda: 1.0) * x, 2.0),
    "checkpointed": lambda: gradient(lambda x: checkpointed(lambda y: y, x), 2.0),
    "pullback": lambda: pullback(lambda x: x, 2.0)[1](1.0),
    "hook": lambda: gradient(lambda x: hook(lambda g: ignore(lambda: g), x), 2.0),
    "watch": lambda: first_not_finite(lambda: W[0], params(W)),
    "trace": lambda: trace(lambda: W[0], params(W)),
    "a compiled step": lambda: compiled(lambda: W[0], params(W))(),
    "what moves besides": lambda: Held().during(lambda: None),
}


def after_presses(name, n):
    presses(PROGRAMS[name], n)

    assert _around.get() is None and drawn_by.get() is None and sys.getprofile() is None
    assert not isderiving() and np.geterr()["divide"] == "warn" and type(W.data) is np.ndarray
    update_(ADAM(), W, np.zeros(2))
    assert float(W[1]) == 2.0 and gradient(lambda x: x * x, 3.0) == (6.0,)


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_tape_stays_active_whenever_an_exception_comes(name):
    after_presses(name, 120)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_no_tape_stays_active_in_a_thousand_presses(name):
    after_presses(name, 1000)


def test_an_outer_gradient_still_records_after_an_exception_in_an_inner_one():
    def f(x):
        presses(lambda: gradient(nested, x), 60)
        return x * x

    assert gradient(f, 3.0) == (6.0,)


def test_what_numpy_does_about_errors_is_the_same_afterwards():
    modes = np.geterr(), np.geterrcall()

    def once():
        TOLD_TO_US.clear()  # it is worked out anew
        gradient(lambda: W[0], params(W))

    presses(once, 120)

    assert (np.geterr(), np.geterrcall()) == modes
    with pytest.warns(RuntimeWarning) as caught:
        gradient(lambda x: np.log(x) * 0.0 + x, 0.0)
    assert caught[0].filename == __file__


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Python drops one in a weak callback
@pytest.mark.parametrize("train", [train_, train_step_])
def test_training_puts_the_handler_of_ctrl_c_back(train):
    handler = signal.getsignal(signal.SIGINT)
    datum, more = ([1.0], {"progress": "silent"}) if train is train_ else (1.0, {})

    class Own(AbstractOptimiser):
        """A rule for which nothing is compiled."""

    apply_.register(Own, lambda opt, x, dx: dx * 0.0)
    presses(lambda: train(lambda x: np.sum(W * x), W, datum, Own(), **more), 100, longest=1e-3)

    assert signal.getsignal(signal.SIGINT) is handler
