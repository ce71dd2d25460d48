"""Norms and their order of adding: the same bits by formulas and kernels, in the first process and in the next."""

import math

import numpy as np
import pytest
from all_rules import ALL, NO_COMPLEX, numbers
from compiling import needs_numba, python

from minigrad import NonFiniteError
from minigrad import optimise as o
from minigrad.optimise import lanes
from minigrad.optimise.compiled import tasks, threads

SIZES = [0, 1, 2, 127, 128, 129, 1000, 8191, 8192, 8193, 20_003]
CLIPPED = {
    "ClipNorm": lambda: o.ClipNorm(0.5),
    "ClipGlobalNorm": lambda: o.ClipGlobalNorm(0.5),
    "ClipNorm, ADAM": lambda: o.Optimiser(o.ClipNorm(0.5), o.ADAM()),
    "decay, clipped twice": lambda: o.Optimiser(
        o.WeightDecay(0.1), o.ClipGlobalNorm(0.5), o.Momentum(), o.ClipNorm(1e-3)
    ),
}


def by_definition(values):
    """The sum of lanes.py's text, one Python number at a time."""
    sums = []
    for begin in range(0, len(values), 8192):
        lane = [0.0] * 128
        for i, value in enumerate(values[begin : begin + 8192]):
            lane[i % 128] += value
        while len(lane) > 1:
            half = len(lane) // 2
            lane = [a + b for a, b in zip(lane[:half], lane[half:])]
        sums.append(lane[0])
    total = 0.0
    for each in sums:
        total += each
    return total


def blocks_of(values):
    return (values[i : i + lanes.BLOCK] for i in range(0, values.size, lanes.BLOCK))


@pytest.mark.parametrize("n", SIZES)
def test_a_sum_is_taken_in_the_order_that_is_written_down(n):
    values = numbers(n) * 10.0 ** numbers(n, seed=1)

    assert lanes.total(blocks_of(values)) == by_definition(values.tolist())


def test_a_sum_of_many_is_as_exact_as_its_blocks_are_short():
    values = np.abs(numbers(1_000_003))

    assert lanes.total(blocks_of(values)) == pytest.approx(math.fsum(values.tolist()), rel=1e-14)


@pytest.mark.parametrize("dtype", ["f", "D", *[pytest.param(dtype, marks=pytest.mark.slow) for dtype in "edF"]])
@pytest.mark.parametrize("n", [1, 129, 8193])
def test_a_norm_is_the_root_of_that_sum_of_squares_in_float64(dtype, n, either_way):
    dx = numbers(n, dtype)
    exact = [complex(v).real ** 2 + complex(v).imag ** 2 for v in dx.tolist()]
    norm = math.sqrt(by_definition(exact))
    factor = dx.dtype.type(0).real.dtype.type(0.5 / norm) if dtype != "e" else np.float32(0.5 / norm)

    step = o.apply_(o.ClipNorm(0.5), np.zeros_like(dx), dx)

    wide = dx.astype("f") if dtype == "e" else dx
    assert np.array_equal(step, (wide * factor).astype(dtype) if norm > 0.5 else dx)


def trained(make, dtype, sizes, steps=4):
    """Return parameters and state after a few steps: contiguous, transposed and strided parameters together."""
    xs = [x for n in sizes for x in (numbers(n, dtype), numbers((2, n), dtype, 1).T, numbers(2 * n, dtype, 2)[::2])]
    opt = make()
    for t in range(steps):
        o.update_(opt, xs, [numbers(x.shape, dtype, 10 * t + k) for k, x in enumerate(xs)])
    return xs


QUICK = {"ClipNorm": "efF", "ClipGlobalNorm": "f", "ClipNorm, ADAM": "d", "decay, clipped twice": "f"}


@needs_numba
@pytest.mark.parametrize(
    "name, dtype",
    [pytest.param(n, d, marks=[] if d in QUICK[n] else pytest.mark.slow) for n in CLIPPED for d in "efdFD"],
)
def test_formulas_and_kernels_make_the_same_bits(name, dtype, request):
    results = []
    for way in ("interpreted", "compiled"):
        request.getfixturevalue(way)
        results.append([trained(CLIPPED[name], dtype, [n], steps=2) for n in SIZES])
        results[-1].append(trained(CLIPPED[name], dtype, SIZES, steps=2))
        request.getfixturevalue("monkeypatch").undo()

    for one, other in zip(*results):
        assert all(map(np.array_equal, one, other))


@needs_numba
@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["e", "f", "d", "F", "D"])
@pytest.mark.parametrize("name", ALL)
def test_formulas_and_kernels_of_all_rules_make_the_same_bits(name, dtype, request):
    if name in NO_COMPLEX and dtype in "FD":
        pytest.skip("refused")
    results = []
    for way in ("interpreted", "compiled"):
        request.getfixturevalue(way)
        results.append(trained(ALL[name], dtype, [0, 1, 1000, 8193], steps=10))
        request.getfixturevalue("monkeypatch").undo()

    assert all(map(np.array_equal, *results))


@needs_numba
def test_threads_and_a_lock_let_go_change_no_norm(compiled, monkeypatch):
    expected = trained(CLIPPED["ClipNorm, ADAM"], "f", [20_003])
    monkeypatch.setattr(threads, "WORTH", 10)
    monkeypatch.setattr(tasks, "KEEP_LOCK_BELOW", 0)
    o.set_num_threads(3)
    try:
        assert all(map(np.array_equal, trained(CLIPPED["ClipNorm, ADAM"], "f", [20_003]), expected))
    finally:
        o.set_num_threads(1)


TRAIN = """
import hashlib, numpy as np
from minigrad import NonFiniteError
from minigrad import optimise as o
from minigrad.optimise.compiled import kernels
from test_optimise_lanes import CLIPPED, trained
kernels.LOADING, kernels.COMPILING = 0, {compiling}
digest, begun = hashlib.sha256(), kernels.compiled()
for name in {names}:
    for dtype in {dtypes!r}:
        for x in trained(CLIPPED[name], dtype, [5, 1000, 9001], steps=30):
            digest.update(x.tobytes())
print(digest.hexdigest(), kernels.compiled() > begun)
"""


@needs_numba
@pytest.mark.parametrize(
    "names, dtypes",
    [
        (["ClipNorm", "ClipGlobalNorm"], "f"),
        pytest.param(list(CLIPPED), "efdFD", marks=pytest.mark.slow),
    ],
)
def test_a_first_process_a_second_one_and_one_without_kernels_make_the_same_bits(names, dtypes, tmp_path):
    folder = str(tmp_path)

    # The first begins with formulas, compiles in mid-training, and goes on with kernels.
    first = python(TRAIN.format(names=names, dtypes=dtypes, compiling=300_000), MINIGRAD_CACHE_DIR=folder)
    second = python(TRAIN.format(names=names, dtypes=dtypes, compiling=float("1e300")), MINIGRAD_CACHE_DIR=folder)
    nojit = python(TRAIN.format(names=names, dtypes=dtypes, compiling=0), MINIGRAD_NOJIT="1")

    assert first.split()[1] == second.split()[1] == "True" and nojit.split()[1] == "False"
    assert first.split()[0] == second.split()[0] == nojit.split()[0]


# Norms beyond what squares can hold.

EXTREME = {
    "tiny": np.array([3e-200, 4e-200, 0.0]),
    "denormal": np.array([3e-320, 4e-320]),
    "huge": np.array([3e200, -4e200]),
    "mixed": np.array([3e-200, 4.0, 1e-300]),
    "complex": np.array([3e200 + 4e200j, 0j]),
    "nothing": np.zeros(3),
    "float32": np.array([3e-40, 4e-40], np.float32),
    "float32 huge": np.array([3e30, 4e30], np.float32),
}


@pytest.mark.parametrize("name", EXTREME)
def test_a_norm_that_no_square_holds_is_right(name, either_way):
    dx = EXTREME[name]
    sizes = np.abs(dx).astype(float)
    norm = math.hypot(*sizes)

    step = o.apply_(o.Optimiser(o.ClipNorm(norm / 2 or 1.0)), np.zeros_like(dx), dx)

    np.testing.assert_allclose(step, dx / 2, rtol=1e-2 if "denormal" in name else 1e-6)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("dtype", ["f", "d", "F"])
def test_a_norm_that_is_not_finite_says_so(value, dtype, either_way):
    dx = numbers(300, dtype)
    dx[77] = value

    with pytest.raises(NonFiniteError, match=str(value)):
        o.update_(o.ClipNorm(1.0), numbers(300, dtype), dx)
