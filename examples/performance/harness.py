"""What the benchmarks share: fair measuring, tables on the screen, JSON lines.

``race`` gives every contender a process of its own, so that the threads and the memory of one cannot
disturb another, and lets them take turns of a tenth of a second, so that whatever else the machine
is doing hits all of them alike.  A turn is a series of short chunks, some of which escape
interruption: what is shown is the 10th percentile of the chunks (``p10``).  Compare numbers of one
run, never of two.

A contender is a function from a case to a ``step``, a function without arguments that does one unit of
work.  It raises ImportError where its package is missing, NotImplementedError where it has no answer.
"""

import argparse
import contextlib
import importlib.util
import json
import multiprocessing
import os
import statistics
import sys
import time
from typing import NamedTuple

ONE_THREAD = {
    **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")},
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_PLATFORMS": "cpu",
}
OURS = "minigrad"
THREADS = "2 threads"  # in the name of a contender that may have more than one core
CHUNK = 0.002  # seconds
_fresh = multiprocessing.get_context("spawn")


class Mark(NamedTuple):
    """A goal: the number of ``ours`` is at most ``limit`` times that of ``theirs``.

    Both are pairs (case, name); without ``theirs`` the limit is in the unit of the table.
    """

    ours: tuple
    theirs: tuple
    limit: float

    def measured(self, rows):
        """Return the table that holds both numbers, and their ratio; None if a side is missing."""
        for table in dict.fromkeys(row["table"] for row in rows):
            found = {(row["case"], row["name"]): row["p10"] for row in rows if row["table"] == table}
            if self.theirs is None and self.ours in found:
                return table, found[self.ours]
            if self.ours in found and self.theirs in found:
                return table, found[self.ours] / found[self.theirs]
        return None

    def text(self):
        case, name = self.ours
        if self.theirs is None:
            return f"{name}, {case}"
        where = "" if self.theirs[0] == case else f", {self.theirs[0]}"
        return f"{name}, {case} / {self.theirs[1]}{where}"


def against(case, name, limit):
    """The commonest mark: ours against another in the same case."""
    return Mark((case, OURS), (case, name), limit)


# ------------------------------------------------------------------------------------------ measuring
def race(table, unit, factor, cases, contenders, options):
    """Yield one row per case and contender.

    Parameters
    ----------
    table, unit : str, what the numbers mean
    factor : seconds per step -> the unit; a number, or a function of the case
    cases : iterable of str
    contenders : dict, name -> function from a case to a step
    options : as parsed by ``main``: quick and only
    """
    turns, seconds = (2, 0.02) if options.quick else (5, 0.1)
    wanted = {name: make for name, make in contenders.items() if chosen(name, options)}
    missing = set()
    with contextlib.ExitStack() as stack:
        workers = {name: stack.enter_context(worker(name, make)) for name, make in wanted.items()}
        for case in cases:
            ready = {
                name: ask
                for name, ask in workers.items()
                if name not in missing and prepared(name, ask, case, seconds, missing)
            }
            times = {name: [] for name in ready}
            for _ in range(turns):
                for name, ask in ready.items():
                    times[name].append(ask("time", seconds))
            scale = factor(case) if callable(factor) else factor
            for name, turns_of in times.items():
                yield row(table, unit, case, name, [[t * scale for t in chunks] for chunks in turns_of])


def chosen(name, options):
    return not options.only or any(name.lower().startswith(start) for start in (OURS, *options.only))


def row(table, unit, case, name, turns):
    """Return what is kept of the chunks of some turns."""
    chunks = sorted(t for turn in turns for t in turn)
    p10 = statistics.median(sorted(turn)[len(turn) // 10] for turn in turns)
    numbers = {"p10": p10, "min": chunks[0], "median": statistics.median(chunks)}
    return {
        "table": table,
        "unit": unit,
        "case": case,
        "name": name,
        **{key: float(f"{value:.4g}") for key, value in numbers.items()},
    }


def prepared(name, ask, case, seconds, missing):
    """Say whether a contender can run the case; tell why not, and note whose package is missing."""
    problem = ask("prepare", case, seconds)
    if problem:
        if name.startswith(OURS):
            raise SystemExit(f"{name}, {case}: {problem}")
        if problem.startswith("ModuleNotFoundError"):
            missing.add(name)
        print(f"   ({name} is left out: {problem})", file=sys.stderr)
    return not problem


@contextlib.contextmanager
def worker(name, make):
    """Start a process that prepares and times steps; give the function that asks it."""
    os.environ.update(ONE_THREAD)
    here, there = _fresh.Pipe()
    process = _fresh.Process(target=serve, args=(there, make, THREADS not in name), daemon=True)
    process.start()

    def ask(*order):
        here.send(order)
        return here.recv()

    try:
        yield ask
    finally:
        here.send(None)
        process.join(5)
        process.kill()


def serve(pipe, make, one):
    """In a worker, on one core as a rule: prepare a case, or time its step, until there is nothing more to do."""
    if one and hasattr(os, "sched_setaffinity"):  # jax computes with all cores, whatever it is told
        os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
    step, n = None, 1
    while (order := pipe.recv()) is not None:
        what, *values = order
        if what == "time":
            pipe.send(chunks(step, n, *values))
            continue
        problem, step = None, None  # what the last case took is given back first
        try:
            case, seconds = values
            step = make(case)
            n = warmed_up(step, seconds)
        except Exception as error:  # a contender that fails is left out, and the others go on
            problem = f"{type(error).__name__}: {error}"[:200]
        pipe.send(problem)


def warmed_up(step, seconds):
    """Run the step for a while; return how many make a chunk."""
    best, end, calls = 1e9, time.perf_counter() + seconds, 0
    while calls < 3 or time.perf_counter() < end:
        begin = time.perf_counter()
        step()
        best, calls = min(best, time.perf_counter() - begin), calls + 1
    return max(1, int(CHUNK / best))


def chunks(step, n, seconds):
    """Return the time of a step in each chunk of ``n`` steps."""
    times, begin = [], time.perf_counter()
    end, now = begin + seconds, begin
    while now < end:
        for _ in range(n):
            step()
        before, now = now, time.perf_counter()
        times.append((now - before) / n)
    return times


def alone(function, *args):
    """Run a function in a fresh process and return its result, or None if a package is missing there."""
    os.environ.update(ONE_THREAD)
    here, there = _fresh.Pipe()
    process = _fresh.Process(target=answer, args=(there, function, args), daemon=True)
    process.start()
    result = here.recv()
    process.join()
    return result


def answer(pipe, function, args):
    try:
        pipe.send(function(*args))
    except (ImportError, NotImplementedError):
        pipe.send(None)


# ------------------------------------------------------------------------------------------- showing
def main(doc, measure, marks=()):
    """Measure, and print one table per ``table`` of the rows, then the marks.

    Parameters
    ----------
    doc : str, the docstring of the file, which ``--help`` shows
    measure : function of the options that yields rows (see ``row``)
    marks : Marks, judged by these rows
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a rough look in a few seconds")
    parser.add_argument(
        "--only",
        type=lambda text: text.lower().split(","),
        metavar="NAMES",
        help="beside minigrad only these, e.g. numpy,pytorch",
    )
    parser.add_argument("--json", metavar="FILE", help="append one JSON line per number and per mark")
    options = parser.parse_args()
    if importlib.util.find_spec(OURS) is None:
        parser.error("minigrad is not installed here: pip install . in the folder of the project")
    rows = list(measure(options))
    for table in dict.fromkeys(row["table"] for row in rows):
        show([row for row in rows if row["table"] == table])
    judged = [judge(mark, rows) for mark in marks if mark.measured(rows)]
    if options.json:
        with open(options.json, "a", encoding="utf-8") as file:
            for line in [*rows, *judged]:
                print(json.dumps(line, ensure_ascii=False), file=file)


def judge(mark, rows):
    """Print whether a mark is met; return it as a JSON line."""
    table, ratio = mark.measured(rows)
    word = "met   " if ratio <= mark.limit else "MISSED"
    print(f"   {word} {mark.text()}: {ratio:.3g}, mark {mark.limit:.3g}")
    return {"mark": mark.text(), "of": table, "limit": mark.limit, "ratio": float(f"{ratio:.4g}")}


def show(rows):
    """Print a table: a line per name, a column per case; in brackets how many times minigrad's number."""
    print(f"\n{rows[0]['table']}   [{rows[0]['unit']}]")
    lines = grid(rows)
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        print(
            "   "
            + line[0].ljust(widths[0])
            + "".join("   " + cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))
        )


def grid(rows):
    """Return the lines of the table of some rows, as lists of cells."""
    cases = list(dict.fromkeys(row["case"] for row in rows))
    names = list(dict.fromkeys(row["name"] for row in rows))
    found = {(row["case"], row["name"]): row["p10"] for row in rows}
    lines = [["", *cases]]
    for name in names:
        numbers = [(found.get((case, name)), found.get((case, OURS))) for case in cases]
        lines.append([name, *(cell(value, ours, name) for value, ours in numbers)])
    return lines


def cell(value, ours, name):
    if value is None:
        return "-"
    number = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    return number if ours is None or name == OURS or not ours else f"{number} ({value / ours:.2g}x)"
