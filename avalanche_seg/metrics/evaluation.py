"""What further metrics of an evaluation see and give: one interface for any of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from avalanche_seg.kernels import predicted_labels
from avalanche_seg.loading import batch_extras

__all__ = ["EvalBatch", "StepMetric", "eval_batch"]


@dataclass(frozen=True)
class EvalBatch:
    """One batch of an evaluation, as metrics see it.

    Attributes:
        logits: raw channels of the model, floating point, B x n_channels x h x w.
        scores: from raw channels to one score per class, B x n_classes x h x w; None in models
            that know nothing of it, whose channels are classes.
        target: channels of classes, integer, B x H x W. What is not in 0..n_classes-1 is
            unlabelled: void, and classes that the model has not learned yet.
        prediction: the classes' channels of highest score, int64, B x H x W.
        images: as the model got them, B x 3 x H x W.
        n_classes: C, background included.
        extras: named maps that the samples carry beside their label maps.
    """

    logits: Tensor
    scores: Callable[[Tensor], Tensor] | None
    target: Tensor
    prediction: Tensor
    images: Tensor
    n_classes: int
    extras: Mapping[str, Tensor]


class StepMetric(Protocol):
    """A measure of one evaluation that :class:`MeanIoU` takes along.

    Its values join the means of a :class:`StepReport`, and so reach loggers, ``results.json``,
    ``metrics.csv``, the printed table, ``compare`` and ``report``.
    """

    def reset(self) -> None:
        """Start a new evaluation."""

    def update(self, batch: EvalBatch) -> None:
        """Add a batch."""

    def all_reduce(self) -> None:
        """Add what the other processes have seen; each calls it once, after its last batch."""

    def compute(self, groups: Mapping[str, Sequence[int]]) -> dict[str, float]:
        """The values of this evaluation.

        Args:
            groups: as :func:`avalanche_seg.metrics.class_groups`.

        Returns:
            by name, such as "boundary_IoU_old"; NaN where there is nothing to measure. Tables show
            them as they are, without turning them into percent.
        """


def eval_batch(strategy: Any) -> EvalBatch:
    """The batch that a strategy has just evaluated.

    A strategy of this package predicts once for all metrics (``mb_prediction``); for others the
    logits are resized and argmaxed here.
    """
    output, target = strategy.mb_output, strategy.mb_y
    model = getattr(strategy, "model", None)
    logits, scores = getattr(output, "logits", output), getattr(model, "scores", None)
    prediction = getattr(strategy, "mb_prediction", None)
    if prediction is None:
        size = (target.shape[-2], target.shape[-1])
        prediction = predicted_labels(logits, size, scores=scores)
    return EvalBatch(
        logits=logits,
        scores=scores,
        target=target,
        prediction=prediction,
        images=strategy.mb_x,
        n_classes=getattr(model, "n_classes", logits.shape[1]),
        extras=batch_extras(getattr(strategy, "mbatch", ())),
    )
