"""IdDict: identity, weakness, copies."""

import copy
import gc
import pickle

import numpy as np
import pytest

from minigrad import Tensor
from minigrad.core.errors import StrangerError
from minigrad.iddict import IdDict


def test_equal_arrays_are_different_keys():
    x, twin = np.zeros(2), np.zeros(2)

    d = IdDict([(x, 1)])

    assert x in d and twin not in d and d.get(twin) is None


def test_a_tensor_is_a_key():
    t = Tensor(np.ones(2))

    assert IdDict([(t, "here")])[t] == "here"


def test_a_view_is_another_key():
    x = np.zeros((2, 3))

    assert x.T not in IdDict([(x, 1)])


def test_an_entry_dies_with_its_key():
    x, d = np.zeros(2), IdDict()
    d[x] = "state"

    del x
    gc.collect()

    assert len(d) == 0 and list(d) == [] and d.items() == []


def test_a_dead_keys_address_never_leads_to_its_value():
    d, seen = IdDict(), 0
    for _ in range(200):
        x = np.zeros(3)
        seen += x in d
        d[x] = "state"
        del x

    assert seen == 0


def test_a_key_that_dies_late_does_not_take_its_successor_along():
    d = IdDict()
    x = np.zeros(2)
    d[x] = "old"
    reference = d._entries[id(x)][0]
    d._entries[id(x)] = (d._entries[id(x)][0].__class__(x), "new")

    d._forget(reference)

    assert len(d._entries) == 1


def test_setdefault_keeps_the_first_value():
    x, d = np.zeros(2), IdDict()

    assert (d.setdefault(x, 1), d.setdefault(x, 2)) == (1, 1)


def test_get_or_make_makes_once():
    x, d, made = np.zeros(2), IdDict(), []

    d.get_or_make(x, lambda: made.append(1))
    d.get_or_make(x, lambda: made.append(1))

    assert len(made) == 1


def test_the_order_is_that_of_arrival():
    keys = [np.zeros(i) for i in range(4)]

    assert [k.size for k in IdDict((k, 0) for k in keys)] == [0, 1, 2, 3]


def test_pop_and_del_remove():
    x, y = np.zeros(1), np.zeros(1)
    d = IdDict([(x, 1), (y, 2)])

    popped = d.pop(x)
    del d[y]

    assert popped == 1 and len(d) == 0 and d.pop(x, "none") == "none"


def test_a_stranger_is_a_key_error_that_explains():
    with pytest.raises(StrangerError, match="belong to the object itself") as caught:
        IdDict()[np.zeros((3, 4))]
    assert isinstance(caught.value, KeyError) and "(3, 4)" in str(caught.value)


@pytest.mark.parametrize("key", [1.5, 3, np.float64(2), "W", (1, 2)])
def test_what_cannot_be_weakly_referenced_is_refused(key):
    with pytest.raises(TypeError, match="identity"):
        IdDict()[key] = 1


def test_changes_counts_replacements_and_removals_but_not_arrivals():
    x, y, d = np.zeros(1), np.zeros(1), IdDict()
    d[x], d[y] = 1, 2
    before = d.changes

    d[x] = 3
    del d[y]

    assert (before, d.changes) == (0, 2)


def test_changes_counts_a_death():
    x, d = np.zeros(1), IdDict()
    d[x] = 1

    del x

    assert d.changes == 1


def test_a_deep_copy_with_the_keys_belongs_to_the_copied_keys():
    x = np.zeros(2)
    d = IdDict([(x, np.ones(2))])

    d2, x2 = copy.deepcopy((d, x))
    d2[x2][0] = 7

    assert d[x][0] == 1 and x not in d2


def test_a_deep_copy_without_the_keys_is_empty():
    x = np.zeros(2)

    assert len(copy.deepcopy(IdDict([(x, 1)]))) == 0


def test_a_shallow_copy_shares_keys_and_values():
    x = np.zeros(2)
    d = IdDict([(x, [1])])

    assert copy.copy(d)[x] is d[x]


def test_pickled_with_the_keys_it_finds_them_again():
    x = np.arange(3.0)

    d2, x2 = pickle.loads(pickle.dumps((IdDict([(x, "state")]), x)))

    assert d2[x2] == "state" and len(d2) == 1


def test_it_is_no_part_of_a_reference_cycle():
    gc.collect()
    gc.disable()
    try:
        x = np.zeros(2)
        d = IdDict([(x, 1)])
        died = []
        import weakref

        weakref.finalize(d, died.append, 1)
        del d
        assert died == [1]
    finally:
        gc.enable()


def test_many_keys_die_in_time_proportional_to_their_number():
    d, keys = IdDict(), [np.zeros(0) for _ in range(20_000)]
    for k in keys:
        d[k] = 0

    del keys, k

    assert len(d._entries) == 0
