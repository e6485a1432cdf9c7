"""Loss and prediction of an evaluation batch in one pass."""

import torch
from torch import Tensor

from avalanche_seg.kernels import EXP_SAFE_BOUND, compute_dtype, exp_, labelled_tiles, score_bound
from avalanche_seg.labels import VOID, ignored_label
from avalanche_seg.losses._checks import check_target
from avalanche_seg.losses.reduction import Reduction, check_reduction, reduced

__all__ = ["cross_entropy_and_labels"]


@torch.no_grad()
def cross_entropy_and_labels(
    logits: Tensor, target: Tensor, *, ignore_index: int = VOID, reduction: Reduction = "mean_all"
) -> tuple[Tensor, Tensor]:
    """The cross entropy of label maps, without gradient, and the labels predicted for them.

    Both need the logits at the size of the label map; this resizes them once.

    Args:
        logits: floating point, B x C x h x w, finite; resized bilinearly to the target.
        target: channels, int64, B x H x W, in 0..C-1 or ``ignore_index``.
        ignore_index: as in :func:`avalanche_seg.losses.cross_entropy`.
        reduction: as in :func:`avalanche_seg.losses.cross_entropy`.

    Returns:
        what :func:`avalanche_seg.losses.cross_entropy` and
        :func:`avalanche_seg.kernels.argmax.predicted_labels` return.

    Raises:
        ValueError: when the shapes do not fit or the reduction is unknown.

    Example:
        >>> logits = torch.tensor([0.0, 3.0]).log1p().view(1, 2, 1, 1)  # odds of 1 to 4
        >>> loss, labels = cross_entropy_and_labels(logits, torch.tensor([[[1]]]))
        >>> round(loss.item(), 4), labels.tolist()  # -log(4/5)
        (0.2231, [[[1]]])
    """
    check_reduction(reduction)
    size = check_target(logits, target)
    losses = torch.empty(target.shape, dtype=compute_dtype(logits), device=target.device)
    labels = torch.empty_like(target)
    valid = target != ignored_label(ignore_index, logits.shape[1])
    channels = torch.where(valid, target, 0)
    exp_is_safe = score_bound(logits) <= EXP_SAFE_BOUND
    for where, predicted, best, scores in labelled_tiles(logits, size, with_scores=True):
        assert scores is not None
        labels[where] = predicted
        of_label = scores.gather(1, channels[where].unsqueeze(1))
        exp_scores = exp_(scores if exp_is_safe else scores.sub_(best))
        log_sum = exp_scores.sum(dim=1, keepdim=True).log_()
        losses[where] = (log_sum if exp_is_safe else log_sum + best).sub_(of_label).squeeze(1)
    losses.masked_fill_(~valid, 0)
    loss = losses if reduction == "none" else losses.sum()
    return reduced(loss, reduction, n_pixels=target.numel(), valid=valid), labels
