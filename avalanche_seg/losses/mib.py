"""MiB's objective: its cross entropy and its distillation in one pass over the pixels."""

from torch import Tensor

from avalanche_seg.kernels import SoftmaxTerms, pixel_losses
from avalanche_seg.labels import VOID, ignored_label
from avalanche_seg.losses._checks import check_n_old, check_target, check_teacher, scaled
from avalanche_seg.losses.criterion import LabelCriterion
from avalanche_seg.losses.reduction import Reduction, check_reduction, reduced
from avalanche_seg.system import check_number

__all__ = ["MiBLoss", "mib_loss"]


def mib_loss(
    logits: Tensor,
    target: Tensor,
    teacher_logits: Tensor,
    *,
    n_old: int,
    teacher_scale: float = 1.0,
    ignore_index: int = VOID,
    reduction: Reduction = "mean_all",
) -> tuple[Tensor, Tensor]:
    """Unbiased cross entropy and unbiased distillation at the size of the label map, together.

    The two terms of MiB (Cermelli et al., CVPR 2020, eq. 3): the values and gradients of
    :func:`~avalanche_seg.losses.unbiased_cross_entropy` and
    :func:`~avalanche_seg.losses.unbiased_distillation`, which share the resize of the logits and
    their exponentials here. The objective is ce + lambda kd, lambda 10 as published.

    Args:
        logits: the student's, floating point, B x C x h x w; resized bilinearly to the target.
        target: channels, int64, B x H x W, in 0..C-1 or ``ignore_index``.
        teacher_logits: floating point, B x K x h' x w'; gets no gradient.
        n_old: K, the number of channels before this step, background included; 1..C.
        teacher_scale: factor on the teacher's logits, the inverse of a temperature.
        ignore_index: label of pixels without a cross entropy; the distillation counts every pixel.
        reduction: "mean_all" (over all pixels), "mean" (the cross entropy over those not ignored,
            the distillation over all), "sum" or "none" (B x H x W).

    Returns:
        (ce, kd): two scalars, or two maps B x H x W for "none"; float32, or float64 for float64
        logits. Both can be differentiated.

    Raises:
        ValueError: when the shapes do not fit each other or ``n_old``, or the reduction is unknown.

    Example:
        >>> import torch
        >>> student, teacher = torch.zeros(1, 3, 1, 1), torch.zeros(1, 2, 1, 1)
        >>> ce, kd = mib_loss(student, torch.tensor([[[0]]]), teacher, n_old=2)
        >>> round(ce.item(), 4), round(kd.item(), 4)  # -log(2/3) and -(log 2/3 + log 1/3) / 4
        (0.4055, 0.376)
    """
    check_reduction(reduction)
    size = check_target(logits, target)
    check_n_old(n_old, logits)
    if check_teacher(logits, teacher_logits) != n_old:
        raise ValueError(
            f"the teacher has {teacher_logits.shape[1]} channels and n_old={n_old}; expected the "
            "same number: the teacher is the model of the previous step"
        )
    ignore_index = ignored_label(ignore_index, logits.shape[1])
    ce, kd = pixel_losses(
        SoftmaxTerms(n_old, ignore_index=ignore_index),
        logits,
        size,
        target=target,
        teacher_logits=scaled(teacher_logits, teacher_scale),
        maps=reduction == "none",
    )
    valid = target != ignore_index if reduction == "mean" else None
    return (
        reduced(ce, reduction, n_pixels=target.numel(), valid=valid),
        reduced(kd, reduction, n_pixels=target.numel()) / n_old,
    )


class MiBLoss(LabelCriterion):
    """Both terms of MiB's objective (Cermelli et al., CVPR 2020, eq. 3); see :func:`mib_loss`.

    Args:
        teacher_scale: factor on the teacher's logits, the inverse of a temperature.
        ignore_index: label of pixels without a cross entropy; the distillation counts every pixel.
        reduction: "mean_all" (over all pixels), "mean" (the cross entropy over those not ignored),
            "sum" or "none".

    Shape:
        - logits: floating point, B x C x h x w, at any stride.
        - target: channels, int64, B x H x W.
        - teacher_logits: floating point, B x K x h' x w', 1 <= K <= C.
        - output: (ce, kd), two scalars, or two maps B x H x W for "none"; float32, or float64 for
          float64 logits.

    Raises:
        ValueError: when the reduction is unknown; by ``forward``, when the shapes do not fit.

    Example:
        >>> import torch
        >>> student, teacher = torch.zeros(1, 3, 1, 1), torch.zeros(1, 2, 1, 1)
        >>> ce, kd = MiBLoss()(student, torch.tensor([[[0]]]), teacher)
        >>> round((ce + 10 * kd).item(), 4)  # 0.4055 + 10 x 0.376
        4.1657
    """

    def __init__(
        self,
        *,
        teacher_scale: float = 1.0,
        ignore_index: int = VOID,
        reduction: Reduction = "mean_all",
    ) -> None:
        super().__init__(ignore_index=ignore_index, reduction=reduction)
        self.teacher_scale = check_number("teacher_scale", teacher_scale)

    def forward(
        self, logits: Tensor, target: Tensor, teacher_logits: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Compute both terms; K is the number of the teacher's channels."""
        return mib_loss(
            logits,
            target,
            teacher_logits,
            n_old=teacher_logits.shape[1],
            teacher_scale=self.teacher_scale,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )
