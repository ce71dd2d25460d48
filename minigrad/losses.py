"""Losses: how far an answer ``yhat`` is from the truth ``y``, as one number.

The names and formulas are those of ``Flux.Losses`` (Flux 0.13).  Arrays are batch first, as NumPy's
users expect: shape (batch, ...), and where there are classes these are the last axis.  Every loss
takes ``agg``, which makes one number out of the losses of the elements (of the rows, where there
are classes): ``np.mean``, ``np.sum``, any function, or ``lambda l: np.mean(weights * l)``.

    classes, one of several      logitcrossentropy (scores), crossentropy (probabilities), kldivergence
    yes or no                    logitbinarycrossentropy (score), binarycrossentropy (probability), hinge_loss
    numbers                      mse, mae, huber_loss
    counts                       poisson_loss
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from .arrays import as_numbers
from .core.tensor import Tensor
from .derivatives.compound import (
    logsoftmax,
    mean_softmax_crossentropy,
    mean_squared_error,
    relu,
    sigmoid_crossentropy,
    xlogx,
    xlogy,
)
from .doors import unknown_keyword
from .fields import readable
from .hints import chapter

# fmt: off
__all__ = [
    "binarycrossentropy", "crossentropy", "hinge_loss", "huber_loss", "kldivergence", "label_smoothing",
    "logitbinarycrossentropy", "logitcrossentropy", "mae", "mse", "poisson_loss",
]
# fmt: on

ARRAYS = frozenset({Tensor, np.ndarray})


# ------------------------------------------------------------------------------------------- numbers
@readable
def mse(yhat: Any, y: Any, *, agg: Callable[..., Any] = np.mean, **others: NoReturn) -> Any:
    """Return the mean squared error: ``agg(abs(yhat - y)**2)``.

    Parameters
    ----------
    yhat : array of real or complex numbers, any shape
    y : array of the same shape, or a number
    agg : function from the array of losses to the result

    Raises ValueError if the shapes differ.

    Source: Flux 0.13 ``mse``.

    >>> float(mse(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    """
    yhat, y = matched("mse", others, yhat, y)
    if agg is np.mean:
        return mean_squared_error(yhat, y)
    d = floating(yhat) - y
    return agg((d * d.conjugate()).real)  # not np.abs(d)**2: abs has a tip at 0


@readable
def mae(yhat: Any, y: Any, *, agg: Callable[..., Any] = np.mean, **others: NoReturn) -> Any:
    """Return the mean absolute error: ``agg(abs(yhat - y))``.

    Parameters
    ----------
    yhat : array of real or complex numbers, any shape
    y : array of the same shape, or a number
    agg : function from the array of losses to the result

    Raises ValueError if the shapes differ.

    Notes
    -----
    The derivative where ``yhat`` equals ``y`` is 0.

    Source: Flux 0.13 ``mae``.

    >>> float(mae(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    1.0
    """
    yhat, y = matched("mae", others, yhat, y)
    return agg(np.abs(floating(yhat) - y))


@readable
def huber_loss(yhat: Any, y: Any, *, delta: float = 1.0, agg: Callable[..., Any] = np.mean, **others: NoReturn) -> Any:
    """Return a loss that is square for small errors and straight for large ones.

        e = abs(yhat - y);   agg(e**2 / 2 where e < delta, else delta * (e - delta / 2))

    Parameters
    ----------
    yhat : array of real numbers, any shape
    y : array of the same shape, or a number
    delta : float > 0, in the units of y: where an error becomes large
    agg : function from the array of losses to the result

    Raises ValueError if the shapes differ.

    Source: Huber 1964; Flux 0.13 ``huber_loss``.

    >>> float(huber_loss(np.array([0.0, 0.0]), np.array([1.0, 3.0]), agg=np.sum))
    3.0
    """
    yhat, y = matched("huber_loss", others, yhat, y)
    d = floating(yhat) - y
    e = np.abs(d)
    return agg(np.where(e < delta, d * d * 0.5, delta * (e - 0.5 * delta)))


# ------------------------------------------------------------------------------------------- classes
@readable
def logitcrossentropy(
    yhat: Any, y: Any, *, axis: int = -1, agg: Callable[..., Any] = np.mean, **others: NoReturn
) -> Any:
    """Return the cross entropy of scores: ``agg(-sum(y * logsoftmax(yhat), axis))``.

    The same as ``crossentropy(softmax(yhat), y)`` and exact for every score: this is the one to train
    with.

    Parameters
    ----------
    yhat : array of real numbers, shape (batch, classes): scores, also called logits, of any size
    y : array of the same shape: probabilities, e.g. ``onehot(labels, classes)``
    axis : int, the axis of the classes
    agg : function from the array of losses, shape (batch,), to the result

    Raises ValueError if the shapes differ.

    Differs from Flux: the classes are the last axis, not the first.

    Source: Flux 0.13 ``logitcrossentropy``.

    >>> scores, truth = np.array([[0.0, 0.0], [1000.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> logitcrossentropy(scores, truth, agg=lambda losses: losses)
    array([6.93147181e-01, 1.00000000e+03])
    """
    yhat, y = matched("logitcrossentropy", others, yhat, y, axis)
    if agg is np.mean and axis == -1:
        return mean_softmax_crossentropy(yhat, y)[0]
    return agg(-np.sum(y * logsoftmax(yhat, axis), axis))


@readable
def crossentropy(
    yhat: Any,
    y: Any,
    *,
    axis: int = -1,
    agg: Callable[..., Any] = np.mean,
    epsilon: float | None = None,
    **others: NoReturn,
) -> Any:
    """Return the cross entropy of probabilities: ``agg(-sum(y * log(yhat + epsilon), axis))``.

    Parameters
    ----------
    yhat : array of probabilities, shape (batch, classes), that sum to 1 along the classes
    y : array of the same shape: probabilities, e.g. ``onehot(labels, classes)``
    axis : int, the axis of the classes
    agg : function from the array of losses, shape (batch,), to the result
    epsilon : float >= 0, keeps the logarithm of 0 finite; by default the rounding error of yhat's dtype

    Raises ValueError if the shapes differ.

    Notes
    -----
    A term with y = 0 is 0, also where ``yhat`` is 0.  For scores use ``logitcrossentropy``.

    Differs from Flux: the classes are the last axis, not the first; the gradient is finite at
    yhat = y = 0 also with epsilon = 0.

    Source: Flux 0.13 ``crossentropy``.

    >>> float(crossentropy(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])))
    0.69314718
    """
    yhat, y = matched("crossentropy", others, yhat, y, axis)
    return agg(-np.sum(xlogy(y, yhat + epsilon_for(yhat, epsilon)), axis))


@readable
def kldivergence(
    yhat: Any,
    y: Any,
    *,
    axis: int = -1,
    agg: Callable[..., Any] = np.mean,
    epsilon: float | None = None,
    **others: NoReturn,
) -> Any:
    """Return the Kullback-Leibler divergence: ``agg(sum(y * log(y), axis)) + crossentropy(yhat, y)``.

    Parameters
    ----------
    yhat : array of probabilities, shape (batch, classes)
    y : array of the same shape: probabilities
    axis : int, the axis of the classes
    agg : function from the array of losses, shape (batch,), to the result
    epsilon : float >= 0, keeps the logarithm of 0 finite; by default the rounding error of yhat's dtype

    Raises ValueError if the shapes differ.

    Differs from Flux: the classes are the last axis, not the first.

    Source: Kullback and Leibler 1951; Flux 0.13 ``kldivergence``.

    >>> p = np.array([[0.25, 0.75], [1.0, 0.0]])
    >>> abs(float(kldivergence(p, p))) < 1e-12
    True
    """
    yhat, y = matched("kldivergence", others, yhat, y, axis)
    return agg(np.sum(xlogx(y), axis)) + crossentropy(yhat, y, axis=axis, agg=agg, epsilon=epsilon)


def label_smoothing(y: Any, alpha: float, *, axis: int = -1) -> Any:
    """Return labels that are a little less sure: ``y * (1 - alpha) + alpha / classes``.

    Parameters
    ----------
    y : array of probabilities, shape (batch, classes), e.g. ``onehot(labels, classes)``; or of zeros
        and ones of any shape, if axis is None
    alpha : float in (0, 1), the part of the probability that is spread evenly
    axis : int, the axis of the classes; None for two classes, yes and no, in one number

    Raises ValueError if alpha is not between 0 and 1.

    Differs from Flux: the classes are the last axis, not the first; None there is ``dims = 0``.

    Source: Szegedy et al. 2015, arXiv:1512.00567; Flux 0.13 ``label_smoothing``.

    >>> label_smoothing(np.array([[0.0, 1.0]]), 0.2)
    array([[0.1, 0.9]])
    """
    if not 0 < alpha < 1:
        raise ValueError(f"label_smoothing: alpha must be between 0 and 1, both excluded; got {alpha!r}")
    y = as_numbers(y, "label_smoothing: y")
    if axis is not None and not isinstance(y, (int, float)) and y.dtype.kind in "iu" and np.any(y > 1):
        raise ValueError("label_smoothing: y holds labels, not probabilities: write data.onehot(y, classes)")
    classes = 2 if axis is None else y.shape[axis]
    return y * (1 - alpha) + alpha / classes


# ----------------------------------------------------------------------------------------- yes or no
@readable
def logitbinarycrossentropy(yhat: Any, y: Any, *, agg: Callable[..., Any] = np.mean, **others: NoReturn) -> Any:
    """Return the cross entropy of yes-or-no scores: ``agg((1 - y) * yhat - log(sigmoid(yhat)))``.

    The same as ``binarycrossentropy(sigmoid(yhat), y)`` and exact for every score: this is the one to
    train with.

    Parameters
    ----------
    yhat : array of real numbers, any shape: scores, of any size
    y : array of the same shape, or a number: 1 for yes, 0 for no, or a probability
    agg : function from the array of losses to the result

    Raises ValueError if the shapes differ.

    Source: Flux 0.13 ``logitbinarycrossentropy``.

    >>> logitbinarycrossentropy(np.array([0.0, -1000.0]), np.array([1.0, 1.0]), agg=lambda losses: losses)
    array([6.93147181e-01, 1.00000000e+03])
    """
    yhat, y = matched("logitbinarycrossentropy", others, yhat, y)
    return agg(sigmoid_crossentropy(yhat, y))


@readable
def binarycrossentropy(
    yhat: Any,
    y: Any,
    *,
    agg: Callable[..., Any] = np.mean,
    epsilon: float | None = None,
    **others: NoReturn,
) -> Any:
    """Return the cross entropy of probabilities of yes.

        agg(-y * log(yhat + epsilon) - (1 - y) * log(1 - yhat + epsilon))

    Parameters
    ----------
    yhat : array of probabilities, any shape
    y : array of the same shape, or a number: 1 for yes, 0 for no, or a probability
    agg : function from the array of losses to the result
    epsilon : float >= 0, keeps the logarithm of 0 finite; by default the rounding error of yhat's dtype

    Raises ValueError if the shapes differ.

    Notes
    -----
    For scores use ``logitbinarycrossentropy``.

    Source: Flux 0.13 ``binarycrossentropy``.

    >>> float(binarycrossentropy(np.array([0.5, 0.5]), np.array([1.0, 0.0])))
    0.69314718
    """
    yhat, y = matched("binarycrossentropy", others, yhat, y)
    epsilon = epsilon_for(yhat, epsilon)
    return agg(-xlogy(y, yhat + epsilon) - xlogy(1 - y, 1 - yhat + epsilon))


@readable
def hinge_loss(yhat: Any, y: Any, *, agg: Callable[..., Any] = np.mean, **others: NoReturn) -> Any:
    """Return the loss of a support-vector machine: ``agg(max(0, 1 - yhat * y))``.

    Parameters
    ----------
    yhat : array of real numbers, any shape: scores
    y : array of the same shape: 1 for yes, -1 for no
    agg : function from the array of losses to the result

    Raises ValueError if the shapes differ.

    Notes
    -----
    The derivative at the kink, yhat * y = 1, is 0.

    Source: Flux 0.13 ``hinge_loss``.

    >>> float(hinge_loss(np.array([0.5, 2.0]), np.array([1.0, 1.0])))
    0.25
    """
    yhat, y = matched("hinge_loss", others, yhat, y)
    return agg(relu(1 - floating(yhat) * y))


# -------------------------------------------------------------------------------------------- counts
@readable
def poisson_loss(yhat: Any, y: Any, *, agg: Callable[..., Any] = np.mean, **others: NoReturn) -> Any:
    """Return the loss of predicted counts: ``agg(yhat - y * log(yhat))``.

    Parameters
    ----------
    yhat : array of positive numbers, any shape: the expected counts
    y : array of the same shape, or a number: the counts, >= 0
    agg : function from the array of losses to the result

    Raises ValueError if the shapes differ.

    Notes
    -----
    This is minus the logarithm of the probability that a Poisson distribution of mean ``yhat`` gives
    to ``y``, without the terms that do not depend on ``yhat``.

    Source: Flux 0.13 ``poisson_loss``.

    >>> float(poisson_loss(np.array([1.0, 0.0]), np.array([3.0, 0.0])))
    0.5
    """
    yhat, y = matched("poisson_loss", others, yhat, y)
    return agg(yhat - xlogy(y, yhat))


# ------------------------------------------------------------------------------------------- checks
def floating(x):
    """Return whole numbers as floating-point ones: unsigned and small ones would wrap around."""
    return x * 1.0 if getattr(x, "dtype", np.dtype(float)).kind in "bui" else x


def matched(name, others, yhat, y, classes=None):
    """Return both as arrays of one shape, or raise; the truth may be a single number unless there are ``classes``.

    ``others`` are the keywords that the loss does not have; ``classes`` is the axis of the classes in those that
    have one.
    """
    if others:
        raise unknown_keyword(name, *others)
    if not (type(yhat) in ARRAYS and type(y) in ARRAYS and yhat.shape == y.shape and y.dtype.kind in "fciub"):
        yhat, y = as_numbers(yhat, f"{name}: yhat"), as_numbers(y, f"{name}: y")
        needed, given = np.shape(yhat), np.shape(y)
        if needed != given and (given != () or classes is not None):
            advice = advice_on_shapes(needed, given, classes)
            raise ValueError(f"{name}: yhat has shape {needed}, y has shape {given}; they must be the same{advice}")
    return yhat, y


def advice_on_shapes(needed, given, classes):
    """Return what to write, for a yhat and a y whose shapes differ in one of the usual ways."""
    advice, axis = [], -1 if classes is None else classes
    if len(needed) > (axis if axis >= 0 else -axis - 1):
        without = (*needed[:axis], *needed[axis:][1:])
        if given in (without, (*without, 1)) and (classes is not None or needed[axis] > 1):
            labels = "y" if given == without else "y[..., 0]"
            onehot = f"data.onehot({labels}, {needed[axis]})"
            onehot = onehot if axis in (-1, len(needed) - 1) else f"np.moveaxis({onehot}, -1, {axis})"
            advice.append(f"if y holds labels, write {onehot}")
    if given == needed[:-1] and classes is None:
        advice.append("if yhat has an axis too many, yhat[..., 0]")
    if needed == given[:-1]:
        advice.append("if y has an axis too many, y[..., 0]")
    return "".join(f". {each[0].upper()}{each[1:]}" for each in advice)


def epsilon_for(yhat, epsilon):
    """Return ``epsilon`` or, if it is None, the distance from 1 to the next number of yhat's dtype."""
    if epsilon is not None:
        return epsilon
    dtype = getattr(yhat, "dtype", np.dtype(float))
    return float(np.finfo(dtype if dtype.kind == "f" else float).eps)


chapter(__name__)
