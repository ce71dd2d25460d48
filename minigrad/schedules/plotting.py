"""Pictures of schedules, for those who have matplotlib."""

from typing import Any

import numpy as np

from ..fields import count
from ..shown import COLOURS
from .base import Schedule, any_schedule, shown, span, values


def plot(schedule: Any, steps: int | None = None, ax: Any = None, **line: Any) -> Any:
    """Draw a schedule, value against step, with matplotlib.

    Parameters
    ----------
    schedule : schedule, function or number
    steps : int >= 1      how many steps to draw; unless given, a whole finite schedule or a few periods
    ax : matplotlib Axes  where to draw; unless given, the current one
    **line : what ``Axes.plot`` takes (color, label, ...)

    Returns the Axes.  Raises ImportError without matplotlib; ``print(schedule)`` needs none.

    >>> from matplotlib.figure import Figure
    >>> from minigrad.schedules import Exp
    >>> plot(Exp(start=1, decay=0.9), 20, Figure().subplots()).get_title()
    'Exp(start=1.0, decay=0.9)'
    """
    schedule = any_schedule(schedule, "plot: schedule")
    t = np.arange(1, 1 + (span(schedule) if steps is None else count(steps, "plot: steps")))
    ax = current_axes("print(schedule) draws a line of text") if ax is None else ax
    look = {"drawstyle": "steps-mid", "color": COLOURS[len(ax.lines) % len(COLOURS)]}
    ax.plot(t, values(schedule, t.astype(float)), **{**look, **line})
    ax.set(xlabel="t", title=shown(schedule))
    return ax


Schedule.plot = plot  # ``Cos(0.1, 0.01, 100).plot()``


def current_axes(without):
    """What matplotlib draws on at present; if it is not installed, an error that says what there is ``without`` it."""
    try:
        from matplotlib import pyplot
    except ImportError as missing:
        need = "plot draws with matplotlib, which is not installed: python -m pip install matplotlib"
        raise ImportError(f"{need}; {without} without it") from missing
    return pyplot.gca()
