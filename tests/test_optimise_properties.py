"""What holds for every rule of the one list (all_rules.py)."""

import gc
import weakref

import numpy as np
import pytest
from all_rules import ALL, JOINT, LAST, NO_COMPLEX, RANDOM, UNCOMPILED, every_rule, numbers, train

from minigrad import Tensor
from minigrad import optimise as o
from minigrad.iddict import IdDict
from minigrad.optimise.compiled import kernels

DTYPES = [np.float16, np.float32, np.float64, np.complex64, np.complex128, np.longdouble]


def iddicts(opt):
    """All state dictionaries of an optimiser, nested ones included."""
    own = [value for value in vars(opt).values() if isinstance(value, IdDict)]
    return own + [d for o_ in getattr(opt, "os", ()) for d in iddicts(o_)]


@every_rule
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype_and_shape_are_kept(name, dtype, interpreted):
    if name in NO_COMPLEX and np.dtype(dtype).kind == "c":
        pytest.skip("refuses complex numbers")
    x = numbers((3, 4), dtype)

    step = o.apply_(ALL[name](), x, numbers((3, 4), dtype))
    train(ALL[name](), x)

    assert (x.shape, x.dtype) == ((3, 4), dtype) and np.isfinite(x).all()
    assert step is None or (step.shape, step.dtype) == ((3, 4), dtype)


@every_rule
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_formula_and_kernel_agree_bit_for_bit(name, dtype, monkeypatch):
    if not kernels.available():
        pytest.skip("there is no numba here")
    start = numbers((5, 9), dtype)
    monkeypatch.setenv("MINIGRAD_NOJIT", "1")
    by_formula = train(ALL[name](), start.copy())
    monkeypatch.delenv("MINIGRAD_NOJIT")
    monkeypatch.setattr(kernels, "LOADING", 0)
    monkeypatch.setattr(kernels, "COMPILING", 0)
    by_kernel = train(ALL[name](), start.copy())

    assert np.array_equal(by_formula, by_kernel)


@pytest.mark.slow
@every_rule
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_formula_and_kernel_agree_on_complex_numbers(name, dtype, monkeypatch):
    # NumPy multiplies complex arrays with fused multiply-adds, the kernel without.
    if name in NO_COMPLEX or not kernels.available():
        pytest.skip("refuses complex numbers, or there is no numba here")
    start = numbers((5, 9), dtype)
    monkeypatch.setenv("MINIGRAD_NOJIT", "1")
    by_formula = train(ALL[name](), start.copy())
    monkeypatch.delenv("MINIGRAD_NOJIT")
    monkeypatch.setattr(kernels, "LOADING", 0)
    monkeypatch.setattr(kernels, "COMPILING", 0)
    by_kernel = train(ALL[name](), start.copy())

    np.testing.assert_allclose(by_kernel, by_formula, rtol=50 * np.finfo(dtype).eps)


@every_rule
def test_the_gradient_is_not_written_to(name, either_way):
    x, dx = numbers((2, 3)), numbers((2, 3), seed=5)
    before = dx.copy()

    o.update_(ALL[name](), x, dx)

    assert np.array_equal(dx, before)


@pytest.mark.parametrize("name", ["Descent", "ADAM", "ADAMW"])
def test_a_compiled_step_is_what_a_compiled_update_subtracts(name, compiled):
    x, dx = numbers(7), numbers(7, seed=5)
    expected = x.copy()
    o.update_(ALL[name](), expected, dx)

    step = o.apply_(ALL[name](), x, dx)

    assert np.array_equal(x - step, expected)


@every_rule
def test_apply_leaves_the_parameter_and_update_subtracts_the_same(name, interpreted):
    x, dx = numbers(7), numbers(7, seed=5)
    before = x.copy()

    step = o.apply_(ALL[name](), x, dx.copy())
    untouched = np.array_equal(x, before)
    o.update_(ALL[name](), x, dx)

    assert untouched and np.array_equal(x, before if step is None else before - step)


@every_rule
def test_a_zero_gradient_moves_nothing_but_what_decays(name, either_way):
    if name in RANDOM:
        pytest.skip("moves by noise")
    x = numbers(5)
    before = x.copy()

    o.update_(ALL[name](), x, np.zeros(5))

    decays = {"ADAMW": 0.01, "ADAMW coupled": 1e-5, "WeightDecay": 0.1}
    decays |= dict.fromkeys(["Adan", "AdEMAMix", "Tiger", "TorchAdamW"], 1e-5)
    if name == "AMSGrad":  # its first moment starts at epsilon
        np.testing.assert_allclose(x, before - 0.001 * 0.9e-8 / (1e-4 + 1e-8), rtol=1e-12)
    elif name == "Yogi":  # both moments start at 1e-6
        np.testing.assert_allclose(x, before - 0.01 * 9e-6 / (1e-3**0.5 + 1e-3), rtol=1e-12)
    elif name == "Optimiser":  # the decayed gradient passes through ADAM: one step of eta
        np.testing.assert_allclose(x, before - 0.001 * np.sign(before), rtol=1e-3)
    else:
        np.testing.assert_allclose(x, before * (1 - decays.get(name, 0)), rtol=1e-15)


@every_rule
def test_parameters_do_not_share_state(name, either_way):
    alone, first, second = numbers(4), numbers(4), numbers(4, seed=9)
    opt = ALL[name]()
    if name in {"ExpDecay", "Optimiser"} | RANDOM:
        pytest.skip("one rate for all parameters, or one generator")

    train(ALL[name](), alone)
    for t in range(7):
        o.update_(opt, first, numbers(4, seed=1 + t))
        o.update_(opt, second, 100 * numbers(4, seed=50 + t))

    assert np.array_equal(first, alone)


@every_rule
def test_state_and_plans_die_with_the_parameter(name, either_way):
    opt, x = ALL[name](), Tensor(numbers(4))
    kept = weakref.ref(x.data)
    o.update_(opt, x, numbers(4))
    arrays = [weakref.ref(a) for d in iddicts(opt) for a in flat(d.values())]

    del x
    gc.collect(0)  # what was made just now

    assert kept() is None and all(len(d) == 0 for d in iddicts(opt)) and all(a() is None for a in arrays)


def flat(values):
    return [
        a
        for v in values
        for a in (flat(v) if isinstance(v, (tuple, list)) else [v])
        if isinstance(a, np.ndarray)
    ]


@every_rule
def test_reset_forgets_everything_but_the_hyperparameters(name, either_way):
    opt = ALL[name]()
    if name in ("ExpDecay", "Optimiser"):
        pytest.skip("the rate that has decayed is a hyperparameter and stays")
    first = train(opt, numbers(4))
    shown = repr(opt)

    opt.reset_()
    again = train(opt, numbers(4))

    assert np.array_equal(first, again) and repr(opt) == shown


@pytest.mark.parametrize("name", [n for n in ALL if n not in UNCOMPILED])
def test_the_second_call_compiles_nothing(name, compiled):
    opt, x = ALL[name](), numbers((3, 3))
    train(opt, x, steps=1)
    before = kernels.compiled()

    train(opt, x, steps=2, seed=8)
    train(ALL[name](), numbers((50, 2, 3)), steps=2)

    assert kernels.compiled() == before


# Their rate is inside what they have gathered, or is not there at all.
GATHERED = {"Momentum", "Nesterov", "OADAM", "MADGRAD", "LARS"}
NO_RATE = {
    "ADAMW",
    "ExpDecay",
    "Rprop",
    "Lookahead",
    "AccumGrad",
    "Optimiser",
    "ClipValue",
    "ClipNorm",
    "ClipGlobalNorm",
    "WeightDecay",
    "InvDecay",
    "ADADelta",
    *LAST,
    "TrustRatio",
    "Cautious",
    "ClipUnitNorm",
    "Centralise",
}


@pytest.mark.parametrize("name", [n for n in ALL if n not in GATHERED | NO_RATE])
def test_a_rate_of_zero_takes_effect_at_once(name, either_way):
    opt, x = ALL[name](), numbers(6)
    train(opt, x, steps=3)
    before = x.copy()

    opt.eta = 0.0
    o.update_(opt, x, np.ones(6))

    assert np.array_equal(x, before)


def test_adamws_rate_reaches_the_rule_inside_at_once(either_way):
    opt, x = o.ADAMW(0.1), numbers(6)
    train(opt, x, steps=3)
    before = x.copy()

    opt.eta = 0.0
    o.update_(opt, x, np.ones(6))

    assert np.array_equal(x, before)


def test_a_rate_of_zero_leaves_momentum_its_velocity(either_way):
    opt, x = o.Momentum(0.5, 0.5), np.zeros(1)
    o.update_(opt, x, np.ones(1))  # velocity -0.5

    opt.eta = 0.0
    o.update_(opt, x, np.ones(1))  # velocity -0.25

    assert x[0] == -0.75


@pytest.mark.parametrize(
    "members",
    [
        lambda: (o.ClipValue(1), o.WeightDecay(0.1), o.ADAM(), o.ExpDecay(1, 0.5, 2)),
        lambda: (o.WeightDecay(0.1), o.ClipNorm(1), o.Momentum(), o.InvDecay(0.1)),
        lambda: (o.Lookahead(o.RADAM(), 2), o.ClipGlobalNorm(1e-3), o.Lion()),
    ],
)
def test_fused_compositions_do_what_their_members_do_one_after_the_other(members, compiled):
    fused, staged = numbers(50), numbers(50)
    opt, single = o.Optimiser(*members()), members()

    for t in range(4):
        dx = numbers(50, seed=20 + t)
        o.update_(opt, fused, dx)
        for each in single:
            dx = o.apply_(each, staged, dx)
        staged -= dx

    np.testing.assert_allclose(fused, staged, rtol=1e-14, atol=1e-15)


@every_rule
def test_one_call_for_many_parameters_does_what_single_calls_do(name, either_way):
    shapes = [(3,), (2, 2), (), (0,), (64,)]
    together, singly = [numbers(s, seed=2) for s in shapes], [numbers(s, seed=2) for s in shapes]
    if name in JOINT:
        pytest.skip("looks at all parameters together")
    opt, other = ALL[name](), ALL[name]()

    for t in range(5):
        grads = [numbers(s, seed=10 + t) for s in shapes]
        o.update_(opt, together, grads)
        for x, dx in zip(singly, grads):
            o.update_(other, x, dx)

    assert all(map(np.array_equal, together, singly))


@every_rule
def test_composition_equals_nesting(name, interpreted):
    flat_, nested = numbers(5), numbers(5)
    behind = () if name in LAST else (o.InvDecay(0.1),)

    train(o.Optimiser(o.ClipValue(1), ALL[name](), *behind), flat_)
    train(o.Optimiser(o.ClipValue(1), o.Optimiser(ALL[name](), o.Optimiser(*behind))), nested)

    assert np.array_equal(flat_, nested)


@every_rule
def test_composition_equals_one_rule_after_the_other(name, interpreted):
    if name == "Cautious":
        pytest.skip("looks at the gradient as it came into the whole composition")
    fused, staged = numbers(5), numbers(5)
    opt, first, second = o.Optimiser(o.WeightDecay(0.1), ALL[name]()), o.WeightDecay(0.1), ALL[name]()

    for t in range(4):
        dx = numbers(5, seed=20 + t)
        o.update_(opt, fused, dx)
        step = o.apply_(second, staged, o.apply_(first, staged, dx))
        staged -= 0 if step is None else step

    np.testing.assert_array_almost_equal_nulp(fused, staged, 4)


@every_rule
def test_a_tensor_is_updated_like_its_array(name, either_way):
    array = numbers((2, 3))
    tensor, opt = Tensor(array), ALL[name]()

    train(ALL[name](), array)
    for t in range(7):
        o.update_(opt, tensor, Tensor(numbers((2, 3), seed=1 + t)))

    assert np.array_equal(tensor.data, array)


# What solves the manual's problem where the hyperparameters of the list would not: too short, or decaying.
SOLVERS = {
    "OADAM": lambda: o.OADAM(0.001),
    "ADADelta": lambda: o.ADADelta(0.9, 1e-6),
    "OptaxAMSGrad": lambda: o.OptaxAMSGrad(0.005),
    "ADAMW": lambda: o.ADAMW(),
    "ADAMW coupled": lambda: o.ADAMW(couple=True),
    "Optimiser": lambda: o.Optimiser(
        o.ClipValue(1), o.WeightDecay(1e-5), o.ADAM(0.01), o.ExpDecay(1, 0.1, 10_000)
    ),
}
# What goes on in steps of one size, or with noise, comes nearer as its steps become shorter.
SOLVERS |= {
    name: lambda name=name: o.Optimiser(ALL[name](), o.ExpDecay(1, 0.1, 5_000, 1e-3))
    for name in ("Prodigy", "Noisy")
}
TRANSFORMS = {"ClipValue", "ClipNorm", "ClipGlobalNorm", "WeightDecay", "InvDecay", "ExpDecay"}
TRANSFORMS |= {"TrustRatio", "ClipUnitNorm", "Centralise", "TwoPasses"}  # the last is for kernels alone


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in ALL if n not in TRANSFORMS])
def test_every_rule_solves_the_manuals_problem(name):
    rng = np.random.default_rng(0)
    w, target = rng.standard_normal((10, 10)), rng.standard_normal((10, 10))
    opt = SOLVERS.get(name, ALL[name])()
    for _ in range(30_000):
        # Rprop goes by signs, which random data turn at every step: it gets the mean gradient.
        u = np.eye(10) if name == "Rprop" else rng.standard_normal((10, 1))
        o.update_(opt, w, 0.2 * (w @ u - target @ u) @ u.T)

    assert np.mean((w - target) ** 2) < 0.01
