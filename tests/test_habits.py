"""Habits brought from other libraries: each meets an error that says what to write here."""

import inspect
import pydoc
import re
import types
from importlib.util import find_spec

import numpy as np
import pytest

import minigrad
from minigrad import (
    ADAM,
    ClipNorm,
    Cos,
    Descent,
    ExpDecay,
    Momentum,
    Optimiser,
    Tensor,
    gradient,
    hvp,
    params,
    train_,
    update_,
    withgradient,
)
from minigrad import checkpoint, data, habits, losses, nn, optimise
from minigrad.hints import Elsewhere
from minigrad.nn import LSTM, Chain, Conv, Dense, MaxPool
from minigrad.optimise import AbstractOptimiser

W = Tensor(np.ones((2, 5)))


def loss(x, y):
    return np.sum((W @ x - y) ** 2)


DATUM = np.ones(5), np.ones(2)

NO_SUCH_NAME = {
    "t.backward()": (lambda: loss(*DATUM).backward(), r"Tensor has no 'backward': .*grads = gradient\(lambda: loss"),
    "t.grad": (lambda: W.grad, r"they are returned|then grads\[W\]"),
    "t.requires_grad": (lambda: W.requires_grad, "with respect to W and b"),
    "t.requires_grad = True": (lambda: setattr(W, "requires_grad", True), "with respect to W and b"),
    "t.detach()": (lambda: W.detach(), r"minigrad\.dropgrad\(t\)"),
    "t.numpy()": (lambda: W.numpy(), r"t\.data is the live ndarray, np\.array\(t\) a copy"),
    "t.at[0].set(1)": (lambda: W.at[0].set(1), "minigrad.Buffer"),
    "opt.step()": (lambda: ADAM().step(), r"ADAM has no 'step': update_\(opt, ps, grads\)"),
    "opt.zero_grad()": (lambda: Descent().zero_grad(), "Descent has no 'zero_grad': .*returns new gradients"),
    "opt.param_groups": (lambda: Momentum().param_groups, r"opt\.eta = 0\.1 sets a rate"),
    "model.parameters()": (lambda: Dense(5, 2).parameters(), r"Dense has no 'parameters': params\(model\)"),
    "model.forward(x)": (lambda: Chain(Dense(5, 2)).forward(DATUM[0]), r"Chain has no 'forward': .* model\(x\)"),
    "model.train()": (lambda: Chain(Dense(5, 2)).train(), r"trainmode_\(model\)"),
    "model.eval()": (lambda: Chain(Dense(5, 2)).eval(), r"testmode_\(model\)"),
    "minigrad.grad": (lambda: minigrad.grad, r"'grad': gradient\(f, x\) returns the gradients at x"),
    "minigrad.SGD": (lambda: minigrad.SGD, r"'SGD': Descent\(eta\), or Momentum\(eta, rho\)"),
    "minigrad.optim": (lambda: minigrad.optim.Adam, r"as in minigrad\.ADAM\(\)"),
    "minigrad.no_grad": (lambda: minigrad.no_grad(), r"dropgrad\(t\) and ignore\(f\)"),
    "minigrad.update": (lambda: minigrad.update, "'update': it is update_ here; the underscore says"),
    "minigrad.Dense": (lambda: minigrad.Dense, r"it is minigrad\.nn\.Dense"),
}

# object or module: name, and what its message must say
ELSEWHERE = {
    W: {
        "to": "CPU", "cpu": "CPU", "cuda": "CPU", "view": r"t\.reshape", "permute": r"t\.transpose\(2, 0, 1\)",
        "unsqueeze": r"np\.expand_dims", "t": r"t\.T", "mm": "t @ u", "matmul": "t @ u", "exp": r"np\.exp\(t\)",
        "log": r"np\.log\(t\)", "sqrt": r"np\.sqrt\(t\)", "abs": r"np\.abs\(t\)", "pow": r"t \*\* 2",
        "norm": r"np\.linalg\.norm", "clamp": r"t\.clip", "clone": r"t\.copy\(\)", "numel": r"t\.size",
        "zero_": r"t\[\.\.\.\] = x", "add_": r"update_\(opt, ps, grads\)", "requires_grad_": "with respect to",
        "register_hook": r"minigrad\.hook\(f, t\)", "float": r"astype\(np\.float32\)", "assign": r"t\[\.\.\.\] = x",
        "svd": r"np\.linalg\.svd\(t\)", "unique": r"np\.unique", "isnan": r"np\.isnan", "exp_": r"t\[\.\.\.\] = x",
        "gather": r"np\.take_along_axis", "block_until_ready": "when it returns", "acos": r"np\.arccos",
    },
    ADAM(): {
        "lr": "eta here", "learning_rate": "eta here", "betas": "beta here", "eps": "epsilon here",
        "weight_decay": r"WeightDecay\(1e-4\)", "state_dict": r"minigrad\.state_dict\(opt, ps\)",
        "load_state_dict": r"load_state_\(opt, ps, saved\)", "init": "nothing is to be prepared",
        "update": r"update_\(opt, ps, grads\)", "ρ": "rho here", "γ": "gamma here",
        "apply_gradients": r"update_\(opt, ps, grads\)", "minimize": "train_",
    },
    Descent(): {"set_lr": r"opt\.eta = 0\.1", "fused": "by themselves", "get_config": r"print\(opt\)"},
    gradient(lambda: np.sum(W * W), params(W)): {"clip_": "ClipGlobalNorm", "zero_": "new gradients"},
    Cos(0.1, 1, 9): {"step": "Scheduler", "get_lr": r"schedule\(t\)"},
    Optimiser(ADAM()): {"lr": "eta here", "η": "eta here", "zero_grad": "new gradients"},
    Chain(Dense(5, 2)): {
        "state_dict": r"checkpoint\.save", "named_parameters": r"named_params\(model\)", "to": r"dtype=np\.float32",
        "fit": "train_", "predict": r"model\(x\)", "append": r"Chain\(\*model, layer\)", "weight": r"model\[0\]\.W",
        "bias": r"model\[0\]\.b", "summary": r"print\(model\)", "load_state_dict": r"checkpoint\.load_",
    },
    LSTM(5, 2): {"weight": "Wi and Wh", "cuda": "nothing to move"},
    minigrad: {
        "manual_seed": r"seed\(0\)", "StepLR": r"Scheduler\(ADAM\(\), eta=minigrad\.Step", "exp": r"np\.exp",
        "clip_grad_norm_": r"ClipGlobalNorm", "minimize": r"as_scipy\(f, ps\)", "RMSprop": r"minigrad\.RMSProp",
        "Adagrad": r"minigrad\.ADAGrad", "Parameter": r"Tensor\(x\)", "sum": r"np\.sum", "mean": r"np\.mean",
        "jacrev": r"jacobian\(f, x\)", "Optimise": r"minigrad\.ADAM", "Losses": r"minigrad\.losses",
        "onehot": r"minigrad\.data\.onehot", "DataLoader": r"minigrad\.data\.DataLoader",
        "save": r"minigrad\.checkpoint\.save", "load": r"minigrad\.checkpoint\.load_", "tensor": r"Tensor\(\[",
        "Linear": r"Dense\(n_in, n_out\)", "cross_entropy": "logitcrossentropy", "GradientTape": r"gradient\(lambda",
    },
    nn: {
        "Linear": r"Dense\(n_in, n_out\)", "Sequential": r"Chain\(a, b, c\)", "ReLU": r"Dense\(2, 3, relu\)",
        "Conv2d": r"Conv\(\(3, 3\), n_in, n_out\)", "BatchNorm2d": r"BatchNorm\(n\)",
        "GroupNorm": "LayerNorm", "Parameter": r"Tensor\(x\)",
        "Module": "any class with Tensors", "functional": r"minigrad\.losses", "mse": r"minigrad\.mse",
    },
    losses: {"cross_entropy": r"logitcrossentropy\(scores", "mse_loss": r"mse\(yhat, y\)", "MSE": r"losses\.mse"},
    checkpoint: {"load": r"load_\(path", "dump": r"save\(path"},
    data: {"Dataset": r"DataLoader\(\(x, y\)", "random_split": "train_test_split"},
    optimise: {"train": "it is train_ here", "SGD": r"Descent\(eta\)", "Cos": r"minigrad\.Cos"},
}
ELSEWHERE = [(x, name, text) for x, names in ELSEWHERE.items() for name, text in names.items()]
ELSEWHERE += [(params(W), "items", "named_params"), (params(W), "append", "push_"), (params(W), "step", "update_")]


def called(x):
    return x.__name__ if isinstance(x, types.ModuleType) else type(x).__name__


@pytest.mark.parametrize("x, name, text", ELSEWHERE, ids=[f"{called(x)}.{name}" for x, name, _ in ELSEWHERE])
def test_the_name_says_how_it_is_done_here(x, name, text):
    with pytest.raises(AttributeError, match=f"{name}'.*: .*{text}"):
        getattr(x, name)
    assert not hasattr(x, name) and name not in dir(x)


MODULES = [(x, name, text) for x, name, text in ELSEWHERE if isinstance(x, types.ModuleType)]


@pytest.mark.parametrize("module, name, text", MODULES, ids=[f"{called(x)}.{name}" for x, name, _ in MODULES])
def test_an_import_of_the_name_fails_with_the_same_text(module, name, text):
    with pytest.raises(AttributeError) as missed:
        getattr(module, name)
    with pytest.raises(ImportError) as error:
        exec(f"from {module.__name__} import {name}", {})

    assert str(error.value) == str(missed.value) and re.search(text, str(error.value))
    assert error.value.name == module.__name__


@pytest.mark.parametrize("module, text", {
    "minigrad.optim": r"minigrad\.ADAM\(\)", "minigrad.nn.functional": r"minigrad\.losses",
    "minigrad.numpy": "import numpy as np", "minigrad.Linear": r"Dense\(n_in, n_out\)",
}.items())
def test_a_module_of_another_library_is_missed_with_a_word_on_what_there_is(module, text):
    for program in (f"import {module}", f"import {module} as m", f"from {module} import anything"):
        with pytest.raises(ModuleNotFoundError, match=f"^No module named '{module}': .*{text}") as missed:
            exec(program, {})
        assert missed.value.name == module


def test_a_module_that_nobody_knows_is_missed_as_ever():
    for module in ("minigrad.nonsense", "minigrad._nonsense", "minigrad.nn.nonsense", "minigradient"):
        with pytest.raises(ModuleNotFoundError, match=f"^No module named '{module}'$"):
            exec(f"import {module}", {})
        assert find_spec(module) is None


def test_an_import_far_down_a_long_list_is_told_too():
    names = ", ".join([f"gradient as g{i}" for i in range(300)] + ["name299"])

    with pytest.raises(ImportError, match="module 'minigrad' has no attribute 'name299'$"):
        exec(f"from minigrad import {names}", {})


def test_what_is_there_can_be_imported_in_every_way():
    for program in (
        "from minigrad import nn, losses, gradient, ADAM, train_",
        "from minigrad.optimise import train_, ADAM",
        "from minigrad import *; ADAM, data.DataLoader",
        "from minigrad.losses import *; mse",
        "from minigrad.data import *; DataLoader",
        "import minigrad.nn as nn; nn.Dense",
        "import minigrad; minigrad.optimise.compiled.kernels",
    ):
        exec(program, {})


def test_scipys_functions_are_found_without_an_import_of_their_own():
    pytest.importorskip("scipy")

    exec("import minigrad; assert abs(minigrad.scipy.erf(0.5) - 0.5204998778) < 1e-9", {})
    exec("from minigrad import scipy; scipy.logsumexp", {})


def names_of_ours(text):
    """Return what a hint names: minigrad's and NumPy's names with a dot, and whatever looks like a class of ours."""
    return re.findall(r"\b(?:minigrad|np)\.(?:\w+\.)*\w+", text), re.findall(r"(?<![\w.'])([A-Z]\w+)\(", text)


TABLES = """
    TENSOR OPTIMISER MODEL PARAMS GRADS LOADER SCHEDULE MINIGRAD NN LOSSES DATA CHECKPOINT CALLED KEYWORDS
""".split()
HINTS = {f"{table}.{name}": how for table in TABLES for name, how in getattr(habits, table).items()}


@pytest.mark.parametrize("name", HINTS)
def test_a_hint_names_only_what_there_is(name):
    if "minigrad.scipy" in HINTS[name]:
        pytest.importorskip("scipy")
    dotted, classes = names_of_ours(HINTS[name])

    for path in dotted:
        eval(path, {"minigrad": minigrad, "np": np})
    for one in classes:
        assert any(hasattr(place, one) for place in (minigrad, nn, data)), one


def test_what_is_listed_works():
    for x in (minigrad, nn, losses, data, checkpoint, optimise, W, ADAM(), Dense(5, 2), Chain(Dense(5, 2))):
        assert all(hasattr(x, name) for name in dir(x))
    for module in (nn, losses, data, checkpoint, optimise, minigrad.schedules, minigrad.training, minigrad.sampling):
        assert dir(module) == sorted(module.__all__)
    assert {"gradient", "ADAM", "nn", "__version__"} <= set(dir(minigrad))
    xp = minigrad.array_api
    assert {"asarray", "exp", "float64", "linalg"} <= set(dir(xp)) and "Tensor" not in dir(xp)
    assert all(hasattr(xp, name) for name in dir(xp))
    assert ("scipy" in dir(minigrad)) == (find_spec("scipy") is not None)


def test_a_name_of_ours_is_not_taken_by_a_hint():
    for cls in (Tensor, ADAM, Chain, LSTM):
        hidden = {name for c in cls.__mro__ for name, x in vars(c).items() if isinstance(x, Elsewhere)}
        assert not hidden & set(dir(np.ndarray)) - {"at", "resize", "partition", "put", "view"}


def test_the_help_on_minigrad_is_its_map():
    text = pydoc.render_doc(minigrad)

    assert len(text.splitlines()) < 80 and "THE AFTERNOON" in text and "nn.Dense" in text


@pytest.mark.parametrize("cls", [Tensor, ADAM, Dense], ids=lambda cls: cls.__name__)
def test_the_help_on_a_class_names_only_what_it_has(cls):
    text = pydoc.plain(pydoc.render_doc(cls))

    assert re.search(r"^ \|  __init__\b", text, flags=re.M)
    for name in ("backward", "requires_grad", "zero_grad", "learning_rate", "state_dict", "predict"):
        assert not re.search(rf"^ \|  {name}\b", text, flags=re.M)


CALLED = {
    "minigrad": "gradient", "minigrad.losses": r"losses\.mse", "minigrad.nn": r"nn\.Chain",
    "minigrad.data": "DataLoader",
    "minigrad.optimise": "update_", "minigrad.training": "train_", "minigrad.training.train": "train_",
    "minigrad.checkpoint": "checkpointed", "minigrad.schedules": "Scheduler", "minigrad.core.tensor": r"Tensor\(x\)",
    "minigrad.nn.layers": "Dense", "minigrad.sampling": "normal", "minigrad.readers": "trace",
}


@pytest.mark.parametrize("path", CALLED)
def test_a_module_that_is_called_says_what_to_call(path):
    with pytest.raises(TypeError, match=f"^{path} is a module, which cannot be called: .*{CALLED[path]}"):
        eval(path, {"minigrad": minigrad})([1.0, 2.0])


def test_a_module_that_is_called_is_a_module_all_the_same():
    assert inspect.ismodule(minigrad) and inspect.ismodule(minigrad.losses)


@pytest.mark.parametrize("habit, message", NO_SUCH_NAME.values(), ids=NO_SUCH_NAME)
def test_a_name_of_another_library_says_what_to_write_here(habit, message):
    with pytest.raises(AttributeError, match=message):
        habit()


@pytest.mark.parametrize("x, name", [(W, "backward"), (W, "numpy"), (Tensor, "grad"), (ADAM(), "step"),
                                     (Dense(5, 2), "forward"), (minigrad, "grad"), (minigrad, "nonsense")])
def test_a_program_that_looks_for_such_a_name_finds_none(x, name):
    assert not hasattr(x, name)


def test_an_optimiser_may_have_such_a_name_for_something_of_its_own():
    class Counting(AbstractOptimiser):
        def __init__(self):
            self.step = 7

    assert ExpDecay(step=100).step == 100 and Counting().step == 7


def unpacking():
    h, state = LSTM(2, 3)(np.ones((2, 5, 2)))  # a batch of two could be taken apart


IN_THE_WRONG_PLACE = {
    "ADAM(params(W))": (lambda: ADAM(params(W)), r"update_\(ADAM\(\.\.\.\), ps, gradients\)"),
    "ADAM(W)": (lambda: ADAM(W), r"Parameters are given with each step"),
    "ADAM(eta=schedule)": (lambda: ADAM(eta=Cos(0.1, 1, 9)), r"Scheduler\(ADAM\(\.\.\.\), eta=schedule\)"),
    "Optimiser([a, b])": (lambda: Optimiser([ClipNorm(1), ADAM()]), r"a list is not .*Optimiser\(\*optimisers\)"),
    "Chain([a, b])": (lambda: Chain([Dense(5, 2)]), r"those in a list by Chain\(\*layers\)"),
    "update_(ps, opt, grads)": (lambda: update_(params(W), ADAM(), W), r"ADAM\(.*\) is an optimiser in the place of"),
    "update_(opt, W)": (lambda: update_(ADAM(), W), r"the gradients come last: update_\(opt, ps, gradient"),
    "update_(opt, x, gradient(f, x))": (
        lambda: update_(ADAM(), W, gradient(np.sum, W)),
        r"is a tuple\. .*take them apart, \(dx,\) = gradient\(f, x\)",
    ),
    "update_(opt, ps, withgradient(f, ps))": (
        lambda: update_(ADAM(), params(W), withgradient(lambda: loss(*DATUM), params(W))),
        "value and the gradients.*loss, grads = withgradient",
    ),
    "update_(ADAM, W, dx)": (lambda: update_(ADAM, W, W), r"ADAM is a class; give an optimiser, opt = ADAM\(\.\.\.\)"),
    "train_(..., opt='adam')": (
        lambda: train_(loss, params(W), [DATUM], "adam"), r"^train_: 'adam' is no optimiser; give ADAM\(\), after from"
    ),
    "train_(..., opt='RMSprop')": (lambda: train_(loss, params(W), [DATUM], "RMSprop"), r"give RMSProp\(\)"),
    "train_(..., opt='sgd')": (lambda: train_(loss, params(W), [DATUM], "sgd"), r"give Descent\(eta\)"),
    "train_(..., opt=None)": (lambda: train_(loss, params(W), [DATUM], None), r"None is no optimiser; give ADAM\(\)"),
    "train_(..., opt=ADAM)": (lambda: train_(loss, params(W), [DATUM], ADAM), r"^train_: ADAM is a class"),
    "update_('adam', W, dx)": (lambda: update_("adam", W, W), r"^apply_: 'adam' is no optimiser; give ADAM"),
    "DataLoader(x, y)": (lambda: data.DataLoader(*DATUM), r"one tuple: DataLoader\(\(x, y\), batchsize=32\)"),
    "DataLoader(x, y, batchsize=2)": (
        lambda: data.DataLoader(*DATUM, batchsize=2), r"in one tuple: DataLoader\(\(x, y\), batchsize=32\)"
    ),
    "DataLoader(x, batch_size=2)": (lambda: data.DataLoader(DATUM[0], batch_size=2), "'batch_size': it is batchsize"),
    "Dense(3, 4, 'relu')": (lambda: Dense(3, 4, "relu"), r"a function: Dense\(\.\.\., relu\), after from minigrad\.nn"),
    "Dense(3, 4, activation='Tanh')": (lambda: Dense(3, 4, activation="Tanh"), r"Dense\(\.\.\., tanh\)"),
    "Conv(..., activation=None)": (lambda: Conv((3,), 1, 2, None), "Conv: the activation is a function"),
    "Dense(in_features=3)": (lambda: Dense(in_features=3, out_features=4), "'in_features': it is n_in here"),
    "LSTM(hidden_size=3)": (lambda: LSTM(3, hidden_size=4), "n_out"),
    "h, state = LSTM(...)(x)": (unpacking, r"outputs, state = layer\.unroll\(x\)"),
    "gradient(argnums=)": (lambda: gradient(np.sum, W, argnums=0), r"gradient\(\) got .* 'argnums': .*all arguments"),
    "withgradient(has_aux=)": (lambda: withgradient(np.sum, W, has_aux=True), r"withgradient\(f, x\) of an f that"),
    "randn(requires_grad=)": (lambda: minigrad.randn(2, requires_grad=True), "leave it out: what is differentiated"),
    "zeros(device=)": (lambda: minigrad.zeros(2, device="cuda"), "memory of the CPU"),
    "softmax(dim=)": (lambda: nn.softmax(W, dim=1), "it is axis here"),
    "t.sum(dim=0)": (lambda: W.sum(dim=0), r"sum\(\) got an unexpected keyword argument 'dim': it is axis here"),
    "t.mean(keepdim=True)": (lambda: W.mean(keepdim=True), "keepdims here"),
    "mse(reduction=)": (lambda: losses.mse(W, W, reduction="sum"), r"mse\(\) got .* 'reduction': it is agg .*np\.sum"),
    "logitcrossentropy(weight=)": (lambda: losses.logitcrossentropy(W, W, weight=W), "it is agg here"),
    "ADAM(lr=)": (lambda: ADAM(lr=0.1), r"no hyperparameter 'lr': the learning rate is eta here.*it has eta, beta"),
    "ADAM(betas=)": (lambda: ADAM(betas=(0.9, 0.99)), "it is beta here"),
    "ADAMW(weight_decay=)": (lambda: minigrad.ADAMW(weight_decay=0.1), r"ADAMW\(0\.001, decay=0\.01, couple=True\)"),
    "Optimiser(lr=)": (lambda: Optimiser(ADAM(), lr=0.1), "the learning rate is eta here"),
    "train_(optimizer=)": (
        lambda: train_(loss, params(W), [DATUM], optimizer=ADAM()), r"'optimizer': it is opt here"
    ),
    "Tensor(requires_grad=)": (lambda: Tensor([1.0], requires_grad=True), r"Tensor\(\) got .*: leave it out"),
    "lstm(x, state)": (lambda: LSTM(2, 3)(np.ones((1, 5, 2)), None), r"outputs, state = layer\.unroll\(x, state\)"),
    "save(model, path)": (
        lambda: checkpoint.save("model.npz", Dense(5, 2)), r"It is called as save\(path, /, \*, model=None, opt=None"
    ),
    "DataLoader(x, 4, True)": (lambda: data.DataLoader(DATUM[0], 4, True), r"DataLoader\(data, batchsize=1, \*, shuff"),
    "Dense(10)": (lambda: Dense(10, activation=np.tanh), r"'n_out'\. It is called as Dense\(n_in, n_out, activation="),
    "Dense(σ=)": (lambda: Dense(3, 4, **{"σ": np.tanh}), r"It is called as Dense\(n_in.*dtype=float"),
    "Cos without a period": (lambda: Cos(λ0=1e-4, λ1=1e-2), r"It is called as Cos\(l0: float, l1: float, period: int"),
    "Dropout(rate=)": (lambda: nn.Dropout(rate=0.5), r"it is p of Dropout\(p\)"),
    "jacobian(argnums=)": (lambda: minigrad.jacobian(loss, *DATUM, argnums=0), r"lambda x: f\(x, y\), x"),
    "Conv(3, 1, 4)": (lambda: Conv(3, 1, 4), r"Conv: the size .*\(3, 3\) for images, \(3,\) for sequences"),
    "MaxPool(2)": (lambda: MaxPool(2), r"MaxPool: the size .*\(2, 2\) for images"),
    "hvp(x, f, v)": (lambda: hvp(np.ones(2), np.sum, np.ones(2)), "hvp: the first argument must be a function"),
    "train_(loss, data, ps, opt)": (lambda: train_(loss, [DATUM], params(W), ADAM()), r"train_\(loss, ps, data, opt\)"),
    "train_(loss, data of Tensors, ps, opt)": (
        lambda: train_(loss, [tuple(map(Tensor, DATUM))], params(W), ADAM()),
        r"got Params\. The order is train_\(loss, ps, data, opt\)",
    ),
}


@pytest.mark.parametrize("call, message", IN_THE_WRONG_PLACE.values(), ids=IN_THE_WRONG_PLACE)
def test_what_is_given_in_the_wrong_place_is_told_the_right_one(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_hyperparameters_that_are_set_under_another_librarys_name_are_told_theirs():
    for opt in (ADAM(), Momentum(), Optimiser(ADAM())):
        with pytest.raises(AttributeError, match="the learning rate is eta here|set it on a member"):
            opt.lr = 0.1
    with pytest.raises(AttributeError, match="no hyperparameter 'lr' in ADAM.*: the learning rate is eta here"):
        minigrad.Scheduler(ADAM(), lr=0.1)


def test_what_a_layer_returns_is_taken_apart_otherwise_as_ever():
    layer, x = LSTM(2, 3), np.ones((2, 5, 2))

    outputs, (h, c) = layer.unroll(x)
    first, second = list(layer(x))
    rows = [row for row in layer(x)]

    assert np.array_equal(first, outputs[0]) and np.array_equal(second, rows[1]) and np.array_equal(h, outputs[:, -1])


def test_a_users_own_keyword_error_is_left_alone():
    def f(x, lr):
        return x

    with pytest.raises(TypeError) as caught:
        minigrad.jacobian(lambda x: f(x, dim=1), np.ones(2))
    assert str(caught.value).endswith("argument 'dim'")


def test_a_generator_that_is_used_up_is_told_from_data_that_is_empty():
    batches = iter([DATUM])
    train_(loss, params(W), batches, Descent(0.0), progress="silent")

    with pytest.raises(ValueError, match="empty.*A list_iterator is used up after one pass: give a list"):
        train_(loss, params(W), batches, Descent(0.0), progress="silent")
    with pytest.raises(ValueError, match="nothing to learn from$"):
        train_(loss, params(W), [], Descent(0.0), progress="silent")
