"""The second table: one scalar function per update rule, reading like the page it comes from.

    def rule(x, dx, m, v: real, ..., t: float, ..., *, eta, ...):
        ...
        return step, m, ..., t, ...

``x`` is an element of the parameter and ``dx`` of its gradient.  Then comes the rule's state: first
what it keeps for every element (marked ``: real`` if it is real for complex parameters too), then
(marked ``: float``) the numbers it keeps once per parameter.
After the ``*`` come the hyperparameters.  Returned are the step that ``update_`` subtracts from
``x``, then the new state in the same order.  Whatever else is returned replaces the first
hyperparameters: only ``exp_decay`` uses that.

A formula is a plain list of assignments, and what it calls is in the list below.  So one text
serves three times: on numbers, on whole arrays (when there is no compiler), and compiled into one
loop over memory.  What depends on numbers alone is worked out once a step, in float64; where it
meets an element it takes the element's type.  Quotients by such numbers are written as products,
``m * (1 / c)``, because a division costs as much as all the rest.

Quirks of Flux's formulas are marked ``# Flux:`` and listed in docs/differences.md.
"""

import math

import numpy as np

real = np.floating  # marks state


# The functions that formulas may call: on Python numbers, or on arrays element by element.


def sqrt(x):
    """Square root; a Python number stays one, so that it does not widen a float32 array."""
    return math.sqrt(x) if isinstance(x, (int, float)) else np.sqrt(x)


def abs2(x):
    """``x * conj(x)`` as a real number: the square of the absolute value."""
    return x.real * x.real + x.imag * x.imag if np.iscomplexobj(x) else x * x


def absolute(x):
    """The absolute value; of a complex number by ``hypot``, as in compiled code (NumPy's own rounds otherwise)."""
    return np.hypot(x.real, x.imag) if np.iscomplexobj(x) else abs(x)


def maximum(a, b):
    """The larger of the two; NaN if either is NaN."""
    return (a if a >= b or a != a else b) if are_numbers(a, b) else np.maximum(a, b)


def minimum(a, b):
    """The smaller of the two; NaN if either is NaN."""
    return (a if a <= b or a != a else b) if are_numbers(a, b) else np.minimum(a, b)


def where(condition, a, b, like=None):
    """``a`` where the condition holds, else ``b``; of two numbers, elements of the real type of ``like``."""
    if are_numbers(condition):
        return a if condition else b
    if like is not None and are_numbers(a, b):
        a, b = np.array([a, b]).astype(like.real.dtype)
    return np.where(condition, a, b)


def sign(z):
    """-1, 0 or 1; of a complex number, that of its real and its imaginary part."""
    if are_numbers(z):
        return float((z > 0) - (z < 0)) if z == z else z
    return by_parts(np.sign, z)


def clip(z, low, high):
    """The nearest number of an interval; of a complex number, that of its real and its imaginary part."""
    limited = lambda x: minimum(maximum(x, low), high)
    return limited(z) if are_numbers(z) else by_parts(limited, z)


def power(x, n):
    """``x`` to a whole number that is written in the formula: a product, of squares of squares."""
    if n <= 0:
        return 1 / power(x, -n) if n else 1.0
    result = None
    while n:
        if n % 2:
            result = x if result is None else result * x
        n //= 2
        x = x * x if n else x
    return result


def mod(a, b):
    """The remainder of one number by another, with the sign of the second."""
    return a - math.floor(a / b) * b


def are_numbers(*values):
    """Whether all are Python's own numbers."""
    return all([isinstance(value, (int, float)) for value in values])


def by_parts(function, z):
    """Let a function of real numbers treat a complex one as two: real part and imaginary part."""
    if not np.iscomplexobj(z):
        return function(z)
    both = np.empty_like(z)
    both.real, both.imag = function(z.real), function(z.imag)
    return both


# The rules of the manual, in its order.


def descent(x, dx, *, eta):
    return eta * dx


def momentum(x, dx, velocity, *, eta, rho):
    velocity = rho * velocity - eta * dx
    return -velocity, velocity


def nesterov(x, dx, velocity, *, eta, rho):
    step = (1 + rho) * eta * dx - rho * rho * velocity
    velocity = rho * velocity - eta * dx
    return step, velocity


def rmsprop(x, dx, acc: real, *, eta, rho, epsilon):
    acc = rho * acc + (1 - rho) * abs2(dx)
    return dx * (eta / (sqrt(acc) + epsilon)), acc


def adam(x, dx, m, v: real, beta1_t: float, beta2_t: float, *, eta, beta1, beta2, epsilon):
    m = beta1 * m + (1 - beta1) * dx
    v = beta2 * v + (1 - beta2) * abs2(dx)
    v_hat = v * (1 / (1 - beta2_t))
    return eta / (1 - beta1_t) * m / (sqrt(v_hat) + epsilon), m, v, beta1_t * beta1, beta2_t * beta2


def radam(x, dx, m, v: real, beta1_t: float, beta2_t: float, t: float, *, eta, beta1, beta2, epsilon):
    m = beta1 * m + (1 - beta1) * dx
    v = beta2 * v + (1 - beta2) * abs2(dx)
    v_hat = v * (1 / (1 - beta2_t))
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2_t / (1 - beta2_t)
    # Flux: rectified from rho > 4 on (the fifth step by default); PyTorch asks for rho > 5.
    tractable = rho > 4
    r = sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)) if tractable else 1.0
    step = eta * r / (1 - beta1_t) * m / (where(tractable, sqrt(v_hat) + epsilon, 1.0))
    return step, m, v, beta1_t * beta1, beta2_t * beta2, t + 1


def adamax(x, dx, m, u: real, beta1_t: float, beta2_t: float, *, eta, beta1, beta2, epsilon):
    m = beta1 * m + (1 - beta1) * dx
    u = maximum(beta2 * u, absolute(dx))
    return eta / (1 - beta1_t) * m / (u + epsilon), m, u, beta1_t * beta1, beta2_t * beta2


def oadam(x, dx, m, v: real, previous, beta1_t: float, beta2_t: float, *, eta, beta1, beta2, epsilon):
    m = beta1 * m + (1 - beta1) * dx
    v = beta2 * v + (1 - beta2) * abs2(dx)
    v_hat = v * (1 / (1 - beta2_t))
    current = eta / (1 - beta1_t) * m / (sqrt(v_hat) + epsilon)
    return 2 * current - previous, m, v, current, beta1_t * beta1, beta2_t * beta2


def adagrad(x, dx, acc: real, *, eta, epsilon):
    acc = acc + abs2(dx)
    return dx * (eta / (sqrt(acc) + epsilon)), acc


def adadelta(x, dx, acc: real, dacc: real, *, rho, epsilon):
    acc = rho * acc + (1 - rho) * abs2(dx)
    step = dx * sqrt((dacc + epsilon) / (acc + epsilon))
    dacc = rho * dacc + (1 - rho) * abs2(step)
    return step, acc, dacc


def amsgrad(x, dx, m, v: real, v_max: real, *, eta, beta1, beta2, epsilon):
    m = beta1 * m + (1 - beta1) * dx
    v = beta2 * v + (1 - beta2) * abs2(dx)
    v_max = maximum(v_max, v)
    # Flux: no correction of the bias, and all three start at epsilon (the paper: at zero).
    return eta * m / (sqrt(v_max) + epsilon), m, v, v_max


def nadam(x, dx, m, v: real, beta1_t: float, beta2_t: float, *, eta, beta1, beta2, epsilon):
    m = beta1 * m + (1 - beta1) * dx
    v = beta2 * v + (1 - beta2) * abs2(dx)
    # Flux: the momentum is constant (the paper lets it grow with the step number).
    m_hat = beta1 / (1 - beta1 * beta1_t) * m + (1 - beta1) / (1 - beta1_t) * dx
    v_hat = v * (beta2 / (1 - beta2_t))
    return eta * m_hat / (sqrt(v_hat) + epsilon), m, v, beta1_t * beta1, beta2_t * beta2


def adabelief(x, dx, m, s: real, *, eta, beta1, beta2, epsilon):
    m = beta1 * m + (1 - beta1) * dx
    s = beta2 * s + (1 - beta2) * abs2(dx - m)
    # Flux: no correction of the bias, and no epsilon inside s (the paper has both).
    return eta * m / (sqrt(s) + epsilon), m, s


# Decays and clipping.


def inv_decay(x, dx, n: float, *, gamma):
    return dx * (1 / (1 + gamma * n)), n + 1


def exp_decay(x, dx, n: float, *, eta, latest, decay, step, clip, start):
    n = n + 1
    # One eta for all parameters: it decays when the most advanced of them reaches a new multiple.
    due = n > latest and n > start and n % step == 0
    eta = maximum(eta * decay, clip) if due else eta
    return eta * dx, n, eta, maximum(latest, n)


def weight_decay(x, dx, *, wd):
    return dx + wd * x


def clip_value(x, dx, *, thresh):
    return clip(dx, -thresh, thresh)


def clip_norm(x, dx, norm: float, *, thresh):
    # Measured before the loop: norm is that of the whole gradient as it arrives here.
    return dx * (thresh / norm if norm > thresh else 1.0), norm


# Beyond the manual.


def lion(x, dx, m, *, eta, beta1, beta2):
    step = eta * sign(beta1 * m + (1 - beta1) * dx)
    m = beta2 * m + (1 - beta2) * dx
    return step, m


def rprop(x, dx, previous, width: real, *, shrink, grow, narrowest, widest):
    turn = previous * dx
    wider = minimum(width * grow, widest)
    narrower = maximum(width * shrink, narrowest)
    width = where(turn > 0, wider, where(turn < 0, narrower, width))
    previous = where(turn < 0, 0.0, dx)
    return width * sign(previous), previous, width


def lookahead(x, dx, slow, t: float, *, period, alpha):
    t = t + 1
    meet = t % period == 0
    slow = where(meet, slow + alpha * (x - dx - slow), slow)
    return where(meet, x - slow, dx), slow, t
