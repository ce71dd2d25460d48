"""The group of ranks that train one model together."""

from __future__ import annotations

import collections
import contextlib
import hashlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..arrays import generator
from ..core.gradient import withgradient
from ..core.params import Params, named_tensors, params
from ..core.tensor import Tensor
from ..data import Chunks
from ..optimise.update import update_
from ..training.evaluation import SkipDatum, StopTraining, arguments_of
from ..training.history import rows_of
from .flat import FAILED, FINISHED, LOSS, ROWS, SKIP, STOP, Flat
from .line import Alone, GroupError, Line, ranks, world
from .sharded import Sharded

CHUNKS = 8  # of a batch, for the same bits on any number of ranks
EVERY = 100  # steps between two comparisons of the parameters


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
    ImportError : if mpiexec has started several processes, and mpi4py cannot be imported

    No counterpart in Flux 0.13; FluxMPI.jl averages unweighted.

    >>> alone = group(); alone.rank, alone.size
    (0, 1)
    """
    if not timeout > 0:
        raise ValueError(f"distributed.group: timeout is a number of seconds above 0, but is {timeout!r}")
    if comm is not None:
        return Group(comm, timeout, exact)
    comm = world()
    found = Group(comm, timeout, exact)
    if comm is not None:
        found.line.end_with_the_program()
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
        self.exact, self.chunks = bool(exact), CHUNKS if exact else self.size
        self.line = Line(comm, timeout) if self.size > 1 else Alone()
        self.steps = 0
        self.over = self.ending = False  # whether all ranks know that the loop has ended; whether this one ends it
        self._streams = []  # random generators of the model, with a state for each chunk

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
        found = named_tensors(model, kinds=(Tensor, np.ndarray, np.random.Generator))
        arrays = [(name, x.data if type(x) is Tensor else x) for name, x in found]
        if not arrays:
            params(model)  # which says how a parameter is made
        kinds = [(name, *((x.shape, x.dtype.name) if isinstance(x, np.ndarray) else ())) for name, x in arrays]
        self.same("broadcast_: the models", kinds)
        random = [generator()] + [x for _, x in arrays if isinstance(x, np.random.Generator)]
        for _, x in arrays:
            if isinstance(x, np.ndarray) and x.flags.writeable:
                x[...] = self.line.first(np.array(x, order="C"))
        self._streams = []
        for rng, first in zip(random, self.line.first(random)):
            states = [first.bit_generator.state] + [s.bit_generator.state for s in first.spawn(self.chunks - 1)]
            rng.bit_generator.state = states[min(self.rank, self.chunks - 1)]
            self._streams += [[rng, states, self.rank]] * self.exact

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
        error = None
        try:
            yield
        except BaseException as raised:
            error = raised
        self._decide(self.line.sum(self._doing(None, error)), error)

    @contextlib.contextmanager
    def loop(self, ps: Params, opt: Any) -> Iterator[None]:
        """A loop over data: what ends it on one rank ends it on all.  Alone, it does nothing."""
        self.over, self.ending, error = self.size == 1, False, None
        try:
            yield
        except BaseException as raised:
            error = raised
        if not self.over and not self.line.busy:
            self.ending = error is None
            with contextlib.suppress(StopTraining):
                self._turn(ps, opt, doing=FINISHED, error=error)
        if error is not None:
            raise error

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
        if (data is None) == (rows is None):
            raise ValueError("withgradient: give what the loader hands out, or rows=, how many rows this rank has")
        if rows is not None and self.exact:
            raise ValueError(
                "withgradient: a group with exact=True needs parts that do not depend on the number of ranks: write "
                "group.withgradient(loss, ps, batch) with a batch of DataLoader(..., shard=group)"
            )
        part = self._parts(data) if rows is None else {self.rank: (rows, ())}
        return self.reduced(lambda *given: withgradient(lambda: f(*given), ps), ps, part, opt)

    def reduced(self, share: Callable[..., Any], ps: Params, data: Any, opt: Any = None) -> tuple[float, Any]:
        """Return loss and gradients of the whole batch, for a function that returns those of some of its rows.

        For a ``Sharded`` optimiser the gradients are this rank's part of their flat array, a dict by dtype.
        """
        parts = data if isinstance(data, dict) else self._parts(data)
        if self.size == 1 and not self.exact and not isinstance(opt, Sharded):
            return share(*parts[0][1])
        found, error = {}, None
        try:
            for chunk, (rows, given) in parts.items():
                self._draw(chunk)
                found[chunk] = (rows, *share(*given)) if rows else (0, 0.0, [None] * len(ps))
        except BaseException as raised:
            error = raised
        return self._turn(ps, opt, found, error=error)

    def _parts(self, data):
        """Return what this rank computes of a batch: a dict from chunks to (rows, the loss's arguments)."""
        if isinstance(data, Chunks):
            return {chunk: (rows_of(part), arguments_of(part)) for chunk, part in zip(self.mine(), data)}
        if self.exact:
            raise ValueError("a group with exact=True needs batches of DataLoader(..., shard=group), cut into parts")
        return {self.rank: (rows_of(data), arguments_of(data))}

    def mine(self) -> list[int]:
        """Return the chunks of a batch that this rank computes."""
        return [chunk for chunk in range(self.chunks) if self.owner(chunk) == self.rank]

    def owner(self, chunk: int) -> int:
        return chunk * min(self.size, self.chunks) // self.chunks

    def pieces(self, start: int, stop: int) -> list[slice]:
        """Return which rows of a batch this rank computes: a slice for each of its chunks."""
        bounds = [start + (stop - start) * chunk // self.chunks for chunk in range(self.chunks + 1)]
        return [slice(bounds[chunk], bounds[chunk + 1]) for chunk in self.mine()]

    def _draw(self, chunk):
        """Let the model's random generators go on as those of a chunk."""
        for stream in self._streams:
            rng, states, last = stream
            states[last] = rng.bit_generator.state
            rng.bit_generator.state, stream[2] = states[chunk], chunk

    # ----------------------------------------------------------------------------------------------- the turn
    def _turn(self, ps, opt, found=(), doing=None, error=None):
        """Add up what all ranks have found, or do what one of them has to: skip, stop, finish, or fail."""
        flat, doing = Flat(ps), self._doing(doing, error)
        sent = {chunk: flat.packed(doing, *found[chunk]) for chunk in found if error is None}
        mine = sent.get(self.rank) or flat.packed(doing, 0, 0.0, [None] * len(ps))
        if self.exact:
            self._decide(self.line.sum(doing), error)
            total = self._tree(sent, mine)
            tail = flat.tail(total)
        elif isinstance(opt, Sharded):
            tail = self.line.sum(flat.tail(mine))
            self._decide(tail, error)
            total = {dtype: self.line.scattered(a[: flat.sizes[dtype]]) for dtype, a in mine.items()}
        else:
            total = {dtype: self.line.sum(a) for dtype, a in mine.items()}
            tail = flat.tail(total)
            self._decide(tail, error)
        if self.steps % EVERY == 0:
            self.same("the parameters", hashlib.blake2b(b"".join(p.data.tobytes() for p in ps)).hexdigest()[:12])
        self.steps += 1
        if not tail[ROWS]:
            raise ValueError("distributed: no rank has a row of this batch, so it has no mean")
        for a in total.values():
            np.divide(a, tail[ROWS], out=a)
        gradients = opt.part(ps, total) if isinstance(opt, Sharded) else flat.gradients(total, tail)
        return float(tail[LOSS] / tail[ROWS]), gradients

    def _doing(self, doing, error):
        """Return the tail of a rank that does not simply go on."""
        if error is not None:
            doing = {SkipDatum: SKIP, StopTraining: STOP}.get(type(error), FAILED)
        return np.array([float(i == doing) for i in range(FAILED + 1)])

    def _decide(self, counts, error=None):
        """Do what all ranks have to: nothing, if all of them go on."""
        skip, stop, finished, failed = counts[SKIP : FAILED + 1]
        self.over = bool(stop or finished or failed)
        if failed or 0 < finished < self.size and not stop:
            text = None if error is None else f"{type(error).__name__}: {error}"
            told = self.line.all(text or ("its data have ended, and those of others go on" if self.ending else None))
            raise error or GroupError("; ".join(f"rank {r}: {text}" for r, text in enumerate(told) if text))
        if stop or finished:
            raise StopTraining("one of the ranks has ended the training")
        if skip:
            raise SkipDatum("one of the ranks skips this batch")

    def _tree(self, sent, like):
        """Return the sum of all chunks, added up in the same order on any number of ranks."""
        for stride in itertools.takewhile(lambda s: s < self.chunks, (2**level for level in itertools.count())):
            for a in range(0, self.chunks - stride, 2 * stride):
                b = a + stride
                if self.owner(b) == self.rank != self.owner(a):
                    self.line.send(sent.pop(b), self.owner(a))
                elif self.owner(a) == self.rank:
                    other = sent.pop(b) if b in sent else self.line.received(like, self.owner(b))
                    for dtype, x in other.items():
                        sent[a][dtype] += x
        return {dtype: self.line.first(x) for dtype, x in sent.get(0, like).items()}
