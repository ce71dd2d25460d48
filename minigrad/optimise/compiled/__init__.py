"""Formulas as machine code: all that knows of numba, addresses, caches and threads; in the order of reading:

    loops       formulas -> the text of one loop
    walk        the compiled walk over many parameters
    cache       compiled code on disk
    kernels     text -> machine code; the only importer of numba
    threads     several threads for a large parameter
    tasks       kernels at work on all parameters of a plan
    warmup      kernels compiled before they are needed
"""
