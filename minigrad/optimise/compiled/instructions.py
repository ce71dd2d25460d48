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
    return {**kinds, **pointers, **memory_apart(numba, ir, vectors), **sums_in_any_order(numba)}


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
    """Calls of other compiled code: a step's pieces, kernels, an inner loop of NumPy's, a generator's own function."""
    number, int64 = numba.int64, ir.IntType(64)

    def calling(result, llvm, many):
        """A function of an address and so many integers, which calls what stands there."""

        def code(context, builder, signature, args):
            kind = ir.FunctionType(llvm, [int64] * many)
            returned = builder.call(builder.inttoptr(args[0], kind.as_pointer()), args[1:])
            return context.get_dummy_value() if result is numba.void else returned

        typed = result(*[number] * (many + 1)), code
        given = ", ".join([f"a{k}" for k in range(many + 1)])
        return numba.extending.intrinsic(eval(f"lambda typing, {given}: typed", {"typed": typed}))

    return {
        "run_piece": calling(number, int64, 2),
        "call": calling(number, int64, 5),
        "inner_loop": calling(numba.void, ir.VoidType(), 4),
        "next_double": calling(numba.float64, ir.DoubleType(), 1),
    }


def calls_of_python(numba):
    """CPython's own functions: to call what can be called, to let go of objects; items of a dict, numbers, threads."""
    number, real, of = numba.int64, numba.float64, numba.types.ExternalFunction
    return {
        "ask": of("PyObject_CallObject", number(number, number)),
        "release": of("Py_DecRef", numba.void(number)),
        "item_of": of("PyDict_GetItem", number(number, number)),
        "set_item": of("PyDict_SetItem", numba.int32(number, number, number)),
        "length_of": of("PyObject_Size", number(number)),
        "real_of": of("PyFloat_AsDouble", real(number)),
        "new_float": of("PyFloat_FromDouble", number(real)),
        "unlock": of("PyEval_SaveThread", number()),
        "lock": of("PyEval_RestoreThread", numba.void(number)),
    }


def pointer_to(kind, numba):
    """A function from an address to a pointer to elements of a kind."""
    of = numba.types.CPointer(kind)

    @numba.extending.intrinsic
    def to(typing, address):
        return of(address), lambda context, builder, _, args: builder.inttoptr(args[0], context.get_value_type(of))

    return to
