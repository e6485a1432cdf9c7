"""What the tables of a report show: which means, forgetting by class, and the cells' colours."""

import statistics
from collections.abc import Sequence
from typing import Final

from matplotlib import colormaps

from avalanche_seg.cli.groups import Group, Section
from avalanche_seg.metrics import forgetting

__all__ = ["MEANS", "SUMMARY", "forgetting_rows", "heat_style", "loss_style", "minutes"]

MEANS: Final = {
    "old": "mIoU_old",
    "new": "mIoU_new",
    "all": "mIoU_all",
    "old with bg": "mIoU_old_bg",
    "new with bg": "mIoU_new_bg",
    "all with bg": "mIoU_all_bg",
    "harmonic": "mIoU_harmonic",
    "pixel accuracy": "pixel_accuracy",
    "mean class accuracy": "mean_class_accuracy",
}
"""The means of a step as columns are headed."""

SUMMARY: Final = ("old", "new", "all", "old with bg", "all with bg", "pixel accuracy")
"""Those of them that the summary shows."""


def minutes(group: Group) -> str:
    """How long a run took on average."""
    return "-" if group.minutes is None else f"{group.minutes:.1f}"


def forgetting_rows(section: Section) -> tuple[list[Group], dict[str, list[list[float]]]]:
    """Best earlier IoU minus the last, in points.

    Returns:
        the groups with a second step, and by class and at last for the mean over the foreground
        what every run of each of them lost.
    """
    groups = [group for group in section.groups if group.n_steps > 1 and group.runs[0].iou[-1]]
    lost = [[forgetting(run.iou) for run in group.runs] for group in groups]
    names = [name for name in section.learned if any(name in run for runs in lost for run in runs)]
    rows = {
        name: [[100 * run[name] for run in runs if name in run] for runs in lost] for name in names
    }
    background = next(iter(section.learned), None) if section.has_background else None
    foreground = [[[v for n, v in run.items() if n != background] for run in runs] for runs in lost]
    rows["mean, background left out"] = [
        [100 * statistics.mean(values) for values in runs if values] for runs in foreground
    ]
    return groups, rows


def heat_style(values: Sequence[float]) -> str:
    """The CSS of an IoU's cell, from dark (0) to bright (100).

    Example:
        >>> heat_style([0.0]), heat_style([90.0, 110.0])
        ('background:rgb(68,1,84);color:#fff', 'background:rgb(253,231,37);color:#000')
    """
    mean = statistics.mean(values)
    red, green, blue, _ = (round(255 * part) for part in colormaps["viridis"](mean / 100))
    return f"background:rgb({red},{green},{blue});color:{'#000' if mean > 60 else '#fff'}"


def loss_style(values: Sequence[float]) -> str:
    """The CSS of a loss's cell: red for lost, blue for gained, over the page's own background.

    Example:
        >>> loss_style([50.0]), loss_style([-100.0])
        ('background:rgba(214,60,40,0.4)', 'background:rgba(40,110,214,0.8)')
    """
    mean = statistics.mean(values)
    colour = "214,60,40" if mean > 0 else "40,110,214"
    return f"background:rgba({colour},{round(min(abs(mean) / 100, 1) * 0.8, 2)})"
