"""Params, the ordered set of parameters, and Grads, the gradient with respect to each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, ValuesView
from typing import Any

import numpy as np

from .errors import StrangerError
from .tensor import Tensor
from .trees import named_tensors


def params(*models: Any) -> Params:
    """Return the parameters of models: the ordered set of all Tensors in them.

    Parameters
    ----------
    *models : Tensors, nested lists, tuples, dicts, dataclasses, or objects whose attributes hold Tensors;
        iterators of them

    Returns
    -------
    Params, each Tensor once, in the order of the arguments and of the attributes' creation

    Raises
    ------
    TypeError : if an argument holds no Tensor, or a Tensor of integers or booleans

    Differs from Zygote: ndarrays are constants here, so ``params(np.ones(2))`` is an error.

    Source: Zygote 0.6 ``Params``, Flux 0.13 ``params``.

    >>> W, b = Tensor([[1.0, 2.0]]), Tensor([0.0])
    >>> ps = params({"W": W, "b": b}, W)
    >>> len(ps), W in ps
    (2, True)
    """
    ps, names = Params(), {}
    for position, model in enumerate(models, 1):
        if type(model) is Tensor:
            ps.push_(model)
            continue
        if isinstance(model, Params):
            ps.union_(model)
            continue
        if isinstance(model, (Iterator, ValuesView)):  # a generator of layers, the values of a dict
            model = list(model)
        found = named_tensors(model, f"models[{position - 1}]" if len(models) > 1 else "")
        if not found:
            raise TypeError(no_tensor_in(model, position))
        for name, t in found:
            refuse_dtype(t, f"params: {name or f'argument {position}'}")
            ps.push_(t)
            names.setdefault(id(t), name)
    ps._names = {**names, **ps._names}
    return ps


def no_tensor_in(model, position):
    if isinstance(model, np.ndarray):
        return (
            f"params: argument {position} is a plain ndarray of shape {model.shape}, which is a constant "
            "here. Make it a parameter: W = Tensor(W) (or Tensor(W, copy=False) to share its memory), "
            "and use that W in the loss."
        )
    if isinstance(model, (int, float, complex)):
        return (
            f"params: argument {position} is the number {model!r}. Make it a parameter: b = Tensor({model!r})"
        )
    return (
        f"params: argument {position}, a {type(model).__name__}, holds no Tensor, so there is nothing to "
        "differentiate. Parameters are made by Tensor(array), randn(...), zeros(...)."
    )


def refuse_dtype(t, who):
    if t.dtype.kind not in "fc":
        raise TypeError(
            f"{who} is a Tensor of {t.dtype}, and only real and complex floating-point numbers have a "
            "gradient. Make it one: Tensor(x, dtype=float)"
        )


class Params:
    """An ordered set of parameters, told apart by identity.

    Parameters
    ----------
    tensors : iterable of Tensors; repeated ones count once

    Behaves as a sequence (``ps[0]``, ``ps[1:]``, iteration, ``len``) and as a set (``W in ps``,
    ``union``, ``intersect``, ``push_``, ``delete_``).  It keeps its parameters alive.

    Raises TypeError for what is no Tensor of floating-point or complex numbers.

    Differs from Zygote: duplicates are dropped at construction too; flat copies are row-major.

    Source: Zygote 0.6 ``Params``.

    >>> a, b = Tensor([1.0, 2.0]), Tensor(3.0)
    >>> ps = Params([a, b, a])
    >>> len(ps), a in ps, Tensor([1.0, 2.0]) in ps
    (2, True, False)
    """

    __slots__ = ("_tensors", "_names", "__weakref__")

    def __init__(self, tensors: Iterable[Tensor] = ()) -> None:
        self._tensors = {}  # id -> Tensor
        self._names = {}  # id -> its place in the model it comes from; shared by copies, and never changed
        self.push_(*tensors)

    def push_(self, *tensors: Tensor) -> Params:
        """Add parameters (those already there stay where they are); return the Params."""
        for t in tensors:
            if type(t) is not Tensor:
                raise TypeError(
                    f"Params holds Tensors; got {describe(t)}. Write Tensor(x), or params(model) to collect"
                )
            if t._value.dtype.kind not in "fc":
                refuse_dtype(t, "Params: the parameter")
            self._tensors.setdefault(id(t), t)
        return self

    def delete_(self, *tensors: Tensor) -> Params:
        """Remove parameters; a stranger is passed over.  Return the Params."""
        for t in tensors:
            self._tensors.pop(id(t), None)
        self._names = {key: name for key, name in self._names.items() if key in self._tensors}
        return self

    def __contains__(self, t: object) -> bool:
        return id(t) in self._tensors

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self._tensors.values())

    def __len__(self) -> int:
        return len(self._tensors)

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Params) and self._tensors.keys() == other._tensors.keys()

    __hash__ = None

    def __repr__(self):
        return f"Params([{', '.join(self.shown(t) for t in self)}])"

    def __reduce__(self):  # copies and pickles get sets of the copied Tensors
        return with_names, (list(self), [self.name_of(t) for t in self])

    def name_of(self, t: Tensor) -> str:
        """Return the place of a parameter in the model that it comes from, "" if that is not known."""
        return self._names.get(id(t), "")

    def shown(self, t):
        """Return a parameter's name, if it is known, and its shape, for people."""
        name = self.name_of(t)
        return f"{name} {t.shape}" if name else describe(t)

    def copy(self) -> Params:
        """Return another set of the same parameters."""
        twin = object.__new__(Params)
        twin._tensors, twin._names = self._tensors.copy(), self._names
        return twin


def with_names(tensors, names):
    """Return Params of Tensors whose names are known, or "" for those of which they are not."""
    ps = Params(tensors)
    ps._names = {id(t): name for t, name in zip(tensors, names) if name}
    return ps


class Grads:
    """The gradient with respect to each parameter of a Params.

    ``grads[W]`` is a Tensor of W's shape, or None where the loss does not depend on W.  Iteration,
    ``values``, ``keys``, ``pairs`` follow the order of the Params.  Arithmetic with numbers, other
    Grads and dicts of the same parameters gives Grads (None counts as zeros).

    Raises StrangerError (a KeyError) for a parameter that is not in the Params (an equal copy is a
    stranger), TypeError for a number as key.

    Source: Zygote 0.6 ``Grads``.

    >>> W, b = Tensor([1.0, 2.0]), Tensor(3.0)
    >>> grads = Grads(params(W, b), [Tensor([0.5, 0.5]), None])
    >>> grads[W], grads[b]
    (Tensor([0.5, 0.5]), None)
    >>> (2 * grads)[W], (2 * grads)[b]
    (Tensor([1., 1.]), Tensor(0.))
    """

    __slots__ = ("params", "_gradients")
    __array_ufunc__ = None  # so that NumPy's numbers and arrays leave ``a * grads`` to Grads

    def __init__(self, ps, gradients):
        self.params = ps
        self._gradients = dict(zip(ps._tensors, gradients))

    def __getitem__(self, p: Tensor) -> Tensor | Any:
        try:
            return self._gradients[id(p)]
        except KeyError:
            raise stranger(p) from None

    def __setitem__(self, p: Tensor, g: Any) -> None:
        if id(p) not in self._gradients:
            raise stranger(p)
        if g is not None and np.shape(g) != p.shape:
            raise ValueError(f"Grads: a gradient of shape {np.shape(g)} for a parameter of shape {p.shape}")
        self._gradients[id(p)] = g if g is None or type(g) is Tensor else Tensor(g)

    def __contains__(self, p: object) -> bool:
        return id(p) in self._gradients

    def __iter__(self) -> Iterator[Tensor | Any]:
        return iter(self._gradients.values())

    def __len__(self) -> int:
        return len(self._gradients)

    def keys(self) -> Params:
        """Return the Params."""
        return self.params

    def values(self) -> list[Tensor | Any]:
        """Return the list of gradients."""
        return list(self._gradients.values())

    def along(self, ps):
        """Return the parameters ``ps`` and the gradient of each as two tuples: for ``update_``."""
        if [*ps._tensors] == [*self._gradients]:  # as a rule
            return tuple(ps._tensors.values()), tuple(self._gradients.values())
        return tuple(ps), tuple([self[p] for p in ps])

    def pairs(self) -> list[tuple[Tensor, Tensor | Any]]:
        """Return the list of (parameter, gradient)."""
        return list(zip(self.params, self._gradients.values()))

    items = pairs

    def get(self, p: Tensor, default: Any = None) -> Any:
        """Return ``grads[p]``, or ``default`` for a stranger."""
        return self._gradients.get(id(p), default)

    def __reduce__(self):
        return Grads, (self.params, self.values())

    def __repr__(self):
        lines = [f"  {self.params.shown(p)}: {'None' if g is None else g}" for p, g in self.pairs()]
        return "\n".join([f"Grads of {len(self)} parameter{'s' * (len(self) != 1)}:", *lines])

    def copy(self) -> Grads:
        """Return Grads of the same parameters that hold copies of the gradients."""
        return Grads(self.params, [None if g is None else np.copy(g) for g in self])


def stranger(p):
    if isinstance(p, (int, float, complex, str)):
        return TypeError(
            f"Grads are asked by parameter, as in grads[W], not by {p!r}; grads.values()[i] goes by position"
        )
    return StrangerError(
        f"no gradient was taken with respect to {describe(p)}: it is not one of the Params. Parameters are "
        "told apart by identity, so a copy, a view or a Tensor with the same numbers is another one"
    )


def describe(x):
    shape = getattr(x, "shape", None)
    return f"{type(x).__name__}{shape}" if isinstance(shape, tuple) else f"a {type(x).__name__}, not a Tensor"
