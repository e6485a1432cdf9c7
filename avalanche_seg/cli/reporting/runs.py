"""What a report is made of: runs, groups that differ in their seed only, and sections by task."""

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from avalanche_seg.cli.comparing import read_runs

__all__ = ["Group", "Run", "Section", "read_sections", "spread"]


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
        if dataset != "folder":
            return str(dataset)
        return Path(self.config.get("data_root", dataset)).name

    @cached_property
    def iou(self) -> list[dict[str, float]]:
        """IoU by class name after every step, in 0..1; NaN for a class absent from the truth."""
        return [
            {name: math.nan if v is None else v for name, v in step.get("iou", {}).items()}
            for step in self.steps
        ]


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seed only.

    Attributes:
        label: the method, and what tells it from others of the section.
    """

    label: str
    runs: tuple[Run, ...]

    @property
    def n_steps(self) -> int:
        """How many steps every run of the group has finished."""
        return len(self.runs[0].steps)

    @property
    def is_bound(self) -> bool:
        """Whether it learned every class at once."""
        return self.runs[0].config.get("method") == "JOINT"

    def means(self, name: str, step: int = -1) -> list[float]:
        """A mean after a step, in percent, by run; undefined ones are left out."""
        values = [run.steps[step]["means"].get(name) for run in self.runs]
        return [100 * value for value in values if value is not None]

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
    def learned(self) -> dict[str, int]:
        """The step that brought a class, by name, in the order of channels."""
        longest = max(self.groups, key=lambda group: group.n_steps)
        names: dict[str, int] = {}
        for step, iou in enumerate(longest.runs[0].iou):
            names.update({name: step for name in iou if name not in names})
        return names


def read_sections(folders: Sequence[Path]) -> list[Section]:
    """Read run folders; a folder given twice counts once.

    Raises:
        ValueError: naming a folder without readable results, or whose results are unfinished beside
            others with the same settings.
    """
    runs = [_read(folder) for folder in {folder.resolve(): folder for folder in folders}.values()]
    sections = []
    for data in dict.fromkeys(run.data for run in runs):
        by_task: dict[str, list[Group]] = {}
        for task, group in _groups([run for run in runs if run.data == data]):
            by_task.setdefault(task, []).append(group)
        sections += [Section(data, task, tuple(groups)) for task, groups in by_task.items()]
    return sections


def spread(values: Sequence[float]) -> str:
    """Mean, and standard deviation where there are several.

    Example:
        >>> spread([1.0, 3.0]), spread([2.0]), spread([])
        ('2.0 ± 1.4', '2.0', '-')
    """
    if not values:
        return "-"
    mean = f"{statistics.mean(values):.1f}"
    return f"{mean} ± {statistics.stdev(values):.1f}" if len(values) > 1 else mean


def _groups(runs: Sequence[Run]) -> list[tuple[str, Group]]:
    """Grouped as :mod:`experiments.compare` does, which also labels them."""
    rows = read_runs([run.folder for run in runs])
    grouped: list[list[Run]] = []
    for run in runs:
        alike = [g for g in grouped if len(read_runs([g[0].folder, run.folder])) == 1]
        if alike:
            alike[0].append(run)
        else:
            grouped.append([run])
    return [
        (row.task, Group(row.label, tuple(group))) for row, group in zip(rows, grouped, strict=True)
    ]


def _read(folder: Path) -> Run:
    config, results = _load(folder / "config.json"), _load(folder / "results.json")
    missing = [key for key in ("method", "task", "setting") if not isinstance(config.get(key), str)]
    if missing:
        raise ValueError(
            f"{folder / 'config.json'} has no {' and no '.join(missing)}; pass the folder of a run"
        )
    steps = results.get("steps")
    if not isinstance(steps, list) or not steps or not all("means" in step for step in steps):
        raise ValueError(
            f"{folder / 'results.json'} holds no finished step; expected one or more: leave it out"
        )
    return Run(folder, config, results)


def _load(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} cannot be read ({error}); expected the folder of a run with at least one "
            "finished step: pass one, or leave it out"
        ) from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds no JSON object; pass the folder of a run")
    return content
