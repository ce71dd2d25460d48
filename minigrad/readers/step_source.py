"""A whole training step as NumPy code: the loss, its gradient, and the optimiser's formulas under it.

The formulas are those of the optimiser's own table, unchanged.  They go over the parameters rule by rule; what a rule
keeps for a parameter stands in ``state``, and ``first_state`` makes it.
"""

import numpy as np

from .operations import TraceError
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
        for key, stage in self.stages:
            if stage.nonfinite == "skip":
                raise TraceError("source: nonfinite='skip' leaves out steps; only 'raise' and 'pass' are written out")
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
        body = [f"loss, ({listed(gradients)}) = loss_and_gradients({', '.join(arguments)})", "new = {}"]
        arriving = {op.name: f"d_{op.name}" for op in self.moved}
        for key, stage in self.stages:
            body += [f"# {stage!r}", *self.stage(key, stage, arriving)]
            arriving = {op.name: f"step_{op.name}" for op in self.moved}
        body += [f"{op.name} = ({op.name} - {arriving[op.name]}).astype({op.name}.dtype)" for op in self.moved]
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
        for name, dx in arriving.items():
            given[name] = [name, dx, *([f'*state["{key} {name}"]'] if arrays or stage.kept else [])]
            given[name] += [f"{h}=shared[{k}]" for k, h in enumerate(hyper[:n])]
            given[name] += [f"{h}={number_code(values[h])[0]}" for h in hyper[n:]]
            given[name] += [f"{each}=d_{name}" for each in asked]
        lines = [f'shared = state["{key}"]'] if n else []
        for summed, reductions in passes:
            lines += self.passed(stage, self.function(summed), reductions, given)
        for name in arriving:
            kept, call = f'new["{key} {name}"]', f"{function}({', '.join(given[name])})"
            if n:
                own = len(arrays) + len(numbers)
                lines += [f"step_{name}, *rest = {call}", f"{kept}, shared = rest[:{own}], rest[{own}:]"]
            elif stage.kept:
                lines.append(f"step_{name}, *{kept} = {call}")
            else:
                lines.append(f"step_{name}{',' * bool(passes)} = {call}")
        return [*lines, *([f'new["{key}"] = shared'] if n else [])]

    def passed(self, stage, summed, reductions, given):
        """Return the lines that work out numbers of a rule, and give these to the formula as well."""
        numbers, lines = {r.name: [f"{r.name}_{name}" for name in given] for r in reductions}, []
        for targets, values in zip(zip(*numbers.values()), given.values()):
            lines.append(f"{listed(targets)} = {summed}({', '.join(values)})")
        for reduction in reductions:
            names = numbers[reduction.name]
            if reduction.joint:
                lines.append(f"{' = '.join(names)} = {self.function(reduction.of_all)}([{', '.join(names)}])")
            else:
                lines += [f"{name} = {self.function(reduction.kind)}({name})" for name in names]
            if stage.nonfinite == "raise":
                lines.append(f"if not np.all(np.isfinite([{', '.join(names)}])):")
                lines.append('    raise FloatingPointError("a gradient is not finite; nothing was updated")')
        for k, values in enumerate(given.values()):
            values += [f"{name}={each[k]}" for name, each in numbers.items()]
        return lines

    def fresh(self, key, stage):
        """Return the items of ``first_state`` of one rule."""
        arrays, numbers, hyper = stage.roles()
        lines = [f'"{key}": {tuple(map(float, stage.hyper()[: len(stage.replaces)]))}'] if stage.replaces else []
        for op in self.moved if stage.kept else ():
            probe = np.reshape(0.5 + np.arange(op.value.size), op.shape).astype(op.dtype)
            made = stage.fresh(probe)
            kept = [fresh_code(a, probe, op.name) for a in made[: len(arrays)]]
            kept += [number_code(float(x))[0] for a in made[len(arrays) :] for x in a]
            lines.append(f'"{key} {op.name}": [{", ".join(kept)}]')
        return lines


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
