"""A program as a picture: ``t.svg()``."""

from html import escape

from .layout import places_of
from .structure import as_data

CHARACTER, SMALL_CHARACTER, LINE, MARGIN = 7.3, 6.1, 15, 12  # pixels
SMALLER = 'class="small" '
STYLE = """
  .program { font: 12px ui-monospace, Menlo, Consolas, monospace; --ink: #1a1a1a; --paper: #fff; --line: #8a8a8a;
    --box: #eef3fb; --edge: #3b6ea5; --slope: #a5483b; --given: #f4f4f0; color: var(--ink); }
  @media (prefers-color-scheme: dark) { .program { --ink: #e8e8e8; --paper: #16181c; --line: #888; --box: #1f2a3a;
    --edge: #7fb0e6; --slope: #e69a8a; --given: #22241f; } }
  .program rect { fill: var(--paper); stroke: var(--line); }
  .program .box rect { fill: var(--box); stroke-width: 1.5; }
  .program .given rect { fill: var(--given); stroke-dasharray: 4 3; }
  .program text { fill: var(--ink); text-anchor: middle; paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
  .program g text { stroke: none; }
  .program path { fill: none; stroke: var(--edge); }
  .program .small { font-size: 10px; }
  .program .slope { fill: var(--slope); }
"""


def svg(program):
    """Return the picture of a program as text in SVG: layers, functions and loops closed.

    Each node shows what is done and the shape; each edge its value, and under it the gradient that comes back.
    """
    drawing = as_data(program)
    nodes, edges = visible(drawing)
    texts = [texts_of(node) for node in nodes]
    carried = {a: op for a, _, op in edges}
    loss = next((op for op in drawing["operations"] if op["name"] == "loss"), None)
    if loss is not None and nodes:
        carried.setdefault(len(nodes) - 1, loss)
    sizes = [size_of(lines, carried.get(k)) for k, lines in enumerate(texts)]
    places = places_of(sizes, [(a, b) for a, b, _ in edges])
    width = max((x + w / 2 for (x, _), (w, _) in zip(places, sizes)), default=0) + 2 * MARGIN
    height = max((y + h / 2 for (_, y), (_, h) in zip(places, sizes)), default=0) + 2 * MARGIN
    parts = [edge_svg(places, sizes, a, b) for a, b, _ in edges]
    parts += [carried_svg(places[k], sizes[k], op) for k, op in carried.items()]
    parts += [node_svg(*values) for values in zip(nodes, texts, places, sizes)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="program" role="img" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="-{MARGIN} -{MARGIN} {width:.0f} {height:.0f}">\n<title>{escape(summary(program))}</title>\n'
        f"<style>{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def summary(program):
    return f"{program.name}: {len(program)} operations"


def visible(drawing):
    """Return the nodes that are drawn while closed Boxes are, and the edges between them: (from, to, operation)."""
    operations = {op["id"]: op for op in drawing["operations"]}
    nodes, node_of, waiting = [], {}, [drawing["tree"]]
    for x in waiting:  # grows
        if "children" in x and not x["closed"]:
            waiting += x["children"]
        else:
            nodes.append({**operations.get(x["id"], {}), **x})
            node_of |= {op: x["id"] for op in ids_in(x)}
    nodes.sort(key=lambda node: max(int(id[1:]) for id in ids_in(node)))  # inputs before what uses them
    index = {node["id"]: k for k, node in enumerate(nodes)}
    edges = {}
    for op in drawing["operations"]:
        for x in op["inputs"]:
            a, b = index[node_of[x]], index[node_of[op["id"]]]
            if a < b:
                edges.setdefault((a, b), operations[x])
    return nodes, [(a, b, op) for (a, b), op in edges.items()]


def ids_in(node):
    """Return the ids of the operations in a node, at whatever depth."""
    if "children" not in node:
        return [node["id"]]
    return [id for child in node["children"] for id in ids_in(child)]


def texts_of(node):
    if "title" in node:
        return [node["title"], f"{len(ids_in(node))} operations"]
    return [node["label"] if node["kind"] != "call" else f"{node['name']} = {node['label']}", node["shape"]]


def node_svg(node, lines, place, size):
    (x, y), (width, height) = place, size
    kind = "box" if "title" in node else "op" if node["kind"] in ("call", "random") else "given"
    tooltip = escape(node.get("line") or node.get("title", ""))
    rows = "".join(
        f'<text {SMALLER if k else ""}x="{x:.0f}" y="{y + LINE * (k - len(lines) / 2) + 12:.0f}">{escape(line)}</text>'
        for k, line in enumerate(lines)
    )
    return (
        f'<g class="{kind}"><title>{tooltip}</title><rect x="{x - width / 2:.0f}" y="{y - height / 2:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" rx="6"/>{rows}</g>'
    )


def size_of(lines, carried):
    """Return the size of a node, as wide as what it says and what its edges carry."""
    widths = [CHARACTER * len(line) + 2 * MARGIN for line in lines]
    if carried is not None:
        widths += [SMALL_CHARACTER * len(carried[what]) for what in ("numbers", "gradient")]
    return max(widths), LINE * len(lines) + MARGIN


def edge_svg(places, sizes, a, b):
    (x1, y1), (x2, y2) = places[a], places[b]
    y1, y2 = y1 + sizes[a][1] / 2, y2 - sizes[b][1] / 2
    bend = (y1 + y2) / 2 + LINE
    return f'<path d="M{x1:.0f} {y1:.0f} C{x1:.0f} {bend:.0f} {x2:.0f} {bend - LINE:.0f} {x2:.0f} {y2:.0f}"/>'


def carried_svg(place, size, op):
    """Write what the edges of a node carry: its value, and the gradient that comes back."""
    x, y = place[0], place[1] + size[1] / 2
    rows = [("small", op["numbers"], 12), ("small slope", op["gradient"], 24)]
    return "".join(
        f'<text class="{kind}" x="{x:.0f}" y="{y + down:.0f}">{escape(text)}</text>'
        for kind, text, down in rows
        if text
    )
