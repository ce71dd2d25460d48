"""Ctrl-C: stretches that nest, close in any order, and are never left half open."""

import functools
import itertools
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from minigrad.checkpoint import load_, save, saving
from minigrad.interrupts import CtrlC, from_a_signal
from minigrad.optimise.compiled import cache, kernels
from minigrad.training.train import epochs


@pytest.fixture(autouse=True)
def mine():
    """A handler of the program's own, which has to be in force after each test."""
    pressed = []

    def handler(*args):
        pressed.append(1)

    before = signal.signal(signal.SIGINT, handler)
    yield pressed
    assert signal.signal(signal.SIGINT, before) is handler


def press():
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_loops_of_epochs_closed_in_any_order_give_the_handler_back(mine, order):
    loops = [epochs(9, progress=False) for _ in range(3)]
    for loop in loops:
        next(loop)

    for i in order[:2]:
        loops[i].close()
    press()
    assert mine == [], "the loop that is left should hear it"
    assert list(loops[order[2]]) == [], "and end"

    press()
    assert mine == [1]


def test_two_loops_of_different_length_side_by_side(mine):
    assert [pair for pair in zip(epochs(2), epochs(5))] == [(1, 1), (2, 2)]
    press()
    assert mine == [1]


def test_a_loop_that_another_thread_closes_no_longer_swallows_ctrl_c(mine):
    handler = signal.getsignal(signal.SIGINT)
    loop = epochs(3, progress=False)
    next(loop)
    thread = threading.Thread(target=loop.close)
    thread.start()
    thread.join()

    press()
    with CtrlC() as ctrl_c:
        press()

    assert (mine, ctrl_c.asked) == ([1], 1)
    signal.signal(signal.SIGINT, handler)  # Python lets no other thread do that


def test_a_handler_set_inside_of_a_loop_stays(mine):
    inner = []
    loop = epochs(3, progress=False)
    next(loop)
    before = signal.signal(signal.SIGINT, lambda *args: inner.append(1))

    with CtrlC():
        pass
    press()
    loop.close()
    press()

    assert inner == [1, 1]
    signal.signal(signal.SIGINT, before)  # the handler of the loop that is closed: it passes on what it hears
    press()
    assert mine == [1]
    signal.signal(signal.SIGINT, before.before)


def test_what_is_pressed_inside_is_asked_of_the_outer_stretches_too(mine):
    with CtrlC() as outer:
        with CtrlC() as inner:
            press()

    assert (outer.asked, inner.asked, mine) == (1, 1, [])


def test_a_second_press_waits_until_no_stretch_is_inside_its_whole(mine):
    with CtrlC() as outer:
        with outer.whole:
            with CtrlC() as inner:
                with inner.whole:
                    press()
                    press()
                assert mine == [], "the outer one is not done"
            inner.pass_on()
            assert mine == []
        assert mine == [1]


def test_a_single_press_is_passed_on_where_there_is_no_outer_stretch(mine):
    with CtrlC() as ctrl_c:
        press()
    ctrl_c.pass_on()

    assert mine == [1]


@pytest.mark.parametrize("presses", [1, 2])
def test_presses_at_any_moment_leave_no_stretch_open(presses):
    """A timer presses Ctrl-C some hundred times, often while a stretch is being opened or closed."""
    result = subprocess.run([sys.executable, "-c", textwrap.dedent("""
        import random, signal, sys
        from minigrad.interrupts import CtrlC

        def alarm(*args):
            for _ in range(int(sys.argv[1])):
                signal.raise_signal(signal.SIGINT)

        def work():
            with CtrlC() as ctrl_c:
                for i in range(3):
                    half = 1
                    with ctrl_c.whole:
                        half = 2
                        with CtrlC() as inner:
                            with inner.whole:
                                half = 3
                    halves.append(half)
                    if ctrl_c.asked:
                        return 1
            return 0

        signal.signal(signal.SIGALRM, alarm)
        rng, interrupted, halves = random.Random(0), 0, []
        for trial in range(400):
            try:
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-6, 6e-5))
                for _ in range(20):
                    interrupted += work()
            except KeyboardInterrupt:
                interrupted += 1
            signal.setitimer(signal.ITIMER_REAL, 0)
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, trial
        assert set(halves) == {3}
        print(interrupted > 100)
    """), str(presses)], capture_output=True, text=True, timeout=120)

    assert result.stdout == "True\n", result.stderr


# ------------------------------------------------------------------------------- what a timeout raises
class TooSlow(Exception):
    """What a program's own handler raises: no KeyboardInterrupt, but an ordinary Exception."""


class Timer:
    def __call__(self, signum, frame):
        raise TooSlow


def on_alarm(signum, frame):
    raise TooSlow


@pytest.mark.parametrize("handler", [on_alarm, Timer(), functools.partial(on_alarm), Timer().__call__])
def test_a_timeout_while_a_kernel_is_compiled_reaches_the_program(handler, monkeypatch, compiled, mine, tmp_path):
    def compile_kernel(*args):
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(kernels, "compile_kernel", compile_kernel)
    monkeypatch.setattr(cache, "load", lambda file: None)
    key = "a text that is compiled nowhere else", "d", 0
    before = signal.signal(signal.SIGTERM, handler)
    try:
        with pytest.raises(TooSlow):
            kernels.load_or_compile(key, 10**9)
    finally:
        signal.signal(signal.SIGTERM, before)

    monkeypatch.undo()
    assert key not in kernels._failed


def test_a_timeout_while_a_checkpoint_is_read_is_no_damaged_file(tmp_path, monkeypatch):
    save(tmp_path / "a.npz", x=1.0)
    monkeypatch.setattr(saving, "decoded", lambda *args: signal.raise_signal(signal.SIGTERM))
    before = signal.signal(signal.SIGTERM, on_alarm)
    try:
        with pytest.raises(TooSlow):
            load_(tmp_path / "a.npz")
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_error_of_the_program_in_a_timeouts_place_is_none_of_a_signal():
    try:
        raise TooSlow
    except TooSlow as error:
        assert not from_a_signal(error)
