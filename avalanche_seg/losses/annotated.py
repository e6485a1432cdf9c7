"""Unbiased cross entropy for images that annotate different channels."""

import torch
from torch import Tensor

from avalanche_seg.kernels import AnnotatedTerms, SoftmaxTerms, compute_dtype, pixel_losses
from avalanche_seg.labels import BACKGROUND, VOID, ignored_label
from avalanche_seg.losses._checks import check_target
from avalanche_seg.losses.criterion import LabelCriterion
from avalanche_seg.losses.reduction import Reduction, check_reduction, reduced

__all__ = ["AnnotatedCrossEntropy", "annotated_cross_entropy"]

_IGNORED = -1  # A label that no order of the channels gives.


def annotated_cross_entropy(
    logits: Tensor,
    target: Tensor,
    annotated: Tensor,
    *,
    ignore_index: int = VOID,
    reduction: Reduction = "mean_all",
) -> Tensor:
    """The unbiased cross entropy with a set of annotated channels per image.

    An image annotates a set A of channels; its background may be any class outside A. So a pixel
    labelled background costs -log of the sum of p_c over the background and every c outside A, an
    annotated one -log p_y. With A = the new classes it is MiB's unbiased cross entropy (Cermelli et
    al., CVPR 2020, eq. 5 and 6), with A = all classes the cross entropy. It makes replay of
    exemplars strict: an exemplar keeps the labels it was stored with.

    Args:
        logits: floating point, B x C x H x W, or B x C x h x w: resized bilinearly to the target.
        target: channels, int64, B x H x W, in 0..C-1 or ``ignore_index``. A label that its image
            does not annotate counts as background.
        annotated: bool, B x C; row i holds the channels that image i annotates. The background's
            entry has no meaning.
        ignore_index: label of pixels that cost nothing; 255 stands for 65535 where there are more
            than 255 channels.
        reduction: "mean" (over the pixels that are not ignored), "mean_all" (over all pixels),
            "sum" or "none" (B x H x W); see :func:`avalanche_seg.losses.reduction.reduced`.

    Returns:
        scalar, or B x H x W for "none"; float32, or float64 for float64 logits.

    Raises:
        ValueError: when the shapes do not fit or the reduction is unknown.

    Example:
        >>> logits = torch.zeros(2, 4, 1, 1)  # every channel has probability 1/4
        >>> annotated = torch.tensor([[False, False, False, True], [False, True, True, True]])
        >>> loss = annotated_cross_entropy(
        ...     logits, torch.zeros(2, 1, 1, dtype=torch.long), annotated, reduction="none"
        ... )
        >>> [round(value, 4) for value in loss.flatten().tolist()]  # -log(3/4), -log(1/4)
        [0.2877, 1.3863]
    """
    check_reduction(reduction)
    check_target(logits, target)
    if annotated.shape != logits.shape[:2] or annotated.dtype != torch.bool:
        raise ValueError(
            f"got annotated {tuple(annotated.shape)} of {annotated.dtype} for logits "
            f"{tuple(logits.shape)}; expected bool, B x C"
        )
    outside = ~annotated
    outside[:, BACKGROUND] = True
    valid = target != ignored_label(ignore_index, logits.shape[1])
    sweep = _by_set if logits.device.type == "cpu" else _in_one_sweep
    loss = sweep(logits, target, outside, valid, reduction == "none")
    return reduced(loss, reduction, n_pixels=target.numel(), valid=valid)


def _in_one_sweep(
    logits: Tensor, target: Tensor, outside: Tensor, valid: Tensor, maps: bool
) -> Tensor:
    """The sum or the map of the losses; which channels are annotated stays on the device.

    A label that is not annotated counts as background: both are outside.
    """
    (loss,) = pixel_losses(
        AnnotatedTerms(_IGNORED),
        logits,
        (target.shape[-2], target.shape[-1]),
        target=torch.where(valid, target, _IGNORED),
        teacher_logits=outside[..., None, None].to(compute_dtype(logits)),
        maps=maps,
    )
    return loss


def _by_set(logits: Tensor, target: Tensor, outside: Tensor, valid: Tensor, maps: bool) -> Tensor:
    """The same in a sweep for every set of annotated channels, with the faster terms of MiB."""
    size = (target.shape[-2], target.shape[-1])
    loss = logits.new_zeros(target.shape if maps else (), dtype=compute_dtype(logits))
    for hidden in outside.unique(dim=0):
        images = (outside == hidden).all(dim=1).nonzero().squeeze(1)
        # With the hidden channels in front it is the unbiased cross entropy.
        order = torch.argsort(hidden, descending=True, stable=True)
        labels = torch.argsort(order)[torch.where(valid, target, BACKGROUND)[images]]
        (part,) = pixel_losses(
            SoftmaxTerms(int(hidden.sum()), distil=False, ignore_index=_IGNORED),
            logits[images][:, order],
            size,
            target=torch.where(valid[images], labels, _IGNORED),
            maps=maps,
        )
        loss = loss.index_add(0, images, part) if maps else loss + part
    return loss


class AnnotatedCrossEntropy(LabelCriterion):
    """Cross entropy of images that annotate different channels; see the function.

    Module of :func:`annotated_cross_entropy`, which generalises MiB's unbiased cross entropy
    (Cermelli et al., CVPR 2020, eq. 5 and 6).

    Args:
        ignore_index: label of pixels that cost nothing.
        reduction: "mean_all" (over all pixels), "mean" (over those not ignored), "sum" or "none".

    Shape:
        - logits: floating point, B x C x h x w, at any stride.
        - target: channels, int64, B x H x W.
        - annotated: bool, B x C.
        - output: scalar, or B x H x W for "none"; float32, or float64 for float64 logits.

    Raises:
        ValueError: when the reduction is unknown; by ``forward``, when the shapes do not fit.

    Example:
        >>> annotated = torch.tensor([[False, False, False, True]])
        >>> criterion, target = AnnotatedCrossEntropy(), torch.tensor([[[0]]])
        >>> round(criterion(torch.zeros(1, 4, 1, 1), target, annotated).item(), 4)  # -log(3/4)
        0.2877
    """

    def forward(self, logits: Tensor, target: Tensor, annotated: Tensor) -> Tensor:
        """Compute the loss."""
        return annotated_cross_entropy(
            logits,
            target,
            annotated,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )
