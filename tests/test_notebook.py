"""What notebooks show of the package's objects: well-formed, with the right numbers; the text stays."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from minigrad import (
    ADAM,
    Cos,
    Descent,
    Exp,
    Momentum,
    Optimiser,
    Tensor,
    WSD,
    WeightDecay,
    gradient,
    params,
    supported,
    update_,
)
from minigrad.data import DataLoader
from minigrad.nn import Chain, Dense, relu

W, b = Tensor([[1.0, 2.0], [3.0, np.nan]]), Tensor(0.5)


def texts(x):
    """Return the texts in what a notebook shows, which must be well-formed."""
    return [text.strip() for text in ElementTree.fromstring(f"<div>{x._repr_html_()}</div>").itertext() if text.strip()]


def test_a_tensor_shows_its_shape_its_numbers_and_what_is_wrong_with_them():
    found = texts(W)

    assert "Tensor (2, 2), float64" in found and "3" in found
    assert any("1 of 4 numbers are not finite" in text for text in found)
    assert "..." in texts(Tensor(np.ones((100, 100)))) and len(texts(Tensor(np.ones((100, 100))))) < 100


@pytest.mark.parametrize("t", [Tensor(2.0), Tensor(np.zeros(0)), Tensor([1j]), Tensor(np.ones((2, 3, 4)))])
def test_tensors_of_every_kind_are_shown(t):
    assert any(text.startswith("Tensor") for text in texts(t))


def test_params_and_grads_show_a_row_each():
    ps = params(W, b)
    grads = gradient(lambda: np.sum(b * b), ps)

    assert any("5 numbers, 40 bytes" in text for text in texts(ps))
    assert "None" in texts(grads) and "[1.]" in texts(grads)


def test_an_optimiser_shows_hyperparameters_and_state():
    opt = ADAM(0.01)
    update_(opt, np.zeros(3), np.ones(3))
    x = np.zeros(3)
    update_(opt, x, np.ones(3))

    found = texts(opt)
    assert {"ADAM", "eta", "0.01", "state of 1 parameter"} <= set(found)
    assert "0" in texts(Optimiser(WeightDecay(1e-4), Momentum())) and "Descent" in texts(Descent())


@pytest.mark.parametrize("schedule", [Exp(0.1, 0.9), Cos(0.0, 1.0, 20), WSD(0.1, 10, 20, 10)], ids=repr)
def test_a_schedule_shows_its_curve(schedule):
    drawn = ElementTree.fromstring(schedule._repr_html_())

    (line,) = drawn.iter("polyline")
    points = [tuple(map(float, point.split(","))) for point in line.get("points").split()]
    heights = [-y for _, y in points]
    values = schedule(np.arange(1.0, len(points) + 1))
    assert np.corrcoef(heights, values)[0, 1] == pytest.approx(1, abs=1e-4)


def test_a_chain_shows_its_layers_with_their_sizes():
    found = texts(Chain(Dense(4, 3, relu), Dense(3, 2)))

    assert {"15", "120", "(4, 3), (3,)"} <= set(found) and any("23 numbers, 184 bytes" in text for text in found)


def test_a_loader_and_the_table_of_functions_are_shown():
    assert {"batches", "3", "batch size", "4"} <= set(texts(DataLoader(np.ones((10, 2)), batchsize=4)))
    assert "np.exp" in texts(supported("np.exp")) and isinstance(supported(), list)


@pytest.mark.parametrize("x", [W, params(b), ADAM(), Exp(0.1, 0.9), Chain(Dense(2, 2))], ids=lambda x: type(x).__name__)
def test_the_text_stays_what_it_is(x):
    assert "<" not in repr(x).replace("<function", "")


# ---------------------------------------------------------------------------------------- a real notebook
SHOWN = {
    "W = Tensor([[1.0, -0.5], [0.25, 2.0]]); W": "Tensor (2, 2), float64",
    "ps = params(W); ps": "4 numbers, 32 bytes",
    "gradient(lambda: np.sum(W * W), ps)": "Grads",
    "opt = ADAM(0.1); opt": "ADAM",
    "Cos(0.0, 1.0, 20)": "<polyline",
    "Chain(Dense(4, 3), Dense(3, 2))": "23 numbers, 184 bytes",
    "DataLoader(np.ones((10, 2)), batchsize=4)": "batch size",
    "supported('np.exp')": "np.exp",
    "trace(lambda: np.sum(np.tanh(W) ** 2), ps)": "window.minigradProgram =",
    "trace(lambda x: np.sum(np.tanh(x)), np.ones(2))": "<svg",
}


@pytest.mark.slow
def test_a_notebook_that_nbconvert_ran_shows_every_object(tmp_path):
    reason = "nobody runs notebooks here: pip install nbconvert ipykernel"
    nbformat, nbclient, nbconvert, _ = [
        pytest.importorskip(name, reason=reason) for name in ("nbformat", "nbclient", "nbconvert", "ipykernel")
    ]
    modules = "minigrad", "minigrad.data", "minigrad.nn"
    begin = "\n".join(["import numpy as np", *(f"from {module} import *" for module in modules)])
    cells = [nbformat.v4.new_code_cell(code) for code in (begin, *SHOWN)]
    notebook = nbformat.v4.new_notebook(cells=cells)

    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    page, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)

    outputs = [[out for out in cell.outputs if "data" in out] for cell in notebook.cells[1:]]
    for (code, expected), (out,) in zip(SHOWN.items(), outputs):
        assert expected in out.data["text/html"], code
        assert out.data["text/plain"] and "<table" not in out.data["text/plain"]
        assert expected in page, code
    assert page.count("window.minigradProgram =") == 1  # the script, once on the page
    assert sum("minigradProgram(document" in out.data["text/html"] for (out,) in outputs) == 2
