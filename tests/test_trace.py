"""trace: a computation as a value, its listing and its source."""

import pickle
import threading

import numpy as np
import pytest
from all_rules import ALL, RANDOM, UNCOMPILED

from minigrad import (
    Buffer,
    Optimiser,
    Program,
    Tensor,
    TraceError,
    adjoint,
    checkpointed,
    dropgrad,
    generator,
    gradient,
    hook,
    ignore,
    params,
    pullback,
    rand,
    rule,
    sampling,
    seed,
    trace,
    update_,
    withgradient,
)
from minigrad.losses import logitcrossentropy
from minigrad.nn import Chain, Dense, relu, softmax
from minigrad.optimise.formulas import norm


@pytest.fixture
def small():
    W, b, x = Tensor([[1.0, -0.5], [0.25, 2.0]]), Tensor([0.1, 0.2]), np.array([1.0, -1.0])

    def loss():
        h = np.tanh(W @ x + b)
        return np.sum(h * h)

    return loss, W, b


@pytest.fixture
def network():
    rng = np.random.default_rng(0)
    model = Chain(Dense(4, 3, relu, rng=rng), Dense(3, 2, rng=rng))
    x, y = rng.random((5, 4)), np.eye(2)[[0, 1, 0, 1, 1]]
    return lambda: logitcrossentropy(model(x), y), params(model)


def run(text, *given):
    """Run a text's loss_and_gradients."""
    space = {}
    exec(text, space)
    return space["loss_and_gradients"](*given)


def same_as_eager(f, *args, **options):
    """Say whether the source gives the bits of the eager gradient; and return the program."""
    t = trace(f, *args)
    value, gradients = run(t.source(**options), *(op.value for op in t.inputs), *t.constants.values())
    expected, grads = withgradient(f, *args)
    pairs = zip(gradients, grads)
    return float(value) == expected and all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs), t


# ---------------------------------------------------------------------------------------------- the value
def test_an_operation_has_value_gradient_inputs_and_the_users_line(small):
    loss, W, b = small

    t = trace(loss, params(W, b))

    (tanh,) = t.find("np.tanh")
    assert tanh.line.code == "h = np.tanh(W @ x + b)" and tanh.line.file == __file__
    assert np.array_equal(tanh.value, np.tanh(W.data @ [1.0, -1.0] + b.data))
    np.testing.assert_allclose(tanh.gradient.value, 2 * tanh.value, rtol=1e-15)
    assert [op.name for op in tanh.inputs] == [f"v{tanh.index - 1}"]
    assert t[tanh.index] is t[tanh.name] is tanh and tanh.name == "v5"


def test_parameters_and_their_gradients_have_the_users_names(small):
    loss, W, b = small

    t = trace(loss, params(W, b))

    assert [op.name for op in t.inputs] == ["W", "b"] and [g.name for g in t.gradients] == ["d_W", "d_b"]
    assert np.array_equal(t["d_W"].value, gradient(loss, params(W, b))[W].data)
    assert str(t["d_v4"].rule) == "np.tanh, by x" and t["x"].kind == "constant"


def test_parameters_of_a_model_are_named_by_their_places_in_it(network):
    t = trace(*network)

    assert [op.name for op in t.inputs] == ["layers_0_W", "layers_0_b", "layers_1_W", "layers_1_b"]
    assert {group.path for op in t for group in op.within} == {"", "model", "model.layers[0]", "model.layers[1]"}


def test_arguments_have_the_names_of_the_functions_parameters():
    t = trace(lambda x, weights: x * weights["a"], 2.0, {"a": 3.0})

    assert [op.name for op in t.inputs] == ["x", "weights_a"] and [g.value for g in t.gradients] == [3.0, 2.0]


def test_a_program_is_a_sequence(small):
    loss, W, b = small

    t = trace(loss, params(W, b))

    assert len(t) == len(list(t)) and t[:2] == t.inputs and all(op.index == i for i, op in enumerate(t))
    with pytest.raises(KeyError):
        t["nothing"]


def test_find_knows_functions_compound_functions_and_layers(network):
    t = trace(*network)

    assert t.find(np.exp) == t.find("exp") == t.find("np.exp") and len(t.find(np.exp)) == 1
    assert t.find(np.exp)[0] in t.find("logitcrossentropy")
    assert [len(t.find(f"model.layers[{i}]")) for i in (0, 1)] == [4, 2]  # the data, product, sum, relu


def test_a_program_survives_pickling_and_may_be_long():
    def f(x):
        for _ in range(700):  # deeper than Python's recursion
            x = np.sin(x) * 1.01
        return x

    t = trace(f, 0.5)

    again = pickle.loads(pickle.dumps(t))

    assert isinstance(again, Program) and str(again) == str(t) and again.source() == t.source()
    assert again[5].inputs[0] is again[4]


def test_a_function_that_cannot_be_pickled_says_so_when_it_is_called():
    @adjoint
    def cube(x):
        return x**3, lambda g: (3 * x**2 * g,)

    again = pickle.loads(pickle.dumps(trace(lambda x: cube(x), 2.0)))

    with pytest.raises(TypeError, match="cube could not be pickled"):
        again.find("cube")[0].function(1.0)


# ---------------------------------------------------------------------------------------------- the listing
def test_the_listing_has_a_line_per_operation_and_the_rules_of_the_way_back(small):
    loss, W, b = small

    lines = str(trace(loss, params(W, b))).splitlines()

    assert any("v5 = np.tanh(v4)" in s and "(2,)" in s and ": h = np.tanh(W @ x + b)" in s for s in lines)
    assert any(s.startswith("d_v4 = d_v5 * (1 - v5 * v5)") and s.endswith("# np.tanh, by x") for s in lines)


def test_a_compound_function_is_one_line_that_opens():
    t = trace(lambda x: np.sum(softmax(x) ** 2), np.ones(3))

    assert "= softmax(x)" in str(t) and "np.exp" not in str(t)
    assert "np.exp" in t.listing(opened=True) and "np.exp" in t.listing(opened="softmax")
    assert "np.exp" not in t.listing(opened="relu")


def test_a_layer_is_one_line_forth_and_one_back(network):
    text = str(trace(*network))

    assert "v7 = model.layers[0](X)" in text.replace("(x)", "(X)")
    assert "= back through model.layers[0](" in text and "logitcrossentropy(v9, y)" in text


def test_loops_are_folded():
    W = Tensor(np.eye(3) / 2)

    def loss():
        h = np.ones(3)
        for _ in range(40):
            h = np.tanh(W @ h)
        return np.sum(h)

    text = str(trace(loss, params(W)))

    assert "x 40, these 2 lines" in text and len(text.splitlines()) < 25


def test_a_long_program_shows_its_ends_and_its_size():
    def f(x):
        for i in range(500):
            x = np.sin(x) if i % 7 and i % 5 and i % 3 else np.cos(x) if i % 2 else x * 1.5
        return x

    text = str(trace(f, 0.5))

    assert len(text.splitlines()) < 60 and "lines more" in text and "1,501 operations" in text.splitlines()[0]


def test_numbers_that_are_not_finite_are_shown_as_they_are():
    with np.errstate(all="ignore"):
        text = str(trace(lambda x: np.sum(np.log(x)), np.array([0.0, -1.0, np.inf])))

    assert "[-inf  nan  inf]" in text and "nan" in text


# ---------------------------------------------------------------------------------------------- the source
def test_the_source_gives_the_bits_of_the_eager_gradient(small, network):
    loss, W, b = small

    assert same_as_eager(loss, params(W, b))[0] and same_as_eager(*network)[0]


def test_the_source_stands_by_itself_and_never_adds_in_place(small):
    loss, W, b = small

    text = trace(loss, params(W, b)).source()

    assert "minigrad" not in text and "+=" not in text and "def loss_and_gradients(W, b):" in text
    assert "x = np.array([1.0, -1.0])" in text


def test_the_simplified_source_is_shorter_and_as_good(small):
    loss, W, b = small
    t = trace(loss, params(W, b))

    value, (dW, db) = run(t.source(simplify=True), W.data, b.data)

    grads = gradient(loss, params(W, b))
    np.testing.assert_allclose(dW, grads[W].data, rtol=1e-14)
    np.testing.assert_allclose(db, grads[b].data, rtol=1e-14)
    assert len(t.simplified()) < len(t) and "np.full" not in t.source(simplify=True)


def test_large_arrays_from_outside_are_further_arguments():
    data, x = np.random.default_rng(0).random(101), np.ones(101)

    same, t = same_as_eager(lambda x: np.sum(x * data), x)

    assert same and list(t.constants) == ["data"] and t.constants["data"] is data
    assert "def loss_and_gradients(x, data):" in t.source()


def test_all_digits_of_small_arrays_are_written_out():
    for data in (
        np.array([0.1, 1 / 3, np.nan, -np.inf, -0.0]),
        np.float32([[0.1], [7]]),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array([1 + 2j, complex(np.nan, -0.0)]),
        np.array([True, False]),
        np.array([1, -2], ">i4"),
        np.zeros((0, 3)),
    ):
        t = trace(lambda x: np.sum(np.real(x * data)), np.ones(data.shape))  # noqa: B023
        space = {}
        exec("import numpy as np\n" + next(s.strip() for s in t.source().splitlines() if " data = " in s), space)

        assert space["data"].dtype == data.dtype and space["data"].tobytes("A") == data.tobytes("A")
        assert space["data"].flags.fnc == data.flags.fnc


def test_random_numbers_are_drawn_from_a_generator_that_is_handed_over():
    w = rand(2, 10)
    loss = lambda: np.mean((w @ rand(10)) ** 2)
    seed(3)
    t = trace(loss, params(w))
    seed(3)
    expected = withgradient(loss, params(w))

    value, (dw,) = run(t.source(), w.data, np.random.default_rng(3))

    assert value == expected.val and np.array_equal(dw, expected.grad[w].data)
    assert list(t.constants) == ["rng"] and "rng.random((10,)" in t.source()


def test_names_of_the_user_and_of_the_text_do_not_meet():
    filled, np_ = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])

    t = trace(lambda v1, np: np[0] * v1 * v1, 2.0, np.array([1.0]))

    assert run(t.source(), 2.0, np.array([1.0]))[0] == 4.0
    assert same_as_eager(lambda: np.sum(filled[np.array([0, 0, 1])] * np_[0]), params(filled, np_))[0]


NO_FORMULA = UNCOMPILED - {"AccumGrad"}


@pytest.mark.parametrize("name", [name for name in ALL if name not in NO_FORMULA | RANDOM])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_training_step_of_every_rule_is_as_exact(name, dtype):
    rng = np.random.default_rng(0)
    W, b = Tensor(rng.standard_normal((5, 3)).astype(dtype)), Tensor(rng.standard_normal(5).astype(dtype))
    x, opt, space = np.arange(3).astype(dtype), ALL[name](), {}
    loss = lambda: np.sum(np.tanh(W @ x + b) ** 2)
    exec(trace(loss, params(W, b)).source(step=opt), space)
    state, numbers = space["first_state"](W.data, b.data), (W.data.copy(), b.data.copy())

    for _ in range(5):
        expected, grads = withgradient(loss, params(W, b))
        update_(opt, params(W, b), grads)
        value, numbers, state = space["training_step"](*numbers, state)

        assert float(value) == expected
        assert all(a.tobytes() == p.data.tobytes() and a.dtype == dtype for a, p in zip(numbers, (W, b)))


gain = 2.0


def softened(g):
    return g / (1 + abs(g))


@rule
def Signed(x, dx, m, eta=0.1):
    m = 0.9 * m + np.sign(dx) + np.exp(-abs(dx))
    return eta * gain * np.exp(-eta) * softened(m) * np.where(dx > 0, 1.0, 2.0) / norm(softened(dx), over="all"), m


def test_a_training_step_of_ones_own_rules_stands_by_itself(small):
    loss, W, b = small
    opt, space = Optimiser(Signed(), Signed(0.5)), {}
    exec(trace(loss, params(W, b)).source(step=opt), space)
    state, numbers = space["first_state"](W.data, b.data), (W.data.copy(), b.data.copy())

    for _ in range(3):
        update_(opt, params(W, b), gradient(loss, params(W, b)))
        _, numbers, state = space["training_step"](*numbers, state)

    assert np.array_equal(numbers[0], W.data) and np.array_equal(numbers[1], b.data)


@pytest.mark.parametrize("name", sorted(NO_FORMULA))
def test_an_optimiser_without_a_formula_cannot_be_written_out(small, name):
    loss, W, b = small

    with pytest.raises(TypeError, match="its step is no formula|go through different rules"):
        trace(loss, params(W, b)).source(step=ALL[name]())


# ------------------------------------------------------------------------------- steered, nested, written into
@adjoint
def cube(x):
    assert type(x) is np.ndarray
    return x**3, lambda g: (g * 3 * x**2,)


def powers(x):
    buffer = Buffer(np.zeros(3))
    for i in range(3):
        buffer[i] = np.sum(x) ** (i + 1)
    return np.sum(buffer.copy())


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(cube(x) * x),
        lambda x: np.sum(checkpointed(lambda y: np.sin(y) ** 2, x)),
        lambda x: np.sum(hook(lambda g: 2 * g, x) ** 2),
        powers,
        lambda x: np.sum(x * gradient(lambda y: np.sum(y**3), x)[0]),
        lambda x: np.sum(x * gradient(lambda y: np.sum(y**3), dropgrad(x))[0]),
        lambda x: np.sum(x * Tensor(dropgrad(x))) + np.sum(np.maximum(x, 1.5) * (x > 0)),
        lambda x: x[np.argmax(x)] * np.sum(x[[0, 0, 1]]),
    ],
)
def test_other_numbers_give_the_eager_gradient_there(f):
    first, second = np.array([1.0, 2.0]), np.array([3.0, -0.5])
    t = trace(f, first)

    for x in (first, second):
        value, (found,) = run(t.source(), x, *t.constants.values())

        expected, (g,) = withgradient(f, x)
        assert value == expected and np.array_equal(found, g)


b = Tensor([0.5, -1.0, 2.0])


@pytest.mark.parametrize(
    "loss",
    [
        lambda: np.sum(np.where(b > 0, b, b**2)),
        lambda: np.sum((b.data > 0) * b * b.data * 2),
        lambda: np.sum(np.floor(b) * b + dropgrad(b) * 2 * b),
        lambda: np.sum(ignore(lambda: np.floor(b) + 1) * b),
        lambda: b[np.argmax(b)] * b[np.argsort(b)][0],
        lambda: np.sum(gradient(lambda v: np.sum(np.tanh(v)), dropgrad(b) * 2)[0] * b),
        lambda: np.sum(pullback(np.tanh, b)[1](b.data * 2)[0] * b),
        lambda: np.sum(sampling.normal(b, np.exp(b), shape=(4, 3)) ** 2),
    ],
)
def test_what_is_made_of_the_parameters_numbers_follows_them(loss):
    ps, before = params(b), b.data.copy()
    t = trace(loss, ps)
    b.data[...] = -b.data
    state = generator().bit_generator.state
    value, (g,) = run(t.source(), b.data, *t.constants.values())
    generator().bit_generator.state = state

    expected, grads = withgradient(loss, ps)

    b.data[...] = before
    assert value == expected and np.array_equal(g, grads[b].data) and type(b.data) is np.ndarray


def test_operations_of_ones_own_have_their_names():
    t = trace(lambda x: np.sum(cube(x)) + np.sum(checkpointed(np.sin, x)) + powers(x), np.ones(2))

    rules = {op.rule.function for op in t if op.rule}
    assert {"cube", "checkpointed", "Buffer", "np.sum"} <= rules and t.find("cube")


# ---------------------------------------------------------------------------------------------- bad input
def test_a_path_is_followed_and_marked_and_not_run_again():
    t = trace(lambda x: x * 2 if x > 0 else x, 3.0)

    assert "this path only" in str(t) and t.gradients[0].value == 2.0
    with pytest.raises(TraceError, match=r"(?s)an if .* right for this number only.*np\.where"):
        t.source()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(x) * float(dropgrad(np.sum(x))),
        lambda x: np.sum(x[: int(np.argmax(x))]),
        lambda x: np.sum(x[x > 1.5]),
        lambda x: np.sum(x * np.array([dropgrad(x)[0], 1.0])),
        lambda x: np.sum(x * (np.asarray(x > 1.5) * 2)),
        lambda x: np.sum(x) * len([y for y in x if y > 1]),
        lambda x: np.sum(x) * dropgrad(x)[0].item(),
        lambda x: np.sum(x * np.vectorize(lambda v: 2 * v)(dropgrad(x).data)),
        lambda x: np.sum(x * np.multiply(dropgrad(x).data, 2, out=np.empty(2))),
    ],
)
def test_whatever_asks_for_the_numbers_is_not_run_again(f):
    t = trace(f, np.array([1.0, 2.0]))

    with pytest.raises(TraceError, match="cannot be run again"):
        t.source()


def test_an_array_that_the_function_overwrites_is_not_run_again():
    def f(x):
        data, total = np.zeros(2), 0.0
        for i in range(2):
            data[:] = i
            total = total + np.sum(x * data)
        return total

    with pytest.raises(TraceError, match="an array that was overwritten after it had been used"):
        trace(f, np.ones(2)).source()


def test_a_function_without_arguments_and_one_that_is_none_are_refused():
    with pytest.raises(TypeError, match=r"trace: with respect to what\?"):
        trace(lambda: 1.0)
    with pytest.raises(TypeError, match="trace: the first argument must be a function"):
        trace(3.0, 1.0)
    with pytest.raises(TypeError, match="trace: .*It is called with what stands after it"):
        trace(lambda: 1.0, 2.0)


def test_a_loss_that_is_no_number_is_refused_as_by_gradient():
    with pytest.raises(TypeError, match="Did you forget np.sum"):
        trace(lambda x: 2 * x, np.ones(2))
    with pytest.raises(TypeError, match="did you forget return"):
        trace(lambda x: None, 1.0)


def test_a_program_that_reaches_no_parameter_says_so():
    t = trace(lambda x: 3.0, 1.0)
    u = trace(lambda x: np.floor(x), 1.5)

    assert t.gradients == u.gradients == [None] and "depends on none of them" in str(t)
    assert run(t.source(), 1.0) == (3.0, (None,)) and run(u.source(), 2.5) == (2.0, (None,))


def test_a_trace_inside_of_a_gradient_is_refused():
    with pytest.raises(TraceError, match="inside of a gradient"):
        gradient(lambda x: trace(np.sin, 1.0) and x, 1.0)


def test_two_threads_trace_at_once():
    found, barrier = {}, threading.Barrier(2)

    def work(name, function):
        barrier.wait()
        for _ in range(20):
            found[name] = str(trace(lambda x: np.sum(function(x) * rand(3)), np.ones(3)).find(function))

    threads = [threading.Thread(target=work, args=(f.__name__, f)) for f in (np.sin, np.cos)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert found == {"sin": "[<v1: call of sin, (3,)>]", "cos": "[<v1: call of cos, (3,)>]"}


def test_an_exception_shows_what_had_been_traced_until_then():
    def f(x):
        y = np.exp(x)
        return np.sum(y) / 0 if y.shape else 1 // 0

    with pytest.raises(ZeroDivisionError) as caught:
        trace(f, 1.0)

    assert caught.value.program.find("np.exp")[0].value == np.exp(1.0)
    assert "v1 = np.exp(x)" in "\n".join(getattr(caught.value, "__notes__", caught.value.args))
    with pytest.raises(TraceError, match="the program ended before its end"):
        caught.value.program.source()


def test_the_eager_gradient_knows_nothing_of_a_trace_that_is_over(small):
    loss, W, b = small
    before = gradient(loss, params(W, b))[W]

    trace(loss, params(W, b))

    assert type(gradient(loss, params(W, b))[W].data) is np.ndarray
    assert np.array_equal(before.data, gradient(loss, params(W, b))[W].data) and type(rand(2).data) is np.ndarray


def test_other_threads_may_use_the_parameters_of_a_trace():
    inside, go_on = threading.Event(), threading.Event()
    w, found = Tensor([1.0, 2.0]), []

    def loss():
        inside.set()
        go_on.wait(5)
        return np.sum(w**2)

    def other():
        inside.wait(5)
        found.append(gradient(lambda: np.sum(np.sin(w)), params(w))[w].data)
        found.append(np.floor(w).data)
        go_on.set()

    thread = threading.Thread(target=other)
    thread.start()
    t = trace(loss, params(w))
    thread.join()

    assert [type(a) for a in found] == [np.ndarray, np.ndarray] and not t.find("np.sin")
    assert np.array_equal(found[0], np.cos(w.data)) and type(w.data) is np.ndarray
