"""Programs as people write them: their texts at numbers that were never traced, against the eager gradient there."""

import copy
import dataclasses
import functools

import numpy as np
import pytest

from minigrad import (
    Buffer,
    Params,
    Tensor,
    adjoint,
    array,
    checkpointed,
    dropgrad,
    generator,
    gradient,
    hessian,
    hook,
    ignore,
    jacobian,
    params,
    pullback,
    sampling,
    trace,
    withgradient,
)
from minigrad.core.trees import leaves, rebuild
from minigrad.losses import logitcrossentropy
from minigrad.nn import Chain, Conv, Dense, Dropout, relu

PROGRAMS = {}
ROUNDING = {"e": 1e-2, "f": 1e-4}


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def program(make):
    """Enter a function that makes (a loss, Params) or (a function, its arguments)."""
    PROGRAMS[make.__name__] = make
    return make


@adjoint
def own_exp(x):
    y = np.exp(x)
    return y, lambda g: (g * y,)


def of_arguments(name, f, *args):
    PROGRAMS[name] = lambda: (f, args)


def of_parameter(name, f, array):
    """Enter a function of one parameter, which the loss knows as a closure."""

    def make():
        W = Tensor(array, copy=False)
        return lambda: f(W), params(W)

    PROGRAMS[name] = make


@program
def functions_in_functions():
    W, b, x = Tensor(normal(3, 4)), Tensor(normal(3)), normal(4, 5)

    def layer(z):
        return np.tanh(W @ z + b[:, None])

    return lambda: np.mean(layer(x) ** 2), params(W, b)


@program
def a_class():
    class Model:
        def __init__(self):
            self.W, self.b, self.scale = Tensor(normal(3, 4)), Tensor(np.zeros(3)), 2.5

        def __call__(self, x):
            return self.scale * np.maximum(self.W @ x + self.b, 0)

        def loss(self):
            return np.sum(self(np.arange(4.0)))

    model = Model()
    return model.loss, params(model)


@program
def dataclasses_with_lists():
    @dataclasses.dataclass
    class Layer:
        W: Tensor
        act: object = np.tanh

    @dataclasses.dataclass
    class Net:
        first: Layer
        rest: list

    net = Net(Layer(Tensor(normal(3, 4))), [Tensor(normal(3)), Tensor(1.5)])
    return lambda: net.rest[0] @ net.first.act(net.first.W @ np.ones(4)) * net.rest[1] ** 2, params(net)


@program
def a_chain_with_dropout():
    rng, x, y = np.random.default_rng(0), normal(10, 4), np.eye(3)[[0, 1, 2, 0, 1, 2, 0, 1, 2, 0]]
    model = Chain(Dense(4, 8, relu, rng=rng), Dropout(0.3, training=True), Dense(8, 3, rng=rng))
    return lambda: logitcrossentropy(model(x), y), params(model)


@program
def a_convolution():
    layer, x = Conv((3, 3), 2, 3, rng=np.random.default_rng(0)), normal(2, 8, 8, 2)
    return lambda: np.sum(layer(x) ** 2), params(layer)


@program
def a_recurrent_network():
    W, U, xs = Tensor(normal(4, 3)), Tensor(normal(4, 4)), normal(6, 3)

    def loss():
        h = np.zeros(4)
        for x in xs:
            h = np.tanh(W @ x + U @ h)
        return np.sum(h**2)

    return loss, params(W, U)


@program
def attention():
    Q, K, V, X = Tensor(normal(4, 4)), Tensor(normal(4, 4, seed=1)), Tensor(normal(4, 4, seed=2)), normal(5, 4)

    def loss():
        scores = np.exp((X @ Q) @ (X @ K).T / 2)
        return np.sum(scores / np.sum(scores, axis=1, keepdims=True) @ (X @ V))

    return loss, params(Q, K, V)


@program
def batch_statistics():
    W, g, X = Tensor(normal(3, 3)), Tensor(np.ones(3)), normal(10, 3)
    standard = lambda h: (h - np.mean(h, axis=0)) / np.std(h, axis=0)
    return lambda: np.sum(np.maximum(g * standard(X @ W), 0) ** 2), params(W, g)


@program
def a_step_inside_of_the_loss():
    W, x = Tensor(normal(5)), np.arange(5.0)
    inner = lambda w: np.sum((w * x - 1) ** 2)
    return lambda: inner(W - 0.01 * gradient(inner, W)[0]), params(W)


@program
def a_gradient_by_parameters_inside():
    W, V = Tensor(normal(5)), Tensor(normal(5, seed=1))
    return lambda: np.sum(gradient(lambda: np.sum(W**3 * V), params(W))[W] ** 2) + np.sum(V), params(W, V)


@program
def a_buffer_in_a_loop():
    W = Tensor(normal(4))

    def loss():
        buffer = Buffer(np.zeros(5))
        buffer[0] = W[0]
        for i in range(1, 5):
            buffer[i] = np.sin(buffer[i - 1]) + W[i - 1] ** 2
        return np.sum(buffer.copy() ** 2)

    return loss, params(W)


@program
def augmented_assignments():
    W = Tensor(normal(3))

    def loss():
        total, t = 0.0, W * 1.0
        for w in W:
            total += np.sin(w)
        t -= 2 * W
        t *= t
        return total + np.sum(t)

    return loss, params(W)


@program
def a_partial_of_a_decorated_function():
    W = Tensor(normal(3))

    def twice(f):
        return functools.wraps(f)(lambda *args, **options: 2 * f(*args, **options))

    @twice
    def loss(x, power=2):
        return np.sum((W * x) ** power)

    return functools.partial(loss, np.arange(1.0, 4.0), power=3), params(W)


@program
def a_tree_by_recursion():
    W = Tensor(normal(4))

    def tree(w):
        half = len(w) // 2
        return np.sin(w[0]) if len(w) == 1 else tree(w[:half]) * tree(w[half:]) + np.sum(w)

    return lambda: tree(W), params(W)


@program
def large_data_and_small():
    X, y, W = normal(30, 10), np.arange(30.0), Tensor(normal(10))
    return lambda: np.mean(((X - X.mean(0)) / X.std(0) @ W - y) ** 2), params(W)


@program
def random_numbers():
    mean, scale = Tensor(normal(3)), Tensor(normal(3, seed=1))
    return lambda: np.mean(sampling.normal(mean, np.exp(scale), shape=(6, 3)) ** 2), params(mean, scale)


@program
def containers_as_arguments():
    tree = {"a": [normal(3), 2.0], "b": normal(3, seed=1)}
    return lambda p: np.sum(p["a"][0] * p["b"]) + p["a"][1], (tree,)


of_arguments("an integer", lambda n, x: np.sum(x**n) * n, 3, np.array([1.5, 2.5]))
of_arguments("an array of integers", lambda a: np.sum(a * a / 3), np.array([1, 2, 3]))
of_arguments("nested", lambda x: np.sum(x * gradient(lambda y: np.sum(np.sin(y) * x), x)[0]), normal(4))
of_arguments("jacobian", lambda x: np.sum(jacobian(lambda y: y**2 * np.sum(y), x)[0] ** 2), normal(3))
of_arguments("hessian", lambda x: np.sum(hessian(lambda y: np.sum(np.sort(y) ** 3) * np.max(y), x)), normal(4))
of_arguments("thrice", lambda x: gradient(lambda y: gradient(lambda z: z**3 * y, y)[0] * x, x)[0], 1.3)
of_arguments("hook", lambda x: np.sum(hook(lambda g: np.clip(g, -0.5, 0.5), x**2)), normal(5))
of_arguments("adjoint", lambda x: np.sum(own_exp(x) * x), normal(5))
of_arguments(
    "complex", lambda z: np.sum(np.abs(np.fft.fft(z) * np.exp(1j * z)) ** 2), normal(4) + 1j * normal(4, seed=1)
)
of_arguments("where", lambda x: np.sum(np.where(x > 0, np.log(np.where(x > 0, x, 1)), x**2)), normal(8))
of_arguments("order", lambda x: np.median(x) + np.max(x) * np.min(x) + np.sort(x)[2] + np.quantile(x, 0.7), normal(8))
of_arguments(
    "solve", lambda A, b: np.sum(np.linalg.solve(A, b) ** 2) + np.linalg.slogdet(A)[1], normal(4, 4), normal(4)
)
of_arguments("eigh", lambda A: np.sum(np.linalg.eigh(A + A.T)[0] ** 3) + np.sum(np.linalg.svd(A)[1]), normal(4, 4))
of_arguments("einsum", lambda A, B: np.einsum("ij,jk,kl->", A, B, A), normal(3, 4), normal(4, 3))
of_arguments(
    "kinks", lambda x: np.sum(np.maximum(x, 0) * x) + np.max(x) + np.linalg.norm(x), np.array([0.0, -0.5, 1, 1])
)
of_arguments("zeros", lambda x: np.prod(x) + np.sum(np.cumprod(x)), np.array([1.0, 0.0, 2.0]))
of_arguments("array", lambda a: np.sum(array([[a[0], 1.0], [np.sin(a[1]), a[2] * a[0]]]) ** 3), normal(3))
of_arguments(
    "interp", lambda x, y: np.sum(np.interp(np.array([0.3, 1.7]), np.arange(4.0), y) * x), normal(2), normal(4)
)
of_parameter("checkpointed", lambda W: np.sum(checkpointed(lambda x: np.tanh(W @ x), np.ones(3))), normal(3, 3))
of_parameter("float32", lambda W: np.mean(np.log1p(np.exp(W @ np.ones(4, np.float32)))), normal(3, 4).astype("f"))
of_parameter(
    "mixed", lambda W: np.sum(np.sqrt(np.abs(W)) * np.float64(2.5)) + np.sum(W * np.arange(4)), normal(4).astype("f")
)
of_parameter("float16", lambda W: np.sum(W**2), normal(3, 4).astype("e"))
of_parameter("strided", lambda W: np.sum(np.tanh(W).ravel() * np.arange(9.0)) + np.sum(W.T @ W), normal(6, 8)[::2, ::3])
of_parameter(
    "fortran", lambda W: np.sum(np.exp(W).reshape(-1)[3:9]) + np.sum(W @ np.ones(5)), np.asfortranarray(normal(4, 5))
)
of_parameter("backwards", lambda W: np.sum(np.convolve(W, np.array([1.0, 2.0, 3.0])) ** 2), normal(7)[::-1])
of_parameter("without axes", lambda w: w**3 + np.sin(w) * 3, np.array(2.0))
of_parameter("empty", lambda W: np.sum(W * 2) + 1.0, np.zeros((0, 3)))
of_parameter("rows", lambda E: np.sum(np.mean(E[np.array([1, 3, 3, 0])], axis=0) ** 2), normal(5, 4))
of_parameter(
    "sorted rows", lambda E: np.sum(np.take_along_axis(E, np.argsort(E, axis=1), axis=1) * np.arange(4.0)), normal(5, 4)
)
of_parameter("constants", lambda W: np.sum(W * np.exp(dropgrad(W)) + np.floor(3 * W) * W + W.data**2 * W), normal(5))
of_parameter("ignore", lambda W: np.sum(W * ignore(lambda: np.tanh(W) * 2)), normal(4))
of_parameter("pullback", lambda W: np.sum(pullback(lambda w: np.outer(w, w), W)[1](np.ones((4, 4)))[0]), normal(4))
of_parameter("tied", lambda W: np.sum(W @ np.tanh(W @ np.ones(4))), normal(4, 4))
of_parameter("sum of a generator", lambda W: sum(w * w for w in W), normal(4))


def other(x, seed):
    """Return other numbers of the kind, dtype and layout of ``x``."""
    a = np.asarray(x)
    new = normal(*a.shape, seed=seed) + (3 * np.eye(len(a)) if a.ndim == 2 and a.shape[0] == a.shape[1] else 0)
    new = a + 1 if a.dtype.kind in "iu" else new * (1 + 0.5j) if a.dtype.kind == "c" else new
    numbers = np.empty_like(a)
    numbers[...] = new
    return numbers if isinstance(x, np.ndarray) else type(x)(numbers)


def at_other_numbers(f, what, seed):
    """Return the arguments of a gradient at other numbers, and those of the text."""
    if isinstance(what, Params):
        for k, p in enumerate(what):
            p.data[...] = other(p.data, 10 * seed + k)
        return (what,), [p.data for p in what]
    new = [other(x, 10 * seed + k) for k, x in enumerate(leaves(what))]
    return rebuild(what, iter(new)), new


@pytest.mark.parametrize("simplify", [False, True])
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_text_of_a_program_is_its_gradient_at_any_numbers(name, simplify):
    f, what = PROGRAMS[name]()
    t, space = trace(f, *((what,) if isinstance(what, Params) else what)), {}
    exec(t.source(simplify=simplify), space)

    for seed in (1, 2):
        args, given = at_other_numbers(f, what, seed)
        state = copy.deepcopy(generator().bit_generator.state)
        value, found = space["loss_and_gradients"](*given, *t.constants.values())
        generator().bit_generator.state = state
        expected, grads = withgradient(f, *args)

        grads = list(grads.values()) if isinstance(what, Params) else leaves(grads)
        for a, b in zip([value, *found], [expected, *grads]):
            a, b = np.asarray(a), np.asarray(b)
            if simplify:
                tolerance = ROUNDING.get(a.dtype.char, 1e-9)
                np.testing.assert_allclose(a, b, tolerance, tolerance)
            else:
                assert a.astype(b.dtype).tobytes() == b.tobytes()
