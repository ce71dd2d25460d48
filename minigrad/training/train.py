"""The training loop: the only chapter that knows both the gradients and the optimisers.

    for every datum:   loss and gradients -> callbacks before -> update -> callbacks after
"""

from __future__ import annotations

import contextlib
import inspect
import itertools
import math
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from ..calculus.checked import checked
from ..core.errors import NonFiniteError
from ..core.gradient import withgradient
from ..core.params import Grads, Params, params
from ..core.trees import leaves
from ..data import DataLoader
from ..doors import door
from ..interrupts import CtrlC
from ..nn.precision import tell, told, wider
from ..optimise.twice import those_that_look
from ..optimise.update import update_
from ..readers.watch import first_not_finite, is_finite
from .again import seen
from .checks import callbacks, check, refuse_arguments, refuse_looking_together, steps_in
from .progress import Progress
from .steps.step import kept_step


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
    >>> from minigrad import Descent, Tensor, params
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
    >>> from minigrad import Descent, Tensor, params
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
    >>> from minigrad import Descent, Tensor, params
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


@door
def train_(
    loss: Callable[..., Any],
    ps: Any,
    data: Iterable[Any],
    opt: Any,
    cb: Any = (),
    *,
    before: Any = (),
    epochs: int = 1,
    progress: bool | str | None = None,
    group: Any = None,
    compiled: bool = False,
) -> list[float]:
    """Train: for every datum take the gradient of the loss and update the parameters; overwrites ``ps``.

        for d in data:   ps <- ps - apply_(opt, ps, gradient(loss(*d), ps))

    Parameters
    ----------
    loss : function of a datum that returns one real number, or a tuple that begins with it
    ps : Params, or a model that holds the parameters
    data : iterable; a datum that is a tuple is spread over the loss's arguments, anything else is passed
        whole.  For one datum write ``[(x, y)]``.
    opt : optimiser
    cb : function, or list of functions, called after every update, without arguments or, if it takes one,
        with a Context.  It may call ``stop()``; returning True does the same.
    before : the same, called when loss and gradients are known and nothing is updated yet; ``skip()`` or
        ``stop()`` prevents the update
    epochs : int >= 1, how many times to go through the data
    progress : None for a bar on a terminal and a closing summary elsewhere, True for a bar anyhow, False for
        the summary alone, "silent" for nothing; on standard error
    group : the processes that train together, ``distributed.group()``, each on its share of every datum, as a
        DataLoader with ``shard=group`` hands it out: the loss is then a mean over rows, and loss and gradients are
        those of all rows together.  What ends or skips a step on one of them does so on all
    compiled : bool, make the steps by ``minigrad.compiled(loss, ps, opt)``: the same numbers in less time; what the
        loss may do in Python is said there

    Returns
    -------
    list of the losses of all steps made, floats, each before its update

    Raises
    ------
    NonFiniteError : if a loss is NaN or infinite: before the update, naming the step, the datum, and the
        first operation whose result was not finite
    ValueError : if there is no data, no parameter, or the loss depends on none of them
    TypeError : if the loss cannot take a datum, a callback takes two arguments, ...

    Ctrl-C ends the training after the step in progress, as ``stop()`` would; pressed twice it raises
    KeyboardInterrupt at once.  Never is a step cut in two: the parameters and the optimiser's state are those
    after a whole number of steps.

    Differs from Flux: it returns the losses; callbacks may take a Context and may come before the update.

    Source: Flux 0.13 ``train!``.

    >>> import numpy as np
    >>> from minigrad import Descent, Tensor, params
    >>> W = Tensor(0.0)
    >>> loss = lambda x, y: (W * x - y) ** 2
    >>> train_(loss, params(W), [(1.0, 2.0)] * 3, Descent(0.25), progress="silent")
    [4.0, 1.0, 0.25]
    >>> W
    Tensor(1.75)
    """
    ps = ps if isinstance(ps, Params) else params(ps)
    check(loss, ps, data, opt, epochs)
    before, after = callbacks(before), callbacks(cb)
    losses, group, looking = [], group or ONE, those_that_look(opt)
    refuse_looking_together(group is not ONE and looking)
    ctrl_c, step = CtrlC(), kept_step(loss, ps, opt) if compiled and not looking else None
    try:
        with ctrl_c, Progress(steps_in(data, epochs), "silent" if group.rank else progress) as display:
            go_through(loss, ps, data, opt, before, after, epochs, losses, ctrl_c, display, group, step)
    finally:
        ctrl_c.close()
    return losses


def go_through(loss, ps, data, opt, before, after, epochs, losses, ctrl_c, display, group, step):
    """Make the steps of ``train_`` until the data are used up or somebody ends it; append the losses."""
    agreed = group.together if before else contextlib.nullcontext
    whole = step is not None and group is ONE and not before and not after
    take = eagerly if step is None else lambda loss, arguments, ps: step.take(arguments)
    try:
        with group.loop(ps, opt):
            for place in visits(data, epochs):
                try:
                    if whole and losses:
                        one_call(step, place, losses, ctrl_c, display)
                    else:
                        context = evaluate_all(group, take, loss, ps, *place, opt, losses)
                        with agreed():
                            call(before, context)
                            context.loss = plain_loss(context.loss)
                            refuse_if_not_finite(context, loss)
                        grads = look_again(loss, context)
                        with ctrl_c.whole:
                            group.update_(opt, ps, grads)
                            losses.append(context.loss)
                        display.advance(context.loss)
                        call(after, context)
                except SkipDatum:
                    pass
                if ctrl_c.asked:
                    display.ending = ", interrupted by Ctrl-C after a whole step"
                    raise StopTraining
    except StopTraining:
        display.ending = display.ending or ", stopped"


def one_call(step, place, losses, ctrl_c, display):
    """Make a compiled step of which nobody wants to know more than the loss."""

    def refuse(value):
        context = Context(*place, value, (), None, step.ps, step.opt, losses)
        refuse_if_not_finite(context, step.loss)

    with ctrl_c.whole:
        value = step.make(arguments_of(place[-1]), refuse)
        losses.append(float(value[0]) if isinstance(value, tuple) else value)
    display.advance(losses[-1])


@door
def train_step_(loss: Callable[..., Any], ps: Any, datum: Any, opt: Any) -> Any:
    """Make one step of training; overwrites ``ps``.

        l = loss(*datum);   ps <- ps - apply_(opt, ps, dl/dps)

    Parameters
    ----------
    loss, ps, opt : as for ``train_``
    datum : a tuple is spread over the loss's arguments

    Returns
    -------
    the loss before the update, a float; the whole tuple if the loss returns a tuple

    Raises what ``train_`` raises.  Ctrl-C waits until the step is done.

    Source: ``trainstep!`` of Flux 0.16.11.

    >>> from minigrad import Descent, Tensor
    >>> W = Tensor(0.0)
    >>> train_step_(lambda x, y: (W * x - y) ** 2, W, (1.0, 2.0), Descent(0.25)), W
    (4.0, Tensor(1.))
    """
    ps = ps if isinstance(ps, Params) else params(ps)
    check(loss, ps, [datum], opt, 1)
    ctrl_c = CtrlC()
    try:
        with ctrl_c:
            context = evaluate(loss, ps, 1, 1, 0, datum, opt, [], eagerly)
            refuse_if_not_finite(context, loss)
            grads = look_again(loss, context)
            with ctrl_c.whole:
                update_(opt, ps, grads)
    finally:
        ctrl_c.close()
    ctrl_c.pass_on()
    return (context.loss, *context.aux) if context.aux else context.loss


def epochs(n: int, progress: bool | None = None) -> Iterator[int]:
    """Yield 1, 2, ..., n, for a loop of your own around ``train_``.

    Parameters
    ----------
    n : int >= 0
    progress : None to print "epoch i of n" on a terminal, True to print it anyhow, False not to

    Raises ValueError for a negative or fractional n.  Ctrl-C ends the loop after the epoch in progress.

    ``stop()`` inside ``train_`` ends that call and not this loop; ``train_(..., epochs=n)`` ends with it.

    Source: Flux 0.13 ``@epochs``.

    >>> [epoch for epoch in epochs(3)]
    [1, 2, 3]
    """
    if not isinstance(n, int) or n < 0:
        raise ValueError(f"epochs: how many must be a whole number, 0 or more, but is {n!r}")
    return counted_epochs(n, sys.stderr.isatty() if progress is None else progress)


def counted_epochs(n, shown):
    with CtrlC() as ctrl_c:
        for epoch in range(1, n + 1):
            if shown:
                print(f"epoch {epoch} of {n}", file=sys.stderr)
            yield epoch
            if ctrl_c.asked:
                return


# ------------------------------------------------------------------------------------ the parts of a step
def visits(data, epochs):
    """Yield (epoch, step, index, datum)."""
    step = 0
    for epoch in range(1, epochs + 1):
        rest = iter(data)
        for index in itertools.count():
            try:
                datum = next(rest)
            except StopIteration:
                break
            except SkipDatum as skipped:
                refuse_ended_generator(skipped)
                step += 1
                continue
            step += 1
            yield epoch, step, index, datum
        if index == 0 and not isinstance(data, DataLoader):  # which is empty only when its last epoch had just ended
            used = f". A {type(data).__name__} is used up after one pass: give a list" * isinstance(data, Iterator)
            raise ValueError(f"train_: the data is empty (in epoch {epoch}); there is nothing to learn from{used}")


def refuse_ended_generator(skipped):
    """Raise if the data called ``skip()`` in a generator: Python ends it, and the rest of the data would be lost."""
    for frame, line in traceback.walk_tb(skipped.__traceback__.tb_next):
        if frame.f_code.co_flags & inspect.CO_GENERATOR:
            raise RuntimeError(
                f"train_: skip() was called in the generator {frame.f_code.co_name!r} (line {line}) that gives the "
                "data. An exception ends a generator, so all data after it would be lost: write continue there in "
                "the place of skip(), or call skip() in the loss"
            ) from skipped


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
    said = len(told)
    value, gradients = take(loss, arguments, ps)
    if not losses and len(told) == said:  # no layer has said it
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


def call(functions, context):
    for function, with_context in functions:
        if (function(context) if with_context else function()) is True:
            stop()


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
