"""What somebody new gets wrong in the first hour: each is answered with what to write instead."""

import linecache
import re
import sys

import numpy as np
import pytest

import minigrad

BEGINNING = """
import math
import numpy as np
from minigrad import *
from minigrad.nn import Chain, Dense, relu

W, b = Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([0.5, -0.5])
x, y, ps = np.array([1.0, -1.0]), np.array([0.0, 1.0]), params(W, b)
model = Chain(Dense(2, 3, relu), Dense(3, 1))

def loss(x, y):
    return np.sum((W @ x + b - y) ** 2)

grads = gradient(lambda: loss(x, y), ps)
"""

MISTAKES = {
    # asking for a gradient
    "gradient(loss, ps)": r"called without arguments: gradient\(lambda: loss\(x, y\), ps\)",
    "gradient(loss(x, y), ps)": r"must be a function, not its value.*gradient\(lambda: loss\(x\), ps\)",
    "gradient(lambda: loss(x, y))": r"with respect to what\?",
    "gradient(lambda: loss(x, y), W, b)": r"gradient\(f, params\(W, b\)\) calls f\(\)",
    "gradient(loss, x, y=y)": r"with a constant it is gradient\(lambda x: f\(x, 2.0\), x\)",
    "gradient(lambda x: x**2, x)": r"np.sum or np.mean.*jacobian",
    "gradient(lambda x: None, x)": "did you forget return",
    "gradient(lambda x: (np.sum(x), x), x)": r"withgradient, of a function that returns \(loss, whatever\)",
    "gradient(lambda x: np.sum(x**2), [1.0, 2.0])": r"a list comes as a list of Tensors.*np.array\(x\)",
    "params(x)": r"W = Tensor\(W\)",
    "params([W.data])": r"Tensor\(array\)",
    "Params([Tensor([1, 2])])": r"Tensor\(x, dtype=float\)",
    "grads['W']": r"grads\[W\]",
    # inside of one
    "gradient(lambda x: math.exp(x), 1.0)": r"np.exp\(t\) for math.exp\(t\)",
    "gradient(lambda x: float(np.sum(x)), x)": "Use the Tensor itself, which arithmetic, NumPy's functions and print",
    "gradient(lambda x: np.sum(x).item(), x)": "Use the Tensor itself, which arithmetic",
    "gradient(lambda x: int(x[0]) * x[1], x)": "Use the Tensor itself, which arithmetic",
    "gradient(lambda x: print('%.2f' % x[0]), x)": r"t:\.3f",
    "gradient(lambda x: np.sum(np.array([x[0], 1.0])), x)": r"minigrad.array\(\[t, u\]\)",
    "gradient(lambda x: np.random.normal(x[0]), x)": "minigrad.sampling",
    "gradient(lambda x: x if x > 0 else -x, x)": r"np.where\(condition, a, b\)",
    "gradient(lambda x: np.sum(x.sum(dim=0)), x)": "it is axis here",
    "gradient(lambda x: np.sum(x.detach()), x)": r"dropgrad\(t\)",
    "gradient(lambda: update_(W, W), ps)": "before or after the gradient",
    "gradient(lambda: loss(np.ones(3), y), ps)": "they must be equal",
    "W @ 3.0": r"a number goes by \*",
    "loss(x, y).backward()": r"grads = gradient\(lambda: loss\(x, y\), params\(W, b\)\)",
    "W.zero_grad()": "nothing to set to zero",
    "r_(x, y)": r"r_\[x, y\]",
    # optimisers
    "ADAM(lr=0.1)": r"eta here: ADAM\(eta=0.001\)",
    "ADAM(ps)": r"update_\(ADAM\(...\), ps, gradients\)",
    "ADAM(0.1, 0.9)": r"two numbers in \[0, 1\)",
    "RMSProp(0.1, alpha=0.9)": "of its mean is rho",
    "ADAM().step()": r"update_\(opt, ps, grads\) makes one",
    "update_(ADAM(), ps)": r"update_\(opt, ps, gradient\(lambda: loss\(x, y\), ps\)\)",
    "update_(ps, grads)": r"The order is update_\(opt, ps, grads\)",
    "update_(ADAM(), grads, ps)": r"The order is update_\(opt, ps, grads\)",
    "update_(ADAM(), ps, withgradient(lambda: loss(x, y), ps))": "loss, grads = withgradient",
    "update_(ADAM, ps, grads)": r"ADAM is a class; give an optimiser, opt = ADAM\(...\)",
    "update_('adam', ps, grads)": r"give ADAM\(\)",
    "update_(Optimiser(ADAM(), Exp(0.1, 0.9)), ps, grads)": r"Scheduler\(ADAM\(\), eta=schedule\)",
    "update_(SAM(ADAM()), ps, grads)": "^SAM looks at the loss again",
    "Groups((W, ADAM()))[b]": "^this parameter is in no group",
    "Optimiser([ADAM()])": r"Optimiser\(\*optimisers\)",
    "Step(0.1, 0.5, milestones=[3, 9])": r"step_sizes=\[3, 6\]",
    "Cos(0.1, 0.001, T_max=10)": "it is period here",
    # training
    "train_(loss, ps, (x, y), ADAM())": r"For one datum write \[\(x, y\)\]",
    "train_(loss(x, y), ps, [(x, y)], ADAM())": "the loss must be a function",
    "train_(loss, [(x, y)], ps, ADAM())": r"The order is train_\(loss, ps, data, opt\)",
    "train_(loss, ps, [(x, y)], ADAM(), 10)": "epochs=10",
    "train_(loss, ps, zip([x], [y]), ADAM(), epochs=2)": r"list\(zip\(xs, ys\)\)",
    "train_(loss, ps, [(x, y)], ADAM(), validation=(loss, (x, y)))": r"^validation: .*For one datum write \[\(x, y\)\]",
    "train_(loss, ps, [(x, y)], ADAM(), metrics=['accuracy'])": "metrics is a dict",
    "lr_find(loss, ps, (x, y), ADAM())": r"^lr_find: .*For one datum write \[\(x, y\)\]",
    "compiled(loss, opt=ADAM())": r"compiled\(loss, params\(model\), opt\)",
    "trace(lambda: loss(x, y), ps).source(step='adam')": r"source\(step=ADAM\(\)\)",
    "race(lambda x, y: x**2 + y**2, [1.0, 1.0])": r"race calls f with a point",
    "race('rosenbrock', ADAM())": r"opts=\[ADAM\(\)\]",
    "checkpoint.save(W)": "the first argument, ends in .npz",
    # models
    "model.parameters()": r"params\(model\)",
    "Dense(2, 3, 'relu')": r"Dense\(..., relu\)",
    "Chain([Dense(2, 3)])": r"Chain\(\*layers\)",
    "Dense(2, 3)(np.ones((4, 5)))": "batch first and features last",
    "losses.mse(np.ones((4, 1)), np.ones(4))": r"yhat\[..., 0\]",
    "metrics.f1_score(x, y)": r"metrics.confusion\(predicted, actual\)",
    "data.DataLoader((x, y), batch_size=2)": "it is batchsize here",
    "data.onehot(['cat', 'dog'], 2)": r"onehot\(labels, \['cat', 'dog'\]\)",
}


@pytest.mark.parametrize("written", MISTAKES)
def test_the_error_says_what_to_write(written):
    names, name = {"__name__": "first"}, f"<{written}>"
    linecache.cache[name] = len(written), None, [written + "\n"], name  # messages quote the program
    exec(BEGINNING, names)

    with pytest.raises(Exception) as caught:
        eval(compile(written, name, "eval"), names)

    assert re.search(MISTAKES[written], str(caught.value)), caught.value


def test_a_picture_inside_of_a_gradient_is_given_the_plain_numbers():
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")

    with pytest.raises(minigrad.LostGradientError, match="Use t.data, the plain numbers"):
        minigrad.gradient(lambda x: np.sum(x) * len(plt.plot(x)), np.ones(2))


def test_an_element_stored_in_a_plain_array_is_given_a_buffer():
    def stored(x):
        a = np.zeros(2)
        a[0] = x[0]
        return np.sum(a)

    with pytest.raises(minigrad.LostGradientError, match=r"Use minigrad.array\(\[...\]\).*minigrad.Buffer"):
        minigrad.gradient(stored, np.ones(2))


def test_a_compiled_step_shows_the_losss_own_error_alone():
    step = minigrad.compiled(lambda x, y: np.sum(W * x), minigrad.params(W := minigrad.Tensor([1.0])))

    with pytest.raises(TypeError, match="missing 1 required positional argument") as caught:
        step(1.0)

    assert caught.value.__context__ is None


def test_what_is_supported_is_asked_by_function_too():
    assert minigrad.supported(np.arctan2) == minigrad.supported("np.arctan2")


def test_a_name_that_nobody_has_is_an_ordinary_error_in_every_module():
    with pytest.raises(ImportError, match="has no attribute 'nobody'$"):
        exec("from minigrad.compat.autograd import nobody")


def test_what_is_scipys_or_matplotlibs_says_how_to_install_it(monkeypatch):
    for name in ("scipy.optimize", "matplotlib"):
        monkeypatch.setitem(sys.modules, name, None)
    W = minigrad.zeros(2)

    with pytest.raises(ImportError, match="LBFGS is SciPy's; install it with python -m pip install scipy"):
        minigrad.gradient_for(minigrad.LBFGS(), lambda: np.sum(W**2), minigrad.params(W))
    with pytest.raises(ImportError, match="python -m pip install matplotlib"):
        minigrad.History([1.0]).plot()
