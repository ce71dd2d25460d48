"""``autograd.test_util``: derivatives against finite differences."""

import numpy as np

from ...calculus.gradcheck import gradcheck
from ...core.trees import leaves
from .operators import grad, unary_to_nary


@unary_to_nary
def check_grads(f, x, modes=("fwd", "rev"), order=2):
    """Raise AssertionError unless the derivatives of ``f`` up to an order agree with finite differences.

    The modes make no difference: forward derivatives are made of the others.

    >>> check_grads(np.sin)(0.5)
    """
    assert {"fwd", "rev"}.issuperset(modes), f"check_grads: the modes are 'fwd' and 'rev'; got {modes!r}"
    for _ in range(order):
        along = [np.random.default_rng(0).standard_normal(np.shape(leaf)) for leaf in leaves(f(x))]
        value = lambda x, f=f, vs=along: sum(np.sum(np.real(leaf) * v) for leaf, v in zip(leaves(f(x)), vs))
        gradcheck(value, x)
        f = grad(value)
