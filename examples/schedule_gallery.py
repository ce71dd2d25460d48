"""Draw one picture per schedule, and the page that shows them all.

    python examples/schedule_gallery.py
    python examples/schedule_gallery.py --out elsewhere

It writes docs/schedule-gallery.md and docs/pictures/schedules/, or the same elsewhere.  Needs matplotlib
(python -m pip install matplotlib).  `make gallery` runs it.
"""

import argparse
from pathlib import Path

from minigrad import schedules
from minigrad.schedules import Plateau, next_, plot

DOCS = Path(__file__).parent.parent / "docs"

GALLERY = {
    "Falling": [
        "Step(start=1.0, decay=0.5, step_sizes=15)",
        "Step(start=1.0, decay=0.5, step_sizes=[5, 10, 20])",
        "Exp(start=1.0, decay=0.93)",
        "Poly(start=1.0, degree=2, max_iter=60)",
        "Inv(start=1.0, decay=0.2, degree=1)",
    ],
    "Rising and falling": [
        "Triangle(l0=0.1, l1=1.0, period=20)",
        "TriangleDecay2(l0=0.1, l1=1.0, period=20)",
        "TriangleExp(l0=0.1, l1=1.0, period=20, decay=0.97)",
        "Sin(l0=0.1, l1=1.0, period=20)",
        "SinDecay2(l0=0.1, l1=1.0, period=20)",
        "SinExp(l0=0.1, l1=1.0, period=20, decay=0.97)",
        "Cos(l0=0.1, l1=1.0, period=20)",
        "CosAnneal(l0=0.1, l1=1.0, period=20)",
        "CosAnneal(l0=0.1, l1=1.0, period=20, restart=False)",
        "CosRestarts(l0=0.1, l1=1.0, period=10, growth=2)",
        "OneCycle(nsteps=60, maxval=1.0)",
        "WSD(maxval=1.0, warmup=10, stable=30, decay=20)",
    ],
    "Made of others": [
        "Constant(0.5)",
        "Sequence((Triangle(l0=0.1, l1=1.0, period=20), 20), (Exp(start=1.0, decay=0.9), 40))",
        "Loop(Exp(start=1.0, decay=0.8), 15)",
        "ComposedSchedule(Triangle(1.0, 0.0, 20), [Exp(start=1.0, decay=0.97), 0.1, 20])",
        "Interpolator(Exp(start=1.0, decay=0.7), 10)",
        "Shifted(Triangle(l0=0.1, l1=1.0, period=20), 6)",
        "Shortened(Exp(start=1.0, decay=0.93), 30)",
        "Warmup(Cos(l0=0.1, l1=1.0, period=20), 10)",
        "reverse(Exp(start=1.0, decay=0.9), 30)",
        "symmetric(Exp(start=1.0, decay=0.9), 30)",
    ],
}
LISTENING = "Plateau(1.0, decay=0.5, patience=4)"


def picture(call):
    """Return a matplotlib figure of the schedule that a call makes."""
    from matplotlib.figure import Figure  # only here, so that --help works without matplotlib

    figure = Figure(figsize=(4, 2), layout="constrained")
    axes = figure.subplots()
    schedule = eval(call, vars(schedules))
    if isinstance(schedule, Plateau):
        losses = [max(3 - 0.2 * t, 1.5 - 0.02 * t) for t in range(20)] + 40 * [1.1]
        cut = [next_(schedule, loss) for loss in losses]
        axes.plot(range(1, 61), losses, color="0.7", label="the loss it is fed")
        plot(lambda t: cut[t - 1], 60, axes, label="its value").legend(fontsize="small")
    else:
        plot(schedule, min(schedule.end, 60), axes)
    axes.set(title="", xlim=(0, 61), ylim=(0, None))
    return figure


def draw(out):
    """Write the page and its pictures into a folder."""
    pictures = out / "pictures" / "schedules"
    pictures.mkdir(parents=True, exist_ok=True)
    page = ["# Every schedule in a picture", "",
            "Drawn by `make gallery` from the calls below. [The formulas](schedules.md).", ""]
    drawn = {}
    for heading, calls in {**GALLERY, "Listening to the loss": [LISTENING]}.items():
        page += [f"## {heading}", ""]
        for call in calls:
            name = call.split("(")[0]
            drawn[name] = drawn.get(name, 0) + 1
            file = f"{name}{'' if drawn[name] == 1 else drawn[name]}.png"
            # Without a date or a version in it, the same picture is the same file.
            picture(call).savefig(pictures / file, dpi=100, metadata={"Software": None})
            page += [f"![{name}](pictures/schedules/{file})", "", f"`{call}`", ""]
    (out / "schedule-gallery.md").write_text("\n".join(page[:-1]) + "\n", encoding="utf-8")
    print(f"{sum(drawn.values())} pictures of {len(drawn)} schedules in {pictures}")
    print(f"The page is {out / 'schedule-gallery.md'}")


def main():
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("--out", type=Path, default=DOCS, help="folder of the page (default: docs)")
    draw(parser.parse_args().out)


if __name__ == "__main__":
    main()
