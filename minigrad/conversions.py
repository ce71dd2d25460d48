"""What a program did by which a recorded Tensor becomes plain numbers, and what to write instead.

NumPy's protocols tell of most calls, but not of all: methods of plain arrays, lists of Tensors, other libraries.  Of
these a Tensor only hears that it is to become an array.  So here the calls on the stack are looked at, and the line of
the program as it is written.
"""

import itertools
import linecache
import re
import sys

import numpy as np

from .core import errors
from .hints import opcode_at

PANDAS = (
    "the plain array, df.to_numpy(), in the place of a table or column of pandas, as in df.to_numpy() @ t; a table "
    "cannot hold Tensors"
)
MASKED = "plain arrays in the place of a masked array m: m.filled(0), with weights ~m.mask"

# What is looked for in the call as it is written, and in the names of NumPy's functions that are running ("np.full(").
CONVERSIONS = {
    r"\bc?math\.": "np.exp(t) for math.exp(t), np.sum(minigrad.array([t, u])) for math.fsum([t, u])",
    r"\b(float|int|complex)\(|\.item\(": "the Tensor itself, which arithmetic, NumPy's functions and print take",
    r"^[^(=]*\]\s*[-+*/]?=\s*[^\s=\[(]": "minigrad.array([...]) to make an array of its elements, or fill a "
    "minigrad.Buffer in the place of the array",
    r"[\"'].*[\"']\s*%": "f\"{t:.3f}\", which may be printed inside of a gradient",
    r"\bfull\(": "x * np.ones(shape), or np.broadcast_to(x, shape), for np.full(shape, x)",
    r"\b(vectorize|frompyfunc)\(": "the function on the whole Tensor, with NumPy's functions in it; or "
    "minigrad.array([f(x) for x in t])",
    r"\bfromiter\(": "minigrad.array([f(x) for x in t])",
    r"\b(ndenumerate|ndindex)\(": "NumPy's functions on whole arrays; for one number after the other, t[i, j] with "
    "the indices of np.ndindex(t.shape)",
    r"\barange\(": "np.linspace(a, b, n), or a + step * np.arange(n)",
    r"\b(asmatrix|matrix|bmat)\(": "the Tensor itself: t @ u is the product of matrices",
    r"\bnp\.ma\.": MASKED,
    r"(?<!np)\.dot\(": "a @ t, or np.dot(a, t), for a.dot(t)",
    r"(?<!np)\.(clip|searchsorted|choose|take|repeat|put|compress|round)\(": "NumPy's function in the place of the "
    "method, as in np.clip(a, t, u) for a.clip(t, u)",
    r"\brandom\.|\b(rng|generator)\.": "mean + deviation * rng.normal(size=n), or a function of minigrad.sampling",
    r"\b(?!array\b|asarray\b|float\b|Tensor\b)\w+\(\s*[\[(]": "np.stack([t, u]) or minigrad.array([t, u]) in the "
    "place of the list [t, u], as in np.sum(minigrad.array([t, u]))",
}


def explain(what, instead):
    """Return what the program did, and what to write instead, of a conversion that would be told as (what, instead).

    >>> explain("np.asarray(t)", "the Tensor itself")
    ('explain("np.asarray(t)", "the Tensor itself")', 'the Tensor itself')
    """
    frames = errors.outwards(sys._getframe(1))
    written, library = user_call(frames[-1]), library_call(frames[:-1])
    done = written if re.search(r"\W", written) else what  # a name alone tells nothing
    if library is not None:
        return library[0] or done, library[1]
    if "nditer" in (written or frames[-1].f_code.co_names):
        raise errors.NoDerivativeError(  # in the place of a TypeError NumPy would raise one of its own
            f"{written or 'np.nditer'} ({errors.user_line()}) goes through plain numbers, and the gradient would be "
            "lost without a sign. Use NumPy's functions on whole arrays, or for x in np.ravel(t)"
        )
    called = " ".join([written, *called_in_numpy(frames[:-1])])
    for pattern, advice in CONVERSIONS.items():
        if re.search(pattern, called):
            return done, advice
    return done, instead


def called_in_numpy(frames):
    """Return the names of NumPy's own functions and classes that are running."""
    for frame in frames:
        if frame.f_globals.get("__name__", "").startswith("numpy"):
            own = frame.f_locals.get("self")
            yield f"np.{type(own).__name__ if own is not None else frame.f_code.co_name}("


# -------------------------------------------------------------------------------------- the program's own text
def user_call(frame):
    """Return the call, or whatever else, that a frame is at, as it is written there; "" without its text.

    >>> [user_call(sys._getframe())]
    ['user_call(sys._getframe())']
    """
    code, lines = frame.f_code, linecache.getlines(frame.f_code.co_filename, frame.f_globals)
    if not 0 < frame.f_lineno <= len(lines):
        return ""
    text = lines[frame.f_lineno - 1]
    if hasattr(code, "co_positions") and opcode_at(frame, frame.f_lasti) != "STORE_SUBSCR":  # which is at its target
        first, last, start, end = next(itertools.islice(code.co_positions(), frame.f_lasti // 2, None))
        if None not in (first, last, start, end):
            part = [line.encode() for line in lines[first - 1 : last]]
            part[-1] = part[-1][:end]
            text = b" ".join([part[0][start:], *part[1:]]).decode()
    return " ".join(text.split())


# ------------------------------------------------------------------------------------------ other libraries
# The functions of SciPy that minigrad.scipy has, too.
INSTEAD_OF_SCIPY = frozenset(
    """
        block_diag cho_factor cho_solve convolve correlate expm fftconvolve log_softmax logm logsumexp multigammaln
        odeint polygamma softmax solve_banded solve_ivp solve_sylvester solve_triangular sqrtm toeplitz
    """.split()
)


def library_call(frames):
    """Return the function of another library that converts its arguments, if its name tells, and what to write instead.

    None, if no other library is running.
    """
    package, own = "", ""
    for frame in frames:
        module, name = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        if module.startswith("pandas."):
            return "", PANDAS
        if module.startswith("numpy.ma."):
            return "", MASKED
        if module.startswith("matplotlib."):
            return "", "t.data, the plain numbers, in a picture"
        decorated = frame.f_locals.get("f")  # SciPy's decorators convert arguments, too
        if str(getattr(decorated, "__module__", "")).startswith("scipy."):
            module, name = decorated.__module__, getattr(decorated, "__name__", name)
        if (found := distribution_call(module, frame)) is not None:
            return found
        if module.startswith(("scipy.", "numpy.polynomial")):
            within, package = package, ".".join(x for x in module.split(".")[:3] if not x.startswith("_"))
            public = not name.startswith("_") and hasattr(sys.modules.get(package), name)
            own = name if public else own if package in (within, "scipy") else ""
    if not package:
        return None
    instead = "NumPy's functions, or a derivative of your own (@minigrad.adjoint)"
    for place, functions in {"np": np, "np.fft": np.fft, "np.linalg": np.linalg}.items():
        instead = f"{place}.{own}" if callable(getattr(functions, own or "_", None)) else instead
    return f"{package}.{own}".rstrip("."), f"minigrad.scipy.{own}" if own in INSTEAD_OF_SCIPY else instead


DISTRIBUTIONS = frozenset("beta chi2 dirichlet expon gamma multivariate_normal norm poisson t".split())


def distribution_call(module, frame):
    """Return what ``library_call`` does, for a method of one of SciPy's distributions."""
    law = frame.f_locals.get("self")
    law = getattr(law, "dist", getattr(law, "_dist", law))  # of one with its parameters
    if not module.startswith("scipy.stats.") or not hasattr(law, "rvs") or frame.f_code.co_name.startswith("_"):
        return None
    name = getattr(law, "name", None) or type(law).__name__.removesuffix("_gen")
    path = f"scipy.stats.{name}.{frame.f_code.co_name}"
    return path, f"minigrad.{path}" if name in DISTRIBUTIONS else "NumPy's functions for the density's logarithm"


errors.explanations.append(explain)
