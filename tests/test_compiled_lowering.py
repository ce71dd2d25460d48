"""Programs as compiled functions: the eager step's numbers, nothing written too early, nothing trusted too long."""

import gc
import sys
import weakref

import numpy as np
import pytest
from all_rules import ALL, numbers
from compiling import needs_numba, python
from lowered import both, eager, far, lowered
from memory import peak_of
from test_performance_guards import instructions
from test_random_programs import program

from minigrad import (
    ADAM,
    ClipGlobalNorm,
    ClipNorm,
    Descent,
    ExpDecay,
    Momentum,
    Optimiser,
    Tensor,
    adjoint,
    params,
    rand,
    randn,
    seed,
    withgradient,
)
from minigrad.losses import logitcrossentropy
from minigrad.nn import relu
from minigrad.optimise.compiled import cache, kernels, ufuncs
from minigrad.optimise.compiled.lowering import last_reason, lower
from minigrad.readers.forms import PlainProgram
from minigrad.readers.tracer import run

pytestmark = needs_numba


@pytest.fixture(autouse=True)
def allowed(monkeypatch):
    monkeypatch.setenv("MINIGRAD_NOJIT", "0")


# ------------------------------------------------------------------------------------- the same numbers
def example():
    """The manual's example of composing: its loss and two parameters."""
    seed(0)
    w, w1 = rand(10, 10), rand(10, 10)

    def loss():
        x = rand(10)
        return np.mean((w @ x - w1 @ x) ** 2)

    return loss, [w, w1]


def network(dtype):
    """Two hidden layers: the loss, the parameters, three batches."""
    shapes = (20, 16), (16,), (16, 8), (8,), (8, 5), (5,)
    tensors = [Tensor(numbers(shape, dtype, k) / 4) for k, shape in enumerate(shapes)]

    def loss(X, Y):
        W1, b1, W2, b2, W3, b3 = tensors
        h = relu(np.maximum(X @ W1 + b1, 0) @ W2 + b2)
        return logitcrossentropy((h @ W3 + b3).T, Y.T)

    return loss, tensors, [(numbers((12, 20), dtype, k), np.eye(5, dtype=dtype)[np.arange(12) % 5]) for k in range(3)]


def test_the_manuals_example_makes_the_eager_steps_and_draws_the_same_numbers():
    loss, tensors = example()

    slow, fast, made = both(loss, tensors, [()], lambda: Optimiser(ExpDecay(0.1, 0.5, 5, 1e-4), Descent()))

    assert far(fast, slow) < 20 * 1e-14 and np.array_equal(fast[2], slow[2]) and made.fused and not made.left


def steady(dtype):
    """A loss whose gradient is nowhere near zero, where a rule like ADAM would make a step of a rounding error."""
    w, v = Tensor(numbers((6, 4), dtype) / 8), Tensor(numbers(4, dtype, 1) / 8)
    x = np.linspace(0.1, 0.2, 6, dtype=dtype)
    return lambda x: np.sum(np.exp(x @ (w * w + w)) * (2 + np.tanh(v))) / 8, [w, v], [(x,)]


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-14), (np.float32, 1e-6)])
def test_a_network_makes_the_eager_steps_on_every_batch(dtype, tolerance):
    loss, tensors, batches = network(dtype)

    slow, fast, made = both(loss, tensors, batches, Momentum)

    assert far(fast, slow) < 20 * tolerance and made.fused and not made.left


@pytest.mark.slow
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-14), (np.float32, 1e-6)])
@pytest.mark.parametrize("name", ALL)
def test_so_it_does_with_every_rule(name, dtype, tolerance):
    loss, tensors, batches = steady(dtype)

    slow, fast, _ = both(loss, tensors, batches, ALL[name], steps=10)

    assert far(fast, slow) < 10 * tolerance


def test_loops_make_the_steps_of_single_calls():
    loss, tensors, batches = network(np.float32)
    ps, start = params(*tensors), [np.array(t.data) for t in tensors]
    ends = []
    for looped in (False, True):
        for t, x in zip(tensors, start):
            t.data[...] = x
        opt = ADAM()
        eager(loss, ps, batches[0], opt)
        made = lowered(loss, ps, batches[0], opt)
        stacked = [np.stack(xs) for xs in zip(*batches)]
        losses = made.loop(3, *stacked) if looped else [made.run(*batch) for batch in batches]
        ends.append([*losses, *[np.array(t.data) for t in tensors]])

    assert all(map(np.array_equal, *ends))


def test_a_loop_ends_before_the_step_that_is_not_finite():
    w = Tensor([1.0])
    xs = np.array([[1.0], [2.0], [np.inf], [3.0]])
    opt = Descent(0.125)
    loss = lambda x: np.sum(w * x)
    eager(loss, params(w), (xs[0],), opt)
    made = lowered(loss, params(w), (xs[0],), opt)

    losses = made.loop(4, xs)

    assert losses.tolist() == [0.875, 1.5] and made.why_none == "finite" and w.data.tolist() == [0.5]


def test_elementwise_lines_have_the_bits_of_numpy():
    x, y = Tensor(numbers(50)), Tensor(numbers((4, 1), seed=1))

    def loss():
        a = np.where(x > 0, np.abs(x), x * 0.5) / (1.5 - np.minimum(y, 0.25)) + np.sqrt(np.exp(-x)) * np.tanh(y)
        return np.max(np.sign(a) * a - np.square(a) ** 3)

    made = lowered(loss, params(x, y))
    value, grads = withgradient(loss, params(x, y))

    assert made.try_()[0] == value and np.allclose(made.gradients[1], grads[y].data, 1e-14, 0)
    assert made.gradients[0].tobytes() == grads[x].data.tobytes()


def test_in_float32_too():
    x = Tensor(numbers(50, np.float32))

    def loss():
        s = np.sign(x) / 3 + np.reciprocal(x) * np.sign(x)
        return np.max(np.where(np.isfinite(x), np.abs(s) * 0.1 + np.negative(x) / 7, 2.0) ** 2 - np.sqrt(np.abs(x)))

    value, grads = withgradient(loss, params(x))
    made = lowered(loss, params(x))

    assert made.try_()[0] == value and made.gradients[0].tobytes() == grads[x].data.tobytes()


def test_long_sums_of_float32_are_exact():
    x = Tensor(np.linspace(0, 1, 200_000, dtype=np.float32))
    w = Tensor(np.ones((3000, 4), np.float32) / 3)

    value, _ = lowered(lambda: np.sum(x * x) + np.sum(np.sum(w, axis=0) ** 2), params(x, w)).try_()

    exact = np.sum(np.square(x.data).astype(float)) + 4 * (3000 * float(np.float32(1 / 3))) ** 2
    assert abs(value / exact - 1) < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("number", range(60))
def test_random_programs_have_the_eager_gradients(number):
    f, arguments = program(number)
    tensors = list(map(Tensor, arguments))
    loss = lambda: f(*tensors)
    made = lowered(loss, params(*tensors))
    for t in tensors:
        t.data[...] = numbers(t.shape, seed=number)
    value, grads = withgradient(loss, params(*tensors))

    found, gradients = made.try_()

    assert np.isclose(found, value, 1e-13, 1e-14)
    for t, d in zip(tensors, gradients):
        assert d is None and grads[t] is None or np.allclose(d, grads[t].data, 1e-11, 1e-12)


# -------------------------------------------------------------------------------- what stays with Python
def test_calls_of_python_stand_between_the_pieces():
    A, b = Tensor(numbers((4, 4)) + 4 * np.eye(4)), Tensor(numbers(4, seed=1))

    def loss():
        S = A @ A.T + np.eye(4)
        return np.sum(np.linalg.solve(S, b) ** 2) + np.sum(np.log(np.diagonal(np.linalg.cholesky(S))))

    slow, fast, made = both(loss, [A, b], [()], lambda: Momentum(0.01))

    assert far(fast, slow) < 1e-12 and {"solve", "cholesky"} <= {code.split()[-1][:-5] for _, code in made.left}


def test_so_do_functions_with_derivatives_of_their_own_and_other_random_numbers():
    w = Tensor(numbers(5))

    @adjoint
    def twice(x):
        return 2 * x, lambda g: (2 * g,)

    slow, fast, made = both(lambda: np.sum(twice(w) * randn(5) * rand(5)), [w], [()], lambda: Descent(0.01))

    assert far(fast, slow) < 1e-13 and np.array_equal(fast[2], slow[2]) and len(made.drawn) == 2


def test_objects_between_calls_may_look_at_the_arrays_that_they_were_made_of():
    w = Tensor(numbers(6))

    @adjoint
    def cube(x):
        return x**3, lambda g: (3 * g * x * x,)

    def loss():
        parts = np.split(np.exp(w * 0.5), 3)  # views of memory that is used again
        return np.sum(cube(w * 2.0) * np.tanh(w)) + np.sum(parts[0] * parts[2]) / (1 + np.sum(parts[1] ** 2))

    made = lowered(loss, params(w))
    value, grads = withgradient(loss, params(w))

    assert np.isclose(made.try_()[0], value, 1e-14) and np.allclose(made.gradients[0], grads[w].data, 1e-13)


def test_data_of_other_dtypes_are_cast_by_calls_of_python():
    W = Tensor(numbers((4, 3)))
    X, labels = np.arange(20, dtype=np.uint8).reshape(5, 4), np.array([0, 2, 1, 1, 0], np.int32)
    loss = lambda X, labels: np.sum(np.exp(X / 255 @ W)[np.arange(5), labels]) - np.sum(X.T.reshape(-1) * 0.5)

    slow, fast, made = both(loss, [W], [(X, labels)], lambda: Descent(0.01))

    assert far(fast, slow) < 1e-13 and made.pieces and made.run(X.astype(float), labels) is None


def test_an_exception_in_a_call_comes_out_and_nothing_is_written():
    w = Tensor(np.eye(2))
    opt, loss = Descent(0.1), lambda X: np.sum((rand(2, 2) + np.linalg.inv(w * X)) * rand(2, 2))
    eager(loss, params(w), (np.eye(2) + 1,), opt)
    made = lowered(loss, params(w), (np.eye(2) + 1,), opt)
    before = w.data.copy()

    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        made.run(np.zeros((2, 2)))

    assert np.array_equal(w.data, before) and len(made.take_drawn()) == 1 and made.run(np.eye(2) + 1) is not None


# ------------------------------------------------------------------------------------ what is checked
def test_only_arrays_like_those_of_the_trace_are_taken():
    w = Tensor(numbers((3, 4)))
    x = numbers((4, 2), seed=1)
    opt, loss = Descent(0.1), lambda x: np.sum((w @ x) ** 2)
    eager(loss, params(w), (x,), opt)
    made = lowered(loss, params(w), (x,), opt)
    before = w.data.copy()
    swapped = x.astype(x.dtype.newbyteorder())

    others = [x.astype(np.float32), x[:3], x.T, np.asfortranarray(x), x.tolist(), swapped, x[::-1], np.ma.array(x)]
    for other in [*others, Tensor(x), None]:
        assert made.run(other) is None and made.why_none == "argument"
    assert made.run() is None and made.run(x, x) is None and np.array_equal(w.data, before)
    x.flags.writeable = False
    assert made.try_(x)[0] == loss(x)


def test_parameters_are_found_through_the_tensor_at_every_step():
    w, opt = Tensor(numbers(4)), ADAM()
    loss = lambda: np.sum(w**2)
    eager(loss, params(w), (), opt)
    made = lowered(loss, params(w), (), opt)
    made.run()
    w.data = np.full(4, 3.0)

    assert made.run() == 36.0 and w.data[0] < 3
    opt.reset_()
    other, same = ADAM(), Tensor(w.data)
    assert np.isclose(made.run(), np.sum(same.data**2), 1e-14)
    eager(lambda: np.sum(same**2), params(same), (), other)
    assert np.array_equal(w.data, same.data)  # a fresh state was found
    w.data = np.ones(5)
    assert made.run() is None and made.why_none == "argument"


def test_parameters_that_share_memory_are_left_to_update_():
    memory = numbers(6)
    a, b = Tensor(memory[:4], copy=False), Tensor(memory[2:], copy=False)
    loss = lambda: np.sum(a * a) + np.sum(b * b * b)

    slow, fast, made = both(loss, [a, b], [()], lambda: Momentum(0.01), steps=3)

    assert made.fused is None and far(fast, slow) < 1e-13


@pytest.mark.parametrize("order", [np.asfortranarray, lambda x: np.ascontiguousarray(x.T).T[::-1][::-1]])
def test_parameters_in_other_orders_keep_them(order):
    W, V = Tensor(order(numbers((4, 3))), copy=False), Tensor(numbers((8, 6))[::2, ::2], copy=False)
    assert not W.data.flags.c_contiguous and not V.data.flags.forc

    slow, fast, _ = both(lambda: np.sum(np.exp(V @ W.T @ W)), [W, V], [()], lambda: ADAM(0.01), steps=5)

    assert far(fast, slow) < 1e-13 and V.data.flags.forc is False


def test_a_loss_that_is_not_finite_writes_nothing_and_hands_out_what_was_drawn():
    w, opt = Tensor([1.0, 2.0]), ADAM()
    loss = lambda x: np.sum(np.log(w * x) * rand(2))
    eager(loss, params(w), (np.ones(2),), opt)
    made = lowered(loss, params(w), (np.ones(2),), opt)
    before = [w.data.copy(), *map(np.copy, opt.state[w])]
    seed(3)
    made = lowered(loss, params(w), (np.ones(2),), opt)

    assert made.run(np.zeros(2)) is None and made.why_none == "finite"
    seed(3)
    assert np.array_equal(made.take_drawn()[0], rand(2).data)
    assert all(map(np.array_equal, before, [w.data, *opt.state[w]]))


def test_clipping_by_norms_is_measured_between_gradients_and_kernels():
    loss, tensors, batches = network(np.float64)
    for clip in (ClipNorm(0.05), ClipGlobalNorm(0.05)):
        slow, fast, made = both(loss, tensors, batches, lambda: Optimiser(clip, Momentum()), steps=5)  # noqa: B023
        assert far(fast, slow) < 1e-13 and made.fused


def test_hyperparameters_are_read_at_every_step_and_another_composition_is_followed():
    w = Tensor([1.0])
    opt = Optimiser(Descent(0.5))
    loss = lambda: np.sum(w * 2.0)
    eager(loss, params(w), (), opt)
    made = lowered(loss, params(w), (), opt)
    made.run()
    opt.os[0].eta = 1.0
    made.run()
    assert w.data[0] == 1.0 - 1.0 - 1.0 - 2.0
    opt.os.append(Descent(0.5))
    made.run()
    assert w.data[0] == -3.0 - 1.0


# --------------------------------------------------------------------------------------- what is made
EXAMPLE = """\
def kernel(piece, at):
    if piece == 0:  # v3 = matmul[10]
        p0 = f8s(peek(at + 0))
        p1 = f8s(peek(at + 8))
        p2 = f8s(peek(at + 16))
        for i in range(10):
            row()
            s = f8(0.0)
            for j in range(10):
                s = muladd(s, load(p0, i * 10 + j, 0), load(p1, j, 1))
            store(p2, i, s, 2)
        return 0
"""


def test_the_text_of_the_manuals_example_is_short_and_holds_no_addresses():
    loss, tensors = example()
    ps, opt = params(*tensors), ADAM()
    eager(loss, ps, (), opt)

    text = lowered(loss, ps, (), opt).text

    assert text.startswith(EXAMPLE) and len(text.splitlines()) < 70
    assert text.endswith("# piece 3   d_w1, d_w\n# the optimiser's kernels\n")


def test_steps_of_equal_shapes_share_their_code():
    loss, tensors, batches = network(np.float32)
    lowered(loss, params(*tensors), batches[0])
    before = kernels.compiled()
    other, others, _ = network(np.float32)

    assert lowered(other, params(*others), batches[0]).try_(*batches[0])[0] and kernels.compiled() == before


def test_repeated_steps_of_a_network_are_one_piece():
    W, x = Tensor(numbers((5, 5)) / 2), numbers((8, 5))

    def loss():
        h = np.zeros(5)
        for row in x:
            h = np.tanh(W @ h + row)
        return np.sum(h)

    made = lowered(loss, params(W))

    assert len(made.numbers) > 30 and len(set(made.numbers)) < 13
    assert np.isclose(made.try_()[0], withgradient(loss, params(W)).val, 1e-13)


WARM = """
import sys, numpy as np, minigrad as m
sys.path.insert(0, "tests")
from lowered import eager, lowered
w, opt = m.Tensor(np.ones(3)), m.ADAM()
loss = lambda: np.sum(np.exp(w) * w)
eager(loss, m.params(w), (), opt)
made = lowered(loss, m.params(w), (), opt)
print(made.run(), bool(made.fused), "numba" in sys.modules)
"""


@pytest.mark.skipif(cache.folder() is None, reason="nothing is kept on disk here")
def test_a_warm_cache_needs_no_numba():
    python(WARM)  # compiles what is not on disk yet

    assert python(WARM) == "8.138548021269699 True False"


def test_what_numba_refuses_runs_as_the_text(monkeypatch):
    def refuse(*key):
        raise NotImplementedError("no such thing")

    monkeypatch.setattr(kernels, "_addresses", {})
    monkeypatch.setattr(kernels, "load_or_compile", refuse)
    w = Tensor(numbers(3))
    forms = PlainProgram(run(lambda: np.sum(w * w), (params(w),), (), follows=False).simplified())

    assert lower(forms, (w,)) is None and "no such thing" in last_reason()
    monkeypatch.setenv("MINIGRAD_NOJIT", "1")
    assert lower(forms, (w,)) is None and "MINIGRAD_NOJIT" in last_reason()


def test_a_step_is_one_call_of_compiled_code_and_allocates_next_to_nothing():
    loss, tensors = example()
    ps, opt = params(*tensors), ADAM()
    eager(loss, ps, (), opt)
    made = lowered(loss, ps, (), opt)
    made.run()
    calls = []

    def profile(frame, event, argument):
        if event == "c_call":
            calls.append(argument.__name__)

    sys.setprofile(profile)
    try:
        made.run()
    finally:
        sys.setprofile(None)

    assert calls.count("minigrad") == 1 and len(calls) < 12 and instructions(made.run)[0] < 80
    assert peak_of(made.run) < 1000


def test_a_step_dies_with_its_last_reference():
    loss, tensors = example()
    ps, opt = params(*tensors), ADAM()
    eager(loss, ps, (), opt)
    gc.collect()
    gc.disable()
    try:
        made = lowered(loss, ps, (), opt)
        made.run()
        watched = [weakref.ref(made), weakref.ref(tensors[0])]
        del made, loss, tensors, ps, opt
        assert [ref() for ref in watched] == [None, None]
    finally:
        gc.enable()


def test_inner_loops_are_found_only_in_ufuncs_that_lie_as_they_should(monkeypatch):
    assert ufuncs.number_of_loop(np.exp, [np.dtype(float)], np.dtype(float)) is not None
    assert ufuncs.number_of_loop(np.exp, [np.dtype(int)], np.dtype(float)) is None  # another dtype is cast first
    assert ufuncs.number_of_loop(np.power, [np.dtype(np.float32), float], np.dtype(np.float32)) is not None
    assert ufuncs.number_of_loop(np.power, [np.dtype(np.float32), np.dtype(float)], np.dtype(float)) is None
    assert not ufuncs.is_known(np.sum)
