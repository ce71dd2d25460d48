"""Speed, guarded without a clock: instructions of Python, calls, and bytes stay under recorded bounds.

An instruction is one bytecode of Python's, counted by tracing; NumPy and compiled code run inside single
ones.  The bounds were counted on Python 3.11, which needs the most (3.13 needs 8 % less), and there is an
allowance of a tenth.  A change that makes a count fall should lower its bound; one that has to raise a bound
says why.
"""

import gc
import sys
import tracemalloc

import numpy as np
import pytest
from all_rules import ALL, UNCOMPILED, numbers
from memory import peak_of

from minigrad import (
    ADAM,
    ClipGlobalNorm,
    ClipValue,
    Descent,
    ExpDecay,
    Grads,
    Optimiser,
    Params,
    Tensor,
    WeightDecay,
    distributed,
    gradient,
    nn,
    params,
    train_,
    update_,
    withgradient,
)
from minigrad.losses import logitcrossentropy, mse
from minigrad.nn import relu

ALLOWANCE = 1.1


def instructions(f):
    """Return how many instructions and how many calls of Python functions ``f()`` takes."""
    counted = {"opcode": 0, "call": 0}

    def trace(frame, event, _):
        frame.f_trace_opcodes = True
        if event in counted:
            counted[event] += 1
        return trace

    before = sys.gettrace()
    gc.disable()  # Hypothesis has Python functions called by the collector
    sys.settrace(trace)
    try:
        f()
    finally:
        sys.settrace(before)
        gc.enable()
    return counted["opcode"], counted["call"]


instructions(lambda: None)  # Python 3.12 counts from the second time on


def chain(operation, n, x):
    """Return the loss of ``n`` operations one after the other."""

    def loss():
        y = x
        for _ in range(n):
            y = operation(y)
        return np.sum(y)

    return loss


# ---------------------------------------------------------------------------------- the tape
CONSTANT, OTHER = np.full((3, 3), 0.5), Tensor(np.eye(3))

# Instructions per operation, forward and backward together, the loop around it included.
OPERATIONS = {
    "np.sin(y)": (lambda y: np.sin(y), 142),
    "y * 1.01": (lambda y: y * 1.01, 137),
    "y + array": (lambda y: y + CONSTANT, 143),
    "y * W": (lambda y: y * OTHER, 209),
    "y ** 2": (lambda y: y**2, 152),
    "W @ y": (lambda y: OTHER @ y, 300),
    "relu(y)": (lambda y: relu(y), 267),
    "np.maximum(y, 0)": (lambda y: np.maximum(y, 0), 282),
    "y.T": (lambda y: y.T, 282),
    "y - np.sum(y)": (lambda y: y - np.sum(y), 540),
    "y - y.sum(axis=0)": (lambda y: y - y.sum(axis=0), 830),
    "np.reshape(y, (3, 3))": (lambda y: np.reshape(y, (3, 3)), 431),
}


def test_a_tensor_looks_up_its_attributes_in_the_way_that_python_makes_fast():
    assert not {"__getattr__", "__getattribute__"} & {name for c in Tensor.__mro__[:-1] for name in vars(c)}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_takes_few_instructions(name):
    operation, bound = OPERATIONS[name]
    x = Tensor(np.eye(3))
    ps = Params([x, OTHER])
    gradient(chain(operation, 1, x), ps)

    few, many = (instructions(lambda: gradient(chain(operation, n, x), ps))[0] for n in (10, 30))  # noqa: B023

    assert (many - few) / 20 <= bound * ALLOWANCE


def test_instructions_grow_in_a_straight_line_with_the_chain():
    x = Tensor(np.ones(3))
    ps = Params([x])
    gradient(chain(np.sin, 1, x), ps)

    first, second, third = [
        instructions(lambda: gradient(chain(np.sin, n, x), ps))[0]  # noqa: B023
        for n in (50, 100, 200)
    ]

    assert third - second == 2 * (second - first)


def test_a_gradient_call_takes_few_instructions_besides():
    x = Tensor(np.ones(3))
    ps = Params([x])
    gradient(lambda: np.sum(x), ps)

    told = 20 * (np.__version__ < "2")  # NumPy 1 is told what to do about errors by functions of Python's

    assert instructions(lambda: gradient(lambda: np.sum(x), ps))[0] <= (794 + told) * ALLOWANCE


def test_the_gradient_of_the_manuals_small_example_takes_few_instructions():
    w, w1, x = Tensor(np.ones((10, 10))), Tensor(np.eye(10)), np.ones(10)

    def iteration():
        return gradient(lambda: mse(w @ x, w1 @ x), Params([w, w1]))

    iteration()

    assert instructions(iteration)[0] <= 1794 * ALLOWANCE


def test_the_gradient_of_a_network_takes_few_instructions():
    rng = np.random.default_rng(0)
    W1, b1, W2, b2 = weights = [Tensor(rng.standard_normal(s)) for s in [(8, 6), 6, (6, 4), 4]]
    x, y, ps = rng.random((5, 8)), np.eye(4)[[0, 1, 2, 3, 0]], Params(weights)

    def iteration():
        return gradient(lambda: logitcrossentropy(relu(x @ W1 + b1) @ W2 + b2, y), ps)

    iteration()

    assert instructions(iteration)[0] <= 3000 * ALLOWANCE


# Bytes per operation on one element.
BYTES = {"np.sin(y)": 317, "y * 1.01": 197, "y + 0.1": 149, "relu(y)": 317}


@pytest.mark.parametrize("name", BYTES)
def test_an_operation_leaves_few_bytes_on_the_tape(name):
    operation = {**OPERATIONS, "y + 0.1": (lambda y: y + 0.1, None)}[name][0]
    x, found = Tensor(np.ones(1)), []

    def loss():
        y = x
        for _ in range(5_000):  # Python has kept some thousand tuples and numbers to use again
            y = operation(y)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(5_000):
            y = operation(y)
        found.append((tracemalloc.get_traced_memory()[0] - before) / 5_000)
        return np.sum(y)

    tracemalloc.start()
    gradient(loss, Params([x]))
    tracemalloc.stop()

    assert found[0] <= BYTES[name] * ALLOWANCE


def test_a_constant_factor_keeps_no_array_on_the_tape():
    x, found = Tensor(np.ones(10_000)), []

    def loss():
        y = x
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(20):
            y = y * 1.01
        found.append(tracemalloc.get_traced_memory()[0] - before)
        return np.sum(y)

    tracemalloc.start()
    gradient(loss, Params([x]))
    tracemalloc.stop()

    assert found[0] < 2 * x.nbytes


# ---------------------------------------------------------------------------- reading in a loop
def test_reading_elements_in_a_loop_takes_the_same_instructions_for_each():
    x = Tensor(np.ones(400))
    ps = Params([x])

    def loss(n):
        return lambda: sum(x[i] for i in range(n))

    gradient(loss(2), ps)
    first, second, third = (instructions(lambda: gradient(loss(n), ps))[0] for n in (100, 200, 400))  # noqa: B023

    assert third - second == pytest.approx(2 * (second - first), rel=0.02)


def test_reading_elements_in_a_loop_makes_no_array_of_zeros_for_each():
    x = Tensor(np.ones(100_000))

    peak = peak_of(lambda: gradient(lambda: x[3] * x[5] + x[3] * x[70_000], Params([x])))

    assert peak < 1.5 * x.nbytes  # the result alone is 1


# ------------------------------------------------------------------------------- optimisers
def many(n):
    """Return Params of ``n`` small parameters and their gradients."""
    ps = Params([Tensor(np.ones((3, 2), np.float32)) for _ in range(n)])
    return ps, gradient(lambda: sum(np.sum(p * p) for p in ps), ps)


# Instructions and calls of Python functions per step.
STEPS = {
    "ADAM": (lambda: ADAM(), 289, 12),
    "four rules": (lambda: Optimiser(ClipValue(1e-3), WeightDecay(1e-4), ADAM(), ExpDecay()), 425, 17),
    "ExpDecay and Descent": (lambda: Optimiser(ExpDecay(), Descent()), 372, 15),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_on_many_parameters_takes_no_more_instructions_than_on_two(name, compiled):
    make, most, most_calls = STEPS[name]
    counts = []
    for n in (2, 220):
        opt, (ps, gs) = make(), many(n)
        update_(opt, ps, gs)
        update_(opt, ps, gs)
        counts.append(instructions(lambda: update_(opt, ps, gs)))  # noqa: B023

    assert counts[0] == counts[1]
    assert counts[0][0] <= most * ALLOWANCE and counts[0][1] <= most_calls * ALLOWANCE


def test_a_step_on_very_many_small_parameters_takes_no_more_instructions_either(compiled):
    counts = []
    for n in (2, 1000):  # the second has as many elements as a step that lets other threads run
        opt, ps = ADAM(), Params([Tensor(np.ones(200, np.float32)) for _ in range(n)])
        gs = Grads(ps, [Tensor(np.ones(200, np.float32)) for _ in range(n)])
        update_(opt, ps, gs)
        update_(opt, ps, gs)
        counts.append(instructions(lambda: update_(opt, ps, gs)))  # noqa: B023

    assert counts[0] == counts[1]


def test_each_further_parameter_takes_no_instructions_where_a_norm_is_measured(compiled):
    counts = []
    for n in (20, 220):
        opt, (ps, gs) = Optimiser(ClipGlobalNorm(1), ADAM()), many(n)
        update_(opt, ps, gs)
        update_(opt, ps, gs)
        counts.append(instructions(lambda: update_(opt, ps, gs))[0])  # noqa: B023

    assert counts[1] == counts[0]


def test_a_new_params_at_every_step_prepares_nothing_anew(compiled):
    ps, gs = many(20)
    opt = ADAM()
    update_(opt, ps, gs)
    update_(opt, ps, gs)

    fresh = Params(list(ps))

    assert instructions(lambda: update_(opt, fresh, gs))[0] == instructions(lambda: update_(opt, ps, gs))[0]


@pytest.mark.parametrize("name", [name for name in ALL if name not in UNCOMPILED])
def test_a_step_allocates_nothing_of_the_parameters_size(name, compiled):
    opt, x, dx = ALL[name](), numbers(60_000), numbers(60_000, seed=1)
    for _ in range(2):
        update_(opt, x, dx)

    peak = peak_of(lambda: update_(opt, x, dx))

    assert peak < x.nbytes / 10


# ------------------------------------------------------------------------------- a group of one
def network_and_batch():
    rng = np.random.default_rng(0)
    model = nn.Chain(nn.Dense(64, 128, np.tanh), nn.Dense(128, 64, np.tanh), nn.Dense(64, 10))
    batch = rng.normal(size=(16, 64)), np.eye(10)[rng.integers(0, 10, 16)]
    return params(model), batch, lambda x, y: logitcrossentropy(model(x), y)


@pytest.mark.parametrize("together", [False, True])
def test_a_step_of_training_in_a_group_of_one_takes_the_instructions_of_one_without(together, compiled):
    ps, batch, loss = network_and_batch()

    def of_a_step(**group):
        counts = []
        for n in (10, 30):
            run = lambda: train_(loss, ps, [batch] * n, ADAM(), progress="silent", compiled=together, **group)  # noqa: B023
            run()
            counts.append(instructions(run)[0])
        return (counts[1] - counts[0]) / 20

    assert of_a_step(group=distributed.group()) <= 1.01 * of_a_step()


def test_a_gradient_in_a_group_of_one_takes_one_percent_more_instructions():
    ps, (x, y), loss = network_and_batch()
    group, given = distributed.group(), lambda: loss(x, y)
    for _ in range(2):
        withgradient(given, ps), group.withgradient(loss, ps, (x, y))

    alone = instructions(lambda: withgradient(given, ps))[0]

    assert instructions(lambda: group.withgradient(given, ps, rows=16))[0] <= alone + 46  # one percent
    assert instructions(lambda: group.withgradient(loss, ps, (x, y)))[0] <= alone + 140  # and takes the batch apart
