"""Groups of runs that differ in their seed only, and sections of them by task."""

import math
import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch

from avalanche_seg.cli.runs import Run
from avalanche_seg.metrics import protocol_means

__all__ = ["Group", "Section", "labelled"]

_PROTOCOL = frozenset(protocol_means(torch.zeros(1, 1, dtype=torch.int64), n_base=1))


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

    @property
    def n_seeds(self) -> int:
        """How many seeds its runs have; those that tell none count each."""
        seeds = [run.seed for run in self.runs]
        return len({seed for seed in seeds if seed is not None}) + seeds.count(None)

    @property
    def minutes(self) -> float | None:
        """How long a run took on average; None where none tells."""
        seconds = [run.results["seconds"] for run in self.runs if "seconds" in run.results]
        return statistics.mean(seconds) / 60 if seconds else None

    @property
    def peak_memory(self) -> str:
        """The most that a run needed, with its kind; a dash where none tells.

        "RAM" is a process's resident memory, "GPU" what torch's allocator gave to tensors.
        """
        peaks = [run.peak_memory for run in self.runs]
        known = [(kind == "gpu", n) for kind, n in filter(None, peaks)]
        if not known:
            return "-"
        on_gpu, most = max(known)
        return f"{most / 2**30:.1f} GiB {'GPU' if on_gpu else 'RAM'}"

    def by_seed(self, name: str) -> dict[int, float]:
        """A mean after the last step, in percent, by seed; runs that tell none are left out."""
        found: dict[int, list[float]] = {}
        for run in self.runs:
            value = run.steps[-1]["means"].get(name)
            if run.seed is not None and value is not None:
                found.setdefault(run.seed, []).append(100 * value)
        return {seed: statistics.mean(values) for seed, values in found.items()}

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

    def name_of(self, group: Group) -> str:
        """The label of a group, which says so where it has not finished every step."""
        if group.is_bound or group.n_steps == self.n_steps:
            return group.label
        return f"{group.label}, unfinished: after step {group.n_steps - 1} of {self.n_steps - 1}"

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


def labelled(groups: Sequence[Sequence[Run]], *, without: Collection[str] = ()) -> list[Group]:
    """Every group with its method, and the settings in which groups of one method differ.

    Args:
        groups: runs that differ in their seed only.
        without: settings that tell no groups apart.
    """
    found = []
    for runs in groups:
        mine = runs[0].settings
        alike = [g[0].settings for g in groups if g[0].settings["method"] == mine["method"]]
        differing = [
            key
            for key in mine
            if key not in without and any(other.get(key) != mine[key] for other in alike)
        ]
        details = ", ".join(f"{key} {mine[key]}" for key in differing)
        label = f"{mine['method']} ({details})" if details else mine["method"]
        found.append(Group(label, tuple(runs)))
    return found
