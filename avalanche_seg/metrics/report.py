"""Everything published about a run, from one confusion matrix a step."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from avalanche_seg.metrics.iou import class_accuracy, class_iou, forgetting, summarize

__all__ = ["RunReport", "StepReport"]


class StepReport:
    """The measures after one step.

    Args:
        step: number of the step.
        matrix: confusion matrix over the whole test set, int64, C x C.
        class_names: name of every channel.
        n_base: channels of step 0, background included.

    Attributes:
        step, matrix, n_base: as given.
        class_names: of the matrix's channels.
        iou, accuracy: by class name, in 0..1; NaN for a class absent from the ground truth.
        means: as :func:`avalanche_seg.metrics.iou.summarize`.
    """

    def __init__(
        self, step: int, matrix: Tensor, class_names: Sequence[str], *, n_base: int
    ) -> None:
        self.step = step
        self.matrix = matrix.cpu()
        self.n_base = n_base
        names = self.class_names = list(class_names[: len(matrix)])
        self.iou = dict(zip(names, class_iou(self.matrix).tolist(), strict=True))
        self.accuracy = dict(zip(names, class_accuracy(self.matrix).tolist(), strict=True))
        self.means = summarize(self.matrix, n_base)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; NaN becomes None."""
        return {
            "step": self.step,
            "iou": _plain(self.iou),
            "accuracy": _plain(self.accuracy),
            "means": _plain(self.means),
            "confusion_matrix": self.matrix.tolist(),
        }


class RunReport:
    """The measures of a run so far, step by step."""

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
        return {
            "steps": [
                {
                    "step": step.step,
                    "matrix": step.matrix,
                    "class_names": step.class_names,
                    "n_base": step.n_base,
                }
                for step in self.steps
            ]
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave."""
        self.steps = [StepReport(**step) for step in state["steps"]]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; NaN becomes None."""
        forgotten = self.forgetting
        background = next(iter(self.steps[-1].iou), None) if self.steps else None
        foreground = [value for name, value in forgotten.items() if name != background]
        return {
            "steps": [step.as_dict() for step in self.steps],
            "average_over_steps": _plain(self.average),
            "forgetting": _plain(forgotten),
            "mean_forgetting": _plain({"value": _mean(foreground)})["value"],
        }


def _mean(values: Sequence[float]) -> float:
    present = [value for value in values if not math.isnan(value)]
    return sum(present) / len(present) if present else math.nan


def _plain(values: dict[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in values.items()}
