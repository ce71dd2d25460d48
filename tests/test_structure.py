"""The book holds together: imports never point down its list, every public name is explained."""

import ast
import doctest
import importlib
import inspect
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import minigrad

PACKAGE = Path(minigrad.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
ROWS = re.findall(r"^    (\S.*?)  +\S.*$", minigrad.__doc__, flags=re.M)
CHAPTERS = [name.strip("/ ") for row in ROWS for name in row.split(",")]


def module_of(path):
    """Return the dotted name of a file: ``optimise.update``; a package goes by its folder."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path) for path in FILES}


def imports_of(path):
    """Return what a file imports: the dotted names of modules, those of this package without its name."""
    here = list(path.relative_to(PACKAGE).parent.parts)
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = [*here[: len(here) - node.level + 1]] if node.level else []
            module = ".".join(
                ["minigrad", *base, *filter(None, [node.module])] if node.level else [node.module]
            )
            within = module.removeprefix("minigrad").lstrip(".")
            submodules = {f"{within}.{alias.name}".lstrip(".") for alias in node.names} & MODULES
            ours = module.split(".")[0] == "minigrad"
            # from . import x: the modules named; the package itself only if something else of it is wanted
            rest = {alias.name for alias in node.names} - {name.split(".")[-1] for name in submodules}
            wanted = submodules | ({within} if rest - {"__version__"} else set()) if ours else set()
            found |= {f"minigrad.{name}" for name in wanted} if ours else {module}
    return found


def ours(path):
    return {name.removeprefix("minigrad.") for name in imports_of(path) if name.startswith("minigrad.")}


def chapter(module):
    return module.split(".")[0]


# ---------------------------------------------------------------------------------------- the imports
def test_the_map_in_the_docstring_names_every_chapter_once():
    chapters = {chapter(module) for module in MODULES} - {"", "__main__"}

    assert len(CHAPTERS) == len(set(CHAPTERS)) and set(CHAPTERS) == chapters


@pytest.mark.parametrize("path", [p for p in FILES if module_of(p) not in ("", "__main__")], ids=module_of)
def test_a_chapter_imports_only_from_chapters_above_it(path):
    me = chapter(module_of(path))

    below = {
        name
        for name in ours(path)
        if chapter(name) != me and CHAPTERS.index(chapter(name)) > CHAPTERS.index(me)
    }

    assert not below


PACKAGES = sorted({module_of(path.parent / "x.py").rpartition(".")[0] for path in FILES} - {""})


@pytest.mark.parametrize("package", PACKAGES)
def test_the_files_of_a_package_do_not_import_each_other_in_circles(package):
    graph = {
        module_of(p): ours(p) - {package}
        for p in (PACKAGE / package.replace(".", "/")).glob("*.py")
        if p.stem != "__init__"
    }
    while graph:
        free = [name for name, needs in graph.items() if not needs & graph.keys()]
        assert free, f"a circle among {sorted(graph)}"
        for name in free:
            del graph[name]


AUTODIFF = ["core", "derivatives", "calculus", "fast", "readers"]
BARE = {"core.storage", "core.errors", "core.trees"}  # what the optimisers may know of the core


def test_the_core_imports_numpy_and_itself():
    for path in (PACKAGE / "core").glob("*.py"):
        assert {chapter(name) for name in ours(path)} <= {"core"}, path.name


def test_the_autodiff_does_not_import_the_optimisers_nor_they_the_autodiff():
    for path in FILES:
        module = module_of(path)
        if chapter(module) in AUTODIFF:
            assert not any(chapter(name) in ("optimise", "schedules", "training") for name in ours(path)), module
        if chapter(module) == "optimise":  # training alone knows both
            assert not set(AUTODIFF) & {chapter(name) for name in ours(path) - BARE}, module


def test_schedules_know_neither_but_for_the_scheduler():
    for path in FILES:
        module = module_of(path)
        if chapter(module) == "schedules" and module not in ("schedules", "schedules.scheduler"):
            assert not {"optimise", *AUTODIFF} & {chapter(name) for name in ours(path) - BARE}, module


def test_one_place_imports_numba():
    importers = {
        module_of(path) for path in FILES if any(chapter(name) == "numba" for name in imports_of(path))
    }

    # how a rule is compiled, and where the result is kept
    assert importers <= {"optimise.compiled.kernels", "optimise.compiled.cache"}


def test_importing_minigrad_loads_no_heavy_package():
    heavy = [
        "numba",
        "scipy",
        "matplotlib",
        "tqdm",
        "pandas",
        "torch",
        "jax",
        "autograd",
        "safetensors",
        "pytest",
    ]
    loaded = subprocess.run(
        [sys.executable, "-c", f"import sys, minigrad; print([m for m in {heavy} if m in sys.modules])"],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGE.parent,
    ).stdout

    assert loaded.strip() == "[]"


def test_importing_minigrad_loads_little_that_numpy_has_not_loaded():
    program = (
        "import sys, numpy; before = set(sys.modules); import minigrad; loaded = set(sys.modules) - before; "
        "print([m for m in ('json', 'pathlib', 'numpy.random', 'urllib', 'hashlib', 'asyncio') if m in loaded])"
    )

    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )

    assert run.stdout.strip() == "[]"


def test_gradients_need_no_numba_either():
    program = (
        "import sys, numpy as np, minigrad as m; W = m.Tensor(np.ones(2)); "
        "m.gradient(lambda: np.sum(W**2), m.params(W)); print('numba' in sys.modules)"
    )

    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )

    assert run.stdout.strip() == "False"


# ------------------------------------------------------------------------------------------- the files
@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_file_is_short_enough_to_be_read_at_one_go(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


def functions_in(node):
    """Return the functions inside a node, those of its classes too, but not the functions in functions."""
    found = []
    for child in ast.iter_child_nodes(node):
        found += [child] if isinstance(child, ast.FunctionDef) else functions_in(child)
    return found


def own_lines(function):
    """Count the lines of a function that are neither docstring nor an inner function's."""
    has_docstring = ast.get_docstring(function, clean=False) is not None
    docstring = function.body[0].end_lineno - function.body[0].lineno + 1 if has_docstring else 0
    inner = sum(f.end_lineno - f.lineno + 1 for f in functions_in(function))
    return function.end_lineno - function.lineno + 1 - docstring - inner


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_function_is_short_enough_to_be_seen_at_once(path):
    waiting, long = functions_in(ast.parse(path.read_text(encoding="utf-8"))), {}
    for function in waiting:  # grows by the functions in functions
        waiting += functions_in(function)
        limit = 60 if function.name == "walk" else 40  # one loop over raw memory, which numba compiles as a whole
        if own_lines(function) > limit:
            long[function.name] = own_lines(function)

    assert not long


def test_there_is_no_module_of_odds_and_ends():
    assert not {"utils", "util", "helpers", "common", "misc"} & {path.stem for path in FILES}


def test_every_file_begins_with_a_docstring():
    assert not [
        module_of(p) for p in FILES if not ast.get_docstring(ast.parse(p.read_text(encoding="utf-8")))
    ]


def helpers_of(path):
    """Return the names of a file's functions and classes."""
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    return [node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))]


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_helper_carries_no_underscore_but_where_users_look(path):
    marked = [name for name in helpers_of(path) if name[0] == "_" and not name.endswith("__")]

    assert not marked or path.stem == "__init__"  # the namespace of a package


def test_a_name_of_optimisers_or_schedules_has_one_meaning():
    files = [path for path in FILES if chapter(module_of(path)) in ("optimise", "schedules")]
    names = [name for path in files if path.stem != "__init__" for name in set(helpers_of(path))]

    assert not {name for name in names if names.count(name) > 1}


# ------------------------------------------------------------------------------------ the public names
PUBLIC = {
    name: getattr(minigrad, name)
    for name in minigrad.__all__
    if not isinstance(getattr(minigrad, name), types.ModuleType)
}
EXAMPLES = doctest.DocTestParser()


def test_all_lists_what_a_star_import_brings_and_every_name_exists():
    assert len(set(minigrad.__all__)) == len(minigrad.__all__)
    assert all(hasattr(minigrad, name) for name in minigrad.__all__)


def test_a_star_import_shadows_no_builtin():
    import builtins

    assert not {name for name in minigrad.__all__ if hasattr(builtins, name)}


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_has_a_docstring_with_an_example_that_runs(name):
    doc = inspect.getdoc(PUBLIC[name])

    assert doc and EXAMPLES.get_examples(doc), f"{name} has no example"


JULIAS = """
    Params Grads params gradient withgradient pullback jacobian hessian diaghessian copy_ dropgrad hook ignore
    nograd checkpointed adjoint isderiving Buffer rand randn zeros ones seed apply_ update_
""".split()


@pytest.mark.parametrize("name", JULIAS)
def test_what_comes_from_julia_names_its_source(name):
    assert re.search(r"[Ss]ource|Reference", inspect.getdoc(PUBLIC[name]))


@pytest.mark.parametrize("chapter", ["losses", "optimise", "schedules", "training"])
def test_the_names_imported_later_are_all_that_the_chapter_exports(chapter):
    module = importlib.import_module(f"minigrad.{chapter}")
    names = minigrad._LATER[chapter].split()
    if chapter == "optimise":  # where the training loop used to stand
        later = {"History", "log_to", "lr_find", "CompiledFunction", "CompiledStep", "StaleStepWarning", "compiled"}
        names += {*minigrad._LATER["training"].split()} - later

    assert sorted(names) == sorted(module.__all__)


def test_differentiating_imports_neither_the_optimisers_nor_the_schedules():
    code = """
import sys, numpy as np, minigrad
minigrad.gradient(lambda x: np.sum(x**2), np.ones(3))
print([name for name in sys.modules if name.startswith(("minigrad.optimise", "minigrad.schedules", "minigrad.nn"))])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'minigrad' has no attribute 'Adagard'"):
        minigrad.__getattr__("Adagard")
