"""Training made twice from the same start, eagerly and compiled: what the tests of compiled steps compare."""

import numpy as np
import pytest

from minigrad import compiled, seed, update_, withgradient


@pytest.fixture(params=["text", pytest.param("machine", marks=pytest.mark.slow)], autouse=True)
def way(request, monkeypatch):
    """Every test that imports this runs by the programs' texts, the slow ones by machine code, too."""
    if request.param == "text":
        monkeypatch.setenv("MINIGRAD_NOJIT", "1")
    else:
        monkeypatch.delenv("MINIGRAD_NOJIT", raising=False)
    return request.param


class World:
    """Whatever a loss can see besides its arguments."""

    def __init__(self, **state):
        vars(self).update(state)


def eager_steps(loss, ps, opt):
    def step(*args):
        value, grads = withgradient(lambda: loss(*args), ps)
        update_(opt, ps, grads)
        return value

    return step


def trained(build, change, steps, at, make):
    """Return the losses of steps, and the parameters after each; something is changed before step ``at``."""
    seed(1)
    world, loss, ps, opt, arguments = build()
    step, losses, after = make(loss, ps, opt), [], []
    for k in range(steps):
        if k == at:
            change(world, ps, opt)
        losses.append(step(*arguments(world, k)))
        after.append([p.data.copy() for p in ps])
    return losses, after, step


def side_by_side(build, change=lambda world, ps, opt: None, steps=10, at=6, tolerance=1e-12):
    """Train eagerly and compiled; return the compiled step. Raises AssertionError where they differ."""
    losses, after, _ = trained(build, change, steps, at, eager_steps)
    others, theirs, step = trained(build, change, steps, at, compiled)
    np.testing.assert_allclose(others, losses, rtol=tolerance, atol=1e-300)
    for one, other in zip(after, theirs):
        for a, b in zip(one, other):
            scale = np.max(np.abs(a), initial=0)
            np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance * scale)
    return step
