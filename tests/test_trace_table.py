"""Every case of the tables as a program: traced at some numbers, its text run at others in a process of its own.

The proof that tracing sees everything: what the text gives is, bit for bit, the eager gradient at those numbers.
"""

import zlib

import numpy as np
import pytest
from replay import wrong_in_another_process
from test_derivatives import CASES, draws_in, drawn, loss_of

from minigrad import TraceError, gradient, withgradient
from minigrad.core.trees import leaves
from minigrad.derivatives.indexing import of_numpy
from minigrad.readers.tracer import run

# What they return has a shape or a dtype that depends on the numbers.
REFUSED = [np.roots, np.trim_zeros, np.polydiv, np.polymul, *vars(np.emath).values()]
SETS = "unique_all", "unique_counts", "unique_inverse", "unique_values"
REFUSED += [np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d, *of_numpy("unique", *SETS)]
REFUSED += [case.function for case in CASES if case.function.__name__ == "logm"]  # SciPy's draws random numbers


def other(case, complex, single):
    """Return other random arguments than ``drawn`` does."""
    rng = np.random.default_rng(zlib.crc32(str(case).encode()) + 1)
    xs = [np.asarray(draw(rng, complex)) for draw in draws_in(case.args)]
    return [x.astype(x.dtype.kind + str(x.itemsize // 2)) for x in xs] if single else xs


def programs(cases, complex=False, single=False, simplify=False, of=lambda f: f):
    """Trace the cases; return what the other process needs, and the refusals: (case, message)."""
    made, refused = [], []
    for case in cases:
        f = of(loss_of(case))
        sets = drawn(case, complex, single), other(case, complex, single)
        try:
            program = run(f, sets[0], follows=False)
            text = program.source(simplify)
        except TraceError as error:
            refused.append((case, str(error)))
        else:
            expected = [withgradient(f, *xs) for xs in sets]
            runs = [(xs, e.val, e.grad) for xs, e in zip(sets, expected)]
            tolerance = (1e-5 if single else 1e-12) if simplify else 0
            made.append((str(case), text, list(program.constants.values()), runs, tolerance))
    return made, refused


@pytest.mark.filterwarnings("ignore")
def test_every_case_runs_again_at_other_numbers_or_is_refused_with_a_reason(tmp_path):
    with np.errstate(all="ignore"):
        made, refused = programs(CASES)
        simpler, _ = programs(CASES[::20], simplify=True)

    assert wrong_in_another_process(made + simpler, tmp_path) == []
    assert all(case.function in REFUSED and "Write" in why for case, why in refused)
    assert len(made) > 1500 and len(refused) < 45


def gradient_of_gradient(f):
    """Return a function of one number that depends on every entry of the gradient of ``f``, on each in another way."""

    def loss(*xs):
        found = [g for g in leaves(gradient(f, *xs)) if g is not None]
        weights = [np.reshape(0.3 + np.cos(np.arange(np.size(g))), np.shape(g)) for g in found]
        return sum(np.sum(np.real(g * w)) for g, w in zip(found, weights))

    return loss


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_so_does_the_gradient_of_the_gradient_of_every_case(tmp_path):
    """Products and determinants go their general ways there, which round in another way than the short cuts."""
    with np.errstate(all="ignore"):
        made, refused = programs(CASES, of=gradient_of_gradient)

    within_rounding = [(*case, 1e-9) for *case, _ in made]
    assert wrong_in_another_process(within_rounding, tmp_path) == []
    assert all(case.function in REFUSED or "nan" in case.function.__name__ for case, _ in refused)
    assert len(made) > 1500 and len(refused) < 60


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("simplify", [False, True])
@pytest.mark.parametrize("kind", ["double", "single", "complex"])
def test_so_does_every_case_in_other_kinds_of_numbers_and_simplified(kind, simplify, tmp_path):
    cases = [case for case in CASES if case.complex or kind != "complex"]
    with np.errstate(all="ignore"):
        made, refused = programs(cases, kind == "complex", kind == "single", simplify)

    assert wrong_in_another_process(made, tmp_path) == []
    assert all(case.function in REFUSED for case, _ in refused)
