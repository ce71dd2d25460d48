"""Where the nodes of a drawing stand: in layers from top to bottom, every edge downwards."""

GAP_X, GAP_Y = 28, 56


def places_of(sizes, edges):
    """Return where the nodes of a graph without circles stand.

    Parameters
    ----------
    sizes : list of (width, height), one per node
    edges : list of (from, to), indices of nodes

    Returns
    -------
    list of (x, y), the middle of each node.  The library grandalf is asked where it is installed.

    >>> places_of([(10, 10), (10, 10)], [(0, 1)])
    [(5.0, 5.0), (5.0, 71.0)]
    """
    try:
        return by_grandalf(sizes, edges)
    except ImportError:
        return by_layers(sizes, edges)


def by_grandalf(sizes, edges):
    from grandalf.graphs import Edge, Graph, Vertex
    from grandalf.layouts import SugiyamaLayout, VertexViewer

    vertices = [Vertex(k) for k in range(len(sizes))]
    for v, (width, height) in zip(vertices, sizes):
        v.view = VertexViewer(width, height)
    left = 0.0
    for part in Graph(vertices, [Edge(vertices[a], vertices[b]) for a, b in edges]).C:
        layout = SugiyamaLayout(part)
        layout.xspace, layout.yspace = GAP_X, GAP_Y
        layout.init_all()
        layout.draw()
        placed = list(part.sV)
        shift = left - min(v.view.xy[0] - v.view.w / 2 for v in placed)
        top = min(v.view.xy[1] - v.view.h / 2 for v in placed)
        for v in placed:
            v.view.xy = v.view.xy[0] + shift, v.view.xy[1] - top
        left = max(v.view.xy[0] + v.view.w / 2 for v in placed) + GAP_X
    return [tuple(map(float, v.view.xy)) for v in vertices]


def by_layers(sizes, edges):
    """A layout of our own: layers by the longest way, ordered so that edges cross little, then pulled straight."""
    into, out = [[] for _ in sizes], [[] for _ in sizes]
    for a, b in edges:
        into[b].append(a), out[a].append(b)
    layer = [0] * len(sizes)
    for k in range(len(sizes)):  # inputs stand before what uses them
        layer[k] = max((layer[a] + 1 for a in into[k]), default=0)
    for k in reversed(range(len(sizes))):  # what nothing leads to stands close to its first user
        if not into[k] and out[k]:
            layer[k] = min(layer[b] for b in out[k]) - 1
    rows = [[k for k in range(len(sizes)) if layer[k] == n] for n in range(max(layer, default=-1) + 1)]
    x = [0.0] * len(sizes)
    for _ in range(8):
        for row, neighbours in [*((row, into) for row in rows), *((row, out) for row in reversed(rows))]:
            wish = {k: middle([x[a] for a in neighbours[k]], x[k]) for k in row}
            row.sort(key=wish.get)
            spread(row, wish, sizes, x)
    left = min((x[k] - sizes[k][0] / 2 for k in range(len(sizes))), default=0.0)
    tops, y = [], 0.0
    for row in rows:
        height = max(sizes[k][1] for k in row)
        tops.append(y + height / 2)
        y += height + GAP_Y
    return [(x[k] - left, tops[layer[k]]) for k in range(len(sizes))]


def middle(places, otherwise):
    return sum(places) / len(places) if places else otherwise


def spread(row, wish, sizes, x):
    """Place the nodes of a row as near as may be to where they wish to stand, one beside the other."""
    right = float("-inf")
    for k in row:
        x[k] = max(wish[k], right + sizes[k][0] / 2)
        right = x[k] + sizes[k][0] / 2 + GAP_X
    back = sum(x[k] - wish[k] for k in row) / len(row)
    for k in row:
        x[k] -= back
