"""Write docs/numpy.md: which functions of NumPy are differentiated, and the conventions at kinks.

Everything on the page comes from the table of derivatives and from the tests' tables:

    python docs/write_numpy.py

It also writes minigrad/derivatives/tested.json, from which ``minigrad.supported()`` knows what the tests cover.
"""

import importlib
import inspect
import json
import pathlib
import re
import sys

import numpy as np
import scipy
from minigrad import derivatives, gradient
from minigrad.derivatives import COMPOSITIONS, coverage, name_of, supported

HERE = pathlib.Path(__file__).resolve().parent
TESTS, TESTED = HERE.parent / "tests", pathlib.Path(derivatives.__file__).with_name("tested.json")
sys.path.insert(0, str(TESTS))

HEAD = """# What is differentiated

Written by `python docs/write_numpy.py` from the table of derivatives ({versions}) and the tests' tables.

Call these functions, or the operators and methods that stand for them, on Tensors inside of `gradient`.
`minigrad.supported("name")` answers the same question in a session. In the [long
table](#differentiable-{count}-functions) *by* names the arguments with a derivative, *order* says up to which
derivative each is compared with finite differences, *dtypes* with which arguments. In a function **made of
others** the tape follows its definition, by whatever arrays it is given.

`dtype=` is a cast of what is computed with, also of ufuncs. Keywords that have no derivative here (`out=` above
all, `where=` of a ufunc) are refused by name while a gradient is taken, with what to write. Of the methods of
ufuncs, `reduce`, `reduceat`, `accumulate` and `outer` are differentiated; `at` writes into its argument and is
refused.

Code written for the [array API standard](https://data-apis.org/array-api/2024.12/) runs on Tensors:
`t.__array_namespace__()` is `minigrad.array_api`, in which every function of the standard that the installed
NumPy has takes and gives Tensors.

```python
import numpy as np
from minigrad import gradient

def energy(x):
    xp = x.__array_namespace__()
    return xp.sum(xp.where(x > 0, x, 0.1 * x) ** 2)

assert np.allclose(gradient(energy, np.array([-1.0, 2.0]))[0], [-0.02, 4.0])
```

## Values, whole and complex numbers

Values are NumPy's, to the last bit and dtype, and derivatives are mathematics'. Whole numbers have the value
that NumPy computes of them, which may wrap around, and the derivative that the same numbers have in floating
point. (A number of Python's that is differentiated is a `float64` of NumPy's, which widens a float32 array
where the plain number would not: hand over `np.float32(2)`.) On a branch cut the sign of the zero says which
side is meant, for values and derivatives.

The gradient of a real loss with respect to z = x + iy is dL/dx + i dL/dy, as in Zygote. Of a holomorphic
function `jacobian(f, z, holomorphic=True)` gives the complex derivative, and a function that is not holomorphic
is an error there.

## SciPy's functions

Those of `scipy.special` that go element by element take Tensors as they are, once your program has imported
`scipy.special`; minigrad never does. Those that turn their arguments into plain arrays first (an error, while a
gradient is taken) are in `minigrad.scipy`, under the same names, and the distributions in
`minigrad.scipy.stats`:

```python
from minigrad.scipy import expm, odeint
from minigrad.scipy.stats import norm

assert np.isclose(gradient(lambda m: norm.logpdf(3.0, m, 2.0), 1.0)[0], (3.0 - 1.0) / 2.0**2)
assert np.isclose(gradient(lambda x: np.trace(expm(x * np.eye(2))), 1.0)[0], 2 * np.e)
decay, = gradient(lambda k: odeint(lambda y, t, k: -k * y, 1.0, np.array([0.0, 2.0]), args=(k,))[-1, 0], 0.5)
assert np.isclose(decay, -2 * np.exp(-1))
```

Incomplete gamma and beta functions, and so `cdf` and `sf`, are differentiated by their shape parameters, too,
to every order.

`odeint(func, y0, t, args)` and `solve_ivp` are differentiated by the adjoint equation: by the start, the times
and whatever `args` holds, to every order, as accurately as the tolerances say that they are called with, and
with memory that does not grow with the number of steps. What the function uses of what is differentiated must
come by `args`; `dense_output` and `events` are refused while a gradient is taken, with what to write.

Left out of `minigrad.scipy.stats`, and SciPy's own for plain numbers: `rvs` (draw standard numbers and
transform them), `ppf` and `isf` (`scipy.special` has `ndtri`, `gammaincinv`, `betaincinv`), `fit` (minimise the
negative log likelihood), `cdf` of `multivariate_normal` (SciPy integrates it at random), `allow_singular=True`,
the derivative by a count of `poisson`, and other distributions. Bessel functions are not differentiated by
their order.
"""

KINKS_HEAD = """## Conventions

Where a function has a kink, a jump or a pole, somebody has to choose. These are the choices, each of them a
test: the gradient of `sum(f(...))` at the given place, `None` for an argument that is not differentiated.

A *kink* between two straight sides (abs, relu, maximum) has the second derivative of both sides, 0; so
`np.sum(np.abs(w))` has the Hessian 0 also where a weight is 0. The *tip* of a cone (every norm where it is 0, `hypot`,
abs of a complex number, the deviation and the range of equal numbers) has the gradient 0, the middle of all directions,
and **no second derivative**: near it that grows without bound, and at it NaN comes out. So does it where a function of
abs or of a norm is differentiated twice at 0, as in `np.abs(x)**2` and `np.linalg.norm(A @ w - b)**2` at the solution,
whose second derivative the kink hides: NaN, and no wrong number. A square has no tip: write `x * x` and
`np.sum(r * r)`, or `np.sum((z * np.conj(z)).real)` for complex numbers. Ties and masks hide no less but cannot tell: at
a tie of `np.maximum`, `np.max`, and where `relu` and `np.clip` begin, the second derivative is that of the pieces as
they share the first, so `np.maximum(x, -x)**2` has 0 at 0. Python's own `max(t)`, `min(t)`,
`sorted(t)` compare and choose: at a tie the first of the equals takes all. A branch of `np.where` that was not taken
still multiplies its gradient by 0, so an infinite one gives NaN: choose a harmless argument as well,
`np.where(x > 0, np.sqrt(np.where(x > 0, x, 1)), 0)`.

| function | at | gradient | because |
| --- | --- | --- | --- |
"""


def tables(name):
    """Return the entries of the lists called ``name`` in all the tests' tables."""
    modules = [importlib.import_module(path.stem) for path in sorted(TESTS.glob("tables*.py"))]
    return [entry for module in modules for entry in getattr(module, name, [])]


def show(x):
    """Return numbers as one writes them in Markdown.

    >>> show([np.inf, 1.0, None])
    '[inf, 1, None]'
    """
    if isinstance(x, (list, tuple)):
        return f"[{', '.join(map(show, x))}]"
    return f"{x:g}" if isinstance(x, float) else str(x)


def differentiated(case):
    """Return the names of the arguments that a composition's case is differentiated by."""
    import test_derivatives  # noqa: PLC0415  which opens every table

    parameters = parameters_of(case.function)
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = [p.name for p in parameters if p.kind is p.VAR_POSITIONAL]
    names = [
        name
        for argument, name in zip(case.args, named + rest * len(case.args))
        for _ in test_derivatives.draws_in(argument)
    ]
    gradients = gradient(test_derivatives.loss_of(case), *test_derivatives.drawn(case))
    return {name for name, g in zip(names, gradients) if g is not None}


def parameters_of(function):
    return list(inspect.signature(COMPOSITIONS[function]).parameters.values())


def tested_text(lines, cases):
    """Return the text of minigrad/derivatives/tested.json."""
    entries = []
    for name in [line.function for line in lines]:
        own = [case for case in cases if name_of(case.function) == name]
        arguments = ""
        if own[0].function in COMPOSITIONS:
            found = set().union(*map(differentiated, own))
            arguments = " ".join(p.name for p in parameters_of(own[0].function) if p.name in found)
        order = max(case.order for case in own)
        dtypes = "real, complex" if any(case.complex for case in own) else "real"
        entries.append(f"  {json.dumps(name)}: {json.dumps([arguments, order, dtypes])}")
    return "{\n" + ",\n".join(entries) + "\n}\n"


def differentiable_table(lines):
    """Return the rows of the functions with a derivative."""
    rows = ["| function | by | order | dtypes | note |", "| --- | --- | --- | --- | --- |"]
    for function, arguments, order, dtypes, note in lines:
        rows.append(f"| `{function}` | {', '.join(arguments)} | {order} | {dtypes} | {note} |")
    return "\n".join(rows)


def kinks_table(kinks):
    """Return the rows of the conventions."""
    rows = []
    for kink in kinks:
        options = [f"{key}={show(value)}" for key, value in kink.kwargs.items()]
        at = ", ".join([*map(show, kink.args), *options])
        gradients = ", ".join(map(show, kink.gradients))
        function = re.sub(r"minigrad\.derivatives\.\w+\.", "minigrad.", name_of(kink.function))
        why = kink.why.replace("|", "\\|")
        rows.append(f"| `{function}` | {at} | {gradients} | {why} |")
    return "\n".join(rows)


def versions():
    """Return the versions that decide which functions there are."""
    return f"NumPy {np.__version__}, SciPy {scipy.__version__}"


def differentiable_of(lines):
    return [line for line in lines if line.note != "constant" and not line.note.startswith("refused")]


def tested():
    """Return the text of minigrad/derivatives/tested.json."""
    cases = tables("CASES")
    return tested_text(differentiable_of(supported()), cases)


def page():
    """Return the text of docs/numpy.md."""
    kinks = tables("KINKS")  # which opens the chapter on SciPy, too
    lines = supported()
    differentiable = differentiable_of(lines)
    constants = [line.function for line in lines if line.note == "constant"]
    refused = [line for line in lines if line.note.startswith("refused")]
    parts = [
        HEAD.format(versions=versions(), count=len(differentiable)),
        f"## Differentiable: {len(differentiable)} functions",
        differentiable_table(differentiable),
        KINKS_HEAD + kinks_table(kinks),
        f"## Constant: {len(constants)} functions",
        "They count, compare, round, or look at shapes, and carry no gradient. Of Tensors their arrays are Tensors "
        "on no tape, which `a[t > 0]`, `int(np.argmax(t))` and whatever wants plain numbers take inside of a gradient.",
        ", ".join(f"`{name}`" for name in constants) + ".",
        f"## Refused: {len(refused)} functions",
        "\n".join(f"* `{line.function}`: {line.note.removeprefix('refused: ')}" for line in refused),
        "Next: [On several processes](distributed.md).",
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    TESTED.write_text(tested())
    coverage.tested.cache_clear()
    (HERE / "numpy.md").write_text(page())
    print(f"wrote {TESTED} and {HERE / 'numpy.md'}")
