"""IoU seen through Avalanche's evaluation plugin and its loggers."""

import math
from collections.abc import Sequence
from typing import Any

from avalanche.evaluation import PluginMetric
from avalanche.evaluation.metric_results import MetricValue
from avalanche.evaluation.metric_utils import get_metric_name
from torch import Tensor

from avalanche_seg.labels import N_LABELS
from avalanche_seg.metrics.confusion_matrix import ConfusionMatrix
from avalanche_seg.metrics.iou import class_iou, summarize

__all__ = ["MeanIoU", "mean_iou_metrics"]


class MeanIoU(PluginMetric[dict[str, float]]):
    """mIoU of every class group, and IoU by class, after each evaluation experience.

    Values are emitted under ``mIoU_all/eval_phase/test_stream/Exp000`` and so on (see
    :func:`avalanche_seg.metrics.iou.summarize` for the names), and by class under
    ``IoU/eval_phase/test_stream/Exp000/<class>``. A mean over no class is not emitted.

    Args:
        class_names: name of every channel; default the benchmark's ``class_names``.
        base_classes: the channels of step 0, background included or not; default the experience's
            ``base_classes``.
        per_class: emit the IoU of every class.
    """

    def __init__(
        self,
        *,
        class_names: Sequence[str] | None = None,
        base_classes: Sequence[int] | None = None,
        per_class: bool = True,
    ) -> None:
        super().__init__()
        self.class_names = class_names
        self.base_classes = base_classes
        self.per_class = per_class
        self._confusion = ConfusionMatrix()
        self._n_base = 0

    @property
    def matrix(self) -> Tensor:
        """Confusion matrix of the last evaluation experience, int64, C x C, on the CPU."""
        return self._confusion.result().cpu()

    def reset(self) -> None:
        """Forget the counts."""
        self._confusion.reset()

    def result(self) -> dict[str, float]:
        """The means of the last evaluation experience, NaN left out."""
        return _present(summarize(self.matrix, self._n_base))

    def before_eval_exp(self, strategy: Any) -> None:
        """Start counting."""
        self.reset()
        base = self.base_classes
        if base is None:
            # Without steps to tell apart, every class is a base class.
            base = getattr(strategy.experience, "base_classes", range(N_LABELS))
        self._n_base = max(base) + 1

    def after_eval_iteration(self, strategy: Any) -> None:
        """Count a batch.

        Raises:
            ValueError: when there are fewer class names than channels.
        """
        output = strategy.mb_output
        logits = getattr(output, "logits", output)
        if self.class_names is not None and len(self.class_names) < logits.shape[1]:
            raise ValueError(
                f"got {len(self.class_names)} class_names for {logits.shape[1]} channels; expected "
                "one a channel, the background first"
            )
        # Strategies of this package predict once for all metrics.
        prediction = getattr(strategy, "mb_prediction", None)
        self._confusion.update(logits, strategy.mb_y, prediction)

    def after_eval_exp(self, strategy: Any) -> list[MetricValue]:
        """Emit the values of this experience, counted over all processes."""
        self._confusion.sum_over_processes()
        matrix = self.matrix
        if len(matrix) == 0:
            return []
        step = strategy.clock.train_iterations
        values: list[tuple[str, Any]] = list(self.result().items())
        if self.per_class:
            names = self.names_of(strategy.experience, len(matrix))
            values.append(
                ("IoU", _present(dict(zip(names, class_iou(matrix).tolist(), strict=True))))
            )
        return [
            MetricValue(
                self,
                get_metric_name(name, strategy, add_experience=True, add_task=False),
                value,
                step,
            )
            for name, value in values
        ]

    def names_of(self, experience: Any, n_classes: int) -> Sequence[str]:
        """The names of the first ``n_classes`` channels of an experience."""
        names = self.class_names
        if names is None:
            benchmark = getattr(experience.origin_stream, "benchmark", None)
            names = getattr(benchmark, "class_names", [str(i) for i in range(n_classes)])
        return names[:n_classes]

    def __str__(self) -> str:
        return "mIoU"


def mean_iou_metrics(
    *,
    class_names: Sequence[str] | None = None,
    base_classes: Sequence[int] | None = None,
    per_class: bool = True,
) -> list[MeanIoU]:
    """The segmentation metrics for an ``EvaluationPlugin``; arguments as in :class:`MeanIoU`."""
    return [MeanIoU(class_names=class_names, base_classes=base_classes, per_class=per_class)]


def _present(values: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if not math.isnan(value)}
