"""One step of training: what is known of it, how it is evaluated, how it is stopped or left out."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from ..calculus.checked import checked
from ..core.errors import NonFiniteError
from ..core.gradient import withgradient
from ..core.params import Grads, Params
from ..core.trees import leaves
from ..nn.precision import tell, told, wider
from ..optimise.update import update_
from ..readers.watch import first_not_finite, is_finite
from .again import seen
from .checks import refuse_arguments


class StopTraining(Exception):
    """What ``stop()`` raises."""


class SkipDatum(Exception):
    """What ``skip()`` raises."""


def stop() -> NoReturn:
    """End the training: for callbacks, losses and data of ``train_``.

    In a loss, or in a callback given as ``before``, it prevents the update of this step; ``train_`` then
    returns the losses as usual, in whichever epoch it is.

    Raises StopTraining, which ``train_`` catches.

    Source: Flux 0.13 ``stop``.

    >>> import numpy as np
    >>> from minigrad import Descent, Tensor, params, train_
    >>> W = Tensor([1.0])
    >>> enough = lambda context: context.step == 2 and stop()
    >>> train_(lambda x: np.sum(W) * x, params(W), [1.0, 1.0, 1.0], Descent(0.5), cb=enough, progress="silent")
    [1.0, 0.5]
    """
    raise StopTraining("stop() ends train_, and here is no train_ around it; in a loop of your own, break")


def skip() -> NoReturn:
    """Go on with the next datum: for callbacks, losses and data of ``train_``.

    In a loss, or in a callback given as ``before``, it prevents the update of this step.  In the data it leaves
    out the datum that was asked for: in the ``__next__`` of a class or in a function for ``map``; in a generator
    write ``continue``, because an exception ends a generator.

    Raises SkipDatum, which ``train_`` catches.

    Differs from Flux: its callbacks run after the update, so that a skip in one comes too late.

    Source: Flux 0.13 ``skip``.

    >>> import numpy as np
    >>> from minigrad import Descent, Tensor, params, train_
    >>> W = Tensor([1.0])
    >>> loss = lambda x: skip() if x < 0 else np.sum(W) * x
    >>> train_(loss, params(W), [1.0, -1.0, 1.0], Descent(0.5), progress="silent")
    [1.0, 0.5]
    """
    raise SkipDatum("skip() is for train_, and here is no train_ around it; in a loop of your own, continue")


@dataclass
class Context:
    """What a callback may know about the step that it is called in.

    Attributes
    ----------
    epoch, step : int, both from 1; steps count through all epochs, skipped ones included
    index : int, the datum's place in the data, from 0
    datum : what the loss was called with
    loss : float, before the update; a callback given as ``before`` may put another number in its place
    aux : tuple of whatever the loss returned besides the loss
    gradients : Grads; a callback given as ``before`` may change them
    params : Params
    optimiser : the optimiser
    losses : list of float, of the steps made so far

    >>> import numpy as np
    >>> from minigrad import Descent, Tensor, params, train_
    >>> W = Tensor([1.0])
    >>> show = lambda context: print(context.epoch, context.step, context.loss)
    >>> losses = train_(lambda x: np.sum(W) * x, params(W), [2.0], Descent(), cb=show, progress="silent")
    1 1 2.0
    """

    epoch: int
    step: int
    index: int
    datum: object
    loss: float
    aux: tuple
    gradients: Grads
    params: Params
    optimiser: object
    losses: list


def eagerly(loss, arguments, ps):
    return withgradient(lambda: loss(*arguments), ps)


def eagerly_checked(loss, arguments, ps):
    """``eagerly``, and arrays that the loss overwrites after their use are noticed."""
    with checked():
        return eagerly(loss, arguments, ps)


def evaluate(loss, ps, epoch, step, index, datum, opt, losses, take):
    """Return the Context of a step: the loss, whatever else the loss returned, and the gradients."""
    arguments = arguments_of(datum)
    if not losses:  # no step has been made yet
        refuse_arguments(loss, arguments)
    said = [] if losses else [*told]  # which keeps them: a layer that is freed meanwhile is not one that has said it
    value, gradients = take(loss, arguments, ps)
    if not losses and len(told) == len(said):  # no layer has
        say_if_wider(datum, ps)
    if not losses and all(g is None for g in gradients):
        raise ValueError(
            f"train_: the loss depends on none of the {len(ps)} parameters, so a step would change nothing. "
            "It must use the very Tensors of ps: was the model made anew, or copied, after params(model)?"
        )
    value, *aux = value if isinstance(value, tuple) else (value,)
    return Context(epoch, step, index, datum, float(value), tuple(aux), gradients, ps, opt, losses)


def evaluate_all(group, take, loss, ps, epoch, step, index, datum, opt, losses):
    """Return the Context of a step of which each process of a group evaluates its share of the datum."""
    take = take if losses else eagerly_checked
    if group is ONE:
        return evaluate(loss, ps, epoch, step, index, datum, opt, losses, take)
    shares = []

    def share(*arguments):
        shares.append(evaluate(loss, ps, epoch, step, index, arguments, opt, losses, take))
        refuse_if_not_finite(shares[-1], loss)
        return shares[-1].loss, shares[-1].gradients

    value, gradients = group.reduced(share, ps, datum, opt)
    aux = shares[-1].aux if shares else ()
    return Context(epoch, step, index, datum, value, aux, gradients, ps, opt, losses)


class OneProcess:
    """What ``train_`` asks of a group of processes, where there is none."""

    rank = 0
    update_ = staticmethod(update_)
    of_first = staticmethod(lambda x: x)
    loop = together = staticmethod(lambda *_: contextlib.nullcontext())


ONE = OneProcess()


def look_again(loss, context):
    """Return the gradients that the optimiser of a step wants for it."""
    return seen(context.optimiser, lambda: loss(*arguments_of(context.datum)), context.params, context.gradients)


def say_if_wider(datum, ps):
    """Warn of data in double precision for parameters that are all in single precision."""
    narrow = ps[0].dtype.name
    if any(wider(x, ps[0]) and np.ndim(x) > 0 for x in leaves(datum)) and all(p.dtype.name == narrow for p in ps):
        tell(
            f"train_: the data hold float64 numbers and the parameters are {narrow}, so that what is computed of both "
            f"is float64, several times slower. Give x.astype(np.{narrow}), labels by data.onehot(labels, classes, "
            f"dtype=np.{narrow}), or make the model wider by nn.f64(model)"
        )


def arguments_of(datum):
    return datum if isinstance(datum, tuple) else (datum,)


def plain_loss(loss):
    """Return the loss as a float, also where a callback has put another number in its place."""
    if type(loss) is float:
        return loss
    if np.shape(loss) != () or np.asarray(loss).dtype.kind not in "fiub":
        raise TypeError(f"train_: a callback has set context.loss to {loss!r}; it must be one real number")
    return float(loss)


def refuse_if_not_finite(context, loss):
    """Raise if the loss is NaN or infinite, saying where it became so."""
    if math.isfinite(context.loss):
        return
    findings = [
        f"train_: the loss is {context.loss} at step {context.step} (epoch {context.epoch}, "
        f"datum {context.index}, counted from 0). This step was not made: the parameters are those before it."
    ]
    for k, p in enumerate(context.params):
        if not is_finite(p):
            name = context.params.name_of(p) or k
            findings.append(f"Parameter {name}, of shape {p.shape}, was not finite before this step.")
    if not is_finite(context.datum):
        findings.append("The datum itself is not finite.")
    try:
        culprit = first_not_finite(lambda: loss(*arguments_of(context.datum)), context.params)
        found = culprit or "not found; run again, the loss was finite: is it random?"
    except Exception as error:
        found = f"not found; run again, the loss raised {type(error).__name__}: {error}"
    findings.append(f"The first operation whose result was not finite: {found}")
    raise NonFiniteError("\n  ".join(findings))
