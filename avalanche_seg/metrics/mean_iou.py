"""IoU and step metrics as a metric of Avalanche's evaluation plugin."""

import math
from collections.abc import Sequence
from typing import Any

from avalanche.evaluation import PluginMetric
from avalanche.evaluation.metric_results import MetricValue
from avalanche.evaluation.metric_utils import get_metric_name
from torch import Tensor

from avalanche_seg.labels import WIDE_VOID
from avalanche_seg.metrics.confusion_matrix import ConfusionMatrix
from avalanche_seg.metrics.domain_iou import DomainIoU
from avalanche_seg.metrics.evaluation import StepMetric, eval_batch
from avalanche_seg.metrics.iou import class_groups, protocol_means
from avalanche_seg.metrics.report import StepReport, check_names
from avalanche_seg.system import check_flags, check_wholes

__all__ = ["MeanIoU", "ids_of", "mean_iou_metrics"]


class MeanIoU(PluginMetric[dict[str, float]]):
    """mIoU of every class group, and IoU by class, after each evaluation experience.

    Values are emitted under ``mIoU_all/eval_phase/test_stream/Exp000`` and so on (see
    :func:`avalanche_seg.metrics.protocol_means` for the names), and by class under
    ``IoU/eval_phase/test_stream/Exp000/<class>``. A mean over no class is not emitted. Where steps
    are domains, a :class:`~avalanche_seg.metrics.DomainIoU` is measured along.

    Args:
        class_names: name of every channel; default the benchmark's ``class_names``.
        base_classes: the channels of step 0, background included or not; default the experience's
            ``base_classes``.
        per_class: emit the IoU of every class.
        metrics: step metrics to measure along; their values are emitted like the means.

    Example:
        >>> from avalanche.training.plugins import EvaluationPlugin
        >>> iou = MeanIoU(class_names=["background", "cat"])
        >>> evaluator = EvaluationPlugin(iou, loggers=[])  # After eval(): iou.report(step)
    """

    def __init__(
        self,
        *,
        class_names: Sequence[str] | None = None,
        base_classes: Sequence[int] | None = None,
        per_class: bool = True,
        metrics: Sequence[StepMetric] = (),
    ) -> None:
        super().__init__()
        if class_names is not None:
            check_names(class_names)
        if base_classes is not None and not check_wholes("base_classes", base_classes):
            raise ValueError("base_classes=[]; expected the channels of step 0, or None")
        check_flags(per_class=per_class)
        self.class_names = class_names
        self.base_classes = base_classes
        self.per_class = per_class
        self.metrics = tuple(metrics)
        self._measured = self.metrics
        self._has_background = True
        self._confusion = ConfusionMatrix()
        self._n_base = 0
        self._extra: dict[str, float] = {}
        self._reports: dict[int, StepReport] = {}

    @property
    def matrix(self) -> Tensor:
        """Confusion matrix of the last evaluation experience, int64, C x C, on the CPU."""
        return self._confusion.result().cpu()

    def reset(self) -> None:
        """Forget the counts; the reports stay."""
        self._confusion.reset()
        self._extra = {}
        for metric in self._measured:
            metric.reset()

    def result(self) -> dict[str, float]:
        """The means of the last evaluation experience, NaN left out."""
        means = protocol_means(self.matrix, self._n_base, has_background=self._has_background)
        return _present(means | self._extra)

    def report(self, step: int) -> StepReport:
        """Everything measured in the last evaluation of a step.

        Args:
            step: number of the experience.

        Raises:
            ValueError: when that step was not evaluated.
        """
        if step not in self._reports:
            known = ", ".join(map(str, sorted(self._reports))) or "none"
            raise ValueError(
                f"step {step} was not evaluated; expected one of those evaluated ({known}): call "
                "strategy.eval() on it first"
            )
        return self._reports[step]

    def before_eval_exp(self, strategy: Any) -> None:
        """Start counting."""
        experience = strategy.experience
        space = getattr(experience, "label_space", None)
        self._has_background = getattr(space, "has_background", True)
        self._measured = (*self.metrics, *_of_domains(experience))
        self.reset()
        base = self.base_classes
        if base is None:
            # Without steps to tell apart, every class is a base class.
            base = getattr(experience, "base_classes", range(WIDE_VOID))
        self._n_base = max(base) + 1

    def after_eval_iteration(self, strategy: Any) -> None:
        """Count a batch.

        Raises:
            ValueError: when there are fewer class names than channels.
        """
        batch = eval_batch(strategy)
        if self.class_names is not None and len(self.class_names) < batch.n_classes:
            raise ValueError(
                f"got {len(self.class_names)} class_names for {batch.n_classes} channels; expected "
                "one per channel, the background first"
            )
        self._confusion.n_classes = batch.n_classes
        self._confusion.update(batch.prediction, batch.target)
        for metric in self._measured:
            metric.update(batch)

    def after_eval_exp(self, strategy: Any) -> list[MetricValue]:
        """Emit the values of this experience, counted over all processes."""
        self._confusion.all_reduce()
        for metric in self._measured:
            metric.all_reduce()
        matrix, experience = self.matrix, strategy.experience
        if len(matrix) == 0:
            return []
        if self.base_classes is None:  # All classes, where the model has no more.
            self._n_base = min(self._n_base, len(matrix))
        groups = class_groups(self._n_base, len(matrix), has_background=self._has_background)
        for metric in self._measured:
            self._extra |= metric.compute(groups)
        report = self._reports[experience.current_experience] = StepReport(
            experience.current_experience,
            matrix,
            self.names_of(experience, len(matrix)),
            n_base=self._n_base,
            extra=self._extra,
            class_ids=ids_of(experience),
            has_background=self._has_background,
        )
        values: list[tuple[str, Any]] = list(_present(report.means).items())
        if self.per_class:
            values.append(("IoU", _present(report.iou)))
        return [
            MetricValue(
                self,
                get_metric_name(name, strategy, add_experience=True, add_task=False),
                value,
                strategy.clock.train_iterations,
            )
            for name, value in values
        ]

    def names_of(self, experience: Any, n_classes: int) -> Sequence[str]:
        """The names of the first ``n_classes`` channels of an experience."""
        names = self.class_names
        if names is None:
            benchmark = getattr(experience.origin_stream, "benchmark", None)
            names = getattr(benchmark, "class_names", ())
        # A network that does not grow may have channels that the benchmark has no class for.
        return [*names[:n_classes], *(str(i) for i in range(len(names), n_classes))]

    def __str__(self) -> str:
        return "mIoU"


def _of_domains(experience: Any) -> tuple[DomainIoU, ...]:
    """The measure of the domains of a test experience, where steps are domains."""
    samples_tell = "domain" in getattr(getattr(experience, "data", None), "per_image", ())
    # A single domain's value would be the mean over all classes.
    if not samples_tell or not experience.label_space.is_domain_incremental:
        return ()
    return (DomainIoU(len(experience.domains)),)


def ids_of(experience: Any) -> Sequence[int]:
    """The dataset id of every channel of an experience; empty where it knows none."""
    return getattr(getattr(experience, "label_space", None), "class_order", ())


def mean_iou_metrics(
    *,
    class_names: Sequence[str] | None = None,
    base_classes: Sequence[int] | None = None,
    per_class: bool = True,
    metrics: Sequence[StepMetric] = (),
) -> list[MeanIoU]:
    """The segmentation metrics for an ``EvaluationPlugin``.

    Args:
        class_names: as in :class:`MeanIoU`.
        base_classes: as in :class:`MeanIoU`.
        per_class: as in :class:`MeanIoU`.
        metrics: as in :class:`MeanIoU`.

    Example:
        >>> from avalanche.training.plugins import EvaluationPlugin
        >>> from avalanche_seg.metrics import METRICS
        >>> metrics = mean_iou_metrics(metrics=[METRICS["boundary_iou"]()])
        >>> evaluator = EvaluationPlugin(metrics, loggers=[])
    """
    return [
        MeanIoU(
            class_names=class_names,
            base_classes=base_classes,
            per_class=per_class,
            metrics=metrics,
        )
    ]


def _present(values: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if not math.isnan(value)}
