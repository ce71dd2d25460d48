"""The optimiser behind the gradients: its existing kernels, as rows of the compiled step.

An optimiser of formulas alone has a ``Plan``, which holds the state of every parameter; here its kernels are called by
the step itself, for each parameter on the step's own gradient.  What formulas ask for, a norm, is summed by kernels,
too, and settled by a short call of Python in between.  Any other optimiser is asked by ``update_`` afterwards.
"""

import functools

from ..arrays import bare, tangled
from ..route import route_of
from ..standing import hyperparameters, of_optimiser, replaced
from . import entry, tasks, threads
from .layout import Address
from .walk import COMMIT, LOOP


def fused(opt, params, dxs):
    """Return the Fused of an optimiser for these parameters and the buffers of their gradients; None if it has none."""
    route = route_of(opt)
    if not params or not route.fused or route.turns or not route.alike(opt):
        return None
    xs, stages = tuple(map(bare, params)), route.parts[0].stages_of(opt)
    if tangled(xs, dxs) or len({a.dtype for a in (*xs, *dxs)}) > 1 or xs[0].dtype.char not in "fd":
        return None
    try:
        plan = route.parts[0].find(stages, params, xs)
    except (TypeError, ValueError):  # update_ will say why
        return None
    kernels = tasks.kernels_of(plan, float("inf"))
    if kernels is None or plan.noise or not all(map(lie_alike, xs, dxs, plan.states)):
        return None
    made = Fused(opt, route, plan, stages, params, dxs, tasks.Tasks(plan, *kernels))
    return None if None in made.watched else made


def lie_alike(x, dx, states):
    """Whether a kernel may go through a parameter, its gradient and its state as through rows of numbers."""
    shaped = [x, dx, *(a for state in states for a in state if a.shape == x.shape and a.dtype == x.dtype)]
    in_order = all(a.flags.c_contiguous for a in shaped) or all(a.flags.f_contiguous for a in shaped)
    return in_order and x.flags.writeable and all(a.flags.aligned for a in shaped)


class Fused:
    """A plan as rows of a compiled step.

    Attributes
    ----------
    watched : list of Standing, without which the rows may not run
    read, ask : where the hyperparameters are, see standing.py; None, and what reads them, if Python has to ask
    replaced : where those are that formulas replace
    """

    def __init__(self, opt, route, plan, stages, params, dxs, work):
        self.plan, self.stages, self.params, self.dxs, self.work = plan, stages, params, dxs, work
        self.large, self.watched = work.size >= threads.WORTH, of_optimiser(opt, route, plan, stages)
        self.read, self.replaced = hyperparameters(plan, stages), replaced(plan, stages)
        self.ask = None if self.read is not None else functools.partial(plan.read_hyper, stages)

    def shared(self):
        """Whether helping threads are wanted, of which the rows know nothing."""
        return self.large and self.work.shared()

    def add_rows(self, layout, parameters, gradients):
        """Add the kernels' rows, given the buffers of the parameters and of their gradients."""
        work, pairs = self.work, list(zip(parameters, gradients))
        for passing, kernel in zip(self.plan.passes, work.kernels):
            self.add_kernel(layout, kernel, LOOP, pairs)
            settle = functools.partial(settle_pass, self.plan, passing, self.stages, self.params, self.dxs)
            layout.row(entry.PYTHON, layout.keep(settle))
        self.add_kernel(layout, work.updating, LOOP | COMMIT, pairs)

    def add_kernel(self, layout, kernel, mode, pairs):
        work = self.work
        layout.kept.append(work)
        table = layout.table(work.table(kernel, mode))
        for row, (x, dx) in enumerate(pairs):
            layout.row(entry.KERNEL, kernel, Address(x), Address(dx), work.states(row), x.size, table)


def settle_pass(plan, passing, stages, params, dxs):
    """Let a stage have the numbers it asks for; None, or what ends the step: it leaves a parameter alone."""
    return plan.settle(passing, stages, params, params, dxs) or None
