"""The projects for classes: unsolved they say so, solved they are right, and common mistakes are told apart."""

import runpy
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).with_name("classroom")))
CLASSROOM = Path(__file__).parents[1] / "examples" / "classroom"
sys.path.insert(0, str(CLASSROOM))
from solutions import FORWARD, MISTAKES, SOLUTIONS  # noqa: E402


def run(name, changes, folder, capsys):
    """Run a project with some of its text replaced; return (exit code, what it printed)."""
    text = (CLASSROOM / f"{name}.py").read_text(encoding="utf-8")
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(folder / f"{name}.py"), run_name="__main__")
    return ended.value.code, capsys.readouterr().out.strip()


def changes_of(name, instead):
    return FORWARD if name == "forward_mode" else {SOLUTIONS[name][0]: instead}


def test_every_project_has_a_solution():
    projects = {path.stem for path in CLASSROOM.glob("*.py")} - {"checking"}

    assert projects == set(SOLUTIONS)


@pytest.mark.parametrize("name", SOLUTIONS)
def test_an_unsolved_project_says_so(name, tmp_path, capsys):
    code, said = run(name, {}, tmp_path, capsys)

    assert code == 1 and said.startswith("Not ")


@pytest.mark.parametrize("name", SOLUTIONS)
def test_a_solved_project_is_all_right(name, tmp_path, capsys):
    assert run(name, changes_of(name, SOLUTIONS[name] and SOLUTIONS[name][1]), tmp_path, capsys) == (0, "All right.")


@pytest.mark.parametrize("name, instead, word", [(name, *m) for name, all_ in MISTAKES.items() for m in all_])
def test_a_mistake_is_told(name, instead, word, tmp_path, capsys):
    code, said = run(name, changes_of(name, instead), tmp_path, capsys)

    assert code == 1 and said.startswith("Not yet: ") and word in said
