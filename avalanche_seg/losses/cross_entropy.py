"""Cross entropy on pixels: plain, and unbiased against the shift of the background."""

from torch import Tensor

from avalanche_seg.kernels import SoftmaxTerms
from avalanche_seg.labels import VOID, ignored_label
from avalanche_seg.losses._checks import check_n_old, check_target, label_loss
from avalanche_seg.losses.criterion import LabelCriterion
from avalanche_seg.losses.evaluation import cross_entropy_and_labels
from avalanche_seg.losses.reduction import Reduction
from avalanche_seg.system import check_whole

__all__ = [
    "CrossEntropy",
    "UnbiasedCrossEntropy",
    "cross_entropy",
    "unbiased_cross_entropy",
]


def cross_entropy(
    logits: Tensor, target: Tensor, *, ignore_index: int = VOID, reduction: Reduction = "mean_all"
) -> Tensor:
    """Pixel-wise cross entropy, -log p_y.

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
        >>> target = torch.tensor([[[0, 255]]])
        >>> round(cross_entropy(torch.zeros(1, 2, 1, 2), target).item(), 4)
        0.3466
    """
    check_target(logits, target)
    ignore_index = ignored_label(ignore_index, logits.shape[1])
    terms = SoftmaxTerms(1, distil=False, ignore_index=ignore_index)
    return label_loss(terms, logits, target, ignore_index=ignore_index, reduction=reduction)


def unbiased_cross_entropy(
    logits: Tensor,
    target: Tensor,
    *,
    n_old: int,
    ignore_index: int = VOID,
    reduction: Reduction = "mean_all",
) -> Tensor:
    """The unbiased cross entropy of MiB (Cermelli et al., CVPR 2020, eq. 5 and 6).

    At a later step the label background means "no class of this step", so its probability is that
    of the background or any old class. With K = ``n_old`` and lse = log-sum-exp, a pixel costs

    - y < K:  -(lse(z_0..z_{K-1}) - lse(z))
    - y >= K: -(z_y - lse(z))

    Args:
        logits: floating point, B x C x H x W, or B x C x h x w: resized bilinearly to the target.
        target: channels, int64, B x H x W, in 0..C-1 or ``ignore_index``.
        n_old: K, the number of channels before this step, background included; 1..C. With K = 1 the
            loss is the cross entropy.
        ignore_index: label of pixels that cost nothing; 255 stands for 65535 where there are more
            than 255 channels.
        reduction: "mean" (over the pixels that are not ignored), "mean_all" (over all pixels),
            "sum" or "none" (B x H x W); see :func:`avalanche_seg.losses.reduction.reduced`.

    Returns:
        scalar, or B x H x W for "none"; float32, or float64 for float64 logits.

    Raises:
        ValueError: when the shapes do not fit, ``n_old`` is out of range or the reduction unknown.

    Example:
        >>> import torch
        >>> logits = torch.zeros(1, 4, 1, 1)  # three old channels of probability 1/4 each
        >>> loss = unbiased_cross_entropy(logits, torch.tensor([[[0]]]), n_old=3)
        >>> round(loss.item(), 4)  # -log(3/4)
        0.2877
    """
    check_target(logits, target)
    check_n_old(n_old, logits)
    ignore_index = ignored_label(ignore_index, logits.shape[1])
    terms = SoftmaxTerms(n_old, distil=False, ignore_index=ignore_index)
    return label_loss(terms, logits, target, ignore_index=ignore_index, reduction=reduction)


class CrossEntropy(LabelCriterion):
    """Pixel-wise cross entropy, -log p_y; Module of :func:`cross_entropy`.

    Args:
        ignore_index: label of pixels that cost nothing.
        reduction: "mean_all" (over all pixels), "mean" (over those not ignored, as in torch), "sum"
            or "none".

    Shape:
        - logits: floating point, B x C x h x w, at any stride.
        - target: channels, int64, B x H x W.
        - output: scalar, or B x H x W for "none"; float32, or float64 for float64 logits.

    Raises:
        ValueError: when the reduction is unknown; by ``forward``, when the shapes do not fit.

    Example:
        >>> import torch
        >>> criterion = CrossEntropy(reduction="mean")
        >>> target = torch.tensor([[[0, 1], [1, 255]]])
        >>> round(criterion(torch.zeros(1, 2, 1, 1), target).item(), 4)  # log 2
        0.6931
    """

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the loss."""
        return cross_entropy(
            logits, target, ignore_index=self.ignore_index, reduction=self.reduction
        )

    def with_labels(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Loss and predicted labels of an evaluation batch, without gradient.

        Args:
            logits: as in ``forward``, finite.
            target: as in ``forward``.

        Returns:
            the loss, and the channels of highest score, int64, B x H x W.
        """
        return cross_entropy_and_labels(
            logits, target, ignore_index=self.ignore_index, reduction=self.reduction
        )


class UnbiasedCrossEntropy(LabelCriterion):
    """MiB's cross entropy (Cermelli et al., CVPR 2020, eq. 5 and 6).

    Module of :func:`unbiased_cross_entropy`.

    Args:
        n_old: K, the number of channels before this step, background included; a
            :class:`~avalanche_seg.training.SegmentationTemplate` sets it step by step, through
            :meth:`at_step`.
        ignore_index: label of pixels that cost nothing.
        reduction: "mean_all" (over all pixels), "mean" (over those not ignored), "sum" or "none".

    Shape:
        - logits: floating point, B x C x h x w, at any stride; C >= K.
        - target: channels, int64, B x H x W.
        - output: scalar, or B x H x W for "none"; float32, or float64 for float64 logits.

    Raises:
        ValueError: when the reduction is unknown; by ``forward``, when the shapes or ``n_old`` do
            not fit.

    Example:
        >>> import torch
        >>> criterion = UnbiasedCrossEntropy().at_step(3)
        >>> round(criterion(torch.zeros(1, 4, 1, 1), torch.tensor([[[0]]])).item(), 4)  # -log(3/4)
        0.2877
    """

    def __init__(
        self, *, n_old: int = 1, ignore_index: int = VOID, reduction: Reduction = "mean_all"
    ) -> None:
        super().__init__(ignore_index=ignore_index, reduction=reduction)
        self.n_old = check_whole("n_old", n_old, least=1)

    def at_step(self, n_old: int) -> LabelCriterion:
        """The loss of a step with ``n_old`` earlier channels: plain cross entropy at step 0."""
        if n_old == 0:
            return CrossEntropy(ignore_index=self.ignore_index, reduction=self.reduction)
        return UnbiasedCrossEntropy(
            n_old=n_old, ignore_index=self.ignore_index, reduction=self.reduction
        )

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the loss."""
        return unbiased_cross_entropy(
            logits,
            target,
            n_old=self.n_old,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )
