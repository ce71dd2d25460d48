"""What ``print(t)`` shows: a line per operation, with its shape and a few of its numbers."""

import numpy as np

from .source import Lines, comment

AT_MOST = 60  # lines; of a longer program the first and the last are shown
ENDS = 20


def listing(program, opened=False):
    """Return the text that shows a program."""
    lines = Lines(program)
    rows = [(op, code) for phase in ("forward", "backward") for op, code in lines.codes_of(phase)]
    shown = rows if len(rows) <= AT_MOST else [*rows[:ENDS], None, *rows[-ENDS:]]
    return "\n".join(
        [head(program), *(row_text(*row) if row else f"... {len(rows) - 2 * ENDS} more" for row in shown)]
    )


def head(program):
    inputs = ", ".join(f"{op.name}{op.shape}" for op in program.inputs)
    return f"{program.name}: {len(program):,} operations, by {inputs}"


def row_text(op, code):
    return f"{f'{op.name} = {code}':<44} {str(op.shape):<10} {numbers(op.value):<26} # {comment(op)}".rstrip(
        " #"
    )


def numbers(value, at_most=3):
    """Return a few numbers of a value.

    >>> numbers(np.array([0.5, -1.0, 2.0, 3.0])), numbers(np.float64(0.25))
    ('[ 0.5 -1.   2. ...]', '0.25')
    """
    if not isinstance(value, (np.ndarray, np.generic)):
        return str(value)
    few = np.ravel(value)[:at_most]
    text = np.array2string(few if np.ndim(value) else few[0], precision=3, suppress_small=True)
    return text if np.size(value) <= at_most else f"{text[:-1]} ...]"
