"""The tape: what is recorded and when, that walking back never recurses, and that memory is given back."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, gradient, isderiving, params, pullback, withgradient
from minigrad.core.gradient import Run
from minigrad.core.tape import Parts, Tape, active_tape, backward


@pytest.fixture
def collector_off():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


# ---------------------------------------------------------------------------------- what is recorded
def test_outside_of_a_gradient_nothing_is_recorded():
    W = Tensor([1.0, 2.0])

    y = np.sum(W * 2)

    assert active_tape() is None and y.tape is None


def test_only_what_depends_on_the_argument_is_recorded():
    W = Tensor(np.ones(3))

    def f(x):
        constant = np.exp(W) * 2  # three entries would stand here if it were recorded
        return np.sum(x * constant)

    run = Run(f, (np.ones(3),), "test")

    assert len(run.entries) == 3  # the leaf, the product and the sum


def test_entries_are_plain_values_that_know_where_they_came_from():
    run = Run(lambda x: x * 2.0, (3.0,), "test")

    leaf, ((source, vjp, *values),) = run.entries

    assert leaf == () and source == 0
    assert vjp(1.0, *values) == 2.0


def test_isderiving_is_true_inside_a_gradient_only():
    seen = []

    gradient(lambda x: (seen.append(isderiving()), x)[1], 1.0)

    assert seen == [True] and not isderiving()


def test_an_exception_inside_the_loss_leaves_no_tape_active():
    def f(x):
        gradient(lambda y: y / (x * 0 == 0) and y.no_such_attribute, x)

    with pytest.raises(AttributeError):
        gradient(f, 1.0)

    assert active_tape() is None and gradient(lambda x: x * x, 3.0) == (6.0,)


def test_an_exception_on_the_way_back_leaves_no_tape_active():
    def broken(g):
        raise RuntimeError("no gradient today")

    with pytest.raises(RuntimeError, match="today"):
        gradient(lambda x: minigrad.hook(broken, x), 1.0)

    assert active_tape() is None


def test_an_exception_caught_in_an_inner_gradient_leaves_the_outer_one_recording():
    def f(x):
        try:
            gradient(lambda y: 1 / 0, 1.0)
        except ZeroDivisionError:
            pass
        return x * x

    assert gradient(f, 3.0) == (6.0,)


def test_a_generator_that_is_left_unfinished_does_not_keep_a_tape_active():
    def values(x):
        yield x * x
        yield 1 / 0

    assert gradient(lambda x: next(values(x)), 3.0) == (6.0,)
    assert active_tape() is None


# ------------------------------------------------------------------------------------ walking back
def test_a_chain_of_100000_operations_needs_no_recursion():
    def chain(x):
        for _ in range(100_000):
            x = x * 1.0
        return x

    assert gradient(chain, 2.0) == (1.0,)


def test_a_deep_chain_of_nested_gradients_is_right():
    nth = lambda n: (lambda x: x**6) if n == 0 else (lambda x: gradient(nth(n - 1), x)[0])

    assert nth(5)(2.0) == pytest.approx(6 * 5 * 4 * 3 * 2 * 2.0)


def test_a_diamond_adds_both_ways():
    def diamond(x):
        a = x * 3
        return a * a + np.sin(a)

    assert gradient(diamond, 0.5)[0] == pytest.approx(2 * 9 * 0.5 + 3 * np.cos(1.5))


def test_a_value_used_many_times_gets_all_its_contributions():
    assert gradient(lambda x: sum(x * k for k in range(1, 101)), 1.0) == (5050.0,)


def test_a_ladder_of_doublings_is_walked_once_per_entry_not_once_per_path():
    def ladder(x):
        for _ in range(60):
            x = x + x  # 2**60 paths
        return x

    assert gradient(ladder, 1.0) == (2.0**60,)


def test_unused_values_cost_nothing_and_change_nothing():
    def f(x):
        minigrad.hook(lambda g: 1 / 0, np.exp(x))  # never used, so that nothing comes back
        return x * 2

    assert gradient(f, 3.0) == (2.0,)


def test_the_loss_may_be_the_argument_itself():
    assert gradient(lambda x: x, 3.0) == (1.0,)
    b = Tensor(3.0)
    assert gradient(lambda: b, params(b))[b].data == 1.0


def test_backward_gives_none_to_a_leaf_that_is_not_reached():
    tape = Tape()
    tape.add()
    tape.add()
    slot = tape.add((1, lambda g: 5 * g))

    assert backward(tape.entries, {slot: 2.0}, 2) == [None, 10.0]


def test_backward_keeps_the_entries_unless_it_is_told_to_consume_them():
    tape = Tape()
    tape.add()
    slot = tape.add((0, lambda g: 5 * g))

    backward(tape.entries, {slot: 1.0}, 1)
    assert len(tape.entries) == 2
    backward(tape.entries, {slot: 1.0}, 1, consume=True)
    assert len(tape.entries) == 1


def test_parts_add_element_by_element_and_none_is_no_contribution():
    assert Parts((1.0, None, None)) + Parts((2.0, 3.0, None)) == (3.0, 3.0, None)


# ------------------------------------------------------------------------------------------ memory
def test_memory_is_freed_as_the_backward_pass_goes():
    n, steps = 50_000, 40
    peaks = []

    def chain(x):
        for _ in range(steps):
            x = np.sin(x)
        peaks.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.reset_peak()
        return np.sum(x)

    tracemalloc.start()
    gradient(chain, np.ones(n))
    peak_on_the_way_back = tracemalloc.get_traced_memory()[1]
    left = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    # forwards everything is kept; backwards only a few arrays more live at once, and nothing remains
    assert peak_on_the_way_back < peaks[0] + 6 * 8 * n
    assert left < 4 * 8 * n


def test_an_early_value_is_freed_before_the_walk_reaches_an_earlier_one():
    alive_at_hook = []

    def f(x):
        x = minigrad.hook(lambda g: (alive_at_hook.append(kept() is not None), g)[1], x)
        y = np.sin(x)
        kept = weakref.ref(np.exp(y))
        return np.sum(np.cos(np.exp(y)))

    gradient(f, np.ones(3))

    assert alive_at_hook == [False]


def test_what_an_entry_does_not_need_is_not_kept():
    seen = []

    def f(x):
        y = x * 2.0
        seen.append(weakref.ref(y.data))
        z = y + 1.0  # a sum needs none of its inputs
        del y
        assert seen[0]() is None
        return np.sum(z)

    gradient(f, np.ones(3))


def loss_and_step():
    W = Tensor(np.ones((3, 3)))
    x = np.ones(3)
    ps = params(W)
    with_grads = withgradient(lambda: np.sum(np.tanh(W @ x) ** 2), ps)
    inner = gradient(lambda v: np.sum(gradient(lambda u: np.sum(u**3 * v), v)[0]), x)
    y, back = pullback(lambda v: (np.sin(v), {"twice": 2 * v}), x)
    back((x, None))
    back((None, {"twice": x}))
    pullback(lambda v, i: np.sum(v[:i]) + v[i] + v[i:, None][0, 0], x, 2)
    pullback(minigrad.adjoint(lambda v: (2 * v, lambda g: (2 * g,))), x)
    minigrad.jacobian(np.sin, x)
    minigrad.hessian(lambda v: np.sum(v**3), x)
    minigrad.hvp(lambda v: np.sum(v**3), x, x)
    buffer = minigrad.Buffer(np.zeros(3))
    gradient(lambda v: (buffer.__setitem__(0, v[0]), np.sum(buffer.copy()))[1], x)
    gradient(lambda v: np.sum(minigrad.checkpointed(np.sin, v)), x)
    gradient(lambda d: np.sum(d["a"]) * d["b"][0], {"a": x, "b": [1.0]})
    return with_grads, inner


def test_no_reference_cycle_is_left_behind(collector_off):
    loss_and_step()
    gc.collect()

    loss_and_step()

    assert gc.collect() == 0


def unknown_attribute(x):
    y = np.sin(x)
    return np.sum(y) + y.no_such_attribute


def conversion(x):
    return float(np.sum(x))


def assignment(x):
    z = np.zeros(3)
    z[0] = x[0]
    return np.sum(z)


def inner_gradient(x):
    return gradient(lambda y: np.sum(y * x) + y.no_such_attribute, x)


@pytest.mark.parametrize("failing", [unknown_attribute, conversion, assignment, inner_gradient])
def test_no_reference_cycle_is_left_after_an_exception(collector_off, failing):
    def attempt():
        try:
            gradient(failing, np.ones(3))
        except (AttributeError, TypeError):
            pass

    attempt()
    gc.collect()
    attempt()

    assert gc.collect() == 0


def test_tape_and_values_die_with_the_last_reference(collector_off):
    born = []

    def f(x):
        y = np.exp(x)
        born.append(weakref.ref(y.data))
        born.append(weakref.ref(y))
        return np.sum(y * y)

    gradient(f, np.ones(5))

    assert [reference() for reference in born] == [None, None]


def test_a_pullback_holds_its_values_until_it_is_dropped(collector_off):
    born = []

    def f(x):
        y = np.exp(x)
        born.append(weakref.ref(y.data))
        return y * y

    y, back = pullback(f, np.ones(5))
    assert born[0]() is not None
    del y, back

    assert born[0]() is None


def test_a_tensor_that_escaped_is_a_constant_afterwards():
    escaped = []
    gradient(lambda x: (escaped.append(x * 2), x)[1], 3.0)

    assert gradient(lambda x: x * minigrad.dropgrad(escaped[0]), 1.0) == (6.0,)
    assert float(escaped[0]) == 6.0
