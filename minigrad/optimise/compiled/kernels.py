"""From the text of a loop to machine code; the only importer of numba.

A kernel is the address of compiled code.  It is looked for, in this order, among those of this
process, on disk (cache.py: loaded without importing numba), and then it is compiled by numba and put
on disk.  Compiling takes about a second once per process and a quarter of one per kernel, loading
about 0.1 s once; so whoever asks says how much work has been done without the kernel, and gets
None until the cost of having it is worth paying.  Formulas on whole arrays give the same numbers
meanwhile: bit for bit, norms included (lanes.py).  The exceptions: numbers of the state below the smallest
normal one are 0 in kernels (loops.py), and NumPy has its own roundings of ``exp`` and its like and of products
of two complex elements.
"""

import ctypes
import functools
import math
import os
import threading
import types
import warnings
from pathlib import Path

import numpy as np

from ...interrupts import from_a_signal
from .. import functions, lanes
from . import cache, entry, instructions, loops
from . import walk as walking

# Work is counted in elements updated; a step's overhead counts as 10,000 of them (about 30 us).
LOADING, COMPILING = 3_000_000, 20_000_000

FILES = __file__, *[module.__file__ for module in (walking, entry, instructions, lanes)]  # of which all code is made
WALK, ENTRY = "walk", "enter"  # ask for what stands in walk.py and entry.py instead of a kernel
PIECES = "pieces"  # the purpose of the text of a step's own pieces
_kept = []  # compiled functions that own their code
_addresses, _missing, _failed = {}, set(), set()
_lock = threading.RLock()


def find(text, dtype, purpose=loops.UPDATE, work=float("inf")):
    """Return the address of a kernel, or None: not worth it yet, or not to be had."""
    key = text, np.dtype(dtype).char, purpose
    address = _addresses.get(key)
    worth = COMPILING if key in _missing else LOADING
    if address is None and work >= worth and key not in _failed and available():
        with _lock:
            address = _addresses.get(key) or load_or_compile(key, work)
    return address


def available():
    """Whether compiled code is to be used at all: numba is installed and nobody forbade it."""
    return (
        not os.environ.get("MINIGRAD_NOJIT", "0").strip("0")
        and not os.environ.get("NUMBA_DISABLE_JIT", "0").strip("0")
        and cache.numba_version()
        and walking.layout_is_known()
    )


def walker(plan, work=float("inf")):
    """Return ``walk`` with its plan, as a built-in function of three tuples; None if it is not to be had.

    It returns the first of the three if all went well, else the last.
    """
    address = find(WALK, "d", work=work)
    return builtin(address, plan) if address else None


def builtin(address, plan):
    """Return compiled code as a built-in function, whose ``self`` is an array of integers."""
    # One for good: where two threads make one each, the one that is lost would be freed under its functions.
    method = _methods.get(address) or _methods.setdefault(address, Method(b"minigrad", address, FASTCALL, None))
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.argtypes, new.restype = (ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p), ctypes.py_object
    return new(ctypes.byref(method), plan, None)


class Method(ctypes.Structure):
    """CPython's ``PyMethodDef``, which describes a built-in function."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]


FASTCALL = 0x80  # METH_FASTCALL: called with an array of arguments
_methods = {}  # they must outlive the functions


def compiled():
    """How many kernels this process has; a test's question."""
    return len(_addresses)


def load_or_compile(key, work):
    try:
        file = cache.name(*key, *own_texts())
        address = None if key in _missing else cache.load(file)
        _missing.add(key)
        if address is None and work >= COMPILING:
            address = compiled_and_stored(file, *key)
    except Exception as error:  # a formula that numba cannot compile still runs on arrays
        if from_a_signal(error):
            raise
        _failed.add(key)
        what = "a step" if key[2] == PIECES or key[0] is ENTRY else "a rule"
        warnings.warn(f"minigrad runs {what} without a compiled kernel, which is slower: {in_short(error)}")
        return None
    if address is not None:
        _addresses[key] = address
    return address


def compiled_and_stored(file, text, char, purpose):
    """Compile a kernel, put it on disk if it can live there, and return its address."""
    made = compile_kernel(text, np.dtype(char), purpose)
    content = cache.content_of(made)
    address = content and cache.address_of(content)
    if address:
        cache.store(file, content)
        return address
    _kept.append(made)
    return made.address


@functools.lru_cache(maxsize=None)
def own_texts():
    """The texts of what goes into all machine code."""
    return [Path(file).read_text("utf-8") for file in FILES]


def in_short(error):
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else ''}"


# The compiler.


def compile_kernel(text, dtype, purpose):
    import llvmlite.ir as ir
    import numba

    space = what_kernels_call(dtype)
    vectors = purpose is PIECES and llvm_is_new()
    of_steps = instructions.of_steps(numba, ir, vectors) if purpose is PIECES or text is ENTRY else {}
    if text in (WALK, ENTRY):
        module, name = (walking, "method") if text is WALK else (entry, "enter")
        space = {**vars(walking), **vars(module), **space, **of_steps}
        for helper in module.COMPILED:
            function = types.FunctionType(getattr(module, helper).__code__, space)
            space[helper] = numba.njit(function, no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy")
        function = types.FunctionType(getattr(module, name).__code__, space)
    else:
        space = {**vars(walking), **space, **of_steps}
        exec(text, space)
        function = space["kernel"]
    signature = numba.int64(*[numba.int64] * function.__code__.co_argcount)
    before, numba.config.SLP_VECTORIZE = numba.config.SLP_VECTORIZE, int(vectors)
    try:
        return numba.cfunc(signature, error_model="numpy")(function)
    finally:
        numba.config.SLP_VECTORIZE = before


def llvm_is_new():
    """Whether straight lines of code may be made vectors: older compilers made mistakes."""
    import llvmlite.binding as llvm

    return llvm.llvm_version_info >= (20,)


def what_kernels_call(dtype):
    """What the text of a kernel calls."""
    import llvmlite.ir as ir
    import numba

    calls = {**instructions.calls_of_python(numba), **instructions.calls_by_address(numba, ir)}
    return {**access_to_memory(dtype), **lanes_on_the_stack(), **calls, **functions_of_formulas(dtype)}


def access_to_memory(dtype):
    """Access to memory: single instructions; pointers to elements, to real ones, to numbers."""
    import llvmlite.ir as ir
    import numba
    from numba.extending import intrinsic

    number, int32, int64 = numba.int64, ir.IntType(32), ir.IntType(64)

    def at(builder, address, kind=int64):
        return builder.inttoptr(address, kind.as_pointer())

    @intrinsic
    def peek(typing, address):
        return number(number), lambda context, builder, signature, args: builder.load(at(builder, args[0]))

    @intrinsic
    def cell(typing, address, k):
        place = lambda builder, address, k: at(builder, builder.add(address, builder.mul(k, int64(8))))
        return number(number, number), lambda context, builder, signature, args: builder.load(place(builder, *args))

    @intrinsic
    def peek32(typing, address):
        load = lambda builder, address: builder.load(at(builder, address, int32))
        return number(number), lambda context, builder, signature, args: builder.sext(load(builder, args[0]), int64)

    @intrinsic
    def poke(typing, address, value):
        def code(context, builder, signature, args):
            builder.store(args[1], at(builder, args[0]))
            return context.get_dummy_value()

        return numba.void(number, number), code

    elements, reals = numba.from_dtype(dtype), numba.from_dtype(dtype.type(0).real.dtype)
    kinds = {"elements": elements, "reals": reals, "numbers": numba.float64}
    pointers = {name: instructions.pointer_to(kind, numba) for name, kind in kinds.items()}
    return {"peek": peek, "cell": cell, "peek32": peek32, "poke": poke, **pointers}


def lanes_on_the_stack():
    """Memory of a kernel's own, on its stack, for the running sums of lanes.py; and how these are laid out."""
    import llvmlite.ir as ir
    import numba
    from numba.extending import intrinsic

    @intrinsic
    def new_lanes(typing):
        def code(context, builder, signature, args):
            with builder.goto_entry_block():
                at = builder.alloca(ir.DoubleType(), lanes.LANES)
            return at

        return numba.types.CPointer(numba.float64)(), code

    return {"new_lanes": new_lanes, "LANES": lanes.LANES, "BLOCK": lanes.BLOCK}


def functions_of_formulas(dtype):
    """The functions of formulas on a single element, and the cast of numbers to its real type."""
    import numba
    from numba.extending import intrinsic

    def instruction(name):
        @intrinsic
        def of(typing, x):
            def code(context, builder, signature, args):
                return builder.call(builder.module.declare_intrinsic(name, [args[0].type]), args)

            of_whole = isinstance(x, (numba.types.Integer, numba.types.Boolean))  # as written in formulas: sqrt(2)
            return (numba.float64(numba.float64) if of_whole else x(x)), code

        return of

    def inline(function):
        return numba.njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)

    zero, one = dtype.type(0).real, dtype.type(1).real
    smallest = np.finfo(dtype).tiny
    square = inline(lambda x: numba.float64(x) * numba.float64(x))
    is_complex, floor = dtype.kind == "c", instruction("llvm.floor")
    by_parts = by_both_parts(inline) if is_complex else inline
    return {
        "np": np,
        "float64": np.float64,
        "over": division_of(dtype.type(0).real.dtype.type),
        "real": dtype.type(0).real.dtype.type,
        "sqrt": instruction("llvm.sqrt"),
        "square": inline(lambda z: square(z.real) + square(z.imag)) if is_complex else square,
        "abs2": inline((lambda z: z.real * z.real + z.imag * z.imag) if is_complex else (lambda z: z * z)),
        "absolute": inline(lambda z: abs(z)),
        "cbrt": inline(cube_root()),
        "maximum": inline(lambda a, b: a if a >= b or a != a else b),
        "minimum": inline(lambda a, b: a if a <= b or a != a else b),
        "where": inline(lambda condition, a, b: a if condition else b),
        "ZERO": zero,
        "SMALLEST": smallest,
        # A number beside which the root of a million of the smallest ones, gathered in a moment, is lost.
        "ENOUGH": 4096 * math.sqrt(smallest) / float(np.finfo(dtype).eps),
        "flushed": by_parts(lambda z, least: zero if abs(z) < least else z),
        "mod": inline(lambda a, b: a - floor(a / b) * b),
        "sign": by_parts(lambda z: one if z > 0 else (-one if z < 0 else z - z)),
        "clip": by_parts(lambda z, low, high: low if z < low else (high if z > high else z)),
    }


def cube_root():
    """``functions.cbrt`` of one number."""
    import llvmlite.ir as ir
    import numba
    from numba.extending import intrinsic

    def same_bits(kind, llvm):
        @intrinsic
        def of(typing, x):
            return kind(x), lambda context, builder, signature, args: builder.bitcast(args[0], llvm)

        return of

    whole, broken = same_bits(numba.int64, ir.IntType(64)), same_bits(numba.float64, ir.DoubleType())
    third = functions.THIRD

    def cbrt(x):
        subnormal = numba.float64(x) < 2.0**-1022
        wide = numba.float64(x) * 2.0**54 if subnormal else numba.float64(x)
        y = broken(whole(wide) // 3 + third)
        for _ in range(3):
            ratio = wide / (y * y) / y
            y = y * ((1 + 2 * ratio) / (2 + ratio))
        y = y * 2.0**-18 if subnormal else y
        return type(x)(y) if 0 < x < np.inf else x

    return cbrt


def division_of(real):
    """Division with complex numbers in it, of either or both, in the steps in which NumPy rounds it."""
    from numba.core.types import Complex
    from numba.extending import overload

    def over(a, b):
        return a / b

    def smith(a, b):
        if abs(b.real) >= abs(b.imag):
            if b.real == 0:
                return complex(a.real / abs(b.real), a.imag / abs(b.real))
            ratio = b.imag / b.real
            scale = real(1) / (b.real + b.imag * ratio)
            return complex((a.real + a.imag * ratio) * scale, (a.imag - a.real * ratio) * scale)
        ratio = b.real / b.imag
        scale = real(1) / (b.imag + b.real * ratio)
        return complex((a.real * ratio + a.imag) * scale, (a.imag * ratio - a.real) * scale)

    @overload(over, jit_options={"error_model": "numpy"})
    def choose(a, b):
        return smith if isinstance(a, Complex) or isinstance(b, Complex) else over

    return over


def by_both_parts(inline):
    """Let a function of a real number treat a complex one as two; parts of complex formulas are real."""
    from numba.core.types import Complex
    from numba.extending import overload

    def wrap(function):
        part = inline(function)

        def parts(z, *rest):
            return function(z, *rest)

        @overload(parts)
        def choose(z, *rest):
            if isinstance(z, Complex):
                return lambda z, *rest: complex(part(z.real, *rest), part(z.imag, *rest))
            return lambda z, *rest: part(z, *rest)

        return parts

    return wrap
