"""The training loop: the only chapter that knows both the gradients and the optimisers.

    for every datum:   loss and gradients -> callbacks before -> update -> callbacks after
"""

from __future__ import annotations

import contextlib
import inspect
import itertools
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ..data import DataLoader
from ..doors import door
from ..interrupts import CtrlC
from ..moving import Held, settle_
from ..optimise.twice import those_that_look
from ..optimise.update import update_
from .checks import callbacks, check, refuse_looking_together, steps_in
from .evaluation import (
    ONE,
    Context,
    SkipDatum,
    StopTraining,
    arguments_of,
    eagerly,
    evaluate,
    evaluate_all,
    look_again,
    plain_loss,
    refuse_if_not_finite,
    stop,
)
from .history import History, Validation
from .progress import Progress
from .steps.step import kept_step


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
    validation: tuple[Callable[..., Any], Iterable[Any]] | None = None,
    metrics: dict[str, Callable[..., Any]] | None = None,
    best: bool = False,
) -> History:
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
    progress : None for a bar on a terminal and a closing summary elsewhere, True for a bar in notebooks and lines in
        files, too, False for the summary alone, "silent" for nothing; on standard error
    group : the processes that train together, ``distributed.group()``, each on its share of every datum, as a
        DataLoader with ``shard=group`` hands it out: the loss is then a mean over rows, and loss and gradients are
        those of all rows together.  What ends or skips a step on one of them does so on all
    compiled : bool, make the steps by ``minigrad.compiled(loss, ps, opt)``: the same numbers in less time; what the
        loss may do in Python is said there

    validation : (loss, data), what is computed after every epoch, without a gradient: the mean over the rows of data
        that are not trained with.  An optimiser that averages parameters (``opt.averaged``) lends them for it
    metrics : dict from names to functions: of a datum of the validation's data, which is averaged over its rows, or of
        nothing.  One that raises is NaN in the history, with a warning; the training goes on
    best : whether the parameters, and running statistics, are at the end those after the epoch with the smallest
        validation loss

    Returns
    -------
    History: the list of the losses of all steps made, floats, each before its update; with ``epochs``, ``plot()``,
    ``to_csv(path)``

    Raises
    ------
    NonFiniteError : if a loss is NaN or infinite: before the update, naming the step, the datum, and the
        first operation whose result was not finite
    ValueError : if there is no data, no parameter, or the loss depends on none of them; if the validation's data are
        empty, or ``best`` comes without them
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
    ps = check(loss, ps, data, opt, epochs)
    looking = those_that_look(opt)
    refuse_looking_together(group is not None and looking)
    group = ONE if group is None or not group.needed(opt) else group
    judge = Validation(ps, opt, validation, metrics, best, group.of_first)
    run = Training(loss, ps, data, opt, callbacks(before), callbacks(cb), group, judge)
    run.compiled = kept_step(loss, ps, opt) if compiled and not looking else None
    run.alone = run.compiled is not None and run.group is ONE and not (run.before or run.after or best)
    try:
        with run.ctrl_c, Progress(steps_in(data, epochs), "silent" if run.group.rank else progress) as display:
            run.go_through(epochs, display)
    finally:
        run.ctrl_c.close()
    judge.put_best()
    return run.losses


class Training:
    """What one call of ``train_`` holds while it runs."""

    def __init__(self, loss, ps, data, opt, before, after, group, judge):
        self.loss, self.ps, self.data, self.opt = loss, ps, data, opt
        self.before, self.after, self.group, self.judge = before, after, group, judge
        self.losses, self.step, self.compiled, self.ctrl_c = History(), 0, None, CtrlC()
        self.alone = False  # whether a compiled step is all there is to a step

    def go_through(self, epochs, display):
        """Make the steps until the data are used up or somebody ends it."""
        try:
            with self.group.loop(self.ps, self.opt):
                for epoch in range(1, epochs + 1):
                    began, first = time.perf_counter(), len(self.losses)
                    for place in self.visits(epoch):
                        try:
                            self.make_step(place, display)
                        except SkipDatum:
                            pass
                        if self.ctrl_c.asked:
                            display.ending = ", interrupted by Ctrl-C after a whole step"
                            stop()
                    seconds = time.perf_counter() - began
                    self.losses.epochs.append(self.judge.after(epoch, self.losses[first:], seconds))
        except StopTraining:
            display.ending = display.ending or ", stopped"

    def visits(self, epoch):
        """Yield (epoch, step, index, datum)."""
        rest = iter(self.data)
        for index in itertools.count():
            try:
                datum = next(rest)
            except StopIteration:
                break
            except SkipDatum as skipped:
                refuse_ended_generator(skipped)
                self.step += 1
                continue
            self.step += 1
            yield epoch, self.step, index, datum
        if index == 0 and not isinstance(self.data, DataLoader):  # empty only where its last epoch had just ended
            used = f". A {type(self.data).__name__} is used up after one pass: give a list"
            used = used * isinstance(self.data, Iterator)
            raise ValueError(f"train_: the data is empty (in epoch {epoch}); there is nothing to learn from{used}")

    def make_step(self, place, display):
        """Make one step, and call whoever wants to know of it."""
        if self.alone and (self.losses or self.compiled.ready):
            return display.advance(self.one_call(place))
        take = eagerly if self.compiled is None else lambda loss, arguments, ps: self.compiled.take(arguments)
        held = Held()
        context = held.during(evaluate_all, self.group, take, self.loss, self.ps, *place, self.opt, self.losses)
        with self.group.together() if self.before else contextlib.nullcontext():
            call(self.before, context)
            context.loss = plain_loss(context.loss)
            refuse_if_not_finite(context, self.loss)
        grads = look_again(self.loss, context)
        with self.ctrl_c.whole:
            self.group.update_(self.opt, self.ps, grads)
            if held:  # running statistics, which move with the step
                self.judge.settle_(held)
            self.losses.append(context.loss)
        display.advance(context.loss)
        call(self.after, context)

    def one_call(self, place):
        """Make a compiled step of which nobody wants to know more than the loss."""

        self.place = place
        with self.ctrl_c.whole:
            value = self.compiled.make(arguments_of(place[-1]), self.refuse)
            value = value if type(value) is float else float(value[0])
            self.losses.append(value)
        return value

    def refuse(self, value):
        """Raise for a compiled step whose loss is not finite."""
        refuse_if_not_finite(Context(*self.place, value, (), None, self.ps, self.opt, self.losses), self.loss)


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
    ps = check(loss, ps, [datum], opt, 1)
    ctrl_c = CtrlC()
    try:
        with ctrl_c:
            held = Held()
            context = held.during(evaluate, loss, ps, 1, 1, 0, datum, opt, [], eagerly)
            refuse_if_not_finite(context, loss)
            grads = look_again(loss, context)
            with ctrl_c.whole:
                update_(opt, ps, grads)
                settle_(held)
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
    if not isinstance(n, (int, np.integer)) or n < 0:
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


def refuse_ended_generator(skipped):
    """Raise if the data called ``skip()`` in a generator: Python ends it, and the rest of the data would be lost."""
    for frame, line in traceback.walk_tb(skipped.__traceback__.tb_next):
        if frame.f_code.co_flags & inspect.CO_GENERATOR:
            raise RuntimeError(
                f"train_: skip() was called in the generator {frame.f_code.co_name!r} (line {line}) that gives the "
                "data. An exception ends a generator, so all data after it would be lost: write continue there in "
                "the place of skip(), or call skip() in the loss"
            ) from skipped


def call(functions, context):
    for function, with_context in functions:
        if (function(context) if with_context else function()) is True:
            stop()
