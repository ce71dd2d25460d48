"""Steering the backward pass: derivatives of one's own, hooks, constants, recomputation."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.errors import LostGradientError, NoDerivativeError
from ..core.recording import as_tensors, fit
from ..core.table import atomic, refuse_if, stand_in_among
from ..core.tape import Parts, Tape, active_tape, backward, place, take, under
from ..core.tensor import Tensor, lower, new_tensor, on, recorded, tape_of, tensors_in
from ..core.trees import at_leaves, leaves, rebuild
from ..moving import Held
from .whole import at_slot, record_exactly


def adjoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: give a function a derivative of its own.

        value, pullback = f(*args)          pullback(g) = (g * df/darg1, g * df/darg2, ...)

    The decorated function returns its value and its pullback; callers get the value.  What happens
    inside is not recorded, so it may be anything: a numba-jitted function, a library call, a loop.

    Parameters
    ----------
    f : function of numbers, arrays and whatever else, that returns ``(value, pullback)``.  It gets
        plain ndarrays (inside nested gradients perhaps Tensors of the outer gradient, so that NumPy
        code in it can be differentiated again).  ``pullback`` takes the gradient of the value (an
        array of its shape; a tuple with None for unused parts if the value is a tuple) and
        returns one gradient per positional argument, each of that argument's shape; None for none.

    Returns
    -------
    function : the same without the pullback

    Raises (from the backward pass) ValueError if the pullback returns another number of gradients or
    another shape; (when called) TypeError if ``f`` does not return a value and a pullback,
    NoDerivativeError for a recorded Tensor in a keyword argument or inside a container.

    Source: Zygote 0.6 ``@adjoint``.

    >>> @adjoint
    ... def cube(x):
    ...     return x**3, lambda g: (g * 3 * x**2,)
    >>> from minigrad import gradient
    >>> gradient(lambda x: np.sum(cube(x)), np.array([1.0, 2.0]))
    (array([ 3., 12.]),)
    """

    @functools.wraps(f)
    def with_own_derivative(*args, **kwargs):
        return call_own(f, args, kwargs)

    return with_own_derivative


def call_own(f, args, kwargs):
    """Run a function under @adjoint, and record its pullback where an argument is recorded."""
    tensors = tensors_in((args, kwargs))
    tape = tape_of(tensors)
    if tape is None:
        value, _ = value_and_pullback(f, lower(args, None), lower(kwargs, None))
        return as_tensors(value) if tensors else value
    inner = tensors_in([kwargs, *(x for x in args if type(x) is not Tensor)])
    if any(recorded(t) is not None for t in inner):
        raise NoDerivativeError(
            f"{f.__name__}: its pullback covers positional arguments that are Tensors themselves. Pass every "
            "recorded Tensor by position and by itself, not by keyword nor inside a list or dict"
        )
    low_args, low_kwargs = lower(args, tape), lower(kwargs, tape)
    value, back = value_and_pullback(f, low_args, low_kwargs)
    if tensors_in(low_args):  # an outer gradient is being taken: it must see this derivative too
        value = call_own(f, low_args, low_kwargs)
    parts = tape.add(*edges_to_parts(tape, args))
    return record_exactly(tape, arrays(value, f.__name__), ((parts, pull, back, len(args), f.__name__),))


def value_and_pullback(f, args, kwargs):
    traced = stand_in_among((args, kwargs))
    pair = f(*args, **kwargs) if traced is None else traced.record.own(f, args, kwargs)
    if not (isinstance(pair, tuple) and len(pair) == 2 and callable(pair[1])):
        raise TypeError(
            f"{f.__name__}: a function under @adjoint returns its value and its pullback: "
            f"return y, lambda g: (g * ..., ); it returned {type(pair).__name__}"
        )
    return pair


def arrays(value, who):
    """Return what a function returned with Python's numbers made NumPy's, which have a shape and a dtype."""
    if isinstance(value, (tuple, list)):
        return at_leaves(lambda part: arrays(part, who), value)
    if isinstance(value, (bool, int, float, complex)):
        return np.asarray(value)[()]
    if isinstance(value, (Tensor, np.ndarray, np.generic)):
        return value
    kind = type(value).__name__
    raise TypeError(f"{who}: the value must be a number, an array or a tuple of them; it is a {kind}")


def edges_to_parts(tape, args):
    """Return the edges from a tuple with one part per argument to the recorded arguments."""
    edges = []
    for k, x in enumerate(args):
        alias = on(tape, x) if type(x) is Tensor else None
        if alias is not None:
            edges.append((alias.slot, part_of_shape, k, alias.shape, alias.dtype))
    return edges


def part_of_shape(parts, k, shape, dtype):
    """The vjp of one argument of a function whose pullback gives all of them at once."""
    h = parts[k]
    if h is None:
        return None
    if np.shape(h) != shape:
        raise ValueError(
            f"the pullback returned a gradient of shape {np.shape(h)} for argument {k}, of shape {shape}"
        )
    h = h if type(h) is Tensor and recorded(h) is not None else np.copy(h)  # the pullback may keep its own
    return fit(h, itself, (), shape, dtype)


def itself(g):
    return g


def pull(g, back, n, name):
    gradients = back(g)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    if len(gradients) != n:
        raise ValueError(
            f"{name}: the pullback returned {len(gradients)} gradients for {n} arguments; "
            "return a tuple with one for each, None where there is none"
        )
    return Parts(gradients)


def nograd(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: make the results of a function constants.

    Source: Zygote 0.6 ``@nograd``.

    >>> from minigrad import gradient
    >>> gradient(lambda x: x * nograd(np.floor)(x), 2.5)
    (2.0,)
    """

    @functools.wraps(f)
    def constant(*args, **kwargs):
        return ignore(lambda: f(*args, **kwargs))

    return constant


def ignore(f: Callable[[], Any]) -> Any:
    """Run ``f()`` outside of every gradient and return its result as a constant.

    Parameters
    ----------
    f : function without arguments; inside, Tensors may be turned into plain arrays and overwritten

    Source: Zygote 0.6 ``ignore``.

    >>> from minigrad import gradient
    >>> gradient(lambda x: x * ignore(lambda: float(x)), 3.0)
    (3.0,)
    """
    return dropgrad(under(None, f))


def dropgrad(x: Any) -> Any:
    """Return ``x`` (an array or a container of arrays) as a constant: no gradient flows into it.

    Source: Zygote 0.6 ``dropgrad``; elsewhere *detach* or *stop gradient*.

    >>> from minigrad import gradient
    >>> gradient(lambda x: x * dropgrad(x), 3.0)
    (3.0,)
    """
    return rebuild(x, iter([new_tensor(t.data) if type(t) is Tensor else t for t in leaves(x)]))


def hook(f: Callable[[Any], Any], x: Any) -> Any:
    """Return ``x``; on the way back, ``f`` is applied to the gradient that arrives here.

    Parameters
    ----------
    f : function of the gradient (a copy of it, of x's shape); returns what to pass on instead, of the
        same shape, or None to drop it
    x : Tensor or array of any shape

    Returns
    -------
    x itself, or a recorded Tensor of the same value

    Raises (from the backward pass) ValueError if ``f`` returns another shape.

    Source: Zygote 0.6 ``hook``.

    >>> from minigrad import gradient
    >>> gradient(lambda x: hook(lambda g: -g, x) ** 2, 3.0)
    (-6.0,)
    """
    alias = recorded(x) if type(x) is Tensor else None
    if alias is None:
        return x
    tape = tape_of([x])
    return at_slot(alias._value, tape, tape.add((alias.slot, hooked, f)), getattr(alias.tape, "exact", None))


def hooked(g, f):
    h = f(g.copy())
    if h is not None and np.shape(h) != g.shape:
        raise ValueError(
            f"hook: the function returned a gradient of shape {np.shape(h)} for one of shape {g.shape}"
        )
    return h if h is None or type(h) is Tensor else np.copy(h).astype(g.dtype, copy=False)


def checkpointed(f: Callable[..., Any], *xs: Any) -> Any:
    """Return ``f(*xs)`` without keeping what its derivative needs: ``f`` runs again on the way back.

    Parameters
    ----------
    f : function of arrays that gives the same numbers each time.  Parameters (of an implicit gradient) may be
        used freely; whatever else depends on what is differentiated must come in through ``xs``.
    *xs : Tensors, arrays, containers of them, or anything else

    Returns
    -------
    what ``f`` returns: a number, an array, or a container of them and of constants

    Raises LostGradientError if ``f`` uses a recorded value that is not among ``xs``, or (from the backward pass)
    gives other numbers when it runs again: random ones are drawn before and passed in.

    Differs from Zygote: the values of both runs are compared.

    Source: Zygote 0.6 ``checkpointed``.

    >>> from minigrad import gradient
    >>> gradient(lambda x: checkpointed(lambda y: np.sin(y) ** 2, x), 1.0)[0].__round__(6)
    0.909297
    """
    tape = active_tape()
    if tape is None:
        return f(*xs)
    entries_before = len(tape.entries)
    keys, aliases = list(tape.leaves), list(tape.leaves.values())
    given = leaves(xs)
    among = [type(x) is Tensor and on(tape, x) is not None for x in given]
    low_xs = rebuild(xs, iter(lower(given, tape)))
    low_leaves = [a._value for a in aliases]
    _, y, outputs = rerun(f, low_xs, among, keys, low_leaves)
    if len(tape.entries) != entries_before:
        raise LostGradientError(
            "checkpointed: the function uses a value that is being recorded outside of it. Pass it as an "
            "argument: checkpointed(f, x, value)"
        )
    parts = tape.add(
        *edges_to_parts(tape, given),
        *((a.slot, take, len(given) + k) for k, a in enumerate(aliases)),
    )
    edge = parts, recompute, f, low_xs, among, keys, low_leaves, values_of(outputs)
    slot, n = tape.add(edge), len(outputs)
    results = [
        leaf if output is None else at_slot(output._value, tape, tape.add((slot, place, k, n)))
        for k, (leaf, output) in enumerate(zip(leaves(y), outputs))
    ]
    return rebuild(y, iter(results))


def rerun(f, xs, among, keys, low_leaves):
    """Run ``f`` on a tape of its own, with the recorded ones of ``xs`` and the parameters as leaves."""
    tape = Tape()
    entries = tape.entries
    inputs = [at_slot(x, tape, tape.add()) if on_tape else x for x, on_tape in zip(leaves(xs), among)]
    tape.leaves.update({key: new_tensor(x, tape, tape.add()) for key, x in zip(keys, low_leaves)})

    def forward():
        y = f(*rebuild(xs, iter(inputs)))
        outputs = [on(tape, t) if type(t) is Tensor else None for t in leaves(y)]
        return rebuild(y, iter([old if new is None else new for new, old in zip(outputs, leaves(y))])), outputs

    return entries, *tape.record(forward)


def values_of(outputs):
    return [None if output is None else output._value for output in outputs]


def recompute(g, f, xs, among, keys, low_leaves, first):
    # running statistics have moved the first time
    entries, _, outputs = Held().during(rerun, f, xs, among, keys, low_leaves)
    refuse_other_numbers(f, first, values_of(outputs))
    seeds = {}
    for y, seed in zip(outputs, g):
        if y is not None and seed is not None:
            seeds[y.slot] = seeds[y.slot] + seed if y.slot in seeds else seed
    found = iter(backward(entries, seeds, sum(among) + len(keys), consume=True))
    return Parts([next(found) if on_tape else None for on_tape in among] + list(found))


def refuse_other_numbers(f, first, again):
    """Raise unless both runs of a function gave the same; BLAS may round differently the second time."""
    refuse_if(
        differ(lower(first, None), lower(again, None)),
        LostGradientError,
        f"checkpointed: {getattr(f, '__name__', 'the function')} gave other numbers when it ran again on the way "
        "back, whose derivative is not that of the first ones. Draw random numbers before and pass them in, "
        "checkpointed(f, x, mask); and change nothing that the function uses until the gradient is taken.",
    )


@atomic
def differ(first, again):
    """Say whether two lists of arrays, None among them, hold other numbers."""
    return len(first) != len(again) or not all(map(close, first, again))


def close(a, b):
    if a is None or b is None:
        return a is b
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if np.array_equal(a, b, equal_nan=True):
        return True
    tolerance = np.finfo(a.dtype).eps ** 0.75 if a.dtype.kind in "fc" else 0
    return np.allclose(a, b, tolerance, tolerance * np.max(np.abs(a[np.isfinite(a)]), initial=0), equal_nan=True)
