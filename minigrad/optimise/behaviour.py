"""Formulas whose text cannot be read, as they were typed at a prompt, piped in or made by ``exec``: what they do.

They run on whole arrays, a block at a time, and are never compiled.  So a formula must do the same to an array as to
each of its elements by itself, and the same whenever it is asked; here it is tried on a few steps.
"""

import dis

import numpy as np

from ..core.storage import Storage
from . import functions
from .reading import given, roles
from .rewriting import called, changes

SIZES = np.array([0.0, 1e-8, -1e-8, 1e-3, -0.3, 0.7, 1.0, -1.0, 4.0, 1e3, -1e3, 1e8])
GRADIENTS = [SIZES, SIZES[::-1], np.roll(SIZES, 5) * 0.5]


def check_behaviour(function, hyper):
    """Raise TypeError unless a function does to arrays what it does to their elements, and always the same."""
    refuse_by_name(function)
    everywhere = slice(None)
    first, second = trained(function, hyper, everywhere), trained(function, hyper, everywhere)
    if not all(map(same, first, second)):
        deny(function, "gives other results for the same numbers when it is asked again")
    for i in range(SIZES.size):
        alone = trained(function, hyper, slice(i, i + 1))
        if not all(close(whole[i], one[0]) for whole, one in zip(first, alone)):
            deny(function, "does not do to an array what it does to each of its elements")


def trained(function, hyper, part):
    """Return the steps and the states of a short training on a part of the sample, all as arrays."""
    arrays, numbers, _ = roles(function)
    x = np.roll(SIZES, 3)[part].copy()
    state, counts, seen = [np.zeros_like(x) for _ in arrays], [0.0] * len(numbers), []
    for dx in GRADIENTS:
        with np.errstate(all="ignore"):
            step, *new = results_of(function, [x, dx[part], *state, *counts], hyper)
            x = x - step
        state, counts = [np.array(np.broadcast_to(a, x.shape)) for a in new[: len(arrays)]], new[len(arrays) :]
        seen += [x, *state, *[np.broadcast_to(float(count), x.shape) for count in counts]]
    return seen


def results_of(function, values, hyper):
    """Return the step and the new state, which a function makes of arrays that it may not write to."""
    values = [value.copy() if isinstance(value, np.ndarray) else value for value in values]
    for value in values:
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    try:
        results = function(*values, **hyper)
    except Exception as error:
        deny(function, f"fails where it is tried on arrays ({type(error).__name__}: {error})")
    results = results if isinstance(results, tuple) else (results,)
    if len(results) != len(values) - 1:
        deny(function, f"returns {len(results)} values where the step and the state are {len(values) - 1}")
    for result, argument in zip(results, values[1:]):
        if np.asarray(result).dtype.kind not in "bfiu" or np.shape(result) not in ((), np.shape(argument)):
            deny(function, f"returns {called(result)} for {called(argument)}")
    return results


def refuse_by_name(function):
    """Raise TypeError where a function takes from around it what is no number, or never the same."""
    instructions = list(dis.get_instructions(function))
    names = {each.argval for each in instructions if each.opname == "LOAD_GLOBAL"}
    around = {name: function.__globals__[name] for name in names & function.__globals__.keys()}
    cells = zip(function.__code__.co_freevars, function.__closure__ or ())
    around |= {name: cell.cell_contents for name, cell in cells}
    for asked in given(function):
        deny(function, f"asks for {asked!r}, which only a formula with a text is given")
    for name, value in around.items():
        if any(value is reduction for reduction in functions.REDUCTIONS):
            deny(function, f"asks for {name} of all elements, which only a formula with a text is told")
        if isinstance(value, (np.ndarray, Storage, list, dict, set, np.random.Generator, np.random.RandomState)):
            deny(function, f"takes {name} from outside, which is {called(value)}; only numbers may come from there")
        if changes(value):
            deny(function, f"uses {name}, and a rule makes the same step of the same numbers")
    if any(each.argval == "random" for each in instructions):
        deny(function, "uses random numbers, and a rule makes the same step of the same numbers")


def same(a, b):
    return np.array_equal(a, b, equal_nan=True)


def close(a, b):
    """Equal but for the last bits, which may depend on a place in an array."""
    return np.isclose(a, b, rtol=1e-12, atol=0.0, equal_nan=True)


def deny(function, why):
    raise TypeError(
        f"rule {function.__name__}: its text cannot be read, so it was tried on numbers, and it {why}. A rule is about "
        "one element of the parameter: no sums, means or norms, nothing random, and the same step of the same numbers. "
        "Put it into a file to be told the line; what needs more is a class with a function registered on apply_"
    )
