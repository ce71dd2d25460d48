"""Whether a step by its program and the eager step agree; and generators of random numbers, put back for both."""

import pickle

import numpy as np

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


def agree(found, result, after):
    """Return "" if the result of a program is what the eager step has found, else what is another.

    found : WithGradient
    result : the program's loss, gradients and random numbers
    after : states of the generators after the eager step
    """
    loss, gradients, _ = result
    if states([generator for generator, _ in after]) != after:
        return "they have drawn other random numbers"
    eager = [found.val, *(None if g is None else g.data for g in found.grad)]
    largest = max(map(size_of, eager))
    for name, one, other in zip(["loss", *found.grad.params], eager, [loss, *gradients]):
        if (one is None) != (other is None):
            return "a parameter has a gradient in one of them only"
        if one is None:
            continue
        one, other = np.asarray(one), np.asarray(other)
        if one.shape != other.shape:
            return f"shapes {one.shape} and {other.shape}"
        tolerance = TOLERANCE.get(other.real.dtype.itemsize, 1e-2)
        with np.errstate(invalid="ignore", over="ignore"):
            apart = size_of(np.where(one == other, 0, one - other))
        allowed = tolerance * max(size_of(one), 1e-3 * largest)
        if not apart <= allowed and not np.array_equal(one, other, equal_nan=True):
            what = "the loss" if isinstance(name, str) else f"the gradient of {found.grad.params.shown(name)}"
            return f"{what} differs by {apart:.1g}"
    return ""


def size_of(x):
    """Return the largest absolute value of an array, 0 for None."""
    return 0.0 if x is None else float(np.max(np.abs(x), initial=0))
