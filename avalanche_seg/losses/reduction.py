"""How a map of pixel losses becomes a number."""

from typing import Literal, get_args

import torch
from torch import Tensor

__all__ = ["REDUCTIONS", "Reduction", "check_reduction", "reduced", "weighted_reduction"]

Reduction = Literal["mean", "mean_all", "sum", "none"]
"""How the losses of the pixels are reduced; see :func:`reduced`."""

REDUCTIONS: tuple[Reduction, ...] = get_args(Reduction)


def check_reduction(reduction: str) -> None:
    """Raise ValueError for an unknown reduction, listing the known ones."""
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"reduction={reduction!r} is unknown; expected one of {', '.join(REDUCTIONS)}"
        )


def reduced(
    loss: Tensor, reduction: Reduction, *, n_pixels: int, valid: Tensor | None = None
) -> Tensor:
    """Turn a sum over pixels into the wanted number.

    - "mean": sum / pixels that are not ignored, as in ``torch.nn.functional``; 0 when there is
      none, where torch gives nan.
    - "mean_all": sum / all pixels of the batch; ignored pixels add 0 and stay in the denominator,
      the convention of MiB's code and its followers.
    - "sum": the sum.
    - "none": no sum at all.

    Args:
        loss: the sum, a scalar; for "none" the map of pixels, 0 where ignored.
        reduction: one of ``REDUCTIONS``.
        n_pixels: all pixels of the batch.
        valid: bool, B x H x W; None when no pixel is ignored.

    Returns:
        scalar, or the map for "none".

    Raises:
        ValueError: for an unknown reduction.

    Example:
        >>> total, valid = torch.tensor(6.0), torch.tensor([[[True, False, True, False]]])
        >>> reduced(total, "mean", n_pixels=4, valid=valid).item()
        3.0
        >>> reduced(total, "mean_all", n_pixels=4, valid=valid).item()
        1.5
    """
    check_reduction(reduction)
    if reduction in ("sum", "none"):
        return loss
    if reduction == "mean_all" or valid is None:
        return loss / max(n_pixels, 1)
    return loss / torch.clamp(valid.sum(), min=1)


def weighted_reduction(
    loss_map: Tensor,
    weight: Tensor,
    *,
    reduction: Reduction = "mean_all",
    valid: Tensor | None = None,
) -> Tensor:
    """Reduce a map of pixel losses times a weight of every image or every pixel.

    For pseudo-labels, whose losses count as much as the labels are trusted: PLOP (Douillard et al.,
    CVPR 2021) weighs every image's cross entropy by its share of pixels with a confident
    pseudo-label. The weight is a factor on the loss and does not enter the denominator of a mean
    (torch's *class* weights do).

    Args:
        loss_map: floating point, B x H x W, 0 where ignored: a loss with ``reduction="none"``.
        weight: floating point, B or B x H x W.
        reduction: "mean_all" (over all pixels), "mean" (over those that are valid), "sum" or "none"
            (B x H x W).
        valid: bool, B x H x W, the pixels that are not ignored; None when all are valid.

    Returns:
        scalar, or B x H x W for "none"; dtype of the product. Differentiable with regard to the
        losses and the weight.

    Raises:
        ValueError: when the shapes do not fit or the reduction is unknown.

    Example:
        >>> losses = torch.tensor([[[1.0, 3.0]], [[4.0, 0.0]]])
        >>> weighted_reduction(losses, torch.tensor([1.0, 0.5])).item()  # (1 + 3 + 2 + 0) / 4
        1.5
    """
    if loss_map.ndim != 3 or weight.shape not in (loss_map.shape, loss_map.shape[:1]):
        raise ValueError(
            f"got loss_map {tuple(loss_map.shape)} and weight {tuple(weight.shape)}; expected "
            'B x H x W, as a loss with reduction="none" gives it, and B or B x H x W'
        )
    if valid is not None and valid.shape != loss_map.shape:
        raise ValueError(
            f"got valid {tuple(valid.shape)} for loss_map {tuple(loss_map.shape)}; expected the "
            "same shape"
        )
    weighted = loss_map * (weight if weight.ndim == 3 else weight.view(-1, 1, 1))
    loss = weighted if reduction == "none" else weighted.sum()
    return reduced(loss, reduction, n_pixels=loss_map.numel(), valid=valid)
