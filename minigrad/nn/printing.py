"""How layers are shown: as the Python that makes them, with the number of their parameters.

    Chain(
        Dense(64, 32, relu),  # 2,080 parameters
        Dense(32, 10),        # 330 parameters
    )                         # 2,410 parameters
"""

from .. import habits
from ..core.trees import named_tensors
from ..hints import Nowhere, meets
from ..shown import Shown
from .activations import identity


@meets(habits.MODEL, Nowhere)
class Printed(Shown):
    """What shows a layer; the layer says how it is ``spelled``."""

    def __repr__(self):
        lines = self.listing()
        width = max(len(code) for code, _ in lines)
        return "\n".join(f"{code:<{width}}  {comment}".rstrip() for code, comment in lines)

    def listing(self):
        """Return the lines that show the layer: [(code, comment)]."""
        return [(self.spelled(), how_many_parameters(self))]


def listing_of_chain(layers):
    """Return the lines that show layers, and plain functions, one after the other."""
    lines = [("Chain(", "")]
    for x in layers:
        *first, (code, comment) = x.listing() if isinstance(x, Printed) else [(call_name(x), "")]
        lines += [(f"    {line}", c) for line, c in [*first, (f"{code},", comment)]]
    return [*lines, (")", how_many_parameters(layers))]


def how_many_parameters(x):
    n = sum(t.size for _, t in named_tensors(x))
    return f"# {n:,} parameter{'s' * (n != 1)}" if n else ""


def call_of(name, *arguments, **keywords):
    """Return a call as code; an activation that does nothing is left out.

    >>> call_of("Dense", 2, 3, identity, bias=False)
    'Dense(2, 3, bias=False)'
    """
    spelled = [call_name(a) for a in arguments if a is not identity]
    return f"{name}({', '.join([*spelled, *(f'{k}={v!r}' for k, v in keywords.items())])})"


def call_name(x):
    """Return the name of a function, or what shows anything else.

    >>> call_name(identity), call_name((3, 3))
    ('identity', '(3, 3)')
    """
    return getattr(x, "__name__", repr(x))
