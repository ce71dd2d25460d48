"""What changes behind a compiled step: it is followed, or refused with what to write; never is a step stale."""

import array
import collections
import functools
import operator
import random

import numpy as np
import pytest
from compiled_steps import World, side_by_side, way  # noqa: F401

from minigrad import ADAM, Tensor, TraceError, compiled, dropgrad, ones, params, rand, randn, seed
from minigrad.nn import Dense
from minigrad.sampling import normal

mean = np.mean
X = np.array([1.0, 2.0, 3.0])


def build(f, arguments=lambda world, k: (X,), **state):
    """Return a function that makes a world anew, with a loss ``f(world, *arguments)`` of its parameter W."""

    def make():
        world = World(
            W=randn(3, 3), lam=0.1, c=np.ones(3), layer=World(p=0.5), X=np.arange(3.0), k=Tensor(np.ones(3)), n=1,
            list=[1.0, 2.0], dict={"a": 1.0}, f=np.abs, V=None,
        )
        vars(world).update({key: x() if callable(x) else x for key, x in state.items()})
        return world, lambda *args: f(world, *args), params(world.W), ADAM(0.1), arguments

    return make


def to(name, value):
    return lambda world, ps, opt: setattr(world, name, value() if callable(value) else value)


FOLLOWED = {
    "eta": (lambda w, x: mean((w.W @ x) ** 2), lambda w, ps, opt: setattr(opt, "eta", 0.5)),
    "a uniform captured array overwritten": (lambda w, x: mean((w.W @ x - w.c) ** 2), lambda w, ps, o: w.c.fill(7.0)),
    "another captured array overwritten": (lambda w, x: mean((w.W @ x - w.X) ** 2), lambda w, ps, o: w.X.fill(7.0)),
    "a captured array bound anew": (lambda w, x: mean((w.W @ x - w.X) ** 2), to("X", np.array([9.0, 8, 7]))),
    "a captured array of another shape": (lambda w, x: mean((w.W @ x - w.X) ** 2), to("X", np.ones((2, 3)))),
    "a captured array's shape set": (
        lambda w, x: mean((w.W @ x - w.X) ** 2),
        lambda w, p, o: setattr(w.X, "shape", (3, 1)),
    ),
    "a captured Tensor overwritten": (lambda w, x: mean((w.W @ x - w.k) ** 2), lambda w, p, o: w.k.data.fill(7.0)),
    "a captured Tensor's data bound anew": (
        lambda w, x: mean((w.W @ x - w.k) ** 2),
        lambda w, p, o: setattr(w.k, "data", np.array([5.0, 6, 7])),
    ),
    "a captured float": (lambda w, x: mean((w.W @ x) ** 2) + w.lam * np.sum(w.W**2), to("lam", 5.0)),
    "an attribute of a layer": (
        lambda w, x: mean((w.W @ x * w.layer.p) ** 2),
        lambda w, p, o: setattr(w.layer, "p", 0.9),
    ),
    "the parameter's data bound anew": (
        lambda w, x: mean((w.W @ x) ** 2),
        lambda w, p, o: setattr(w.W, "data", np.eye(3)),
    ),
    "the parameter overwritten": (lambda w, x: mean((w.W @ x) ** 2), lambda w, p, o: w.W.data.fill(1.0)),
    "numbers of captured ones": (lambda w, x: mean((w.W @ x - w.X / 255) ** 2), lambda w, p, o: w.X.fill(700.0)),
    "numbers of uniform captured ones": (lambda w, x: mean((w.W @ x - 2 * w.c) ** 2), lambda w, p, o: w.c.fill(7.0)),
    "one number of captured ones": (lambda w, x: mean((w.W @ x) ** 2) * w.X[1], lambda w, p, o: w.X.fill(7.0)),
    "a mean of captured ones": (lambda w, x: mean((w.W @ x) ** 2) * w.X.mean(), lambda w, p, o: w.X.fill(7.0)),
    "a float of captured ones": (lambda w, x: mean((w.W @ x) ** 2) * float(w.X[1]), lambda w, p, o: w.X.fill(7.0)),
    "an item() of captured ones": (lambda w, x: mean((w.W @ x) ** 2) * w.X[1].item(), lambda w, p, o: w.X.fill(7.0)),
    "an if on captured ones": (
        lambda w, x: mean((w.W @ x) ** 2) if w.X[1] < 5 else mean(w.W**2),
        lambda w, p, o: w.X.fill(7.0),
    ),
    "an if on a captured Tensor": (
        lambda w, x: mean((w.W @ x) ** 2) if w.k[1] < 5 else mean(w.W**2),
        lambda w, p, o: w.k.data.fill(7.0),
    ),
    "a captured mask": (
        lambda w, x: mean(np.where(w.X > 1, w.W @ x, 0.0) ** 2),
        lambda w, p, o: w.X.fill(7.0),
    ),
    "a captured index, overwritten": (
        lambda w, x: mean(w.W[w.rows] ** 2),
        lambda w, p, o: w.rows.fill(2),
        dict(rows=lambda: np.array([0, 1])),
    ),
    "an index of captured ones": (lambda w, x: mean(w.W[int(w.X[1])] ** 2), lambda w, p, o: w.X.fill(2.0)),
    "a list of captured numbers": (lambda w, x: mean((w.W @ x * w.X.tolist()) ** 2), lambda w, p, o: w.X.fill(2.0)),
    "seed() called again": (lambda w, x: mean((w.W @ x - rand(3)) ** 2), lambda w, p, o: seed(9)),
    "the optimiser reset": (lambda w, x: mean((w.W @ x) ** 2), lambda w, p, opt: opt.reset_()),
    "a branch on Python's state": (
        lambda w, x: mean((w.W @ x) ** 2) if w.n == 1 else mean(np.abs(w.W @ x)),
        to("n", 2),
    ),
    "an item of a list": (lambda w, x: mean((w.W @ x) ** 2) * w.list[1], lambda w, p, o: w.list.__setitem__(1, 3.0)),
    "a list that grows": (
        lambda w, x: sum(a * mean((w.W @ x) ** 2) for a in w.list),
        lambda w, p, o: w.list.append(3.0),
    ),
    "a list sorted": (lambda w, x: mean((w.W @ x) ** 2) * w.list[0], lambda w, p, o: w.list.reverse()),
    "an item of a dict": (lambda w, x: mean((w.W @ x) ** 2) * w.dict["a"], lambda w, p, o: w.dict.update(a=3.0)),
    "a dict that grows": (
        lambda w, x: mean((w.W @ x) ** 2) * sum(w.dict.values()),
        lambda w, p, o: w.dict.update(b=3.0),
    ),
    "a function": (lambda w, x: mean(w.f(w.W @ x)), to("f", lambda: np.square)),
    "an attribute that is not there any more": (
        lambda w, x: mean((w.W @ x) ** 2) * (2.0 if hasattr(w, "lam") else 1.0),
        lambda w, p, o: delattr(w, "lam"),
    ),
    "a new attribute": (
        lambda w, x: mean((w.W @ x) ** 2) * getattr(w, "scale", 1.0),
        to("scale", 3.0),
    ),
}


@pytest.mark.parametrize("hazard", FOLLOWED)
def test_what_changes_between_steps_is_followed(hazard):
    f, change, *state = FOLLOWED[hazard]

    step = side_by_side(build(f, **(state[0] if state else {})), change)

    assert "by its program" in step.why, step.why


# ------------------------------------------------------------------------------------ how Python's state is reached
SCALE, LOG = 2.0, []


def by_global(x):
    return x * SCALE


NUMBERS = np.array([1.0, 2.0, 3.0])


def by_default(x, scale=NUMBERS, *, power=2.0):
    return x * scale * power


class Slotted:
    __slots__ = ("scale",)


class Model:
    factor = 1.0

    def __init__(self, W):
        self.W, self._scale = W, 1.5

    @property
    def scale(self):
        return self._scale

    def shifted(self, x):
        return x + 1.0

    @staticmethod
    def twice(x):
        return 2 * x

    def __call__(self, x):
        return self.twice(self.shifted(self.W @ x)) * self.scale * self.factor

    def __getitem__(self, k):
        return self.W[k]


def modelled(f=lambda model, x: mean(model(x) ** 2)):
    def make():
        model = Model(randn(3, 3))
        for name in ("factor", "shifted"):
            setattr(Model, name, ORIGINAL[name])
        return model, lambda x: f(model, x), params(model), ADAM(0.1), lambda model, k: (X,)

    return make


ORIGINAL = {"factor": Model.factor, "shifted": Model.shifted}
REACHED = {
    "an attribute of a class": lambda model, ps, opt: setattr(Model, "factor", 3.0),
    "a method of a class": lambda model, ps, opt: setattr(Model, "shifted", lambda self, x: x - 1.0),
    "an attribute of the object that hides that of its class": lambda model, ps, opt: setattr(model, "factor", 3.0),
    "a method of the object that hides that of its class": lambda m, ps, opt: setattr(m, "shifted", lambda x: x - 1.0),
    "what a property reads": lambda model, ps, opt: setattr(model, "_scale", 3.0),
    "the class of the object": lambda m, ps, o: setattr(m, "__class__", type("Other", (Model,), {"factor": 5.0})),
}


@pytest.mark.parametrize("hazard", REACHED)
def test_what_objects_of_ones_own_are_is_followed(hazard):
    side_by_side(modelled(), REACHED[hazard])


def test_a_method_that_python_calls_without_naming_it_is_followed(monkeypatch):
    other = lambda self, k: 2 * self.W[k]

    def change(model, ps, opt):
        monkeypatch.setattr(Model, "__getitem__", other)

    for_eager = modelled(lambda model, x: mean(model[0] ** 2))

    def build():
        monkeypatch.undo()
        return for_eager()

    side_by_side(build, change)


def test_globals_of_functions_that_the_loss_calls_are_followed():
    def change(w, ps, opt):
        globals()["SCALE"] = 5.0

    def make():
        globals()["SCALE"] = 2.0
        return build(lambda w, x: mean(by_global(w.W @ x) ** 2))()

    side_by_side(make, change)
    globals()["SCALE"] = 2.0


def test_a_global_that_hides_a_builtin_is_followed():
    def change(w, ps, opt):
        globals()["sum"] = lambda xs: 7.0 * xs[0]

    def make():
        globals().pop("sum", None)
        return build(lambda w, x: sum([mean((w.W @ x) ** 2)]))()

    try:
        side_by_side(make, change)
    finally:
        globals().pop("sum", None)


DEFAULTS = {
    "its numbers": lambda: by_default.__defaults__[0].fill(4.0),
    "itself": lambda: setattr(by_default, "__defaults__", (np.array([3.0, 2.0, 1.0]),)),
    "one by keyword": lambda: by_default.__kwdefaults__.update(power=5.0),
    "the code": lambda: setattr(by_default, "__code__", (lambda x, scale=0, *, power=2.0: x * power).__code__),
}


@pytest.mark.parametrize("hazard", DEFAULTS)
def test_defaults_and_the_code_of_functions_are_followed(hazard):
    code = by_default.__code__

    def make():
        by_default.__code__, by_default.__defaults__ = code, (np.array([1.0, 2.0, 3.0]),)
        by_default.__kwdefaults__["power"] = 2.0
        return build(lambda w, x: mean(by_default(w.W @ x) ** 2))()

    side_by_side(make, lambda w, ps, opt: DEFAULTS[hazard]())
    by_default.__code__ = code


def test_arrays_among_the_defaults_of_a_loss_are_read_where_they_lie():
    def make():
        world, _, ps, opt, arguments = build(None)()
        world.Y = np.array([2.0, 5.0, 1.0])
        return world, lambda x=X, y=world.Y, w=world: mean((w.W @ x - y) ** 2), ps, opt, arguments

    step = side_by_side(make, lambda world, ps, opt: world.Y.fill(3.0))

    assert "by its program" in step.why and "traced again" not in step.why


def test_variables_of_a_closure_and_slots_are_followed():
    def make():
        world, _, ps, opt, arguments = build(None)()
        scale, world.slotted = 1.0, Slotted()
        world.slotted.scale = 1.0

        def change():
            nonlocal scale
            scale, world.slotted.scale = 3.0, 4.0

        world.change = change
        return world, lambda x: mean((world.W @ x * scale * world.slotted.scale) ** 2), ps, opt, arguments

    side_by_side(make, lambda world, ps, opt: world.change())


def test_what_a_partial_function_holds_is_followed():
    import functools

    def f(w, table, x):
        return mean((w.W @ x) ** 2) * table["a"]

    def make():
        world, _, ps, opt, arguments = build(None)()
        world.table = {"a": 1.0}
        return world, functools.partial(f, world, world.table), ps, opt, arguments

    side_by_side(make, lambda world, ps, opt: world.table.update(a=4.0))


class Otherwise:
    def __getattr__(self, name):
        return 2.0

    def factor(self):
        return 1.0


class Iterable:
    def __init__(self):
        self.values = [1.0, 2.0]

    def __iter__(self):
        return iter(self.values)


SMALL = collections.namedtuple("SMALL", "x y")
GET = operator.attrgetter("lam")
HELD = {
    "an array in a tuple": (lambda w, x: w.held[0] / 2, lambda: (np.arange(3.0),), lambda w: w.held[0].fill(2.0)),
    "a uniform array in a tuple": (lambda w, x: w.held[0] * 2, lambda: (np.ones(3),), lambda w: w.held[0].fill(2)),
    "a number of an array in a tuple": (lambda w, x: w.held[0][1], lambda: (np.ones(3),), lambda w: w.held[0].fill(2)),
    "an array in a named tuple": (lambda w, x: w.held.x / 2, lambda: SMALL(np.ones(3), 1), lambda w: w.held.x.fill(3)),
    "an array in a list in a tuple": (
        lambda w, x: w.held[0][0] / 2,
        lambda: ([np.ones(3)],),
        lambda w: w.held[0][0].fill(3),
    ),
    "what a view sees": (lambda w, x: w.held[1:4] / 2, lambda: np.arange(6.0), lambda w: w.held.fill(2.0)),
    "an attribute that __getattr__ stood for": (lambda w, x: w.held.a, Otherwise, lambda w: setattr(w.held, "a", 9.0)),
    "a method that hides the class's": (
        lambda w, x: w.held.factor(),
        Otherwise,
        lambda w: setattr(w.held, "factor", lambda: 9.0),
    ),
    "what an iterator gives": (lambda w, x: sum(w.held), Iterable, lambda w: w.held.values.append(4.0)),
    "an attribute by its name": (lambda w, x: getattr(w, "l" + "am"), None, lambda w: setattr(w, "lam", 9.0)),
    "an attribute by a getter": (lambda w, x: GET(w), None, lambda w: setattr(w, "lam", 9.0)),
    "an array of numbers": (lambda w, x: w.held[0], lambda: array.array("d", [1.0]), lambda w: w.held.insert(0, 3)),
    "a set": (lambda w, x: len(w.held), lambda: {1, 2}, lambda w: w.held.add(3)),
    "functions in another order": (
        lambda w, x: functools.reduce(lambda h, f: f(h), w.held.values(), x[0]),
        lambda: {"a": np.sqrt, "b": lambda v: v + 1},
        lambda w: w.held.update(a=w.held.pop("a")),
    ),
    "a frozen layer": (lambda w, x: np.sum(w.held(x)), lambda: Dense(3, 2), lambda w: w.held.W.data.fill(0.3)),
    "a frozen layer's weight": (
        lambda w, x: np.sum(w.held(x)),
        lambda: Dense(3, 2),
        lambda w: setattr(w.held, "W", ones(3, 2)),
    ),
}


@pytest.mark.parametrize("hazard", HELD)
def test_what_is_held_in_other_ways_is_followed(hazard):
    f, make, change = HELD[hazard]

    loss = lambda w, x: mean((w.W @ x - f(w, x)) ** 2)
    step = side_by_side(build(loss, held=make or (lambda: None)), lambda w, ps, opt: change(w), at=7)

    assert "by its program" in step.why


def test_variables_that_no_code_names_are_not_compiled():
    step = side_by_side(build(lambda w, x: mean((w.W @ x) ** 2) * globals()["SCALE"]))

    assert "globals()" in step.why


# ------------------------------------------------------------------------------------ the parameters
def test_a_parameter_replaced_in_the_model_is_followed():
    step = side_by_side(build(lambda w, x: mean((w.W @ x) ** 2)), to("W", lambda: randn(3, 3)))

    assert step(X) == step(X)  # nothing moves: the loss depends on no parameter of the step


def test_parameters_added_later_are_followed():
    def make():
        world, loss, ps, opt, arguments = build(lambda w, x: mean((w.W @ x + w.b) ** 2))()
        world.b = Tensor(np.ones(3))
        return world, loss, ps, opt, arguments

    side_by_side(make, lambda world, ps, opt: ps.push_(world.b))


def test_a_parameter_of_another_dtype_or_shape_is_followed():
    f = lambda w, x: mean((w.V * x) ** 2)

    for other in (lambda: np.ones(3, np.float32), lambda: np.ones((2, 3)), lambda: np.arange(6.0)[::2]):

        def make():
            world, loss, _, opt, arguments = build(f)()
            world.V = Tensor(np.ones(3))
            return world, loss, params(world.V), opt, arguments

        def change(world, ps, opt, other=other):
            world.V.data = other()
            opt.reset_()

        side_by_side(make, change, tolerance=1e-6)


# ------------------------------------------------------------------------------------ the arguments
ARGUMENTS = {
    "another shape": [np.ones(3), np.ones((3, 2))],
    "strides": [np.arange(3.0), np.arange(6.0)[::2]],
    "another dtype": [np.arange(3.0), np.arange(3)],
    "the other order of bytes": [np.arange(3.0), np.arange(3.0).astype(">f8")],
    "no axes": [np.arange(3.0), np.array(2.0)],
    "Fortran's order": [np.ones((3, 2)), np.ones((3, 2), order="F")],
    "empty": [np.ones((3, 2)), np.ones((3, 0))],
    "read-only": [np.arange(3.0), np.broadcast_to(2.0, 3)],
    "a Tensor": [np.arange(3.0), Tensor([1.0, 5.0, 2.0])],
    "a list": [np.arange(3.0), [1.0, 5.0, 2.0]],
    "a number": [np.arange(3.0), 2.0],
    "another number": [3.0, 2.0],
    "a number of NumPy": [np.float64(3.0), np.float64(2.0)],
    "a text": ["mean", "sum"],
}


@pytest.mark.filterwarnings("ignore")  # of means of nothing
@pytest.mark.parametrize("hazard", ARGUMENTS)
def test_arguments_that_change_their_kind_are_followed(hazard):
    one, two = ARGUMENTS[hazard]

    def f(w, x):
        if isinstance(x, str):
            return getattr(np, x)(w.W**2)
        return mean((w.W @ x if np.ndim(x) else w.W * x) ** 2) if np.size(x) else np.sum(w.W**2)

    side_by_side(build(f, lambda w, k: (one if k < 6 or k == 9 else two,)), steps=16)


def test_arguments_in_containers_and_by_name_are_followed():
    data = lambda k: {"x": X * k, "more": (np.ones(3), [k % 2, None])}

    def make():
        world, _, ps, opt, _ = build(None)()
        loss = lambda d, y: mean((world.W @ d["x"] - d["more"][0] * y) ** 2)
        return world, loss, ps, opt, lambda w, k: (data(k), np.full(3, 2.0))

    step = side_by_side(make, steps=20)

    assert step(y=np.ones(3), d=data(1)) > 0
    assert step._recent is not None


def test_a_parameter_or_its_own_memory_as_an_argument_is_followed():
    side_by_side(build(lambda w, x: mean((w.W @ x) ** 2), lambda w, k: (w.W,)))
    side_by_side(build(lambda w, x: mean((w.W @ x) ** 2), lambda w, k: (w.W.data,)))
    side_by_side(build(lambda w, x: mean((w.W * x) ** 2), lambda w, k: (w.W.data[1],)))


# ------------------------------------------------------------------------------------ random numbers
def test_the_stream_of_random_numbers_is_the_same():
    from minigrad.arrays import generator

    f = lambda w, x: mean((w.W @ x * randn(3) + normal(0.0, 1.0, 3) + rand(3, dtype=np.float32)) ** 2)

    def state(make):
        from compiled_steps import trained

        trained(build(f), lambda *_: None, 9, 0, make)
        return generator().bit_generator.state

    from compiled_steps import eager_steps

    assert state(compiled) == state(eager_steps)


def test_a_captured_generator_is_drawn_from():
    f = lambda w, x: mean((w.W @ x * rand(3, rng=w.rng)) ** 2)

    step = side_by_side(build(f, rng=lambda: np.random.default_rng(5)), to("rng", lambda: np.random.default_rng(6)))

    assert "by its program" in step.why


OTHERS = {
    "numpy's old one": lambda w: np.random.rand() < 0.5,
    "Python's": lambda w: random.random() < 0.5,
    "a captured one": lambda w: w.rng.random() < 0.5,
}


@pytest.mark.parametrize("generator", OTHERS)
def test_branches_by_other_random_numbers_are_refused(generator):
    draw = OTHERS[generator]
    f = lambda w, x: mean((w.W @ x) ** 2) if draw(w) else mean(w.W**2)
    _, loss, ps, opt, _ = build(f, rng=lambda: np.random.default_rng(1))()

    with pytest.raises(TraceError, match="minigrad.rand"):
        compiled(loss, ps, opt)(X)


def test_a_generator_that_the_loss_makes_is_drawn_from_eagerly():
    step = side_by_side(build(lambda w, x: mean((w.W @ x * rand(3, rng=7)) ** 2)), steps=20)

    assert "eagerly" in step.why


# ------------------------------------------------------------------------------------ effects
def test_a_loss_that_counts_is_run_eagerly_each_time_once():
    def f(w, x):
        w.n += 1
        return mean((w.W @ x) ** 2) * w.n

    step = side_by_side(build(f), steps=30)

    assert "eagerly" in step.why and ".n" in step.why


def test_a_loss_that_keeps_arrays_is_run_eagerly_and_keeps_plain_ones():
    def f(w, x):
        w.c = 0.5 * w.c + 0.5 * dropgrad(w.W @ x)
        w.X[...] = w.X + 1
        w.list.append(w.W @ x)
        return mean((w.W @ x - w.c - w.X) ** 2)

    kept = []

    def make():
        found = build(f)()
        kept.append(found[0])
        return found

    side_by_side(make, steps=20)

    eager, other = kept
    assert np.array_equal(eager.X, other.X) and np.allclose(eager.c.data, other.c.data, 1e-12)
    for x in (other.X, other.c.data, *(t.data for t in other.list[2:])):
        assert type(x) is np.ndarray


def test_a_network_with_a_state_is_run_eagerly():
    def f(w, x):
        w.h = dropgrad(np.tanh(w.W @ x + 0.5 * w.h))
        return mean((w.W @ w.h) ** 2)

    side_by_side(build(f, h=lambda: np.zeros(3)), steps=20)


# ------------------------------------------------------------------------------------ what is refused
REFUSED = {
    "an if": (lambda w, x: mean((w.W @ x) ** 2) if w.W[0, 0] > 0 else mean(w.W), "np.where"),
    "an if on an argument": (lambda w, x: mean((w.W @ x) ** 2) if x[0] > 0 else mean(w.W), "np.where"),
    "float": (lambda w, x: mean((w.W @ x) ** 2) * float(x[0]), "itself"),
    "an index": (lambda w, x: w.W[int(np.argmax(x)), 0] ** 2, "itself"),
    "np.asarray": (lambda w, x: mean((w.W @ (np.asarray(x) * 2)) ** 2), "itself"),
    "other random numbers": (lambda w, x: mean((w.W @ x * np.random.random(3)) ** 2), "minigrad.rand"),
    "the same numbers from somewhere": (lambda w, x: mean((w.W @ x * np.array([1.0, 5.0, 2.0])) ** 2), "outside"),
}


@pytest.mark.parametrize("hazard", REFUSED)
def test_what_no_program_can_follow_is_refused_with_what_to_write(hazard):
    f, advice = REFUSED[hazard]
    world, loss, ps, opt, arguments = build(f)()
    step = compiled(loss, ps, opt)

    with pytest.raises(TraceError, match=advice):
        for _ in range(3):
            before = world.W.data.copy()
            step(X)

    assert type(world.W.data) is np.ndarray and np.array_equal(world.W.data, before)


def test_arguments_are_arrays_to_whoever_asks_for_their_class():
    side_by_side(build(lambda w, x: mean((w.W @ (x / 2 if isinstance(x, np.ndarray) else x)) ** 2)))
