"""Data-parallel training on MPI: every rank takes its share of a batch, and one weighted sum makes one gradient of it.

    group = distributed.group()                                                  # mpiexec -n 4 python program.py
    group.broadcast_(model)
    loader = DataLoader(data, batchsize=256, shuffle=True, rng=0, shard=group)   # of the whole batch
    train_(loss, params(model), loader, opt, group=group)

A rank is one of the processes that mpiexec has started.  Whatever happens to one of them, all take the same turn:
what they add up ends in a tail of a few numbers, which say how many rows there were, the sum of their losses, and
who skips, stops, ends, or fails.  A rank waits for the others by asking again and again, so that it can
notice that one of them has left, and give up at last.
"""

from .line import GroupError
from .ranks import Group, group
from .sharded import Sharded

__all__ = ["Group", "GroupError", "Sharded", "group"]
