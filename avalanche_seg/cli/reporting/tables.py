"""The tables of a report: summary, IoU by class, forgetting, published numbers."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import colormaps

from avalanche_seg.cli.reporting.html import Html, element, scrolling, table
from avalanche_seg.cli.reporting.published import (
    Published,
    differences,
    other_settings,
    published_for,
)
from avalanche_seg.cli.reporting.runs import Group, Section, spread
from avalanche_seg.metrics import forgetting

__all__ = ["class_table", "forgetting_table", "published_table", "summary_table"]

_GROUPS = ("old", "new", "all")
_SUMMARY = {
    "old": "mIoU_old",
    "new": "mIoU_new",
    "all": "mIoU_all",
    "old with bg": "mIoU_old_bg",
    "all with bg": "mIoU_all_bg",
    "pixel accuracy": "pixel_accuracy",
}


def summary_table(section: Section) -> Html:
    """Every group after its last step: mean and standard deviation over its runs."""
    rows = []
    for group in section.groups:
        seconds = [run.results["seconds"] for run in group.runs if "seconds" in run.results]
        rows.append(
            (
                group.label,
                len(group.runs),
                group.n_steps,
                *(spread(group.means(name)) for name in _SUMMARY.values()),
                spread(group.averages()),
                f"{statistics.mean(seconds) / 60:.1f}" if seconds else "-",
            )
        )
    head = ("method", "runs", "steps", *_SUMMARY, "all, average over steps", "minutes a run")
    return table(head, rows, caption="mIoU in percent after the last step")


def class_table(section: Section) -> Html:
    """The IoU of every class after every step, coloured from dark (0) to bright (100).

    Classes are rows, in blocks by the step that brought them; the steps of a group are columns.
    """
    groups = [group for group in section.groups if any(group.runs[0].iou)]
    columns = [(group, step) for group in groups for step in range(group.n_steps)]
    labels = [
        element("th", group.label, colspan=group.n_steps, scope="colgroup", class_="first")
        for group in groups
    ]
    numbers = [
        element(
            "th",
            "at once" if group.is_bound else step,
            scope="col",
            class_="first" if step == 0 else None,
        )
        for group, step in columns
    ]
    bodies = []
    for step in sorted(set(section.learned.values())):
        title = element("th", f"learned at step {step}", scope="rowgroup", class_="block")
        blank = element("td", colspan=len(columns), class_="block")
        lines = [
            element("tr", element("th", name, scope="row"), *(_heat(name, *c) for c in columns))
            for name, learned in section.learned.items()
            if learned == step
        ]
        bodies.append(element("tbody", element("tr", title, blank), *lines))
    head = element(
        "thead",
        element("tr", element("td"), *labels),
        element("tr", element("th", "class, after step", scope="col"), *numbers),
    )
    caption = element("caption", "IoU in percent, mean over the runs")
    return scrolling(element("table", caption, head, *bodies, class_="heat"))


def forgetting_table(section: Section) -> Html | None:
    """Best earlier IoU minus the last, by class; None when no group has a second step."""
    groups = [group for group in section.groups if group.n_steps > 1 and group.runs[0].iou[-1]]
    if not groups:
        return None
    lost = [[forgetting(run.iou) for run in group.runs] for group in groups]
    background = next(iter(section.learned))

    def cells(name: str) -> list[Html]:
        return [_loss([100 * run[name] for run in runs if name in run]) for runs in lost]

    means = [
        [
            100 * statistics.mean(foreground)
            for run in runs
            if (foreground := [value for name, value in run.items() if name != background])
        ]
        for runs in lost
    ]
    names = [name for name in section.learned if any(name in run for runs in lost for run in runs)]
    head = ("class", *(group.label for group in groups))
    rows = [(name, *cells(name)) for name in names]
    rows.append((element("b", "mean, background left out"), *map(_loss, means)))
    return table(head, rows, caption="Best earlier IoU minus the last, in points")


def published_table(section: Section) -> Html | None:
    """Published lines of the same method, task and setting beside ours; None without any."""
    rows = []
    for group in section.groups:
        config = group.runs[0].config
        ours = [spread(group.means(f"mIoU_{name}")) for name in _GROUPS]
        for line in published_for(config):
            theirs = [f"{value:.1f}" for value in (line.old, line.new, line.all)]
            rows.append((group.label, *ours, *theirs, _source(line, config, group.n_steps)))
    if not rows:
        return None
    names = [f"{whose} {name}" for whose in ("ours:", "published:") for name in _GROUPS]
    return table(
        ("method", *names, element("th", "source", scope="col", class_="note")),
        rows,
        caption="mIoU in percent after the last step, background left out",
    )


def _source(line: Published, config: Mapping[str, Any], n_steps: int) -> Html:
    """Where a line is from, and what forbids to compare it with ours."""
    told = [f"VOC 2012, {line.source.network}", *differences(line, config, n_steps=n_steps)]
    settings = other_settings(line, config)
    folded = element(
        "details",
        element("summary", "settings that differ"),
        "; ".join(settings),
    )
    name = element("b", line.source.name)
    return element("td", name, ": ", "; ".join(told), folded if settings else "", class_="note")


def _heat(name: str, group: Group, step: int) -> Html:
    values = group.iou(name, step)
    if not values:  # Not learned yet, or absent from the truth.
        return element("td", "-" if name in group.runs[0].iou[step] else "")
    mean = statistics.mean(values)
    red, green, blue, _ = (round(255 * part) for part in colormaps["viridis"](mean / 100))
    ink = "#000" if mean > 60 else "#fff"
    style = f"background:rgb({red},{green},{blue});color:{ink}"
    return element("td", f"{mean:.0f}", style=style, title=spread(values))


def _loss(values: Sequence[float]) -> Html:
    """Red for what was lost, blue for what was gained, over the page's own background."""
    if not values:
        return element("td", "-")
    mean = statistics.mean(values)
    strength = round(min(abs(mean) / 100, 1) * 0.8, 2)
    colour = "214,60,40" if mean > 0 else "40,110,214"
    return element("td", spread(values), style=f"background:rgba({colour},{strength})")
