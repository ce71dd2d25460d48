"""How good a model is: accuracy, the table of confusion, top-k, R squared.  Numbers, not losses: without gradients.

Classes are integers from 0, or rows with one number per class, of which the largest counts: one-hot rows,
probabilities, scores.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .core.tensor import Tensor
from .doors import door
from .hints import chapter

__all__ = ["accuracy", "confusion", "r2", "topk"]


@door
def accuracy(predicted: Any, actual: Any) -> float:
    """Return the part of the rows whose class is predicted rightly, from 0 to 1.

    Parameters
    ----------
    predicted, actual : arrays of n classes, or of shape (n, classes)

    Raises ValueError if there are no rows or not as many in both.

    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), [1, 1])
    0.5
    """
    predicted, actual = classes("accuracy", predicted, actual)
    return float(np.mean(predicted == actual))


@door
def confusion(predicted: Any, actual: Any, n: int | None = None) -> Confusion:
    """Return how often each class (row) was taken for each (column).

    Parameters
    ----------
    predicted, actual : as for ``accuracy``
    n : int, how many classes there are; by default as many as appear

    Returns
    -------
    Confusion, an integer ndarray of shape (n, n) whose text is a table

    Raises ValueError if there are no rows, not as many in both, or a class is not below n.

    >>> confusion([0, 1, 1], [0, 1, 0], 2).tolist()
    [[1, 1], [0, 1]]
    """
    predicted, actual = classes("confusion", predicted, actual)
    most = 1 + int(max(predicted.max(), actual.max()))
    n = most if n is None else n
    if most > n:
        raise ValueError(f"confusion: there is a class {most - 1}, and {n} classes are 0 to {n - 1}")
    table = np.zeros((n, n), int).view(Confusion)
    np.add.at(table, (actual, predicted), 1)
    return table


class Confusion(np.ndarray):
    """A table of how often each class (row) was taken for each (column); ``print`` shows it."""

    def __str__(self):
        if self.ndim != 2:
            return np.ndarray.__str__(np.asarray(self))
        lines = ["  class | taken for" + "".join(f"{j:>5}" for j in range(self.shape[1]))]
        for i, row in enumerate(self.tolist()):
            lines.append(f"  {i:>5} |          " + "".join(f"{count or '.':>5}" for count in row))
        return "\n".join(lines)


@door
def topk(scores: Any, actual: Any, k: int = 5) -> float:
    """Return the part of the rows whose class is among the k with the largest scores.

    Parameters
    ----------
    scores : array of shape (n, classes)
    actual : n classes, or one-hot rows
    k : int from 1 to the number of classes; of equal scores the first count

    Raises ValueError for another k, or shapes that do not fit.

    >>> topk(np.array([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]]), [1, 0], 2)
    0.5
    """
    scores = bare(scores)
    if scores.ndim != 2 or not 1 <= k <= scores.shape[1]:
        raise ValueError(f"topk: scores have shape (n, classes) and k is at most that many; got {scores.shape}, {k!r}")
    _, actual = classes("topk", scores, actual)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float(np.mean((best == actual[:, None]).any(axis=1)))


@door
def r2(predicted: Any, actual: Any) -> float:
    """Return the coefficient of determination: 1 for a perfect prediction, 0 for one as good as the mean.

        1 - sum (y - y_hat)^2 / sum (y - mean y)^2

    Parameters
    ----------
    predicted, actual : arrays of one shape

    Raises ValueError if the shapes differ, or all actual numbers are equal.

    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.7857...
    """
    predicted, actual = bare(predicted), bare(actual)
    if predicted.shape != actual.shape:
        raise ValueError(f"r2: the shapes differ: {predicted.shape} predicted, {actual.shape} actual")
    spread = np.sum((actual - np.mean(actual)) ** 2) if actual.size else 0.0
    if not spread:
        raise ValueError("r2: the actual numbers are all equal, or there are none, so there is nothing to explain")
    return float(1 - np.sum((actual - predicted) ** 2) / spread)


def bare(x):
    return x.data if type(x) is Tensor else np.asarray(x)


def classes(who, *given):
    """Return the classes of rows, predicted and actual, as two arrays of integers."""
    found = [np.argmax(x, axis=1) if x.ndim == 2 and x.shape[1] > 1 else x.ravel() for x in map(bare, given)]
    predicted, actual = found
    if predicted.shape != actual.shape or not actual.size:
        shapes = [np.shape(x) for x in given]
        raise ValueError(f"{who}: one class for each row, and one row at least; got shapes {shapes}")
    if any(x.dtype.kind not in "biu" and np.any(x != np.floor(x)) or np.any(x < 0) for x in found):
        raise ValueError(f"{who}: classes are whole numbers from 0, or rows with a number for each class")
    return predicted.astype(np.intp), actual.astype(np.intp)


chapter(__name__)
