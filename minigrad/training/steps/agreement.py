"""Whether a step by its program and the eager step agree; and generators of random numbers, put back for both."""

import pickle

import numpy as np

SAMPLES, LARGER = 8, 4  # a gradient that is 0 but for rounding (a bias before BatchNorm) may be found 0 several times
TOLERANCE = {4: 1e-5, 8: 1e-12}  # by the bytes of a real number, relative to the largest number of an array


def states(generators):
    """Return the states of generators, to be put back or compared: a list of (generator, state)."""
    return [(g, state_of(g)) for g in {id(g): g for g in generators}.values()]


def state_of(generator):
    if hasattr(generator, "getstate"):  # Python's own
        return generator.getstate()
    return pickle.dumps(bits_of(generator).state)


def bits_of(generator):
    return generator.bit_generator if hasattr(generator, "bit_generator") else generator._bit_generator


def restored(before):
    """Put the states of generators back, and return what they were until now."""
    now = states([generator for generator, _ in before])
    for generator, state in before:
        if hasattr(generator, "setstate"):
            generator.setstate(state)
        else:
            bits_of(generator).state = pickle.loads(state)
    return now


def agree(found, result, after, run):
    """Return "" if the result of a program is what the eager step has found, to rounding; else what is another.

    found : WithGradient
    result : the program's loss, gradients and random numbers
    after : states of the generators after the eager step
    run : function of a small number and a seed that runs the program's text beside there: its inputs moved by so much,
        relatively, up or down as the seed has it
    """
    loss, gradients, _ = result
    if states([generator for generator, _ in after]) != after:
        return "they have drawn other random numbers"
    eager = values_of(found.val, [None if g is None else g.data for g in found.grad])
    others = values_of(loss, gradients)
    if [x is None or x.shape for x in eager] != [x is None or x.shape for x in others]:
        return "gradients have other shapes, or are missing"
    tolerances = [TOLERANCE.get(x.real.dtype.itemsize, 1e-2) for x in others[1:] if x is not None]
    tolerance = max(tolerances, default=1e-5)
    beside = None
    for name, one, other in zip(["the loss", *map(found.grad.params.shown, found.grad.params)], eager, others):
        apart = distance(one, other)
        if apart <= tolerance * size_of(one):
            continue
        if beside is None:  # what is left of numbers that cancel is all rounding
            beside = [values_of(*run(tolerance * (seed > 0), seed)[:2]) for seed in range(SAMPLES + 1)]
        k = next(k for k, x in enumerate(eager) if x is one)
        rounding = max(distance(beside[0][k], other[k]) for other in beside)
        if not apart <= tolerance * size_of(one) + LARGER * rounding:
            return f"{name} differs by {apart:.1g}"
    return ""


def values_of(loss, gradients):
    return [np.asarray(loss), *(None if g is None else np.asarray(g) for g in gradients)]


def size_of(x):
    """Return the largest absolute value of an array, 0 for None."""
    return 0.0 if x is None else float(np.max(np.abs(x), initial=0))


def distance(x, y):
    """Return the largest absolute value of a difference; the same infinities and NaNs are no difference."""
    if x is None:
        return 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        same = (x == y) | (x != x) & (y != y)
        return size_of(np.where(same, 0, x - y))


def moved(xs, h, seed):
    """Return arrays whose numbers are each a little further up or down, relative to the largest of the array.

    >>> moved([np.array([1.0, 2.0])], 0.25, 1)[0] - [1.0, 2.0]
    array([-0.5,  0.5])
    """
    if not h:
        return xs
    signs = np.random.default_rng(seed)
    steps = [h * size_of(x) * (2 * signs.integers(0, 2, x.shape) - 1) for x in xs]
    return [x + step.astype(x.dtype) if x.dtype.kind in "fc" else x for x, step in zip(xs, steps)]
