"""The group of ranks that train one model together."""

from __future__ import annotations

import atexit
import collections
import contextlib
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..arrays import generator
from ..core.gradient import withgradient
from ..core.params import Params, named_tensors, params
from ..core.tensor import Tensor
from ..data import Chunks
from ..moving import Held, RunningStatistics, settle_
from ..optimise.update import update_
from ..training.evaluation import SkipDatum, StopTraining, arguments_of
from ..training.history import rows_of
from .flat import LOSS, MOVES, ROWS, STATUS, Flat
from .line import Alone, GroupError, Line, ranks, world
from .sharded import Sharded

CHUNKS = 8  # of a batch, for the same bits on any number of ranks
EVERY = 100  # steps between two comparisons of the parameters


class Ended(Exception):
    """What ends a loop on a rank whose data have ended."""


class Caught:
    """A context that keeps what is raised in it, for all ranks to decide about."""

    error = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.error = error
        return True


TURNS = SkipDatum, StopTraining, Ended, BaseException  # that a rank may take in the place of going on, by its error
END, FAIL = 2, 3


def group(timeout: float = 600.0, *, exact: bool = False, comm: Any = None) -> Group:
    """Return the group of all ranks: of one, without mpi4py or without mpiexec.

    Parameters
    ----------
    timeout : seconds > 0 that a rank waits for the others before it ends them all
    exact : whether the numbers have the same bits on any number of ranks.  A batch is then cut into eight fixed
        parts, whose gradients are added up as a binary tree; without it, repetitions on the same number of ranks agree
    comm : communicator of mpi4py; by default one of all ranks

    Raises
    ------
    ValueError : for a timeout that is not positive
    ImportError : if mpiexec has started several processes, and mpi4py is missing or of another MPI

    No counterpart in Flux 0.13; FluxMPI.jl averages unweighted.

    >>> alone = group(); alone.rank, alone.size
    (0, 1)
    """
    if not timeout > 0:
        raise ValueError(f"distributed.group: timeout is a number of seconds above 0, but is {timeout!r}")
    found = Group(comm or world(), timeout, exact)
    if comm is None and found.size > 1:
        atexit.register(found.line.leave)
    return found


class Group:
    """The ranks that train one model together; made by ``distributed.group()``.

    Attributes
    ----------
    rank : int, which of them this is, from 0
    size : int, how many there are
    exact : bool

    >>> group()
    Group(rank 0 of 1)
    """

    def __init__(self, comm: Any, timeout: float, exact: bool) -> None:
        self.rank, self.size = (0, 1) if comm is None else (comm.Get_rank(), comm.Get_size())
        self.line = Line(comm, timeout) if self.size > 1 else Alone()
        self.exact, self.alone = bool(exact), self.size == 1 and not exact
        self.cut = CHUNKS if exact else self.size  # into how many chunks a batch is cut
        self.owners = [k * min(self.size, self.cut) // self.cut for k in range(self.cut)]
        self.chunks = [k for k, owner in enumerate(self.owners) if owner == self.rank]  # those of this rank
        self.steps, self.over = 0, False  # how many; whether all ranks know that the loop has ended
        self._random = {}  # the models' generators by identity, where every chunk has random numbers of its own
        self._running = {}  # their running statistics by identity, in the same order on all ranks

    def __repr__(self):
        return f"Group(rank {self.rank} of {self.size}{', exact' * self.exact})"

    # ------------------------------------------------------------------------------------ the same everywhere
    def broadcast_(self, model: Any) -> None:
        """Overwrite a model's Tensors and arrays with those of rank 0, and give every rank random numbers of its own.

        Parameters
        ----------
        model : Tensors, or whatever holds them.  Random generators in it (of ``Dropout``), and the one that
            ``seed`` restarts, go on as those of rank 0 there, and on each other rank as a stream spawned from it

        Raises GroupError on all ranks if their models differ in structure, shapes or dtypes.

        >>> W = Tensor([1.0]); group().broadcast_(W); W
        Tensor([1.])
        """
        kinds = Tensor, np.ndarray, np.random.Generator
        found = [(name, x.data if type(x) is Tensor else x) for name, x in named_tensors(model, kinds=kinds)]
        if not found:
            params(model)  # which says how a parameter is made
        arrays = [(name, x) for name, x in found if isinstance(x, np.ndarray) and x.flags.writeable]
        random = [generator()] + [x for _, x in found if isinstance(x, np.random.Generator)]
        self.same("broadcast_: the models", [len(random), *((name, x.shape, x.dtype.str) for name, x in arrays)])
        for _, x in arrays:
            whole = np.array(x, order="C")
            self.line.first(whole.reshape(-1).view(np.uint8))  # MPI does not know all dtypes
            x[...] = whole
        for rng, first in zip(random, self.of_first(random)):
            streams = [first] if self.exact else [first, *first.spawn(self.size - 1)]
            rng.bit_generator.state = streams[self.rank % len(streams)].bit_generator.state
        self._random |= {id(rng): rng for rng in random * self.exact}
        self._running |= {id(x): x for _, x in named_tensors(model, kinds=RunningStatistics)}

    def same(self, what: str, x: Any) -> None:
        """Raise GroupError on all ranks, naming those on which ``x`` is not as on most."""
        texts = [repr(one) for one in self.line.all(x)]
        usual, _ = collections.Counter(texts).most_common(1)[0]
        others = [r for r, text in enumerate(texts) if text != usual]
        if others:
            raise GroupError(
                f"{what} differ on {ranks(others)}: {texts[others[0]][:300]} there, {usual[:300]} elsewhere. All ranks "
                "run one program on the same data; group.broadcast_(model) makes the parameters equal"
            )

    def of_first(self, x: Any) -> Any:
        """Return what rank 0 has; all ranks call this.

        >>> group().of_first(3)
        3
        """
        return self.line.all(x)[0]

    def by_first(self, f: Callable[[], Any]) -> None:
        """Call a function on rank 0 while the others wait; its error is everybody's.

        >>> group().by_first(lambda: print("written once"))
        written once
        """
        with self.together():
            if self.rank == 0:
                f()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """A stretch of work that fails, skips or stops on all ranks if it does so on one."""
        with Caught() as caught:
            yield
        self._decide(self.line.sum(status_of(caught.error)), caught.error)

    @contextlib.contextmanager
    def loop(self, ps: Params, opt: Any) -> Iterator[None]:
        """A loop over data: what ends it on one rank ends it on all.  Alone, it does nothing."""
        self.over = self.size == 1
        with Caught() as caught:
            yield
            raise Ended("its data have ended, and those of others go on")
        if not self.over and not self.line.begun:
            with contextlib.suppress(StopTraining):
                self._turn(ps, opt, error=caught.error)
        if not isinstance(caught.error, Ended):
            raise caught.error

    def needed(self, opt: Any) -> bool:
        """Whether anything is done otherwise than in one process without a group."""
        return not self.alone or isinstance(opt, Sharded)

    def sharded(self, opt: Any) -> Sharded:
        """Return an optimiser that keeps on this rank the state of its part of the parameters: see ``sharding``.

        Parameters
        ----------
        opt : optimiser whose rule goes number by number

        Raises ValueError for one that does not, such as ``ClipNorm``.
        """
        return Sharded(opt, self.line, self.rank, self.size)

    def update_(self, opt: Any, ps: Params, gradients: Any) -> None:
        """Make a step of an ordinary or a sharded optimiser."""
        opt.update_(ps, gradients) if isinstance(opt, Sharded) else update_(opt, ps, gradients)

    # --------------------------------------------------------------------------------------------- gradients
    def withgradient(
        self, f: Callable[..., Any], ps: Any, data: Any = None, *, rows: int | None = None, opt: Any = None
    ) -> tuple[float, Any]:
        """Return the loss of a whole batch and its gradients, of which this rank computes a share.

            loss = sum_r rows_r f_r / sum_r rows_r,   and the gradients likewise

        Parameters
        ----------
        f : function of no argument, or of ``data``, that returns a mean over this rank's rows, a real number
        ps : Params, or a model
        data : what a DataLoader with ``shard=group`` hands out
        rows : int >= 0, how many rows this rank has, where ``f`` takes no data; without any it is not called
        opt : the sharded optimiser, if there is one, for ``group.update_(opt, ps, gradients)``

        Returns
        -------
        (float, Grads), the same on all ranks; with a sharded optimiser, this rank's part of the gradients

        Raises
        ------
        GroupError : if another rank has failed; on that one, the error itself
        ValueError : if neither or both of ``data`` and ``rows`` are given, or ``rows`` with ``exact=True``

        >>> W = Tensor([1.0, 2.0])
        >>> loss, grads = group().withgradient(lambda: np.mean(W**2), W, rows=2); loss, grads[W]
        (2.5, Tensor([1., 2.]))
        """
        ps = ps if isinstance(ps, Params) else params(ps)
        if (data is None) == (rows is None) or rows is not None and rows < 0:
            raise ValueError("withgradient: give what the loader hands out, or rows=, how many rows this rank has")
        if self.alone and not isinstance(opt, Sharded):
            return withgradient(f if data is None else lambda: f(*arguments_of(data)), ps)
        given = () if data is None else data
        return self.reduced(lambda *given: withgradient(lambda: f(*given), ps), ps, given, opt, rows)

    def reduced(
        self, share: Callable[..., Any], ps: Params, data: Any, opt: Any = None, rows: int | None = None
    ) -> tuple[float, Any]:
        """Return loss and gradients of the whole batch, for a function that returns those of some of its rows.

        For a ``Sharded`` optimiser the gradients are this rank's part of their flat array, a dict by dtype.
        """
        if self.exact and not isinstance(data, Chunks):
            raise ValueError(
                "a group with exact=True needs parts that do not depend on the number of ranks: batches of "
                "DataLoader(..., shard=group), as train_ takes them, or group.withgradient(loss, ps, batch)"
            )
        found, seeds = [], [rng.integers(2**62) for rng in self._random.values()]
        with Caught() as caught:
            for chunk, part in zip(self.chunks, data if self.exact else [data]):
                self._draw(seeds, chunk)
                count = rows_of(part) if rows is None else rows
                moves = Held()
                found.append((count, *moves.during(share, *arguments_of(part)), moves) if count else ())
        self._draw(seeds, self.cut)  # as on all other ranks
        return self._turn(ps, opt, found, caught.error)

    def pieces(self, start: int, stop: int) -> list[slice]:
        """Return which rows of a batch this rank computes: a slice for each of its chunks."""
        bounds = [start + (stop - start) * k // self.cut for k in range(self.cut + 1)]
        return [slice(bounds[k], bounds[k + 1]) for k in self.chunks]

    def _draw(self, seeds, chunk):
        """Let the model's random generators begin anew for a chunk: alike on any rank."""
        for rng, seed in zip(self._random.values(), seeds):
            rng.bit_generator.state = type(rng.bit_generator)([seed, chunk]).state

    # ----------------------------------------------------------------------------------------------- the turn
    def _turn(self, ps, opt, found=(), error=None):
        """Add up what all ranks have found, or do what one of them has to: skip, stop, end, or fail."""
        sharded, status = isinstance(opt, Sharded), status_of(error)
        flat = Flat(opt.adopt(ps), self.size) if sharded else Flat(ps)
        sent = [flat.packed(status, *each) for each in found if error is None]
        mine = sent[0] if sent else flat.packed(status)
        if sharded or self.exact:
            tail = self.line.sum(flat.tail(mine))
            self._decide(tail[STATUS], error)
        if sharded and not self.exact:
            total = {dtype: self.line.scattered(mine[dtype][:n]) for dtype, n in flat.sizes.items()}
        else:
            total = {dtype: self._sum([arrays[dtype] for arrays in sent], mine[dtype]) for dtype in flat.sizes}
            tail = flat.tail(total)
            self._decide(tail[STATUS], error)
        if not tail[ROWS]:
            raise ValueError("distributed: no rank has a row of this batch, so it has no mean")
        if self.steps % EVERY == 0:
            self.same("the parameters", hashlib.blake2b(b"".join(p.data.tobytes() for p in ps)).hexdigest()[:12])
        self.steps += 1
        if tail[MOVES]:
            self._settle([(rows, moves) for rows, _, _, moves in filter(None, found)])
        for a in total.values():
            np.divide(a, tail[ROWS], out=a)
        if sharded and self.exact:
            total = {dtype: total[dtype][:n].reshape(self.size, -1)[self.rank] for dtype, n in flat.sizes.items()}
        gradients = total if sharded else flat.gradients(total, tail)
        return float(tail[LOSS] / tail[ROWS]), gradients

    def _settle(self, own):
        """Let running statistics move by the means over all chunks, of which those of this rank are given."""
        self._running |= {id(running): running for _, moves in own for running, *_ in moves}
        known = list(self._running)
        mine = [(rows, [(known.index(id(running)), arrays) for running, *arrays in moves]) for rows, moves in own]
        weights, told = zip(*[chunk for chunks in self.line.all(mine) for chunk in chunks])
        for moves in zip(*told):
            means = [np.average(x, 0, weights) for x in zip(*[arrays for _, arrays in moves])]
            settle_([(self._running[known[moves[0][0]]], *means)])

    def _sum(self, own, like):
        """Return the sum of an array of every chunk, of which those of this rank are given.

        Exactly, it is that of a binary tree of chunks: the same on any number of ranks.
        """
        if not self.exact:
            return self.line.sum(like)
        own, stride = dict(zip(self.chunks, own)), 1
        while stride < self.cut:
            for k in range(0, self.cut, 2 * stride):
                to, by = self.owners[k], self.owners[k + stride]
                if to == self.rank:
                    own[k] += own[k + stride] if by == to else self.line.received(own[k], by)
                elif by == self.rank:
                    self.line.send(own[k + stride], to)
            stride *= 2
        return self.line.first(own.get(0, like))

    def _decide(self, status, error):
        """Take the turn that all ranks take, by what each of them would do: to go on, to skip, stop, end or fail."""
        skip, stop, end, fail = status
        self.over = bool(stop or end or fail)
        if fail or 0 < end < self.size and not stop:
            mine, worst = status_of(error), FAIL if fail else END
            told = self.line.all(f"{type(error).__name__}: {error}" if mine[worst] else None)
            if mine[FAIL]:
                raise error
            raise GroupError("; ".join(f"rank {r}: {why}" for r, why in enumerate(told) if why))
        if self.over:
            raise StopTraining("one of the ranks ends the training")
        if skip:
            raise SkipDatum("one of the ranks skips this batch")


def status_of(error):
    """Return the part of the tail that says what a rank does, by the error that makes it; None if it goes on."""
    turn = next((kind for kind in TURNS if isinstance(error, kind)), None)
    return np.array([float(kind is turn) for kind in TURNS])
