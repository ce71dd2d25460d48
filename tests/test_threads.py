"""Tapes belong to their thread: gradients taken at once in several threads do not meet."""

import asyncio
import contextvars
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from minigrad import (
    ADAM,
    AbstractOptimiser,
    ClipNorm,
    Descent,
    ExpDecay,
    LostGradientError,
    Optimiser,
    Scheduler,
    Tensor,
    apply_,
    gradient,
    isderiving,
    params,
    update_,
)

W, b = Tensor([1.0, 2.0, 3.0]), Tensor(2.0)


@pytest.fixture(autouse=True)
def frequent_switches():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def all_together(jobs):
    """Run the jobs in one thread each, started at once, and return their results."""
    barrier = threading.Barrier(len(jobs))

    def waiting(job):
        barrier.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result() for future in [pool.submit(waiting, job) for job in jobs]]


def test_threads_that_differentiate_functions_of_the_same_parameters_get_right_answers():
    def job(k):
        def run():
            for _ in range(150):
                grads = gradient(lambda: np.sum(W ** (k + 1)) * b * np.sin(b * k), params(W, b))
                yield grads[W].tolist(), float(grads[b])

        return lambda: list(run())

    for k, results in enumerate(all_together([job(k) for k in range(4)])):
        w, s = W.data, np.sin(2.0 * k)
        expected_W = ((k + 1) * w**k * 2.0 * s).tolist()
        expected_b = np.sum(w ** (k + 1)) * (s + 2.0 * k * np.cos(2.0 * k))
        assert all(gW == pytest.approx(expected_W) and gb == pytest.approx(expected_b) for gW, gb in results)


def test_threads_with_nested_gradients_get_right_answers():
    def job(k):
        penalty = lambda: np.sum(gradient(lambda: np.sum(W**3) * k, params(W))[W] ** 2)  # sum (3 k W^2)^2
        return lambda: [gradient(penalty, params(W))[W].tolist() for _ in range(60)]

    for k, results in enumerate(all_together([job(k) for k in range(3)])):
        assert all(result == pytest.approx((36 * k**2 * W.data**3).tolist()) for result in results)


def test_a_thread_is_not_deriving_because_another_one_is():
    started, finish, seen = threading.Event(), threading.Event(), []

    def slow(x):
        started.set()
        finish.wait(10)
        return x * W[0]

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(gradient, slow, 2.0)
        started.wait(10)
        seen.append(isderiving())
        W[0] = W[0]  # overwriting is allowed in this thread
        finish.set()
        assert future.result() == (1.0,)

    assert seen == [False]


def test_an_exception_in_one_thread_leaves_the_others_recording():
    def failing():
        for _ in range(100):
            with pytest.raises(ZeroDivisionError):
                gradient(lambda x: x / 1 if False else 1 / 0, 1.0)
        return isderiving()

    def working():
        return [gradient(lambda x: x * x, 3.0) for _ in range(200)]

    failed, worked = all_together([failing, working])

    assert failed is False and set(worked) == {(6.0,)}


def test_a_recorded_value_used_by_another_thread_is_refused_not_silently_constant():
    def loss(x):
        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(lambda k: x[k] ** 2, range(3)))

    with pytest.raises(LostGradientError, match="a tape belongs to its thread"):
        gradient(loss, np.ones(3))


def test_gradients_taken_inside_threads_can_be_added_up_outside():
    data = [1.0, 2.0, 3.0]

    with ThreadPoolExecutor(3) as pool:
        parts = list(pool.map(lambda x: gradient(lambda: np.sum(W * x), params(W)), data))
    total = sum(parts[1:], parts[0])

    assert total[W].tolist() == [6.0, 6.0, 6.0]


def test_a_value_that_escaped_from_a_finished_gradient_is_a_constant_in_any_thread():
    escaped = []
    gradient(lambda x: (escaped.append(x * 2), x)[1], 3.0)

    with ThreadPoolExecutor(1) as pool:
        assert float(pool.submit(lambda: escaped[0] + 1).result()) == 7.0


def test_tasks_of_asyncio_do_not_share_a_tape():
    async def task(k):
        def loss(x):
            return x**k

        await asyncio.sleep(0)
        return gradient(loss, 2.0)[0]

    async def main():
        return await asyncio.gather(*(task(k) for k in range(5)))

    assert asyncio.run(main()) == [pytest.approx(k * 2.0 ** (k - 1)) for k in range(5)]


def test_a_context_copied_inside_a_gradient_does_not_outlive_it():
    contexts = []
    gradient(lambda x: (contexts.append(contextvars.copy_context()), x)[1], 3.0)

    # a callback that runs later in that context computes, and its values are constants
    assert float(contexts[0].run(lambda: np.sum(W * 2))) == 2 * np.sum(W.data)
    assert contexts[0].run(lambda: gradient(lambda x: x * x, 3.0)) == (6.0,)


def test_a_task_created_in_a_loss_may_overwrite_once_the_gradient_is_over():
    w, seen = Tensor([1.0, 2.0]), []

    async def later():
        seen.append(isderiving())
        w[0] = 5.0
        update_(ADAM(), w, np.zeros(2))
        seen.append(gradient(lambda x: x * x, 3.0)[0])
        return float(w[0])

    async def main():
        tasks = []

        def loss():
            tasks.append(asyncio.create_task(later()))
            return np.sum(w * w)

        gradient(lambda: gradient(loss, params(w))[w][0], params(w))  # in the innermost of two
        return await tasks[0]

    assert asyncio.run(main()) == 5.0 and seen == [False, 6.0]


def test_a_task_created_in_an_inner_gradient_is_recorded_by_the_outer_one():
    async def later(x):
        return isderiving(), x * x

    async def main(x):
        tasks = []
        gradient(lambda y: (tasks.append(asyncio.create_task(later(x))), y)[1], 1.0)
        return await tasks[0]

    def loss(x):
        deriving, y = asyncio.run(main(x))
        assert deriving
        return y

    assert gradient(loss, 3.0) == (6.0,)


def test_what_escaped_is_a_constant_in_a_task_that_outlives_its_gradient():
    escaped = []

    async def later():
        return [float(escaped[0] * 2), float(np.exp(escaped[0] * 0.0))]

    async def main():
        def loss(x):
            escaped.extend([x * 2, asyncio.create_task(later())])
            return x

        gradient(loss, 3.0)
        return await escaped[1]

    assert asyncio.run(main()) == [12.0, 1.0]


def test_parameters_in_a_thread_get_their_gradient_by_a_gradient_inside_of_it():
    data = [1.0, 2.0, 3.0]
    part = lambda x: np.sum(W * x) * b
    parts = lambda x: (part(x), gradient(lambda: part(x), params(W, b)))

    with ThreadPoolExecutor(3) as pool:  # the way that the page on threads shows
        values, grads = zip(*pool.map(parts, data))

    assert sum(map(float, values)) == 72.0
    assert sum(grads[1:], grads[0])[b].tolist() == 36.0


@pytest.mark.parametrize("use", [float, lambda x: x * 2, lambda x: np.array([x]), lambda x: x + Tensor(1.0)])
def test_no_use_of_another_threads_recorded_value_goes_unnoticed(use):
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(LostGradientError, match="add up the results outside"):
            gradient(lambda x: pool.submit(use, x).result() * x, 1.0)


def test_another_threads_recorded_value_is_refused_inside_a_gradient_of_ones_own():
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(LostGradientError, match="a tape belongs to its thread"):
            gradient(lambda x: pool.submit(gradient, lambda y: y * x, 1.0).result()[0] * x, 1.0)


# ---------------------------------------------------------------------------------------- steps in threads
class Own(AbstractOptimiser):
    """A rule of one's own, which Python runs."""


apply_.register(Own, lambda opt, x, dx: dx)
RULES = {
    "a formula": lambda: Descent(1.0),
    "a replaced hyperparameter": lambda: Optimiser(ExpDecay(1.0, 1.0), Descent(1.0)),
    "a norm": lambda: Optimiser(ClipNorm(1e9), Descent(1.0)),
    "a rule of one's own": Own,
    "a schedule": lambda: Scheduler(Descent(1.0), eta=lambda t: 1.0),
}


@pytest.mark.parametrize("n, steps", [(3, 100), (150_000, 8)])
@pytest.mark.parametrize("name", RULES)
def test_steps_of_one_optimiser_on_one_parameter_are_not_lost(name, n, steps, either_way):
    opt, x, dx = RULES[name](), np.zeros(n), np.ones(n)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: update_(opt, x, dx), range(3 * steps)))

    assert x.min() == x.max() == -3 * steps
