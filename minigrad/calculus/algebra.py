"""What one does with Params as sets and as a dict, and with Grads as vectors.

The methods of both are put into their classes at the end.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..core.errors import told
from ..core.params import Grads, Params, params
from ..core.tensor import Tensor, recorded


def named_params(*models: Any) -> dict[str, Tensor]:
    """Return the parameters of models by their names: a dict.

    Parameters
    ----------
    *models : as for ``params``

    Returns
    -------
    dict, each Tensor once, in the order of ``params``.  A name is a place as Python writes it, ``layers[0].W``,
    and begins with ``models[k]`` where there are several.  That of a Tensor alone is empty.

    Raises TypeError where ``params`` does.

    No counterpart in Flux 0.13; PyTorch's ``named_parameters`` gives pairs.

    >>> W, b = Tensor([[1.0, 2.0]]), Tensor([0.0])
    >>> named_params({"first": [W, b]})
    {"['first'][0]": Tensor([[1., 2.]]), "['first'][1]": Tensor([0.])}
    """
    ps, named, alone = params(*models), {}, len(models) == 1 and type(models[0]) is Tensor
    given = {} if alone else {id(model): f"models[{k}]" for k, model in enumerate(models)}
    for i, t in enumerate(ps):
        name = ps.name_of(t) or given.get(id(t), "" if alone else f"[{i}]")
        named[f"[{i}]" if name in named else name] = t
    return named


class Sets:
    """Methods of Params."""

    def union(self, *others: Iterable[Tensor]) -> Params:
        """Return the parameters of this set and of the others."""
        return self.copy().union_(*others)

    def union_(self, *others: Iterable[Tensor]) -> Params:
        """Add the parameters of the others to this set; return it."""
        for other in others:
            self.push_(*other)
            if isinstance(other, Params):
                self._names = {**other._names, **self._names}
        return self

    def intersect(self, *others: Iterable[Tensor]) -> Params:
        """Return the parameters that are in this set and in every other one."""
        others = [Params(other) for other in others]
        return self.copy().delete_(*(t for t in self if not all(t in other for other in others)))

    def issetequal(self, other: Iterable[Tensor]) -> bool:
        """Say whether both hold the same parameters, in whatever order."""
        return self == Params(other)

    def map(self, f: Callable[[Tensor], Any]) -> list[Any]:
        """Return the list of ``f(p)`` over the parameters."""
        return [f(p) for p in self]


class Vectors:
    """Methods of Grads: arithmetic with numbers, other Grads and dicts of the same parameters."""

    def map(self, f: Callable[..., Any], *others: Any) -> Grads:
        """Return Grads of ``f(g, ...)`` over these gradients and the others'; None counts as zeros."""
        columns = [self.filled(), *map(told.enter, itertools.repeat(self.matched), others)]
        return Grads(self.params, [f(*row) for row in zip(*columns)])

    def map_(self, f: Callable[..., Any], *others: Any) -> Grads:
        """Overwrite each gradient with ``f(g, ...)``; return these Grads."""
        for p, g in self.map(f, *others).pairs():
            self[p] = g
        return self

    def merge_(self, *others: Grads) -> Grads:
        """Take over the parameters and gradients of the others; return these Grads."""
        for other in others:
            self.params.union_(other.params)
            self._gradients.update(other._gradients)
        return self

    def filled(self):
        """Return the list of gradients with zeros in the place of None."""
        return [Tensor(np.zeros_like(p.data)) if g is None else g for p, g in self.pairs()]

    def matched(self, other):
        """Return the list of values of ``other`` (Grads, dict or number) in the order of these."""
        if isinstance(other, (Grads, dict)):
            theirs = Params(other.keys())
            if not theirs.issetequal(self.params):
                raise ValueError(
                    f"Grads of different parameters cannot be combined: {theirs} and {self.params}"
                )
            found = {id(p): other[p] for p in theirs}
            return [np.zeros_like(p.data) if found[id(p)] is None else found[id(p)] for p in self.params]
        return [other] * len(self)

    def __add__(self, other: Any) -> Grads:
        return self.map(np.add, other)

    def __sub__(self, other: Any) -> Grads:
        return self.map(np.subtract, other)

    def __mul__(self, other: Any) -> Grads:
        return self.map(np.multiply, other)

    def __truediv__(self, other: Any) -> Grads:
        return self.map(np.divide, other)

    def __pow__(self, other: Any) -> Grads:
        return self.map(np.power, other)

    def __rsub__(self, other: Any) -> Grads:
        return (-self).map(np.add, other)

    def __neg__(self) -> Grads:
        return self.map(np.negative)

    __radd__, __rmul__ = __add__, __mul__

    def norm(self) -> float | Any:
        """Return the Euclidean norm of all gradients together: a float; a Tensor in an outer gradient."""
        flat = [np.ravel(g) for g in self if g is not None]
        norm = np.linalg.norm(np.concatenate(flat)) if flat else 0.0
        return norm if type(norm) is Tensor and recorded(norm) is not None else float(norm)


for _kind, _methods in (Params, Sets), (Grads, Vectors):
    for _name, _value in vars(_methods).items():
        if callable(_value) and _name not in ("__dict__", "__weakref__"):
            setattr(_kind, _name, _value)
