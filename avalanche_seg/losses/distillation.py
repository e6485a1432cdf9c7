"""Knowledge distillation on pixels."""

from torch import Tensor, nn

from avalanche_seg.kernels import SoftmaxTerms
from avalanche_seg.losses._checks import check_teacher, teacher_loss
from avalanche_seg.losses.reduction import check_reduction

__all__ = [
    "Distillation",
    "UnbiasedDistillation",
    "distillation",
    "unbiased_distillation",
]


def distillation(
    logits: Tensor,
    teacher_logits: Tensor,
    *,
    size: tuple[int, int] | None = None,
    alpha: float = 1.0,
    reduction: str = "mean",
) -> Tensor:
    """The distillation of LwF (Li and Hoiem, ECCV 2016), as MiB's comparison computes it.

    The student's probabilities are taken over the old channels alone: with K channels of the
    teacher and q = softmax(alpha z'), a pixel costs

    -(1/K) sum_{k<K} q_k log softmax(z_0..z_{K-1})_k

    Args:
        logits: the student's, floating point, B x C x h x w.
        teacher_logits: floating point, B x K x h' x w', 1 <= K <= C; gets no gradient.
        size: (H, W) at which the loss is taken, both maps resized bilinearly to it; default the
            student's own. The published methods take it at the image's size.
        alpha: factor on the teacher's logits.
        reduction: "mean" or "mean_valid" (all pixels count, so both agree), "sum", "none"
            (B x H x W).

    Returns:
        scalar, or B x H x W for "none"; float32, or float64 for float64 logits.

    Raises:
        ValueError: when the shapes do not fit or the reduction is unknown.

    Example:
        >>> import torch
        >>> teacher = torch.zeros(1, 2, 1, 1)
        >>> student = torch.zeros(1, 3, 1, 1)
        >>> round(distillation(student, teacher).item(), 4)  # -(log 1/2) / 2
        0.3466
    """
    n_old = check_teacher(logits, teacher_logits)
    # Without new channels the unbiased distillation is this one.
    return unbiased_distillation(
        logits[:, :n_old], teacher_logits, size=size, alpha=alpha, reduction=reduction
    )


def unbiased_distillation(
    logits: Tensor,
    teacher_logits: Tensor,
    *,
    size: tuple[int, int] | None = None,
    alpha: float = 1.0,
    reduction: str = "mean",
) -> Tensor:
    """The unbiased distillation of MiB (Cermelli et al., CVPR 2020, eq. 8 and 9).

    To the teacher, the new classes are background. So the student's background is compared as the
    union of background and new classes: with q = softmax(alpha z') over the teacher's K channels
    and lse = log-sum-exp, a pixel costs

    -(1/K) [ q_0 (lse(z_0, z_K..z_{C-1}) - lse(z)) + sum_{1<=k<K} q_k (z_k - lse(z)) ]

    Args:
        logits: the student's, floating point, B x C x h x w.
        teacher_logits: floating point, B x K x h' x w', 1 <= K <= C; gets no gradient.
        size: (H, W) at which the loss is taken, both maps resized bilinearly to it; default the
            student's own. The published methods take it at the image's size.
        alpha: factor on the teacher's logits.
        reduction: "mean" or "mean_valid" (all pixels count, so both agree), "sum", "none"
            (B x H x W).

    Returns:
        scalar, or B x H x W for "none"; float32, or float64 for float64 logits.

    Raises:
        ValueError: when the shapes do not fit or the reduction is unknown.

    Example:
        >>> import torch
        >>> teacher = torch.zeros(1, 2, 1, 1)
        >>> student = torch.zeros(1, 3, 1, 1)
        >>> round(unbiased_distillation(student, teacher).item(), 4)  # -(log 2/3 + log 1/3) / 4
        0.376
    """
    n_old = check_teacher(logits, teacher_logits)
    terms = SoftmaxTerms(n_old, classify=False)
    loss = teacher_loss(terms, logits, alpha * teacher_logits, size=size, reduction=reduction)
    return loss / n_old


class Distillation(nn.Module):
    """Module of :func:`distillation`."""

    def __init__(self, *, alpha: float = 1.0, reduction: str = "mean") -> None:
        super().__init__()
        check_reduction(reduction)
        self.alpha = alpha
        self.reduction = reduction

    def forward(
        self, logits: Tensor, teacher_logits: Tensor, size: tuple[int, int] | None = None
    ) -> Tensor:
        """Compute the loss; shapes as in :func:`distillation`."""
        return distillation(
            logits, teacher_logits, size=size, alpha=self.alpha, reduction=self.reduction
        )


class UnbiasedDistillation(nn.Module):
    """Module of :func:`unbiased_distillation`."""

    def __init__(self, *, alpha: float = 1.0, reduction: str = "mean") -> None:
        super().__init__()
        check_reduction(reduction)
        self.alpha = alpha
        self.reduction = reduction

    def forward(
        self, logits: Tensor, teacher_logits: Tensor, size: tuple[int, int] | None = None
    ) -> Tensor:
        """Compute the loss; shapes as in :func:`unbiased_distillation`."""
        return unbiased_distillation(
            logits, teacher_logits, size=size, alpha=self.alpha, reduction=self.reduction
        )
