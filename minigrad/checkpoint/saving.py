"""Checkpoints: a model, its optimiser and whatever else a run needs to go on, in one file.

A file holds arrays, each under the name of its place (``model/layers[0].W``) or, where that is taken or is no
name for a file, a number; and a text in JSON: what the arrays are, and everything that is no array.  Nothing in it
is ever executed.
"""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import __version__
from ..core.errors import MinigradError
from ..core.params import params
from ..core.tensor import Tensor
from ..core.trees import named_tensors
from ..data import DataLoader
from ..doors import door
from ..interrupts import CtrlC, from_a_signal
from ..moving import RunningStatistics
from ..optimise import apply_
from ..optimise.swapping import swapped
from ..optimise.state import state_to_save, tasks_to_load
from ..randomness import random_state, to_set_random_state
from ..schedules import Plateau, Stateful
from ..schedules.base import Schedule
from ..schedules.scheduler import with_state
from ..training.callbacks import patience
from .encoding import checksum, decoded, encoded
from .files import reading, replacing, write

FORMAT, VERSION = "minigrad checkpoint", 2  # the second has arrays with numbers for names, loaders and early stopping


class CheckpointError(MinigradError, ValueError):
    """A file is damaged, no checkpoint, or a checkpoint of something else.

    >>> issubclass(CheckpointError, ValueError)
    True
    """


# ------------------------------------------------------------------------------------- the public part
@door
def save(
    path: Any,
    /,
    *,
    model: Any = None,
    opt: Any = None,
    schedule: Any = None,
    loader: Any = None,
    group: Any = None,
    **extra: Any,
) -> None:
    """Write a checkpoint, whole or not at all.

    Parameters
    ----------
    path : str or Path that ends in .npz, or in .safetensors if that package is installed
    model : anything that holds Tensors: a layer, a Chain, a list, a Params.  The states of random
        generators in it (``Dropout(0.5, rng=rng)``) and the running statistics of BatchNorm are saved too
    opt : its optimiser, or a list, tuple or dict of optimisers, saved with the state of every parameter of the model
    schedule : Stateful or Plateau, of which the position is saved
    loader : DataLoader, of which are saved the order of the epoch that is going on, how many of its batches have been
        handed out (these count as done: save after the step), and the state of its random generator
    group : the processes that train together (``distributed.group()``): all of them call this, the first one writes,
        the others wait, and if it fails, all do
    **extra : numbers, strings, None, arrays of numbers, and lists, tuples and dicts of them; or
        numpy.random.Generators, Tensors and whatever holds such; or more of the above, and what ``early_stopping``,
        ``patience`` and ``plateau`` return, of which is saved what they remember

    Raises
    ------
    ValueError : if there is nothing to save, ``opt`` comes without its model, or two passes through the loader are
        going on at once, so that neither can be resumed
    TypeError : if something cannot be saved, named by its place; nothing is written then
    OSError : if the file cannot be written (disk full, no permission)

    A crash at any moment leaves the file of before or the new one, never a torn one: the new one is
    written beside it, made safe on the disk, and renamed.

    >>> import tempfile
    >>> from minigrad import randn
    >>> W, folder = randn(3, 2), tempfile.TemporaryDirectory()
    >>> save(f"{folder.name}/run.npz", model=W, epoch=7)
    >>> before = W.data.copy(); W[...] = 0
    >>> load_(f"{folder.name}/run.npz", model=W)
    {'epoch': 7}
    >>> bool(np.all(W == before)); folder.cleanup()
    True
    """
    suffix = suffix_of(path, "save")
    given = named("save", {"model": model, "opt": opt, "schedule": schedule, "loader": loader}, extra)
    if not given:
        raise ValueError("save: there is nothing to save; write save(path, model=model, opt=opt, ...)")
    arrays = {}
    taken = {name: KINDS[kind].take(x, model, f"save: {name}") for name, (kind, x) in given.items()}
    body = {name: [given[name][0], encoded(x, name, arrays)] for name, x in taken.items()}
    if any(p in swapped for p in named_parameters(model).values()):
        body["averaged"] = ["value", True]
    text = json.dumps(body)
    header = {"format": FORMAT, "version": VERSION, "minigrad": __version__}
    header["checksum"] = checksum(text, arrays)

    def write_all():
        with replacing(path) as file:
            write(file, suffix, json.dumps(header) + "\n" + text, arrays)

    write_all() if group is None else group.by_first(write_all)


@door
def load_(
    path: Any, /, *, model: Any = None, opt: Any = None, schedule: Any = None, loader: Any = None, **extra: Any
) -> dict[str, Any]:
    """Read a checkpoint and overwrite what is given with it, by the names under which it was saved.

    Parameters
    ----------
    path : str or Path of a file that ``save`` wrote
    model, opt, schedule, loader, **extra : what to overwrite: structures like those that were saved.  The next pass
        through the loader is the rest of the epoch that was going on: nothing, if its last batch was handed out

    Returns
    -------
    dict of everything in the file that was not asked for: values as they were saved (as in
    ``load_(path)["epoch"]``), a model as a dict from places to arrays

    Raises
    ------
    CheckpointError (a ValueError) : if the file is truncated, damaged, no checkpoint or of a newer
        format; if it has not what is asked for; or if places, shapes, dtypes or rules differ
    FileNotFoundError, PermissionError, ... : if it cannot be read

    All is checked before anything is overwritten.  Training goes on bit for bit as without the break if
    all that changes during training was saved: also the loader or the generators that draw the batches, and how
    far the run had got.

    >>> load_("no such file.npz")
    Traceback (most recent call last):
    FileNotFoundError: load_: there is no file no such file.npz
    """
    suffix = suffix_of(path, "load_")
    given = named("load_", {"model": model, "opt": opt, "schedule": schedule, "loader": loader}, extra)
    kinds, saved = contents(path, suffix)
    if "averaged" in kinds and any(kind == "optimiser" for kind, _ in given.values()):
        raise CheckpointError(
            f"load_: {path} was saved within opt.averaged(...): training cannot go on from averages. "
            "Load it without the optimiser, or a checkpoint that was saved outside"
        )
    for name, (kind, _) in given.items():
        if name not in kinds:
            has = ", ".join(kinds)
            raise CheckpointError(f"load_: {path} has nothing of the name {name!r}. It has {has}")
        if kinds[name] != kind:
            what = f"a {kinds[name]} of the name {name!r}, and here is a {kind}"
            raise CheckpointError(f"load_: {path} has {what}")
    commits = [
        KINDS[kind].prepare(x, saved.pop(name), model, f"load_: {path}: {name}")
        for name, (kind, x) in given.items()
    ]
    ctrl_c = CtrlC()
    try:
        with ctrl_c, ctrl_c.whole:
            for commit in commits:
                commit()
    finally:
        ctrl_c.close()
    ctrl_c.pass_on()
    return saved


def named(who, known, extra):
    """Return a dict from names to (kind, thing); the kinds of what is ``known`` go by its names."""
    kinds = {"opt": "optimiser"}
    given = {name: (kinds.get(name, name), x) for name, x in known.items() if x is not None}
    given |= {name: (kind_of(x), x) for name, x in extra.items()}
    for name, (kind, x) in given.items():
        if kind == "optimiser" and known["model"] is None:
            raise ValueError(f"{who}: an optimiser's state belongs to the parameters: give the model too")
        if kind == "loader" and not isinstance(x, DataLoader):
            raise TypeError(f"{who}: {name} is a {type(x).__name__}, which cannot be resumed; give a DataLoader")
        if kind == "value" and who == "load_":
            raise TypeError(
                f"load_: {name}, a {type(x).__name__}, cannot be overwritten. Leave it out: what is not "
                f"asked for is returned, as in load_(path)[{name!r}]"
            )
    return given


def kind_of(x):
    """Return how a thing is saved whose name does not tell."""
    for kind, classes in {"loader": DataLoader, "schedule": (Stateful, Plateau), "memory": patience}.items():
        if isinstance(x, classes):
            return kind
    members = x.values() if type(x) is dict else x if type(x) in (list, tuple) else [x]
    if members and all(apply_.dispatch(type(o)) is not apply_.dispatch(object) for o in members):
        return "optimiser"
    return "model" if places(x) else "value"


def suffix_of(path, who):
    suffix = Path(str(path)).suffix
    if suffix not in (".npz", ".safetensors"):
        raise ValueError(f"{who}: a checkpoint's name, the first argument, ends in .npz or .safetensors; got {path!r}")
    return suffix


def contents(path, suffix):
    """Return the kinds and the things of a file, both by name, or say what is wrong with it."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"load_: there is no file {path}")
    try:
        with reading(path, suffix) as (text, read_arrays):
            header, text = text.split("\n", 1)
            header = json.loads(header)
            refuse_header(path, header)
            arrays = read_arrays()
            if header["checksum"] != checksum(text, arrays):
                raise ValueError("its checksum is wrong")
        kinds, things = {}, {}
        for name, (kind, x) in json.loads(text).items():
            kinds[name], things[name] = kind, decoded(x, arrays)
        return kinds, things
    except (CheckpointError, ImportError, PermissionError):
        raise
    except Exception as error:  # a damaged file can make its reader raise anything
        if from_a_signal(error):
            raise
        raise CheckpointError(f"load_: {path} is damaged or no checkpoint: {error!r}") from error


def refuse_header(path, header):
    if header["format"] != FORMAT:
        raise ValueError("it was not written by minigrad")
    if header["version"] > VERSION:
        raise CheckpointError(
            f"load_: {path} was written by minigrad {header['minigrad']} in format {header['version']}; this "
            f"is minigrad {__version__}, which reads formats up to {VERSION}. Update minigrad"
        )


# --------------------------------------------------------------------- models: Tensors and generators
def places(x):
    """Return a dict from places to the Tensors, random generators and running statistics that ``x`` holds, each once.

    Where two have the same place (an attribute called "a.b"), the second gets a number.
    """
    found = {}
    for place, t in named_tensors(x, kinds=(Tensor, np.random.Generator, RunningStatistics)):
        place = re.sub(r" at 0x[0-9a-fA-F]+", "", place)  # a key without a name of its own
        numbered = (f"{place} ({n})" for n in itertools.count(2))
        while place in found:
            place = next(numbered)
        found[place] = t
    return found


def take_model(model, *_):
    found = places(model)
    if not found:
        params(model)  # raises, and says how a parameter is made
    return {place: taken(x) for place, x in found.items()}


def taken(x):
    if isinstance(x, RunningStatistics):
        return vars(x)
    return x.data if isinstance(x, Tensor) else random_state(x)


def prepare_model(model, saved, _, where):
    found = places(model)
    refuse_other_names(where, saved, found)
    commits = []
    for place, x in found.items():
        others = prepare_statistics if isinstance(x, RunningStatistics) else prepare_generator
        prepare = prepare_tensor if isinstance(x, Tensor) else others
        commits.append(prepare(x, saved[place], f"{where}/{place}" if place else where))

    def commit():
        for one in commits:
            one()

    return commit


def prepare_tensor(t, saved, where):
    if not isinstance(saved, np.ndarray):
        raise CheckpointError(f"{where} is an array here, and none in the file. Nothing was overwritten")
    dtypes = saved.dtype, t.dtype.newbyteorder("=")
    for what, there, here in (("shape", saved.shape, t.shape), ("dtype", *dtypes)):
        if there != here:
            raise CheckpointError(
                f"{where} has {what} {there} in the file and {here} here: it is a checkpoint of another "
                "model. Nothing was overwritten"
            )
    if not t.data.flags.writeable:
        raise CheckpointError(f"{where} is read-only here. Nothing was overwritten")
    return lambda: np.copyto(t.data, saved)


def prepare_statistics(running, saved, where):
    saved = saved if type(saved) is dict else {}
    arrays = [(name, Tensor(x, copy=False)) for name, x in vars(running).items()]
    commits = [prepare_tensor(x, saved.get(name), f"{where}.{name}") for name, x in arrays]
    return lambda: [commit() for commit in commits]


def prepare_generator(rng, saved, where):
    here = type(rng.bit_generator).__name__
    there = saved.get("bit_generator", "layer's statistics") if type(saved) is dict else "Tensor"
    if here != there:
        raise CheckpointError(f"{where} is a {there} in the file and a {here} here. Nothing was overwritten")
    return to_set_random_state(rng, saved, where)


def refuse_other_names(where, there, here):
    """Raise unless both have the same names; tell some that differ."""
    only_there = [name for name in there if name not in here]
    only_here = [name for name in here if name not in there]
    if only_there or only_here:
        differences = "; ".join(
            f"only {who} there is {some_of(names)}"
            for who, names in (("in the file", only_there), ("here", only_here))
            if names
        )
        raise CheckpointError(
            f"{where}: it is a checkpoint of something else: {differences}. Nothing was overwritten"
        )


def some_of(names):
    some = ", ".join(name or "a Tensor alone" for name in names[:3])
    return f"{some} and {len(names) - 3} more" if len(names) > 3 else some


# ----------------------------------------------------------- optimisers, and what remembers where it is
def named_parameters(model):
    return {place or "model": x for place, x in places(model).items() if isinstance(x, Tensor)}


def take_optimiser(opt, model, where):
    return state_to_save(opt, named_parameters(model), where)


def prepare_optimiser(opt, saved, model, where):
    try:
        tasks = tasks_to_load(opt, named_parameters(model), saved)
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{where}: {error}. Nothing was overwritten") from error

    def commit():
        for task in tasks:
            task()

    return commit


def position_of(x):
    """Return what a schedule or an early stopping remembers, by the names of its attributes."""
    if isinstance(x, patience):
        return {name: getattr(x, name) for name in x.remembered}
    numbers = {k: v for k, v in getattr(x, "__dict__", {}).items() if type(v) in (int, float)}
    return {} if isinstance(x, Schedule) else numbers


def inside_of(x):
    """Return the schedules with a position that a Stateful holds, by their places."""
    return dict(with_state("schedule", getattr(x, "schedule", None)))


def take_position(x, _, where):
    position, kind = position_of(x), type(x).__name__
    if not position:
        raise TypeError(f"{where}, a {kind}, has no position; give a Stateful or Plateau")
    inside = {name: take_position(part, _, f"{where}.{name}") for name, part in inside_of(x).items()}
    return {"kind": kind, **position, **({"inside": inside} if inside else {})}


def prepare_position(x, saved, _, where):
    here = take_position(x, None, where)
    if here["kind"] != saved["kind"]:
        raise CheckpointError(f"{where} is a {saved['kind']} in the file and a {here['kind']} here")
    refuse_other_names(where, saved, here)
    refuse_other_names(where, saved.get("inside", {}), here.get("inside", {}))
    inside = [
        prepare_position(part, saved["inside"][name], None, f"{where}.{name}") for name, part in inside_of(x).items()
    ]

    def commit():
        for name in position_of(x):
            setattr(x, name, saved[name])
        for one in inside:
            one()

    return commit


def take_loader(loader, _, where):
    try:
        return loader.position()
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def prepare_loader(loader, saved, _, where):
    try:
        return loader.to_resume(saved)
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{where}: {error}. Nothing was overwritten") from error


class Kind(NamedTuple):
    """How things of one kind are saved and loaded.

    ``take(x, model, where)`` gives plain values and arrays; ``prepare(x, saved, model, where)`` tries all that can
    go wrong and returns the function that overwrites ``x``.
    """

    take: object
    prepare: object


KINDS = {
    "model": Kind(take_model, prepare_model),
    "optimiser": Kind(take_optimiser, prepare_optimiser),
    "schedule": Kind(take_position, prepare_position),
    "memory": Kind(take_position, prepare_position),
    "loader": Kind(take_loader, prepare_loader),
    "value": Kind(lambda x, *_: x, None),  # cannot be overwritten, and is returned
}
