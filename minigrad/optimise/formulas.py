"""The second table: one scalar function per update rule, reading like the page it comes from.

    def rule(x, dx, m, v: real, ..., t: float, ..., *, eta, ...):
        ...
        return step, m, ..., t, ...

``x`` is an element of the parameter and ``dx`` of its gradient.  Then comes the rule's state: first
what it keeps for every element (marked ``: real`` if it is real for complex parameters too), then
(marked ``: float``) the numbers it keeps once per parameter.
After the ``*`` come the hyperparameters, and what the formula asks for by name: ``normal``, a normal number
drawn for the element, or ``gradient``, the gradient as it came into the composition.
Returned are the step that ``update_`` subtracts from ``x``, then the new state in the same order.
Whatever else is returned replaces the first hyperparameters: only ``exp_decay`` uses that.

A formula is a plain list of assignments, and what it calls is in functions.py.  So one text
serves three times: on numbers, on whole arrays (when there is no compiler), and compiled into one
loop over memory.  What depends on numbers alone is worked out once a step, in float64; where it
meets an element it takes the element's type.  Quotients by such numbers are written as products,
``m * (1 / c)``, because a division costs as much as all the rest.

``norm(e)``, ``mean(e)`` and ``total(e)`` are numbers: of an expression that differs from element to element, over all
elements of the parameter, or, with ``over="all"``, of all parameters of the step.  reductions.py has the rest.

Quirks of Flux's formulas are marked ``# Flux:`` and listed in docs/differences.md.
"""

from .functions import abs2, absolute, cbrt, clip, maximum, minimum, real, sign, sqrt, where
from .functions import mean as mean, norm as norm, total as total  # formulas of users find them here, too

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


def clip_norm(x, dx, *, thresh):
    size = norm(dx)
    return dx * (thresh / size if size > thresh else 1.0)


def clip_global_norm(x, dx, *, thresh):
    size = norm(dx, over="all")
    return dx * (thresh / size if size > thresh else 1.0)


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


# As other libraries have them (more.py), in the order of that file.


def yogi(x, dx, m, v: real, beta1_t: float, beta2_t: float, *, eta, beta1, beta2, epsilon):
    m = beta1 * m + (1 - beta1) * dx
    v = v - (1 - beta2) * sign(v - abs2(dx)) * abs2(dx)
    v_hat = v * (1 / (1 - beta2_t))
    return eta / (1 - beta1_t) * m / (sqrt(v_hat) + epsilon), m, v, beta1_t * beta1, beta2_t * beta2


def adan(
    x, dx, m, d, v: real, previous, beta1_t: float, beta2_t: float, beta3_t: float, t: float,
    *, eta, beta1, beta2, beta3, epsilon, epsilon_root, decay,
):  # fmt: skip
    change = where(t > 1, dx - previous, 0.0)
    m = beta1 * m + (1 - beta1) * dx
    d = beta2 * d + (1 - beta2) * change
    v = beta3 * v + (1 - beta3) * abs2(dx + (1 - beta2) * change)
    ahead = 1 / (1 - beta1_t) * m + (1 - beta2) / (1 - beta2_t) * d
    v_hat = v * (1 / (1 - beta3_t))
    step = eta * ahead / (sqrt(v_hat + epsilon_root) + epsilon) + eta * decay * x
    return step, m, d, v, dx, beta1_t * beta1, beta2_t * beta2, beta3_t * beta3, t + 1


def ademamix(
    x, dx, m, slow, v: real, beta1_t: float, beta2_t: float,
    *, eta, beta1, beta2, beta3, alpha, epsilon, epsilon_root, decay,
):  # fmt: skip
    m = beta1 * m + (1 - beta1) * dx
    slow = beta3 * slow + (1 - beta3) * dx
    v = beta2 * v + (1 - beta2) * abs2(dx)
    both = 1 / (1 - beta1_t) * m + alpha * slow
    v_hat = v * (1 / (1 - beta2_t))
    step = eta * both / (sqrt(v_hat + epsilon_root) + epsilon) + eta * decay * x
    return step, m, slow, v, beta1_t * beta1, beta2_t * beta2


def adopt(x, dx, m, v: real, t: float, *, eta, beta1, beta2, epsilon):
    limit = sqrt(sqrt(t))
    scaled = clip(dx / maximum(sqrt(v), epsilon), -limit, limit)
    m = where(t > 0, beta1 * m + (1 - beta1) * scaled, m)
    v = where(t > 0, beta2 * v + (1 - beta2) * abs2(dx), abs2(dx))
    return eta * m, m, v, t + 1


def laprop(x, dx, m, v: real, beta1_t: float, beta2_t: float, *, eta, beta1, beta2, epsilon):
    v = beta2 * v + (1 - beta2) * abs2(dx)
    v_hat = v * (1 / (1 - beta2_t))
    m = beta1 * m + (1 - beta1) * (dx / (sqrt(v_hat) + epsilon))
    return eta / (1 - beta1_t) * m, m, v, beta1_t * beta1, beta2_t * beta2


def sign_sgd(x, dx, *, eta):
    return eta * sign(dx)


def signum(x, dx, m, *, eta, rho, decay):
    m = rho * m + (1 - rho) * dx
    return eta * sign(m) + eta * decay * x, m


def madgrad(x, dx, s, acc: real, first, t: float, *, eta, rho, decay, epsilon):
    rate = (eta + epsilon) * sqrt(t)
    dx = dx + decay * x
    s = s + rate * dx
    acc = acc + rate * abs2(dx)
    z = first - s / (cbrt(acc) + epsilon)
    return (1 - rho) * (x - z), s, acc, first, t + 1


def optax_amsgrad(x, dx, m, v: real, v_max: real, beta1_t: float, beta2_t: float, *, eta, beta1, beta2, epsilon):
    m = beta1 * m + (1 - beta1) * dx
    v = beta2 * v + (1 - beta2) * abs2(dx)
    v_max = maximum(v_max, v * (1 / (1 - beta2_t)))
    return eta / (1 - beta1_t) * m / (sqrt(v_max) + epsilon), m, v, v_max, beta1_t * beta1, beta2_t * beta2


# As PyTorch has them.


def torch_sgd(x, dx, velocity, t: float, *, eta, rho, dampening, decay, nesterov):
    dx = dx + decay * x
    # The first gradient counts whole.
    velocity = rho * velocity + (1.0 if t == 1 or rho == 0 else 1 - dampening) * dx
    return eta * (dx + rho * velocity) if nesterov else eta * velocity, velocity, t + 1


def torch_rmsprop(x, dx, acc: real, middle, velocity, *, eta, rho, epsilon, decay, momentum, centred):
    dx = dx + decay * x
    acc = rho * acc + (1 - rho) * abs2(dx)
    middle = rho * middle + (1 - rho) * dx
    spread = maximum(acc - abs2(middle), 0.0) if centred else acc
    velocity = momentum * velocity + dx / (sqrt(spread) + epsilon)
    return eta * velocity, acc, middle, velocity


def torch_adamw(x, dx, m, v: real, beta1_t: float, beta2_t: float, *, eta, beta1, beta2, epsilon, decay):
    m = beta1 * m + (1 - beta1) * dx
    v = beta2 * v + (1 - beta2) * abs2(dx)
    v_hat = v * (1 / (1 - beta2_t))
    step = eta / (1 - beta1_t) * m / (sqrt(v_hat) + epsilon) + eta * decay * x
    return step, m, v, beta1_t * beta1, beta2_t * beta2


def torch_amsgrad(
    x, dx, m, v: real, v_max: real, beta1_t: float, beta2_t: float, *, eta, beta1, beta2, epsilon, decay
):
    dx = dx + decay * x
    m = beta1 * m + (1 - beta1) * dx
    v = beta2 * v + (1 - beta2) * abs2(dx)
    v_max = maximum(v_max, v)
    v_hat = v_max * (1 / (1 - beta2_t))
    step = eta / (1 - beta1_t) * m / (sqrt(v_hat) + epsilon)
    return step, m, v, v_max, beta1_t * beta1, beta2_t * beta2


def torch_nadam(
    x, dx, m, v: real, product: float, beta2_t: float, t: float,
    *, eta, beta1, beta2, epsilon, decay, momentum_decay,
):  # fmt: skip
    dx = dx + decay * x
    now = beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))
    following = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * momentum_decay))
    product = product * now
    m = beta1 * m + (1 - beta1) * dx
    v = beta2 * v + (1 - beta2) * abs2(dx)
    ahead = following / (1 - product * following) * m + (1 - now) / (1 - product) * dx
    v_hat = v * (1 / (1 - beta2_t))
    return eta * ahead / (sqrt(v_hat) + epsilon), m, v, product, beta2_t * beta2, t + 1


def torch_radam(x, dx, m, v: real, beta1_t: float, beta2_t: float, t: float, *, eta, beta1, beta2, epsilon, decay):
    dx = dx + decay * x
    m = beta1 * m + (1 - beta1) * dx
    v = beta2 * v + (1 - beta2) * abs2(dx)
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2_t / (1 - beta2_t)
    tractable = rho > 5
    r = sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)) if tractable else 1.0
    scale = where(tractable, sqrt(1 - beta2_t) / (sqrt(v) + epsilon), 1.0)
    return eta * r / (1 - beta1_t) * m * scale, m, v, beta1_t * beta1, beta2_t * beta2, t + 1


# Averages of weights (averages.py): each follows what the step leads to.


def ema(x, dx, average, t: float, *, decay):
    keep = decay if t > 0 else 0.0  # the first weights count whole
    return dx, keep * average + (1 - keep) * (x - dx), t + 1


def swa(x, dx, average, t: float, n: float, *, start, period):
    t = t + 1
    due = t > start and (t - start) % period == 0
    weight = 1 / (n + 1) if due or n == 0 else 0.0
    average = where(n == 0, x - dx, average + weight * (x - dx - average))
    return dx, average, t, n + 1 if due else n


def free_weights(x, dx, z, top: float, total: float, *, eta, beta, power):
    average = (x - (1 - beta) * z) / beta
    top = maximum(top, eta)
    total = total + top**power
    z = z - dx
    share = top**power / total if total > 0 else 0.0
    average = (1 - share) * average + share * z
    return x - (beta * average + (1 - beta) * z), z, top, total


# With what is seen of the loss at another look (twice.py).


def sophia(
    x, dx, m, h, estimate, beta1_t: float, due: float, *, eta, beta1, beta2, epsilon, decay, gamma, limit
):  # fmt: skip
    m = beta1 * m + (1 - beta1) * dx
    scaled = clip(1 / (1 - beta1_t) * m / maximum(gamma * h, epsilon), -limit, limit)
    h = where(due > 0, beta2 * h + (1 - beta2) * estimate, h)
    return eta * scaled + eta * decay * x, m, h, estimate, beta1_t * beta1, 0.0


# Those that look at all elements (layerwise.py).


def trust_ratio(x, dx, *, least, coefficient, epsilon):
    weight = maximum(norm(x), least)
    length = maximum(norm(dx), least)
    return dx * (1.0 if weight == 0 or length == 0 else coefficient * weight / (length + epsilon))


def lamb(
    x, dx, m, v: real, beta1_t: float, beta2_t: float, *, eta, beta1, beta2, epsilon, epsilon_root, decay
):
    m = beta1 * m + (1 - beta1) * dx
    v = beta2 * v + (1 - beta2) * abs2(dx)
    v_hat = v * (1 / (1 - beta2_t))
    u = 1 / (1 - beta1_t) * m / (sqrt(v_hat + epsilon_root) + epsilon) + decay * x
    weight = norm(x)
    length = norm(u)
    ratio = 1.0 if weight == 0 or length == 0 else weight / length
    return eta * ratio * u, m, v, beta1_t * beta1, beta2_t * beta2


def lars(x, dx, velocity, *, eta, decay, coefficient, epsilon, rho, nesterov):
    u = dx + decay * x
    weight = norm(x)
    length = norm(u)
    ratio = 1.0 if weight == 0 or length == 0 else coefficient * weight / (length + epsilon)
    u = eta * ratio * u
    velocity = rho * velocity + u
    return u + rho * velocity if nesterov else velocity, velocity


def novograd(x, dx, m, v: float, t: float, *, eta, beta1, beta2, epsilon, epsilon_root, decay):
    length = norm(dx)
    v = beta2 * v + (1 - beta2) * length * length if t > 1 else length * length
    m = beta1 * m + 1 / (sqrt(v + epsilon_root) + epsilon) * dx + decay * x
    return eta * m, m, v, t + 1


def cautious(x, dx, *, gradient):
    agree = where(dx * gradient > 0, 1.0, 0.0, x)
    elements = total(agree + (1 - agree))
    return elements / (total(agree) + 1) * agree * dx


def prodigy(
    x, dx, m, v: real, s, first, beta1_t: float, beta2_t: float, d: float, gained: float,
    *, eta, beta1, beta2, beta3, epsilon, d0, coefficient, decay, safeguard,
):  # fmt: skip
    rate = d * eta * sqrt(1 - beta2_t) / (1 - beta1_t)
    m = beta1 * m + (1 - beta1) * d * dx
    v = beta2 * v + (1 - beta2) * d * d * (dx * dx)
    kept = beta3 if beta3 > 0 else sqrt(beta2)
    s = kept * s + (d if safeguard else rate) * d / d0 * dx
    gained = kept * gained + d / d0 * rate * total(dx * (first - x), over="all")
    gathered = total(absolute(s), over="all")
    d_next = d if gathered == 0 else maximum(d, coefficient * gained / gathered)
    step = rate * m / (sqrt(v) + d_next * epsilon) + decay * rate * x
    return step, m, v, s, first, beta1_t * beta1, beta2_t * beta2, d_next, gained
