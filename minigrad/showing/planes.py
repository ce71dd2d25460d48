"""The loss around a trained model, on a plane through its parameters."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.params import Params, params
from ..doors import door
from ..moving import Held
from ..schedules.plotting import current_axes
from .racing import levelled


@door
def landscape(
    loss: Callable[[], Any],
    ps: Any,
    path: Sequence[Any] | None = None,
    *,
    points: int = 25,
    reach: float = 1.0,
    seed: int = 0,
) -> Landscape:
    """Return the loss on a plane through a model's parameters.

        L(a, b) = loss(p + a u + b v)

    Parameters
    ----------
    loss : function without arguments that returns one real number
    ps : Params or model, at p
    path : how the parameters came there: a list with, for each moment, arrays like the parameters, or one flat array.
        The plane is then that of the path's two principal directions, through its end.  Without it, u and v are random,
        and of each parameter as long as the parameter itself (so that no layer counts more for its scale)
    points : int >= 2, of the grid along each direction
    reach : float > 0, how far the grid goes: around p in random directions, or beyond the path on every side, relative
    seed : int, of the random directions

    Returns
    -------
    Landscape: ``a``, ``b``, ``heights``; with a path, how much of its variance lies in the plane, and how far the loss
    on the plane is from the loss on the path itself: **a picture of two of a thousand directions can mislead**

    The parameters are afterwards what they were, bit for bit, also after an error.

    Raises ValueError if there is no parameter, one number in all, or a complex one, or if the path is shorter than
    three points, not finite or does not fit the parameters; TypeError if the loss is no number; what the loss raises.

    Source: Li et al. 2018, arXiv:1712.09913.

    >>> from minigrad import Tensor
    >>> W = Tensor([1.0, 2.0])
    >>> landscape(lambda: np.sum(W**2), W, points=3).heights.shape, W
    ((3, 3), Tensor([1., 2.]))
    """
    ps = ps if isinstance(ps, Params) else params(ps)
    if not len(ps):
        raise ValueError("landscape: there are no parameters; give params(model) of a model that holds Tensors")
    if not isinstance(points, (int, np.integer)) or points < 2 or not reach > 0:
        raise ValueError(f"landscape: points is a whole number >= 2 and reach a number > 0; got {points!r}, {reach!r}")
    here = flat(ps)
    if here.size < 2 or any(p.dtype.kind == "c" for p in ps):
        raise ValueError(
            "landscape: a plane goes through two real numbers or more; here "
            + ("is one" if here.size < 2 else "are complex ones: give Tensors of their real and imaginary parts")
        )
    along = None if path is None else as_rows(path, here)
    if along is None:
        u, v, explained = *random_directions(ps, here, seed), None
        a = b = np.linspace(-reach, reach, points)
        track = np.zeros((1, 2))
    else:
        u, v, explained = principal(along - here)
        track = (along - here) @ np.stack([u, v], axis=1)
        a, b = (spread(c, points, reach) for c in track.T)
    with put_back(ps):
        heights = np.array([[at(loss, ps, here + x * u + y * v) for x in a] for y in b])
        if not np.isfinite(heights).any():
            raise ValueError("landscape: the loss is finite nowhere on the plane, so there is nothing to see")
        on_path = None if along is None else np.array([at(loss, ps, point) for point in along])
        on_plane = None if along is None else np.array([at(loss, ps, here + x * u + y * v) for x, y in track])
    return Landscape(a, b, heights, track, explained, on_path, on_plane)


class Landscape:
    """The loss on a plane through parameters.

    Attributes
    ----------
    a, b : arrays of coordinates;  heights : array of shape (len(b), len(a)), the loss there
    track : array of shape (moments, 2), the path's coordinates on the plane, (0, 0) at its end
    explained : tuple of two, the parts of the path's variance along the directions; None without a path
    on_path, on_plane : arrays of shape (moments,), the loss on the path and on its shadow in the plane; None without
    """

    def __init__(self, a, b, heights, track, explained, on_path, on_plane):
        self.a, self.b, self.heights, self.track = a, b, heights, track
        self.explained, self.on_path, self.on_plane = explained, on_path, on_plane

    @property
    def gap(self) -> float:
        """The largest distance between the loss on the path and on its shadow in the plane; 0 without a path."""
        return 0.0 if self.on_path is None else float(np.max(np.abs(self.on_path - self.on_plane)))

    def __repr__(self):
        low, high = np.nanmin(self.heights), np.nanmax(self.heights)
        text = f"Landscape({len(self.b)} x {len(self.a)} points, loss {low:.4g} to {high:.4g}"
        if self.explained is not None:
            text += f"; {sum(self.explained):.1%} of the path's variance, gap between path and plane {self.gap:.3g}"
        return text + ")"

    def plot(self, ax: Any = None) -> Any:
        """Draw the contours, and the path on them, with matplotlib; return the Axes.

        >>> from matplotlib.figure import Figure
        >>> from minigrad import Tensor
        >>> W = Tensor([1.0, 2.0])
        >>> landscape(lambda: np.sum(W**2), W, points=5).plot(Figure().subplots()).get_xlabel()
        'along u'
        """
        ax = current_axes("landscape.heights has the numbers") if ax is None else ax
        ax.contour(self.a, self.b, levelled(self.heights), levels=15, cmap="viridis")
        ax.plot(*self.track.T, "-", color="#d55e00", marker=".", markersize=3)
        ax.plot(0, 0, "k*", markersize=9)
        parts = self.explained or (None, None)
        names = [f"along {n}" + (f" ({p:.0%} of the variance)" if p is not None else "") for n, p in zip("uv", parts)]
        ax.set(xlabel=names[0], ylabel=names[1], title="loss")
        return ax


def flat(ps):
    return np.concatenate([np.ravel(p.data).real.astype(float) for p in ps])


def at(loss, ps, point):
    """Return the loss with the parameters at a point."""
    end = 0
    for p in ps:
        start, end = end, end + p.size
        p.data[...] = point[start:end].reshape(p.shape)
    with np.errstate(all="ignore"):
        value = Held().during(loss)
    if np.shape(value) != ():
        raise TypeError(f"landscape: the loss must be one number, and is an array of shape {np.shape(value)}")
    return float(value)


@contextlib.contextmanager
def put_back(ps):
    kept = [p.data.copy() for p in ps]
    try:
        yield
    finally:
        for p, data in zip(ps, kept):
            p.data[...] = data


def as_rows(path, here):
    """Return the path as an array of shape (moments, numbers)."""
    rows = [np.concatenate([*map(np.ravel, m)]) if isinstance(m, (list, tuple)) else np.ravel(m) for m in path]
    if len(rows) < 3 or any(row.size != here.size or not np.isfinite(row).all() for row in rows):
        sizes = sorted({row.size for row in rows})
        raise ValueError(
            f"landscape: a path has three moments or more, each with the {here.size} finite numbers of the parameters; "
            f"got {len(rows)} of sizes {sizes}. In train_: cb=lambda: path.append([p.data.copy() for p in ps])"
        )
    return np.array(rows, float)


def random_directions(ps, here, seed):
    """Return two directions, of each parameter as long as the parameter."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(2):
        parts = [rng.normal(size=p.size) for p in ps]
        lengths = [np.linalg.norm(p.data) or 1.0 for p in ps]
        found.append(np.concatenate([d / (np.linalg.norm(d) or 1.0) * n for d, n in zip(parts, lengths)]))
    return found


def principal(path):
    """Return the two directions in which a path goes most, and the parts of its variance along them."""
    _, sizes, directions = np.linalg.svd(path - path.mean(axis=0), full_matrices=False)
    parts = sizes**2 / max(np.sum(sizes**2), np.finfo(float).tiny)
    signs = np.where(directions[np.arange(2), np.abs(directions[:2]).argmax(axis=1)] < 0, -1, 1)  # the same everywhere
    u, v = directions[:2] * signs[:, None]
    return u, v, (float(parts[0]), float(parts[1]))


def spread(c, points, reach):
    """Return coordinates that reach beyond those of the path."""
    low, high = min(c.min(), 0.0), max(c.max(), 0.0)
    edge = 0.3 * reach * ((high - low) or 1.0)
    return np.linspace(low - edge, high + edge, points)
