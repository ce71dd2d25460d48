"""A text that is run at other numbers is right, or refused: no value that was traced comes back as a constant."""

import copy
import ctypes
import io
import math
import pickle
import random
import threading
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import (
    Tensor,
    TraceError,
    adjoint,
    dropgrad,
    generator,
    gradient,
    hook,
    params,
    pullback,
    rand,
    sampling,
    trace,
    withgradient,
)
from minigrad.readers.tracer import run

AT, ELSEWHERE = np.array([[1.0, -0.5], [0.25, 2.0]]), np.array([[0.5, 2.0], [-1.5, 0.75]])
W = Tensor(AT)
same, part, raw, raw_part = Tensor(W.data, copy=False), Tensor(W.data[0], copy=False), W.data, W.data[0]
table, rng, old, pool = np.arange(20.0), np.random.default_rng(3), np.random.RandomState(0), ThreadPoolExecutor(1)
pool.submit(int).result()  # so that its thread is there before any trace


class Holder:
    kept = raw_part

    def __init__(self):
        self.own = raw_part

    def twice(self):
        return raw_part * 2


holder = Holder()


@adjoint
def reads_outside(x):
    return x * W.data, lambda g: (g * W.data,)


@adjoint
def reads_outside_later(x):
    return 2 * x, lambda g: (2 * g * np.sign(W.data),)


def counts():
    return (np.abs(W.data) * 3).astype(int).ravel()


def written(fill):
    a = np.zeros((2, 2))
    fill(a)
    return a


def threaded():
    found = []
    thread = threading.Thread(target=lambda: found.append(W.data * 2))
    thread.start()
    thread.join()
    return found[0]


def attempt(f, instead, kind):
    try:
        return f()
    except kind:
        return instead()


def raising(f):
    with np.errstate(all="raise"):
        return f()


def saved():
    file = io.BytesIO()
    np.save(file, W.data)
    file.seek(0)
    return np.load(file)


def through_addresses():
    return np.array(list((ctypes.c_double * 4).from_address(W.data.ctypes.data))).reshape(2, 2)


FOLLOWED = {
    "data": lambda: W.data * 2,
    "data of a result": lambda: np.tanh(W).data * 2,
    "dropgrad": lambda: dropgrad(W) * 2,
    "a copy": lambda: W.data.copy() * 2,
    "copy.copy": lambda: copy.copy(W.data) * 2,
    "copy.deepcopy": lambda: copy.deepcopy(W.data) * 2,
    "a view as an ndarray": lambda: W.data.view(np.ndarray) * 2,
    "another dtype": lambda: W.data.astype(np.float32),
    "texts of numbers": lambda: W.data.astype(str).astype(float),
    "objects": lambda: W.data.astype(object).astype(float),
    "an object's function": lambda: np.frompyfunc(lambda v: 2 * v, 1, 1)(W.data).astype(float),
    "np.stack": lambda: np.stack([np.ones(2), W.data[0]]) * 2,
    "tuples in an index": lambda: W.data[(0, 1), (1, 0)] + W[(1, 1), (0, 1)],
    "np.block": lambda: np.block([[W.data[:1]], [np.ones((1, 2))]]),
    "apply_along_axis": lambda: np.apply_along_axis(lambda r: r * 2, 0, W.data),
    "np.piecewise": lambda: np.piecewise(W.data, [W.data > 0], [lambda v: 2 * v, lambda v: 3 * v]),
    "np.fromfunction": lambda: np.fromfunction(lambda i, j: W.data[0, 0] * (i + j), (2, 2)),
    "np.choose": lambda: np.choose((W.data > 0).astype(int), [1.0, 2.0]),
    "operators": lambda: 2**W.data + W.data // 2 - divmod(5, W.data)[1] + (-W.data) % 3 + abs(+W.data),
    "scalars of NumPy": lambda: np.float64(2) * W.data - W.data / np.float32(3) + np.float64(3) ** W.data[0, 0],
    "in place": lambda: operated(W.data * 2),
    "sum": lambda: sum(W.data[0]),
    "flat": lambda: W.data.flat[1] + sum(W.data.T.flat),
    "sorted": lambda: np.sort(W.data, axis=None)[1],
    "np.interp": lambda: np.interp(W.data, table, table**2),
    "np.histogram": lambda: np.histogram(W.data, bins=2, range=(-3, 3))[0],
    "a Tensor": lambda: Tensor(W.data) * 2,
    "a Tensor of the same array": lambda: same * 2 + same.data,
    "isinstance": lambda: 2.0 * isinstance(W.data, np.ndarray) * (W.data.ndim + len(W.data) + W.data.strides[0]),
    "its shape": lambda: np.ones(W.data.shape) * np.arange(W.data.size).reshape(W.shape),
    "constants alone": lambda: (table / 3)[:2],
    "a seeded generator of its own": lambda: np.random.default_rng(0).normal(size=2),
    "a gradient": lambda: gradient(lambda v: np.sum(v**3), dropgrad(W))[0].data,
    "a pullback": lambda: pullback(np.tanh, W)[1](W.data)[0].data,
    "printing": lambda: W.data * len(f"{W} {W.data!r} {np.sum(W):.2f} {str(W.data)}") * 0 + 1,
}
RANDOM_AND_FOLLOWED = {
    "rand": lambda: rand(2),
    "of one's own generator": lambda: rand(2, rng=rng),
    "sampling": lambda: sampling.normal(W, 1.0),
    "minigrad's generator": lambda: generator().normal(size=2),
}
REFUSED = {
    "np.asarray": lambda: np.asarray(W.data) * 2,
    "np.asarray alone": lambda: np.asarray(W.data),
    "np.array": lambda: np.array(W.data),
    "np.array of a copy": lambda: np.array(W.data.copy()),
    "of a result": lambda: np.asarray(np.tanh(W).data) * 2,
    "of dropgrad": lambda: np.asarray(dropgrad(W)) * 2,
    "of a hooked one": lambda: np.asarray(hook(lambda g: g, W).data) * 2,
    "of a gradient": lambda: np.asarray(gradient(lambda v: np.sum(v**2), dropgrad(W))[0].data) * 2,
    "gradient at plain numbers": lambda: gradient(lambda v: np.sum(v**2), np.asarray(W.data))[0] * 2,
    "tolist": lambda: np.array(W.data.tolist()),
    "tolist of an array": lambda: np.array(np.array(W.data).tolist()),
    "np.ascontiguousarray": lambda: np.ascontiguousarray(W.data) * 2,
    "np.require": lambda: np.require(W.data) * 2,
    "np.asanyarray": lambda: np.asanyarray(W.data) * 2,
    "memoryview": lambda: np.asarray(memoryview(W.data)) * 2,
    "np.frombuffer": lambda: np.frombuffer(W.data).reshape(2, 2) * 2,
    "tobytes": lambda: np.frombuffer(W.data.tobytes()).reshape(2, 2) * 2,
    "np.from_dlpack": lambda: np.from_dlpack(W.data) * 2,
    "np.from_dlpack of a Tensor": lambda: np.from_dlpack(dropgrad(W)) * 2,
    "ctypes": through_addresses,
    "getfield": lambda: W.data.getfield(float) * 2,
    "byteswap": lambda: W.data.byteswap().byteswap() * 2,
    "base": lambda: W.data[:].base * 2,
    "base of a transpose": lambda: W.data.T.base.copy(),
    "a list of rows": lambda: np.array([W.data[0], W.data[1]]) * 2,
    "np.stack of lists": lambda: np.stack([list(row) for row in W.data]) * 2,
    "np.r_": lambda: np.r_[W.data] * 2,
    "a Tensor of numbers": lambda: Tensor([W.data[0, 0], 1.0]),
    "numbers": lambda: np.array([[float(v) for v in row] for row in W.data]),
    "math": lambda: math.exp(W.data[0, 0]),
    "item": lambda: W.data.item(0) * np.ones(2),
    "round": lambda: round(W.data[0, 0]),
    "complex": lambda: complex(W.data[0, 0]).real,
    "np.float64": lambda: np.float64(W.data[0, 0]) * 2,
    "max": lambda: max(W.data[0]),
    "sorted by Python": lambda: sorted(W.data[0])[0],
    "a set": lambda: len(set(W.data.ravel().tolist())),
    "in": lambda: 2.0 if 1.0 in W.data else 3.0,
    "np.allclose": lambda: 2.0 if np.allclose(W.data, 1) else 3.0,
    "np.array_equal": lambda: 2.0 if np.array_equal(W.data, AT) else 3.0,
    "np.nditer": lambda: np.array([float(v) for v in np.nditer(W.data)]).reshape(2, 2),
    "np.ndenumerate": lambda: np.array([v for _, v in np.ndenumerate(W.data)]).reshape(2, 2),
    "np.fromiter": lambda: np.fromiter(W.data.ravel(), float).reshape(2, 2),
    "np.vectorize": lambda: np.vectorize(lambda v: 2 * v)(W.data),
    "np.full": lambda: np.full((2, 2), W.data[0, 0]),
    "np.unique": lambda: np.unique(W.data).size,
    "np.nonzero": lambda: np.nonzero(W.data > 0)[0].size,
    "the method nonzero": lambda: len((W.data > 0).nonzero()[0]),
    "np.where alone": lambda: np.where(W.data > 0)[0].size,
    "np.bincount": lambda: np.bincount(counts()).size,
    "np.repeat": lambda: np.repeat(W.data.ravel(), counts()).size,
    "the method repeat": lambda: W.data.ravel().repeat(counts()).size,
    "np.delete": lambda: np.delete(table, counts() % 3).size,
    "np.split": lambda: np.split(table, counts()[:1])[0].size,
    "np.tile": lambda: np.tile(table, counts()[0]).size,
    "np.histogram": lambda: np.histogram(W.data, bins="auto")[0].size,
    "an index of a plain array": lambda: table[(np.abs(W.data) * 4).astype(int)],
    "one number as an index": lambda: table[np.argmax(W.data)],
    "a mask of a plain array": lambda: np.sum(table[:4].reshape(2, 2)[W.data > 0]),
    "take": lambda: table.take((np.abs(W.data) * 4).astype(int)),
    "a method of a plain array": lambda: np.eye(2).dot(W.data),
    "np.matrix": lambda: np.asarray(np.matrix(W.data)) * 2,
    "np.ma": lambda: np.ma.array(W.data).filled(0) * 2,
    "written into": lambda: written(lambda a: a.__setitem__(..., W.data)),
    "copied into": lambda: written(lambda a: np.copyto(a, W.data)),
    "out=": lambda: written(lambda a: np.multiply(W.data, 2, out=a)),
    "added to": lambda: written(lambda a: a.__iadd__(W.data)),
    "np.add.at": lambda: written(lambda a: np.add.at(a, (0, [0, 1]), W.data[0])),
    "a parameter of a distribution": lambda: np.random.default_rng(0).normal(loc=W.data),
    "np.save": saved,
    "pickle": lambda: pickle.loads(pickle.dumps(W.data)) * 2,
    "pickle of a Tensor": lambda: pickle.loads(pickle.dumps(dropgrad(W))).data * 2,
    "a caught refusal": lambda: attempt(lambda: float(W.data[0, 0]), lambda: 1.0, Exception),
    "a caught LinAlgError": lambda: attempt(
        lambda: np.linalg.cholesky(W.data - 3 * np.eye(2)),
        lambda: np.linalg.cholesky(W.data @ W.data.T),
        np.linalg.LinAlgError,
    ),
    "a caught warning": lambda: attempt(
        lambda: raising(lambda: np.log(W.data)), lambda: np.log(np.abs(W.data)), FloatingPointError
    ),
    "a function of one's own that reads more": lambda: reads_outside(np.tanh(W)),
    "a pullback of one's own that reads more": lambda: reads_outside_later(np.tanh(W)),
    "a function that NumPy calls": lambda: np.apply_along_axis(lambda r: r * W.data[0], 0, np.ones((2, 2))),
    "another thread": threaded,
    "a thread from before": lambda: pool.submit(lambda: W.data * 2).result(),
    "its memory from before": lambda: raw * 2,
    "a part of it": lambda: raw_part * 2,
    "a part in a class": lambda: Holder.kept * 2,
    "a part in an object": lambda: holder.own * 2,
    "a part in a method": lambda: holder.twice(),
    "one number of it": lambda: raw_part[0],
    "a Tensor of a part": lambda: part * 2,
    "the part of a Tensor": lambda: np.asarray(part.data) * 2,
    "a generator": lambda: rng.normal(size=2),
    "an old generator": lambda: old.normal(size=2),
    "NumPy's generator": lambda: np.random.rand(2),
    "Python's generator": lambda: random.random(),
    "a generator besides": lambda: rand(2, rng=rng) + rng.normal(size=2),
}


def operated(a):
    a += W.data
    a[0] = 3 * W.data[1]
    np.multiply(a, 2, out=a)
    return a


def text_of(factor):
    """Trace a loss at some numbers; return the loss, the text and what it is handed besides."""
    W.data[...] = AT
    loss = lambda: np.sum(np.sin(W) * factor())
    t = trace(loss, params(W))
    return loss, t.source(), t.constants.values()


@pytest.mark.parametrize("name", [*FOLLOWED, *RANDOM_AND_FOLLOWED])
def test_what_is_followed_is_right_at_other_numbers(name):
    loss, text, constants = text_of({**FOLLOWED, **RANDOM_AND_FOLLOWED}[name])
    W.data[...], space = ELSEWHERE, {}
    exec(text, space)
    generators = copy.deepcopy([generator().bit_generator.state, rng.bit_generator.state])
    value, (g,) = space["loss_and_gradients"](W.data, *constants)
    generator().bit_generator.state, rng.bit_generator.state = generators

    expected, grads = withgradient(loss, params(W))

    assert float(value) == expected and g.tobytes() == grads[W].data.tobytes()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_followed_is_refused_with_what_to_write(name):
    with pytest.raises(TraceError, match="(?s)Write "):
        text_of(REFUSED[name])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_followed_is_shown_for_this_path(name):
    W.data[...] = AT
    state = copy.deepcopy(rng.bit_generator.state), random.getstate(), np.random.get_state(), old.get_state()
    factor = REFUSED[name]
    loss = lambda: np.sum(np.sin(W) * factor())

    def drawn_again(f):
        rng.bit_generator.state = state[0]
        random.setstate(state[1]), np.random.set_state(state[2]), old.set_state(state[3])
        return f(loss, params(W))

    if "from_dlpack" in name and np.lib.NumpyVersion(np.__version__) < "2.0.0":
        pytest.skip("this NumPy exports no read-only arrays")
    try:
        t = drawn_again(trace)
    except TraceError as error:  # Python asks an object for its memory from 3.12 on
        assert name in ("memoryview", "np.frombuffer") and "np.asarray(t.data)" in str(error)
        return

    expected, grads = drawn_again(withgradient)
    assert "this path only" in t.listing(opened=True)
    assert t.loss.value == expected and t.gradients[0].value.tobytes() == grads[W].data.tobytes()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REFUSED)
def test_who_runs_a_program_again_is_refused_while_it_is_traced(name):
    W.data[...] = AT
    factor = REFUSED[name]
    with pytest.raises(TraceError):
        run(lambda: np.sum(np.sin(W) * factor()), (params(W),), follows=False)
    assert type(W.data) is np.ndarray and type(same.data) is np.ndarray


def test_whether_something_is_an_ndarray_itself_is_asked_by_its_type():
    """What stands for one says that its class is ndarray, too."""
    package = Path(minigrad.__file__).parent
    files = [path for wing in ("core", "derivatives", "calculus", "fast") for path in (package / wing).glob("*.py")]

    asked = re.compile(r"__class__ (is|is not) (np\.)?ndarray|__class__ (in|not in) _?(plain|PLAIN|ATOMS)")
    assert [path for path in files if asked.search(path.read_text(encoding="utf-8"))] == []


# ------------------------------------------------------------------------------------- writing, afterwards
@pytest.mark.parametrize(
    "write",
    [
        lambda a: a.__setitem__(0, 5.0),
        lambda a: a[1].__setitem__(0, 5.0),
        lambda a: a.T.__setitem__(0, 5.0),
        lambda a: a.flat.__setitem__(0, 5.0),
        lambda a: a.__iadd__(1.0),
        lambda a: a.fill(0.0),
        lambda a: a.sort(),
        lambda a: np.copyto(a, 0.0),
        lambda a: np.add(a, 1, out=a),
        lambda a: np.add.at(a, 0, 1.0),
        lambda a: np.fill_diagonal(a, 0.0),
    ],
)
@pytest.mark.parametrize("of", [lambda: W, lambda: np.tanh(W)])
def test_the_numbers_of_a_recorded_tensor_are_read_only_under_a_trace_too(write, of):
    def loss():
        t = of()
        write(t.data)
        return np.sum(t)

    W.data[...] = AT
    for take in (trace, gradient):
        with pytest.raises(ValueError, match="read-only"):
            take(loss, params(W))
        assert np.array_equal(W.data, AT)


def test_what_has_got_out_of_a_trace_is_an_array_like_any():
    kept = []

    def loss():
        h = np.tanh(W)
        kept.extend([h, h.data, np.sum(h).data])
        return np.sum(h * h)

    W.data[...] = AT
    t = trace(loss, params(W))
    size, text = len(t), t.source()

    h, data, total = kept
    assert np.array_equal(np.asarray(data) * 2, 2 * np.tanh(AT)) and type(data + 1) is np.ndarray
    assert float(h[0, 0]) == np.tanh(1.0) and f"{float(total):.3f}" == f"{np.sum(np.tanh(AT)):.3f}"
    assert np.array_equal(pickle.loads(pickle.dumps(data)), np.tanh(AT)) and "Tensor([[" in repr(h)
    assert np.array_equal(gradient(lambda: np.sum(W * data), params(W))[W], np.tanh(AT))
    assert len(t) == size and t.source() == text and type(h.data) is np.ndarray


def test_what_has_got_out_of_a_trace_is_a_constant_of_the_next_one():
    kept = []
    trace(lambda: kept.extend([np.tanh(dropgrad(W)).data, W.data]) or np.sum(W), params(W))
    old, V = kept[0], Tensor(kept[0])

    for factor in (lambda: old * W, lambda: W * old, lambda: np.tanh(old) * W, lambda: V * W, lambda: old @ W + V):
        loss = lambda: np.sum(factor() * W.data)  # noqa: B023
        t, space = trace(loss, params(W)), {}
        exec(t.source(), space)
        W.data[...] = ELSEWHERE
        value, (g,) = space["loss_and_gradients"](W.data, *t.constants.values())
        expected, grads = withgradient(loss, params(W))
        W.data[...] = AT

        assert value == expected and np.array_equal(g, grads[W])
    memory = kept[1]
    with pytest.raises(TraceError, match="memory, which is the memory of a parameter"):
        trace(lambda: np.sum(W * np.exp(memory)), params(W)).source()


def test_an_argument_is_not_the_array_that_the_function_knows_besides():
    x = np.array([1.0, 2.0])
    t = trace(lambda y: np.sum(y * y * x), x)
    space = {}
    exec(t.source(), space)

    value, (g,) = space["loss_and_gradients"](np.array([3.0, 4.0]))

    assert value == 9 * 1 + 16 * 2 and np.array_equal(g, [6.0, 16.0])


def test_two_threads_trace_the_same_parameters_one_after_the_other():
    W.data[...] = AT
    found, barrier = [], threading.Barrier(2)

    def work(function):
        barrier.wait()
        for _ in range(10):
            found.append(trace(lambda: np.sum(function(W) * W.data), params(W)).source())

    threads = [threading.Thread(target=work, args=(f,)) for f in (np.sin, np.cos)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert len(found) == 20 and len(set(found)) == 2 and type(W.data) is np.ndarray
