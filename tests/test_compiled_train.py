"""train_(compiled=True): the same losses, callbacks, errors and endings as ever."""

import copy
import gc

import numpy as np
import pytest
from compiled_steps import way  # noqa: F401

from minigrad import (
    ADAM,
    Descent,
    NonFiniteError,
    Scheduler,
    Tensor,
    TraceError,
    generator,
    params,
    rand,
    seed,
    skip,
    state_dict,
    stop,
    train_,
)
from minigrad.schedules import Exp

DATA = [(np.array([k, 1.0, -1.0]), float(k % 3)) for k in range(12)]
ARRAYS = [(x, np.asarray(y)) for x, y in DATA]


def both(run):
    """Return what ``run(compiled)`` gives eagerly and compiled, each from the same start."""
    results = []
    for compiled in (False, True):
        seed(0)
        results.append(run(compiled))
    return results


def fit(compiled, data=ARRAYS, opt=None, loss=lambda W, x, y: (np.sum(W * x) - y) ** 2, **keywords):
    W = Tensor([0.1, 0.2, 0.3])
    losses = train_(
        lambda x, y: loss(W, x, y), params(W), data, opt or ADAM(0.01), compiled=compiled, progress="silent", **keywords
    )
    return losses, W.data.tolist()


@pytest.mark.parametrize("epochs", [1, 3])
def test_losses_and_parameters_are_the_same(epochs):
    one, other = both(lambda compiled: fit(compiled, epochs=epochs))

    np.testing.assert_allclose(other[0], one[0], 1e-12)
    np.testing.assert_allclose(other[1], one[1], 1e-12)
    assert all(type(value) is float for value in other[0]) and len(other[0]) == 12 * epochs


def test_numbers_of_python_and_random_numbers_are_the_same():
    noisy = lambda W, x, y: (np.sum(W * x * rand(3)) - y) ** 2

    one, other = both(lambda compiled: (fit(compiled, DATA, loss=noisy, epochs=3), generator().bit_generator.state))

    np.testing.assert_allclose(other[0][0], one[0][0], 1e-12)
    assert one[1] == other[1]


def test_schedules_go_on():
    make = lambda compiled: fit(compiled, opt=Scheduler(Exp(0.01, 0.9), Descent()), epochs=2)

    one, other = both(make)

    np.testing.assert_allclose(other[0], one[0], 1e-12)


def test_callbacks_see_the_same_context_and_may_change_it():
    def run(compiled):
        seen = []

        def before(context):
            context.gradients = 0.5 * context.gradients
            if context.step == 3:
                skip()

        def after(context):
            norm = float(context.gradients.norm())
            seen.append((context.epoch, context.step, context.index, context.loss, norm, len(context.losses)))
            context.optimiser.eta *= 0.99
            if context.step == 20:
                stop()

        return fit(compiled, epochs=5, before=before, cb=after), seen

    one, other = both(run)

    np.testing.assert_allclose(other[1], one[1], 1e-10)
    np.testing.assert_allclose(other[0][0], one[0][0], 1e-10)


def test_a_loss_may_return_more():
    def run(compiled):
        aux = []
        return fit(
            compiled,
            loss=lambda W, x, y: ((np.sum(W * x) - y) ** 2, np.sum(W)),
            cb=lambda context: aux.append(float(context.aux[0])),
        ), aux

    one, other = both(run)

    np.testing.assert_allclose(other[0][0], one[0][0], 1e-12)
    assert one[1] == other[1]
    assert fit(True, loss=lambda W, x, y: ((np.sum(W * x) - y) ** 2, np.sum(W)))[0] == one[0][0]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_is_not_finite_is_refused_before_its_step_and_the_operation_named():
    data = [np.array([1.0, 2.0, 3.0])] * 10 + [np.array([1.0, -2.0, 3.0])]

    def run(compiled):
        W, opt = Tensor([0.1, 0.2, 0.3]), Descent(1e-6)
        with pytest.raises(NonFiniteError) as caught:
            train_(lambda x: np.sum(np.log(W * x)), params(W), data, opt, compiled=compiled, progress="silent")
        return str(caught.value), W.data.tolist()

    one, other = both(run)

    assert one[0] == other[0] and "step 11" in one[0] and "np.log" in one[0]
    assert one[1] == other[1]


def test_what_is_refused_is_refused_here_too():
    with pytest.raises(TraceError, match="np.where"):
        fit(True, loss=lambda W, x, y: np.sum(W) if x[0] > 3 else np.sum(W * x))


def test_the_next_call_goes_on_with_the_same_program():
    W, opt = Tensor([0.1, 0.2, 0.3]), ADAM(0.01)
    loss = lambda x, y: (np.sum(W * x) - y) ** 2

    for _ in range(6):
        train_(loss, params(W), ARRAYS, opt, compiled=True, progress="silent")

    (version,) = opt._compiled._versions.values()
    assert version.calls == 71 and version.traces == 7  # 1, 2, 4, 8, 16, 32, 64; the very first step is eager
    assert state_dict(opt, params(W)) and copy.deepcopy(opt)._compiled is None


def test_the_optimiser_does_not_keep_another_losss_step():
    W, V, opt = Tensor([1.0]), Tensor([2.0]), Descent(0.1)
    for p in (W, V, W):
        train_(lambda x: np.sum(p * x), params(p), [np.ones(1)] * 6, opt, compiled=True, progress="silent")  # noqa: B023

    np.testing.assert_allclose([W.data, V.data], [[-0.2], [1.4]], atol=1e-12)
    gc.collect()
