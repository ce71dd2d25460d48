"""Train the network that reads digits on several processes: the same numbers on one as on many.

    mpiexec -n 2 python examples/distributed_digits.py
    python examples/distributed_digits.py                       alone: a group of one
    mpiexec -n 4 python examples/distributed_digits.py --exact --sharded

Every process computes its share of each batch; one sum a step makes one gradient of it.  With mpi4py and mpich
(python -m pip install mpi4py mpich) nothing else has to be installed.
"""

import hashlib

import numpy as np

from minigrad import ADAM, distributed, params, seed, train_
from minigrad.data import DataLoader, digits, onecold, onehot, train_test_split
from minigrad.losses import logitcrossentropy
from minigrad.nn import Chain, Dense, flatten, kaiming_normal, relu
from options import Options


def main():
    options = Options("Train the network that reads digits on several processes.")
    options.whole("epochs", 20, "times through all images")
    options.whole("batch", 64, "images in a batch, of all processes together")
    options.whole("seed", 0, "the same seed gives the same run", least=0)
    options.add_argument("--exact", action="store_true", help="the same bits on any number of processes")
    options.add_argument("--sharded", action="store_true", help="ADAM's state is spread over the processes")
    args = options.read()
    seed(args.seed)

    group = distributed.group(exact=args.exact)
    images, labels = digits()
    (x, y), (x_test, y_test) = train_test_split((images, labels), held_out=0.2)
    network = Chain(
        flatten,
        Dense(64, 128, relu, init=kaiming_normal),
        Dense(128, 64, relu, init=kaiming_normal),
        Dense(64, 10, init=kaiming_normal),
    )
    group.broadcast_(network)
    batches = DataLoader((x, onehot(y, 10)), args.batch, shuffle=True, rng=args.seed, shard=group)
    opt = group.sharded(ADAM()) if args.sharded else ADAM()

    losses = train_(
        lambda x, y: logitcrossentropy(network(x), y), params(network), batches, opt, epochs=args.epochs, group=group
    )

    def report():
        right = np.mean(onecold(network(x_test)) == y_test)
        numbers = b"".join(p.data.tobytes() for p in params(network))
        print(f"{len(losses)} steps on {group.size} process(es); the last loss is {losses[-1]!r}")
        print(f"Of {len(x_test)} images held out the network reads {right:.1%} correctly")
        print(f"All parameters, as one number: {hashlib.sha256(numbers).hexdigest()[:16]}")

    group.by_first(report)


if __name__ == "__main__":
    main()
