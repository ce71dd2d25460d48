"""Sharded state: every rank keeps the optimiser's state of its own part of the parameters, and makes their steps.

    opt = group.sharded(ADAM())
    train_(loss, params(model), loader, opt, group=group)

The parameters of one dtype become views of one flat array, which is cut into as many equal parts as there are ranks.
A step is: the gradients are added up so that each rank gets its part of the sum, it updates that part, and the parts
are put together again.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import numpy as np

from ..core.params import Params
from ..core.storage import Storage
from ..core.tensor import Tensor
from ..core.trees import leaves, rebuild
from ..optimise.apply import apply_, refuse_no_optimiser
from ..optimise.contents import parts_of
from ..optimise.groups import Groups
from ..optimise.route import frozen
from ..optimise.state import state_to_save, tasks_to_load
from ..optimise.update import update_
from ..randomness import RANDOM


class Sharded:
    """An optimiser whose state is spread over the ranks; made by ``group.sharded(opt)``.

    Attributes
    ----------
    opt : the optimiser, whose hyperparameters may be changed, alike on all ranks
    """

    def __init__(self, opt: Any, line: Any, rank: int, size: int) -> None:
        refuse_no_optimiser(opt, "sharded")
        refuse_joint(opt)
        self.opt, self.os = opt, [opt]
        self._line, self._rank, self._size = line, rank, size
        self._ps, self._views = [], {}  # parameters in the order in which they stand in the flat arrays; by identity
        self._flat, self._own = {}, {}  # by dtype

    def __repr__(self):
        return f"Sharded({self.opt!r}, part {self._rank} of {self._size})"

    def adopt(self, ps: Iterable[Tensor]) -> Iterable[Tensor]:
        """Make the parameters views of flat arrays, if they are none yet; return them in the order of these."""
        if not self._ps:
            self._begin(list(ps))
        if self._views.keys() != {id(p) for p in ps}:
            raise ValueError("sharded: these are other parameters than those of the steps, or the checkpoint, before")
        for p in self._ps:
            view = self._views[id(p)]
            if p.data is not view:  # it has been given another array since
                np.copyto(view, p.data)
                p.data = view
        return self._ps

    def _begin(self, ps):
        for dtype in dict.fromkeys(p.dtype for p in ps):
            if dtype.char == "e" or not dtype.isnative:
                raise TypeError(f"sharded: parameters of {dtype} have their steps computed in another dtype")
            alike = of_dtype(dtype, ps)
            self._flat[dtype] = self._laid_out([p.data for p in alike])
            self._own[dtype] = Tensor(self._mine(self._flat[dtype]))
            self._views |= {id(p): view for p, view in zip(alike, cut(self._flat[dtype], alike))}
        self._ps = ps

    def _laid_out(self, arrays):
        """Return arrays one behind the other, and zeros up to a multiple of the number of ranks."""
        n = sum(a.size for a in arrays)
        return np.concatenate([*map(np.ravel, arrays), np.zeros(-n % self._size, arrays[0].dtype)])

    def _mine(self, flat):
        """Return the view of this rank's part: by its three axes, what has a number for each in it is told apart."""
        return flat.reshape(self._size, 1, 1, -1)[self._rank]

    # ------------------------------------------------------------------------------------------- a step
    def update_(self, ps: Params, part: dict[Any, np.ndarray]) -> None:
        """Make the steps of this rank's part, and fetch those of the others: all of them or none."""
        self.adopt(ps)
        self._line.begun = "a step"  # in the midst of which a rank that fails leaves the others
        refuse_telling_apart(self.opt)
        for dtype, own in self._own.items():
            np.copyto(own.data, self._mine(self._flat[dtype]))
        steps = [part[dtype].reshape(own.shape) for dtype, own in self._own.items()]
        update_(self.opt, list(self._own.values()), steps)
        self._line.begun = None
        made = [self._line.gathered(own.data.ravel()) for own in self._own.values()]
        for flat, new in zip(self._flat.values(), made):
            np.copyto(flat, new)

    # --------------------------------------------------------------------------- the same in one process
    def twin(self) -> Any:
        """Return an optimiser of one process like this one, without its state."""
        return copy.deepcopy(self.opt)

    def whole(self) -> Any:
        """Return the optimiser of one process that would have made these steps; every rank gives its part."""
        twin = self.twin()
        for (_, mine), (_, all_) in zip(kept_in(self.opt), kept_in(twin)):
            for own, state in mine.items():
                alike = of_dtype(own.dtype, self._ps)
                columns = [self._spread(leaf, alike) for leaf in leaves(state)]
                for k, p in enumerate(alike):
                    all_[p] = rebuild(state, iter([column[k] for column in columns]))
        return twin

    def _spread(self, x, alike):
        """Return what each parameter has where a part has ``x``."""
        if np.ndim(x) != 3:
            return [copy.copy(x) for _ in alike]
        return cut(self._line.gathered(np.ravel(x)), alike)

    def averaged(self, ps: Any) -> contextlib.AbstractContextManager[None]:
        """A context in which averages stand in the place of the parameters, on all ranks at once."""
        return self.whole().averaged(ps)

    def load_part(self, twin: Any, ps: list[Tensor]) -> Callable[[], None]:
        """Return the function that loads this rank's part of the state of an optimiser of one process."""
        known = [p for p in ps if any(p in kept for _, kept in kept_in(twin))]
        if known:
            self.adopt(known)
        for rule, kept in kept_in(twin):
            for own in self._own.values():
                self._join(rule, kept, own, of_dtype(own.dtype, self._ps))
        mine = list(self._own.values())
        tasks = tasks_to_load(self.opt, mine, state_to_save(twin, mine, "load_state_"))
        return lambda: [task() for task in tasks]

    def _join(self, rule, kept, own, alike):
        """Keep for a part, in the place of parameters, what is kept for each of them."""
        states = [kept.pop(p) for p in alike if p in kept]
        if not states:
            return
        if len(states) < len(alike):
            raise ValueError("load_state_: some parameters have no state, where sharded ones all have it")
        columns = list(zip(*map(leaves, states)))
        if hasattr(rule, "fresh"):
            for_each = [x.ndim == 3 for x in rule.fresh(own.data)]
        else:
            for_each = [all(np.shape(x) == p.shape for x, p in zip(column, alike)) for column in columns]
        for column, shared in zip(columns, np.logical_not(for_each)):
            if shared and any(not np.array_equal(x, column[0]) for x in column):
                raise ValueError("load_state_: the parameters have made different numbers of steps; sharded, all alike")
        joined = [self._mine(self._laid_out(column)) if each else column[0] for column, each in zip(columns, for_each)]
        kept[own] = rebuild(states[0], iter(joined))


def of_dtype(dtype, ps):
    return [p for p in ps if p.dtype == dtype]


def cut(flat, ps):
    """Return the views of parameters, or of what belongs to them, that stand one behind the other."""
    return [x.reshape(p.shape) for p, x in zip(ps, np.split(flat, np.cumsum([p.size for p in ps])))]


def within(x, outer=()):
    """Return pairs (object, the IdDicts of its state) of all that an optimiser is made of."""
    if isinstance(x, (Storage, *RANDOM)):
        return []
    _, kept, inside = parts_of(x, (), "sharded", outer)
    return [(x, kept), *(found for o in inside.values() for found in within(o, (*outer, x)))]


def kept_in(opt):
    """Return pairs (rule, an IdDict with state by parameter)."""
    return [(rule, kept) for rule, all_ in within(opt) for kept in all_.values()]


def refuse_telling_apart(opt):
    """Raise ValueError for what treats some parameters otherwise than others: a part has numbers of several."""
    if frozen(opt) or any(isinstance(x, Groups) for x, _ in within(opt)):
        raise ValueError(f"sharded: {opt!r} tells parameters apart, and a rank's part has numbers of several of them")


def refuse_joint(opt):
    """Raise ValueError if a step of some numbers depends on others, so that parts cannot make it by themselves."""
    refuse_telling_apart(opt)
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
        "update_: a sharded optimiser gets its gradients in parts, and stands outermost. Write\n"
        "    train_(..., opt, group=group), or\n"
        "    loss, part = group.withgradient(loss, ps, batch, opt=opt)\n    group.update_(opt, ps, part)"
    )
