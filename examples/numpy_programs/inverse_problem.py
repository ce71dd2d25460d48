"""An inverse problem: the rates of an epidemic, from a few days' counts of the ill.

    dS/dt = -infect S I,   dE/dt = infect S I - E / hatch,   dI/dt = E / hatch - recover I

The equation is solved by ``odeint`` (LSODA), whose derivative is the adjoint equation, solved back in time by the
same method.  The loss is the negative log likelihood of the counts, which are normal around n I(t), and a prior of
the rates.

Reference: Froehlich, Loos and Hasenauer, "Scalable inference of ordinary differential equation models of biochemical
processes", arXiv:1711.08079.
"""

import numpy as np
from compare import odeint  # SciPy's, which is differentiated

DAYS = np.array([0.0, 4.0, 9.0, 15.0, 22.0, 30.0])
ILL = np.array([10.0, 17.0, 62.0, 198.0, 193.0, 82.0])
PEOPLE = 1000


def spread(state, t, infect, hatch, recover):
    S, E, ill = state
    return np.stack([-infect * S * ill, infect * S * ill - E / hatch, E / hatch - recover * ill])


def loss(log_rates, share_at_first, log_noise):
    infect, hatch, recover = np.exp(log_rates)
    start = np.stack([1 - 2 * share_at_first, share_at_first, share_at_first])
    states = odeint(spread, start, DAYS, args=(infect, hatch, recover), rtol=1e-11, atol=1e-11)
    away = (ILL - PEOPLE * states[:, 2]) / np.exp(log_noise)
    return np.mean(away**2) / 2 + log_noise + np.sum(log_rates**2) / 20


def arguments():
    return {"log_rates": np.log([0.8, 3.0, 0.25]), "share_at_first": 0.01, "log_noise": 3.0}


if __name__ == "__main__":
    from compare import show

    show(loss, arguments, __doc__)
