"""``autograd.extend``: derivatives of one's own."""

from .primitives import defjvp, defvjp, defvjp_argnum, primitive

__all__ = ["defjvp", "defvjp", "defvjp_argnum", "primitive"]
