"""MiB's objective: its cross entropy and its distillation in one pass over the pixels."""

from torch import Tensor, nn

from avalanche_seg.kernels import SoftmaxTerms, pixel_losses
from avalanche_seg.labels import VOID
from avalanche_seg.losses._checks import check_n_old, check_target, check_teacher
from avalanche_seg.losses.reduction import check_reduction, reduced

__all__ = ["MiBLoss", "mib_loss"]


def mib_loss(
    logits: Tensor,
    target: Tensor,
    teacher_logits: Tensor,
    *,
    n_old: int,
    alpha: float = 1.0,
    ignore_index: int = VOID,
    reduction: str = "mean",
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
        alpha: factor on the teacher's logits.
        ignore_index: label of pixels without a cross entropy; the distillation counts every pixel.
        reduction: "mean" (over all pixels), "mean_valid" (the cross entropy over those not ignored,
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
    ce, kd = pixel_losses(
        SoftmaxTerms(n_old, ignore_index=ignore_index),
        logits,
        size,
        target=target,
        teacher_logits=alpha * teacher_logits,
        maps=reduction == "none",
    )
    valid = target != ignore_index if reduction == "mean_valid" else None
    return (
        reduced(ce, reduction, n_pixels=target.numel(), valid=valid),
        reduced(kd, reduction, n_pixels=target.numel()) / n_old,
    )


class MiBLoss(nn.Module):
    """Module of :func:`mib_loss`."""

    def __init__(
        self, *, alpha: float = 1.0, ignore_index: int = VOID, reduction: str = "mean"
    ) -> None:
        super().__init__()
        check_reduction(reduction)
        self.alpha = alpha
        self.ignore_index = ignore_index
        self.reduction = reduction

    def forward(
        self, logits: Tensor, target: Tensor, teacher_logits: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Compute both terms; K is the number of the teacher's channels."""
        return mib_loss(
            logits,
            target,
            teacher_logits,
            n_old=teacher_logits.shape[1],
            alpha=self.alpha,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )
