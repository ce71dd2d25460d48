"""Type checkers and minigrad agree: no error in correct programs, an error in each planted mistake.

    python tests/check_types.py

It is part of ``make lint``. The programs are those of the README, of the pages in docs/ and of examples/. mypy runs
with ``--strict`` but for what asks the reader's own functions for annotations, or forbids to define a name anew;
pyright in its standard mode.
"""

import doctest
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MYPY = """
    --strict --allow-untyped-defs --allow-incomplete-defs --allow-untyped-calls --allow-untyped-decorators
    --allow-redefinition --local-partial-types --disable-error-code var-annotated --disable-error-code import-untyped
    --disable-error-code no-redef
    --follow-imports=silent --no-error-summary --hide-error-context --no-pretty
""".split()
# A page says a thing twice, in one namespace: a loss of one argument, later one of two.
PAGE = """# mypy: disable-error-code="no-redef,assignment,call-arg,arg-type,operator"
# pyright: reportRedeclaration=false, reportAssignmentType=false, reportCallIssue=false
"""
# The page that makes a tape of its own keeps None in places that are numbers later.
OWN_TAPE = """# mypy: disable-error-code="call-overload"
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false, reportArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportOperatorIssue=false
"""

STUBS = "minigrad.core.tensor", "minigrad.core.params"

# Each is wrong in its last line, and only there.
MISTAKES = {
    "a string as eta": "from minigrad import ADAM\nADAM('fast')",
    "a hyperparameter of another library": "from minigrad import ADAM\nADAM(lr=1e-3)",
    "too many hyperparameters": "from minigrad import Descent\nDescent(0.1, 0.9)",
    "a loss that returns nothing": """
        from minigrad import Params, Tensor, gradient
        def loss() -> None: ...
        gradient(loss, Params([Tensor([1.0])]))
    """,
    "an array as a parameter": "import numpy as np\nfrom minigrad import Params\nParams([np.ones(2)])",
    "a value taken for a pair": """
        from minigrad import Grads, Tensor, gradient, params
        W = Tensor([1.0])
        gradient(lambda: W[0], params(W)).val
    """,
    "a number where a function belongs": "from minigrad import gradient\ngradient(3.0, 2.0)",
    "a schedule of text": "from minigrad import Exp\nExp('0.1', 0.9)",
    "a method that a Tensor has not": "from minigrad import randn\nrandn(2).backward()",
    "a layer's size as text": "from minigrad.nn import Dense\nDense('2', 3)",
    "epochs that are no number": """
        from minigrad import ADAM, Tensor, params, train_
        W = Tensor([1.0])
        train_(lambda: W[0], params(W), [()], ADAM(), epochs="ten")
    """,
    "a gradient without its parameter": "from minigrad import ADAM, update_\nupdate_(ADAM())",
}


def blocks(page):
    """Return the Python of a page's blocks, dialogues without what is shown to fail."""
    found = []
    for source in re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.M | re.S):
        if source.lstrip().startswith(">>>"):
            examples = doctest.DocTestParser().get_examples(source)
            source = "".join(example.source for example in examples if example.exc_msg is None)
        found.append(source)
    return found


def write_programs(folder):
    """Write every program into a file of its own and return the files."""
    programs = {f"readme_{k}": source for k, source in enumerate(blocks(ROOT / "README.md"))}
    for page in sorted((ROOT / "docs").glob("*.md")):
        head = PAGE + OWN_TAPE * (page.stem == "teaching")
        programs[f"docs_{page.stem}".replace("-", "_")] = head + "\n".join(blocks(page))
    for name, source in programs.items():
        (folder / f"{name}.py").write_text(source)
    return [folder / f"{name}.py" for name in programs]


def write_mistakes(folder):
    """Write every mistake into a file of its own; return file name -> (what is wrong, the line)."""
    wrong = {}
    for k, (what, source) in enumerate(MISTAKES.items()):
        lines = [line.removeprefix(" " * 8) for line in source.strip("\n ").split("\n")]
        (folder / f"mistake_{k}.py").write_text("\n".join(lines) + "\n")
        wrong[f"mistake_{k}.py"] = what, len(lines)
    return wrong


def errors_of_mypy(files):
    """Return (file, line, text) of each error that mypy finds."""
    command = [sys.executable, "-m", "mypy", *MYPY, *map(str, files)]
    said = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if said.stderr:
        sys.exit(said.stderr)
    found = re.findall(r"^(.+?\.py):(\d+): error: (.*)$", said.stdout, flags=re.M)
    return [(Path(file), int(line), f"mypy: {text}") for file, line, text in found]


def errors_of_pyright(files, folder):
    """Return (file, line, text) of each error that pyright finds."""
    settings = {"include": [str(file) for file in files], "extraPaths": [str(ROOT), str(ROOT / "examples")]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson"]
    said = subprocess.run([*command, "--project", str(folder)], capture_output=True, text=True, cwd=ROOT, check=False)
    return [
        (Path(found["file"]), found["range"]["start"]["line"] + 1, f"pyright: {found['message'].splitlines()[0]}")
        for found in json.loads(said.stdout)["generalDiagnostics"]
        if found["severity"] == "error"
    ]


def errors_of_stubs(folder):
    """Return where the stubs, of what other chapters add to, say something else than Python does."""
    settings = folder / "stubtest.ini"
    settings.write_text("[mypy]\nignore_errors = True\nignore_missing_imports = True\n")
    command = [sys.executable, "-m", "mypy.stubtest", "--ignore-missing-stub", "--mypy-config-file", str(settings)]
    said = subprocess.run([*command, *STUBS], capture_output=True, text=True, cwd=ROOT, check=False)
    return re.findall(r"^error: .*$", said.stdout + said.stderr, flags=re.M)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        programs = write_programs(folder)
        wrong = write_mistakes(folder)
        examples = sorted([*ROOT.glob("examples/*.py"), *ROOT.glob("examples/numpy_programs/*.py")])
        examples = [file for file in examples if file.name != "scikit_learn.py"]  # which needs the types of a guest
        files = [*programs, *(folder / file for file in wrong), *examples]
        found = errors_of_mypy(files) + errors_of_pyright(files, folder)
        complaints = [
            f"{file.name}:{line}: {text}" for file, line, text in found if (wrong.get(file.name) or ("", 0))[1] != line
        ]
        for file, (what, line) in wrong.items():
            for checker in ("mypy", "pyright"):
                if not any((f.name, n, text.split(":")[0]) == (file, line, checker) for f, n, text in found):
                    complaints.append(f"{checker} does not see {what}")
        complaints += errors_of_stubs(folder)
    print(*complaints, sep="\n", end="\n" * bool(complaints))
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
