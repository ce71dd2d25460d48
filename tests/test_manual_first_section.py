"""The first section of Flux's manual runs as written, whichever ``sum`` it uses."""

import builtins
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import Descent, gradient, params, rand, seed, update_

EXAMPLE = Path(__file__).parents[1] / "examples" / "manual_first_section.py"

AS_IN_THE_MANUAL = """\
from minigrad import *
W = rand(2, 5)
b = rand(2)
def predict(x): return (W @ x) + b
def loss(x, y): return sum((predict(x) - y)**2)
x, y = rand(5), rand(2)          # dummy data
l = loss(x, y)                   # ~ 3
θ = params(W, b)
grads = gradient(lambda: loss(x, y), θ)

η = 0.1
for p in (W, b):
    update_(p, η * grads[p])

opt = Descent(0.1)
for p in (W, b):
    update_(opt, p, grads[p])
"""


def run(source, **variables):
    seed(1)
    exec(compile(source, "manual", "exec"), variables)
    return variables


def by_hand(start):
    """Return W and b after two steps of 0.1 along the gradient at the start, in plain NumPy."""
    seed(1)
    W, b, x, y = (rand(*shape).data for shape in ((2, 5), (2,), (5,), (2,)))
    residual = W @ x + b - y
    return W - 0.2 * 2 * np.outer(residual, x), b - 0.2 * 2 * residual, np.sum(residual**2)


def test_the_example_holds_the_text_of_the_manual():
    assert AS_IN_THE_MANUAL in EXAMPLE.read_text(encoding="utf-8")


@pytest.mark.parametrize("sum_", [builtins.sum, np.sum], ids=["Python's sum", "np.sum"])
def test_the_manual_moves_the_parameters_as_gradients_by_hand_do(sum_):
    after = run(AS_IN_THE_MANUAL, sum=sum_)

    W, b, loss = by_hand(after)
    assert float(after["l"]) == pytest.approx(loss)
    assert after["W"].data == pytest.approx(W) and after["b"].data == pytest.approx(b)


def test_the_gradients_are_those_of_the_manuals_mathematics():
    after = run(AS_IN_THE_MANUAL.split("η = 0.1")[0])
    W, b, x, y = (after[name].data for name in "Wbxy")
    residual = W @ x + b - y

    assert after["grads"][after["W"]].data == pytest.approx(2 * np.outer(residual, x))
    assert after["grads"][after["b"]].data == pytest.approx(2 * residual)


def test_the_example_runs_and_says_that_the_loss_fell(capsys):
    after = run(EXAMPLE.read_text(encoding="utf-8"))

    was, now = float(after["l"]), float(after["loss"](after["x"], after["y"]))
    assert (
        now < was and capsys.readouterr().out == f"The loss was {was:.3f} and is {now:.3f} after two steps.\n"
    )


def test_the_do_block_is_a_decorator():
    W, b, x, y = rand(2, 5), rand(2), rand(5), rand(2)
    ps = params(W, b)

    @gradient(ps)
    def grads():
        return sum((W @ x + b - y) ** 2)

    expected = gradient(lambda: np.sum((W @ x + b - y) ** 2), ps)
    assert all(np.allclose(grads[p], expected[p], rtol=1e-14) for p in ps)
    assert update_(Descent(0.1), ps, grads) is None


def test_the_star_import_leaves_pythons_sum_alone():
    assert "sum" not in minigrad.__all__ or minigrad.sum is builtins.sum
