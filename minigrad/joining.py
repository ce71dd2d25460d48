"""``r_`` and ``c_``: arrays joined by writing them side by side in brackets.

NumPy's own ``np.r_[...]`` cannot be intercepted: given a recorded Tensor it raises.  These mean the same,
on arrays, numbers, slices and Tensors.  ``np.block``, ``np.concatenate`` and their kind take Tensors as they
are; ``block`` stands here beside its like.
"""

import numpy as np

from .derivatives.shaping import block
from .hints import chapter

__all__ = ["block", "c_", "r_"]


def from_slice(piece):
    """Return the numbers that a slice stands for: a range, or evenly spaced ones if its step is imaginary.

    >>> from_slice(slice(0, 3)), from_slice(slice(0, 1, 3j))
    (array([0, 1, 2]), array([0. , 0.5, 1. ]))
    """
    start, step = piece.start or 0, 1 if piece.step is None else piece.step
    if isinstance(step, complex):
        return np.linspace(start, piece.stop, int(abs(step)))
    return np.arange(start, piece.stop, step)


def with_axes(x, ndim, first):
    """Give ``x`` at least ``ndim`` axes; its own begin at position ``first`` (-1: they are the last)."""
    missing = ndim - np.ndim(x)
    if missing <= 0:
        return x
    before = first if first >= 0 else first + missing + 1
    return np.reshape(x, (1,) * before + np.shape(x) + (1,) * (missing - before))


class Joiner:
    """The type of ``r_`` and ``c_``: in brackets it joins what it is given along an axis.

        r_[a, b, ...]   one after the other          c_[a, b, ...]   side by side, as columns

    Parameters
    ----------
    axis : int, the axis to join along
    ndim : int, the least number of axes that each piece is given
    first : int, where the axes of a piece begin among them; -1 puts them last

    Pieces are arrays, Tensors, numbers, slices (``1:5`` counts, ``0:1:11j`` is evenly spaced) and, first of
    all, a string ``"axis"``, ``"axis,ndim"`` or ``"axis,ndim,first"`` that changes the settings.

    Raises
    ------
    ValueError : for pieces that do not fit together, or another string

    Differs from NumPy's: strings that ask for a matrix are refused.

    Source: NumPy's ``r_`` and ``c_``.

    >>> r_[1:4, 0, np.array([5.0, 6.0])]
    array([1., 2., 3., 0., 5., 6.])
    >>> c_[np.array([1, 2, 3]), np.array([4, 5, 6])]
    array([[1, 4],
           [2, 5],
           [3, 6]])
    """

    def __init__(self, axis, ndim, first):
        self.axis, self.ndim, self.first = axis, ndim, first

    def __call__(self, *pieces):
        raise TypeError("r_ and c_ take what they join in brackets: r_[x, y]")

    def __getitem__(self, pieces):
        pieces = pieces if isinstance(pieces, tuple) else (pieces,)
        settings = self.axis, self.ndim, self.first
        if isinstance(pieces[0], str):
            given, pieces = directive(pieces[0]), pieces[1:]
            settings = (*given, *settings[len(given) :])
        axis, ndim, first = settings
        pieces = [from_slice(piece) if isinstance(piece, slice) else piece for piece in pieces]
        return np.concatenate([with_axes(piece, max(ndim, 1), first) for piece in pieces], axis)


def directive(text):
    """Return the integers in a directive such as ``"0,2,1"``."""
    try:
        axis, *others = map(int, text.split(","))
    except ValueError:
        raise ValueError(f"r_[{text!r}, ...]: write 'axis', 'axis,ndim' or 'axis,ndim,first'") from None
    return axis, *others


r_ = Joiner(axis=0, ndim=1, first=-1)
c_ = Joiner(axis=-1, ndim=2, first=0)

chapter(__name__)
