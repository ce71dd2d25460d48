"""Project: an optimiser from its paper.

    python examples/classroom/own_rule.py

Read Zaheer et al. 2018, "Adaptive methods for nonconvex optimization": Yogi keeps ADAM's average of squared gradients,
but lets it change by a step whose size does not depend on how far it has to go:

    v <- v - (1 - beta2) sign(v - g^2) g^2

Write it as one scalar formula, without correction of the first steps.  minigrad makes a compiled rule of it.

Questions: when does v grow more slowly than ADAM's?  What happens to a parameter whose gradient is 0 for a long time?
"""

import numpy as np
from checking import close, expect, report

from minigrad import Tensor, race, rule, update_


@rule
def Yogi(x, dx, m, v, eta=0.01, beta1=0.9, beta2=0.999, epsilon=1e-3):
    return eta * dx, m, v  # replace this line: it is plain descent


def check():
    def by_hand(gradients, eta=0.01, beta1=0.9, beta2=0.999, epsilon=1e-3):
        x = m = v = 0.0
        for g in gradients:
            m = beta1 * m + (1 - beta1) * g
            v = v - (1 - beta2) * np.sign(v - g * g) * g * g
            x -= eta * m / (np.sqrt(v) + epsilon)
        return x, m, v

    W, opt, gradients = Tensor([0.0]), Yogi(), [2.0, -1.0, 0.5, 0.0]
    for g in gradients:
        update_(opt, W, np.array([g]))
    x, m, v = by_hand(gradients)
    kept_m, kept_v = (float(state[0]) for state in opt.state[W])
    expect(close(kept_m, m), f"after four gradients m is {kept_m} and should be {m}: an average with weight 1 - beta1")
    expect(close(kept_v, v), f"after four gradients v is {kept_v} and should be {v}: mind that g^2 comes twice")
    expect(close(W.data[0], x), f"m and v are right, but x is {W.data[0]} for {x}: epsilon stands beside the root")
    result = race("ravine", opts={"Yogi": Yogi()}, steps=200)
    expect(result.rows()[0][2] < 1.0, "on the ravine it does not come down: is the step subtracted, not added?")


if __name__ == "__main__":
    report(check)
