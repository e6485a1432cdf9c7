"""Knowledge distillation on pixels."""

from torch import Tensor, nn

from avalanche_seg.kernels import SoftmaxTerms
from avalanche_seg.losses._checks import check_teacher, scaled, teacher_loss
from avalanche_seg.losses.reduction import Reduction, check_reduction
from avalanche_seg.system import check_number

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
    teacher_scale: float = 1.0,
    reduction: Reduction = "mean_all",
) -> Tensor:
    """The distillation of LwF (Li and Hoiem, ECCV 2016), as MiB's comparison computes it.

    The student's probabilities are taken over the old channels alone: with K channels of the
    teacher and q = softmax(a z'), a = ``teacher_scale``, a pixel costs

    -(1/K) sum_{k<K} q_k log softmax(z_0..z_{K-1})_k

    Args:
        logits: the student's, floating point, B x C x h x w.
        teacher_logits: floating point, B x K x h' x w', 1 <= K <= C; gets no gradient.
        size: (H, W) at which the loss is taken, both maps resized bilinearly to it; default the
            student's own. The published methods take it at the image's size.
        teacher_scale: factor on the teacher's logits, the inverse of a temperature.
        reduction: "mean" or "mean_all" (every pixel counts, so both agree), "sum", "none"
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
        logits[:, :n_old],
        teacher_logits,
        size=size,
        teacher_scale=teacher_scale,
        reduction=reduction,
    )


def unbiased_distillation(
    logits: Tensor,
    teacher_logits: Tensor,
    *,
    size: tuple[int, int] | None = None,
    teacher_scale: float = 1.0,
    reduction: Reduction = "mean_all",
) -> Tensor:
    """The unbiased distillation of MiB (Cermelli et al., CVPR 2020, eq. 8 and 9).

    To the teacher, the new classes are background. So the student's background is compared as the
    union of background and new classes: with q = softmax(a z') over the teacher's K channels,
    a = ``teacher_scale`` and lse = log-sum-exp, a pixel costs

    -(1/K) [ q_0 (lse(z_0, z_K..z_{C-1}) - lse(z)) + sum_{1<=k<K} q_k (z_k - lse(z)) ]

    Args:
        logits: the student's, floating point, B x C x h x w.
        teacher_logits: floating point, B x K x h' x w', 1 <= K <= C; gets no gradient.
        size: (H, W) at which the loss is taken, both maps resized bilinearly to it; default the
            student's own. The published methods take it at the image's size.
        teacher_scale: factor on the teacher's logits, the inverse of a temperature.
        reduction: "mean" or "mean_all" (every pixel counts, so both agree), "sum", "none"
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
    teacher = scaled(teacher_logits, teacher_scale)
    return teacher_loss(terms, logits, teacher, size=size, reduction=reduction) / n_old


class Distillation(nn.Module):
    """LwF's distillation on pixels (Li and Hoiem, ECCV 2016), over the old channels alone.

    Module of :func:`distillation`.

    Args:
        teacher_scale: factor on the teacher's logits, the inverse of a temperature.
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
        >>> round(Distillation()(student, teacher).item(), 4)  # -(log 1/2) / 2
        0.3466
    """

    _loss = staticmethod(distillation)

    def __init__(self, *, teacher_scale: float = 1.0, reduction: Reduction = "mean_all") -> None:
        super().__init__()
        check_reduction(reduction)
        self.teacher_scale = check_number("teacher_scale", teacher_scale)
        self.reduction: Reduction = reduction

    def forward(
        self, logits: Tensor, teacher_logits: Tensor, size: tuple[int, int] | None = None
    ) -> Tensor:
        """Compute the loss."""
        return self._loss(
            logits,
            teacher_logits,
            size=size,
            teacher_scale=self.teacher_scale,
            reduction=self.reduction,
        )


class UnbiasedDistillation(Distillation):
    """MiB's distillation (Cermelli et al., CVPR 2020, eq. 8 and 9).

    Module of :func:`unbiased_distillation`.

    Args:
        teacher_scale: factor on the teacher's logits, the inverse of a temperature.
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
        >>> round(UnbiasedDistillation()(student, teacher).item(), 4)  # -(log 2/3 + log 1/3) / 4
        0.376
    """

    _loss = staticmethod(unbiased_distillation)
