"""Compare runs: ``avalanche-seg compare runs/*``.

Prints a Markdown table (mean and standard deviation over seeds), and draws old / new / all by
method and the mIoU of all seen classes by step.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from avalanche_seg.cli.groups import Section
from avalanche_seg.cli.reading import read_sections
from avalanche_seg.cli.runs import EXTRA_DIGITS, spread
from avalanche_seg.system import atomic_write, expand_home

__all__ = ["draw", "main", "markdown"]

GROUPS = ("old", "new", "all")


def markdown(sections: Sequence[Section]) -> str:
    """The comparison as a Markdown table, one line per group of runs.

    mIoU of old, new and all classes in percent, background left out, then the values of step
    metrics as they are, after the last step: mean and deviation. The data set is named where the
    sections have several.
    """
    several = len({section.data for section in sections}) > 1
    extra = list(dict.fromkeys(name for section in sections for name in section.extra))
    lines = [_line("task", "method", "runs", *GROUPS, *extra), _line(*["---"] * (6 + len(extra)))]
    for section in sections:
        for group in section.groups:
            shares = (spread(group.means(f"mIoU_{name}")) for name in GROUPS)
            others = (spread(group.values(name), EXTRA_DIGITS) for name in extra)
            task = section.title if several else section.task
            lines.append(_line(task, group.label, len(group.runs), *shares, *others))
    return "\n".join(lines)


def draw(sections: Sequence[Section], path: Path) -> None:
    """Draw a PNG with a row of plots per section.

    Left, old / new / all by method after the last step as bars; right, the mIoU of all seen
    classes by step as lines.
    """
    figure = Figure(figsize=(12, 4 * len(sections)), layout="constrained")
    grid = figure.subplots(len(sections), 2, squeeze=False)
    for (bars, lines), section in zip(grid, sections, strict=True):
        _draw_bars(bars, section)
        _draw_curves(lines, section)
        for axes in (bars, lines):
            for text in axes.get_legend().get_texts():
                text.set_parse_math(False)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=100, format="png")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (2 for bad input)."""
    parser = argparse.ArgumentParser(
        prog="avalanche-seg compare",
        description="Print a Markdown table of runs and draw them. Runs that differ in their seed "
        "only share a line: mean and standard deviation.",
    )
    parser.add_argument("runs", nargs="+", type=expand_home, help="run folders")
    parser.add_argument(
        "--out",
        type=expand_home,
        default=Path("compare.png"),
        help="the picture (default: compare.png)",
    )
    given = parser.parse_args(argv)
    try:
        sections = read_sections(given.runs)
        print(markdown(sections))
        draw(sections, given.out)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"\npicture: {given.out}")
    return 0


def _line(*cells: object) -> str:
    # A bar in a method's options would end its cell.
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


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
    axes.set_xticks(range(len(labels)), labels, rotation=20, ha="right", parse_math=False)
    axes.set_ylabel("mIoU, %")
    axes.set_title(f"{section.title}: after the last step", parse_math=False)
    axes.legend()


def _draw_curves(axes: Axes, section: Section) -> None:
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
    axes.legend(fontsize=8)
