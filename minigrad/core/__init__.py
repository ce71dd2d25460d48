"""THE AFTERNOON: reverse-mode differentiation of NumPy, from the first file to the last.

    errors      exceptions of our own; the line of the user's code
    storage     what a parameter is to those who only need its numbers
    trees       nested arguments taken apart and put together
    tape        the record of a computation, and the walk back over it
    table       how a derivative is written down; the dicts that the rows fill from outside
    tensor      the array that records itself, and where it is recorded
    recording   NumPy's calls -> entries of the tape
    params      Params and Grads; where the Tensors of a model are
    gradient    gradient, withgradient, pullback

It imports NumPy and itself, and knows no derivative: ``minigrad.derivatives`` fills its table.  What else it does
not know, other floors put into four small classes, which do the simplest thing until then: ``Told`` in errors (how
users are told), ``Forms`` in table, ``Asked`` and ``Foreign`` in tensor.  At a first reading, pass over them.
"""
