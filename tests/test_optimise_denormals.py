"""Numbers below the smallest normal one: kernels let those of the state be 0, where no step can tell."""

import numpy as np
import pytest
from all_rules import ALL, NO_COMPLEX, UNCOMPILED, numbers
from compiling import needs_numba

from minigrad import optimise as o
from minigrad.optimise import rule, update_
from minigrad.optimise.compiled.loops import write

# What decides by elements of the state, for which a small difference may be a large one.
DECIDING = {"Lion", "Rprop", "Signum", "Tiger", "Yogi", "ADOPT", "LAMB", "Cautious", "Prodigy", "TwoPasses"}
FADING = 1_100  # steps after which a moment of float32 has faded: 0.9 ** 1100 is 1e-51


def parts(array):
    """The real numbers that an array is made of."""
    return array.ravel().view(array.real.dtype)


def is_denormal(array):
    numbers = parts(array)
    return (numbers != 0) & (np.abs(numbers) < np.finfo(numbers.dtype).tiny)


def arrays_of(opt, x):
    """All arrays of state that an optimiser keeps for a parameter."""
    found = []
    for part in getattr(opt, "os", [opt]):
        if isinstance(part, o.Optimiser):
            found += arrays_of(part, x)
        elif getattr(part, "kept", None):
            state = getattr(part, part.kept)[x]
            found += state if isinstance(state, tuple) else (state,)
    return [array for array in found if array.shape == x.shape]


def faded(make, dtype, steps=FADING, size=1.0):
    """Train; after a few steps, in which it was of this size, the gradient of half of the elements is 0 for good."""
    x, opt, gradients = numbers(24, dtype), make(), [numbers(24, dtype, t) for t in range(7)]
    for t in range(steps):
        dx = gradients[t % 7].copy()
        dx[::2] *= size if t < 6 else 0
        update_(opt, x, dx)
    return x, arrays_of(opt, x)


def both_ways(request, train):
    """What training gives by formulas and by kernels."""
    results = []
    for way in ("interpreted", "compiled"):
        request.getfixturevalue(way)
        results.append(train())
        request.getfixturevalue("monkeypatch").undo()
    return results


def check(name, by_formulas, by_kernels):
    (x, state), (y, flushed) = by_formulas, by_kernels
    assert np.array_equal(x, y, equal_nan=True)  # TrustRatio alone runs away
    for a, b in zip(state, flushed):
        differ = (parts(a) != parts(b)) & ~(np.isnan(parts(a)) & np.isnan(parts(b)))
        little_added = name == "LaProp" and x.dtype != float  # 1e-15 to a divisor, so nothing is flushed
        if name in DECIDING or little_added:
            assert not differ.any()
        else:
            assert not differ.any() or (is_denormal(a) & (parts(b) == 0))[differ].all()
            assert not is_denormal(b).any()


@needs_numba
@pytest.mark.parametrize("name", [name for name in ALL if name not in UNCOMPILED])
def test_parameters_are_equal_bit_for_bit_and_states_but_for_the_smallest_numbers(name, request):
    check(name, *both_ways(request, lambda: faded(ALL[name], np.float32, FADING // 8, size=1e-33)))


@needs_numba
def test_a_moment_that_has_faded_from_its_full_size_is_0(request):
    check("ADAM", *both_ways(request, lambda: faded(o.ADAM, np.float32)))


@needs_numba
@pytest.mark.slow
@pytest.mark.parametrize("dtype, steps", [("f", FADING), ("d", 8 * FADING), ("F", FADING), ("e", FADING)])
@pytest.mark.parametrize("name", [name for name in ALL if name not in UNCOMPILED])
def test_so_they_are_for_all_dtypes(name, dtype, steps, request):
    if name in NO_COMPLEX and dtype == "F":
        pytest.skip("refused")
    check(name, *both_ways(request, lambda: faded(ALL[name], dtype, steps)))


def test_there_is_something_to_flush(interpreted):
    x, state = faded(o.ADAM, np.float32)

    assert is_denormal(state[0]).sum() == 12


@needs_numba
@pytest.mark.parametrize("size", [1e-18, 1e-21, 1e-25, 1e-40])
@pytest.mark.parametrize(
    "make",
    [lambda: o.ADAM(epsilon=0.0), lambda: o.RMSProp(epsilon=0.0), lambda: o.AdaMax(epsilon=0.0)]
    + [lambda: o.ADAM(epsilon=1e-30), lambda: o.NADAM(epsilon=1e-10), lambda: o.AMSGrad(epsilon=1e-25)],
)
def test_with_next_to_nothing_added_to_a_divisor_nothing_is_flushed(make, size, request):
    def train():
        x, opt = numbers(50, np.float32), make()
        for t in range(5):
            update_(opt, x, np.float32(size) * numbers(50, np.float32, t))
        return x, arrays_of(opt, x)

    (x, state), (y, same) = both_ways(request, train)

    assert np.array_equal(x, y, equal_nan=True) and all(map(np.array_equal, state, same))


@needs_numba
def test_a_parameter_or_gradient_that_is_so_small_stays_as_it_is(request):
    def train():
        x = np.array([1e-40, 0.0, -3e-42, 1.0], np.float32)
        update_(o.Descent(0.5), x, np.array([1e-41, 2e-40, 0.0, 1e-40], np.float32))
        return x

    x, y = both_ways(request, train)

    assert np.array_equal(x, y) and is_denormal(x).tolist() == [True, True, True, False]


@needs_numba
def test_a_power_of_a_beta_fades_to_0_where_the_step_sees_it_beside_1_only(request):
    def train():
        x, opt = numbers(5), o.ADAM(beta=(0.01, 0.3))
        for t in range(158):
            update_(opt, x, numbers(5, seed=t))
        return x, opt.state[x][2]

    (x, powers), (y, faded) = both_ways(request, train)

    assert np.array_equal(x, y) and is_denormal(powers).tolist() == [True, False]
    assert faded.tolist() == [0.0, powers[1]]


@rule
def fading(x, dx, t: float, eta=0.1):
    t = t * eta
    return dx * t, t


def test_a_number_of_the_state_that_a_step_sees_by_itself_is_kept():
    by_itself, beside_1 = write([(fading.formula, [])], float), write([(o.ADAM.formula, [np.dtype(float)] * 2)], float)

    assert "where" not in by_itself and "where" in beside_1


# Rules of one's own.


@rule
def averaging(x, dx, m, eta=0.1):
    m = 0.5 * m + 0.5 * dx
    return eta * m, m


@rule
def normalising(x, dx, m, v, eta=0.1, epsilon=1e-8):
    m = 0.5 * m + 0.5 * dx
    v = 0.5 * v + 0.5 * dx**2
    return eta * m / (epsilon + np.sqrt(v / (1 - 0.25))), m, v


@rule
def deciding(x, dx, m, eta=0.1):
    m = 0.5 * m + 0.5 * dx
    return np.where(m > 0, eta, -eta), m


@rule
def signing(x, dx, m, eta=0.1):
    m = 0.5 * m + 0.5 * dx
    return eta * np.sign(m), m


@rule
def dividing(x, dx, m, eta=0.1):
    m = 0.5 * m + 0.5 * dx
    return eta * dx / abs(m), m


@rule
def inverting(x, dx, m, eta=0.1):
    m = 0.5 * m + 0.5 * dx
    return eta * abs(m) ** -2, m


@rule
def logarithmic(x, dx, m, eta=0.1):
    m = 0.5 * m + 0.5 * dx
    return eta * np.log(abs(m)), m


FLUSHED, KEPT = [averaging, normalising], [deciding, signing, dividing, inverting, logarithmic]


@needs_numba
@pytest.mark.parametrize("make", FLUSHED + KEPT)
def test_a_formula_that_could_tell_keeps_its_smallest_numbers(make, compiled):
    x, opt = numbers(50, np.float32), make()

    update_(opt, x, np.full(50, 1e-38, np.float32))

    assert is_denormal(arrays_of(opt, x)[0]).all() == (make in KEPT)


@needs_numba
def test_in_a_composition_whatever_comes_later_decides(compiled):
    x, opt = numbers(50, np.float32), o.Optimiser(o.Momentum(1e-3), signing())

    update_(opt, x, np.full(50, 1e-36, np.float32))

    assert is_denormal(opt[0].velocity[x]).all()


@needs_numba
def test_nan_stays_in_the_state(compiled):
    x, opt = numbers(3), o.ADAM()

    update_(opt, x, np.array([1.0, np.nan, np.inf]))

    assert [str(m) for m in opt.state[x][0][1:]] == ["nan", "inf"]
