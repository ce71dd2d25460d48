"""A double of MPI: ranks that are threads of one process, with the calls of mpi4py's communicators that are needed."""

import copy
import threading
import time

import numpy as np


class Aborted(BaseException):
    """What ``Abort`` is to the thread that calls it, and then to all others."""


class World:
    """The ranks' common memory."""

    def __init__(self, size):
        self.size, self.lock = size, threading.Lock()
        self.given = {}  # (communicator, number of the collective) -> rank -> what it gave
        self.mail = {}  # (communicator, to whom) -> list of (from whom, what)
        self.collectives, self.aborted = [], False


class Request:
    def __init__(self, world, ready, finish=lambda: None):
        self.world, self.ready, self.finish, self.done = world, ready, finish, False

    def Test(self):
        if self.world.aborted:
            raise Aborted
        if not self.done and self.ready():
            self.finish()
            self.done = True
        return self.done

    def wait(self):
        while not self.Test():
            time.sleep(0)


class Comm:
    def __init__(self, world, rank, name="world"):
        self.world, self.rank, self.name, self.number, self.copies = world, rank, name, 0, 0

    def Get_rank(self):
        return self.rank

    def Get_size(self):
        return self.world.size

    def Dup(self):
        self.copies += 1
        return Comm(self.world, self.rank, f"{self.name}.{self.copies}")

    def Abort(self, code):
        self.world.aborted = True
        raise Aborted

    # ---------------------------------------------------------------------------------------- collectives
    def everybody(self, what, mine, finish):
        """Begin a collective: ``finish`` is called with what all ranks gave, in their order."""
        assert not isinstance(mine, np.ndarray) or mine.flags.c_contiguous and mine.dtype.isnative
        key = self.name, self.number
        self.number += 1
        with self.world.lock:
            given = self.world.given.setdefault(key, {})
            given[self.rank] = what, copy.deepcopy(mine)
            if self.rank == 0:
                self.world.collectives.append(what)

        def end():
            kinds = {kind for kind, _ in given.values()}
            assert kinds == {what}, f"the ranks do different things: {kinds}"
            finish([given[r][1] for r in range(self.world.size)])

        return Request(self.world, lambda: len(given) == self.world.size, end)

    def Ibarrier(self):
        return self.everybody("barrier", None, lambda _: None)

    def Iallreduce(self, in_place, x):
        assert in_place is None

        def finish(all_):
            assert len({(a.shape, a.dtype) for a in all_}) == 1
            total = all_[0]
            for a in all_[1:]:
                total = total + a
            x[...] = total

        return self.everybody("allreduce", x, finish)

    def Ireduce_scatter_block(self, x, out):
        def finish(all_):
            out[...] = sum(all_)[self.rank * out.size : (self.rank + 1) * out.size]

        assert out.size * self.world.size == x.size
        return self.everybody("reduce_scatter", x, finish)

    def Iallgather(self, x, out):
        def finish(all_):
            out[...] = np.concatenate(all_)

        return self.everybody("allgather", x, finish)

    def Ibcast(self, x, root):
        def finish(all_):
            x[...] = all_[root]

        return self.everybody("bcast", x, finish)

    def allgather(self, x):
        found = []
        self.everybody("allgather of objects", x, found.extend).wait()
        return copy.deepcopy(found)

    # ------------------------------------------------------------------------------------- from one to one
    def box(self, rank):
        return self.world.mail.setdefault((self.name, rank), [])

    def Isend(self, x, rank):
        with self.world.lock:
            self.box(rank).append((self.rank, copy.deepcopy(x)))
        return Request(self.world, lambda: True)

    isend = Isend

    def letter(self, rank):
        return next((i for i, (sender, _) in enumerate(self.box(self.rank)) if rank in (None, sender)), None)

    def Irecv(self, x, rank):
        def finish():
            with self.world.lock:
                x[...] = self.box(self.rank).pop(self.letter(rank))[1]

        return Request(self.world, lambda: self.letter(rank) is not None, finish)

    def iprobe(self):
        if self.world.aborted:
            raise Aborted
        return self.letter(None) is not None

    def recv(self):
        with self.world.lock:
            return self.box(self.rank).pop(0)[1]


def on_ranks(size, program):
    """Call ``program(comm)`` in a thread for each rank; return (the list of results or errors, the World)."""
    world = World(size)
    results = [None] * size

    def run(rank):
        try:
            results[rank] = program(Comm(world, rank))
        except BaseException as error:
            results[rank] = error

    threads = [threading.Thread(target=run, args=(rank,), daemon=True) for rank in range(size)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
        assert not t.is_alive(), "a rank hangs"
    return results, world
