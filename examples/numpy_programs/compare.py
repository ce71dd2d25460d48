"""Show the derivatives of a NumPy program, by minigrad and by differences, as a table."""

import argparse
import time

import numpy as np
from minigrad import gradient


def __getattr__(name):
    """Let a program have ``odeint``, SciPy's, which minigrad differentiates; the others do not need SciPy for it."""
    if name == "odeint":
        from minigrad.scipy.integrate import odeint

        return odeint
    raise AttributeError(name)


def show(loss, arguments, description):
    """Print the value of ``loss(*arguments().values())`` and one line for each of its arguments.

    Parameters
    ----------
    loss : function of floats and arrays that returns one number
    arguments : function that returns a dict, name of the argument -> where to differentiate
    description : str, what ``--help`` says
    """
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=description, formatter_class=as_written)
    parser.add_argument("--step", type=float, default=1e-5, help="of the differences (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the random directions (default: %(default)s)")
    options = parser.parse_args()
    if not 0 < options.step < 1:
        parser.error(f"--step must lie between 0 and 1, not {options.step}")
    names, values = zip(*arguments().items())

    value, alone = timed(loss, *values)
    gradients, both = timed(gradient, loss, *values)
    print(description.splitlines()[0])
    print(f"value {value:.6f}; with its gradient it takes {both / alone:.1f} times as long\n")
    print(f"{'argument':12} {'shape':>10} {'derivative':>16} {'by differences':>16} {'difference':>11}")
    rng = np.random.default_rng(options.seed)
    for i, (name, x, g) in enumerate(zip(names, values, gradients)):
        direction = rng.normal(size=np.shape(x))
        expected = by_differences(loss, values, i, direction, options.step)
        found = np.sum(g * direction)
        shape = "x".join(map(str, np.shape(x))) or "number"
        print(f"{name:12} {shape:>10} {found:16.9f} {expected:16.9f} {abs(found - expected):11.1e}")


def timed(f, *args):
    """Return what ``f(*args)`` returns, and the shortest of three times it takes (seconds)."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        result = f(*args)
        times.append(time.perf_counter() - start)
    return result, min(times)


def by_differences(loss, values, i, direction, step):
    """Return the derivative of ``loss`` along a direction of argument ``i``, by a central difference."""

    def moved(h):
        return loss(*values[:i], values[i] + h * direction, *values[i + 1 :])

    return (moved(step) - moved(-step)) / (2 * step)
