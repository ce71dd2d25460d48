"""What ranks say to each other: sums, parts and messages over MPI, without waiting for ever."""

from __future__ import annotations

import atexit
import itertools
import os
import sys
import time

import numpy as np

from ..core.errors import MinigradError
from .flat import shares

LEFT, ASK, HERE = range(3)  # what ranks tell each other besides what they add up


class GroupError(MinigradError, RuntimeError):
    """Another rank failed, left, or has other numbers; the message names it.

    >>> issubclass(GroupError, RuntimeError)
    True
    """


def world():
    """Return a communicator of all ranks, or None if this process is alone."""
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # the second if there is no MPI to load
        started = max(int(os.environ.get(name, 1)) for name in ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE"))
        if started > 1:
            raise ImportError(
                f"distributed.group: this is one of {started} processes that mpiexec has started, and mpi4py, by which "
                "they talk, cannot be imported: each would train alone. Write "
                "python -m pip install mpi4py mpich"
            ) from error
        return None
    return MPI.COMM_WORLD.Dup() if MPI.COMM_WORLD.Get_size() > 1 else None


class Alone:
    """The line of a single rank."""

    busy = False
    sum = first = scattered = staticmethod(lambda x: x)
    all = staticmethod(lambda x: [x])
    gathered = staticmethod(lambda mine, out: np.copyto(out, mine))


class Line:
    """What ranks say to each other over a communicator, without ever waiting longer than ``timeout`` seconds."""

    def __init__(self, comm, timeout):
        self.comm, self.notices, self.timeout = comm, comm.Dup(), timeout
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        self.heard = [set(), set(), set()]  # of whom: left, asks, is here
        self.busy = False  # whether something was begun that will never end
        self.told = []  # notices on their way

    def sum(self, x):
        out = np.empty_like(x)
        self.wait(self.comm.Iallreduce(x, out))
        return out

    def scattered(self, x):
        """Return this rank's part of the sum."""
        counts = [place.stop - place.start for place in shares(x.size, self.size)]
        out = np.empty(counts[self.rank], x.dtype)
        self.wait(self.comm.Ireduce_scatter(x, out, counts))
        return out

    def gathered(self, mine, out):
        """Put together the parts of all ranks."""
        counts = [place.stop - place.start for place in shares(out.size, self.size)]
        self.wait(self.comm.Iallgatherv(mine, [out, counts]))

    def first(self, x):
        """Return what rank 0 has."""
        if not isinstance(x, np.ndarray):
            self.wait(self.comm.Ibarrier())
            return self.comm.bcast(x, 0)
        self.wait(self.comm.Ibcast(x, 0))
        return x

    def all(self, x):
        """Return a list of what all ranks have."""
        self.wait(self.comm.Ibarrier())
        return self.comm.allgather(x)

    def send(self, arrays, rank):
        for x in arrays.values():
            self.wait(self.comm.Isend(x, rank))

    def received(self, like, rank):
        arrays = {dtype: np.empty_like(x) for dtype, x in like.items()}
        for x in arrays.values():
            self.wait(self.comm.Irecv(x, rank))
        return arrays

    # ------------------------------------------------------------------------------------------- waiting
    def wait(self, request):
        """Wait until a request is done; look around from time to time."""
        self.busy, start = True, time.monotonic()
        for tries in itertools.count(1):
            if request.Test():
                break
            if tries % 256 == 0:
                self.look(time.monotonic() - start)
        self.busy = False

    def look(self, waited):
        """Answer notices; raise if somebody is gone for whom this rank waits, and end all if nobody comes."""
        time.sleep(0)
        self.hear()
        if waited > 1 and self.heard[LEFT]:  # what was under way when it left has come in by now
            raise GroupError(f"{ranks(self.heard[LEFT])} left while the others were still at work: see its own message")
        if waited > self.timeout:
            self.tell(ASK)
            time.sleep(0.5)
            self.hear()
            silent = set(range(self.size)) - {self.rank} - self.heard[HERE] - self.heard[ASK]
            who = ranks(silent) if silent else "an answer, although all are there: do all run the same program?"
            self.end(
                f"rank {self.rank} has waited {waited:.0f} s for {who}. All ranks are ended; the parameters are those "
                "after the last whole step. For longer waits: distributed.group(timeout=...)"
            )

    def tell(self, kind, everyone=None):
        for rank in range(self.size) if everyone is None else everyone:
            if rank != self.rank:
                self.told.append(self.notices.isend((self.rank, kind), rank))

    def hear(self):
        while self.notices.iprobe():
            rank, kind = self.notices.recv()
            self.heard[kind].add(rank)
            if kind == ASK:
                self.tell(HERE, [rank])

    def end(self, why):
        print(f"minigrad.distributed: {why}", file=sys.stderr, flush=True)
        self.comm.Abort(1)

    def end_with_the_program(self):
        """See to it that no rank waits for one that has ended, by an error or by itself."""
        show = sys.excepthook

        def end_all(kind, error, trace):
            show(kind, error, trace)
            self.end(f"rank {self.rank} has failed, and all ranks are ended with it")

        sys.excepthook = end_all
        atexit.register(self.leave)

    def leave(self):
        """Tell the others that this rank has ended, and wait for their end."""
        if self.busy:
            self.end(f"rank {self.rank} leaves in the middle of a step")
        self.tell(LEFT)
        done = self.notices.Ibarrier()
        while not done.Test():
            self.hear()
            time.sleep(0.001)


def ranks(numbers):
    return f"rank{'s' * (len(numbers) > 1)} {', '.join(map(str, sorted(numbers)))}"
