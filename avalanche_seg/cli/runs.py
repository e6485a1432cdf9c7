"""Finished runs, groups of runs that differ in their seed only, and sections by task."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from avalanche_seg.cli.options.options import NOT_DETERMINING
from avalanche_seg.cli.options.own_data import OWN_DATA, own_name
from avalanche_seg.metrics import protocol_means

__all__ = ["EXTRA_DIGITS", "Group", "Run", "Section", "legend_file", "spread"]

EXTRA_DIGITS = 3
"""Decimals of a step metric's values, which are shown as they are."""

_PROTOCOL = frozenset(protocol_means(torch.zeros(1, 1, dtype=torch.int64), n_base=1))
_NOT_A_SETTING = (NOT_DETERMINING - {"data_root", "images"}) | {
    *("random_seed", "seed", "resolved_device", "method_options", "n_exemplars"),
}


@dataclass(frozen=True)
class Run:
    """One run's folder with the content of its config.json and results.json."""

    folder: Path
    config: dict[str, Any]
    results: dict[str, Any]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The measures after every step."""
        return self.results["steps"]

    @property
    def finished(self) -> datetime:
        """When its results were last written, in local time."""
        return datetime.fromtimestamp((self.folder / "results.json").stat().st_mtime)

    @property
    def data(self) -> str:
        """The data set; a folder of one's own by its name."""
        dataset = self.config.get("dataset", "unknown data")
        if dataset in OWN_DATA:
            return own_name(self.config)
        return Path(self.config["data_root"]).name if dataset == "folder" else str(dataset)

    @cached_property
    def iou(self) -> list[dict[str, float]]:
        """IoU by class name after every step, in 0..1; NaN for a class absent from the truth."""
        return [
            {name: math.nan if v is None else v for name, v in step.get("iou", {}).items()}
            for step in self.steps
        ]

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What tells the run from others, its seed left out."""
        # A method's own arguments count like any other setting; the memory's size is in both.
        flat = self.config | (self.config.get("method_options") or {})
        return {name: value for name, value in flat.items() if name not in _NOT_A_SETTING}


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seed only.

    Attributes:
        label: the method and, where groups of a task share it, what tells them apart.
    """

    label: str
    runs: tuple[Run, ...]

    @property
    def n_steps(self) -> int:
        """How many steps every run of the group has finished."""
        return len(self.runs[0].steps)

    @property
    def knows_iou(self) -> bool:
        """Whether its runs tell the IoU by class."""
        return any(self.runs[0].iou)

    @property
    def is_bound(self) -> bool:
        """Whether it learned every class at once."""
        return self.runs[0].config["method"] == "JOINT"

    def values(self, name: str, step: int = -1) -> list[float]:
        """A mean or a step metric's value after a step, by run; undefined ones are left out."""
        found = [run.steps[step]["means"].get(name) for run in self.runs]
        return [value for value in found if value is not None]

    def means(self, name: str, step: int = -1) -> list[float]:
        """A mean after a step, in percent, by run; undefined ones are left out."""
        return [100 * value for value in self.values(name, step)]

    def averages(self) -> list[float]:
        """The mIoU of all seen classes, averaged over the steps, in percent, by run."""
        by_run = [[step["means"].get("mIoU_all") for step in run.steps] for run in self.runs]
        present = [[value for value in values if value is not None] for values in by_run]
        return [100 * statistics.mean(values) for values in present if values]

    def iou(self, name: str, step: int) -> list[float]:
        """The IoU of a class after a step, in percent, by run; undefined ones are left out."""
        values = [run.iou[step].get(name, math.nan) for run in self.runs]
        return [100 * value for value in values if not math.isnan(value)]


@dataclass(frozen=True)
class Section:
    """The groups of one data set and task.

    Attributes:
        data: name of the data set.
        task: such as "15-5 overlapped".
    """

    data: str
    task: str
    groups: tuple[Group, ...]

    @property
    def title(self) -> str:
        """Task and data."""
        return f"{self.task} on {self.data}"

    @property
    def n_steps(self) -> int:
        """Steps of the longest group."""
        return max(group.n_steps for group in self.groups)

    @property
    def has_background(self) -> bool:
        """Whether the first class is the background."""
        return bool(self.groups[0].runs[0].steps[-1].get("has_background", True))

    @property
    def learned(self) -> dict[str, int]:
        """The step that brought a class, by name, in the order of channels."""
        longest = max(self.groups, key=lambda group: group.n_steps)
        names: dict[str, int] = {}
        for step, iou in enumerate(longest.runs[0].iou):
            names.update({name: step for name in iou if name not in names})
        return names

    @property
    def extra(self) -> list[str]:
        """The values of step metrics that some run has."""
        runs = [run for group in self.groups for run in group.runs]
        names = [name for run in runs for step in run.steps for name in step["means"]]
        return list(dict.fromkeys(name for name in names if name not in _PROTOCOL))


def legend_file(run: Path) -> Path:
    """Where a run keeps the colours of its pictures: class name -> red, green, blue."""
    return run / "predictions" / "classes.json"


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Mean, and standard deviation where there are several.

    Example:
        >>> spread([1.0, 3.0]), spread([2.0], digits=3), spread([])
        ('2.0 ± 1.4', '2.000', '-')
    """
    if not values:
        return "-"
    mean = f"{statistics.mean(values):.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else mean
