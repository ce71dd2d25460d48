"""What ranks say to each other: sums, parts and messages over MPI, without waiting for ever."""

from __future__ import annotations

import os
import sys
import time

import numpy as np

from ..core.errors import MinigradError

STARTED = "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"  # how many mpiexec, mpirun, srun have started
TRIES = 256  # whether it is done, before one looks around, which takes longer than many sums
LEFT, HERE = range(2)  # what a rank says of itself besides what is added up: it will come to nothing more, it waits


class GroupError(MinigradError, RuntimeError):
    """Another rank failed, left, or has other numbers; the message names it.

    >>> issubclass(GroupError, RuntimeError)
    True
    """


def world():
    """Return a communicator of all ranks, or None if this process is alone."""
    try:
        from mpi4py import MPI

        if MPI.COMM_WORLD.Get_size() > 1:
            return MPI.COMM_WORLD.Dup()
        missing = "was made for another MPI than that of mpiexec"
    except (ImportError, RuntimeError) as error:  # the second if there is no MPI to load
        missing = f"cannot be imported ({error})"
    started = max(int(os.environ.get(name, 1)) for name in STARTED)
    if started > 1:
        raise ImportError(
            f"distributed.group: this is one of {started} processes, and mpi4py, by which they talk, {missing}: each "
            "would train alone. Write python -m pip install mpi4py mpich, and start them by the mpiexec beside python"
        )
    return None


class Alone:
    """The line of a single rank."""

    begun = None
    sum = first = scattered = gathered = staticmethod(lambda x: x)
    all = staticmethod(lambda x: [x])


class Line:
    """What ranks say to each other over a communicator, without ever waiting longer than ``timeout`` seconds."""

    def __init__(self, comm, timeout):
        self.comm, self.notices, self.timeout = comm, comm.Dup(), timeout
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        self.said = {LEFT: set(), HERE: set()}  # by whom, this rank itself among them
        self.begun = None  # what has not ended yet, and may never, with its arrays
        self.sent = []  # notices on their way

    def sum(self, x):
        """Overwrite an array with the sum of those of all ranks; return it."""
        return self.wait(self.comm.Iallreduce(None, x), x)  # None: in its place

    def scattered(self, x):
        """Return this rank's part of the sum, of as many equal parts as there are ranks."""
        part = np.empty(x.size // self.size, x.dtype)
        return self.wait(self.comm.Ireduce_scatter_block(x, part), part, x)

    def gathered(self, part):
        """Return the parts of all ranks, one behind the other."""
        whole = np.empty(part.size * self.size, part.dtype)
        return self.wait(self.comm.Iallgather(part, whole), whole, part)

    def first(self, x):
        """Overwrite an array with that of rank 0; return it."""
        return self.wait(self.comm.Ibcast(x, 0), x)

    def all(self, x):
        """Return a list of what all ranks have: objects of any kind."""
        self.wait(self.comm.Ibarrier())
        return self.comm.allgather(x)

    def send(self, x, rank):
        self.wait(self.comm.Isend(x, rank), x)

    def received(self, like, rank):
        x = np.empty_like(like)
        return self.wait(self.comm.Irecv(x, rank), x)

    # ------------------------------------------------------------------------------------------- waiting
    def wait(self, request, *arrays):
        """Return the first of a request's arrays when it is done."""
        self.begun, start = (request, arrays), time.monotonic()
        while not any(request.Test() for _ in range(TRIES)):
            self.look(time.monotonic() - start)
        self.begun = None
        return arrays[0] if arrays else None

    def look(self, waited):
        """Hear what others say; raise if one of them has left while this rank waits, and end all if nobody comes."""
        time.sleep(0)
        while self.notices.iprobe():
            rank, kind = self.notices.recv()
            self.said[kind].add(rank)
        if waited > self.timeout or self.said[HERE]:
            self.say(HERE)
        if waited > 1 and self.said[LEFT]:  # what was under way when it left has come in by now
            raise GroupError(f"{ranks(self.said[LEFT])} left while the others were still at work: see its own message")
        if waited > self.timeout + 0.5:
            silent = set(range(self.size)) - self.said[HERE]
            who = ranks(silent) if silent else "an answer, although all are there: do all run the same program?"
            self.end(
                f"rank {self.rank} has waited {self.timeout:g} s for {who}. All ranks are ended; the parameters are "
                "those after the last whole step. For longer waits: distributed.group(timeout=...)"
            )

    def say(self, kind):
        """Tell all others, once, what this rank does."""
        if self.rank not in self.said[kind]:
            self.said[kind].add(self.rank)
            others = set(range(self.size)) - {self.rank}
            self.sent += [self.notices.isend((self.rank, kind), rank) for rank in others]

    def leave(self):
        """See to it at the end of the program that no rank waits for this one."""
        uncaught = getattr(sys, "last_value", None)
        if isinstance(uncaught, GroupError):
            time.sleep(0.5)  # in which the one that has failed says why
        if self.begun or uncaught is not None:
            self.end(f"rank {self.rank} has failed, and all ranks are ended with it")
        self.say(LEFT)

    def end(self, why):
        print(f"minigrad.distributed: {why}", file=sys.stderr, flush=True)
        self.comm.Abort(1)


def ranks(numbers):
    return f"rank{'s' * (len(numbers) > 1)} {', '.join(map(str, sorted(numbers)))}"
