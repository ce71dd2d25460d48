"""The first gradient of every example, as a program that runs by itself."""

import copy
import importlib
import pathlib
import runpy
import sys

import numpy as np
import pytest
from replay import plain, wrong_in_another_process

import minigrad
from minigrad import TraceError, trace, withgradient
from minigrad.core import gradient
from minigrad.core.trees import leaves

LEFT_OUT = "options", "scikit_learn", "schedule_gallery"
EXAMPLES = pathlib.Path(minigrad.__file__).parents[1] / "examples"
SCRIPTS = {
    path.stem: [str(path)] for path in EXAMPLES.glob("*.py") if path.stem not in LEFT_OUT
} | {"train_digits --conv": [str(EXAMPLES / "train_digits.py"), "--conv"]}
NUMPY_PROGRAMS = sorted(path.stem for path in EXAMPLES.glob("numpy_programs/*.py") if path.stem != "compare")


class Asked(BaseException):
    """An example has asked for its first gradient: of ``f`` with respect to ``args``."""

    def __init__(self, f, args):
        self.f, self.args = f, args


def first_gradient(command, monkeypatch):
    """Run an example until its first gradient; return the function and what it is differentiated by."""

    class Asking(gradient.Run):
        def __init__(self, f, args, *others):
            raise Asked(f, args)

    monkeypatch.setattr(gradient, "Run", Asking)
    monkeypatch.setattr(sys, "argv", command)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    with pytest.raises(Asked) as asked:
        runpy.run_path(command[0], run_name="__main__")
    monkeypatch.undo()
    return asked.value.f, asked.value.args


def as_made(name, f, args):
    """Return what the other process needs; random numbers are drawn as the eager gradient draws them."""
    state = minigrad.generator().bit_generator.state
    program = trace(f, *args)
    text = program.source()
    minigrad.generator().bit_generator.state = state
    constants = copy.deepcopy(list(program.constants.values()))
    value, grads = withgradient(f, *args)
    gradients = grads.values() if hasattr(grads, "params") else leaves(grads)
    given = [op.value for op in program.inputs]
    return name, text, constants, [(given, value, list(map(plain, gradients)))], 0


@pytest.mark.filterwarnings("ignore")
def test_the_first_gradient_of_every_example_runs_by_itself(monkeypatch, tmp_path, capsys):
    minigrad.seed(0)
    made = [as_made(name, *first_gradient(command, monkeypatch)) for name, command in SCRIPTS.items()]
    for name in NUMPY_PROGRAMS:
        monkeypatch.syspath_prepend(str(EXAMPLES / "numpy_programs"))
        program = importlib.import_module(name)
        arguments = tuple(map(np.asarray, program.arguments().values()))
        if name == "ode_solver":  # chooses its steps by the errors it made
            with pytest.raises(TraceError, match=r"(?s)if error <= tolerance.*rounds .* np\.where\(done, old, new\)"):
                as_made(name, program.loss, arguments)
        elif name != "inverse_problem":  # whose program holds the solver, a function of this process
            made.append(as_made(name, program.loss, arguments))

    assert len(made) > 18
    assert wrong_in_another_process(made, tmp_path) == []
