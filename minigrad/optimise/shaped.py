"""Rules on whole arrays, in their shape: what runs them, and those that people ask for most."""

import math
from typing import Any

import numpy as np

from ..fields import KW_ONLY, Flag, also
from ..iddict import IdDict
from .apply import apply_
from .arrays import gradient_array, native
from .route import target
from .rules import Fraction, Nonnegative, Period, Threshold, WholeRule, by_formula, per_parameter
from .whole import about_to_move


@apply_.register
@np.errstate(all="ignore")
def apply_whole(opt: WholeRule, x, dx):
    """The rule of everything that is a function of whole arrays."""
    array = target(x)
    values = array.astype(native(array.dtype), copy=False).view(np.ndarray)
    values.flags.writeable = False
    opt.refuse(values)
    if opt.kept:
        about_to_move(getattr(opt, opt.kept), x)
    arrays, numbers, names = opt.roles()
    state = opt.state_of(x, values)
    kept = [*state[: len(arrays)], *(state[-1].tolist() if numbers else ())]
    made = opt.formula(values, np.array(gradient_array(dx), values.dtype), *kept, **dict(zip(names, opt.hyper())))
    step, *news = made if isinstance(made, tuple) else (made,)
    if len(news) != len(kept):
        raise ValueError(f"{type(opt).__name__} must return the step and {', '.join(arrays + numbers) or 'nothing'}")
    refuse_shapes(opt, arrays, state, news)
    news = [np.array(new) for new in news]  # which may be views of what they replace
    for old, new in zip(state, news[: len(arrays)]):
        old[...] = new
    if numbers:
        state[-1][:] = news[len(arrays) :]
    return np.broadcast_to(step, array.shape).astype(array.dtype)


def refuse_shapes(opt, names, state, news):
    for name, old, new in zip(names, state, news):
        if np.shape(new) != old.shape:
            raise ValueError(
                f"{type(opt).__name__}: {name} had the shape {old.shape} and is {np.shape(new)} now. A state of "
                f"another shape than the parameter's begins as a function makes it: def rule(x, dx, {name}: first, ...)"
            )


# ------------------------------------------------------------------------------------------------- Muon
FIFTH = 3.4445, -4.775, 2.0315  # of a polynomial of degree five that is steep at 0 and stays near 1


def muon(x, dx, m, *, eta, rho, decay, nesterov, epsilon, steps, rms):
    m = rho * m + (1 - rho) * dx
    turned = orthogonal(rho * m + (1 - rho) * dx if nesterov else m, steps, epsilon)
    rows, columns = x.shape
    length = 0.2 * math.sqrt(max(x.shape)) if rms else math.sqrt(max(1, rows / max(1, columns)))
    return eta * length * turned + eta * decay * x, m


def orthogonal(matrix, steps, epsilon):
    """Return a matrix with the same singular vectors, and values near 1, by steps of Newton's and Schulz's kind."""
    a, b, c = FIFTH
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / max(float(np.linalg.norm(wide)), epsilon)
    for _ in range(steps):
        gram = wide @ wide.T
        wide = a * wide + (b * gram + c * (gram @ gram)) @ wide
    return wide if wide.shape == matrix.shape else wide.T


@by_formula(muon)
class Muon(WholeRule):
    """Momentum whose matrix is turned into an orthogonal one: a step of equal length in all directions.

        m <- rho * m + (1 - rho) * dx
        x <- x - eta * length * orthogonal(rho * m + (1 - rho) * dx) - eta * decay * x

    with length = sqrt(max(1, rows / columns)); orthogonal(U S V') is about U V', by ``steps`` steps of a polynomial.

    Parameters
    ----------
    eta : number >= 0        learning rate
    rho : number in [0, 1)   the part of m that is kept
    decay : number >= 0      weight decay, multiplied by eta
    nesterov : bool          whether the step looks ahead, as in the formula; else orthogonal(m)
    epsilon : number >= 0    the least norm that a matrix is divided by
    steps : whole number >= 1    of the polynomial
    rms : bool               length = 0.2 sqrt(max(rows, columns)): about the steps of ADAMW, for a rate tuned for it

    Only for matrices, of real numbers; others are refused: ``Groups((matrices, Muon()), otherwise=ADAMW(...))``.  It
    is called on whole arrays, and not compiled.  State: ``opt.state[W]``, the array m.

    The same as PyTorch's ``Muon`` but for its rounding, which is of 16 bits in the polynomial; the author's own code
    has eta=0.02 and decay=0.  optax's corrects the bias of m.

    Reference: Jordan et al. 2024, Muon: an optimizer for hidden layers; Liu et al. 2025 (arXiv:2502.16982).

    >>> opt, W = Muon(0.1, decay=0), np.zeros((2, 2))
    >>> bool(np.all(np.abs(apply_(opt, W, np.array([[3.0, 0.0], [0.0, -0.1]])) / 0.1 - [[1, 0], [0, -1]]) < 0.4))
    True
    """

    eta: Nonnegative = 0.001
    rho: Fraction = 0.95
    decay: Nonnegative = 0.1
    nesterov: Flag = True
    epsilon: Nonnegative = 1e-7
    steps: Period = 5
    rms: Flag = False
    state: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")
    ρ: float = also("rho")

    def refuse(self, x: np.ndarray) -> None:
        if x.ndim != 2:
            raise ValueError(
                f"Muon is for matrices, and this parameter has the shape {x.shape}. Give it a rule of its own: "
                "Groups((matrices, Muon()), otherwise=ADAM()), with matrices = [p for p in ps if p.ndim == 2]"
            )
        super().refuse(x)

    def refuse_dtype(self, dtype: np.dtype) -> None:
        refuse_complex("Muon", dtype)


def refuse_complex(name, dtype):
    if dtype.kind == "c":
        raise TypeError(f"{name} is defined for real numbers; use a Tensor of the real and imaginary parts")


# -------------------------------------------------------------------------------------------- Adafactor
def adafactor(x, dx, rows, columns, t: float, *, eta, power, epsilon, limit, decay):
    t = t + 1
    if not x.size:
        return dx, rows, columns, t
    fresh, least = t**-power, float(np.finfo(x.dtype).eps)
    if x.ndim > 1:
        rows = rows + fresh * (np.mean(dx * dx, -1, keepdims=True) - rows)
        columns = columns + fresh * (np.mean(dx * dx, -2, keepdims=True) - columns)
        v = rows @ columns / np.maximum(np.mean(rows, -2, keepdims=True), least)
    else:
        rows = rows + fresh * (dx * dx - rows)
        v = rows
    step = dx / np.sqrt(np.maximum(v, least**2))
    rate = min(eta, t**-0.5) * max(epsilon, rms_of(x))
    return rate / max(1.0, rms_of(step) / limit) * step + eta * decay * x, rows, columns, t


def rms_of(x):
    return float(np.linalg.norm(x)) / math.sqrt(max(1, x.size))


@by_formula(adafactor)
class Adafactor(WholeRule):
    """ADAM's second moment, of matrices kept as sums of rows and of columns: n + m numbers in the place of n m.

        rows <- (1 - t^-power) * rows + t^-power * mean(dx^2, along a row),    columns likewise
        v    =  rows * columns / mean(rows)             of vectors: every element's own
        step =  dx / sqrt(v),     step <- step / max(1, rms(step) / limit)
        x    <- x - min(eta, 1 / sqrt(t)) * max(epsilon, rms(x)) * step - eta * decay * x

    Parameters
    ----------
    eta : number >= 0       the largest rate, relative to the size of the parameter
    power : number          how fast the moment forgets: 1 - t^-power of it is kept at step t
    epsilon : number >= 0   the least size of a parameter that counts
    limit : number > 0      the largest root of the mean square of a step (d in the paper)
    decay : number >= 0     weight decay, multiplied by eta

    Complex parameters are refused.  It is called on whole arrays, and not compiled.  State: ``opt.state[W]``, the tuple
    (rows, columns, [t]); of vectors (v, nothing, [t]).  Of more than two axes the last two are taken.

    The same as PyTorch's ``Adafactor``, with ``beta2_decay=-power, d=limit``.  optax has another default for each.

    Reference: Shazeer and Stern 2018 (arXiv:1804.04235).  Not in Flux.

    >>> Adafactor()
    Adafactor(eta=0.01, power=0.8, epsilon=0.001, limit=1.0, decay=0.0)
    """

    eta: Nonnegative = 0.01
    power: Nonnegative = 0.8
    epsilon: Nonnegative = 1e-3
    limit: Threshold = 1.0
    decay: Nonnegative = 0.0
    state: IdDict = per_parameter()
    _: KW_ONLY
    η: float = also("eta")

    def first_state(self, x: np.ndarray) -> dict[str, Any]:
        if x.ndim < 2:
            return {"columns": np.zeros(0)}
        return {"rows": np.zeros((*x.shape[:-1], 1)), "columns": np.zeros((*x.shape[:-2], 1, x.shape[-1]))}

    def refuse_dtype(self, dtype: np.dtype) -> None:
        refuse_complex("Adafactor", dtype)
