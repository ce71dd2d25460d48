"""Run all benchmarks, draw the picture, and write the tables into docs/performance.md.

    python examples/performance/page.py                   run all: tables on the screen, a picture in docs/
    python examples/performance/page.py --write           the same, and write the page's tables
    python examples/performance/page.py --keep --write    picture and page from the numbers of the last run

The numbers are kept in docs/performance.jsonl, one line each, with the machine and the versions in the first.
Other frameworks take part if they are installed: pip install torch jax optax pytensor autograd.
"""

import argparse
import importlib.metadata
import json
import platform
import subprocess
import sys
import time
from pathlib import Path

from harness import OURS, grid

HERE = Path(__file__).parent
DOCS = HERE.parent.parent / "docs"
NUMBERS, PAGE = DOCS / "performance.jsonl", DOCS / "performance.md"
PICTURE = DOCS / "pictures" / "performance.png"
BENCHMARKS = ["tape", "autograd_programs", "composing", "digits", "compiled", "optimisers", "startup"]
BENCHMARKS += ["memory", "scaling"]
PACKAGES = ["minigrad", "numpy", "numba", "torch", "jax", "optax", "pytensor", "autograd"]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a rough look")
    parser.add_argument(
        "--keep", action="store_true", help="measure nothing; use the numbers of the last run"
    )
    parser.add_argument("--write", action="store_true", help="write the tables into docs/performance.md")
    options = parser.parse_args()
    if not options.keep:
        NUMBERS.write_text(json.dumps(surroundings()) + "\n", encoding="utf-8")
        for name in BENCHMARKS:
            print(f"\n== {name}", flush=True)
            command = [sys.executable, HERE / f"{name}.py", "--json", NUMBERS]
            subprocess.run(command + ["--quick"] * options.quick, check=True)
    first, *lines = (json.loads(line) for line in NUMBERS.read_text(encoding="utf-8").splitlines())
    rows, marks = [line for line in lines if "name" in line], [line for line in lines if "mark" in line]
    draw(rows)
    if options.write:
        write(first, rows, marks)


def surroundings():
    """Return what the numbers depend on: the machine and the versions."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": processor(),
        "system": platform.system(),
        "python": platform.python_version(),
        **versions,
    }


def processor():
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
        return f"{len(names)} cores of {names[0]}"
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


# --------------------------------------------------------------------------------------- the picture
def draw(rows):
    """Draw one panel per table: how many times minigrad's number each contender needs."""
    try:
        import matplotlib
    except ImportError:
        print("\nThere is no picture without matplotlib: pip install matplotlib")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    tables = [table for table in dict.fromkeys(row["table"] for row in rows) if comparable(rows, table)]
    figure, panels = plt.subplots((len(tables) + 1) // 2, 2, figsize=(15, 11), layout="constrained")
    for panel, table in zip(panels.flat, tables):
        draw_panel(panel, [row for row in rows if row["table"] == table])
    for panel in panels.flat[len(tables) :]:
        panel.set_axis_off()
    figure.supxlabel("times minigrad's number: less is better (logarithmic)")
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=80)
    print(f"\nThe picture is {PICTURE}")


def comparable(rows, table):
    names = {row["name"] for row in rows if row["table"] == table}
    return OURS in names and len(names) > 1


def draw_panel(panel, rows):
    """Draw one point per contender and case."""
    ours = {row["case"]: row["p10"] for row in rows if row["name"] == OURS}
    names = list(dict.fromkeys(row["name"] for row in rows))[::-1]
    for case in ours:
        points = [(row["p10"] / ours[case], names.index(row["name"])) for row in rows if row["case"] == case]
        if len(points) > 1:
            panel.plot(*zip(*points), "o", label=case, alpha=0.8)
    panel.axvline(1, color="grey", linewidth=1)
    panel.set_xscale("log")
    panel.set_xlim(0.015, 150)
    panel.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(-0.6, len(names) - 0.4)
    panel.grid(axis="x", alpha=0.3)
    panel.set_title(rows[0]["table"], loc="left", fontsize=10)
    panel.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


# ------------------------------------------------------------------------------------------ the page
def write(first, rows, marks):
    """Put the machine, the marks and the tables between the page's comments of their names."""
    machine = [f"* {name}: {value}" for name, value in first.items()]
    judged = [["", "goal", "at most", "measured", ""]]
    for m in marks:
        word = "met" if m["ratio"] <= m["limit"] else "**missed**"
        judged.append([m["of"], m["mark"], f"{m['limit']:.4g}", f"{m['ratio']:.3g}", word])
    tables = []
    for table in dict.fromkeys(row["table"] for row in rows):
        of_table = [row for row in rows if row["table"] == table]
        tables += [f"**{table}** ({of_table[0]['unit']})", "", *markdown(grid(of_table)), ""]
    text = PAGE.read_text(encoding="utf-8")
    for name, lines in [("machine", machine), ("marks", markdown(judged)), ("tables", tables)]:
        before, rest = text.split(f"<!-- {name} -->", 1)
        after = rest.split(f"<!-- end of {name} -->", 1)[1]
        text = "\n".join([f"{before}<!-- {name} -->", "", *lines, "", f"<!-- end of {name} -->{after}"])
    PAGE.write_text(text, encoding="utf-8")
    print(f"The tables are in {PAGE}")


def markdown(lines):
    head, *body = [["| " + " | ".join(line) + " |"][0] for line in lines]
    return [head, "|---" * len(lines[0]) + "|", *body]


if __name__ == "__main__":
    main()
