"""Optimisers for groups of parameters: each parameter goes to the member of its group."""

from __future__ import annotations

import copy
import functools
import inspect
import re
from collections.abc import Iterator
from typing import Any

from .. import habits
from ..core.errors import StrangerError
from ..core.storage import ndarray_of
from ..doors import door
from ..iddict import IdDict
from .apply import apply_
from .arrays import describe, parameters_in
from .compose import holders, member_of
from .rules import AbstractOptimiser


@door
class Groups(AbstractOptimiser):
    """An optimiser for each group of parameters; in a composition it stands as any other.

        step of p = rule of the first group that p is in (x, dx)

    Parameters
    ----------
    *groups : pairs (group, rule).  A group is Params, a model, a Tensor or a list of these, as they are now; or a
        predicate, a function of (name, parameter), which is asked once of each.  ``update_`` and ``train_`` know the
        names of ``params(model)``; a parameter given alone has the name "".  The first group that fits counts
    otherwise : the rule for parameters in no group; without it such a parameter is an error

    A rule is an optimiser, composed ones too; None leaves its parameters alone, as if they had no gradient; and
    ``Optimiser()`` passes their gradients on unchanged, to what stands behind the groups or, at the end, as steps.

    It is a sequence of the rules, that of ``otherwise`` the last: ``opt[0].eta = 0.1``.  ``opt[W]`` is the rule of a
    parameter.  ``opt.eta = 0.1`` is assigned to every rule that has it, a list to one after the other; ``opt.eta`` is
    what they all have, or a list.  So ``Scheduler(opt, eta=schedule)`` sets all rates; a Scheduler inside sets one.

    What is joint over parameters, as ClipGlobalNorm is, spans all groups where it stands beside them, and one where it
    stands inside.  Each group is one compiled loop, with what stands before and behind the groups in it.

    Raises TypeError for what is no pair or no rule; when stepping, StrangerError for a parameter in no group.

    PyTorch calls it ``param_groups``, optax ``multi_transform``.  Not in Flux 0.13.

    >>> import numpy as np
    >>> from minigrad.optimise import ADAM, Descent, Optimiser, WeightDecay, update_
    >>> W, b = np.ones((2, 2)), np.ones(2)
    >>> opt = Optimiser(Groups((W, WeightDecay(0.1)), otherwise=Optimiser()), Descent(0.5))
    >>> update_(opt, [W, b], [np.zeros((2, 2)), np.zeros(2)]); W[0], b
    (array([0.95, 0.95]), array([1., 1.]))
    >>> opt[0]
    Groups((<1 parameter, 4 numbers>, WeightDecay(wd=0.1)), otherwise=Optimiser())
    """

    def __init__(self, *groups: Any, otherwise: Any = ...) -> None:
        pairs = [pair_of(pair, f"Groups: group {k}") for k, pair in enumerate(groups)]
        self._groups = [group for group, _ in pairs]
        self._otherwise = otherwise is not ...
        self.os = [rule for _, rule in pairs]
        if self._otherwise:
            self.os.append(rule_of(otherwise, "Groups: otherwise"))
        self._decided = IdDict()  # parameter -> the number of its rule

    @classmethod
    def by_name(cls, model: Any, patterns: dict[str, Any], otherwise: Any = ...) -> Groups:
        """Return Groups by the names that the parameters have in a model.

        Parameters
        ----------
        model : what ``params`` takes; the names are those of ``named_params(model)``, such as ``layers[0].W``
        patterns : dict from names to rules; in a name ``*`` stands for any text, and ``?`` for one letter
        otherwise : as for ``Groups``

        Raises ValueError for a pattern that fits no name.

        >>> from minigrad import nn, ADAM, ADAMW
        >>> model = nn.Chain(nn.Dense(2, 3), nn.Dense(3, 1))
        >>> Groups.by_name(model, {"*.b": ADAM(), "layers[0].*": None}, otherwise=ADAMW(decay=0.01))[0]
        ADAM(eta=0.001, beta=(0.9, 0.999), epsilon=1e-08)
        """
        named, groups = parameters_in(model, "Groups.by_name"), []
        for pattern, rule in patterns.items():
            found = [(name, p) for name, p in named if matches(pattern, name)]
            if not found:
                raise ValueError(
                    f"Groups.by_name: {pattern!r} fits no parameter. In this model they are called "
                    f"{', '.join(name or repr('') for name, _ in named)}; * stands for any text"
                )
            groups.append((Members(repr(pattern), found), rule))
        return cls(*groups, otherwise=otherwise)

    def numbers(self, named: dict[str, Any]) -> dict[str, int]:
        """Return the numbers of the rules for some parameters, by the names of these, without asking a predicate."""
        open_ = any(group.predicate for group in self._groups)
        found = {name: self._decided.get(p) if open_ else self.number_of(p, Names(None)) for name, p in named.items()}
        return {name: number for name, number in found.items() if number is not None}

    def number_of(self, p: Any, names: Names) -> int | None:
        """Return the number of the rule for a parameter, None if there is none."""
        if p in self._decided:
            return self._decided[p]
        name = names.of(p) or next(filter(None, (group.name_of(p) for group in self._groups)), "")
        number = next((k for k, group in enumerate(self._groups) if group.has(name, p)), None)
        if number is None and self._otherwise:
            number = len(self._groups)
        if number is not None:
            self._decided[p] = number
        return number

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, (int, slice)):
            return self.os[i]
        number = self.number_of(i, Names(None))
        if number is None:
            raise StrangerError(f"this parameter is in no group of {self!r}")
        return self.os[number]

    def __setitem__(self, i: int, rule: Any) -> None:
        self.os[i] = rule_of(rule, f"Groups: rule {i}")

    def __len__(self) -> int:
        return len(self.os)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.os)

    def __getattr__(self, name: str) -> Any:
        found = self.those_with(name) if name[0] != "_" else []
        if not found:
            how = f": {habits.OPTIMISER[name]}" if name in habits.OPTIMISER else ""
            raise AttributeError(f"Groups has no {name!r}, nor has one of its rules{how}")
        values = [getattr(each, name) for each in found]
        return values[0] if all(value == values[0] for value in values) else values

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "os" or name[0] == "_":
            super().__setattr__(name, value)
            return
        found = self.those_with(name)
        if not found:
            raise AttributeError(f"Groups: no rule in {self!r} has a hyperparameter {name!r}")
        if isinstance(value, list) and len(value) != len(found):
            raise ValueError(f"Groups: {len(found)} rules have {name!r}, and {len(value)} values are given")
        before = [getattr(each, name) for each in found]
        try:
            for each, own in zip(found, value if isinstance(value, list) else [value] * len(found)):
                setattr(each, name, own)
        except Exception:
            for each, own in zip(found, before):
                setattr(each, name, own)
            raise

    def those_with(self, name: str) -> list[Any]:
        """Return the rules, or what is inside of them, that have a hyperparameter, each once."""
        found = []
        for rule in vars(self).get("os", ()):
            own = holders(rule, name)
            if len(own) > 1:
                raise AttributeError(f"Groups: {len(own)} members of {rule!r} have {name!r}; set the one that is meant")
            found += own
        return list({id(each): each for each in found}.values())

    def stages(self) -> list:
        raise TypeError("Groups: parameters go through different rules, so there is no one step to write out")

    _structure = ("os", "_groups", "_otherwise", "_decided")

    def _inside(self):
        return {str(k): rule for k, rule in enumerate(self.os) if rule is not None}

    def __repr__(self) -> str:
        shown = [f"({group!r}, {rule!r})" for group, rule in zip(self._groups, self.os)]
        return f"Groups({', '.join(shown + [f'otherwise={self.os[-1]!r}'] * self._otherwise)})"


class Members:
    """Some parameters with their names, or those of which a predicate is true."""

    def __init__(self, label, named=(), predicate=None):
        self.label, self.predicate = label, predicate
        self.names = IdDict((p, name) for name, p in named)
        self.copied_from = IdDict()

    def has(self, name, p):
        return p in self.names or p in self.copied_from if self.predicate is None else bool(self.predicate(name, p))

    def __deepcopy__(self, memo):
        """Of an optimiser copied alone the groups are those of the same parameters, else of their copies."""
        new = Members(self.label, predicate=self.predicate)
        new.names, new.copied_from = copy.deepcopy(self.names, memo), IdDict(self.names.items())
        return new

    def name_of(self, p):
        return self.names.get(p, "")

    def __repr__(self):
        if self.predicate is not None:
            return f"<{self.label}>"
        ps = self.names.keys()
        sizes = {"parameter": len(ps), "number": sum(p.size for p in ps)}
        counted = ", ".join(f"{n:,} {what}{'s' * (n != 1)}" for what, n in sizes.items())
        return f"<{self.label}{': ' if self.label else ''}{counted}>"


class Names:
    """What parameters are called in a Params or a container of them."""

    def __init__(self, given):
        self.given, self.known = given, None

    def of(self, p):
        """The name of a parameter, "" if it has none."""
        if self.known is None:
            several = isinstance(self.given, (list, tuple, dict)) or hasattr(self.given, "name_of")
            self.known = {id(q): name for name, q in parameters_in(self.given, "")} if several else {}
        return self.known.get(id(p), "")


def pair_of(pair, where):
    """Return Members and their rule."""
    if not (isinstance(pair, tuple) and len(pair) == 2):
        raise TypeError(f"{where} must be a pair (parameters, rule), as in Groups((params(W), ADAM()), otherwise=None)")
    given, rule = pair
    if apply_.dispatch(type(given)) is not apply_.dispatch(object):
        raise TypeError(f"{where}: the order is (parameters, rule), and {given!r} is a rule")
    if isinstance(given, str):
        raise TypeError(f"{where}: {given!r} is a name; names go with Groups.by_name(model, {{{given!r}: rule}}, ...)")
    if isinstance(given, Members):
        group = given
    elif inspect.isroutine(given) or isinstance(given, functools.partial) or callable(given) and not holds(given):
        group = Members(getattr(given, "__name__", type(given).__name__), predicate=given)
    else:
        group = Members("", parameters_in(given, where))
    return group, rule_of(rule, where)


def holds(model):
    try:
        return parameters_in(model, "")
    except TypeError:
        return []


def rule_of(rule, where):
    """Return what is given as a rule; None leaves parameters alone."""
    return None if rule is None else member_of(where, rule)


def matches(pattern, name):
    """Whether a name is as a pattern says.

    >>> matches("layers[?].*", "layers[0].W"), matches("*.b", "layers[0].W")
    (True, False)
    """
    wild = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(wild, name, flags=re.S) is not None


def no_group_of(groups, p, names, shown):
    """Return the message for a parameter in no group."""
    shown = f"{names.of(p)} ({describe(ndarray_of(p))})" if names.of(p) else shown
    return (
        f"update_: {shown} is in no group of {groups!r}. Say what becomes of such: otherwise=ADAM(), "
        "otherwise=None to leave them alone, or otherwise=Optimiser() to pass their gradients on"
    )
