"""The compiled step: what it gives, how it is made, and what happens when something goes wrong."""

import contextvars
import copy
import gc
import itertools
import pickle
import signal
import threading
import weakref
from functools import partial

import numpy as np
import pytest
from all_rules import ALL
from compiled_steps import eager_steps, way  # noqa: F401
from test_performance_guards import instructions
from test_random_programs import program

from minigrad import (
    ADAM,
    LBFGS,
    SAM,
    CompiledStep,
    Descent,
    LostGradientError,
    StaleStepWarning,
    Tensor,
    adjoint,
    as_scipy,
    compiled,
    gradient,
    gradient_for,
    hessian,
    jacobian,
    params,
    rand,
    seed,
    update_,
    withgradient,
)
from minigrad.arrays import generator

mean = np.mean
X = np.array([1.0, 2.0, 3.0])


def model(dtype=float):
    seed(0)
    return Tensor(np.array([[1.0, 2, 3], [0.5, 0, 1]], dtype)), Tensor(np.array([0.5, 1.0], dtype))


def linear(W, b):
    return lambda x: mean((W @ x - b) ** 2)


def called(step, n=3, *args):
    for _ in range(n):
        step(*args)
    return step


# ------------------------------------------------------------------------------------ what it gives
def test_a_step_gives_the_loss_before_it_and_updates_the_parameters():
    W, b = model()
    step = compiled(linear(W, b), params(W, b), Descent(0.1))

    losses = [step(X) for _ in range(6)]

    V, c = model()
    make = eager_steps(linear(V, c), params(V, c), Descent(0.1))
    assert losses == [make(X) for _ in range(6)] and type(losses[-1]) is float
    assert np.array_equal(W.data, V.data) and np.array_equal(b.data, c.data)
    assert "by its program" in step.why


def test_without_an_optimiser_it_gives_value_and_gradients():
    W, b = model()
    ps, step = params(W, b), compiled(linear(W, b), params(W, b))

    for found in [step(X) for _ in range(5)]:
        expected = withgradient(lambda: linear(W, b)(X), ps)
        assert found.val == expected.val and found.grad.params == ps
        assert all(np.array_equal(found.grad[p].data, expected.grad[p].data) for p in ps)


def test_gradients_have_memory_of_their_own():
    W, x = Tensor(np.ones(3)), np.array([1.0, 2.0, 3.0])
    step = compiled(lambda x: np.sum(W * x) + np.sum(np.reshape(W, (3, 1))), params(W))
    called(step, 3, x)
    plain = compiled(lambda x: np.sum(W * x), params(W))
    called(plain, 3, x)

    found = [f(x).grad[W].data for f in (step, step, plain, plain)]

    assert not any(np.may_share_memory(a, b) for a, b in itertools.combinations([*found, x, W.data], 2))


def test_it_is_a_decorator_too():
    W, b = model()

    @compiled(params(W, b), Descent(0.1))
    def step(x):
        return mean((W @ x - b) ** 2)

    assert isinstance(step, CompiledStep) and step(X) > step(X) > step(X) > step(X)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # WeightDecay alone grows
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "dtype, tolerance", [(np.float64, 1e-14), pytest.param(np.float32, 1e-6, marks=pytest.mark.slow)]
)
def test_twenty_steps_of_every_rule_are_the_eager_ones(name, dtype, tolerance):
    x, results = X.astype(dtype), []
    for make in (eager_steps, compiled):
        W, b = model(dtype)
        step, steps = make(linear(W, b), params(W, b), ALL[name]()), []
        for _ in range(20):
            loss = step(x)
            steps.append([loss, W.data.copy(), b.data.copy()])
        results.append(steps)

    for one, other in zip(*results):
        for a, b in zip(one, other):
            np.testing.assert_allclose(b, a, rtol=20 * tolerance, atol=tolerance)
    assert "by its program" in step.why


@pytest.mark.parametrize("make_opt", [lambda: SAM(Descent(0.1), rho=0.5), lambda: LBFGS()])
def test_optimisers_that_look_at_the_loss_again_do_so_here_too(make_opt):
    results = []
    for how in ("eager", "compiled"):
        W, b = model()
        loss, ps, opt = linear(W, b), params(W, b), make_opt()
        step = compiled(loss, ps, opt)
        for _ in range(6):
            if how == "compiled":
                step(X)
            else:
                update_(opt, ps, gradient_for(opt, partial(loss, X), ps))
        results.append(np.concatenate([W.data.ravel(), b.data]))

    np.testing.assert_allclose(*results, 1e-9, atol=1e-12)
    assert "by its program" in step.why


@pytest.mark.parametrize(
    "dtype, numbers",
    [
        (np.float64, range(2)),
        (np.float32, range(2, 3)),
        pytest.param(np.float64, range(30), marks=pytest.mark.slow),
        pytest.param(np.float32, range(30, 60), marks=pytest.mark.slow),
    ],
)
def test_random_programs_give_what_they_give_eagerly(dtype, numbers):
    for number in numbers:
        f, arguments = program(number)
        results = []
        for make in (eager_steps, compiled):
            ps = [Tensor(x.astype(dtype)) for x in arguments]
            step = make(partial(f, *ps), params(*ps), Descent(0.01))
            results.append([[step() for _ in range(5)], *(p.data for p in ps)])

        for one, other in zip(*results):
            np.testing.assert_allclose(other, one, rtol=1e-12 if dtype is np.float64 else 1e-5)
        assert "by its program" in step.why


def test_elementwise_programs_give_the_same_bits():
    W = Tensor(np.linspace(-2, 2, 50))
    loss = lambda x: np.sum(np.tanh(W * x) / (1 + np.exp(-W)) - np.sqrt(np.abs(W)) * np.sin(W))
    step = compiled(loss, params(W))

    for k in range(6):
        x = np.linspace(0, 1, 50) * k
        expected = withgradient(partial(loss, x), params(W))
        assert step(x).val == pytest.approx(expected.val, rel=1e-15)  # a sum may be added up in another order
        assert step(x).grad[W].data.tobytes() == expected.grad[W].data.tobytes()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("place", [0, 2, 7, 19])
def test_a_loop_makes_the_steps_of_single_calls(place):
    xs = np.linspace(1.0, 2.0, 60).reshape(20, 3)
    xs[place, 1] = -1.0  # not finite there
    results = []
    for make in ("calls", "loop"):
        seed(2)
        W, opt = Tensor(np.ones(3)), ADAM(1e-3)
        step = compiled(lambda x, W=W: np.sum(np.log(W * x) ** 2 * rand(3)) + 0 * np.sum(W), params(W), opt)
        for _ in range(3):
            step(np.ones(3))
        losses = step.loop(20, xs) if make == "loop" else np.array([step(x) for x in xs])
        results.append((losses, W.data.tolist(), generator().bit_generator.state))

    np.testing.assert_equal(*results)
    assert np.isnan(results[0][0][place])


def test_a_loop_takes_containers_and_losses_without_arguments():
    W = Tensor([1.0, 2.0])
    step = compiled(lambda: np.sum(W * rand(2)), params(W), Descent(0.1))
    other = compiled(lambda d: np.sum(W * d["x"]), params(W), Descent(0.0))

    assert step.loop(30).shape == (30,) and np.all(np.diff(other.loop(5, {"x": np.ones((5, 2))})) == 0)
    with pytest.raises(ValueError, match="first axis of length 5"):
        other.loop(5, {"x": np.ones((4, 2))})
    with pytest.raises(TypeError, match="optimiser"):
        compiled(lambda: np.sum(W), params(W)).loop(2)


def test_a_loop_over_numbers_and_after_a_change_is_that_of_single_steps():
    results = []
    for make in ("eager", "loop"):
        W, scale = Tensor([1.0, 2.0]), [1.0]
        loss = lambda y, W=W, scale=scale: np.sum((W - y) ** 2) * scale[0]
        step = (eager_steps if make == "eager" else compiled)(loss, params(W), ADAM(0.1))
        ys, losses = np.linspace(0, 1, 20), []
        for k in range(3):
            scale[0] = 1.0 + k // 2
            losses += [step(y) for y in ys] if make == "eager" else [*step.loop(20, ys)]
        results.append([*losses, *W.data])

    np.testing.assert_allclose(results[1], results[0], 1e-12)


def test_a_function_of_arguments_is_itself_with_a_compiled_gradient():
    f = lambda p, q: np.sum(np.tanh(p["x"]) * q)
    g = compiled(f)

    for k in range(6):
        p, q = {"x": np.arange(3.0) - k}, 2.0 + k
        one, other = withgradient(f, p, q), withgradient(g, p, q)
        np.testing.assert_allclose(other.val, one.val, 1e-12)
        np.testing.assert_allclose(other.grad[0]["x"], one.grad[0]["x"], 1e-12)
        assert type(other.grad[1]) is float and np.isclose(other.grad[1], one.grad[1], 1e-12)
    ((inner, _),) = g._steps.values()
    assert g(p, q) == f(p, q) and "by its program" in inner.step.why


def test_a_function_of_arguments_inside_of_others_is_the_function_itself():
    f = compiled(lambda x: np.sum(x**3))
    x = np.array([1.0, 2.0])
    for _ in range(4):
        gradient(f, x)
    W = Tensor(x)
    by_closure = compiled(lambda y: np.sum(W * y))

    assert np.array_equal(hessian(f, x), np.diag(6 * x)) and np.array_equal(jacobian(f, x)[0], 3 * x**2)
    assert np.array_equal(gradient(lambda: f(2 * W), params(W))[W], 24 * x**2)
    assert gradient(lambda z: gradient(compiled(lambda y: z * y * y), 2.0)[0], 3.0) == (4.0,)
    for _ in range(4):
        assert np.array_equal(gradient(lambda: by_closure(x), params(W))[W], x)
    vector = compiled(lambda y: y**2)
    for _ in range(3):
        assert np.array_equal(jacobian(vector, x)[0], np.diag(2 * x))


def test_scipys_functions_of_a_compiled_loss():
    W, b = model()
    loss = lambda: linear(W, b)(X)
    one, other = as_scipy(loss, params(W, b)), as_scipy(compiled(loss, params(W, b)), params(W, b))

    for k in range(5):
        x = one.x0 + k
        np.testing.assert_allclose(other.fun(x), one.fun(x), 1e-12)
        np.testing.assert_allclose(other.jac(x), one.jac(x), 1e-12)
        np.testing.assert_allclose(other.hessp(x, x), one.hessp(x, x), 1e-12)
    with pytest.raises(TypeError, match="without optimiser"):
        as_scipy(compiled(loss, params(W, b), Descent()), params(W, b))


def test_a_compiled_function_gives_each_thread_its_own():
    f, wrong = compiled(lambda x: np.sum(np.tanh(x) ** 2)), []

    def work(place):
        for k in range(40):
            x = np.full(3, place + k / 10)
            if not np.allclose(gradient(f, x)[0], 2 * np.tanh(x) / np.cosh(x) ** 2):
                wrong.append((place, k))

    threads = [threading.Thread(target=work, args=(place,)) for place in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong


def test_a_function_that_gives_no_number_any_more_is_itself():
    number = [True]
    f = compiled(lambda x: np.sum(x**2) if number[0] else x**2)
    for _ in range(4):
        gradient(f, np.ones(2))
    number[0] = False

    assert np.array_equal(jacobian(f, np.ones(2))[0], 2 * np.eye(2))
    with pytest.raises(TypeError, match="one number"):
        gradient(f, np.ones(2))


def test_as_methods_they_are_given_the_object():
    class Model:
        W = Tensor([1.0, 2.0])

        def __init__(self, scale):
            self.scale = scale

        @compiled
        def energy(self, x):
            return self.scale * np.sum(x**2)

        @compiled(params(W), Descent(0.25))
        def step(self, x):
            return self.scale * np.sum(self.W * x)

    one, two = Model(1.0), Model(2.0)
    for _ in range(5):
        assert gradient(one.energy, X)[0].tolist() == [2.0, 4.0, 6.0]
        assert gradient(two.energy, X)[0].tolist() == [4.0, 8.0, 12.0]
    assert [two.step(np.ones(2)) for _ in range(4)] == [6.0, 4.0, 2.0, 0.0] and isinstance(Model.step, CompiledStep)


# ------------------------------------------------------------------------------------ how it is made
def test_two_traces_then_the_program_and_audits_at_four_eight_sixteen():
    W, b = model()
    step = compiled(linear(W, b), params(W, b), Descent(0.01))
    traces = []
    for _ in range(33):
        step(X)
        traces.append(next(iter(step._versions.values())).traces)

    new = [k for k in range(1, 34) if traces[k - 1] > ([0, *traces])[k - 1]]
    assert new == [1, 2, 4, 8, 16, 32]


@pytest.fixture
def hidden():
    """State that no guard sees: how NumPy prints. Gives the function that sets it."""
    before = np.get_printoptions()
    np.set_printoptions(precision=1)
    yield lambda precision: np.set_printoptions(precision=precision)
    np.set_printoptions(**before)


def test_what_no_guard_sees_is_found_by_an_audit(hidden):
    W = Tensor([1.0, 2.0])
    step = compiled(lambda: np.sum(W**2) * np.get_printoptions()["precision"], params(W), Descent(0.0))
    called(step, 5)
    hidden(3)

    with pytest.warns(StaleStepWarning, match="audit"):
        losses = called(step, 3) and [step(), step()]

    assert losses == [15.0, 15.0]


def test_with_check_every_step_is_compared(hidden):
    W = Tensor([1.0, 2.0])
    step = compiled(lambda: np.sum(W**2) * np.get_printoptions()["precision"], params(W), Descent(0.0), check=True)
    called(step, 5)
    hidden(3)

    with pytest.warns(StaleStepWarning, match="do not agree: the loss differs"):
        loss = step()

    assert loss == 15.0


def test_a_program_that_is_wrong_is_never_used(monkeypatch):
    monkeypatch.setenv("MINIGRAD_NOJIT", "1")  # so that it is used at all
    from minigrad.training.steps import versions

    right = versions.runnable

    def wrong(program, generator):
        run = right(program, generator)
        return lambda *args: (run(*args)[0] * 1.001, *run(*args)[1:])

    monkeypatch.setattr(versions, "runnable", wrong)
    W, b = model()
    step = compiled(linear(W, b), params(W, b), Descent(0.0))

    with pytest.warns(StaleStepWarning, match="do not agree"):
        losses = [step(X) for _ in range(10)]

    assert losses == [losses[0]] * 10 and "eagerly" in step.why


def test_a_number_that_changes_at_every_step_costs_few_traces():
    W, b = model()
    scale = [1.0]
    step = compiled(lambda x: mean((W @ x - b) ** 2) * scale[0], params(W, b), Descent(0.01))

    for k in range(200):
        scale[0] = 1.0 / (k + 1.5)
        step(X)

    assert next(iter(step._versions.values())).traces < 12 and "scale[0] has changed" in step.why


@pytest.mark.parametrize("name, other", [("opt", Descent(0.0)), ("loss", lambda x: 0 * x[0] + 7.0)])
def test_another_optimiser_or_loss_is_followed(name, other):
    W, b = model()
    step = called(compiled(linear(W, b), params(W, b), Descent(0.1)), 5, X)
    setattr(step, name, other)
    before = W.data.copy()

    losses = [step(X) for _ in range(5)]

    assert losses == [losses[0]] * 5 and np.array_equal(W.data, before)
    assert (losses[0] == 7.0) == (name == "loss")


VARIABLE = contextvars.ContextVar("of this test", default=0)


def test_a_variable_of_the_context_that_the_loss_sets_stays_set():
    W = Tensor([1.0, 2.0])

    def loss():
        VARIABLE.set(VARIABLE.get() + 1)
        return np.sum(W**2)

    called(compiled(loss, params(W), Descent(0.1)), 10)

    assert VARIABLE.get() == 10


def test_the_source_runs_by_itself():
    W, b = model()
    step = called(compiled(linear(W, b), params(W, b), ADAM(0.1)), 3, X)
    space, before = {}, [W.data.copy(), b.data.copy()]
    exec(step.source, space)

    state = space["first_state"](*before)
    loss, (V, c), _ = space["training_step"](*before, X, state)

    W.data[...], b.data[...] = before
    update = eager_steps(linear(W, b), params(W, b), ADAM(0.1))
    assert update(X) == pytest.approx(loss, rel=1e-14)
    np.testing.assert_allclose(V, W.data, 1e-12)
    assert "def training_step(W, b, x, state)" in step.source and "@" in step.source


# ------------------------------------------------------------------------------------ what goes wrong
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_is_not_finite_is_computed_once_more_by_the_eager_step():
    loss = lambda W, x: np.sum(np.log(W * x + 0 * rand(3)))
    results = []
    for make in (eager_steps, compiled):
        seed(3)
        W = Tensor(np.ones(3))
        step = make(partial(loss, W), params(W), Descent(0.01))
        losses = [step(np.ones(3)) for _ in range(4)]
        losses += [step(np.array([1.0, -1.0, 1.0]))]
        results.append((losses, W.data.tolist(), generator().bit_generator.state))

    np.testing.assert_equal(*results)
    assert np.isnan(results[0][0][-1])


def test_an_exception_in_the_program_is_the_users_own_and_nothing_is_written():
    W = Tensor(np.eye(2))
    loss = lambda A: np.sum(np.linalg.cholesky(A) @ W * rand(2))
    results = []
    for make in (eager_steps, compiled):
        seed(3)
        W.data[...] = np.eye(2)
        step = make(loss, params(W), Descent(0.01))
        called(step, 4, np.eye(2))
        with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
            step(-np.eye(2))
        losses = [step(np.eye(2)) for _ in range(4)]
        results.append((losses, W.data.tolist(), generator().bit_generator.state))

    np.testing.assert_equal(*results)


def test_a_piece_of_the_users_that_raises_leaves_everything_alone():
    fails = [False]

    @adjoint
    def own(x):
        if fails[0]:
            raise ZeroDivisionError("mine")
        return x * x, lambda g: (2 * g * x,)

    W = Tensor([1.0, 2.0])
    step = called(compiled(lambda: np.sum(own(W)), params(W), ADAM(0.1)), 3)
    before, fails[0] = W.data.copy(), True

    with pytest.raises(ZeroDivisionError, match="mine"):
        step()

    fails[0] = False
    assert np.array_equal(W.data, before) and step() == np.sum(before**2)


def test_ctrl_c_in_the_middle_of_a_step_leaves_everything_alone():
    stop = [False]

    @adjoint
    def own(x):
        if stop[0]:
            signal.raise_signal(signal.SIGINT)
        return x * x, lambda g: (2 * g * x,)

    W = Tensor([1.0, 2.0])
    step = called(compiled(lambda: np.sum(own(W)), params(W), ADAM(0.1)), 3)
    before, stop[0] = W.data.copy(), True

    with pytest.raises(KeyboardInterrupt):
        step()

    stop[0] = False
    assert np.array_equal(W.data, before) and step() == np.sum(before**2)


def test_inside_of_a_gradient_it_is_refused():
    W, b = model()
    step = called(compiled(linear(W, b), params(W, b), Descent(0.1)), 3, X)

    with pytest.raises(LostGradientError, match="call it outside"):
        gradient(lambda x: step(x), X)


def test_it_cannot_call_itself():
    W = Tensor([1.0])
    steps = []
    step = compiled(lambda: np.sum(W) + (steps[0]() if steps else 0.0), params(W))
    called(step, 3)
    steps.append(step)

    with pytest.raises((RuntimeError, LostGradientError), match="call"):
        step()
    steps.clear()
    assert step().val == 1.0


def test_threads_wait_for_each_other():
    W = Tensor(np.zeros(100))
    step = called(compiled(lambda x: np.sum(W * x), params(W), Descent(1.0)), 3, np.ones(100))
    threads = [threading.Thread(target=called, args=(step, 200, np.ones(100))) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert np.array_equal(W.data, np.full(100, -803.0))


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ((3.0, [Tensor(1.0)]), TypeError, "must be a function"),
        ((3.0,), TypeError, "must be a function"),
        ((np.sum, []), TypeError, "no Tensor"),
        ((np.sum, params(Tensor([1.0])), "ADAM"), TypeError, "optimiser"),
    ],
)
def test_what_cannot_be_a_step_is_refused_at_once(arguments, error, message):
    with pytest.raises(error, match=message):
        compiled(*arguments)


def test_a_loss_that_is_no_number_is_an_error_as_ever():
    W = Tensor([1.0, 2.0])

    for loss, message in ((lambda: W, "shape"), (lambda: None, "return"), (lambda: 1j * W[0], "complex")):
        with pytest.raises(TypeError, match=message):
            compiled(loss, params(W))()


def test_a_loss_that_depends_on_nothing_is_a_number_all_the_same():
    W = Tensor([1.0, 2.0])
    step, other = (compiled(f, params(W), Descent(0.1)) for f in (lambda: 3.0, lambda: np.sum(np.ones(3))))

    assert [step() for _ in range(6)] == [other() for _ in range(6)] == [3.0] * 6 and W.data.tolist() == [1.0, 2.0]


def test_a_loss_that_returns_more_is_passed_on():
    W = Tensor([1.0, 2.0])
    step = compiled(lambda x: (np.sum(W * x), W * 2), params(W), Descent(0.5))

    values = [step(np.ones(2)) for _ in range(5)]

    assert [v[0] for v in values] == [3.0, 2.0, 1.0, 0.0, -1.0] and np.array_equal(values[-1][1], [-2.0, 0.0])
    assert "more than a number" in step.why


# ------------------------------------------------------------------------------------ what it keeps
def test_a_step_dies_with_its_last_reference():
    W, b = model()
    step = called(compiled(linear(W, b), params(W, b), ADAM()), 5, X)
    watch, tensor = weakref.ref(step), weakref.ref(W)
    gc.disable()
    try:
        del step, W
        assert watch() is None and tensor() is None
    finally:
        gc.enable()


def test_a_step_can_be_copied_and_pickled():
    W, b = model()
    step = called(compiled(linear(W, b), params(W, b), Descent(0.1)), 5, X)

    twin = copy.copy(step)

    assert twin.ps == step.ps and twin(X) > step(X)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(step)  # the loss is a lambda


# ------------------------------------------------------------------------------------ counted, not timed
def test_a_step_takes_few_instructions_of_python():
    seed(0)
    W1, W2 = rand(5, 10), rand(5, 10)

    def loss():
        x = rand(10)
        return mean((W1 @ x - W2 @ x) ** 2)

    ps = params(W1, W2)
    step, eager = called(compiled(loss, ps), 8), lambda: withgradient(loss, ps)
    eager()

    assert instructions(step)[0] < 0.4 * instructions(eager)[0]
