"""What is left out of other libraries' interfaces, and why: whoever asks for it is told what to write."""

import sys

from .. import habits
from ..hints import chapter

INSIDE = "it is of autograd's inside; "
AUTOGRAD = {
    **habits.each("vspace VSpace", "a gradient has its argument's structure: np.zeros_like(x), or misc.flatten(x)"),
    **habits.each(
        "Box SequenceBox DictBox isbox new_box",
        INSIDE + "here a minigrad.Tensor (numpy.numpy_boxes.ArrayBox) is recorded; containers are Python's own",
    ),
    **habits.each("JVPNode VJPNode Node SparseObject core util", INSIDE + "primitive and defvjp are in extend"),
    **habits.each(
        "numpy_vjps numpy_jvps numpy_vspaces numpy_wrapper",
        INSIDE + "minigrad.supported() lists what has a derivative",
    ),
    **habits.each("def_linear register_notrace", "primitive and defvjp give a derivative, notrace_primitive none"),
    "defvjp_argnums": "defvjp_argnum(f, maker) takes one argument at a time: maker(argnum, y, args, kwargs)",
    **habits.each("defjvp_argnum defjvp_argnums", "defvjp is enough: forward derivatives are made of backward ones"),
    "make_jvp_reversemode": "make_jvp(f)(x)(v)[1] is the same",
    **habits.each("const_graph full_graph tracers", "minigrad.trace makes a program of a function, to be run again"),
    **habits.each(
        "combo_check check_vjp check_jvp check_equivalent make_numerical_jvp scalar_close",
        "check_grads(f, order=2)(x) compares both kinds of derivatives with differences; for many arguments call it in "
        "a loop over itertools.product(...)",
    ),
    "unflatten_optimizer": "sgd, rmsprop and adam take containers; of your own call misc.flatten(x) first",
    "make_diagonal": "np.eye(n) * d[..., None]",
}


def answer(package, table, modules):
    """Let a package and its modules answer for the names in a table."""
    for module in (sys.modules[package], *modules):
        habits.MODULES[module.__name__.partition(".")[2]] = table
        vars(module).setdefault("__all__", [name for name in vars(module) if name[0] != "_"])
        if "__getattr__" not in vars(module):
            chapter(module.__name__)
