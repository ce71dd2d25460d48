"""Tuples, lists, dicts, named tuples, dataclasses, nested: as arguments, as results, in nested gradients."""

import dataclasses
import functools
from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass

import minigrad
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from minigrad import Tensor, checkpointed, dropgrad, gradcheck, gradient, hvp, jacobian, jvp, params, pullback
from minigrad.core.trees import leaves, leaves_along, places, rebuild

Line = namedtuple("Line", "slope offset")


@dataclass
class State:
    position: object
    momentum: object
    name: str = "state"


@dataclass(frozen=True)
class Checked:
    """A dataclass whose constructor does more than keep its arguments."""

    rate: object
    history: list = dataclasses.field(default_factory=list, repr=False)

    def __post_init__(self):
        if not isinstance(self.rate, (float, np.ndarray)):
            raise TypeError("rate must be a plain number")


KINDS = {
    "tuple": (lambda a, b: (a, b), lambda c: c),
    "list": (lambda a, b: [a, b], lambda c: c),
    "dict": (lambda a, b: {"a": a, 7: b}, lambda c: (c["a"], c[7])),
    "named tuple": (Line, lambda c: c),
    "dataclass": (State, lambda c: (c.position, c.momentum)),
    "all of them": (
        lambda a, b: {"x": [State((a, None), Line("text", b))]},
        lambda c: (c["x"][0].position[0], c["x"][0].momentum.offset),
    ),
}
over_kinds = pytest.mark.parametrize("pack, unpack", KINDS.values(), ids=KINDS.keys())
X = np.array([1.0, 2.0, 3.0])


# ----------------------------------------------------------------------------- arguments and results
@over_kinds
def test_a_gradient_is_shaped_like_its_argument(pack, unpack):
    def loss(c):
        a, b = unpack(c)
        return np.sum(a**2) * b

    (g,) = gradient(loss, pack(X, 2.0))

    ga, gb = unpack(g)
    assert type(g) is type(pack(1, 2)) and ga.tolist() == [4.0, 8.0, 12.0] and gb == 14.0


@over_kinds
def test_a_pullback_takes_what_the_function_returned(pack, unpack):
    y, back = pullback(lambda x: pack(x**2, np.sum(x)), X)

    assert unpack(y)[0].tolist() == [1.0, 4.0, 9.0] and unpack(y)[1] == 6.0
    assert back(pack(np.ones(3), 10.0))[0].tolist() == [12.0, 14.0, 16.0]
    assert back(pack(None, 1.0))[0].tolist() == [1.0, 1.0, 1.0]


@over_kinds
def test_a_pullback_of_parameters_takes_it_too(pack, unpack):
    W = Tensor(X)

    y, back = pullback(lambda: pack(W**2, np.sum(W)), params(W))

    assert isinstance(unpack(y)[0], Tensor)
    assert back(pack(np.ones(3), 10.0))[W].tolist() == [12.0, 14.0, 16.0]


@over_kinds
def test_forward_derivatives_have_the_shape_of_the_result(pack, unpack):
    y, dy = jvp(lambda c: pack(unpack(c)[0] * unpack(c)[1], unpack(c)[1]), (pack(X, 2.0),), (pack(X, 1.0),))

    assert unpack(dy)[0].tolist() == [3.0, 6.0, 9.0] and unpack(dy)[1] == 1.0


@over_kinds
def test_jacobians_and_hessian_products_have_the_shape_of_the_argument(pack, unpack):
    f = lambda c: unpack(c)[0] * unpack(c)[1]

    (J,) = jacobian(f, pack(X, 2.0))
    Hv = hvp(lambda c: np.sum(f(c)), pack(X, 2.0), pack(np.ones(3), 1.0))

    assert unpack(J)[0].tolist() == (2 * np.eye(3)).tolist() and unpack(J)[1].tolist() == X.tolist()
    assert unpack(Hv)[0].tolist() == [1.0, 1.0, 1.0] and unpack(Hv)[1] == 3.0


@over_kinds
def test_gradcheck_looks_into_them(pack, unpack):
    assert gradcheck(lambda c: np.sum(np.sin(unpack(c)[0]) * unpack(c)[1]), pack(X, 2.0))


@over_kinds
def test_withgradient_gives_the_first_of_several_results(pack, unpack):
    val, grad = minigrad.withgradient(lambda x: (np.sum(x), pack(x, 1.0)), X)

    assert val[0] == 6.0 and unpack(val[1])[0].tolist() == X.tolist() and grad[0].tolist() == [1.0, 1.0, 1.0]


# -------------------------------------------------------------------------------- nested gradients
@over_kinds
def test_an_inner_gradient_of_a_container_is_differentiated(pack, unpack):
    """The inner gradient of sum(a^3) b is (3 a^2 b, sum a^3); its sum of squares differentiated by hand."""

    def outer(c):
        (g,) = gradient(lambda c: np.sum(unpack(c)[0] ** 3) * unpack(c)[1], c)
        ga, gb = unpack(g)
        return np.sum(ga**2) + gb**2

    (g,) = gradient(outer, pack(X, 2.0))

    ga, gb = unpack(g)
    np.testing.assert_allclose(ga, 36 * X**3 * 4.0 + 2 * 36 * 3 * X**2)
    assert gb == pytest.approx(2 * 9 * np.sum(X**4) * 2.0)


@over_kinds
def test_an_inner_pullback_of_a_container_is_differentiated(pack, unpack):
    def outer(x):
        y, back = pullback(lambda x: pack(x**2, np.sum(x**3)), x)
        return np.sum(back(pack(x, 1.0))[0]) + unpack(y)[1]

    (g,) = gradient(outer, X)

    np.testing.assert_allclose(g, 4 * X + 6 * X + 3 * X**2)  # of 2 x^2 + 3 x^2 + x^3


@over_kinds
def test_recomputed_parts_take_and_return_them(pack, unpack):
    def loss(c):
        a, b = unpack(checkpointed(lambda c: pack(unpack(c)[0] ** 2, unpack(c)[1]), c))
        return np.sum(a) * b

    (g,) = gradient(loss, pack(X, 2.0))

    assert unpack(g)[0].tolist() == [4.0, 8.0, 12.0] and unpack(g)[1] == 14.0


@over_kinds
def test_a_dropped_container_is_a_constant(pack, unpack):
    (g,) = gradient(lambda c: np.sum(unpack(c)[0] * unpack(dropgrad(c))[0]), pack(X, 2.0))

    assert unpack(g)[0].tolist() == X.tolist() and unpack(g)[1] is None


def test_a_physical_state_is_carried_through_a_loop_and_differentiated_twice():
    def step(state, rate):
        momentum = state.momentum - rate * np.sin(state.position)
        return dataclasses.replace(state, position=state.position + rate * momentum, momentum=momentum)

    def energy(state, rate):
        for _ in range(4):
            state = step(state, rate)
        return np.sum(state.momentum**2) / 2 - np.sum(np.cos(state.position))

    def slope(state, rate):
        g, by_rate = gradient(energy, state, rate)
        return np.sum(g.position * X) + by_rate

    start = State(X, np.array([0.1, 0.0, -0.2]))
    assert gradcheck(energy, start, 0.1)
    assert gradcheck(slope, start, 0.1)
    assert gradient(energy, start, 0.1)[0].name is None


# ---------------------------------------------------------------------------------- the small print
def test_a_constructor_that_checks_its_arguments_is_not_in_the_way():
    (g,) = gradient(lambda c: c.rate**2 + len(c.history), Checked(3.0, []))

    assert g.rate == 6.0 and g.history == []


@dataclass
class Unset:
    a: object
    b: object
    later: object = dataclasses.field(init=False)


@dataclass(frozen=True, slots=True)
class Slots:
    a: object
    b: object


@dataclass(kw_only=True)
class ByKeyword:
    b: object = 1.0
    a: object


@dataclass
class WithInitVar:
    a: object
    b: object
    times: dataclasses.InitVar[float] = 3.0

    def __post_init__(self, times):
        self.b = times * self.b


class Noted:
    __slots__ = ("note",)


@dataclass
class Derived(Noted):
    a: object

    def __post_init__(self):
        self.note = "kept"


@dataclass
class DerivedTwice(Derived):
    b: object = 1.0


class OneArgument(namedtuple("Pair", "a b")):
    def __new__(cls, a):
        return super().__new__(cls, a, 2.0)


class Attributes(dict):
    __getattr__ = dict.__getitem__


UNUSUAL = [
    Unset(X, 2.0),
    Slots(X, 2.0),
    ByKeyword(a=X, b=2.0),
    WithInitVar(X, 1.0, times=2.0),
    DerivedTwice(X, 2.0),
    OneArgument(X),
    Attributes(a=X, b=2.0),
]


@pytest.mark.parametrize("c", UNUSUAL, ids=lambda c: type(c).__name__)
def test_constructors_of_any_kind_are_not_asked(c):
    (g,) = gradient(lambda c: np.sum(c.a**2) * c.b, c)
    y, dy = jvp(lambda c: c, (c,), (g,))

    assert type(g) is type(y) is type(dy) is type(c)
    assert g.a.tolist() == dy.a.tolist() == [4.0, 8.0, 12.0] and g.b == dy.b == 14.0
    assert not isinstance(c, Noted) or g.note == "kept"


def test_tuples_and_lists_of_other_classes_are_rebuilt_without_their_constructors():
    class Coordinates(tuple):
        def __new__(cls, x, y):
            return super().__new__(cls, (x, y))

    class Items(list):
        def __init__(self, *items):
            super().__init__(items)

    for c in (Coordinates(2.0, 3.0), Items(2.0, 3.0)):
        (g,) = gradient(lambda c: c[0] * c[1], c)

        assert type(g) is type(c) and list(g) == [3.0, 2.0]


def test_dictionaries_of_other_classes_keep_their_order_their_defaults_and_their_attributes():
    ordered = OrderedDict([("b", 2.0), ("a", 3.0)])
    ordered.move_to_end("b")
    defaults = defaultdict(lambda: 7.0, a=3.0)
    noted = Attributes(a=3.0)
    object.__setattr__(noted, "note", "kept")

    g, h, k = gradient(lambda o, d, n: o["a"] * o["b"] * d["a"] * d["new"] * n.a, ordered, defaults, noted)

    assert list(g.items()) == [("a", 126.0), ("b", 189.0)] and g.popitem() == ("b", 189.0)
    assert h == {"a": 126.0} and h["other"] == 7.0
    assert type(k) is Attributes and k.a == 126.0 and k.note == "kept"


def test_a_cached_property_is_worked_out_anew():
    @dataclass
    class Model:
        W: object

        @functools.cached_property
        def size(self):
            return np.sum(self.W**2)

    model = Model(X)
    assert model.size == 14.0

    (g,) = gradient(lambda m: m.size, model)

    assert g.W.tolist() == [2.0, 4.0, 6.0] and model.size == 14.0 and "size" not in vars(g)


def test_what_is_no_field_stays_as_it_is():
    c = State(X, 1.0)
    c.step = 7

    (g,) = gradient(lambda c: np.sum(c.position) * c.step, c)

    assert g.position.tolist() == [7.0, 7.0, 7.0] and g.step == 7


def test_the_same_array_in_two_places_has_two_gradients():
    (g,) = gradient(lambda c: np.sum(c[0] * c[1] ** 2), [X, X])

    assert g[0].tolist() == (X**2).tolist() and g[1].tolist() == (2 * X**2).tolist()


def test_containers_hold_no_memory_of_the_caller():
    W = Tensor(X)
    (g,) = gradient(lambda c: np.sum(c["a"]) + np.sum(c["b"]), {"a": W, "b": W})

    g["a"][0] = 99.0

    assert W.tolist() == X.tolist() and g["b"].tolist() == [1.0, 1.0, 1.0]


def test_a_result_of_another_structure_is_refused_with_both_named():
    _, back = pullback(lambda x: {"a": x, "b": 2 * x}, 1.0)

    with pytest.raises(ValueError, match=r"dict with the keys \['a', 'b'\].* got a tuple of 2"):
        back((1.0, 2.0))


nested = st.recursive(
    st.one_of(st.floats(-3, 3), st.none(), st.text(max_size=2)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=2), inner, max_size=3),
        st.tuples(inner, inner).map(lambda pair: Line(*pair)),
        st.tuples(inner, inner).map(lambda pair: State(*pair)),
    ),
    max_leaves=8,
)


@given(nested)
def test_taking_apart_and_putting_together_gives_the_same(x):
    assert rebuild(x, iter(leaves(x))) == x
    assert leaves_along(x, x, "f") == leaves(x)
    assert len(places(x, "x")) == len(leaves(x))


@given(nested)
def test_the_gradient_of_the_sum_of_all_numbers_is_one_in_every_place(x):
    numbers = lambda x: [leaf for leaf in leaves(x) if isinstance(leaf, (float, Tensor))]

    (g,) = gradient(lambda x: sum(numbers(x), 0.0), x)

    assert g == rebuild(x, iter([1.0 if isinstance(leaf, float) else None for leaf in leaves(x)]))
