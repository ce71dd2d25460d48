"""The Tensor: an array that can be recorded, and where it is recorded.

A Tensor that is being differentiated knows its tape and its slot there.  A parameter does not: each tape that
differentiates it holds an *alias* of it, found by the parameter's identity, so that several threads and several
nested gradients can use one parameter at once.

``_value`` is the ndarray or, when gradients are nested, a Tensor of the next tape outwards; see ``recording``.
"""

import operator
from functools import partial
from sys import getrefcount
from threading import get_ident
from typing import NoReturn

import numpy as np

from .errors import LostGradientError, explained, of_a_finished_gradient, told, user_line
from .storage import Storage, ndarray_or_stand_in, numbers_of, stands_in
from .tape import active_tape, innermost_tape
from .trees import at_leaves, ATOMS, leaves

CONSTANT = frozenset(ATOMS)  # types of what is as it is, on every tape
SCALARS = CONSTANT - {np.ndarray}
blank = object.__new__


# ------------------------------------------------------------- what NumPy and Python ask of a Tensor
class Asked:
    """What NumPy asks of a Tensor: functions that ``recording`` puts here, for they need the Tensor.

    ``namespace`` and ``memory``, for the array API standard, are put here by ``minigrad.array_api``.
    """

    ufunc = function = item = namespace = memory = None


class Foreign:
    """What is done with arrays of other kinds (masked ones, tables); ``minigrad.foreign`` puts better ways here.

    Attributes
    ----------
    plain : function (x, tape) -> what is computed with in the place of ``x`` while ``tape`` records (None: outside)
    decides : function of a call's arguments -> whether one of them knows better what the call means
    refuse : function (x, who), which raises if ``x`` cannot become a Tensor
    refuse_argument : the same for what ``gradient`` is given and takes for a constant
    """

    plain = staticmethod(lambda x, tape: x)
    decides = staticmethod(lambda args: False)
    refuse = refuse_argument = staticmethod(lambda x, who: None)


def both(ufunc):
    """Return the operator that calls a ufunc, and the one for the arguments in reflected order."""
    forward = lambda self, other: NotImplemented if leaves_it(other) else ufunc(self, other)
    return forward, lambda self, other: NotImplemented if leaves_it(other) else ufunc(other, self)


def leaves_it(other):
    """Say whether ``other`` has operators of its own and no ufuncs, as NumPy's arrays ask, too."""
    return getattr(other, "__array_ufunc__", other) is None


def alone(ufunc):
    """Return the operator of one argument that calls a ufunc."""
    return lambda self: ufunc(self)


def comparison(compare):
    """Return an operator whose result is a constant: a Tensor of booleans."""

    def give_mask(self, other):
        value = self._value if type(self._value) is np.ndarray else numbers_of(self)
        return as_tensor(compare(value, other if type(other) in CONSTANT else lower(other, None)))

    return give_mask


def number(kind):
    """Return the method that makes a Tensor a number of Python's."""
    return lambda self: kind(plain_number(self, f"{kind.__name__}(t)"))


# ---------------------------------------------------------------------------------------- the Tensor
class Tensor(Storage):
    """An array of real or complex numbers that can be differentiated.

    Parameters
    ----------
    data : array_like of numbers, any shape
        Copied unless ``copy=False``, which shares the memory of an ndarray.
    dtype : NumPy dtype, by default that of ``data``
    copy : bool

    Attributes
    ----------
    data : ndarray, the live numbers; ``t.data[...] = x`` overwrites them, but not while they are recorded

    Raises
    ------
    TypeError : if ``data`` holds anything but numbers
    LostGradientError : on what would turn a recorded Tensor into a plain array or overwrite one

    Outside of a gradient call a Tensor is an ndarray with a thin skin: NumPy's functions and operators
    take it, ``np.asarray(t)`` and ``float(t)`` give the numbers back, and ``t[...] = x`` overwrites
    them.  Inside, the same calls are recorded.  ``t -= x`` makes a new Tensor, as in Julia.

    One rule for all results: where NumPy gives an array or one of its scalars, there is a Tensor;
    numbers, shapes and texts of Python stay what they are.  A function without a gradient
    (``t > 0``, ``np.argmax``, ``np.floor``, ``np.zeros_like``) gives a *constant*, a Tensor on no tape,
    which may become a plain array or a number at any time: ``int(np.argmax(t))``, ``a[t > 0]``.
    Inside of a gradient a constant can be overwritten with constants until it is used.

    Source: the role of the arrays that Zygote 0.6 differentiates.

    >>> W = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> np.sum(np.exp(W @ [1.0, -1.0]))
    Tensor(0.73575888)
    >>> W.shape, W.dtype, W.T[0]
    ((2, 2), dtype('float64'), Tensor([1., 3.]))
    """

    __slots__ = ("tape", "slot")
    __array_priority__ = 1000
    __pandas_priority__ = 10_000  # pandas leaves operators to whoever has the higher one

    def __init__(self, data, dtype=None, copy=True, **others: NoReturn):
        if others:
            raise told.unknown_keyword("Tensor", *others)
        Foreign.refuse(data, "Tensor")
        if tensors_in(data):
            refuse_if_recorded(data, "Tensor(...)", "minigrad.array([...]) or np.stack([...])")
            data = numbers_of(data) if type(data) is Tensor else np.array(data)
        if stands_in(data):
            data = np.copy(data) if dtype is None else data.astype(dtype)
        else:
            data = np.array(data, dtype, copy=True) if copy else np.asarray(data, dtype)
        if data.dtype.kind not in "fciub":
            raise TypeError(f"Tensor holds numbers; it was given {data.dtype} values")
        self._value, self.tape, self.slot = data, None, -1

    def __init_subclass__(cls):
        raise TypeError("Tensor cannot be subclassed: make a class that has Tensors, and params(...) finds them")

    # what NumPy asks, and Python's operators, which are NumPy's functions (``fast`` has shorter ways)
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return Asked.ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function, types, args, kwargs):
        return Asked.function(function, types, args, kwargs)

    def __getitem__(self, index):
        return Asked.item(self, index)

    __array_namespace__ = lambda self, /, *, api_version=None: Asked.namespace(api_version)

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        return Asked.memory(self, stream=stream, max_version=max_version, dl_device=dl_device, copy=copy)

    __dlpack_device__ = lambda self: numbers_of(self).__dlpack_device__()

    __add__, __radd__ = both(np.add)
    __sub__, __rsub__ = both(np.subtract)
    __mul__, __rmul__ = both(np.multiply)
    __truediv__, __rtruediv__ = both(np.divide)
    __pow__, __rpow__ = both(np.power)
    __matmul__, __rmatmul__ = both(np.matmul)
    __floordiv__, __rfloordiv__ = both(np.floor_divide)
    __mod__, __rmod__ = both(np.remainder)
    __divmod__, __rdivmod__ = both(np.divmod)
    __and__, __rand__ = both(np.bitwise_and)
    __or__, __ror__ = both(np.bitwise_or)
    __xor__, __rxor__ = both(np.bitwise_xor)
    __lshift__, __rlshift__ = both(np.left_shift)
    __rshift__, __rrshift__ = both(np.right_shift)
    __lt__, __le__, __gt__, __ge__, __eq__, __ne__ = map(
        comparison, (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)
    )

    __neg__, __pos__, __abs__, __invert__ = map(alone, (np.negative, np.positive, np.absolute, np.invert))

    # turning into plain arrays and numbers
    def __array__(self, dtype=None, copy=None):
        refuse_to_convert(
            self,
            "np.asarray(t), np.array([t, ...]) or storing it in an array (a[i] = t)",
            "NumPy's functions on the Tensor itself, minigrad.array([t, u]) or np.stack([t, u]) to build "
            "arrays of Tensors, and minigrad.Buffer to fill one piece by piece",
        )
        data = self.data.__array__()  # of an array that stands in for one: with a word to its program
        data = data if dtype is None else data.astype(dtype, copy=False)
        return data.copy() if copy else data

    __float__, __int__, __complex__ = map(number, (float, int, complex))

    def __index__(self):
        return operator.index(numbers_of(self)[()])

    def __bool__(self):
        return bool(self._value)

    def item(self, *index):
        return plain_number(self, "t.item()", *index)

    def tolist(self):
        refuse_if_recorded(self, "t.tolist()", "the Tensor itself")
        return numbers_of(self).tolist()

    # what an array can be asked
    shape = property(lambda self: self._value.shape)
    dtype = property(lambda self: self._value.dtype)
    ndim = property(lambda self: self._value.ndim)
    size = property(lambda self: self._value.size)
    nbytes = property(lambda self: numbers_of(self).nbytes)
    itemsize = property(lambda self: self.dtype.itemsize)
    flags = property(lambda self: self.data.flags)

    def __hash__(self):
        """By identity, as a parameter is known; a whole number (``np.argmax(t)``) hashes as that number."""
        whole = not self.shape and self.dtype.kind in "iub"
        return hash(numbers_of(self).item()) if whole else object.__hash__(self)

    def __len__(self):
        if not self.shape:
            raise TypeError("len() of a Tensor without axes")
        return self.shape[0]

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __round__(self, digits=0):
        return np.round(self, digits)

    def __contains__(self, x):
        return bool(np.any(self == x))

    def __repr__(self):
        text = np.array2string(numbers_of(self), separator=", ", prefix="Tensor(")
        return f"Tensor({text})" if self.dtype in (float, complex) else f"Tensor({text}, dtype={self.dtype})"

    def __format__(self, spec):
        return format(numbers_of(self)[()], spec) if spec else repr(self)

    def __reduce__(self):
        refuse_to_convert(self, "copy.copy, copy.deepcopy or pickle", "t.copy(), which is recorded")
        return Tensor, (numbers_of(self),)

    # writing
    def __setitem__(self, index, value):
        what = "t[...] = x"
        array = self.to_fill(what)
        refuse_if_recorded(value, what, "np.where(mask, x, t), minigrad.array([...]) or a minigrad.Buffer")
        array[lower(index, None)] = lower(value, None)

    @property
    def data(self):
        array, alias = numbers_of(self), None if innermost_tape() is None else recorded(self)
        if alias is not None:
            return array.lent() if stands_in(array) else alias.tape.lend(array, alias.slot)
        if isinstance(self._value, np.generic):
            self._value = array  # so that what is written into it is not lost
        return array

    @data.setter
    def data(self, array):
        self.to_overwrite("t.data = x")
        self._value = np.asarray(array)

    def to_overwrite(self, what):
        """Return the live ndarray for a function that overwrites it; refused while recording."""
        if innermost_tape() is not None and active_tape() is not None:
            raise LostGradientError(
                f"{what} ({user_line()}): a Tensor cannot be overwritten while a gradient is taken, because "
                "the tape may still need its numbers. Write t = np.where(mask, x, t), t = "
                "minigrad.array([...]) or fill a minigrad.Buffer; or do it before or after the gradient."
            )
        if type(self._value) is not np.ndarray:
            self._value = numbers_of(self)  # one of NumPy's scalars, as results have them, cannot be overwritten
        return self._value

    def to_fill(self, what):
        """The same, but not refused for a constant whose numbers nobody else, no tape and no view, can hold."""
        array = type(self._value) is np.ndarray or stands_in(self._value)
        own = recorded(self) is None and array and self._value.base is None
        return self._value if own and getrefcount(self._value) == 2 else self.to_overwrite(what)


ATOMS.add(Tensor)


def new_tensor(data, tape=None, slot=-1):
    t = blank(Tensor)
    t._value, t.tape, t.slot = data, tape, slot
    return t


def as_tensor(y):
    """Return an array or a scalar of NumPy as a constant Tensor, anything else as it is."""
    if type(y) is np.ndarray:
        return new_tensor(y)
    if isinstance(y, np.generic) or isinstance(y, np.ndarray) and not Foreign.decides((y,)):
        return new_tensor(ndarray_or_stand_in(y))
    return y


# ------------------------------------------------------------------------------- where it is recorded
def on(tape, t):
    """Return ``t`` as recorded on ``tape`` (for a parameter, its alias there), or None."""
    at = t.tape  # or what stands in the place of a tape, and knows it
    return t if at is tape or at is not None and at.tape is tape else tape.leaves.get(id(t))


def recorded(t):
    """Return ``t`` as recorded on the innermost tape that knows it, or None.

    >>> recorded(Tensor(1.0)) is None
    True
    """
    tape = active_tape()
    while tape is not None:
        alias = on(tape, t)
        if alias is not None:
            return alias
        tape = tape.outer
    return None


def add_leaves(tape, parameters):
    """Give the first slots of a tape to parameters, and let it know an alias of each."""
    leaves, outer = tape.leaves, tape.outer
    tape.entries += [()] * len(parameters)
    for slot, p in enumerate(parameters):
        alias = blank(Tensor)
        alias._value = p._value if p.tape is outer is None else below(p, tape)
        alias.tape = tape
        alias.slot = slot
        leaves[id(p)] = alias


def below(t, tape):
    """Return what ``t`` is one level below ``tape``: a Tensor of a tape further out, or an ndarray."""
    alias = on(tape, t)
    if alias is not None:
        return alias._value
    if t.tape is None and tape.outer is None:
        return t._value
    tape = tape.outer
    while tape is not None:
        alias = on(tape, t)
        if alias is not None:
            return alias
        tape = tape.outer
    refuse_strangers((t,))
    return numbers_of(t)


def tensors_in(x):
    """Return the Tensors in ``x``, which may be a container."""
    return [leaf for leaf in leaves(x) if type(leaf) is Tensor]


def lower(x, tape):
    """Return ``x`` with every Tensor in it replaced by what it is below ``tape``."""
    return at_leaves(partial(lowered, tape), x)


def lowered(tape, x):
    kind = type(x)
    if kind is Tensor:
        return numbers_of(x) if tape is None else below(x, tape)
    return x if kind in SCALARS or kind is np.ndarray and not x.dtype.hasobject else Foreign.plain(x, tape)


def tape_of(tensors):
    """Return the innermost active tape on which one of the Tensors is recorded, or None; refuse strangers."""
    tape = active_tape()
    while tape is not None:
        for t in tensors:
            if t.tape is tape or id(t) in tape.leaves or on(tape, t) is not None:
                return tape
        tape = tape.outer
    refuse_strangers(tensors)
    return None


def refuse_strangers(tensors):
    """Raise if a Tensor belongs to a gradient of another thread or, while one is being taken, to one that is over."""
    for t in tensors:
        if t.tape is None:
            continue
        if t.tape.thread is None:
            if active_tape() is not None:
                raise LostGradientError(of_a_finished_gradient(t))
        elif t.tape.thread != get_ident():
            raise LostGradientError(
                "a Tensor that another thread is recording was used here, and a tape belongs to its thread: "
                "the gradient would be lost without a sign. Take a gradient inside each thread, and add up "
                "the results outside."
            )


def refuse_if_recorded(x, what, instead):
    """Raise if ``x`` holds a Tensor that is recorded: it is about to become plain numbers."""
    tensors = tensors_in(x)
    refuse_strangers(tensors)
    if any(recorded(t) is not None for t in tensors):
        raise LostGradientError(
            f"{what} ({user_line()}) would turn a Tensor into plain numbers while its gradient is being "
            f"recorded, and the gradient would be lost without a sign. Use {instead}; t.data gives the plain "
            "numbers if that is what you want, minigrad.ignore(f) runs a function outside of the gradient."
        )


def refuse_to_convert(t, what, instead):
    """The same for what can only guess who wants plain numbers."""
    if recorded(t) is not None:
        refuse_if_recorded(t, *explained(what, instead))
    refuse_strangers((t,))


def plain_number(t, what, *index):
    what = f"{what} (or a function of math, or a[i] = t, which call it)"
    refuse_to_convert(t, what, "t itself, np.exp(t) for math.exp(t), minigrad.Buffer or array to fill an array")
    return numbers_of(t).item(*index)
