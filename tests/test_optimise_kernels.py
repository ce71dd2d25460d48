"""Compiled code: text, when it is made, threads, what it does without numba."""

import ctypes
import os
import sys
import threading
import warnings

import numpy as np
import pytest
from all_rules import numbers, train
from compiling import forget, needs_numba, python
from memory import peak_of

from minigrad import optimise as o
from minigrad.optimise import formulas
from minigrad.optimise.compiled import kernels, loops, tasks, threads, walk

# The text of a loop.


def test_a_composition_is_one_loop_over_memory():
    stages = [
        (formulas.clip_value, []),
        (formulas.weight_decay, []),
        (formulas.adam, [np.dtype("f4")] * 2),
        (formulas.exp_decay, []),
    ]

    text = loops.write(stages, np.float32)

    assert text.count("for i in range") == 1


def test_what_depends_on_numbers_alone_is_worked_out_before_the_loop():
    before, _, inside = loops.write([(formulas.adam, [np.dtype("f4")] * 2)], np.float32).partition(
        "for i in range"
    )

    assert "(1 - beta1_0)" in before and "beta" not in inside.partition("if mode & COMMIT")[0]


def test_the_fused_step_of_a_composition_allocates_nothing_of_the_parameters_size(compiled):
    x, dx = np.zeros(500_000), np.ones(500_000)
    opt = o.Optimiser(o.ClipNorm(1), o.WeightDecay(1e-4), o.ADAM(), o.ExpDecay(1))
    o.update_(opt, x, dx)

    peak = peak_of(lambda: o.update_(opt, x, dx))

    assert peak < x.nbytes / 20


def test_formulas_on_arrays_allocate_nothing_of_the_parameters_size(interpreted):
    x, dx, opt = np.zeros(500_000), np.ones(500_000), o.ADAM()
    o.update_(opt, x, dx)

    peak = peak_of(lambda: o.update_(opt, x, dx))

    assert peak < x.nbytes / 4


def test_many_parameters_are_one_call_of_compiled_code(compiled, monkeypatch):
    xs, opt = [numbers(8) for _ in range(50)], o.ADAM()
    o.update_(opt, xs, xs)
    (tasks,) = [plan.tasks for plan in opt._plans.parts[0].plans.values() if plan.rows == 50]
    calls, update = [], tasks.update
    tasks.update = lambda *args: calls.append(1) or update(*args)

    o.update_(opt, xs, xs)

    assert len(calls) == 1


def test_integer_rates_compile_nothing_new(compiled):
    train(o.Momentum(0.5), numbers(3))
    before = kernels.compiled()

    train(o.Momentum(1), numbers(3))

    assert kernels.compiled() == before


# When it is compiled.


def test_importing_minigrad_and_a_first_step_import_no_compiler():
    code = (
        "import sys, minigrad.optimise as o, numpy as np; o.update_(o.ADAM(), np.ones(5), np.ones(5));"
        "print([m for m in ('numba', 'llvmlite', 'scipy') if m in sys.modules])"
    )

    assert python(code) == "[]"


@needs_numba
def test_a_kernel_on_disk_is_loaded_without_numba(tmp_path):
    code = (
        "import sys, numpy as np, minigrad.optimise as o\nfrom minigrad.optimise.compiled import kernels\n"
        "kernels.LOADING = 0; kernels.COMPILING = {}\n"
        "x = np.ones(5); o.update_(o.ADAM(), x, np.ones(5)); o.update_(o.ADAM(), x, x)\n"
        "print(kernels.compiled(), 'numba' in sys.modules, x[0])"
    )

    first = python(code.format(0), MINIGRAD_CACHE_DIR=str(tmp_path))
    second = python(code.format("float('inf')"), MINIGRAD_CACHE_DIR=str(tmp_path))

    assert first.split()[:2] == ["2", "True"] and second.split()[:2] == ["2", "False"]
    assert first.split()[2] == second.split()[2]
    assert len(list(tmp_path.glob("*.kernel"))) == 2  # the walk, ADAM


def test_compiling_waits_until_it_is_worth_it(monkeypatch):
    monkeypatch.setattr(kernels, "find", lambda *args: pytest.fail("asked for a kernel too early"))
    monkeypatch.setattr(tasks, "_worked", {})

    train(o.ADAM(), numbers(10), steps=50)


def test_switching_to_a_kernel_in_mid_training_changes_no_bit(monkeypatch):
    before, x, y = kernels.LOADING, numbers(9), numbers(9)
    monkeypatch.setattr(kernels, "LOADING", float("inf"))
    train(o.ADAM(), x, steps=10)
    opt = o.ADAM()
    train(opt, y, steps=5)
    monkeypatch.setattr(kernels, "LOADING", 0)
    monkeypatch.setattr(kernels, "COMPILING", 0)
    train(opt, y, steps=5, seed=6)

    assert np.array_equal(x, y) and before > 0


@pytest.mark.parametrize("switch", ["MINIGRAD_NOJIT", "NUMBA_DISABLE_JIT"])
def test_it_can_be_forbidden(switch, monkeypatch):
    monkeypatch.setenv(switch, "1")

    assert not kernels.available()


def test_without_numba_everything_works():
    code = (
        "import sys; sys.modules['numba'] = None; sys.path_hooks\n"
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'numba' else find(name, *a)\n"
        "import numpy as np, minigrad.optimise as o\nfrom minigrad.optimise.compiled import kernels\n"
        "kernels.LOADING = kernels.COMPILING = 0\n"
        "x = np.zeros(3); o.update_(o.Optimiser(o.ClipNorm(1), o.ADAM(0.1)), x, np.ones(3))\n"
        "print(x.round(6))"
    )

    assert python(code) == "[-0.1 -0.1 -0.1]"


@pytest.mark.slow
@needs_numba
def test_warmup_compiles_the_common_ones_and_says_where(tmp_path):
    from minigrad.optimise.compiled import warmup

    code = (
        "import sys\nfrom minigrad.optimise import Descent\nfrom minigrad.optimise.compiled import warmup\n"
        "warmup.common = lambda: [Descent()]\n"
        "sys.exit(warmup.main(['warmup']))"
    )
    said = python(code, MINIGRAD_CACHE_DIR=str(tmp_path))

    assert "ready  Descent(eta=0.1)" in said and str(tmp_path) in said
    assert len(list(tmp_path.glob("*.kernel"))) == 3  # the walk, float32, float64
    assert all(type(opt).__name__ in vars(o) for opt in warmup.common())


def test_the_command_explains_itself():
    said = python(
        "import runpy, sys; sys.argv = ['minigrad', '--help']\n"
        "try: runpy.run_module('minigrad', run_name='__main__')\nexcept SystemExit as e: print(e.code)"
    )

    assert "usage: python -m minigrad warmup" in said and said.endswith("0")


# A formula that cannot be compiled.


@needs_numba
def test_a_formula_that_numba_refuses_runs_on_arrays_with_one_warning(compiled, monkeypatch):
    @o.rule
    def cubic(x, dx, eta=0.5):
        step = eta * np.cbrt(dx) * np.heaviside(dx, eta)
        return step

    monkeypatch.setattr(kernels, "compile_kernel", lambda *args: (_ for _ in ()).throw(ValueError("no such thing")))
    forget(monkeypatch)
    x, opt = np.zeros(1), cubic()

    with pytest.warns(UserWarning, match="without a compiled kernel.*no such thing") as caught:
        o.update_(opt, x, np.full(1, 8.0))
        o.update_(opt, x, np.full(1, 8.0))

    assert x[0] == -2 and len(caught) <= 2


# Threads.


@needs_numba
@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("make", [lambda: o.ADAM(), lambda: o.Optimiser(o.ADAM(), o.ExpDecay(1, 0.5, 2))])
def test_threads_change_no_bit(n, make, compiled, monkeypatch):
    monkeypatch.setattr(threads, "WORTH", 10)
    shapes = [(1001,), (3,), (40, 7)]
    alone, shared = [numbers(s) for s in shapes], [numbers(s) for s in shapes]
    opt, other = make(), make()
    grads = [[numbers(s, seed=t) for s in shapes] for t in range(3)]

    for g in grads:
        o.update_(opt, alone, g)
    o.set_num_threads(n)
    try:
        for g in grads:
            o.update_(other, shared, g)
    finally:
        o.set_num_threads(1)

    assert all(map(np.array_equal, alone, shared))


def test_where_no_thread_can_be_started_one_does_it_all(monkeypatch):
    class NoMore(threading.Thread):
        left = 1

        def start(self):
            if NoMore.left <= 0:
                raise RuntimeError("can't start new thread")
            NoMore.left -= 1
            super().start()

    monkeypatch.setattr(threads.threading, "Thread", NoMore)
    for left in (0, 1):
        NoMore.left = left
        threads.forget_helpers()
        for _ in range(2):
            done = []
            threads.share(done.append, 4)
            assert sorted(done) == [0, 1, 2, 3]
    threads.forget_helpers()


@needs_numba
def test_threads_refuse_what_one_thread_refuses(compiled, monkeypatch):
    monkeypatch.setattr(threads, "WORTH", 10)
    o.set_num_threads(2)
    try:
        x, opt = np.zeros(100), o.ADAM()
        o.update_(opt, x, np.ones(100))
        with pytest.raises(ValueError, match="shape"):
            o.update_(opt, x, np.ones(99))
    finally:
        o.set_num_threads(1)


@needs_numba
def test_two_user_threads_train_different_models_at_once(compiled, monkeypatch):
    monkeypatch.setattr(threads, "WORTH", 1000)
    expected = train(o.ADAM(), numbers(5000), steps=30)
    results = [None] * 4

    def work(i):
        results[i] = train(o.ADAM(), numbers(5000), steps=30)

    o.set_num_threads(2)
    try:
        workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        [w.start() for w in workers]
        [w.join(60) for w in workers]
    finally:
        o.set_num_threads(1)

    assert all(np.array_equal(expected, r) for r in results)


@needs_numba
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_starts_threads_of_its_own(compiled, monkeypatch):
    monkeypatch.setattr(threads, "WORTH", 10)
    o.set_num_threads(2)
    try:
        train(o.Descent(), numbers(100))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            train(o.Descent(), numbers(100))
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    finally:
        o.set_num_threads(1)


@pytest.mark.parametrize(
    "bad, error",
    [
        (0, ValueError),
        (-1, ValueError),
        (1.5, TypeError),
        ("2", TypeError),
        (True, TypeError),
        (None, TypeError),
    ],
)
def test_a_number_of_threads_is_a_positive_whole_number(bad, error):
    with pytest.raises(error, match="set_num_threads"):
        o.set_num_threads(bad)
    assert o.get_num_threads() == 1


@needs_numba
@pytest.mark.parametrize("make", [lambda: o.ADAM(), lambda: o.Optimiser(o.ClipNorm(1), o.Momentum())])
def test_letting_other_threads_run_changes_no_bit(make, compiled, monkeypatch):
    from minigrad import Tensor

    locked, unlocked = train(make(), Tensor(numbers(50))), Tensor(numbers(50))
    monkeypatch.setattr(tasks, "KEEP_LOCK_BELOW", 0)
    train(make(), unlocked)

    assert np.array_equal(locked, unlocked)


# What a step costs, in calls.


@needs_numba
def test_a_step_on_many_parameters_stays_under_its_recorded_number_of_calls(compiled):
    from minigrad import Grads, Tensor, params

    ts = [Tensor(numbers(4)) for _ in range(100)]
    ps = params(*ts)
    gs, opt = Grads(ps, [Tensor(numbers(4)) for _ in ts]), o.ADAM()
    o.update_(opt, ps, gs)
    calls = []

    sys.setprofile(lambda frame, event, arg: calls.append(event))
    try:
        o.update_(opt, ps, gs)
    finally:
        sys.setprofile(None)

    # One look-up in Grads per parameter, and a fixed rest.
    assert sum(event in ("call", "c_call") for event in calls) < 100 + 60 + 100


def test_of_functions_made_by_two_threads_at_once_none_loses_its_description(monkeypatch):
    address, plan, made = 123456, np.zeros(1, np.int64), []

    class Meanwhile(dict):
        """Where another thread makes a function of the same address between a look and what follows it."""

        def get(self, key):
            found = super().get(key)
            if not made:
                made.append(None)
                made[0] = kernels.builtin(address, plan)
            return found

        def __contains__(self, key):
            return self.get(key) is not None

    monkeypatch.setattr(kernels, "_methods", Meanwhile())
    made.append(kernels.builtin(address, plan))

    description = ctypes.addressof(dict.__getitem__(kernels._methods, address))
    found = [walk.peek(id(f) + object.__basicsize__) for f in made]
    made.clear()  # before their description
    assert found == [description] * 2
