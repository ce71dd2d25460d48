"""What does a step of an optimiser cost?  Nanoseconds per float32 element, beside the speed of the memory.

The limit is a rule that moves the same arrays through the processor and only adds: no rule that has to read
and write as much can be faster.  The other frameworks do the step in the ways they offer.  "NumPy" is the
formula as one writes it, "NumPy in place" saves all temporary arrays but one.
"""

import functools

import numpy as np

from harness import OURS, Mark, against, main, race

SIZES = {"1k": 1_000, "100k": 100_000, "1M": 1_000_000, "10M": 10_000_000}
SMALL = [(64,)] * 200 + [(64, 64)] * 20

ADAM = "ADAM on one parameter"
MANY = "ADAM on 220 small parameters"
RULES = "Every rule of the manual, one parameter"
CHAINS = "Composed, one parameter of 1M elements"

# Rule -> how many arrays of state it keeps.
STATES = {
    "Descent": 0,
    "Momentum": 1,
    "Nesterov": 1,
    "RMSProp": 1,
    "ADAM": 2,
    "RADAM": 2,
    "AdaMax": 2,
    "OADAM": 3,
    "ADAGrad": 1,
    "ADADelta": 2,
    "AMSGrad": 3,
    "NADAM": 2,
    "ADAMW": 2,
    "AdaBelief": 2,
}


def arrays(shapes):
    rng = np.random.default_rng(0)
    return [[rng.standard_normal(shape, dtype=np.float32) for shape in shapes] for _ in range(2)]


# -------------------------------------------------------------------------------------------- contenders
def ours(make, threads, shapes):
    """A step of minigrad: a Params and a Grads, as a training loop has them."""
    from minigrad import Grads, Tensor, params, set_num_threads, update_
    from minigrad.optimise.compiled.warmup import warm_up

    set_num_threads(threads)
    opt = make()
    warm_up(opt, np.float32)
    xs, gs = arrays(shapes)
    ps = params([Tensor(x, copy=False) for x in xs])
    grads = Grads(ps, [Tensor(g, copy=False) for g in gs])
    return lambda: update_(opt, ps, grads)


def named(name):
    from minigrad import optimise

    return getattr(optimise, name)()


def chain(name):
    from minigrad.optimise import ADAM, ClipGlobalNorm, ClipValue, ExpDecay, Optimiser, WeightDecay

    return {
        "ADAM": lambda: ADAM(),
        "ClipValue, WeightDecay, ADAM, ExpDecay": lambda: Optimiser(
            ClipValue(1e-3), WeightDecay(1e-4), ADAM(), ExpDecay(1)
        ),
        "ClipGlobalNorm, ADAM": lambda: Optimiser(ClipGlobalNorm(1e9), ADAM()),
    }[name]()


def limit(states):
    """A rule that moves a parameter, its gradient and so many arrays of state, and only adds."""
    from minigrad.optimise import rule

    @rule
    def none(x, dx, eta=0.5):
        return eta + dx

    @rule
    def one(x, dx, m, eta=0.5):
        return eta + dx, m + dx

    @rule
    def two(x, dx, m, v, eta=0.5):
        return eta + dx, m + dx, v + dx

    @rule
    def three(x, dx, m, v, w, eta=0.5):
        return eta + dx, m + dx, v + dx, w + dx

    return (none, one, two, three)[states]()


def pytorch(mode, shapes):
    import torch

    torch.set_num_threads(1)
    xs, gs = arrays(shapes)
    ps = [torch.nn.Parameter(torch.from_numpy(x)) for x in xs]
    for p, g in zip(ps, gs):
        p.grad = torch.from_numpy(g)
    return torch.optim.Adam(ps, 1e-3, foreach=mode == "foreach", fused=mode == "fused").step


def optax_jit(shapes):
    import jax
    import optax

    xs, gs = (list(map(jax.numpy.array, each)) for each in arrays(shapes))
    opt = optax.adam(1e-3)
    state = opt.init(xs)

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def moved(xs, state, gs):
        steps, state = opt.update(gs, state, xs)
        return optax.apply_updates(xs, steps), state

    def step():
        nonlocal xs, state
        xs, state = moved(xs, state, gs)
        jax.block_until_ready(xs)

    return step


def numpy_plain(shapes):
    xs, gs = arrays(shapes)
    ms, vs = ([np.zeros_like(x) for x in xs] for _ in range(2))
    n = 0

    def step():
        nonlocal n
        n += 1
        for i, g in enumerate(gs):
            ms[i] = 0.9 * ms[i] + 0.1 * g
            vs[i] = 0.999 * vs[i] + 0.001 * g * g
            xs[i] -= 1e-3 * (ms[i] / (1 - 0.9**n)) / (np.sqrt(vs[i] / (1 - 0.999**n)) + 1e-8)

    return step


def numpy_in_place(shapes):
    xs, gs = arrays(shapes)
    ms, vs, ts = ([np.zeros_like(x) for x in xs] for _ in range(3))
    n = 0

    def step():
        nonlocal n
        n += 1
        for x, g, m, v, t in zip(xs, gs, ms, vs, ts):
            m *= 0.9
            m += np.multiply(g, 0.1, out=t)
            np.multiply(g, g, out=t)
            t *= 0.001
            v *= 0.999
            v += t
            np.divide(v, 1 - 0.999**n, out=t)
            np.sqrt(t, out=t)
            t += 1e-8
            np.divide(m, t, out=t)
            t *= 1e-3 / (1 - 0.9**n)
            x -= t

    return step


# --------------------------------------------------------------------------------------------- measuring
def one(make, case):
    return make([(SIZES[case],)])


def small(make, case):
    return make(SMALL)


def sized(make, threads, case):
    return ours(make, threads, [(SIZES[case],)])


PEERS = {
    "PyTorch fused": functools.partial(pytorch, "fused"),
    "PyTorch foreach": functools.partial(pytorch, "foreach"),
    "PyTorch loop": functools.partial(pytorch, "loop"),
    "optax jit": optax_jit,
    "NumPy": numpy_plain,
    "NumPy in place": numpy_in_place,
}
ADAMS = {OURS: functools.partial(ours, functools.partial(named, "ADAM"), 1), **PEERS}


def measure(options):
    def per_element(case):
        return 1e9 / SIZES[case]

    two = {
        f"{OURS}, 2 threads": functools.partial(ours, functools.partial(named, "ADAM"), 2),
        "limit": functools.partial(ours, functools.partial(limit, 2), 1),
        "limit, 2 threads": functools.partial(ours, functools.partial(limit, 2), 2),
    }
    one_parameter = {name: functools.partial(one, make) for name, make in {**ADAMS, **two}.items()}
    sizes = ["100k", "1M"] if options.quick else SIZES
    yield from race(ADAM, "ns per element", per_element, sizes, one_parameter, options)

    yield from race(
        MANY,
        "us per step",
        1e6,
        ["94,720 elements"],
        {name: functools.partial(small, make) for name, make in ADAMS.items()},
        options,
    )

    chains = {
        name: functools.partial(sized, functools.partial(chain, name), 1)
        for name in ("ADAM", "ClipValue, WeightDecay, ADAM, ExpDecay", "ClipGlobalNorm, ADAM")
    }
    yield from race(CHAINS, "ns per element", per_element, ["1M"], chains, everything(options))

    sizes = ["100k"] if options.quick else SIZES
    for n in range(4):  # beside the limit of their own; all at once would take too much memory
        rules = {f"limit, {n} arrays": functools.partial(sized, functools.partial(limit, n), 1)}
        for name in [name for name, states in STATES.items() if states == n]:
            rules[name] = functools.partial(sized, functools.partial(named, name), 1)
            if not options.quick:
                rules[f"{name}, 2 threads"] = functools.partial(sized, functools.partial(named, name), 2)
        yield from race(RULES, "ns per element", per_element, sizes, rules, everything(options))


def everything(options):
    """The options without a choice of contenders: for tables that hold minigrad alone."""
    return type(options)(**{**vars(options), "only": None})


MARKS = [
    against("10M", "limit", 1.15),
    against("1M", "limit", 1.1),
    against("100k", "limit", 1.9),
    against("10M", "PyTorch fused", 1.0),
    against("100k", "NumPy", 1 / 5),
    against("94,720 elements", "PyTorch fused", 0.07),
    against("94,720 elements", "PyTorch loop", 0.01),
    Mark(("10M", f"{OURS}, 2 threads"), ("10M", "limit, 2 threads"), 1.15),
    Mark(("1M", "ClipValue, WeightDecay, ADAM, ExpDecay"), ("1M", "ADAM"), 1.10),
    Mark(("1M", "ClipGlobalNorm, ADAM"), ("1M", "ADAM"), 1.35),
    *[Mark(("1M", name), ("1M", f"limit, {n} arrays"), 1 / 0.7) for name, n in STATES.items()],
]

if __name__ == "__main__":
    main(__doc__, measure, MARKS)
