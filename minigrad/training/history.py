"""What a training was: the losses of its steps, and of every epoch what was judged by and how long it took."""

from __future__ import annotations

import csv
import inspect
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.tensor import Tensor
from ..core.trees import leaves
from ..doors import warn
from ..moving import Held, settle_
from ..optimise.swapping import judged
from ..schedules.plotting import current_axes
from .callbacks import rate_of
from .checks import refuse_arguments
from .evaluation import StopTraining, arguments_of


@dataclass(frozen=True)
class Epoch:
    """One epoch of a training.

    Attributes
    ----------
    epoch, steps : int, its number from 1, and how many steps were made in it
    loss : float, the mean loss of its steps; NaN if all were left out
    validation : float, the loss of the validation's data after it; None without any
    metrics : dict from names to floats
    rate : float, the optimiser's ``eta`` after it; None if it has none
    seconds : float, how long its steps took

    >>> Epoch(1, 10, 0.5, None, {}, 0.001, 2.0).loss
    0.5
    """

    epoch: int
    steps: int
    loss: float
    validation: float | None
    metrics: dict[str, float]
    rate: float | None
    seconds: float


NAMES = {*Epoch.__dataclass_fields__}


class History(list):
    """The losses of the steps of a training, a list of floats; and more.

    Attributes
    ----------
    epochs : list of Epoch, those that were gone through to the end

    ``plot()`` draws it, ``to_csv(path)`` writes a line for every epoch, ``rows()`` returns these lines.

    >>> history = History([2.0, 1.0]); history == [2.0, 1.0], history.epochs
    (True, [])
    """

    def __init__(self, losses: Any = ()) -> None:
        super().__init__(losses)
        self.epochs: list[Epoch] = []

    def rows(self) -> list[dict[str, Any]]:
        """Return a dict for every epoch, as ``to_csv`` writes them."""
        plain = ({**vars(e), **e.metrics} for e in self.epochs)
        return [{name: value for name, value in row.items() if name != "metrics"} for row in plain]

    def to_csv(self, path: Any) -> None:
        """Write a line for every epoch: epoch, steps, loss, validation, rate, seconds, and the metrics by name.

        Raises OSError if the file cannot be written.
        """
        rows = self.rows()
        names = list(rows[0]) if rows else ["epoch", "steps", "loss", "validation", "rate", "seconds"]
        with open(Path(path), "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)

    def plot(self, ax: Any = None) -> Any:
        """Draw the loss of every step, and the validation's after every epoch, with matplotlib; return the Axes.

        Raises ValueError if no step was made, ImportError without matplotlib.

        >>> from matplotlib.figure import Figure
        >>> History([2.0, 1.0]).plot(Figure().subplots()).get_xlabel()
        'step'
        """
        if not self:
            raise ValueError("History.plot: there is nothing to draw: no step has been made. train_ returns a History")
        ax = current_axes("history.to_csv(path) writes the numbers") if ax is None else ax
        ax.plot(np.arange(1, len(self) + 1), self, color="#0072b2", linewidth=0.8, label="loss")
        if any(e.validation is not None for e in self.epochs):
            ends = np.cumsum([e.steps for e in self.epochs])
            ax.plot(ends, [e.validation for e in self.epochs], "o-", color="#d55e00", markersize=3, label="validation")
        if min(self) > 0 and max(self) > 20 * min(self):
            ax.set_yscale("log")
        ax.set(xlabel="step", ylabel="loss")
        ax.legend(fontsize="small")
        return ax


class Validation:
    """What is judged after every epoch, and the parameters that were judged best."""

    def __init__(self, ps, opt, validation, metrics, best, of_first):
        if metrics is not None and not (isinstance(metrics, dict) and all(map(callable, metrics.values()))):
            raise TypeError("train_: metrics is a dict from names to functions, as in {'accuracy': accuracy}")
        if taken := NAMES & {*(metrics or ())}:
            raise ValueError(f"train_: a metric needs another name than {min(taken)!r}, which the history has already")
        if validation is None and best:
            raise ValueError("train_: best=True needs validation=(loss, data), by which parameters are judged")
        self.ps, self.opt, self.metrics, self.keep = ps, opt, metrics or {}, best
        self.loss, self.data = loss_and_data(validation)
        self.smallest, self.kept, self.statistics = math.inf, [], {}
        self.of_first = of_first  # what rank 0 has: all processes of a group keep the same epoch

    def after(self, epoch, losses, seconds):
        """Return what is known after an epoch."""
        with judged(self.opt, self.ps):
            validation = None if self.loss is None else self.mean("validation", self.loss)
            metrics = {name: self.mean(f"metrics[{name!r}]", f) for name, f in self.metrics.items()}
            if self.keep and (validation := self.of_first(validation)) < self.smallest:
                self.smallest, self.kept = validation, [(x, x.copy()) for x in self.arrays()]
        mean = float(np.mean(losses)) if losses else math.nan
        return Epoch(epoch, len(losses), mean, validation, metrics, rate_of(self.opt), seconds)

    def mean(self, what, f):
        """Return the mean of a function over the rows of the data; NaN, and a warning, if it fails."""
        try:
            if f is not self.loss and not takes_something(f):
                return number(Held().during(f))
            if self.data is None:
                raise TypeError("it takes a datum, and there is no validation=(loss, data) that has some")
            total = count = 0
            for datum in self.data:
                rows = rows_of(datum)
                total, count = total + rows * number(Held().during(f, *arguments_of(datum))), count + rows
            if not count:
                raise ValueError("the validation's data are empty")
            return total / count
        except StopTraining:
            raise
        except Exception as error:
            warn(f"train_: {what} failed and is NaN in the history: {type(error).__name__}: {error}", RuntimeWarning)
            return math.nan

    def settle_(self, held):
        """Let running statistics move, and remember them: they belong to the parameters."""
        settle_(held)
        self.statistics.update({id(running): running for running, *_ in held})

    def arrays(self):
        return [*[p.data for p in self.ps], *[x for r in self.statistics.values() for x in (r.mean, r.var)]]

    def put_best(self):
        """Overwrite the parameters, and running statistics, with those that were judged best."""
        for x, kept in self.kept:
            x[...] = kept


def loss_and_data(validation):
    """Return the two, checked; (None, None) without a validation."""
    if validation is None:
        return None, None
    if not (isinstance(validation, tuple) and len(validation) == 2 and callable(validation[0])):
        raise TypeError("train_: validation is a tuple of a loss and the data to judge by: validation=(loss, [(x, y)])")
    loss, data = validation
    if isinstance(data, Iterator):
        raise ValueError(
            f"train_: the validation's data are a {type(data).__name__}, which is used up after one epoch. Give a "
            "list, as in validation=(loss, [(x, y)]), or a DataLoader"
        )
    if not isinstance(data, Iterable):
        raise TypeError(f"train_: the validation's data are something to loop over; got a {type(data).__name__}")
    if hasattr(data, "__len__") and len(data) == 0:
        raise ValueError("train_: the validation's data are empty; there is nothing to judge by")
    if isinstance(data, (list, tuple)):
        refuse_arguments(loss, arguments_of(data[0]), "validation")
    return loss, data


def takes_something(f: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(f).parameters.values()
    except ValueError:  # a function written in C that does not tell
        return True
    return any(p.kind is not p.KEYWORD_ONLY and p.default is p.empty for p in parameters)


def number(x):
    x = x[0] if isinstance(x, tuple) else x
    x = x.data if type(x) is Tensor else x
    if np.shape(x) != ():
        raise TypeError(f"it returned an array of shape {np.shape(x)}, and one number is wanted")
    return float(x)


def rows_of(datum):
    """Return how many rows a datum has: the length of its first array, 1 for numbers."""
    shapes = [np.shape(x) for x in leaves(datum)]
    return shapes[0][0] if shapes and shapes[0] else 1
