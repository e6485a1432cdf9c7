"""Runs as Markdown that a document can hold: a heading and tables per task."""

import statistics
from collections.abc import Sequence
from typing import Literal

from avalanche_seg.cli.class_orders import OrderFamily, order_families
from avalanche_seg.cli.groups import Section
from avalanche_seg.cli.reporting.published import (
    convention,
    differences,
    is_comparable,
    other_settings,
    published_for,
)
from avalanche_seg.cli.reporting.tables import MEANS
from avalanche_seg.cli.runs import EXTRA_DIGITS, spread
from avalanche_seg.cli.significance import check_against, told_apart

__all__ = ["BACKGROUNDS", "Background", "markdown"]

Background = Literal["out", "in", "both"]
_LEGEND = (
    "mIoU in percent after the last step, mean ± standard deviation over seeds; bg: the background "
    "counts. Differences of two methods are in all, paired by seed, with 95 % intervals."
)
BACKGROUNDS: dict[Background, tuple[str, ...]] = {
    "out": ("old", "new", "all"),
    "in": ("old with bg", "new", "all with bg"),
    "both": ("old", "new", "all", "old with bg", "all with bg"),
}
"""The columns of means: with the background left out, counted in old and all, or both."""


def markdown(
    sections: Sequence[Section],
    *,
    background: Background = "both",
    against: str | None = None,
    heading: str = "###",
) -> str:
    """The comparison as Markdown, equal for equal runs.

    Per section, after the last step: mIoU in percent, mean and standard deviation over seeds, and
    the values of step metrics as they are; time and peak memory of a run; which methods are apart
    over their seeds; published lines on the same data beside ours. Then, per task with runs in
    several class orders, the spread over these.

    Args:
        sections: as :func:`avalanche_seg.cli.reading.read_sections` gives them.
        background: the columns of means.
        against: the method that all others are compared with; None compares each with the next
            best.
        heading: what a heading starts with.

    Raises:
        ValueError: when no section has the method ``against``.
    """
    check_against(sections, against)
    parts = [_LEGEND]
    for section in sections:
        parts += [f"{heading} {section.title}", _results(section, background)]
        parts += ["\n".join(f"- {line}" for line in told_apart(section, against))]
        parts += [_published(section)]
    for family in order_families(sections):
        parts += [f"{heading} Class orders: {family.title}", _orders(family)]
    return "\n\n".join(part for part in parts if part)


def _results(section: Section, background: Background) -> str:
    names = BACKGROUNDS[background]
    rows = [["method", "seeds", *names, *section.extra, "minutes", "peak memory"]]
    for group in section.groups:
        means = [spread(group.means(MEANS[name])) for name in names]
        extra = [spread(group.values(name), EXTRA_DIGITS) for name in section.extra]
        minutes = "-" if group.minutes is None else f"{group.minutes:.1f}"
        name = section.name_of(group)
        rows.append([name, str(group.n_seeds), *means, *extra, minutes, group.peak_memory])
    return _table(rows)


def _published(section: Section) -> str:
    """Lines of the section's own data alone; the page of a report has those of other data too."""
    columns = ("old", "new", "all")
    rows = [["method", *(f"{whose} {c}" for whose in ("our", "their") for c in columns), "theirs"]]
    for group in section.groups:
        config = group.runs[0].config
        for line in published_for(config):
            if not is_comparable(line, config):
                continue
            ours = [spread(group.means(MEANS[name])) for name in line.source.groups]
            theirs = ["-" if v is None else f"{v:.1f}" for v in (line.old, line.new, line.all)]
            told = differences(line, config, n_steps=group.n_steps) + other_settings(line, config)
            note = f"{line.source.name}: {convention(line)}"
            note += f"; **differs**: {'; '.join(told)}" if told else "; same settings"
            rows.append([group.label, *ours, *theirs, note])
    return _table(rows) if len(rows) > 1 else ""


def _orders(family: OrderFamily) -> str:
    rows = [["method", "orders", "seeds per order", "all", "least", "median", "most"]]
    for label, groups in family.methods.items():
        values = family.values(label)
        seeds = sorted({group.n_seeds for group in groups.values()})
        seeds_told = " to ".join(map(str, dict.fromkeys((seeds[0], seeds[-1]))))
        shown = [f"{f(values):.1f}" if values else "-" for f in (min, statistics.median, max)]
        rows.append([label, str(len(values)), seeds_told, spread(values), *shown])
    return _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *others = rows
    return "\n".join(map(_line, [head, ["---"] * len(head), *others]))


def _line(cells: Sequence[str]) -> str:
    # A bar in a method's options would end its cell.
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
