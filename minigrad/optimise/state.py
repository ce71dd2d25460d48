"""Saving and loading what optimisers keep: by the order or by the names of the parameters."""

import numbers

import numpy as np

from ..core.storage import ndarray_of
from ..iddict import IdDict
from .arrays import describe, order_of
from .rules import AbstractOptimiser, Rule
from .update import apply_

FORMAT = "minigrad optimiser 1"


def state_dict(opt, ps):
    """Return all that an optimiser knows, as plain data: its hyperparameters and its state of each parameter.

    Parameters
    ----------
    opt : an optimiser, composed ones and your own included: everything in an ``IdDict`` is state, every
        number, string and tuple of these a hyperparameter.  A Plateau inside a Scheduler belongs to it
    ps : Params, list or tuple of parameters, told apart by their order; or a dict from names to
        parameters, told apart by name

    Returns
    -------
    dict of strings, numbers, lists, dicts and copies of arrays; it shares nothing with the optimiser

    State of parameters that are not in ``ps`` is left out.

    State belongs to the parameters themselves.  So ``copy.deepcopy(opt)`` and ``pickle.dumps(opt)`` alone give
    an optimiser with the same hyperparameters and no state; copy or pickle ``(opt, ps)`` together, or carry
    the state over with this function and ``load_state_``.

    >>> from minigrad.optimise import Momentum, update_
    >>> opt, W = Momentum(), np.ones(2)
    >>> update_(opt, W, np.ones(2))
    >>> state_dict(opt, {"W": W})["optimiser"]["state"]
    {'velocity': {'W': array([-0.01, -0.01])}}
    """
    named = by_name(ps)
    shapes = {name: {"shape": list(x.shape), "dtype": x.dtype.name} for name, (_, x) in named.items()}
    return {"format": FORMAT, "parameters": shapes, "optimiser": saved_of(opt, named)}


def load_state_(opt, ps, saved):
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
    named = by_name(ps)
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:
        raise ValueError("load_state_: this is nothing that state_dict(opt, ps) returned")
    refuse_others(named, saved["parameters"])
    tasks = []
    add_tasks(opt, named, saved["optimiser"], type(opt).__name__, tasks)
    for task in tasks:
        task()


def by_name(ps):
    """Return name -> (parameter, its array); the names are given, or the places 0, 1, ..."""
    pairs = ps.items() if isinstance(ps, dict) else ((str(i), p) for i, p in enumerate(ps))
    named = {str(name): (p, ndarray_of(p)) for name, p in pairs}
    for name, (p, x) in named.items():
        if x is None:
            raise TypeError(
                f"parameter {name} is a {type(p).__name__}; a parameter is a Tensor or an ndarray"
            )
    return named


def parts_of(opt):
    """Return what an optimiser consists of: plain hyperparameters, IdDicts, what has a state inside."""
    plain, kept = {}, {}
    inside = opt._inside() if isinstance(opt, AbstractOptimiser) else {}
    for name, value in vars(opt).items():
        if isinstance(value, IdDict):
            kept[name] = value
        elif name[0] != "_" and apply_.dispatch(type(value)) is not apply_.dispatch(object):  # an optimiser
            inside[name] = value
        elif isinstance(value, (numbers.Number, str, bool)) or (
            isinstance(value, tuple) and all(isinstance(v, numbers.Number) for v in value)
        ):
            plain[name] = value
    return plain, kept, inside


def saved_of(opt, named):
    plain, kept, inside = parts_of(opt)
    return {
        "rule": type(opt).__name__,
        "hyper": {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()},
        "state": {
            attribute: {name: copy_of(entries[p]) for name, (p, _) in named.items() if p in entries}
            for attribute, entries in kept.items()
        },
        "inside": {name: saved_of(o, named) for name, o in inside.items()},
    }


def copy_of(value, order="K"):
    if isinstance(value, (list, tuple)):
        return [copy_of(v, order) for v in value]
    array = ndarray_of(value)
    return value if array is None else np.array(array, order=order)


def refuse_others(named, then):
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


def add_tasks(opt, named, saved, where, tasks):
    """Check what is to be loaded into one optimiser, and add to ``tasks`` what is to be done then."""
    plain, kept, inside = parts_of(opt)
    if saved["rule"] != type(opt).__name__:
        raise ValueError(
            f"load_state_: {where} is a {type(opt).__name__}, but a {saved['rule']} was saved there"
        )
    for what, now, then in (
        ("hyperparameters", plain, saved["hyper"]),
        ("state", kept, saved["state"]),
        ("rules inside", inside, saved["inside"]),
    ):
        if set(now) != set(then):
            raise ValueError(
                f"load_state_: {where} has the {what} {sorted(now)}, but {sorted(then)} were saved"
            )
    ranges = getattr(opt, "_ranges", {})
    for name, value in saved["hyper"].items():
        value = tuple(value) if isinstance(value, list) else value
        if name in ranges:
            ranges[name](value, f"{where}: {name}")
        tasks.append(lambda name=name, value=value: setattr(opt, name, value))
    for attribute, entries in saved["state"].items():
        tasks.append(kept[attribute].clear)
        for name, value in entries.items():
            p, x = named[name]
            value = fitting(opt, attribute, value, x, f"{where}.{attribute}, parameter {name}")
            tasks.append(lambda d=kept[attribute], p=p, value=value: d.__setitem__(p, value))
    for name, o in inside.items():
        add_tasks(o, named, saved["inside"][name], f"{where}[{name}]", tasks)


def fitting(opt, attribute, value, x, where):
    """Return a copy of saved state, after checking that it fits the parameter."""
    value = copy_of(value, order_of(x))
    parts = value if isinstance(value, list) else [value]
    if isinstance(opt, Rule) and attribute == opt.kept:
        expected = opt.fresh(np.zeros(0, np.float32 if x.dtype.char == "e" else x.dtype.newbyteorder("=")))
        wanted = [(a.dtype, a.shape if a.size else x.shape) for a in expected]
        found = [(np.asarray(a).dtype, np.shape(a)) for a in parts]
        if wanted != found:
            raise ValueError(
                f"load_state_: {where}: saved were {listed(found)}, needed are {listed(wanted)}"
            )
    return tuple(value) if isinstance(value, list) else value


def listed(arrays):
    return ", ".join(f"{dtype} {shape}" for dtype, shape in arrays)
