"""``scipy.integrate``: ordinary differential equations, differentiated by the adjoint equation.

    dy/dt = f(t, y, w)          da/dt = -a df/dy          dL/dw = int a df/dw dt

The adjoint a = dL/dy goes back in time beside y itself, from one time whose state the loss uses to the one before, by
the solver and the tolerances of the way forth.  So nothing is kept but the states at those times, however many steps
the solver makes.  Where y does not come back to the state that it is known to have started from (what decays
grows backwards, of stiff equations more than numbers can hold), the way forth is gone again and its steps are kept
as long as it takes to come back: the adjoint alone goes back then, along them.  For second derivatives, which need more
than the steps, the interval is divided instead.

Reference: Pontryagin et al., "The Mathematical Theory of Optimal Processes" (1962); Chen, Rubanova, Bettencourt and
Duvenaud, "Neural Ordinary Differential Equations" (2018), appendix B.
"""

import warnings
from typing import Any

import numpy as np
import scipy.integrate

from ..arrays import as_numbers
from ..calculus.adjoint import adjoint
from ..core.errors import LostGradientError, NoDerivativeError
from ..core.gradient import pullback
from ..core.tensor import Tensor, lower, recorded, tensors_in
from ..core.trees import leaves, rebuild
from ..hints import chapter
from .entering import scipys_own

DIVISIONS, PARTS = 5, 8  # how often an interval may be divided, and into how many
NEAR = 100  # times the tolerances: how far from its start y may come back
FAR = 1000  # times the size of y at the ends: how large it may be on its way back


class Unsolved(RuntimeError):
    """A solver did not reach the end."""


class Equation:
    """The right side of an equation, and how it is solved.

    Parameters
    ----------
    who : str, for errors
    function : function (t, y, *args) -> dy/dt
    args : tuple of whatever it takes, with Tensors in any place
    solve : function (f, times, y, rtol, atol) -> the states (len(times), n), None where it fails
    rtol, atol : numbers, or one for every element of y
    """

    def __init__(self, who, function, args, solve, rtol, atol):
        if not isinstance(args, tuple):
            raise TypeError(f"{who}: args is a tuple of what the function takes besides t and y: args=(w,)")
        self.who, self.function, self.args, self.solve = who, function, args, solve
        self.rtol, self.atol = rtol, atol
        self.places = [type(x) is Tensor and recorded(x) is not None for x in leaves(args)]
        self.free = tuple(x for x, free in zip(leaves(args), self.places) if free)

    def __call__(self, t, y, *free):
        """Return dy/dt with others in the place of the arguments that are differentiated."""
        chosen = iter(free)
        given = [next(chosen) if free else x for x, free in zip(leaves(self.args), self.places)]
        dy = self.function(t, y, *rebuild(self.args, iter(given)))
        return as_numbers(dy, f"{self.who}: what the function returns")

    def on_numbers(self, free):
        """Return the right side as SciPy's solvers call it."""

        def right_side(t, y):
            dy = self(t, y, *free)
            if type(dy) is Tensor and recorded(dy) is not None:
                raise LostGradientError(
                    f"{self.who}: the function uses a Tensor that is being differentiated and has not come by args. "
                    f"Write {self.who}(f, ..., args=(w,)), with an f that takes w after t and y"
                )
            return lower(dy, None)

        return right_side

    def states(self, times, y, free, solve=None):
        """Return the states at some times, y at the first of them; differentiable by all three."""

        moving = type(times) is Tensor and recorded(times) is not None

        def solution(times, y, *free):
            at, start, numbers = lower((times, y, free), None)
            found = (solve or self.solve)(self.on_numbers(numbers), at, start, self.rtol, self.atol)
            if found is None:
                raise Unsolved

            def back(g):
                along = differentiable(times, y, *free) if tensors_in((times, y, free)) else found
                return self.way_back(times, along, free, g, moving)

            return found, back

        solution.__module__ = "scipy.integrate"  # not to be written out in the text of a program
        differentiable = adjoint(solution)
        return differentiable(times, y, *free)

    def way_back(self, times, along, free, g, moving):
        """Return the gradients by the times, by the first state and by what is free."""
        size = np.max(np.abs(lower(g, None)), initial=0) or 1.0  # which the tolerances are relative to
        g, by_time = g / size, []
        a, b = g[-1], np.zeros(sum(np.size(w) for w in free))
        last, asked = len(along) - 1, moving or type(g) is Tensor
        stops = [i for i in range(last + 1) if asked or i in (0, last) or np.any(g[i])]
        for j, i in list(zip(stops, stops[1:]))[::-1]:
            by_time.append(self.speed(times[i], along[i], free, g[i]) if moving else 0.0)
            a, b = self.cross(times[j : i + 1 : i - j], along[j], along[i], a, b, free, DIVISIONS)
            first = -self.speed(times[0], along[0], free, a) if moving and j == 0 else 0.0
            a = a + g[j]
        parts = np.split(b, np.cumsum([np.size(w) for w in free])[:-1]) if free else []
        by_free = [size * np.reshape(h, np.shape(w)) for h, w in zip(parts, free)]
        return size * np.stack([first, *by_time[::-1]]) if moving and by_time else None, size * a, *by_free

    def speed(self, t, y, free, a):
        """Return the change of the loss while the state is moved along its way."""
        return np.sum(np.real(np.conjugate(self(t, y, *free)) * a))

    def cross(self, times, start, end, a, b, free, divisions):
        """Return a and b at the start of an interval, of those at its end."""
        left, right = times
        if lower(left, None) == lower(right, None):
            return a, b
        n, far = np.size(end), FAR * np.max(np.abs(lower((start, end), None)), initial=1.0)
        tolerances = [widened(x, n, b) for x in (self.rtol, self.atol)]
        both = Equation(self.who, self.beside(n, far), free, self.solve, *tolerances)
        try:
            found = both.states(np.stack([right, left]), np.concatenate([end, a, b]), both.free)[1]
            if self.near(lower(found[:n], None), lower(start, None)):
                return found[n : 2 * n], found[2 * n :]
        except (Unsolved, ValueError):  # as Radau's linear algebra says it of infinities
            pass
        if not tensors_in((times, start, a, b, free)):
            return self.cross_along(times, start, a, b, free)
        if not divisions:
            raise RuntimeError(
                f"{self.who}: going back in time does not lead to where the solution came from, in however short "
                "intervals, as a second derivative needs it. Give smaller rtol and atol, or a function without jumps"
            )
        between = left + (right - left) * np.linspace(0, 1, PARTS + 1)
        along = self.states(between, start, free)
        for i in range(PARTS, 0, -1):
            a, b = self.cross(between[i - 1 : i + 1], along[i - 1], along[i], a, b, free, divisions - 1)
        return a, b

    def cross_along(self, times, start, a, b, free):
        """Return the same, with y read from another way forth."""
        n, method = np.size(start), "Radau" if np.iscomplexobj(start) else "LSODA"
        rtol, atol, both = np.min(self.rtol), np.min(self.atol), self.beside(n, np.inf)
        forth = scipy.integrate.solve_ivp(
            self.on_numbers(free), times, start, method, rtol=rtol, atol=self.atol, dense_output=True
        )
        adjoint_of = lambda t, state: both(t, np.concatenate([forth.sol(t), state]), *free)[n:]
        back = scipy.integrate.solve_ivp(
            adjoint_of, times[::-1], np.concatenate([a, b]), method, times[:1], rtol=rtol, atol=atol
        )
        if not forth.success or not back.success:
            raise RuntimeError(f"{self.who}: the solver did not come back: {back.message}")
        return back.y[:n, -1], back.y[n:, -1]

    def near(self, y, start):
        with np.errstate(invalid="ignore", over="ignore"):
            return np.all(abs(y - start) <= NEAR * (self.atol + self.rtol * abs(start)))

    def beside(self, n, far):
        """Return the right side of y, a and b together, which goes back in time; it gives up where y is too far out."""

        def right_side(t, state, *free):
            if np.max(np.abs(lower(state, None)[:n]), initial=0) > far:
                raise Unsolved
            dy, back = pullback(lambda y, free: self(t, y, *free), state[:n], free)
            da, db = back(np.reshape(-state[n : 2 * n], np.shape(dy)))
            da = np.zeros(n) if da is None else da
            db = [np.zeros(np.size(w)) if h is None else np.ravel(h) for h, w in zip(db or [None] * len(free), free)]
            return np.concatenate([np.ravel(dy), da, *db])

        return right_side


def widened(tolerance, n, b):
    """Return the tolerances of y, a and b of those of y."""
    if np.ndim(tolerance) == 0:
        return tolerance
    return np.concatenate([tolerance, np.full(n + np.size(b), np.min(tolerance))])


# ------------------------------------------------------------------------------------------- odeint
def odeint(
    func, y0, t, args=(), Dfun=None, col_deriv=0, full_output=0, ml=None, mu=None, rtol=None, atol=None, tcrit=None,
    h0=0.0, hmax=0.0, hmin=0.0, ixpr=0, mxstep=0, mxhnil=0, mxordn=12, mxords=5, printmessg=0, tfirst=False,
) -> Any:  # fmt: skip
    """Solve an ordinary differential equation by LSODA.

        dy/dt = func(y, t, *args),   y(t[0]) = y0

    Parameters
    ----------
    func : function (y, t, *args), with ``tfirst`` (t, y, *args), that returns dy/dt: array, Tensor or list (n,).
        What it uses of what is differentiated must come by ``args``.
    y0 : number, array or Tensor (n,)
    t : array or Tensor (T,), rising or falling
    args : tuple of numbers, arrays, Tensors, containers of them, or anything else
    rtol, atol : numbers or arrays (n,), the tolerances of both ways; those of the way back are relative to
        the largest gradient that arrives
    others : as SciPy's; of the Jacobian ``Dfun`` and of ``tcrit`` the way back makes no use

    Returns
    -------
    array or Tensor (T, n) of the states; with ``full_output`` a tuple of them and SciPy's dict

    Differentiable by ``y0``, ``t`` and what ``args`` holds, to every order; see the head of this file.

    Raises LostGradientError if ``func`` uses what is differentiated and did not come by ``args``, RuntimeError
    (on the way back) if the solver fails, or if for a second derivative the solution cannot be followed backwards.

    Source: ``scipy.integrate.odeint``.

    >>> import minigrad
    >>> last = lambda k: odeint(lambda y, t, k: -k * y, 1.0, np.array([0.0, 2.0]), args=(k,))[-1, 0]
    >>> round(minigrad.gradient(last, 0.5)[0], 6)  # d/dk exp(-2 k)
    -0.735759
    """
    told = {}

    def forth(f, times, y, rtol, atol):
        jacobian = Dfun and (lambda *given: lower(Dfun(*given, *lower(args, None)), None))
        first = f if tfirst or not Dfun else lambda y, t: f(t, y)
        y, told["output"] = scipy.integrate.odeint(
            first, y, times, (), jacobian, col_deriv, True, ml, mu, rtol, atol, tcrit,
            **steps, h0=h0, ixpr=ixpr, mxhnil=mxhnil, mxstep=mxstep, printmessg=printmessg,
            tfirst=bool(tfirst or not Dfun),
        )  # fmt: skip
        return y

    def solve(f, times, y, rtol, atol):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it fails, which is told
            options = dict(steps, full_output=True, tfirst=True, mxstep=max(mxstep, 5000))
            y, output = scipy.integrate.odeint(f, y, times, rtol=rtol, atol=atol, **options)
        return y if output["message"] == "Integration successful." else None

    steps = dict(hmax=hmax, hmin=hmin, mxordn=mxordn, mxords=mxords)
    rtol, atol = [1.49012e-8 if x is None else x for x in (rtol, atol)]
    function = func if tfirst else lambda t, y, *args: func(y, t, *args)
    y0, t = [np.atleast_1d(as_numbers(x, f"odeint: {name}")) for name, x in (("y0", y0), ("t", t))]
    equation = Equation("odeint", function, args, solve, rtol, atol)
    y = equation.states(t, y0, equation.free, forth)
    return (y, told["output"]) if full_output else y


# ----------------------------------------------------------------------------------------- solve_ivp
def solve_ivp(
    fun, t_span, y0, method="RK45", t_eval=None, dense_output=False, events=None, vectorized=False, args=None, **options
):
    """Solve an ordinary differential equation by one of SciPy's methods.

        dy/dt = fun(t, y, *args),   y(t_span[0]) = y0

    Parameters
    ----------
    fun : function (t, y, *args) that returns dy/dt: array, Tensor or list (n,).  What it uses of what is
        differentiated must come by ``args``.
    t_span : two numbers; Tensors among them are differentiated
    y0 : array or Tensor (n,), real or complex as the method allows
    method : str or class, as SciPy's
    t_eval : array or Tensor (T,) of the times to tell of, or None for the steps that the solver makes
    args : tuple of numbers, arrays, Tensors, containers of them, or anything else; or None
    dense_output, events, vectorized, options : as SciPy's (rtol, atol, max_step, jac, ...)

    Returns
    -------
    SciPy's result, of which ``y`` (n, T) is differentiable by ``y0``, ``t_span``, ``t_eval`` and what ``args`` holds

    Raises NoDerivativeError for ``dense_output`` and ``events`` while something is differentiated, and what ``odeint``
    raises.

    Source: ``scipy.integrate.solve_ivp``.

    >>> import minigrad
    >>> last = lambda y: solve_ivp(lambda t, y: -y, (0.0, 1.0), y, rtol=1e-8).y[0, -1]
    >>> minigrad.gradient(last, np.array([2.0]))[0].round(6)
    array([0.367879])
    """
    if not any(recorded(x) is not None for x in tensors_in([*t_span, y0, t_eval, *leaves(args)])):
        span, start, times, given = lower((t_span, y0, t_eval, args), None)
        how = (method, times, dense_output, events, vectorized, given)
        return scipy.integrate.solve_ivp(fun, span, start, *how, **options)
    if dense_output or events:
        raise NoDerivativeError(
            "solve_ivp: what dense_output and events tell has no derivative here. Ask for the states at the times in "
            "t_eval, or call scipy.integrate.solve_ivp on plain numbers (minigrad.dropgrad)"
        )
    again = {name: x for name, x in options.items() if name in ("max_step", "min_step")}

    def solve(f, times, y, rtol, atol):
        with np.errstate(over="ignore", invalid="ignore"):
            found = scipy.integrate.solve_ivp(f, times[[0, -1]], y, method, times, rtol=rtol, atol=atol, **again)
        return found.y.T if found.success and found.t.size == times.size else None

    args, y0 = () if args is None else args, np.atleast_1d(as_numbers(y0, "solve_ivp: y0"))
    equation = Equation("solve_ivp", fun, args, solve, options.get("rtol", 1e-3), options.get("atol", 1e-6))
    if callable(jacobian := options.get("jac")):
        options["jac"] = lambda t, y: lower(jacobian(t, y, *lower(args, None)), None)
    result = scipy.integrate.solve_ivp(
        equation.on_numbers(lower(equation.free, None)), lower(t_span, None), lower(y0, None), method,
        lower(t_eval, None), vectorized=vectorized, **options,
    )  # fmt: skip
    result.y = differentiable_states(equation, result, t_span, y0, t_eval)
    return result


def differentiable_states(equation, result, t_span, y0, t_eval):
    """Return the states that SciPy has found, (n, T)."""
    known = np.concatenate([lower(y0, None)[None], result.y.T])
    steps = result.t if t_eval is None else t_eval[: len(result.t)]
    if t_eval is None and type(t_span[1]) is Tensor and result.success:
        steps = np.concatenate([steps[:-1], np.reshape(t_span[1], 1)])
    times = np.concatenate([np.reshape(t_span[0], 1), steps])
    return equation.states(times, y0, equation.free, lambda *_: known)[1:].T


__all__ = ["odeint", "solve_ivp"]

chapter(__name__, scipys_own(scipy.integrate))
