"""The classification term of an objective: a criterion on the main and the auxiliary outputs."""

import copy
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from avalanche_seg.labels import VOID, ignored_label
from avalanche_seg.losses.annotated import annotated_cross_entropy
from avalanche_seg.losses.criterion import LabelCriterion
from avalanche_seg.losses.cross_entropy import UnbiasedCrossEntropy
from avalanche_seg.losses.external import (
    AtTargetSize,
    Criterion,
    at_target_size,
    criterion_of_step,
)
from avalanche_seg.losses.mib import mib_loss
from avalanche_seg.losses.objective import Objective, StepBatch
from avalanche_seg.losses.reduction import reduced, weighted_reduction
from avalanche_seg.losses.teacher_terms import UnbiasedDistillationTerm

__all__ = [
    "AnnotatedClassification",
    "Classification",
    "CriterionObjective",
]


class Classification(ABC):
    """An objective of the one term "classification": the sum of a loss over all outputs.

    Main and auxiliary outputs count with weight 1 each.
    """

    needs_teacher = False

    @abstractmethod
    def level(self, logits: Tensor, batch: StepBatch) -> Tensor:
        """The loss of one output, a scalar; ``batch.weight`` is the subclass's to apply.

        Args:
            logits: of the main or an auxiliary head, B x C x h x w.
            batch: what they belong to.
        """

    def __call__(self, batch: StepBatch) -> dict[str, Tensor]:
        """The sum over the outputs."""
        levels = (batch.output.logits, *batch.output.aux)
        losses = torch.stack([self.level(logits, batch) for logits in levels])
        return {"classification": losses.sum()}


@dataclass(frozen=True)
class CriterionObjective(Classification):
    """A criterion as an objective.

    A criterion with a method ``at_step(n_old)`` is asked for the one of the step, with
    ``StepBatch.n_hidden``. Where the batch
    has a weight, the pixels' losses are weighed before they are reduced; for that the criterion
    needs the attributes ``reduction`` and ``ignore_index``, as ours and torch's have them.

    Args:
        criterion: ``(logits, target) -> scalar``.
    """

    criterion: Criterion
    channels_are_classes: ClassVar[bool] = True

    def level(self, logits: Tensor, batch: StepBatch) -> Tensor:
        """The criterion of one output.

        Raises:
            ValueError: when the batch has a weight and the criterion gives no map of pixels.
        """
        criterion = criterion_of_step(self.criterion, batch.n_hidden)
        if batch.weight is None:
            return criterion(logits, batch.target)
        return _weighted(criterion, logits, batch.target, batch.weight)

    def fuse(self, other: Objective) -> Objective | None:
        """MiB's cross entropy and distillation in one pass over the pixels; else None."""
        criterion = self.criterion
        # Subclasses may compute something else, and other reductions are rarely used.
        exact = type(self) is CriterionObjective and type(other) is UnbiasedDistillationTerm
        if exact and type(criterion) is UnbiasedCrossEntropy and criterion.reduction == "mean_all":
            return _FusedMiB(self, cast(UnbiasedDistillationTerm, other))
        return None


@dataclass(frozen=True)
class AnnotatedClassification(Classification):
    """The unbiased cross entropy by what each image annotates; plain where nothing is hidden.

    Samples bring the extra "annotated", bool B x C; see
    :func:`avalanche_seg.losses.annotated_cross_entropy`.

    Args:
        first: the criterion of step 0.
    """

    first: Criterion
    channels_are_classes: ClassVar[bool] = True

    def level(self, logits: Tensor, batch: StepBatch) -> Tensor:
        """The loss of one output."""
        if batch.n_hidden == 0:
            return CriterionObjective(self.first).level(logits, batch)
        annotated = batch.extras["annotated"][:, : logits.shape[1]]
        if batch.weight is None:
            return annotated_cross_entropy(logits, batch.target, annotated)
        pixels = annotated_cross_entropy(logits, batch.target, annotated, reduction="none")
        return weighted_reduction(pixels, batch.weight)


@dataclass(frozen=True)
class _FusedMiB:
    """UNCE and UNKD, which share the resize and the exponentials of the main output."""

    classification: CriterionObjective
    distillation: UnbiasedDistillationTerm

    needs_teacher = True

    def __call__(self, batch: StepBatch) -> dict[str, Tensor]:
        ours, theirs = self.classification, self.distillation
        if batch.teacher is None or batch.weight is not None or batch.n_hidden == 0:
            return ours(batch) | theirs(batch)
        criterion: Any = ours.criterion
        ce, kd = mib_loss(
            batch.output.logits,
            batch.target,
            batch.teacher.logits,
            n_old=batch.n_old,
            teacher_scale=theirs.teacher_scale,
            ignore_index=criterion.ignore_index,
        )
        aux = [ours.level(logits, batch) for logits in batch.output.aux]
        return {
            "classification": torch.stack([ce, *aux]).sum(),
            theirs.name: theirs.weight * kd,
        }

    def fuse(self, other: Objective) -> Objective | None:
        """Nothing more."""
        return None


def _weighted(criterion: Any, logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    inner: Any = criterion.criterion if isinstance(criterion, AtTargetSize) else criterion
    reduction = getattr(inner, "reduction", None)
    if reduction is None:
        raise ValueError(
            f"got a weight of images or pixels for the criterion {type(inner).__name__}; "
            "expected one with the attributes reduction and ignore_index, such as CrossEntropy"
        )
    ignored = ignored_label(getattr(inner, "ignore_index", VOID), logits.shape[1])
    valid = target != ignored
    if isinstance(inner, LabelCriterion) and weight.ndim == 1 and reduction != "none":
        # A sum per image takes one sweep over the pixels, a map and its gradient two.
        of_image = copy.copy(inner)
        of_image.reduction = "sum"
        images = zip(logits.split(1), target.split(1), strict=True)
        total = (torch.stack([of_image(*image) for image in images]) * weight).sum()
        return reduced(total, reduction, n_pixels=target.numel(), valid=valid)
    of_pixels = copy.copy(inner)
    of_pixels.reduction = "none"
    losses = at_target_size(of_pixels)(logits, target)
    return weighted_reduction(losses, weight, reduction=reduction, valid=valid)
