"""Params and Grads: where parameters are found, how sets of them behave, arithmetic with gradients."""

import copy
import functools
import pickle
from collections import namedtuple
from dataclasses import dataclass, field

import numpy as np
import pytest

from minigrad import (
    Grads,
    LostGradientError,
    MinigradError,
    Params,
    StrangerError,
    Tensor,
    copy_,
    gradient,
    named_params,
    params,
    withgradient,
)
from minigrad.core.trees import named_tensors
from minigrad.nn import Chain, Dense


def tensors(n):
    return [Tensor(float(k)) for k in range(n)]


def same(found, expected):
    """Say whether two sequences hold the same objects, told apart by identity."""
    return [id(x) for x in found] == [id(x) for x in expected]


# --------------------------------------------------------------------------------- finding the parameters
def test_params_of_tensors_keeps_the_order_of_the_arguments():
    a, b, c = tensors(3)

    assert same(params(c, a, b), [c, a, b])


def test_params_looks_into_nested_lists_tuples_and_dicts_in_their_order():
    a, b, c, d = tensors(4)

    assert same(params({"z": [a, (b,)], "a": {"deep": [[c]]}}, (d,)), [a, b, c, d])


def test_params_looks_into_named_tuples():
    a, b = tensors(2)

    assert same(params(namedtuple("Layer", "W b")(a, b)), [a, b])


def test_params_looks_into_dataclasses_frozen_and_slotted_ones_too():
    @dataclass
    class Plain:
        W: object
        rate: float = 0.1
        layers: list = field(default_factory=list)

    @dataclass(frozen=True)
    class Frozen:
        W: object

    @dataclass
    class Slotted:
        __slots__ = ("W", "b")
        W: object
        b: object

    a, b, c, d, e = tensors(5)

    assert same(params(Plain(a, layers=[b]), Frozen(c), Slotted(d, e)), [a, b, c, d, e])


def test_params_looks_into_attributes_in_the_order_of_their_creation():
    class Dense:
        def __init__(self, W, b):
            self.W, self.name, self.b = W, "dense", b
            self._hidden = None

    class Chain:
        def __init__(self, *layers):
            self.layers = layers
            self.activation = np.tanh

    a, b, c, d = tensors(4)

    assert same(params(Chain(Dense(a, b), Dense(c, d))), [a, b, c, d])


def test_params_looks_into_slots_and_those_of_base_classes():
    class Base:
        __slots__ = ("W",)

    class Derived(Base):
        __slots__ = ("b", "never_set")

    model = Derived()
    model.W, model.b = tensors(2)

    assert {id(t) for t in params(model)} == {id(model.W), id(model.b)}


def test_params_finds_private_attributes_and_never_runs_properties():
    class Model:
        def __init__(self, W):
            self.__W = W

        @property
        def trap(self):
            raise RuntimeError("a property ran")

    (a,) = tensors(1)

    assert same(params(Model(a)), [a])


def test_a_tied_weight_is_found_once():
    a, b = tensors(2)

    assert same(params([a, b, a], {"again": b}), [a, b])


def test_containers_that_hold_themselves_are_no_problem():
    a, b = tensors(2)
    cyclic = [a]
    cyclic.append(cyclic)

    class Node:
        pass

    node = Node()
    node.me, node.list, node.b = node, cyclic, b

    assert same(params(node), [a, b])


def test_a_model_a_thousand_levels_deep_needs_no_recursion():
    (a,) = tensors(1)
    model = a
    for _ in range(5000):
        model = [model]

    assert same(params(model), [a])


def test_params_takes_generators_and_the_values_of_a_dict():
    a, b = tensors(2)

    assert same(params(t for t in [a, b]), [a, b])
    assert same(params({"W": a, "b": b}.values()), [a, b])
    assert same(params(map(lambda t: {"W": t}, [a, b])), [a, b])


def test_params_of_a_method_are_those_of_its_object():
    class Model:
        def __init__(self, W):
            self.W = W

        def forward(self, x):
            return self.W * x

    (a,) = tensors(1)

    assert same(params(Model(a).forward), [a])


def test_params_of_params_are_the_same_ones():
    a, b = tensors(2)

    assert same(params(params(a), [b]), [a, b])


def test_named_tensors_say_where_each_parameter_stands():
    class Model:
        def __init__(self):
            self.layers = [{"W": Tensor(1.0)}, (Tensor(2.0),)]

    assert [name for name, _ in named_tensors(Model())] == ["layers[0]['W']", "layers[1][0]"]


def test_a_params_inside_a_model_is_a_list_of_places_that_are_the_same_in_the_next_run():
    model = {"both": params(Tensor(1.0), Tensor(2.0))}

    assert [name for name, _ in named_tensors(model)] == ["['both'][0]", "['both'][1]"]


def test_random_generators_have_places_too_where_they_are_asked_for():
    model = [Tensor(1.0), {"rng": np.random.default_rng(0)}]

    found = named_tensors(model, kinds=(Tensor, np.random.Generator))

    assert found == [("[0]", model[0]), ("[1]['rng']", model[1]["rng"])]


@pytest.mark.parametrize(
    "model, fix",
    [
        (np.ones(2), r"W = Tensor\(W\)"),
        (2.5, r"b = Tensor\(2.5\)"),
        (3, r"b = Tensor\(3\)"),
        (None, "NoneType"),
        ("W", "str"),
        ([], "list"),
        ({}, "dict"),
        ([np.ones(2)], "Tensor"),
        (np.tanh, "Tensor"),
        (int, "Tensor"),
        (range(3), "Tensor"),
    ],
    ids=str,
)
def test_params_of_what_holds_no_tensor_is_an_error_that_shows_the_fix(model, fix):
    with pytest.raises(TypeError, match=fix):
        params(Tensor(1.0), model)


def test_params_of_a_set_is_refused_because_it_has_no_order():
    with pytest.raises(TypeError, match="order"):
        params({Tensor(1.0)})


@pytest.mark.parametrize("data", [[1, 2], [True], np.uint8([1])])
def test_integer_and_boolean_parameters_are_refused_by_name(data):
    with pytest.raises(TypeError, match=r"dtype=float"):
        params(Tensor(data))
    with pytest.raises(TypeError, match=r"\['layers'\]\[0\].*dtype=float"):
        params({"layers": [Tensor(data)]})


@pytest.mark.parametrize(
    "dtype", [np.float16, np.float32, np.float64, np.longdouble, np.complex64, np.complex128]
)
def test_every_floating_point_dtype_can_be_a_parameter(dtype):
    W = Tensor(np.ones(2), dtype=dtype)

    g = gradient(lambda: np.sum(np.abs(W) ** 2), params(W))[W]

    assert g.dtype == dtype and np.array_equal(g, [2, 2])


# ----------------------------------------------------------------------------------------- the set
def test_membership_is_by_identity():
    a, twin = Tensor([1.0]), Tensor([1.0])

    assert a in Params([a]) and twin not in Params([a]) and a.data not in Params([a])


def test_duplicates_are_dropped():
    (a,) = tensors(1)

    assert len(Params([a, a])) == 1


def test_an_empty_set_is_fine():
    assert len(Params()) == 0 and list(params()) == []
    assert len(gradient(lambda: 1.0, Params())) == 0


def test_push_is_variadic_and_idempotent_and_delete_passes_over_strangers():
    a, b, c = tensors(3)
    ps = Params([a])

    assert ps.push_(b, c, a) is ps and same(ps, [a, b, c])
    assert ps.delete_(b, Tensor(9.0)) is ps and same(ps, [a, c])


def test_indexing_and_slicing_go_by_order():
    a, b, c = tensors(3)
    ps = Params([a, b, c])

    assert ps[0] is a and ps[-1] is c and same(ps[1:], [b, c])
    with pytest.raises(IndexError):
        ps[3]


def test_union_intersect_and_equality():
    a, b, c = tensors(3)
    ps = Params([a, b])

    assert same(ps.union([c, a]), [a, b, c]) and len(ps) == 2
    assert same(ps.intersect([c, b], [b]), [b])
    assert ps.issetequal([b, a]) and not ps.issetequal([a])
    assert ps == Params([b, a]) and ps != Params([a, b, c])
    assert ps.union_([c]) is ps and len(ps) == 3


def test_a_copy_is_a_set_of_its_own():
    a, b = tensors(2)
    ps = Params([a])

    for twin in (ps.copy(), copy.copy(ps), Params(ps)):
        twin.push_(b)

    assert len(ps) == 1


def test_map_gives_a_list():
    assert Params(tensors(3)).map(float) == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("stranger", [1.0, np.ones(2), "W", None])
def test_a_set_of_anything_but_tensors_is_refused(stranger):
    with pytest.raises(TypeError, match="Params holds Tensors"):
        Params([stranger])


def test_params_keep_their_parameters_alive():
    ps = params([Tensor(1.0), Tensor(2.0)])

    assert [float(p) for p in ps] == [1.0, 2.0]


def test_repr_shows_the_shapes():
    assert repr(Params([Tensor(np.ones((2, 3))), Tensor(1.0)])) == "Params([Tensor(2, 3), Tensor()])"


# ------------------------------------------------------------------------------------------------ names
def a_model():
    return {"layers": [Tensor(np.ones((2, 3))), Tensor(np.zeros(3))], "scale": Tensor(1.0)}


def test_named_params_is_a_dict_of_places_in_the_order_of_params():
    model = a_model()

    named = named_params(model)

    assert list(named) == ["['layers'][0]", "['layers'][1]", "['scale']"]
    assert list(map(id, named.values())) == list(map(id, params(model)))
    assert all(eval(f"model{place}", {"model": model}) is t for place, t in named.items())


def test_the_places_in_a_network_are_those_that_python_reaches():
    model = Chain(Dense(2, 3), np.tanh, Dense(3, 1))

    assert list(named_params(model)) == ["layers[0].W", "layers[0].b", "layers[2].W", "layers[2].b"]
    assert all(eval(f"model.{place}", {"model": model}) is t for place, t in named_params(model).items())


def test_several_models_and_tensors_alone_have_names_that_differ():
    W, b = Tensor([1.0]), Tensor([2.0])

    assert list(named_params(W)) == [""]
    assert list(named_params(W, b)) == ["models[0]", "models[1]"]
    assert list(named_params([W], {"b": b})) == ["models[0][0]", "models[1]['b']"]
    assert list(named_params(Params([W, b]))) == ["[0]", "[1]"]
    assert list(named_params(params([W]), params([b]))) == ["[0]", "[1]"]
    assert named_params(params({"W": W})) == {"['W']": W}


def test_a_tied_parameter_has_the_first_of_its_places():
    W = Tensor([1.0])

    assert list(named_params({"encoder": W, "decoder": W})) == ["['encoder']"]


def test_named_params_refuses_what_params_refuses():
    for wrong in (np.ones(2), 3.0, [], {"n": Tensor([1, 2])}):
        with pytest.raises(TypeError, match="^params: "):
            named_params(wrong)


def test_params_and_grads_show_the_names_that_they_know():
    model = a_model()
    loose = Tensor([5.0])
    ps = params(model).push_(loose)

    grads = gradient(lambda: np.sum(model["layers"][0]) * model["scale"], ps)

    assert repr(ps) == "Params([['layers'][0] (2, 3), ['layers'][1] (3,), ['scale'] (), Tensor(1,)])"
    assert repr(grads).splitlines()[::2] == [
        "Grads of 4 parameters:",
        "        [1., 1., 1.]])",
        "  ['scale'] (): Tensor(6.)",
    ]
    assert "  ['layers'][1] (3,): None" in repr(grads) and "  Tensor(1,): None" in repr(grads)
    assert repr(2 * grads).count("['layers']") == 2 and repr(grads.copy()).count("['layers']") == 2


def test_grads_of_one_parameter_say_one():
    W = Tensor([1.0])

    assert repr(gradient(lambda: np.sum(W), params(W))).startswith("Grads of 1 parameter:\n")
    assert repr(gradient(lambda: 1.0, params(W, Tensor(1.0)))).startswith("Grads of 2 parameters:\n")


def test_names_follow_their_parameters_through_sets_copies_and_pickles():
    model = a_model()
    ps, W, b = params(model), *model["layers"]

    assert ps.name_of(W) == "['layers'][0]" and ps.name_of(Tensor(1.0)) == ""
    assert params(ps).name_of(W) == ps.copy().name_of(W) == Params([b]).union(ps).name_of(W) == ps.name_of(W)
    assert ps.intersect([b]).name_of(b) == "['layers'][1]" and len(ps.intersect([b])) == 1
    assert pickle.loads(pickle.dumps(ps))._names and repr(copy.deepcopy(ps)) == repr(ps)
    before = ps.copy()
    ps.delete_(W)
    assert ps.name_of(W) == "" and before.name_of(W) == "['layers'][0]"
    ps.push_(W)
    assert ps.name_of(W) == ""  # pushed by itself, from no model


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_deep_copy_or_pickle_of_model_and_params_keeps_them_together(twin_of):
    model = {"W": Tensor([1.0, 2.0]), "b": Tensor(0.0)}

    twin, ps = twin_of((model, params(model)))

    assert twin["W"] in ps and twin["b"] in ps and model["W"] not in ps
    grads = gradient(lambda: np.sum(twin["W"] ** 2) + twin["b"], ps)
    assert grads[twin["W"]].tolist() == [2.0, 4.0]


# ------------------------------------------------------------------------------------------ gradients
@pytest.fixture
def abc():
    a, b, c = Tensor([1.0, 2.0]), Tensor(3.0), Tensor([[1.0]])
    return a, b, c, gradient(lambda: np.sum(a**2) * b, params(a, b, c))


def test_grads_are_asked_by_parameter(abc):
    a, b, c, grads = abc

    assert grads[a].tolist() == [6.0, 12.0] and float(grads[b]) == 5.0
    assert isinstance(grads[a], Tensor) and isinstance(grads[b], Tensor)


def test_an_unused_parameter_has_gradient_none(abc):
    a, b, c, grads = abc

    assert grads[c] is None and c in grads


def test_grads_follow_the_order_of_params(abc):
    a, b, c, grads = abc

    assert same(grads.keys(), [a, b, c]) and same(grads.values(), [grads[a], grads[b], None])
    assert same(list(grads), grads.values()) and same([p for p, _ in grads.pairs()], [a, b, c])
    assert len(grads) == 3 and grads.items() == grads.pairs()


@pytest.mark.parametrize("key", [0, 1.5, 2j, "a", np.float64(1)])
def test_a_number_or_string_as_key_is_a_type_error(abc, key):
    with pytest.raises(TypeError, match=r"grads\[W\].*grads.values\(\)"):
        abc[-1][key]


@pytest.mark.parametrize("stranger", [Tensor([1.0, 2.0]), np.ones(2), None, slice(None)], ids=repr)
def test_a_stranger_is_a_key_error_that_explains_identity(abc, stranger):
    with pytest.raises(KeyError, match="apart by identity") as caught:
        abc[-1][stranger]

    assert isinstance(caught.value, (StrangerError, MinigradError))
    assert not str(caught.value).startswith("'")


def test_an_equal_copy_and_a_view_are_strangers(abc):
    a, b, c, grads = abc

    assert copy.deepcopy(a) not in grads and a[:] not in grads and grads.get(a.T, "stranger") == "stranger"


def test_a_gradient_can_be_replaced(abc):
    a, b, c, grads = abc

    grads[a] = np.array([0.0, 1.0])
    grads[b] = None

    assert isinstance(grads[a], Tensor) and grads[a].tolist() == [0.0, 1.0] and grads[b] is None


def test_a_gradient_of_another_shape_or_of_a_stranger_is_refused(abc):
    a, b, c, grads = abc

    with pytest.raises(ValueError, match=r"shape \(3,\).*shape \(2,\)"):
        grads[a] = np.ones(3)
    with pytest.raises(KeyError, match="identity"):
        grads[Tensor(1.0)] = 1.0


def test_arithmetic_with_numbers_counts_none_as_zeros(abc):
    a, b, c, grads = abc

    doubled = 2 * grads

    assert doubled[a].tolist() == [12.0, 24.0] and doubled[c].tolist() == [[0.0]] and grads[c] is None


@pytest.mark.parametrize(
    "compute, expected",
    [
        (lambda g: g + g, 12),
        (lambda g: g + 1, 7),
        (lambda g: 1 + g, 7),
        (lambda g: g - 1, 5),
        (lambda g: 1 - g, -5),
        (lambda g: g * g, 36),
        (lambda g: g / 2, 3),
        (lambda g: -g, -6),
        (lambda g: g**2, 36),
        (lambda g: np.float64(2) * g, 12),
        (lambda g: np.array(2.0) * g, 12),
        (lambda g: Tensor(2.0) * g, 12),
        (lambda g: g * np.float32(2), 12),
        (lambda g: g.map(np.negative), -6),
        (lambda g: g.map(np.add, g), 12),
    ],
)
def test_arithmetic_gives_grads(abc, compute, expected):
    a, b, c, grads = abc

    result = compute(grads)

    assert isinstance(result, Grads) and result[a][0] == expected and grads[a][0] == 6


def test_arithmetic_with_a_dict_goes_by_parameter(abc):
    a, b, c, grads = abc

    total = grads + {b: 1.0, c: None, a: np.ones(2)}

    assert total[a].tolist() == [7.0, 13.0] and float(total[b]) == 6.0 and total[c].tolist() == [[0.0]]


def test_arithmetic_with_grads_of_other_parameters_is_refused(abc):
    a, b, c, grads = abc

    with pytest.raises(ValueError, match="different parameters"):
        grads + gradient(lambda: np.sum(a), params(a))


def test_map_overwrites_in_place_when_it_ends_in_an_underscore(abc):
    a, b, c, grads = abc

    assert grads.map_(lambda g: g * 0 + 1) is grads and grads[c].tolist() == [[1.0]]


def test_merge_takes_over_the_parameters_of_the_others(abc):
    a, b, c, grads = abc
    d = Tensor(2.0)

    merged = grads.merge_(gradient(lambda: d**2 + np.sum(c), params(d, c)))

    assert merged is grads and same(grads.keys(), [a, b, c, d])
    assert float(grads[d]) == 4.0 and grads[c].tolist() == [[1.0]] and grads[a].tolist() == [6.0, 12.0]


def test_a_copy_shares_no_memory(abc):
    a, b, c, grads = abc

    twin = grads.copy()
    twin[a][...] = 0.0

    assert grads[a].tolist() == [6.0, 12.0] and twin[c] is None


def test_the_norm_is_that_of_all_gradients_together(abc):
    assert abc[-1].norm() == pytest.approx(np.sqrt(6**2 + 12**2 + 5**2))


def test_the_norm_of_inner_gradients_can_be_differentiated():
    W = Tensor([3.0, 4.0])

    penalty = lambda: gradient(lambda: np.sum(W**2) / 2, params(W)).norm()  # |W|

    assert gradient(penalty, params(W))[W].tolist() == pytest.approx([0.6, 0.8])


def test_repr_lists_shapes_and_gradients(abc):
    assert repr(abc[-1]).splitlines() == [
        "Grads of 3 parameters:",
        "  Tensor(2,): Tensor([ 6., 12.])",
        "  Tensor(): Tensor(5.)",
        "  Tensor(1, 1): None",
    ]


def test_grads_stand_when_the_params_change_afterwards():
    a, b, c = Tensor(2.0), Tensor(3.0), Tensor(5.0)
    ps = params(a, b, c)
    grads = gradient(lambda: a * b * c, ps)

    ps.delete_(a).push_(Tensor(7.0))

    assert [float(g) for _, g in grads.pairs()] == [15.0, 10.0, 6.0] and same(grads.keys(), [a, b, c])


def test_a_pullback_stands_when_the_params_change_afterwards():
    from minigrad import pullback

    a, b = Tensor(2.0), Tensor(3.0)
    ps = params(a)
    _, back = pullback(lambda: a * b * 1.0, ps)

    ps.push_(b)
    grads = back(1.0)

    assert float(grads[a]) == 3.0 and b not in grads


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_deep_copies_and_pickles_of_grads_know_their_parameters(abc, twin_of):
    a, b, c, grads = abc

    (x, y, z), twin = twin_of(([a, b, c], grads))

    assert twin[x].tolist() == [6.0, 12.0] and twin[z] is None and a not in twin


# ------------------------------------------------------------------------------------------ copy_
def test_copy_goes_both_ways_in_order_and_row_by_row():
    W, b = Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor(5.0)
    ps = params(W, b)

    flat = copy_(np.zeros(5), ps)
    assert flat.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]

    assert copy_(ps, flat * 10) is ps
    assert W.tolist() == [[10.0, 20.0], [30.0, 40.0]] and float(b) == 50.0


def test_copy_between_grads_and_a_vector(abc):
    a, b, c, grads = abc

    assert copy_(np.ones(4), grads).tolist() == [6.0, 12.0, 5.0, 0.0]
    copy_(grads, [1, 2, 3, 4])
    assert grads[a].tolist() == [1.0, 2.0] and grads[c].tolist() == [[4.0]] and grads[c].dtype == float


def test_copy_overwrites_a_tensor_or_a_strided_array():
    ps = params(Tensor([1.0, 2.0]))
    every_other = np.zeros(4)

    assert copy_(Tensor([0.0, 0.0]), ps).tolist() == [1.0, 2.0]
    copy_(every_other[::2], ps)

    assert every_other.tolist() == [1.0, 0.0, 2.0, 0.0]


def test_copy_casts_to_the_dtype_of_the_parameter():
    W = Tensor([0.0], dtype=np.float32)

    copy_(params(W), np.array([0.5]))

    assert W.dtype == np.float32 and W[0] == 0.5


@pytest.mark.parametrize(
    "attempt, error, message",
    [
        (lambda ps: copy_(np.zeros(4), ps), ValueError, "3 numbers cannot overwrite 4"),
        (lambda ps: copy_(ps, np.zeros(2)), ValueError, "2 numbers cannot overwrite 3"),
        (lambda ps: copy_([0.0] * 3, ps), TypeError, "np.zeros"),
        (lambda ps: copy_(np.zeros(3, int), ps), TypeError, "do not fit"),
        (lambda ps: copy_(ps, np.ones(3) * 1j), TypeError, "complex128 numbers do not fit"),
        (lambda ps: copy_(ps, ["a", "b", "c"]), TypeError, "do not fit"),
        (lambda ps: copy_(np.zeros(3), np.zeros(3)), TypeError, "must be a Params or a Grads"),
    ],
)
def test_copy_refuses_what_does_not_fit(attempt, error, message):
    with pytest.raises(error, match=message):
        attempt(params(Tensor([1.0, 2.0]), Tensor(3.0)))


def test_copy_overwrites_nothing_if_one_parameter_is_read_only():
    a, b = Tensor([1.0, 2.0]), Tensor([3.0])
    b.data.setflags(write=False)

    with pytest.raises(ValueError, match="read-only"):
        copy_(params(a, b), np.zeros(3))

    assert a.tolist() == [1.0, 2.0]


def test_copy_inside_a_gradient_is_refused_in_both_directions():
    W = Tensor([1.0, 2.0])
    ps = params(W)

    with pytest.raises(LostGradientError, match="overwritten"):
        gradient(lambda: (copy_(ps, np.zeros(2)), np.sum(W))[1], ps)
    with pytest.raises(LostGradientError, match="np.concatenate"):
        gradient(lambda: (copy_(np.zeros(2), ps), np.sum(W))[1], ps)

    assert W.tolist() == [1.0, 2.0]


# ---------------------------------------------------------------------------- whole programs with them
def test_a_tied_weight_gets_the_gradient_of_all_its_uses():
    W = Tensor([[1.0, 2.0], [3.0, 4.0]])
    encode, decode = {"W": W}, {"W": W}
    x = np.array([1.0, -1.0])

    grads = gradient(lambda: np.sum(decode["W"].T @ (encode["W"] @ x)), params(encode, decode))

    # d/dW sum(W'Wx) = W 1 x' + W x 1'
    assert len(grads) == 1
    assert np.array_equal(grads[W], np.outer(W.data @ np.ones(2), x) + np.outer(W.data @ x, np.ones(2)))


def test_params_of_a_partial_name_what_is_missing():
    with pytest.raises(TypeError, match="partial"):
        params(functools.partial(np.multiply, Tensor(1.0)))


def test_withgradient_gives_value_and_grads(abc):
    a, b, c, _ = abc

    value, grads = withgradient(lambda: np.sum(a) * b, params(a, b))

    assert value == 9.0 and type(value) is float and grads[a].tolist() == [3.0, 3.0]
