"""What the compiled step and its pieces call, as instructions: kernels.py, which imports numba, hands it over.

Pointers to elements; sums that may be reordered; other compiled code by its address; CPython's own functions.
"""

import numpy as np

MEMORIES = 16  # that are told apart; of more, some share a number, and the compiler asks


def of_steps(numba, ir, vectors):
    """What a compiled step and its pieces call; ``vectors``: whether straight lines of code may be made vectors."""
    kinds = {"f4": np.float32, "f8": np.float64, "i8": np.int64, "b1": np.bool_, "u1": np.uint8}
    elements = {name: numba.from_dtype(np.dtype(kind if name != "b1" else np.uint8)) for name, kind in kinds.items()}
    pointers = {f"{name}s": pointer_to(kind, numba) for name, kind in elements.items()}
    pointers |= {f"{name}_at": pointer_at(kind, numba, ir) for name, kind in elements.items()}
    calls = {**calls_by_address(numba, ir), **calls_of_python(numba, ir)}
    return {**kinds, **pointers, **memory_apart(numba, ir, vectors), **sums_in_any_order(numba), **calls}


def sums_in_any_order(numba):
    """Additions that the compiler may reorder, so that they go many at once; of a product, in one instruction."""
    flags = ("reassoc", "nsz", "contract")

    @numba.extending.intrinsic
    def added(typing, a, b):
        if isinstance(a, numba.types.Integer):
            return a(a, a), lambda context, builder, signature, args: builder.add(*args)
        return a(a, a), lambda context, builder, signature, args: builder.fadd(*args, flags=flags)

    @numba.extending.intrinsic
    def muladd(typing, total, a, b):
        def code(context, builder, signature, args):
            return builder.fadd(args[0], builder.fmul(args[1], args[2], flags=("contract",)), flags=flags)

        return total(total, total, total), code

    return {"added": added, "muladd": muladd}


def memory_apart(numba, ir, vectors):
    """Loads and stores that say which memory they mean, by a number: memories of other numbers lie apart.

    Else the compiler would have to ask, before every loop, whether what is written overlaps what is read.  ``row``
    is no instruction, but bids it take the elements of a row many at once, and not many short rows.
    """

    def told(instruction, scope):
        module = instruction.function.module
        domain = module.add_metadata([ir.MetaDataString(module, "minigrad")])
        scopes = [module.add_metadata([ir.MetaDataString(module, f"memory {k}"), domain]) for k in range(MEMORIES)]
        instruction.set_metadata("alias.scope", module.add_metadata([scopes[scope]]))
        others = [s for k, s in enumerate(scopes) if k != scope]
        instruction.set_metadata("noalias", module.add_metadata(others))
        return instruction

    @numba.extending.intrinsic(prefer_literal=True)
    def load(typing, pointer, index, memory):
        scope = memory.literal_value % MEMORIES

        def code(context, builder, signature, args):
            return told(builder.load(builder.gep(args[0], [args[1]])), scope)

        return pointer.dtype(pointer, numba.int64, memory), code

    @numba.extending.intrinsic(prefer_literal=True)
    def store(typing, pointer, index, value, memory):
        scope = memory.literal_value % MEMORIES

        def code(context, builder, signature, args):
            told(builder.store(args[2], builder.gep(args[0], [args[1]])), scope)
            return context.get_dummy_value()

        return numba.void(pointer, numba.int64, pointer.dtype, memory), code

    @numba.extending.intrinsic
    def row(typing):
        def code(context, builder, signature, args):
            if vectors:
                builder.fence("acq_rel", "singlethread")
            return context.get_dummy_value()

        return numba.void(), code

    return {"load": load, "store": store, "row": row}


def calls_by_address(numba, ir):
    """Calls of other compiled code: a step's pieces, an inner loop of NumPy's, a generator's own function."""
    number, int64 = numba.int64, ir.IntType(64)

    def calling(result, many):
        """The code of a call, by its address, of a function of so many integers."""

        def code(context, builder, signature, args):
            kind = ir.FunctionType(result, [int64] * many)
            returned = builder.call(builder.inttoptr(args[0], kind.as_pointer()), args[1:])
            return context.get_dummy_value() if isinstance(result, ir.VoidType) else returned

        return code

    @numba.extending.intrinsic
    def run_piece(typing, code, piece, block):
        return number(number, number, number), calling(int64, 2)

    @numba.extending.intrinsic
    def inner_loop(typing, function, arguments, dimensions, strides, data):
        return numba.void(*[number] * 5), calling(ir.VoidType(), 4)

    @numba.extending.intrinsic
    def next_double(typing, function, state):
        return numba.float64(number, number), calling(ir.DoubleType(), 1)

    return {"run_piece": run_piece, "inner_loop": inner_loop, "next_double": next_double}


def calls_of_python(numba, ir):
    """CPython's own functions: to call what can be called, to let go of an object, to make a float."""
    number, int64 = numba.int64, ir.IntType(64)

    @numba.extending.intrinsic
    def ask(typing, function):
        def code(context, builder, signature, args):
            kind = ir.FunctionType(int64, [int64, int64])
            return builder.call(in_process(builder, ir, "PyObject_CallObject", kind), [args[0], int64(0)])

        return number(number), code

    @numba.extending.intrinsic
    def release(typing, result):
        def code(context, builder, signature, args):
            builder.call(in_process(builder, ir, "Py_DecRef", ir.FunctionType(ir.VoidType(), [int64])), args)
            return context.get_dummy_value()

        return numba.void(number), code

    @numba.extending.intrinsic
    def new_float(typing, x):
        def code(context, builder, signature, args):
            kind = ir.FunctionType(int64, [ir.DoubleType()])
            return builder.call(in_process(builder, ir, "PyFloat_FromDouble", kind), args)

        return number(numba.float64), code

    return {"ask": ask, "release": release, "new_float": new_float}


def pointer_to(kind, numba):
    """A function from an address to a pointer to elements of a kind."""
    of = numba.types.CPointer(kind)

    @numba.extending.intrinsic
    def to(typing, address):
        return of(address), lambda context, builder, _, args: builder.inttoptr(args[0], context.get_value_type(of))

    return to


def pointer_at(kind, numba, ir):
    """A function from a block of addresses and a place in it to a pointer to elements of a kind."""
    of = numba.types.CPointer(kind)

    @numba.extending.intrinsic
    def at(typing, block, k):
        def code(context, builder, signature, args):
            addresses = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
            return builder.inttoptr(builder.load(builder.gep(addresses, [args[1]])), context.get_value_type(of))

        return of(numba.int64, numba.int64), code

    return at


def in_process(builder, ir, name, kind):
    """A function of this process, by its name."""
    return builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
