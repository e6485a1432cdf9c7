"""The tables of a report, ready to be shown: summary, IoU by class, forgetting, published."""

import json
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib import colormaps

from avalanche_seg.cli.reporting.published import differences, other_settings, published_for
from avalanche_seg.cli.runs import EXTRA_DIGITS, Group, Section, spread
from avalanche_seg.metrics import forgetting

__all__ = [
    "Cell",
    "HeatTable",
    "PublishedRow",
    "Table",
    "class_table",
    "config_table",
    "forgetting_table",
    "published_rows",
    "steps_table",
    "summary_table",
]

_GROUPS = ("old", "new", "all")
_SUMMARY = {
    "old": "mIoU_old",
    "new": "mIoU_new",
    "all": "mIoU_all",
    "old with bg": "mIoU_old_bg",
    "all with bg": "mIoU_all_bg",
    "pixel accuracy": "pixel_accuracy",
}
_STEPS = _SUMMARY | {
    "new with bg": "mIoU_new_bg",
    "harmonic": "mIoU_harmonic",
    "mean class accuracy": "mean_class_accuracy",
}


class Cell(NamedTuple):
    """A cell: its text, its CSS and what it says on hovering."""

    text: str
    style: str = ""
    title: str = ""


class Table(NamedTuple):
    """A table whose first cell of every row is its heading."""

    caption: str
    head: tuple[str, ...]
    rows: list[list[Cell]]


class HeatTable(NamedTuple):
    """IoU by class and step.

    Attributes:
        caption: what it shows.
        groups: label and number of columns of every group.
        columns: heading of every column, and whether it is the first of its group.
        blocks: the rows of the classes by the step that brought them.
    """

    caption: str
    groups: list[tuple[str, int]]
    columns: list[tuple[str, bool]]
    blocks: list[tuple[int, list[list[Cell]]]]


class PublishedRow(NamedTuple):
    """A published line beside ours, in percent, and what forbids to compare them."""

    method: str
    ours: list[str]
    theirs: list[str]
    source: str
    told: list[str]
    settings: list[str]


def summary_table(section: Section) -> Table:
    """Every group after its last step: mean and standard deviation over its runs."""
    rows = []
    for group in section.groups:
        seconds = [run.results["seconds"] for run in group.runs if "seconds" in run.results]
        row = (
            group.label,
            len(group.runs),
            group.n_steps,
            *_values(group, _SUMMARY, section.extra),
            spread(group.averages()),
            f"{statistics.mean(seconds) / 60:.1f}" if seconds else "-",
        )
        rows.append(_row(*row))
    head = ("method", "runs", "steps", *_SUMMARY, *section.extra)
    last = ("all, average over steps", "minutes per run")
    return Table("mIoU in percent after the last step", (*head, *last), rows)


def steps_table(group: Group, extra: Sequence[str]) -> Table:
    """Every mean of a group after every step."""
    rows = [
        _row(step.get("step", i), *_values(group, _STEPS, extra, step=i))
        for i, step in enumerate(group.runs[0].steps)
    ]
    return Table("Percent", ("after step", *_STEPS, *extra), rows)


def config_table(config: Mapping[str, Any]) -> Table:
    """The settings of a run."""
    rows = [
        _row(name, value if isinstance(value, str) else json.dumps(value))
        for name, value in config.items()
    ]
    return Table("", ("setting", "value"), rows)


def class_table(section: Section) -> HeatTable | None:
    """The IoU of every class after every step, coloured from dark (0) to bright (100).

    Returns:
        None when no run tells it.
    """
    groups = [group for group in section.groups if any(group.runs[0].iou)]
    if not groups:
        return None
    columns = [(group, step) for group in groups for step in range(group.n_steps)]
    blocks = [
        (
            step,
            [
                _row(name, *(_heat(name, *column) for column in columns))
                for name, learned in section.learned.items()
                if learned == step
            ],
        )
        for step in sorted(set(section.learned.values()))
    ]
    return HeatTable(
        "IoU in percent, mean over the runs",
        [(group.label, group.n_steps) for group in groups],
        [("at once" if group.is_bound else str(step), step == 0) for group, step in columns],
        blocks,
    )


def forgetting_table(section: Section) -> Table | None:
    """Best earlier IoU minus the last, by class; None when no group has a second step."""
    groups = [group for group in section.groups if group.n_steps > 1 and group.runs[0].iou[-1]]
    if not groups:
        return None
    lost = [[forgetting(run.iou) for run in group.runs] for group in groups]
    background = next(iter(section.learned))
    rows = [
        _row(name, *(_loss([100 * run[name] for run in runs if name in run]) for runs in lost))
        for name in section.learned
        if any(name in run for runs in lost for run in runs)
    ]
    means = [
        [
            100 * statistics.mean(foreground)
            for run in runs
            if (foreground := [value for name, value in run.items() if name != background])
        ]
        for runs in lost
    ]
    rows.append(_row("mean, background left out", *map(_loss, means)))
    head = ("class", *(group.label for group in groups))
    return Table("Best earlier IoU minus the last, in points", head, rows)


def published_rows(section: Section) -> list[PublishedRow]:
    """Published lines of the same method, task and setting beside ours."""
    return [
        PublishedRow(
            group.label,
            [spread(group.means(f"mIoU_{name}")) for name in _GROUPS],
            [f"{value:.1f}" for value in (line.old, line.new, line.all)],
            line.source.name,
            [
                f"VOC 2012, {line.source.network}",
                *differences(line, group.runs[0].config, n_steps=group.n_steps),
            ],
            other_settings(line, group.runs[0].config),
        )
        for group in section.groups
        for line in published_for(group.runs[0].config)
    ]


def _row(*values: object) -> list[Cell]:
    return [value if isinstance(value, Cell) else Cell(str(value)) for value in values]


def _values(
    group: Group, means: Mapping[str, str], extra: Sequence[str], step: int = -1
) -> list[str]:
    """Means in percent, then the values of step metrics as they are."""
    return [
        *(spread(group.means(name, step)) for name in means.values()),
        *(spread(group.values(name, step), EXTRA_DIGITS) for name in extra),
    ]


def _heat(name: str, group: Group, step: int) -> Cell:
    values = group.iou(name, step)
    if not values:  # Not learned yet, or absent from the truth.
        return Cell("-" if name in group.runs[0].iou[step] else "")
    mean = statistics.mean(values)
    red, green, blue, _ = (round(255 * part) for part in colormaps["viridis"](mean / 100))
    ink = "#000" if mean > 60 else "#fff"
    return Cell(f"{mean:.0f}", f"background:rgb({red},{green},{blue});color:{ink}", spread(values))


def _loss(values: Sequence[float]) -> Cell:
    """Red for what was lost, blue for what was gained, over the page's own background."""
    if not values:
        return Cell("-")
    mean = statistics.mean(values)
    strength = round(min(abs(mean) / 100, 1) * 0.8, 2)
    colour = "214,60,40" if mean > 0 else "40,110,214"
    return Cell(spread(values), f"background:rgba({colour},{strength})")
