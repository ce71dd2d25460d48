"""What notebooks show: tables of numbers, of parameters, of hyperparameters and state; the curve of a schedule.

A page in HTML is a bonus: all of it is in the text of the same object, too. Nothing here runs a script.
"""

import dataclasses
import functools
from html import escape

import numpy as np

from .core.params import Grads, Params
from .core.tensor import Tensor
from .core.trees import named_tensors
from .data import DataLoader
from .derivatives.coverage import Supported, Table
from .iddict import IdDict
from .nn.layers import Chain
from .optimise.rules import AbstractOptimiser
from .schedules.base import Schedule, shown, span, values

ROWS, COLUMNS = 8, 8  # of a matrix that are shown
CELL = "padding: 2px 10px; text-align: left; border-bottom: 1px solid #8884"
WIDTH, HEIGHT = 360, 90  # of a curve, in pixels


def table(title, head, rows, note=""):
    """Return a table in HTML.

    >>> table("Two", ["name"], [["W"]])[:27]
    '<table style="border-collap'
    """
    cells = "".join(f'<th scope="col" style="{CELL}">{escape(str(text))}</th>' for text in head)
    body = "".join(
        "<tr>" + "".join(f'<td style="{CELL}">{escape(str(text))}</td>' for text in row) + "</tr>" for row in rows
    )
    return (
        f'<table style="border-collapse: collapse"><caption style="text-align: left; padding: 4px 10px">'
        f"<b>{escape(title)}</b> {escape(note)}</caption>"
        f"{f'<thead><tr>{cells}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"
    )


@functools.singledispatch
def html_of(x):
    """Return the HTML of an object, or None where its text says it best."""
    return None


@html_of.register
def of_tensor(t: Tensor):
    """The shape, the dtype, and the numbers; of a large array the first rows and columns, its range and its mean."""
    a = t.data
    title = f"Tensor {a.shape}, {a.dtype}"
    if a.dtype.kind == "c" or not a.size:
        return table(title, [], [[np.array2string(a, threshold=50)]])
    note = "" if a.size == 1 else f"from {a.min():.4g} to {a.max():.4g}, mean {a.mean():.4g}"
    if not np.all(np.isfinite(a)):
        note += f"; {np.count_nonzero(~np.isfinite(a)):,} of {a.size:,} numbers are not finite"
    flat = a.reshape(-1, a.shape[-1]) if a.ndim else a.reshape(1, 1)
    rows = [[f"{x:.4g}" for x in row[:COLUMNS]] + ["..."] * (len(row) > COLUMNS) for row in flat[:ROWS]]
    return table(title, [], rows + [["..."]] * (len(flat) > ROWS), note)


@html_of.register
def of_params(ps: Params):
    return table("Params", ["", "shape", "dtype", "numbers"], [rows_of(ps, k, p) for k, p in enumerate(ps)], total(ps))


@html_of.register
def of_grads(grads: Grads):
    rows = [
        [*rows_of(grads.params, k, p), *(["None", ""] if g is None else [few(g.data), f"{np.linalg.norm(g.data):.4g}"])]
        for k, (p, g) in enumerate(grads.pairs())
    ]
    return table("Grads", ["", "shape", "dtype", "parameter", "gradient", "norm"], rows)


def rows_of(ps, k, p):
    return [ps.name_of(p) or k, p.shape, p.dtype, few(p.data)]


def few(a):
    return np.array2string(np.ravel(a)[:4], precision=3) + " ..." * (np.size(a) > 4)


def total(ps):
    """Return how many numbers parameters hold, and in how many bytes."""
    return f"{sum(p.size for p in ps):,} numbers, {sum(p.nbytes for p in ps):,} bytes"


@html_of.register
def of_optimiser(opt: AbstractOptimiser):
    """Hyperparameters, and how many parameters there is a state of."""
    rows = [[name, value] for name, value in fields_of(opt) if not isinstance(value, IdDict)]
    kept = [(name, value) for name, value in vars(opt).items() if isinstance(value, IdDict) and name[0] != "_"]
    rows += [[name, f"state of {len(value)} parameter{'s' * (len(value) != 1)}"] for name, value in kept]
    return table(type(opt).__name__, ["", ""], rows or [["", repr(opt)]])


def fields_of(x):
    """Return the (name, value) of the fields of a rule; the stages of a composition."""
    if hasattr(x, "__len__"):
        return list(enumerate(x))
    fields = dataclasses.fields(x) if dataclasses.is_dataclass(x) else ()
    return [(field.name, getattr(x, field.name)) for field in fields if hasattr(x, field.name) and field.name[0] != "_"]


@html_of.register
def of_schedule(schedule: Schedule):
    """The schedule and its curve."""
    t = np.arange(1.0, 1 + span(schedule))
    y = np.asarray(values(schedule, t), float)
    low, high = y.min(), y.max()
    across = WIDTH * (t - 1) / max(len(t) - 1, 1)
    down = HEIGHT - HEIGHT * (y - low) / ((high - low) or 1)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, down))
    return (
        f'<figure style="margin: 0"><figcaption><b>{escape(shown(schedule))}</b></figcaption>'
        f'<svg role="img" width="{WIDTH + 20}" height="{HEIGHT + 20}" viewBox="-10 -10 {WIDTH + 20} {HEIGHT + 20}">'
        f"<title>from {low:.4g} to {high:.4g} in {len(t)} steps</title>"
        f'<polyline points="{points}" fill="none" stroke="#3b6ea5" stroke-width="2"/></svg>'
        f"<div>{y[0]:.4g} at step 1, {y[-1]:.4g} at step {len(t)}; from {low:.4g} to {high:.4g}</div></figure>"
    )


@html_of.register
def of_chain(model: Chain):
    """A layer in a row, with its parameters and their bytes."""
    rows = []
    for k, layer in enumerate(model.layers):
        tensors = [t for _, t in named_tensors(layer)]
        shapes = ", ".join(str(t.shape) for t in tensors)
        text = layer.spelled() if hasattr(layer, "spelled") else getattr(layer, "__name__", repr(layer))
        rows.append([k, text, shapes, f"{sum(t.size for t in tensors):,}", f"{sum(t.nbytes for t in tensors):,}"])
    everything = [t for _, t in named_tensors(model)]
    return table("Chain", ["", "layer", "shapes", "parameters", "bytes"], rows, total(everything))


@html_of.register
def of_loader(loader: DataLoader):
    first = next(iter(loader.data)) if isinstance(loader.data, (tuple, list)) and len(loader.data) else loader.data
    rows = [["batches", len(loader)], ["batch size", loader.batchsize], ["shuffled", loader.shuffle]]
    rows.append(["first array", np.shape(first)])
    return table("DataLoader", ["", ""], rows)


@html_of.register
def of_supported(lines: Table):
    head = [name for name in Supported._fields]
    return table(f"{len(lines)} functions", head, [(line[0], ", ".join(line[1]), *line[2:]) for line in lines])
