"""The one place where constructors learn to take a second spelling of a keyword.

The manuals that minigrad reproduces write ``Descent(η = 0.1)`` and ``Cos(λ0 = 1e-4, ...)``;
fields and documentation here are ASCII.  ``@also_spelled(η="eta")`` on a class makes its
constructor take both.
"""

import functools
import unicodedata


def also_spelled(**ascii_of):
    """Class decorator: let the constructor take each given keyword as another spelling.

    Parameters
    ----------
    **ascii_of : second spelling = name of the field

    Raises (from the constructor): TypeError when both spellings of one field are given.

    >>> @also_spelled(η="eta")
    ... class Rule:
    ...     def __init__(self, eta=0.1): self.eta = eta
    >>> Rule(η=0.5).eta
    0.5
    """
    # Python folds look-alikes (ϵ to ε) in source but not in **{"ϵ": ...}; fold both sides.
    fold = functools.partial(unicodedata.normalize, "NFKC")
    ascii_of = {fold(other): name for other, name in ascii_of.items()}

    def decorate(cls):
        init = cls.__init__

        @functools.wraps(init)
        def __init__(self, *args, **kwargs):
            if not kwargs.keys().isdisjoint(ascii_of) or not all(map(str.isascii, kwargs)):
                kwargs = in_ascii(cls.__name__, kwargs)
            init(self, *args, **kwargs)

        cls.__init__ = __init__
        return cls

    def in_ascii(owner, kwargs):
        spelled = {}
        for key, value in kwargs.items():
            name = ascii_of.get(fold(key), key)
            if name in spelled:
                raise TypeError(f"{owner}: {name!r} was given twice, under two spellings; give it once")
            spelled[name] = value
        return spelled

    return decorate
