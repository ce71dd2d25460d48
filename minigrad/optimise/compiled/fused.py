"""The optimiser behind the gradients: its existing kernels, as rows of the compiled step.

An optimiser of formulas alone has a ``Plan``, which holds the state of every parameter; here its kernels are called by
the step itself, for each parameter on the step's own gradient.  What formulas ask for, a norm, is summed by kernels,
too, and settled by a short call of Python in between.  Any other optimiser is asked by ``update_`` afterwards.
"""

import functools

from ..arrays import bare, tangled
from ..route import route_of
from ..whole import undisturbed
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
    return Fused(opt, route, plan, stages, params, dxs, tasks.Tasks(plan, *kernels))


def lie_alike(x, dx, states):
    """Whether a kernel may go through a parameter, its gradient and its state as through rows of numbers."""
    shaped = [x, dx, *(a for state in states for a in state if a.shape == x.shape and a.dtype == x.dtype)]
    in_order = all(a.flags.c_contiguous for a in shaped) or all(a.flags.f_contiguous for a in shaped)
    return in_order and x.flags.writeable and all(a.flags.aligned for a in shaped)


class Fused:
    """A plan as rows of a compiled step."""

    def __init__(self, opt, route, plan, stages, params, dxs, work):
        self.opt, self.route, self.plan, self.stages = opt, route, plan, stages
        self.params, self.dxs, self.work = params, dxs, work
        self.read_hyper, self.replacing = self.reader(), [(stages[k], *rest) for k, *rest in plan.replacing]
        self.large = work.size >= threads.WORTH

    def valid(self):
        """Whether the rows may still run: nothing was composed anew or frozen, the state is where it was."""
        whole = route_of(self.opt) is self.route and self.route.alike(self.opt)
        return whole and self.plan.valid(self.stages)

    def step(self, compiled, args):
        """Call a compiled step with the hyperparameters of now, and give back those that formulas have replaced."""
        self.read_hyper()
        if not self.replacing:
            return compiled(*args)
        if len(self.replacing) > 1:
            return undisturbed(lambda: (compiled(*args), self.plan.give_back(self.stages))[0])
        ((stage, names, values),) = self.replacing
        give_back, pairs = vars(stage).update, zip(names, values)
        try:
            return compiled(*args)
        finally:
            give_back(pairs)  # one call, not of Python: Ctrl-C comes before the step or after this

    def shared(self):
        """Whether helping threads are wanted, of which the rows know nothing."""
        return self.large and self.work.shared()

    def reader(self):
        """Return a function that reads the hyperparameters of all stages as they are now, written out for these."""
        names = {f"hyper{k}": stage.hyper for k, stage in enumerate(self.stages)}
        values = ", ".join([f"*{name}()" for name in names])
        names.update(pack=self.plan.pack, numbers=self.plan.hyper)
        return eval(f"lambda: pack(numbers, 0, {values})", names)

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
