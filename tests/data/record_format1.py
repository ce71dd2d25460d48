"""Wrote format1.npz, format1.safetensors and format1_own.npz, the checkpoints of format 1; minigrad writes a later one.

    python tests/data/record_format1.py FOLDER      (with minigrad as it was at commit 024eb1e)
"""

import sys

import numpy as np

from minigrad import Tensor, apply_
from minigrad.checkpoint import save
from minigrad.iddict import IdDict
from minigrad.optimise import ADAM, Momentum, Optimiser
from minigrad.schedules import Exp, Stateful, next_

W, b = Tensor([[1.0, 2.0]]), Tensor(np.array([0.5], np.float32))
model = {"layers": [W], "b": b}


class Own:
    def __init__(self):
        self.eta, self.beta, self.memory = 0.5, (0.25, 0.75), IdDict()


@apply_.register
def apply_own(opt: Own, x, dx):
    return dx


def main(folder):
    opt, schedule, rng = Optimiser(Momentum(0.5, 0.25), ADAM(0.125)), Stateful(Exp(0.5, 0.5)), np.random.default_rng(3)
    opt[0].velocity[b] = np.array([-3.0], np.float32)
    opt[1].state[b] = np.array([4.0], np.float32), np.array([5.0], np.float32), np.array([0.9, 0.999])
    next_(schedule)
    next_(schedule)
    rng.random(2)
    history = {"loss/train": [0.5, 0.25], "best": (1, np.arange(3)), 3: np.float32(0.5), "": None}
    for suffix in (".npz", ".safetensors"):
        save(
            f"{folder}/format1{suffix}", model=model, opt=opt, schedule=schedule, rng=rng, epoch=7, history=history
        )

    own = Own()
    own.memory[b] = np.array([6.0], np.float32), 2
    own.memory[W] = np.ones((1, 2))
    save(f"{folder}/format1_own.npz", model=model, opt=own)


if __name__ == "__main__":
    main(sys.argv[1])
