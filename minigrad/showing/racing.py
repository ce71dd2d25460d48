"""Optimisers on the same function from the same start: where they go, how far they come, at their best rates."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..core.gradient import withgradient
from ..doors import door
from ..optimise.apply import refuse_no_optimiser
from ..optimise.optimisers import ADAM, ADAGrad, Descent, Momentum, NADAM, Nesterov, RADAM, RMSProp
from ..optimise.update import update_
from ..schedules.plotting import current_axes
from ..shown import COLOURS, Shown
from ..training.rates import with_rate
from .page import Page
from .problems import PROBLEMS, Problem

RATES = tuple(float(f"{rate:.3g}") for rate in 10.0 ** np.arange(-4, 1.01, 0.25))  # the same for every rule
FAR = 1e8  # times f at the start: what has grown so far is lost


@door
def race(
    f: Any,
    start: Any = None,
    opts: Any = None,
    steps: int = 200,
    *,
    tune: bool = True,
    rates: Iterable[float] = RATES,
    tolerance: float = 1e-3,
    window: Any = None,
    seed: int = 0,
) -> Race:
    """Let optimisers race: each makes so many steps on the same function from the same start.

        x_0 = start,   x_t+1 = x_t - apply_(opt, x_t, df/dx(x_t))

    Parameters
    ----------
    f : function of a point, an array of two or more numbers, that returns one; the name of a problem, such as
        "rosenbrock" (``showing.PROBLEMS`` has them all); or a Problem
    start : array_like of two or more numbers; by default that of the problem
    opts : optimisers, rules of your own included, in a list or in a dict by name; by default eight of the manual's.
        They are copied: neither their state nor their rate changes
    steps : int >= 1
    tune : whether each rule's ``eta`` is chosen: that one of ``rates`` with which f is smallest after ``steps`` steps.
        **All rules have the same rates to choose from, and the same steps for each**; without it, comparisons of
        rules are comparisons of the rates that somebody happened to give them.  A rule without ``eta``, or whose
        ``eta`` a Scheduler sets, races as it is
    rates : numbers > 0 to choose from
    tolerance : float > 0: a rule has arrived when f is within this part of the way from f(start) to the smallest f
    window : ((left, right), (bottom, top)), what the picture shows
    seed : int, of the noise in a problem's gradient, which is the same for all

    Returns
    -------
    Race: its text is a table; ``paths``, ``values``, ``rates`` by name; ``plot()``, ``page()``

    Raises
    ------
    ValueError : if f is not finite at the start, which is not two or more finite numbers, or nobody is there to race
    TypeError : if f does not return one real number, or something in ``opts`` is no optimiser

    All take their gradients from one call, where f allows it (it then gives a number for each of several points).

    >>> race("ravine", opts={"steepest": Descent(), "heavy ball": Momentum()}, steps=100).winner
    'heavy ball'
    """
    problem, x0 = problem_of(f, start, window)
    names, made = named(opts)
    if not isinstance(steps, (int, np.integer)) or steps < 1:
        raise ValueError(f"race: steps must be a whole number, 1 or more, but is {steps!r}")
    f0, rates = value_at(problem.f, x0), checked_rates(rates)
    tried = [(name, at_rate(opt, r)) for name, opt in zip(names, made) for r in grid(rates if tune else [], opt)]
    paths, values = run(problem, x0, f0, [opt for _, opt in tried], steps, seed)
    places = {name: [i for i, (who, _) in enumerate(tried) if who == name] for name in names}
    best = {name: min(mine, key=lambda i: rank(values[i])) for name, mine in places.items()}
    return Race(
        problem,
        {name: paths[i] for name, i in best.items()},
        {name: values[i] for name, i in best.items()},
        {name: rate_of(tried[i][1]) for name, i in best.items()},
        tolerance,
    )


# ---------------------------------------------------------------------------------------------- what is raced
def problem_of(f, start, window):
    """Return the Problem and the start as an array."""
    if isinstance(f, str):
        if f not in PROBLEMS:
            raise ValueError(f"race: there is no problem {f!r}; there are {', '.join(PROBLEMS)}, or give a function")
        f = PROBLEMS[f]
    if not isinstance(f, Problem):
        if not callable(f):
            raise TypeError(f"race: f must be a function of a point, or a problem's name; got a {type(f).__name__}")
        if start is None:
            raise ValueError("race: a function of your own needs a start: race(f, [1.0, 2.0], opts)")
        f = Problem(getattr(f, "__name__", "f"), f, ())
    try:
        x0 = np.array(f.start if start is None else start, float)
    except (TypeError, ValueError):
        raise ValueError(
            f"race: the start must be numbers, all competitors have the same; got {start!r}. These are opts=[ADAM()]"
        ) from None
    if x0.ndim != 1 or x0.size < 2 or not np.isfinite(x0).all():
        raise ValueError(
            f"race: the start must be a list of two or more finite numbers, the same for all; got {start!r}"
        )
    if f.start and len(f.start) != x0.size:
        raise ValueError(f"race: {f.name} is a function of {len(f.start)} numbers, and the start has {x0.size}")
    if window is not None:
        f = Problem(f.name, f.f, f.start, f.minima, checked_window(window), f.noise)
    return f, x0


def checked_window(window):
    try:
        (left, right), (bottom, top) = ((float(low), float(high)) for low, high in window)
    except (TypeError, ValueError):
        left = right = bottom = top = math.nan
    if not (-math.inf < left < right < math.inf and -math.inf < bottom < top < math.inf):
        raise ValueError(f"race: the window is ((left, right), (bottom, top)), of some length; got {window!r}")
    return (left, right), (bottom, top)


def named(opts):
    """Return names and optimisers; equal names get a number."""
    opts = [Descent(), Momentum(), Nesterov(), RMSProp(), ADAGrad(), ADAM(), RADAM(), NADAM()] if opts is None else opts
    if isinstance(opts, Mapping):
        names, made = [str(name) for name in opts], list(opts.values())
    else:
        made = list(opts) if isinstance(opts, (list, tuple)) else [opts]
        names = [type(o).__name__ for o in made]
        names = [n if names.count(n) == 1 else f"{n} {names[: i + 1].count(n)}" for i, n in enumerate(names)]
    if not made:
        raise ValueError("race: there is nobody to race; give optimisers: race(f, start, [Descent(), ADAM()])")
    for opt in made:
        refuse_no_optimiser(opt, "race")
    return names, made


def at_rate(opt, rate):
    """Return a fresh copy of an optimiser, with another rate if one is given."""
    opt = copy.deepcopy(opt)
    if rate is not None:
        with_rate(opt).eta = rate
    return opt


def rate_of(opt):
    part = with_rate(opt)
    return None if part is None else part.eta


def grid(rates, opt):
    """Return the rates that an optimiser tries: None for its own."""
    return rates if rates and with_rate(opt) is not None else [None]


def checked_rates(rates):
    rates = [float(rate) for rate in rates]
    if not rates or not all(0 < rate < math.inf for rate in rates):
        raise ValueError(f"race: rates are numbers > 0, one or more; got {rates}")
    return rates


def value_at(f, x):
    try:
        y = f(x)
    except TypeError as error:
        error.args = (f"{error}. race calls f with a point, an array: lambda p: p[0] ** 2 + p[1] ** 2",)
        raise
    if np.shape(y) != () or np.asarray(y).dtype.kind not in "fiu":
        raise TypeError(f"race: f must return one real number for a point, but returned {y!r}")
    if not np.isfinite(y):
        raise ValueError(f"race: f is {float(y)} at the start {x.tolist()}; nobody could make a step there")
    return float(y)


# -------------------------------------------------------------------------------------------------- the race
def run(problem, x0, f0, opts, steps, seed):
    """Return the paths, of shape (competitors, steps + 1, n), and f along them."""
    points = np.tile(x0, (len(opts), 1))
    gradients = gradients_of(problem.f, points)
    noise = np.random.default_rng(seed).normal(scale=problem.noise, size=(steps, x0.size)) if problem.noise else None
    paths, values = np.empty((len(opts), steps + 1, x0.size)), np.empty((len(opts), steps + 1))
    rows = list(points)
    lost = np.zeros(len(opts), bool)
    with np.errstate(all="ignore"):
        for t in range(steps + 1):
            y, slopes = gradients(points)
            paths[:, t], values[:, t] = points, y
            lost |= ~(np.abs(y) <= FAR * max(1.0, abs(f0))) | ~np.isfinite(slopes).all(axis=1)
            if t < steps:
                slopes = slopes if noise is None else slopes + noise[t]
                for i in np.flatnonzero(~lost):
                    update_(opts[i], rows[i], slopes[i])
    return paths, values


def gradients_of(f, points):
    """Return the function from points to the values and gradients of f there, by one call of f if f allows it."""

    def at_once(points):
        (_, y), (slopes,) = withgradient(lambda x: (np.sum(y := f(x)), y), points.T)
        return np.asarray(y), np.ascontiguousarray(np.asarray(slopes).T)  # strided rows would be copied by each step

    def one_by_one(points):
        found = [withgradient(f, x) for x in points]
        flat = np.zeros(points.shape[1])
        return np.array([y for y, _ in found]), np.array([flat if g is None else g for _, (g,) in found])

    apart = points * (1 + 0.01 * np.arange(len(points)))[:, None] + 0.001  # so that mixing them would show
    try:
        values, slopes = at_once(apart)
        expected, slopes_expected = one_by_one(apart)
        alike = values.shape == expected.shape and np.allclose(values, expected, rtol=1e-12, atol=1e-300)
        if alike and np.allclose(slopes, slopes_expected, rtol=1e-10, atol=1e-300):
            return at_once
    except Exception:  # f is for one point alone
        pass
    return one_by_one


def rank(values):
    """Return what orders competitors: those that ended, by f at the end, before those that are lost."""
    return values[-1] if np.isfinite(values).all() and values[-1] <= values[0] else math.inf


# ------------------------------------------------------------------------------------------------ the result
class Race(Shown):
    """How a race went; its text is a table.

    Attributes
    ----------
    problem : Problem
    paths : dict from names to arrays of shape (steps + 1, n), the points
    values : dict from names to arrays of shape (steps + 1,), f there
    rates : dict from names to the rate chosen, None for a rule without one

    >>> Race(PROBLEMS["saddle"], {"a": np.zeros((2, 2))}, {"a": np.array([1.0, 0.5])}, {"a": 0.1}).winner
    'a'
    """

    def __init__(self, problem, paths, values, rates, tolerance=1e-3):
        self.problem, self.paths, self.values, self.rates, self.tolerance = problem, paths, values, rates, tolerance

    @property
    def winner(self) -> str:
        """The name of the competitor with the smallest f at the end."""
        return min(self.values, key=lambda name: rank(self.values[name]))

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the table: (name, rate, f at the end, distance to the nearest minimum or None, steps until f has
        arrived or None, whether it diverged), the best first."""
        values = np.array(list(self.values.values()))
        least = min([self.problem.f(np.array(m, float)) for m in self.problem.minima] or [np.nanmin(values)])
        found = []
        for name in sorted(self.values, key=lambda name: rank(self.values[name])):
            y, end = self.values[name], self.paths[name][-1]
            there = np.flatnonzero(y - least <= self.tolerance * (y[0] - least)).tolist()
            distance = min((float(np.linalg.norm(end - m)) for m in self.problem.minima), default=None)
            arrived, diverged = there[0] if there else None, not math.isfinite(rank(y))
            found.append((name, self.rates[name], float(y[-1]), distance, arrived, diverged))
        return found

    def __repr__(self):
        steps = len(next(iter(self.values.values()))) - 1
        row = "{:24} {:>9} {:>11} {:>10} {:>8}".format
        lines = [f"{self.problem.name}, {steps} steps", row("", "rate", "f at end", "distance", "arrived")]
        for name, rate, y, distance, arrived, diverged in self.rows():
            shown = ["-" if number is None else f"{number:.4g}" for number in (rate, y, distance, arrived)]
            lines.append(row(name, *shown) + "  diverged" * diverged)
        return "\n".join(lines)

    # --------------------------------------------------------------------------------------------- pictures
    def window(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return ((left, right), (bottom, top)): the problem's, or what holds all paths that did not diverge."""
        if self.problem.window is not None:
            return self.problem.window
        kept = [p[:, :2] for name, p in self.paths.items() if math.isfinite(rank(self.values[name]))]
        points = np.concatenate(kept or [p[:1, :2] for p in self.paths.values()])
        low, high = points.min(axis=0), points.max(axis=0)
        edge = np.where(high > low, 0.15 * (high - low), 1.0)
        return tuple(zip((low - edge).tolist(), (high + edge).tolist()))

    def heights(self, n: int = 80) -> np.ndarray:
        """Return f on an n x n grid over the window, rows from bottom to top; further coordinates are the start's."""
        (left, right), (bottom, top) = self.window()
        rest = next(iter(self.paths.values()))[0, 2:]
        f, grid = self.problem.f, np.empty((n, n))
        with np.errstate(all="ignore"):
            for i, y in enumerate(np.linspace(bottom, top, n)):
                for j, x in enumerate(np.linspace(left, right, n)):
                    grid[i, j] = f(np.array([x, y, *rest]))
        return grid

    def plot(self, ax: Any = None) -> Any:
        """Draw the paths over the contours of f, with matplotlib; return the Axes.

        >>> from matplotlib.figure import Figure
        >>> race("saddle", steps=20).plot(Figure().subplots()).get_title()
        'saddle'
        """
        (left, right), (bottom, top) = self.window()
        ax = current_axes("print(race) is a table, and race.page() an animation") if ax is None else ax
        grid = self.heights()
        x, y = np.linspace(left, right, len(grid)), np.linspace(bottom, top, len(grid))
        ax.contour(x, y, levelled(grid), levels=15, colors="0.75", linewidths=0.8)
        for i, (name, path) in enumerate(self.paths.items()):
            inside = clipped(path[:, :2], self.window())
            look = {"color": COLOURS[i % len(COLOURS)], "marker": ".", "markersize": 3, "linewidth": 1.2}
            ax.plot(*inside.T, "-" if i < len(COLOURS) else "--", label=name, **look)
        for m in self.problem.minima:
            ax.plot(*m[:2], "k*", markersize=9)
        ax.set(xlim=(left, right), ylim=(bottom, top), title=self.problem.name, xlabel="x", ylabel="y")
        ax.legend(fontsize="small")
        return ax

    def page(self) -> Page:
        """Return the race as an animation: play, pause, speed, one colour a competitor, a table that moves along."""
        grid = levelled(self.heights(60))
        data = {
            "window": self.window(),
            "heights": [[None if not math.isfinite(h) else round(h, 3) for h in row] for row in grid.tolist()],
            "minima": [m[:2] for m in self.problem.minima],
            "names": list(self.paths),
            "rates": ["" if r is None else f"{r:.3g}" for r in self.rates.values()],
            "colours": [COLOURS[i % len(COLOURS)] for i in range(len(self.paths))],
            "paths": [short(clipped(p[:, :2], self.window(), 50)) for p in self.paths.values()],
            "values": [short(np.nan_to_num(v, nan=1e300, posinf=1e300, neginf=-1e300)) for v in self.values.values()],
        }
        return Page(f"Race: {self.problem.name}", "race", data)


def levelled(grid):
    """Return heights so that contours at even distances show the bottom of a steep valley: as a fourth root."""
    low = np.nanmin(np.where(np.isfinite(grid), grid, np.nan))
    return (grid - low) ** 0.25


def clipped(path, window, times=1.0):
    """Return a path with what is far outside of the window moved to its surroundings."""
    (left, right), (bottom, top) = window
    wide = np.array([right - left, top - bottom]) * times
    low, high = np.array([left, bottom]) - wide, np.array([right, top]) + wide
    return np.clip(np.nan_to_num(path, nan=1e300, posinf=1e300), low, high)


def short(numbers):
    """Return numbers as lists, with as many digits as a page needs."""
    return [float(f"{x:.5g}") for x in numbers] if numbers.ndim == 1 else [short(row) for row in numbers]
