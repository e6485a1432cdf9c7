"""Label-guided distillation, of LGKD."""

from dataclasses import dataclass

from torch import Tensor

from avalanche_seg.kernels import GuidedTerms
from avalanche_seg.labels import VOID
from avalanche_seg.losses._checks import check_target, check_teacher, label_loss
from avalanche_seg.losses.objective import StepBatch, TeacherTerm
from avalanche_seg.losses.reduction import Reduction, check_reduction
from avalanche_seg.system import check_number

__all__ = ["LabelGuidedDistillationTerm", "label_guided_distillation"]


def label_guided_distillation(
    logits: Tensor,
    target: Tensor,
    teacher_logits: Tensor,
    *,
    old_weight: float = 10.0,
    new_weight: float = 2.0,
    ignore_index: int = VOID,
    reduction: Reduction = "mean_all",
) -> Tensor:
    """The distillation of LGKD (Yang et al., ICCV 2023), told by the labels what is new.

    To the teacher the new classes are background, and the labels say where they are. The target is
    the teacher's probabilities q, 0 for new classes; at a pixel labelled with a new class n, q_n
    takes the place of q_0, which becomes 0. With p = softmax(z) over all C channels a pixel costs

    -w sum_k q_k log p_k,  w = ``new_weight`` where y >= K, else ``old_weight``

    Args:
        logits: the student's, floating point, B x C x h x w; resized bilinearly to the target.
        target: channels, int64, B x H x W, in 0..C-1 or ``ignore_index``; in LGKD pseudo-labels
            stand for the background.
        teacher_logits: floating point, B x K x h' x w', 1 <= K <= C; gets no gradient.
        old_weight: w of pixels labelled background or an old class.
        new_weight: w of pixels labelled with a new class.
        ignore_index: label of pixels that cost nothing.
        reduction: "mean" (over the pixels that are not ignored, as LGKD has it), "mean_all" (over
            all pixels), "sum" or "none" (B x H x W).

    Returns:
        scalar, or B x H x W for "none"; float32, or float64 for float64 logits.

    Raises:
        ValueError: when the shapes do not fit, a weight is negative or the reduction is unknown.

    Example:
        >>> import torch
        >>> student, teacher = torch.zeros(1, 3, 1, 2), torch.zeros(1, 2, 1, 1)
        >>> loss = label_guided_distillation(student, torch.tensor([[[0, 2]]]), teacher)
        >>> round(loss.item(), 4)  # (10 log 3 + 2 log 3) / 2
        6.5917
    """
    check_target(logits, target)
    check_teacher(logits, teacher_logits)
    terms = GuidedTerms(
        check_number("old_weight", old_weight),
        check_number("new_weight", new_weight),
        ignore_index=ignore_index,
    )
    return label_loss(
        terms,
        logits,
        target,
        teacher_logits=teacher_logits,
        ignore_index=ignore_index,
        reduction=reduction,
    )


@dataclass(frozen=True)
class LabelGuidedDistillationTerm(TeacherTerm):
    """LGKD's distillation on the main output; see :func:`label_guided_distillation`.

    Args:
        weight: factor of the term.
        old_weight: of pixels labelled background or an old class.
        new_weight: of pixels labelled with a new class.
        reduction: as in :func:`label_guided_distillation`.
    """

    old_weight: float = 10.0
    new_weight: float = 2.0
    reduction: Reduction = "mean"
    name = "lgkd"
    channels_are_classes = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("old_weight", self.old_weight)
        check_number("new_weight", self.new_weight)
        check_reduction(self.reduction)

    def term(self, batch: StepBatch) -> Tensor:
        """The distillation of the main output by the batch's labels."""
        return label_guided_distillation(
            batch.output.logits,
            batch.target,
            batch.teacher.logits,
            old_weight=self.old_weight,
            new_weight=self.new_weight,
            reduction=self.reduction,
        )
