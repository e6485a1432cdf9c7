"""How a map of pixel losses becomes a number."""

import torch
from torch import Tensor

__all__ = ["REDUCTIONS", "check_reduction", "reduce_pixels"]

REDUCTIONS = ("mean", "mean_valid", "sum", "none")


def check_reduction(reduction: str) -> None:
    """Raise ValueError for an unknown reduction, listing the known ones."""
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"reduction={reduction!r} is unknown; expected one of {', '.join(REDUCTIONS)}"
        )


def reduce_pixels(loss: Tensor, reduction: str, *, valid: Tensor | None = None) -> Tensor:
    """Reduce a map of pixel losses.

    - "mean": sum / all pixels of the batch; ignored pixels add 0 and stay in the denominator (the
      convention of MiB's code and its followers).
    - "mean_valid": sum / pixels that are not ignored; 0 when there is none.
    - "sum": the sum.
    - "none": the map itself.

    Args:
        loss: floating point, B x H x W, 0 where ignored.
        reduction: one of ``REDUCTIONS``.
        valid: bool, B x H x W; None when no pixel is ignored.

    Returns:
        scalar, or the map for "none".

    Raises:
        ValueError: for an unknown reduction.
    """
    check_reduction(reduction)
    if reduction == "none":
        return loss
    total = loss.sum()
    if reduction == "sum":
        return total
    if reduction == "mean" or valid is None:
        return total / max(loss.numel(), 1)
    return total / torch.clamp(valid.sum(), min=1)
