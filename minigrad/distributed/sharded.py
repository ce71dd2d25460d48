"""Sharded state: every rank keeps the optimiser's state of its own part of the parameters, and makes their steps.

    opt = group.sharded(ADAM())
    train_(loss, params(model), loader, opt, group=group)

The parameters of one dtype become views of one flat array.  A step is: the gradients are added up so that each rank
gets its part of the sum, it updates that part, and the parts are put together again.
"""

from __future__ import annotations

import copy
from typing import Any, NoReturn

import numpy as np

from ..core.params import Params
from ..core.tensor import Tensor
from ..optimise.apply import apply_, refuse_no_optimiser
from ..optimise.state import state_to_save, tasks_to_load
from ..optimise.update import update_
from .flat import shares


class Sharded:
    """An optimiser whose state is spread over the ranks; made by ``group.sharded(opt)``.

    Attributes
    ----------
    opt : the optimiser, whose hyperparameters may be changed, alike on all ranks
    """

    def __init__(self, opt: Any, line: Any, rank: int, size: int) -> None:
        refuse_no_optimiser(opt, "sharded")
        refuse_joint(opt)
        self.opt, self._line, self._rank, self._size = opt, line, rank, size
        self._flat, self._own, self._views = {}, {}, {}  # by dtype, by dtype, by the parameter's identity

    def __repr__(self):
        return f"Sharded({self.opt!r}, part {self._rank} of {self._size})"

    def adopt(self, ps: Params) -> None:
        """Make the parameters views of flat arrays, if they are none yet, or have been given other arrays since."""
        if self._views.keys() != {id(p) for p in ps}:
            if self._views:
                raise ValueError("sharded: these are other parameters than those of the steps before")
            self._begin(ps)
        for p in ps:
            view = self._views[id(p)]
            if p.data is not view:
                np.copyto(view, p.data)
                p.data = view

    def _begin(self, ps):
        for dtype in dict.fromkeys(p.dtype for p in ps):
            if dtype.char == "e" or not dtype.isnative:
                raise TypeError(f"sharded: parameters of {dtype} have their steps computed in another dtype")
            alike = [p for p in ps if p.dtype == dtype]
            flat = np.concatenate([p.data.ravel() for p in alike])
            ends = np.cumsum([p.size for p in alike])
            for p, part in zip(alike, np.split(flat, ends[:-1])):
                self._views[id(p)] = part.reshape(p.shape)
            self._flat[dtype] = flat
            self._own[dtype] = Tensor(self._mine(flat), copy=False)

    def part(self, ps: Params, totals: dict[Any, np.ndarray]) -> dict[Any, np.ndarray]:
        """Return this rank's part of gradients that came as a whole, by dtype."""
        self.adopt(ps)
        sizes = {dtype: flat.size for dtype, flat in self._flat.items()}
        whole = {dtype: a[: sizes[dtype]] for dtype, a in totals.items() if a.size >= sizes[dtype]}
        return {dtype: self._mine(whole[dtype]) if dtype in whole else a for dtype, a in totals.items()}

    def update_(self, ps: Params, part: dict[Any, np.ndarray]) -> None:
        """Make the steps of this rank's part, and fetch those of the others."""
        self.adopt(ps)
        update_(self.opt, list(self._own.values()), [part[dtype].reshape(1, 1, -1) for dtype in self._own])
        for dtype, own in self._own.items():
            self._line.gathered(own.data.ravel().copy(), self._flat[dtype])

    # ---------------------------------------------------------------------------- saved as of one process
    def saved_whole(self, named: dict[str, Any], who: str) -> Any:
        """Return what an optimiser of one process would have to save; all ranks give their parts of it."""
        self.adopt(Params(p for p, _ in named.values()))
        return through(saved(self.opt, self._parts(), who), None, lambda by_dtype, _: self._spread(by_dtype, named))

    def tasks_to_load_part(self, named: dict[str, Any], whole: dict[str, Any]) -> list[Any]:
        """Return the functions that load this rank's part of what an optimiser of any number of ranks has saved."""
        self.adopt(Params(p for p, _ in named.values()))
        twin, dtype = copy.deepcopy(self.opt), next(iter(self._own))
        like = Tensor(np.zeros(SHAPE, dtype))
        update_(twin, like, np.ones(SHAPE, dtype))
        like = saved(twin, {"": like}, "load_state_")
        part = through(whole["optimiser"], like, lambda by_name, like: self._cut(by_name, like.get(""), named))
        shapes = {name: {"shape": list(own.shape), "dtype": own.dtype.name} for name, own in self._parts().items()}
        return tasks_to_load(self.opt, self._parts(), {**whole, "parameters": shapes, "optimiser": part})

    def _parts(self):
        return {dtype.name: own for dtype, own in self._own.items()}

    def _spread(self, by_dtype, named):
        """Return state by parameter for state by dtype, of which each rank has a part."""
        whole = {name: each(self._gathered, value) for name, value in by_dtype.items()}
        found, ends = {}, dict.fromkeys(whole, 0)
        for name, (p, _) in named.items():
            if (dtype := p.dtype.name) in whole:
                here = slice(ends[dtype], ends[dtype] + p.size)
                ends[dtype] = here.stop
                found[name] = each(lambda a, p=p, here=here: a[..., here].reshape(p.shape), whole[dtype])
        return found

    def _gathered(self, part):
        flat = np.empty(self._flat[part.dtype].size, part.dtype)
        self._line.gathered(part.ravel(), flat)
        return flat.reshape(1, 1, -1)

    def _cut(self, by_name, like, named):
        """Return state by dtype, this rank's part, for state by parameter."""
        found = {}
        for dtype in self._own:
            values = [by_name.get(name) for name, (p, _) in named.items() if p.dtype == dtype]
            if all(value is None for value in values):
                continue
            if any(value is None for value in values):
                raise ValueError("load_state_: some parameters have no state, where sharded ones all have it")
            found[dtype.name] = together(values, like, lambda all_: self._mine(np.concatenate([*map(np.ravel, all_)])))
        return found

    def _mine(self, flat):
        """Return the view of this rank's part."""
        return flat[shares(flat.size, self._size)[self._rank]].reshape(1, 1, -1)


SHAPE = 1, 1, 2  # of parts: with the three axes, an array of the state that has a number for each is told from others


def saved(opt, named, who):
    return state_to_save(opt, named, who)["optimiser"]


def through(node, like, f):
    """Return what an optimiser has saved with ``f`` of every state in it and of that in the same place of ``like``."""
    if "state" not in node:
        return node
    like = like or {"state": {}, "inside": {}}
    return {
        **node,
        "state": {name: f(entries, like["state"].get(name, {})) for name, entries in node["state"].items()},
        "inside": {name: through(inner, like["inside"].get(name), f) for name, inner in node["inside"].items()},
    }


def each(f, x):
    """Return state with ``f`` of every array in it that has a number for each of the parameter's."""
    if isinstance(x, (list, dict)):
        return {key: each(f, y) for key, y in x.items()} if isinstance(x, dict) else [each(f, y) for y in x]
    return f(x) if isinstance(x, np.ndarray) and x.ndim == len(SHAPE) else x


def together(states, like, join):
    """Return one state for those of several parameters: numbers for each joined, what they have in common once."""
    if isinstance(like, dict):
        return {key: together([s[key] for s in states], like[key], join) for key in like}
    if isinstance(like, list):
        return [together([s[i] for s in states], x, join) for i, x in enumerate(like)]
    if isinstance(like, np.ndarray) and like.ndim == len(SHAPE):
        return join(states)
    if any(not np.array_equal(s, states[0]) for s in states):
        raise ValueError("load_state_: the parameters have made different numbers of steps; sharded, all make alike")
    return states[0]


def refuse_joint(opt):
    """Raise ValueError if a step of some numbers depends on others, so that parts cannot make it by themselves."""
    x, dx = np.linspace(-1, 2, 6).reshape(1, 1, 6), np.linspace(3, -1, 6).reshape(1, 1, 6)
    whole, parts = x.copy(), [x[..., :2].copy(), x[..., 2:].copy()]
    twins = [copy.deepcopy(opt) for _ in range(3)]
    for _ in range(3):
        for twin, y, dy in zip(twins, [whole, *parts], [dx, dx[..., :2], dx[..., 2:]]):
            update_(twin, y, dy)
    if not np.array_equal(whole, np.concatenate(parts, -1)):
        raise ValueError(
            f"sharded: with {opt!r} the step of one number depends on others, as through a norm, and a rank has only "
            "its own part of them. State is sharded for rules that go number by number"
        )


@apply_.register
def apply_sharded(opt: Sharded, x: Any, dx: Any) -> NoReturn:
    raise TypeError(
        "update_: a sharded optimiser gets its gradients in parts. Write train_(..., opt, group=group), or\n"
        "    loss, part = group.withgradient(loss, ps, batch, opt=opt)\n    group.update_(opt, ps, part)"
    )
