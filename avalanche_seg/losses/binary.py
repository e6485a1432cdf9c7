"""Binary losses of LwF-MC: one detector per class, as in iCaRL."""

from torch import Tensor, nn

from avalanche_seg.kernels import LabelSigmoid, TeacherSigmoid
from avalanche_seg.labels import VOID, ignored_label
from avalanche_seg.losses._checks import check_target, check_teacher, label_loss, teacher_loss
from avalanche_seg.losses.criterion import LabelCriterion
from avalanche_seg.losses.reduction import Reduction, check_reduction

__all__ = [
    "BinaryCrossEntropy",
    "ICaRLDistillation",
    "binary_cross_entropy",
    "icarl_distillation",
]


def binary_cross_entropy(
    logits: Tensor, target: Tensor, *, ignore_index: int = VOID, reduction: Reduction = "mean_all"
) -> Tensor:
    """Sum over the channels of the binary cross entropy with the one-hot label.

    The classification loss of iCaRL (Rebuffi et al., CVPR 2017, algorithm 3) on pixels: with
    s = sigmoid(z), a pixel costs -log s_y - sum_{c != y} log(1 - s_c).

    Args:
        logits: floating point, B x C x H x W, or B x C x h x w: resized bilinearly to the target.
        target: channels, int64, B x H x W, in 0..C-1 or ``ignore_index``.
        ignore_index: label of pixels that cost nothing; 255 stands for 65535 where there are more
            than 255 channels.
        reduction: "mean" (over the pixels that are not ignored), "mean_all" (over all pixels),
            "sum" or "none" (B x H x W); see :func:`avalanche_seg.losses.reduction.reduced`.

    Returns:
        scalar, or B x H x W for "none"; float32, or float64 for float64 logits.

    Raises:
        ValueError: when the shapes do not fit or the reduction is unknown.

    Example:
        >>> import torch
        >>> target = torch.tensor([[[1]]])
        >>> round(binary_cross_entropy(torch.zeros(1, 3, 1, 1), target).item(), 4)  # 3 log 2
        2.0794
    """
    check_target(logits, target)
    ignore_index = ignored_label(ignore_index, logits.shape[1])
    return label_loss(
        LabelSigmoid(ignore_index),
        logits,
        target,
        ignore_index=ignore_index,
        reduction=reduction,
    )


def icarl_distillation(
    logits: Tensor,
    teacher_logits: Tensor,
    *,
    size: tuple[int, int] | None = None,
    reduction: Reduction = "mean_all",
) -> Tensor:
    """The distillation of iCaRL (Rebuffi et al., CVPR 2017, algorithm 3) on pixels.

    A pixel costs sum_{k<K} BCE(z_k, sigmoid(z'_k)) over the teacher's K channels.

    Args:
        logits: the student's, floating point, B x C x h x w.
        teacher_logits: floating point, B x K x h' x w', 1 <= K <= C; gets no gradient.
        size: (H, W) at which the loss is taken; default the student's own.
        reduction: "mean" or "mean_all" (every pixel counts, so both agree), "sum", "none"
            (B x H x W).

    Returns:
        scalar, or B x H x W for "none"; float32, or float64 for float64 logits.

    Raises:
        ValueError: when the shapes do not fit or the reduction is unknown.

    Example:
        >>> import torch
        >>> student, teacher = torch.zeros(1, 3, 1, 1), torch.zeros(1, 2, 1, 1)
        >>> round(icarl_distillation(student, teacher).item(), 4)  # 2 log 2
        1.3863
    """
    old = logits[:, : check_teacher(logits, teacher_logits)]
    return teacher_loss(TeacherSigmoid(), old, teacher_logits, size=size, reduction=reduction)


class BinaryCrossEntropy(LabelCriterion):
    """iCaRL's classification loss on pixels (Rebuffi et al., CVPR 2017, algorithm 3).

    Module of :func:`binary_cross_entropy`.

    Args:
        ignore_index: label of pixels that cost nothing.
        reduction: "mean_all" (over all pixels), "mean" (over those not ignored), "sum" or "none".

    Shape:
        - logits: floating point, B x C x h x w, at any stride.
        - target: channels, int64, B x H x W.
        - output: scalar, or B x H x W for "none"; float32, or float64 for float64 logits.

    Raises:
        ValueError: when the reduction is unknown; by ``forward``, when the shapes do not fit.

    Example:
        >>> import torch
        >>> criterion = BinaryCrossEntropy()
        >>> round(criterion(torch.zeros(1, 3, 1, 1), torch.tensor([[[1]]])).item(), 4)  # 3 log 2
        2.0794
    """

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the loss."""
        return binary_cross_entropy(
            logits, target, ignore_index=self.ignore_index, reduction=self.reduction
        )


class ICaRLDistillation(nn.Module):
    """iCaRL's distillation on pixels (Rebuffi et al., CVPR 2017, algorithm 3).

    Module of :func:`icarl_distillation`.

    Args:
        reduction: "mean_all" or "mean" (every pixel counts, so both agree), "sum" or "none".

    Shape:
        - logits: floating point, B x C x h x w.
        - teacher_logits: floating point, B x K x h' x w', 1 <= K <= C.
        - size: (H, W), default (h, w).
        - output: scalar, or B x H x W for "none"; float32, or float64 for float64 logits.

    Raises:
        ValueError: when the reduction is unknown; by ``forward``, when the shapes do not fit.

    Example:
        >>> import torch
        >>> student, teacher = torch.zeros(1, 3, 1, 1), torch.zeros(1, 2, 1, 1)
        >>> round(ICaRLDistillation()(student, teacher).item(), 4)  # 2 log 2
        1.3863
    """

    def __init__(self, *, reduction: Reduction = "mean_all") -> None:
        super().__init__()
        check_reduction(reduction)
        self.reduction: Reduction = reduction

    def forward(
        self, logits: Tensor, teacher_logits: Tensor, size: tuple[int, int] | None = None
    ) -> Tensor:
        """Compute the loss."""
        return icarl_distillation(logits, teacher_logits, size=size, reduction=self.reduction)
