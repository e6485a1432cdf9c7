"""DKD's losses: sigmoids without a background channel, and logits distilled in two parts."""

from dataclasses import dataclass

import torch
from torch import Tensor

from avalanche_seg.kernels import LabelSigmoid
from avalanche_seg.labels import VOID
from avalanche_seg.losses._checks import label_loss
from avalanche_seg.losses.binary import icarl_distillation
from avalanche_seg.losses.classification import Classification
from avalanche_seg.losses.objective import DenseOutput, StepBatch, TeacherTerm
from avalanche_seg.losses.reduction import Reduction, weighted_reduction
from avalanche_seg.system import check_number

__all__ = [
    "AuxiliaryClassification",
    "DecomposedTerm",
    "OldClassesTerm",
    "auxiliary_binary_cross_entropy",
]

_FIRST = 1  # Channel 0 is the auxiliary one.


def auxiliary_binary_cross_entropy(
    logits: Tensor,
    target: Tensor,
    *,
    n_old: int = 0,
    positive_weight: float = 1.0,
    reduction: Reduction = "mean_all",
) -> Tensor:
    """DKD's mBCE of a step's classes, plus its loss of the auxiliary channel.

    Baek et al., "Decomposed Knowledge Distillation for Class-Incremental Semantic Segmentation",
    NeurIPS 2022, eq. 4 and 11: with s = sigmoid(z) a pixel costs, summed over the step's classes n,

    -g [y = n] log s_n - [y != n] log(1 - s_n),

    and -log(1 - s_0) for the auxiliary channel. Every pixel counts: those of the background, of old
    classes and void ones are negatives of all.

    Args:
        logits: floating point, B x C x h x w: the auxiliary channel, then classes 1..C-1; resized
            bilinearly to the target.
        target: class labels, int64, B x H x W, 0 for the background.
        n_old: classes before this step, background included; 0 at step 0.
        positive_weight: g; 2 at step 0 and 1 later on VOC, 35 on ADE20K.
        reduction: "mean_all" and "mean" (every pixel counts, so both agree), "sum" or "none"
            (B x H x W).

    Returns:
        scalar, or B x H x W for "none"; float32, or float64 for float64 logits.

    Raises:
        ValueError: when the shapes do not fit, the reduction is unknown or the weight negative.

    Example:
        >>> logits, target = torch.zeros(1, 3, 1, 1), torch.tensor([[[2]]])
        >>> loss = auxiliary_binary_cross_entropy(logits, target, positive_weight=2.0)
        >>> round(loss.item(), 4)  # (1 + 1 + 2) log 2
        2.7726
    """
    check_number("positive_weight", positive_weight)
    first = max(n_old, _FIRST)
    if first > _FIRST:
        logits = torch.cat([logits[:, :_FIRST], logits[:, first:]], dim=1)
    is_new = (target >= first) & (target != VOID)
    terms = LabelSigmoid(VOID, positive_weight=positive_weight, ignored_is_negative=True)
    return label_loss(
        terms,
        logits,
        torch.where(is_new, target - first + _FIRST, VOID),
        ignore_index=VOID,
        reduction="mean_all" if reduction == "mean" else reduction,
    )


@dataclass(frozen=True)
class AuxiliaryClassification(Classification):
    """DKD's classification of all outputs; see :func:`auxiliary_binary_cross_entropy`.

    Args:
        positive_weight: g of step 0.
        positive_weight_later: g of later steps.

    Raises:
        ValueError: for a weight that is negative or not finite.
    """

    positive_weight: float = 2.0
    positive_weight_later: float = 1.0

    def __post_init__(self) -> None:
        check_number("positive_weight", self.positive_weight)
        check_number("positive_weight_later", self.positive_weight_later)

    def level(self, logits: Tensor, batch: StepBatch) -> Tensor:
        """The loss of one output."""
        weight = self.positive_weight if batch.n_old == 0 else self.positive_weight_later
        reduction: Reduction = "mean_all" if batch.weight is None else "none"
        loss = auxiliary_binary_cross_entropy(
            logits, batch.target, n_old=batch.n_old, positive_weight=weight, reduction=reduction
        )
        return loss if batch.weight is None else weighted_reduction(loss, batch.weight)


@dataclass(frozen=True)
class OldClassesTerm(TeacherTerm):
    """DKD's KD: the old classes' binary cross entropy with the teacher's sigmoids, by pixel.

    The sum over old classes and the mean over pixels at the label map's size (eq. 5); the auxiliary
    channel is left out.

    Args:
        weight: factor of the term; 5 as published.
    """

    name = "kd"

    def term(self, batch: StepBatch) -> Tensor:
        """The distillation of the main output."""
        return icarl_distillation(
            batch.output.logits[:, _FIRST:], batch.teacher.logits[:, _FIRST:], size=batch.size
        )


@dataclass(frozen=True)
class DecomposedTerm(TeacherTerm):
    """DKD's distillation of positive and negative reasoning (eq. 7 to 9).

    A logit is w+ f + w- f + b with w+ = max(w, 0) and w- = min(w, 0). Each part's sigmoid is
    distilled like a logit's, at the features' own size: the sum over old classes, the mean over
    pixels. Student and teacher give the parts as the taps "head+" and "head-".

    Args:
        weight: factor of either part; 5 as published.
    """

    name = "dkd"

    def __call__(self, batch: StepBatch) -> dict[str, Tensor]:
        """The weighted term by its name; at step 0 only the check that later steps can have it.

        Raises:
            ValueError: when the model does not return the parts.
        """
        for tap in ("head+", "head-"):
            _part(batch.output, tap)
        return super().__call__(batch)

    def term(self, batch: StepBatch) -> Tensor:
        """Both parts' distillation."""
        parts = [
            icarl_distillation(_part(batch.output, tap), _part(batch.teacher, tap))
            for tap in ("head+", "head-")
        ]
        return torch.stack(parts).sum()


def _part(output: DenseOutput, tap: str) -> Tensor:
    if tap not in output.features:
        known = ", ".join(output.features) or "none"
        raise ValueError(
            f"the model returns the feature maps {known}; the decomposed distillation needs "
            f"{tap!r}: use a SegmentationModel whose head is a convolution, such as head='1x1', "
            "and taps=('head', 'head+', 'head-')"
        )
    return output.features[tap][:, _FIRST:]
