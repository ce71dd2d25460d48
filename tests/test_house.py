"""The house: what a floor may weigh, what the core does alone, one meaning for a name, a home for what is private."""

import ast
import importlib
import io
import re
import subprocess
import sys
import textwrap
import tokenize

import pytest
from test_structure import FILES, PACKAGE, module_of

import minigrad


# ------------------------------------------------------------------------------------------- the budgets
def lines_of_code(path):
    """Count the lines that are neither docstring, comment nor blank."""
    text = path.read_text(encoding="utf-8")
    described = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, described) and ast.get_docstring(node, clean=False) is not None:
            docstrings |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    passed_over = {getattr(tokenize, name) for name in "COMMENT NL NEWLINE INDENT DEDENT ENDMARKER".split()}
    code = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in passed_over:
            code |= set(range(token.start[0], token.end[0] + 1))
    return len(code - docstrings)


BUDGETS = {
    "core": 1300,
    "derivatives": 2940,
    "calculus": 810,
    "fast": 310,
    "readers": 2760,
    "nn": 600,
    "optimise": 4200,
    "optimise/compiled": 2410,
    "schedules": 870,
    "training": 800,
    "training/steps": 1370,
    "checkpoint": 460,
    "showing": 460,
    "scipy": 810,
    "compat": 40,
    "compat/autograd": 249,
    "distributed": 530,
}


@pytest.mark.parametrize("floor", BUDGETS)
def test_a_floor_weighs_no_more_than_its_budget(floor):
    files = (PACKAGE / floor).glob("*.py")

    assert sum(map(lines_of_code, files)) <= BUDGETS[floor]


def test_every_floor_has_a_budget():
    folders = {str(path.parent.relative_to(PACKAGE)) for path in FILES} - {"."}

    assert folders == set(BUDGETS)


def test_the_core_is_read_in_an_afternoon():
    files = [path for path in (PACKAGE / "core").glob("*.py") if path.stem != "__init__"]

    assert len(files) <= 12


# ------------------------------------------------------------------------------------- the core by itself
ALONE = """
import importlib.abc, sys, types

class OnlyTheCore(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.startswith("minigrad.") and not name.startswith("minigrad.core"):
            raise ImportError(f"{name} is out of reach")

sys.meta_path.insert(0, OnlyTheCore())
package = types.ModuleType("minigrad")
package.__path__ = [PACKAGE]
sys.modules["minigrad"] = package

import numpy as np
from minigrad.core.gradient import gradient, pullback, withgradient
from minigrad.core.params import params
from minigrad.core.table import row
from minigrad.core.tensor import Tensor

row(np.add,       lambda g: g,                    lambda g: g)
row(np.subtract,  lambda g: g,                    lambda g: -g)
row(np.multiply,  lambda g, b: g * b,             lambda g, a: g * a)
row(np.divide,    lambda g, b: g / b,             lambda g, y, b: -g * y / b)
row(np.power,     lambda g, a, b: g * b * a ** (b - 1), None)
row(np.negative,  lambda g: -g)
row(np.exp,       lambda g, y: g * y)
row(np.log,       lambda g, x: g / x)
row(np.tanh,      lambda g, y: g * (1 - y * y))
row(np.sum,       lambda g, a_shape: np.broadcast_to(g, a_shape), signature="a")
row(np.broadcast_to, lambda g: g, signature="array, shape")

x, W = np.array([0.5, 2.0, 3.0]), Tensor([1.0, -1.0, 0.25])
loss = lambda x: np.sum(np.exp(-x) * np.tanh(x) / np.log(x + 2.0) - x**3)
slope = lambda x: np.sum(gradient(loss, x)[0])
h, found = 1e-6, []
for f in (loss, slope):
    (g,) = gradient(f, x)
    for k in range(3):
        e = np.eye(3)[k] * h
        found.append(abs(g[k] - (f(x + e) - f(x - e)) / (2 * h)) < 1e-6 * max(1, abs(g[k])))
value, grads = withgradient(lambda: np.sum(W * W), params([W]))
found += [value == 2.0625, grads[W].data.tolist() == [2.0, -2.0, 0.5]]
y, back = pullback(lambda x: 2 * x, x)
found.append(back(np.ones(3))[0].tolist() == [2, 2, 2])
print(all(found), sorted(m for m in sys.modules if m.startswith("minigrad.") and ".core" not in m))
"""


def test_with_a_table_of_ten_rows_the_core_gives_right_gradients_where_nothing_else_can_be_imported():
    program = ALONE.replace("PACKAGE", repr(str(PACKAGE)))

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert run.stdout.split() == ["True", "[]"], run.stderr


# ----------------------------------------------------------------------------------- one name, one meaning
def names_defined_in(path):
    """Return the names that a module's own lines define, without what it imports."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found = [x for target in targets for x in ast.walk(target) if isinstance(x, ast.Name)]
            names |= {x.id for x in found if isinstance(x.ctx, ast.Store)}
    return names - {"__all__"}


def test_no_name_has_two_meanings_in_the_core_and_in_what_works_closest_to_it():
    homes = {}
    for floor in ("core", "fast", "readers"):
        for path in (PACKAGE / floor).glob("*.py"):
            for name in names_defined_in(path):
                homes.setdefault(name, []).append(module_of(path))

    assert not {name: where for name, where in homes.items() if len(where) > 1}


@pytest.mark.parametrize("path", [p for p in FILES if p.stem not in ("__init__", "__main__")], ids=module_of)
def test_no_function_stands_where_one_expects_its_module(path):
    name = f"minigrad.{module_of(path)}"
    module = importlib.import_module(name)
    package = importlib.import_module(name.rpartition(".")[0])

    assert getattr(package, path.stem) is module


def test_what_is_a_function_is_no_trap_for_an_import():
    for name in minigrad.__all__:
        if callable(getattr(minigrad, name)) and not isinstance(getattr(minigrad, name), type(sys)):
            assert f"minigrad.{name}" not in sys.modules


# --------------------------------------------------------------------- the private interfaces of others
# What is no promise of Python, NumPy, numba or SciPy, and the files that may rely on it: each has the check and what
# is done where it does not hold.
PRIVATE = {
    r"\b_getframe\b": {
        *("core.errors", "doors", "hints", "conversions", "calculus.checked"),
        *("nn.precision", "readers.tracing", "readers.tracer", "training.steps.kinds", "training.steps.effects"),
    },
    r"\bf_back\b|\bf_locals\b": {
        *("core.errors", "hints", "interrupts", "conversions", "calculus.checked", "readers.whereabouts"),
        *("training.steps.kinds", "training.steps.effects"),
    },
    r"\bgetrefcount\b": {"core.tensor"},
    r"\bpythonapi\b|\bPyCFunction": {"optimise.compiled.kernels"},
    r"\b__basicsize__\b|from_address": {f"optimise.compiled.{name}" for name in ("kernels", "walk", "ufuncs")},
    r"\bllvmlite\b|\binspect_llvm\b": {"optimise.compiled.kernels", "optimise.compiled.cache"},
    r"\b_version\.py\b": {"optimise.compiled.cache"},
    r"from scipy\.\S* import _|scipy\.\w+\._\w+": {
        *("derivatives.scipy_rows", "derivatives.shape_parameters", "array_api")
    },
    r"from numpy\._|np\._[a-z]|numpy\._core": {"doors"},
}


@pytest.mark.parametrize("pattern", PRIVATE)
def test_a_private_interface_of_others_has_its_home(pattern):
    users = {module_of(path) for path in FILES if re.search(pattern, path.read_text(encoding="utf-8"))}

    assert users <= PRIVATE[pattern]


# ------------------------------------------------------------------------------------------- one style
def test_imports_within_the_package_are_relative():
    absolute = [
        f"{module_of(path)}: {line}"
        for path in FILES
        if path.stem != "__main__"
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.match(r"(from|import) minigrad\b", line)
    ]

    assert not absolute


def is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


CHANGING = ast.List, ast.Dict, ast.Set, ast.Call, ast.Constant  # what a variable that changes begins as


def test_a_module_marks_what_changes_in_it_and_belongs_to_it_alone_and_nothing_else():
    marked = []
    for path in FILES:
        if path.stem == "__init__":  # whose names users see
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                names, steady = [node.name], True
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = [x.id for target in targets for x in ast.walk(target) if isinstance(x, ast.Name)]
                parts = node.value.elts if isinstance(node.value, ast.Tuple) and len(names) > 1 else [node.value]
                steady = not all(isinstance(x, CHANGING) and not is_text(x) for x in parts)
            else:
                continue
            marked += [f"{module_of(path)}.{name}" for name in names if re.match("_[^_]", name) and steady]

    assert not marked


def test_the_map_of_the_core_lists_its_files():
    listed = re.findall(r"^    (\w+)  ", textwrap.dedent(importlib.import_module("minigrad.core").__doc__), flags=re.M)

    assert set(listed) == {path.stem for path in (PACKAGE / "core").glob("*.py")} - {"__init__"}


def test_the_map_of_the_optimisers_names_every_file_once():
    listed = re.findall(r"^    (\w[\w, /]*?)  ", importlib.import_module("minigrad.optimise").__doc__, flags=re.M)
    named = [name.strip(" /") for row in listed for name in row.split(",")]

    assert sorted(named) == sorted({p.stem for p in (PACKAGE / "optimise").glob("*.py")} - {"__init__"} | {"compiled"})


def test_the_readme_says_how_large_the_afternoon_is():
    words = "zero one two three four five six seven eight nine ten eleven twelve".split()
    text = " ".join((PACKAGE.parent / "README.md").read_text(encoding="utf-8").split())
    files, lines = re.search(r"core/__init__\.py\): (\w+) files, ([\d,]+) lines of code", text).groups()

    assert words.index(files) == len([p for p in (PACKAGE / "core").glob("*.py") if p.stem != "__init__"])
    written = sum(map(lines_of_code, (PACKAGE / "core").glob("*.py")))
    assert int(lines.replace(",", "")) == pytest.approx(written, rel=0.1)


def test_the_page_for_teachers_says_how_long_each_file_is():
    page = (PACKAGE.parent / "docs" / "teaching.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`\w\S*/\S+\.py`.*?) \| ([\d, ]+) \|", page, flags=re.M)

    assert len(rows) > 5
    for files, lengths in rows:
        for file, length in zip(re.findall(r"`(\S+)`", files), lengths.split(", "), strict=True):
            written = len((PACKAGE / file).read_text(encoding="utf-8").splitlines())
            assert int(length) == pytest.approx(written, rel=0.25), file


def test_the_map_of_floors_says_how_large_each_is():
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    said = {floor: int(n.replace(",", "")) for floor, n in re.findall(r"^\| `(\S+)/` \| ([\d,]+) \|", page, flags=re.M)}

    for floor in BUDGETS:
        assert said[floor] == pytest.approx(sum(map(lines_of_code, (PACKAGE / floor).glob("*.py"))), rel=0.1), floor
