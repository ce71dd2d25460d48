"""Random formulas, as text: for comparing the two engines."""

import random

HEAD = """
import numpy as np
from minigrad.optimise import rule
from minigrad.optimise.formulas import abs2

gain, shift, flag = 1.5, -0.25, True

class settings:
    boost, count = 0.75, 3

def damped(v, s=0.5):
    u = gain * v
    return u / (1 + s * abs(u))

def same_sign(a, b):
    return a * b > 0


@rule
def made(x, dx, m, v, t: float, eta=0.1, beta=0.9):
"""

NUMBERS = ["t", "eta", "beta", "gain", "shift", "settings.boost", "settings.count", "0.3", "2", "1e-3"]
ELEMENTS = ["x", "dx", "m", "v"]

# What is written with {n}: a number, {e}: an element, {a}: either, {c}: a condition.
OF_NUMBERS = """
({n} + {n})  ({n} - {n})  ({n} * {n})  ({n} / (1 + abs({n})))  abs({n})  np.sqrt(abs({n}))  np.maximum({n}, {n})
({n} if {n} > 0.5 and flag else {n})  ({n} ** 2)  damped({n})  np.sign({n})
"""
OF_ELEMENTS = """
({e} + {a})  ({a} - {e})  ({e} * {a})  ({e} / (1 + abs({a})))  abs2({e})  np.sqrt(abs({e}))  np.maximum({e}, {a})
np.minimum({a}, {e})  np.sign({e})  np.clip({e}, -1, abs({a}))  -{e}  {e}.real  np.where({c}, {e}, {a})
np.where({c}, 1, -0.5) * {a}  ({e} ** 2)  ({e} ** 3)  ({e} ** 5)  ({c} * {a})  damped({e}, {a})
({e} if t > 1 else {a} * {e})  np.abs({e})  (same_sign({e}, {a}) * {e})  ((np.abs({e}) + 1) ** -2)
"""
CONDITIONS = """
({e} > {a})  ({e} <= {a})  ({e} * {a} < 0)  np.signbit({e})  ~({e} > {a})  (({e} > {a}) & ({e} >= 0))
(({e} < {a}) | np.signbit({e}))
"""
FORMS = {kind: text.replace("  ", "\n").split("\n") for kind, text in
         [("n", OF_NUMBERS), ("e", OF_ELEMENTS), ("c", CONDITIONS)]}  # fmt: skip


def formula(seed):
    """Return the text of a module with a rule called ``made`` in it."""
    draw, names = random.Random(seed), {"n": list(NUMBERS), "e": list(ELEMENTS)}

    def written(kind, depth):
        kind = draw.choice("ne") if kind == "a" else kind
        if kind in names and (depth <= 0 or draw.random() < 0.2):
            return draw.choice(names[kind])
        form = draw.choice([form for form in FORMS[kind] if form])
        for kind in "neac":
            while "{" + kind + "}" in form:
                form = form.replace("{" + kind + "}", written(kind, depth - 1), 1)
        return form

    lines = [f"a = {written('e', 3)}", f"n = {written('n', 2)}"]
    names["e"].append("a")
    names["n"].append("n")
    lines += [f"a {draw.choice('+-*')}= {written('e', 2)}", f"b = {written('e', 3)}"]
    names["e"].append("b")
    choices = ["0.9 * m + 0.1 * a, v", "v, a", "x, dx", f"{written('e', 2)}, m", f"dx, {written('c', 2)}"]
    counts = draw.choice(['1', 'abs(n) * 0 + 1', 'gain'])
    lines.append(f"return {written('e', 2)}, {draw.choice(choices)}, t + {counts}")
    return HEAD.lstrip() + "".join([f"    {line}\n" for line in lines])
