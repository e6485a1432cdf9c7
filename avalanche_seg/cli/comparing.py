"""Compare runs: ``avalanche-seg compare runs/*``.

Prints Markdown (mean and standard deviation over seeds, what is apart, published numbers), and
draws old / new / all by method, the mIoU of all seen classes by step, and boxes over class orders.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from avalanche_seg.cli.class_orders import OrderFamily, order_families
from avalanche_seg.cli.groups import Section
from avalanche_seg.cli.markdown import BACKGROUNDS, markdown
from avalanche_seg.cli.options.parser import normalize_flags
from avalanche_seg.cli.reading import read_sections
from avalanche_seg.system import atomic_write, expand_home

__all__ = ["draw", "draw_boxes", "main"]

GROUPS = ("old", "new", "all")
_FEW = 8  # Methods that a legend inside a plot, and names beside each other, have room for.


def draw(sections: Sequence[Section], path: Path) -> None:
    """Draw a PNG with a row of plots per section.

    Left, old / new / all by method after the last step as bars; right, the mIoU of all seen
    classes by step as lines. Below, a row per task with runs in several class orders: a box per
    method.
    """
    families = order_families(sections)
    n_rows = len(sections) + len(families)
    figure = Figure(figsize=(12, 4 * n_rows), layout="constrained")
    grid = figure.add_gridspec(n_rows, 2)
    for row, family in enumerate(families, start=len(sections)):
        draw_boxes(figure.add_subplot(grid[row, :]), family)
    for row, section in enumerate(sections):
        bars, lines = (figure.add_subplot(grid[row, column]) for column in (0, 1))
        _draw_bars(bars, section)
        _draw_curves(lines, section)
        for axes in (bars, lines):
            shown = axes.get_legend()
            for text in shown.get_texts() if shown else ():
                text.set_parse_math(False)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=100, format="png")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (2 for bad input)."""
    parser = argparse.ArgumentParser(
        prog="avalanche-seg compare",
        description="Print Markdown about runs and draw them. Runs that differ in their seed only "
        "share a line: mean and standard deviation. Below a table, which methods are apart: the "
        "difference over the seeds that both have, with its 95 % interval.",
        allow_abbrev=False,
    )
    parser.add_argument("runs", nargs="+", type=expand_home, help="folders of runs or suites")
    parser.add_argument(
        "--background",
        choices=tuple(BACKGROUNDS),
        default="both",
        help="leave it out of the means, count it in old and all, or both (default: both)",
    )
    parser.add_argument(
        "--against",
        metavar="METHOD",
        help="compare all methods with this one (default: each with the next best)",
    )
    parser.add_argument(
        "--out",
        type=expand_home,
        default=Path("compare.png"),
        help="the picture (default: compare.png)",
    )
    given = parser.parse_args(normalize_flags(sys.argv[1:] if argv is None else argv))
    try:
        sections = read_sections(given.runs)
        print(markdown(sections, background=given.background, against=given.against))
        draw(sections, given.out)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"\npicture: {given.out}")
    return 0


def draw_boxes(axes: Axes, family: OrderFamily) -> None:
    """A box per method over the class orders: quartiles, median, and the orders as points."""
    labels = [label for label in family.methods if family.values(label)]
    values = [family.values(label) for label in labels]
    axes.boxplot(values, showfliers=False)
    for place, points in enumerate(values, start=1):
        axes.plot([place] * len(points), points, "o", color="grey", markersize=3)
    axes.set_xticks(range(1, len(labels) + 1), labels, rotation=20, ha="right", parse_math=False)
    axes.set_ylabel("mIoU of all classes, %")
    title = f"{family.title}: {len(family.orders)} class orders"
    axes.set_title(title, parse_math=False)


def _draw_bars(axes: Axes, section: Section) -> None:
    for offset, name in enumerate(GROUPS):
        values = [group.means(f"mIoU_{name}") for group in section.groups]
        axes.bar(
            [i + 0.27 * (offset - 1) for i in range(len(values))],
            [statistics.mean(v) if v else 0.0 for v in values],
            width=0.25,
            yerr=[statistics.stdev(v) if len(v) > 1 else 0.0 for v in values],
            label=name,
        )
    labels = [group.label for group in section.groups]
    rotation = 20 if len(labels) <= _FEW else 60
    axes.set_xticks(range(len(labels)), labels, rotation=rotation, ha="right", parse_math=False)
    axes.set_ylabel("mIoU, %")
    axes.set_title(f"{section.title}: after the last step", parse_math=False)
    axes.legend()


def _draw_curves(axes: Axes, section: Section) -> None:
    axes.set_prop_cycle(color=colormaps["tab20"](range(20)))
    for group in section.groups:
        values = [group.means("mIoU_all", step) for step in range(group.n_steps)]
        curve = [statistics.mean(v) if v else float("nan") for v in values]
        if group.is_bound:
            axes.axhline(curve[-1], linestyle="--", color="grey", label=group.label)
        else:
            axes.plot(curve, marker="o", label=group.label)
    axes.set_xticks(range(section.n_steps))
    axes.set_xlabel("step")
    axes.set_title(f"{section.title}: all seen classes", parse_math=False)
    beside: Any = {} if len(section.groups) <= _FEW else {"bbox_to_anchor": (1, 1)}
    axes.legend(fontsize=8, loc="upper left" if beside else "best", **beside)
