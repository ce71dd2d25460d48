"""Saving and loading what optimisers keep: by the order or by the names of the parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.storage import Storage, ndarray_of
from ..doors import door
from ..iddict import IdDict
from ..randomness import RANDOM, random_state, to_set_random_state
from .abstract import look_anew
from .arrays import describe, native, order_of
from .contents import FIXED, kind_of, marked, parts_of, place, put, unmarked
from .groups import Groups
from .rules import Rule

FORMAT, BEFORE = "minigrad optimiser 2", "minigrad optimiser 1"  # the second did not know lists, arrays, generators


@door
def state_dict(opt: Any, ps: Any) -> dict[str, Any]:
    """Return all that an optimiser knows, as plain data: its hyperparameters and its state of each parameter.

    Parameters
    ----------
    opt : an optimiser, composed ones and your own included, or a list, tuple or dict of them.  Everything in an
        ``IdDict`` is state; numbers, texts, arrays, and lists, tuples and dicts of them are hyperparameters; random
        generators, optimisers and other objects inside are looked into, also in lists and dicts.  A Plateau
        inside a Scheduler belongs to it
    ps : Params, list or tuple of parameters, told apart by their order; or a dict from names to
        parameters, told apart by name

    Returns
    -------
    dict of strings, numbers, lists, dicts and copies of arrays; it shares nothing with the optimiser.  Where a
        rule of your own has a list, tuple or dict, ``{"tuple": [...]}`` and the like say which it was

    Raises TypeError for what can be neither saved nor passed over, naming its place.  Functions are passed over,
    the parameters themselves too, and state of parameters that are not in ``ps`` is left out.

    State belongs to the parameters themselves.  So ``copy.deepcopy(opt)`` and ``pickle.dumps(opt)`` alone give
    an optimiser with the same hyperparameters and no state; copy or pickle ``(opt, ps)`` together, or carry
    the state over with this function and ``load_state_``.

    >>> from minigrad.optimise import Momentum, update_
    >>> opt, W = Momentum(), np.ones(2)
    >>> update_(opt, W, np.ones(2))
    >>> state_dict(opt, {"W": W})["optimiser"]["state"]
    {'velocity': {'W': array([-0.01, -0.01])}}
    """
    return state_to_save(opt, ps, "state_dict")


@door
def load_state_(opt: Any, ps: Any, saved: Any) -> None:
    """Overwrite an optimiser's hyperparameters and state with what ``state_dict`` returned.

    Parameters
    ----------
    opt : an optimiser of the same structure: the same rules, composed in the same way
    ps : its parameters, in the same order or under the same names as when they were saved
    saved : what ``state_dict`` returned, perhaps after a journey through a file

    Returns None.

    Raises
    ------
    ValueError : if rules, parameters, shapes or dtypes differ; the message says where.  Nothing has been
        overwritten then.

    Training goes on from there bit for bit as if it had never stopped.

    >>> from minigrad.optimise import Momentum, update_
    >>> old, W = Momentum(0.5), np.ones(2)
    >>> update_(old, W, np.ones(2))
    >>> new = Momentum(); load_state_(new, [W], state_dict(old, [W]))
    >>> new, new.velocity[W]
    (Momentum(eta=0.5, rho=0.9), array([-0.5, -0.5]))
    """
    for task in tasks_to_load(opt, ps, saved):
        task()


# ------------------------------------------------------------------------------------------------ saving
def state_to_save(opt, ps, who):
    """``state_dict``, for the function ``who``."""
    named = by_name(ps)
    shapes = {name: {"shape": list(x.shape), "dtype": x.dtype.name} for name, (_, x) in named.items()}
    return {"format": FORMAT, "parameters": shapes, "optimiser": saved_of(opt, named, f"{who}: {kind_of(opt)}")}


def saved_of(x, named, where, outer=()):
    """Return what an optimiser, or something inside of one, knows; ``outer`` are the objects it is inside of."""
    x = x.whole() if hasattr(x, "whole") else x  # its state is spread over several processes
    if isinstance(x, RANDOM):
        return {"rule": kind_of(x), "random": marked(random_state(x), where)}
    if isinstance(x, Storage):
        return {"rule": "Tensor", "array": np.array(x.data)}
    plain, kept, inside = parts_of(x, ids_of(named), where, outer)
    at = {name: where + place(x, name) for name in (*plain, *kept, *inside)}
    groups = {"groups": x.numbers({of: p for of, (p, _) in named.items()})} if isinstance(x, Groups) else {}
    return {
        "rule": kind_of(x),
        **groups,
        "hyper": {name: saved_hyper(x, name, value, at[name]) for name, value in plain.items()},
        "state": {
            name: {of: saved_state(x, name, d[p], f"{at[name]}, {of}") for of, (p, _) in named.items() if p in d}
            for name, d in kept.items()
        },
        "inside": {name: saved_of(o, named, at[name], (*outer, x)) for name, o in inside.items()},
    }


def saved_hyper(x, name, value, where):
    return list(value) if type(value) is tuple and name in ranges_of(x) else marked(value, where)


def saved_state(x, name, value, where):
    if isinstance(x, Rule) and name == x.kept:
        return [np.array(a) for a in value] if type(value) is tuple else np.array(value)
    return marked(value, where)


def by_name(ps):
    """Return name -> (parameter, its array); the names are given, or the places 0, 1, ..."""
    pairs = ps.items() if isinstance(ps, dict) else ((str(i), p) for i, p in enumerate(ps))
    named = {str(name): (p, ndarray_of(p)) for name, p in pairs}
    for name, (p, x) in named.items():
        if x is None:
            raise TypeError(f"parameter {name} is a {type(p).__name__}; a parameter is a Tensor or an ndarray")
    return named


def ids_of(named):
    return {id(p) for p, _ in named.values()}


def ranges_of(x):
    return getattr(x, "_ranges", {})


# ----------------------------------------------------------------------------------------------- loading
def tasks_to_load(opt, ps, saved):
    """Check what is to be loaded, and return the functions that do it."""
    named = by_name(ps)
    if not isinstance(saved, dict) or saved.get("format") not in (FORMAT, BEFORE):
        raise ValueError("load_state_: this is nothing that state_dict(opt, ps) returned")
    refuse_other_parameters(named, saved["parameters"])
    tasks = []
    plan(opt, named, saved["optimiser"], kind_of(opt), tasks, saved["format"] == BEFORE)
    return tasks


def refuse_other_parameters(named, then):
    """Raise ValueError unless the parameters are those that were saved."""
    if set(named) != set(then):
        missing, new = sorted(set(then) - set(named)), sorted(set(named) - set(then))
        raise ValueError(
            f"load_state_: other parameters were saved ({len(then)}) than are given ({len(named)}); "
            f"saved only: {', '.join(missing) or 'none'}; given only: {', '.join(new) or 'none'}"
        )
    for name, (_, x) in named.items():
        shape, dtype = tuple(then[name]["shape"]), then[name]["dtype"]
        if shape != x.shape or dtype != x.dtype.name:
            raise ValueError(
                f"load_state_: parameter {name} was {dtype}, shape {shape}, when it was saved, and is "
                f"{describe(x)} now. Were the parameters given in another order?"
            )


def plan(x, named, saved, where, tasks, old, outer=()):
    """Check what is to be loaded into one object, and add to ``tasks`` what is to be done then."""
    if hasattr(x, "load_part"):  # its state is spread over several processes
        plan(twin := x.twin(), named, saved, where, loading := [], old, outer)
        for task in loading:
            task()
        return tasks.append(x.load_part(twin, [p for p, _ in named.values()]))
    if saved["rule"] != kind_of(x):
        raise ValueError(f"load_state_: {where} is a {kind_of(x)}, but a {saved['rule']} was saved there")
    if isinstance(x, RANDOM):
        tasks.append(to_set_random_state(x, unmarked(saved["random"]), f"load_state_: {where}"))
        return
    if isinstance(x, Storage):
        refuse_other_arrays(where, [saved["array"]], [(x.dtype.newbyteorder("="), x.shape)])
        tasks.append(lambda: np.copyto(x.data, saved["array"]))
        return
    if isinstance(x, Groups):
        refuse_other_groups(where, x.numbers({of: p for of, (p, _) in named.items()}), saved.get("groups", {}))
    plain, kept, inside = parts_of(x, ids_of(named), f"load_state_: {where}", outer)
    state = saved["state"]
    if "_frozen" in {**kept, **state}:  # it is there only where something is frozen, or has been
        kept["_frozen"], state = vars(x).setdefault("_frozen", IdDict()), {"_frozen": {}, **state}
        tasks.append(look_anew)
    for what, now, then in (
        ("hyperparameters", plain, saved["hyper"]),
        ("state", kept, state),
        ("rules inside", inside, saved["inside"]),
    ):
        if set(now) != set(then) and not (old and set(now) > set(then)):
            raise ValueError(f"load_state_: {where} has the {what} {sorted(now)}, but {sorted(then)} were saved")
    for name, value in saved["hyper"].items():
        plan_hyper(x, name, unmarked(value), plain[name], where, tasks)
    for attribute, entries in state.items():
        tasks.append(kept[attribute].clear)
        for name, value in entries.items():
            p, array = named[name]
            value = fitting(x, attribute, value, p, array, f"{where}{place(x, attribute)}, parameter {name}")
            tasks.append(lambda d=kept[attribute], p=p, value=value: d.__setitem__(p, value))
    for name, then in saved["inside"].items():
        plan(inside[name], named, then, where + place(x, name), tasks, old, (*outer, x))


def refuse_other_groups(where, now, then):
    """Raise ValueError where a parameter had another rule when its state was saved."""
    for name in now.keys() & then.keys():
        if now[name] != then[name]:
            raise ValueError(
                f"load_state_: {where}: parameter {name} was in group {then[name]} when it was saved, and is in group "
                f"{now[name]} now"
            )


def plan_hyper(x, name, value, now, where, tasks):
    if name in ranges_of(x):
        ranges_of(x)[name](value, f"{where}: {name}")
    if all(type(a) is np.ndarray for a in (now, value)) and (now.dtype, now.shape) == (value.dtype, value.shape):
        tasks.append(lambda: np.copyto(now, value))  # others may hold the same array
    elif type(x) not in FIXED:
        tasks.append(lambda: put(x, name, value))
    elif repr(now) != repr(value):
        raise ValueError(
            f"load_state_: {where}{place(x, name)} is {now!r} here and was {value!r}, and a {kind_of(x)} cannot be "
            "given other parts"
        )


def fitting(x, attribute, value, p, array, where):
    """Return saved state as it is kept, after checking that it fits the parameter."""
    if not (isinstance(x, Rule) and attribute == x.kept):
        return unmarked(value, type(p) if isinstance(p, Storage) else np.array)
    parts = value if isinstance(value, (list, tuple)) else [value]
    refuse_other_arrays(where, parts, [(a.dtype, a.shape) for a in x.fresh(np.zeros(array.shape, native(array.dtype)))])
    copies = tuple([np.array(part, order=order_of(array)) for part in parts])
    return copies if isinstance(value, (list, tuple)) else copies[0]


def refuse_other_arrays(where, arrays, wanted):
    found = [(np.asarray(a).dtype, np.shape(a)) for a in arrays]
    if found != wanted:
        raise ValueError(f"load_state_: {where}: saved were {listed(found)}, needed are {listed(wanted)}")


def listed(arrays):
    return ", ".join(f"{dtype} {shape}" for dtype, shape in arrays)
