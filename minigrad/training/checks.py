"""What ``train_`` can know to be wrong before the first step."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator

import numpy as np

from ..core.params import Params, params
from ..foreign import is_labelled
from ..optimise.apply import refuse_no_optimiser


def check(loss, ps, data, opt, epochs):
    """Return the parameters, or raise what can be known to be wrong before the first step."""
    if not callable(loss):
        raise TypeError(
            "train_: the loss must be a function, which is called with every datum, not a value "
            f"({type(loss).__name__}). The order is train_(loss, ps, data, opt)"
        )
    if is_labelled(data) and np.ndim(data) > 1:
        raise TypeError(
            f"train_: the data are a {type(data).__name__}, and a loop over it goes through its columns. Its "
            "rows are given by DataLoader(df, batchsize=...)"
        )
    if not isinstance(data, Iterable) or isinstance(data, Params):
        raise TypeError(
            f"train_: the data must be something to loop over, such as [(x, y)] or a DataLoader; got "
            f"{type(data).__name__}. The order is train_(loss, ps, data, opt)"
        )
    refuse_no_optimiser(opt, "train_")
    if not isinstance(epochs, (int, np.integer)) or epochs < 1:
        raise ValueError(f"train_: epochs must be a whole number, 1 or more, but is {epochs!r}")
    if epochs > 1 and isinstance(data, Iterator):
        raise ValueError(
            f"train_: the data is a {type(data).__name__}, which is used up after one epoch, and epochs is "
            f"{epochs}. Give a list, such as list(zip(xs, ys)), or a DataLoader: these can be read again"
        )
    ps = ps if isinstance(ps, Params) else params(ps)
    if len(ps) == 0:
        raise ValueError("train_: there are no parameters; give params(model) of a model that holds Tensors")
    return ps


def refuse_arguments(loss, arguments, who="train_"):
    """Raise if the loss cannot be called with these arguments."""
    try:
        signature = inspect.signature(loss)
    except ValueError:  # a function written in C that does not tell
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        raise TypeError(
            f"{who}: the first datum gives {len(arguments)} argument(s), the loss takes {signature}: "
            f"{error}. "
            "A datum that is a tuple is spread over the loss's arguments, anything else is passed whole. For "
            "one datum write [(x, y)], for batches DataLoader((x, y), batchsize=...)"
        ) from None


def callbacks(given):
    """Return a list of (function, whether it takes the context) for one callback or several."""
    given = [given] if callable(given) or not isinstance(given, Iterable) else list(given)
    if not all(map(callable, given)):
        rounds = "".join(f". For {n} rounds write epochs={n}" for n in given[:1] if isinstance(n, int))
        raise TypeError(f"train_: a callback must be a function or a list of functions, but is {given}{rounds}")
    return [(f, takes_context(f)) for f in given]


def takes_context(f):
    """Say whether a callback takes one argument, the context, or none."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except ValueError:  # a function written in C that does not tell
        return False
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [p for p in parameters if p.default is p.empty and p.kind not in optional]
    if len(needed) > 1 or any(p.kind is p.KEYWORD_ONLY for p in needed):
        raise TypeError(
            "train_: a callback takes nothing or one argument, the context (context.loss, ...); "
            f"{getattr(f, '__name__', f)} takes {', '.join(p.name for p in needed)}"
        )
    return len(needed) == 1


def steps_in(data, epochs):
    try:
        return len(data) * epochs
    except TypeError:
        return None


def refuse_looking_together(looking):
    """Raise for optimisers that look at the loss again, where several processes have a share of it each."""
    if looking:
        raise TypeError(f"train_: {looking[0]!r} looks at the loss again, which is for one process: leave out group=")
