"""Every case of the tables as a program: traced at some numbers, its text run at others in a process of its own.

The proof that tracing sees everything: what the text gives is, bit for bit, the eager gradient at those numbers.
"""

import zlib

import numpy as np
import pytest
from replay import wrong_in_another_process
from test_derivatives import CASES, draws_in, drawn, loss_of

from minigrad import TraceError, withgradient
from minigrad.readers.tracer import run

# What they return has a shape or a dtype that depends on the numbers.
REFUSED = [np.roots, np.trim_zeros, np.polydiv, np.polymul, *vars(np.emath).values()]


def other(case, complex, single):
    """Return other random arguments than ``drawn`` does."""
    rng = np.random.default_rng(zlib.crc32(str(case).encode()) + 1)
    xs = [np.asarray(draw(rng, complex)) for draw in draws_in(case.args)]
    return [x.astype(x.dtype.kind + str(x.itemsize // 2)) for x in xs] if single else xs


def programs(cases, complex=False, single=False, simplify=False):
    """Trace the cases; return what the other process needs, and the refusals: (case, message)."""
    made, refused = [], []
    for case in cases:
        f = loss_of(case)
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
    assert len(made) > 1500 and len(refused) < 30


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
