"""Plain values as JSON, with the arrays among them set aside under names: what a checkpoint is made of."""

import re
import zlib

import numpy as np

from ..foreign import refuse
from .files import TEXT

RESERVED = TEXT, "__metadata__"


def encoded(x, place, arrays):
    """Return ``x`` as what JSON can hold; its arrays are put into ``arrays``, as a rule named by their places.

    Parameters
    ----------
    x : number, string, None, array, or lists, tuples and dicts of them
    place : str, the name of ``x`` itself
    arrays : dict, added to

    Raises TypeError for anything else, naming its place.

    >>> arrays = {}
    >>> encoded({"m": np.zeros(2), "beta": (0.9, 1)}, "opt", arrays)
    {'dict': [['m', {'array': 'opt/m'}], ['beta', {'tuple': [0.9, 1]}]]}
    >>> list(arrays)
    ['opt/m']
    """
    if x is None or type(x) in (bool, int, float, str):
        return x
    if isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "biufc":
        refuse(x, f"save: {place} cannot be saved")
        name = name_for(place, arrays)
        arrays[name] = np.asarray(x).astype(x.dtype.newbyteorder("="), order="C", copy=False)
        return {"array" if isinstance(x, np.ndarray) else "scalar": name}
    if type(x) is complex:
        return {"complex": [x.real, x.imag]}
    if type(x) in (list, tuple):
        return {type(x).__name__: [encoded(child, f"{place}[{i}]", arrays) for i, child in enumerate(x)]}
    if type(x) is dict:
        return {"dict": [pair(key, child, place, arrays) for key, child in x.items()]}
    what = f"an array of {x.dtype}" if isinstance(x, np.ndarray) else f"a {type(x).__name__}"
    raise TypeError(
        f"save: {place} is {what}, which cannot be saved. Numbers, strings, None, arrays of numbers, and "
        "lists, tuples and dicts of them can be: save what it is made of"
    )


def name_for(place, arrays):
    """Return a name that no array in ``arrays`` has yet: the place itself or, if need be, a number.

    It is a name for every format: printable, not too long, and told apart from others with or without ``.npy``.

    >>> name_for("model/W", {}), name_for("model/W", {"model/W": 0}), name_for("a.npy", {"b": 0, "c": 0})
    ('model/W', '#1', '#2')
    """
    fits = place.isprintable() and 0 < len(place) < 200 and place not in arrays and place not in RESERVED
    return place if fits and not place.startswith("#") and not re.search(r"\\|\.npy$", place) else f"#{len(arrays)}"


def pair(key, child, place, arrays):
    name = f"{place}/{key}" if isinstance(key, str) else f"{place}[{key!r}]"
    return [encoded(key, name, arrays), encoded(child, name if key != "" else place, arrays)]


def decoded(x, arrays):
    """Return the value that ``encoded`` was given, equal to the last bit.

    >>> decoded({"tuple": [0.1, {"array": "a"}]}, {"a": np.ones(2)})
    (0.1, array([1., 1.]))
    """
    if not isinstance(x, dict):
        return x
    ((kind, x),) = x.items()
    return DECODERS[kind](x, arrays)


DECODERS = {
    "array": lambda name, arrays: arrays[name],
    "scalar": lambda name, arrays: arrays[name][()],
    "complex": lambda parts, arrays: complex(*parts),
    "list": lambda items, arrays: [decoded(item, arrays) for item in items],
    "tuple": lambda items, arrays: tuple([decoded(item, arrays) for item in items]),
    "dict": lambda pairs, arrays: {decoded(key, arrays): decoded(item, arrays) for key, item in pairs},
}


def checksum(text, arrays):
    """Return a number that changes with the text and with every bit of the arrays.

    >>> checksum("", {"a": np.zeros(2)}) == checksum("", {"a": np.zeros(2, np.float32)})
    False
    """
    total = zlib.crc32(text.encode())
    for name in sorted(arrays):
        a = arrays[name]
        total = zlib.crc32(f"{name} {a.dtype.name} {a.shape}".encode(), total)
        total = zlib.crc32(a.tobytes(), total)
    return total
