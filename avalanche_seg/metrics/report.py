"""Everything published about a run: per step a confusion matrix and what else was measured."""

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from types import MappingProxyType
from typing import Any

from torch import Tensor

from avalanche_seg.metrics.iou import (
    check_matrix,
    class_accuracy,
    class_iou,
    forgetting,
    protocol_means,
)
from avalanche_seg.system import check_whole, check_wholes, shown

__all__ = ["RunReport", "StepReport", "check_names"]


class StepReport:
    """The measures after one step.

    Args:
        step: number of the step.
        matrix: confusion matrix over the whole test set, int64, C x C.
        class_names: name of every channel.
        n_base: channels of step 0, background included.
        extra: values of step metrics by name, which join the means.
        class_ids: dataset id of every channel; empty where they are not known.
        has_background: whether channel 0 is the background, or a class as any other.

    Attributes:
        step, matrix, n_base, extra, has_background: as given.
        class_names, class_ids: of the matrix's channels.
        iou, accuracy: by class name, in 0..1; NaN for a class absent from the ground truth.
        means: as :func:`avalanche_seg.metrics.protocol_means`, then ``extra``.

    Raises:
        ValueError: when there are fewer names than channels or one of them twice, the matrix is
            none of counts, ``n_base`` is more than it has, or an extra value has the name of a
            mean.

    Example:
        >>> import torch
        >>> report = StepReport(0, torch.tensor([[3, 1], [0, 2]]), ["bg", "cat"], n_base=2)
        >>> report.iou["bg"], round(report.means["mIoU_old"], 3)
        (0.75, 0.667)
    """

    def __init__(
        self,
        step: int,
        matrix: Tensor,
        class_names: Sequence[str],
        *,
        n_base: int,
        extra: Mapping[str, float] = MappingProxyType({}),
        class_ids: Sequence[int] = (),
        has_background: bool = True,
    ) -> None:
        self.step = check_whole("step", step)
        check_matrix(matrix)
        check_names(class_names, len(matrix))
        if check_whole("n_base", n_base, least=1) > len(matrix):
            raise ValueError(
                f"n_base={n_base}; expected 1..{len(matrix)}, as the matrix has {len(matrix)} "
                "classes: pass how many of them step 0 has"
            )
        self.matrix = matrix.cpu()
        self.n_base = n_base
        names = self.class_names = list(class_names[: len(matrix)])
        self.class_ids = check_wholes("class_ids", class_ids)[: len(matrix)]
        self.iou = dict(zip(names, class_iou(self.matrix).tolist(), strict=True))
        self.accuracy = dict(zip(names, class_accuracy(self.matrix).tolist(), strict=True))
        self.extra = dict(extra)
        if wrong := [name for name, value in self.extra.items() if not isinstance(value, Real)]:
            raise ValueError(f"extra[{wrong[0]!r}]={self.extra[wrong[0]]!r}; expected a number")
        self.has_background = has_background
        means = protocol_means(self.matrix, n_base, has_background=has_background)
        if taken := means.keys() & self.extra.keys():
            raise ValueError(f"the step metric's values {sorted(taken)} are means already: rename")
        self.means = means | self.extra

    def state_dict(self) -> dict[str, Any]:
        """The arguments that make this report again."""
        names = ("step", "matrix", "class_names", "n_base", "extra", "class_ids", "has_background")
        return {name: getattr(self, name) for name in names}

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; NaN becomes None."""
        return {
            "step": self.step,
            "class_ids": self.class_ids,
            "has_background": self.has_background,
            "iou": _plain(self.iou),
            "accuracy": _plain(self.accuracy),
            "means": _plain(self.means),
            "confusion_matrix": self.matrix.tolist(),
        }


class RunReport:
    """The measures of a run so far, step by step.

    Example:
        >>> import torch
        >>> report = RunReport()
        >>> for step, hits in enumerate((4, 1)):
        ...     matrix = torch.tensor([[5, 0], [4 - hits, hits]])
        ...     report.add(StepReport(step, matrix, ["bg", "cat"], n_base=2))
        >>> report.average["mIoU_all_avg"], report.forgetting["cat"]
        (0.625, 0.75)
    """

    def __init__(self) -> None:
        self.steps: list[StepReport] = []

    def add(self, report: StepReport) -> None:
        """Append the report of the next step."""
        self.steps.append(report)

    @property
    def average(self) -> dict[str, float]:
        """The "avg" of the literature: mean over steps of the mIoU of the classes seen so far."""
        return {
            f"mIoU_{group}_avg": _mean([step.means[f"mIoU_{group}"] for step in self.steps])
            for group in ("all", "all_bg")
        }

    @property
    def forgetting(self) -> dict[str, float]:
        """Best earlier IoU minus final IoU, by class name."""
        return forgetting([step.iou for step in self.steps])

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on after a checkpoint."""
        return {"steps": [step.state_dict() for step in self.steps]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave."""
        self.steps = [StepReport(**step) for step in state["steps"]]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; NaN becomes None."""
        forgotten = self.forgetting
        last = self.steps[-1] if self.steps else None
        background = next(iter(last.iou), None) if last and last.has_background else None
        foreground = [value for name, value in forgotten.items() if name != background]
        return {
            "steps": [step.as_dict() for step in self.steps],
            "average_over_steps": _plain(self.average),
            "forgetting": _plain(forgotten),
            "mean_forgetting": _plain({"value": _mean(foreground)})["value"],
        }


def check_names(names: Sequence[str], n_classes: int | None = None) -> None:
    """ValueError unless there is a name for every class, each its own: values are kept by name."""
    listed = isinstance(names, Sequence) and not isinstance(names, str)
    if not (listed and all(isinstance(name, str) for name in names)):
        raise ValueError(f"class_names={shown(names)}; expected a list of names")
    used = list(names[:n_classes])
    twice = sorted({name for name in used if used.count(name) > 1})
    if twice or (n_classes is not None and len(used) < n_classes):
        got = f"{twice[0]!r} twice" if twice else f"{len(used)} names for {n_classes} classes"
        raise ValueError(f"class_names: got {got}; expected a name of its own for each class")


def _mean(values: Sequence[float]) -> float:
    present = [value for value in values if not math.isnan(value)]
    return sum(present) / len(present) if present else math.nan


def _plain(values: dict[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in values.items()}
