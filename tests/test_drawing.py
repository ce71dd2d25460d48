"""A program as a picture and as a page: what is drawn, what opens, what a real browser shows."""

import importlib.util
import re
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from browser import answer_of

from minigrad import params, randn, seed, trace
from minigrad.losses import logitcrossentropy
from minigrad.nn import Chain, Dense
from minigrad.readers.layout import by_layers
from minigrad.readers.listing import numbers
from minigrad.readers.structure import Box, as_data, structure

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def network():
    seed(0)
    model, x, y = Chain(Dense(4, 3, np.tanh), Dense(3, 2)), np.ones((5, 4)), np.eye(2)[[0, 1, 0, 1, 0]]

    def loss():
        return logitcrossentropy(model(x), y)

    return trace(loss, params(model))


@pytest.fixture(scope="module")
def recurrent():
    U, V, x = randn(8, 8), randn(8, 8), np.ones(8)

    def loss():
        h = np.zeros(8)
        for _ in range(250):
            h = np.tanh(U @ h + V @ x)
        return np.sum(h)

    return trace(loss, params(U, V))


def titles(box):
    return [x.title if isinstance(x, Box) else x.name for x in box.children]


# ------------------------------------------------------------------------------------------ the structure
def test_layers_and_compound_functions_are_closed_boxes(network):
    program = structure(network)

    model = next(x for x in program.children if isinstance(x, Box) and x.title == "model")
    assert not model.closed  # a Chain is nothing but its layers
    assert titles(model) == ["model.layers[0]", "model.layers[1]"] and all(x.closed for x in model.children)
    assert "logitcrossentropy" in titles(program)


def test_every_operation_of_the_way_forward_stands_in_one_place(network):
    drawn = [op.index for op in structure(network).operations()]

    computed = [op.index for op in network if op.phase == "forward" and op.kind == "call"]
    assert len(set(drawn)) == len(drawn) and set(computed) <= set(drawn)


def test_a_loop_is_one_box_whose_rounds_open(recurrent):
    (loop,) = [x for x in structure(recurrent).children if isinstance(x, Box)]

    assert re.match("x (249|250): 4 operations each", loop.title) and loop.closed and len(loop.operations()) >= 996
    assert [x.title for x in loop.children[:2]] == ["round 1", "round 2"]


def test_a_program_of_a_thousand_operations_draws_few_nodes_at_once(recurrent):
    start = time.process_time()
    picture = ElementTree.fromstring(recurrent.svg())
    took = time.process_time() - start

    nodes = [g for g in picture.iter(f"{SVG}g") if g.get("class") in ("box", "op", "given")]
    assert len(nodes) <= 25
    assert took < 60  # of a mark of one second: a picture whose cost grows with the square would show


# ------------------------------------------------------------------------------------------- the picture
def test_the_picture_shows_values_and_gradients_of_what_is_drawn(network):
    texts = {text.text for text in ElementTree.fromstring(network.svg()).iter(f"{SVG}text")}

    W = next(op for op in network.inputs if op.name.endswith("0_W"))
    assert {W.name, "(4, 3)", "model.layers[0]", "logitcrossentropy"} <= texts
    assert {numbers(W.value), numbers(W.gradient.value), numbers(network.loss.value)} <= texts


def test_every_edge_of_the_layout_goes_down_and_nodes_do_not_overlap():
    rng = np.random.default_rng(0)
    sizes = [(float(rng.integers(20, 200)), 40.0) for _ in range(60)]
    edges = [(int(a), int(b)) for b in range(1, 60) for a in rng.integers(0, b, 2)]

    places = by_layers(sizes, edges)

    assert all(places[a][1] < places[b][1] for a, b in edges)
    for k, ((x, y), (w, _)) in enumerate(zip(places, sizes)):
        for (u, v), (z, _) in zip(places[:k], sizes):
            assert y != v or abs(x - u) >= (w + z) / 2


def test_awkward_programs_are_drawn_too():
    def bad(x):
        return np.sum(np.log(x - 1.0)) + np.inf * np.sum(x)

    with np.errstate(all="ignore"):
        programs = [trace(bad, np.array([0.5, 1.0])), trace(lambda x: 3.0, 1.0), trace(lambda x: x, 2.0)]
    programs.append(trace(lambda x: np.sum(np.linalg.eigh(x @ x.T)[0] ** 2), np.arange(4.0).reshape(2, 2)))

    for program in programs:
        ElementTree.fromstring(program.svg())
        assert "<script>" in program.html()


# --------------------------------------------------------------------------------------------- the page
def test_a_page_holds_everything_and_asks_nobody(network):
    page = network.html()

    assert not re.search(r'(src|href)=["\']', page) and "@import" not in page
    assert "Permission is hereby granted" in page  # dagre's licence goes with it
    assert len(re.findall("window.minigradProgram =", page)) == 1


def test_what_a_user_wrote_cannot_end_the_script():
    def loss(x):
        return np.sum(x) * len("</script><b>")

    assert "</script><b>" not in trace(loss, np.ones(2)).html()


def test_a_notebook_gets_the_script_once(network, monkeypatch):
    from minigrad.readers import page

    cell = {"metadata": {"cellId": "a"}}
    monkeypatch.setattr(page, "_scripts_in", [])
    monkeypatch.setattr(page, "cell_of_notebook", lambda: cell["metadata"]["cellId"])

    first = network._repr_html_()
    cell["metadata"]["cellId"] = "b"
    second = network._repr_html_()
    cell["metadata"]["cellId"] = "a"
    again = network._repr_html_()

    assert "window.minigradProgram =" in first and "window.minigradProgram =" not in second
    assert "<svg" in second  # what is seen where the script is not
    assert "window.minigradProgram =" in again


def test_a_page_that_would_be_too_large_says_what_to_do(network, monkeypatch):
    from minigrad.readers import page

    monkeypatch.setattr(page, "LARGEST", 10)

    with pytest.raises(ValueError, match="print it"):
        network.html()
    assert network._repr_html_() is None


# ---------------------------------------------------------------------------------------- a real browser
WALK = """
<script>
window.addEventListener("load", () => {
  const root = document.querySelector(".minigrad-program"), found = { steps: [], nodes: 0 };
  const act = (name) => root.querySelector(`[data-act=${name}]`).click();
  const written = (kind) => [...root.querySelectorAll("." + kind)].filter((t) => t.textContent);
  const seen = (kind) => Object.fromEntries(written(kind).map((t) => [t.dataset.op, t.textContent]));
  found.nodes = root.querySelectorAll(".node").length;
  for (let k = 0; k < OPENED; k++) {
    const closed = [...root.querySelectorAll(".node.box")][0];
    if (!closed) break;
    closed.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  }
  found.opened = root.querySelectorAll(".node").length;
  act("first");
  found.start = [seen("value"), seen("slope")];
  const n = Math.min(STEPS, root.querySelectorAll("li").length);
  for (let k = 0; k < n; k++) {
    if (k % 2) act("next");
    else root.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    const row = root.querySelector("li[aria-current]");
    const now = root.querySelector(".node.now");
    found.steps.push([row && row.dataset.step, now && now.dataset.node, root.querySelector(".status").textContent]);
  }
  found.end = [seen("value"), seen("slope")];
  act("back");
  found.back = seen("slope");
  found.labels = [...root.querySelectorAll(".node, button")].every((x) => x.getAttribute("aria-label"));
  const pre = document.createElement("pre");
  pre.id = "found";
  pre.textContent = JSON.stringify(found);
  document.body.append(pre);
});
</script>
"""


def in_browser(page, folder, opened=20, steps=1000):
    """Open a page from its file in a headless Chromium and return what WALK found there."""
    walk = WALK.replace("OPENED", str(opened)).replace("STEPS", str(steps))
    return answer_of(page.replace("</body>", walk + "</body>"), folder)


@pytest.mark.slow
def test_a_browser_walks_to_the_end_and_shows_the_values_and_gradients_of_the_program(network, tmp_path):
    found = in_browser(network.html(), tmp_path)

    given = {op["id"]: op for op in as_data(network)["operations"]}
    values = {f"o{op.index}": numbers(op.value) for op in network}
    slopes = {f"o{op.index}": numbers(op.gradient.value) for op in network if op.gradient is not None}
    assert found["start"] == [{}, {}]
    assert found["opened"] > found["nodes"] and found["opened"] == len(given)
    assert [int(step) for step, _, _ in found["steps"]] == list(range(len(found["steps"])))
    shown_values, shown_slopes = found["end"]
    assert shown_values == {id: values[id] for id in given}
    assert shown_slopes == {id: slopes[id] for id in given if id in slopes}
    assert len(found["back"]) < len(shown_slopes) and found["labels"]
    assert found["steps"][-1][2].startswith("d_")


@pytest.mark.slow
def test_a_browser_opens_a_long_program_with_few_nodes(recurrent, tmp_path):
    found = in_browser(recurrent.html(), tmp_path, opened=1, steps=20)

    assert found["nodes"] <= 25 and found["opened"] >= 250


def test_the_pictures_of_the_pages_are_those_that_would_be_drawn_now():
    path = Path(__file__).parents[1] / "docs" / "draw_pictures.py"
    specification = importlib.util.spec_from_file_location("draw_pictures", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)

    for name, text in module.pictures().items():
        kept = (module.PICTURES / name).read_text(encoding="utf-8")
        words = [re.sub(r"program-\d+|[-\d.e+]+", "0", t) for t in (kept, text)]  # numbers may differ in rounding
        assert words[0] == words[1], "run: make pictures"
