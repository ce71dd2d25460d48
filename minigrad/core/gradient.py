"""gradient and its family: open a tape, run the function, walk back.

Everything here is made of ``pullback``: it runs ``f`` on a tape and returns the value together with
``back``, the function from the gradient of the value to the gradients of the arguments (or of the
parameters).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, overload

import numpy as np
from numpy import ndarray

from . import recording  # noqa: F401  (what NumPy asks of a Tensor comes there)
from .errors import LostGradientError, of_a_finished_gradient, told
from .params import Grads, Params
from .storage import ndarray_or_stand_in, numbers_of
from .tape import Tape, active_tape, backward
from .tensor import Foreign, Tensor, add_leaves, below, blank, new_tensor, on, recorded
from .trees import leaves, leaves_along, rebuild

NUMERIC = int, float, complex, np.ndarray, np.generic


class WithGradient(NamedTuple):
    """What ``withgradient`` returns: the value and the gradient.

    >>> WithGradient(val=2.0, grad=(1.0,)).val
    2.0
    """

    val: Any
    grad: Any


if TYPE_CHECKING:
    Loss = Tensor | np.ndarray | np.floating[Any] | float  # one real number


# -------------------------------------------------------------------------------- running on a tape
class Run:
    """One run of ``f`` on a tape: what went in, what came out, and the entries in between.

    Attributes
    ----------
    inputs : list of what is differentiated: the parameters, or the leaves of the arguments
    value : what ``f`` returned
    outputs : list, for each leaf of ``value`` the Tensor recorded on this tape, or None for a constant
    """

    __slots__ = ("args", "params", "inputs", "value", "outputs", "entries")

    def __init__(self, f, args, who, copied=False):
        if not callable(f):
            raise TypeError(not_callable(f, who))
        if not args:
            raise TypeError(f"{who}: with respect to what? Write {who}(f, x) or {who}(f, params(W, b))")
        self.args, self.params = args, None
        tape = Tape()
        self.entries = entries = tape.entries = self.entries_for(f)
        if len(args) == 1 and isinstance(args[0], Params):
            self.params = args[0].copy()  # the caller's may change later
            self.inputs = [*self.params._tensors.values()]
            add_leaves(tape, self.inputs)
            args = ()
        else:
            self.inputs = leaves(args)
            args = rebuild(args, iter([alias(x, tape, who) for x in self.inputs]))
        if copied:  # the caller may change what is his before the way back
            for t in (*tape.leaves.values(), *leaves(args)):
                if type(t) is Tensor and type(t._value) is ndarray:
                    t._value = t._value.copy()
        try:
            tape.record(self.forward, tape, f, args)
        except TypeError as error:
            if error.__traceback__.tb_next.tb_next.tb_next is None:  # the call itself was wrong
                raise TypeError(not_callable_with(len(args), error, who)) from None
            raise
        if copied:
            tape.lock(True)  # until the way back, which may come at any time
        if entries.__class__ is not list:
            entries.check([y.slot for y in self.outputs if y is not None])

    @staticmethod
    def entries_for(f):
        """Return the entries for a run of ``f``: a list.  (``checked`` puts a closer look in the place of this.)"""
        return []

    leaf = staticmethod(new_tensor)  # what an argument is on a tape; ``whole`` knows more of whole numbers

    def forward(self, tape, f, args):
        """Call ``f``, with the tape recording, and note what it returns."""
        self.value = value = f(*args)
        if type(value) is Tensor:
            self.outputs = [value if value.tape is tape else on(tape, value)]
        else:
            self.outputs = [on(tape, y) if type(y) is Tensor else None for y in leaves(value)]

    def refuse_kept(self, values):
        """Raise if one of the first values that ``f`` returned was kept from an earlier gradient."""
        for y, output in zip(values, self.outputs):
            if output is None and type(y) is Tensor and y.tape is not None and y.tape.thread is None:
                raise LostGradientError(of_a_finished_gradient(y))

    def gradients(self, seeds):
        """Walk back from the given seeds, one per output, None for an unused one; the entries stay."""
        slots = {}
        for y, seed in zip(self.outputs, seeds):
            if y is not None and seed is not None:
                slots[y.slot] = slots[y.slot] + seed if y.slot in slots else seed
        return self.finish(backward(self.entries, slots, len(self.inputs)))

    def back(self, seed):
        """The ``back`` of ``pullback``."""
        if self.entries.__class__ is not list:
            self.entries.check([y.slot for y in self.outputs if y is not None])
        return told.enter(lambda: self.gradients(seeds_like(self, seed)))

    def finish(self, gradients):
        """Return the gradients as the caller gets them: Grads, or shaped like the arguments."""
        finished = as_kinds_of(self.inputs, gradients)
        return rebuild(self.args, iter(finished)) if self.params is None else Grads(self.params, finished)


def alias(x, tape, who):
    """Return ``x`` as a leaf of ``tape``: a fresh Tensor for what can be differentiated, else ``x``.

    The alias is a Tensor of its own, so that a closure over the same Tensor stays a constant.
    """
    slot = tape.add()
    if type(x) is Tensor:
        data = below(x, tape)
    elif isinstance(x, NUMERIC):
        Foreign.refuse(x, who)
        x = float(x) if type(x) is int and abs(x) >= 2**63 else x  # NumPy would make an object of it
        data = ndarray_or_stand_in(x) if isinstance(x, np.ndarray) else np.asarray(x)[()]
    if isinstance(x, (Tensor, *NUMERIC)) and data.dtype.kind in "fciu":
        return Run.leaf(data, tape, slot)
    Foreign.refuse_argument(x, who)
    return x


def as_kinds_of(inputs, gradients):
    """Return each gradient as a thing of the kind and dtype of its input, in memory of its own."""
    apart = len(gradients) == 1 or len({*map(id, gradients)}) == len(gradients)
    finished = []
    for x, g in zip(inputs, gradients):
        if type(g) is ndarray and x.__class__ is Tensor and g.dtype is x._value.dtype and g.base is None and apart:
            t = blank(Tensor)  # the commonest case
            t._value, t.tape, t.slot = g, None, -1
            g = t
        elif g is not None:
            g = as_kind_of(x, g, apart)
        finished.append(g)
    return finished


def as_kind_of(x, g, apart):
    """The same for one; ``apart`` says that no two of the gradients are the same array."""
    if type(g) is not ndarray:
        if type(g) is Tensor and recorded(g) is not None:  # an outer gradient is being taken
            return g
        g = ndarray_or_stand_in(numbers_of(g) if type(g) is Tensor else g)
    dtype = x._value.dtype if type(x) is Tensor else np.asarray(x).dtype
    if dtype.kind in "iu":
        dtype = np.dtype(float)
    if g.dtype is not dtype:
        g = (g.real if dtype.kind == "f" else g).astype(dtype)
    elif g.base is not None or not apart:
        g = g.copy()
    if type(x) is Tensor:
        return new_tensor(g)
    return g if isinstance(x, ndarray) else g[()] if isinstance(x, np.generic) else g.item()


def plain(y, as_tensor=False):
    """Return a value as the caller of ``f`` outside of this gradient gets it.

    A value that an outer gradient still records stays a Tensor; otherwise ``as_tensor`` decides.
    """
    if type(y) is not Tensor:
        return y
    inner = y._value
    if type(inner) is Tensor and recorded(inner) is not None:
        return inner
    if recorded(y) is not None:
        return y
    data = numbers_of(y)
    return new_tensor(data) if as_tensor else data if data.ndim else data.item()


# ------------------------------------------------------------------------------------- the public part
def pullback(f: Callable[..., Any], *args: Any, **others: NoReturn) -> tuple[Any, Callable[[Any], Any]]:
    """Run ``f`` and return its value together with the function that pulls gradients back.

        y, back = pullback(f, x);   back(g) = (g * dy/dx,)

    Parameters
    ----------
    f : function of ``*args``, or of nothing if ``args`` is one Params
    *args : numbers, ndarrays, Tensors, or nested containers of them; or one Params

    Returns
    -------
    y : what ``f`` returned, as plain as the arguments: numbers, arrays, or containers of them
    back : function of a gradient shaped like ``y`` (None for an unused part); returns a tuple with one
        gradient per argument (None where ``y`` does not depend on it), or Grads.  It may be called
        again; each call returns gradients of its own.  The arguments, the parameters and ``y`` may be
        overwritten before: ``back`` goes by copies of what they were.  Whatever else ``f`` uses must stay as it
        is until then; that it does is looked at as ``gradient`` does it (``minigrad.checked``).

    Raises
    ------
    TypeError : if ``f`` is no function
    ValueError (from ``back``) : if the gradient given is not shaped like ``y``

    Differs from Zygote: calling ``back`` again does not overwrite earlier Grads.

    Source: Zygote 0.6 ``pullback``.

    >>> y, back = pullback(lambda x: x**2, np.array([1.0, 2.0]))
    >>> y, back(np.array([1.0, 10.0]))
    (array([1., 4.]), (array([ 2., 40.]),))
    """
    return told.enter(value_and_back, f, args, others)


def value_and_back(f, args, others):
    if others:
        raise told.unknown_keyword("pullback", *others)
    run = Run(f, args, "pullback", copied=True)
    run.refuse_kept(leaves(run.value))
    as_tensor = any(type(x) is Tensor for x in run.inputs)
    found = [plain(y, as_tensor) for y in leaves(run.value)]
    copies = [y.copy() if type(y) is ndarray or type(y) is Tensor and recorded(y) is None else y for y in found]
    return rebuild(run.value, iter(copies)), run.back


def seeds_like(run, seed):
    """Return one seed per leaf of the run's value, checked and in its dtype."""
    seeds = leaves_along(run.value, seed, "back: the gradient belongs to what the function returned;")
    return [None if y is None or s is None else checked_seed(y, s) for y, s in zip(run.outputs, seeds)]


def checked_seed(y, seed):
    if np.shape(seed) != y.shape:
        raise ValueError(f"back: the gradient has shape {np.shape(seed)}, the value it belongs to {y.shape}")
    if type(seed) is Tensor and recorded(seed) is not None:
        return seed
    seed = ndarray_or_stand_in(numbers_of(seed) if type(seed) is Tensor else seed)
    if seed.dtype.kind == "c" and y.dtype.kind != "c":
        raise TypeError("back: the gradient of a real value must be real; got complex numbers")
    return seed.astype(float if y.dtype.kind in "iu" else y.dtype)


@overload
def withgradient(f: Params) -> Callable[[Callable[[], Loss | tuple[Any, ...]]], WithGradient]: ...
@overload
def withgradient(f: Callable[..., Loss | tuple[Any, ...]], *args: Any) -> WithGradient: ...
def withgradient(f: Any, *args: Any, **others: NoReturn) -> Any:
    """Return the value of ``f`` together with its gradient.

    Parameters, errors and source as ``gradient``.  A function that returns a tuple is differentiated
    through its first element; the others are passed on in ``val``.

    Returns
    -------
    named tuple (val, grad): ``val`` a float (or the tuple), ``grad`` what ``gradient`` returns

    >>> withgradient(lambda x: x**2, 3.0)
    WithGradient(val=9.0, grad=(6.0,))
    """
    if not args and isinstance(f, Params):
        return lambda function: withgradient(zero_argument(function), f)
    run, grad = told.enter(differentiate, f, args, "withgradient", others)
    return WithGradient(rebuild(run.value, iter([plain(y) for y in leaves(run.value)])), grad)


def differentiate(f, args, who, others):
    """Run a loss and walk back: return the Run, and the gradient of its first output, one real number."""
    if others:
        raise told.unknown_keyword(who, *others)
    run = Run(f, args, who)
    loss = run.value
    if who == "withgradient" and isinstance(loss, tuple) and loss:
        loss = loss[0]
    if type(loss) is Tensor and loss._value.shape == () and loss._value.dtype.kind == "f":
        one = loss._value.dtype.type(1)  # as a rule
    else:
        check_loss(loss, who)
        one = np.float64(1)
    y = run.outputs[0]
    if y is None:
        run.refuse_kept([loss])
        return run, run.finish([None] * len(run.inputs))
    return run, run.finish(backward(run.entries, {y.slot: one}, len(run.inputs), consume=True))


@overload
def gradient(f: Params) -> Callable[[Callable[[], Loss]], Grads]: ...
@overload
def gradient(f: Callable[[], Loss], ps: Params, /) -> Grads: ...
@overload
def gradient(f: Callable[..., Loss], *args: Any) -> tuple[Any, ...]: ...
def gradient(f: Any, *args: Any, **others: NoReturn) -> Any:
    """Return the gradient of a function that returns one real number.

    Three forms:

        gradient(f, x, y, ...)          a tuple: the gradient with respect to each argument
        gradient(lambda: loss(x), ps)   Grads: the gradient with respect to each parameter in ps
        @gradient(ps)                   the same as a decorator (Julia's do-block): the name of the
        def grads(): return loss(x)     decorated function becomes the Grads

    Parameters
    ----------
    f : function that returns one real number (a float or an array without axes)
    *args : numbers, ndarrays, Tensors, nested tuples, lists, dicts, named tuples and dataclasses of
        them, of any shape; or one Params

    Returns
    -------
    tuple or Grads.  A gradient has the shape, dtype and kind of its argument: a float for a float (or
    an int), an ndarray for an ndarray, a Tensor for a Tensor, containers for containers; None where
    the result does not depend on the argument.  For a complex argument z = x + iy it is
    dL/dx + i dL/dy.

    Raises
    ------
    TypeError : if ``f`` is no function or does not return one real number
    NoDerivativeError : if ``f`` calls a NumPy function that has no derivative here
    LostGradientError : if ``f`` turns a recorded Tensor into plain numbers or overwrites one, uses one that was
        kept from an earlier gradient, or overwrites an ndarray that it has computed with

    The tape keeps the arrays that ``f`` computes with, not copies of them.  That none is overwritten after its use
    is looked at the first time that a function is differentiated, and always within ``with minigrad.checked():``.

    A tape belongs to its thread: parameters used in a thread that ``f`` starts are constants there, and nothing can
    notice it.  Take a gradient inside of each thread and add up the results.

    Differs from Zygote: a jacobian of a non-scalar is never guessed at; a float32 stays float32.

    Source: Zygote 0.6 ``gradient``.

    >>> gradient(lambda x, y: x * y, 2.0, 3.0)
    (3.0, 2.0)
    >>> W = Tensor([1.0, 2.0])
    >>> gradient(lambda: np.sum(W**2), Params([W]))[W]
    Tensor([2., 4.])
    >>> @gradient(Params([W]))
    ... def grads():
    ...     return np.sum(3 * W)
    >>> grads[W]
    Tensor([3., 3.])
    """
    if not args and isinstance(f, Params):
        return lambda function: gradient(zero_argument(function), f)
    return told.enter(differentiate, f, args, "gradient", others)[1]  # calls ``differentiate``, with a door around


def zero_argument(function):
    """Return the decorated function, which must be callable without arguments."""
    code = getattr(function, "__code__", None)
    if code is not None and code.co_argcount > len(function.__defaults__ or ()):
        raise TypeError(
            f"@gradient(ps): {function.__name__} must be a function without arguments; it is called at once, "
            f"and its name becomes the gradients. Write def {function.__name__}(): with x and y from outside"
        )
    return function


def check_loss(loss, who):
    """Raise unless the loss is one real number."""
    if isinstance(loss, (int, float, np.integer, np.floating)) and not isinstance(loss, bool):
        return
    if loss is None:
        raise TypeError(f"{who}: the function returned None; did you forget return?")
    if isinstance(loss, (Tensor, np.ndarray, np.generic)):
        if loss.dtype.kind == "c":
            raise TypeError(
                f"{who}: the output is complex, so the gradient is not defined. Return a real number, such "
                "as np.abs(z) ** 2 or np.real(z); a holomorphic function has jacobian(f, z, holomorphic=True)"
            )
        if loss.shape == () and loss.dtype.kind in "fiu":
            return
        if loss.shape:
            raise TypeError(
                f"{who}: the output is an array of shape {loss.shape}, and only one number has a gradient. "
                "Did you forget np.sum or np.mean? For the derivatives of every element use jacobian"
            )
    if isinstance(loss, complex):
        raise TypeError(f"{who}: the output is complex, so the gradient is not defined. Return a real number")
    raise TypeError(
        f"{who}: the output must be one real number; the function returned {loss!r} ({type(loss).__name__}). What else "
        "a loss computes is passed on by withgradient, of a function that returns (loss, whatever)"
    )


def not_callable(f, who):
    if isinstance(f, (Tensor, np.ndarray, float)):
        return (
            f"{who}: the first argument must be a function, not its value: the tape records while it runs. "
            f"Write {who}(lambda: loss(x), ps)"
        )
    return f"{who}: the first argument must be a function; got {type(f).__name__}"


def not_callable_with(n, error, who):
    if n:
        calls = f"{who}(f, x, y) calls f(x, y), {who}(f, params(W, b)) calls f()"
        return f"{who}: {error}. It is called with what stands after it, here {n}: {calls}"
    return f"{who}: {error}. With Params it is called without arguments: {who}(lambda: loss(x, y), ps)"


def isderiving() -> bool:
    """Say whether a gradient is being taken in this thread right now.

    Source: Zygote 0.6 ``isderiving``.

    >>> isderiving(), gradient(lambda x: x if isderiving() else 0 * x, 1.0)
    (False, (1.0,))
    """
    return active_tape() is not None
