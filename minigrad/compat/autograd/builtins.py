"""``autograd.builtins``: Python's own, which hold Tensors as they are."""

dict, isinstance, list, tuple, type = dict, isinstance, list, tuple, type  # noqa: A001
