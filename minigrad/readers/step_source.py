"""A whole training step as NumPy code: the loss, its gradient, and the optimiser's formulas under it.

The formulas are those of the optimiser's own table, unchanged.  They go over the parameters rule by rule; what a rule
keeps for a parameter stands in ``state``, and ``first_state`` makes it.  A rule may leave a parameter alone this time:
``go_W`` says whether it goes on.
"""

import numpy as np

from .operations import TraceError, laid_like
from .wording import dtype_code, number_code


class Step:
    """Writes ``first_state`` and ``training_step`` for the parameters of a program.

    stages : list of the rules of an optimiser, as ``opt.stages()`` gives it
    lines : Lines of the program, whose names and functions these are, too
    """

    def __init__(self, stages, lines):
        self.lines, self.stages = lines, list(zip(self.keys(stages), stages))
        program = lines.program
        self.moved = [op for op, g in zip(program.inputs, program.gradients) if g is not None]
        self.stopped = False  # whether a rule before may have left a parameter alone
        self.kept = []  # keys of the rules before that keep something
        for key, stage in self.stages:
            if "normal" in stage.written()[2]:
                raise TraceError(f"source: {key} draws normal numbers; such steps are not written out")

    def keys(self, stages):
        """Return a name for each stage: that of its formula, once."""
        found = []
        for stage in stages:
            name = stage.formula.__name__
            found.append(name if name not in found else f"{name} {1 + len(found)}")
        return found

    def text(self, optimiser, arguments):
        """Return the text of both functions; ``arguments`` are those of ``loss_and_gradients``."""
        inputs = [op.name for op in self.lines.program.inputs]
        gradients = [f"d_{op.name}" if op in self.moved else "_" for op in self.lines.program.inputs]
        body = [f"loss, ({listed(gradients)}) = loss_and_gradients({', '.join(arguments)})"]
        body.append("new = dict(state)" if any(may_stop(stage) for _, stage in self.stages) else "new = {}")
        half = [op.name for op in self.moved if is_half(op)]  # computed with in 32 bits
        body += [f"{x} = {x}.astype(np.float32)" for name in half for x in (name, f"d_{name}")]
        arriving = {op.name: f"d_{op.name}" for op in self.moved}
        for key, stage in self.stages:
            body += [f"# {stage!r}", *self.stage(key, stage, arriving)]
            arriving = {op.name: f"step_{op.name}" for op in self.moved}
        body += [self.moving(op, arriving[op.name]) for op in self.moved]
        body.append(f"return loss, ({listed(inputs)}), new")
        first = ["return {", *(f"    {line}," for key, stage in self.stages for line in self.fresh(key, stage)), "}"]
        return "\n\n\n".join(
            [
                "\n    ".join([f"def first_state({', '.join(inputs)}):", *first]),
                "\n    ".join(
                    [
                        f"def training_step({', '.join(arguments)}, state):",
                        *([f"# {optimiser!r}"] if len(self.stages) > 1 else []),
                        *body,
                    ]
                ),
            ]
        )

    def moving(self, op, step):
        """Return the line that moves a parameter, whose dtype and order in memory stay."""
        name = op.name
        new = f"{name} - {step}" + f" if go_{name} else {name}" * self.stopped
        if not op.value.flags.c_contiguous:
            new = f"{self.function(laid_like)}({new}, {name})"
            return f"{name} = {new}.astype(np.float16)" if is_half(op) else f"{name} = {new}"
        return f"{name} = ({new}).astype({'np.float16' if is_half(op) else f'{name}.dtype'})"

    def function(self, f):
        """Return the name of a function, whose text stands above."""
        self.lines.wording.helpers[f.__name__] = f
        return self.lines.helper_name(f.__name__)

    # ------------------------------------------------------------------------------------ one rule
    def stage(self, key, stage, arriving):
        """Return the lines of one rule for all parameters."""
        arrays, numbers, hyper = stage.roles()
        working, passes, asked = stage.written()
        function = self.function(working)
        values, n = dict(zip(hyper, map(float, stage.hyper()))), len(stage.replaces)
        given = {}  # what each parameter's formula is given
        half = {op.name for op in self.moved if is_half(op)} if gathers(stage) else ()  # it gathers in 16 bits
        for name, dx in arriving.items():
            dx = f"{dx}.astype(np.float16)" if name in half else dx
            given[name] = [name, dx, *([f'*state["{key} {name}"]'] if arrays or stage.kept else [])]
            given[name] += [f"{h}=shared[{k}]" for k, h in enumerate(hyper[:n])]
            given[name] += [f"{h}={number_code(values[h])[0]}" for h in hyper[n:]]
            given[name] += [f"{each}=d_{name}" for each in asked]
        lines = [f'shared = state["{key}"]'] if n else []
        for summed, reductions in passes:
            lines += self.passed(stage, self.function(summed), reductions, given)
        if stage.nonfinite == "skip" and passes:
            lines += self.stopping(passes, arriving)
        for name in arriving:
            kept, call = f'new["{key} {name}"]', f"{function}({', '.join(given[name])})"
            if n:
                own = len(arrays) + len(numbers)
                made = [f"step_{name}, *rest = {call}", f"{kept}, shared = rest[:{own}], rest[{own}:]"]
            elif stage.kept:
                made = [f"step_{name}, *{kept} = {call}"]
            else:
                made = [f"step_{name}{',' * bool(passes)} = {call}"]
            made += [f"go_{name} = step_{name} is not None"] * gathers(stage)
            lines += self.going(name, made)
        self.stopped = self.stopped or gathers(stage)
        for name in half:
            lines += self.going(name, [f"step_{name} = step_{name}.astype(np.float32)"])
        self.kept += [key] * (n > 0 or stage.kept is not None)
        return [*lines, *([f'new["{key}"] = shared'] if n else [])]

    def going(self, name, lines):
        """Return the lines of one parameter, which run unless a rule before has left it alone."""
        return [f"if go_{name}:", *(f"    {line}" for line in lines)] if self.stopped else lines

    def stopping(self, passes, arriving):
        """Return the lines that leave alone what has a number that is not finite, and put back what was kept for it."""
        reductions, lines = [r for _, those in passes for r in those], []
        if any(stage.replaces for key, stage in self.stages if key in self.kept):
            why = "nonfinite='skip' behind a rule that counts the steps of all parameters together"
            raise TraceError(f"source: {why}; put the skipping first")
        joint = any(r.joint for r in reductions)
        for name in arriving:
            numbers = [f"{r.name}_{each}" for r in reductions for each in (arriving if joint else [name])]
            back = [f'new["{key} {name}"] = state["{key} {name}"]' for key in self.kept]
            finite = [f"go_{name} = bool(np.all(np.isfinite({self.there(numbers)})))"]
            undone = [f"if not go_{name}:", *(f"    {line}" for line in back)] if back else []
            lines += self.going(name, [*finite, *undone])
        self.stopped = True
        return lines

    def passed(self, stage, summed, reductions, given):
        """Return the lines that work out numbers of a rule, and give these to the formula as well."""
        numbers, lines = {r.name: [f"{r.name}_{name}" for name in given] for r in reductions}, []
        for op, targets, values in zip(self.moved, zip(*numbers.values()), given.values()):
            call = f"{summed}({', '.join(values)})"
            if op.value.flags.fnc:  # sums are taken in the order in which the parameter lies in memory
                call = f"map(np.transpose, {call})"
            otherwise = f" if go_{op.name} else ({listed(['None'] * len(targets))})" * self.stopped
            lines.append(f"{listed(targets)} = {call}{otherwise}")
        for reduction in reductions:
            names = numbers[reduction.name]
            if reduction.joint:
                lines.append(f"{' = '.join(names)} = {self.function(reduction.of_all)}({self.there(names)})")
            else:
                for op, name in zip(self.moved, names):
                    lines += self.going(op.name, [f"{name} = {self.function(reduction.kind)}({name})"])
            if stage.nonfinite == "raise":
                lines.append(f"if not np.all(np.isfinite({self.there(names)})):")
                lines.append('    raise FloatingPointError("a gradient is not finite; nothing was updated")')
        for k, values in enumerate(given.values()):
            values += [f"{name}={each[k]}" for name, each in numbers.items()]
        return lines

    def there(self, names):
        """Return the code of a list of variables, without those of parameters that have been left alone."""
        return f"[x for x in ({listed(names)}) if x is not None]" if self.stopped else f"[{', '.join(names)}]"

    def fresh(self, key, stage):
        """Return the items of ``first_state`` of one rule."""
        arrays, numbers, hyper = stage.roles()
        lines = [f'"{key}": {tuple(map(float, stage.hyper()[: len(stage.replaces)]))}'] if stage.replaces else []
        for op in self.moved if stage.kept else ():
            half = is_half(op) and not gathers(stage)
            probe = np.reshape(0.5 + np.arange(op.value.size), op.shape).astype(np.float32 if half else op.dtype)
            made = stage.fresh(probe)
            name = f"{op.name}.astype(np.float32)" if half else op.name
            kept = [fresh_code(a, probe, name) for a in made[: len(arrays)]]
            kept += [number_code(float(x))[0] for a in made[len(arrays) :] for x in a]
            lines.append(f'"{key} {op.name}": [{", ".join(kept)}]')
        return lines


def is_half(op):
    return op.dtype.char == "e"


def gathers(stage):
    """Say whether a rule lets nothing through now and then: its formula gives None in the place of a step."""
    return getattr(stage, "gathers", False)


def may_stop(stage):
    return gathers(stage) or stage.nonfinite == "skip" and bool(stage.written()[1])


def listed(names):
    """Return what stands between the brackets of a tuple."""
    return ", ".join(names) + "," * (len(names) == 1)


def fresh_code(array, probe, name):
    """Return the code of a state array: a copy of the parameter, or one number everywhere."""
    if array.size > 1 and np.array_equal(array, probe):
        return f"np.array({name})"
    number = array.flat[0].item() if array.size else 0.0
    if array.dtype == probe.dtype:
        return f"np.full_like({name}, {number_code(number)[0]})" if number else f"np.zeros_like({name})"
    return f"np.full({name}.shape, {number_code(number)[0]}, {dtype_code(array.dtype)})"
