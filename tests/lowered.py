"""What tests of compiled steps need: a loss lowered as a step does it, and the eager steps beside it."""

import numpy as np

from minigrad import arrays, params, update_, withgradient
from minigrad.optimise.compiled.lowering import Lowered
from minigrad.readers.forms import PlainProgram
from minigrad.readers.tracer import run


def lowered(loss, ps, data=(), opt=None):
    """Trace a loss, the stream of random numbers left as it was, and return its Lowered."""
    bits = arrays.generator().bit_generator
    before = bits.state
    program = run(loss, (ps,), data, follows=False).simplified()
    bits.state = before
    return Lowered(PlainProgram(program), tuple(ps), opt)


def eager(loss, ps, data, opt):
    """Make one eager step; return the loss."""
    value, grads = withgradient(lambda: loss(*data), ps)
    update_(opt, ps, grads)
    return value


def trajectory(step, ps, data, steps):
    """Return the losses of some steps, one per element of ``data``, and the parameters at their end."""
    return [step(*data[t % len(data)]) for t in range(steps)], [np.array(p.data) for p in ps]


def both(loss, tensors, data, opt, steps=20):
    """Return the trajectories of the eager steps and of the compiled ones, from the same start; and the Lowered.

    tensors : list of Tensors; data : list of tuples, what the loss is called with in turn; opt : makes the optimiser
    """
    ps, start = params(*tensors), [np.array(t.data) for t in tensors]
    bits = arrays.generator().bit_generator
    state, found, made = bits.state, [], None
    for compile in (False, True):
        for t, x in zip(tensors, start):
            t.data[...] = x
        bits.state, optimiser = state, opt()
        first = eager(loss, ps, data[0], optimiser)
        if compile:
            made = lowered(loss, ps, data[0], optimiser)
        step = made.run if compile else lambda *xs: eager(loss, ps, xs, optimiser)  # noqa: B023
        losses, ends = trajectory(step, ps, data[1:] + data[:1], steps)
        found.append(([first, *losses], ends, arrays.rand(3).data))
    return *found, made


def far(a, b):
    """Return the largest relative difference between two trajectories."""
    pairs = [(np.asarray(a[0]), np.asarray(b[0])), *zip(a[1], b[1])]
    return max(np.max(np.abs(x - y), initial=0) / (np.max(np.abs(y), initial=0) + 1e-300) for x, y in pairs)
