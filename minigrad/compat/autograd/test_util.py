"""``autograd.test_util``: derivatives against finite differences."""

import numpy as np

from ...calculus.gradcheck import gradcheck
from ...core.trees import leaves
from .operators import make_vjp, of_any_argument


@of_any_argument
def check_grads(f, x, modes=("fwd", "rev"), order=2):
    """Raise AssertionError unless the derivatives of ``f`` up to an order agree with finite differences.

    The modes make no difference: forward derivatives are made of the others.

    >>> check_grads(np.sin)(0.5)
    """

    def along(f):
        """Return <f, v> for a direction v, always the same."""
        rng = np.random.default_rng(0)
        directions = [rng.standard_normal(np.shape(leaf)) for leaf in leaves(f(x))]
        return lambda x: sum(np.sum(np.real(leaf) * v) for leaf, v in zip(leaves(f(x)), directions))

    def slope(f):
        return lambda x: make_vjp(f)(x)[0](1.0)

    for _ in range(order):
        f = along(f)
        gradcheck(f, x)
        f = slope(f)
