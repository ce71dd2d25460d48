"""How a derivative is written down: one row per NumPy function.

    row(np.sin,      lambda g, x: g * np.cos(x))
    row(np.exp,      lambda g, y: g * y)
    row(np.multiply, lambda g, b: g * b,   lambda g, a: g * a)

A row holds one *vjp* (vector-Jacobian product) per differentiable argument, in the arguments'
order; None stands for an argument without one.  A vjp takes ``g``, the gradient of the loss with
respect to the output, and returns the gradient with respect to its argument.  **Its other
parameters name what it needs, and nothing else is kept** on the tape:

    y              the output
    a, axis, ...   an argument, by its name in the function's signature
    a_shape        only the shape of the argument ``a`` (so that its numbers can be freed)
    a_layout       only its layout in memory: whether it is in Fortran's order, and its strides
    k              for an argument that is a sequence of arrays: the position in it (the first to be named)

Where the function returns several arrays (``np.linalg.eigh``), ``y`` is the tuple of them and
``g`` a tuple of gradients, None for those that the loss does not use.

A vjp is plain NumPy.  It runs on ndarrays, and on Tensors when its own derivative is wanted.
It also runs on arrays that write down what is done to them (see ``readers``), to be done again with
other numbers: where it decides by numbers it says so, by ``possibly``, ``refuse_if`` or ``atomic``.
Gradients may come back in the broadcast shape: the tape sums them to the argument's shape and
casts them to its dtype.
"""

import functools
import inspect
import itertools

import numpy as np

from .storage import Storage, numbers_of, stands_in
from .trees import leaves

ROWS = {}  # function -> Row: everything minigrad can differentiate
CONSTANTS = set()  # functions whose derivative is zero or does not exist: their results are constants
COMPOSITIONS = {}  # function -> the same function, written with functions that have rows
ROUNDED = set()  # of those, the functions whose definitions round otherwise than NumPy, which gives their values
REFUSED = {}  # function -> the reason why it has no derivative here
METHODS = {}  # method of a ufunc -> the same, written with functions that have rows


class Forms:
    """How a call comes to the form of the table; ``derivatives.calls`` puts better ways in the place of these.

    Attributes
    ----------
    simplified : function (function, name, signature, args, kwargs) -> (args, kwargs) of the same call with no other
        arguments than those of the signature
    overwritten : function (function, args, kwargs) -> the arguments that the call writes into
    """

    simplified = staticmethod(lambda function, name, signature, args, kwargs: (args, kwargs))
    overwritten = staticmethod(lambda function, args, kwargs: ())


forms = Forms
LATE = []  # functions that open a further chapter of the table when it is needed, and say whether they did

# Types that are known not to answer NumPy's protocol, so that they need not be asked.
UNASKED = {np.ndarray, np.float64, np.float32, float, int, bool, tuple, list, slice, str, type(None)}
SINGLE = UNASKED - {tuple, list}


def late_rows():
    """Open the chapters that are needed by now (SciPy's, once SciPy is imported); say whether that brought new rows."""
    return any([opened() for opened in LATE])


class Row:
    """One line of the table: a function, its parameters, and the vjp of each of them.

    Attributes
    ----------
    function, name, note : the function, its name as a user writes it, a remark on its derivative
    parameters : names of the arguments
    bind : function that takes any call and returns the arguments in that order
    edges : dict, position of an argument -> (vjp, the function that picks what the vjp needs)
    required : int, how many arguments have no default
    kept : dict, position of an argument -> what its vjp needs, as text (see ``kept_by``)
    sequences : set, the positions of arguments that are sequences of arrays: their vjps take ``k``
    copied : set, the positions of arguments without a vjp that others need: indices, masks, axes, counts
    """

    WORKED_OUT = "parameters", "required", "bind", "kept", "edges", "sequences", "copied"
    __slots__ = ("function", "name", "note", "_vjps", "_signature", *WORKED_OUT)

    def __init__(self, function, vjps, signature, note):
        self.function = function
        self.name = name_of(function)
        self.note = note
        self._vjps, self._signature = vjps, signature

    def __getattr__(self, name):
        """Work out ``parameters``, ``bind``, ... when first asked: importing stays quick."""
        if name not in self.WORKED_OUT:
            raise AttributeError(f"a Row has no attribute {name!r}")
        self.parameters, self.required, self.bind = binder(self._signature or own_signature(self.function))
        vjps = {position: vjp for position, vjp in enumerate(self._vjps) if vjp is not None}
        self.kept = {position: kept_by(self.parameters, vjp) for position, vjp in vjps.items()}
        self.edges = {
            position: (vjp, keeper(self.parameters, self.kept[position])) for position, vjp in vjps.items()
        }
        self.sequences = {
            position
            for position, (vjp, _) in self.edges.items()
            if "k" in wanted_by(vjp) and "k" not in self.parameters
        }
        wanted = {name for vjp in vjps.values() for name in wanted_by(vjp)}
        self.copied = {
            position
            for position, name in enumerate(self.parameters)
            if name in wanted and vjps.get(position, nothing) is nothing
        }
        return getattr(self, name)

    def __repr__(self):
        return f"Row({self.name}({', '.join(self.parameters)}))"


def nothing(g):
    """The vjp of an argument that may be recorded, but does not move the result: a condition."""


def row(function, *vjps, signature=None, note=""):
    """Enter the row of ``function``: one vjp per argument, None for one without a derivative.

    ``signature`` names the arguments as the function takes them, e.g. ``"a, axis=None"``; by
    default ``x`` for a ufunc of one argument, ``a, b`` for one of two, else the function's own.
    A call with other arguments is brought to this form or refused while recording (see ``calls``).
    """
    ROWS[function] = Row(function, vjps, signature, note)


def composition(*functions, rounded=False):
    """Enter functions that are made of others, by their definition: a decorator.

        @composition(np.linalg.tensorinv)
        def tensorinv(a, ind=2):
            ...

    The tape then records what the definition calls.  A row of its own is worth writing where the
    derivative is shorter than that of the pieces, or much used.  ``rounded`` says that the definition rounds
    otherwise than NumPy: then NumPy computes the value as well.
    """

    def enter(definition):
        COMPOSITIONS.update(dict.fromkeys(functions, definition))
        ROUNDED.update(functions if rounded else ())
        return definition

    return enter


def constant(*functions):
    """Enter functions whose results carry no gradient (comparisons, rounding, shapes, ...)."""
    CONSTANTS.update(functions)


def refuse(function, reason):
    """Enter a function that has no derivative here, with the reason that its error gives."""
    REFUSED[function] = reason


def primitive(function):
    """Let a function of our own be intercepted by arrays as NumPy's functions are.

    Derivatives that need more than NumPy offers (adding into repeated indices without writing into
    an argument) are written as such functions, with a row of their own, so that they can be
    differentiated again.
    """

    @functools.wraps(function)
    def intercepted(*args, **kwargs):
        for a in (*args, *kwargs.values()) if kwargs else args:
            if type(a) not in UNASKED and hasattr(type(a), "__array_function__"):
                return a.__array_function__(intercepted, (type(a),), args, kwargs)
        return function(*args, **kwargs)

    intercepted.on_arrays = function  # for a caller who knows that there are only ndarrays
    return intercepted


def transparent(function):
    """Let readers of a computation see the calls that a function of ours makes, in the place of the one to it.

    It is plain NumPy: it writes into no array but those that NumPy's functions gave it, and decides nothing by numbers.
    """
    function.transparent = True
    return function


def possibly(condition):
    """Return what decides between a short cut and the general way: True where the numbers are to be others later.

    For rows: ``np.where(tie, g / 2, g) if possibly(tie.any()) else g``.  The general way is right for all numbers.
    """
    if type(condition) is np.bool_:  # as a rule
        return condition
    x = numbers_of(condition) if isinstance(condition, Storage) else condition
    return stands_in(x) or x


def atomic(function):
    """Let readers of a computation see one call: a function that decides by numbers, or writes into its own arrays."""

    @functools.wraps(function)
    def one_call(*args):
        found = None if SINGLE.issuperset(map(type, args)) else stand_in_among(args)
        return function(*args) if found is None else found.record.call(one_call, args, {})

    return one_call


def stand_in_among(x):
    """Return the first thing in ``x`` that stands in for an ndarray, or None."""
    return next(filter(stands_in, leaves(x)), None)


@atomic
def raise_if(condition, error, message):
    """Raise ``error(message)`` where the condition, a number, is true: a check that readers see, and can make again.

    >>> raise_if(np.any(np.ones(2) < 0), ValueError, "negative")
    """
    if condition:
        raise error(message)


def refuse_if(condition, error, message):
    """The same, also for a condition that was worked out from Tensors."""
    raise_if(numbers_of(condition) if isinstance(condition, Storage) else condition, error, message)


VECTORIZED = " (vectorized)"  # how the name ends of what np.frompyfunc makes


def name_of(function):
    """Return the function's name as a user writes it: ``np.linalg.solve``.

    >>> name_of(np.linalg.solve), name_of(np.exp)
    ('np.linalg.solve', 'np.exp')
    """
    module = getattr(function, "__module__", None)
    if module is None:  # a ufunc
        if function.__name__.endswith(VECTORIZED):
            return f"np.frompyfunc({function.__name__.removesuffix(VECTORIZED)})"
        module = "numpy" if getattr(np, function.__name__, None) is function else "scipy.special"
    return f"{module}.{function.__name__}".replace("numpy.", "np.", 1).lstrip("_")


def own_signature(function):
    if isinstance(function, np.ufunc):
        return {1: "x", 2: "a, b"}[function.nin]
    parameters = inspect.signature(function).parameters.values()
    return ", ".join(p.name if p.default is p.empty else f"{p.name}=None" for p in parameters)


def binder(signature):
    """Return the parameters' names, how many have no default, and a function that puts any call into their order."""
    parameters = inspect.signature(eval(f"lambda {signature}: None")).parameters
    required = sum(p.default is p.empty for p in parameters.values())
    return tuple(parameters), required, eval(f"lambda {signature}: ({', '.join(parameters)},)")


def kept_by(parameters, vjp):
    """Return what ``vjp`` names as text, in which ``_0``, ``_1`` are the arguments: ``y, _0, shape_of(_1), ``."""
    names, text = {name: f"_{position}" for position, name in enumerate(parameters)}, ""
    for wanted in wanted_by(vjp):
        argument, _, what = wanted.rpartition("_")
        if wanted in names or wanted in ("k", "y"):  # an argument called k or y itself is meant first
            text += names.get(wanted, wanted) + ", "
        elif argument in names and what in KEPT:
            text += f"{what}_of({names[argument]}), "
        else:
            raise TypeError(f"{vjp.__name__} asks for {wanted}, which is no argument of the row")
    return text


def keeper(parameters, kept):
    """Return the function (k, y, *arguments) -> the tuple of the values ``kept``."""
    names = ", ".join(f"_{position}" for position in range(len(parameters)))
    return eval(f"lambda k, y, {names}: ({kept})", {f"{what}_of": of for what, of in KEPT.items()})


def wanted_by(vjp):
    """Return the names of the values that a vjp needs beside g."""
    return [p.name for p in inspect.signature(vjp).parameters.values() if p.default is p.empty][1:]


class Shapes(list):
    """The shapes of a sequence of arrays, and where each of them begins once they are joined.

    >>> Shapes([(2,), (3,), (1,)]).place(1, lambda shape: shape[0])
    slice(2, 5, None)
    """

    ends = None

    def place(self, k, width):
        """Return the slice in which array ``k`` lies, where an array of a shape takes up ``width(shape)``."""
        if self.ends is None:  # once for all of them: there may be thousands
            self.ends = [0, *itertools.accumulate(map(width, self))]
        return slice(self.ends[k], self.ends[k + 1])


def shape_of(x):
    """Return the shape of an array, or the shapes of a sequence of arrays."""
    if isinstance(x, (list, tuple)):
        return Shapes(element.shape if hasattr(element, "shape") else np.shape(element) for element in x)
    return getattr(x, "shape", ())


def layout_of(x):
    """Return whether the numbers of ``x`` lie in Fortran's order in memory, and the strides.

    >>> layout_of(np.ones((2, 3)).T)
    (True, (8, 24))
    """
    x = numbers_of(x) if isinstance(x, Storage) else x
    return x.flags.fnc, x.strides


KEPT = {"shape": shape_of, "layout": layout_of}  # what a vjp can ask for in the place of a whole argument
