"""Formulas as machine code: all that knows of numba, addresses, caches and threads; in the order of reading:

    loops       formulas -> the text of one loop
    walk        the compiled walk over many parameters
    cache       compiled code on disk
    kernels     text -> machine code; the only importer of numba
    threads     several threads for a large parameter
    tasks       kernels at work on all parameters of a plan
    warmup      kernels compiled before they are needed

and a whole step, from the program of its loss and gradients:

    instructions  what the compiled step calls
    ufuncs      NumPy's own inner loops, called by their addresses
    lines       what is to be computed, over which memory
    grouping    which lines share a loop; where everything lies
    pieces      the text of each loop
    layout      the tables of integers that the compiled step reads
    calls       what stays with Python, between the pieces
    rows        NumPy's loops, random numbers and calls of Python in these tables
    fused       the optimiser's kernels behind the gradients
    entry       the compiled step as Python calls it
    lowering    all of it: a program as one compiled function
"""
