"""The classification term of an objective: a criterion on the main and the auxiliary outputs."""

import copy
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from avalanche_seg.labels import VOID
from avalanche_seg.losses.annotated import annotated_cross_entropy
from avalanche_seg.losses.cross_entropy import UnbiasedCrossEntropy
from avalanche_seg.losses.external import Criterion, criterion_of_step
from avalanche_seg.losses.mib import mib_loss
from avalanche_seg.losses.objective import Objective, StepBatch
from avalanche_seg.losses.reduction import weighted_reduction
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
        """The loss of one output, a scalar.

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

    A criterion with a method ``at_step(n_old)`` is asked for the one of the step. Where the batch
    has a weight, the pixels' losses are weighed before they are reduced; for that the criterion
    needs the attributes ``reduction`` and ``ignore_index``, as ours and torch's have them.

    Args:
        criterion: ``(logits, target) -> scalar``.
    """

    criterion: Criterion

    def level(self, logits: Tensor, batch: StepBatch) -> Tensor:
        """The criterion of one output.

        Raises:
            ValueError: when the batch has a weight and the criterion gives no map of pixels.
        """
        criterion = criterion_of_step(self.criterion, batch.n_old)
        if batch.weight is None:
            return criterion(logits, batch.target)
        return _weighted(criterion, logits, batch.target, batch.weight)

    def fuse(self, other: Objective) -> Objective | None:
        """MiB's cross entropy and distillation in one pass over the pixels; else None."""
        criterion = self.criterion
        # A subclass may compute another loss, and other reductions are rarely used.
        unbiased = type(criterion) is UnbiasedCrossEntropy and criterion.reduction == "mean_all"
        if unbiased and isinstance(other, UnbiasedDistillationTerm):
            return _FusedMiB(self, other)
        return None


@dataclass(frozen=True)
class AnnotatedClassification(Classification):
    """The unbiased cross entropy by what each image annotates; plain at step 0.

    Samples bring the extra "annotated", bool B x C; see
    :func:`avalanche_seg.losses.annotated_cross_entropy`.

    Args:
        first: the criterion of step 0.
    """

    first: Criterion

    def level(self, logits: Tensor, batch: StepBatch) -> Tensor:
        """The loss of one output."""
        if batch.n_old == 0:
            return self.first(logits, batch.target)
        annotated = batch.extras["annotated"][:, : logits.shape[1]]
        return annotated_cross_entropy(logits, batch.target, annotated)


@dataclass(frozen=True)
class _FusedMiB:
    """UNCE and UNKD, which share the resize and the exponentials of the main output."""

    classification: CriterionObjective
    distillation: UnbiasedDistillationTerm

    needs_teacher = True

    def __call__(self, batch: StepBatch) -> dict[str, Tensor]:
        ours, theirs = self.classification, self.distillation
        if batch.teacher is None or batch.weight is not None:
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
    reduction = getattr(criterion, "reduction", None)
    if reduction is None:
        raise ValueError(
            f"got a weight of images or pixels for the criterion {type(criterion).__name__}; "
            "expected one with the attributes reduction and ignore_index, such as CrossEntropy"
        )
    of_pixels = copy.copy(criterion)
    of_pixels.reduction = "none"
    valid = target != getattr(criterion, "ignore_index", VOID)
    return weighted_reduction(of_pixels(logits, target), weight, reduction=reduction, valid=valid)
