"""Rules that are no formulas, with a text and without: what they do is what counts."""

import datetime
import itertools
import random
import subprocess
import sys
import time

import numpy as np
import pytest
from all_rules import numbers, train
from compiling import needs_numba, python

from minigrad import Tensor
from minigrad.optimise import rule, update_

SPACE = {
    "np": np, "rule": rule, "random": random, "time": time, "datetime": datetime, "count": itertools.count(),
    "weights": np.ones(3), "tensor": Tensor([1.0, 2.0]), "listed": [0.5], "rng": np.random.default_rng(0),
    "randn": np.random.randn, "gain": 2.0,
}  # fmt: skip

NOT_OF_ONE_ELEMENT = {
    "norm": "eta * dx / np.linalg.norm(dx)",
    "clipped": "dx * min(1.0, eta / np.sqrt(np.sum(dx * dx)))",
    "clipped where it is huge": "dx * min(1.0, 1e6 / max(1.0, np.sqrt(np.sum(dx * dx))))",
    "mean": "eta * (dx - dx.mean())",
    "mean of x": "eta * (dx - np.mean(x))",
    "largest": "eta * dx * (dx == dx.max())",
    "size": "eta * dx / dx.size",
    "sorted": "np.sort(dx)",
    "reversed": "dx[::-1]",
    "summed up": "np.cumsum(dx)",
    "transform": "np.fft.fft(dx).real",
    "matrix": "np.outer(dx, dx)[0]",
    "chosen for all": "dx if np.all(dx > 0) else -dx",
}
NOT_THE_SAME = {
    "random": "eta * (dx + np.random.randn())",
    "random, imported": "eta * (dx + randn())",
    "random, of Python": "eta * dx * random.random()",
    "random, by a generator": "eta * dx + rng.normal()",
    "time": "eta * dx * time.time()",
    "hour": "eta * dx * time.localtime().tm_hour",
    "year": "eta * dx * datetime.datetime.now().year",
    "counted": "eta * dx * next(count)",
    "address": "eta * dx * id(dx)",
}
NOT_NUMBERS = {
    "an array from outside": "eta * dx * weights",
    "a Tensor from outside": "eta * dx * tensor",
    "a list from outside": "eta * dx * listed[0]",
    "written into": "np.multiply(dx, eta, out=dx)",
    "nothing": "None",
    "text": "'step'",
    "complex": "eta * dx * 1j",
    "objects": "np.frompyfunc(float, 1, 1)(dx)",
    "column": "dx.reshape(-1, 1)",
    "one number": "float(dx)",
    "two": "(dx, dx)",
}


def textless(expression):
    space = dict(SPACE)
    exec(f"def typed(x, dx, eta=0.5): return {expression}", space)
    return space["typed"]


@pytest.mark.parametrize(
    "kind, why",
    [
        (NOT_OF_ONE_ELEMENT, "does not do to an array what it does to each of its elements"),
        (NOT_THE_SAME, "asked again|the same step of the same numbers"),
        (NOT_NUMBERS, "from outside|read-only|returns|fails"),
    ],
    ids=["not of one element", "not the same", "no numbers"],
)
def test_what_is_no_formula_is_refused_without_a_text_too(kind, why):
    for expression in kind.values():
        with pytest.raises(TypeError, match=f"rule typed: its text cannot be read, .* ({why}).*apply_"):
            rule(textless(expression))


@pytest.mark.parametrize("name", [*NOT_OF_ONE_ELEMENT, *NOT_THE_SAME])
def test_with_a_text_it_is_refused_by_the_line(name, tmp_path):
    expression = {**NOT_OF_ONE_ELEMENT, **NOT_THE_SAME}[name]
    file = tmp_path / "written.py"
    file.write_text(f"def written(x, dx, eta=0.5): return {expression}\n")
    space = dict(SPACE)
    exec(compile(file.read_text(), str(file), "exec"), space)

    with pytest.raises(TypeError, match="rule written: `.*` (?!cannot be read).*apply_"):
        rule(space["written"])


def test_a_random_formula_says_why_and_where_to_go():
    def noisy(x, dx, eta=0.1):
        return eta * (dx + np.random.randn())

    with pytest.raises(TypeError, match=r"np.random.randn gives another result each time, .* registered on apply_"):
        rule(noisy)


GOOD = {
    "sign": ("eta * np.sign(dx)", lambda x, dx: 0.5 * np.sign(dx)),
    "where": ("np.where(dx > 0, dx, 0.1 * dx) * gain", lambda x, dx: np.where(dx > 0, dx, 0.1 * dx) * 2),
    "exponential": ("np.exp(-dx**2) * np.tanh(x)", lambda x, dx: np.exp(-(dx**2)) * np.tanh(x)),
    "a number": ("eta", lambda x, dx: np.full_like(x, 0.5)),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_formula_without_a_text_runs_on_arrays(name, either_way):
    expression, step = GOOD[name]
    x, dx = numbers((130, 100)), numbers((130, 100), seed=1)
    expected = x - step(x, dx)

    update_(rule(textless(expression))(), x, dx)

    assert np.array_equal(x, expected)


def test_its_numbers_and_state_move_on_like_those_of_others(either_way):
    space = dict(SPACE)
    lines = ["t = t + 1", "m = 0.9 * m + dx / t", "return eta * m, m, t"]
    exec("def typed(x, dx, m, t: float, eta=0.5):\n    " + "\n    ".join(lines), space)

    @rule
    def written(x, dx, m, t: float, eta=0.5):
        t = t + 1
        m = 0.9 * m + dx / t
        return eta * m, m, t

    x, y = numbers(9), numbers(9)
    train(rule(space["typed"])(), x)
    train(written(), y)

    assert np.allclose(x, y, rtol=1e-14, atol=0)


def test_numbers_around_it_are_read_at_every_step():
    space = dict(SPACE)
    exec("def typed(x, dx, eta=0.5): return eta * gain * dx", space)
    opt, x = rule(space["typed"])(), np.zeros(1)

    update_(opt, x, np.ones(1))
    space["gain"] = 10.0
    update_(opt, x, np.ones(1))

    assert x[0] == -6.0


TYPED = """
import numpy as np
from minigrad.optimise import rule, update_
gain = 1.0

@rule
def plain(x, dx, eta=0.5):
    return eta * gain * dx

x, opt = np.zeros(1), plain()
update_(opt, x, np.ones(1))
gain = 2.0
update_(opt, x, np.ones(1))
print(x[0])

try:
    @rule
    def normed(x, dx, eta=0.1):
        return eta * dx / np.sqrt(np.sum(dx * dx))

except TypeError as error:
    print(error)
"""


def test_what_is_typed_at_the_command_line_is_tried():
    said = python(TYPED)

    assert said.startswith("-1.5") and "rule normed: " in said and "apply_" in said


def test_what_is_piped_in_is_tried():
    from pathlib import Path

    import minigrad

    run = subprocess.run(
        [sys.executable, "-"],
        input=TYPED,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(Path(minigrad.__file__).parents[1]), "PATH": "", "MINIGRAD_CACHE_DIR": ""},
    )

    assert run.stdout.startswith("-1.5") and "rule normed: " in run.stdout, run.stderr


@pytest.mark.parametrize("value", [len, 3, "text", np.sin, type])
def test_a_rule_is_made_of_a_function(value):
    with pytest.raises(TypeError, match="a rule is made of a function"):
        rule(value)


def test_two_rules_of_one_function_have_each_their_own_defaults():
    def made(x, dx, eta):
        return eta * dx

    assert [rule(eta=eta)(made)().eta for eta in (0.1, 0.5)] == [0.1, 0.5]
    with pytest.raises(TypeError, match="rho has a default, but is no hyperparameter"):
        rule(rho=0.1)(made)


def counted_first(x, dx, t: float, m, eta=0.1):
    return eta * dx, t, m


def any_number(x, dx, *m, eta=0.1):
    return eta * dx


def returns_twice(x, dx, eta=0.1):
    return eta * dx
    return dx


def turns_bits(x, dx, eta=0.1):
    return eta * dx * (dx > 0 & 1)


def shared_out(x, dx, eta=0.1):
    return np.multiply(dx, eta, dx)


def negated(x, dx, eta=0.1):
    return eta * dx if not dx > 0 else dx


@pytest.mark.parametrize(
    "formula, why",
    [
        (counted_first, "m, kept for every element, must come before the numbers"),
        (any_number, r"a rule has no \*m"),
        (returns_twice, "`return dx` stands after the return"),
        (turns_bits, "`0 & 1` works on bits"),
        (shared_out, r"`np.multiply\(dx, eta, dx\)` must give 2 arguments"),
        (negated, "differs from element to element here"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_the_engines_would_take_differently_is_refused(formula, why):
    with pytest.raises(TypeError, match=why):
        rule(formula)


# Both engines, bit for bit.


def made_of(seed, folder):
    """Write a random formula to a file and import it."""
    from random_formulas import formula

    file = folder / f"made{seed}.py"
    file.write_text(formula(seed))
    space = {"__name__": f"made{seed}"}
    exec(compile(file.read_text(), str(file), "exec"), space)
    return space


def random_training(seed, dtype, folder):
    space, rng = made_of(seed, folder), np.random.default_rng(seed)
    x, opt = rng.standard_normal(1001).astype(dtype), space["made"]()
    for _ in range(4):
        dx = rng.standard_normal(1001).astype(dtype)
        dx[::50] = 0
        update_(opt, x, dx)
        space["gain"] += 0.5
        space["flag"] = not space["flag"]
        space["settings"].boost += np.float32(0.1)
    return x, *opt.state[x]


@needs_numba
@pytest.mark.parametrize(
    "seed, dtype", [(0, "f"), *[pytest.param(n // 2, "fd"[n % 2], marks=pytest.mark.slow) for n in range(1, 50)]]
)
def test_random_formulas_make_the_same_bits_in_both_engines(seed, dtype, request, tmp_path, monkeypatch):
    if seed:  # the first is quick, if its kernel is there from the last time
        monkeypatch.setenv("MINIGRAD_CACHE_DIR", "")
    results = []
    for way in ("interpreted", "compiled"):
        request.getfixturevalue(way)
        results.append(random_training(seed, dtype, tmp_path))

    for one, other in zip(*results):
        assert np.array_equal(one, other, equal_nan=True)
